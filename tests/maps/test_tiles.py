from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.affinity
from hypothesis import example, given
from hypothesis import strategies as st
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from geo_service.errors import NotFoundError
from geo_service.maps import review_tiles
from geo_service.maps import tile_encoding as encoding
from geo_service.maps import tiles as tiling
from geo_service.maps.kinds import plan as plan_kind
from geo_service.maps.layers import FEATURE_SOURCES, FeatureSource
from geo_service.maps.review_tiles import Tiles
from geo_service.maps.tiles import BUFFER, TileLayer, project
from geo_service.planning import PlanningService as Running
from geo_service.web.app import create_app
from tests.client import TestClient
from tests.county import County, box, line, parcel, point
from tests.depth import thorough
from tests.maps.hostile import LONG, TEXTS, hostile_county

EXTENT = encoding.EXTENT
THINGS = FeatureSource(
    name="things", key="id", columns=("id", "kind"), symbol="zone", symbol_column="kind"
)
Shape = BaseGeometry
NEAR = (16, 52_000, 26_800)
"""A tile at which nothing is simplified any more."""


def layer_of(*shapes: Shape | None, **columns: object) -> TileLayer:
    """Return a layer of shapes in degrees, each with an id and a class."""
    count = len(shapes)
    table = {"id": [f"F{place}" for place in range(count)], "kind": ["a"] * count, **columns}
    return TileLayer(THINGS, pd.DataFrame(table), np.array(shapes, dtype=object))


def decoded(content: bytes) -> list[tuple[Shape, dict[str, Any], int]]:
    """Return shape (tile units, y to the south), attributes and id of each feature."""
    if not content:
        return []
    document = mapbox_vector_tile.decode(content, default_options={"y_coord_down": True})
    (layer,) = document.values()
    assert layer["extent"] == EXTENT
    assert layer["version"] == 2
    return [(shape(f["geometry"]), f["properties"], f["id"]) for f in layer["features"]]


def in_world(unit_shape: Shape) -> Shape:
    """Return a shape given in Web Mercator from 0 to 1 in degrees."""

    def degrees(xy: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        latitude = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * xy[:, 1]))))
        return np.column_stack([(xy[:, 0] - 0.5) * 360, latitude])

    return shapely.transform(unit_shape, degrees)


def in_tile(units: Shape, zoom: int = 16, x: int = 52_000, y: int = 26_800) -> Shape:
    """Return a shape given in a tile's units in degrees."""
    side = 1 / 2**zoom
    corner = np.array([x, y]) * side
    return in_world(shapely.transform(units, lambda xy: xy * side / EXTENT + corner))


# ---- geometry ----------------------------------------------------------------------------


def test_a_polygon_lies_where_it_should() -> None:
    # From the middle of the world (0, 0) to 90 degrees east and 66.513 north, which is a
    # quarter of the world both ways: units 2048 to 3072, and 1024 to 2048 from the top.
    quarter = shapely.box(0, 0, 90, 66.51326044311186)
    ((found, _, _),) = decoded(layer_of(quarter).tile(0, 0, 0))
    assert found.equals(shapely.box(2048, 1024, 3072, 2048))


def test_projection_ends_where_the_square_world_does() -> None:
    places = np.array([[0.0, 0.0], [-180.0, 89.0], [180.0, -90.0]])
    assert np.allclose(project(places), np.array([[0.5, 0.5], [0, 0], [1, 1]]), atol=1e-12)


def test_shells_wind_as_the_format_says_and_holes_the_other_way() -> None:
    ring = shapely.box(100, 100, 900, 900).difference(shapely.box(300, 300, 500, 600))
    for given_shape in (ring, shapely.reverse(ring)):
        content = layer_of(in_tile(given_shape)).tile(*NEAR)
        document = mapbox_vector_tile.decode(content, default_options={"y_coord_down": True})
        shell, hole = document["things"]["features"][0]["geometry"]["coordinates"]

        def twice_area(vertices: list[list[int]]) -> int:
            pairs = zip(vertices, vertices[1:] + vertices[:1], strict=True)
            return sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)

        # 800 x 800 and 200 x 300: positive is a shell (4.3.3.3 of the format).
        assert twice_area(shell) == 2 * 640_000
        assert twice_area(hole) == -2 * 60_000


