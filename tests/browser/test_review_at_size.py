"""Screens of a review with more findings than any page holds: every number is of the whole review.

Expected numbers are counted from the review's JSON, by code that shares nothing with the service's.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import shapely
from playwright.sync_api import Page, Request, expect

from geo_service.maps import draw
from geo_service.planning import PlanningService as Running
from tests.browser.conftest import Visitor, serving
from tests.browser.console import ROWS, open_page, show_all
from tests.county import County, box, in_degrees, parcel, zone
from tests.patience import eventually

pytestmark = pytest.mark.browser

LIST = ".rows > li"
A_PAGE = 50
ON_MAP = 40
RED, FARMLAND = "control_zone.ecological_red_line", "control_zone.permanent_farmland"
Findings = list[dict[str, Any]]


def many() -> County:
    """Return a county of 70 parcels, each with several findings, in two parks and townships."""
    made = County()
    first = made.layers["townships"][0]
    first["geometry"] = box(-100, -100, 1_900, 5_000)
    second = {"code": "T2", "name": "乙镇", "geometry": box(1_800, -100, 3_100, 5_000)}
    made.layers["townships"].append({**first, **second})
    made.layers["parks"][1]["township_code"] = "T2"
    made.layers["control_zones"] += [
        zone("Z1", box(0, 0, 1000, 1000), name="红线一"),
        zone("Z2", box(2000, 0, 500, 500), kind="permanent_farmland", name="农田一"),
    ]
    places = {"P1": (0, 50), "P2": (2000, 20)}
    made.layers["parcels"] = [
        parcel(
            f"{park}-{n:02}",
            box(west + 20 + (n % 10) * 40, 20 + (n // 10) * 40, 30, 30),
            park_id=park,
        )
        for park, (west, count) in places.items()
        for n in range(count)
    ]
    return made


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Running:
    """Return the county, open and reviewed."""
    return Running.open(many().write(tmp_path_factory.mktemp("many")))


@pytest.fixture(scope="module")
def address(county: Running) -> Iterator[str]:
    """Serve it; its maps ask for no more than 40 findings at once."""
    with pytest.MonkeyPatch.context() as patch, serving(county) as found:
        patch.setattr(draw, "MAX_FINDINGS", ON_MAP)
        yield found


@pytest.fixture
def review(address: str, county: Running) -> str:
    """Return the address of the review's page."""
    return f"{address}/reviews/{county.review.review_id}?group=none"


def findings_in(page: Page, address: str, county: Running) -> Findings:
    """Return all findings of the review's JSON, as a person would export it."""
    path = f"/api/reviews/{county.review.review_id}/export?format=json"
    found: Findings = page.request.get(address + path).json()["findings"]
    assert len(found) > 4 * A_PAGE
    return found


def numbers(page: Page, selector: str) -> list[int]:
    """Return the numbers that elements show."""
    return [int(text.replace(",", "")) for text in page.locator(selector).all_inner_texts()]


def tabs(page: Page) -> dict[str, int]:
    """Return what the tabs above the list count, those that count something."""
    found = page.locator(".tabs [data-list]")
    names = [str(found.nth(n).get_attribute("data-list")) for n in range(found.count())]
    counted = dict(zip(names, numbers(page, ".tabs strong"), strict=True))
    assert counted.pop("") == sum(counted.values())
    return {name: count for name, count in counted.items() if count}


def lists(findings: Findings) -> dict[str, int]:
    """Count findings by the list of work that they stand in."""
    return dict(
        Counter(
            "supplement"
            if finding["verdict"] == "unknown"
            else "rectify"
            if (finding["severity"], finding["verdict"]) == ("must", "fail")
            else "watch"
            for finding in findings
        )
    )


def menu(page: Page) -> dict[str, int]:
    """Return how many findings the menu of rules tells of each rule."""
    options = page.locator("#rule option")
    found = {}
    for n in range(options.count()):
        value, text = (
            options.nth(n).get_attribute("value") or "",
            options.nth(n).text_content() or "",
        )
        if "." in value:
            found[value] = int(text.rpartition("(")[2].rstrip(")").replace(",", ""))
    return found


def shown(page: Page) -> list[int]:
    """Return how many findings fit, and how many there are, as the list says."""
    text = page.locator(".list-line [role=status]").inner_text()
    return [int(part.replace(",", "")) for part in text.split() if part[0].isdigit()]


def expect_shown(page: Page, matched: int, total: int) -> None:
    """Wait until the list says how many fit."""
    expect(page.locator(".list-line [role=status]")).to_have_text(f"显示 {matched} / {total} 项")


