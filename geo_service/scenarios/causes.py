"""Which edits do it: each edit is left out in turn, and what then stays away is its doing.

An edit that others build on is left out with them. Where no single edit is missed, since
several bring the same about, each is tried alone. Each time only those rules are asked that
may say otherwise of what changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo_service.errors import ScenarioError
from geo_service.scenarios.apply import apply_edits
from geo_service.scenarios.differences import CHANGING, FindingChange, find_changes
from geo_service.zoning.review import review_places

if TYPE_CHECKING:
    from geo_service.plan import Plan
    from geo_service.scenarios.edits import EditPart
    from geo_service.scenarios.judging import Judge
    from geo_service.scenarios.scenario import Scenario
    from geo_service.zoning.review import Review


@dataclass(frozen=True, slots=True, kw_only=True)
class EditCause:
    """The edits that bring a change about."""

    edit_ids: tuple[str, ...] = ()
    is_together: bool = False
    """Whether it takes all of them; else each one would do it alone."""


NOBODY = EditCause()


def find_causes(
    scenario: Scenario, judge: Judge, changes: Sequence[FindingChange]
) -> dict[str, EditCause]:
    """Return by finding id which edits bring each change about.

    An edit is a cause if the change does not come about without it. Several such edits only work
    together. Without any such edit, those are named that do it alone.
    """
    moving = [change for change in changes if change.kind in CHANGING]
    edits = scenario.enabled
    if not moving or not edits:
        return {change.key: NOBODY for change in moving}
    if len(edits) == 1:
        only = EditCause(edit_ids=(edits[0].edit_id or "",))
        return {change.key: only for change in moving}
    whole = judge.review(scenario.plan)
    without = {
        edit.edit_id or "": _kept_without(judge, edits, edit, whole, moving) for edit in edits
    }
    found = {change.key: _missed(change, without) for change in moving}
    open_ones = [change for change in moving if not found[change.key].edit_ids]
    if open_ones:
        alone = {edit.edit_id or "": _kept(judge, [edit], judge.base, open_ones) for edit in edits}
        for change in open_ones:
            doing = [name for name, kept in alone.items() if kept and change.key in kept]
            found[change.key] = EditCause(edit_ids=tuple(doing))
    return found


def _missed(change: FindingChange, without: Mapping[str, frozenset[str]]) -> EditCause:
    needed = tuple(edit_id for edit_id, kept in without.items() if change.key not in kept)
    return EditCause(edit_ids=needed, is_together=len(needed) > 1)


def _kept_without(
    judge: Judge,
    edits: Sequence[EditPart],
    left_out: EditPart,
    whole: Review,
    moving: Sequence[FindingChange],
) -> frozenset[str]:
    """Return which changes come about without an edit, and without those that build on it."""
    rest = [edit for edit in edits if edit is not left_out]
    while rest:
        kept = _kept(judge, rest, whole, moving)
        if kept is not None:
            return kept
        rest = _makeable(judge.base.plan, rest)
    return frozenset()


def _kept(
    judge: Judge, edits: Sequence[EditPart], near: Review, changes: Sequence[FindingChange]
) -> frozenset[str] | None:
    """Return which changes come about by some edits; None where these cannot be made.

    `near` is the review of the plan of all edits, or of none.
    """
    try:
        plan = apply_edits(judge.base.plan, edits).plan
    except ScenarioError:
        return None
    places: dict[str, set[str | None]] = {}
    for change in changes:
        parks = {item.park_id for item in (change.before, change.after) if item is not None}
        places.setdefault(change.finding.rule_id, set()).update(parks)
    made = review_places(near, plan, places)
    states = {change.key: change.state for change in find_changes(judge.base, made, CHANGING)}
    is_whole = near is not judge.base
    return frozenset(
        change.key
        for change in changes
        if (
            states.get(change.key) == change.state
            if change.finding.rule_id in made.checks
            else is_whole  # as it was where nothing is otherwise
        )
    )


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
