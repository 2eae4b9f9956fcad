"""Needs: what a project needs and a candidate does not offer, or does not say that it offers.

Utilities are asked of a candidate as a whole; load, height, lift and fire class of every
single floor. How large a candidate must be is decided in `candidates`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from geo_service.model import Message, Verdict
from geo_service.schema import FIRE_CLASSES, UTILITIES
from geo_service.suitability.candidates import CandidateKind, floor_numbers
from geo_service.suitability.reasons import Reason

if TYPE_CHECKING:
    from geo_service.suitability.candidates import Candidate
    from geo_service.suitability.project import Project

_NEEDS_OF_FLOORS = (
    ("floor_load_kn_m2", "load_kn_m2"),
    ("clear_height_m", "clear_height_m"),
    ("goods_lift_t", "goods_lift_t"),
)
"""Needs, and the columns of floors that must reach them."""
_NEEDS_OF_UTILITIES = tuple((column, column) for column in UTILITIES)


def unmet_needs(candidate: Candidate, project: Project) -> list[Reason]:
    """Return every need that a candidate does not meet, or of which nobody knows."""
    return [
        *unmet_needs_of_floors(candidate, project),
        *_unreached(candidate, project, _NEEDS_OF_UTILITIES),
    ]


def unmet_needs_of_floors(candidate: Candidate, project: Project) -> list[Reason]:
    """Return the needs that every single floor must meet and one of a candidate's does not."""
    if candidate.kind is not CandidateKind.FLOORS:
        return []
    return [
        *_unreached(candidate, project, _NEEDS_OF_FLOORS),
        *_unmet_fire_class(candidate, project),
    ]


def _unreached(
    candidate: Candidate, project: Project, needs: Iterable[tuple[str, str]]
) -> list[Reason]:
    """Return which needs are larger than what a candidate offers, or than anyone knows."""
    reasons = []
    for need, column in needs:
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


def _unmet_fire_class(candidate: Candidate, project: Project) -> list[Reason]:
    """A floor built for a fire class takes it and less hazardous ones, 甲 being the worst."""
    wanted = project.fire_class
    if wanted is None:
        return []
    most = FIRE_CLASSES.index(wanted)
    built = list(zip(floor_numbers(candidate), candidate.fire_classes, strict=True))
    weak = [(number, own) for number, own in built if own and FIRE_CLASSES.index(own) > most]
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
