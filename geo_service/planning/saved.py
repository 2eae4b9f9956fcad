"""Saved results of every kind: listed, pinned, dropped, and kept within limits.

Nothing grows for ever: unless it is set otherwise (`settings`), the oldest results go once all
together take more than five gigabytes; age alone drops nothing. The current review, the one that it
is compared with, and what was pinned never go by themselves. What goes is logged.
"""

from __future__ import annotations

import logging
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from geo_service.errors import ConflictError, InvalidQueryError, NotFoundError, StoreError
from geo_service.planning.printable import Printable
from geo_service.reports.layer import holding_document, holding_table, outline_document
from geo_service.stores.base import IMPORT, KINDS, REVIEW, Holding, Outline, RetentionLimits
from geo_service.stores.opening import STORE_FOLDER
from geo_service.wording import said
from geo_service.workspace.opening import Workspace, open_workspace

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from geo_service.reports.document import Document

RESULT_KINDS = (*KINDS, IMPORT)
"""What can be listed and dropped: saved reviews and rankings, and the lists of imports."""
IMPORTS_FOLDER = "imports"
_LOOKED_AT = 50
_log = logging.getLogger(__name__)


def holding(opened: Workspace, *, kind: str | None = None) -> Holding:
    """Return what a workspace keeps of a kind, or of all kinds."""
    check_kind(kind)
    items = [item for item in opened.store.outlines() if kind in {None, item.kind}]
    if kind in {None, IMPORT}:
        items += _imports(opened.folder)
    items.sort(key=lambda item: (item.made_at, item.id), reverse=True)
    return Holding(tuple(items), opened.retention)


def check_kind(kind: str | None) -> None:
    """Raise InvalidQueryError for a kind that there is not."""
    if kind is not None and kind not in RESULT_KINDS:
        parameter = "kind"
        raise InvalidQueryError(parameter, said("problem.kind", known=list(RESULT_KINDS)))


def find_result(opened: Workspace, identity: str) -> Outline:
    """Return what is kept under an id, of whatever kind; NotFoundError for an unknown one."""
    for item in holding(opened).items:
        if item.id == identity:
            return item
    raise no_such_result(identity)


def no_such_result(identity: str) -> NotFoundError:
    """Return the error of an id under which nothing is kept."""
    return NotFoundError(said("problem.no_kept", name=repr(identity[:80])))


def drop_result(opened: Workspace, kind: str, identity: str, *, current: str | None = None) -> None:
    """Drop one result that is kept.

    Raises
    ------
    NotFoundError
        There is none such.
    ConflictError
        It is pinned, an act rests on it, or it is the current review.
    """
    result = next((item for item in holding(opened, kind=kind).items if item.id == identity), None)
    if result is None:
        raise no_such_result(identity)
    if result.is_pinned:
        raise ConflictError(said("problem.pinned", name=repr(identity)))
    if result.is_held:
        raise ConflictError(said("problem.held", name=repr(identity)))
    if kind == REVIEW and identity == current:
        raise ConflictError(said("problem.current_review", name=repr(identity)))
    _drop(opened, [result])


def pin_result(opened: Workspace, identity: str, *, is_pinned: bool) -> Outline:
    """Keep a saved result whatever the limits say, or no longer.

    NotFoundError for an unknown id; InvalidQueryError for an import, which cannot be pinned.
    """
    result = find_result(opened, identity)
    if result.kind == IMPORT:
        parameter = "id"
        raise InvalidQueryError(parameter, said("problem.no_pin"))
    opened.store.pin(result.kind, result.id, is_pinned=is_pinned)
    return find_result(opened, identity)


def retain_results(
    opened: Workspace,
    limits: RetentionLimits,
    *,
    kind: str | None = None,
    spared: Collection[tuple[str, str]] = (),
) -> list[Outline]:
    """Drop what is older than some days, then the oldest until the rest fits; return what went.

    Kept whatever the limits say: what is pinned or held by an act, what is `spared` (kind, id),
    the newest review and the one before it, which the console compares with.
    """
    items = holding(opened, kind=kind).items
    old = _beyond(items, limits, {*spared, *_compared(opened)})
    _drop(opened, old)
    return old


