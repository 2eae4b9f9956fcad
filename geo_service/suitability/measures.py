"""How criteria are measured: each gives one number per candidate, in the criterion's unit.

NaN says that a value is missing, infinity that a facility cannot be reached over the roads.
What a number is worth is decided by the criterion's value function, never here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from geo_service.domain.enterprises import active_enterprises
from geo_service.industry import GROUP_DIGITS, are_within, belongs_to, is_one_branch, split_codes
from geo_service.spatial.nearest import nearest_lines
from geo_service.spatial.overlay import find_overlaps, overlap_areas
from geo_service.suitability.criteria import CHAIN_KM, RIVAL_KM
from geo_service.suitability.surroundings import M_PER_KM, Sites
from geo_service.units import M2_PER_MU
from geo_service.zoning.check import text_or_none
from geo_service.zoning.zones import mapped_zones

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from geo_service.plan import Plan
    from geo_service.suitability.criteria import Criterion

    Floats = NDArray[np.float64]

LEAST_SHARE = 0.01
"""A geohazard zone that takes less of the ground than this is left out (product default)."""
FIT = MappingProxyType({"leading": 1.0, "supporting": 0.7, "same_group": 0.4, "none": 0.0})
"""How well an industry fits a park, by what it is to it (this product's default)."""


def measure(criterion: Criterion, sites: Sites) -> pd.Series:
    """Return a criterion's values in its unit, by candidate id, to nine significant digits.

    Beyond them lies the noise of projecting coordinates, which would tell equal sites apart.
    """
    if _is_withheld(criterion, sites.plan):
        values = np.full(len(sites), np.nan)
    elif criterion.subject is None:
        values = _MEASURES[criterion.key](sites)
    else:
        values = _MEASURES_OF_SUBJECTS[criterion.key](criterion.subject, sites)
    values = _significant(values)
    return pd.Series(values, index=sites.ids, name=criterion.name, dtype=float)


_COUNTED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "industry_fit": ("parks.leading_industry", "parks.supporting_industries"),
        "competition": ("parks.leading_industry",),
        "chain_affinity": ("enterprises.industry_code", "industry_chains"),
        "per_mu_potential": ("enterprises.output_cny", "enterprises.land_m2"),
        "km_to_river": ("rivers",),
    }
)
"""What criteria rest on of which a part that is withheld would count as none."""
_BEYOND_PARKS = frozenset({"competition", "chain_affinity"})
"""Criteria that count what is in other parks."""


def _is_withheld(criterion: Criterion, plan: Plan) -> bool:
    """Whether a criterion cannot be told where this is all that is seen of the plan."""
    if plan.only_parks is not None and criterion.key in _BEYOND_PARKS:
        return True
    needed = [name.partition(".") for name in _COUNTED.get(criterion.key, ())]
    return any(
        plan.is_withheld(layer, *([column] if column else [])) for layer, _, column in needed
    )


_DIGITS = 9


def _significant(values: Floats) -> Floats:
    is_number = np.isfinite(values) & (values != 0)
    scale = np.ones_like(values)
    scale[is_number] = 10.0 ** (
        _DIGITS - 1 - np.floor(np.log10(np.abs(values[is_number]))).astype(int)
    )
    rounded: Floats = np.where(is_number, np.round(values * scale) / scale, values)
    return rounded


# ---- attributes ------------------------------------------------------------------------------


def _offered(column: str, sites: Sites) -> Floats:
    """What a candidate offers of a utility (in all) or of a floor's property (at least)."""
    return sites.each(lambda candidate: candidate.offers.get(column))


def _capacity_fit(sites: Sites) -> Floats:
    """The share of what a candidate offers that the project needs: 1 is an exact fit."""
    needs = sites.project.needs
    needed = needs.land_m2 or needs.floor_area_m2 or 0.0
    return sites.each(
        lambda candidate: min(1.0, needed / candidate.area_m2) if candidate.area_m2 else None
    )


# ---- place -----------------------------------------------------------------------------------


def _km_to_river(sites: Sites) -> Floats:
    """The straight distance to the nearest river in km."""
    return nearest_lines(sites.frame, sites.plan.metric("rivers")).distance_m / M_PER_KM


