"""The exact front between two or three terms: no layout is better in one and not worse in another.

ε-constraint: one term is optimised while the others must reach values on a grid between their
worst and best; each point is then improved in the others, so that it lies on the front.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo_service.layout.evaluate import SMALLER_IS_BETTER, evaluate
from geo_service.layout.goals import TermName
from geo_service.layout.program import Expression
from geo_service.layout.solve import at_least
from geo_service.layout.solver import Status

if TYPE_CHECKING:
    from geo_service.layout.evaluate import Evaluation
    from geo_service.layout.goals import FrontWanted
    from geo_service.layout.model import Decision
    from geo_service.layout.program import TaggedRow
    from geo_service.layout.solve import LayoutSearch

COUNTED = frozenset(TermName) - {TermName.FOCUS, TermName.SUITABILITY, TermName.MOVE_COST}
"""Terms of whole numbers: their grid has no more values than there are."""
_TINY = 1e-6


@dataclass(frozen=True, kw_only=True)
class FrontPoint:
    """One layout of the front, and whether it was proven to lie on it."""

    decision: Decision
    evaluation: Evaluation
    is_proven: bool


@dataclass(frozen=True, kw_only=True)
class FoundFront:
    """The points that were found, and how many were sought in vain since their time ran out."""

    points: tuple[FrontPoint, ...] = ()
    lost: int = 0


def find_front(search: LayoutSearch, wanted: FrontWanted, *, seconds: float) -> FoundFront:
    """Return the front in ascending order of the first term.

    Each point has a time limit of its own: that of the goals, or its share of `seconds`. What one
    point leaves is not the next one's, so that a point does not hang on how fast others were.
    """
    terms, points = wanted.terms, wanted.points
    first, *others = terms
    program = search.program
    signed = {name: Expression().plus(program.terms[name], program.sign(name)) for name in terms}
    share = wanted.point_limit_s or seconds / (len(terms) + points ** len(others))
    ranges = {}
    lost = _Lost()
    ends = [_solve(search, signed, name, {}, share, lost) for name in terms]
    known = [end for end in ends if end is not None]
    if not known:
        return FoundFront(lost=lost.count)
    for name in others:
        values = [_signed(name, point.evaluation.terms[name]) for point in known]
        ranges[name] = _grid(name, min(values), max(values), points)
    found = list(known)
    for least in itertools.product(*(ranges[name] for name in others)):
        limits = dict(zip(others, least, strict=True))
        point = _solve(search, signed, first, limits, share, lost)
        if point is not None:
            found.append(point)
    return FoundFront(points=tuple(_undominated(found, terms)), lost=lost.count)


@dataclass(slots=True)
class _Lost:
    """How many points ended with nothing, though nobody has shown that there is none."""

    count: int = 0


def _signed(name: TermName, value: float) -> float:
    return -value if name in SMALLER_IS_BETTER else value


def _grid(name: TermName, low: float, high: float, points: int) -> list[float]:
    values = [low + (high - low) * step / (points - 1) for step in range(points)]
    if name in COUNTED:
        values = sorted({float(round(value)) for value in values})
    return values


def _solve(
    search: LayoutSearch,
    signed: Mapping[TermName, Expression],
    name: TermName,
    limits: Mapping[TermName, float],
    seconds: float,
    lost: _Lost,
) -> FrontPoint | None:
    """Return the best of one term within limits of others, then the best of the others.

    None if there is none; if the time of the point ran out first, that is counted as lost.
    """
    rows: list[TaggedRow] = [
        at_least(signed[other], least - _TINY * max(1.0, abs(least)))
        for other, least in limits.items()
    ]
    best: Decision | None = None
    is_proven = True
    order = [name, *(other for other in signed if other != name)]
    for one in order:
        solved, decision = search.best(
            signed[one], extra=rows, gap=0.0, seconds=seconds / len(order)
        )
        is_proven &= decision is not None and not solved.is_cut_short
        best = decision or best
        if best is None:
            lost.count += solved.status is not Status.INFEASIBLE
            return None
        value = _signed(one, evaluate(search.model, best).terms[one])
        rows.append(at_least(signed[one], value - _TINY * max(1.0, abs(value))))
    assert best is not None  # noqa: S101 - the first of the order was found
    return FrontPoint(decision=best, evaluation=evaluate(search.model, best), is_proven=is_proven)


def _undominated(points: Sequence[FrontPoint], terms: Sequence[TermName]) -> list[FrontPoint]:
    """Return each point once that no other one beats, in order of the first term."""

    def values(point: FrontPoint) -> tuple[float, ...]:
        return tuple(round(_signed(name, point.evaluation.terms[name]), 6) for name in terms)

    once = {values(point): point for point in reversed(points)}
    kept = [
        (own, point)
        for own, point in once.items()
        if not any(
            other != own and all(a >= b for a, b in zip(other, own, strict=True)) for other in once
        )
    ]
    kept.sort(key=lambda item: item[0])
    return [point for _, point in kept]
