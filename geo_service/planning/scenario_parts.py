"""Scenarios of an account that is limited to some parks: on the plan of these parks alone.

Everything is made of that plan, so that nothing of other parks can be told, not even by what an
edit is refused for. Such a scenario is kept like any other, on the versions of the whole plan:
who sees the whole county judges it there, and publishes it. Rules that look at the county as a
whole cannot be judged on a part and are left out; how many, is told.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from geo_service.planning.scenario_ground import ScenarioGround
from geo_service.zoning.reads import RuleReach, reading_of
from geo_service.zoning.rulebook import Rulebook
from geo_service.zoning.seen import seen_plan

if TYPE_CHECKING:
    from geo_service.access import Sight
    from geo_service.plan import Plan
    from geo_service.planning.state import ServiceState
    from geo_service.scenarios.scenario import ScenarioBase
    from geo_service.workspace.opening import Workspace


def local_rules(rulebook: Rulebook) -> Rulebook:
    """Return the rules whose answer on a park depends on that park and what stands there."""
    rules = {
        rule_id: rule
        for rule_id, rule in rulebook.rules.items()
        if reading_of(rule)[1] is not RuleReach.PLAN
    }
    return replace(rulebook, rules=rules)


class PartGround(ScenarioGround):
    """The ground of an account that is limited to some parks, and from which nothing is masked."""

    def __init__(self, state: ServiceState, sight: Sight, *, whole: ServiceState) -> None:
        super().__init__()
        assert sight.parks is not None  # noqa: S101 - whoever calls has looked
        self._state = state
        self._sight = sight
        self._parks = tuple(sorted(sight.parks))
        self._whole = whole
        self._whole_plan = whole.plan
        self._rules = local_rules(state.rulebook)

    @property
    def opened(self) -> Workspace:
        """The workspace, whose store keeps scenarios."""
        return self._whole.workspace

    @property
    def only_parks(self) -> tuple[str, ...] | None:
        """The parks, in order of their ids."""
        return self._parks

    def plan(self) -> Plan:
        """Return the plan of these parks."""
        return self._state.plan

    def rulebook(self) -> Rulebook:
        """Return the rules that can be judged on a part."""
        return self._rules

    def before_publishing(self) -> None:
        """Raise NotImplementedError: nothing is published from a part."""
        raise NotImplementedError

    def published(self) -> None:
        """Raise NotImplementedError: nothing is published from a part."""
        raise NotImplementedError

    def keep_base(self, plan: Plan) -> None:
        """Keep the layers of the whole plan of which this one is a part."""
        if plan.kept_as.plan == self._whole_plan.version:
            self._whole.record_plan(self._whole_plan)

    def _plan_at(self, base: ScenarioBase) -> Plan:
        return seen_plan(super()._plan_at(base), self._sight)
