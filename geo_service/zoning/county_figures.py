"""Key figures of some parks together, each with its years, and the rows that it is made of.

Of enterprises those count that are not closed, a year at a time. A sum is over the rows that say
their value, and a figure tells how many these are: an enterprise without output is not one with
none. Money is in CNY, areas are in m², shares 0 to 1, output per land in CNY per mu. Closed
enterprises, and what lies outside all parks, are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo_service.domain.enterprises import active_in, latest_year
from geo_service.domain.vacancy import is_free
from geo_service.industry import Belonging
from geo_service.model import FocusBasis
from geo_service.units import M2_PER_MU
from geo_service.zoning.focus import BASIS_COLUMNS

if TYPE_CHECKING:
    from geo_service.plan import Plan
    from geo_service.zoning.focus import Focus
    from geo_service.zoning.review import Review

YEARS = 3
"""How many years back a figure is told."""


class FigureName(StrEnum):
    """What a county is measured by."""

    OUTPUT = "output"
    TAX = "tax"
    ENTERPRISES = "enterprises"
    LEADING_SHARE = "leading_share"
    OUTPUT_PER_MU = "output_per_mu"
    VACANT_FLOORS = "vacant_floors"
    FREE_LAND = "free_land"


@dataclass(frozen=True)
class FigureValue:
    """A figure in one year; None where no row says its value."""

    value: float | None
    counted: int
    """How many rows say their value."""
    rows: int
    """How many there are."""


@dataclass(frozen=True)
class CountyFigure:
    """A figure, year by year; without years where the data have none."""

    name: FigureName
    by_year: Mapping[int | None, FigureValue]
    is_withheld: bool = False
    """Whether the value may not be told, rather than not known."""

    @property
    def year(self) -> int | None:
        """The latest year."""
        return max((year for year in self.by_year if year is not None), default=None)

    @property
    def now(self) -> FigureValue:
        """The latest value."""
        return self.by_year[self.year]

    @property
    def change(self) -> float | None:
        """From the year before: in part of it, of a share as a difference; None if unknown."""
        before = None if self.year is None else self.by_year.get(self.year - 1)
        if before is None or before.value is None or self.now.value is None:
            return None
        difference = self.now.value - before.value
        if self.name is FigureName.LEADING_SHARE:
            return difference
        return difference / before.value if before.value else None


def county_figures(review: Review, park_ids: Collection[str]) -> list[CountyFigure]:
    """Return every figure of these parks together."""
    years = figure_years(review.plan)
    found = []
    for name in FigureName:
        table = _TABLES[name]
        periods: tuple[int | None, ...] = years if name in _YEARLY else (None,)
        by_year = {
            year: _folded(name, table(review, park_ids, year)) for year in periods or (None,)
        }
        is_withheld = any(
            review.plan.is_withheld(layer, *columns) for layer, columns in _READS[name].items()
        )
        found.append(CountyFigure(name, by_year, is_withheld))
    return found


def figure_rows(review: Review, name: FigureName, park_ids: Collection[str]) -> pd.DataFrame:
    """Return the rows behind a figure's latest value, the greatest first, unknown ones last.

    Columns: `id`, `label`, `park_id`, `value` (NaN if it is not known), and for output per land
    what it is made of.
    """
    year = latest_year(review.plan) if name in _YEARLY else None
    rows = _TABLES[name](review, park_ids, year)
    return rows.sort_values(["value", "id"], ascending=[False, True], na_position="last")


def figure_years(plan: Plan) -> tuple[int, ...]:
    """Return the latest years that enterprises are told of, the earliest first."""
    latest = latest_year(plan)
    if latest is None:
        return ()
    known = {int(year) for year in plan.frame("enterprises")["year"].dropna().unique()}
    return tuple(year for year in range(latest - YEARS + 1, latest + 1) if year in known)


def _folded(name: FigureName, rows: pd.DataFrame) -> FigureValue:
    """Return what rows come to: a sum, a number, a median, a sum by a sum."""
    known = rows[rows["value"].notna()]
    counted, every = len(known), len(rows)
    if name is FigureName.ENTERPRISES:
        return FigureValue(float(every), every, every)
    if not counted:
        return FigureValue(None, 0, every)
    if name is FigureName.LEADING_SHARE:
        return FigureValue(float(known["value"].median()), counted, every)
    if name is FigureName.OUTPUT_PER_MU:
        land_mu = float(known["land_m2"].sum()) / M2_PER_MU
        return FigureValue(float(known["output_cny"].sum()) / land_mu, counted, every)
    return FigureValue(float(known["value"].sum()), counted, every)


# ---- the rows of each figure -------------------------------------------------------------------


def _enterprises(review: Review, park_ids: Collection[str], year: int | None) -> pd.DataFrame:
    active = active_in(review.plan.frame("enterprises"), year)
    return active[active["park_id"].isin(park_ids).to_numpy(dtype=bool, na_value=False)]


def _of_column(column: str) -> _Table:
    def table(review: Review, park_ids: Collection[str], year: int | None) -> pd.DataFrame:
        own = _enterprises(review, park_ids, year)
        return _rows(own, "enterprise_id", "name", own[column])

    return table


def _counted(review: Review, park_ids: Collection[str], year: int | None) -> pd.DataFrame:
    own = _enterprises(review, park_ids, year)
    return _rows(own, "enterprise_id", "name", pd.Series(1.0, index=own.index))


def _output_per_mu(review: Review, park_ids: Collection[str], year: int | None) -> pd.DataFrame:
    own = _enterprises(review, park_ids, year)
    output, land = (own[name].astype("float64") for name in ("output_cny", "land_m2"))
    rows = _rows(own, "enterprise_id", "name", output / (land.where(land > 0) / M2_PER_MU))
    return rows.assign(output_cny=output.to_numpy(), land_m2=land.to_numpy())


def _leading_shares(review: Review, park_ids: Collection[str], year: int | None) -> pd.DataFrame:
    parks = review.plan.frame("parks")
    own = parks[parks["park_id"].isin(park_ids)]
    basis = review.plan.settings.focus_basis
    active = _enterprises(review, park_ids, year)
    grouped = dict(list(active.groupby(active["park_id"].astype(str))))
    shares = [
        _share(review.focus[str(park_id)], grouped.get(str(park_id)), basis)
        for park_id in own["park_id"]
    ]
    return _rows(own, "park_id", "name", pd.Series(shares, index=own.index, dtype="float64"))


def _share(focus: Focus, rows: pd.DataFrame | None, basis: FocusBasis) -> float:
    """Return a park's leading share in a year, NaN where it cannot be measured."""
    if focus.leading is None or rows is None:
        return np.nan
    column = BASIS_COLUMNS[basis]
    amounts = (
        np.ones(len(rows)) if column is None else rows[column].to_numpy("float64", na_value=np.nan)
    )
    roles = {code: focus.belonging(code) for code in rows["industry_code"].unique()}
    belongs = [roles[code] for code in rows["industry_code"]]
    if Belonging.UNCODED in belongs or np.isnan(amounts).any() or not amounts.sum():
        return np.nan
    is_leading = np.array([role is Belonging.LEADING for role in belongs])
    return float(amounts[is_leading].sum() / amounts.sum())


