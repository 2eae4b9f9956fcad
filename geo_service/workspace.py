"""A workspace: one county's folder of layers and settings, opened as a plan.

`workspace.toml` names the county, its CRS and its layers' files. Opening reads and
checks every layer and refuses a broken workspace with all of its faults at once.
Nothing about a particular county stands here.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import os
import tempfile
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from pydantic import BaseModel, ConfigDict
from pydantic import Field as Setting

from geo_service.crs import STORAGE_CRS, is_metric
from geo_service.documents import nearest_name, parse_model, read_text, read_toml
from geo_service.errors import Fault, WorkspaceError
from geo_service.industry import IndustryGroups, group_table
from geo_service.model import AreaMethod, FocusBasis, Tier
from geo_service.plan import Layer, Plan, PlanSettings
from geo_service.reading import LayerFile, read_layer
from geo_service.schema import LAND_USE_SCHEMES, LAYER_NAMES, SCHEMAS, ZONE_KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SETTINGS_FILE = "workspace.toml"
STORE_FOLDER = "store"
FORMAT = 1
_FAR_DEG = 0.5
"""A feature this far outside the county's box is taken for a mistake."""
_MOSTLY = 0.5
"""From this share on a shape lies in the park that covers it."""

Languages = dict[Literal["zh-Hans", "zh-Hant", "en"], str]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class _GroupsPart(_Part):
    file: str
    version: str
    names: dict[str, Languages]


class _LayerPart(_Part):
    file: str
    layer: str | None = None
    package: str | None = None
    crs: str | None = None
    where: dict[str, str] = Setting(default_factory=dict)
    values: dict[str, str | bool | float] = Setting(default_factory=dict)


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
    name: Languages
    platform: dict[Tier, int] = Setting(default_factory=dict)
    names_hant: dict[str, str] = Setting(default_factory=dict)
    industry_groups: _GroupsPart
    layers: dict[str, _LayerPart]


SETTING_NAMES = tuple(_SettingsFile.model_fields)
"""What `workspace.toml` may say at its top level."""


def open_plan(workspace: str | os.PathLike[str]) -> Plan:
    """Open a county's folder as a plan: every layer read, checked and frozen.

    Parameters
    ----------
    workspace
        The folder that holds `workspace.toml`.

    Raises
    ------
    WorkspaceError
        The folder, its settings or its layers are unusable; every fault is listed with
        file, layer, row, what was found and what was expected.

    Examples
    --------
    >>> plan = open_plan("layers/yunyang")
    >>> len(plan.parks), plan.parks.crs.to_string()
    (48, 'EPSG:4490')
    """
    folder = Path(workspace)
    settings, faults = _read_settings(folder)
    if settings is None:
        raise _unusable(folder, faults)
    groups = _read_groups(folder, settings.industry_groups, faults)
    frames, versions = _read_layers(folder, settings, faults)
    if not faults:
        faults += _check_references(frames, settings)
    if faults:
        raise _unusable(folder, faults)
    _resolve_placement(frames)
    layers = {
        name: Layer(name, versions[name], _handing_out(frame)) for name, frame in frames.items()
    }
    return Plan(layers, _plan_settings(folder, settings, groups))


def _unusable(folder: Path, faults: list[Fault]) -> WorkspaceError:
    count = len(faults)
    noun = "fault" if count == 1 else "faults"
    return WorkspaceError(f"Workspace {folder.name!r} cannot be used, {count} {noun}:", faults)


def _handing_out(frame: pd.DataFrame) -> Callable[[], pd.DataFrame]:
    return lambda: frame


def _read_settings(folder: Path) -> tuple[_SettingsFile | None, list[Fault]]:
    text, faults = read_text(folder / SETTINGS_FILE)
    if faults:
        return None, faults
    data, faults = read_toml(text, SETTINGS_FILE)
    if faults:
        return None, faults
    settings, faults = parse_model(_SettingsFile, data, SETTINGS_FILE)
    if settings is not None:
        faults += _check_settings(settings)
    return settings, faults


def _check_settings(settings: _SettingsFile) -> Iterator[Fault]:
    scheme = settings.land_use_scheme
    if not _is_crs(settings.metric_crs) or not is_metric(pyproj.CRS(settings.metric_crs)):
        yield _settings_fault("metric_crs", settings.metric_crs, "a CRS in metres, as EPSG:4545")
    if scheme is not None and scheme not in LAND_USE_SCHEMES:
        yield _settings_fault("land_use_scheme", scheme, nearest_name(scheme, LAND_USE_SCHEMES))
    for kind in settings.complete_zone_kinds:
        if kind not in ZONE_KINDS:
            yield _settings_fault("complete_zone_kinds", kind, nearest_name(kind, ZONE_KINDS))
    for name, layer in settings.layers.items():
        if name not in LAYER_NAMES:
            yield _settings_fault(f"layers.{name}", name, nearest_name(name, LAYER_NAMES))
        if layer.crs is not None and not _is_crs(layer.crs):
            yield _settings_fault(f"layers.{name}.crs", layer.crs, "a CRS such as EPSG:4490")
    for name, schema in SCHEMAS.items():
        if schema.is_required and name not in settings.layers:
            yield _settings_fault(f"layers.{name}", None, "this layer, which every county has")


