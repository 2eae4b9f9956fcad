"""A fork server makes processes that are as good as started ones, and nobody else's."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from collections.abc import Iterator

import pytest

from geo_service.forkserver import CAN_FORK, Forked, ForkServer
from tests.conftest import ROOT
from tests.patience import eventually

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="this system cannot fork safely")


@pytest.fixture
def server() -> Iterator[ForkServer]:
    server = ForkServer("tests.forkwork:work", ["json"], {**os.environ, "PYTHONPATH": str(ROOT)})
    yield server
    server.close()


def ask(process: Forked, word: str) -> str:
    process.stdin.write(f"{word}\n".encode())
    process.stdin.flush()
    return process.stdout.readline().decode().strip()


def release(process: Forked) -> None:
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def test_a_process_has_modules_loaded_and_its_own_pipes(server: ForkServer) -> None:
    first, second = server.fork(), server.fork()
    assert ask(second, "pid") == str(second.pid)
    assert ask(first, "pid") == str(first.pid)
    assert ask(first, "has json") == "True"
    assert ask(first, "has sqlite3") == "False"
    # Its input, its output, the way out of errors: nothing of the server's or of a sibling's.
    assert ask(second, "handles") == "0 1 2"
    release(first)
    assert ask(second, "pid") == str(second.pid)
    release(second)


@pytest.mark.parametrize(("word", "code"), [("end", 0), ("fail", 1), ("crash", -signal.SIGSEGV)])
def test_the_exit_code_is_told(server: ForkServer, word: str, code: int) -> None:
    process = server.fork()
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0)
    assert ask(process, word) == ""
    assert process.wait() == code
    assert process.poll() == code
    process.kill()  # nothing happens: its number may be another's by now
    release(process)


def test_a_process_is_waited_for_among_thousands_of_open_files(server: ForkServer) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1_200  # `select` knows the first 1,024
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * wanted), hard))
    many = [os.dup(0) for _ in range(wanted)]
    try:
        process = server.fork()
        assert process.stdin.fileno() > wanted
        assert process.poll() is None
        assert ask(process, "end") == ""
        assert process.wait() == 0
        release(process)
    finally:
        for handle in many:
            os.close(handle)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_process_ends_its_input_by_itself(server: ForkServer) -> None:
    process = server.fork()
    process.stdin.close()
    assert process.wait() == 0
    process.stdout.close()


def test_a_killed_server_is_an_error_and_its_processes_are_given_up(server: ForkServer) -> None:
    process = server.fork()
    pid = process.pid
    server.close()
    assert process.wait() < 0
    with pytest.raises(OSError, match="Bad file descriptor"):
        server.fork()
    process.stdin.close()  # which ends the process itself
    process.stdout.close()

    def is_gone() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False

    eventually(is_gone, "the process ends")
