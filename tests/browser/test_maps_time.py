"""The slider through the versions of a layer, in Chromium: served, from disk, hostile, small."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from geo_service.planning import PlanningService as Running
from geo_service.planning.drawn_maps import MapRequest, draw_workspace
from tests.browser.conftest import Visitor, serving
from tests.maps.made import publish_history, small_county

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a county whose parcels were published twice."""
    made = small_county().write(tmp_path_factory.mktemp("time"))
    publish_history(made)
    return made


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """Serve it."""
    with serving(Running.open(folder)) as found:
        yield f"{found}/maps/time?layer=parcels"


def listed(page: Page) -> list[str]:
    return page.locator(".list-line .list-name").all_text_contents()


def test_the_slider_goes_through_the_versions_by_mouse_and_keyboard(
    visit: Visitor, address: str
) -> None:
    page = visit().open(address)
    slider = page.get_by_role("slider", name="版本")
    expect(page.locator(".timeline-label")).to_contain_text("第 2 版")
    assert listed(page) == ["M1"]
    slider.press("ArrowLeft")
    expect(page.locator(".timeline-told")).to_contain_text("新增 0 · 修改 1 · 删除 1，共 2 项")
    assert sorted(listed(page)) == ["L1", "L2"]
    page.get_by_role("button", name="上一版本").click()
    expect(page.locator(".timeline-told")).to_contain_text("最早保留的版本，共 3 项")
    assert listed(page) == []
    expect(page.get_by_role("button", name="上一版本")).to_be_disabled()
    page.get_by_role("button", name="播放").click()
    expect(page.locator(".timeline-label")).to_contain_text("第 2 版")


def test_a_change_says_what_it_was_and_the_link_keeps_the_version(
    visit: Visitor, address: str
) -> None:
    page = visit().open(f"{address}#step=1")
    expect(page.locator(".timeline-label")).to_contain_text("第 1 版")
    page.locator(".list-line", has_text="L1").click()
    expect(page.locator(".sheet")).to_contain_text("状态：未建宗地 → 已建宗地")
    expect(page.locator(".sheet")).to_contain_text(
        "10,000 m²（合 15.0 亩）→ 11,000 m²（合 16.5 亩）"
    )
    page.wait_for_function("window.location.hash.includes('step=1')")
    again = visit().open(f"{address}#step=99")
    expect(again.locator(".timeline-label")).to_contain_text("第 2 版")


def test_another_layer_is_chosen_on_the_bar(visit: Visitor, address: str) -> None:
    page = visit().open(address)
    page.get_by_role("combobox", name="图层").select_option("parks")
    page.wait_for_url("**layer=parks**")
    expect(page.locator("h1")).to_contain_text("园区版本时间图")
    expect(page.locator(".timeline-told")).to_contain_text("最早保留的版本，共 2 项")


def test_it_opens_from_disk_and_fits_a_small_window(
    visit: Visitor, folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "time.html"
    drawn = draw_workspace(folder, MapRequest(kind="time", layer="parcels"))
    file.write_text(drawn.get_root().render(), encoding="utf-8")
    page = visit(width=390, height=700).open(file.as_uri())
    page.get_by_role("slider", name="版本").press("Home")
    expect(page.locator(".timeline-label")).to_contain_text("第 0 版")
    bar, window = page.locator(".timeline").bounding_box(), page.viewport_size
    assert bar is not None
    assert window is not None
    assert bar["x"] >= 0
    assert bar["x"] + bar["width"] <= window["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= window["width"]


def test_paper_carries_the_version_that_is_shown(visit: Visitor, address: str) -> None:
    page = visit().open(f"{address}#step=1")
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    expect(page.locator(".timeline-label")).to_be_visible()
    expect(page.locator(".timeline-row")).to_be_hidden()
