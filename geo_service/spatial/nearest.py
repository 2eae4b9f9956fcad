"""Distance from many places to the nearest line of a layer, and which line that is.

Distances are planar and exact. The compiled kernel (`grid_overlay`) measures where it is there,
shapely's tree otherwise; both give the same lines. Ways along roads are measured in `network`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo_service.crs import require_metric
from geo_service.spatial.grid_overlay import LineGrid, is_available
from geo_service.spatial.ragged import Ragged

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    Frame = gpd.GeoDataFrame | gpd.GeoSeries


_STRIPS = 256
"""How many strips, and cells of a strip, scattered subjects are sorted into."""


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest line of each subject, in the subjects' order.

    `distance_m` is NaN and `line`, a position in the layer, -1 where a subject is missing or
    empty, or where there is no line. A subject that touches a line or holds one is at 0 m, and
    so is one inside a surface among the lines. Of lines equally near the first counts.
    """

    distance_m: NDArray[np.float64]
    line: NDArray[np.int32]


class NearestLines:
    """The lines of one layer, indexed once; it does not change and serves several threads."""

    def __init__(self, lines: Frame) -> None:
        """Index lines; points and surfaces may be among them, missing ones are passed over.

        Raises
        ------
        CrsError
            There is no CRS, or one without metres.
        ValueError
            A geometry is a collection, or has a coordinate that is not finite.
        """
        require_metric(lines)
        self._lines = lines.geometry
        self._grid: LineGrid | None = None
        self._tree: shapely.STRtree | None = None
        if is_available():
            self._grid = LineGrid.build(_ragged(self._lines.to_numpy()))
        else:
            self._tree = shapely.STRtree(self._lines.to_numpy())

    def of(self, subjects: Frame, *, threads: int = 2) -> Nearest:
        """Return the nearest line of each subject: points, lines or polygons.

        Raises
        ------
        CrsError
            The subjects are not in the CRS of the lines.
        ValueError
            A geometry is a collection, or has a coordinate that is not finite.
        """
        require_metric(subjects, self._lines)
        shapes = subjects.geometry.to_numpy()
        if self._grid is None:
            return self._by_tree(shapes)
        # Scattered subjects are taken neighbour after neighbour: a search starts where the one
        # before it ended.
        order = _in_strips(shapes)
        found = self._grid.nearest(_ragged(shapes[order]), threads=threads)
        distance_m, line = np.empty_like(found[0]), np.empty_like(found[1])
        distance_m[order], line[order] = found
        return Nearest(distance_m, line)

    def _by_tree(self, shapes: NDArray[np.object_]) -> Nearest:
        distance_m = np.full(len(shapes), np.nan)
        line = np.full(len(shapes), -1, dtype=np.int32)
        there = np.flatnonzero(~(shapely.is_missing(shapes) | shapely.is_empty(shapes)))
        if self._tree is None or not (len(there) and len(self._tree)):
            return Nearest(distance_m, line)
        (own, other), found = self._tree.query_nearest(shapes[there], return_distance=True)
        order = np.lexsort((other, own))
        own, first = np.unique(own[order], return_index=True)
        distance_m[there[own]] = found[order][first]
        line[there[own]] = other[order][first]
        return Nearest(distance_m, line)


def nearest_lines(subjects: Frame, lines: Frame) -> Nearest:
    """Return each subject's distance to the nearest line of a layer, see `NearestLines`."""
    return NearestLines(lines).of(subjects)


def _in_strips(shapes: NDArray[np.object_]) -> NDArray[np.intp]:
    """Return an order in which shapes follow on neighbours: up one strip and down the next."""
    corner = shapely.bounds(shapes)[:, :2]
    is_there = np.asarray(np.isfinite(corner).all(axis=1))
    if not is_there.any():
        return np.arange(len(shapes))
    low, high = corner[is_there].min(axis=0), corner[is_there].max(axis=0)
    size = np.where(high > low, high - low, 1.0)
    cell = (np.where(is_there[:, None], corner - low, 0.0) / size * (_STRIPS - 1)).astype(np.int32)
    column, row = cell.T
    row = np.where(column % 2 == 1, _STRIPS - 1 - row, row)
    return np.argsort(column * _STRIPS + row, kind="stable")


def _ragged(shapes: NDArray[np.object_]) -> Ragged:
    """Return shapes as the kernel takes them; points are taken over without binary."""
    is_point = shapely.get_type_id(shapes) == shapely.GeometryType.POINT
    if len(shapes) and is_point.all() and not shapely.is_empty(shapes).any():
        return Ragged.from_points(shapely.get_coordinates(shapes))
    return Ragged.from_shapely(shapes)
