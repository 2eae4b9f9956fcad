"""Tell what commas in numbers mean, from all numbers of a column: groups of thousands, or decimals.

1,234 alone is open: 1234 in most tables, 1.234 where a comma is the decimal mark. What the other
numbers of its column show decides; where they do not, it is no number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum

THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_OPEN = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_DECIMAL = re.compile(r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+),\d+")


class Commas(Enum):
    """What the commas in the numbers of a column mean."""

    GROUPS = "groups"
    DECIMALS = "decimals"
    UNKNOWN = "unknown"
    """Each number is read for itself; one that may be both is none."""


def meaning_of(texts: Iterable[str], *, is_parted_by_semicolons: bool) -> Commas:
    """Return what commas mean in the numbers of a column, without blanks.

    Tables whose cells are parted by semicolons come from where a comma is the decimal mark.

    >>> meaning_of(["1,234", "1,234,567"], is_parted_by_semicolons=True)
    <Commas.GROUPS: 'groups'>
    >>> meaning_of(["1,234", "12,5"], is_parted_by_semicolons=True)
    <Commas.DECIMALS: 'decimals'>
    >>> meaning_of(["1,234", "12,5"], is_parted_by_semicolons=False)
    <Commas.UNKNOWN: 'unknown'>
    """
    found = [text for text in texts if "," in text]
    is_open = [_OPEN.fullmatch(text) is not None for text in found]
    sure = [text for text, either in zip(found, is_open, strict=True) if not either]
    has_groups = any(THOUSANDS.fullmatch(text) for text in sure)
    has_decimals = any(map(is_decimal, sure))
    if has_groups and not has_decimals:
        return Commas.GROUPS
    if has_decimals and not has_groups:
        is_all = is_parted_by_semicolons or not any(is_open)
        return Commas.DECIMALS if is_all else Commas.UNKNOWN
    return Commas.UNKNOWN if has_decimals or is_parted_by_semicolons else Commas.GROUPS


def is_decimal(text: str) -> bool:
    """Return whether a number's one comma can only be its decimal mark."""
    return _DECIMAL.fullmatch(text) is not None and THOUSANDS.fullmatch(text) is None


def is_open(text: str) -> bool:
    """Return whether a number's comma may be its decimal mark, and may part thousands."""
    return _OPEN.fullmatch(text) is not None


def without_commas(text: str, meaning: Commas) -> str:
    """Return a number without blanks as Python writes it; unchanged if it is none, or open.

    >>> without_commas("1,234", Commas.GROUPS), without_commas("1.234,5", Commas.DECIMALS)
    ('1234', '1234.5')
    >>> without_commas("1,234", Commas.UNKNOWN), without_commas("12,5", Commas.UNKNOWN)
    ('1,234', '12.5')
    """
    if meaning is Commas.DECIMALS or (meaning is Commas.UNKNOWN and is_decimal(text)):
        is_written = _DECIMAL.fullmatch(text) is not None
        return text.replace(".", "").replace(",", ".") if is_written else text
    if meaning is Commas.UNKNOWN and is_open(text):
        return text
    return text.replace(",", "") if THOUSANDS.fullmatch(text) else text
