"""Industries: the GB/T 4754-2017 tree, and a county's industry groups.

A leading industry is a code prefix of 2 to 4 digits; an enterprise belongs to it if its
code starts with that prefix. A county's groups are a table of prefixes: the longest match
gives a code its one group. The groups' names and codes are the county's data.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from geo_service.data import data_file
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.model import Message

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

CODE_PATTERN = re.compile(r"[0-9]{2,4}")
"""An industry code of an enterprise or park: 2 to 4 digits."""

DIVISION_DIGITS = 2
GROUP_DIGITS = 3
CLASS_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Industry:
    """One entry of the classification."""

    code: str
    name: str
    level: int
    section: str
    parent: str


@dataclass(frozen=True)
class Classification:
    """The GB/T 4754-2017 tree: 20 sections, 97 divisions, 473 groups, 1,381 classes.

    Source: the standard's text without amendments, cross-checked against four tables.
    """

    entries: Mapping[str, Industry]
    english: Mapping[str, str] = field(default_factory=dict)
    """English names of sections and divisions; our own translation."""

    def __contains__(self, code: object) -> bool:
        """Return whether the classification has this code."""
        return code in self.entries

    def name(self, code: str) -> str:
        """Return the name of a code; an unknown code is its own name.

        >>> classification().name("1811")
        '运动机织服装制造'
        >>> classification().name("9999")
        '9999'
        """
        entry = self.entries.get(code)
        return entry.name if entry else code

    def english_name(self, code: str) -> str:
        """Return the English name of a section or division; a longer code has its division's name.

        >>> classification().english_name("384")
        'Electrical machinery and equipment'
        """
        return self.english.get(code) or self.english.get(code[:DIVISION_DIGITS]) or code

    def nearest(self, code: str) -> str | None:
        """Return the longest known prefix (two digits or more) of an unknown code.

        >>> classification().nearest("1812")
        '181'
        """
        for length in range(min(len(code) - 1, CLASS_DIGITS), 1, -1):
            if code[:length] in self.entries:
                return code[:length]
        return None

    def children(self, code: str) -> tuple[Industry, ...]:
        """Return the entries directly below a code."""
        return tuple(entry for entry in self.entries.values() if entry.parent == code)


@cache
def classification() -> Classification:
    """Return GB/T 4754-2017, read once."""
    with data_file("gbt4754_en.csv").open(encoding="utf-8") as lines:
        english = {row["code"]: row["name"] for row in csv.DictReader(lines)}
    with data_file("gbt4754.csv").open(encoding="utf-8-sig") as lines:
        rows = csv.DictReader(lines)
        return Classification(
            {
                row["code"]: Industry(
                    row["code"], row["name"], int(row["level"]), row["section"], row["parent"]
                )
                for row in rows
            },
            english,
        )


class Belonging(StrEnum):
    """What an enterprise's industry is to a park."""

    LEADING = "leading"
    SUPPORTING = "supporting"
    OTHER = "other"
    UNCODED = "uncoded"


def belongs_to(code: object, prefixes: str | tuple[str, ...]) -> bool:
    """Return whether a code belongs to an industry given as a prefix, or to one of several.

    >>> belongs_to("1811", "18"), belongs_to("1711", ("13", "17")), belongs_to(None, "18")
    (True, True, False)
    """
    return isinstance(code, str) and code.startswith(prefixes)


def are_within(codes: pd.Series, prefixes: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return which codes begin with one of the prefixes; a missing code does not."""
    texts = codes.fillna("").astype("str")
    return np.asarray(texts.str.startswith(prefixes).to_numpy(dtype=bool))


def is_one_branch(one: str | None, other: str | None) -> bool:
    """Return whether one of two industries takes in the other: 397 takes in 3972."""
    return bool(one and other) and (belongs_to(one, str(other)) or belongs_to(other, str(one)))


def belonging_of(code: object, leading: str | None, supporting: tuple[str, ...]) -> Belonging:
    """Return what a code is to a park; without one leading industry, nothing is leading.

    >>> [belonging_of(code, "13", ("14",)).value for code in ("1311", "1411", "1511", None)]
    ['leading', 'supporting', 'other', 'uncoded']
    """
    if not isinstance(code, str) or not code:
        return Belonging.UNCODED
    if leading is not None and belongs_to(code, leading):
        return Belonging.LEADING
    return Belonging.SUPPORTING if belongs_to(code, supporting) else Belonging.OTHER


def split_codes(text: str | None) -> tuple[str, ...]:
    """Return the codes in a cell that may contain several, in order, without repeats.

    >>> split_codes("18; 24，195")
    ('18', '24', '195')
    """
    if not text:
        return ()
    parts = re.split(r"[;；,，、/|\s]+", text.strip())
    return tuple(dict.fromkeys(part for part in parts if part))


@dataclass(frozen=True)
class IndustryGroups:
    """A county's industry groups as a table of prefixes: the longest match decides.

    `prefixes` maps a code prefix to a group id, `names` a group id to its names by
    language, `conditional` contains the prefixes that await the county's decision. `title`
    and `year` say of which scheme of the county the groups are, if the county says so.
    """

    prefixes: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    conditional: frozenset[str] = frozenset()
    version: str = ""
    title: Mapping[str, str] = field(default_factory=dict)
    year: int | None = None

    def group_of(self, code: str | None) -> str | None:
        """Return the group of a code by its longest prefix in the table, or None.

        >>> groups = IndustryGroups({"38": "equipment", "384": "energy"})
        >>> groups.group_of("3841"), groups.group_of("3811"), groups.group_of("1311")
        ('energy', 'equipment', None)
        """
        prefix = self.prefix_of(code)
        return self.prefixes[prefix] if prefix else None

    def prefix_of(self, code: str | None) -> str | None:
        """Return the table's longest prefix that a code starts with, or None."""
        for length in range(len(code or ""), 0, -1):
            if code and code[:length] in self.prefixes:
                return code[:length]
        return None


@dataclass(frozen=True)
class CountyIndustries:
    """The industries that a county has chosen, by code prefixes."""

    leading: tuple[str, ...]
    characteristic: tuple[str, ...] = ()

    @property
    def every(self) -> tuple[str, ...]:
        """All of them, the leading ones first."""
        return (*self.leading, *self.characteristic)


def group_table(
    rows: Iterable[tuple[str, str, str]],
) -> tuple[dict[str, str], set[str], list[Message]]:
    """Return prefixes, conditional prefixes and faults of (prefix, group, strength) rows.

    It is a fault if a prefix is listed with different groups, is not in GB/T 4754, or has a
    strength other than `core` or `conditional`.
    """
    prefixes: dict[str, str] = {}
    conditional: set[str] = set()
    faults = []
    known = classification()
    for prefix, group, strength in rows:
        if prefix not in known:
            near = known.nearest(prefix)
            faults.append(
                said("fault.group_code_near", code=prefix, near=near, name=known.name(near))
                if near
                else said("fault.group_code", code=prefix)
            )
        if prefixes.get(prefix, group) != group:
            faults.append(said("fault.two_groups", code=prefix, one=prefixes[prefix], other=group))
        if strength not in {"core", "conditional"}:
            faults.append(said("fault.strength", code=prefix, found=repr(strength)))
        prefixes[prefix] = group
        if strength == "conditional":
            conditional.add(prefix)
    return prefixes, conditional, faults
