"""Whether a project may stand at one place: what `rank` says of it, and the nearest that would do.

A place is what lies at a point, or under a shape that somebody drew: parcels, floors of a
building, or ground that is neither. It is put to the rules, needs and access limits that screen
the candidates of a ranking, by the same functions. Shapes are in the metric CRS. Nothing is scored
and no score is needed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geo_service.domain.vacancy import has_room, is_free
from geo_service.model import Message, Quantity, Verdict
from geo_service.suitability.candidates import (
    NOISE_M2,
    Candidate,
    CandidateKind,
    floor_parts,
    floors_together,
    parcel_parts,
    parcels_together,
)
from geo_service.suitability.effect import focus_effects
from geo_service.suitability.exclusion import find_conditions, judge_by_rules
from geo_service.suitability.land.closed import occupied
from geo_service.suitability.misses import unmet_area
from geo_service.suitability.reasons import Reason, each_once, judge_access, unmet_needs
from geo_service.suitability.screening import screen_few
from geo_service.suitability.surroundings import Sites
from geo_service.zoning.check import text_or_none

if TYPE_CHECKING:
    from datetime import date

    import geopandas as gpd
    from numpy.typing import ArrayLike, NDArray
    from shapely.geometry.base import BaseGeometry

    from geo_service.plan import Plan
    from geo_service.suitability.effect import FocusEffect
    from geo_service.suitability.project import Project
    from geo_service.zoning.rulebook import Rulebook

SAME_PLACE = 0.98
"""A shape of which parcels cover so much is these parcels: nobody draws to the centimetre."""
MOST_PARCELS = 50
"""Parcels that one place may consist of."""
BATCHES = (24, 216)
"""How many places are judged together in the search for the nearest one, before it ends."""
_MARGIN_M = 1.0
"""More than a distance can be rounded by."""
_ON_PARCELS = frozenset({CandidateKind.PARCEL})
_ON_FLOORS = frozenset({CandidateKind.FLOORS})


@dataclass(frozen=True, kw_only=True)
class Nearby:
    """The nearest place that would do, and how far its border is from the place asked about."""

    candidate: Candidate
    distance_m: float
    unknowns: tuple[Reason, ...] = ()
    """What could not be judged of it, where no place nearby is free of doubt."""


@dataclass(frozen=True, kw_only=True)
class PlaceAnswer:
    """What is said of a project at one place."""

    candidate: Candidate
    project: Project
    reasons: tuple[Reason, ...]
    """What forbids it (`fail`), and what could not be judged (`unknown`), as in a ranking."""
    conditions: tuple[Reason, ...] = ()
    """What is asked of it without being forbidden; `unknown` where that could not be judged."""
    effect: FocusEffect | None = None
    """What it does to the focus of the park that it lies in."""
    nearest: Nearby | None = None
    tried: int = 0
    """How many places were judged in the search for the nearest one."""

    @property
    def verdict(self) -> Verdict:
        """Whether it may stand there: `watch` on conditions, `unknown` if that cannot be told."""
        verdicts = {reason.verdict for reason in self.reasons}
        if verdicts & {Verdict.FAIL, Verdict.UNKNOWN}:
            return Verdict.FAIL if Verdict.FAIL in verdicts else Verdict.UNKNOWN
        is_conditional = any(item.verdict is not Verdict.UNKNOWN for item in self.conditions)
        return Verdict.WATCH if is_conditional or self.is_focus_worse else Verdict.PASS

    @property
    def is_focus_worse(self) -> bool:
        """Whether the park would keep to its leading industry less than its rules ask."""
        if self.effect is None:
            return False
        order = [Verdict.PASS, Verdict.UNKNOWN, Verdict.WATCH, Verdict.FAIL]
        before, after = self.effect.before.verdict, self.effect.after.verdict
        return after is not Verdict.UNKNOWN and order.index(after) > order.index(before)


def judge_place(
    plan: Plan,
    shape: BaseGeometry,
    project: Project,
    rulebook: Rulebook,
    *,
    as_of: date,
    is_nearest_wanted: bool = True,
) -> PlaceAnswer:
    """Return what a ranking says of a project at a point or under a drawn shape.

    The place is, for a project that needs floors, the building that the shape covers most of, with
    its best run of floors; for land the parcel that holds the point, or the parcels that cover the
    shape. Else it is the ground itself, round a point a square of the area that is needed. Told
    beside: what is asked without being forbidden, what the project does to the park's focus, and
    the nearest single parcel or run of floors that would do.
    """
    if project.needs.land_m2 is None:
        candidate, reasons = _judge_floors(plan, shape, project, rulebook, as_of)
    else:
        [(candidate, reasons)] = judge_land(plan, [shape], project, rulebook, as_of=as_of)
    effect, nearest, tried = None, None, 0
    park_id = candidate.park_id
    if park_id is not None:
        effect = focus_effects(plan, project, rulebook, [park_id], as_of=as_of)[park_id]
    if is_nearest_wanted and reasons:
        nearest, tried = _nearest(plan, candidate, project, rulebook, as_of)
    is_there = bool(candidate.members) or candidate.kind is CandidateKind.LAND
    return PlaceAnswer(
        candidate=candidate,
        project=project,
        reasons=reasons,
        conditions=find_conditions(plan, candidate, project, rulebook, as_of=as_of)
        if is_there
        else (),
        effect=effect,
        nearest=nearest,
        tried=tried,
    )


# ---- what lies there -------------------------------------------------------------------------


def _land_at(plan: Plan, shape: BaseGeometry, needed_m2: float) -> Candidate:
    parcels = plan.metric("parcels")
    near = parcels.iloc[np.sort(parcels.sindex.query(shape, predicate="intersects"))]
    if shape.area == 0:
        if len(near):
            smallest = near.iloc[[int(np.argmin(near.geometry.area.to_numpy()))]]
            return next(parcel_parts(smallest))
        return _ground(shape.buffer(math.sqrt(needed_m2) / 2, cap_style="square"))
    shared = shapely.area(shapely.intersection(near.geometry.to_numpy(), shape))
    under = near[shared > max(NOISE_M2, (1 - SAME_PLACE) * shape.area)]
    if not 1 <= len(under) <= MOST_PARCELS:
        return _ground(shape)
    covered = shapely.intersection(shapely.union_all(under.geometry.to_numpy()), shape).area
    if covered < SAME_PLACE * shape.area:
        return _ground(shape)
    members = list(parcel_parts(under))
    return members[0] if len(members) == 1 else parcels_together(members)


def _ground(shape: BaseGeometry) -> Candidate:
    east, north = (math.floor(metres) for metres in shape.centroid.coords[0])
    return Candidate(
        candidate_id=f"{CandidateKind.LAND}:E{east}N{north}",
        kind=CandidateKind.LAND,
        park_id=None,
        members=(),
        area_m2=float(shape.area),
        geometry=shape,
    )


def judge_land(
    plan: Plan,
    shapes: Sequence[BaseGeometry],
    project: Project,
    rulebook: Rulebook,
    *,
    as_of: date,
) -> list[tuple[Candidate, tuple[Reason, ...]]]:
    """Return the ground at each of some points or shapes, and what speaks against it.

    For a project that needs land; to ask for many at once takes little longer than for one.
    """
    needed_m2 = project.needs.land_m2 or 0.0
    candidates = [_land_at(plan, shape, needed_m2) for shape in shapes]
    by_rules = judge_by_rules(plan, candidates, project, rulebook, as_of=as_of)
    by_access = judge_access(Sites(plan, candidates, project))
    return [
        (
            candidate,
            each_once(
                _unavailable(plan, candidate),
                unmet_area(candidate, project),
                by_rules[candidate.candidate_id],
                unmet_needs(candidate, project) if candidate.members else (),
                by_access.get(candidate.candidate_id, ()),
            ),
        )
        for candidate in candidates
    ]


def _judge_floors(
    plan: Plan, shape: BaseGeometry, project: Project, rulebook: Rulebook, as_of: date
) -> tuple[Candidate, tuple[Reason, ...]]:
    """Return the best run of floors of the building there, and what speaks against it."""
    buildings = plan.metric("buildings")
    near = buildings.iloc[np.sort(buildings.sindex.query(shape, predicate="intersects"))]
    name, park_id = "-", None
    parts: list[Candidate] = []
    if len(near):
        shared = shapely.area(shapely.intersection(near.geometry.to_numpy(), shape))
        row = near.iloc[int(np.argmax(shared))]
        name, shape, park_id = row["building_id"], row.geometry, text_or_none(row["park_id"])
        parts = _floors_of(plan, [name])
    found = screen_few(plan, parts, project, rulebook, kinds=_ON_FLOORS, as_of=as_of)
    runs = [item for item in found if not unmet_area(item.candidate, project)]
    if runs:
        best = min(runs, key=lambda item: (_rank_of(item.reasons), item.candidate.candidate_id))
        return best.candidate, best.reasons
    if parts:
        whole = floors_together(parts)
        return whole, each_once(unmet_area(whole, project), unmet_needs(whole, project))
    nowhere = Candidate(
        candidate_id=f"{CandidateKind.FLOORS}:{name}",
        kind=CandidateKind.FLOORS,
        park_id=park_id,
        members=(),
        area_m2=0.0,
        geometry=shape,
    )
    return nowhere, (_reason("free_floors", Verdict.FAIL, "reason.no_floors", {}),)


def _rank_of(reasons: Sequence[Reason]) -> int:
    """Return 0 for nothing against, 1 for what nobody can judge, 2 for what forbids."""
    return 2 if any(item.verdict is Verdict.FAIL for item in reasons) else len(reasons[:1])


def _floors_of(plan: Plan, building_ids: Sequence[str]) -> list[Candidate]:
    floors = plan.frame("floors")
    own = floors[floors["building_id"].isin(building_ids)]
    return list(floor_parts(plan, own[has_room(own)]))


def _unavailable(plan: Plan, candidate: Candidate) -> Iterator[Reason]:
    """Yield why a place is not free, or may not be."""
    if candidate.kind is CandidateKind.LAND:
        yield from _taken(plan, candidate)
        return
    parcels = plan.frame("parcels")
    own = parcels[parcels["parcel_id"].isin(candidate.members)]
    taken = own.loc[~is_free(own), ["parcel_id", "status"]]
    for parcel_id, status in taken.itertuples(index=False):
        values: dict[str, object] = {"parcel": parcel_id}
        if isinstance(status, str):
            values["status"] = Message(f"status.{status}")
            yield _reason("free_land", Verdict.FAIL, "reason.parcel_taken", values)
        else:
            yield _reason("free_land", Verdict.UNKNOWN, "reason.parcel_status", values)


def _taken(plan: Plan, candidate: Candidate) -> Iterator[Reason]:
    """Yield what lies on ground that somebody drew; in a park that is not mapped in parcels."""
    shape = candidate.geometry
    county = plan.metric("county")
    if len(county):
        inside = shapely.intersection(shapely.union_all(county.geometry.to_numpy()), shape).area
        if inside < SAME_PLACE * shape.area:
            yield _reason("in_county", Verdict.FAIL, "reason.outside_county", {})
    for layer, shapes in occupied(plan, shape):
        shared = shapely.intersection(shapely.union_all(shapes), shape).area
        if shared <= NOISE_M2:
            continue
        is_park = layer == "parks"
        values = {"layer": Message(f"layer.{layer}"), "area": Quantity(float(shared), "m²")}
        verdict = Verdict.UNKNOWN if is_park else Verdict.FAIL
        yield _reason(
            f"free_of_{layer}",
            verdict,
            "reason.in_park" if is_park else "reason.taken",
            values,
            float(shared),
        )


def _reason(
    name: str, verdict: Verdict, key: str, values: dict[str, object], area_m2: float | None = None
) -> Reason:
    return Reason(
        rule_id=f"project.{name}",
        verdict=verdict,
        detail=Message(key, values),
        measure={"measure": name, "value": area_m2, "unit": None if area_m2 is None else "m²"},
    )


# ---- the nearest that would do ---------------------------------------------------------------


def _nearest(
    plan: Plan, candidate: Candidate, project: Project, rulebook: Rulebook, as_of: date
) -> tuple[Nearby | None, int]:
    """Return the nearest place on which nothing forbids the project, and how many were judged.

    One that nobody can judge is returned only if none without doubt was judged together with it.
    """
    best: Nearby | None = None
    tried = 0
    kinds = _ON_FLOORS if project.needs.land_m2 is None else _ON_PARCELS
    for parts, order in _by_distance(plan, candidate, project):
        if best is not None:
            break
        found = screen_few(plan, parts, project, rulebook, kinds=kinds, as_of=as_of)
        tried += len(parts)
        found.sort(key=lambda item: order[_holder(item.candidate)])
        for item in found:
            if _rank_of(item.reasons) > 1:
                continue
            far_m = float(shapely.distance(item.candidate.geometry, candidate.geometry))
            near = Nearby(candidate=item.candidate, distance_m=far_m, unknowns=item.reasons)
            if not item.reasons:
                return near, tried
            best = best or near
    return best, tried


def _holder(candidate: Candidate) -> str:
    """Return the parcel that a candidate is, or the building that it is in."""
    is_floors = candidate.kind is CandidateKind.FLOORS
    return candidate.building_id if is_floors else candidate.members[0]


def _by_distance(
    plan: Plan, candidate: Candidate, project: Project
) -> Iterator[tuple[list[Candidate], dict[str, int]]]:
    """Yield free parcels that are large enough, or floors with room, some at a time.

    With each: in which order its parcels or buildings lie, the nearest first.
    """
    needed_m2 = project.needs.land_m2
    if needed_m2 is not None:
        parcels = plan.metric("parcels")
        is_fit = is_free(parcels) & (shapely.area(parcels.geometry.to_numpy()) >= needed_m2)
        is_own = parcels["parcel_id"].isin(candidate.members).to_numpy(dtype=bool)
        for some in _batches(parcels, is_fit & ~is_own, candidate):
            order = {name: place for place, name in enumerate(some["parcel_id"])}
            yield list(parcel_parts(some)), order
        return
    buildings, floors = plan.metric("buildings"), plan.frame("floors")
    roomy = set(floors.loc[has_room(floors), "building_id"])
    own = candidate.building_id if candidate.members else None
    for some in _batches(buildings, buildings["building_id"].isin(roomy - {own}), candidate):
        order = {name: place for place, name in enumerate(some["building_id"])}
        yield _floors_of(plan, list(order)), order


def _batches(
    frame: gpd.GeoDataFrame, is_fit: ArrayLike, candidate: Candidate
) -> Iterator[gpd.GeoDataFrame]:
    """Yield rows that fit by their distance from a candidate, so many at a time."""
    rows = np.flatnonzero(np.asarray(is_fit, dtype=bool))
    shapes = frame.geometry.to_numpy()
    rows = rows[may_be_nearest(shapes[rows], candidate.geometry, sum(BATCHES))]
    far_m = shapely.distance(shapes[rows], candidate.geometry)
    order = rows[np.argsort(far_m, kind="stable")]
    start = 0
    for size in BATCHES:
        if len(order) > start:
            yield frame.iloc[order[start : start + size]]
        start += size


def may_be_nearest(shapes: NDArray[Any], shape: BaseGeometry, count: int) -> NDArray[np.bool_]:
    """Return which shapes may be among the nearest to one, by the boxes around them all.

    To measure a whole county costs more than to judge what is nearest.
    """
    if len(shapes) <= count:
        return np.ones(len(shapes), dtype=bool)
    west, south, east, north = shapely.bounds(shapes).T
    left, low, right, top = shape.bounds
    least = np.hypot(
        np.maximum(0, np.maximum(west - right, left - east)),
        np.maximum(0, np.maximum(south - top, low - north)),
    )
    most = np.hypot(
        np.maximum(east, right) - np.minimum(west, left),
        np.maximum(north, top) - np.minimum(south, low),
    )
    enough = np.partition(most, count - 1)[count - 1]
    # What has no shape has no distance, and stays what it was: last.
    return np.asarray(~(least > enough + _MARGIN_M), dtype=np.bool_)
