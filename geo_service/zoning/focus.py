"""Measure 一园一主: the shares, concentration and specialisation of each park.

Pure functions: they take a plan and return one frozen value per park. Rules decide whether
a figure is good enough. Shares are fractions 0 to 1 over the park's enterprises that are not
closed, in the latest year of the table; one missing value makes a share None.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo_service.domain.enterprises import active_enterprises
from geo_service.industry import (
    DIVISION_DIGITS,
    Belonging,
    belonging_of,
    belongs_to,
    split_codes,
)
from geo_service.model import FocusBasis

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.plan import Plan

BASIS_COLUMNS: Mapping[FocusBasis, str | None] = {
    FocusBasis.OUTPUT: "output_cny",
    FocusBasis.LAND: "land_m2",
    FocusBasis.FLOOR_AREA: "floor_m2",
    FocusBasis.ENTERPRISES: None,
}
"""The column that each basis sums; None means counting enterprises."""

FOCUS_READS: Mapping[str, frozenset[str]] = {
    "enterprises": frozenset(
        {"enterprise_id", "year", "status", "park_id", "industry_code"}.union(
            column for column in BASIS_COLUMNS.values() if column
        )
    ),
    "parks": frozenset({"park_id", "leading_industry", "supporting_industries"}),
}
"""The layers and columns that `measure_focus` depends on."""


@dataclass(frozen=True, kw_only=True)
class Focus:
    """How far one park keeps to its leading industry.

    `declared` are the codes in its `leading_industry`; shares are measured only if there is
    exactly one. `missing` names, for each basis, the enterprises whose value is missing,
    `uncoded` those without an industry code. `leading_total` and `total` are sums in the
    unit of `basis`.
    """

    park_id: str
    declared: tuple[str, ...]
    supporting: tuple[str, ...]
    basis: FocusBasis
    year: int | None
    enterprise_count: int | None
    """None if it may not be told."""
    shares: Mapping[FocusBasis, float | None]
    supporting_shares: Mapping[FocusBasis, float | None]
    leading_total: float | None
    total: float | None
    top_industry: str | None
    top_industries: tuple[str, ...]
    top_share: float | None
    hhi: float | None
    entropy: float | None
    location_quotient: float | None
    missing: Mapping[FocusBasis, tuple[str, ...]]
    uncoded: tuple[str, ...]

    @property
    def supporting_share(self) -> float | None:
        """The share of the supporting industries, without the leading one, by `basis`."""
        return self.supporting_shares[self.basis]

    @property
    def leading(self) -> str | None:
        """The declared leading industry; None if there are none or several."""
        return self.declared[0] if len(self.declared) == 1 else None

    def belonging(self, code: object) -> Belonging:
        """Return what an enterprise with this industry code is to the park."""
        return belonging_of(code, self.leading, self.supporting)


def measure_focus(plan: Plan, *, basis: FocusBasis | None = None) -> dict[str, Focus]:
    """Return the focus of every park, by park id, in the order of the layer.

    Parameters
    ----------
    plan
        The plan to measure.
    basis
        The basis of the top industry, the concentration and the location quotient; the
        workspace's own basis if None.
    """
    chosen = basis or plan.settings.focus_basis
    active = active_enterprises(plan)
    table = _Table.of(active)
    year = int(active["year"].max()) if len(active) else None
    parks = plan.frame("parks")
    rows = zip(
        parks["park_id"], parks["leading_industry"], parks["supporting_industries"], strict=True
    )
    result = {}
    for park_id, leading, supporting in rows:
        park = _Park(park_id, split_codes(_text(leading)), split_codes(_text(supporting)))
        result[str(park_id)] = _measure(park, table, chosen, year)
    return result


def _text(cell: object) -> str | None:
    return cell if isinstance(cell, str) else None


@dataclass(frozen=True)
class _Park:
    park_id: str
    declared: tuple[str, ...]
    supporting: tuple[str, ...]


@dataclass(frozen=True)
class _Table:
    """Enterprises as arrays, so that measuring a park needs no frame."""

    ids: NDArray[np.object_]
    codes: NDArray[np.object_]
    kinds: tuple[object, ...]
    """The codes, each once."""
    kind: NDArray[np.intp]
    """The position of each row's code in `kinds`; one past them for a missing code."""
    is_coded: NDArray[np.bool_]
    amounts: Mapping[FocusBasis, NDArray[np.float64]]
    rows: Mapping[str, NDArray[np.intp]]
    """The rows of each park."""

    @classmethod
    def of(cls, active: pd.DataFrame) -> _Table:
        """Return the enterprises that lie in a park."""
        own = active[active["park_id"].notna()].reset_index(drop=True)
        groups = own.groupby("park_id")
        kind, kinds = pd.factorize(own["industry_code"])
        return cls(
            ids=own["enterprise_id"].to_numpy(dtype=object),
            codes=own["industry_code"].to_numpy(dtype=object),
            kinds=tuple(kinds),
            kind=np.where(kind < 0, len(kinds), kind),
            is_coded=own["industry_code"].notna().to_numpy(dtype=bool),
            amounts={
                basis: np.ones(len(own)) if column is None else own[column].to_numpy(dtype=float)
                for basis, column in BASIS_COLUMNS.items()
            },
            rows={str(park): np.asarray(rows) for park, rows in groups.indices.items()},
        )

    def starting(
        self, prefixes: tuple[str, ...], rows: NDArray[np.intp] | None = None
    ) -> NDArray[np.bool_]:
        """Return which rows have a code that starts with one of the prefixes."""
        return _starting(self.kinds, prefixes)[self.kind if rows is None else self.kind[rows]]


