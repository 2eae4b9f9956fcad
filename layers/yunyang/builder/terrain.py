"""Make the terrain: an analytic surface that suits the demo's own rivers and parks.

None of it is surveyed. Rivers lie lowest; the ground rises away from them, with hills that grow
with the height. Under each park the surface is a plane, gentle under most parks and steep under
those in `STEEP_PERCENT`. Heights are whole metres without a datum.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from builder.frame import METRIC_CRS, Dice
from builder.geography import KM, River
from builder.parks import Site
from builder.shapes import parts

Heights = NDArray[np.float64]

CELL_M = 125.0
NO_DATA = -32768
MARGIN_M = 2000.0
"""How far beyond the county's outline the raster extends, in metres."""

STEEP_PERCENT = {
    "YY-C-03": 17.0,
    "YY-B-09": 20.0,
    "YY-B-19": 18.0,
    "YY-B-21": 24.0,
    "YY-B-40": 22.0,
    "YY-B-42": 27.0,
}
"""Parks on ground steeper than 15 %, with its slope; the others are at 2 to 9 %."""

_MAIN_LEVEL_M = 150.0
_FALL_M_PER_KM = 4.0
"""Rise of a tributary's bed per distance from its mouth."""
_RISE_M, _RISE_OVER_M = 800.0, 4500.0
"""The ground rises by the first number, most of it within the second from a river, in metres."""
_FLAT_M, _FADE_M = 250.0, 2400.0
"""Distances in m from a park up to which its plane applies, and at which it has faded out."""
_WAVES = 11
_COURSE_M = 30.0
"""Tolerance of a river's line, smaller than a cell."""


@dataclass(frozen=True)
class _Plane:
    shape: Polygon
    centre: tuple[float, float]
    level_m: float
    rise: tuple[float, float]
    """Slope: rise per metre to the east and to the north."""


def draw_heights(
    outline: BaseGeometry, rivers: tuple[River, ...], sites: dict[str, Site]
) -> tuple[NDArray[np.int16], rasterio.Affine]:
    """Return heights in metres, rows from north to south, and the raster's place (EPSG:4545)."""
    area = outline.buffer(MARGIN_M)
    west, south, east, north = area.bounds
    west, north = np.floor(west / CELL_M) * CELL_M, np.ceil(north / CELL_M) * CELL_M
    columns, rows = int(np.ceil((east - west) / CELL_M)), int(np.ceil((north - south) / CELL_M))
    x, y = np.meshgrid(
        west + (np.arange(columns) + 0.5) * CELL_M, north - (np.arange(rows) + 0.5) * CELL_M
    )
    shapely.prepare(area)
    is_inside = shapely.contains_xy(area, x, y)
    heights = np.full(x.shape, NO_DATA, dtype=np.int16)
    inside = _with_parks(np.column_stack([x[is_inside], y[is_inside]]), rivers, sites)
    heights[is_inside] = np.round(inside).astype(np.int16)
    return heights, rasterio.Affine(CELL_M, 0.0, west, 0.0, -CELL_M, north)


def write_heights(path: Path, heights: NDArray[np.int16], place: rasterio.Affine) -> None:
    """Write a compressed GeoTIFF."""
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=heights.shape[1],
        height=heights.shape[0],
        count=1,
        dtype="int16",
        crs=METRIC_CRS,
        transform=place,
        nodata=NO_DATA,
        compress="deflate",
        predictor=2,
        zlevel=9,
    ) as target:
        target.write(heights, 1)
        target.set_band_unit(1, "m")
        target.set_band_description(1, "illustrative heights, made for this demo")


def is_current(path: Path, heights: NDArray[np.int16], place: rasterio.Affine) -> bool:
    """Return whether a file contains these heights, up to one metre of rounding."""
    if not path.is_file():
        return False
    with rasterio.open(path) as source:
        if source.shape != heights.shape or source.transform != place or source.crs != METRIC_CRS:
            return False
        found = source.read(1).astype(np.int64)
    return bool(source.nodata == NO_DATA and np.abs(found - heights).max() <= 1)


