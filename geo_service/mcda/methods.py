"""The four methods that combine scaled criteria, on arrays; `scores` handles the frames.

A method is built once for a matrix and then called with one set of weights (`columns`) or
with many at once (`scores`). Weights are already checked and sum to one. A candidate's
figures never depend on the position of its row, so equal rows have equal scores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from geo_service.documents import nearest_name
from geo_service.mcda.scaling import (
    ROUNDING,
    Criteria,
    Scaling,
    blocks,
    check_names,
    check_normalisation,
    check_number,
    refuse,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PREFERENCES = ("usual", "linear")


class Method(Protocol):
    """What every method provides; `normalisation` records the one in force."""

    criteria: Criteria
    normalisation: str

    def columns(self, weights: Floats) -> dict[str, Floats]:
        """Return `score` and the method's own columns for one set of weights."""

    def scores(self, weight_rows: Floats) -> Floats:
        """Return the scores (sets of weights × candidates) for many sets at once."""

    def parts(self) -> Floats | None:
        """Return a matrix (candidates × criteria) whose product with the weights is the score.

        Returns None for a method whose score is not linear in the weights.
        """


_FEW_PRODUCTS = 20_000_000
"""Up to this size one core is faster than waking BLAS threads, especially on a busy machine."""


def _products(weight_rows: Floats, table: Floats) -> Floats:
    """Return the weighted sums of the table's rows: a matrix, sets of weights × candidates."""
    if len(weight_rows) * table.size > _FEW_PRODUCTS:
        return weight_rows @ table.T
    found: Floats = np.einsum("dk,nk->dn", weight_rows, table)
    return found


class WeightedSum:
    """Sum of weight × scaled value."""

    def __init__(self, criteria: Criteria, normalisation: str | None) -> None:
        self.criteria = criteria
        self.normalisation = normalisation or "minmax"
        self.scaling = Scaling.of(criteria, self.normalisation)
        self._table: Floats | None = None

    def columns(self, weights: Floats) -> dict[str, Floats]:
        """Return the score, summed criterion by criterion in the order of the columns."""
        score = np.zeros(len(self.criteria.ids))
        for rows in blocks(len(score)):
            part = score[rows]
            for position, weight in enumerate(weights):
                term = self.scaling.column(position, rows)
                term *= weight
                part += term
        return {"score": score}

    def scores(self, weight_rows: Floats) -> Floats:
        """Return the scores for many sets of weights."""
        return _products(weight_rows, self.parts())

    def parts(self) -> Floats:
        """Return the scaled values."""
        if self._table is None:
            self._table = self.scaling.table()
        return self._table


class Topsis:
    """Closeness to the best of every criterion, between 0 and 1 (Hwang & Yoon 1981)."""

    def __init__(self, criteria: Criteria, normalisation: str | None) -> None:
        self.criteria = criteria
        self.normalisation = normalisation or "vector"
        self.scaling = Scaling.of(criteria, self.normalisation, mirror=False)
        ends = np.vstack([criteria.low, criteria.high])
        ends = (ends - self.scaling.offset) / self.scaling.divisor
        ends[:, self.scaling.is_zero] = 0.0
        self.ideal = np.where(criteria.is_cost, ends[0], ends[1])
        self.worst = np.where(criteria.is_cost, ends[1], ends[0])
        self._squares: tuple[Floats, Floats] | None = None

    def columns(self, weights: Floats) -> dict[str, Floats]:
        """Return the closeness as score; 0 if a candidate is both best and worst."""
        closeness = np.zeros(len(self.criteria.ids))
        for rows in blocks(len(closeness)):
            best = np.zeros(rows.stop - rows.start)
            worst = np.zeros(rows.stop - rows.start)
            for position, weight in enumerate(weights):
                if weight == 0 or self.scaling.is_zero[position]:
                    continue
                value = self.scaling.column(position, rows)
                best += ((value - self.ideal[position]) * weight) ** 2
                worst += ((value - self.worst[position]) * weight) ** 2
            closeness[rows] = _closeness(best, worst)
        return {"score": closeness, "closeness": closeness}

    def scores(self, weight_rows: Floats) -> Floats:
        """Return the scores for many sets of weights."""
        if self._squares is None:
            table = self.scaling.table()
            self._squares = ((table - self.ideal) ** 2, (table - self.worst) ** 2)
        squared = weight_rows**2
        return _closeness(*(_products(squared, table) for table in self._squares))

    def parts(self) -> None:
        """Return None: closeness is not linear in the weights."""


