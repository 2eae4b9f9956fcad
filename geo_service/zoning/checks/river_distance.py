"""River distance: what may not be within a distance of the management boundary.

Distances are exact and planar, from the river management boundary (河道管理范围), never
from a centreline; a place inside the boundary is at distance 0. Only the rivers of the layer
are measured: where the workspace does not say that it has all of a rank, that is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import shapely
from pydantic import Field

from geo_service.domain.enterprises import active_enterprises
from geo_service.industry import are_within, belongs_to
from geo_service.model import Message, Quantity, Severity, Subject, Verdict
from geo_service.plan import rows_of
from geo_service.zoning.batch import RawFinding
from geo_service.zoning.check import (
    Case,
    Check,
    Closure,
    IndustryPrefix,
    Outcome,
    Parameters,
    flag_or_none,
    missing_value,
    text_or_none,
)
from geo_service.zoning.rivers import UNMAPPED_MARGIN_M, Rank, Rivers

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


class DistanceParameters(Parameters):
    """Which rivers by rank, and the distance in metres."""

    ranks: tuple[Rank, ...] = ("main", "important_tributary", "tributary")
    distance_m: float = Field(gt=0)


class NearParameters(DistanceParameters):
    """Also what too near means, to new and to existing features."""

    new: Literal["fail", "watch"] = "fail"
    existing: Literal["fail", "watch", "pass"] = "watch"


class RiverParameters(NearParameters):
    """Also which industries.

    `mixing` are those among them that may merely mix or pack, which usually is not meant: an
    enterprise's `mixing_only` says so, and is then at most watched.
    """

    industries: tuple[IndustryPrefix, ...] = Field(min_length=1)
    mixing: tuple[IndustryPrefix, ...] = ()


class PondCodeParameters(DistanceParameters):
    """Also which industries often have tailings ponds, and which of these have none."""

    industries: tuple[IndustryPrefix, ...] = Field(min_length=1)
    without: tuple[IndustryPrefix, ...] = ()


class NewParkParameters(Parameters):
    """Which rivers by rank, the distance in metres, and from which approval on a park is new."""

    ranks: tuple[Rank, ...] = ("main", "important_tributary")
    distance_m: float = Field(gt=0)
    since: date


@dataclass(frozen=True, kw_only=True)
class _Near:
    """One feature that a rule asks the distance of."""

    subject: Subject
    park_id: str | None
    name: str
    shape: BaseGeometry | None
    is_new: bool | None
    is_mixing: bool | None = False
    """Whether it merely mixes or packs; None if its industry may and nobody says."""
    is_pond: bool = False
    """Whether the rule is about its tailings pond."""

    @property
    def newness_column(self) -> str:
        """The column that says whether it is new."""
        return "status" if self.subject.layer == "parks" else "is_new"


def distance(case: Case, parameters: RiverParameters) -> Outcome:
    """No enterprise, and no park led by, these industries lies within the distance."""
    return _judge(case, parameters, _by_industry(case, parameters))


def tailings(case: Case, parameters: NearParameters) -> Outcome:
    """No tailings pond, an enterprise's or a facility, lies within the distance."""
    return _judge(case, parameters, _ponds(case))


def tailings_by_code(case: Case, parameters: PondCodeParameters) -> Outcome:
    """Enterprises whose code alone suggests a tailings pond are told near rivers: watched."""
    outcome = Outcome()
    suspects = list(_suspects(case, parameters))
    rivers = Rivers.of(case.plan, parameters.ranks) if suspects else None
    if rivers is None:
        return outcome
    nearest = rivers.nearest([near.shape for near in suspects])
    for near, (position, distance_m) in zip(suspects, nearest, strict=True):
        outcome.judge(near.subject, near.park_id)
        if position is None or distance_m >= parameters.distance_m:
            continue
        values = _values(near, rivers, position, distance_m, parameters.distance_m)
        finding = RawFinding(
            verdict=Verdict.WATCH,
            park_id=near.park_id,
            subject=near.subject,
            title=Message("finding.tailings_by_code", values),
            evidence={
                **_evidence(distance_m, parameters.distance_m),
                "missing_column": "enterprises.tailings_pond",
                "missing_rows": [near.subject.id],
            },
            cure=Message("cure.tailings_by_code", values),
        )
        outcome.singles.append(rivers.with_line(finding, near.shape, position))
    return outcome


