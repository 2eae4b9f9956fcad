from __future__ import annotations

import threading
from concurrent.futures import CancelledError
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo_service.spatial import grid_overlay
from geo_service.spatial.grid_overlay import LineGrid, ZoneGrid
from geo_service.spatial.ragged import Ragged
from tests.depth import thorough
from tests.spatial.shapes import (
    EAST,
    NORTH,
    array,
    at_county,
    boxes,
    paths,
    points,
    slivers,
    stars,
    surfaces,
)

CELLS = st.sampled_from([7.0, 33.3, 50.0, 120.0, 5000.0])
LISTS = st.lists(surfaces(), min_size=1, max_size=6)


def covered(
    zones: list[shapely.Geometry], *subjects: shapely.Geometry, cell_m: float
) -> list[float]:
    grid = ZoneGrid.build(array(zones), cell_m=cell_m)
    return list(grid.covered_area(Ragged.from_shapely(array(list(subjects)))))


def tolerance(area: float) -> float:
    """The promise: 1e-6 of the area or 0.01 m², whichever is larger, held ten times over.

    Not more, because of the reference: GEOS moves the sides of a sliver by micrometres when it
    makes a union, which is up to 0.0002 m² here. The tests without a union are stricter.
    """
    return max(1e-6 * area, 0.01) / 10


# ------------------------------------------------------------------ against shapely


@thorough(250)
@given(LISTS, LISTS, CELLS)
def test_covered_area_is_the_area_of_the_intersection_with_the_union(
    zones: list[shapely.Geometry], subjects: list[shapely.Geometry], cell_m: float
) -> None:
    found = covered(zones, *subjects, cell_m=cell_m)
    union = shapely.union_all(zones)
    for area, subject in zip(found, subjects, strict=True):
        expected = shapely.intersection(subject, union).area
        assert area == pytest.approx(expected, abs=tolerance(expected))
        assert 0 <= area <= Ragged.from_shapely([subject]).areas()[0]


@thorough(100)
@given(LISTS, LISTS, CELLS)
def test_the_largest_zone_is_the_one_with_the_largest_intersection(
    zones: list[shapely.Geometry], subjects: list[shapely.Geometry], cell_m: float
) -> None:
    grid = ZoneGrid.build(array(zones), cell_m=cell_m)
    found, area = grid.largest_zone(Ragged.from_shapely(array(subjects)))
    each = shapely.area(shapely.intersection(array(subjects)[:, None], array(zones)[None, :]))
    for row, zone, area_m2 in zip(each, found, area, strict=True):
        assert area_m2 == pytest.approx(row.max(), abs=tolerance(row.max()))
        if zone >= 0:
            assert row[zone] == pytest.approx(row.max(), abs=tolerance(row.max()))
        else:
            assert row.max() < tolerance(0)


@thorough(100)
@given(LISTS, LISTS, CELLS)
def test_shares_are_the_intersections_with_each_zone(
    zones: list[shapely.Geometry], subjects: list[shapely.Geometry], cell_m: float
) -> None:
    grid = ZoneGrid.build(array(zones), cell_m=cell_m)
    border, zone, area = grid.shares(Ragged.from_shapely(array(subjects)))
    assert (border[0], border[-1], len(border)) == (0, len(zone), len(subjects) + 1)
    each = shapely.area(shapely.intersection(array(subjects)[:, None], array(zones)[None, :]))
    for row, first, end in zip(each, border[:-1], border[1:], strict=True):
        met = zone[first:end].tolist()
        assert met == sorted(set(met))
        shared = np.zeros(len(zones))
        shared[met] = area[first:end]
        assert shared == pytest.approx(row, abs=tolerance(row.max()))