def _closeness(best: Floats, worst: Floats) -> Floats:
    """Return the relative distance from the worst; takes squared distances and overwrites both."""
    np.sqrt(best, out=best)
    np.sqrt(worst, out=worst)
    best += worst
    best[best == 0] = 1.0
    worst /= best
    return worst


class Vikor:
    """Compromise between group utility S and individual regret R (Opricovic 1998)."""

    def __init__(self, criteria: Criteria, normalisation: str | None, *, v: object = 0.5) -> None:
        self.criteria = criteria
        self.normalisation = normalisation or "minmax"
        self.v = check_number("v", v, low=0.0, high=1.0)
        ends = (criteria.high, criteria.low)
        self._best = np.where(criteria.is_cost, ends[1], ends[0])
        self._span = np.where(criteria.is_constant, 1.0, ends[0] - ends[1])
        self._regrets: Floats | None = None

    def _regret(self, position: int, rows: slice) -> Floats:
        """Return how far values fall short of the best, from 0 to 1; 0 if constant."""
        values = self.criteria.columns[position][rows]
        if self.criteria.is_constant[position]:
            return np.zeros(len(values))
        gap: Floats = values - self._best[position]
        np.abs(gap, out=gap)
        gap /= self._span[position]
        return gap

    def columns(self, weights: Floats) -> dict[str, Floats]:
        """Return 1 - Q as score, and S, R and Q, for which less is better."""
        utility = np.zeros(len(self.criteria.ids))
        regret = np.zeros(len(self.criteria.ids))
        for rows in blocks(len(utility)):
            part, worst = utility[rows], regret[rows]
            for position, weight in enumerate(weights):
                term = self._regret(position, rows)
                term *= weight
                part += term
                np.maximum(worst, term, out=worst)
        quotient = self.v * _spread(utility) + (1 - self.v) * _spread(regret)
        return {"score": 1 - quotient, "S": utility, "R": regret, "Q": quotient}

    def scores(self, weight_rows: Floats) -> Floats:
        """Return the scores for many sets of weights."""
        if self._regrets is None:
            count = len(self.criteria.names)
            every = [self._regret(position, slice(None)) for position in range(count)]
            self._regrets = np.vstack(every)
        utility = _products(weight_rows, self._regrets.T)
        regret = np.zeros_like(utility)
        term = np.empty_like(utility)
        for position, gaps in enumerate(self._regrets):
            np.multiply(weight_rows[:, position, np.newaxis], gaps, out=term)
            np.maximum(regret, term, out=regret)
        return 1 - (self.v * _spread(utility) + (1 - self.v) * _spread(regret))

    def parts(self) -> None:
        """Return None: Q is not linear in the weights."""


def _spread(values: Floats) -> Floats:
    """Return values scaled from 0 (least) to 1 (most) along the last axis; 0 if all are equal."""
    if not values.size:
        return values
    low = values.min(axis=-1, keepdims=True)
    span = values.max(axis=-1, keepdims=True) - low
    span[span <= ROUNDING] = np.inf
    spread: Floats = (values - low) / span
    return spread


