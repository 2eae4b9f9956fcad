"""What the rules on control zones say of single features and of bare ground.

A review judges all features of a plan; here the same check judges those that somebody asks
about. Waivers are left to the review.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np

from geo_service.model import Severity, Subject, Verdict
from geo_service.zoning.check import Case, Shared
from geo_service.zoning.checks.control_zone import judge
from geo_service.zoning.checks.zone_parameters import ZoneParameters
from geo_service.zoning.zones import BOUNDARY, VILLAGE_LAND, mapped_zones

if TYPE_CHECKING:
    from datetime import date

    from shapely.geometry.base import BaseGeometry

    from geo_service.plan import Plan
    from geo_service.zoning.rulebook import Rule, Rulebook

_NEW_PARCEL = "ground"
_WORST_FIRST = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.WATCH)


@dataclass(frozen=True, slots=True)
class ZoneVerdict:
    """What one rule says of a feature: a review has one finding for it."""

    rule: Rule
    verdict: Verdict
    severity: Severity
    zone_ids: frozenset[str]
    """The zones that it lies in; none where nobody knows the zones of the rule's kind."""


VerdictsBySubject = Mapping[Subject, tuple[ZoneVerdict, ...]]


@dataclass(frozen=True)
class ZoneRules:
    """The rules on control zones that are in force on a day, put to single features of a plan."""

    plan: Plan
    rulebook: Rulebook
    as_of: date

    def judge_features(self, features: Mapping[str, gpd.GeoDataFrame]) -> VerdictsBySubject:
        """Return what a review says of rows of `parks`, `parcels` and `buildings`, by layer.

        The rows are in the metric CRS. A feature of which no rule has anything to say is not
        among the keys.
        """
        found: dict[Subject, list[ZoneVerdict]] = {}
        for rule, parameters in self._rules():
            for subject, heard in self._judged(rule, parameters, features):
                found.setdefault(subject, []).append(heard)
        return {subject: tuple(every) for subject, every in found.items()}

    def judge_new_land(self, shape: BaseGeometry, park_id: str | None) -> tuple[ZoneVerdict, ...]:
        """Return what rules would say of bare ground, the worst of each rule first.

        The ground (metric CRS) is judged as a new, vacant parcel of its park, without a land use
        and without enterprises. Rules that judge no parcels have nothing to say of it.
        """
        parcel = gpd.GeoDataFrame(
            {
                "parcel_id": [_NEW_PARCEL],
                "park_id": [park_id],
                "land_use": [None],
                "status": ["vacant"],
            },
            geometry=[shape],
            crs=self.plan.metric_crs,
        )
        found = []
        for rule, parameters in self._rules():
            if "parcels" in parameters.subjects:
                alone = parameters.model_copy(update={"subjects": ("parcels",)})
                every = [heard for _, heard in self._judged(rule, alone, {"parcels": parcel})]
                found += sorted(every, key=lambda verdict: _WORST_FIRST.index(verdict.verdict))
        return tuple(found)

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The kinds of zones that some rule in force goes by."""
        asked = {parameters.kind for _, parameters in self._rules()}
        has_boundary = any(
            rule.part.check == "in_development_boundary"
            for rule in self.rulebook.in_force(self.as_of)
        )
        return frozenset(asked | ({BOUNDARY, VILLAGE_LAND} if has_boundary else set()))

    @cached_property
    def _shared(self) -> Shared:
        return Shared(self.plan, self.as_of)

    def _rules(self) -> Iterator[tuple[Rule, ZoneParameters]]:
        for rule in self.rulebook.in_force(self.as_of):
            if isinstance(rule.parameters, ZoneParameters):
                yield rule, rule.parameters

    def _judged(
        self, rule: Rule, parameters: ZoneParameters, features: Mapping[str, gpd.GeoDataFrame]
    ) -> Iterator[tuple[Subject, ZoneVerdict]]:
        part = rule.part
        case = Case(self._shared, part.scope, part.tolerance, part.applies_to)
        zones = mapped_zones(self.plan, parameters.kind)
        near = None if zones is None else _near(zones, features)
        for finding in judge(case, parameters, features, near).findings:
            yield (
                finding.subject,
                ZoneVerdict(
                    rule=rule,
                    verdict=finding.verdict,
                    severity=finding.severity or part.severity,
                    zone_ids=frozenset(finding.evidence.get("zone_ids", ())),
                ),
            )


def _near(zones: gpd.GeoDataFrame, features: Mapping[str, gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Return the zones that some feature meets, in their order."""
    shapes = np.concatenate(
        [np.zeros(0, dtype=object), *(frame.geometry.to_numpy() for frame in features.values())]
    )
    return zones.iloc[np.unique(zones.sindex.query(shapes, predicate="intersects")[1])]
