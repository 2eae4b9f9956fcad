"""When a project fits nowhere: what comes nearest, and what would have to change.

The area that the project asks for is set aside, every free parcel, park and building is
judged again, and those that lack least are named with each gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo_service.model import Message, Quantity, Verdict
from geo_service.suitability.access import judge_access
from geo_service.suitability.candidates import Candidate, find_candidates
from geo_service.suitability.exclusion import Reason, judge_candidates
from geo_service.suitability.sites import Sites

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from geo_service.plan import Plan
    from geo_service.suitability.project import Project
    from geo_service.suitability.rank import Excluded
    from geo_service.zoning.rulebook import Rulebook

SHOWN = 5
_NO_MEASURE = 1.0
"""How far a rule that has no figure to come nearer to counts as missed: by the whole."""
_LEAST_M2 = 1.0


@dataclass(frozen=True, kw_only=True)
class Miss:
    """A place that nearly fits: what stands against it, and what would cure each point."""

    candidate: Candidate
    reasons: tuple[Reason, ...]
    cures: tuple[Message, ...]
    distance: float
    """The sum of the relative gaps; smaller is nearer."""


def nearest_misses(
    plan: Plan,
    project: Project,
    rulebook: Rulebook,
    excluded: Sequence[Excluded],
    *,
    as_of: date,
) -> tuple[Miss, ...]:
    """Return the places that lack least, nearest first; none where nothing is free at all."""
    judged: dict[str, tuple[Candidate, tuple[Reason, ...]]] = {
        item.candidate.candidate_id: (item.candidate, item.reasons) for item in excluded
    }
    relaxed = _without_area(project)
    small = [
        candidate
        for candidate in find_candidates(plan, relaxed)
        if candidate.candidate_id not in judged
    ]
    reasons: Mapping[str, list[Reason]] = judge_candidates(
        plan, small, relaxed, rulebook, as_of=as_of
    )
    far = judge_access(Sites(plan, small, relaxed, {}))
    needed = project.needs.land_m2 or project.needs.floor_area_m2 or 0.0
    for candidate in small:
        own = [*reasons.get(candidate.candidate_id, ()), *far.get(candidate.candidate_id, ())]
        if candidate.area_m2 < needed:
            own.append(_too_small(candidate, needed, is_floor=project.needs.land_m2 is None))
        judged[candidate.candidate_id] = (candidate, tuple(own))
    misses = [
        Miss(
            candidate=candidate,
            reasons=own,
            cures=tuple(_cure(reason) for reason in own),
            distance=sum(_gap(reason) for reason in own),
        )
        for candidate, own in judged.values()
        if own
    ]
    misses.sort(key=lambda miss: (miss.distance, miss.candidate.candidate_id))
    return tuple(misses[:SHOWN])


def _without_area(project: Project) -> Project:
    """Return the project asking for hardly any area, and for floors wherever they lie."""
    if project.needs.land_m2 is not None:
        update: dict[str, object] = {"land_m2": _LEAST_M2}
    else:
        update = {"floor_area_m2": _LEAST_M2, "contiguous_floors": False}
    return project.model_copy(update={"needs": project.needs.model_copy(update=update)})


def _too_small(candidate: Candidate, needed: float, *, is_floor: bool) -> Reason:
    return Reason(
        rule_id="project.floor_area_m2" if is_floor else "project.land_m2",
        verdict=Verdict.FAIL,
        detail=Message(
            "reason.too_small",
            {
                "offered": Quantity(candidate.area_m2, "m²", beside=needed),
                "needed": Quantity(needed, "m²", beside=candidate.area_m2),
            },
        ),
        measure={
            "measure": "area_m2",
            "value": candidate.area_m2,
            "unit": "m²",
            "threshold": needed,
        },
    )


def _gap(reason: Reason) -> float:
    """Return how far a reason is from not holding, as a share of its threshold."""
    value, threshold = reason.measure.get("value"), reason.measure.get("threshold")
    numbers = isinstance(value, (int, float)) and isinstance(threshold, (int, float))
    if reason.rule_id.startswith("project.") and numbers and threshold:
        return abs(float(value) - float(threshold)) / abs(float(threshold))  # type: ignore[arg-type]
    return _NO_MEASURE


def _cure(reason: Reason) -> Message:
    """Return what would have to change for a reason to fall."""
    name = reason.rule_id
    if reason.verdict is Verdict.UNKNOWN:
        return Message("miss.fill_data")
    if name.startswith("project.access."):
        return Message("miss.access")
    if name in {"project.land_m2", "project.floor_area_m2"}:
        offered = reason.measure["value"]
        return Message("miss.area", {"offered": Quantity(float(offered), "m²")})
    if name == "project.fire_class":
        return Message("miss.fire_class")
    if name.startswith("project."):
        return Message("miss.need")
    return Message("miss.rule")
