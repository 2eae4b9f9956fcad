from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from geo_service.maps.draw import draw
from geo_service.model import FocusBasis
from geo_service.planning import PlanningService as Running
from tests.browser.conftest import READY, Visitor
from tests.browser.console import in_both_windows
from tests.maps.hostile import LONG, TEXTS

pytestmark = pytest.mark.browser

COUNTY_PARKS = 48


def shown_pins(page: Page) -> int:
    return page.locator(".pin-parks").count()


def overlap(page: Page, one: str, other: str) -> bool:
    """Whether two elements that show cover each other."""
    first, second = page.locator(one).bounding_box(), page.locator(other).bounding_box()
    assert first is not None
    assert second is not None
    return (
        first["x"] < second["x"] + second["width"]
        and second["x"] < first["x"] + first["width"]
        and first["y"] < second["y"] + second["height"]
        and second["y"] < first["y"] + first["height"]
    )


def test_the_map_shows_every_park_with_counts_and_legend(
    visit: Visitor, service: str, demo_county: Running
) -> None:
    made = visit()
    asked: list[str] = []
    made.page.on("request", lambda request: asked.append(request.url))
    page = made.open(f"{service}/maps/overview")
    # Documents are fetched ahead: what the page's scripts ask for is then not asked for again.
    documents = [url for url in asked if "/features" in url]
    assert (
        len(documents)
        == len(set(documents))
        == page.evaluate("planningMap.settings.sources.length")
    )
    assert shown_pins(page) == COUNTY_PARKS
    expect(page.locator("h1")).to_have_text("云阳县工业布局总览图")
    for verdict, count in demo_county.review.verdicts.items():
        expect(page.locator(f'.count-button[data-verdict="{verdict}"] strong')).to_have_text(
            str(count)
        )
        line = page.locator(f'.legend [data-symbol="verdict.{verdict}"] .count')
        expect(line).to_have_text(str(count))
    expect(page.locator(".illustrative-note")).to_contain_text("含示意数据")
    expect(page.locator(".credits")).to_contain_text("GeoNames")
    expect(page.locator(".leaflet-control-scale-line")).to_have_count(1)
    expect(page.locator(".leaflet-control-scale-line")).to_contain_text("km")
    assert page.locator(".leaflet-control-attribution").count() == 0
    assert not overlap(page, ".tools", ".legend")


def test_a_click_on_a_park_tells_its_figures(
    visit: Visitor, service: str, demo_county: Running
) -> None:
    page = visit().open(f"{service}/maps/overview")
    page.click('[data-park="YY-C-02"]')
    sheet = page.locator(".sheet")
    expect(sheet.locator(".sheet-title")).to_contain_text("南溪镇中小企业集聚区")
    focus = demo_county.review.focus["YY-C-02"]
    share = focus.shares[FocusBasis.OUTPUT]
    assert share is not None
    expect(sheet.locator(".bar.is-judged .bar-value")).to_have_text(f"{share:.1%}")
    expect(sheet.locator(".bar")).to_have_count(4)
    expect(sheet.locator(".facts").first).to_contain_text("主导产业")
    expect(sheet).to_contain_text("示意数据")
    expect(sheet.locator(".verdict")).to_be_visible()


def test_a_click_on_the_map_opens_what_is_there(visit: Visitor, service: str) -> None:
    page = visit().open(f"{service}/maps/overview")
    page.locator(".pin-parks").last.click()
    expect(page.locator(".sheet .bar")).to_have_count(4)
    page.keyboard.press("Escape")
    expect(page.locator(".sheet")).to_have_count(0)


