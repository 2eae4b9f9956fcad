"""The overlay benchmark: run the product and its peers on the same files, compare, report.

Each contender runs in a separate process, so that its time includes starting Python and
importing, and its memory is its own. The PostGIS server counts neither in memory nor in CPU time.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import county
from benchmarks.contenders.postgis import BINARIES

PEERS = {
    # name: module, package whose version is reported, minutes allowed
    "product": ("product", "geo-service", 10),
    "tuned shapely": ("tuned", "shapely", 15),
    "geopandas": ("plain", "geopandas", 15),
    "dask-geopandas": ("dask_frames", "dask-geopandas", 15),
    "SedonaDB": ("sedona", "sedonadb", 15),
    "DuckDB spatial": ("duckdb_spatial", "duckdb", 15),
    "PostGIS": ("postgis", "psycopg", 15),
}
AREA_TOLERANCE_M2, RELATIVE, DISTANCE_TOLERANCE_M = 0.01, 1e-6, 1e-6


@dataclass
class Outcome:
    """One contender's time and memory, and whether its answers match the product's."""

    name: str
    parcels: int
    seconds: float | None = None
    cpu_seconds: float | None = None
    memory_mb: int | None = None
    phases: dict[str, float] = field(default_factory=dict)
    agrees: bool | None = None
    largest_difference: dict[str, float] = field(default_factory=dict)
    load_before: float | None = None
    fault: str | None = None


def bench_overlay(data: Path, parcels: int, peers: Sequence[str], report: Path) -> bool:
    """Run all, print a table, write the report; return whether all that finished agree."""
    print(f"overlay: files for {parcels:,} parcels in {data}", flush=True)
    county.make(data, parcels)
    outcomes = []
    with tempfile.TemporaryDirectory() as results:
        for name in ("product", *[peer for peer in PEERS if peer in peers and peer != "product"]):
            print(f"overlay: {name} ...", end=" ", flush=True)
            outcome = _run(name, data, parcels, Path(results, name.replace(" ", "_")))
            if outcome.seconds is not None and name != "product":
                _compare(outcome, Path(results))
            print(outcome.fault or f"{outcome.seconds:.1f} s", flush=True)
            outcomes.append(outcome)
    print("\n".join(_table(outcomes)))
    document = {"machine": machine(), "outcomes": [asdict(outcome) for outcome in outcomes]}
    report.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"overlay: written to {report}")
    return all(outcome.agrees is not False for outcome in outcomes)


def time_peer(name: str, data: Path, parcels: int) -> Outcome:
    """Run one contender alone, on files that are there, and return what it took."""
    with tempfile.TemporaryDirectory() as results:
        return _run(name, data, parcels, Path(results, "peer"))


def machine() -> dict[str, object]:
    """Return a description of the machine and the software measured."""
    packages = [package for _, package, _ in PEERS.values()]
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "versions": {package: _version(package) for package in packages},
    }


def _version(package: str) -> str | None:
    """Return a package's version; None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _run(name: str, data: Path, parcels: int, results: Path) -> Outcome:
    module, _, minutes = PEERS[name]
    outcome = Outcome(name, parcels)
    if module == "postgis" and not BINARIES.exists():
        outcome.fault = "not installed (Debian: postgresql-15-postgis-3)"
        return outcome
    results.mkdir()
    command = [
        sys.executable,
        "-m",
        "benchmarks.overlay",
        module,
        str(data),
        str(parcels),
        str(results),
    ]
    outcome.load_before = round(os.getloadavg()[0], 2)
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            output, _ = process.communicate(timeout=minutes * 60)
        except subprocess.TimeoutExpired:
            # First ask it to stop: PostGIS then stops its server.
            process.terminate()
            process.wait(60)
            outcome.fault = f"over {minutes} minutes"
            return outcome
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0:
        outcome.fault = f"failed with exit code {process.returncode}"
        return outcome
    outcome.seconds = round(time.perf_counter() - start, 2)
    said = json.loads(output.splitlines()[-1])
    outcome.phases, outcome.memory_mb = said["phases"], said["memory_mb"]
    outcome.cpu_seconds = said["cpu_seconds"]
    return outcome


def _compare(outcome: Outcome, results: Path) -> None:
    """Compare a peer's tables with the product's."""
    folder = results / outcome.name.replace(" ", "_")
    found, expected = (
        pd.read_parquet(each / "parcels.parquet") for each in (folder, results / "product")
    )
    differences = outcome.largest_difference
    is_same = len(found) == len(expected)
    for column in expected.columns if is_same else ():
        left, right = found[column].to_numpy(float), expected[column].to_numpy(float)
        apart = np.abs(left - right)
        differences[column] = float(apart.max())
        if column == "park":
            # A different park is right only if it covers as much of the parcel.
            continue
        slack = {"2": AREA_TOLERANCE_M2, "m": DISTANCE_TOLERANCE_M}.get(column[-1], RELATIVE)
        is_same &= bool((apart <= np.maximum(slack, RELATIVE * np.abs(right))).all())
    other = (found["park"] != expected["park"]).to_numpy()
    differences["park"] = int(other.sum())
    differences |= dict(_park_differences(folder, results / "product"))
    outcome.agrees = is_same and not other.any() and differences["park shares"] <= RELATIVE


def _park_differences(left: Path, right: Path) -> Iterator[tuple[str, float]]:
    keys = ["park", "industry"]
    tables = [
        pd.read_parquet(each / "parks.parquet").astype({"industry": "str"})
        for each in (left, right)
    ]
    both = tables[0].merge(tables[1], on=keys, how="outer", suffixes=("", "_other"))
    apart = (both[["share", "hhi"]] - both[["share_other", "hhi_other"]].to_numpy()).abs()
    yield "park shares", float(apart.fillna(np.inf).to_numpy().max())


def _table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    base = outcomes[0].seconds
    yield f"{'':16}{'seconds':>9}{'times':>8}{'CPU s':>8}{'MB':>7}  agrees"
    for outcome in outcomes:
        if outcome.seconds is None:
            yield f"{outcome.name:16}  {outcome.fault}"
            continue
        times = f"{outcome.seconds / base:.1f}" if base else "-"
        agrees = {True: "yes", False: "NO", None: "-"}[outcome.agrees]
        yield (
            f"{outcome.name:16}{outcome.seconds:9.1f}{times:>8}{outcome.cpu_seconds:8.1f}"
            f"{outcome.memory_mb:7d}  {agrees}"
        )
    for outcome in outcomes:
        if outcome.phases:
            phases = ", ".join(
                f"{phase} {seconds:.2f}" for phase, seconds in outcome.phases.items()
            )
            yield f"{outcome.name}: {phases}"
        if outcome.agrees is False:
            yield f"{outcome.name} differs: {outcome.largest_difference}"


def _work(module: str, data: str, parcels: str, results: str) -> None:
    """Run one contender; this is its process's entry point."""
    contender = importlib.import_module(f"benchmarks.contenders.{module}")
    phases = contender.run(Path(data), int(parcels), Path(results))
    # A contender's worker processes have ended; the memory is that of the largest process.
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu_seconds = round(sum(each.ru_utime + each.ru_stime for each in used), 2)
    memory_mb = max(each.ru_maxrss for each in used) // 1024
    print(json.dumps({"phases": phases, "cpu_seconds": cpu_seconds, "memory_mb": memory_mb}))


if __name__ == "__main__":
    _work(*sys.argv[1:])
