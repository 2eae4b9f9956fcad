"""Bring a layer's frame into the canonical form that stores keep; digest it, filter its rows.

The form is that of the schema: its columns in order, one data type for each kind, no stand-ins
for missing values, geometry in EPSG:4490 or None. A store returns what `reading.read_layer`
would return for the same rows, so plans do not depend on where their frames were kept.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
import pyproj
import shapely

from geo_service.crs import STORAGE_CRS, crs_label, is_storage_like
from geo_service.errors import Fault, InvalidQueryError, NotFoundError, WorkspaceError
from geo_service.schema import SCHEMAS, ColumnKind, Field, LayerSchema, Need
from geo_service.wording import said

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapely.geometry.base import BaseGeometry

    from geo_service.model import Message
    from geo_service.stores.base import Box, Where

_NUL = "\x00"
_FEW = 300


def canonical(frame: pd.DataFrame, layer: str) -> pd.DataFrame:
    """Return a copy of a layer's frame in the form that stores keep.

    Raises
    ------
    WorkspaceError
        Columns are missing or too many, a value does not fit its column's kind, or the
        geometry is not in EPSG:4490.
    """
    schema = SCHEMAS[layer]
    faults = list(_misfits(frame, schema))
    columns: dict[str, pd.Series[Any]] = {}
    if not faults:
        plain = pd.DataFrame(frame).reset_index(drop=True)
        for item in schema.fields:
            cells = plain[item.name]
            try:
                columns[item.name] = _converted(cells, item)
            except (TypeError, ValueError, OverflowError):
                found = said("fault.column_of", dtype=str(cells.dtype))
                expected = said("fault.values_of", kind=item.kind.value)
                faults.append(_fault(layer, item.name, found, expected))
    if faults:
        msg = said("problem.not_kept", layer=repr(layer))
        raise WorkspaceError(msg, faults)
    table = pd.DataFrame(columns, index=pd.RangeIndex(len(frame)))
    if schema.geometry is None or not isinstance(frame, gpd.GeoDataFrame):
        return table
    shapes = frame.geometry.to_numpy().copy()
    shapes[shapely.is_empty(shapes)] = None
    return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(shapes, crs=STORAGE_CRS))


def _misfits(frame: pd.DataFrame, schema: LayerSchema) -> list[Fault]:
    geometry = ("geometry",) if schema.geometry is not None else ()
    wanted, found = {*schema.columns, *geometry}, set(map(str, frame.columns))
    faults = [
        _fault(schema.name, name, said("fault.no_such_column"), said("fault.every_column"))
        for name in sorted(wanted - found)
    ]
    faults += [
        _fault(schema.name, name, said("fault.other_column"), said("fault.own_columns"))
        for name in sorted(found - wanted)
    ]
    if not faults and geometry:
        crs = frame.crs if isinstance(frame, gpd.GeoDataFrame) else None
        if crs is None or not is_storage_like(pyproj.CRS(crs)):
            found_crs = crs_label(crs)
            expected = said("fault.geometry_in", crs=STORAGE_CRS)
            faults.append(_fault(schema.name, "geometry", found_crs, expected))
    plain = pd.DataFrame(frame)
    for item in schema.fields if not faults else ():
        if _has_nul(plain[item.name]):
            faults.append(_fault(schema.name, item.name, said("fault.nul"), said("fault.text")))
    return faults


def _has_nul(cells: pd.Series[Any]) -> bool:
    if len(cells) < _FEW:  # looked at one by one, which is quicker than to begin with a column
        is_text = any(cells.dtype == name for name in ("str", "object"))
        return is_text and any(isinstance(cell, str) and _NUL in cell for cell in cells.tolist())
    return bool(pd.api.types.is_string_dtype(cells) and cells.str.contains(_NUL, regex=False).any())


def _fault(layer: str, column: str, found: Message, expected: Message) -> Fault:
    return Fault(
        file=said("fault.frame"), layer=layer, column=column, found=found, expected=expected
    )


_ALWAYS: Mapping[ColumnKind, Any] = MappingProxyType(
    {ColumnKind.NUMBER: np.dtype("float64"), ColumnKind.DATE: np.dtype("datetime64[us]")}
)

_COUNTED: Mapping[ColumnKind, tuple[Any, Any]] = MappingProxyType(
    {ColumnKind.INTEGER: ("int64", "Int64"), ColumnKind.BOOLEAN: ("bool", "boolean")}
)
"""The types of a column that has every value, and of one that may lack some."""


def _converted(cells: pd.Series[Any], item: Field) -> pd.Series[Any]:
    if item.kind in _ALWAYS:
        dtype = _ALWAYS[item.kind]
        if cells.dtype == dtype:
            return cells
        return (pd.to_datetime(cells) if item.kind is ColumnKind.DATE else cells).astype(dtype)
    if item.kind in _COUNTED:
        is_whole = item.need is Need.VALUE and not cells.isna().any()
        whole, other = _COUNTED[item.kind]
        dtype = whole if is_whole else other
        return cells if cells.dtype == dtype else cells.astype(dtype)
    return cells if cells.dtype == "str" else cells.where(cells.notna(), None).astype("str")


def later_columns(layer: str) -> frozenset[str]:
    """Return the columns that a version of a layer may lack, having been kept before them."""
    return frozenset(item.name for item in SCHEMAS[layer].fields if item.is_later)


def with_later_columns(frame: pd.DataFrame, layer: str) -> pd.DataFrame:
    """Return a frame with the columns that came after it was kept, without values."""
    lacking = sorted(later_columns(layer) - set(map(str, frame.columns)))
    return frame.assign(**dict.fromkeys(lacking)) if lacking else frame


_SHAPES_AT_ONCE = 10_000


def content_digest(frame: pd.DataFrame, layer: str) -> str:
    """Return SHA-256 of the content of a frame in canonical form, as 64 hexadecimal digits.

    It covers the layer's name, its columns and their values in order, and the shapes bit by
    bit; not data types, which the schema defines. JSON writes a float with enough digits to
    distinguish it from its neighbours. A column that came later counts once it has a value, so
    that a version kept before it has the digest that it had.
    """
    digest = hashlib.sha256(f"{layer}|{len(frame)}".encode())
    later = later_columns(layer)
    for name in frame.columns:
        if name in later and frame[name].isna().all():
            continue
        digest.update(f"|{name}|".encode())
        if name == "geometry":
            shapes = shapely.to_wkb(frame["geometry"].to_numpy(), byte_order=1)
            for first in range(0, len(shapes), _SHAPES_AT_ONCE):
                some = shapes[first : first + _SHAPES_AT_ONCE]
                digest.update(
                    b"".join(
                        b"-" if each is None else len(each).to_bytes(8) + each for each in some
                    )
                )
        else:
            digest.update(orjson.dumps(_plain_cells(frame[name])))
    return digest.hexdigest()


def _plain_cells(cells: pd.Series[Any]) -> list[Any]:
    if pd.api.types.is_datetime64_dtype(cells):
        return [None if pd.isna(cell) else cell.isoformat() for cell in cells]
    values, missing = cells.tolist(), cells.isna().to_numpy(dtype=bool)
    if not missing.any():
        return values
    return [None if lacks else cell for cell, lacks in zip(values, missing.tolist(), strict=True)]


# ---- conditions ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Condition:
    """The values of one column that a row may have."""

    column: str
    allowed: tuple[str | float | bool | datetime, ...]
    allows_missing: bool


def conditions(layer: str, where: Where | None) -> tuple[Condition, ...]:
    """Return the conditions in `where`, with values converted to their column's type.

    Raises
    ------
    InvalidQueryError
        The layer has no such column, or a value is of another type.
    """
    return tuple(_condition(layer, name, asked) for name, asked in (where or {}).items())


def _condition(layer: str, name: str, value: object) -> Condition:
    schema = SCHEMAS[layer]
    if name not in schema.columns:
        raise InvalidQueryError(name, said("problem.no_column", layer=repr(layer), name=repr(name)))
    item = schema.field(name)
    cells = tuple(value) if isinstance(value, (list, tuple, set, frozenset)) else (value,)
    try:
        values = tuple(_value(cell, item) for cell in cells if cell is not None)
    except (TypeError, ValueError):
        msg = said("problem.column_kind", name=repr(name), layer=repr(layer), kind=str(item.kind))
        raise InvalidQueryError(name, msg) from None
    return Condition(name, values, allows_missing=any(cell is None for cell in cells))


def _value(cell: Any, item: Field) -> str | float | bool | datetime:  # noqa: ANN401 - any cell
    if item.kind is ColumnKind.NUMBER:
        return float(cell)
    if item.kind is ColumnKind.INTEGER:
        if float(cell) % 1:
            raise ValueError
        return int(cell)
    if item.kind is ColumnKind.BOOLEAN:
        if cell not in (True, False):
            raise ValueError
        return bool(cell)
    if item.kind is ColumnKind.DATE:
        stamp: datetime = pd.Timestamp(cell).to_pydatetime()
        return stamp
    if not isinstance(cell, str):
        raise TypeError
    return cell


def fitting(frame: pd.DataFrame, wheres: tuple[Condition, ...]) -> pd.DataFrame:
    """Return the rows that meet the conditions."""
    for condition in wheres:
        cells = frame[condition.column]
        is_met = cells.isin(condition.allowed).fillna(value=False).astype(bool)
        if condition.allows_missing:
            is_met |= cells.isna()
        frame = frame[is_met]
    return frame.reset_index(drop=True)


def meeting(frame: pd.DataFrame, bbox: Box | None) -> pd.DataFrame:
    """Return the rows whose shape meets a box; rows without a shape never do."""
    if bbox is None:
        return frame
    if not isinstance(frame, gpd.GeoDataFrame):
        name = "bbox"
        raise InvalidQueryError(name, said("problem.bbox_table"))
    met = shapely.intersects(frame.geometry.to_numpy(), box_shape(bbox))
    return frame[met].reset_index(drop=True)


def box_shape(bbox: Box) -> BaseGeometry:
    """Return a box as a shape: a line if it has no width or no height, a point if neither."""
    west, south, east, north = bbox
    if west < east and south < north:
        return shapely.box(*bbox)
    corners = dict.fromkeys(((west, south), (east, north)))
    return shapely.LineString(list(corners)) if len(corners) > 1 else shapely.Point(west, south)


def layer_schema(layer: str) -> LayerSchema:
    """Return a layer's schema; raises NotFoundError for an unknown name."""
    if layer not in SCHEMAS:
        msg = said("problem.no_layer", name=repr(layer), known=list(SCHEMAS))
        raise NotFoundError(msg)
    return SCHEMAS[layer]