def _with_parks(xy: Heights, rivers: tuple[River, ...], sites: dict[str, Site]) -> Heights:
    """Return the heights of points: the natural ground, with planes under the parks."""
    ground, beside_m = _natural(xy, rivers)
    points = shapely.points(xy)
    weight, total, level = np.zeros(len(xy)), np.zeros(len(xy)), np.zeros(len(xy))
    for plane in _planes(rivers, sites):
        near = np.flatnonzero(np.hypot(*(xy - plane.centre).T) < _FADE_M + plane.shape.length / 2)
        away_m = shapely.distance(plane.shape, points[near])
        own = 1 - _step((away_m - _FLAT_M) / (_FADE_M - _FLAT_M))
        # Where two parks' planes meet, the nearer park's has more weight.
        share = own / (away_m + CELL_M) ** 4
        rise = (xy[near] - plane.centre) @ plane.rise
        weight[near] = np.maximum(weight[near], own)
        total[near] += share
        level[near] += share * (plane.level_m + rise)
    weight *= _step(beside_m / 150.0)
    flat = np.divide(level, total, out=np.zeros(len(xy)), where=total > 0)
    return ground * (1 - weight) + np.maximum(flat, _MAIN_LEVEL_M + 10) * weight


def _planes(rivers: tuple[River, ...], sites: dict[str, Site]) -> list[_Plane]:
    """Return a plane for each part of a park; a park within another uses that one's plane."""
    dice = Dice("terrain of parks")
    water = shapely.union_all([river.centreline for river in rivers])
    found = []
    for site in sites.values():
        if site.plan.host:
            continue
        percent = dice.uniform(2.0, 9.0)
        percent = STEEP_PERCENT.get(site.plan.park_id, percent)
        for shape in parts(site.footprint):
            middle = shape.centroid
            down = shapely.get_point(shapely.shortest_line(middle, water), 1)
            away = np.array([middle.x - down.x, middle.y - down.y])
            rise = away / np.hypot(*away) * percent / 100
            level, _ = _natural(np.array([[middle.x, middle.y]]), rivers)
            found.append(_Plane(shape, (middle.x, middle.y), float(level[0]), (rise[0], rise[1])))
    return found


def _natural(xy: Heights, rivers: tuple[River, ...]) -> tuple[Heights, Heights]:
    """Return the heights of points from the surrounding rivers, and the nearest bank's distance."""
    points = shapely.points(xy)
    main = rivers[0]
    lowest, beside_m = np.full(len(xy), np.inf), np.full(len(xy), np.inf)
    for river in rivers:
        course = river.centreline.simplify(_COURSE_M)
        bed_m = _MAIN_LEVEL_M
        if river is not main:
            # By straight distance: distance along the bed would jump from bend to bend.
            bed_m = bed_m + _FALL_M_PER_KM / KM * shapely.distance(_mouth(course, main), points)
        bank_m = np.maximum(shapely.distance(course, points) - river.half_width_m, 0.0)
        lowest = np.minimum(lowest, bed_m + _RISE_M * (1 - np.exp(-bank_m / _RISE_OVER_M)))
        beside_m = np.minimum(beside_m, bank_m)
    return lowest + _hills(xy) * (1 - np.exp(-beside_m / 2500.0)), beside_m


def _mouth(course: LineString, main: River) -> BaseGeometry:
    """Return the end of a river that is nearer to the main river."""
    ends = shapely.points(np.array([course.coords[0], course.coords[-1]])[:, :2])
    return ends[np.argmin(shapely.distance(main.centreline, ends))]


def _hills(xy: Heights) -> Heights:
    """Return hills from waves of 1.8 to 12 km, warped so that they do not form rows."""
    dice = Dice("hills")
    bent = xy.copy()
    for axis in (0, 1):
        phase = dice.uniform(0, 2 * np.pi)
        bent[:, axis] += 900 * np.sin(xy[:, 1 - axis] / 2100 + xy[:, axis] / 5300 + phase)
    found = np.zeros(len(xy))
    for wave in range(_WAVES):
        length_m = 12 * KM * (1.8 / 12) ** (wave / (_WAVES - 1))
        angle, phase = dice.uniform(0, np.pi), dice.uniform(0, 2 * np.pi)
        along = bent @ np.array([np.cos(angle), np.sin(angle)])
        found += length_m / 130 * np.sin(2 * np.pi * along / length_m + phase)
    return found


def _step(share: Heights) -> Heights:
    """Return 0 below 0, 1 above 1, and a smooth transition between."""
    held = np.clip(share, 0.0, 1.0)
    return held**3 * (held * (6 * held - 15) + 10)
