"""Measure how robust a ranking is to its weights: how often each candidate leads under random ones.

Everything starts from a `Scorer` of `mcda.prepare`. Random draws come from a seed and are
scored in chunks, so memory is bounded for any number of draws. Uncertainty of the *values*
(travel times, slopes) is not treated. `swap` finds the smallest change of weights that
reverses the order, `agreement` compares methods, `sensitivity` says which weight matters most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo_service.mcda.scaling import (
    ROUNDING,
    check_number,
    check_weights,
    check_whole,
    refuse,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.mcda.scores import Scorer

    Floats = NDArray[np.float64]
    Weights = Mapping[str, float] | pd.Series
    ScoresListener = Callable[[Floats], None]

DRAWS = 10_000
SEED = 20_240_814
"""An arbitrary number; fixing it makes two runs agree."""

CONCENTRATION = 50.0
"""How close draws are to given weights: a weight of 0.2 has a standard deviation of 0.056."""

CONFIDENCE = 0.95

_CHUNK_SCORES = 2_000_000
"""Scores in memory at a time: 16 MB per array."""


def draw_weights(
    scorer: Scorer,
    *,
    count: int = DRAWS,
    seed: int = SEED,
    around: Weights | None = None,
    concentration: float = CONCENTRATION,
) -> Floats:
    """Return random weights (draws × criteria), each row summing to one.

    Parameters
    ----------
    scorer
        The columns are its criteria, in order.
    count
        How many draws, ≥ 1.
    seed
        The same seed gives the same draws.
    around
        None: uniform over all possible weights, for when nothing is known of them. Weights: a
        Dirichlet distribution with these as its mean; a weight of zero stays zero.
    concentration
        How close to `around`: a weight w has standard deviation √(w(1 - w)/(concentration + 1)).
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


def rank_acceptability(
    scorer: Scorer, draws: Floats, *, top: int = 3, on_scores: ScoresListener | None = None
) -> pd.DataFrame:
    """Return the share of draws in which each candidate is first, and among the best `top`.

    The index is that of the scorer's matrix, the columns are `first` and `in_top`, from 0 to
    1. Candidates that share a place all count, so `first` may sum to more than one. At
    10,000 draws a share is known to ±0.01 (two standard errors). `on_scores` is called with each
    chunk of scores (draws × candidates), so that other measures need no second pass.
    """
    check_whole("top", top)
    size = len(scorer.ids)
    first, in_top = np.zeros(size), np.zeros(size)
    for scores in scored(scorer, draws) if size else ():
        best, last = _best_and_last(scores, min(top, size))
        # Of thousands only a few are among the best: they are counted one by one.
        placed = np.flatnonzero(scores >= last - ROUNDING)
        row, column = np.divmod(placed, size)
        leads = scores[row, column] >= best[row, 0] - ROUNDING
        first += np.bincount(column[leads], minlength=size)
        in_top += np.bincount(column, minlength=size)
        if on_scores is not None:
            on_scores(scores)
    shares = {"first": first / len(draws), "in_top": in_top / len(draws)}
    return pd.DataFrame(shares, index=scorer.ids)


_BLOCK = 64
"""Scores of which the highest is found first: the best are looked for in few of such blocks."""


def _best_and_last(scores: Floats, top: int) -> tuple[Floats, Floats]:
    """Return the highest score of each row and the lowest of its best `top`, as columns."""
    rows, size = scores.shape
    count = size // _BLOCK
    if count > 2 * top:  # the best are in the `top` blocks with the highest maxima, or in the rest
        blocks = scores[:, : count * _BLOCK].reshape(rows, count, _BLOCK)
        high = np.argpartition(blocks.max(axis=2), count - top, axis=1)[:, count - top :]
        chosen = np.take_along_axis(blocks, high[:, :, np.newaxis], axis=1).reshape(rows, -1)
        scores = np.concatenate([chosen, scores[:, count * _BLOCK :]], axis=1)
    last = np.partition(scores, scores.shape[1] - top, axis=1)[:, [-top]]
    return scores.max(axis=1, keepdims=True), last


def ahead_shares(scorer: Scorer, draws: Floats, candidates: Sequence[object]) -> pd.DataFrame:
    """Return the share of draws in which the row's candidate beats the column's candidate.

    Equal scores count half for each, so a pair's two shares sum to one; the diagonal is 0.5.
    """
    rows = [find_row(scorer, "candidates", candidate) for candidate in candidates]
    won = sum(wins(scores[:, rows]) for scores in scored(scorer, draws))
    index = scorer.ids[rows]
    return pd.DataFrame(won / len(draws), index=index, columns=index)


def wins(scores: Floats) -> Floats:
    """Return how often each column's candidate beats each other one; a tie counts half."""
    won = np.zeros((scores.shape[1], scores.shape[1]))
    for position in range(len(won)):
        gaps = scores[:, [position]] - scores
        won[position] += np.count_nonzero(gaps > ROUNDING, axis=0)
        won[position] += 0.5 * np.count_nonzero(np.abs(gaps) <= ROUNDING, axis=0)
    return won


def are_distinguishable(
    first: object,
    second: object,
    *,
    scorer: Scorer,
    draws: Floats,
    confidence: float = CONFIDENCE,
) -> bool:
    """Return whether the order of two candidates holds under the drawn weights.

    The rule: one of them is ahead in at least `confidence` of the draws (95 %), equal scores
    counting half for each. The draws decide the question: those `around` given weights express
    doubt about these weights, uniform ones that nothing is known of the weights.
    """
    check_number("confidence", confidence, low=0.5, high=1.0)
    share = ahead_shares(scorer, draws, [first, second]).to_numpy()[0, 1]
    return bool(max(share, 1 - share) >= confidence)


def scored(scorer: Scorer, draws: Floats) -> Iterator[Floats]:
    """Yield scores (draws × candidates) in chunks of bounded size; callers may overwrite them."""
    size = len(scorer.names)
    if draws.ndim != 2 or draws.shape[1] != size or not len(draws):  # noqa: PLR2004 - a table
        refuse("draws", "problem.draws", found=str(draws.shape), size=size)
    step = max(1, _CHUNK_SCORES // max(1, len(scorer.ids)))
    for start in range(0, len(draws), step):
        yield scorer.method.scores(draws[start : start + step])


def find_row(scorer: Scorer, parameter: str, candidate: object) -> int:
    """Return a candidate's row in the matrix."""
    positions = np.flatnonzero(scorer.ids == candidate)
    if not len(positions):
        refuse(parameter, "problem.unknown_candidate", name=repr(candidate))
    return int(positions[0])
