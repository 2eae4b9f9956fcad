"""Import a file into a workspace: read, show, publish; and drafts that wait for a decision.

Nothing is published half: a file is read to its end and checked against the rest of the
plan first, and publishing is one step of the store. What was repaired and refused is written
beside, in `store/imports/`, to files that a spreadsheet opens.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from geo_service.errors import (
    ChoiceNeededError,
    Fault,
    InvalidQueryError,
    SourceError,
    StoreError,
    WorkspaceError,
)
from geo_service.ingest import apart
from geo_service.ingest.options import (
    AS,
    ImportOptions,
    read_taken_as,
    write_mapping,
)
from geo_service.ingest.parts import ways
from geo_service.ingest.report import features_of, import_document, refused_features
from geo_service.ingest.run import Imported, read_source
from geo_service.maps.kinds import KINDS, PREVIEW, ImportPreview, MapInput
from geo_service.maps.kinds.time import TIMED_LAYERS
from geo_service.model import Message, TakenAs
from geo_service.planning.import_effects import ImportEffect, effect_on_review
from geo_service.planning.import_findings import LayerFindings, finding_beside
from geo_service.planning.layers import LayerState, layer_now, publish_contents
from geo_service.schema import SCHEMAS
from geo_service.stores.base import LayerContent, LayerVersion
from geo_service.stores.difference import ChangeCounts, count_differences, emptied_columns
from geo_service.stores.frames import canonical
from geo_service.stores.opening import STORE_FOLDER
from geo_service.stores.timeline import Timeline, make_timeline
from geo_service.wording import said
from geo_service.workspace.opening import Workspace, open_workspace

if TYPE_CHECKING:
    import os

    import pandas as pd

    from geo_service.isolation import Isolated
    from geo_service.language import Translator
    from geo_service.plan import Plan

Progress = Callable[[int, int, str], None]
IMPORTS_FOLDER = "imports"
MAPPINGS_FOLDER = "mappings"
PREVIEW_PAGE = "preview.html"
_LISTED = 1_000
RETAINED_IMPORTS = 20
"""How many imports' lists are kept in a workspace."""
PREVIEW_FEATURES = 5_000
REFUSED_AT_MOST = 0.5
"""A file of which more is refused is not published: it is not what it was taken for."""
REMOVED_UNSAID = 0.5
"""A file that would remove a larger part of the layer is warned of."""
_log = logging.getLogger("geo_service")


@dataclass(frozen=True, kw_only=True)
class ImportResult:
    """What an import came to, and the version that it was published as, if it was."""

    imported: Imported
    expected: str | None
    """The version of the layer that the import was made against."""
    version: LayerVersion | None = None
    changes: ChangeCounts
    """What publishing it does to the layer as it was then."""
    emptied: Mapping[str, int] = field(default_factory=dict)
    """Columns that would have no values any more, with how many they have."""
    findings: LayerFindings = field(default_factory=LayerFindings)
    """What the layer's features hold against each other."""
    effect: ImportEffect | None = None
    """What publishing it would do to the review, if that was asked."""
    folder: Path | None = None
    """Where the lists were written."""
    unwritten: str | None = None
    """Why the lists of a file that was only looked at could not be written."""

    @property
    def obstacle(self) -> str | None:
        """Why this cannot be published: `breaks`, `mostly_refused`, `unsaid`, or None."""
        if self.imported.breaks:
            return "breaks"
        if self.imported.ledger.refused_count > REFUSED_AT_MOST * self.imported.rows:
            return "mostly_refused"
        return "unsaid" if self.is_loss_unsaid else None

    @property
    def is_loss_unsaid(self) -> bool:
        """Whether much would be gone, and nobody said that the file is the whole layer."""
        imported = self.imported
        is_loss = self.is_mostly_removed or bool(self.emptied)
        return is_loss and not imported.is_said and imported.taken_as is TakenAs.WHOLE

    @property
    def is_mostly_removed(self) -> bool:
        """Whether more than half of the published features would be gone."""
        return self.changes.removed > REMOVED_UNSAID * self.changes.before

    @property
    def lost_values(self) -> dict[str, int]:
        """Columns that keep values, with how many features lose theirs."""
        lost = self.changes.lost_values
        return {name: count for name, count in lost.items() if name not in self.emptied}

    def _changes(self) -> dict[str, Any]:
        counts = asdict(self.changes)
        del counts["lost_values"]
        return {**counts, "is_mostly_removed": self.is_mostly_removed}

    def document(self, translator: Translator) -> dict[str, Any]:
        """Return the report, what publishing changes, and what stands against it."""
        return {
            **import_document(self.imported, translator),
            "as": self.imported.taken_as,
            "as_said": self.imported.is_said,
            "changes": self._changes(),
            "emptied": _columns(self.emptied, translator),
            "lost_values": _columns(self.lost_values, translator),
            **self.findings.document(),
            "effect": None if self.effect is None else self.effect.document(translator),
            "version": self.version.version if self.version is not None else None,
            "obstacle": self.obstacle,
        }