def test_search_finds_names_in_both_scripts_and_ids(visit: Visitor, service: str) -> None:
    page = visit().open(f"{service}/maps/overview?lang=zh-Hans")
    # What is found changes from each to the next, so that none is taken for the one before it.
    for query in ("云阳镇", "YY-B-01", "雲陽鎮", "yy-b-01"):
        page.fill("#query", query)
        lines = page.locator("#parks-page .list-line")
        expected = "双江街道" if query.lower() == "yy-b-01" else "云阳镇"
        expect(lines.first).to_contain_text(expected)
        lines.first.click()
        expect(page.locator(".sheet-title")).to_contain_text(expected)


def test_search_says_when_there_is_nothing_and_escape_clears_it(
    visit: Visitor, service: str
) -> None:
    page = visit().open(f"{service}/maps/overview")
    page.fill("#query", "没有这个地方")
    expect(page.locator("#parks-page")).to_contain_text("没有找到")
    page.keyboard.press("Escape")
    expect(page.locator("#query")).to_have_value("")
    expect(page.locator("[data-park]")).to_have_count(COUNTY_PARKS)


def test_switching_layers_changes_the_map_the_list_and_the_legend(
    visit: Visitor, service: str, demo_county: Running
) -> None:
    page = visit().open(f"{service}/maps/overview")
    page.click("#layers-tab")
    page.uncheck('[data-layer="parks.building_park"]')
    assert shown_pins(page) == 6
    expect(page.locator('.legend [data-symbol="tier.building_park"]')).to_have_count(0)
    page.check('[data-layer="parks.building_park"]')
    page.click("#parks-tab")
    for verdict in ("pass", "watch", "unknown"):
        page.click(f'.count-button[data-verdict="{verdict}"]')
    failed = demo_county.review.verdicts["fail"]
    assert shown_pins(page) == failed
    expect(page.locator("[data-park]")).to_have_count(failed)
    page.click("#layers-tab")
    zones = page.locator(".leaflet-control_zones-pane path")
    before = zones.count()
    page.check('[data-layer="control_zones.permanent_farmland"]')
    assert zones.count() > before


def test_parcels_and_buildings_show_when_zoomed_in(visit: Visitor, service: str) -> None:
    page = visit().open(f"{service}/maps/overview")
    buildings = page.locator(".leaflet-buildings-pane path")
    assert buildings.count() == 0
    page.click("#layers-tab")
    expect(page.locator(".check", has_text="楼宇").last).to_contain_text("放大后显示")
    page.click("#parks-tab")
    page.click('[data-park="YY-C-02"]')
    expect(buildings.first).to_be_attached()
    line = page.locator('.legend [data-symbol="layer.buildings"]')
    expect(line).to_be_hidden()
    page.click(".legend-more > summary")
    expect(line).to_be_visible()


def test_findings_show_when_zoomed_in_and_say_what_would_cure_them(
    visit: Visitor, service: str
) -> None:
    page = visit().open(f"{service}/maps/overview")
    page.evaluate("planningMap.page.map.setZoom(12, { animate: false })")
    shapes = page.locator(".leaflet-findings-pane path, .pin-findings")
    assert shapes.count() > 10  # of those in sight
    page.evaluate(
        """() => {
          const { page } = planningMap;
          const items = page.drawing.items.get('findings');
          const found = items.find((item) => item.feature.properties.cure);
          page.drawing.open(found, found.bounds.getCenter(), []);
        }"""
    )
    expect(page.locator(".sheet .facts")).to_contain_text("整改建议")


def test_the_keyboard_reaches_parks_and_comes_back(visit: Visitor, service: str) -> None:
    page = visit().open(f"{service}/maps/overview")
    first = page.locator("[data-park]").first
    first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".sheet")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".sheet")).to_have_count(0)
    expect(first).to_be_focused()
    page.locator("#parks-tab").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#layers-tab")).to_be_focused()
    expect(page.locator("#layers-page")).to_be_visible()


