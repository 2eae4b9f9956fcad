"""Parks of a running service, or of a scenario's plan: by filter, one of them, focus, profile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from geo_service.errors import NotFoundError
from geo_service.language import Language
from geo_service.planning.pages.profile import park_profile
from geo_service.planning.state import Standing
from geo_service.reports.document import Document, focus_document, park_features
from geo_service.wording import said, shorten
from geo_service.zoning.names import township_codes

if TYPE_CHECKING:
    from geo_service.planning.scenarios import ScenarioDesk
    from geo_service.planning.state import ServiceState
    from geo_service.reports.document import Slice
    from geo_service.spatial.live_index import Box

KEPT_SCENARIOS = 4
"""Scenarios of which the parks' features are remembered."""


class ParkDesk:
    """The parks of one county. Methods are safe to call from several threads.

    With the id of a `scenario`, they answer of its plan; NotFoundError for an unknown one.
    """

    def __init__(self, state: ServiceState, *, scenarios: Callable[[], ScenarioDesk]) -> None:
        self._state = state
        self._scenarios = scenarios
        self._lock = threading.Lock()
        self._of_scenarios: LRUCache[str, Standing] = LRUCache(KEPT_SCENARIOS)

    def features(
        self,
        language: Language,
        *,
        tier: str | None = None,
        township: str | None = None,
        verdict: str | None = None,
        bbox: Box | None = None,
        scenario: str | None = None,
    ) -> list[Document]:
        """Return the parks that pass every filter given, as features in the layer's order."""
        now = self._standing(scenario)
        features = self._features(now, language)
        positions: Iterable[int] = range(len(features))
        if bbox is not None:
            positions = now.meeting(bbox)
        codes = None if township is None else township_codes(now.plan, township)

        def fits(properties: dict[str, Any]) -> bool:
            return (
                (tier is None or properties["tier"] == tier)
                and (verdict is None or properties["verdict"] == verdict)
                and (codes is None or properties["township_code"] in codes)
            )

        return [
            features[position] for position in positions if fits(features[position]["properties"])
        ]

    def feature(self, park_id: str, language: Language, *, scenario: str | None = None) -> Document:
        """Return one park as a feature; NotFoundError for an id that no park has."""
        now = self._standing(scenario)
        check_parks(now, [park_id])
        return self._features(now, language)[now.park_positions[park_id]]

    def _features(self, now: Standing, language: Language) -> list[Document]:
        with self._lock:
            if language not in now.features:
                translator = self._state.translator(language)
                now.features[language] = park_features(now.review, translator)
            return now.features[language]

    def _standing(self, scenario: str | None) -> Standing:
        """Return what stands now, or would stand with a scenario."""
        if scenario is None:
            return self._state.now
        made = self._scenarios().judged(scenario).review
        with self._lock:
            if made.review_id not in self._of_scenarios:
                found = Standing(made.plan, made.rulebook, made)
                self._of_scenarios[made.review_id] = found
            return self._of_scenarios[made.review_id]

    def check(self, park_id: str) -> None:
        """Raise NotFoundError for an id that no park has."""
        check_parks(self._state.now, [park_id])

    def focus(
        self,
        park_id: str,
        language: Language,
        *,
        slice_: Slice = (100, 0),
        scenario: str | None = None,
    ) -> Document:
        """Return a park's shares, concentration, and a slice of the focus family's findings.

        NotFoundError for an id that no park has.
        """
        review = self._standing(scenario).review
        if park_id not in review.focus:
            raise no_such_park(park_id)
        return focus_document(review, park_id, self._state.translator(language), slice_)

    def profile(
        self, park_id: str, language: Language, *, limit: int = 100, scenario: str | None = None
    ) -> Document:
        """Return a park in full: industries, trend, enterprises, floors, parcels, first findings.

        NotFoundError for an id that no park has.
        """
        now = self._standing(scenario)
        check_parks(now, [park_id])
        return park_profile(now.review, park_id, self._state.translator(language), limit=limit)


def check_parks(now: Standing, park_ids: Iterable[str] | None) -> None:
    """Raise NotFoundError for the first id that no park has."""
    for park_id in park_ids or ():
        if park_id not in now.park_positions:
            raise no_such_park(park_id)


def no_such_park(park_id: str) -> NotFoundError:
    """Return the error of a park id that the workspace does not have."""
    shown = shorten(park_id)
    return NotFoundError(said("problem.no_park", park=repr(shown)))
