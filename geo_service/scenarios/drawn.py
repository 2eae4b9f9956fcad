"""Shapes that an edit brings: read from GeoJSON, of the layer's kind, valid, inside the county."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import shapely
from shapely.geometry.base import BaseGeometry

from geo_service.scenarios.refusal import refuse
from geo_service.schema import SCHEMAS, STORED_GEOMETRY
from geo_service.wording import said

if TYPE_CHECKING:
    from collections.abc import Mapping

    from geo_service.scenarios.workbench import Workbench

OUTSIDE_M2 = 1.0
"""Ground outside the county that is no more than this is the roughness of its outline."""
OUTSIDE_M = 10.0
"""Length of a line outside the county that is none."""


def drawn_shape(
    bench: Workbench, geometry: Mapping[str, Any] | None, layer: str, *, field: str
) -> BaseGeometry | None:
    """Return a shape of a layer in the storage CRS.

    Refused: one of another kind, an invalid or empty one, one that leaves the county; and none,
    where the layer wants one.
    """
    schema = SCHEMAS[layer]
    kinds = sorted(STORED_GEOMETRY[schema.geometry or "point"])
    if geometry is None:
        if schema.is_geometry_optional or schema.geometry is None:
            return None
        refuse(field, said("fault.no_geometry"), said("fault.shapes", kinds=kinds))
    shape = read_shape(geometry, kinds, field=field)
    check_in_county(bench, shape, field=field)
    return shape


def read_shape(geometry: Mapping[str, Any], kinds: list[str], *, field: str) -> BaseGeometry:
    """Return a GeoJSON geometry as a valid shape of one of some kinds."""
    try:
        shape: BaseGeometry = shapely.from_geojson(orjson.dumps(dict(geometry)))
    except (shapely.errors.GEOSException, ValueError):
        refuse(field, said("scenario.unreadable_shape"), said("fault.shapes", kinds=kinds))
    if shape.geom_type not in kinds:
        found = said("fault.shape", kind=shape.geom_type)
        refuse(field, found, said("fault.shapes", kinds=kinds))
    if shape.is_empty:
        refuse(field, said("fault.no_geometry"), said("fault.shapes", kinds=kinds))
    check_valid(shape, field=field)
    return shape


def check_valid(shape: BaseGeometry, *, field: str) -> None:
    """Refuse a shape that crosses itself, or is otherwise none."""
    if not shapely.is_valid(shape):
        reason = str(shapely.is_valid_reason(shape))
        refuse(field, said("fault.invalid_shape", reason=reason), said("scenario.valid_shape"))


def check_in_county(bench: Workbench, shape: BaseGeometry, *, field: str) -> None:
    """Refuse a shape that leaves the county, where the plan knows its ground."""
    county = bench.county
    if county is None or county.covers(shape):
        return
    outside = bench.to_metric(shapely.difference(shape, county))
    if outside is None or outside.is_empty:
        return
    # The outline that is known of a county is coarse: a hair beyond it is inside.
    area, length = float(outside.area), float(outside.length)
    is_hair = area <= OUTSIDE_M2 if shape.area else length <= OUTSIDE_M and bool(shape.length)
    if not is_hair:
        at = shape.representative_point()
        refuse(field, said("scenario.outside", x=at.x, y=at.y), said("scenario.inside_county"))
