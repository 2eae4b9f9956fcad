"""Parcels against each other: ground that is registered twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo_service.model import Message, Quantity, Subject, Verdict
from geo_service.spatial.overlay import polygons_only
from geo_service.spatial.pairs import OverlappingPairs, overlapping_pairs, pairs_of
from geo_service.zoning.batch import RawFinding
from geo_service.zoning.check import (
    Case,
    Check,
    NoParameters,
    Outcome,
    rows_where,
    text_or_none,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import geopandas as gpd

_LEAST_M2 = 0.01


def overlap(case: Case, _: NoParameters) -> Outcome:
    """No two parcels lie on each other; each park of a pair is told, one of both once."""
    parcels = case.plan.metric("parcels")
    is_own = case.in_scope(parcels["park_id"])
    is_told = is_own
    if case.part is None:
        outcome = Outcome.of("parcels", rows_where(parcels, is_own))
        pairs = _pairs(case, parcels)
    else:
        changed = case.part.changed.get("parcels", np.zeros(0, dtype=np.intp))
        outcome = Outcome.of("parcels", parcels.iloc[changed[is_own[changed]]])
        if case.part.is_alone:
            is_told = np.zeros(len(parcels), dtype=bool)
            is_told[changed] = is_own[changed]
            pairs = _pairs(case, parcels)
        else:
            pairs = pairs_of(parcels.geometry.to_numpy(), changed, least_m2=_LEAST_M2)
    pairs = pairs.where(is_own[pairs.first] | is_own[pairs.second])
    pairs = pairs.where(is_told[pairs.first] | is_told[pairs.second])
    if not len(pairs):
        return outcome
    areas = shapely.area(parcels.geometry.to_numpy())
    share = pairs.area_m2 / np.minimum(areas[pairs.first], areas[pairs.second])
    is_noise = case.tolerance.is_noise(pairs.area_m2, share)
    # Of a pair in two parts the one with the first of both counts it.
    is_counted = is_told[np.where(is_own[pairs.first], pairs.first, pairs.second)]
    outcome.below[None] = int((is_noise & is_counted).sum())
    pairs = pairs.where(~is_noise)
    for first, second in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True):
        for mine, other in _told(parcels, first, second):
            if is_told[mine]:
                outcome.singles.append(_finding(case, parcels, mine, other))
    return outcome


def _pairs(case: Case, parcels: gpd.GeoDataFrame) -> OverlappingPairs:
    return overlapping_pairs(
        parcels.geometry.to_numpy(),
        least_m2=_LEAST_M2,
        ragged=lambda: case.shared.ragged("parcels", parcels, parcels),
    )


def _told(parcels: gpd.GeoDataFrame, first: int, second: int) -> Iterator[tuple[int, int]]:
    """Yield each parcel of a pair that is told of the other: one if both lie in the same park."""
    one, other = sorted((first, second), key=lambda position: parcels["parcel_id"].iloc[position])
    yield one, other
    parks = [text_or_none(parcels["park_id"].iloc[position]) for position in (one, other)]
    if parks[0] != parks[1]:
        yield other, one


def _finding(case: Case, parcels: gpd.GeoDataFrame, mine: int, other: int) -> RawFinding:
    row, beside = parcels.iloc[mine], parcels.iloc[other]
    shared = shapely.intersection(row["geometry"], beside["geometry"])
    part = polygons_only(np.array([shared]))[0]
    area_m2, whole_m2 = case.shared.area_m2([part, row["geometry"]]).tolist()
    values = {
        "parcel": row["parcel_id"],
        "other": beside["parcel_id"],
        "area": Quantity(area_m2, "m²"),
        "share": area_m2 / whole_m2,
    }
    return RawFinding(
        verdict=Verdict.WATCH,
        park_id=text_or_none(row["park_id"]),
        subject=Subject("parcels", row["parcel_id"]),
        title=Message("finding.parcels_overlap", values),
        evidence={
            "measure": "overlap_area",
            "value": area_m2,
            "unit": "m²",
            "threshold": 0,
            "share": area_m2 / whole_m2,
            "other_parcel_id": beside["parcel_id"],
            "computed": "area(parcel ∩ other parcel)",
        },
        cure=Message("cure.settle_parcels", values),
        geometry=part,
        key=beside["parcel_id"],
    )


CHECKS = {"parcels_overlap": Check(NoParameters, overlap)}
