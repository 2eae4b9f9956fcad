"""What becomes of findings from one plan's review to another's, as `zoning.comparison` tells it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo_service.zoning.comparable import ComparableReview
from geo_service.zoning.comparison import KINDS, ChangeKind, compare_reviews

if TYPE_CHECKING:
    from geo_service.model import Finding
    from geo_service.zoning.review import Review

CHANGING = tuple(
    kind for kind in KINDS if kind not in {ChangeKind.UNCHANGED, ChangeKind.NOT_COMPARED}
)
"""Kinds that say that something is otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingChange:
    """A finding before and after; None where a review does not have it."""

    kind: ChangeKind
    before: Finding | None
    after: Finding | None

    @property
    def finding(self) -> Finding:
        """The finding as it is afterwards, or as it was where it is gone."""
        found = self.after or self.before
        assert found is not None  # noqa: S101 - a change has one of the two
        return found

    @property
    def key(self) -> str:
        """What tells the finding from others of a review."""
        return self.finding.finding_id

    @property
    def state(self) -> tuple[object, ...]:
        """What tells this outcome from another one of the same finding: its measure does not."""
        return (self.kind, None if self.after is None else self.after.verdict)


def find_changes(
    before: Review, after: Review, kinds: Sequence[ChangeKind] = KINDS
) -> tuple[FindingChange, ...]:
    """Return what became of each finding, in the order of its kind; none of one review twice.

    Only changes of these kinds are returned.
    """
    if before is after:
        return ()
    compared = compare_reviews(ComparableReview.of(before), ComparableReview.of(after))
    return tuple(
        FindingChange(
            kind=change.kind,
            before=None if change.before is None else before.results[change.before],
            after=None if change.after is None else after.results[change.after],
        )
        for change in compared.changes(kinds)
    )


def count_kinds(changes: Sequence[FindingChange]) -> Mapping[str, int]:
    """Return how many findings there are of each kind."""
    counts = Counter(change.kind for change in changes)
    return {kind.value: counts[kind] for kind in KINDS}
