"""A workspace: one county's folder of layers and settings, opened as a plan.

`workspace.toml` names the county, its CRS and its layers' files. Opening reads and
checks every layer and refuses a broken workspace with all of its faults at once.
Nothing about a particular county stands here.
"""

from __future__ import annotations

import csv
import hashlib
import io
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic import Field as Setting

from geo_service.basemaps import BasemapPart, basemap_faults, basemap_of
from geo_service.crs import STORAGE_CRS, is_metric
from geo_service.documents import (
    line_of,
    nearest_name,
    parse_model,
    read_text,
    read_toml,
    toml_lines,
)
from geo_service.domain.extent import boundary_box, is_far
from geo_service.domain.placing import NOWHERE, covering_park, holding_park
from geo_service.domain.references import known_values, target_of
from geo_service.domain.subjects import floor_id
from geo_service.domain.vacancy import is_overstated
from geo_service.errors import Fault, NotFoundError, StoreError, WorkspaceError
from geo_service.industry import IndustryGroups, group_table
from geo_service.model import AreaMethod, FocusBasis, Message, Tier
from geo_service.plan import DemFile, Layer, Plan, PlanSettings, rows_of
from geo_service.schema import LAND_USE_SCHEMES, SCHEMAS, ZONE_KINDS
from geo_service.stores.base import VERSION_LENGTH, WorkspaceAt
from geo_service.stores.frames import canonical, content_digest
from geo_service.stores.opening import has_password, is_empty, open_store
from geo_service.wording import said
from geo_service.workspace.own_files import (
    EDITED,
    SETTINGS_FILE,
    LayerPart,
    OwnFileState,
    OwnLayer,
    cached,
    file_digest,
    file_stamp,
    locate,
    now_s,
)
from geo_service.workspace.reading import LayerFile, find_faults, read_layer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from geo_service.stores.base import LayerVersion, OwnFile, Store

FORMAT = 1
_log = logging.getLogger(__name__)
_TRIES = 5

Languages = dict[Literal["zh-Hans", "zh-Hant", "en"], str]


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False
    )


class _GroupsPart(_Part):
    file: str
    version: str
    names: dict[str, Languages]


_Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class _DemPart(_Part):
    file: str
    source: _Line
    illustrative: bool
    vertical_datum: _Line


_Mark = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
"""A short text that is printed as it is, such as `内部资料`."""
_Count = Annotated[int, Setting(ge=0, le=1_000_000)]
_MARKS = ("confidentiality", "map_approval")
"""Settings that change nothing but what is printed: a plan's version leaves them out."""


class _SettingsFile(_Part):
    format: Literal[1]
    county_code: Annotated[str, Setting(pattern=r"^[0-9]{6}$")]
    storage_crs: Literal["EPSG:4490"] = "EPSG:4490"
    metric_crs: str
    area_method: AreaMethod = AreaMethod.PLANAR
    focus_basis: FocusBasis = FocusBasis.OUTPUT
    land_use_scheme: str | None = None
    data_date: date | None = None
    complete_zone_kinds: tuple[str, ...] = ()
    rulebook: str | None = None
    waivers: str | None = None
    store: str | None = None
    confidentiality: _Mark | None = None
    map_approval: _Mark | None = None
    name: Languages
    platform: dict[Tier, _Count] = Setting(default_factory=dict)
    names_hant: dict[str, str] = Setting(default_factory=dict)
    industry_groups: _GroupsPart
    dem: _DemPart | None = None
    basemaps: tuple[BasemapPart, ...] = ()
    layers: dict[str, LayerPart]


