"""The grid of cells on boxes whose cells can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from geo_service.spatial.cell_grid import CellGrid, in_blocks, largest_patch, share_around


@pytest.fixture
def grid() -> CellGrid:
    """Return ten by ten cells of 10 m with the south-west corner at (0, 0)."""
    return CellGrid.over((0, 0, 100, 100), 10)


def boxes(*shapes: shapely.Geometry | None) -> np.ndarray:
    """Return shapes as an array."""
    return np.array(shapes, dtype=object)


def test_corners_lie_at_multiples_of_the_cell_wherever_the_bounds_begin() -> None:
    grid = CellGrid.over((-3, 12, 27, 31), 10)
    assert (grid.west_m, grid.north_m, grid.shape) == (-10, 40, (3, 4))
    assert grid.centre(0, 0) == (-5, 35)


def test_a_cell_is_burnt_by_its_centre_or_by_any_touch(grid: CellGrid) -> None:
    shape = boxes(shapely.box(4, 4, 26, 16), None, shapely.Polygon())
    # Centres at 5, 15, 25 to the east and 5, 15 to the north: six cells, in the lowest two rows.
    by_centre = grid.burn(shape)
    assert by_centre.sum() == 6
    assert by_centre[8:, :3].all()
    assert grid.burn(boxes(shapely.box(16, 16, 24, 24))).sum() == 0
    assert grid.burn(boxes(shapely.box(16, 16, 24, 24)), is_touched=True).sum() == 4
    assert grid.burn(boxes()).sum() == 0


def test_distances_are_metres_between_centres(grid: CellGrid) -> None:
    mask = np.zeros(grid.shape, dtype=bool)
    assert np.isinf(grid.distance_m(mask)).all()
    mask[0, 0] = True
    assert grid.distance_m(mask)[3, 4] == pytest.approx(50)  # 3-4-5 cells of 10 m


def test_the_largest_patch_hangs_together_over_sides_not_corners() -> None:
    mask = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 0]], dtype=bool)
    cells, patch = largest_patch(mask)
    assert cells == 3
    assert patch[1:, 2:].sum() == 3
    assert largest_patch(np.zeros((2, 2), dtype=bool))[0] == 0


def test_shares_around_count_nothing_beyond_the_grid() -> None:
    share = share_around(np.ones((5, 5), dtype=bool), 3)
    assert share[2, 2] == pytest.approx(1)
    assert share[0, 0] == pytest.approx(4 / 9)


def test_blocks_are_filled_up() -> None:
    blocks = in_blocks(np.arange(6).reshape(2, 3), 2, fill=-1)
    assert blocks.shape == (1, 2, 2, 2)
    assert blocks[0, :, 1].tolist() == [[2, -1], [5, -1]]


def test_a_mask_as_polygons_keeps_its_area(grid: CellGrid) -> None:
    mask = np.zeros(grid.shape, dtype=bool)
    mask[2:8, 2:8] = True
    shape = grid.polygons(mask)
    assert shape.area == pytest.approx(3600)
    assert shape.bounds == (20, 20, 80, 80)
    coarse = grid.polygons(mask, most_cells=25)  # blocks of 2 by 2 cells
    assert coarse.area == pytest.approx(3600)
    assert grid.polygons(np.zeros(grid.shape, dtype=bool)).is_empty
