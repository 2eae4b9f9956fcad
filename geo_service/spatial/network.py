"""Travel times over the road layer: from any place to the facility that is nearest by time.

Roads connect where line ends lie within `snap_m` of each other, where an end lies within
`snap_m` of another line (which is split there), and where lines share a vertex. Lines that cross
without a shared vertex do not connect: one passes over the other. Every road runs in both
directions. Roads of `limited_access` classes can only be entered at junctions: nobody joins an
expressway between junctions. Turning costs, traffic, tolls and gradients are not modelled.

Roads that do not hang together are pieces; the one with most road to enter is the main part. A
place meets the nearest road of all and the nearest one of the main part, and goes the quicker way:
a piece that is joined to nothing cuts nobody off who can walk to the others.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from geo_service.crs import require_metric
from geo_service.errors import CrsError, InvalidQueryError
from geo_service.spatial.linear_reference import SAME_M, Courses, Pieces, find_junctions
from geo_service.spatial.road_doors import RoadAccess, RoadDoors
from geo_service.wording import said

if TYPE_CHECKING:
    import pyproj
    from numpy.typing import NDArray

    from geo_service.plan import Plan
    from geo_service.spatial.linear_reference import Floats, Positions

    Shapes = gpd.GeoDataFrame | gpd.GeoSeries | NDArray[np.object_]

DEFAULT_SPEEDS_KM_H: Mapping[str, float] = MappingProxyType(
    {
        "expressway": 80.0,
        "national": 60.0,
        "provincial": 50.0,
        "county": 40.0,
        "urban": 40.0,
        "township": 30.0,
        "village": 20.0,
    }
)
"""Speed by road class, for roads without one. A default of this product, not of a standard."""

_CACHED_NETWORKS = 4


@dataclass(frozen=True, kw_only=True)
class TravelAssumptions:
    """What is assumed where the data say nothing; every value is this product's default."""

    speeds_km_h: Mapping[str, float] = field(default_factory=lambda: DEFAULT_SPEEDS_KM_H)
    """Speed by class, for a road whose own speed is missing or 0."""
    unknown_speed_km_h: float = 20.0
    """Speed of a road that has neither a speed nor a class with one."""
    off_road_km_h: float = 20.0
    """Speed in a straight line between a place and the nearest point of the road."""
    max_off_road_m: float = 2000.0
    """A place farther than this from every road is unreachable."""
    snap_m: float = 1.0
    """Largest gap between two ends, or an end and a line, that still connect."""
    limited_access: frozenset[str] = frozenset({"expressway"})
    """Classes of road that can only be entered at junctions."""

    def __post_init__(self) -> None:
        """Raise InvalidQueryError for an impossible speed or distance."""
        speeds = {f"speeds_km_h.{name}": speed for name, speed in self.speeds_km_h.items()}
        speeds |= {name: getattr(self, name) for name in ("unknown_speed_km_h", "off_road_km_h")}
        for name, speed in speeds.items():
            if not (np.isfinite(speed) and speed > 0):
                raise InvalidQueryError(name, said("problem.speed", name=name, found=speed))
        for name in ("max_off_road_m", "snap_m"):
            distance = getattr(self, name)
            if not (np.isfinite(distance) and distance >= 0):
                raise InvalidQueryError(name, said("problem.distance", name=name, found=distance))


DEFAULT_ASSUMPTIONS = TravelAssumptions()


@dataclass(frozen=True, kw_only=True)
class NetworkFacts:
    """What a network consists of, for reports.

    A component is a set of connected roads: if there is more than one, some places cannot reach
    each other. The last three fields count rows by the source of their speed.
    """

    roads: int
    length_km: float
    nodes: int
    edges: int
    components: int
    component_km: tuple[float, ...]
    """Length of each component, longest first."""
    speeds_given: int
    speeds_by_class: int
    speeds_assumed: int


