"""What an edit saw, told in its document; and what of it is different in another plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from shapely.geometry.base import BaseGeometry

from geo_service.scenarios.changes import GEOMETRY, shape_digest
from geo_service.scenarios.edits import Seen
from geo_service.scenarios.refusal import EditRefusal
from geo_service.schema import SCHEMAS
from geo_service.wording import quoted, said

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from geo_service.scenarios.workbench import SeenCell, Workbench

_ENTERPRISES = "enterprises"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """A value that is another one than an edit saw; without a column, a feature that is gone."""

    layer: str
    key: str
    column: str | None = None
    expected: Any = None
    found: Any = None


def told_cell(value: Any) -> Any:  # noqa: ANN401 - any cell
    """Return a cell as an edit's `expects` tells it: of a shape only a digest."""
    if isinstance(value, BaseGeometry):
        return shape_digest(value)
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    return value


def seen_of(cells: Iterable[SeenCell]) -> tuple[Seen, ...]:
    """Return what an edit found where it put something else, by feature."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for cell in cells:
        found.setdefault((cell.layer, cell.key), {}).setdefault(cell.column, told_cell(cell.value))
    return tuple(
        Seen(layer=layer, **name_of(layer, key), values=values)
        for (layer, key), values in found.items()
    )


def name_of(layer: str, key: str) -> dict[str, Any]:
    """Return a row's id, and of an enterprise its year, as documents tell them."""
    if layer != _ENTERPRISES:
        return {"id": key}
    identity, _, year = key.rpartition("/")
    return {"id": identity, "year": int(year)} if year.isdecimal() and identity else {"id": key}


def key_of(seen: Seen) -> str:
    """Return the row that an edit saw."""
    return seen.id if seen.year is None else f"{seen.id}/{seen.year}"


def mismatches(bench: Workbench, expects: Iterable[Seen]) -> Iterator[Mismatch]:
    """Yield what is different of what an edit saw."""
    for seen in expects:
        key = key_of(seen)
        if seen.layer not in SCHEMAS or not bench.has(seen.layer, key):
            yield Mismatch(layer=seen.layer, key=key)
            continue
        schema = SCHEMAS[seen.layer]
        known = {*schema.columns, *((GEOMETRY,) if schema.geometry else ())}
        for column, expected in seen.values.items():  # noqa: PD011 - no series
            found = bench.cell(seen.layer, key, column) if column in known else None
            if not is_same(told_cell(found), expected):
                yield Mismatch(
                    layer=seen.layer, key=key, column=column, expected=expected, found=found
                )


def check_expected(bench: Workbench, expects: Iterable[Seen]) -> None:
    """Refuse an edit that saw other values than there are."""
    reasons = [
        (
            f"expects.{miss.layer}.{miss.key}" + (f".{miss.column}" if miss.column else ""),
            said("fault.no_value") if miss.found is None else quoted(told_cell(miss.found)),
            said("scenario.was_there")
            if miss.column is None
            else said("scenario.as_seen", value=repr(miss.expected)),
        )
        for miss in mismatches(bench, expects)
    ]
    if reasons:
        raise EditRefusal(reasons)


def is_same(found: Any, expected: Any) -> bool:  # noqa: ANN401 - any JSON values
    """Return whether a cell is what a document says, which may have it as text."""
    if found == expected:
        return True
    if found is None or expected is None:
        return False
    if isinstance(found, bool) or isinstance(expected, bool):
        return str(found).lower() == str(expected).lower()
    if isinstance(found, (int, float)):
        try:
            return float(expected) == float(found)
        except (TypeError, ValueError):
            return False
    return str(found) == str(expected)
