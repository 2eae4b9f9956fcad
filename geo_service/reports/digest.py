"""What a review found, without words and shapes: its facts, and one digest of them all.

The same facts are read from a review and from its document in any language, so that a digest that
was signed can be compared with either. Words may be written better in a later release, and shapes
follow from the layers' versions: neither is a part of what was found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from geo_service.language import ENGLISH
from geo_service.reports.document import finding_properties

if TYPE_CHECKING:
    from geo_service.zoning.review import Review

_FIELDS = (
    *("finding_id", "rule_id", "severity", "verdict", "park_id", "subject", "evidence"),
    *("basis_tag", "illustrative", "waived", "approval"),
)
_COUNTS = ("checked", "passed", "below_tolerance")
Facts = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """What a review found: the facts of each finding by id, parks' verdicts, counts by rule."""

    findings: Mapping[str, Facts]
    verdicts: Mapping[str, str]
    checks: Mapping[str, Mapping[str, int]]

    @classmethod
    def of(cls, review: Review) -> Found:
        """Return what a review found."""
        return cls(
            _by_id(finding_properties(finding, ENGLISH) for finding in review.results),
            {park_id: verdict.value for park_id, verdict in review.park_verdicts.items()},
            {
                rule_id: {name: getattr(count, name) for name in _COUNTS}
                for rule_id, count in review.checks.items()
            },
        )

    @classmethod
    def of_document(cls, whole: Mapping[str, Any]) -> Found:
        """Return what a review found by its document; KeyError or TypeError if it is none."""
        return cls(
            _by_id(whole["findings"]),
            {park["park_id"]: park["verdict"] for park in whole["parks"]},
            {
                rule_id: {name: count.get(name, 0) for name in _COUNTS}
                for rule_id, count in whole["checks"].items()
            },
        )

    @property
    def digest(self) -> str:
        """SHA-256 of all facts in a fixed order."""
        total = hashlib.sha256()
        for part in (self.findings, self.verdicts, self.checks):
            for name in sorted(part):
                total.update(orjson.dumps([name, part[name]], option=orjson.OPT_SORT_KEYS) + b"\n")
            total.update(b"\n")
        return total.hexdigest()


def _by_id(findings: Iterable[Mapping[str, Any]]) -> dict[str, Facts]:
    return {item["finding_id"]: {name: item[name] for name in _FIELDS} for item in findings}
