"""Layout: parks against the urban development boundary (城镇开发边界)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import geopandas as gpd
import numpy as np
import shapely

from geo_service.domain.enterprises import active_enterprises
from geo_service.domain.subjects import is_any_illustrative
from geo_service.industry import are_within, belongs_to
from geo_service.model import Message, Quantity, Subject, Verdict
from geo_service.plan import rows_of
from geo_service.spatial.overlay import polygons_only
from geo_service.zoning.batch import RawFinding
from geo_service.zoning.check import (
    Case,
    Check,
    Closure,
    IndustryPrefix,
    Outcome,
    Parameters,
    no_zones,
    rows_where,
    text_or_none,
    whole_ground,
)
from geo_service.zoning.names import named_columns
from geo_service.zoning.zones import BOUNDARY, VILLAGE_LAND, mapped_zones

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from geo_service.plan import Plan


class BoundaryParameters(Parameters):
    """What may lie outside the boundary all the same, to be looked at: industries by prefix."""

    watch_industries: tuple[IndustryPrefix, ...] = ()
    existing: Literal["fail", "watch"] = "watch"
    """What it means that a park that stands lies outside; a new one fails."""


def in_development_boundary(case: Case, parameters: BoundaryParameters) -> Outcome:
    """A park lies inside the urban development boundary (城镇开发边界).

    Outside it a new park fails, one that stands is as the rule says, and one without a status
    is unknown. Parks of the industries that the rule names, and ground that a village plan lets
    people build on, are to be looked at.
    """
    outcome = Outcome.of("parks", case.parks)
    zones = mapped_zones(case.plan, BOUNDARY)
    if zones is None:
        outcome.singles += [
            no_zones(park_id, BOUNDARY, measure="area_outside") for park_id in case.parks["park_id"]
        ]
        return outcome
    home, county, village = case.plan.remember(
        "ground by the boundary",
        {"control_zones": frozenset({"kind", "geometry"}), "county": frozenset({"geometry"})},
        lambda: _grounds(case.plan, zones),
    )
    if county is None:
        home = shapely.transform(home, np.copy)  # to be prepared: threads share the plan's own
    else:
        # Another county's development boundary is not ours to judge by.
        home = shapely.union(home, shapely.difference(_envelope(case), county))
    shapely.prepare(home)
    lost = case.parks[~shapely.covers(home, case.parks.geometry.to_numpy())]
    shapes = lost.geometry.to_numpy()
    outside = polygons_only(shapely.difference(shapes, home))
    area_m2 = shapely.area(outside)
    is_out = area_m2 > 0
    is_noise = is_out & case.tolerance.is_noise(area_m2, area_m2 / shapely.area(shapes))
    outcome.below.update(lost["park_id"][is_noise])
    chosen = is_out & ~is_noise
    on_villages = polygons_only(shapely.intersection(outside[chosen], village))
    rests = polygons_only(shapely.difference(outside[chosen], village))
    rows = rows_of(rows_where(lost, chosen))
    for row, on_village, rest in zip(rows, on_villages, rests, strict=True):
        for part, (verdict, why) in (
            (rest, _outside_means(row, parameters)),
            (on_village, (Verdict.WATCH, "village")),
        ):
            if part.area > 0:
                outcome.singles.append(_boundary_finding(case, row["park_id"], part, verdict, why))
    return outcome


def _grounds(
    plan: Plan, zones: gpd.GeoDataFrame
) -> tuple[BaseGeometry, BaseGeometry | None, BaseGeometry]:
    """Return all ground inside the boundary, of the county (None if unknown) and of villages."""
    county = plan.metric("county").geometry.to_numpy()
    return (
        shapely.union_all(zones.geometry.to_numpy()),
        shapely.union_all(county) if len(county) else None,
        shapely.union_all(_shapes_of(plan, VILLAGE_LAND)),
    )


def _shapes_of(plan: Plan, kind: str) -> Any:  # noqa: ANN401 - an array of shapes
    """Return the shapes of a kind of zone, none where none is mapped."""
    zones = mapped_zones(plan, kind)
    return np.zeros(0, dtype=object) if zones is None else zones.geometry.to_numpy()


def _outside_means(row: Mapping[str, Any], parameters: BoundaryParameters) -> tuple[Verdict, str]:
    """Return what ground outside the boundary means for a park, and the reason's name."""
    if belongs_to(row["leading_industry"], parameters.watch_industries):
        return Verdict.WATCH, "agro"
    status = text_or_none(row["status"])
    if status is None:
        return Verdict.UNKNOWN, "status"
    if status in {"planned", "under_construction"}:
        return Verdict.FAIL, "boundary"
    return Verdict(parameters.existing), "existing"


