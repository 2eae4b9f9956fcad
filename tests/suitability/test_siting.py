"""Searching for new land, in counties of a few squares where the free places are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo_service.crs import STORAGE_CRS
from geo_service.errors import InvalidQueryError
from geo_service.model import Verdict
from geo_service.plan import Plan
from geo_service.spatial.cell_grid import CellGrid
from geo_service.spatial.raster import Dem
from geo_service.suitability.candidates import Candidate, CandidateKind, compactness
from geo_service.suitability.exclusion import find_closures, judge_by_rules
from geo_service.suitability.land.balance import ClosedShare
from geo_service.suitability.land.closed import around
from geo_service.suitability.land.search import LandOptions, LandSearch, find_land
from geo_service.suitability.land.seeds import steep_cells
from geo_service.suitability.project import Project, parse_project
from geo_service.workspace.opening import open_plan
from geo_service.zoning.rulebook import Rulebook, default_rulebook, parse_rulebook
from tests.county import ORIGIN_M, County, Row, box, in_degrees, line, parcel, point, zone
from tests.depth import thorough

Open = Callable[[County], Plan]
DAY = date(2026, 6, 1)
SIDE_M = 4_000.0
TEN_HA = 100_000.0  # a square of 316.2 m
MARK = {"source": "made for tests", "illustrative": True}


def project(land_m2: float = TEN_HA, code: str = "1311", unknown: str = "keep") -> Project:
    """Return a project that wants land and makes no hazardous chemicals."""
    return parse_project(
        f"name: x\nindustry_code: '{code}'\nneeds: {{land_m2: {land_m2}}}\nunknown: {unknown}\n"
        "hazardous_chemicals: false\n"
    )


CARS = "3670"
"""A code that is no processing of farm products, which may lie outside the boundary."""


@cache
def open_rules() -> Rulebook:
    """Return the shipped rules without the one that new land must lie in the boundary."""
    return parse_rulebook(
        "format: '1'\ntitle: {zh-Hans: x, zh-Hant: x, en: x}\nextends: default\nrules:\n"
        "  layout.in_development_boundary:\n    enabled: false\n",
        "rulebook.yaml",
    )


def search(plan: Plan, asked: Project | None = None, **options: Any) -> LandSearch:  # noqa: ANN401
    """Return what is found under the shipped rules."""
    return find_land(
        plan, asked or project(), open_rules(), as_of=DAY, options=LandOptions(**options)
    )


@pytest.fixture
def small(county: County) -> County:
    """A county of 4 by 4 km with its one park in the south-west corner and no zones."""
    county.layers["county"][0]["geometry"] = box(0, 0, SIDE_M, SIDE_M)
    county.layers["parks"] = [{**county.layers["parks"][0], "geometry": box(0, 0, 100, 100)}]
    county.layers["enterprises"] = county.layers["enterprises"][:5]
    del county.layers["control_zones"]
    county.complete_zone_kinds.append("development_boundary")
    return county


def all_but(*holes: shapely.Geometry, **values: object) -> Row:
    """Return a red line over the whole county but for holes."""
    whole = box(-10, -10, SIDE_M + 20, SIDE_M + 20)
    return zone("Z", shapely.difference(whole, shapely.union_all(holes)), **values)


def assert_sound(found: LandSearch, plan: Plan, asked: Project) -> None:
    """Check what holds of every search: area, shape, place, no overlap, no rule against it."""
    needed_m2 = asked.needs.land_m2 or 0.0
    county = shapely.union_all(plan.metric("county").geometry.to_numpy())
    for candidate in found.candidates:
        site = candidate.geometry
        assert candidate.kind is CandidateKind.LAND
        assert candidate.park_id is None
        assert needed_m2 <= candidate.area_m2 <= needed_m2 + found.cell_m**2
        assert site.area == pytest.approx(candidate.area_m2)
        assert compactness(site) >= 0.5
        assert site.is_valid
        assert isinstance(site, shapely.Polygon)
        assert not site.interiors
        assert county.covers(site)
        assert plan.metric("parks").intersection(site).area.sum() == 0
    for one, two in combinations(found.candidates, 2):
        assert not one.geometry.intersects(two.geometry)
    ids = [candidate.candidate_id for candidate in found.candidates]
    assert len(set(ids)) == len(ids)
    against = judge_by_rules(plan, found.candidates, asked, open_rules(), as_of=DAY)
    verdicts = {item.verdict for reasons in against.values() for item in reasons}
    assert Verdict.FAIL not in verdicts


def test_the_only_free_place_is_found(small: County, opened: Open) -> None:
    hole = box(2_500, 1_500, 330, 330)
    small.layers["control_zones"] = [all_but(hole)]
    plan = opened(small)
    found = search(plan)
    assert len(found.candidates) == 1
    assert_sound(found, plan, project())
    assert shapely.union_all([hole]).covers(found.candidates[0].geometry.buffer(-1e-6))
    name = found.candidates[0].candidate_id
    east, north = (float(part) for part in name.removeprefix("land:E").split("N"))
    assert found.candidates[0].geometry.contains(shapely.Point(east, north))
    assert found.nearest_miss is None
    # 16 km² of which the hole is 0.1089 km²; cells of 40 m count by their centres.
    assert found.free_m2 == pytest.approx(330**2, rel=0.25)
    assert found.county_m2 == pytest.approx(16e6, rel=1e-6)


def test_a_place_that_is_not_square_is_filled_with_its_own_borders(
    small: County, opened: Open
) -> None:
    # 560 x 200 m: a square of 316 m does not fit, 500 x 198 m do.
    small.layers["control_zones"] = [all_but(box(1_000, 1_000, 560, 200))]
    plan = opened(small)
    found = search(plan)
    assert len(found.candidates) == 1
    assert_sound(found, plan, project())
    # 198 m wide (1 m kept off either side), so 505 m long: 4π·100,000 / 1,406² = 0.636.
    assert found.facts[found.candidates[0].candidate_id].compactness == pytest.approx(
        0.636, abs=0.01
    )


def test_a_thread_of_land_is_no_site(small: County, opened: Open) -> None:
    small.layers["control_zones"] = [all_but(box(100, 1_000, 3_500, 60))]
    found = search(opened(small))  # 210,000 m2, but 60 m wide
    assert found.candidates == ()
    assert found.nearest_miss is not None


def test_nothing_fits_and_the_nearest_miss_says_what_and_where(small: County, opened: Open) -> None:
    hole = box(3_000, 3_000, 280, 280)
    small.layers["control_zones"] = [all_but(hole, box(500, 3_000, 120, 120))]
    found = search(opened(small), cell_m=20)
    assert found.candidates == ()
    miss = found.nearest_miss
    assert miss is not None
    assert miss.area_m2 == pytest.approx(280**2, rel=0.15)  # 14 by 14 cells of 20 m
    assert miss.circle_m2 == pytest.approx(np.pi * 140**2, rel=0.25)
    assert miss.point.distance(hole.centroid) < 40


def test_a_county_that_is_closed_altogether_has_no_nearest_miss(
    small: County, opened: Open
) -> None:
    small.layers["control_zones"] = [all_but()]
    found = search(opened(small))
    assert (found.candidates, found.nearest_miss, found.free_m2) == ((), None, 0)


def test_more_land_than_the_county_has(small: County, opened: Open) -> None:
    found = search(opened(small), project(1e9))
    assert found.candidates == ()
    assert found.nearest_miss is not None
    assert found.nearest_miss.area_m2 == pytest.approx(16e6, rel=0.01)


@pytest.mark.parametrize(
    ("layer", "row"),
    [
        ("parks", {"park_id": "P9", "tier": "sme_cluster", "name": "P9"}),
        ("parcels", parcel("A", box(2_600, 1_600, 150, 150), park_id=None)),
        ("buildings", {"building_id": "B", "park_id": None}),
        ("facilities", {"facility_id": "F", "kind": "substation", "name": "F"}),
        ("rivers", {"river_id": "R", "name": "R", "rank": "tributary"}),
        ("roads", {"road_id": "X", "class": "national", "speed_km_h": 60}),
    ],
)
def test_taken_ground_is_not_free(small: County, opened: Open, layer: str, row: Row) -> None:
    small.layers["control_zones"] = [all_but(box(2_500, 1_500, 330, 330))]
    middle: dict[str, shapely.Geometry] = {
        "facilities": point(2_665, 1_665),
        "rivers": line((2_000, 1_665), (3_500, 1_665)),
        "roads": line((2_665, 1_000), (2_665, 2_500)),
    }
    extra: Row = {
        "parks": {**small.layers["parks"][0], "declared_area_ha": 1.0},
        "rivers": {"is_management_boundary": False},
    }.get(layer, {})
    shape = middle.get(layer, box(2_600, 1_600, 150, 150))
    small.layers[layer] = [
        *small.layers.get(layer, []),
        {**MARK, **extra, **row, "geometry": shape},
    ]
    found = search(opened(small))
    assert found.candidates == ()
    assert (layer, Verdict.FAIL) in {(item.name, item.verdict) for item in found.closed}


def test_a_vacant_parcel_outside_parks_and_a_village_road_are_free(
    small: County, opened: Open
) -> None:
    small.layers["control_zones"] = [all_but(box(2_500, 1_500, 330, 330))]
    small.layers["parcels"] = [
        parcel("A", box(2_600, 1_600, 150, 150), park_id=None, status="vacant")
    ]
    small.layers["roads"] = [
        {
            "road_id": "X",
            "class": "village",
            "speed_km_h": 20,
            "geometry": line((2_665, 1_000), (2_665, 2_500)),
            **MARK,
        }
    ]
    assert len(search(opened(small)).candidates) == 1


def test_what_closes_the_county_adds_up(small: County, opened: Open) -> None:
    small.layers["control_zones"] = [
        zone("A", box(0, 2_000, 4_000, 2_000)),  # half of 16 km²
        zone("B", box(2_000, 0, 2_000, 4_000), kind="permanent_farmland"),  # half, a quarter both
        zone("C", box(0, 0, 50, 50), kind="wetland", grade="general"),  # to be avoided
    ]
    found = search(opened(small))
    shares: dict[str, ClosedShare] = {item.name: item for item in found.closed}
    red = shares["control_zone.ecological_red_line"]
    assert red.share == pytest.approx(0.5, abs=0.02)
    assert red.area_m2 == pytest.approx(8e6, rel=0.04)
    assert red.alone_m2 == pytest.approx(4e6, rel=0.04)
    assert shares["control_zone.permanent_farmland"].share == pytest.approx(0.5, abs=0.02)
    assert "control_zone.wetland" not in shares
    assert found.free_m2 == pytest.approx(4e6, rel=0.05)
    assert found.free_shape.area == pytest.approx(found.free_m2, rel=0.05)
    for candidate in found.candidates:
        west, south, east, north = candidate.geometry.bounds
        assert max(east - ORIGIN_M[0], north - ORIGIN_M[1]) < 2_000 < SIDE_M
        assert min(west - ORIGIN_M[0], south - ORIGIN_M[1]) > 0


def river(shape: shapely.Geometry, *, is_boundary: bool = True, **values: object) -> Row:
    """Return a river's row: a main river's management boundary unless told otherwise."""
    return {
        "river_id": f"R{is_boundary}",
        "name": "大河",
        "rank": "main",
        "is_management_boundary": is_boundary,
        "geometry": shape,
        **MARK,
        **values,
    }


def test_chemistry_keeps_its_kilometre_from_the_river(small: County, opened: Open) -> None:
    small.layers["rivers"] = [river(line((-500, 0), (4_500, 0)))]
    plan = opened(small)
    bank = shapely.LineString(shapely.get_coordinates(line((-500, 0), (4_500, 0))))
    chemistry = search(plan, project(code="2614"))
    assert chemistry.candidates
    assert_sound(chemistry, plan, project(code="2614"))
    assert min(item.geometry.distance(bank) for item in chemistry.candidates) >= 1_000
    assert min(item.geometry.distance(bank) for item in chemistry.candidates) <= 1_500
    food = search(plan)
    assert min(item.geometry.distance(bank) for item in food.candidates) < 1_000
    shares = {item.name: item.share for item in chemistry.closed}
    assert shares["river.chemical_1km"] == pytest.approx(0.25, abs=0.02)  # 1 of 4 km


def test_the_river_counts_in_a_county_that_has_no_enterprises(small: County, opened: Open) -> None:
    small.layers["rivers"] = [river(line((-500, 2_000), (4_500, 2_000)))]
    del small.layers["enterprises"]
    plan = opened(small)
    near = Candidate(
        candidate_id="land:near",
        kind=CandidateKind.LAND,
        park_id=None,
        members=(),
        area_m2=1e4,
        geometry=box(1_000, 2_500, 100, 100),
    )
    asked = project(code="2614")
    reasons = judge_by_rules(plan, [near], asked, open_rules(), as_of=DAY)
    assert "river.chemical_1km" in [item.rule_id for item in reasons["land:near"]]
    found = search(plan, asked)
    assert_sound(found, plan, asked)
    assert "river.chemical_1km" in {item.name for item in found.closed}


def test_a_river_without_a_mapped_boundary_leaves_ground_unknown(
    small: County, opened: Open
) -> None:
    small.layers["rivers"] = [river(line((-500, 0), (4_500, 0)), is_boundary=False)]
    plan = opened(small)
    kept = search(plan, project(code="2614"))
    unknown = {item.name: item for item in kept.closed if item.verdict is Verdict.UNKNOWN}
    # 1 km, and 1 km more for where the boundary may run: half of the county.
    assert unknown["river.chemical_1km"].share == pytest.approx(0.5, abs=0.02)
    first = kept.candidates[0]
    assert first.geometry.bounds[1] - ORIGIN_M[1] > 2_000  # sure ground comes first
    strict = search(plan, project(code="2614", unknown="exclude"))
    assert strict.candidates
    assert min(item.geometry.bounds[1] for item in strict.candidates) > ORIGIN_M[1] + 2_000
    assert strict.reasons == {}


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ("hazardous_chemicals: true", "enterprise.hazardous_outside"),
        ("catalogue_class: restricted", "enterprise.catalogue_class"),
    ],
)
def test_no_new_land_is_open_to_what_may_be_built_nowhere_on_it(
    small: County, opened: Open, said: str, rule: str
) -> None:
    asked = parse_project(f"name: x\nindustry_code: '1311'\nneeds: {{land_m2: 10000}}\n{said}\n")
    found = search(opened(small), asked)
    assert not found.candidates
    assert {item.name: item.share for item in found.closed}[rule] == pytest.approx(1)


def test_whether_a_chemical_project_is_hazardous_is_asked(small: County, opened: Open) -> None:
    asked = parse_project("name: x\nindustry_code: '2614'\nneeds: {land_m2: 10000}\n")
    found = search(opened(small), asked)
    assert found.candidates
    assert {item.rule_id for item in found.unjudged} == {"enterprise.hazardous_outside"}


def test_a_tailings_pond_keeps_three_kilometres(small: County, opened: Open) -> None:
    small.layers["rivers"] = [river(line((-500, 0), (4_500, 0)))]
    mine = "name: x\nindustry_code: '0911'\nneeds: {land_m2: 10000}\n"
    pond = search(opened(small), parse_project(f"{mine}tailings_pond: true\n"))
    closed = {item.name for item in pond.closed}
    assert "river.tailings_main" in closed
    assert min(item.geometry.bounds[1] for item in pond.candidates) >= ORIGIN_M[1] + 3_000
    without = search(opened(small), parse_project(mine))  # a code alone is no pond
    assert "river.tailings_main" not in {item.name for item in without.closed}


def test_new_land_lies_in_the_development_boundary(small: County, opened: Open) -> None:
    home = box(2_000, 1_000, 800, 600)
    small.layers["control_zones"] = [zone("D", home, kind="development_boundary")]
    plan = opened(small)
    found = find_land(plan, project(code=CARS), default_rulebook(), as_of=DAY)
    assert found.candidates
    assert all(home.buffer(1).covers(item.geometry) for item in found.candidates)
    closed = {item.name: item.share for item in found.closed}
    assert closed["layout.in_development_boundary"] == pytest.approx(1 - 0.48 / 16, abs=0.01)
    outside = Candidate(
        candidate_id="land:outside",
        kind=CandidateKind.LAND,
        park_id=None,
        members=(),
        area_m2=1e4,
        geometry=box(3_000, 3_000, 100, 100),
    )
    reasons = judge_by_rules(plan, [outside], project(code=CARS), default_rulebook(), as_of=DAY)
    (reason,) = reasons["land:outside"]
    assert (reason.rule_id, reason.verdict) == ("layout.in_development_boundary", Verdict.FAIL)
    assert reason.measure["value"] == pytest.approx(1e4)


def test_without_a_boundary_new_land_is_unknown(small: County, opened: Open) -> None:
    small.complete_zone_kinds.remove("development_boundary")
    plan = opened(small)
    found = find_land(plan, project(code=CARS), default_rulebook(), as_of=DAY)
    assert found.candidates
    assert "layout.in_development_boundary" in {item.rule_id for item in found.unjudged}


def test_in_a_county_that_has_no_boundary_all_land_is_outside(small: County, opened: Open) -> None:
    found = find_land(opened(small), project(code=CARS), default_rulebook(), as_of=DAY)
    assert not found.candidates
    assert "layout.in_development_boundary" not in {item.rule_id for item in found.unjudged}


def test_farm_products_and_village_land_may_lie_outside_the_boundary(
    small: County, opened: Open
) -> None:
    village = box(2_000, 2_000, 800, 600)
    small.layers["control_zones"] = [
        zone("D", box(0, 0, 10, 10), kind="development_boundary"),
        zone("V", village, kind="village_construction_land"),
    ]
    plan = opened(small)
    cars = find_land(plan, project(code=CARS), default_rulebook(), as_of=DAY)
    assert cars.candidates
    assert all(village.buffer(1).covers(item.geometry) for item in cars.candidates)
    food = find_land(plan, project(), default_rulebook(), as_of=DAY)
    assert not all(village.buffer(1).covers(item.geometry) for item in food.candidates)


def test_a_rules_exception_for_an_industry_opens_its_zone(small: County, opened: Open) -> None:
    hole = box(2_500, 1_500, 330, 330)
    small.layers["control_zones"] = [
        all_but(hole),
        zone("W", hole, kind="water_source", grade="1"),
    ]
    plan = opened(small)
    assert search(plan).candidates == ()
    waterworks = search(plan, project(code="4610"))
    assert len(waterworks.candidates) == 1
    assert_sound(waterworks, plan, project(code="4610"))


def test_a_rule_for_some_parks_closes_no_open_land(small: County, opened: Open) -> None:
    small.layers["control_zones"] = [all_but()]
    scoped: Rulebook = parse_rulebook(
        "format: '1'\ntitle: {zh-Hans: x, zh-Hant: x, en: x}\nextends: default\nrules:\n"
        "  control_zone.ecological_red_line:\n    scope: {tiers: [municipal_park]}\n"
        "  layout.in_development_boundary:\n    enabled: false\n",
        "rulebook.yaml",
    )
    plan = opened(small)
    assert find_land(plan, project(), scoped, as_of=DAY).candidates
    assert find_land(plan, project(), open_rules(), as_of=DAY).candidates == ()


def test_a_zone_without_a_grade_is_kept_and_marked_or_avoided(small: County, opened: Open) -> None:
    hole = box(2_500, 1_500, 330, 330)
    small.layers["control_zones"] = [all_but(hole), zone("W", hole, kind="water_source")]
    plan = opened(small)
    kept = search(plan)
    assert len(kept.candidates) == 1
    reasons = kept.reasons[kept.candidates[0].candidate_id]
    assert [(item.rule_id, item.verdict) for item in reasons] == [
        ("control_zone.water_source_1", Verdict.UNKNOWN),
        ("control_zone.water_source_2", Verdict.UNKNOWN),
        ("control_zone.water_source_quasi", Verdict.UNKNOWN),
    ]
    assert search(plan, project(unknown="exclude")).candidates == ()


def test_without_zones_exclusion_cannot_be_judged(small: County, opened: Open) -> None:
    small.complete_zone_kinds.clear()
    plan = opened(small)
    found = search(plan)
    assert found.candidates  # kept, as the project says, and told that nobody could judge them
    assert {item.rule_id for item in found.unjudged} == {
        "control_zone.ecological_red_line",
        "control_zone.permanent_farmland",
        "control_zone.nature_reserve",
        "control_zone.water_source_1",
        "control_zone.water_source_2",
        "control_zone.water_source_quasi",
        "control_zone.river_management",
        "control_zone.reservoir_line",
        "control_zone.geohazard_danger",
        "control_zone.wetland",
        "control_zone.heritage",
        "control_zone.eco_unit",
    }
    assert {item.verdict for item in found.unjudged} == {Verdict.UNKNOWN}
    assert {item.detail.key for item in found.unjudged} == {"finding.no_zones"}
    assert search(plan, project(unknown="exclude")).candidates == ()


def test_a_county_that_nobody_drew_cannot_be_searched(small: County, opened: Open) -> None:
    del small.layers["county"]
    small.layers["townships"][0]["geometry"] = point(0, 0)
    with pytest.raises(InvalidQueryError, match="neither a county boundary"):
        search(opened(small))


def test_townships_stand_in_for_the_county(small: County, opened: Open) -> None:
    del small.layers["county"]
    small.layers["townships"][0]["geometry"] = box(0, 0, 2_000, 2_000)
    found = search(opened(small))
    assert found.county_source == "township_areas"
    assert found.county_m2 == pytest.approx(4e6, rel=1e-6)
    assert found.candidates


@pytest.mark.parametrize(
    ("options", "parameter"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 501}, "limit"),
        ({"cell_m": -1.0}, "cell_m"),
        ({"cell_m": 1.0}, "cell_m"),  # 16 million cells
        ({"road_m": float("nan")}, "road_m"),
        ({"min_compactness": 0.9}, "min_compactness"),
    ],
)
def test_options_out_of_range_are_refused(
    small: County, opened: Open, options: dict[str, Any], parameter: str
) -> None:
    with pytest.raises(InvalidQueryError) as caught:
        search(opened(small), **options)
    assert caught.value.parameter == parameter


def test_a_project_that_wants_floors_finds_no_land(small: County, opened: Open) -> None:
    floors = parse_project("name: x\nindustry_code: 1311\nneeds: {floor_area_m2: 500}\n")
    with pytest.raises(InvalidQueryError, match="land_m2"):
        search(opened(small), floors)


def test_the_limit_holds_and_sites_are_spread(small: County, opened: Open) -> None:
    plan = opened(small)
    for limit in (1, 4, 8):
        found = search(plan, limit=limit)
        assert len(found.candidates) == limit
        assert_sound(found, plan, project())
    four = search(plan, limit=4)
    middle = np.array(ORIGIN_M) + SIDE_M / 2
    quarters = {
        (item.geometry.centroid.x > middle[0], item.geometry.centroid.y > middle[1])
        for item in four.candidates
    }
    assert len(quarters) >= 3  # districts of about a quarter take turns


def test_the_same_question_has_the_same_answer(small: County, tmp_path: Path) -> None:
    small.layers["control_zones"] = [zone("A", box(1_000, 1_000, 777, 555))]
    folder = small.write(tmp_path / "county")
    one, two = search(open_plan(folder)), search(open_plan(folder))
    assert [item.candidate_id for item in one.candidates] == [
        item.candidate_id for item in two.candidates
    ]
    for first, second in zip(one.candidates, two.candidates, strict=True):
        assert shapely.equals_exact(first.geometry, second.geometry)
    assert one.closed == two.closed


def test_land_near_a_road_comes_first_and_lies_along_it(small: County, opened: Open) -> None:
    small.layers["roads"] = [
        {
            "road_id": "X",
            "class": "county",
            "speed_km_h": 40,
            "geometry": line((0, 0), (4_000, 4_000)),
            **MARK,
        }
    ]
    found = search(opened(small), limit=6, road_m=500)
    distances = [found.facts[item.candidate_id].road_m for item in found.candidates]
    assert all(metres is not None and metres <= 500 for metres in distances)
    for item in found.candidates:
        if found.facts[item.candidate_id].compactness == pytest.approx(np.pi / 4):
            (x0, y0), (x1, y1) = shapely.get_coordinates(item.geometry)[:2]
            assert abs(x1 - x0) == pytest.approx(abs(y1 - y0), rel=1e-6)  # 45 degrees


def test_land_inside_the_development_boundary_comes_first(small: County, opened: Open) -> None:
    home = box(2_500, 2_500, 900, 900)
    small.layers["control_zones"] = [zone("D", home, kind="development_boundary")]
    found = search(opened(small), limit=3)
    first = found.facts[found.candidates[0].candidate_id]
    assert first.in_boundary == pytest.approx(1)
    assert home.covers(found.candidates[0].geometry.centroid)


def test_flat_land_comes_first_and_steep_land_is_not_excluded(small: County, opened: Open) -> None:
    plan = opened(small)

    def west(grid: CellGrid) -> np.ndarray[Any, np.dtype[np.bool_]]:
        steep = np.zeros(grid.shape, dtype=bool)
        steep[:, : grid.columns // 2] = True
        return steep

    few = search(plan, limit=3, steep=west)
    assert [few.facts[item.candidate_id].is_steep for item in few.candidates] == [False] * 3
    every = search(plan, steep=lambda grid: np.ones(grid.shape, dtype=bool))
    assert every.candidates
    assert all(every.facts[item.candidate_id].is_steep for item in every.candidates)
    assert search(plan).facts[search(plan).candidates[0].candidate_id].is_steep is None


def test_an_elevation_model_tells_the_steep_cells(tmp_path: Path) -> None:
    # Flat in the west half, rising 30 m in every 100 m in the east half; cells of 20 m.
    east_m = np.arange(100) * 20.0
    heights = np.broadcast_to(np.maximum(0, east_m - 1_000) * 0.3, (100, 100))
    file = tmp_path / "dem.tif"
    with rasterio.open(
        file,
        "w",
        driver="GTiff",
        width=100,
        height=100,
        count=1,
        dtype="float32",
        crs="EPSG:4545",
        transform=rasterio.Affine(20, 0, ORIGIN_M[0], 0, -20, ORIGIN_M[1] + 2_000),
    ) as made:
        made.write(heights.astype(np.float32), 1)
    dem = Dem.open(file, metric_crs="EPSG:4545")
    west, south = ORIGIN_M
    grid = CellGrid.over((west - 100, south, west + 2_000, south + 2_000), 50)
    steep = steep_cells(dem, grid)
    assert not steep[:, :2].any()  # beyond the model
    assert not steep[2:-2, 2:20].any()
    assert steep[2:-2, 24:-2].all()


def test_sites_are_illustrative_if_anything_that_decided_is(small: County, opened: Open) -> None:
    assert search(opened(small)).illustrative
    for rows in small.layers.values():
        for row in rows:
            row["illustrative"] = False
    small.layers["control_zones"] = [zone("A", box(0, 3_000, 500, 500), illustrative=False)]
    real = search(opened(small))
    assert not real.illustrative
    assert not any(item.illustrative for item in real.candidates)
    small.layers["control_zones"][0]["illustrative"] = True
    marked = search(opened(small))
    assert marked.illustrative
    assert all(item.illustrative for item in marked.candidates)


def test_progress_is_told_and_can_stop_the_search(small: County, opened: Open) -> None:
    told: list[tuple[int, int, str]] = []
    plan = opened(small)
    find_land(
        plan,
        project(),
        open_rules(),
        as_of=DAY,
        options=LandOptions(limit=3),
        progress=lambda *step: told.append(step),
    )
    assert [step for _, _, step in told] == ["ground", "grid", "sites", "sites", "sites"]
    assert all(done <= total == 5 for done, total, _ in told)

    def stop(_done: int, _total: int, step: str) -> None:
        if step == "sites":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_land(plan, project(), open_rules(), as_of=DAY, progress=stop)


@given(distance_m=st.floats(1, 3_000), angle=st.floats(0, 2 * np.pi), beyond=st.floats(0, 0.01))
def test_what_lies_outside_a_buffer_keeps_the_distance(
    distance_m: float, angle: float, beyond: float
) -> None:
    bank = shapely.LineString([(0, 0), (500, 40), (900, -300)])
    grown = around(np.array([bank]), distance_m)[0]
    ring = grown.exterior.interpolate(angle / (2 * np.pi), normalized=True)
    away = shapely.Point(ring.x * (1 + beyond), ring.y * (1 + beyond))
    if not shapely.contains_properly(grown, away):
        assert away.distance(bank) >= distance_m - 1e-6


squares = st.tuples(
    st.floats(0, 3_500), st.floats(0, 3_500), st.floats(50, 1_500), st.floats(50, 1_500)
)
KINDS = ("ecological_red_line", "permanent_farmland", "eco_unit", "water_source", "nature_reserve")


def with_zones(plan: Plan, boxes: list[tuple[float, float, float, float]]) -> Plan:
    """Return a plan with boxes as zones, of one kind after another; grades 1, 2 and none."""
    rows = [
        zone(
            f"Z{number}",
            box(*sides),
            kind=KINDS[number % 5],
            grade=(None, "1", "2")[number % 3],
            banned_industries=(None, "13", "26;46")[number % 3],
        )
        for number, sides in enumerate(boxes)
    ]
    shapes = [in_degrees(row.pop("geometry")) for row in rows]
    frame = gpd.GeoDataFrame(rows, geometry=shapes, crs=STORAGE_CRS)
    return plan.with_layers({"control_zones": frame}, label=str(boxes))


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """A plan of 4 by 4 km with a river boundary along the south and no zones."""
    made = County()
    made.layers["county"][0]["geometry"] = box(0, 0, SIDE_M, SIDE_M)
    made.layers["parks"] = [{**made.layers["parks"][0], "geometry": box(0, 0, 100, 100)}]
    made.layers["enterprises"] = made.layers["enterprises"][:5]
    made.layers["rivers"] = [river(line((-500, -500), (4_500, 200)))]
    made.complete_zone_kinds.append("development_boundary")
    return open_plan(made.write(tmp_path_factory.mktemp("bare") / "county"))


@thorough(20)
@given(
    boxes=st.lists(squares, min_size=1, max_size=12),
    land_m2=st.floats(20_000, 800_000),
    code=st.sampled_from(["1311", "2614", "4610"]),
)
def test_sites_never_lie_on_forbidden_ground(
    bare: Plan, boxes: list[tuple[float, float, float, float]], land_m2: float, code: str
) -> None:
    plan, asked = with_zones(bare, boxes), project(land_m2, code)
    found = search(plan, asked, limit=6)
    assert_sound(found, plan, asked)
    zones = plan.metric("control_zones")
    forbidden = zones[
        zones["kind"].isin(["ecological_red_line", "permanent_farmland", "nature_reserve"])
        | ((zones["kind"] == "water_source") & (zones["grade"] == "1") & (code != "4610"))
    ]
    for candidate in found.candidates:
        assert forbidden.intersection(candidate.geometry).area.sum() == 0


@thorough(20)
@given(
    boxes=st.lists(squares, min_size=1, max_size=8),
    places=st.lists(squares, min_size=1, max_size=8),
    code=st.sampled_from(["1311", "2614", "4610"]),
)
def test_ground_that_is_closed_is_the_ground_that_the_review_forbids(
    bare: Plan,
    boxes: list[tuple[float, float, float, float]],
    places: list[tuple[float, float, float, float]],
    code: str,
) -> None:
    plan, asked, rules = with_zones(bare, boxes), project(code=code), open_rules()
    probes = [
        Candidate(
            candidate_id=f"land:{number}",
            kind=CandidateKind.LAND,
            park_id=None,
            members=(),
            area_m2=1e4,
            geometry=box(x, y, 100, 100),
        )
        for number, (x, y, _, _) in enumerate(places)
    ]
    against = judge_by_rules(plan, probes, asked, rules, as_of=DAY)
    closures = find_closures(plan, replace(probes[0]), asked, rules, as_of=DAY)
    for probe in probes:
        judged = {(item.rule_id, item.verdict) for item in against[probe.candidate_id]}
        told = set()
        for rule, closure in closures:
            assert closure.features is not None
            shapes = closure.features.geometry
            met_m2 = shapes.intersection(probe.geometry).area.max() if len(shapes) else 0
            is_near = bool((shapes.distance(probe.geometry) < closure.distance_m).any())
            # Below 50 m² and 0.1 % an overlap is noise: 10 m² of a hectare.
            if is_near or met_m2 >= 10:
                told.add((rule.rule_id, closure.verdict))
        assert told == judged


def test_the_demo_county_has_land_for_a_park(demo: Plan) -> None:
    asked = project(200_000)
    found = search(demo, asked)
    assert len(found.candidates) == 40
    assert_sound(found, demo, asked)
    assert found.illustrative
    closed = {item.name: item.share for item in found.closed}
    assert closed["control_zone.ecological_red_line"] == pytest.approx(0.0425, abs=0.001)
    assert found.free_shape.area == pytest.approx(found.free_m2, rel=0.03)
