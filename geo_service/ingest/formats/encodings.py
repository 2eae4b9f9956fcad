"""Names of encodings, and texts in any of them made UTF-8, the only one that readers know."""

from __future__ import annotations

import codecs
import itertools
import re
import shutil
from pathlib import Path

from geo_service.ingest.formats.letters import (
    BIG5,
    GB18030,
    UTF_8,
    Label,
    lines_of,
    settle_encoding,
    wide_encoding,
)
from geo_service.ingest.limits import Budget
from geo_service.model import Message
from geo_service.wording import said

_SAMPLE_BYTES = 1 << 22
_HEADER_SECTION = re.compile(rb"SECTION\s+2\s+HEADER\s")
_CODE_PAGE = re.compile(rb"\$DWGCODEPAGE\s+3\s+(\S{1,30})")
_DRAWN_BY = re.compile(rb"\$ACADVER\s+1\s+AC(\d{4})")
_UTF_8_SINCE = 1021
"""The version from which on drawings are UTF-8, whatever code page they name."""
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


_GBK_NAMES = frozenset(
    {"936", "gbk", "gb2312", "gb18030", "gb23121980", "euccn", "54936", "ldid77"}
)
_BIG5_NAMES = frozenset({"950", "big5", "ldid79", "ldid120"})
_NUMBERED = re.compile(r"(?:ansi|cp|windows|oem|dos|ibm|codepage|ms)?(\d{3,5})")


def encoding_named(name: str) -> str | None:
    """Return an encoding by any of its usual names; None if it is not a text encoding.

    Every form of GBK is read as GB18030, which includes them all.

    >>> encoding_named("ANSI 936"), encoding_named("ISO 88591"), encoding_named("OEM")
    ('GB18030', 'ISO8859-1', None)
    """
    plain = re.sub(r"[\s_\-./:]", "", name.casefold())
    match = _NUMBERED.fullmatch(plain)
    number = match[1] if match else plain
    if number in _GBK_NAMES or plain in _GBK_NAMES:
        return GB18030
    if number in _BIG5_NAMES:
        return BIG5
    if number in {"65001", "utf8", "utf8sig"}:
        return UTF_8
    latin = re.fullmatch(r"(?:iso)?8859(\d{1,2})", plain)
    alike = f"iso8859-{latin[1]}" if latin else name.strip().lower().replace("_", "-")
    for tried in (alike, f"cp{number}" if match else alike):
        try:
            found = codecs.lookup(tried).name
        except (LookupError, ValueError, UnicodeError):  # not a codec's name
            continue
        if found in _OF_TEXTS:
            return found.upper()
    return None


def known_encoding(name: str, budget: Budget) -> str:
    """Return an encoding by its usual name; raises SourceError if it is not a text encoding."""
    found = encoding_named(name)
    if found is None:
        expected = said("refusal.some_encoding")
        raise budget.refuse(said("refusal.encoding", name=repr(name[:30])), expected)
    return found


def encodings_to_try(
    head: bytes, encoding_option: str | None, budget: Budget, *, label: Label | None = None
) -> list[tuple[str, Message]]:
    """Return the encodings that the start of a text may be in, likeliest first, each with its note.

    Raises
    ------
    SourceError
        The given encoding is not a text encoding.
    """
    if encoding_option is not None:
        given = known_encoding(encoding_option, budget)
        return [(given, Message("import.encoding_given", {"encoding": given}))]
    wide = wide_encoding(head)
    if wide is not None:
        key = "import.encoding_declared" if wide == "UTF-16" else "import.encoding_guessed"
        return [(wide, Message(key, {"encoding": wide}))]
    if head.startswith(codecs.BOM_UTF8):
        label = Label(where="bom", written=UTF_8, encoding=UTF_8)
    first = settle_encoding(lines_of(head.removeprefix(codecs.BOM_UTF8)), label)
    others = [
        (name, Message("import.encoding_guessed", {"encoding": name}))
        for name in (UTF_8, GB18030)
        if name != first[0]
    ]
    return [first, *others]


def without_mark(content: bytes, encoding: str) -> bytes:
    """Return the start of a text without UTF-8's mark, which lies before texts in others too."""
    return content if encoding.startswith("UTF-16") else content.removeprefix(codecs.BOM_UTF8)


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
    label = _heading(head)
    tried = encodings_to_try(head, encoding_option, budget, label=label)
    for encoding, note in tried:
        is_told_right = label in {None, _PLAIN_HEADING} or head.lstrip()[:1] != b"<"
        if _transcoded(path, encoding, budget, is_told_right=is_told_right):
            return encoding, note
    expected = said("refusal.name_encoding")
    names = [encoding for encoding, _ in tried]
    raise budget.refuse(said("refusal.not_encoding", encodings=names), expected)


_PLAIN_HEADING = Label(where="heading", written=UTF_8, encoding=UTF_8)


def with_heading(path: Path) -> None:
    """Give a drawing without a heading an empty one: GDAL takes its encoding up there.

    The staged file is replaced by a copy; the original file does not change.
    """
    with path.open("rb") as stream:
        if _HEADER_SECTION.search(stream.read(_SAMPLE_BYTES)):
            return
        stream.seek(0)
        copy = path.with_suffix(".headed")
        with copy.open("wb") as target:
            target.write(b"0\nSECTION\n2\nHEADER\n0\nENDSEC\n")
            shutil.copyfileobj(stream, target)
    copy.replace(path)


def _heading(head: bytes) -> Label | None:
    """Return what the first line of XML, or the heading of a drawing, says of its encoding."""
    version = _DRAWN_BY.search(head)
    page = _CODE_PAGE.search(head)
    if version and int(version[1]) >= _UTF_8_SINCE:
        return _PLAIN_HEADING
    if page is not None:
        written = page[1].decode("ascii", errors="replace")
        return Label(where="heading", written=written, encoding=encoding_named(written))
    declared = _XML_ENCODING.match(head.removeprefix(codecs.BOM_UTF8))
    if declared is None:
        return None
    written = declared[2].decode("ascii", errors="replace")
    encoding = encoding_named(written)
    return (
        _PLAIN_HEADING
        if encoding == UTF_8
        else Label(where="heading", written=written, encoding=encoding)
    )


def _transcoded(path: Path, encoding: str, budget: Budget, *, is_told_right: bool) -> bool:
    """Replace a text by a UTF-8 copy unless it is one and says so; return whether bytes fit."""
    decoder = codecs.getincrementaldecoder(encoding)()
    copy = path.with_suffix(".utf8")
    is_utf8 = encoding == UTF_8 and is_told_right
    try:
        with path.open("rb") as stream, copy.open("wb") as target:
            for first in itertools.count():
                piece = stream.read(_SAMPLE_BYTES)
                read = piece if first else without_mark(piece, encoding)
                text = decoder.decode(read, final=not piece)
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


def decode_text(
    content: bytes, encoding_option: str | None, budget: Budget
) -> tuple[str, str, Message]:
    """Return a whole text, the encoding in which it was read, and the note about it.

    Raises
    ------
    SourceError
        The bytes are not in the given encoding; or, if none is given, not in UTF-8, UTF-16 or
        GB18030.
    """
    tried = encodings_to_try(content[:_SAMPLE_BYTES], encoding_option, budget)
    for encoding, note in tried:
        try:
            text = without_mark(content, encoding).decode(encoding)
        except UnicodeDecodeError:
            continue
        return text.lstrip("\ufeff"), encoding, note
    expected = said("refusal.name_encoding")
    names = [encoding for encoding, _ in tried]
    raise budget.refuse(said("refusal.not_encoding", encodings=names), expected)
