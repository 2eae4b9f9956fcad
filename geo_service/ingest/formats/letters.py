"""Judge by bytes in which encoding texts are written, whatever a label says of them.

UTF-8 beyond ASCII is hardly ever anything else by chance. A form of GBK is recognised by how many
of its characters are common ones; so is Big5. A label only decides what the bytes leave open.
"""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from geo_service.model import Message

UTF_8 = "UTF-8"
GB18030 = "GB18030"
BIG5 = "BIG5"
_MOSTLY = 0.9
"""Share of texts that must fit an encoding: a damaged cell does not decide for all."""
_COMMON = 0.6
"""Share of common characters from which a reading counts as Chinese."""
_CLEAR = 0.8
"""Share of common characters from which a reading in GBK is no text in Big5."""
_ODD = 0.4
"""Share of common characters below which a reading in GBK is doubtful."""
_ENOUGH = 4
"""Fewest characters whose share says anything."""
_MOST_TEXTS = 5_000
_MOST_CHARACTERS = 20_000
_IN_WORD = re.compile(r"[A-Za-z][^\W\d_a-zA-Z]|[^\W\d_a-zA-Z][A-Za-z]|m[²³]|\d\s?°|±\d|\d×\d")
"""Where letters beyond ASCII stand in a Latin word, or a sign in a quantity."""
_WIDE = frozenset({"UTF-16", "UTF-16-LE", "UTF-16-BE", "UTF-32", "UTF-32-LE", "UTF-32-BE"})
_LEVEL_1 = range(0xB0, 0xD8)
"""First bytes of the 3,755 common characters of GB 2312, in a form of GBK."""
_SIGNS = range(0xA1, 0xA4)
"""First bytes of punctuation and full-width letters, in a form of GBK and in Big5."""
_BIG5_COMMON = range(0xA4, 0xC7)


@dataclass(frozen=True, kw_only=True)
class Label:
    """What a file says of its own encoding."""

    where: str
    """`cpg`, `mark` (of a DBF) or `heading`."""
    written: str
    encoding: str | None
    """None if the name is no known encoding."""


def fits(cells: Iterable[bytes], encoding: str) -> bool:
    """Return whether texts can be decoded; a character cut off at the end is tolerated."""
    return all(_decoded(cell, encoding) is not None for cell in cells)


def decode_cut(cell: bytes, encoding: str) -> str:
    """Decode a text, dropping a character that is cut off at its end."""
    return codecs.getincrementaldecoder(encoding)("replace").decode(cell, final=False)


def _decoded(cell: bytes, encoding: str) -> str | None:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(cell, final=False)
    except UnicodeDecodeError:
        return None


def lines_of(content: bytes) -> list[bytes]:
    """Return the lines beyond ASCII of the start of a text, to be judged as texts."""
    return [line for line in content.split(b"\n") if not line.isascii()][:_MOST_TEXTS]


def wide_encoding(head: bytes) -> str | None:
    """Return the form of UTF-16 that the start of a text is in, by its mark or its zeros.

    Without a mark, nearly every second byte of a table's commas, digits and line ends is zero.
    """
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16"
    even, odd = head[::2].count(0), head[1::2].count(0)
    if not (even or odd) or min(even, odd) * 20 > max(even, odd):
        return None
    encoding = "UTF-16-LE" if odd > even else "UTF-16-BE"
    text = _decoded(head, encoding)
    is_text = text is not None and all(
        letter.isprintable() or letter in "\r\n\t\ufeff\u3000" for letter in text[:2_000]
    )
    return encoding if is_text else None


def settle_encoding(texts: Iterable[bytes], label: Label | None) -> tuple[str, Message]:
    """Return the encoding of texts by their bytes, and the note that says how it was found."""
    cells = [cell for cell in texts if not cell.isascii()][:_MOST_TEXTS]
    encoding = _by_bytes(cells, label.encoding if label is not None else None)
    if label is None:
        return encoding, Message("import.encoding_guessed", {"encoding": encoding})
    where = Message(f"import.label_{label.where}")
    if label.encoding is None:
        values = {"where": where, "label": repr(label.written[:30]), "encoding": encoding}
        return encoding, Message("import.encoding_unknown", values)
    if encoding == label.encoding or not cells:
        return encoding, Message("import.encoding_declared", {"encoding": label.encoding})
    values = {"where": where, "declared": label.encoding, "encoding": encoding}
    return encoding, Message("import.encoding_wrong", values)


