"""The home page: counts, the parks table, search in both scripts, hostile names, a failing API."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from geo_service.planning import County as Running
from tests.browser.conftest import Visitor
from tests.maps.hostile import TEXTS

pytestmark = pytest.mark.browser

ROWS = "#rows tr"


def open_home(visit: Visitor, service: str, query: str = "", **options: int) -> Page:
    """Open the home page and wait for its table."""
    page = visit(**options).page
    page.goto(f"{service}/{query}")
    page.wait_for_selector("#rows .mark")
    return page


def test_the_table_shows_every_park_with_its_verdict(
    visit: Visitor, service: str, demo_county: Running
) -> None:
    page = open_home(visit, service)
    expect(page.locator(ROWS)).to_have_count(48)
    expect(page.locator("#county")).to_have_text("云阳县 · 园区审查")
    expect(page.locator("#illustrative")).to_be_visible()
    counts = page.locator("#counts b").all_text_contents()
    assert list(map(int, counts)) == list(demo_county.review.verdicts.values())
    frame = page.frame_locator("#map")
    expect(frame.locator(".pin-parks")).to_have_count(48)


def test_verdict_tier_and_words_filter_the_table(visit: Visitor, service: str) -> None:
    page = open_home(visit, service)
    page.locator("#counts button").nth(2).click()  # fail
    expect(page.locator(ROWS)).to_have_count(13)
    page.locator("#tier").select_option("sme_cluster")
    expect(page.locator(ROWS)).to_have_count(1)
    page.locator("#counts button").nth(2).click()
    page.locator("#tier").select_option("")
    for words in ("龙洞", "龍洞", "yy-b-32"):
        page.locator("#search").fill(words)
        expect(page.locator(ROWS)).to_have_count(1)
        expect(page.locator(ROWS)).to_contain_text("YY-B-32")
    page.locator("#search").fill("nothing like this")
    expect(page.locator(ROWS)).to_have_text("没有符合条件的园区")


def test_the_table_sorts_both_ways(visit: Visitor, service: str) -> None:
    page = open_home(visit, service, "?lang=en")
    heading = page.get_by_role("button", name="Findings")
    heading.click()
    heading.click()
    first = page.locator(f"{ROWS}:first-child td").last
    expect(first).to_have_text("45")
    expect(page.locator("th[aria-sort='descending']")).to_contain_text("Findings")


def test_the_language_is_kept_in_every_text(visit: Visitor, service: str) -> None:
    page = open_home(visit, service, "?lang=zh-Hant")
    expect(page.locator("#parks-title")).to_have_text("園區")
    expect(page.locator(f"{ROWS}:first-child")).to_contain_text("雲陽市級特色工業園區")


def test_it_fits_a_small_window(visit: Visitor, service: str) -> None:
    page = open_home(visit, service, width=390, height=844)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_hostile_names_show_as_text(visit: Visitor, hostile_service: str) -> None:
    page = open_home(visit, hostile_service)
    shown = page.locator("td.name").all_text_contents()
    for text in TEXTS:
        assert text in shown


def test_a_failing_api_is_said_and_can_be_tried_again(visit: Visitor, service: str) -> None:
    page = visit(is_clean=False).page

    def fail(route: Route) -> None:
        route.fulfill(status=503, body="down")

    page.route("**/api/reviews*", fail)
    page.goto(service)
    expect(page.get_by_role("alert")).to_contain_text("服务没有应答")
    page.unroute("**/api/reviews*")
    page.locator("#retry").click()
    expect(page.locator(ROWS)).to_have_count(48)
    expect(page.get_by_role("alert")).to_be_hidden()


def test_the_api_page_works_without_internet(visit: Visitor, service: str) -> None:
    page = visit().page
    page.goto(f"{service}/docs")
    expect(page.locator(".opblock").first).to_be_visible()
    expect(page.locator("#swagger-ui")).to_contain_text("/api/parks/{park_id}/focus")
