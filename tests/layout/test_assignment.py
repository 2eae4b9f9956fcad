"""Assignment: published instances, what is refused, what cannot be, and the time limit."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from geo_service.errors import InfeasibleError, InvalidQueryError
from geo_service.layout.assignment import Assignment, assign, read_task, solve_task
from geo_service.layout.solver import Solver
from tests.depth import thorough

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
C515_VALUE = """
17 21 22 18 24 15 20 18 19 18 16 22 24 24 16
23 16 21 16 17 16 19 25 18 21 17 15 25 17 24
16 20 16 25 24 16 17 19 19 18 20 16 17 21 24
19 19 22 22 20 16 19 17 21 19 25 23 25 25 25
18 19 15 15 21 25 16 16 23 15 22 17 19 22 24
"""
C515_SIZE = """
8 15 14 23 8 16 8 25 9 17 25 15 10 8 24
15 7 23 22 11 11 12 10 17 16 7 16 10 18 22
21 20 6 22 24 10 24 9 21 14 11 14 11 19 16
20 11 8 14 9 5 6 19 19 7 6 6 13 9 18
8 13 13 13 10 20 25 16 16 17 10 10 5 12 23
"""
"""OR-Library's c515-1: 5 agents, 15 jobs."""
TASKS_COST = """
90 76 75 70 50 74 12 68
35 85 55 65 48 101 70 83
125 95 90 105 59 120 36 73
45 110 95 115 104 83 37 71
60 105 80 75 59 62 93 88
45 65 110 95 47 31 81 34
38 51 107 41 69 99 115 48
47 85 57 71 92 77 109 36
39 63 97 49 118 56 92 61
47 101 71 60 88 109 52 90
"""


@pytest.fixture(scope="module")
def solver() -> Iterator[Solver]:
    """Return one process for all small instances."""
    with Solver() as running:
        yield running


def table(text: str) -> Array:
    return np.array([[float(cell) for cell in line.split()] for line in text.strip().split("\n")])


def check(found: Assignment, value: Array, size: Array, capacity: Array) -> None:
    """Hold an assignment to its own figures, by plain loops."""
    total, taken = 0.0, [0.0] * len(capacity)
    for job, agent in enumerate(found.place):
        total += value[agent, job]
        taken[agent] += size[agent, job]
    assert found.total == pytest.approx(total)
    assert all(used <= most + 1e-6 for used, most in zip(taken, capacity, strict=True))


@pytest.mark.parametrize(("sense", "best"), [("max", 336), ("min", 261)])
def test_a_published_instance_has_its_proven_optimum(
    sense: Literal["max", "min"], best: int
) -> None:
    value, size = table(C515_VALUE), table(C515_SIZE)
    capacity = np.array([36.0, 34, 38, 27, 33])
    found = assign(value, size, capacity, sense=sense)
    assert (found.total, found.bound, found.gap) == (best, best, 0)
    check(found, value, size, capacity)


def test_tasks_with_sizes_cost_what_is_proven_to_be_least() -> None:
    cost = table(TASKS_COST)
    size = np.tile([10.0, 7, 3, 12, 15, 4, 11, 5], (10, 1))
    found = assign(cost, size, [15] * 10, sense="min")
    assert (found.total, found.bound, found.gap) == (326, 326, 0)
    check(found, cost, size, np.full(10, 15.0))


def test_no_assignment_is_an_error() -> None:
    with pytest.raises(InfeasibleError):
        assign([[1, 1]], [[2, 2]], [3])  # 2 + 2 > 3
    with pytest.raises(InfeasibleError):
        assign([[1], [1]], [[1], [1]], [5, 5], allowed=[[False], [False]])
    with pytest.raises(InfeasibleError):
        assign(np.zeros((0, 2)), np.zeros((0, 2)), [])
    with pytest.raises(InfeasibleError):  # three halves never fit into two of one, pairwise
        assign(np.ones((2, 3)), np.full((2, 3), 0.6), [1, 1])


