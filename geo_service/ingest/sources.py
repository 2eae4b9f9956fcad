"""One table of features in a file, read in batches, whatever the format.

A `Source` says what the file declares (columns, CRS, encoding) and hands out its rows.
Nothing is converted or judged here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from geo_service.model import Message

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyproj
    from numpy.typing import NDArray

BATCH_ROWS = 50_000


@dataclass(frozen=True, kw_only=True)
class Change:
    """One kind of repair that reading made to some rows, by their positions in the batch."""

    what: str
    places: NDArray[np.intp]
    before: Sequence[str | Message]
    after: Sequence[str | Message]
    column: str = "geometry"


@dataclass(frozen=True, kw_only=True)
class ReadShapes:
    """Shapes as a file has them, None where there is none, and what reading them took."""

    shapes: NDArray[np.object_]
    changes: tuple[Change, ...] = ()
    unread: Mapping[int, Message] = field(default_factory=dict)
    """By position, why what is there cannot be read; its shape is None."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Some rows of a source, in their order: cells as found, shapes as found or None."""

    table: pd.DataFrame
    geometry: ReadShapes | None
    numbers: NDArray[np.int64]
    """The numbers of the rows as messages name them."""
    faults: Mapping[int, Message] = field(default_factory=dict)
    """By position, why a row as a whole cannot be read."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a file holds, and how to read it."""

    format: str
    shown: str
    layer: str | None = None
    columns: tuple[str, ...]
    has_geometry: bool
    rows: int | None = None
    """How many rows there are, where the file says so."""
    crs: pyproj.CRS | None = None
    """The CRS that the file declares."""
    implied_crs: str | None = None
    """The CRS that the format implies and the file does not state (GeoJSON, KML)."""
    parameters: str | None = None
    """Transformation parameters that the file gives without saying what they mean."""
    encoding: str | None = None
    notes: tuple[Message, ...] = ()
    """What was understood about the file itself, for the report."""
    cut_names: bool = False
    """Whether column names may be cut short (10 bytes, in a shapefile)."""
    read: Callable[[], Iterator[Batch]]
    """Called as often as the rows are wanted from the start."""
