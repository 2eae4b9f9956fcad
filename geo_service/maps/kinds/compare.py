"""The map of two reviews side by side: each finding by what became of it.

Each state has its own map and its own parks and findings; the ground is that of its plan.
What is new is on the later map only, what is cured on the earlier one only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from geo_service.maps.kinds.review import FINDINGS, ReviewData
from geo_service.maps.layers import (
    FEATURE_SOURCES,
    FeatureList,
    FeatureSource,
    ListGroup,
    MapLayer,
    PopupField,
)
from geo_service.maps.style import CHANGES
from geo_service.reports.document import finding_properties
from geo_service.zoning.comparison import ComparableReview, Comparison, compare_reviews

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from geo_service.language import Translator
    from geo_service.maps.kinds import MapInput
    from geo_service.maps.kinds.plan import PlanData
    from geo_service.model import Finding
    from geo_service.reports.document import Document
    from geo_service.zoning.review import Review


class Side(StrEnum):
    """Which of two states."""

    BEFORE = "before"
    AFTER = "after"


_FIELDS = (PopupField(key="change_name", label="change"), *FINDINGS.fields)


class CompareData(ReviewData):
    """The sources of one of two reviews, with what became of each finding and park."""

    kind: ClassVar[str] = "compare"
    sources_by_name: Mapping[str, FeatureSource] = MappingProxyType(
        {
            **FEATURE_SOURCES,
            "findings": replace(FINDINGS, symbol="change", symbol_column="change", fields=_FIELDS),
        }
    )
    groups: ClassVar[tuple[str, ...]] = (
        "changes",
        "parks",
        "verdicts",
        "bases",
        "zones",
        "ground",
    )

    def __init__(
        self,
        review: Review,
        translator: Translator,
        base: PlanData | None = None,
        *,
        side: Side,
        other: Review,
        comparison: Comparison,
    ) -> None:
        super().__init__(review, translator, base)
        self.side = side
        self.other = other
        self.changes = changes_of(comparison)

    def label(self) -> str:
        """Return what the map of this state is headed by."""
        return self.text(f"map.{self.side}")

    def note(self) -> str:
        """Return which review this state is: its rulebook if that differs, its day and id."""
        parts = [self.review.as_of.isoformat(), self.review.review_id]
        rulebook = self.review.rulebook
        if rulebook.version != self.other.rulebook.version:
            parts.insert(0, self.translator.pick(dict(rulebook.title)))
        return " · ".join(parts)

    def about(self) -> list[str]:
        """Say what both states rest on."""
        states = (self.other, self.review) if self.side is Side.AFTER else (self.review, self.other)
        return [
            f"{self.text(f'map.{side}')}: {state.review_id}, {state.as_of.isoformat()}, "
            + self.text("map.about_rulebook", version=state.rulebook.version)
            + ", "
            + self.text("map.about_plan", version=state.plan.version)
            for side, state in zip(Side, states, strict=True)
        ]

    def title(self) -> str:
        """Return the map's title."""
        return self.text("map.compare_title", county=self.county_name)

    def subtitle(self) -> str:
        """Say how many findings are new, cured, changed and as before."""
        counts = Counter(self.changes.values())
        return " · ".join(f"{self.text(f'change.{name}')} {counts[name]}" for name in CHANGES)

    def lists(self) -> list[FeatureList]:
        """Return parks whose verdict changed, and findings by what became of them."""
        parks = FeatureList(
            source="parks",
            column="verdict_change",
            groups=tuple(
                ListGroup(value=name, label=self.text(f"map.verdict_{name}"))
                for name in ("worse", "better")
            ),
            note="park",
            more="verdict_change_name",
            maps=(1,),
        )
        # A finding stands once: cured ones on the earlier map, the others on the later.
        findings = FeatureList(
            source="findings",
            column="change",
            groups=tuple(
                ListGroup(value=name, label=self.text(f"change.{name}")) for name in CHANGES
            ),
            note="finding",
            more="park",
            maps=(0, 1),
        )
        return [parks, findings]

    def every_layer(self) -> Iterable[MapLayer]:
        """Yield findings by what became of them, parks, zones and the ground."""
        present = set(self.changes.values())
        for name in CHANGES:
            if name in present:
                key = f"change.{name}"
                yield MapLayer(
                    name=f"findings.{name}",
                    group="changes",
                    source="findings",
                    title=key,
                    where=("change", name),
                    is_shown=name != "persisting",
                    symbols=(key,),
                )
        yield from self.tier_layers()
        yield from self.verdict_layers()
        yield from self.basis_layers()
        yield from self.zone_layers()
        yield from self.context_layers(facilities_from=12)

    def finding_column(self, column: str) -> list[Any]:
        """Return one property of all findings, in their order."""
        if column == "change":
            ids = super().finding_column("finding_id")
            return [self.changes.get(identity, "not_compared") for identity in ids]
        return super().finding_column(column)

    def finding_counts(self, positions: NDArray[np.intp]) -> Document:
        """Return how many of these findings there are by what maps list them by."""
        ids = self.review.results.ids[positions].tolist()
        changes = Counter(self.changes.get(identity, "not_compared") for identity in ids)
        return {**super().finding_counts(positions), "change": dict(changes)}

    def finding_row(self, item: Finding, shape: BaseGeometry | None) -> Document:
        """Return a finding's properties with what became of it."""
        change = self.changes.get(item.finding_id, "not_compared")
        return {
            **super().finding_row(item, shape),
            "change": change,
            "change_name": self.text(f"change.{change}"),
            # The later map lists what is on both.
            "is_listed": self.side is Side.AFTER or change == "cured",
        }

    def park_extra(self, park_id: str) -> Document:
        """Return how a park's verdict differs between the two states."""
        states = (self.other, self.review) if self.side is Side.AFTER else (self.review, self.other)
        before, after = (state.park_verdicts.get(park_id) for state in states)
        if before is None or after is None or before == after:
            return {"verdict_change": "same"}
        order = ("pass", "watch", "unknown", "fail")
        is_worse = order.index(after) > order.index(before)
        words = f"{self.text(f'verdict.{before}')} → {self.text(f'verdict.{after}')}"
        return {
            "verdict_change": "worse" if is_worse else "better",
            "verdict_change_name": words,
        }


