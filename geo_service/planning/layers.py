"""Versions of a workspace's layers: publish, look back, compare, roll back, export, move.

Each function takes a workspace (a folder, or `stores.base.WorkspaceAt`), opens its store,
and closes it when done. Whoever publishes says which version the work began with: if
another one is the newest by then, ConflictError tells so and nothing is overwritten.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import tomlkit
from tomlkit.exceptions import TOMLKitError

from geo_service.errors import ConflictError, NotFoundError, StoreError
from geo_service.plan import empty_frame
from geo_service.schema import SCHEMAS
from geo_service.stores.base import KEPT_KINDS, LayerContent, LayerVersion, WorkspaceAt
from geo_service.stores.difference import Difference, find_differences
from geo_service.stores.frames import (
    canonical,
    conditions,
    content_digest,
    fitting,
    layer_schema,
    meeting,
)
from geo_service.stores.geopackage import unpack_geopackage, write_geopackage
from geo_service.stores.opening import EMBEDDED, has_password, open_store, without_password
from geo_service.stores.timeline import Timeline, make_timeline, newest_entries
from geo_service.wording import said
from geo_service.workspace.opening import Workspace, open_workspace
from geo_service.workspace.own_files import FILE_NOTE, SETTINGS_FILE, OwnLayer

if TYPE_CHECKING:
    import pandas as pd

    from geo_service.plan import Plan
    from geo_service.stores.base import Box, Revision
    from geo_service.stores.base import Where as Conditions

Where = str | os.PathLike[str]
_EXTENT_LAYER = "county"


@dataclass(frozen=True, slots=True)
class LayerState:
    """A layer as a workspace has it now, to be changed and published."""

    frame: pd.DataFrame
    """Its rows as they are kept: without what is worked out when a plan is opened."""
    version: str | None
    """What `publish` wants as `expected`; None when the layer is not there yet."""
    number: int
    """0 for the workspace's own file."""


def newest_layer(workspace: Where, layer: str) -> LayerState:
    """Return a layer as it is now, with the version to name when a changed one is published.

    A layer that the workspace does not have is an empty frame without a version.

    Raises
    ------
    NotFoundError
        There is no such layer in any workspace.
    """
    layer_schema(layer)
    with open_workspace(workspace) as opened:
        return layer_now(opened, layer)


def layer_now(opened: Workspace, layer: str) -> LayerState:
    """Return what `newest_layer` does, of a workspace that is open."""
    schema = layer_schema(layer)
    entry = opened.store.newest().get(layer)
    if entry is not None:
        frame = opened.store.read(layer, entry.version)
        return LayerState(frame, entry.version, entry.number)
    if layer in opened.declared_layers:
        own = opened.own_layer(layer)
        return LayerState(own.frame, own.version, 0)
    return LayerState(canonical(empty_frame(schema.name), layer), None, 0)


def publish(
    workspace: Where,
    layer: str,
    frame: pd.DataFrame,
    *,
    expected: str | None,
    note: str = "",
    source: str = "",
) -> LayerVersion:
    """Publish a new version of a layer; what the newest plan holds from then on.

    Parameters
    ----------
    workspace
        The workspace.
    layer
        The layer's name.
    frame
        All of its rows, satisfying its schema, geometry in EPSG:4490.
    expected
        The version that was the newest when the work on the frame began
        (`newest_layer`, or `plan.layers[layer].version`); None for a layer not there yet.
    note, source
        Why, and where the rows came from; shown in the history.

    Raises
    ------
    WorkspaceError
        The frame breaks the layer's schema, or does not fit the other layers.
    ConflictError
        Somebody published meanwhile; nothing was written.
    StoreError
        The store failed; the old version is still the newest.
    """
    content = LayerContent(layer=layer, frame=frame, expected=expected, note=note, source=source)
    return publish_together(workspace, [content])[0]


def publish_together(workspace: Where, contents: Sequence[LayerContent]) -> list[LayerVersion]:
    """Publish several layers, all or none: for changes that fit only together (new park ids).

    Raises as `publish` does.
    """
    with open_workspace(workspace) as opened:
        return publish_contents(opened, contents)


