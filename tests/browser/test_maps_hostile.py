"""A hostile county through every kind of map, popup, tooltip, legend, search and file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from geo_service.language import Language, Translator
from geo_service.maps.draw import draw, draw_states
from geo_service.maps.kinds.time import TimeData
from geo_service.planning import PlanningService as Running
from geo_service.planning.layers import newest_layer, publish, timeline_of
from geo_service.suitability.project import parse_project
from geo_service.zoning.rulebook import parse_rulebook
from tests.browser.conftest import Visitor, serving
from tests.browser.console import in_both_windows
from tests.maps.hostile import HOSTILE_PROJECT, HOSTILE_RULES, TEXTS

pytestmark = pytest.mark.browser

KINDS = ("overview", "review", "park", "compare", "ranking", "time")


@pytest.fixture(scope="module")
def results(hostile: Running) -> dict[str, Any]:
    """Return two reviews, the later one by a hostile rulebook, a ranking, and a history."""
    later = hostile.reviews.make(parse_rulebook(HOSTILE_RULES, "hostile"))
    ranked = hostile.rankings.rank(parse_project(json.dumps(HOSTILE_PROJECT)))
    first = hostile.review
    now = newest_layer(hostile.workspace.at, "parks")
    publish(
        hostile.workspace.at,
        "parks",
        now.frame.assign(speciality=TEXTS[5]),
        expected=now.version,
        note=" ".join(TEXTS),
        source=TEXTS[4],
    )
    timeline = timeline_of(hostile.workspace, "parks")
    return {"before": first, "after": later, "ranking": ranked, "time": timeline}


@pytest.fixture(scope="module")
def addresses(hostile: Running, results: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Serve the county; the address of a map of each kind."""
    later, first = results["after"].review_id, results["before"].review_id
    with serving(hostile) as root:
        yield {
            "overview": f"{root}/maps/overview",
            "review": f"{root}/maps/review?review_id={later}",
            "park": f"{root}/maps/park?park_id=P0&review_id={later}",
            "compare": f"{root}/maps/compare?before={first}&review_id={later}",
            "ranking": f"{root}/maps/ranking?ranking_id={results['ranking'].ranking_id}",
            "time": f"{root}/maps/time?layer=parks",
        }


def drawn(kind: str, results: dict[str, Any], language: str) -> Any:  # noqa: ANN401 - a map
    if kind == "time":
        plan = results["after"].plan
        return draw_states((TimeData(results["time"], plan, Translator(Language(language))),))
    if kind == "ranking":
        return draw(results["ranking"], language=language)
    options: dict[str, Any] = {"kind": kind, "language": language}
    if kind == "park":
        options["park_id"] = "P0"
    if kind == "compare":
        options["before"] = results["before"]
    return draw(results["after"], **options)


def read_everything(page: Page) -> None:
    """Open every popup and tooltip, show every layer, ask every question; assert it is text."""
    page.click("#layers-tab")
    for box in page.locator("[data-layer]").all():
        if not box.is_checked():
            box.check()
    page.click("#parks-tab")
    page.evaluate(
        """async () => {
          const { page } = planningMap;
          page.map.fitBounds([[30.88, 107.98], [31.0, 108.12]], { animate: false });
          // Put into the page at the end and unseen: a growing page is slow to lay out.
          const seen = document.createElement('div');
          seen.hidden = true;
          const told = new Set();
          const opened = new Set();
          for (const item of page.all()) {
            // What stands in both of two states in the same words is read once.
            const words = item.source.name + JSON.stringify(item.feature.properties);
            if (told.has(words)) {
              continue;
            }
            told.add(words);
            seen.append(planningMap.tooltip(item));
            const { drawing } = item;
            const others = page.all().slice(0, 5);
            const open = () => drawing.open(item, drawing.boundsOf(item).getCenter(), others);
            if (opened.has(item.source.name)) {
              // The map lays out one popup of each source; of the others what is in them is read.
              drawing.openSheet = (content) => seen.append(content);
              open();
              delete drawing.openSheet;
              continue;
            }
            opened.add(item.source.name);
            open();
            page.selectItem(item);
            seen.append(drawing.page.dock.sheet.cloneNode(true));
          }
          document.body.append(seen);
          const names = page.all().map((item) => String(planningMap.nameOf(item)).slice(0, 80));
          for (const text of new Set(names)) {
            page.search(text);
          }
          page.search('');
        }"""
    )
    page.locator(".leaflet-container").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".dock .sheet").last).to_contain_text("经纬度")
    expect(page.locator(".sheet .failed")).to_have_count(0)
    page.click(".icon-help")
    page.click(".icon-link")
    expect(page.locator(".address")).to_be_visible()
    strange = page.evaluate(
        """() => {
          const strange = 'img:not(.leaflet-image-layer), iframe, object, [onerror], [onload]';
          return [...document.querySelectorAll(strange)].map((element) => element.outerHTML);
        }"""
    )
    assert strange == []
    words = page.evaluate("document.body.textContent")
    assert "49" not in page.evaluate("document.title")
    assert "{{7*7}}" in words


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_runs_on_a_served_map(visit: Visitor, addresses: dict[str, str], kind: str) -> None:
    page = visit().open(addresses[kind] + ("&" if "?" in addresses[kind] else "?") + "lang=zh-Hans")
    read_everything(page)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_runs_in_a_standalone_file(
    visit: Visitor, results: dict[str, Any], tmp_path: Path, kind: str
) -> None:
    file = tmp_path / f"{kind}.html"
    drawn(kind, results, "zh-Hans").save(str(file))
    page = visit().open(file.as_uri())
    read_everything(page)


@pytest.mark.parametrize("language", ["zh-Hant", "en"])
def test_hostile_titles_show_as_text_in_every_language(
    visit: Visitor, results: dict[str, Any], tmp_path: Path, language: str
) -> None:
    file = tmp_path / "review.html"
    drawn("review", results, language).save(str(file))
    page = visit().open(file.as_uri())
    expected = (
        "{% print(7) %}`+alert(23)+`" if language == "en" else "<img src=x onerror=alert(22)>"
    )
    expect(page.locator(".list-title", has_text=expected).first).to_be_visible()


@pytest.mark.parametrize("kind", KINDS)
def test_long_names_widen_nothing(visit: Visitor, addresses: dict[str, str], kind: str) -> None:
    page = visit(width=390, height=844).open(addresses[kind])
    page.click(".menu-button")
    for width in in_both_windows(page):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        boxes = page.locator(".list-line").all()
        for line in boxes[: len(TEXTS) + 2]:
            box = line.bounding_box()
            assert box is not None
            assert box["height"] < 80
