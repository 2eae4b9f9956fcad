from __future__ import annotations

from unittest import mock

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo_service.errors import CrsError
from geo_service.spatial import overlay
from geo_service.spatial.grid_overlay import ZoneGrid
from geo_service.spatial.overlay import find_overlaps, overlap_areas
from tests.spatial.shapes import array

METRIC = "EPSG:4545"


def frame(*shapes: shapely.Geometry | None, crs: str = METRIC) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=gpd.GeoSeries(array(list(shapes)), crs=crs))


SUBJECTS = (
    shapely.box(0, 0, 10, 10),
    shapely.box(20, 0, 30, 10),
    shapely.box(100, 0, 110, 10),
    None,
    shapely.Polygon(),
)
ZONES = (shapely.box(5, 0, 25, 10), shapely.box(8, 0, 9, 10))
# The first subject has x 5..10, of which 8..9 lies in both zones: 5 * 10. The second has x 20..25.
AREAS = [50, 50, 0, 0, 0]


@pytest.fixture(params=["grid", "shapely"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Measure with the kernel, then as on a machine that has none."""
    if request.param == "shapely":
        monkeypatch.setattr(overlay, "is_available", lambda: False)
    return str(request.param)


def test_overlapping_zones_count_once_either_way(way: str) -> None:
    with mock.patch.object(overlay, "find_overlaps", wraps=find_overlaps) as reference:
        found = overlap_areas(frame(*SUBJECTS), frame(*ZONES))
    assert found.tolist() == pytest.approx(AREAS)
    assert reference.called == (way == "shapely")


@pytest.mark.usefixtures("way")
def test_nothing_overlaps_nothing() -> None:
    assert overlap_areas(frame(), frame(*ZONES)).tolist() == []
    assert overlap_areas(frame(*SUBJECTS), frame()).tolist() == [0] * 5


@pytest.mark.usefixtures("way")
def test_degrees_are_refused() -> None:
    with pytest.raises(CrsError):
        overlap_areas(frame(*SUBJECTS, crs="EPSG:4490"), frame(*ZONES, crs="EPSG:4490"))


@pytest.mark.usefixtures("way")
def test_a_collection_counts_with_its_surfaces() -> None:
    mixed = shapely.GeometryCollection([shapely.box(0, 0, 2, 2), shapely.Point(5, 5)])
    # All of the square 2 * 2 lies in the zone.
    assert overlap_areas(frame(mixed), frame(shapely.box(0, 0, 9, 9))).tolist() == [4]


def test_few_subjects_against_a_zone_of_many_vertices_do_not_pay_for_a_grid() -> None:
    fine = shapely.Point(0, 0).buffer(100, quad_segs=1000)
    with mock.patch.object(overlay, "ZoneGrid", wraps=ZoneGrid) as grid:
        few = overlap_areas(frame(shapely.box(0, 0, 10, 10)), frame(fine))
        assert not grid.build.called
        many = overlap_areas(frame(*[shapely.box(0, 0, 10, 10)] * 20), frame(fine))
        assert grid.build.called
    assert few.tolist() == [100]
    assert many.tolist() == [100] * 20


def test_parts_are_the_union_of_what_zones_cover() -> None:
    found = find_overlaps(frame(*SUBJECTS), frame(*ZONES))
    assert found.subject.tolist() == [0, 1]
    assert found.zones == ((0, 1), (0,))
    assert np.array_equal(shapely.area(found.parts), [50, 50])
