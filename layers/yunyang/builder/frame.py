"""What all layers share: seed, coordinate systems, and how files are written.

Nothing here knows the county. Files are plain text that diffs well: one GeoJSON feature or
CSV row per line, UTF-8, line feeds, coordinates with nine decimals (0.1 mm).
"""

from __future__ import annotations

import csv
import io
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

SEED = 20260101
METRIC_CRS = "EPSG:4545"
STORAGE_CRS = "EPSG:4490"
DECIMALS = 9
ILLUSTRATIVE = "示意数据（illustrative），为演示而拟"

_TO_STORAGE = pyproj.Transformer.from_crs(METRIC_CRS, STORAGE_CRS, always_xy=True)
_TO_METRIC = pyproj.Transformer.from_crs(STORAGE_CRS, METRIC_CRS, always_xy=True)

Item = TypeVar("Item")
Properties = dict[str, Any]


class Dice:
    """A named stream of random numbers: the same name always gives the same numbers.

    Only `Generator.random` is used, the one method whose stream NumPy keeps stable.
    """

    def __init__(self, name: str) -> None:
        self._generator = np.random.default_rng([SEED, zlib.crc32(name.encode())])

    def uniform(self, low: float, high: float) -> float:
        """Return a number from `low` up to `high`."""
        return low + (high - low) * float(self._generator.random())

    def integer(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        return low + int((high - low + 1) * float(self._generator.random()))

    def pick(self, items: Sequence[Item]) -> Item:
        """Return one of the items."""
        return items[self.integer(0, len(items) - 1)]

    def chance(self, share: float) -> bool:
        """Return True in `share` of all calls."""
        return float(self._generator.random()) < share


@dataclass(frozen=True)
class Feature:
    """One feature: its attributes, and its geometry in metres."""

    properties: Properties
    geometry: BaseGeometry = field(repr=False)


def to_metric(lon: float, lat: float) -> tuple[float, float]:
    """Convert a point in degrees to easting and northing in metres."""
    x, y = _TO_METRIC.transform(lon, lat)
    return float(x), float(y)


def to_degrees(x: float, y: float) -> tuple[float, float]:
    """Convert a point in metres to longitude and latitude, rounded as written."""
    lon, lat = _TO_STORAGE.transform(x, y)
    return round(float(lon), DECIMALS), round(float(lat), DECIMALS)


def geometry_to_metric(geometry: BaseGeometry) -> BaseGeometry:
    """Convert a geometry from degrees to metres."""
    return shapely.transform(
        geometry, lambda xy: np.column_stack(_TO_METRIC.transform(xy[:, 0], xy[:, 1]))
    )


def _geometry_json(geometry: BaseGeometry) -> Mapping[str, Any]:
    """Return a metric geometry as a GeoJSON member in degrees, wound by the right-hand rule."""
    in_degrees = shapely.transform(
        geometry,
        lambda xy: np.round(np.column_stack(_TO_STORAGE.transform(xy[:, 0], xy[:, 1])), DECIMALS),
    )
    wound = shapely.orient_polygons(in_degrees, exterior_cw=False)
    return dict(shapely.geometry.mapping(wound))


def geojson_text(name: str, features: Iterable[Feature]) -> str:
    """Return a layer as GeoJSON in EPSG:4490, one feature a line."""
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}
    lines = [
        _dump(
            {
                "type": "Feature",
                "properties": feature.properties,
                "geometry": _geometry_json(feature.geometry),
            }
        )
        for feature in features
    ]
    head = f'{{"type":"FeatureCollection","name":{_dump(name)},"crs":{_dump(crs)},"features":[\n'
    return head + ",\n".join(lines) + "\n]}\n"


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return a table as CSV; None becomes an empty cell, booleans `true` and `false`."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
    return buffer.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")
    return str(value)
