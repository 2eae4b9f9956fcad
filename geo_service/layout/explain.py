"""Why a layout decides as it does: what each decision gains, and what the best other would lose.

Figures hold with everything else as it is; `replacement` solves again without a decision, and says
what the whole layout would lose.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from geo_service.industry import belongs_to
from geo_service.layout.evaluate import Evaluation, evaluate
from geo_service.layout.model import Decision, LayoutModel, ParkOptions
from geo_service.model import Message, Verdict

if TYPE_CHECKING:
    from geo_service.layout.goals import TermName
    from geo_service.layout.model import Newcomer
    from geo_service.layout.options import LayoutOptions
    from geo_service.suitability.reasons import Reason

_TINY = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What one decision is worth.

    `gains` are its terms against leaving things as they are, in their units. `other` is the best
    other choice that the rest of the layout leaves, `regret` the points that it would lose; None
    if there is no other.
    """

    kind: str
    subject: str
    choice: str | None
    gains: Mapping[TermName, float]
    points: float
    other: str | None
    regret: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyNotThere:
    """Why a project is not in a park: the reasons of law and need, or what it would lose."""

    project: str
    park_id: str
    candidate_id: str | None
    reasons: tuple[Reason, ...]
    occupied_by: tuple[str, ...]
    loses: float | None
    terms: Mapping[TermName, float]
    room: RoomThere | None = None
    """What is free in the park, where nothing is large enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomThere:
    """Free parcels or floors of a park, and what a project needs of them, in m²."""

    largest_m2: float
    whole_m2: float
    needs_m2: float


def explain_layout(
    model: LayoutModel, decision: Decision, judged: Evaluation
) -> dict[tuple[str, str], Why]:
    """Return why each decision was made, by its kind and subject."""
    found = {}
    for park in model.parks:
        if park.park_id in decision.leads:
            found["lead", park.park_id] = _why_lead(model, decision, judged, park)
    for newcomer in model.newcomers:
        if newcomer.name in decision.places:
            found["put", newcomer.name] = _why_place(model, decision, judged, newcomer)
    for moved in sorted(decision.moves):
        found["move", moved] = _why_move(model, decision, judged, moved)
    return found


def _why(
    judged: Evaluation,
    kind: str,
    subject: str,
    choice: str,
    without: Evaluation,
    others: Mapping[str, Evaluation],
) -> Why:
    lawful = {name: one for name, one in others.items() if one.is_met}
    best = max(lawful, key=lambda name: (lawful[name].objective, name), default=None)
    return Why(
        kind=kind,
        subject=subject,
        choice=choice,
        gains=differences(without.terms, judged.terms),
        points=judged.objective - without.objective,
        other=best,
        regret=None if best is None else judged.objective - lawful[best].objective,
    )


def differences(
    before: Mapping[TermName, float], after: Mapping[TermName, float]
) -> dict[TermName, float]:
    """Return the terms that differ, by how much."""
    return {
        name: after[name] - before[name]
        for name in after
        if abs(after[name] - before[name]) > _TINY * max(1.0, abs(after[name]))
    }


def _with_lead(
    model: LayoutModel, decision: Decision, park: ParkOptions, lead: str | None
) -> Decision:
    """Return a decision with another industry in a park; moves that came for the old one stay."""
    leads = {name: code for name, code in decision.leads.items() if name != park.park_id}
    if lead is not None:
        leads[park.park_id] = lead
    gone = {
        moved
        for moved, to in decision.moves.items()
        if to == park.park_id and not belongs_to(model.tenant[moved].code, lead or "-")
    }
    return _without_moves(replace(decision, leads=leads), gone)


def _without_moves(decision: Decision, gone: set[str]) -> Decision:
    return replace(
        decision,
        moves={one: to for one, to in decision.moves.items() if one not in gone},
        pieces={one: to for one, to in decision.pieces.items() if one not in gone},
    )


def _why_lead(model: LayoutModel, decision: Decision, judged: Evaluation, park: ParkOptions) -> Why:
    own = decision.leads[park.park_id]
    others = {
        code: evaluate(model, _with_lead(model, decision, park, code))
        for code in park.choices
        if code != own
    }
    if own == park.today:
        without = judged
    elif park.today is not None and park.today in others:
        without = others[park.today]
    else:
        without = evaluate(model, _with_lead(model, decision, park, None))
    return _why(judged, "lead", park.park_id, own, without, others)


def _taken(decision: Decision, model: LayoutModel, *, but: str) -> dict[str, str]:
    """Return what takes each parcel or floor, apart from one project or enterprise."""
    taken = {
        member: name
        for name, place in decision.places.items()
        if name != but
        for member in model.newcomer[name].by_id[place].members
    }
    return taken | {piece: one for one, piece in decision.pieces.items() if one != but}


def _why_place(
    model: LayoutModel, decision: Decision, judged: Evaluation, newcomer: Newcomer
) -> Why:
    own = decision.places[newcomer.name]
    taken = _taken(decision, model, but=newcomer.name)
    best_of_park: dict[str | None, str] = {}
    for spot in sorted(newcomer.spots, key=lambda spot: (-spot.score, spot.candidate_id)):
        if spot.candidate_id != own and not taken.keys() & set(spot.members):
            best_of_park.setdefault(spot.park_id, spot.candidate_id)
    others = {
        candidate_id: evaluate(
            model, replace(decision, places={**decision.places, newcomer.name: candidate_id})
        )
        for candidate_id in best_of_park.values()
    }
    rest = {name: place for name, place in decision.places.items() if name != newcomer.name}
    without = evaluate(model, replace(decision, places=rest))
    return _why(judged, "put", newcomer.name, own, without, others)


def _why_move(model: LayoutModel, decision: Decision, judged: Evaluation, moved: str) -> Why:
    tenant = model.tenant[moved]
    stays = _without_moves(decision, {moved})
    without = evaluate(model, stays)
    others = {tenant.home: without}
    for park_id, piece_id in _free_pieces(model, stays, moved):
        if park_id != decision.moves[moved]:
            changed = replace(
                stays,
                moves={**stays.moves, moved: park_id},
                pieces={**stays.pieces, moved: piece_id},
            )
            others.setdefault(park_id, evaluate(model, changed))
    return _why(judged, "move", moved, decision.moves[moved], without, others)


def _free_pieces(model: LayoutModel, decision: Decision, moved: str) -> Iterator[tuple[str, str]]:
    """Yield the first piece with room for an enterprise in each park, beside all others."""
    tenant = model.tenant[moved]
    used: dict[str, float] = defaultdict(float)
    for other, piece_id in decision.pieces.items():
        used[piece_id] += model.tenant[other].area_m2
    for place, name in _taken(decision, model, but=moved).items():
        if name in model.newcomer:
            used[place] = float("inf")
    for park_id, piece_ids in tenant.moves_to.items():
        for piece_id in piece_ids:
            if used[piece_id] + tenant.area_m2 <= model.piece[piece_id].room_m2:
                yield park_id, piece_id
                break


def why_not(
    options: LayoutOptions,
    decision: Decision,
    judged: Evaluation,
    project: str,
    park_id: str,
) -> WhyNotThere:
    """Return why a project is not in a park."""
    model = options.model
    newcomer = model.newcomer[project]
    here = [spot for spot in newcomer.spots if spot.park_id == park_id]
    if not here:
        reasons = _reasons(options, project, park_id)
        return WhyNotThere(
            project=project,
            park_id=park_id,
            candidate_id=None,
            reasons=reasons,
            occupied_by=(),
            loses=None,
            terms={},
            room=None if reasons else _room(options, project, park_id),
        )
    taken = _taken(decision, model, but=project)
    free = [spot for spot in here if not taken.keys() & set(spot.members)]
    best = max(free or here, key=lambda spot: (spot.score, spot.candidate_id))
    others = {taken[member] for member in best.members if member in taken}
    changed = evaluate(
        model, replace(decision, places={**decision.places, project: best.candidate_id})
    )
    return WhyNotThere(
        project=project,
        park_id=park_id,
        candidate_id=best.candidate_id,
        reasons=(),
        occupied_by=tuple(sorted(others)),
        loses=judged.objective - changed.objective,
        terms=differences(judged.terms, changed.terms),
    )


def _reasons(options: LayoutOptions, project: str, park_id: str) -> tuple[Reason, ...]:
    """Return what excludes a project's candidates in a park, each reason once."""
    found: list[Reason] = []
    for item in options.rankings[project].screening.parts:
        if item.candidate.park_id == park_id:
            found += [reason for reason in item.reasons if reason.verdict is Verdict.FAIL]
    for item in options.rankings[project].excluded:
        if item.candidate.park_id == park_id:
            found += [reason for reason in item.reasons if reason.verdict is Verdict.FAIL]
    once: dict[str, Reason] = {}
    for reason in found:
        once.setdefault(reason.rule_id, reason)
    return tuple(once.values())


def _room(options: LayoutOptions, project: str, park_id: str) -> RoomThere:
    """Return what is free in a park of the kind that a project needs."""
    ranking = options.rankings[project]
    needs = ranking.project.needs
    free = [
        item.candidate.area_m2
        for item in ranking.screening.parts
        if item.candidate.park_id == park_id
    ]
    return RoomThere(
        largest_m2=max(free, default=0.0),
        whole_m2=math.fsum(free),
        needs_m2=needs.land_m2 or needs.floor_area_m2 or 0.0,
    )


def unlawful_detail(options: LayoutOptions, park_id: str, code: str) -> Message | None:
    """Return the rule's words on why an industry may not lead a park; None if it may."""
    found = options.unlawful.get((park_id, code))
    return None if found is None else found.detail
