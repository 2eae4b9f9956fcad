"""Read one layer's file into a frame that satisfies its schema, or say every fault.

Vector files go through GDAL (pyogrio), tables through pandas as text. Nothing is
repaired or guessed here: a layer is as declared, or its faults are listed. Repairing
messy data is the work of import.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely

from geo_service import gdal
from geo_service.crs import STORAGE_CRS, is_storage_like
from geo_service.documents import nearest_name
from geo_service.errors import Fault
from geo_service.industry import CODE_PATTERN, classification, split_codes
from geo_service.model import Message
from geo_service.schema import (
    ID_PATTERN,
    ONCE_FREE_GRADES,
    STORED_GEOMETRY,
    ZONE_GRADES,
    ColumnKind,
    Field,
    LayerSchema,
    Need,
)
from geo_service.wording import quoted, said
from geo_service.workspace.days import days_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

# GDAL reads a column of true, false and nothing as numbers.
TRUE_WORDS = frozenset({"true", "1", "1.0", "yes", "是"})
FALSE_WORDS = frozenset({"false", "0", "0.0", "no", "否"})
TABLE_SUFFIXES = frozenset({".csv"})
_MAX_LATITUDE_IN_CHINA = 54
_MIN_LONGITUDE_IN_CHINA = 73
_DEGREES = 180
_LARGEST_WHOLE = 2.0**53


@dataclass(frozen=True, kw_only=True)
class LayerFile:
    """Where a layer's rows are, and what the file itself may not say."""

    name: str
    path: Path
    shown: str
    """The file as messages name it, without the machine's folders."""
    layer: str | None = None
    """The layer inside the file, where it holds several."""
    crs: str | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)

    def where_clause(self) -> str | None:
        """Return the rows asked for as a condition for GDAL, names and values quoted."""
        quoted = {
            name.replace('"', '""'): value.replace("'", "''") for name, value in self.where.items()
        }
        return " AND ".join(f"\"{name}\" = '{value}'" for name, value in quoted.items()) or None


class Faults:
    """Collects the faults of one layer; rows are named by number and id."""

    def __init__(self, layer_file: LayerFile, key: pd.DataFrame) -> None:
        self._layer_file = layer_file
        self._key = key
        self._first = 2 if layer_file.path.suffix.lower() in TABLE_SUFFIXES else 1
        self.items: list[Fault] = []
        self.positions: list[int | None] = []
        """The position of the row that each fault found is about, if it is about one."""

    def key_of(self, row: int) -> str:
        """Return the id of a row, or an empty text when it has none."""
        parts = [cell for cell in self._key.iloc[row] if not pd.isna(cell)]
        return _short("/".join(str(part) for part in parts))

    def _name(self, row: int) -> str:
        key = self.key_of(row)
        return f"{row + self._first} ({key})" if key else str(row + self._first)

    def add(
        self,
        found: Message,
        expected: Message,
        *,
        row: int | None = None,
        column: str | None = None,
    ) -> None:
        """Add one fault; `row` is a position in the frame."""
        self.positions.append(row)
        self.items.append(
            Fault(
                file=self._layer_file.shown,
                layer=self._layer_file.name,
                row=None if row is None else self._name(row),
                column=column,
                found=found,
                expected=expected,
            )
        )

    def add_rows(
        self, bad: NDArray[np.bool_], shown: pd.Series[Any], expected: Message, column: str
    ) -> None:
        """Add a fault for every row where `bad` is true."""
        for row in np.flatnonzero(bad):
            value = shown.iloc[int(row)]
            self.add(
                said("fault.no_value") if pd.isna(value) else _quoted(value),
                expected,
                row=int(row),
                column=column,
            )


def _quoted(value: object) -> Message:
    return quoted(_short(value))


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 - half a screen line


def read_layer(
    layer_file: LayerFile, schema: LayerSchema
) -> tuple[pd.DataFrame | None, list[Fault]]:
    """Return a layer as a frame in the storage CRS, and the faults that were found.

    The frame has the schema's columns in order, missing optional ones without
    values, and for a layer with geometry a `geometry` column. It is None when the file
    could not be read at all.
    """
    raw, problem = _read_file(layer_file)
    if raw is None:
        fault = Fault(
            file=layer_file.shown,
            layer=layer_file.name,
            found=problem or said("fault.unreadable"),
            expected=said("fault.layer_file"),
        )
        return None, [fault]
    for name, value in layer_file.constants.items():
        raw[name] = value
    frame, faults = find_faults(raw.reset_index(drop=True), schema, layer_file)
    return frame, faults.items


