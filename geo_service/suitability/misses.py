"""When a project fits nowhere: what comes nearest, and what would have to change.

The area that the project asks for is set aside, and everything of the kinds that it looks for
is judged again: free parcels, parks, buildings, and the largest free land of the county. Those
that lack least are named with each gap.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from geo_service.model import Message, Quantity, Verdict
from geo_service.suitability.access import judge_access
from geo_service.suitability.candidates import (
    Candidate,
    CandidateKind,
    combine,
    find_parts,
    floor_numbers,
    largest_groups,
)
from geo_service.suitability.exclusion import Reason, judge_pieces, reasons_of_needs
from geo_service.suitability.permitted import is_out, merged, reasons_of_part
from geo_service.suitability.surroundings import Sites

if TYPE_CHECKING:
    from datetime import date

    from geo_service.plan import Plan
    from geo_service.suitability.land.search import LandSearch
    from geo_service.suitability.permitted import Excluded
    from geo_service.suitability.project import Project
    from geo_service.zoning.rulebook import Rulebook

SHOWN = 5
_NO_MEASURE = 1.0
"""How far a rule that has no figure to come nearer to counts as missed: by the whole."""
_LEAST_M2 = 1.0


@dataclass(frozen=True, kw_only=True)
class Miss:
    """A place that nearly fits: what stands against it, and what would cure each point."""

    candidate: Candidate
    reasons: tuple[Reason, ...]
    cures: tuple[Message, ...]
    distance: float
    """The sum of the relative gaps; smaller is nearer."""


def nearest_misses(
    plan: Plan,
    project: Project,
    rulebook: Rulebook,
    excluded: Sequence[Excluded],
    *,
    as_of: date,
    land: LandSearch | None = None,
) -> tuple[Miss, ...]:
    """Return the places that lack least, nearest first; none where nothing is free at all.

    `land` is the search for new land, where the project asked for it.
    """
    judged = {item.candidate.candidate_id: (item.candidate, item.reasons) for item in excluded}
    parts = find_parts(plan, project)
    pieces = judge_pieces(plan, parts, project, rulebook, as_of=as_of)
    against = {part.candidate_id: reasons_of_part(part, pieces, project) for part in parts}
    near = dict(_near(project, parts, against))
    if land is not None and land.nearest_miss is not None:
        largest = _largest_land(project, land)
        near[largest[0].candidate_id] = largest
    far = judge_access(Sites(plan, [item for item, _ in near.values()], project, {}))
    for candidate_id, (candidate, own) in near.items():
        judged[candidate_id] = (candidate, (*own, *far.get(candidate_id, ())))
    misses = [
        Miss(
            candidate=candidate,
            reasons=own,
            cures=tuple(_cure(reason) for reason in own),
            distance=sum(_gap(reason) for reason in own),
        )
        for candidate, own in judged.values()
        if own
    ]
    misses.sort(key=lambda miss: (miss.distance, miss.candidate.candidate_id))
    return tuple(misses[:SHOWN])


Judged = tuple[Candidate, list[Reason]]


def _near(
    project: Project, parts: Sequence[Candidate], against: Mapping[str, list[Reason]]
) -> Iterator[tuple[str, Judged]]:
    """Yield what the plan has of the kinds asked for, however small, with what it lacks."""
    kinds = {CandidateKind(kind) for kind in project.candidates}
    members = [part for part in parts if not is_out(against[part.candidate_id], project)]
    anything = _without_area(project)
    found: dict[str, Judged] = {}
    if kinds & {CandidateKind.PARCEL, CandidateKind.PARCELS, CandidateKind.FLOORS}:
        for part in parts:
            found[part.candidate_id] = (part, against[part.candidate_id])
    parcels = [part for part in members if part.kind is CandidateKind.PARCEL]
    groups = largest_groups(parcels) if CandidateKind.PARCELS in kinds else ()
    for item in (*combine(members, anything), *combine(parts, anything), *groups):
        if item.kind is not CandidateKind.PARCEL and item.kind in kinds:
            own = merged(*(against[f"{_part_kind(item)}:{member}"] for member in item.members))
            found.setdefault(item.candidate_id, (item, _worst(own)))
    for candidate_id, (candidate, own) in found.items():
        lacks = merged(own, reasons_of_needs(candidate, project), _area(candidate, project))
        yield candidate_id, (candidate, _worst(lacks))


def _part_kind(candidate: Candidate) -> CandidateKind:
    return CandidateKind.FLOORS if candidate.kind is CandidateKind.FLOORS else CandidateKind.PARCEL


def _without_area(project: Project) -> Project:
    """Return the project asking for hardly any area, and for floors wherever they lie."""
    if project.needs.land_m2 is not None:
        update: dict[str, object] = {"land_m2": _LEAST_M2}
    else:
        update = {"floor_area_m2": _LEAST_M2, "contiguous_floors": False}
    return project.model_copy(update={"needs": project.needs.model_copy(update=update)})


def _worst(reasons: Sequence[Reason]) -> list[Reason]:
    """Return of each rule the reason that is furthest from holding: parts share their cures."""
    worst: dict[str, Reason] = {}
    for reason in reasons:
        known = worst.get(reason.rule_id)
        if known is None or _gap(reason) > _gap(known):
            worst[reason.rule_id] = reason
    return list(worst.values())


def _area(candidate: Candidate, project: Project) -> list[Reason]:
    """Return what a candidate lacks in area, or in floors that lie one above the other."""
    needs = project.needs
    needed_m2 = needs.land_m2 or needs.floor_area_m2 or 0.0
    name = "floor_area_m2" if needs.land_m2 is None else "land_m2"
    if candidate.area_m2 < needed_m2:
        return [_short(name, "too_small", candidate.area_m2, needed_m2)]
    if candidate.kind is CandidateKind.FLOORS and needs.contiguous_floors:
        numbers = floor_numbers(candidate)
        if any(after != before + 1 for before, after in pairwise(numbers)):
            return [_short("contiguous_floors", "floors_apart", candidate.area_m2, needed_m2)]
    return []


def _largest_land(project: Project, land: LandSearch) -> Judged:
    """Return the largest free land of the county, and what it lacks."""
    miss = land.nearest_miss
    assert miss is not None  # noqa: S101 - asked for where there is one
    east, north = (math.floor(metres) for metres in miss.point.bounds[:2])
    candidate = Candidate(
        candidate_id=f"{CandidateKind.LAND}:E{east}N{north}",
        kind=CandidateKind.LAND,
        park_id=None,
        members=(),
        area_m2=miss.area_m2,
        geometry=miss.point.buffer(math.sqrt(max(miss.circle_m2, _LEAST_M2) / math.pi)),
        illustrative=land.illustrative,
    )
    needed_m2 = project.needs.land_m2 or 0.0
    lacks = list(land.unjudged) + reasons_of_needs(candidate, project)
    if miss.area_m2 < needed_m2:
        lacks.append(_short("land_m2", "too_small", miss.area_m2, needed_m2))
    elif project.unknown == "keep" or not land.unjudged:
        lacks.append(_short("land_m2", "too_thin", miss.circle_m2, needed_m2))
    return candidate, lacks


def _short(name: str, key: str, offered_m2: float, needed_m2: float) -> Reason:
    values = {
        "offered": Quantity(offered_m2, "m²", beside=needed_m2),
        "needed": Quantity(needed_m2, "m²", beside=offered_m2),
    }
    return Reason(
        rule_id=f"project.{name}",
        verdict=Verdict.FAIL,
        detail=Message(f"reason.{key}", values),
        measure={
            "measure": "area_m2",
            "value": offered_m2,
            "unit": "m²",
            "threshold": needed_m2,
        },
    )


def _gap(reason: Reason) -> float:
    """Return how far a reason is from not holding, as a share of its threshold."""
    measure: Mapping[str, object] = reason.measure
    value, threshold = measure.get("value"), measure.get("threshold")
    numbers = isinstance(value, (int, float)) and isinstance(threshold, (int, float))
    if reason.rule_id.startswith("project.") and numbers and threshold:
        return abs(float(value) - float(threshold)) / abs(float(threshold))  # type: ignore[arg-type]
    return _NO_MEASURE


def _cure(reason: Reason) -> Message:
    """Return what would have to change for a reason to fall."""
    name = reason.rule_id
    if reason.verdict is Verdict.UNKNOWN:
        return Message("miss.fill_data")
    if name.startswith("project.access."):
        return Message("miss.access")
    if name in {"project.land_m2", "project.floor_area_m2"}:
        offered = reason.measure["value"]
        return Message("miss.area", {"offered": Quantity(float(offered), "m²")})
    if name in {"project.fire_class", "project.contiguous_floors"}:
        return Message(f"miss.{name.removeprefix('project.')}")
    if name.startswith("project."):
        return Message("miss.need")
    return Message("miss.rule")
