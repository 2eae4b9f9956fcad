"""Generate a county for the overlay benchmark; the same number always gives the same files.

The county is a square of 60 km. Parcels tile it; some have a hole, which a part of a neighbour
fills. Parks, zones and river buffers have rough outlines with thousands of vertices. Zones of one
layer do not overlap each other, which spares the peers a union that the product does not need.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

CRS = "EPSG:4545"
WEST, SOUTH = 536_000.0, 3_393_000.0
SIDE_M = 60_000.0
RIVERS = 32
SEED = 20_261_122

ZONES = {
    # layer: number of polygons, total number of vertices
    "red_line": (462, 641_000),
    "farmland": (2867, 1_600_000),
    "slope": (2620, 275_000),
}
BUFFERS, BUFFER_VERTICES, RIVER_VERTICES = 171, 332_000, 173_000
HOLES, HOLE_VERTICES = 0.2, 60
SIZES = {10_000: (125, 80), 100_000: (400, 250), 1_000_000: (1250, 800)}
"""Columns and rows of parcels, for each possible number of parcels."""


def make(folder: Path, parcels: int) -> None:
    """Write the files that are not in the folder yet."""
    folder.mkdir(parents=True, exist_ok=True)
    makers = {"parks": _parks, "rivers": _rivers, "river_buffer": _river_buffers}
    for name, maker in makers.items():
        _write(folder / f"{name}.parquet", maker)
    for name in ZONES:
        _write(folder / f"{name}.parquet", lambda name=name: _zones(name))
    _write(folder / f"parcels_{parcels}.parquet", lambda: _parcels(*SIZES[parcels]))
    path = folder / f"enterprises_{parcels}.parquet"
    if not path.exists():
        _enterprises(parcels).to_parquet(path)


def make_rivers(folder: Path) -> None:
    """Write the rivers alone, if they are not there yet."""
    _write(folder / "rivers.parquet", _rivers)


def _write(path: Path, maker: object) -> None:
    if path.exists():
        return
    shapes = maker()  # type: ignore[operator]
    moved = shapely.transform(shapes, lambda xy: xy + np.array([WEST, SOUTH]))
    if not shapely.is_valid(moved).all():
        msg = f"{path.stem}: a generated geometry is not valid."
        raise RuntimeError(msg)
    frame = gpd.GeoDataFrame(
        {"id": np.arange(len(moved), dtype=np.int32)}, geometry=gpd.GeoSeries(moved, crs=CRS)
    )
    frame.to_parquet(path, compression="zstd")


def _numbers(name: str) -> np.random.Generator:
    return np.random.default_rng([SEED, *name.encode()])


# ------------------------------------------------------------------ parcels


def _parcels(columns: int, rows: int) -> NDArray[np.object_]:
    """Tile the county with octagons that share their edges; every 200th has a hole."""
    numbers = _numbers("parcels")
    step = np.array([SIDE_M / columns, SIDE_M / rows])
    x, y = np.meshgrid(np.arange(2 * columns + 1), np.arange(2 * rows + 1), indexing="ij")
    node = np.stack([x, y], axis=-1) * step / 2
    moved = numbers.uniform(-0.15, 0.15, node.shape) * step
    # The county's outline stays straight.
    moved[[0, -1], :, 0] = 0
    moved[:, [0, -1], 1] = 0
    node += moved
    west, south = (axis.ravel() * 2 for axis in np.meshgrid(range(columns), range(rows)))
    turns = [(0, 0), (1, 0), (2, 0), (2, 1), (2, 2), (1, 2), (0, 2), (0, 1), (0, 0)]
    ring = np.stack([node[west + dx, south + dy] for dx, dy in turns], axis=1)
    shapes = np.asarray(shapely.polygons(ring), dtype=object)
    centre = ring[:, :8].mean(axis=1)
    for place in range(200, len(shapes), 200):
        low, high = centre[place] - step * 0.1, centre[place] + step * 0.1
        pond = shapely.box(*low, *high)
        shapes[place] = shapely.Polygon(ring[place], [shapely.get_coordinates(pond)])
        shapes[place - 1] = shapely.MultiPolygon([shapes[place - 1], pond])
    return shapes


def _enterprises(parcels: int) -> pd.DataFrame:
    """Return enterprises with industry and output, a fifth as many as parcels."""
    numbers = _numbers("enterprises")
    count = parcels // 5
    codes = np.array([f"{code:04d}" for code in range(1311, 4391, 10)])
    industry = codes[numbers.zipf(1.3, count) % len(codes)]
    return pd.DataFrame(
        {
            "parcel": numbers.integers(0, parcels, count, dtype=np.int32),
            "industry": pd.Categorical(industry),
            "output": np.round(numbers.lognormal(7, 1.5, count), 2),
        }
    )


# ------------------------------------------------------------------ rough outlines


def _star(
    numbers: np.random.Generator, centre: NDArray[np.float64], radius: float, vertices: int
) -> shapely.Polygon:
    """Return an outline that oscillates coarsely and finely about a circle without crossing."""
    angle = np.linspace(0, 2 * np.pi, vertices - 1, endpoint=False)
    swing = np.zeros(vertices - 1)
    for wave in (2, 3, 5, 9, 17, 33):
        swing += np.sin(wave * angle + numbers.uniform(0, 6.3)) * numbers.uniform(0, 1) / wave
    fine = numbers.uniform(-1, 1, vertices - 1) * min(1.0, 10 / np.sqrt(vertices)) * 0.02
    reach = radius * np.clip(0.68 + 0.25 * swing + fine, 0.2, 1)
    return shapely.Polygon(
        centre + np.column_stack([np.cos(angle), np.sin(angle)]) * reach[:, None]
    )


def _spots(numbers: np.random.Generator, count: int) -> tuple[NDArray[np.float64], float]:
    """Return centres in the cells of a lattice, and a radius that separates the outlines."""
    lattice = int(np.ceil(np.sqrt(count)))
    step = SIDE_M / lattice
    chosen = np.sort(numbers.permutation(lattice * lattice)[:count])
    centre = (np.column_stack(np.divmod(chosen, lattice)) + 0.5) * step
    return centre + numbers.uniform(-0.04, 0.04, centre.shape) * step, 0.46 * step


def _vertices(numbers: np.random.Generator, count: int, total: int) -> NDArray[np.int64]:
    """Return uneven numbers of vertices with approximately the given total."""
    weight = numbers.lognormal(0, 0.6, count)
    return np.asarray(np.maximum(16, weight / weight.sum() * total), dtype=np.int64)


def _zones(name: str) -> NDArray[np.object_]:
    numbers = _numbers(name)
    count, total = ZONES[name]
    centre, radius = _spots(numbers, count)
    shapes: list[shapely.Geometry] = []
    for place, vertices in zip(centre, _vertices(numbers, count, total), strict=True):
        reach = radius * numbers.uniform(0.5, 1)
        has_hole = numbers.random() < HOLES and vertices > 3 * HOLE_VERTICES
        shape = _star(numbers, place, reach, int(vertices) - HOLE_VERTICES * has_hole)
        if has_hole:
            # Outlines stay at least a fifth of their radius away from the centre.
            hole = _star(numbers, place, reach * 0.19, HOLE_VERTICES)
            shape = shapely.Polygon(shape.exterior, [hole.exterior])
        shapes.append(shape)
    return np.array(shapes, dtype=object)


def _parks() -> NDArray[np.object_]:
    numbers = _numbers("parks")
    centre, _ = _spots(numbers, 48)
    return np.array([_star(numbers, place, 1500, 1700) for place in centre], dtype=object)


# ------------------------------------------------------------------ rivers


class _River:
    """A course from west to east as a function of x, in its own band."""

    def __init__(self, number: int) -> None:
        self.numbers = _numbers(f"river {number}")
        self.middle = (number + 0.5) * SIDE_M / RIVERS
        self.waves = [
            (self.numbers.uniform(0.5, 1) * 450 / k, k, self.numbers.uniform(0, 6.3))
            for k in (1, 2, 5, 11, 23)
        ]

    def north_of(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the course's distance from the southern border."""
        turn = x / 8000
        swing = sum(size * np.sin(k * turn + phase) for size, k, phase in self.waves)
        return np.asarray(np.clip(self.middle + swing / 2, self.middle - 650, self.middle + 650))


