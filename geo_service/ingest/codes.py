"""The codes of land uses and industries, and what cells can mean by them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from geo_service.data import data_file
from geo_service.industry import classification

if TYPE_CHECKING:
    from geo_service.schema import Field

_SECTION_CODE = re.compile(r"([A-Ta-t])\s?(\d{2,4})(?!\d)(.*)")
_FIRST_CODE = re.compile(r"([0-9A-Z]{2,8})[\s\-_:]*[^0-9A-Za-z\s].*")
_NEXT_CODE = re.compile(r"[\s、，,;；/|+&.和及]+([0-9A-Z]+)")
_OWN_CODE = re.compile(r"[A-Z]\d[0-9A-Z]*")
_CLASS_DIGITS = 4
"""Digits of a class of land use in two levels; those below it may be a county's own."""

_EVEN_SCHEMES = frozenset({"planning2023", "survey3"})
"""Schemes with two digits per level: a code of odd length has lost its leading zero."""


@dataclass(frozen=True)
class Codes:
    """The codes that a column may contain, and what cells can mean by them."""

    names: Mapping[str, str]
    """Names by code."""
    by_name: Mapping[str, list[str]]
    sections: Mapping[str, str]
    """For each code the letter of its section, which may precede it."""
    is_even: bool
    """Whether every level has two digits: a code of odd length has lost its leading zero."""
    is_open: bool
    """Whether codes other than the shipped ones may occur."""

    def without_section(self, text: str) -> str:
        """Return a code without its section's letter before it."""
        match = _SECTION_CODE.fullmatch(text)
        if match is None or self.sections.get(match[2]) != match[1].upper():
            return text
        return f"{match[2]}{match[3]}"

    def padded(self, text: str) -> str:
        """Return a code with the leading zero that it lost."""
        whole = text.removesuffix(".0")
        if whole in self.names or not whole.isdecimal():
            return whole if whole in self.names else text
        if not self.is_even:
            return "0" + whole if "0" + whole in self.names else text
        if not len(whole) % 2:
            return whole
        # 10010 is no 010010 where 1001 is a class: a digit is missing at its end.
        is_cut = len(whole) > _CLASS_DIGITS and whole[:_CLASS_DIGITS] in self.names
        return text if is_cut and f"0{whole}" not in self.names else f"0{whole}"

    def named(self, text: str) -> str:
        """Return the code that a text begins with, or whose name it is."""
        if text in self.names:
            return text
        match = _FIRST_CODE.fullmatch(text)
        is_alone = match is not None and not self._goes_on(text[len(match[1]) :])
        if match and is_alone and (match[1] in self.names or self.is_open):
            return match[1]
        alike = self.by_name.get(text, [])
        # A class and its group may have the same name: the group's shorter code includes both.
        return min(alike, key=len) if alike and _one_line(alike) else text

    def _goes_on(self, rest: str) -> bool:
        """Return whether a second code, or a number's decimals, stand behind the first one."""
        match = _NEXT_CODE.match(rest)
        if match is None:
            return False
        is_code = match[1] in self.names or (self.is_open and _OWN_CODE.fullmatch(match[1]))
        return bool(is_code) or rest.startswith(".")


def _by_name(names: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for code, name in names.items():
        found.setdefault(name, []).append(code)
    return found


@cache
def land_use(scheme: str | None) -> Codes:
    """Return the land-use codes of a scheme."""
    names = land_use_codes().get(scheme or "", {})
    return Codes(names, _by_name(names), {}, is_even=scheme in _EVEN_SCHEMES, is_open=True)


@cache
def industries() -> Codes:
    """Return the codes of GB/T 4754, their sections apart."""
    entries = classification().entries
    names = {code: entry.name for code, entry in entries.items() if code.isdecimal()}
    sections = {code: entries[code].section for code in names}
    return Codes(names, _by_name(names), sections, is_even=False, is_open=False)


def _one_line(codes: list[str]) -> bool:
    shortest = min(codes, key=len)
    return all(code.startswith(shortest) for code in codes)


@cache
def land_use_codes() -> Mapping[str, Mapping[str, str]]:
    """Return the shipped land-use codes with their names, by scheme."""
    found: dict[str, dict[str, str]] = {}
    with data_file("land_use_codes.csv").open(encoding="utf-8-sig") as lines:
        for row in csv.DictReader(lines):
            found.setdefault(row["scheme"], {})[row["code"]] = row["name"]
    return found


def names_of(item: Field) -> Iterator[str]:
    """Yield the codes that a column may have, of whichever scheme."""
    if item.name in {"land_use", "planned_land_use"}:
        for codes in land_use_codes().values():
            yield from codes
    else:
        yield from industries().names
