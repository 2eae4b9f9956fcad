"""Parks of a running service: by filter, one of them, its focus and its profile."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from geo_service.errors import NotFoundError
from geo_service.language import Language
from geo_service.planning.pages.profile import park_profile
from geo_service.reports.document import Document, focus_document, park_features
from geo_service.wording import said, shorten
from geo_service.zoning.names import township_codes

if TYPE_CHECKING:
    from geo_service.planning.state import ServiceState, Standing
    from geo_service.reports.document import Slice
    from geo_service.spatial.live_index import Box


class ParkDesk:
    """The parks of one county. Methods are safe to call from several threads."""

    def __init__(self, state: ServiceState) -> None:
        self._state = state
        self._lock = threading.Lock()

    def features(
        self,
        language: Language,
        *,
        tier: str | None = None,
        township: str | None = None,
        verdict: str | None = None,
        bbox: Box | None = None,
    ) -> list[Document]:
        """Return the parks that pass every filter given, as features in the layer's order."""
        now = self._state.now
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

    def feature(self, park_id: str, language: Language) -> Document:
        """Return one park as a feature; NotFoundError for an id that no park has."""
        now = self._state.now
        check_parks(now, [park_id])
        return self._features(now, language)[now.park_positions[park_id]]

    def _features(self, now: Standing, language: Language) -> list[Document]:
        with self._lock:
            if language not in now.features:
                translator = self._state.translator(language)
                now.features[language] = park_features(now.review, translator)
            return now.features[language]

    def check(self, park_id: str) -> None:
        """Raise NotFoundError for an id that no park has."""
        check_parks(self._state.now, [park_id])

    def focus(self, park_id: str, language: Language, *, slice_: Slice = (100, 0)) -> Document:
        """Return a park's shares, concentration, and a slice of the focus family's findings.

        NotFoundError for an id that no park has.
        """
        review = self._state.review
        if park_id not in review.focus:
            raise no_such_park(park_id)
        return focus_document(review, park_id, self._state.translator(language), slice_)

    def profile(self, park_id: str, language: Language, *, limit: int = 100) -> Document:
        """Return a park in full: industries, trend, enterprises, floors, parcels, first findings.

        NotFoundError for an id that no park has.
        """
        now = self._state.now
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
