"""Decide which column of a file becomes which column of the layer, and in which unit.

A mapping file comes first, then the layer's own names, then common names in Chinese and
English; in a shapefile a name may be cut short. If something important stays open, the user is
asked: an amount of money without a unit could be wrong by a factor of ten thousand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from geo_service.documents import nearest_name
from geo_service.errors import Choice, ChoiceNeededError, Fault, InvalidQueryError, SourceError
from geo_service.ingest.names import (
    aliases,
    coordinate_names,
    plain,
    plain_unit,
    split_unit,
    unit_of,
    units,
)
from geo_service.ingest.options import ColumnSource, SourceMapping
from geo_service.model import Message
from geo_service.schema import Field, LayerSchema, Need
from geo_service.wording import said

_CUT_BYTES = 8
"""Names of at least this many bytes may have been cut at 10: a character has up to three."""
_SHORTEST_CUT = 2
_MONEY = "CNY"
REMEMBERED_UNITS = frozenset({"given", "mapping", "header", "remembered", "shapes"})
"""Marks a unit that was remembered from an earlier file and so is only a hint."""


@dataclass(frozen=True, kw_only=True)
class Matched:
    """A column of the layer, and the column of the file that it comes from."""

    field: str
    column: str
    how: str
    """`mapping`, `given`, `name`, `alias` or `cut` (only the start of an alias is left)."""
    unit: str | None = None
    """The unit of the values, as named in the file; None if none is named."""
    factor: float = 1.0
    """The factor by which values are multiplied."""
    is_from_above: bool = False
    """Whether only a heading over several columns says so, and what stands below it does not."""
    unit_how: str = ""
    """`given`, `mapping`, `header`, `name`, `remembered`, `shapes`, `values` or `assumed`."""


@dataclass(frozen=True, kw_only=True)
class ColumnPlan:
    """How a file's columns become a layer's columns."""

    matched: tuple[Matched, ...]
    values: Mapping[str, Any] = field(default_factory=dict)
    """Fixed values that every row gets."""
    unused: tuple[str, ...] = ()
    x: str | None = None
    y: str | None = None
    wkt: str | None = None

    def of(self, field: str) -> Matched | None:
        """Return the match of a column of the layer; None if it has none."""
        return next((item for item in self.matched if item.field == field), None)

    @property
    def is_placed(self) -> bool:
        """Whether the table has coordinates or WKT."""
        return self.wkt is not None or (self.x is not None and self.y is not None)


def match_columns(  # noqa: PLR0913 - the columns and all that says what they mean
    columns: Sequence[str],
    schema: LayerSchema,
    *,
    mapping: SourceMapping | None,
    shown: str,
    is_remembered: bool = False,
    cut_in: str | None = None,
    has_geometry: bool = True,
    parts: Mapping[str, tuple[str, ...]] | None = None,
    chosen: Mapping[str, str] | None = None,
) -> ColumnPlan:
    """Return how a file's columns become a layer's columns.

    A mapping `is_remembered` if it comes from an earlier file: it then identifies columns, but
    gives a unit only if neither this file's heading nor its shapes do. `parts` are those of names
    below a heading of several columns; `chosen` are the caller's columns, by column of the layer.

    Raises
    ------
    SourceError
        The mapping names a column that the file or the layer does not have, or the file has no
        column for the layer's key.
    ChoiceNeededError
        Several columns below one heading, or with one name, can be the same column of the layer.
    InvalidQueryError
        A chosen column does not exist.
    """
    headings = Headings(schema, parts or {})
    matched: dict[str, Matched] = {}
    if mapping is not None:
        matched = _by_mapping(columns, headings, mapping, shown, is_remembered=is_remembered)
    matched |= _by_choice(columns, headings, chosen or {})
    used = {item.column for item in matched.values()}
    x = y = wkt = None
    if not has_geometry:
        x, y, wkt = _coordinates([name for name in columns if name not in used])
        used |= {name for name in (x, y, wkt) if name is not None}
    fixed = dict(mapping.values) if mapping is not None else {}
    for cut in (None, cut_in) if cut_in else (None,):
        found = [
            (rank, position, item)
            for position, column in enumerate(columns)
            if column not in used
            for item, rank in headings.meanings(column, cut_in=cut)
        ]
        if cut is None:
            left = [one for one in found if one[2].field not in {*matched, *fixed}]
            _require_one_column(left, parts or {}, shown)
        for _, _, item in sorted(found, key=lambda one: one[:2]):
            taken = item.field in matched or item.field in fixed or item.column in used
            if not taken:
                matched[item.field] = item
                used.add(item.column)
    order = {name: position for position, name in enumerate(schema.columns)}
    return ColumnPlan(
        matched=tuple(sorted(matched.values(), key=lambda item: order[item.field])),
        values=fixed,
        unused=tuple(name for name in columns if name not in used),
        x=x,
        y=y,
        wkt=wkt,
    )


@dataclass(frozen=True)
class Headings:
    """What the headings of a file can mean in a layer."""

    schema: LayerSchema
    parts: Mapping[str, tuple[str, ...]]

    def meanings(self, column: str, *, cut_in: str | None = None) -> Iterator[tuple[Matched, int]]:
        """Yield the columns that a heading can mean, each with its rank.

        Below a heading of several columns the last part counts, else those above it.
        """
        parts = self.parts.get(column)
        if parts is None:
            yield from _by_name(column, self.schema, cut_in=cut_in)
            return
        for text in (column, *reversed(parts)):
            found = list(_by_name(text, self.schema, cut_in=None))
            for item, rank in found:
                is_above = text not in {column, parts[-1]}
                whole = replace(item, column=column, is_from_above=is_above)
                unit = None if item.unit else self.unit_of(column, item.field)
                yield _in_unit(whole, self.schema, unit), rank
            if found:
                return

    def unit_of(self, column: str, field: str) -> str | None:
        """Return the unit that any part of a heading names for a column of the layer."""
        item = self.schema.field(field)
        for text in (column, *reversed(self.parts.get(column, ()))):
            unit, how = _heading_unit(text, item)
            if unit is not None and how == "header":
                return unit
        return None


def _in_unit(matched: Matched, schema: LayerSchema, unit: str | None) -> Matched:
    """Return a column in the unit that its heading names, if it names one."""
    if unit is None:
        return matched
    factor = units(unit_of(schema.field(matched.field)))[plain_unit(unit)]
    return replace(matched, unit=unit, factor=factor, unit_how="header")


def _by_choice(
    columns: Sequence[str], headings: Headings, chosen: Mapping[str, str]
) -> dict[str, Matched]:
    """Return the columns that the caller chose."""
    parameter = "column"
    matched = {}
    for name, column in chosen.items():
        if name not in headings.schema.columns:
            near = nearest_name(name, headings.schema.columns)
            raise InvalidQueryError(
                parameter, said("problem.chosen_field", name=repr(name), near=near)
            )
        if column not in columns:
            near = nearest_name(column, columns)
            raise InvalidQueryError(
                parameter, said("problem.chosen_column", name=repr(column), near=near)
            )
        own = Matched(field=name, column=column, how="given")
        named = (item for item, _ in headings.meanings(column) if item.field == name)
        found = next(named, None) or _in_unit(own, headings.schema, headings.unit_of(column, name))
        matched[name] = replace(found, how="given")
    return matched


def _require_one_column(
    found: Sequence[tuple[int, int, Matched]], parts: Mapping[str, tuple[str, ...]], shown: str
) -> None:
    """Ask which column is meant where a heading over several columns leaves it open.

    Raises
    ------
    ChoiceNeededError
        The choices are the file's columns of the same rank.
    """
    best: dict[str, int] = {}
    for rank, _, item in found:
        best[item.field] = min(rank, best.get(item.field, rank))
    for name, rank in best.items():
        alike = [item for one, _, item in found if item.field == name and one == rank]
        is_open = len(alike) > 1 or any(item.is_from_above for item in alike)
        if not is_open or not any(item.column in parts for item in alike):
            continue
        message = said("import.which_column", file=shown, field=name)
        evidence = said("import.in_heading")
        choices = [Choice(value=item.column, evidence=evidence) for item in alike]
        raise ChoiceNeededError(f"column:{name}", message, choices)


def _by_mapping(
    columns: Sequence[str],
    headings: Headings,
    mapping: SourceMapping,
    shown: str,
    *,
    is_remembered: bool,
) -> dict[str, Matched]:
    schema = headings.schema
    faults = []
    matched = {}
    for name in (*mapping.columns, *mapping.values, *mapping.words):
        if name not in schema.columns:
            expected = nearest_name(name, schema.columns)
            faults.append(
                Fault(
                    file=shown,
                    found=said("refusal.mapped_name", name=repr(name)),
                    expected=expected,
                )
            )
    for name in mapping.columns:
        source = mapping.source_of(name)
        if name not in schema.columns or source is None:
            continue
        if source.column not in columns:
            expected = nearest_name(source.column, columns)
            found = said("refusal.mapped_column", name=repr(source.column))
            faults.append(Fault(file=shown, column=name, found=found, expected=expected))
            continue
        known = units(unit_of(schema.field(name)))
        if source.unit is not None and plain_unit(source.unit) not in known:
            expected = said("fault.any_of", known=list(known)) if known else said("refusal.no_unit")
            found = said("refusal.mapped_unit", unit=repr(source.unit))
            faults.append(Fault(file=shown, column=name, found=found, expected=expected))
            continue
        heading = headings.unit_of(source.column, name)
        matched[name] = _mapped(schema.field(name), source, heading, is_remembered=is_remembered)
    if faults:
        msg = said("refusal.mapping_unfit", file=shown)
        raise SourceError(msg, faults)
    return matched


def _mapped(
    item: Field, source: ColumnSource, heading: str | None, *, is_remembered: bool
) -> Matched:
    """Return a column as the mapping says; a unit in the heading overrides a remembered one."""
    unit, unit_how = source.unit, "mapping"
    if unit is None or is_remembered:
        unit, unit_how = _heading_unit(source.column, item)
        if unit is None and heading is not None:
            unit, unit_how = heading, "header"
        if unit is None:
            unit, unit_how = source.unit, "remembered"
    is_own = unit is None or unit_how == "name"
    return Matched(
        field=item.name,
        column=source.column,
        how="mapping",
        unit=unit,
        factor=1.0 if is_own else units(unit_of(item))[plain_unit(str(unit))],
        unit_how=unit_how if unit else "",
    )


def _heading_unit(column: str, item: Field) -> tuple[str | None, str]:
    """Return the unit that a heading names for a column of the layer, and how it was found."""
    if plain(item.name) == plain(column):
        return item.unit, "name"
    known = units(unit_of(item))
    named = (unit for _, unit in split_unit(column) if unit and plain_unit(unit) in known)
    return next(named, None), "header"


def with_units(plan: ColumnPlan, schema: LayerSchema, unit_texts: Mapping[str, str]) -> ColumnPlan:
    """Return the plan with columns in the units that the caller gave.

    Raises
    ------
    InvalidQueryError
        The file has no such column, or its values cannot be in that unit.
    """
    parameter = "unit"
    changed = {}
    for name, unit in unit_texts.items():
        matched = plan.of(name)
        if matched is None:
            found = [item.field for item in plan.matched] or said("import.none")
            msg = said("problem.unit_column", name=repr(name), found=found)
            raise InvalidQueryError(parameter, msg)
        known = units(unit_of(schema.field(name)))
        if plain_unit(unit) not in known:
            expected = list(known) or said("refusal.no_unit")
            msg = said("problem.unit_unknown", name=name, unit=repr(unit), known=expected)
            raise InvalidQueryError(parameter, msg)
        factor = known[plain_unit(unit)]
        changed[name] = replace(matched, unit=unit, factor=factor, unit_how="given")
    return replace(plan, matched=tuple(changed.get(item.field, item) for item in plan.matched))


def _coordinates(columns: Sequence[str]) -> tuple[str | None, str | None, str | None]:
    """Return the columns of x, y and WKT of a table."""
    plain_names = {column: plain(split_unit(column)[0][0]) for column in columns}

    def first(axis: str) -> str | None:
        known = coordinate_names(axis)
        return next((column for column, name in plain_names.items() if name in known), None)

    x, y, wkt = first("x"), first("y"), first("wkt")
    return (None, None, wkt) if wkt is not None else (x, y, None)


def _by_name(
    column: str, schema: LayerSchema, *, cut_in: str | None
) -> Iterator[tuple[Matched, int]]:
    """Yield the columns that a name can mean, each with its rank."""
    known = aliases(schema.name)
    for name, unit in split_unit(column):
        found = _by_start(column, name, known, cut_in) if cut_in else known.get(name)
        if found is None:
            continue
        field, rank = found
        item = schema.field(field)
        words = units(unit_of(item))
        if unit is not None and plain_unit(unit) not in words:
            continue
        is_own = plain(field) == plain(column)
        own_unit = item.unit if is_own else None
        yield (
            Matched(
                field=field,
                column=column,
                how="name" if is_own else "cut" if cut_in else "alias",
                unit=unit or own_unit,
                factor=words[plain_unit(unit)] if unit is not None else 1.0,
                unit_how="header" if unit is not None else "name" if own_unit else "",
            ),
            rank,
        )


def _by_start(
    column: str, name: str, names: Mapping[str, tuple[str, int]], encoding: str
) -> tuple[str, int] | None:
    """Return the only column whose name a cut name can be the start of; else None."""
    size = len(column.encode(encoding, errors="replace"))
    if size < _CUT_BYTES or len(name) < _SHORTEST_CUT:
        return None
    found = [meant for alias, meant in names.items() if alias.startswith(name)]
    return min(found, key=lambda one: one[1]) if len({field for field, _ in found}) == 1 else None


def require_key(plan: ColumnPlan, schema: LayerSchema, columns: Sequence[str], shown: str) -> None:
    """Refuse a file without the layer's key or another column that must be filled.

    Raises
    ------
    SourceError
        The error lists every such column, and the columns that the file has.
    """
    given = {item.field for item in plan.matched} | set(plan.values)
    faults = [
        Fault(
            file=shown,
            layer=schema.name,
            column=item.name,
            found=said(
                "refusal.no_column", columns=", ".join(columns)[:300] or said("import.none")
            ),
            expected=said("refusal.column_named", name=item.name),
        )
        for item in schema.fields
        if item.need is Need.VALUE and item.name not in given
    ]
    if faults:
        msg = said(
            "refusal.layer", file=shown, layer=schema.name, label=Message(f"layer.{schema.name}")
        )
        raise SourceError(msg, faults)


def require_money_units(plan: ColumnPlan, schema: LayerSchema, shown: str) -> None:
    """Ask for the unit of a column of money that names none.

    Raises
    ------
    ChoiceNeededError
        The choices are the possible units of the first such column.
    """
    for item in plan.matched:
        if schema.field(item.field).unit == _MONEY and not item.unit_how:
            message = said(
                "import.which_unit",
                file=shown,
                column=repr(item.column),
                heading=item.column,
                field=item.field,
            )
            choices = [
                Choice(value=word, evidence=said("import.unit_is", unit=word, factor=factor))
                for word, factor in units(_MONEY).items()
                if not word.isascii()
            ]
            raise ChoiceNeededError(f"unit:{item.field}", message, choices)
