"""Measure overlaps between two layers: exact areas, and the overlapping parts themselves.

Zones of one layer that overlap each other are counted once. Frames share one metric CRS;
the rules decide what an overlap means. Areas come from the compiled kernel (`grid_overlay`)
if it is present and faster, the parts always from shapely.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo_service.crs import require_metric
from geo_service.spatial.grid_overlay import ZoneGrid, is_available
from geo_service.spatial.ragged import Ragged

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd
    from numpy.typing import NDArray


VERTICES_PER_SUBJECT = 500
"""Vertices of zones per subject up to which cutting the zones into a grid is worth it.

Cutting this many vertices takes about as long as shapely takes for one subject.
"""

_FEW = 1_000
"""Of so many subjects the boxes are looked at first: often none lies near a zone."""


@dataclass(frozen=True)
class Overlaps:
    """Subjects with the zones that they overlap, one row per subject that overlaps any.

    `subject` holds positions in the subject frame, `parts` the overlapping area as
    polygons, `zones` the positions of the overlapped zones and `zone_areas_m2` the planar
    area shared with each of them (where zones overlap each other, their sum is larger).
    """

    subject: NDArray[np.intp]
    parts: NDArray[np.object_]
    zones: tuple[tuple[int, ...], ...]
    zone_areas_m2: tuple[tuple[float, ...], ...] = ()


def _not_there() -> None:
    return None


_NONE = Overlaps(np.zeros(0, dtype=np.intp), np.zeros(0, dtype=object), ())


class ZoneOverlay:
    """The zones of one layer, to overlay on several layers of subjects.

    The kernel's grid is made once, for the first layer of subjects that makes it worthwhile.
    """

    def __init__(self, zones: gpd.GeoDataFrame) -> None:
        self.zones = zones
        self._grid: ZoneGrid | None = None

    def suits_grid(self, count: int, *, has_grid: bool) -> bool:
        """Return whether the kernel's grid is worth it for so many subjects.

        `has_grid` says whether it was made for other subjects before.
        """
        if not (count and is_available() and self._is_plain):
            return False
        return has_grid or self._vertices <= VERTICES_PER_SUBJECT * count

    def over(
        self,
        subjects: gpd.GeoDataFrame,
        *,
        by_grid: bool | None = None,
        ragged: Callable[[], Ragged | None] = _not_there,
    ) -> Coverage:
        """Return how much of each subject the zones cover; geometry is valid, in one metric CRS.

        `by_grid` says whether the kernel is to measure, so that a part of a layer is measured
        like the whole; None for what suits these subjects. `ragged` returns the subjects in the
        kernel's form, if the caller has them.
        """
        require_metric(subjects, self.zones)
        if not (len(subjects) and len(self.zones)):
            return Coverage(np.zeros(len(subjects)), subjects, self.zones, _NONE)
        shapes = subjects.geometry.to_numpy()
        if len(shapes) <= _FEW and not len(self._tree.query(shapes)[0]):
            return Coverage(np.zeros(len(subjects)), subjects, self.zones, _NONE)
        if by_grid is None:
            by_grid = self.suits_grid(len(subjects), has_grid=self._grid is not None)
        if by_grid and is_plain(shapes):
            if self._grid is None:
                self._grid = ZoneGrid.build(self.zones.geometry.to_numpy())
            own = ragged() or Ragged.from_shapely(shapes)
            area_m2 = self._grid.covered_area(own)
            return Coverage(area_m2, subjects, self.zones, by_kernel=(self._grid, own))
        area_m2 = np.zeros(len(subjects))
        found = find_overlaps(subjects, self.zones)
        area_m2[found.subject] = shapely.area(found.parts)
        return Coverage(area_m2, subjects, self.zones, found)

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.zones.geometry.to_numpy())

    @cached_property
    def _vertices(self) -> int:
        return int(shapely.get_num_coordinates(self.zones.geometry.to_numpy()).sum())

    @cached_property
    def _is_plain(self) -> bool:
        return is_plain(self.zones.geometry.to_numpy())


@dataclass(frozen=True)
class Coverage:
    """How much of each subject is covered by zones, and on request which parts.

    `area_m2` is planar and in the subjects' order; zones that overlap each other count
    once. The kernel and shapely agree to 1e-6 of the area or 0.01 m².
    """

    area_m2: NDArray[np.float64]
    subjects: gpd.GeoDataFrame
    zones: gpd.GeoDataFrame
    overlaps: Overlaps | None = None
    by_kernel: tuple[ZoneGrid, Ragged] | None = None
    """The grid that measured the areas and the subjects in its form, if the kernel did."""

    def shared(
        self, mask: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]] | None:
        """Return the zones that chosen subjects share area with, as `ZoneGrid.shares` does.

        None where the kernel did not measure the areas.
        """
        if self.by_kernel is None:
            return None
        grid, own = self.by_kernel
        return grid.shares(own.take(np.flatnonzero(mask)))

    def parts(self, mask: NDArray[np.bool_]) -> Overlaps:
        """Return the covered parts of chosen subjects, by their positions among all subjects."""
        if self.overlaps is not None:
            is_chosen = mask[self.overlaps.subject]
            pairs = np.flatnonzero(is_chosen)
            zones = tuple(self.overlaps.zones[position] for position in pairs)
            areas = tuple(self.overlaps.zone_areas_m2[position] for position in pairs)
            return Overlaps(
                self.overlaps.subject[is_chosen], self.overlaps.parts[is_chosen], zones, areas
            )
        positions = np.flatnonzero(mask)
        found = find_overlaps(self.subjects.iloc[positions], self.zones)
        return Overlaps(positions[found.subject], found.parts, found.zones, found.zone_areas_m2)


def overlap_areas(subjects: gpd.GeoDataFrame, zones: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Return the planar area in m² of each subject that zones cover, in the subjects' order.

    Both frames share one metric CRS; their geometry is valid. Zones that overlap each
    other count once.
    """
    return ZoneOverlay(zones).over(subjects).area_m2


