"""Work of tests in a process of its own, with limits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from geo_service.isolation import Isolated, ProcessLimits

LIMITS = {
    "memory_bytes": 2_000_000_000,
    "seconds": 60.0,
    "file_bytes": 1_000_000,
    "message_bytes": 1_000_000,
}


@contextmanager
def doing(
    work: str,
    limits: dict[str, float] | None = None,
    **arguments: Any,  # noqa: ANN401 - of whatever work
) -> Iterator[Isolated]:
    """Begin some work of `tests/ingest/work.py`, and end its process."""
    with Isolated([]) as process:
        chosen: dict[str, Any] = {**LIMITS, **(limits or {})}
        process.begin(f"tests.ingest.work:{work}", arguments, ProcessLimits(**chosen))
        yield process


def never() -> None:
    """Watch, and let it go on."""