def _settings_fault(column: str, found: str | None, expected: str) -> Fault:
    shown = "nothing" if found is None else repr(found)
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
        found = f"columns {', '.join(table.fieldnames or ())}"
        expected = f"columns {', '.join(sorted(wanted))}"
        faults.append(Fault(file=part.file, found=found, expected=expected))
        return IndustryGroups()
    rows = [(row["code_prefix"], row["group"], row["strength"]) for row in table]
    prefixes, conditional, problems_found = group_table(rows)
    for problem in problems_found:
        expected = "one row a GB/T 4754 prefix, with one group"
        faults.append(Fault(file=part.file, found=problem, expected=expected))
    for group in sorted(set(prefixes.values()) - set(part.names)):
        expected = f"names for it under [industry_groups.names.{group}] in {SETTINGS_FILE}"
        faults.append(Fault(file=part.file, found=f"group {group!r}", expected=expected))
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return IndustryGroups(
        prefixes=prefixes,
        names={group: _plain_names(names) for group, names in part.names.items()},
        conditional=frozenset(conditional),
        version=f"{part.version}+{digest}",
    )


def _plain_names(names: Languages) -> dict[str, str]:
    return {str(language): name for language, name in names.items()}


def _read_layers(
    folder: Path, settings: _SettingsFile, faults: list[Fault]
) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    frames: dict[str, pd.DataFrame] = {}
    versions: dict[str, str] = {}
    for name, part in settings.layers.items():
        schema = SCHEMAS.get(name)
        if schema is None:
            continue
        source = _locate(folder, name, part)
        if isinstance(source, Fault):
            faults.append(source)
            continue
        if part.package:
            source = _cached(folder, source)
        frame, problems = read_layer(source, schema)
        if name == "parcels" and frame is not None:
            problems = _declare_scheme(frame, settings.land_use_scheme, problems, part.file)
        faults += problems
        if frame is not None:
            frames[name] = frame
            versions[name] = _shape_version(frame) if part.package else _file_version(source.path)
    return frames, versions


def _locate(folder: Path, name: str, part: _LayerPart) -> LayerFile | Fault:
    root = folder
    if part.package is not None:
        spec = importlib.util.find_spec(part.package) if part.package.isidentifier() else None
        if spec is None or not spec.submodule_search_locations:
            return Fault(
                file=SETTINGS_FILE,
                layer=name,
                found=f"package {part.package!r} is not installed",
                expected="the package that holds this layer's file (pip install it)",
            )
        root = Path(spec.submodule_search_locations[0])
    path = (root / part.file).resolve()
    if not path.is_relative_to(root.resolve()):
        return Fault(
            file=SETTINGS_FILE,
            layer=name,
            found=repr(part.file),
            expected="a file inside the folder",
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


def _file_version(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:12]


def _shape_version(frame: pd.DataFrame) -> str:
    """Version of rows read from a package: by their shapes, so that it is the same everywhere."""
    digest = hashlib.sha256()
    if isinstance(frame, gpd.GeoDataFrame):
        for shape in shapely.to_wkb(frame.geometry.to_numpy()):
            digest.update(shape)
    return digest.hexdigest()[:12]


def _cached(folder: Path, source: LayerFile) -> LayerFile:
    """Read a package's (large) file once and keep the rows that were asked for in a cache."""
    if not source.path.exists():
        return source
    status = source.path.stat()
    key = f"{source.shown}|{status.st_size}|{status.st_mtime_ns}|{sorted(source.where.items())}"
    name = f"{source.name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}.geojson"
    cached = folder / STORE_FOLDER / "cache" / name
    if not cached.exists() and not _fill_cache(source, cached):
        return source
    return LayerFile(name=source.name, path=cached, shown=source.shown, constants=source.constants)


def _fill_cache(source: LayerFile, cached: Path) -> bool:
    import pyogrio  # noqa: PLC0415 - only when the cache is cold

    try:
        frame = pyogrio.read_dataframe(source.path, where=source.where_clause(), columns=[])
        cached.parent.mkdir(parents=True, exist_ok=True)
        text = frame.set_crs(STORAGE_CRS, allow_override=True).to_json(to_wgs84=False)
        with tempfile.NamedTemporaryFile(
            "w", dir=cached.parent, suffix=".part", delete=False, encoding="utf-8"
        ) as part:
            part.write(text)
        Path(part.name).replace(cached)
    except (OSError, pyogrio.errors.DataSourceError):
        return False
    return True


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
        if not (fault.column == "land_use_scheme" and fault.found == "no such column")
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
                found=f"{int(missing.sum()):,} parcels with no land-use scheme (first: {rows})",
                expected=(
                    f"land_use_scheme in each row or in {SETTINGS_FILE}, one of "
                    f"{', '.join(LAND_USE_SCHEMES)}: one code has different meanings in each"
                ),
            )
        )
    return kept


