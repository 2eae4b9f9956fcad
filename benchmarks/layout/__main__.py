"""`python -m benchmarks.layout`: the demo's layout by the product and its peers, one evaluator.

What is compared is the gain over today, in points, of a decision that breaks nothing. Heuristics
get CPU seconds, solvers seconds; the product stops by itself at its gap.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import geo_service as gs
from benchmarks.layout import heuristics, solvers
from benchmarks.layout.larger import larger
from geo_service.layout.evaluate import evaluate
from geo_service.layout.goals import open_goals
from geo_service.layout.milp import LinearProgram
from geo_service.layout.model import LayoutModel, today
from geo_service.layout.options import find_options
from geo_service.layout.places import without_crowding
from geo_service.layout.program import LayoutProgram
from geo_service.layout.solve import LayoutSearch, find_layout
from geo_service.layout.solver import Solver
from geo_service.zoning.rulebook import open_rulebook

WORKSPACE = Path("layers/yunyang")
DAY = date(2026, 11, 30)
Row = dict[str, float | str | None]


def main() -> None:
    """Run the contenders that are asked for and print a row for each."""
    parser = argparse.ArgumentParser(prog="benchmarks.layout", description=__doc__)
    names = ("product", "greedy", "annealing", "nsga2", "cp_sat", "cbc")
    parser.add_argument("--only", nargs="*", choices=names, default=names)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--times", type=int, default=1, help="so many counties side by side")
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    begun = time.monotonic()
    plan = gs.open_plan(WORKSPACE)
    document = open_goals(WORKSPACE / "layouts" / "goals.yaml")
    rules = open_rulebook(plan.settings.rulebook_path)
    model = find_options(plan, document, rules, as_of=DAY).model
    print(f"options: {time.monotonic() - begun:.1f} s")
    model = larger(model, options.times)
    base = evaluate(model, today(model)).objective
    print(f"{len(model.parks)} parks, {len(model.tenants)} enterprises, today {base:.2f} points")
    rows = []
    for name in options.only:
        rows.append(run(name, model, options.seconds, base))
        print(json.dumps(rows[-1]), flush=True)
    if options.report is not None:
        options.report.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def run(name: str, model: LayoutModel, seconds: float, base: float) -> Row:
    """Return what one contender found."""
    begun = time.monotonic()
    bound = first = None
    objective: float | None = None
    if name == "product":
        with Solver(seed=model.goals.solving.seed) as solver:
            search = LayoutSearch(model, solver, end=time.monotonic() + seconds)
            found = find_layout(search)
            objective, bound, first = found.objective, found.bound, found.first_seconds
    elif name in {"cp_sat", "cbc"}:
        objective, bound = by_solver(getattr(solvers, name), model, seconds)
    else:
        heuristic: Callable[[LayoutModel, float], heuristics.Found] = getattr(heuristics, name)
        made = heuristic(model, seconds)
        objective = None if made is None else made[1].objective
    return {
        "contender": name,
        "objective": objective,
        "gain": None if objective is None else objective - base,
        "bound": bound,
        "gap": None if not objective or bound is None else (bound - objective) / objective,
        "seconds": round(time.monotonic() - begun, 2),
        "first_feasible_s": first,
    }


def by_solver(
    solve: Callable[[LinearProgram, float], solvers.Solution], model: LayoutModel, seconds: float
) -> tuple[float | None, float | None]:
    """Return objective and bound of another solver; moves that do not fit stay at home."""
    program = LayoutProgram(model)
    points = program.objective()
    values, least = solve(program.linear(points), seconds)
    if values is None:
        return None, None
    decision = program.decision(values)
    with Solver() as solver:
        moves, pieces = without_crowding(model, decision, solver)
    judged = evaluate(model, replace(decision, moves=moves, pieces=pieces))
    bound = None if least is None else points.constant - least
    return (judged.objective if judged.is_met else None), bound


if __name__ == "__main__":
    main()
