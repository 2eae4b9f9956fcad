"""Ctrl-K on every page; a park's page, its comparison and its sheet of paper."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from geo_service.planning import PlanningService as Running
from tests.browser.conftest import Visitor
from tests.browser.console import in_both_windows, open_page, overflow, serious

pytestmark = pytest.mark.browser

SIGNED = "(rows) => rows.map((row) => row.dataset.list)"


def test_ctrl_k_finds_and_enter_opens(visit: Visitor, service: str) -> None:
    page = open_page(visit, f"{service}/rulebook?lang=zh-Hans")
    page.keyboard.press("Control+k")
    box = page.locator("#finder-input")
    expect(box).to_be_focused()
    box.fill("jiangkou")
    first = page.locator(".finder-list li").first
    expect(first).to_contain_text("江口镇中小企业集聚区")
    assert serious(page) == []
    page.keyboard.press("Escape")
    expect(page.locator(".finder")).to_be_hidden()
    page.click("#find")
    box.fill("YY-P-M01-010")
    expect(page.locator('.finder-list [data-id="YY-P-M01-010"]')).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{service}/parks/YY-M-01?at=parcels%3AYY-P-M01-010")
    sheet = page.frame_locator(".map-box iframe").locator(".dock .sheet-title")
    expect(sheet).to_have_text("YY-P-M01-010")
    page.keyboard.press("Control+k")
    page.locator("#finder-input").fill("江口")
    expect(page.locator(".finder-list li").first).to_have_attribute("data-id", "YY-C-01")
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".dock .sheet-title")).to_contain_text("江口镇")


def test_a_park_opens_with_its_verdict_and_rules_open_to_findings(
    visit: Visitor, service: str, demo_county: Running
) -> None:
    page = open_page(visit, f"{service}/parks/YY-B-27?lang=zh-Hans", width=1440)
    sentence = page.locator(".verdict-sentence")
    expect(sentence).to_contain_text("不占用生态保护红线")
    box = sentence.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 700
    expect(page.locator(".line-figure")).to_have_count(3)
    rows = page.locator(".fold-row")
    assert rows.count() <= 10
    # A cross is for broken binding rules: findings of guiding ones are for attention.
    assert set(page.locator(".fold-row", has_text="指导性").evaluate_all(SIGNED)) == {"watch"}
    assert "rectify" in page.locator(".fold-row", has_text="强制性").evaluate_all(SIGNED)
    expect(page.locator(".park-verdict > .note")).to_contain_text("整改 8")
    first = page.locator('[data-rule="control_zone.ecological_red_line"]')
    first.locator("summary").click()
    expect(first.locator(".finding")).to_have_count(2)
    first.locator(".finding-head").first.click()
    frame = page.frame_locator(".map-box iframe")
    expect(frame.locator(".leaflet-selection-pane path").first).to_be_attached()
    # The list tells of the finding; the map only marks it.
    expect(frame.locator(".dock")).to_be_hidden()
    wanted = next(
        item.finding_id
        for item in demo_county.review.findings_of("YY-B-27")
        if item.rule_id == "control_zone.permanent_farmland"
    )
    page.evaluate(
        """(id) => window.dispatchEvent(new MessageEvent('message', {
          data: { geo: 'selected', layer: 'findings', id },
          origin: location.origin,
          source: document.querySelector('.map-box iframe').contentWindow,
        }))""",
        wanted,
    )
    expect(page.locator(f'.finding.is-open[data-finding="{wanted}"]')).to_be_visible()
    assert serious(page) == []


@pytest.mark.parametrize("park_id", ["YY-B-27", "YY-M-01"])
def test_a_park_s_sheet_is_one_page(visit: Visitor, service: str, park_id: str) -> None:
    page = open_page(visit, f"{service}/parks/{park_id}/sheet?lang=zh-Hans")
    frame = page.frame_locator(".map-box iframe")
    expect(frame.locator('.app[data-state="done"]')).to_be_attached()
    expect(page.locator(".sheet-paper .verdict-sentence")).to_be_visible()
    pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1


def test_parks_compare_in_columns_and_stand_in_the_address(visit: Visitor, service: str) -> None:
    page = open_page(visit, f"{service}/compare?parks=YY-B-27,YY-C-02&lang=zh-Hans")
    heads = page.locator(".compare-table thead th")
    expect(heads).to_have_count(2)
    page.locator(".panel select").select_option("YY-C-04")
    expect(heads).to_have_count(3)
    expect(page).to_have_url(re.compile("YY-C-04"))
    page.get_by_role("button", name=re.compile("移除南溪")).click()
    expect(heads).to_have_count(2)
    page.go_back()
    expect(heads).to_have_count(3)
    assert serious(page) == []
    for _ in in_both_windows(page):
        assert overflow(page) == 0
