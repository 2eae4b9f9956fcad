"""Imports that wait for somebody to look at them: read, shown, then published or dropped.

A draft holds its rows on disk, not in memory, and is forgotten after an hour. Safe to use
from several threads. Other processes do not know it, whatever store they share: what decides
about it (ledger, placement, columns) lives in memory.
"""

from __future__ import annotations

import errno
import secrets
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import orjson
import pandas as pd

from geo_service.access import acting_name
from geo_service.errors import BusyError, ConflictError, NotFoundError, StoreError
from geo_service.ingest.apart import Standby
from geo_service.ingest.options import AUTO
from geo_service.ingest.report import SAMPLE_ROWS
from geo_service.jobs import JobKind
from geo_service.language import Language
from geo_service.plan import empty_frame
from geo_service.planning.import_changes import changes_document
from geo_service.planning.import_effects import effect_of
from geo_service.planning.imports import (
    ImportResult,
    preview_document,
    preview_import,
    publish_import,
    read_import,
)
from geo_service.planning.job_results import JobResultKind, MadeResult
from geo_service.planning.layers import version_rows
from geo_service.planning.saving import members
from geo_service.planning.uploads import Upload, UploadLimits, Uploads
from geo_service.schema import SCHEMAS
from geo_service.scratch import ScratchFolder
from geo_service.stores.base import WorkspaceAt
from geo_service.stores.frames import canonical
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.ingest.options import ImportOptions
    from geo_service.jobs import Job
    from geo_service.language import Translator
    from geo_service.maps.kinds import ImportPreview
    from geo_service.planning.following import Follower
    from geo_service.planning.state import ServiceState
    from geo_service.reports.document import Document
    from geo_service.stores.base import LayerVersion
    from geo_service.stores.timeline import Timeline

Progress = Callable[[int, int, str], None]
HELD_DRAFTS = 20
"""Of one client, with what it sends just now; who has so many publishes or drops one first."""
MAX_DRAFTS = 60
"""Of all clients; then the client that holds the most gives way."""
HELD_PUBLISHED = 100
"""Of how many published ones the report is kept."""
HELD_SECONDS = 3_600.0
_ROWS = "rows.parquet"
_CHANGES = "changes.json"
_LISTED = (
    "import_id",
    "layer",
    "file",
    "format",
    "features",
    "refused_count",
    "repair_counts",
    "needs_look_count",
    "status",
    "version",
    "saved",
    "not_saved",
    "as",
    "changes",
    "obstacle",
    "made_at",
    "expires_at",
)
"""What the list of drafts says of each."""


@dataclass
class ImportDraft:
    """One file that was read and waits."""

    draft_id: str
    folder: Path
    result: ImportResult
    """Its frame holds the first rows only; all are on disk."""
    features: int
    client: str = ""
    """Who sent it, as the caller names clients."""
    account: str | None = field(default_factory=acting_name)
    """Whose it is; None for nobody's, which everybody sees."""
    is_seen: bool = False
    """Somebody came back for it after it was read."""
    created_s: float = field(default_factory=time.monotonic)
    made_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    version: LayerVersion | None = None
    effects: dict[Language, Document] = field(default_factory=dict, repr=False)
    """What publishing it would do to the review, once somebody asked."""
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def document(self, translator: Translator) -> dict[str, Any]:
        """Return the report, and where the draft stands."""
        expires = self.made_at + timedelta(seconds=HELD_SECONDS)
        return {
            **self.result.document(translator),
            "import_id": self.draft_id,
            "features": self.features,
            "status": "draft" if self.version is None else "published",
            "version": None if self.version is None else self.version.version,
            **members(None if self.version else said("keeping.draft"), translator),
            "undo": self._undo(),
            "made_at": self.made_at.isoformat(timespec="seconds"),
            "expires_at": expires.isoformat(timespec="seconds"),
        }

    @property
    def is_shown(self) -> bool:
        """Whether the account that asks may see it; without accounts everybody may."""
        name = acting_name()
        return name is None or self.account in {None, name}

    def _undo(self) -> Document | None:
        """Return what takes a published draft back: a rollback to the version before it."""
        if self.version is None or self.result.expected in {None, self.version.version}:
            return None
        return {"version": self.result.expected, "expected": self.version.version}

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
        try:
            document: dict[str, Any] = orjson.loads((self.folder / "preview.json").read_bytes())
        except OSError:  # as above
            raise _no_such_import() from None
        document["features"] = document["features"][:limit]
        document["numberReturned"] = len(document["features"])
        return document


