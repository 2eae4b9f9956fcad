"""Measure the distance from many subjects to the nearest line of a layer, and name that line.

Distances are planar and exact. The compiled kernel (`grid_overlay`) measures them if present,
shapely's tree otherwise; both give the same lines. `network` measures travel along roads.
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
    from shapely.geometry.base import BaseGeometry

    Frame = gpd.GeoDataFrame | gpd.GeoSeries


_STRIPS = 256
"""Number of strips, and of cells per strip, into which scattered subjects are sorted."""


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest line of each subject, in the subjects' order.

    `line` is a position in the layer. `distance_m` is NaN and `line` is -1 if the subject is
    missing or empty, or if there are no lines. The distance is 0 m if a subject touches or
    contains a line, or lies in a surface among the lines. Of equally near lines the first counts.
    """

    distance_m: NDArray[np.float64]
    line: NDArray[np.int32]


class NearestLines:
    """The lines of one layer, indexed once; immutable and safe to use from several threads."""

    def __init__(self, lines: Frame) -> None:
        """Index lines; points and surfaces may be among them, missing ones are ignored.

        Raises
        ------
        CrsError
            The lines have no CRS, or one that is not in metres.
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
        # Scattered subjects are processed neighbour by neighbour: each search starts where the
        # previous one ended.
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
    """Return each subject's distance to the nearest line of a layer; see `NearestLines`."""
    return NearestLines(lines).of(subjects)


class LineSides:
    """A line by its sides, to measure from those near a subject, in one CRS with it."""

    def __init__(self, line: BaseGeometry) -> None:
        """Take a line; a surface is measured from as a whole."""
        self._line = line
        self._sides: NDArray[np.float64] | None = None
        if isinstance(line, (shapely.LineString, shapely.MultiLineString)):
            xy, part = shapely.get_coordinates(shapely.get_parts(line), return_index=True)
            self._sides = np.stack([xy[:-1], xy[1:]], axis=1)[part[:-1] == part[1:]]
            self._low, self._high = self._sides.min(axis=1), self._sides.max(axis=1)

    def near(self, subject: BaseGeometry, distance_m: float) -> BaseGeometry:
        """Return the sides from which a subject may be so far.

        GEOS measures the same distance to them as to the whole line, to the last digit; of
        several points that are as near it may name another.
        """
        vertices = int(shapely.get_num_coordinates(subject))
        if self._sides is None or vertices * len(self._sides) < _MANY_PAIRS:
            return self._line
        reach_m = distance_m + _MARGIN_M
        west, south, east, north = subject.bounds
        is_near = (self._low <= (east + reach_m, north + reach_m)).all(axis=1)
        is_near &= (self._high >= (west - reach_m, south - reach_m)).all(axis=1)
        if not is_near.any():
            return self._line
        near: BaseGeometry = shapely.multilinestrings(shapely.linestrings(self._sides[is_near]))
        return near


_MANY_PAIRS = 100_000
"""Pairs of a vertex and a side from which on it is worth looking for the sides near a subject."""
_MARGIN_M = 1.0
"""By how much less a distance may be given than it is."""


def _in_strips(shapes: NDArray[np.object_]) -> NDArray[np.intp]:
    """Return an order in which neighbours follow each other: up one strip and down the next."""
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
    """Return shapes in the kernel's form; points are converted without WKB."""
    is_point = shapely.get_type_id(shapes) == shapely.GeometryType.POINT
    if len(shapes) and is_point.all() and not shapely.is_empty(shapes).any():
        return Ragged.from_points(shapely.get_coordinates(shapes))
    return Ragged.from_shapely(shapes)