def test_vertices_that_add_nothing_are_left_out() -> None:
    idle = shapely.Polygon([(0, 0), (50, 0.2), (100, 0), (100, 100), (100, 100.3), (0, 100)])
    content = layer_of(in_tile(idle)).tile(*NEAR)
    ((found, _, _),) = decoded(content)
    assert isinstance(found, shapely.Polygon)
    assert set(found.exterior.coords) == {(0, 0), (100, 0), (100, 100), (0, 100)}
    # Four corners: MoveTo with a pair, LineTo with three, ClosePath. 1 + 2 + 1 + 6 + 1 numbers.
    assert content.count(bytes([0x09])) >= 1


def test_a_shape_over_the_border_is_cut_beyond_it() -> None:
    wide = shapely.box(-5_000, 1_000, 9_000, 1_200)
    ((found, _, _),) = decoded(layer_of(in_tile(wide)).tile(*NEAR))
    assert found.bounds == (-BUFFER, 1_000, EXTENT + BUFFER, 1_200)


def test_lines_and_points_and_their_multiples() -> None:
    shapes = [
        shapely.LineString([(10, 10), (200, 10), (200, 300)]),
        shapely.MultiLineString([[(0, 0), (50, 60)], [(70, 80), (90, 10)]]),
        shapely.Point(40, 50),
        shapely.MultiPoint([(1, 2), (3, 4), (-20, 5)]),
    ]
    content = layer_of(*map(in_tile, shapes)).tile(*NEAR)
    found = {attributes["id"]: one for one, attributes, _ in decoded(content)}
    for place, expected in enumerate(shapes):
        assert found[f"F{place}"].equals(expected), expected


def test_a_collection_becomes_one_feature_a_kind_with_the_same_id() -> None:
    parts = [
        shapely.box(0, 0, 50, 50),
        shapely.LineString([(0, 90), (60, 90)]),
        shapely.Point(5, 70),
    ]
    mixed = shapely.GeometryCollection([*parts, shapely.box(100, 0, 150, 50)])
    found = decoded(layer_of(None, in_tile(mixed)).tile(*NEAR))
    assert {one.geom_type for one, _, _ in found} == {"MultiPolygon", "LineString", "Point"}
    assert {identity for _, _, identity in found} == {2}
    assert {attributes["id"] for _, attributes, _ in found} == {"F1"}


def test_rows_without_a_shape_are_left_out() -> None:
    layer = layer_of(None, shapely.Polygon(), in_tile(shapely.box(0, 0, 90, 90)))
    assert len(layer) == 1
    assert len(decoded(layer.tile(*NEAR))) == 1
    assert layer_of(None).tile(0, 0, 0) == b""
    assert layer_of(None).bounds is None


def test_a_crossed_outline_is_mended() -> None:
    bow = shapely.Polygon([(0, 0), (400, 400), (400, 0), (0, 400)])
    ((found, _, _),) = decoded(layer_of(in_tile(bow)).tile(*NEAR))
    assert found.is_valid
    # Two triangles of 400 x 200 / 2.
    assert found.area == pytest.approx(80_000, rel=0.01)


def test_what_rounding_crosses_is_mended() -> None:
    # The needle's tip comes within a third of a unit of the other side, and rounds beyond it.
    needle = shapely.Polygon(
        [(0, 0), (300, 0), (300, 300), (150.2, 1.3), (149.9, 0.6), (149.7, 1.4), (0, 300)]
    )
    assert needle.is_valid
    found = [one for one, _, _ in decoded(layer_of(in_tile(needle)).tile(*NEAR))]
    assert all(one.is_valid for one in found)
    assert sum(one.area for one in found) == pytest.approx(needle.area, rel=0.01)


def test_a_sliver_thinner_than_a_unit_stays() -> None:
    thin = shapely.Polygon([(100, 100), (900, 700), (900, 700.3), (100, 100.3)])
    ((found, _, _),) = decoded(layer_of(in_tile(thin)).tile(*NEAR))
    assert found.is_valid
    assert found.area > 0
    assert found.hausdorff_distance(thin) < 3


