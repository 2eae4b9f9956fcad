"""What may be decided in a plan: industries of parks, places of projects, moves of enterprises.

Law is asked here, before anything is solved: an industry that fails a `must` rule in a park, a
candidate that the rules exclude, a floor or parcel that an enterprise may not be on are no
options. Space that a move would free is not counted as room for another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from geo_service.domain.enterprises import active_enterprises
from geo_service.domain.subjects import floor_id
from geo_service.industry import Belonging, belonging_of, belongs_to, classification, split_codes
from geo_service.layout.goals import Goals, GoalsDocument
from geo_service.layout.lawful import unlawful_leads
from geo_service.layout.model import (
    HAZARDOUS,
    LayoutModel,
    Newcomer,
    ParkOptions,
    Piece,
    Spot,
    Tenant,
)
from geo_service.layout.references import check_references
from geo_service.model import FocusBasis, Message, Verdict
from geo_service.plan import rows_of
from geo_service.schema import FIRE_CLASSES, UTILITIES
from geo_service.suitability.candidates import Candidate, CandidateKind, find_parts
from geo_service.suitability.effect import amount_of
from geo_service.suitability.exclusion import judge_pairs
from geo_service.suitability.project import Needs, Project
from geo_service.suitability.rank import Ranking, rank_project
from geo_service.suitability.screening import judge_parts
from geo_service.zoning.check import flag_or_none, text_or_none
from geo_service.zoning.focus import BASIS_COLUMNS

if TYPE_CHECKING:
    from datetime import date

    from geo_service.layout.lawful import UnlawfulLead
    from geo_service.plan import Plan
    from geo_service.zoning.rulebook import Rulebook

Row = dict[str, Any]
Tell = Callable[[str], None]
Look = Callable[[LayoutModel], None]


@dataclass(frozen=True, kw_only=True)
class LayoutOptions:
    """What may be decided in a plan, and what was found on the way."""

    plan: Plan
    rulebook: Rulebook
    as_of: date
    document: GoalsDocument
    model: LayoutModel
    rankings: Mapping[str, Ranking]
    """The ranking of each project, by its name."""
    unlawful: Mapping[tuple[str, str], UnlawfulLead]
    """Industries that may not lead, by park and code, with the rule that says so."""
    notes: tuple[Message, ...] = ()
    fire_classes: Mapping[str, str] = field(default_factory=dict)


def find_options(
    plan: Plan,
    document: GoalsDocument,
    rulebook: Rulebook,
    *,
    as_of: date,
    tell: Tell = lambda _: None,
    look: Look = lambda _: None,
) -> LayoutOptions:
    """Return what may be decided; GoalsError for names that the plan does not have.

    `look` is given the model in which only projects find places, before industries and moves are
    put to the rules: a first layout is there that much sooner.
    """
    check_references(document, plan)
    goals = document.goals
    tell("projects")
    projects = [item.project for item in goals.projects]
    judged = judge_parts(plan, projects, rulebook, as_of=as_of)
    rankings = {
        project.name: rank_project(plan, project, rulebook, as_of=as_of, judged=own)
        for project, own in zip(projects, judged, strict=True)
    }
    basis = plan.settings.focus_basis
    newcomers = tuple(
        _newcomer(plan, rankings[item.project.name], is_required=item.required)
        for item in goals.projects
    )
    rows = _standing_rows(plan)
    chains = goals.wanted.chains if goals.wanted.chains is not None else _chains(plan)
    as_it_stands = LayoutModel(
        goals=goals,
        parks=tuple(_parks(plan, _choices_today(plan))),
        tenants=_tenants(plan, goals, rows),
        newcomers=newcomers,
        pieces=(),
        utilities=_utilities(plan),
        chains=chains,
        groups=_groups(plan, _choices_today(plan)),
    )
    look(as_it_stands)
    tell("industries")
    choices = _choices(plan, goals, rows, newcomers)
    other = _without_today(plan, choices)
    unlawful = unlawful_leads(plan, other, rulebook, as_of=as_of)
    choices = {
        park_id: tuple(code for code in codes if (park_id, code) not in unlawful)
        for park_id, codes in choices.items()
    }
    tell("moves")
    moves_to, pieces = _moves(plan, goals, rows, choices, (rulebook, as_of))
    model = replace(
        as_it_stands,
        parks=tuple(_parks(plan, choices)),
        tenants=tuple(
            replace(one, moves_to=moves_to.get(one.enterprise_id, {}))
            for one in as_it_stands.tenants
        ),
        pieces=pieces,
        groups=_groups(plan, choices),
    )
    return LayoutOptions(
        plan=plan,
        rulebook=rulebook,
        as_of=as_of,
        document=document,
        model=model,
        rankings=rankings,
        unlawful=unlawful,
        notes=tuple(_notes(rows, newcomers, basis)),
    )


def _notes(
    rows: Sequence[Row], newcomers: Sequence[Newcomer], basis: FocusBasis
) -> Iterable[Message]:
    column = BASIS_COLUMNS[basis]
    lacking = [row["enterprise_id"] for row in rows if column and not _number(row[column])]
    if lacking:
        values = {"count": len(lacking), "names": sorted(lacking)[:10]}
        yield Message("layout_note.no_amount", values)
    silent = [newcomer.name for newcomer in newcomers if not newcomer.amount]
    if silent:
        yield Message("layout_note.silent_projects", {"names": silent})


def _number(cell: object) -> float:
    return float(cell) if isinstance(cell, (int, float)) and cell == cell else 0.0  # noqa: PLR0124 - NaN


# ---- parks ---------------------------------------------------------------------------------------


def _parks(plan: Plan, choices: Mapping[str, tuple[str, ...]]) -> Iterable[ParkOptions]:
    parks = plan.metric("parks")
    for row, shape in zip(rows_of(parks), parks.geometry, strict=True):
        point = None if shape is None or shape.is_empty else shape.representative_point()
        yield ParkOptions(
            park_id=row["park_id"],
            name=str(row["name"]),
            township=text_or_none(row["township_code"]),
            point=(float("nan"),) * 2 if point is None else (float(point.x), float(point.y)),
            today=_today(row),
            choices=choices[row["park_id"]],
        )


def _today(row: Row) -> str | None:
    declared = split_codes(text_or_none(row["leading_industry"]))
    return declared[0] if len(declared) == 1 else None


def _choices(
    plan: Plan, goals: Goals, rows: Sequence[Row], newcomers: Sequence[Newcomer]
) -> dict[str, tuple[str, ...]]:
    """Return by park what may lead it, law apart: today's industry first, then by code."""
    open_ = goals.industries
    present: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        present[row["park_id"]].add(text_or_none(row["industry_code"]) or "")
    for newcomer in newcomers:
        for spot in newcomer.spots:
            if spot.park_id is not None:
                present[spot.park_id].add(newcomer.code)
    locked: dict[str, set[str]] = defaultdict(set)
    for lock in goals.locks:
        if lock.park is not None and lock.leading_industry is not None:
            locked[lock.park].add(lock.leading_industry)
    known = classification()
    found = {}
    for park in rows_of(plan.frame("parks")):
        park_id, today = park["park_id"], _today(park)
        codes: set[str] = set()
        if open_ is not None and (open_.parks == "all" or park_id in open_.parks):
            codes = {
                code[:digits]
                for code in present[park_id]
                for digits in open_.digits
                if len(code) >= digits and code[:digits] in known
            }
            codes |= set(open_.also)
            codes |= locked[park_id]
        first = () if today is None else (today,)
        found[park_id] = (*first, *sorted(codes - set(first)))
    return found


