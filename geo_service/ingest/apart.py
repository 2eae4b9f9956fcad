"""Open a source in a separate process with limits; this module has both ends of it.

`open_source_apart` returns and raises the same as `opening.open_source`. The file is staged,
recognised, unpacked and read in that process; only rows arrive here, one batch ahead.
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
from geo_service.ingest.sources import Batch, ImportSource
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
    """Start a process that will open one source; it prepares while the caller does other work."""
    return Isolated(_MODULES)


class Standby:
    """Keeps a process ready for the next file, so that imports need not wait for its start.

    No process exists before the first call of `prepare`. Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._ready: Isolated | None = None
        self._lock = threading.Lock()
        self._is_closed = False

    def prepare(self) -> None:
        """Start a process, unless one is ready."""
        with self._lock:
            if self._is_closed or (self._ready is not None and self._ready.is_alive):
                return
            previous, self._ready = self._ready, start()
        if previous is not None:
            previous.close()

    def take(self) -> Isolated:
        """Return the ready process, or a new one; the caller closes it."""
        self.prepare()
        with self._lock:
            taken, self._ready = self._ready, None
        return taken if taken is not None else start()

    def close(self) -> None:
        """End the waiting process."""
        with self._lock:
            self._is_closed = True
            previous, self._ready = self._ready, None
        if previous is not None:
            previous.close()


def process_limits(limits: Limits, size: int) -> ProcessLimits:
    """Return the limits of a process that reads a file of `size` bytes."""
    return ProcessLimits(
        memory_bytes=limits.memory_bytes,
        seconds=min(limits.seconds, limits.least_seconds + size / limits.bytes_a_second),
        file_bytes=limits.unpacked_bytes,
        message_bytes=limits.batch_bytes,
    )


def refusal(error: ProcessEndedError, budget: Budget, limits: ProcessLimits) -> SourceError:
    """Return the error for a file whose process was stopped at a limit or broke down."""
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
) -> ImportSource:
    """Return a file as a source that a process reads; it is valid until the process is closed.

    Raises
    ------
    SourceError, ChoiceNeededError
        As in `open_source`; also if the process reaches a limit.
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
    return ImportSource(**wire.decode_source(reader.next_head()), read=reader.read)


def _size(path: Path) -> int:
    try:
        if path.is_dir():
            return sum(entry.stat().st_size for entry in path.iterdir() if entry.is_file())
        return path.stat().st_size
    except OSError:  # opening the file reports it
        return 0


class _Reader:
    """Requests rows, one batch ahead of their use."""

    def __init__(self, process: Isolated, budget: Budget, limits: ProcessLimits) -> None:
        self._process = process
        self._budget = budget
        self._limits = limits
        self._early_answers: dict[int, tuple[dict[str, Any], Any]] = {}
        """Answers that arrived while another one was awaited."""
        self._requests = 0

    def next_head(self) -> dict[str, Any]:
        """Return the JSON part of the next answer."""
        return self._receive()[0]

    def _receive(self) -> tuple[dict[str, Any], Any]:
        try:
            head, rows = wire.unpack(self._process.receive(self._budget.check_time))
            error = wire.decode_error(head) if "error" in head else None
        except ProcessEndedError as ended:
            raise refusal(ended, self._budget, self._limits) from None
        except wire.UNREADABLE as fault:  # the file made the process answer with something else
            broken = ProcessEndedError(EndReason.BROKEN, type(fault).__name__)
            raise refusal(broken, self._budget, self._limits) from fault
        if error is not None:
            raise error
        return head, rows

    def read(self) -> Iterator[Batch]:
        """Yield batches from the start of the file."""
        number = self._requests
        self._requests += 1
        self._ask(number)
        while True:
            while number not in self._early_answers:
                head, rows = self._receive()
                self._early_answers[head["reading"]] = head, rows
            head, rows = self._early_answers.pop(number)
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
    """Open a file and send its rows; each question is the number of the reading to continue."""
    budget = Budget(shown, Limits(**limits))
    readings: dict[int, Iterator[Batch]] = {}
    counted: dict[int, tuple[int, int]] = {}
    with _errors_sent(channel):
        chosen = ImportOptions(limits=budget.limits, **options)
        source = open_source(Path(path), layer, Path(folder), options=chosen, budget=budget)
        channel.send(wire.pack(wire.encode_source(source)))
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
def _errors_sent(channel: Channel) -> Iterator[None]:
    try:
        yield
    except GeoServiceError as error:
        channel.send(wire.pack(wire.encode_error(error)))