class ImportDesk:
    """Takes files, keeps drafts, publishes them into one county's workspace."""

    def __init__(
        self, state: ServiceState, follower: Follower, limits: UploadLimits | None = None
    ) -> None:
        self._state = state
        self._follower = follower
        self._root = ScratchFolder("imports")
        self._uploads = Uploads(self._root.path, limits or UploadLimits())
        self._drafts: dict[str, ImportDraft] = {}
        self._lock = threading.Lock()
        self._readers = Standby()

    def close(self) -> None:
        """Forget every draft."""
        self._readers.close()
        self._root.close()

    def limit(self, limits: UploadLimits) -> None:
        """Set how much may be on its way in at once."""
        self._uploads.limit(limits)

    @property
    def folder(self) -> Path:
        """Where uploads and drafts lie."""
        return self._root.path

    def receive(self, filename: str, client: str = "") -> Upload:
        """Return a file to write to, which counts from now on; it is closed by `read`.

        Raises
        ------
        BusyError
            Too many drafts or uploads of this client are waiting, or of all together.
        """
        self._forget_old()
        with self._lock:
            waiting = Counter(
                draft.client for draft in self._drafts.values() if draft.version is None
            )
        own = waiting[client] + self._uploads.count(client)
        is_largest = own >= max(waiting.values(), default=0)
        if own >= HELD_DRAFTS or (waiting.total() >= MAX_DRAFTS and is_largest):
            msg = said("problem.drafts", count=own)
            raise BusyError(msg)
        return self._uploads.begin(filename, client)

    def read(
        self,
        upload: Upload,
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
                upload.path,
                layer,
                options,
                plan=self._state.plan,
                progress=progress,
                process=self._readers.take(),
            )
            self._readers.prepare()
            return self._hold(result, options.translator, upload.client)
        finally:
            upload.close()

    def start(self, upload: Upload, layer: str, options: ImportOptions) -> Job:
        """Begin to read a received file; the file is removed whatever comes of it."""
        jobs = self._state.jobs

        def work(progress: Progress) -> MadeResult:
            made = self.read(upload, layer, options, progress=progress)
            return MadeResult(JobResultKind.IMPORTS, made.draft_id)

        try:
            job = jobs.start(work, JobKind.IMPORT)
        except BusyError:
            upload.close()
            raise
        job.on_end(upload.close)
        return job

    def listed(self, language: Language) -> Document:
        """Return the drafts of the last hour, newest first, with how they came out.

        `layers` are all that a file may become, those that the workspace does not have yet too.
        """
        translator = self._state.translator(language)
        documents = [draft.document(translator) for draft in self.drafts()]
        layers = [
            {
                "name": name,
                "title": translator.text(f"layer.{name}"),
                "has_geometry": schema.geometry is not None,
            }
            for name, schema in SCHEMAS.items()
        ]
        return {
            "numberMatched": len(documents),
            "numberReturned": len(documents),
            "imports": [{name: document[name] for name in _LISTED} for document in documents],
            "layers": layers,
        }

    def document(self, draft_id: str, language: Language) -> Document:
        """Return a draft's report; NotFoundError when there is none such."""
        return self.find(draft_id).document(self._state.translator(language))

    @property
    def _workspace(self) -> WorkspaceAt:
        return self._state.workspace.at

    def _hold(self, result: ImportResult, translator: Translator, client: str) -> ImportDraft:
        folder = self._root.path / secrets.token_hex(8)
        try:
            return self._written(result, translator, folder, client)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise no_room(error) from error

    def _written(
        self, result: ImportResult, translator: Translator, folder: Path, client: str
    ) -> ImportDraft:
        imported = result.imported
        draft_id = folder.name
        folder.mkdir()
        imported.frame.to_parquet(folder / _ROWS)
        imported.ledger.write_refused(folder / "refused.csv")
        imported.ledger.write_repairs(folder / "repairs.csv")
        preview = preview_document(imported, translator)
        (folder / "preview.json").write_bytes(orjson.dumps(preview))
        light = replace(imported, frame=imported.frame.head(SAMPLE_ROWS).copy())
        draft = ImportDraft(
            draft_id, folder, replace(result, imported=light), len(imported.frame), client
        )
        with self._lock:
            gone = self._make_room()
            self._drafts[draft_id] = draft
        for other in gone:
            shutil.rmtree(other.folder, ignore_errors=True)
        return draft

    def _make_room(self) -> list[ImportDraft]:
        """Take out what gives way: published first, then of who holds the most, unseen first."""
        gone = []
        while len(self._drafts) >= MAX_DRAFTS:
            waiting = Counter(
                draft.client for draft in self._drafts.values() if draft.version is None
            )
            victim = min(
                self._drafts.values(),
                key=lambda draft: (
                    draft.version is None,
                    -waiting[draft.client],
                    draft.is_seen,
                    draft.created_s,
                ),
            )
            gone.append(self._drafts.pop(victim.draft_id))
        return gone

    def find(self, draft_id: str) -> ImportDraft:
        """Return a draft; NotFoundError for one that is not there, or not any more."""
        self._forget_old()
        with self._lock:
            draft = self._drafts.get(draft_id)
            if draft is not None and draft.is_shown:
                draft.is_seen = True
                return draft
        raise _no_such_import()

    def drafts(self) -> list[ImportDraft]:
        """Return the drafts, newest first; who looks at them may send a file next."""
        self._forget_old()
        self._readers.prepare()
        with self._lock:
            shown = [draft for draft in self._drafts.values() if draft.is_shown]
        return sorted(shown, key=lambda draft: -draft.created_s)

    def drop(self, draft_id: str) -> None:
        """Forget a draft; NotFoundError when there is none such."""
        draft = self.find(draft_id)
        with self._lock:
            self._drafts.pop(draft_id, None)
        shutil.rmtree(draft.folder, ignore_errors=True)

    def preview_of(self, draft_id: str, translator: Translator) -> tuple[Timeline, ImportPreview]:
        """Return what publishing a draft would change, to be drawn.

        Raises NotFoundError as `find` does, InvalidQueryError for a table.
        """
        return preview_import(self._workspace, self.find(draft_id).whole(), translator)

    def changes(self, draft_id: str) -> Document:
        """Return what a draft changes, feature by feature; as `import_changes`.

        NotFoundError when there is none such, or it was published before anybody asked.
        """
        draft = self.find(draft_id)
        path = draft.folder / _CHANGES
        with draft.lock:
            if not path.is_file():
                found = self._changes(draft)
                with _room_told():
                    path.write_bytes(orjson.dumps(found))
                return found
            document: Document = orjson.loads(path.read_bytes())
        return document

    def _changes(self, draft: ImportDraft) -> Document:
        result, opened = draft.whole(), self._state.workspace
        layer = result.imported.layer
        rows = canonical(result.imported.frame, layer)
        before = canonical(empty_frame(layer), layer)
        if result.expected is not None:
            _, before = version_rows(opened, layer, result.expected)
        crs = opened.settings.metric_crs
        return changes_document(before, rows, layer=layer, metric_crs=crs)

    def start_effect(self, draft_id: str) -> Job:
        """Begin to review the plan as it would be with a draft."""
        draft = self.find(draft_id)
        return self._state.jobs.start(
            lambda progress: self._make_effect(draft, progress), JobKind.EFFECT
        )

    def _make_effect(self, draft: ImportDraft, progress: Progress) -> MadeResult:
        now, imported = self._state.now, draft.whole().imported
        found = effect_of(
            self._state.workspace,
            imported.layer,
            imported.frame,
            before=now.review,
            rulebook=now.rulebook,
            draft_id=draft.draft_id,
            progress=progress,
        )
        effects = {
            language: found.document(self._state.translator(language)) for language in Language
        }
        draft.effects = effects
        return MadeResult(JobResultKind.IMPORTS, f"{draft.draft_id}/effect")

    def effect(self, draft_id: str, language: Language) -> Document:
        """Return what publishing a draft would do to the review.

        NotFoundError when there is no such draft, or nobody asked for its effect yet.
        """
        draft = self.find(draft_id)
        if language not in draft.effects:
            raise NotFoundError(said("problem.no_effect"))
        return draft.effects[language]

    def publish(self, draft_id: str, *, note: str = "", taken_as: str | None = None) -> ImportDraft:
        """Publish a draft and let the county take up the new plan.

        `taken_as` says what the file is for its layer, if nobody said so when it was sent.

        Raises
        ------
        ConflictError
            It was published already, or the layer was changed since it was read.
        SourceError
            It has an obstacle: see `ImportResult.obstacle`.
        ChoiceNeededError, InvalidQueryError
            As `imports.publish_import` does.
        """
        draft = self.find(draft_id)
        with draft.lock:
            if draft.version is not None:
                msg = said("problem.published", version=draft.version.version)
                raise ConflictError(msg)
            self._follower.check_files()
            result = publish_import(self._workspace, draft.whole(), note=note, taken_as=taken_as)
            draft.version = result.version
            (draft.folder / _ROWS).unlink(missing_ok=True)  # they are in the store now
        self._follower.refresh()
        return draft

    def _forget_old(self) -> None:
        now = time.monotonic()
        with self._lock:
            old = [draft for draft in self._drafts.values() if now - draft.created_s > HELD_SECONDS]
            published = [draft for draft in self._drafts.values() if draft.version is not None]
            old += [draft for draft in published[:-HELD_PUBLISHED] if draft not in old]
            for draft in old:
                del self._drafts[draft.draft_id]
        for draft in old:
            shutil.rmtree(draft.folder, ignore_errors=True)
        self._uploads.close_idle(HELD_SECONDS)


@contextmanager
def _room_told() -> Iterator[None]:
    """Tell what cannot be written as the store would."""
    try:
        yield
    except OSError as error:
        raise no_room(error) from error


def check_layer(name: str) -> None:
    """Raise NotFoundError for a layer that no file can become."""
    if name not in {AUTO, *SCHEMAS}:
        raise NotFoundError(said("problem.no_layer", name=repr(name), known=list(SCHEMAS)))


def no_room(error: OSError) -> StoreError:
    """Return the error of a file or a draft that could not be written."""
    is_full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    told = said("problem.store_full_told") if is_full else None
    reason = error.strerror or type(error).__name__
    msg = said("problem.cannot_write", path=str(error.filename or "?"), reason=reason)
    return StoreError(msg, public_message=told, is_full=is_full)


def _no_such_import() -> NotFoundError:
    return NotFoundError(said("problem.no_import"))
