"""Control zones: area and share of every parcel, building and park inside each kind of zone.

Zones of one kind that overlap are counted once. A kind of which the plan has no zone
is `unknown`, unless the workspace says that its layer of that kind is complete.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import shapely
from pydantic import AfterValidator, Field

from geo_service.documents import nearest_name
from geo_service.domain.enterprises import active_enterprises
from geo_service.errors import UnfitError
from geo_service.industry import are_within
from geo_service.model import Message, Quantity, Subject, Verdict
from geo_service.schema import ZONE_KINDS
from geo_service.spatial.overlay import ZoneOverlay
from geo_service.wording import said
from geo_service.zoning.batch import RawFinding
from geo_service.zoning.check import (
    Case,
    Check,
    Closure,
    IndustryPrefix,
    Outcome,
    Parameters,
    no_zones,
    text_or_none,
)
from geo_service.zoning.zones import by_verdict, mapped_zones

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

ID_COLUMNS: Mapping[str, str] = MappingProxyType(
    {"parks": "park_id", "parcels": "parcel_id", "buildings": "building_id"}
)


class ExceptionsPart(Parameters):
    """What may lie in a zone all the same: land uses, and industries by code prefix."""

    land_uses: tuple[str, ...] = ()
    industries: tuple[IndustryPrefix, ...] = ()


def _known_kind(kind: str) -> str:
    if kind not in ZONE_KINDS:
        msg = said("fault.unknown_zone_kind", near=nearest_name(kind, ZONE_KINDS))
        raise UnfitError(msg)
    return kind


class ZoneParameters(Parameters):
    """Which zones, by kind and grade, which subjects, and what an overlap means.

    `verdicts` maps a grade to what an overlap with it means; the grade `*` stands for
    any. A zone without a grade gives `unknown` where grades are told apart.
    """

    kind: Annotated[str, AfterValidator(_known_kind)]
    verdicts: dict[str, Literal["fail", "watch"]] = Field(min_length=1)
    subjects: tuple[Literal["parks", "parcels", "buildings"], ...] = (
        "parks",
        "parcels",
        "buildings",
    )
    exceptions: ExceptionsPart = ExceptionsPart()


def overlap(case: Case, parameters: ZoneParameters) -> Outcome:
    """No parcel, building or park lies in a control zone of this kind, tolerance apart."""
    subjects: dict[str, gpd.GeoDataFrame] = {
        layer: case.parks if layer == "parks" else case.plan.metric(layer)
        for layer in parameters.subjects
    }
    return judge(case, parameters, subjects, mapped_zones(case.plan, parameters.kind))


def judge(
    case: Case,
    parameters: ZoneParameters,
    subjects: Mapping[str, gpd.GeoDataFrame],
    zones: gpd.GeoDataFrame | None,
) -> Outcome:
    """Judge features by layer against the zones of a rule's kind, as `overlap` judges them all.

    Features out of the rule's scope, and those of layers that it does not judge, are left
    out. `zones` may be those near the features alone; None says that nobody knows them.
    """
    outcome = Outcome()
    layers = [layer for layer in parameters.subjects if layer in subjects]
    in_scope: dict[str, gpd.GeoDataFrame] = {
        layer: _in_scope(case, layer, subjects[layer]) for layer in layers
    }
    if zones is None:
        outcome.add_judged(_unmapped(case, parameters, in_scope))
        return outcome
    by_grade = [
        (verdict, ZoneOverlay(chosen)) for verdict, chosen in by_verdict(zones, parameters.verdicts)
    ]
    for layer, rows in in_scope.items():
        outcome.judge_all(rows["park_id"])
        allowed = _excepted(case, layer, rows, parameters.exceptions)
        for verdict, chosen in by_grade:
            _judge(case, outcome, layer, rows[~allowed], chosen, verdict)
    return outcome


def _in_scope(case: Case, layer: str, subjects: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    if layer == "parks":
        return subjects[subjects["park_id"].isin(case.parks["park_id"])]
    return subjects[case.in_scope(subjects["park_id"])]


def _unmapped(
    case: Case, parameters: ZoneParameters, subjects: Mapping[str, gpd.GeoDataFrame]
) -> Iterator[RawFinding]:
    """Yield the `unknown` of every park, or of what else is judged where parks are not."""
    measure = "area_inside"
    if "parks" in parameters.subjects:
        for park_id in subjects["parks"]["park_id"] if "parks" in subjects else ():
            yield no_zones(park_id, parameters.kind, measure=measure)
        return
    for layer, every in subjects.items():
        own = every[~_excepted(case, layer, every, parameters.exceptions)]
        for identity, park_id in zip(own[ID_COLUMNS[layer]], own["park_id"], strict=True):
            yield replace(
                no_zones("", parameters.kind, measure=measure),
                subject=Subject(layer, identity),
                park_id=text_or_none(park_id),
            )


def zone_closures(case: Case, parameters: ZoneParameters) -> list[Closure]:
    """Return the zones that `overlap` forbids to the case's parcels, or cannot judge."""
    parcels = case.plan.metric("parcels")
    parcels = parcels[case.in_scope(parcels["park_id"])]
    if _excepted(case, "parcels", parcels, parameters.exceptions).all():
        return []  # no parcel in scope, or all of them excepted
    zones = mapped_zones(case.plan, parameters.kind)
    if zones is None:
        unknown = no_zones("", parameters.kind, measure="area_inside")
        return [Closure(verdict=Verdict.UNKNOWN, features=None, unknown=unknown)]
    return [
        Closure(verdict=verdict, features=chosen)
        for verdict, chosen in by_verdict(zones, parameters.verdicts)
        if verdict is not Verdict.WATCH
    ]