def _rivers() -> NDArray[np.object_]:
    count = RIVER_VERTICES // RIVERS
    lines = []
    for number in range(RIVERS):
        river = _River(number)
        x = np.linspace(0, SIDE_M, count)
        y = river.north_of(x) + river.numbers.uniform(-3, 3, count)
        lines.append(shapely.LineString(np.column_stack([x, y])))
    return np.array(lines, dtype=object)


def _strips() -> Iterator[tuple[int, float, float]]:
    """Yield river, start and end of each buffer strip: some rivers have one strip, others many."""
    numbers = _numbers("strips")
    several = np.ones(RIVERS, dtype=int)
    for place in numbers.integers(6, RIVERS, BUFFERS - RIVERS):
        several[place] += 1
    for river, count in enumerate(several):
        cuts = np.sort(numbers.uniform(0.05, 0.95, count - 1)) * SIDE_M
        ends = [0.0, *cuts, SIDE_M]
        yield from ((river, ends[k], ends[k + 1]) for k in range(count))


def _river_buffers() -> NDArray[np.object_]:
    shapes = []
    for number, start, end in _strips():
        river = _River(number)
        count = max(8, int((end - start) / SIDE_M * BUFFER_VERTICES / RIVERS / 2))
        x = np.linspace(start, end, count)
        course = river.north_of(x)
        width = 120 + 60 * np.sin(x / 900 + number)
        above = course + width + river.numbers.uniform(-4, 4, count)
        below = course - width + river.numbers.uniform(-4, 4, count)
        ring = np.concatenate([np.column_stack([x, below]), np.column_stack([x, above])[::-1]])
        shapes.append(shapely.Polygon(ring))
    return np.array(shapes, dtype=object)
