"""A review as it is compared: columns, and what it looked at.

Of a review at hand or of one saved as a document. Leaves out the comparison (`comparison`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geo_service.model import Severity, Verdict
from geo_service.zoning.distance import MEASURE_PARTS
from geo_service.zoning.ran_on import RanOn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.zoning.review import Review

FindingDocument = Mapping[str, Any]
Group = tuple[str, str, str]
"""Rule, layer and id of the subject: what two findings are paired by."""
_GRAVITY = {Verdict.WATCH: 1, Verdict.UNKNOWN: 2, Verdict.FAIL: 3}
_BINDING = {Severity.INFO: 0, Severity.SHOULD: 1, Severity.MUST: 2}
_STEP = 10
"""More than any code of what is put before the next in a number of several."""


@dataclass(frozen=True, kw_only=True)
class ComparableReview:
    """A review as it is compared: a column of each thing that counts, and what it looked at."""

    ids: NDArray[np.str_]
    rule_ids: NDArray[np.object_]
    layers: NDArray[np.object_]
    subject_ids: NDArray[np.object_]
    park_ids: NDArray[np.object_]
    verdicts: NDArray[np.int8]
    """The gravity of each verdict: 1 watch, 2 unknown, 3 fail."""
    severities: NDArray[np.int8]
    """How binding each finding's rule is: 0 info, 1 should, 2 must."""
    counts: NDArray[np.bool_]
    """Whether a finding counts: neither waived nor approved."""
    measures: Callable[[NDArray[np.intp]], list[tuple[Any, ...]]]
    """The `MEASURE_PARTS` of the evidence of findings at positions."""
    rules: frozenset[str]
    """Every rule that was applied."""
    parks: frozenset[str]
    """Every park that was looked at."""
    ran_on: RanOn | None
    """The subjects that each rule ran on; None if nobody recorded it."""

    @classmethod
    def of(cls, review: Review) -> ComparableReview:
        """Return a review as it is compared."""
        found = review.results
        return cls(
            ids=found.ids,
            rule_ids=found.rule_ids,
            layers=found.subject_layers,
            subject_ids=found.subject_ids,
            park_ids=found.park_ids,
            verdicts=_coded(found.verdicts, _GRAVITY),
            severities=_coded(found.severities, _BINDING),
            counts=found.counting,
            measures=lambda positions: found.evidence(positions, MEASURE_PARTS),
            rules=frozenset(review.checks),
            parks=frozenset(review.park_ids),
            ran_on=review.ran_on,
        )

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> ComparableReview:
        """Return a review read from `review --format json`, or one that a store has."""
        findings: list[FindingDocument] = document["findings"]

        def column(value: Callable[[FindingDocument], object]) -> NDArray[np.object_]:
            return _objects(map(value, findings))

        def measures(positions: NDArray[np.intp]) -> list[tuple[Any, ...]]:
            chosen = (findings[at]["evidence"] for at in positions.tolist())
            return [tuple(map(evidence.get, MEASURE_PARTS)) for evidence in chosen]

        return cls(
            ids=np.array([item["finding_id"] for item in findings], dtype=np.str_),
            rule_ids=column(lambda item: item["rule_id"]),
            layers=column(lambda item: item["subject"]["layer"]),
            subject_ids=column(lambda item: item["subject"]["id"]),
            park_ids=column(lambda item: item["park_id"]),
            verdicts=_coded(column(lambda item: item["verdict"]), _GRAVITY),
            severities=_coded(column(lambda item: item["severity"]), _BINDING),
            counts=np.array([not _is_set_aside(item) for item in findings], dtype=bool),
            measures=measures,
            rules=frozenset(document["checks"]),
            parks=frozenset(park["park_id"] for park in document["parks"]),
            ran_on=RanOn.from_document(document.get("ran_on")),
        )

    def __len__(self) -> int:
        """Return the number of findings."""
        return len(self.ids)

    def group_of(self, position: int) -> Group:
        """Return the rule and the subject of a finding."""
        return self.rule_ids[position], self.layers[position], self.subject_ids[position]

    def is_unknown(self) -> NDArray[np.bool_]:
        """Return which findings are of what could not be judged."""
        return np.asarray(self.verdicts == _GRAVITY[Verdict.UNKNOWN], dtype=bool)

    def grades(self, positions: NDArray[np.intp]) -> NDArray[np.int64]:
        """Return how grave findings are: whether they count, then verdict, then severity."""
        counts = self.counts[positions].astype(np.int64)
        verdicts, severities = (
            column[positions].astype(np.int64) for column in (self.verdicts, self.severities)
        )
        return (counts * _STEP + verdicts) * _STEP + severities

    def has_looked(self, park_id: str | None) -> bool:
        """Return whether the review looked at a park, or would have if there had been one."""
        if self.ran_on is None:
            return park_id is None or park_id in self.parks
        if park_id is None:
            return self.parks >= set(self.ran_on.subjects.ids.get("parks", ()))
        return park_id in self.parks or not bool(self.ran_on.has("parks", [park_id])[0])


def _coded(values: NDArray[np.object_], codes: Mapping[Any, int]) -> NDArray[np.int8]:
    """Return the code of each value; 0 for one that is not known."""
    found = np.zeros(len(values), dtype=np.int8)
    for value, code in codes.items():
        found[values == value] = code
    return found


def _objects(values: Iterable[object]) -> NDArray[np.object_]:
    listed = list(values)
    found = np.empty(len(listed), dtype=object)
    found[:] = listed
    return found


def _is_set_aside(finding: FindingDocument) -> bool:
    return bool(finding.get("waived") or finding.get("approval"))
