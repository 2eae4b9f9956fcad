"""Zones of a kind, parted by what an overlap with them means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo_service.industry import split_codes
from geo_service.spatial.overlay import ZoneOverlay
from geo_service.zoning.standing import Ban
from geo_service.zoning.zones import by_verdict, mapped_zones

if TYPE_CHECKING:
    import geopandas as gpd

    from geo_service.model import Verdict
    from geo_service.plan import Plan
    from geo_service.zoning.checks.zone_parameters import ZoneParameters


def group_zones(
    plan: Plan, parameters: ZoneParameters
) -> tuple[gpd.GeoDataFrame | None, ZonesByMeaning | None]:
    """Return the zones of a rule's kind, also by what they mean; None if nobody knows them.

    The plan remembers them, and so do plans made from it since: whoever makes many asks it first.
    """
    zones = mapped_zones(plan, parameters.kind)
    if zones is None:
        return None, None
    means = tuple(sorted(parameters.verdicts.items())), parameters.only is Ban.LISTED_INDUSTRIES
    grouped = plan.remember(
        ("zones by meaning", parameters.kind, *means),
        {"control_zones": None},
        lambda: ZonesByMeaning(ZoneOverlay(zones), groups_of(zones, parameters)),
    )
    return zones, grouped


@dataclass(frozen=True)
class ZoneGroup:
    """Zones that mean the same."""

    overlay: ZoneOverlay
    verdict: Verdict
    listed: tuple[str, ...] | None = None
    """The code prefixes of the zones' list; None if nobody knows it."""


@dataclass(frozen=True)
class ZonesByMeaning:
    """Zones of a kind, all together and by what they mean."""

    every: ZoneOverlay
    groups: list[ZoneGroup]


def groups_of(zones: gpd.GeoDataFrame, parameters: ZoneParameters) -> list[ZoneGroup]:
    """Part zones by what an overlap with them means, and by their lists where these count."""
    groups = []
    for verdict, own in by_verdict(zones, parameters.verdicts):
        if parameters.only is not Ban.LISTED_INDUSTRIES:
            groups.append(ZoneGroup(ZoneOverlay(own), verdict))
            continue
        lists = own["banned_industries"].fillna("").astype("str")
        for cell in sorted(lists.unique()):
            listed = split_codes(cell) or None
            groups.append(ZoneGroup(ZoneOverlay(own[lists == cell]), verdict, listed))
    return groups
