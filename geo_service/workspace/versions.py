"""What counts of a layer: its own file until something is published, then the newest version.

`OwnLayers` reads the own files of a workspace and tells what became of each; what the store
holds is asked for elsewhere (`workspace.opening`).
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from geo_service.errors import Fault, NotFoundError, StoreError
from geo_service.schema import SCHEMAS
from geo_service.stores.frames import canonical
from geo_service.wording import said
from geo_service.workspace.own_files import (
    OwnFileState,
    OwnLayer,
    cached,
    file_digest,
    file_stamp,
    locate,
    now_s,
)
from geo_service.workspace.reading import LayerFile, read_layer
from geo_service.workspace.references import declare_scheme

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from geo_service.stores.base import LayerVersion, OwnFile
    from geo_service.workspace.settings import SettingsFile

_log = logging.getLogger(__name__)
_TRIES = 5


class OwnLayers:
    """A workspace's own files, each read when it is asked for and looked at once for a change."""

    def __init__(self, folder: Path, settings: SettingsFile) -> None:
        self.folder = folder
        self.names = tuple(name for name in settings.layers if name in SCHEMAS)
        """The layers that `workspace.toml` gives a file, rasters left out."""
        self._settings = settings
        self._stamps: dict[str, str | None] = {}
        self._current: dict[str, OwnLayer] = {}
        self._read: dict[str, OwnLayer] = {}
        self._states: dict[str, tuple[object, OwnFileState]] = {}

    def take(self, layers: Mapping[str, OwnLayer]) -> None:
        """Give these from now on, whatever the files hold by then."""
        self._current = dict(layers)

    def current_or_read(self, name: str) -> tuple[OwnLayer | None, list[Fault]]:
        """Return what was taken of a layer, else what its file holds now, and faults."""
        return (self._current[name], []) if name in self._current else self.read(name)

    def read(self, name: str) -> tuple[OwnLayer | None, list[Fault]]:
        """Return what a layer's file holds now, and its faults; None if nothing can be read.

        A file without faults that has not changed since is not read again.
        """
        part = self._settings.layers[name]
        layer_file = locate(self.folder, name, part)
        if isinstance(layer_file, Fault):
            return None, [layer_file]
        known = self._read.get(name)
        if known is not None and known.stamp == file_stamp(layer_file.path):
            return _handed_out(known), []
        for _ in range(_TRIES):  # a file that is being written is read again
            stamp = file_stamp(layer_file.path)
            digest = None if part.package or stamp is None else file_digest(layer_file.path)
            readable = cached(self.folder, layer_file) if part.package else layer_file
            frame, faults = read_layer(readable, SCHEMAS[name])
            if file_stamp(layer_file.path) == stamp:
                break
        if frame is None:
            return None, faults
        if name == "parcels":
            faults = declare_scheme(frame, self._settings.land_use_scheme, faults, part.file)
        rows = frame if faults else canonical(frame, name)
        if not faults:
            self._stamps[name] = stamp
        own = OwnLayer(
            name,
            rows,
            readable.shown,
            digest,
            stamp=stamp,
            declared=self._declared(name),
            read_at=now_s(),
        )
        if not faults and stamp is not None:
            self._read[name] = own
        return _handed_out(own), faults

    def _declared(self, name: str) -> str:
        """Return a digest over how the settings have a layer's file read."""
        scheme = self._settings.land_use_scheme if name == "parcels" else None
        return self._settings.layers[name].digest(scheme)

    def modified_at(self, name: str) -> float:
        """Return when a layer's own file was changed last, in seconds since 1970."""
        layer_file = locate(self.folder, name, self._settings.layers[name])
        return 0.0 if isinstance(layer_file, Fault) else layer_file.path.stat().st_mtime

    def forget(self, names: Iterable[str]) -> None:
        """Hold no rows of layers that are read from the store from now on."""
        for name in names:
            self._read.pop(name, None)

    def of(self, name: str, version: str) -> OwnLayer | None:
        """Return what the own file of a layer holds if it is that version, else None."""
        own, faults = self.read(name) if name in self.names else (None, [])
        return own if own is not None and not faults and own.version == version else None

    def state(
        self,
        name: str,
        newest: Mapping[str, LayerVersion],
        record: OwnFile | None,
        *,
        is_quick: bool,
    ) -> OwnFileState:
        """Return what became of a layer's own file, of which the store has a record or none."""
        stamp = self.stamp(name)
        if stamp is None:
            return OwnFileState.MISSING
        if name not in newest:
            counts = OwnFileState.UNRECORDED if newest else OwnFileState.COUNTS
            is_read = is_quick or stamp == self._stamps.get(name)
            return counts if is_read else self._readable(name, stamp, counts)
        if record is None:  # the file was named after the layer was published
            return OwnFileState.CHANGED
        is_read_alike = record.declared in {None, self._declared(name)}
        if is_read_alike and (record.file_stamp == stamp or self._holds(name, stamp, record)):
            return OwnFileState.SAME
        changed = OwnFileState.CHANGED
        return changed if is_quick else self._readable(name, stamp, changed)

    def stamp(self, name: str) -> str | None:
        """Return what changes with a layer's file; None if it is gone."""
        layer_file = locate(self.folder, name, self._settings.layers[name])
        return None if isinstance(layer_file, Fault) else file_stamp(layer_file.path)

    def _holds(self, name: str, stamp: str, record: OwnFile) -> bool:
        """Return whether a file holds what was recorded; looked at once for each change of it."""
        key = (stamp, record.digest)
        known = self._states.get(f"{name}:same")
        if known is None or known[0] != key:
            if record.file_digest is None:  # of a package: only its rows of this county matter
                is_same = self.of(name, record.version) is not None
            else:
                layer_file = locate(self.folder, name, self._settings.layers[name])
                is_same = isinstance(layer_file, LayerFile) and (
                    file_digest(layer_file.path) == record.file_digest
                )
            known = (key, OwnFileState.SAME if is_same else OwnFileState.CHANGED)
            self._states[f"{name}:same"] = known
        return known[1] is OwnFileState.SAME

    def _readable(self, name: str, stamp: str, state: OwnFileState) -> OwnFileState:
        """Return BROKEN in place of a state when the file cannot be read as its layer."""
        known = self._states.get(name)
        if known is None or known[0] != stamp:
            _, faults = self.read(name)
            known = (stamp, OwnFileState.BROKEN if faults else OwnFileState.SAME)
            self._states[name] = known
        return OwnFileState.BROKEN if known[1] is OwnFileState.BROKEN else state

    def tell(self, states: Mapping[str, OwnFileState]) -> None:
        """Log what became of own files that do not hold what counts, or are not recorded."""
        for name, state in states.items():
            if state in _STATE_LINES:
                level, text = _STATE_LINES[state]
                _log.log(level, text, name, self._settings.layers[name].file)


