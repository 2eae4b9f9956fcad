"""Recognise texts that were read in a wrong encoding before the file was written.

No encoding of the file shows it: the wrong characters themselves were kept. What such a text
says can be worked out, but it is a fault to be told, not a value: letters may be lost.
"""

from __future__ import annotations

import html
import re
from urllib.parse import unquote

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(
    r"[\x80-\xff\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]{2}"
)
_LOST = ("\ufffd", "锟斤拷", "ï¿½")
"""The sign of a lost character, and what it looks like when it is read in a wrong encoding."""
_ESCAPED = re.compile(
    r"(?:%[0-9A-Fa-f]{2}){3,}|&#(?:\d{2,6}|[xX][0-9A-Fa-f]{2,5});|\\u[0-9A-Fa-f]{4}"
)
"""Codes that stand for letters in addresses, web pages and programs."""
_LEVEL_1 = range(0xB0, 0xD8)
_WRONG = (
    ("gb18030", "utf-8"),
    ("cp1252", "utf-8"),
    ("latin-1", "utf-8"),
    ("cp1252", "gb18030"),
    ("latin-1", "gb18030"),
)
"""In which encoding a text may have been read wrongly, and which one was right."""


def misread(text: str) -> str | None:
    """Return the right reading of a text that was read wrongly; None if it is in order.

    The result is empty if characters are lost for good.

    >>> misread("榛勫箔鐗囧尯"), misread("»ÆÁëÆ¬Çø"), misread("黄岭片区")
    ('黄岭片区', '黄岭片区', None)
    """
    asked = text.count("?")
    if asked > 1 and asked * 2 >= len(text.strip()):
        return ""
    escaped = _ESCAPED.sub(_unescaped, text)
    if escaped != text and _CHINESE.search(escaped):
        return escaped
    if text.isascii():
        return None
    if any(sign in text for sign in _LOST):
        return ""
    is_latin = _LATIN.search(text) is not None
    for wrong, right in _WRONG:
        if is_latin != (wrong != "gb18030"):
            continue
        found = _read_again(text, wrong, right)
        if found is not None:
            return found
    return None


def _unescaped(match: re.Match[str]) -> str:
    """Return the letters for which codes stand; the codes themselves if they stand for none."""
    written = match[0]
    if written.startswith("%"):
        return unquote(written, errors="strict") if _is_utf8(written) else written
    if written.startswith("&"):
        return html.unescape(written)
    letter = chr(int(f"0x{written[2:]}", base=0))
    return written if "\ud800" <= letter <= "\udfff" else letter


def _is_utf8(written: str) -> bool:
    try:
        unquote(written, errors="strict")
    except UnicodeDecodeError:
        return False
    return True


def _read_again(text: str, wrong: str, right: str) -> str | None:
    """Return a text read in the right encoding; None if that gives no Chinese."""
    whole = text.rstrip("?")
    try:
        content = whole.encode(wrong)
        found = content.decode(right)
    except UnicodeEncodeError:
        return None
    except UnicodeDecodeError as error:
        is_cut = whole != text and error.reason in {
            "unexpected end of data",
            "incomplete multibyte sequence",
        }
        if not is_cut:
            return None
        found = content[: error.start].decode(right, errors="ignore")
    wide = [letter for letter in found if not letter.isascii()]
    if not wide or not _CHINESE.search(found):
        return None
    is_right = right == "utf-8" or all(_is_common(letter) for letter in wide)
    return found if is_right and all(letter >= "\u2000" for letter in wide) else None


def _is_common(letter: str) -> bool:
    written = letter.encode("gb18030")
    return len(written) == 2 and written[1] >= 0xA1 and written[0] in {*_LEVEL_1, 0xA1, 0xA3}  # noqa: PLR2004 - the square of GB 2312
