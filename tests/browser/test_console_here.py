"""The page that says whether a project may be built at a place."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from geo_service.planning import PlanningService as Running
from tests.browser.conftest import Visitor, serving
from tests.browser.console import open_page, serious
from tests.county import box, in_degrees
from tests.suitability.made import five_sites

pytestmark = pytest.mark.browser

RING = in_degrees(box(800, 0, 80, 100)).exterior.coords  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the county of five sites with one project of its own."""
    folder = five_sites().write(tmp_path_factory.mktemp("here"))
    (folder / "projects").mkdir()
    text = "name: 食品厂\nindustry_code: '1311'\nneeds: {land_m2: 8000}\n"
    (folder / "projects" / "food.yaml").write_text(text, "utf-8")
    with serving(Running.open(folder)) as found:
        yield found


def test_a_click_and_pasted_points_are_answered_and_become_a_scenario(
    visit: Visitor, address: str
) -> None:
    page = open_page(visit, f"{address}/here")
    frame = page.frame_locator(".map-box iframe")
    expect(frame.locator('.app[data-state="done"]')).to_be_attached()
    page.locator(".map-box iframe").click(position={"x": 300, "y": 300})
    word = page.locator(".here-word")
    expect(word).to_be_visible()
    expect(page).to_have_url(re.compile(r"at=108"))

    # Boundary points of E, which lies in the red line: no, by which law, and that B would do.
    page.get_by_role("button", name="界址点", exact=True).click()
    page.fill("#points", "\n".join(f"J{n},{x},{y}" for n, (x, y) in enumerate(RING)))
    page.click("#check")
    expect(word).to_have_text("不可以")
    rule = page.locator('[data-rule="control_zone.ecological_red_line"]').first
    expect(rule).to_contain_text("第")
    expect(page.locator(".here-nearest")).to_contain_text("宗地 B")
    expect(page.locator(".here-nearest")).to_contain_text("300 m")
    expect(page.locator("#into-ranking")).to_be_disabled()
    assert serious(page) == []

    # The nearest place is asked of; what the address says another browser shows.
    page.get_by_role("button", name="核查该处").click()
    expect(word).not_to_have_text("不可以")
    expect(page.locator(".here-head")).to_contain_text("宗地 B")
    said = word.inner_text()
    # A refusal is a complaint of the browser's console.
    again = open_page(visit, page.url, width=390, is_clean=False)
    expect(again.locator(".here-word")).to_have_text(said)

    # An industry that there is not is told at its field.
    again.get_by_label("项目", exact=True).select_option(label="自行填写")
    again.get_by_label("行业代码").fill("9999")
    again.get_by_label("面积", exact=True).fill("12")
    expect(again.locator(".field-fault")).to_contain_text("9999")

    page.click("#save-scenario")
    page.wait_for_url("**/scenarios/*")
    expect(page.locator("#edits > .edit")).to_have_count(1)