def _columns(counts: Mapping[str, int], translator: Translator) -> list[dict[str, Any]]:
    """Return columns with their names for people and a count each."""
    return [
        {"column": name, "label": translator.text(f"column.{name}"), "count": count}
        for name, count in counts.items()
    ]


def read_import(  # noqa: PLR0913 - where, what, and by what
    workspace: str | os.PathLike[str],
    path: Path,
    layer: str,
    options: ImportOptions,
    *,
    plan: Plan | None = None,
    progress: Progress | None = None,
    process: Isolated | None = None,
) -> ImportResult:
    """Read a file as a layer of a workspace; nothing is published.

    It is read in `process`, or in one that is started for it, which is closed at the end.

    Raises
    ------
    NotFoundError, SourceError, ChoiceNeededError, InvalidQueryError
        As `ingest.read_source` does.
    """
    # It gets ready while the workspace is opened.
    with process or apart.start() as reader, open_workspace(workspace) as opened:
        return _read(_Opened(opened, plan), path, layer, options, reader=reader, progress=progress)


class _Opened:
    """A workspace that one import has open from its beginning to its end, and its plan."""

    def __init__(self, workspace: Workspace, plan: Plan | None = None) -> None:
        self.workspace = workspace
        if plan is not None:
            self.plan = plan

    @cached_property
    def plan(self) -> Plan:
        """The plan as the import found it."""
        return self.workspace.plan()


def _read(
    opened: _Opened,
    path: Path,
    layer: str,
    options: ImportOptions,
    *,
    reader: Isolated,
    progress: Progress | None,
) -> ImportResult:
    """Read a file as a layer; the process that read it is closed before the rest is done."""
    workspace = opened.workspace
    with reader:
        found: dict[str, LayerState] = {}

        def published(name: str) -> pd.DataFrame:
            found[name] = layer_now(workspace, name)
            return found[name].frame

        if layer in SCHEMAS:
            published(layer)  # before the file is read: what is published meanwhile is a conflict
        chosen = replace(
            options,
            mappings=options.mappings or workspace.folder / STORE_FOLDER / MAPPINGS_FOLDER,
            published=lambda name: found[name].frame if name in found else published(name),
        )
        imported = read_source(
            path, layer, plan=opened.plan, options=chosen, progress=progress, process=reader
        )
    layer = imported.layer
    now = found[layer] if layer in found else layer_now(workspace, layer)
    with finding_beside(imported, opened.plan.metric_crs) as found_in_layer:
        rows, breaks = _as_published(workspace, imported)
        imported = replace(imported, breaks=breaks)
        changes = count_differences(now.frame, rows, layer=layer)
        findings = found_in_layer()
    notes = (*imported.notes, *_kept_areas(imported, changes), *findings.notes())
    return ImportResult(
        imported=replace(imported, notes=notes),
        findings=findings,
        expected=now.version,
        changes=changes,
        emptied=emptied_columns(now.frame, rows, layer=layer),
    )


def _kept_areas(imported: Imported, changes: ChangeCounts) -> list[Message]:
    """Return a note if shapes are changed by a file that does not say their areas."""
    name = "area_m2"
    has_area = name in SCHEMAS[imported.layer].columns
    columns = imported.columns
    is_given = columns.of(name) is not None or name in columns.values  # noqa: PD011 - no frame
    if imported.taken_as is not TakenAs.UPDATE or not has_area or is_given or not changes.moved:
        return []
    return [Message("import.area_kept", {"count": changes.moved})]


def _as_published(
    workspace: Workspace, imported: Imported
) -> tuple[pd.DataFrame, tuple[Fault, ...]]:
    """Return the rows as a version would hold them, and what keeps the plan from being opened.

    Of that, the first thousand.
    """
    rows = None
    try:
        rows = workspace.checked(imported.layer, imported.frame)
        workspace.check_together(workspace.store.newest(), {imported.layer: rows})
    except WorkspaceError as error:
        if rows is None:
            rows = canonical(imported.frame, imported.layer)
        return rows, error.faults[:_LISTED]
    return rows, ()