SETTING_NAMES = tuple(_SettingsFile.model_fields)
"""What `workspace.toml` may say at its top level."""


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
        settings, self._faults = _read_settings(self.folder)
        if settings is None:
            raise _unusable(self.folder, self._faults)
        self._settings = settings
        self._groups = _read_groups(self.folder, settings.industry_groups, self._faults)
        self._dem = _read_dem(self.folder, settings, self._faults)
        at = workspace if isinstance(workspace, WorkspaceAt) else WorkspaceAt(self.folder)
        self.keep = at.keep
        """What becomes of saved results in time."""
        self._address = at.store or settings.store
        self._read: dict[str, str | None] = {}
        self._taken: dict[str, OwnLayer] = {}
        self._looked: dict[str, tuple[object, OwnFileState]] = {}

    @cached_property
    def store(self) -> Store:
        """The workspace's store, opened when it is first asked for."""
        return open_store(self.folder, self._settings.county_code, self._address)

    @property
    def at(self) -> WorkspaceAt:
        """Where this workspace is: its folder, and the address of a store that was given."""
        return WorkspaceAt(self.folder, self._address, self.keep)

    @property
    def settings(self) -> PlanSettings:
        """What the county decides about its plan."""
        return _plan_settings(self.folder, self._settings, self._groups, self._dem)

    @property
    def declared_layers(self) -> tuple[str, ...]:
        """The layers that `workspace.toml` gives a file, rasters left out."""
        return tuple(name for name in self._settings.layers if name in SCHEMAS)

    def close(self) -> None:
        """Close the store, if it was opened."""
        if "store" in self.__dict__:
            self.store.close()

    def plan(self) -> Plan:
        """Return the plan of what counts of each layer; all of them are from one moment."""
        gone: _GoneError | None = None
        for _ in range(_TRIES):
            # Nothing published, no store to open: a review starts sooner.
            is_bare = is_empty(self.folder, self._address)
            newest = {} if self._faults or is_bare else self.store.newest()
            if gone is not None and gone.entry in newest.values():
                raise gone.damage(self.store.shown)
            try:
                return self._composed(newest)
            except _GoneError as error:  # a version was dropped between the two: look again
                gone = error
        msg = f"The versions in {self.store.shown} change too quickly to be read."
        raise StoreError(msg)

    def plan_at(self, versions: Mapping[str, str]) -> Plan:
        """Return the plan of these versions of its layers, by layer.

        Raises
        ------
        NotFoundError
            A version is neither in the store nor what the workspace's own file holds.
        """
        frames: dict[str, pd.DataFrame] = {}
        numbers: dict[str, int] = {}
        for name, version in versions.items():
            try:
                numbers[name] = self.store.entry(name, version).number
                frames[name] = self.store.read(name, version)
            except NotFoundError:
                own = self.own_of(name, version)
                if own is None:
                    raise
                frames[name], numbers[name] = own.frame, 0
        return self._plan_of(frames, versions, numbers)

    def _composed(self, newest: Mapping[str, LayerVersion]) -> Plan:
        frames, shown = self.frames(newest)
        faults = list(_check_references(frames, shown))
        if faults:
            raise _unusable(self.folder, faults)
        self._tell(self.own_states(newest, is_quick=True))
        versions = {
            name: newest[name].version
            if name in newest
            else content_digest(frame, name)[:VERSION_LENGTH]
            for name, frame in frames.items()
        }
        return self._plan_of(frames, versions, {name: newest[name].number for name in newest})

    def _plan_of(
        self,
        frames: dict[str, pd.DataFrame],
        versions: Mapping[str, str],
        numbers: Mapping[str, int],
    ) -> Plan:
        _resolve_placement(frames)
        layers = {
            name: Layer(name, versions[name], _handing_out(frame), numbers.get(name, 0))
            for name, frame in frames.items()
        }
        return Plan(layers, self.settings)

    def _tell(self, states: Mapping[str, OwnFileState]) -> None:
        """Log what became of own files that do not hold what counts, or are not recorded."""
        for name, state in states.items():
            if state in _TOLD:
                level, text = _TOLD[state]
                _log.log(level, text, name, self._settings.layers[name].file)

    def frames(
        self,
        newest: Mapping[str, LayerVersion],
        *,
        but: Collection[str] = (),
        is_lenient: bool = False,
    ) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
        """Return every layer's rows as they are kept, and what messages call their files.

        With `is_lenient`, layers whose version cannot be read any more are left out.

        Raises
        ------
        WorkspaceError
            Own files that cannot be used; all faults are listed, those of the settings too.
        """
        faults = list(self._faults)
        frames: dict[str, pd.DataFrame] = {}
        shown: dict[str, str] = {}
        for name in (*self.declared_layers, *(name for name in newest if name in SCHEMAS)):
            if name in frames or name in but:
                continue
            entry = newest.get(name)
            if entry is not None:
                if entry.number == 0 and name not in self.declared_layers:
                    continue  # the settings do not name it any more
                try:
                    frames[name] = self._kept_rows(entry)
                except (NotFoundError, StoreError):
                    if not is_lenient:
                        raise
                    continue
                shown[name] = f"store (number {entry.number})"
                continue
            found, problems = self._taken_or_read(name)
            faults += problems
            if found is not None:
                frames[name], shown[name] = found.frame, found.shown
        if faults:
            raise _unusable(self.folder, faults)
        return frames, shown

    def _kept_rows(self, entry: LayerVersion) -> pd.DataFrame:
        """Return a version's rows from the store, or from the own file if that holds the same.

        Raises _GoneError when they are not there, StoreError when they are damaged.
        """
        try:
            return self.store.read(entry.layer, entry.version)
        except (NotFoundError, StoreError) as error:
            own = self.own_of(entry.layer, entry.version)
            if own is not None:
                _log.warning("%s The workspace's own file holds the same and is read.", error)
                return own.frame
            if isinstance(error, NotFoundError):
                raise _GoneError(entry) from error
            raise

    def own_of(self, name: str, version: str) -> OwnLayer | None:
        """Return what the own file of a layer holds if it is that version, else None."""
        own, faults = self._read_own(name) if name in self.declared_layers else (None, [])
        return own if own is not None and not faults and own.version == version else None

    def own_layer(self, name: str) -> OwnLayer:
        """Return what the workspace's own file holds of a layer.

        Raises NotFoundError when it has none, WorkspaceError when that cannot be used.
        """
        if name not in self.declared_layers:
            msg = f"This workspace has no file for a layer {name!r}."
            raise NotFoundError(msg)
        own, faults = self._read_own(name)
        if faults or own is None:
            raise _unusable(self.folder, faults)
        return own

    def counting_files(self, newest: Mapping[str, LayerVersion]) -> dict[str, OwnLayer]:
        """Return what the own files hold that count still, by layer: nothing is recorded of them.

        What is checked next with this workspace is checked with these. Raises WorkspaceError
        with all faults when they cannot be used.
        """
        found, faults = {}, list(self._faults)
        for name in self.declared_layers:
            if name not in newest:
                own, problems = self._read_own(name)
                faults += problems
                if own is not None:
                    found[name] = own
        if faults:
            raise _unusable(self.folder, faults)
        self._taken = found
        return found

    def _taken_or_read(self, name: str) -> tuple[OwnLayer | None, list[Fault]]:
        return (self._taken[name], []) if name in self._taken else self._read_own(name)

    def _read_own(self, name: str) -> tuple[OwnLayer | None, list[Fault]]:
        part = self._settings.layers[name]
        place = locate(self.folder, name, part)
        if isinstance(place, Fault):
            return None, [place]
        for _ in range(_TRIES):  # a file that is being written is read again
            stamp = file_stamp(place.path)
            digest = None if part.package or stamp is None else file_digest(place.path)
            source = cached(self.folder, place) if part.package else place
            frame, faults = read_layer(source, SCHEMAS[name])
            if file_stamp(place.path) == stamp:
                break
        if frame is None:
            return None, faults
        if name == "parcels":
            faults = _declare_scheme(frame, self._settings.land_use_scheme, faults, part.file)
        kept = frame if faults else canonical(frame, name)
        if not faults:
            self._read[name] = stamp
        own = OwnLayer(
            name,
            kept,
            source.shown,
            digest,
            stamp=stamp,
            declared=self._declared(name),
            read_at=now_s(),
        )
        return own, faults

    def _declared(self, name: str) -> str:
        """Return a digest over how the settings have a layer's file read."""
        scheme = self._settings.land_use_scheme if name == "parcels" else None
        return self._settings.layers[name].digest(scheme)

    def modified_at(self, name: str) -> float:
        """Return when a layer's own file was changed last, in seconds since 1970."""
        source = locate(self.folder, name, self._settings.layers[name])
        return 0.0 if isinstance(source, Fault) else source.path.stat().st_mtime

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
            name: self._state(name, now, recorded.get(name), is_quick=is_quick)
            for name in self.declared_layers
        }

    def _state(
        self,
        name: str,
        newest: Mapping[str, LayerVersion],
        record: OwnFile | None,
        *,
        is_quick: bool,
    ) -> OwnFileState:
        stamp = self._stamp(name)
        if stamp is None:
            return OwnFileState.MISSING
        if name not in newest:
            counts = OwnFileState.UNRECORDED if newest else OwnFileState.COUNTS
            is_read = is_quick or stamp == self._read.get(name)
            return counts if is_read else self._readable(name, stamp, counts)
        if record is None:  # the file was named after the layer was published
            return OwnFileState.CHANGED
        is_read_alike = record.declared in {None, self._declared(name)}
        if is_read_alike and (record.file_stamp == stamp or self._holds(name, stamp, record)):
            return OwnFileState.SAME
        changed = OwnFileState.CHANGED
        return changed if is_quick else self._readable(name, stamp, changed)

    def _stamp(self, name: str) -> str | None:
        place = locate(self.folder, name, self._settings.layers[name])
        return None if isinstance(place, Fault) else file_stamp(place.path)

    def _holds(self, name: str, stamp: str, record: OwnFile) -> bool:
        """Return whether a file holds what was recorded; looked at once for each change of it."""
        key = (stamp, record.digest)
        known = self._looked.get(f"{name}:same")
        if known is None or known[0] != key:
            if record.file_digest is None:  # of a package: only its rows of this county matter
                is_same = self.own_of(name, record.version) is not None
            else:
                place = locate(self.folder, name, self._settings.layers[name])
                is_same = isinstance(place, LayerFile) and (
                    file_digest(place.path) == record.file_digest
                )
            known = (key, OwnFileState.SAME if is_same else OwnFileState.CHANGED)
            self._looked[f"{name}:same"] = known
        return known[1] is OwnFileState.SAME

    def _readable(self, name: str, stamp: str, state: OwnFileState) -> OwnFileState:
        """Return BROKEN in place of a state when the file cannot be read as its layer."""
        known = self._looked.get(name)
        if known is None or known[0] != stamp:
            _, faults = self._read_own(name)
            known = (stamp, OwnFileState.BROKEN if faults else OwnFileState.SAME)
            self._looked[name] = known
        return OwnFileState.BROKEN if known[1] is OwnFileState.BROKEN else state

    def moment(self) -> tuple[object, ...]:
        """Return what changes when the plan may have: the store's stamp, own files that count."""
        stamp = self.store.stamp()
        if stamp == 0:
            names: Collection[str] = self.declared_layers
        else:
            newest = self.store.newest()
            names = [name for name in self.declared_layers if name not in newest]
        return stamp, *((name, self._stamp(name)) for name in names)

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
        shown = "frame"
        source = LayerFile(name=name, path=Path(shown), shown=shown)
        read, found = find_faults(frame.reset_index(drop=True), SCHEMAS[name], source)
        faults = found.found
        if name == "parcels":
            faults = _declare_scheme(read, self._settings.land_use_scheme, faults, shown)
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
        new = dict.fromkeys(changed, "the new version")
        after = list(_check_references({**frames, **changed}, {**shown, **new}))
        if not after:
            return
        frames, shown = self.frames(newest, is_lenient=True)
        before = {
            (fault.layer, fault.row, fault.column) for fault in _check_references(frames, shown)
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
            "industry_groups": settings.industry_groups.file,
        }
        texts = {}
        for name, file in files.items():
            if file is not None:
                text, faults = read_text(self.folder / file)
                if faults:
                    raise _unusable(self.folder, faults)
                texts[name] = text
        return texts

    def settings_data(self) -> dict[str, Any]:
        """Return `workspace.toml` as plain data, defaults left out."""
        return self._settings.model_dump(mode="json", exclude_unset=True, by_alias=True)


