"""Criteria: what speaks for and against a candidate, each measured in its own unit.

A criterion is a function of sites (plan, candidates, project) that gives one number a
candidate. It carries a sense, a value function that turns the number into 0 (worst) to 1
(best), and a weight; all three are this product's defaults and a project may set its own. NaN
says that a value is missing, infinity that a facility cannot be reached over the roads.
What forbids a candidate is decided in `exclusion` and `access`, never here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import shapely

from geo_service.domain.enterprises import active_enterprises
from geo_service.industry import GROUP_DIGITS, are_within, belongs_to, is_one_branch, split_codes
from geo_service.mcda.value_functions import (
    SLOPE_DEG,
    Linear,
    Stepped,
    Target,
    parse_value_function,
)
from geo_service.model import Message
from geo_service.schema import FACILITY_KINDS, ZONE_GRADES, ZONE_KINDS
from geo_service.spatial.nearest import nearest_lines
from geo_service.spatial.overlay import find_overlaps, overlap_areas
from geo_service.spatial.raster import STEEP_PERCENT
from geo_service.suitability.candidates import FLOOR_COLUMNS, UTILITIES, CandidateKind
from geo_service.suitability.surroundings import M_PER_KM
from geo_service.units import M2_PER_MU
from geo_service.zoning.check import text_or_none
from geo_service.zoning.zones import mapped_zones

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.suitability.project import Project
    from geo_service.suitability.surroundings import Sites

    Floats = NDArray[np.float64]

Sense = Literal["benefit", "cost"]
AnyValue = Linear | Stepped | Target

CHAIN_KM = 10.0
"""Suppliers and customers within this distance count (this product's default)."""
RIVAL_KM = 15.0
"""Parks within this distance compete for the same enterprises (this product's default)."""
LEAST_SHARE = 0.01
"""A geohazard zone that takes less of the ground than this is left out (product default)."""
FIT = MappingProxyType({"leading": 1.0, "supporting": 0.7, "same_group": 0.4, "none": 0.0})
"""How well an industry fits a park, by what it is to it (this product's default)."""


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One criterion by name; `weight` 0 means that it counts only when a project asks for it."""

    name: str
    unit: str
    sense: Sense
    value: AnyValue
    measure: Callable[[Sites], Floats]
    weight: float = 0.0
    title: Message
    needs_park: bool = False
    """Whether it speaks of the park; land outside parks has no value then."""
    needs_land: bool = False
    """Whether it speaks of the ground, not of floors."""
    subject: str | None = None
    """The facility, zone kind or column that it is about."""


def measure(criterion: Criterion, sites: Sites) -> pd.Series:
    """Return a criterion's values in its unit, by candidate id, to nine significant digits.

    Beyond them lies the noise of projecting coordinates, which would tell equal sites apart.
    """
    values = _significant(criterion.measure(sites))
    return pd.Series(values, index=sites.ids, name=criterion.name, dtype=float)


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


def _offer(column: str, sites: Sites) -> Floats:
    """What a candidate offers of a utility (in all) or of a floor's property (at least)."""
    return sites.each(lambda candidate: candidate.offers.get(column))


def _capacity(sites: Sites) -> Floats:
    """The share of what a candidate offers that the project needs: 1 is an exact fit."""
    needs = sites.project.needs
    needed = needs.land_m2 or needs.floor_area_m2 or 0.0
    return sites.each(
        lambda candidate: min(1.0, needed / candidate.area_m2) if candidate.area_m2 else None
    )


# ---- place -----------------------------------------------------------------------------------


def _minutes(kind: str, sites: Sites) -> Floats:
    """Travel time over the roads to the nearest facility of a kind, in minutes."""
    return sites.minutes(kind)


def _km(kind: str, sites: Sites) -> Floats:
    """The straight distance to the nearest facility of a kind, in km."""
    return sites.km(kind)


def _river_km(sites: Sites) -> Floats:
    """The straight distance to the nearest river in km."""
    return nearest_lines(sites.frame, sites.plan.metric("rivers")).distance_m / M_PER_KM


def _overlap(kind: str, sites: Sites) -> Floats:
    """The share of a candidate's ground that lies in control zones of a kind, 0 to 1."""
    zones = mapped_zones(sites.plan, kind)
    if zones is None:
        return np.full(len(sites), np.nan)
    areas = shapely.area(sites.shapes)
    inside = overlap_areas(sites.frame, zones)
    share: Floats = np.divide(inside, areas, out=np.full(len(sites), np.nan), where=areas > 0)
    return share


def _geohazard(sites: Sites) -> Floats:
    """The worst grade of geohazard on more than 1 % of the ground: 0 none, 1 low, 2 mid, 3 high."""
    zones = mapped_zones(sites.plan, "geohazard")
    if zones is None:
        return np.full(len(sites), np.nan)
    steps = {grade: step for step, grade in enumerate(ZONE_GRADES["geohazard"])}
    grades = np.array([steps.get(grade, np.nan) for grade in zones["grade"]], dtype=float)
    worst = np.zeros(len(sites))
    found = find_overlaps(sites.frame, zones)
    areas = shapely.area(sites.shapes)
    for place, met, shared in zip(found.subject, found.zones, found.zone_areas_m2, strict=True):
        counted = [
            grades[zone]
            for zone, area in zip(met, shared, strict=True)
            if area > LEAST_SHARE * areas[place]
        ]
        worst[place] = max(counted, default=0.0)  # NaN, a zone without grade, stays NaN
        if np.isnan(counted).any():
            worst[place] = np.nan
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


def _fit(sites: Sites) -> Floats:
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


def _chain(sites: Sites) -> Floats:
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


def _yield(sites: Sites) -> Floats:
    """Output per mu of the enterprises that work in the candidate's park, in CNY a mu."""
    active = active_enterprises(sites.plan)
    known = active[active["output_cny"].notna() & (active["land_m2"] > 0)]
    sums = known.groupby("park_id")[["output_cny", "land_m2"]].sum()
    per_mu = (sums["output_cny"] / (sums["land_m2"] / M2_PER_MU)).to_dict()
    return sites.each(lambda candidate: per_mu.get(candidate.park_id))


def _rivals(sites: Sites) -> Floats:
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
    rows, places = tree.query(sites.shapes, predicate="dwithin", distance=RIVAL_KM * 1000)
    own = np.array([candidate.park_id or "" for candidate in sites.candidates], dtype=object)
    others = rows[own[rows] != ids[places]]
    return np.bincount(others, minlength=len(sites)).astype(float)


# ---- the registry ----------------------------------------------------------------------------

_MINUTES_WEIGHTS = MappingProxyType({"interchange": 10.0, "station": 3.0, "port": 4.0})
_UNIT_OF_OFFER = MappingProxyType(
    {
        "power_kva": ("kVA", 10_000.0),
        "water_m3_d": ("m³/d", 5_000.0),
        "gas_m3_d": ("m³/d", 5_000.0),
        "wastewater_m3_d": ("m³/d", 3_000.0),
        "load_kn_m2": ("kN/m²", 15.0),
        "clear_height_m": ("m", 8.0),
        "goods_lift_t": ("t", 5.0),
    }
)


def _title(key: str, **values: Any) -> Message:  # noqa: ANN401 - whatever the text shows
    return Message(f"criterion.{key}", values)


def _registry() -> dict[str, Criterion]:
    found = [
        Criterion(
            name="industry_fit",
            unit="1",
            sense="benefit",
            value=Linear(worst=0, best=1),
            measure=_fit,
            weight=20,
            title=_title("industry_fit"),
            needs_park=True,
        ),
        Criterion(
            name="focus_effect",
            unit="share_change",
            sense="benefit",
            value=Linear(worst=-0.2, best=0.2),
            measure=_focus_change,
            weight=15,
            title=_title("focus_effect"),
            needs_park=True,
        ),
        Criterion(
            name="chain_affinity",
            unit="enterprises",
            sense="benefit",
            value=Linear(worst=0, best=20),
            measure=_chain,
            weight=10,
            title=_title("chain_affinity", km=CHAIN_KM),
        ),
        Criterion(
            name="capacity_fit",
            unit="share",
            sense="benefit",
            value=Linear(worst=0, best=1),
            measure=_capacity,
            weight=10,
            title=_title("capacity_fit"),
        ),
        Criterion(
            name="competition",
            unit="parks",
            sense="cost",
            value=Linear(worst=5, best=0),
            measure=_rivals,
            weight=5,
            title=_title("competition", km=RIVAL_KM),
        ),
        Criterion(
            name="per_mu_potential",
            unit="CNY/mu",
            sense="benefit",
            value=Linear(worst=0, best=5e6),
            measure=_yield,
            weight=5,
            title=_title("per_mu_potential"),
            needs_park=True,
        ),
        Criterion(
            name="slope_mean_degrees",
            unit="°",
            sense="cost",
            value=SLOPE_DEG,
            measure=partial(_slope, "mean_degrees"),
            weight=8,
            title=_title("slope_mean_degrees"),
            needs_land=True,
        ),
        Criterion(
            name="slope_mean_percent",
            unit="%",
            sense="cost",
            value=Linear(worst=25, best=3),
            measure=partial(_slope, "mean_percent"),
            title=_title("slope_mean_percent"),
            needs_land=True,
        ),
        Criterion(
            name="steep_share",
            unit="share",
            sense="cost",
            value=Linear(worst=1, best=0),
            measure=partial(_slope, "steep_share"),
            weight=4,
            title=_title("steep_share", percent=STEEP_PERCENT),
            needs_land=True,
        ),
        Criterion(
            name="geohazard_grade",
            unit="grade",
            sense="cost",
            value=Stepped(bounds=(0.5, 1.5, 2.5), values=(1.0, 0.8, 0.6, 0.4)),
            measure=_geohazard,
            weight=5,
            title=_title("geohazard_grade"),
        ),
        Criterion(
            name="km_to_river",
            unit="km",
            sense="benefit",
            value=Linear(worst=0, best=3),
            measure=_river_km,
            title=_title("km_to_river"),
        ),
    ]
    for kind in FACILITY_KINDS:
        name = Message(f"facility.{kind}")
        found += [
            Criterion(
                name=f"minutes_to_{kind}",
                unit="min",
                sense="cost",
                value=Linear(worst=60, best=5),
                measure=partial(_minutes, kind),
                weight=_MINUTES_WEIGHTS.get(kind, 0.0),
                title=_title("minutes_to", facility=name),
                subject=kind,
            ),
            Criterion(
                name=f"km_to_{kind}",
                unit="km",
                sense="cost",
                value=Linear(worst=40, best=2),
                measure=partial(_km, kind),
                title=_title("km_to", facility=name),
                subject=kind,
            ),
        ]
    found += [
        Criterion(
            name=f"overlap_share_{kind}",
            unit="share",
            sense="benefit" if kind == "development_boundary" else "cost",
            value=Linear(worst=0, best=1)
            if kind == "development_boundary"
            else Linear(worst=1, best=0),
            measure=partial(_overlap, kind),
            title=_title("overlap_share", zone=Message(f"zone.{kind}")),
            subject=kind,
        )
        for kind in ZONE_KINDS
    ]
    found += [
        Criterion(
            name=column,
            unit=_UNIT_OF_OFFER[column][0],
            sense="benefit",
            value=Linear(worst=0, best=_UNIT_OF_OFFER[column][1]),
            measure=partial(_offer, column),
            title=_title("offer", column=Message(f"column.{column}")),
            subject=column,
        )
        for column in (*UTILITIES, *FLOOR_COLUMNS)
    ]
    return {criterion.name: criterion for criterion in found}


CRITERIA: Mapping[str, Criterion] = MappingProxyType(_registry())
"""Every criterion by name."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A criterion as one ranking uses it."""

    criterion: Criterion
    weight: float
    sense: Sense
    value: AnyValue
    is_value_given: bool = field(default=False)
    """Whether the project set the value function itself."""
    is_asked: bool = False
    """Whether the project named the criterion."""

    @property
    def name(self) -> str:
        """The criterion's name."""
        return self.criterion.name

    def values(self, raw: Floats) -> Floats:
        """Return values from 0 (worst) to 1 (best); a changed sense turns the scale round."""
        found = self.value.apply(raw)
        is_turned = not self.is_value_given and self.sense != self.criterion.sense
        return 1.0 - found if is_turned else found


def choose_criteria(project: Project) -> tuple[Chosen, ...]:
    """Return the criteria that a project names, or the default ones for what it looks for.

    Without any named: those with a weight of their own, and the facilities that the project
    sets limits for. Floors have no slope; a search for open land alone has no park, but asks
    how much of the land lies in the development boundary.
    """
    chosen = []
    for name in project.criteria or _default_names(project):
        criterion = CRITERIA[name]
        wish = project.criteria.get(name)
        is_given = wish is not None and wish.value_function is not None
        weight = wish.weight if wish is not None else None
        chosen.append(
            Chosen(
                criterion=criterion,
                weight=(criterion.weight or 5.0) if weight is None else weight,
                sense=(wish.sense if wish is not None else None) or criterion.sense,
                value=parse_value_function(wish.value_function)
                if wish is not None and wish.value_function is not None
                else criterion.value,
                is_value_given=is_given,
                is_asked=wish is not None,
            )
        )
    return tuple(chosen)


_IN_BOUNDARY = "overlap_share_development_boundary"


def _default_names(project: Project) -> list[str]:
    is_land = project.needs.land_m2 is not None
    is_open_land = set(project.candidates) == {CandidateKind.LAND}
    limited = {
        f"{'minutes' if limit.max_minutes is not None else 'km'}_to_{kind}"
        for kind, limit in project.access.items()
    }
    wanted = limited | ({_IN_BOUNDARY} if is_open_land else set())
    return [
        name
        for name, criterion in CRITERIA.items()
        if (criterion.weight > 0 or name in wanted)
        and (is_land or not criterion.needs_land)
        and not (is_open_land and criterion.needs_park)
    ]
