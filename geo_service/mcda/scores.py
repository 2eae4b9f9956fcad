"""Score and rank candidates by many criteria: weighted sum, TOPSIS, VIKOR, PROMETHEE II.

Functions take and return frames; no geometry, no files. `score` ranks every candidate,
`top_scores` only the best of many, `prepare` keeps a matrix ready for changing weights.
`weights` finds weights, `robustness` measures how far a ranking can be relied on, and
`value_functions` turns raw measures into values from 0 to 1. Excluding candidates is left to
the caller: candidates that must not be ranked must not be in the matrix.

The literature leaves these points open; here they are settled as follows:

=================  =======================================================================
weights            Any numbers ≥ 0, normalised to sum to one before use.
costs              Mirrored after scaling, 1 - scaled, under every normalisation (so under
                   `max` a cost is 1 - x/max, not min/x); TOPSIS does not mirror, the
                   ideal of a cost is its smallest value; PROMETHEE II negates differences.
constant column    Scales to 0 whatever its sense and normalisation, adds nothing to any
                   score and is named in a `ConstantCriterionWarning`. A range within 8
                   units in the last place of the largest value counts as constant.
minmax             (x - min)/(max - min) over the candidates given.
vector             x/√Σx². Negative values keep their order and scale to -1..1.
sum, max           x/Σx, x/max. Refused where a value is negative: they need a true zero.
none               The values as they are, all within 0..1: what value functions give.
TOPSIS             Weights multiply the scaled values, distances are Euclidean:
                   √Σ(w(r - r*))². A candidate that is best and worst at once (one
                   candidate, all alike) has closeness 0.
VIKOR              Its own scaling, (f* - f)/(f* - f-), is min-max; since no linear scaling
                   changes it, every normalisation gives the same figures. Where all S (or
                   all R) are equal, their term of Q is 0; one candidate has Q 0, score 1.
PROMETHEE II       Differences in the criteria's own units unless a normalisation is named,
                   so that q and p, one number or a mapping, are in those units too. `usual`:
                   any difference counts fully. `linear`: nothing up to q, fully from p;
                   q is 0 and p the criterion's range where not given. Flows are divided by
                   n - 1; one candidate has flow 0.
ties               Scores that differ by no more than 1e-13 from the next share the
                   smaller rank.
no candidates      Give an empty frame; no criteria are refused.
=================  =======================================================================

Default normalisations: `weighted_sum` minmax, `topsis` vector, `vikor` minmax,
`promethee_ii` none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo_service.mcda.methods import METHODS, Method, build_method
from geo_service.mcda.scaling import (
    NORMALISATIONS,
    ROUNDING,
    SENSES,
    ConstantCriterionWarning,
    Criteria,
    Scaling,
    check_weights,
    check_whole,
    refuse,
)
from geo_service.mcda.weights import AhpResult, ahp_weights, entropy_weights, equal_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Weights = Mapping[str, float] | pd.Series
    Senses = Mapping[str, str] | pd.Series

__all__ = [
    "METHODS",
    "NORMALISATIONS",
    "SENSES",
    "AhpResult",
    "ConstantCriterionWarning",
    "Scorer",
    "ahp_weights",
    "contributions",
    "entropy_weights",
    "equal_weights",
    "normalise",
    "prepare",
    "score",
    "top_scores",
]


@dataclass(frozen=True)
class Scorer:
    """A matrix prepared for one method; only the weights are missing."""

    method: Method

    @property
    def ids(self) -> pd.Index:
        """The candidates, in the order of the matrix."""
        return self.method.criteria.ids

    @property
    def names(self) -> tuple[str, ...]:
        """The criteria, in the order of the matrix."""
        return self.method.criteria.names

    @property
    def normalisation(self) -> str:
        """The normalisation in force."""
        return self.method.normalisation

    def weights(self, weights: Weights) -> pd.Series:
        """Return the weights in the order of the criteria, summing to one."""
        values = check_weights(weights, self.names)
        return pd.Series(values, index=pd.Index(self.names, name="criterion"), name="weight")

    def score(self, weights: Weights) -> pd.DataFrame:
        """Return `score`, `rank` and the method's own columns, in the matrix's order."""
        columns = self.method.columns(check_weights(weights, self.names))
        found = columns.pop("score")
        return pd.DataFrame({"score": found, "rank": _ranks(found), **columns}, index=self.ids)

    def top(self, weights: Weights, count: int) -> pd.DataFrame:
        """Return the same for the `count` best, best first, ties in order of their ids.

        Ranks are those among all candidates. The other candidates are not sorted.
        """
        count = check_whole("top", count)
        columns = self.method.columns(check_weights(weights, self.names))
        found = columns.pop("score")
        rows = _best_rows(found, count)
        ranks = _ranks(found[rows])
        order = np.lexsort((_id_order(self.ids[rows]), ranks))[:count]
        chosen = {"score": found, **columns}
        taken = {name: values[rows[order]] for name, values in chosen.items()}
        frame = pd.DataFrame(taken, index=self.ids[rows[order]])
        frame.insert(1, "rank", ranks[order])
        return frame


def prepare(
    matrix: pd.DataFrame,
    senses: Senses,
    *,
    method: str,
    normalisation: str | None = None,
    **options: object,
) -> Scorer:
    """Check a matrix and prepare it for changing weights; otherwise as `score`.

    The index must be unique here, since candidates are looked up by their ids.
    """
    criteria = Criteria.of(matrix, senses)
    if not matrix.index.is_unique:
        twice = matrix.index[matrix.index.duplicated()][0]
        refuse("matrix", "problem.candidate_twice", name=repr(twice))
    scorer = Scorer(build_method(criteria, method, normalisation, options))
    criteria.warn_of_constants(stacklevel=2)
    return scorer


def score(
    matrix: pd.DataFrame,
    weights: Weights,
    senses: Senses,
    *,
    method: str,
    normalisation: str | None = None,
    **options: object,
) -> pd.DataFrame:
    """Score every candidate and rank it.

    Parameters
    ----------
    matrix
        Candidates × criteria, finite numbers. Ids are not checked to be unique: for a million
        of them that would take longer than the ranking (`prepare` checks it).
    weights
        The weight of each criterion, ≥ 0; normalised to sum to one.
    senses
        For each criterion `benefit` (more is better) or `cost` (less is better).
    method
        `weighted_sum`, `topsis`, `vikor` or `promethee_ii`.
    normalisation
        `minmax`, `vector`, `sum`, `max` or `none`; the method's own default when None.
    **options
        `vikor`: `v`, the weight of S against R, 0.5. `promethee_ii`: `preference`, `usual`
        or `linear`, and for `linear` the thresholds `q` and `p`.

    Returns
    -------
    A frame with the index of the matrix, in its order: `score` (higher is better), `rank`
    (1 is best, equal scores share the smaller rank) and the method's own columns:
    `closeness`; `S`, `R`, `Q`; `net_flow`.

    Raises
    ------
    InvalidQueryError
        A value cannot be used; `parameter` names it.

    Examples
    --------
    >>> matrix = pd.DataFrame({"power": [10, 30, 20], "km": [1, 5, 2]}, index=["A", "B", "C"])
    >>> senses = {"power": "benefit", "km": "cost"}
    >>> score(matrix, {"power": 1, "km": 1}, senses, method="weighted_sum")
       score  rank
    A  0.500     2
    B  0.500     2
    C  0.625     1
    """
    criteria = Criteria.of(matrix, senses)
    scorer = Scorer(build_method(criteria, method, normalisation, options))
    result = scorer.score(weights)
    criteria.warn_of_constants(stacklevel=2)
    return result


def top_scores(
    matrix: pd.DataFrame,
    weights: Weights,
    senses: Senses,
    *,
    top: int,
    method: str,
    normalisation: str | None = None,
    **options: object,
) -> pd.DataFrame:
    """Return the `top` best candidates, best first, without sorting the others.

    The columns are those of `score`; ranks are those among all candidates. Ties are in the
    order of their ids, even if only some of the tied are among the best `top`.
    """
    criteria = Criteria.of(matrix, senses)
    scorer = Scorer(build_method(criteria, method, normalisation, options))
    result = scorer.top(weights, top)
    criteria.warn_of_constants(stacklevel=2)
    return result


def normalise(matrix: pd.DataFrame, senses: Senses, normalisation: str = "minmax") -> pd.DataFrame:
    """Return the scaled values, costs mirrored, so that more is better in every column."""
    criteria = Criteria.of(matrix, senses)
    table = Scaling.of(criteria, normalisation).table()
    criteria.warn_of_constants(stacklevel=2)
    return pd.DataFrame(table, index=matrix.index, columns=list(criteria.names))


def contributions(
    matrix: pd.DataFrame, weights: Weights, senses: Senses, normalisation: str = "minmax"
) -> pd.DataFrame:
    """Return weight × scaled value, candidates × criteria.

    Each row sums to the candidate's score by the weighted sum under the same normalisation.
    """
    criteria = Criteria.of(matrix, senses)
    table = Scaling.of(criteria, normalisation).table()
    table *= check_weights(weights, criteria.names)
    criteria.warn_of_constants(stacklevel=2)
    return pd.DataFrame(table, index=matrix.index, columns=list(criteria.names))


def _ranks(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return ranks from 1, highest first; scores that differ by rounding only share a rank."""
    order = np.argsort(-scores)
    ordered = scores[order]
    is_new = np.ones(len(scores), dtype=bool)
    is_new[1:] = ordered[:-1] - ordered[1:] > ROUNDING
    firsts = np.flatnonzero(is_new) + 1
    ranks = np.empty(len(scores), dtype=np.int64)
    ranks[order] = np.repeat(firsts, np.diff(np.append(firsts - 1, len(scores))))
    return ranks


def _best_rows(scores: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Return the rows of the `count` best and of all that tie with the last of them."""
    if count >= len(scores):
        return np.arange(len(scores))
    position = len(scores) - count
    threshold = np.partition(scores, position)[position]
    return np.flatnonzero(scores >= threshold - ROUNDING)


def _id_order(ids: pd.Index) -> NDArray[np.intp]:
    """Return each id's position when sorted; ids of mixed types are sorted as text."""
    try:
        order = ids.argsort()
    except TypeError:
        order = ids.astype(str).argsort()
    positions = np.empty(len(ids), dtype=np.intp)
    positions[np.asarray(order)] = np.arange(len(ids))
    return positions
