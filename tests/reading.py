"""Layers of small counties that are read once however many tests open them.

Most counties of tests differ from each other in one layer. Reading, which checks each value, takes
longer than what a test is about. What is kept depends on the file's content and on how it is read.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pandas as pd

from geo_service.errors import Fault
from geo_service.schema import LayerSchema
from geo_service.stores.frames import canonical, content_digest
from geo_service.workspace import opening, versions
from geo_service.workspace.reading import LayerFile, read_layer

_PLAIN = {".geojson", ".csv"}
"""What is one file each: its content is all that there is to read."""
_read: dict[Hashable, tuple[pd.DataFrame, list[Fault]]] = {}
_canonical: dict[Hashable, pd.DataFrame] = {}
_digests: dict[Hashable, str] = {}


class _Once:
    """Stands for the steps of one opening, and knows which frame came of which step."""

    def __init__(self) -> None:
        # The frames are held, so that no other frame gets the id of one of them.
        self._origins: dict[int, tuple[pd.DataFrame, Hashable]] = {}

    def read_layer(
        self, source: LayerFile, schema: LayerSchema
    ) -> tuple[pd.DataFrame | None, list[Fault]]:
        if source.path.suffix not in _PLAIN or not source.path.is_file():
            return read_layer(source, schema)
        how = (source.name, source.shown, source.layer, source.crs, source.where_clause())
        key = (schema.name, *how, repr(source.constants), source.path.read_bytes())
        if key not in _read:
            frame, faults = read_layer(source, schema)
            if frame is None:
                return None, faults
            _read[key] = frame, faults
        frame, faults = _read[key]
        return self._handed_out(frame, key), [*faults]

    def canonical(self, frame: pd.DataFrame, layer: str) -> pd.DataFrame:
        origin = self._origin(frame)
        if origin is None:
            return canonical(frame, layer)
        # The scheme of parcels is filled in between, as the settings have it.
        scheme = repr(frame["land_use_scheme"].tolist()) if layer == "parcels" else None
        key = (origin, scheme)
        if key not in _canonical:
            _canonical[key] = canonical(frame, layer)
        return self._handed_out(_canonical[key], key)

    def content_digest(self, frame: pd.DataFrame, layer: str) -> str:
        key = self._origin(frame)
        if key is None:
            return content_digest(frame, layer)
        if key not in _digests:
            _digests[key] = content_digest(frame, layer)
        return _digests[key]

    def _origin(self, frame: pd.DataFrame) -> Hashable:
        _, key = self._origins.get(id(frame), (None, None))
        return key

    def _handed_out(self, frame: pd.DataFrame, key: Hashable) -> pd.DataFrame:
        """Return a copy, which pandas makes when somebody writes into it."""
        copy = frame.copy(deep=False)
        self._origins[id(copy)] = copy, key
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