def _vacant_floors(review: Review, park_ids: Collection[str], _: int | None) -> pd.DataFrame:
    if not review.plan.has("floors"):
        return _NOTHING
    buildings, floors = review.plan.frame("buildings"), review.plan.frame("floors")
    park_of = dict(zip(buildings["building_id"], buildings["park_id"], strict=True))
    parks = floors["building_id"].map(park_of)
    is_own = parks.isin(park_ids).to_numpy(dtype=bool, na_value=False)
    own = floors[is_own].assign(park_id=parks[is_own])
    label = own["building_id"].astype(str) + " · " + own["floor_no"].astype("Int64").astype(str)
    return _rows(own.assign(label=label), "label", "label", own["vacant_m2"])


def _free_land(review: Review, park_ids: Collection[str], _: int | None) -> pd.DataFrame:
    parcels = review.plan.frame("parcels")
    is_own = parcels["park_id"].isin(park_ids).to_numpy(dtype=bool, na_value=False)
    may_be_free = is_free(parcels) | parcels["status"].isna().to_numpy(dtype=bool)
    own = parcels[is_own & may_be_free]
    areas = own["area_m2"].astype("float64").where(own["status"].notna())
    return _rows(own, "parcel_id", "parcel_id", areas)


def _rows(frame: pd.DataFrame, identity: str, label: str, values: pd.Series) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": frame[identity].astype(str).to_numpy(),
            "label": frame[label].astype(object).to_numpy(),
            "park_id": frame["park_id"].astype(object).to_numpy(),
            "value": values.astype("float64").to_numpy(),
        }
    )


_Table = Callable[["Review", Collection[str], "int | None"], pd.DataFrame]
_NOTHING = pd.DataFrame({"id": [], "label": [], "park_id": [], "value": []})
_TABLES: Mapping[FigureName, _Table] = {
    FigureName.OUTPUT: _of_column("output_cny"),
    FigureName.TAX: _of_column("tax_cny"),
    FigureName.ENTERPRISES: _counted,
    FigureName.LEADING_SHARE: _leading_shares,
    FigureName.OUTPUT_PER_MU: _output_per_mu,
    FigureName.VACANT_FLOORS: _vacant_floors,
    FigureName.FREE_LAND: _free_land,
}
_READS: Mapping[FigureName, Mapping[str, tuple[str, ...]]] = {
    FigureName.OUTPUT: {"enterprises": ("output_cny",)},
    FigureName.TAX: {"enterprises": ("tax_cny",)},
    FigureName.ENTERPRISES: {"enterprises": ()},
    FigureName.LEADING_SHARE: {
        "enterprises": ("industry_code", *filter(None, BASIS_COLUMNS.values())),
        "parks": ("leading_industry",),
    },
    FigureName.OUTPUT_PER_MU: {"enterprises": ("output_cny", "land_m2")},
    FigureName.VACANT_FLOORS: {"floors": ("vacant_m2",), "buildings": ()},
    FigureName.FREE_LAND: {"parcels": ("area_m2",)},
}
"""Layers and columns that each figure rests on."""
_YEARLY = frozenset(FigureName) - {FigureName.VACANT_FLOORS, FigureName.FREE_LAND}