@st.composite
def outlines(draw: st.DrawFn) -> shapely.Polygon:
    """Stars about a middle in or near the tile, rough and sometimes with a hole, in units."""
    corners = draw(st.integers(3, 24))
    reach = draw(st.floats(50, 5_000))
    middle = np.array([draw(st.floats(-500, EXTENT + 500)) for _ in range(2)])
    swing = np.array([draw(st.floats(0.2, 1)) for _ in range(corners)])
    angle = 2 * np.pi * (np.arange(corners) + draw(st.floats(0, 1))) / corners
    ring = middle + np.column_stack([np.cos(angle), np.sin(angle)]) * (reach * swing)[:, None]
    holes = [middle + (ring - middle) * 0.15] if draw(st.booleans()) else []
    return shapely.Polygon(ring, holes)


WINDOW = shapely.box(-BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)


@thorough(150)
@given(outline=outlines())
@example(outline=shapely.Polygon([(0, 0), (4096, 1), (4096, 2), (0, 1.2)]))
def test_what_is_decoded_is_the_cut_shape_to_a_unit(outline: shapely.Polygon) -> None:
    assert outline.is_valid
    layer = layer_of(in_tile(outline))
    found = decoded(layer.tile(*NEAR))
    cut = shapely.intersection(outline, WINDOW)
    if not found:
        # Only what lies along the border, out of sight, may go.
        assert cut.area < EXTENT
        return
    ((one, _, identity),) = found
    assert identity == 1
    assert one.is_valid
    assert shapely.get_coordinates(one).tolist() == np.rint(shapely.get_coordinates(one)).tolist()
    # Neither has anything further than rounding (0.71) from the other; slivers two units.
    away = 1.0 if cut.buffer(-1).area else 3.0
    assert one.difference(cut.buffer(away)).is_empty
    assert cut.buffer(-away).difference(one.buffer(away)).is_empty


@thorough(80)
@given(outline=outlines())
def test_tiles_meet_at_their_border(outline: shapely.Polygon) -> None:
    layer = layer_of(in_tile(outline))
    left = decoded(layer.tile(16, 51_999, 26_800))
    right = decoded(layer.tile(*NEAR))
    shared = [
        shapely.affinity.translate(one, by)
        for found, by in ((left, -EXTENT), (right, 0))
        for one, _, _ in found
    ]
    # What both have: half of the way that either goes over the border.
    strip = shapely.box(-BUFFER / 2, -BUFFER / 2, BUFFER / 2, EXTENT + BUFFER / 2)
    if shapely.intersection(outline, strip).buffer(-1).is_empty:
        return
    one, other = shared
    # Ends of edges that either cuts elsewhere round apart: by 0.71 units each.
    assert shapely.intersection(one, strip).difference(other.buffer(1.5)).is_empty
    assert shapely.intersection(other, strip).difference(one.buffer(1.5)).is_empty


@thorough(40)
@given(
    seed=st.integers(0, 10_000),
    zoom=st.integers(6, 14),
    count=st.integers(1, 60),
)
def test_whatever_is_larger_than_a_pixel_is_in_some_tile(seed: int, zoom: int, count: int) -> None:
    numbers = np.random.default_rng(seed)
    pixel = 1 / (512 * 2**zoom)
    sides = pixel * numbers.lognormal(1, 1.5, (count, 2)).clip(0.01, 2_000)
    corners = numbers.uniform(0.7, 0.7 + 600 * pixel, (count, 2))
    shapes = [in_world(shapely.box(*low, *(low + side))) for low, side in zip(corners, sides)]  # noqa: B905 - both of `count`
    layer = layer_of(*shapes)
    assert layer.bounds is not None
    west, north, east, south = (int(side * 2**zoom) for side in layer.bounds)
    found = {
        identity
        for x in range(west, east + 1)
        for y in range(north, south + 1)
        for _, _, identity in decoded(layer.tile(zoom, x, y))
    }
    large = {place + 1 for place in range(count) if sides[place].max() > 1.001 * pixel}
    assert large <= found


