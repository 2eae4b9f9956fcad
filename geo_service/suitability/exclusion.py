"""Exclusion: which ground and floors a rule in force forbids, with the project on them.

The rules are those of the review. The ground stands in a trial plan as parcels, and the
project as one enterprise on each; floors stand in another, with the project as the tenant of
each. So the very same checks judge them; what they fail is forbidden. The project's own needs
(load, height, lift, fire class, utilities) are held against what a candidate offers.
Nothing is scored here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo_service.crs import STORAGE_CRS
from geo_service.domain.enterprises import latest_year
from geo_service.domain.subjects import subject_ids
from geo_service.model import LegalBasis, Message, Severity, Verdict
from geo_service.plan import rows_of
from geo_service.schema import FIRE_CLASSES, SCHEMAS
from geo_service.suitability.candidates import (
    UTILITIES,
    Candidate,
    CandidateKind,
    building_of,
    floor_numbers,
)
from geo_service.zoning.check import Case, Closure, Draft, Shared, text_or_none

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from geo_service.plan import Plan
    from geo_service.suitability.project import Project
    from geo_service.zoning.rulebook import Rule, Rulebook

GROUND_CHECKS = frozenset(
    {
        ("control_zone", "overlap"),
        ("river_distance", "distance"),
        ("land_use", "permitted"),
        ("indicator", "parcel_bound"),
        ("indicator", "per_mu"),
    }
)
"""Checks (family, name) that are put to ground with the project on it."""
FLOOR_CHECKS = frozenset({("building", "floor_bound"), ("building", "fire_class")})
"""Checks that are put to floors with the project as their tenant."""
BOUNDARY_CHECKS = frozenset({("layout", "in_development_boundary")})
"""Checks on where parks lie that are put to the candidate's ground as if it were a park."""
PARK_CHECKS = frozenset({("layout", "minimum_area")})
"""Checks that are put to the park that a candidate lies in."""
FIRE_CHECK = ("building", "fire_class")
"""Forbids whatever its severity: `should` is for what stands, nobody moves a hazard upstairs."""

_ANY_YEAR = 2000
"""The year of the project's own row in a county that has no enterprises yet."""
_FLOOR_NEEDS = (
    ("floor_load_kn_m2", "load_kn_m2"),
    ("clear_height_m", "clear_height_m"),
    ("goods_lift_t", "goods_lift_t"),
)
_AGAINST = frozenset({Verdict.FAIL, Verdict.UNKNOWN})


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a candidate is excluded (`fail`), or why that cannot be told (`unknown`)."""

    rule_id: str
    verdict: Verdict
    detail: Message
    measure: Mapping[str, Any]
    legal_basis: LegalBasis | None = None


Pieces = Mapping[str, Sequence[Reason]]
"""What rules say against parks, parcels, buildings, floors and new land, see `pieces_of`."""


def judge_candidates(
    plan: Plan,
    candidates: Sequence[Candidate],
    project: Project,
    rulebook: Rulebook,
    *,
    as_of: date,
) -> dict[str, list[Reason]]:
    """Return the reasons against each candidate by id; candidates without any are left out."""
    pieces = judge_pieces(plan, candidates, project, rulebook, as_of=as_of)
    against = {
        candidate.candidate_id: [
            *reasons_of_rules(candidate, pieces),
            *reasons_of_needs(candidate, project),
        ]
        for candidate in candidates
    }
    return {candidate_id: reasons for candidate_id, reasons in against.items() if reasons}


def judge_pieces(
    plan: Plan,
    candidates: Sequence[Candidate],
    project: Project,
    rulebook: Rulebook,
    *,
    as_of: date,
) -> dict[str, list[Reason]]:
    """Return what the rules say against everything that candidates consist of, by piece.

    Only rules of severity `must` forbid (`FIRE_CHECK` apart), and only what they fail. Each
    piece is judged once, however many candidates stand on it; what stands there already is
    not judged again.
    """
    found: dict[str, list[Reason]] = {}
    if not candidates:
        return found
    rules = rulebook.in_force(as_of)
    grounds = _grounds(plan, candidates)
    for piece, reason in [
        *_of_grounds(plan, grounds, project, _must(rules, GROUND_CHECKS), as_of),
        *_of_boundaries(plan, grounds, _must(rules, BOUNDARY_CHECKS), as_of),
        *_of_floors(plan, candidates, project, rules, as_of),
        *_of_parks(plan, candidates, _must(rules, PARK_CHECKS), as_of),
    ]:
        found.setdefault(piece, []).append(reason)
    return found


def pieces_of(candidate: Candidate) -> tuple[str, ...]:
    """Return the names of what a candidate consists of: its park, its ground, its floors."""
    park = () if candidate.park_id is None else (f"park {candidate.park_id}",)
    floors: tuple[str, ...] = ()
    if candidate.kind is CandidateKind.FLOORS:
        floors = tuple(f"floor {member}" for member in candidate.members)
    return (*park, *_ground_ids(candidate), *floors)


def reasons_of_rules(candidate: Candidate, pieces: Pieces) -> list[Reason]:
    """Return what the rules say against a candidate; what several pieces share is said once."""
    found: list[Reason] = []
    for piece in pieces_of(candidate):
        for reason in pieces.get(piece, ()):
            if reason not in found:
                found.append(reason)
    return found


def reasons_of_needs(candidate: Candidate, project: Project) -> list[Reason]:
    """Return what the project needs and the candidate does not offer, or does not say."""
    wanted = [(name, name) for name in UTILITIES]
    return [*reasons_of_floor_needs(candidate, project), *_short(candidate, project, wanted)]


def reasons_of_floor_needs(candidate: Candidate, project: Project) -> list[Reason]:
    """Return which needs that every single floor must meet one of a candidate's does not."""
    if candidate.kind is not CandidateKind.FLOORS:
        return []
    return [*_short(candidate, project, _FLOOR_NEEDS), *_fire_reasons(candidate, project)]


