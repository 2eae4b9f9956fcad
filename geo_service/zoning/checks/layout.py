"""Layout: parks against each other, their township and the county.

Their papers and approved limits stand in `approval`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import geopandas as gpd
import numpy as np
import shapely
from pydantic import Field

from geo_service.model import Message, Quantity, Subject, Tier, Verdict
from geo_service.plan import rows_of
from geo_service.spatial.overlay import polygons_only
from geo_service.zoning.batch import RawFinding
from geo_service.zoning.check import (
    Case,
    Check,
    NoParameters,
    Outcome,
    Parameters,
    missing_value,
    park_unknown,
    text_or_none,
)
from geo_service.zoning.names import named_columns, named_county, named_park, named_township

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from geo_service.plan import Plan


GUEST_SHARE = 0.5
"""From this share inside its host on, a hosted park is a guest and not an overlap."""


def overlap(case: Case, _: NoParameters) -> Outcome:
    """No two parks overlap; a hosted park that lies mostly inside its host is excepted."""
    parks = case.plan.metric("parks")
    shapes = parks.geometry.to_numpy()
    ids = parks["park_id"].tolist()
    hosts = dict(zip(ids, map(text_or_none, parks["host_park_id"]), strict=True))
    selected = set(case.parks["park_id"])
    outcome = Outcome.of("parks", case.parks)
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    for first, second in zip(left, right, strict=True):
        if first >= second or not {ids[first], ids[second]} & selected:
            continue
        part = polygons_only(np.array([shapes[first].intersection(shapes[second])]))[0]
        area_m2 = float(case.shared.area_m2([part])[0])
        areas = [case.shared.park_area_m2[ids[position]] for position in (first, second)]
        guests = [
            whole_m2
            for mine, other, whole_m2 in zip((first, second), (second, first), areas, strict=True)
            if hosts[ids[mine]] == ids[other]
        ]
        if any(area_m2 >= GUEST_SHARE * whole_m2 for whole_m2 in guests):
            continue  # a guest mostly inside its host; the rule on hosts speaks of the rest
        share = area_m2 / min(areas)
        if area_m2 <= 0:
            continue
        if case.tolerance.is_noise(np.array([area_m2]), np.array([share]))[0]:
            outcome.below[None] += 1
            continue
        for mine, other, whole in (
            (ids[first], ids[second], areas[0]),
            (ids[second], ids[first], areas[1]),
        ):
            if mine in selected:
                outcome.singles.append(_overlap_finding(case, mine, other, area_m2, whole, part))
    return outcome


def _overlap_finding(
    case: Case, mine: str, other: str, area_m2: float, whole_m2: float, part: BaseGeometry
) -> RawFinding:
    values = {
        "other": named_park(case.plan, other),
        "area": Quantity(area_m2, "m²"),
        "share": area_m2 / whole_m2,
    }
    return RawFinding(
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
    """A building park lies inside its township, where the township's polygon is known.

    One that has a host lies where its host is, and an enclave is judged for itself.
    """
    outcome = Outcome()
    parks = case.parks[case.parks["tier"] == Tier.BUILDING_PARK]
    homes = township_shapes(case.plan)
    for park_id, code, host, shape in zip(
        parks["park_id"],
        parks["township_code"],
        parks["host_park_id"],
        parks.geometry,
        strict=True,
    ):
        subject = Subject("parks", park_id)
        is_elsewhere = bool(text_or_none(host)) or _is_declared_enclave(case, park_id)
        if is_elsewhere and text_or_none(code):
            continue
        outcome.judge_park(park_id)
        if not text_or_none(code):
            outcome.singles.append(
                missing_value(park_id=park_id, subject=subject, column="township_code")
            )
        elif code not in homes:
            outcome.singles.append(_no_township_shape(case, park_id, code))
        else:
            add_outside(
                case,
                outcome,
                park_id,
                shape,
                homes[code],
                kind="township",
                code=code,
                verdict=Verdict.WATCH,
                cure="cross_township",
            )
    return outcome


def _no_township_shape(case: Case, park_id: str, code: str) -> RawFinding:
    return park_unknown(
        park_id,
        measure="area_outside",
        missing=("township_areas.geometry", code),
        title="no_township_polygon",
        cure="add_township_polygon",
        values={"township": named_township(case.plan, code)},
    )


def township_shapes(plan: Plan) -> dict[str, Any]:
    """Return township polygons by every code that a park may use for the township."""
    shapes: dict[str, Any] = {}
    areas = plan.metric("township_areas")
    shapes.update(zip(areas["township_code"], areas.geometry, strict=True))
    townships = plan.metric("townships")
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
    boundary: gpd.GeoDataFrame = case.plan.metric("county")
    county_code = case.plan.settings.county_code
    if boundary.empty:
        outcome.judge_rows("parks", case.parks)
        outcome.singles += [_no_county(park_id, county_code) for park_id in case.parks["park_id"]]
        return outcome
    home = shapely.union_all(boundary.geometry.to_numpy())
    for park_id, shape in zip(case.parks["park_id"], case.parks.geometry, strict=True):
        if _is_declared_enclave(case, park_id):
            continue  # judged by the enclave rule instead
        outcome.judge_park(park_id)
        add_outside(case, outcome, park_id, shape, home, kind="county", code=county_code)
    return outcome


def _no_county(park_id: str, county_code: str) -> RawFinding:
    return park_unknown(
        park_id,
        measure="area_outside",
        missing=("county.geometry", county_code),
        title="no_county",
        cure="add_county",
        values={"place": county_code},
    )


def add_outside(  # noqa: PLR0913 - one park against one home
    case: Case,
    outcome: Outcome,
    park_id: str,
    shape: BaseGeometry,
    home: BaseGeometry,
    *,
    kind: str,
    code: str,
    verdict: Verdict = Verdict.FAIL,
    cure: str = "cut_area",
) -> None:
    """Add the part of a park outside its home, unless it is noise."""
    part = polygons_only(np.array([shapely.difference(shape, home)]))[0]
    area_m2 = float(case.shared.area_m2([part])[0]) if not part.is_empty else 0.0
    if area_m2 <= 0:
        return
    share = area_m2 / case.shared.park_area_m2[park_id]
    if case.tolerance.is_noise(np.array([area_m2]), np.array([share]))[0]:
        outcome.below[park_id] += 1
        return
    naming = {"township": named_township, "host": named_park}
    values = {
        "area": Quantity(area_m2, "m²"),
        "share": share,
        "place": naming[kind](case.plan, code) if kind in naming else named_county(case.plan),
    }
    outcome.singles.append(
        RawFinding(
            verdict=verdict,
            park_id=park_id,
            subject=Subject("parks", park_id),
            title=Message(f"finding.outside_{kind}", values),
            evidence={
                "measure": "area_outside",
                "value": area_m2,
                "unit": "m²",
                "threshold": 0,
                "share": share,
                "place": code,
                "computed": f"area(park minus {kind})",
            },
            cure=Message(f"cure.{cure}", values),
            geometry=part,
        )
    )


def _is_declared_enclave(case: Case, park_id: str) -> bool:
    """Whether a park names partner and sharing terms, and so may lie outside the county."""

    def make() -> frozenset[str]:
        parks = case.plan.frame("parks")
        terms = zip(*(parks[name] for name in _ENCLAVE_COLUMNS), strict=True)
        is_enclave = [all(map(text_or_none, each)) for each in terms]
        return frozenset(parks["park_id"][is_enclave])

    reads = {"parks": frozenset({"park_id", *_ENCLAVE_COLUMNS})}
    return park_id in case.plan.remember("enclaves", reads, make)


def in_host(case: Case, _: NoParameters) -> Outcome:
    """A park that names a host lies inside it."""
    outcome = Outcome()
    parks = case.plan.metric("parks").set_index("park_id")
    for park_id, host in zip(case.parks["park_id"], case.parks["host_park_id"], strict=True):
        if not text_or_none(host):
            continue
        outcome.judge_park(park_id)
        shape, home = parks.geometry[park_id], parks.geometry[host]
        add_outside(case, outcome, park_id, shape, home, kind="host", code=host)
    return outcome


class DeclaredAreaParameters(Parameters):
    """How far the declared area may be from the measured one, as a share of the measured."""

    difference: float = Field(default=0.05, ge=0)


def declared_area(case: Case, parameters: DeclaredAreaParameters) -> Outcome:
    """A park's declared area agrees with the measured one."""
    outcome = Outcome.of("parks", case.parks)
    for park_id, declared_ha, shape in zip(
        case.parks["park_id"], case.parks["declared_area_ha"], case.parks.geometry, strict=True
    ):
        subject = Subject("parks", park_id)
        if np.isnan(declared_ha):
            outcome.singles.append(
                missing_value(park_id=park_id, subject=subject, column="declared_area_ha")
            )
            continue
        measured_ha = case.shared.park_area_m2[park_id] / 1e4
        difference = abs(declared_ha - measured_ha) / measured_ha
        if difference <= parameters.difference:
            continue
        values = {
            "declared": Quantity(declared_ha, "ha", beside=measured_ha),
            "measured": Quantity(measured_ha, "ha", beside=declared_ha),
            "share": difference,
        }
        outcome.singles.append(
            RawFinding(
                verdict=Verdict.WATCH,
                park_id=park_id,
                subject=subject,
                title=Message("finding.declared_area", values),
                evidence={
                    "measure": "declared_area_difference",
                    "value": difference,
                    "unit": "share",
                    "threshold": parameters.difference,
                    "declared_ha": declared_ha,
                    "measured_ha": measured_ha,
                    "area_method": case.plan.settings.area_method.value,
                    "computed": "|declared - measured| / measured",
                },
                cure=Message("cure.declared_area", values),
                geometry=shape,
            )
        )
    return outcome


