"""What `workspace.toml` says: the county, its CRS, its groups of industries, its elevation model.

The settings are read and checked whole; layers are read elsewhere (`workspace.reading`).
"""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

import pyproj
from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic import Field as Setting

from geo_service.access import Role
from geo_service.basemaps import BasemapPart, basemap_faults, basemap_of
from geo_service.crs import is_metric
from geo_service.documents import (
    line_of,
    nearest_name,
    parse_model,
    read_text,
    read_toml,
    toml_lines,
)
from geo_service.errors import Fault, WorkspaceError
from geo_service.industry import CountyIndustries, IndustryGroups, classification, group_table
from geo_service.model import AreaMethod, FocusBasis, Tier
from geo_service.plan import DemFile, PlanSettings
from geo_service.schema import LAND_USE_SCHEMES, RIVER_RANKS, SCHEMAS, ZONE_KINDS, may_be_hidden
from geo_service.stores.base import VERSION_LENGTH
from geo_service.stores.opening import has_password
from geo_service.wording import quoted, said
from geo_service.workspace.own_files import SETTINGS_FILE, LayerPart, file_digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from geo_service.model import Message

Languages = dict[Literal["zh-Hans", "zh-Hant", "en"], str]


class _SettingsPart(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False
    )


class GroupsPart(_SettingsPart):
    """A table of industry groups, and the county's scheme that it stands for."""

    file: str
    version: str
    names: dict[str, Languages]
    title: Languages | None = None
    """What the county calls its scheme of groups or chains."""
    year: Annotated[int, Setting(ge=1949, le=2999)] | None = None
    """The year of the scheme."""


class _IndustryMapPart(_SettingsPart):
    leading: tuple[str, ...]
    characteristic: tuple[str, ...] = ()


_Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class _DemPart(_SettingsPart):
    file: str
    source: _Line
    illustrative: bool
    vertical_datum: _Line


_Mark = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
"""A short text that is printed as it is, such as `内部资料`."""
_Count = Annotated[int, Setting(ge=0, le=1_000_000)]
_MARKS = ("confidentiality", "map_approval")
"""Settings that change nothing but what is printed: a plan's version leaves them out."""
_SCHEMES = ("industry_schemes", "industry_scheme")
"""Settings of which only the chosen table counts: a plan's version has that one alone."""


class SettingsFile(_SettingsPart):
    """What `workspace.toml` may say, as it stands there."""

    format: Literal[1]
    county_code: Annotated[str, Setting(pattern=r"^[0-9]{6}$")]
    storage_crs: Literal["EPSG:4490"] = "EPSG:4490"
    metric_crs: str
    area_method: AreaMethod = AreaMethod.PLANAR
    focus_basis: FocusBasis = FocusBasis.OUTPUT
    land_use_scheme: str | None = None
    data_date: date | None = None
    complete_zone_kinds: tuple[str, ...] = ()
    complete_river_ranks: tuple[str, ...] = ()
    rulebook: str | None = None
    waivers: str | None = None
    approvals: str | None = None
    store: str | None = None
    confidentiality: _Mark | None = None
    map_approval: _Mark | None = None
    name: Languages
    platform: dict[Tier, _Count] = Setting(default_factory=dict)
    names_hant: dict[str, str] = Setting(default_factory=dict)
    industry_groups: GroupsPart | None = None
    industry_schemes: dict[str, GroupsPart] = Setting(default_factory=dict)
    industry_scheme: str | None = None
    industry_map: _IndustryMapPart | None = None
    dem: _DemPart | None = None
    basemaps: tuple[BasemapPart, ...] = ()
    restricted: dict[str, tuple[Role, ...]] = Setting(default_factory=dict)
    """Layers and columns (`layer.column`) with the roles that see them."""
    layers: dict[str, LayerPart]

    @property
    def groups_part(self) -> GroupsPart | None:
        """The table of industry groups that counts; None if none is chosen, which is a fault."""
        return self.industry_groups or self.industry_schemes.get(self.industry_scheme or "")


