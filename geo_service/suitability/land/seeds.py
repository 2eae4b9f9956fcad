"""Where in a county to try for a site: its cells burnt into masks, and seeds in order.

Cells say where there is room and what speaks for a place; exact borders are left to `growth`.
Nothing is excluded here but by what `closed` found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy import ndimage

from geo_service.domain.terrain import STEEP_PERCENT
from geo_service.model import Verdict
from geo_service.spatial.cell_grid import FOUR_SIDES, CellGrid, in_blocks, share_around
from geo_service.spatial.raster import Dem, slope_percent
from geo_service.zoning.zones import BOUNDARY, mapped_zones

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from geo_service.plan import DemFile, Plan
    from geo_service.suitability.land.closed import ClosedArea, Territory

    Mask = NDArray[np.bool_]

MOSTLY = 0.99
"""The share of a place that lies in the development boundary, from which it counts as inside."""
STEEP_SHARE = 0.1
"""Up to this share of steep cells a place still counts as flat."""
ROOMY_ENOUGH = 0.6
"""Least share of the asked area that cells must show as free around a seed; cells are rough."""
_FAR_M = 1e7
_INSIDE, _SURE, _NEAR, _FLAT = 8, 4, 2, 1
"""What speaks for a place, the first before all others together."""


@dataclass(frozen=True, kw_only=True)
class CountyCells:
    """A county in cells.

    `inside` and `free` go by the cells' centres, which does justice to areas; `clear` are
    the cells that nothing closed or taken touches. `closed` has the mask of every ground.
    """

    grid: CellGrid
    inside: Mask
    free: Mask
    clear: Mask
    unknown: Mask
    closed: tuple[tuple[ClosedArea, Mask], ...]


@dataclass(frozen=True, kw_only=True)
class Seed:
    """The cell that a site is grown from: its centre, district, and whether the land is steep."""

    row: int
    column: int
    point: shapely.Point
    district: int
    is_steep: bool | None


def burn_county(grid: CellGrid, territory: Territory) -> CountyCells:
    """Return which cells of a county are free, and which ground closes the others."""
    inside = grid.burn(np.array([territory.shape], dtype=object))
    edge = np.array([territory.shape.boundary], dtype=object)
    clear = inside & ~grid.burn(edge, is_touched=True)
    free, unknown = inside.copy(), np.zeros(grid.shape, dtype=bool)
    closed = []
    for area in territory.closed_areas:
        mask = grid.burn(area.shapes) & inside
        if mask.any():
            closed.append((area, mask))
        if area.is_closed:
            free &= ~mask
            clear &= ~grid.burn(area.shapes, is_touched=True)
        elif area.verdict is Verdict.UNKNOWN:
            unknown |= mask
    return CountyCells(
        grid=grid, inside=inside, free=free, clear=clear, unknown=unknown, closed=tuple(closed)
    )


def steep_cells(dem: Dem | DemFile, grid: CellGrid) -> Mask:
    """Return the cells of a grid that are steeper than `STEEP_PERCENT`; false without heights.

    Heights are averaged to about a cell first, which evens out what is smaller than one: good
    enough to prefer a place by, not to describe it (see `raster.slope_of`).
    """
    heights, transform = Dem.of(dem).averaged(_side_for(Dem.of(dem), grid.cell_m))
    slope = slope_percent(np.pad(heights, 1, constant_values=np.nan), (transform.a, -transform.e))
    easts = grid.west_m + (np.arange(grid.columns) + 0.5) * grid.cell_m
    norths = grid.north_m - (np.arange(grid.rows) + 0.5) * grid.cell_m
    columns = np.floor((easts - transform.c) / transform.a).astype(np.intp)
    rows = np.floor((norths - transform.f) / transform.e).astype(np.intp)
    is_row = (rows >= 0) & (rows < slope.shape[0])
    is_column = (columns >= 0) & (columns < slope.shape[1])
    steep = np.zeros(grid.shape, dtype=bool)
    steep[np.ix_(is_row, is_column)] = (
        slope[np.ix_(rows[is_row], columns[is_column])] > STEEP_PERCENT
    )
    return steep


def _side_for(dem: Dem, cell_m: float) -> int:
    """Return how many cells a DEM's longer side has, averaged to cells of a size."""
    width_m, height_m = dem.cell_m[0] * dem.width, dem.cell_m[1] * dem.height
    return max(1, round(max(width_m, height_m) / cell_m))


