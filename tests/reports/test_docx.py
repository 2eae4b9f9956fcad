from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from xml.etree import ElementTree as ET

import docx
import pytest
from docx.document import Document
from docx.oxml.ns import qn

from geo_service.language import Language
from geo_service.reports.docx import review_text
from geo_service.zoning.review import Review
from tests.reports.conftest import colours, content_of
from tests.words import word


def report(result: Review, language: Language = Language.ZH_HANS) -> Document:
    return docx.Document(io.BytesIO(review_text(content_of(result, language), colours())))


def headings(made: Document, level: int) -> list[str]:
    return [
        item.text
        for item in made.paragraphs
        if item.style is not None and item.style.name == f"Heading {level}"
    ]


def everything(made: Document) -> str:
    """Return all text of the body, a line a paragraph, straight from the XML."""
    lines = []
    for paragraph in made.element.body.iter(qn("w:p")):
        parts = [
            "\n" if node.tag == qn("w:br") else node.text or ""
            for node in paragraph.iter(qn("w:t"), qn("w:br"))
        ]
        lines.append("".join(parts))
    return "\n".join(lines)


@pytest.fixture(scope="module")
def text(demo_review: Review) -> Document:
    return report(demo_review)


def test_the_parts_of_the_report_are_headings_to_jump_to(text: Document) -> None:
    assert headings(text, 1) == [
        word(f"report.{key}").replace("\u3000", " ")
        for key in (
            *("basis", "summary", "failing", "watch_list", "data_gaps", "approved_findings"),
            *("waived_findings", "sign_off", "annex_rules", "annex_documents", "annex_sources"),
        )
    ]


def test_every_failing_park_has_its_own_part(text: Document, demo_review: Review) -> None:
    failing = demo_review.parks[demo_review.parks["verdict"] == "fail"]
    assert headings(text, 2) == [
        f"{row.name_}（{row.park_id}）"
        for row in failing.rename(columns={"name": "name_"}).itertuples()
    ]


def test_a_finding_stands_with_figures_basis_tag_and_cure(text: Document) -> None:
    whole = everything(text)
    assert "占用面积：7,000 m²" in whole
    assert "占比：46.7%" in whole
    assert f"（{word('basis_tag.law')}）" in whole
    assert "整改：" in whole
    assert f"（{word('basis_tag.product_default')}）" in whole


def test_the_summary_s_numbers_are_the_review_s(text: Document, demo_review: Review) -> None:
    table = next(item for item in text.tables if item.rows[0].cells[0].text == "园区类型")
    total = [cell.text for cell in table.rows[-1].cells]
    verdicts = demo_review.verdicts
    counts = [str(verdicts[name]) for name in ("fail", "unknown", "watch", "pass")]
    assert total == ["合计", *counts, "48"]


def test_no_finding_that_counts_is_left_out(text: Document, demo_review: Review) -> None:
    whole = everything(text)
    content = content_of(demo_review)
    for item in content.findings:
        assert item["title"] in whole, item["finding_id"]


def test_waived_findings_stand_with_their_reason(text: Document, demo_review: Review) -> None:
    waived = next(item.waived for item in demo_review.results if item.waived)
    whole = everything(text)
    assert waived["reason"] in whole
    assert waived["expires_on"] in whole


def test_the_page_is_a4_with_marks_and_page_numbers(text: Document) -> None:
    section = text.sections[0]
    assert section.page_width is not None
    assert section.page_height is not None
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    assert "云阳县" in section.header.paragraphs[0].text
    assert "含示意数据" in section.header.paragraphs[0].text
    fields = section.footer.part.element.iter(qn("w:fldSimple"))
    assert [field.get(qn("w:instr")) for field in fields] == ["PAGE", "NUMPAGES"]
    assert "第" in section.footer.paragraphs[0].text


def test_tables_repeat_their_headings_and_fit_the_page(text: Document) -> None:
    written = text.element.body.findall(qn("w:tbl"))
    assert len(written) == len(text.tables) > 0
    for table, element in zip(text.tables, written, strict=True):
        assert sum(cell.width.mm for cell in table.rows[0].cells if cell.width) <= 166.5
        if len(table.rows) > 3:
            first = element.find(qn("w:tr"))
            has_head = next(first.iter(qn("w:tblHeader")), None) is not None
            assert has_head or table.rows[0].cells[0].text == "县（区）"


@pytest.mark.parametrize(
    ("language", "body", "heading"),
    [
        (Language.ZH_HANS, "宋体", "黑体"),
        (Language.ZH_HANT, "新細明體", "微軟正黑體"),
        (Language.EN, "宋体", "黑体"),
    ],
)
def test_east_asian_fonts_are_set_where_word_looks(
    demo_review: Review, language: Language, body: str, heading: str
) -> None:
    made = report(demo_review, language)
    for name, font in (("Normal", body), ("Title", heading), ("Heading 1", heading)):
        fonts = made.styles[name].element.rPr.rFonts
        assert fonts.get(qn("w:eastAsia")) == font
        assert fonts.get(qn("w:eastAsiaTheme")) is None
    assert headings(made, 1)[2] == word("report.failing", language)


def test_the_report_says_that_it_is_illustrative_and_leaves_lines_to_sign(text: Document) -> None:
    whole = everything(text)
    assert "均为演示虚构" in whole
    assert "审查人" in whole
    assert "复核人" in whole
    assert "密级: \uff3f" in whole
    assert "不是县里规定的正式清单" in whole


def test_hostile_texts_stand_as_text_in_sound_xml(hostile_review: Review) -> None:
    content = review_text(content_of(hostile_review), colours())
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            if name.endswith((".xml", ".rels")):
                ET.fromstring(archive.read(name))  # noqa: S314 - made here
    made = docx.Document(io.BytesIO(content))
    whole = everything(made)
    assert "<script>alert(1)</script>" in whole
    assert "{{7*7}}" in whole
    assert "abc" in whole
    assert "=内部&[Page]" in made.sections[0].header.paragraphs[0].text


def test_an_orderly_county_s_report_says_that_there_is_nothing(orderly_review: Review) -> None:
    made = report(orderly_review)
    assert headings(made, 2) == []
    assert [item.text for item in made.paragraphs].count("无。") == 5


@pytest.mark.parametrize("language", Language)
def test_the_same_review_gives_the_same_bytes(hostile_review: Review, language: Language) -> None:
    content = content_of(hostile_review, language)
    assert review_text(content, colours()) == review_text(content, colours())


def test_the_report_of_a_trial_says_so_in_title_head_and_foot(orderly_review: Review) -> None:
    content = replace(content_of(orderly_review), is_trial=True)
    made = docx.Document(io.BytesIO(review_text(content, colours())))
    titles = [item.text for item in made.paragraphs if item.style and item.style.name == "Title"]
    assert titles[0].startswith("【试算】")
    section = made.sections[0]
    assert "试算" in section.header.paragraphs[0].text
    assert "试算" in section.footer.paragraphs[0].text
    assert "试算" not in everything(report(orderly_review))


def test_a_list_has_so_many_of_a_park_and_says_where_the_rest_is(
    demo_review: Review, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geo_service.reports.docx.MOST_OF_A_PARK", 1)
    content = content_of(demo_review)
    failing = {park["park_id"] for park in content.parks if park["verdict"] == "fail"}
    gaps = [item for item in content.list_of("supplement") if item["park_id"] not in failing]
    left = len(gaps) - len({item["park_id"] for item in gaps})
    assert left > 0
    assert content.text("more_elsewhere", count=left, most=1) in everything(report(demo_review))
