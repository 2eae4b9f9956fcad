"""One workspace at work: its plan, its reviews, and the questions asked of them.

A `County` is one workspace at work: its plan, its current review, the reviews that were
asked for, and a live index for bbox questions. The command line and the HTTP service call
it and reply; neither knows how an answer comes about.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import shapely

from geo_service.errors import NotFoundError
from geo_service.jobs import JobBoard
from geo_service.language import Language, Translator, to_simplified
from geo_service.reports.document import (
    Document,
    finding_features,
    finding_properties,
    park_features,
)
from geo_service.spatial.live_index import Box, LiveIndex
from geo_service.workspace import open_plan
from geo_service.zoning.comparison import Comparison, Looked, compare_reviews
from geo_service.zoning.review import Review, review
from geo_service.zoning.rulebook import Rulebook, open_rulebook, parse_rulebook

if TYPE_CHECKING:
    import os

    from geo_service.plan import Plan
    from geo_service.zoning.review import Progress

KEPT_REVIEWS = 50
"""How many reviews a running service remembers beside the current one."""


class County:
    """One workspace at work. Methods are safe to call from several threads."""

    def __init__(self, plan: Plan, rulebook: Rulebook, current: Review) -> None:
        self.plan = plan
        self.rulebook = rulebook
        self.review = current
        self._lock = threading.RLock()
        self._reviews: OrderedDict[str, tuple[str, Review]] = OrderedDict()
        self._features: dict[Language, list[Document]] = {}
        self.jobs = JobBoard()
        self._keep(current)

    @classmethod
    def open(cls, workspace: str | os.PathLike[str], *, progress: Progress | None = None) -> County:
        """Open a workspace and review it by its own rulebook.

        Raises
        ------
        WorkspaceError, RulebookError
            The workspace or its rulebook is unusable; every fault is listed.
        """
        plan = open_plan(workspace)
        rulebook = open_rulebook(plan.settings.rulebook_path)
        return cls(plan, rulebook, review(plan, rulebook, progress=progress))

    def close(self) -> None:
        """Tell jobs to stop and wait for the one that runs."""
        self.jobs.close()

    def translator(self, language: Language) -> Translator:
        """Return a translator that knows this county's names."""
        return Translator(language, self.plan.settings.names_hant)

    # ---- parks ----------------------------------------------------------------------------

    def park_features(
        self,
        language: Language,
        *,
        tier: str | None = None,
        township: str | None = None,
        verdict: str | None = None,
        bbox: Box | None = None,
    ) -> list[Document]:
        """Return the parks that pass every filter given, as features in the layer's order."""
        features = self._park_features(language)
        places: Iterable[int] = range(len(features))
        if bbox is not None:
            places = self._meeting(bbox)
        codes = None if township is None else self.township_codes(township)

        def fits(properties: dict[str, Any]) -> bool:
            return (
                (tier is None or properties["tier"] == tier)
                and (verdict is None or properties["verdict"] == verdict)
                and (codes is None or properties["township_code"] in codes)
            )

        return [features[place] for place in places if fits(features[place]["properties"])]

    def park_feature(self, park_id: str, language: Language) -> Document:
        """Return one park as a feature; NotFoundError for an id that no park has."""
        place = self._park_places.get(park_id)
        if place is None:
            raise no_such_park(park_id)
        return self._park_features(language)[place]

    def _park_features(self, language: Language) -> list[Document]:
        with self._lock:
            if language not in self._features:
                self._features[language] = park_features(self.review, self.translator(language))
            return self._features[language]

    def _meeting(self, bbox: Box) -> list[int]:
        """Positions of parks that meet a box: by the live index, then by their shape."""
        shapes = self.review.parks.geometry.to_numpy()
        window = shapely.box(*bbox)
        return [place for place in self._park_index.query(bbox) if shapes[place].intersects(window)]

    @cached_property
    def _park_index(self) -> LiveIndex:
        return LiveIndex(shapely.bounds(self.review.parks.geometry.to_numpy()))

    @cached_property
    def _park_places(self) -> dict[str, int]:
        return {park_id: place for place, park_id in enumerate(self.review.parks["park_id"])}

    def township_codes(self, township: str) -> frozenset[str]:
        """Return the codes of the townships that a name or a code of either set means.

        A code is matched whole: the two code sets disagree, so no prefix is ever tried.
        """
        frame = self.plan.frame("townships")
        wanted = to_simplified(township.strip())
        codes: set[str] = set()
        for row in frame[["code", "alt_code", "name", "alt_name"]].itertuples(index=False):
            if wanted in {row.code, row.alt_code, row.name, row.alt_name}:
                codes |= {code for code in (row.code, row.alt_code) if isinstance(code, str)}
        return frozenset(codes)

    # ---- reviews --------------------------------------------------------------------------

    def read_rulebook(self, text: str | None) -> Rulebook:
        """Return a rulebook given as text, or the county's own; RulebookError lists faults."""
        return parse_rulebook(text, "rulebook") if text else self.rulebook

    def check_parks(self, parks: Sequence[str] | None) -> None:
        """Raise NotFoundError for the first park id that no park has."""
        for park_id in parks or ():
            if park_id not in self._park_places:
                raise no_such_park(park_id)

    def review_again(
        self,
        rulebook: Rulebook,
        *,
        parks: Sequence[str] | None = None,
        progress: Progress | None = None,
    ) -> Review:
        """Review the plan by a rulebook and keep the review."""
        result = review(self.plan, rulebook, parks=parks, progress=progress)
        self._keep(result)
        return result

    def compare_reviews(self, before: str, after: str, language: Language) -> Comparison:
        """Return what is new, cured, persisting or changed from one kept review to another."""
        translator = self.translator(language)
        one, other = (
            Looked(
                [finding_properties(item, translator) for item in result.results],
                frozenset(result.park_ids),
                frozenset(result.checks),
            )
            for result in map(self.find_review, (before, after))
        )
        return compare_reviews(one, other)

    def find_review(self, review_id: str) -> Review:
        """Return a kept review; NotFoundError for an unknown id."""
        with self._lock:
            if review_id in self._reviews:
                return self._reviews[review_id][1]
        msg = f"There is no review {review_id!r}."
        raise NotFoundError(msg)

    def reviews(self) -> list[tuple[str, Review]]:
        """Return the kept reviews with the time each was made (UTC), newest first."""
        with self._lock:
            return list(reversed(self._reviews.values()))

    def _keep(self, result: Review) -> None:
        with self._lock:
            made = datetime.now(UTC).isoformat(timespec="seconds")
            self._reviews.setdefault(result.review_id, (made, result))
            self._reviews.move_to_end(result.review_id)
            while len(self._reviews) > KEPT_REVIEWS + 1:
                oldest = next(key for key in self._reviews if key != self.review.review_id)
                del self._reviews[oldest]

    def finding_features(  # noqa: PLR0913 - the filters of one list
        self,
        review_id: str,
        language: Language,
        *,
        rule: str | None = None,
        park: str | None = None,
        severity: str | None = None,
        bbox: Box | None = None,
        page: tuple[int, int] = (100, 0),
    ) -> tuple[list[Document], int]:
        """Return one page (limit, offset) of a review's findings, and how many match in all."""
        result = self.find_review(review_id)
        keep: Callable[[int], bool] = lambda place: (  # noqa: E731 - one condition, used once
            (rule is None or result.results[place].rule_id == rule)
            and (park is None or result.results[place].park_id == park)
            and (severity is None or result.results[place].severity == severity)
        )
        places = [place for place in range(len(result.results)) if keep(place)]
        if bbox is not None:
            shapes = result.geometry.to_numpy()
            window = shapely.box(*bbox)
            places = [
                place
                for place in places
                if shapes[place] is not None and shapes[place].intersects(window)
            ]
        limit, offset = page
        chosen = places[offset : offset + limit]
        return finding_features(result, self.translator(language), chosen), len(places)


def no_such_park(park_id: str) -> NotFoundError:
    """Return the error of a park id that the workspace does not have."""
    shown = park_id if len(park_id) <= 80 else park_id[:77] + "..."  # noqa: PLR2004 - one line
    return NotFoundError(f"There is no park {shown!r} in this workspace.")
