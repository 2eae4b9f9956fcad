"""The product: geometry decoded from Arrow, areas and distances by the compiled kernel."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import LAYERS
from benchmarks.contenders.table import Phases, write_parcels, write_parks
from geo_service.spatial.grid_overlay import LineGrid, ZoneGrid
from geo_service.spatial.ragged import Ragged

if TYPE_CHECKING:
    from numpy.typing import NDArray

THREADS = 2


def run(data: Path, parcels: int, results: Path) -> dict[str, float]:
    """Do the whole job; return the seconds of its phases."""
    phases = Phases()
    # Reading, decoding and cutting release the interpreter's lock; the heaviest layers go first.
    with ThreadPoolExecutor(THREADS) as pool:
        reading = pool.submit(_read, data / f"parcels_{parcels}.parquet")
        heavy = ("farmland", "red_line", "river_buffer", "slope", "parks")
        building = {layer: pool.submit(_build, data / f"{layer}.parquet") for layer in heavy}
        lines = LineGrid.build(_read(data / "rivers.parquet"))
        enterprises = pq.read_table(
            data / f"enterprises_{parcels}.parquet", read_dictionary=["industry"]
        )
        subjects = reading.result()
        grids = {layer: job.result() for layer, job in building.items()}
    phases.end("read and build grids")
    park = grids["parks"].largest_zone(subjects)
    phases.end("largest park")
    areas_m2 = {layer: grids[layer].covered_area(subjects) for layer in LAYERS}
    phases.end("zone areas")
    river_m, _ = lines.nearest(subjects)
    phases.end("river distance")
    shares = _park_shares(park[0], enterprises)
    phases.end("statistics")
    write_parcels(results, whole_m2=subjects.areas(), park=park, areas_m2=areas_m2, river_m=river_m)
    write_parks(results, shares)
    phases.end("write")
    return phases.seconds


def _build(path: Path) -> ZoneGrid:
    return ZoneGrid.build(_read(path))


def _read(path: Path) -> Ragged:
    return Ragged.from_arrow(pq.read_table(path, columns=["geometry"])["geometry"])


def _park_shares(
    park: NDArray[np.int32], enterprises: pa.Table
) -> dict[str, NDArray[np.generic] | list[str]]:
    """Sum output by park and industry with one count over combined codes."""
    codes = enterprises["industry"].combine_chunks()
    branches = [code[:3] for code in codes.dictionary.to_pylist()]
    names = sorted(set(branches))
    rank = {name: place for place, name in enumerate(names)}
    industry = np.array([rank[branch] for branch in branches])[codes.indices.to_numpy()]
    place = park[enterprises["parcel"].to_numpy()]
    inside = place >= 0
    parks = int(park.max(initial=-1)) + 1
    output = np.bincount(
        place[inside] * len(names) + industry[inside],
        weights=enterprises["output"].to_numpy()[inside],
        minlength=parks * len(names),
    ).reshape(parks, len(names))
    with np.errstate(invalid="ignore"):
        share = output / output.sum(axis=1, keepdims=True)
    row, column = np.nonzero(output)
    return {
        "park": row,
        "industry": [names[place] for place in column],
        "share": share[row, column],
        "hhi": (share**2).sum(axis=1)[row],
    }
