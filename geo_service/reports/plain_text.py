"""Texts made fit for a document: nothing that a file format or a reader's eye trips over.

Values come from data that anybody may have filled in. What they say is kept; what cannot
stand in XML, or turns the direction of the text around it, is left out.
"""

from __future__ import annotations

import re

_UNFIT = re.compile(
    "["
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters; tab and line ends stay
    "\ud800-\udfff"  # halves of surrogate pairs
    "\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"  # invisible, or of direction
    "\ufff9-\uffff"  # no characters, and marks of annotation
    "]"
)
_BREAKS = re.compile("\r\n?|[\u2028\u2029]")
_CUT = "…"


def clean(text: str, *, most: int | None = None) -> str:
    r"""Return a text without characters that XML forbids or that hide or turn text around.

    Line ends become `\n`. A text longer than `most` characters is cut and ends with `…`.

    >>> clean("a\x00b\u202ec\r\nd")
    'abc\nd'
    >>> clean("abcdef", most=4)
    'abc…'
    """
    cleaned = _UNFIT.sub("", _BREAKS.sub("\n", text))
    return cleaned if most is None or len(cleaned) <= most else cleaned[: most - 1] + _CUT


def one_line(text: str, *, most: int | None = None) -> str:
    r"""Return a clean text on one line, each run of white space one space.

    >>> one_line(" a\n\tb ")
    'a b'
    """
    return clean(" ".join(clean(text).split()), most=most)


def with_minus(number: str) -> str:
    r"""Return a number that was written with a hyphen before it with a minus sign.

    >>> ascii(with_minus("-6,966")), with_minus("0.5")
    ("'\\u22126,966'", '0.5')
    """
    return number.replace("-", "\u2212", 1) if number.startswith("-") else number
