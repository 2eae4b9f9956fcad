"""Imports that wait for somebody to look at them: read, shown, then published or dropped.

A draft holds its rows on disk, not in memory, and is forgotten after an hour. Safe to use
from several threads. Other processes do not know it, whatever store they share: what decides
about it (ledger, placement, columns) lives in memory.
"""

from __future__ import annotations

import errno
import re
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import orjson
import pandas as pd

from geo_service.errors import BusyError, ConflictError, NotFoundError, StoreError
from geo_service.ingest.report import SAMPLE_ROWS
from geo_service.planning.imports import (
    ImportResult,
    preview_document,
    preview_import,
    publish_import,
    read_import,
)
from geo_service.planning.keeping import members
from geo_service.stores.base import WorkspaceAt
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.ingest import ImportOptions
    from geo_service.language import Translator
    from geo_service.maps.time_map import Draft
    from geo_service.planning.county import County
    from geo_service.stores.base import LayerVersion
    from geo_service.stores.timeline import Timeline

Progress = Callable[[int, int, str], None]
KEPT_DRAFTS = 20
"""How many may wait; those that were published do not count."""
KEPT_PUBLISHED = 100
"""Of how many published ones the report is kept."""
KEPT_SECONDS = 3_600.0
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}")
_ROWS = "rows.parquet"
_UPLOADS = "upload-"


@dataclass
class ImportDraft:
    """One file that was read and waits."""

    draft_id: str
    folder: Path
    result: ImportResult
    """Its frame holds the first rows only; all are on disk."""
    features: int
    made: float = field(default_factory=time.monotonic)
    made_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    version: LayerVersion | None = None
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def document(self, translator: Translator) -> dict[str, Any]:
        """Return the report, and where the draft stands."""
        expires = self.made_at + timedelta(seconds=KEPT_SECONDS)
        return {
            **self.result.document(translator),
            "import_id": self.draft_id,
            "features": self.features,
            "status": "draft" if self.version is None else "published",
            "version": None if self.version is None else self.version.version,
            **members(None if self.version else said("keeping.draft"), translator),
            "made_at": self.made_at.isoformat(timespec="seconds"),
            "expires_at": expires.isoformat(timespec="seconds"),
        }

    def whole(self) -> ImportResult:
        """Return the result with all of its rows; NotFoundError when they are gone."""
        rows = self.folder / _ROWS
        is_table = not isinstance(self.result.imported.frame, gpd.GeoDataFrame)
        try:
            frame = pd.read_parquet(rows) if is_table else gpd.read_parquet(rows)
        except OSError:  # dropped, or grown old, meanwhile
            raise _no_such_import() from None
        return replace(self.result, imported=replace(self.result.imported, frame=frame))

    def preview(self, limit: int) -> dict[str, Any]:
        """Return some features for a map (GeoJSON, CRS84), refused ones first."""
        document: dict[str, Any] = orjson.loads((self.folder / "preview.json").read_bytes())
        document["features"] = document["features"][:limit]
        document["numberReturned"] = len(document["features"])
        return document


