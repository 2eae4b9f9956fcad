"""Every kind of map in Chromium: what it shows, how both of two states move, and what it prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FloatRect, Page, expect

import geo_service as gs
from geo_service.maps.draw import draw
from geo_service.planning import PlanningService as Running
from geo_service.suitability.project import parse_project
from geo_service.suitability.rank import rank
from geo_service.zoning.rulebook import parse_rulebook
from tests.browser.conftest import Visitor, serving
from tests.maps.made import PROJECT, STRICTER, small_county

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Running:
    """Return a small county with two reviews and a ranking."""
    return Running.open(small_county().write(tmp_path_factory.mktemp("kinds")))


@pytest.fixture(scope="module")
def kinds(county: Running) -> Iterator[dict[str, str]]:
    """Serve it; the address of a map of each kind."""
    import json  # noqa: PLC0415 - one use

    later = county.reviews.make(parse_rulebook(STRICTER, "stricter")).review_id
    first = county.review.review_id
    ranked = county.rankings.rank(parse_project(json.dumps(PROJECT))).ranking_id
    with serving(county) as address:
        yield {
            "review": f"{address}/maps/review?review_id={later}",
            "park": f"{address}/maps/park?park_id=P1",
            "compare": f"{address}/maps/compare?review_id={later}&before={first}",
            "ranking": f"{address}/maps/ranking?ranking_id={ranked}",
        }


def view(page: Page, place: int = 0) -> tuple[float, ...]:
    """Where one of the page's maps looks."""
    found = page.evaluate(
        """place => {
          const { map } = planningMap.page.drawings[place];
          const { lat, lng } = map.getCenter();
          return [map.getZoom(), lat, lng];
        }""",
        place,
    )
    return tuple(found)


def assert_together(page: Page) -> None:
    """Fail unless both maps come to look at one place; a map's middle lies on a whole pixel."""
    # One that makes room for a sheet still moves.
    page.wait_for_function(
        """() => {
          const [one, other] = planningMap.page.drawings.map(({ map }) => map);
          const [here, there] = [one.getCenter(), other.getCenter()];
          return one.getZoom() === other.getZoom()
            && Math.abs(here.lat - there.lat) < 2e-4
            && Math.abs(here.lng - there.lng) < 2e-4;
        }"""
    )


def test_the_review_lists_findings_by_rule_and_opens_them(
    visit: Visitor, kinds: dict[str, str], county: Running
) -> None:
    page = visit().open(kinds["review"])
    expect(page.locator("#parks-tab")).to_have_text("问题")
    heads = page.locator(".list-head .rule-number").all_text_contents()
    assert heads == [str(number) for number in range(1, len(heads) + 1)]
    place = page.locator("[data-item]", has_text="占用生态保护红线").first
    place.click()
    expect(page.locator(".sheet .verdict")).to_be_visible()
    expect(page.locator(".leaflet-selection-pane :is(path, .ring)").first).to_be_attached()
    assert county.plan.settings.name["zh-Hans"] in page.locator("h1").text_content()  # type: ignore[operator]


def test_severities_verdicts_and_rules_narrow_the_list(
    visit: Visitor, kinds: dict[str, str]
) -> None:
    page = visit().open(kinds["review"])
    every = page.locator("[data-item]").count()
    page.click("#layers-tab")
    page.locator('[data-layer="findings.should"]').uncheck()
    page.click("#parks-tab")
    fewer = page.locator("[data-item]").count()
    assert 0 < fewer < every
    expect(page.locator(".list-note")).to_contain_text(f"{fewer} / {every}")
    page.click("#layers-tab")
    rules = page.locator(".group", has=page.locator("summary", has_text="规则")).first
    rules.locator(".all-switch").click()
    page.click("#parks-tab")
    expect(page.locator("[data-item]")).to_have_count(0)


