"""Scenarios as planners make them: two alternatives, compared, moved on, half published, undone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import APIResponse, FilePayload, Locator, Page, expect

from geo_service.planning import PlanningService as Running
from geo_service.reports.document import dump
from tests.browser.conftest import Visitor, serving
from tests.browser.console import SHOWN, asked
from tests.conftest import DEMO, copy_demo
from tests.patience import eventually

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)>{{7*7}}'\"&"
BATTERY = DEMO / "projects" / "battery.yaml"
PAPER = DEMO / "scenarios" / "paper.yaml"
PARCEL = "YY-P-M01-031"
VERDICTS = ("pass", "watch", "fail", "unknown")
Document = dict[str, Any]


@pytest.fixture
def county(tmp_path: Path) -> Iterator[Running]:
    """Return the demo county, to be published in."""
    running = Running.open(copy_demo(tmp_path))
    yield running
    running.close()


def own(page: Page) -> str:
    """Return the path of the scenario that a page shows."""
    return "/api" + page.url.partition("?")[0][page.url.index("/scenarios/") :]


def begin(page: Page, op: str) -> Locator:
    """Open the form of a kind of edit."""
    page.click("#ops > summary")
    page.click(f"#ops [data-op={op}]")
    form = page.locator(f"#edit-form[data-op={op}]")
    expect(form).to_be_visible()
    return form


def pick(form: Locator, field: str, words: str) -> None:
    """Choose the first feature that words find, by keyboard alone."""
    box = form.locator(f"[data-field={field}]")
    box.fill(words)
    expect(form.locator("[role=option]:visible").first).to_contain_text(words)
    box.press("ArrowDown")
    box.press("Enter")
    expect(form.locator("[role=listbox]:visible")).to_have_count(0)


def add(page: Page, form: Locator, reason: str) -> None:
    """Give a reason and add the edit."""
    before = page.locator("#edits > .edit").count()
    form.locator("[data-field=reason]").fill(reason)
    form.locator("#add-edit").click()
    expect(page.locator("#edits > .edit")).to_have_count(before + 1)


def assert_told_as_judged(page: Page, base: str) -> None:
    """The page tells the verdicts that the service's reviews of both plans have."""
    changes = page.locator(".is-changes > .stack")
    expect(changes).not_to_have_attribute("aria-busy", "true", timeout=120_000)
    found = asked(page, base, f"{own(page)}/review")
    told = asked(page, base, f"{own(page)}/changes")
    for verdict in VERDICTS:
        cells = page.locator(f".before-after [data-row={verdict}] td")
        expect(cells.nth(0)).to_have_text(str(found["base_verdicts"][verdict]))
        expect(cells.nth(1)).to_have_text(str(found["verdicts"][verdict]))
    expect(page.locator("#changes > .finding-change")).to_have_count(told["numberMatched"])
    ids = [edit["edit_id"] for edit in asked(page, base, own(page))["edits"]]
    for one in told["changes"]:
        links = page.locator(f'[data-id="{one["finding_id"]}"] .causes button')
        numbers = [str(ids.index(edit) + 1) for edit in one["caused_by"]]
        assert links.all_inner_texts() == numbers


