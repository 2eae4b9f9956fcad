"""Convert batches of a source to rows that satisfy a layer's schema; refuse the others.

Batches are converted one at a time, so only the result and one batch are in memory. A row with
a fault in the schema's own check is refused with a reason in the reader's language.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo_service.crs import STORAGE_CRS, measure_area_m2
from geo_service.domain.extent import boundary_box, is_far
from geo_service.domain.references import known_values, target_of
from geo_service.domain.vacancy import is_overstated
from geo_service.errors import Fault, SourceError
from geo_service.ingest import zone_words
from geo_service.ingest.cells import EMPTY_WORDS, CellContext, clean_column
from geo_service.ingest.columns import ColumnPlan
from geo_service.ingest.coordinates import read_numbers
from geo_service.ingest.formats.well_known import read_wkt
from geo_service.ingest.ledger import Ledger
from geo_service.ingest.names import known_words
from geo_service.ingest.parts import Beside
from geo_service.ingest.placement import Placement
from geo_service.ingest.shapes import (
    STATED_AREAS,
    Rows,
    check_coordinates,
    only_where,
    repair_shapes,
)
from geo_service.ingest.sources import Batch, ReadShapes
from geo_service.model import Message, TakenAs
from geo_service.schema import ColumnKind, Field, LayerSchema
from geo_service.wording import said
from geo_service.workspace.reading import LayerFile, find_faults

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.errors import Fault as LayerFault
    from geo_service.plan import Plan

_EWKT = "SRID="
_SCHEME = "land_use_scheme"
_AREA_DECIMALS = 4
"""Measured areas are kept to a square centimetre: the rest is noise of their coordinates."""
_MERGED = "merged_cell"


@dataclass
class Converter:
    """Converts all batches of one import."""

    schema: LayerSchema
    plan: Plan
    columns: ColumnPlan
    ledger: Ledger
    shown: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Values of columns that the file does not have."""
    placement: Placement | None = None
    scheme: str | None = None
    mapped_words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    domains: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """For each column of the file, the words that its codes stand for."""
    beside: Beside | None = None
    """The published rows that a part file's rows come to stand among."""
    is_area_measured: bool = False
    is_parted_by_semicolons: bool = False
    translated: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    cleared: Counter[str] = field(default_factory=Counter)
    """By column, how many published values an update takes away."""

    def __post_init__(self) -> None:
        """Find the values that the layer's columns may refer to."""
        self._references = known_references(self.schema, self.plan)
        self._box = boundary_box(self.plan.frame("county"))

    def convert(self, batch: Batch) -> tuple[pd.DataFrame, NDArray[np.int64]]:
        """Return a batch's good rows in the schema's form, and their numbers."""
        ids = self.ids_of(batch)
        context = CellContext(
            layer=self.schema.name,
            ledger=self.ledger,
            numbers=batch.numbers,
            ids=ids,
            scheme=self.scheme,
            mapped_words=self.mapped_words,
            domains=self.domains,
            is_parted_by_semicolons=self.is_parted_by_semicolons,
            references=self._references,
            translated=self.translated,
        )
        raw = self._with_provenance(self._cleaned(batch, context))
        key = self.schema.key[0]
        if key in raw.columns:
            ids = raw[key].astype("object").to_numpy()
        found = shapes_of(batch, self.columns)
        rows = Rows(
            numbers=batch.numbers,
            ids=ids,
            shapes=found.shapes,
            is_accepted=np.ones(len(batch.numbers), dtype=bool),
            ledger=self.ledger,
            stated_m2=self._stated(raw),
        )
        for column, reasons in (("", batch.faults), ("geometry", found.unread), *context.faults):
            rows.refuse_at(reasons, column)
        self._take_changes(batch, rows)
        for change in found.changes:
            rows.repair(
                change.what,
                change.positions,
                change.before,
                change.after,
                column=change.column,
                needs_look=change.needs_look,
            )
        if self.schema.name == zone_words.LAYER:
            raw = zone_words.settle_zones(raw, rows)
        if self.schema.geometry is not None and self.placement is not None:
            self._place(rows)
        rows.settle()
        if self.beside is not None:
            raw = self.beside.settled(raw, rows, self.columns.values, context.cleared)
            for name, mask in context.cleared.items():
                self.cleared[name] += int((mask & rows.is_accepted).sum())
        return self._checked(raw, rows)

    def _cleaned(self, batch: Batch, context: CellContext) -> pd.DataFrame:
        """Return the cells of a batch in the layer's columns."""
        raw = pd.DataFrame(index=range(len(batch.numbers)))
        for item in sorted(self.columns.matched, key=lambda one: one.field != _SCHEME):
            cells = batch.table[item.column].reset_index(drop=True)
            raw[item.field] = clean_column(cells, self.schema.field(item.field), item, context)
            if item.field == _SCHEME:  # it says what the codes of its row mean
                context.schemes = raw[_SCHEME]
        for name, value in {**self.defaults, **self.columns.values}.items():
            if name not in raw.columns:
                raw[name] = value
        return raw

    def _stated(self, raw: pd.DataFrame) -> NDArray[np.float64] | None:
        """Return the areas in m² that the file states for its shapes; None if it states none."""
        names = {item.field for item in self.columns.matched}
        for name, size in STATED_AREAS.items():
            if name in names and (self.schema.geometry or "").startswith("polygon"):
                numbers = pd.to_numeric(raw[name], errors="coerce").to_numpy(dtype=np.float64)
                return np.asarray(numbers * size, dtype=np.float64)
        return None

    def _take_changes(self, batch: Batch, rows: Rows) -> None:
        """Record the repairs of cells; an amount that was merged belongs to all rows at once."""
        fields = {item.column: item.field for item in self.columns.matched}
        for change in batch.changes:
            name = fields.get(change.column)
            if name is None:
                continue
            if change.what != _MERGED:
                rows.repair(change.what, change.positions, change.before, change.after, column=name)
                continue
            texts = list(zip(change.positions.tolist(), change.before, change.after, strict=True))
            if self.schema.field(name).kind is ColumnKind.NUMBER:
                reasons = {
                    at: Message("import.merged_amount", {"found": now}) for at, _, now in texts
                }
                rows.refuse_at(reasons, name)
                continue
            filled = [(at, now) for at, was, now in texts if not was]
            positions = np.array([at for at, _ in filled], dtype=np.intp)
            after = [now for _, now in filled]
            rows.repair(change.what, positions, [""] * len(filled), after, column=name)

    def ids_of(self, batch: Batch) -> NDArray[np.object_]:
        """Return the ids of a batch's rows as in the file, for messages."""
        matched = self.columns.of(self.schema.key[0])
        if matched is None:
            return np.full(len(batch.numbers), "", dtype=object)
        return batch.table[matched.column].astype("object").to_numpy()

    def _with_provenance(self, raw: pd.DataFrame) -> pd.DataFrame:
        """Fill in where new rows come from if a file has the column and a row leaves it blank."""
        if self.beside is not None and self.beside.taken_as is TakenAs.UPDATE:
            return raw
        for name, value in (("source", self.shown), ("illustrative", False)):
            if name in raw.columns and raw[name].isna().any():
                raw[name] = raw[name].astype("object").where(raw[name].notna(), value)
        return raw

    def _place(self, rows: Rows) -> None:
        geometry = self.schema.geometry
        if geometry is None or self.placement is None:
            return
        is_update = self.beside is not None and self.beside.taken_as is TakenAs.UPDATE
        check_coordinates(rows, is_optional=self.schema.is_geometry_optional or is_update)
        rows.shapes = only_where(rows.is_accepted, rows.shapes)
        rows.shapes = self.placement.place(rows.shapes)
        bounds = shapely.bounds(rows.shapes)
        there = ~shapely.is_missing(rows.shapes)
        rows.refuse(
            there & ~np.isfinite(bounds).all(axis=1), lambda _: Message("import.not_placed")
        )
        if self._box is not None:
            rows.refuse(
                there & is_far(bounds, self._box),
                lambda at: Message(
                    "import.far_outside",
                    {"lon": f"{bounds[at, 0]:.4f}", "lat": f"{bounds[at, 1]:.4f}"},
                ),
            )
        rows.shapes = only_where(rows.is_accepted, rows.shapes)
        repair_shapes(rows, geometry)

    def _checked(self, raw: pd.DataFrame, rows: Rows) -> tuple[pd.DataFrame, NDArray[np.int64]]:
        is_accepted = rows.is_accepted
        raw = raw[is_accepted].reset_index(drop=True)
        numbers, shapes = rows.numbers[is_accepted], rows.shapes[is_accepted]
        if self.schema.geometry is not None:
            raw = gpd.GeoDataFrame(raw, geometry=gpd.GeoSeries(shapes, crs=STORAGE_CRS))
            if self.is_area_measured:
                raw["area_m2"] = self.measure(shapes)
        layer_file = LayerFile(name=self.schema.name, path=Path(self.shown), shown=self.shown)
        frame, faults = find_faults(raw, self.schema, layer_file)
        good = np.ones(len(frame), dtype=bool)
        ids = frame[self.schema.key[0]].astype("object").to_numpy()
        # Repeated ids are judged across all batches (`merging`), not within one.
        for fault, position in zip(faults.items, faults.positions, strict=True):
            if fault.expected.key == "fault.each_id_once":
                continue
            if position is None:
                layer = self.schema.name
                label = Message(f"layer.{layer}")
                msg = said("refusal.layer", file=self.shown, layer=layer, label=label)
                raise SourceError(msg, [fault])
            if good[position] or fault.column != "geometry":
                self._refuse(fault, int(numbers[position]), ids[position], shapes[position])
            good[position] = False
        good &= self._vacancy_fits(frame, numbers, good)
        return frame[good], numbers[good]

    def _refuse(self, fault: LayerFault, row: int, feature: object, shape: Any) -> None:  # noqa: ANN401 - a shape or None
        self.ledger.refuse(
            row,
            feature,
            reason_of(fault, self.schema),
            column=fault.column or "",
            shape=shape,
        )

    def _vacancy_fits(
        self, frame: pd.DataFrame, numbers: NDArray[np.int64], good: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        if self.schema.name != "floors":
            return good
        bad = is_overstated(frame) & good
        for position in np.flatnonzero(bad):
            row = frame.iloc[position]
            values = {"vacant": f"{row['vacant_m2']:,.12g}", "area": f"{row['area_m2']:,.12g}"}
            self.ledger.refuse(
                int(numbers[position]),
                row["building_id"],
                Message("import.vacancy", values),
                column="vacant_m2",
            )
        return ~bad

    def measure(self, shapes: NDArray[np.object_]) -> NDArray[np.float64]:
        """Return the areas in m² of shapes in degrees, as the workspace measures them."""
        metric = gpd.GeoSeries(shapes, crs=STORAGE_CRS).to_crs(self.plan.metric_crs)
        areas_m2 = measure_area_m2(
            metric.to_numpy(), method=self.plan.settings.area_method, crs=self.plan.metric_crs
        )
        return np.round(areas_m2, _AREA_DECIMALS)


def known_references(schema: LayerSchema, plan: Plan) -> dict[str, frozenset[str]]:
    """Return, for each column, the values that it may refer to in other layers of the plan."""
    known: dict[str, frozenset[str]] = {}
    for item in schema.fields:
        target, _ = target_of(item) or ("", "")
        if target == schema.name or not plan.has(target):
            continue
        known[item.name] = frozenset(
            known_values(schema.name, item, plan.frame(target)).astype(str)
        )
    return known


def shapes_of(batch: Batch, columns: ColumnPlan) -> ReadShapes:
    """Return a batch's shapes as in the file: its geometry, or from x and y, or from WKT."""
    if batch.geometry is not None:
        return batch.geometry
    shapes: NDArray[np.object_] = np.full(len(batch.numbers), None, dtype=object)
    if columns.wkt is not None:
        texts = [_plain_wkt(text) for text in batch.table[columns.wkt]]
        return read_wkt(np.array(texts, dtype=object))
    if columns.x is None or columns.y is None:
        return ReadShapes(shapes=shapes)
    x, y = (read_numbers(batch.table[name], name) for name in (columns.x, columns.y))
    has_x, has_y = ~np.isnan(x.numbers), ~np.isnan(y.numbers)
    there = has_x & has_y
    shapes[there] = shapely.points(x.numbers[there], y.numbers[there])
    half = dict.fromkeys(np.flatnonzero(has_x ^ has_y).tolist(), Message("import.half_place", {}))
    return ReadShapes(
        shapes=shapes,
        changes=tuple(axis.change for axis in (x, y) if axis.change is not None),
        unread={**half, **y.unread, **x.unread},
    )


def _plain_wkt(text: object) -> str | None:
    """Return WKT without the SRID with which some databases prefix it."""
    if not isinstance(text, str) or text.strip().casefold() in EMPTY_WORDS:
        return None
    return text.rpartition(";")[2] if text.startswith(_EWKT) else text


def reason_of(fault: Fault, schema: LayerSchema) -> Message:
    """Return why a row is refused, from a fault in the schema's check."""
    values = {"found": fault.found, "column": fault.column or ""}
    try:
        item = schema.field(fault.column or "")
    except KeyError:
        return Message("import.bad_value", {**values, "expected": fault.expected})
    if fault.found.key == "fault.no_value":
        return Message("import.bad_missing", values)
    return _by_kind(schema.name, item, fault, values)


def _by_kind(layer: str, item: Field, fault: Fault, values: Mapping[str, object]) -> Message:
    if item.choices:
        return Message("import.bad_choice", {**values, "choices": known_words(layer, item)})
    if item.kind in {ColumnKind.NUMBER, ColumnKind.INTEGER}:
        low = "" if item.minimum is None else f" ≥ {item.minimum:g}"
        high = "" if item.maximum is None else f" ≤ {item.maximum:g}"
        unit = f" {item.unit}" if item.unit else ""
        return Message("import.bad_number", {**values, "range": f"{low}{high}{unit}".strip()})
    simple = {
        ColumnKind.ID: "import.bad_id",
        ColumnKind.BOOLEAN: "import.bad_boolean",
        ColumnKind.DATE: "import.bad_date",
        ColumnKind.CODE: "import.bad_code",
        ColumnKind.CODES: "import.bad_code",
    }
    key = simple.get(item.kind, "import.bad_value")
    return Message(key, {**values, "expected": fault.expected})
