"""Workbooks and tables as people make them: headings, merged cells, formulas, codes as numbers."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from geo_service.errors import ChoiceNeededError, SourceError
from geo_service.ingest.options import ImportOptions, SourceMapping, with_answer
from geo_service.ingest.run import Imported, read_source
from geo_service.plan import Plan
from tests.ingest.made import parcels

Read = Callable[..., Imported]
Rows = Sequence[Sequence[Any]]
YEARS = "工业总产值（万元）"
HEADING: Rows = [
    ["统一社会信用代码", "年度", "企业名称", YEARS, None, "经营状态"],
    [None, None, None, "2024年", "2025年", None],
]
COMPANIES: Rows = [
    ["E1", 2025, "甲公司", 1001, 2001, "正常"],
    ["E2", 2025, "乙公司", 1002, 2002, "正常"],
]
MERGED = ("A1:A2", "B1:B2", "C1:C2", "D1:E1", "F1:F2")


@pytest.fixture
def read(plan: Plan) -> Read:
    def read_(path: Path, layer: str = "enterprises", **options: object) -> Imported:
        return read_source(path, layer, plan=plan, options=ImportOptions(**options))

    return read_


def workbook(path: Path, rows: Rows, merged: Sequence[str] = ()) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    for cells in merged:
        sheet.merge_cells(cells)
    book.save(path)
    return path


def csv_of(path: Path, rows: Rows) -> Path:
    lines = [",".join("" if cell is None else str(cell) for cell in row) for row in rows]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


# ---- headings of two rows ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["merged", "plain", "csv", "titled"])
def test_years_below_one_heading_are_asked_for(read: Read, tmp_path: Path, kind: str) -> None:
    rows = [*HEADING, *COMPANIES]
    if kind == "csv":
        path = csv_of(tmp_path / "a.csv", rows)
    elif kind == "titled":
        shifted = tuple(cells.replace("2", "3").replace("1", "2") for cells in MERGED)
        titled = [["云阳县规上企业情况表"], *rows]
        path = workbook(tmp_path / "a.xlsx", titled, ("A1:F1", *shifted))
    else:
        path = workbook(tmp_path / "a.xlsx", rows, MERGED if kind == "merged" else ())
    with pytest.raises(ChoiceNeededError) as asked:
        read(path)
    assert asked.value.parameter == "column:output_cny"
    choices = [choice.value for choice in asked.value.choices]
    assert choices == [f"{YEARS} 2024年", f"{YEARS} 2025年"]
    answered = with_answer(ImportOptions(), asked.value.parameter, choices[1])
    found = read(path, columns=answered.columns)
    assert found.frame["output_cny"].tolist() == [20_010_000, 20_020_000]  # 2001 and 2002 times 万
    assert found.frame["enterprise_id"].tolist() == ["E1", "E2"]
    assert found.ledger.refused_count == 0


def test_a_mapping_file_answers_for_years(read: Read, tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [*HEADING, *COMPANIES], MERGED)
    mapping = SourceMapping(columns={"output_cny": f"{YEARS} 2025年"})
    assert read(path, mapping=mapping).frame["output_cny"].tolist() == [20_010_000, 20_020_000]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2024年产值（万元）", "2025年产值（万元）"),
        ("产值（万元）2024", "产值（万元）2025年"),
        ("上年产值（万元）", "本年产值（万元）"),
        ("产值（万元）（2024年）", "产值（万元）（2025年）"),
    ],
)
def test_years_in_a_heading_of_one_row_are_asked_for(
    read: Read, tmp_path: Path, old: str, new: str
) -> None:
    rows = [["企业编号", "年度", "企业名称", old, new], ["E1", 2025, "甲公司", 1001, 2001]]
    path = workbook(tmp_path / "a.xlsx", rows)
    with pytest.raises(ChoiceNeededError) as asked:
        read(path)
    assert asked.value.parameter == "column:output_cny"
    assert [choice.value for choice in asked.value.choices] == [old, new]
    options = with_answer(ImportOptions(), "column:output_cny", new)
    found = read(path, columns=options.columns)
    assert found.frame["output_cny"].tolist() == [20_010_000]


def test_last_year_s_column_beside_this_year_s_is_no_question(read: Read, tmp_path: Path) -> None:
    rows = [
        ["企业编号", "年度", "企业名称", "产值（万元）", "上年产值（万元）", "2020年备注"],
        ["E1", 2025, "甲公司", 2001, 1001, "x"],
    ]
    found = read(workbook(tmp_path / "a.xlsx", rows))
    assert found.frame["output_cny"].tolist() == [20_010_000]
    assert found.columns.unused == ("上年产值（万元）", "2020年备注")


def test_a_section_over_columns_is_no_question(read: Read, tmp_path: Path) -> None:
    rows = [
        ["基本情况", None, None, "生产情况", None],
        ["统一社会信用代码", "年度", "企业名称", "工业总产值（万元）", "从业人员"],
        ["E1", 2025, "甲公司", 1001, 20],
    ]
    for path in (
        workbook(tmp_path / "a.xlsx", rows, ("A1:C1", "D1:E1")),
        csv_of(tmp_path / "a.csv", rows),
    ):
        found = read(path)
        assert found.frame["output_cny"].tolist() == [10_010_000]
        assert found.frame["employees"].tolist() == [20]


def test_a_row_of_units_below_the_heading_counts(read: Read, tmp_path: Path) -> None:
    rows = [
        ["统一社会信用代码", "年度", "企业名称", "工业总产值", "占地面积"],
        [None, None, None, "万元", "亩"],
        ["E1", 2025, "甲公司", 1001, 3],
    ]
    found = read(csv_of(tmp_path / "a.csv", rows))
    assert found.frame["output_cny"].tolist() == [10_010_000]
    assert found.frame["land_m2"].tolist() == pytest.approx([2_000])  # 3 mu of 2000/3 m²


def test_two_columns_of_one_name_are_asked_for(read: Read, tmp_path: Path) -> None:
    rows = [["企业编号", "年度", "企业名称", "从业人员", "从业人员"], ["E1", 2025, "甲", 1, 2]]
    with pytest.raises(ChoiceNeededError) as asked:
        read(csv_of(tmp_path / "a.csv", rows))
    assert asked.value.parameter == "column:employees"


def test_a_line_that_names_the_sender_is_no_heading(read: Read, tmp_path: Path) -> None:
    rows = [
        ["填报单位：云阳县", None, None, "单位：万元"],
        ["企业编号", "年度", "企业名称", "从业人员"],
        ["E1", 2025, "甲", 5],
    ]
    found = read(csv_of(tmp_path / "a.csv", rows))
    assert found.source.columns == ("企业编号", "年度", "企业名称", "从业人员")


def test_an_unknown_column_is_refused_with_the_near_one(read: Read, tmp_path: Path) -> None:
    path = csv_of(tmp_path / "a.csv", [*HEADING, *COMPANIES])
    with pytest.raises(Exception, match="2025年"):
        read(path, columns={"output_cny": f"{YEARS} 2026年"})


# ---- merged cells ------------------------------------------------------------------------------


def test_merged_cells_of_rows_are_filled_and_told(read: Read, tmp_path: Path) -> None:
    rows = [
        ["企业编号", "年度", "企业名称", "园区编号", "产值（万元）"],
        ["E1", 2025, "甲", "P1", 10],
        ["E2", None, "乙", None, 20],
        ["E3", None, "丙", None, 30],
    ]
    found = read(workbook(tmp_path / "a.xlsx", rows, ("B2:B4", "D2:D4")))
    assert found.frame["park_id"].tolist() == ["P1"] * 3
    assert found.frame["year"].tolist() == [2025] * 3
    assert found.ledger.repair_counts["merged_cell"] == 4


def test_an_amount_merged_over_rows_is_refused(read: Read, tmp_path: Path) -> None:
    rows = [
        ["企业编号", "年度", "企业名称", "产值（万元）"],
        ["E1", 2025, "甲", 10],
        ["E2", 2025, "乙", None],
        ["E3", 2025, "丙", 30],
    ]
    found = read(workbook(tmp_path / "a.xlsx", rows, ("D2:D3",)))
    assert found.frame["enterprise_id"].tolist() == ["E3"]
    assert {item.reason.key for item in found.ledger.refused} == {"import.merged_amount"}


def test_cells_merged_across_columns_are_told(read: Read, tmp_path: Path) -> None:
    rows = [["企业编号", "年度", "企业名称", "从业人员"], ["E1", 2025, "甲", None]]
    found = read(workbook(tmp_path / "a.xlsx", rows, ("C2:D2",)))
    assert "import.merged_across" in [note.key for note in found.notes]


def test_more_merged_rows_than_fit_are_refused(read: Read, tmp_path: Path) -> None:
    # Two columns of 1,048,575 rows each are more than a million.
    rows = [["企业编号", "年度", "企业名称", "从业人员"], ["E1", 2025, "甲", 1]]
    path = workbook(tmp_path / "a.xlsx", rows)
    merged = (
        b'<mergeCells><mergeCell ref="C2:C1048576"/><mergeCell ref="D2:D1048576"/></mergeCells>'
    )
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(tmp_path / "b.xlsx", "w") as target:
        for entry in source.infolist():
            content = source.read(entry)
            target.writestr(entry, content.replace(b"</sheetData>", b"</sheetData>" + merged))
    with pytest.raises(SourceError, match="merged cells"):
        read(tmp_path / "b.xlsx")


# ---- formulas ----------------------------------------------------------------------------------


def test_formulas_without_a_kept_value_are_told(read: Read, tmp_path: Path) -> None:
    rows = [["企业编号", "年度", "企业名称", "从业人员"]]
    rows += [[f"E{n}", 2025, "甲", "=1+1"] for n in range(1, 4)]
    found = read(workbook(tmp_path / "a.xlsx", rows))
    (note,) = (note for note in found.notes if note.key == "import.no_value_kept")
    assert note.values == {"count": 3, "cells": "D2, D3, D4"}


def with_kept_values(path: Path, value: str) -> Path:
    """Give every formula of a workbook a kept value, as spreadsheets do."""
    target = path.with_name("kept.xlsx")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as kept:
        for entry in source.infolist():
            content = source.read(entry).replace(b"<v></v>", b"<v/>").replace(b"<v />", b"<v/>")
            kept.writestr(entry, content.replace(b"</f><v/>", f"</f><v>{value}</v>".encode()))
    return target


def test_formulas_with_a_kept_value_are_read(read: Read, tmp_path: Path) -> None:
    rows = [["企业编号", "年度", "企业名称", "从业人员"], ["E1", 2025, "甲", "=1+1"]]
    found = read(with_kept_values(workbook(tmp_path / "a.xlsx", rows), "2"))
    assert found.frame["employees"].tolist() == [2]
    assert "import.no_value_kept" not in [note.key for note in found.notes]


@pytest.mark.parametrize("error", ["#REF!", "#VALUE!", "#NAME?", "#DIV/0!"])
def test_the_error_of_a_formula_is_no_name(read: Read, tmp_path: Path, error: str) -> None:
    rows = [["企业编号", "年度", "企业名称"], ["E1", 2025, error], ["E2", 2025, "乙"]]
    found = read(csv_of(tmp_path / "a.csv", rows))
    assert [item.reason.key for item in found.ledger.refused] == ["import.formula_error"]


# ---- codes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code", [915002352087123456, 9.15002352087123e17, 915002352087123000, "9.15002E+17"]
)
def test_an_id_that_came_as_a_large_number_is_refused(
    read: Read, tmp_path: Path, code: object
) -> None:
    rows = [["企业编号", "年度", "企业名称"], [code, 2025, "甲"], ["E2", 2025, "乙"]]
    found = read(workbook(tmp_path / "a.xlsx", rows))
    assert found.frame["enterprise_id"].tolist() == ["E2"]
    assert [item.reason.key for item in found.ledger.refused] == ["import.rounded_id"]


def test_an_id_of_fifteen_digits_is_exact(read: Read, tmp_path: Path) -> None:
    rows = [["企业编号", "年度", "企业名称"], [123456789012345, 2025, "甲"]]
    found = read(workbook(tmp_path / "a.xlsx", rows))
    assert found.frame["enterprise_id"].tolist() == ["123456789012345"]


@pytest.mark.parametrize("code", ["9.15002E+17", "915002352087123000", "9.15E+17"])
def test_what_a_spreadsheet_made_of_codes_in_a_csv_is_refused(
    read: Read, tmp_path: Path, code: str
) -> None:
    rows = [["企业编号", "年度", "企业名称"], [code, 2025, "甲"], ["E2", 2025, "乙"]]
    found = read(csv_of(tmp_path / "a.csv", rows))
    assert [item.reason.key for item in found.ledger.refused] == ["import.rounded_id"]


def test_long_ids_that_do_not_all_end_in_zeros_are_taken(read: Read, tmp_path: Path) -> None:
    ids = ["500235000000001000", "500235000000001001", "2E10", "1E5"]
    rows = [["企业编号", "年度", "企业名称"], *([one, 2025, "甲"] for one in ids)]
    assert read(csv_of(tmp_path / "a.csv", rows)).frame["enterprise_id"].tolist() == ids


@pytest.mark.parametrize(
    "written",
    [
        '="91500235MA5U00010A"',
        "'91500235MA5U00010A",
        "`91500235MA5U00010A",
        "'91500235MA5U00010A'",
        "\t91500235MA5U00010A",
    ],
)
def test_marks_that_keep_a_text_are_taken_off_and_told(
    read: Read, tmp_path: Path, written: str
) -> None:
    quoted = '"' + written.replace('"', '""') + '"'
    rows = [["企业编号", "年度", "企业名称"], [quoted, 2025, "甲"]]
    found = read(csv_of(tmp_path / "a.csv", rows))
    assert found.frame["enterprise_id"].tolist() == ["91500235MA5U00010A"]
    assert found.ledger.repairs[0].before.strip() == written.strip()


def test_marks_around_codes_numbers_and_dates(read: Read, tmp_path: Path) -> None:
    rows = [
        ["企业编号", "年度", "企业名称", "行业代码", "从业人员"],
        ["E1", "'2025", "'90后公司", "'0810", "'20"],
    ]
    frame = read(csv_of(tmp_path / "a.csv", rows)).frame
    assert (frame["year"].iloc[0], frame["industry_code"].iloc[0]) == (2025, "0810")
    assert (frame["employees"].iloc[0], frame["name"].iloc[0]) == (20, "'90后公司")


@pytest.mark.parametrize("other", ["3", "null"])
def test_a_large_number_in_a_geojson_is_no_id(plan: Plan, tmp_path: Path, other: str) -> None:
    frame = parcels("EPSG:4490", 宗地编号=[500235000000000123, 2, 3])
    text = frame.to_json(drop_id=True).replace('"宗地编号": 3', f'"宗地编号": {other}')
    text = text.replace('"\\u5b97\\u5730\\u7f16\\u53f7": 3', f'"宗地编号": {other}')
    (tmp_path / "a.geojson").write_text(text)
    options = ImportOptions(scheme="survey3", crs="EPSG:4490")
    found = read_source(tmp_path / "a.geojson", "parcels", plan=plan, options=options)
    assert found.ledger.refused[0].reason.key == "import.rounded_id"


# ---- what only calls itself a workbook ---------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("<html><body><table><tr><td>企业编号</td></tr></table></body></html>", "a web page"),
        ("<!DOCTYPE html>\n<html></html>", "a web page"),
        ("\ufeff<table><tr><td>1</td></tr></table>", "a web page"),
        ("MIME-Version: 1.0\nContent-Type: text/html\n\n<html></html>", "a web page"),
        (
            '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
            "Excel 2003",
        ),
    ],
)
def test_what_calls_itself_a_workbook_is_named(
    read: Read, tmp_path: Path, content: str, words: str
) -> None:
    (tmp_path / "a.xls").write_text(content, encoding="utf-8")
    with pytest.raises(SourceError, match=words):
        read(tmp_path / "a.xls")


@pytest.mark.parametrize(
    ("names", "words"),
    [(("xl/workbook.bin",), "xlsb"), (("content.xml", "mimetype"), "OpenDocument")],
)
def test_workbooks_of_other_kinds_are_named(
    read: Read, tmp_path: Path, names: tuple[str, ...], words: str
) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    with pytest.raises(SourceError, match=words):
        read(tmp_path / "a.xlsx")


def test_a_plain_table_named_xls_is_read(read: Read, tmp_path: Path) -> None:
    (tmp_path / "a.xls").write_text("企业编号\t年度\t企业名称\nE1\t2025\t甲\n", encoding="gbk")
    assert read(tmp_path / "a.xls").frame["name"].tolist() == ["甲"]


# ---- what stands between the rows ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["合计", "小 计", "总计", "Total"])
def test_a_row_of_totals_is_no_feature(read: Read, tmp_path: Path, name: str) -> None:
    rows = [["企业编号", "年度", "企业名称", YEARS], ["E1", 2025, "甲", 5], [name, 2025, name, 5]]
    found = read(workbook(tmp_path / "a.xlsx", rows))
    assert found.frame["enterprise_id"].tolist() == ["E1"]
    assert [item.reason.key for item in found.ledger.refused] == ["import.total_row"]


def test_hidden_rows_and_columns_are_read_and_told(read: Read, tmp_path: Path) -> None:
    rows = [["企业编号", "年度", "企业名称", YEARS], ["E1", 2025, "甲", 5], ["E2", 2025, "乙", 6]]
    path = workbook(tmp_path / "a.xlsx", rows)
    book = openpyxl.load_workbook(path)
    sheet: Any = book.active
    sheet.row_dimensions[3].hidden = True
    sheet.column_dimensions["D"].hidden = True
    book.save(path)
    found = read(path)
    assert found.features == 2
    (note,) = (note for note in found.notes if note.key == "import.hidden_cells")
    assert dict(note.values) == {"rows": 1, "columns": 1}


def amounts(read: Read, tmp_path: Path, mark: str, *texts: str) -> tuple[list[float], set[str]]:
    """Return the amounts of a CSV, and why others are refused; cells are parted by a mark."""
    rows = [mark.join(["企业编号", "年度", "企业名称", "产值（元）"])]
    rows += [mark.join([f"E{at}", "2025", "甲", f'"{text}"']) for at, text in enumerate(texts)]
    (tmp_path / "a.csv").write_text("\n".join(rows), encoding="utf-8")
    found = read(tmp_path / "a.csv")
    reasons = {item.reason.key for item in found.ledger.refused}
    return found.frame["output_cny"].tolist(), reasons


def test_commas_are_what_the_other_numbers_of_their_column_show(read: Read, tmp_path: Path) -> None:
    open_, none = {"import.open_comma"}, set[str]()
    # 1,234 may be both; the others of the column, and semicolons between cells, decide.
    assert amounts(read, tmp_path, ",", "1,234", "5") == ([1234, 5], none)
    assert amounts(read, tmp_path, ",", "1,234", "1,234,567.5") == ([1234, 1_234_567.5], none)
    assert amounts(read, tmp_path, ",", "1,234", "12,5") == ([12.5], open_)
    assert amounts(read, tmp_path, ",", "1.234,5", "12,5") == ([1234.5, 12.5], none)
    assert amounts(read, tmp_path, ";", "1,234", "12,5") == ([1.234, 12.5], none)
    assert amounts(read, tmp_path, ";", "1,234", "1,234,567") == ([1234, 1_234_567], none)
    assert amounts(read, tmp_path, ";", "1,234", "5") == ([5], open_)


def test_wide_commas_part_cells_where_no_other_mark_does(read: Read, tmp_path: Path) -> None:
    text = "企业编号，年度，企业名称\nE1，2025，甲公司\n"
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    assert read(tmp_path / "a.csv").frame["name"].tolist() == ["甲公司"]
