"""A fork server: a process with modules loaded that forks another for each piece of work.

Starting Python and loading the libraries that read files takes most of a second; a fork of a
process that has them takes milliseconds. The server does no work itself and has one thread.
It ends when its parent does. Only for systems with `CAN_FORK`.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from geo_service.memory import collected_seldom

CAN_FORK = sys.platform == "linux"
"""Whether processes can be forked and watched (pidfd) here."""
_START = "from geo_service.forkserver import serve; serve()"
_LOST = -9
"""The exit code told of a process whose fork server was killed."""
_PACKET = 64


class Forked:
    """A forked process, with the part of `subprocess.Popen` that its user needs."""

    def __init__(self, news: socket.socket, stdin: int, stdout: int) -> None:
        """Take a socket that the fork server reports to, and this side's ends of two pipes."""
        self.stdin = os.fdopen(stdin, "wb")
        self.stdout = os.fdopen(stdout, "rb")
        self.returncode: int | None = None
        self._news = news
        self._lock = threading.Lock()
        self._handle: int | None = None
        self._pid = 0

    @property
    def pid(self) -> int:
        """The process id; waits until the process is there, 0 if it never was."""
        with self._lock:
            self._learn()
        return self._pid

    def _learn(self) -> None:
        if self._pid or self.returncode is not None:
            return
        with suppress(OSError):
            told, handles, *_ = socket.recv_fds(self._news, _PACKET, 1)
            if told:
                self._pid, self._handle = int(told), handles[0]
                return
        self._end(_LOST)

    def _end(self, code: int) -> None:
        self.returncode = code
        self._news.close()
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def poll(self) -> int | None:
        """Return the exit code, None while the process runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(timeout=0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code once the process has ended, negative for a signal.

        Raises subprocess.TimeoutExpired if it runs longer than `timeout` seconds.
        """
        with self._lock:
            self._learn()
            if self.returncode is None:
                news = select.poll()  # `select` knows no file beyond the first 1,024
                news.register(self._news, select.POLLIN)
                if not news.poll(None if timeout is None else timeout * 1000):
                    raise subprocess.TimeoutExpired(_START, timeout or 0)
                told = b""
                with suppress(OSError):
                    told = self._news.recv(_PACKET)
                self._end(int(told) if told else _LOST)
        assert self.returncode is not None  # noqa: S101 - it has ended
        return self.returncode

    def kill(self) -> None:
        """End the process at once; nothing happens if it has ended."""
        with self._lock:
            self._learn()
            if self._handle is not None:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._handle, signal.SIGKILL)


class ForkServer:
    """The fork server, as its parent sees it. Safe to use from several threads."""

    def __init__(self, target: str, modules: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start it; each fork calls `target`, a `module:function`, with pipes as 0 and 1."""
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - this program's own interpreter
                [sys.executable, "-P", "-c", _START, str(theirs.fileno()), target, *modules],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=dict(environment),
                pass_fds=[theirs.fileno()],
            )

    def fork(self) -> Forked:
        """Return a new process; OSError if the server has ended."""
        read_questions, write_questions = os.pipe()
        read_answers, write_answers = os.pipe()
        news, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        given = [read_questions, write_answers, theirs.fileno()]
        try:
            socket.send_fds(self._control, [b"fork"], given)
        except OSError:
            news.close()
            os.close(write_questions)
            os.close(read_answers)
            raise
        finally:
            theirs.close()
            os.close(read_questions)
            os.close(write_answers)
        return Forked(news, write_questions, read_answers)

    def close(self) -> None:
        """End the server; processes that it has forked go on."""
        self._control.close()
        self._process.kill()
        self._process.wait()


class _ForkServers:
    """The fork servers of this process, by what they have loaded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_content: dict[tuple[str, ...], ForkServer] = {}

    def fork(self, target: str, modules: Sequence[str], environment: Mapping[str, str]) -> Forked:
        key = (target, *modules)
        with self._lock:
            known = self._by_content.get(key)
            if known is not None:
                try:
                    return known.fork()
                except OSError:  # it was killed
                    known.close()
            made = self._by_content[key] = ForkServer(target, modules, environment)
            return made.fork()

    def close(self) -> None:
        with self._lock:
            while self._by_content:
                self._by_content.popitem()[1].close()

    def forget(self) -> None:
        """Leave the servers to the process that started them."""
        self._lock = threading.Lock()
        self._by_content = {}


_SERVERS = _ForkServers()
atexit.register(_SERVERS.close)
if CAN_FORK:
    os.register_at_fork(after_in_child=_SERVERS.forget)


def fork(target: str, modules: Sequence[str], environment: Mapping[str, str]) -> Forked:
    """Return a new process that calls `target` and has `modules` loaded.

    The environment is that of the first process with these modules.
    """
    return _SERVERS.fork(target, modules, environment)


# ---- in the fork server --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Child:
    pid: int
    handle: int
    news: socket.socket


def serve() -> None:
    """Load modules and fork until the parent has ended; this is what `ForkServer` starts."""
    control = socket.socket(fileno=int(sys.argv[1]))
    target = sys.argv[2]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    with collected_seldom():  # what is loaded stays
        for name in sys.argv[3:]:
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    children: dict[int, _Child] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not control:
                    child = children.pop(key.fd)
                    selector.unregister(child.handle)
                    _tell_end(child)
                    continue
                word, handles, *_ = socket.recv_fds(control, _PACKET, 3)
                if not word:
                    return
                begun = _forked(target, handles, [control, selector], children.values())
                children[begun.handle] = begun
                selector.register(begun.handle, selectors.EVENT_READ)


def _forked(
    target: str,
    handles: list[int],
    ours: Iterable[socket.socket | selectors.BaseSelector],
    siblings: Iterable[_Child],
) -> _Child:
    questions, answers, told = handles
    pid = os.fork()
    if pid == 0:
        _work(target, handles, ours, siblings)
    handle = os.pidfd_open(pid)
    os.close(questions)
    os.close(answers)
    news = socket.socket(fileno=told)
    with suppress(OSError):  # nobody wants it any more
        socket.send_fds(news, [str(pid).encode()], [handle])
    return _Child(pid, handle, news)


def _tell_end(child: _Child) -> None:
    _, status = os.waitpid(child.pid, 0)
    with child.news, suppress(OSError):
        child.news.send(str(os.waitstatus_to_exitcode(status)).encode())
    os.close(child.handle)


def _work(
    target: str,
    handles: list[int],
    ours: Iterable[socket.socket | selectors.BaseSelector],
    siblings: Iterable[_Child],
) -> NoReturn:
    """Do the work of a forked process, which keeps nothing of the server or its siblings."""
    code = 1
    try:
        for thing in ours:
            thing.close()
        for sibling in siblings:
            sibling.news.close()
            os.close(sibling.handle)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.dup2(handles[0], 0)
        os.dup2(handles[1], 1)
        for handle in handles:
            os.close(handle)
        module, _, function = target.partition(":")
        getattr(importlib.import_module(module), function)()
        code = 0
    finally:
        os._exit(code)
