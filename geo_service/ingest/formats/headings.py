"""Find a table's heading below titles, and join one of several rows to one name per column.

A heading over several columns (产值 over 2024年 and 2025年) is kept apart from what stands below
it: only together do they say what a column is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from geo_service.ingest.limits import Budget
from geo_service.ingest.names import INVISIBLE, aliases, coordinate_names, is_unit, split_unit
from geo_service.schema import SCHEMAS
from geo_service.wording import said

TITLE_ROWS = 15
_MOST_LEVELS = 4
_LOOKED_AT = TITLE_ROWS + _MOST_LEVELS
_NAME_LENGTH = 200
_AMOUNT = re.compile(r"[+-]?[\d,]*\.?\d+%?")
_YEAR = re.compile(r"(?:19|20)\d\d")
_OF_YEAR = r"(?:19|20)\d\d\s*年?度?|上年度?|去年|前年|本年度?|今年|当年"
_WITH_YEAR = re.compile(
    rf"(?P<first>{_OF_YEAR})[\s_\-]*(?P<after>\S.*)"
    rf"|(?P<before>.*[^\s_\-(（])[\s_\-(（]*(?P<last>{_OF_YEAR})[)）]?"
)
"""A heading that says of which year its column is, before or behind what it is."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """Merged cells: rows and columns from 1, both ends included."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True, kw_only=True)
class Heading:
    """The names of a table's columns, and where its rows begin."""

    names: tuple[str, ...]
    rows: int
    """Number of rows up to the end of the heading."""
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For each column below a heading of several columns, what stands in each row."""


def find_heading(
    rows: Iterable[Sequence[str]], layer: str, budget: Budget, spans: Sequence[Span] = ()
) -> Heading:
    """Return the heading of a table whose first rows may be titles.

    It is that of the first fifteen rows with the most known names, with the rows above and below
    that belong to it; if no row has a known name, it is the first row with two cells.

    Raises
    ------
    SourceError
        No row has two cells.
    """
    iterator = iter(rows)
    first = [
        [INVISIBLE.sub("", cell).strip() for cell in row]
        for _, row in zip(range(_LOOKED_AT), iterator, strict=False)
    ]
    close = getattr(iterator, "close", None)
    if close is not None:
        close()
    best = _best_row(first[:TITLE_ROWS], layer)
    if best is None:
        raise budget.refuse(
            said("refusal.no_heading"),
            said("refusal.heading", columns=list(SCHEMAS[_layers(layer)[0]].columns[:4])),
        )
    top, bottom = _block(first, best, spans)
    return _joined(first[top : bottom + 1], top, [one for one in spans if one.top - 1 <= bottom])


def _layers(layer: str) -> list[str]:
    """Return the layer, or all if it is to be told by its columns."""
    return [layer] if layer in SCHEMAS else list(SCHEMAS)


def _best_row(rows: Sequence[Sequence[str]], layer: str) -> int | None:
    known = {name for one in _layers(layer) for name in aliases(one)}
    known |= coordinate_names("x") | coordinate_names("y") | coordinate_names("wkt")
    hits = [
        sum(any(name in known for name, _ in split_unit(cell)) for cell in row if cell)
        for row in rows
    ]
    if any(hits):
        return hits.index(max(hits))
    return next((at for at, row in enumerate(rows) if sum(map(bool, row)) > 1), None)


def _block(rows: Sequence[Sequence[str]], best: int, spans: Sequence[Span]) -> tuple[int, int]:
    """Return the first and last row of the heading to which a row belongs."""
    top = bottom = best
    while top and _is_over(rows[top - 1], rows[top], top - 1, spans):
        top -= 1
    last = min(len(rows) - 1, top + _MOST_LEVELS - 1)
    while bottom < last and _goes_on(rows, top, bottom, spans):
        bottom += 1
    return top, bottom


def _is_over(
    above: Sequence[str], below: Sequence[str], number: int, spans: Sequence[Span]
) -> bool:
    """Return whether a row's cells stand over several of the next: it is no title of the table."""
    filled = [cell for cell in above if cell]
    if len(filled) < 2 or any(":" in cell or "：" in cell for cell in filled):  # noqa: PLR2004 - a title is one cell
        return False  # such as 填报单位：云阳县
    wide = [one for one in spans if one.top - 1 <= number <= one.bottom - 1]
    if wide:
        return any(one.right > one.left or one.bottom - 1 > number for one in wide)
    return _fills_gaps(above, below)


