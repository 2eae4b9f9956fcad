"""Whether a result is kept: saved in the store so that it outlives the process, or why not.

One way for reviews and rankings: what is answered about a result says `saved`, and in `not_saved`
why it is not, in plain words. Only the store is asked; nothing is said to be saved because it was
once. After a result was saved, old ones go where the workspace's limits say so (`saved`).
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from cachetools import FIFOCache

from geo_service.errors import StoreError
from geo_service.planning.saved import retain_within
from geo_service.stores.base import REVIEW
from geo_service.wording import said, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from geo_service.language import Translator
    from geo_service.model import Message
    from geo_service.workspace.opening import Workspace

Members = dict[str, Any]
_REMEMBERED = 1_000
"""Of how many results it is remembered why they were not saved."""
_log = logging.getLogger(__name__)


def members(reason: Message | None, translator: Translator) -> Members:
    """Return what a document says of a result that is kept, or is not for a reason."""
    return {
        "saved": reason is None,
        "not_saved": None if reason is None else tell(reason, translator),
    }


def reason_of(error: StoreError) -> Message:
    """Return why a result was not saved, without what is nobody's business outside."""
    return said("keeping.full") if error.is_full else error.public_message or said("keeping.failed")


class Saver:
    """Saves results of one county and says which are. Safe to use from several threads."""

    def __init__(
        self,
        workspace: Workspace | None,
        *,
        current: Callable[[], str] | None = None,
        without_store: Message | None = None,
    ) -> None:
        self._workspace = workspace
        self._without_store = without_store or said("keeping.no_store")
        self._current = current
        self._lock = threading.Lock()
        self._reasons: FIFOCache[tuple[str, str], Message] = FIFOCache(_REMEMBERED)

    def save(self, kind: str, identity: str, work: Callable[[Workspace], object]) -> bool:
        """Save a result; where the store cannot be written, remember why, and log it."""
        if self._workspace is None:
            return False
        try:
            work(self._workspace)
        except StoreError as error:
            _log.error("%s %s was not saved: %s", kind.capitalize(), identity, error)
            with self._lock:
                self._reasons[kind, identity] = reason_of(error)
            return False
        with self._lock:
            self._reasons.pop((kind, identity), None)
        self._retain((kind, identity))
        return True

    def _retain(self, result: tuple[str, str]) -> None:
        """Let old results go where the limits say so; what was saved now and is current stays."""
        assert self._workspace is not None  # noqa: S101 - something was saved in it
        spared = {result} | ({(REVIEW, self._current())} if self._current is not None else set())
        try:
            retain_within(self._workspace, spared=spared)
        except StoreError as error:
            _log.error("Old results were not dropped: %s", error)

    def saved_among(self, kind: str, identities: Iterable[str]) -> frozenset[str]:
        """Return which results of a kind are in the store; StoreError when it cannot be asked."""
        if self._workspace is None:
            return frozenset()
        return self._workspace.store.saved_among(kind, list(identities))

    def why_not(self, kind: str, identity: str) -> Message | None:
        """Return why a result is not saved; None when it is."""
        if self._workspace is None:
            return self._without_store
        try:
            if self.saved_among(kind, [identity]):
                return None
        except StoreError as error:
            return reason_of(error)
        with self._lock:
            return self._reasons.get((kind, identity), said("keeping.not_asked"))

    def members(self, kind: str, identity: str, translator: Translator) -> Members:
        """Return `saved` and `not_saved` of a result, for its documents."""
        return members(self.why_not(kind, identity), translator)
