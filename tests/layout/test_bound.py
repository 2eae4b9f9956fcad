"""Bounds worked out from multipliers: none is above the best solution, and good ones are near."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray
from scipy.sparse import csr_array

from geo_service.layout import solver as solver_module
from geo_service.layout.milp import LinearProgram
from geo_service.layout.solver import Solver, Status
from tests.depth import thorough

small = st.integers(-4, 4)


@st.composite
def programs(draw: st.DrawFn) -> LinearProgram:
    """Draw a program of up to five columns of 0 or 1 and up to four rows."""
    columns = draw(st.integers(1, 5))
    rows = draw(st.integers(1, 4))
    row = st.lists(small, min_size=columns, max_size=columns)
    matrix = np.array([draw(row) for _ in range(rows)], dtype=float)
    lower = np.array(draw(st.lists(st.integers(-6, 2), min_size=rows, max_size=rows)), dtype=float)
    width = np.array(draw(st.lists(st.integers(0, 8), min_size=rows, max_size=rows)), dtype=float)
    is_open = np.array(draw(st.lists(st.booleans(), min_size=rows, max_size=rows)))
    return LinearProgram(
        cost=np.array(draw(row), dtype=float),
        lower=np.zeros(columns),
        upper=np.ones(columns),
        is_integer=np.ones(columns, dtype=bool),
        matrix=csr_array(matrix),
        row_lower=np.where(is_open, -np.inf, lower),
        row_upper=lower + width,
    )


def least(program: LinearProgram) -> float | None:
    """Return the least cost of any solution, by trying all."""
    tried = (np.array(one, dtype=float) for one in product((0, 1), repeat=program.columns))
    return min((program.value(one) for one in tried if program.is_met(one)), default=None)


@pytest.fixture(scope="module")
def solver() -> Iterator[Solver]:
    """Return a solver."""
    with Solver() as made:
        yield made


@given(program=programs(), data=st.data())
@thorough(200)
def test_no_solution_is_below_what_any_multipliers_say(
    program: LinearProgram, data: st.DataObject
) -> None:
    one = st.floats(-5, 5)
    drawn = data.draw(st.lists(one, min_size=program.rows, max_size=program.rows))
    multipliers: NDArray[np.float64] = np.array(drawn)
    best = least(program)
    if best is not None:
        assert program.least_by(multipliers) <= best + 1e-9


def covers(size: int) -> LinearProgram:
    """Return the cheapest choice of edges of a ring that touches every corner, each costing 1."""
    ring = np.eye(size) + np.roll(np.eye(size), 1, axis=1)
    return LinearProgram(
        cost=np.ones(size),
        lower=np.zeros(size),
        upper=np.ones(size),
        is_integer=np.ones(size, dtype=bool),
        matrix=csr_array(ring),
        row_lower=np.ones(size),
        row_upper=np.full(size, np.inf),
    )


def test_the_relaxation_of_an_odd_ring_is_known(solver: Solver) -> None:
    # Half of each of 7 edges touches every corner: 3.5; whole ones take 4.
    program = covers(7)
    assert program.least_by(np.full(7, 0.5)) == pytest.approx(3.5)
    assert solver.relaxed_bound(program, time_limit_s=10) == pytest.approx(3.5)
    assert least(program) == 4


@given(program=programs())
@thorough(40)
def test_a_program_is_solved_alike_with_a_bound_worked_out_first(
    solver: Solver, program: LinearProgram
) -> None:
    plain = solver.solve(program, time_limit_s=10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(solver_module, "MANY_COLUMNS", 1)
        bounded = solver.solve(program, time_limit_s=10)
    best = least(program)
    assert plain.status is bounded.status
    assert plain.value == bounded.value == (None if best is None else pytest.approx(best))
    if best is None:
        assert bounded.status is Status.INFEASIBLE
    else:
        assert bounded.bound == pytest.approx(best)


@given(program=programs(), data=st.data())
@thorough(200)
def test_a_part_is_met_by_what_meets_the_whole_with_the_rest_as_it_is(
    program: LinearProgram, data: st.DataObject
) -> None:
    bits = st.lists(st.integers(0, 1), min_size=program.columns, max_size=program.columns)
    at, other, free = (np.array(data.draw(bits), dtype=float) for _ in range(3))
    is_free = free > 0
    changed = np.where(is_free, other, at)
    part = program.part(is_free, at)
    if program.is_met(changed):
        assert part.is_met(other[is_free])
    if program.is_met(at) and part.is_met(other[is_free]):
        assert program.is_met(changed)
    # What the objective changes by is what it changes by in the part.
    moved = program.value(changed) - program.value(at)
    assert part.value(other[is_free]) - part.value(at[is_free]) == pytest.approx(moved)
