"""The tools of a map: measure, area, identify, permalink, keyboard, and words with the console."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyproj
import pytest
from playwright.sync_api import Page, expect

from geo_service.maps.draw import draw
from geo_service.planning import PlanningService as Running
from tests.browser.conftest import READY, Visitor
from tests.browser.console import hear_out
from tests.words import word

pytestmark = pytest.mark.browser

GEOD = pyproj.Geod(ellps="GRS80")
RED_LINE = (
    "planningMap.page.drawing.items.get('control_zones')"
    ".find(({ key }) => key === 'zone.ecological_red_line')"
)


def click_at(page: Page, lng: float, lat: float) -> None:
    """Click on the map at a longitude and latitude."""
    point = page.evaluate(
        """([lng, lat]) => {
          const { map } = planningMap.page.drawing;
          const { x, y } = map.latLngToContainerPoint([lat, lng]);
          const box = map.getContainer().getBoundingClientRect();
          return [x + box.x, y + box.y];
        }""",
        [lng, lat],
    )
    page.mouse.click(*point)


def test_lengths_and_areas_are_those_of_the_ellipsoid(visit: Visitor, service: str) -> None:
    page = visit().open(f"{service}/maps/overview")
    for places in (
        [(108.7, 30.9), (108.71, 30.9), (108.71, 30.91)],
        [(108.45, 30.6), (109.2, 30.7), (109.0, 31.4), (108.5, 31.2)],
        [(-0.001, 0.0), (0.001, 0.001), (0.0, 0.002)],
    ):
        assert_measured(page, places)


def assert_measured(page: Page, places: list[tuple[float, float]]) -> None:
    """Fail unless the page measures a line and an area as a library of geodesics does."""
    measured: list[float] = page.evaluate(
        """places => {
          const found = places.map(([lng, lat]) => ({ lng, lat }));
          return [planningMap.geodesy.length(found), planningMap.geodesy.area(found)];
        }""",
        places,
    )
    lons, lats = zip(*places, strict=True)
    area, _ = GEOD.polygon_area_perimeter(lons, lats)
    assert measured[0] == pytest.approx(GEOD.line_length(lons, lats), rel=1e-9, abs=1e-4)
    # Edges are great circles of the authalic sphere here, geodesics there.
    assert measured[1] == pytest.approx(abs(area), rel=2e-6)


def test_measuring_tells_length_and_area_in_every_unit(visit: Visitor, service: str) -> None:
    page = visit().open(f"{service}/maps/overview")
    page.click(".icon-measure")
    for place in ((108.6, 31.0), (108.9, 31.0), (108.9, 31.2)):
        click_at(page, *place)
    card = page.locator(".tool-card")
    expect(card).to_contain_text("长度")
    for unit in ("km", "m²", "公顷", "亩"):
        expect(card).to_contain_text(unit)
    expect(page.locator(".sheet")).to_have_count(0)
    card.get_by_role("button", name="删除末点").click()
    expect(card).not_to_contain_text("公顷")
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    expect(page.locator(".leaflet-routes-pane path")).to_have_count(0)


def test_measuring_goes_by_keyboard(visit: Visitor, service: str) -> None:
    page = visit().open(f"{service}/maps/overview")
    page.locator(".icon-measure").press("Enter")
    expect(page.locator(".leaflet-container")).to_be_focused()
    page.keyboard.press("Enter")
    page.evaluate(
        """() => {
          window.moved = new Promise((done) => planningMap.page.map.once('moveend', () => done()));
        }"""
    )
    page.keyboard.press("ArrowRight")
    page.evaluate("() => moved")
    page.keyboard.press("Enter")
    expect(page.locator(".tool-card dd").first).to_contain_text("km")
    page.keyboard.press("Backspace")
    expect(page.locator(".tool-card dd").first).to_have_text("0 m")


def test_a_drawn_area_is_told_its_red_line(visit: Visitor, service: str) -> None:
    page = visit().open(f"{service}/maps/overview")
    box: list[float] = page.evaluate(f"{RED_LINE}.bounds.toBBoxString().split(',').map(Number)")
    page.click(".icon-area")
    for lng, lat in ((0, 1), (2, 1), (2, 3), (0, 3)):
        click_at(page, box[lng], box[lat])
    page.get_by_role("button", name="查询此范围").click()
    answer = page.locator(".answer")
    expect(answer).to_contain_text("生态保护红线")
    expect(answer).to_contain_text("不占用生态保护红线")
    expect(answer).to_contain_text("平面面积（EPSG:4545）")


def test_a_click_anywhere_says_what_is_there(visit: Visitor, service: str) -> None:
    page = visit().open(f"{service}/maps/overview")
    place: dict[str, float] = page.evaluate(f"(({{ largest }}) => largest.getCenter())({RED_LINE})")
    click_at(page, place["lng"], place["lat"])
    sheet = page.locator(".sheet")
    expect(sheet).to_be_visible()
    if sheet.get_by_role("button", name="此处是什么").count():
        sheet.get_by_role("button", name="此处是什么").click()
    expect(sheet.locator(".sheet-title").last).to_have_text("此处是什么")
    for words in (
        "所在乡镇街道",
        "生态保护红线",
        word("severity.must"),
        "最近河道管理范围",
        "坡度",
        "最近的设施",
    ):
        expect(sheet.last).to_contain_text(words)


def test_the_middle_of_the_map_is_asked_about_by_keyboard(visit: Visitor, service: str) -> None:
    page = visit().open(f"{service}/maps/overview")
    page.locator(".leaflet-container").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".sheet .sheet-title")).to_have_text("此处是什么")
    expect(page.locator(".sheet")).to_contain_text("经纬度")


def test_a_service_that_fails_is_told_in_words(visit: Visitor, service: str) -> None:
    page = visit(is_clean=False).open(f"{service}/maps/overview")
    page.route("**/api/identify*", lambda route: route.fulfill(status=503, body="{}"))
    page.locator(".leaflet-container").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".sheet .failed")).to_contain_text("503")


def test_a_standalone_page_answers_from_what_it_carries(
    visit: Visitor, demo_county: Running, tmp_path: Path
) -> None:
    file = tmp_path / "map.html"
    draw(demo_county.review).save(str(file))
    page = visit().open(file.as_uri())
    page.locator(".leaflet-container").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".sheet")).to_contain_text("离线文件")
    expect(page.locator(".sheet")).to_contain_text("最近的设施")
    page.keyboard.press("Escape")
    page.click(".icon-reset")
    page.click(".icon-area")
    for place in ((108.4, 30.6), (109.2, 30.6), (109.0, 31.3)):
        click_at(page, *place)
    page.get_by_role("button", name="查询此范围").click()
    expect(page.locator(".answer")).to_contain_text("不计算重叠面积")
    expect(page.locator(".answer")).to_contain_text("园区")
    page.keyboard.press("Escape")
    page.click(".icon-help")
    expect(page.locator(".tool-card")).to_contain_text("离线文件")


# ---- the link -------------------------------------------------------------------------------


def test_the_link_brings_back_view_layers_and_selection(visit: Visitor, service: str) -> None:
    page = visit().open(f"{service}/maps/overview")
    page.click('[data-park="YY-C-02"]')
    page.click("#layers-tab")
    page.uncheck('[data-layer="parks.building_park"]')
    page.check('[data-layer="control_zones.permanent_farmland"]')
    page.click(".icon-link")
    address = page.locator(".address").input_value()
    assert "off=parks.building_park" in address
    again = visit().open(address)
    expect(again.locator(".sheet-title")).to_contain_text("南溪镇")
    state = """() => {
      const { page } = planningMap;
      const { lat, lng } = page.map.getCenter();
      return [page.map.getZoom(), lat.toFixed(3), lng.toFixed(3), [...page.shown].sort()];
    }"""
    assert again.evaluate(state) == page.evaluate(state)


@pytest.mark.parametrize(
    "hash_text",
    [
        "#view=99/0/0&on=nothing&at=parks:none",
        "#view=abc&off=__proto__,constructor&at=__proto__:x",
        "#view=12/30.9/108.7/<img src=x onerror=alert(1)>&at=parks:<img src=x onerror=alert(1)>",
        "#" + "x" * 9000,
        "#at=parks:%00%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "#view=1e3/NaN/Infinity",
    ],
)
def test_a_link_that_is_wrong_is_left_out(visit: Visitor, service: str, hash_text: str) -> None:
    page = visit().open(f"{service}/maps/overview{hash_text}")
    expect(page.locator(".pin-parks")).to_have_count(48)
    zoom = page.evaluate("planningMap.page.map.getZoom()")
    assert 8 < zoom < 13
    expect(page.locator(".sheet")).to_have_count(0)


# ---- the page around it ---------------------------------------------------------------------


def framed(page: Page, service: str) -> None:
    """Put the map into a frame of a page of the service, and note what it says."""
    page.goto(f"{service}/healthz")
    page.evaluate(
        """(address) => {
          window.said = [];
          addEventListener('message', (event) => said.push(event.data));
          const frame = document.createElement('iframe');
          frame.style.cssText = 'width:900px;height:600px';
          frame.src = address;
          document.body.append(frame);
        }""",
        f"{service}/maps/overview",
    )
    page.wait_for_function("said.some((message) => message.geo === 'ready')")


def tell(page: Page, message: dict[str, Any]) -> None:
    page.evaluate(
        """message => {
          const { contentWindow } = document.querySelector('iframe');
          contentWindow.postMessage(message, location.origin);
        }""",
        message,
    )


@pytest.fixture
def shell(visit: Visitor, service: str) -> Page:
    """Return a page of the service with the overview in a frame, ready."""
    made = visit(is_clean=False)
    made.page.route(
        "**/healthz",
        lambda route: route.fulfill(body="<!doctype html><body>", content_type="text/html"),
    )
    framed(made.page, service)
    return made.page


def test_the_page_around_selects_and_narrows(shell: Page) -> None:
    frame = shell.frame_locator("iframe")
    tell(shell, {"geo": "select", "layer": "parks", "id": "YY-C-02"})
    expect(frame.locator(".sheet-title")).to_contain_text("南溪镇")
    tell(shell, {"geo": "filter", "layer": "parks", "ids": ["YY-C-02", "YY-C-03"]})
    expect(frame.locator(".pin-parks")).to_have_count(2)
    tell(shell, {"geo": "filter", "layer": "parks", "ids": None})
    expect(frame.locator(".pin-parks")).to_have_count(48)
    # What the page asked for is not said back.
    assert shell.evaluate("said.filter((message) => message.geo === 'selected').length") == 0


def test_a_choice_on_the_map_is_said(shell: Page) -> None:
    frame = shell.frame_locator("iframe")
    frame.locator('.pin-parks[aria-label^="高阳镇中小企业集聚区"]').click()
    shell.wait_for_function("said.some((message) => message.geo === 'selected')")
    said = shell.evaluate("said.filter((message) => message.geo === 'selected')")
    assert said[0] == {"geo": "selected", "layer": "parks", "id": "YY-C-03"}
    frame.locator(".sheet .icon-close").click()
    shell.wait_for_function("said.at(-1).id === null")


NO_MESSAGES: tuple[dict[str, Any], ...] = (
    {"geo": "select", "layer": "__proto__", "id": "x"},
    {"geo": "select", "layer": "parks", "id": {"a": 1}},
    {"geo": "select", "layer": "parks", "id": "no such park"},
    {"geo": "filter", "layer": "parks", "ids": "all"},
    {"geo": "eval", "layer": "parks", "id": "alert(1)"},
    {"layer": "parks"},
)


def test_what_is_no_message_is_left_alone(shell: Page) -> None:
    frame = shell.frame_locator("iframe")
    for message in NO_MESSAGES:
        tell(shell, message)
        hear_out(shell.frames[1])
        assert (frame.locator(".sheet").count(), message) == (0, message)
        assert (frame.locator(".pin-parks").count(), message) == (48, message)


def test_a_page_of_another_origin_is_not_listened_to(
    visit: Visitor, demo_county: Running, service: str
) -> None:
    del demo_county
    page = visit(is_clean=False).open(f"{service}/maps/overview")
    page.evaluate(
        """() => window.dispatchEvent(new MessageEvent('message', {
          origin: 'https://elsewhere.example', source: window.parent,
          data: { geo: 'filter', layer: 'parks', ids: [] } }))"""
    )
    expect(page.locator(".pin-parks")).to_have_count(48)
    expect(page.locator(READY)).to_have_count(1)