class _GoneError(NotFoundError):
    """Rows of a version that counts are not in the store."""

    def __init__(self, entry: LayerVersion) -> None:
        super().__init__(said("problem.version_gone", layer=repr(entry.layer)))
        self.entry = entry

    def damage(self, store: str) -> StoreError:
        """Return the error of a version that is gone though its entry is there."""
        about = {"layer": repr(self.entry.layer), "version": self.entry.version}
        more = {"name": self.entry.layer, "store": store, "reason": "missing"}
        return StoreError(
            said("problem.damaged", **about, **more), told=said("problem.damaged_told", **about)
        )


_CHANGED = (
    "Layer %s: its own file %s was changed after versions were published; the newest version "
    "counts, not the file. Import it to publish it."
)
_GONE = "Layer %s: its own file %s is gone; the newest version in the store counts."
_UNRECORDED = (
    "Layer %s: nothing is recorded of its own file %s yet; the file counts until something is "
    "published."
)
_COUNTS = "Layer %s: nothing was published in this workspace; its own file %s counts."
_TOLD = {
    OwnFileState.CHANGED: (logging.WARNING, _CHANGED),
    OwnFileState.MISSING: (logging.WARNING, _GONE),
    OwnFileState.UNRECORDED: (logging.WARNING, _UNRECORDED),
    OwnFileState.COUNTS: (logging.INFO, _COUNTS),
}
"""What the log says of own files, and how loudly."""


