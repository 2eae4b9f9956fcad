from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from datetime import date
from typing import Any

import openpyxl
import pytest
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from geo_service.language import Language
from geo_service.model import FocusBasis
from geo_service.reports.review import list_name
from geo_service.reports.workbook import MOST_CHARACTERS, Book, Column, Formula, sheet_title
from geo_service.reports.xlsx import review_workbook
from geo_service.zoning.finding_table import FindingQuery, FindingTable
from geo_service.zoning.review import Review
from geo_service.zoning.worklists import LISTS
from tests.maps.hostile import TEXTS
from tests.reports.conftest import FORMULAS, colours, content_of
from tests.words import verdict_words, word

LISTED = tuple(f"list_{name}" for name in LISTS)
SHEETS = [
    word(f"report.{key}")
    for key in ("cover", "parks", "findings", *LISTED, "rules", "documents", "sources")
]


def opened(content: bytes) -> Workbook:
    return openpyxl.load_workbook(io.BytesIO(content))


def workbook(result: Review, language: Language = Language.ZH_HANS) -> Workbook:
    return opened(review_workbook(content_of(result, language), colours()))


def rows_of(sheet: Worksheet, heading: int = 1) -> list[dict[str, Any]]:
    """Return a table's rows by heading."""
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=heading)]
    return [dict(zip(map(str, rows[0]), row, strict=True)) for row in rows[1:]]


@pytest.fixture(scope="module")
def book(demo_review: Review) -> Workbook:
    return workbook(demo_review)


def test_every_sheet_is_there(book: Workbook) -> None:
    assert book.sheetnames == SHEETS


def test_parks_stand_with_their_shares_as_numbers(book: Workbook, demo_review: Review) -> None:
    rows = rows_of(book["园区"])
    parks = demo_review.parks.set_index("park_id")
    assert [row["园区编号"] for row in rows] == list(parks.index)
    judged = "主导产业占比：产值（评判口径）"
    for row in rows:
        park = parks.loc[row["园区编号"]]
        share = park[f"share_{FocusBasis.OUTPUT}"]
        if row[judged] is None:
            assert share != share  # noqa: PLR0124 - missing
        else:
            assert row[judged] == pytest.approx(share, rel=1e-9)
            assert row["产业集中度 HHI"] == pytest.approx(park["hhi"], rel=1e-9)
        assert row["企业数（家）"] == park["enterprise_count"]
        assert row["量算面积（亩）"] == pytest.approx(row["量算面积（公顷）"] * 15)  # 1 ha = 15 mu
    heads = [cell.value for cell in book["园区"][1]]
    assert book["园区"].cell(2, heads.index(judged) + 1).number_format == "0.0%"


def test_parks_stand_with_what_their_verdict_rests_on(book: Workbook, demo_review: Review) -> None:
    words = {"law": "法律法规", "county": "县级政策", "reference": "参考值"}
    for row in rows_of(book["园区"]):
        park_id = row["园区编号"]
        by_basis = demo_review.verdicts_by_basis[park_id]
        shown = [row[f"按{name}的结论"] for name in ("法律法规及规范性文件", "县级政策", "参考值")]
        assert [cell == "未涉及" for cell in shown] == [item is None for item in by_basis.values()]
        if row["结论"] == word("verdict.fail"):
            assert word("verdict.fail") in shown
        rests_on = demo_review.rests_on[park_id]
        assert row["结论依据"] == ("、".join(words[group] for group in rests_on) or "无")
        assert (row["结论"] == word("verdict.pass")) == (not rests_on)


def test_documents_stand_with_their_days_in_force(book: Workbook, demo_review: Review) -> None:
    rows = {row["登记编号"]: row for row in rows_of(book["依据文件"])}
    for document in demo_review.rulebook.documents:
        row = rows[document.document_id]
        day = document.first_day
        assert (row["施行日期"] and row["施行日期"].date()) == day
    # The Code repealed it from 2026-08-15 on: its last day is the one before.
    old = rows["water_pollution_law"]
    assert old["施行至"].date() == date(2026, 8, 14)
    assert old["接续文件"] == "中华人民共和国生态环境法典"
    assert old["审查之日的状态"] == "已废止或失效"


def test_a_verdict_shows_by_colour_and_by_text(book: Workbook) -> None:
    looks = {
        (row[4].value, row[4].fill.start_color.rgb) for row in book["园区"].iter_rows(min_row=2)
    }
    assert {text for text, _ in looks} == set(verdict_words())
    assert len({colour for _, colour in looks}) == len(looks) == 4


