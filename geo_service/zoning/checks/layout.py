"""Layout: parks against each other, their township and the county."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geo_service.model import Message, Subject, Tier, Verdict
from geo_service.spatial.overlay import polygons_only
from geo_service.zoning.case import (
    Case,
    Check,
    Draft,
    NoParameters,
    Outcome,
    missing_value,
    text_or_none,
)

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry


def overlap(case: Case, _: NoParameters) -> Outcome:
    """No two parks overlap, a hosted park and its host excepted."""
    parks = case.plan.metric("parks")
    shapes = parks.geometry.to_numpy()
    ids = parks["park_id"].tolist()
    hosts = dict(zip(ids, map(text_or_none, parks["host_park_id"]), strict=True))
    selected = set(case.parks["park_id"])
    outcome = Outcome(checked=len(selected))
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    for first, second in zip(left, right, strict=True):
        if first >= second or not {ids[first], ids[second]} & selected:
            continue
        if ids[second] == hosts[ids[first]] or ids[first] == hosts[ids[second]]:
            continue
        part = polygons_only(np.array([shapes[first].intersection(shapes[second])]))[0]
        area_m2 = float(case.shared.area_m2([part])[0])
        areas = [case.shared.park_area_m2[ids[place]] for place in (first, second)]
        share = area_m2 / min(areas)
        if area_m2 <= 0:
            continue
        if case.tolerance.is_noise(np.array([area_m2]), np.array([share]))[0]:
            outcome.below_tolerance += 1
            continue
        for mine, other, whole in (
            (ids[first], ids[second], areas[0]),
            (ids[second], ids[first], areas[1]),
        ):
            if mine in selected:
                outcome.drafts.append(_overlap_draft(mine, other, area_m2, whole, part))
    return outcome


def _overlap_draft(
    mine: str, other: str, area_m2: float, whole_m2: float, part: BaseGeometry
) -> Draft:
    values = {"other": other, "area_m2": area_m2, "share": area_m2 / whole_m2}
    return Draft(
        verdict=Verdict.FAIL,
        park_id=mine,
        subject=Subject("parks", mine),
        title=Message("finding.parks_overlap", values),
        evidence={
            "measure": "overlap_area",
            "value": area_m2,
            "unit": "m²",
            "threshold": 0,
            "share": area_m2 / whole_m2,
            "other_park_id": other,
            "computed": "area(park ∩ other park)",
        },
        cure=Message("cure.cut_area", values),
        geometry=part,
        key=other,
    )


def in_township(case: Case, _: NoParameters) -> Outcome:
    """A building park lies inside its township, where the township's polygon is known."""
    outcome = Outcome()
    parks = case.parks[case.parks["tier"] == Tier.BUILDING_PARK]
    homes = _township_shapes(case)
    for park_id, code, shape in zip(
        parks["park_id"], parks["township_code"], parks.geometry, strict=True
    ):
        subject = Subject("parks", park_id)
        outcome.checked += 1
        if not text_or_none(code):
            outcome.drafts.append(
                missing_value(park_id=park_id, subject=subject, column="township_code")
            )
        elif code not in homes:
            outcome.drafts.append(_no_township_shape(park_id, code))
        else:
            _outside(case, outcome, park_id, shape, homes[code], kind="township", place=code)
    return outcome


def _no_township_shape(park_id: str, code: str) -> Draft:
    values = {"township": code}
    return Draft(
        verdict=Verdict.UNKNOWN,
        park_id=park_id,
        subject=Subject("parks", park_id),
        title=Message("finding.no_township_polygon", values),
        evidence={
            "measure": "area_outside",
            "value": None,
            "missing_column": "township_areas.geometry",
            "missing_rows": [code],
        },
        cure=Message("cure.add_township_polygon", values),
        key="missing",
    )


def _township_shapes(case: Case) -> dict[str, Any]:
    """Return township polygons by every code that a park may use for the township."""
    shapes: dict[str, Any] = {}
    areas = case.plan.metric("township_areas")
    shapes.update(zip(areas["township_code"], areas.geometry, strict=True))
    townships = case.plan.metric("townships")
    for code, shape in zip(townships["code"], townships.geometry, strict=True):
        if shape is not None and shape.geom_type != "Point":
            shapes.setdefault(code, shape)
    for code, other in zip(townships["code"], townships["alt_code"], strict=True):
        if code in shapes and text_or_none(other):
            shapes.setdefault(other, shapes[code])
    return shapes


def in_county(case: Case, _: NoParameters) -> Outcome:
    """A park lies inside the county, where the county's boundary is known."""
    outcome = Outcome()
    county: gpd.GeoDataFrame = case.plan.metric("county")
    if county.empty:
        return outcome
    home = shapely.union_all(county.geometry.to_numpy())
    for park_id, shape in zip(case.parks["park_id"], case.parks.geometry, strict=True):
        outcome.checked += 1
        place = case.plan.settings.county_code
        _outside(case, outcome, park_id, shape, home, kind="county", place=place)
    return outcome


def _outside(  # noqa: PLR0913 - one park against one home
    case: Case,
    outcome: Outcome,
    park_id: str,
    shape: BaseGeometry,
    home: BaseGeometry,
    *,
    kind: str,
    place: str,
) -> None:
    """Add the part of a park outside its home, unless it is noise."""
    part = polygons_only(np.array([shapely.difference(shape, home)]))[0]
    area_m2 = float(case.shared.area_m2([part])[0]) if not part.is_empty else 0.0
    if area_m2 <= 0:
        return
    share = area_m2 / case.shared.park_area_m2[park_id]
    if case.tolerance.is_noise(np.array([area_m2]), np.array([share]))[0]:
        outcome.below_tolerance += 1
        return
    values = {"area_m2": area_m2, "share": share, "place": place}
    outcome.drafts.append(
        Draft(
            verdict=Verdict.FAIL,
            park_id=park_id,
            subject=Subject("parks", park_id),
            title=Message(f"finding.outside_{kind}", values),
            evidence={
                "measure": "area_outside",
                "value": area_m2,
                "unit": "m²",
                "threshold": 0,
                "share": share,
                "place": place,
                "computed": f"area(park minus {kind})",
            },
            cure=Message("cure.cut_area", values),
            geometry=part,
        )
    )


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "overlap": Check(NoParameters, overlap),
        "in_township": Check(NoParameters, in_township),
        "in_county": Check(NoParameters, in_county),
    }
)