@dataclass(frozen=True, eq=False)
class _Stretches:
    """Lines cut at points: stretch i leads from `cut[first[i]]` to the next cut."""

    cut: Floats
    node: Positions
    line: Positions
    first: Positions

    @classmethod
    def of(cls, courses: Courses, cut: Floats, node: Positions) -> _Stretches:
        order = np.argsort(cut, kind="stable")
        cut, node = cut[order], node[order]
        line = courses.line_at(cut)
        return cls(cut, node, line, np.flatnonzero(np.diff(line) == 0))

    @property
    def length_m(self) -> Floats:
        return self.cut[self.first + 1] - self.cut[self.first]

    def before(self, measure: Floats, line: Positions) -> Positions:
        """Return the cut before each point on a line; never the last cut of that line."""
        found = np.searchsorted(self.cut, measure, side="right") - 1
        final = np.searchsorted(self.line, line, side="right") - 1
        return np.minimum(found, final - 1)


class RoadNetwork:
    """The roads of a layer as a graph; immutable and safe to use from several threads.

    `build` makes one, or `network_of` for a plan. `crs` is in metres.
    """

    def __init__(
        self,
        courses: Courses,
        minutes_per_m: Floats,
        is_entered: NDArray[np.bool_],
        *,
        crs: pyproj.CRS,
        assumptions: TravelAssumptions,
        speed_counts: tuple[int, int, int],
    ) -> None:
        """Find the junctions of lines; `minutes_per_m` and `is_entered` have one value per line."""
        self.crs = crs
        self.assumptions = assumptions
        self.courses = courses
        self.minutes_per_m = minutes_per_m
        self.junctions = find_junctions(courses, assumptions.snap_m)
        parts = _Stretches.of(courses, *self.junctions)
        component, self.facts = self._components(parts, speed_counts)
        self._is_main = _largest(component, courses, is_entered)
        self._pieces = Pieces(courses, is_entered)
        self.is_whole = bool(self._is_main.all())
        """Whether all roads hang together."""
        self._main_pieces = (
            self._pieces if self.is_whole else Pieces(courses, is_entered & self._is_main)
        )

    @classmethod
    def build(
        cls, roads: gpd.GeoDataFrame, *, assumptions: TravelAssumptions = DEFAULT_ASSUMPTIONS
    ) -> RoadNetwork:
        """Make the graph of a road layer.

        Parameters
        ----------
        roads
            Lines in a metric CRS with the columns `class` and `speed_km_h`, either of which may
            lack values (see `TravelAssumptions`). Rows without geometry are ignored.
        assumptions
            What is assumed where the data say nothing.

        Raises
        ------
        CrsError
            The layer has no CRS, or one that is not in metres.
        """
        crs = require_metric(roads)
        given = pd.to_numeric(roads["speed_km_h"], errors="coerce").to_numpy(dtype=float)
        by_class = roads["class"].map(dict(assumptions.speeds_km_h)).to_numpy(dtype=float)
        is_given = np.isfinite(given) & (given > 0)
        is_by_class = ~is_given & np.isfinite(by_class)
        speed_km_h = np.where(is_given, given, by_class)
        speed_km_h[~is_given & ~is_by_class] = assumptions.unknown_speed_km_h
        is_limited = roads["class"].isin(assumptions.limited_access).to_numpy(dtype=bool)
        courses = Courses.of(roads.geometry.to_numpy())
        known = int(is_given.sum()), int(is_by_class.sum())
        return cls(
            courses,
            _minutes_per_m(speed_km_h)[courses.row],
            ~is_limited[courses.row],
            crs=crs,
            assumptions=assumptions,
            speed_counts=(*known, len(roads) - sum(known)),
        )

    def reach(self, facilities: Shapes) -> Reach:
        """Search from all facilities at once; any number of origins is then looked up quickly.

        Parameters
        ----------
        facilities
            Points in the network's CRS (a bare array is assumed to be in it). Other shapes are
            reached at their point nearest to a road.

        Raises
        ------
        CrsError
            The facilities are in another CRS.
        """
        shapes = self._shapes_of(facilities)
        nearest = self.access(shapes)
        off = self.off_main(nearest)
        main = self.access(shapes[off], is_main=True)
        there = np.isfinite(main.measure)
        doors = RoadAccess.joined([nearest, main.taken(there)])
        return Reach(self, doors, np.concatenate([np.arange(len(shapes)), off[there]]))

    def off_main(self, access: RoadAccess) -> Positions:
        """Return the places that meet a road which is cut off from the main part."""
        if self.is_whole:
            return np.zeros(0, dtype=np.intp)
        row = np.flatnonzero(np.isfinite(access.measure))
        return row[~self._is_main[self.courses.line_at(access.measure[row])]]

    def cut_off_rows(self) -> Positions:
        """Return the rows of the layer that lie, or have a part, off the main part."""
        return np.unique(self.courses.row[~self._is_main])

    def cut_off_near(self, origins: Shapes) -> Positions:
        """Return for each place the row of the cut-off road that is nearest to it; -1 if none is.

        The main part's roads may be nearer than none: only the nearest road of all counts.
        """
        access = self.access(origins)
        rows = np.full(len(access.measure), -1, dtype=np.intp)
        off = self.off_main(access)
        rows[off] = self.courses.row[self.courses.line_at(access.measure[off])]
        return rows

    def doors(self, origins: Shapes) -> RoadDoors:
        """Return where places meet the roads, each by itself: the same for all facilities."""
        shapes = self._shapes_of(origins)
        access = self.access(shapes)
        off = self.off_main(access)
        return RoadDoors(access, access.with_rows(off, self.access(shapes[off], is_main=True)))

    def access(self, origins: Shapes, *, is_main: bool = False) -> RoadAccess:
        """Return where places meet the nearest road that can be entered, or one of the main part.

        Of equally near roads (to a centimetre) the fastest counts; of those, the first.
        """
        shapes = self._shapes_of(origins)
        pieces = self._main_pieces if is_main else self._pieces
        found = RoadAccess(*(np.full((len(shapes), width), np.nan) for width in (1, 1, 2)))
        found = RoadAccess(found.measure[:, 0], found.off_road_m[:, 0], found.xy)
        there = np.flatnonzero(~(shapely.is_missing(shapes) | shapely.is_empty(shapes)))
        if not (len(there) and len(pieces)):
            return found
        distance_m = pieces.distance(shapes[there])
        is_near = distance_m <= self.assumptions.max_off_road_m
        there, distance_m = there[is_near], distance_m[is_near]
        own, piece = pieces.within(shapes[there], distance_m + SAME_M)
        measure, xy = pieces.locate(shapes[there[own]], piece)
        line = pieces.line[piece]
        order = np.lexsort((measure, self.courses.row[line], self.minutes_per_m[line], own))
        best = order[np.unique(own[order], return_index=True)[1]]
        position = there[own[best]]
        found.measure[position], found.xy[position] = measure[best], xy[best]
        found.off_road_m[position] = np.hypot(*(self.courses.at(measure[best]) - xy[best]).T)
        return found

    def _shapes_of(self, origins: Shapes) -> NDArray[np.object_]:
        if not isinstance(origins, (gpd.GeoDataFrame, gpd.GeoSeries)):
            return np.asarray(origins, dtype=object)
        if require_metric(origins) != self.crs:
            msg = said("problem.places_crs", crs=self.crs.to_string())
            raise CrsError(msg)
        return np.asarray(origins.geometry.to_numpy(), dtype=object)

    def _components(
        self, parts: _Stretches, speed_counts: tuple[int, int, int]
    ) -> tuple[Positions, NetworkFacts]:
        """Return the component of each line, and what the network consists of."""
        tail, head = parts.node[parts.first], parts.node[parts.first + 1]
        nodes = int(parts.node.max(initial=-1)) + 1
        components, component_km = 0, np.zeros(0)
        of_line = np.zeros(len(self.courses.row), dtype=np.intp)
        if nodes:
            graph = coo_array((np.ones(len(tail)), (tail, head)), shape=(nodes, nodes))
            components, component = connected_components(graph, directed=False)
            component_km = np.bincount(component[tail], parts.length_m, components) / 1000
            of_line[parts.line[parts.first]] = component[tail]
        facts = NetworkFacts(
            roads=len(np.unique(self.courses.row)),
            length_km=float(parts.length_m.sum() / 1000),
            nodes=nodes,
            edges=int((parts.length_m > SAME_M).sum()),
            components=int(components),
            component_km=tuple(float(km) for km in np.sort(component_km)[::-1]),
            speeds_given=speed_counts[0],
            speeds_by_class=speed_counts[1],
            speeds_assumed=speed_counts[2],
        )
        return of_line, facts


