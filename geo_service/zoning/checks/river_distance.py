"""River distance: industries that may not be within a distance of the management boundary.

Distances are exact and planar, from the river management boundary (河道管理范围), never
from a centreline; a place inside the boundary is at distance 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import pandas as pd
import shapely
from pydantic import Field

from geo_service.model import Message, Subject, Verdict
from geo_service.plan import rows_of
from geo_service.zoning.case import Case, Check, Draft, Outcome, Parameters, text_or_none
from geo_service.zoning.focus import active_enterprises

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


class RiverParameters(Parameters):
    """Which industries, which rivers by rank, and the distance in metres."""

    industries: tuple[str, ...] = Field(min_length=1)
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
    rivers = case.plan.metric("rivers")
    of_rank = rivers[rivers["rank"].isin(parameters.ranks)]
    is_boundary = of_rank["is_management_boundary"].fillna(value=False).to_numpy(dtype=bool)
    if of_rank.empty and len(rivers):
        return outcome  # the county has no river of these ranks: nothing to keep a distance from
    boundaries = of_rank[is_boundary]
    tree = shapely.STRtree(boundaries.geometry.to_numpy())
    for subject, park_id, name, shape, is_new in _subjects(case, parameters):
        if (case.applies_to, is_new) in {("new", False), ("existing", True)}:
            continue
        outcome.checked += 1
        if boundaries.empty or shape is None:
            outcome.drafts.append(_unmeasurable(subject, park_id, has_place=shape is not None))
            continue
        place = int(tree.nearest(shape))
        nearest = boundaries.geometry.iloc[place]
        distance_m = float(shapely.distance(shape, nearest))
        if distance_m >= parameters.distance_m:
            continue
        river = text_or_none(boundaries["name"].iloc[place]) or boundaries["river_id"].iloc[place]
        draft = _near(subject, park_id, name, is_new, river, distance_m, parameters)
        if draft is not None:
            line = shapely.shortest_line(shape, nearest)
            outcome.drafts.append(_with_line(draft, line, boundaries["river_id"].iloc[place]))
    return outcome


def _subjects(
    case: Case, parameters: RiverParameters
) -> Iterator[tuple[Subject, str | None, str, BaseGeometry | None, bool | None]]:
    active: pd.DataFrame = active_enterprises(case.plan)
    shapes = case.plan.metric("enterprises").geometry
    hit = active["industry_code"].fillna("").astype("str").str.startswith(parameters.industries)
    chosen = active[hit.to_numpy(dtype=bool) & case.in_scope(active["park_id"])]
    columns = ["enterprise_id", "park_id", "name", "is_new"]
    for index, enterprise_id, park_id, name, is_new in chosen[columns].itertuples():
        shape = shapes[index]
        known = None if pd.isna(is_new) else bool(is_new)
        place = None if shape is None or shape.is_empty else shape
        yield Subject("enterprises", enterprise_id), text_or_none(park_id), name, place, known
    planned = {"planned", "under_construction"}
    for row, shape in zip(rows_of(case.parks), case.parks.geometry, strict=True):
        park_id = row["park_id"]
        leading = case.shared.focus[park_id].leading
        if leading is not None and leading.startswith(parameters.industries):
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
) -> Draft | None:
    meaning = {True: parameters.new, False: parameters.existing, None: "unknown"}[is_new]
    if meaning == "pass":
        return None
    values = {
        "name": name,
        "river": river,
        "distance_m": distance_m,
        "limit_m": parameters.distance_m,
        "short_m": parameters.distance_m - distance_m,
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
    return Draft(
        verdict=Verdict(meaning),
        park_id=park_id,
        subject=subject,
        title=Message(f"finding.{key}", values),
        evidence=evidence,
        cure=Message(f"cure.{key}", values),
    )


def _with_line(draft: Draft, line: BaseGeometry, river_id: str) -> Draft:
    from dataclasses import replace  # noqa: PLC0415 - one use

    return replace(draft, geometry=line, evidence={**draft.evidence, "river_id": river_id})


def _unmeasurable(subject: Subject, park_id: str | None, *, has_place: bool) -> Draft:
    column = "rivers.is_management_boundary" if has_place else f"{subject.layer}.geometry"
    values = {"column": column, "rows": [subject.id]}
    return Draft(
        verdict=Verdict.UNKNOWN,
        park_id=park_id,
        subject=subject,
        title=Message("finding.missing_value", values),
        evidence={
            "measure": "distance_to_management_boundary",
            "value": None,
            "missing_column": column,
            "missing_rows": [subject.id],
        },
        cure=Message("cure.fill_value", values),
        key="missing",
    )


CHECKS: Mapping[str, Check] = MappingProxyType({"distance": Check(RiverParameters, distance)})
