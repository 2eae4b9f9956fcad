"""A scenario put on a newer plan: what merges by itself, and what somebody has to decide.

An edit whose values are what it saw is made again; columns that it does not touch may be
others by then. One whose precondition fails is a conflict: base, ours and theirs are told, and
nothing is chosen by default. Shapes are never merged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from geo_service.errors import Fault
from geo_service.scenarios.apply import apply_edits, make_edit
from geo_service.scenarios.changes import GEOMETRY
from geo_service.scenarios.expects import Mismatch, is_same, mismatches, told_cell
from geo_service.scenarios.refusal import EditRefusal, unusable_scenario
from geo_service.scenarios.scenario import Scenario, base_of, complete
from geo_service.scenarios.workbench import Workbench
from geo_service.schema import SCHEMAS

if TYPE_CHECKING:
    from geo_service.plan import Plan
    from geo_service.scenarios.edits import EditPart
    from geo_service.scenarios.judging import Judge
    from geo_service.zoning.review import Review


class Resolution(StrEnum):
    """Whose value stands."""

    OURS = "ours"
    THEIRS = "theirs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """One value that is another one than an edit saw: what it was, is now, and would become."""

    layer: str
    key: str
    column: str | None
    """None where the feature is gone."""
    base: Any
    ours: Any
    theirs: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """An edit that somebody has to decide about."""

    edit: EditPart
    clashes: tuple[Clash, ...]
    refusal: tuple[Fault, ...] = ()
    """Why the edit cannot be made on the newer plan; empty if it can."""

    @property
    def can_stay(self) -> bool:
        """Whether `ours` can be chosen."""
        return not self.refusal


@dataclass(frozen=True, kw_only=True)
class Rebased:
    """What came of putting a scenario on a newer plan; without conflicts, the scenario there."""

    plan: Plan
    edits: tuple[EditPart, ...]
    conflicts: tuple[Conflict, ...]
    scenario: Scenario | None = None


def rebase(
    scenario: Scenario, plan: Plan, *, choices: Mapping[str, Resolution] | None = None
) -> Rebased:
    """Return a scenario on a newer plan, or the conflicts that are open.

    `choices` decide about single edits by their ids: `ours` makes the edit all the same,
    `theirs` switches it off. Raises ScenarioError for a choice of `ours` that cannot be made.
    """
    decided = dict(choices or {})
    bench = Workbench(plan)
    kept: list[EditPart] = []
    conflicts: list[Conflict] = []
    for edit in scenario.edits:
        if not edit.enabled:
            kept.append(edit)
            continue
        made, refusal = _tried(bench, edit)
        clashes = tuple(_clashes(scenario, bench, made, edit))
        choice = decided.get(edit.edit_id or "")
        if choice is Resolution.THEIRS and (clashes or refusal):
            kept.append(edit.model_copy(update={"enabled": False}))
        elif refusal and choice is Resolution.OURS:
            raise unusable_scenario(refusal, is_refused=True)
        elif made is not None and (not clashes or choice is Resolution.OURS):
            kept.append(edit)
            bench = made
        else:
            kept.append(edit)
            conflicts.append(Conflict(edit=edit, clashes=clashes, refusal=tuple(refusal)))
    if conflicts:
        return Rebased(plan=plan, edits=tuple(kept), conflicts=tuple(conflicts))
    moved = replace(scenario, base=base_of(plan), base_plan=plan, edits=complete(plan, kept))
    return Rebased(plan=plan, edits=moved.edits, conflicts=(), scenario=moved)


def _tried(bench: Workbench, edit: EditPart) -> tuple[Workbench | None, list[Fault]]:
    try:
        return make_edit(bench, edit), []
    except EditRefusal as refusal:
        return None, refusal.faults(edit.edit_id or "")


def _clashes(
    scenario: Scenario, bench: Workbench, made: Workbench | None, edit: EditPart
) -> list[Clash]:
    """Return what an edit saw otherwise, but for what others have made as the edit would."""
    found = []
    for miss in mismatches(bench, edit.expects or ()):
        ours = None
        if made is not None and miss.column is not None and made.has(miss.layer, miss.key):
            ours = made.cell(miss.layer, miss.key, miss.column)
            if is_same(told_cell(miss.found), told_cell(ours)):
                continue
        base = _base_value(scenario, miss)
        found.append(
            Clash(
                layer=miss.layer,
                key=miss.key,
                column=miss.column,
                base=base,
                ours=ours,
                theirs=miss.found,
            )
        )
    return found


def _base_value(scenario: Scenario, miss: Mismatch) -> Any:  # noqa: ANN401 - any cell
    """Return what an edit saw; of a shape, of which only a digest is told, the base's own."""
    if miss.column != GEOMETRY or scenario.base_plan is None:
        return miss.expected
    old = Workbench(scenario.base_plan)
    is_there = miss.layer in SCHEMAS and old.has(miss.layer, miss.key)
    return old.cell(miss.layer, miss.key, GEOMETRY) if is_there else miss.expected


def reviews_under(
    rebased: Rebased, conflict: Conflict, judge: Judge
) -> dict[Resolution, Review | None]:
    """Return the reviews of the newer plan under each choice about one conflict.

    Other edits in conflict are left out of both. None where a choice cannot be made.
    """
    open_ids = {one.edit.edit_id for one in rebased.conflicts}
    rest = [edit for edit in rebased.edits if edit.edit_id not in open_ids]
    ours = [
        edit
        for edit in rebased.edits
        if edit.edit_id not in open_ids or edit.edit_id == conflict.edit.edit_id
    ]
    return {
        Resolution.OURS: _reviewed(rebased.plan, ours, judge) if conflict.can_stay else None,
        Resolution.THEIRS: _reviewed(rebased.plan, rest, judge),
    }


def _reviewed(plan: Plan, edits: Sequence[EditPart], judge: Judge) -> Review | None:
    bench = Workbench(plan)
    able: list[EditPart] = []
    for edit in edits:
        made, _ = _tried(bench, edit) if edit.enabled else (None, [])
        if made is not None:
            able.append(edit)
            bench = made
    return judge.review(apply_edits(plan, able).plan)
