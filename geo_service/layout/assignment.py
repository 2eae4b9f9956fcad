"""Assign jobs to agents with capacities, exactly: the generalised assignment problem.

A pure function of arrays. Each job goes to one agent, an agent takes what fits into its
capacity, and the total value is as large (or small) as can be. It is the second stage of a
layout: enterprises on the floors and parcels of a park.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.sparse import csr_array

from geo_service.errors import InfeasibleError, InvalidQueryError, OutOfTimeError
from geo_service.layout.milp import LinearProgram
from geo_service.layout.solver import Solver, Status, gap_between
from geo_service.wording import said

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from geo_service.layout.solver import Solved

ROUNDING = 1e-9
"""By so much of itself a capacity may be exceeded: the rounding of sums."""
_MATRIX, _ROW = 2, 1


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which agent takes each job, the total in the sense asked, and how good it is.

    `place[j]` is the agent of job j. No assignment has a total beyond `bound`; `gap` is the
    distance of the two as a share of the total, 0 if the total is proven best.
    """

    place: NDArray[np.intp]
    total: float
    bound: float
    gap: float


def assign(
    value: ArrayLike,
    size: ArrayLike,
    capacity: ArrayLike,
    *,
    sense: Literal["max", "min"] = "max",
    allowed: ArrayLike | None = None,
    time_limit_s: float = 60,
) -> Assignment:
    """Return the best assignment of jobs to agents.

    Parameters
    ----------
    value, size
        What a job is worth, and what it takes, with each agent: of shape (agents, jobs).
    capacity
        How much each agent takes; infinity for one without a limit.
    sense
        Whether the total is to be large or small.
    allowed
        Which agent may take which job, of the same shape; all if None. Values and sizes of
        pairs that are not allowed are never looked at.
    time_limit_s
        After so many seconds the best found is returned, with its gap.

    Raises
    ------
    InvalidQueryError
        Shapes that do not fit, numbers that are none, a negative size.
    InfeasibleError
        No assignment exists.
    OutOfTimeError
        The time ended before any was found.

    Examples
    --------
    >>> assign([[5, 4], [3, 6]], [[2, 2], [2, 2]], [2, 2]).total
    11.0
    """
    task = read_task(value, size, capacity, sense, allowed, time_limit_s)
    with Solver() as solver:
        return solve_task(task, solver, time_limit_s)


@dataclass(frozen=True)
class Task:
    """A checked assignment problem; `is_open` says which pairs may be."""

    value: NDArray[np.float64]
    size: NDArray[np.float64]
    capacity: NDArray[np.float64]
    is_open: NDArray[np.bool_]
    sign: int
    """1 if the total is to be small, -1 if large."""


def read_task(
    value: ArrayLike,
    size: ArrayLike,
    capacity: ArrayLike,
    sense: str,
    allowed: ArrayLike | None,
    time_limit_s: float,
) -> Task:
    """Return the arguments of `assign`, checked; InvalidQueryError names the one that is wrong."""
    values, sizes = _numbers("value", value, _MATRIX), _numbers("size", size, _MATRIX)
    most = _numbers("capacity", capacity, _ROW)
    if sizes.shape != values.shape:
        _refuse("size", "problem.assign_shape", wanted=values.shape, shape=sizes.shape)
    if most.shape != values.shape[:1]:
        _refuse("capacity", "problem.assign_shape", wanted=values.shape[:1], shape=most.shape)
    is_open = _flags(allowed, values.shape)
    for name, array in (("value", values[is_open]), ("size", sizes[is_open])):
        if not np.isfinite(array).all():
            _refuse(name, "problem.assign_finite")
    if (sizes[is_open] < 0).any():
        _refuse("size", "problem.assign_negative")
    if np.isnan(most).any():
        _refuse("capacity", "problem.assign_finite")
    if sense not in {"max", "min"}:
        _refuse("sense", "problem.assign_sense")
    if not time_limit_s > 0 or not math.isfinite(time_limit_s):
        _refuse("time_limit_s", "problem.assign_time")
    fits = is_open & (np.where(is_open, sizes, 0.0) <= _room(most)[:, None])
    return Task(values, sizes, most, fits, 1 if sense == "min" else -1)


