"""Exclusion: what the rules in force say against candidates, with the project on them.

The rules are those of the review. The ground stands in a trial plan as parcels, and the
project as one enterprise on each; floors stand in another, with the project as the tenant of
each (`trial`). So the very same checks judge them; what they fail is forbidden. What the
project itself asks for is held against candidates in `reasons`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING, Any

from geo_service.industry import belongs_to
from geo_service.model import Message, Severity, Verdict
from geo_service.suitability.candidates import Candidate
from geo_service.suitability.reasons import Reason, each_once
from geo_service.suitability.trial import MARK, Trials
from geo_service.zoning.batch import RawFinding
from geo_service.zoning.check import Case, Closure, Shared
from geo_service.zoning.checks.zone_groups import group_zones
from geo_service.zoning.checks.zone_parameters import ZoneParameters

if TYPE_CHECKING:
    from geo_service.model import LegalBasis
    from geo_service.plan import Plan
    from geo_service.suitability.project import Project
    from geo_service.zoning.rulebook import Rule, Rulebook

LAND_CHECKS = frozenset(
    {
        ("control_zone", "overlap"),
        ("river_distance", "distance"),
        ("river_distance", "tailings"),
        ("land_use", "permitted"),
        ("indicator", "parcel_bound"),
        ("indicator", "per_mu"),
        ("enterprise", "hazardous_outside"),
        ("enterprise", "others_in_chemical_park"),
        ("enterprise", "catalogue_class"),
        ("enterprise", "energy_review"),
    }
)
"""Checks (family, name) that are put to ground with the project on it."""
FLOOR_CHECKS = frozenset({("building", "floor_bound"), ("building", "fire_class")})
"""Checks that are put to floors with the project as their tenant."""
BOUNDARY_CHECKS = frozenset({("layout", "in_development_boundary")})
"""Checks on where parks lie that are put to the candidate's ground as if it were a park."""
PARK_CHECKS = frozenset({("layout", "minimum_area")})
"""Checks that are put to the park that a candidate lies in."""
FIRE_CHECK = ("building", "fire_class")
LAND_USE_CHECK = ("land_use", "permitted")
ALWAYS_FORBIDDING = frozenset({FIRE_CHECK, LAND_USE_CHECK})
"""Forbid whatever their severity: `should` is for what stands. Nobody moves a hazard upstairs, or
a project onto land that the plan has for something else."""

_MARKS = re.compile(f"{MARK}[0-9]+")
_AGAINST = frozenset({Verdict.FAIL, Verdict.UNKNOWN})
_WARNING = frozenset({Verdict.WATCH})


def judge_by_rules(
    plan: Plan,
    candidates: Sequence[Candidate],
    project: Project,
    rulebook: Rulebook,
    *,
    as_of: date,
) -> dict[str, tuple[Reason, ...]]:
    """Return what the rules say against each candidate, by its id; what they share is said once.

    Only rules of severity `must` forbid (`ALWAYS_FORBIDDING` apart), and only what they fail. Each
    piece of ground, floor and park is judged once, however many candidates stand on it, and
    whatever else is judged with it; what stands there already is not judged again.
    """
    pairs = [(candidate, project) for candidate in candidates]
    judged = judge_pairs(plan, pairs, rulebook, as_of=as_of)
    return {
        candidate.candidate_id: reasons
        for candidate, reasons in zip(candidates, judged, strict=True)
    }


def judge_pairs(
    plan: Plan,
    pairs: Sequence[tuple[Candidate, Project]],
    rulebook: Rulebook,
    *,
    as_of: date,
) -> list[tuple[Reason, ...]]:
    """Return what the rules say against each project on its candidate, in the order of the pairs.

    As `judge_by_rules`, for many projects at once: each is judged as if it came alone.
    """
    if not pairs:
        return []
    rules = rulebook.in_force(as_of)
    trials = Trials(plan, pairs)
    against: dict[str, list[Reason]] = defaultdict(list)
    with ThreadPoolExecutor(1) as pool:  # what lies where is GEOS's, outside of Python
        boundary = _forbidding(rules, BOUNDARY_CHECKS)
        lying = pool.submit(lambda: list(_against_lying_there(trials, boundary, as_of)))
        found = chain(
            _against_land(trials, _forbidding(rules, LAND_CHECKS), as_of),
            # In this order, whoever is done first.
            (each for one in [lying] for each in one.result()),
            _against_floors(trials, _forbidding(rules, FLOOR_CHECKS), as_of),
            _against_parks(trials, _forbidding(rules, PARK_CHECKS), as_of),
        )
        for piece, reason in found:
            against[piece].append(_unmarked(reason) if MARK in piece else reason)
    return [
        each_once(*(against[piece] for piece in pieces if piece in against))
        for pieces in trials.pieces
    ]


