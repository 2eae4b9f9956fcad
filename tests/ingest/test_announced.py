"""What a file announces is held against what it has: points, areas, rings, records, rows."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path

import pytest

from geo_service.errors import SourceError
from geo_service.ingest.options import ImportOptions
from geo_service.ingest.run import Imported, read_source
from geo_service.plan import Plan
from tests.ingest.made import gbk_shapefile, parcels

SURVEY = ImportOptions(scheme="survey3")
HEAD = """[属性描述]
坐标系=2000国家大地坐标系
几度分带=3
计量单位=米
带号=36
[地块坐标]
"""


def parcel(number: str, points: int, area_ha: str, *corners: tuple[int, int, int]) -> str:
    """Return a parcel's lines; corners are ring, metres to the north and to the east."""
    lines = [f"{points},{area_ha},{number},某地,面,,工业,0601,@"]
    lines += [
        f"J{at},{ring},{3420000 + north}.000,{36500000 + east}.000"
        for at, (ring, north, east) in enumerate(corners, start=1)
    ]
    return "\n".join(lines) + "\n"


SQUARE = ((1, 0, 0), (1, 100, 0), (1, 100, 100), (1, 0, 100))
CLOSED = (*SQUARE, SQUARE[0])
HOLE = ((1, 30, 30), (1, 30, 70), (1, 70, 70), (1, 70, 30), (1, 30, 30))


def read(plan: Plan, tmp_path: Path, text: str, encoding: str = "GBK") -> Imported:
    path = tmp_path / "a.txt"
    path.write_text(text, encoding=encoding)
    return read_source(path, "parcels", plan=plan, options=SURVEY)


# ---- boundary points ---------------------------------------------------------------------------


def test_a_hole_in_the_ring_of_its_parcel(plan: Plan, tmp_path: Path) -> None:
    found = read(plan, tmp_path, HEAD + parcel("D-1", 8, "0.8400", *CLOSED, *HOLE))
    metres = found.frame.to_crs("EPSG:4545").geometry.iloc[0]
    assert metres.area == pytest.approx(100 * 100 - 40 * 40, abs=0.01)
    assert (metres.geom_type, len(metres.interiors)) == ("Polygon", 1)
    assert not found.ledger.repairs


def test_a_ring_that_ends_a_centimetre_beside_its_start(plan: Plan, tmp_path: Path) -> None:
    lines = parcel("D1", 8, "0.84", *CLOSED, *HOLE).splitlines()
    lines[5] = "J1,1,3420000.010,36500000.000"  # the first point again, by its label
    lines[10] = "J6,1,3420030.000,36500030.000"
    found = read(plan, tmp_path, HEAD + "\n".join(lines))
    # A square of 100 m with a hole of 40 m: 10,000 - 1,600.
    assert found.frame.to_crs("EPSG:4545").area.tolist() == pytest.approx([8_400], abs=1)
    assert found.ledger.needs_look_count == 0


@pytest.mark.parametrize("line", ["地块总数=3", "宗地数量＝３个", "地块个数=3"])
def test_fewer_parcels_than_the_heading_says(plan: Plan, tmp_path: Path, line: str) -> None:
    head = HEAD.replace("[地块坐标]", f"{line}\n[地块坐标]")
    found = read(plan, tmp_path, head + parcel("D1", 4, "1.0", *SQUARE))
    (note,) = [note for note in found.notes if note.key == "import.rows_announced"]
    assert note.values == {"announced": "3", "found": "1"}


def test_an_area_that_no_unit_explains_needs_a_look(plan: Plan, tmp_path: Path) -> None:
    # One hectare, with all its points, for which 2.5 are stated.
    found = read(plan, tmp_path, HEAD + parcel("D1", 4, "2.5", *SQUARE))
    (item,) = [one for one in found.ledger.repairs if one.what == "area_stated"]
    assert (item.feature, item.needs_look) == ("D1", True)


def test_two_parts_in_one_ring_number(plan: Plan, tmp_path: Path) -> None:
    beside = tuple((ring, north, east + 200) for ring, north, east in CLOSED)
    found = read(plan, tmp_path, HEAD + parcel("D-1", 8, "2.0000", *CLOSED, *beside))
    assert found.frame.to_crs("EPSG:4545").area.iloc[0] == pytest.approx(20_000, abs=0.1)


def test_missing_points_with_another_area_are_refused(plan: Plan, tmp_path: Path) -> None:
    # 200 m x 100 m and a bay announced with 6 points; with 4 of them the shape has 15,000 m².
    corners = ((1, 0, 0), (1, 0, 200), (1, 100, 200), (1, 100, 100))
    text = HEAD + parcel("D-1", 6, "2.5000", *corners) + parcel("D-2", 4, "1.0000", *CLOSED)
    found = read(plan, tmp_path, text)
    assert found.frame["parcel_id"].tolist() == ["D-2"]
    (refusal,) = found.ledger.refused
    assert refusal.reason.key == "import.points_lost"
    assert refusal.reason.values["announced"] == 6
    assert refusal.reason.values["found"] == 4
    assert refusal.reason.values["area"] == "15,000.00"