def find_closures(
    plan: Plan, probe: Candidate, project: Project, rulebook: Rulebook, *, as_of: date
) -> list[tuple[Rule, Closure]]:
    """Return the ground that each rule closes to a project on new land, rule by rule.

    What `judge_candidates` will say of land, told beforehand by the same checks. `probe` is
    any candidate of kind land; where it lies does not matter.
    """
    shared = Shared(_trial_plan(plan, _grounds(plan, [probe]), project), as_of)
    return [
        (rule, closure)
        for rule in _must(rulebook.in_force(as_of), GROUND_CHECKS | BOUNDARY_CHECKS)
        if rule.check.closed is not None
        for closure in rule.check.closed(_case(rule, shared), rule.parameters)
    ]


def reason_of(rule: Rule, draft: Draft) -> Reason:
    """Return what a rule's draft says as a reason against a candidate."""
    return Reason(
        rule_id=rule.rule_id,
        verdict=draft.verdict,
        detail=draft.title,
        measure=draft.evidence,
        legal_basis=rule.legal_basis,
    )


Found = Iterator[tuple[str, Reason]]
"""Pieces, and what a rule says against each."""


def _must(rules: Iterable[Rule], checks: frozenset[tuple[str, str]]) -> list[Rule]:
    """Return the rules that forbid, of these checks."""
    return [
        rule
        for rule in rules
        if rule.part.severity is Severity.MUST and (rule.part.family, rule.part.check) in checks
    ]


def _case(rule: Rule, shared: Shared) -> Case:
    return Case(shared, rule.part.scope, rule.part.tolerance, "new")


def _drafts(rule: Rule, case: Case, parameters: Any = None) -> list[Draft]:  # noqa: ANN401 - the rule's own
    """Return what a rule fails or cannot judge."""
    outcome = rule.check.run(case, rule.parameters if parameters is None else parameters)
    return [draft for draft in outcome.drafts if draft.verdict in _AGAINST]