@pytest.mark.parametrize(
    ("lang", "text"), [("zh-Hant", "雲陽縣工業佈局總覽圖"), ("en", "Yunyang County")]
)
def test_languages_are_a_link_away(visit: Visitor, service: str, lang: str, text: str) -> None:
    made = visit()
    page = made.open(f"{service}/maps/overview?lang=zh-Hans")
    page.click(f'.languages a[lang="{lang}"]')
    page.wait_for_selector(READY)
    expect(page.locator("h1")).to_contain_text(text)


def test_a_small_window_folds_legend_and_panel(visit: Visitor, service: str) -> None:
    page = visit(width=390, height=844).open(f"{service}/maps/overview")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.locator(".legend-body")).to_be_hidden()
    expect(page.locator(".panel")).to_be_hidden()
    page.click(".legend-head")
    expect(page.locator(".legend-body")).to_be_visible()
    page.click(".legend-head")
    page.click(".menu-button")
    expect(page.locator(".panel")).to_be_visible()
    page.click('[data-park="YY-C-02"]')
    expect(page.locator(".panel")).to_be_hidden()
    sheet = page.locator(".sheet").bounding_box()
    assert sheet is not None
    assert sheet["x"] >= 0
    assert sheet["x"] + sheet["width"] <= 390
    page.click(".sheet .icon-close")
    expect(page.locator(".sheet")).to_have_count(0)


def test_printing_fits_one_page_with_title_legend_scale_and_date(
    visit: Visitor, service: str
) -> None:
    page = visit().open(f"{service}/maps/overview")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    expect(page.locator(".legend-body")).to_be_visible()
    expect(page.locator(".panel")).to_be_hidden()
    expect(page.locator(".print-foot")).to_contain_text(re.compile(r"1:\d"))
    expect(page.locator(".print-foot")).to_contain_text(re.compile(r"20\d\d-\d\d-\d\d"))
    size = page.locator(".app").bounding_box()
    assert size is not None
    # A4 landscape less the margins of 9 mm, at 96 dots an inch: 279 mm, 192 mm.
    assert size["width"] <= 279 / 25.4 * 96 + 1
    assert size["height"] <= 192 / 25.4 * 96 + 1
    page.emulate_media(media="screen")
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    expect(page.locator(".panel")).to_be_visible()
    paper = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1


def test_a_failing_service_is_told_in_words_and_can_be_asked_again(
    visit: Visitor, service: str
) -> None:
    made = visit(is_clean=False)
    page = made.page
    page.route("**/api/layers/parks/features**", lambda route: route.fulfill(status=503))
    page.route("**/api/layers/roads/features**", lambda route: route.abort())
    page.goto(f"{service}/maps/overview")
    alert = page.locator('.message[role="alert"]')
    expect(alert).to_be_visible()
    expect(alert).to_contain_text("未能加载")
    expect(alert).to_contain_text("园区")
    expect(alert).to_contain_text("道路")
    expect(page.locator(".pin-facilities, .leaflet-county-pane path").first).to_be_attached()
    page.unroute("**/api/layers/parks/features**")
    page.unroute("**/api/layers/roads/features**")
    page.click(".retry")
    page.wait_for_selector(READY)
    expect(alert).to_be_hidden()
    assert shown_pins(page) == COUNTY_PARKS
    assert made.outside == []


def test_an_answer_that_is_no_geojson_is_told_in_words(visit: Visitor, service: str) -> None:
    page = visit(is_clean=False).page
    page.route("**/api/layers/parks/features**", lambda route: route.fulfill(body="<html>"))
    page.goto(f"{service}/maps/overview")
    expect(page.locator('.message[role="alert"]')).to_contain_text("无法读取")


def test_a_slow_service_is_told_while_it_loads(visit: Visitor, service: str) -> None:
    made = visit()
    held: list[Route] = []
    made.page.route("**/api/layers/parks/features**", lambda route: held.append(route))  # noqa: PLW0108 - Playwright cannot take a bound built-in
    made.page.goto(f"{service}/maps/overview")
    expect(made.page.locator('.message[role="status"]')).to_contain_text("服务响应较慢")
    for route in held:
        route.continue_()
    made.page.wait_for_selector(READY)