class ImportDesk:
    """Takes files, keeps drafts, publishes them into one county's workspace."""

    def __init__(self, county: County) -> None:
        self._county = county
        self._root = tempfile.TemporaryDirectory(prefix="geo-imports-")
        self._drafts: dict[str, ImportDraft] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Forget every draft."""
        self._root.cleanup()

    def receive(self, filename: str) -> Path:
        """Return the path to put a file under; only the ending of its name is used.

        Raises
        ------
        BusyError
            Too many drafts are waiting.
        """
        self._forget_old()
        with self._lock:
            if sum(draft.version is None for draft in self._drafts.values()) >= KEPT_DRAFTS:
                msg = said("problem.drafts", count=KEPT_DRAFTS)
                raise BusyError(msg)
        suffix = Path(filename).suffix
        folder = Path(tempfile.mkdtemp(prefix=_UPLOADS, dir=self._root.name))
        return folder / f"upload{suffix if _SUFFIX.fullmatch(suffix) else ''}"

    def drop_upload(self, upload: Path) -> None:
        """Remove a file that was received."""
        shutil.rmtree(upload.parent, ignore_errors=True)

    def read(
        self,
        upload: Path,
        layer: str,
        options: ImportOptions,
        *,
        progress: Progress | None = None,
    ) -> ImportDraft:
        """Read a received file as a draft; the file is removed whatever comes of it.

        Raises
        ------
        SourceError, ChoiceNeededError, NotFoundError, InvalidQueryError
            As `imports.read_import` does.
        """
        try:
            result = read_import(
                self._workspace,
                upload,
                layer,
                options,
                plan=self._county.plan,
                progress=progress,
            )
            return self._keep(result, options.translator)
        finally:
            self.drop_upload(upload)

    @property
    def _workspace(self) -> WorkspaceAt:
        return self._county.workspace.at

    def _keep(self, result: ImportResult, translator: Translator) -> ImportDraft:
        draft_id = secrets.token_hex(8)
        folder = Path(self._root.name) / draft_id
        try:
            return self._written(result, translator, folder)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise no_room(error) from error

    def _written(self, result: ImportResult, translator: Translator, folder: Path) -> ImportDraft:
        imported = result.imported
        draft_id = folder.name
        folder.mkdir()
        imported.frame.to_parquet(folder / _ROWS)
        imported.ledger.write_refused(folder / "refused.csv")
        imported.ledger.write_repairs(folder / "repairs.csv")
        preview = preview_document(imported, translator)
        (folder / "preview.json").write_bytes(orjson.dumps(preview))
        light = replace(imported, frame=imported.frame.head(SAMPLE_ROWS).copy())
        draft = ImportDraft(draft_id, folder, replace(result, imported=light), len(imported.frame))
        with self._lock:
            self._drafts[draft_id] = draft
        return draft

    def find(self, draft_id: str) -> ImportDraft:
        """Return a draft; NotFoundError for one that is not there, or not any more."""
        self._forget_old()
        with self._lock:
            if draft_id in self._drafts:
                return self._drafts[draft_id]
        raise _no_such_import()

    def drafts(self) -> list[ImportDraft]:
        """Return the drafts, newest first."""
        self._forget_old()
        with self._lock:
            return sorted(self._drafts.values(), key=lambda draft: -draft.made)

    def drop(self, draft_id: str) -> None:
        """Forget a draft; NotFoundError when there is none such."""
        draft = self.find(draft_id)
        with self._lock:
            self._drafts.pop(draft_id, None)
        shutil.rmtree(draft.folder, ignore_errors=True)

    def preview_of(self, draft_id: str, translator: Translator) -> tuple[Timeline, Draft]:
        """Return what publishing a draft would change, to be drawn.

        Raises NotFoundError as `find` does, InvalidQueryError for a table.
        """
        return preview_import(self._workspace, self.find(draft_id).whole(), translator)

    def publish(self, draft_id: str, *, note: str = "") -> ImportDraft:
        """Publish a draft and let the county take up the new plan.

        Raises
        ------
        ConflictError
            It was published already, or the layer was changed since it was read.
        SourceError
            It has an obstacle: see `ImportResult.obstacle`.
        """
        draft = self.find(draft_id)
        with draft.lock:
            if draft.version is not None:
                msg = said("problem.published", version=draft.version.version)
                raise ConflictError(msg)
            self._county.check_files()
            draft.version = publish_import(self._workspace, draft.whole(), note=note).version
            (draft.folder / _ROWS).unlink(missing_ok=True)  # they are in the store now
        self._county.refresh()
        return draft

    def _forget_old(self) -> None:
        now = time.monotonic()
        with self._lock:
            old = [draft for draft in self._drafts.values() if now - draft.made > KEPT_SECONDS]
            published = [draft for draft in self._drafts.values() if draft.version is not None]
            old += [draft for draft in published[:-KEPT_PUBLISHED] if draft not in old]
            for draft in old:
                del self._drafts[draft.draft_id]
        for draft in old:
            shutil.rmtree(draft.folder, ignore_errors=True)
        # Uploads whose job was cancelled before it began are nobody's.
        for upload in Path(self._root.name).glob(f"{_UPLOADS}*"):
            with suppress(OSError):
                if time.time() - upload.stat().st_mtime > KEPT_SECONDS:
                    shutil.rmtree(upload, ignore_errors=True)


def no_room(error: OSError) -> StoreError:
    """Return the error of a file or a draft that could not be written."""
    is_full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    told = said("problem.store_full_told") if is_full else None
    reason = error.strerror or type(error).__name__
    msg = said("problem.cannot_write", path=str(error.filename or "?"), reason=reason)
    return StoreError(msg, told=told, is_full=is_full)


def _no_such_import() -> NotFoundError:
    return NotFoundError(said("problem.no_import"))
