"""Two reviews compared, as a document.

Findings are made into documents only as far as they are listed. Leaves out tables (`terminal`)
and workbooks (`comparison_xlsx`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geo_service.reports.document import Document, finding_properties
from geo_service.zoning.comparable import ComparableReview
from geo_service.zoning.comparison import (
    CHANGES,
    Change,
    ChangeKind,
    Comparison,
    compare_reviews,
)
from geo_service.zoning.distance import changed_evidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from geo_service.language import Translator
    from geo_service.zoning.review import Review

_COMPARED = ("verdict", "severity", "waived", "approval")
"""Members that change a finding; a review saved before approvals has none of these."""


@dataclass(frozen=True)
class ReviewSide:
    """One of two reviews: what is compared of it, and how its findings are told."""

    comparable: ComparableReview
    tell: Callable[[Sequence[int]], Sequence[Document]]
    """Returns the documents of the findings at positions, without geometry."""
    review_id: str = ""
    as_of: str = ""
    """The day of the review; empty if it does not say one."""

    @classmethod
    def of(cls, review: Review, translator: Translator) -> ReviewSide:
        """Return a review at hand."""

        def tell(positions: Sequence[int]) -> list[Document]:
            return [finding_properties(item, translator) for item in review.results.at(positions)]

        return cls(ComparableReview.of(review), tell, review.review_id, review.as_of.isoformat())

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> ReviewSide:
        """Return a review that was saved as a document."""
        findings = document["findings"]

        def tell(positions: Sequence[int]) -> list[Document]:
            chosen = (findings[position] for position in positions)
            return [
                {name: value for name, value in item.items() if name != "geometry"}
                for item in chosen
            ]

        about = (str(document.get(name) or "") for name in ("review_id", "as_of"))
        return cls(ComparableReview.of_document(document), tell, *about)


@dataclass(frozen=True)
class ComparedReviews:
    """Two reviews, and what became of the findings of the earlier one in the later."""

    before: ReviewSide
    after: ReviewSide
    comparison: Comparison

    @classmethod
    def of(cls, before: ReviewSide, after: ReviewSide) -> ComparedReviews:
        """Compare two reviews."""
        return cls(before, after, compare_reviews(before.comparable, after.comparable))

    def documents(
        self, kinds: Iterable[ChangeKind] = CHANGES, *, limit: int | None = None
    ) -> Iterator[Document]:
        """Yield what changed, as documents; `limit` is for each kind."""
        changes = list(self.comparison.changes(kinds, limit=limit))
        told = [
            self._told(side, [getattr(change, name) for change in changes])
            for name, side in (("before", self.before), ("after", self.after))
        ]
        for change, before, after in zip(changes, *told, strict=True):
            yield _change_document(change, before, after)

    @staticmethod
    def _told(side: ReviewSide, positions: Sequence[int | None]) -> list[Document | None]:
        there = iter(side.tell([position for position in positions if position is not None]))
        return [None if position is None else next(there) for position in positions]


def comparison_document(compared: ComparedReviews, *, limit: int | None = None) -> Document:
    """Return what became of each finding between two reviews; unchanged ones are only counted."""
    return {
        "counts": compared.comparison.counts,
        "changes": list(compared.documents(limit=limit)),
    }


def _change_document(change: Change, before: Document | None, after: Document | None) -> Document:
    shown = after or before or {}
    return {
        "kind": change.kind.value,
        "reason": None if change.reason is None else change.reason.value,
        "rule_id": shown["rule_id"],
        "park_id": shown["park_id"],
        "subject": shown["subject"],
        "changed": _differences(before, after) if before and after else [],
        "before": before,
        "after": after,
    }


def _differences(before: Document, after: Document) -> list[str]:
    """Return what differs: `verdict`, `severity`, `waived`, `approval`, `evidence.<name>`."""
    names = [name for name in _COMPARED if before.get(name) != after.get(name)]
    changed = changed_evidence(before["evidence"], after["evidence"])
    return [*names, *(f"evidence.{name}" for name in changed)]