def _without_today(
    plan: Plan, choices: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    now = {row["park_id"]: _today(row) for row in rows_of(plan.frame("parks"))}
    return {
        park_id: tuple(code for code in codes if code != now[park_id])
        for park_id, codes in choices.items()
    }


def _choices_today(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Return by park what leads it, and nothing else."""
    now = {row["park_id"]: _today(row) for row in rows_of(plan.frame("parks"))}
    return {park_id: () if code is None else (code,) for park_id, code in now.items()}


def _groups(plan: Plan, choices: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    groups = plan.settings.groups
    codes = {code for own in choices.values() for code in own}
    return {code: group for code in sorted(codes) if (group := groups.group_of(code))}


def _chains(plan: Plan) -> tuple[tuple[str, str], ...]:
    frame = plan.frame("industry_chains")
    pairs = zip(frame["supplier_code"], frame["customer_code"], strict=True)
    return tuple(sorted({(str(one), str(other)) for one, other in pairs}))


def _utilities(plan: Plan) -> dict[tuple[str, str], float]:
    return {
        (row["parcel_id"], column): float(row[column])
        for row in rows_of(plan.frame("parcels"))
        for column in UTILITIES
        if isinstance(row[column], (int, float)) and row[column] == row[column]
    }


# ---- projects ------------------------------------------------------------------------------------


def _newcomer(plan: Plan, ranking: Ranking, *, is_required: bool) -> Newcomer:
    project = ranking.project
    buildings = plan.frame("buildings")
    parcel_of = dict(zip(buildings["building_id"], buildings["parcel_id"], strict=True))
    spots = []
    if ranking.scored is not None:
        scores = ranking.scored.result["score"]
        for candidate in ranking.sites.candidates:
            is_floors = candidate.kind is CandidateKind.FLOORS
            building_id = candidate.building_id if is_floors else None
            spots.append(
                Spot(
                    candidate_id=candidate.candidate_id,
                    park_id=candidate.park_id,
                    members=candidate.members,
                    score=float(scores.loc[candidate.candidate_id]),
                    building_id=building_id,
                    parcel_id=text_or_none(parcel_of.get(building_id)) if is_floors else None,
                )
            )
    needs = {name: getattr(project.needs, name) for name in UTILITIES}
    return Newcomer(
        name=project.name,
        code=project.industry_code,
        amount=amount_of(project, plan.settings.focus_basis) or 0.0,
        group=plan.settings.groups.group_of(project.industry_code),
        is_required=is_required,
        fire_class=project.fire_class,
        needs={name: float(need) for name, need in needs.items() if need},
        spots=tuple(sorted(spots, key=lambda spot: spot.candidate_id)),
    )


# ---- enterprises ---------------------------------------------------------------------------------


def _standing_rows(plan: Plan) -> list[Row]:
    active = active_enterprises(plan)
    parks = set(plan.frame("parks")["park_id"])
    inside = active[active["park_id"].isin(parks)]
    return sorted(rows_of(inside), key=lambda row: str(row["enterprise_id"]))


def _tenants(plan: Plan, goals: Goals, rows: Sequence[Row]) -> tuple[Tenant, ...]:
    """Return the enterprises as they stand, without places to move to."""
    fire = _fire_classes(plan)
    column = BASIS_COLUMNS[plan.settings.focus_basis]
    cost = goals.moves.cost if goals.moves is not None else None
    tenants = []
    for row in rows:
        code = text_or_none(row["industry_code"])
        area_m2 = _area_of(row)[1]
        tenants.append(
            Tenant(
                enterprise_id=row["enterprise_id"],
                name=str(row["name"]),
                home=row["park_id"],
                code=code,
                amount=1.0 if column is None else _number(row[column]),
                group=plan.settings.groups.group_of(code),
                area_m2=area_m2,
                fire_class=fire.get(_floor_of(row) or ""),
                cost_cny=cost.fixed_cny + cost.per_m2_cny * area_m2 if cost else 0.0,
            )
        )
    return tuple(tenants)


def _moves(
    plan: Plan,
    goals: Goals,
    rows: Sequence[Row],
    choices: Mapping[str, tuple[str, ...]],
    law: tuple[Rulebook, date],
) -> tuple[dict[str, dict[str, tuple[str, ...]]], tuple[Piece, ...]]:
    """Return where enterprises may move, pieces by enterprise and park, and these pieces."""
    if goals.moves is None:
        return {}, ()
    fire, parts = _fire_classes(plan), _movable_parts(plan)
    may_move = _who_may_move(plan, goals)
    asked = []
    for row in rows if parts else ():
        project = project_of_enterprise(plan, row, fire) if may_move(row) else None
        if project is not None:
            own = _fitting(row, parts, project, choices)
            asked += [(row["enterprise_id"], part, project) for part in own]
    rulebook, as_of = law
    pairs = [(part, project) for _, part, project in asked]
    judged = judge_pairs(plan, pairs, rulebook, as_of=as_of)
    to: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    used = {}
    for (enterprise_id, part, _), reasons in zip(asked, judged, strict=True):
        if not any(reason.verdict is Verdict.FAIL for reason in reasons):
            to[enterprise_id][part.park_id or ""].append(part.members[0])
            used[part.members[0]] = part
    moves_to = {
        enterprise_id: {park_id: tuple(sorted(own)) for park_id, own in sorted(parks.items())}
        for enterprise_id, parks in to.items()
    }
    return moves_to, tuple(_piece(part) for _, part in sorted(used.items()))


def _movable_parts(plan: Plan) -> list[Candidate]:
    """Return every vacant floor and free parcel of a park."""
    common: Row = {"name": "-", "industry_code": "13"}
    floor, land = Needs(floor_area_m2=1.0), Needs(land_m2=1.0)
    every = [
        *find_parts(plan, Project(**common, needs=floor)),
        *find_parts(plan, Project(**common, needs=land)),
    ]
    return [part for part in every if part.park_id is not None]


def _piece(part: Candidate) -> Piece:
    is_floor = part.kind is CandidateKind.FLOORS
    return Piece(
        piece_id=part.members[0],
        park_id=part.park_id or "",
        room_m2=part.area_m2,
        building_id=part.building_id if is_floor else None,
        floor_no=part.floor_numbers[0] if is_floor else None,
    )


def _who_may_move(plan: Plan, goals: Goals) -> Callable[[Row], bool]:
    """Return what tells of an enterprise's row whether it may move."""
    moves = goals.moves
    parks = {row["park_id"]: row for row in rows_of(plan.frame("parks"))}
    locks: dict[str, list[str | None]] = defaultdict(list)
    for lock in goals.locks:
        if lock.enterprise is not None:
            locks[lock.enterprise].append(lock.park)

    def may_move(row: Row) -> bool:
        own = locks.get(row["enterprise_id"])
        if moves is None or own:
            return moves is not None and not {None, row["park_id"]} & set(own or ())
        if moves.who == "all":
            return True
        if moves.who != "off_focus":
            return row["enterprise_id"] in moves.who
        park = parks[row["park_id"]]
        supporting = split_codes(text_or_none(park["supporting_industries"]))
        return belonging_of(row["industry_code"], _today(park), supporting) is Belonging.OTHER

    return may_move


def project_of_enterprise(
    plan: Plan, row: Row, fire_classes: Mapping[str, str] | None = None
) -> Project | None:
    """Return an enterprise as a project that looks for a place as large; None without an area.

    `fire_classes` are those of the plan's floors, where they are known already.
    """
    code = text_or_none(row["industry_code"])
    kind, area_m2 = _area_of(row)
    if code not in classification() or not area_m2:
        return None
    is_floor = kind == "floor"
    built = (_fire_classes(plan) if fire_classes is None else fire_classes) if is_floor else {}
    fields: dict[str, Any] = {
        "name": str(row["name"]),
        "industry_code": code,
        "hazard_class": built.get(_floor_of(row) or ""),
        "output_cny": _number(row["output_cny"]) or None,
        "discharges_wastewater": flag_or_none(row["discharges_wastewater"]),
        "heavy_polluter": flag_or_none(row["heavy_polluter"]),
        "tailings_pond": flag_or_none(row["tailings_pond"]),
        "mixing_only": flag_or_none(row["mixing_only"]),
        "hazardous_chemicals": flag_or_none(row["hazardous_chemicals"]),
        "catalogue_class": text_or_none(row["catalogue_class"]),
        "energy_tce": _number(row["energy_tce"]) or None,
        "energy_review_number": text_or_none(row["energy_review_number"]),
        "needs": Needs(floor_area_m2=area_m2) if is_floor else Needs(land_m2=area_m2),
    }
    return Project.model_construct(**fields)  # layers may hold what a project's form refuses


def _area_of(row: Row) -> tuple[str, float]:
    """Return what an enterprise takes: floor area if it is in a building, else land."""
    if text_or_none(row["building_id"]) is not None:
        return "floor", _number(row["floor_m2"])
    return "parcel", _number(row["land_m2"])


def _floor_of(row: Row) -> str | None:
    building_id, number = text_or_none(row["building_id"]), row["floor_no"]
    if building_id is None or not isinstance(number, (int, float)) or number != number:  # noqa: PLR0124 - NaN
        return None
    return floor_id(building_id, number)


def _fire_classes(plan: Plan) -> dict[str, str]:
    floors = plan.frame("floors")
    rows = zip(floors["building_id"], floors["floor_no"], floors["fire_class"], strict=True)
    return {
        floor_id(building_id, number): letter
        for building_id, number, letter in rows
        if text_or_none(letter)
    }


def _fitting(
    row: Row,
    parts: Iterable[Candidate],
    project: Project,
    choices: Mapping[str, tuple[str, ...]],
) -> list[Candidate]:
    """Return the pieces that fit an enterprise, in other parks that its industry may lead."""
    kind, area_m2 = _area_of(row)
    kinds = {part_kind for part_kind in CandidateKind if _is_floors(part_kind) is (kind == "floor")}
    code, own = project.industry_code, project.hazard_class
    parks = {
        park_id
        for park_id, codes in choices.items()
        if park_id != row["park_id"] and belongs_to(code, codes)
    }
    return [
        part
        for part in parts
        if part.kind in kinds
        and part.park_id in parks
        and part.area_m2 >= area_m2
        and (own is None or not _is_floors(part.kind) or _may_hold(part, own))
    ]


def _is_floors(kind: CandidateKind) -> bool:
    return kind is CandidateKind.FLOORS


def _may_hold(floor: Candidate, fire_class: str) -> bool:
    """Return whether a floor is built for a fire class, and the class is not hazardous."""
    built = floor.fire_classes[0]
    if fire_class in HAZARDOUS or built is None:
        return False
    return FIRE_CLASSES.index(built) <= FIRE_CLASSES.index(fire_class)
