"""The map of a review: its findings by severity, verdict and rule, each rule with a number.

The number stands on the map, in the legend and in the list. Findings without a place of
their own stand in the list and are shown at their park. Leaves out what a park's map and a
comparison add (`park`, `compare`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from geo_service.maps.kinds.overview import OverviewData
from geo_service.maps.layers import FEATURE_SOURCES, FeatureList, FeatureSource, ListGroup, MapLayer
from geo_service.model import Severity, Verdict

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from geo_service.maps.kinds import MapInput
    from geo_service.model import Finding
    from geo_service.reports.document import Document

FINDINGS = replace(FEATURE_SOURCES["findings"], has_unplaced=True)

FINDING_VERDICTS = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.WATCH)


class ReviewData(OverviewData):
    """The sources of the map of one review."""

    kind: ClassVar[str] = "review"
    sources_by_name: Mapping[str, FeatureSource] = MappingProxyType(
        {**FEATURE_SOURCES, "findings": FINDINGS}
    )
    groups: ClassVar[tuple[str, ...]] = (
        "severities",
        "verdicts",
        "bases",
        "finding_verdicts",
        "rules",
        "parks",
        "land",
        "zones",
        "ground",
    )
    finding_zoom: ClassVar[int] = 10
    """From which zoom on findings are drawn; before it, their parks tell where they are."""

    @cached_property
    def rule_numbers(self) -> Mapping[str, int]:
        """Numbers from 1 for the rules that this map has findings of, the gravest first."""
        order = {rule_id: position for position, rule_id in enumerate(self.review.rulebook.rules)}
        results, shown = self.review.results, self.shown_findings()
        gravest: dict[str, int] = {}
        pairs = zip(results.rule_ids[shown], results.severity_codes[shown].tolist(), strict=True)
        for rule_id, weight in set(pairs):
            gravest[rule_id] = min(weight, gravest.get(rule_id, weight))
        ranked = sorted(
            gravest, key=lambda rule: (gravest[rule], order.get(rule, len(order)), rule)
        )
        return {rule_id: position for position, rule_id in enumerate(ranked, start=1)}

    def rule_title(self, rule_id: str) -> str:
        """Return what a rule is called, or its id when the rulebook no longer has it."""
        rule = self.review.rulebook.rules.get(rule_id)
        if rule is None:
            return rule_id
        return self.translator.pick(rule.part.title)

    def title(self) -> str:
        """Return the map's title."""
        return self.text("map.review_title", county=self.county_name)

    def subtitle(self) -> str:
        """Say which review it is and how many findings of each severity it has."""
        counts = Counter(self.column("findings", "severity"))
        parts = [f"{self.text(f'severity.{name}')} {counts[name]}" for name in Severity]
        return f"{self.text('map.review_named', id=self.review.review_id)} · {' · '.join(parts)}"

    def lists(self) -> list[FeatureList]:
        """Return the list of findings by rule."""
        return [
            FeatureList(
                source="findings",
                column="rule_id",
                groups=tuple(
                    ListGroup(value=rule_id, label=self.rule_title(rule_id), number=number)
                    for rule_id, number in self.rule_numbers.items()
                ),
                note="finding",
                more="park",
            )
        ]

    def every_layer(self) -> Iterable[MapLayer]:
        """Yield findings by severity, verdict and rule, then what the overview has."""
        yield from self.finding_layers()
        yield from self.tier_layers()
        yield from self.verdict_layers()
        yield from self.basis_layers()
        for name, zoom in (("sub_areas", 11), ("parcels", 13), ("buildings", 14)):
            yield self.plan_layer(name, group="land", min_zoom=zoom)
        yield self.plan_layer("approved_areas", group="land", is_shown=False)
        yield from self.zone_layers()
        yield from self.context_layers()

    def finding_layers(self) -> Iterable[MapLayer]:
        """Yield one line a severity, a verdict and a rule of the findings."""
        severities, verdicts = (
            set(self.column("findings", name)) for name in ("severity", "verdict")
        )

        def line(group: str, title: str, where: tuple[str, Any], **more: Any) -> MapLayer:  # noqa: ANN401 - fields of MapLayer
            return MapLayer(
                name=f"findings.{where[1]}" if group != "rules" else f"rule.{where[1]}",
                group=group,
                source="findings",
                title=title,
                where=where,
                min_zoom=self.finding_zoom,
                **more,
            )

        for severity in Severity:
            if severity.value in severities:
                yield line("severities", f"severity.{severity}", ("severity", severity.value))
        for verdict in FINDING_VERDICTS:
            if verdict.value in verdicts:
                key = f"verdict.{verdict}"
                where = ("verdict", verdict.value)
                yield line("finding_verdicts", key, where, symbols=(key,))
        for rule_id, number in self.rule_numbers.items():
            title = self.rule_title(rule_id)
            yield line("rules", "map.rule", ("rule_id", rule_id), text=title, number=number)

    def finding_row(self, item: Finding, shape: BaseGeometry | None) -> Document:
        """Return a finding's properties with its rule's number and title."""
        return {
            **super().finding_row(item, shape),
            "rule_no": self.rule_numbers.get(item.rule_id),
            "rule_title": self.rule_title(item.rule_id),
        }


def states_of(subject: MapInput) -> tuple[ReviewData]:
    """Return the data of the map of a review's findings."""
    return (ReviewData(subject.need("review"), subject.translator, subject.base),)
