"""Candidates: where a project could go on land and floors that the plan has.

Vacant or idle parcels, neighbouring ones of one park taken together, runs of vacant
floors, and whole parks by what they have left. Each is large enough for the project;
whether a rule forbids it is decided by `exclusion`. Geometry is in the metric CRS.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geo_service.plan import rows_of

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from geo_service.plan import Plan
    from geo_service.suitability.project import Project

FREE_STATUSES = ("vacant", "idle")
GAP_M = 0.5
"""Parcels this near each other are drawn as neighbours; cadastres leave hairline gaps."""
SHARED_BORDER_M = 5.0
"""Neighbours share at least this much border, so that they can be built on as one."""
MAX_PARCELS = 8
"""How many parcels are taken together at most."""
UTILITIES = ("power_kva", "water_m3_d", "gas_m3_d", "wastewater_m3_d")
FLOOR_COLUMNS = ("load_kn_m2", "clear_height_m", "goods_lift_t")


class CandidateKind(StrEnum):
    """What a candidate is made of."""

    PARCEL = "parcel"
    PARCELS = "parcels"
    FLOORS = "floors"
    PARK = "park"
    LAND = "land"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A place for the project: its parts, the area it offers, and what it has.

    `area_m2` is land for parcels, parks and land, vacant floor area for floors.
    `offers` holds utilities (summed over parcels) and properties of floors (the least of
    the run); None where one part lacks the value.
    """

    candidate_id: str
    kind: CandidateKind
    park_id: str | None
    members: tuple[str, ...]
    area_m2: float
    geometry: BaseGeometry
    offers: Mapping[str, float | None] = field(default_factory=dict)
    land_use: str | None = None
    land_use_scheme: str | None = None
    fire_classes: tuple[str | None, ...] = ()
    illustrative: bool = False


def find_candidates(plan: Plan, project: Project) -> list[Candidate]:
    """Return every place of the plan that is large enough, by id.

    For land: free parcels and neighbouring free parcels of one park that reach the area
    together, and parks whose free parcels do. For floor area: runs of vacant floors, or, if
    the project does not need contiguous floors, all vacant floors of a building.
    """
    needs = project.needs
    if needs.land_m2 is not None:
        found = [*_parcels(plan, needs.land_m2), *_parks(plan, needs.land_m2)]
    else:
        found = list(
            _floors(plan, needs.floor_area_m2 or 0.0, is_contiguous=needs.contiguous_floors)
        )
    return sorted(found, key=lambda candidate: candidate.candidate_id)


Row = dict[str, Any]


def _free_parcels(plan: Plan) -> tuple[list[Row], list[BaseGeometry]]:
    parcels = plan.metric("parcels")
    free = parcels[parcels["status"].isin(FREE_STATUSES)]
    return rows_of(free), list(free.geometry)


def _parcels(plan: Plan, needed_m2: float) -> Iterator[Candidate]:
    rows, shapes = _free_parcels(plan)
    areas = [shape.area for shape in shapes]
    for row, shape, area_m2 in zip(rows, shapes, areas, strict=True):
        if area_m2 >= needed_m2:
            yield _of_parcels([row], [shape])
    small = {place for place, area_m2 in enumerate(areas) if area_m2 < needed_m2}
    neighbours = _neighbours(rows, shapes)
    seen: set[frozenset[int]] = set()
    for seed in sorted(small):
        group = _grow(seed, neighbours, shapes, areas, needed_m2)
        if group is not None and group not in seen:
            seen.add(group)
            places = sorted(group)
            yield _of_parcels(
                [rows[place] for place in places], [shapes[place] for place in places]
            )


def _neighbours(rows: list[Row], shapes: list[BaseGeometry]) -> Mapping[int, set[int]]:
    """Return which free parcels of one park share enough border to be built on as one."""
    found: dict[int, set[int]] = defaultdict(set)
    if not shapes:
        return found
    array = np.array(shapes, dtype=object)
    one, two = shapely.STRtree(array).query(array, predicate="dwithin", distance=GAP_M)
    for first, second in zip(one.tolist(), two.tolist(), strict=True):
        if first >= second or rows[first]["park_id"] != rows[second]["park_id"]:
            continue
        border = shapely.intersection(array[first].boundary, array[second].buffer(2 * GAP_M))
        if shapely.length(border) >= SHARED_BORDER_M:
            found[first].add(second)
            found[second].add(first)
    return found


def _grow(
    seed: int,
    neighbours: Mapping[int, set[int]],
    shapes: list[BaseGeometry],
    areas: list[float],
    needed_m2: float,
) -> frozenset[int] | None:
    """Add the neighbour that keeps the whole most compact until the area is reached."""
    group, shape = {seed}, shapes[seed]
    while sum(areas[place] for place in group) < needed_m2:
        edge = {other for place in group for other in neighbours.get(place, ())} - group
        if not edge or len(group) >= MAX_PARCELS:
            return None
        best = max(sorted(edge), key=lambda place: compactness(_joined([shape, shapes[place]])))
        group.add(best)
        shape = _joined([shape, shapes[best]])
    return frozenset(group)