def by(findings: Findings, name: str) -> dict[str, int]:
    """Count findings by a member."""
    return dict(Counter(finding[name] for finding in findings))


def test_table_chips_and_menu_count_the_whole_review(
    visit: Visitor, review: str, address: str, county: Running
) -> None:
    page = open_page(visit, review)
    findings = findings_in(page, address, county)
    expect(page.locator(LIST)).to_have_count(A_PAGE)
    expect_shown(page, len(findings), len(findings))
    assert tabs(page) == lists(findings)
    assert menu(page) == by(findings, "rule_id")
    rows = page.locator(".table tbody tr", has=page.locator("code"))
    table = {
        rows.nth(n).locator("code").inner_text(): int(
            rows.nth(n).locator("td").last.inner_text().replace(",", "")
        )
        for n in range(rows.count())
    }
    assert {rule: count for rule, count in table.items() if count} == by(findings, "rule_id")
    assert sum(table.values()) == len(findings)


def test_a_deep_link_lists_a_rule_s_first_findings_of_all(
    visit: Visitor, review: str, address: str, county: Running
) -> None:
    page = open_page(visit, f"{review}&rule={RED}")
    findings = findings_in(page, address, county)
    own = [finding for finding in findings if finding["rule_id"] == RED]
    assert len(own) == 51  # the 50 parcels of P1, and the park
    # One cause, on a park and its parcels, is one row; what is counted are findings.
    expect(page.locator(LIST)).to_have_count(1)
    expect(page.locator(f"{LIST} .chip").first).to_have_text("合并 51 项")
    expect_shown(page, 51, len(findings))
    assert menu(page) == by(findings, "rule_id")  # what the others would list
    assert tabs(page) == {"rectify": 51}
    page.locator(".row-head").click()
    members = page.locator(".members button")
    expect(members).to_have_count(51)
    told = {text.split()[-1] for text in members.all_inner_texts()}
    assert told == {finding["subject"]["id"] for finding in own}
    members.last.click()
    last = page.locator(".members button[aria-pressed=true]")
    expect(last).to_have_count(1)
    chosen = next(
        item["finding_id"] for item in own if item["subject"]["id"] == last.inner_text().split()[-1]
    )
    expect(page).to_have_url(re.compile(f"finding={chosen}"))


def test_facets_are_true_under_the_other_filters_and_stand_in_the_address(
    visit: Visitor, review: str, address: str, county: Running
) -> None:
    page = open_page(visit, review)
    findings = findings_in(page, address, county)
    in_p2 = [finding for finding in findings if finding["park_id"] == "P2"]
    page.locator(".more-filters summary").click()
    page.select_option("#township", "T2")
    expect_shown(page, len(in_p2), len(findings))
    assert menu(page) == by(in_p2, "rule_id")
    page.select_option("#verdict", "unknown")
    unknown = [finding for finding in in_p2 if finding["verdict"] == "unknown"]
    expect_shown(page, len(unknown), len(findings))
    assert tabs(page) == lists(unknown)
    assert menu(page) == by(unknown, "rule_id")
    page.fill("#words", "P2-07")
    one = [finding for finding in unknown if finding["subject"]["id"] == "P2-07"]
    expect_shown(page, len(one), len(findings))
    assert {"township=T2", "verdict=unknown", "words=P2-07"} <= set(
        urlsplit(page.url).query.split("&")
    )
    page.reload()
    expect_shown(page, len(one), len(findings))
    expect(page.locator(LIST)).to_have_count(len(one))


def test_an_old_link_names_a_township_and_a_family(
    visit: Visitor, review: str, address: str, county: Running
) -> None:
    page = open_page(visit, f"{review}&township=甲镇&rule=control_zone&severity=none")
    findings = findings_in(page, address, county)
    own = [
        finding
        for finding in findings
        if finding["park_id"] == "P1" and finding["family"] == "control_zone"
    ]
    expect_shown(page, len(own), len(findings))
    expect(page.locator("#township")).to_have_value("T1")
    expect(page.locator("#rule")).to_have_value("control_zone")


def test_no_page_asks_for_all_findings(visit: Visitor, review: str, address: str) -> None:
    asked: list[str] = []
    visitor = visit()

    def note(request: Request) -> None:
        asked.append(request.url)

    visitor.page.on("request", note)
    for path in (review, f"{address}/parks/P1", f"{address}/"):
        visitor.page.goto(path)
        visitor.page.wait_for_selector('main[data-state="shown"]')
        frame = visitor.page.frame_locator(".map-box iframe")
        expect(frame.locator('.app[data-state="done"]')).to_be_attached()
    paths = [urlsplit(url) for url in asked]
    pages = [url for url in paths if url.path.endswith(("/findings", "/rows"))]
    assert len(pages) >= 3
    assert {int(parse_qs(url.query)["limit"][0]) for url in pages} <= {A_PAGE, ON_MAP}


