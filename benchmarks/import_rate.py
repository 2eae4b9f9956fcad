"""How fast a large file is imported, and how much memory that takes.

Writes a file of square parcels with Chinese column names (one in a hundred is a bow tie, one
in a hundred has a full-width id) and imports it as the layer `parcels` in a process of its
own, without publishing: once opened there, once in a third process with limits, as the command
and the service do it. Run: `python -m benchmarks.import_rate [FEATURES] [gpkg|shp]`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

from geo_service.ingest import apart
from geo_service.ingest.options import ImportOptions
from geo_service.ingest.run import read_source
from geo_service.workspace.opening import open_plan

_STEP_M = 12.0
_WORKSPACE = Path("layers/yunyang")
_EVERY = 100


def write_parcels(path: Path, count: int) -> None:
    """Write `count` parcels of ten metres a side with nine vertices, in EPSG:4545."""
    side = int(np.ceil(np.sqrt(count)))
    place = np.arange(count)
    x = 560_000 + (place % side) * _STEP_M
    y = 3_410_000 + (place // side) * _STEP_M
    ring = np.array([(0, 0), (5, 0), (10, 0), (10, 5), (10, 10), (5, 10), (0, 10), (0, 5), (0, 0)])
    bow = np.array([(0, 0), (5, 5), (10, 10), (10, 5), (10, 0), (5, 5), (0, 10), (0, 5), (0, 0)])
    rings = np.where((place % _EVERY == 7)[:, None, None], bow, ring)  # noqa: PLR2004 - any
    corners = rings + np.column_stack((x, y))[:, None, :]
    shapes = shapely.polygons(shapely.linearrings(corners))
    ids = np.array([f"D{n:08d}" for n in place], dtype=object)
    ids[place % _EVERY == 3] = [f"Ｄ{n:08d}" for n in place[place % _EVERY == 3]]  # noqa: PLR2004
    frame = gpd.GeoDataFrame(
        {
            "宗地编号": ids,
            "地类编码": np.array(["0601", "0508", "1001"], dtype=object)[place % 3],
            "面积": np.full(count, 0.15),
            "状态": np.array(["闲置", "已建"], dtype=object)[place % 2],
        },
        geometry=shapes,
        crs="EPSG:4545",
    )
    pyogrio.write_dataframe(frame, path)


def peak_mb(pid: int | str = "self") -> float:
    """Return the most memory that a process has had resident, in MB (Linux).

    Not by `getrusage`: that starts from what the process it was forked from had.
    """
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return float(status.split("VmHWM:")[1].split()[0]) / 1e3


def measure(path: Path, *, is_apart: bool) -> None:
    """Import one file and print what came of it."""
    plan = open_plan(_WORKSPACE)
    base = peak_mb()
    options = ImportOptions(scheme="survey3")
    started = time.perf_counter()
    with apart.start() if is_apart else nullcontext() as process:
        found = read_source(path, "parcels", plan=plan, options=options, process=process)
        there = peak_mb(process.pid) if process is not None else 0.0
    seconds = time.perf_counter() - started
    peak = peak_mb()
    way = "apart" if is_apart else "here"
    print(
        f"{path.suffix[1:]}, {way}: {found.rows:,} rows in {seconds:.1f} s, "
        f"{found.rows / seconds:,.0f} rows/s; {found.features:,} features, "
        f"{sum(found.ledger.repair_counts.values()):,} repairs, "
        f"{found.ledger.refused_count:,} refused; peak memory {peak:,.0f} MB "
        f"({base:,.0f} MB before)" + (f", {there:,.0f} MB in the reader" if is_apart else "")
    )


def main() -> None:
    """Write a file and measure its import in another process."""
    if len(sys.argv) > 1 and Path(sys.argv[1]).suffix:
        measure(Path(sys.argv[1]), is_apart="apart" in sys.argv)
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    ending = sys.argv[2] if len(sys.argv) > 2 else "gpkg"  # noqa: PLR2004 - the second argument
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"parcels.{ending}"
        write_parcels(path, count)
        for way in ("here", "apart"):
            command = [sys.executable, "-m", "benchmarks.import_rate", str(path), way]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
