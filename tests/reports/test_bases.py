"""Reports say what verdicts rest on, what was approved, and which rules were not applied."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import docx
import geopandas as gpd
import openpyxl
import pyogrio
import pytest

from geo_service.language import Language
from geo_service.reports.docx import review_text
from geo_service.reports.geopackage import review_geopackage
from geo_service.reports.xlsx import review_workbook
from geo_service.workspace.opening import open_plan
from geo_service.zoning.approvals import open_approvals
from geo_service.zoning.review import Review, review
from tests.county import County, box, zone
from tests.reports.conftest import colours, content_of
from tests.words import word
from tests.zoning.made import LAW, three_bases

DAY = date(2026, 11, 30)
APPROVALS = """format: "1"
approvals:
  - rule_id: law
    subject: {layer: parks, id: P1}
    document_number: 渝府地 12 号
    authority: 重庆市人民政府
    approved_on: 2026-03-01
    scope: 100 m × 100 m
"""


def made(county: County, folder: Path, *, days: str = "in_force_from: 2000-01-01") -> Review:
    """Review a county with red lines on P1, which is approved, and on P2, which is not."""
    county.layers["control_zones"] += [
        zone("R1", box(0, 0, 100, 100)),
        zone("R2", box(2000, 0, 100, 100)),
    ]

    plan = open_plan(county.write(folder / "county"))
    path = folder / "approvals.yaml"
    path.write_text(APPROVALS, encoding="utf-8")
    rules = three_bases(days=days)
    return review(plan, rules, as_of=DAY, approvals=open_approvals(path, rules, plan))


@pytest.fixture
def result(county: County, tmp_path: Path) -> Review:
    """Return that review."""
    return made(county, tmp_path)


def text_of(result: Review) -> str:
    """Return all text of the review's report, tables too."""
    report = docx.Document(io.BytesIO(review_text(content_of(result, Language.EN), colours())))
    cells = [cell.text for table in report.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(item.text for item in report.paragraphs), *cells])


def test_an_approved_finding_stands_in_no_list_and_is_counted_apart(result: Review) -> None:
    content = content_of(result, Language.EN)
    assert [item["park_id"] for item in content.approved] == ["P1"]
    assert [item["park_id"] for item in content.list_of("rectify")] == ["P2"]
    counts = {park["park_id"]: (park["rectify"], park["approved"]) for park in content.parks}
    assert counts == {"P1": (0, 1), "P2": (1, 0)}
    assert content.summary["approved_count"] == 1
    assert content.summary["verdicts_by_basis"]["law"] == {
        "pass": 1,
        "watch": 0,
        "fail": 1,
        "unknown": 0,
        "none": 0,
    }


def test_the_report_names_approval_and_basis(result: Review) -> None:
    text = text_of(result)
    assert "Findings approved by law" in text
    assert "渝府地 12 号\n重庆市人民政府" in text
    fails = word("verdict.fail", Language.EN)
    assert f"{fails} (rests on law)" in text
    assert "Rules that were not applied" not in text


def test_the_workbook_names_approval_and_basis(result: Review) -> None:
    content = review_workbook(content_of(result, Language.EN), colours())
    book = openpyxl.load_workbook(io.BytesIO(content))
    heads, *rows = book["Findings"].iter_rows(values_only=True)
    found = {row[heads.index("Park id")]: dict(zip(heads, row, strict=True)) for row in rows}
    assert found["P1"]["List"] == "Approved by law"
    assert found["P1"]["Approval's document number"] == "渝府地 12 号"
    assert found["P2"]["List"] == "To rectify"
    heads, *rows = book["Parks"].iter_rows(values_only=True)
    second = dict(zip(heads, rows[1], strict=True))
    assert (second["Verdict by law"], second["Verdict by county policy"]) == (
        word("verdict.fail", Language.EN),
        word("verdict.pass", Language.EN),
    )
    assert second["Verdict rests on"] == "law"


def test_the_geopackage_has_both_as_columns(result: Review, tmp_path: Path) -> None:
    path = tmp_path / "review.gpkg"
    path.write_bytes(review_geopackage(result, content_of(result), colours()))
    parks = gpd.read_file(path, layer="parks").set_index("park_id")
    told = {name: parks[name].to_dict() for name in parks.columns}
    assert told["verdict_law"] == {"P1": "pass", "P2": "fail"}
    assert told["verdict_county"] == told["verdict_reference"] == {"P1": "pass", "P2": "pass"}
    assert told["rests_on"] == {"P1": "", "P2": "law"}
    assert told["approved"] == {"P1": 1, "P2": 0}
    findings = pyogrio.read_dataframe(path, layer="findings_area").set_index("park_id")
    assert findings["approved"].to_dict() == {"P1": True, "P2": False}
    assert findings.loc["P1", "approval_authority"] == "重庆市人民政府"


def test_rules_that_were_not_applied_are_named(county: County, tmp_path: Path) -> None:
    result = made(county, tmp_path, days="in_force_until: 2026-09-30")
    text = text_of(result)
    assert "Rules that were not applied" in text
    assert "Red line (An act, in force until 2026-09-30)" in text
    summary = content_of(result, Language.EN).summary
    assert summary["lapsed"] == [
        {"rule_id": LAW, "title": "Red line", "document": "An act", "ended": "2026-09-30"}
    ]
    assert summary["verdicts_by_basis"]["law"]["none"] == 2
