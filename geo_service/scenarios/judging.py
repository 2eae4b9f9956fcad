"""Plans of scenarios judged: by one rulebook, on one day, each plan once.

A judge remembers the reviews it made, by the plan's version: leaving edits out one by one asks
for the same plans again and again.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from cachetools import LRUCache

from geo_service.zoning.review import Review, review

if TYPE_CHECKING:
    from datetime import date

    from geo_service.plan import Plan
    from geo_service.zoning.rulebook import Rulebook

REMEMBERED = 8
"""Reviews of plans; one of a large county takes tens of megabytes."""


class Judge:
    """Reviews plans that differ little from one that was reviewed. Safe for several threads."""

    def __init__(self, base: Review) -> None:
        self.base = base
        """The review of the plan that the others are made from."""
        self._lock = threading.Lock()
        self._made: LRUCache[str, Review] = LRUCache(REMEMBERED)

    @property
    def rulebook(self) -> Rulebook:
        """The rules."""
        return self.base.rulebook

    @property
    def day(self) -> date:
        """The day of the reviews."""
        return self.base.as_of

    def review(self, plan: Plan, *, near: Review | None = None) -> Review:
        """Return the review of a plan, made once.

        `near` is a review of a plan that differs less from this one than the base does: less is
        judged again. The answer is the same.
        """
        if plan.version == self.base.plan.version:
            return self.base
        with self._lock:
            known = self._made.get(plan.version)
        if known is None:
            known = review_like(near or self.base, plan)
            with self._lock:
                known = self._made.setdefault(plan.version, known)
        return known


def review_like(earlier: Review, plan: Plan) -> Review:
    """Return the review of a plan by the rules, and on the day, of an earlier review."""
    return review(plan, earlier.rulebook, as_of=earlier.as_of, earlier=earlier)