def test_findings_stand_with_evidence_and_basis(book: Workbook, demo_review: Review) -> None:
    rows = {row["问题编号"]: row for row in rows_of(book["问题"])}
    assert list(rows) == [item.finding_id for item in demo_review.results]
    red_line = next(
        item
        for item in demo_review.results
        if item.rule_id == "control_zone.ecological_red_line" and item.park_id == "YY-B-27"
    )
    row = rows[red_line.finding_id]
    assert row["实测值"] == pytest.approx(7000, abs=0.01)
    assert row["单位"] == "m²"
    assert row["实测值（公顷）"] == pytest.approx(0.7, abs=1e-6)
    assert row["实测值（亩）"] == pytest.approx(10.5, abs=1e-4)  # 7000 / 666.67
    assert row["占对象比例"] == pytest.approx(7 / 15, abs=1e-4)
    assert row["所在清单"] == "整改清单"
    assert red_line.legal_basis.document in row["依据"]
    assert row["示意"] == "是"
    tax = next(item for item in demo_review.results if item.rule_id == "indicator.tax")
    row = rows[tax.finding_id]
    assert row["单位"] == "万元/亩"
    assert row["实测值"] == pytest.approx(tax.evidence["value"] / 10_000)
    waived = next(item for item in demo_review.results if item.waived)
    assert waived.waived
    row = rows[waived.finding_id]
    assert row[word("report.waived_reason")] == waived.waived["reason"]
    assert row[word("report.waived_until")].date() == date.fromisoformat(
        waived.waived["expires_on"]
    )


def test_each_list_holds_its_findings_and_says_whose_division_it_is(
    book: Workbook, demo_review: Review
) -> None:
    documents = content_of(demo_review).findings
    rules = dict.fromkeys(demo_review.rulebook.rules, "")
    table = FindingTable.of(
        demo_review.results, demo_review.plan, parks=demo_review.park_ids, rules=rules
    )
    tabs = table.counts(FindingQuery()).by["worklist"]
    for name, title in zip(LISTS, [word(f"report.{key}") for key in LISTED], strict=True):
        sheet = book[title]
        assert "不是县里规定的正式清单" in str(sheet["A2"].value)
        ids = [row["问题编号"] for row in rows_of(sheet, 3)]
        assert ids == [item["finding_id"] for item in documents if list_name(item) == name]
        assert len(ids) == tabs.get(name, 0)


def test_sheets_are_ready_to_filter_and_to_print(book: Workbook) -> None:
    for sheet in book.worksheets:
        assert sheet.page_setup.orientation == "landscape"
        assert str(sheet.page_setup.paperSize) == "9"  # A4
        assert sheet.page_setup.fitToHeight == 0
        assert sheet.oddFooter is not None
        assert sheet.oddFooter.center.text == "第 &P 页，共 &N 页"
        assert sheet.oddHeader is not None
        assert "含示意数据" in str(sheet.oddHeader.left.text)
    assert book["问题"].freeze_panes == "B2"
    assert book["问题"].print_title_rows == "$1:$1"
    assert book["整改清单"].print_title_rows == "$3:$3"
    assert str(book["问题"].auto_filter.ref) == book["问题"].dimensions
    for sheet in book.worksheets[1:]:
        assert all(cell.alignment.wrap_text for cell in sheet[sheet.max_row])


def test_the_cover_says_what_was_reviewed_and_that_it_is_illustrative(
    book: Workbook, demo_review: Review
) -> None:
    texts = [str(cell.value) for row in book["封面"].iter_rows() for cell in row if cell.value]
    whole = "\n".join(texts)
    for needed in (
        demo_review.review_id,
        demo_review.plan.version,
        demo_review.rulebook.version,
        "平面面积（EPSG:4545）",
        "2026-11-22",
        "均为演示虚构",
        "密级",
        "审图号",
        "审查人",
        word("basis_tag.product_default"),
    ):
        assert needed in whole
    total = next(row for row in book["封面"].iter_rows(values_only=True) if row[0] == "合计")
    verdicts = demo_review.verdicts
    expected = [verdicts[name] for name in ("fail", "unknown", "watch", "pass")]
    assert list(total[1:]) == [*expected, 48]


def test_rules_and_sources_are_whole(book: Workbook, demo_review: Review) -> None:
    rules = {row["规则编号"]: row for row in rows_of(book["规则"])}
    assert set(rules) == set(demo_review.rulebook.rules)
    checked, passed = word("report.checked"), word("report.passed")
    for rule_id, count in demo_review.checks.items():
        assert (rules[rule_id][checked], rules[rule_id][passed]) == (count.checked, count.passed)
    assert rules["focus.leading_share"]["参数"].startswith("pass_share = 0.7; watch_share = 0.5")
    tag = rules["focus.leading_share"][word("report.basis_tag")]
    assert tag == word("basis_tag.product_default")
    layers = {row["图层"] for row in rows_of(book["数据来源"])}
    assert len(layers) == len(demo_review.plan.layers)


