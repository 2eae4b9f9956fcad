"""What scenarios stand on: the plan of now, the plans that they begin with, and who judges them.

One for a running service, which has a plan and a review at hand; one for a folder, which is opened
and reviewed when that is asked for.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING

from cachetools import LRUCache

from geo_service.errors import Fault, NotFoundError, ScenarioError
from geo_service.planning.results import record_plan
from geo_service.scenarios.judging import Judge
from geo_service.wording import said
from geo_service.zoning.review import review
from geo_service.zoning.rulebook import Rulebook, open_rulebook

if TYPE_CHECKING:
    from geo_service.plan import Plan
    from geo_service.planning.following import Follower
    from geo_service.planning.state import ServiceState
    from geo_service.scenarios.scenario import Scenario, ScenarioBase
    from geo_service.workspace.opening import Workspace
    from geo_service.zoning.review import Review

KEPT_PLANS = 4


class ScenarioGround(ABC):
    """Plans and judges for scenarios. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._plans: LRUCache[str, Plan] = LRUCache(KEPT_PLANS)
        self._judges: LRUCache[str, Judge] = LRUCache(KEPT_PLANS)

    @property
    @abstractmethod
    def opened(self) -> Workspace:
        """The workspace."""

    @abstractmethod
    def plan(self) -> Plan:
        """Return the plan of now."""

    @abstractmethod
    def rulebook(self) -> Rulebook:
        """Return the rules of the county."""

    @abstractmethod
    def before_publishing(self) -> None:
        """Make sure that nobody's edit of a file takes effect unseen."""

    @abstractmethod
    def published(self) -> None:
        """Take up what was published."""

    @abstractmethod
    def keep_base(self, plan: Plan) -> None:
        """Keep the layers of a plan that a scenario begins with."""

    @property
    def only_parks(self) -> tuple[str, ...] | None:
        """The only parks that scenarios on this ground concern; None for the whole county."""
        return None

    def review_at_hand(self, plan: Plan) -> Review | None:  # noqa: ARG002 - asked of the other kind
        """Return the review of a plan where it is there already."""
        return None

    def let_go(self) -> None:
        """Hold no plan and no review any more."""
        with self._lock:
            self._plans.clear()
            self._judges.clear()

    def plan_of(self, base: ScenarioBase | None) -> Plan:
        """Return the plan that a scenario begins with; NotFoundError if it is not kept."""
        now = self.plan()
        if base is None or not base.differing(now):
            return now
        with self._lock:
            key = repr(sorted(base.layers.items()))
            if key not in self._plans:
                self._plans[key] = self._plan_at(base)
            return self._plans[key]

    def _plan_at(self, base: ScenarioBase) -> Plan:
        return self.opened.plan_at(base.layers)

    def on_base(self, scenario: Scenario) -> Scenario:
        """Return a scenario with its base plan, so that it can be applied."""
        return replace(scenario, base_plan=self.plan_of(scenario.base))

    def judge_of(self, plan: Plan) -> Judge:
        """Return who judges plans that are made from a plan."""
        with self._lock:
            rules = self.rulebook()
            at_hand = self.review_at_hand(plan)
            key = f"{plan.version} {rules.version} {at_hand.review_id if at_hand else ''}"
            if key not in self._judges:
                self._judges[key] = Judge(at_hand or review(plan, rules))
            return self._judges[key]


def base_plan_of(ground: ScenarioGround, told: Scenario) -> Plan:
    """Return the plan that a scenario's file begins with: the plan of now without a base.

    ScenarioError where neither the plan of now nor what is kept has the layers of its base.
    """
    if told.base is None:
        return ground.plan()
    differing = told.base.differing(ground.plan())
    if not differing:
        return ground.plan()
    try:
        if told.base.layers:
            return ground.plan_of(told.base)
    except NotFoundError:
        pass
    fault = Fault(
        file=said("fault.scenario"),
        column="base",
        found=said("scenario.other_base", layers=differing),
        expected=said("scenario.same_base"),
    )
    raise ScenarioError(said("scenario.foreign"), [fault])


class FolderGround(ScenarioGround):
    """The ground of the command line: a workspace's folder, opened once."""

    def __init__(self, opened: Workspace) -> None:
        super().__init__()
        self._opened = opened
        self._plan: Plan | None = None

    @property
    def opened(self) -> Workspace:
        """The workspace."""
        return self._opened

    def plan(self) -> Plan:
        """Return the plan of now, opened when it is first asked for."""
        with self._lock:
            if self._plan is None:
                self._plan = self._opened.plan()
            return self._plan

    def rulebook(self) -> Rulebook:
        """Return the rules of the county."""
        return open_rulebook(self.plan().settings.rulebook_path)

    def before_publishing(self) -> None:
        """Do nothing: the folder was opened just now."""

    def published(self) -> None:
        """Open the plan again when it is next asked for."""
        with self._lock:
            self._plan = None

    def keep_base(self, plan: Plan) -> None:
        """Keep the layers of a plan that a scenario begins with."""
        record_plan(self._opened, plan)


class ServiceGround(ScenarioGround):
    """The ground of a running service."""

    def __init__(self, state: ServiceState, follower: Follower) -> None:
        super().__init__()
        self._state = state
        self._follower = follower

    @property
    def opened(self) -> Workspace:
        """The workspace; NotFoundError for a service that was made from a bare plan."""
        return self._state.workspace

    def plan(self) -> Plan:
        """Return the plan that stands now."""
        return self._state.plan

    def rulebook(self) -> Rulebook:
        """Return the rules in force."""
        return self._state.rulebook

    def before_publishing(self) -> None:
        """Take up own files that were edited, and what others have published."""
        self._follower.check_files()
        self._follower.refresh()

    def published(self) -> None:
        """Take up what was published."""
        self._follower.refresh()

    def keep_base(self, plan: Plan) -> None:
        """Keep the layers of a plan that a scenario begins with, in the background."""
        self._state.record_plan(plan)

    def review_at_hand(self, plan: Plan) -> Review | None:
        """Return the current review, if it is of this plan."""
        current = self._state.review
        return current if current.plan.version == plan.version else None