def test_of_tiny_features_in_a_pixel_the_largest_stands_for_all() -> None:
    # At zoom 12 a pixel is 128 units of zoom 16, and (52 000, 26 800) lies in (3 250, 1 675).
    small, large, alone = (
        shapely.box(10, 10, 30, 30),
        shapely.box(40, 40, 90, 70),
        shapely.box(1_300, 1_300, 1_305, 1_304),
    )
    layer = layer_of(*map(in_tile, (small, large, alone)))
    found = decoded(layer.tile(12, 3_250, 1_675))
    assert {identity for _, _, identity in found} == {2, 3}
    # One pixel is eight units both ways.
    assert {one.area for one, _, _ in found} == {64}
    # Nearer, all three are there: nothing is lost.
    assert len(decoded(layer.tile(*NEAR))) == 3


def test_a_tiny_line_stays_as_a_pixel_s_length() -> None:
    short = shapely.LineString([(10, 10), (30, 30)])
    ((found, _, _),) = decoded(layer_of(in_tile(short)).tile(12, 3_250, 1_675))
    assert found.length == 8


def grid(columns: int, rows: int, step: float) -> list[shapely.Polygon]:
    """Tile a rectangle with polygons of rough common borders, in units of zoom 16."""
    numbers = np.random.default_rng(5)
    bends = 8
    cross = numbers.uniform(-0.1, 0.1, (columns + 1, rows + 1, 2)) * step
    nodes = np.stack(np.meshgrid(range(columns + 1), range(rows + 1), indexing="ij"), -1) * step
    nodes = nodes + cross
    edges: dict[tuple[tuple[int, int], tuple[int, int]], list[tuple[float, float]]] = {}

    def path(one: tuple[int, int], other: tuple[int, int]) -> list[tuple[float, float]]:
        key = (min(one, other), max(one, other))
        if key not in edges:
            ends = nodes[key[0]], nodes[key[1]]
            along = np.linspace(0, 1, bends + 1)[:, None]
            places = ends[0] + along * (ends[1] - ends[0])
            places[1:-1] += numbers.uniform(-0.04, 0.04, (bends - 1, 2)) * step
            edges[key] = [tuple(place) for place in places.tolist()]
        return edges[key] if key[0] == one else edges[key][::-1]

    found = []
    for i in range(columns):
        for j in range(rows):
            turns = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1), (i, j)]
            ring = [place for one, other in pairwise(turns) for place in path(one, other)[:-1]]
            found.append(shapely.Polygon(ring))
    return found


@pytest.mark.parametrize("zoom", [16, 14, 13, 12])
def test_neighbours_keep_a_common_border_at_every_zoom(zoom: int) -> None:
    shapes = grid(6, 6, 600)
    layer = layer_of(*map(in_tile, shapes))
    found = [
        one for one, _, _ in decoded(layer.tile(zoom, 52_000 >> 16 - zoom, 26_800 >> 16 - zoom))
    ]
    assert len(found) == 36
    together = shapely.union_all(found)
    # No gap inside, and no overlap, but for what the tile's own window cuts off.
    assert isinstance(together, shapely.Polygon)
    assert len(together.interiors) == 0
    assert sum(one.area for one in found) == pytest.approx(together.area, rel=1e-9)


def test_far_zooms_have_fewer_vertices() -> None:
    layer = layer_of(*map(in_tile, grid(6, 6, 600)))
    near, far = (
        sum(
            shapely.get_num_coordinates(one)
            for one, _, _ in decoded(layer.tile(zoom, 52_000 >> 16 - zoom, 26_800 >> 16 - zoom))
        )
        for zoom in (16, 12)
    )
    # 32 vertices a polygon come down to little more than its corners.
    assert far < near / 3


# ---- attributes --------------------------------------------------------------------------


def test_values_keep_their_type_and_missing_ones_are_not_there() -> None:
    square = in_tile(shapely.box(0, 0, 900, 900))
    layer = layer_of(
        square,
        square,
        whole=pd.array([-7, None], dtype="Int64"),
        part=[2.5, float("nan")],
        flag=pd.array([True, None], dtype="boolean"),
        text=["", None],
        day=[pd.Timestamp("2024-05-06"), pd.NaT],
    )
    first, second = (attributes for _, attributes, _ in decoded(layer.tile(*NEAR)))
    assert first == {
        "id": "F0",
        "kind": "a",
        "whole": -7,
        "part": 2.5,
        "flag": True,
        "text": "",
        "day": "2024-05-06",
    }
    assert first["flag"] is True
    assert second == {"id": "F1", "kind": "a"}


