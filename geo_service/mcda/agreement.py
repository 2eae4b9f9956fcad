"""Measure how far rankings of the same candidates agree, by method or by weights.

Kendall's tau over all candidates and the overlap of the best few; both use ranks only.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo_service.mcda.scaling import check_whole, refuse

if TYPE_CHECKING:
    from numpy.typing import NDArray


def agreement(rankings: Mapping[str, pd.DataFrame], *, top: int = 3) -> pd.DataFrame:
    """Return how far rankings of the same candidates agree, one row per pair of rankings.

    Parameters
    ----------
    rankings
        Maps a name (such as the method's) to a result of `mcda.score` over the same candidates.
    top
        How many of the best candidates are compared.

    Returns
    -------
    Columns `kendall_tau` (tau-b on ranks, 1 the same order, -1 the reverse; NaN where a
    ranking has a single rank) and `top_overlap`: how many candidates of rank ≤ `top` two
    rankings share, divided by the larger of the two sets.
    """
    check_whole("top", top)
    rows = {}
    for (one, left), (other, right) in itertools.combinations(rankings.items(), 2):
        if not (len(left) == len(right) and left.index.isin(right.index).all()):
            refuse("rankings", "problem.other_candidates", one=str(one), other=str(other))
        ranks = left["rank"].to_numpy(), right["rank"].reindex(left.index).to_numpy()
        chosen = [rank <= top for rank in ranks]
        larger = max(1, *(int(item.sum()) for item in chosen))
        shared = int((chosen[0] & chosen[1]).sum())
        rows[(one, other)] = (kendall_tau(*ranks), shared / larger if len(left) else math.nan)
    index = pd.MultiIndex.from_tuples(rows, names=["first", "second"]) if rows else None
    return pd.DataFrame(list(rows.values()), index=index, columns=["kendall_tau", "top_overlap"])


def kendall_tau(left: NDArray[np.int64], right: NDArray[np.int64]) -> float:
    """Return Kendall's tau-b of two sets of ranks; NaN if all ranks of one are equal.

    >>> kendall_tau(np.array([1, 2, 3, 4]), np.array([1, 2, 4, 3]))  # 5 pairs agree, 1 not
    0.6666666666666666
    """
    count = len(left)
    pairs = count * (count - 1) // 2
    one, other = (np.unique(side, return_inverse=True)[1] for side in (left, right))
    tied = [_tied_pairs(one), _tied_pairs(other), _tied_pairs(one * count + other)]
    discordant = _inversions(other[np.lexsort((other, one))])
    concordant = pairs - tied[0] - tied[1] + tied[2] - discordant
    scale = math.sqrt((pairs - tied[0]) * (pairs - tied[1]))
    return (concordant - discordant) / scale if scale else math.nan


def _tied_pairs(values: NDArray[np.int64]) -> int:
    counts = np.unique(values, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def _inversions(values: NDArray[np.int64]) -> int:
    """Return the number of pairs in descending order, counted bit by bit from the highest bit."""
    total = 0
    top_bit = int(values.max(initial=0)).bit_length()
    for bit in range(top_bit - 1, -1, -1):
        values = values[np.argsort(values >> (bit + 1), kind="stable")]
        group = values >> (bit + 1)
        is_one = (values >> bit) & 1
        ones_before = np.cumsum(is_one) - is_one
        starts = np.searchsorted(group, group, side="left")
        total += int((ones_before - ones_before[starts])[is_one == 0].sum())
    return total