class MinimumAreaParameters(Parameters):
    """The smallest area of a park in hectares, by tier, and what a smaller one means."""

    minimum_ha: dict[Tier, float] = Field(min_length=1)
    verdict: Literal["fail", "watch"] = "watch"


def minimum_area(case: Case, parameters: MinimumAreaParameters) -> Outcome:
    """A park is not smaller than the minimum of its tier."""
    outcome = Outcome()
    for park_id, tier, shape in zip(
        case.parks["park_id"], case.parks["tier"], case.parks.geometry, strict=True
    ):
        minimum_ha = parameters.minimum_ha.get(Tier(tier))
        if minimum_ha is None:
            continue
        outcome.judge_park(park_id)
        measured_ha = case.shared.park_area_m2[park_id] / 1e4
        if measured_ha >= minimum_ha:
            continue
        values = {
            "measured": Quantity(measured_ha, "ha", beside=minimum_ha),
            "minimum": Quantity(minimum_ha, "ha"),
        }
        outcome.singles.append(
            RawFinding(
                verdict=Verdict(parameters.verdict),
                park_id=park_id,
                subject=Subject("parks", park_id),
                title=Message("finding.minimum_area", values),
                evidence={
                    "measure": "area",
                    "value": measured_ha,
                    "unit": "ha",
                    "threshold": minimum_ha,
                    "area_method": case.plan.settings.area_method.value,
                },
                cure=Message("cure.minimum_area", values),
                geometry=shape,
            )
        )
    return outcome