def test_shares_of_more_zones_than_there_is_room_for() -> None:
    """Strips of 1 m, of which a subject of 50 m meets fifty, with 5 m² of each."""
    strips = [shapely.box(x, 0, x + 1, 10) for x in range(100)]
    subjects = [shapely.box(20, 0, 70, 5), shapely.box(200, 0, 210, 5), shapely.box(0, 0, 2, 5)]
    border, zone, area = ZoneGrid.build(array(strips)).shares(Ragged.from_shapely(array(subjects)))
    assert border.tolist() == [0, 50, 50, 52]
    assert zone.tolist() == [*range(20, 70), 0, 1]
    assert area == pytest.approx(5.0)


@thorough(60)
@given(
    st.lists(st.one_of(boxes(), slivers(), stars()), min_size=9, max_size=30),
    st.lists(stars(), min_size=1, max_size=3),
    CELLS,
)
def test_a_heap_of_overlapping_zones_counts_once(
    zones: list[shapely.Geometry], subjects: list[shapely.Geometry], cell_m: float
) -> None:
    found = covered(zones, *subjects, cell_m=cell_m)
    union = shapely.union_all(zones)
    for area, subject in zip(found, subjects, strict=True):
        expected = shapely.intersection(subject, union).area
        assert area == pytest.approx(expected, abs=tolerance(expected))


@thorough(60)
@given(LISTS, st.floats(0.001, 1000), CELLS)
def test_zones_that_tile_a_subject_sum_up_to_it(
    subjects: list[shapely.Geometry], across: float, cell_m: float
) -> None:
    # Strips side by side, their borders shared and of any slope, from far left to far right.
    borders = [-3000.0, -100.0, 0.0, 50.0, 123.4, 250.0, 3000.0]
    zones = [
        at_county(shapely.Polygon([(a, -3000), (b, -3000), (b + across, 3000), (a + across, 3000)]))
        for a, b in pairwise(borders)
    ]
    whole = Ragged.from_shapely(array(subjects)).areas()
    assert covered(zones, *subjects, cell_m=max(cell_m, 50)) == pytest.approx(whole, abs=1e-6)
    parts = [np.array(covered([zone], *subjects, cell_m=max(cell_m, 50))) for zone in zones]
    assert np.sum(parts, axis=0) == pytest.approx(whole, abs=1e-6)


def test_a_county_with_thousands_of_vertices_meets_every_zone() -> None:
    angles = np.linspace(0, 2 * np.pi, 5000, endpoint=False)
    rough = 3000 + 200 * np.sin(37 * angles)
    county = at_county(
        shapely.Polygon(np.column_stack([rough * np.cos(angles), rough * np.sin(angles)]))
    )
    edge = range(-3500, 3500, 500)
    zones = [
        at_county(shapely.Point(x, y).buffer(330 if (x + y) % 1000 else 210, quad_segs=30))
        for x in edge
        for y in edge
    ]
    expected = shapely.intersection(county, shapely.union_all(zones)).area
    assert covered(zones, county, cell_m=40)[0] == pytest.approx(expected, rel=1e-9)
    grid = ZoneGrid.build(array(zones), cell_m=40)
    zone, area = grid.largest_zone(Ragged.from_shapely(array([county])))
    each = shapely.area(shapely.intersection(county, array(zones)))
    # Many circles lie wholly inside and are equal: the first of them counts.
    assert (zone[0], area[0]) == (np.argmax(each > each.max() - 1e-6), pytest.approx(each.max()))


# ------------------------------------------------------------------ by hand


@pytest.mark.parametrize("cell_m", [1.0, 3.0, 10.0, 1000.0])
def test_rectangles_by_hand(cell_m: float) -> None:
    zone, subject = shapely.box(0, 0, 10, 10), shapely.box(6, 7, 20, 9)
    # x 6..10, y 7..9: 4 * 2
    assert covered([zone], subject, cell_m=cell_m) == [pytest.approx(8)]
    # The hole takes x 7..9, y 8..9 out of it: 8 - 2 * 1
    ring = zone - shapely.box(7, 8, 9, 10)
    assert covered([ring], subject, cell_m=cell_m) == [pytest.approx(6)]
    # Under the line y = x of a right triangle with legs of 10, the square x, y 0..4: 4 * 4 / 2
    triangle = shapely.Polygon([(0, 0), (10, 0), (10, 10)])
    assert covered([triangle], shapely.box(0, 0, 4, 4), cell_m=cell_m) == [pytest.approx(8)]
    # Two zones on the subject's area, 4 * 2 and 3 * 2, of which x 8..10 is common: 8 + 6 - 4
    assert covered([zone, shapely.box(8, 0, 11, 10)], subject, cell_m=cell_m) == [pytest.approx(10)]


