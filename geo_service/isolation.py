"""Run work on untrusted files in a separate process, with limits, that can be killed at any time.

The libraries that open such files are large and written in C; an exploit stays inside that
process. The process answers in bytes, which are never unpickled. It ends with its work, or
when the parent stops listening.

The operating system enforces the limits of memory, CPU time, open files and file size
(`setrlimit`). Windows has none of these; there only the waiting time is limited.
"""

from __future__ import annotations

import errno
import importlib
import os
import queue
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Self

import orjson

from geo_service.forkserver import CAN_FORK, Forked, fork
from geo_service.gdal import restrict_drivers

_HEAD_BYTES = 8
_POLL_SECONDS = 0.2
_DRAIN_SECONDS = 0.01
_LISTENER = "isolated"
"""The name of the threads that take answers."""
_OPEN_FILES = 256
_TRACE = 10_000
_GRACE_SECONDS = 5
"""Seconds between the signal that names the reason (SIGXCPU) and the one that kills."""
_OUT_OF_TIME = -24
"""The exit code of a process that used up its CPU time (SIGXCPU)."""
_START = "from geo_service.isolation import serve; serve()"
_SERVE = "geo_service.isolation:do_one"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessLimits:
    """The most that a process may use."""

    memory_bytes: int
    seconds: float
    """CPU time, and also time spent waiting for its answers."""
    file_bytes: int
    """Size of any one file that it writes."""
    message_bytes: int
    """Size of any one answer."""


class EndReason(StrEnum):
    """Why a process gave no answer."""

    MEMORY = "memory"
    TIME = "time"
    OUTPUT = "output"
    DISK = "disk"
    FILES = "files"
    BROKEN = "broken"