def retain_within(opened: Workspace, *, spared: Collection[tuple[str, str]] = ()) -> list[Outline]:
    """Keep saved results within the workspace's own limits; what goes is logged."""
    limits = opened.retention
    if limits.days is None and limits.bytes is None:
        return []
    items = opened.store.outlines()
    if not _beyond(items, limits, set(spared)):
        return []
    old = _beyond(items, limits, {*spared, *_compared(opened)})
    _drop(opened, old)
    for item in old:
        _log.warning("%s %s went: the limits of what is kept say so.", item.kind, item.id)
    return old


def _beyond(
    items: Sequence[Outline], limits: RetentionLimits, spared: Collection[tuple[str, str]]
) -> list[Outline]:
    """Return what is beyond the limits, oldest first; `items` are newest first."""
    free = [
        item
        for item in reversed(items)
        if not item.is_pinned and not item.is_held and (item.kind, item.id) not in spared
    ]
    gone: list[Outline] = []
    if limits.days is not None:
        before = datetime.now(UTC) - timedelta(days=limits.days)
        gone = [item for item in free if item.made_at < before]
    if limits.bytes is not None:
        rest = sum(item.size for item in items) - sum(item.size for item in gone)
        for item in free[len(gone) :]:
            if rest <= limits.bytes:
                break
            gone.append(item)
            rest -= item.size
    return gone


def _compared(opened: Workspace) -> set[tuple[str, str]]:
    """Return the newest review of the whole county and the one before, trials left out."""
    found: set[tuple[str, str]] = set()
    offset = 0
    while listed := opened.store.saved(REVIEW, limit=_LOOKED_AT, offset=offset):
        for item in listed:
            if not item.recipe.get("is_trial"):
                found.add((REVIEW, item.id))
                if len(found) > 1:
                    return found
        offset += _LOOKED_AT
    return found


def _drop(opened: Workspace, items: Sequence[Outline]) -> None:
    results = [(item.kind, item.id) for item in items if item.kind != IMPORT]
    if results:
        opened.store.drop(results, but_pinned=True)
    for item in items:
        if item.kind == IMPORT:
            try:
                shutil.rmtree(_imports_folder(opened.folder) / item.id)
            except OSError as error:
                reason = error.strerror or "?"
                msg = said("problem.cannot_write", path=item.id, reason=reason)
                raise StoreError(msg) from error


# ---- the lists of imports --------------------------------------------------------------------


def _imports_folder(folder: Path) -> Path:
    return folder / STORE_FOLDER / IMPORTS_FOLDER


def _imports(folder: Path) -> list[Outline]:
    """Return what the command line's imports left in the workspace: a folder of lists each."""
    root = _imports_folder(folder)
    if not root.is_dir():
        return []
    found = []
    for path in root.iterdir():
        if path.is_dir() and not path.is_symlink():
            files = [part for part in path.rglob("*") if part.is_file()]
            found.append(
                Outline(
                    kind=IMPORT,
                    id=path.name,
                    made_at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
                    plan_version="",
                    size=sum(part.stat().st_size for part in files),
                    is_pinned=False,
                )
            )
    return found


# ---- for a terminal --------------------------------------------------------------------------


def printable_holding(results: Holding) -> Printable:
    """Return what is kept, for a terminal."""
    return Printable(
        lambda: holding_document(results),
        lambda translator, width: holding_table(results.items, translator, width=width),
    )


def printable_drop(items: Sequence[Outline]) -> Printable:
    """Return what was dropped, for a terminal."""
    return Printable(
        lambda: dropped_document(items),
        lambda translator, width: holding_table(items, translator, width=width),
    )


def dropped_document(items: Sequence[Outline]) -> Document:
    """Return what was dropped."""
    return {"dropped": [outline_document(item) for item in items]}


__all__ = [
    "IMPORTS_FOLDER",
    "RESULT_KINDS",
    "RetentionLimits",
    "check_kind",
    "drop_result",
    "dropped_document",
    "find_result",
    "holding",
    "open_workspace",
    "pin_result",
    "printable_drop",
    "printable_holding",
    "retain_results",
    "retain_within",
]