def test_another_number_of_points_with_the_same_area_is_told(plan: Plan, tmp_path: Path) -> None:
    found = read(plan, tmp_path, HEAD + parcel("D-1", 12, "1.0000", *CLOSED))
    assert found.features == 1
    (repair,) = found.ledger.repairs
    assert (repair.what, repair.before, repair.after) == ("announced", "12", "4")
    assert repair.needs_look


@pytest.mark.parametrize("announced", [4, 5])
@pytest.mark.parametrize("corners", [SQUARE, CLOSED])
def test_writers_count_the_closing_point_or_not(
    plan: Plan, tmp_path: Path, announced: int, corners: tuple[tuple[int, int, int], ...]
) -> None:
    found = read(plan, tmp_path, HEAD + parcel("D-1", announced, "1.0000", *corners))
    assert not found.ledger.repairs


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[]", "【】"),
        ("[]", "［］"),
        (",", "\t"),
        (",", "，"),
        (",@", "，＠"),
        ("=", "＝"),
        ("[地块坐标]", "[ 地块坐标 ]"),
    ],
)
def test_other_marks_say_the_same(plan: Plan, tmp_path: Path, before: str, after: str) -> None:
    text = HEAD + parcel("D-1", 4, "1.0000", *CLOSED)
    pairs = zip(before, after, strict=True) if before == "[]" else [(before, after)]
    for old, new in pairs:
        text = text.replace(old, new)
    found = read(plan, tmp_path, text)
    assert found.source.format == "boundary_points"
    assert found.placement is not None
    assert found.placement.label == "EPSG:4524"
    assert found.frame.to_crs("EPSG:4545").area.iloc[0] == pytest.approx(10_000, abs=0.1)


@pytest.mark.parametrize(("area", "unit"), [("10000", "m²"), ("15.0", "亩"), ("1.0", None)])
def test_the_shapes_tell_the_unit_of_areas_that_the_heading_leaves_open(
    plan: Plan, tmp_path: Path, area: str, unit: str | None
) -> None:
    found = read(plan, tmp_path, HEAD + parcel("D-1", 4, area, *CLOSED))
    assert found.frame["area_m2"].tolist() == [pytest.approx(10_000)]
    told = [note.values["unit"] for note in found.notes if note.key == "import.boundary_area"]
    assert told == ([] if unit is None else [unit])


def test_points_parted_by_semicolons(plan: Plan, tmp_path: Path) -> None:
    text = HEAD + parcel("D-1", 4, "1.0", *CLOSED).replace(",", "；")
    assert read(plan, tmp_path, text).frame["area_m2"].tolist() == [pytest.approx(10_000)]


def test_points_parted_by_blanks(plan: Plan, tmp_path: Path) -> None:
    head, *points = parcel("D-1", 4, "1.0000", *CLOSED).splitlines()
    lines = [head, *(point.replace(",", "  ") for point in points)]
    found = read(plan, tmp_path, HEAD + "\n".join(lines))
    assert found.features == 1


# ---- the files of a shapefile ------------------------------------------------------------------


def dbf_of(path: Path) -> tuple[bytes, int, int]:
    """Return a DBF's bytes, and the sizes of its header and of a record."""
    content = path.with_suffix(".dbf").read_bytes()
    header, record = struct.unpack("<HH", content[8:12])
    return content, header, record


@pytest.mark.parametrize("is_zipped", [True, False])
def test_a_missing_index_is_made_again(plan: Plan, tmp_path: Path, *, is_zipped: bool) -> None:
    path = gbk_shapefile(parcels(), tmp_path)
    path.with_suffix(".shx").unlink()
    if is_zipped:
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            for part in sorted(tmp_path.glob("宗地.*")):
                archive.write(part, part.name)
        path = tmp_path / "a.zip"
    found = read_source(path, "parcels", plan=plan, options=SURVEY)
    assert found.frame["parcel_id"].tolist() == ["A1", "A2", "A3"]
    assert "import.no_index" in [note.key for note in found.notes]
    assert not (tmp_path / "宗地.shx").exists()


