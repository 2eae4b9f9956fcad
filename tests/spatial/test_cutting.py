"""Parts that are cut zone by zone are those that GEOS cuts pair by pair, vertex for vertex."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo_service.spatial import cutting
from geo_service.spatial.cutting import ZoneCutter, cut_pieces, zones_near
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
        patch.setattr(cutting, "_VERTICES_AT_ONCE", 30)
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


@given(seed=st.integers(0, 10**9))
@thorough(40)
def test_parts_cut_from_what_lies_near_are_those_of_whole_zones(seed: int) -> None:
    rng = np.random.default_rng(seed)
    single = valid([star(rng, size=3, reach=100) for _ in range(150)])
    subjects = np.array(
        [shapely.MultiPolygon([one]) if rng.random() < 0.5 else one for one in single],
        dtype=object,
    )
    zones = valid([winding(rng, size=60, reach=100) for _ in range(4)])
    near = zones_near(np.repeat(subjects, len(zones)), np.tile(zones, len(subjects)))
    assert shapely.get_num_coordinates(near).sum() < len(subjects) * (
        shapely.get_num_coordinates(zones).sum()
    )
    found = find_overlaps(
        gpd.GeoDataFrame(geometry=subjects, crs=CRS), gpd.GeoDataFrame(geometry=zones, crs=CRS)
    )
    expected = np.full(len(subjects), None, dtype=object)
    expected[found.subject] = found.parts
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutting, "_GROUP_M", 5.0)
        for part, one in zip(
            ZoneCutter(subjects, zones).parts(np.arange(len(subjects))), expected, strict=True
        ):
            assert (part is None) == (one is None)
            assert part is None or shapely.equals_identical(part, one)


def test_what_lies_inside_is_not_intersected(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    subjects = np.array([shapely.box(1, 1, 2, 2), star(rng, size=1, reach=1)], dtype=object)
    zones = np.array([shapely.box(-9, -9, 9, 9)] * 2, dtype=object)
    expected = shapely.intersection(subjects, zones)
    monkeypatch.setattr(shapely, "intersection", lambda one, _: np.asarray(one)[:0])
    pieces = cut_pieces(subjects[:1], zones[:1], np.array([True]))
    assert shapely.equals_identical(pieces[0], expected[0])


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