def _unusable(folder: Path, faults: list[Fault]) -> WorkspaceError:
    key = "fault.workspace_one" if len(faults) == 1 else "fault.workspace_many"
    return WorkspaceError(said(key, name=repr(folder.name), count=len(faults)), faults)


def _handing_out(frame: pd.DataFrame) -> Callable[[], pd.DataFrame]:
    return lambda: frame


def _read_settings(folder: Path) -> tuple[_SettingsFile | None, list[Fault]]:
    text, faults = read_text(folder / SETTINGS_FILE)
    if faults:
        return None, faults
    data, faults = read_toml(text, SETTINGS_FILE)
    if faults:
        return None, faults
    lines = toml_lines(text)
    settings, faults = parse_model(_SettingsFile, data, SETTINGS_FILE, lines=lines)
    if settings is not None:
        for fault in _check_settings(settings):
            place = tuple((fault.column or "").split("."))
            faults.append(replace(fault, line=line_of(place, lines)))
        for number, part in enumerate(settings.basemaps):
            for name, found, expected in basemap_faults(part, folder):
                column = f"basemaps.{number}.{name}"
                faults.append(
                    Fault(file=SETTINGS_FILE, column=column, found=found, expected=expected)
                )
    return settings, faults


def _check_settings(settings: _SettingsFile) -> Iterator[Fault]:
    scheme = settings.land_use_scheme
    if not _is_crs(settings.metric_crs) or not is_metric(pyproj.CRS(settings.metric_crs)):
        yield _settings_fault("metric_crs", settings.metric_crs, said("fault.metric_crs"))
    if scheme is not None and scheme not in LAND_USE_SCHEMES:
        yield _settings_fault("land_use_scheme", scheme, nearest_name(scheme, LAND_USE_SCHEMES))
    for kind in settings.complete_zone_kinds:
        if kind not in ZONE_KINDS:
            yield _settings_fault("complete_zone_kinds", kind, nearest_name(kind, ZONE_KINDS))
    if settings.store is not None and has_password(settings.store):
        expected = said("fault.no_password")
        yield Fault(
            file=SETTINGS_FILE, column="store", found=said("fault.password"), expected=expected
        )
    for name in _MARKS:
        mark = getattr(settings, name)
        if mark is not None and not mark.isprintable():
            yield _settings_fault(name, mark, said("fault.one_line"))
    yield from _check_declared(settings)


