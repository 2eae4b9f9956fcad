"""Recognise old national datums by their ellipsoid, and transformation parameters in a CRS."""

from __future__ import annotations

import pyproj

_OLD_ELLIPSOIDS = {"Xi'an 80": (6_378_140.0, 298.257), "Beijing 54": (6_378_245.0, 298.3)}
"""Semi-major axis in metres and inverse flattening: IAU 1975 and Krasovsky 1940."""
_SAME_AXIS_M = 0.5
_SAME_FLATTENING = 1e-4


def old_datum(crs: pyproj.CRS) -> str | None:
    """Return a CRS's old national datum if the CRS has no transformation parameters; else None."""
    return None if towgs84(crs) is not None else old_ellipsoid(crs)


def old_ellipsoid(crs: pyproj.CRS) -> str | None:
    """Return the old datum with a CRS's ellipsoid, by its axes whatever its name; else None."""
    ellipsoid = crs.ellipsoid
    if ellipsoid is None:
        return None
    for name, (semi_major_m, inverse_flattening) in _OLD_ELLIPSOIDS.items():
        is_long = abs(ellipsoid.semi_major_metre - semi_major_m) < _SAME_AXIS_M
        if is_long and abs(ellipsoid.inverse_flattening - inverse_flattening) < _SAME_FLATTENING:
            return name
    return None


def towgs84(crs: pyproj.CRS) -> str | None:
    """Return a CRS's own transformation parameters as text; None if missing or all zero."""
    bound = next((part for part in (crs, *crs.sub_crs_list) if part.is_bound), None)
    if bound is None or bound.coordinate_operation is None:
        return None
    operation = bound.coordinate_operation
    if any(operation.towgs84):
        return ",".join(f"{value:g}" for value in operation.towgs84)
    grids = [str(grid.short_name) for grid in operation.grids if grid.available]
    return ", ".join(grids) or None