def publish_contents(
    opened: Workspace, contents: Sequence[LayerContent], *, along: Revision | None = None
) -> list[LayerVersion]:
    """Do what `publish_together` does, in a workspace that is open; `along` is revised with it."""
    for content in contents:
        layer_schema(content.layer)
    newest = opened.store.newest()
    checked = {content.layer: opened.checked(content.layer, content.frame) for content in contents}
    own = opened.counting_files(newest)
    for content in contents:
        _check_own(own, content)
    opened.check_together(newest, checked)
    return opened.store.publish(
        [replace(content, frame=checked[content.layer]) for content in contents],
        against=_against(newest, own, checked),
        own=[layer.content() for layer in own.values()],
        along=along,
    )


def _check_own(own: Mapping[str, OwnLayer], content: LayerContent) -> None:
    """Raise ConflictError when a layer's own file, which counts, is not what a draft expects."""
    layer = own.get(content.layer)
    if layer is not None and content.expected != layer.version:
        msg = said(
            "problem.layer_changed_file",
            layer=repr(content.layer),
            version=layer.version,
            expected=content.expected or said("import.none"),
        )
        raise ConflictError(msg)


def record_own(opened: Workspace, layers: Sequence[OwnLayer]) -> None:
    """Keep what the workspace's own files hold of some layers in the store, as number 0."""
    if layers:
        opened.store.record_originals([own.content() for own in layers])


def _against(
    newest: Mapping[str, LayerVersion],
    own: Mapping[str, OwnLayer],
    changed: Mapping[str, pd.DataFrame],
) -> dict[str, str | None]:
    """Return the versions of the other layers that the changed ones were checked against."""
    related = {_EXTENT_LAYER}
    for name, schema in SCHEMAS.items():
        targets = {
            item.refers_to.partition(".")[0] for item in schema.fields if item.refers_to is not None
        }
        if name in changed:
            related |= targets
        if name == _EXTENT_LAYER or targets & set(changed):
            related.add(name)
    counting: dict[str, LayerVersion | OwnLayer] = {**own, **newest}
    return {
        name: counting[name].version if name in counting else None
        for name in sorted(related - set(changed))
    }


def changed_files(workspace: Where) -> tuple[str, ...]:
    """Return layers whose own file was changed since it was recorded; the file does not count."""
    with open_workspace(workspace) as opened:
        return opened.changed_files(opened.store.newest())


def layer_history(workspace: Where, layer: str) -> list[LayerVersion]:
    """Return all versions of a layer that are kept, newest first.

    The workspace's own file ends the list, whether or not anything was published over it.
    NotFoundError for a layer that this workspace does not have.
    """
    with open_workspace(workspace) as opened:
        return history_of(opened, layer)


def history_of(opened: Workspace, layer: str) -> list[LayerVersion]:
    """Return what `layer_history` does, of a workspace that is open."""
    layer_schema(layer)
    entries = opened.store.history(layer)
    is_counting = layer in opened.declared_layers and layer not in opened.store.newest()
    if not is_counting:
        if not entries:
            msg = said("problem.workspace_layer", layer=repr(layer))
            raise NotFoundError(msg)
        return entries
    own = _own_entry(opened, layer)
    # Others are numbers 0 that saved results were made from: the file was edited since.
    others = [entry for entry in entries if entry.version != own.version]
    return [next((entry for entry in entries if entry.version == own.version), own), *others]


def _own_entry(opened: Workspace, layer: str) -> LayerVersion:
    """Return the entry that the workspace's own file would have."""
    own = opened.own_layer(layer)
    frame = own.frame
    return LayerVersion(
        layer=layer,
        number=0,
        digest=content_digest(frame, layer),
        made_at=datetime.fromtimestamp(opened.modified_at(layer), UTC),
        note=FILE_NOTE,
        source=own.shown,
        features=len(frame),
        file_digest=own.file_digest,
    )


def layer_difference(
    workspace: Where, layer: str, before: str | None = None, after: str | None = None
) -> tuple[LayerVersion, LayerVersion, Difference]:
    """Return what changed from one version of a layer to another, and their entries.

    Versions are named by number or by version. Without `after` the newest is meant, without
    `before` the one below `after` in the history. NotFoundError for a version not kept.
    """
    with open_workspace(workspace) as opened:
        return difference_of(opened, layer, before, after)


