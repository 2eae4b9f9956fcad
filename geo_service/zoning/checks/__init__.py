"""The checks that rules name, by family; one file a family, each check a pure function."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from geo_service.zoning.checks import (
    approval,
    boundary,
    building,
    competition,
    control_zone,
    conversion,
    enterprise,
    focus,
    indicator,
    land_use,
    layout,
    parcels,
    river_distance,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from geo_service.zoning.check import Check

FAMILIES: Mapping[str, Mapping[str, Check]] = MappingProxyType(
    {
        "focus": focus.CHECKS,
        "competition": competition.CHECKS,
        "layout": {**layout.CHECKS, **parcels.CHECKS, **boundary.CHECKS, **approval.CHECKS},
        "land_use": {**land_use.CHECKS, **conversion.CHECKS},
        "control_zone": control_zone.CHECKS,
        "river_distance": river_distance.CHECKS,
        "indicator": indicator.CHECKS,
        "building": building.CHECKS,
        "enterprise": enterprise.CHECKS,
    }
)
"""Every check by family and name."""
TOLERANT_CHECKS = frozenset(
    {
        ("control_zone", "overlap"),
        ("layout", "approved_boundary"),
        ("layout", "enclave"),
        ("layout", "in_county"),
        ("layout", "in_development_boundary"),
        ("layout", "in_host"),
        ("layout", "in_township"),
        ("layout", "overlap"),
        ("layout", "parcels_overlap"),
    }
)
"""The checks, by family and name, to which a rule's tolerance of areas means something."""
