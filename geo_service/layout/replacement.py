"""What each decision of a layout is worth: forbid it, solve again, and see what is lost.

Unlike the regret of `explain`, everything else may change too. What comes instead is as lawful as a
layout is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo_service.layout.evaluate import evaluate
from geo_service.layout.firm import decisions_of
from geo_service.layout.model import Decision
from geo_service.layout.program import Key
from geo_service.layout.solve import LayoutSearch, find_within
from geo_service.layout.solver import Solver, Status

if TYPE_CHECKING:
    from collections.abc import Collection

    from geo_service.layout.model import LayoutModel
    from geo_service.zoning.review import Progress

Breaching = Callable[[Decision], list[list[Key]]]
"""What tells the columns that a layout's new breaches of the law come from; none if lawful."""
STEP = "replacement"


@dataclass(frozen=True, kw_only=True)
class Replacement:
    """A decision and the points that the whole layout loses without it.

    `loses` is None if no layout was found without it: `is_proven` says that there is none.
    Otherwise it says that the gap of the goals is met, and not only that the time ended.
    """

    kind: str
    subject: str
    choice: str
    loses: float | None
    is_proven: bool


def replacement_of(
    search: LayoutSearch,
    objective: float,
    key: tuple[str, str, str],
    *,
    seconds: float,
    breaching: Breaching = lambda _: [],
) -> Replacement:
    """Return what a layout of so many points loses without one decision."""
    end = time.monotonic() + seconds
    search.forbid([key], kind="refused")
    try:
        while True:
            left = max(0.05, end - time.monotonic())
            solved = find_within(search, left)
            other = solved.decision
            causes = [] if other is None else breaching(other)
            for cause in causes:
                search.forbid(cause, kind="law")
            if not causes or time.monotonic() >= end:
                break
    finally:
        search.cuts = [cut for cut in search.cuts if set(cut.coefficients) != {key}]
    kind, subject, choice = key
    found = None if other is None or causes else other
    is_shown = solved.status is Status.INFEASIBLE if found is None else not solved.is_cut_short
    loses = None if found is None else objective - evaluate(search.model, found).objective
    return Replacement(
        kind=kind,
        subject=subject,
        choice=choice,
        loses=loses,
        is_proven=is_shown and not causes,
    )


def replacements_of(
    model: LayoutModel,
    decision: Decision,
    objective: float,
    *,
    subjects: Collection[str] | None = None,
    breaching: Breaching,
    progress: Progress | None = None,
) -> list[Replacement]:
    """Return the replacement costs of a layout's decisions, or of some.

    `subjects` are ids of parks and enterprises and names of projects. Each decision gets the goals'
    time limit. `progress` is called before each, and again and again while the solver works.
    """
    keys = [key for key in decisions_of(model, decision) if subjects is None or key[1] in subjects]
    solving = model.goals.solving
    found: list[Replacement] = []

    def again() -> None:
        if progress is not None:
            progress(len(found), len(keys), STEP)

    with Solver(seed=solving.seed, watch=again) as solver:
        search = LayoutSearch(model, solver, end=float("inf"))
        for key in keys:
            again()
            seconds = solving.time_limit_s
            found.append(
                replacement_of(search, objective, key, seconds=seconds, breaching=breaching)
            )
    return found
