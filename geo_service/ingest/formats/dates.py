"""Find days that GDAL would move: it makes the 1st of March of 30 February.

Date columns of a DBF are looked at as bytes, those of a GeoPackage as texts. What cannot be a day
is handed on as it is written, to be refused.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyogrio

from geo_service import gdal

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEADER = 32
_DELETED = 0x2A
_LONGEST_MONTH = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_PIECE = 100_000
Written = dict[str, dict[int, str]]
"""By column, the texts of cells that are no day, by their row's position in the file."""


def dates_of_dbf(dbf: Path, names: Sequence[str]) -> Written:
    """Return the cells of date columns that are no day; `names` are those of all columns."""
    with dbf.open("rb") as stream:
        head = stream.read(_HEADER)
        announced, header_size, record_size = struct.unpack("<IHH", head[4:12])
        described = stream.read(header_size - _HEADER)
    fields = [described[at : at + 32] for at in range(0, len(described) - 31, 32)]
    fields = fields[: len(names)]
    ends = np.cumsum([1, *(field[16] for field in fields)])
    wanted = [at for at, field in enumerate(fields) if field[11:12] == b"D" and field[16] == 8]  # noqa: PLR2004 - YYYYMMDD
    if not wanted or not record_size:
        return {}
    rows = min(announced, (dbf.stat().st_size - header_size) // record_size)
    found: Written = {names[at]: {} for at in wanted}
    if rows <= 0:
        return found
    content = np.memmap(
        dbf, mode="r", dtype=np.uint8, offset=header_size, shape=(rows, record_size)
    )
    first = 0
    for start in range(0, rows, _PIECE):
        piece = content[start : start + _PIECE]
        piece = piece[piece[:, 0] != _DELETED]
        for at in wanted:
            cells = np.ascontiguousarray(piece[:, ends[at] : ends[at] + 8])
            for row in np.flatnonzero(~_are_days(cells)).tolist():
                text = cells[row].tobytes().decode("ascii", errors="replace")
                found[names[at]][first + row] = text.strip("\x00 ")
        first += len(piece)
    return found


def _are_days(cells: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which cells of eight bytes are days, or empty: blanks or zeros."""
    digits = cells.astype(np.int64) - 0x30
    is_number = ((digits >= 0) & (digits <= 9)).all(axis=1)  # noqa: PLR2004 - a digit
    is_empty = np.isin(cells, (0x00, 0x20, 0x2A)).all(axis=1) | (digits == 0).all(axis=1)
    year, month, day = (
        digits[:, part] @ 10 ** np.arange(width)[::-1]
        for part, width in ((slice(0, 4), 4), (slice(4, 6), 2), (slice(6, 8), 2))
    )
    longest = _LONGEST_MONTH[np.clip(month, 0, 12)]
    is_leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    longest = np.where((month == 2) & ~is_leap, 28, longest)  # noqa: PLR2004 - February
    is_day = is_number & (month >= 1) & (month <= 12) & (day >= 1) & (day <= longest)  # noqa: PLR2004 - months
    return np.asarray(is_day | is_empty, dtype=bool)


def dates_of_geopackage(path: Path, layer: str, columns: Sequence[str]) -> Written:
    """Return the cells of date columns that are not written as days of the calendar."""
    found: Written = {}
    for column in columns:
        name, table = _quoted(column), _quoted(layer)
        numbered = (
            "SELECT ROW_NUMBER() OVER (ORDER BY rowid) - 1 AS row_at, "  # noqa: S608 - quoted names
            f"CAST({name} AS TEXT) AS written FROM {table}"
        )
        is_odd = "written IS NOT NULL AND date(written) IS NOT written"
        sql = f"SELECT row_at, written FROM ({numbered}) WHERE {is_odd}"  # noqa: S608 - from above
        try:
            with gdal.open_arrow(path, "geopackage", sql=sql, IMMUTABLE="YES") as (_, reader):
                for batch in reader:
                    rows = batch.column("row_at").to_pylist()
                    texts = batch.column("written").to_pylist()
                    found.setdefault(column, {}).update(zip(rows, texts, strict=True))
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, RuntimeError):
            continue  # a view has no row numbers; its dates are read as GDAL reads them
    return found


def _quoted(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def put_back(
    table: pd.DataFrame, written: Mapping[str, Mapping[int, str]], first: int
) -> pd.DataFrame:
    """Put texts that are no day into the cells of a batch that begins at a row's position."""
    for column, texts in written.items():
        inside = {
            at - first: text for at, text in texts.items() if first <= at < first + len(table)
        }
        if inside and column in table.columns:
            cells = table[column].astype("object").to_numpy(copy=True)
            cells[list(inside)] = list(inside.values())
            table[column] = pd.Series(cells, index=table.index, dtype="object")
    return table
