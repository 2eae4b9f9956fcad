"""Signing in, as a person does it: the form, the header, a session that ends, the way out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from geo_service.access import Role
from geo_service.planning import PlanningService, accounts
from tests.browser.conftest import Visitor, serving
from tests.browser.console import SHOWN, in_both_windows, overflow, serious
from tests.suitability.made import five_sites

NAME, PASSWORD = "a.long.name.of.somebody", "a long password"


@pytest.fixture
def county(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PlanningService]:
    """Return a small county with an account."""
    cheap = {"time_cost": 1, "memory_cost": 64, "parallelism": 1}
    monkeypatch.setattr(accounts, "HASHING", cheap)
    running = PlanningService.open(five_sites().write(tmp_path_factory.mktemp("door") / "county"))
    running.accounts.add(NAME, [Role.PLANNER], PASSWORD)
    running.accounts.add("wu", [Role.PLANNER, Role.STEWARD], PASSWORD, parks=["P1"])
    yield running
    running.close()


def test_a_person_signs_in_works_and_signs_out(county: PlanningService, visit: Visitor) -> None:
    with serving(county) as service:
        seen = visit(width=390, locale="en-GB", is_clean=False)  # a 401 is a line of the console
        page = seen.page
        page.goto(f"{service}/data")
        expect(page).to_have_url(f"{service}/sign-in?next=/data")
        assert serious(page) == []
        for width in in_both_windows(page):
            assert overflow(page) == 0, width
        page.get_by_label("Account").fill(NAME)
        page.get_by_label("Password").fill("a wrong password")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("wrong")
        assert serious(page) == []
        page.get_by_label("Account").fill(NAME)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_selector(SHOWN)
        expect(page).to_have_url(f"{service}/data")
        expect(page.locator("#kept")).to_be_visible()
        expect(page.locator("#retain")).to_have_count(0)  # which is for who administers
        for width in (390, 961, 1280):
            page.set_viewport_size({"width": width, "height": 844})
            assert overflow(page) == 0, width
        page.get_by_role("link", name=NAME).click()
        page.wait_for_selector(SHOWN)
        assert serious(page) == []
        page.goto(f"{service}/scenarios")
        page.wait_for_selector(SHOWN)
        county.accounts.sign_out_everywhere(NAME)
        page.get_by_label("Name", exact=True).fill("a scenario")
        page.get_by_role("button", name="Make it").click()
        page.get_by_role("link", name="Sign in").click()
        expect(page).to_have_url(f"{service}/sign-in?next=%2Fscenarios")
        page.get_by_label("Account").fill(NAME)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_selector(SHOWN)
        expect(page).to_have_url(f"{service}/scenarios")
        page.get_by_role("button", name="Sign out", exact=True).click()
        expect(page).to_have_url(f"{service}/sign-in")
        page.go_back()
        expect(page.get_by_label("Password")).to_be_visible()
        assert seen.outside == []
        assert seen.dialogs == []


def test_who_is_limited_to_a_park_plans_it_and_is_led_to_no_refusal(
    county: PlanningService, visit: Visitor
) -> None:
    with serving(county) as service:
        page = visit(width=390, locale="en-GB").page
        page.goto(f"{service}/sign-in")
        page.get_by_label("Account").fill("wu")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_selector(SHOWN)
        page.goto(f"{service}/sites")
        page.wait_for_selector(SHOWN)
        expect(page.locator("#withheld")).to_contain_text("are not saved")
        assert serious(page) == []
        for path in ("/sites", "/scenarios", "/reviews", "/parks/P1"):
            page.goto(f"{service}{path}")
            page.wait_for_selector(SHOWN)
            for link in page.locator("a[href]").evaluate_all("all => all.map((one) => one.href)"):
                if link.startswith(service):
                    assert page.request.get(link).status == 200, (path, link)
        page.goto(f"{service}/scenarios")
        page.wait_for_selector(SHOWN)
        page.get_by_label("Name", exact=True).fill("mine")
        page.locator("#make").click()
        page.wait_for_url("**/scenarios/s*")
        page.wait_for_selector(SHOWN)
        expect(page.locator("#withheld")).to_contain_text("judged on these parks alone")
        expect(page.locator("#publish")).to_have_count(0)
        assert serious(page) == []
        for width in in_both_windows(page):
            assert overflow(page) == 0, width
