"""Hold the files of a shapefile against each other: shapes, their index (.shx) and rows (.dbf).

GDAL reads as many features as the shorter one has and says nothing. An index that is missing, or
that lists other records than there are, is made again from the shapes.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from geo_service.ingest.limits import Budget
from geo_service.model import Message
from geo_service.wording import said

_HEADER = 100
_LENGTH_AT = 24
_ENTRY = 8
_EVERY = 100_000
_DELETED = 0x2A


def check_records(shp: Path, budget: Budget) -> list[Message]:
    """Return notes about records that are missing; makes the index again if it is not right.

    Raises
    ------
    SourceError
        There is no .dbf, or the shapes are damaged.
    """
    dbf = shp.with_suffix(".dbf")
    if not dbf.exists():
        raise budget.refuse(
            said("refusal.no_dbf", file=f"{Path(budget.shown).stem}.dbf"),
            said("refusal.whole_shapefile"),
        )
    announced, rows, deleted = _rows_of(dbf)
    shapes = _listed(shp.with_suffix(".shx"))
    notes = []
    if shapes is None or shapes != rows:
        found = list(_records(shp, budget))
        if shapes != len(found):
            _write_index(shp, found)
            key = "import.no_index" if shapes is None else "import.wrong_index"
            notes.append(Message(key, {"count": f"{len(found):,}"}))
        shapes = len(found)
    if announced != rows or shapes != rows:
        values = {"shapes": f"{shapes:,}", "rows": f"{rows:,}", "announced": f"{announced:,}"}
        notes.append(Message("import.records_differ", values))
    if deleted:
        notes.append(Message("import.records_deleted", {"count": f"{deleted:,}"}))
    return notes


def _listed(shx: Path) -> int | None:
    """Return how many records an index lists; None if it is missing or cut."""
    if not shx.exists():
        return None
    with shx.open("rb") as stream:
        head = stream.read(_HEADER)
    size = shx.stat().st_size
    if len(head) < _HEADER or struct.unpack(">i", head[_LENGTH_AT : _LENGTH_AT + 4])[0] * 2 != size:
        return None
    return (size - _HEADER) // _ENTRY


def _rows_of(dbf: Path) -> tuple[int, int, int]:
    """Return how many rows a DBF announces, how many it has, and how many of them are deleted."""
    with dbf.open("rb") as stream:
        head = stream.read(12)
    if len(head) < 12:  # noqa: PLR2004 - what is read; the reading of its texts refuses it
        return 0, 0, 0
    announced, header_size, record_size = struct.unpack("<IHH", head[4:12])
    if not record_size:
        return announced, 0, 0
    rows = min(announced, max(dbf.stat().st_size - header_size, 0) // record_size)
    if not rows:
        return announced, 0, 0
    flags = np.memmap(
        dbf, mode="r", dtype=np.uint8, offset=header_size, shape=(rows * record_size,)
    )
    return announced, rows, int((flags[::record_size] == _DELETED).sum())


def _records(shp: Path, budget: Budget) -> Iterator[tuple[int, int]]:
    """Yield where each record of a file of shapes begins, and its length, both in words."""
    size = shp.stat().st_size
    if size <= _HEADER:
        return
    with (
        shp.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        at, count = _HEADER, 0
        while at + _ENTRY <= size:
            number, words = struct.unpack_from(">ii", content, at)
            count += 1
            if words < 2 or number < 0:  # noqa: PLR2004 - a shape's type alone has two words
                raise budget.refuse(
                    said("refusal.damaged_shapes", record=count), said("refusal.whole_shapefile")
                )
            yield at // 2, words
            at += _ENTRY + 2 * words
            if not count % _EVERY:
                budget.check_time()
            if count > budget.limits.features:
                raise budget.refuse(
                    said("refusal.features", most=budget.limits.features), said("refusal.fewer")
                )


def _write_index(shp: Path, records: list[tuple[int, int]]) -> None:
    """Write an index beside the staged shapes; the original files do not change."""
    shx = shp.with_suffix(".shx")
    shx.unlink(missing_ok=True)
    with shp.open("rb") as stream:
        head = bytearray(stream.read(_HEADER))
    struct.pack_into(">i", head, _LENGTH_AT, (_HEADER + _ENTRY * len(records)) // 2)
    shx.write_bytes(bytes(head) + np.array(records, dtype=">i4").tobytes())
