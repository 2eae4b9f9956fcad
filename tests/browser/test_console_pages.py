"""What holds for every page: languages, sizes, axe, print; rulebook, data, help, about, import."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from geo_service.planning import PlanningService as Running
from geo_service.planning.layers import newest_layer, publish
from geo_service.schema import SCHEMAS
from tests.browser.conftest import Visitor, serving
from tests.browser.console import LANGUAGES, in_both_windows, open_page, overflow, serious, settle
from tests.county import County, box, parcel, zone
from tests.maps.hostile import TEXTS

pytestmark = pytest.mark.browser


def made_county() -> County:
    """Return a county with something on every page: findings, parcels, a free one."""
    county = County()
    county.layers["parcels"] = [
        parcel("L1", box(100, 100, 100, 200), status="vacant", land_use="100101"),
        parcel("L2", box(2100, 100, 200, 200), park_id="P2", land_use="100103"),
    ]
    county.layers["control_zones"].append(zone("Z1", box(0, 0, 100, 100), name="红线"))
    return county


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Running:
    """Return the county, open and reviewed."""
    return Running.open(made_county().write(tmp_path_factory.mktemp("pages")))


@pytest.fixture(scope="module")
def address(county: Running) -> Iterator[str]:
    """Serve it."""
    with serving(county) as found:
        yield found


def pages(county: Running) -> dict[str, str]:
    """Return every page by name."""
    return {
        "home": "/",
        "park": "/parks/P1",
        "reviews": "/reviews",
        "review": f"/reviews/{county.review.review_id}",
        "sites": "/sites",
        "layouts": "/layouts",
        "here": "/here",
        "scenarios": "/scenarios",
        "compared": "/scenarios/compare",
        "rulebook": "/rulebook",
        "data": "/data",
        "help": "/help",
        "about": "/about",
    }


NAMES = (
    *("home", "park", "reviews", "review", "sites", "here", "scenarios", "compared"),
    *("rulebook", "data", "layouts", "help", "about"),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_screen_reader_can_use_the_page_and_it_fits_both_windows(
    visit: Visitor, address: str, county: Running, name: str
) -> None:
    page = open_page(visit, address + pages(county)[name])
    expect(page.locator("h1")).to_have_count(1)
    assert serious(page) == []
    assert overflow(page) == 0
    page.set_viewport_size({"width": 390, "height": 844})
    settle(page)
    assert overflow(page) == 0
    assert serious(page) == []


def test_a_screen_reader_can_use_the_description_of_the_api(visit: Visitor, address: str) -> None:
    page = visit().page
    page.goto(f"{address}/docs")
    page.wait_for_selector(".opblock")
    assert serious(page) == []
    page.locator(".opblock-summary-control").first.click()
    page.wait_for_selector(".opblock-body")
    page.set_viewport_size({"width": 390, "height": 844})
    settle(page)
    assert serious(page) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_page_speaks_each_language(
    visit: Visitor, address: str, county: Running, name: str
) -> None:
    path = pages(county)[name]
    seen = {}
    page = visit().page
    for language in LANGUAGES:
        page.goto(f"{address}{path}?lang={language}")
        page.wait_for_selector('main[data-state="shown"]')
        expect(page.locator("html")).to_have_attribute("lang", language)
        seen[language] = page.locator("main").inner_text()
        texts = page.locator("main").inner_text() + page.locator(".top").inner_text()
        assert not re.search(r"\b(console|home|park|review|sites|data|about|help)\.[a-z_]+", texts)
        assert "undefined" not in texts
        assert "NaN" not in texts
    assert seen["zh-Hans"] != seen["zh-Hant"]
    # In English, Chinese is only what the data holds: names, sources, legal bases.
    ours = page.locator("main h2, main label, main button.button, nav a").all_inner_texts()
    chinese = [text for text in ours if re.search(r"[\u4e00-\u9fff]", text)]
    assert [text for text in chinese if text not in {"简", "繁"}] == []


def test_the_language_chosen_is_kept_from_page_to_page(visit: Visitor, address: str) -> None:
    page = open_page(visit, address)
    page.get_by_role("link", name="繁體中文").click()
    page.wait_for_selector('main[data-state="shown"]')
    page.get_by_role("link", name="規則集").click()
    page.wait_for_selector('main[data-state="shown"]')
    expect(page).not_to_have_url(re.compile("lang="))
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hant")
    page.goto(f"{address}/?verdict=fail")
    page.wait_for_selector('main[data-state="shown"]')
    page.get_by_role("link", name="English").click()
    expect(page).to_have_url(re.compile("verdict=fail"))


def test_the_menu_of_a_small_window_opens_and_closes(visit: Visitor, address: str) -> None:
    page = open_page(visit, f"{address}/help", width=390)
    expect(page.locator(".places")).to_be_hidden()
    page.get_by_role("button", name="菜单").click()
    expect(page.locator(".places")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".places")).to_be_hidden()
    expect(page.locator("#menu")).to_be_focused()


@pytest.mark.parametrize("name", ["home", "park", "review"])
def test_paper_shows_title_date_versions_legend_and_note(
    visit: Visitor, address: str, county: Running, name: str
) -> None:
    page = open_page(visit, address + pages(county)[name])
    page.emulate_media(media="print")
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator("#illustrative")).to_be_visible()
    expect(page.locator("#versions")).to_contain_text(county.plan.version)
    expect(page.locator("#printed")).to_contain_text(
        re.compile(r"测试县 · 打印于 20\d\d-\d\d-\d\d")
    )
    expect(page.locator(".places")).to_be_hidden()
    if name != "park":
        expect(page.locator("ul.legend").first).to_be_visible()
    paper = page.pdf(prefer_css_page_size=True)
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper)
    assert boxes
    # A4 landscape: 297 × 210 mm in points of 1/72 inch
    assert all(
        abs(float(wide) - 841.9) < 1 and abs(float(high) - 595.3) < 1 for wide, high in boxes
    )


def test_the_rulebook_names_basis_and_parameters(visit: Visitor, address: str) -> None:
    page = open_page(visit, f"{address}/rulebook")
    rule = page.locator('[id="focus.leading_share"]')
    expect(rule).to_contain_text("达标线")
    expect(rule).to_contain_text("70.0%")
    assert page.get_by_text("不分级别").count() > 0
    # Names of parameters and their values are words, whatever the rule.
    facts = page.locator(".rule .facts :is(dt, dd)").all_inner_texts()
    assert len(facts) > 100
    raw = re.compile(r"[a-z]_[a-z]|^[a-z]{3,}$|\u203a [a-z]{3}")
    assert [text for text in facts if raw.search(text)] == []
    page.get_by_label("查找").fill("chemical_1km")
    expect(page.locator(".rule")).to_have_count(1)
    page.get_by_label("查找").fill("no such rule")
    expect(page.locator("main")).to_contain_text("没有符合条件的规则")


def test_licences_of_what_is_shipped_are_shown(visit: Visitor, address: str) -> None:
    page = open_page(visit, f"{address}/about?lang=en")
    row = page.locator("tr", has=page.get_by_text("echarts", exact=True))
    expect(row).to_contain_text("Apache-2.0")
    row.get_by_text("Licence text").click()
    expect(row.locator(".licence").first).to_contain_text("Apache License")


def test_layers_say_what_is_real_and_their_history(visit: Visitor, address: str) -> None:
    page = open_page(visit, f"{address}/data")
    row = page.locator("tr", has=page.get_by_text("parcels", exact=True))
    expect(row).to_contain_text("全部示意")
    row.get_by_text("历史版本").click()
    expect(row.locator(".versions-list li")).to_have_count(1)


def test_a_file_is_looked_at_before_it_is_published(
    visit: Visitor, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = made_county().write(tmp_path_factory.mktemp("import"))
    running = Running.open(folder)
    text = (folder / "parcels.geojson").read_text(encoding="utf-8")
    file = tmp_path / "new.geojson"
    file.write_text(text.replace('"L1"', '"L9"').replace("made for tests", TEXTS[5]), "utf-8")
    with serving(running) as service:
        page = open_page(visit, f"{service}/data")
        page.set_input_files("#import-file", file)
        page.check("#import-as-whole")
        page.click("#import")
        report = page.locator("#import-report")
        expect(report).to_contain_text("new.geojson")
        expect(report).to_contain_text("EPSG:4490")
        expect(report).to_contain_text("L9")
        expect(report).to_contain_text(TEXTS[5])
        changes = report.locator(".import-changes .facts > div")
        # L1 became L9; L2 says another source.
        expect(changes).to_have_text(["新增1", "修改1", "删除1", "不变0"])
        expect(report.get_by_role("alert")).to_have_count(0)  # one of two is not more than half
        preview = page.frame_locator(".preview-map iframe")
        expect(preview.locator(".timeline-label")).to_have_text("待发布")
        expect(preview.locator(".list-line", has_text="L9")).to_be_visible()
        page.fill("#import-note", TEXTS[3])
        page.click("#publish")
        expect(report).to_contain_text("已发布宗地：2 个要素")
        row = page.locator("tr", has=page.get_by_text("parcels", exact=True))
        row.get_by_text("历史版本").click()
        expect(row.locator(".versions-list li")).to_have_count(2)
        expect(row.locator(".versions-list li").first).to_contain_text(TEXTS[3])
        row.get_by_text("在地图上查看各版本的变化").click()
        expect(page.locator(".timeline-note")).to_contain_text(TEXTS[3])


def test_an_earlier_version_is_restored_once_it_is_confirmed(
    visit: Visitor, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = made_county().write(tmp_path_factory.mktemp("restore"))
    now = newest_layer(folder, "parcels")
    publish(folder, "parcels", now.frame.assign(status="idle"), expected=now.version)
    running = Running.open(folder)
    with serving(running) as service:
        page = open_page(visit, f"{service}/data")
        row = page.locator("tr", has=page.get_by_text("parcels", exact=True))
        row.get_by_text("历史版本").click()
        expect(row.locator(".versions-list li")).to_have_count(2)
        press = row.get_by_role("button", name="恢复第 0 版")  # the newest has no button
        press.click()
        expect(row.get_by_role("status")).to_contain_text("宗地将以第 0 版的内容发布为新版本")
        row.get_by_role("button", name="取消").click()
        assert "idle" in set(running.plan.parcels["status"])
        press.click()
        row.get_by_role("button", name="确认恢复").click()
        expect(page.locator(".cure")).to_contain_text("宗地已恢复为第 0 版的内容，现为第 2 版")
        assert "idle" not in set(running.plan.parcels["status"])
        row.get_by_text("历史版本").click()
        expect(row.locator(".versions-list li")).to_have_count(3)


def test_a_layer_that_is_not_there_yet_can_be_imported_once_its_unit_is_told(
    visit: Visitor, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    running = Running.open(County().write(tmp_path_factory.mktemp("import")))
    file = tmp_path / "new.csv"
    file.write_text(
        "parcel_id,land_use,status,投资,lon,lat,wkt\n"
        'A1,100101,vacant,120,,,"POLYGON((108 31,108.001 31,108.001 31.001,108 31.001,108 31))"\n',
        "utf-8",
    )
    with serving(running) as service:
        page = open_page(visit, f"{service}/data", is_clean=False)  # a 409 is an error to Chromium
        expect(page.locator("#import-layer option")).to_have_count(len(SCHEMAS) + 1)  # and "auto"
        assert "parcels" not in page.locator(".table").first.inner_text()
        page.set_input_files("#import-file", file)
        page.select_option("#import-layer", "parcels")
        page.select_option("#import-crs", "EPSG:4490")
        page.click("#import")
        report = page.locator("#import-report")
        expect(report).to_contain_text("请选择“固定资产投资”的单位")
        report.get_by_role("button", name="万元", exact=True).click()
        expect(report).to_contain_text("请选择地类编码的体系")
        report.get_by_role("button", name="planning2023").click()
        expect(report.locator(".import-changes")).to_contain_text("新增1")
        expect(report).to_contain_text("1,200,000")
        preview = page.frame_locator(".preview-map iframe")
        expect(preview.locator(".list-line", has_text="A1")).to_be_visible()
        page.click("#publish")
        expect(report).to_contain_text("已发布宗地：1 个要素")


def test_a_file_that_would_empty_a_layer_is_warned_of(
    visit: Visitor, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    county = made_county()
    county.layers["parcels"].append(parcel("L3", box(2500, 100, 100, 100)))
    folder = county.write(tmp_path_factory.mktemp("import"))
    document = json.loads((folder / "parcels.geojson").read_text(encoding="utf-8"))
    document["features"] = document["features"][:1]
    file = tmp_path / "one.geojson"
    file.write_text(json.dumps(document), "utf-8")
    with serving(Running.open(folder)) as service:
        page = open_page(visit, f"{service}/data")
        page.set_input_files("#import-file", file)
        page.check("#import-as-whole")
        page.click("#import")
        warning = page.locator(".import-changes").get_by_role("alert")
        expect(warning).to_contain_text("发布后将删除现有 3 个要素中的 2 个")
        expect(page.locator("#publish")).to_be_disabled()
        page.check("#import-loss")
        expect(page.locator("#publish")).to_be_enabled()
        assert serious(page) == []


@pytest.mark.parametrize("path", ["/data", "/rulebook", "/reviews", "/sites"])
def test_hostile_texts_show_as_text_everywhere(
    visit: Visitor, hostile_service: str, path: str
) -> None:
    page = open_page(visit, hostile_service + path, width=390)
    if path == "/data":
        page.get_by_text("另有").first.click()
        expect(page.locator("main")).to_contain_text(TEXTS[5])
    for _ in in_both_windows(page):
        assert overflow(page) == 0
        assert page.locator("main img, main script").count() == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_that_there_is_not_says_so(visit: Visitor, address: str, language: str) -> None:
    page = open_page(visit, f"{address}/nowhere?lang={language}", is_clean=False)
    expect(page.locator("h1")).to_have_text(
        {
            "zh-Hans": "没有这个页面",
            "zh-Hant": "沒有這個頁面",
            "en": "There is no such page",
        }[language]
    )
    assert serious(page) == []


def test_what_is_kept_is_pinned_and_dropped_on_the_data_page(
    visit: Visitor, tmp_path: Path
) -> None:
    county = Running.open(made_county().write(tmp_path / "kept"))
    with serving(county) as service:
        county.reviews.make(county.rulebook)
        one = str(county.review.parks["park_id"].iloc[0])
        trial = county.reviews.make(county.rulebook, parks=[one], is_trial=True)
        page = open_page(visit, f"{service}/data?lang=en")
        expect(page.locator("#own-files")).to_contain_text("own files are in force")
        kept = page.locator("#kept")
        row = kept.get_by_role("row").filter(has_text=trial.review_id)
        row.get_by_role("button", name="Pin", exact=True).click()
        expect(row.get_by_text("pinned", exact=True)).to_be_visible()
        expect(row.get_by_role("button", name="Drop")).to_have_count(0)
        row.get_by_role("button", name="Unpin").click()
        row.get_by_role("button", name="Drop", exact=True).click()
        row.get_by_role("button", name="Drop it").click()
        expect(row).to_have_count(0)
        expect(kept).to_contain_text(county.review.review_id)
