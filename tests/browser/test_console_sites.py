"""The planner's page: the form, the ranking that follows the weights, reasons, comparison."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from geo_service.planning import PlanningService as Running
from geo_service.suitability.project import Project
from tests.browser.conftest import Visitor, serving
from tests.browser.console import open_page, overflow, serious
from tests.county import County, box, parcel, zone
from tests.patience import eventually

pytestmark = pytest.mark.browser

ROWS = 'tr[data-id^="parcel:"].can-select'
MEETING = """() => {
  const pins = [...document.querySelectorAll('.pin-candidates:not(.is-faded)')].map((pin) => {
    const { x, y, width } = pin.getBoundingClientRect();
    return { x: x + width / 2, y: y + width / 2, reach: width / 2 };
  });
  return pins.length ? pins.flatMap((one, index) => pins.slice(index + 1).filter((other) =>
    Math.hypot(one.x - other.x, one.y - other.y) < one.reach + other.reach)).length : -1;
}"""
"""How many pairs of candidates' signs meet on a map; -1 if there are none."""


def made_county() -> County:
    """Return a county with three free parcels: a fit in P1, a larger one in P2, one in a red line.

    P1 leads with 13, P2 with 36; the parcels are of 20 000, 40 000 and 20 000 m².
    """
    county = County()
    county.layers["parcels"] = [
        parcel("L1", box(100, 100, 100, 200), status="vacant", land_use="100101"),
        parcel("L2", box(2100, 100, 200, 200), status="vacant", park_id="P2", land_use="100101"),
        parcel("L3", box(600, 600, 100, 210), status="vacant", land_use="100101"),
    ]
    county.layers["control_zones"].append(zone("Z1", box(590, 590, 200, 300), name="红线"))
    return county


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Running:
    """Return the county, open and reviewed."""
    return Running.open(made_county().write(tmp_path_factory.mktemp("sites")))


@pytest.fixture(scope="module")
def address(county: Running) -> Iterator[str]:
    """Serve it."""
    with serving(county) as found:
        yield found


def rank(page: Page, name: str = "测试项目", code: str = "1311") -> None:
    """Fill in a project that needs 30 mu and rank it."""
    page.get_by_label("项目名称").fill(name)
    page.get_by_label("行业代码").fill(code)
    page.get_by_label("用地面积").fill("30")
    page.click("#rank")
    page.wait_for_selector(".is-result")


def test_a_project_is_ranked_with_reasons_and_exclusions(visit: Visitor, address: str) -> None:
    page = open_page(visit, f"{address}/sites")
    rank(page)
    rows = page.locator(ROWS)
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("L1")
    expect(rows.first.locator(".rank-no")).to_have_text("1")
    page.get_by_role("button", name="排名理由").click()
    expect(page.locator("#explanation li").first).to_be_visible()
    page.locator("#excluded > summary").click()
    excluded = page.locator("tr", has=page.get_by_text("parcel:L3", exact=True))
    expect(excluded).to_contain_text("生态保护红线")
    expect(excluded).to_contain_text("control_zone.ecological_red_line")


def test_weights_rank_again_at_once_and_can_be_taken_back(visit: Visitor, address: str) -> None:
    page = open_page(visit, f"{address}/sites")
    rank(page)
    with page.expect_response("**/weights?*") as caught:
        for slider in page.locator(".weight input").all():
            slider.fill("0")
        page.get_by_label("规模匹配").fill("40")
    assert caught.value.ok
    # capacity alone counts: all of its weight
    expect(page.locator(".weight", has_text="规模匹配").locator("output")).to_have_text("100.0%")
    expect(page.get_by_role("status").filter(has_text="已按新权重更新")).to_be_visible()
    page.get_by_role("button", name="恢复原权重").click()
    expect(page.locator(".weight", has_text="规模匹配").locator("output")).not_to_have_text(
        "100.0%"
    )


def test_reasons_map_and_downloads_follow_the_weights_and_can_be_kept(
    visit: Visitor, address: str
) -> None:
    page = open_page(visit, f"{address}/sites")
    rank(page)
    page.get_by_role("button", name="排名理由").click()
    reasons = page.locator("#explanation .cure").first
    expect(reasons).to_contain_text("第 1")
    chosen = page.locator(".dock-head h2 .data").inner_text()
    with page.expect_response("**/maps/ranking/features/candidates?*weights=*") as fetched:
        for slider in page.locator(".weight input").all():
            slider.fill("0")
        page.get_by_label("规模匹配").fill("40")
    features = fetched.value.json()["features"]
    marks = {item["id"]: item["properties"].get("rank") for item in features}
    rows = page.locator(ROWS)
    first = str(rows.first.get_attribute("data-id"))
    assert marks[first] == 1
    # The chosen one stays chosen; its reasons say its score as it is now, as the table does.
    score = page.locator(f"{ROWS}.is-selected strong").inner_text()
    expect(reasons).to_contain_text(f"{float(score):.1f}（满分 100）")
    assert chosen == page.locator(".dock-head h2 .data").inner_text()
    page.locator(".menu-list summary").click()
    with page.expect_download() as file:
        page.get_by_role("link", name="JSON", exact=True).click()
    document = json.loads(file.value.path().read_text(encoding="utf-8"))
    assert document["candidates"][0]["candidate_id"] == first
    before = page.url
    page.get_by_role("button", name="另存为新排名").click()
    expect(page).not_to_have_url(before)
    expect(page.locator(ROWS).first).to_have_attribute("data-id", first)
    expect(page.get_by_role("button", name="另存为新排名")).to_be_hidden()


