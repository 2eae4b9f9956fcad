"""Hostile files: a clear refusal within limits, and nothing left behind or followed."""

from __future__ import annotations

import io
import json
import stat
import struct
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from geo_service.errors import SourceError
from geo_service.ingest.limits import Limits
from geo_service.ingest.options import ImportOptions
from geo_service.ingest.run import Imported, read_source
from geo_service.plan import Plan
from geo_service.workspace.opening import open_plan
from tests.county import County
from tests.ingest.made import gbk_shapefile, parcels, table, zipped

Read = Callable[..., Imported]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return open_plan(County().write(tmp_path_factory.mktemp("county") / "county"))


@pytest.fixture
def read(plan: Plan) -> Read:
    def read_(path: Path, layer: str = "parcels", **limits: float) -> Imported:
        options = ImportOptions(scheme="survey3", limits=Limits(**limits))
        return read_source(path, layer, plan=plan, options=options)

    return read_


def archive(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return path


# ---- archives -------------------------------------------------------------------------------


def test_a_zip_bomb_is_refused_before_it_is_unpacked(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archive(tmp_path / "a.zip", **{"a.csv": b"0" * 200_000_000})
    assert path.stat().st_size < 1_000_000
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_, **__: pytest.fail("it was unpacked"))
    with pytest.raises(SourceError, match="times when unpacked"):
        read(path)


def test_an_archive_that_hides_its_size_is_refused(read: Read, tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", **{"a.csv": b"0" * 100_000})
    content = path.read_bytes().replace(struct.pack("<I", 100_000), struct.pack("<I", 10))
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"hides its size|damaged"):
        read(path)


@pytest.mark.parametrize(
    "name", ["../a.csv", "/etc/a.csv", "x/../../a.csv", "..\\a.csv", "C:\\a.csv"]
)
def test_a_path_out_of_the_archive_is_refused(read: Read, tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceError, match="leads outside"):
        read(archive(tmp_path / "a.zip", **{name: b"a,b\n1,2\n"}))
    assert not (tmp_path.parent / "a.csv").exists()


def test_a_link_in_an_archive_is_refused(read: Read, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        entry = zipfile.ZipInfo("a.csv")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(entry, "/etc/passwd")
    with pytest.raises(SourceError, match="link"):
        read(tmp_path / "a.zip")


def test_an_archive_in_an_archive_and_of_many_files_is_refused(read: Read, tmp_path: Path) -> None:
    inner = archive(tmp_path / "inner.zip", **{"a.csv": b"a,b\n1,2\n"}).read_bytes()
    with pytest.raises(SourceError, match="inside an archive"):
        read(archive(tmp_path / "a.zip", **{"a.csv": inner}))
    with pytest.raises(SourceError, match="archive of 30 files"):
        read(archive(tmp_path / "b.zip", **{f"{n}.csv": b"a" for n in range(30)}), archive_files=20)


def test_an_entry_without_a_name_is_left_out(read: Read, tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", **{".": b"x", "a.csv": b"parcel_id\nA\n"})
    with pytest.raises(SourceError, match="no coordinates"):
        read(path)


def test_names_that_differ_by_case_alone_are_refused(read: Read, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    gbk_shapefile(parcels(), folder)
    path = zipped(folder, tmp_path / "a.zip")
    with zipfile.ZipFile(path, "a") as made:
        made.writestr("data/宗地.DBF", (folder / "宗地.dbf").read_bytes())
    with pytest.raises(SourceError, match="upper and lower case"):
        read(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_entry_is_refused_however_it_is_packed(
    read: Read, tmp_path: Path, method: int
) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as made:
        made.writestr("a.csv", b"parcel_id,wkt\n" + bytes(range(256)) * 40)
        start = made.infolist()[0].header_offset + 30 + len("a.csv")
    content = bytearray(path.read_bytes())
    content[start + 12 : start + 40] = b"\xff" * 28
    path.write_bytes(content)
    with pytest.raises(SourceError, match="damaged ZIP"):
        read(path)


def test_nothing_stays_in_the_temporary_folder(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "tmp"
    own.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(own))
    folder = tmp_path / "data"
    folder.mkdir()
    gbk_shapefile(parcels(), folder)
    read(zipped(folder, tmp_path / "a.zip"))
    with pytest.raises(SourceError):
        read(archive(tmp_path / "b.zip", **{"a.shp": b"nonsense", "a.dbf": b""}))
    assert not list(own.iterdir())


# ---- contents that are not what they say --------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.gpkg", b"SQLite format 3\x00" + bytes(100), "not a GeoPackage"),
        ("a.gpkg", b"SQLite format 3\x00" + bytes(52) + b"GPKG" + bytes(500), "cannot be read"),
        ("a.shp", struct.pack(">i", 9994) + bytes(96), r"no a\.dbf"),
        ("a.shp", b"hello", "plain text"),
        ("a.fgb", b"fgb\x03fgb\x00" + bytes(50), "without layers"),
        ("a.parquet", b"PAR1" + bytes(50), "ends early"),
        ("a.parquet", b"PAR1" + bytes(50) + b"PAR1", "damaged Parquet"),
        ("a.xlsx", b"PK\x03\x04" + bytes(100), "damaged ZIP"),
        ("a.xls", b"\xd0\xcf\x11\xe0" + bytes(100), "old Excel"),
        ("a.dwg", b"AC1032" + bytes(100), "AutoCAD"),
        ("a.rar", b"Rar!\x1a\x07", "RAR"),
        ("a.bin", bytes(range(256)), "no known format"),
        ("a.csv", b"", "empty"),
        ("a.csv", b"\n \n", "empty"),
        ("a.json", b'{"a": 1}', "not GeoJSON"),
        ("a.geojson", b'{"type":"FeatureCollection","features":[', "cannot be read|no rows"),
        (
            "a.dxf",
            b"0\nSECTION\n2\nENTITIES\n0\nLINE\n",
            "parcel_id|cannot be read|no rows|not one",
        ),
        ("a.kml", b"<kml><Placemark>", "cannot be read|no rows|without layers|parcel_id"),
        ("a.xml", b"<OGRVRTDataSource><OGRVRTLayer name='x'/></OGRVRTDataSource>", "not KML"),
        ("a.gml", b"<gml:FeatureCollection xmlns:gml='x'/>", "not KML"),
        ("a.txt", "[地块坐标]\n".encode(), "no parcel"),
    ],
)
def test_damaged_and_mislabelled_files(
    read: Read, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message) as caught:
        read(tmp_path / name)
    assert str(tmp_path) not in str(caught.value)


def test_a_missing_file_and_a_plain_folder(read: Read, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        read(tmp_path / "none.gpkg")
    with pytest.raises(SourceError, match="not a file geodatabase"):
        read(tmp_path)


@pytest.mark.parametrize("layer", ["gdal_streamed_alg", "TopoJSON"])
def test_json_that_is_a_recipe_is_not_cooked(read: Read, tmp_path: Path, layer: str) -> None:
    secret = tmp_path / "secret.gpkg"
    parcels().to_file(secret)
    recipe = {"type": layer, "command_line": f"gdal vector pipeline ! read {secret} ! write x"}
    (tmp_path / "a.geojson").write_text(json.dumps(recipe))
    with pytest.raises(SourceError, match="not GeoJSON"):
        read(tmp_path / "a.geojson")


def test_a_name_that_gdal_would_follow_is_only_a_name(read: Read) -> None:
    for name in (
        "/vsicurl/http://127.0.0.1:9/a.gpkg",
        "http://127.0.0.1:9/a.geojson",
        "PG:dbname=x",
        "<OGRVRTDataSource/>",
        "/vsizip//etc/passwd",
    ):
        with pytest.raises(SourceError, match="No such file"):
            read(Path(name))


# ---- markup, depth, numbers ---------------------------------------------------------------------


ENTITY = '<!DOCTYPE kml [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
LAUGHS = '<!DOCTYPE kml [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.parametrize("declaration", [ENTITY, LAUGHS, ENTITY.lower()])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused(read: Read, tmp_path: Path, declaration: str, encoding: str) -> None:
    text = f'<?xml version="1.0"?>{declaration}<kml><Placemark><name>&x;</name></Placemark></kml>'
    (tmp_path / "a.kml").write_text(text, encoding=encoding)
    with pytest.raises(SourceError, match="entities"):
        read(tmp_path / "a.kml")
    archive(tmp_path / "a.kmz", **{"doc.kml": text.encode(encoding)})
    with pytest.raises(SourceError, match="entities"):
        read(tmp_path / "a.kmz")


def test_entities_in_a_workbook_are_refused(read: Read, tmp_path: Path) -> None:
    sheet = f'<?xml version="1.0"?>{LAUGHS}<worksheet/>'.encode()
    path = archive(
        tmp_path / "a.xlsx", **{"xl/workbook.xml": b"<workbook/>", "xl/worksheets/s.xml": sheet}
    )
    with pytest.raises(SourceError, match="entities"):
        read(path, "enterprises")


def workbook(path: Path, sheet: str, comment: str = "") -> Path:
    """Write a workbook whose only sheet has the given rows, in place of what openpyxl wrote."""
    book = openpyxl.Workbook()
    book.save(path)
    with zipfile.ZipFile(path) as made:
        parts = {name: made.read(name) for name in made.namelist()}
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    parts["xl/worksheets/sheet1.xml"] = (
        f'<?xml version="1.0"?>{comment}<worksheet xmlns="{space}">'
        f'<dimension ref="A1:XFD1048576"/><sheetData>{sheet}</sheetData></worksheet>'
    ).encode()
    return archive(path, **parts)


def row_of(number: int, **cells: str) -> str:
    texts = (
        f'<c r="{name}{number}" t="inlineStr"><is><t>{text}</t></is></c>'
        for name, text in cells.items()
    )
    return f'<row r="{number}">{"".join(texts)}</row>'


HEADING = row_of(1, A="enterprise_id", B="year", C="name")
ENTERPRISE = row_of(2, A="E1", B="2024", C="x")


def test_a_sheet_that_claims_to_be_endless_is_read_as_far_as_it_goes(
    read: Read, tmp_path: Path
) -> None:
    far = row_of(100_000, A="E2", B="2024", C="y")
    path = workbook(tmp_path / "a.xlsx", HEADING + ENTERPRISE + far)
    tracemalloc.start()
    try:
        found = read(path, "enterprises")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.frame["enterprise_id"].tolist() == ["E1", "E2"]
    assert most < 200e6  # the 16,384 columns of each row that it claims would take gigabytes


def test_a_cell_far_to_the_right_costs_its_row_only(read: Read, tmp_path: Path) -> None:
    far = row_of(3, A="E2", XFD="far")
    found = read(workbook(tmp_path / "a.xlsx", HEADING + ENTERPRISE + far), "enterprises")
    assert found.frame["enterprise_id"].tolist() == ["E1"]
    assert [item.reason.key for item in found.ledger.refused] == ["import.too_many_cells"]


def test_empty_rows_count_against_the_limit(read: Read, tmp_path: Path) -> None:
    far = row_of(50_000, A="E2", B="2024", C="y")
    path = workbook(tmp_path / "a.xlsx", HEADING + ENTERPRISE + far)
    with pytest.raises(SourceError, match="more than 20,000 rows"):
        read(path, "enterprises", rows=20_000)


def test_reading_can_be_stopped_between_rows_that_are_empty(plan: Plan, tmp_path: Path) -> None:
    class Stop(Exception):  # noqa: N818 - not an error: the test asks for it
        pass

    asked = 0

    def progress(_: int, __: int, ___: str) -> None:
        nonlocal asked
        asked += 1
        if asked > 2:
            raise Stop

    (tmp_path / "a.csv").write_text("enterprise_id,year,name\nE1,2024,x\n" + ",,\n" * 100_000)
    with pytest.raises(Stop):
        read_source(tmp_path / "a.csv", "enterprises", plan=plan, progress=progress)


def test_entities_far_into_a_workbooks_part_are_refused(read: Read, tmp_path: Path) -> None:
    comment = f"<!--{'x' * 70_000}--><!DOCTYPE worksheet>"
    with pytest.raises(SourceError, match="entities"):
        read(workbook(tmp_path / "a.xlsx", HEADING + ENTERPRISE, comment), "enterprises")


def test_a_row_with_more_cells_than_the_heading_is_refused_alone(
    read: Read, tmp_path: Path
) -> None:
    text = "enterprise_id,year,name\nE1,2024,x\nE2,2024,y,z\nE3,2024,w,,\n"
    (tmp_path / "a.csv").write_text(text)
    found = read(tmp_path / "a.csv", "enterprises")
    assert found.frame["enterprise_id"].tolist() == ["E1", "E3"]
    refused = [(item.row, item.feature, item.reason.key) for item in found.ledger.refused]
    assert refused == [(3, "E2", "import.too_many_cells")]


def test_deep_json_is_refused(read: Read, tmp_path: Path) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    text = '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"a":%s}}]}'
    (tmp_path / "a.geojson").write_text(text % deep)
    with pytest.raises(SourceError, match="nested too deeply"):
        read(tmp_path / "a.geojson")


def test_brackets_in_texts_are_not_depth(read: Read, tmp_path: Path) -> None:
    frame = parcels("EPSG:4490", 备注=["[" * 500, '\\"{{{' * 100, "x"])
    frame.to_file(tmp_path / "a.geojson")
    assert len(read(tmp_path / "a.geojson").frame) == 3


def test_numbers_that_are_none_are_refused_by_row(read: Read, tmp_path: Path) -> None:
    table(
        tmp_path / "a.csv",
        facility_id=list("abcde"),
        kind=["port"] * 5,
        name=list("abcde"),
        x=["500000", "nan", "inf", "1e400", "500100"],
        y=["3420000"] * 5,
    )
    found = read(tmp_path / "a.csv", "facilities")
    assert found.frame["facility_id"].tolist() == ["a", "e"]
    assert {item.feature for item in found.ledger.refused} == {"b", "c", "d"}


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ({"features": 2}, "features|rows"),
        ({"vertices": 10}, "vertices"),
        ({"vertices_per_feature": 4}, "vertices"),
        ({"columns": 2}, "columns"),
        ({"file_bytes": 100}, "bytes"),
        ({"seconds": 0.0}, "s of reading"),
    ],
)
@pytest.mark.parametrize("name", ["a.gpkg", "a.parquet"])
def test_limits(
    read: Read, tmp_path: Path, name: str, limit: dict[str, float], message: str
) -> None:
    write = parcels().to_parquet if name == "a.parquet" else parcels().to_file
    write(tmp_path / name)
    with pytest.raises(SourceError, match=message):
        read(tmp_path / name, **limit)


def test_wkb_that_claims_billions_of_vertices_is_no_shape(read: Read, tmp_path: Path) -> None:
    lie = struct.pack("<BIII", 1, 3, 1, 2_000_000_000)
    wkb = [shapely.to_wkb(shape) for shape in parcels().geometry]
    geo = {
        "version": "1.0.0",
        "primary_column": "geometry",
        "columns": {"geometry": {"encoding": "WKB", "geometry_types": []}},
    }
    made = pa.table({"parcel_id": ["A1", "A2", "A3", "A4"], "geometry": [*wkb, lie]})
    pq.write_table(
        made.replace_schema_metadata({b"geo": json.dumps(geo).encode()}), tmp_path / "a.parquet"
    )
    found = read(tmp_path / "a.parquet")
    assert found.frame["parcel_id"].tolist() == ["A1", "A2", "A3"]
    assert [item.reason.key for item in found.ledger.refused] == ["import.bad_shape"]
    # The format implies degrees where none is stated; the numbers are metres, and are told.
    assert found.placement is not None
    assert (found.placement.declared, found.placement.label) == (None, "EPSG:4545")


def test_a_formula_and_markup_stay_texts(read: Read, tmp_path: Path) -> None:
    stream = io.StringIO()
    pd.DataFrame(
        {
            "facility_id": ["=1+1"],
            "kind": ["port"],
            "name": ["<script>{{7*7}}</script>"],
            "x": [500_000],
            "y": [3_420_000],
        }
    ).to_csv(stream, index=False)
    (tmp_path / "a.csv").write_text(stream.getvalue())
    found = read(tmp_path / "a.csv", "facilities")
    assert found.frame["name"].tolist() == ["<script>{{7*7}}</script>"]
    assert found.frame["facility_id"].tolist() == ["=1+1"]
