"""Standard land (标准地): what a parcel's contract sets against what the parcel reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from geo_service.domain.enterprises import active_enterprises
from geo_service.model import Message, Subject
from geo_service.schema import CONTRACT_VALUES
from geo_service.units import M2_PER_MU
from geo_service.zoning.bounds import BoundParameters, Measured, judge_bound
from geo_service.zoning.check import Case, Check, Outcome, Parameters

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

_AT_MOST = frozenset({"ancillary_land_share"})
"""Indicators of which the contract sets the most; of the others it sets the least."""
_UNITS = {
    "building_coefficient": "share",
    "ancillary_land_share": "share",
    "investment_cny_per_mu": "CNY/mu",
    "output_cny_per_mu": "CNY/mu",
    "tax_cny_per_mu": "CNY/mu",
}
_SUMMED = {"output_cny_per_mu": "output_cny", "tax_cny_per_mu": "tax_cny"}
"""Amounts that the enterprises on a parcel reach together."""


class StandardLandParameters(Parameters):
    """What a value that misses the contract's means."""

    verdict: Literal["fail", "watch"] = "fail"


def standard_land(case: Case, parameters: StandardLandParameters) -> Outcome:
    """Each built parcel reaches the values of its contract; those it does not name are left out."""
    outcome = Outcome()
    parcels = case.own("parcels")
    contracts = parcels[[f"contract_{name}" for name in CONTRACT_VALUES]].notna().any(axis=1)
    own: gpd.GeoDataFrame = parcels[(parcels["status"] == "built") & contracts]
    outcome.judge_rows("parcels", own)
    if own.empty:
        return outcome
    reached = _reached(case, own)
    for name in CONTRACT_VALUES:
        values = reached[name]
        limits = own[f"contract_{name}"].to_numpy(dtype=np.float64)
        for position in np.flatnonzero(~np.isnan(limits)).tolist():
            row, limit = own.iloc[position], float(limits[position])
            bound = "at_most" if name in _AT_MOST else "at_least"
            finding = judge_bound(
                Measured(
                    subject=Subject("parcels", row["parcel_id"]),
                    park_id=row["park_id"],
                    column=name,
                    value=float(values[position]),
                    unit=_UNITS.get(name),
                    name=Message("name.parcel", {"parcel": row["parcel_id"]}),
                    limit_from="contract",
                ),
                BoundParameters(**{bound: limit}, verdict=parameters.verdict),
                row["geometry"],
            )
            if finding is not None:
                outcome.singles.append(finding)
    return outcome


def _reached(case: Case, parcels: gpd.GeoDataFrame) -> dict[str, NDArray[np.float64]]:
    """Return what each parcel reaches of each indicator; NaN where nobody can tell."""
    mu = parcels["area_m2"].to_numpy(dtype=np.float64) / M2_PER_MU
    mu[mu <= 0] = np.nan
    values = {
        name: parcels[name].to_numpy(dtype=np.float64)
        for name in CONTRACT_VALUES
        if not name.endswith("_per_mu")
    }
    values["investment_cny_per_mu"] = parcels["investment_cny"].to_numpy(dtype=np.float64) / mu
    sums = _sums_on_parcels(case)
    for name, column in _SUMMED.items():
        on_it = sums[column].reindex(parcels["parcel_id"]).to_numpy(dtype=np.float64)
        values[name] = on_it / mu
    return values


def _sums_on_parcels(case: Case) -> pd.DataFrame:
    """Return amounts of all enterprises of each parcel; a missing one makes the sum missing."""
    active = active_enterprises(case.plan)
    buildings = case.plan.frame("buildings")
    below = dict(zip(buildings["building_id"], buildings["parcel_id"], strict=True))
    parcel_ids = active["parcel_id"].astype("object")
    parcel_ids = parcel_ids.where(parcel_ids.notna(), active["building_id"].map(below))
    amounts = active[list(_SUMMED.values())].astype("float64")
    sums: pd.DataFrame = amounts.groupby(parcel_ids).sum()
    is_missing = amounts.isna().groupby(parcel_ids).any()
    return sums.mask(is_missing)


STANDARD_LAND = Check(StandardLandParameters, standard_land)