def new_park(case: Case, parameters: NewParkParameters) -> Outcome:
    """No park that was approved since a day lies within the distance."""
    outcome = Outcome()
    rivers = Rivers.of(case.plan, parameters.ranks)
    if rivers is None:
        return outcome
    columns = ["park_id", "name", "approved_on"]
    shapes = list(case.parks.geometry)
    for (park_id, name, day), shape, (position, distance_m) in zip(
        case.parks[columns].itertuples(index=False), shapes, rivers.nearest(shapes), strict=True
    ):
        outcome.judge_park(park_id)
        is_new = None if pd.isna(day) else day.date() >= parameters.since
        subject = Subject("parks", park_id)
        near = _Near(subject=subject, park_id=park_id, name=name, shape=shape, is_new=is_new)
        if is_new is False:
            continue
        if position is None or distance_m >= parameters.distance_m:
            unsure = rivers.unmapped_near(shape, parameters.distance_m)
            if unsure is not None:
                outcome.singles.append(rivers.unmeasurable(near.subject, near.park_id, *unsure))
            continue
        values = _values(near, rivers, position, distance_m, parameters.distance_m)
        if is_new is None:
            finding = missing_value(park_id=park_id, subject=subject, column="approved_on")
            evidence = {**finding.evidence, **_evidence(distance_m, parameters.distance_m)}
            finding = replace(finding, evidence=evidence)
        else:
            finding = RawFinding(
                verdict=Verdict.WATCH,
                park_id=park_id,
                subject=subject,
                title=Message("finding.river_new_park", values | {"day": day.date().isoformat()}),
                evidence=_evidence(distance_m, parameters.distance_m)
                | {"approved_on": day.date().isoformat(), "since": parameters.since.isoformat()},
                cure=Message("cure.river_new_park", values),
            )
        outcome.singles.append(rivers.with_line(finding, shape, position))
    return outcome


def _judge(case: Case, parameters: NearParameters, every: Iterable[_Near]) -> Outcome:
    """Hold every feature that the rule means against the distance."""
    outcome = Outcome()
    meant = [near for near in every if _is_meant(case, near.is_new)]
    rivers = Rivers.of(case.plan, parameters.ranks) if meant else None
    if rivers is None:
        return outcome  # the county has no river of these ranks: nothing to keep a distance from
    nearest = rivers.nearest([near.shape for near in meant])
    for near, (position, distance_m) in zip(meant, nearest, strict=True):
        outcome.judge(near.subject, near.park_id)
        if near.shape is None:
            column = f"{near.subject.layer}.geometry"
            outcome.singles.append(rivers.unmeasurable(near.subject, near.park_id, column, []))
            continue
        if position is not None and distance_m < parameters.distance_m:
            finding = _too_near(near, rivers, position, distance_m, parameters)
            if finding is not None:
                outcome.singles.append(rivers.with_line(finding, near.shape, position))
            continue
        unsure = rivers.unmapped_near(near.shape, parameters.distance_m)
        if unsure is not None:
            outcome.singles.append(rivers.unmeasurable(near.subject, near.park_id, *unsure))
        elif rivers.open_ranks and near.is_new is not False:
            outcome.singles.append(_only_the_mapped(near, rivers, distance_m, parameters))
    return outcome


def river_closures(case: Case, parameters: RiverParameters) -> list[Closure]:
    """Return the ground that `distance` forbids to the case's enterprises, or cannot judge."""
    every = _by_industry(case, parameters)
    return _closures(case, parameters, [near for near in every if near.is_mixing is not True])


def pond_closures(case: Case, parameters: NearParameters) -> list[Closure]:
    """Return the ground that `tailings` forbids to the case's enterprises, or cannot judge."""
    return _closures(case, parameters, _ponds(case))


