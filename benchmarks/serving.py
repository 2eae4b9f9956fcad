"""Measure a service as its readers and its machine see it: until ready, pages, work, memory.

Starts `geo-service serve` on a copy of a workspace, twice: cold, and with the review that the
first start kept. Opens the map, asks for cheap pages while a review, a ranking and tiles are made,
and publishes again and again with the map open. Memory is the proportional set size of all of the
service's processes, from the system. Run: `python -m benchmarks.serving WORKSPACE [PUBLISHES]`.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from geo_service.planning import layers
from geo_service.planning.layers import newest_layer

CHEAP = ("/healthz", "/readyz", "/", "/api/parks", "/api/reviews", "/api/rules", "/api/jobs")
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
    """Return how long cheap pages take while work goes on, and how long the work took."""
    took: list[float] = []
    began = time.monotonic()
    worker = threading.Thread(target=work)
    worker.start()
    while worker.is_alive():
        for path in CHEAP:
            took.append(reader.seconds(path))
            time.sleep(_PAUSE_S)
    worker.join()
    return {
        "pages": len(took),
        "p50_s": float(np.quantile(took, 0.5)),
        "p99_s": float(np.quantile(took, 0.99)),
        "most_s": max(took),
        "work_wall_s": time.monotonic() - began,
    }


def open_map(reader: Reader) -> float:
    """Open the overview as a page does; return how long its page took."""
    seconds = reader.seconds("/maps/overview")
    for layer in ("county", "parks", "townships", "facilities"):
        reader.get(f"/api/layers/{layer}/features?limit=10000")
    reader.get("/api/layers/findings/features?limit=100")
    return seconds


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


def measure(workspace: Path, publishes: int) -> dict[str, object]:
    """Return what a service of a workspace takes."""
    report: dict[str, object] = {}
    with serving(workspace) as (reader, pid, took):
        report["cold"] = took
        report["first_map_s"] = open_map(reader)
        report["second_map_s"] = open_map(reader)
    with serving(workspace) as (reader, pid, took):
        report["kept"] = took
        report["map_s"] = open_map(reader)
        report["beside_review"] = beside(
            reader, lambda: reader.post("/api/reviews", {"as_of": "2026-06-01"})
        )
        project = workspace / "project.yaml"
        if project.exists():
            import yaml  # noqa: PLC0415 - only here

            body = yaml.safe_load(project.read_text(encoding="utf-8"))
            report["beside_ranking"] = beside(reader, lambda: reader.post("/api/rankings", body))
        report["beside_export"] = beside(
            reader,
            lambda: reader.get(
                f"/api/reviews/{json.loads(reader.get('/readyz'))['review_id']}/export?format=json"
            ),
        )
        report["after_work_mb"] = pss_mb(pid)
        rows = []
        for number in range(publishes):
            seconds = publish(workspace, reader, ("vacant", "idle")[number % 2])
            opened = open_map(reader)
            _settled(reader)
            rows.append({"taken_up_s": seconds, "map_s": opened, "mb": pss_mb(pid)})
            print(json.dumps(rows[-1]), flush=True)
        report["publishes"] = rows
        if rows:
            report["grown"] = rows[-1]["mb"] / rows[0]["mb"]
    return report


def _settled(reader: Reader) -> None:
    """Wait until nothing is worked on any more."""
    ends = time.monotonic() + _PATIENCE_S
    while time.monotonic() < ends:
        jobs = json.loads(reader.get("/api/jobs"))["jobs"]
        if all(job["status"] not in {"waiting", "running"} for job in jobs):
            return
        time.sleep(_PAUSE_S)


def main() -> None:
    """Measure a workspace, and print what was found as JSON."""
    source = Path(sys.argv[1])
    publishes = int(sys.argv[2]) if len(sys.argv) > 2 else 20  # noqa: PLR2004 - the second argument
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "county"
        shutil.copytree(source, workspace, ignore=shutil.ignore_patterns("store"))
        print(json.dumps(measure(workspace, publishes), indent=2))


if __name__ == "__main__":
    main()
