"""Many geometries as a few flat arrays, filled from well-known binary without an object for each.

Collections, curves, broken binary, coordinates that are not finite, and open or short rings are
refused. Whether rings cross is not checked: layers are validated when they are loaded, and
callers with other geometry must check it first.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import shapely

from geo_service import native

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

Buffer = bytes | bytearray | memoryview | Any
"""Anything with the buffer protocol: bytes, an Arrow buffer, an array."""

_REASONS = (
    "its binary form is broken",
    "it is of a type that is not supported (a collection or curve)",
    "a coordinate is not finite",
    "a ring is not closed",
    "a ring has fewer than four vertices",
    "a line has a single vertex",
)
"""Reasons to refuse a geometry, in the order of native/wkb.c."""

_NOT_FINITE = 2

_CHUNK = 100_000
"""Number of shapely geometries that are converted to binary at a time."""


@dataclass(frozen=True, eq=False)
class Ragged:
    """Points, lines, polygons and their multi forms as flat arrays.

    Geometry i has the parts `geometry[i]` to `geometry[i + 1]`, part p the rings `part[p]` to
    `part[p + 1]`, ring r the vertices `ring[r]` to `ring[r + 1]` of `xy`; a line's path and a
    point's vertex count as rings. Shells are made counter-clockwise and holes clockwise. A
    missing geometry is the same as an empty one: it has no parts. `dimension` is 0 for points,
    1 for lines, 2 for polygons.
    """

    xy: NDArray[np.float64]
    ring: NDArray[np.int64]
    part: NDArray[np.int64]
    geometry: NDArray[np.int64]
    dimension: NDArray[np.uint8]

    def __len__(self) -> int:
        """Return the number of geometries."""
        return len(self.dimension)

    @classmethod
    def from_wkb(cls, data: Buffer, offsets: NDArray[np.integer]) -> Self:
        """Decode geometries that follow each other in a buffer.

        Parameters
        ----------
        data
            Well-known binary, ISO or extended, in either byte order. Z and M are dropped.
        offsets
            Where each geometry starts, in bytes, followed by the end of the last one. A geometry
            of no bytes is a missing one.

        Raises
        ------
        ValueError
            A geometry is refused; the message names its position and the reason.
        """
        kernel = native.require()
        buffer = np.frombuffer(data, dtype=np.uint8)
        start = np.ascontiguousarray(offsets, dtype=np.int64)
        count = len(start) - 1
        if count < 0 or start[0] < 0 or start[-1] > len(buffer) or (np.diff(start) < 0).any():
            msg = f"The offsets do not fit a buffer of {len(buffer)} bytes."
            raise ValueError(msg)
        total = np.zeros(3, dtype=np.int64)
        why = ctypes.c_int32()
        begin = native.address(buffer), native.address(start), count
        fault = kernel.geo_wkb_count(*begin, native.address(total), ctypes.byref(why))
        _refuse(fault, why)
        vertices, rings, parts = (int(number) for number in total)
        made = cls(
            np.empty((vertices, 2)),
            np.zeros(rings + 1, dtype=np.int64),
            np.zeros(parts + 1, dtype=np.int64),
            np.zeros(count + 1, dtype=np.int64),
            np.zeros(count, dtype=np.uint8),
        )
        arrays = (made.xy, made.ring, made.part, made.geometry, made.dimension)
        addresses = [native.address(array) for array in arrays]
        fault = kernel.geo_wkb_fill(*begin, *addresses, ctypes.byref(why))
        _refuse(fault, why)
        return made

    @classmethod
    def from_arrow(cls, column: pa.Array | pa.ChunkedArray) -> Self:
        """Decode an Arrow column of well-known binary; null is a missing geometry.

        Raises
        ------
        ValueError
            A geometry is refused; the message names its position and the reason.
        """
        import pyarrow as pa  # noqa: PLC0415 - small plans come without Arrow

        chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
        made, before = [], 0
        for chunk in chunks:
            storage = chunk.storage if isinstance(chunk, pa.ExtensionArray) else chunk
            made.append(cls._from_chunk(storage, before))
            before += len(chunk)
        return cls._joined(made)

    @classmethod
    def _from_chunk(cls, chunk: pa.Array, before: int) -> Self:
        import pyarrow as pa  # noqa: PLC0415 - small plans come without Arrow

        wide = pa.types.is_large_binary(chunk.type)
        if not wide and not pa.types.is_binary(chunk.type):
            chunk, wide = chunk.cast(pa.binary()), False
        if chunk.null_count:
            # The bytes under a null must not be read.
            chunk = chunk.fill_null(b"")
        _, offsets, data = chunk.buffers()
        width = np.dtype(np.int64 if wide else np.int32)
        start: NDArray[np.integer] = np.frombuffer(offsets, dtype=width)
        start = start[chunk.offset : chunk.offset + len(chunk) + 1]
        try:
            return cls.from_wkb(b"" if data is None else data, start)
        except _RefusedError as error:
            raise _RefusedError(error.position + before, error.reason) from None

    @classmethod
    def from_shapely(cls, shapes: NDArray[np.object_] | Sequence[shapely.Geometry | None]) -> Self:
        """Convert geometries from shapely; None is a missing geometry.

        Raises
        ------
        ValueError
            A geometry is refused; the message names its position and the reason.
        """
        every = np.asarray(shapes, dtype=object)
        made = []
        for first in range(0, max(len(every), 1), _CHUNK):
            written = shapely.to_wkb(
                every[first : first + _CHUNK], output_dimension=2, byte_order=1
            )
            binary = [b"" if each is None else each for each in written]
            start = np.zeros(len(binary) + 1, dtype=np.int64)
            np.cumsum([len(each) for each in binary], out=start[1:])
            try:
                made.append(cls.from_wkb(b"".join(binary), start))
            except _RefusedError as error:
                raise _RefusedError(error.position + first, error.reason) from None
        return cls._joined(made)

    @classmethod
    def as_given(cls, shapes: NDArray[np.object_]) -> Self:
        """Convert polygons, their rings in the direction that they have.

        A shape that is no polygon, or has heights, counts as missing.
        """
        kinds = shapely.get_type_id(shapes)
        is_surface = (kinds == shapely.GeometryType.POLYGON) | (
            kinds == shapely.GeometryType.MULTIPOLYGON
        )
        own = shapes.copy()
        own[~is_surface | shapely.has_z(shapes)] = shapely.MultiPolygon()
        kind, xy, found = shapely.to_ragged_array(own, include_z=False)
        offsets = [np.ascontiguousarray(each, dtype=np.int64) for each in found]
        if kind == shapely.GeometryType.POLYGON:
            offsets.append(np.arange(len(own) + 1))
        ring, part, geometry = offsets
        dimension = np.full(len(own), 2, dtype=np.uint8)
        return cls(np.ascontiguousarray(xy), ring, part, geometry, dimension)

    @classmethod
    def from_points(cls, xy: NDArray[np.float64]) -> Self:
        """Make points from their coordinates, one row of x and y each.

        Raises
        ------
        ValueError
            A coordinate is not finite; the message names the point's position.
        """
        broken = np.flatnonzero(~np.isfinite(xy).all(axis=1))
        if len(broken):
            raise _RefusedError(int(broken[0]), _REASONS[_NOT_FINITE])
        ends = np.arange(len(xy) + 1, dtype=np.int64)
        own = np.ascontiguousarray(xy, dtype=np.float64)
        return cls(own, ends, ends, ends, np.zeros(len(xy), dtype=np.uint8))

    @classmethod
    def _joined(cls, several: Sequence[Self]) -> Self:
        if len(several) == 1:
            return several[0]
        if not several:
            return cls.from_wkb(b"", np.zeros(1, dtype=np.int64))
        return cls(
            np.concatenate([one.xy for one in several]),
            _chained([one.ring for one in several]),
            _chained([one.part for one in several]),
            _chained([one.geometry for one in several]),
            np.concatenate([one.dimension for one in several]),
        )

    def take(self, positions: NDArray[np.integer]) -> Self:
        """Return the geometries at these positions, in their order."""
        geometry, part = _taken(self.geometry, positions)
        offsets, ring = _taken(self.part, part)
        vertices, vertex = _taken(self.ring, ring)
        return type(self)(self.xy[vertex], vertices, offsets, geometry, self.dimension[positions])

    def bounds(self) -> NDArray[np.float64]:
        """Return west, south, east and north of each geometry; NaN for empty ones."""
        result = np.empty((len(self), 4))
        native.require().geo_bounds(ctypes.byref(self.struct), native.address(result))
        return result

    def areas(self) -> NDArray[np.float64]:
        """Return the planar area of each geometry in m²; 0 for points, lines and empty ones."""
        result = np.empty(len(self))
        native.require().geo_areas(ctypes.byref(self.struct), native.address(result))
        return result

    @cached_property
    def vertex_end(self) -> NDArray[np.int64]:
        """The end of each geometry's rows in `xy`; the first element is 0."""
        return self.ring[self.part[self.geometry]]

    @cached_property
    def struct(self) -> native.RaggedStruct:
        """The addresses to pass to the kernel; valid as long as this object exists."""
        arrays = (self.xy, self.ring, self.part, self.geometry, self.dimension)
        return native.RaggedStruct(*[native.address(array) for array in arrays], len(self))


class _RefusedError(ValueError):
    """A geometry that cannot be used, by its position."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"Geometry at position {position} cannot be used: {reason}.")
        self.position, self.reason = position, reason


def _refuse(fault: int, why: ctypes.c_int32) -> None:
    if fault != native.OK:
        raise _RefusedError(fault, _REASONS[why.value - 1])


def _chained(offsets: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Join offset arrays, each continuing from the end of the previous one."""
    ends = np.cumsum([0, *[one[-1] for one in offsets]])
    moved = [one[1:] + end for one, end in zip(offsets, ends[:-1], strict=True)]
    return np.concatenate([np.zeros(1, dtype=np.int64), *moved])


def _taken(
    offsets: NDArray[np.int64], positions: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the offsets of chosen items alone, and the positions of what these hold."""
    count = np.diff(offsets)[positions]
    end = np.cumsum(count)
    start = np.concatenate([np.zeros(1, dtype=np.int64), end])
    inside = np.repeat(offsets[positions] - start[:-1], count) + np.arange(start[-1])
    return start, inside
