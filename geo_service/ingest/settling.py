"""Settle what a heading leaves open: units shown by the shapes, shares, the land-use scheme."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo_service.crs import STORAGE_CRS
from geo_service.errors import Choice, ChoiceNeededError
from geo_service.ingest.codes import land_use_codes
from geo_service.ingest.columns import ColumnPlan, Matched
from geo_service.ingest.commas import meaning_of, without_commas
from geo_service.ingest.names import SHARE, unit_of
from geo_service.ingest.sources import Batch, ImportSource
from geo_service.model import Message
from geo_service.schema import LAND_USE_SCHEMES, LayerSchema, Need
from geo_service.units import M2_PER_HA, M2_PER_MU
from geo_service.wording import said

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.plan import Plan

_AREA_UNITS = {
    "m²": ("m²", 1.0),
    "亩": ("亩", M2_PER_MU),
    "公顷": ("公顷", M2_PER_HA),
    "km²": ("km²", 1e6),
}
_ALIKE = 0.1
"""Largest relative difference of stated and measured areas at which a unit is recognised."""
_M2_PER = {"m²": 1.0, "ha": M2_PER_HA}
_PER_CENT = 100


def fill_missing(
    columns: ColumnPlan, schema: LayerSchema, source: ImportSource
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return values for columns that the file does not have, and their text for the report.

    The source is the file's name; features are not illustrative unless the file says so; a
    column whose values may be missing gets no values.
    """
    values: dict[str, Any] = {}
    filled: dict[str, str] = {}
    given = {item.field for item in columns.matched} | set(columns.values)
    for item in schema.fields:
        if item.name in given:
            continue
        if item.name == "source":
            values["source"] = filled["source"] = source.shown
        elif item.name == "illustrative":
            values["illustrative"] = False
            filled["illustrative"] = "false"
        elif item.need is Need.COLUMN:
            values[item.name] = None
            filled[item.name] = ""
    return values, filled


def _numbers(batch: Batch, column: str) -> pd.Series[float]:
    cells = batch.table[column]
    if not pd.api.types.is_numeric_dtype(cells):
        texts = cells.astype("object").map(lambda text: str(text).strip(), na_action="ignore")
        commas = meaning_of(texts.dropna().unique(), is_parted_by_semicolons=False)
        cells = texts.map(lambda text: without_commas(text, commas), na_action="ignore")
    return pd.to_numeric(cells, errors="coerce").astype("float64")


def _changed(columns: ColumnPlan, change: Callable[[Matched], Matched]) -> ColumnPlan:
    return replace(columns, matched=tuple(change(item) for item in columns.matched))


def settle_shares(columns: ColumnPlan, schema: LayerSchema, first: Batch) -> ColumnPlan:
    """Read shares between 1 and 100 as percentages if the heading names no unit.

    Units that are still open are assumed to be the layer's own, and reported as assumed.
    """

    def change(item: Matched) -> Matched:
        unit = unit_of(schema.field(item.field))
        if unit is None or item.unit_how:
            return item
        if unit != SHARE:
            return replace(item, unit=unit, unit_how="assumed")
        numbers = _numbers(first, item.column)
        if numbers.max() > 1 and numbers.max() <= _PER_CENT:
            return replace(item, unit="%", factor=0.01, unit_how="values")
        return replace(item, unit=None)

    return _changed(columns, change)


def settle_area_units(
    columns: ColumnPlan,
    schema: LayerSchema,
    first: Batch,
    shapes: NDArray[np.object_],
    plan: Plan,
) -> tuple[ColumnPlan, list[Message]]:
    """Find the unit of stated areas from the areas of the shapes (in degrees), if they agree."""
    notes: list[Message] = []
    wanted = [
        item
        for item in columns.matched
        if schema.field(item.field).unit in _M2_PER
        and item.field in {"area_m2", "declared_area_ha"}
    ]
    if not wanted:
        return columns, notes
    usable = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    usable &= np.isfinite(shapely.bounds(shapes)).all(axis=1)
    metric = gpd.GeoSeries(shapes[usable], crs=STORAGE_CRS).to_crs(plan.metric_crs)
    measured = shapely.area(metric.to_numpy())

    def change(item: Matched) -> Matched:
        if item not in wanted:
            return item
        own = schema.field(item.field).unit or "m²"
        stated = _numbers(first, item.column).to_numpy()[usable]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = measured / stated
        ratio = ratio[np.isfinite(ratio) & (ratio > 0)]
        if not len(ratio):
            return item
        middle = float(np.median(ratio))
        told = [
            (name, size) for name, size in _AREA_UNITS.values() if abs(middle / size - 1) < _ALIKE
        ]
        values = {"column": item.column, "ratio": f"{middle:,.4g}"}
        if item.unit_how not in {"assumed", "remembered"}:
            if abs(middle / (item.factor * _M2_PER[own]) - 1) >= _ALIKE:
                notes.append(Message("import.area_differs", {**values, "unit": item.unit or own}))
            return item
        if not told:
            notes.append(Message("import.area_unclear", {**values, "unit": item.unit or own}))
            return item
        name, size = told[0]
        if item.unit_how == "remembered" and size != item.factor * _M2_PER[own]:
            notes.append(Message("import.area_changed", {**values, "unit": item.unit or own}))
        notes.append(Message("import.area_told", {**values, "unit": name}))
        return replace(item, unit=name, factor=size / _M2_PER[own], unit_how="shapes")

    return _changed(columns, change), notes


def settle_scheme(
    columns: ColumnPlan, schema: LayerSchema, first: Batch, scheme_option: str | None, shown: str
) -> str | None:
    """Return the scheme of land-use codes if no column names it; it is never guessed.

    Raises
    ------
    ChoiceNeededError
        There are codes but no scheme: a code has different meanings in different schemes
        (1001 is industry in one and railway in another).
    """
    if "land_use_scheme" not in schema.columns:
        return None
    land_use = columns.of("land_use")
    if columns.of("land_use_scheme") is not None or land_use is None:
        return scheme_option if land_use is not None and scheme_option else None
    if "land_use_scheme" in columns.values:
        return str(columns.values["land_use_scheme"])
    if scheme_option is not None:
        return scheme_option
    codes = first.table[land_use.column].dropna().astype(str).str.strip()
    codes = codes[codes != ""]
    if not len(codes):
        return None
    choices = []
    for scheme in LAND_USE_SCHEMES:
        known = land_use_codes().get(scheme, {})
        fit = codes.isin([*known, *known.values(), *(code.lstrip("0") for code in known)])
        evidence = said("import.codes_known", known=int(fit.sum()), count=len(codes))
        choices.append(Choice(value=scheme, evidence=evidence))
    parameter = "scheme"
    message = said("import.which_scheme", file=shown, column=repr(land_use.column))
    raise ChoiceNeededError(parameter, message, choices)
