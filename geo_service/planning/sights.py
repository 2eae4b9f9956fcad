"""What an account gets that sees only a part of the county: a service of its own over that part.

Such a service stands on a plan and a review from which everything withheld was left out
(`zoning.seen`), and has no store: all its desks answer as they do anywhere, and cannot tell what
they do not have. One is made for each set of what may be seen, when it is first asked for, and
kept until the plan changes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from cachetools import LRUCache

from geo_service.zoning.seen import seen_plan, seen_review

if TYPE_CHECKING:
    from geo_service.access import Sight
    from geo_service.planning.state import ServiceState, Standing

KEPT_SIGHTS = 8
"""Services kept at once; each holds what differs from the whole plan, and its own tiles."""
S = TypeVar("S")


class SightDesk:
    """Services over parts of one county. Methods are safe to call from several threads."""

    def __init__(self, state: ServiceState) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._making: dict[Sight, threading.Lock] = {}
        self._made: LRUCache[Sight, tuple[Standing, object]] = LRUCache(KEPT_SIGHTS)

    def service(self, sight: Sight, serve: Callable[[Standing], S]) -> S:
        """Return the service over what a sight reaches; `serve` makes one of a standing."""
        now = self._state.now
        with self._lock:
            making = self._making.setdefault(sight, threading.Lock())
        with making:
            with self._lock:
                kept = self._made.get(sight)
            if kept is not None and kept[0] is now:
                found: S = kept[1]  # type: ignore[assignment] # of the same `serve`
                return found
            made = serve(self._seen(now, sight))
            with self._lock:
                self._made[sight] = (now, made)
            return made

    def let_go(self) -> None:
        """Forget services over earlier plans."""
        with self._lock:
            self._made.clear()

    def _seen(self, now: Standing, sight: Sight) -> Standing:
        review = now.review
        if sight.parks is not None and not sight.is_public:
            # So that what was checked is told of these parks alone.
            own = [name for name in review.park_ids if name in sight.parks]
            review = self._state.works.review(
                now.plan, now.rulebook, parks=own, as_of=now.review.as_of
            )
        plan = seen_plan(now.plan, sight)
        return type(now)(plan, now.rulebook, seen_review(review, plan, sight))
