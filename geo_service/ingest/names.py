"""Look up names of columns, units and words in incoming files (`data/import_columns.toml`)."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any

from geo_service.data import data_file
from geo_service.language import to_simplified
from geo_service.schema import SCHEMAS, ColumnKind, Field

SHARE = "share"
_LAST_RANK = 10_000
INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
"""Letters without a width, such as the mark of a file that was written twice."""
_DROPPED = re.compile(r"[\s_\-·．.:：、,;()\[\]{}【】（）\"'*#]+")


@cache
def _data() -> Mapping[str, Any]:
    return tomllib.loads(data_file("import_columns.toml").read_text(encoding="utf-8"))


def zone_tables(name: str) -> Mapping[str, Any]:
    """Return one of the tables of words for control zones."""
    table: Mapping[str, Any] = _data()[name]
    return table


def plain(text: str) -> str:
    """Normalise a name to compare it: half width, lower case, simplified, no marks and blanks.

    >>> plain("Land_Use "), plain("地類 編碼（必填）")
    ('landuse', '地类编码必填')
    """
    return _DROPPED.sub("", _simple(text))


def _simple(text: str) -> str:
    """Return a text in half width, lower case and simplified characters."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return folded if folded.isascii() else to_simplified(folded)


@cache
def aliases(layer: str) -> Mapping[str, tuple[str, int]]:
    """Return the normalised names that a layer's columns may have, with the column meant.

    Each has a rank: 0 for the column's own name, then the order of the table, which lists more
    specific names first.
    """
    found: dict[str, tuple[str, int]] = {}
    schema = SCHEMAS[layer]
    for item in schema.fields:
        found[plain(item.name)] = (item.name, 0)
    for first, table in ((1_000, _data().get(layer, {})), (1, _data()["any"])):
        for column, names in table.items():
            if column in schema.columns:
                for rank, name in enumerate(names, start=first):
                    found.setdefault(plain(name), (column, rank))
    if len(schema.key) == 1:
        for rank, name in enumerate(_data()["key"]["names"], start=_LAST_RANK):
            found.setdefault(plain(name), (schema.key[0], rank))
    return found


def common_names(layer: str, column: str) -> tuple[str, ...]:
    """Return the names that a column of a layer has in tables, as written, the usual one first."""
    own = _data().get(layer, {}).get(column, ())
    return (*own, *_data()["any"].get(column, ()))


def unit_words(item: Field) -> str | None:
    """Return the Chinese word for the unit in which a column is kept; None if it needs none."""
    factors = units(item.unit)
    return next((word for word, one in factors.items() if one == 1 and not word.isascii()), None)


@cache
def coordinate_names(axis: str) -> frozenset[str]:
    """Return the names that a coordinate column may have; `axis` is x, y or wkt."""
    return frozenset(plain(name) for name in _data()["coordinates"][axis])


def unit_of(item: Field) -> str | None:
    """Return the unit in which a column is stored, `share` for fractions of one, or None."""
    return item.unit or (SHARE if item.kind is ColumnKind.NUMBER and item.maximum == 1 else None)


def units(unit: str | None) -> Mapping[str, float]:
    """Return the words for units that convert to `unit`, each with its factor."""
    return _data()["units"].get(unit, {}) if unit else {}


@cache
def counters(column: str) -> frozenset[str]:
    """Return the normalised words that may follow a count in a column."""
    return frozenset(plain_unit(word) for word in _data()["counters"].get(column, ()))


def plain_unit(text: str) -> str:
    """Normalise a unit's word for comparison.

    >>> plain_unit("㎡"), plain_unit("M³/D")
    ('m2', 'm3/d')
    """
    return _simple(text).replace(" ", "")


@cache
def is_unit(text: str) -> bool:
    """Return whether a text is nothing but a unit's word.

    >>> is_unit("万元"), is_unit("2024年")
    (True, False)
    """
    return any(plain_unit(text) in table for table in _data()["units"].values())


@cache
def split_unit(name: str) -> tuple[tuple[str, str | None], ...]:
    """Return the possible splits of a column's name into name and unit, the whole name first.

    >>> split_unit("面积（亩）")[1]
    ('面积', '亩')
    """
    whole = _simple(name).strip()
    found: list[tuple[str, str | None]] = [(plain(whole), None)]
    match = re.fullmatch(r"(.+?)[(\[【]\s*(?:单位\s*[::]?)?\s*([^)\]】]{1,12})\s*[)\]】]?", whole)
    if match:
        found.append((plain(match[1]), match[2].replace(" ", "")))
    words = {word for table in _data()["units"].values() for word in table}
    for word in sorted(words, key=len, reverse=True):
        if whole.endswith(word) and len(whole) > len(word):
            rest = whole[: -len(word)]
            if not word.isascii() or rest.endswith(("_", "/", " ", "-", ",")):
                found.append((plain(rest.rstrip("/,")), word))
    return tuple(dict.fromkeys(found))


@cache
def words(layer: str, item: Field) -> Mapping[str, str]:
    """Return the words that may stand for values of a column with choices, with the value meant."""
    table = _data()["words"]
    meant = (
        table["boolean"] if item.kind is ColumnKind.BOOLEAN else table.get(layer, {}).get(item.name)
    )
    found = {plain(choice): choice for choice in item.choices}
    for value, written in (meant or {}).items():
        for word in written:
            found.setdefault(plain(word), value)
    return found


def known_words(layer: str, item: Field, *, most: int = 4) -> str:
    """Return a column's choices for a message, each with a few of the words that mean it."""
    meant: dict[str, list[str]] = {choice: [] for choice in item.choices}
    written = _data()["words"].get(layer, {}).get(item.name, {})
    for choice in meant:
        meant[choice] = [word for word in written.get(choice, ()) if word != choice][:most]
    return ", ".join(
        f"{choice} ({', '.join(some)})" if some else choice for choice, some in meant.items()
    )
