"""The review desk: from the matrix to a finding and its address, by mouse and by keyboard."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from playwright.sync_api import expect

from geo_service.planning import PlanningService as Running
from tests.browser.conftest import READY, Visitor
from tests.browser.console import SHOWN, open_page, overflow, serious
from tests.patience import eventually

pytestmark = pytest.mark.browser

PARK, FAMILY = "YY-B-27", "control_zone"
CELL = f'.matrix [data-park="{PARK}"] [data-family="{FAMILY}"]'
A4_LANDSCAPE_PX = (1054, 725)  # 297 - 18 by 210 - 18 mm at 96 dots an inch


def test_from_the_matrix_to_a_finding_that_has_an_address(
    visit: Visitor, service: str, demo_county: Running
) -> None:
    review = demo_county.review
    findings = list(review.results)
    page = open_page(visit, f"{service}/reviews/{review.review_id}", width=1440)
    frame = page.frame_locator(".map-box iframe")
    expect(frame.locator(READY)).to_be_attached()
    expect(page.locator(".matrix tr[data-park]")).to_have_count(48)
    expect(page.locator(".matrix-tier")).to_have_count(3)
    cells = page.locator(".matrix-cell")
    numbers = {
        (str(park), str(family)): int(number)
        for park, family, number in cells.evaluate_all(
            "cells => cells.map((cell) => [cell.closest('tr').dataset.park, cell.dataset.family,"
            " cell.dataset.count])"
        )
    }
    assert numbers == Counter((item.park_id, item.family) for item in findings)
    assert serious(page) == []

    # A cell narrows list, map and address.
    here = [item for item in findings if (item.park_id, item.family) == (PARK, FAMILY)]
    expect(page.locator(CELL)).to_have_attribute("data-verdict", "fail")
    page.click(CELL)
    expect(page.locator(".list-line [role=status]")).to_have_text(f"显示 {len(here)} / 247 项")
    expect(frame.locator(".pin-parks")).to_have_count(1)
    expect(page).to_have_url(re.compile(f"family={FAMILY}&park={PARK}"))
    expect(page.locator(CELL)).to_have_attribute("aria-pressed", "true")

    # The red line lies on a parcel and so on its park: one row, which tells of both.
    row = page.locator(".rows > li", has_text="占用生态保护红线")
    expect(row).to_have_count(1)
    expect(row.locator(".row-head .chip")).to_have_text("合并 2 项")
    box = row.locator(".row-head").bounding_box()
    assert box is not None
    assert box["height"] == 36
    row.locator(".row-head").click()
    expect(row.locator(".members button")).to_have_count(2)
    row.locator(".members button", has_text="YY-P-B27-1").click()
    parcel = next(
        item.finding_id
        for item in here
        if item.subject.id == "YY-P-B27-1" and item.rule_id.endswith("ecological_red_line")
    )
    expect(page).to_have_url(re.compile(f"finding={parcel}"))
    expect(frame.locator(".leaflet-selection-pane path").first).to_be_attached()
    expect(frame.locator(".dock")).to_be_hidden()
    assert serious(page) == []

    # Whoever gets the address sees the same finding, in the list and on the map.
    other = open_page(visit, page.url, width=1440)
    opened = other.locator(".rows > li.is-open")
    expect(opened.locator(".row-whole")).to_contain_text("46.67%")
    expect(other.locator(CELL)).to_have_attribute("aria-pressed", "true")
    there = other.frame_locator(".map-box iframe")
    expect(there.locator(READY)).to_be_attached()
    eventually(
        lambda: other.frames[-1].evaluate("planningMap.page.selected?.id") == parcel,
        "the map has the finding",
    )
    # Alone, without filters, the address is enough.
    other.goto(f"{service}/reviews/{review.review_id}?finding={parcel}")
    other.wait_for_selector(SHOWN)
    expect(opened.locator(".row-whole")).to_contain_text("46.67%")


def test_failing_parks_with_their_reasons_are_one_screen(
    visit: Visitor, service: str, demo_county: Running
) -> None:
    review = demo_county.review
    failing = [park for park, verdict in review.park_verdicts.items() if verdict == "fail"]
    page = open_page(visit, f"{service}/reviews/{review.review_id}?list=rectify", width=1440)
    page.set_viewport_size({"width": 1440, "height": 900})
    heads = page.locator(".group-head")
    expect(heads).to_have_count(len(failing))
    last = heads.last.bounding_box()
    assert last is not None
    assert last["y"] + last["height"] <= 900
    assert all(text.strip() for text in page.locator(".group-reasons").all_inner_texts())
    assert {
        str(page.locator(".group").nth(n).get_attribute("data-group")) for n in range(len(failing))
    } == set(failing)
    # The matrix leaves out parks that have nothing to rectify, and says how many.
    expect(page.locator(".matrix tr[data-park]")).to_have_count(len(failing))
    expect(page.locator(".matrix-scroll > .note")).to_contain_text(str(48 - len(failing)))
    page.select_option("#group", "rule")
    rules = {item.rule_id for item in review.results if item.counts} & {
        item.rule_id for item in review.results if (item.severity, item.verdict) == ("must", "fail")
    }
    expect(heads).to_have_count(len(rules))
    expect(page).to_have_url(re.compile("group=rule"))
    page.set_viewport_size({"width": 390, "height": 844})
    assert overflow(page) == 0


def test_the_desk_is_used_by_keyboard(visit: Visitor, service: str, demo_county: Running) -> None:
    page = open_page(visit, f"{service}/reviews/{demo_county.review.review_id}")
    # One stop of Tab for the whole matrix; arrows move in it.
    expect(page.locator('.matrix [tabindex="0"]')).to_have_count(1)
    page.locator(".matrix-head").first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".matrix tbody td").first).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".matrix-park").first).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("family=enterprise&park=YY-M-01"))
    expect(page.locator(".matrix-cell[aria-pressed=true]")).to_be_focused()
    # In the list arrows go from row to row, Enter opens.
    expect(page.locator(".row-head").first).to_be_visible()  # the group has fetched its rows
    page.locator(".group-head").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".row-head").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".rows > li.is-open")).to_have_count(1)
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".rows > li.is-open")).to_have_count(0)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".row-head").first).to_be_hidden()


def test_the_matrix_is_one_sheet_of_paper(
    visit: Visitor, service: str, demo_county: Running
) -> None:
    for language in ("zh-Hans", "en"):
        address = f"{service}/reviews/{demo_county.review.review_id}?lang={language}"
        page = open_page(visit, address)
        width, height = A4_LANDSCAPE_PX
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(media="print")
        box = page.locator(".is-matrix").bounding_box()
        assert box is not None
        assert box["height"] <= height
        assert box["width"] <= width
        assert page.locator(".is-matrix").evaluate("it => getComputedStyle(it).breakBefore") == (
            "page"
        )
