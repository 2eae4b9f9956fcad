"""How far a county reaches, and what lies too far outside it to belong to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from geo_service.plan import Plan

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees."""

FAR_DEG = 0.5
"""A feature that is farther than this outside the county's box is taken for a mistake."""


def boundary_box(boundary: pd.DataFrame | None) -> Box | None:
    """Return the box of the county's boundary; None where the county's layer has no feature."""
    if not isinstance(boundary, gpd.GeoDataFrame) or boundary.empty:
        return None
    west, south, east, north = boundary.total_bounds.tolist()
    return west, south, east, north


def county_box(plan: Plan) -> Box | None:
    """Return the box of the county, else of everything that the plan has; None without either."""
    for names in (("county",), tuple(plan.layers)):
        boxes = []
        for name in names:
            frame = plan.frame(name) if plan.has(name) else None
            if isinstance(frame, gpd.GeoDataFrame) and len(frame):
                bounds = frame.total_bounds
                if np.isfinite(bounds).all():
                    boxes.append(bounds)
        if boxes:
            every = np.array(boxes)
            west, south = every[:, :2].min(axis=0)
            east, north = every[:, 2:].max(axis=0)
            return float(west), float(south), float(east), float(north)
    return None


def is_far(bounds: NDArray[np.float64], box: Box) -> NDArray[np.bool_]:
    """Return which shapes, by their bounds (n, 4), lie far outside a box; missing ones do not."""
    west, south, east, north = box
    with np.errstate(invalid="ignore"):
        is_beside = (bounds[:, 2] < west - FAR_DEG) | (bounds[:, 0] > east + FAR_DEG)
        is_beyond = (bounds[:, 3] < south - FAR_DEG) | (bounds[:, 1] > north + FAR_DEG)
    return np.asarray(is_beside | is_beyond, dtype=bool)