def _check_declared(settings: _SettingsFile) -> Iterator[Fault]:
    for name, layer in settings.layers.items():
        if name not in SCHEMAS:
            known = said("fault.dem_table") if name == "dem" else nearest_name(name, [*SCHEMAS])
            yield _settings_fault(f"layers.{name}", name, known)
        if layer.crs is not None and not _is_crs(layer.crs):
            yield _settings_fault(f"layers.{name}.crs", layer.crs, said("fault.some_crs"))
    for name, schema in SCHEMAS.items():
        if schema.is_required and name not in settings.layers:
            yield _settings_fault(f"layers.{name}", None, said("fault.needed_layer"))


def _settings_fault(column: str, found: str | None, expected: str) -> Fault:
    shown = said("fault.none_given") if found is None else repr(found)
    return Fault(file=SETTINGS_FILE, column=column, found=shown, expected=expected)


def _is_crs(text: str) -> bool:
    try:
        pyproj.CRS.from_user_input(text)
    except pyproj.exceptions.CRSError:
        return False
    return True


def _read_groups(folder: Path, part: _GroupsPart, faults: list[Fault]) -> IndustryGroups:
    text, problems = read_text(folder / part.file)
    faults += problems
    if problems:
        return IndustryGroups()
    table = csv.DictReader(io.StringIO(text))
    wanted = {"code_prefix", "group", "strength"}
    if not wanted <= set(table.fieldnames or ()):
        found = said("fault.columns", names=list(table.fieldnames or ()))
        expected = said("fault.columns", names=sorted(wanted))
        faults.append(Fault(file=part.file, found=found, expected=expected))
        return IndustryGroups()
    rows = [(row["code_prefix"], row["group"], row["strength"]) for row in table]
    prefixes, conditional, problems_found = group_table(rows)
    for problem in problems_found:
        expected = said("fault.one_group")
        faults.append(Fault(file=part.file, found=problem, expected=expected))
    for group in sorted(set(prefixes.values()) - set(part.names)):
        expected = said("fault.group_names", group=group, file=SETTINGS_FILE)
        faults.append(
            Fault(file=part.file, found=said("fault.group", group=repr(group)), expected=expected)
        )
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return IndustryGroups(
        prefixes=prefixes,
        names={group: _plain_names(names) for group, names in part.names.items()},
        conditional=frozenset(conditional),
        version=f"{part.version}+{digest}",
    )


