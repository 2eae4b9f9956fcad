"""Exclusion: which candidates a rule in force forbids, with the project on them.

The rules are those of the review. The candidates stand in a trial plan as parcels, and
the project as one enterprise on each, so that the very same checks judge them; a rule that
would fail a parcel or the new enterprise excludes the candidate. The project's own needs
(load, height, lift, fire class, utilities) are held against what the candidate offers.
Nothing is scored here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo_service.crs import STORAGE_CRS
from geo_service.model import LegalBasis, Message, Severity, Verdict
from geo_service.plan import empty_frame, rows_of
from geo_service.suitability.candidates import UTILITIES, Candidate, CandidateKind
from geo_service.zoning.case import Case, Closure, Draft, Shared, text_or_none
from geo_service.zoning.focus import active_enterprises

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from geo_service.plan import Plan
    from geo_service.suitability.project import Project
    from geo_service.zoning.rulebook import Rule, Rulebook

TRIAL_FAMILIES = frozenset({"control_zone", "river_distance", "land_use"})
"""Families whose rules forbid a place, as against describing a park."""

_ANY_YEAR = 2000
"""The year of the project's own row in a county that has no enterprises yet."""
NEW_LAND_CHECKS = frozenset({"in_development_boundary"})
"""Checks on parks that forbid new land: a project there is a park of its own."""