def find_faults(
    raw: pd.DataFrame, schema: LayerSchema, layer_file: LayerFile
) -> tuple[pd.DataFrame, Faults]:
    """Return rows as the schema has them, and their faults with the rows' positions.

    `raw` has a plain index from 0 and the schema's column names; one with geometry has a
    CRS. The frame is as `read_layer` returns it.
    """
    faults = Faults(layer_file, raw[[name for name in schema.key if name in raw.columns]])
    columns = {item.name: _read_column(raw, item, faults) for item in schema.fields}
    frame = pd.DataFrame(columns)
    _check_key(frame, schema, faults)
    if schema.name == "control_zones":
        _check_grades(frame, faults)
    if schema.geometry is None:
        return frame, faults
    shapes = _read_geometry(raw, schema, layer_file, faults)
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=STORAGE_CRS), faults


def read_values(
    values: Mapping[str, object], schema: LayerSchema, *, is_whole: bool
) -> tuple[dict[str, Any], list[Fault]]:
    """Return values of one row as the schema has them, by column, and their faults.

    What is missing is None. With `is_whole` it is a whole row: columns that were not given are
    missing, and those that need a value are at fault. Its shape is not looked at. A name that is
    no column of the layer is left out.
    """
    fields = [item for item in schema.fields if is_whole or item.name in values]
    raw = pd.DataFrame({item.name: [values.get(item.name)] for item in fields}, dtype="object")
    file = LayerFile(name=schema.name, path=Path(), shown="")
    faults = Faults(file, raw[[name for name in schema.key if name in raw.columns]])
    columns = {item.name: _read_column(raw, item, faults) for item in fields}
    frame = pd.DataFrame(columns)
    if schema.name == "control_zones" and is_whole:
        _check_grades(frame, faults)
    return {name: python_cell(column.iloc[0]) for name, column in columns.items()}, faults.items


def python_cell(value: Any) -> Any:  # noqa: ANN401 - any cell
    """Return a cell as Python's own value, None for a missing one; a shape stays what it is."""
    if value is None or isinstance(value, (str, shapely.Geometry)):
        return value
    if pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def _read_file(layer_file: LayerFile) -> tuple[pd.DataFrame | None, Message | None]:
    if not layer_file.path.exists():
        return None, said("fault.no_file")
    try:
        if layer_file.path.suffix.lower() in TABLE_SUFFIXES:
            return _read_table(layer_file.path)
        return _read_features(layer_file)
    except UnicodeDecodeError:
        return None, said("fault.not_utf8_import")
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        return None, said("fault.no_table", reason=str(error))
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError):
        return None, said("fault.no_gdal")


def _read_features(layer_file: LayerFile) -> tuple[pd.DataFrame | None, Message | None]:
    """Read a vector file; one with several layers must have been told which."""
    kind = gdal.FORMATS.get(layer_file.path.suffix.lower())
    if kind is None:
        known = [*TABLE_SUFFIXES, *gdal.FORMATS]
        return None, said("fault.unknown_suffix", suffix=repr(layer_file.path.suffix), known=known)
    try:
        names = gdal.list_layers(layer_file.path, kind)
    except gdal.ForeignFileError:
        return None, said("fault.foreign_file")
    if layer_file.layer is None and len(names) > 1:
        return None, said("fault.several_layers", names=names)
    if layer_file.layer is not None and layer_file.layer not in names:
        return None, said("fault.no_layer_among", name=repr(layer_file.layer), names=names)
    layer, where = layer_file.layer or names[0], layer_file.where_clause()
    return gdal.read_frame(layer_file.path, kind, layer=layer, where=where), None


