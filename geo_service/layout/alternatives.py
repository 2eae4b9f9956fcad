"""Other layouts that are nearly as good and really differ, each the best of those left."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo_service.layout.evaluate import evaluate
from geo_service.layout.program import Expression, LayoutProgram, TaggedRow
from geo_service.layout.solve import at_least

if TYPE_CHECKING:
    from geo_service.layout.evaluate import Evaluation
    from geo_service.layout.model import Decision, LayoutModel
    from geo_service.layout.program import Key
    from geo_service.layout.solve import LayoutSearch


@dataclass(frozen=True, kw_only=True)
class OtherLayout:
    """Another layout, and the parks in which it differs from the proposal."""

    decision: Decision
    evaluation: Evaluation
    parks: tuple[str, ...]


def find_alternatives(
    search: LayoutSearch, best: Decision, judged: Evaluation, *, seconds: float
) -> list[OtherLayout]:
    """Return layouts within the goals' distance of the best, each different from all others.

    With weights they are within it in points; in an order each term is, and the first one is
    sought. Fewer than asked for if there are no more, or the time ends.
    """
    wanted = search.model.goals.alternatives
    sought, near = _near_the_best(search, judged)
    found: list[OtherLayout] = []
    known = [best]
    for left in range(wanted.count, 0, -1):
        program = copy.copy(search.program)
        program.columns, program.rows = dict(program.columns), list(program.rows)
        for number, other in enumerate(known):
            _differ(program, search.model, other, number, wanted.parks)
        program.position = {key: number for number, key in enumerate(program.columns)}
        begun = search.left
        _, decision = search.best(
            sought,
            extra=near,
            seconds=seconds / left,
            program=program,
        )
        if decision is None:
            break
        seconds = max(0.5, seconds - (begun - search.left))
        known.append(decision)
        found.append(
            OtherLayout(
                decision=decision,
                evaluation=evaluate(search.model, decision),
                parks=tuple(differing_parks(search.model, best, decision)),
            )
        )
    return found


def _near_the_best(search: LayoutSearch, judged: Evaluation) -> tuple[Expression, list[TaggedRow]]:
    """Return what an alternative is sought by, and the rows that keep it near the best."""
    goals, program = search.model.goals, search.program
    within = goals.alternatives.within
    if goals.wanted.method == "weights":
        values = [(program.objective(), judged.objective)]
    else:
        values = [
            (
                Expression().plus(program.terms[name], program.sign(name)),
                program.sign(name) * judged.terms[name],
            )
            for name in goals.terms
        ]
    rows = [at_least(one, value - within * abs(value)) for one, value in values]
    return values[0][0], rows


def differing_parks(model: LayoutModel, one: Decision, other: Decision) -> list[str]:
    """Return the parks that two layouts give another industry, project or enterprise."""
    return [
        park.park_id
        for park in model.parks
        if _content(model, one, park.park_id) != _content(model, other, park.park_id)
    ]


def _content(model: LayoutModel, decision: Decision, park_id: str) -> set[Key]:
    found: set[Key] = {("lead", decision.leads.get(park_id) or "")}
    found |= {
        ("put", name)
        for name, place in decision.places.items()
        if model.newcomer[name].by_id[place].park_id == park_id
    }
    return found | {("move", one) for one, to in decision.moves.items() if to == park_id}


def _differ(
    program: LayoutProgram, model: LayoutModel, other: Decision, number: int, parks: int
) -> None:
    """Add rows by which a layout differs from another one in at least so many parks."""
    flags: dict[Key, float] = {}
    for park in model.parks:
        flag: Key = ("differs", str(number), park.park_id)
        program.columns[flag] = (0.0, 1.0, False)
        flags[flag] = 1.0
        changed = Expression()
        lead = other.leads.get(park.park_id)
        if lead is not None:
            changed.constant += 1.0
            changed.add(("lead", park.park_id, lead), -1.0)
        for newcomer in model.newcomers:
            here = [spot for spot in newcomer.spots if spot.park_id == park.park_id]
            is_here = any(spot.candidate_id == other.places.get(newcomer.name) for spot in here)
            changed.constant += is_here
            for spot in here:
                changed.add(("put", newcomer.name, spot.candidate_id), -1.0 if is_here else 1.0)
        for tenant in model.tenants:
            if park.park_id in tenant.moves_to:
                is_here = other.moves.get(tenant.enterprise_id) == park.park_id
                changed.constant += is_here
                key = ("move", tenant.enterprise_id, park.park_id)
                changed.add(key, -1.0 if is_here else 1.0)
        row = {name: -value for name, value in changed.terms.items()}
        program.rows.append(
            TaggedRow(coefficients={flag: 1.0, **row}, lower=-math.inf, upper=changed.constant)
        )
    program.rows.append(TaggedRow(coefficients=flags, lower=float(parks), upper=math.inf))
