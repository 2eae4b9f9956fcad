"""Candidates: where a project could go on land and floors that the plan has.

First come the parts, each a free parcel or a vacant floor. `combine` puts those that it is
given together to places large enough for the project: single parcels, neighbouring ones of
one park, runs of floors, and what a park has left in all. Which parts a rule forbids is told
by `exclusion`; `screening` leaves those out before it combines. Ground counts once, however many
parcels lie on it. Geometry is in the metric CRS.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geo_service.domain.subjects import floor_id
from geo_service.domain.vacancy import has_room, is_free
from geo_service.plan import rows_of
from geo_service.schema import FLOOR_PROPERTIES, UTILITIES
from geo_service.zoning.check import text_or_none

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from geo_service.plan import Plan
    from geo_service.suitability.project import Project

GAP_M = 0.5
"""Parcels this near each other are drawn as neighbours; cadastres leave hairline gaps."""
SHARED_BORDER_M = 5.0
"""Neighbours share at least this much border, so that they can be built on as one."""
MAX_PARCELS = 8
"""How many parcels are taken together at most."""
NOISE_M2 = 1.0
"""Parcels that overlap by no more than this do not overlap: surveys are not exact."""
SAME_GROUND = 0.5
"""A parcel of which so much lies on another one is the same ground: they are not taken together."""


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
    `offers` holds utilities (summed over parcels; for floors those of the building's parcel)
    and properties of floors (the least of the run); None where one part lacks the value.
    The geometry of a park is that of the parcels it consists of here.
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

    @property
    def building_id(self) -> str:
        """The building that floors are in."""
        return self.members[0].rpartition("/")[0]

    @property
    def floor_numbers(self) -> list[int]:
        """The numbers of floors, lowest first."""
        return [int(member.rpartition("/")[2]) for member in self.members]


def find_parts(plan: Plan, project: Project) -> list[Candidate]:
    """Return what places are made of, in order of their ids, however small they are.

    Free parcels for a project that needs land, single floors with room for one that needs
    floor area.
    """
    if project.needs.land_m2 is not None:
        parcels = plan.metric("parcels")
        return list(parcel_parts(parcels[is_free(parcels)]))
    floors = plan.frame("floors")
    return list(floor_parts(plan, floors[has_room(floors)]))


def combine(parts: Sequence[Candidate], project: Project) -> list[Candidate]:
    """Return the places that are large enough and consist of these parts alone, by id.

    For land: parcels and neighbouring parcels of one park that reach the area together, and
    parks whose parcels do, wherever they lie. For floor area: runs of floors, or, if the
    project does not need contiguous floors, all floors of a building. Neither the places nor
    their ids hang on the order of the layers' rows.
    """
    needs = project.needs
    ordered = sorted(parts, key=_sort_key)
    if needs.land_m2 is not None:
        found = [
            *(part for part in ordered if part.area_m2 >= needs.land_m2),
            *_neighbouring(ordered, needs.land_m2),
            *_parks(ordered, needs.land_m2),
        ]
    else:
        needed_m2 = needs.floor_area_m2 or 0.0
        found = list(_buildings(ordered, needed_m2, is_contiguous=needs.contiguous_floors))
    return sorted(found, key=lambda candidate: candidate.candidate_id)


Row = dict[str, Any]


def _sort_key(part: Candidate) -> tuple[str, int]:
    """Return what parts are ordered by: their id, and floors of a building by their number."""
    if part.kind is CandidateKind.FLOORS:
        return part.building_id, part.floor_numbers[0]
    return part.members[0], 0


# ---- land ------------------------------------------------------------------------------------


_TOLD_OF_PARCELS = ("parcel_id", "park_id", "land_use", "land_use_scheme", "illustrative")


def parcel_parts(parcels: gpd.GeoDataFrame) -> Iterator[Candidate]:
    """Yield rows of `parcels` (metric CRS) as candidates, by id, whether they are free or not."""
    ordered = parcels.sort_values("parcel_id")
    shapes = ordered.geometry.to_numpy()
    areas_m2 = shapely.area(shapes).tolist()
    told = (ordered[name].array.to_numpy(object, na_value=None) for name in _TOLD_OF_PARCELS)
    utilities = (ordered[name].tolist() for name in UTILITIES)
    offers = zip(*(map(_number, cells) for cells in utilities), strict=True)
    for row, own, shape, area_m2 in zip(
        zip(*told, strict=True), offers, shapes, areas_m2, strict=True
    ):
        parcel_id, park_id, land_use, scheme, illustrative = row
        yield Candidate(
            candidate_id=f"{CandidateKind.PARCEL}:{parcel_id}",
            kind=CandidateKind.PARCEL,
            park_id=text_or_none(park_id),
            members=(parcel_id,),
            area_m2=area_m2,
            geometry=shape,
            offers=dict(zip(UTILITIES, own, strict=True)),
            land_use=text_or_none(land_use),
            land_use_scheme=text_or_none(scheme),
            illustrative=bool(illustrative),
        )


def _neighbouring(parts: Sequence[Candidate], needed_m2: float) -> Iterator[Candidate]:
    """Yield neighbouring parcels that reach the area together; each parcel is tried as a start."""
    # A group that does not reach the area has only parcels that do not: two others never meet.
    ground = _Ground(parts, below_m2=needed_m2)
    seen: set[frozenset[int]] = set()
    for seed, part in enumerate(parts):
        group = None
        if part.area_m2 < needed_m2:
            group = _grow(seed, ground, needed_m2)
        if group is not None and group not in seen:
            seen.add(group)
            yield parcels_together([parts[position] for position in sorted(group)])


def largest_groups(parts: Sequence[Candidate]) -> Iterator[Candidate]:
    """Yield the largest groups of neighbouring parcels that may be combined, however small.

    From each parcel the largest neighbour is added, `MAX_PARCELS` at most.
    """
    ground = _Ground(parts)
    seen: set[frozenset[int]] = set()
    for seed in range(len(parts)):
        group = {seed}
        while len(group) < MAX_PARCELS:
            edge = ground.edge(group)
            if not edge:
                break
            group.add(max(sorted(edge), key=lambda position: parts[position].area_m2))
        if len(group) > 1 and frozenset(group) not in seen:
            seen.add(frozenset(group))
            yield parcels_together([parts[position] for position in sorted(group)])


class _Ground:
    """Which parcels lie beside each other, and which on each other."""

    def __init__(self, parts: Sequence[Candidate], *, below_m2: float = math.inf) -> None:
        """Find the pairs of parcels of one park that touch or overlap, one smaller than an area."""
        self.parts = parts
        self._neighbours: dict[int, set[int]] = defaultdict(set)
        """Parcels that share enough border to be built on as one."""
        self._twins: dict[int, set[int]] = defaultdict(set)
        """Parcels that are the same ground."""
        self._overlapping: dict[int, set[int]] = defaultdict(set)
        in_parks = [place for place, part in enumerate(parts) if part.park_id is not None]
        small = [place for place in in_parks if parts[place].area_m2 < below_m2]
        if not small:
            return
        near, others = _shapes_of(parts, small), _shapes_of(parts, in_parks)
        one, two = shapely.STRtree(others).query(near, predicate="dwithin", distance=GAP_M)
        pairs = {
            (min(small[first], in_parks[second]), max(small[first], in_parks[second]))
            for first, second in zip(one.tolist(), two.tolist(), strict=True)
        }
        for first, second in sorted(pairs):
            if first < second and parts[first].park_id == parts[second].park_id:
                self._compare(first, second)

    def _compare(self, first: int, second: int) -> None:
        one, other = self.parts[first].geometry, self.parts[second].geometry
        overlap_m2 = shapely.intersection(one, other).area
        if overlap_m2 > NOISE_M2:
            _pair(self._overlapping, first, second)
        if overlap_m2 > max(NOISE_M2, SAME_GROUND * min(one.area, other.area)):
            _pair(self._twins, first, second)
            return
        border = shapely.intersection(one.boundary, other.buffer(2 * GAP_M))
        if shapely.length(border) >= SHARED_BORDER_M:
            _pair(self._neighbours, first, second)

    def edge(self, group: set[int]) -> set[int]:
        """Return the parcels next to a group that are ground which the group does not have."""
        beside = {other for position in group for other in self._neighbours.get(position, ())}
        same = {other for position in group for other in self._twins.get(position, ())}
        return beside - same - group

    def area_m2(self, group: set[int]) -> float:
        """Return how much ground a group is."""
        areas = sum(self.parts[position].area_m2 for position in group)
        if not any(self._overlapping.get(position, set()) & group for position in group):
            return areas
        return shapely.union_all([self.parts[position].geometry for position in group]).area


def _shapes_of(parts: Sequence[Candidate], places: Sequence[int]) -> NDArray[np.object_]:
    shapes = np.empty(len(places), dtype=object)
    shapes[:] = [parts[place].geometry for place in places]
    return shapes


def _pair(found: dict[int, set[int]], first: int, second: int) -> None:
    found[first].add(second)
    found[second].add(first)


def _grow(seed: int, ground: _Ground, needed_m2: float) -> frozenset[int] | None:
    """Return a parcel with neighbours that reach the area together.

    The neighbour that keeps the whole most compact is added first; where that takes too many
    parcels, the largest one.
    """
    parts = ground.parts

    def compact(whole: BaseGeometry, position: int) -> float:
        return compactness(_joined([whole, parts[position].geometry]))

    def large(_: BaseGeometry, position: int) -> float:
        return parts[position].area_m2

    found = _grow_by(compact, seed, ground, needed_m2)
    return found or _grow_by(large, seed, ground, needed_m2)


def _grow_by(
    worth: Callable[[BaseGeometry, int], float],
    seed: int,
    ground: _Ground,
    needed_m2: float,
) -> frozenset[int] | None:
    """Add the neighbour that is worth most until the area is reached; None if it is not."""
    parts = ground.parts
    group, shape = {seed}, parts[seed].geometry
    while ground.area_m2(group) < needed_m2:
        edge = ground.edge(group)
        if not edge or len(group) >= MAX_PARCELS:
            return None
        whole = shape
        best = max(sorted(edge), key=lambda position: worth(whole, position))
        group.add(best)
        shape = _joined([shape, parts[best].geometry])
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


def parcels_together(parts: Sequence[Candidate]) -> Candidate:
    """Return parcels of one park as one candidate of neighbouring parcels."""
    return _together(CandidateKind.PARCELS, parts)


def _together(kind: CandidateKind, parts: Sequence[Candidate]) -> Candidate:
    """Return parcels of one park as one candidate; ground that two of them share counts once."""
    whole = shapely.union_all([part.geometry for part in parts])
    area_m2 = float(sum(part.area_m2 for part in parts))
    if area_m2 - whole.area > NOISE_M2:
        area_m2 = float(whole.area)
    members = tuple(part.members[0] for part in parts)
    park_id = parts[0].park_id
    uses = {part.land_use for part in parts}
    schemes = {part.land_use_scheme for part in parts}
    name = park_id if kind is CandidateKind.PARK else "+".join(members)
    return Candidate(
        candidate_id=f"{kind}:{name}",
        kind=kind,
        park_id=park_id,
        members=members,
        area_m2=area_m2,
        geometry=whole,
        offers={name: _sum(part.offers[name] for part in parts) for name in UTILITIES},
        land_use=uses.pop() if len(uses) == 1 else None,
        land_use_scheme=schemes.pop() if len(schemes) == 1 else None,
        illustrative=any(part.illustrative for part in parts),
    )


def _parks(parts: Sequence[Candidate], needed_m2: float) -> Iterator[Candidate]:
    """Yield parks whose parcels together reach the area, wherever they lie in the park."""
    groups: dict[str, list[Candidate]] = defaultdict(list)
    for part in parts:
        if part.park_id is not None:
            groups[part.park_id].append(part)
    for group in groups.values():
        if sum(part.area_m2 for part in group) < needed_m2:
            continue
        whole = _together(CandidateKind.PARK, _each_ground_once(group))
        if whole.area_m2 >= needed_m2:
            yield whole


def _each_ground_once(parts: Sequence[Candidate]) -> list[Candidate]:
    """Leave out parcels that are mostly the ground of others before them."""
    shapes = np.array([part.geometry for part in parts], dtype=object)
    one, two = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    is_pair = one < two
    one, two = one[is_pair], two[is_pair]
    overlap_m2 = shapely.area(shapely.intersection(shapes[one], shapes[two]))
    is_over = overlap_m2 > NOISE_M2
    taken = np.ones(len(parts), dtype=bool)
    for later in np.unique(two[is_over]).tolist():
        before = one[is_over & (two == later)]
        under = shapely.union_all(shapes[before[taken[before]]])
        covered_m2 = shapely.intersection(shapes[later], under).area
        taken[later] = covered_m2 <= SAME_GROUND * shapes[later].area
    return [part for part, is_taken in zip(parts, taken, strict=True) if is_taken]


# ---- floors ----------------------------------------------------------------------------------


def floor_parts(plan: Plan, floors: pd.DataFrame) -> Iterator[Candidate]:
    """Yield rows of a plan's `floors` as candidates, by building and number."""
    buildings, parcels = plan.metric("buildings"), plan.frame("parcels")
    homes = {
        row["building_id"]: (row, shape)
        for row, shape in zip(rows_of(buildings), buildings.geometry, strict=True)
    }
    below_buildings = parcels[parcels["parcel_id"].isin(buildings["parcel_id"])]
    parcels_below = {row["parcel_id"]: row for row in rows_of(below_buildings)}
    for floor in rows_of(floors.sort_values(["building_id", "floor_no"])):
        building, shape = homes[floor["building_id"]]
        below = parcels_below.get(building["parcel_id"], {})
        member = floor_id(floor["building_id"], floor["floor_no"])
        yield Candidate(
            candidate_id=f"{CandidateKind.FLOORS}:{member}",
            kind=CandidateKind.FLOORS,
            park_id=text_or_none(building["park_id"]),
            members=(member,),
            area_m2=float(floor["vacant_m2"]),
            geometry=shape,
            offers={name: _number(floor[name]) for name in FLOOR_PROPERTIES}
            | {name: _number(below.get(name)) for name in UTILITIES},
            fire_classes=(text_or_none(floor["fire_class"]),),
            illustrative=bool(building["illustrative"]),
        )


