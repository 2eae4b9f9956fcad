"""What becomes of findings from one review to another: each pair of rule and subject, in a kind.

`new`, `worse`, `better`, `became_unknown`, `cured`, `subject_gone`, `unchanged`, `not_compared`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from geo_service.domain.subjects import SUBJECT_LAYERS, subject_ids
from geo_service.model import Finding, Verdict

if TYPE_CHECKING:
    from geo_service.plan import Plan
    from geo_service.zoning.review import Review

SAME = 1e-9
"""Share by which two measures may differ that are the same."""


class FindingKind(StrEnum):
    """What became of a finding."""

    NEW = "new"
    WORSE = "worse"
    BETTER = "better"
    BECAME_UNKNOWN = "became_unknown"
    CURED = "cured"
    SUBJECT_GONE = "subject_gone"
    UNCHANGED = "unchanged"
    NOT_COMPARED = "not_compared"


CHANGING = tuple(
    kind for kind in FindingKind if kind not in {FindingKind.UNCHANGED, FindingKind.NOT_COMPARED}
)
_GRAVITY = {Verdict.WATCH: 1, Verdict.FAIL: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingChange:
    """A finding before and after; None where a review does not have it."""

    kind: FindingKind
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
        """What tells this outcome from another one of the same finding."""
        if self.after is None:
            return (self.kind, None)
        return (self.kind, self.after.verdict)


def find_changes(before: Review, after: Review) -> tuple[FindingChange, ...]:
    """Return what became of each finding, those of the later review first, in their order."""
    if before is after:
        return ()
    earlier = {str(one): position for position, one in enumerate(before.results.ids)}
    later = {str(one): position for position, one in enumerate(after.results.ids)}
    found = []
    for finding_id, position in later.items():
        new = after.results[position]
        old = before.results[earlier[finding_id]] if finding_id in earlier else None
        found.append(FindingChange(kind=_kind(before, old, new), before=old, after=new))
    standing = _subjects(after.plan)
    for finding_id, position in earlier.items():
        if finding_id not in later:
            old = before.results[position]
            kind = _gone(after, old, standing)
            found.append(FindingChange(kind=kind, before=old, after=None))
    return tuple(found)


def count_kinds(changes: Sequence[FindingChange]) -> Mapping[str, int]:
    """Return how many findings there are of each kind."""
    counts = Counter(change.kind for change in changes)
    return {kind.value: counts[kind] for kind in FindingKind}


def _kind(before: Review, old: Finding | None, new: Finding) -> FindingKind:
    if old is None:
        is_judged = new.rule_id in before.checks
        return FindingKind.NEW if is_judged else FindingKind.NOT_COMPARED
    if old.verdict is not new.verdict:
        if new.verdict is Verdict.UNKNOWN:
            return FindingKind.BECAME_UNKNOWN
        grave = _GRAVITY[new.verdict] - _GRAVITY.get(old.verdict, 0)
        return FindingKind.WORSE if grave > 0 else FindingKind.BETTER
    return _by_measure(old, new)


def _by_measure(old: Finding, new: Finding) -> FindingKind:
    """Return the kind of a finding whose verdict stays: how far it is from its threshold."""
    one, other = measured(old), measured(new)
    if one is None or other is None:
        return FindingKind.UNCHANGED
    distance = [abs(value - threshold) for value, threshold in (one, other)]
    if abs(distance[1] - distance[0]) <= SAME * max(distance):
        return FindingKind.UNCHANGED
    return FindingKind.WORSE if distance[1] > distance[0] else FindingKind.BETTER


def measured(finding: Finding) -> tuple[float, float] | None:
    """Return a finding's measure and the threshold it is held against; None without either."""
    value, threshold = (_number(finding.evidence.get(name)) for name in ("value", "threshold"))
    return None if value is None or threshold is None else (value, threshold)


def _number(value: Any) -> float | None:  # noqa: ANN401 - any evidence
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number else None


def _gone(after: Review, old: Finding, standing: Mapping[str, frozenset[str]]) -> FindingKind:
    if old.rule_id not in after.checks:
        return FindingKind.NOT_COMPARED
    layer = old.subject.layer
    if layer in standing and old.subject.id not in standing[layer]:
        return FindingKind.SUBJECT_GONE
    return FindingKind.CURED


def _subjects(plan: Plan) -> dict[str, frozenset[str]]:
    return {layer: frozenset(subject_ids(layer, plan.frame(layer))) for layer in SUBJECT_LAYERS}
