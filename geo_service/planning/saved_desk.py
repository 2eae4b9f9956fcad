"""What a running county keeps, whatever it is: listed, pinned, dropped."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from geo_service.planning.saved import (
    RetentionLimits,
    drop_result,
    dropped_document,
    find_result,
    holding,
    no_such_result,
    pin_result,
    retain_results,
)
from geo_service.reports.layer import holding_document, outline_document
from geo_service.stores.base import RANKING, REVIEW

if TYPE_CHECKING:
    from collections.abc import Mapping

    from geo_service.planning.state import ServiceState
    from geo_service.reports.document import Document, Slice


class ResultDesk(Protocol):
    """What keeps the results of one kind."""

    def drop(self, identity: str, /) -> None:
        """Forget a result, in memory and in the store."""

    def forget(self, identity: str, /) -> bool:
        """Remember a result no longer; return whether it was remembered."""


class SavedDesk:
    """What one county keeps, whatever it is."""

    def __init__(self, state: ServiceState, *, reviews: ResultDesk, rankings: ResultDesk) -> None:
        self._state = state
        self._desks: Mapping[str, ResultDesk] = {REVIEW: reviews, RANKING: rankings}

    def listed(self, *, kind: str | None = None, slice_: Slice = (100, 0)) -> Document:
        """Return one page (limit, offset) of what is kept, newest first, each with its bytes."""
        found = holding(self._state.workspace, kind=kind)
        hidden = self._state.belongings.hidden(RANKING)
        items = tuple(one for one in found.items if one.kind != RANKING or one.id not in hidden)
        return holding_document(replace(found, items=items), slice_)

    def retain(
        self, *, days: float | None, most_bytes: int | None, kind: str | None = None
    ) -> Document:
        """Drop what is beyond the limits and return it; the current review stays."""
        spared = {(REVIEW, self._state.review.review_id)}
        limits = RetentionLimits(days, most_bytes)
        gone = retain_results(self._state.workspace, limits, kind=kind, spared=spared)
        for item in gone:
            if item.kind in self._desks:
                self._desks[item.kind].forget(item.id)
        return dropped_document(gone)

    def pin(self, identity: str, *, is_pinned: bool) -> Document:
        """Keep a result whatever the limits say, or no longer; as `pin_result`.

        ForeignError for one of another account.
        """
        self._own(identity)
        return outline_document(pin_result(self._state.workspace, identity, is_pinned=is_pinned))

    def drop(self, identity: str) -> None:
        """Drop what is kept under an id, of whatever kind.

        NotFoundError for an unknown id; ConflictError for the current review and for what is
        pinned; ForeignError for what belongs to another account.
        """
        kind = self._own(identity)
        if kind in self._desks:
            self._desks[kind].drop(identity)
        else:
            drop_result(self._state.workspace, kind, identity)

    def _own(self, identity: str) -> str:
        """Return the kind of what is kept under an id, unless another account owns it."""
        kind = find_result(self._state.workspace, identity).kind
        belongings = self._state.belongings
        if kind == RANKING:
            belongings.check_seen(kind, identity, no_such_result)
        belongings.check_own(kind, identity)
        return kind
