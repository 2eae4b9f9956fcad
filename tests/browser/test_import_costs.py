"""What an import costs, said on the page before it is published; and how it is taken back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import expect

from geo_service.planning import PlanningService as Running
from geo_service.schema import SCHEMAS
from tests.browser.conftest import Visitor, serving
from tests.browser.console import in_both_windows, open_page, overflow, serious
from tests.county import County, box, in_degrees, parcel

pytestmark = pytest.mark.browser


@pytest.fixture
def steward(tmp_path: Path) -> Iterator[tuple[str, Running]]:
    """Serve a county of three parcels with values, two enterprises, and a park that may fail."""
    county = County()
    county.layers["parcels"] = [
        parcel(
            f"L{number}",
            box(200 * number, 0, 100, 100),
            plot_ratio=1.5,
            power_kva=100,
            water_m3_d=50,
        )
        for number in range(3)
    ]
    running = Running.open(county.write(tmp_path / "county"))
    with serving(running) as address:
        yield address, running


def test_a_workbook_of_four_columns_is_an_update_of_two(
    visit: Visitor, tmp_path: Path, steward: tuple[str, Running]
) -> None:
    address, running = steward
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["企业编号", "年份", "产值（万元）", "税收（万元）"])
    sheet.append(["E1", 2025, 12.5, 3])
    book.save(tmp_path / "产值.xlsx")
    before = running.plan.enterprises
    page = open_page(visit, f"{address}/data")
    page.set_input_files("#import-file", tmp_path / "产值.xlsx")
    page.click("#import")
    report = page.locator("#import-report")
    expect(report).to_contain_text("按列名判断为“企业”（enterprises），4 列相符")
    expect(report).to_contain_text("更新 1 个要素")
    # A year is no quantity.
    told = report.text_content() or ""
    assert "2025" in told
    assert "2,025" not in told
    lines = report.locator("#changed-features tbody tr")
    expect(lines).to_have_text(["E1/2025产值100125,000", "E1/2025税收—30,000"])
    effect = report.locator("#effect")
    expect(effect).to_contain_text("问题")
    page.click("#publish")
    expect(page.locator(".toast")).to_contain_text("已发布企业：10 个要素")
    after = running.plan.enterprises
    changed = [name for name in before.columns if not after[name].equals(before[name])]
    assert changed == ["output_cny", "tax_cny"]
    assert serious(page) == []
    page.click("#undo")
    expect(page.locator(".toast")).to_contain_text("已撤销：企业恢复为导入之前的内容")
    assert running.plan.enterprises["output_cny"].equals(before["output_cny"])
    row = page.locator("tr", has=page.get_by_text("enterprises", exact=True))
    row.get_by_text("历史版本").click()
    expect(row.locator(".versions-list li").nth(1)).to_contain_text("按编号更新")


def test_a_file_that_lacks_columns_is_not_published_without_a_tick(
    visit: Visitor, tmp_path: Path, steward: tuple[str, Running]
) -> None:
    address, running = steward
    frame = running.plan.parcels[
        ["parcel_id", "park_id", "land_use", "land_use_scheme", "geometry"]
    ]
    some = frame.assign(status="built", water_m3_d=[50, None, None])
    some.to_file(tmp_path / "宗地.gpkg")
    page = open_page(visit, f"{address}/data")
    page.set_input_files("#import-file", tmp_path / "宗地.gpkg")
    page.check("#import-as-whole")
    page.click("#import")
    expect(page.locator("#emptied")).to_contain_text(
        "将清空 2 列：容积率（3 行）、供电容量（3 行）"
    )
    expect(page.locator("#emptied")).to_have_css("color", "rgb(161, 42, 29)")
    expect(page.locator("#lost_values")).to_have_text("1 列有部分值将丢失：供水能力（2 行）")
    for _ in in_both_windows(page):
        assert overflow(page) == 0
    expect(page.locator("#publish")).to_be_disabled()
    expect(page.locator("#effect .effect-figures")).to_be_visible()
    told = page.locator("#effect .effect-figures dd").all_inner_texts()
    page.check("#import-loss")
    page.click("#publish")
    expect(page.locator(".toast")).to_contain_text("已发布宗地：3 个要素")
    verdicts = running.review.verdicts
    order = ("pass", "watch", "unknown", "fail")
    now = [*(verdicts[name] for name in order), len(running.review.results)]
    # Each line ends with what the review says now.
    assert [int(text.split()[-1].replace(",", "")) for text in told] == now
    row = page.locator("tr", has=page.get_by_text("parcels", exact=True))
    expect(row).to_contain_text("未标示意")
    expect(page.locator("main")).not_to_contain_text("真实")


def test_a_file_is_dropped_anywhere_and_a_moved_shape_stands_apart(
    visit: Visitor, steward: tuple[str, Running]
) -> None:
    address, running = steward
    moved = in_degrees(box(0, 0, 100, 120)).wkt
    text = f'parcel_id,plot_ratio,area_m2,wkt\nL0,1.5,12000,"{moved}"\nL1,1.7,10000,\n'
    page = open_page(visit, f"{address}/data")
    page.select_option("#import-layer", "parcels")
    page.select_option("#import-crs", "EPSG:4490")
    data = page.evaluate_handle(
        """(text) => {
          const data = new DataTransfer();
          data.items.add(new File([text], '测量.csv'));
          return data;
        }""",
        text,
    )
    page.dispatch_event("main", "drop", {"dataTransfer": data})
    expect(page.locator("#changed-how")).to_contain_text("属性改变 2 个，图形移动 1 个")
    lists = page.locator("#changed-features details")
    expect(lists).to_have_count(2)
    expect(lists.nth(1).locator("tbody tr")).to_have_text(["L010,000 m²12,000 m²2,000 m²20 m"])
    assert running.plan.parcels["plot_ratio"].tolist() == [1.5] * 3
    page.locator("#templates summary").click()
    expect(page.locator("#templates a")).to_have_count(len(SCHEMAS))
    expect(page.locator("#template-parcels")).to_have_attribute(
        "href", re.compile("/api/imports/templates/parcels")
    )
