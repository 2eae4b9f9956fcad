"""A base map from the workspace in Chromium: off by default, shown when asked, credited."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from geo_service.planning import PlanningService as Running
from tests.browser.conftest import Visitor, serving
from tests.maps.made import RED, declared, write_mbtiles

pytestmark = pytest.mark.browser


def test_a_base_map_shows_when_it_is_asked_for(visit: Visitor, tmp_path: Path) -> None:
    folder = tmp_path / "county"
    folder.mkdir()
    write_mbtiles(folder / "a.mbtiles", {(0, 0, 0): RED})
    path = declared(
        folder,
        'name = "<img src=x onerror=alert(1)>"\nkind = "mbtiles"\ndatum = "wgs84"\n'
        'path = "a.mbtiles"\nattribution = "{{7*7}}"\nmax_zoom = 1',
        'name = "同一份"\nkind = "mbtiles"\ndatum = "wgs84"\npath = "a.mbtiles"\nmax_zoom = 1',
    )
    with serving(Running.open(path)) as address:
        page = visit().open(f"{address}/maps/overview?lang=zh-Hans")
        assert page.locator(".leaflet-backdrop-pane img").count() == 0
        page.click("#layers-tab")
        expect(
            page.locator(".check", has_text="底图：<img src=x onerror=alert(1)>")
        ).to_be_visible()
        page.check('[data-layer="basemap.0"]')
        expect(page.locator(".leaflet-backdrop-pane img").first).to_be_visible()
        expect(page.locator(".credits-drawn")).to_contain_text("{{7*7}}")
        # One base map at a time.
        page.check('[data-layer="basemap.1"]')
        expect(page.locator('[data-layer="basemap.0"]')).not_to_be_checked()
        page.uncheck('[data-layer="basemap.1"]')
        expect(page.locator(".leaflet-backdrop-pane img")).to_have_count(0)