def _overlap_share(kind: str, sites: Sites) -> Floats:
    """The share of a candidate's ground that lies in control zones of a kind, 0 to 1."""
    zones = mapped_zones(sites.plan, kind)
    if zones is None:
        return np.full(len(sites), np.nan)
    areas = shapely.area(sites.shapes)
    inside = overlap_areas(sites.frame, zones)
    share: Floats = np.divide(inside, areas, out=np.full(len(sites), np.nan), where=areas > 0)
    return share


_GEOHAZARD_STEPS = MappingProxyType(
    {
        "geohazard": {"none": 0, "low": 1, "mid": 2, "high": 3},
        "geohazard_risk": {"low": 1, "mid": 2, "high": 3, "extreme": 3},
        "geohazard_prone": {"low": 1, "mid": 2, "high": 3},
    }
)
"""What grades of each zoning count as; a danger area counts as the worst."""
_WORST_STEP = 3.0


def _worst_geohazard(sites: Sites) -> Floats:
    """The worst grade of geohazard on more than 1 % of the ground: 0 none, 1 low, 2 mid, 3 high.

    The worst of the zonings that are mapped; NaN where there is neither a zoning of risk nor one
    of proneness, and on ground in a zone without a grade.
    """
    graded = [(mapped_zones(sites.plan, kind), steps) for kind, steps in _GEOHAZARD_STEPS.items()]
    found = [_worst_of(sites, zones, steps) for zones, steps in graded if zones is not None]
    if not found:
        return np.full(len(sites), np.nan)
    danger = mapped_zones(sites.plan, "geohazard_danger")
    if danger is not None:
        found.append(_worst_of(sites, danger, None))
    worst: Floats = np.max(found, axis=0)
    return worst


def _worst_of(sites: Sites, zones: gpd.GeoDataFrame, steps: Mapping[str, float] | None) -> Floats:
    """The worst step of one zoning; all of its zones count as the worst if `steps` is None."""
    grades = np.array(
        [_WORST_STEP if steps is None else steps.get(grade, np.nan) for grade in zones["grade"]],
        dtype=float,
    )
    worst = np.zeros(len(sites))
    found = find_overlaps(sites.frame, zones)
    areas = shapely.area(sites.shapes)
    for position, met, shared in zip(found.subject, found.zones, found.zone_areas_m2, strict=True):
        counted = [
            grades[zone]
            for zone, area in zip(met, shared, strict=True)
            if area > LEAST_SHARE * areas[position]
        ]
        worst[position] = max(counted, default=0.0)  # NaN, a zone without grade, stays NaN
        if np.isnan(counted).any():
            worst[position] = np.nan
    return worst


def _slope(column: str, sites: Sites) -> Floats:
    """Slope over a candidate's ground from the plan's DEM; NaN where the DEM does not reach."""
    return sites.slopes[column].to_numpy(dtype=float)


# ---- industry --------------------------------------------------------------------------------


def industry_fit(sites: Sites) -> list[str | None]:
    """Return what the project's industry is to each candidate's park; None without a park."""
    code = sites.project.industry_code
    groups = sites.plan.settings.groups
    found: dict[str, str] = {}
    for park_id, row in sites.park_rows.items():
        leading = split_codes(text_or_none(row["leading_industry"]))
        supporting = split_codes(text_or_none(row["supporting_industries"]))
        own = {groups.group_of(item) for item in leading} - {None}
        if belongs_to(code, leading):
            found[park_id] = "leading"
        elif belongs_to(code, supporting):
            found[park_id] = "supporting"
        else:
            found[park_id] = "same_group" if groups.group_of(code) in own else "none"
    return [found.get(candidate.park_id or "") for candidate in sites.candidates]


def _fit_to_park(sites: Sites) -> Floats:
    """1 for the leading industry, 0.7 a supporting one, 0.4 the same group, else 0."""
    return np.array([np.nan if fit is None else FIT[fit] for fit in industry_fit(sites)])


