from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from geo_service.planning import PlanningService as Running
from tests.browser.conftest import READY, Visitor, serving
from tests.browser.console import settle
from tests.county import County, box, in_degrees, parcel, zone
from tests.patience import eventually

pytestmark = pytest.mark.browser

COLUMNS, ROWS, STEP_M = 100, 50, 50
STATUSES = ("vacant", "built", "idle")
TILES_READY = '.app[data-tiles="done"]'
ATTACK = "<img src=x onerror=alert(1)>{{7*7}}"


def status_of(place: int) -> str:
    """Bands of columns: each has one status."""
    return STATUSES[place % COLUMNS // 34]


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Running:
    """Return a county of 5,000 parcels of 40 m, which are above the threshold, and a red line."""
    made = County()
    made.layers["parcels"] = [
        parcel(
            f"L{place:04d}",
            box(STEP_M * (place % COLUMNS), STEP_M * (place // COLUMNS), 40, 40),
            status=status_of(place),
            idle_since="2024-01-01" if status_of(place) == "idle" else None,
            park_id="P1" if place == 0 else None,
            source=ATTACK,
        )
        for place in range(COLUMNS * ROWS)
    ]
    made.layers["control_zones"].append(zone("Z1", box(0, 3_000, 500, 300), kind="heritage"))
    return Running.open(made.write(tmp_path_factory.mktemp("many")))


@pytest.fixture(scope="module")
def address(county: Running) -> Iterator[str]:
    """Serve the county."""
    with serving(county) as found:
        yield f"{found}/maps/overview"


def go(page: Page, x_m: float, y_m: float, zoom: float) -> None:
    """Put a place, in metres from the county's origin, into the middle and wait for its tiles."""
    middle = in_degrees(box(x_m, y_m, 0.001, 0.001)).centroid
    page.evaluate(
        "([lat, lng, zoom]) => planningMap.page.map.setView([lat, lng], zoom, { animate: false })",
        [middle.y, middle.x, zoom],
    )
    settle(page)
    page.wait_for_selector(TILES_READY)


def click_at(page: Page, x_m: float, y_m: float) -> None:
    """Click on a place given in metres from the county's origin."""
    middle = in_degrees(box(x_m, y_m, 0.001, 0.001)).centroid
    point = page.evaluate(
        """([lat, lng]) => {
          const { map } = planningMap.page;
          const { x, y } = map.latLngToContainerPoint([lat, lng]);
          const frame = map.getContainer().getBoundingClientRect();
          return [frame.left + x, frame.top + y];
        }""",
        [middle.y, middle.x],
    )
    page.mouse.move(*point)
    page.mouse.click(*point)


def colour_at(page: Page, x_m: float, y_m: float) -> list[int]:
    """Return what tiles paint at a place: red, green, blue, alpha."""
    middle = in_degrees(box(x_m, y_m, 0.001, 0.001)).centroid
    found: list[int] = page.evaluate(
        """([lat, lng]) => {
          const { map } = planningMap.page;
          const at = map.latLngToContainerPoint([lat, lng]);
          const frame = map.getContainer().getBoundingClientRect();
          for (const canvas of document.querySelectorAll('.leaflet-parcels-pane canvas')) {
            const box = canvas.getBoundingClientRect();
            const [x, y] = [frame.left + at.x - box.left, frame.top + at.y - box.top];
            if (x >= 0 && y >= 0 && x < box.width && y < box.height && canvas.width > 1) {
              const scale = canvas.width / box.width;
              const dot = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
              dot.drawImage(canvas, Math.floor(x * scale), Math.floor(y * scale), 1, 1, 0, 0, 1, 1);
              return [...dot.getImageData(0, 0, 1, 1).data];
            }
          }
          return [0, 0, 0, 0];
        }""",
        [middle.y, middle.x],
    )
    return found


def test_a_big_layer_comes_as_tiles_and_the_page_has_no_features(
    visit: Visitor, address: str
) -> None:
    made = visit()
    asked: list[str] = []
    made.page.on("request", lambda request: asked.append(request.url))
    page = made.open(address)
    assert len(page.content()) < 300_000
    go(page, 2_500, 1_250, 15)
    assert [url for url in asked if "/tiles/parcels/" in url]
    assert not [url for url in asked if "/layers/parcels/" in url]
    assert page.locator(".leaflet-parcels-pane path").count() == 0
    expect(page.locator('.legend [data-symbol="status.built"]')).to_have_count(1)


def test_each_class_has_its_colour_at_every_zoom(visit: Visitor, address: str) -> None:
    page = visit().open(address)
    for zoom in (12.5, 14, 15.5, 16, 18.25):  # at 12.5 a parcel takes less than two pixels
        assert_colours(page, zoom)


def assert_colours(page: Page, zoom: float) -> None:
    """Fail unless two classes of parcels and the ground beside have their colours at a zoom."""
    # The middles of the parcels in columns 10 and 50: vacant and built.
    go(page, 520, 1_020, zoom)
    # #d7ebf7 at three quarters and #e4ddcf at 0.85: canvases hold colours apart from alpha.
    assert colour_at(page, 520, 1_020) == pytest.approx([0xD7, 0xEB, 0xF7, 191], abs=20)
    go(page, 2_520, 1_020, zoom)
    assert colour_at(page, 2_520, 1_020) == pytest.approx([0xE4, 0xDD, 0xCF, 217], abs=20)
    go(page, 2_520, 4_000, zoom)
    assert colour_at(page, 2_520, 4_000)[3] == 0


def test_a_layer_narrowed_to_some_ids_shows_no_other(visit: Visitor, address: str) -> None:
    page = visit().open(address)
    go(page, 2_520, 1_020, 16)
    beside = 2_520 - 2 * STEP_M
    assert colour_at(page, beside, 1_020)[3] > 0
    # Row 20, column 50.
    page.evaluate("planningMap.page.filter('parcels', ['L2050'])")
    eventually(lambda: not colour_at(page, beside, 1_020)[3], "the parcel beside is gone")
    assert colour_at(page, 2_520, 1_020)[3] > 0


def test_a_click_tells_of_the_parcel_in_the_reader_s_words(visit: Visitor, address: str) -> None:
    page = visit().open(f"{address}?lang=zh-Hans")
    go(page, 2_520, 1_520, 17)
    # Column 50 of row 30, which has no park: nothing else lies there but the open ground.
    click_at(page, 2_520, 1_520)
    sheet = page.locator(".sheet")
    expect(sheet.locator(".sheet-title")).to_have_text("L3050")
    expect(sheet).to_contain_text("已建宗地")
    expect(sheet).to_contain_text("2.4 亩（0.16 公顷）")
    expect(page.locator(".leaflet-selection-pane path").first).to_be_attached()
    page.keyboard.press("Escape")
    expect(page.locator(".sheet")).to_have_count(0)


def test_a_click_where_a_park_lies_below_opens_the_parcel_first(
    visit: Visitor, address: str
) -> None:
    page = visit().open(address)
    go(page, 20, 20, 17)
    click_at(page, 20, 20)
    expect(page.locator(".sheet-title")).to_have_text("L0000")
    expect(page.locator(".sheet .also")).to_contain_text("P1")


def test_a_click_beside_everything_asks_about_the_place(visit: Visitor, address: str) -> None:
    page = visit().open(address)
    # Between two parcels: 40 to 50 m.
    go(page, 4_545, 2_245, 18)
    click_at(page, 4_545, 2_245)
    expect(page.locator(".sheet")).to_be_visible()
    expect(page.locator(".sheet-title")).not_to_have_text(re.compile(r"^L\d{4}$"))


def test_the_pointer_over_a_parcel_shows_its_name(visit: Visitor, address: str) -> None:
    page = visit().open(address)
    go(page, 2_520, 1_520, 16)
    size = page.viewport_size
    assert size is not None
    stage = page.locator(".stage").bounding_box()
    assert stage is not None
    page.mouse.move(stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2)
    expect(page.locator(".tip-tile")).to_contain_text("L3050")


def test_paper_shows_the_tiles_that_were_on_the_screen(visit: Visitor, address: str) -> None:
    page = visit().open(address)
    go(page, 2_520, 1_020, 16)
    built = page.locator('.legend [data-symbol="status.built"]')
    # What a browser does before it prints: it does not wait for tiles of the paper's own zoom.
    zoom, painted = page.evaluate(
        """() => {
          window.dispatchEvent(new Event('beforeprint'));
          const tiles = [...document.querySelectorAll('.leaflet-parcels-pane canvas')];
          return [planningMap.page.map.getZoom(), tiles.filter(({ width }) => width > 1).length];
        }"""
    )
    assert zoom < 16
    assert painted > 0
    expect(built).to_have_count(1)
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    settle(page)
    page.wait_for_selector(TILES_READY)
    assert page.evaluate("planningMap.page.map.getZoom()") == 16
    assert colour_at(page, 2_520, 1_020) == pytest.approx([0xE4, 0xDD, 0xCF, 217], abs=20)


def test_switching_the_layer_off_takes_its_tiles_away(visit: Visitor, address: str) -> None:
    page = visit().open(address)
    go(page, 2_500, 1_250, 15)
    canvases = page.locator(".leaflet-parcels-pane canvas")
    expect(canvases.first).to_be_attached()
    page.click("#layers-tab")
    page.uncheck('[data-layer="parcels"]')
    expect(canvases).to_have_count(0)
    expect(page.locator('.legend [data-symbol="status.built"]')).to_have_count(0)
    page.check('[data-layer="parcels"]')
    expect(canvases.first).to_be_attached()
    page.wait_for_selector(TILES_READY)
    assert colour_at(page, 2_520, 1_220)[3] > 0


def test_tiles_are_as_sharp_as_the_screen(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 900, "height": 700}, device_scale_factor=2)
    try:
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector(READY)
        for zoom in (15, 15.25, 15.75):
            go(page, 2_500, 1_250, zoom)
            ratios = page.evaluate(
                """() => [...document.querySelectorAll('.leaflet-parcels-pane canvas')]
                  .filter((canvas) => canvas.width > 1)
                  .map((canvas) => canvas.width / canvas.getBoundingClientRect().width)"""
            )
            assert ratios
            assert ratios == pytest.approx([2] * len(ratios), abs=0.02), zoom
    finally:
        context.close()


def test_what_cannot_be_had_is_said_and_asked_for_again(visit: Visitor, address: str) -> None:
    made = visit(is_clean=False)
    page = made.page
    is_down = False

    def answer(route: Route) -> None:
        if is_down:
            route.fulfill(status=503, body="{}")
        else:
            route.continue_()

    page.route("**/tiles/**", answer)
    made.open(address)
    is_down = True
    go(page, 2_520, 1_520, 16)
    assert colour_at(page, 2_520, 1_520)[3] == 0
    message = page.locator(".messages, .message").first
    expect(message).to_contain_text("503")
    is_down = False
    message.locator("button").first.click()
    expect(message).to_be_hidden()
    eventually(lambda: colour_at(page, 2_520, 1_520)[3], "the parcel is drawn")
    assert made.dialogs == []
