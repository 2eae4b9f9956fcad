"""Runs with real processes: workers and clients are killed, and the answer stays the same."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.patience import eventually
from tests.province.made import CODES, contents, review_here, write_province
from tests.terminal import COMMAND, run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
DAY = "2026-11-22"


@contextmanager
def started(*command: str, said: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Give a process that is ended at the end; what it says goes into a file."""
    with (said or Path(os.devnull)).open("wb") as errors:
        process = subprocess.Popen(
            command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=errors
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def review(path: Path, out: Path, *more: str) -> tuple[str, ...]:
    given = ("province", "review", str(path), "-o", str(out), "--as-of", DAY, "--lang", "en")
    return (*COMMAND, *given, *more)


class Held:
    """A county's settings as a pipe: who reads them waits, so that a task is in the middle."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "workspace.toml"
        self._content = self._path.read_bytes()
        self._path.unlink()
        os.mkfifo(self._path)
        self._inode = self._path.stat().st_ino
        self._end = -1

    def is_read(self) -> bool:
        """Return whether some process waits for the settings."""
        try:
            self._end = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return False
            raise
        return True

    def reader(self) -> int:
        """Return the process that waits: its end is listed a moment after ours has let it open."""
        eventually(lambda: self._listed() is not None, "the reader is listed")
        found = self._listed()
        assert found is not None
        return found

    def _listed(self) -> int | None:
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with suppress(OSError):
                for handle in (entry / "fd").iterdir():
                    with suppress(OSError):
                        if handle.stat().st_ino == self._inode:
                            return int(entry.name)
        return None

    def settle(self) -> None:
        """Put the settings there for whoever reads them next."""
        made = self._path.with_name("settled")
        made.write_bytes(self._content)
        made.replace(self._path)

    def close(self) -> None:
        """Let go of the pipe."""
        os.close(self._end)


def is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_an_address_where_nothing_answers_is_told(tmp_path: Path) -> None:
    path = write_province(tmp_path, CODES[:1])
    done = run("province", "review", path, "--scheduler", "here", "--lang", "en")
    assert (done.returncode, done.stderr) == (2, "No Dask scheduler answers at here.\n")


def test_a_killed_worker_changes_nothing_and_a_broken_county_stops_no_other(
    tmp_path: Path,
) -> None:
    path = write_province(tmp_path, (*CODES, "500104"), is_cut=True)
    broken = tmp_path / "500104" / "enterprises.csv"
    broken.write_text(broken.read_text("utf-8").replace("operating", "asleep"), "utf-8")
    review_here(path, tmp_path / "here")
    held = Held(tmp_path / CODES[1])
    place = tmp_path / "scheduler.json"
    dask = (sys.executable, "-m", "dask")
    quiet = ("--host", "127.0.0.1", "--scheduler-file", str(place))
    with ExitStack() as stack:
        stack.enter_context(
            started(*dask, "scheduler", "--no-dashboard", "--port", "0", "--no-show", *quiet)
        )
        eventually(place.is_file, "the scheduler is there")
        at = json.loads(place.read_text())["address"]
        for _ in range(2):
            worker = (*dask, "worker", at, "--no-nanny", "--nthreads", "1", "--no-dashboard")
            stack.enter_context(started(*worker, "--host", "127.0.0.1"))
        client = stack.enter_context(
            started(*review(path, tmp_path / "out", "--scheduler", at), said=tmp_path / "said.txt")
        )
        eventually(held.is_read, "a worker is in the middle of a county")
        pid = held.reader()
        held.settle()
        os.kill(pid, signal.SIGKILL)
        held.close()
        client.wait()
    said = (tmp_path / "said.txt").read_text("utf-8")
    assert client.returncode == 2, said
    assert "asleep" in said
    assert "Counties reviewed: 3, with faults: 1." in said
    assert contents(tmp_path / "out") == contents(tmp_path / "here")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    states = {code: county["state"] for code, county in manifest["counties"].items()}
    assert states == {**dict.fromkeys(CODES, "whole"), "500104": "faulty"}


def assert_resumed(path: Path, out: Path, whole: Path, *, workers: int) -> None:
    """Resume a run that left its last county out: the others are not made again."""
    done = {code: (out / f"county={code}" / "record.json").stat() for code in CODES[:-1]}
    resumed = subprocess.run(
        review(path, out, "--workers", str(workers), "--resume"),
        env=ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert resumed.returncode == 0, resumed.stderr
    assert contents(out) == contents(whole)
    for code, before in done.items():
        assert (out / f"county={code}" / "record.json").stat().st_mtime_ns == before.st_mtime_ns


def test_a_run_whose_scheduler_died_is_resumed(tmp_path: Path) -> None:
    path, out = write_province(tmp_path), tmp_path / "out"
    review_here(path, tmp_path / "here")
    held = Held(tmp_path / CODES[-1])
    place = tmp_path / "scheduler.json"
    dask, quiet = (sys.executable, "-m", "dask"), ("--host", "127.0.0.1")
    with ExitStack() as stack:
        given = ("--no-dashboard", "--port", "0", "--no-show", "--scheduler-file", str(place))
        scheduler = stack.enter_context(started(*dask, "scheduler", *given, *quiet))
        eventually(place.is_file, "the scheduler is there")
        at = json.loads(place.read_text())["address"]
        worker = (*dask, "worker", at, "--no-nanny", "--nthreads", "1", "--no-dashboard")
        stack.enter_context(started(*worker, *quiet, "--death-timeout", "1"))
        client = stack.enter_context(
            started(*review(path, out, "--scheduler", at), said=tmp_path / "said.txt")
        )
        eventually(held.is_read, "the last county is in the middle")
        scheduler.kill()
        client.wait()
        held.settle()
        held.close()
    said = (tmp_path / "said.txt").read_text("utf-8")
    assert (client.returncode, at in said) == (2, True), said
    assert not (out / "manifest.json").exists()
    assert_resumed(path, out, tmp_path / "here", workers=1)


def test_a_killed_run_is_resumed_and_nobody_writes_beside_one(tmp_path: Path) -> None:
    path, out = write_province(tmp_path, is_cut=True), tmp_path / "out"
    review_here(path, tmp_path / "here")
    held = Held(tmp_path / CODES[-1])
    with started(*review(path, out, "--workers", "1")) as first:
        eventually(held.is_read, "the last county is in the middle")
        second = subprocess.run(
            review(path, out, "--workers", "1"),
            env=ENVIRONMENT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (second.returncode, "Another run writes into" in second.stderr) == (2, True)
        worker = held.reader()
        first.kill()
        first.wait()
    held.settle()
    held.close()
    eventually(lambda: not is_running(worker), "its worker ends by itself")
    assert not (out / "manifest.json").exists()
    assert_resumed(path, out, tmp_path / "here", workers=2)
