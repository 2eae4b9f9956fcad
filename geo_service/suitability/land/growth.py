"""Growing one compact site out of free ground: a square, cut to what is free around it.

The square is turned along the nearest road and grows around its seed until what is left of
it after all closed ground is cut off has the asked area. Borders are those of the zones
themselves, not of a grid. Whether a site may be built on is for the review's rules to say.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely import affinity

from geo_service.spatial.overlay import polygons_only
from geo_service.suitability.candidates import compactness

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

SETBACK_M = 1.0
"""Sites keep this far from closed ground and from each other: more than survey and rounding."""
LARGEST = 1.1
"""Up to how many sides of the asked square the growing square's half side may be."""
NARROWEST = 0.25
"""Least width of a site's every part, as a share of the asked square's side."""
PRECISION = 1e-3
"""How near to the asked area growing stops, as a share of it, unless a cell is smaller."""
_RECENTRED = 2
"""How often growing starts anew from the middle of what it came to."""
_ALONG_M = 25.0


@dataclass(kw_only=True)
class Growth:
    """Free ground and roads, ready to grow sites of one size on; remembers what it gave away.

    `blocked` is every closed area, `county_shape` the shape that sites stay in, `roads` lines; one
    metric CRS. A site has `needed_m2` and at most `spare_m2` more.
    """

    county_shape: BaseGeometry
    blocked: NDArray[np.object_]
    roads: NDArray[np.object_]
    needed_m2: float
    spare_m2: float
    min_compactness: float
    sites: list[BaseGeometry] = field(default_factory=list)
    districts: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Index what is searched again for every seed."""
        self._blocked = shapely.STRtree(self.blocked)
        self._roads = shapely.STRtree(self.roads)
        self._side_m = math.sqrt(self.needed_m2)
        shapely.prepare(self.county_shape)

    def grow(self, seed: shapely.Point) -> shapely.Polygon | None:
        """Return a site around a seed, or None where no compact one of the area fits."""
        angle = self._angle_at(seed)
        for _ in range(1 + _RECENTRED):
            site = self._fill(self._free_around(seed), seed, angle)
            if site is None:
                return None
            if compactness(site) >= self.min_compactness and not len(site.interiors):
                return site
            seed = site.centroid
        return None

    def is_in_site(self, point: shapely.Point) -> bool:
        """Return whether a point lies in a site that was given away."""
        return bool(shapely.intersects_xy(self.sites, point.x, point.y).any())

    def give(self, site: BaseGeometry, district: int) -> None:
        """Take a site out of the free ground, and count it to its district."""
        shapely.prepare(site)
        self.sites.append(site)
        self.districts[district] += 1

    def road_distance_m(self, shape: BaseGeometry) -> float | None:
        """Return the distance from a shape to the nearest road; None when there is none."""
        position = self._roads.nearest(shape)
        return None if position is None else float(shapely.distance(self.roads[position], shape))

    def _free_around(self, seed: shapely.Point) -> shapely.Polygon:
        """Return the free ground that hangs together with a seed, as far as a site can reach."""
        reach_m = LARGEST * self._side_m * math.sqrt(2) + 2 * SETBACK_M
        window = seed.buffer(reach_m, cap_style="square")
        inside = (
            window if self.county_shape.contains(window) else self.county_shape.intersection(window)
        )
        near = self.blocked[self._blocked.query(window)]
        others = np.array([site for site in self.sites if site.intersects(window)], dtype=object)
        pieces = shapely.intersection(np.concatenate([near, others]), window)
        closed = shapely.union_all(polygons_only(pieces))
        free = shapely.difference(inside, closed)
        return _part_with(shapely.buffer(free, -SETBACK_M, join_style="mitre"), seed)

    def _fill(
        self, free: shapely.Polygon, seed: shapely.Point, angle: float
    ) -> shapely.Polygon | None:
        """Return the least square around a seed whose free part reaches the area, cut to it.

        None where the area is out of reach, or is reached only in a leap over a neck.
        """
        # Heavy, and most rankings look for no open land.
        from scipy.optimize import brentq  # noqa: PLC0415

        shapely.prepare(free)
        low_m, high_m = self._side_m / 2 * (1 + 1e-9), LARGEST * self._side_m
        whole = self._cut(free, seed, low_m, angle)
        if whole.area >= self.needed_m2:
            return whole
        spare_m2 = min(self.spare_m2, PRECISION * self.needed_m2)
        aim_m2 = self.needed_m2 + spare_m2 / 2
        if self._cut(free, seed, high_m, angle).area < aim_m2:
            return None
        half_m = brentq(
            lambda half_m: self._cut(free, seed, half_m, angle).area - aim_m2,
            low_m,
            high_m,
            xtol=spare_m2 / 2 / (8 * high_m),  # a square gains at most its sides
        )
        site = self._cut(free, seed, half_m, angle)
        return site if self.needed_m2 <= site.area <= self.needed_m2 + spare_m2 else None

    def _cut(
        self, free: shapely.Polygon, seed: shapely.Point, half_m: float, angle: float
    ) -> shapely.Polygon:
        """Return what is free of a square around a seed, without parts too narrow to use."""
        square = affinity.rotate(
            shapely.box(seed.x - half_m, seed.y - half_m, seed.x + half_m, seed.y + half_m),
            angle,
            origin=seed,
        )
        if shapely.contains_properly(free, square):
            return square
        part = shapely.intersection(free, square)
        narrow_m = NARROWEST * self._side_m / 2
        core = shapely.buffer(part, -narrow_m, join_style="mitre")
        wide = shapely.buffer(core, narrow_m, join_style="mitre")
        return _part_with(shapely.intersection(wide, part), seed)

    def _angle_at(self, seed: shapely.Point) -> float:
        """Return the direction of the nearest road in degrees from the east; 0 without roads."""
        position = self._roads.nearest(seed)
        if position is None:
            return 0.0
        way = shapely.shortest_line(self.roads[position], seed)
        foot = shapely.buffer(shapely.get_point(way, 0), _ALONG_M)
        along = shapely.intersection(self.roads[position], foot)
        ends = shapely.get_coordinates(along)
        x, y = ends[-1] - ends[0]
        return math.degrees(math.atan2(y, x)) if (x or y) else 0.0


def _part_with(shape: BaseGeometry, seed: shapely.Point) -> shapely.Polygon:
    """Return the polygon of a shape that a point lies in; an empty one if none does."""
    for part in shapely.get_parts(shape):
        if isinstance(part, shapely.Polygon) and shapely.intersects(part, seed):
            return part
    return shapely.Polygon()