def test_candidates_stand_side_by_side(visit: Visitor, address: str) -> None:
    page = open_page(visit, f"{address}/sites")
    rank(page)
    expect(page.locator(".tray")).to_contain_text("勾选两个以上")
    for box_ in page.locator(f"{ROWS} input[type=checkbox]").all():
        box_.check()
    page.click("#side-by-side")
    heads = page.locator(".side-by-side thead th")
    expect(heads).to_have_count(3)
    expect(page.locator(".side-by-side .is-best").first).to_be_visible()


def test_industries_are_found_by_name(visit: Visitor, address: str) -> None:
    page = open_page(visit, f"{address}/sites")
    page.get_by_label("行业代码").fill("電池")
    expect(page.locator("datalist option[value='384']")).to_be_attached()


def test_a_project_of_floors_asks_for_floors(visit: Visitor, address: str) -> None:
    page = open_page(visit, f"{address}/sites")
    page.get_by_label("楼层", exact=True).check()
    expect(page.get_by_label("用地面积")).to_be_hidden()
    page.get_by_label("项目名称").fill("上楼项目")
    page.get_by_label("行业代码").fill("1311")
    page.get_by_label("建筑面积").fill("500")
    page.click("#rank")
    expect(page.locator(".is-ranking")).to_contain_text("没有合适的候选地")


def test_what_rules_ask_of_a_project_is_asked_and_sent(visit: Visitor, address: str) -> None:
    page = open_page(visit, f"{address}/sites")
    page.get_by_text("准入信息").click()
    page.get_by_label("产业结构调整指导目录类别").select_option(label="允许类")
    page.get_by_label("是否生产危险化学品").select_option(label="否")
    page.get_by_label("是否对水体污染严重").select_option(label="是")
    page.get_by_label("年综合能源消费量").fill("1200")
    page.get_by_label("节能审查意见文号").fill("渝发改 2026-1")
    with page.expect_request(lambda request: request.method == "POST") as sent:
        rank(page)
    asked = json.loads(sent.value.post_data or "")
    assert asked["catalogue_class"] == "permitted"
    assert asked["hazardous_chemicals"] is False
    assert asked["heavy_polluter"] is True
    assert asked["energy_tce"] == 1200
    assert asked["energy_review_number"] == "渝发改 2026-1"
    # What is not answered is not said.
    assert not {"mixing_only", "tailings_pond", "discharges_wastewater"} & set(asked)
    again = open_page(visit, page.url)
    again.click("#fold-project")
    again.get_by_text("准入信息").click()
    expect(again.get_by_label("是否生产危险化学品")).to_have_value("false")
    expect(again.get_by_label("节能审查意见文号")).to_have_value("渝发改 2026-1")


def test_a_project_s_file_keeps_all_that_it_says(
    visit: Visitor, address: str, tmp_path: Path
) -> None:
    project = {
        "name": "全",
        "industry_code": "1311",
        "kind": "expansion",
        "hazard_class": "丙",
        "output_cny": 200_000_000,
        "discharges_wastewater": True,
        "heavy_polluter": False,
        "tailings_pond": False,
        "mixing_only": False,
        "hazardous_chemicals": False,
        "catalogue_class": "encouraged",
        "energy_tce": 900,
        "energy_review_number": "无",
        "needs": {"land_m2": 20_000, "power_kva": 2000},
        "access": {"interchange": {"max_minutes": 60}},
        "candidates": ["parcel"],
        "criteria": {},
        "weights": {"method": "equal"},
        "method": "topsis",
        "normalisation": "vector",
        "unknown": "exclude",
    }
    assert set(project) == set(Project.model_fields)
    file = tmp_path / "project.json"
    file.write_text(json.dumps(project), "utf-8")
    page = open_page(visit, f"{address}/sites")
    page.set_input_files("#project input[type=file]", file)
    expect(page.get_by_label("项目名称")).to_have_value("全")
    with page.expect_download() as saved:
        page.get_by_role("button", name="保存为文件").click()
    assert json.loads(saved.value.path().read_text(encoding="utf-8")) == project


