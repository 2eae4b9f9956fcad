"""Layouts as planners use them: goals with faults and a lock, answer, why, a publication."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, expect

from geo_service.isolation import Isolated
from geo_service.planning import PlanningService as Running
from geo_service.reports.document import dump
from tests.browser.conftest import READY, Visitor, serving
from tests.browser.console import SHOWN, asked, overflow, serious
from tests.conftest import copy_demo
from tests.patience import eventually

pytestmark = pytest.mark.browser

GARMENT = {
    "name": "<i>服装</i>{{7*7}}（示意）",
    "industry_code": "1811",
    "hazard_class": "丙",
    "output_cny": 40_000_000,
    "needs": {"floor_area_m2": 3_000},
}
GOALS: dict[str, Any] = {
    "name": "<b>小布局</b> {{1}}",
    "industries": {"parks": ["YY-B-12"], "digits": [2, 3]},
    "moves": {"most": 2, "who": ["YY-E-B12-02", "YY-E-B12-03", "YY-E-B17-03"]},
    "projects": [{"project": GARMENT}],
    "bans": [{"leading_industry": "26"}],
    "wanted": {"terms": {"focus": {"weight": 2}, "placed": {"weight": 10}, "move_cost": {}}},
    "solving": {"time_limit_s": 60},
    "alternatives": {"count": 2, "within": 0.1, "parks": 1},
    "front": {"terms": ["moves", "focus"], "points": 3},
}
Document = dict[str, Any]


class WatchedProcess(Isolated):
    """A process of a solver that a test can look for."""

    started: list[Isolated] = []  # noqa: RUF012 - of one test at a time

    def __init__(self, modules: Any) -> None:  # noqa: ANN401 - as the process takes them
        super().__init__(modules)
        self.started.append(self)


@pytest.fixture
def county(tmp_path: Path) -> Iterator[Running]:
    """Return the demo county, to be published in."""
    running = Running.open(copy_demo(tmp_path))
    yield running
    running.close()


def open_goals(page: Page, goals: Document) -> None:
    """Open goals as a file."""
    file: FilePayload = {"name": "g.json", "mimeType": "application/json", "buffer": dump(goals)}
    page.set_input_files("#goals-file", file)
    expect(page.locator("[data-field=name]")).to_have_value(goals["name"])


def running_solvers() -> int:
    return sum(process.is_alive for process in WatchedProcess.started)


def test_from_goals_to_a_published_scenario(
    visit: Visitor, county: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geo_service.layout.solver.Isolated", WatchedProcess)
    WatchedProcess.started.clear()
    with serving(county) as base:
        # Goals that are refused are a complaint of the browser's console.
        made = visit(width=1440, height=900, is_clean=False)
        page = made.page
        page.goto(f"{base}/help?lang=zh-Hans")
        page.click('.places a[href="/layouts"]')
        page.wait_for_selector(SHOWN)
        # The county's own goals are open.
        expect(page.locator("#projects .project-row")).to_have_count(12)
        expect(page.locator("#locks .rule-row")).to_have_count(2)

        open_goals(page, GOALS)
        expect(page.locator("#projects .project-row")).to_have_count(1)
        add_lock(page)
        refuse(page)
        page.click("#solve")
        page.wait_for_url("**/layouts/l-*", timeout=120_000)
        page.wait_for_selector(SHOWN)
        path = f"/api/layouts/{page.url.partition('?')[0].rpartition('/')[2]}"
        found = asked(page, base, path)
        assert found["goals"]["locks"] == [{"park": "YY-M-01"}]
        # What the form sent is what was opened, its defaults said.
        for part in ("industries", "moves", "front", "alternatives"):
            sent = found["goals"][part]
            assert {name: sent[name] for name in GOALS[part]} == GOALS[part]
        assert found["goals"]["bans"] == GOALS["bans"]
        assert found["goals"]["projects"][0]["project"]["name"] == GARMENT["name"]

        assert_told(page, base, path, found)
        scenario = accept_some(page, base, found)
        publish(page, base, scenario)
        cancel(page, base)
        assert (made.outside, made.dialogs) == ([], [])


def add_lock(page: Page) -> None:
    """Lock a park's industry, chosen by keyboard."""
    page.click("[data-add=locks]")
    row = page.locator("#locks .rule-row")
    box = row.locator("[role=combobox]")
    box.fill("YY-M-01")
    expect(row.locator("[role=option]:visible").first).to_contain_text("YY-M-01")
    box.press("ArrowDown")
    box.press("Enter")