def difference_of(
    opened: Workspace, layer: str, before: str | None = None, after: str | None = None
) -> tuple[LayerVersion, LayerVersion, Difference]:
    """Return what `layer_difference` does, of a workspace that is open."""
    history = history_of(opened, layer)
    new = history[0] if after is None else _meant(history, layer, after)
    old = _below(history, new) if before is None else _meant(history, layer, before)
    frames = [_rows(opened, entry) for entry in (old, new)]
    crs = opened.settings.metric_crs
    return old, new, find_differences(*frames, layer=layer, metric_crs=crs)


def latest_layer(opened: Workspace, among: Sequence[str]) -> str:
    """Return which of some layers was published last; the first that there is without any."""
    newest = opened.store.newest()
    published = [name for name in among if name in newest and newest[name].number]
    if published:
        return max(published, key=lambda name: newest[name].made_at)
    return next((name for name in among if name in opened.declared_layers), among[0])


def timeline_of(opened: Workspace, layer: str) -> Timeline:
    """Return a layer's newest versions, oldest first, with every state of its features.

    NotFoundError for a layer that the workspace does not have.
    """
    entries = newest_entries(history_of(opened, layer))
    frames = (_rows(opened, entry) for entry in entries)
    return make_timeline(entries, frames, layer=layer, metric_crs=opened.settings.metric_crs)


def _meant(history: Sequence[LayerVersion], layer: str, version: str) -> LayerVersion:
    for entry in history:
        if version in {str(entry.number), entry.version}:
            return entry
    msg = said("problem.no_version", layer=repr(layer), version=repr(version))
    raise NotFoundError(msg)


def _below(history: Sequence[LayerVersion], entry: LayerVersion) -> LayerVersion:
    position = history.index(entry)
    return history[min(position + 1, len(history) - 1)]


def _rows(
    opened: Workspace,
    entry: LayerVersion,
    *,
    bbox: Box | None = None,
    where: Conditions | None = None,
) -> pd.DataFrame:
    """Return rows of a version, from the store or else the workspace's own file."""
    layer = entry.layer
    try:
        return opened.store.read(layer, entry.version, bbox=bbox, where=where)
    except (NotFoundError, StoreError):
        own = opened.own_of(layer, entry.version)
        if own is None:
            raise
        return meeting(fitting(own.frame, conditions(layer, where)), bbox)


def version_rows(
    opened: Workspace,
    layer: str,
    version: str,
    *,
    bbox: Box | None = None,
    where: Conditions | None = None,
) -> tuple[LayerVersion, pd.DataFrame]:
    """Return an entry of a layer's history and its rows that meet a box and have some values.

    The store seeks them, without reading the rest. NotFoundError for a version that is not
    kept, InvalidQueryError as `Store.read` raises it.
    """
    layer_schema(layer)
    entry = _meant(history_of(opened, layer), layer, version)
    return entry, _rows(opened, entry, bbox=bbox, where=where)


def rollback(
    workspace: Where, layer: str, version: str, *, expected: str | None = None, note: str = ""
) -> LayerVersion:
    """Publish what an earlier version held, as a new number.

    `version` is a number or a version; `expected` the version that is the newest (None: the
    one that is now). Raises NotFoundError, ConflictError, WorkspaceError (the old rows do not
    fit the other layers any more) and StoreError.
    """
    layer_schema(layer)
    with open_workspace(workspace) as opened:
        newest = opened.store.newest()
        entry = _meant(history_of(opened, layer), layer, version)
        now = newest.get(layer)
        if now is None or (now.number == 0 and now.version == entry.version):
            msg = said("problem.nothing_published", layer=repr(layer))
            raise ConflictError(msg)
        if expected not in {None, now.version}:
            msg = said("problem.layer_changed", layer=repr(layer), version=now.version)
            raise ConflictError(msg)
        changed = {layer: _rows(opened, entry)}
        own = opened.counting_files(newest)
        opened.check_together(newest, changed)
        return opened.store.rollback(
            layer,
            entry.version if entry.number == 0 else str(entry.number),
            expected=now.version,
            note=note,
            against=_against(newest, own, changed),
            own=[file.content() for file in own.values()],
        )


def retain(workspace: Where, count: int) -> list[LayerVersion]:
    """Drop old versions: all but the newest `count` a layer and those that saved results need."""
    with open_workspace(workspace) as opened:
        return opened.store.retain(count)