def _handed_out(own: OwnLayer) -> OwnLayer:
    """Return a layer whose frame its reader may change."""
    return replace(own, frame=own.frame.copy(deep=False))


class GoneError(NotFoundError):
    """Rows of a version that counts are not in the store."""

    def __init__(self, entry: LayerVersion) -> None:
        super().__init__(said("problem.version_gone", layer=repr(entry.layer)))
        self.entry = entry

    def damage(self, store: str) -> StoreError:
        """Return the error of a version that is gone though its entry is there."""
        about = {"layer": repr(self.entry.layer), "version": self.entry.version}
        more = {"name": self.entry.layer, "store": store, "reason": "missing"}
        return StoreError(
            said("problem.damaged", **about, **more),
            public_message=said("problem.damaged_told", **about),
        )


_CHANGED = (
    "Layer %s: its own file %s was changed after versions were published; the newest version "
    "counts, not the file. Import it to publish it."
)
_MISSING_LINE = "Layer %s: its own file %s is gone; the newest version in the store counts."
_UNRECORDED = (
    "Layer %s: nothing is recorded of its own file %s yet; the file counts until something is "
    "published."
)
_COUNTS = "Layer %s: nothing was published in this workspace; its own file %s counts."
_STATE_LINES = {
    OwnFileState.CHANGED: (logging.WARNING, _CHANGED),
    OwnFileState.MISSING: (logging.WARNING, _MISSING_LINE),
    OwnFileState.UNRECORDED: (logging.WARNING, _UNRECORDED),
    OwnFileState.COUNTS: (logging.INFO, _COUNTS),
}
"""What the log says of own files, and how loudly."""
