"""Find the smallest change of weights that brings the second candidate level with the first.

The result is exact where scores are linear in the weights. For TOPSIS and VIKOR, which are not
linear, a bounded, deterministic search gives an upper bound: the smallest change that it finds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo_service.mcda.robustness import find_row
from geo_service.mcda.scaling import ROUNDING, check_weights, refuse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.mcda.scores import Scorer

    Floats = NDArray[np.float64]
    Weights = Mapping[str, float] | pd.Series

_STEPS = 8
"""Where along a line the lead is computed before bisection."""
_HALVINGS = 40
"""Number of final halvings of an interval: to a trillionth of it."""
_ROUGH = 10
"""Number of halvings to compare intervals with each other: to a thousandth."""
_TURNS = 8
"""Most steps along the slope of the lead."""
_POLISHES = 16
"""Number of rounds of shifting weights to come nearer."""
_WORTH_IT = 1e-4
"""The share by which a change must be smaller to count as nearer."""
_LEAST_SHIFT = 1e-3
_SLOPE_STEP = 1e-6
_BATCH_SCORES = 2_000_000
"""Scores in memory at a time."""


@dataclass(frozen=True, kw_only=True)
class Swap:
    """The smallest change of weights that brings the second candidate level with the first.

    `change` is Σ|new - old| over weights that sum to one (0 to 2), so half of it is the weight
    moved between criteria; `weights` are those at which the two are equal. `single` contains,
    for each criterion, the weight at which they are equal if only that weight is changed and
    the others keep their proportions; NaN if there is no such weight. All three are None if no
    weights put the second ahead (where `is_exact`), or if the search found none. `is_exact`
    says that no smaller change exists; otherwise `change` is an upper bound.
    """

    first: object
    second: object
    change: float | None
    weights: pd.Series | None
    single: pd.Series | None
    is_exact: bool = True


def smallest_swap(
    scorer: Scorer, weights: Weights, *, first: object = None, second: object = None
) -> Swap:
    """Return the smallest weight change that swaps the first and the second.

    Exact for the methods that are linear in the weights: weighted sum and PROMETHEE II. For
    TOPSIS and VIKOR a deterministic search follows lines that move weight between two criteria,
    or to or from one in proportion, and then lines along the slope of the lead. A third
    candidate may take the lead before the second does: call again with that candidate.

    Parameters
    ----------
    scorer
        The matrix and the method.
    weights
        The weights in force.
    first, second
        The candidates to compare, the leading one first; the best two if None.

    Raises
    ------
    InvalidQueryError
        There are fewer than two candidates, one is unknown, or `first` is behind `second`.
    """
    if len(scorer.ids) < 2:  # noqa: PLR2004 - a pair
        refuse("matrix", "problem.two_to_swap")
    best = list(scorer.top(weights, 2).index)
    one = best[0] if first is None else first
    other = next(item for item in best if item != one) if second is None else second
    if one == other:
        refuse("second", "problem.itself", name=str(other))
    current = check_weights(weights, scorer.names)
    rows = find_row(scorer, "first", one), find_row(scorer, "second", other)
    parts = scorer.method.parts()
    lead = _Lead(scorer, *rows)
    gap = float(lead.of(current[np.newaxis])[0])
    if gap < -ROUNDING:
        refuse("first", "problem.behind", one=str(one), other=str(other))
    found = (
        _searched(lead, current)
        if parts is None
        else _linear(parts[rows[0]] - parts[rows[1]], current, max(gap, 0.0))
    )
    if found is None:
        return Swap(
            first=one,
            second=other,
            change=None,
            weights=None,
            single=None,
            is_exact=parts is not None,
        )
    turned, single = found
    index = pd.Index(scorer.names, name="criterion")
    return Swap(
        first=one,
        second=other,
        change=float(np.abs(turned - current).sum()),
        weights=pd.Series(turned, index=index, name="weight"),
        single=pd.Series(single, index=index, name="weight"),
        is_exact=parts is not None or gap <= ROUNDING,
    )


# ---- linear methods --------------------------------------------------------------------------


def _linear(lead: Floats, current: Floats, gap: float) -> tuple[Floats, Floats] | None:
    """Return the nearest weights at which the lead is zero, and those of each criterion alone."""
    if lead.min() >= -ROUNDING and gap > ROUNDING:
        return None
    return _move_weight(current, lead, gap), _single_changes(current, lead)


def _move_weight(current: Floats, lead: Floats, gap: float) -> Floats:
    """Return the nearest weights that close the gap.

    Each unit of weight moved from criterion i to k closes it by lead[i] - lead[k]: so weight
    moves to the criterion that most favours the second, from those that most favour the first.
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
    """Return the weight of each criterion at which the lead is zero; NaN if there is none."""
    result = np.full(len(current), np.nan)
    for position, weight in enumerate(current):
        if weight == 1:
            continue  # the other weights have no proportions to keep
        rest = float(lead @ current - lead[position] * weight) / (1 - weight)
        slope = float(lead[position]) - rest
        if abs(slope) > ROUNDING:
            turned = -rest / slope
            result[position] = turned if 0 <= turned <= 1 else np.nan
    return result


