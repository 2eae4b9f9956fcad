"""A grid of square cells over a county: burn shapes into masks, measure distances, make polygons.

Masks are arrays with rows from north to south and columns from west to east. The cells'
corners lie at multiples of the cell size, so a cell has the same position in every run.
Shapes and distances are in one metric CRS; callers decide what a mask means.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio.features
import shapely
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    Mask = NDArray[np.bool_]

FOUR_SIDES = ndimage.generate_binary_structure(2, 1)
"""Cells are neighbours if they share a side, not only a corner."""


@dataclass(frozen=True, kw_only=True)
class CellGrid:
    """The cells' layout: the north-west corner in metres, the cell size, rows and columns."""

    west_m: float
    north_m: float
    cell_m: float
    rows: int
    columns: int

    @classmethod
    def over(cls, bounds: Sequence[float], cell_m: float) -> CellGrid:
        """Return the grid that covers bounds (west, south, east, north) in metres.

        >>> CellGrid.over((5, 5, 95, 45), 20).shape
        (3, 5)
        """
        west, south, east, north = bounds
        first, last = math.floor(west / cell_m), math.ceil(east / cell_m)
        low, high = math.floor(south / cell_m), math.ceil(north / cell_m)
        return cls(
            west_m=first * cell_m,
            north_m=high * cell_m,
            cell_m=cell_m,
            rows=max(1, high - low),
            columns=max(1, last - first),
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    def burn(self, shapes: NDArray[np.object_], *, is_touched: bool = False) -> Mask:
        """Return the cells whose centre lies in a shape; with `is_touched` all that touch one."""
        shapes = np.asarray(shapes, dtype=object)
        shapes = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
        if not len(shapes):
            return np.zeros(self.shape, dtype=bool)
        burnt: NDArray[np.uint8] = rasterio.features.rasterize(
            shapes,
            out_shape=self.shape,
            transform=self._transform(),
            all_touched=is_touched,
            dtype="uint8",
        )
        return burnt.view(bool)

    def distance_m(self, mask: Mask) -> NDArray[np.float32]:
        """Return each cell's distance in metres to the nearest cell of a mask; inf if empty."""
        if not mask.any():
            return np.full(self.shape, np.inf, dtype=np.float32)
        cells: NDArray[np.float64] = ndimage.distance_transform_edt(~mask)
        return (cells * self.cell_m).astype(np.float32)

    def centre(self, row: int, column: int) -> tuple[float, float]:
        """Return a cell's centre as easting and northing in metres."""
        return (
            self.west_m + (column + 0.5) * self.cell_m,
            self.north_m - (row + 0.5) * self.cell_m,
        )

    def polygons(self, mask: Mask, *, most_cells: int = 250_000) -> BaseGeometry:
        """Return a mask as polygons for a map, simplified by one cell.

        A grid of more than `most_cells` is first reduced to blocks; a block counts if at least
        half of its cells do.
        """
        block = math.ceil(math.sqrt(mask.size / most_cells))
        coarse = in_blocks(mask, block, fill=0).mean(axis=(1, 3)) >= 0.5  # noqa: PLR2004 - half
        transform = self._transform(block)
        found = rasterio.features.shapes(
            coarse.astype(np.uint8), mask=coarse, transform=transform, connectivity=4
        )
        parts = np.array([shapely.geometry.shape(part) for part, _ in found], dtype=object)
        simple = shapely.coverage_simplify(parts, self.cell_m * block)
        return shapely.union_all(simple)

    def _transform(self, block: int = 1) -> rasterio.Affine:
        size_m = block * self.cell_m
        return rasterio.Affine(size_m, 0, self.west_m, 0, -size_m, self.north_m)


def in_blocks(cells: NDArray[Any], size: int, *, fill: float) -> NDArray[Any]:
    """Return cells as (block rows, size, block columns, size), padded at south and east."""
    rows, columns = (-length % size for length in cells.shape)
    padded: NDArray[Any] = np.pad(cells, ((0, rows), (0, columns)), constant_values=fill)
    return padded.reshape(padded.shape[0] // size, size, padded.shape[1] // size, size)


def share_around(mask: Mask, width: int) -> NDArray[np.float32]:
    """Return the share of a mask in the square of `width` cells around each cell, 0 to 1.

    Beyond the grid nothing counts as part of the mask.
    """
    share: NDArray[np.float32] = ndimage.uniform_filter(
        mask.astype(np.float32), width, mode="constant"
    )
    return share


def largest_patch(mask: Mask) -> tuple[int, Mask]:
    """Return the number of cells of a mask's largest connected patch, and that patch."""
    labels, count = ndimage.label(mask, FOUR_SIDES)
    if not count:
        return 0, np.zeros(mask.shape, dtype=bool)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    best = int(sizes.argmax())
    return int(sizes[best]), labels == best
