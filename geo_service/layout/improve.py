"""Improve a layout part by part, where the whole is more than a solver can do in its time.

Parks that lie together are decided anew and all others stay; then the next ones, until no part
gains or the time ends. A part keeps every row of the whole program, so what comes out meets the
goals as the whole does; `evaluate` judges each step. Nothing is said of the bound here.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from geo_service.layout.evaluate import evaluate
from geo_service.layout.places import CrowdedError, place_moves

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from geo_service.layout.milp import LinearProgram
    from geo_service.layout.model import Decision, LayoutModel
    from geo_service.layout.program import Expression, Key, LayoutProgram, TaggedRow
    from geo_service.layout.solver import Solver

PARKS_AT_ONCE = 48
"""At most so many parks are decided together: the size of a county, solved in seconds."""
_GAP = 1e-3
_LEAST_GAIN = 1e-6
_TRIES = 3
"""How often a part is solved again if what moves does not fit on floors."""


class PartSearch(Protocol):
    """What is needed of a search: its program, its solver, and what was learnt on the way."""

    model: LayoutModel
    program: LayoutProgram
    solver: Solver
    cuts: list[TaggedRow]
    nodes: int

    def forbid(self, keys: Sequence[Key], *, kind: str = ...) -> None:
        """Let these columns never be taken together again."""


def improve(
    search: PartSearch,
    objective: Expression,
    decision: Decision,
    *,
    end: float,
    tell: Callable[[float], None] = lambda _: None,
) -> Decision:
    """Return a layout at least as good as the one given, which meets the goals.

    `end` is on the monotonic clock. `tell` is given the value of each better layout.
    """
    whole = _Whole(search, objective, decision, end)
    is_better = whole.values is not None
    across = False
    while is_better and whole.left > 0:
        is_better = False
        for parks in _parts(search.model, across=across):
            if whole.left > 0 and whole.decide_anew(frozenset(parks)):
                is_better = True
                tell(whole.value)
        across = not across
    return whole.decision


class _Whole:
    """A layout with all its columns, of which parts are decided anew."""

    def __init__(
        self, search: PartSearch, objective: Expression, decision: Decision, end: float
    ) -> None:
        self.search, self.objective, self.end = search, objective, end
        self.decision = decision
        self.value = evaluate(search.model, decision).objective
        self.linear = self._linear()
        self.values = start_of(search, self.linear, decision, seconds=self.left)

    @property
    def left(self) -> float:
        """The seconds that are left."""
        return self.end - time.monotonic()

    def _linear(self) -> LinearProgram:
        return self.search.program.linear(self.objective, extra=self.search.cuts)

    def decide_anew(self, parks: frozenset[str]) -> bool:
        """Decide these parks anew; return whether that made a better layout, which is kept."""
        search = self.search
        free = _touching(search, self.linear, parks)
        for _ in range(_TRIES):
            assert self.values is not None  # noqa: S101 - else no part is asked for
            solved = search.solver.solve(
                self.linear.part(free, self.values),
                time_limit_s=max(0.05, self.left),
                gap=_GAP,
                nodes=search.model.goals.solving.nodes,
                start=self.values[free],
                is_confirmed=False,
            )
            search.nodes += solved.nodes
            if solved.values is None:
                return False
            values = self.values.copy()
            values[free] = solved.values
            try:
                found = _placed(search, self.decision, search.program.decision(values))
            except CrowdedError as crowded:
                search.forbid(crowded.keys)
                self.linear = self._linear()
                continue
            judged = evaluate(search.model, found)
            if not judged.is_met or judged.objective <= self.value + _LEAST_GAIN:
                return False
            self.decision, self.value, self.values = found, judged.objective, values
            return True
        return False


def start_of(
    search: PartSearch, linear: LinearProgram, decision: Decision, *, seconds: float
) -> NDArray[np.float64] | None:
    """Return a decision as values of all columns, the continuous ones at their best; or None."""
    values = np.zeros(linear.columns)
    values[[search.program.position[key] for key in search.program.chosen(decision)]] = 1.0
    rest = linear.part(~linear.is_integer, values)
    solved = search.solver.solve(rest, time_limit_s=max(0.05, seconds), is_confirmed=False)
    if solved.values is None:
        return None
    values[~linear.is_integer] = solved.values
    return values


def _parts(model: LayoutModel, *, across: bool) -> list[list[str]]:
    """Return the parks in parts by where they lie: halved by the longer side, or the other."""

    def halved(ids: list[str], *, longer: bool) -> list[list[str]]:
        if len(ids) <= PARKS_AT_ONCE:
            return [ids]
        points = np.nan_to_num(np.array([model.park[one].point for one in ids]))
        spans = np.ptp(points, axis=0)
        axis = int(np.argmax(spans) if longer else np.argmin(spans))
        order = [ids[row] for row in np.lexsort((np.array(ids), points[:, axis]))]
        middle = len(order) // 2
        return halved(order[:middle], longer=True) + halved(order[middle:], longer=True)

    return halved([park.park_id for park in model.parks], longer=not across)


def _touching(
    search: PartSearch, linear: LinearProgram, parks: frozenset[str]
) -> NDArray[np.bool_]:
    """Return the columns that decide on parks, and the continuous ones that hang on these."""
    model = search.model

    def is_of(key: Key) -> bool:
        if key[0] == "put":
            return model.newcomer[key[1]].by_id[key[2]].park_id in parks
        if key[0] == "move":
            return key[2] in parks or model.tenant[key[1]].home in parks
        return key[1] in parks

    named = np.array([is_of(key) for key in search.program.columns], dtype=bool)
    whole = named & linear.is_integer
    rows = np.asarray(abs(linear.matrix) @ whole.astype(float)) > 0
    beside = np.asarray(abs(linear.matrix).T @ rows.astype(float)) > 0
    return whole | (beside & ~linear.is_integer)


def _placed(search: PartSearch, before: Decision, found: Decision) -> Decision:
    """Return a layout with floors and parcels: asked for anew only in parks that are others."""
    model = search.model
    old, new = (_arrivals(model, one) for one in (before, found))
    changed = {park_id for park_id in {*old, *new} if old.get(park_id) != new.get(park_id)}
    moves = {one: to for one, to in found.moves.items() if to in changed}
    pieces = place_moves(model, replace(found, moves=moves), search.solver)
    kept = {one: before.pieces[one] for one, to in found.moves.items() if to not in changed}
    return replace(found, pieces={**kept, **pieces})


def _arrivals(model: LayoutModel, decision: Decision) -> dict[str, set[Sequence[str]]]:
    found: dict[str, set[Sequence[str]]] = {}
    for one, to in decision.moves.items():
        found.setdefault(to, set()).add(("move", one))
    for name, place in decision.places.items():
        park_id = model.newcomer[name].by_id[place].park_id
        found.setdefault(park_id or "", set()).add(("put", name, place))
    return found