_TITLES = MappingProxyType(
    {
        "boundary": "outside_development_boundary",
        "existing": "outside_existing",
        "agro": "outside_agro",
        "village": "outside_village",
        "status": "outside_status",
    }
)
_CURES = MappingProxyType({**_TITLES, "boundary": "cut_area"})


def _boundary_finding(
    case: Case, park_id: str, part: BaseGeometry, verdict: Verdict, why: str
) -> RawFinding:
    area_m2 = float(case.shared.area_m2([part])[0])
    share = area_m2 / case.shared.park_area_m2[park_id]
    values = {
        "area": Quantity(area_m2, "m²"),
        "share": share,
        "column": named_columns(["status"]),
        "rows": [park_id],
    }
    evidence: dict[str, Any] = {
        "measure": "area_outside",
        "value": area_m2,
        "unit": "m²",
        "threshold": 0,
        "share": share,
        "place": "",
        "computed": "area(park minus development_boundary)",
    }
    if verdict is Verdict.UNKNOWN:
        evidence |= {"missing_column": "parks.status", "missing_rows": [park_id]}
    return RawFinding(
        verdict=verdict,
        park_id=park_id,
        subject=Subject("parks", park_id),
        title=Message(f"finding.{_TITLES[why]}", values),
        evidence=evidence,
        cure=Message(f"cure.{_CURES[why]}", values),
        geometry=part,
        key="" if why in {"boundary", "existing"} else why,
    )


def outside_boundary(case: Case, parameters: BoundaryParameters) -> list[Closure]:
    """Return the ground that `in_development_boundary` closes to the case's enterprises, as new.

    It is all that lies outside, but for ground of village plans; nothing where all enterprises
    are of the industries that may lie there.
    """
    zones = mapped_zones(case.plan, BOUNDARY)
    if zones is None:
        unknown = no_zones("", BOUNDARY, measure="area_outside")
        return [Closure(verdict=Verdict.UNKNOWN, features=None, unknown=unknown)]
    codes = active_enterprises(case.plan)["industry_code"]
    watched = parameters.watch_industries
    if len(codes) and watched and are_within(codes, watched).all():
        return []
    # A county that says that it has no boundary at all has all its ground outside.
    around = zones if len(zones) else case.plan.metric("parks")
    inside = [*zones.geometry, *_shapes_of(case.plan, VILLAGE_LAND)]
    outside = shapely.difference(whole_ground(around), shapely.union_all(inside))
    is_made_up = is_any_illustrative(zones)
    features = gpd.GeoDataFrame(
        {"illustrative": [is_made_up]}, geometry=[outside], crs=case.plan.metric_crs
    )
    return [Closure(verdict=Verdict.FAIL, features=features)]


def _envelope(case: Case) -> BaseGeometry:
    """A box around all parks, with room to spare."""
    west, south, east, north = case.parks.total_bounds
    return shapely.box(west - 1, south - 1, east + 1, north + 1)


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "in_development_boundary": Check(
            BoundaryParameters, in_development_boundary, outside_boundary
        )
    }
)
