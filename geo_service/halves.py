"""Work that a forked copy of this process does half of, for commands that run alone.

The copy begins with all that is in memory and ends with the last piece of work. It hands over what
it made in a temporary file; what it does not deliver is made here, so that a copy that was killed
or met an error alters nothing but the time. Nothing is known of what the work is about. A process
that answers others never forks here: only a command says that it works alone.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Generic, NoReturn, Self, TypeVar

from geo_service.crew import CAN_FORK, die_with_parent

T = TypeVar("T")

_LENGTH_BYTES = 8
_MOST_TASKS = 255
_alone: ContextVar[bool] = ContextVar("_alone", default=False)
_FEWEST = 6
"""Fewer texts are made before a copy has begun."""


def can_halve(count: int) -> bool:
    """Return whether a copy of this process would make so many texts sooner."""
    return count >= _FEWEST and _can_fork()


def _can_fork() -> bool:
    """Return whether a copy has a core of its own, and no thread could be cut off in it."""
    cores = len(os.sched_getaffinity(0)) if CAN_FORK else 1
    return cores > 1 and threading.active_count() == 1


@contextmanager
def working_alone() -> Iterator[None]:
    """Let what is large be done by two processes inside: this one is a command's and no service."""
    before = _alone.set(True)
    try:
        yield
    finally:
        _alone.reset(before)


class SharedTasks(Generic[T]):
    """Tasks of which this process and a copy each take the next, until none is left.

    The copy begins at once, this process when it is asked for the results. It makes everything
    where the tasks are not large, where it does not work alone (`working_alone`), and where there
    is one core. What a task returns can be pickled. Close it when it is not needed any more.
    """

    def __init__(self, tasks: Sequence[Callable[[], T]], *, is_large: bool) -> None:
        """Take the tasks, those that take longest first, and begin if they are large."""
        self._tasks = tasks
        self._pid: int | None = None
        if is_large and _alone.get() and 1 < len(tasks) <= _MOST_TASKS and _can_fork():
            self._fork()

    def __enter__(self) -> Self:
        """Return this; `__exit__` closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the copy."""
        self.close()

    @property
    def is_shared(self) -> bool:
        """Whether a copy does some of the tasks."""
        return self._pid is not None

    def _fork(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - until `close`
        # A byte for each task: whoever reads it does the task.
        self._tickets, tickets = os.pipe()
        os.write(tickets, bytes(range(len(self._tasks))))
        os.close(tickets)
        self._news, news = os.pipe()
        gc.freeze()  # both share these pages as long as nobody writes into them
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._news)
            self._be_copy(news)
        os.close(news)

    def _taken(self) -> Iterator[int]:
        while ticket := os.read(self._tickets, 1):
            yield ticket[0]

    def _be_copy(self, news: int) -> NoReturn:
        """Do tasks until none is left, and end without a trace of the first process' matters."""
        code = 1
        try:
            die_with_parent()
            for number in self._taken():
                made = pickle.dumps(self._tasks[number](), pickle.HIGHEST_PROTOCOL)
                _write(self._file.fileno(), made)
                os.write(news, bytes([number]) + len(made).to_bytes(_LENGTH_BYTES))
            code = 0
        finally:
            os._exit(code)

    def results(self) -> list[T]:
        """Return what the tasks return, in their order; raises what one of them raises."""
        if self._pid is None:
            return [task() for task in self._tasks]
        made = {number: self._tasks[number]() for number in self._taken()}
        start = 0
        while len(told := os.read(self._news, 1 + _LENGTH_BYTES)) == 1 + _LENGTH_BYTES:
            size = int.from_bytes(told[1:])
            made[told[0]] = pickle.loads(_read(self._file.fileno(), size, start))  # noqa: S301 - made by our copy
            start += size
        self.close()
        return [
            made[number] if number in made else task() for number, task in enumerate(self._tasks)
        ]

    def close(self) -> None:
        """End the copy, whatever it does."""
        if self._pid is None:
            return
        pid, self._pid = self._pid, None
        os.close(self._tickets)
        os.close(self._news)
        self._file.close()
        _end(pid)


def _end(pid: int) -> None:
    """End a copy, and share no pages any more."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    gc.unfreeze()


def made_in_halves(make: Callable[[int], bytes], count: int) -> Iterator[bytes]:
    """Yield `make(0)`, `make(1)`, ... of which a forked copy makes those with odd numbers.

    The caller has no other threads. `make` returns the same in the copy as here.
    """
    with tempfile.TemporaryFile() as file:
        ours, theirs = os.pipe()
        gc.freeze()  # both share these pages as long as nobody writes into them
        pid = os.fork()
        if pid == 0:
            os.close(ours)
            _be_copy(make, count, file.fileno(), theirs)
        os.close(theirs)
        try:
            start, is_there = 0, True
            for number in range(count):
                length = b""
                if number % 2 and is_there:
                    length = os.read(ours, _LENGTH_BYTES)
                    is_there = len(length) == _LENGTH_BYTES
                if number % 2 and is_there:
                    size = int.from_bytes(length)
                    yield _read(file.fileno(), size, start)
                    start += size
                else:
                    yield make(number)
        finally:
            os.close(ours)
            _end(pid)


def _be_copy(make: Callable[[int], bytes], count: int, file: int, pipe: int) -> NoReturn:
    """Make every other text, and end without a trace of the first process' matters."""
    code = 1
    try:
        die_with_parent()
        for number in range(1, count, 2):
            text = make(number)
            _write(file, text)
            os.write(pipe, len(text).to_bytes(_LENGTH_BYTES))
        code = 0
    finally:
        os._exit(code)


def _write(file: int, text: bytes) -> None:
    rest = memoryview(text)
    while rest:
        rest = rest[os.write(file, rest) :]


def _read(file: int, size: int, start: int) -> bytes:
    pieces = []
    while size:
        pieces.append(os.pread(file, size, start))
        size -= len(pieces[-1])
        start += len(pieces[-1])
    return b"".join(pieces)
