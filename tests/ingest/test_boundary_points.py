"""Boundary-point text files: read as surveys write them, and a round trip."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from geo_service.errors import CrsError, SourceError
from geo_service.ingest.formats.boundary_points import write_boundary_points
from geo_service.ingest.options import ImportOptions
from geo_service.ingest.run import read_source
from geo_service.plan import Plan
from geo_service.workspace.opening import open_plan
from tests.county import County, box

TEXT = """[属性描述]
格式版本号=1.01版本
数据产生单位=测绘队
数据产生日期=2024-5-1
坐标系=2000国家大地坐标系
几度分带=3
投影类型=高斯克吕格
计量单位=米
带号=36
精度=0.001
转换参数=0,0,0,0,0,0,0
[地块坐标]
4,0.9600,D-1,一号地,面,,工业,0601,@
J1,1,3420000.000,36500000.000
J2,1,3420100.000,36500000.000
J3,1,3420100.000,36500100.000
J4,1,3420000.000,36500100.000
J1,1,3420000.000,36500000.000
J5,2,3420040.000,36500040.000
J6,2,3420060.000,36500040.000
J7,2,3420060.000,36500060.000
J8,2,3420040.000,36500060.000
J5,2,3420040.000,36500040.000
"""
SURVEY = ImportOptions(scheme="survey3")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return open_plan(County().write(tmp_path / "county"))


def write(tmp_path: Path, text: str, encoding: str = "GBK") -> Path:
    path = tmp_path / "界址点.txt"
    path.write_text(text, encoding=encoding)
    return path


@pytest.mark.parametrize("encoding", ["GBK", "UTF-8", "UTF-8-SIG"])
def test_a_parcel_with_a_hole(plan: Plan, tmp_path: Path, encoding: str) -> None:
    found = read_source(write(tmp_path, TEXT, encoding), "parcels", plan=plan, options=SURVEY)
    assert found.placement is not None
    assert (found.placement.declared, found.placement.label) == ("EPSG:4524", "EPSG:4524")
    parcel = found.frame.iloc[0]
    assert (parcel["parcel_id"], parcel["land_use"]) == ("D-1", "0601")
    assert parcel["area_m2"] == pytest.approx(9_600)  # 0.96 ha, as stated
    metres = found.frame.to_crs("EPSG:4545").geometry.iloc[0]
    assert metres.area == pytest.approx(100 * 100 - 20 * 20, abs=0.01)
    assert metres.bounds == pytest.approx((500_000, 3_420_000, 500_100, 3_420_100), abs=1e-3)


@pytest.mark.parametrize(
    ("system", "name"), [("80国家大地坐标系", "Xi'an 80"), ("1954北京坐标系", "Beijing 54")]
)
def test_an_old_datum_is_refused(plan: Plan, tmp_path: Path, system: str, name: str) -> None:
    text = TEXT.replace("2000国家大地坐标系", system)
    with pytest.raises(SourceError, match=name):
        read_source(write(tmp_path, text), "parcels", plan=plan, options=SURVEY)


def test_without_a_heading_the_numbers_tell(plan: Plan, tmp_path: Path) -> None:
    text = TEXT[TEXT.index("[地块坐标]") :]
    found = read_source(write(tmp_path, text), "parcels", plan=plan, options=SURVEY)
    assert found.placement is not None
    assert (found.placement.declared, found.placement.label) == (None, "EPSG:4524")


SECOND = """4,0.2500,D-2,乙地,面,,,0601,@
J1,1,3420000.000,36500200.000
J2,1,3420050.000,36500200.000
J3,1,3420050.000,36500250.000
J4,1,3420000.000,36500250.000
"""


@pytest.mark.parametrize("line", ["J2,1,here,there", "x", "J9,1,NaN"])
def test_a_line_that_is_neither_costs_its_parcel_only(
    plan: Plan, tmp_path: Path, line: str
) -> None:
    lines = TEXT.splitlines()
    lines.insert(19, line)
    path = write(tmp_path, "\n".join([*lines, SECOND]))
    found = read_source(path, "parcels", plan=plan, options=SURVEY)
    assert found.frame["parcel_id"].tolist() == ["D-2"]
    refused = found.ledger.refused
    assert [(item.feature, item.reason.key) for item in refused] == [("D-1", "import.bad_line")]
    assert refused[0].reason.values == {"line": 20}


def test_a_parcel_whose_line_lost_its_mark_does_not_spoil_the_one_before(
    plan: Plan, tmp_path: Path
) -> None:
    path = write(tmp_path, TEXT.rstrip("\n") + "\n" + SECOND.replace(",@", ""))
    found = read_source(path, "parcels", plan=plan, options=SURVEY)
    assert found.frame["parcel_id"].tolist() == ["D-1"]
    assert [item.feature for item in found.ledger.refused] == ["D-2"]


def test_a_point_before_any_parcel_is_refused_by_its_line(plan: Plan, tmp_path: Path) -> None:
    text = TEXT.replace("[地块坐标]\n", "[地块坐标]\nJ9,1,3420000.000,36500250.000\n")
    found = read_source(write(tmp_path, text), "parcels", plan=plan, options=SURVEY)
    assert found.frame["parcel_id"].tolist() == ["D-1"]
    assert [item.reason.key for item in found.ledger.refused] == ["import.lost_point"]


def test_parameters_that_the_format_does_not_explain_are_told_and_not_applied(
    plan: Plan, tmp_path: Path
) -> None:
    zeros = "转换参数=0,0,0,0,0,0,0"
    assert zeros in TEXT
    text = TEXT.replace(zeros, "转换参数=1.5,-2,3,0,0,0,0")
    found = read_source(write(tmp_path, text), "parcels", plan=plan, options=SURVEY)
    assert "import.boundary_parameters" in [note.key for note in found.notes]
    old = text.replace("2000国家大地坐标系", "80国家大地坐标系")
    with pytest.raises(SourceError) as caught:
        read_source(write(tmp_path, old), "parcels", plan=plan, options=SURVEY)
    (fault,) = caught.value.faults
    assert fault.found.key == "refusal.old_datum_parameters"
    assert fault.found.values["parameters"] == "1.5,-2,3,0,0,0,0"


@pytest.mark.parametrize("crs", ["EPSG:4545", "EPSG:4524", "EPSG:4508"])
def test_a_round_trip(plan: Plan, tmp_path: Path, crs: str) -> None:
    holed = box(0, 0, 100, 100).difference(box(40, 40, 20, 20))
    several = shapely.union(box(200, 0, 50, 50), box(300, 0, 50, 50))
    made = gpd.GeoDataFrame(
        {"parcel_id": ["A,1", "B@2"], "land_use": ["0601", "0508"], "name": ["甲\n地", None]},
        geometry=[holed, several],
        crs="EPSG:4545",
    ).to_crs(crs)
    path = tmp_path / "out.txt"
    write_boundary_points(made, path, name="name", heading={"数据产生单位": "测绘队\n一队,二队"})
    text = path.read_text(encoding="GB18030")
    assert "8,0.9600,A 1,甲 地,面,,,0601,@" in text or crs == "EPSG:4508"
    assert "转换参数=0,0,0,0,0,0,0\n" in text
    assert "数据产生单位=测绘队 一队,二队\n" in text
    found = read_source(path, "parcels", plan=plan, options=SURVEY)
    assert found.placement is not None
    assert found.placement.label == crs
    assert found.frame["parcel_id"].tolist() == ["A 1", "B 2"]
    back = found.frame.to_crs(crs)
    difference = shapely.symmetric_difference(back.geometry.to_numpy(), made.geometry.to_numpy())
    assert shapely.area(difference).max() < 0.1  # 400 m of boundary, written to 0.1 mm
    assert back.geom_type.tolist() == ["Polygon", "MultiPolygon"]


def test_only_zones_can_be_written(tmp_path: Path) -> None:
    made = gpd.GeoDataFrame({"parcel_id": ["A"]}, geometry=[box(0, 0, 1, 1)], crs="EPSG:3857")
    with pytest.raises(CrsError, match="EPSG:3857"):
        write_boundary_points(made, tmp_path / "a.txt", land_use=None)
