"""When a project fits nowhere: what comes nearest, and what would have to change.

The area that the project asks for is set aside: of what screening found against every parcel
or floor, parks, buildings and groups are put together however small they are, and the largest
free land of the county beside them. Those that lack least are named with each gap. No rule is
judged here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from geo_service.model import Message, Quantity, Verdict
from geo_service.suitability.candidates import (
    Candidate,
    CandidateKind,
    combine,
    largest_groups,
)
from geo_service.suitability.reasons import (
    Reason,
    each_once,
    is_excluded,
    judge_access,
    unmet_needs,
)

if TYPE_CHECKING:
    from geo_service.suitability.land.search import LandSearch
    from geo_service.suitability.project import Project
    from geo_service.suitability.screening import Screening

SHOWN = 5
_NO_MEASURE = 1.0
"""How far a rule that has no figure to come nearer to counts as missed: by the whole."""
_LEAST_M2 = 1.0
_SINGLE = frozenset({CandidateKind.PARCEL, CandidateKind.PARCELS, CandidateKind.FLOORS})
"""Kinds asked for of which single parcels or floors are shown too."""


@dataclass(frozen=True, kw_only=True)
class Miss:
    """A candidate that nearly fits: what stands against it, and what would cure each point."""

    candidate: Candidate
    reasons: tuple[Reason, ...]
    cures: tuple[Message, ...]
    distance: float
    """The sum of the relative gaps; smaller is nearer."""


def nearest_misses(screening: Screening, project: Project) -> tuple[Miss, ...]:
    """Return what lacks least, nearest first; nothing where nothing is free at all."""
    lacking = {
        item.candidate.candidate_id: (item.candidate, item.reasons) for item in screening.excluded
    }
    near = {
        candidate.candidate_id: (candidate, lacks) for candidate, lacks in _near(screening, project)
    }
    if screening.land is not None and screening.land.nearest_miss is not None:
        candidate, lacks = _largest_land(project, screening.land)
        near[candidate.candidate_id] = candidate, lacks
    by_access = judge_access(screening.sites.among([candidate for candidate, _ in near.values()]))
    for candidate_id, (candidate, lacks) in near.items():
        lacking[candidate_id] = candidate, (*lacks, *by_access.get(candidate_id, ()))
    misses = [
        Miss(
            candidate=candidate,
            reasons=reasons,
            cures=tuple(_cure(reason) for reason in reasons),
            distance=sum(_gap(reason) for reason in reasons),
        )
        for candidate, reasons in lacking.values()
        if reasons
    ]
    misses.sort(key=lambda miss: (miss.distance, miss.candidate.candidate_id))
    return tuple(misses[:SHOWN])


Lacking = tuple[Candidate, tuple[Reason, ...]]
"""A candidate and what it lacks."""


def _near(screening: Screening, project: Project) -> Iterator[Lacking]:
    """Yield what the plan has of the kinds asked for, however small, with what it lacks."""
    kinds = {CandidateKind(kind) for kind in project.candidates}
    against = {item.candidate.members[0]: item.reasons for item in screening.parts}
    parts = [item.candidate for item in screening.parts]
    permitted = [
        item.candidate for item in screening.parts if not is_excluded(item.reasons, project)
    ]
    of_any_area = _without_area(project)
    found: dict[str, Lacking] = {}
    if kinds & _SINGLE:
        found = {part.candidate_id: (part, against[part.members[0]]) for part in parts}
    parcels = [part for part in permitted if part.kind is CandidateKind.PARCEL]
    groups = largest_groups(parcels) if CandidateKind.PARCELS in kinds else ()
    for whole in (*combine(permitted, of_any_area), *combine(parts, of_any_area), *groups):
        if whole.kind is not CandidateKind.PARCEL and whole.kind in kinds:
            of_members = each_once(*(against[member] for member in whole.members))
            found.setdefault(whole.candidate_id, (whole, _worst(of_members)))
    for candidate, reasons in found.values():
        lacks = each_once(reasons, unmet_needs(candidate, project), unmet_area(candidate, project))
        yield candidate, _worst(lacks)


def _without_area(project: Project) -> Project:
    """Return the project asking for hardly any area, and for floors wherever they lie."""
    if project.needs.land_m2 is not None:
        update: dict[str, object] = {"land_m2": _LEAST_M2}
    else:
        update = {"floor_area_m2": _LEAST_M2, "contiguous_floors": False}
    return project.model_copy(update={"needs": project.needs.model_copy(update=update)})


def _worst(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    """Return of each rule the reason that is furthest from holding: parts share their cures."""
    worst: dict[str, Reason] = {}
    for reason in reasons:
        known = worst.get(reason.rule_id)
        if known is None or _gap(reason) > _gap(known):
            worst[reason.rule_id] = reason
    return tuple(worst.values())


def unmet_area(candidate: Candidate, project: Project) -> list[Reason]:
    """Return what a candidate lacks in area, or in floors that lie one above the other."""
    needs = project.needs
    needed_m2 = needs.land_m2 or needs.floor_area_m2 or 0.0
    name = "floor_area_m2" if needs.land_m2 is None else "land_m2"
    if candidate.area_m2 < needed_m2:
        return [_area_reason(name, "too_small", candidate.area_m2, needed_m2)]
    asks_for_a_run = candidate.kind is CandidateKind.FLOORS and needs.contiguous_floors
    if asks_for_a_run and any(
        above != below + 1 for below, above in pairwise(candidate.floor_numbers)
    ):
        return [_area_reason("contiguous_floors", "floors_apart", candidate.area_m2, needed_m2)]
    return []


def _largest_land(project: Project, land: LandSearch) -> Lacking:
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
    lacks = [*land.unjudged, *unmet_needs(candidate, project)]
    if miss.area_m2 < needed_m2:
        lacks.append(_area_reason("land_m2", "too_small", miss.area_m2, needed_m2))
    elif project.unknown == "keep" or not land.unjudged:
        lacks.append(_area_reason("land_m2", "too_thin", miss.circle_m2, needed_m2))
    return candidate, tuple(lacks)


def _area_reason(name: str, key: str, offered_m2: float, needed_m2: float) -> Reason:
    """Return that an area falls short of the one needed; `key` says in which way."""
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
