"""Control zones: which of a kind are mapped, whether that says all, and what a grade means.

What an overlap with a zone means depends on its grade: a rule maps grades to verdicts, where
`*` stands for every grade that it does not name. A zone without a grade is `unknown` unless the
rule treats all grades alike; so is one with a word that is no grade of its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from geo_service.model import Verdict
from geo_service.schema import ZONE_GRADES

if TYPE_CHECKING:
    import geopandas as gpd

    from geo_service.plan import Plan

ANY_GRADE = "*"
BOUNDARY = "development_boundary"
"""The kind of zone that new development must lie in."""
VILLAGE_LAND = "village_construction_land"
"""The kind of zone outside the boundary in which a village plan lets people build."""


def mapped_zones(plan: Plan, kind: str) -> gpd.GeoDataFrame | None:
    """Return the zones of a kind in the metric CRS.

    None if nothing is mapped and the workspace does not say that there is nothing: then nobody
    can tell whether a place lies in such a zone.
    """

    def make() -> gpd.GeoDataFrame:
        zones = plan.metric("control_zones")
        chosen: gpd.GeoDataFrame = zones[zones["kind"] == kind]
        return chosen

    own = plan.remember(("zones", kind), {"control_zones": None}, make)
    return own if len(own) or kind in plan.settings.complete_zone_kinds else None


def verdict_of(
    verdicts: Mapping[str, str], grade: object, kind: str | None = None
) -> Verdict | None:
    """Return what an overlap with a zone of a grade means; None if the rule leaves it out.

    A kind with fixed grades has no others: any other word says nothing.

    >>> verdict_of({"high": "fail", "*": "watch"}, "high").value
    'fail'
    >>> verdict_of({"high": "fail", "*": "watch"}, "low").value
    'watch'
    >>> verdict_of({"high": "fail", "*": "watch"}, None).value
    'unknown'
    >>> verdict_of({"*": "fail"}, None).value
    'fail'
    >>> verdict_of({"high": "fail"}, "low")
    >>> verdict_of({"national": "fail"}, "国家级", "wetland").value
    'unknown'
    """
    if set(verdicts) == {ANY_GRADE}:
        return Verdict(verdicts[ANY_GRADE])
    is_foreign = grade not in verdicts and grade not in ZONE_GRADES.get(kind or "", (grade,))
    if not isinstance(grade, str) or is_foreign:
        return Verdict.UNKNOWN
    meaning = verdicts.get(grade, verdicts.get(ANY_GRADE))
    return None if meaning is None else Verdict(meaning)


def by_verdict(
    zones: gpd.GeoDataFrame, verdicts: Mapping[str, str]
) -> list[tuple[Verdict, gpd.GeoDataFrame]]:
    """Part zones by what an overlap with them means; those that the rule leaves out are dropped."""
    meanings = [
        verdict_of(verdicts, grade, kind)
        for grade, kind in zip(zones["grade"], zones["kind"], strict=True)
    ]
    parts = []
    for verdict in (Verdict.FAIL, Verdict.WATCH, Verdict.UNKNOWN):
        chosen = [meaning is verdict for meaning in meanings]
        if any(chosen):
            parts.append((verdict, zones[chosen]))
    return parts