def test_an_index_that_lists_fewer_shapes_is_made_again(plan: Plan, tmp_path: Path) -> None:
    path = gbk_shapefile(parcels(), tmp_path)
    shx = path.with_suffix(".shx")
    content = shx.read_bytes()[:-8]
    shx.write_bytes(content[:24] + struct.pack(">i", len(content) // 2) + content[28:])
    found = read_source(path, "parcels", plan=plan, options=SURVEY)
    assert found.features == 3
    assert "import.wrong_index" in [note.key for note in found.notes]


def test_fewer_rows_than_shapes_are_told(plan: Plan, tmp_path: Path) -> None:
    path = gbk_shapefile(parcels(), tmp_path)
    content, _, record = dbf_of(path)
    path.with_suffix(".dbf").write_bytes(content[: -record - 1])
    found = read_source(path, "parcels", plan=plan, options=SURVEY)
    (note,) = (note for note in found.notes if note.key == "import.records_differ")
    assert note.values == {"shapes": "3", "rows": "2", "announced": "3"}


def test_more_rows_than_shapes_are_told(plan: Plan, tmp_path: Path) -> None:
    path = gbk_shapefile(parcels(), tmp_path)
    content, header, record = dbf_of(path)
    more = content[:4] + struct.pack("<I", 4) + content[8:-1] + content[header : header + record]
    path.with_suffix(".dbf").write_bytes(more)
    found = read_source(path, "parcels", plan=plan, options=SURVEY)
    (note,) = (note for note in found.notes if note.key == "import.records_differ")
    assert note.values["rows"] == "4"


def test_deleted_rows_are_told(plan: Plan, tmp_path: Path) -> None:
    path = gbk_shapefile(parcels(), tmp_path)
    content, header, record = dbf_of(path)
    marked = bytearray(content)
    marked[header + record] = ord("*")
    path.with_suffix(".dbf").write_bytes(bytes(marked))
    found = read_source(path, "parcels", plan=plan, options=SURVEY)
    assert found.frame["parcel_id"].tolist() == ["A1", "A3"]
    assert "import.records_deleted" in [note.key for note in found.notes]


def test_a_missing_dbf_is_named(plan: Plan, tmp_path: Path) -> None:
    path = gbk_shapefile(parcels(), tmp_path)
    path.with_suffix(".dbf").unlink()
    with pytest.raises(SourceError, match=r"宗地\.dbf"):
        read_source(path, "parcels", plan=plan, options=SURVEY)


def test_endings_and_names_in_capitals_belong_together(plan: Plan, tmp_path: Path) -> None:
    path = gbk_shapefile(parcels(), tmp_path)
    other = path.rename(tmp_path / "DK.SHP")
    for suffix in (".shx", ".dbf", ".prj"):
        path.with_suffix(suffix).rename(tmp_path / f"dk{suffix}")
    found = read_source(other, "parcels", plan=plan, options=SURVEY)
    assert found.features == 3


def test_damaged_shapes_are_refused(plan: Plan, tmp_path: Path) -> None:
    path = gbk_shapefile(parcels(), tmp_path)
    path.with_suffix(".shx").unlink()
    content = bytearray(path.read_bytes())
    struct.pack_into(">i", content, 104, -5)
    path.write_bytes(bytes(content))
    with pytest.raises(SourceError, match="a damaged shape"):
        read_source(path, "parcels", plan=plan, options=SURVEY)


# ---- rows --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["numberMatched", "totalFeatures"])
def test_a_part_of_what_a_service_has_is_told(plan: Plan, tmp_path: Path, name: str) -> None:
    document = json.loads(parcels("EPSG:4490").to_json(drop_id=True))
    (tmp_path / "a.geojson").write_text(json.dumps({**document, name: 1_000}))
    options = ImportOptions(scheme="survey3", crs="EPSG:4490")
    found = read_source(tmp_path / "a.geojson", "parcels", plan=plan, options=options)
    (note,) = (note for note in found.notes if note.key == "import.rows_announced")
    assert note.values == {"announced": "1,000", "found": "3"}


def test_a_service_that_stopped_at_its_limit_is_told(plan: Plan, tmp_path: Path) -> None:
    document = json.loads(parcels("EPSG:4490").to_json(drop_id=True))
    path = tmp_path / "a.geojson"
    for is_cut in (True, False):
        path.write_text(json.dumps({**document, "exceededTransferLimit": is_cut}))
        found = read_source(path, "parcels", plan=plan, options=SURVEY)
        told = [note for note in found.notes if note.key == "import.cut_short"]
        assert len(told) == is_cut


def test_all_that_is_announced_is_not_worth_a_note(plan: Plan, tmp_path: Path) -> None:
    for driver, name in (("GPKG", "a.gpkg"), ("FlatGeobuf", "a.fgb"), ("GeoJSON", "a.geojson")):
        parcels("EPSG:4490").to_file(tmp_path / name, driver=driver)
        options = ImportOptions(scheme="survey3", crs="EPSG:4490")
        found = read_source(tmp_path / name, "parcels", plan=plan, options=options)
        assert "import.rows_announced" not in [note.key for note in found.notes]