def changes_of(comparison: Comparison) -> dict[str, str]:
    """Return what became of each finding, by its id."""
    found = {str(item["finding_id"]): "new" for item in comparison.new}
    found |= {str(item["finding_id"]): "cured" for item in comparison.cured}
    found |= {item.finding_id: "changed" for item in comparison.changed}
    found |= {str(item["finding_id"]): "persisting" for item in comparison.persisting}
    return found | {str(item["finding_id"]): "not_compared" for item in comparison.not_compared}


def compare_states(
    before: Review,
    after: Review,
    translator: Translator,
    bases: tuple[PlanData | None, PlanData | None] = (None, None),
) -> tuple[CompareData, CompareData]:
    """Return the data of both maps of a comparison, the earlier one first."""
    one, other = (
        ComparableReview(
            [finding_properties(item, translator) for item in result.results],
            frozenset(result.park_ids),
            frozenset(result.checks),
        )
        for result in (before, after)
    )
    comparison: Comparison = compare_reviews(one, other)
    earlier = CompareData(
        before, translator, bases[0], side=Side.BEFORE, other=after, comparison=comparison
    )
    shared = bases[1] or (earlier if after.plan is before.plan else None)
    later = CompareData(
        after, translator, shared, side=Side.AFTER, other=before, comparison=comparison
    )
    return earlier, later


def states_of(subject: MapInput) -> tuple[CompareData, CompareData]:
    """Return the data of both maps of a comparison, the earlier one first."""
    before, review, base = subject.need("before"), subject.need("review"), subject.base
    earlier, later = (
        base if base is not None and item.plan is base.plan else None for item in (before, review)
    )
    return compare_states(before, review, subject.translator, (earlier, later))
