"""A process of its own ends at each of its limits, when it is told to, and with its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from geo_service.isolation import EndReason, ProcessEndedError
from tests.conftest import ROOT
from tests.isolated import doing, never
from tests.patience import eventually


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_questions_are_answered_in_order() -> None:
    with doing("echo") as process:
        for text in (b"one", b"", "宗地".encode() * 1_000):
            process.send(text)
            assert process.receive(never) == text
        pid = process.pid
    assert not is_alive(pid)


@pytest.mark.parametrize(
    ("work", "limits", "arguments", "reason"),
    [
        ("hoard", {"memory_bytes": 300_000_000}, {}, EndReason.MEMORY),
        ("spin", {"seconds": 1.0}, {}, EndReason.TIME),
        ("sleep", {"seconds": 1.0}, {}, EndReason.TIME),
        ("flood", {}, {"size": 1_000_001}, EndReason.OUTPUT),
        ("open_many", {}, {"count": 300}, EndReason.FILES),
    ],
)
def test_a_limit_ends_it(
    work: str, limits: dict[str, float], arguments: dict[str, Any], reason: EndReason
) -> None:
    with doing(work, limits, **arguments) as process, pytest.raises(ProcessEndedError) as caught:
        process.receive(never)
    assert caught.value.reason is reason


def test_an_answer_at_the_limit_arrives() -> None:
    with doing("flood", size=999_999) as process:
        assert process.receive(never) == bytes(999_999)


def test_a_file_may_not_grow_past_the_limit(tmp_path: Path) -> None:
    with doing("fill", path=str(tmp_path / "a"), size=1_000_000) as process:
        assert process.receive(never) == b"written"
    with (
        doing("fill", path=str(tmp_path / "b"), size=1_000_001) as process,
        pytest.raises(ProcessEndedError) as caught,
    ):
        process.receive(never)
    assert caught.value.reason is EndReason.OUTPUT
    assert (tmp_path / "b").stat().st_size <= 1_000_000


def test_a_process_that_is_killed_has_broken_down() -> None:
    with doing("sleep") as process:
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(ProcessEndedError) as caught:
            process.receive(never)
    assert caught.value.reason is EndReason.BROKEN


def test_answers_that_nobody_took_keep_no_thread() -> None:
    before = set(threading.enumerate())
    with doing("echo") as process:
        for _ in range(5):
            process.send(b"x")
        assert process.receive(never) == b"x"
    assert set(threading.enumerate()) <= before


def test_a_mistake_of_ours_is_told_as_one() -> None:
    with doing("fail") as process, pytest.raises(RuntimeError, match="a mistake of ours"):
        process.receive(never)


def test_whoever_watches_can_stop_it() -> None:
    class Stop(Exception):  # noqa: N818 - not an error: the test asks for it
        pass

    asked = 0

    def watch() -> None:
        nonlocal asked
        asked += 1
        if asked > 2:
            raise Stop

    with pytest.raises(Stop), doing("spin") as process:
        process.receive(watch)
    assert not is_alive(process.pid)


def test_it_does_not_outlive_a_parent_that_is_killed() -> None:
    code = (
        "import sys; sys.path.insert(0, '.')\n"
        "from tests.isolated import doing, never\n"
        "with doing('sleep') as process:\n"
        "    print(process.pid, flush=True)\n"
        "    process.receive(never)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    eventually(lambda: not is_alive(pid), "the process that was left alone ends")
