"""Where places meet the roads, as columns. How they are found is told in `network`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.spatial.linear_reference import Floats


@dataclass(frozen=True, eq=False)
class RoadAccess:
    """Where places meet the roads, one row per place; NaN for a place that meets none.

    `measure` is the point on the roads, `off_road_m` its distance, `xy` the place's own point.
    """

    measure: Floats
    off_road_m: Floats
    xy: Floats

    @classmethod
    def joined(cls, parts: Sequence[RoadAccess]) -> RoadAccess:
        """Return the rows of all parts, one after the other."""
        return cls(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("measure", "off_road_m", "xy")
            )
        )

    def taken(self, rows: NDArray[Any]) -> RoadAccess:
        """Return some rows."""
        return RoadAccess(self.measure[rows], self.off_road_m[rows], self.xy[rows])

    def with_rows(self, rows: NDArray[Any], other: RoadAccess) -> RoadAccess:
        """Return this with some rows from another one, given in the order of `rows`."""
        made = RoadAccess(self.measure.copy(), self.off_road_m.copy(), self.xy.copy())
        made.measure[rows], made.off_road_m[rows] = other.measure, other.off_road_m
        made.xy[rows] = other.xy
        return made


@dataclass(frozen=True, eq=False)
class RoadDoors:
    """Where places meet the roads: the nearest one, and the nearest of the main part."""

    access: RoadAccess
    main: RoadAccess
    """Looked for only where the nearest road is cut off."""

    def taken(self, rows: NDArray[Any]) -> RoadDoors:
        """Return those of some places."""
        return RoadDoors(self.access.taken(rows), self.main.taken(rows))

    def with_rows(self, rows: NDArray[Any], other: RoadDoors) -> RoadDoors:
        """Return this with those of some places from another one, in the order of `rows`."""
        return RoadDoors(
            self.access.with_rows(rows, other.access), self.main.with_rows(rows, other.main)
        )