def _check_references(frames: dict[str, pd.DataFrame], settings: _SettingsFile) -> Iterator[Fault]:
    for name, frame in frames.items():
        file = settings.layers[name].file
        for item in SCHEMAS[name].fields:
            target, _, column = (item.refers_to or "").partition(".")
            if not target or target not in frames:
                continue
            cells = frame[item.name]
            known = frames[target][column]
            lost = cells.notna() & ~cells.isin(known)
            if name == "parks" and item.name == "township_code":
                lost &= ~cells.isin(frames[target]["alt_code"].dropna())
            for row in np.flatnonzero(lost.to_numpy(dtype=bool)):
                yield Fault(
                    file=file,
                    layer=name,
                    row=str(frame[SCHEMAS[name].key[0]].iloc[int(row)]),
                    column=item.name,
                    found=repr(cells.iloc[int(row)]),
                    expected=f"a {column} that layer {target} has",
                )
    yield from _check_extent(frames, settings)
    yield from _check_vacancy(frames, settings)


def _check_vacancy(frames: dict[str, pd.DataFrame], settings: _SettingsFile) -> Iterator[Fault]:
    floors = frames.get("floors")
    if floors is None:
        return
    too_much = floors["vacant_m2"] > floors["area_m2"]
    for row in floors[too_much].itertuples(index=False):
        yield Fault(
            file=settings.layers["floors"].file,
            layer="floors",
            row=f"{row.building_id}/{row.floor_no}",
            column="vacant_m2",
            found=f"{row.vacant_m2:g} m² of {row.area_m2:g} m²",
            expected="no more vacant area than area",
        )


def _check_extent(frames: dict[str, pd.DataFrame], settings: _SettingsFile) -> Iterator[Fault]:
    county = frames.get("county")
    if not isinstance(county, gpd.GeoDataFrame) or county.empty:
        return
    west, south, east, north = county.total_bounds
    for name, frame in frames.items():
        if not isinstance(frame, gpd.GeoDataFrame) or frame.empty:
            continue
        bounds = shapely.bounds(frame.geometry.to_numpy())
        far = (
            (bounds[:, 2] < west - _FAR_DEG)
            | (bounds[:, 0] > east + _FAR_DEG)
            | (bounds[:, 3] < south - _FAR_DEG)
            | (bounds[:, 1] > north + _FAR_DEG)
        )
        for row in np.flatnonzero(far):
            x, y = bounds[row, :2]
            yield Fault(
                file=settings.layers[name].file,
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
    """Fill missing park ids by the park that covers most of a shape, of equals the smallest.

    A shape that no park covers by half stays without a park: it lies outside them.
    """
    lost = np.flatnonzero(frame["park_id"].isna().to_numpy(dtype=bool))
    if not len(lost) or not isinstance(frame, gpd.GeoDataFrame):
        return
    shapes = parks.geometry.to_numpy()
    own = frame.geometry.to_numpy()[lost]
    which, park = shapely.STRtree(shapes).query(own, predicate="intersects")
    share = shapely.area(shapely.intersection(own[which], shapes[park])) / shapely.area(own[which])
    kept = share >= _MOSTLY
    which, park, share = which[kept], park[kept], share[kept]
    order = np.lexsort((shapely.area(shapes)[park], -np.round(share, 6), which))
    first = np.unique(which[order], return_index=True)[1]
    park_ids = frame["park_id"].astype("object").to_numpy().copy()
    ids = parks["park_id"].astype("object").to_numpy()
    park_ids[lost[which[order][first]]] = ids[park[order][first]]
    frame["park_id"] = pd.Series(park_ids, index=frame.index).astype("str")


def _place_by_location(
    parks: pd.DataFrame, points: np.ndarray[Any, Any], park_ids: np.ndarray[Any, Any]
) -> None:
    """Fill missing park ids by the smallest park that a point lies in."""
    lost = np.flatnonzero(pd.isna(park_ids) & ~shapely.is_missing(points))
    if not len(lost) or not isinstance(parks, gpd.GeoDataFrame):
        return
    shapes = parks.geometry.to_numpy()
    tree = shapely.STRtree(shapes)
    which, park = tree.query(points[lost], predicate="within")
    order = np.lexsort((shapely.area(shapes)[park], which))
    first = np.unique(which[order], return_index=True)[1]
    ids = parks["park_id"].astype("object").to_numpy()
    park_ids[lost[which[order][first]]] = ids[park[order][first]]


def _plan_settings(folder: Path, settings: _SettingsFile, groups: IndustryGroups) -> PlanSettings:
    described = settings.model_dump_json(exclude={"layers", "rulebook", "waivers"})
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
        digest=digest,
    )