def _plain_names(names: Languages) -> dict[str, str]:
    return {str(language): name for language, name in names.items()}


def _read_dem(folder: Path, settings: _SettingsFile, faults: list[Fault]) -> DemFile | None:
    """Look at the elevation model that the settings name; its heights are read when needed."""
    part = settings.dem
    if part is None:
        return None
    path = (folder / part.file).resolve()
    if not path.is_relative_to(folder.resolve()):
        faults.append(_settings_fault("dem.file", part.file, "a file inside the folder"))
        return None
    # What reads rasters is loaded only where there is one.
    from geo_service.spatial.raster import dem_faults  # noqa: PLC0415

    if found := list(dem_faults(path, part.file)):
        faults += found
        return None
    return DemFile(
        path=path,
        version=file_digest(path)[:VERSION_LENGTH],
        metric_crs=settings.metric_crs,
        source=part.source,
        illustrative=part.illustrative,
        vertical_datum=part.vertical_datum,
    )


def _declare_scheme(
    frame: pd.DataFrame, default: str | None, problems: list[Fault], file: str
) -> list[Fault]:
    """Fill the workspace's land-use scheme where a parcel names none; refuse if there is none.

    The same code means different things in different schemes (1001 is industry in the
    planning scheme and railway in the land survey), so none is ever guessed.
    """
    missing = frame["land_use_scheme"].isna()
    kept = [
        fault
        for fault in problems
        if not (fault.column == "land_use_scheme" and fault.found == said("fault.no_such_column"))
    ]
    if default is not None:
        frame["land_use_scheme"] = frame["land_use_scheme"].fillna(default)
        return kept
    if missing.any():
        rows = ", ".join(frame.loc[missing, "parcel_id"].astype(str).head(5))
        kept.append(
            Fault(
                file=file,
                layer="parcels",
                column="land_use_scheme",
                found=said("fault.no_scheme", count=int(missing.sum()), rows=rows),
                expected=said("fault.scheme", file=SETTINGS_FILE, known=list(LAND_USE_SCHEMES)),
            )
        )
    return kept


