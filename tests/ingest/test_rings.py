"""Rings nest by containment; what changes an area or contradicts the stated one needs a look."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
import shapely

from geo_service.ingest.options import ImportOptions
from geo_service.ingest.report import import_document
from geo_service.ingest.rings import nest, split_at_return
from geo_service.ingest.run import Imported, read_source
from geo_service.language import Translator
from geo_service.plan import Plan
from geo_service.reports.import_table import import_table
from tests.county import ORIGIN_M
from tests.ingest.made import parcels, shapefile

SURVEY = ImportOptions(scheme="survey3")
Ring = list[tuple[float, float]]


def square(x: float, y: float, side: float, *, clockwise: bool) -> Ring:
    """Return a closed square with its lower left corner (x, y) metres from the origin."""
    west, south = ORIGIN_M[0] + x, ORIGIN_M[1] + y
    ring = [(west, south), (west, south + side), (west + side, south + side), (west + side, south)]
    closed = [*ring, ring[0]]
    return closed if clockwise else closed[::-1]


def record(folder: Path, *rings: Ring, mu: float | None = None) -> Path:
    """Write a shapefile of one parcel with rings just as they are given."""
    frame = parcels().iloc[:1]
    frame = frame.assign(**{"面积(亩)": mu}) if mu is not None else frame.drop(columns="面积(亩)")
    path = shapefile(frame, folder / "a.shp", encoding="GBK")
    points = [point for ring in rings for point in ring]
    starts = [sum(map(len, rings[:at])) for at in range(len(rings))]
    xs, ys = zip(*points, strict=True)
    box = struct.pack("<4d", min(xs), min(ys), max(xs), max(ys))
    content = struct.pack("<i", 5) + box + struct.pack("<2i", len(rings), len(points))
    content += struct.pack(f"<{len(starts)}i", *starts)
    content += b"".join(struct.pack("<2d", *point) for point in points)
    words = len(content) // 2
    head = path.read_bytes()[:36] + box + bytes(32)
    for suffix, body in (
        (".shp", struct.pack(">2i", 1, words) + content),
        (".shx", struct.pack(">2i", 50, words)),
    ):
        size = struct.pack(">i", (100 + len(body)) // 2)
        path.with_suffix(suffix).write_bytes(head[:24] + size + head[28:] + body)
    return path


def area_of(found: Imported) -> float:
    return float(found.frame.to_crs("EPSG:4545").area.iloc[0])


@pytest.mark.parametrize("is_first_shell", [True, False])
@pytest.mark.parametrize("shell", [True, False])
@pytest.mark.parametrize("hole", [True, False])
def test_a_ring_in_another_is_its_hole_whatever_the_winding(
    plan: Plan, tmp_path: Path, *, is_first_shell: bool, shell: bool, hole: bool
) -> None:
    rings = [square(0, 0, 100, clockwise=shell), square(30, 30, 40, clockwise=hole)]
    path = record(tmp_path, *(rings if is_first_shell else rings[::-1]))
    found = read_source(path, "parcels", plan=plan, options=SURVEY)
    assert area_of(found) == pytest.approx(100 * 100 - 40 * 40, abs=0.1)
    assert found.frame.geometry.iloc[0].geom_type == "Polygon"
    assert len(found.frame.geometry.iloc[0].interiors) == 1


def test_an_island_in_a_hole_is_a_part(plan: Plan, tmp_path: Path) -> None:
    rings = [square(0, 0, 100, clockwise=True), square(20, 20, 60, clockwise=True)]
    rings.append(square(40, 40, 10, clockwise=True))
    found = read_source(record(tmp_path, *rings), "parcels", plan=plan, options=SURVEY)
    # 10,000 m² less the hole of 60 x 60, and in it an island of 10 x 10.
    assert area_of(found) == pytest.approx(10_000 - 3_600 + 100, abs=0.1)
    assert "rings" in found.ledger.repair_counts


@pytest.mark.parametrize("place", [(0, 0), (0, 30), (60, 60)])
def test_a_hole_along_its_shell_is_cut_out(
    plan: Plan, tmp_path: Path, place: tuple[int, int]
) -> None:
    rings = [square(0, 0, 100, clockwise=True), square(*place, 40, clockwise=True)]
    found = read_source(record(tmp_path, *rings), "parcels", plan=plan, options=SURVEY)
    # It shares a corner or a side with the shell: 10,000 m² less 40 x 40.
    assert area_of(found) == pytest.approx(10_000 - 1_600, abs=0.1)


def test_parts_of_one_id_that_each_state_the_same_area_need_a_look(
    plan: Plan, tmp_path: Path
) -> None:
    # Two parcels of one hectare with one id, 15 mu (a hectare) stated for each: together it is two.
    frame = parcels(宗地编号=["A1", "A1", "A3"], 地类编码=["0601"] * 3, 状态=["已建"] * 3)
    path = shapefile(frame, tmp_path / "a.shp", encoding="GBK")
    found = read_source(path, "parcels", plan=plan, options=SURVEY)
    (repair,) = (item for item in found.ledger.repairs if item.what == "merged")
    assert repair.needs_look


def test_rings_beside_each_other_are_parts(plan: Plan, tmp_path: Path) -> None:
    rings = [square(0, 0, 100, clockwise=False), square(200, 0, 50, clockwise=False)]
    found = read_source(record(tmp_path, *rings), "parcels", plan=plan, options=SURVEY)
    assert area_of(found) == pytest.approx(10_000 + 2_500, abs=0.1)


def test_nested_rings_that_change_the_area_need_a_look(plan: Plan, tmp_path: Path) -> None:
    rings = [square(0, 0, 100, clockwise=True), square(30, 30, 40, clockwise=True)]
    found = read_source(record(tmp_path, *rings), "parcels", plan=plan, options=SURVEY)
    assert found.ledger.needs_look_count == 1
    document = import_document(found, Translator())
    assert document["needs_look_count"] == 1
    assert [item["needs_look"] for item in document["repairs"] if item["what"] == "rings"] == [True]


def test_a_repair_against_the_stated_area_needs_a_look(plan: Plan, tmp_path: Path) -> None:
    # The outline crosses itself at its middle: two triangles of 2,500 m², 15 mu (10,000 m²) stated.
    x, y = ORIGIN_M
    bow = [(x, y), (x + 100, y + 100), (x + 100, y), (x, y + 100), (x, y)]
    found = read_source(record(tmp_path, bow, mu=15.0), "parcels", plan=plan, options=SURVEY)
    (repair,) = (item for item in found.ledger.repairs if item.what == "invalid")
    assert repair.needs_look
    text = import_table(
        {
            **import_document(found, Translator()),
            "as": found.taken_as,
            "effect": None,
            "changes": None,
            "breaks": [],
            "emptied": [],
            "lost_values": [],
        },
        Translator(),
        width=200,
    )
    assert "1 个要素需要人工核对" in text


def test_a_repair_that_keeps_the_area_needs_none(plan: Plan, tmp_path: Path) -> None:
    ring = square(0, 0, 100, clockwise=True)
    doubled = [ring[0], *ring]
    found = read_source(record(tmp_path, doubled, mu=15.0), "parcels", plan=plan, options=SURVEY)
    assert found.ledger.repair_counts["repeated"] == 1
    assert found.ledger.needs_look_count == 0


def test_a_stated_area_far_from_the_shape_is_told(plan: Plan, tmp_path: Path) -> None:
    # Squares of one hectare are 15 mu each; 30 mu are stated for the last.
    frame = parcels(**{"面积(亩)": [15.0, 15.0, 30.0]})
    path = shapefile(frame, tmp_path / "a.shp", encoding="GBK")
    found = read_source(path, "parcels", plan=plan, options=SURVEY)
    (item,) = found.ledger.repairs
    assert (item.what, item.feature, item.needs_look) == ("area_stated", "A3", True)
    assert found.frame["area_m2"].tolist() == pytest.approx([10_000, 10_000, 20_000])


# ---- rings by themselves -----------------------------------------------------------------------


def test_rings_that_cross_have_no_order() -> None:
    assert nest([shapely.box(0, 0, 2, 2), shapely.box(1, 1, 3, 3)]) is None


def test_a_repeated_ring_counts_once() -> None:
    shape = nest([shapely.box(0, 0, 2, 2), shapely.box(0, 0, 2, 2)])
    assert shape is not None
    assert shape.area == 4


def test_two_holes_belong_to_the_rings_around_them() -> None:
    rings = [shapely.box(0, 0, 10, 10), shapely.box(20, 0, 30, 10)]
    holes = [shapely.box(22, 2, 24, 4), shapely.box(2, 2, 3, 3)]
    shape = nest([*holes, *rings])
    assert shape is not None
    assert sorted(part.area for part in shape.geoms) == [100 - 4, 100 - 1]


def test_a_ring_ends_where_its_first_point_comes_again() -> None:
    points = [("J1", 0, 0), ("J2", 0, 9), ("J3", 9, 9), ("J1", 0, 0.001), ("J4", 2, 2)]
    points += [("J5", 2, 4), ("J6", 4, 4), ("J4", 2, 2), ("J4", 2, 2)]
    rings = split_at_return(points, same_m=0.005)
    assert [len(ring) for ring in rings] == [4, 4]


def test_labels_that_are_all_the_same_end_no_ring() -> None:
    points = [("J", 0, 0), ("J", 0, 9), ("J", 9, 9), ("J", 9, 0)]
    assert [len(ring) for ring in split_at_return(points, same_m=0.005)] == [4]
