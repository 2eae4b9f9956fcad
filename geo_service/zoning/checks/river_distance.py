"""River distance: industries that may not be within a distance of the management boundary.

Distances are exact and planar, from the river management boundary (河道管理范围), never
from a centreline; a place inside the boundary is at distance 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import shapely
from pydantic import Field

from geo_service.domain.enterprises import active_enterprises
from geo_service.industry import are_within, belongs_to
from geo_service.model import Message, Quantity, Subject, Verdict
from geo_service.plan import rows_of
from geo_service.zoning.batch import RawFinding
from geo_service.zoning.check import (
    Case,
    Check,
    Closure,
    IndustryPrefix,
    Outcome,
    Parameters,
    text_or_none,
)
from geo_service.zoning.names import named_column

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry


class RiverParameters(Parameters):
    """Which industries, which rivers by rank, and the distance in metres."""

    industries: tuple[IndustryPrefix, ...] = Field(min_length=1)
    ranks: tuple[Literal["main", "important_tributary", "tributary"], ...] = (
        "main",
        "important_tributary",
        "tributary",
    )
    distance_m: float = Field(gt=0)
    new: Literal["fail", "watch"] = "fail"
    existing: Literal["fail", "watch", "pass"] = "watch"


def distance(case: Case, parameters: RiverParameters) -> Outcome:
    """No enterprise, and no park led by, these industries lies within the distance."""
    outcome = Outcome()
    rivers = _Rivers.of(case.plan.metric("rivers"), parameters)
    if rivers is None:
        return outcome  # the county has no river of these ranks: nothing to keep a distance from
    for subject, park_id, name, shape, is_new in _subjects(case, parameters):
        if not _is_meant(case, is_new):
            continue
        outcome.judge(park_id)
        if shape is None:
            outcome.findings.append(
                _unmeasurable(subject, park_id, f"{subject.layer}.geometry", [])
            )
            continue
        position, distance_m = rivers.nearest(shape)
        if position is not None and distance_m < parameters.distance_m:
            river = rivers.boundaries.iloc[position]
            shown = text_or_none(river["name"]) or river["river_id"]
            finding = _near(subject, park_id, name, is_new, shown, distance_m, parameters)
            if finding is not None:
                line = shapely.shortest_line(shape, river["geometry"])
                outcome.findings.append(_with_line(finding, line, river["river_id"]))
            continue
        unsure = rivers.unmapped_near(shape, parameters.distance_m)
        if unsure is not None:
            outcome.findings.append(_unmeasurable(subject, park_id, *unsure))
    return outcome


def river_closures(case: Case, parameters: RiverParameters) -> list[Closure]:
    """Return the ground that `distance` forbids to the case's enterprises, or cannot judge."""
    rivers = _Rivers.of(case.plan.metric("rivers"), parameters)
    meant = [
        (subject, park_id, is_new)
        for subject, park_id, _, _, is_new in _subjects(case, parameters)
        if subject.layer == "enterprises" and _is_meant(case, is_new)
    ]
    if rivers is None or not meant:
        return []
    if rivers.is_all_missing:
        unknown = _unmeasurable(*meant[0][:2], "rivers.is_management_boundary", [])
        return [Closure(verdict=Verdict.UNKNOWN, features=None, unknown=unknown)]
    limit_m = parameters.distance_m
    unmapped = Closure(
        verdict=Verdict.UNKNOWN,
        features=rivers.unmapped(),
        distance_m=limit_m + UNMAPPED_MARGIN_M,
    )
    if all(_meaning(parameters, is_new) != Verdict.FAIL for _, _, is_new in meant):
        return [unmapped]
    near = Closure(verdict=Verdict.FAIL, features=rivers.boundaries, distance_m=limit_m)
    return [near, unmapped]


def _is_meant(case: Case, is_new: bool | None) -> bool:  # noqa: FBT001 - as the row says
    return (case.applies_to, is_new) not in {("new", False), ("existing", True)}


def _meaning(parameters: RiverParameters, is_new: bool | None) -> str:  # noqa: FBT001 - the same
    """Return what too near means, for new, for existing and for what does not say."""
    return {True: parameters.new, False: parameters.existing, None: "unknown"}[is_new]


UNMAPPED_MARGIN_M = 1_000.0
"""How far a management boundary may lie from the centreline of a river that lacks one."""