# ---- ground ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Ground:
    """A piece of ground that candidates stand on, judged once however many do."""

    geometry: BaseGeometry
    park_id: str | None
    is_parcel: bool = False
    row: Mapping[str, Any]
    """The columns of the parcel that it is, or that the building stands on."""


def _ground_ids(candidate: Candidate) -> tuple[str, ...]:
    if candidate.kind is CandidateKind.FLOORS:
        return (f"building {building_of(candidate)}",)
    if candidate.kind is CandidateKind.LAND:
        return (candidate.candidate_id,)
    return tuple(f"parcel {member}" for member in candidate.members)


def _grounds(plan: Plan, candidates: Sequence[Candidate]) -> dict[str, _Ground]:
    parcels, buildings = plan.metric("parcels"), plan.frame("buildings")
    parcel_of = dict(zip(buildings["building_id"], buildings["parcel_id"], strict=True))
    wanted = {
        name if kind == "parcel" else parcel_of.get(name)
        for candidate in candidates
        for kind, _, name in (ground_id.partition(" ") for ground_id in _ground_ids(candidate))
    }
    parcels = parcels[parcels["parcel_id"].isin(wanted - {None})]
    by_parcel = {
        row["parcel_id"]: _Ground(
            geometry=shape, park_id=text_or_none(row["park_id"]), is_parcel=True, row=row
        )
        for row, shape in zip(rows_of(parcels), parcels.geometry, strict=True)
    }
    grounds: dict[str, _Ground] = {}
    for candidate in candidates:
        for ground_id in _ground_ids(candidate):
            kind, _, name = ground_id.partition(" ")
            if candidate.kind is CandidateKind.LAND:
                grounds[ground_id] = _Ground(geometry=candidate.geometry, park_id=None, row={})
            elif kind == "parcel":
                grounds[ground_id] = by_parcel[name]
            else:
                below = by_parcel.get(parcel_of.get(name))
                grounds[ground_id] = _Ground(
                    geometry=candidate.geometry,
                    park_id=candidate.park_id,
                    row=below.row if below else {},
                )
    return grounds


def _of_grounds(
    plan: Plan,
    grounds: Mapping[str, _Ground],
    project: Project,
    rules: Sequence[Rule],
    as_of: date,
) -> Found:
    """Put rules to ground with the project on it; what they say of parks is left to the review."""
    shared = Shared(_trial_plan(plan, grounds, project), as_of)
    for rule in rules:
        parameters = rule.parameters
        if rule.part.family == "control_zone":
            parameters = parameters.model_copy(update={"subjects": ("parcels",)})
        for draft in _drafts(rule, _case(rule, shared), parameters):
            if draft.subject.layer in {"parcels", "enterprises"}:
                yield draft.subject.id, reason_of(rule, draft)


def _trial_plan(plan: Plan, grounds: Mapping[str, _Ground], project: Project) -> Plan:
    """Return a plan of the ground alone, each piece a parcel, with the project on each.

    A free parcel counts as built, as it will be. A building stands for the floors in it: what
    a parcel must offer as a whole is not asked of them.
    """
    ids, pieces = list(grounds), list(grounds.values())
    columns = SCHEMAS["parcels"].columns
    own: dict[str, list[Any]] = {
        name: [ground.row.get(name) for ground in pieces] for name in columns
    }
    own |= {
        "parcel_id": ids,
        "park_id": [ground.park_id for ground in pieces],
        "status": ["built" if ground.is_parcel else "vacant" for ground in pieces],
        "investment_cny": [None] * len(ids),
    }
    tenants: dict[str, list[Any]] = {
        "park_id": [ground.park_id for ground in pieces],
        # A rule's exceptions for industries ask which enterprises a parcel holds.
        "parcel_id": ids,
        "output_cny": [project.output_cny] * len(ids),
        "land_m2": [project.needs.land_m2 if ground.is_parcel else 0.0 for ground in pieces],
    }
    shapes = np.array([ground.geometry for ground in pieces], dtype=object)
    in_degrees = gpd.GeoSeries(shapes, crs=plan.metric_crs).to_crs(STORAGE_CRS)
    enterprises = _tenants(plan, project, ids, tenants)
    frames = {
        "parcels": gpd.GeoDataFrame(
            _rows_like("parcels", own), geometry=in_degrees, crs=STORAGE_CRS
        ),
        "enterprises": gpd.GeoDataFrame(enterprises, geometry=in_degrees, crs=STORAGE_CRS),
    }
    return plan.with_layers(frames, label=f"trial of {project.name}")


