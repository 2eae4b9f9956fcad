"""Read a base map's pictures from archives in the workspace: MBTiles and PMTiles, read-only.

MBTiles are read through Python's own SQLite, opened without writing or locking; PMTiles
(version 3) by byte ranges of the file. Only pictures are served: vector archives are refused.
GDAL opens neither format.
"""

from __future__ import annotations

import sqlite3
import struct
import threading
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Protocol
from urllib.parse import quote

from geo_service.errors import AssetError, NotFoundError
from geo_service.wording import said

PMTILES_MAGIC = b"PMTiles\x03"
_HEADER_BYTES = 127
_DEEPEST = 4
"""How many levels of directories a PMTiles archive may have."""
_NONE, _GZIP = 1, 2
_PMTILES_VECTOR = 1
_PMTILES_TYPES = {2: "image/png", 3: "image/jpeg", 4: "image/webp"}
_PICTURES: Mapping[bytes, str] = MappingProxyType(
    {b"\x89PNG\r\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}
)
_MAX_DIRECTORY = 4_000_000
"""Bytes of a directory, packed and unpacked; as much as a million tiles take."""
_MAX_PICTURE = 4_000_000
"""Bytes of one picture."""
_GZIP_WINDOW = 31
MAX_ZOOM = 24


class TileArchive(Protocol):
    """An archive of a base map's pictures."""

    def tile(self, zoom: int, column: int, row: int) -> bytes | None:
        """Return the picture of a tile (rows counted from the north); None if it has none."""


def open_archive(path: Path) -> TileArchive:
    """Open an archive, recognised by its file's first bytes.

    Raises
    ------
    AssetError
        The file is not an archive of pictures.
    """
    with path.open("rb") as stream:
        beginning = stream.read(_HEADER_BYTES)
    if beginning.startswith(PMTILES_MAGIC):
        return PmtilesArchive.open(path, beginning)
    if beginning.startswith(b"SQLite format 3\x00"):
        return MbtilesArchive(path)
    msg = said("problem.no_archive", name=path.name)
    raise AssetError(msg)


def media_type_of(picture: bytes) -> str | None:
    r"""Return the media type of a picture by its first bytes; None if it is not a picture.

    >>> media_type_of(b"\x89PNG\r\n\x1a\n"), media_type_of(b"<svg")
    ('image/png', None)
    """
    return next((kind for start, kind in _PICTURES.items() if picture.startswith(start)), None)


class MbtilesArchive:
    """An MBTiles file; safe to read from several threads."""

    def __init__(self, path: Path) -> None:
        address = f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1"
        self._lock = threading.Lock()
        try:
            self._base = sqlite3.connect(address, uri=True, check_same_thread=False)
            rows = self._base.execute("SELECT value FROM metadata WHERE name = 'format'").fetchall()
            self._base.execute("SELECT 1 FROM tiles LIMIT 1").fetchall()
        except sqlite3.Error as error:
            msg = said("problem.no_mbtiles", name=path.name, words=str(error))
            raise AssetError(msg) from error
        if rows and rows[0][0] == "pbf":
            msg = said("problem.vector_tiles", name=path.name)
            raise AssetError(msg)

    def tile(self, zoom: int, column: int, row: int) -> bytes | None:
        """Return the picture of a tile; MBTiles count rows from the south."""
        asked = (zoom, column, 2**zoom - 1 - row)
        with self._lock:
            found = self._base.execute(
                "SELECT tile_data FROM tiles"
                " WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?",
                asked,
            ).fetchone()
        return bytes(found[0]) if found and isinstance(found[0], bytes) else None


class _UnreadableError(Exception):
    """A directory that is no directory."""


@dataclass(frozen=True)
class _Entry:
    """`run` identical tiles from `tile_id` on; a run of 0 points to another directory."""

    tile_id: int
    offset: int
    length: int
    run: int


@dataclass(frozen=True)
class PmtilesArchive:
    """A PMTiles file of version 3; safe to read from several threads."""

    path: Path
    root: tuple[int, int]
    """Offset and length of the root directory."""
    leaves: int
    tiles: int
    compression: int

    @classmethod
    def open(cls, path: Path, header: bytes) -> PmtilesArchive:
        """Read the header; raises AssetError for vector tiles or an unknown compression."""
        if len(header) < _HEADER_BYTES:
            msg = said("problem.archive_short", name=path.name)
            raise AssetError(msg)
        root, root_length, _, _, leaves, _, tiles, _ = struct.unpack("<8Q", header[8:72])
        compression, tile_compression, tile_type = header[97], header[98], header[99]
        if tile_type not in _PMTILES_TYPES:
            key = "problem.vector_tiles" if tile_type == _PMTILES_VECTOR else "problem.no_pictures"
            raise AssetError(said(key, name=path.name))
        if compression not in {_NONE, _GZIP} or tile_compression > _NONE:
            msg = said("problem.archive_packed", name=path.name)
            raise AssetError(msg)
        return cls(path, (root, root_length), leaves, tiles, compression)

    def tile(self, zoom: int, column: int, row: int) -> bytes | None:
        """Return the picture of a tile."""
        wanted = tile_id_of(zoom, column, row)
        offset, length = self.root
        for _ in range(_DEEPEST):
            entry = _find(self._directory(offset, length), wanted)
            if entry is None:
                return None
            if entry.run:
                if entry.length > _MAX_PICTURE:
                    msg = said("problem.archive_picture", name=self.path.name)
                    raise AssetError(msg)
                return self._read(self.tiles + entry.offset, entry.length)
            offset, length = self.leaves + entry.offset, entry.length
        return None

    def _read(self, offset: int, length: int) -> bytes:
        with self.path.open("rb") as stream:
            stream.seek(offset)
            return stream.read(length)

    @lru_cache(maxsize=64)  # noqa: B019 - archives are few and live as long as the service
    def _directory(self, offset: int, length: int) -> tuple[_Entry, ...]:
        if length > _MAX_DIRECTORY:
            msg = said("problem.archive_large", name=self.path.name)
            raise AssetError(msg)
        content = self._read(offset, length)
        try:
            return _entries(_unpacked(content) if self.compression == _GZIP else content)
        except (_UnreadableError, zlib.error) as error:
            msg = said("problem.archive_directory", name=self.path.name)
            raise AssetError(msg) from error


def _find(entries: tuple[_Entry, ...], tile_id: int) -> _Entry | None:
    """Return the entry that covers a tile, by binary search."""
    low, high = 0, len(entries)
    while low < high:
        middle = (low + high) // 2
        if entries[middle].tile_id <= tile_id:
            low = middle + 1
        else:
            high = middle
    if not low:
        return None
    entry = entries[low - 1]
    return entry if not entry.run or tile_id < entry.tile_id + entry.run else None


def _unpacked(content: bytes) -> bytes:
    """Unpack gzip up to the largest directory; _UnreadableError for more, or for half of one."""
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    unpacked = unpacker.decompress(content, _MAX_DIRECTORY)
    if not unpacker.eof:
        raise _UnreadableError
    return unpacked


def _entries(content: bytes) -> tuple[_Entry, ...]:
    """Read a directory: how many, then ids as differences, runs, lengths and offsets.

    _UnreadableError for one that does not hold as many as it says.
    """
    found = _varints(content)
    count = found[0] if found else 0
    if len(found) != 1 + 4 * count:
        raise _UnreadableError
    numbers = iter(found[1:])
    ids, last = [], 0
    for _ in range(count):
        last += next(numbers)
        ids.append(last)
    runs = [next(numbers) for _ in range(count)]
    lengths = [next(numbers) for _ in range(count)]
    offsets: list[int] = []
    for position in range(count):
        given = next(numbers)  # 0: directly after the previous one
        offsets.append(offsets[-1] + lengths[position - 1] if not given and position else given - 1)
    return tuple(map(_Entry, ids, offsets, lengths, runs))


def _varints(content: bytes) -> list[int]:
    """Read varints: seven bits per byte, the lowest first.

    >>> _varints(bytes([1, 0xAC, 0x02]))
    [1, 300]
    """
    found, value, shift = [], 0, 0
    for byte in content:
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            found.append(value)
            value, shift = 0, 0
    return found


def tile_id_of(zoom: int, column: int, row: int) -> int:
    """Return a tile's position on the Hilbert curve, after all tiles of smaller zooms.

    >>> [tile_id_of(1, column, row) for column, row in ((0, 0), (0, 1), (1, 1), (1, 0))]
    [1, 2, 3, 4]
    >>> tile_id_of(12, 3423, 1763)
    19078479
    """
    tile_id: int = (4**zoom - 1) // 3
    x, y = column, row
    side = 2**zoom // 2
    while side:
        right, down = int(bool(x & side)), int(bool(y & side))
        tile_id += side * side * ((3 * right) ^ down)
        if not down:
            if right:
                x, y = side - 1 - x, side - 1 - y
            x, y = y, x
        side //= 2
    return tile_id


def picture_of(archive: TileArchive, zoom: int, column: int, row: int) -> tuple[bytes, str] | None:
    """Return a tile's picture and its media type; raises NotFoundError for a tile off the globe."""
    if not (0 <= zoom <= MAX_ZOOM and 0 <= column < 2**zoom and 0 <= row < 2**zoom):
        msg = said("problem.no_tile")
        raise NotFoundError(msg)
    found = archive.tile(zoom, column, row)
    kind = media_type_of(found) if found else None
    return (found, kind) if found and kind else None
