"""The measures behind 一园一主: shares, concentration and specialisation of each park.

Pure: a plan in, one frozen value a park out. Whether a figure is good enough is
decided by the rules. Shares are fractions 0 to 1 over the park's enterprises that are not
closed, in the latest year of the table; one missing value makes a share None.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geo_service.industry import DIVISION_DIGITS, split_codes
from geo_service.model import FocusBasis

if TYPE_CHECKING:
    from geo_service.plan import Plan

BASIS_COLUMNS: Mapping[FocusBasis, str | None] = {
    FocusBasis.OUTPUT: "output_cny",
    FocusBasis.LAND: "land_m2",
    FocusBasis.FLOOR_AREA: "floor_m2",
    FocusBasis.ENTERPRISES: None,
}
"""The column that each basis sums; None counts enterprises."""

M2_PER_MU = 2000 / 3
"""One mu (亩) is 666.67 m²."""


@dataclass(frozen=True, kw_only=True)
class Focus:
    """How one park keeps to its leading industry.

    `declared` are the codes of its `leading_industry`; shares are only measured when there
    is exactly one. `missing` names, by basis, the enterprises whose value is missing,
    `uncoded` those without an industry code. `leading_total` and `total` are sums in the
    unit of `basis`.
    """

    park_id: str
    declared: tuple[str, ...]
    supporting: tuple[str, ...]
    basis: FocusBasis
    year: int | None
    enterprise_count: int
    shares: Mapping[FocusBasis, float | None]
    supporting_share: float | None
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
    def leading(self) -> str | None:
        """The one declared leading industry, or None when there are none or several."""
        return self.declared[0] if len(self.declared) == 1 else None


def active_enterprises(plan: Plan) -> pd.DataFrame:
    """Return the enterprises that shares are measured over.

    Rows of the latest year in the table whose status is not `closed`; an unknown status
    counts as not closed. The index is that of `plan.enterprises`.
    """
    frame = plan.frame("enterprises")
    if frame.empty:
        return frame
    is_open = (frame["status"] != "closed").fillna(value=True)
    active: pd.DataFrame = frame[(frame["year"] == frame["year"].max()) & is_open]
    return active


def measure_focus(plan: Plan, *, basis: FocusBasis | None = None) -> dict[str, Focus]:
    """Return the focus of every park, by park id, in the order of the layer.

    Parameters
    ----------
    plan
        The plan to measure.
    basis
        What the top industry, the concentration and the location quotient are counted
        in; the workspace's own basis when None.
    """
    chosen = basis or plan.settings.focus_basis
    active = active_enterprises(plan)
    table = _basis_table(active)
    year = int(active["year"].max()) if len(active) else None
    by_park = dict(tuple(table.groupby("park_id", sort=False))) if len(table) else {}
    whole = _known(table, chosen)
    result = {}
    parks = plan.frame("parks")
    rows = zip(
        parks["park_id"], parks["leading_industry"], parks["supporting_industries"], strict=True
    )
    for park_id, leading, supporting in rows:
        own = by_park.get(park_id, table.iloc[:0])
        result[str(park_id)] = _measure(
            str(park_id),
            own,
            declared=split_codes(_text(leading)),
            supporting=split_codes(_text(supporting)),
            basis=chosen,
            year=year,
            whole=whole,
        )
    return result


def _text(cell: object) -> str | None:
    return cell if isinstance(cell, str) else None


def _basis_table(active: pd.DataFrame) -> pd.DataFrame:
    columns: dict[str, Any] = {
        "park_id": active["park_id"].astype("object"),
        "enterprise_id": active["enterprise_id"].astype("object"),
        "code": active["industry_code"].astype("object"),
    }
    for basis, column in BASIS_COLUMNS.items():
        columns[basis.value] = np.ones(len(active)) if column is None else active[column]
    table = pd.DataFrame(columns, index=active.index)
    return table[table["park_id"].notna()]


def _known(table: pd.DataFrame, basis: FocusBasis) -> pd.DataFrame:
    return table[table[basis.value].notna() & table["code"].notna()]


def _starts(codes: pd.Series[Any], prefixes: tuple[str, ...]) -> np.ndarray[Any, Any]:
    return np.array(
        [isinstance(code, str) and code.startswith(prefixes) for code in codes], dtype=bool
    )


def _measure(  # noqa: PLR0913 - the parts of one park's measure, all named
    park_id: str,
    own: pd.DataFrame,
    *,
    declared: tuple[str, ...],
    supporting: tuple[str, ...],
    basis: FocusBasis,
    year: int | None,
    whole: pd.DataFrame,
) -> Focus:
    ids = own["enterprise_id"]
    uncoded = tuple(sorted(ids[own["code"].isna()]))
    missing = {item: tuple(sorted(ids[own[item.value].isna()])) for item in FocusBasis}
    is_leading = _starts(own["code"], declared) if len(declared) == 1 else None
    shares: dict[FocusBasis, float | None] = dict.fromkeys(FocusBasis)
    if is_leading is not None and not uncoded:
        for item in FocusBasis:
            if not missing[item]:
                shares[item] = _share(own[item.value], is_leading)
    is_complete = not uncoded and not missing[basis] and len(own) > 0
    values = own[basis.value]
    leading_total = supporting_share = None
    if is_complete and is_leading is not None:
        leading_total = float(values[is_leading].sum())
        is_supporting = _starts(own["code"], supporting) & ~is_leading if supporting else None
        supporting_share = 0.0 if is_supporting is None else _share(values, is_supporting)
    mix = _mix(own, basis) if is_complete else {}
    best = max(mix.values(), default=None)
    top = tuple(sorted(code for code, share in mix.items() if share == best))
    return Focus(
        park_id=park_id,
        declared=declared,
        supporting=supporting,
        basis=basis,
        year=year,
        enterprise_count=len(own),
        shares=shares,
        supporting_share=supporting_share,
        leading_total=leading_total,
        total=float(values.sum()) if is_complete else None,
        top_industry=top[0] if top else None,
        top_industries=top,
        top_share=best,
        hhi=herfindahl(list(mix.values())) if mix else None,
        entropy=entropy(list(mix.values())) if mix else None,
        location_quotient=_location_quotient(own, whole, is_leading, declared, basis, is_complete),
        missing=missing,
        uncoded=uncoded,
    )


def _share(values: pd.Series[Any], chosen: np.ndarray[Any, Any]) -> float | None:
    total = float(values.sum())
    return float(values[chosen].sum()) / total if total > 0 else None


def _mix(own: pd.DataFrame, basis: FocusBasis, digits: int = DIVISION_DIGITS) -> dict[str, float]:
    sums = own.groupby(own["code"].str[:digits])[basis.value].sum()
    total = float(sums.sum())
    if total <= 0:
        return {}
    return {str(code): float(value) / total for code, value in sums.items()}


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
    own: pd.DataFrame,
    whole: pd.DataFrame,
    is_leading: np.ndarray[Any, Any] | None,
    declared: tuple[str, ...],
    basis: FocusBasis,
    is_complete: bool,  # noqa: FBT001 - passed on as measured
) -> float | None:
    """Return (x_ip/x_p)/(x_i/x): i the leading industry, p the park, against all parks.

    Enterprises elsewhere whose code or value is missing are left out of x_i and x.
    """
    if is_leading is None or not is_complete:
        return None
    here = _share(own[basis.value], is_leading)
    everywhere = _share(whole[basis.value], _starts(whole["code"], declared))
    return here / everywhere if here is not None and everywhere else None