def is_plain(shapes: NDArray[np.object_]) -> bool:
    """Return whether no shape is a collection, which the kernel does not take."""
    return bool((shapely.get_type_id(shapes) != shapely.GeometryType.GEOMETRYCOLLECTION).all())


def polygons_only(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return each shape without its points and lines, so that only parts with area remain.

    >>> from shapely import wkt
    >>> mixed = wkt.loads("GEOMETRYCOLLECTION (POINT (5 5), POLYGON ((0 0, 1 0, 1 1, 0 0)))")
    >>> polygons_only(np.array([mixed]))[0].geom_type
    'Polygon'
    """
    result = np.asarray(shapes, dtype=object).copy()
    mixed = np.flatnonzero(shapely.get_type_id(result) == shapely.GeometryType.GEOMETRYCOLLECTION)
    for position in mixed:
        parts = [part for part in shapely.get_parts(result[position]) if part.area > 0]
        result[position] = shapely.union_all(parts)
    flat = shapely.get_dimensions(result) < 2  # noqa: PLR2004 - dimension of a surface
    result[flat] = shapely.Polygon()
    return result


def find_overlaps(subjects: gpd.GeoDataFrame, zones: gpd.GeoDataFrame) -> Overlaps:
    """Return where subjects overlap zones; touching borders do not count.

    Both frames share one metric CRS. A subject that meets several zones gets one part,
    the union of what they cover of it.
    """
    require_metric(subjects, zones)
    shapes, others = subjects.geometry.to_numpy(), zones.geometry.to_numpy()
    # The few large zones are prepared and query the many small subjects.
    zone, subject = shapely.STRtree(shapes).query(others, predicate="intersects")
    pieces = polygons_only(shapely.intersection(shapes[subject], others[zone]))
    has_area = shapely.area(pieces) > 0
    zone, subject, pieces = zone[has_area], subject[has_area], pieces[has_area]
    order = np.lexsort((zone, subject))
    zone, subject, pieces = zone[order], subject[order], pieces[order]
    unique, first = np.unique(subject, return_index=True)
    last = np.append(first[1:], len(subject))[: len(first)]
    parts = np.empty(len(unique), dtype=object)
    areas = shapely.area(pieces)
    met, met_areas = [], []
    for row, (start, stop) in enumerate(zip(first, last, strict=True)):
        several = stop - start > 1
        parts[row] = shapely.union_all(pieces[start:stop]) if several else pieces[start]
        met.append(tuple(zone[start:stop].tolist()))
        met_areas.append(tuple(areas[start:stop].tolist()))
    return Overlaps(unique, polygons_only(parts), tuple(met), tuple(met_areas))
