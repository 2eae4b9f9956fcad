"""Take pictures of the main pages and maps of the demo county, for people to look at.

    python -m tests.browser.pictures docs/pictures
    python -m tests.browser.pictures docs/scenarios scenario-
    python -m tests.browser.pictures docs/console console-

The others take those whose names begin so, with few colours: small enough to be kept. A page that
answers with an error is named and left out, and the exit code is then 1.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from geo_service.planning import PlanningService
from geo_service.suitability.project import open_project
from geo_service.zoning.rulebook import parse_rulebook
from tests.browser.conftest import FLAGS, PROGRAMS, READY, serving
from tests.conftest import copy_demo

WIDE = {"width": 1440, "height": 900}
SMALL = {"width": 390, "height": 844}
TIMEOUT_MS = 60_000
KEPT_COLOURS = 100
"""Of a picture that is kept beside the documentation."""
SETTLED_MS = 1_200
"""How long a page is given after its last request, to draw."""
STRICTER = (
    'format: "1"\ntitle: {en: stricter}\nextends: default\n'
    "rules: {focus.leading_share: {parameters: {pass_share: 0.85}}}\n"
)


def main() -> int:
    """Serve the demo county and write a picture of each page; return the exit code."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures")
    beginning = sys.argv[2] if len(sys.argv) > 2 else ""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        say("Chromium is not installed (see tests/system_packages.sh).")
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    with (
        tempfile.TemporaryDirectory() as made,
        serving(county := PlanningService.open(copy_demo(Path(made)))) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        for name, path, is_small in pages(county):
            if not name.startswith(beginning):
                continue
            picture = folder / f"{name}.png"
            is_taken = take(browser, f"{address}{path}", picture, is_small=is_small)
            if is_taken and beginning:
                reduce(picture)
            failed += not is_taken
            say(f"{'' if is_taken else 'failed: '}{name}  {path}")
        browser.close()
    return min(failed, 1)


def pages(county: PlanningService) -> Iterator[tuple[str, str, bool]]:
    """Yield each picture's name, the page's path, and whether it is of a small window."""
    park = next(iter(county.review.park_ids))
    failing = next(
        (name for name, verdict in county.review.park_verdicts.items() if verdict == "fail"), park
    )
    review = county.review.review_id
    stricter = parse_rulebook(STRICTER, "stricter")
    trial = county.reviews.make(stricter, is_trial=True).review_id
    project = open_project(Path("layers/yunyang/projects/battery.yaml"))
    ranking = county.rankings.rank(project).ranking_id
    yield "home", "/", False
    yield "home-zh-Hant", "/?lang=zh-Hant", False
    yield "home-en", "/?lang=en", False
    yield "home-small", "/", True
    yield "park", f"/parks/{failing}", False
    yield "reviews", "/reviews", False
    yield "review", f"/reviews/{review}", False
    yield "reviews-compared", f"/reviews?before={review}&after={trial}", False
    yield "sites", "/sites", False
    yield "sites-ranked", f"/sites?ranking={ranking}", False
    tried = [
        county.scenarios.take_in_file(Path(f"layers/yunyang/scenarios/{name}.yaml")).scenario_id
        for name in ("paper", "garments")
    ]
    yield "scenario-bench", f"/scenarios/{tried[1]}", False
    yield "scenario-compared", f"/scenarios/compare?ids={tried[0]},{tried[1]},plan#measures", False
    yield "scenario-map", f"/maps/compare?scenario={tried[1]}", False
    yield "scenario-home", f"/?scenario={tried[1]}", False
    yield "console-home", "/", False
    yield "console-review", f"/reviews/{review}?list=rectify", False
    yield "console-park", f"/parks/{failing}", False
    yield "console-sites", f"/sites?ranking={ranking}", False
    yield "console-map", "/maps/overview", False
    yield "rulebook", "/rulebook", False
    yield "data", "/data", False
    yield "help", "/help", False
    yield "about", "/about", False
    yield "api", "/docs", False
    yield "map-overview", "/maps/overview", False
    yield "map-overview-en", "/maps/overview?lang=en", False
    yield "map-overview-small", "/maps/overview", True
    yield "map-review", f"/maps/review?review_id={review}", False
    yield "map-park", f"/maps/park?park_id={failing}", False
    yield "map-ranking", f"/maps/ranking?ranking_id={ranking}", False
    yield "map-compare", f"/maps/compare?before={review}&review_id={trial}", False
    yield "map-time", "/maps/time?layer=parcels", False


def take(browser: Browser, address: str, path: Path, *, is_small: bool) -> bool:
    """Open a page in a fresh window and write its picture; False when it answers with an error."""
    context = browser.new_context(viewport=SMALL if is_small else WIDE, locale="zh-CN")  # type: ignore[arg-type]  # both are sizes
    try:
        page = context.new_page()
        answer = page.goto(address, timeout=TIMEOUT_MS, wait_until="networkidle")
        if answer is None or not answer.ok:
            return False
        settle(page)
        if part := urlsplit(address).fragment:
            page.locator(f"#{part}").evaluate("part => part.scrollIntoView()")
        page.screenshot(path=path)
    finally:
        context.close()
    return True


def reduce(path: Path) -> None:
    """Write a picture again with few colours."""
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(KEPT_COLOURS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


def settle(page: Page) -> None:
    """Wait until a map, if the page is one, has drawn all its layers."""
    if page.locator(".app[data-state]").count():
        page.wait_for_selector(READY, timeout=TIMEOUT_MS)
    page.wait_for_timeout(SETTLED_MS)


def say(text: str) -> None:
    """Tell what was done."""
    sys.stdout.write(f"pictures: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