def _largest(
    component: Positions, courses: Courses, is_entered: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which lines belong to the component with most road to enter; all if there is none."""
    length_m = np.where(is_entered, courses.last - courses.first, 0.0)
    lengths = np.bincount(component, length_m) if len(component) else np.zeros(1)
    if not lengths.any():
        return np.ones(len(component), dtype=bool)
    # Of equally long ones (to a centimetre) the first in the layer counts.
    longest = np.flatnonzero(lengths >= lengths.max() - SAME_M)
    first = component[np.flatnonzero(np.isin(component, longest))[0]]
    found: NDArray[np.bool_] = component == first
    return found


class Reach:
    """Travel from any place to the facility that is nearest by time; made by `RoadNetwork.reach`.

    Times are the same in both directions. Minutes are infinite and the facility is -1 for a
    place without geometry, too far from every road, or on roads that lead to no facility.
    """

    def __init__(self, network: RoadNetwork, facilities: RoadAccess, owner: Positions) -> None:
        """Search the graph, in which facilities have nodes where they meet the roads.

        `owner` is the facility of each of these doors: one that lies at a cut-off road has two.
        """
        self._network, self._facilities, self._owner = network, facilities, owner
        self._off_road = float(_minutes_per_m(network.assumptions.off_road_km_h))
        cut, node = network.junctions
        self._on_roads = np.flatnonzero(np.isfinite(facilities.measure))
        self._doors = int(node.max(initial=-1)) + 1
        """First node at which a facility meets the road; the facilities' own nodes follow."""
        self._parts = _Stretches.of(
            network.courses,
            np.concatenate([cut, facilities.measure[self._on_roads]]),
            np.concatenate([node, self._doors + np.arange(len(self._on_roads))]),
        )
        self._search()

    def _search(self) -> None:
        parts, count = self._parts, len(self._on_roads)
        door = self._doors + np.arange(count)
        total = self._doors + 2 * count
        stretch = np.flatnonzero(parts.node[parts.first] != parts.node[parts.first + 1])
        first = parts.first[stretch]
        minutes = parts.length_m[stretch] * self._network.minutes_per_m[parts.line[first]]
        legs = self._facilities.off_road_m[self._on_roads] * self._off_road
        # Legs lead only from facilities to the road, so that no route passes through a facility.
        tail = np.concatenate([parts.node[first], parts.node[first + 1], door + count])
        head = np.concatenate([parts.node[first + 1], parts.node[first], door])
        weight = np.concatenate([minutes, minutes, legs])
        stretch = np.concatenate([stretch, stretch, np.full(count, -1)])
        # Of parallel stretches the fastest counts; of those, the first.
        order = np.lexsort((stretch, weight, head, tail))
        self._key, first_edges = np.unique((tail * total + head)[order], return_index=True)
        first_edges = order[first_edges]
        self._stretch = stretch[first_edges]
        graph = csr_array(
            (weight[first_edges], (tail[first_edges], head[first_edges])), shape=(total, total)
        )
        self._minutes = np.full(total, np.inf)
        self._toward = np.full(total, -1, dtype=np.intp)
        self._facility = np.full(total, -1, dtype=np.intp)
        if count:
            self._minutes, toward, nearest_facility = dijkstra(
                graph, indices=door + count, min_only=True, return_predecessors=True
            )
            self._toward = np.maximum(toward, -1).astype(np.intp)
            is_reached = np.isfinite(self._minutes)
            self._facility[is_reached] = self._on_roads[
                nearest_facility[is_reached] - self._doors - count
            ]
        self._road_m = self._road_lengths()

    def _road_lengths(self) -> Floats:
        """Return the length of each node's route to its facility, by pointer doubling."""
        toward = self._toward.copy()
        length_m = np.zeros(len(toward))
        stretch = self._stretch_to(np.flatnonzero(toward >= 0))
        is_road = stretch >= 0
        moving = np.flatnonzero(toward >= 0)
        length_m[moving[is_road]] = self._parts.length_m[stretch[is_road]]
        while len(moving):
            length_m[moving] += length_m[toward[moving]]
            toward[moving] = toward[toward[moving]]
            moving = moving[toward[moving] >= 0]
        return length_m

    def _stretch_to(self, node: Positions) -> Positions:
        """Return the stretch through which each node is reached; -1 for a facility's leg."""
        key = self._toward[node] * len(self._toward) + node
        return self._stretch[np.searchsorted(self._key, key)]

    def minutes(self, origins: Shapes | RoadDoors) -> Floats:
        """Return each place's minutes to the facility nearest by time; infinite if unreachable.

        Places, whose doors may be known, and errors are as in `RoadNetwork.reach`.
        """
        return self._best(origins)[1]

    def nearest(self, origins: Shapes) -> Positions:
        """Return the position of each place's facility nearest by time; -1 if none is reachable."""
        return self._owned(self._best(origins)[2])

    def trips(self, origins: Shapes) -> pd.DataFrame:
        """Return each place's trip to the facility nearest to it by time.

        The columns are `minutes`, `facility` (its position), `road_km` and `off_road_km` (both
        ends together), the lengths along the fastest route. If no facility is reachable they are
        infinite, -1, NaN and NaN. The index is that of the places; for an array 0, 1, ...
        """
        access, minutes, facility, cut = self._best(origins)
        is_reached = facility >= 0
        road_m, off_road_m = np.full((2, len(minutes)), np.nan)
        at = cut[is_reached]
        from_door = np.abs(access.measure[is_reached] - self._parts.cut[at])
        road_m[is_reached] = from_door + self._road_m[self._parts.node[at]]
        legs = access.off_road_m, self._facilities.off_road_m
        off_road_m[is_reached] = legs[0][is_reached] + legs[1][facility[is_reached]]
        index = getattr(origins, "index", None)
        return pd.DataFrame(
            {
                "minutes": minutes,
                "facility": self._owned(facility),
                "road_km": road_m / 1000,
                "off_road_km": off_road_m / 1000,
            },
            index=index,
        )

    def routes(self, origins: Shapes) -> NDArray[np.object_]:
        """Return each place's route to its facility, off-road parts included; None if unreachable.

        Routes are lines in the network's CRS, from the place to the facility. A route without
        length has two equal ends.
        """
        access, _, facility, cut = self._best(origins)
        made = np.full(len(facility), None, dtype=object)
        for row in np.flatnonzero(facility >= 0):
            courses = list(self._course(float(access.measure[row]), int(cut[row])))
            target = self._facilities.xy[facility[row]]
            xy = np.vstack([access.xy[row], *courses, target])
            is_new = np.append(True, (np.diff(xy, axis=0) != 0).any(axis=1))
            made[row] = shapely.LineString(xy[is_new] if is_new.sum() > 1 else xy[:2])
        return made

    def route(self, origin: shapely.Geometry) -> shapely.LineString | None:
        """Return the route of one place; see `routes`."""
        found: shapely.LineString | None = self.routes(np.array([origin], dtype=object))[0]
        return found

    def _course(self, measure: float, cut: int) -> list[Floats]:
        """Return the coordinates along the roads from a place, via a cut of its line."""
        courses, parts = self._network.courses, self._parts
        found = [courses.between(measure, float(parts.cut[cut]))]
        node = int(parts.node[cut])
        while True:
            stretch = int(self._stretch_to(np.array([node]))[0])
            if stretch < 0:
                return found
            first = int(parts.first[stretch])
            start, end = (float(each) for each in parts.cut[first : first + 2])
            found.append(
                courses.between(start, end)
                if parts.node[first] == node
                else courses.between(end, start)
            )
            node = int(self._toward[node])

    def _owned(self, door: Positions) -> Positions:
        """Return the facilities of doors; -1 stays."""
        return np.where(door >= 0, self._owner[door], -1) if len(self._owner) else door

    def _best(self, origins: Shapes | RoadDoors) -> tuple[RoadAccess, Floats, Positions, Positions]:
        """Return where each place meets the roads best, and what `_answers` says from there.

        A place at a cut-off road also tries the main part, and goes that way if it is quicker.
        """
        network = self._network
        doors = origins if isinstance(origins, RoadDoors) else network.doors(origins)
        access = doors.access
        minutes, door, cut = self._answers(access)
        off = network.off_main(access)
        if len(off):
            main = doors.main.taken(off)
            found = self._answers(main)
            is_quicker = found[0] < minutes[off]
            rows = off[is_quicker]
            access = access.with_rows(rows, main.taken(is_quicker))
            minutes[rows], door[rows], cut[rows] = (each[is_quicker] for each in found)
        return access, minutes, door, cut

    def _answers(self, access: RoadAccess) -> tuple[Floats, Positions, Positions]:
        """Return each place's minutes, facility, and the cut through which it leaves its line."""
        minutes = np.full(len(access.measure), np.inf)
        facility = np.full(len(minutes), -1, dtype=np.intp)
        by = np.full(len(minutes), -1, dtype=np.intp)
        row = np.flatnonzero(np.isfinite(access.measure))
        measure = access.measure[row]
        line = self._network.courses.line_at(measure)
        before = self._parts.before(measure, line)
        ways = np.stack([before, before + 1])
        along_m = np.abs(self._parts.cut[ways] - measure)
        node = self._parts.node[ways]
        total = along_m * self._network.minutes_per_m[line] + self._minutes[node]
        is_second = (total[1] < total[0]) | (
            (total[1] == total[0]) & (self._facility[node[1]] < self._facility[node[0]])
        )
        side, each = is_second.astype(np.intp), np.arange(len(row))
        minutes[row] = total[side, each] + access.off_road_m[row] * self._off_road
        facility[row] = self._facility[node[side, each]]
        by[row] = ways[side, each]
        return minutes, facility, by


_lock = threading.Lock()
_networks: list[tuple[gpd.GeoDataFrame, RoadNetwork]] = []


def network_of(plan: Plan, *, assumptions: TravelAssumptions = DEFAULT_ASSUMPTIONS) -> RoadNetwork:
    """Return the network of a plan's roads; the last few are cached.

    A plan without the layer has a network without roads, on which nothing is reachable.
    """
    roads = plan.metric("roads")
    with _lock:
        for position, (frame, network) in enumerate(_networks):
            # Plans that share a layer share its frame, and nobody changes one in place.
            if frame is roads and network.assumptions == assumptions:
                _networks.append(_networks.pop(position))
                return network
        made = RoadNetwork.build(roads, assumptions=assumptions)
        _networks.append((roads, made))
        del _networks[:-_CACHED_NETWORKS]
        return made


def _minutes_per_m(speed_km_h: Floats | float) -> Floats:
    return np.asarray(0.06 / np.asarray(speed_km_h, dtype=float))
