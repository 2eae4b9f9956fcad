"""The reviewer's pages: a review's list and map, filters, exports; reviews made and compared."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from geo_service.planning import PlanningService as Running
from tests.browser.conftest import Visitor, serving
from tests.browser.console import hear_out, in_both_windows, open_page, overflow, show_all
from tests.county import County, box, zone
from tests.maps.hostile import TEXTS

pytestmark = pytest.mark.browser

LIST = ".rows > li"
OPEN = ".rows > li.is-open"


def red_lines() -> County:
    """Return a county whose park P1 has a red line over 100 × 100 m and P2 one over 50 × 50 m."""
    made = County()
    made.layers["control_zones"] += [
        zone("Z1", box(0, 0, 100, 100), name="红线一"),
        zone("Z2", box(2000, 0, 50, 50), name="红线二"),
    ]
    return made


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Running:
    """Return the county with the red lines, open and reviewed."""
    return Running.open(red_lines().write(tmp_path_factory.mktemp("red")))


@pytest.fixture(scope="module")
def address(county: Running) -> Iterator[str]:
    """Serve it."""
    with serving(county) as found:
        yield found


def open_review(visit: Visitor, address: str, county: Running, query: str = "") -> Page:
    """Open the current review's page."""
    flat = f"{query}&group=none" if query else "?group=none"
    return open_page(visit, f"{address}/reviews/{county.review.review_id}{flat}")


def test_the_list_shows_every_finding_gravest_first(
    visit: Visitor, address: str, county: Running
) -> None:
    page = open_review(visit, address, county)
    results = county.review.results
    expect(page.locator(LIST)).to_have_count(len(results))
    expect(page.locator(LIST).first).to_contain_text("占用生态保护红线")
    assert page.locator(f"{LIST}.is-fail").count() >= 2
    expect(page.locator(".figures-row dd").nth(4)).to_have_text(str(len(results)))


def test_an_opened_finding_shows_evidence_basis_and_cure(
    visit: Visitor, address: str, county: Running
) -> None:
    page = open_review(visit, address, county, "?rule=control_zone.ecological_red_line")
    expect(page.locator(LIST)).to_have_count(2)
    page.locator(".row-head").first.click()
    body = page.locator(f"{OPEN} .finding-body")
    expect(body).to_contain_text("10,000 m²（合 15.0 亩）")  # 100 × 100 m; 10 000 / 666.67
    expect(body).to_contain_text("整改建议")
    expect(body).to_contain_text("条文")
    expect(body).to_contain_text("红线")
    expect(body).to_contain_text("control_zone.ecological_red_line")


def test_list_and_map_follow_each_other(visit: Visitor, address: str, county: Running) -> None:
    page = open_review(visit, address, county, "?rule=control_zone.ecological_red_line")
    frame = page.frame_locator(".map-box iframe")
    expect(frame.locator('.app[data-state="done"]')).to_be_attached()
    page.locator(".row-head").first.click()
    # The map marks what the list tells of, without a sheet over it.
    expect(frame.locator(".leaflet-selection-pane :is(path, .ring)").first).to_be_attached()
    expect(frame.locator(".dock")).to_be_hidden()
    expect(page.locator(OPEN)).to_have_count(1)
    first, second = (page.locator(LIST).nth(n).get_attribute("data-finding") for n in (0, 1))
    page.evaluate(
        """id => {
          const frame = document.querySelector('.map-box iframe').contentWindow;
          window.dispatchEvent(new MessageEvent('message', {
            origin: location.origin, source: frame,
            data: {geo: 'selected', layer: 'findings', id}}));
        }""",
        second,
    )
    expect(page.locator(OPEN)).to_have_attribute("data-finding", second or "")
    assert first != second


def test_messages_of_strangers_are_not_heard(visit: Visitor, address: str, county: Running) -> None:
    page = open_review(visit, address, county)
    identity = page.locator(LIST).first.get_attribute("data-finding")
    page.evaluate(
        "id => window.postMessage({geo: 'selected', layer: 'findings', id}, location.origin)",
        identity,
    )
    hear_out(page)
    expect(page.locator(OPEN)).to_have_count(0)


def test_filters_narrow_the_list_and_stand_in_the_address(
    visit: Visitor, address: str, county: Running
) -> None:
    page = open_review(visit, address, county)
    page.locator(".more-filters summary").click()
    page.select_option("#severity", "must")
    page.click('.tabs [data-list="rectify"]')
    page.fill("#words", "P1")
    expect(page.locator(LIST)).to_have_count(1)
    expect(page.locator(LIST)).to_contain_text("P1 园")
    expect(page).to_have_url(re.compile("severity=must"))
    expect(page).to_have_url(re.compile("list=rectify"))
    page.reload()
    expect(page.locator(LIST)).to_have_count(1)
    page.get_by_role("button", name="清除筛选").click()
    expect(page.locator(LIST)).to_have_count(len(county.review.results))
    page.fill("#words", "no such thing")
    expect(page.locator(".findings-scroll")).to_contain_text("没有符合条件的问题")