class EnclaveParameters(Parameters):
    """From which share outside the county a park's part counts as an enclave."""

    share: float = Field(default=0.5, gt=0, le=1)


def enclave(case: Case, parameters: EnclaveParameters) -> Outcome:
    """A park with a part mostly outside the county names partner and sharing terms (飞地).

    An enclave is cooperation between administrative areas: a park across the line between two
    townships is none.
    """
    outcome = Outcome.of("parks", case.parks)
    county = case.plan.metric("county")
    if county.empty:
        county_code = case.plan.settings.county_code
        outcome.singles += [_no_county(park_id, county_code) for park_id in case.parks["park_id"]]
        return outcome
    home = shapely.union_all(county.geometry.to_numpy())
    shapely.prepare(home)
    away = case.parks[~shapely.covers(home, case.parks.geometry.to_numpy())]
    for row, shape in zip(rows_of(away), away.geometry, strict=True):
        parts = [
            part
            for part in shapely.get_parts(shape)
            if shapely.difference(part, home).area > parameters.share * part.area
        ]
        area_m2 = np.array([sum(part.area for part in parts)])
        if parts and case.tolerance.is_noise(area_m2, area_m2 / shape.area)[0]:
            outcome.below[row["park_id"]] += 1
            continue
        lacking = [name for name in _ENCLAVE_COLUMNS if not text_or_none(row[name])]
        if parts and lacking:
            outcome.singles.append(_enclave_finding(row["park_id"], parts, lacking))
    return outcome


