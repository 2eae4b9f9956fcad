"""What parks add up to: output, taxes and land of their enterprises, vacant floors.

Of enterprises those of the latest year count that are not closed. One missing value makes a sum
unknown (None). Money is in CNY, areas in m², shares are 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from geo_service.domain.enterprises import active_enterprises
from geo_service.units import M2_PER_MU

if TYPE_CHECKING:
    from geo_service.plan import Plan


def enterprise_sums(plan: Plan, ids: Sequence[str]) -> dict[str, dict[str, float | None]]:
    """Return sums over each park's enterprises; None where one lacks the value or none is."""
    columns = ("output_cny", "tax_cny", "land_m2")
    active = active_enterprises(plan)
    own = active[active["park_id"].notna()]
    grouped = own.groupby(own["park_id"].astype(str))
    return {column: _by_park(_whole_sums(grouped[column]), ids) for column in columns}


def _whole_sums(groups: Any) -> pd.Series[Any]:  # noqa: ANN401 - a group-by of pandas
    """Return each group's sum, missing where one of its values is."""
    sums, known, sizes = groups.sum(), groups.count(), groups.size()
    whole: pd.Series[Any] = sums.astype("float64").where(known == sizes)
    return whole


def _by_park(values: pd.Series[Any], ids: Sequence[str]) -> dict[str, float | None]:
    aligned = values.reindex(pd.Index(ids))
    return {
        park_id: None if pd.isna(value) else float(value)
        for park_id, value in zip(ids, aligned, strict=True)
    }


def per_mu(
    amounts: Mapping[str, float | None], land_m2: Mapping[str, float | None]
) -> dict[str, float | None]:
    """Return amounts per mu of the enterprises' land; None without land."""
    found: dict[str, float | None] = {}
    for park_id, amount in amounts.items():
        land = land_m2[park_id]
        found[park_id] = amount / (land / M2_PER_MU) if amount is not None and land else None
    return found


def floor_vacancies(plan: Plan, ids: Sequence[str]) -> dict[str, float | None]:
    """Return the vacant share of each park's floors; None without floors, or if one is unknown."""
    if not plan.has("floors"):
        return dict.fromkeys(ids)
    buildings = plan.frame("buildings")
    park_of = dict(zip(buildings["building_id"], buildings["park_id"], strict=True))
    floors = plan.frame("floors")
    parks = floors["building_id"].map(park_of)
    placed = floors[parks.notna()]
    grouped = placed.groupby(parks[parks.notna()].astype(str))
    areas, vacant = _whole_sums(grouped["area_m2"]), _whole_sums(grouped["vacant_m2"])
    return _by_park((vacant / areas.where(areas > 0)).clip(upper=1.0), ids)