@lru_cache(maxsize=2_048)
def _starting(kinds: tuple[object, ...], prefixes: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return which codes start with one of the prefixes; a missing code, after the last, does not.

    Trial plans ask the same of the same codes again and again.
    """
    starts = np.array([*(belongs_to(kind, prefixes) for kind in kinds), False], dtype=bool)
    starts.setflags(write=False)
    return starts


_NO_ROWS = np.zeros(0, dtype=np.intp)


def _measure(park: _Park, table: _Table, basis: FocusBasis, year: int | None) -> Focus:
    rows = table.rows.get(park.park_id, _NO_ROWS)
    ids = table.ids[rows]
    uncoded = tuple(sorted(ids[~table.is_coded[rows]]))
    missing = {
        item: tuple(sorted(ids[np.isnan(column[rows])])) for item, column in table.amounts.items()
    }
    is_leading = table.starting(park.declared, rows) if len(park.declared) == 1 else None
    shares: dict[FocusBasis, float | None] = dict.fromkeys(FocusBasis)
    supporting_shares = dict(shares)
    if is_leading is not None and not uncoded:
        is_supporting = table.starting(park.supporting, rows) & ~is_leading
        for item in FocusBasis:
            if not missing[item]:
                shares[item] = _share(table.amounts[item][rows], is_leading)
                supporting_shares[item] = _share(table.amounts[item][rows], is_supporting)
    is_complete = not uncoded and not missing[basis] and len(rows) > 0
    values = table.amounts[basis][rows]
    leading_total = quotient = None
    if is_complete and is_leading is not None:
        leading_total = float(values[is_leading].sum())
        quotient = _location_quotient(shares[basis], table, park.declared, basis)
    mix = _mix(table.codes[rows], values) if is_complete else {}
    best = max(mix.values(), default=None)
    top = tuple(sorted(code for code, share in mix.items() if share == best))
    return Focus(
        park_id=park.park_id,
        declared=park.declared,
        supporting=park.supporting,
        basis=basis,
        year=year,
        enterprise_count=len(rows),
        shares=shares,
        supporting_shares=supporting_shares,
        leading_total=leading_total,
        total=float(values.sum()) if is_complete else None,
        top_industry=top[0] if top else None,
        top_industries=top,
        top_share=best,
        hhi=herfindahl(list(mix.values())) if mix else None,
        entropy=entropy(list(mix.values())) if mix else None,
        location_quotient=quotient,
        missing=missing,
        uncoded=uncoded,
    )


def _share(values: NDArray[np.float64], mask: NDArray[np.bool_]) -> float | None:
    total = float(values.sum())
    return float(values[mask].sum()) / total if total > 0 else None


def _mix(codes: NDArray[np.object_], values: NDArray[np.float64]) -> dict[str, float]:
    """Return the share of each two-digit division in a park whose data are complete."""
    names, position = np.unique(
        np.array([code[:DIVISION_DIGITS] for code in codes]), return_inverse=True
    )
    sums = np.bincount(position, weights=values, minlength=len(names))
    total = float(sums.sum())
    if total <= 0:
        return {}
    return {str(name): float(amount) / total for name, amount in zip(names, sums, strict=True)}


def herfindahl(shares: list[float]) -> float:
    """Return the Herfindahl-Hirschman index, the sum of squared shares (1/n to 1).

    >>> round(herfindahl([0.5, 0.3, 0.2]), 4)
    0.38
    """
    return math.fsum(share * share for share in shares)


def entropy(shares: list[float]) -> float:
    """Return Shannon's entropy of shares in nats, the negative sum of s ln s (0 to ln n).

    >>> round(entropy([0.5, 0.5]), 6)
    0.693147
    """
    return max(0.0, -math.fsum(share * math.log(share) for share in shares if share > 0))


def _location_quotient(
    here: float | None, table: _Table, declared: tuple[str, ...], basis: FocusBasis
) -> float | None:
    """Return (x_ip/x_p)/(x_i/x): i the leading industry, p the park, against all parks.

    Enterprises of other parks whose code or value is missing are left out of x_i and x.
    """
    values = table.amounts[basis]
    known = table.is_coded & ~np.isnan(values)
    everywhere = _share(values[known], table.starting(declared)[known])
    return here / everywhere if here is not None and everywhere else None