@dataclass(frozen=True, kw_only=True)
class Prospects:
    """The cells that a site may be grown from, by what speaks for them.

    `rank` is the sum of what speaks for a place, `room` the clearance as a share of what a
    square of the asked area needs, 1 at most, in tenths.
    """

    cells: CountyCells
    side_cells: int
    rank: NDArray[np.uint8]
    room: NDArray[np.float32]
    road_m: NDArray[np.float32]
    steep: Mask | None

    @classmethod
    def of(
        cls,
        plan: Plan,
        cells: CountyCells,
        side_m: float,
        *,
        road_m: float,
        steep: Callable[[CellGrid], Mask] | None,
    ) -> Prospects:
        """Look at a county for squares with sides of `side_m`; near is up to `road_m` to a road."""
        grid = cells.grid
        width = max(1, round(side_m / grid.cell_m))
        zones = mapped_zones(plan, BOUNDARY)
        roads = grid.burn(plan.metric("roads").geometry.to_numpy(), is_touched=True)
        to_road = np.minimum(grid.distance_m(roads), _FAR_M)
        rank = np.zeros(grid.shape, dtype=np.uint8)
        if zones is not None and len(zones):
            rank[share_around(grid.burn(zones.geometry.to_numpy()), width) >= MOSTLY] += _INSIDE
        if cells.unknown.any():
            rank[share_around(cells.unknown, width) <= 0] += _SURE
        if roads.any():
            rank[to_road <= road_m] += _NEAR
        is_steep = None
        if steep is None and plan.dem is not None:
            steep = partial(steep_cells, plan.dem)
        if steep is not None:
            is_steep = share_around(steep(grid), width) > STEEP_SHARE
            rank[~is_steep] += _FLAT
        clearance = grid.distance_m(~cells.clear)
        room = np.minimum(clearance / (side_m * math.sqrt(0.5)), 1)
        return cls(
            cells=cells,
            side_cells=width,
            rank=rank,
            room=np.round(room, 1),
            road_m=to_road,
            steep=is_steep,
        )

    def seeds(self, districts: int) -> Iterator[Seed]:
        """Yield the best cell of every small square of the county, in the order to try them.

        First by what speaks for the place; among equals the county's districts (squares,
        about as many as named) take turns, so that sites are spread; within a district by
        room, then by nearness to a road, then from north to south and west to east.
        """
        rows, columns = self._best_cells()
        extent = math.sqrt(self.cells.inside.sum() / max(1, districts))
        district = max(self.side_cells, math.ceil(extent))
        rank, room = self.rank[rows, columns], self.room[rows, columns]
        road = np.round(self.road_m[rows, columns])
        home = (rows // district) * (columns.max(initial=0) + 1) + columns // district
        order = np.lexsort((columns, rows, road, -room, home, -rank.astype(int)))
        turn = _turns(rank[order], home[order])
        keys = (values[order] for values in (columns, rows, road, -room))
        again = np.lexsort((*keys, turn, -rank[order].astype(int)))
        for position in order[again].tolist():
            row, column = int(rows[position]), int(columns[position])
            yield Seed(
                row=row,
                column=column,
                point=shapely.Point(self.cells.grid.centre(row, column)),
                district=int(home[position]),
                is_steep=None if self.steep is None else bool(self.steep[row, column]),
            )

    def _best_cells(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return rows and columns of the best clear cell of each square half a site wide."""
        size = max(1, self.side_cells // 2)
        near = 0.09 / (1 + self.road_m / 1000)
        worth = np.where(self.cells.clear, self.rank * np.float32(2) + self.room + near, -1)
        blocks = in_blocks(worth, size, fill=-1).transpose(0, 2, 1, 3)
        flat = blocks.reshape(*blocks.shape[:2], size * size)
        best = flat.argmax(axis=2)
        block_rows, block_columns = np.nonzero(flat.max(axis=2) >= 0)
        within = best[block_rows, block_columns]
        return block_rows * size + within // size, block_columns * size + within % size

    def has_room(self, seed: Seed) -> bool:
        """Return whether free cells that hang together around a seed come near the asked area."""
        row, column = seed.row, seed.column
        reach = math.ceil(1.1 * self.side_cells)
        top, left = max(0, row - reach), max(0, column - reach)
        window = self.cells.free[top : row + reach + 1, left : column + reach + 1]
        labels, _ = ndimage.label(window, FOUR_SIDES)
        own = labels == labels[row - top, column - left]
        return bool(own.sum() >= ROOMY_ENOUGH * self.side_cells**2)


def _turns(rank: NDArray[np.uint8], home: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the how-manieth of its rank and district each is; both come sorted."""
    starts = np.ones(len(home), dtype=bool)
    starts[1:] = (home[1:] != home[:-1]) | (rank[1:] != rank[:-1])
    positions = np.arange(len(home))
    return positions - np.maximum.accumulate(np.where(starts, positions, 0))
