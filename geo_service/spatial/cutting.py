"""Cut the parts of many subjects that zones cover, some subjects at a time.

Plain pairs of a subject and a zone are cut by the compiled kernel, others by shapely. The parts are
those of `overlay.find_overlaps`, vertex for vertex. Geometry is valid and in one metric CRS.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo_service import native
from geo_service.spatial.overlay import polygons_only
from geo_service.spatial.ragged import Ragged

if TYPE_CHECKING:
    from numpy.typing import NDArray

_VERTICES_PER_PAIR = 40
"""Vertices of parts for which room is made at first; for more of them it is doubled."""
_LEAST_ROOM = 1024
_LEFT_OUT = -1


class ZoneCutter:
    """The parts of some subjects that zones cover; safe to use from several threads."""

    def __init__(self, subjects: NDArray[np.object_], zones: NDArray[np.object_]) -> None:
        """Take polygons; nothing is done until parts are asked for."""
        self._subjects = subjects
        self._zones = zones
        self._lock = threading.Lock()

    def parts(self, rows: NDArray[np.intp]) -> NDArray[np.object_]:
        """Return the part of each of these subjects that zones cover; None for no area."""
        row, zone = self._tree.query(self._subjects[rows])
        order = np.lexsort((zone, row))
        row, zone = row[order], zone[order]
        pieces = polygons_only(self.pieces(rows[row], zone))
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

    def pieces(self, subject: NDArray[np.intp], zone: NDArray[np.intp]) -> NDArray[np.object_]:
        """Return the intersection of subjects with the zone beside each, both by position."""
        pieces = np.full(len(subject), shapely.Polygon(), dtype=object)
        rest = np.ones(len(subject), dtype=bool)
        with self._lock:
            sides = self._sides
        if sides is not None:
            rings, polygons = sides.cut(subject, zone)
            rest = rings == _LEFT_OUT
            counts = np.where(rest, 0, rings)
            of_polygon = np.repeat(np.arange(len(counts)), counts)
            is_alone = counts[of_polygon] == 1
            pieces[of_polygon[is_alone]] = polygons[is_alone]
            if not is_alone.all():
                several, place = np.unique(of_polygon[~is_alone], return_inverse=True)
                pieces[several] = shapely.multipolygons(polygons[~is_alone], indices=place)
        pieces[rest] = shapely.intersection(self._subjects[subject[rest]], self._zones[zone[rest]])
        return pieces

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self._zones)

    @cached_property
    def _sides(self) -> _Sides | None:
        return _Sides(self._subjects, self._zones) if native.load() else None


class _Sides:
    """Subjects and zones in the kernel's form, with the zones' sides indexed."""

    def __init__(self, subjects: NDArray[np.object_], zones: NDArray[np.object_]) -> None:
        kernel = native.require()
        self._subjects = Ragged.as_given(subjects)
        self._zones = Ragged.as_given(zones)
        handle = kernel.geo_sides_build(ctypes.byref(self._zones.struct))
        if handle is None:
            raise MemoryError
        self._handle = handle
        self._kernel = kernel
        weakref.finalize(self, kernel.geo_sides_free, handle)

    def cut(
        self, subject: NDArray[np.intp], zone: NDArray[np.intp]
    ) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
        """Return how many polygons each piece has, -1 where shapely must cut it, and all polygons.

        The polygons have one ring each.
        """
        pairs = len(subject)
        own, other = (np.ascontiguousarray(each, dtype=np.int64) for each in (subject, zone))
        count = np.zeros(pairs, dtype=np.int64)
        rings, paths = [np.zeros(1, dtype=np.int64)], [np.empty((0, 2))]
        room, done, start = max(_LEAST_ROOM, _VERTICES_PER_PAIR * pairs), 0, 0
        while done < pairs:
            ends, xy = np.empty(room, dtype=np.int64), np.empty((room, 2))
            reached = self._kernel.geo_sides_cut(
                self._handle,
                ctypes.byref(self._subjects.struct),
                *(native.address(each) for each in (own, other)),
                *(done, pairs, room, room),
                *(native.address(each) for each in (count, ends, xy)),
            )
            made = ends[: np.maximum(count[done:reached], 0).sum()]
            if len(made):
                rings.append(made + start)
                paths.append(xy[: made[-1]])
                start += int(made[-1])
            if reached == done:
                room *= 2
            done = int(reached)
        offsets = np.concatenate(rings)
        polygons = shapely.from_ragged_array(
            shapely.GeometryType.POLYGON,
            np.concatenate(paths),
            (offsets, np.arange(len(offsets))),
        )
        return count, np.asarray(polygons, dtype=object)
