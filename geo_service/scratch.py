"""Make temporary folders that name their owner, so that those of a killed process can be swept.

Each contains a file that its process keeps locked for life; the system releases the lock when
the process ends, however it ends. So a folder whose lock is free has no owner. Everything else
in the temporary folder is left alone, and so are other users' folders.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

PREFIX = "geo-service-"
"""The prefix of every such folder's name."""
OWNER = ".geo-service-owner"
"""The file in the folder that its process keeps locked."""
UNOWNED_SECONDS = 86_400.0
"""An empty folder without that file, older than this, belonged to a process killed early."""
_TRIES = 10

if sys.platform == "win32":
    import msvcrt

    def lock_file(file: IO[bytes]) -> None:
        """Lock a file until it is closed or its process ends; raise OSError if another has it."""
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def lock_file(file: IO[bytes]) -> None:
        """Lock a file until it is closed or its process ends; raise OSError if another has it."""
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class ScratchFolder:
    """A temporary folder of this process, removed when closed, garbage-collected, or at exit.

    Raises OSError if it cannot be made.
    """

    def __init__(self, purpose: str, *, parent: Path | None = None) -> None:
        self.path, owner = _make(purpose, parent)
        self._finalizer = weakref.finalize(self, _remove, self.path, owner)

    def close(self) -> None:
        """Remove the folder and its content; a second call does nothing."""
        self._finalizer()


@contextmanager
def scratch_folder(purpose: str, *, parent: Path | None = None) -> Iterator[Path]:
    """Give a temporary folder that is removed at the end, or swept if the process is killed.

    `purpose` is a word for its name. `parent` is the folder to make it in; by default the
    system's temporary folder.
    """
    folder = ScratchFolder(purpose, parent=parent)
    try:
        yield folder.path
    finally:
        folder.close()


def sweep_scratch(parent: Path | None = None) -> int:
    """Remove the folders of ended processes; return how many were removed."""
    where = Path(tempfile.gettempdir()) if parent is None else parent
    with suppress(OSError):
        return sum(_sweep(folder) for folder in where.glob(f"{PREFIX}*"))
    return 0


def _make(purpose: str, parent: Path | None) -> tuple[Path, IO[bytes]]:
    for _ in range(_TRIES):
        path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{purpose}-", dir=parent))
        owner = (path / OWNER).open("xb")
        # A sweeper may take the lock first, and remove the folder under us.
        with suppress(OSError):
            lock_file(owner)
            if os.path.samestat(os.fstat(owner.fileno()), (path / OWNER).stat()):
                return path, owner
        owner.close()
        shutil.rmtree(path, ignore_errors=True)
    msg = f"No temporary folder could be made in {parent or tempfile.gettempdir()}"
    raise OSError(msg)


def _remove(path: Path, owner: IO[bytes]) -> None:
    if sys.platform == "win32":  # an open file cannot be removed there
        owner.close()
    shutil.rmtree(path, ignore_errors=True)
    owner.close()


def _sweep(folder: Path) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    is_ours = sys.platform == "win32" or status.st_uid == os.getuid()
    if not is_ours or not stat.S_ISDIR(status.st_mode):
        return False
    try:
        owner = (folder / OWNER).open("rb+")
    except FileNotFoundError:
        return time.time() - status.st_mtime > UNOWNED_SECONDS and _is_emptied(folder)
    except OSError:
        return False
    try:
        lock_file(owner)
    except OSError:
        owner.close()
        return False
    _remove(folder, owner)
    return True


def _is_emptied(folder: Path) -> bool:
    """Remove an empty folder; one with content and without an owner may be anybody's."""
    try:
        folder.rmdir()
    except OSError:
        return False
    return True