SETTING_NAMES = tuple(SettingsFile.model_fields)
"""What `workspace.toml` may say at its top level."""


def read_settings(folder: Path) -> tuple[SettingsFile | None, list[Fault]]:
    """Return a folder's settings, None if they cannot be read, and their faults."""
    text, faults = read_text(folder / SETTINGS_FILE)
    if faults:
        return None, faults
    data, faults = read_toml(text, SETTINGS_FILE)
    if faults:
        return None, faults
    lines = toml_lines(text)
    settings, faults = parse_model(SettingsFile, data, SETTINGS_FILE, lines=lines)
    if settings is not None:
        for fault in _check_settings(settings):
            location = tuple((fault.column or "").split("."))
            faults.append(replace(fault, line=line_of(location, lines)))
        for number, part in enumerate(settings.basemaps):
            for name, found, expected in basemap_faults(part, folder):
                column = f"basemaps.{number}.{name}"
                faults.append(
                    Fault(file=SETTINGS_FILE, column=column, found=found, expected=expected)
                )
    return settings, faults


def _check_settings(settings: SettingsFile) -> Iterator[Fault]:
    scheme = settings.land_use_scheme
    if not _is_crs(settings.metric_crs) or not is_metric(pyproj.CRS(settings.metric_crs)):
        yield _settings_fault("metric_crs", settings.metric_crs, said("fault.metric_crs"))
    if scheme is not None and scheme not in LAND_USE_SCHEMES:
        yield _settings_fault("land_use_scheme", scheme, nearest_name(scheme, LAND_USE_SCHEMES))
    for setting, known in (
        ("complete_zone_kinds", ZONE_KINDS),
        ("complete_river_ranks", RIVER_RANKS),
    ):
        for name in getattr(settings, setting):
            if name not in known:
                yield _settings_fault(setting, name, nearest_name(name, known))
    if settings.industry_map is not None:
        yield from _check_industry_map(settings.industry_map)
    if settings.store is not None and has_password(settings.store):
        expected = said("fault.no_password")
        yield Fault(
            file=SETTINGS_FILE, column="store", found=said("fault.password"), expected=expected
        )
    for name in _MARKS:
        mark = getattr(settings, name)
        if mark is not None and not mark.isprintable():
            yield _settings_fault(name, mark, said("fault.one_line"))
    yield from _check_schemes(settings)
    yield from _check_restricted(settings)
    yield from _check_declared(settings)


def _check_restricted(settings: SettingsFile) -> Iterator[Fault]:
    """Yield a fault for what is no layer or column, and for what everything else stands on."""
    for name in settings.restricted:
        layer, _, column = name.partition(".")
        if layer not in SCHEMAS:
            yield _settings_fault(f"restricted.{name}", layer, nearest_name(layer, [*SCHEMAS]))
        elif column and column not in SCHEMAS[layer].columns:
            expected = nearest_name(column, SCHEMAS[layer].columns)
            yield _settings_fault(f"restricted.{name}", column, expected)
        elif not may_be_hidden(layer, column or None):
            yield _settings_fault(f"restricted.{name}", name, said("fault.not_restricted"))


def _check_schemes(settings: SettingsFile) -> Iterator[Fault]:
    """Yield a fault unless there is one table of groups, or several and one of them chosen."""
    if settings.industry_groups is not None:
        for name in _SCHEMES:
            if getattr(settings, name):
                expected = said("fault.one_of_two", one="industry_groups", other="industry_schemes")
                yield _settings_fault(name, name, expected)
    elif not settings.industry_schemes:
        yield _settings_fault("industry_groups", None, said("fault.missing"))
    elif settings.industry_scheme not in settings.industry_schemes:
        chosen, known = settings.industry_scheme, [*settings.industry_schemes]
        expected = nearest_name(chosen, known) if chosen else said("fault.one_of", known=known)
        yield _settings_fault("industry_scheme", chosen, expected)


