"""Screening: every candidate put once to the rules, the project's needs and its access limits.

Rules come first. Every parcel or floor is judged, once; one that a rule forbids, or that
cannot meet what every single floor must, is no member of anything. Candidates are combined
from the others: the rules say against them what they say against their members, and the
limits of the whole (utilities, access) follow. What came of it is one frozen record, which
the ranking, its misses, reasons and reports read. No criterion is measured or scored here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from geo_service.suitability.candidates import Candidate, CandidateKind, combine, find_parts
from geo_service.suitability.exclusion import judge_by_rules, judge_pairs
from geo_service.suitability.reasons import (
    Reason,
    each_once,
    is_excluded,
    judge_access,
    unmet_needs,
    unmet_needs_of_floors,
)
from geo_service.suitability.surroundings import Sites

if TYPE_CHECKING:
    from datetime import date

    from geo_service.plan import Plan
    from geo_service.suitability.land.search import LandSearch
    from geo_service.suitability.project import Project
    from geo_service.zoning.rulebook import Rulebook

Judged = Mapping[str, tuple[Reason, ...]]
"""What the rules say against each part, by its id."""
_ON_PARCELS = frozenset({CandidateKind.PARCEL, CandidateKind.PARCELS})


@dataclass(frozen=True, kw_only=True)
class Screened:
    """A candidate, and what was found against it, by who says so.

    What stands all the same has reasons too where nobody can judge it.
    """

    candidate: Candidate
    by_rules: tuple[Reason, ...] = ()
    by_needs: tuple[Reason, ...] = ()
    by_access: tuple[Reason, ...] = ()
    by_criteria: tuple[Reason, ...] = ()
    """Criteria that have no value here, where the project excludes what is unknown."""

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Every reason against it."""
        return (*self.by_rules, *self.by_needs, *self.by_access, *self.by_criteria)


@dataclass(frozen=True, kw_only=True)
class Screening:
    """What screening found: the candidates that stand, those that are out, and their parts.

    `excluded` are forbidden parts that a candidate would have been made of, parks whose other
    parcels do not reach the area, and candidates that miss a need or limit. `parts` are all
    parcels or floors that candidates of the kinds asked for are made of, however small.
    """

    sites: Sites
    """The candidates that stand, with what is around them."""
    standing: tuple[Screened, ...]
    excluded: tuple[Screened, ...]
    parts: tuple[Screened, ...]
    land: LandSearch | None = None
    """The search for open land, where the project asks for it."""

    @cached_property
    def unknowns(self) -> Mapping[str, tuple[Reason, ...]]:
        """By candidate id, what could not be judged of candidates that stand all the same."""
        return {item.candidate.candidate_id: item.reasons for item in self.standing if item.reasons}

    def without(self, unmeasured: Mapping[str, tuple[Reason, ...]]) -> Screening:
        """Return the same screening with candidates out that criteria have no value of, by id."""
        standing, excluded = [], list(self.excluded)
        for item in self.standing:
            reasons = unmeasured.get(item.candidate.candidate_id)
            if reasons:
                excluded.append(replace(item, by_criteria=reasons))
            else:
                standing.append(item)
        return replace(
            self,
            sites=self.sites.among([item.candidate for item in standing]),
            standing=tuple(standing),
            excluded=tuple(excluded),
        )


def screen(
    plan: Plan,
    project: Project,
    rulebook: Rulebook,
    *,
    as_of: date,
    tell: Callable[[str], None] = lambda _: None,
    judged: Judged | None = None,
) -> Screening:
    """Return which candidates of the kinds that a project asks for stand, and what is out.

    `tell` is called with the name of each step. `judged` is what the rules say against each part,
    by its id, where that was asked for many projects at once (`judge_parts`). A whole park is left
    out where one of its parcels, or neighbouring ones, stand: it would say the same place twice.
    """
    tell("candidates")
    kinds = frozenset(CandidateKind(kind) for kind in project.candidates)
    parts = _wanted_parts(plan, project)
    conceivable = _of_kinds(combine(parts, project), kinds)
    land = None
    if CandidateKind.LAND in kinds and project.needs.land_m2 is not None:
        from geo_service.suitability.land.search import find_land  # noqa: PLC0415 - heavy

        land = find_land(plan, project, rulebook, as_of=as_of)
    tell("exclusion")
    ahead = Sites(plan, conceivable, project)
    with ThreadPoolExecutor(1) as pool:  # most of it is GEOS's, outside of Python
        roads = pool.submit(ahead.meet_roads)
        if judged is None:
            judged = judge_by_rules(plan, parts, project, rulebook, as_of=as_of)
        roads.result()
    screened_parts = _screen_parts(parts, project, judged)
    found = _screen_combined(screened_parts, conceivable, kinds, project)
    if land is not None:
        found += [_screen_land(candidate, land, project) for candidate in land.candidates]
    tell("access")
    sites = Sites(plan, [item.candidate for item in found], project, ahead=ahead)
    found = screen_access(found, sites)
    standing: list[Screened] = []
    excluded: list[Screened] = []
    for item in found:
        (excluded if is_excluded(item.reasons, project) else standing).append(item)
    standing, excluded = _without_repeated_parks(standing, excluded)
    return Screening(
        sites=sites.among([item.candidate for item in standing]),
        standing=tuple(standing),
        excluded=tuple(excluded),
        parts=tuple(screened_parts.values()),
        land=land,
    )


def screen_few(
    plan: Plan,
    parts: Sequence[Candidate],
    project: Project,
    rulebook: Rulebook,
    *,
    kinds: frozenset[CandidateKind],
    as_of: date,
) -> list[Screened]:
    """Return what some parts alone make of these kinds, and what is said of each, by id.

    As `screen` says it of the same candidates. A place that is too small is not among them.
    """
    judged = judge_by_rules(plan, parts, project, rulebook, as_of=as_of)
    conceivable = _of_kinds(combine(parts, project), kinds)
    found = _screen_combined(_screen_parts(parts, project, judged), conceivable, kinds, project)
    return screen_access(found, Sites(plan, [item.candidate for item in found], project))