@pytest.mark.parametrize("cell_m", [5.0, 10.0, 64.0])
@pytest.mark.parametrize(
    "subject",
    [
        shapely.box(10, 0, 20, 10),  # shares an edge
        shapely.box(10, 3, 20, 7),  # shares a part of an edge
        shapely.box(10, 10, 20, 20),  # touches at a corner
        shapely.box(-10, -10, 20, 20) - shapely.box(0, 0, 10, 10),  # goes round
        shapely.Polygon([(20, 0), (10, 5), (20, 10)]),  # touches with its point
        shapely.box(1e6, 1e6, 1e6 + 1, 1e6 + 1),  # far away
        shapely.box(-1e7, -1e7, -1e7 + 1, 1e7),  # far away and long
        shapely.Polygon(),
        shapely.LineString([(0, 0), (10, 10)]),
        shapely.Point(5, 5),
        None,
    ],
)
def test_what_only_touches_or_has_no_area_has_exactly_nothing(
    subject: shapely.Geometry | None, cell_m: float
) -> None:
    zones = array([shapely.box(0, 0, 10, 10)])
    grid = ZoneGrid.build(zones, cell_m=cell_m)
    subjects = Ragged.from_shapely(array([subject]))
    assert grid.covered_area(subjects).tolist() == [0]
    zone, area = grid.largest_zone(subjects)
    assert (zone.tolist(), area.tolist()) == ([-1], [0])


@pytest.mark.parametrize("cell_m", [0.5, 3.0, 100.0])
def test_a_covered_subject_has_exactly_its_own_area(cell_m: float) -> None:
    subject = at_county(shapely.Polygon([(1.1, 1.3), (8.7, 2.2), (5.5, 9.1)]))
    halves = [at_county(shapely.box(0, 0, 5, 10)), at_county(shapely.box(5, 0, 10, 10))]
    assert covered(halves, subject, cell_m=cell_m) == Ragged.from_shapely([subject]).areas()


def test_of_zones_that_share_a_subject_equally_the_first_is_the_largest() -> None:
    halves = [shapely.box(0, 0, 5, 10), shapely.box(5, 0, 10, 10)]
    subject = Ragged.from_shapely([shapely.box(4, 1, 6, 3)])
    for zones in (halves, halves[::-1]):
        zone, area = ZoneGrid.build(array(zones), cell_m=3).largest_zone(subject)
        # Each has 1 * 2 of it.
        assert (zone.tolist(), area.tolist()) == ([0], [pytest.approx(2)])


def test_no_zones_cover_nothing() -> None:
    subjects = Ragged.from_shapely([shapely.box(0, 0, 1, 1)])
    for zones in ([], [shapely.Polygon(), None], [shapely.LineString([(0, 0), (9, 9)])]):
        grid = ZoneGrid.build(array(list(zones)))
        assert grid.covered_area(subjects).tolist() == [0]
        assert grid.largest_zone(subjects)[0].tolist() == [-1]


def test_no_subjects_have_no_areas() -> None:
    grid = ZoneGrid.build(array([shapely.box(0, 0, 1, 1)]))
    assert grid.covered_area(Ragged.from_shapely([])).tolist() == []


# ------------------------------------------------------------------ the grid itself