def test_a_wrong_project_is_answered_with_its_faults(visit: Visitor, address: str) -> None:
    page = open_page(visit, f"{address}/sites", is_clean=False)
    page.get_by_label("项目名称").fill("x")
    page.get_by_label("行业代码").fill("9999")
    page.get_by_label("用地面积").fill("30")
    page.click("#rank")
    # What is wrong is said at its field, once.
    expect(page.locator("#project").get_by_role("alert")).to_contain_text("9999")
    expect(page.get_by_role("alert")).to_have_count(1)
    expect(page.get_by_label("行业代码")).to_be_focused()
    expect(page.locator("#rank")).to_be_enabled()
    # So is a word in place of a code, without Python's quotes.
    page.get_by_label("行业代码").fill("不是行业")
    page.click("#rank")
    alert = page.locator("#project").get_by_role("alert")
    expect(alert).to_contain_text("不是行业")
    expect(alert).not_to_contain_text("'")
    page.get_by_label("行业代码").fill("1311")
    page.click("#rank")
    expect(page.locator(ROWS)).to_have_count(2)
    expect(page.locator("#project [role=alert]")).to_have_count(0)


def test_an_earlier_ranking_opens_from_its_address_with_its_project(
    visit: Visitor, address: str
) -> None:
    page = open_page(visit, f"{address}/sites")
    rank(page, name="<img src=x onerror=alert(1)>")
    expect(page).to_have_url(re.compile("ranking="))
    again = open_page(visit, page.url)
    expect(again.locator(ROWS)).to_have_count(2)
    expect(again.get_by_label("项目名称")).to_have_value("<img src=x onerror=alert(1)>")
    expect(again.locator(".is-result h2")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(again.get_by_label("用地面积")).to_have_value("30")
    assert again.locator("main img").count() == 0


def test_downloads_are_offered_and_can_be_fetched(visit: Visitor, address: str) -> None:
    page = open_page(visit, f"{address}/sites")
    rank(page)
    page.locator(".is-result .menu-list summary").click()
    links = page.locator(".is-result .menu-list a")
    expect(links).to_have_count(3)
    for place in range(3):
        answer = page.request.get(address + (links.nth(place).get_attribute("href") or ""))
        assert answer.ok, answer.url


def test_places_stand_by_park_and_the_whole_view_is_in_the_address(
    visit: Visitor, service: str
) -> None:
    page = open_page(visit, f"{service}/sites")
    page.select_option("#county-projects", label="储能模组项目（示意）")
    page.click("#rank")
    page.wait_for_selector(".is-result")
    rows = page.locator("tr.can-select[data-id]")
    expect(rows.nth(9)).to_be_visible()
    names = [name for name in rows.locator(".link").all_inner_texts()[:10] if name]
    assert len(set(names)) >= 5

    # The places of the first park unfold; none is named twice.
    before = rows.count()
    unfold = page.locator("[data-unfold]").first
    told = int("".join(filter(str.isdigit, unfold.inner_text())))
    unfold.click()
    expect(rows).to_have_count(before + told - 1)

    # Another is selected: what sets it apart from the first, docked beside the map.
    rows.nth(told).locator(".link").click()
    bars = page.locator("#difference tbody tr")
    expect(bars.first).to_be_visible()
    scores = [float(rows.nth(at).locator("strong").inner_text()) for at in (0, told)]
    apart = [
        float(text.replace("\N{MINUS SIGN}", "-"))
        for text in bars.locator("td.number").all_inner_texts()
    ]
    assert sum(apart) == pytest.approx(scores[1] - scores[0], abs=0.1)
    expect(page.locator("#swap")).to_contain_text("第 2 名")
    frame = page.frame_locator(".map-box iframe")
    expect(frame.locator('.app[data-state="done"]')).to_be_attached()
    expect(frame.locator(".dock")).to_be_hidden()
    eventually(lambda: page.frames[-1].evaluate(MEETING) == 0, "no rank lies over another")

    for at in (0, told):
        rows.nth(at).locator("input[type=checkbox]").check()
    page.get_by_label("规模匹配").fill("40")
    expect(page).to_have_url(re.compile("weights="))
    order = rows.evaluate_all("(all) => all.map((row) => row.dataset.id)")
    selected = page.locator("tr.is-selected").get_attribute("data-id")

    other = open_page(visit, page.url, width=1600)
    again = other.locator("tr.can-select[data-id]")
    expect(other.locator("tr.is-selected")).to_have_attribute("data-id", str(selected))
    expect(other.get_by_role("status").filter(has_text="已按新权重更新")).to_be_visible()
    shown = again.evaluate_all("(all) => all.map((row) => row.dataset.id)")
    assert shown[0] == order[0]
    assert [name for name in shown if name in order] == [name for name in order if name in shown]
    expect(other.locator(".tray-items li")).to_have_count(2)
    assert serious(other) == []

    other.click("#one-page")
    other.wait_for_selector(".site-sheet thead th:nth-child(3)")
    expect(other.frame_locator("iframe").locator('.app[data-state="done"]')).to_be_attached()
    paper = other.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1


def test_it_works_in_a_small_window(visit: Visitor, address: str) -> None:
    page = open_page(visit, f"{address}/sites", width=390)
    rank(page)
    expect(page.locator(ROWS)).to_have_count(2)
    assert overflow(page) == 0
