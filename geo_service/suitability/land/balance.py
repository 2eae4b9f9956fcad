"""The balance of a search for land: what closes how much of the county, and the nearest miss.

Areas are counted in cells by their centres, in m²; nothing is decided here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from geo_service.model import Verdict
    from geo_service.spatial.cell_grid import CellGrid
    from geo_service.suitability.land.closed import Cause
    from geo_service.suitability.land.seeds import CountyCells

    Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class ClosedShare:
    """How much of the county one rule closes, or one layer takes.

    `share` is that of the county; grounds overlap, so shares add up to more than what is
    closed. `alone_m2` is closed by nothing else: what would be free without it.
    """

    cause: Cause
    name: str
    verdict: Verdict
    area_m2: float
    share: float
    alone_m2: float


@dataclass(frozen=True, kw_only=True)
class NearestMiss:
    """The largest free patch of a county in which nothing fits, and where most room is in it.

    `circle_m2` is the largest circle inside the patch: where `area_m2` reaches what was asked
    for and this does not, the patch is too thin or too broken up.
    """

    area_m2: float
    circle_m2: float
    point: BaseGeometry


def measure_closed(cells: CountyCells) -> tuple[ClosedShare, ...]:
    """Return how much every ground closes, the largest first."""
    times = np.zeros(cells.grid.shape, dtype=np.uint8)
    for _, mask in cells.closed:
        times += mask
    inside, cell_m2 = int(cells.inside.sum()), cells.grid.cell_m**2
    shares = [
        ClosedShare(
            cause=area.cause,
            name=area.name,
            verdict=area.verdict,
            area_m2=float(mask.sum()) * cell_m2,
            share=float(mask.sum()) / inside,
            alone_m2=float((mask & (times == 1)).sum()) * cell_m2,
        )
        for area, mask in cells.closed
    ]
    return tuple(sorted(shares, key=lambda item: (-item.area_m2, item.name, item.verdict)))


def nearest_miss(grid: CellGrid, patch: Mask) -> NearestMiss | None:
    """Return the largest free patch and the middle of its widest place; None without any."""
    if not patch.any():
        return None
    walled = np.pad(patch, 1)
    clearance = ndimage.distance_transform_edt(walled)[1:-1, 1:-1]
    row, column = np.unravel_index(int(clearance.argmax()), patch.shape)
    radius_m = (float(clearance[row, column]) - 0.5) * grid.cell_m
    return NearestMiss(
        area_m2=float(patch.sum()) * grid.cell_m**2,
        circle_m2=math.pi * radius_m**2,
        point=shapely.Point(grid.centre(int(row), int(column))),
    )
