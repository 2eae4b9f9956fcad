"""Names in messages: columns, industries, land uses and places, with their codes.

Each is a message of its own, so that it is rendered in the reader's language. The evidence
contains the bare codes and ids.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from geo_service.data import data_file
from geo_service.industry import classification
from geo_service.language import to_simplified
from geo_service.model import Message
from geo_service.schema import ZONE_GRADES

if TYPE_CHECKING:
    from geo_service.plan import Plan


def named_column(column: str) -> Message:
    """Return a column's label with its name, which may begin with its layer's name."""
    label = Message(f"column.{column.rpartition('.')[2]}")
    return Message("name.column", {"label": label, "column": column})


def named_columns(columns: Sequence[str]) -> list[Message]:
    """Return the labels of several columns."""
    return [named_column(column) for column in columns]


def named_industry(code: str) -> Message:
    """Return an industry code with its name; in English the name of its division."""
    known = classification()
    if code not in known:
        return Message("name.code", {"code": code})
    values = {"code": code, "name": known.name(code), "name_en": known.english_name(code)}
    return Message("name.industry", values)


@cache
def _land_uses() -> Mapping[tuple[str, str], Mapping[str, str]]:
    with data_file("land_use_codes.csv").open(encoding="utf-8-sig") as lines:
        return {(row["scheme"], row["code"]): row for row in csv.DictReader(lines)}


@cache
def land_use_codes_of(scheme: str) -> tuple[str, ...]:
    """Return the codes of a scheme of land uses in order; none for a scheme that is not shipped."""
    return tuple(sorted(code for known, code in _land_uses() if known == scheme))


def named_land_use(scheme: str | None, code: str) -> Message:
    """Return a land-use code with its name in its scheme, if known."""
    entry = _land_uses().get((scheme or "", code))
    if entry is None:
        return Message("name.code", {"code": code})
    values = {"code": code, "name": entry["name"], "name_en": entry["name_en"]}
    return Message("name.land_use", values)


def named_zone(kind: str, grades: Iterable[object] = ()) -> Message:
    """Return the name of a kind of control zone, with the grade if all zones have the same."""
    each = set(grades)
    grade = each.pop() if len(each) == 1 else None
    if grade in ZONE_GRADES.get(kind, ()) and kind not in _UNGRADED_NAMES:
        return Message(f"zone_grade.{kind}_{grade}")
    return Message(f"zone.{kind}")


_UNGRADED_NAMES = frozenset({"geohazard"})
"""Kinds that are named alike whatever the grade: nobody knows what the grade is of."""


def township_names(plan: Plan) -> dict[str, str]:
    """Return township names by their codes in both sets."""
    frame = plan.frame("townships")
    names: dict[str, str] = {}
    for code, other, name in zip(frame["code"], frame["alt_code"], frame["name"], strict=True):
        names[code] = name
        if isinstance(other, str):
            names.setdefault(other, name)
    return names


def township_keys(plan: Plan) -> dict[str, str]:
    """Return the code that stands for each township, by its codes in both sets."""
    frame = plan.frame("townships")
    keys = {code: code for code in frame["code"]}
    for code, other in zip(frame["code"], frame["alt_code"], strict=True):
        if isinstance(other, str):
            keys.setdefault(other, code)
    return keys


def township_codes(plan: Plan, township: str) -> frozenset[str]:
    """Return the codes of the townships that a name or a code of either set means.

    A code is matched whole: the two code sets disagree, so no prefix is ever tried.
    """
    frame = plan.frame("townships")
    wanted = to_simplified(township.strip())
    codes: set[str] = set()
    for row in frame[["code", "alt_code", "name", "alt_name"]].itertuples(index=False):
        if wanted in {row.code, row.alt_code, row.name, row.alt_name}:
            codes |= {code for code in (row.code, row.alt_code) if isinstance(code, str)}
    return frozenset(codes)


def named_township(plan: Plan, code: str) -> Message:
    """Return a township's name with its code; the bare code if it is unknown."""
    return _named_division(township_names(plan).get(code), code)


def named_county(plan: Plan) -> Message:
    """Return the county's name in the reader's language, with its code."""
    names, code = plan.settings.name, plan.settings.county_code
    name = names.get("zh-Hans") or next(iter(names.values()), None)
    return _named_division(name, code, names.get("en"))


def named_park(plan: Plan, park_id: str) -> Message:
    """Return a park's name with its id."""
    return named_parks(plan, [park_id])[0]


def named_parks(plan: Plan, park_ids: Sequence[str]) -> list[Message]:
    """Return the names of several parks with their ids."""
    parks = plan.frame("parks")
    names = dict(zip(parks["park_id"], parks["name"], strict=True))
    return [_named_division(names.get(park_id), park_id) for park_id in park_ids]


_NOTE = re.compile(r"\s*[（(][^（()）]*[)）]\s*$")
_DIVISIONS = ("街道", "镇", "乡")
_SHORTEST_PLACE = 2


def short_park_name(name: str, tier: str) -> str:
    """Return the place that a park is named by: without a note in brackets and its tier's word.

    A name that does not end with the word stays whole but for the note.

    >>> short_park_name("江口镇中小企业集聚区（示意）", "中小企业集聚区")
    '江口'
    >>> short_park_name("江口新区（筹）", "中小企业集聚区")
    '江口新区'
    """
    bare = _NOTE.sub("", name) or name
    place = bare.removesuffix(tier)
    if place == bare or not place:
        return bare
    ending = next((word for word in _DIVISIONS if place.endswith(word)), "")
    short = place.removesuffix(ending)
    return short if len(short) >= _SHORTEST_PLACE else place


def _named_division(name: str | None, code: str, name_en: str | None = None) -> Message:
    if not name:
        return Message("name.code", {"code": code})
    return Message("name.place", {"name": name, "name_en": name_en or name, "code": code})
