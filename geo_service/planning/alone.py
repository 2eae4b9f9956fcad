"""A command that works alone on one workspace: large work is done by two processes then.

Nothing of it is for a service, whose process has threads and answers others.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from geo_service.errors import GeoServiceError
from geo_service.halves import working_alone
from geo_service.workspace.ahead import reading_ahead
from geo_service.workspace.opening import Workspace

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from geo_service.workspace.own_files import ReadFile


@contextmanager
def alone_with(workspace: str | os.PathLike[str]) -> Iterator[None]:
    """Let two processes do large work inside, and have a large workspace's files read from now on.

    What is wrong with the workspace is told when it is opened.
    """
    folder = Path(workspace)
    reads: dict[str, tuple[int, Callable[[], ReadFile]]] = {}
    with suppress(GeoServiceError):
        reads = Workspace(workspace).reads_ahead()
    with working_alone(), reading_ahead(folder, reads):
        yield