def test_a_park_s_page_lists_its_findings_page_by_page(
    visit: Visitor, address: str, county: Running
) -> None:
    page = open_page(visit, f"{address}/parks/P1")
    own = [finding for finding in findings_in(page, address, county) if finding["park_id"] == "P1"]
    rules = by(own, "rule_id")
    expect(page.locator(".fold-row")).to_have_count(len(rules))
    page.click(f'.fold-row[data-rule="{RED}"] .fold-head')
    expect(page.locator(ROWS)).to_have_count(A_PAGE)
    show_all(page)
    expect(page.locator(ROWS)).to_have_count(rules[RED])


def test_the_map_tells_how_many_there_are_and_shows_any_that_is_chosen(
    visit: Visitor, review: str, address: str, county: Running
) -> None:
    page = open_page(visit, review)
    findings = findings_in(page, address, county)
    frame = page.frame_locator(".map-box iframe")
    expect(frame.locator('.app[data-state="done"]')).to_be_attached()
    note = frame.locator(".list-note").first
    expect(note).to_contain_text(str(len(findings)))
    expect(note).to_contain_text(str(ON_MAP))
    assert frame.locator(".list-head .count").first.text_content() == str(
        by(findings, "rule_id")[RED]
    )
    page.locator(".more-filters summary").click()
    page.select_option("#rule", FARMLAND)
    farmland = by(findings, "rule_id")[FARMLAND]
    expect(note).to_contain_text(f"{farmland} 项问题")
    # The last finding of all is on no map until it is chosen.
    page.select_option("#rule", "")
    expect(page.locator(LIST)).to_have_count(A_PAGE)
    page.fill("#words", "P2-19")
    expect(page.locator(LIST)).to_have_count(
        len([item for item in findings if item["subject"]["id"] == "P2-19"])
    )
    page.locator(".row-head").last.click()
    chosen = page.locator(LIST).last.get_attribute("data-finding")
    drawn = page.frames[-1]
    eventually(
        lambda: drawn.evaluate("planningMap.page.selected?.id") == chosen, "the map has the finding"
    )


def test_the_map_fetches_what_is_in_sight(visit: Visitor, address: str, county: Running) -> None:
    visitor = visit()
    page = visitor.open(f"{address}/maps/review?review_id={county.review.review_id}")
    findings = findings_in(page, address, county)
    note = page.locator(".list-note").first
    expect(note).to_contain_text(f"共 {len(findings)} 项问题")
    place = in_degrees(box(2000 + 20 + 9 * 40, 60, 30, 30)).centroid
    page.evaluate(f"planningMap.page.map.setView([{place.y}, {place.x}], 19, {{ animate: false }})")
    asked = page.evaluate("planningMap.page.map.getBounds().pad(0.2).toBBoxString()")
    west, south, east, north = map(float, asked.split(","))
    window = shapely.box(west, south, east, north)
    inside = [
        finding["finding_id"]
        for finding in findings
        if finding["geometry"]
        and shapely.from_geojson(json.dumps(finding["geometry"])).intersects(window)
    ]
    assert 0 < len(inside) < ON_MAP
    expect(note).to_contain_text(f"当前视野内 {len(inside)} 项问题")
    listed = page.locator("[data-item]")
    expect(listed).to_have_count(len(inside))
    ids = {listed.nth(n).get_attribute("data-item") for n in range(len(inside))}
    assert ids == set(inside)
    page.evaluate("planningMap.page.map.setZoom(3, {animate: false})")
    expect(note).to_contain_text(f"共 {len(findings)} 项问题")


def test_the_filters_of_home_stand_in_its_address(visit: Visitor, address: str) -> None:
    page = open_page(visit, f"{address}/")
    page.select_option("#verdict", "fail")
    page.fill("#search", "P1")
    rows = page.locator(".is-parks tbody tr")
    expect(rows).to_have_count(1)
    assert urlsplit(page.url).query == "verdict=fail&words=P1"
    page.locator(".is-parks tbody a").first.click()
    page.wait_for_url("**/parks/P1")
    page.go_back()
    expect(page.locator("#search")).to_have_value("P1")
    expect(rows).to_have_count(1)
