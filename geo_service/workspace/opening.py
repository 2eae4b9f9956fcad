"""A workspace: one county's folder of layers and settings, opened as a plan.

`workspace.toml` names the county, its CRS and its layers' files. Opening reads and
checks every layer and refuses a broken workspace with all of its faults at once.
Nothing about a particular county stands here.
"""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from geo_service.documents import read_text
from geo_service.errors import NotFoundError, StoreError, WorkspaceError
from geo_service.model import Message
from geo_service.plan import Layer, Plan, PlanSettings
from geo_service.schema import SCHEMAS
from geo_service.scratch import scratch_folder
from geo_service.stores.base import VERSION_LENGTH, WorkspaceAt
from geo_service.stores.frames import canonical, content_digest
from geo_service.stores.opening import is_empty, open_store
from geo_service.wording import said
from geo_service.workspace.own_files import EDITED, SETTINGS_FILE, OwnFileState, OwnLayer
from geo_service.workspace.placing import PLACED, resolve_placement
from geo_service.workspace.reading import LayerFile, find_faults
from geo_service.workspace.references import check_references, declare_scheme
from geo_service.workspace.settings import (
    plan_settings,
    read_dem,
    read_groups,
    read_settings,
    unusable,
)
from geo_service.workspace.versions import GoneError, OwnLayers

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from concurrent.futures import Future

    from geo_service.stores.base import LayerVersion, Store

_log = logging.getLogger(__name__)
_TRIES = 5


def open_plan(workspace: str | os.PathLike[str]) -> Plan:
    """Open a county's folder as a plan: every layer read, checked and frozen.

    A layer that was published is read from the store at its newest version; of the others
    the workspace's own files are read.

    Parameters
    ----------
    workspace
        The folder that holds `workspace.toml`.

    Raises
    ------
    WorkspaceError
        The folder, its settings or its layers are unusable; every fault is listed with
        file, layer, row, what was found and what was expected.
    StoreError
        The store cannot be reached or read.

    Examples
    --------
    >>> plan = open_plan("layers/yunyang")
    >>> len(plan.parks), plan.parks.crs.to_string()
    (48, 'EPSG:4490')
    """
    with open_workspace(workspace) as opened:
        return opened.plan()


@contextmanager
def open_workspace(workspace: str | os.PathLike[str]) -> Iterator[Workspace]:
    """Give a county's folder with its settings read; its store is closed at the end.

    Raises WorkspaceError when there are no settings that can be read.
    """
    opened = Workspace(workspace)
    try:
        yield opened
    finally:
        opened.close()