def _read_table(path: Path) -> tuple[pd.DataFrame | None, Message | None]:
    """Read a CSV as text; a row with more or fewer cells than the heading is refused."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.reader(lines)
        width = len(next(rows, []))
        odd = next((rows.line_num for row in rows if row and len(row) != width), None)
    if odd is not None:
        return None, said("fault.odd_line", line=odd, width=width)
    table = pd.read_csv(
        path, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False
    )
    return table.replace("", None), None


def _read_column(raw: pd.DataFrame, item: Field, faults: Faults) -> pd.Series[Any]:
    if item.name not in raw.columns:
        if item.need is not Need.OPTIONAL and len(raw):
            faults.add(
                said("fault.no_such_column"),
                said("fault.a_column", name=repr(item.name), kind=item.kind),
                column=item.name,
            )
        return _no_values(item, len(raw))
    cells = raw[item.name]
    if cells.isna().all():
        values = _no_values(item, len(raw))
    else:
        values = _CONVERTERS[item.kind](cells, item, faults)
    if item.need is Need.VALUE:
        missing = cells.isna()
        if not pd.api.types.is_numeric_dtype(cells):  # flags are among these
            missing |= cells.astype(str).str.strip() == ""
        faults.add_rows(missing.to_numpy(dtype=bool), cells, said("fault.a_value"), item.name)
    return values.rename(item.name)


def _no_values(item: Field, count: int) -> pd.Series[Any]:
    """Return so many missing values, of the type that the converters give a field's kind.

    Without rows nothing is missing, so that a field which must have values has its full type.
    """
    full = _FULL_TYPES.get(item.kind) if count == 0 and item.need is Need.VALUE else None
    dtype = full or _TYPES.get(item.kind, "str")
    return pd.Series(None, index=pd.RangeIndex(count), dtype=dtype, name=item.name)


def as_text(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Return cells as stripped text; whole numbers lose their `.0`, blanks are missing."""
    if pd.api.types.is_float_dtype(cells):
        whole = cells.map(lambda value: str(int(value)) if value == value // 1 else str(value))
        return whole.where(cells.notna(), None).astype("str")
    text = cells.astype("str").str.strip()
    is_there = cells.notna() & (text != "")
    return text if is_there.all() else text.where(is_there, None).astype("str")


def _text(cells: pd.Series[Any], item: Field, faults: Faults) -> pd.Series[Any]:
    text = as_text(cells)
    present = text.notna().to_numpy()
    if item.choices:
        for row in np.flatnonzero(present & ~text.isin(item.choices).to_numpy()):
            found = str(text.iloc[int(row)])
            expected = nearest_name(found, item.choices)
            faults.add(_quoted(found), expected, row=int(row), column=item.name)
    return text


def _matches(text: pd.Series[Any], pattern: re.Pattern[str]) -> NDArray[np.bool_]:
    """Return where a text fits a pattern or is missing."""
    return (text.str.fullmatch(pattern.pattern) | text.isna()).to_numpy(dtype=bool)


def _id(cells: pd.Series[Any], item: Field, faults: Faults) -> pd.Series[Any]:
    text = as_text(cells)
    fits = _matches(text, ID_PATTERN)
    expected = said("fault.an_id")
    faults.add_rows(~fits, text, expected, item.name)
    return text


def _code(cells: pd.Series[Any], item: Field, faults: Faults) -> pd.Series[Any]:
    text = as_text(cells)
    if item.name == "industry_code":
        fits = _matches(text, CODE_PATTERN)
        faults.add_rows(~fits, text, said("fault.industry_code"), item.name)
    return text


def _codes(cells: pd.Series[Any], item: Field, faults: Faults) -> pd.Series[Any]:
    text = as_text(cells)
    known = classification()
    for row, cell in enumerate(text):
        for code in split_codes(None if pd.isna(cell) else cell):
            if CODE_PATTERN.fullmatch(code) and code in known:
                continue
            near = known.nearest(code)
            expected = said("fault.industry_codes")
            if near:
                expected = said("fault.industry_codes_near", code=near, name=known.name(near))
            found = said("fault.industry_code_found", code=repr(_short(code)))
            faults.add(found, expected, row=row, column=item.name)
    return text


def _a_number(item: Field, bound: str = "") -> Message:
    """Say which numbers a field takes: in its unit, within a bound."""
    if item.unit:
        return said("fault.number_in", unit=item.unit, bound=f" {bound}" if bound else "")
    return said("fault.number", bound=f" {bound}" if bound else "")


def _number(cells: pd.Series[Any], item: Field, faults: Faults) -> pd.Series[Any]:
    if not cells.notna().any():  # most optional columns
        return pd.Series(np.nan, index=cells.index, dtype="float64")
    numbers = pd.to_numeric(cells, errors="coerce").astype("float64")
    blank = cells.isna()
    if not pd.api.types.is_numeric_dtype(cells):
        blank |= cells.astype("str").str.strip() == ""
    bad = (numbers.isna() & ~blank) | np.isinf(numbers)
    faults.add_rows(bad.to_numpy(dtype=bool), cells, _a_number(item), item.name)
    if item.minimum is not None:
        low = (numbers < item.minimum).to_numpy(dtype=bool)
        faults.add_rows(low, cells, _a_number(item, f"≥ {item.minimum:g}"), item.name)
    if item.maximum is not None:
        high = (numbers > item.maximum).to_numpy(dtype=bool)
        faults.add_rows(high, cells, _a_number(item, f"≤ {item.maximum:g}"), item.name)
    return numbers.where(~np.isinf(numbers))


def _integer(cells: pd.Series[Any], item: Field, faults: Faults) -> pd.Series[Any]:
    numbers = _number(cells, item, faults)
    broken = (numbers.notna() & (numbers % 1 != 0)).to_numpy(dtype=bool)
    faults.add_rows(broken, cells, said("fault.int_parsing"), item.name)
    whole = numbers.where((numbers % 1 == 0) & (numbers.abs() < _LARGEST_WHOLE))
    if item.need is Need.VALUE and whole.notna().all():
        return whole.astype("int64")
    return whole.astype("Int64")


def _boolean(cells: pd.Series[Any], item: Field, faults: Faults) -> pd.Series[Any]:
    if cells.dtype == np.bool_:
        return cells if item.need is Need.VALUE else cells.astype("boolean")
    words = cells.map(lambda value: str(value).strip().lower(), na_action="ignore")
    is_true, is_false = words.isin(TRUE_WORDS), words.isin(FALSE_WORDS)
    blank = cells.isna() | (words == "")
    bad = ~(is_true | is_false | blank)
    faults.add_rows(bad.to_numpy(dtype=bool), cells, said("fault.true_or_false"), item.name)
    is_known = is_true | is_false
    if item.need is Need.VALUE and is_known.all():
        return is_true
    return is_true.astype("boolean").mask(~is_known)


def _date(cells: pd.Series[Any], item: Field, faults: Faults) -> pd.Series[Any]:
    dates = days_of(cells)
    bad = (dates.isna() & cells.notna()).to_numpy(dtype=bool)
    if bad.any():
        bad = bad & (cells.astype("str").str.strip() != "").to_numpy(dtype=bool)
    faults.add_rows(bad, cells, said("fault.date_parsing"), item.name)
    return dates


_TYPES = {
    ColumnKind.NUMBER: "float64",
    ColumnKind.INTEGER: "Int64",
    ColumnKind.BOOLEAN: "boolean",
    ColumnKind.DATE: "datetime64[s]",
}
"""The types of fields of which some value may be missing; of all other kinds they are text."""
_FULL_TYPES = {ColumnKind.INTEGER: "int64", ColumnKind.BOOLEAN: "bool"}
_CONVERTERS = {
    ColumnKind.ID: _id,
    ColumnKind.TEXT: _text,
    ColumnKind.CODE: _code,
    ColumnKind.CODES: _codes,
    ColumnKind.NUMBER: _number,
    ColumnKind.INTEGER: _integer,
    ColumnKind.BOOLEAN: _boolean,
    ColumnKind.DATE: _date,
}


def _check_grades(frame: pd.DataFrame, faults: Faults) -> None:
    """Refuse a grade that its kind of zone does not have: no rule would ever speak of it."""
    for kind, grades in ZONE_GRADES.items():
        if kind in ONCE_FREE_GRADES:
            continue
        bad = (frame["kind"] == kind) & frame["grade"].notna() & ~frame["grade"].isin(grades)
        for row in np.flatnonzero(bad.to_numpy(dtype=bool)):
            found = str(frame["grade"].iloc[int(row)])
            expected = said(
                "fault.grades", kind=kind, label=Message(f"zone.{kind}"), grades=list(grades)
            )
            faults.add(_quoted(found), expected, row=int(row), column="grade")


def _check_key(frame: pd.DataFrame, schema: LayerSchema, faults: Faults) -> None:
    key = frame[list(schema.key)]
    twice = key.duplicated(keep=False) & key.notna().all(axis=1)
    for row in np.flatnonzero(twice.to_numpy(dtype=bool)):
        found = quoted(faults.key_of(int(row)))
        faults.add(found, said("fault.each_id_once"), row=int(row), column="+".join(schema.key))


def _read_geometry(
    raw: pd.DataFrame, schema: LayerSchema, layer_file: LayerFile, faults: Faults
) -> gpd.GeoSeries:
    shapes = _located(raw, schema, layer_file, faults)
    if shapes is None:
        return gpd.GeoSeries(np.full(len(raw), None), crs=STORAGE_CRS)
    _check_shapes(shapes, schema, faults)
    crs = pyproj.CRS(shapes.crs)
    if crs.is_geographic:
        _check_degrees(shapes, crs, faults)
    if is_storage_like(crs):
        return shapes.set_crs(STORAGE_CRS, allow_override=True)
    return shapes.to_crs(STORAGE_CRS)


def _located(
    raw: pd.DataFrame, schema: LayerSchema, layer_file: LayerFile, faults: Faults
) -> gpd.GeoSeries | None:
    if isinstance(raw, gpd.GeoDataFrame):
        return _with_crs(raw.geometry, layer_file, faults)
    if {"lon", "lat"} <= set(raw.columns):
        lon, lat = (
            _number(raw[name], Field(name, ColumnKind.NUMBER), faults) for name in ("lon", "lat")
        )
        points = np.full(len(raw), None, dtype=object)
        there = (lon.notna() & lat.notna()).to_numpy(dtype=bool)
        points[there] = shapely.points(lon[there], lat[there])
        return _with_crs(gpd.GeoSeries(points), layer_file, faults, default=STORAGE_CRS)
    if not schema.is_geometry_optional:
        found, expected = said("fault.no_geometry"), said("fault.geometry", kind=schema.geometry)
        faults.add(found, expected)
    return None


def _with_crs(
    shapes: gpd.GeoSeries, layer_file: LayerFile, faults: Faults, *, default: str | None = None
) -> gpd.GeoSeries | None:
    declared = layer_file.crs or default
    if shapes.crs is None and not declared:
        faults.add(
            said("fault.no_crs"),
            said("fault.crs_named", layer=layer_file.name),
        )
        return None
    if shapes.crs is None:
        return shapes.set_crs(pyproj.CRS(declared))
    if layer_file.crs is not None and pyproj.CRS(layer_file.crs) != shapes.crs:
        found = said("fault.crs", crs=shapes.crs.to_string())
        faults.add(found, said("fault.declared", crs=layer_file.crs))
        return None
    return shapes


def _check_shapes(shapes: gpd.GeoSeries, schema: LayerSchema, faults: Faults) -> None:
    array = shapes.to_numpy()
    is_empty = shapely.is_missing(array) | shapely.is_empty(array)
    if not schema.is_geometry_optional:
        for position in np.flatnonzero(is_empty):
            faults.add(
                said("fault.no_geometry"),
                said("fault.shape", kind=schema.geometry),
                row=int(position),
                column="geometry",
            )
    allowed = STORED_GEOMETRY[schema.geometry or "point"]
    kinds = shapely.get_type_id(array)
    allowed_ids = [shapely.GeometryType[name.upper()] for name in allowed]
    for position in np.flatnonzero((kinds >= 0) & ~np.isin(kinds, allowed_ids)):
        found = said("fault.shape", kind=array[position].geom_type)
        expected = said("fault.shapes", kinds=sorted(allowed))
        faults.add(found, expected, row=int(position), column="geometry")
    bounds = shapely.bounds(array)
    finite = np.isfinite(bounds).all(axis=1) | is_empty
    for position in np.flatnonzero(~finite):
        faults.add(
            said("fault.bad_coordinate"),
            said("fault.finite_number"),
            row=int(position),
            column="geometry",
        )
    for position in np.flatnonzero(~_are_valid(array) & ~is_empty & finite):
        reason = shapely.is_valid_reason(array[position])
        faults.add(
            said("fault.invalid_shape", reason=str(reason)),
            said("fault.valid_shape"),
            row=int(position),
            column="geometry",
        )


def _are_valid(shapes: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Return which shapes are valid; of many, half are looked at in another thread."""
    vertices = np.cumsum(shapely.get_num_coordinates(shapes))
    if not len(shapes) or vertices[-1] < _MANY_VERTICES:
        return np.asarray(shapely.is_valid(shapes), dtype=bool)
    middle = int(np.searchsorted(vertices, vertices[-1] / 2))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(shapely.is_valid, shapes[:middle])
        rest = shapely.is_valid(shapes[middle:])
        return np.concatenate([first.result(), rest])


_MANY_VERTICES = 100_000


def _check_degrees(shapes: gpd.GeoSeries, crs: pyproj.CRS, faults: Faults) -> None:
    bounds = shapely.bounds(shapes.to_numpy())
    with np.errstate(invalid="ignore"):
        swapped = (bounds[:, 0] <= _MAX_LATITUDE_IN_CHINA) & (
            bounds[:, 1] >= _MIN_LONGITUDE_IN_CHINA
        )
        metres = np.abs(bounds).max(axis=1) > _DEGREES
    for row in np.flatnonzero(swapped & ~metres):
        x, y = bounds[row, :2]
        faults.add(
            said("fault.swapped", x=x, y=y),
            said("fault.longitude_first"),
            row=int(row),
            column="geometry",
        )
    for row in np.flatnonzero(metres):
        x, y = bounds[row, :2]
        faults.add(
            said("fault.metres", x=x, y=y, crs=crs.to_string()),
            said("fault.degrees"),
            row=int(row),
            column="geometry",
        )