def plan_at(workspace: Where, versions: Mapping[str, str]) -> Plan:
    """Return the plan of these versions of its layers; NotFoundError when one is not kept."""
    with open_workspace(workspace) as opened:
        return opened.plan_at(versions)


# ---- export and import of a whole plan -----------------------------------------------------------


def export_plan(
    workspace: Where,
    path: Path,
    *,
    styles: Mapping[str, str] | None = None,
    plan: Plan | None = None,
) -> Path:
    """Write the newest plan as one GeoPackage: layers, settings, rulebook, waivers.

    With `plan`, its rows are written in the place of the workspace's. `styles` are QGIS styles
    (QML) by layer. Raises StoreError when it cannot be written.
    """
    with open_workspace(workspace) as opened:
        newest = opened.store.newest()
        if plan is None:
            frames, _ = opened.frames(newest)
        else:
            frames = {name: plan.kept(name) for name in plan.layers}
        settings = opened.settings
        write_geopackage(
            path,
            frames,
            opened.settings_data(),
            opened.settings_files(),
            dem=settings.dem.path.read_bytes() if settings.dem else None,
            styles=styles,
        )
    return path


def unpack_plan(source: Path, folder: Path) -> Path:
    """Make a workspace from a GeoPackage that `export_plan` wrote; its plan is the same.

    Raises WorkspaceError when the file is none, or the folder is not empty.
    """
    return unpack_geopackage(source, folder)


# ---- moving to another store ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved, and whether `workspace.toml` says so now."""

    source: str
    target: str
    versions: int
    results: int
    is_password_left_out: bool


def move_store(workspace: Where, target: str) -> Moved:
    """Move every version and saved result to another store, and work with that from now on.

    `target` is the address of a shared store, or "local" for the embedded one. The old store
    stays as it is and refuses to be written; `workspace.toml` names the new one, without its
    password.

    Raises
    ------
    ConflictError
        The other store holds something already, or is this one.
    StoreError
        One of the two failed; the workspace still uses the old one.
    """
    with open_workspace(workspace) as opened:
        store = opened.store
        other = open_store(opened.folder, opened.settings.county_code, target)
        try:
            if other.shown == store.shown:
                msg = said("problem.same_store", store=store.shown)
                raise ConflictError(msg)
            with store.closed_to_others():
                other.take_over(store)
                name_store(opened.folder / SETTINGS_FILE, target)
                store.retire(other.shown)
            return Moved(
                store.shown,
                other.shown,
                len(other.entries()),
                sum(other.count_saved(kind) for kind in KEPT_KINDS),
                target != EMBEDDED and has_password(target),
            )
        finally:
            other.close()


def name_store(path: Path, target: str) -> None:
    """Let `workspace.toml` name the store; all else in it stays as it is, byte for byte."""
    try:
        content = path.read_bytes()
        mark = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
        settings = tomlkit.parse(content.removeprefix(mark))
        if target == EMBEDDED:
            settings.pop("store", None)
        elif "store" in settings:
            settings["store"] = without_password(target)
        else:
            _add_behind_format(settings, "store", without_password(target))
        part = path.with_name(path.name + ".part")
        part.write_bytes(mark + tomlkit.dumps(settings).encode())
        part.replace(path)
    except (OSError, TOMLKitError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        msg = said("problem.cannot_write", path=path.name, reason=reason)
        raise StoreError(msg) from error


def _add_behind_format(settings: tomlkit.TOMLDocument, name: str, value: str) -> None:
    """Add a line where no comment of a table is parted from it: behind the first one."""
    positions = (
        position for position, (key, _) in enumerate(settings.body) if key and key.key == "format"
    )
    position = next(positions, 0)
    before, added = settings.body[position][1].trivia, tomlkit.item(value)
    before.trail = added.trivia.trail = before.trail or "\n"
    settings.body.insert(position + 1, (tomlkit.key(name), added))


__all__ = [
    "LayerContent",
    "LayerState",
    "Moved",
    "WorkspaceAt",
    "changed_files",
    "difference_of",
    "export_plan",
    "history_of",
    "latest_layer",
    "layer_difference",
    "layer_history",
    "layer_now",
    "move_store",
    "newest_layer",
    "plan_at",
    "publish",
    "publish_contents",
    "publish_together",
    "record_own",
    "retain",
    "rollback",
    "timeline_of",
    "unpack_plan",
    "version_rows",
]
