"""Measure a service as its readers and its machine see it: until ready, pages, work, memory.

Starts `geo-service serve` on a copy of a workspace, twice: cold, and with the review that the
first start kept. Opens the map, asks for cheap pages while a review, a ranking and tiles are made,
and publishes again and again with the map open. Memory is the proportional set size of all of the
service's processes, from the system. What bare shapely takes on the same county is measured beside,
since machines differ, and one machine from hour to hour.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, product
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import yaml

from benchmarks.overlay import machine, time_peer
from benchmarks.workspace import write_workspace
from geo_service.planning import layers
from geo_service.planning.layers import newest_layer

HEALTH = ("/healthz", "/readyz")
PAGES = ("/", "/api/parks", "/api/reviews", "/api/rules", "/api/jobs")
TILE_ZOOMS = (11, 12, 13)
TILES = 100
_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE_S = 900.0
_PAUSE_S = 0.02


def processes_of(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int(_stat(int(entry.name))[1])
            except (OSError, IndexError):
                continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def _stat(pid: int) -> list[str]:
    """Return what follows the name in a process's state: state, parent, ..."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()


def pss_mb(pid: int) -> float:
    """Return the proportional set size of a process and its descendants in MB."""
    total = 0
    for one in processes_of(pid):
        try:
            text = Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii")
        except OSError:
            continue
        total += int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1])  # type: ignore[index] # every kernel writes it
    return total / 1024


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process and its living descendants in seconds."""
    total = 0
    for one in processes_of(pid):
        try:
            fields = _stat(one)
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))  # own and waited-for children's
    return total / _TICKS


class Reader:
    """Asks a service."""

    def __init__(self, base: str) -> None:
        self._base = base

    def get(self, path: str) -> bytes:
        """Return what is answered at an address."""
        with urllib.request.urlopen(self._base + path, timeout=_PATIENCE_S) as answer:  # noqa: S310 - ours
            content: bytes = answer.read()
            return content

    def post(self, path: str, body: object = None) -> dict[str, object]:
        """Send a document, and wait until its job has ended."""
        request = urllib.request.Request(  # noqa: S310 - ours
            self._base + path,
            data=json.dumps(body).encode() if body is not None else b"",
            headers={"content-type": "application/json"},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:  # noqa: S310 - ours
            document: dict[str, object] = json.load(answer)
        while document.get("status") in {"waiting", "running"}:
            time.sleep(_PAUSE_S)
            document = json.loads(self.get(f"/api/jobs/{document['job_id']}"))
        return document

    def seconds(self, path: str) -> float:
        """Return how long an answer takes."""
        began = time.monotonic()
        self.get(path)
        return time.monotonic() - began


@contextmanager
def serving(workspace: Path) -> Iterator[tuple[Reader, int, dict[str, float]]]:
    """Serve a workspace; give who asks, the process, and what it took until it was ready."""
    began = time.monotonic()
    program = "from geo_service.cli import app; app()"
    command = [sys.executable, "-c", program, "serve", str(workspace), "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None  # noqa: S101 - it was asked for
    try:
        for line in process.stderr:
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            if found:
                break
        else:
            message = "the service did not start"
            raise SystemExit(message)
        threading.Thread(target=process.stderr.read, daemon=True).start()
        took = {
            "ready_wall_s": time.monotonic() - began,
            "ready_cpu_s": cpu_s(process.pid),
            "ready_mb": pss_mb(process.pid),
        }
        yield Reader(found[0]), process.pid, took
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def beside(reader: Reader, work: Callable[[], object]) -> dict[str, float]:
    """Return how long pages and health checks take while work goes on, and how long it took."""
    took: dict[str, list[float]] = {path: [] for path in (*HEALTH, *PAGES)}
    began = time.monotonic()
    worker = threading.Thread(target=work)
    worker.start()
    for path in cycle(took):
        took[path].append(reader.seconds(path))
        time.sleep(_PAUSE_S)
        if not worker.is_alive() and all(took.values()):
            break
    pages = [seconds for path in PAGES for seconds in took[path]]
    health = [seconds for path in HEALTH for seconds in took[path]]
    return {
        "asked": len(pages) + len(health),
        "pages_p50_s": _quantile(pages, 0.5),
        "pages_p99_s": _quantile(pages, 0.99),
        "health_p99_s": _quantile(health, 0.99),
        "most_s": round(max(*pages, *health), 3),
        "work_wall_s": round(time.monotonic() - began, 1),
    }


def _quantile(seconds: Sequence[float], share: float) -> float:
    return round(float(np.quantile(seconds, share)), 3)


def open_map(reader: Reader) -> float:
    """Open the overview as a page does; return how long its page took."""
    seconds = reader.seconds("/maps/overview")
    for layer in ("county", "parks", "townships", "facilities"):
        reader.get(f"/api/layers/{layer}/features?limit=10000")
    reader.get("/api/layers/findings/features?limit=100")
    return seconds


def look_around(reader: Reader, lon: float, lat: float) -> None:
    """Ask for tiles around a place, as somebody does who moves the map."""
    asked = 0
    for zoom, layer in product(TILE_ZOOMS, ("parcels", "findings")):
        side = 2**zoom
        column = int((lon + 180) / 360 * side)
        row = int((1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * side)
        for right, down in product(range(-2, 3), repeat=2):
            if asked < TILES:
                reader.get(f"/tiles/{layer}/{zoom}/{column + right}/{row + down}.mvt")
                asked += 1


def publish(workspace: Path, reader: Reader, status: str) -> float:
    """Publish the parcels with another status for some; return how long the service takes it up."""
    before = json.loads(reader.get("/readyz"))["plan_version"]
    now = newest_layer(workspace, "parcels")
    frame = now.frame.copy()
    frame.loc[frame.index[:20], "status"] = status
    layers.publish(workspace, "parcels", frame, expected=now.version)
    began = time.monotonic()
    while json.loads(reader.get("/readyz"))["plan_version"] == before:
        reader.get("/api/parks?limit=1")  # whoever asks makes it look
        time.sleep(_PAUSE_S)
    return time.monotonic() - began


def measure(workspace: Path, publishes: int) -> dict[str, Any]:
    """Return what a service of a workspace takes."""
    report: dict[str, Any] = {}
    with serving(workspace) as (reader, pid, took):
        report["cold"] = {**took, "first_map_s": open_map(reader)}
    with serving(workspace) as (reader, pid, took):
        report["kept"] = {**took, "first_map_s": open_map(reader)}
        project = yaml.safe_load((workspace / "project.yaml").read_text(encoding="utf-8"))
        parks = json.loads(reader.get("/api/layers/parks/features?limit=1"))["features"]
        lon, lat = shapely.geometry.shape(parks[0]["geometry"]).centroid.coords[0]
        identity = json.loads(reader.get("/readyz"))["review_id"]
        works: dict[str, Callable[[], object]] = {
            "a review": lambda: reader.post("/api/reviews", {"as_of": "2026-06-01"}),
            "a ranking": lambda: reader.post("/api/rankings", project),
            "tiles": lambda: look_around(reader, lon, lat),
            "an export": lambda: reader.get(f"/api/reviews/{identity}/export?format=json"),
        }
        report["beside"] = {}
        for name, work in works.items():
            report["beside"][name] = beside(reader, work)
            print(f"serve: beside {name}: {report['beside'][name]}", flush=True)
        report["after_work_mb"] = pss_mb(pid)
        report["publishes"] = []
        for number in range(publishes):
            seconds = publish(workspace, reader, ("vacant", "idle")[number % 2])
            opened = open_map(reader)
            _wait_until_idle(reader)
            row = {"taken_up_s": seconds, "map_s": opened, "mb": pss_mb(pid)}
            print(f"serve: publication {number + 1}: {row}", flush=True)
            report["publishes"].append(row)
    return report


def _wait_until_idle(reader: Reader) -> None:
    """Wait until nothing is worked on any more."""
    ends = time.monotonic() + _PATIENCE_S
    while time.monotonic() < ends:
        jobs = json.loads(reader.get("/api/jobs"))["jobs"]
        if all(job["status"] not in {"waiting", "running"} for job in jobs):
            return
        time.sleep(_PAUSE_S)


def bench_serving(data: Path, parcels: int, publishes: int, report: Path) -> None:
    """Measure the service of a generated county; print the figures, and write them."""
    source = data / f"county_{parcels}"
    if not source.exists():
        write_workspace(source, parcels, data)
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder, "county")
        shutil.copytree(source, workspace, ignore=shutil.ignore_patterns("store"))
        peer = time_peer("tuned shapely", data, parcels)
        found = measure(workspace, publishes)
    found["tuned_shapely_s"], found["machine"] = peer.seconds, machine()
    print("\n".join(_lines(found)))
    report.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"serve: written to {report}")


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield f"tuned shapely's overlay of the same county: {found['tuned_shapely_s']:.1f} s"
    for name, what in (("cold", "ready"), ("kept", "ready from a kept review")):
        took = found[name]
        yield (
            f"{what}: {took['ready_wall_s']:.1f} s ({took['ready_cpu_s']:.1f} s CPU), "
            f"{took['ready_mb']:,.0f} MB; first map {took['first_map_s']:.2f} s"
        )
    for name, took in found["beside"].items():
        yield (
            f"beside {name}: pages p99 {took['pages_p99_s']:.3f} s, "
            f"health p99 {took['health_p99_s']:.3f} s, most {took['most_s']:.3f} s"
        )
    yield f"after that: {found['after_work_mb']:,.0f} MB"
    if rows := found["publishes"]:
        first, last = rows[0]["mb"], rows[-1]["mb"]
        slowest = max(row["map_s"] for row in rows)
        yield (
            f"{len(rows)} publications with the map open: {first:,.0f} MB after the first, "
            f"{last:,.0f} MB after the last ({last / first:.2f} x); slowest map {slowest:.2f} s"
        )
