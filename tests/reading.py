"""Layers that are read once however many tests open them.

Most counties of tests differ from each other in one layer, and many tests open the demo. Reading,
which checks each value, takes longer than what most tests are about. What is kept depends on the
file's content and on how it is read; who asks gets a copy, which pandas makes when it is changed.
Processes that tests start, and tests that read a layer by themselves, read the file.
"""

from __future__ import annotations

import hashlib
import threading
import weakref
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast
from unittest.mock import patch

import pandas as pd
from cachetools import LRUCache

from geo_service.errors import Fault
from geo_service.schema import LayerSchema
from geo_service.stores.frames import canonical, content_digest
from geo_service.workspace import opening, versions
from geo_service.workspace.reading import LayerFile, read_layer

_PLAIN = {".geojson", ".csv"}
"""What is one file each: its content is all that there is to read."""
_MOST = 600
"""Layers that are kept of each step: those of some forty counties."""


Made = TypeVar("Made")


def _digest_of(source: LayerFile) -> bytes:
    try:
        return hashlib.sha256(source.path.read_bytes()).digest()
    except OSError:  # gone
        return b""


class _Once:
    """Stands for the steps of an opening, and knows which frame came of which step."""

    def __init__(self) -> None:
        self._made: LRUCache[Hashable, object] = LRUCache(3 * _MOST)
        self._origins: dict[int, tuple[weakref.ref[pd.DataFrame], Hashable]] = {}
        self._lock = threading.RLock()

    def read_layer(
        self, source: LayerFile, schema: LayerSchema
    ) -> tuple[pd.DataFrame | None, list[Fault]]:
        if source.path.suffix not in _PLAIN or not source.path.is_file():
            return read_layer(source, schema)
        how = (source.name, source.shown, source.layer, source.crs, source.where_clause())
        content = _digest_of(source)
        key = (schema.name, *how, repr(source.constants), content)
        frame, faults = self._once(key, lambda: read_layer(source, schema))
        if _digest_of(source) != content:  # it was written to meanwhile
            self._made.pop(key, None)
        return None if frame is None else self._handed_out(frame, key), [*faults]

    def canonical(self, frame: pd.DataFrame, layer: str) -> pd.DataFrame:
        origin = self._origin(frame)
        if origin is None:
            return canonical(frame, layer)
        # The scheme of parcels is filled in between, as the settings have it.
        scheme = repr(frame["land_use_scheme"].tolist()) if layer == "parcels" else None
        key = (origin, scheme)
        return self._handed_out(self._once(key, lambda: canonical(frame, layer)), key)

    def content_digest(self, frame: pd.DataFrame, layer: str) -> str:
        origin = self._origin(frame)
        if origin is None:
            return content_digest(frame, layer)
        return self._once(("digest", origin), lambda: content_digest(frame, layer))

    def _once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
            return cast("Made", self._made[key])

    def _origin(self, frame: pd.DataFrame) -> Hashable:
        _, key = self._origins.get(id(frame), (None, None))
        return key

    def _handed_out(self, frame: pd.DataFrame, key: Hashable) -> pd.DataFrame:
        """Return a copy, which pandas makes when somebody writes into it."""
        copy = frame.copy(deep=False)
        own = id(copy)
        self._origins[own] = weakref.ref(copy, lambda _: self._origins.pop(own, None)), key
        return copy


@contextmanager
def read_once() -> Iterator[None]:
    """Have workspaces that are opened in this context read no layer a second time."""
    once = _Once()
    with (
        patch.object(versions, "read_layer", once.read_layer),
        patch.object(versions, "canonical", once.canonical),
        patch.object(opening, "content_digest", once.content_digest),
    ):
        yield
