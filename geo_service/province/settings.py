"""What `PROVINCE.toml` says: the counties, the province's rulebook, its groups of industries.

The file is read and checked whole, with every fault told at once. Leaves out the counties'
own folders: these are opened by the tasks, so that a broken one does not stop the others.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import pyproj
from pydantic import BaseModel, ConfigDict, Field

from geo_service.crs import is_metric
from geo_service.documents import line_of, parse_model, read_text, read_toml, toml_lines
from geo_service.errors import Fault, RulebookError, WorkspaceError
from geo_service.industry import IndustryGroups
from geo_service.model import FocusBasis
from geo_service.stores.opening import has_password
from geo_service.wording import quoted, said
from geo_service.workspace.settings import GroupsPart, Languages, read_groups
from geo_service.zoning.rulebook import Rulebook, parse_rulebook

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from geo_service.model import Message

PARCELS_PER_BLOCK = 250_000
"""Parcels from which on a county is cut, unless the file says another number."""
CountyCode = Annotated[str, Field(pattern=r"^[0-9]{6}$")]
Address = Annotated[str, Field(pattern=r"^https?://[^\s@/?#]+(/[^\s@?#]*)?$", max_length=500)]
"""Where a browser finds a county's console: no query, and nobody's password."""


class _ProvincePart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CountyPart(_ProvincePart):
    """Where a county is: its folder, the shared store that holds its layers, and its console."""

    folder: Annotated[str, Field(min_length=1)]
    store: str | None = None
    console: Address | None = None


class ProvinceFile(_ProvincePart):
    """What `PROVINCE.toml` may say, as it stands there."""

    format: Literal[1]
    name: Annotated[Languages, Field(min_length=1)]
    metric_crs: str
    focus_basis: FocusBasis = FocusBasis.OUTPUT
    rulebook: str | None = None
    industry_groups: GroupsPart | None = None
    parcels_per_block: Annotated[int, Field(ge=1)] = PARCELS_PER_BLOCK
    counties: Annotated[dict[CountyCode, str | CountyPart], Field(min_length=1)]


@dataclass(frozen=True, kw_only=True)
class CountyAt:
    """One county of a province: its code, its folder as an absolute path, store and console."""

    code: str
    folder: str
    store: str | None = None
    console: str | None = None


@dataclass(frozen=True, kw_only=True)
class RulebookText:
    """A rulebook as it was read once: what every task goes by, wherever it runs."""

    file: str
    text: str

    @property
    def rulebook(self) -> Rulebook:
        """The rules; the same text is parsed once in a process."""
        return _parsed(self)


@functools.lru_cache(maxsize=4)
def _parsed(source: RulebookText) -> Rulebook:
    return parse_rulebook(source.text, source.file)


@dataclass(frozen=True, kw_only=True)
class Province:
    """Counties that are reviewed and rolled up together; the counties are in order of codes."""

    name: Mapping[str, str]
    metric_crs: str
    focus_basis: FocusBasis
    counties: tuple[CountyAt, ...]
    rules: RulebookText | None
    """The rulebook that a county's own may only make stricter; None if there is none."""
    groups: IndustryGroups
    parcels_per_block: int
    """A county of more parcels is reviewed in blocks of about so many."""
    folder: Path
    """The folder that `PROVINCE.toml` lies in."""
    files: tuple[Path, ...]
    """The file and those that it names beside the counties: what has to be read again."""

    @property
    def rulebook_version(self) -> str | None:
        """The version of the province's rulebook."""
        return None if self.rules is None else self.rules.rulebook.version


def open_province(path: Path) -> Province:
    """Read `PROVINCE.toml` and what it names beside the counties.

    Raises
    ------
    WorkspaceError
        The file, the rulebook or the table of groups cannot be used; every fault is listed.
    """
    settings, faults = _read(path)
    rules, groups = None, IndustryGroups()
    if settings is not None:
        rules = _read_rules(path.parent, settings, faults)
        if settings.industry_groups is not None:
            groups = read_groups(path.parent, settings.industry_groups, faults)
    if settings is None or faults:
        msg = said("fault.province", name=repr(path.name), count=len(faults))
        raise WorkspaceError(msg, faults)
    return Province(
        name={str(language): text for language, text in settings.name.items()},
        metric_crs=settings.metric_crs,
        focus_basis=settings.focus_basis,
        counties=tuple(
            _county_at(path.parent, code, part) for code, part in sorted(settings.counties.items())
        ),
        rules=rules,
        groups=groups,
        parcels_per_block=settings.parcels_per_block,
        folder=path.parent.resolve(),
        files=tuple(_files(path, settings)),
    )


def _files(path: Path, settings: ProvinceFile) -> Iterator[Path]:
    yield path
    groups = settings.industry_groups
    for name in (settings.rulebook, None if groups is None else groups.file):
        if name is not None:
            yield path.parent / name


def _read(path: Path) -> tuple[ProvinceFile | None, list[Fault]]:
    text, faults = read_text(path)
    if faults:
        return None, faults
    data, faults = read_toml(text, path.name)
    if faults:
        return None, faults
    lines = toml_lines(text)
    settings, faults = parse_model(ProvinceFile, data, path.name, lines=lines)
    if settings is not None:
        for column, found, expected in _contradictions(settings, path.parent):
            line = line_of(tuple(column.split(".")), lines)
            faults.append(
                Fault(file=path.name, line=line, column=column, found=found, expected=expected)
            )
    return settings, faults


def _contradictions(settings: ProvinceFile, folder: Path) -> Iterator[tuple[str, Message, Message]]:
    """Yield what single values cannot tell: place, what was found, what was expected."""
    if not _is_metric(settings.metric_crs):
        yield "metric_crs", quoted(settings.metric_crs), said("fault.metric_crs")
    homes: dict[tuple[str, str | None], str] = {}
    for code, part in settings.counties.items():
        county = _county_at(folder, code, part)
        if county.store is not None and has_password(county.store):
            yield f"counties.{code}.store", said("fault.password"), said("fault.no_password")
        first = homes.setdefault((county.folder, county.store), code)
        if first != code:
            yield f"counties.{code}", quoted(county.folder), said("fault.folder_once", county=first)


def _is_metric(text: str) -> bool:
    try:
        return is_metric(pyproj.CRS.from_user_input(text))
    except pyproj.exceptions.CRSError:
        return False


def _county_at(folder: Path, code: str, part: str | CountyPart) -> CountyAt:
    given = CountyPart(folder=part) if isinstance(part, str) else part
    absolute = os.path.normpath(Path(os.path.abspath(folder)) / given.folder)  # noqa: PTH100 - links stay as they are named
    return CountyAt(code=code, folder=absolute, store=given.store, console=given.console)


def _read_rules(folder: Path, settings: ProvinceFile, faults: list[Fault]) -> RulebookText | None:
    if settings.rulebook is None:
        return None
    path = folder / settings.rulebook
    text, problems = read_text(path)
    faults += problems
    if problems:
        return None
    source = RulebookText(file=path.name, text=text)
    try:
        _ = source.rulebook
    except RulebookError as error:
        faults += error.faults
    return source
