"""Trial plans: the project put on ground and into floors, so that the review's checks judge it.

A trial plan holds nothing but what is on trial and what lies around it. Nothing is judged
here: `exclusion` puts the rules to these plans.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo_service.crs import STORAGE_CRS
from geo_service.domain.enterprises import latest_year
from geo_service.domain.subjects import subject_ids
from geo_service.plan import rows_of
from geo_service.schema import SCHEMAS
from geo_service.suitability.candidates import Candidate, CandidateKind
from geo_service.zoning.check import text_or_none

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from geo_service.plan import Plan
    from geo_service.suitability.project import Project

TOLD_OF_ENTERPRISES = (
    "tailings_pond",
    "mixing_only",
    "hazardous_chemicals",
    "catalogue_class",
    "energy_tce",
    "energy_review_number",
)
"""What a project says of itself as an enterprise's columns do, under the same names."""
ANY_YEAR = 2000
"""The year of the project's own row in a county that has no enterprises yet."""


@dataclass(frozen=True, kw_only=True)
class Footing:
    """A piece of ground that candidates stand on, judged once however many do."""

    geometry: BaseGeometry
    park_id: str | None
    is_parcel: bool = False
    row: Mapping[str, Any]
    """The columns of the parcel that it is, or that the building stands on."""


def footing_ids(candidate: Candidate) -> tuple[str, ...]:
    """Return the names of the ground that a candidate stands on: parcels, a building, itself."""
    if candidate.kind is CandidateKind.FLOORS:
        return (f"building {candidate.building_id}",)
    if candidate.kind is CandidateKind.LAND:
        return (candidate.candidate_id,)
    return tuple(f"parcel {parcel_id}" for parcel_id in candidate.members)


def floor_ids(candidate: Candidate) -> tuple[str, ...]:
    """Return the names of the floors that a candidate consists of; none of land."""
    if candidate.kind is not CandidateKind.FLOORS:
        return ()
    return tuple(f"floor {member}" for member in candidate.members)


@dataclass(frozen=True)
class Trials:
    """A project on trial on what candidates consist of; each plan is made when it is asked for."""

    plan: Plan
    candidates: Sequence[Candidate]
    project: Project

    @cached_property
    def footings(self) -> dict[str, Footing]:
        """The ground that the candidates stand on, by its name."""
        return _footings_of(self.plan, self.candidates)

    @cached_property
    def floors(self) -> list[str]:
        """The floors that the candidates consist of, each once, as building/number."""
        ids = (floor_id for candidate in self.candidates for floor_id in floor_ids(candidate))
        return [floor_id.removeprefix("floor ") for floor_id in dict.fromkeys(ids)]

    @cached_property
    def on_ground(self) -> Plan:
        """The ground alone, each piece a parcel, with the project on each."""
        return _plan_of_parcels(self.plan, self.footings, self.project)

    @cached_property
    def as_parks(self) -> Plan:
        """Pieces of ground as new parks that the project leads."""
        return _plan_of_parks(self.plan, self.footings, self.project)

    @cached_property
    def on_floors(self) -> Plan:
        """The buildings of the floors, the project on each floor."""
        return _plan_of_tenancies(self.plan, self.floors, self.project)


def _footings_of(plan: Plan, candidates: Sequence[Candidate]) -> dict[str, Footing]:
    parcels, buildings = plan.metric("parcels"), plan.frame("buildings")
    parcel_of = dict(zip(buildings["building_id"], buildings["parcel_id"], strict=True))
    wanted = {
        name if kind == "parcel" else parcel_of.get(name)
        for candidate in candidates
        for kind, _, name in (footing_id.partition(" ") for footing_id in footing_ids(candidate))
    }
    parcels = parcels[parcels["parcel_id"].isin(wanted - {None})]
    by_parcel = {
        row["parcel_id"]: Footing(
            geometry=shape, park_id=text_or_none(row["park_id"]), is_parcel=True, row=row
        )
        for row, shape in zip(rows_of(parcels), parcels.geometry, strict=True)
    }
    footings: dict[str, Footing] = {}
    for candidate in candidates:
        for footing_id in footing_ids(candidate):
            kind, _, name = footing_id.partition(" ")
            if candidate.kind is CandidateKind.LAND:
                footing = Footing(geometry=candidate.geometry, park_id=None, row={})
            elif kind == "parcel":
                footing = by_parcel[name]
            else:
                below = by_parcel.get(parcel_of.get(name))
                footing = Footing(
                    geometry=candidate.geometry,
                    park_id=candidate.park_id,
                    row=below.row if below else {},
                )
            footings[footing_id] = footing
    return footings


