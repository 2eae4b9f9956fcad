"""Read one file as one layer: from a path to a frame and its report."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo_service.crs import STORAGE_CRS
from geo_service.documents import nearest_name
from geo_service.errors import Fault, InvalidQueryError, NotFoundError
from geo_service.ingest.apart import open_source_apart
from geo_service.ingest.cells import CellContext, clean_column
from geo_service.ingest.columns import (
    REMEMBERED_UNITS,
    ColumnPlan,
    match_columns,
    require_key,
    require_money_units,
    with_units,
)
from geo_service.ingest.conversion import Converter, shapes_of
from geo_service.ingest.ledger import Ledger
from geo_service.ingest.limits import Budget, source_error
from geo_service.ingest.merging import (
    Whole,
    settle_references,
    settle_repeated_ids,
)
from geo_service.ingest.opening import open_source
from geo_service.ingest.options import (
    AUTO,
    MOST_CRS_CHARACTERS,
    ColumnSource,
    ImportOptions,
    SourceMapping,
    layout_of,
    read_mapping,
)
from geo_service.ingest.placement import Placement, Sample, decide_placement, sample_points
from geo_service.ingest.settling import (
    fill_missing,
    settle_area_units,
    settle_scheme,
    settle_shares,
)
from geo_service.ingest.sources import Batch, Source
from geo_service.model import Message
from geo_service.plan import Plan
from geo_service.schema import LAND_USE_SCHEMES, SCHEMAS, LayerSchema, Need
from geo_service.scratch import scratch_folder
from geo_service.wording import said

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.isolation import Isolated

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, kw_only=True)
class Imported:
    """The result of an import: the layer's frame, and everything that was done to get it."""

    layer: str
    frame: pd.DataFrame
    """The rows that can be published, in the form of `reading.read_layer`."""
    source: Source
    columns: ColumnPlan
    placement: Placement | None
    ledger: Ledger
    rows: int
    """Number of rows in the file."""
    joined: int | None = None
    """Number of published rows that a table without coordinates was joined to."""
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
        The name of a layer of the schema.
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
    if layer not in SCHEMAS:
        msg = said(
            "problem.no_layer_near",
            name=repr(layer),
            near=nearest_name(layer, tuple(SCHEMAS)),
        )
        raise NotFoundError(msg)
    chosen = _checked(options or ImportOptions())
    report = _Report(progress)
    budget = Budget(chosen.shown or path.name, chosen.limits, watch=report.again)
    with scratch_folder("import") as folder:
        places = (path, layer, folder)
        if process is None:
            source = open_source(*places, options=chosen, budget=budget)
        else:
            source = open_source_apart(process, *places, options=chosen, budget=budget)
        return _Run(source, SCHEMAS[layer], plan, chosen, budget, report).read()


class _Report:
    """Reports progress, repeated while nothing changes, so that an import can be cancelled."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._last = (0, 0, "read")

    def __call__(self, done: int, total: int, step: str) -> None:
        self._last = (done, total, step)
        self.again()

    def again(self) -> None:
        if self._progress is not None:
            self._progress(*self._last)


def _checked(options: ImportOptions) -> ImportOptions:
    """Return checked options with the mapping's encoding, for use before anything is read."""
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


