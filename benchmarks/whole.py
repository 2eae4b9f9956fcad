"""The whole-command benchmark: what people type, on a county as large as the overlay's.

Each command runs in a process of its own, from the start of Python to its exit; time and memory
are those that the operating system counts. Beside it runs the bare overlay of tuned shapely, which
only measures areas: seconds are to be read against it. One process with the plan open reviews
plans that differ a little from one reviewed before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import county
from benchmarks.overlay import machine, time_peer
from benchmarks.workspace import write_workspace

PEER = "tuned shapely"
DAY = "2026-11-30"
EDITED_PARCELS = 20
_START = "from geo_service.cli import main; main()"  # as the script geo-service does
_KILO = 1 if sys.platform == "darwin" else 1024
"""Bytes in the unit in which the system tells memory."""


@dataclass(frozen=True)
class Taken:
    """What a command took."""

    name: str
    seconds: float
    cpu_seconds: float
    memory_mb: int
    output_mb: float = 0.0


def bench_whole(data: Path, parcels: int, report: Path, *, has_peer: bool = True) -> None:
    """Time whole commands on a generated county; print a table and write the report."""
    folder = data / f"county_{parcels}"
    if not (folder / "workspace.toml").exists():
        print(f"whole: workspace of {parcels:,} parcels in {folder}", flush=True)
        write_workspace(folder, parcels, data)
    taken: list[Taken] = []
    if has_peer:
        county.make(data, parcels)
        taken.append(_peer(data, parcels))
        print(_line(taken[-1]), flush=True)
    with tempfile.TemporaryDirectory() as results:
        for name, arguments in _commands(folder, Path(results)).items():
            taken.append(_command(name, arguments))
            print(_line(taken[-1]), flush=True)
    again = _again(folder)
    for name, seconds in again.items():
        print(f"{name:44}{seconds:9.2f} CPU s", flush=True)
    print("\n".join(_table(taken)))
    document = {
        "machine": machine(),
        "parcels": parcels,
        "commands": [asdict(each) for each in taken],
        "again": again,
    }
    report.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"whole: written to {report}")


def _commands(folder: Path, results: Path) -> dict[str, list[str]]:
    project = str(folder / "project.yaml")
    review = ["review", str(folder), "--as-of", DAY]
    return {
        "review --format json": [*review, "--format", "json", "-o", str(results / "review.json")],
        "rank --top 10": ["rank", project, str(folder), "--top", "10"],
        "review --format gpkg": [*review, "--format", "gpkg", "-o", str(results / "review.gpkg")],
        "review --format xlsx": [*review, "--format", "xlsx", "-o", str(results / "review.xlsx")],
    }


def _command(name: str, arguments: list[str]) -> Taken:
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", _START, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = process.stderr.read() if process.stderr else ""
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    # Exit code 1 means that some park fails or no candidate fits: a result, not an error.
    if os.waitstatus_to_exitcode(status) not in {0, 1}:
        msg = f"{name} failed: {said}"
        raise RuntimeError(msg)
    output = Path(arguments[-1]) if "-o" in arguments else None
    return Taken(
        name,
        round(seconds, 2),
        round(used.ru_utime + used.ru_stime, 2),
        int(used.ru_maxrss * _KILO / 2**20),
        round(output.stat().st_size / 1e6, 1) if output else 0.0,
    )


def _peer(data: Path, parcels: int) -> Taken:
    outcome = time_peer(PEER, data, parcels)
    if outcome.seconds is None:
        msg = f"{PEER}: {outcome.fault}"
        raise RuntimeError(msg)
    name = f"bare overlay of {PEER}"
    return Taken(name, outcome.seconds, outcome.cpu_seconds or 0.0, outcome.memory_mb or 0)


def _again(folder: Path) -> dict[str, float]:
    """Return the processor seconds of reviews in a process with the plan open and reviewed."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.whole", str(folder)],
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _review_again(folder: str) -> None:
    """Time reviews of plans that differ a little; this is the entry point of their process."""
    from datetime import date  # noqa: PLC0415 - of this process alone

    import shapely.affinity  # noqa: PLC0415

    import geo_service as gs  # noqa: PLC0415

    plan, day = gs.open_plan(folder), date.fromisoformat(DAY)
    gs.review(plan, as_of=day)
    start = time.process_time()
    earlier = gs.review(plan, as_of=day)
    seconds = {"full review, plan open": time.process_time() - start}
    park = plan.frame("parks").iloc[[7]]
    parcels = plan.frame("parcels").sample(EDITED_PARCELS, random_state=3)
    moved = [shapely.affinity.translate(shape, 0.0005, 0) for shape in parcels["geometry"]]
    shape = shapely.affinity.translate(park["geometry"].iloc[0], 0.002, 0.001)
    edits = {
        "again, one park with another industry": ("parks", park.assign(leading_industry="25")),
        "again, one park moved": ("parks", park.assign(geometry=[shape])),
        "again, 20 parcels vacant": ("parcels", parcels.assign(status="vacant")),
        "again, 20 parcels moved": ("parcels", parcels.assign(geometry=moved)),
    }
    for name, (layer, rows) in edits.items():
        times = []
        for _ in range(3):
            start = time.process_time()
            changed = plan.with_rows(layer, rows, label=name)
            gs.review(changed, as_of=day, earlier=earlier)
            times.append(time.process_time() - start)
        seconds[name] = min(times)
    print(json.dumps(seconds))


def _line(taken: Taken) -> str:
    size = f"{taken.output_mb:9.1f} MB written" if taken.output_mb else ""
    return (
        f"{taken.name:44}{taken.seconds:9.1f} s{taken.cpu_seconds:9.1f} CPU s"
        f"{taken.memory_mb:7d} MB{size}"
    )


def _table(taken: list[Taken]) -> list[str]:
    """Return the table of the documentation, with each command's time against the peer's."""
    base = next((each.seconds for each in taken if each.name.endswith(PEER)), None)
    lines = ["| what | seconds | of the peer's | CPU s | MB |", "| --- | --- | --- | --- | --- |"]
    for each in taken:
        share = f"{each.seconds / base:.2f} ×" if base else ""
        lines.append(
            f"| {each.name} | {each.seconds:.1f} | {share} | {each.cpu_seconds:.1f} "
            f"| {each.memory_mb:,} |"
        )
    return lines


if __name__ == "__main__":
    _review_again(sys.argv[1])
