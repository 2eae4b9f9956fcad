"""Overlaps between two layers: exact areas, and the overlapping parts themselves.

Zones of one layer that overlap each other are counted once. Frames are given in one
metric CRS; what an overlap means is decided by the rules. Areas come from the compiled
kernel (`grid_overlay`) where it is there and pays, the parts always from shapely.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo_service.crs import require_metric
from geo_service.spatial.grid_overlay import ZoneGrid, is_available
from geo_service.spatial.ragged import Ragged

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray


VERTICES_PER_SUBJECT = 500
"""Up to how many vertices of zones for each subject it pays to cut the zones into a grid.

Cutting takes about as long as shapely needs for one subject in so many vertices.
"""


def overlap_areas(subjects: gpd.GeoDataFrame, zones: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Return the planar area in m² of each subject that zones cover, in the subjects' order.

    Both frames share one metric CRS; their geometry is valid. Zones that overlap each
    other count once. The kernel and shapely agree to 1e-6 of the area or 0.01 m².
    """
    require_metric(subjects, zones)
    if not (len(subjects) and len(zones)):
        return np.zeros(len(subjects))
    shapes, others = subjects.geometry.to_numpy(), zones.geometry.to_numpy()
    if _is_for_grid(shapes, others):
        return ZoneGrid.build(others).covered_area(Ragged.from_shapely(shapes))
    area_m2 = np.zeros(len(subjects))
    found = find_overlaps(subjects, zones)
    area_m2[found.subject] = shapely.area(found.parts)
    return area_m2


def _is_for_grid(shapes: NDArray[np.object_], zones: NDArray[np.object_]) -> bool:
    if not is_available():
        return False
    vertices = int(shapely.get_num_coordinates(zones).sum())
    if vertices > VERTICES_PER_SUBJECT * len(shapes):
        return False
    types = np.union1d(shapely.get_type_id(shapes), shapely.get_type_id(zones))
    return shapely.GeometryType.GEOMETRYCOLLECTION not in types


@dataclass(frozen=True)
class Overlaps:
    """Pairs of a subject with the zones it overlaps, one row a subject that has any.

    `subject` holds positions in the subject frame, `parts` the overlapping area as
    polygons, `zones` the positions of the zones met.
    """

    subject: NDArray[np.intp]
    parts: NDArray[np.object_]
    zones: tuple[tuple[int, ...], ...]


def polygons_only(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return each shape with its points and lines dropped; what remains has area.

    >>> from shapely import wkt
    >>> mixed = wkt.loads("GEOMETRYCOLLECTION (POINT (5 5), POLYGON ((0 0, 1 0, 1 1, 0 0)))")
    >>> polygons_only(np.array([mixed]))[0].geom_type
    'Polygon'
    """
    result = np.asarray(shapes, dtype=object).copy()
    mixed = np.flatnonzero(shapely.get_type_id(result) == shapely.GeometryType.GEOMETRYCOLLECTION)
    for place in mixed:
        parts = [part for part in shapely.get_parts(result[place]) if part.area > 0]
        result[place] = shapely.union_all(parts)
    flat = shapely.get_dimensions(result) < 2  # noqa: PLR2004 - dimension of a surface
    result[flat] = shapely.Polygon()
    return result


def find_overlaps(subjects: gpd.GeoDataFrame, zones: gpd.GeoDataFrame) -> Overlaps:
    """Return where subjects overlap zones, touching borders left out.

    Both frames share one metric CRS. A subject that meets several zones gets one part,
    the union of what they cover of it.
    """
    require_metric(subjects, zones)
    shapes, others = subjects.geometry.to_numpy(), zones.geometry.to_numpy()
    # The few large zones are prepared and look for the many small subjects.
    zone, subject = shapely.STRtree(shapes).query(others, predicate="intersects")
    pieces = polygons_only(shapely.intersection(shapes[subject], others[zone]))
    has_area = shapely.area(pieces) > 0
    zone, subject, pieces = zone[has_area], subject[has_area], pieces[has_area]
    order = np.lexsort((zone, subject))
    zone, subject, pieces = zone[order], subject[order], pieces[order]
    unique, first = np.unique(subject, return_index=True)
    last = np.append(first[1:], len(subject))[: len(first)]
    parts = np.empty(len(unique), dtype=object)
    met = []
    for row, (start, stop) in enumerate(zip(first, last, strict=True)):
        several = stop - start > 1
        parts[row] = shapely.union_all(pieces[start:stop]) if several else pieces[start]
        met.append(tuple(int(position) for position in zone[start:stop]))
    return Overlaps(unique, polygons_only(parts), tuple(met))