def _check_industry_map(part: _IndustryMapPart) -> Iterator[Fault]:
    known = classification()
    for name, codes in (("leading", part.leading), ("characteristic", part.characteristic)):
        for code in codes:
            if code not in known:
                yield _settings_fault(f"industry_map.{name}", code, said("fault.no_prefix"))


def _check_declared(settings: SettingsFile) -> Iterator[Fault]:
    for name, layer in settings.layers.items():
        if name not in SCHEMAS:
            known = said("fault.dem_table") if name == "dem" else nearest_name(name, [*SCHEMAS])
            yield _settings_fault(f"layers.{name}", name, known)
        if layer.crs is not None and not _is_crs(layer.crs):
            yield _settings_fault(f"layers.{name}.crs", layer.crs, said("fault.some_crs"))
    for name, schema in SCHEMAS.items():
        if schema.is_required and name not in settings.layers:
            yield _settings_fault(f"layers.{name}", None, said("fault.needed_layer"))


def _settings_fault(column: str, found: str | None, expected: Message) -> Fault:
    shown = said("fault.none_given") if found is None else quoted(found)
    return Fault(file=SETTINGS_FILE, column=column, found=shown, expected=expected)


def _is_crs(text: str) -> bool:
    try:
        pyproj.CRS.from_user_input(text)
    except pyproj.exceptions.CRSError:
        return False
    return True


def read_groups(folder: Path, part: GroupsPart | None, faults: list[Fault]) -> IndustryGroups:
    """Read the table of industry groups; what is wrong with it is added to `faults`."""
    if part is None:
        return IndustryGroups()
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
        title=_plain_names(part.title or {}),
        year=part.year,
    )


def _plain_names(names: Languages) -> dict[str, str]:
    return {str(language): name for language, name in names.items()}


def read_dem(folder: Path, settings: SettingsFile, faults: list[Fault]) -> DemFile | None:
    """Look at the elevation model that the settings name; its heights are read when needed."""
    part = settings.dem
    if part is None:
        return None
    path = (folder / part.file).resolve()
    if not path.is_relative_to(folder.resolve()):
        faults.append(_settings_fault("dem.file", part.file, said("fault.inside_folder")))
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


def plan_settings(
    folder: Path, settings: SettingsFile, groups: IndustryGroups, dem: DemFile | None
) -> PlanSettings:
    """Return what the county decides about its plan; its digest leaves out what is printed only."""
    left_out = {
        *("layers", "rulebook", "waivers", "approvals", "store", "basemaps", "restricted"),
        *_MARKS,
        *_SCHEMES,
    }
    counted = settings.model_copy(update={"industry_groups": settings.groups_part})
    # What a scheme is called changes no result either.
    described = counted.model_dump_json(
        exclude={**dict.fromkeys(left_out, True), "industry_groups": {"title", "year"}}
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
        complete_river_ranks=frozenset(settings.complete_river_ranks),
        industry_map=_industry_map(settings.industry_map),
        rulebook_path=folder / settings.rulebook if settings.rulebook else None,
        waivers_path=folder / settings.waivers if settings.waivers else None,
        approvals_path=folder / settings.approvals if settings.approvals else None,
        confidentiality=settings.confidentiality,
        map_approval=settings.map_approval,
        dem=dem,
        basemaps=tuple(basemap_of(part, folder) for part in settings.basemaps),
        restricted={name: frozenset(roles) for name, roles in settings.restricted.items()},
        digest=digest,
    )


def _industry_map(part: _IndustryMapPart | None) -> CountyIndustries | None:
    return None if part is None else CountyIndustries(part.leading, part.characteristic)


def unusable(folder: Path, faults: list[Fault]) -> WorkspaceError:
    """Return the error of a workspace that has these faults."""
    key = "fault.workspace_one" if len(faults) == 1 else "fault.workspace_many"
    return WorkspaceError(said(key, name=repr(folder.name), count=len(faults)), faults)