def doubt(texts: Iterable[bytes], encoding: str) -> Message | None:
    """Return the note about a reading that is hardly Chinese, or that some bytes do not fit."""
    cells = [cell for cell in texts if not cell.isascii()]
    if not fits(cells, encoding):
        return Message("import.encoding_unfit", {"encoding": encoding})
    if encoding == GB18030:
        share, count = _common_share(cells, GB18030, _LEVEL_1)
        if count >= _ENOUGH and share < _ODD:
            return Message("import.encoding_odd", {"encoding": encoding})
    return None


def _by_bytes(cells: Sequence[bytes], declared: str | None) -> str:
    if declared in _WIDE:
        declared = None
    if not cells:
        return declared or UTF_8
    if _share(cells, UTF_8) >= _MOSTLY and _is_utf8(cells, declared):
        return UTF_8
    chinese = _chinese(cells)
    if declared in {None, UTF_8, GB18030}:
        is_declared = declared is not None and fits(cells, declared)
        return chinese or (declared if is_declared else None) or _nearest(cells)
    if chinese is not None and _is_common(cells, chinese):
        return chinese
    if declared is not None and fits(cells, declared):
        return declared
    return chinese or declared or UTF_8


def _nearest(cells: Sequence[bytes]) -> str:
    """Return the encoding that more of the texts are in, where some are in none."""
    return GB18030 if _share(cells, GB18030) > _share(cells, UTF_8) else UTF_8


def _share(cells: Sequence[bytes], encoding: str) -> float:
    """Return the share of texts that can be decoded."""
    return sum(_decoded(cell, encoding) is not None for cell in cells) / len(cells)


def _is_utf8(cells: Sequence[bytes], declared: str | None) -> bool:
    """Return whether bytes that are valid UTF-8 are so by intent.

    Two bytes to a letter may be two common characters of GBK (学校 are the letters ѧУ): without
    any of three bytes, a Latin word or a unit shows UTF-8, common characters show GBK.
    """
    text = "\n".join(decode_cut(cell, UTF_8) for cell in cells)[:_MOST_CHARACTERS]
    if any("\u0800" <= letter != "\ufffd" for letter in text) or _IN_WORD.search(text):
        return True
    share, count = _common_share(cells, GB18030, _LEVEL_1)
    is_latin = all(letter < "\u0250" or letter == "\ufffd" for letter in text)
    is_gbk = bool(count) and share >= _COMMON and _share(cells, GB18030) >= _MOSTLY
    return not (is_gbk and (declared == GB18030 or not is_latin))


def _chinese(cells: Sequence[bytes]) -> str | None:
    """Return GB18030 or Big5 if texts fit it; Big5 only if its reading is clearly the commoner."""
    is_gbk, is_big5 = (_share(cells, name) >= _MOSTLY for name in (GB18030, BIG5))
    if is_big5:
        share, count = _common_share(cells, BIG5, _BIG5_COMMON)
        other, _ = _common_share(cells, GB18030, _LEVEL_1)
        if count >= _ENOUGH and share >= _MOSTLY and other < _CLEAR:
            return BIG5
    return GB18030 if is_gbk else None


def _is_common(cells: Sequence[bytes], encoding: str) -> bool:
    common = _LEVEL_1 if encoding == GB18030 else _BIG5_COMMON
    share, count = _common_share(cells, encoding, common)
    return bool(count) and share >= _COMMON


def _common_share(cells: Sequence[bytes], encoding: str, common: range) -> tuple[float, int]:
    """Return the share of common characters among the Chinese ones, and how many there are."""
    letters = itertools.chain.from_iterable(decode_cut(cell, encoding) for cell in cells)
    wide = (one for one in letters if not one.isascii() and one != "\ufffd")
    found = count = 0
    for letter in itertools.islice(wide, _MOST_CHARACTERS):
        written = letter.encode(encoding, errors="replace")
        if encoding == GB18030:
            is_plain = len(written) == 2 and written[1] >= 0xA1  # noqa: PLR2004 - the square of GB 2312
            if is_plain and written[0] in _SIGNS:
                continue
        else:
            is_plain = True
        count += 1
        found += is_plain and written[0] in common
    return (found / count if count else 0.0), count
