"""Distances to the nearest line: the kernel and shapely's tree give the same."""

from __future__ import annotations

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo_service.errors import CrsError
from geo_service.spatial import nearest
from geo_service.spatial.nearest import LineSides, NearestLines, nearest_lines
from geo_service.spatial.ragged import Ragged
from tests.depth import thorough
from tests.spatial.shapes import EAST, NORTH, array, at_county, paths, points, surfaces

CRS = "EPSG:4545"


def series(*shapes: shapely.Geometry | None) -> gpd.GeoSeries:
    """Return shapes given in metres from the county's corner as a column."""
    moved = [None if shape is None else at_county(shape) for shape in shapes]
    return gpd.GeoSeries(array(moved), crs=CRS)


@pytest.fixture(params=["kernel", "tree"])
def way(request: pytest.FixtureRequest) -> Iterator[str]:
    """Measure with the compiled kernel, then as a machine without it does."""
    patch = pytest.MonkeyPatch()
    if request.param == "tree":
        patch.setattr(nearest, "is_available", lambda: False)
    yield request.param
    patch.undo()


@pytest.mark.usefixtures("way")
def test_distances_and_lines_by_hand() -> None:
    lines = series(
        shapely.LineString([(0, 0), (1000, 0)]), shapely.LineString([(0, 500), (0, 900)])
    )
    places = series(
        shapely.Point(500, 30),  # 30 m north of the first
        shapely.Point(-40, 530),  # 40 m west of the second
        shapely.Point(1030, 40),  # 30 east and 40 north of the end: 50 m
        shapely.box(100, 60, 200, 90),  # its lower side is 60 m off
        shapely.box(-10, 600, 10, 700),  # crossed by the second
    )
    found = nearest_lines(places, lines)
    assert found.distance_m.tolist() == pytest.approx([30, 40, 50, 60, 0], abs=1e-9)
    assert found.line.tolist() == [0, 1, 0, 0, 1]


@pytest.mark.usefixtures("way")
def test_what_is_missing_or_empty_is_near_to_nothing() -> None:
    lines = series(None, shapely.LineString(), shapely.LineString([(0, 0), (10, 0)]))
    places = series(None, shapely.Point(), shapely.Point(5, 5))
    found = nearest_lines(places, lines)
    assert np.isnan(found.distance_m[:2]).all()
    assert found.distance_m[2] == pytest.approx(5)
    assert found.line.tolist() == [-1, -1, 2]
    nothing = nearest_lines(series(shapely.Point(0, 0)), series())
    assert np.isnan(nothing.distance_m).all()
    assert nothing.line.tolist() == [-1]
    assert len(nearest_lines(series(), lines).line) == 0


@pytest.mark.usefixtures("way")
def test_of_lines_equally_near_the_first_counts() -> None:
    lines = series(*[shapely.LineString([(0, y), (10, y)]) for y in (5, -5, 5)])
    assert nearest_lines(series(shapely.Point(5, 0)), lines).line.tolist() == [0]
    swapped = gpd.GeoSeries(lines.to_numpy()[[1, 2, 0]], crs=CRS)
    assert nearest_lines(series(shapely.Point(5, 0)), swapped).line.tolist() == [0]


@pytest.mark.usefixtures("way")
def test_river_surfaces_are_at_distance_0_inside() -> None:
    lines = series(shapely.box(0, 0, 100, 100), shapely.LineString([(0, 200), (100, 200)]))
    found = nearest_lines(series(shapely.Point(50, 50), shapely.Point(50, 160)), lines)
    assert found.distance_m.tolist() == pytest.approx([0, 40])
    assert found.line.tolist() == [0, 1]


@pytest.mark.usefixtures("way")
def test_degrees_and_foreign_crs_are_refused() -> None:
    lines = series(shapely.LineString([(0, 0), (10, 0)]))
    with pytest.raises(CrsError):
        NearestLines(lines.to_crs("EPSG:4490"))
    with pytest.raises(CrsError):
        NearestLines(lines).of(lines.to_crs("EPSG:32649"))


def test_points_are_taken_over_as_they_are() -> None:
    xy = np.array([[EAST, NORTH], [EAST + 0.1, NORTH + 0.2]])
    made, slow = (
        Ragged.from_points(xy),
        Ragged.from_shapely(array([shapely.Point(*at) for at in xy])),
    )
    for name in ("xy", "ring", "part", "geometry", "dimension"):
        assert getattr(made, name).tolist() == getattr(slow, name).tolist()
    with pytest.raises(ValueError, match=r"position 1 .* not finite"):
        Ragged.from_points(np.array([[0.0, 0.0], [np.nan, 0.0]]))


def test_many_scattered_points_have_the_distance_that_shapely_finds() -> None:
    chance = np.random.default_rng(20_261_123)
    xy = chance.uniform(0, 20_000, (20_000, 2))
    steps = chance.uniform(-300, 300, (40, 60, 2)).cumsum(axis=1)
    lines = gpd.GeoSeries(
        [shapely.LineString(at + walk) for at, walk in zip(xy[:40], steps, strict=True)], crs=CRS
    )
    places = gpd.GeoSeries(shapely.points(xy), crs=CRS)
    found = nearest_lines(places, lines)
    (_, line), expected = shapely.STRtree(lines.to_numpy()).query_nearest(
        places.to_numpy(), all_matches=False, return_distance=True
    )
    np.testing.assert_allclose(found.distance_m, expected, rtol=0, atol=1e-6)
    own = shapely.distance(places.to_numpy(), lines.to_numpy()[found.line])
    np.testing.assert_allclose(own, expected, rtol=0, atol=1e-6)
    assert (found.line == line).mean() > 0.999


@given(
    st.lists(st.one_of(points(), paths(), surfaces()), min_size=1, max_size=6),
    st.lists(st.one_of(paths(), surfaces()), min_size=1, max_size=4),
)
@thorough(80)
def test_distances_are_those_of_shapely(
    subjects: list[shapely.Geometry], lines: list[shapely.Geometry]
) -> None:
    own, other = gpd.GeoSeries(subjects, crs=CRS), gpd.GeoSeries(lines, crs=CRS)
    found = nearest_lines(own, other)
    apart = np.array([[shapely.distance(one, each) for each in lines] for one in subjects])
    for row, distances in enumerate(apart):
        if np.isnan(distances).all():
            assert np.isnan(found.distance_m[row])
            assert found.line[row] == -1
            continue
        assert found.distance_m[row] == pytest.approx(np.nanmin(distances), abs=1e-6)
        assert distances[found.line[row]] == pytest.approx(np.nanmin(distances), abs=1e-6)


@given(seed=st.integers(0, 10**9))
@thorough(20)
def test_the_sides_near_a_subject_are_as_far_as_the_whole_line(seed: int) -> None:
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, 40, (2_000, 2)), axis=0) + np.array([EAST, NORTH])
    line = shapely.MultiLineString([walk[:900], walk[900:]])
    angles = np.linspace(0, 2 * np.pi, 80, endpoint=False)
    ring = np.c_[np.cos(angles), np.sin(angles)] * rng.uniform(50, 150, (80, 1))
    park = shapely.Polygon(ring + walk[rng.integers(2_000)] + rng.uniform(-800, 800, 2))
    whole_m = shapely.distance(line, park)
    near = LineSides(line).near(park, whole_m * (1 + 1e-12))
    assert shapely.distance(near, park) == whole_m
    assert shapely.get_num_coordinates(near) < 2_000