def _closures(case: Case, parameters: NearParameters, every: Iterable[_Near]) -> list[Closure]:
    meant = [
        near
        for near in every
        if near.subject.layer == "enterprises" and _is_meant(case, near.is_new)
    ]
    rivers = Rivers.of(case.plan, parameters.ranks) if meant else None
    if rivers is None:
        return []
    if rivers.is_all_missing:
        unknown = rivers.unmeasurable(meant[0].subject, meant[0].park_id, *rivers.missing)
        return [Closure(verdict=Verdict.UNKNOWN, features=None, unknown=unknown)]
    limit_m = parameters.distance_m
    unmapped = Closure(
        verdict=Verdict.UNKNOWN,
        features=rivers.unmapped(),
        distance_m=limit_m + UNMAPPED_MARGIN_M,
    )
    meanings = {
        Verdict.UNKNOWN if near.is_mixing is None else Verdict(_meaning(parameters, near.is_new))
        for near in meant
    }
    near_them = [
        Closure(verdict=verdict, features=rivers.boundaries, distance_m=limit_m)
        for verdict in (Verdict.FAIL, Verdict.UNKNOWN)
        if verdict in meanings
    ]
    return [*near_them, unmapped]


def _is_meant(case: Case, is_new: bool | None) -> bool:  # noqa: FBT001 - as the row says
    return (case.applies_to, is_new) not in {("new", False), ("existing", True)}


def _meaning(parameters: NearParameters, is_new: bool | None) -> str:  # noqa: FBT001 - the same
    """Return what too near means, for new, for existing and for what does not say."""
    return {True: parameters.new, False: parameters.existing, None: "unknown"}[is_new]


def _by_industry(case: Case, parameters: RiverParameters) -> Iterator[_Near]:
    active: pd.DataFrame = active_enterprises(case.plan)
    hit = are_within(active["industry_code"], parameters.industries)
    yield from _enterprises(case, active[hit], parameters.mixing)
    planned = {"planned", "under_construction"}
    focus = case.shared.focus
    is_led = [belongs_to(focus[name].leading, parameters.industries) for name in case.parks.park_id]
    led = case.parks[np.array(is_led, dtype=bool)]  # of no parks, too
    for row, shape in zip(rows_of(led), led.geometry, strict=True):
        park_id = row["park_id"]
        status = text_or_none(row["status"])
        yield _Near(
            subject=Subject("parks", park_id),
            park_id=park_id,
            name=row["name"],
            shape=shape,
            is_new=None if status is None else status in planned,
        )


def _ponds(case: Case) -> Iterator[_Near]:
    """Every tailings pond that a column or a facility tells of."""
    active: pd.DataFrame = active_enterprises(case.plan)
    has_pond = active["tailings_pond"].astype("boolean").fillna(value=False).to_numpy(dtype=bool)
    for near in _enterprises(case, active[has_pond]):
        yield replace(near, is_pond=True)
    facilities = case.plan.metric("facilities")
    ponds = facilities[(facilities["kind"] == "tailings_pond").to_numpy(dtype=bool)]
    parks = case.parks
    for row, shape in zip(rows_of(ponds), ponds.geometry, strict=True):
        inside = parks["park_id"][shapely.intersects(parks.geometry.to_numpy(), shape)]
        park_id = None if inside.empty else str(inside.iloc[0])
        if park_id is None and not case.in_scope(pd.Series([None], dtype="object")).all():
            continue
        yield _Near(
            subject=Subject("facilities", row["facility_id"]),
            park_id=park_id,
            name=text_or_none(row["name"]) or row["facility_id"],
            shape=shape,
            is_new=flag_or_none(row["is_new"]),
            is_pond=True,
        )


def _suspects(case: Case, parameters: PondCodeParameters) -> Iterator[_Near]:
    """Every enterprise whose code suggests a pond, and that does not say whether it has one."""
    active: pd.DataFrame = active_enterprises(case.plan)
    codes = active["industry_code"]
    hit = are_within(codes, parameters.industries)
    if parameters.without:
        hit = hit & ~are_within(codes, parameters.without)
    yield from _enterprises(case, active[hit & active["tailings_pond"].isna().to_numpy(dtype=bool)])


