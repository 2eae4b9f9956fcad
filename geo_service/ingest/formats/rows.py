"""Turn rows of texts below a heading into batches, whichever format they come from.

Rows are numbered as in a spreadsheet; cells that were merged there are filled, which is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo_service.ingest.sources import BATCH_ROWS, Batch, Change
from geo_service.model import Message

if TYPE_CHECKING:
    from geo_service.ingest.formats.headings import Heading
    from geo_service.ingest.limits import Budget

LOOK_EVERY = 10_000
"""Rows after which limits, time and cancellation are checked."""
Cell = tuple[int, int]
"""A row's number and a column's position."""


class _Held:
    """Rows that wait to become a batch."""

    def __init__(self) -> None:
        self.rows: list[Sequence[str]] = []
        self.numbers: list[int] = []
        self.faults: dict[int, Message] = {}
        self.merged: dict[str, list[tuple[int, str, str]]] = {}

    def batch(self, names: Sequence[str], budget: Budget) -> Batch:
        """Return the rows as a batch."""
        budget.take(len(self.rows))
        table = pd.DataFrame(self.rows, columns=list(names), dtype="object").replace("", None)
        changes = [
            Change(
                what="merged_cell",
                column=column,
                positions=np.array([at for at, _, _ in filled], dtype=np.intp),
                before=[before for _, before, _ in filled],
                after=[after for _, _, after in filled],
            )
            for column, filled in self.merged.items()
        ]
        return Batch(
            table=table,
            geometry=None,
            numbers=np.array(self.numbers, dtype=np.int64),
            faults=self.faults,
            changes=tuple(changes),
        )


def row_batches(
    rows: Iterable[Sequence[str]],
    heading: Heading,
    budget: Budget,
    *,
    merged: Mapping[Cell, Cell] | None = None,
) -> Iterator[Batch]:
    """Yield batches of the rows below the heading; empty rows are dropped, but counted.

    `merged` gives, for each cell that was merged with one above it, that other cell.
    """
    names, width = heading.names, len(heading.names)
    filling = _Filling(merged or {})
    held = _Held()
    for number, found in enumerate(rows, start=1):
        if not number % LOOK_EVERY:
            budget.check_rows(number)
        if not found or number <= heading.rows or not any(cell.strip() for cell in found):
            continue
        row = [*found[:width], *[""] * (width - len(found))]
        if len(found) > width and any(cell.strip() for cell in found[width:]):
            values = {"cells": len(found), "heading": width}
            held.faults[len(held.rows)] = Message("import.too_many_cells", values)
        for position, before, after in filling.fill(number, row):
            change = (len(held.rows), before, after)
            held.merged.setdefault(names[position], []).append(change)
        held.rows.append(row)
        held.numbers.append(number)
        if len(held.rows) == BATCH_ROWS:
            yield held.batch(names, budget)
            held = _Held()
    if held.rows:
        yield held.batch(names, budget)


class _Filling:
    """Fills cells that were merged with one above them."""

    def __init__(self, merged: Mapping[Cell, Cell]) -> None:
        self._by_row: dict[int, list[tuple[int, Cell]]] = {}
        for (row, column), origin in merged.items():
            self._by_row.setdefault(row, []).append((column, origin))
        for origin in set(merged.values()):
            self._by_row.setdefault(origin[0], []).append((origin[1], origin))
        self._texts: dict[Cell, str] = {}

    def fill(self, number: int, row: list[str]) -> list[tuple[int, str, str]]:
        """Fill a row's cells; return for each cell its position, and its text before and after.

        The uppermost of merged cells is among them, with its own text before and after.
        """
        filled = []
        for column, origin in self._by_row.get(number, ()):
            if column >= len(row):
                continue
            before = row[column]
            if number == origin[0]:
                self._texts[origin] = before
            elif not before:
                row[column] = self._texts.get(origin, "")
            if row[column]:
                filled.append((column, before, row[column]))
        return filled
