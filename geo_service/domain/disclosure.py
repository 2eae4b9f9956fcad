"""Disclosure control: which counts and sums of enterprises may be told to the public.

Words and rules are the published ones of statistical offices (A. Hundepool and others, "Handbook
on Statistical Disclosure Control", ESSnet SDC, chapter on tables of magnitudes and frequencies).
*Primary suppression* withholds a count under a minimum frequency, and a sum that rests on few
contributors or is dominated by some, by the (n,k) rule and the p% rule. *Secondary
(complementary) suppression* withholds further cells, so that no withheld cell follows from a
total that is told. Pure functions of numbers; leaves out where the numbers come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEAST_COUNT = 5
"""A smaller number of enterprises is withheld, none as well as one."""
LEAST_WIDTH = 2
"""An attacker's bounds of a withheld count lie at least so far apart: three values or more."""
DOMINANT_COUNT = 2
DOMINANT_SHARE = 0.85
"""The (n,k) rule: the n largest contributors make up at most this share of a sum."""
PROTECTED_SHARE = 0.1
"""The p% rule: the second largest cannot estimate the largest to within this part of it."""


@dataclass(frozen=True)
class ToldCounts:
    """Counts as they may be told: None stands for a cell, or the total, that is withheld."""

    cells: tuple[int | None, ...]
    total: int | None


def told_counts(counts: Sequence[int]) -> ToldCounts:
    """Return counts of cells and their total as they may be told together.

    Cells under `LEAST_COUNT` are withheld (primary). As long as somebody who knows the rule, the
    total and every told cell could bound a withheld one too closely, one more cell is withheld
    (secondary); if none is left, the total is withheld.

    Examples
    --------
    >>> told_counts([3, 8, 20])
    ToldCounts(cells=(None, None, 20), total=31)
    >>> told_counts([12, 8, 20])
    ToldCounts(cells=(12, 8, 20), total=40)
    """
    small = [at for at, count in enumerate(counts) if count < LEAST_COUNT]
    if not small:
        return ToldCounts(tuple(counts), sum(counts))
    added: list[int] = []
    left = sorted(set(range(len(counts))) - set(small), key=lambda at: (counts[at], at))
    while not _is_protected(counts, small, added):
        if not left:
            return ToldCounts((None,) * len(counts), None)
        enough = (at for at in left if _is_protected(counts, small, [*added, at]))
        chosen = next(enough, left[-1])  # the smallest that is enough, else the largest
        added.append(chosen)
        left.remove(chosen)
    withheld = {*small, *added}
    cells = tuple(None if at in withheld else count for at, count in enumerate(counts))
    return ToldCounts(cells, sum(counts))


def _is_protected(counts: Sequence[int], small: Sequence[int], added: Sequence[int]) -> bool:
    """Whether the bounds of every withheld cell are wide for who knows even why it is withheld.

    The sum of the withheld cells is known. Each small one is from 0 to 4, each added one 5 or
    more.
    """
    most = LEAST_COUNT - 1
    whole = sum(counts[at] for at in (*small, *added))
    others = most * (len(small) - 1)
    low_small = 0 if added else max(0, whole - others)
    high_small = min(most, whole - LEAST_COUNT * len(added))
    if high_small - low_small < LEAST_WIDTH:
        return False
    if not added:
        return True
    spare = whole - LEAST_COUNT * (len(added) - 1)
    low_added = LEAST_COUNT if len(added) > 1 else max(LEAST_COUNT, whole - most * len(small))
    return spare - low_added >= LEAST_WIDTH


def is_sum_told(values: Sequence[float]) -> bool:
    """Return whether a sum of enterprises' amounts may be told.

    Not if fewer than `LEAST_COUNT` contribute, if the largest few dominate it, or if the second
    largest could find the largest from it. Losses count by their size.

    Examples
    --------
    >>> is_sum_told([10.0, 9.0, 8.0, 7.0, 6.0]), is_sum_told([100.0, 9.0, 3.0, 2.0, 1.0])
    (True, False)
    """
    sizes = np.sort(np.abs(np.asarray(values, dtype=float)))[::-1]
    sizes = sizes[sizes > 0]
    if len(sizes) < LEAST_COUNT:
        return False
    whole = float(sizes.sum())
    is_dominated = float(sizes[:DOMINANT_COUNT].sum()) > DOMINANT_SHARE * whole
    rest = whole - float(sizes[0]) - float(sizes[1])
    return not is_dominated and rest >= PROTECTED_SHARE * float(sizes[0])


def is_share_told(part: Sequence[float], rest: Sequence[float]) -> bool:
    """Return whether a part's share of a whole may be told: both sides would be told as sums."""
    return is_sum_told(part) and is_sum_told(rest)
