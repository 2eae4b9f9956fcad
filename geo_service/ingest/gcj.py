"""Convert GCJ-02 and BD-09, the shifted coordinates of Chinese web maps, to and from WGS 84.

The forward formulas are the published ones; the inverse has no formula and is found by
iterating the forward one to within 1e-10 degrees (0.01 mm). CGCS2000 is treated as WGS 84.
Outside the box in which the shift applies, coordinates do not change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

GCJ_02 = "GCJ-02"
BD_09 = "BD-09"

_SEMI_AXIS_M = 6_378_245.0
_ECCENTRICITY_2 = 0.00669342162296594323
_BD_TURN = np.pi * 3000.0 / 180.0
_WEST, _EAST, _SOUTH, _NORTH = 72.004, 137.8347, 0.8293, 55.8271
_CLOSE_DEG = 1e-10
_MOST_ROUNDS = 30


def wgs84_to_gcj02(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return WGS 84 coordinates (n, 2: lon, lat in degrees) in GCJ-02.

    >>> wgs84_to_gcj02(np.array([[116.404, 39.915]])).round(11).tolist()
    [[116.41024449917, 39.9164042815]]
    """
    lon, lat = lonlat[:, 0], lonlat[:, 1]
    east, north = _shift(lon - 105.0, lat - 35.0)
    sine = np.sin(np.radians(lat))
    root = np.sqrt(1 - _ECCENTRICITY_2 * sine * sine)
    radius_m = _SEMI_AXIS_M / root
    meridian_m = _SEMI_AXIS_M * (1 - _ECCENTRICITY_2) / root**3
    moved = np.column_stack(
        (
            lon + np.degrees(east / (radius_m * np.cos(np.radians(lat)))),
            lat + np.degrees(north / meridian_m),
        )
    )
    return np.where(_is_shifted(lonlat)[:, None], moved, lonlat)


def _is_shifted(lonlat: NDArray[np.float64]) -> NDArray[np.bool_]:
    lon, lat = lonlat[:, 0], lonlat[:, 1]
    inside: NDArray[np.bool_] = (lon > _WEST) & (lon < _EAST) & (lat > _SOUTH) & (lat < _NORTH)
    return inside


def _shift(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the shift to the east and north in metres; x, y are degrees from 105 E, 35 N."""
    pi = np.pi
    wave = (20 * np.sin(6 * x * pi) + 20 * np.sin(2 * x * pi)) * 2 / 3
    root = np.sqrt(np.abs(x))
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + wave
    east += (20 * np.sin(x * pi) + 40 * np.sin(x / 3 * pi)) * 2 / 3
    east += (150 * np.sin(x / 12 * pi) + 300 * np.sin(x / 30 * pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + wave
    north += (20 * np.sin(y * pi) + 40 * np.sin(y / 3 * pi)) * 2 / 3
    north += (160 * np.sin(y / 12 * pi) + 320 * np.sin(y * pi / 30)) * 2 / 3
    return east, north


def gcj02_to_bd09(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return GCJ-02 coordinates (n, 2: lon, lat in degrees) in BD-09.

    >>> gcj02_to_bd09(np.array([[116.404, 39.915]])).round(11).tolist()
    [[116.41036949371, 39.92133699351]]
    """
    lon, lat = lonlat[:, 0], lonlat[:, 1]
    length = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD_TURN)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD_TURN)
    moved = np.column_stack((length * np.cos(angle) + 0.0065, length * np.sin(angle) + 0.006))
    return np.where(_is_shifted(lonlat)[:, None], moved, lonlat)


def wgs84_to_bd09(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return WGS 84 coordinates (n, 2: lon, lat in degrees) in BD-09."""
    return gcj02_to_bd09(wgs84_to_gcj02(lonlat))


def gcj02_to_wgs84(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return GCJ-02 coordinates (n, 2: lon, lat in degrees) in WGS 84."""
    return _invert(wgs84_to_gcj02, lonlat)


def bd09_to_wgs84(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return BD-09 coordinates (n, 2: lon, lat in degrees) in WGS 84."""
    return _invert(wgs84_to_bd09, lonlat)


def _invert(
    forward: Callable[[NDArray[np.float64]], NDArray[np.float64]], target: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Find the point that `forward` maps to `target`; the shift varies slowly over space."""
    found = target.copy()
    inside = _is_shifted(target)
    for _ in range(_MOST_ROUNDS):
        error = np.where(inside[:, None], target - forward(found), 0.0)
        found += error
        if not len(error) or np.abs(error).max() < _CLOSE_DEG:
            break
    return found
