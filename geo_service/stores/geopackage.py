"""Write a whole plan as one GeoPackage, for QGIS and GDAL; and make a workspace from it again.

Layers with geometry become feature tables in EPSG:4490, the others attribute tables. The other
inputs of the plan (settings, rulebook, waivers, industry groups, the elevation model's file) are
in the attribute table `geo_service_files`. Unpacking gives a workspace whose layers are in one
GeoPackage: the frames, and so the versions, are the same.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pyogrio

from geo_service import gdal
from geo_service.document_limits import MAX_BYTES
from geo_service.documents import as_toml, read_json
from geo_service.errors import Fault, StoreError, WorkspaceError
from geo_service.isolation import Channel, Isolated, ProcessEndedError, ProcessLimits
from geo_service.schema import SCHEMAS
from geo_service.scratch import scratch_folder, sweep_scratch
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.model import Message

FILES_TABLE = "geo_service_files"
STYLES_TABLE = "layer_styles"
SETTINGS = "workspace.toml"
LAYERS_FILE = "layers.gpkg"
_FILE_NAMES = {
    "rulebook": "rulebook.yaml",
    "waivers": "waivers.yaml",
    "approvals": "approvals.yaml",
}
_FORMAT = "1"
_DEM = "dem"
_DEM_FILE = "dem.tif"
_LARGEST_DEM = 500_000_000
_VERSION = {"VERSION": "1.3"}
"""Version of the GeoPackage standard: Debian's GDAL warns about a newer one."""


def write_geopackage(
    path: Path,
    frames: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
    files: Mapping[str, str],
    *,
    dem: bytes | None = None,
    styles: Mapping[str, str] | None = None,
) -> None:
    """Write a plan's layers and settings as one GeoPackage; the file appears once complete.

    Parameters
    ----------
    frames
        For each layer its rows in the form of `frames.canonical`.
    settings
        `workspace.toml` as plain data.
    files
        The other text files, by the setting that names them.
    dem
        The elevation model's file, if there is one.
    styles
        For each layer a QGIS style (QML), which QGIS applies by itself.

    Raises
    ------
    StoreError
        The file cannot be written.
    """
    try:
        with _new_file(path) as part:
            for name, frame in frames.items():
                _write_layer(part, name, frame)
            texts = {"format": _FORMAT, "settings": json.dumps(settings, ensure_ascii=False)}
            rows = {**texts, **files}
            if dem is not None:
                rows[_DEM] = base64.b64encode(dem).decode()
            table = pd.DataFrame({"name": list(rows), "content": list(rows.values())}, dtype="str")
            pyogrio.write_dataframe(table, part, layer=FILES_TABLE, driver="GPKG", append=True)
            if styles:
                _write_styles(part, {name: styles[name] for name in frames if name in styles})
    except (OSError, pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        msg = said("problem.cannot_write", path=str(path), reason=reason)
        raise StoreError(msg) from error


@contextmanager
def _new_file(path: Path) -> Iterator[Path]:
    """Give a temporary path; at the end the file is synced and renamed to its place."""
    sweep_scratch(path.parent)
    with scratch_folder("export", parent=path.parent) as folder:
        part = folder / "plan.gpkg"
        yield part
        handle = os.open(part, os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        part.replace(path)


def _write_layer(path: Path, name: str, frame: pd.DataFrame) -> None:
    options: dict[str, Any] = {"layer": name, "driver": "GPKG", "append": path.exists()}
    if not path.exists():
        options["dataset_options"] = _VERSION
    if not isinstance(frame, gpd.GeoDataFrame):
        pyogrio.write_dataframe(frame, path, use_arrow=True, **options)
        return
    kinds = {str(kind) for kind in frame.geom_type.dropna().unique()}
    pyogrio.write_dataframe(
        frame,
        path,
        use_arrow=True,
        geometry_type=kinds.pop() if len(kinds) == 1 else "Unknown",
        promote_to_multi=False,
        **options,
    )


def _write_styles(path: Path, styles: Mapping[str, str]) -> None:
    """Add the table in which QGIS looks for styles; GDAL must have closed the file."""
    with sqlite3.connect(path) as base:
        base.execute(
            f"CREATE TABLE {STYLES_TABLE} (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "
            "f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256), "
            "f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT, "
            "useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), "
            "update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')))"
        )
        base.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) "
            "VALUES (?, 'attributes', ?, 0)",
            (STYLES_TABLE, STYLES_TABLE),
        )
        rows = [(name, name, style) for name, style in styles.items()]
        base.executemany(
            f"INSERT INTO {STYLES_TABLE} (f_table_catalog, f_table_schema, f_table_name, "  # noqa: S608 - a constant
            "f_geometry_column, styleName, styleQML, useAsDefault) "
            "VALUES ('', '', ?, 'geom', ?, ?, 1)",
            rows,
        )
    base.close()