def _tenants(
    plan: Plan, project: Project, ids: Sequence[str], values: Mapping[str, list[Any]]
) -> pd.DataFrame:
    """Return the project as one enterprise of the latest year a piece, without geometry."""
    year = latest_year(plan)
    same = {
        "year": _ANY_YEAR if year is None else year,
        "name": project.name,
        "industry_code": project.industry_code,
        "status": "operating",
        # The law forbids expansion as it forbids new projects.
        "is_new": True,
    }
    every = {name: [value] * len(ids) for name, value in same.items()}
    return _rows_like("enterprises", {"enterprise_id": list(ids), **every, **values})


def _rows_like(layer: str, values: Mapping[str, list[Any]]) -> pd.DataFrame:
    """Return rows with every column of a layer, those not given without values."""
    rows = len(next(iter(values.values())))
    columns = SCHEMAS[layer].columns
    return pd.DataFrame({name: values.get(name, [None] * rows) for name in columns})


def _of_boundaries(
    plan: Plan, grounds: Mapping[str, _Ground], rules: Sequence[Rule], as_of: date
) -> Found:
    """Put rules on where parks lie to ground as if each piece were a park of its own."""
    if not rules:
        return
    shared = Shared(_with_parks(plan, grounds), as_of)
    for rule in rules:
        named = rule.part.scope.parks
        scope = rule.part.scope.model_copy(update={"parks": ()})
        for draft in _drafts(rule, Case(shared, scope, rule.part.tolerance, "new")):
            if not named or grounds[draft.subject.id].park_id in named:
                yield draft.subject.id, reason_of(rule, draft)


def _with_parks(plan: Plan, grounds: Mapping[str, _Ground]) -> Plan:
    """Return a plan whose parks are pieces of ground, with what a scope asks of their parks."""
    rows = {row["park_id"]: row for row in rows_of(plan.frame("parks"))}
    around = [rows.get(ground.park_id, {}) for ground in grounds.values()]
    shapes = np.array([ground.geometry for ground in grounds.values()], dtype=object)
    in_degrees = gpd.GeoSeries(shapes, crs=plan.metric_crs).to_crs(STORAGE_CRS)
    values: dict[str, list[Any]] = {"park_id": list(grounds), "name": list(grounds)}
    for column in ("tier", "leading_industry"):
        values[column] = [row.get(column) for row in around]
    parks = gpd.GeoDataFrame(_rows_like("parks", values), geometry=in_degrees, crs=STORAGE_CRS)
    return plan.with_layers({"parks": parks}, label="ground as parks")


def _of_parks(
    plan: Plan, candidates: Sequence[Candidate], rules: Sequence[Rule], as_of: date
) -> Found:
    """Put rules to the parks that candidates lie in."""
    chosen = frozenset(item.park_id for item in candidates if item.park_id is not None)
    shared = Shared(plan, as_of)
    for rule in rules if chosen else ():
        case = Case(shared, rule.part.scope, rule.part.tolerance, "new", chosen)
        for draft in _drafts(rule, case):
            yield f"park {draft.subject.id}", reason_of(rule, draft)


# ---- floors ----------------------------------------------------------------------------------


