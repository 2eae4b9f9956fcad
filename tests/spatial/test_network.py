"""Travel over roads: times worked out by hand, and against a plain search in this file."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo_service.errors import CrsError, InvalidQueryError
from geo_service.plan import Plan
from geo_service.spatial.cut_off import cut_off_roads, shown_name
from geo_service.spatial.network import (
    DEFAULT_SPEEDS_KM_H,
    RoadNetwork,
    TravelAssumptions,
    network_of,
)
from tests.county import County
from tests.depth import thorough
from tests.spatial.shapes import EAST, NORTH, array

CRS = "EPSG:4545"
ON_ROADS = TravelAssumptions(max_off_road_m=100)
"""Nobody walks from one piece of the network to another."""
Point = tuple[float, float]


def at(*places: Point) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """Return points given in metres from the corner that all roads here are counted from."""
    return array([shapely.Point(EAST + x, NORTH + y) for x, y in places])


def line(*places: Point) -> shapely.LineString:
    """Return a line through such places."""
    return shapely.LineString([(EAST + x, NORTH + y) for x, y in places])


def roads(
    *lines: shapely.Geometry,
    speeds: Sequence[float | None] | None = None,
    classes: Sequence[str | None] | None = None,
) -> gpd.GeoDataFrame:
    """Return a road layer; speeds are 60 km/h, a kilometre a minute, unless given."""
    return gpd.GeoDataFrame(
        {
            "class": classes or ["county"] * len(lines),
            "speed_km_h": [60.0] * len(lines) if speeds is None else list(speeds),
        },
        geometry=list(lines),
        crs=CRS,
    )


def minutes(network: RoadNetwork, start: Point, *ends: Point) -> float:
    """Return the minutes from one place to the nearest of others."""
    return float(network.reach(at(*ends)).minutes(at(start))[0])


# ------------------------------------------------------------------ by hand


def test_the_faster_way_around_is_taken() -> None:
    network = RoadNetwork.build(
        roads(
            line((0, 0), (6000, 0)),  # 6 km at 20 km/h: 18 min
            line((0, 0), (0, 3000)),  # 3 km at 60 km/h: 3 min
            line((0, 3000), (6000, 3000)),  # 6 km at 60 km/h: 6 min
            line((6000, 3000), (6000, 0)),  # 3 min
            speeds=[20, 60, 60, 60],
        )
    )
    reach = network.reach(at((6000, 0)))
    trip = reach.trips(at((0, 0))).iloc[0]
    assert trip["minutes"] == pytest.approx(3 + 6 + 3)
    assert trip["road_km"] == pytest.approx(12)
    assert trip["off_road_km"] == 0
    assert shapely.length(reach.route(at((0, 0))[0])) == pytest.approx(12_000)
    # 1.5 km along the slow road: 4.5 min back to its start and 12 on, or 13.5 min ahead
    assert minutes(network, (1500, 0), (6000, 0)) == pytest.approx(13.5)
    assert minutes(network, (500, 0), (6000, 0)) == pytest.approx(1.5 + 12)


def test_ways_off_the_road_count_at_both_ends() -> None:
    network = RoadNetwork.build(roads(line((0, 0), (5000, 0))))
    reach = network.reach(at((4000, -300)))
    trip = reach.trips(at((1000, 200))).iloc[0]
    # 200 m and 300 m at 20 km/h: 0.6 + 0.9 min; 3 km at 60 km/h: 3 min
    assert trip["minutes"] == pytest.approx(0.6 + 3 + 0.9)
    assert trip["road_km"] == pytest.approx(3)
    assert trip["off_road_km"] == pytest.approx(0.5)
    assert reach.route(at((1000, 200))[0]) == line((1000, 200), (1000, 0), (4000, 0), (4000, -300))


def test_places_on_the_same_stretch_go_straight_along_it() -> None:
    network = RoadNetwork.build(roads(line((0, 0), (9000, 0))))
    assert minutes(network, (4000, 0), (5000, 0)) == pytest.approx(1)
    assert minutes(network, (5000, 0), (4000, 0)) == pytest.approx(1)
    assert minutes(network, (4500, 0), (4500, 0)) == 0
    # Two facilities on one stretch: 4.6 is 0.4 from 5 and 0.6 from 4.
    reach = network.reach(at((4000, 0), (5000, 0)))
    assert reach.nearest(at((4600, 0), (4400, 0))).tolist() == [1, 0]
    assert reach.minutes(at((4600, 0), (4400, 0))) == pytest.approx([0.4, 0.4])


def test_the_way_around_may_beat_the_own_stretch() -> None:
    # A loop of a slow straight road (4 km at 10 km/h) and a fast bow (8 km at 120 km/h).
    network = RoadNetwork.build(
        roads(
            line((0, 0), (4000, 0)),
            line((0, 0), (0, 2000), (4000, 2000), (4000, 0)),
            speeds=[10, 120],
        )
    )
    # 100 m from both ends: 0.6 + 4 + 0.6 = 5.2 min against 3.8 km at 10 km/h = 22.8 min
    assert minutes(network, (100, 0), (3900, 0)) == pytest.approx(5.2)


def test_a_place_has_the_facility_that_is_nearest_by_time_not_by_distance() -> None:
    network = RoadNetwork.build(
        roads(line((0, 0), (1000, 0)), line((0, 0), (-3000, 0)), speeds=[10, 60])
    )
    reach = network.reach(at((1000, 0), (-3000, 0)))  # 6 min against 3 min
    assert reach.nearest(at((0, 0))).tolist() == [1]
    assert reach.minutes(at((0, 0))) == pytest.approx([3])


def test_an_end_on_another_line_is_a_junction() -> None:
    main, side = line((0, 0), (4000, 0)), line((1000, 0), (1000, 2000))  # no vertex at (1000, 0)
    network = RoadNetwork.build(roads(main, side))
    assert minutes(network, (1000, 2000), (4000, 0)) == pytest.approx(2 + 3)
    assert network.facts.components == 1
    assert network.facts.nodes == 4
    assert network.facts.edges == 3


@pytest.mark.parametrize(("gap_m", "is_joined"), [(0.0, True), (0.9, True), (1.1, False)])
def test_an_end_is_snapped_within_the_tolerance(gap_m: float, *, is_joined: bool) -> None:
    stub = line((1000, gap_m), (1000, 2000))
    on_line = RoadNetwork.build(roads(line((0, 0), (4000, 0)), stub))
    assert (on_line.facts.components == 1) is is_joined
    at_end = RoadNetwork.build(roads(line((0, 0), (1000, 0)), stub))
    assert (at_end.facts.components == 1) is is_joined


def test_a_bridge_does_not_connect_and_a_shared_vertex_does() -> None:
    under = line((0, 0), (2000, 0))
    bridge = line((1000, -1000), (1000, 1000))
    crossing = line((1000, -1000), (1000, 0), (1000, 1000))
    level = line((0, 0), (1000, 0), (2000, 0))
    apart = RoadNetwork.build(roads(under, bridge), assumptions=ON_ROADS)
    assert minutes(apart, (1000, 1000), (2000, 0)) == np.inf
    assert RoadNetwork.build(roads(under, crossing)).facts.components == 2
    met = RoadNetwork.build(roads(level, crossing))
    assert met.facts.components == 1
    assert minutes(met, (1000, 1000), (2000, 0)) == pytest.approx(2)


def test_a_line_connects_with_itself_where_it_comes_back() -> None:
    # Out 3 km, around, and back to its own vertex at (1000, 0).
    loop = line((0, 0), (1000, 0), (2000, 0), (2000, 1000), (1000, 1000), (1000, 0))
    network = RoadNetwork.build(roads(loop))
    assert minutes(network, (0, 0), (1000, 1000)) == pytest.approx(2)  # not 4 the long way
    # The same, where there is no vertex to come back to
    touch = line((0, 0), (2000, 0), (2000, 1000), (1000, 1000), (1000, 0))
    assert minutes(RoadNetwork.build(roads(touch)), (0, 0), (1000, 1000)) == pytest.approx(2)


def test_of_parallel_roads_the_faster_is_taken() -> None:
    same = [line((0, 0), (3000, 0)), line((3000, 0), (0, 0)), line((0, 0), (3000, 0))]
    network = RoadNetwork.build(roads(*same, speeds=[20, 60, 30]))
    assert minutes(network, (0, 0), (3000, 0)) == pytest.approx(3)
    # Places along them are served by the faster one too.
    assert minutes(network, (1000, 50), (2000, 50)) == pytest.approx(0.15 + 1 + 0.15)


def test_a_road_given_twice_changes_nothing() -> None:
    once = roads(line((0, 0), (3000, 0)), line((3000, 0), (3000, 4000)))
    twice = roads(*once.geometry, *once.geometry)
    places = at((500, 10), (2999, 5), (3010, 2000))
    one, two = (RoadNetwork.build(each).reach(at((3000, 4000))) for each in (once, twice))
    assert two.minutes(places) == pytest.approx(one.minutes(places))
    assert RoadNetwork.build(twice).facts.components == 1


def test_what_roads_do_not_lead_to_is_not_reached() -> None:
    network = RoadNetwork.build(roads(line((0, 0), (1000, 0)), line((0, 5000), (3000, 5000))))
    assert network.facts.components == 2
    assert network.facts.component_km == pytest.approx((3, 1))
    reach = network.reach(at((0, 5000)))
    trips = reach.trips(at((500, 0), (3000, 5000)))
    assert trips["minutes"].tolist() == pytest.approx([np.inf, 3])
    assert trips["facility"].tolist() == [-1, 0]
    assert trips["road_km"].isna().tolist() == [True, False]
    assert reach.route(at((500, 0))[0]) is None


def main_and_stub(gap_m: float) -> gpd.GeoDataFrame:
    """Return 5 km of road, and 30 m of another that begin so far above it."""
    return roads(line((0, 0), (5000, 0)), line((1000, gap_m), (1030, gap_m)))


def test_a_place_at_a_cut_off_piece_goes_to_the_main_part() -> None:
    network = RoadNetwork.build(main_and_stub(300))
    assert network.facts.components == 2
    assert network.cut_off_rows().tolist() == [1]
    place = at((1000, 320))
    reach = network.reach(at((5000, 0)))
    # 320 m off the road at 20 km/h are 0.96 min, 4 km of road 4 min.
    assert reach.minutes(place).tolist() == pytest.approx([0.96 + 4])
    assert reach.trips(place)["off_road_km"].tolist() == pytest.approx([0.32])
    assert reach.nearest(place).tolist() == [0]
    route = reach.route(place[0])
    assert route is not None
    assert shapely.length(route) == pytest.approx(320 + 4000)
    assert network.cut_off_near(at((1000, 320), (0, 10))).tolist() == [1, -1]


def test_some_doors_of_many_give_the_same_minutes() -> None:
    network = RoadNetwork.build(main_and_stub(300))
    reach = network.reach(at((5000, 0)))
    places = at((100, 0), (1000, 320), (0, 5), (1010, 310))
    rows = np.array([3, 1])
    found = reach.minutes(network.doors(places).taken(rows))
    assert found.tolist() == reach.minutes(places)[rows].tolist()
    assert found.tolist() == [reach.minutes(places[[row]])[0] for row in rows.tolist()]


def test_a_facility_at_a_cut_off_piece_is_reached_over_the_main_part() -> None:
    network = RoadNetwork.build(main_and_stub(300))
    reach = network.reach(at((1000, 300), (4999, 0)))
    # From (0, 0): 1 km of road and 300 m off it, 1.9 min, against 5 min to the other.
    assert reach.minutes(at((0, 0))).tolist() == pytest.approx([1 + 0.9])
    assert reach.nearest(at((0, 0))).tolist() == [0]
    # On its own piece it is reached along it: 30 m.
    assert reach.minutes(at((1030, 300))).tolist() == pytest.approx([0.03])


def test_a_piece_too_far_from_the_main_part_stays_by_itself() -> None:
    network = RoadNetwork.build(main_and_stub(2_500))
    place = at((1030, 2_500))
    assert network.reach(at((5000, 0))).minutes(place).tolist() == [np.inf]
    assert network.reach(at((1000, 2_500))).minutes(place).tolist() == pytest.approx([0.03])


def test_the_main_part_is_that_with_most_road_to_enter() -> None:
    layer = roads(
        line((0, 0), (9000, 0)),  # nobody joins an expressway between its junctions
        line((0, 500), (2000, 500)),
        line((3000, 500), (4000, 500)),
        classes=["expressway", "county", "county"],
    )
    network = RoadNetwork.build(layer)
    assert network.cut_off_rows().tolist() == [0, 2]
    only = RoadNetwork.build(layer.head(1))
    assert (only.is_whole, only.cut_off_rows().tolist()) == (True, [])


def test_cut_off_roads_are_named_the_longest_first() -> None:
    layer = roads(
        line((0, 0), (5000, 0)), line((0, 900), (30, 900)), line((0, 1900), (70, 1900))
    ).assign(road_id=["R1", "R2", "R3"], name=["主干路", "断头路", ""])
    found = cut_off_roads(layer, RoadNetwork.build(layer))
    assert [shown_name(road) for road in found] == ["R3", "R2 断头路"]
    assert [road.length_m for road in found] == pytest.approx([70, 30])
    assert cut_off_roads(layer.head(1), RoadNetwork.build(layer.head(1))) == []


def test_a_place_too_far_from_every_road_is_not_reached() -> None:
    network = RoadNetwork.build(
        roads(line((0, 0), (1000, 0))), assumptions=TravelAssumptions(max_off_road_m=500)
    )
    assert minutes(network, (0, 499), (1000, 0)) < np.inf
    assert minutes(network, (0, 501), (1000, 0)) == np.inf
    assert minutes(network, (1000, 0), (0, 501)) == np.inf
    # One facility that is too far does not count; the other does.
    assert network.reach(at((0, 501), (1000, 0))).nearest(at((0, 0))).tolist() == [1]


def test_missing_places_and_missing_facilities_are_not_reached() -> None:
    network = RoadNetwork.build(roads(line((0, 0), (1000, 0))))
    places = array([None, shapely.Point(), *at((0, 0))])
    assert network.reach(places).minutes(places).tolist() == [np.inf, np.inf, 0]
    assert network.reach(at()).minutes(places).tolist() == [np.inf] * 3
    assert network.reach(at()).nearest(places).tolist() == [-1] * 3
    assert network.reach(places).nearest(places).tolist() == [-1, -1, 2]


def test_a_layer_without_roads_reaches_nothing() -> None:
    network = RoadNetwork.build(roads().set_geometry(gpd.GeoSeries([], crs=CRS)))
    assert network.facts.components == network.facts.nodes == 0
    assert network.facts.length_km == 0
    assert minutes(network, (0, 0), (0, 0)) == np.inf


def test_rows_without_geometry_or_length_count_nothing() -> None:
    point_like = line((5, 5), (5, 5))
    network = RoadNetwork.build(roads(line((0, 0), (1000, 0)), point_like, shapely.LineString()))
    assert network.facts.roads == 1
    assert minutes(network, (0, 0), (1000, 0)) == pytest.approx(1)


def test_several_parts_of_one_road_are_lines_of_their_own() -> None:
    two = shapely.union_all([line((0, 0), (1000, 0)), line((2000, 0), (3000, 0))])
    network = RoadNetwork.build(roads(two), assumptions=ON_ROADS)
    assert network.facts.components == 2
    assert network.facts.roads == 1
    assert minutes(network, (0, 0), (3000, 0)) == np.inf


def test_shapes_are_met_where_the_road_is_nearest() -> None:
    network = RoadNetwork.build(roads(line((0, 0), (5000, 0))))
    field = shapely.box(EAST + 1000, NORTH + 100, EAST + 2000, NORTH + 900)
    reach = network.reach(at((5000, 0)))
    trip = reach.trips(array([field])).iloc[0]
    assert trip["off_road_km"] == pytest.approx(0.1)
    assert trip["minutes"] == pytest.approx(0.3 + trip["road_km"])
    crossed = shapely.box(EAST + 1000, NORTH - 100, EAST + 2000, NORTH + 100)
    assert reach.trips(array([crossed]))["off_road_km"].tolist() == [0]


def test_an_expressway_is_entered_at_junctions_only() -> None:
    network = RoadNetwork.build(
        roads(
            line((0, 0), (10_000, 0)),
            line((0, 0), (0, -1000)),
            line((10_000, 0), (10_000, -1000)),
            speeds=[120, 60, 60],
            classes=["expressway", "county", "county"],
        )
    )
    # From beside its middle one has to go to the county road, which is too far away.
    assert minutes(network, (5000, 10), (10_000, -1000)) == np.inf
    # 1 km to the junction, 10 km at 120 km/h, 1 km from the junction
    assert minutes(network, (0, -1000), (10_000, -1000)) == pytest.approx(1 + 5 + 1)
    # Beside its start, the county road's end is nearest: 30 m off the road, and the rest.
    expected = 0.09 + 5 + 1
    assert minutes(network, (-30, 0), (10_000, -1000)) == pytest.approx(expected)


def test_a_speed_that_is_missing_is_that_of_the_class_or_the_assumed_one() -> None:
    shapes = [line((0, k * 1000.0), (3000, k * 1000.0)) for k in range(5)]
    layer = roads(
        *shapes,
        speeds=[45, None, 0, None, np.nan],
        classes=["village", "national", "county", None, "cart track"],
    )
    assumptions = TravelAssumptions(unknown_speed_km_h=15)
    network = RoadNetwork.build(layer, assumptions=assumptions)
    found = [minutes(network, (0, k * 1000.0), (3000, k * 1000.0)) for k in range(5)]
    # 3 km at 45, 60 (national), 40 (county), 15 and 15 km/h
    assert found == pytest.approx([4, 3, 4.5, 12, 12])
    facts = network.facts
    assert (facts.speeds_given, facts.speeds_by_class, facts.speeds_assumed) == (1, 2, 2)


def test_defaults_by_class_cannot_be_changed_by_accident() -> None:
    with pytest.raises(TypeError):
        DEFAULT_SPEEDS_KM_H["county"] = 200  # type: ignore[index]


@pytest.mark.parametrize(
    ("values", "parameter"),
    [
        ({"off_road_km_h": 0.0}, "off_road_km_h"),
        ({"unknown_speed_km_h": -1.0}, "unknown_speed_km_h"),
        ({"speeds_km_h": {"county": np.nan}}, "speeds_km_h.county"),
        ({"max_off_road_m": -1.0}, "max_off_road_m"),
        ({"snap_m": np.inf}, "snap_m"),
    ],
)
def test_impossible_assumptions_are_refused(values: dict[str, float], parameter: str) -> None:
    with pytest.raises(InvalidQueryError) as caught:
        TravelAssumptions(**values)  # type: ignore[arg-type]
    assert caught.value.parameter == parameter


def test_degrees_and_foreign_crs_are_refused() -> None:
    layer = roads(line((0, 0), (1000, 0)))
    with pytest.raises(CrsError, match="metres"):
        RoadNetwork.build(layer.to_crs("EPSG:4490"))
    network = RoadNetwork.build(layer)
    places = gpd.GeoSeries(at((0, 0)), crs=CRS)
    assert network.reach(places).minutes(places).tolist() == [0]
    with pytest.raises(CrsError, match="CRS of the roads"):
        network.reach(places.to_crs("EPSG:32649"))
    with pytest.raises(CrsError, match="metres"):
        network.reach(places).minutes(places.to_crs("EPSG:4490"))


def test_trips_keep_the_index_of_the_places() -> None:
    reach = RoadNetwork.build(roads(line((0, 0), (1000, 0)))).reach(at((0, 0)))
    places = gpd.GeoDataFrame(geometry=at((500, 0), (1000, 0)), index=["b", "a"], crs=CRS)
    assert reach.trips(places)["minutes"].to_dict() == pytest.approx({"b": 0.5, "a": 1})


def test_a_route_of_no_length_has_two_equal_ends() -> None:
    reach = RoadNetwork.build(roads(line((0, 0), (1000, 0)))).reach(at((500, 0)))
    route = reach.route(at((500, 0))[0])
    assert route is not None
    assert list(route.coords) == [(EAST + 500, NORTH), (EAST + 500, NORTH)]


def test_long_lines_are_searched_in_pieces() -> None:
    # 100 segments of 10 m, more than a piece holds; a place beside each vertex
    road = line(*[(k * 10.0, (k % 2) * 1.0) for k in range(101)])
    network = RoadNetwork.build(roads(road))
    places = at(*[(k * 10.0, (k % 2) * 1.0) for k in range(101)])
    step_m = np.hypot(10, 1)
    expected = np.arange(101) * step_m / 1000
    assert network.reach(at((0, 0))).minutes(places) == pytest.approx(expected, abs=1e-9)


# ------------------------------------------------------------------ of a plan


def test_the_network_of_a_plan_is_made_once(
    county: County, opened: Callable[[County], Plan]
) -> None:
    plan = opened(county)
    assert network_of(plan) is network_of(plan)
    assert network_of(plan).facts.roads == 0
    other = TravelAssumptions(off_road_km_h=5)
    assert network_of(plan, assumptions=other) is not network_of(plan)
    assert network_of(plan, assumptions=other).assumptions == other


def test_a_plan_with_other_roads_has_another_network(
    county: County, opened: Callable[[County], Plan]
) -> None:
    plan = opened(county)
    before = network_of(plan)
    other = gpd.GeoDataFrame(
        {"class": ["county"], "speed_km_h": [60.0]},
        geometry=[shapely.LineString([(108.0, 31.0), (108.1, 31.0)])],
        crs="EPSG:4490",
    )
    changed = plan.with_layers({"roads": other}, label="a road")
    assert network_of(changed).facts.roads == 1
    assert network_of(plan) is before
    # A scenario that leaves the roads alone shares the network.
    same = plan.with_layers({"parks": plan.frame("parks")}, label="no road")
    assert network_of(same) is before


def test_threads_get_one_network(demo: Plan) -> None:
    found: list[RoadNetwork] = []
    threads = [threading.Thread(target=lambda: found.append(network_of(demo))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(network) for network in found}) == 1


def test_the_demo_hangs_together_but_for_the_planted_piece(demo: Plan) -> None:
    network = network_of(demo)
    assert network.facts.components == 2
    assert network.facts.component_km[1] < 0.5
    facilities = demo.metric("facilities")
    lost = facilities["facility_id"] == "YY-F-43"
    parks = demo.metric("parks")
    assert np.isinf(network.reach(facilities[lost]).minutes(parks)).all()
    assert np.isfinite(network.reach(facilities[~lost]).minutes(parks)).all()


# ------------------------------------------------------------------ against a plain search

GRID = 5
STEP_M = 500.0


@st.composite
def street_maps(draw: st.DrawFn) -> gpd.GeoDataFrame:
    """Draw streets between neighbours of a lattice, with vertices at every corner passed."""
    corner = st.tuples(st.integers(0, GRID - 1), st.integers(0, GRID - 1))
    lines, speeds = [], []
    for _ in range(draw(st.integers(1, 12))):
        x, y = draw(corner)
        places = [(x, y)]
        for turn in draw(st.lists(st.integers(0, 3), min_size=1, max_size=5)):
            dx, dy = ((1, 0), (0, 1), (-1, 0), (0, -1))[turn]
            x, y = min(max(x + dx, 0), GRID - 1), min(max(y + dy, 0), GRID - 1)
            if (x, y) != places[-1]:
                places.append((x, y))
        if len(places) > 1:
            lines.append(line(*[(a * STEP_M, b * STEP_M) for a, b in places]))
            speeds.append(draw(st.sampled_from([20.0, 30.0, 60.0])))
    if not lines:
        lines, speeds = [line((0, 0), (STEP_M, 0))], [60.0]
    return roads(*lines, speeds=speeds)


def plain_times(layer: gpd.GeoDataFrame) -> dict[tuple[Point, Point], float]:
    """Return minutes between all vertices, by Floyd and Warshall over the segments."""
    times: dict[tuple[Point, Point], float] = {}
    corners: set[Point] = set()
    for shape, speed in zip(layer.geometry, layer["speed_km_h"], strict=True):
        places = [(x - EAST, y - NORTH) for x, y in shape.coords]
        corners |= set(places)
        for one, other in itertools.pairwise(places):
            cost = STEP_M * 0.06 / speed
            for pair in ((one, other), (other, one)):
                times[pair] = min(cost, times.get(pair, np.inf))
    for each in corners:
        times[each, each] = 0.0
    for via, start, end in itertools.product(corners, repeat=3):
        total = times.get((start, via), np.inf) + times.get((via, end), np.inf)
        if total < times.get((start, end), np.inf):
            times[start, end] = total
    return times


@given(street_maps())
@thorough(60)
def test_times_are_those_of_a_plain_search(layer: gpd.GeoDataFrame) -> None:
    expected = plain_times(layer)
    corners = sorted({start for start, _ in expected})
    network = RoadNetwork.build(layer, assumptions=ON_ROADS)
    for target in corners[:4]:
        reach = network.reach(at(target))
        wanted = [expected.get((corner, target), np.inf) for corner in corners]
        assert reach.minutes(at(*corners)).tolist() == pytest.approx(wanted, abs=1e-6)


@given(street_maps(), st.data())
@thorough(60)
def test_the_nearest_of_several_is_the_nearest_of_each(
    layer: gpd.GeoDataFrame, data: st.DataObject
) -> None:
    anywhere = st.tuples(st.floats(-200, 2200), st.floats(-200, 2200))
    facilities = at(*data.draw(st.lists(anywhere, min_size=1, max_size=4)))
    places = at(*data.draw(st.lists(anywhere, min_size=1, max_size=6)))
    network = RoadNetwork.build(layer)
    trips = network.reach(facilities).trips(places)
    each = np.array(
        [network.reach(facilities[[k]]).minutes(places) for k in range(len(facilities))]
    )
    assert trips["minutes"].tolist() == pytest.approx(each.min(axis=0).tolist(), abs=1e-6)
    reached = np.flatnonzero(trips["facility"] >= 0)
    chosen = each[trips["facility"].to_numpy()[reached], reached]
    assert chosen.tolist() == pytest.approx(trips["minutes"].to_numpy()[reached].tolist(), abs=1e-6)


@given(street_maps(), st.data())
@thorough(60)
def test_times_are_symmetric_and_keep_the_triangle(
    layer: gpd.GeoDataFrame, data: st.DataObject
) -> None:
    anywhere = st.tuples(st.floats(-200, 2200), st.floats(-200, 2200))
    places = at(*data.draw(st.lists(anywhere, min_size=3, max_size=3)))
    # A place at a cut-off road has two doors, and nobody passes through a place.
    cut_off = RoadNetwork.build(layer).cut_off_rows()
    network = RoadNetwork.build(layer.drop(index=layer.index[cut_off]))
    time = np.array([network.reach(places[[k]]).minutes(places) for k in range(3)])
    np.testing.assert_allclose(time, time.T, rtol=0, atol=1e-6)
    for a, b, c in itertools.permutations(range(3)):
        assert time[a, c] <= time[a, b] + time[b, c] + 1e-6


@given(street_maps(), st.data())
@thorough(60)
def test_a_route_is_as_long_as_its_trip_and_leads_where_it_should(
    layer: gpd.GeoDataFrame, data: st.DataObject
) -> None:
    anywhere = st.tuples(st.floats(-200, 2200), st.floats(-200, 2200))
    facilities = at(*data.draw(st.lists(anywhere, min_size=1, max_size=3)))
    place = at(data.draw(anywhere))
    reach = RoadNetwork.build(layer).reach(facilities)
    trip = reach.trips(place).iloc[0]
    route = reach.route(place[0])
    if route is None:
        assert np.isinf(trip["minutes"])
        return
    whole = (trip["road_km"] + trip["off_road_km"]) * 1000
    assert shapely.length(route) == pytest.approx(whole, abs=1e-3)
    ends = [shapely.Point(route.coords[0]), shapely.Point(route.coords[-1])]
    assert shapely.distance(ends[0], place[0]) < 1e-6
    assert shapely.distance(ends[1], facilities[int(trip["facility"])]) < 1e-6
    streets = shapely.buffer(shapely.union_all(layer.geometry.to_numpy()), 0.01)
    off_road = shapely.length(shapely.difference(route, streets))
    assert off_road <= trip["off_road_km"] * 1000 + 1e-3


@given(street_maps(), st.randoms(use_true_random=False))
@thorough(30)
def test_the_order_of_rows_and_the_direction_of_lines_change_no_time(
    layer: gpd.GeoDataFrame, chance: object
) -> None:
    order = list(range(len(layer)))
    chance.shuffle(order)  # type: ignore[attr-defined]
    turned = layer.iloc[order].copy()
    turned["geometry"] = shapely.reverse(turned.geometry.to_numpy())
    places = at((130, 263), (1017, 991), (1993, 41), (703, 1511))
    one, two = (RoadNetwork.build(each).reach(at((507, 523))) for each in (layer, turned))
    assert two.minutes(places).tolist() == pytest.approx(one.minutes(places).tolist(), abs=1e-6)


def test_many_places_meet_the_roads_where_each_does_alone() -> None:
    random = np.random.default_rng(5)
    ways = [line(*(tuple(xy) for xy in random.uniform(0, 20_000, (30, 2)))) for _ in range(6)]
    network = RoadNetwork.build(roads(*ways))
    corners = random.uniform(-3_000, 23_000, (1_200, 2))
    squares = array(
        [shapely.box(EAST + x, NORTH + y, EAST + x + 90, NORTH + y + 60) for x, y in corners]
    )
    many = network.access(squares)
    assert 800 < np.isfinite(many.measure).sum() < 1_200  # some lie too far from all
    for start in range(0, 1_200, 300):
        few = network.access(squares[start : start + 300])
        for name in ("measure", "off_road_m", "xy"):
            part = getattr(many, name)[start : start + 300]
            assert np.array_equal(part, getattr(few, name), equal_nan=True)
