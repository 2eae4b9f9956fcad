"""Every repair, with its before and after; and what cannot be repaired, with its reason."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo_service.errors import SourceError
from geo_service.ingest.ledger import safe_cell
from geo_service.ingest.options import ImportOptions, SourceMapping, read_mapping, write_mapping
from geo_service.ingest.report import import_document
from geo_service.ingest.run import Imported, read_source
from geo_service.language import Language, Translator
from geo_service.plan import Plan
from geo_service.planning.imports import publish_import, read_import
from geo_service.wording import quoted
from geo_service.workspace.opening import open_plan
from tests.county import County, box, parcel
from tests.ingest.made import table

Read = Callable[..., Imported]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return open_plan(County().write(tmp_path_factory.mktemp("county") / "county"))


@pytest.fixture
def read(plan: Plan, tmp_path: Path) -> Read:
    """Return a function that imports parcels A1, A2, ... with shapes and columns."""

    def read_(shapes: list[Any], layer: str = "parcels", **columns: Any) -> Imported:  # noqa: ANN401 - cells of any kind
        ids = columns.pop("parcel_id", [f"A{n + 1}" for n in range(len(shapes))])
        key = {"parcels": "parcel_id", "control_zones": "zone_id"}[layer]
        frame = gpd.GeoDataFrame({key: ids, **columns}, geometry=shapes, crs="EPSG:4545")
        frame.to_file(tmp_path / "a.gpkg")
        options = ImportOptions(scheme="survey3", translator=Translator(Language.EN))
        return read_source(tmp_path / "a.gpkg", layer, plan=plan, options=options)

    return read_


def only_repair(found: Imported, what: str) -> tuple[str, str, str]:
    """Return feature, before and after of the one repair of a kind."""
    chosen = [item for item in found.ledger.repairs if item.what == what]
    assert len(chosen) == 1, found.ledger.repairs
    return chosen[0].feature, chosen[0].before, chosen[0].after


def reasons(found: Imported) -> dict[str, str]:
    return {item.feature: item.reason.key for item in found.ledger.refused}


# ---- shapes ---------------------------------------------------------------------------------


def test_a_bow_tie_becomes_two_triangles(read: Read) -> None:
    x, y = 500_000, 3_420_000
    bow = shapely.Polygon([(x, y), (x + 100, y + 100), (x + 100, y), (x, y + 100)])
    found = read([bow])
    feature, before, after = only_repair(found, "invalid")
    assert feature == "A1"
    assert before.startswith("Self-intersection[")
    assert float(after.removesuffix(" m²").replace(",", "")) == pytest.approx(5_000, rel=0.01)
    made = found.frame.to_crs("EPSG:4545").geometry.iloc[0]
    assert made.is_valid
    assert made.area == pytest.approx(5_000, rel=1e-5)  # two triangles of 100 x 50 / 2


def test_repeated_vertices_go(read: Read) -> None:
    square = box(0, 0, 100, 100)
    corners = list(square.exterior.coords)
    found = read([shapely.Polygon([*corners[:2], corners[1], corners[1], *corners[2:]])])
    assert only_repair(found, "repeated") == ("A1", "7", "5")


def test_slivers_of_a_part_and_of_a_hole_go(read: Read) -> None:
    # 20 m x 1 cm: 0.2 m² and, by 2 A / P, 1 cm wide.
    part = shapely.MultiPolygon([box(0, 0, 100, 100), box(200, 0, 20, 0.01)])
    hole = box(300, 0, 100, 100).difference(box(310, 10, 20, 0.01))
    found = read([part, hole])
    assert found.ledger.repair_counts["sliver"] == 2
    made = found.frame.to_crs("EPSG:4545").geometry
    assert made.geom_type.tolist() == ["Polygon", "Polygon"]
    assert made.area.tolist() == pytest.approx([10_000, 10_000], rel=1e-6)
    assert len(made.iloc[1].interiors) == 0


def test_a_small_but_square_part_is_no_sliver(read: Read) -> None:
    found = read([shapely.MultiPolygon([box(0, 0, 100, 100), box(200, 0, 0.9, 0.9)])])
    assert "sliver" not in found.ledger.repair_counts
    assert len(found.frame.geometry.iloc[0].geoms) == 2


def test_a_feature_that_is_a_sliver_is_refused(read: Read) -> None:
    found = read([box(0, 0, 100, 100), box(200, 0, 20, 0.01)])
    assert reasons(found) == {"A2": "import.sliver"}


def test_heights_go(read: Read) -> None:
    found = read([shapely.force_3d(box(0, 0, 100, 100), z=250.0)])
    assert only_repair(found, "z") == ("A1", "XYZ", "XY")
    assert not found.frame.geometry.has_z.any()


def test_a_multipolygon_of_one_part_stays_as_it_is(read: Read) -> None:
    found = read([shapely.MultiPolygon([box(0, 0, 100, 100)])])
    assert "single" not in found.ledger.repair_counts
    assert found.frame.geom_type.tolist() == ["MultiPolygon"]


def test_the_polygons_of_a_collection_are_taken(read: Read) -> None:
    mixed = shapely.GeometryCollection([box(0, 0, 100, 100), shapely.Point(500_000, 3_420_000)])
    found = read([mixed])
    assert only_repair(found, "collection") == ("A1", "GeometryCollection (2)", "Polygon")


def test_what_cannot_be_repaired_is_refused_with_its_reason(read: Read) -> None:
    flat = shapely.Polygon([(500_000, 3_420_000), (500_100, 3_420_000), (500_050, 3_420_000)])
    away = box(300_000, 0, 100, 100)  # 300 km east
    nan = shapely.transform(box(0, 300, 9, 9), lambda xy: np.where(xy == xy.max(), np.nan, xy))
    good = [box(200 * n, 200, 100, 100) for n in range(6)]
    shapes = [*good, None, shapely.Point(500_000, 3_420_000), flat, away, nan]
    found = read(shapes)
    assert reasons(found) == {
        "A7": "import.no_geometry",
        "A8": "import.wrong_type",
        "A9": "import.sliver",  # what is flat has no area once it is projected
        "A10": "import.far_outside",
        "A11": "import.not_finite",
    }
    assert found.frame["parcel_id"].tolist() == [f"A{n}" for n in range(1, 7)]


def test_an_open_ring_in_wkb_is_closed(plan: Plan, tmp_path: Path) -> None:
    ring = "POLYGON ((500000 3420000, 500100 3420000, 500100 3420100, 500000 3420100))"
    table(tmp_path / "a.csv", parcel_id=["A1"], wkt=[ring])
    found = read_source(tmp_path / "a.csv", "parcels", plan=plan)
    assert only_repair(found, "ring")[0] == "A1"
    assert found.frame.to_crs("EPSG:4545").area.iloc[0] == pytest.approx(10_000, rel=1e-6)


# ---- cells ----------------------------------------------------------------------------------


def squares(count: int) -> list[shapely.Geometry]:
    return [box(200 * n, 0, 100, 100) for n in range(count)]


def test_cells_are_cleaned_one_by_one(read: Read) -> None:
    found = read(
        squares(3),
        parcel_id=["Ａ１", " A2　", "A3\x07"],
        land_use=["601", "0601 工业用地", "工业用地"],
        area_m2=["１０，０００", "10,000", "15亩"],
        status=["闲置", "BUILT", "无"],
        idle_since=["2024年3月5日", "2024/3", "20240305"],
        plot_ratio=["１．５", "-", "2"],
    )
    frame = found.frame
    assert frame["parcel_id"].tolist() == ["A1", "A2", "A3"]
    assert frame["land_use"].tolist() == ["0601", "0601", "0601"]
    assert frame["area_m2"].tolist() == pytest.approx([10_000, 10_000, 10_000])
    assert frame["idle_since"].dt.strftime("%Y-%m-%d").tolist() == [
        "2024-03-05",
        "2024-03-01",
        "2024-03-05",
    ]
    assert frame["plot_ratio"].tolist()[::2] == [1.5, 2.0]
    assert frame["plot_ratio"].isna().tolist() == [False, True, False]
    assert frame["status"].tolist()[:2] == ["idle", "built"]
    listed = {(item.what, item.column, item.before, item.after) for item in found.ledger.repairs}
    assert listed >= {
        ("full_width", "parcel_id", "Ａ１", "A1"),
        ("blanks", "parcel_id", " A2　", "A2"),
        ("zeros", "land_use", "601", "0601"),
        ("code", "land_use", "0601 工业用地", "0601"),
        ("code", "land_use", "工业用地", "0601"),
        ("number", "area_m2", "15亩", "10000"),
        ("date", "idle_since", "2024年3月5日", "2024-03-05"),
    }


def test_values_that_no_repair_reaches_are_refused_by_row(read: Read) -> None:
    found = read(
        squares(7),
        status=["瞎写", "built", "built", "built", "built", "built", "built"],
        area_m2=["1", "many", "-5", "1", "1", "1", "1"],
        parcel_id=["A1", "A2", "A3", "a/b", "A5", "A6", "A7"],
    )
    assert reasons(found) == {
        "A1": "import.bad_choice",
        "A2": "import.bad_number",
        "A3": "import.bad_number",
        "a/b": "import.bad_id",
    }


def test_an_id_of_another_layer_gets_its_zeros_back(tmp_path: Path) -> None:
    county = County()
    county.layers["townships"][0]["code"] = "0500235"
    for park in county.layers["parks"]:
        park["township_code"] = "0500235"
    plan = open_plan(county.write(tmp_path / "county"))
    table(tmp_path / "a.csv", park_id=["P1"], township_code=["500235"])
    found = read_source(tmp_path / "a.csv", "parks", plan=plan)
    assert only_repair(found, "zeros") == ("P1", "500235", "0500235")


@pytest.mark.parametrize(
    ("code", "what", "expected"),
    [
        ("C3011", "section", "3011"),
        ("c3011", "section", "3011"),
        ("A111", "code", None),  # no code 111 but 0111: a letter and a lost zero are too much
        ("A3011", "section", None),  # cement is no farming
        ("C3011 水泥制造", "section", "3011"),
        ("C", "section", None),
    ],
)
def test_the_letter_of_a_section_before_a_code_is_left_out(
    plan: Plan, tmp_path: Path, code: str, what: str, expected: str | None
) -> None:
    path = table(
        tmp_path / "a.csv", enterprise_id=["E1", "E2"], year=2024, name="甲", 行业代码=[code, "13"]
    )
    found = read_source(path, "enterprises", plan=plan)
    if expected is None:
        assert reasons(found) == {"E1": "import.bad_code"}
    else:
        assert found.frame["industry_code"].tolist() == [expected, "13"]
        assert what in found.ledger.repair_counts


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("0113", "0113"),
        ("113", "0113"),
        ("113; 3011", "0113; 3011"),
        ("C3011，113", "3011,0113"),
        ("水泥制造", "3011"),
    ],
)
def test_lists_of_codes_are_repaired_one_by_one(
    plan: Plan, tmp_path: Path, cell: str, expected: str
) -> None:
    table(tmp_path / "a.csv", park_id=["P1"], 主导产业=[cell])
    found = read_source(tmp_path / "a.csv", "parks", plan=plan)
    assert found.frame.set_index("park_id").loc["P1", "leading_industry"] == expected


@pytest.mark.parametrize(
    ("written", "expected"), [("1层", 1), ("第3层", 3), ("-1层", -1), ("２楼", 2), ("2F", 2)]
)
def test_a_word_after_a_count_is_left_out(
    plan: Plan, tmp_path: Path, written: str, expected: int
) -> None:
    path = table(tmp_path / "a.csv", enterprise_id=["E1"], year="2025年", name="甲", 楼层=[written])
    found = read_source(path, "enterprises", plan=plan)
    row = found.frame.iloc[0]
    assert (row["year"], row["floor_no"]) == (2025, expected)
    assert ("year", "2025年", "2025") in {
        (item.column, item.before, item.after) for item in found.ledger.repairs
    }


@pytest.mark.parametrize("written", ["1.5层", "一", "层", "1栋", "1层2"])
def test_a_count_that_is_none_is_refused(plan: Plan, tmp_path: Path, written: str) -> None:
    path = table(
        tmp_path / "a.csv", enterprise_id=["E1", "E2"], year=2025, name="甲", 楼层=[written, "1"]
    )
    assert reasons(read_source(path, "enterprises", plan=plan)) == {"E1": "import.bad_number"}


# ---- ids and references ------------------------------------------------------------------------


def test_repeated_ids(read: Read) -> None:
    found = read(
        [
            box(0, 0, 100, 100),
            box(0, 0, 100, 100),
            box(200, 0, 50, 50),
            box(300, 0, 50, 50),
            box(400, 0, 50, 50),
            box(500, 0, 50, 50),
            *[box(600 + 100 * n, 0, 50, 50) for n in range(3)],
        ],
        parcel_id=["same", "same", "parts", "parts", "odd", "odd", "x", "y", "z"],
        status=["built"] * 5 + ["idle"] + ["built"] * 3,
    )
    assert only_repair(found, "same_row") == ("same", "1, 2", "1")
    assert only_repair(found, "merged") == ("parts", "3, 4", "3")
    assert reasons(found) == {"odd": "import.repeated_id"}
    assert found.ledger.refused_count == 2
    areas = dict(zip(found.frame["parcel_id"], found.frame["area_m2"], strict=True))
    # No stated area: each is measured, the merged one as a whole.
    assert areas == pytest.approx(
        {"same": 10_000, "parts": 5_000, "x": 2_500, "y": 2_500, "z": 2_500}, rel=1e-6
    )


def test_a_reference_to_nothing_is_refused(read: Read) -> None:
    found = read(squares(2), park_id=["P1", "P9"])
    assert reasons(found) == {"A2": "import.no_reference"}


def test_what_others_refer_to_may_not_go(tmp_path: Path) -> None:
    county = County()
    county.layers["parcels"] = [parcel("A1", box(0, 0, 10, 10))]
    county.layers["enterprises"][0]["parcel_id"] = "A1"
    workspace = county.write(tmp_path / "county")
    frame = gpd.GeoDataFrame({"parcel_id": ["B"]}, geometry=[box(0, 0, 9, 9)], crs="EPSG:4545")
    frame.to_file(tmp_path / "a.gpkg")
    found = read_import(workspace, tmp_path / "a.gpkg", "parcels", ImportOptions())
    assert found.obstacle == "breaks"
    assert [(fault.layer, fault.row, fault.found) for fault in found.imported.breaks] == [
        ("enterprises", "E1", quoted("A1"))
    ]


def test_links_that_were_only_worked_out_do_not_stand_in_the_way(tmp_path: Path) -> None:
    # The parcel names no park; the plan puts it into P2, where it lies. New parks, new answer.
    county = County()
    county.layers["parcels"] = [parcel("A1", box(2_000, 0, 10, 10), park_id=None)]
    county.layers["enterprises"] = county.layers["enterprises"][:5]
    first = county.layers["parks"][0]
    kept = {name: first[name] for name in ("park_id", "geometry", "source", "illustrative")}
    county.layers["approved_areas"] = [kept]
    workspace = county.write(tmp_path / "county")
    assert open_plan(workspace).frame("parcels")["park_id"].tolist() == ["P2"]
    frame = gpd.GeoDataFrame(
        {"park_id": ["P1"], "name": ["甲"], "tier": ["sme_cluster"]},
        geometry=[box(0, 0, 1_000, 1_000)],
        crs="EPSG:4545",
    )
    frame.to_file(tmp_path / "a.gpkg")
    found = read_import(workspace, tmp_path / "a.gpkg", "parks", ImportOptions())
    assert not found.imported.breaks
    assert publish_import(workspace, found, taken_as="whole").version is not None
    assert open_plan(workspace).frame("parcels")["park_id"].isna().all()


# ---- units and mappings ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "unit"), [([15.0, 15.0], "亩"), ([1.0, 1.0], "公顷"), ([10_000.0] * 2, "m²")]
)
def test_a_unit_that_no_heading_names_is_told_by_the_shapes(
    read: Read, stated: list[float], unit: str
) -> None:
    found = read(squares(2), 面积=stated)
    matched = found.columns.of("area_m2")
    assert matched is not None
    assert (matched.unit, matched.unit_how) == (unit, "shapes")
    assert found.frame["area_m2"].tolist() == pytest.approx([10_000, 10_000])
    assert "import.area_told" in [note.key for note in found.notes]


def test_shares_above_one_are_per_cent(read: Read) -> None:
    found = read(squares(2), 建筑系数=[45.0, 60.0])
    assert found.frame["building_coefficient"].tolist() == pytest.approx([0.45, 0.6])


@pytest.mark.parametrize(
    ("heading", "expected"),
    [("投资(万元)", 2e4), ("投资（亿元）", 2e8), ("投资_元", 2.0), ("investment_cny", 2.0)],
)
def test_amounts_of_money_by_their_heading(read: Read, heading: str, expected: float) -> None:
    assert read(squares(1), **{heading: [2.0]}).frame["investment_cny"].tolist() == [expected]


def test_a_mapping_file_names_columns_units_words_and_values(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(
        'format = 1\nlayer = "parcels"\nscheme = "survey3"\n[columns]\nparcel_id = "甲"\n'
        'investment_cny = { column = "乙", unit = "万元" }\nstatus = "丙"\n'
        '[values]\nillustrative = true\n[words.status]\n"晒太阳" = "idle"\n',
        encoding="utf-8",
    )
    frame = gpd.GeoDataFrame(
        {"甲": ["A1"], "乙": [3], "丙": ["晒太阳"]}, geometry=squares(1), crs="EPSG:4545"
    )
    frame.to_file(tmp_path / "a.gpkg")
    options = ImportOptions(mapping=read_mapping(tmp_path / "map.toml"))
    found = read_source(tmp_path / "a.gpkg", "parcels", plan=plan, options=options)
    row = found.frame.iloc[0]
    assert (row["parcel_id"], row["investment_cny"], row["status"]) == ("A1", 30_000, "idle")
    assert bool(row["illustrative"]) is True
    # What is learned is written as a mapping file that says the same.
    write_mapping(found.learned, tmp_path / "again.toml")
    again = read_mapping(tmp_path / "again.toml")
    assert again.words == {"status": {"晒太阳": "idle"}}
    assert again.source_of("investment_cny") == found.learned.source_of("investment_cny")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[columns]\nparcel_id = "没有"\n', "没有"),
        ('[columns]\nparcl_id = "a"\n', "parcel_id"),
        ('[columns]\narea_m2 = { column = "parcel_id", unit = "斤" }\n', "斤"),
        ("nonsense = 1\n", "nonsense"),
        ("[columns", "valid TOML"),
    ],
)
def test_a_mapping_that_does_not_fit_says_why(
    plan: Plan, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "map.toml").write_text(text, encoding="utf-8")
    frame = gpd.GeoDataFrame({"parcel_id": ["A1"]}, geometry=squares(1), crs="EPSG:4545")
    frame.to_file(tmp_path / "a.gpkg")
    with pytest.raises(SourceError, match=message):
        read_source(
            tmp_path / "a.gpkg",
            "parcels",
            plan=plan,
            options=ImportOptions(mapping=read_mapping(tmp_path / "map.toml")),
        )


# ---- the report ------------------------------------------------------------------------------


def test_the_lists_open_in_a_spreadsheet_and_run_nothing(read: Read, tmp_path: Path) -> None:
    found = read(squares(3), parcel_id=["=1+1", "@x", "A3"], status=["=cmd()", "built", "built"])
    found.ledger.write_refused(tmp_path / "refused.csv")
    content = (tmp_path / "refused.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(content.decode("utf-8-sig").splitlines()))
    assert rows[0] == ["Row", "Feature", "Column", "Reason"]
    assert rows[1][:3] == ["1", "'=1+1", "status"]
    assert "=cmd()" in rows[1][3]
    assert not rows[1][3].startswith("=")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(start: str) -> None:
    assert safe_cell(f"{start}cmd()") == f"'{start}cmd()"
    assert safe_cell("-12.5") == "-12.5"


@pytest.mark.parametrize("language", list(Language))
def test_the_report_reads_in_every_language(read: Read, language: Language) -> None:
    found = read(squares(3), status=["闲置", "x", "built"], 面积=[15.0, 15.0, 15.0])
    document = import_document(found, Translator(language))
    assert document["features"] == 2
    assert document["refused"][0]["text"]
    assert document["crs"]["detected"] == "EPSG:4545"
    assert len(document["sample"]) == 2


def test_an_empty_mapping_is_a_mapping() -> None:
    assert SourceMapping().columns == {}


# ---- control zones: kinds and grades by their words -------------------------------------------

ZONE_WORDS: list[tuple[str, str | None, str, str, str | None]] = [
    # kind and grade as written, name, kind and grade as meant
    ("饮用水水源一级保护区", None, "甲", "water_source", "1"),
    ("饮用水水源保护区", "二级保护区", "乙", "water_source", "2"),
    ("water_source", "准保护区", "丙", "water_source", "quasi"),
    ("地质灾害高易发区", None, "丁", "geohazard_prone", "high"),
    ("极高风险区", None, "戊", "geohazard_risk", "extreme"),
    ("地质灾害危险区", None, "己", "geohazard_danger", None),
    ("地质灾害", "中风险", "庚", "geohazard_risk", "mid"),
    ("地质灾害", "高", "江边易发区", "geohazard_prone", "high"),
    ("地质灾害", "危险区", "辛", "geohazard_danger", None),
    ("地质灾害", "高", "江边", "geohazard", "high"),
    ("地质灾害", "高", "易发区和风险区", "geohazard", "high"),
    ("自然保护区", "核心区", "壬", "nature_reserve", "core"),
    ("自然保护区", "缓冲区", "癸", "nature_reserve", None),
    ("自然保护区", "实验区", "子", "nature_reserve", None),
    ("森林公园", None, "丑", "nature_reserve", "general"),
    ("湿地", "国家重要湿地", "寅", "wetland", "national"),
    ("建设控制地带", None, "卯", "heritage", "control"),
    ("文物保护单位", "保护范围", "辰", "heritage", "protection"),
    ("生态环境管控单元", "优先保护单元", "巳", "eco_unit", "priority"),
    ("重点管控单元", None, "午", "eco_unit", "key"),
]


def test_words_tell_the_kind_and_the_grade_of_zones(read: Read) -> None:
    kinds, grades, names, *_ = zip(*ZONE_WORDS, strict=True)
    shapes = [box(200 * n, 0, 100, 100) for n in range(len(ZONE_WORDS))]
    found = read(
        shapes,
        layer="control_zones",
        kind=list(kinds),
        grade=list(grades),
        name=list(names),
        legal_basis=["x"] * len(shapes),
    )
    assert not found.ledger.refused
    frame = found.frame
    told = [
        (kind, grade if isinstance(grade, str) else None)
        for kind, grade in zip(frame["kind"], frame["grade"], strict=True)
    ]
    assert told == [(kind, grade) for *_, kind, grade in ZONE_WORDS]
    old = [item.before for item in found.ledger.repairs if item.what == "old_zone_grade"]
    assert old == ["缓冲区", "实验区"]
    counts = found.ledger.repair_counts
    # By the kind's word: 1, 4, 5, 14, 17, 20; by grade or name: 7, 8, 9.
    assert counts["zone_kind"] == 9


def test_a_grade_that_no_word_explains_is_refused_with_those_there_are(read: Read) -> None:
    found = read(
        [box(0, 0, 100, 100), box(200, 0, 100, 100)],
        layer="control_zones",
        kind=["water_source", "water_source"],
        grade=["三级", "一级"],
        name=["甲", "乙"],
        legal_basis=["x", "x"],
    )
    assert [(item.feature, item.column) for item in found.ledger.refused] == [("A1", "grade")]
    assert found.frame["grade"].tolist() == ["1"]
