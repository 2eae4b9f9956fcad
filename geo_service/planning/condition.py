"""How a running service is: its store, its layers, its queues and what it remembers.

For who watches over it. Nothing here is data of the county: counts, sizes, versions, states.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from geo_service.errors import StoreError

if TYPE_CHECKING:
    from geo_service.jobs import JobFigures, JobKind
    from geo_service.planning.service import PlanningService


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCondition:
    """Whether the store answers, and what it says of itself."""

    answers: bool
    publications: int = 0
    """A number that grows with every publication."""
    is_shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What is held in memory of one kind."""

    count: int
    size: int
    """Bytes, about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCondition:
    """The condition of a service at one moment."""

    store: StoreCondition
    layers: int
    """How many layers the plan has that counts."""
    is_behind: bool
    """Whether something newer was published that cannot be opened."""
    jobs: Mapping[JobKind, JobFigures]
    caches: Mapping[str, Remembered] = field(default_factory=dict)

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return sum(one.waiting for one in self.jobs.values())

    @property
    def running(self) -> int:
        """How many jobs run."""
        return sum(one.running for one in self.jobs.values())


def condition_of(service: PlanningService) -> ServiceCondition:
    """Return the condition of a service; its store is asked."""
    caches = {
        "maps": service.maps.held(),
        "tiles": service.tiles.held(),
        "rankings": service.rankings.held(),
        "reviews": service.reviews.shelf.held(),
    }
    return ServiceCondition(
        store=_store_condition(service),
        layers=len(service.plan.layers),
        is_behind=service.follower.is_behind,
        jobs=service.jobs.figures(),
        caches={name: Remembered(count=count, size=size) for name, (count, size) in caches.items()},
    )


def _store_condition(service: PlanningService) -> StoreCondition:
    if not service.has_workspace:  # made from a bare plan
        return StoreCondition(answers=True)
    workspace = service.workspace
    is_shared = "://" in workspace.store.shown
    try:
        return StoreCondition(
            answers=True, publications=workspace.store.stamp(), is_shared=is_shared
        )
    except StoreError:
        return StoreCondition(answers=False, is_shared=is_shared)
