"""The files of a large workspace, read by two processes while a command still makes itself ready.

A command that works alone says early which workspace it will open. A copy of the process begins
to read the files at once; those that nobody has begun when they are asked for, this process reads.
What was read ahead counts if file and settings are as they were. Which files count, and whether
the layers fit each other, is decided elsewhere (`opening`).
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from geo_service.halves import SharedTasks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from geo_service.workspace.own_files import ReadFile

_LARGE_BYTES = 20_000_000
"""Smaller files are read before a copy could hand over what it read."""


class FilesAhead:
    """Files of a workspace that are being read, by the names of their layers."""

    def __init__(self, tasks: SharedTasks[ReadFile], names: Sequence[str]) -> None:
        self._tasks = tasks
        self._names = names
        self._read: dict[str, ReadFile] | None = None

    def take(self, name: str) -> ReadFile | None:
        """Return what was read of a layer, once; None if it was not among them.

        The first to ask has everything read that nobody has begun.
        """
        if self._read is None:
            self._read = dict(zip(self._names, self._tasks.results(), strict=True))
        return self._read.pop(name, None)


_ahead: ContextVar[tuple[Path, FilesAhead] | None] = ContextVar("_ahead", default=None)


def files_ahead(folder: Path) -> FilesAhead | None:
    """Return the files of a folder's layers that are being read; None if nobody began."""
    begun = _ahead.get()
    return begun[1] if begun is not None and begun[0] == folder else None


@contextmanager
def reading_ahead(
    folder: Path, reads: Mapping[str, tuple[int, Callable[[], ReadFile]]]
) -> Iterator[None]:
    """Have the files of a large workspace read by a copy of this process from now on.

    `reads` says by layer how large its file is, and what reads it.
    """
    names = sorted(reads, key=lambda name: -reads[name][0])
    is_large = sum(size for size, _ in reads.values()) >= _LARGE_BYTES
    with SharedTasks([reads[name][1] for name in names], is_large=is_large) as shared:
        if not shared.is_shared:
            yield
            return
        before = _ahead.set((folder, FilesAhead(shared, names)))
        try:
            yield
        finally:
            _ahead.reset(before)
