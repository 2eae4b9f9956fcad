"""Lay lines end to end along one measure, and find where they connect.

A point on any of many lines is then a single number of metres, and lines are cut by sorting
numbers; no geometry is split. Travel over the lines is left to `network`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from geo_service.spatial.grid_overlay import LineGrid, is_available
from geo_service.spatial.overlay import is_plain
from geo_service.spatial.ragged import Ragged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Positions = NDArray[np.intp]

SAME_M = 0.01
"""Vertices and points this close are the same, since coordinates were converted from degrees."""

_PIECE = 16
"""Number of a line's segments that are indexed in one box."""

_MANY_SHAPES = 1_000
"""From so many shapes on the kernel's index is worth building."""

_GAP_M = 1.0
"""The gap in metres between one line and the next along the measure."""


@dataclass(frozen=True, eq=False)
class Courses:
    """The vertices of many lines, line after line, and each vertex's measure in metres.

    `line` is the line of each vertex, `row` the layer's row that each line is a part of,
    `start` the first vertex of each line, with the total number of vertices at the end.
    """

    xy: Floats
    measure: Floats
    line: Positions
    row: Positions
    start: Positions

    @classmethod
    def of(cls, shapes: NDArray[np.object_]) -> Courses:
        """Lay out lines and multilines, leaving out missing ones and those without length."""
        parts, row = shapely.get_parts(shapes, return_index=True)
        has_length = shapely.length(parts) > 0
        parts, row = parts[has_length], row[has_length]
        xy, line = shapely.get_coordinates(parts, return_index=True)
        is_other_line = np.diff(line) != 0
        is_new = np.ones(len(xy), dtype=bool)
        is_new[1:] = (np.diff(xy, axis=0) != 0).any(axis=1) | is_other_line
        xy, line = xy[is_new], line[is_new]
        step = np.zeros(len(xy))
        step[1:] = np.where(np.diff(line) != 0, _GAP_M, np.hypot(*np.diff(xy, axis=0).T))
        start = np.searchsorted(line, np.arange(len(parts) + 1))
        return cls(xy, np.cumsum(step), line, row, start)

    @property
    def first(self) -> Floats:
        """The measure at which each line starts."""
        return self.measure[self.start[:-1]]

    @property
    def last(self) -> Floats:
        """The measure at which each line ends."""
        return self.measure[self.start[1:] - 1]

    def line_at(self, measure: Floats) -> Positions:
        """Return the line on which each measure lies."""
        return np.searchsorted(self.first, measure, side="right") - 1

    def at(self, measure: Floats) -> Floats:
        """Return the coordinates of points given by their measures."""
        if not len(measure):
            return np.zeros((0, 2))
        x, y = (np.interp(measure, self.measure, axis) for axis in self.xy.T)
        return np.column_stack([x, y])

    def between(self, start: float, end: float) -> Floats:
        """Return the coordinates from one point to another on the same line, in that direction."""
        low, high = min(start, end), max(start, end)
        inner = slice(*np.searchsorted(self.measure, [low, high]))
        ends = self.at(np.array([low, high]))
        course = np.vstack([ends[:1], self.xy[inner], ends[1:]])
        return course if start <= end else course[::-1]


class Pieces:
    """An index over lines cut into short runs of segments, to find points near shapes."""

    def __init__(self, courses: Courses, lines: NDArray[np.bool_]) -> None:
        """Index the flagged lines."""
        self._courses = courses
        has_next = np.zeros(len(courses.line), dtype=bool)
        has_next[:-1] = np.diff(courses.line) == 0
        segment = np.flatnonzero(has_next & lines[courses.line])
        offset = segment - courses.start[courses.line[segment]]
        self.first: Positions = segment[offset % _PIECE == 0]
        self.line: Positions = courses.line[self.first]
        end = np.minimum(self.first + _PIECE, courses.start[self.line + 1] - 1)
        count = end - self.first + 1
        piece = np.repeat(np.arange(len(count)), count)
        vertex = np.arange(len(piece)) - np.repeat(np.cumsum(count) - count, count)
        self.shapes: NDArray[np.object_] = shapely.linestrings(
            courses.xy[self.first[piece] + vertex], indices=piece
        )
        self.tree = shapely.STRtree(self.shapes)

    def __len__(self) -> int:
        """Return the number of pieces."""
        return len(self.first)

    def distance(self, shapes: NDArray[np.object_]) -> Floats:
        """Return each shape's distance in metres to the nearest piece; none missing or empty."""
        if len(shapes) >= _MANY_SHAPES and is_available() and is_plain(shapes):
            return self._grid.nearest(Ragged.from_shapely(shapes))[0]
        (shape, _), found = self.tree.query_nearest(shapes, return_distance=True, all_matches=False)
        distance = np.full(len(shapes), np.inf)
        distance[shape] = found
        return distance

    @cached_property
    def _grid(self) -> LineGrid:
        """The pieces for the kernel, which measures many shapes in a fraction of the time."""
        return LineGrid.build(self.shapes)

    def within(
        self, shapes: NDArray[np.object_], distance_m: Floats
    ) -> tuple[Positions, Positions]:
        """Return pairs of a shape and a piece that is at most the shape's distance away."""
        shape, piece = self.tree.query(shapes, predicate="dwithin", distance=distance_m)
        return shape, piece

    def locate(self, shapes: NDArray[np.object_], piece: Positions) -> tuple[Floats, Floats]:
        """Return the measure of each piece's point nearest to its shape, and the shape's point."""
        shortest = shapely.shortest_line(self.shapes[piece], shapes)
        along = shapely.line_locate_point(self.shapes[piece], shapely.get_point(shortest, 0))
        measure = self._courses.measure[self.first[piece]] + along
        own = shapely.get_coordinates(shapely.get_point(shortest, 1))
        return np.minimum(measure, self._courses.last[self.line[piece]]), own


