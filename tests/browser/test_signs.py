"""The county's map at a glance: signs apart, names, facilities, themes, keyboard, the frame."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from geo_service.planning import PlanningService as Running
from tests.browser.conftest import Visitor
from tests.browser.console import open_page
from tests.patience import eventually

pytestmark = pytest.mark.browser

OVERLAPS = """() => {
  const pins = [...document.querySelectorAll('.pin-parks')].map((pin) => {
    const { x, y, width, height } = pin.getBoundingClientRect();
    return { x: x + width / 2, y: y + height / 2, reach: width / 2, pin };
  });
  const hidden = pins.filter(({ x, y, pin }) => {
    const top = document.elementFromPoint(x, y);
    return !top || !pin.contains(top);
  });
  const pairs = pins.flatMap((one, index) => pins.slice(index + 1).filter((other) =>
    Math.hypot(one.x - other.x, one.y - other.y) < one.reach + other.reach - 4));
  const names = hidden.map(({ pin }) => pin.getAttribute('aria-label'));
  return [pins.length, names, pairs.length];
}"""


def labels(page: Page, kind: str) -> set[str]:
    return set(page.locator(f".map-label-{kind}").all_text_contents())


def test_all_48_signs_are_unobstructed_and_the_great_ones_are_named(
    visit: Visitor, service: str
) -> None:
    page = visit(width=1280, height=720).open(f"{service}/maps/overview?lang=zh-Hans")
    assert page.evaluate(OVERLAPS) == [48, [], 0]
    assert labels(page, "municipal_park") == {"云阳市级特色工业园区"}
    assert labels(page, "sme_cluster") == {"江口", "南溪", "高阳", "平安", "第五"}
    assert len(labels(page, "building_park")) > 20
    assert page.locator(".north").is_visible()
    expect(page.locator(".pin-facilities")).to_have_count(0)
    page.evaluate("planningMap.page.map.setZoom(11, { animate: false })")
    expect(page.locator(".pin-facilities").first).to_be_attached()
    covered = """() => {
          const box = (pin) => pin.getBoundingClientRect();
          const meet = (a, b) => a.left < b.right && b.left < a.right
            && a.top < b.bottom && b.top < a.bottom;
          const parks = [...document.querySelectorAll('.pin-parks:not(.is-faded)')].map(box);
          return [...document.querySelectorAll('.pin-facilities:not(.is-faded)')].map(box)
            .filter((one) => parks.some((park) => meet(one, park))).length;
        }"""
    eventually(lambda: page.evaluate(covered) == 0, "no facility is over a park")


def test_a_theme_colours_parks_and_counts_them_with_unknown_apart(
    visit: Visitor, service: str, demo_county: Running
) -> None:
    page = visit().open(f"{service}/maps/overview?lang=zh-Hans#theme=output")
    settings = page.evaluate("planningMap.settings.themes.find(({ name }) => name === 'output')")
    counts = page.locator(".theme-part .count").all_text_contents()
    assert [int(count) for count in counts] == [part["count"] for part in settings["classes"]]
    assert sum(map(int, counts)) == len(demo_county.plan.parks)
    assert settings["classes"][-1]["symbol"] == "theme.unknown"
    expect(page.locator('.legend [data-symbol="verdict.fail"]')).to_have_count(0)
    page.select_option(".theme-menu", "")
    expect(page.locator('.legend [data-symbol="verdict.fail"]')).to_be_visible()
    page.select_option(".theme-menu", "industry_group")
    expect(page).to_have_url(re.compile("theme=industry_group"))
    glyphs = page.locator(".pin-parks .glyph").all_text_contents()
    groups = demo_county.review.parks["industry_group"]
    assert len(glyphs) == int(groups.notna().sum())


def test_tab_reaches_one_park_and_arrows_the_others(visit: Visitor, service: str) -> None:
    page = visit().open(f"{service}/maps/overview?lang=zh-Hans")
    page.locator(".folium-map").focus()
    page.keyboard.press("Tab")
    focused = page.locator(".pin-parks:focus")
    expect(focused).to_have_attribute(
        "aria-label", "云阳市级特色工业园区（示意），市级特色工业园区，需关注"
    )
    start = focused.bounding_box()
    page.keyboard.press("ArrowUp")
    above = focused.bounding_box()
    assert start is not None
    assert above is not None
    assert above["y"] < start["y"]
    name = (focused.get_attribute("aria-label") or "").partition("，")[0]
    page.keyboard.press("Enter")
    expect(page.locator(".dock .sheet-title")).to_have_text(name)
    page.keyboard.press("Escape")
    expect(page.locator(".dock")).to_be_hidden()
    expect(focused).to_have_count(1)
    page.keyboard.press("Tab")
    expect(page.locator(".tools .icon-button").first).to_be_focused()


def test_a_park_s_sheet_leads_to_its_page_and_never_lies_over_it(
    visit: Visitor, service: str
) -> None:
    page = visit(width=1280, height=720).open(f"{service}/maps/overview?lang=zh-Hans")
    for name in ("YY-C-04", "YY-C-01", "YY-B-21"):
        page.evaluate("planningMap.page.reset()")
        page.evaluate(
            """(id) => {
              const { page } = planningMap;
              const item = page.find('parks', id);
              page.drawing.openAt(item.marker.getLatLng(), [item]);
            }""",
            name,
        )
        expect(page.locator(".dock .sheet-kind")).to_contain_text(name)
        over = page.evaluate(
            """(id) => {
              const pin = planningMap.page.find('parks', id).marker.getElement();
              const [park, sheet] = [pin, document.querySelector('.dock')]
                .map((element) => element.getBoundingClientRect());
              return park.left < sheet.right && park.top < sheet.bottom && park.bottom > sheet.top;
            }""",
            name,
        )
        assert not over
    page.click(".dock .park-link")
    expect(page).to_have_url(f"{service}/parks/YY-B-21")


def test_a_framed_map_has_no_second_head_search_or_note(visit: Visitor, service: str) -> None:
    page = open_page(visit, f"{service}/?lang=zh-Hans")
    frame = page.frame_locator(".map-box iframe")
    expect(frame.locator('.app[data-state="done"]')).to_be_attached()
    for name in (".top", ".query-box", ".illustrative-note", ".tabs"):
        expect(frame.locator(name)).to_be_hidden()
    frame.locator(".tools .icon-menu").click()
    expect(frame.locator('[data-layer="parks.sme_cluster"]')).to_be_visible()
