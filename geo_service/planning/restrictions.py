"""Which layers and columns are kept from whom, as `workspace.toml` says it now.

The file is looked at with every question, and read again when it was edited: who must not see a
column from now on does not see it from the next request on. Leaves out all other settings, which
the service reads when it starts.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from geo_service.errors import WorkspaceError
from geo_service.wording import said
from geo_service.workspace.own_files import SETTINGS_FILE
from geo_service.workspace.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from geo_service.access import Role


class Restrictions:
    """What is restricted in one workspace. Methods are safe to call from several threads."""

    def __init__(self, folder: Path | None, at_start: Mapping[str, frozenset[Role]]) -> None:
        self._file = None if folder is None else folder / SETTINGS_FILE
        self._lock = threading.Lock()
        self._known = at_start
        self._stamp: tuple[int, int, int] | None = None  # what was edited since then is read first

    def now(self) -> Mapping[str, frozenset[Role]]:
        """Return the roles that see each restricted layer or column.

        Raises
        ------
        WorkspaceError
            The file was edited and cannot be read, or has faults: until it is mended, nobody is
            shown what may just have been restricted.
        """
        stamp = self._look()
        with self._lock:
            if stamp != self._stamp:
                self._known = self._read()
                self._stamp = stamp
            return self._known

    def _look(self) -> tuple[int, int, int] | None:
        """Return what changes with an edit of the file; None if there is no file."""
        if self._file is None:
            return None
        try:
            status = self._file.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _read(self) -> Mapping[str, frozenset[Role]]:
        assert self._file is not None  # noqa: S101 - without one nothing changes
        settings, faults = read_settings(self._file.parent)
        if settings is None or faults:
            raise WorkspaceError(said("account.restricted_unread"), faults)
        return {name: frozenset(roles) for name, roles in settings.restricted.items()}
