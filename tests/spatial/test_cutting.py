"""Parts that are cut zone by zone are those that GEOS cuts pair by pair, vertex for vertex."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo_service import native
from geo_service.spatial import cutting
from geo_service.spatial.cutting import ZoneCutter
from geo_service.spatial.overlay import find_overlaps
from geo_service.spatial.pairs import overlapping_pairs, pairs_of
from tests.depth import thorough

CRS = "EPSG:4545"


def star(rng: np.random.Generator, *, size: float, reach: float) -> shapely.Polygon:
    """Return a polygon of random shape, begun anywhere, either way round, sometimes with a hole."""
    count = int(rng.integers(3, 30))
    angles = np.sort(rng.random(count)) * 2 * np.pi
    radius = size * (0.5 + 0.5 * rng.random(count))
    xy = np.c_[radius * np.cos(angles), radius * np.sin(angles)]
    xy = np.roll(xy, int(rng.integers(count)), axis=0)[:: int(rng.choice([-1, 1]))]
    xy = np.repeat(xy, 1 + (rng.random(count) < 0.05), axis=0)
    holes = [xy[::-1] * 0.1] if rng.random() < 0.2 else []
    place = rng.random(2) * reach
    return shapely.Polygon(xy + place, [hole + place for hole in holes])


def valid(shapes: list[shapely.Polygon]) -> np.ndarray:
    array = np.array(shapes, dtype=object)
    return array[shapely.is_valid(array)]


@given(seed=st.integers(0, 10**9))
@thorough(40)
def test_parts_are_those_of_an_overlay(seed: int) -> None:
    rng = np.random.default_rng(seed)
    subjects = valid([star(rng, size=4, reach=100) for _ in range(60)])
    zones = valid([star(rng, size=60, reach=100) for _ in range(5)])
    found = find_overlaps(
        gpd.GeoDataFrame(geometry=subjects, crs=CRS), gpd.GeoDataFrame(geometry=zones, crs=CRS)
    )
    expected = np.full(len(subjects), None, dtype=object)
    expected[found.subject] = found.parts
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutting, "_VERTICES_PER_PAIR", 0)
        patch.setattr(cutting, "_LEAST_ROOM", 8)
        cutter = ZoneCutter(subjects, zones)
        rows = rng.permutation(len(subjects))[:40]
        for part, one in zip(cutter.parts(rows), expected[rows], strict=True):
            assert (part is None) == (one is None)
            assert part is None or shapely.equals_identical(part, one)


def winding(rng: np.random.Generator, *, size: float, reach: float) -> shapely.Polygon:
    """Return a polygon of many short sides that winds in and out."""
    angles = np.linspace(0, 2 * np.pi, int(rng.integers(300, 600)), endpoint=False)
    waves = int(rng.integers(4, 40)) * angles + rng.random() * 7
    radius = size * (0.7 + 0.3 * np.sin(waves))
    middle = rng.random(2) * reach
    return shapely.Polygon(np.c_[radius * np.cos(angles), radius * np.sin(angles)] + middle)


def with_some_collected(rng: np.random.Generator, shapes: np.ndarray) -> np.ndarray:
    """Return polygons of which every other one is a collection of one."""
    return np.array(
        [shapely.MultiPolygon([one]) if rng.random() < 0.5 else one for one in shapes],
        dtype=object,
    )


@given(seed=st.integers(0, 10**9))
@thorough(40)
def test_the_kernel_cuts_bit_for_bit_what_geos_cuts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    far = rng.choice([0.0, 3e6, 3.65e7])
    single = valid([star(rng, size=3, reach=100) for _ in range(150)])
    single = shapely.remove_repeated_points(single[shapely.get_num_interior_rings(single) == 0])
    subjects = shapely.transform(with_some_collected(rng, single), lambda xy: xy + far)
    zones = valid([winding(rng, size=60, reach=100) for _ in range(4)])
    ring = zones[0].exterior.coords[:]
    zones = np.array([*zones, shapely.Polygon(ring[::-1])], dtype=object)
    zones = shapely.transform(with_some_collected(rng, zones), lambda xy: xy + far)
    subject, zone = (each.ravel() for each in np.indices((len(subjects), len(zones))))
    expected = shapely.intersection(subjects[subject], zones[zone])
    left_out: list[int] = []

    def counted(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        left_out.append(len(one))
        return np.array([one.intersection(other) for one, other in zip(one, other, strict=True)])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shapely, "intersection", counted)
        made = ZoneCutter(subjects, zones).pieces(subject, zone)
    assert shapely.equals_identical(made, expected).all()
    assert sum(left_out) < 0.1 * len(subject)


@pytest.mark.parametrize(
    ("subject", "zone"),
    [
        ("POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0))", "POLYGON ((4 0, 8 0, 8 4, 4 4, 4 0))"),
        ("POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0))", "POLYGON ((2 0, 8 0, 8 4, 2 4, 2 0))"),
        ("POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0))", "POLYGON ((4 4, 8 4, 8 8, 4 8, 4 4))"),
        ("POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0))", "POLYGON ((2 0, 4 2, 2 4, 0 2, 2 0))"),
        ("POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0))", "POLYGON ((1 1, 2 1, 2 2, 1 2, 1 1))"),
        ("POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0), (3 3, 6 3, 6 6, 3 6, 3 3))", "POINT (1 1)"),
        ("POLYGON ((0 0, 4 0, 4 4, 4 4, 0 4, 0 0))", "POLYGON ((-1 -1, 9 -1, 9 9, -1 9, -1 -1))"),
        (
            "POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0))",
            "POLYGON ((-9 -9, 9 -9, 9 9, -9 9, -9 -9), (1 1, 1 5, 5 5, 5 1, 1 1))",
        ),
        (
            "POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0))",
            "MULTIPOLYGON (((-1 1, 1 1, 1 2, -1 2, -1 1)), ((3 1, 5 1, 5 2, 3 2, 3 1)))",
        ),
        ("POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0))", "POLYGON Z ((-1 1 7, 9 1 7, 9 2 7, -1 1 7))"),
        ("POLYGON EMPTY", "POLYGON ((0 0, 1 0, 1 1, 0 0))"),
    ],
)
def test_what_is_not_plain_is_cut_as_geos_cuts_it(subject: str, zone: str) -> None:
    """Sides that touch, holes, rings inside rings, several rings, heights, repeated vertices."""
    shapes = shapely.from_wkt(np.array([subject, zone], dtype=object))
    zero = np.zeros(1, dtype=np.intp)
    (made,) = ZoneCutter(shapes[:1], shapes[1:]).pieces(zero, zero)
    assert shapely.equals_identical(made, shapely.intersection(*shapes))


def test_without_the_kernel_shapely_cuts_all(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    subjects = valid([star(rng, size=4, reach=60) for _ in range(30)])
    zones = valid([star(rng, size=40, reach=60) for _ in range(3)])
    rows = np.arange(len(subjects))
    expected = ZoneCutter(subjects, zones).parts(rows)
    monkeypatch.setattr(native, "load", lambda: None)
    parts = ZoneCutter(subjects, zones).parts(rows)
    assert [part is None for part in parts] == [part is None for part in expected]
    assert shapely.equals_identical(parts, expected)[expected != None].all()  # noqa: E711 - by element


@given(seed=st.integers(0, 10**9))
@thorough(40)
def test_pairs_of_some_shapes_are_among_all_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shapes = valid([star(rng, size=4, reach=20) for _ in range(40)])
    chosen = rng.permutation(len(shapes))[:5]
    every = overlapping_pairs(shapes, least_m2=0.01)
    is_of = np.isin(every.first, chosen) | np.isin(every.second, chosen)
    some = pairs_of(shapes, chosen, least_m2=0.01)
    assert some.first.tolist() == every.first[is_of].tolist()
    assert some.second.tolist() == every.second[is_of].tolist()
    assert some.area_m2.tolist() == every.area_m2[is_of].tolist()
