"""What a scenario costs, and what a plan has: figures to put side by side.

Areas in m², measured in the metric CRS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import shapely

from geo_service.domain.enterprises import active_enterprises
from geo_service.domain.vacancy import has_room, is_free
from geo_service.model import Severity, Verdict
from geo_service.scenarios.changes import GEOMETRY
from geo_service.scenarios.edits import MoveEnterprise, PlaceProject, ReshapePark
from geo_service.suitability.candidates import CandidateKind
from geo_service.zoning.portions import SEVERITY_ORDER, VERDICT_ORDER

if TYPE_CHECKING:
    from geo_service.plan import Plan
    from geo_service.scenarios.scenario import Scenario
    from geo_service.zoning.review import Review

MEASURES = (
    "parks_pass",
    "parks_watch",
    "parks_fail",
    "parks_unknown",
    "findings",
    "must_fail",
    "leading_share",
    "free_land_m2",
    "vacant_floor_m2",
    "enterprises",
    "output_cny",
)
"""What every plan is measured by, in this order."""
COSTS = (
    "edits",
    "moves",
    "closures",
    "projects",
    "parks_changed",
    "land_taken_m2",
    "floor_taken_m2",
    "rezoned_m2",
    "reshaped_m2",
)
"""What every scenario costs, in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The land and floors that are free in a plan, or in one park of it."""

    free_land_m2: float
    vacant_floor_m2: float


def room_of(plan: Plan, park_id: str | None = None) -> Room:
    """Return what is free in a plan, or in one of its parks."""
    parcels, floors = plan.metric("parcels"), plan.frame("floors")
    chosen = is_free(parcels)
    roomy = has_room(floors)
    if park_id is not None:
        chosen = chosen & (parcels["park_id"] == park_id).to_numpy(dtype=bool, na_value=False)
        buildings = plan.frame("buildings")
        own = buildings.loc[buildings["park_id"] == park_id, "building_id"]
        roomy = roomy & floors["building_id"].isin(own).to_numpy(dtype=bool)
    return Room(
        free_land_m2=float(shapely.area(parcels.geometry.to_numpy()[chosen]).sum()),
        vacant_floor_m2=float(floors.loc[roomy, "vacant_m2"].sum()),
    )


def measures_of(review: Review) -> Mapping[str, float | None]:
    """Return the figures of a reviewed plan; None where one is not known."""
    plan, results = review.plan, review.results
    must, fail = SEVERITY_ORDER.index(Severity.MUST), VERDICT_ORDER.index(Verdict.FAIL)
    grave = (results.severity_codes == must) & (results.verdict_codes == fail) & results.counting
    room = room_of(plan)
    active = active_enterprises(plan)
    basis = plan.settings.focus_basis
    shares = [one.shares[basis] for one in review.focus.values()]
    known = [share for share in shares if share is not None]
    output = active["output_cny"] if len(active) else None
    is_known = output is not None and not output.isna().any()
    return {
        **{f"parks_{name}": float(count) for name, count in review.verdicts.items()},
        "findings": float(len(results)),
        "must_fail": float(grave.sum()),
        "leading_share": sum(known) / len(known) if known else None,
        "free_land_m2": room.free_land_m2,
        "vacant_floor_m2": room.vacant_floor_m2,
        "enterprises": float(len(active)),
        "output_cny": float(output.sum()) if is_known and output is not None else None,
    }


def costs_of(scenario: Scenario) -> Mapping[str, float]:
    """Return what a scenario asks for, edits that are switched off left out."""
    edits = scenario.enabled
    count = Counter(edit.op for edit in edits)  # type: ignore[attr-defined]
    applied = scenario.applied
    old, new = applied.bench.plan, applied.plan
    before, after = room_of(old), room_of(new)
    parks = applied.changes.get("parks")
    touched = {*parks.changed, *parks.added} if parks is not None else set()
    land = sum(
        edit.project.needs.land_m2 or 0.0
        for edit in edits
        if isinstance(edit, PlaceProject) and edit.candidate_id.startswith(f"{CandidateKind.LAND}:")
    )
    return {
        "edits": float(len(edits)),
        "moves": float(sum(isinstance(edit, MoveEnterprise) for edit in edits)),
        "closures": float(count["close_enterprise"]),
        "projects": float(count["place_project"]),
        "parks_changed": float(len(touched)),
        "land_taken_m2": before.free_land_m2 - after.free_land_m2 + land,
        "floor_taken_m2": before.vacant_floor_m2 - after.vacant_floor_m2,
        "rezoned_m2": _rezoned_m2(scenario),
        "reshaped_m2": _reshaped_m2(scenario),
    }


def _rezoned_m2(scenario: Scenario) -> float:
    """Return the ground of parcels whose land use is another, pieces and unions left out."""
    bench, changes = scenario.applied.bench, scenario.applied.changes.get("parcels")
    if changes is None:
        return 0.0
    total = 0.0
    for key, row in changes.changed.items():
        if "land_use" in row or "land_use_scheme" in row:
            shape = bench.metric_shape("parcels", key)
            total += 0.0 if shape is None else float(shape.area)
    return total


def _reshaped_m2(scenario: Scenario) -> float:
    """Return the ground that parks gain and lose by other outlines."""
    changes = scenario.applied.changes.get("parks")
    if changes is None or not any(isinstance(edit, ReshapePark) for edit in scenario.enabled):
        return 0.0
    bench = scenario.applied.bench
    old = bench.plan.metric("parks").set_index("park_id").geometry
    total = 0.0
    for key, row in changes.changed.items():
        shape = bench.to_metric(row.get(GEOMETRY))
        if shape is not None and key in old.index:
            total += float(shape.symmetric_difference(old[key]).area)
    return total