def test_cells_are_chosen_by_edges_and_bounded_in_number() -> None:
    dense = shapely.Point(0, 0).buffer(5000, quad_segs=5000)
    assert ZoneGrid.build(array([dense])).cell_m == 150
    coarse = shapely.box(0, 0, 50_000, 50_000)
    assert ZoneGrid.build(array([coarse])).cell_m == 300
    # So far apart that cells of 300 m would be 100 million.
    apart = [shapely.box(0, 0, 1, 1), shapely.box(3e6, 3e6, 3e6 + 1, 3e6 + 1)]
    grid = ZoneGrid.build(array(apart))
    assert grid.columns * grid.rows <= grid_overlay.MAX_CELLS
    assert grid.covered_area(Ragged.from_shapely(apart)).tolist() == [1, 1]


@pytest.mark.parametrize("cell_m", [0, -1, float("nan"), float("inf")])
def test_a_size_that_is_none_is_refused(cell_m: float) -> None:
    with pytest.raises(ValueError, match="positive number of metres"):
        ZoneGrid.build(array([shapely.box(0, 0, 1, 1)]), cell_m=cell_m)


def test_a_size_that_makes_too_many_cells_is_refused() -> None:
    with pytest.raises(ValueError, match="Leave cell_m out"):
        ZoneGrid.build(array([shapely.box(0, 0, 10_000, 10_000)]), cell_m=1)


def test_facts_say_how_many_cells_hold_overlapping_zones() -> None:
    zones = array([shapely.box(0, 0, 9, 9), shapely.box(8, 8, 12, 12)])
    facts = ZoneGrid.build(zones, cell_m=10).facts()
    assert facts["overlapping_cells"] == 1
    # The first zone lies in one cell, the second in four.
    assert facts["entries"] == 5
    assert facts["bytes"] > 0


# ------------------------------------------------------------------ nearest lines


@thorough(200)
@given(
    st.lists(st.one_of(paths(), surfaces(), points()), max_size=8),
    st.lists(st.one_of(surfaces(), paths(), points()), min_size=1, max_size=8),
)
def test_distances_are_those_of_shapely(
    lines: list[shapely.Geometry], subjects: list[shapely.Geometry]
) -> None:
    distance, line = LineGrid.build(array(lines)).nearest(Ragged.from_shapely(array(subjects)))
    for subject, distance_m, nearest in zip(subjects, distance, line, strict=True):
        each = np.array([shapely.distance(subject, other) for other in lines])
        if np.isnan(each).all():
            assert np.isnan(distance_m)
            assert nearest == -1
            continue
        assert distance_m == pytest.approx(np.nanmin(each), abs=1e-6)
        is_near = each <= np.nanmin(each) + 1e-6
        assert is_near[nearest]
        # Ties go to the first; what differs by less than rounding may go either way.
        assert nearest == np.argmax(is_near) or each[nearest] > each[np.argmax(is_near)] - 1e-6


def test_distances_by_hand() -> None:
    lines = [
        shapely.LineString([(0, 0), (100, 0)]),
        shapely.LineString([(0, 50), (100, 50)]),
        shapely.Polygon(
            [(0, 100), (100, 100), (100, 200), (0, 200)],
            [[(40, 140), (60, 140), (60, 160), (40, 160)]],
        ),
    ]
    subjects = [
        shapely.box(10, 10, 20, 20),  # 10 above the first
        shapely.box(10, 20, 20, 30),  # 20 from both: the first counts
        shapely.box(10, 20, 20, 60),  # the second crosses it
        shapely.box(-5, 40, 105, 60),  # the second lies inside it
        shapely.box(10, 110, 20, 120),  # inside the surface
        shapely.box(48, 148, 52, 152),  # in the hole of the surface, 8 from its rim
        shapely.Point(103, 54),  # 3 east and 4 north of the second's end: 5
        shapely.box(-9, -9, 999, 999),  # holds all: the first counts
        shapely.Polygon(),
    ]
    distance, line = LineGrid.build(array(lines)).nearest(Ragged.from_shapely(array(subjects)))
    assert distance.tolist() == [10, 20, 0, 0, 0, 8, 5, 0, pytest.approx(np.nan, nan_ok=True)]
    assert line.tolist() == [0, 0, 1, 1, 2, 2, 1, 0, -1]


