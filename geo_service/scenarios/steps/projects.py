"""A project put on a candidate of its ranking: the parcels, floors or new land become its own.

What siting puts to trial (`suitability.trial`) is made the plan: parcels count as built, floors
are given over to the project's fire class, and the project is one enterprise of the latest year.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd

from geo_service.crs import STORAGE_CRS
from geo_service.domain.subjects import floor_id
from geo_service.domain.vacancy import FREE_STATUSES
from geo_service.scenarios.changes import GEOMETRY
from geo_service.scenarios.drawn import drawn_shape
from geo_service.scenarios.refusal import refuse
from geo_service.scenarios.steps.additions import proposed_by
from geo_service.scenarios.steps.enterprises import ROUNDING, fill_floor
from geo_service.scenarios.steps.known import new_id
from geo_service.schema import SCHEMAS
from geo_service.suitability.candidates import CandidateKind
from geo_service.suitability.trial import tenant_values
from geo_service.wording import quoted, said

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from geo_service.plan import Plan
    from geo_service.scenarios.edits import PlaceProject
    from geo_service.scenarios.workbench import Workbench

FIELD = "candidate_id"


def place(bench: Workbench, edit: PlaceProject) -> None:
    """Put a project where it was ranked; refused where the place is not free, or too small."""
    kind, _, name = edit.candidate_id.partition(":")
    if kind not in set(CandidateKind) or not name:
        refuse(FIELD, quoted(edit.candidate_id), said("scenario.candidate_form"))
    wants_floors = edit.project.needs.floor_area_m2 is not None
    if (kind == CandidateKind.FLOORS) is not wants_floors:
        refuse(FIELD, quoted(edit.candidate_id), said("scenario.candidate_of_project"))
    row: dict[str, Any] = dict.fromkeys(SCHEMAS["enterprises"].columns)
    row |= tenant_values(bench.plan, edit.project)
    row["enterprise_id"] = new_id(bench, edit, "enterprises", "project")
    row |= {"source": proposed_by(edit), "illustrative": True, GEOMETRY: None}
    row["output_cny"] = edit.project.output_cny
    if kind == CandidateKind.FLOORS:
        row |= _on_floors(bench, edit, name)
    elif kind == CandidateKind.LAND:
        row |= _on_new_land(bench, edit)
    elif kind == CandidateKind.PARK:
        row |= _on_parcels(bench, edit, _parcels_of_park(bench, edit, name))
    else:
        row |= _on_parcels(
            bench, edit, name.split("+") if kind == CandidateKind.PARCELS else [name]
        )
    bench.add("enterprises", f"{row['enterprise_id']}/{row['year']}", row)


def _on_parcels(bench: Workbench, edit: PlaceProject, parcel_ids: list[str]) -> dict[str, Any]:
    needed_m2 = edit.project.needs.land_m2 or 0.0
    area_m2 = 0.0
    for parcel_id in parcel_ids:
        is_there = bench.has("parcels", parcel_id)
        if not is_there or bench.cell("parcels", parcel_id, "status") not in FREE_STATUSES:
            refuse(FIELD, quoted(parcel_id), said("scenario.free_parcel"))
        shape = bench.metric_shape("parcels", parcel_id)
        area_m2 += 0.0 if shape is None else float(shape.area)
    if area_m2 < needed_m2 * (1 - ROUNDING):
        found = said("scenario.offers", area=area_m2)
        refuse(FIELD, found, said("scenario.wanted", needed=needed_m2))
    for parcel_id in parcel_ids:
        bench.put("parcels", parcel_id, status="built")
        bench.follow("parcels", parcel_id, idle_since=None)
    park_id = bench.worked_out("parcels", parcel_ids[0], "park_id")
    return {"parcel_id": parcel_ids[0], "park_id": park_id, "land_m2": edit.project.needs.land_m2}


def _parcels_of_park(bench: Workbench, edit: PlaceProject, park_id: str) -> list[str]:
    """Return free parcels of a park, the largest first, until the project has its land."""
    free = [
        key
        for key in bench.keys_of("parcels", "park_id", park_id)
        if bench.cell("parcels", key, "status") in FREE_STATUSES
    ]
    areas = {key: getattr(bench.metric_shape("parcels", key), "area", 0.0) for key in free}
    chosen: list[str] = []
    for key in sorted(free, key=lambda key: (-areas[key], key)):
        if chosen and sum(areas[one] for one in chosen) >= (edit.project.needs.land_m2 or 0.0):
            break
        chosen.append(key)
    if not chosen:
        refuse(FIELD, quoted(edit.candidate_id), said("scenario.free_parcel"))
    return chosen


def _on_floors(bench: Workbench, edit: PlaceProject, name: str) -> dict[str, Any]:
    building_id, _, told = name.rpartition("/")
    numbers = told.split("+")
    if not building_id or not all(number.lstrip("-").isdecimal() for number in numbers):
        refuse(FIELD, quoted(edit.candidate_id), said("scenario.candidate_form"))
    needed_m2 = left_m2 = edit.project.needs.floor_area_m2 or 0.0
    for number in map(int, numbers):
        floor = floor_id(building_id, number)
        vacant = bench.cell("floors", floor, "vacant_m2") if bench.has("floors", floor) else None
        if not vacant:
            refuse(FIELD, quoted(floor), said("scenario.vacant_floor"))
        taken = min(left_m2, vacant)
        bench.see("floors", floor, "vacant_m2")
        fill_floor(bench, floor, taken, field=FIELD)
        if edit.project.fire_class is not None:
            bench.follow("floors", floor, fire_class=edit.project.fire_class)
        left_m2 -= taken
    if left_m2 > needed_m2 * ROUNDING:
        found = said("scenario.offers", area=needed_m2 - left_m2)
        refuse(FIELD, found, said("scenario.wanted", needed=needed_m2))
    return {
        "building_id": building_id,
        "floor_no": min(map(int, numbers)),
        "park_id": bench.worked_out("buildings", building_id, "park_id"),
        "floor_m2": needed_m2,
    }


def _on_new_land(bench: Workbench, edit: PlaceProject) -> dict[str, Any]:
    if edit.geometry is None:
        refuse("geometry", said("fault.none_given"), said("scenario.ground_of_candidate"))
    shape = drawn_shape(bench, edit.geometry, "parcels", field=GEOMETRY)
    metric = bench.to_metric(shape)
    area_m2 = 0.0 if metric is None else float(metric.area)
    needed_m2 = edit.project.needs.land_m2 or 0.0
    if area_m2 < needed_m2 * (1 - ROUNDING):
        found = said("scenario.offers", area=area_m2)
        refuse("geometry", found, said("scenario.wanted", needed=needed_m2))
    parcel_id = new_id(bench, edit, "parcels", "land")
    schemes = bench.plan.frame("parcels")["land_use_scheme"].dropna()
    row: dict[str, Any] = dict.fromkeys(SCHEMAS["parcels"].columns)
    row |= {
        "parcel_id": parcel_id,
        "land_use_scheme": "planning2023" if schemes.empty else schemes.mode().iloc[0],
        "status": "built",
        "area_m2": area_m2,
        "source": proposed_by(edit),
        "illustrative": True,
        GEOMETRY: shape,
    }
    bench.add("parcels", parcel_id, row)
    return {"parcel_id": parcel_id, "land_m2": edit.project.needs.land_m2}


def with_ground(plan: Plan, edit: PlaceProject) -> PlaceProject:
    """Return an edit with the ground of its candidate, where that is new land to be searched for.

    Any other edit, and one that has its ground, comes back as it is. An edit whose candidate the
    search does not find stays without.
    """
    if not edit.candidate_id.startswith(f"{CandidateKind.LAND}:") or edit.geometry is not None:
        return edit
    from datetime import date  # noqa: PLC0415 - rarely needed

    from geo_service.suitability.land.search import find_land  # noqa: PLC0415 - heavy
    from geo_service.zoning.rulebook import open_rulebook  # noqa: PLC0415

    rules = open_rulebook(plan.settings.rulebook_path)
    found = find_land(plan, edit.project, rules, as_of=date.today())  # noqa: DTZ011
    for candidate in found.candidates:
        if candidate.candidate_id == edit.candidate_id:
            return edit.model_copy(update={"geometry": _geojson(plan, candidate.geometry)})
    return edit


def _geojson(plan: Plan, shape: BaseGeometry) -> dict[str, Any]:
    in_degrees = gpd.GeoSeries([shape], crs=plan.metric_crs).to_crs(STORAGE_CRS)
    geometry: dict[str, Any] = in_degrees.iloc[0].__geo_interface__
    return {"type": geometry["type"], "coordinates": _lists(geometry["coordinates"])}


def _lists(part: Any) -> Any:  # noqa: ANN401 - nested tuples
    return [_lists(item) for item in part] if isinstance(part, tuple) else part
