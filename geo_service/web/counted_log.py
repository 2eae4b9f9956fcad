"""A log that nobody can fill: lines that repeat are counted, and the count is written."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from cachetools import FIFOCache

WINDOW_SECONDS = 10.0
"""Lines of one kind are counted over so long."""
WRITTEN = 5
"""Of these, so many are written as they are."""
_SHOWN = 200
_KINDS = 256
"""Kinds of lines that are remembered at a time."""


@dataclass
class _Kind:
    name: str
    level: int
    text: str
    since: float
    count: int = 0


class CountedLines(logging.Filter):
    """Lets the first lines of a kind through in each while, and counts the others.

    A kind is what stands in the code: the logger, the text before values are put into it, and
    the place that an exception comes from. Safe to use from several threads.
    """

    def __init__(self, *, seconds: float = WINDOW_SECONDS, written: int = WRITTEN) -> None:
        super().__init__()
        self._seconds = seconds
        self._written = written
        self._kinds: FIFOCache[object, _Kind] = FIFOCache(_KINDS)
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line is written."""
        if getattr(record, "is_count", False) or getattr(record, "is_every", False):
            return True
        key = (record.name, record.levelno, str(record.msg)[:_SHOWN], _call_site(record))
        now = time.monotonic()
        oldest = None
        with self._lock:
            kind = self._kinds.get(key)
            if kind is not None and now - kind.since >= self._seconds:
                del self._kinds[key]
                ended, kind = kind, None
            else:
                ended = None
            if kind is None:
                if len(self._kinds) == _KINDS:  # its count is told, unlike one that just goes
                    _, oldest = self._kinds.popitem()
                kind = self._kinds[key] = _Kind(
                    record.name, record.levelno, str(record.msg)[:_SHOWN], now
                )
            kind.count += 1
            if kind.count == self._written + 1:
                self._wake()
        for one in (ended, oldest):
            if one is not None:
                self._tell(one)
        return kind.count <= self._written

    def flush(self) -> None:
        """Write the counts of what has not been written."""
        with self._lock:
            kinds = list(self._kinds.values())
            self._kinds.clear()
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        for kind in kinds:
            self._tell(kind)

    def _wake(self) -> None:
        """See to it that counts are written also when nothing more happens."""
        if self._timer is None:
            self._timer = threading.Timer(self._seconds, self.flush)
            self._timer.daemon = True
            self._timer.start()

    def _tell(self, kind: _Kind) -> None:
        more = kind.count - self._written
        if more > 0:
            logging.getLogger(kind.name).log(
                kind.level, "%d more lines: %s", more, kind.text, extra={"is_count": True}
            )


def _call_site(record: logging.LogRecord) -> object:
    """Return where an exception of a line comes from: its kind, and its innermost line of code."""
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return None
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = None if frame is None else (frame.tb_frame.f_code.co_filename, frame.tb_lineno)
    return type(error), where
