"""Places for a project: what stands, what stands with doubts, what is out and why.

Rules come first. A parcel or floor that one forbids, or that cannot meet what every single
floor must, is no member of anything; places are combined from what is left, and then the
limits of the whole (utilities, access) are put to them. Nothing is measured or scored here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo_service.model import Verdict
from geo_service.suitability.access import judge_access
from geo_service.suitability.candidates import Candidate, CandidateKind, combine, find_parts
from geo_service.suitability.exclusion import (
    Pieces,
    Reason,
    judge_pieces,
    reasons_of_floor_needs,
    reasons_of_needs,
    reasons_of_rules,
)
from geo_service.suitability.land.search import find_land
from geo_service.suitability.surroundings import Sites

if TYPE_CHECKING:
    from datetime import date

    from geo_service.plan import Plan
    from geo_service.suitability.land.search import LandSearch
    from geo_service.suitability.project import Project
    from geo_service.zoning.rulebook import Rulebook

_ON_PARCELS = frozenset({CandidateKind.PARCEL, CandidateKind.PARCELS})
Reasons = Mapping[str, Sequence[Reason]]


@dataclass(frozen=True, kw_only=True)
class Excluded:
    """A candidate that is out, and every reason why."""

    candidate: Candidate
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, kw_only=True)
class Places:
    """What a search for places found.

    `unknowns` are, by candidate id, what could not be judged of candidates that stand all the
    same.
    """

    standing: tuple[Candidate, ...]
    unknowns: Mapping[str, tuple[Reason, ...]]
    excluded: tuple[Excluded, ...]
    land: LandSearch | None = None
    """The search for open land, where the project asks for it."""


def find_places(
    plan: Plan,
    project: Project,
    rulebook: Rulebook,
    *,
    as_of: date,
    tell: Callable[[str], None] = lambda _: None,
) -> Places:
    """Return the places of the kinds that a project asks for.

    `tell` is called with the name of each step. Excluded are forbidden parts that a place
    would have been made of, parks whose other parcels do not reach the area, and places that
    miss a limit. A whole park is left out where one of its parcels, or neighbouring ones,
    stand: it would say the same place twice.
    """
    tell("candidates")
    kinds = frozenset(CandidateKind(kind) for kind in project.candidates)
    parts = [part for part in find_parts(plan, project) if kinds & _uses_of(part)]
    every = _of_kinds(combine(parts, project), kinds)
    wanted = {member for item in every for member in item.members}
    land = None
    if CandidateKind.LAND in kinds and project.needs.land_m2 is not None:
        land = find_land(plan, project, rulebook, as_of=as_of)
    tell("exclusion")
    chosen = [part for part in parts if part.members[0] in wanted]
    pieces = judge_pieces(plan, chosen, project, rulebook, as_of=as_of)
    against = {part.candidate_id: reasons_of_part(part, pieces, project) for part in chosen}
    out = {name: own for name, own in against.items() if is_out(own, project)}
    members = [part for part in chosen if part.candidate_id not in out]
    found = _of_kinds(combine(members, project), kinds) if out else list(every)
    reasons: dict[str, list[Reason]] = {
        item.candidate_id: [*reasons_of_rules(item, pieces), *reasons_of_needs(item, project)]
        for item in found
    }
    for item, lacks in _lost(chosen, out, found, every, project):
        found.append(item)
        reasons[item.candidate_id] = lacks
    found.sort(key=lambda item: item.candidate_id)
    if land is not None:
        found += land.candidates
        for item in land.candidates:
            own = [*land.unjudged, *land.reasons.get(item.candidate_id, ())]
            reasons[item.candidate_id] = [*own, *reasons_of_needs(item, project)]
    tell("access")
    for candidate_id, far in judge_access(Sites(plan, found, project, {})).items():
        reasons[candidate_id] += far
    standing, unknowns, excluded = _sort_out(found, reasons, project)
    return Places(
        standing=tuple(standing),
        unknowns=unknowns,
        excluded=tuple(excluded),
        land=land,
    )


def is_out(reasons: Sequence[Reason], project: Project) -> bool:
    """Return whether reasons forbid a place, or leave open what the project wants to be sure of."""
    is_forbidden = any(reason.verdict is Verdict.FAIL for reason in reasons)
    return is_forbidden or (bool(reasons) and project.unknown == "exclude")


def reasons_of_part(part: Candidate, pieces: Pieces, project: Project) -> list[Reason]:
    """Return what speaks against a parcel or floor as a member of any place."""
    return [*reasons_of_rules(part, pieces), *reasons_of_floor_needs(part, project)]


def merged(*lists: Iterable[Reason]) -> list[Reason]:
    """Return reasons of several lists, each once."""
    found: list[Reason] = []
    for reasons in lists:
        found += [reason for reason in reasons if reason not in found]
    return found


def _uses_of(part: Candidate) -> frozenset[CandidateKind]:
    """Return the kinds of places that a part can be a member of."""
    if part.kind is CandidateKind.FLOORS:
        return frozenset({CandidateKind.FLOORS})
    return _ON_PARCELS | {CandidateKind.PARK}


def _of_kinds(found: Iterable[Candidate], kinds: frozenset[CandidateKind]) -> list[Candidate]:
    return [item for item in found if item.kind in kinds]


def _lost(
    parts: Sequence[Candidate],
    out: Reasons,
    found: Sequence[Candidate],
    every: Sequence[Candidate],
    project: Project,
) -> list[tuple[Candidate, list[Reason]]]:
    """Return what would be a place, or a member of one, were it not for parts that are out.

    `found` are the places without those parts, `every` those with them.
    """
    needs = project.needs
    needed_m2 = needs.land_m2 or needs.floor_area_m2 or 0.0
    wanted = {
        member for item in every if item.kind is not CandidateKind.PARK for member in item.members
    }
    lost = []
    for part in parts:
        if part.candidate_id in out and part.members[0] in wanted:
            is_whole = part.area_m2 >= needed_m2
            more = reasons_of_needs(part, project) if is_whole else []
            lost.append((part, merged(out[part.candidate_id], more)))
    still = {item.candidate_id for item in found}
    for item in every:
        if item.kind is CandidateKind.PARK and item.candidate_id not in still:
            own = (out.get(f"{CandidateKind.PARCEL}:{member}", ()) for member in item.members)
            lost.append((item, merged(*own)))
    return lost


def _sort_out(
    found: Sequence[Candidate], reasons: Reasons, project: Project
) -> tuple[list[Candidate], dict[str, tuple[Reason, ...]], list[Excluded]]:
    """Tell apart what stands, what stands with doubts, and what is out."""
    standing = [item for item in found if not is_out(reasons[item.candidate_id], project)]
    on_parcels = {item.park_id for item in standing if item.kind in _ON_PARCELS}

    def is_said(item: Candidate) -> bool:
        return item.kind is CandidateKind.PARK and item.park_id in on_parcels

    kept = [item for item in standing if not is_said(item)]
    unknowns = {
        item.candidate_id: tuple(reasons[item.candidate_id])
        for item in kept
        if reasons[item.candidate_id]
    }
    excluded = [
        Excluded(candidate=item, reasons=tuple(reasons[item.candidate_id]))
        for item in found
        if is_out(reasons[item.candidate_id], project) and not is_said(item)
    ]
    return kept, unknowns, excluded
