"""One more project on a plan: the best places for it, and nothing else moves.

The ranking of siting says where it may go, and the goals what they lock, ban or limit; the goals'
terms say what each place is worth to the county. Parks keep what leads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd

from geo_service.layout.evaluate import broken_locks, evaluate, objective_of
from geo_service.layout.explain import differences
from geo_service.layout.goals import Goals, GoalsDocument, Incoming, TermName
from geo_service.layout.model import today
from geo_service.layout.options import find_options
from geo_service.zoning.rulebook import open_rulebook

if TYPE_CHECKING:
    from geo_service.layout.evaluate import Breach
    from geo_service.plan import Plan
    from geo_service.suitability.project import Project
    from geo_service.suitability.rank import Ranking
    from geo_service.zoning.rulebook import Rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOffer:
    """A place for a project: its score in the ranking, and what it brings the county in points."""

    candidate_id: str
    park_id: str | None
    score: float
    points: float
    gains: Mapping[TermName, float]


@dataclass(frozen=True, kw_only=True)
class PlaceOffers:
    """The places of a project, best first; equal ones by their ids."""

    ranking: Ranking
    goals: Goals
    offers: tuple[PlaceOffer, ...]
    forbidden: tuple[str, ...] = ()
    """Places that the goals forbid: their locks, bans and limits, by the candidate's id."""

    @property
    def candidates(self) -> pd.DataFrame:
        """One row per place."""
        rows = [
            {
                "candidate_id": offer.candidate_id,
                "park_id": offer.park_id,
                "score": offer.score,
                "points": offer.points,
            }
            for offer in self.offers
        ]
        return pd.DataFrame(rows, columns=["candidate_id", "park_id", "score", "points"])


def place_project(
    plan: Plan,
    project: Project,
    goals: Goals | None = None,
    rulebook: Rulebook | None = None,
    *,
    as_of: date | None = None,
) -> PlaceOffers:
    """Return the best places for a project in a plan as it is.

    Parameters
    ----------
    plan
        The plan; of a scenario or a proposal, that of its edits.
    project
        What looks for a place.
    goals
        Whose terms count, and whose locks, bans and limits hold; the default terms when None.
        What they leave open is not opened, and their targets are not asked for.
    rulebook, as_of
        As in `layout`.
    """
    rules = rulebook or open_rulebook(plan.settings.rulebook_path)
    day = as_of or date.today()  # noqa: DTZ011 - the county's calendar day
    wanted = Goals(
        projects=(Incoming(project=project),),
        **({} if goals is None else _what_holds(goals, project.name)),
    )
    options = find_options(plan, GoalsDocument(wanted), rules, as_of=day)
    model = options.model
    before = today(model)
    now = evaluate(model, before)
    newcomer = model.newcomers[0]
    known = {_named(breach) for breach in now.breaches}
    of_park = {}
    offers = []
    forbidden = []
    for spot in newcomer.spots:
        placed = replace(before, places={newcomer.name: spot.candidate_id})
        if spot.park_id not in of_park:  # of a park, places differ by score, locks and bans alone
            of_park[spot.park_id] = (spot.score, evaluate(model, placed))
        score, judged = of_park[spot.park_id]
        broken = [*broken_locks(model, placed)]
        broken += [one for one in judged.breaches if one.kind not in {"lock", "ban"}]
        if any(_named(breach) not in known for breach in broken) or any(
            breach.kind == "lock" and model.goals.locks[int(breach.subject)].project is not None
            for breach in broken
        ):
            forbidden.append(spot.candidate_id)
            continue
        terms = dict(judged.terms)
        terms[TermName.SUITABILITY] += spot.score - score
        offers.append(
            PlaceOffer(
                candidate_id=spot.candidate_id,
                park_id=spot.park_id,
                score=spot.score,
                points=objective_of(model, terms) - now.objective,
                gains=differences(now.terms, terms),
            )
        )
    offers.sort(key=lambda offer: (-round(offer.points, 9), offer.candidate_id))
    return PlaceOffers(
        ranking=options.rankings[newcomer.name],
        goals=wanted,
        offers=tuple(offers),
        forbidden=tuple(forbidden),
    )


def _what_holds(goals: Goals, project: str) -> dict[str, Any]:
    """Return the parts of goals that hold for one more project; of others' places none."""
    return {
        "wanted": goals.wanted,
        "limits": goals.limits,
        "locks": tuple(lock for lock in goals.locks if lock.project in {None, project}),
        "bans": tuple(ban for ban in goals.bans if ban.project in {None, project}),
    }


def _named(breach: Breach) -> tuple[str, str]:
    return breach.kind, breach.subject
