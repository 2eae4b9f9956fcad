"""Texts of which a forked copy of this process makes every other one, for commands that run alone.

The copy begins with all that is in memory and ends with the last text. It hands over its texts
in a temporary file; what it does not deliver is made here. Nothing is known of what the texts say.
"""

from __future__ import annotations

import gc
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NoReturn

from geo_service.crew import CAN_FORK, die_with_parent

_LENGTH_BYTES = 8
_FEWEST = 6
"""Fewer texts are made before a copy has begun."""


def can_halve(count: int) -> bool:
    """Return whether a copy of this process would make so many texts sooner."""
    cores = len(os.sched_getaffinity(0)) if CAN_FORK else 1
    return cores > 1 and count >= _FEWEST and threading.active_count() == 1


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
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            gc.unfreeze()


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