def test_a_park_s_map_shows_its_land_and_its_enterprises(
    visit: Visitor, kinds: dict[str, str]
) -> None:
    page = visit().open(kinds["park"])
    expect(page.locator("h1")).to_have_text("P1 园")
    expect(page.locator(".leaflet-parcels-pane path")).to_have_count(2)
    # Two enterprises share a point and stand beside each other.
    pins = page.locator(".pin-enterprises")
    expect(pins).to_have_count(2)
    boxes = [pins.nth(place).bounding_box() for place in range(2)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert abs(boxes[0]["x"] - boxes[1]["x"]) + abs(boxes[0]["y"] - boxes[1]["y"]) > 6
    # Those without a place stand in the list all the same.
    expect(page.locator("[data-item^='E']")).to_have_count(5)
    page.click("#layers-tab")
    page.locator('[data-layer="land_uses.logistics"]').check()
    expect(page.locator(".leaflet-land_uses-pane path")).to_have_count(1)
    expect(page.locator('.legend [data-symbol="use.logistics"]')).to_be_visible()


def test_two_states_move_zoom_and_select_together(visit: Visitor, kinds: dict[str, str]) -> None:
    page = visit().open(kinds["compare"])
    expect(page.locator(".map-frame")).to_have_count(2)
    expect(page.locator(".state-label").first).to_contain_text("之前")
    page.evaluate("planningMap.page.drawings[0].map.setZoom(13, { animate: false })")
    assert_together(page)
    page.evaluate("planningMap.page.drawings[1].map.panBy([120, 40], { animate: false })")
    assert_together(page)
    page.locator("[data-park='P1']").click()
    for pane in page.locator(".leaflet-selection-pane").all():
        expect(pane.locator(":is(path, .ring)").first).to_be_attached()
    expect(page.locator(".sheet")).to_have_count(1)
    assert_together(page)


def test_what_is_new_is_on_the_later_map_only(visit: Visitor, kinds: dict[str, str]) -> None:
    page = visit().open(kinds["compare"])
    worse = page.locator(".list-head", has_text="结论变差的园区")
    expect(worse).to_be_visible()
    new = page.locator(".list-head", has_text="新增")
    expect(new).to_be_visible()
    counts = page.evaluate(
        """() => planningMap.page.drawings.map(({ items }) =>
          items.get('findings').filter(({ key }) => key === 'change.new').length)"""
    )
    assert counts[0] == 0
    assert counts[1] > 0


def test_candidates_carry_their_rank_and_the_way_to_facilities(
    visit: Visitor, kinds: dict[str, str]
) -> None:
    page = visit().open(kinds["ranking"])
    first = page.locator("[data-item]").first
    expect(first).to_contain_text(re.compile(r"\d\d\.\d"))
    first.click()
    sheet = page.locator(".sheet")
    expect(sheet).to_contain_text("名次")
    expect(sheet).to_contain_text("各项指标的贡献")
    expect(sheet).to_contain_text("互通")
    expect(page.locator(".leaflet-routes-pane path").first).to_be_attached()
    page.keyboard.press("Escape")
    expect(page.locator(".leaflet-routes-pane path")).to_have_count(0)
    excluded = page.locator(".list-head", has_text="已排除")
    if excluded.count():
        page.locator("[data-item]").last.click()
        expect(page.locator(".sheet")).to_contain_text("排除原因")


@pytest.mark.parametrize("kind", ["review", "park", "compare", "ranking"])
def test_every_kind_fits_a_small_window(visit: Visitor, kinds: dict[str, str], kind: str) -> None:
    page = visit(width=390, height=844).open(kinds[kind])
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.click(".menu-button")
    page.locator("[data-item], [data-park]").first.click()
    box = page.locator(".sheet").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390


@pytest.mark.parametrize("kind", ["review", "park", "compare", "ranking"])
def test_every_kind_prints_on_one_sheet(visit: Visitor, kinds: dict[str, str], kind: str) -> None:
    page = visit().open(kinds[kind])
    pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    pages = re.findall(rb"/Type\s*/Page\b", pdf)
    assert len(pages) == 1
    boxes = [part.split() for part in re.findall(rb"/MediaBox\s*\[([^\]]+)\]", pdf)]
    width, height = float(boxes[0][2]), float(boxes[0][3])
    assert width == pytest.approx(842, abs=2)  # A4 landscape: 297 mm × 210 mm at 72 an inch
    assert height == pytest.approx(595, abs=2)


def test_paper_carries_scale_date_approval_and_the_illustrative_note(
    visit: Visitor, kinds: dict[str, str]
) -> None:
    page = visit().open(kinds["park"])
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    foot = page.locator(".print-foot")
    expect(foot).to_contain_text("比例尺约 1:")
    expect(foot).to_contain_text("打印日期")
    expect(foot).to_contain_text(re.compile("审图号： ?________"))
    expect(page.locator(".illustrative-note")).to_be_visible()
    expect(page.locator(".legend-body")).to_be_visible()


def test_the_approval_number_and_the_mark_come_from_the_workspace(
    visit: Visitor, tmp_path: Path
) -> None:
    made = small_county()
    made.extra += '\nmap_approval = "渝S(2026)001号"\nconfidentiality = "内部资料"'
    opened = Running.open(made.write(tmp_path / "marked"))
    file = tmp_path / "map.html"
    draw(opened.review).save(str(file))
    page = visit().open(file.as_uri())
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    foot = page.locator(".print-foot")
    expect(foot).to_contain_text(re.compile(r"审图号： ?渝S\(2026\)001号"))
    expect(foot).to_contain_text("内部资料")


def test_every_kind_stands_alone_from_disk(visit: Visitor, tmp_path: Path) -> None:
    plan = gs.open_plan(small_county().write(tmp_path / "alone"))
    before, after = gs.review(plan), gs.review(plan, parse_rulebook(STRICTER, "stricter"))
    pages: dict[str, Any] = {
        "review": draw(after, kind="review"),
        "park": draw(after, kind="park", park_id="P1"),
        "compare": draw(after, kind="compare", before=before),
        "ranking": draw(rank(plan, PROJECT)),
    }
    for kind, drawn in pages.items():
        file = tmp_path / f"{kind}.html"
        drawn.save(str(file))
        page = visit().open(file.as_uri())
        page.locator("[data-item], [data-park]").first.click()
        expect(page.locator(".sheet")).to_be_visible()


def test_paper_shows_every_source_below_the_map_and_the_whole_legend(
    visit: Visitor, service: str
) -> None:
    page = visit().open(f"{service}/maps/park?park_id=YY-M-01")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")

    def box_of(name: str) -> FloatRect:
        box = page.locator(name).bounding_box()
        assert box is not None
        return box

    names = (".stage", ".maps", ".credits", ".legend", ".credits-text")
    stage, maps, credits_, legend, text = map(box_of, names)
    assert maps["y"] + maps["height"] <= credits_["y"] + 1
    assert legend["y"] + legend["height"] <= stage["y"] + stage["height"] + 1
    assert text["y"] + text["height"] <= stage["y"] + stage["height"] + 1
    assert page.evaluate(
        "(() => { const text = document.querySelector('.credits-text');"
        " return text.scrollHeight <= text.clientHeight + 1; })()"
    )


def test_the_marks_of_the_workspace_stand_on_screen(visit: Visitor, tmp_path: Path) -> None:
    made = small_county()
    made.extra += '\nmap_approval = "渝S(2026)001号"\nconfidentiality = "内部资料"'
    file = tmp_path / "map.html"
    draw(Running.open(made.write(tmp_path / "shown")).review).save(str(file))
    page = visit().open(file.as_uri())
    expect(page.locator(".top .confidentiality")).to_have_text("内部资料")
    expect(page.locator(".credits-approval")).to_contain_text("渝S(2026)001号")


def test_another_language_keeps_the_view_and_enter_goes_to_the_first_found(
    visit: Visitor, kinds: dict[str, str]
) -> None:
    page = visit().open(kinds["park"])
    page.fill("#query", "P1")
    page.press("#query", "Enter")
    expect(page.locator(".sheet")).to_be_visible()
    link = page.locator('.languages a[lang="en"]')
    link.focus()
    assert re.search(r"#view=.*at=", link.get_attribute("href") or "")
