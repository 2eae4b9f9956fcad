"""Screens that tell the truth and stay where they are: paper, sliders, trials, tab stops, files."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from geo_service.planning import PlanningService as Running
from tests.browser.conftest import Visitor, serving
from tests.browser.console import PARK_ROWS, open_page
from tests.conftest import ROOT
from tests.county import County, box, enterprise, parcel
from tests.patience import PATIENCE_S, eventually

pytestmark = pytest.mark.browser

PROJECT = """
# A project as people write it.
name: 测试项目
industry_code: "1311"
kind: new
needs: {land_m2: 20_000}
"""
PLACES = 12
"""Enough free parcels that the first of them leaves the screen when the page moves."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a county with free parcels of one size."""
    county = County()
    county.layers["parcels"] = [
        parcel(f"L{n:02}", box(80 * n, 100, 75, 300), status="vacant", land_use="100101")
        for n in range(PLACES)
    ]
    county.layers["enterprises"].append(enterprise("Z", "1711", 1.0))
    with serving(Running.open(county.write(tmp_path_factory.mktemp("true")))) as found:
        yield found


def count_prints(page: Page) -> None:
    """Count calls of the browser's print command instead of opening its window."""
    page.add_init_script("window.prints = 0; window.print = () => { window.prints += 1; };")


@pytest.mark.parametrize("path", ["/parks/P1", "/reviews/{review}"])
def test_a_page_with_a_map_prints_as_soon_as_the_map_is_drawn(
    visit: Visitor, address: str, path: str
) -> None:
    page = visit().page
    count_prints(page)
    page.goto(address)
    review = page.evaluate("JSON.parse(document.getElementById('start').textContent).review_id")
    page.goto(address + path.format(review=review))
    page.wait_for_selector('main[data-state="shown"]')
    frame = page.frame_locator(".map-box iframe")
    expect(frame.locator('.app[data-state="done"]')).to_be_attached()
    expect(page.locator(".map-cover")).to_be_hidden()
    assert page.locator("main .spinner").count() == 0
    page.get_by_role("button", name="打印").click()
    # Not only after the time when a sheet is printed without what is missing.
    asked = time.monotonic()
    eventually(lambda: page.evaluate("window.prints") == 1, "it is printed")
    assert time.monotonic() - asked < 15.0


def test_moving_a_weight_or_opening_a_ranking_does_not_move_the_page(
    visit: Visitor, address: str, tmp_path: Path
) -> None:
    page = open_page(visit, f"{address}/sites")
    file = tmp_path / "project.yaml"
    file.write_text(PROJECT, "utf-8")
    page.set_input_files("#project input[type=file]", file)
    expect(page.get_by_label("项目名称")).to_have_value("测试项目")
    page.click("#rank")
    page.wait_for_selector(".is-result")
    sliders = page.locator(".weight input")
    sliders.first.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    for value in np.random.default_rng(5).random(20).round(2):
        with page.expect_response("**/weights?*"):
            sliders.nth(int(value * 100) % sliders.count()).evaluate(
                "(input, value) => { input.value = Number(input.max) * value;"
                " input.dispatchEvent(new Event('input', {bubbles: true}));"
                " input.dispatchEvent(new Event('change', {bubbles: true})); }",
                float(value),
            )
    expect(page.locator(".is-selected").first).to_be_attached()
    assert page.evaluate("scrollY") == before
    page.goto(page.url)
    page.wait_for_selector(".is-result")
    expect(page.locator(".is-selected").first).to_be_attached()
    assert page.evaluate("scrollY") == 0


def test_the_demo_s_own_projects_can_be_opened(visit: Visitor, address: str) -> None:
    page = open_page(visit, f"{address}/sites", is_clean=False)
    for file in sorted((ROOT / "layers/yunyang/projects").glob("*.yaml")):
        page.get_by_label("项目名称").fill("")
        page.set_input_files("#project input[type=file]", file)
        expect(page.get_by_label("项目名称")).to_have_value(named_in(file))
    page.set_input_files(
        "#project input[type=file]",
        {"name": "x.yaml", "mimeType": "", "buffer": b"name: x\nkind: nothing\n"},
    )
    alert = page.locator("#project").get_by_role("alert")
    expect(alert).to_contain_text("文件不是可用的项目")
    expect(alert.locator("li").first).to_contain_text("x.yaml")


def named_in(file: Path) -> str:
    """Return the name that a project's file gives."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith("name:")).split(":", 1)[1].strip()


def test_a_trial_says_so_on_its_page(
    visit: Visitor, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geo_service.web.routes.reviews.AT_ONCE_SECONDS", PATIENCE_S)
    page = open_page(visit, address)
    made = page.request.post(
        f"{address}/api/reviews", data={"as_of": "2026-01-01"}, headers={"origin": address}
    ).json()
    assert made["is_trial"] is True
    page = open_page(visit, f"{address}/reviews/{made['review_id']}")
    expect(page.locator("h1")).to_contain_text("试算")
    expect(page.locator(".crumb .chip.is-trial")).to_have_text("试算")


def test_tab_stops_at_nothing_without_a_name_on_a_map(visit: Visitor, service: str) -> None:
    page = visit().page
    page.goto(f"{service}/maps/overview")
    expect(page.locator('.app[data-state="done"]')).to_be_attached()
    expect(page.locator("path.leaflet-interactive").first).to_be_attached()
    assert page.evaluate(
        "[...document.querySelectorAll('path')].every((path) => path.tabIndex < 0)"
    )
    page.locator("body").press("Tab")
    for _ in range(60):
        name = page.evaluate("document.activeElement.tagName.toLowerCase()")
        assert name != "path"
        page.keyboard.press("Tab")


def test_back_from_a_park_returns_to_the_filtered_list(visit: Visitor, service: str) -> None:
    page = open_page(visit, service)
    page.click('.count[data-verdict="fail"]')
    rows = page.locator(PARK_ROWS)
    expect(rows).not_to_have_count(48)
    count = rows.count()
    expect(page).to_have_url(re.compile("verdict=fail"))
    page.locator(f"{PARK_ROWS} .park-name a").first.click()
    page.wait_for_url("**/parks/*")
    page.go_back()
    expect(page.locator(PARK_ROWS)).to_have_count(count)
    expect(page.locator("#verdict")).to_have_value("fail")


def test_a_restored_county_is_said_to_be_as_it_was(visit: Visitor, address: str) -> None:
    page = visit().page
    kinds = ("new", "worse", "became_unknown", "better", "cured", "subject_gone")
    page.route(
        "**/api/changes?*",
        lambda route: route.fulfill(
            json={
                "before": "r-1",
                "before_made_at": "2026-03-01T00:00:00+00:00",
                "after": "r-2",
                "after_made_at": "2026-03-02T00:00:00+00:00",
                "is_restored": True,
                "is_other_rulebook": False,
                "layers": [{"layer": "parcels", "before": 1, "after": 2, "is_restored": True}],
                "counts": dict.fromkeys((*kinds, "unchanged", "not_compared"), 9),
                "changes": [],
            }
        ),
    )
    page.goto(address)
    changes = page.locator(".is-changes")
    expect(changes).to_contain_text("审查结果与上次相同")
    expect(changes).to_contain_text("宗地第 1 版 → 第 2 版（恢复）")
    expect(changes.locator("dd")).to_have_count(0)