@pytest.mark.parametrize("language", Language)
def test_the_same_review_gives_the_same_bytes(hostile_review: Review, language: Language) -> None:
    content = content_of(hostile_review, language)
    assert review_workbook(content, colours()) == review_workbook(content, colours())


@pytest.mark.parametrize("language", [Language.ZH_HANT, Language.EN])
def test_other_languages_keep_ids_and_change_texts(demo_review: Review, language: Language) -> None:
    made = workbook(demo_review, language)
    first = "封面" if language is Language.ZH_HANT else "Cover"
    assert made.sheetnames[0] == first
    found = [str(cell.value) for cell in made.worksheets[2]["A"]][1:]
    assert found == [item.finding_id for item in demo_review.results]
    texts = {
        str(cell.value)
        for sheet in made.worksheets
        for row in sheet.iter_rows(max_row=3)
        for cell in row
    }
    assert not texts & {word("report.park_id"), word("report.focus_verdict")}


def test_nothing_in_the_data_becomes_a_formula(hostile_review: Review) -> None:
    made = review_workbook(content_of(hostile_review), colours())
    book = opened(made)
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert "f" not in kinds
    assert "e" not in kinds
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        for name in archive.namelist():
            assert b"<f>" not in archive.read(name), name
    parks = book["园区"]
    names = [row[1] for row in parks.iter_rows(min_row=2)]
    # As in the file: spreadsheets show `_x005F_` as `_`, and so the name as it is.
    expected = [*FORMULAS[:5], "_x005F_x0041_", "abc"]
    assert [cell.value for cell in names[: len(FORMULAS)]] == expected
    assert all(cell.quotePrefix for cell in names[:5])
    shown = {cell.value for cell in names}
    assert shown >= {text for text in TEXTS[len(FORMULAS) :] if text.isprintable()}


def test_a_header_of_the_data_holds_no_codes(hostile_review: Review) -> None:
    header = workbook(hostile_review)["园区"].oddHeader
    assert header is not None
    text = str(header.right.text)
    assert text.endswith("=内部&&P")  # `&&` prints as `&`; a lone `&P` would be the page


def test_an_orderly_county_has_empty_lists(orderly_review: Review) -> None:
    book = workbook(orderly_review)
    for title in SHEETS[3:6]:
        assert rows_of(book[title], 3) == []
    assert len(rows_of(book["园区"])) == 2


# ---- the workbook itself ----------------------------------------------------------------------


def made_of(*cells: Any, **options: Any) -> Worksheet:  # noqa: ANN401 - any cell
    book = Book(title="t", language=Language.EN, made_on=date(2026, 1, 2))
    columns = [Column(f"c{place}", **options) for place in range(len(cells))]
    book.table("x", columns, [cells])
    return opened(book.content()).worksheets[0]


def test_a_text_is_cut_where_a_cell_ends() -> None:
    cell = made_of("长" * 40_000)["A2"]
    assert len(str(cell.value)) == MOST_CHARACTERS
    assert str(cell.value).endswith("…")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_stays_empty(value: float) -> None:
    assert made_of(value)["A2"].value is None


def test_only_a_formula_of_ours_is_one() -> None:
    sheet = made_of("=A1", Formula("=1+2"))
    assert (sheet["A2"].data_type, sheet["B2"].data_type) == ("s", "f")


def test_a_long_table_goes_on_in_another_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geo_service.reports.workbook.MOST_ROWS", 2)
    book = Book(title="t", language=Language.EN, made_on=date(2026, 1, 2))
    book.table("x", [Column("c")], ([number] for number in range(5)))
    made = opened(book.content())
    assert made.sheetnames == ["x", "x 2", "x 3"]
    assert [made["x 3"]["A2"].value, made["x 3"]["A1"].value] == [4, "c"]


def test_a_sheet_s_name_is_one_that_spreadsheets_take() -> None:
    assert len(sheet_title("长" * 99)) == 31
    assert not re.search(r"[\[\]:*?/\\']", sheet_title("a[b]:*?/\\'c"))


def test_the_workbook_of_a_trial_says_so_in_its_title(orderly_review: Review) -> None:
    content = replace(content_of(orderly_review), is_trial=True)
    book = openpyxl.load_workbook(io.BytesIO(review_workbook(content, colours())))
    assert str(book.worksheets[0]["A1"].value).startswith("【试算】")
    assert "试算" in str(book.properties.title)
