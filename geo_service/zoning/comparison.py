"""Compare two reviews: which findings are new, cured or persisting, or changed their evidence.

Findings are compared as documents, so a review read from a file can be compared as well as
a new one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FindingDocument = Mapping[str, Any]
_COMPARED = ("verdict", "severity", "waived", "approval")
"""Members that change a finding; a review saved before approvals has none of these."""


@dataclass(frozen=True)
class ChangedFinding:
    """A finding of both reviews whose verdict, waiver, approval or evidence differs."""

    finding_id: str
    before: FindingDocument
    after: FindingDocument
    changed: tuple[str, ...]
    """Those of `verdict`, `severity`, `waived`, `approval`, `evidence.<name>` that differ."""


@dataclass(frozen=True)
class Comparison:
    """What happened to each finding between two reviews; each finding is in one list.

    `not_compared` are findings on parks, or by rules, that only one of the reviews covers:
    they are neither new nor cured.
    """

    new: tuple[FindingDocument, ...]
    cured: tuple[FindingDocument, ...]
    persisting: tuple[FindingDocument, ...]
    changed: tuple[ChangedFinding, ...]
    not_compared: tuple[FindingDocument, ...] = ()


@dataclass(frozen=True)
class ComparableReview:
    """What a review covered: its findings, and all parks and rules that it considered."""

    findings: Sequence[FindingDocument]
    parks: frozenset[str]
    rules: frozenset[str]

    def covers(self, finding: FindingDocument) -> bool:
        """Return whether this review covered a finding's park and rule."""
        park_id = finding["park_id"]
        return finding["rule_id"] in self.rules and (park_id is None or park_id in self.parks)


def compare_reviews(before: ComparableReview, after: ComparableReview) -> Comparison:
    """Return how two reviews' findings differ, each list in the order of its review.

    Two findings are the same if their `finding_id` is: same rule, same subject.
    """
    earlier = {finding["finding_id"]: finding for finding in before.findings}
    later = {finding["finding_id"]: finding for finding in after.findings}
    changed, persisting = [], []
    for finding_id, finding in later.items():
        if finding_id not in earlier:
            continue
        names = _differences(earlier[finding_id], finding)
        if names:
            changed.append(ChangedFinding(finding_id, earlier[finding_id], finding, names))
        else:
            persisting.append(finding)
    new = [finding for key, finding in later.items() if key not in earlier]
    gone = [finding for key, finding in earlier.items() if key not in later]
    return Comparison(
        new=tuple(finding for finding in new if before.covers(finding)),
        cured=tuple(finding for finding in gone if after.covers(finding)),
        persisting=tuple(persisting),
        changed=tuple(changed),
        not_compared=(
            *(finding for finding in new if not before.covers(finding)),
            *(finding for finding in gone if not after.covers(finding)),
        ),
    )


def _differences(before: FindingDocument, after: FindingDocument) -> tuple[str, ...]:
    names = [name for name in _COMPARED if before.get(name) != after.get(name)]
    old, new = before["evidence"], after["evidence"]
    names += [f"evidence.{name}" for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    return tuple(names)
