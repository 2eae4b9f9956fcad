"""The reviews that a running service remembers: in memory those of its plan, others as files.

A review holds the plan that it was made of, which may take gigabytes. Once another plan counts, or
reviews take more memory than they may, a review rests as a file beside its summaries; it is read
from there when somebody asks, with a plan whose large layers are read from the store when needed.
Leaves out what is saved (`review_records`), and what is answered of a review (`reviews`).
"""

from __future__ import annotations

import functools
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from geo_service.language import Language, Translator
from geo_service.plan import Layer, Plan
from geo_service.reports.document import review_summary
from geo_service.zoning.kept import KeptReviewError, kept_review

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from geo_service.planning.kept_reviews import KeptReviews
    from geo_service.reports.document import Document
    from geo_service.zoning.focus import Focus
    from geo_service.zoning.review import Review
    from geo_service.zoning.rulebook import Rulebook

_log = logging.getLogger(__name__)

CACHED_REVIEWS = 50
"""How many reviews a running service remembers beside the current one, most of them as files."""
REVIEW_BYTES = 250_000_000
"""About how much memory reviews may take beside the current one and the plan."""
_FINDING_BYTES = 1_000
_LEAST_BYTES = 100_000
_OPENED = 2
"""How many resting reviews stay open that somebody has asked for."""
_SMALL_LAYERS = ("county", "townships", "township_areas", "parks", "sub_areas")
"""Layers that a resting review keeps; what it says of its parks needs no other."""


def weight_of(review: Review) -> int:
    """Return about how much memory a review takes besides its plan."""
    return _LEAST_BYTES + _FINDING_BYTES * len(review.results)


@dataclass(frozen=True)
class _Resting:
    """A review as a file, with what its plan is made again from."""

    path: Path
    plan: Callable[[], Plan]
    rulebook: Rulebook
    focus: Mapping[str, Focus]
    summaries: Mapping[Language, Document]

    def open(self) -> Review:
        """Return the review; raises KeptReviewError when the file is gone."""
        return kept_review(self.path, self.plan(), self.rulebook, focus=self.focus)


@dataclass(frozen=True)
class _Remembered:
    made_at: str
    review: Review | None = None
    resting: _Resting | None = None


