"""Read coordinates in tables: numbers as people write them, degrees with minutes and seconds.

A text that is not a plain number is read, and reported as a repair, if it can mean only one
thing; a filled cell that cannot be read is a fault of its row, not a missing coordinate.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geo_service.ingest.cells import EMPTY_WORDS
from geo_service.ingest.commas import THOUSANDS
from geo_service.ingest.sources import Change
from geo_service.model import Message

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MARKS = str.maketrans(
    {
        **dict.fromkeys("°º˚⁰゜度", "d"),
        **dict.fromkeys("'′’‘`´ʹ＇分", "m"),
        **dict.fromkeys('"″”“＂〞秒', "s"),
    }
)
"""Marks of degrees, minutes and seconds; some of them would not survive as full-width signs do."""
_SIDE = r"(?:东经|北纬|[en东北])?"
_DEGREES = re.compile(
    rf"{_SIDE}(?P<d>\d{{1,3}}(?:\.\d+)?)d?"
    rf"(?:(?<=d)(?P<m>\d{{1,2}}(?:\.\d+)?)m?(?:(?<=m)(?P<s>\d{{1,2}}(?:\.\d+)?)s?)?)?{_SIDE}"
)
_PARTED = re.compile(r"(\d{1,3})d?([:\- ])(\d{1,2})\2(\d{1,2}(?:\.\d+)?)")
"""Degrees, minutes and seconds parted by colons, hyphens or blanks."""
_POINTED = re.compile(r"(\d{1,3})\.(\d{2})\.(\d{2}(?:\.\d+)?)")
"""Parted by points, 108.42.30: two points are in no number, and groups of thousands are longer."""
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?")
_MINUTES = re.compile(r"(\d{1,3}) (\d{1,2}\.\d+)")
_GROUPS = re.compile(r"[+-]?\d{1,3}(?: \d{3})+(?:\.\d+)?")
_SIXTY = 60.0


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """Coordinates along one axis; NaN where missing."""

    numbers: NDArray[np.float64]
    change: Change | None = None
    """The cells that were not plain numbers, and how they were read."""
    unread: dict[int, Message] = field(default_factory=dict)
    """By position, why a filled cell is not a coordinate."""


def read_numbers(cells: pd.Series[Any], column: str) -> Numbers:
    """Return a column's cells as coordinates.

    Thousands separators, full-width digits and degrees with minutes and seconds are read;
    Empty cells and those in `unread` give NaN.
    """
    values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype="float64", copy=True)
    positions, before, after = [], [], []
    unread = {}
    texts = {
        position: text
        for position in np.flatnonzero(np.isnan(values) & cells.notna().to_numpy()).tolist()
        if (text := str(cells.iloc[position]).strip()).casefold() not in EMPTY_WORDS
    }
    is_by_points = not any(map(_is_by_hundreds, texts.values()))
    for position, text in texts.items():
        number = _number(text) if is_by_points or not _POINTED.fullmatch(text) else None
        if number is None:
            unread[position] = _reason(text)
            continue
        values[position] = number
        positions.append(position)
        before.append(text)
        after.append(f"{number:.12g}")
    change = None
    if positions:
        change = Change(
            what="coordinate",
            positions=np.array(positions, dtype=np.intp),
            before=before,
            after=after,
            column=column,
        )
    return Numbers(numbers=values, change=change, unread=unread)


def _is_by_hundreds(text: str) -> bool:
    """Return whether a text such as 108.42.75 shows that its column has no seconds."""
    match = _POINTED.fullmatch(text)
    return match is not None and float(match[3]) >= _SIXTY


def _reason(text: str) -> Message:
    """Return why a text is no coordinate."""
    plain = "".join(unicodedata.normalize("NFKC", text.translate(_MARKS)).casefold().split())
    key = "bad_coordinate"
    if _POINTED.fullmatch(text):
        key = "open_points"  # another cell of the column has no seconds
    elif any(float(part or 0) >= _SIXTY for part in _after_degrees(text, plain)):
        key = "sixty_minutes"
    return Message(f"import.{key}", {"found": text[:60]})


def _after_degrees(spaced: str, plain: str) -> tuple[str | None, ...]:
    """Return the minutes and seconds of a text; none if it has no such form."""
    parted, marked = _PARTED.fullmatch(spaced), _DEGREES.fullmatch(plain)
    if parted is not None:
        return (parted[3], parted[4])
    return (marked["m"], marked["s"]) if marked is not None else ()


def _number(text: str) -> float | None:
    """Return the coordinate that a text means; None if it cannot be read.

    >>> _number("552,600.000"), _number("东经108度33分36秒"), _number("108.42.00")
    (552600.0, 108.56, 108.7)
    """
    marked = unicodedata.normalize("NFKC", text.translate(_MARKS)).casefold()
    spaced = " ".join(marked.split())
    plain = spaced.replace(" ", "")
    if THOUSANDS.fullmatch(plain):
        return float(plain.replace(",", ""))
    if _PLAIN.fullmatch(plain) and (" " not in spaced or _GROUPS.fullmatch(spaced)):
        return float(plain)
    return _degrees(spaced, plain.replace("mm", "s"))


def _degrees(spaced: str, plain: str) -> float | None:
    """Return degrees with minutes and seconds as a number; None if a text is none of these."""
    parted = _PARTED.fullmatch(spaced)
    by_minutes = _MINUTES.fullmatch(spaced)
    is_bare = plain.isdecimal() and " " in spaced
    match = None if is_bare else _DEGREES.fullmatch(plain)
    pointed = _POINTED.fullmatch(plain)
    if parted is not None:
        found = [parted[1], parted[3], parted[4]]
    elif pointed is not None:
        found = list(pointed.groups())
    elif by_minutes is not None:
        found = [by_minutes[1], by_minutes[2], "0"]
    elif match is not None:
        found = [part or "0" for part in match.groups()]
    else:
        return None
    degrees, minutes, seconds = map(float, found)
    if minutes >= _SIXTY or seconds >= _SIXTY:
        return None
    return round(degrees + minutes / _SIXTY + seconds / _SIXTY**2, 12)
