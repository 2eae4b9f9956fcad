"""Pictures of a base map from archives in the workspace: MBTiles and PMTiles, read-only.

MBTiles are read through Python's own SQLite, which is asked not to write and not to lock;
PMTiles (version 3) by ranges of the file. Only pictures are given out: vector archives are
refused. GDAL opens neither.
"""

from __future__ import annotations

import gzip
import sqlite3
import struct
import threading
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
"""How many directories may lie under each other in a PMTiles archive."""
_NONE, _GZIP = 1, 2
_PMTILES_TYPES = {2: "image/png", 3: "image/jpeg", 4: "image/webp"}
_PICTURES: Mapping[bytes, str] = MappingProxyType(
    {b"\x89PNG\r\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}
)
_MAX_DIRECTORY = 4_000_000
MAX_ZOOM = 24


class TileArchive(Protocol):
    """Where the pictures of a base map lie."""

    def tile(self, zoom: int, column: int, row: int) -> bytes | None:
        """Return the picture of a tile (rows from the north), None where there is none."""


def open_archive(path: Path) -> TileArchive:
    """Return an archive by what its file begins with.

    Raises
    ------
    AssetError
        The file is no archive of pictures.
    """
    with path.open("rb") as stream:
        beginning = stream.read(_HEADER_BYTES)
    if beginning.startswith(PMTILES_MAGIC):
        return PmtilesArchive.open(path, beginning)
    if beginning.startswith(b"SQLite format 3\x00"):
        return MbtilesArchive(path)
    msg = f"{path.name} is neither MBTiles nor PMTiles (version 3)."
    raise AssetError(msg)


def media_type_of(picture: bytes) -> str | None:
    r"""Return the media type of a picture by how it begins; None for what is none.

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
            msg = f"{path.name} is no MBTiles archive: {error}."
            raise AssetError(msg) from error
        if rows and rows[0][0] == "pbf":
            msg = f"{path.name} holds vector tiles; a base map needs pictures (png, jpg, webp)."
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


@dataclass(frozen=True)
class _Entry:
    """Tiles from `tile_id` on, `run` of them alike; a run of 0 stands for another directory."""

    tile_id: int
    offset: int
    length: int
    run: int


@dataclass(frozen=True)
class PmtilesArchive:
    """A PMTiles file of version 3; safe to read from several threads."""

    path: Path
    root: tuple[int, int]
    """Offset and length of the first directory."""
    leaves: int
    tiles: int
    compression: int

    @classmethod
    def open(cls, path: Path, header: bytes) -> PmtilesArchive:
        """Read the header; AssetError for vector tiles or a compression that is not known."""
        if len(header) < _HEADER_BYTES:
            msg = f"{path.name} is cut short."
            raise AssetError(msg)
        root, root_length, _, _, leaves, _, tiles, _ = struct.unpack("<8Q", header[8:72])
        compression, tile_compression, tile_type = header[97], header[98], header[99]
        if tile_type not in _PMTILES_TYPES:
            msg = f"{path.name} holds no pictures; a base map needs png, jpg or webp."
            raise AssetError(msg)
        if compression not in {_NONE, _GZIP} or tile_compression > _NONE:
            msg = f"{path.name} is compressed in a way that is not read; gzip directories are."
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
            msg = f"{self.path.name} has a directory that is too large."
            raise AssetError(msg)
        content = self._read(offset, length)
        return _entries(gzip.decompress(content) if self.compression == _GZIP else content)


def _find(entries: tuple[_Entry, ...], tile_id: int) -> _Entry | None:
    """Return the entry that covers a tile, by halves."""
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


def _entries(content: bytes) -> tuple[_Entry, ...]:
    """Read a directory: how many, then ids as differences, runs, lengths and offsets."""
    numbers = iter(_varints(content))
    count = next(numbers)
    ids, last = [], 0
    for _ in range(count):
        last += next(numbers)
        ids.append(last)
    runs = [next(numbers) for _ in range(count)]
    lengths = [next(numbers) for _ in range(count)]
    offsets: list[int] = []
    for place in range(count):
        given = next(numbers)  # 0: right behind the one before
        offsets.append(offsets[-1] + lengths[place - 1] if not given and place else given - 1)
    return tuple(map(_Entry, ids, offsets, lengths, runs))


def _varints(content: bytes) -> list[int]:
    """Read numbers of seven bits a byte, the lowest first.

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
    """Return a tile's place on the Hilbert curve, all nearer-to-the-globe zooms before it.

    >>> [tile_id_of(1, column, row) for column, row in ((0, 0), (0, 1), (1, 1), (1, 0))]
    [1, 2, 3, 4]
    >>> tile_id_of(12, 3423, 1763)
    19078479
    """
    place: int = (4**zoom - 1) // 3
    x, y = column, row
    side = 2**zoom // 2
    while side:
        right, down = int(bool(x & side)), int(bool(y & side))
        place += side * side * ((3 * right) ^ down)
        if not down:
            if right:
                x, y = side - 1 - x, side - 1 - y
            x, y = y, x
        side //= 2
    return place


def picture_of(archive: TileArchive, zoom: int, column: int, row: int) -> tuple[bytes, str] | None:
    """Return a tile's picture and its media type; NotFoundError for a tile off the globe."""
    if not (0 <= zoom <= MAX_ZOOM and 0 <= column < 2**zoom and 0 <= row < 2**zoom):
        msg = said("problem.no_tile")
        raise NotFoundError(msg)
    found = archive.tile(zoom, column, row)
    kind = media_type_of(found) if found else None
    return (found, kind) if found and kind else None
