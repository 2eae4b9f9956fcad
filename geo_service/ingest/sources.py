"""A table of features in a file, read in batches, independent of the format.

An `ImportSource` has the file's declarations (columns, CRS, encoding) and yields its rows. Nothing
is converted or judged here.
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
    """One kind of repair that was made while reading, with the rows' positions in the batch."""

    what: str
    positions: NDArray[np.intp]
    before: Sequence[str | Message]
    after: Sequence[str | Message]
    column: str = "geometry"
    needs_look: Sequence[bool] = ()
    """For each row, whether the repair changed the area or leaves it open; empty if in none."""


@dataclass(frozen=True, kw_only=True)
class ReadShapes:
    """Shapes as in a file (None where missing), and the repairs made to read them."""

    shapes: NDArray[np.object_]
    changes: tuple[Change, ...] = ()
    unread: Mapping[int, Message] = field(default_factory=dict)
    """By position, why a shape cannot be read; the shape is then None."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Some rows of a source, in order: cells and shapes as found, or None."""

    table: pd.DataFrame
    geometry: ReadShapes | None
    numbers: NDArray[np.int64]
    """The rows' numbers in messages."""
    faults: Mapping[int, Message] = field(default_factory=dict)
    """By position, why a whole row cannot be read."""
    changes: tuple[Change, ...] = ()
    """Repairs of cells, each with the name of the file's column."""


@dataclass(frozen=True, kw_only=True)
class ImportSource:
    """A file's content, and how to read it."""

    format: str
    shown: str
    layer: str | None = None
    columns: tuple[str, ...]
    has_geometry: bool
    heading_parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For each column below a heading of several columns, what stands in each of its rows."""
    domains: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """For columns of coded values, the words that the file gives for its codes."""
    rows: int | None = None
    """Number of rows, if the file states it."""
    announced: int | None = None
    """Number of rows to be held against those that are read, if the file announces it."""
    crs: pyproj.CRS | None = None
    """The CRS that the file declares."""
    implied_crs: str | None = None
    """The CRS that the format implies and the file does not state (GeoJSON, KML)."""
    parameters: str | None = None
    """Transformation parameters in the file whose meaning the file does not define."""
    encoding: str | None = None
    notes: tuple[Message, ...] = ()
    """Findings about the file itself, for the report."""
    is_parted_by_semicolons: bool = False
    """Whether the cells of a table are, as where a comma is the decimal mark."""
    cut_names: bool = False
    """Whether column names may be cut short (10 bytes, in a shapefile)."""
    read: Callable[[], Iterator[Batch]]
    """Yields the rows from the start, each time it is called."""
