"""Find a DBF's encoding from its bytes, its .cpg and its own mark; decode its field names.

A DBF is examined as bytes, since its cells may be cut in the middle of a character.
"""

from __future__ import annotations

import shutil
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from geo_service.ingest.formats.encodings import encoding_named, known_encoding
from geo_service.ingest.formats.letters import (
    BIG5,
    GB18030,
    Label,
    decode_cut,
    doubt,
    fits,
    settle_encoding,
)
from geo_service.ingest.limits import Budget
from geo_service.model import Message
from geo_service.wording import said

_SAMPLE_RECORDS = 5_000
_SAMPLE_BYTES = 1 << 22
_DBF_HEADER = 32
_MOST_FIELDS = 2_048
_MOST_LABEL_BYTES = 64
_MARKS = {
    **dict.fromkeys((0x4D, 0x7A), GB18030),
    **dict.fromkeys((0x4F, 0x78), BIG5),
    **dict.fromkeys((0x03, 0x57, 0x58, 0x59), "CP1252"),
    **dict.fromkeys((0x01, 0x09, 0x0B, 0x0D, 0x0F), "CP437"),
    **dict.fromkeys((0x02, 0x0A, 0x0E, 0x10, 0x12), "CP850"),
    **dict.fromkeys((0x13, 0x7B), "CP932"),
    **dict.fromkeys((0x4E, 0x79), "CP949"),
}
"""Language driver bytes of a DBF, with the code page that each means."""


@dataclass(frozen=True, kw_only=True)
class DbfText:
    """A DBF's encoding, its decoded field names, and how the encoding was found."""

    encoding: str
    names: tuple[str, ...]
    notes: tuple[Message, ...]
    is_damaged: bool = False
    """Whether some texts do not fit the encoding: GDAL would drop what it cannot read."""


def read_dbf_text(shp: Path, encoding_option: str | None, budget: Budget) -> DbfText | None:
    """Return the encoding of a shapefile's DBF; None if it has no DBF.

    A given encoding comes first, then what the bytes show, then the .cpg or the DBF's own mark.
    """
    dbf = shp.with_suffix(".dbf")
    if not dbf.exists():
        return None
    names, cells = _dbf_bytes(dbf, budget)
    texts = [*names, *cells]
    if encoding_option is not None:
        encoding = known_encoding(encoding_option, budget)
        note = Message("import.encoding_given", {"encoding": encoding})
    else:
        encoding, note = settle_encoding(texts, _label(shp, dbf))
    decoded = [decode_cut(name, encoding) for name in names]
    if any(not _is_whole(name, encoding) for name in names):
        _name_by_number(dbf, len(names))
    doubted = doubt(texts, encoding)
    return DbfText(
        encoding=encoding,
        names=_distinct(decoded),
        notes=(note,) if doubted is None else (note, doubted),
        is_damaged=not fits(texts, encoding),
    )


def _is_whole(name: bytes, encoding: str) -> bool:
    try:
        name.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _name_by_number(dbf: Path, count: int) -> None:
    """Replace field names by numbers, since GDAL cannot read one that ends within a character.

    The staged file is replaced by a copy; the original file does not change.
    """
    copy = dbf.with_suffix(".copy")
    shutil.copyfile(dbf, copy)
    with copy.open("r+b") as stream:
        for position in range(count):
            stream.seek(_DBF_HEADER + 32 * position)
            stream.write(f"F{position}".encode().ljust(11, b"\x00"))
    copy.replace(dbf)


def _label(shp: Path, dbf: Path) -> Label | None:
    """Return what a shapefile says of its encoding: its .cpg, else the DBF's mark."""
    cpg = shp.with_suffix(".cpg")
    if cpg.exists():
        with cpg.open("rb") as stream:
            content = stream.read(_MOST_LABEL_BYTES)
        written = content.replace(b"\x00", b"").decode("ascii", errors="ignore").strip()
        if written:
            return Label(where="cpg", written=written, encoding=encoding_named(written))
    with dbf.open("rb") as stream:
        mark = stream.read(_DBF_HEADER)[29]
    if mark not in _MARKS:
        return None
    return Label(where="mark", written=f"0x{mark:02X}", encoding=_MARKS[mark])


def _dbf_bytes(dbf: Path, budget: Budget) -> tuple[list[bytes], list[bytes]]:
    """Return a DBF's field names and a sample of its text cells, as bytes."""
    with dbf.open("rb") as stream:
        head = stream.read(_DBF_HEADER)
        if len(head) < _DBF_HEADER:
            raise budget.refuse(said("refusal.cut_dbf"), said("refusal.whole_shapefile"))
        _, header_size, record_size = struct.unpack("<IHH", head[4:12])
        count = (header_size - _DBF_HEADER) // 32
        if not 0 < count <= _MOST_FIELDS or not record_size:
            raise budget.refuse(said("refusal.damaged_dbf"), said("refusal.whole_shapefile"))
        described = stream.read(count * 32)
        stream.seek(header_size)
        size = min(record_size * _SAMPLE_RECORDS, _SAMPLE_BYTES)
        sample = _telling(stream, size - size % record_size or record_size, budget)
    names, texts, start = [], [], 1
    for offset in range(0, len(described) - 31, 32):
        field = described[offset : offset + 32]
        if field[:1] == b"\r":  # end of the field descriptions
            break
        names.append(field[:11].split(b"\x00")[0])
        if field[11:12] == b"C":
            texts.append(slice(start, start + field[16]))
        start += field[16]
    rows = (sample[offset : offset + record_size] for offset in range(0, len(sample), record_size))
    cells = {row[text].strip(b"\x00 ") for row in rows for text in texts}
    return names, [cell for cell in cells if not cell.isascii()]


def _telling(stream: BinaryIO, size: int, budget: Budget) -> bytes:
    """Return the first piece of a file that has bytes beyond ASCII; its first if none has."""
    first = piece = stream.read(size)
    while piece and piece.isascii():
        budget.check_time()
        piece = stream.read(size)
    return piece or first


def _distinct(names: list[str]) -> tuple[str, ...]:
    """Return the names, with numbers added to repeated ones."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return tuple(result)
