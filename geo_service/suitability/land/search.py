"""Free siting: new land for a park or a large project, anywhere in the county.

A grid of cells shows where there is room (`closed` says what is not free); from the cells
with the best prospects compact sites are cut out of the free ground itself, with its exact
borders, and every site is put to the review's own rules before it is returned. Sites come
in a simple order of their own; scoring them by criteria happens elsewhere. What each
default is for, and what was turned down: docs/decisions/0008-free-siting.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo_service.errors import InvalidQueryError
from geo_service.spatial.cell_grid import CellGrid, largest_patch
from geo_service.suitability.candidates import Candidate, CandidateKind, compactness
from geo_service.suitability.exclusion import judge_by_rules
from geo_service.suitability.land.balance import (
    ClosedShare,
    NearestMiss,
    measure_closed,
    nearest_miss,
)
from geo_service.suitability.land.closed import survey
from geo_service.suitability.land.growth import Growth
from geo_service.suitability.land.seeds import ROOMY_ENOUGH, Prospects, burn_county
from geo_service.suitability.reasons import Reason, is_excluded
from geo_service.wording import said
from geo_service.zoning.zones import BOUNDARY, mapped_zones

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from geo_service.plan import Plan
    from geo_service.suitability.land.closed import Territory
    from geo_service.suitability.land.seeds import CountyCells, Seed
    from geo_service.suitability.project import Project
    from geo_service.zoning.rulebook import Rulebook

    Mask = NDArray[np.bool_]

CELLS_PER_SIDE = 8
"""How many cells to the side of a square of the asked area."""
FINEST_M, COARSEST_M = 20.0, 100.0
MAX_CELLS = 4_000_000
"""The grid over the county is made no finer than that."""
MAX_LIMIT = 500
SQUARE = math.pi / 4
"""The compactness of a square, which sites start from: no more can be asked of them."""
MOST_PER_DISTRICT = 3
"""How many sites a district gives before all others had their turn."""
TRIES_PER_SITE = 25
"""How many seeds are tried for each site asked for, before the search gives up."""

Progress = Callable[[int, int, str], None]
Steep = Callable[[CellGrid], "Mask"]
"""Tells the steep cells of a grid; steep land is less preferred, never excluded."""


@dataclass(frozen=True, kw_only=True)
class LandOptions:
    """What a search for land may be told; the defaults are this product's own.

    `cell_m` is chosen from the asked area when None. Land within `road_m` of a road comes
    first. A site's 4πA/P² is at least `min_compactness`: 0.785 is a square, 0.5 a rectangle
    of 4 to 1. `steep` marks cells that are too steep to prefer; left out, it is told by the
    plan's elevation model, if there is one.
    """

    limit: int = 40
    cell_m: float | None = None
    road_m: float = 1_000.0
    min_compactness: float = 0.5
    steep: Steep | None = None


@dataclass(frozen=True, kw_only=True)
class SiteFacts:
    """What the order of sites goes by, of one site.

    `road_m` is the distance to the nearest road, None without roads; `in_boundary` the share
    inside the development boundary, None where no boundary is mapped; `is_steep` whether more
    than a tenth of the ground around the seed is, None where nothing tells slopes.
    """

    compactness: float
    road_m: float | None
    in_boundary: float | None
    is_steep: bool | None


@dataclass(frozen=True, kw_only=True)
class LandSearch:
    """What a search for land found, what stood against it, and what could not be judged.

    `candidates` are in the order of preference. `reasons` are what the rules cannot tell of
    single candidates, by id; `unjudged` what they cannot tell anywhere. Areas of `closed` are
    counted in cells whose centre is closed; geometry is in the metric CRS.
    """

    candidates: tuple[Candidate, ...]
    facts: Mapping[str, SiteFacts]
    closed: tuple[ClosedShare, ...]
    county_m2: float
    free_m2: float
    county_source: str
    cell_m: float
    unjudged: tuple[Reason, ...] = ()
    reasons: Mapping[str, tuple[Reason, ...]] = field(default_factory=dict)
    nearest_miss: NearestMiss | None = None
    illustrative: bool = False
    grid: CellGrid = field(repr=False)
    free: Mask = field(repr=False, compare=False)

    @cached_property
    def free_shape(self) -> BaseGeometry:
        """The free ground as polygons for a map, generalised to the grid's cells."""
        return self.grid.polygons(self.free)


