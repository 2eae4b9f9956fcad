"""A caller's options of an import, and the mapping file in which they are remembered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from geo_service.documents import as_toml, nearest_name, parse_model, read_text, read_toml
from geo_service.errors import Fault, InvalidQueryError, SourceError
from geo_service.ingest.limits import Limits
from geo_service.language import Translator
from geo_service.model import TakenAs
from geo_service.wording import said

if TYPE_CHECKING:
    import pandas as pd

AUTO = "auto"
"""Stands for a CRS, or a layer, that is to be found from the file."""
MOST_CRS_CHARACTERS = 10_000
"""Longest text of a given CRS: a name, or a definition as PROJ text or WKT."""
UNIT = "unit:"
"""Prefix of the name of a choice of unit, before the layer's column whose unit is open."""
COLUMN = "column:"
"""Prefix of the name of a choice of column, before the layer's column that is open."""


class ColumnSource(BaseModel):
    """The source of a column's values: a column of the file, and its unit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str = Field(max_length=200)
    unit: str | None = Field(default=None, max_length=20)


class SourceMapping(BaseModel):
    """What is known about a source: columns, fixed values, words, CRS, encoding, scheme."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    format: Literal[1] = 1
    layer: str | None = None
    crs: str | None = Field(default=None, max_length=MOST_CRS_CHARACTERS)
    encoding: str | None = Field(default=None, max_length=30)
    scheme: str | None = Field(default=None, max_length=30)
    columns: dict[str, str | ColumnSource] = Field(default_factory=dict)
    values: dict[str, str | bool | int | float] = Field(default_factory=dict)
    words: dict[str, dict[str, str]] = Field(default_factory=dict)

    def source_of(self, name: str) -> ColumnSource | None:
        """Return the source of a column of the layer; None if this mapping has none."""
        found = self.columns.get(name)
        return ColumnSource(column=found) if isinstance(found, str) else found


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """How to read a file; options that are not given are worked out, or asked for."""

    crs: str = AUTO
    encoding: str | None = None
    scheme: str | None = None
    mapping: SourceMapping | None = None
    mappings: Path | None = None
    """The folder of remembered mapping files, used if no mapping is given."""
    source_layer: str | None = None
    """The layer or sheet to import from a file that contains several."""
    file: str | None = None
    """The file to import from an archive that contains several, as the choices name it."""
    units: Mapping[str, str] = field(default_factory=dict)
    """For each column of the layer, the unit of the file's values."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """For each column of the layer, the file's column, where its headings leave it open."""
    shown: str | None = None
    """The file's name in reports and messages."""
    published: Callable[[str], pd.DataFrame] | None = None
    """Returns a layer's stored rows, to join rows to; the plan's rows if None."""
    taken_as: TakenAs | None = None
    """What the file is for the layer; if None all of it, or changes if its rows have no places."""
    may_guess: bool = True
    """Whether a layer that nobody named may be the one that the columns tell; else it is asked."""
    translator: Translator = field(default_factory=Translator)
    limits: Limits = field(default_factory=Limits)


AS = "as"
"""The name of the choice of what a file is for its layer."""
ANSWERED = frozenset({"crs", "scheme", "source_layer", "file", AS})
"""Choices answered under their own names; others begin with `UNIT` or `COLUMN`."""


def read_taken_as(text: str | None) -> TakenAs | None:
    """Return what a file is for its layer; InvalidQueryError for another word."""
    if text is None:
        return None
    try:
        return TakenAs(text)
    except ValueError:
        near = nearest_name(text[:40], tuple(TakenAs))
        raise InvalidQueryError(AS, said("problem.taken_as", near=near)) from None


def with_answer(options: ImportOptions, parameter: str, value: str) -> ImportOptions:
    """Return the options with an answer to a choice, named as in `ChoiceNeededError.parameter`.

    Raises
    ------
    InvalidQueryError
        There is no choice of this name.
    """
    if parameter.startswith(UNIT):
        units = {**options.units, parameter.removeprefix(UNIT): value}
        return replace(options, units=units)
    if parameter.startswith(COLUMN):
        columns = {**options.columns, parameter.removeprefix(COLUMN): value}
        return replace(options, columns=columns)
    if parameter not in ANSWERED:
        raise InvalidQueryError(parameter, said("problem.asks_nothing", name=parameter))
    if parameter == AS:
        return replace(options, taken_as=read_taken_as(value))
    answer: dict[str, Any] = {parameter: value}
    return replace(options, **answer)


def read_units(texts: Iterable[str]) -> dict[str, str]:
    """Return units by column of the layer, from texts `COLUMN:UNIT` (`investment_cny:万元`).

    Raises
    ------
    InvalidQueryError
        One of the texts is not of this form.
    """
    units = {}
    for text in texts:
        column, separator, unit = (part.strip() for part in text.partition(":"))
        if not (column and separator and unit):
            parameter = "unit"
            msg = said("problem.unit_form", text=repr(text[:60]))
            raise InvalidQueryError(parameter, msg)
        units[column] = unit
    return units


def read_columns(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Return answers to choices of columns, from texts `COLUMN:HEADING` (`output_cny:产值 2025年`).

    Raises
    ------
    InvalidQueryError
        One of the texts is not of this form.
    """
    answers = []
    for text in texts:
        column, _, heading = (part.strip() for part in text.partition(":"))
        if not (column and heading):
            parameter = "column"
            raise InvalidQueryError(parameter, said("problem.column_form", text=repr(text[:60])))
        answers.append((f"{COLUMN}{column}", heading))
    return answers


def read_mapping(path: Path) -> SourceMapping:
    """Read a mapping file.

    Raises
    ------
    SourceError
        It cannot be read or is invalid; the error lists every fault.
    """
    text, faults = read_text(path)
    if faults:
        raise _unusable(path.name, faults)
    return parse_mapping(text, path.name)


def parse_mapping(text: str, name: str) -> SourceMapping:
    """Parse a mapping file's text; `name` is its name in messages.

    Raises
    ------
    SourceError
        It is not TOML or is invalid; the error lists every fault.
    """
    data, faults = read_toml(text, name)
    mapping = None
    if not faults:
        mapping, faults = parse_model(SourceMapping, data, name)
    if mapping is None:
        raise _unusable(name, faults)
    return mapping


def _unusable(name: str, faults: Iterable[Fault]) -> SourceError:
    return SourceError(said("refusal.mapping", name=repr(name)), faults)


_HEADING = """\
# How the columns of one kind of file become a layer's. Used for files with the same
# columns; may be changed by hand and given with --map-columns.
"""


def write_mapping(mapping: SourceMapping, path: Path) -> None:
    """Write a mapping as TOML, for people to read and change."""
    columns: dict[str, Any] = {}
    for name in mapping.columns:
        source = mapping.source_of(name)
        if source is not None:
            has_unit = bool(source.unit)
            columns[name] = source.model_dump() if has_unit else source.column
    described = {"layer": mapping.layer, "crs": mapping.crs, "encoding": mapping.encoding}
    document = {
        "format": 1,
        **described,
        "scheme": mapping.scheme,
        "columns": columns,
        "values": mapping.values or None,
        "words": mapping.words or None,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(_HEADING + as_toml(document), encoding="utf-8")
    part.replace(path)


def layout_of(layer: str, format_: str, columns: Iterable[str]) -> str:
    """Return the name under which files with this layer, format and columns are remembered."""
    described = "\n".join([format_, *sorted(columns)])
    return f"{layer}-{hashlib.sha256(described.encode()).hexdigest()[:12]}"
