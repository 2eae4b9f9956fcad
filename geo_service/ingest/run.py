"""Read one file as one layer: the whole way from a path to a frame and its report.

Four steps, each from what the one before found: `Read` (the file is open), `Mapped` (its columns
are understood), `Placed` (CRS, units and scheme are settled), `Converted` (its rows are good or
refused). Each is a frozen record; nothing found once is changed later.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo_service.documents import nearest_name
from geo_service.errors import Fault, NotFoundError
from geo_service.ingest.apart import open_source_apart
from geo_service.ingest.columns import ColumnPlan
from geo_service.ingest.conversion import Converter
from geo_service.ingest.guessing import Guess, guess_layer
from geo_service.ingest.hints import hints_of
from geo_service.ingest.ledger import Ledger
from geo_service.ingest.limits import Budget, source_error
from geo_service.ingest.mapping import (
    Mapped,
    Progress,
    Read,
    Report,
    checked,
    learned_mapping,
    map_columns,
)
from geo_service.ingest.merging import (
    Whole,
    settle_references,
    settle_repeated_ids,
)
from geo_service.ingest.opening import open_source
from geo_service.ingest.options import AUTO, ImportOptions, SourceMapping
from geo_service.ingest.placement import Placement
from geo_service.ingest.placing import Placed, place_source
from geo_service.ingest.sources import Batch, ImportSource
from geo_service.ingest.vertices import with_shapes
from geo_service.model import Message, TakenAs
from geo_service.plan import Plan
from geo_service.schema import SCHEMAS, LayerSchema, Need
from geo_service.scratch import scratch_folder
from geo_service.wording import said

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.isolation import Isolated


@dataclass(frozen=True, kw_only=True)
class Imported:
    """The result of an import: the layer's frame, and everything that was done to get it."""

    layer: str
    guess: Guess | None = None
    """Why it is this layer, if nobody named one."""
    frame: pd.DataFrame
    """The rows that can be published, in the form of `reading.read_layer`."""
    source: ImportSource
    columns: ColumnPlan
    placement: Placement | None
    ledger: Ledger
    rows: int
    """Number of rows in the file."""
    taken_as: TakenAs = TakenAs.WHOLE
    """What the file is for its layer."""
    is_said: bool = False
    """Whether the caller said so."""
    joined: int | None = None
    """Number of published rows that the file changes."""
    filled: Mapping[str, str] = field(default_factory=dict)
    """Columns that the file does not have, and the values they got."""
    scheme: str | None = None
    translated: Mapping[str, Mapping[tuple[str, str], int]] = field(default_factory=dict)
    breaks: tuple[Fault, ...] = ()
    """Conflicts with other layers once this is published; check them before publishing."""
    notes: tuple[Message, ...] = ()
    layout: str = ""
    learned: SourceMapping = field(default_factory=SourceMapping)
    """What to remember for files of this kind."""
    seconds: float = 0.0

    @property
    def features(self) -> int:
        """Number of features in the layer."""
        return len(self.frame)

    @property
    def rate(self) -> float:
        """Rows read per second."""
        return self.rows / self.seconds if self.seconds else 0.0


def read_source(
    path: Path,
    layer: str,
    *,
    plan: Plan,
    options: ImportOptions | None = None,
    progress: Progress | None = None,
    process: Isolated | None = None,
) -> Imported:
    """Read a file's rows as a layer, repair them, and report what was found and done.

    Parameters
    ----------
    path
        A file, or the folder of a file geodatabase.
    layer
        The name of a layer of the schema; `AUTO` for the one that the columns tell.
    plan
        The published plan, against which ids, extent and coordinates are checked.
    process
        The process in which to open the file (`apart.start`); if None, this process, which is
        only safe for a trusted file.

    Raises
    ------
    NotFoundError
        The layer does not exist.
    SourceError
        The file cannot be read as this layer, its coordinates cannot be placed, or it has no
        good row.
    ChoiceNeededError
        The file leaves its CRS, a unit, the scheme, the layer or the sheet open.
    InvalidQueryError
        An option is outside its range.
    """
    if layer != AUTO and layer not in SCHEMAS:
        msg = said(
            "problem.no_layer_near",
            name=repr(layer),
            near=nearest_name(layer, tuple(SCHEMAS)),
        )
        raise NotFoundError(msg)
    chosen = checked(options or ImportOptions())
    report = Report(progress)
    budget = Budget(chosen.shown or path.name, chosen.limits, watch=report.again)
    with scratch_folder("import") as folder:
        location = (path, layer, folder)
        if process is None:
            source = open_source(*location, options=chosen, budget=budget)
        else:
            source = open_source_apart(process, *location, options=chosen, budget=budget)
        guess = None if layer != AUTO else _guess(source, budget, may_guess=chosen.may_guess)
        read = Read(
            source=source,
            schema=SCHEMAS[layer if guess is None else guess.layer],
            plan=plan,
            options=chosen,
            budget=budget,
            report=report,
        )
        imported = _in_steps(read)
    return imported if guess is None else replace(imported, guess=guess)


def _guess(source: ImportSource, budget: Budget, *, may_guess: bool) -> Guess:
    """Return the layer that a file fits, by its columns and first shapes."""
    batches = source.read()
    try:
        first = next(batches, None)
    finally:
        close = getattr(batches, "close", None)
        if close is not None:
            close()
        budget.features = budget.vertices = 0
    return guess_layer(source, first, may_guess=may_guess)


@dataclass(frozen=True, kw_only=True)
class Converted:
    """A file whose rows are converted: the good ones of the whole file, and what became of all."""

    placed: Placed
    frame: pd.DataFrame
    """The rows that are good also beside each other, as the layer has them."""
    rows: int
    """Number of rows in the file."""
    ledger: Ledger
    translated: Mapping[str, Mapping[tuple[str, str], int]]
    cleared: Mapping[str, int]
    """By column, how many published values an update takes away."""


