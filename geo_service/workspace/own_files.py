"""A layer's own file in its workspace: where it is, what it holds, and whether it was edited.

While nothing was published in a workspace its own files count. The first publication records what
each holds; from then on an edit is told and waits for `import`, and what was recorded counts.
Which layers there are, and what their rows must satisfy, is decided elsewhere (`workspace`).
"""

from __future__ import annotations

import hashlib
import importlib.util
import time
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Setting

from geo_service import gdal
from geo_service.crs import STORAGE_CRS
from geo_service.errors import Fault
from geo_service.scratch import scratch_folder, sweep_scratch
from geo_service.stores.base import VERSION_LENGTH, LayerContent
from geo_service.stores.frames import content_digest
from geo_service.stores.opening import STORE_FOLDER
from geo_service.wording import quoted, said
from geo_service.workspace.reading import LayerFile

if TYPE_CHECKING:
    import pandas as pd


SETTINGS_FILE = "workspace.toml"
FILE_NOTE = "the workspace's own file"
_SETTLED_SECONDS = 2.0
"""A file changed less long ago may change again without its time telling."""


class LayerPart(BaseModel):
    """What `workspace.toml` says of a layer: its file, and how that is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    file: str
    layer: str | None = None
    package: str | None = None
    crs: str | None = None
    where: dict[str, str] = Setting(default_factory=dict)
    values: dict[str, str | bool | float] = Setting(default_factory=dict)

    def digest(self, *more: str | None) -> str:
        """Return a digest over how the file is read, wherever it lies."""
        said_so = self.model_dump_json(exclude={"file", "package"})
        return hashlib.sha256("|".join([said_so, *map(str, more)]).encode()).hexdigest()[:12]


class OwnFileState(StrEnum):
    """What becomes of a layer's own file."""

    COUNTS = "counts"
    """Nothing was published in the workspace: the file is the layer."""
    SAME = "same"
    """It holds what was recorded; the newest version counts."""
    CHANGED = "changed"
    """It was edited since; it waits for `import`."""
    BROKEN = "broken"
    """It was edited since and cannot be read as this layer; or it counts and cannot be read."""
    MISSING = "missing"
    """It is gone."""
    UNRECORDED = "unrecorded"
    """The layer came later, or an older release published: the file counts until something is
    published next."""


COUNTING = frozenset({OwnFileState.COUNTS, OwnFileState.UNRECORDED})
EDITED = frozenset({OwnFileState.CHANGED, OwnFileState.BROKEN, OwnFileState.MISSING})


@dataclass(frozen=True)
class OwnLayer:
    """What the workspace's own file holds of a layer: its version 0."""

    name: str
    frame: pd.DataFrame
    shown: str
    """The file as messages name it."""
    file_digest: str | None
    """SHA-256 over the file's bytes; None when it comes from an installed package."""
    stamp: str | None = None
    """Sizes and times of its files, as `file_stamp` returns them."""
    declared: str | None = None
    """A digest over how `workspace.toml` has it read."""
    read_at: float = 0.0

    @cached_property
    def version(self) -> str:
        """What the content is called."""
        return content_digest(self.frame, self.name)[:VERSION_LENGTH]

    def content(self) -> LayerContent:
        """Return this as number 0 of the layer's history."""
        stamp, changed_at = self.stamp, _changed_at(self.stamp)
        is_settled = changed_at is not None and changed_at < self.read_at - _SETTLED_SECONDS
        return LayerContent(
            layer=self.name,
            frame=self.frame,
            expected=None,
            note=FILE_NOTE,
            source=self.shown,
            file_digest=self.file_digest,
            file_stamp=stamp if is_settled else None,
            declared=self.declared,
        )


def parts_of(path: Path) -> list[Path]:
    """Return the files that belong to a layer's file: of a shapefile or a folder, all of them."""
    if path.is_dir():
        return sorted(part for part in path.rglob("*") if part.is_file())
    if path.suffix.lower() == ".shp":
        return sorted(part for part in path.parent.glob("*") if part.stem == path.stem)
    return [path]


def file_stamp(path: Path) -> str | None:
    """Return size and time of change of each of its files; None when there is none."""
    try:
        status = [part.stat() for part in parts_of(path)]
    except OSError:
        return None
    return ",".join(f"{one.st_size}:{one.st_mtime_ns}" for one in status) or None


def _changed_at(stamp: str | None) -> float | None:
    times = [int(part.partition(":")[2]) for part in (stamp or "").split(",") if part]
    return max(times) / 1e9 if times else None


def now_s() -> float:
    """Return the time that files are stamped by, in seconds since 1970."""
    return time.time()


def locate(folder: Path, name: str, part: LayerPart) -> LayerFile | Fault:
    """Return where a layer's file is and how it is read, or why it has no place."""
    root = folder
    if part.package is not None:
        spec = importlib.util.find_spec(part.package) if part.package.isidentifier() else None
        if spec is None or not spec.submodule_search_locations:
            return Fault(
                file=SETTINGS_FILE,
                layer=name,
                found=said("fault.no_package", package=repr(part.package)),
                expected=said("fault.package"),
            )
        root = Path(spec.submodule_search_locations[0])
    path = (root / part.file).resolve()
    if not path.is_relative_to(root.resolve()):
        return Fault(
            file=SETTINGS_FILE,
            layer=name,
            found=quoted(part.file),
            expected=said("fault.inside_folder"),
        )
    shown = f"{part.package}/{part.file}" if part.package else part.file
    return LayerFile(
        name=name,
        path=path,
        shown=shown,
        layer=part.layer,
        crs=part.crs,
        where=dict(part.where),
        constants=dict(part.values),
    )


def file_digest(path: Path) -> str:
    """SHA-256 over a file's bytes; of a shapefile or a folder, over all files that belong to it."""
    whole = hashlib.sha256()
    for part in parts_of(path):
        with part.open("rb") as stream:
            whole.update(hashlib.file_digest(stream, "sha256").digest())
    return whole.hexdigest()


def cached(folder: Path, layer_file: LayerFile) -> LayerFile:
    """Read a package's (large) file once and keep the rows that were asked for in a cache."""
    if not layer_file.path.exists():
        return layer_file
    status = layer_file.path.stat()
    where = sorted(layer_file.where.items())
    key = f"{layer_file.shown}|{status.st_size}|{status.st_mtime_ns}|{where}"
    name = f"{layer_file.name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}.geojson"
    cached_file = folder / STORE_FOLDER / "cache" / name
    if not cached_file.exists() and not _fill_cache(layer_file, cached_file):
        return layer_file
    return LayerFile(
        name=layer_file.name,
        path=cached_file,
        shown=layer_file.shown,
        constants=layer_file.constants,
    )


def _fill_cache(layer_file: LayerFile, cached_file: Path) -> bool:
    import pyogrio  # noqa: PLC0415 - only when the cache is cold

    kind = gdal.FORMATS.get(layer_file.path.suffix.lower())
    if kind is None:
        return False
    try:
        frame = gdal.read_frame(layer_file.path, kind, where=layer_file.where_clause(), columns=[])
        cached_file.parent.mkdir(parents=True, exist_ok=True)
        text = frame.set_crs(STORAGE_CRS, allow_override=True).to_json(to_wgs84=False)
        sweep_scratch(cached_file.parent)
        with scratch_folder("cache", parent=cached_file.parent) as folder:
            part = folder / cached_file.name
            part.write_text(text, encoding="utf-8")
            part.replace(cached_file)
    except (OSError, gdal.ForeignFileError, pyogrio.errors.DataSourceError):
        return False
    return True
