"""How firm decisions are: in how many layouts each still stands when something changes.

Tried are the alternatives, other outputs and weights drawn around the given ones (by a fixed
seed), and each move refused.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from geo_service.layout.solve import LayoutSearch, find_within

if TYPE_CHECKING:
    from geo_service.layout.model import Decision, LayoutModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Firmness:
    """A decision, and the share of the tried layouts in which it stands."""

    kind: str
    subject: str
    choice: str
    share: float
    runs: int

    @property
    def is_firm(self) -> bool:
        """Whether it stands in all of them."""
        return self.share == 1.0


def decisions_of(model: LayoutModel, decision: Decision) -> list[tuple[str, str, str]]:
    """Return what a layout changes: parks with another industry, projects, moves."""
    changed: list[tuple[str, str, str]] = [
        ("lead", park_id, lead)
        for park_id, lead in sorted(decision.leads.items())
        if lead != model.park[park_id].today
    ]
    changed += [("put", *item) for item in sorted(decision.places.items())]
    return changed + [("move", *item) for item in sorted(decision.moves.items())]


def try_variants(search: LayoutSearch, decision: Decision, *, seconds: float) -> list[Decision]:
    """Return the best layouts under other outputs, other weights, and refusals."""
    wanted = search.model.goals.firmness
    refused = sorted(decision.moves) if wanted.refusals else []
    runs = wanted.draws + len(refused)
    found = []
    for number in range(wanted.draws):
        chance = random.Random(f"{search.model.goals.solving.seed} {number}")  # noqa: S311 - no secret
        varied = _varied(search.model, chance, output=wanted.output, weights=wanted.weights)
        other = LayoutSearch(varied, search.solver, end=search.end)
        other.cuts = list(search.cuts)
        made = find_within(other, seconds / runs).decision
        if made is not None:
            found.append(made)
    for moved in refused:
        key = ("move", moved, decision.moves[moved])
        cuts = list(search.cuts)
        search.forbid([key], kind="refused")
        made = find_within(search, seconds / runs).decision
        search.cuts = cuts
        if made is not None:
            found.append(made)
    return found


def _varied(
    model: LayoutModel, chance: random.Random, *, output: float, weights: float
) -> LayoutModel:
    def around(share: float) -> float:
        return 1 + share * (2 * chance.random() - 1)

    tenants = tuple(
        replace(tenant, amount=tenant.amount * around(output)) for tenant in model.tenants
    )
    newcomers = tuple(
        replace(newcomer, amount=newcomer.amount * around(output)) for newcomer in model.newcomers
    )
    wanted = model.goals.wanted
    terms = {
        name: term.model_copy(update={"weight": term.weight * around(weights)})
        for name, term in wanted.terms.items()
    }
    goals = model.goals.model_copy(update={"wanted": wanted.model_copy(update={"terms": terms})})
    return replace(model, tenants=tenants, newcomers=newcomers, goals=goals)


def firmness_of(
    model: LayoutModel, decision: Decision, others: Sequence[Decision]
) -> list[Firmness]:
    """Return in how many of other layouts each decision stands; none without others."""
    if not others:
        return []
    counts: Counter[tuple[str, str, str]] = Counter()
    for other in others:
        counts.update(_all_of(other))
    return [
        Firmness(
            kind=kind,
            subject=subject,
            choice=choice,
            share=counts[kind, subject, choice] / len(others),
            runs=len(others),
        )
        for kind, subject, choice in decisions_of(model, decision)
    ]


def _all_of(decision: Decision) -> Iterable[tuple[str, str, str]]:
    yield from (("lead", *item) for item in decision.leads.items())
    yield from (("put", *item) for item in decision.places.items())
    yield from (("move", *item) for item in decision.moves.items())
