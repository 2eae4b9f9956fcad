"""Read XLSX as texts, row by row: headings of several rows, merged cells, formulas.

Numbers of more digits than a spreadsheet keeps are written with an exponent, so that none of
them passes for an id.
"""

from __future__ import annotations

import datetime as dt
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

from openpyxl.utils import get_column_letter, range_boundaries

from geo_service.errors import Choice, ChoiceNeededError
from geo_service.ingest.formats.headings import TITLE_ROWS, Heading, Span, find_heading
from geo_service.ingest.formats.rows import LOOK_EVERY, Cell, row_batches
from geo_service.ingest.limits import Budget
from geo_service.ingest.sources import Batch, ImportSource
from geo_service.model import Message
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.ingest.options import ImportOptions

_PIECE = 1 << 20
_LONGEST_TAG = 200
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_MERGED = re.compile(
    rb"<(?:\w+:)?mergeCell\s[^>]*?ref=[\"']([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})[\"']"
)
_HIDDEN = re.compile(rb"<(?:\w+:)?(row|col)\s[^>]*?\bhidden=[\"'](?:1|true)[\"'][^>]*>")
_NUMBER_OF = re.compile(rb"\b(?:r|min)=[\"'](\d{1,7})[\"']")
_MOST_SPANS = 20_000
_MOST_MERGED = 1_000_000
_FEW = 5
_EXACT_DIGITS = 15


def open_xlsx(path: Path, layer: str, options: ImportOptions, budget: Budget) -> ImportSource:
    """Return a workbook's sheet as a source: the named one, or the only one with rows.

    Raises
    ------
    SourceError
        The workbook is damaged or has no heading.
    ChoiceNeededError
        Several sheets have rows and none was named.
    """
    sheet = _choose_sheet(path, options, budget)
    layout = _layout_of(path, sheet, budget)
    rows = _xlsx_rows(path, sheet, budget)
    heading = find_heading(rows, layer, budget, layout.spans)
    budget.check_columns(len(heading.names))
    merged = _merged_down(layout.spans, heading, budget)
    notes = [*_across(layout.spans, heading), *_hidden(layout, heading)]
    if layout.has_formulas:
        notes += _without_value(path, sheet, heading, budget)

    def read() -> Iterator[Batch]:
        return row_batches(_xlsx_rows(path, sheet, budget), heading, budget, merged=merged)

    return ImportSource(
        format="xlsx",
        shown=budget.shown,
        layer=sheet,
        columns=heading.names,
        has_geometry=False,
        heading_parts=heading.parts,
        notes=tuple(notes),
        read=read,
    )


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """What a sheet says of its cells besides their values."""

    spans: tuple[Span, ...]
    has_formulas: bool
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    """Numbers of rows and of (first) columns that the sheet hides, as a filter does."""


def _layout_of(path: Path, sheet: str, budget: Budget) -> _Layout:
    """Return a sheet's merged cells, and whether it has formulas."""
    spans: dict[Span, None] = {}
    has_formulas = False
    hidden: dict[bytes, set[int]] = {b"row": set(), b"col": set()}
    book = _workbook(path, budget)
    try:
        with book[sheet]._get_source() as stream:  # noqa: SLF001 - openpyxl tells neither when reading row by row
            rest = b""
            while piece := stream.read(_PIECE):
                budget.check_time()
                text = rest + piece
                has_formulas = has_formulas or _FORMULA.search(text) is not None
                for found in _HIDDEN.finditer(text):
                    if (number := _NUMBER_OF.search(found[0])) is not None:
                        hidden[found[1]].add(int(number[1]))
                for found in _MERGED.finditer(text):
                    bounds = [int(bound or 1) for bound in range_boundaries(found[1].decode())]
                    left, top, right, bottom = bounds
                    spans[Span(top=top, left=left, bottom=bottom, right=right)] = None
                    if len(spans) > _MOST_SPANS:
                        raise budget.refuse(
                            said("refusal.merged_cells", most=_MOST_SPANS), said("refusal.fewer")
                        )
                rest = piece[-_LONGEST_TAG:]
    except (KeyError, ValueError, TypeError, OSError, ParseError, zipfile.BadZipFile):
        raise budget.refuse(said("refusal.damaged_sheet"), said("refusal.sound_workbook")) from None
    finally:
        book.close()
    return _Layout(
        spans=tuple(spans),
        has_formulas=has_formulas,
        hidden_rows=frozenset(hidden[b"row"]),
        hidden_columns=frozenset(hidden[b"col"]),
    )


def _hidden(layout: _Layout, heading: Heading) -> Iterator[Message]:
    """Yield the note about rows and columns that the sheet hides: they are read all the same."""
    rows = sum(number > heading.rows for number in layout.hidden_rows)
    columns = sum(number <= len(heading.names) for number in layout.hidden_columns)
    if rows or columns:
        yield Message("import.hidden_cells", {"rows": rows, "columns": columns})


def _merged_down(spans: Sequence[Span], heading: Heading, budget: Budget) -> dict[Cell, Cell]:
    """Return, for each cell of a row that is merged with one above it, that other cell."""
    width = len(heading.names)
    if sum(one.bottom - one.top for one in spans) > _MOST_MERGED:
        raise budget.refuse(said("refusal.merged_cells", most=_MOST_MERGED), said("refusal.fewer"))
    merged: dict[Cell, Cell] = {}
    for one in spans:
        if one.top <= heading.rows or one.left > width:
            continue
        for row in range(one.top + 1, one.bottom + 1):
            merged[row, one.left - 1] = (one.top, one.left - 1)
    return merged