def _flags(allowed: ArrayLike | None, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which pairs may be, of the shape of the values."""
    if allowed is None:
        return np.ones(shape, dtype=bool)
    told = np.asarray(allowed)
    if told.shape != shape:
        _refuse("allowed", "problem.assign_shape", wanted=shape, shape=told.shape)
    if told.dtype.kind not in "biu" or not np.isin(told, (0, 1)).all():
        _refuse("allowed", "problem.assign_flags")
    return told.astype(bool)


def _refuse(parameter: str, key: str, **values: object) -> None:
    shown = {name: str(value) for name, value in values.items()}
    raise InvalidQueryError(parameter, said(key, **shown))


def _numbers(name: str, given: ArrayLike, dimensions: int) -> NDArray[np.float64]:
    try:
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.zeros(())
    if array.ndim != dimensions:
        _refuse(name, "problem.assign_dimensions", dimensions=dimensions)
    return array


def _room(capacity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what an agent takes at most, with the rounding of sums."""
    return capacity + ROUNDING * np.maximum(1.0, np.abs(capacity))


def solve_task(task: Task, solver: Solver, time_limit_s: float) -> Assignment:
    """Return the best assignment of a checked task; raises as `assign` does."""
    end = time.monotonic() + time_limit_s
    agents, jobs = np.nonzero(task.is_open)
    count = task.value.shape[1]
    is_lost = ~task.is_open.any(axis=0) if task.value.size else np.ones(count, dtype=bool)
    if is_lost.any() or (task.capacity < 0).any():
        raise InfeasibleError(said("problem.assign_infeasible"))
    program = _program_of(task, agents, jobs)
    while True:
        solved = solver.solve(program, time_limit_s=max(0.01, end - time.monotonic()))
        if solved.status is Status.INFEASIBLE:
            raise InfeasibleError(said("problem.assign_infeasible"))
        if solved.values is None:
            raise OutOfTimeError(said("problem.assign_out_of_time", seconds=time_limit_s))
        chosen = solved.values > 0.5  # noqa: PLR2004 - between 0 and 1
        place = np.full(count, -1, dtype=np.intp)
        place[jobs[chosen]] = agents[chosen]
        full = _overfull(task, place)
        if not full:
            return _assignment(task, place, solved)
        # The solver's own tolerance let too much in: such a set is never taken together again.
        rows = [
            {
                position: 1.0
                for position, (agent, job) in enumerate(zip(agents, jobs, strict=True))
                if agent == over and place[job] == over
            }
            for over in full
        ]
        most = [len(row) - 1.0 for row in rows]
        program = program.with_rows(rows, [-np.inf] * len(rows), most)


def _overfull(task: Task, place: NDArray[np.intp]) -> list[int]:
    most = _room(task.capacity)
    return [
        agent
        for agent in np.unique(place).tolist()
        if math.fsum(task.size[agent, place == agent]) > most[agent]
    ]


def _program_of(task: Task, agents: NDArray[np.intp], jobs: NDArray[np.intp]) -> LinearProgram:
    """Return a column per open pair, a row per job, and a row per agent with a limit."""
    count = len(agents)
    job_count = task.value.shape[1]
    limited = np.nonzero(np.isfinite(task.capacity))[0]
    position = np.full(len(task.capacity), -1)
    position[limited] = np.arange(len(limited))
    # Rows of capacity are in parts of it, so that one tolerance suits all.
    scale = np.maximum(1.0, np.abs(task.capacity))
    is_limited = position[agents] >= 0
    columns = np.arange(count)
    rows = np.concatenate([jobs, job_count + position[agents][is_limited]])
    sizes = task.size[agents, jobs] / scale[agents]
    matrix = csr_array(
        (
            np.concatenate([np.ones(count), sizes[is_limited]]),
            (rows, np.concatenate([columns, columns[is_limited]])),
        ),
        shape=(job_count + len(limited), count),
    )
    most = task.capacity[limited] / scale[limited]
    return LinearProgram(
        cost=task.sign * task.value[agents, jobs],
        lower=np.zeros(count),
        upper=np.ones(count),
        is_integer=np.ones(count, dtype=bool),
        matrix=matrix,
        row_lower=np.concatenate([np.ones(job_count), np.full(len(limited), -np.inf)]),
        row_upper=np.concatenate([np.ones(job_count), most]),
    )


def _assignment(task: Task, place: NDArray[np.intp], solved: Solved) -> Assignment:
    worth = task.value[place, np.arange(len(place))]
    total = math.fsum(worth)
    open_values = task.value[task.is_open]
    limit = _plain_bound(task)
    least = limit if solved.bound is None else max(limit, solved.bound)
    if len(open_values) and np.all(open_values == np.round(open_values)):
        least = math.ceil(least - 1e-6 * max(1.0, abs(least)))  # totals are whole numbers
    least = min(least, task.sign * total)
    bound = task.sign * least + 0.0
    gap = gap_between(total, bound)
    return Assignment(place, total, bound, 0.0 if gap is None else gap)


def _plain_bound(task: Task) -> float:
    """Return what no assignment goes below: every job with its best agent, without capacities."""
    if not task.value.shape[1]:
        return 0.0
    costs = np.where(task.is_open, task.sign * np.where(task.is_open, task.value, 0.0), np.inf)
    return math.fsum(costs.min(axis=0))