def _excepted(
    case: Case, layer: str, subjects: gpd.GeoDataFrame, exceptions: ExceptionsPart
) -> NDArray[np.bool_]:
    allowed = np.zeros(len(subjects), dtype=bool)
    if layer == "parcels" and exceptions.land_uses:
        allowed |= are_within(subjects["land_use"], exceptions.land_uses)
    if exceptions.industries and layer in {"parcels", "buildings"}:
        active = active_enterprises(case.plan)
        inside = are_within(active["industry_code"], exceptions.industries)
        key = ID_COLUMNS[layer]
        only = set(active.loc[inside, key].dropna()) - set(active.loc[~inside, key].dropna())
        allowed |= subjects[key].isin(only).to_numpy(dtype=bool)
    return allowed


def _judge(
    case: Case,
    outcome: Outcome,
    layer: str,
    subjects: gpd.GeoDataFrame,
    overlay: ZoneOverlay,
    verdict: Verdict,
) -> None:
    covered = overlay.over(subjects)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = covered.area_m2 / shapely.area(subjects.geometry.to_numpy())
    has_overlap = covered.area_m2 > 0
    is_noise = has_overlap & case.tolerance.is_noise(covered.area_m2, share)
    outcome.below_tolerance += int(is_noise.sum())
    found = covered.parts(has_overlap & ~is_noise)
    shapes = subjects.geometry.to_numpy()[found.subject]
    ids = subjects[ID_COLUMNS[layer]].to_numpy(dtype=object)[found.subject]
    parks = subjects["park_id"].to_numpy(dtype=object)[found.subject]
    zone_ids = overlay.zones["zone_id"].to_numpy(dtype=object)
    kind = str(overlay.zones["kind"].iloc[0]) if len(overlay.zones) else ""
    inside, whole = case.shared.area_m2(found.parts), case.shared.area_m2(shapes)
    for position, part in enumerate(found.parts):
        met = zip(found.zones[position], found.zone_areas_m2[position], strict=True)
        outcome.findings.append(
            _overlap_finding(
                Subject(layer, ids[position]),
                text_or_none(parks[position]),
                part,
                (float(inside[position]), float(whole[position])),
                [(zone_ids[zone], area_m2) for zone, area_m2 in met],
                kind,
                verdict,
            )
        )


def _overlap_finding(  # noqa: PLR0913, PLR0917 - the parts of one finding
    subject: Subject,
    park_id: str | None,
    part: BaseGeometry,
    areas_m2: tuple[float, float],
    zones: list[tuple[str, float]],
    kind: str,
    verdict: Verdict,
) -> RawFinding:
    inside_m2, whole_m2 = areas_m2
    zone_ids = [zone_id for zone_id, _ in zones]
    values = {
        "zone": Message(f"zone.{kind}"),
        "area": Quantity(inside_m2, "m²"),
        "share": inside_m2 / whole_m2,
        "zones": zone_ids,
    }
    is_unknown = verdict is Verdict.UNKNOWN
    evidence = {
        "measure": "area_inside",
        "value": inside_m2,
        "unit": "m²",
        "threshold": 0,
        "share": inside_m2 / whole_m2,
        "subject_area_m2": whole_m2,
        "kind": kind,
        "zone_ids": zone_ids,
        "zones": [
            {"zone_id": zone_id, "area_m2": area_m2, "share": area_m2 / whole_m2}
            for zone_id, area_m2 in zones
        ],
        "computed": "area(subject ∩ union of zones)",
    }
    if is_unknown:
        evidence |= {"missing_column": "control_zones.grade", "missing_rows": zone_ids}
    return RawFinding(
        verdict=verdict,
        park_id=park_id,
        subject=subject,
        title=Message("finding.zone_no_grade" if is_unknown else "finding.in_zone", values),
        evidence=evidence,
        cure=Message("cure.zone_grade" if is_unknown else "cure.cut_area", values),
        geometry=part,
        key=verdict.value,
    )


CHECKS: Mapping[str, Check] = MappingProxyType(
    {"overlap": Check(ZoneParameters, overlap, zone_closures)}
)
