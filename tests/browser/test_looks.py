"""Pages look as they did when somebody last looked: a small picture of each, compared loosely.

The pictures in `looks/` are 64 × 40 or 39 × 84 pixels. After a change that is meant, look at the
page, then write them anew: `GEO_LOOKS=write python -m pytest tests/browser/test_looks.py`.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page

from geo_service.planning import PlanningService as Running
from tests.browser.conftest import READY, Visitor
from tests.browser.console import SHOWN, settle

pytestmark = pytest.mark.browser

LOOKS = Path(__file__).parent / "looks"
WIDE, SMALL = (1280, 800), (390, 840)
PIXELS = {WIDE: (64, 40), SMALL: (39, 84)}
MOST = 6.0
"""How far, of 255, a page may be from its picture in the mean; without its styles it is over 20."""
PAGES = {
    "home": ("/", WIDE),
    "home-small": ("/", SMALL),
    "park": ("/parks/YY-C-02", WIDE),
    "review": ("/reviews/{review}", WIDE),
    "sites": ("/sites", WIDE),
    "data": ("/data", WIDE),
    "map": ("/maps/overview", WIDE),
    "map-small": ("/maps/overview", SMALL),
}


def show(page: Page, address: str, *, is_map: bool) -> None:
    """Open a page and wait until it and the map in its frame are drawn."""
    page.goto(address, wait_until="networkidle")
    page.wait_for_selector(READY if is_map else SHOWN)
    frame = page.frame_locator(".map-box iframe")
    if not is_map and page.locator(".map-box iframe").count():
        frame.locator(READY).wait_for(state="attached")
    settle(page)
    page.evaluate("window.scrollTo(0, 0)")


def picture(page: Page, size: tuple[int, int]) -> Image.Image:
    whole = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return whole.resize(PIXELS[size], Image.Resampling.BOX)


def apart(one: Image.Image, other: Image.Image) -> float:
    """Return how far two pictures are apart: the mean difference of a channel, of 255."""
    pair: list[NDArray[np.float64]] = [np.asarray(item, dtype=float) for item in (one, other)]
    return float(np.abs(pair[0] - pair[1]).mean())


@pytest.mark.parametrize("name", PAGES)
def test_a_page_looks_as_it_did(
    visit: Visitor, service: str, demo_county: Running, name: str
) -> None:
    path, size = PAGES[name]
    page = visit(width=size[0], height=size[1]).page
    address = service + path.format(review=demo_county.review.review_id)
    show(page, address, is_map=name.startswith("map"))
    found = picture(page, size)
    if os.environ.get("GEO_LOOKS") == "write":
        LOOKS.mkdir(exist_ok=True)
        found.save(LOOKS / f"{name}.png", optimize=True)
    assert apart(found, Image.open(LOOKS / f"{name}.png")) < MOST


def test_a_page_without_its_styles_or_its_map_does_not(visit: Visitor, service: str) -> None:
    page = visit().page
    show(page, service, is_map=False)
    page.evaluate("document.querySelectorAll('link[rel=stylesheet]').forEach((it) => it.remove())")
    assert apart(picture(page, WIDE), Image.open(LOOKS / "home.png")) > 3 * MOST
    show(page, f"{service}/maps/overview", is_map=True)
    page.evaluate("document.querySelector('.maps').remove()")
    assert apart(picture(page, WIDE), Image.open(LOOKS / "map.png")) > MOST
