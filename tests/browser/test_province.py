"""The counties of a province as people look at them: table, filters, map, ways to the consoles."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from geo_service.planning import PlanningService as Running
from geo_service.province.desk import ProvinceDesk
from tests.browser.conftest import READY, Visitor, serving
from tests.browser.console import SHOWN, overflow, serious
from tests.province.made import CODES, review_here, write_province

pytestmark = pytest.mark.browser
NAME = "<i>二号县</i>{{7*7}}"


def test_counties_are_sorted_found_and_opened(visit: Visitor, tmp_path: Path) -> None:
    path = write_province(tmp_path, (*CODES, "500104"))
    settings = tmp_path / CODES[1] / "workspace.toml"
    settings.write_text(settings.read_text("utf-8").replace("测试县", NAME), "utf-8")
    (tmp_path / "500104" / "parks.geojson").unlink()
    text = path.read_text("utf-8").replace(
        '500102 = "500102"', '500102 = {folder = "500102", console = "https://two.example/c"}'
    )
    path.write_text(text, "utf-8")
    review_here(path, tmp_path / "province-review")
    running = Running.open(tmp_path / CODES[0])
    with serving(running, ProvinceDesk(path)) as base:
        made = visit(width=1440, height=900)
        page = made.page
        page.goto(f"{base}/province?lang=zh-Hans")
        page.wait_for_selector(SHOWN)
        rows = page.locator(".is-counties tbody tr")
        expect(rows).to_have_count(4)
        inside = page.frame_locator("iframe")
        inside.locator(READY).wait_for()
        assert serious(page) == []
        # Sorted by verdict counts, downward first: the one county that needs attention.
        page.locator("[data-sort=watch]").click()
        expect(rows.first).to_contain_text(NAME)
        faulty = rows.filter(has_text="500104")
        faulty.locator("summary").click()
        expect(faulty).to_contain_text("parks.geojson")
        # Found by pinyin; the map shows what the table does.
        page.fill("#search", "erhao")
        expect(rows).to_have_count(1)
        expect(page).to_have_url(f"{base}/province?lang=zh-Hans&words=erhao")
        expect(inside.locator(".list-line")).to_have_count(1)
        link = rows.get_by_role("link")
        expect(link).to_have_attribute("href", "https://two.example/c")
        # A row and the map choose the same county.
        rows.locator("td.number").first.click()
        expect(rows).to_have_attribute("aria-current", "true")
        expect(inside.locator(".sheet-title")).to_have_text(NAME)
        page.fill("#search", "")
        page.select_option("#state", "broken")
        expect(rows).to_have_count(1)
        _see_on_paper(page)
        made.assert_clean()

        small = visit(width=390, height=844)
        small.page.goto(f"{base}/province?lang=en")
        small.page.wait_for_selector(SHOWN)
        small.page.frame_locator("iframe").locator(READY).wait_for()
        assert overflow(small.page) == 0
        own = small.page.get_by_role("link", name="Open (this service)")
        own.click()
        small.page.wait_for_url(f"{base}/")
        small.assert_clean()


def _see_on_paper(page: Page) -> None:
    """See the one row shown on paper: faults unfolded, ways to other consoles left out."""
    rows = page.locator(".is-counties tbody tr")
    fault = rows.locator(".faults")
    page.reload()
    page.wait_for_selector(SHOWN)
    expect(fault).to_be_hidden()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(fault).to_be_visible()
    expect(rows.locator("td.no-print")).to_be_hidden()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(fault).to_be_hidden()