@dataclass(frozen=True)
class _Rivers:
    """The management boundaries to measure from, and the other rivers of the ranks."""

    boundaries: gpd.GeoDataFrame
    others: gpd.GeoDataFrame
    """Centrelines, and rivers whose rank or flag is not given."""
    is_all_missing: bool

    @classmethod
    def of(cls, rivers: gpd.GeoDataFrame, parameters: RiverParameters) -> _Rivers | None:
        """Sort the rivers; None when the county has rivers, but none that the rule is about."""
        rank, flag = rivers["rank"], rivers["is_management_boundary"].astype("boolean")
        of_rank = (rank.isin(parameters.ranks) | rank.isna()).to_numpy(dtype=bool)
        if len(rivers) and not of_rank.any():
            return None
        is_boundary = (flag.fillna(value=False) & rank.notna()).to_numpy(dtype=bool)
        others = rivers[of_rank & ~is_boundary]
        return cls(rivers[of_rank & is_boundary], others, is_all_missing=not len(rivers))

    def nearest(self, shape: BaseGeometry) -> tuple[int | None, float]:
        """Return the position of the nearest boundary and its distance."""
        if self.boundaries.empty:
            return None, np.inf
        distances = shapely.distance(self.boundaries.geometry.to_numpy(), shape)
        position = int(np.argmin(distances))
        return position, float(distances[position])

    def unmapped_near(self, shape: BaseGeometry, distance_m: float) -> tuple[str, list[str]] | None:
        """Return the column and rows that are missing to judge a place, or None."""
        if self.is_all_missing:
            return "rivers.is_management_boundary", []
        reach = distance_m + UNMAPPED_MARGIN_M
        close = self.others[shapely.dwithin(self.others.geometry.to_numpy(), shape, reach)]
        unsure = [
            not isinstance(rank, str) or not self._is_mapped_at(shapely.shortest_line(line, shape))
            for rank, line in zip(close["rank"], close.geometry, strict=True)
        ]
        found = close[np.array(unsure, dtype=bool)]
        if found.empty:
            return None
        lacks_rank = bool(found["rank"].isna().any())
        column = "rivers.rank" if lacks_rank else "rivers.is_management_boundary"
        return column, sorted(found["river_id"])

    def unmapped(self) -> gpd.GeoDataFrame:
        """Return what `unmapped_near` may find: rivers without a rank, and unmapped stretches."""
        mapped = shapely.union_all(
            shapely.buffer(self.boundaries.geometry.to_numpy(), UNMAPPED_MARGIN_M)
        )
        has_rank = self.others["rank"].notna().to_numpy(dtype=bool)
        shapes = self.others.geometry.to_numpy().copy()
        shapes[has_rank] = shapely.difference(shapes[has_rank], mapped)
        rest = self.others.set_geometry(shapes, crs=self.others.crs)
        return rest[~rest.geometry.is_empty]

    def _is_mapped_at(self, way: BaseGeometry) -> bool:
        """Whether a boundary runs near where the way from a centreline begins."""
        start = shapely.get_point(way, 0)
        near = shapely.dwithin(self.boundaries.geometry.to_numpy(), start, UNMAPPED_MARGIN_M)
        return bool(np.any(near))


def _subjects(
    case: Case, parameters: RiverParameters
) -> Iterator[tuple[Subject, str | None, str, BaseGeometry | None, bool | None]]:
    active: pd.DataFrame = active_enterprises(case.plan)
    shapes = case.plan.metric("enterprises").geometry
    hit = are_within(active["industry_code"], parameters.industries)
    chosen = active[hit & case.in_scope(active["park_id"])]
    columns = ["enterprise_id", "park_id", "name", "is_new"]
    for index, enterprise_id, park_id, name, is_new in chosen[columns].itertuples():
        shape = shapes[index]
        known = None if pd.isna(is_new) else bool(is_new)
        location = None if shape is None or shape.is_empty else shape
        yield Subject("enterprises", enterprise_id), text_or_none(park_id), name, location, known
    planned = {"planned", "under_construction"}
    for row, shape in zip(rows_of(case.parks), case.parks.geometry, strict=True):
        park_id = row["park_id"]
        leading = case.shared.focus[park_id].leading
        if belongs_to(leading, parameters.industries):
            status = text_or_none(row["status"])
            is_planned = None if status is None else status in planned
            yield Subject("parks", park_id), park_id, row["name"], shape, is_planned


def _near(  # noqa: PLR0913, PLR0917 - the parts of one finding
    subject: Subject,
    park_id: str | None,
    name: str,
    is_new: bool | None,  # noqa: FBT001 - as the row says
    river: str,
    distance_m: float,
    parameters: RiverParameters,
) -> RawFinding | None:
    meaning = _meaning(parameters, is_new)
    if meaning == "pass":
        return None
    values = {
        "name": name,
        "river": _named_boundary(river),
        "distance": Quantity(distance_m, "m", beside=parameters.distance_m),
        "limit": Quantity(parameters.distance_m, "m"),
        "short": Quantity(parameters.distance_m - distance_m, "m"),
    }
    evidence = {
        "measure": "distance_to_management_boundary",
        "value": distance_m,
        "unit": "m",
        "threshold": parameters.distance_m,
        "is_new": is_new,
        "computed": "planar distance to the nearest river management boundary",
    }
    if is_new is None:
        column = "status" if subject.layer == "parks" else "is_new"
        evidence |= {"missing_column": f"{subject.layer}.{column}", "missing_rows": [subject.id]}
    key = {True: "river_new", False: "river_existing", None: "river_unknown"}[is_new]
    return RawFinding(
        verdict=Verdict(meaning),
        park_id=park_id,
        subject=subject,
        title=Message(f"finding.{key}", values),
        evidence=evidence,
        cure=Message(f"cure.{key}", values),
    )


def _named_boundary(river: str) -> Message:
    """Return the name of a management boundary, whose row may carry the river's name only."""
    is_its_own = "管理范围" in river
    return Message("name.boundary" if is_its_own else "name.boundary_of", {"name": river})


def _with_line(finding: RawFinding, line: BaseGeometry, river_id: str) -> RawFinding:
    return replace(finding, geometry=line, evidence={**finding.evidence, "river_id": river_id})


def _unmeasurable(
    subject: Subject, park_id: str | None, column: str, rows: list[str]
) -> RawFinding:
    values = {"column": named_column(column), "rows": rows or [subject.id]}
    return RawFinding(
        verdict=Verdict.UNKNOWN,
        park_id=park_id,
        subject=subject,
        title=Message("finding.missing_value", values),
        evidence={
            "measure": "distance_to_management_boundary",
            "value": None,
            "missing_column": column,
            "missing_rows": rows or [subject.id],
        },
        cure=Message("cure.fill_value", values),
        key="missing",
    )


CHECKS: Mapping[str, Check] = MappingProxyType(
    {"distance": Check(RiverParameters, distance, river_closures)}
)
