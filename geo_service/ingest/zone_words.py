"""Tell the kind and grade of control zones by the words that files have for them.

Some words name a kind and a grade at once (饮用水水源一级保护区); what a grade is called depends
on the kind. Old words that match no grade of today leave it blank. Words stand in
`data/import_columns.toml`; every change is recorded as a repair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geo_service.ingest.names import plain, zone_tables
from geo_service.schema import ZONE_GRADES, ZONE_KINDS

if TYPE_CHECKING:
    from geo_service.ingest.shapes import Rows

LAYER = "control_zones"
_UNTOLD = "geohazard"
"""The kind of geohazard areas of which nobody said which zoning they are."""


def settle_zones(raw: pd.DataFrame, rows: Rows) -> pd.DataFrame:
    """Return rows of control zones with kinds and grades as the schema has them, where told.

    What no word tells is left as it is, for the schema's own check to refuse.
    """
    if "kind" not in raw.columns:
        return raw
    found = raw.assign(grade=raw["grade"] if "grade" in raw.columns else None)
    for name in ("kind", "grade"):
        found[name] = found[name].astype("object").where(found[name].notna(), None)
    names = found["name"] if "name" in found.columns else pd.Series(None, index=found.index)
    told = [_told(*each) for each in zip(found["kind"], found["grade"], names, strict=True)]
    _change(found, "kind", [kind for kind, _ in told], rows, lambda _, __: "zone_kind")
    _change(found, "grade", [grade for _, grade in told], rows, _what_of_grade)
    return found


def _what_of_grade(before: object, after: object) -> str:
    is_old = after is None and plain(str(before)) in _every_old_word()
    return "old_zone_grade" if is_old else "zone_grade"


def _told(kind: object, grade: object, name: object) -> tuple[object, object]:
    """Return the kind and grade that a row's words tell."""
    if kind not in ZONE_KINDS:
        pair = _compounds().get(plain(str(kind or "")))
        if pair is None:
            return kind, grade
        kind, meant = pair
        grade = meant if grade is None else grade
    kind, grade = _zoning(str(kind), grade, name)
    return kind, _grade(str(kind), grade)


def _zoning(kind: str, grade: object, name: object) -> tuple[str, object]:
    """Return which zoning of geohazards a row of the old kind is, if its words tell one only."""
    if kind != _UNTOLD:
        return kind, grade
    words: Mapping[str, str] = zone_tables("geohazard_zonings")
    for text in (grade, name):
        if not isinstance(text, str):
            continue
        found = [zoning for zoning, word in words.items() if word in text]
        if len(found) == 1:
            is_bare = text == grade and _grade(found[0], grade) not in ZONE_GRADES.get(found[0], ())
            return found[0], None if is_bare else grade
    return kind, grade


def _grade(kind: str, grade: object) -> object:
    """Return a grade as its kind has it; None for an old word, the word itself if it is unknown."""
    if not isinstance(grade, str) or grade in ZONE_GRADES.get(kind, ()):
        return grade
    word = plain(grade)
    if word in _old_words(kind):
        return None
    return _grades(kind).get(word, grade)


def _change(
    found: pd.DataFrame,
    column: str,
    values: list[object],
    rows: Rows,
    what_of: Callable[[object, object], str],
) -> None:
    before = found[column].tolist()
    changed: dict[str, list[int]] = {}
    for position, (old, new) in enumerate(zip(before, values, strict=True)):
        if old != new:
            changed.setdefault(what_of(old, new), []).append(position)
    found[column] = pd.Series(values, index=found.index, dtype="object")
    for what, positions in changed.items():
        rows.repair(
            what,
            np.array(positions),
            [before[position] for position in positions],
            [values[position] for position in positions],
            column=column,
        )


@cache
def _compounds() -> Mapping[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for pair, written in zone_tables("zone_kinds").items():
        kind, _, grade = pair.partition("/")
        found |= {plain(word): (kind, grade) for word in written}
    return found


@cache
def _grades(kind: str) -> Mapping[str, str]:
    table: Mapping[str, Any] = zone_tables("zone_grades").get(kind, {})
    return {plain(word): grade for grade, written in table.items() for word in written}


@cache
def _old_words(kind: str) -> frozenset[str]:
    return frozenset(plain(word) for word in zone_tables("old_zone_grades").get(kind, ()))


@cache
def _every_old_word() -> frozenset[str]:
    return frozenset().union(*map(_old_words, zone_tables("old_zone_grades")))
