"""Read CSV and XLSX as texts, row by row, and GeoParquet in batches.

A table's heading may follow a title. Rows are numbered as in a spreadsheet.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj

from geo_service.errors import Choice, ChoiceNeededError
from geo_service.ingest.formats.encodings import GB18030, UTF_8, fits, known_encoding
from geo_service.ingest.formats.vectors import shapes_of_wkb
from geo_service.ingest.limits import Budget
from geo_service.ingest.names import aliases, coordinate_names, split_unit
from geo_service.ingest.sources import BATCH_ROWS, Batch, ImportSource
from geo_service.model import Message
from geo_service.schema import SCHEMAS
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.ingest.options import ImportOptions

_SAMPLE_BYTES = 1 << 22
_TITLE_ROWS = 15
_LOOK_EVERY = 10_000
"""Rows after which limits, time and cancellation are checked."""
_DELIMITERS = (",", "\t", ";", "|")
_CRS84 = "OGC:CRS84"


# ---- CSV ------------------------------------------------------------------------------------


def open_csv(path: Path, layer: str, options: ImportOptions, budget: Budget) -> ImportSource:
    """Return a CSV as a source; its encoding and delimiter are detected unless given.

    Raises
    ------
    SourceError
        No heading can be found.
    """
    encoding, note = _csv_encoding(path, options, budget)
    delimiter = _delimiter(path, encoding)
    heading, skipped = _find_heading(_csv_rows(path, encoding, delimiter, budget), layer, budget)
    names = _heading_names(heading)
    budget.check_columns(len(names))

    def read() -> Iterator[Batch]:
        rows = _csv_rows(path, encoding, delimiter, budget)
        return _row_batches(rows, names, skipped, budget)

    return ImportSource(
        format="csv",
        shown=budget.shown,
        columns=tuple(names),
        has_geometry=False,
        encoding=encoding,
        notes=(note,),
        read=read,
    )


def _csv_encoding(path: Path, options: ImportOptions, budget: Budget) -> tuple[str, Message]:
    if options.encoding is not None:
        encoding = known_encoding(options.encoding, budget)
        return encoding, Message("import.encoding_given", {"encoding": encoding})
    with path.open("rb") as stream:
        sample = stream.read(_SAMPLE_BYTES)
        if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
            return "UTF-16", Message("import.encoding_declared", {"encoding": "UTF-16"})
        is_utf8 = fits([sample], UTF_8)
        encoding = UTF_8 if is_utf8 else GB18030
        if is_utf8 and sample.isascii():
            # Text that is not ASCII comes later in the file: check all of it, piece by piece.
            decoder = _Decoding(UTF_8)
            while is_utf8 and (piece := stream.read(_SAMPLE_BYTES)):
                is_utf8 = decoder.takes(piece)
            encoding = UTF_8 if is_utf8 else GB18030
    return encoding, Message("import.encoding_guessed", {"encoding": encoding})


class _Decoding:
    """Checks whether pieces of a text, one after another, can be decoded."""

    def __init__(self, encoding: str) -> None:
        import codecs  # noqa: PLC0415 - one use

        self._decoder = codecs.getincrementaldecoder(encoding)()

    def takes(self, piece: bytes) -> bool:
        try:
            self._decoder.decode(piece)
        except UnicodeDecodeError:
            return False
        return True


def _delimiter(path: Path, encoding: str) -> str:
    """Return the delimiter that splits each of the first lines into the same, largest number."""
    with path.open(encoding=encoding, errors="replace", newline="") as stream:
        lines = [line for _, line in zip(range(30), iter(lambda: stream.readline(100_000), ""))]  # noqa: B905 - as many as there are

    def score(mark: str) -> tuple[int, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=mark)]
        common = max(set(widths), key=widths.count) if widths else 0
        return (common > 1) * widths.count(common), common

    return max(_DELIMITERS, key=score)


def _csv_rows(path: Path, encoding: str, delimiter: str, budget: Budget) -> Iterator[list[str]]:
    """Yield the rows of a CSV; raises SourceError, naming the row, if one cannot be read."""
    codec = "utf-8-sig" if encoding == UTF_8 else encoding
    number = 0
    before = csv.field_size_limit(max(budget.limits.cell_characters, 10_000_000))
    try:
        with path.open(encoding=codec, newline="") as stream:
            for number, row in enumerate(csv.reader(stream, delimiter=delimiter), start=1):  # noqa: B007 - told in the error
                yield row
    except UnicodeDecodeError:
        expected = said("refusal.text_in", encoding=encoding)
        raise budget.refuse(
            said("refusal.not_encoding_at", encoding=encoding, row=number + 1), expected
        ) from None
    except csv.Error as error:
        raise budget.refuse(
            said("refusal.no_csv", row=number + 1, reason=str(error)), said("refusal.csv")
        ) from None
    finally:
        csv.field_size_limit(before)


# ---- XLSX -----------------------------------------------------------------------------------


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
    heading, skipped = _find_heading(_xlsx_rows(path, sheet, budget), layer, budget)
    names = _heading_names(heading)
    budget.check_columns(len(names))

    def read() -> Iterator[Batch]:
        return _row_batches(_xlsx_rows(path, sheet, budget), names, skipped, budget)

    return ImportSource(
        format="xlsx",
        shown=budget.shown,
        layer=sheet,
        columns=tuple(names),
        has_geometry=False,
        read=read,
    )


def _workbook(path: Path, budget: Budget) -> Any:  # noqa: ANN401 - openpyxl's workbook
    import openpyxl  # noqa: PLC0415 - slow to import, only for workbooks

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
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
                    for row in _sheet_rows(sheet, budget, rows=_TITLE_ROWS)
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


def _sheet_rows(sheet: Any, budget: Budget, *, rows: int | None = None) -> Iterator[Any]:  # noqa: ANN401 - openpyxl's sheet
    """Yield a sheet's rows up to their last cell, whatever size the sheet claims.

    One column more than the limit is read, so that a sheet that is too wide is refused.
    """
    sheet.reset_dimensions()
    widest = budget.limits.columns + 1
    for number, row in enumerate(sheet.iter_rows(max_row=rows, values_only=True), start=1):
        if not number % _LOOK_EVERY:
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
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat()
    return str(cell)


# ---- shared by both -------------------------------------------------------------------------


def _find_heading(
    rows: Iterable[Sequence[str]], layer: str, budget: Budget
) -> tuple[list[str], int]:
    """Return the heading, and the number of rows up to and including it.

    The heading is that of the first fifteen rows with the most known names; if no row has a
    known name, it is the first row with two cells.
    """
    layers = [layer] if layer in SCHEMAS else list(SCHEMAS)
    known = {name for one in layers for name in aliases(one)}
    known |= coordinate_names("x") | coordinate_names("y") | coordinate_names("wkt")
    best: tuple[int, int, list[str]] | None = None
    first: tuple[int, list[str]] | None = None
    iterator = iter(rows)
    for number, row in zip(range(1, _TITLE_ROWS + 1), iterator, strict=False):
        cells = [cell.strip() for cell in row]
        hits = sum(any(name in known for name, _ in split_unit(cell)) for cell in cells if cell)
        if hits and (best is None or hits > best[0]):
            best = (hits, number, cells)
        if first is None and sum(map(bool, cells)) > 1:
            first = (number, cells)
    close = getattr(iterator, "close", None)
    if close is not None:
        close()
    if best is not None:
        return best[2], best[1]
    if first is not None:
        return first[1], first[0]
    raise budget.refuse(
        said("refusal.no_heading"),
        said("refusal.heading", columns=list(SCHEMAS[layers[0]].columns[:4])),
    )


def _heading_names(cells: Sequence[str]) -> list[str]:
    names: list[str] = []
    while cells and not cells[-1]:
        cells = cells[:-1]
    for position, cell in enumerate(cells, start=1):
        name = " ".join(cell.split())[:200] or f"column {position}"
        names.append(name if name not in names else f"{name} {position}")
    return names


def _row_batches(
    rows: Iterable[Sequence[str]], names: list[str], skipped: int, budget: Budget
) -> Iterator[Batch]:
    """Yield batches of the rows below the heading; empty rows are dropped, but counted."""
    width = len(names)
    held: list[Sequence[str]] = []
    numbers: list[int] = []
    faults: dict[int, Message] = {}
    for number, row in enumerate(rows, start=1):
        if not number % _LOOK_EVERY:
            budget.check_rows(number)
        if not row or number <= skipped or not any(cell.strip() for cell in row):
            continue
        if len(row) > width and any(cell.strip() for cell in row[width:]):
            values = {"cells": len(row), "heading": width}
            faults[len(held)] = Message("import.too_many_cells", values)
        held.append([*row[:width], *[""] * (width - len(row))])
        numbers.append(number)
        if len(held) == BATCH_ROWS:
            yield _table_batch(held, numbers, names, faults, budget)
            held, numbers, faults = [], [], {}
    if held:
        yield _table_batch(held, numbers, names, faults, budget)


def _table_batch(
    rows: list[Sequence[str]],
    numbers: list[int],
    names: list[str],
    faults: dict[int, Message],
    budget: Budget,
) -> Batch:
    budget.take(len(rows))
    table = pd.DataFrame(rows, columns=names, dtype="object").replace("", None)
    positions = np.array(numbers, dtype=np.int64)
    return Batch(table=table, geometry=None, numbers=positions, faults=faults)


# ---- GeoParquet -----------------------------------------------------------------------------


def open_parquet(path: Path, budget: Budget) -> ImportSource:
    """Return a GeoParquet file as a source.

    Raises
    ------
    SourceError
        The file is damaged, or its geometry is not WKB.
    """
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError):
        raise budget.refuse(said("refusal.damaged_parquet"), said("refusal.geoparquet")) from None
    schema = file.schema_arrow
    rows = file.metadata.num_rows
    size = sum(
        file.metadata.row_group(n).total_byte_size for n in range(file.metadata.num_row_groups)
    )
    if rows > budget.limits.features or size > budget.limits.unpacked_bytes:
        raise budget.refuse(said("refusal.rows_bytes", rows=rows, size=size), said("refusal.fewer"))
    budget.check_columns(len(schema.names))
    geometry, crs, implied = _parquet_geometry(schema, budget)
    columns = [
        str(name)
        for name in schema.names
        if name != geometry and not pa.types.is_nested(schema.field(name).type)
    ]
    return ImportSource(
        format="parquet",
        shown=budget.shown,
        columns=tuple(columns),
        has_geometry=geometry is not None,
        rows=rows,
        crs=crs,
        implied_crs=implied,
        read=lambda: _parquet_batches(path, geometry, columns, budget),
    )


def _parquet_geometry(
    schema: Any,  # noqa: ANN401 - an Arrow schema; pyarrow has no types
    budget: Budget,
) -> tuple[str | None, pyproj.CRS | None, str | None]:
    text = (schema.metadata or {}).get(b"geo")
    if text is None:
        return None, None, None
    try:
        described = json.loads(text)
        name = described["primary_column"]
        column = described["columns"][name]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise budget.refuse(
            said("refusal.bad_geoparquet"), said("refusal.geoparquet_only")
        ) from None
    if column.get("encoding") != "WKB" or name not in schema.names:
        raise budget.refuse(said("refusal.not_wkb"), said("refusal.wkb"))
    if "crs" not in column:
        return str(name), None, _CRS84
    try:
        crs = None if column["crs"] is None else pyproj.CRS.from_json_dict(column["crs"])
    except (pyproj.exceptions.CRSError, TypeError):
        raise budget.refuse(said("refusal.bad_crs"), said("refusal.projjson")) from None
    return str(name), crs, None


def _parquet_batches(
    path: Path, geometry: str | None, columns: list[str], budget: Budget
) -> Iterator[Batch]:
    first = 1
    wanted = [*columns, geometry] if geometry is not None else columns
    try:
        with pq.ParquetFile(path) as file:
            for found in file.iter_batches(batch_size=BATCH_ROWS, columns=wanted):
                batch = found
                if batch.nbytes > budget.limits.text_bytes * 4:
                    raise budget.refuse(said("refusal.huge_rows"), said("refusal.plain_geoparquet"))
                budget.take(batch.num_rows)
                shapes = None
                if geometry is not None:
                    wkb = batch.column(geometry).to_numpy(zero_copy_only=False)
                    shapes = shapes_of_wkb(wkb, budget)
                    batch = batch.drop_columns([geometry])
                table = batch.to_pandas(integer_object_nulls=True)
                numbers = np.arange(first, first + len(table), dtype=np.int64)
                yield Batch(table=table, geometry=shapes, numbers=numbers)
                first += len(table)
    except (pa.ArrowException, OSError):
        raise budget.refuse(
            said("refusal.unreadable_after", row=first - 1), said("refusal.undamaged")
        ) from None