def chain_partners(sites: Sites) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the code prefixes of the project's suppliers and customers, from the chain table."""
    table = sites.plan.frame("industry_chains")
    code = sites.project.industry_code
    pairs = list(zip(table["supplier_code"], table["customer_code"], strict=True))
    suppliers = {one for one, other in pairs if belongs_to(code, other)}
    customers = {other for one, other in pairs if belongs_to(code, one)}
    return tuple(sorted(suppliers)), tuple(sorted(customers))


def _chain_partners_near(sites: Sites) -> Floats:
    """How many suppliers and customers work within 10 km."""
    suppliers, customers = chain_partners(sites)
    prefixes = (*suppliers, *customers)
    if not prefixes:
        return np.full(len(sites), np.nan)
    active = active_enterprises(sites.plan)
    chosen = active.index[are_within(active["industry_code"], prefixes)]
    points = np.asarray(sites.plan.metric("enterprises").geometry.loc[chosen])
    points = points[~shapely.is_missing(points)]
    if not len(points):
        return np.zeros(len(sites))
    tree = shapely.STRtree(points)
    rows = tree.query(sites.shapes, predicate="dwithin", distance=CHAIN_KM * 1000)[0]
    return np.bincount(rows, minlength=len(sites)).astype(float)


def _focus_change(sites: Sites) -> Floats:
    """How much the park's leading share rises with the project, in its basis (a fraction)."""

    def change(park_id: str | None) -> float | None:
        effect = sites.effects.get(park_id or "")
        return effect.change if effect else None

    return sites.each(lambda candidate: change(candidate.park_id))


def _output_per_mu(sites: Sites) -> Floats:
    """Output per mu of the enterprises that work in the candidate's park, in CNY a mu."""
    active = active_enterprises(sites.plan)
    known = active[active["output_cny"].notna() & (active["land_m2"] > 0)]
    sums = known.groupby("park_id")[["output_cny", "land_m2"]].sum()
    per_mu = (sums["output_cny"] / (sums["land_m2"] / M2_PER_MU)).to_dict()
    return sites.each(lambda candidate: per_mu.get(candidate.park_id))


def _rival_parks_near(sites: Sites) -> Floats:
    """How many other parks within 15 km lead in the project's industry (three digits)."""
    parks = sites.plan.metric("parks")
    wanted = sites.project.industry_code[:GROUP_DIGITS]
    is_rival = np.array(
        [
            any(is_one_branch(code, wanted) for code in split_codes(text_or_none(leading)))
            for leading in parks["leading_industry"]
        ],
        dtype=bool,
    )
    ids = parks["park_id"].to_numpy()[is_rival]
    shapes = parks.geometry.to_numpy()[is_rival]
    if not len(ids):
        return np.zeros(len(sites))
    tree = shapely.STRtree(shapes)
    rows, positions = tree.query(sites.shapes, predicate="dwithin", distance=RIVAL_KM * 1000)
    own = np.array([candidate.park_id or "" for candidate in sites.candidates], dtype=object)
    others = rows[own[rows] != ids[positions]]
    return np.bincount(others, minlength=len(sites)).astype(float)


# ---- by criterion ----------------------------------------------------------------------------

_MEASURES: Mapping[str, Callable[[Sites], Floats]] = MappingProxyType(
    {
        "industry_fit": _fit_to_park,
        "focus_effect": _focus_change,
        "chain_affinity": _chain_partners_near,
        "capacity_fit": _capacity_fit,
        "competition": _rival_parks_near,
        "per_mu_potential": _output_per_mu,
        "slope_mean_degrees": partial(_slope, "mean_degrees"),
        "slope_mean_percent": partial(_slope, "mean_percent"),
        "steep_share": partial(_slope, "steep_share"),
        "geohazard_grade": _worst_geohazard,
        "km_to_river": _km_to_river,
    }
)
_MEASURES_OF_SUBJECTS: Mapping[str, Callable[[str, Sites], Floats]] = MappingProxyType(
    {
        "minutes_to": lambda kind, sites: sites.minutes(kind),
        "km_to": lambda kind, sites: sites.km(kind),
        "overlap_share": _overlap_share,
        "offer": _offered,
    }
)
