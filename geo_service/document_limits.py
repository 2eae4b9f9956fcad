"""Limits of a document from outside: size, depth, number of values, length of texts and numbers.

Its author may be hostile, so the limits are checked in time linear in its length, before a
recursive parser sees it. All limits are defined here; `documents` does the reading.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from geo_service.errors import Fault
from geo_service.wording import quoted, said

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from geo_service.model import Message

MAX_BYTES = 5_000_000
"""Bytes of a file, or characters of a text."""
MAX_DEPTH = 40
"""Levels of nested lists and mappings."""
MAX_NODES = 500_000
"""Values, names, lists and mappings in total: a rulebook of 5,000 rules has half as many."""
MAX_TEXT = 100_000
"""Characters of a single value or name."""
MAX_DIGITS = 100
"""Digits of a number as written in JSON or TOML."""
MAX_WHOLE = 2**63 - 1
"""Integers of TOML lie between this and its negative, as the TOML standard says."""
MAX_DIRECTIVES = 10
"""YAML lines that begin with `%`; libyaml compares each with all earlier ones."""
MAX_FAULTS = 200
"""Faults reported of one document; then reading stops, as each one looks for a nearest name."""

_DIRECTIVE = re.compile("(?:^|[\n\r\x85\u2028\u2029])%")
_TOML_TOKEN = re.compile(
    r'''"""(?:[^"\\]|\\.|"(?!""))*+(?:"{3,5})?'''
    r"""|'{3}(?:[^']|'(?!''))*+(?:'{3,5})?"""
    r"""|"(?:[^"\\\n]|\\.)*+"?|'[^'\n]*+'?|\#[^\n]*+"""
    rf"|[\[\]{{}},=.\n]|(?<!\w)[0-9]\w{{{MAX_DIGITS}}}",
    re.DOTALL,
)
"""Matches structure and overlong numbers; a text or comment is one match, whatever it contains."""
_DIGITS = re.compile(rb"(?<![0-9])[0-9]{%d}" % (MAX_DIGITS + 1))
_STEP = np.zeros(256, dtype=np.int8)
"""For each bracket of JSON, as a byte: one level deeper, or back up."""
_STEP[[*b"[{"]], _STEP[[*b"]}"]] = 1, -1
_STARTS_VALUE = np.isin(np.arange(256), [*b"[{,:"])


class OverLimitError(Exception):
    """A document exceeds a limit: what was found, what is allowed, and on which line."""

    def __init__(self, found: Message, expected: Message, line: int | None = None) -> None:
        super().__init__(found)
        self.found, self.expected, self.line = found, expected, line

    def fault(self, file: str | Message) -> Fault:
        """Return this error as a fault of a file."""
        return Fault(file=file, line=self.line, found=self.found, expected=self.expected)


def refuse_depth(line: int | None = None) -> NoReturn:
    """Raise OverLimitError for a document that is nested too deeply."""
    raise OverLimitError(said("fault.too_deep"), said("fault.most_levels", most=MAX_DEPTH), line)


def refuse_nodes(most: int = MAX_NODES) -> NoReturn:
    """Raise OverLimitError for a document with too many values."""
    expected = said("fault.most_values", most=most)
    raise OverLimitError(said("fault.too_many_values"), expected)


def _refuse_digits(line: int | None = None) -> NoReturn:
    expected = said("fault.most_digits", most=MAX_DIGITS)
    raise OverLimitError(said("fault.too_many_digits"), expected, line)


def check_text(text: str, line: int | None = None) -> None:
    """Refuse a value or name that is too long."""
    if len(text) > MAX_TEXT:
        found = said("fault.characters", count=len(text))
        raise OverLimitError(found, said("fault.most_characters", most=MAX_TEXT), line)


def check_whole(text: str) -> None:
    """Refuse a document that is too long, or that contains half a character (a lone surrogate)."""
    if len(text) > MAX_BYTES:
        raise OverLimitError(
            said("fault.bytes", size=len(text)), said("fault.most_bytes", most=MAX_BYTES)
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise OverLimitError(said("fault.not_utf8"), said("fault.utf8")) from None


def check_yaml(text: str) -> None:
    """Refuse a YAML text with too many directives; its events are counted while it is read."""
    if text.count("%") > MAX_DIRECTIVES and len(_DIRECTIVE.findall(text)) > MAX_DIRECTIVES:
        expected = said("fault.most_directives", most=MAX_DIRECTIVES)
        raise OverLimitError(said("fault.too_many_directives"), expected)


def check_toml(text: str) -> None:
    """Refuse a TOML text with too many values, or nested too deeply by brackets or dotted keys.

    The parser's time grows with the square of the number of a key's parts.
    """
    depth = dots = nodes = 0
    line = 1
    for match in _TOML_TOKEN.finditer(text):
        token = match[0]
        first = token[0]
        if first == ".":
            dots += 1
        elif first in "[{":
            depth += 1
            nodes += 1
        elif first in "]}":
            depth -= 1
            dots = 0
        elif first in ",=\n":
            dots = 0
            nodes += first != "\n"
            line += first == "\n"
        elif first in "\"'#":
            line += token.count("\n")
        else:
            _refuse_digits(line)
        if max(depth, dots) > MAX_DEPTH:
            refuse_depth(line)
        if nodes > MAX_NODES:
            refuse_nodes()


def check_plain(data: object) -> None:
    """Refuse plain data that is nested too deeply, or has a text or integer out of bounds."""
    waiting: list[tuple[object, int]] = [(data, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            refuse_depth()
        if isinstance(value, dict):
            waiting += [(key, depth + 1) for key in value]
            waiting += [(item, depth + 1) for item in value.values()]
        elif isinstance(value, list):
            waiting += [(item, depth + 1) for item in value]
        elif isinstance(value, str):
            check_text(value)
        elif isinstance(value, int) and abs(value) > MAX_WHOLE:
            raise OverLimitError(quoted(value), said("fault.whole_of_64_bits"))


def json_limit(pieces: Iterable[bytes], *, most_values: int = MAX_NODES) -> Message | None:
    """Return the limit that JSON, given in pieces, exceeds; None if it exceeds none.

    For JSON that other code parses: a request's body, or our own files of any size.
    """
    try:
        check_json(pieces, most_values)
    except OverLimitError as error:
        return error.expected
    return None


def check_json(pieces: Iterable[bytes], most_values: int = MAX_NODES) -> None:
    """Refuse JSON nested too deeply, or with too many values or digits; syntax is not checked."""
    depth = values = 0
    for bare in _outside_texts(pieces):
        if b"\0" in bare:  # UTF-16, in which texts would end elsewhere
            raise OverLimitError(said("fault.not_utf8"), said("fault.utf8"))
        if _DIGITS.search(bare):
            _refuse_digits()
        marks = np.frombuffer(bare, dtype=np.uint8)
        values += int(np.count_nonzero(_STARTS_VALUE[marks]))
        if values > most_values:
            refuse_nodes(most_values)
        steps = _STEP[marks]
        levels = depth + np.cumsum(steps[steps != 0], dtype=np.int64)
        if len(levels):
            depth = int(levels[-1])
            if levels.max() > MAX_DEPTH:
                refuse_depth()


def _outside_texts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the JSON outside its texts; a text may continue in the next piece."""
    is_inside = False
    rest = b""
    for piece in pieces:
        whole = rest + piece
        escapes = len(whole) - len(whole.rstrip(b"\\"))
        end = len(whole) - escapes % 2
        whole, rest = whole[:end], whole[end:]
        parts = whole.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
        yield b"".join(parts[is_inside::2])
        is_inside ^= len(parts) % 2 == 0
