"""What findings are searched by: their titles and ids as one text, looked through at once.

Titles are rendered once for a review and a language, in a few seconds for a hundred thousand, and
kept as one block of bytes (about 100 a finding), in which a search takes milliseconds. Both scripts
of Chinese are folded into one, so that either finds the other. Names of parks and titles of rules,
which many findings share, are looked through once each.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from geo_service.language import to_simplified

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.zoning.finding_table import FindingTable

_BETWEEN = "\n"


def folded(text: str) -> str:
    """Return a text as it is compared: in lower case, traditional characters simplified.

    >>> folded(" P1 雲陽 ")
    'p1 云阳'
    """
    return to_simplified(text.strip().lower())


class FindingWords:
    """The texts of findings, each finding's a line in its order; those of parks and rules beside.

    Parameters
    ----------
    texts
        What each finding is found by of its own.
    parks, rules
        What the findings of a park, or of a rule, are found by, by its id.
    """

    def __init__(
        self, texts: Iterable[str], *, parks: Mapping[str, str], rules: Mapping[str, str]
    ) -> None:
        lines = [" ".join(text.lower().split()) for text in texts]
        whole = _BETWEEN.join(lines)
        # Most counties hold no traditional character: then nothing is converted.
        signs = "".join(sorted(set(whole)))
        if to_simplified(signs) != signs:
            whole = to_simplified(whole)
        self._content = whole.encode()
        lengths = [len(line.encode()) + 1 for line in whole.split(_BETWEEN)] if lines else []
        self._starts: list[int] = [0, *np.cumsum(lengths, dtype=np.int64).tolist()]
        self._count = len(lines)
        self._shared = {
            facet: {name: folded(text) for name, text in texts_by_name.items()}
            for facet, texts_by_name in (("park", parks), ("rule", rules))
        }

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        return len(self._content) + 40 * len(self._starts)

    def matches(self, words: str, table: FindingTable) -> NDArray[np.bool_]:
        """Return which findings of a table contain these words, as they stand."""
        wanted = " ".join(folded(words).split())
        found = self._containing(wanted.encode())
        for facet, texts in self._shared.items():
            names = {name for name, text in texts.items() if wanted in text}
            found |= table.facets[facet].among(names)
        return found

    def _containing(self, wanted: bytes) -> NDArray[np.bool_]:
        found = np.zeros(self._count, dtype=bool)
        at = self._content.find(wanted) if self._count else -1
        while at >= 0:
            row = min(bisect_right(self._starts, at) - 1, self._count - 1)
            found[row] = True
            at = self._content.find(wanted, self._starts[row + 1])
        return found
