"""Layers of small counties that are read once however many tests open them.

Most counties of tests differ from each other in one layer. Reading, which checks each value, takes
longer than what a test is about. What is kept depends on the file's content and on how it is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pandas as pd

from geo_service.errors import Fault
from geo_service.schema import LayerSchema
from geo_service.workspace import versions
from geo_service.workspace.reading import LayerFile, read_layer

_PLAIN = {".geojson", ".csv"}
"""What is one file each: its content is all that there is to read."""
_read: dict[object, tuple[pd.DataFrame, list[Fault]]] = {}


def _read_layer(source: LayerFile, schema: LayerSchema) -> tuple[pd.DataFrame | None, list[Fault]]:
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
    return frame.copy(), [*faults]


@contextmanager
def read_once() -> Iterator[None]:
    """Have workspaces that are opened in this context read no layer a second time."""
    with patch.object(versions, "read_layer", _read_layer):
        yield