def refuse(page: Page) -> None:
    """Every fault is told at once, each at its field, and mending them lets the goals through."""
    most = page.locator('[data-field="moves.most"]')
    most.fill("-1")
    page.click("[data-add=bans]")
    ban = page.locator("#bans .rule-row").nth(1)
    ban.locator("select").first.select_option("park")
    ban.locator("[role=combobox]").fill("YY-X")
    page.click("#solve")
    expect(page.locator("#goals-faults li")).to_have_count(2)
    expect(page.locator('[data-path="moves.most"] .field-fault')).to_have_count(1)
    expect(page.locator('[data-path="bans.1.park"] .field-fault')).to_contain_text("YY-X")
    most.fill("2")
    ban.locator("button").last.click()


def assert_told(page: Page, base: str, path: str, found: Document) -> None:
    """The page tells what the service answered: quality, decisions, why not, others, front."""
    assert found["status"] == "optimal"
    expect(page.locator("[data-status=optimal]")).to_have_count(1)
    changed = [park for park in found["parks"] if park["is_changed"]]
    rows = page.locator("#parks tbody tr")
    assert [row.get_attribute("data-id") for row in rows.all()] == [
        park["park_id"] for park in changed
    ]
    expect(rows.first).to_contain_text(changed[0]["proposed"])
    expect(rows.first).to_contain_text(changed[0]["why"])
    expect(page.locator("#placed tbody tr")).to_contain_text(str(GARMENT["name"]))
    expect(page.locator("#moves tbody tr")).to_have_count(len(found["moves"]))
    page.check("#all-parks")
    page.locator("#parks .more button").click()
    expect(rows).to_have_count(len(found["parks"]))

    page.select_option("#why-park", "YY-C-05")
    page.click("#ask-why-not")
    query = f"project={GARMENT['name']}&park=YY-C-05&lang=zh-Hans"
    why = asked(page, base, f"{path}/why-not?{query}")
    expect(page.locator("#why-not-outcome")).to_contain_text(why["why"])

    page.click("#replace-all")
    expect(page.locator("#replacements tbody tr").first).to_be_visible(timeout=120_000)
    replaced = asked(page, base, path)["replacements"]
    expect(page.locator("#replacements tbody tr")).to_have_count(len(replaced))

    assert found["alternatives"]
    expect(page.locator("#alternatives tbody tr")).to_have_count(len(found["alternatives"]))
    assert len(found["front"]) > 1
    expect(page.locator("#front circle")).to_have_count(len(found["front"]))
    none = next(point for point in found["front"] if point["terms"]["moves"] == 0)
    page.locator("#most-moves").press("Home")
    expect(page.locator("#open-point")).to_have_attribute("href", f"/layouts/{none['layout_id']}")
    other = next(point for point in found["front"] if point != none)
    page.locator(f'#front circle[data-point="{other["layout_id"]}"]').click()
    part = other["layout_id"].partition(".")[2]
    assert page.evaluate("new URLSearchParams(location.search).get('point')") == part
    expect(page.frame_locator(".map-box iframe").locator(READY)).to_have_count(1)
    assert serious(page) == []
    assert overflow(page) == 0


def accept_some(page: Page, base: str, found: Document) -> str:
    """All but the moves become a scenario; return its id."""
    for move in found["moves"]:
        page.locator(f'#moves input[value="{move["enterprise_id"]}"]').uncheck()
    page.click("#accept")
    page.click("#accepted a")
    page.wait_for_selector("#edits > .edit")
    scenario = page.url.partition("?")[0].rpartition("/")[2]
    ops = [edit["op"] for edit in asked(page, base, f"/api/scenarios/{scenario}")["edits"]]
    assert ops == ["set_leading_industry", "place_project"]
    return scenario


def publish(page: Page, base: str, scenario: str) -> None:
    """The scenario becomes the plan."""
    before = asked(page, base, "/api/layers")["plan_version"]
    changes = page.locator(".is-changes > .stack")
    expect(changes).not_to_have_attribute("aria-busy", "true", timeout=120_000)
    page.click("#publish")
    page.locator("#publish-now").press("Enter")
    expect(page.locator(".publication")).to_have_count(1, timeout=120_000)
    assert asked(page, base, "/api/layers")["plan_version"] != before
    assert asked(page, base, f"/api/scenarios/{scenario}")["published"]


def cancel(page: Page, base: str) -> None:
    """A search that is cancelled ends, and with it the solver's process."""
    # 400 points of a front, three solves each: no machine is done before the button is pressed.
    front = {"terms": ["moves", "focus", "chains"], "points": 20}
    solving = {"time_limit_s": 1_200}
    goals = {**GOALS, "name": "长", "industries": {}, "front": front, "solving": solving}
    page.goto(f"{base}/layouts")
    page.wait_for_selector(SHOWN)
    open_goals(page, goals)
    WatchedProcess.started.clear()
    page.click("#solve")
    eventually(lambda: running_solvers() == 1, "a solver runs")
    page.locator("#cancel-search").press("Enter")  # a click may be tried twice while it goes
    expect(page.locator("#search [role=status]")).to_contain_text("已取消")
    eventually(lambda: running_solvers() == 0, "no solver runs")