def find_land(
    plan: Plan,
    project: Project,
    rulebook: Rulebook,
    *,
    as_of: date,
    options: LandOptions | None = None,
    progress: Progress | None = None,
) -> LandSearch:
    """Return compact sites of the asked area on ground that nothing closes or takes.

    Parameters
    ----------
    plan
        The county; its boundary, or else its townships' polygons, say where to look.
    project
        What is to be built; `needs.land_m2` is the asked area. A site has at least that and
        at most one cell of the grid more.
    rulebook
        The rules: those that may forbid a place are put to the project.
    as_of
        The day on which rules must be in force.
    options
        How many sites, how fine a grid, and what is preferred.
    progress
        Called with (done, total, step) before each step and after each site.

    Raises
    ------
    InvalidQueryError
        The project asks for no land, an option is out of its range, or the workspace does
        not say where the county is.
    """
    wishes = options or LandOptions()
    needed_m2 = _checked(project, wishes)
    tell = progress or _say_nothing
    steps = wishes.limit + 2
    tell(0, steps, "ground")
    territory = survey(plan, project, rulebook, as_of=as_of)
    grid = _grid(territory.shape, needed_m2, wishes.cell_m)
    tell(1, steps, "grid")
    cells = burn_county(grid, territory)
    patch_cells, patch = largest_patch(cells.free)
    unjudged = {item.rule_id for item in territory.unjudged}
    is_blind = bool(unjudged) and project.unknown == "exclude"
    is_too_small = patch_cells * grid.cell_m**2 < ROOMY_ENOUGH * needed_m2
    sites: Iterator[_Site] = iter(())
    if not is_blind and not is_too_small:
        sites = _grow_sites(plan, territory, cells, needed_m2, wishes)
    found: list[_Site] = []
    reasons: dict[str, tuple[Reason, ...]] = {}
    while batch := list(
        islice(_reporting(sites, len(found), steps, tell), wishes.limit - len(found))
    ):
        grown = [site.candidate for site in batch]
        by_rules = judge_by_rules(plan, grown, project, rulebook, as_of=as_of)
        for site in batch:
            candidate_id = site.candidate.candidate_id
            if is_excluded(by_rules[candidate_id], project):
                continue
            found.append(site)
            here = [item for item in by_rules[candidate_id] if item.rule_id not in unjudged]
            if here:
                reasons[candidate_id] = tuple(here)
    return LandSearch(
        candidates=tuple(site.candidate for site in found),
        facts={site.candidate.candidate_id: site.facts for site in found},
        closed=measure_closed(cells),
        county_m2=float(territory.shape.area),
        free_m2=float(cells.free.sum()) * grid.cell_m**2,
        county_source=territory.shape_layer,
        cell_m=grid.cell_m,
        unjudged=territory.unjudged,
        reasons=reasons,
        nearest_miss=None if found else nearest_miss(grid, patch),
        illustrative=territory.is_illustrative,
        grid=grid,
        free=cells.free,
    )


@dataclass(frozen=True)
class _Site:
    candidate: Candidate
    facts: SiteFacts


def _say_nothing(_done: int, _total: int, _step: str) -> None:
    """Take progress that nobody asked for."""


def _reporting(sites: Iterator[_Site], count: int, steps: int, tell: Progress) -> Iterator[_Site]:
    """Yield sites and tell of each."""
    for number, site in enumerate(sites, start=count):
        tell(min(number + 2, steps), steps, "sites")
        yield site