class ReviewShelf:
    """Reviews by their ids. Safe to use from several threads."""

    def __init__(
        self,
        kept: KeptReviews,
        *,
        current: Callable[[], Review],
        plan_at: Callable[[Mapping[str, str]], Plan] | None,
    ) -> None:
        """Remember reviews.

        Parameters
        ----------
        kept
            Where resting reviews lie as files.
        current
            Returns the review that counts, which never rests.
        plan_at
            Opens a plan of given versions again; None if there is no store, where none rests.
        """
        self._kept = kept
        self._current = current
        self._plan_at = plan_at
        self._lock = threading.RLock()
        self._held: OrderedDict[str, _Remembered] = OrderedDict()
        self._opened: LRUCache[str, Review] = LRUCache(_OPENED)

    def held(self) -> tuple[int, int]:
        """Return how many reviews are in memory, and their bytes, about."""
        with self._lock:
            held = [one.review for one in self._held.values() if one.review is not None]
            held += self._opened.values()
        return len(held), sum(map(weight_of, held))

    def put(self, review: Review, at: datetime | None = None) -> None:
        """Remember a review; of more than fifty the oldest go, but never the current one."""
        made_at = (at or datetime.now(UTC)).isoformat(timespec="seconds")
        with self._lock:
            known = self._held.get(review.review_id, _Remembered(made_at))
            if known.review is None:
                self._held[review.review_id] = replace(known, review=review, resting=None)
            self._held.move_to_end(review.review_id)
            self._opened.pop(review.review_id, None)
            current = self._current().review_id
            while len(self._held) > CACHED_REVIEWS + 1:
                self.pop(next(key for key in self._held if key != current))

    def get(self, review_id: str) -> Review | None:
        """Return a review; None for one that is not remembered, or whose file is gone."""
        with self._lock:
            held = self._held.get(review_id)
            if held is None:
                return None
            if held.resting is None:
                return held.review
            if review_id in self._opened:
                return self._opened[review_id]
        try:
            opened = held.resting.open()
        except KeptReviewError as error:
            _log.warning("Review %s is not kept any more: %s", review_id, error.fault)
            self.pop(review_id)
            return None
        with self._lock:
            self._opened[review_id] = opened
        return opened

    def summary(self, review_id: str, language: Language) -> Document | None:
        """Return the summary of a review that rests; None for another one."""
        with self._lock:
            held = self._held.get(review_id)
        return None if held is None or held.resting is None else held.resting.summaries[language]

    def pop(self, review_id: str) -> bool:
        """Forget a review; return whether it was remembered."""
        with self._lock:
            self._opened.pop(review_id, None)
            return self._held.pop(review_id, None) is not None

    def times(self) -> dict[str, str]:
        """Return when each was made (UTC), by id, the oldest first."""
        with self._lock:
            return {review_id: held.made_at for review_id, held in self._held.items()}

    def outlines(self) -> Iterator[tuple[str, str, Plan, str]]:
        """Yield id, time (UTC), plan and version of the rules of each, newest first; none is read.

        The plan of one that rests reads its large layers when they are asked for.
        """
        with self._lock:
            held = list(reversed(self._held.items()))
        for review_id, item in held:
            if item.review is not None:
                yield review_id, item.made_at, item.review.plan, item.review.rulebook.version
            elif item.resting is not None:
                plan, rulebook = item.resting.plan(), item.resting.rulebook
                yield review_id, item.made_at, plan, rulebook.version

    def items(self) -> Iterator[tuple[str, Review]]:
        """Yield the reviews with the time each was made (UTC), newest first."""
        for review_id, made_at in reversed(self.times().items()):
            review = self.get(review_id)
            if review is not None:
                yield made_at, review

    # ---- resting -----------------------------------------------------------------------------

    def rest(self) -> None:
        """Let reviews of other plans rest, and the oldest beyond what memory they may take."""
        while (tired := self._tired()) is not None:
            resting = self._resting(tired)
            if resting is None:
                return
            with self._lock:
                held = self._held.get(tired.review_id)
                if held is not None and held.review is tired:
                    self._held[tired.review_id] = _Remembered(held.made_at, resting=resting)

    def _tired(self) -> Review | None:
        if self._plan_at is None:
            return None
        current = self._current()
        with self._lock:
            live = [held.review for held in self._held.values() if held.review is not None]
        others = [review for review in live if review is not current]
        for review in others:
            if review.plan is not current.plan:
                return review
        return others[0] if sum(map(weight_of, others)) > REVIEW_BYTES else None

    def _resting(self, review: Review) -> _Resting | None:
        assert self._plan_at is not None  # noqa: S101 - `_tired` asked
        try:
            path = self._kept.keep(review)
        except OSError as error:
            _log.error("Review %s stays in memory: %s", review.review_id, error)
            return None
        names = review.plan.settings.names_hant
        return _Resting(
            path=path,
            plan=outline_of(review.plan, self._plan_at),
            rulebook=review.rulebook,
            focus=dict(review.focus),
            summaries={
                language: review_summary(review, Translator(language, names))
                for language in Language
            },
        )


def outline_of(plan: Plan, plan_at: Callable[[Mapping[str, str]], Plan]) -> Callable[[], Plan]:
    """Return what makes a plan of the same version again that reads its large layers when asked.

    Reading raises NotFoundError for a version that is not kept any more.
    """
    versions = {name: layer.version for name, layer in plan.layers.items()}
    numbers = {name: layer.number for name, layer in plan.layers.items()}
    small = {name: plan.frame(name) for name in _SMALL_LAYERS if name in versions}
    settings = plan.settings

    def make() -> Plan:
        whole = functools.cache(lambda: plan_at(versions))

        def reading(name: str) -> Callable[[], pd.DataFrame]:
            return lambda: small[name] if name in small else whole().frame(name)

        layers: dict[str, Any] = {
            name: Layer(name, version, reading(name), numbers[name])
            for name, version in versions.items()
        }
        return Plan(layers, settings)

    return make
