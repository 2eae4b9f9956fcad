"""Solve programs in a process of its own, which ends at the time limit whatever it is doing.

What the process says is checked: a solution counts only if it meets every row, its value is
computed here, and "infeasible" is said only if two different ways agree. One thread and a fixed
seed: the same program gives the same answer unless the time ended it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from geo_service.isolation import Isolated, ProcessEndedError, ProcessLimits
from geo_service.layout.milp import LinearProgram, pack, unpack

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEED = 20
GRACE_SECONDS = 1.0
"""How long past its time a solver may take to say its last word before it is killed."""
MANY_COLUMNS = 40_000
"""From this size on, a bound is worked out first: the solver may not come to one in its time."""
BOUND_SHARE = 0.6
"""How much of the time that may take."""
BOUND_GRACE_SECONDS = 10.0
"""How long past its share of the time the bound of a large program may take to be told."""
_WORK = "geo_service.layout.highs"
_LIMITS = ProcessLimits(
    memory_bytes=6 << 30, seconds=86_400, file_bytes=1 << 20, message_bytes=1 << 28
)
Watch = Callable[[], None]


class Status(StrEnum):
    """How a solve ended."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Progressed:
    """What is known while a solver works: best value and bound, both minimised; seconds so far."""

    value: float | None
    bound: float | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """The best solution found, and the least that any solution could have.

    `values` is None if none was found. `bound` is None if nothing is known. `is_cut_short` says
    that the time ended it, so that another run may find something else.
    """

    status: Status
    values: NDArray[np.float64] | None
    value: float | None
    bound: float | None
    nodes: int
    seconds: float
    first_seconds: float | None
    is_cut_short: bool

    @property
    def gap(self) -> float | None:
        """How far the value may be from the best there is, as a share of it; None if unknown."""
        return gap_between(self.value, self.bound)


def gap_between(value: float | None, bound: float | None) -> float | None:
    """Return |value - bound| as a share of the value; None if either is unknown.

    >>> gap_between(100.0, 101.0), gap_between(0.0, 0.0)
    (0.01, 0.0)
    """
    if value is None or bound is None:
        return None
    apart = abs(value - bound)
    return 0.0 if apart == 0 else apart / max(abs(value), 1e-9)


class _OverError(Exception):
    """The time has ended."""