_NOT_UPSTAIRS = frozenset({"甲", "乙"})
_NEEDS = (
    ("floor_load_kn_m2", "load_kn_m2"),
    ("clear_height_m", "clear_height_m"),
    ("goods_lift_t", "goods_lift_t"),
)


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a candidate is excluded (`fail`), or why that cannot be told (`unknown`)."""

    rule_id: str
    verdict: Verdict
    detail: Message
    measure: Mapping[str, Any]
    legal_basis: LegalBasis | None = None


def judge_candidates(
    plan: Plan,
    candidates: Sequence[Candidate],
    project: Project,
    rulebook: Rulebook,
    *,
    as_of: date,
) -> dict[str, list[Reason]]:
    """Return the reasons against each candidate by id; candidates without any are left out.

    Only rules of severity `must` forbid. A rule of the families that forbid a place is put to
    the candidate's own ground; parks and what stands there already are not judged again.
    """
    reasons: dict[str, list[Reason]] = {}
    if not candidates:
        return reasons
    grounds = _grounds(plan, candidates)
    shared = Shared(_trial_plan(plan, grounds, project), as_of)
    against: dict[str, list[Reason]] = {}
    for rule in _forbidding(rulebook, as_of):
        for draft in _put(rule, shared):
            against.setdefault(draft.subject.id, []).append(reason_of(rule, draft))
    land = {
        ground_id: grounds[ground_id]
        for candidate in candidates
        if candidate.kind is CandidateKind.LAND
        for ground_id in _ground_ids(candidate)
    }
    if land:
        as_parks = Shared(_with_parks(plan, land), as_of)
        for rule in _forbidding_parks(rulebook, as_of):
            for draft in rule.check.run(_case(rule, as_parks), rule.parameters).drafts:
                if draft.verdict in {Verdict.FAIL, Verdict.UNKNOWN}:
                    against.setdefault(draft.subject.id, []).append(reason_of(rule, draft))
    for candidate in candidates:
        found = [
            *_of_ground(candidate, grounds, against, project),
            *_against_needs(candidate, project),
        ]
        if found:
            reasons[candidate.candidate_id] = found
    return reasons


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
        for rule in [*_forbidding(rulebook, as_of), *_forbidding_parks(rulebook, as_of)]
        if rule.check.closed is not None
        for closure in rule.check.closed(_case(rule, shared), rule.parameters)
    ]


def _forbidding(rulebook: Rulebook, as_of: date) -> list[Rule]:
    """Return the rules in force that may forbid a place."""
    return [
        rule
        for rule in rulebook.in_force(as_of)
        if rule.part.family in TRIAL_FAMILIES and rule.part.severity is Severity.MUST
    ]


def _forbidding_parks(rulebook: Rulebook, as_of: date) -> list[Rule]:
    """Return the rules in force that forbid a park to lie somewhere."""
    return [
        rule
        for rule in rulebook.in_force(as_of)
        if rule.part.check in NEW_LAND_CHECKS and rule.part.severity is Severity.MUST
    ]


def _with_parks(plan: Plan, grounds: Mapping[str, _Ground]) -> Plan:
    """Return a plan whose parks are new land, and nothing else."""
    shapes = np.array([ground.geometry for ground in grounds.values()], dtype=object)
    in_degrees = gpd.GeoSeries(shapes, crs=plan.metric_crs).to_crs(STORAGE_CRS)
    rows = _rows_like("parks", {"park_id": list(grounds), "name": list(grounds)})
    parks = gpd.GeoDataFrame(rows, geometry=in_degrees, crs=STORAGE_CRS)
    return plan.with_layers({"parks": parks}, label="new land as parks")


def _case(rule: Rule, shared: Shared) -> Case:
    return Case(shared, rule.part.scope, rule.part.tolerance, "new")


@dataclass(frozen=True)
class _Ground:
    """A piece of ground that candidates stand on, judged once however many do."""

    geometry: BaseGeometry
    park_id: str | None
    land_use: str | None
    scheme: str | None


def _ground_ids(candidate: Candidate) -> tuple[str, ...]:
    if candidate.kind is CandidateKind.FLOORS:
        return (f"building {candidate.members[0].rpartition('/')[0]}",)
    if candidate.kind is CandidateKind.LAND:
        return (candidate.candidate_id,)
    return tuple(f"parcel {member}" for member in candidate.members)


def _grounds(plan: Plan, candidates: Sequence[Candidate]) -> dict[str, _Ground]:
    parcels, buildings = plan.metric("parcels"), plan.frame("buildings")
    by_parcel = {
        row["parcel_id"]: _Ground(
            shape,
            text_or_none(row["park_id"]),
            text_or_none(row["land_use"]),
            text_or_none(row["land_use_scheme"]),
        )
        for row, shape in zip(rows_of(parcels), parcels.geometry, strict=True)
    }
    parcel_of = dict(zip(buildings["building_id"], buildings["parcel_id"], strict=True))
    grounds: dict[str, _Ground] = {}
    for candidate in candidates:
        for ground_id in _ground_ids(candidate):
            kind, _, name = ground_id.partition(" ")
            if kind == "parcel":
                grounds[ground_id] = by_parcel[name]
            elif kind == "building":
                below = by_parcel.get(parcel_of.get(name))
                use = (below.land_use, below.scheme) if below else (None, None)
                grounds[ground_id] = _Ground(candidate.geometry, candidate.park_id, *use)
            else:
                grounds[ground_id] = _Ground(candidate.geometry, None, None, None)
    return grounds


def _of_ground(
    candidate: Candidate,
    grounds: Mapping[str, _Ground],
    against: Mapping[str, list[Reason]],
    project: Project,
) -> list[Reason]:
    """The reasons against the ground of a candidate.

    A park stands as long as the parcels that nothing forbids still reach the area.
    """
    ids = _ground_ids(candidate)
    if candidate.kind is CandidateKind.PARK:
        allowed = [
            grounds[ground_id].geometry.area
            for ground_id in ids
            if not any(reason.verdict is Verdict.FAIL for reason in against.get(ground_id, ()))
        ]
        if sum(allowed) >= (project.needs.land_m2 or 0.0):
            return []
    return [reason for ground_id in ids for reason in against.get(ground_id, ())]


def _put(rule: Rule, shared: Shared) -> list[Draft]:
    """Put one rule to the trial plan; what it says of parks is left to the review."""
    parameters = rule.parameters
    if rule.part.family == "control_zone":
        parameters = parameters.model_copy(update={"subjects": ("parcels",)})
    outcome = rule.check.run(_case(rule, shared), parameters)
    return [
        draft
        for draft in outcome.drafts
        if draft.subject.layer in {"parcels", "enterprises"}
        and draft.verdict in {Verdict.FAIL, Verdict.UNKNOWN}
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


def _trial_plan(plan: Plan, grounds: Mapping[str, _Ground], project: Project) -> Plan:
    ids, pieces = list(grounds), list(grounds.values())
    shapes = np.array([ground.geometry for ground in pieces], dtype=object)
    in_degrees = gpd.GeoSeries(shapes, crs=plan.metric_crs).to_crs(STORAGE_CRS)
    parks = [ground.park_id for ground in pieces]
    parcels = _rows_like(
        "parcels",
        {
            "parcel_id": ids,
            "park_id": parks,
            "land_use": [ground.land_use for ground in pieces],
            "land_use_scheme": [ground.scheme for ground in pieces],
            "status": ["vacant"] * len(ids),
        },
    )
    years = active_enterprises(plan)["year"]
    year = int(years.max()) if len(years) else _ANY_YEAR
    enterprises = _rows_like(
        "enterprises",
        {
            "enterprise_id": ids,
            "year": [year] * len(ids),
            "name": [project.name] * len(ids),
            "industry_code": [project.industry_code] * len(ids),
            "park_id": parks,
            # A rule's exceptions for industries ask which enterprises a parcel holds.
            "parcel_id": ids,
            "status": ["operating"] * len(ids),
            # The law forbids expansion as it forbids new projects.
            "is_new": [True] * len(ids),
        },
    )
    frames = {
        "parcels": gpd.GeoDataFrame(parcels, geometry=in_degrees, crs=STORAGE_CRS),
        "enterprises": gpd.GeoDataFrame(enterprises, geometry=in_degrees, crs=STORAGE_CRS),
    }
    return plan.with_layers(frames, label=f"trial of {project.name}")


def _rows_like(layer: str, values: Mapping[str, list[Any]]) -> pd.DataFrame:
    """Return rows with every column of a layer, those not given without values."""
    rows = len(next(iter(values.values())))
    columns = [name for name in empty_frame(layer).columns if name != "geometry"]
    return pd.DataFrame({name: values.get(name, [None] * rows) for name in columns})


def _against_needs(candidate: Candidate, project: Project) -> list[Reason]:
    """What the project needs and the candidate does not offer, or does not say."""
    reasons = []
    needs = project.needs
    wanted: list[tuple[str, str, float | None]] = [
        (name, name, getattr(needs, name)) for name in UTILITIES
    ]
    if candidate.kind is CandidateKind.FLOORS:
        # Utilities are known of parcels, not of floors.
        wanted = [(need, column, getattr(needs, need)) for need, column in _NEEDS]
        reasons += _fire_reasons(candidate, project)
    for need, column, least in wanted:
        if least is None or least == 0:
            continue
        offered = candidate.offers.get(column)
        if offered is not None and offered >= least:
            continue
        verdict = Verdict.UNKNOWN if offered is None else Verdict.FAIL
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
                verdict=verdict,
                detail=Message(f"reason.{key}", values),
                measure={"measure": column, "value": offered, "threshold": least},
            )
        )
    return reasons


def _fire_reasons(candidate: Candidate, project: Project) -> list[Reason]:
    """Fire classes 甲 and 乙 may not go above the ground floor."""
    letter = project.fire_class
    numbers = [int(member.rpartition("/")[2]) for member in candidate.members]
    if letter not in _NOT_UPSTAIRS or max(numbers) <= 1:
        return []
    values = {"fire_class": letter, "floor": max(numbers)}
    return [
        Reason(
            rule_id="project.fire_class",
            verdict=Verdict.FAIL,
            detail=Message("reason.fire_class", values),
            measure={"measure": "fire_class", "value": letter, "threshold": max(numbers)},
        )
    ]
