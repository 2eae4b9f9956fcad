"""Scenarios for notebooks: edits as dictionaries in, frames out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from geo_service.plan import Plan
from geo_service.scenarios.compare import SideBySide, compare_scenarios
from geo_service.scenarios.edits import EditPart
from geo_service.scenarios.reading import edits_of, open_scenario
from geo_service.scenarios.scenario import Scenario, make_scenario

Given = EditPart | Mapping[str, Any]


def scenario(
    plan: Plan,
    edits: Sequence[Given] | str | Path = (),
    *,
    name: str = "",
    reason: str = "",
) -> Scenario:
    """Return a scenario on a plan: its `plan` is the plan with the edits made.

    Parameters
    ----------
    plan
        The plan that it begins with; it is not changed.
    edits
        Edits in their order, as dictionaries or as `Edit`s; or the path of a scenario's file,
        whose base is then taken to be this plan.
    name, reason
        What it is called, and what it is for.

    Raises
    ------
    ScenarioError
        An edit breaks its form, or cannot be made on the plan; every reason is listed.

    Examples
    --------
    >>> import geo_service as gs
    >>> plan = gs.open_plan("layers/yunyang")
    >>> edit = {"op": "set_leading_industry", "park_id": "YY-B-08",
    ...         "leading_industry": "18", "reason": "a garment park"}
    >>> made = gs.scenario(plan, [edit], name="garments")
    >>> parks = made.plan.parks.set_index("park_id")
    >>> parks.loc["YY-B-08", "leading_industry"], plan.version == made.plan.version
    ('18', False)
    """
    if isinstance(edits, (str, Path)):
        read = open_scenario(Path(edits))
        return make_scenario(plan, read.edits, name=name or read.name, reason=reason or read.reason)
    given = [edit if isinstance(edit, EditPart) else edits_of([edit])[0] for edit in edits]
    return make_scenario(plan, given, name=name, reason=reason)


def compare(scenarios: Sequence[Scenario]) -> SideBySide:
    """Return one to four scenarios beside each other and beside the plan, as frames.

    Raises InvalidQueryError for more, ScenarioError where an edit cannot be made.
    """
    return compare_scenarios(scenarios)