def find_conditions(
    plan: Plan, candidate: Candidate, project: Project, rulebook: Rulebook, *, as_of: date
) -> tuple[Reason, ...]:
    """Return what rules say of a project on a candidate without forbidding it.

    Rules of severity `should` with what they fail, warn of or cannot judge, and the warnings of
    those that forbid; by the same checks as `judge_by_rules`. Nothing is said of the park.
    """
    trials = Trials(plan, [(candidate, project)])
    rules = rulebook.in_force(as_of)
    guiding = [rule for rule in rules if rule.part.severity is Severity.SHOULD]
    found: list[tuple[str, Reason]] = []
    for against, checks in ((_against_land, LAND_CHECKS), (_against_floors, FLOOR_CHECKS)):
        forbidding = _forbidding(rules, checks)
        others = [rule for rule in guiding if _check_of(rule) in checks and rule not in forbidding]
        found += against(trials, forbidding, as_of, _WARNING)
        found += against(trials, others, as_of, _AGAINST | _WARNING)
    pieces = set(next(trials.pieces))
    return each_once([reason for piece, reason in found if piece in pieces])


def _unmarked(reason: Reason) -> Reason:
    """Return a reason that names what is on trial without the marks of projects."""
    detail, measure = _without_marks(reason.detail), _without_marks(dict(reason.measure))
    return replace(reason, detail=detail, measure=measure)


