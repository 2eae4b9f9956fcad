"""What verdicts rest on, approvals, documents and lapsed rules, as pages and maps show them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from geo_service.planning import PlanningService as Running
from geo_service.workspace.opening import open_workspace
from geo_service.zoning.review import review
from tests.browser.conftest import Visitor, serving
from tests.browser.console import LANGUAGES, in_both_windows, open_page, overflow, serious
from tests.county import County, box, zone
from tests.earlier import OLD, save_as_before

pytestmark = pytest.mark.browser

RED = "control_zone.ecological_red_line"
LIST = ".rows > li"
RULEBOOK = """format: "1"
title: {zh-Hans: 本县, en: Ours}
extends: default
documents:
  ended_plan:
    name: {zh-Hans: 旧规划, en: An old plan}
    kind: county_policy
    trust: read
    in_force_until: 2026-01-31
rules:
  layout.minimum_area:
    bases: [{document: ended_plan}]
"""
APPROVALS = f"""format: "1"
approvals:
  - rule_id: {RED}
    subject: {{layer: parks, id: P2}}
    document_number: 批准 12 号 <b>{{{{7*7}}}}</b>
    authority: 市人民政府
    approved_on: 2026-03-01
    scope: 100 m × 100 m
"""


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Running:
    """Return a county with red lines on P1 and, approved, on P2; a rule's document has ended."""
    made = County()
    made.layers["control_zones"] += [
        zone("R1", box(0, 0, 100, 100)),
        zone("R2", box(2000, 0, 100, 100)),
    ]
    made.extra += '\nrulebook = "rulebook.yaml"\napprovals = "approvals.yaml"'
    folder = made.write(tmp_path_factory.mktemp("bases"))
    (folder / "rulebook.yaml").write_text(RULEBOOK, encoding="utf-8")
    (folder / "approvals.yaml").write_text(APPROVALS, encoding="utf-8")
    with open_workspace(folder) as opened:
        save_as_before(opened, review(opened.plan()))
    return Running.open(folder)


@pytest.fixture(scope="module")
def address(county: Running) -> Iterator[str]:
    """Serve it."""
    with serving(county) as found:
        yield found


def review_page(visit: Visitor, address: str, county: Running, query: str = "") -> Page:
    """Open the current review's page."""
    return open_page(visit, f"{address}/reviews/{county.review.review_id}{query}")


