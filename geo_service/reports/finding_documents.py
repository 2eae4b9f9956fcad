"""The findings of a review as a report goes through them: documents one by one, lists by column.

Leaves out how a report words and lays them out (`review`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, overload

import numpy as np

from geo_service.reports.document import Document, finding_properties

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.zoning.review import Review


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
    """Return what tells how many of a park's findings stand in each list of work."""
    facets = review.table.facets
    parks, lists = facets["park"], facets["worklist"]
    numbers = np.zeros((len(parks.names) + 1, len(lists.names)), dtype=np.intp)
    np.add.at(numbers, (parks.codes, lists.codes), 1)  # those of no park come last
    rows = {name: row for row, name in enumerate(parks.names)}

    def of_park(park_id: str) -> dict[str, int]:
        own = numbers[rows[park_id]] if park_id in rows else np.zeros_like(numbers[0])
        return dict(zip([str(name) for name in lists.names], own.tolist(), strict=True))

    return of_park