def unpack_geopackage(source: Path, folder: Path) -> Path:
    """Make a workspace's folder from a GeoPackage that `write_geopackage` made.

    It is read in a separate process and its layers are written anew: no view, trigger or
    index of the file gets into the workspace. The names of the written files are fixed;
    nothing in the GeoPackage decides where anything is written.

    Raises
    ------
    WorkspaceError
        The file is not such a GeoPackage, reading it exceeds a limit, or the folder is not
        empty.
    """
    with scratch_folder("unpack") as scratch:
        layers = scratch / LAYERS_FILE
        texts, names = _repacked(source, layers)
        if folder.exists() and any(folder.iterdir()):
            fault = Fault(
                file=str(folder),
                found=said("fault.filled_folder"),
                expected=said("fault.new_folder"),
            )
            raise WorkspaceError(said("problem.not_unpacked"), [fault])
        settings, faults = read_json(texts["settings"], source.name)
        if faults:
            raise WorkspaceError(said("problem.not_unpacked"), faults)
        try:
            files = _files_of(settings, texts, names)
        except (
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            RecursionError,
        ):  # settings that `export` never writes
            raise _no_plan(source) from None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, content in files.items():
                (folder / name).write_bytes(content)
            shutil.move(layers, folder / LAYERS_FILE)
        except OSError as error:
            reason = error.strerror or "?"
            msg = said("problem.cannot_unpack", folder=str(folder), reason=reason)
            raise StoreError(msg) from error
    return folder


def _files_of(settings: Any, texts: Mapping[str, str], names: Sequence[str]) -> dict[str, bytes]:  # noqa: ANN401 - JSON
    """Return a workspace's files by name, from a GeoPackage's settings and texts."""
    settings["layers"] = {
        name: {"file": LAYERS_FILE, "layer": name} for name in SCHEMAS if name in names
    }
    settings.pop("store", None)
    files = {}
    for name, file in _FILE_NAMES.items():
        if name in texts:
            files[file] = texts[name].encode()
        if name in settings:
            settings[name] = file
    for name, table, file in _group_tables(settings):
        table["file"] = file
        if name in texts:
            files[file] = texts[name].encode()
    if _DEM in texts and _DEM in settings:
        files[_DEM_FILE] = base64.b64decode(texts[_DEM])
        settings[_DEM]["file"] = _DEM_FILE
    files[SETTINGS] = as_toml(settings).encode()
    return files


def _group_tables(settings: Any) -> Iterator[tuple[str, dict[str, Any], str]]:  # noqa: ANN401 - JSON
    """Yield each table of industry groups: its setting, entry, and a fixed name of its file."""
    if "industry_groups" in settings:
        yield "industry_groups", settings["industry_groups"], "industry_groups.csv"
    for number, name in enumerate(settings.get("industry_schemes", ()), start=1):
        file = f"industry_groups_{number}.csv"
        yield f"industry_schemes.{name}", settings["industry_schemes"][name], file


UNPACKING = ProcessLimits(
    memory_bytes=8_000_000_000,
    seconds=1_800.0,
    file_bytes=20_000_000_000,
    message_bytes=2_000_000_000,
)
"""Limits of unpacking a GeoPackage: a county with a million parcels has about 1 GB."""


def _repacked(source: Path, target: Path) -> tuple[dict[str, str], list[str]]:
    """Rewrite a GeoPackage's layers in a separate process; return its texts and layers."""
    with Isolated(["pyogrio"]) as process:
        arguments = {"source": str(source.resolve()), "target": str(target)}
        process.begin(f"{__name__}:repack", arguments, UNPACKING)
        try:
            answer = json.loads(process.receive(lambda: None))
        except ProcessEndedError as error:
            raise _no_plan(source, said("fault.limits", reason=error.reason.value)) from None
    if answer is None:
        raise _no_plan(source)
    return answer["texts"], answer["names"]


def _no_plan(source: Path, found: Message | None = None) -> WorkspaceError:
    fault = Fault(
        file=source.name,
        found=found or said("fault.no_plan_inside" if source.exists() else "fault.no_file"),
        expected=said("fault.exported"),
    )
    return WorkspaceError(said("problem.not_unpacked"), [fault])


def repack(channel: Channel, *, source: str, target: str) -> None:
    """Write a GeoPackage's layers to a new one; answer with its texts and layers' names.

    The answer is null if `write_geopackage` did not make the file.
    """
    path = Path(source)
    texts, names = _texts(path), []
    if texts is not None:
        found = gdal.list_layers(path, "geopackage")
        names = [name for name in SCHEMAS if name in found]
        for name in names:
            _copy_layer(path, name, Path(target))
    answer = None if texts is None else {"texts": texts, "names": names}
    channel.send(json.dumps(answer).encode())


def _copy_layer(source: Path, name: str, target: Path) -> None:
    options: dict[str, Any] = {"layer": name, "driver": "GPKG", "append": target.exists()}
    if not target.exists():
        options["dataset_options"] = _VERSION
    with gdal.open_arrow(source, "geopackage", layer=name) as (meta, reader):
        if meta["geometry_type"] is not None:
            options |= {
                "geometry_name": meta["geometry_name"] or "wkb_geometry",
                "geometry_type": meta["geometry_type"],
                "crs": meta["crs"],
            }
        pyogrio.write_arrow(reader, target, **options)


def _texts(source: Path) -> dict[str, str] | None:
    """Return the settings and texts in a GeoPackage; None if it is not one of ours."""
    try:
        table = gdal.read_frame(source, "geopackage", layer=FILES_TABLE)
        texts = dict(zip(table["name"].tolist(), table["content"].tolist(), strict=True))
    except (gdal.ForeignFileError, *_GDAL_ERRORS, KeyError):
        return None
    is_ours = texts.get("format") == _FORMAT and isinstance(texts.get("settings"), str)
    known = {name: text for name, text in texts.items() if isinstance(text, str)}
    most = {_DEM: _LARGEST_DEM}
    if is_ours and all(len(text) <= most.get(name, MAX_BYTES) for name, text in known.items()):
        return known
    return None


_GDAL_ERRORS = (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError)
