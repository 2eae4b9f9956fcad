"""The map of two reviews side by side: each finding by what became of it.

Each state has its own map and its own parks and findings; the ground is that of its plan.
What is new is on the later map only, what is cured or gone on the earlier one only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from geo_service.maps.kinds.plan import Side
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
from geo_service.zoning.comparable import ComparableReview
from geo_service.zoning.comparison import KINDS, Comparison, compare_reviews

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from geo_service.language import Translator
    from geo_service.maps.kinds import MapInput
    from geo_service.maps.kinds.plan import PlanData
    from geo_service.model import Finding
    from geo_service.reports.document import Document
    from geo_service.zoning.review import Review


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
        self.comparison = comparison
        sides = comparison.kinds_of_findings()
        self._kinds = sides[1] if side is Side.AFTER else sides[0]

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
        """Say how many findings there are of each kind of change."""
        counts = self.comparison.counts
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
        # A finding stands once: on the later map, else on the earlier.
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
        for name in CHANGES:
            if self.comparison.counts[name]:
                key = f"change.{name}"
                yield MapLayer(
                    name=f"findings.{name}",
                    group="changes",
                    source="findings",
                    title=key,
                    where=("change", name),
                    is_shown=name != "unchanged",
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
            return [KINDS[code].value for code in self._kinds.tolist()]
        return super().finding_column(column)

    def finding_counts(self, positions: NDArray[np.intp]) -> Document:
        """Return how many of these findings there are by what maps list them by."""
        changes = Counter(KINDS[code].value for code in self._kinds[positions].tolist())
        return {**super().finding_counts(positions), "change": dict(changes)}

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        return np.argsort(self.review.results.ids)

    def _position_of(self, finding_id: str) -> int:
        ids = self.review.results.ids
        return int(self._order[np.searchsorted(ids, finding_id, sorter=self._order)])

    @cached_property
    def _is_listed(self) -> NDArray[np.bool_]:
        """Which findings of this state the lists have: the later map lists what is on both."""
        listed = np.ones(len(self._kinds), dtype=bool)
        if self.side is Side.BEFORE:
            is_on_both = (self.comparison.before >= 0) & (self.comparison.after >= 0)
            listed[self.comparison.before[is_on_both]] = False
        return listed

    def finding_row(self, item: Finding, shape: BaseGeometry | None) -> Document:
        """Return a finding's properties with what became of it."""
        position = self._position_of(item.finding_id)
        change = KINDS[self._kinds[position]].value
        return {
            **super().finding_row(item, shape),
            "change": change,
            "change_name": self.text(f"change.{change}"),
            "is_listed": bool(self._is_listed[position]),
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


def compare_states(
    before: Review,
    after: Review,
    translator: Translator,
    bases: tuple[PlanData | None, PlanData | None] = (None, None),
) -> tuple[CompareData, CompareData]:
    """Return the data of both maps of a comparison, the earlier one first."""
    comparison = compare_reviews(ComparableReview.of(before), ComparableReview.of(after))
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
