"""Find the best decision: the first stage by the solver, the second checked, each answer judged.

A decision counts only if `evaluate` finds that it meets every requirement; its value is what
`evaluate` says. The bound holds for every layout that the goals allow: rows that are added on
the way leave out only what does not fit on floors and parcels.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from geo_service.layout import solver as solver_module
from geo_service.layout.evaluate import Evaluation, broken_bans, evaluate
from geo_service.layout.goals import TermName
from geo_service.layout.improve import improve, start_of
from geo_service.layout.model import today
from geo_service.layout.places import CrowdedError, place_moves, without_crowding
from geo_service.layout.program import Expression, LayoutProgram, Requirement, TaggedRow
from geo_service.layout.solver import Solved, Solver, Status, gap_between

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from geo_service.layout.model import Decision, LayoutModel
    from geo_service.layout.program import Key
    from geo_service.layout.solver import Progressed

WEIGHTS = "weights"
"""The stage in which all terms are sought together."""
IMPROVE_SHARE = 0.5
"""How much of the time goes to improving part by part where a program is large."""
OPTIMAL_GAP = 1e-6
"""At this distance to the bound a layout is called optimal: the rounding of sums."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """What one objective came to: its value, its bound (more is better) and their gap."""

    name: str
    value: float
    bound: float | None
    gap: float | None


@dataclass(frozen=True, kw_only=True)
class FoundLayout:
    """The best decision found, what it is worth, and how good any other could be.

    `decision` is None if none was found: `status` then says whether there is none
    (`infeasible`) or the time ended (`unknown`).
    """

    status: Status
    decision: Decision | None = None
    evaluation: Evaluation | None = None
    objective: float | None = None
    bound: float | None = None
    stages: tuple[StageResult, ...] = ()
    seconds: float = 0.0
    first_seconds: float | None = None
    nodes: int = 0
    rounds: int = 0
    is_cut_short: bool = False

    @property
    def gap(self) -> float | None:
        """The largest gap of all stages; None if a bound is unknown."""
        gaps = [stage.gap for stage in self.stages]
        known = [gap for gap in gaps if gap is not None]
        return max(known, default=None) if len(known) == len(gaps) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPoint:
    """What a search knows at a moment: its best value so far, and the bound of any.

    In points, or in the unit of the term that is sought (`stage`). Floors and law are checked
    after the value was found: it may turn out to be more than can be had.
    """

    stage: str
    value: float | None
    bound: float | None
    seconds: float


class LayoutSearch:
    """One model and the rows that were learnt about it; asked for the best of any objective."""

    def __init__(
        self,
        model: LayoutModel,
        solver: Solver,
        *,
        end: float,
        tell: Callable[[SearchPoint], None] = lambda _: None,
    ) -> None:
        self.model = model
        self.program = LayoutProgram(model)
        self.solver = solver
        self.end = end
        """When the time ends, by the monotonic clock."""
        self.cuts: list[TaggedRow] = []
        """What does not fit together, found on the way."""
        self.nodes = self.rounds = 0
        self.first_seconds: float | None = None
        self.begun = time.monotonic()
        self.stage = WEIGHTS
        """What is sought: all terms by their weights, or one."""
        self._tell = tell

    @property
    def left(self) -> float:
        """The seconds that are left."""
        return self.end - time.monotonic()

    def forbid(self, keys: Sequence[Key], *, kind: str = "room") -> None:
        """Let these columns never be taken together again; `kind` says what they break."""
        row = dict.fromkeys(keys, 1.0)
        subject = " ".join("/".join(key) for key in keys)
        tag = Requirement(kind=kind, subject=subject)
        if kind == "room":
            tag = room_of(self.model, keys)
        self.cuts.append(
            TaggedRow(coefficients=row, lower=-math.inf, upper=len(keys) - 1.0, tag=tag)
        )

    def best(
        self,
        objective: Expression,
        *,
        extra: Iterable[TaggedRow] = (),
        gap: float | None = None,
        seconds: float | None = None,
        program: LayoutProgram | None = None,
    ) -> tuple[Solved, Decision | None]:
        """Return the best decision by an objective, with pieces, and what the solver knows.

        The bound is that of the last program, which every layout meets. Of a decision that does
        not fit on floors, the moves that fit are kept in mind for when the time ends.
        """
        asked = program or self.program
        rows = list(extra)
        end = self.end if seconds is None else min(self.end, time.monotonic() + seconds)
        spare: Decision | None = None
        spare_value = -math.inf  # in points, as the weights' stage counts
        start: NDArray[np.float64] | None = None
        if not rows and program is None:
            spare, spare_value = self._quick()
            if spare is not None and self._is_large:
                spare, start = self._improved(objective, spare, end)
                spare_value = evaluate(self.model, spare).objective
        while True:
            linear = asked.linear(objective, extra=[*rows, *self.cuts])
            solved = self.solver.solve(
                linear,
                start=start,
                time_limit_s=max(0.05, end - time.monotonic()),
                gap=self.model.goals.solving.gap if gap is None else gap,
                nodes=self.model.goals.solving.nodes,
                tell=partial(self._tell_of, objective, spare_value),
            )
            self.nodes += solved.nodes
            self.rounds += 1
            if solved.values is None:
                return solved, spare
            decision = asked.decision(solved.values)
            start = None
            try:
                placed = replace(decision, pieces=place_moves(self.model, decision, self.solver))
            except CrowdedError as crowded:
                self.forbid(crowded.keys)
                moves, pieces = without_crowding(self.model, decision, self.solver)
                fitting = replace(decision, moves=moves, pieces=pieces)
                judged = evaluate(self.model, fitting)
                is_better = judged.objective > spare_value
                if judged.is_met and not rows and is_better and not self._is_forbidden(fitting):
                    spare, spare_value = fitting, judged.objective
                    self._remember_first()
                if time.monotonic() >= end:
                    return replace(solved, is_cut_short=True), spare
                continue
            judged = evaluate(self.model, placed)
            if judged.is_met:
                self._remember_first()
                is_less = self.stage == WEIGHTS and judged.objective < spare_value
                return solved, spare if is_less else placed
            # The solver is wrong: never this one again.
            self.forbid(asked.chosen(decision), kind="wrong")

    def _tell_of(self, objective: Expression, known: float, at: Progressed) -> None:
        """Tell what the solver is at; of less than the layout that is known, that one's value."""
        sign = 1.0 if self.stage == WEIGHTS else self.program.sign(TermName(self.stage))

        def worth(number: float | None) -> float | None:
            return None if number is None else sign * (objective.constant - number)

        value = worth(at.value)
        if self.stage == WEIGHTS and math.isfinite(known):
            value = known if value is None else max(known, value)
        self._tell(
            SearchPoint(
                stage=self.stage,
                value=value,
                bound=worth(at.bound),
                seconds=time.monotonic() - self.begun,
            )
        )

    def _quick(self) -> tuple[Decision | None, float]:
        """Return today's layout with the projects on their best free places, if it will do."""
        quick = quick_decision(self.model)
        judged = evaluate(self.model, quick)
        if not judged.is_met or self._is_forbidden(quick):
            return None, -math.inf
        self._remember_first()
        return quick, judged.objective

    @property
    def _is_large(self) -> bool:
        """Whether the program is more than the solver may come to the end of in its time."""
        is_weighed = self.stage == WEIGHTS
        return is_weighed and len(self.program.columns) >= solver_module.MANY_COLUMNS

    def _improved(
        self, objective: Expression, first: Decision, end: float
    ) -> tuple[Decision, NDArray[np.float64] | None]:
        """Return a layout improved part by part, and its columns for the solver to begin with."""
        until = time.monotonic() + IMPROVE_SHARE * (end - time.monotonic())

        def tell(value: float) -> None:
            seconds = time.monotonic() - self.begun
            self._tell(SearchPoint(stage=self.stage, value=value, bound=None, seconds=seconds))

        better = improve(self, objective, first, end=until, tell=tell)
        linear = self.program.linear(objective, extra=self.cuts)
        return better, start_of(self, linear, better, seconds=end - time.monotonic())

    def _is_forbidden(self, decision: Decision) -> bool:
        """Whether a decision takes together what was forbidden on the way."""
        chosen = set(self.program.chosen(decision))
        return any(
            sum(value for key, value in cut.coefficients.items() if key in chosen) > cut.upper
            for cut in self.cuts
        )

    def _remember_first(self) -> None:
        if self.first_seconds is None:
            self.first_seconds = time.monotonic() - self.begun


