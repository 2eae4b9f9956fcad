"""What criteria measure from: the candidates, the plan around them, and the project.

Everything that several criteria need (travel times, slopes, neighbours) is measured once, when
it is first asked for. Arrays follow the order of the candidates; a missing value is NaN, a
facility out of reach is infinite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo_service.errors import NotFoundError
from geo_service.plan import rows_of
from geo_service.spatial.cut_off import cut_off_roads
from geo_service.spatial.network import network_of
from geo_service.wording import said, shorten

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from geo_service.plan import Plan
    from geo_service.spatial.cut_off import CutOffRoad
    from geo_service.spatial.network import Reach
    from geo_service.spatial.road_doors import RoadDoors
    from geo_service.suitability.candidates import Candidate
    from geo_service.suitability.effect import FocusEffect
    from geo_service.suitability.project import Project

    Floats = NDArray[np.float64]

M_PER_KM = 1000.0
LEAST_COVERED = 0.9
"""A site of which a DEM knows less than this share has no slope (this product's default)."""


@dataclass(frozen=True)
class Sites:
    """Candidates with what is around them."""

    plan: Plan
    candidates: Sequence[Candidate]
    project: Project
    effects: Mapping[str, FocusEffect] = field(default_factory=dict)
    """The project's effect on the focus of each candidate's park, by park id."""
    _reaches: dict[str, Reach | None] = field(default_factory=dict, repr=False, compare=False)
    """How facilities are reached over the plan's roads, by kind: the same for any candidates."""

    ahead: Sites | None = field(default=None, repr=False, compare=False)
    """Other candidates in the same surroundings whose ways to the roads may be known already."""

    def __len__(self) -> int:
        """Return how many candidates there are."""
        return len(self.candidates)

    def among(self, candidates: Sequence[Candidate]) -> Sites:
        """Return other candidates in the same surroundings; no road is searched again."""
        found = replace(self, candidates=candidates, ahead=None)
        doors = self.__dict__.get("_doors")
        if doors is not None:
            places = {id(candidate): row for row, candidate in enumerate(self.candidates)}
            rows = [places.get(id(candidate), -1) for candidate in candidates]
            if min(rows, default=0) >= 0:
                found.__dict__["_doors"] = doors.taken(np.array(rows, dtype=np.intp))
        return found

    def with_effects(self, effects: Mapping[str, FocusEffect]) -> Sites:
        """Return the same candidates with the project's effects on their parks."""
        found = replace(self, effects=effects, ahead=None)
        if "_doors" in self.__dict__:
            found.__dict__["_doors"] = self._doors
        return found

    @cached_property
    def _doors(self) -> RoadDoors:
        """Where the candidates meet the roads."""
        network = network_of(self.plan)
        if self.ahead is None or "_doors" not in self.ahead.__dict__ or not len(self.ahead):
            return network.doors(self.shapes)
        places = {id(shape): row for row, shape in enumerate(self.ahead.shapes)}
        rows = np.array([places.get(id(shape), -1) for shape in self.shapes], dtype=np.intp)
        doors = self.ahead._doors.taken(rows)  # noqa: SLF001 - of its own class
        others = np.flatnonzero(rows < 0)
        return doors.with_rows(others, network.doors(self.shapes[others]))

    def meet_roads(self) -> None:
        """Find where the candidates meet the roads, if travel times limit where they may be."""
        if any(limit.max_minutes is not None for limit in self.project.access.values()):
            _ = self._doors

    def position_of(self, candidate_id: str) -> int:
        """Return a candidate's position; NotFoundError for one that is not among them."""
        positions = np.flatnonzero(self.ids.to_numpy() == candidate_id)
        if not len(positions):
            msg = said("problem.no_candidate", name=repr(shorten(candidate_id)))
            raise NotFoundError(msg)
        return int(positions[0])

    @cached_property
    def ids(self) -> pd.Index:
        """The candidates' ids."""
        ids = [candidate.candidate_id for candidate in self.candidates]
        return pd.Index(ids, name="candidate_id", dtype=object)

    @cached_property
    def shapes(self) -> NDArray[np.object_]:
        """The candidates' shapes in the metric CRS."""
        shapes = np.empty(len(self.candidates), dtype=object)
        shapes[:] = [candidate.geometry for candidate in self.candidates]
        return shapes

    @cached_property
    def frame(self) -> gpd.GeoDataFrame:
        """The candidates' shapes as a frame in the metric CRS."""
        return gpd.GeoDataFrame(geometry=self.shapes, crs=self.plan.metric_crs)

    def each(self, measure: Callable[[Candidate], float | None]) -> Floats:
        """Return a measure of each candidate; None becomes NaN."""
        found = [measure(candidate) for candidate in self.candidates]
        return np.array([np.nan if value is None else value for value in found], dtype=float)

    # ---- facilities and roads -------------------------------------------------------------

    def facilities(self, kind: str) -> tuple[NDArray[np.object_], list[str]]:
        """Return the points (metric CRS) and names of the facilities of a kind."""
        frame = self.plan.metric("facilities")
        own = frame[frame["kind"] == kind]
        return own.geometry.to_numpy(), [str(name) for name in own["name"]]

    def reach(self, kind: str) -> Reach | None:
        """Return how the facilities of a kind are reached over the roads; None without any."""
        if kind not in self._reaches:
            points, _ = self.facilities(kind)
            has_roads = len(self.plan.frame("roads")) > 0
            is_known = has_roads and len(points) > 0
            self._reaches[kind] = network_of(self.plan).reach(points) if is_known else None
        return self._reaches[kind]

    @cached_property
    def cut_off(self) -> tuple[CutOffRoad, ...]:
        """The roads that do not hang together with the others, longest first."""
        roads = self.plan.metric("roads")
        return tuple(cut_off_roads(roads, network_of(self.plan))) if len(roads) else ()

    @property
    def has_travelled(self) -> bool:
        """Whether travel over roads was asked for."""
        return any(reach is not None for reach in self._reaches.values())

    def cut_off_near(self, position: int) -> CutOffRoad | None:
        """Return the cut-off road that a candidate lies at; None for one at another road."""
        roads = self.plan.metric("roads")
        row = int(network_of(self.plan).cut_off_near(self.shapes[[position]])[0])
        if row < 0:
            return None
        road_id = str(roads["road_id"].iloc[row])
        return next(road for road in self.cut_off if road.road_id == road_id)

    def minutes(self, kind: str) -> Floats:
        """Return travel minutes to the nearest facility of a kind, infinite when out of reach."""
        reach = self.reach(kind)
        return np.full(len(self), np.nan) if reach is None else reach.minutes(self._doors)

    def km(self, kind: str) -> Floats:
        """Return the straight distance to the nearest facility of a kind in km."""
        points, _ = self.facilities(kind)
        if not len(points):
            return np.full(len(self), np.nan)
        tree = shapely.STRtree(points)
        rows, far = tree.query_nearest(self.shapes, return_distance=True, all_matches=False)
        result = np.full(len(self), np.nan)
        result[rows[0]] = far / M_PER_KM
        return result

    def nearest_name(self, kind: str, position: int) -> str | None:
        """Return the name of the facility that a candidate reaches soonest, else the nearest."""
        points, names = self.facilities(kind)
        if not names:
            return None
        reach = self.reach(kind)
        if reach is not None:
            found = int(reach.nearest(self.shapes[[position]])[0])
            if found >= 0:
                return names[found]
        return names[int(np.argmin(shapely.distance(points, self.shapes[position])))]

    @cached_property
    def slopes(self) -> pd.DataFrame:
        """Slope over each candidate's ground, see `raster.slope_of`; NaN where a DEM lacks it."""
        dem = self.plan.dem
        columns = ["mean_percent", "mean_degrees", "steep_share"]
        if dem is None:
            return pd.DataFrame(np.nan, index=range(len(self)), columns=columns)
        from geo_service.spatial.raster import slope_of  # noqa: PLC0415 - its library is heavy

        found = slope_of(dem, self.frame)
        return found[columns].where(found["covered_share"] >= LEAST_COVERED)

    # ---- parks ----------------------------------------------------------------------------

    @cached_property
    def park_rows(self) -> dict[str, dict[str, object]]:
        """Each park's columns, by its id."""
        return {row["park_id"]: row for row in rows_of(self.plan.frame("parks"))}