def find_junctions(courses: Courses, snap_m: float) -> tuple[Floats, Positions]:
    """Return the measures at which lines are cut, ascending, and each cut's node.

    Lines are cut at their ends, where an end of a line lies within `snap_m` of them, and at
    vertices that lines share. Connected cuts have the same node; nodes count from 0.
    """
    snap_m = max(snap_m, SAME_M)
    ends = np.concatenate([courses.first, courses.last])
    end_xy = courses.xy[np.concatenate([courses.start[:-1], courses.start[1:] - 1])]
    shared, shared_pairs = _shared_vertices(courses)
    touched_by, touched = _touched(courses, ends, end_xy, snap_m)
    cut = np.concatenate([ends, courses.measure[shared], touched])
    pairs = [
        _pairs(end_xy, snap_m),
        shared_pairs + len(ends),
        np.column_stack([touched_by, len(ends) + len(shared) + np.arange(len(touched))]),
    ]
    order = np.argsort(cut, kind="stable")
    # Lines are a metre apart along the measure, so cuts this close are on one line.
    is_same = np.diff(cut[order]) <= SAME_M
    pairs.append(np.column_stack([order[:-1][is_same], order[1:][is_same]]))
    tail, head = np.concatenate(pairs).T
    graph = coo_array((np.ones(len(tail)), (tail, head)), shape=(len(cut), len(cut)))
    _, node = connected_components(graph, directed=False)
    return cut[order], node[order].astype(np.intp)


def _pairs(xy: Floats, distance_m: float) -> Positions:
    """Return pairs of points at most a distance apart, one pair per row."""
    if not len(xy):
        return np.zeros((0, 2), dtype=np.intp)
    return cKDTree(xy).query_pairs(distance_m, output_type="ndarray")


def _shared_vertices(courses: Courses) -> tuple[Positions, Positions]:
    """Return the vertices at which lines meet, and pairs of positions among them."""
    pairs = _pairs(courses.xy, SAME_M)
    one, other = pairs.T
    apart = np.abs(courses.measure[one] - courses.measure[other])
    pairs = pairs[(courses.line[one] != courses.line[other]) | (apart > 10 * SAME_M)]
    vertices, position = np.unique(pairs, return_inverse=True)
    return vertices, position.reshape(-1, 2)


def _touched(
    courses: Courses, ends: Floats, end_xy: Floats, snap_m: float
) -> tuple[Positions, Floats]:
    """Return pairs of a line's end and the measure at which it touches a line."""
    pieces = Pieces(courses, np.ones(len(courses.row), dtype=bool))
    points = np.asarray(shapely.points(end_xy), dtype=object)
    end, piece = pieces.within(points, np.full(len(points), snap_m))
    measure, _ = pieces.locate(points[end], piece)
    distance = np.hypot(*(courses.at(measure) - end_xy[end]).T)
    line = pieces.line[piece]
    # Neighbouring pieces can report the same touch; of close points the nearest counts.
    order = np.lexsort((measure, line, end))
    end, line, measure, distance = end[order], line[order], measure[order], distance[order]
    is_next = np.ones(len(end), dtype=bool)
    is_next[1:] = (np.diff(end) != 0) | (np.diff(line) != 0) | (np.diff(measure) > 2 * snap_m)
    touch = np.cumsum(is_next)
    order = np.lexsort((measure, distance, touch))
    best = order[np.unique(touch[order], return_index=True)[1]]
    best = best[np.abs(measure[best] - ends[end[best]]) > SAME_M]
    return end[best], measure[best]