# ---- other methods ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Lead:
    """The lead of one candidate over another."""

    scorer: Scorer
    first: int
    second: int

    def of(self, weight_rows: Floats) -> Floats:
        """Return the lead for each set of weights, which need not sum to one."""
        step = max(1, _BATCH_SCORES // len(self.scorer.ids))
        found = np.empty(len(weight_rows))
        for start in range(0, len(weight_rows), step):
            rows = weight_rows[start : start + step]
            scores = self.scorer.method.scores(rows / rows.sum(axis=1, keepdims=True))
            found[start : start + step] = scores[:, self.first] - scores[:, self.second]
        return found

    def slope(self, weights: Floats) -> Floats:
        """Return the lead's derivative by each weight."""
        moved = weights + _SLOPE_STEP * np.eye(len(weights))
        slope: Floats = (self.of(moved) - self.of(weights[np.newaxis])) / _SLOPE_STEP
        return slope


def _searched(lead: _Lead, current: Floats) -> tuple[Floats, Floats] | None:
    """Return the nearest weights found at which the lead is zero, and those of single criteria."""
    count = len(current)
    corners = np.eye(count)
    with np.errstate(invalid="ignore", divide="ignore"):
        without = current * (1 - corners)
        without /= without.sum(axis=1, keepdims=True)
    alone = np.vstack([corners, without])
    pairs = [
        current + current[giver] * (corners[receiver] - corners[giver])
        for giver in np.flatnonzero(current > 0)
        for receiver in range(count)
        if receiver != giver
    ]
    reached = _turning_points(lead, current, alone)
    points = [*reached, *_turning_points(lead, current, np.array(pairs), is_best_enough=True)]
    known = [point for point in points if point is not None]
    single = np.full(count, np.nan)
    for position in range(count):
        own = [
            point for point in (reached[position], reached[count + position]) if point is not None
        ]
        if own:
            single[position] = min(own, key=lambda point: _change(point, current))[position]
    if not known:
        return None
    best = min(known, key=lambda point: _change(point, current))
    for _ in range(_TURNS):
        slope = lead.slope(best)
        target = _move_weight(current, slope, max(float(slope @ current), 0.0))
        (nearer,) = _turning_points(lead, current, _stretched(current, target)[np.newaxis])
        if nearer is None or _change(nearer, current) > _change(best, current) - ROUNDING:
            break
        best = nearer
    return _polished(lead, current, best), single


def _polished(lead: _Lead, current: Floats, best: Floats) -> Floats:
    """Return nearer weights, found by ever smaller shifts between two criteria."""
    corners = np.eye(len(current))
    shift = _change(best, current) / 4
    for _ in range(_POLISHES):
        reach = _change(best, current)
        moves = [
            best + min(shift, best[giver]) * (corners[receiver] - corners[giver]) - current
            for giver in np.flatnonzero(best > 0)
            for receiver in range(len(current))
            if receiver != giver
        ]
        steps = np.array(moves)
        lengths = np.abs(steps).sum(axis=1, keepdims=True)
        steps = steps[lengths[:, 0] > 0] / lengths[lengths[:, 0] > 0]
        ends = current + steps * reach * (1 - _WORTH_IT)
        ends = ends[(ends >= 0).all(axis=1)]
        ends = ends[lead.of(ends) <= 0] if len(ends) else ends
        nearer = _turning_points(lead, current, ends, is_best_enough=True, halvings=_ROUGH)
        known = [point for point in nearer if point is not None]
        if known:
            best = min(known, key=lambda point: _change(point, current))
        elif shift < _LEAST_SHIFT:
            break
        else:
            shift /= 2
    (exact,) = _turning_points(lead, current, best[np.newaxis])
    return best if exact is None else exact


def _change(weights: Floats, current: Floats) -> float:
    return float(np.abs(weights - current).sum())


def _stretched(current: Floats, target: Floats) -> Floats:
    """Return the point where a line through the target leaves the possible weights."""
    step = target - current
    falling = step < 0
    if not falling.any():
        return target
    stretched: Floats = current + step * float((current[falling] / -step[falling]).min())
    return np.clip(stretched, 0.0, None)


def _turning_points(
    lead: _Lead,
    current: Floats,
    ends: Floats,
    *,
    is_best_enough: bool = False,
    halvings: int = _HALVINGS,
) -> list[Floats | None]:
    """Return where the lead first reaches zero on the way to each end; None where it does not.

    With `is_best_enough` only lines that may contain the smallest change are followed.
    """
    found: list[Floats | None] = [None] * len(ends)
    if not len(ends):
        return found
    steps = ends - current
    lengths = np.abs(steps).sum(axis=1)
    lines = np.flatnonzero(np.isfinite(lengths) & (lengths > 0))
    if not len(lines):
        return found
    shares = np.arange(1, _STEPS + 1) / _STEPS
    looked = current + steps[lines, np.newaxis] * shares[:, np.newaxis]
    is_gone = lead.of(looked.reshape(-1, len(current))).reshape(len(lines), -1) <= 0
    turns = is_gone.any(axis=1)
    lines, first = lines[turns], is_gone[turns].argmax(axis=1)
    low, high = first / _STEPS, (first + 1) / _STEPS
    if is_best_enough and len(lines):
        may_be = low * lengths[lines] < (high * lengths[lines]).min()
        lines, low, high = lines[may_be], low[may_be], high[may_be]
    for _ in range(halvings if len(lines) else 0):
        middle = (low + high) / 2
        gone = lead.of(current + steps[lines] * middle[:, np.newaxis]) <= 0
        low, high = np.where(gone, low, middle), np.where(gone, middle, high)
    for line, share in zip(lines.tolist(), high.tolist(), strict=True):
        found[line] = current + steps[line] * share
    return found
