"""Each user's way through the product, from opening it to the file in hand, in each language."""

from __future__ import annotations

import json
import re
from pathlib import Path

import docx
import openpyxl
import pyogrio
import pytest
from playwright.sync_api import Page, expect

from geo_service.language import Language, Translator
from geo_service.planning import PlanningService as Running
from tests.browser.conftest import READY, Visitor, serving
from tests.browser.console import LANGUAGES, SHOWN, open_page
from tests.county import County, box, parcel

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("language", LANGUAGES)]


def translator(language: str) -> Translator:
    return Translator(Language(language))


def fetch(page: Page, selector: str, folder: Path) -> Path:
    """Press a link and return the file that the browser saved."""
    with page.expect_download() as caught:
        page.locator(selector).click()
    path = folder / caught.value.suggested_filename
    caught.value.save_as(path)
    return path


def test_a_reviewer_takes_findings_with_their_basis_to_a_meeting(
    visit: Visitor, service: str, demo_county: Running, tmp_path: Path, language: str
) -> None:
    told = translator(language)
    page = open_page(visit, f"{service}/?lang={language}")
    page.locator(".page-head a[href*='/reviews/']").click()
    page.wait_for_selector(SHOWN)
    page.click('.tabs [data-list="rectify"]')
    page.select_option("#group", "none")
    must = [item for item in demo_county.review.results if item.severity == "must"]
    failed = [item for item in must if item.verdict == "fail" and item.counts]
    expect(page.locator('.tabs [data-list="rectify"] strong')).to_have_text(str(len(failed)))
    first = page.locator(".rows > li").first
    first.locator(".row-head").click()
    expect(first).to_contain_text(told.text("finding_words.cure"))
    expect(first).to_contain_text(told.text("finding_words.basis"))
    page.get_by_text(told.text("console.download"), exact=True).click()
    report = fetch(page, ".menu-list a[href*='format=docx']", tmp_path)
    words = "\n".join(paragraph.text for paragraph in docx.Document(str(report)).paragraphs)
    assert demo_county.review.review_id in report.name + words + page.url
    assert told.text("report.verdict_note") in words
    layers = fetch(page, ".menu-list a[href*='format=gpkg']", tmp_path)
    assert "findings_area" in {name for name, _ in pyogrio.list_layers(layers)}


def test_a_planner_leaves_with_a_ranking_and_its_reasons(
    visit: Visitor, service: str, tmp_path: Path, language: str
) -> None:
    told = translator(language)
    page = open_page(visit, f"{service}/sites?lang={language}")
    page.click("#example")
    page.click("#rank")
    page.wait_for_selector(".is-result")
    rows = page.locator("tr.can-select[data-id]")
    expect(rows.first.locator(".rank-no")).to_have_text("1")
    page.get_by_role("button", name=told.text("sites.tab_why"), exact=True).click()
    expect(page.locator("#explanation li").first).to_be_visible()
    with page.expect_response("**/weights?*") as caught:
        page.locator(".weight input").first.fill("0")
    best = caught.value.json()["candidates"][0]
    expect(rows.first).to_have_attribute("data-id", best["candidate_id"])
    page.get_by_text(told.text("console.download"), exact=True).click()
    book = openpyxl.load_workbook(fetch(page, "a[href*='format=xlsx']", tmp_path))
    cells = [str(cell) for row in book.worksheets[0].iter_rows(values_only=True) for cell in row]
    assert best["label"] in cells
    assert len(book.sheetnames) == 5


def test_a_map_reader_finds_a_park_and_prints_its_map(
    visit: Visitor, service: str, demo_county: Running, tmp_path: Path, language: str
) -> None:
    page = open_page(visit, f"{service}/?lang={language}")
    with page.expect_popup() as opened:
        page.locator(".map-side a").first.click()
    alone = opened.value
    alone.wait_for_selector(READY)
    expect(alone.locator("html")).to_have_attribute("lang", language)
    name = demo_county.plan.parks.set_index("park_id").loc["YY-C-02", "name"]
    alone.locator("input[type=search]").fill("YY-C-02")
    alone.locator(".list-line").first.click()
    expect(alone.locator(".dock .sheet")).to_contain_text(
        Translator(Language(language), demo_county.plan.settings.names_hant).convert(name)
    )
    paper = tmp_path / "map.pdf"
    alone.pdf(path=paper, prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes())) == 1


def test_a_data_steward_publishes_what_fits_and_keeps_what_does_not(
    visit: Visitor, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, language: str
) -> None:
    told = translator(language)
    county = County()
    county.layers["parcels"] = [
        parcel(f"L{number}", box(100 * number, 0, 90, 90)) for number in range(4)
    ]
    folder = county.write(tmp_path_factory.mktemp("steward"))
    document = json.loads((folder / "parcels.geojson").read_text(encoding="utf-8"))
    document["features"][0]["properties"]["status"] = "idle"
    document["features"][3]["properties"]["parcel_id"] = None
    file = tmp_path / "parcels.geojson"
    file.write_text(json.dumps(document), encoding="utf-8")
    running = Running.open(folder)
    with serving(running) as address:
        page = open_page(visit, f"{address}/data?lang={language}")
        page.set_input_files("#import-file", file)
        page.check("#import-as-whole")
        page.click("#import")
        report = page.locator("#import-report")
        expect(report).to_contain_text(told.text("data.refused_list"))
        refused = fetch(page, "#import-report a[href*='refused']", tmp_path)
        assert refused.read_text(encoding="utf-8-sig").count("\n") == 2  # its head and a feature
        page.click("#publish")
        done = told.text(
            "data.published", layer=told.text("layer.parcels"), count=3, version="|"
        ).partition("|")[0]
        expect(report).to_contain_text(done)
        assert running.plan.parcels["status"].tolist() == ["idle", "built", "built"]
        row = page.locator("tr", has=page.get_by_text("parcels", exact=True))
        row.get_by_text(told.text("data.history")).click()
        expect(row.locator(".versions-list li")).to_have_count(2)
        row.get_by_role("button", name=told.text("data.restore_number", number=0)).click()
        row.get_by_role("button", name=told.text("data.restore_now")).click()
        restored = told.text(
            "data.restored", layer=told.text("layer.parcels"), number=2, **{"from": 0}
        )
        expect(page.get_by_text(restored)).to_be_visible()
        assert len(running.plan.parcels) == 4
