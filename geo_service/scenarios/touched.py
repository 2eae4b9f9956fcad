"""Which parks a scenario touches: those that its edits change anything in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo_service.scenarios.workbench import Workbench

if TYPE_CHECKING:
    from geo_service.scenarios.scenario import Scenario

IN_PARKS = ("enterprises", "parcels", "buildings")
"""Layers whose features belong to a park."""


def parks_touched(scenario: Scenario) -> list[str]:
    """Return the parks that a scenario's edits change anything in, in order of id."""
    applied = scenario.applied
    old, new = Workbench(applied.bench.plan), applied.bench
    found: set[str] = set()
    for layer, one in applied.changes.items():
        if layer == "parks":
            found |= {*one.changed, *one.added, *one.removed}
        elif layer == "floors":
            for key in (*one.changed, *one.added, *one.removed):
                found |= _park_of(new, "buildings", key.rpartition("/")[0])
        elif layer in IN_PARKS:
            for key in (*one.changed, *one.added, *one.removed):
                found |= _park_of(old, layer, key) | _park_of(new, layer, key)
    return sorted(found)


def _park_of(bench: Workbench, layer: str, key: str) -> set[str]:
    if not bench.has(layer, key):
        return set()
    park_id = bench.worked_out(layer, key, "park_id")
    return {park_id} if isinstance(park_id, str) else set()
