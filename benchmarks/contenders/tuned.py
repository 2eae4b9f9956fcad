"""Tuned shapely: a tree, prepared predicates, intersections of boundary pairs only, two threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from benchmarks import LAYERS
from benchmarks.contenders.peers import cut_lines, write_park_shares
from benchmarks.contenders.table import Phases, write_parcels

if TYPE_CHECKING:
    from numpy.typing import NDArray

THREADS = 2


def run(data: Path, parcels: int, results: Path) -> dict[str, float]:
    """Do the whole job; return the seconds of its phases."""
    phases = Phases()
    subjects = _read(data / f"parcels_{parcels}.parquet")
    layers = {layer: _read(data / f"{layer}.parquet") for layer in ("parks", *LAYERS)}
    rivers = gpd.read_parquet(data / "rivers.parquet")
    enterprises = pd.read_parquet(data / f"enterprises_{parcels}.parquet")
    phases.end("read")
    whole_m2 = shapely.area(subjects)
    tree = shapely.STRtree(subjects)
    with ThreadPoolExecutor(THREADS) as pool:
        zone, subject, area = _pair_areas(pool, tree, subjects, whole_m2, layers["parks"])
        order = np.lexsort((zone, -area, subject))
        unique, first = np.unique(subject[order], return_index=True)
        park = np.full(len(subjects), -1, dtype=np.int32)
        park_m2 = np.zeros(len(subjects))
        park[unique] = zone[order][first]
        park_m2[unique] = area[order][first]
        phases.end("largest park")
        areas_m2 = {}
        for layer in LAYERS:
            _, subject, area = _pair_areas(pool, tree, subjects, whole_m2, layers[layer])
            total = np.bincount(subject, area, minlength=len(subjects))
            areas_m2[layer] = np.asarray(total, dtype=np.float64)
        phases.end("zone areas")
        river_m = _river_distances(pool, subjects, rivers)
        phases.end("river distance")
    write_park_shares(results, park, enterprises)
    phases.end("statistics")
    write_parcels(
        results, whole_m2=whole_m2, park=(park, park_m2), areas_m2=areas_m2, river_m=river_m
    )
    phases.end("write")
    return phases.seconds


def _read(path: Path) -> NDArray[np.object_]:
    return np.asarray(gpd.read_parquet(path).geometry.to_numpy())


def _pair_areas(
    pool: ThreadPoolExecutor,
    tree: shapely.STRtree,
    subjects: NDArray[np.object_],
    whole_m2: NDArray[np.float64],
    zones: NDArray[np.object_],
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return zone, subject and area of each pair that meets; covered subjects are not cut."""
    shapely.prepare(zones)
    chunks = np.array_split(np.arange(len(zones)), THREADS * 8)
    found = list(pool.map(lambda chunk: _query(tree, zones, chunk), chunks))
    zone, subject, covered = (np.concatenate(part) for part in zip(*found, strict=True))
    area = whole_m2[subject]
    cut = np.flatnonzero(~covered)
    pieces = pool.map(
        lambda part: shapely.area(shapely.intersection(subjects[subject[part]], zones[zone[part]])),
        np.array_split(cut, THREADS * 32),
    )
    area[cut] = np.concatenate(list(pieces))
    return zone, subject, area


def _query(
    tree: shapely.STRtree, zones: NDArray[np.object_], chunk: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    zone, subject = tree.query(zones[chunk], predicate="intersects")
    shapes = tree.geometries.take(subject)
    return chunk[zone], subject, shapely.contains_properly(zones[chunk[zone]], shapes)


def _river_distances(
    pool: ThreadPoolExecutor, subjects: NDArray[np.object_], rivers: gpd.GeoDataFrame
) -> NDArray[np.float64]:
    tree = shapely.STRtree(cut_lines(rivers).geometry.to_numpy())
    near = pool.map(
        lambda chunk: tree.query_nearest(chunk, all_matches=False, return_distance=True)[1],
        np.array_split(subjects, THREADS * 8),
    )
    return np.concatenate(list(near))
