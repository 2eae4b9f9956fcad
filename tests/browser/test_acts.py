"""Two people and a review: one works on a finding and submits, the other returns, then signs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from geo_service.access import Role
from geo_service.language import ENGLISH
from geo_service.planning import PlanningService, accounts
from tests.browser.conftest import Visitor, serving
from tests.browser.console import SHOWN, serious
from tests.county import FEW_RULES, County, box, enterprise, parcel

PASSWORD = "a long password"  # noqa: S105 - of accounts that a test makes


@pytest.fixture
def county(
    county: County, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PlanningService]:
    """Return a small county, in which not all is well, with two reviewers."""
    cheap = {"time_cost": 1, "memory_cost": 64, "parallelism": 1}
    monkeypatch.setattr(accounts, "HASHING", cheap)
    county.layers["parcels"] = [parcel("L0", box(0, 0, 90, 90))]
    county.layers["enterprises"].append(enterprise("Z", "3670", 900.0))
    county.rules = FEW_RULES
    running = PlanningService.open(county.write(tmp_path_factory.mktemp("acts") / "county"))
    for name in ("li.wei", "wang.fang"):
        running.accounts.add(name, [Role.REVIEWER], PASSWORD)
    yield running
    running.close()


def signed_in(visit: Visitor, service: str, name: str, address: str) -> Page:
    """Return a page at an address, seen by somebody who signed in."""
    page = visit(width=1280, locale="en-GB").page
    page.goto(f"{service}/sign-in?next={address}")
    page.get_by_label("Account").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector(SHOWN)
    return page


def confirm(page: Page, button: str, words: str) -> None:
    """Press a button of the head, and say something in the window that opens."""
    page.locator(f"#act-{button}").click()
    page.locator("dialog textarea").fill(words)
    assert serious(page) == []
    page.locator("dialog button[type=submit]").click()


def open_first_finding(page: Page) -> None:
    """Open the first finding of the desk, with what is done about it."""
    rows = page.locator(".row-head")
    if not rows.first.is_visible():
        page.locator(".group-head").first.click()
    rows.first.click()
    expect(page.locator(".work-box .facts")).to_be_visible()


def test_two_reviewers_work_on_a_finding_and_sign_a_review(
    county: PlanningService, visit: Visitor
) -> None:
    own = f"/reviews/{county.review.review_id}"
    with serving(county) as service:
        li = signed_in(visit, service, "li.wei", own)
        open_first_finding(li)
        li.get_by_text("Change", exact=True).click()
        form = li.locator(".work-form").first
        form.get_by_label("State").select_option("in_work")
        form.get_by_label("Owner").select_option("wang.fang")
        form.get_by_label("Due").fill("2026-01-05")
        form.get_by_label("Note").fill("look at it on site")
        assert serious(li) == []
        form.get_by_role("button", name="Keep").click()
        expect(li.locator(".work-log li")).to_contain_text("look at it on site")
        expect(li.locator(".work-box .chip")).to_have_text("overdue")
        confirm(li, "submit", "please sign")
        expect(li.locator(".crumb .chip.is-changed")).to_be_visible()
        wang = signed_in(visit, service, "wang.fang", f"{own}?work=mine")
        open_first_finding(wang)
        wang.goto(f"{service}{own}?work=done")
        wang.wait_for_selector(SHOWN)
        expect(wang.locator(".row-head")).to_have_count(0)
        confirm(wang, "return", "the date is wrong")
        expect(wang.locator(".act-steps")).to_contain_text("the date is wrong")
        li.reload()
        li.wait_for_selector(SHOWN)
        confirm(li, "submit", "")
        expect(li.locator(".crumb .chip.is-changed")).to_be_visible()
        wang.reload()
        wang.wait_for_selector(SHOWN)
        confirm(wang, "sign", "")
        expect(wang.locator(".crumb .chip.is-real")).to_have_text("signed")
        told = county.reviews.acts.document(county.review.review_id, ENGLISH)
        digest = told["record"]["findings_digest"]
        expect(wang.locator(".is-act .facts code").last).to_have_text(digest)
        expect(wang.locator("#act-sign")).to_have_count(0)
        assert serious(wang) == []
        wang.goto(f"{service}/reviews")
        wang.wait_for_selector(SHOWN)
        expect(wang.locator(".chip.is-real")).to_have_text("signed")
