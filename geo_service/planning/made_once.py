"""What several requests ask for at the same time is made by one of them and kept for the others.

A page asks for several answers at once that need the same work; making it for each takes as long
for all of them together, since threads of one process share a processor.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from cachetools import LRUCache

_Made = TypeVar("_Made")


class MadeOnce(Generic[_Made]):
    """What was made of late, the newest of it. Safe to use from several threads."""

    def __init__(self, room: int, size_of: Callable[[_Made], int] = lambda _: 1) -> None:
        """Keep what `size_of` adds up to `room`; without it, so many things."""
        self._lock = threading.Lock()
        self._cache: LRUCache[object, _Made] = LRUCache(room, getsizeof=size_of)
        self._making: dict[object, threading.Lock] = {}

    def of(self, key: object, make: Callable[[], _Made]) -> _Made:
        """Return what is kept under a key; otherwise make it, or wait for the thread that does."""
        with self._lock:
            own = self._making.setdefault(key, threading.Lock())
        with own:
            try:
                with self._lock:
                    if key in self._cache:
                        return self._cache[key]
                made = make()
                with self._lock:
                    if self._cache.getsizeof(made) <= self._cache.maxsize:
                        self._cache[key] = made
                return made
            finally:
                with self._lock:
                    self._making.pop(key, None)

    def kept(self) -> list[_Made]:
        """Return everything that is kept."""
        with self._lock:
            return list(self._cache.values())

    def clear(self) -> None:
        """Keep nothing any more."""
        with self._lock:
            self._cache.clear()
