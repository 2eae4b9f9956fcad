"""The step between understanding a file's columns and converting its rows: `Placed`.

Settles by the first rows what no heading tells: whether the rows have places or belong to
published features, which CRS their numbers are in, units, the land-use scheme, and what stands in
for columns that the file does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geo_service.ingest.cells import CellContext, clean_column
from geo_service.ingest.columns import ColumnPlan, require_key, require_money_units
from geo_service.ingest.conversion import shapes_of
from geo_service.ingest.ledger import Ledger
from geo_service.ingest.limits import source_error
from geo_service.ingest.mapping import Mapped
from geo_service.ingest.parts import Beside, other_way
from geo_service.ingest.placement import Placement, Sample, decide_placement, sample_points
from geo_service.ingest.settling import (
    fill_missing,
    settle_area_units,
    settle_scheme,
    settle_shares,
)
from geo_service.model import Message, TakenAs
from geo_service.wording import said

if TYPE_CHECKING:
    import pandas as pd

    from geo_service.ingest.sources import Batch


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A file of which all is decided that holds for each of its rows."""

    mapped: Mapped
    columns: ColumnPlan
    """With the units that the first rows tell."""
    placement: Placement | None
    """None for rows without places."""
    taken_as: TakenAs
    """What the file is for its layer."""
    beside: Beside | None
    """The published rows that a part file's rows come to stand among."""
    defaults: Mapping[str, Any]
    """Values for columns that the file does not have."""
    filled: Mapping[str, str]
    """The same, as the report says it."""
    scheme: str | None
    is_area_measured: bool
    notes: tuple[Message, ...]

    @property
    def can_be_other(self) -> bool:
        """Whether the file could be taken as something else: its rows have the places it needs."""
        schema = self.mapped.read.schema
        needs_places = schema.geometry is not None and not schema.is_geometry_optional
        return not needs_places or _has_places(self.mapped)


def place_source(mapped: Mapped, first: Batch) -> Placed:
    """Return what holds for all rows of a file, by its first ones.

    Raises
    ------
    SourceError
        The layer's key is missing, rows have no places, or they cannot be placed.
    ChoiceNeededError
        The CRS, the unit of money or the land-use scheme is open.
    """
    read, schema, columns = mapped.read, mapped.read.schema, mapped.columns
    taken_as = _taken_as(mapped)
    is_update = taken_as is TakenAs.UPDATE
    defaults: dict[str, Any] = {}
    filled: dict[str, str] = {}
    if not is_update:
        defaults, filled = fill_missing(columns, schema, read.source)
    _require_columns(mapped, defaults, is_update=is_update)
    placement, sample = None, first
    if schema.geometry is not None and (not is_update or _has_places(mapped)):
        sample = read.first_with(first, lambda batch: _has_shapes(mapped, batch))
        placement = _placement(mapped, sample)
    columns, notes = _settle_units(mapped, sample, placement)
    is_measured = not is_update and _is_area_measured(mapped, columns, placement)
    if is_measured:
        filled["area_m2"] = "measured"
    coded = read.first_with(first, lambda batch: _has_codes(mapped, batch))
    scheme = settle_scheme(columns, schema, coded, mapped.options.scheme, read.source.shown)
    if scheme is not None:
        filled["land_use_scheme"] = scheme
        if not is_update:
            defaults["land_use_scheme"] = scheme
        else:
            columns = replace(columns, values={**columns.values, "land_use_scheme": scheme})
    return Placed(
        mapped=mapped,
        columns=columns,
        placement=placement,
        taken_as=taken_as,
        beside=None if taken_as is TakenAs.WHOLE else Beside(taken_as, read.published, schema),
        defaults=defaults,
        filled=filled,
        scheme=scheme,
        is_area_measured=is_measured,
        notes=(*mapped.notes, *notes),
    )