def screen_access(screened: Sequence[Screened], sites: Sites) -> list[Screened]:
    """Return candidates with the access limits that each misses; `sites` are the same ones."""
    by_access = judge_access(sites)
    return [
        replace(item, by_access=tuple(by_access[item.candidate.candidate_id]))
        if item.candidate.candidate_id in by_access
        else item
        for item in screened
    ]


def _wanted_parts(plan: Plan, project: Project) -> list[Candidate]:
    kinds = frozenset(CandidateKind(kind) for kind in project.candidates)
    return [part for part in find_parts(plan, project) if kinds & _uses_of(part)]


def judge_parts(
    plan: Plan, projects: Sequence[Project], rulebook: Rulebook, *, as_of: date
) -> list[Judged]:
    """Return what the rules say against the parts of many projects, each as if it came alone.

    Asking for all at once takes little longer than asking for one.
    """
    parts = [_wanted_parts(plan, project) for project in projects]
    pairs = [(part, project) for own, project in zip(parts, projects, strict=True) for part in own]
    judged = iter(judge_pairs(plan, pairs, rulebook, as_of=as_of))
    return [{part.candidate_id: next(judged) for part in own} for own in parts]


def _screen_parts(
    parts: Sequence[Candidate], project: Project, judged: Judged
) -> dict[str, Screened]:
    """Return what speaks against each part as a member of anything, by its name as a member."""
    return {
        part.members[0]: Screened(
            candidate=part,
            by_rules=judged[part.candidate_id],
            by_needs=tuple(unmet_needs_of_floors(part, project)),
        )
        for part in parts
    }


def _screen_combined(
    parts: Mapping[str, Screened],
    conceivable: Sequence[Candidate],
    kinds: frozenset[CandidateKind],
    project: Project,
) -> list[Screened]:
    """Return the candidates that permitted parts make, and what forbidden ones prevent, by id.

    `conceivable` are the candidates as if nothing were forbidden.
    """
    wanted = {member for candidate in conceivable for member in candidate.members}
    chosen = {member: item for member, item in parts.items() if member in wanted}
    forbidden = {
        member: item for member, item in chosen.items() if is_excluded(item.reasons, project)
    }
    combined = conceivable
    if forbidden:
        permitted = [item.candidate for member, item in chosen.items() if member not in forbidden]
        combined = _of_kinds(combine(permitted, project), kinds)
    found = [
        Screened(
            candidate=candidate,
            by_rules=each_once(*(parts[member].by_rules for member in candidate.members)),
            by_needs=tuple(unmet_needs(candidate, project)),
        )
        for candidate in combined
    ]
    found += _prevented(forbidden, combined, conceivable, project)
    return sorted(found, key=lambda item: item.candidate.candidate_id)


def _prevented(
    forbidden: Mapping[str, Screened],
    combined: Sequence[Candidate],
    conceivable: Sequence[Candidate],
    project: Project,
) -> list[Screened]:
    """Return what would be a candidate, or a member of one, if its parts were not forbidden."""
    needs = project.needs
    needed_m2 = needs.land_m2 or needs.floor_area_m2 or 0.0
    parks = [candidate for candidate in conceivable if candidate.kind is CandidateKind.PARK]
    others = [candidate for candidate in conceivable if candidate.kind is not CandidateKind.PARK]
    wanted = {member for candidate in others for member in candidate.members}
    prevented = []
    for member, item in forbidden.items():
        if member in wanted:
            is_whole = item.candidate.area_m2 >= needed_m2
            by_needs = tuple(unmet_needs(item.candidate, project)) if is_whole else item.by_needs
            same = by_needs == item.by_needs
            prevented.append(item if same else replace(item, by_needs=by_needs))
    combined_ids = {candidate.candidate_id for candidate in combined}
    for park in parks:
        if park.candidate_id not in combined_ids:
            of_members = (forbidden[name].by_rules for name in park.members if name in forbidden)
            prevented.append(Screened(candidate=park, by_rules=each_once(*of_members)))
    return prevented


def _screen_land(candidate: Candidate, land: LandSearch, project: Project) -> Screened:
    """Return what speaks against new land: the search put it to the rules before it gave it."""
    return Screened(
        candidate=candidate,
        by_rules=(*land.unjudged, *land.reasons.get(candidate.candidate_id, ())),
        by_needs=tuple(unmet_needs(candidate, project)),
    )


def _uses_of(part: Candidate) -> frozenset[CandidateKind]:
    """Return the kinds of candidates that a part can be a member of."""
    if part.kind is CandidateKind.FLOORS:
        return frozenset({CandidateKind.FLOORS})
    return _ON_PARCELS | {CandidateKind.PARK}


def _of_kinds(candidates: Iterable[Candidate], kinds: frozenset[CandidateKind]) -> list[Candidate]:
    return [candidate for candidate in candidates if candidate.kind in kinds]


def _without_repeated_parks(
    standing: Sequence[Screened], excluded: Sequence[Screened]
) -> tuple[list[Screened], list[Screened]]:
    """Leave out parks of which parcels stand by themselves."""
    covered = {item.candidate.park_id for item in standing if item.candidate.kind in _ON_PARCELS}

    def is_repeated(item: Screened) -> bool:
        return item.candidate.kind is CandidateKind.PARK and item.candidate.park_id in covered

    return (
        [item for item in standing if not is_repeated(item)],
        [item for item in excluded if not is_repeated(item)],
    )
