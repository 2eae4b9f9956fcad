"""Other solvers as peers on the product's own program: CP-SAT and CBC, both of OR-Tools."""

from __future__ import annotations

import math

import numpy as np

from geo_service.layout.milp import LinearProgram

Solution = tuple[np.ndarray | None, float | None]
"""The values of the columns, and the least that any could have."""
_SCALE = 1_000
_COST_SCALE = 1_000


def cp_sat(program: LinearProgram, seconds: float) -> Solution:
    """Solve with CP-SAT on one worker; factors become whole parts of a million.

    With finer ones it takes programs for infeasible that are not.
    """
    from ortools.sat.python import cp_model  # noqa: PLC0415 - a peer

    model = cp_model.CpModel()
    unit = np.where(program.is_integer, 1, 1_000)
    columns = [
        model.new_int_var(int(low * one), int(high * one), "")
        for low, high, one in zip(program.lower, program.upper, unit, strict=True)
    ]
    matrix = program.matrix
    for row in range(program.rows):
        part = slice(matrix.indptr[row], matrix.indptr[row + 1])
        index, values = matrix.indices[part], matrix.data[part]
        exact = values * _SCALE * 1_000 / unit[index]
        factors = [round(value) for value in exact.tolist()]
        if not any(factors):
            continue
        # As much as rounding can take from a row or add to it, so that no solution is lost.
        most = np.maximum(np.abs(program.lower), np.abs(program.upper))[index] * unit[index]
        slack = math.ceil(float(np.abs(exact - np.array(factors)) @ most))
        total = sum(factor * columns[column] for factor, column in zip(factors, index, strict=True))
        if math.isfinite(program.row_lower[row]):
            model.add(total >= math.floor(program.row_lower[row] * _SCALE * 1_000) - slack)
        if math.isfinite(program.row_upper[row]):
            model.add(total <= math.ceil(program.row_upper[row] * _SCALE * 1_000) + slack)
    costs = [round(c * _COST_SCALE * 1_000 / u) for c, u in zip(program.cost, unit, strict=True)]
    model.minimize(sum(cost * column for cost, column in zip(costs, columns, strict=True)))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    status = solver.solve(model)
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return None, None
    values = np.array([solver.value(column) for column in columns]) / unit
    return values, solver.best_objective_bound / (_COST_SCALE * 1_000)


def cbc(program: LinearProgram, seconds: float) -> Solution:
    """Solve with CBC on one thread."""
    from ortools.linear_solver import pywraplp  # noqa: PLC0415 - a peer

    solver = pywraplp.Solver.CreateSolver("CBC")
    solver.SetTimeLimit(int(seconds * 1_000))
    columns = [
        solver.Var(float(low), float(high), bool(whole), "")
        for low, high, whole in zip(program.lower, program.upper, program.is_integer, strict=True)
    ]
    infinity = solver.infinity()
    matrix = program.matrix
    for row in range(program.rows):
        low, high = program.row_lower[row], program.row_upper[row]
        made = solver.Constraint(
            float(low) if math.isfinite(low) else -infinity,
            float(high) if math.isfinite(high) else infinity,
        )
        for at in range(matrix.indptr[row], matrix.indptr[row + 1]):
            made.SetCoefficient(columns[matrix.indices[at]], float(matrix.data[at]))
    objective = solver.Objective()
    for cost, column in zip(program.cost, columns, strict=True):
        objective.SetCoefficient(column, float(cost))
    objective.SetMinimization()
    status = solver.Solve()
    if status not in {pywraplp.Solver.OPTIMAL, pywraplp.Solver.FEASIBLE}:
        return None, None
    values = np.array([column.solution_value() for column in columns])
    return values, float(objective.BestBound())