def quick_decision(model: LayoutModel) -> Decision:
    """Return a layout in which parks and enterprises stay and projects get what is free.

    Projects with few places come first; each takes its best one that no other has taken and no
    ban forbids.
    """
    taken: set[str] = set()
    places: dict[str, str] = {}
    still = today(model)

    def is_banned(name: str, candidate_id: str) -> bool:
        alone = replace(still, places={name: candidate_id})
        return any(True for _ in broken_bans(model, alone))

    for newcomer in sorted(model.newcomers, key=lambda one: (len(one.spots), one.name)):
        free = [
            spot
            for spot in newcomer.spots
            if not taken & set(spot.members) and not is_banned(newcomer.name, spot.candidate_id)
        ]
        if free:
            best = max(free, key=lambda spot: (spot.score, spot.candidate_id))
            places[newcomer.name] = best.candidate_id
            taken |= set(best.members)
    return replace(still, places=places)


def room_of(model: LayoutModel, keys: Sequence[Key]) -> Requirement:
    """Return the requirement that columns which do not fit into a park together break."""
    moved = next(key for key in keys if key[0] == "move")
    piece_ids = model.tenant[moved[1]].moves_to[moved[2]]
    is_floor = model.piece[piece_ids[0]].is_floor
    room = math.fsum(
        piece.room_m2
        for piece in model.pieces
        if piece.park_id == moved[2] and piece.is_floor is is_floor
    )
    subject = f"{moved[2]} {'floors' if is_floor else 'parcels'}"
    return Requirement(kind="room", subject=subject, has=room)


