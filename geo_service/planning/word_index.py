"""Names looked up by part of a word, a hundred thousand of them in a few milliseconds.

Each entry has several forms (an id, a name in both scripts, its pinyin). All forms of all entries
lie in one text that is searched for what is typed: forms that are equal to it come first, then
those that begin so, then those that contain it. Leaves out what entries are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum

import numpy as np

_FORM = "\x1f"
_ENTRY = "\n"
SHORTEST_INSIDE = 3
"""Fewer Latin letters or digits than this are looked for at the beginnings of forms only."""


class WordFit(IntEnum):
    """How what was typed stands in an entry, the best first."""

    EQUAL = 0
    BEGINS = 1
    CONTAINS = 2


class WordIndex:
    """Entries by the forms that they are found by; an entry is its position."""

    def __init__(self, entries: Iterable[Sequence[str]]) -> None:
        parts = [f"{_FORM}{_FORM.join(map(normalised, forms))}{_FORM}" for forms in entries]
        self._text = _ENTRY.join(parts)
        sizes = np.array([len(part) + 1 for part in parts], dtype=np.int64)
        self._starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self._starts) - 1

    def find(self, typed: str, limit: int) -> list[tuple[WordFit, int]]:
        """Return up to `limit` entries that fit what was typed, each once, the best first.

        Among equals those that come first in the index do.
        """
        wanted = normalised(typed)
        if not wanted or not len(self):
            return []
        found: dict[int, WordFit] = {}
        for fit, needle in (
            (WordFit.EQUAL, f"{_FORM}{wanted}{_FORM}"),
            (WordFit.BEGINS, f"{_FORM}{wanted}"),
            (WordFit.CONTAINS, wanted),
        ):
            if fit is WordFit.CONTAINS and wanted.isascii() and len(wanted) < SHORTEST_INSIDE:
                break
            for position in self._holding(needle):
                if len(found) >= limit:
                    break
                found.setdefault(position, fit)
        return [(fit, position) for position, fit in found.items()]

    def _holding(self, needle: str) -> Iterator[int]:
        """Yield the entries whose text holds a needle, in order."""
        place = self._text.find(needle)
        while place >= 0:
            position = int(np.searchsorted(self._starts, place, side="right")) - 1
            yield position
            place = self._text.find(needle, int(self._starts[position + 1]) - 1)


def normalised(text: str) -> str:
    """Return a form as it is compared: in lower case, without spaces and separators of forms."""
    return "".join(text.lower().split()).replace(_FORM, "")
