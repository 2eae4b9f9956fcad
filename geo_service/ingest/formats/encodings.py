"""Find a text's encoding: as declared or worked out from its bytes, and checked.

Chinese files without a declaration are UTF-8 or a form of GBK; GB18030 includes all of GBK.
A DBF is examined as bytes, since its cells may be cut in the middle of a character.
"""

from __future__ import annotations

import codecs
import itertools
import re
import shutil
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from geo_service.ingest.limits import Budget
from geo_service.model import Message
from geo_service.wording import said

UTF_8 = "UTF-8"
GB18030 = "GB18030"
_SAMPLE_RECORDS = 5_000
_SAMPLE_BYTES = 1 << 22
_DBF_HEADER = 32
_MOST_FIELDS = 2_048
_XML_ENCODING = re.compile(rb"\s*(<\?xml[^>]{0,200}?encoding\s*=\s*[\"'])([A-Za-z0-9._-]{1,40})")
_XML_DECLARED = re.compile(r"\A(\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"'])[A-Za-z0-9._-]{1,40}")
_OF_TEXTS = frozenset(
    {
        *("ascii", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"),
        *("hz", "big5", "big5hkscs", "cp950"),
        *("shift_jis", "cp932", "euc_jp", "euc_kr", "cp949", "cp874", "tis-620"),
        *("cp437", "cp850", "cp852", "cp866", "koi8-r", "koi8-u", "mac-roman"),
        *(f"cp125{number}" for number in range(9)),
        *(f"iso8859-{number}" for number in (*range(1, 12), *range(13, 17))),
    }
)
"""Python's names of text encodings; its other codecs transform bytes or texts."""
_GBK_MARKS = frozenset({0x4D, 0x7A})
"""Language driver bytes of a DBF that mean code page 936."""


@dataclass(frozen=True, kw_only=True)
class DbfText:
    """A DBF's encoding, its decoded field names, and how the encoding was found."""

    encoding: str
    names: tuple[str, ...]
    notes: tuple[Message, ...]


def known_encoding(name: str, budget: Budget) -> str:
    """Return an encoding by its usual name; raises SourceError if it is not a text encoding.

    Every form of GBK is read as GB18030, which includes them all.
    """
    plain = name.strip().lower().replace("_", "-")
    if plain in {"936", "cp936", "ansi 936", "ansi-936", "gbk", "gb2312", "gb18030", "gb-18030"}:
        return GB18030
    if plain in {"65001", "utf-8", "utf8", "utf-8-sig"}:
        return UTF_8
    try:
        found = codecs.lookup(plain).name
    except (LookupError, ValueError, UnicodeError):  # not a codec's name
        found = ""
    if found in _OF_TEXTS:
        return found.upper()
    expected = said("refusal.some_encoding")
    raise budget.refuse(said("refusal.encoding", name=repr(name[:30])), expected)


def fits(cells: Iterable[bytes], encoding: str) -> bool:
    """Return whether texts can be decoded; a character cut off at the end is tolerated."""
    try:
        for cell in cells:
            codecs.getincrementaldecoder(encoding)().decode(cell, final=False)
    except UnicodeDecodeError:
        return False
    return True


def decode_cut(cell: bytes, encoding: str) -> str:
    """Decode a text, dropping a character that is cut off at its end."""
    return codecs.getincrementaldecoder(encoding)("replace").decode(cell, final=False)


def guess_encoding(cells: Iterable[bytes]) -> str:
    """Return UTF-8 if every text is UTF-8, else GB18030 if that fits, else UTF-8."""
    non_ascii = [cell for cell in cells if not cell.isascii()]
    if fits(non_ascii, UTF_8):
        return UTF_8
    return GB18030 if fits(non_ascii, GB18030) else UTF_8


def read_dbf_text(shp: Path, encoding_option: str | None, budget: Budget) -> DbfText | None:
    """Return the encoding of a shapefile's DBF; None if it has no DBF.

    A given encoding comes first, then a .cpg that fits, then the DBF's own mark, then the bytes.
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
        encoding, note = _worked_out(shp, dbf, texts, budget)
    decoded = [decode_cut(name, encoding) for name in names]
    if any(not _is_whole(name, encoding) for name in names):
        _name_by_number(dbf, len(names))
    notes = [note]
    if not fits(texts, encoding):
        notes.append(Message("import.encoding_unfit", {"encoding": encoding}))
    return DbfText(encoding=encoding, names=_distinct(decoded), notes=tuple(notes))


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


def _worked_out(shp: Path, dbf: Path, texts: list[bytes], budget: Budget) -> tuple[str, Message]:
    cpg = shp.with_suffix(".cpg")
    guess = guess_encoding(texts)
    if cpg.exists():
        with cpg.open("rb") as stream:
            said = stream.read(64).decode("ascii", errors="replace").strip("\ufeff\x00 \r\n")
        declared = known_encoding(said, budget)
        if fits(texts, declared):
            return declared, Message("import.encoding_declared", {"encoding": declared})
        return guess, Message("import.encoding_wrong", {"declared": declared, "encoding": guess})
    with dbf.open("rb") as stream:
        head = stream.read(_DBF_HEADER)
    if head[29] in _GBK_MARKS and fits(texts, GB18030):
        return GB18030, Message("import.encoding_declared", {"encoding": GB18030})
    return guess, Message("import.encoding_guessed", {"encoding": guess})


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
        sample = stream.read(size - size % record_size or record_size)
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


def _distinct(names: list[str]) -> tuple[str, ...]:
    """Return the names, with numbers added to repeated ones."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return tuple(result)


def make_utf8(path: Path, encoding_option: str | None, budget: Budget) -> tuple[str, Message]:
    """Convert a staged text to UTF-8, the only encoding its reader knows; return its encoding.

    The staged file is replaced by a copy; the original file does not change.

    Raises
    ------
    SourceError
        The bytes are not in the given encoding, or in none that can be recognised.
    """
    with path.open("rb") as stream:
        head = stream.read(_SAMPLE_BYTES)
    declared = _XML_ENCODING.match(head)
    key = "import.encoding_given"
    if encoding_option is not None:
        tried = [known_encoding(encoding_option, budget)]
    elif head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        tried, key = ["UTF-16"], "import.encoding_declared"
    elif declared is not None:
        tried = [known_encoding(declared[2].decode("ascii", errors="replace"), budget)]
        key = "import.encoding_declared"
    else:
        tried, key = [UTF_8, GB18030], "import.encoding_guessed"
    for encoding in tried:
        if _transcoded(path, encoding, budget):
            return encoding, Message(key, {"encoding": encoding})
    expected = said("refusal.name_encoding")
    raise budget.refuse(said("refusal.not_encoding", encodings=list(tried)), expected)


def _transcoded(path: Path, encoding: str, budget: Budget) -> bool:
    """Replace a text by a UTF-8 copy unless it is UTF-8; return whether its bytes fit."""
    decoder = codecs.getincrementaldecoder(encoding)()
    copy = path.with_suffix(".utf8")
    is_utf8 = encoding == UTF_8
    try:
        with path.open("rb") as stream, copy.open("wb") as target:
            for first in itertools.count():
                piece = stream.read(_SAMPLE_BYTES)
                text = decoder.decode(piece, final=not piece)
                if not is_utf8:
                    plain = (
                        _XML_DECLARED.sub(r"\1UTF-8", text.lstrip("\ufeff")) if not first else text
                    )
                    target.write(plain.encode("utf-8", errors="replace"))
                if not piece:
                    break
                budget.check_time()
    except UnicodeDecodeError:
        copy.unlink()
        return False
    if is_utf8:
        copy.unlink()
    else:
        copy.replace(path)
    return True


def decode_text(content: bytes, encoding_option: str | None, budget: Budget) -> tuple[str, str]:
    """Return a whole text and the encoding in which it was read.

    Raises
    ------
    SourceError
        The bytes are not in the given encoding; or, if none is given, not in UTF-8, UTF-16 with a
        byte order mark or GB18030.
    """
    if encoding_option is not None:
        tried = [known_encoding(encoding_option, budget)]
    elif content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        tried = ["UTF-16"]
    else:
        tried = [UTF_8, GB18030]
    for encoding in tried:
        try:
            return content.decode(encoding).lstrip("\ufeff"), encoding
        except UnicodeDecodeError:
            continue
    expected = said("refusal.name_encoding")
    raise budget.refuse(said("refusal.not_encoding", encodings=list(tried)), expected)
