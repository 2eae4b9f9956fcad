"""Overlaps as a rule tells them: how much of each subject, in which zones, and which part.

In a layer of moderate size the parts are cut at once and measured. In a large one areas come from
the compiled kernel, and a part is cut when somebody looks at it; the two ways agree to 0.01 m² or
a millionth of the area.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from geo_service.model import AreaMethod
from geo_service.spatial.cutting import ZoneCutter
from geo_service.spatial.overlay import find_overlaps
from geo_service.zoning.batch import GivenShapes, SomeShapes, bounds_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd
    from numpy.typing import NDArray

    from geo_service.spatial.overlay import Coverage
    from geo_service.zoning.batch import Shapes

_FEW_PARTS = 50
"""For fewer parts it is not worth looking at all subjects of a batch."""
MANY_SUBJECTS = 20_000
"""Features of a layer from which on parts are cut only when somebody looks at them."""


@dataclass(frozen=True)
class MeasuredOverlaps:
    """Subjects that overlap zones, one row each.

    `subject` holds positions among the subjects asked about, `inside_m2` and `whole_m2` areas by
    the workspace's method. The zones of row i, and the planar areas shared with each, lie from
    `border[i]` to before `border[i + 1]` of `zone` and `zone_m2`.
    """

    subject: NDArray[np.intp]
    inside_m2: NDArray[np.float64]
    whole_m2: NDArray[np.float64]
    border: NDArray[np.int64]
    zone: NDArray[np.int32]
    zone_m2: NDArray[np.float64]
    parts: Shapes

    def zones_of(self, row: int) -> list[int]:
        """Return the positions of the zones that a row meets."""
        return self._zones[self._borders[row] : self._borders[row + 1]]

    def areas_of(self, row: int) -> list[float]:
        """Return the planar area in m² that a row shares with each zone that it meets."""
        return self._areas[self._borders[row] : self._borders[row + 1]]

    @cached_property
    def _borders(self) -> list[int]:
        borders: list[int] = self.border.tolist()
        return borders

    @cached_property
    def _zones(self) -> list[int]:
        zones: list[int] = self.zone.tolist()
        return zones

    @cached_property
    def _areas(self) -> list[float]:
        areas: list[float] = self.zone_m2.tolist()
        return areas

    def of(self, rows: NDArray[np.intp]) -> MeasuredOverlaps:
        """Return some of the rows."""
        if len(rows) == len(self.subject):
            return self
        counts = np.diff(self.border)[rows]
        border = np.concatenate([[0], np.cumsum(counts)])
        position = np.repeat(self.border[rows] - border[:-1], counts) + np.arange(border[-1])
        return MeasuredOverlaps(
            self.subject[rows],
            self.inside_m2[rows],
            self.whole_m2[rows],
            border,
            self.zone[position],
            self.zone_m2[position],
            SomeShapes(self.parts, rows),
        )


def measure_overlaps(
    covered: Coverage,
    mask: NDArray[np.bool_],
    method: AreaMethod,
    area_m2: Callable[[NDArray[np.object_]], NDArray[np.float64]],
    count: int | None = None,
) -> MeasuredOverlaps:
    """Return the overlaps of chosen subjects.

    Parameters
    ----------
    covered
        How much of each subject the zones cover.
    mask
        The subjects to tell of, which all overlap some zone.
    method, area_m2
        The workspace's way to measure areas, and what measures them.
    count
        How many subjects the layer has, if these are a part of them.
    """
    shapes = covered.subjects.geometry.to_numpy()
    whole = len(shapes) if count is None else count
    if whole >= MANY_SUBJECTS and method is AreaMethod.PLANAR:
        shared = covered.shared(mask)
        if shared is not None:
            border, zone, zone_m2 = shared
            subject = np.flatnonzero(mask)
            return MeasuredOverlaps(
                subject,
                covered.area_m2[subject],
                area_m2(shapes[subject]),
                border,
                zone,
                zone_m2,
                CutLater(covered.subjects.iloc[subject], covered.zones),
            )
    found = covered.parts(mask)
    return MeasuredOverlaps(
        found.subject,
        area_m2(found.parts),
        area_m2(shapes[found.subject]),
        np.cumsum([0, *map(len, found.zones)]),
        np.array([zone for zones in found.zones for zone in zones], dtype=np.int32),
        np.array([area for areas in found.zone_areas_m2 for area in areas], dtype=np.float64),
        GivenShapes(found.parts),
    )


@dataclass(frozen=True)
class CutLater:
    """The parts of subjects that zones cover, cut whenever they are asked for."""

    subjects: gpd.GeoDataFrame
    zones: gpd.GeoDataFrame

    def of(self, rows: NDArray[np.intp]) -> NDArray[np.object_]:
        """Return the parts of these rows; None where only the kernel finds an overlap."""
        if len(rows) < _FEW_PARTS:
            found = find_overlaps(self.subjects.iloc[rows], self.zones)
            parts = np.full(len(rows), None, dtype=object)
            parts[found.subject] = found.parts
            return parts
        return self._cutter.parts(rows)

    @cached_property
    def _cutter(self) -> ZoneCutter:
        return ZoneCutter(self.subjects.geometry.to_numpy(), self.zones.geometry.to_numpy())

    def exist(self) -> NDArray[np.bool_]:
        """Return that every row has a part."""
        return np.ones(len(self.subjects), dtype=bool)

    def bounds(self) -> NDArray[np.float64]:
        """Return the boxes of the subjects, of which the parts are cut."""
        return bounds_of(self.subjects.geometry.to_numpy())