class Promethee:
    """Net outranking flow, between -1 and 1 (Brans & Vincke 1985, PROMETHEE II).

    The flow is the weighted sum of one flow per criterion, computed from the sorted column:
    no matrix of pairs is built, so a million candidates can be ranked.
    """

    def __init__(
        self,
        criteria: Criteria,
        normalisation: str | None,
        *,
        preference: object = "usual",
        q: object = None,
        p: object = None,
    ) -> None:
        self.criteria = criteria
        self.normalisation = normalisation or "none"
        if preference not in PREFERENCES:
            known = nearest_name(str(preference), PREFERENCES)
            found = repr(preference)
            refuse("preference", "problem.preference", found=found, near=known)
        values = self._values()
        if preference == "usual":
            for name, threshold in (("q", q), ("p", p)):
                if threshold is not None:
                    refuse(name, "problem.no_thresholds")
            flows = [_linear_flow(column, 0.0, 0.0) for column in values]
        else:
            low = _thresholds("q", q, criteria.names, [0.0] * len(values))
            ranges = [float(np.ptp(column)) if len(column) else 0.0 for column in values]
            high = _thresholds("p", p, criteria.names, list(map(max, ranges, low)))
            for name, least, most in zip(criteria.names, low, high, strict=True):
                if least > most:
                    refuse("q", "problem.thresholds", name=name, q=least, p=most)
            flows = [_linear_flow(*item) for item in zip(values, low, high, strict=True)]
        self._flows = np.column_stack(flows)

    def _values(self) -> list[Floats]:
        """Return columns in which more is better, in their own units or scaled."""
        if self.normalisation == "none":
            pairs = zip(self.criteria.columns, self.criteria.is_cost, strict=True)
            return [-column if is_cost else column for column, is_cost in pairs]
        scaling = Scaling.of(self.criteria, self.normalisation)
        return [
            scaling.column(position, slice(None)) for position in range(len(self.criteria.names))
        ]

    def columns(self, weights: Floats) -> dict[str, Floats]:
        """Return the net flow as score."""
        flow = np.zeros(len(self.criteria.ids))
        for position, weight in enumerate(weights):
            flow += weight * self._flows[:, position]
        return {"score": flow, "net_flow": flow}

    def scores(self, weight_rows: Floats) -> Floats:
        """Return the scores for many sets of weights."""
        return _products(weight_rows, self._flows)

    def parts(self) -> Floats:
        """Return the net flow of each criterion alone."""
        return self._flows


def _linear_flow(values: Floats, q: float, p: float) -> Floats:
    """Return the net flow of a preference that grows from 0 at q to 1 at p; a step if q = p."""
    if not len(values):
        return values
    order = np.argsort(values)
    ordered = values[order]
    if q < p:
        ordered -= ordered[len(ordered) // 2]  # centred, since large sums lose small differences
    flow = np.empty(len(values))
    flow[order] = _preferred(ordered, q, p) - _preferred(-ordered[::-1], q, p)[::-1]
    flow /= max(len(values) - 1, 1)
    return flow


def _preferred(ordered: Floats, q: float, p: float) -> Floats:
    """Return the summed preference of each sorted value over all others."""
    whole = np.searchsorted(ordered, ordered - p, side="left")
    if q == p:
        return whole.astype(np.float64)
    some = np.searchsorted(ordered, ordered - q, side="left")
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    partial = (some - whole) * (ordered - q) - (sums[some] - sums[whole])
    preferred: Floats = whole + partial / (p - q)
    return preferred


def _thresholds(
    parameter: str, option: object, names: tuple[str, ...], default: list[float]
) -> list[float]:
    """Return one threshold per criterion, from one number for all or a mapping."""
    if option is None:
        return default
    if isinstance(option, (Mapping, pd.Series)):
        by_name = {str(name): value for name, value in option.items()}
        check_names(parameter, list(by_name), names)
    else:
        by_name = dict.fromkeys(names, option)
    return [check_number(parameter, by_name[name], low=0.0, of=name) for name in names]


_BUILDERS: Mapping[str, tuple[Callable[..., Method], tuple[str, ...]]] = {
    "weighted_sum": (WeightedSum, ()),
    "topsis": (Topsis, ()),
    "vikor": (Vikor, ("v",)),
    "promethee_ii": (Promethee, ("preference", "q", "p")),
}
"""Each method's class and its options."""

METHODS = tuple(_BUILDERS)


def build_method(
    criteria: Criteria, method: str, normalisation: str | None, options: Mapping[str, object]
) -> Method:
    """Return the method for a matrix.

    Raises
    ------
    InvalidQueryError
        The method, the normalisation or an option is unknown or does not fit the values.
    """
    if method not in METHODS:
        known = nearest_name(str(method), METHODS)
        refuse("method", "problem.method", found=repr(method), near=known)
    builder, known_options = _BUILDERS[method]
    for name in options:
        if name not in known_options:
            if not known_options:
                refuse(name, "problem.no_options", method=method)
            near = nearest_name(name, known_options)
            refuse(name, "problem.option", method=method, near=near)
    if normalisation is not None:
        check_normalisation(normalisation)
    return builder(criteria, normalisation, **options)