def publish_import(
    workspace: str | os.PathLike[str],
    result: ImportResult,
    *,
    note: str = "",
    taken_as: str | None = None,
) -> ImportResult:
    """Publish what was read, and remember how the file's columns were understood.

    `taken_as` says what the file is for its layer if nobody said so when it was read.

    Raises
    ------
    SourceError
        Other layers would refer to what is gone, or most of the file was refused.
    ChoiceNeededError
        Much would be gone, and nobody said that the file is the whole layer.
    InvalidQueryError
        It was read as something else than `taken_as`.
    ConflictError
        Somebody published the layer meanwhile.
    """
    result = _said_as(result, taken_as)
    _require_no_obstacle(result)
    with _unfit_as_import_error(result.imported.layer), open_workspace(workspace) as opened:
        return _publish(opened, result, note)


def _said_as(result: ImportResult, text: str | None) -> ImportResult:
    """Return what was read, with what the publisher says that the file is."""
    meant = read_taken_as(text)
    if meant is None:
        return result
    found = result.imported.taken_as
    if meant is not found:
        msg = said("problem.read_as", found=found, label=Message(f"taken_as.{found}"))
        raise InvalidQueryError(AS, msg)
    return replace(result, imported=replace(result.imported, is_said=True))


@contextmanager
def _unfit_as_import_error(layer: str) -> Iterator[None]:
    """Tell faults of the workspace as what keeps a file from being published."""
    try:
        yield
    except WorkspaceError as error:
        msg = said("refusal.unfit", layer=layer, label=Message(f"layer.{layer}"))
        raise SourceError(msg, error.faults) from error


def _require_no_obstacle(result: ImportResult) -> None:
    imported = result.imported
    if result.obstacle == "breaks":
        msg = said("refusal.breaks", layer=imported.layer, label=Message(f"layer.{imported.layer}"))
        raise SourceError(msg, imported.breaks)
    if result.obstacle == "unsaid":
        label = Message(f"layer.{imported.layer}")
        msg = said(
            "import.which_as",
            file=imported.source.shown,
            label=label,
            removed=result.changes.removed,
            before=result.changes.before,
            emptied=len(result.emptied),
        )
        raise ChoiceNeededError(AS, msg, ways(tuple(TakenAs), label))
    if result.obstacle is not None:
        msg = said(
            "refusal.mostly",
            count=imported.ledger.refused_count,
            rows=imported.rows,
            file=imported.source.shown,
        )
        raise SourceError(msg)


def _publish(opened: Workspace, result: ImportResult, note: str = "") -> ImportResult:
    """Publish what was read; WorkspaceError when it does not fit."""
    imported = result.imported
    content = LayerContent(
        layer=imported.layer,
        frame=imported.frame,
        expected=result.expected,
        note=note,
        source=imported.source.shown,
        taken_as=imported.taken_as,
    )
    version = publish_contents(opened, [content])[0]
    folder = opened.folder / STORE_FOLDER / MAPPINGS_FOLDER
    try:
        write_mapping(imported.learned, folder / f"{imported.layout}.toml")
    except OSError as error:  # the layer is published all the same
        _log.warning("Cannot remember the columns in %s: %s", folder, error.strerror)
    return replace(result, version=version)


def preview_import(
    workspace: str | os.PathLike[str], result: ImportResult, translator: Translator
) -> tuple[Timeline, ImportPreview]:
    """Return what publishing an import would change, to be drawn: as it is, as it would be.

    Raises InvalidQueryError for a table, which has no place on a map.
    """
    layer = result.imported.layer
    if layer not in TIMED_LAYERS:
        name = "layer"
        raise InvalidQueryError(name, said("problem.table_no_map", layer=repr(layer)))
    with open_workspace(workspace) as opened:
        return _preview(opened, result, translator)


def _preview(
    opened: Workspace, result: ImportResult, translator: Translator
) -> tuple[Timeline, ImportPreview]:
    imported = result.imported
    layer = imported.layer
    now = layer_now(opened, layer)
    rows = canonical(imported.frame, layer)
    entries = [
        LayerVersion(
            layer=layer,
            number=number,
            digest="",
            made_at=datetime.now(UTC),
            note="",
            source=source,
            features=len(frame),
        )
        for number, frame, source in (
            (now.number, now.frame, ""),
            (now.number + 1, rows, imported.source.shown),
        )
    ]
    frames = (now.frame, rows)
    metric_crs = opened.settings.metric_crs
    timeline = make_timeline(entries, frames, layer=layer, metric_crs=metric_crs)
    refused = refused_features(imported, translator)[:PREVIEW_FEATURES]
    return timeline, ImportPreview(file=imported.source.shown, refused=refused)