def _joined(shapes: Iterable[BaseGeometry]) -> BaseGeometry:
    """Join shapes over hairline gaps."""
    grown = shapely.union_all([shape.buffer(GAP_M, join_style="mitre") for shape in shapes])
    return grown.buffer(-GAP_M, join_style="mitre")


def compactness(shape: BaseGeometry) -> float:
    """Return 4πA/P² of a shape: 1 for a circle, 0.785 for a square, towards 0 for a thread.

    >>> round(compactness(shapely.box(0, 0, 10, 10)), 3)
    0.785
    """
    length = shape.length
    return 4 * math.pi * shape.area / length**2 if length else 0.0


def _of_parcels(rows: list[Row], shapes: list[BaseGeometry]) -> Candidate:
    ids = tuple(row["parcel_id"] for row in rows)
    is_one = len(ids) == 1
    uses = {_text(row["land_use"]) for row in rows}
    schemes = {_text(row["land_use_scheme"]) for row in rows}
    kind = CandidateKind.PARCEL if is_one else CandidateKind.PARCELS
    return Candidate(
        candidate_id=f"{kind}:{'+'.join(ids)}",
        kind=kind,
        park_id=_text(rows[0]["park_id"]),
        members=ids,
        area_m2=float(sum(shape.area for shape in shapes)),
        geometry=shapes[0] if is_one else shapely.union_all(shapes),
        offers={name: _sum(row[name] for row in rows) for name in UTILITIES},
        land_use=uses.pop() if len(uses) == 1 else None,
        land_use_scheme=schemes.pop() if len(schemes) == 1 else None,
        illustrative=any(bool(row["illustrative"]) for row in rows),
    )


def _parks(plan: Plan, needed_m2: float) -> Iterator[Candidate]:
    """Parks whose free parcels together reach the area, wherever they lie in the park."""
    rows, shapes = _free_parcels(plan)
    groups: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        if _text(row["park_id"]):
            groups[row["park_id"]].append(place)
    footprints = dict(
        zip(plan.metric("parks")["park_id"], plan.metric("parks").geometry, strict=True)
    )
    for park_id, places in groups.items():
        area_m2 = float(sum(shapes[place].area for place in places))
        if area_m2 >= needed_m2:
            yield Candidate(
                candidate_id=f"{CandidateKind.PARK}:{park_id}",
                kind=CandidateKind.PARK,
                park_id=park_id,
                members=tuple(rows[place]["parcel_id"] for place in places),
                area_m2=area_m2,
                geometry=footprints[park_id],
                offers={name: _sum(rows[place][name] for place in places) for name in UTILITIES},
                illustrative=any(bool(rows[place]["illustrative"]) for place in places),
            )


def _floors(plan: Plan, needed_m2: float, *, is_contiguous: bool) -> Iterator[Candidate]:
    buildings = plan.metric("buildings")
    homes = {
        row["building_id"]: (row, shape)
        for row, shape in zip(rows_of(buildings), buildings.geometry, strict=True)
    }
    by_building: dict[str, list[Row]] = defaultdict(list)
    for floor in rows_of(plan.frame("floors")):
        if _number(floor["vacant_m2"]):
            by_building[floor["building_id"]].append(floor)
    for building_id, floors in by_building.items():
        floors.sort(key=lambda floor: int(floor["floor_no"]))
        runs = _shortest_runs(floors, needed_m2) if is_contiguous else [floors]
        for run in runs:
            if sum(floor["vacant_m2"] for floor in run) >= needed_m2:
                yield _of_floors(*homes[building_id], run)


def _shortest_runs(floors: list[Row], needed_m2: float) -> Iterator[list[Row]]:
    """From each floor upwards, the shortest unbroken run that reaches the area."""
    for start in range(len(floors)):
        run = [floors[start]]
        for floor in floors[start + 1 :]:
            if sum(item["vacant_m2"] for item in run) >= needed_m2:
                break
            if floor["floor_no"] != run[-1]["floor_no"] + 1:
                break
            run.append(floor)
        if sum(item["vacant_m2"] for item in run) >= needed_m2:
            yield run


def _of_floors(building: Row, shape: BaseGeometry, run: list[Row]) -> Candidate:
    numbers = [int(floor["floor_no"]) for floor in run]
    return Candidate(
        candidate_id=f"floors:{building['building_id']}/{'+'.join(map(str, numbers))}",
        kind=CandidateKind.FLOORS,
        park_id=_text(building["park_id"]),
        members=tuple(f"{building['building_id']}/{number}" for number in numbers),
        area_m2=float(sum(floor["vacant_m2"] for floor in run)),
        geometry=shape,
        offers={name: _least(floor[name] for floor in run) for name in FLOOR_COLUMNS},
        fire_classes=tuple(_text(floor["fire_class"]) for floor in run),
        illustrative=bool(building["illustrative"]),
    )


def _text(cell: object) -> str | None:
    return cell if isinstance(cell, str) and cell else None


def _number(cell: object) -> float | None:
    return float(cell) if isinstance(cell, (int, float)) and not math.isnan(cell) else None


def _sum(cells: Iterable[object]) -> float | None:
    numbers = [_number(cell) for cell in cells]
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def _least(cells: Iterable[object]) -> float | None:
    numbers = [_number(cell) for cell in cells]
    known = [number for number in numbers if number is not None]
    return min(known) if len(known) == len(numbers) else None
