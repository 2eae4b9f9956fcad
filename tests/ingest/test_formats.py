"""Every format that a county sends, written as others write it, becomes the same layer."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely

from geo_service.errors import ChoiceNeededError, SourceError
from geo_service.ingest.columns import match_columns
from geo_service.ingest.run import Imported, read_source
from geo_service.schema import SCHEMAS
from geo_service.workspace.opening import open_plan
from tests.county import County
from tests.ingest.made import gbk_shapefile, parcels, shapefile, table, zipped

Read = Callable[..., Imported]


def assert_is_the_layer(found: Imported) -> None:
    frame = found.frame.sort_values("parcel_id")
    assert frame["parcel_id"].tolist() == ["A1", "A2", "A3"]
    assert frame["land_use"].tolist() == ["0601", "0508", "1001"]
    assert frame["status"].tolist() == ["idle", "built", "vacant"]
    assert frame["area_m2"].tolist() == pytest.approx([10_000] * 3)  # 15 mu of 2000/3 m²
    assert frame.crs.to_string() == "EPSG:4490"
    metres = frame.to_crs("EPSG:4545")
    assert metres.area.tolist() == pytest.approx([10_000] * 3, rel=1e-6)
    assert metres.total_bounds.tolist() == pytest.approx([500_000, 3_420_000, 500_500, 3_420_100])
    assert found.ledger.refused_count == 0


# ---- properties and encodings of other vector formats --------------------------------------


@pytest.mark.parametrize("tags", ['{"a": 1}', '[1, "x"]', '[{"deep": [1]}]', '"text"', "null"])
def test_properties_of_any_kind_do_not_stop_a_geojson(
    read: Read, tmp_path: Path, tags: str
) -> None:
    text = parcels("EPSG:4490").to_json(drop_id=True)
    path = tmp_path / "a.geojson"
    path.write_text(text.replace('"properties": {', f'"properties": {{"tags": {tags}, '))
    found = read(path, crs="EPSG:4490")
    assert_is_the_layer(found)
    assert "tags" in found.source.columns


@pytest.mark.parametrize("encoding", ["GBK", "UTF-16", "UTF-8-SIG"])
@pytest.mark.parametrize("is_given", [True, False])
def test_a_geojson_that_is_not_utf8_is_read(
    read: Read, tmp_path: Path, encoding: str, *, is_given: bool
) -> None:
    text = parcels("EPSG:4490").to_json(drop_id=True)
    (tmp_path / "a.geojson").write_bytes(text.encode(encoding))
    found = read(tmp_path / "a.geojson", crs="EPSG:4490", encoding=encoding if is_given else None)
    assert_is_the_layer(found)
    assert (tmp_path / "a.geojson").read_bytes() == text.encode(encoding)


def test_a_crs_that_nobody_knows_is_none_declared(read: Read, tmp_path: Path) -> None:
    # GDAL takes the name for WGS 84; which datum the degrees have is asked, as without a name.
    path = tmp_path / "a.geojson"
    parcels("EPSG:4490").to_file(path)
    document = json.loads(path.read_text(encoding="utf-8"))
    document["crs"] = {"type": "name", "properties": {"name": "云阳独立坐标系"}}
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ChoiceNeededError) as caught:
        read(path)
    assert caught.value.parameter == "crs"
    found = read(path, crs="EPSG:4490")
    assert found.source.crs is None
    assert "import.crs_unknown" in [note.key for note in found.notes]


def test_features_line_by_line_are_named(read: Read, tmp_path: Path) -> None:
    parcels("EPSG:4490").to_file(tmp_path / "a.geojson")
    features = json.loads((tmp_path / "a.geojson").read_text(encoding="utf-8"))["features"]
    (tmp_path / "b.geojson").write_text("\n".join(map(json.dumps, features)), encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        read(tmp_path / "b.geojson")
    assert caught.value.faults[0].found.key == "refusal.json_lines"


def test_a_geojson_whose_bytes_are_no_text_is_refused(read: Read, tmp_path: Path) -> None:
    text = parcels("EPSG:4490").to_json(drop_id=True).encode().replace(b"0601", b"\xff\xff")
    (tmp_path / "a.geojson").write_bytes(text)
    with pytest.raises(SourceError, match="bytes that are not UTF-8, GB18030"):
        read(tmp_path / "a.geojson")
    with pytest.raises(SourceError, match="bytes that are not UTF-8"):
        read(tmp_path / "a.geojson", encoding="UTF-8")


def test_a_kml_in_gbk_is_read_as_it_declares(read: Read, tmp_path: Path) -> None:
    parcels("EPSG:4326").to_file(tmp_path / "a.kml", driver="LIBKML")
    text = (tmp_path / "a.kml").read_text(encoding="utf-8")
    assert 'encoding="UTF-8"' in text
    declared = text.replace('encoding="UTF-8"', 'encoding="GBK"')
    (tmp_path / "a.kml").write_bytes(declared.encode("gbk"))
    found = read(tmp_path / "a.kml", crs="EPSG:4490")
    assert_is_the_layer(found)
    assert found.source.encoding == "GB18030"


@pytest.mark.parametrize("suffix", [".fgb", ".gpkg", ".parquet", ".xlsx"])
def test_an_encoding_for_a_format_that_has_its_own_is_told_and_not_used(
    read: Read, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".parquet":
        parcels().to_parquet(path)
    elif suffix == ".xlsx":
        parcels().to_wkt().rename(columns={"geometry": "wkt"}).to_excel(path, index=False)
    else:
        parcels().to_file(path)
    found = read(path, encoding="GBK")
    assert_is_the_layer(found)
    assert found.notes[-1].key == "import.encoding_own"
    with pytest.raises(SourceError, match="the encoding 'nonsense'"):
        read(path, encoding="nonsense")


# ---- archives ---------------------------------------------------------------------------------


def test_chinese_names_in_an_archive_of_a_chinese_system_are_read(
    read: Read, tmp_path: Path
) -> None:
    frame = parcels()
    frame.assign(x=frame.centroid.x, y=frame.centroid.y)
    folder = tmp_path / "data"
    folder.mkdir()
    frame.to_wkt().rename(columns={"geometry": "wkt"}).to_csv(folder / "AAAA.csv", index=False)
    (folder / "BBBB.csv").write_text("a,b\n1,2\n")
    path = zipped(folder, tmp_path / "a.zip")
    # Names of four bytes each way, in GBK and without the flag of UTF-8: 宗地.csv, 楼宇.csv
    content = path.read_bytes().replace(b"AAAA", "宗地".encode("gbk"))
    path.write_bytes(content.replace(b"BBBB", "楼宇".encode("gbk")))
    with pytest.raises(ChoiceNeededError) as caught:
        read(path)
    assert [choice.value for choice in caught.value.choices] == ["data/宗地.csv", "data/楼宇.csv"]
    assert_is_the_layer(read(path, file="data/宗地.csv"))
    with pytest.raises(SourceError, match=r"no file 'x\.csv'"):
        read(path, file="x.csv")


@pytest.mark.parametrize("layer", ["parcels", "buildings", "facilities", "sub_areas", "roads"])
def test_the_number_of_a_drawings_entity_is_the_key_of_any_layer(layer: str) -> None:
    plan = match_columns(["EntityHandle", "Layer"], SCHEMAS[layer], mapping=None, shown="a.dxf")
    assert {item.field: item.column for item in plan.matched} == {
        SCHEMAS[layer].key[0]: "EntityHandle"
    }


# ---- layers named --------------------------------------------------------------------------


def write_xlsx(path: Path) -> Path:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("宗地")
    sheet.append(["宗地编号"])
    sheet.append(["A1"])
    book.save(path)
    return path


@pytest.mark.parametrize("suffix", [".fgb", ".gpkg", ".geojson", ".shp", ".parquet", ".csv"])
def test_a_layer_that_a_file_of_one_does_not_have_is_refused(
    read: Read, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".parquet":
        parcels().to_parquet(path)
    elif suffix == ".shp":
        shapefile(parcels(), path)
    elif suffix == ".csv":
        parcels().to_csv(path, index=False)
    else:
        parcels().to_file(path, layer="a")
    assert read(path, source_layer="a").features
    with pytest.raises(SourceError, match="no layer 'b'"):
        read(path, source_layer="b")


def test_a_sheet_that_a_workbook_of_one_does_not_have_is_refused(
    read: Read, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match="no sheet '楼宇'"):
        read(write_xlsx(tmp_path / "a.xlsx"), source_layer="楼宇")


# ---- shapefiles -----------------------------------------------------------------------------


@pytest.mark.parametrize("cpg", [True, False])
def test_a_shapefile_in_gbk_with_and_without_its_encoding_declared(
    read: Read, tmp_path: Path, *, cpg: bool
) -> None:
    found = read(gbk_shapefile(parcels(), tmp_path, cpg=cpg))
    assert_is_the_layer(found)
    assert found.source.encoding == "GB18030"
    key = "import.encoding_declared" if cpg else "import.encoding_guessed"
    assert [note.key for note in found.notes] == [key]


def test_a_shapefile_in_utf8_without_its_encoding_declared(read: Read, tmp_path: Path) -> None:
    found = read(shapefile(parcels(), tmp_path / "a.shp"))
    # Ten bytes are three characters and a third of one: 宗地编, 地类编.
    assert {item.column: item.how for item in found.columns.matched}["宗地编"] == "cut"
    assert found.frame["land_use"].tolist() == ["0601", "0508", "1001"]
    assert found.source.encoding == "UTF-8"
    assert found.frame["status"].tolist() == ["idle", "built", "vacant"]


def test_a_declared_encoding_that_does_not_fit_is_told_and_not_followed(
    read: Read, tmp_path: Path
) -> None:
    path = gbk_shapefile(parcels(), tmp_path)
    path.with_suffix(".cpg").write_text("UTF-8")
    found = read(path)
    assert_is_the_layer(found)
    assert [note.key for note in found.notes] == ["import.encoding_wrong"]


def test_names_cut_at_ten_bytes_are_recognised_by_their_start(read: Read, tmp_path: Path) -> None:
    enterprise = parcels()[["geometry"]].assign(
        统一社会信用代码=["91500235MA0000000A", "91500235MA0000000B", "91500235MA0000000C"],
        nd=[2025] * 3,
        企业名称=["甲", "乙", "丙"],
    )
    enterprise["geometry"] = enterprise.centroid
    companies = read(gbk_shapefile(enterprise, tmp_path), "enterprises")
    cut = companies.columns.of("enterprise_id")
    assert cut is not None
    assert (cut.column, cut.how) == ("统一社会信", "cut")
    assert companies.frame["name"].tolist() == ["甲", "乙", "丙"]


def test_a_zipped_shapefile_in_a_folder_with_a_chinese_name(read: Read, tmp_path: Path) -> None:
    folder = tmp_path / "数据"
    folder.mkdir()
    gbk_shapefile(parcels(), folder)
    assert_is_the_layer(read(zipped(folder, tmp_path / "数据.zip")))


def test_an_archive_with_several_files_asks_for_one(read: Read, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    shapefile(parcels(), folder / "one.shp")
    shapefile(parcels(), folder / "two.shp")
    with pytest.raises(ChoiceNeededError, match=r"data/one\.shp") as caught:
        read(zipped(folder, tmp_path / "data.zip"))
    assert caught.value.parameter == "file"


def test_a_shapefile_without_its_table_says_what_is_missing(read: Read, tmp_path: Path) -> None:
    path = gbk_shapefile(parcels(), tmp_path)
    path.with_suffix(".dbf").unlink()
    with pytest.raises(SourceError, match="宗地\\.dbf"):
        read(path)


# ---- other vector formats ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.gpkg", {}),
        ("a.fgb", {}),
        ("a.geojson", {"crs": "EPSG:4490"}),
        ("a.gdb", {"driver": "OpenFileGDB"}),
    ],
)
def test_vector_formats(read: Read, tmp_path: Path, name: str, options: dict[str, str]) -> None:
    frame = parcels(options.pop("crs", "EPSG:4545"))
    if name == "a.gdb":
        frame = frame.rename(columns={"面积(亩)": "面积_亩"})
    frame.to_file(tmp_path / name, **options)
    assert_is_the_layer(read(tmp_path / name))


@pytest.mark.parametrize("suffix", [".fgb", ".gpkg"])
def test_rows_without_a_shape_keep_the_shapes_of_the_others(
    read: Read, tmp_path: Path, suffix: str
) -> None:
    frame = parcels("EPSG:4490")
    frame.loc[frame.index[[0, 2]], "geometry"] = None
    frame.to_file(tmp_path / f"a{suffix}", SPATIAL_INDEX="NO")
    found = read(tmp_path / f"a{suffix}", layer="parcels")
    assert found.frame["parcel_id"].tolist() == ["A2"]
    assert found.rows == 3
    (shape,) = found.frame.geometry
    assert shapely.equals_exact(shape, frame.geometry.iloc[1], tolerance=1e-9)


def test_a_zipped_file_geodatabase(read: Read, tmp_path: Path) -> None:
    frame = parcels().rename(columns={"面积(亩)": "面积_亩"})
    frame.to_file(tmp_path / "成果.gdb", driver="OpenFileGDB", layer="ZD")
    found = read(zipped(tmp_path / "成果.gdb", tmp_path / "gdb.zip"))
    assert_is_the_layer(found)
    assert found.source.layer == "ZD"


def test_a_geodatabase_by_another_gdal(read: Read, tmp_path: Path) -> None:
    if shutil.which("ogr2ogr") is None:
        pytest.skip("ogr2ogr is not installed")
    frame = parcels().rename(columns={"面积(亩)": "面积_亩"})
    frame.to_file(tmp_path / "in.geojson")
    done = subprocess.run(
        [
            "ogr2ogr",
            "-f",
            "OpenFileGDB",
            tmp_path / "out.gdb",
            tmp_path / "in.geojson",
            "-t_srs",
            "EPSG:4545",
        ],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("this GDAL does not write geodatabases")
    assert_is_the_layer(read(tmp_path / "out.gdb"))


def test_a_file_of_several_layers_asks_for_one(read: Read, tmp_path: Path) -> None:
    parcels().to_file(tmp_path / "a.gpkg", layer="宗地")
    parcels().to_file(tmp_path / "a.gpkg", layer="其他")
    with pytest.raises(ChoiceNeededError, match="several layers") as caught:
        read(tmp_path / "a.gpkg")
    assert [choice.value for choice in caught.value.choices] == ["宗地", "其他"]
    assert_is_the_layer(read(tmp_path / "a.gpkg", source_layer="宗地"))


def test_geoparquet(read: Read, tmp_path: Path) -> None:
    parcels().to_parquet(tmp_path / "a.parquet")
    assert_is_the_layer(read(tmp_path / "a.parquet"))


@pytest.mark.parametrize("name", ["a.kml", "a.kmz"])
def test_kml_and_kmz(read: Read, tmp_path: Path, name: str) -> None:
    parcels("EPSG:4326").to_file(tmp_path / name, driver="LIBKML")
    assert_is_the_layer(read(tmp_path / name, crs="EPSG:4326"))


def test_dxf_closed_lines_become_polygons_with_their_handles_as_ids(
    read: Read, tmp_path: Path
) -> None:
    lines = gpd.GeoDataFrame({"Layer": ["ZD"] * 3}, geometry=parcels().boundary, crs="EPSG:4545")
    lines.to_file(tmp_path / "a.dxf", driver="DXF")
    found = read(tmp_path / "a.dxf")
    assert found.frame.geom_type.tolist() == ["Polygon"] * 3
    assert found.ledger.repair_counts["closed_line"] == 3
    assert found.placement is not None
    assert found.placement.label == "EPSG:4545"
    assert found.placement.declared is None
    assert found.filled["area_m2"] == "measured"
    assert found.frame["area_m2"].tolist() == pytest.approx([10_000] * 3, rel=1e-6)
    assert found.frame["parcel_id"].is_unique


# ---- tables ---------------------------------------------------------------------------------


def centres(crs: str = "EPSG:4545") -> pd.DataFrame:
    points = parcels().centroid.to_crs(crs)
    return pd.DataFrame(
        {
            "设施编号": ["f1", "f2", "f3"],
            "类型": ["变电站"] * 3,
            "名称": ["甲", "乙", "丙"],
            "x": points.x,
            "y": points.y,
        }
    )


def test_a_csv_in_gbk_with_metres(read: Read, tmp_path: Path) -> None:
    centres().to_csv(tmp_path / "a.csv", index=False, encoding="GBK")
    found = read(tmp_path / "a.csv", "facilities")
    assert found.source.encoding == "GB18030"
    assert found.frame["kind"].tolist() == ["substation"] * 3
    assert found.frame["name"].tolist() == ["甲", "乙", "丙"]
    first = found.frame.to_crs("EPSG:4545").geometry.iloc[0]
    assert (first.x, first.y) == pytest.approx((500_050, 3_420_050), abs=1e-3)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_csv_with_another_delimiter_and_utf16(read: Read, tmp_path: Path, delimiter: str) -> None:
    centres().to_csv(tmp_path / "a.txt", index=False, encoding="utf-16", sep=delimiter)
    assert len(read(tmp_path / "a.txt", "facilities").frame) == 3


def test_a_csv_with_wkt(read: Read, tmp_path: Path) -> None:
    frame = parcels()
    frame.assign(wkt=frame.geometry.to_wkt()).drop(columns="geometry").to_csv(
        tmp_path / "a.csv", index=False
    )
    assert_is_the_layer(read(tmp_path / "a.csv"))


def test_a_workbook_with_a_title_above_its_heading(read: Read, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["某县企业情况表"])
    sheet.append([None])
    sheet.append(
        ["统一社会信用代码", "年度", "企业名称", "行业代码", "产值（万元）", "从业人员", "状态"]
    )
    sheet.append(["91500235MA0000000A", 2025, "甲公司", 1311, 1234.5, 30, "正常"])
    sheet.append(["91500235MA0000000B", 2025, "乙公司", "３６７０", "1,000", "１２", "停产"])
    book.save(tmp_path / "a.xlsx")
    found = read(tmp_path / "a.xlsx", "enterprises")
    assert found.frame["output_cny"].tolist() == [12_345_000, 10_000_000]
    assert found.frame["industry_code"].tolist() == ["1311", "3670"]
    assert found.frame["employees"].tolist() == [30, 12]
    assert found.frame["status"].tolist() == ["operating", "stopped"]
    assert found.ledger.repair_counts == {"full_width": 2, "number": 1}
    assert [item.row for item in found.ledger.repairs] == [5, 5, 5]


def test_a_table_of_attributes_joins_published_features_by_id(tmp_path: Path) -> None:
    county = County()
    plan = open_plan(county.write(tmp_path / "county"))
    table(tmp_path / "a.csv", 园区编号=["P2", "P1", "P9"], 主导产业=["13", "", "36"])
    found = read_source(tmp_path / "a.csv", "parks", plan=plan)
    before = plan.frame("parks")
    assert found.frame["park_id"].tolist() == ["P1", "P2"]
    # A blank leaves what is published; P9 is not there and is refused.
    assert found.frame["leading_industry"].tolist() == ["13", "13"]
    assert found.frame["name"].tolist() == before["name"].tolist()
    assert shapely.equals(found.frame.geometry.to_numpy(), before.geometry.to_numpy()).all()
    assert (found.joined, found.ledger.refused_count) == (2, 1)
    assert found.ledger.refused[0].reason.key == "import.unknown_id"


def test_an_amount_of_money_without_a_unit_is_asked_for(read: Read, tmp_path: Path) -> None:
    table(tmp_path / "a.csv", 企业编号=["E1"], 年度=[2025], 企业名称=["甲"], 产值=[5])
    with pytest.raises(ChoiceNeededError, match="万元") as caught:
        read(tmp_path / "a.csv", "enterprises")
    assert caught.value.parameter == "unit:output_cny"
