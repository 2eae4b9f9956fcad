"""Coordinate reference systems: one to store in, one to measure in, and the guard between.

Layers are stored in geographic CGCS2000 (EPSG:4490) and measured in a metric CRS that
the workspace names (EPSG:4545 for 3-degree zone 36, central meridian 108 E). Degrees
never enter an area, a buffer or a distance: `require_metric` prevents it.
Offsets of GCJ-02 and BD-09 are not handled here.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyproj
import shapely

from geo_service.errors import CrsError
from geo_service.model import AreaMethod, Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

STORAGE_CRS = "EPSG:4490"
"""Geographic CGCS2000 (longitude, latitude): the CRS in which layers are stored and exchanged."""

WEB_CRS = "OGC:CRS84"
"""The CRS of GeoJSON on the web; CGCS2000 is within centimetres of it."""

SAME_DATUM_TOLERANCE = frozenset({"EPSG:4326", "OGC:CRS84", "EPSG:4490"})
"""Geographic CRSs that are treated as CGCS2000, without a shift."""


def is_metric(crs: pyproj.CRS | None) -> bool:
    """Return whether a CRS is projected, with metres on both axes."""
    return crs is not None and _is_metric(crs.srs)


_MANY_VERTICES = 100_000
"""From so many on, half of them are projected in another thread."""


def projected(
    shapes: NDArray[np.object_], source: pyproj.CRS | str, target: pyproj.CRS | str
) -> NDArray[np.object_]:
    """Return shapes in another CRS, as geopandas projects them; missing ones stay missing.

    Longitude and easting come first in either.
    """
    if shapely.has_z(shapes).any():
        import geopandas as gpd  # noqa: PLC0415 - kept out of the import of the constants above

        return np.asarray(gpd.GeoSeries(shapes, crs=source).to_crs(target).to_numpy())
    x, y = (np.ascontiguousarray(axis) for axis in shapely.get_coordinates(shapes).T)
    transformer = pyproj.Transformer.from_crs(source, target, always_xy=True)

    def project(part: slice) -> None:
        transformer.transform(x[part], y[part], inplace=True)

    middle = len(x) // 2
    if len(x) < _MANY_VERTICES:
        project(slice(None))
    else:
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(project, slice(middle))
            project(slice(middle, None))
            first.result()
    moved: NDArray[np.object_] = shapely.set_coordinates(shapes.copy(), np.column_stack([x, y]))
    return moved


@cache
def _is_metric(name: str) -> bool:
    crs = pyproj.CRS.from_user_input(name)
    return bool(crs.is_projected) and all(axis.unit_name == "metre" for axis in crs.axis_info)


def require_metric(*frames: gpd.GeoDataFrame | gpd.GeoSeries) -> pyproj.CRS:
    """Return the metric CRS that all frames share.

    Raises
    ------
    CrsError
        A frame has no CRS or one in degrees, or the frames' CRSs differ.
    """
    first = frames[0].crs
    for frame in frames:
        crs = frame.crs
        if crs is not first or not is_metric(crs):
            _refuse_unless_alike(crs, first)
    return first if isinstance(first, pyproj.CRS) else pyproj.CRS(first)


def _refuse_unless_alike(crs: pyproj.CRS | None, first: pyproj.CRS | None) -> None:
    if not is_metric(crs):
        raise CrsError(Message("problem.needs_metres", {"crs": crs_label(crs)}))
    if crs != first:
        found = {"one": crs_label(first), "other": crs_label(crs)}
        raise CrsError(Message("problem.one_crs", found))


def crs_label(crs: pyproj.CRS | None) -> Message:
    """Return what a message calls a CRS, or that there is none.

    >>> crs_label(None).key
    'fault.no_crs'
    """
    if crs is None:
        return Message("fault.no_crs")
    return Message("fault.crs", {"crs": crs.to_string()})


def is_storage_like(crs: pyproj.CRS) -> bool:
    """Return whether coordinates in this CRS are stored unchanged."""
    return any(crs == pyproj.CRS.from_user_input(name) for name in SAME_DATUM_TOLERANCE)


def measure_area_m2(
    geometry: Sequence[shapely.Geometry] | NDArray[np.object_],
    *,
    method: AreaMethod,
    crs: pyproj.CRS,
) -> NDArray[np.float64]:
    """Return the area in m² of geometries given in a metric CRS.

    `planar` is the area in the plane of `crs`; `ellipsoid` converts back to longitude and
    latitude and measures the geodesic polygon on the CRS's own ellipsoid.
    """
    shapes = np.asarray(geometry, dtype=object)
    if method is AreaMethod.PLANAR:
        return np.asarray(shapely.area(shapes), dtype=np.float64)
    geod = crs.get_geod()
    if geod is None:
        raise CrsError(Message("problem.no_ellipsoid", {"crs": crs.to_string()}))
    to_degrees = pyproj.Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
    in_degrees = shapely.transform(shapes, lambda xy: np.column_stack(to_degrees.transform(*xy.T)))
    return np.array(
        [abs(geod.geometry_area_perimeter(_oriented(shape))[0]) for shape in in_degrees],
        dtype=np.float64,
    )


def _oriented(shape: shapely.Geometry) -> shapely.Geometry:
    """Wind shells one way and holes the other, so that holes are subtracted."""
    return shapely.orient_polygons(shape)
