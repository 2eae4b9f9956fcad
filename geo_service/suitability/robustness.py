"""How sure a ranking is of its weights: random ones, and the smallest change that turns it.

Everything starts from a `Scorer` of `mcda.prepare`. Random draws come from a seed and are
scored in chunks, so memory stays bounded whatever the number of draws. Uncertainty of the
*values* (travel times, slopes) is not treated. Agreement between methods is measured in
`agreement`, which weight matters most in `sensitivity`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo_service.suitability.scaling import (
    ROUNDING,
    check_number,
    check_weights,
    check_whole,
    refuse,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.suitability.mcda import Scorer

    Floats = NDArray[np.float64]
    Weights = Mapping[str, float] | pd.Series

DRAWS = 10_000
SEED = 20_240_814
"""Any number would do; a fixed one makes two runs agree."""

CONCENTRATION = 50.0
"""How close draws stay to given weights: a weight of 0.2 has a standard deviation of 0.056."""

CONFIDENCE = 0.95

_CHUNK_SCORES = 2_000_000
"""Scores held at a time: 16 MB an array."""


def draw_weights(
    scorer: Scorer,
    *,
    count: int = DRAWS,
    seed: int = SEED,
    around: Weights | None = None,
    concentration: float = CONCENTRATION,
) -> Floats:
    """Return random weights, draws × criteria, each row summing to one.

    Parameters
    ----------
    scorer
        Whose criteria are weighed; the columns come in their order.
    count
        How many draws, ≥ 1.
    seed
        The same seed gives the same draws.
    around
        None: uniform over all possible weights (nothing is known of them). Weights: a
        Dirichlet distribution whose mean they are; one that is zero stays zero.
    concentration
        How near to `around`: a weight w has standard deviation √(w(1 - w)/(concentration + 1)).
    """
    check_whole("count", count)
    size = len(scorer.names)
    alpha = np.ones(size)
    if around is not None:
        check_number("concentration", concentration, low=1e-3)
        alpha = check_weights(around, scorer.names) * concentration
    drawn = np.zeros((count, size))
    positive = alpha > 0
    drawn[:, positive] = np.random.default_rng(seed).dirichlet(alpha[positive], size=count)
    return drawn


def rank_acceptability(scorer: Scorer, draws: Floats, *, top: int = 3) -> pd.DataFrame:
    """Return the share of draws in which each candidate is first, and among the best `top`.

    The index is that of the scorer's matrix, the columns are `first` and `in_top`, from 0 to
    1. Candidates that share a place all count, so `first` may sum to more than one. At
    10,000 draws a share is known to ±0.01 (two standard errors).
    """
    check_whole("top", top)
    size = len(scorer.ids)
    first, in_top = np.zeros(size), np.zeros(size)
    place = max(size - top, 0)
    for scores in scored(scorer, draws) if size else ():
        best = scores.max(axis=1, keepdims=True)
        last = np.partition(scores, place, axis=1)[:, [place]]
        first += np.count_nonzero(scores >= best - ROUNDING, axis=0)
        in_top += np.count_nonzero(scores >= last - ROUNDING, axis=0)
    shares = {"first": first / len(draws), "in_top": in_top / len(draws)}
    return pd.DataFrame(shares, index=scorer.ids)


def ahead_shares(scorer: Scorer, draws: Floats, candidates: Sequence[object]) -> pd.DataFrame:
    """Return the share of draws in which the row's candidate beats the column's.

    Equal scores count half for each, so a pair's two shares sum to one; the diagonal is 0.5.
    """
    rows = [find_row(scorer, "candidates", candidate) for candidate in candidates]
    won = np.zeros((len(rows), len(rows)))
    for scores in scored(scorer, draws):
        chosen = scores[:, rows]
        for place in range(len(rows)):
            gaps = chosen[:, [place]] - chosen
            won[place] += np.count_nonzero(gaps > ROUNDING, axis=0)
            won[place] += 0.5 * np.count_nonzero(np.abs(gaps) <= ROUNDING, axis=0)
    index = scorer.ids[rows]
    return pd.DataFrame(won / len(draws), index=index, columns=index)


def are_distinguishable(
    first: object,
    second: object,
    *,
    scorer: Scorer,
    draws: Floats,
    confidence: float = CONFIDENCE,
) -> bool:
    """Return whether the order of two candidates holds however the weights are put.

    The rule: one of them is ahead in at least `confidence` of the draws (95 %), equal scores
    counting half for each. Which draws is the question asked: those `around` given weights
    stand for doubts about these weights, uniform ones for no weights at all.
    """
    check_number("confidence", confidence, low=0.5, high=1.0)
    share = ahead_shares(scorer, draws, [first, second]).to_numpy()[0, 1]
    return bool(max(share, 1 - share) >= confidence)


@dataclass(frozen=True, kw_only=True)
class Swap:
    """The smallest change of weights that brings the second up to the first.

    `change` is Σ|new - old| over weights that sum to one, so half of it is the weight moved
    from some criteria to others (0 to 2); `weights` are those at which the two are equal.
    `single` has, by criterion, the weight at which they are equal if that one alone is
    changed and the others keep their proportions; NaN where no weight does it.
    All are None when the second is better on no criterion, so that no weights put it ahead.
    """

    first: object
    second: object
    change: float | None
    weights: pd.Series | None
    single: pd.Series | None


def smallest_swap(
    scorer: Scorer, weights: Weights, *, first: object = None, second: object = None
) -> Swap:
    """Return the smallest weight change that swaps the first and the second.

    Exact, for the methods that are linear in the weights: weighted sum and PROMETHEE II.
    Another candidate may take the lead before the second does: ask with other names.

    Parameters
    ----------
    scorer
        The matrix and the method.
    weights
        The weights in force.
    first, second
        The candidates to compare, the one ahead first; the best two when None.

    Raises
    ------
    InvalidQueryError
        The method is TOPSIS or VIKOR, there are fewer than two candidates, one is unknown, or
        `first` is behind `second`.
    """
    parts = scorer.method.parts()
    if parts is None:
        refuse("method", "the smallest change is known for weighted_sum and promethee_ii only")
    if len(scorer.ids) < 2:  # noqa: PLR2004 - a pair
        refuse("matrix", "there are not two candidates to swap")
    best = list(scorer.top(weights, 2).index)
    one = best[0] if first is None else first
    other = next(item for item in best if item != one) if second is None else second
    if one == other:
        refuse("second", f"{other} is compared with itself")
    current = check_weights(weights, scorer.names)
    lead = parts[find_row(scorer, "first", one)] - parts[find_row(scorer, "second", other)]
    gap = float(lead @ current)
    if gap < -ROUNDING:
        refuse("first", f"{one} is behind {other}")
    if lead.min() >= -ROUNDING and gap > ROUNDING:
        return Swap(first=one, second=other, change=None, weights=None, single=None)
    index = pd.Index(scorer.names, name="criterion")
    turned = _move_weight(current, lead, max(gap, 0.0))
    return Swap(
        first=one,
        second=other,
        change=float(np.abs(turned - current).sum()),
        weights=pd.Series(turned, index=index, name="weight"),
        single=pd.Series(_single_changes(current, lead), index=index, name="weight"),
    )


def _move_weight(current: Floats, lead: Floats, gap: float) -> Floats:
    """Return the nearest weights that close the gap.

    Each unit of weight moved from criterion i to k closes it by lead[i] - lead[k]: so to the
    criterion that favours the second most, from those that favour the first most.
    """
    turned = current.copy()
    receiver = int(np.argmin(lead))
    for giver in np.argsort(-lead, kind="stable"):
        slope = float(lead[giver] - lead[receiver])
        if gap <= ROUNDING or slope <= ROUNDING:
            break
        moved = min(float(turned[giver]), gap / slope)
        turned[giver] -= moved
        turned[receiver] += moved
        gap -= moved * slope
    return turned


def _single_changes(current: Floats, lead: Floats) -> Floats:
    """Return the weight of each criterion at which the lead is gone; NaN if there is none."""
    result = np.full(len(current), np.nan)
    for place, weight in enumerate(current):
        if weight == 1:
            continue  # the others have no proportions to keep
        rest = float(lead @ current - lead[place] * weight) / (1 - weight)
        slope = float(lead[place]) - rest
        if abs(slope) > ROUNDING:
            turned = -rest / slope
            result[place] = turned if 0 <= turned <= 1 else np.nan
    return result


def scored(scorer: Scorer, draws: Floats) -> Iterator[Floats]:
    """Yield scores, draws × candidates, a bounded number at a time, to be written over."""
    size = len(scorer.names)
    if draws.ndim != 2 or draws.shape[1] != size or not len(draws):  # noqa: PLR2004 - a table
        refuse("draws", f"found {draws.shape}; expected draws × {size} criteria")
    step = max(1, _CHUNK_SCORES // max(1, len(scorer.ids)))
    for start in range(0, len(draws), step):
        yield scorer.method.scores(draws[start : start + step])


def find_row(scorer: Scorer, parameter: str, candidate: object) -> int:
    """Return where a candidate stands in the matrix."""
    places = np.flatnonzero(scorer.ids == candidate)
    if not len(places):
        refuse(parameter, f"there is no candidate {candidate!r}")
    return int(places[0])
