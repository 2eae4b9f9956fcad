"""Access: how near a project must be to facilities, and which candidates are too far."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geo_service.model import Message, Quantity, Verdict
from geo_service.spatial.cut_off import shown_name
from geo_service.suitability.reasons import Reason

if TYPE_CHECKING:
    from geo_service.spatial.cut_off import CutOffRoad
    from geo_service.suitability.surroundings import Sites


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
            reason = _reason(kind, value, most, unit, cut_off)
            reasons.setdefault(candidate_id, []).append(reason)
    return reasons


def _reason(kind: str, value: float, most: float, unit: str, cut_off: CutOffRoad | None) -> Reason:
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
