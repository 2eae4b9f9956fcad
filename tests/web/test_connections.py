"""Slow and many: real sockets against a real process, as somebody who means harm would use them."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from geo_service.scratch import PREFIX
from tests.county import County
from tests.patience import eventually
from tests.warm import WarmProcess, start

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc"),
]
PATIENCE = 60.0
"""Seconds after which something hangs, however busy the machine is."""
HALF = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
UPLOAD = (
    b"POST /api/imports?layer=parcels&filename=a.csv HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Length: 100000\r\n\r\n"
)


@dataclass
class Served:
    """A running service: where it listens, and what it has written so far."""

    process: WarmProcess
    port: int
    log: Path
    scratch: Path
    sockets: ExitStack

    def connect(self, sent: bytes = b"") -> socket.socket:
        """Return a connection on which something was sent."""
        made = self.sockets.enter_context(
            socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        )
        made.sendall(sent)
        return made

    def get(self, path: str = "/healthz") -> tuple[int, bytes]:
        """Return status and body of an honest request."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as client:
            client.request("GET", path)
            answer = client.getresponse()
            return answer.status, answer.read()

    def files(self) -> list[Path]:
        """Return the uploads and drafts that it keeps."""
        return [path for path in self.scratch.glob(f"{PREFIX}imports-*/*") if path.is_dir()]

    def status(self, name: str) -> int:
        """Return a figure of the process, as VmHWM (kB)."""
        text = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        found = re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)
        assert found
        return int(found[1])

    def open_files(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def open_sockets(self) -> set[str]:
        links = set()
        for path in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                links.add(str(path.readlink()))
        return {link for link in links if link.startswith("socket:")}

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii")
        user, system = fields.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(workspace: Path, folder: Path, **limits: Any) -> Iterator[Served]:  # noqa: ANN401 - JSON
    """Run the service with small limits, and end it."""
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    log = folder / "log"
    command = ["-m", "tests.web.small_server", str(workspace), json.dumps(limits)]
    environment = {**os.environ, "TMPDIR": str(scratch)}
    log.write_bytes(b"")
    process = start(command, environment=environment, log=log)
    with ExitStack() as sockets:
        try:
            yield _started(process, log, scratch, sockets)
        finally:
            process.kill()
            process.wait()


def _started(process: WarmProcess, log: Path, scratch: Path, sockets: ExitStack) -> Served:
    until = time.monotonic() + 3 * PATIENCE
    while time.monotonic() < until and process.poll() is None:
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", log.read_text(encoding="utf-8"))
        if found:
            return Served(process, int(found[1]), log, scratch, sockets)
        time.sleep(0.05)
    pytest.fail(log.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return County().write(tmp_path_factory.mktemp("slow") / "county")


def read_all(connection: socket.socket) -> bytes:
    """Return what comes until the other side ends the connection."""
    parts: list[bytes] = []
    while True:
        try:
            part = connection.recv(65_536)
        except ConnectionResetError:
            part = b""
        if not part:
            return b"".join(parts)
        parts.append(part)


def drip(connection: socket.socket) -> bytes:
    """Send a byte now and then until an answer comes or the connection ends; return the answer."""
    connection.settimeout(0.1)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            connection.sendall(b"a")
            if answer := connection.recv(65_536):
                return answer
        except TimeoutError:
            continue
        except (ConnectionResetError, BrokenPipeError):
            return b""
        else:
            return b""
    pytest.fail("it may drip for ever")


@pytest.fixture(scope="module")
def hurried(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve with times of a second or less."""
    times = {"head_seconds": 0.5, "idle_seconds": 0.5, "linger_seconds": 0.5, "tick_seconds": 0.1}
    stall = {"stall_seconds": 1.0}
    slow = {"body_idle_seconds": 0.5, "body_grace_seconds": 1.0, "body_bytes_a_second": 1e5}
    with serving(
        workspace,
        tmp_path_factory.mktemp("hurried"),
        connections={**times, **stall},
        shares=slow,
    ) as served:
        yield served


def test_a_head_that_does_not_end_is_a_408(hurried: Served) -> None:
    answer = read_all(hurried.connect(HALF))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in head.lower()
    assert b"application/problem+json" in head
    assert json.loads(body)["status"] == 408


def test_a_head_that_drips_has_no_more_time_for_it(hurried: Served) -> None:
    answer = drip(hurried.connect(HALF))
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("is_used", [False, True], ids=["new", "after a request"])
def test_an_idle_connection_is_closed_without_a_word(hurried: Served, *, is_used: bool) -> None:
    connection = hurried.connect()
    if is_used:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 200 ") if is_used else answer == b""
    assert answer.count(b"HTTP/1.1") == is_used


def test_a_second_head_that_does_not_end_is_a_408_too(hurried: Served) -> None:
    answer = read_all(hurried.connect(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" + HALF))
    assert answer.startswith(b"HTTP/1.1 200 ")
    # It came with the first one, so it may be taken for an idle connection: it ends either way.
    assert answer.count(b"HTTP/1.1") in {1, 2}


def test_a_body_that_stops_is_a_408_and_its_file_is_gone(hurried: Served) -> None:
    answer = read_all(hurried.connect(UPLOAD + b"a,b\n"))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in answer
    eventually(lambda: not hurried.files(), "the upload stays")


def test_a_body_that_drips_is_a_408(hurried: Served) -> None:
    assert drip(hurried.connect(UPLOAD)).startswith(b"HTTP/1.1 408 ")
    eventually(lambda: not hurried.files(), "the upload stays")


def test_the_rest_of_a_refused_body_is_not_awaited_for_ever(hurried: Served) -> None:
    connection = hurried.connect(UPLOAD.replace(b"/api/imports", b"/nowhere"))
    assert drip(connection).startswith(b"HTTP/1.1 404 ")
    while drip(connection):  # what is left of the answer, then the end
        pass


def test_an_answer_that_nobody_reads_is_given_up(hurried: Served) -> None:
    _, page = hurried.get("/openapi.json")
    asked = 1 + 30_000_000 // len(page)  # more than the system holds for a connection
    before = hurried.open_sockets()
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        reader.connect(("127.0.0.1", hurried.port))
        reader.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * asked)
        eventually(lambda: hurried.open_sockets() - before, "the connection is there")
        eventually(lambda: not hurried.open_sockets() - before, "the connection stays")
    assert hurried.get()[0] == 200


def test_an_upload_whose_sender_is_gone_is_gone(hurried: Served) -> None:
    connection = hurried.connect(UPLOAD + b"a,b\n")
    connection.close()
    eventually(lambda: not hurried.files(), "the upload stays")


def test_what_is_no_http_is_a_problem_document(hurried: Served) -> None:
    answer = read_all(hurried.connect(b"\x16\x03\x01 hello\r\n\r\n"))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer


@pytest.fixture(scope="module")
def usual(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve with the limits in force, while 1,024 files may be open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 2_000:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4_000), hard))
    with serving(workspace, tmp_path_factory.mktemp("usual"), files=1_024) as served:
        yield served


def test_an_upload_that_its_client_breaks_off_is_no_fault_of_ours(usual: Served) -> None:
    # A part of what it announces, then the connection ends: nothing is kept or complained of.
    for _ in range(3):
        connection = usual.connect(UPLOAD + b"x" * 1_000)
        eventually(lambda: bool(usual.files()), "the upload is there")
        connection.close()
        eventually(lambda: not usual.files(), "the upload is gone")
    assert usual.get("/healthz")[0] == HTTPStatus.OK
    said = usual.log.read_text(encoding="utf-8")
    assert "Unexpected" not in said
    assert "Traceback" not in said


def test_half_heads_by_the_thousand_cost_honest_clients_nothing(usual: Served) -> None:
    """1,100 half heads while 1,024 files may be open: the limits are those in force."""
    usual.get()
    memory, cpu = usual.status("VmHWM"), usual.cpu_seconds()
    for number in range(1_100):
        usual.connect(HALF)
        if number % 100 == 0:
            assert usual.get()[0] == 200
    for _ in range(20):
        assert usual.get()[0] == 200
        time.sleep(0.1)
    assert usual.open_files() < 1_024 - 300
    assert usual.status("VmHWM") - memory < 100_000  # kB
    assert usual.log.stat().st_size < 20_000
    # 1,100 connections and 31 answers take a second or less; a loop that spins takes all.
    assert usual.cpu_seconds() - cpu < 20


def test_the_system_s_limit_of_files_bounds_connections(workspace: Path, tmp_path: Path) -> None:
    limits = {"most": 5_000, "most_each": 5_000}
    with serving(workspace, tmp_path, files=400, connections=limits) as served:
        for _ in range(450):
            served.connect(HALF)
        assert served.get()[0] == 200
        assert served.open_files() < 400


def test_when_no_file_is_left_accepting_waits_and_the_log_stays_short(
    workspace: Path, tmp_path: Path
) -> None:
    """340 of 400 files are taken otherwise: fewer connections fit than the limit of 100 says."""
    limits = {"most": 5_000, "most_each": 5_000, "retry_seconds": 0.05}
    with serving(workspace, tmp_path, files=400, held=340, connections=limits) as served:
        cpu = served.cpu_seconds()
        for _ in range(110):
            served.connect(HALF)
        assert served.get()[0] == 200
        assert b"No connection can be accepted" in served.log.read_bytes()
        assert served.log.stat().st_size < 20_000
        assert served.cpu_seconds() - cpu < 20


def test_clients_with_work_under_way_are_not_pushed_out(workspace: Path, tmp_path: Path) -> None:
    limits = {"most": 8, "most_each": 8}
    with serving(workspace, tmp_path, connections=limits) as served:
        sending = [served.connect(UPLOAD) for _ in range(8)]
        eventually(lambda: len(served.files()) == 8, "8 uploads are on their way")
        refused = read_all(served.connect(HALF))
        assert refused == b"" or refused.startswith(b"HTTP/1.1 503 ")
        sending[0].close()
        eventually(lambda: len(served.files()) == 7, "the place is free again")
        assert served.get()[0] == 200


def test_what_a_killed_process_leaves_is_swept_at_the_next_start(
    workspace: Path, tmp_path: Path
) -> None:
    with serving(workspace, tmp_path) as served:
        served.connect(UPLOAD + b"a,b\n")
        eventually(served.files, "an upload is on its way")
        served.process.send_signal(signal.SIGKILL)
        served.process.wait()
        left = {path.parent for path in served.files()}
        assert left
    with serving(workspace, tmp_path) as served:
        served.get()  # an answer says that the start is over
        now = set(served.scratch.glob(f"{PREFIX}imports-*"))
        assert not now & left
        assert len(now) == 1  # its own
        served.process.send_signal(signal.SIGINT)
        served.process.wait(timeout=PATIENCE)
        assert not list(served.scratch.glob(f"{PREFIX}*"))