def test_a_rule_s_count_leads_to_its_findings(
    visit: Visitor, address: str, county: Running
) -> None:
    page = open_review(visit, address, county)
    row = page.locator("tr", has=page.get_by_text("control_zone.ecological_red_line", exact=True))
    row.get_by_role("button").click()
    expect(page.locator(LIST)).to_have_count(2)
    expect(page.locator("#rule")).to_have_value("control_zone.ecological_red_line")


def test_every_export_is_offered_and_can_be_fetched(
    visit: Visitor, address: str, county: Running
) -> None:
    page = open_review(visit, address, county)
    page.get_by_text("导出", exact=True).click()
    links = page.locator(".menu-list a")
    expect(links).to_have_count(5)
    for place in range(5):
        answer = page.request.get(address + (links.nth(place).get_attribute("href") or ""))
        assert answer.ok
        assert len(answer.body()) > 500
    page.keyboard.press("Escape")
    expect(links.first).to_be_hidden()


def test_the_whole_journey_works_by_keyboard(visit: Visitor, address: str, county: Running) -> None:
    page = open_review(visit, address, county)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.locator(".row-head").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(OPEN)).to_have_count(1)
    expect(page.locator(f"{OPEN} .row-head")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(OPEN)).to_have_count(0)
    expect(page.locator(".row-head").first).to_be_focused()


def test_reviewing_again_by_another_rulebook_and_comparing(
    visit: Visitor, address: str, county: Running
) -> None:
    page = open_page(visit, f"{address}/reviews")
    page.get_by_text("用另一份规则集试算").click()
    page.fill(
        "#rulebook-text",
        'format: "1"\ntitle: {en: off}\nextends: default\n'
        "rules: {control_zone.ecological_red_line: {enabled: false}}\n",
    )
    page.click("#review-again")
    expect(page.get_by_text("审查已完成")).to_be_visible()
    page.select_option("#before", index=0)
    page.select_option("#after", index=1)
    page.click("#compare")
    rows = page.locator(".is-compare tbody tr")
    expect(rows).to_have_count(2)  # the rule was not asked: neither new nor cured
    expect(rows.first).to_contain_text("不可比")
    assert county.review.review_id in page.url


def test_a_broken_rulebook_is_answered_with_its_faults(visit: Visitor, address: str) -> None:
    page = open_page(visit, f"{address}/reviews", is_clean=False)
    page.get_by_text("用另一份规则集试算").click()
    page.fill("#rulebook-text", "rules: {no.such: {}}")
    page.click("#review-again")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("提交的内容有误")
    expect(alert.locator("li").first).to_be_visible()


def test_long_work_shows_progress_and_can_be_cancelled(visit: Visitor, address: str) -> None:
    page = open_page(visit, f"{address}/reviews")
    state = {"status": "running", "progress": 0.25, "step": "layout.overlap", "error": None}
    cancelled: list[str] = []

    page.route(
        "**/api/reviews?*",
        lambda route: (
            route.fulfill(status=202, json={"job_id": "j1", **state})
            if route.request.method == "POST"
            else route.continue_()
        ),
    )

    def answer(route: Route) -> None:
        if route.request.method == "DELETE":
            cancelled.append(route.request.url)
            state["status"] = "cancelled"
        route.fulfill(json={"job_id": "j1", **state})

    page.route("**/api/jobs/j1*", answer)
    page.click("#review-again")
    expect(page.locator("progress")).to_have_attribute("value", "0.25")
    expect(page.get_by_text("25.0% layout.overlap")).to_be_visible()
    page.get_by_role("button", name="取消").click()
    expect(page.get_by_text("已取消。")).to_be_visible()
    assert len(cancelled) == 1


def test_hostile_findings_show_as_text(
    visit: Visitor, hostile_service: str, hostile: Running
) -> None:
    page = open_page(
        visit,
        f"{hostile_service}/reviews/{hostile.review.review_id}?lang=zh-Hans&group=none",
        width=390,
    )
    show_all(page)
    shown = "\n".join(page.locator(LIST).all_text_contents())
    assert [text for text in TEXTS if text not in shown] == []
    for _ in in_both_windows(page):
        assert overflow(page) == 0
        assert page.locator("main img, main script, main iframe[srcdoc]").count() == 0
