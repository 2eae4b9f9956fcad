"""`python -m benchmarks nearest`: the nearest road and the nearest river of a million sites.

Single-threaded CPU seconds of the product and its peers in one process, so that ratios do not
depend on the machine; all answers are compared. Sites are points scattered over the county in
random order. The peers get lines cut into the short pieces that they need; cutting is not timed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from benchmarks import county
from benchmarks.contenders.peers import cut_lines
from benchmarks.overlay import machine
from geo_service.spatial.nearest import NearestLines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SITES = 1_000_000
ROADS, ROAD_VERTICES = 2000, 60
LIMIT = 4.0
"""The aim: shapely's tree takes at least this multiple of the product's CPU time."""

TOLERANCE_M = 1e-6


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One contender's time for one layer; `times` is the multiple of the product's."""

    name: str
    layer: str
    cpu_s: float
    times: float
    largest_difference_m: float


def by_product(sites: gpd.GeoDataFrame, lines: gpd.GeoDataFrame) -> Floats:
    """Return distances by the product, including building its index."""
    return NearestLines(lines).of(sites, threads=1).distance_m


def by_tree(sites: gpd.GeoDataFrame, lines: gpd.GeoDataFrame) -> Floats:
    """Return distances by shapely's STRtree, including building it."""
    tree = shapely.STRtree(lines.geometry.to_numpy())
    (site, _), distance_m = tree.query_nearest(
        sites.geometry.to_numpy(), all_matches=False, return_distance=True
    )
    found = np.full(len(sites), np.nan)
    found[site] = distance_m
    return found


def by_join(sites: gpd.GeoDataFrame, lines: gpd.GeoDataFrame) -> Floats:
    """Return distances by geopandas' sjoin_nearest."""
    near = gpd.sjoin_nearest(sites, lines, distance_col="distance_m")
    near = near[~near.index.duplicated()]
    return np.asarray(near["distance_m"].reindex(sites.index), dtype=float)


def draw_roads() -> gpd.GeoDataFrame:
    """Return roads that wander over the county, in pieces of some kilometres."""
    numbers = np.random.default_rng([county.SEED, *b"roads"])
    start = numbers.uniform(0, county.SIDE_M, (ROADS, 1, 2))
    heading = numbers.uniform(0, 2 * np.pi, (ROADS, 1)) + numbers.normal(
        0, 0.25, (ROADS, ROAD_VERTICES)
    ).cumsum(axis=1)
    step = 60 * np.stack([np.cos(heading), np.sin(heading)], axis=-1)
    xy = start + step.cumsum(axis=1) + np.array([county.WEST, county.SOUTH])
    return gpd.GeoDataFrame(geometry=shapely.linestrings(xy), crs=county.CRS)


def bench_nearest(data: Path, report: Path, *, sites: int = SITES) -> bool:
    """Measure, print and write; return whether all agree and the aim is met."""
    county.make_rivers(data)
    numbers = np.random.default_rng([county.SEED, *b"sites"])
    corner = np.array([county.WEST, county.SOUTH])
    xy = corner + numbers.uniform(0, county.SIDE_M, (sites, 2))
    places = gpd.GeoDataFrame(geometry=shapely.points(xy), crs=county.CRS)
    rivers = gpd.read_parquet(data / "rivers.parquet")
    timings: list[Timing] = []
    for layer, lines in {"roads": draw_roads(), "rivers": rivers}.items():
        timings += _compare(layer, places, lines)
    print(f"nearest: {sites:,} sites, CPU seconds on one thread")
    print(f"{'':28}{'CPU s':>8}{'times':>8}{'m apart':>10}")
    for each in timings:
        name = f"{each.name}, {each.layer}"
        print(f"{name:28}{each.cpu_s:8.2f}{each.times:8.1f}{each.largest_difference_m:10.1e}")
    document = {"machine": machine(), "sites": sites, "timings": [asdict(one) for one in timings]}
    report.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"nearest: written to {report}")
    is_agreed = all(each.largest_difference_m <= TOLERANCE_M for each in timings)
    by_shapely = [each.times for each in timings if each.name == "shapely STRtree"]
    return is_agreed and min(by_shapely) >= LIMIT


def _compare(layer: str, sites: gpd.GeoDataFrame, lines: gpd.GeoDataFrame) -> Iterator[Timing]:
    """Yield each contender's timing for one layer."""
    pieces = cut_lines(lines)
    expected, own_s = _timed(by_product, sites, lines)
    yield Timing(name="product", layer=layer, cpu_s=own_s, times=1.0, largest_difference_m=0.0)
    peers = {"shapely STRtree": by_tree, "geopandas sjoin_nearest": by_join}
    for name, peer in peers.items():
        found, cpu_s = _timed(peer, sites, pieces)
        apart = float(np.abs(found - expected).max())
        yield Timing(
            name=name,
            layer=layer,
            cpu_s=cpu_s,
            times=round(cpu_s / own_s, 1),
            largest_difference_m=apart,
        )


def _timed(
    work: Callable[[gpd.GeoDataFrame, gpd.GeoDataFrame], Floats],
    sites: gpd.GeoDataFrame,
    lines: gpd.GeoDataFrame,
) -> tuple[Floats, float]:
    start = time.process_time()
    found = work(sites, lines)
    return found, round(time.process_time() - start, 2)