def _without_marks(value: Any) -> Any:  # noqa: ANN401 - what messages and measures hold
    if isinstance(value, str):
        return _MARKS.sub("", value)
    if isinstance(value, Message):
        return Message(value.key, _without_marks(dict(value.values)))
    if isinstance(value, dict):
        return {name: _without_marks(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_without_marks(part) for part in value)
    return value


def find_closures(
    plan: Plan, probe: Candidate, project: Project, rulebook: Rulebook, *, as_of: date
) -> list[tuple[Rule, Closure]]:
    """Return the ground that each rule closes to a project on new land, rule by rule.

    What `judge_by_rules` will say of land, told beforehand by the same checks. `probe` is
    any candidate of kind land; where it lies does not matter.
    """
    shared = Shared(Trials(plan, [(probe, project)]).on_ground, as_of)
    return [
        (rule, closure)
        for rule in _forbidding(rulebook.in_force(as_of), LAND_CHECKS | BOUNDARY_CHECKS)
        if rule.check.closed is not None
        for closure in rule.check.closed(_case(rule, shared), rule.parameters)
    ]


def reason_of(rule: Rule, finding: RawFinding, as_of: date) -> Reason:
    """Return what a rule's finding says, on a day, as a reason against a candidate."""
    return _reason(rule.rule_id, finding, rule.cited(as_of).legal_basis)


def _reason(rule_id: str, finding: RawFinding, legal_basis: LegalBasis) -> Reason:
    return Reason(rule_id, finding.verdict, finding.title, finding.evidence, legal_basis)


ReasonsByPiece = Iterator[tuple[str, Reason]]
"""Names of parks, ground and floors, and what a rule says against each."""


def _forbidding(rules: Iterable[Rule], checks: frozenset[tuple[str, str]]) -> list[Rule]:
    """Return the rules that forbid, of these checks."""
    return [
        rule
        for rule in rules
        if _check_of(rule) in checks
        and (rule.part.severity is Severity.MUST or _check_of(rule) in ALWAYS_FORBIDDING)
    ]


def _check_of(rule: Rule) -> tuple[str, str]:
    return rule.part.family, rule.part.check


def _case(rule: Rule, shared: Shared) -> Case:
    return Case(shared, rule.part.scope, rule.part.tolerance, "new")


def _said_against(
    rule: Rule,
    case: Case,
    as_of: date,
    parameters: Any = None,  # noqa: ANN401 - the rule's own
    heard: frozenset[Verdict] = _AGAINST,
    layers: frozenset[str] | None = None,
) -> Iterator[tuple[str, Reason]]:
    """Yield the subjects that a rule fails or cannot judge, by id, and what it says of each.

    What is only told by the way is left out, and subjects of other layers than these. Subjects
    of which a rule says the same share one reason.
    """
    outcome = rule.check.run(case, rule.parameters if parameters is None else parameters)
    cited = rule.cited(as_of).legal_basis  # once, since ground is found against by thousands
    for batch in outcome.batches:
        if batch.verdict not in heard or batch.severity is Severity.INFO or not len(batch):
            continue
        if layers is not None and batch.layer not in layers:
            continue
        if batch.is_alike:
            alike = _reason(rule.rule_id, batch.at(0), cited)
            yield from ((subject_id, alike) for subject_id in batch.subject_ids)
            continue
        for row, subject_id in enumerate(batch.subject_ids):
            yield subject_id, Reason.of_row(rule.rule_id, batch, row, cited)
    for finding in outcome.singles:
        is_heard = finding.verdict in heard and finding.severity is not Severity.INFO
        if is_heard and (layers is None or finding.subject.layer in layers):
            yield finding.subject.id, _reason(rule.rule_id, finding, cited)


_GROUND = frozenset({"parcels", "enterprises"})


def _against_land(
    trials: Trials, rules: Sequence[Rule], as_of: date, heard: frozenset[Verdict] = _AGAINST
) -> ReasonsByPiece:
    """Put rules to ground with the project on it; what they say of parks is left to the review."""
    for rule in rules:  # before the trial's plan is made of the county's: that keeps them
        if isinstance(rule.parameters, ZoneParameters):
            group_zones(trials.plan, rule.parameters)
    shared = Shared(trials.on_ground, as_of)
    for rule in rules:
        parameters = rule.parameters
        if rule.part.family == "control_zone":
            parameters = parameters.model_copy(update={"subjects": ("parcels",)})
        yield from _said_against(rule, _case(rule, shared), as_of, parameters, heard, _GROUND)


def _against_lying_there(trials: Trials, rules: Sequence[Rule], as_of: date) -> ReasonsByPiece:
    """Put rules on where parks lie to ground as if each piece were a new park of the project's."""
    if not rules:
        return
    shared = Shared(trials.as_parks, as_of)
    parks = trials.plan.frame("parks")
    leading = dict(zip(parks["park_id"], parks["leading_industry"], strict=True))
    for rule in rules:
        # Parks and industries of a scope are those of the park that the ground lies in.
        of_park = rule.part.scope
        scope = of_park.model_copy(update={"parks": (), "industries": ()})
        case = Case(shared, scope, rule.part.tolerance, "new")
        for name, reason in _said_against(rule, case, as_of):
            park_id = trials.footings[name].park_id
            if of_park.parks and park_id not in of_park.parks:
                continue
            if of_park.industries and not belongs_to(leading.get(park_id), of_park.industries):
                continue
            yield name, reason


def _against_parks(trials: Trials, rules: Sequence[Rule], as_of: date) -> ReasonsByPiece:
    """Put rules to the parks that candidates lie in."""
    park_ids = frozenset(item.park_id for item, _ in trials.asked if item.park_id is not None)
    shared = Shared(trials.plan, as_of)
    for rule in rules if park_ids else ():
        case = Case(shared, rule.part.scope, rule.part.tolerance, "new", park_ids)
        for park_id, reason in _said_against(rule, case, as_of):
            yield f"park {park_id}", reason


def _against_floors(
    trials: Trials, rules: Sequence[Rule], as_of: date, heard: frozenset[Verdict] = _AGAINST
) -> ReasonsByPiece:
    """Put rules to floors with the project as the tenant of each."""
    if not trials.floors or not rules:
        return
    shared = Shared(trials.on_floors, as_of)
    for rule in rules:
        for floor, reason in _said_against(rule, _case(rule, shared), as_of, heard=heard):
            for name in trials.floor_names.get(floor, (floor,)):
                told = reason
                if _is_fire_rule(rule) and reason.verdict is Verdict.UNKNOWN:
                    if rule.part.severity is not Severity.MUST:
                        continue
                    detail = Message("reason.no_fire_class", {"floor": trials.floors[name][0]})
                    told = replace(reason, detail=detail, measure={"measure": "fire_class"})
                yield name, told


def _is_fire_rule(rule: Rule) -> bool:
    return _check_of(rule) == FIRE_CHECK
