"""Edits applied to a plan in their order: what each saw, what all of them change.

Nothing is copied: rows are read until an edit changes them, and the plan that comes out shares
every layer that none touches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo_service.scenarios.changes import PlanChanges, changed_plan
from geo_service.scenarios.expects import seen_of
from geo_service.scenarios.refusal import EditRefusal, unusable_scenario
from geo_service.scenarios.steps import STEPS
from geo_service.scenarios.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from geo_service.errors import Fault
    from geo_service.plan import Plan
    from geo_service.scenarios.edits import EditPart, Seen

LABEL = "scenario"


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What edits did to a plan."""

    plan: Plan
    changes: PlanChanges
    seen: Mapping[str, tuple[Seen, ...]]
    """What each edit found where it put something else, by the edit's id; of edits that are
    switched off, what they would have found."""
    bench: Workbench


def make_edit(bench: Workbench, edit: EditPart) -> Workbench:
    """Return a bench on which an edit was made as well; the one given stays as it is.

    Raises EditRefusal where the edit cannot be made.
    """
    tried = bench.fork()
    STEPS[type(edit)](tried, edit)
    return tried


def apply_edits(plan: Plan, edits: Sequence[EditPart]) -> Applied:
    """Apply edits in their order; those that are switched off are passed over.

    Raises
    ------
    ScenarioError
        Edits that cannot be made, each with every reason.
    """
    bench = Workbench(plan)
    faults: list[Fault] = []
    seen: dict[str, tuple[Seen, ...]] = {}
    for edit in edits:
        edit_id = edit.edit_id or ""
        try:
            made = make_edit(bench, edit)
        except EditRefusal as refusal:
            if edit.enabled:
                faults += refusal.faults(edit_id)
            continue
        seen[edit_id] = seen_of(made.seen)
        if edit.enabled:
            bench = made
    if faults:
        raise unusable_scenario(faults, is_refused=True)
    changes = bench.changes()
    return Applied(
        plan=changed_plan(plan, changes, label=LABEL), changes=changes, seen=seen, bench=bench
    )