def find_layout(search: LayoutSearch) -> FoundLayout:
    """Return the best layout by the goals' terms, put together as they say."""
    goals = search.model.goals
    if goals.wanted.method == "weights":
        solved, decision = search.best(search.program.objective())
        return _found_by_weights(search, solved, decision)
    return _find_in_order(search, list(goals.terms))


def find_within(search: LayoutSearch, seconds: float) -> FoundLayout:
    """Return the best layout as `find_layout` does, found in so many seconds at most."""
    end = search.end
    search.end = min(end, time.monotonic() + seconds)
    try:
        return find_layout(search)
    finally:
        search.end = end


def _found_by_weights(
    search: LayoutSearch, solved: Solved, decision: Decision | None
) -> FoundLayout:
    if decision is None:
        return _nothing(search, solved)
    evaluation = evaluate(search.model, decision)
    bound = None
    if solved.bound is not None:
        bound = search.program.objective().constant - solved.bound
        bound = max(bound, evaluation.objective)
    stage = StageResult(
        name=WEIGHTS,
        value=evaluation.objective,
        bound=bound,
        gap=gap_between(evaluation.objective, bound),
    )
    return _found(search, decision, evaluation, (stage,), is_cut_short=solved.is_cut_short)


def _find_in_order(search: LayoutSearch, names: Sequence[TermName]) -> FoundLayout:
    """Optimise term after term, each within what the goals let later ones give up."""
    program, within = search.program, search.model.goals.wanted.within
    rows: list[TaggedRow] = []
    stages: list[StageResult] = []
    best: Decision | None = None
    is_cut_short = False
    for name in names:
        objective = Expression().plus(program.terms[name], program.sign(name))
        search.stage = name
        solved, decision = search.best(objective, extra=rows)
        search.stage = WEIGHTS
        is_cut_short |= solved.is_cut_short
        if decision is None and best is None:
            return _nothing(search, solved)
        if decision is not None:
            best = decision
        assert best is not None  # noqa: S101 - one of the two
        value = evaluate(search.model, best).terms[name]
        bound = None
        if solved.bound is not None:
            bound = objective.constant - solved.bound
            bound = program.sign(name) * max(bound, program.sign(name) * value)
        stages.append(
            StageResult(name=name, value=value, bound=bound, gap=gap_between(value, bound))
        )
        least = program.sign(name) * value - within * abs(value)
        rows.append(at_least(objective, least, Requirement(kind="term", subject=name)))
    assert best is not None  # noqa: S101 - there is at least one term
    evaluation = evaluate(search.model, best)
    return _found(search, best, evaluation, tuple(stages), is_cut_short=is_cut_short)


def at_least(objective: Expression, least: float, tag: Requirement | None = None) -> TaggedRow:
    """Return the row that an expression reaches a value, in parts of its size."""
    scale = max(1.0, *map(abs, objective.terms.values()), abs(least)) if objective.terms else 1.0
    return TaggedRow(
        coefficients={key: value / scale for key, value in objective.terms.items()},
        lower=(least - objective.constant) / scale - 1e-9,
        upper=math.inf,
        tag=tag,
    )


def _found(
    search: LayoutSearch,
    decision: Decision,
    evaluation: Evaluation,
    stages: tuple[StageResult, ...],
    *,
    is_cut_short: bool,
) -> FoundLayout:
    first = stages[0]
    gaps = [stage.gap for stage in stages]
    is_best = all(gap is not None and gap <= OPTIMAL_GAP for gap in gaps)
    return FoundLayout(
        status=Status.OPTIMAL if is_best else Status.FEASIBLE,
        decision=decision,
        evaluation=evaluation,
        objective=first.value,
        bound=first.bound,
        stages=stages,
        seconds=time.monotonic() - search.begun,
        first_seconds=search.first_seconds,
        nodes=search.nodes,
        rounds=search.rounds,
        is_cut_short=is_cut_short,
    )


def _nothing(search: LayoutSearch, solved: Solved) -> FoundLayout:
    status = Status.INFEASIBLE if solved.status is Status.INFEASIBLE else Status.UNKNOWN
    return FoundLayout(
        status=status,
        seconds=time.monotonic() - search.begun,
        nodes=search.nodes,
        rounds=search.rounds,
        is_cut_short=solved.is_cut_short,
    )
