"""Reasons: what speaks against a candidate, or what nobody can tell of it.

What rules say is put into this form in `exclusion`. Here is what the project itself asks for:
utilities of a candidate as a whole; load, height, lift and fire class of every single floor; how
near facilities must be. How large a candidate must be is decided in `candidates`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from geo_service.model import LegalBasis, Message, Quantity, Verdict
from geo_service.schema import FIRE_CLASSES, UTILITIES
from geo_service.spatial.cut_off import shown_name
from geo_service.suitability.candidates import CandidateKind

if TYPE_CHECKING:
    from geo_service.spatial.cut_off import CutOffRoad
    from geo_service.suitability.candidates import Candidate
    from geo_service.suitability.project import Project
    from geo_service.suitability.surroundings import Sites
    from geo_service.zoning.batch import RawBatch


@dataclass(frozen=True)
class Reason:
    """Why a candidate is excluded (`fail`), or why that cannot be told (`unknown`)."""

    rule_id: str
    verdict: Verdict
    detail: Message
    measure: Mapping[str, Any]
    legal_basis: LegalBasis | None = None

    @classmethod
    def of_row(
        cls, rule_id: str, batch: RawBatch, row: int, legal_basis: LegalBasis | None
    ) -> Reason:
        """Return what a rule says in a row of a batch, put together when somebody looks at it.

        A county's ground is found against by tens of thousands, of which a table shows a few.
        """
        reason = object.__new__(cls)
        known = {"rule_id": rule_id, "verdict": batch.verdict, "legal_basis": legal_basis}
        reason.__dict__.update(known, _row=(batch, row))
        return reason

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a field's value
        """Return the detail or the measure of a row that nobody looked at yet."""
        own = self.__dict__
        if name not in _SAID or "_row" not in own:
            raise AttributeError(name)
        if own["_row"] is not None:
            batch, row = own["_row"]
            own["detail"], own["measure"] = batch.said_at(row)
            own["_row"] = None
        return own[name]

    def __getstate__(self) -> dict[str, Any]:
        """Travel between processes as what is said."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


_SAID = frozenset({"detail", "measure"})


def each_once(*lists: Iterable[Reason]) -> tuple[Reason, ...]:
    """Return the reasons of several lists in their order, equal ones once."""
    every = [reason for reasons in lists for reason in reasons]
    if len({reason.rule_id for reason in every}) == len(every):
        return tuple(every)
    found: list[Reason] = []
    for reason in every:
        alike = (one for one in found if one.rule_id == reason.rule_id)
        if all(reason != one for one in alike):
            found.append(reason)
    return tuple(found)


def is_excluded(reasons: Sequence[Reason], project: Project) -> bool:
    """Return whether reasons exclude a candidate.

    One that fails does; one that nobody can judge does if the project wants to be sure.
    """
    for reason in reasons:
        if reason.verdict is Verdict.FAIL:
            return True
    return bool(reasons) and project.unknown == "exclude"


# ---- needs -----------------------------------------------------------------------------------

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
    built = list(zip(candidate.floor_numbers, candidate.fire_classes, strict=True))
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


# ---- access ----------------------------------------------------------------------------------


def judge_access(sites: Sites) -> dict[str, list[Reason]]:
    """Return the reasons against candidates that miss the project's limits, by candidate id.

    A facility that no road reaches is too far; a kind of which the plan has none, and travel
    times in a plan without roads, are `unknown`.
    """
    reasons: dict[str, list[Reason]] = {}
    for kind, limit in sites.project.access.items():
        is_time = limit.max_minutes is not None
        most = limit.max_minutes if limit.max_minutes is not None else limit.max_km or 0.0
        measured = sites.minutes(kind) if is_time else sites.km(kind)
        unit = "min" if is_time else "km"
        for position, value in enumerate(measured.tolist()):
            if value <= most:
                continue
            candidate_id = sites.candidates[position].candidate_id
            cut_off = sites.cut_off_near(position) if is_time and np.isinf(value) else None
            reason = _access_reason(kind, value, most, unit, cut_off)
            reasons.setdefault(candidate_id, []).append(reason)
    return reasons


def _access_reason(
    kind: str, value: float, most: float, unit: str, cut_off: CutOffRoad | None
) -> Reason:
    is_known, is_reached = not np.isnan(value), np.isfinite(value)
    key = ("access_far" if is_reached else "access_unreachable") if is_known else "access_unknown"
    values: dict[str, object] = {}
    if cut_off is not None:
        key = "access_cut_off"
        values = {"road": shown_name(cut_off), "length": Quantity(cut_off.length_m, "m")}
    measure = "travel_minutes" if unit == "min" else "distance_km"
    return Reason(
        rule_id=f"project.access.{kind}",
        verdict=Verdict.FAIL if is_known else Verdict.UNKNOWN,
        detail=Message(
            f"reason.{key}",
            {
                "facility": Message(f"facility.{kind}"),
                "value": Quantity(value, unit, beside=most) if is_reached else None,
                "most": Quantity(most, unit),
                **values,
            },
        ),
        measure={
            "measure": f"{measure}_to_{kind}",
            "value": value if is_reached else None,
            "unit": unit,
            "threshold": most,
            **({} if cut_off is None else {"road_id": cut_off.road_id}),
        },
    )