def make_alternative(page: Page) -> None:
    """From a ranking's candidate into a new scenario: project, two moves, a use, an industry."""
    project = yaml.safe_load(BATTERY.read_text(encoding="utf-8"))
    file: FilePayload = {
        "name": "battery.json",
        "mimeType": "application/json",
        "buffer": dump(project),
    }
    page.set_input_files("#project input[type=file]", file)
    expect(page.locator("#project [name=name]")).to_have_value(project["name"])
    page.click("#rank")
    page.locator("[data-place]").click()
    page.wait_for_url(re.compile("/scenarios"))
    page.wait_for_selector(SHOWN)
    page.fill("#new-scenario input >> nth=0", HOSTILE)
    page.fill("#new-scenario textarea", HOSTILE)
    page.click("#make")
    form = page.locator("#edit-form[data-op=place_project]")
    expect(form.locator("[data-field=candidate_id]")).not_to_have_value("")
    add(page, form, HOSTILE)

    form = begin(page, "move_enterprise")
    pick(form, "enterprise_id", "YY-E-B08-03")
    pick(form, "park_id", "YY-B-13")
    add(page, form, "家具归园")

    page.click("[data-name=tab][data-value=enterprises]")
    page.fill("#enterprise-query", "YY-E-B08-04")
    row = page.locator('#enterprises [data-id="YY-E-B08-04"]')
    goal = page.locator('#drop-parks [data-id="YY-B-13"]')
    # On one of a park's floors, which a button shows: the form has building and floor.
    goal.get_by_role("button").press("Enter")
    row.drag_to(goal.locator(".floor-goals .goal").nth(1))
    form = page.locator("#edit-form[data-op=move_enterprise]")
    told = goal.locator(".floor-goals .goal").nth(1).get_attribute("data-id") or ""
    building_id, _, floor_no = told.rpartition("/")
    expect(form.locator("[data-field=building_id]")).to_have_value(re.compile(f"{building_id}$"))
    expect(form.locator("[data-field=floor_no]")).to_have_value(floor_no)
    row.drag_to(goal.locator(".goal-head"))
    form = page.locator("#edit-form[data-op=move_enterprise]")
    expect(form.locator("[data-field=enterprise_id]")).to_have_value(re.compile("YY-E-B08-04$"))
    # The form of the floor had the same enterprise: without a building it is that of the park.
    expect(form.locator("[data-field=building_id]")).to_have_count(0)
    add(page, form, "同上")
    page.click("[data-name=tab][data-value=map]")

    form = begin(page, "rezone_parcel")
    pick(form, "parcel_id", PARCEL)
    form.locator("[data-field=land_use]").fill("工业")
    form.locator("[data-field=reason]").fill("改作工业")
    form.locator("#add-edit").click()
    # What is refused is said at its field.
    expect(form.locator(".field:has([data-field=land_use]) .field-fault")).to_contain_text("工业")
    form.locator("[data-field=land_use]").fill("100101")
    add(page, form, "改作工业")

    form = begin(page, "set_leading_industry")
    pick(form, "park_id", "YY-B-08")
    form.locator("[data-field=leading_industry]").fill("18")
    add(page, form, "承接服装")


def test_two_alternatives_are_made_compared_moved_on_half_published_and_undone(
    visit: Visitor, county: Running, tmp_path: Path
) -> None:
    with serving(county) as base:
        # An edit that is refused is a complaint of the browser's console.
        made = visit(width=1440, is_clean=False)
        page = made.page
        page.goto(f"{base}/sites?lang=zh-Hans")
        page.wait_for_selector(SHOWN)
        make_alternative(page)
        assert_told_as_judged(page, base)
        expect(page.locator("h1")).to_have_text(HOSTILE)
        expect(page.locator("#edits .edit-reason").first).to_have_text(HOSTILE)

        # Undone and done again, over a reload too; switched off and on.
        page.click("#undo")
        expect(page.locator("#edits > .edit")).to_have_count(4)
        page.reload()
        page.click("#redo")
        expect(page.locator("#edits > .edit")).to_have_count(5)
        page.locator("#edits > .edit").nth(4).locator("input").uncheck()
        expect(page.locator("#edits > .is-off")).to_have_count(1)
        page.keyboard.press("Tab")
        page.click("#undo")
        expect(page.locator("#edits > .is-off")).to_have_count(0)
        assert_told_as_judged(page, base)
        assert_whole_on_paper(page)
        first = page.url.partition("?")[0]

        # The other alternative comes from a file; both stand beside the plan.
        page.goto(f"{base}/scenarios")
        page.set_input_files("#scenario-file", PAPER)
        expect(page.locator("#edits > .edit")).to_have_count(5)
        page.goto(f"{base}/scenarios")
        ticks = page.locator("td input[type=checkbox]")
        expect(ticks).to_have_count(2)
        for tick in ticks.all():
            tick.check()
        page.click("#compare")
        page.wait_for_url(re.compile(r"/scenarios/compare\?"))
        page.wait_for_selector(SHOWN)
        assert_compared(page, base, tmp_path)

        # Somebody else's import changes a parcel that the first one rezones.
        rezone_elsewhere(page, base)
        page.goto(first)
        page.click("#open-rebase")
        conflict = page.locator(".conflict")
        expect(conflict).to_have_count(1)
        expect(page.locator(".conflict input:checked")).to_have_count(0)
        expect(page.locator("#rebase")).to_be_disabled()
        expect(conflict.locator("[data-side=theirs]")).to_have_text("100102")
        expect(conflict.locator("[data-side=ours]")).to_have_text("100101")
        conflict.locator("input[value=ours]").check()
        page.click("#rebase")
        expect(page.locator(".moved")).to_have_count(0)
        publish_half(page, base)
        assert (made.outside, made.dialogs) == ([], [])


