"""Propose a layout for a plan: options, search, law, and everything that is told of the result.

The finished proposal goes through the whole review as a scenario. What adds a breach of a `must`
rule is not shown: its cause is left out and the search goes on.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import date
from os import PathLike
from typing import TYPE_CHECKING, Any

import orjson

from geo_service.errors import InfeasibleError, InvalidQueryError, OutOfTimeError, ScenarioError
from geo_service.language import Translator
from geo_service.layout.alternatives import OtherLayout, find_alternatives
from geo_service.layout.conflict import ClashingSet, clashing_locks, find_clashes
from geo_service.layout.evaluate import evaluate
from geo_service.layout.explain import explain_layout
from geo_service.layout.firm import firmness_of, try_variants
from geo_service.layout.front import FoundFront, find_front
from geo_service.layout.goals import Goals, GoalsDocument, read_goals
from geo_service.layout.model import today
from geo_service.layout.options import LayoutOptions, find_options
from geo_service.layout.proposal import (
    Proposal,
    edits_of_decision,
    key_of_edit,
    propose_specialities,
)
from geo_service.layout.replacement import replacements_of
from geo_service.layout.solve import (
    WEIGHTS,
    FoundLayout,
    LayoutSearch,
    SearchPoint,
    find_layout,
    quick_decision,
)
from geo_service.layout.solver import Solver, Status
from geo_service.model import Severity, Verdict
from geo_service.scenarios.library import scenario as make_scenario
from geo_service.wording import said
from geo_service.zoning.review import Review, review
from geo_service.zoning.rulebook import Rulebook, open_rulebook

if TYPE_CHECKING:
    from geo_service.layout.model import Decision, LayoutModel
    from geo_service.layout.program import Key
    from geo_service.plan import Plan
    from geo_service.zoning.review import Progress

STEPS = (
    *("projects", "industries", "moves", "review", "solve", "law"),
    *("explain", "alternatives", "front", "firm"),
)
SearchWatch = Callable[[SearchPoint], None]
RuleBreach = tuple[str, str, str]
"""A failed `must` rule: its id, the subject's layer and the subject's id."""


def layout(
    plan: Plan,
    goals: Goals | GoalsDocument | Mapping[str, Any] | str | PathLike[str],
    rulebook: Rulebook | None = None,
    *,
    as_of: date | None = None,
    progress: Progress | None = None,
) -> Proposal:
    """Return the best lawful layout for goals, or why there is none.

    Parameters
    ----------
    plan
        The layers to plan on; never changed.
    goals
        The goals: as such, as a mapping, or the path of their YAML or JSON file.
    rulebook
        The rules that hold; the workspace's own, or the shipped ones, when None.
    as_of
        The day on which rules must be in force; today when None.
    progress
        Called with (done, total, step) again and again while the solver works; what it raises
        stops the solver.

    Raises
    ------
    GoalsError
        The goals break their form, or name what the plan does not have; every fault is listed.
    OutOfTimeError
        The time ended before any lawful layout was found.

    Examples
    --------
    >>> import geo_service as gs
    >>> plan = gs.open_plan("layers/yunyang")
    >>> goals = {"industries": {"parks": ["YY-B-08"], "digits": [2]}}
    >>> proposal = gs.layout(plan, goals)
    >>> str(proposal.status), proposal.found.gap
    ('optimal', 0.0)
    """
    return propose(plan, read_goals(goals), rulebook, as_of=as_of, progress=progress)


def propose(  # noqa: PLR0913 - what a service adds to `layout`
    plan: Plan,
    document: GoalsDocument,
    rulebook: Rulebook | None = None,
    *,
    as_of: date | None = None,
    before: Review | None = None,
    progress: Progress | None = None,
    watch: SearchWatch | None = None,
) -> Proposal:
    """Return the best lawful layout for goals that were read; see `layout`.

    `before` is the review of the plan by the same rules on the same day, if there is one; `watch`
    is told value and bound as the search for the best closes in.
    """
    rules = rulebook or open_rulebook(plan.settings.rulebook_path)
    day = as_of or date.today()  # noqa: DTZ011 - the county's calendar day
    teller = _Teller(progress, watch)
    begun = time.monotonic()
    options = find_options(plan, document, rules, as_of=day, tell=teller.step, look=teller.look)
    teller.step("review")
    review_before = before or review(plan, rules, as_of=day)
    proposal = Proposal(
        layout_id=layout_id(plan, rules, document.goals, day),
        options=options,
        found=FoundLayout(status=Status.INFEASIBLE),
        decision=None,
        before=evaluate(options.model, today(options.model)),
        after=None,
        review_before=review_before,
    )
    locks = clashing_locks(options)
    if locks:
        return replace(proposal, conflict=tuple(locks), seconds=time.monotonic() - begun)
    solving = document.goals.solving
    with Solver(seed=solving.seed, watch=teller.again) as solver:
        end = time.monotonic() + solving.time_limit_s
        search = LayoutSearch(options.model, solver, end=end, tell=teller.progressed)
        made = _search_lawful(proposal, search, teller)
        search.end = time.monotonic() + solving.time_limit_s
        made = _explained(made, search, teller)
    first_seconds = None if made.decision is None else teller.first_seconds
    if first_seconds is None and made.found.first_seconds is not None:
        first_seconds = search.begun - begun + made.found.first_seconds
    found = replace(made.found, first_seconds=first_seconds)
    return replace(made, found=found, seconds=time.monotonic() - begun)


def _search_lawful(proposal: Proposal, search: LayoutSearch, teller: _Teller) -> Proposal:
    """Return the proposal with the best layout that adds no breach of a `must` rule."""
    while True:
        teller.step("solve")
        found = find_layout(search)
        if found.decision is None:
            if found.status is Status.INFEASIBLE:
                return replace(proposal, found=found)
            seconds = search.model.goals.solving.time_limit_s
            raise OutOfTimeError(said("problem.layout_out_of_time", seconds=seconds))
        teller.step("law")
        specialities = propose_specialities(proposal.options, found.decision)
        review_after, causes = _judged(proposal, found.decision, specialities)
        if review_after is not None and not causes:
            return replace(
                proposal,
                found=found,
                decision=found.decision,
                after=found.evaluation,
                specialities=specialities,
                review_after=review_after,
            )
        for keys in causes:
            search.forbid(keys, kind="law")
        if search.left <= 0:
            seconds = search.model.goals.solving.time_limit_s
            raise OutOfTimeError(said("problem.layout_out_of_time", seconds=seconds))


def _judged(
    proposal: Proposal, decision: Decision, specialities: Mapping[str, str]
) -> tuple[Review | None, list[list[Key]]]:
    """Return the review of the plan with a decision, and the columns of each new breach."""
    options, before = proposal.options, proposal.review_before
    assert before is not None  # noqa: S101 - every proposal begins with one
    edits = edits_of_decision(options, decision, specialities, Translator())
    keys = [key_of_edit(decision, edit) for edit in edits]
    if not edits:
        return before, []
    try:
        changed = make_scenario(options.plan, edits).plan
    except ScenarioError:
        return None, [_not_possible(options, edits, keys)]
    after = review(changed, options.rulebook, as_of=options.as_of, earlier=before)
    known = _breaches(before)
    causes = [
        _causes(options, decision, keys, breach, park_id, changed)
        for breach, park_id in _breaches(after).items()
        if breach not in known
    ]
    return after, [cause or keys for cause in causes]


def _not_possible(
    options: LayoutOptions, edits: list[dict[str, Any]], keys: list[Key]
) -> list[Key]:
    """Return the first edits that cannot be made together on the plan, as columns."""
    for count in range(1, len(edits) + 1):
        try:
            _ = make_scenario(options.plan, edits[:count]).plan
        except ScenarioError:
            try:
                _ = make_scenario(options.plan, [edits[count - 1]]).plan
            except ScenarioError:
                return [keys[count - 1]]
            return keys[:count]
    return keys


def _breaches(judged: Review) -> dict[RuleBreach, str | None]:
    """Return the `must` rules that fail and count, with the park of each."""
    return {
        (finding.rule_id, finding.subject.layer, finding.subject.id): finding.park_id
        for finding in judged.results
        if finding.verdict is Verdict.FAIL and finding.severity is Severity.MUST and finding.counts
    }


def _causes(
    options: LayoutOptions,
    decision: Decision,
    keys: list[Key],
    breach: RuleBreach,
    park_id: str | None,
    changed: Plan,
) -> list[Key]:
    """Return the columns that a new breach comes from: by its subject, else by its park."""
    model = options.model
    _, layer, subject = breach
    if layer == "enterprises":
        if subject in decision.moves:
            return [("move", subject, decision.moves[subject])]
        frame = changed.frame("enterprises")
        names = set(frame.loc[frame["enterprise_id"] == subject, "name"].astype(str))
        return [key for key in keys if key[0] == "put" and key[1] in names]
    found = []
    for key in keys:
        if key[0] == "put":
            spot = model.newcomer[key[1]].by_id[key[2]]
            places = {*spot.members, spot.building_id}
            own_park = spot.park_id
        elif key[0] == "move":
            piece = model.piece[decision.pieces[key[1]]]
            places, own_park = {piece.piece_id, piece.building_id}, key[2]
        else:
            places, own_park = {key[1]}, key[1]
        if subject in places:
            return [key]
        if park_id is not None and own_park == park_id:
            found.append(key)
    return found


def _is_lawful(made: Proposal, decision: Decision) -> bool:
    """Return whether the review of the plan with a decision has no new breach."""
    judged, causes = _judged(made, decision, propose_specialities(made.options, decision))
    return judged is not None and not causes


def derived(made: Proposal, decision: Decision, *, suffix: str) -> Proposal:
    """Return another layout of a proposal, such as a point of its front, as one of its own.

    It is judged and explained as the proposal is; its bound is that of nothing.
    """
    evaluation = evaluate(made.model, decision)
    specialities = propose_specialities(made.options, decision)
    judged, _ = _judged(made, decision, specialities)
    found = replace(
        made.found,
        status=Status.FEASIBLE,
        decision=decision,
        evaluation=evaluation,
        objective=evaluation.objective,
        bound=None,
        stages=(),
    )
    return replace(
        made,
        layout_id=f"{made.layout_id}.{suffix}",
        found=found,
        decision=decision,
        after=evaluation,
        specialities=specialities,
        why=explain_layout(made.model, decision, evaluation),
        alternatives=(),
        front=(),
        firm=(),
        replacements=(),
        review_after=judged,
    )


def _explained(made: Proposal, search: LayoutSearch, teller: _Teller) -> Proposal:
    """Return a proposal with reasons, alternatives, front and firmness; or with its conflict."""
    goals = made.goals
    if made.decision is None or made.after is None:
        clashes: list[ClashingSet] = find_clashes(search, seconds=goals.solving.time_limit_s)
        return replace(made, conflict=tuple(clashes))
    teller.step("explain")
    why = explain_layout(made.model, made.decision, made.after)
    alternatives: list[OtherLayout] = []
    front = FoundFront()
    others: list[Decision] = []
    parts = sum((goals.alternatives.count > 0, goals.front is not None, goals.firmness.draws > 0))
    seconds = goals.solving.time_limit_s / max(1, parts)
    if goals.alternatives.count:
        teller.step("alternatives")
        alternatives = find_alternatives(search, made.decision, made.after, seconds=seconds)
        alternatives = [one for one in alternatives if _is_lawful(made, one.decision)]
        others += [alternative.decision for alternative in alternatives]
    if goals.front is not None:
        teller.step("front")
        if goals.front.point_limit_s is not None:
            search.end = math.inf  # each point has its own limit
        front = find_front(search, goals.front, seconds=seconds)
        search.end = time.monotonic() + seconds
    if goals.firmness.draws or goals.firmness.refusals:
        teller.step("firm")
        others += try_variants(search, made.decision, seconds=seconds)
    return replace(
        made,
        why=why,
        alternatives=tuple(alternatives),
        front=tuple(point for point in front.points if _is_lawful(made, point.decision)),
        front_lost=front.lost,
        firm=tuple(firmness_of(made.model, made.decision, others)),
    )


def layout_id(plan: Plan, rules: Rulebook, goals: Goals, day: date) -> str:
    """Return the name of a layout by what went into it: the same question has the same id."""
    asked = orjson.dumps(goals.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
    content = f"{plan.version}\n{rules.version}\n{day.isoformat()}\n".encode() + asked
    return "l-" + hashlib.sha256(content).hexdigest()[:12]


def replaced(
    made: Proposal, subjects: Collection[str] | None = None, *, progress: Progress | None = None
) -> Proposal:
    """Return a layout with the replacement costs of its decisions, or of these subjects.

    Each is forbidden in turn and the whole solved again, with the law.
    """

    def breaching(decision: Decision) -> list[list[Key]]:
        return _judged(made, decision, propose_specialities(made.options, decision))[1]

    if made.decision is None or made.after is None:
        return made
    found = replacements_of(
        made.model,
        made.decision,
        made.after.objective,
        subjects=subjects,
        breaching=breaching,
        progress=progress,
    )
    known = {(one.kind, one.subject): one for one in (*made.replacements, *found)}
    return replace(made, replacements=tuple(known.values()))


def need_decision(proposal: Proposal) -> Decision:
    """Return the decision of a proposal; InfeasibleError if no layout meets the goals."""
    if proposal.decision is None:
        raise InfeasibleError(said("problem.layout_infeasible"))
    return proposal.decision


def need_project(proposal: Proposal, name: str) -> str:
    """Return a project's name; InvalidQueryError if the goals do not have it."""
    if name not in proposal.model.newcomer:
        parameter, reason = "project", said("fault.unknown_project", name=repr(name[:80]))
        raise InvalidQueryError(parameter, reason)
    return name


class _Teller:
    """Tells a progress function the step, and again and again that work goes on."""

    def __init__(self, progress: Progress | None, watch: SearchWatch | None = None) -> None:
        self._progress, self._watch = progress, watch
        self._done = 0
        self._step = STEPS[0]
        self._begun = time.monotonic()
        self.first_seconds: float | None = None
        """When the first layout was there that breaks nothing, since the work began."""

    def step(self, name: str) -> None:
        self._done, self._step = STEPS.index(name), name
        self.again()

    def again(self) -> None:
        if self._progress is not None:
            self._progress(self._done, len(STEPS), self._step)

    def look(self, model: LayoutModel) -> None:
        """Find a first layout in which only projects get places, and tell what it is worth."""
        judged = evaluate(model, quick_decision(model))
        if not judged.is_met:
            return
        self.first_seconds = time.monotonic() - self._begun
        if self._watch is not None and model.goals.wanted.method == WEIGHTS:
            self._watch(SearchPoint(stage=WEIGHTS, value=judged.objective, bound=None, seconds=0.0))

    def progressed(self, at: SearchPoint) -> None:
        """Tell value and bound while the best is sought, and that work goes on."""
        if self._watch is not None and self._step == "solve":
            self._watch(at)
        self.again()
