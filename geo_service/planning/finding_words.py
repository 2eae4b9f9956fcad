"""What findings are searched by: their titles and ids as one text, looked through at once.

Titles are rendered once for a review and a language, in a few seconds for a hundred thousand, and
kept as one block of bytes (about 80 a finding), in which a search takes milliseconds. Both scripts
of Chinese are folded into one, so that either finds the other. Leaves out names of parks and titles
of rules, of which there are few: `finding_rows` looks through these.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from geo_service.language import to_simplified

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BETWEEN = "\n"


def folded(text: str) -> str:
    """Return a text as it is compared: in lower case, traditional characters simplified.

    >>> folded(" P1 雲陽 ")
    'p1 云阳'
    """
    return to_simplified(text.strip().lower())


class FindingWords:
    """The texts of findings, each finding's a line in its order."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Take what each finding is found by."""
        lines = [" ".join(text.lower().split()) for text in texts]
        whole = _BETWEEN.join(lines)
        # By far the most counties hold no traditional character: then nothing is converted.
        signs = "".join(sorted(set(whole)))
        if to_simplified(signs) != signs:
            whole = to_simplified(whole)
        self._content = whole.encode()
        lengths = [len(line.encode()) + 1 for line in whole.split(_BETWEEN)] if lines else []
        self._starts = [0, *np.cumsum(lengths, dtype=np.int64).tolist()]
        self._count = len(lines)

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        return len(self._content) + 40 * len(self._starts)

    def matches(self, words: str) -> NDArray[np.bool_]:
        """Return which findings' texts contain these words, given folded, as they stand."""
        found = np.zeros(self._count, dtype=bool)
        wanted = " ".join(words.split()).encode()
        at = self._content.find(wanted)
        while at >= 0 and self._count:
            row = min(bisect_right(self._starts, at) - 1, self._count - 1)
            found[row] = True
            at = self._content.find(wanted, self._starts[row + 1])
        return found
