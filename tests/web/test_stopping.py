"""A real process that is told to stop: answers under way are sent, and it ends within its time."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
import urllib.request
from http.client import HTTPResponse
from pathlib import Path

import pytest

from geo_service.jobs import JobBoard, JobKind, JobStatus
from tests.county import County
from tests.patience import PATIENCE_S, eventually
from tests.web.served import served

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="it sends signals"),
]
HALF = b'{"name": "slow", '
REST = b'"edits": []}'
HEAD = (
    b"POST /api/scenarios HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(HALF + REST)
)


def test_slow_requests_end_first_and_too_slow_ones_are_bounded(
    county: County, tmp_path: Path
) -> None:
    workspace = county.write(tmp_path / "county")
    with served(workspace, tmp_path, GEO_LOG_FORMAT="json", GEO_LOG_LEVEL="info") as running:
        slow = running.connect(HEAD + HALF)
        url = f"http://127.0.0.1:{running.port}/readyz"
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            assert json.load(answer)["status"] == "ready"
        running.process.send_signal(signal.SIGTERM)
        eventually(lambda: not listens(running.port), "no more is accepted")
        assert running.process.poll() is None
        slow.sendall(REST)
        with slow, HTTPResponse(slow) as answer:
            answer.begin()
            made = json.load(answer)
            assert answer.status == 201
        assert running.ends() == 0
        told = running.log
    assert "Stopped." in told
    assert "Traceback" not in told
    lines = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    routes = [(line["route"], line["status"]) for line in lines if "route" in line]
    assert ("/api/scenarios", 201) in routes
    ids = [line["request_id"] for line in lines if line.get("route") == "/api/scenarios"]
    assert ids == [answer.headers["x-request-id"]]

    with served(workspace, tmp_path, GEO_STOP_SECONDS="0.5") as running:
        url = f"http://127.0.0.1:{running.port}/api/scenarios/{made['scenario_id']}"
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as kept:  # noqa: S310 - ours
            assert json.load(kept)["name"] == "slow"  # what was answered was kept
        with running.connect(HEAD + HALF):
            with urllib.request.urlopen(url, timeout=PATIENCE_S):  # noqa: S310 - ours
                pass  # the half request before it was taken in
            running.process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            assert running.ends() == 0
            assert time.monotonic() - began < 60  # not the 20 s and more of a slow body, each
        assert "Not all work ended within 0.5 s" in running.log


def listens(port: int) -> bool:
    """Return whether something accepts connections."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE_S):
            return True
    except OSError:
        return False


def test_jobs_that_wait_are_given_back_and_what_keeps_results_is_not() -> None:
    may_end, has_begun = threading.Event(), threading.Event()
    board = JobBoard()

    def work(_: object) -> str:
        has_begun.set()
        assert may_end.wait(PATIENCE_S)
        return "made"

    running = board.start(work, JobKind.REVIEW)
    assert has_begun.wait(PATIENCE_S)
    waiting = board.start(lambda _: "never", JobKind.REVIEW)
    held = board.start(work)
    kept = board.start(lambda _: "kept")
    board.give_back()
    assert waiting.status is JobStatus.CANCELLED
    assert board.is_busy()
    may_end.set()
    for job in (running, held, kept):
        assert board.wait(job, PATIENCE_S)
    eventually(lambda: not board.is_busy(), "all have ended")
    assert [running.status, kept.status] == [JobStatus.DONE, JobStatus.DONE]
    assert (running.result, kept.result) == ("made", "kept")
    board.close()