class ProcessEndedError(Exception):
    """A process was stopped at a limit, or broke down."""

    def __init__(self, reason: EndReason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason


class Channel:
    """The parent, as seen by the work in the process: receives questions, sends answers."""

    def __init__(self, questions: IO[bytes], answers: IO[bytes]) -> None:
        self._questions, self._answers = questions, answers

    def receive(self) -> bytes | None:
        """Return the next question; None if no more will come."""
        return read_frame(self._questions, limit=None)

    def send(self, content: bytes) -> None:
        """Send an answer."""
        write_frame(self._answers, b"=" + content)


class Isolated:
    """A started process that waits for its work; release it with `close`."""

    def __init__(self, modules: Sequence[str]) -> None:
        environment = dict(os.environ)
        restrict_drivers(environment)
        ours = str(Path(__file__).parents[1])
        environment["PYTHONPATH"] = os.pathsep.join(
            filter(None, [ours, environment.get("PYTHONPATH")])
        )
        if CAN_FORK:
            self._process: Forked | subprocess.Popen[bytes] = fork(_SERVE, modules, environment)
        else:
            self._process = subprocess.Popen(  # noqa: S603 - this program's own interpreter
                [sys.executable, "-P", "-c", _START, *modules],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        self._answers: queue.Queue[bytes | EndReason | None] = queue.Queue(maxsize=1)
        self._limits: ProcessLimits | None = None
        self._listener: threading.Thread | None = None
        self._waited = 0.0

    @property
    def is_alive(self) -> bool:
        """Whether the process is running."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def begin(self, work: str, arguments: Mapping[str, Any], limits: ProcessLimits) -> None:
        """Make the process call `module:function` with a channel and the arguments."""
        self._limits = limits
        task = {"work": work, "arguments": arguments, "limits": asdict(limits)}
        self.send(orjson.dumps(task))
        self._listener = threading.Thread(target=self._listen, name=_LISTENER, daemon=True)
        self._listener.start()

    def send(self, content: bytes) -> None:
        """Send a question; it is lost if the process has ended."""
        stdin = self._process.stdin
        if stdin is not None:
            with suppress(OSError, ValueError):
                write_frame(stdin, content)

    def receive(self, watch: Callable[[], None]) -> bytes:
        """Return the next answer; `watch` is called during the wait, and may raise.

        Raises
        ------
        ProcessEndedError
            The process was stopped at a limit or broke down; it has ended.
        """
        limits = self._limits
        assert limits is not None, "begin() first"  # noqa: S101 - a mistake of ours
        while True:
            watch()
            started = time.monotonic()
            try:
                answer = self._answers.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                self._waited += time.monotonic() - started
                if self._waited > limits.seconds:
                    self.close()
                    raise ProcessEndedError(EndReason.TIME) from None
                continue
            self._waited += time.monotonic() - started
            return self._opened(answer)

    def _opened(self, answer: bytes | EndReason | None) -> bytes:
        if isinstance(answer, bytes) and answer[:1] == b"=":
            return answer[1:]
        if isinstance(answer, bytes) and answer[:1] == b"!":
            self.close()
            raise RuntimeError(answer[1:].decode("utf-8", "replace"))
        if isinstance(answer, bytes):
            reason = EndReason(answer[1:].decode())
        else:
            reason = answer if answer is not None else self._why_ended()
        self.close()
        raise ProcessEndedError(reason, f"exit code {self._process.returncode}")

    def _why_ended(self) -> EndReason:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        return EndReason.TIME if self._process.returncode == _OUT_OF_TIME else EndReason.BROKEN

    def close(self) -> None:
        """End the process, whatever it is doing."""
        with suppress(OSError):
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError, ValueError):
                    stream.close()
        while self._listener is not None and self._listener.is_alive():
            with suppress(queue.Empty):  # it may be waiting to hand over what nobody wants any more
                self._answers.get_nowait()
            self._listener.join(_DRAIN_SECONDS)

    def __enter__(self) -> Self:
        """Return this process; `__exit__` closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self.close()

    def _listen(self) -> None:
        """Hand over answers one by one, so that at most two are in memory."""
        stdout, limits = self._process.stdout, self._limits
        if stdout is None or limits is None:
            return
        while True:
            try:
                answer: bytes | EndReason | None = read_frame(stdout, limit=limits.message_bytes)
            except _TooLongError:
                answer = EndReason.OUTPUT
            except (OSError, ValueError):  # closed on this side
                answer = None
            self._answers.put(answer)
            if not isinstance(answer, bytes):
                return


class _TooLongError(Exception):
    """An answer whose announced length exceeds the limit."""


def write_frame(stream: IO[bytes], content: bytes) -> None:
    """Write a content with its length before it."""
    stream.write(len(content).to_bytes(_HEAD_BYTES, "big"))
    stream.write(content)
    stream.flush()


def read_frame(stream: IO[bytes], *, limit: int | None = None) -> bytes | None:
    """Return the next content that `write_frame` wrote; None at the end of the stream."""
    head = _read_exactly(stream, _HEAD_BYTES)
    if head is None:
        return None
    size = int.from_bytes(head, "big")
    if limit is not None and size > limit:
        raise _TooLongError
    return _read_exactly(stream, size)


def _read_exactly(stream: IO[bytes], size: int) -> bytes | None:
    """Return so many bytes, None if there are fewer; a pipe without a buffer gives parts."""
    content = stream.read(size)
    if not content or len(content) == size:
        return content if content or not size else None
    parts, missing = [content], size - len(content)
    while missing and (content := stream.read(missing)):
        parts.append(content)
        missing -= len(content)
    return None if missing else b"".join(parts)


# ---- in the process ------------------------------------------------------------------------------


def serve() -> None:
    """Load modules and do one piece of work; this is what `Isolated` starts."""
    for name in sys.argv[1:]:
        importlib.import_module(name)
    do_one()


def do_one() -> None:
    """Do the piece of work that standard input tells of, and return."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not be read as an answer
    channel = Channel(sys.stdin.buffer, answers)
    task = channel.receive()
    if task is None:
        return
    told = orjson.loads(task)
    module, _, function = told["work"].partition(":")
    try:
        _limit(ProcessLimits(**told["limits"]))
        getattr(importlib.import_module(module), function)(channel, **told["arguments"])
    except BrokenPipeError:
        return
    except Exception as error:  # noqa: BLE001 - told to the other side, whose fault it is
        reason = _limit_behind(error)
        trace = traceback.format_exc()[-_TRACE:].encode()
        with suppress(OSError):
            write_frame(answers, b"!" + trace if reason is None else b"#" + reason.encode())


_LIMIT_BEHIND = {
    errno.EFBIG: EndReason.OUTPUT,
    errno.ENOSPC: EndReason.DISK,
    errno.EMFILE: EndReason.FILES,
}


def _limit_behind(error: BaseException) -> EndReason | None:
    """Return the limit that caused an error; None if no limit did."""
    if isinstance(error, MemoryError):
        return EndReason.MEMORY
    number = getattr(error, "errno", None)
    return _LIMIT_BEHIND.get(number or 0)


def _limit(limits: ProcessLimits) -> None:
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    seconds = max(1, int(limits.seconds))
    for kind, most, beyond in (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES, 0),
        (resource.RLIMIT_FSIZE, limits.file_bytes, 0),
        (resource.RLIMIT_DATA, limits.memory_bytes, 0),
        (resource.RLIMIT_CPU, seconds, _GRACE_SECONDS),
    ):
        _, hard = resource.getrlimit(kind)
        wanted = (most, most + beyond)
        if hard != resource.RLIM_INFINITY:
            wanted = (min(most, hard), min(most + beyond, hard))
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, wanted)