class _Run:
    """One running import."""

    def __init__(
        self,
        source: Source,
        schema: LayerSchema,
        plan: Plan,
        options: ImportOptions,
        budget: Budget,
        progress: _Report,
    ) -> None:
        self.source = source
        self.schema = schema
        self.plan = plan
        self.budget = budget
        self.progress = progress
        self.started = time.monotonic()
        self.layout = layout_of(schema.name, source.format, source.columns)
        self.notes = list(source.notes)
        self.remembered = self._remembered(options)
        """The remembered mapping of files of this kind; None if a mapping was given."""
        self.options = self._with_mapping(options)
        self.mapping = self.options.mapping
        columns = match_columns(
            source.columns,
            schema,
            mapping=self.mapping,
            is_remembered=self.remembered is not None,
            shown=source.shown,
            cut_in=source.encoding if source.cut_names else None,
            has_geometry=source.has_geometry,
        )
        self.columns = with_units(columns, schema, options.units)
        self.filled: dict[str, str] = {}
        self.defaults: dict[str, Any] = {}

    def _remembered(self, options: ImportOptions) -> SourceMapping | None:
        """Return the mapping remembered for this kind of file, unless one is given."""
        if options.mapping is not None or options.mappings is None:
            return None
        path = options.mappings / f"{self.layout}.toml"
        if not path.is_file():
            return None
        self.notes.append(Message("import.mapping_remembered", {"name": path.name}))
        return read_mapping(path)

    def _with_mapping(self, options: ImportOptions) -> ImportOptions:
        """Apply a mapping: a given one has the caller's authority, a remembered one does not."""
        mapping = options.mapping or self.remembered
        if mapping is None:
            return options
        if mapping.layer is not None and mapping.layer != self.schema.name:
            parameter = "map_columns"
            msg = said(
                "problem.other_mapping", named=repr(mapping.layer), layer=repr(self.schema.name)
            )
            raise InvalidQueryError(parameter, msg)
        crs = options.crs
        if self.remembered is None and crs == AUTO:
            crs = mapping.crs or AUTO
        return replace(
            options,
            mapping=mapping,
            crs=crs,
            scheme=options.scheme or mapping.scheme,
        )

    # ---- the steps ------------------------------------------------------------------------

    def read(self) -> Imported:
        self.options = _checked(self.options)
        batches = self.source.read()
        first = next(batches, None)
        if first is None or not len(first.numbers):
            raise source_error(self.source.shown, said("refusal.no_rows"), said("refusal.rows"))
        is_joined = self._is_joined()
        if not is_joined:
            self.defaults, self.filled = fill_missing(self.columns, self.schema, self.source)
            require_key(
                replace(self.columns, values={**self.defaults, **self.columns.values}),
                self.schema,
                self.source.columns,
                self.source.shown,
            )
        elif self.columns.of(self.schema.key[0]) is None:
            require_key(
                self.columns,
                replace(self.schema, fields=(self.schema.field(self.schema.key[0]),)),
                self.source.columns,
                self.source.shown,
            )
        require_money_units(self.columns, self.schema, self.source.shown)
        ledger = Ledger(self.options.translator)
        try:
            converter = self._converter(first, ledger, is_joined=is_joined)
            whole, rows = self._collect(itertools.chain([first], batches), converter)
            return self._finished(whole, rows, converter)
        except BaseException:
            ledger.close()
            raise
        finally:
            _close(batches)

    def _is_joined(self) -> bool:
        """Whether the rows are attributes of published features, without coordinates."""
        if self.schema.geometry is None or self.source.has_geometry or self.columns.is_placed:
            return False
        if self.schema.is_geometry_optional:
            return False
        if self._published().empty:
            expected = said(
                "refusal.places", layer=self.schema.name, label=Message(f"layer.{self.schema.name}")
            )
            raise source_error(self.source.shown, said("refusal.no_coordinates"), expected)
        return True

    def _published(self) -> pd.DataFrame:
        """The layer's stored rows."""
        if self.options.published is not None:
            return self.options.published
        return self.plan.frame(self.schema.name)

    def _converter(self, first: Batch, ledger: Ledger, *, is_joined: bool) -> Converter:
        placement, placed = None, first
        if self.schema.geometry is not None and not is_joined:
            placed = self._first_with(first, self._has_places)
            placement = self._placement(placed)
        measured = self._settle_units(placed, placement)
        coded = self._first_with(first, self._has_codes)
        scheme = settle_scheme(
            self.columns, self.schema, coded, self.options.scheme, self.source.shown
        )
        if scheme is not None:
            self.defaults["land_use_scheme"] = scheme
            self.filled["land_use_scheme"] = scheme
            if is_joined:
                self.columns = replace(
                    self.columns, values={**self.columns.values, "land_use_scheme": scheme}
                )
        return Converter(
            schema=self.schema,
            plan=self.plan,
            columns=self.columns,
            ledger=ledger,
            shown=self.source.shown,
            defaults={} if is_joined else self.defaults,
            placement=placement,
            scheme=scheme,
            mapped_words=self.mapping.words if self.mapping is not None else {},
            joined=self._published() if is_joined else None,
            is_area_measured=measured and not is_joined,
        )

    def _first_with(self, first: Batch, has: Callable[[Batch], bool]) -> Batch:
        """Return the first batch that has what a decision needs; the very first if none has.

        The file is read again up to that batch, which is rarely far.
        """
        if has(first):
            return first
        counted = self.budget.features, self.budget.vertices
        self.budget.features = self.budget.vertices = 0
        batches = self.source.read()
        try:
            for batch in batches:
                self.progress(0, self.source.rows or 0, "read")
                if has(batch):
                    return batch
        finally:
            _close(batches)
            self.budget.features, self.budget.vertices = counted
        return first

    def _has_places(self, batch: Batch) -> bool:
        """Return whether a batch has coordinates, if the file can have any."""
        if not self.source.has_geometry and not self.columns.is_placed:
            return True
        return bool(len(sample_points(shapes_of(batch, self.columns).shapes)))

    def _has_codes(self, batch: Batch) -> bool:
        """Return whether a batch has land-use codes, if they need a scheme."""
        matched = self.columns.of("land_use")
        if matched is None or "land_use_scheme" not in self.schema.columns:
            return True
        return bool(batch.table[matched.column].notna().any())

    def _placement(self, first: Batch) -> Placement:
        shapes = shapes_of(first, self.columns).shapes
        matched = self.columns.of(self.schema.key[0])
        ids = None
        if matched is not None:
            quiet = Ledger(self.options.translator)
            with closing(quiet):
                context = CellContext(
                    layer=self.schema.name,
                    ledger=quiet,
                    numbers=first.numbers,
                    ids=np.full(len(first.numbers), "", dtype=object),
                )
                cells = first.table[matched.column].reset_index(drop=True)
                key = self.schema.field(self.schema.key[0])
                ids = clean_column(cells, key, matched, context)
        return decide_placement(
            self.source,
            Sample(shapes=shapes, ids=ids),
            plan=self.plan,
            layer=self.schema.name,
            asked=self.options.crs,
            remembered=self.remembered.crs if self.remembered is not None else None,
        )

    def _settle_units(self, first: Batch, placement: Placement | None) -> bool:
        """Settle units that the heading leaves open; return whether areas are to be measured."""
        self.columns = settle_shares(self.columns, self.schema, first)
        is_polygon = (self.schema.geometry or "").startswith("polygon") and placement is not None
        if is_polygon and placement is not None:
            shapes = placement.place(shapes_of(first, self.columns).shapes)
            self.columns, notes = settle_area_units(
                self.columns, self.schema, first, shapes, self.plan
            )
            self.notes += notes
        has_area = self.columns.of("area_m2") is not None or "area_m2" in self.columns.values
        if is_polygon and "area_m2" in self.schema.columns and not has_area:
            self.filled["area_m2"] = "measured"
            return True
        return False

    def _collect(self, batches: Iterator[Batch], converter: Converter) -> tuple[Whole, int]:
        frames: list[pd.DataFrame] = []
        numbers: list[NDArray[np.int64]] = []
        rows = 0
        total = self.source.rows or 0
        for batch in batches:
            frame, kept = converter.convert(batch)
            frames.append(frame)
            numbers.append(kept)
            rows += len(batch.numbers)
            self.progress(rows, max(total, rows), "read")
        frame = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
        frames.clear()
        whole = Whole(
            _settled_types(frame.reset_index(drop=True), self.schema),
            np.concatenate(numbers),
            self.schema,
            converter.ledger,
            ("area_m2",) if converter.is_area_measured else (),
        )
        return whole, rows

    def _finished(self, whole: Whole, rows: int, converter: Converter) -> Imported:
        self.progress(rows, rows, "check")
        if settle_repeated_ids(whole) and converter.is_area_measured:
            whole.frame["area_m2"] = converter.measure(whole.frame.geometry.to_numpy())
        settle_references(whole, self.plan)
        joined = None
        frame = whole.frame
        if converter.joined is not None:
            joined = len(frame)
            frame = _replaced(converter.joined, frame, self.schema)
        if whole.frame.empty:
            first = self._reasons(converter.ledger)
            raise source_error(
                self.source.shown,
                said("refusal.none_good", rows=rows, reasons=first),
                said("refusal.good_rows"),
            )
        return Imported(
            layer=self.schema.name,
            frame=frame,
            source=self.source,
            columns=self.columns,
            placement=converter.placement,
            ledger=converter.ledger,
            rows=rows,
            joined=joined,
            filled=self.filled,
            scheme=converter.scheme,
            translated=converter.translated,
            notes=tuple(self.notes),
            layout=self.layout,
            learned=self._learned(converter.placement),
            seconds=time.monotonic() - self.started,
        )

    def _reasons(self, ledger: Ledger) -> str:
        """Return the first few reasons why rows were refused."""
        texts = dict.fromkeys(
            self.options.translator.render(item.reason) for item in ledger.refused[:20]
        )
        return "; ".join(list(texts)[:3])

    def _learned(self, placement: Placement | None) -> SourceMapping:
        """Return what to remember; not the encoding, which each file's bytes show."""
        given = self.mapping or SourceMapping()
        crs = None if self.options.crs == AUTO else self.options.crs
        if crs is None and self.remembered is not None:
            was_open = placement is not None and self.source.crs is None
            is_used = placement is not None and placement.is_remembered
            crs = self.remembered.crs if is_used or not was_open else None
        return SourceMapping(
            layer=self.schema.name,
            crs=crs,
            scheme=self.options.scheme,
            columns={
                item.field: ColumnSource(
                    column=item.column,
                    unit=item.unit if item.unit_how in REMEMBERED_UNITS else None,
                )
                for item in self.columns.matched
            },
            values=given.values,
            words=given.words,
        )


def _close(batches: Iterator[Batch]) -> None:
    """Close the file that batches are read from."""
    close = getattr(batches, "close", None)
    if close is not None:
        close()


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


def _replaced(published: pd.DataFrame, rows: pd.DataFrame, schema: LayerSchema) -> pd.DataFrame:
    """Return the published rows, replaced where the import has a row of the same id."""
    key = schema.key[0]
    kept = published[~published[key].isin(rows[key])]
    both = pd.concat([kept, rows[published.columns]], ignore_index=True)
    order = pd.Index(published[key]).get_indexer(both[key])
    both = both.iloc[np.argsort(order, kind="stable")].reset_index(drop=True)
    if isinstance(published, gpd.GeoDataFrame):
        return gpd.GeoDataFrame(both, geometry="geometry", crs=STORAGE_CRS)
    return both
