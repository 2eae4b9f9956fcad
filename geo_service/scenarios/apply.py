"""Edits applied to a plan in their order: what each saw, what all of them change.

Nothing is copied: rows are read until an edit changes them, and the plan that comes out shares
every layer that none touches.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from geo_service.scenarios.changes import PlanChanges, changed_plan
from geo_service.scenarios.expects import check_expected, seen_of
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

    base: Plan
    """The plan that they were made on."""
    changes: PlanChanges
    seen: Mapping[str, tuple[Seen, ...]]
    """What each edit found where it put something else, by the edit's id; of edits that are
    switched off, what they would have found."""
    bench: Workbench

    @cached_property
    def plan(self) -> Plan:
        """The plan with the edits made, derived when it is first asked for."""
        return changed_plan(self.base, self.changes, label=LABEL)


def make_edit(bench: Workbench, edit: EditPart) -> Workbench:
    """Return a bench on which an edit was made as well; the one given stays as it is.

    Raises EditRefusal where the edit cannot be made.
    """
    tried = bench.fork()
    STEPS[type(edit)](tried, edit)
    return tried


def apply_edits(plan: Plan, edits: Sequence[EditPart], *, is_strict: bool = False) -> Applied:
    """Apply edits in their order; those that are switched off are passed over.

    With `is_strict`, an edit that says what it saw is refused where there is something else.

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
            if is_strict:
                check_expected(bench, edit.expects or ())
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
    return Applied(base=plan, changes=bench.changes(), seen=seen, bench=bench)