_ENCLAVE_COLUMNS = ("enclave_partner", "enclave_terms")


def _enclave_finding(park_id: str, parts: list[BaseGeometry], lacking: list[str]) -> RawFinding:
    area_m2 = float(sum(part.area for part in parts))
    values = {
        "area": Quantity(area_m2, "m²"),
        "columns": named_columns(lacking),
        "parts": len(parts),
    }
    return RawFinding(
        verdict=Verdict.FAIL,
        park_id=park_id,
        subject=Subject("parks", park_id),
        title=Message("finding.enclave", values),
        evidence={
            "measure": "enclave_area",
            "value": area_m2,
            "unit": "m²",
            "threshold": 0,
            "parts": len(parts),
            "missing": lacking,
        },
        cure=Message("cure.enclave", values),
        geometry=shapely.union_all(parts),
    )


class PlacementParameters(Parameters):
    """From which share outside the park it names a parcel or building counts as misplaced."""

    share: float = Field(default=0.5, gt=0, le=1)


def placement(case: Case, parameters: PlacementParameters) -> Outcome:
    """Parcels and buildings lie in the park that they are said to belong to."""
    outcome = Outcome()
    # Copies, since an index that is made for a shape stays with it.
    own_parks = shapely.force_2d(case.parks.geometry.to_numpy())
    shapely.prepare(own_parks)
    shapes = dict(zip(case.parks["park_id"], own_parks, strict=True))
    for layer, key in (("parcels", "parcel_id"), ("buildings", "building_id")):
        own: gpd.GeoDataFrame = case.own(layer)
        outcome.judge_rows(layer, own)
        homes = np.array([shapes[park_id] for park_id in own["park_id"]], dtype=object)
        pieces = own.geometry.to_numpy()
        lost = np.flatnonzero(~shapely.covers(homes, pieces))
        for position in lost.tolist():
            part = shapely.difference(pieces[position], homes[position])
            share = part.area / pieces[position].area
            if share <= parameters.share:
                continue
            row = own.iloc[int(position)]
            values = {
                "park": named_park(case.plan, row["park_id"]),
                "share": Quantity(share, "share", beside=parameters.share),
            }
            outcome.singles.append(
                RawFinding(
                    verdict=Verdict.WATCH,
                    park_id=row["park_id"],
                    subject=Subject(layer, row[key]),
                    title=Message("finding.misplaced", values),
                    evidence={
                        "measure": "share_outside",
                        "value": float(share),
                        "unit": "share",
                        "threshold": parameters.share,
                        "computed": "area(subject minus park) / area(subject)",
                    },
                    cure=Message("cure.misplaced", values),
                    geometry=part,
                )
            )
    return outcome


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "overlap": Check(NoParameters, overlap),
        "in_township": Check(NoParameters, in_township),
        "in_county": Check(NoParameters, in_county),
        "in_host": Check(NoParameters, in_host),
        "declared_area": Check(DeclaredAreaParameters, declared_area),
        "minimum_area": Check(MinimumAreaParameters, minimum_area),
        "enclave": Check(EnclaveParameters, enclave),
        "placement": Check(PlacementParameters, placement),
    }
)