def test_nothing_to_assign_is_assigned() -> None:
    found = assign(np.zeros((2, 0)), np.zeros((2, 0)), [1, 1])
    assert (len(found.place), found.total, found.bound, found.gap) == (0, 0, 0, 0)


def test_what_is_not_allowed_is_never_looked_at() -> None:
    value = np.array([[math.nan, 3], [2, math.inf]])
    size = np.array([[-1, 1], [1, math.nan]])
    found = assign(value, size, [math.inf, 1], allowed=[[0, 1], [1, 0]])
    assert found.place.tolist() == [1, 0]
    assert found.total == 5


@pytest.mark.parametrize(
    ("parameter", "change"),
    [
        ("value", {"value": [1, 2]}),
        ("value", {"value": "many"}),
        ("value", {"value": [[1, math.nan]]}),
        ("size", {"size": [[1]]}),
        ("size", {"size": [[1, -1]]}),
        ("size", {"size": [[1, math.inf]]}),
        ("capacity", {"capacity": [1, 2]}),
        ("capacity", {"capacity": 3}),
        ("capacity", {"capacity": [math.nan]}),
        ("sense", {"sense": "best"}),
        ("allowed", {"allowed": [[True]]}),
        ("allowed", {"allowed": [[0.5, 1]]}),
        ("time_limit_s", {"time_limit_s": 0}),
        ("time_limit_s", {"time_limit_s": math.nan}),
    ],
)
def test_what_does_not_fit_is_refused_by_name(parameter: str, change: dict[str, Any]) -> None:
    good: dict[str, Any] = {"value": [[1, 2]], "size": [[1, 1]], "capacity": [3]}
    with pytest.raises(InvalidQueryError) as caught:
        assign(**{**good, **change})
    assert caught.value.parameter == parameter


def test_at_the_time_limit_the_best_found_is_given_with_its_gap() -> None:
    rng = np.random.default_rng(1)
    size = rng.integers(5, 25, (20, 200)).astype(np.float64)
    value = (
        111.0 - size + rng.integers(-10, 10, (20, 200))
    )  # large and hard: sizes and values agree
    capacity = size.sum(axis=1) / 20 * 0.8
    found = assign(value, size, capacity, sense="min", time_limit_s=2)
    check(found, value, size, capacity)
    assert found.bound <= found.total
    assert found.gap == pytest.approx((found.total - found.bound) / found.total)


@st.composite
def tasks(draw: st.DrawFn) -> tuple[Array, Array, Array, Flags]:
    agents, jobs = draw(st.integers(1, 3)), draw(st.integers(1, 5))

    def numbers(low: int, high: int) -> Array:
        cells = st.lists(st.integers(low, high), min_size=agents * jobs, max_size=agents * jobs)
        return np.array(draw(cells), dtype=float).reshape(agents, jobs) / 2

    capacity = np.array(draw(st.lists(st.integers(0, 20), min_size=agents, max_size=agents)))
    return numbers(-20, 20), numbers(0, 12), capacity / 2, numbers(0, 3) > 0


def brute_force(value: Array, size: Array, capacity: Array, allowed: Flags) -> float | None:
    agents, jobs = value.shape
    totals = [
        sum(value[agent, job] for job, agent in enumerate(place))
        for place in itertools.product(range(agents), repeat=jobs)
        if all(allowed[agent, job] for job, agent in enumerate(place))
        and all(
            sum(size[agent, job] for job in range(jobs) if place[job] == agent) <= capacity[agent]
            for agent in range(agents)
        )
    ]
    return max(totals, default=None)


@thorough(250)
@given(tasks())
def test_small_instances_agree_with_trying_everything(
    solver: Solver, task: tuple[Array, Array, Array, Flags]
) -> None:
    best = brute_force(*task)
    value, size, capacity, allowed = task
    checked = read_task(value, size, capacity, "max", allowed, 60)
    if best is None:
        with pytest.raises(InfeasibleError):
            solve_task(checked, solver, 60)
        return
    found = solve_task(checked, solver, 60)
    assert found.total == pytest.approx(best)
    assert found.bound == pytest.approx(best)
    check(found, value, size, capacity)
