"""The review benchmark: time `geo-service review` of the demo in a new process, start to exit."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.overlay import machine

WORKSPACE = Path(__file__).parent.parent / "layers" / "yunyang"
RUNS = 5


def bench_review(report: Path) -> None:
    """Time cold reviews; print and write each run and the median."""
    start_command = "from geo_service.cli import main; main()"  # as the script geo-service does
    command = [sys.executable, "-c", start_command, "review", str(WORKSPACE)]
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        seconds.append(round(time.perf_counter() - start, 3))
        # Exit code 1 means that some park's verdict is fail: a result, not an error.
        if done.returncode not in {0, 1} or not done.stdout:
            msg = f"The review failed: {done.stderr}"
            raise RuntimeError(msg)
    median = statistics.median(seconds)
    print(f"review: median {median:.2f} s of {seconds}")
    document = {"machine": machine(), "seconds": seconds, "median": median}
    report.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"review: written to {report}")