def _across(spans: Sequence[Span], heading: Heading) -> Iterator[Message]:
    """Yield the note about cells of rows that are merged across columns."""
    wide = [
        f"{get_column_letter(one.left)}{one.top}:{get_column_letter(one.right)}{one.bottom}"
        for one in spans
        if one.top > heading.rows and one.right > one.left and one.left < len(heading.names)
    ]
    if wide:
        yield Message("import.merged_across", {"count": len(wide), "cells": ", ".join(wide[:5])})


def _without_value(path: Path, sheet: str, heading: Heading, budget: Budget) -> Iterator[Message]:
    """Yield the note about formulas whose values the workbook does not keep."""
    values, formulas = _workbook(path, budget), _workbook(path, budget, is_computed=False)
    cells: list[str] = []
    count = 0
    try:
        both = zip(
            _sheet_rows(values[sheet], budget),
            _sheet_rows(formulas[sheet], budget, values_only=False),
            strict=False,
        )
        for number, (row, written) in enumerate(both, start=1):
            if number <= heading.rows:
                continue
            for column, (value, cell) in enumerate(zip(row, written, strict=False), start=1):
                if value in {None, ""} and getattr(cell, "data_type", "") == "f":
                    count += 1
                    if len(cells) < _FEW:
                        cells.append(f"{get_column_letter(column)}{number}")
    except (KeyError, ValueError, TypeError, ParseError, zipfile.BadZipFile):
        raise budget.refuse(said("refusal.damaged_sheet"), said("refusal.sound_workbook")) from None
    finally:
        values.close()
        formulas.close()
    if count:
        yield Message("import.no_value_kept", {"count": count, "cells": ", ".join(cells)})


def _workbook(path: Path, budget: Budget, *, is_computed: bool = True) -> Any:  # noqa: ANN401 - openpyxl's workbook
    import openpyxl  # noqa: PLC0415 - slow to import, only for workbooks

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return openpyxl.load_workbook(
                path, read_only=True, data_only=is_computed, keep_links=False
            )
    except (KeyError, ValueError, TypeError, OSError, zipfile.BadZipFile, ParseError):
        raise budget.refuse(
            said("refusal.damaged_workbook"), said("refusal.sound_workbook")
        ) from None


def _choose_sheet(path: Path, options: ImportOptions, budget: Budget) -> str:
    book = _workbook(path, budget)
    try:
        names = [sheet.title for sheet in book.worksheets]
        if options.source_layer in names:
            return str(options.source_layer)
        if options.source_layer is not None:
            raise budget.refuse(
                said("refusal.no_sheet", name=repr(options.source_layer)),
                said("fault.any_of", known=names[:50]),
            )
        filled = [
            sheet.title
            for sheet in book.worksheets
            if sheet.sheet_state == "visible"
            and next(
                (
                    True
                    for row in _sheet_rows(sheet, budget, rows=TITLE_ROWS)
                    if any(cell is not None for cell in row)
                ),
                False,
            )
        ]
    except (KeyError, ValueError, TypeError, ParseError, zipfile.BadZipFile):
        raise budget.refuse(
            said("refusal.damaged_workbook"), said("refusal.sound_workbook")
        ) from None
    finally:
        book.close()
    if not filled:
        raise budget.refuse(said("refusal.empty_workbook"), said("refusal.filled_sheet"))
    if len(filled) > 1:
        parameter = "source_layer"
        message = said("import.which_sheet", file=budget.shown)
        choices = [Choice(value=name, evidence=said("import.in_workbook")) for name in filled[:50]]
        raise ChoiceNeededError(parameter, message, choices)
    return str(filled[0])


def _sheet_rows(
    sheet: Any,  # noqa: ANN401 - openpyxl's sheet
    budget: Budget,
    *,
    rows: int | None = None,
    values_only: bool = True,
) -> Iterator[Any]:
    """Yield a sheet's rows up to their last cell, whatever size the sheet claims.

    One column more than the limit is read, so that a sheet that is too wide is refused.
    """
    sheet.reset_dimensions()
    widest = budget.limits.columns + 1
    for number, row in enumerate(sheet.iter_rows(max_row=rows, values_only=values_only), start=1):
        if not number % LOOK_EVERY:
            budget.check_rows(number)
        far = next((cell for cell in row[widest:] if cell is not None), None)
        yield row[:widest] if far is None else (*row[: widest - 1], far)


def _xlsx_rows(path: Path, sheet: str, budget: Budget) -> Iterator[list[str]]:
    book = _workbook(path, budget)
    try:
        for row in _sheet_rows(book[sheet], budget):
            yield [_cell_text(cell) for cell in row]
    except (KeyError, ValueError, TypeError, ParseError, zipfile.BadZipFile):
        raise budget.refuse(said("refusal.damaged_sheet"), said("refusal.sound_workbook")) from None
    finally:
        book.close()


def _cell_text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int) and abs(cell) >= 10**_EXACT_DIGITS:
        return f"{float(cell):.{_EXACT_DIGITS}g}"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat()
    return str(cell)
