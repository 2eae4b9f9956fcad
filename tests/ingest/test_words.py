"""Words and codes: states of the register, codes by each row's scheme, words of domains."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from geo_service.ingest.codes import land_use
from geo_service.ingest.formats import domains
from geo_service.ingest.formats.domains import read_domains
from geo_service.ingest.options import ImportOptions, SourceMapping
from geo_service.ingest.run import Imported, read_source
from geo_service.plan import Plan
from tests.ingest.made import parcels, table


def companies(plan: Plan, tmp_path: Path, words: list[str], **options: object) -> Imported:
    ids = [f"E{at}" for at in range(len(words))]
    path = table(tmp_path / "a.csv", 企业编号=ids, 年度=2025, 企业名称=ids, 经营状态=words)
    return read_source(path, "enterprises", plan=plan, options=ImportOptions(**options))


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (
            [
                "在业",
                "在营",
                "存续",
                "开业",
                "正常在业",
                "存续（在营、开业、在册）",
                "存续(在营、开业、在册)",
                "在营（开业）企业",
                "在营(开业)",
                "在业（存续）",
                " 在业 ",
            ],
            "operating",
        ),
        (
            [
                "吊销",
                "注销",
                "吊销，未注销",
                "吊销,未注销",
                "吊销未注销",
                "吊销（未注销）",
                "已注销",
                "撤销",
            ],
            "closed",
        ),
        (["停业", "歇业", "停业（歇业）", "停产停业"], "stopped"),
    ],
)
def test_states_of_the_register(plan: Plan, tmp_path: Path, words: list[str], status: str) -> None:
    found = companies(plan, tmp_path, words)
    assert found.frame["status"].tolist() == [status] * len(words)
    assert sum(found.translated["status"].values()) == len(words)


def test_states_that_mean_nothing_set_name_the_known_words(plan: Plan, tmp_path: Path) -> None:
    found = companies(plan, tmp_path, ["在业", "在业", "在业", "在业", "迁入", "迁出", "清算"])
    assert found.ledger.refused_count == 3
    reason = found.ledger.refused[0].reason
    assert "operating (正常, 在营, 在业" in str(reason.values["choices"])


def test_a_mapping_file_answers_for_other_states(plan: Plan, tmp_path: Path) -> None:
    mapping = SourceMapping(words={"status": {"迁入": "operating", "清算": "closed"}})
    found = companies(plan, tmp_path, ["迁入", "清算"], mapping=mapping)
    assert found.frame["status"].tolist() == ["operating", "closed"]


# ---- codes by the scheme of their row ----------------------------------------------------------


def test_codes_are_repaired_by_the_scheme_of_each_row(plan: Plan, tmp_path: Path) -> None:
    frame = parcels("EPSG:4490").drop(columns=["地类编码", "面积(亩)"])
    frame["land_use"] = [601, 601, 100101]
    frame["land_use_scheme"] = ["planning2023", "local", "国土空间调查规划用途管制用地用海分类指南"]
    (tmp_path / "a.geojson").write_text(json.dumps(json.loads(frame.to_json(drop_id=True))))
    options = ImportOptions(crs="EPSG:4490")
    found = read_source(tmp_path / "a.geojson", "parcels", plan=plan, options=options)
    # 0601 has lost its zero in the scheme of 2023; the county's own codes have any length.
    assert found.frame["land_use"].tolist() == ["0601", "601", "100101"]
    assert found.ledger.repair_counts["zeros"] == 1


@pytest.mark.parametrize(
    ("text", "scheme", "code"),
    [
        ("601", "planning2023", "0601"),
        ("60101", "survey3", "060101"),
        ("10010", "planning2023", "10010"),  # 1001 is a class: not 010010
        ("6", "survey3", "06"),
        ("M1/W1", "gb50137", "M1/W1"),
        ("0601、0602", "survey3", "0601、0602"),
        ("1001.01", "survey3", "1001.01"),
        ("0601 工业用地", "survey3", "0601"),
        ("0601（2类）", "survey3", "0601"),
    ],
)
def test_one_code_is_read_and_several_are_left(text: str, scheme: str, code: str) -> None:
    codes = land_use(scheme)
    assert codes.named(codes.padded(text)) == code


@pytest.mark.parametrize("text", ["3842、3843", "3842/3843", "38.42", "3842, 3843"])
def test_several_industries_in_a_cell_of_one_are_refused(
    plan: Plan, tmp_path: Path, text: str
) -> None:
    cells = {"企业编号": ["E1", "E2"], "年度": 2025, "企业名称": "甲公司"}
    path = table(tmp_path / "a.csv", **cells, 行业代码=[text, "3842 锂电池"])
    found = read_source(path, "enterprises", plan=plan, options=ImportOptions())
    assert found.frame["industry_code"].tolist() == ["3842"]
    assert [item.reason.key for item in found.ledger.refused] == ["import.bad_code"]


def test_names_are_codes_of_the_scheme_of_their_row(plan: Plan, tmp_path: Path) -> None:
    frame = parcels("EPSG:4490").drop(columns=["地类编码", "面积(亩)"])
    frame["land_use"] = "工业用地"
    frame["land_use_scheme"] = ["planning2023", "survey3", None]
    (tmp_path / "a.geojson").write_text(json.dumps(json.loads(frame.to_json(drop_id=True))))
    options = ImportOptions(crs="EPSG:4490")
    found = read_source(tmp_path / "a.geojson", "parcels", plan=plan, options=options)
    assert found.frame["land_use"].tolist() == ["1001", "0601", "工业用地"]


# ---- words of domains --------------------------------------------------------------------------


def with_domain(path: Path, column: str, codes: list[int], **words: str) -> Path:
    """Write a GeoPackage whose column has codes, with the words that they stand for."""
    frame = parcels("EPSG:4490").drop(columns=["状态", "面积(亩)"])
    frame[column] = codes
    frame.to_file(path, layer="dk")
    with sqlite3.connect(path) as base:
        base.execute(
            "CREATE TABLE gpkg_data_columns(table_name TEXT, column_name TEXT, name TEXT, "
            "title TEXT, description TEXT, mime_type TEXT, constraint_name TEXT)"
        )
        base.execute(
            "CREATE TABLE gpkg_data_column_constraints(constraint_name TEXT, constraint_type TEXT, "
            "value TEXT, min NUMERIC, min_is_inclusive BOOLEAN, max NUMERIC, "
            "max_is_inclusive BOOLEAN, description TEXT)"
        )
        base.execute(
            "INSERT INTO gpkg_data_columns VALUES ('dk', ?, NULL, NULL, NULL, NULL, 'd')", (column,)
        )
        for code, word in words.items():
            base.execute(
                "INSERT INTO gpkg_data_column_constraints VALUES "
                "('d', 'enum', ?, NULL, NULL, NULL, NULL, ?)",
                (code.removeprefix("c"), word),
            )
    base.close()
    return path


def test_the_words_of_a_domain_are_used_and_told(plan: Plan, tmp_path: Path) -> None:
    path = with_domain(tmp_path / "a.gpkg", "开发状态", [1, 2, 3], c1="空闲", c2="已建", c3="闲置")
    found = read_source(path, "parcels", plan=plan, options=ImportOptions(scheme="survey3"))
    assert found.frame["status"].tolist() == ["vacant", "built", "idle"]
    (note,) = (note for note in found.notes if note.key == "import.domain")
    assert note.values["words"] == "1 空闲, 2 已建, 3 闲置"


def test_a_domain_comes_before_what_a_code_means_elsewhere(plan: Plan, tmp_path: Path) -> None:
    # 1 is true everywhere else; in this file it stands for no.
    path = with_domain(tmp_path / "a.gpkg", "是否政府原因", [1, 2, 1], c1="否", c2="是")
    found = read_source(path, "parcels", plan=plan, options=ImportOptions(scheme="survey3"))
    assert found.frame["government_delay"].tolist() == [False, True, False]


def test_a_code_of_an_unknown_word_is_refused_by_its_word(plan: Plan, tmp_path: Path) -> None:
    path = with_domain(tmp_path / "a.gpkg", "开发状态", [1, 2, 2], c1="待定", c2="已建")
    found = read_source(path, "parcels", plan=plan, options=ImportOptions(scheme="survey3"))
    (refusal,) = found.ledger.refused
    assert "待定" in str(refusal.reason.values["found"])


def test_a_file_without_domains_has_none(tmp_path: Path) -> None:
    parcels().to_file(tmp_path / "a.gpkg")
    plain = parcels().drop(columns="面积(亩)")
    plain.to_file(tmp_path / "a.gdb", driver="OpenFileGDB")
    assert read_domains(tmp_path / "a.gpkg", "geopackage", "a") == {}
    assert read_domains(tmp_path / "a.gdb", "filegdb", "a") == {}


ITEMS = [
    {
        "Name": "开发状态",
        "Definition": """<typens:GPCodedValueDomain2 xmlns:typens="http://www.esri.com/schemas">
  <DomainName>开发状态</DomainName>
  <CodedValues>
    <CodedValue><Name>空闲</Name><Code>A</Code></CodedValue>
    <CodedValue><Name>已建</Name><Code>B</Code></CodedValue>
  </CodedValues></typens:GPCodedValueDomain2>""",
    },
    {
        "Name": "dk",
        "Definition": """<DEFeatureClassInfo><GPFieldInfoExs>
  <GPFieldInfoEx><Name>KFZT</Name><DomainName>开发状态</DomainName></GPFieldInfoEx>
  <GPFieldInfoEx><Name>DKBH</Name></GPFieldInfoEx></GPFieldInfoExs></DEFeatureClassInfo>""",
    },
    {"Name": "other", "Definition": "<no XML"},
    {"Name": "evil", "Definition": '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'},
]
"""What a geodatabase lists of its items, as GDAL hands it on."""


def test_the_domains_of_a_geodatabase(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(domains, "_rows", lambda *_: iter(ITEMS))
    found = read_domains(tmp_path, "filegdb", "dk")
    assert found == {"KFZT": {"A": "空闲", "B": "已建"}}


# ---- tables of points --------------------------------------------------------------------------


def points(tmp_path: Path, *rows: tuple[object, ...], columns: str = "宗地编号,点号,X,Y") -> Path:
    lines = [columns, *(",".join(map(str, row)) for row in rows)]
    (tmp_path / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path / "a.csv"


def corners(name: object, east: int, *, closed: bool = False) -> list[tuple[object, ...]]:
    """Return the corners of a square of one hectare, northing first as surveys write it."""
    places = [(0, 0), (0, 100), (100, 100), (100, 0)]
    places += places[:1] if closed else []
    return [
        (name, f"J{at % 4 + 1}", 3_420_000 + north, 500_000 + east + x)
        for at, (north, x) in enumerate(places)
    ]


@pytest.mark.parametrize("closed", [True, False])
def test_rows_of_points_become_shapes(plan: Plan, tmp_path: Path, *, closed: bool) -> None:
    path = points(
        tmp_path, *corners("DK-1", 0, closed=closed), *corners("DK-2", 200, closed=closed)
    )
    found = read_source(path, "parcels", plan=plan)
    assert found.frame["parcel_id"].tolist() == ["DK-1", "DK-2"]
    assert found.frame.to_crs("EPSG:4545").area.tolist() == pytest.approx([10_000] * 2, abs=0.1)
    assert "import.vertices" in [note.key for note in found.notes]
    assert found.ledger.repair_counts["vertices"] == 2


def test_an_id_in_the_first_row_counts_for_those_below(plan: Plan, tmp_path: Path) -> None:
    rows = corners("DK-1", 0) + corners("DK-2", 200)
    rows = [(row[0] if row[1] == "J1" else "", *row[1:]) for row in rows]
    found = read_source(points(tmp_path, *rows), "parcels", plan=plan)
    assert found.frame["parcel_id"].tolist() == ["DK-1", "DK-2"]


def test_a_ring_number_makes_a_hole(plan: Plan, tmp_path: Path) -> None:
    outer = [(name, 1, y, x) for name, _, y, x in corners("DK-1", 0)]
    hole = [
        ("DK-1", 2, 3_420_030 + y, 500_030 + x) for y, x in ((0, 0), (0, 40), (40, 40), (40, 0))
    ]
    path = points(tmp_path, *outer, *hole, columns="宗地编号,圈号,X,Y")
    found = read_source(path, "parcels", plan=plan)
    assert found.frame.to_crs("EPSG:4545").area.tolist() == pytest.approx([8_400], abs=0.1)


def test_a_point_that_cannot_be_read_refuses_its_parcel(plan: Plan, tmp_path: Path) -> None:
    broken = [*corners("DK-1", 0)[:3], ("DK-1", "J4", "abc", 500_000)]
    found = read_source(points(tmp_path, *broken, *corners("DK-2", 200)), "parcels", plan=plan)
    assert found.frame["parcel_id"].tolist() == ["DK-2"]


def test_one_row_for_each_place_is_no_table_of_points(plan: Plan, tmp_path: Path) -> None:
    path = table(
        tmp_path / "a.csv",
        facility_id=["A", "B", "C"],
        kind="port",
        name="x",
        x=[500_000, 500_100, 500_200],
        y=3_420_000,
    )
    found = read_source(path, "facilities", plan=plan)
    assert "import.vertices" not in [note.key for note in found.notes]


def test_headings_and_words_in_traditional_characters(plan: Plan, tmp_path: Path) -> None:
    path = table(
        tmp_path / "a.csv",
        企業編號=["E1", "E2"],
        年度=2025,
        企業名稱=["甲", "乙"],
        企業狀態=["歇業", "註銷"],
        **{"工業總產值（萬元）": [1, 2]},
    )
    found = read_source(path, "enterprises", plan=plan, options=ImportOptions()).frame
    assert found["status"].tolist() == ["stopped", "closed"]
    assert found["output_cny"].tolist() == [10_000, 20_000]