def _checked(project: Project, wishes: LandOptions) -> float:
    """Return the asked area; InvalidQueryError where the question makes no sense."""
    needed_m2 = project.needs.land_m2
    name = "needs.land_m2"
    if needed_m2 is None:
        msg = said("problem.land_needed")
        raise InvalidQueryError(name, msg)
    for name, value, low, high in (
        ("limit", wishes.limit, 1, MAX_LIMIT),
        ("cell_m", wishes.cell_m or COARSEST_M, 1, math.inf),
        ("road_m", wishes.road_m, 0, math.inf),
        ("min_compactness", wishes.min_compactness, 0, SQUARE),
    ):
        if not low <= value <= high:
            msg = said("problem.out_of_range", name=name, value=value, low=low, high=high)
            raise InvalidQueryError(name, msg)
    return needed_m2


def _grid(shape: BaseGeometry, needed_m2: float, cell_m: float | None) -> CellGrid:
    """Return a grid over a shape with a cell to spare; as fine as the asked area wants it."""
    west, south, east, north = shape.bounds
    finest_m = math.sqrt((east - west) * (north - south) / MAX_CELLS)
    if cell_m is not None and cell_m < finest_m:
        name = "cell_m"
        msg = said("problem.cell", cell=cell_m, finest=finest_m)
        raise InvalidQueryError(name, msg)
    wanted_m = min(max(math.sqrt(needed_m2) / CELLS_PER_SIDE, FINEST_M), COARSEST_M)
    size_m = cell_m or float(math.ceil(max(wanted_m, finest_m)))
    return CellGrid.over((west - size_m, south - size_m, east + size_m, north + size_m), size_m)


def _grow_sites(
    plan: Plan, territory: Territory, cells: CountyCells, needed_m2: float, wishes: LandOptions
) -> Iterator[_Site]:
    """Yield sites that do not overlap, in the order of their seeds, until too many tries fail."""
    prospects = Prospects.of(
        plan, cells, math.sqrt(needed_m2), road_m=wishes.road_m, steep=wishes.steep
    )
    growth = Growth(
        county_shape=territory.shape,
        blocked=territory.closed_shapes,
        roads=plan.metric("roads").geometry.to_numpy(),
        needed_m2=needed_m2,
        spare_m2=cells.grid.cell_m**2,
        min_compactness=wishes.min_compactness,
    )
    zones = mapped_zones(plan, BOUNDARY)
    boundary = None if zones is None else zones.geometry.to_numpy()
    for seed in islice(_in_turn(prospects, growth, wishes.limit), TRIES_PER_SITE * wishes.limit):
        shape = growth.grow(seed.point)
        if shape is None:
            continue
        growth.give(shape, seed.district)
        east, north = (math.floor(metres) for metres in (seed.point.x, seed.point.y))
        yield _Site(
            Candidate(
                candidate_id=f"{CandidateKind.LAND}:E{east}N{north}",
                kind=CandidateKind.LAND,
                park_id=None,
                members=(),
                area_m2=float(shape.area),
                geometry=shape,
                illustrative=territory.is_illustrative,
            ),
            SiteFacts(
                compactness=compactness(shape),
                road_m=growth.road_distance_m(shape),
                in_boundary=_share_inside(shape, boundary),
                is_steep=seed.is_steep,
            ),
        )


def _in_turn(prospects: Prospects, growth: Growth, limit: int) -> Iterator[Seed]:
    """Yield seeds worth a try; those of districts that have their share of sites come last."""
    waiting: list[Seed] = []

    def worth_a_try(seeds: Iterable[Seed], most: int) -> Iterator[Seed]:
        for seed in seeds:
            if growth.is_in_site(seed.point):
                continue
            if growth.districts[seed.district] >= most:
                waiting.append(seed)
            elif prospects.has_room(seed):
                yield seed

    yield from worth_a_try(prospects.seeds(limit), MOST_PER_DISTRICT)
    yield from worth_a_try(tuple(waiting), limit)


def _share_inside(shape: BaseGeometry, zones: NDArray[np.object_] | None) -> float | None:
    """Return the share of a shape inside zones; None where nobody knows them."""
    if zones is None:
        return None
    near = zones[shapely.intersects(zones, shape)]
    return float(shapely.union_all(shapely.intersection(near, shape)).area / shape.area)