def assert_whole_on_paper(page: Page) -> None:
    """No part of the workbench is cut on paper, and changes name the edits that bring them."""
    size = page.viewport_size
    assert size is not None
    page.set_viewport_size({"width": 1054, "height": 725})
    page.emulate_media(media="print")
    parts = page.locator(".bench-part:not(.is-stage)")
    expect(parts).to_have_count(2)
    rest = "parts => parts.map((part) => part.scrollHeight - part.clientHeight)"
    assert max(parts.evaluate_all(rest)) <= 1
    expect(page.locator(".causes .edit-link").first).to_be_visible()
    page.emulate_media(media="screen")
    page.set_viewport_size(size)


def assert_compared(page: Page, base: str, tmp_path: Path) -> None:
    """The comparison shows what the service tells, and files for the meeting come from it."""
    ids = page.evaluate("new URLSearchParams(location.search).get('ids')")
    found = asked(page, base, f"/api/scenarios/compare?ids={ids}")
    assert len(found["alternatives"]) == 3
    differing = [park["park_id"] for park in found["parks"] if park["differs"]]
    rows = page.locator("#matrix tbody tr")
    assert [row.get_attribute("data-id") for row in rows.all()] == differing
    for row in found["measures"]:
        if row["unit"] is None:
            for key, value in row["values"].items():
                cell = page.locator(f'#measures [data-row={row["measure"]}] [data-key="{key}"]')
                expect(cell).to_contain_text("—" if value is None else f"{value:,.0f}")
    page.click(".page-head .menu-list > summary")
    for form in ("xlsx", "docx", "html"):
        with page.expect_download() as caught:
            page.click(f".menu-list a[href*='format={form}']")
        path = tmp_path / f"compared.{form}"
        caught.value.save_as(path)
        assert path.stat().st_size > 1_000


def rezone_elsewhere(page: Page, base: str) -> None:
    """Import and publish another use of the parcel."""
    content = f"parcel_id,land_use,land_use_scheme\n{PARCEL},100102,planning2023\n"
    query = "layer=parcels&as=update&filename=use.csv&lang=en"
    draft = result(
        page,
        base,
        page.request.post(
            f"{base}/api/imports?{query}",
            data=content.encode(),
            headers={"content-type": "application/octet-stream"},
        ),
    )
    path = f"{base}/api/imports/{draft['import_id']}/publish?as=update"
    result(page, base, page.request.post(path))


def result(page: Page, base: str, answer: APIResponse) -> Document:
    """Return what a request has made, when the job that makes it is done."""
    assert answer.ok, answer.text()
    document: Document = answer.json()
    if answer.status != 202:
        return document
    address = f"/api/jobs/{document['job_id']}"

    def is_done() -> bool:
        document.update(asked(page, base, address))
        assert document["status"] in {"waiting", "running", "done"}, document
        return document.get("result") is not None

    eventually(is_done, "the job has its result")
    return asked(page, base, document["result"])


def publish_half(page: Page, base: str) -> None:
    """Publish the moves alone, and take them back."""
    before = asked(page, base, "/api/layers")["plan_version"]
    page.click("#publish")
    ticks = page.locator(".publish-edits input")
    for number in (0, 3, 4):
        ticks.nth(number).uncheck()
    page.click("#publish-now")
    expect(page.locator("#edits > .edit")).to_have_count(3)
    assert asked(page, base, "/api/layers")["plan_version"] != before
    history = asked(page, base, "/api/layers/enterprises/history")["versions"]
    assert any("家具归园" in (version["note"] or "") for version in history)
    page.click(".publication [data-undo]")
    expect(page.locator("#edits > .edit")).to_have_count(5)
    assert asked(page, base, "/api/layers")["plan_version"] == before
