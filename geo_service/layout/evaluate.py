"""Judge a decision by plain loops: what each term comes to, and which requirements it breaks.

Shares no code with the program that the solver gets (`program`): a mistake there, or in the
solver, is found here. Nothing is optimised.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo_service.industry import belongs_to
from geo_service.layout.goals import TermName
from geo_service.layout.model import HAZARDOUS, Decision, LayoutModel, Tenant, compete

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geo_service.layout.goals import Banned, Lock

SLACK = 1e-6
"""A share or area may miss its limit by so much of it: the rounding of sums."""

PER: Mapping[TermName, float] = {
    TermName.FOCUS: 1e8,
    TermName.FIT: 1,
    TermName.CHAINS: 1,
    TermName.SUITABILITY: 1,
    TermName.SPREAD: 1,
    TermName.PLACED: 1,
    TermName.MOVES: 1,
    TermName.MOVE_COST: 1e6,
    TermName.COMPETITION: 1,
    TermName.CHANGES: 1,
}
"""In what amount of its unit a term counts one point, unless the goals say otherwise."""
SMALLER_IS_BETTER = frozenset(
    {TermName.MOVES, TermName.MOVE_COST, TermName.COMPETITION, TermName.CHANGES}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A requirement that a decision breaks: which, of what, what it has and what it needs."""

    kind: str
    subject: str
    has: float
    needs: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkFigures:
    """What stands in a park after a decision, by the focus basis."""

    leading: float
    total: float
    count: int

    @property
    def share(self) -> float | None:
        """The share of the leading industry; None for a park without anything."""
        return self.leading / self.total if self.total > 0 else None


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What a decision is worth: terms in their units, the objective, and what it breaks."""

    terms: Mapping[TermName, float]
    objective: float
    breaches: tuple[Breach, ...]
    parks: Mapping[str, ParkFigures]

    @property
    def is_met(self) -> bool:
        """Whether every requirement is met."""
        return not self.breaches


def evaluate(model: LayoutModel, decision: Decision) -> Evaluation:
    """Return what a decision comes to."""
    parks = park_figures(model, decision)
    terms = dict(_terms(model, decision, parks))
    return Evaluation(
        terms=terms,
        objective=objective_of(model, terms),
        breaches=tuple(_breaches(model, decision, parks)),
        parks=parks,
    )


def objective_of(model: LayoutModel, terms: Mapping[TermName, float]) -> float:
    """Return the weighted sum of terms, each in points; more is better."""
    return math.fsum(points(model, name, terms[name]) for name in model.goals.terms)


def points(model: LayoutModel, name: TermName, amount: float) -> float:
    """Return how many points an amount of a term is worth; less of a cost is more."""
    term = model.goals.wanted.terms[name]
    worth = term.weight * amount / (term.per or PER[name])
    return -worth if name in SMALLER_IS_BETTER else worth


def home_of(tenant: Tenant, decision: Decision) -> str:
    """Return the park that an enterprise is in after a decision."""
    return decision.moves.get(tenant.enterprise_id, tenant.home)


def _spots(model: LayoutModel, decision: Decision) -> Iterator[tuple[str, str | None]]:
    for name, candidate_id in decision.places.items():
        yield name, model.newcomer[name].by_id[candidate_id].park_id


def park_figures(model: LayoutModel, decision: Decision) -> dict[str, ParkFigures]:
    """Return the figures of every park."""
    leading: dict[str, list[float]] = defaultdict(list)
    total: dict[str, list[float]] = defaultdict(list)
    for tenant in model.tenants:
        park_id = home_of(tenant, decision)
        total[park_id].append(tenant.amount)
        lead = decision.leads.get(park_id)
        if lead is not None and belongs_to(tenant.code, lead):
            leading[park_id].append(tenant.amount)
    for name, place in _spots(model, decision):
        if place is None:
            continue
        newcomer = model.newcomer[name]
        total[place].append(newcomer.amount)
        lead = decision.leads.get(place)
        if lead is not None and belongs_to(newcomer.code, lead):
            leading[place].append(newcomer.amount)
    return {
        park.park_id: ParkFigures(
            leading=math.fsum(leading[park.park_id]),
            total=math.fsum(total[park.park_id]),
            count=len(total[park.park_id]),
        )
        for park in model.parks
    }


# ---- terms -------------------------------------------------------------------------------------


def _terms(
    model: LayoutModel, decision: Decision, parks: Mapping[str, ParkFigures]
) -> Iterator[tuple[TermName, float]]:
    chosen = list(decision.places.items())
    yield TermName.FOCUS, math.fsum(figures.leading for figures in parks.values())
    yield TermName.FIT, float(sum(lead in model.groups for lead in decision.leads.values()))
    yield TermName.CHAINS, float(_linked(model, decision))
    scores = (model.newcomer[name].by_id[place].score for name, place in chosen)
    yield TermName.SUITABILITY, math.fsum(scores)
    yield TermName.SPREAD, float(len(_townships(model, decision)))
    yield TermName.PLACED, float(len(chosen))
    yield TermName.MOVES, float(len(decision.moves))
    yield TermName.MOVE_COST, math.fsum(model.tenant[moved].cost_cny for moved in decision.moves)
    yield TermName.COMPETITION, float(_competing(model, decision))
    yield (
        TermName.CHANGES,
        float(sum(decision.leads.get(park.park_id) != park.today for park in model.parks)),
    )


def _linked(model: LayoutModel, decision: Decision) -> int:
    """Count pairs of near parks, and of projects and near parks, whose industries are linked."""
    most_km, leads = model.goals.wanted.chains_km, decision.leads
    count = 0
    for one, other in model.near_pairs(most_km):
        if one in leads and other in leads:
            count += model.are_linked(leads[one], leads[other])
    for name, place in _spots(model, decision):
        for park_id, lead in leads.items():
            if place is not None and model.distance_km(place, park_id) <= most_km:
                count += model.are_linked(model.newcomer[name].code, lead)
    return count


def _townships(model: LayoutModel, decision: Decision) -> set[str]:
    found = {model.park[place].township for _, place in _spots(model, decision) if place}
    return {township for township in found if township is not None}


def _competing(model: LayoutModel, decision: Decision) -> int:
    most_km, leads = model.goals.wanted.competition_km, decision.leads
    return sum(
        compete(leads[one], leads[other])
        for one, other in model.near_pairs(most_km)
        if one in leads and other in leads
    )


def proximity(
    flow: Sequence[Sequence[float]],
    distance: Sequence[Sequence[float]],
    place: Sequence[int],
) -> float:
    """Return the sum of flow times distance over ordered pairs: quadratic assignment.

    `place[f]` is the location of facility f.

    >>> proximity([[0, 2], [2, 0]], [[0, 3], [3, 0]], [1, 0])
    12.0
    """
    return math.fsum(
        flow[one][other] * distance[place[one]][place[other]]
        for one in range(len(place))
        for other in range(len(place))
    )


# ---- requirements --------------------------------------------------------------------------------


def _breaches(
    model: LayoutModel, decision: Decision, parks: Mapping[str, ParkFigures]
) -> Iterator[Breach]:
    yield from _of_options(model, decision)
    yield from broken_locks(model, decision)
    yield from _of_new_leads(model, decision, parks)
    yield from _of_limits(model, decision, parks)
    yield from _of_targets(model, decision, parks)
    yield from _of_room(model, decision)


def _of_options(model: LayoutModel, decision: Decision) -> Iterator[Breach]:
    for park in model.parks:
        lead = decision.leads.get(park.park_id)
        if (lead is None and park.today) or (lead is not None and lead not in park.choices):
            yield Breach(kind="option", subject=park.park_id, has=0, needs=1)
    for newcomer in model.newcomers:
        if newcomer.is_required and newcomer.name not in decision.places:
            yield Breach(kind="required", subject=newcomer.name, has=0, needs=1)
    for moved, park_id in decision.moves.items():
        tenant = model.tenant[moved]
        if park_id not in tenant.moves_to or not belongs_to(
            tenant.code, decision.leads.get(park_id) or "-"
        ):
            yield Breach(kind="option", subject=moved, has=0, needs=1)
    most = model.goals.moves.most if model.goals.moves else 0
    if len(decision.moves) > most:
        yield Breach(kind="moves", subject="", has=len(decision.moves), needs=most)


def broken_locks(model: LayoutModel, decision: Decision) -> Iterator[Breach]:
    """Yield the locks and bans that a decision breaks."""
    for number, lock in enumerate(model.goals.locks):
        if not _is_kept(model, decision, lock):
            yield Breach(kind="lock", subject=str(number), has=0, needs=1)
    yield from broken_bans(model, decision)


def broken_bans(model: LayoutModel, decision: Decision) -> Iterator[Breach]:
    """Yield the bans that a decision breaks."""
    for number, ban in enumerate(model.goals.bans):
        if _is_broken(model, decision, ban):
            yield Breach(kind="ban", subject=str(number), has=1, needs=0)


def _is_kept(model: LayoutModel, decision: Decision, lock: Lock) -> bool:
    if lock.project is not None:
        if lock.candidate is not None:
            return decision.places.get(lock.project) == lock.candidate
        return dict(_spots(model, decision)).get(lock.project) == lock.park
    if lock.enterprise is not None:
        tenant = model.tenant[lock.enterprise]
        return home_of(tenant, decision) == (lock.park or tenant.home)
    park = model.park[lock.park or ""]
    return decision.leads.get(park.park_id) == (lock.leading_industry or park.today)


def _is_broken(model: LayoutModel, decision: Decision, ban: Banned) -> bool:
    places, park_of = decision.places, dict(_spots(model, decision))
    if ban.place is not None:
        taken = {
            member
            for name, place in places.items()
            for member in model.newcomer[name].by_id[place].members
        }
        return ban.place in taken or ban.place in decision.pieces.values()
    if ban.project is not None:
        if ban.candidate is not None:
            return places.get(ban.project) == ban.candidate
        return ban.project in places and park_of.get(ban.project) == ban.park
    if ban.enterprise is not None:
        return decision.moves.get(ban.enterprise) == ban.park
    if ban.leading_industry is not None:
        return any(
            lead == ban.leading_industry and park_id == (ban.park or park_id)
            for park_id, lead in decision.leads.items()
        )
    return ban.park in {*decision.moves.values(), *park_of.values()}


def _of_limits(
    model: LayoutModel, decision: Decision, parks: Mapping[str, ParkFigures]
) -> Iterator[Breach]:
    limits = model.goals.limits
    for limit in limits.focus_share:
        for park_id, figures in parks.items():
            is_asked = limit.parks == "all" or park_id in limit.parks
            least = limit.share * figures.total
            if is_asked and figures.leading < least - SLACK * max(1.0, least):
                share = figures.share or 0.0
                yield Breach(kind="focus_share", subject=park_id, has=share, needs=limit.share)
    if limits.same_industry is not None:
        counts: dict[str, int] = defaultdict(int)
        for lead in decision.leads.values():
            counts[lead[: limits.same_industry.digits]] += 1
        for prefix, count in sorted(counts.items()):
            most = limits.same_industry.most
            if count > most:
                yield Breach(kind="same_industry", subject=prefix, has=count, needs=most)


def _of_new_leads(
    model: LayoutModel, decision: Decision, parks: Mapping[str, ParkFigures]
) -> Iterator[Breach]:
    open_ = model.goals.industries
    for park in () if open_ is None else model.parks:
        lead, figures = decision.leads.get(park.park_id), parks[park.park_id]
        needs = 0.0 if open_ is None else open_.least_share
        least = needs * figures.total
        if lead not in {None, park.today} and figures.leading < least - SLACK * max(1.0, least):
            has = figures.share or 0.0
            yield Breach(kind="new_share", subject=park.park_id, has=has, needs=needs)


def _of_targets(
    model: LayoutModel, decision: Decision, parks: Mapping[str, ParkFigures]
) -> Iterator[Breach]:
    targets = model.goals.targets
    if targets.complying_parks is not None:
        share = targets.complying_parks.share
        count = sum(
            figures.total > 0
            and figures.leading >= share * figures.total - SLACK * max(1.0, figures.total)
            for figures in parks.values()
        )
        if count < targets.complying_parks.least:
            least = targets.complying_parks.least
            yield Breach(kind="complying_parks", subject="", has=count, needs=least)
    for target in targets.groups:
        amount = group_amount(model, decision, target.group)
        if amount < target.least - SLACK * max(1.0, target.least):
            yield Breach(kind="group", subject=target.group, has=amount, needs=target.least)


def group_amount(model: LayoutModel, decision: Decision, group: str) -> float:
    """Return what belongs to a group and to the leading industry of its park."""
    found = []
    for tenant in model.tenants:
        lead = decision.leads.get(home_of(tenant, decision))
        if tenant.group == group and lead is not None and belongs_to(tenant.code, lead):
            found.append(tenant.amount)
    for name, place in _spots(model, decision):
        newcomer = model.newcomer[name]
        lead = decision.leads.get(place or "")
        if newcomer.group == group and lead is not None and belongs_to(newcomer.code, lead):
            found.append(newcomer.amount)
    return math.fsum(found)


def _of_room(model: LayoutModel, decision: Decision) -> Iterator[Breach]:
    users: dict[str, list[str]] = defaultdict(list)
    taken: dict[str, list[float]] = defaultdict(list)
    for name, candidate_id in decision.places.items():
        for member in model.newcomer[name].by_id[candidate_id].members:
            users[member].append(name)
    for moved, piece_id in decision.pieces.items():
        tenant = model.tenant[moved]
        taken[piece_id].append(tenant.area_m2)
        if piece_id not in tenant.moves_to.get(decision.moves.get(moved, ""), ()):
            yield Breach(kind="option", subject=moved, has=0, needs=1)
    for member, names in sorted(users.items()):
        count = len(names) + (member in taken)
        if count > 1:
            yield Breach(kind="place", subject=member, has=1, needs=count)
    for piece_id, areas in sorted(taken.items()):
        room = model.piece[piece_id].room_m2
        if math.fsum(areas) > room * (1 + SLACK):
            yield Breach(kind="room", subject=piece_id, has=room, needs=math.fsum(areas))
    yield from _of_utilities(model, decision)
    if model.goals.limits.fire_apart:
        yield from _of_fire(model, decision)


def _of_utilities(model: LayoutModel, decision: Decision) -> Iterator[Breach]:
    drawn: dict[tuple[str, str], list[float]] = defaultdict(list)
    for name, candidate_id in decision.places.items():
        parcel_id = model.newcomer[name].by_id[candidate_id].parcel_id
        if parcel_id is not None:
            for column, need in model.newcomer[name].needs.items():
                drawn[parcel_id, column].append(need)
    for key, needs in sorted(drawn.items()):
        offered = model.utilities.get(key)
        if offered is not None and math.fsum(needs) > offered * (1 + SLACK):
            subject = f"{key[0]} {key[1]}"
            yield Breach(kind="utility", subject=subject, has=offered, needs=math.fsum(needs))


def _of_fire(model: LayoutModel, decision: Decision) -> Iterator[Breach]:
    inside: dict[str, list[str | None]] = defaultdict(list)
    for name, candidate_id in decision.places.items():
        building_id = model.newcomer[name].by_id[candidate_id].building_id
        if building_id is not None:
            inside[building_id].append(model.newcomer[name].fire_class)
    for moved, piece_id in decision.pieces.items():
        building_id = model.piece[piece_id].building_id
        if building_id is not None:
            inside[building_id].append(model.tenant[moved].fire_class)
    for building_id, classes in sorted(inside.items()):
        if len(classes) > 1 and HAZARDOUS & set(classes):
            yield Breach(kind="fire", subject=building_id, has=len(classes), needs=1)
