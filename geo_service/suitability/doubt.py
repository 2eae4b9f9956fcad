"""How sure a ranking is: random weights, the nearest swap, other methods.

Draws come from a fixed seed, so that the same ranking has the same doubts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from geo_service.suitability.agreement import agreement
from geo_service.suitability.robustness import (
    CONFIDENCE,
    DRAWS,
    Swap,
    ahead_shares,
    draw_weights,
    rank_acceptability,
    smallest_swap,
)

if TYPE_CHECKING:
    from geo_service.suitability.scoring import Scored

TOP = 3
COMPARED = 6
"""How many of the best are compared with the first."""
QUICK_DRAWS = 2_000
"""Draws while somebody moves a slider: shares are known to ±0.02 then."""
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
    """The smallest change of weights that swaps first and second; None where not defined."""
    firsts: dict[str, str]
    """Which candidate each method puts first, on the same values and weights."""
    agreement: pd.DataFrame


def doubt_of(scored: Scored, *, draws: int = DRAWS) -> Doubt:
    """Return how sure the order of a scored ranking is, from so many random weights."""
    scorer, weights = scored.scorer, scored.weights
    size = len(scorer.ids)
    count = max(_FEWEST_DRAWS, min(draws, _MOST_SCORES // max(1, size)))
    around = draw_weights(scorer, count=count, around=weights)
    near = rank_acceptability(scorer, around, top=TOP)
    anywhere = rank_acceptability(scorer, draw_weights(scorer, count=count), top=TOP)
    best = list(scorer.top(weights, COMPARED).index)
    tied: tuple[str, ...] = ()
    if len(best) > 1:
        ahead = ahead_shares(scorer, around, best).iloc[0].to_numpy()
        tied = tuple(
            str(name)
            for name, share in zip(best[1:], ahead[1:], strict=True)
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
        swap=smallest_swap(scorer, weights) if size > 1 and scored.is_sum else None,
        firsts={method: str(_first(result)) for method, result in results.items()},
        agreement=agreement(results, top=TOP),
    )


def _first(result: pd.DataFrame) -> object:
    best = result.index[result["rank"] == 1]
    return min(best, key=str)