def test_the_overview_counts_and_filters_by_what_verdicts_rest_on(
    visit: Visitor, address: str
) -> None:
    page = open_page(visit, address)
    count = page.locator('.count[data-basis="law"]')
    expect(count.locator("strong")).to_have_text("1")
    count.click()
    rows = page.locator(".is-parks tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("P1")
    expect(rows.locator(".chip.is-by-law")).to_have_text("法律法规")
    expect(count).to_have_attribute("aria-pressed", "true")
    expect(count).to_be_focused()
    expect(page.locator("#basis")).to_have_value("law")
    page.select_option("#basis", "county")
    expect(page.locator(".table-empty")).to_be_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_chips_and_figures_stay_inside_the_page(
    visit: Visitor, service: str, language: str
) -> None:
    page = open_page(visit, f"{service}/?lang={language}")
    for width in (1280, 1100, 390):
        page.set_viewport_size({"width": width, "height": 800})
        assert (
            page.evaluate(
                """() => [...document.querySelectorAll('.counts .count, .kpi')].filter((box) => {
              const outer = box.getBoundingClientRect();
              const inner = [...box.children].map((item) => item.getBoundingClientRect());
              return inner.some(({ left, right }) => left < outer.left || right > outer.right)
                || outer.right > innerWidth;
            }).length"""
            )
            == 0
        )


def test_the_overview_opens_filtered_by_its_address(visit: Visitor, address: str) -> None:
    page = open_page(visit, f"{address}/?basis=law")
    expect(page.locator(".is-parks tbody tr")).to_have_count(1)


def test_the_review_tells_verdicts_by_basis_and_lapsed_rules(
    visit: Visitor, address: str, county: Running
) -> None:
    page = review_page(visit, address, county)
    law = page.locator('.basis-table tr[data-basis="law"] td')
    expect(law).to_have_text(["1", "0", "1", "0", "0"])  # P2 is approved: pass; P1: fail
    expect(page.locator('.callout [data-rule="layout.minimum_area"]')).to_contain_text(
        "旧规划，施行至 2026-01-31"
    )
    for _ in in_both_windows(page):
        assert overflow(page) == 0
        assert serious(page) == []


def test_findings_are_filtered_by_basis_and_by_approval(
    visit: Visitor, address: str, county: Running
) -> None:
    page = review_page(visit, address, county, "?basis=law&group=none")
    expect(page.locator(LIST)).to_have_count(2)
    expect(page.locator(f"{LIST}:first-child")).to_contain_text("P1")
    page.click('.tabs [data-list="approved"]')
    expect(page.locator(LIST)).to_have_count(1)
    page.locator(".row-head").click()
    chip = page.locator(f"{LIST} .chip.is-approved")
    expect(chip).to_contain_text("已依法批准")
    expect(chip).to_contain_text("批准 12 号 <b>{{7*7}}</b>")
    expect(page.locator(".approval")).to_contain_text("市人民政府")
    expect(page).to_have_url(re.compile("list=approved"))
    page.click('.tabs [data-list="rectify"]')
    expect(page.locator(LIST)).to_have_count(1)
    expect(page.locator(LIST)).to_contain_text("P1")


def test_the_park_page_has_a_verdict_for_each_basis(visit: Visitor, address: str) -> None:
    page = open_page(visit, f"{address}/parks/P1?lang=en")
    by_basis = page.locator(".by-basis > div")
    expect(by_basis).to_have_count(3)
    expect(page.locator('.by-basis [data-basis="law"]')).to_have_attribute("data-verdict", "fail")
    expect(page.locator('.by-basis [data-basis="county"]')).to_contain_text("Complies")


def test_the_map_draws_a_ring_around_what_breaks_a_law_and_says_so(
    visit: Visitor, address: str
) -> None:
    page = visit().open(f"{address}/maps/overview?lang=en")
    rings = page.locator('.pin-parks path[stroke="#10181f"]')
    expect(rings).to_have_count(1)
    expect(page.locator('[data-symbol="rests_on.law"]')).to_contain_text("Law")
    page.locator('[data-park="P1"]').first.click()
    expect(page.locator(".sheet .by-basis li").first).to_contain_text("does not comply")


def test_a_ring_is_around_a_park_s_marker_or_its_outline_never_both(
    visit: Visitor, address: str
) -> None:
    page = visit().open(f"{address}/maps/overview")
    outline = page.locator('.leaflet-parks-casing-pane path[stroke="#10181f"]')
    marker = page.locator(".pin-parks", has=page.locator('path[stroke="#10181f"]'))
    for zoom, is_outline in ((10, False), (15, True)):
        page.evaluate(f"planningMap.page.drawings[0].map.setZoom({zoom}, {{ animate: false }})")
        for ring, is_seen in ((outline, is_outline), (marker, not is_outline)):
            expect(ring).to_have_count(1)
            expect(ring).to_have_css("opacity", "1" if is_seen else "0")


def test_the_rulebook_shows_documents_and_the_rules_of_another_day(
    visit: Visitor, address: str
) -> None:
    page = open_page(visit, f"{address}/rulebook")
    lapsed = page.locator('[id="layout.minimum_area"]')
    expect(lapsed).to_contain_text("不适用")
    expect(lapsed).to_contain_text("2026年1月31日")
    water = page.locator('[id="control_zone.water_source_1"] .rule-basis')
    expect(water).to_contain_text("生态环境法典")
    old = page.locator("#documents tbody tr", has_text="中华人民共和国水污染防治法")
    expect(old).to_contain_text("已废止或失效")
    expect(old).to_contain_text("生态环境法典")
    old.get_by_role("button").click()
    expect(page.locator(".rule")).not_to_have_count(0)
    expect(page.locator(".rule").first).to_contain_text("饮用水水源")
    page.fill("#as-of", "2026-01-31")
    page.wait_for_url("**/rulebook?as_of=2026-01-31")
    expect(page.locator('[id="layout.minimum_area"]')).not_to_contain_text("不适用")
    expect(page.locator('[id="control_zone.water_source_1"] .rule-basis')).to_contain_text(
        "水污染防治法"
    )


def test_a_review_is_made_as_of_a_day(visit: Visitor, address: str, county: Running) -> None:
    page = open_page(visit, f"{address}/reviews")
    page.fill("#review-day", "2026-01-31")
    page.click("#review-again")
    expect(page.locator(".cure a")).to_be_visible()
    made = page.locator("tbody tr", has_text="2026-01-31")
    expect(made).to_contain_text("试算")
    (as_of,) = {item.as_of.isoformat() for _, item in county.reviews.in_memory()} - {
        county.review.as_of.isoformat()
    }
    assert as_of == "2026-01-31"


def test_a_review_of_an_earlier_release_opens_and_says_what_was_not_recorded(
    visit: Visitor, address: str
) -> None:
    page = open_page(visit, f"{address}/reviews/{OLD}?group=none")
    expect(page.locator(".callout", has_text="较早的软件版本")).to_have_count(1)
    expect(page.locator("main")).to_contain_text("各类依据各自的结论（园区数）: 未记录")
    expect(page.locator("main")).to_contain_text("无法重现")
    expect(page.locator(".map-box")).to_have_count(0)
    expect(page.locator(".menu-list a")).to_have_count(2)  # GeoJSON and JSON
    expect(page.locator(LIST)).to_have_count(2)
    page.locator(".row-head").first.click()
    expect(page.locator(".finding-body").first).to_contain_text("10,000 m²")
    listed = open_page(visit, f"{address}/reviews")
    row = listed.locator("tbody tr", has_text=OLD)
    expect(row).to_contain_text("未记录")