class Workspace:
    """A county's folder with its settings read, and its store. Layers are read when asked for."""

    def __init__(self, workspace: str | os.PathLike[str]) -> None:
        self.folder = Path(workspace)
        settings, self._faults = read_settings(self.folder)
        if settings is None:
            raise unusable(self.folder, self._faults)
        self._settings = settings
        self._groups = read_groups(self.folder, settings.groups_part, self._faults)
        self._dem = read_dem(self.folder, settings, self._faults)
        at = workspace if isinstance(workspace, WorkspaceAt) else WorkspaceAt(self.folder)
        self.retention = at.retention
        """What becomes of saved results in time."""
        self._address = at.store or settings.store
        self._own = OwnLayers(self.folder, settings)

    @cached_property
    def store(self) -> Store:
        """The workspace's store, opened when it is first asked for."""
        return open_store(self.folder, self._settings.county_code, self._address)

    @property
    def at(self) -> WorkspaceAt:
        """Where this workspace is: its folder, and the address of a store that was given."""
        return WorkspaceAt(self.folder, self._address, self.retention)

    @property
    def settings(self) -> PlanSettings:
        """What the county decides about its plan."""
        return plan_settings(self.folder, self._settings, self._groups, self._dem)

    @property
    def declared_layers(self) -> tuple[str, ...]:
        """The layers that `workspace.toml` gives a file, rasters left out."""
        return self._own.names

    def close(self) -> None:
        """Close the store, if it was opened."""
        if "store" in self.__dict__:
            self.store.close()

    def plan(self) -> Plan:
        """Return the plan of what counts of each layer; all of them are from one moment."""
        gone: GoneError | None = None
        for _ in range(_TRIES):
            # Nothing published, no store to open: a review starts sooner.
            is_bare = is_empty(self.folder, self._address)
            newest = {} if self._faults or is_bare else self.store.newest()
            if gone is not None and gone.entry in newest.values():
                raise gone.damage(self.store.shown)
            try:
                return self._composed(newest)
            except GoneError as error:  # a version was dropped between the two: look again
                gone = error
        msg = said("problem.versions_change", store=self.store.shown)
        raise StoreError(msg)

    def settings_texts(self) -> dict[str, str]:
        """Return the files that `settings` are read from, as they are now, by name.

        The elevation model is left out. WorkspaceError if one cannot be read.
        """
        part = self._settings.groups_part
        texts, faults = {}, []
        for name in (SETTINGS_FILE, *([] if part is None else [part.file])):
            texts[name], problems = read_text(self.folder / name)
            faults += problems
        if faults:
            raise unusable(self.folder, faults)
        return texts

    def settings_of(self, texts: Mapping[str, str]) -> PlanSettings:
        """Return the settings that `settings_texts` returned once, with today's elevation model.

        WorkspaceError if this release does not take them.
        """
        with scratch_folder("settings") as folder:
            for name, text in texts.items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return replace(Workspace(folder).settings, dem=self._dem)

    def plan_at(self, versions: Mapping[str, str], settings: PlanSettings | None = None) -> Plan:
        """Return the plan of these versions of its layers, by layer, measured by settings.

        Raises
        ------
        NotFoundError
            A version is neither in the store nor what the workspace's own file holds.
        """
        frames: dict[str, pd.DataFrame] = {}
        numbers: dict[str, int] = {}
        for name, version in versions.items():
            frames[name], numbers[name] = self.plan_rows(name, version)
        return self._plan_of(frames, versions, numbers, settings)

    def plan_rows(self, name: str, version: str) -> tuple[pd.DataFrame, int]:
        """Return the rows of a layer at a version, and its number; raises as `plan_at`."""
        try:
            return self.store.read(name, version), self.store.entry(name, version).number
        except NotFoundError:
            own = self._own.of(name, version)
            if own is None:
                raise
            return own.frame, 0

    def plan_with(self, name: str, frame: pd.DataFrame) -> Plan:
        """Return the plan as it would be with another content of one layer; nothing is published.

        WorkspaceError when the frame breaks the layer's schema or does not fit the others.
        """
        newest = self.store.newest()
        checked = self.checked(name, frame)
        self.check_together(newest, {name: checked})
        frames, _ = self.frames(newest, but={name})
        frames[name] = checked
        versions = {
            each: newest[each].version
            if each in newest and each != name
            else content_digest(rows, each)[:VERSION_LENGTH]
            for each, rows in frames.items()
        }
        numbers = {each: newest[each].number for each in newest if each != name}
        return self._plan_of(frames, versions, numbers)

    def _composed(self, newest: Mapping[str, LayerVersion]) -> Plan:
        digests: dict[str, Future[str]] = {}
        with ThreadPoolExecutor(1) as pool:  # beside reading and checks, since it takes as long

            def begin(own: OwnLayer) -> None:
                digests[own.name] = pool.submit(lambda: own.version)

            frames, shown = self.frames(newest, begin=begin)
            versions = {name: newest[name].version for name in frames if name in newest}
            faults = list(check_references(frames, shown))
            if faults:
                raise unusable(self.folder, faults)
            self._own.tell(self.own_states(newest, is_quick=True))
            self._own.forget(newest)
            versions |= {name: each.result() for name, each in digests.items()}
        return self._plan_of(frames, versions, {name: newest[name].number for name in newest})

    def _plan_of(
        self,
        frames: dict[str, pd.DataFrame],
        versions: Mapping[str, str],
        numbers: Mapping[str, int],
        settings: PlanSettings | None = None,
    ) -> Plan:
        kept = {name: frames[name].copy(deep=False) for name in PLACED if name in frames}
        resolve_placement(frames)
        layers = {
            name: Layer(name, versions[name], _handing_out(frame), numbers.get(name, 0))
            for name, frame in frames.items()
        }
        return Plan(layers, settings or self._settings_now(), kept=kept)

    def _settings_now(self) -> PlanSettings:
        """Return the settings with the waivers and approvals that were granted by form."""
        if is_empty(self.folder, self._address):
            return self.settings
        return replace(self.settings, granted=self.store.ledger.granted())

    def frames(
        self,
        newest: Mapping[str, LayerVersion],
        *,
        but: Collection[str] = (),
        is_lenient: bool = False,
        begin: Callable[[OwnLayer], None] = lambda _own: None,
    ) -> tuple[dict[str, pd.DataFrame], dict[str, str | Message]]:
        """Return every layer's rows as they are kept, and what messages call their files.

        With `is_lenient`, layers whose version cannot be read any more are left out. `begin` is
        called with each layer that was read from its own file, while others are to be read.

        Raises
        ------
        WorkspaceError
            Own files that cannot be used; all faults are listed, those of the settings too.
        """
        faults = list(self._faults)
        frames: dict[str, pd.DataFrame] = {}
        shown: dict[str, str | Message] = {}
        for name in (*self.declared_layers, *(name for name in newest if name in SCHEMAS)):
            if name in frames or name in but:
                continue
            entry = newest.get(name)
            if entry is not None:
                if entry.number == 0 and name not in self.declared_layers:
                    continue  # the settings do not name it any more
                try:
                    frames[name] = self._stored_rows(entry)
                except (NotFoundError, StoreError):
                    if not is_lenient:
                        raise
                    continue
                shown[name] = said("fault.stored", number=entry.number)
                continue
            found, problems = self._own.current_or_read(name)
            faults += problems
            if found is not None:
                frames[name], shown[name] = found.frame, found.shown
                begin(found)
        if faults:
            raise unusable(self.folder, faults)
        return frames, shown

    def _stored_rows(self, entry: LayerVersion) -> pd.DataFrame:
        """Return a version's rows from the store, or from the own file if that holds the same.

        Raises GoneError when they are not there, StoreError when they are damaged.
        """
        try:
            return self.store.read(entry.layer, entry.version)
        except (NotFoundError, StoreError) as error:
            own = self._own.of(entry.layer, entry.version)
            if own is not None:
                _log.warning("%s The workspace's own file holds the same and is read.", error)
                return own.frame
            if isinstance(error, NotFoundError):
                raise GoneError(entry) from error
            raise

    def own_of(self, name: str, version: str) -> OwnLayer | None:
        """Return what the own file of a layer holds if it is that version, else None."""
        return self._own.of(name, version)

    def modified_at(self, name: str) -> float:
        """Return when a layer's own file was changed last, in seconds since 1970."""
        return self._own.modified_at(name)

    def own_layer(self, name: str) -> OwnLayer:
        """Return what the workspace's own file holds of a layer.

        Raises NotFoundError when it has none, WorkspaceError when that cannot be used.
        """
        if name not in self.declared_layers:
            msg = said("problem.no_own_file", layer=repr(name))
            raise NotFoundError(msg)
        own, faults = self._own.read(name)
        if faults or own is None:
            raise unusable(self.folder, faults)
        return own

    def counting_files(self, newest: Mapping[str, LayerVersion]) -> dict[str, OwnLayer]:
        """Return what the own files hold that count still, by layer: nothing is recorded of them.

        What is checked next with this workspace is checked with these. Raises WorkspaceError
        with all faults when they cannot be used.
        """
        found, faults = {}, list(self._faults)
        for name in self.declared_layers:
            if name not in newest:
                own, problems = self._own.read(name)
                faults += problems
                if own is not None:
                    found[name] = own
        if faults:
            raise unusable(self.folder, faults)
        self._own.take(found)
        return found

    # ---- own files, as they are now -----------------------------------------------------------

    def own_states(
        self, newest: Mapping[str, LayerVersion] | None = None, *, is_quick: bool = False
    ) -> dict[str, OwnFileState]:
        """Return what became of each layer's own file.

        With `is_quick` a file that was edited is not read to see whether it can be.
        """
        is_bare = newest is None and is_empty(self.folder, self._address)
        now = newest if newest is not None else {} if is_bare else self.store.newest()
        recorded = self.store.recorded() if now else {}
        return {
            name: self._own.state(name, now, recorded.get(name), is_quick=is_quick)
            for name in self.declared_layers
        }

    def moment(self) -> tuple[object, ...]:
        """Return what changes when the plan or what is granted by form may have.

        That is the store's stamp, the count of what was granted and revoked, own files that count.
        """
        # Who opens a plan of files needs no catalogue: its library is heavy.
        from geo_service.stores.ledger import Topic  # noqa: PLC0415

        granted = self.store.ledger.count(Topic.ENTRY)
        stamp = self.store.stamp()
        if stamp == 0:
            names: Collection[str] = self.declared_layers
        else:
            newest = self.store.newest()
            names = [name for name in self.declared_layers if name not in newest]
        return stamp, granted, *((name, self._own.stamp(name)) for name in names)

    def changed_files(self, newest: Mapping[str, LayerVersion]) -> tuple[str, ...]:
        """Return layers whose own file is not what was recorded; what is in the store counts."""
        states = self.own_states(newest, is_quick=True) if newest else {}
        return tuple(name for name, state in states.items() if state in EDITED)

    def checked(self, name: str, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a frame as this workspace keeps it, checked like a file of that layer.

        Raises
        ------
        WorkspaceError
            The frame breaks the layer's schema; every fault is listed.
        """
        shown = said("fault.frame")
        layer_file = LayerFile(name=name, path=Path(), shown="")
        read, found = find_faults(frame.reset_index(drop=True), SCHEMAS[name], layer_file)
        faults = [replace(fault, file=shown) for fault in found.items]
        if name == "parcels":
            faults = declare_scheme(read, self._settings.land_use_scheme, faults, shown)
        if faults:
            msg = said("refusal.publish", layer=name, label=Message(f"layer.{name}"))
            raise WorkspaceError(msg, faults)
        return canonical(read, name)

    def check_together(
        self, newest: Mapping[str, LayerVersion], changed: Mapping[str, pd.DataFrame]
    ) -> None:
        """Make sure that the plan can still be opened once some layers are changed.

        Faults that are there already do not count, nor do layers whose version is damaged: each
        can be put right by itself.

        Raises
        ------
        WorkspaceError
            The changed layers and the others do not fit together.
        """
        frames, shown = self.frames(newest, but=changed, is_lenient=True)
        new = dict.fromkeys(changed, said("fault.new_version"))
        after = list(check_references({**frames, **changed}, {**shown, **new}))
        if not after:
            return
        frames, shown = self.frames(newest, is_lenient=True)
        before = {
            (fault.layer, fault.row, fault.column) for fault in check_references(frames, shown)
        }
        faults = [fault for fault in after if (fault.layer, fault.row, fault.column) not in before]
        if faults:
            msg = said("refusal.plan")
            raise WorkspaceError(msg, faults)

    def settings_files(self) -> dict[str, str]:
        """Return the texts beside `workspace.toml` that decide about the plan, by setting."""
        settings = self._settings
        files = {
            "rulebook": settings.rulebook,
            "waivers": settings.waivers,
            "approvals": settings.approvals,
        }
        if settings.industry_groups is not None:
            files["industry_groups"] = settings.industry_groups.file
        for name, part in settings.industry_schemes.items():
            files[f"industry_schemes.{name}"] = part.file
        texts = {}
        for name, file in files.items():
            if file is not None:
                text, faults = read_text(self.folder / file)
                if faults:
                    raise unusable(self.folder, faults)
                texts[name] = text
        return texts

    def settings_data(self) -> dict[str, Any]:
        """Return `workspace.toml` as plain data, defaults left out."""
        return self._settings.model_dump(mode="json", exclude_unset=True, by_alias=True)


def _handing_out(frame: pd.DataFrame) -> Callable[[], pd.DataFrame]:
    return lambda: frame