def _plan_of_parcels(plan: Plan, footings: Mapping[str, Footing], project: Project) -> Plan:
    """Return a plan of the ground alone, each piece a parcel, with the project on each.

    A free parcel counts as built, as it will be. A building stands for the floors in it: what
    a parcel must offer as a whole is not asked of them.
    """
    ids, pieces = list(footings), list(footings.values())
    columns = SCHEMAS["parcels"].columns
    parcels: dict[str, list[Any]] = {
        name: [footing.row.get(name) for footing in pieces] for name in columns
    }
    parcels |= {
        "parcel_id": ids,
        "park_id": [footing.park_id for footing in pieces],
        "status": ["built" if footing.is_parcel else "vacant" for footing in pieces],
        "investment_cny": [None] * len(ids),
    }
    tenants: dict[str, list[Any]] = {
        "park_id": [footing.park_id for footing in pieces],
        # A rule's exceptions for industries ask which enterprises a parcel holds.
        "parcel_id": ids,
        "output_cny": [project.output_cny] * len(ids),
        "land_m2": [project.needs.land_m2 if footing.is_parcel else 0.0 for footing in pieces],
    }
    in_degrees = _in_degrees(plan, footings)
    enterprises = _tenants(plan, project, ids, tenants)
    frames = {
        "parcels": gpd.GeoDataFrame(
            _rows_like("parcels", parcels), geometry=in_degrees, crs=STORAGE_CRS
        ),
        "enterprises": gpd.GeoDataFrame(enterprises, geometry=in_degrees, crs=STORAGE_CRS),
    }
    return plan.with_layers(frames, label=f"trial of {project.name}")


def _plan_of_parks(plan: Plan, footings: Mapping[str, Footing], project: Project) -> Plan:
    """Return a plan whose parks are pieces of ground: new parks that the project leads.

    Each has the tier of the park that it lies in, which a rule's scope may ask for.
    """
    rows = {row["park_id"]: row for row in rows_of(plan.frame("parks"))}
    around = [rows.get(footing.park_id, {}) for footing in footings.values()]
    values: dict[str, list[Any]] = {"park_id": list(footings), "name": list(footings)}
    values["tier"] = [row.get("tier") for row in around]
    values["leading_industry"] = [project.industry_code] * len(around)
    values["status"] = ["planned"] * len(around)
    in_degrees = _in_degrees(plan, footings)
    parks = gpd.GeoDataFrame(_rows_like("parks", values), geometry=in_degrees, crs=STORAGE_CRS)
    return plan.with_layers({"parks": parks}, label="ground as parks")


def _plan_of_tenancies(plan: Plan, members: Sequence[str], project: Project) -> Plan:
    """Return a plan of the buildings of these floors (building/number), the project on each.

    These floors are given over to the project's fire class, whatever they were built for.
    """
    floors = plan.frame("floors")
    names = pd.Series(subject_ids("floors", floors), index=floors.index, dtype="str")
    is_on_trial = names.isin(members)
    on_trial = floors[is_on_trial]
    standing = floors[floors["building_id"].isin(on_trial["building_id"])]
    letters = (
        standing["fire_class"]
        .astype("object")
        .mask(is_on_trial[standing.index], project.fire_class)
    )
    buildings = plan.frame("buildings")
    parks = dict(zip(buildings["building_id"], buildings["park_id"], strict=True))
    building_ids = on_trial["building_id"].tolist()
    ids = [f"floor {name}" for name in names[on_trial.index]]
    values: dict[str, list[Any]] = {
        "park_id": [text_or_none(parks.get(building_id)) for building_id in building_ids],
        "building_id": building_ids,
        "floor_no": on_trial["floor_no"].tolist(),
    }
    table = _tenants(plan, project, ids, values)
    nowhere = gpd.GeoSeries(np.full(len(ids), None), crs=STORAGE_CRS)
    enterprises = gpd.GeoDataFrame(table, geometry=nowhere, crs=STORAGE_CRS)
    frames = {"floors": standing.assign(fire_class=letters), "enterprises": enterprises}
    return plan.with_layers(frames, label=f"tenancy of {project.name}")


def _in_degrees(plan: Plan, footings: Mapping[str, Footing]) -> gpd.GeoSeries:
    """Return the shapes of ground in the storage CRS."""
    shapes = np.array([footing.geometry for footing in footings.values()], dtype=object)
    return gpd.GeoSeries(shapes, crs=plan.metric_crs).to_crs(STORAGE_CRS)


def _tenants(
    plan: Plan, project: Project, ids: Sequence[str], values: Mapping[str, list[Any]]
) -> pd.DataFrame:
    """Return the project as one enterprise of the latest year per piece, without geometry."""
    same = tenant_values(plan, project)
    every = {name: [value] * len(ids) for name, value in same.items()}
    return _rows_like("enterprises", {"enterprise_id": list(ids), **every, **values})


def tenant_values(plan: Plan, project: Project) -> dict[str, Any]:
    """Return what a project says of itself as an enterprise's row of the latest year does."""
    year = latest_year(plan)
    return {
        "year": ANY_YEAR if year is None else year,
        "name": project.name,
        "industry_code": project.industry_code,
        "status": "operating",
        # The law forbids expansion as it forbids new projects.
        "is_new": True,
        "discharges_wastewater": project.is_discharging,
        "heavy_polluter": project.heavy_polluter,
        **{name: getattr(project, name) for name in TOLD_OF_ENTERPRISES},
    }


def _rows_like(layer: str, values: Mapping[str, list[Any]]) -> pd.DataFrame:
    """Return rows with every column of a layer, those not given without values."""
    rows = len(next(iter(values.values())))
    columns = SCHEMAS[layer].columns
    return pd.DataFrame({name: values.get(name, [None] * rows) for name in columns})
