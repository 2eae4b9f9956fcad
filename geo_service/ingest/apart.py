"""Open a source in a process of its own: both ends of it, with the limits that it gets.

`open_source_apart` gives what `opening.open_source` gives, and raises what that raises. The file
is staged, recognised, unpacked and read over there; here only rows arrive, one batch ahead.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geo_service.errors import GeoServiceError
from geo_service.ingest import wire
from geo_service.ingest.limits import Budget, Limits
from geo_service.ingest.opening import open_source
from geo_service.ingest.options import ImportOptions
from geo_service.ingest.sources import Batch, Source
from geo_service.isolation import Channel, EndReason, Isolated, ProcessEndedError, ProcessLimits
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.errors import SourceError

_log = logging.getLogger(__name__)
_WORK = f"{__name__}:answer"
_MODULES = (__name__, "pyogrio", "geo_service.ingest.formats.vectors")
_SAY = {
    EndReason.MEMORY: ("refusal.memory", "refusal.less_memory"),
    EndReason.TIME: ("refusal.slow", "refusal.quicker"),
    EndReason.OUTPUT: ("refusal.huge_rows", "refusal.smaller"),
    EndReason.DISK: ("refusal.no_room", "refusal.room"),
    EndReason.FILES: ("refusal.broke_off", "refusal.undamaged"),
    EndReason.BROKEN: ("refusal.broke_off", "refusal.undamaged"),
}


def start() -> Isolated:
    """Start a process that will open one source; it gets ready while something else is done."""
    return Isolated(_MODULES)


class Standby:
    """Keeps a process ready for the next file, so that nobody waits for it to start.

    There is none before `prepare` is first called. Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._ready: Isolated | None = None
        self._lock = threading.Lock()
        self._is_closed = False

    def prepare(self) -> None:
        """Have a process get ready, unless one is."""
        with self._lock:
            if self._is_closed or (self._ready is not None and self._ready.is_alive):
                return
            previous, self._ready = self._ready, start()
        if previous is not None:
            previous.close()

    def take(self) -> Isolated:
        """Return the process that is ready, or a new one; whoever takes it closes it."""
        self.prepare()
        with self._lock:
            taken, self._ready = self._ready, None
        return taken if taken is not None else start()

    def close(self) -> None:
        """End the process that waits."""
        with self._lock:
            self._is_closed = True
            previous, self._ready = self._ready, None
        if previous is not None:
            previous.close()


def process_limits(limits: Limits, size: int) -> ProcessLimits:
    """Return what reading a file of so many bytes may take."""
    return ProcessLimits(
        memory_bytes=limits.memory_bytes,
        seconds=min(limits.seconds, limits.least_seconds + size / limits.bytes_a_second),
        file_bytes=limits.unpacked_bytes,
        message_bytes=limits.batch_bytes,
    )


def refusal(error: ProcessEndedError, budget: Budget, limits: ProcessLimits) -> SourceError:
    """Return what to say of a file that its process was stopped at, or broke down at."""
    _log.warning("Reading %r was stopped: %s", budget.shown, error)
    found, expected = _SAY[error.reason]
    values = {"most": limits.memory_bytes} if error.reason is EndReason.MEMORY else {}
    if error.reason is EndReason.TIME:
        values = {"most": round(limits.seconds)}
    return budget.refuse(said(found, **values), said(expected))


def open_source_apart(
    process: Isolated,
    path: Path,
    layer: str,
    folder: Path,
    *,
    options: ImportOptions,
    budget: Budget,
) -> Source:
    """Return a file as a source that a process reads; it ends when the process is closed.

    Raises
    ------
    SourceError, ChoiceNeededError
        As `open_source` does; also at a limit of the process.
    """
    limits = process_limits(budget.limits, _size(path))
    arguments = {
        "path": str(path.resolve()),
        "layer": layer,
        "folder": str(folder.resolve()),
        "shown": budget.shown,
        "options": {
            "encoding": options.encoding,
            "source_layer": options.source_layer,
            "file": options.file,
        },
        "limits": asdict(budget.limits),
    }
    process.begin(_WORK, arguments, limits)
    reader = _Reader(process, budget, limits)
    return Source(**wire.hear_source(reader.next_head()), read=reader.read)


def _size(path: Path) -> int:
    try:
        if path.is_dir():
            return sum(entry.stat().st_size for entry in path.iterdir() if entry.is_file())
        return path.stat().st_size
    except OSError:  # told by whoever opens it
        return 0


class _Reader:
    """Asks for rows, a batch ahead of what is used."""

    def __init__(self, process: Isolated, budget: Budget, limits: ProcessLimits) -> None:
        self._process = process
        self._budget = budget
        self._limits = limits
        self._held: dict[int, tuple[dict[str, Any], Any]] = {}
        """Answers that came while another one was waited for."""
        self._asked = 0

    def next_head(self) -> dict[str, Any]:
        """Return the words of the next answer."""
        return self._receive()[0]

    def _receive(self) -> tuple[dict[str, Any], Any]:
        try:
            head, rows = wire.unpack(self._process.receive(self._budget.check_time))
            error = wire.hear_error(head) if "error" in head else None
        except ProcessEndedError as ended:
            raise refusal(ended, self._budget, self._limits) from None
        except wire.UNREADABLE as fault:  # it was led to answer with something else
            broken = ProcessEndedError(EndReason.BROKEN, type(fault).__name__)
            raise refusal(broken, self._budget, self._limits) from fault
        if error is not None:
            raise error
        return head, rows

    def read(self) -> Iterator[Batch]:
        """Read from the start."""
        number = self._asked
        self._asked += 1
        self._ask(number)
        while True:
            while number not in self._held:
                head, rows = self._receive()
                self._held[head["reading"]] = head, rows
            head, rows = self._held.pop(number)
            if rows is None:
                return
            self._ask(number)
            yield wire.unpack_batch(head, rows)

    def _ask(self, number: int) -> None:
        self._process.send(str(number).encode())


# ---- in the process -----------------------------------------------------------------------------


def answer(  # noqa: PLR0913 - what `open_source` needs
    channel: Channel,
    *,
    path: str,
    layer: str,
    folder: str,
    shown: str,
    options: dict[str, Any],
    limits: dict[str, Any],
) -> None:
    """Open a file and hand out its rows: a question is the number of a reading that goes on."""
    budget = Budget(shown, Limits(**limits))
    readings: dict[int, Iterator[Batch]] = {}
    counted: dict[int, tuple[int, int]] = {}
    with _told(channel):
        chosen = ImportOptions(limits=budget.limits, **options)
        source = open_source(Path(path), layer, Path(folder), options=chosen, budget=budget)
        channel.send(wire.pack(wire.tell_source(source)))
        while (question := channel.receive()) is not None:
            number = int(question)
            if number not in readings:
                readings[number], counted[number] = source.read(), (0, 0)
            budget.features, budget.vertices = counted[number]
            batch = next(readings[number], None)
            counted[number] = budget.features, budget.vertices
            if batch is None:
                channel.send(wire.pack({"reading": number}))
                continue
            channel.send(wire.pack_batch(batch, number))


@contextmanager
def _told(channel: Channel) -> Iterator[None]:
    try:
        yield
    except GeoServiceError as error:
        channel.send(wire.pack(wire.tell_error(error)))