def _goes_on(rows: Sequence[Sequence[str]], top: int, bottom: int, spans: Sequence[Span]) -> bool:
    """Return whether the row below a heading's row belongs to it too."""
    heading, below = rows[bottom], rows[bottom + 1]
    inside = [one for one in spans if top <= one.top - 1 <= bottom]
    if any(one.bottom - 1 > bottom for one in inside):
        return True
    if _is_unit_row(heading, below):
        return True
    if any(one.right > one.left and one.bottom - 1 == bottom for one in inside):
        return _fills_gaps(heading, below)
    return not spans and bottom == top and _fills_gaps(heading, below)


def _fills_gaps(heading: Sequence[str], below: Sequence[str]) -> bool:
    """Return whether all cells of a row stand below a cell that spans several columns.

    Such a cell is followed by empty ones; rows of data have cells below the others too.
    """
    filled = [at for at, cell in enumerate(below) if cell]
    is_wide = [_spans_several(heading, at) for at in filled]
    words = [below[at] for at in filled]
    is_said = all(not _AMOUNT.fullmatch(word) or _YEAR.fullmatch(word) for word in words)
    return len(filled) > 1 and all(is_wide) and is_said


def _spans_several(heading: Sequence[str], at: int) -> bool:
    if not any(heading[: at + 1]):
        return False
    if at >= len(heading) or not heading[at]:
        return True
    return at + 1 >= len(heading) or not heading[at + 1]


def _is_unit_row(heading: Sequence[str], below: Sequence[str]) -> bool:
    """Return whether a row has nothing but units, each below a heading."""
    filled = [at for at, cell in enumerate(below) if cell]
    return bool(filled) and all(
        is_unit(below[at].strip("()（）[]【】")) and at < len(heading) and heading[at]
        for at in filled
    )


def _joined(rows: Sequence[Sequence[str]], top: int, spans: Sequence[Span]) -> Heading:
    """Return the names of the columns below one or more rows of a heading."""
    width = max(map(len, rows))
    grid = [[*row, *[""] * (width - len(row))] for row in rows]
    lowest = len(grid) - 1
    over: dict[tuple[int, int], str] = {}
    for one in spans:
        for row in range(max(one.top - 1 - top, 0), min(one.bottom - top, len(grid))):
            for column in range(one.left - 1, min(one.right, width)):
                at = max(one.top - 1 - top, 0)
                over[row, column] = grid[at][one.left - 1] if one.left <= width else ""
    if not spans:
        for row in range(lowest):
            _spread(grid, row)
    names: list[str] = []
    parts: dict[str, tuple[str, ...]] = {}
    for column in range(width):
        cells = [over.get((row, column)) or grid[row][column] for row in range(len(grid))]
        said_once = tuple(dict.fromkeys(" ".join(cell.split()) for cell in cells if cell))
        if len(said_once) > 1 and is_unit(said_once[-1].strip("()（）[]【】")):
            unit = said_once[-1].strip("()（）[]【】")
            said_once = (*said_once[:-2], f"{said_once[-2]}({unit})")
        name = " ".join(said_once)[:_NAME_LENGTH] or f"column {column + 1}"
        name = name if name not in names else f"{name} {column + 1}"
        names.append(name)
        if len(said_once) > 1 or (said_once and name != said_once[0]):
            parts[name] = said_once
    parts |= _of_years([name for name in names if name not in parts])
    while (
        names and not any(row[len(names) - 1] for row in grid) and names[-1].startswith("column ")
    ):
        names.pop()
    return Heading(names=tuple(names), rows=top + len(grid), parts=parts)


def _of_years(names: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield names that say a year too, in their two parts, unless the same without one is there.

    2024年产值 is no more the output than what stands below 产值 and 2024年 in two rows is.
    """
    found = {name: match for name in names if (match := _WITH_YEAR.fullmatch(name))}
    plain_names = {form for name in names if name not in found for form, _ in split_unit(name)}
    for name, match in found.items():
        rest = match["after"] or match["before"]
        if not any(form in plain_names for form, _ in split_unit(rest)):
            yield name, (rest, match["first"] or match["last"])


def _spread(grid: list[list[str]], row: int) -> None:
    """Write a cell that spans several columns over all that have something below them."""
    last = ""
    for column, cell in enumerate(grid[row]):
        last = cell or last
        if not cell and any(grid[below][column] for below in range(row + 1, len(grid))):
            grid[row][column] = last