def _check_references(
    frames: Mapping[str, pd.DataFrame], shown: Mapping[str, str]
) -> Iterator[Fault]:
    """Yield what does not fit between layers; `shown` says how messages call their files."""
    for name, frame in frames.items():
        file = shown[name]
        for item in SCHEMAS[name].fields:
            target, column = target_of(item) or ("", "")
            if target not in frames:
                continue
            cells = frame[item.name]
            lost = cells.notna() & ~cells.isin(known_values(name, item, frames[target]))
            for row in np.flatnonzero(lost.to_numpy(dtype=bool)):
                yield Fault(
                    file=file,
                    layer=name,
                    row=str(frame[SCHEMAS[name].key[0]].iloc[int(row)]),
                    column=item.name,
                    found=repr(cells.iloc[int(row)]),
                    expected=said(
                        "fault.reference",
                        column=column,
                        layer=target,
                        label=Message(f"layer.{target}"),
                    ),
                )
    yield from _check_extent(frames, shown)
    yield from _check_vacancy(frames, shown)


def _check_vacancy(frames: Mapping[str, pd.DataFrame], shown: Mapping[str, str]) -> Iterator[Fault]:
    floors = frames.get("floors")
    if floors is None:
        return
    for row in rows_of(floors[is_overstated(floors)]):
        yield Fault(
            file=shown["floors"],
            layer="floors",
            row=floor_id(row["building_id"], row["floor_no"]),
            column="vacant_m2",
            found=f"{row['vacant_m2']:g} m² of {row['area_m2']:g} m²",
            expected="no more vacant area than area",
        )


def _check_extent(frames: Mapping[str, pd.DataFrame], shown: Mapping[str, str]) -> Iterator[Fault]:
    box = boundary_box(frames.get("county"))
    if box is None:
        return
    west, south, east, north = box
    for name, frame in frames.items():
        if not isinstance(frame, gpd.GeoDataFrame) or frame.empty:
            continue
        bounds = shapely.bounds(frame.geometry.to_numpy())
        for row in np.flatnonzero(is_far(bounds, box)):
            x, y = bounds[row, :2]
            yield Fault(
                file=shown[name],
                layer=name,
                row=str(frame[SCHEMAS[name].key[0]].iloc[int(row)]),
                column="geometry",
                found=f"a place far outside the county ({x:.4f}, {y:.4f})",
                expected=f"within {west:.2f} to {east:.2f} E, {south:.2f} to {north:.2f} N",
            )


