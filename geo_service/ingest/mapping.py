"""The first steps of an import: a file that is open (`Read`), its columns understood (`Mapped`).

What the columns are taken for comes from a mapping that was given, from one that is remembered
of files of the kind, or from their names. No row is looked at here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from geo_service.documents import nearest_name
from geo_service.errors import InvalidQueryError
from geo_service.ingest.columns import REMEMBERED_UNITS, ColumnPlan, match_columns, with_units
from geo_service.ingest.options import (
    AUTO,
    MOST_CRS_CHARACTERS,
    ColumnSource,
    ImportOptions,
    SourceMapping,
    layout_of,
    read_mapping,
)
from geo_service.model import Message
from geo_service.schema import LAND_USE_SCHEMES, LayerSchema
from geo_service.wording import said

if TYPE_CHECKING:
    import pandas as pd

    from geo_service.ingest.limits import Budget
    from geo_service.ingest.placement import Placement
    from geo_service.ingest.sources import Batch, ImportSource
    from geo_service.plan import Plan

Progress = Callable[[int, int, str], None]


class Report:
    """How far an import is; said again while nothing moves, so that it can be cancelled."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._last = (0, 0, "read")

    def __call__(self, done: int, total: int, step: str) -> None:
        """Say how many rows of how many are done, and in which step."""
        self._last = (done, total, step)
        self.again()

    def again(self) -> None:
        """Say once more what was said last."""
        if self._progress is not None:
            self._progress(*self._last)


@dataclass(frozen=True, kw_only=True)
class Read:
    """A file that is open, and the layer that its rows are to become."""

    source: ImportSource
    schema: LayerSchema
    plan: Plan
    options: ImportOptions
    budget: Budget
    report: Report
    started: float = field(default_factory=time.monotonic)

    @cached_property
    def published(self) -> pd.DataFrame:
        """The layer's rows as they are kept."""
        if self.options.published is not None:
            return self.options.published(self.schema.name)
        return self.plan.frame(self.schema.name)

    @contextmanager
    def batches(self) -> Iterator[Iterator[Batch]]:
        """Give the rows from the start; the file is let go of at the end."""
        batches = self.source.read()
        try:
            yield batches
        finally:
            close = getattr(batches, "close", None)
            if close is not None:
                close()

    def first_with(self, first: Batch, has: Callable[[Batch], bool]) -> Batch:
        """Return the first batch that has what a decision needs; the first of all if none has.

        The file is read once more up to there: what is looked for is rarely far.
        """
        if has(first):
            return first
        counted = self.budget.features, self.budget.vertices
        self.budget.features = self.budget.vertices = 0
        try:
            with self.batches() as batches:
                for batch in batches:
                    self.report(0, self.source.rows or 0, "read")
                    if has(batch):
                        return batch
        finally:
            self.budget.features, self.budget.vertices = counted
        return first


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """A file whose columns are understood, as far as names and headings tell."""

    read: Read
    options: ImportOptions
    """What the caller said, completed by the mapping."""
    columns: ColumnPlan
    layout: str
    """The name under which the kind of file is remembered."""
    remembered: SourceMapping | None = None
    """What is remembered of files of this kind; nothing when a mapping was given."""
    notes: tuple[Message, ...] = ()

    @property
    def mapping(self) -> SourceMapping | None:
        """The mapping that counts, given or remembered."""
        return self.options.mapping


def checked(options: ImportOptions) -> ImportOptions:
    """Return options that may be used before anything is read, with the mapping's encoding."""
    if len(options.crs) > MOST_CRS_CHARACTERS:
        parameter = "crs"
        msg = said("problem.long_crs", count=len(options.crs), most=MOST_CRS_CHARACTERS)
        raise InvalidQueryError(parameter, msg)
    if options.scheme is not None and options.scheme not in LAND_USE_SCHEMES:
        parameter = "scheme"
        msg = said("problem.scheme", near=nearest_name(options.scheme, LAND_USE_SCHEMES))
        raise InvalidQueryError(parameter, msg)
    if options.mapping is None or options.encoding is not None:
        return options
    return replace(options, encoding=options.mapping.encoding)


def map_columns(read: Read) -> Mapped:
    """Return what a file's columns are taken for.

    Raises
    ------
    SourceError
        A remembered mapping that cannot be read, or columns that cannot be told apart.
    ChoiceNeededError
        Several columns fit, or a unit is open.
    InvalidQueryError
        A mapping of another layer, or an option outside its range.
    """
    source, schema = read.source, read.schema
    layout = layout_of(schema.name, source.format, source.columns)
    remembered, notes = _remembered(read.options, layout)
    options = _with_mapping(read.options, remembered, schema)
    columns = match_columns(
        source.columns,
        schema,
        mapping=options.mapping,
        is_remembered=remembered is not None,
        shown=source.shown,
        cut_in=source.encoding if source.cut_names else None,
        has_geometry=source.has_geometry,
        parts=source.heading_parts,
        chosen=options.columns,
    )
    return Mapped(
        read=read,
        columns=with_units(columns, schema, options.units),
        options=checked(options),
        layout=layout,
        remembered=remembered,
        notes=(*source.notes, *notes),
    )


def _remembered(
    options: ImportOptions, layout: str
) -> tuple[SourceMapping | None, tuple[Message, ...]]:
    """Return the mapping that is remembered for a kind of file, unless one is given."""
    if options.mapping is not None or options.mappings is None:
        return None, ()
    path = options.mappings / f"{layout}.toml"
    if not path.is_file():
        return None, ()
    return read_mapping(path), (Message("import.mapping_remembered", {"name": path.name}),)


def _with_mapping(
    options: ImportOptions, remembered: SourceMapping | None, schema: LayerSchema
) -> ImportOptions:
    """Take up a mapping: a given one is the caller's word, a remembered one is not."""
    mapping = options.mapping or remembered
    if mapping is None:
        return options
    if mapping.layer is not None and mapping.layer != schema.name:
        parameter = "map_columns"
        msg = said("problem.other_mapping", named=repr(mapping.layer), layer=repr(schema.name))
        raise InvalidQueryError(parameter, msg)
    crs = options.crs
    if remembered is None and crs == AUTO:
        crs = mapping.crs or AUTO
    return replace(options, mapping=mapping, crs=crs, scheme=options.scheme or mapping.scheme)


def learned_mapping(
    mapped: Mapped, columns: ColumnPlan, placement: Placement | None
) -> SourceMapping:
    """Return what is to be remembered; not the encoding, which each file's bytes tell."""
    given = mapped.mapping or SourceMapping()
    crs = None if mapped.options.crs == AUTO else mapped.options.crs
    if crs is None and mapped.remembered is not None:
        was_open = placement is not None and mapped.read.source.crs is None
        is_used = placement is not None and placement.is_remembered
        crs = mapped.remembered.crs if is_used or not was_open else None
    return SourceMapping(
        layer=mapped.read.schema.name,
        crs=crs,
        scheme=mapped.options.scheme,
        columns={
            item.field: ColumnSource(
                column=item.column,
                unit=item.unit if item.unit_how in REMEMBERED_UNITS else None,
            )
            for item in columns.matched
        },
        values=given.values,
        words=given.words,
    )