def _in_steps(read: Read) -> Imported:
    mapped = with_shapes(map_columns(read))
    read = mapped.read
    with read.batches() as batches:
        first = next(batches, None)
        if first is None or not len(first.numbers):
            raise source_error(read.source.shown, said("refusal.no_rows"), said("refusal.rows"))
        placed = place_source(mapped, first)
        ledger = Ledger(mapped.options.translator)
        try:
            return _imported(_convert(placed, itertools.chain([first], batches), ledger))
        except BaseException:
            ledger.close()
            raise


def _convert(placed: Placed, batches: Iterator[Batch], ledger: Ledger) -> Converted:
    """Convert all rows, and settle what only the whole layer shows."""
    mapped, read = placed.mapped, placed.mapped.read
    converter = Converter(
        schema=read.schema,
        plan=read.plan,
        columns=placed.columns,
        ledger=ledger,
        shown=read.source.shown,
        defaults=placed.defaults,
        placement=placed.placement,
        scheme=placed.scheme,
        mapped_words=mapped.mapping.words if mapped.mapping is not None else {},
        domains=read.source.domains,
        is_parted_by_semicolons=read.source.is_parted_by_semicolons,
        beside=placed.beside,
        is_area_measured=placed.is_area_measured,
    )
    whole, rows = _collect(read, batches, converter)
    read.report(rows, rows, "check")
    if settle_repeated_ids(whole) and placed.is_area_measured:
        whole.frame["area_m2"] = converter.measure(whole.frame.geometry.to_numpy())
    beside = placed.beside
    settle_references(whole, read.plan, beside=None if beside is None else beside.published)
    if whole.frame.empty and beside is not None and placed.can_be_other:
        beside.require_other(ledger, rows, read.source.shown)
    if whole.frame.empty:
        raise source_error(
            read.source.shown,
            said("refusal.none_good", rows=rows, reasons=_reasons(mapped, ledger)),
            said("refusal.good_rows"),
        )
    return Converted(
        placed=placed,
        frame=whole.frame,
        rows=rows,
        ledger=ledger,
        translated=converter.translated,
        cleared=converter.cleared,
    )


def _collect(read: Read, batches: Iterator[Batch], converter: Converter) -> tuple[Whole, int]:
    """Convert batch after batch; return the good rows of all, and how many there are."""
    frames: list[pd.DataFrame] = []
    numbers: list[NDArray[np.int64]] = []
    rows = 0
    total = read.source.rows or 0
    for batch in batches:
        frame, accepted = converter.convert(batch)
        frames.append(frame)
        numbers.append(accepted)
        rows += len(batch.numbers)
        read.report(rows, max(total, rows), "read")
    frame = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    frames.clear()
    whole = Whole(
        _settled_types(frame.reset_index(drop=True), read.schema),
        np.concatenate(numbers),
        read.schema,
        converter.ledger,
        ("area_m2",) if converter.is_area_measured else (),
    )
    return whole, rows


def _reasons(mapped: Mapped, ledger: Ledger) -> str:
    """Return the first few reasons why rows were refused."""
    translator = mapped.options.translator
    texts = dict.fromkeys(translator.render(item.reason) for item in ledger.refused[:20])
    return "; ".join(list(texts)[:3])


def _imported(converted: Converted) -> Imported:
    """Return what all steps came to; rows of a table stand among the published ones."""
    placed, mapped = converted.placed, converted.placed.mapped
    read, frame = mapped.read, converted.frame
    if placed.beside is not None:
        frame = placed.beside.merged(frame)
    return Imported(
        layer=read.schema.name,
        frame=frame,
        source=read.source,
        columns=placed.columns,
        placement=placed.placement,
        ledger=converted.ledger,
        rows=converted.rows,
        taken_as=placed.taken_as,
        is_said=mapped.options.taken_as is not None,
        joined=len(converted.frame) if placed.taken_as is TakenAs.UPDATE else None,
        filled=placed.filled,
        scheme=placed.scheme,
        translated=converted.translated,
        notes=(
            *placed.notes,
            *_missing_rows(read, converted.rows),
            *_cleared(converted.cleared),
            *hints_of(converted.frame, read.schema, read.plan, placed.placement),
        ),
        layout=mapped.layout,
        learned=learned_mapping(mapped, placed.columns, placed.placement),
        seconds=time.monotonic() - read.started,
    )


def _missing_rows(read: Read, rows: int) -> Iterator[Message]:
    """Yield the note about rows that the file announces and does not have."""
    announced = read.source.announced
    if announced is not None and announced != rows:
        values = {"announced": f"{announced:,}", "found": f"{rows:,}"}
        yield Message("import.rows_announced", values)


def _cleared(counts: Mapping[str, int]) -> Iterator[Message]:
    """Yield the note about published values that an update takes away."""
    if counts:
        columns = [Message(f"column.{name}") for name in counts]
        values = {"count": f"{sum(counts.values()):,}", "columns": columns}
        yield Message("import.cleared", values)


def _settled_types(frame: pd.DataFrame, schema: LayerSchema) -> pd.DataFrame:
    """Convert columns that must have values to the plain type that `read_layer` gives them."""
    for item in schema.fields:
        cells = frame[item.name]
        if item.need is Need.VALUE and not cells.isna().any():
            if pd.api.types.is_bool_dtype(cells) and cells.dtype != bool:
                frame[item.name] = cells.astype(bool)
            elif isinstance(cells.dtype, pd.Int64Dtype):
                frame[item.name] = cells.astype("int64")
    return frame