@pytest.mark.parametrize("text", [*TEXTS, "a\x00b", LONG])
def test_texts_pass_as_data(text: str) -> None:
    layer = layer_of(in_tile(shapely.box(0, 0, 900, 900)), kind=[text])
    ((_, attributes, _),) = decoded(layer.tile(*NEAR))
    assert attributes["kind"] == text


def test_half_a_character_does_not_fail_a_tile() -> None:
    # A lone surrogate is no text in UTF-8.
    assert encoding.encode_value("a\ud800") == encoding.encode_value("a?")


def test_what_is_too_small_to_point_at_carries_its_class_only() -> None:
    # 250 units of zoom 16 are under two pixels at zoom 12, and fifteen at zoom 15.
    layer = layer_of(in_tile(shapely.box(0, 0, 250, 250)))
    ((_, far, _),) = decoded(layer.tile(12, 3_250, 1_675))
    ((_, near, _),) = decoded(layer.tile(15, 26_000, 13_400))
    assert far == {"kind": "a"}
    assert near == {"id": "F0", "kind": "a"}


# ---- layers of a review ------------------------------------------------------------------


def make_county() -> County:
    county = County()
    county.layers["parcels"] = [
        parcel(
            f"L{place}", box(100 * (place % 8), 300 + 100 * (place // 8), 90, 90), power_kva=8_000
        )
        for place in range(64)
    ]
    county.layers["roads"] = [
        {
            "road_id": "R1",
            "name": "一号路",
            "class": "county",
            "speed_km_h": 40,
            "geometry": line((-500, 250), (2_000, 250)),
            "source": "made for tests",
            "illustrative": True,
        }
    ]
    county.layers["facilities"] = [
        {
            "facility_id": "S1",
            "kind": "substation",
            "name": "变电站",
            "geometry": point(400, 200),
            "source": "made for tests",
            "illustrative": True,
        }
    ]
    return county


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Running:
    return Running.open(make_county().write(tmp_path_factory.mktemp("tiles")))


# 108 degrees east is the central meridian, and 500 000 m its easting (EPSG:4545); 3 420 000 m
# north is 30.9 degrees. At zoom 12: x = (108 + 180) / 360 * 4096 = 3276.8; the parcels, 800 m
# in all, lie within one tile of 8.4 km.
ZOOM, COLUMN, ROW = 12, 3_276, 1_677


def test_every_layer_of_the_map_is_to_be_had(
    running: Running,
) -> None:
    tiles = Tiles(running.review)
    expected = {"parcels", "parks", "roads", "facilities", "county", "control_zones"}
    found = {name for name in FEATURE_SOURCES if tiles.tile(name, ZOOM, COLUMN, ROW) is not None}
    assert expected <= found


def test_attributes_are_the_columns_that_may_go_out(
    running: Running,
) -> None:
    tile = Tiles(running.review).tile("parcels", ZOOM, COLUMN, ROW)
    assert tile is not None
    allowed = {"name", "illustrative", "source", *FEATURE_SOURCES["parcels"].columns}
    for _, attributes, _ in decoded(tile.plain()):
        assert attributes["parcel_id"].startswith("L")
        assert set(attributes) <= allowed
        assert "power_kva" not in attributes


def test_parks_carry_their_verdict(running: Running) -> None:
    tile = Tiles(running.review).tile("parks", ZOOM, COLUMN, ROW)
    assert tile is not None
    parks = running.review.parks
    verdicts = dict(zip(parks["park_id"], parks["verdict"], strict=True))
    for _, attributes, _ in decoded(tile.plain()):
        assert attributes["verdict"] == verdicts[attributes["park_id"]]


def test_a_layer_that_is_none_is_not_found(running: Running) -> None:
    tiles = Tiles(running.review)
    for name in ("enterprises", "nothing", "x" * 500):
        with pytest.raises(NotFoundError) as caught:
            tiles.tile(name, 0, 0, 0)
        assert len(str(caught.value)) < 400


def test_the_version_follows_the_layer(running: Running, tmp_path: Path) -> None:
    changed = make_county()
    changed.layers["parcels"].pop()
    other = Running.open(changed.write(tmp_path / "other"))
    one, two = (Tiles(county.review) for county in (running, other))
    assert one.version("parcels") != two.version("parcels")
    assert one.version("roads") == two.version("roads")
    assert one.version("parcels") != one.version("roads")


def test_a_tile_that_many_ask_for_is_made_once(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    original = TileLayer.tile

    def slow(layer: TileLayer, zoom: int, x: int, y: int) -> bytes:
        made.append((zoom, x, y))
        time.sleep(0.1)
        return original(layer, zoom, x, y)

    monkeypatch.setattr(TileLayer, "tile", slow)
    tiles = Tiles(running.review)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(tiles.tile("parcels", ZOOM, COLUMN, ROW)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert len({tile.digest for tile in found if tile}) == 1
    assert len(found) == 8
    tiles.tile("parcels", ZOOM, COLUMN, ROW)
    assert len(made) == 1


def test_the_cache_keeps_to_its_size(running: Running) -> None:
    room = 5_000
    tiles = Tiles(running.review, cache_bytes=room)
    for x in range(COLUMN - 20, COLUMN + 20):
        tiles.tile("county", ZOOM, x, ROW)
        assert tiles._cache.currsize <= room
    assert 0 < len(tiles._cache) < 40
    assert tiles._cache.currsize == sum(
        review_tiles.weight_of(tile) for tile in tiles._cache.values()
    )


def test_a_failing_tile_fails_for_all_and_is_tried_again(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiles = Tiles(running.review)
    with monkeypatch.context() as patched:
        patched.setattr(TileLayer, "of", lambda *_: 1 / 0)
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                tiles.tile("parcels", 0, 0, 0)
    assert tiles.tile("parcels", 0, 0, 0) is not None


def test_low_zooms_are_made_ahead_for_layers_above_the_threshold(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = Tiles(running.review)
    quiet.start()
    assert quiet._thread is None
    monkeypatch.setattr(plan_kind, "TILED_ABOVE_FEATURES", 50)
    assert tiling.is_tiled(running.review.plan, "parcels")
    assert not tiling.is_tiled(running.review.plan, "roads")
    assert not tiling.is_tiled(running.review.plan, "parks")
    tiles = Tiles(running.review)
    tiles.start()
    assert tiles._thread is not None
    tiles._thread.join(timeout=30)
    made = {key[1] for key in tiles._cache}
    # 64 parcels never fill a tile with 1,500: every zoom whose one tile holds all of them.
    assert {0, 1, 5} <= made
    assert all(tile is not None for tile in tiles._cache.values())
    tiles.close()


def test_many_vertices_are_as_much_as_many_features(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not tiling.is_tiled(running.review.plan, "parcels")
    monkeypatch.setattr(plan_kind, "TILED_ABOVE_VERTICES", 64 * 5 - 1)
    assert tiling.is_tiled(running.review.plan, "parcels")


def test_another_program_reads_the_tiles(running: Running, tmp_path: Path) -> None:
    program = shutil.which("ogrinfo")
    if program is None:
        pytest.skip("GDAL's programs are not installed.")
    for name, kind, count in (
        ("parcels", "Polygon", None),
        ("roads", "Line", 1),
        ("facilities", "Point", 1),
    ):
        tile = Tiles(running.review).tile(name, ZOOM, COLUMN, ROW)
        assert tile is not None
        path = tmp_path / f"{name}.mvt"
        path.write_bytes(tile.plain())
        command = [program, "-ro", "-al", "-so", f"MVT:{path}"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert f"Layer name: {name}" in done.stdout
        assert kind in done.stdout
        expected = count or len(decoded(tile.plain()))
        assert f"Feature Count: {expected}" in done.stdout
        assert "ERROR" not in done.stderr


# ---- HTTP --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client(running: Running) -> Iterator[TestClient]:
    with TestClient(create_app(running)) as found:
        yield found


@pytest.fixture
def url() -> str:
    return f"/tiles/parcels/{ZOOM}/{COLUMN}/{ROW}.mvt"


def test_a_tile_is_served_compressed_or_plain(client: TestClient, url: str) -> None:
    packed = client.get(url)
    assert packed.status_code == 200
    assert packed.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"].lower() == "accept-encoding"
    plain = client.get(url, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    # The client has undone the compression of the first.
    assert plain.content == packed.content
    assert len(decoded(plain.content)) == 64
    assert plain.headers["etag"] != packed.headers["etag"]


def test_what_a_client_has_is_not_sent_again(client: TestClient, url: str) -> None:
    first = client.get(url)
    etag = first.headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = client.get(url, headers={"if-none-match": known})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == etag
    assert client.get(url, headers={"if-none-match": '"other"'}).status_code == 200
    # A copy without compression is another one.
    other = {"if-none-match": etag, "accept-encoding": "identity"}
    assert client.get(url, headers=other).status_code == 200


def test_a_tile_is_kept_for_long_only_under_its_version(
    client: TestClient, url: str, running: Running
) -> None:
    version = Tiles(running.review).version("parcels")
    assert client.get(url).headers["cache-control"] == "private, no-cache"
    assert client.get(f"{url}?v=old").headers["cache-control"] == "private, no-cache"
    assert "immutable" in client.get(f"{url}?v={version}").headers["cache-control"]


def test_head_says_what_get_would(client: TestClient, url: str) -> None:
    head, got = client.head(url), client.get(url)
    assert head.status_code == 200
    assert head.content == b""
    for name in ("etag", "content-length", "content-type", "cache-control"):
        assert head.headers[name] == got.headers[name]


def test_an_empty_tile_has_no_content(client: TestClient) -> None:
    answer = client.get("/tiles/parcels/14/0/0.mvt")
    assert answer.status_code == 204
    assert answer.content == b""
    assert client.get("/tiles/parcels/0/0/0.mvt").status_code == 200
    assert client.get("/tiles/buildings/0/0/0.mvt").status_code == 204


@pytest.mark.parametrize(
    ("path", "status", "parameter"),
    [
        ("parcels/23/0/0.mvt", 400, "z"),
        ("parcels/-1/0/0.mvt", 400, "z"),
        ("parcels/a/0/0.mvt", 400, "z"),
        ("parcels/1/2/0.mvt", 400, "x"),
        ("parcels/1/0/2.mvt", 400, "y"),
        ("parcels/1/-1/0.mvt", 400, "x"),
        ("parcels/1/0/b.mvt", 400, "y"),
        ("parcels/1/0/99999999999999999999999.mvt", 400, "y"),
        ("nothing/0/0/0.mvt", 404, None),
        ("enterprises/0/0/0.mvt", 404, None),
        ("..%2fparcels/0/0/0.mvt", 404, None),
        ("parcels/0/0/0.png", 404, None),
    ],
)
def test_bad_questions_get_a_problem_document(
    client: TestClient, path: str, status: int, parameter: str | None
) -> None:
    answer = client.get(f"/tiles/{path}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json().get("parameter") == parameter


def test_a_tile_is_the_same_in_every_language(client: TestClient, url: str) -> None:
    answers = [client.get(f"{url}?lang={lang}") for lang in ("zh-Hans", "zh-Hant", "en")]
    assert len({answer.headers["etag"] for answer in answers}) == 1


def test_attacks_in_the_data_are_data_in_tiles(tmp_path: Path) -> None:
    county = Running.open(hostile_county().write(tmp_path))
    with TestClient(create_app(county)) as client:
        answer = client.get("/tiles/parks/0/0/0.mvt")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    west, north, east, south = TileLayer.of(county.review, "parks").bounds or (0, 0, 0, 0)
    names = set()
    tiles = Tiles(county.review)
    for x in range(int(west * 2**12), int(east * 2**12) + 1):
        for y in range(int(north * 2**12), int(south * 2**12) + 1):
            tile = tiles.tile("parks", 12, x, y)
            names |= {a["name"] for _, a, _ in decoded(tile.plain())} if tile else set()
    assert set(TEXTS) <= names


def test_the_api_describes_tiles_once(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    paths = [path for path in document["paths"] if path.startswith("/tiles/")]
    assert len(paths) == 2  # of the county, of a province
    for path in paths:
        assert list(document["paths"][path]) == ["get"]
        assert "application/vnd.mapbox-vector-tile" in json.dumps(document["paths"][path])


def test_the_same_content_is_compressed_to_the_same_bytes(running: Running) -> None:
    one, two = (Tiles(running.review).tile("parcels", 0, 0, 0) for _ in range(2))
    assert one == two
    assert one is not None
    assert gzip.decompress(one.content) == one.plain()