def _of_floors(
    plan: Plan,
    candidates: Sequence[Candidate],
    project: Project,
    rules: Sequence[Rule],
    as_of: date,
) -> Found:
    """Put rules to floors with the project as the tenant of each.

    A floor is given over to the project's fire class, whatever it was built for.
    """
    members = dict.fromkeys(
        member
        for candidate in candidates
        if candidate.kind is CandidateKind.FLOORS
        for member in candidate.members
    )
    put = [
        rule
        for rule in rules
        if (rule.part.family, rule.part.check) in FLOOR_CHECKS
        and (rule.part.severity is Severity.MUST or _is_fire(rule))
    ]
    if not members or not put:
        return
    shared = Shared(_plan_of_floors(plan, list(members), project), as_of)
    for rule in put:
        for draft in _drafts(rule, _case(rule, shared)):
            name = draft.subject.id.removeprefix("floor ")
            reason = reason_of(rule, draft)
            if _is_fire(rule) and draft.verdict is Verdict.UNKNOWN:
                if rule.part.severity is not Severity.MUST:
                    continue
                detail = Message("reason.no_fire_class", {"floor": name})
                reason = replace(reason, detail=detail, measure={"measure": "fire_class"})
            yield f"floor {name}", reason


def _is_fire(rule: Rule) -> bool:
    return (rule.part.family, rule.part.check) == FIRE_CHECK


def _plan_of_floors(plan: Plan, members: Sequence[str], project: Project) -> Plan:
    """Return a plan of these floors alone, with the project on each."""
    floors = plan.frame("floors")
    names = pd.Series(subject_ids("floors", floors), index=floors.index, dtype="str")
    own = floors[names.isin(members)].assign(fire_class=project.fire_class)
    buildings = plan.frame("buildings")
    parks = dict(zip(buildings["building_id"], buildings["park_id"], strict=True))
    homes = own["building_id"].tolist()
    ids = [f"floor {name}" for name in names[own.index]]
    values: dict[str, list[Any]] = {
        "park_id": [text_or_none(parks.get(building_id)) for building_id in homes],
        "building_id": homes,
        "floor_no": own["floor_no"].tolist(),
    }
    table = _tenants(plan, project, ids, values)
    nowhere = gpd.GeoSeries(np.full(len(ids), None), crs=STORAGE_CRS)
    enterprises = gpd.GeoDataFrame(table, geometry=nowhere, crs=STORAGE_CRS)
    frames = {"floors": own, "enterprises": enterprises}
    return plan.with_layers(frames, label=f"tenancy of {project.name}")


# ---- needs -----------------------------------------------------------------------------------


def _short(
    candidate: Candidate, project: Project, wanted: Iterable[tuple[str, str]]
) -> list[Reason]:
    """Return which needs are larger than what a candidate offers, or than anyone knows."""
    reasons = []
    for need, column in wanted:
        least = getattr(project.needs, need)
        offered = candidate.offers.get(column)
        if not least or (offered is not None and offered >= least):
            continue
        key = "need_unknown" if offered is None else "need_short"
        values = {
            "need": Message(f"need.{need}"),
            "least": least,
            "offered": offered,
            "gap": None if offered is None else least - offered,
        }
        reasons.append(
            Reason(
                rule_id=f"project.{need}",
                verdict=Verdict.UNKNOWN if offered is None else Verdict.FAIL,
                detail=Message(f"reason.{key}", values),
                measure={"measure": column, "value": offered, "threshold": least},
            )
        )
    return reasons


def _fire_reasons(candidate: Candidate, project: Project) -> list[Reason]:
    """A floor built for a fire class takes it and less hazardous ones, 甲 being the worst."""
    wanted = project.fire_class
    if wanted is None:
        return []
    rank = FIRE_CLASSES.index(wanted)
    built = list(zip(floor_numbers(candidate), candidate.fire_classes, strict=True))
    weak = [(number, own) for number, own in built if own and FIRE_CLASSES.index(own) > rank]
    blank = [number for number, own in built if own is None]
    if not weak and not blank:
        return []
    number, own = weak[0] if weak else (blank[0], None)
    values = {"fire_class": wanted, "floor": number, "own": own}
    return [
        Reason(
            rule_id="project.fire_class",
            verdict=Verdict.FAIL if weak else Verdict.UNKNOWN,
            detail=Message("reason.fire_class" if weak else "reason.fire_class_unknown", values),
            measure={"measure": "fire_class", "value": own, "threshold": wanted},
        )
    ]
