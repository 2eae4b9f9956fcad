"""Files on their way in: each counts, by number and bytes, until it was read or given up.

What has arrived is a file in a folder of its own. Who sends and when a sender is gone, the
caller knows; here a client is a name. Safe to use from several threads.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from geo_service.errors import BusyError
from geo_service.wording import said

MAX_UPLOADS = 20
"""At once, of all clients."""
MAX_UPLOADS_EACH = 10
"""At once, of one client."""
FREE_BYTES = 200_000_000
"""What stays free on the disk, for what the service has to write itself."""
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}")
_PREFIX = "upload-"


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLimits:
    """How much may be on its way in at once."""

    most_bytes: int = 4_000_000_000
    most_bytes_each: int = 2_000_000_000
    """Of one client."""


class Upload:
    """One file on its way in, written part by part; counted until it is closed."""

    def __init__(self, desk: Uploads, path: Path, client: str) -> None:
        self.path = path
        self.client = client
        self.size = 0
        self.touched = time.monotonic()
        """When something last arrived."""
        self._desk = desk
        self._file: IO[bytes] | None = path.open("wb")

    def write(self, part: bytes) -> None:
        """Add what has arrived.

        Raises
        ------
        BusyError
            There is no room for more just now.
        """
        self._desk.take(self, len(part))
        self.touched = time.monotonic()
        try:
            if self._file is not None:
                self._file.write(part)
        except OSError as error:
            msg = said("problem.no_room")
            raise BusyError(msg) from error

    def finish(self) -> None:
        """Say that all has arrived.

        Raises
        ------
        BusyError
            What was left to write did not find room.
        """
        file, self._file = self._file, None
        try:
            if file is not None:
                file.close()
        except OSError as error:
            msg = said("problem.no_room")
            raise BusyError(msg) from error

    def close(self) -> None:
        """Remove the file and count it no more; doing so again does nothing."""
        self._desk.forget(self)
        with suppress(BusyError):
            self.finish()
        shutil.rmtree(self.path.parent, ignore_errors=True)


class Uploads:
    """The files on their way into one folder."""

    def __init__(self, folder: Path, limits: UploadLimits) -> None:
        self._folder = folder
        self._limits = limits
        self._lock = threading.Lock()
        self._open: set[Upload] = set()

    def limit(self, limits: UploadLimits) -> None:
        """Set how much may be on its way in from now on."""
        with self._lock:
            self._limits = limits

    def begin(self, filename: str, client: str) -> Upload:
        """Return a file to write to; only the ending of its name is used.

        Raises
        ------
        BusyError
            Too many are on their way already, of this client or of all.
        """
        suffix = Path(filename).suffix
        name = f"upload{suffix if _SUFFIX.fullmatch(suffix) else ''}"
        with self._lock:
            of_client = sum(upload.client == client for upload in self._open)
            if len(self._open) >= MAX_UPLOADS or of_client >= MAX_UPLOADS_EACH:
                msg = said("problem.uploads", count=len(self._open))
                raise BusyError(msg)
            try:
                folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._folder))
                upload = Upload(self, folder / name, client)
            except OSError as error:
                msg = said("problem.no_room")
                raise BusyError(msg) from error
            self._open.add(upload)
        return upload

    def take(self, upload: Upload, size: int) -> None:
        """Count more bytes of a file; BusyError when they are too many."""
        with self._lock:
            everything = sum(other.size for other in self._open) + size
            own = sum(other.size for other in self._open if other.client == upload.client) + size
            is_full = (
                everything > self._limits.most_bytes
                or own > self._limits.most_bytes_each
                or shutil.disk_usage(self._folder).free < FREE_BYTES + size
            )
            if is_full:
                msg = said("problem.no_room")
                raise BusyError(msg)
            upload.size += size

    def forget(self, upload: Upload) -> None:
        """Count a file no more."""
        with self._lock:
            self._open.discard(upload)

    def count(self, client: str | None = None) -> int:
        """Return how many are on their way, of one client or of all."""
        with self._lock:
            return sum(client in {None, upload.client} for upload in self._open)

    def close_idle(self, seconds: float) -> None:
        """Give up what nothing arrived of for so long, and what nobody came to read."""
        now = time.monotonic()
        with self._lock:
            idle = [upload for upload in self._open if now - upload.touched > seconds]
        for upload in idle:
            upload.close()