@pytest.mark.slow
def test_many_subjects_and_segments_are_those_of_shapely() -> None:
    numbers = np.random.default_rng(7)
    walks = numbers.normal(0, 30, (20, 3000, 2)).cumsum(axis=1) + numbers.uniform(
        0, 2e4, (20, 1, 2)
    )
    lines = array([at_county(shapely.LineString(walk)) for walk in walks])
    corner = numbers.uniform(0, 2e4, (2000, 2)) + np.array([EAST, NORTH])
    subjects = shapely.box(*corner.T, *(corner + 60).T)
    angles = np.linspace(0, 2 * np.pi, 3000)
    round_ones = [
        shapely.Polygon(c + 900 * np.column_stack([np.cos(angles), np.sin(angles)]))
        for c in corner[:20]
    ]
    every = np.concatenate([subjects, array(round_ones)])
    distance, line = LineGrid.build(lines).nearest(Ragged.from_shapely(every))
    nearest = shapely.STRtree(lines).nearest(every)
    expected = shapely.distance(every, lines[nearest])
    assert distance == pytest.approx(expected, abs=1e-6)
    assert shapely.distance(every, lines[line]) == pytest.approx(expected, abs=1e-6)


# ------------------------------------------------------------------ threads, progress, cancel


@pytest.fixture
def parcels() -> Ragged:
    """Return 900 squares of 20 m, side by side."""
    west, south = (grid.ravel() * 20.0 for grid in np.meshgrid(np.arange(30), np.arange(30)))
    return Ragged.from_shapely(shapely.box(west, south, west + 20, south + 20))


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have 900 subjects worked on in many chunks."""
    monkeypatch.setattr(grid_overlay, "_CHUNK_SUBJECTS", 50)
    monkeypatch.setattr(grid_overlay, "_CHUNK_VERTICES", 120)


@pytest.mark.usefixtures("small_chunks")
def test_results_do_not_depend_on_the_number_of_threads(parcels: Ragged) -> None:
    zones = [shapely.Point(x, x).buffer(70, quad_segs=40) for x in range(0, 600, 45)]
    grid, rivers = ZoneGrid.build(array(zones)), LineGrid.build(shapely.boundary(array(zones)))
    alone, *more = [
        (
            grid.covered_area(parcels, threads=threads),
            *grid.largest_zone(parcels, threads=threads),
            *rivers.nearest(parcels, threads=threads),
        )
        for threads in (1, 2, 5)
    ]
    for found in more:
        for left, right in zip(alone, found, strict=True):
            np.testing.assert_array_equal(left, right)


@pytest.mark.usefixtures("small_chunks")
def test_progress_counts_up_to_all_subjects(parcels: Ragged) -> None:
    seen: list[tuple[int, int]] = []
    grid = ZoneGrid.build(array([shapely.box(0, 0, 300, 300)]))
    grid.covered_area(parcels, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (900, 900)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


@pytest.mark.usefixtures("small_chunks")
def test_cancelling_ends_the_work(parcels: Ragged) -> None:
    cancel = threading.Event()
    cancel.set()
    grid, line = array([shapely.box(0, 0, 300, 300)]), array([shapely.LineString([(0, 0), (9, 9)])])
    for work in (
        ZoneGrid.build(grid).covered_area,
        ZoneGrid.build(grid).largest_zone,
        LineGrid.build(line).nearest,
    ):
        with pytest.raises(CancelledError, match="of 900 subjects"):
            work(parcels, cancel=cancel)


@pytest.mark.usefixtures("small_chunks")
def test_an_interrupt_stops_what_has_not_started(parcels: Ragged) -> None:
    calls = []

    def interrupt(done: int, total: int) -> None:
        calls.append((done, total))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ZoneGrid.build(array([shapely.box(0, 0, 300, 300)])).covered_area(
            parcels, progress=interrupt
        )
    assert len(calls) == 1
