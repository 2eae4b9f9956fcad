"""Which edits do it: each edit is left out in turn, and what then stays away is its doing.

An edit that others build on is left out with them. Where no single edit is missed, since
several bring the same about, each is tried alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo_service.errors import ScenarioError
from geo_service.scenarios.apply import apply_edits
from geo_service.scenarios.differences import CHANGING, FindingChange, find_changes

if TYPE_CHECKING:
    from geo_service.plan import Plan
    from geo_service.scenarios.edits import EditPart
    from geo_service.scenarios.judging import Judge
    from geo_service.scenarios.scenario import Scenario
    from geo_service.zoning.review import Review

Outcome = Mapping[str, tuple[object, ...]]
"""What becomes of findings, by their ids: those that change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditCause:
    """The edits that bring a change about."""

    edit_ids: tuple[str, ...] = ()
    is_together: bool = False
    """Whether it takes all of them; else each one would do it alone."""


NOBODY = EditCause()


@dataclass(frozen=True, slots=True)
class _Trial:
    """What some edits alone would do, as far as rules say so whose findings are asked about."""

    plan: Plan
    judge: Judge
    rule_ids: frozenset[str]
    near: Review
    """A review of a plan that is like those to be tried."""

    def outcome_of(self, edits: Sequence[EditPart]) -> Outcome | None:
        """Return what becomes of findings by some edits; None where these cannot be made."""
        try:
            changed = apply_edits(self.plan, edits).plan
        except ScenarioError:
            return None
        judged = self.judge.review_by(self.rule_ids, changed, near=self.near)
        changes = find_changes(self.judge.base, judged, CHANGING)
        return {change.key: change.state for change in changes}


def _rules_of(changes: Sequence[FindingChange]) -> frozenset[str]:
    return frozenset(change.finding.rule_id for change in changes)


def find_causes(
    scenario: Scenario, judge: Judge, changes: Sequence[FindingChange]
) -> dict[str, EditCause]:
    """Return by finding id which edits bring each change about.

    An edit is a cause if the change does not come about without it. Several such edits only work
    together. Without any such edit, those are named that do it alone.
    """
    moving = [change for change in changes if change.kind in CHANGING]
    edits = scenario.enabled
    plan = judge.base.plan
    if not moving or not edits:
        return {change.key: NOBODY for change in moving}
    if len(edits) == 1:
        only = EditCause(edit_ids=(edits[0].edit_id or "",))
        return {change.key: only for change in moving}
    whole = judge.review(scenario.plan)
    trial = _Trial(plan, judge, _rules_of(moving), whole)
    without = {edit.edit_id or "": _outcome_without(trial, edits, edit) for edit in edits}
    found = {change.key: _missed(change, without) for change in moving}
    open_ones = [change for change in moving if not found[change.key].edit_ids]
    if open_ones:
        trial = _Trial(plan, judge, _rules_of(open_ones), judge.base)
        alone = {edit.edit_id or "": trial.outcome_of([edit]) for edit in edits}
        for change in open_ones:
            doing = [name for name, out in alone.items() if _has(out, change)]
            found[change.key] = EditCause(edit_ids=tuple(doing))
    return found


def _missed(change: FindingChange, without: Mapping[str, Outcome | None]) -> EditCause:
    needed = tuple(
        edit_id
        for edit_id, outcome in without.items()
        if outcome is not None and not _has(outcome, change)
    )
    return EditCause(edit_ids=needed, is_together=len(needed) > 1)


def _has(outcome: Outcome | None, change: FindingChange) -> bool:
    return outcome is not None and outcome.get(change.key) == change.state


def _outcome_without(
    trial: _Trial, edits: Sequence[EditPart], left_out: EditPart
) -> Outcome | None:
    """Return what becomes of findings without an edit, and without those that build on it."""
    rest = [edit for edit in edits if edit is not left_out]
    while rest:
        outcome = trial.outcome_of(rest)
        if outcome is not None:
            return outcome
        rest = _makeable(trial.plan, rest)
    return {}


def _makeable(plan: Plan, edits: Sequence[EditPart]) -> list[EditPart]:
    """Return the edits that can be made one after another; those that cannot are passed over."""
    chosen: list[EditPart] = []
    for edit in edits:
        try:
            apply_edits(plan, [*chosen, edit])
        except ScenarioError:
            continue
        chosen.append(edit)
    return chosen
