"""Cut the parts of many subjects that zones cover, some subjects at a time.

Which subjects meet which zones, and which lie wholly inside one, is found once for a layer, zone
by zone; a part is cut when it is asked for, from what lies of the zone near the subject. The parts
are those of `overlay.find_overlaps`, vertex for vertex. Geometry is valid and in one metric CRS.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo_service.spatial.overlay import polygons_only

if TYPE_CHECKING:
    from numpy.typing import NDArray

_THREADS = 2
_VERTICES_AT_ONCE = 200_000
"""Vertices of zones that are indexed at once; their indexes take some hundred bytes each."""
_MANY_VERTICES = 100
"""Vertices of a zone from which on subjects are cut from what lies of it near them."""
_GROUP_M = 400.0
"""Side of the squares in which subjects share what lies of a zone near them."""


@dataclass(frozen=True)
class _Pairs:
    """Subjects and the zones that they meet, in order; those of subject i end at `end[i]`."""

    zone: NDArray[np.object_]
    """What lies of the zone near the subject."""
    is_inside: NDArray[np.bool_]
    """Whether the subject lies inside the zone and does not touch its boundary."""
    end: NDArray[np.intp]


class ZoneCutter:
    """The parts of some subjects that zones cover; safe to use from several threads."""

    def __init__(self, subjects: NDArray[np.object_], zones: NDArray[np.object_]) -> None:
        """Take polygons; nothing is done until parts are asked for."""
        self._subjects = subjects
        self._zones = zones
        self._found: _Pairs | None = None
        self._lock = threading.Lock()

    def parts(self, rows: NDArray[np.intp]) -> NDArray[np.object_]:
        """Return the part of each of these subjects that zones cover; None for no area."""
        pairs = self._pairs()
        start = np.concatenate([[0], pairs.end])[rows]
        counts = pairs.end[rows] - start
        row = np.repeat(np.arange(len(rows)), counts)
        pair = np.repeat(start - (np.cumsum(counts) - counts), counts) + np.arange(len(row))
        subject, zone = self._subjects[rows[row]], pairs.zone[pair]
        pieces = polygons_only(cut_pieces(subject, zone, pairs.is_inside[pair]))
        has_area = shapely.area(pieces) > 0
        row, pieces = row[has_area], pieces[has_area]
        parts = np.full(len(rows), None, dtype=object)
        own, first, count = np.unique(row, return_index=True, return_counts=True)
        parts[own] = pieces[first]
        for number in np.flatnonzero(count > 1).tolist():
            start_at = int(first[number])
            joined = shapely.union_all(pieces[start_at : start_at + int(count[number])])
            parts[own[number]] = polygons_only(np.array([joined], dtype=object))[0]
        return parts

    def _pairs(self) -> _Pairs:
        with self._lock:
            if self._found is None:
                self._found = self._find()
            return self._found

    def _find(self) -> _Pairs:
        tree = shapely.STRtree(self._subjects)
        vertices = np.cumsum(shapely.get_num_coordinates(self._zones))
        chunk_of = vertices // _VERTICES_AT_ONCE
        chunks = np.split(np.arange(len(self._zones)), np.flatnonzero(np.diff(chunk_of)) + 1)

        def meet(chunk: NDArray[np.intp]) -> tuple[NDArray[np.intp], ...]:
            # Copies, since an index that is made for a shape stays with it.
            own = shapely.force_2d(self._zones[chunk])
            shapely.prepare(own)
            zone, subject = tree.query(own, predicate="intersects")
            return (
                subject,
                chunk[zone],
                shapely.contains_properly(own[zone], self._subjects[subject]),
            )

        with ThreadPoolExecutor(_THREADS) as pool:
            found = list(pool.map(meet, chunks))
        none = np.zeros(0, dtype=np.intp)
        subject = np.concatenate([none, *(one[0] for one in found)])
        zone = np.concatenate([none, *(one[1] for one in found)])
        inside = np.concatenate([np.zeros(0, dtype=bool), *(one[2] for one in found)])
        order = np.lexsort((zone, subject))
        end = np.cumsum(np.bincount(subject, minlength=len(self._subjects)))
        near = zones_near(self._subjects[subject[order]], self._zones[zone[order]])
        return _Pairs(near, inside[order], end)


def cut_pieces(
    subjects: NDArray[np.object_], zones: NDArray[np.object_], is_inside: NDArray[np.bool_]
) -> NDArray[np.object_]:
    """Return the intersection of each subject with the zone beside it.

    `is_inside` says which subjects lie inside without touching the zone's boundary: those with one
    ring are not intersected, but turned into what GEOS would make of them.
    """
    pieces = np.empty(len(subjects), dtype=object)
    single = _singly(subjects)
    whole = np.flatnonzero(is_inside & _has_one_ring(single))
    turned, is_turned = _as_geos_cuts(single[whole])
    pieces[whole[is_turned]] = turned[is_turned]
    rest = np.ones(len(subjects), dtype=bool)
    rest[whole[is_turned]] = False
    pieces[rest] = shapely.intersection(subjects[rest], zones[rest])
    return pieces


def zones_near(subjects: NDArray[np.object_], zones: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return what lies of each zone near the subject beside it.

    GEOS makes the same of both, to the last digit: every side of a zone within twice the length of
    its longest from a group of subjects stays as it is. Left whole are zones of few vertices, of
    several rings, and those that do not reach beyond a group's surroundings.
    """
    near = zones.copy()
    is_large = (shapely.get_type_id(zones) == shapely.GeometryType.POLYGON) & (
        shapely.get_num_coordinates(zones) >= _MANY_VERTICES
    )
    is_large[is_large] = shapely.get_num_interior_rings(zones[is_large]) == 0
    rows = np.flatnonzero(is_large)
    if not len(rows):
        return near
    own, zone = _same_zones(zones[rows])
    reach_m = 2 * _longest_sides(own)[zone]
    bounds = shapely.bounds(subjects[rows])
    middle = (bounds[:, :2] + bounds[:, 2:]) / 2
    cell = np.floor(middle / np.maximum(_GROUP_M, reach_m)[:, None])
    groups, group = np.unique(np.column_stack([zone, cell]), axis=0, return_inverse=True)
    low = np.full((len(groups), 2), np.inf)
    high = np.full((len(groups), 2), -np.inf)
    np.minimum.at(low, group, bounds[:, :2] - reach_m[:, None])
    np.maximum.at(high, group, bounds[:, 2:] + reach_m[:, None])
    of_group = groups[:, 0].astype(np.intp)
    whole = shapely.bounds(own)[of_group]
    reaches_out = (whole[:, :2] < low).any(axis=1) | (whole[:, 2:] > high).any(axis=1)
    clipped = own[of_group]
    for number in np.flatnonzero(reaches_out).tolist():
        part = shapely.clip_by_rect(clipped[number], *low[number], *high[number])
        if isinstance(part, (shapely.Polygon, shapely.MultiPolygon)) and not part.is_empty:
            clipped[number] = part
    near[rows] = clipped[group]
    return near