def test_the_standalone_file_works_from_disk(
    visit: Visitor, demo_county: Running, tmp_path: Path
) -> None:
    file = tmp_path / "map.html"
    draw(demo_county.review).save(str(file))
    page = visit().open(file.as_uri())
    assert shown_pins(page) == COUNTY_PARKS
    assert page.locator(".languages").count() == 0
    page.fill("#query", "南溪")
    page.locator("#parks-page .list-line").first.click()
    expect(page.locator(".sheet .bar")).to_have_count(4)


def test_a_notebook_s_frame_shows_the_map(
    visit: Visitor, demo_county: Running, tmp_path: Path
) -> None:
    shell = tmp_path / "notebook.html"
    shown = draw(demo_county.review)._repr_html_()
    shell.write_text(f"<!doctype html><meta charset=utf-8>{shown}", encoding="utf-8")
    page = visit().page
    page.goto(shell.as_uri())
    frame = page.frame_locator("iframe")
    expect(frame.locator(READY)).to_be_attached()
    expect(frame.locator(".pin-parks")).to_have_count(COUNTY_PARKS)


# ---- hostile values ----


def read_everything(page: Page) -> None:
    """Open, hover and search every park; the texts must show as texts."""
    names = page.locator("#parks-page [data-park] .list-name")
    found = names.all_text_contents()
    assert sorted(found) == sorted((*TEXTS, LONG))
    for place in range(len(TEXTS)):
        page.click(f'[data-park="P{place}"]')
        expect(page.locator(".sheet-title")).to_have_text(TEXTS[place])
        page.keyboard.press("Escape")
        expect(page.locator(".sheet")).to_have_count(0)
    for text in TEXTS:
        page.fill("#query", text)
    page.fill("#query", "")
    page.locator(".pin-townships").first.hover()


def assert_text_stayed_text(page: Page) -> None:
    assert page.locator("img[onerror], svg[onload], iframe").count() == 0
    scripts = page.locator("script").evaluate_all("all => all.map(one => one.textContent)")
    assert not [text for text in scripts if text.strip().startswith("alert(")]


def test_hostile_values_show_as_text_on_the_served_page(
    visit: Visitor, hostile_service: str
) -> None:
    page = visit().open(f"{hostile_service}/maps/overview?lang=zh-Hans")
    read_everything(page)
    assert_text_stayed_text(page)


def test_hostile_values_show_as_text_on_the_standalone_page(
    visit: Visitor, hostile: Running, tmp_path: Path
) -> None:
    file = tmp_path / "hostile.html"
    draw(hostile.review).save(str(file))
    page = visit().open(file.as_uri())
    read_everything(page)
    assert_text_stayed_text(page)


def test_a_name_of_ten_thousand_characters_breaks_nothing(
    visit: Visitor, hostile_service: str
) -> None:
    page = visit(width=390, height=844).open(f"{hostile_service}/maps/overview")
    page.click(".menu-button")
    line = page.locator(f'[data-park="P{len(TEXTS)}"]')
    box = line.bounding_box()
    assert box is not None
    assert box["height"] < 80
    line.click()
    for width in in_both_windows(page):
        sheet = page.locator(".sheet").bounding_box()
        assert sheet is not None
        assert sheet["width"] <= 390
        assert sheet["height"] < 800
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    box = line.bounding_box()
    assert box is not None
    assert box["height"] < 80


def test_the_guard_notes_what_asks_for_anything_outside(visit: Visitor) -> None:
    made = visit(is_clean=False)
    asking = "(url) => fetch(url, { mode: 'no-cors' }).catch(() => 'failed')"
    for url in ("http://192.0.2.1/x", "https://example.org/y"):
        assert made.page.evaluate(asking, url) == "failed"
    assert made.outside == ["http://192.0.2.1/x", "https://example.org/y"]