def import_file(  # noqa: PLR0913 - where, what, and how
    workspace: str | os.PathLike[str],
    path: Path,
    layer: str,
    options: ImportOptions,
    *,
    dry_run: bool = False,
    with_effect: bool = False,
    progress: Progress | None = None,
) -> ImportResult:
    """Read a file, write the lists of repairs and refusals, and publish it unless told not to.

    `with_effect` reviews the plan as it is and as it would be. A result with an obstacle is
    returned unpublished. Nothing is published without its lists; where they
    cannot be written, a result that is not published says so (`unwritten`).

    Raises
    ------
    StoreError
        The lists cannot be written; nothing was published.
    NotFoundError, SourceError, ChoiceNeededError, InvalidQueryError, ConflictError
        As `read_import` and `publish_import` do.
    """
    with apart.start() as reader, open_workspace(workspace) as opened:
        once = _Opened(opened)
        asked = options if dry_run else replace(options, may_guess=False)
        result = _read(once, path, layer, asked, reader=reader, progress=progress)
        if with_effect and not result.imported.breaks:
            result = replace(result, effect=effect_on_review(opened, once.plan, result.imported))
        return _written(once, result, options.translator, dry_run=dry_run)


def _written(
    once: _Opened, result: ImportResult, translator: Translator, *, dry_run: bool
) -> ImportResult:
    """Write the lists of what was read, and publish it unless told not to."""
    layer = result.imported.layer
    folder = once.workspace.folder / STORE_FOLDER / IMPORTS_FOLDER
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    lists = folder / f"{stamp}-{layer}"
    is_published = not dry_run and result.obstacle is None
    try:
        write_lists(result, lists, translator)
        if not is_published and layer in TIMED_LAYERS:
            _draw_preview(once, result, translator, lists / PREVIEW_PAGE)
        _forget_old(folder)
    except OSError as error:
        shutil.rmtree(lists, ignore_errors=True)
        reason = error.strerror or type(error).__name__
        if is_published:
            msg = said("problem.lists", folder=str(folder), reason=reason)
            raise StoreError(msg) from error
        return replace(result, unwritten=reason)
    result = replace(result, folder=lists)
    if not is_published:
        return result
    with _unfit_as_import_error(layer):
        return _publish(once.workspace, result)


def _draw_preview(once: _Opened, result: ImportResult, translator: Translator, path: Path) -> None:
    """Write the preview as a map that opens from disk."""
    # Drawing is not needed by an import that publishes at once.
    from geo_service.maps.draw import draw_states  # noqa: PLC0415

    timeline, preview = _preview(once.workspace, result, translator)
    subject = MapInput(translator=translator, plan=once.plan, timeline=timeline, preview=preview)
    drawn = draw_states(KINDS[PREVIEW].states(subject))
    path.write_text(drawn.get_root().render(), encoding="utf-8")


def write_lists(result: ImportResult, folder: Path, translator: Translator) -> None:
    """Write report, repairs, refusals and a preview map's features into a new folder.

    Raises OSError when they cannot be written.
    """
    folder.mkdir(parents=True)
    imported = result.imported
    document = result.document(translator)
    (folder / "report.json").write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    imported.ledger.write_repairs(folder / "repairs.csv")
    imported.ledger.write_refused(folder / "refused.csv")
    preview = preview_document(imported, translator)
    (folder / "preview.geojson").write_bytes(orjson.dumps(preview))


def preview_document(
    imported: Imported, translator: Translator, *, limit: int = PREVIEW_FEATURES
) -> dict[str, Any]:
    """Return features for a map before publishing: refused ones first, then the layer's.

    GeoJSON in CRS84; `numberMatched` counts the layer's features and those refused.
    """
    refused = refused_features(imported, translator)[:limit]
    step = max(1, -(-len(imported.frame) // max(limit - len(refused), 1)))
    some = imported.frame.iloc[::step].head(limit - len(refused))
    features = [*refused, *features_of(some, imported.layer)]
    return {
        "type": "FeatureCollection",
        "numberMatched": len(imported.frame) + imported.ledger.refused_count,
        "numberReturned": len(features),
        "features": features,
    }


def _forget_old(folder: Path) -> None:
    folders = sorted(path for path in folder.iterdir() if path.is_dir())
    for old in folders[:-RETAINED_IMPORTS]:
        shutil.rmtree(old, ignore_errors=True)


__all__ = [
    "ImportResult",
    "import_file",
    "preview_document",
    "preview_import",
    "publish_import",
    "read_import",
    "write_lists",
]