def _enterprises(
    case: Case, rows: pd.DataFrame, mixing: tuple[IndustryPrefix, ...] = ()
) -> Iterator[_Near]:
    if rows.empty:
        return
    shapes = case.plan.metric("enterprises").geometry
    chosen = rows[case.in_scope(rows["park_id"])]
    columns = ["enterprise_id", "park_id", "name", "is_new", "industry_code", "mixing_only"]
    for index, enterprise_id, park_id, name, is_new, code, mixing_only in chosen[
        columns
    ].itertuples():
        shape = shapes[index]
        yield _Near(
            subject=Subject("enterprises", enterprise_id),
            park_id=text_or_none(park_id),
            name=name,
            shape=None if shape is None or shape.is_empty else shape,
            is_new=flag_or_none(is_new),
            is_mixing=flag_or_none(mixing_only) if mixing and belongs_to(code, mixing) else False,
        )


def _values(
    near: _Near, rivers: Rivers, position: int, distance_m: float, limit_m: float
) -> dict[str, object]:
    return {
        "name": near.name,
        "river": rivers.name(position),
        "distance": Quantity(distance_m, "m", beside=limit_m),
        "limit": Quantity(limit_m, "m"),
        "short": Quantity(limit_m - distance_m, "m"),
    }


def _evidence(distance_m: float | None, limit_m: float) -> dict[str, object]:
    return {
        "measure": "distance_to_management_boundary",
        "value": distance_m,
        "unit": "m",
        "threshold": limit_m,
        "computed": "planar distance to the nearest river management boundary",
    }


def _too_near(
    near: _Near, rivers: Rivers, position: int, distance_m: float, parameters: NearParameters
) -> RawFinding | None:
    meaning = _meaning(parameters, near.is_new)
    if meaning == "pass":
        return None
    about = "pond" if near.is_pond else "river"
    key = {True: f"{about}_new", False: f"{about}_existing", None: "river_unknown"}[near.is_new]
    missing = f"{near.subject.layer}.{near.newness_column}" if near.is_new is None else None
    if near.is_mixing:
        meaning, key, missing = "watch", "river_mixing", None
    elif near.is_mixing is None and missing is None:
        meaning, key, missing = "unknown", "river_process", "enterprises.mixing_only"
    values = _values(near, rivers, position, distance_m, parameters.distance_m)
    evidence = {**_evidence(distance_m, parameters.distance_m), "is_new": near.is_new}
    if missing is not None:
        evidence |= {"missing_column": missing, "missing_rows": [near.subject.id]}
    return RawFinding(
        verdict=Verdict(meaning),
        park_id=near.park_id,
        subject=near.subject,
        title=Message(f"finding.{key}", values),
        evidence=evidence,
        cure=Message(f"cure.{'river_new' if key == 'pond_new' else key}", values),
    )


def _only_the_mapped(
    near: _Near, rivers: Rivers, distance_m: float, parameters: NearParameters
) -> RawFinding:
    """Return what is told of a feature far from every mapped river where some may not be mapped."""
    measured = float(distance_m) if np.isfinite(distance_m) else None
    values = {
        "name": near.name,
        "limit": Quantity(parameters.distance_m, "m"),
        "ranks": [Message(f"river.{rank}") for rank in rivers.open_ranks],
        "names": list(rivers.open_ranks),
    }
    return RawFinding(
        verdict=Verdict.UNKNOWN,
        park_id=near.park_id,
        subject=near.subject,
        title=Message("finding.river_only_mapped", values),
        evidence={
            **_evidence(measured, parameters.distance_m),
            "rivers_measured": len(rivers.boundaries),
            "open_ranks": list(rivers.open_ranks),
        },
        cure=Message("cure.river_only_mapped", values),
        key="unmapped",
        severity=Severity.INFO,
    )


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "distance": Check(RiverParameters, distance, river_closures),
        "tailings": Check(NearParameters, tailings, pond_closures),
        "tailings_by_code": Check(PondCodeParameters, tailings_by_code),
        "new_park": Check(NewParkParameters, new_park),
    }
)
