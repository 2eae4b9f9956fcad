"""Maps for those who use a keyboard or a screen reader, and maps of a workspace without data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from geo_service.planning import PlanningService as Running
from geo_service.suitability.project import parse_project
from geo_service.zoning.rulebook import parse_rulebook
from tests.browser.conftest import Visitor, serving
from tests.browser.console import serious, settle
from tests.conftest import copy_demo
from tests.county import County

pytestmark = pytest.mark.browser

STRICTER = (
    'format: "1"\ntitle: {en: stricter}\nextends: default\n'
    "rules: {focus.leading_share: {parameters: {pass_share: 0.85}}}\n"
)
READY = '.app[data-state="done"]'
PROJECT = {"name": "试", "industry_code": "3841", "needs": {"land_m2": 20_000}}


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Serve the demo county; the address of a map of each kind."""
    county = Running.open(copy_demo(tmp_path_factory.mktemp("reach")))
    later = county.reviews.make(parse_rulebook(STRICTER, "stricter"), is_trial=True).review_id
    ranked = county.rankings.rank(parse_project(json.dumps(PROJECT))).ranking_id
    with serving(county) as address:
        yield {
            "overview": f"{address}/maps/overview",
            "review": f"{address}/maps/review",
            "park": f"{address}/maps/park?park_id=YY-C-02",
            "compare": f"{address}/maps/compare?before={county.review.review_id}&review_id={later}",
            "ranking": f"{address}/maps/ranking?ranking_id={ranked}",
            "time": f"{address}/maps/time?layer=parcels",
        }


@pytest.mark.parametrize("kind", ["overview", "review", "park", "compare", "ranking", "time"])
def test_a_screen_reader_can_use_a_map_in_both_windows(
    visit: Visitor, maps: dict[str, str], kind: str
) -> None:
    page = visit().page
    page.goto(maps[kind])
    page.wait_for_selector(READY)
    assert serious(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    settle(page)
    assert serious(page) == []


def test_a_legend_that_scrolls_can_be_reached_by_keyboard(
    visit: Visitor, maps: dict[str, str]
) -> None:
    page = visit(height=420).page
    page.goto(maps["park"])
    page.wait_for_selector(READY)
    legend = page.locator("#legend-body")
    expect(legend).to_be_hidden()  # in a window so low it waits to be asked for
    page.locator("[aria-controls=legend-body]").click()
    expect(legend).to_have_attribute("tabindex", "0")
    legend.focus()
    page.keyboard.press("End")
    page.wait_for_function("(node) => node.scrollTop > 0", arg=legend.element_handle())


def test_a_map_without_parks_says_what_is_missing_and_where_to_bring_it_in(
    visit: Visitor, tmp_path: Path
) -> None:
    made = County()
    made.layers = {
        name: rows for name, rows in made.layers.items() if name in {"county", "townships", "parks"}
    }
    folder = made.write(tmp_path)
    nothing = {"type": "FeatureCollection", "features": []}
    for name in ("parks", "approved_areas"):
        (folder / f"{name}.geojson").write_text(json.dumps(nothing), encoding="utf-8")
    with serving(Running.open(folder)) as address:
        page = visit().page
        page.goto(f"{address}/maps/overview?lang=zh-Hans")
        page.wait_for_selector(READY)
        note = page.locator(".empty-note")
        expect(note).to_be_visible()
        expect(note).to_contain_text("园区")
        expect(note.get_by_role("link")).to_have_attribute("href", "/data")
