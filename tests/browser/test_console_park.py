"""A park's page: its industry mix, years, floors, enterprises and findings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from geo_service.planning import PlanningService as Running
from tests.browser.conftest import Visitor, serving
from tests.browser.console import in_both_windows, open_page, overflow
from tests.county import County, box, enterprise, parcel
from tests.maps.hostile import TEXTS

pytestmark = pytest.mark.browser

MARK = {"source": "made for tests", "illustrative": True}


def made_county() -> County:
    """Return a county whose park P1 has two years of enterprises, parcels and one building."""
    county = County()
    county.layers["enterprises"] = [
        enterprise("E1", "1311", 600.0, land_m2=3000, floor_m2=1000),
        enterprise("E2", "1320", 200.0, land_m2=1000, floor_m2=1000),
        enterprise("E3", "3670", 200.0, land_m2=None, floor_m2=2000, name=TEXTS[5]),
        enterprise("E1", "1311", 500.0, year=2024),
        enterprise("E2", "1320", 500.0, year=2024),
    ]
    county.layers["parcels"] = [
        parcel("L1", box(0, 0, 100, 200), status="vacant"),
        parcel("L2", box(200, 0, 100, 100)),
    ]
    county.layers["buildings"] = [
        {
            "building_id": "B1",
            "park_id": "P1",
            "parcel_id": "L2",
            "name": TEXTS[3],
            "geometry": box(210, 10, 50, 50),
            **MARK,
        }
    ]
    county.layers["floors"] = [
        {
            "building_id": "B1",
            "floor_no": number,
            "area_m2": 1000,
            "vacant_m2": vacant,
            "load_kn_m2": 10,
            "clear_height_m": 5,
            "goods_lift_t": 3,
            "fire_class": "丙",
            **MARK,
        }
        for number, vacant in ((1, 0), (2, 250), (3, None))
    ]
    return county


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Running:
    """Return the county, open and reviewed."""
    return Running.open(made_county().write(tmp_path_factory.mktemp("park")))


@pytest.fixture(scope="module")
def address(county: Running) -> Iterator[str]:
    """Serve it."""
    with serving(county) as found:
        yield found


def test_shares_are_given_by_every_basis_and_missing_ones_say_so(
    visit: Visitor, address: str
) -> None:
    page = open_page(visit, f"{address}/parks/P1")
    cards = page.locator(".basis-card")
    # leading 13: (600 + 200) / 1000 by output; 2 of 3 enterprises; 2000 / 4000 by floor area
    expect(cards.nth(0)).to_contain_text("80.0%")
    expect(cards.nth(0)).to_contain_text("评判")
    expect(cards.nth(1)).to_contain_text("无法计算：1 家缺数据")
    expect(cards.nth(2)).to_contain_text("50.0%")
    expect(cards.nth(3)).to_contain_text("66.7%")


def test_charts_are_drawn_and_have_tables_with_the_same_figures(
    visit: Visitor, address: str
) -> None:
    page = open_page(visit, f"{address}/parks/P1")
    charts = page.locator(".chart-canvas canvas")
    expect(charts).to_have_count(2)
    mix = page.locator(".chart").first
    mix.get_by_text("查看数据表").click()
    rows = mix.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("主导 13")
    expect(rows.first).to_contain_text("80.0%")
    trend = page.locator(".chart").nth(1)
    trend.get_by_text("查看数据表").click()
    expect(trend.locator("tbody tr")).to_have_count(2)
    expect(trend.locator("tbody tr").first).to_contain_text("2024")
    expect(trend.locator("tbody tr").first).to_contain_text("100.0%")  # 500 + 500 of 1000
    expect(trend.locator("tbody tr").last).to_contain_text("80.0%")


def test_floors_stack_with_the_highest_on_top_and_say_what_is_free(
    visit: Visitor, address: str
) -> None:
    page = open_page(visit, f"{address}/parks/P1")
    floors = page.locator(".floor")
    expect(floors).to_have_count(3)
    expect(floors.nth(0)).to_contain_text("3 层")
    expect(floors.nth(0)).to_contain_text("空置不明")
    expect(floors.nth(1)).to_contain_text("空置 250 m²")
    expect(floors.nth(1)).to_contain_text("10 kN/m² · 净高 5 m · 货梯 3 t · 丙类")
    # 250 of 1000 m²: a quarter of the slab
    assert floors.nth(1).locator(".slab-vacant").get_attribute("width") == "25"
    expect(floors.nth(2)).to_contain_text("已占用")


def test_land_is_told_in_mu_with_hectares_beside(visit: Visitor, address: str) -> None:
    page = open_page(visit, f"{address}/parks/P1")
    # the vacant parcel: 100 × 200 m = 20 000 m² = 30 mu = 2 ha
    facts = page.locator(".facts-grid")
    expect(facts).to_contain_text("30 亩 2 公顷")
    page = open_page(visit, f"{address}/parks/P1?lang=en")
    expect(page.locator(".facts-grid")).to_contain_text("2 ha 30 mu")


def test_enterprises_are_listed_with_their_role(visit: Visitor, address: str) -> None:
    page = open_page(visit, f"{address}/parks/P1")
    rows = page.locator('tr[data-id^="E"]')
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("主导")  # by output, the largest first
    expect(page.locator('tr[data-id="E3"]')).to_contain_text(TEXTS[5])
    expect(page.locator(".building h3")).to_have_text(TEXTS[3])


def test_a_park_without_enterprises_or_floors_says_so(visit: Visitor, address: str) -> None:
    page = open_page(visit, f"{address}/parks/P2")
    expect(page.locator("main")).to_contain_text("没有楼层资料")
    expect(page.locator("main")).to_contain_text("没有企业")


def test_a_park_that_there_is_not_is_a_page_that_says_so(visit: Visitor, address: str) -> None:
    made = visit(is_clean=False)
    answer = made.page.goto(f"{address}/parks/none?lang=en")
    assert answer is not None
    assert answer.status == 404
    expect(made.page.locator("h1")).to_have_text("There is no such page")
    made.page.get_by_role("link", name="To the overview").click()
    expect(made.page.locator(".home-chips .counts")).to_have_count(3)


@pytest.mark.parametrize("place", [0, 4, 16])
def test_hostile_parks_show_as_text(visit: Visitor, hostile_service: str, place: int) -> None:
    page = open_page(visit, f"{hostile_service}/parks/P{place}", width=390)
    if place < len(TEXTS):
        expect(page.locator("h1")).to_have_text(TEXTS[place])
    for _ in in_both_windows(page):
        assert overflow(page) == 0
        assert page.locator("main img, main script").count() == 0