class Solver:
    """A process that solves; started when it is first needed, and again after it was killed."""

    def __init__(self, *, seed: int = SEED, watch: Watch = lambda: None) -> None:
        self._seed = seed
        self._watch = watch
        self._process: Isolated | None = None

    def __enter__(self) -> Self:
        """Return this solver; `__exit__` ends its process."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """End the process."""
        self.close()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def solve(  # noqa: PLR0913 - what a solver may be told
        self,
        program: LinearProgram,
        *,
        time_limit_s: float,
        gap: float = 0.0,
        nodes: int | None = None,
        start: NDArray[np.float64] | None = None,
        tell: Callable[[Progressed], None] = lambda _: None,
        is_confirmed: bool = True,
    ) -> Solved:
        """Return the best solution that is found within the time, the gap or the nodes.

        With `is_confirmed` "infeasible" is asked for a second time in another way. `start` is a
        solution to begin with; one that does not meet the program is of no use.
        """
        begun = time.monotonic()
        floor = None
        if program.columns >= MANY_COLUMNS and program.is_integer.any():
            floor = self.relaxed_bound(program, time_limit_s=BOUND_SHARE * time_limit_s)
            tell(Progressed(None, floor, time.monotonic() - begun))
        options: dict[str, Any] = {"mip_rel_gap": gap, "random_seed": self._seed}
        if nodes is not None:
            options["mip_max_nodes"] = nodes
        left = time_limit_s - (time.monotonic() - begun)
        solved = self._solve(program, options, left, start, tell, floor)
        left = time_limit_s - (time.monotonic() - begun)
        if is_confirmed and solved.status is Status.INFEASIBLE and left > 0:
            other = {**options, "presolve": "off", "random_seed": self._seed + 1}
            again = self._solve(program, other, left, None, tell)
            if again.status is not Status.INFEASIBLE:
                return again
        return solved

    def relaxed_bound(self, program: LinearProgram, *, time_limit_s: float) -> float | None:
        """Return what no solution is below, by the relaxation as far as it is solved in the time.

        Worked out here from the multipliers that the dual simplex has come to; None if it has none.
        """
        relaxed = replace(program, is_integer=np.zeros(program.columns, dtype=bool))
        # Where presolve has changed the program, nothing is known of its rows before the end.
        options = {"solver": "simplex", "presolve": "off", "random_seed": self._seed}
        found = self._ask(_Found(relaxed), options, time_limit_s, None, grace=BOUND_GRACE_SECONDS)
        duals = found.duals
        return None if duals is None else program.least_by(duals)

    def _solve(
        self,
        program: LinearProgram,
        options: dict[str, Any],
        time_limit_s: float,
        start: NDArray[np.float64] | None,
        tell: Callable[[Progressed], None],
        floor: float | None = None,
    ) -> Solved:
        if not program.columns:
            return _nothing_to_decide(program)
        found = _Found(program, tell, floor)
        if start is not None:
            found.consider(start)
        return self._ask(found, options, time_limit_s, start).solved()

    def _ask(
        self,
        found: _Found,
        options: dict[str, Any],
        time_limit_s: float,
        start: NDArray[np.float64] | None,
        *,
        grace: float = GRACE_SECONDS,
    ) -> _Found:
        process = self._ready()
        end = time.monotonic() + time_limit_s + grace

        def watch() -> None:
            self._watch()
            if time.monotonic() > end:
                raise _OverError

        arrays = {} if start is None else {"start": start}
        process.send(pack({**options, "time_limit": max(0.01, time_limit_s)}, arrays))
        process.send(found.program.to_bytes())
        try:
            while not found.is_ended:
                found.take(process.receive(watch))
        except _OverError:
            self.close()
            found.is_cut_short = True
        except (ProcessEndedError, RuntimeError):
            self.close()
            found.is_cut_short = True
        except BaseException:
            self.close()
            raise
        return found

    def _ready(self) -> Isolated:
        if self._process is None or not self._process.is_alive:
            self.close()
            self._process = Isolated((_WORK,))
            self._process.begin(f"{_WORK}:work", {}, _LIMITS)
        return self._process


class _Found:
    """What a solver has said so far and was found to be so."""

    def __init__(
        self,
        program: LinearProgram,
        tell: Callable[[Progressed], None] = lambda _: None,
        floor: float | None = None,
    ) -> None:
        self.program = program
        self._tell = tell
        self._begun = time.monotonic()
        self.values: NDArray[np.float64] | None = None
        self.value: float | None = None
        self.bound = floor
        self.duals: NDArray[np.float64] | None = None
        """Multipliers of the rows, of a program without whole numbers."""
        self.status = ""
        self.nodes = 0
        self.first_seconds: float | None = None
        self.is_ended = False
        self.is_cut_short = False

    def take(self, answer: bytes) -> None:
        head, arrays = unpack(answer)
        bound = head.get("bound")
        if bound is not None and (self.bound is None or bound > self.bound):
            self.bound = float(bound)
        values = arrays.get("values")
        if values is not None and len(values) == self.program.columns:
            self.consider(values)
        duals = arrays.get("duals")
        if duals is not None and len(duals) == self.program.rows:
            self.duals = duals
        if head["kind"] == "end":
            self.is_ended, self.status, self.nodes = True, head["status"], head["nodes"]
        self._tell(Progressed(self.value, self.bound, time.monotonic() - self._begun))

    def consider(self, values: NDArray[np.float64]) -> None:
        """Take a solution as the best so far, if it is one and none was better."""
        whole = np.where(self.program.is_integer, np.round(values), values)
        if not self.program.is_met(whole):
            return
        value = self.program.value(whole)
        if self.value is None or value < self.value:
            self.values, self.value = whole, value
            if self.first_seconds is None:
                self.first_seconds = time.monotonic() - self._begun

    def solved(self) -> Solved:
        status = Status.UNKNOWN
        if self.values is not None:
            is_claimed = self.status == "optimal" and self.bound is not None
            status = Status.OPTIMAL if is_claimed else Status.FEASIBLE
        elif self.status == "infeasible":
            status = Status.INFEASIBLE
        bound = self.bound
        if bound is not None and self.value is not None:
            bound = min(bound, self.value)  # a bound above a solution at hand is a rounding
        return Solved(
            status=status,
            values=self.values,
            value=self.value,
            bound=bound,
            nodes=self.nodes,
            seconds=time.monotonic() - self._begun,
            first_seconds=self.first_seconds,
            is_cut_short=self.is_cut_short or self.status == "stopped",
        )


def _nothing_to_decide(program: LinearProgram) -> Solved:
    nothing = np.zeros(0)
    fits = not program.rows or bool(
        np.all(program.row_lower <= 0) and np.all(program.row_upper >= 0)
    )
    return Solved(
        status=Status.OPTIMAL if fits else Status.INFEASIBLE,
        values=nothing if fits else None,
        value=0.0 if fits else None,
        bound=0.0 if fits else None,
        nodes=0,
        seconds=0.0,
        first_seconds=0.0 if fits else None,
        is_cut_short=False,
    )