def _resolve_placement(frames: dict[str, pd.DataFrame]) -> None:
    """Give enterprises without a point the place of their building or parcel, and their park."""
    for layer in ("parcels", "buildings"):
        if layer in frames:
            _place_by_overlap(frames["parks"], frames[layer])
    enterprises = frames.get("enterprises")
    if not isinstance(enterprises, gpd.GeoDataFrame) or enterprises.empty:
        return
    points = enterprises.geometry.to_numpy().copy()
    park_ids = enterprises["park_id"].astype("object").to_numpy().copy()
    for layer, key in (("buildings", "building_id"), ("parcels", "parcel_id")):
        holder = frames.get(layer)
        if not isinstance(holder, gpd.GeoDataFrame) or holder.empty:
            continue
        place = pd.Index(holder[key]).get_indexer(enterprises[key].astype("object"))
        inside = shapely.point_on_surface(holder.geometry.to_numpy())
        use = (place >= 0) & shapely.is_missing(points)
        points[use] = inside[place[use]]
        holder_parks = holder["park_id"].astype("object").to_numpy()
        use = (place >= 0) & pd.isna(park_ids)
        park_ids[use] = holder_parks[place[use]]
    _place_by_location(frames["parks"], points, park_ids)
    enterprises["park_id"] = pd.Series(park_ids, index=enterprises.index).astype("str")
    frames["enterprises"] = enterprises.set_geometry(
        gpd.GeoSeries(points, index=enterprises.index, crs=STORAGE_CRS)
    )


def _place_by_overlap(parks: pd.DataFrame, frame: pd.DataFrame) -> None:
    """Fill missing park ids by the park that covers most of a shape."""
    lost = np.flatnonzero(frame["park_id"].isna().to_numpy(dtype=bool))
    if not len(lost) or not isinstance(frame, gpd.GeoDataFrame):
        return
    place = covering_park(parks.geometry.to_numpy(), frame.geometry.to_numpy()[lost])
    park_ids = frame["park_id"].astype("object").to_numpy().copy()
    _fill_parks(park_ids, lost, parks, place)
    frame["park_id"] = pd.Series(park_ids, index=frame.index).astype("str")


def _place_by_location(
    parks: pd.DataFrame, points: np.ndarray[Any, Any], park_ids: np.ndarray[Any, Any]
) -> None:
    """Fill missing park ids by the smallest park that a point lies in."""
    lost = np.flatnonzero(pd.isna(park_ids) & ~shapely.is_missing(points))
    if not len(lost) or not isinstance(parks, gpd.GeoDataFrame):
        return
    place = holding_park(parks.geometry.to_numpy(), points[lost])
    _fill_parks(park_ids, lost, parks, place)


def _fill_parks(
    park_ids: np.ndarray[Any, Any],
    lost: np.ndarray[Any, Any],
    parks: pd.DataFrame,
    place: np.ndarray[Any, Any],
) -> None:
    """Put the ids of the parks at `place` into the rows that lost theirs, where there is one."""
    has_park = place != NOWHERE
    park_ids[lost[has_park]] = parks["park_id"].astype("object").to_numpy()[place[has_park]]


def _plan_settings(
    folder: Path, settings: _SettingsFile, groups: IndustryGroups, dem: DemFile | None
) -> PlanSettings:
    described = settings.model_dump_json(
        exclude={"layers", "rulebook", "waivers", "store", "basemaps", *_MARKS}
    )
    digest = hashlib.sha256(f"{described}|{groups.version}".encode()).hexdigest()[:12]
    return PlanSettings(
        county_code=settings.county_code,
        name=_plain_names(settings.name),
        platform={tier.value: count for tier, count in settings.platform.items()},
        metric_crs=settings.metric_crs,
        area_method=settings.area_method,
        focus_basis=settings.focus_basis,
        groups=groups,
        names_hant=dict(settings.names_hant),
        data_date=settings.data_date,
        complete_zone_kinds=frozenset(settings.complete_zone_kinds),
        rulebook_path=folder / settings.rulebook if settings.rulebook else None,
        waivers_path=folder / settings.waivers if settings.waivers else None,
        confidentiality=settings.confidentiality,
        map_approval=settings.map_approval,
        dem=dem,
        basemaps=tuple(basemap_of(part, folder) for part in settings.basemaps),
        digest=digest,
    )