def _buildings(
    parts: Sequence[Candidate], needed_m2: float, *, is_contiguous: bool
) -> Iterator[Candidate]:
    groups: dict[str, list[Candidate]] = defaultdict(list)
    for part in parts:
        groups[part.building_id].append(part)
    for floors in groups.values():
        if is_contiguous:
            yield from map(floors_together, _shortest_runs(floors, needed_m2))
        elif sum(floor.area_m2 for floor in floors) >= needed_m2:
            yield floors_together(floors)


def _shortest_runs(floors: Sequence[Candidate], needed_m2: float) -> Iterator[list[Candidate]]:
    """From each floor upwards, the shortest unbroken run that reaches the area."""
    numbers = [floor.floor_numbers[0] for floor in floors]
    for start, first in enumerate(floors):
        run = [first]
        for position in range(start + 1, len(floors)):
            if sum(item.area_m2 for item in run) >= needed_m2:
                break
            if numbers[position] != numbers[position - 1] + 1:
                break
            run.append(floors[position])
        if sum(item.area_m2 for item in run) >= needed_m2:
            yield run


def floors_together(floors: Sequence[Candidate]) -> Candidate:
    """Return floors of one building, lowest first, as one candidate."""
    first = floors[0]
    numbers = "+".join(str(floor.floor_numbers[0]) for floor in floors)
    least = {name: _least(floor.offers[name] for floor in floors) for name in FLOOR_PROPERTIES}
    return Candidate(
        candidate_id=f"{CandidateKind.FLOORS}:{first.building_id}/{numbers}",
        kind=CandidateKind.FLOORS,
        park_id=first.park_id,
        members=tuple(floor.members[0] for floor in floors),
        area_m2=float(sum(floor.area_m2 for floor in floors)),
        geometry=first.geometry,
        offers={**first.offers, **least},
        fire_classes=tuple(floor.fire_classes[0] for floor in floors),
        illustrative=first.illustrative,
    )


def _number(cell: object) -> float | None:
    return float(cell) if isinstance(cell, (int, float)) and not math.isnan(cell) else None


def _sum(numbers: Iterable[float | None]) -> float | None:
    found = list(numbers)
    known = [number for number in found if number is not None]
    return sum(known) if len(known) == len(found) else None


def _least(numbers: Iterable[float | None]) -> float | None:
    found = list(numbers)
    known = [number for number in found if number is not None]
    return min(known) if len(known) == len(found) else None