def _taken_as(mapped: Mapped) -> TakenAs:
    """Return what the file is for its layer: as the caller says, else by whether it has places.

    Rows without places change published features, in a layer that needs places.
    """
    read, asked = mapped.read, mapped.options.taken_as
    source, schema = read.source, read.schema
    needs_places = schema.geometry is not None and not schema.is_geometry_optional
    has_none = needs_places and not _has_places(mapped)
    is_update = asked is TakenAs.UPDATE or (asked is None and has_none)
    if has_none and (not is_update or read.published.empty):
        expected = said("refusal.places", layer=schema.name, label=Message(f"layer.{schema.name}"))
        raise source_error(source.shown, said("refusal.no_coordinates"), expected)
    if is_update and read.published.empty:
        raise other_way(TakenAs.UPDATE, schema, 0, source.shown)
    return asked or (TakenAs.UPDATE if is_update else TakenAs.WHOLE)


def _has_places(mapped: Mapped) -> bool:
    return mapped.read.source.has_geometry or mapped.columns.is_placed


def _require_columns(mapped: Mapped, defaults: Mapping[str, Any], *, is_update: bool) -> None:
    """Make sure that there is a key, and a unit for each amount of money."""
    source, schema, columns = mapped.read.source, mapped.read.schema, mapped.columns
    if not is_update:
        completed = replace(columns, values={**defaults, **columns.values})
        require_key(completed, schema, source.columns, source.shown)
    else:
        only_key = replace(schema, fields=tuple(map(schema.field, schema.key)))
        require_key(columns, only_key, source.columns, source.shown)
    require_money_units(columns, schema, source.shown)


def _has_shapes(mapped: Mapped, batch: Batch) -> bool:
    """Whether a batch has coordinates, where the file can have any."""
    if not _has_places(mapped):
        return True
    return bool(len(sample_points(shapes_of(batch, mapped.columns).shapes)))


def _has_codes(mapped: Mapped, batch: Batch) -> bool:
    """Whether a batch has land-use codes, where they need a scheme."""
    matched = mapped.columns.of("land_use")
    if matched is None or "land_use_scheme" not in mapped.read.schema.columns:
        return True
    return bool(batch.table[matched.column].notna().any())


def _placement(mapped: Mapped, sample: Batch) -> Placement:
    read = mapped.read
    remembered = mapped.remembered
    return decide_placement(
        read.source,
        Sample(shapes=shapes_of(sample, mapped.columns).shapes, ids=_ids_of(mapped, sample)),
        plan=read.plan,
        layer=read.schema.name,
        crs_option=mapped.options.crs,
        remembered=remembered.crs if remembered is not None else None,
    )


def _ids_of(mapped: Mapped, batch: Batch) -> pd.Series[str] | None:
    """Return the ids of a batch as they will be kept; None where the file has none."""
    schema = mapped.read.schema
    matched = mapped.columns.of(schema.key[0])
    if matched is None:
        return None
    with closing(Ledger(mapped.options.translator)) as quiet:
        context = CellContext(
            layer=schema.name,
            ledger=quiet,
            numbers=batch.numbers,
            ids=np.full(len(batch.numbers), "", dtype=object),
        )
        cells = batch.table[matched.column].reset_index(drop=True)
        return clean_column(cells, schema.field(schema.key[0]), matched, context)


def _settle_units(
    mapped: Mapped, sample: Batch, placement: Placement | None
) -> tuple[ColumnPlan, list[Message]]:
    """Settle units that the heading leaves open."""
    schema = mapped.read.schema
    columns = settle_shares(mapped.columns, schema, sample)
    if placement is None or not _is_polygon(mapped):
        return columns, []
    shapes = placement.place(shapes_of(sample, columns).shapes)
    return settle_area_units(columns, schema, sample, shapes, mapped.read.plan)


def _is_polygon(mapped: Mapped) -> bool:
    return (mapped.read.schema.geometry or "").startswith("polygon")


def _is_area_measured(mapped: Mapped, columns: ColumnPlan, placement: Placement | None) -> bool:
    """Whether areas are measured from the shapes: there are shapes, and no areas."""
    has_area = columns.of("area_m2") is not None or "area_m2" in columns.values
    is_measurable = placement is not None and "area_m2" in mapped.read.schema.columns
    return _is_polygon(mapped) and is_measurable and not has_area
