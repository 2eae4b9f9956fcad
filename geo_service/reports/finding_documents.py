"""The findings of a review as a report goes through them: documents one by one, lists by column.

Leaves out how a report words and lays them out (`review`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, overload

import numpy as np

from geo_service.model import Severity, Verdict
from geo_service.reports.document import Document, finding_properties
from geo_service.zoning.portions import SEVERITY_ORDER, VERDICT_ORDER

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.zoning.review import Review

LISTS = ("rectify", "watch", "supplement")
"""The three lists: every finding that counts stands in exactly one of them."""
ASIDE = ("waived", "approved")
"""Why a finding stands in none of them."""


class FindingDocuments(Sequence[Document]):
    """The documents of a review's findings, each made whenever it is looked at."""

    def __init__(self, review: Review, translator: Translator) -> None:
        """Take a review and the language of its texts."""
        self._results, self._translator = review.results, translator

    def __len__(self) -> int:
        """Return the number of findings."""
        return len(self._results)

    @overload
    def __getitem__(self, index: int) -> Document: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Document]: ...

    def __getitem__(self, index: int | slice) -> Document | Sequence[Document]:
        """Return the document of a finding, or those of several."""
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        return finding_properties(self._results[index], self._translator)

    def __iter__(self) -> Iterator[Document]:
        """Yield the documents of all findings."""
        return (finding_properties(item, self._translator) for item in self._results)


def list_numbers(review: Review) -> Callable[[str], dict[str, int]]:
    """Return what tells how many of a park's findings stand in each list, or in none and why."""
    results = review.results
    verdict, severity = results.verdict_codes, results.severity_codes
    is_unknown = verdict == VERDICT_ORDER.index(Verdict.UNKNOWN)
    is_grave = (severity == SEVERITY_ORDER.index(Severity.MUST)) & (
        verdict == VERDICT_ORDER.index(Verdict.FAIL)
    )
    approved = np.zeros(len(results), dtype=bool)
    approved[results.approved] = True
    standing = {
        "rectify": results.counting & is_grave,
        "watch": results.counting & ~is_unknown & ~is_grave,
        "supplement": results.counting & is_unknown,
        "waived": ~results.counting & ~approved,
        "approved": approved,
    }

    def of_park(park_id: str) -> dict[str, int]:
        own = results.by_park.get(park_id, np.zeros(0, dtype=np.intp))
        return {name: int(standing[name][own].sum()) for name in (*LISTS, *ASIDE)}

    return of_park
