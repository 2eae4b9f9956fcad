"""The job's two result tables, and the time of each phase."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import LAYERS

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Phases:
    """Seconds by phase; each call names the phase that just ended."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def end(self, phase: str) -> None:
        """Record the time since the last phase ended as this phase's."""
        now = time.perf_counter()
        self.seconds[phase] = round(self.seconds.get(phase, 0.0) + now - self._last, 3)
        self._last = now


def write_parcels(
    results: Path,
    *,
    whole_m2: NDArray[np.float64],
    park: tuple[NDArray[np.integer], NDArray[np.float64]],
    areas_m2: Mapping[str, NDArray[np.float64]],
    river_m: NDArray[np.float64],
) -> None:
    """Write one row per parcel, in the order of the parcels."""
    columns = {"park": park[0].astype(np.int32), "park_m2": park[1]}
    for layer in LAYERS:
        columns[f"{layer}_m2"] = areas_m2[layer]
        columns[f"{layer}_share"] = areas_m2[layer] / whole_m2
    columns["river_m"] = river_m
    pq.write_table(pa.table(columns), results / "parcels.parquet")


def write_parks(results: Path, columns: Mapping[str, NDArray[np.generic] | Sequence[str]]) -> None:
    """Write park, industry, share and hhi: one row for each park and industry."""
    pq.write_table(pa.table(dict(columns)), results / "parks.parquet")
