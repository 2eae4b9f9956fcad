"""A layer handed out: the features of a kept version, and boundary-point texts of its shapes.

What goes out of a version is what a map may show of the layer: figures of enterprises and
amounts of money stay here, and rows cannot be sought by them either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from geo_service.domain.subjects import is_any_illustrative
from geo_service.errors import InvalidQueryError, NotFoundError
from geo_service.ingest.formats.boundary_points import write_boundary_points, zone_epsg
from geo_service.maps.layers import FEATURE_SOURCES, PARK_COLUMNS
from geo_service.planning.layers import version_rows
from geo_service.reports.document import Document, Slice, collection, feature, geometry_json
from geo_service.schema import SCHEMAS, ColumnKind
from geo_service.scratch import scratch_folder
from geo_service.stores.difference import feature_ids
from geo_service.stores.frames import layer_schema, meeting
from geo_service.wording import said

if TYPE_CHECKING:
    import pandas as pd

    from geo_service.plan import Plan
    from geo_service.stores.base import Box, Cell
    from geo_service.workspace.opening import Workspace

_ALWAYS = ("name", "source", "illustrative")
_SHOWN: Mapping[str, tuple[str, ...]] = {
    **{name: source.columns for name, source in FEATURE_SOURCES.items()},
    "parks": PARK_COLUMNS,
    "enterprises": ("park_id", "industry_code", "status"),
}
_BOOLEANS = {"true": True, "false": False}
_ZONES = range(25, 46)
"""The 3° zones of China."""
_ZONE_DEG = 3
_MADE_UP = "含示意数据"
ENCODING = "GB18030"


def public_columns(layer: str) -> tuple[str, ...]:
    """Return the columns of a layer that may go out; NotFoundError for an unknown layer."""
    schema = layer_schema(layer)
    shown = {*schema.key, *_ALWAYS, *_SHOWN.get(layer, ())}
    return tuple(name for name in schema.columns if name in shown)


def version_features(
    opened: Workspace,
    layer: str,
    version: str,
    *,
    bbox: Box | None = None,
    where: Iterable[str] = (),
    slice_: Slice = (100, 0),
) -> Document:
    """Return features of a version of a layer as GeoJSON (CRS84), in their order.

    Parameters
    ----------
    version
        A number or a version, as the history lists them.
    bbox
        West, south, east, north in degrees; only shapes that meet it.
    where
        `COLUMN:VALUE` each, of the columns that go out; nothing after the colon is a missing
        value. Several of one column are alternatives.
    page
        Limit and offset.

    Raises
    ------
    NotFoundError
        No such layer, or a version that is not kept.
    InvalidQueryError
        A condition on a column that does not go out, or a box for a table.
    """
    columns = public_columns(layer)
    asked = _conditions(layer, columns, where)
    entry, frame = version_rows(opened, layer, version, bbox=bbox, where=asked)
    limit, offset = slice_
    part = frame.iloc[offset : offset + limit]
    shapes: list[Document | None] = [None] * len(part)
    if isinstance(part, gpd.GeoDataFrame) and len(part):
        shapes = geometry_json(part.geometry)
    rows = part[list(columns)].to_dict("records")
    features = [
        feature(str(identity), shape, {str(name): cell for name, cell in row.items()})
        for identity, shape, row in zip(
            feature_ids(part, SCHEMAS[layer]), shapes, rows, strict=True
        )
    ]
    return collection(features, len(frame), number=entry.number, version=entry.version)


def _conditions(
    layer: str, columns: tuple[str, ...], where: Iterable[str]
) -> dict[str, list[Cell]]:
    parameter = "where"
    found: dict[str, list[Cell]] = {}
    for text in where:
        name, separator, value = text.partition(":")
        if not separator or name not in columns:
            msg = said("problem.where", found=repr(text[:60]), known=list(columns))
            raise InvalidQueryError(parameter, msg)
        cell: Cell = value or None
        if cell is not None and SCHEMAS[layer].field(name).kind is ColumnKind.BOOLEAN:
            cell = _BOOLEANS.get(value.lower(), value)
        found.setdefault(name, []).append(cell)
    return found


def boundary_points(
    plan: Plan, layer: str = "parcels", *, park_id: str | None = None, bbox: Box | None = None
) -> bytes:
    """Return the shapes of a polygon layer as a boundary-point text (界址点 TXT) in GB18030.

    In the plan's metric CRS where that is a CGCS2000 Gauss-Krueger zone, else in the 3° zone
    in which the shapes lie. Rows without a shape are left out; a heading line says when any
    feature is illustrative.

    Raises
    ------
    NotFoundError
        No such layer, or no shape to write.
    InvalidQueryError
        The layer has other shapes than polygons, or does not say whose park a row is.
    """
    schema = layer_schema(layer)
    if schema.geometry != "polygon":
        parameter, msg = "layer", said("problem.no_polygons", layer=repr(layer))
        raise InvalidQueryError(parameter, msg)
    frame: gpd.GeoDataFrame = plan.geo(layer)
    if park_id is not None:
        if "park_id" not in schema.columns:
            parameter, msg = "park_id", said("problem.no_park_column", layer=repr(layer))
            raise InvalidQueryError(parameter, msg)
        frame = frame[(frame["park_id"] == park_id).fillna(value=False)]
    frame = _with_shapes(meeting(frame, bbox))
    if frame.empty:
        msg = said("problem.no_shape", layer=repr(layer))
        raise NotFoundError(msg)
    is_made_up = is_any_illustrative(frame)
    with scratch_folder("points") as folder:
        path = folder / "points.txt"
        write_boundary_points(
            frame.to_crs(_survey_crs(plan, frame)),
            path,
            number=schema.key[0],
            name="name" if "name" in frame else None,
            land_use="land_use" if "land_use" in frame else None,
            encoding=ENCODING,
            heading={"备注": _MADE_UP} if is_made_up else None,
        )
        return path.read_bytes()


def _with_shapes(frame: pd.DataFrame) -> gpd.GeoDataFrame:
    shapes = gpd.GeoDataFrame(frame).geometry.to_numpy()
    return gpd.GeoDataFrame(frame[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))])


def _survey_crs(plan: Plan, frame: gpd.GeoDataFrame) -> pyproj.CRS:
    """Return the metric CRS if surveys exchange points in it, else the 3° zone of the shapes."""
    known = {
        zone_epsg(width, zone, is_prefixed=is_prefixed)
        for width in (3, 6)
        for zone in (*range(13, 24), *_ZONES)
        for is_prefixed in (False, True)
    }
    code: Any = plan.metric_crs.to_epsg()
    if code is not None and code in known:
        return plan.metric_crs
    west, _, east, _ = frame.total_bounds
    zone = round(float((west + east) / 2) / _ZONE_DEG)
    zone = int(np.clip(zone, _ZONES.start, _ZONES.stop - 1))
    return pyproj.CRS.from_user_input(f"EPSG:{zone_epsg(_ZONE_DEG, zone, is_prefixed=False)}")
