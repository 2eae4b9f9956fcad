"""What belongs to whom: which results, scenarios and drafts an account sees, and may change.

Planners see their own rankings, scenarios and layouts, and what is nobody's (made without an
account); who judges or publishes (`access.OVERSEERS`) sees all. Only owners, and who administers,
change or drop what is somebody's. Work that is done for nobody sees and changes everything.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from cachetools import LRUCache

from geo_service.access import Role, acting
from geo_service.errors import ForeignError, NotFoundError, StoreError
from geo_service.wording import said

if TYPE_CHECKING:
    from collections.abc import Callable

    from geo_service.stores.base import Store

_REMEMBERED = 10_000


class Belongings:
    """What belongs to whom in one county. Methods are safe to call from several threads."""

    def __init__(self, store: Callable[[], Store] | None) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._unsaved: LRUCache[tuple[str, str], frozenset[str]] = LRUCache(_REMEMBERED)
        """Owners of what the store does not have."""

    def claim(self, kind: str, identity: str, *, is_kept: bool = True) -> None:
        """Record that something belongs to the account that this is done for.

        What is not kept in the store, or cannot be, is remembered while the service runs.
        """
        who = acting()
        if who is None:
            return
        if is_kept and self._store is not None:
            try:
                self._store().accounts.claim(kind, identity, who.account)
            except StoreError:
                pass  # the store is full: what cannot be saved is not there after a restart
            else:
                return
        with self._lock:
            known = self._unsaved.get((kind, identity), frozenset())
            self._unsaved[kind, identity] = known | {who.account}

    def hidden(self, kind: str) -> frozenset[str]:
        """Return the ids that the account which asks must not see."""
        who = acting()
        if who is None or who.is_overseer:
            return frozenset()
        saved = frozenset[str]()
        if self._store is not None:
            saved = self._store().accounts.foreign(kind, who.account)
        with self._lock:
            unsaved = list(self._unsaved.items())
        of_kind = [(key[1], names) for key, names in unsaved if key[0] == kind]
        own = {identity for identity, names in of_kind if who.account in names}
        return frozenset({*saved, *(identity for identity, _ in of_kind)} - own)

    def check_seen(self, kind: str, identity: str, gone: Callable[[str], NotFoundError]) -> None:
        """Raise what `gone` makes of the id if the account that asks must not see it."""
        who = acting()
        if who is None or who.is_overseer:
            return
        owners = self.owners(kind, identity)
        if owners and who.account not in owners:
            raise gone(identity)

    def check_own(self, kind: str, identity: str) -> None:
        """Raise ForeignError if something belongs to other accounts than the one that asks."""
        who = acting()
        if who is None or Role.ADMIN in who.roles:
            return
        owners = self.owners(kind, identity)
        if owners and who.account not in owners:
            raise ForeignError(said("account.not_own", name=repr(identity[:80])))

    def dropped(self, kind: str, identity: str) -> None:
        """Forget whose something was that is gone."""
        if acting() is None:  # without accounts nothing is anybody's
            return
        with self._lock:
            self._unsaved.pop((kind, identity), None)
        if self._store is not None:
            self._store().accounts.drop_claims(kind, identity)

    def owners(self, kind: str, identity: str) -> frozenset[str]:
        """Return the accounts that something belongs to; none if it is nobody's."""
        saved = frozenset[str]()
        if self._store is not None:
            saved = self._store().accounts.owners(kind, [identity]).get(identity, saved)
        with self._lock:
            return saved | self._unsaved.get((kind, identity), frozenset())