def _same_zones(
    zones: NDArray[np.object_],
) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    """Return the zones that differ, as objects, and which of them each is."""
    _, first, which = np.unique(
        np.fromiter(map(id, zones), dtype=np.uint64, count=len(zones)),
        return_index=True,
        return_inverse=True,
    )
    return zones[first], which


def _longest_sides(polygons: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return the length of the longest side of each polygon of one ring."""
    xy = shapely.get_coordinates(polygons)
    end = np.cumsum(shapely.get_num_coordinates(polygons))
    sides = np.hypot(*np.diff(xy, axis=0, append=xy[-1:]).T)
    sides[end - 1] = 0.0  # from the last vertex of one to the first of the next
    longest: NDArray[np.float64] = np.maximum.reduceat(sides, np.concatenate([[0], end[:-1]]))
    return longest


def _singly(subjects: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return subjects, the only polygon of those that are collections of one."""
    single = subjects.copy()
    is_one = (shapely.get_type_id(subjects) == shapely.GeometryType.MULTIPOLYGON) & (
        shapely.get_num_geometries(subjects) == 1
    )
    single[is_one] = shapely.get_geometry(subjects[is_one], 0)
    return single


def _has_one_ring(shapes: NDArray[np.object_]) -> NDArray[np.bool_]:
    is_polygon = shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON
    return np.asarray(
        is_polygon & (shapely.get_num_interior_rings(shapes) == 0) & ~shapely.has_z(shapes),
        dtype=bool,
    )


def _as_geos_cuts(
    polygons: NDArray[np.object_],
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Return polygons of one ring as GEOS' overlay returns them whole, and which could be.

    The ring is clockwise and begins at the second vertex; a vertex that is given twice in a row
    would be left out, which is not done here.
    """
    if not len(polygons):
        return polygons, np.zeros(0, dtype=bool)
    _, xy, (of_ring, _) = shapely.to_ragged_array(polygons, include_z=False)
    first, count = of_ring[:-1], np.diff(of_ring)
    step = np.diff(xy, axis=0)
    is_still = np.zeros(len(xy), dtype=bool)
    is_still[:-1] = (step == 0).all(axis=1)
    is_still[of_ring[1:] - 1] = False
    stands = np.concatenate([[0], np.cumsum(is_still)])
    is_plain = stands[of_ring[1:]] == stands[first]
    clockwise = ~shapely.is_ccw(shapely.get_exterior_ring(polygons))
    # In a ring of n + 1 positions, vertex k of the turned one is k + 1, or n - 1 - k backwards.
    place = np.arange(len(xy)) - np.repeat(first, count)
    last = np.repeat(count - 1, count)
    ahead = np.where(np.repeat(clockwise, count), place + 1, last - 1 - place) % last
    turned = xy[np.repeat(first, count) + ahead]
    offsets = (of_ring, np.arange(len(polygons) + 1))
    made = shapely.from_ragged_array(shapely.GeometryType.POLYGON, turned, offsets)
    return np.asarray(made, dtype=object), is_plain
