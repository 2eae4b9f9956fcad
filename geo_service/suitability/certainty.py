"""How sure a ranking is: random weights, the nearest swap, other methods.

Draws come from a fixed seed, so that the same ranking has the same doubts.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo_service.mcda.agreement import agreement
from geo_service.mcda.robustness import (
    CONFIDENCE,
    DRAWS,
    draw_weights,
    find_row,
    rank_acceptability,
    wins,
)
from geo_service.mcda.swap import Swap, smallest_swap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.suitability.scoring import Scored

TOP = 3
COMPARED = 6
"""How many of the best are compared with the first."""
QUICK_DRAWS = 2_000
"""Draws while somebody moves a slider: shares are known to ±0.02 then."""
MOST_SEARCHED = 20_000
"""Candidates up to which the smallest swap is searched for where it cannot be computed."""
_MOST_SCORES = 20_000_000
"""Draws × candidates at most; many candidates get fewer draws."""
_FEWEST_DRAWS = 200


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """How sure the order of a ranking is.

    `acceptability` has, by candidate, the share of draws in which it is `first` and
    `in_top3`: with weights scattered around the given ones, and (`first_any`,
    `in_top3_any`) with any weights at all. `tied` are candidates whose order against the
    first cannot be told: neither is ahead in 95 % of the draws.
    """

    acceptability: pd.DataFrame
    draws: int
    tied: tuple[str, ...]
    swap: Swap | None
    """The smallest change of weights that swaps first and second; None for a single candidate."""
    firsts: dict[str, str]
    """Which candidate each method puts first, on the same values and weights."""
    agreement: pd.DataFrame


def doubt_of(scored: Scored, *, draws: int = DRAWS) -> Doubt:
    """Return how sure the order of a scored ranking is, from so many random weights."""
    scorer, weights = scored.scorer, scored.weights
    size = len(scorer.ids)
    count = max(_FEWEST_DRAWS, min(draws, _MOST_SCORES // max(1, size)))
    best = list(scorer.top(weights, COMPARED).index)
    rows = [find_row(scorer, "candidates", name) for name in best]
    won = np.zeros((len(rows), len(rows)))

    def count_wins(scores: NDArray[np.float64]) -> None:
        won[...] += wins(scores[:, rows])

    around = draw_weights(scorer, count=count, around=weights)
    with ThreadPoolExecutor(1) as pool:  # nearly all of it is NumPy's, outside of Python
        far = pool.submit(scored.unweighed.acceptability, draws=count, top=TOP)
        near = rank_acceptability(scorer, around, top=TOP, on_scores=count_wins)
        anywhere = far.result()
    tied = tuple(
        str(name)
        for name, share in zip(best[1:], (won[0] / count)[1:], strict=True)
        if 1 - CONFIDENCE < share < CONFIDENCE
    )
    results = scored.by_method()
    return Doubt(
        acceptability=pd.DataFrame(
            {
                "first": near["first"],
                "in_top3": near["in_top"],
                "first_any": anywhere["first"],
                "in_top3_any": anywhere["in_top"],
            }
        ),
        draws=count,
        tied=tied,
        swap=smallest_swap(scorer, weights)
        if size > 1 and (scored.is_sum or size <= MOST_SEARCHED)
        else None,
        firsts={method: str(_first(result)) for method, result in results.items()},
        agreement=agreement(results, top=TOP),
    )


def _first(result: pd.DataFrame) -> object:
    best = result.index[result["rank"] == 1]
    return min(best, key=str)
