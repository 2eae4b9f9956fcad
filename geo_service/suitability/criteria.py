"""Criteria: what speaks for and against a candidate, each in its own unit.

A criterion carries a sense, a value function that turns its number into 0 (worst) to 1
(best), and a weight; all three are this product's defaults and a project may set its own.
How a criterion is measured stands in `measures`, which criteria a ranking uses in `choice`.
What forbids a candidate is decided in `exclusion` and `access`, never here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from geo_service.domain.terrain import STEEP_PERCENT
from geo_service.mcda.value_functions import SLOPE_DEG, Linear, Stepped, Target
from geo_service.model import Message
from geo_service.schema import FACILITY_KINDS, FLOOR_PROPERTIES, UTILITIES, ZONE_KINDS

Sense = Literal["benefit", "cost"]
AnyValue = Linear | Stepped | Target

CHAIN_KM = 10.0
"""Suppliers and customers within this distance count (this product's default)."""
RIVAL_KM = 15.0
"""Parks within this distance compete for the same enterprises (this product's default)."""


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One criterion by name; `weight` 0 means that it counts only when a project asks for it."""

    name: str
    unit: str
    sense: Sense
    value: AnyValue
    weight: float = 0.0
    needs_park: bool = False
    """Whether it speaks of the park; land outside parks has no value then."""
    needs_land: bool = False
    """Whether it speaks of the ground, not of floors."""
    family: str | None = None
    """What criteria share that differ by their subject alone."""
    subject: str | None = None
    """The facility, zone kind or column that it is about."""
    title_values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name that its measure and its title go by: its family's, or its own."""
        return self.family or self.name

    @property
    def title(self) -> Message:
        """What it is called."""
        return Message(f"criterion.{self.key}", self.title_values)


_SINGLE = (
    Criterion(
        name="industry_fit",
        unit="1",
        sense="benefit",
        value=Linear(worst=0, best=1),
        weight=20,
        needs_park=True,
    ),
    Criterion(
        name="focus_effect",
        unit="share_change",
        sense="benefit",
        value=Linear(worst=-0.2, best=0.2),
        weight=15,
        needs_park=True,
    ),
    Criterion(
        name="chain_affinity",
        unit="enterprises",
        sense="benefit",
        value=Linear(worst=0, best=20),
        weight=10,
        title_values={"km": CHAIN_KM},
    ),
    Criterion(
        name="capacity_fit",
        unit="share",
        sense="benefit",
        value=Linear(worst=0, best=1),
        weight=10,
    ),
    Criterion(
        name="competition",
        unit="parks",
        sense="cost",
        value=Linear(worst=5, best=0),
        weight=5,
        title_values={"km": RIVAL_KM},
    ),
    Criterion(
        name="per_mu_potential",
        unit="CNY/mu",
        sense="benefit",
        value=Linear(worst=0, best=5e6),
        weight=5,
        needs_park=True,
    ),
    Criterion(
        name="slope_mean_degrees",
        unit="°",
        sense="cost",
        value=SLOPE_DEG,
        weight=8,
        needs_land=True,
    ),
    Criterion(
        name="slope_mean_percent",
        unit="%",
        sense="cost",
        value=Linear(worst=25, best=3),
        needs_land=True,
    ),
    Criterion(
        name="steep_share",
        unit="share",
        sense="cost",
        value=Linear(worst=1, best=0),
        weight=4,
        needs_land=True,
        title_values={"percent": STEEP_PERCENT},
    ),
    Criterion(
        name="geohazard_grade",
        unit="grade",
        sense="cost",
        value=Stepped(bounds=(0.5, 1.5, 2.5), values=(1.0, 0.8, 0.6, 0.4)),
        weight=5,
    ),
    Criterion(
        name="km_to_river",
        unit="km",
        sense="benefit",
        value=Linear(worst=0, best=3),
    ),
)
_MINUTES_WEIGHTS = MappingProxyType({"interchange": 10.0, "station": 3.0, "port": 4.0})
_OF_FACILITIES = tuple(
    criterion
    for kind in FACILITY_KINDS
    for criterion in (
        Criterion(
            name=f"minutes_to_{kind}",
            unit="min",
            sense="cost",
            value=Linear(worst=60, best=5),
            weight=_MINUTES_WEIGHTS.get(kind, 0.0),
            family="minutes_to",
            subject=kind,
            title_values={"facility": Message(f"facility.{kind}")},
        ),
        Criterion(
            name=f"km_to_{kind}",
            unit="km",
            sense="cost",
            value=Linear(worst=40, best=2),
            family="km_to",
            subject=kind,
            title_values={"facility": Message(f"facility.{kind}")},
        ),
    )
)
_WELCOME_ZONES = frozenset({"development_boundary", "village_construction_land"})
"""Kinds of zones that speak for the ground in them; all others speak against it."""
_OF_ZONES = tuple(
    Criterion(
        name=f"overlap_share_{kind}",
        unit="share",
        sense="benefit" if kind in _WELCOME_ZONES else "cost",
        value=Linear(worst=0, best=1) if kind in _WELCOME_ZONES else Linear(worst=1, best=0),
        family="overlap_share",
        subject=kind,
        title_values={"zone": Message(f"zone.{kind}")},
    )
    for kind in ZONE_KINDS
)
_UNITS_AND_BEST = MappingProxyType(
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
_OF_OFFERS = tuple(
    Criterion(
        name=column,
        unit=_UNITS_AND_BEST[column][0],
        sense="benefit",
        value=Linear(worst=0, best=_UNITS_AND_BEST[column][1]),
        family="offer",
        subject=column,
        title_values={"column": Message(f"column.{column}")},
    )
    for column in (*UTILITIES, *FLOOR_PROPERTIES)
)

CRITERIA: Mapping[str, Criterion] = MappingProxyType(
    {
        criterion.name: criterion
        for criterion in (*_SINGLE, *_OF_FACILITIES, *_OF_ZONES, *_OF_OFFERS)
    }
)
"""Every criterion by name."""
