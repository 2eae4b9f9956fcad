"""Reviews kept as files beside the store, so that an unchanged workspace is not reviewed again.

A file is found by the review's id, which follows from plan, rulebook, day, waivers and approvals,
and by this installation of the program. It is a cache: one that is damaged, or made room for, is
made again. What people have saved is in the store (`results`).
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import threading
import time
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from geo_service.scratch import ScratchFolder
from geo_service.zoning.approvals import open_approvals
from geo_service.zoning.kept import KeptFault, KeptReviewError, keep_review, kept_review
from geo_service.zoning.review import Review, review_id_of
from geo_service.zoning.waivers import open_waivers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from geo_service.plan import Plan
    from geo_service.zoning.rulebook import Rulebook

_log = logging.getLogger(__name__)
KEPT_BYTES = 2_000_000_000
"""How much disk the files may take; the ones used least recently go first."""
FOLDER = "reviews"
_SUFFIX = ".review"
_LEFT_SECONDS = 86_400.0


class KeptReviews:
    """The files of one workspace. Safe to use from several threads and processes."""

    def __init__(self, folder: Path | None = None, *, most_bytes: int = KEPT_BYTES) -> None:
        """Keep files in a folder; without one that can be written, in a temporary one."""
        self._folder = folder if folder is not None and _can_be_written(folder) else None
        self._scratch: ScratchFolder | None = None
        self._lock = threading.Lock()
        self._most_bytes = most_bytes

    @property
    def folder(self) -> Path:
        """Where the files are; OSError if there is no room for a temporary folder."""
        if self._folder is not None:
            return self._folder
        with self._lock:
            if self._scratch is None:
                self._scratch = ScratchFolder("reviews")
            return self._scratch.path

    def path(self, review_id: str) -> Path:
        """Return where the review of an id is kept, or would be."""
        return self.folder / f"{review_id}.{installation()}{_SUFFIX}"

    def were_used_today(self) -> bool:
        """Return whether any was: most likely the one that is asked for next is kept too."""
        today = date.today()  # noqa: DTZ011 - the county's calendar day
        for path in self.folder.glob(f"*.{installation()}{_SUFFIX}"):
            with suppress(OSError):
                if date.fromtimestamp(path.stat().st_mtime) == today:  # noqa: DTZ012 - as above
                    return True
        return False

    def find(
        self,
        plan: Plan,
        rulebook: Rulebook,
        *,
        parks: Iterable[str] | None = None,
        as_of: date | None = None,
    ) -> Review | None:
        """Return the review that `zoning.review.review` would make, if it is kept.

        Raises RulebookError when the workspace's waivers or approvals are invalid.
        """
        waivers = open_waivers(plan.settings.waivers_path, rulebook, plan)
        approvals = open_approvals(plan.settings.approvals_path, rulebook, plan)
        identity = review_id_of(
            plan,
            rulebook,
            as_of or date.today(),  # noqa: DTZ011 - the county's calendar day
            parks=None if parks is None else frozenset(parks),
            entries=waivers.version + approvals.version,
        )
        return self.read(identity, plan, rulebook)

    def read(self, review_id: str, plan: Plan, rulebook: Rulebook) -> Review | None:
        """Return the review of an id if it is kept and is of this plan and rulebook."""
        path = self.path(review_id)
        if not path.exists():
            return None
        found, fault = None, KeptFault.OTHER
        try:
            found = kept_review(path, plan, rulebook)
        except KeptReviewError as error:
            fault = error.fault
        if found is None or found.review_id != review_id:
            _log.warning("A kept review cannot be used and is made again: %s", fault)
            return None
        with suppress(OSError):
            os.utime(path)
        return found

    def keep(self, review: Review) -> Path:
        """Keep a review and return its file; OSError if it cannot be written."""
        path = self.path(review.review_id)
        if not path.exists():
            keep_review(review, path)
            self.make_room()
        return path

    def make_room(self) -> None:
        """Drop files of other installations, then those used least recently beyond the limit."""
        before = time.time() - _LEFT_SECONDS
        for pattern in ("*.made", "*.part"):  # of a process that was killed while it wrote
            for path in self.folder.glob(pattern):
                with suppress(OSError):
                    if path.stat().st_mtime < before:
                        path.unlink()
        found = []
        for path in self.folder.glob(f"*{_SUFFIX}"):
            with suppress(OSError):
                status = path.stat()
                is_ours = path.name.endswith(f".{installation()}{_SUFFIX}")
                found.append((is_ours, status.st_mtime, status.st_size, path))
        room = self._most_bytes
        for is_ours, _, size, path in sorted(found, reverse=True):
            room -= size
            if not is_ours or room < 0:
                with suppress(OSError):
                    path.unlink()

    def close(self) -> None:
        """Remove a temporary folder."""
        if self._scratch is not None:
            self._scratch.close()


def _can_be_written(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


@functools.cache
def installation() -> str:
    """Return a digest of this program's files: what another one made may be judged otherwise."""
    root = Path(__file__).parents[1]
    told = []
    for path in sorted(root.rglob("*")):
        if path.suffix in {".py", ".toml", ".yaml", ".csv", ".so", ".dll", ".dylib"}:
            status = path.stat()
            told.append(f"{path.relative_to(root)}|{status.st_size}|{status.st_mtime_ns}")
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:10]
