"""Find pairs of polygons of one layer that lie on each other, with the area that they share.

Polygons that touch, along a line or at a point, do not overlap. What is little enough to be noise
of a survey, the caller decides. Geometry is valid and in one metric CRS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo_service.spatial.grid_overlay import ZoneGrid, is_available
from geo_service.spatial.overlay import is_plain
from geo_service.spatial.ragged import Ragged

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_CHUNK = 100_000
"""Shapes whose neighbours are looked up at once: a million have many."""
_MANY = 10_000
"""Shapes, or pairs of them, from which on those that only touch are left out first."""
_SURE = 0.5
"""Of the least area that counts, more than the kernel's measure of it differs from GEOS'."""


@dataclass(frozen=True)
class OverlappingPairs:
    """Pairs of polygons by their positions, the first before the second, and what they share."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    area_m2: NDArray[np.float64]
    """The planar area that both cover."""

    def __len__(self) -> int:
        """Return how many pairs there are."""
        return len(self.first)

    def where(self, mask: NDArray[np.bool_]) -> OverlappingPairs:
        """Return some of the pairs."""
        return OverlappingPairs(self.first[mask], self.second[mask], self.area_m2[mask])


def overlapping_pairs(
    shapes: NDArray[np.object_],
    *,
    least_m2: float,
    ragged: Callable[[], Ragged | None] = lambda: None,
) -> OverlappingPairs:
    """Return the pairs of polygons that share more than `least_m2`, in order of their positions.

    `ragged` returns the shapes in the kernel's form, if the caller has them.
    """
    if len(shapes) > _MANY and is_available() and is_plain(shapes):
        first, second = _sharing(ragged() or Ragged.from_shapely(shapes), least_m2)
    else:
        first, second = _doubtful(shapes, least_m2)
        if len(first) > _MANY:
            first, second = _not_edge_to_edge(shapes, first, second)
    area_m2 = shapely.area(shapely.intersection(shapes[first], shapes[second]))
    order = np.lexsort((second, first))
    found = OverlappingPairs(first[order], second[order], area_m2[order])
    return found.where(found.area_m2 > least_m2)


def pairs_of(
    shapes: NDArray[np.object_], chosen: NDArray[np.intp], *, least_m2: float
) -> OverlappingPairs:
    """Return those of `overlapping_pairs` to which one of the chosen positions belongs."""
    bounds = shapely.bounds(shapes)
    found = [(np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp))]
    for position in chosen.tolist():
        west, south, east, north = bounds[position]
        is_near = (bounds[:, 0] <= east) & (bounds[:, 2] >= west)
        is_near &= (bounds[:, 1] <= north) & (bounds[:, 3] >= south)
        is_near[position] = False
        others = np.flatnonzero(is_near)
        found.append((np.minimum(others, position), np.maximum(others, position)))
    ends = np.concatenate([np.stack(pair) for pair in found], axis=1)
    first, second = np.unique(ends, axis=1) if ends.size else ends
    area_m2 = shapely.area(shapely.intersection(shapes[first], shapes[second]))
    return OverlappingPairs(first, second, area_m2).where(area_m2 > least_m2)


def may_overlap(shapes: NDArray[np.object_], *, least_deg: float) -> NDArray[np.intp]:
    """Return the positions of shapes in degrees whose boxes share more than a hairline.

    Of a large layer few are left, and only these need to be measured in metres.
    """
    first, second = _doubtful(shapes, least_deg**2, least_side=least_deg)
    return np.unique(np.concatenate([first, second]))


def _doubtful(
    shapes: NDArray[np.object_], least_area: float, *, least_side: float = 0.0
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the pairs whose boxes share so much; what the shapes share is at most that."""
    bounds = shapely.bounds(shapes)
    tree = shapely.STRtree(shapes)
    found = [(np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp))]
    for start in range(0, len(shapes), _CHUNK):
        one, other = tree.query(shapes[start : start + _CHUNK])
        one = one + start
        is_pair = one < other
        one, other = one[is_pair], other[is_pair]
        low = np.maximum(bounds[one, :2], bounds[other, :2])
        high = np.minimum(bounds[one, 2:], bounds[other, 2:])
        sides = np.maximum(high - low, 0.0)
        is_doubtful = (np.prod(sides, axis=1) > least_area) & (sides > least_side).all(axis=1)
        found.append((one[is_doubtful], other[is_doubtful]))
    first, second = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return first, second


def _sharing(own: Ragged, least_m2: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the pairs that share about so much by the compiled kernel, which is quick to say."""
    border, other, area_m2 = ZoneGrid.build(own).shares(own)
    one = np.repeat(np.arange(len(own)), np.diff(border))
    is_near = (one < other) & (area_m2 > _SURE * least_m2)
    return one[is_near], other[is_near].astype(np.intp)


def _not_edge_to_edge(
    shapes: NDArray[np.object_], first: NDArray[np.intp], second: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Leave out pairs of polygons that only have neighbours edge to edge, which takes less time."""
    positions = np.unique(np.concatenate([first, second]))
    edges = shapely.coverage_invalid_edges(shapes[positions])
    is_unfit = np.zeros(len(shapes), dtype=bool)
    is_unfit[positions] = ~(shapely.is_missing(edges) | shapely.is_empty(edges))
    is_left = is_unfit[first] | is_unfit[second]
    return first[is_left], second[is_left]
