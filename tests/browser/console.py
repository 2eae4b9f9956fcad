"""Opens the console's pages: a page is shown when its program has put its parts in place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Frame, Page, expect

from tests.browser.conftest import Visitor

SHOWN = 'main[data-state="shown"]'
LANGUAGES = ("zh-Hans", "zh-Hant", "en")
ROWS = ":is(.findings, .rows) > li"
"""The rows of a list of findings."""
PARK_ROWS = ".is-parks tbody tr"
"""The rows of the parks on home."""


def asked(page: Page, base: str, path: str) -> dict[str, Any]:
    """Return a document of the service that a page is of."""
    answer = page.request.get(f"{base}{path}")
    assert answer.ok, answer.text()
    document: dict[str, Any] = answer.json()
    return document


def open_page(visit: Visitor, address: str, *, is_clean: bool = True, width: int = 1280) -> Page:
    """Open an address in a guarded page and wait until it is shown."""
    page = visit(is_clean=is_clean, width=width, height=844 if width < 640 else 800).page
    page.goto(address)
    page.wait_for_selector(SHOWN)
    return page


def overflow(page: Page) -> int:
    """Return by how many pixels a page is wider than its window."""
    wide: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return max(0, wide)


# Nearly half of the time of axe-core goes into parsing the same few colours for every text and into
# rules whose findings are never grave. Rules on trial are not in force unless somebody names them.
AXE = f"""() => {{
  {AXE_SCRIPT}
  const {{ prototype }} = axe.commons.color.Color;
  const parse = prototype.parseString;
  const known = new Map();
  prototype.parseString = function remembered(text) {{
    if (!known.has(text)) {{
      parse.call(this, text);
      known.set(text, [this.r, this.g, this.b, this.alpha]);
    }}
    [this.r, this.g, this.b, this.alpha] = known.get(text);
    return this;
  }};
}}"""
GRAVE = """
async () => {
  const isGrave = ({ impact }) => ['serious', 'critical'].includes(impact);
  const isOnTrial = ({ tags }) => tags.includes('experimental') || tags.includes('deprecated');
  const rules = axe._audit.rules.filter((rule) => rule.enabled && !isOnTrial(rule));
  const options = {
    iframes: false,
    preload: false,
    resultTypes: ['violations'],
    runOnly: rules.filter(isGrave).map(({ id }) => id),
  };
  const found = (await axe.run(document, options)).violations.filter(isGrave);
  return found.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 120)}`));
}
"""


def serious(page: Page) -> list[str]:
    """Return what axe-core finds grave on a page, the map in its frame left to its own tests."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found: list[str] = page.evaluate(GRAVE)
    return found


def show_all(page: Page) -> None:
    """Press "show more" below a list of findings until it shows all of them."""
    more, rows = page.locator(":is(.findings, .rows) + .more button"), page.locator(ROWS)
    while more.count():
        before = rows.count()
        more.click()
        expect(rows).not_to_have_count(before)


def in_both_windows(page: Page) -> Iterator[int]:
    """Show a page that was opened in a small window there and in a wide one; yield the widths."""
    for width, height in ((390, 844), (1280, 800)):
        page.set_viewport_size({"width": width, "height": height})
        settle(page)
        yield width


def settle(page: Page) -> None:
    """Wait until a page and its frames are laid out and drawn anew, and all motion has ended."""
    for frame in page.frames:
        frame.evaluate(
            """async () => {
              const drawn = () => new Promise((done) => requestAnimationFrame(done));
              const ends = ({ effect }) => Number.isFinite(effect?.getComputedTiming().endTime);
              await drawn();
              await drawn();
              const motions = document.getAnimations().filter(ends);
              await Promise.all(motions.map(({ finished }) => finished.catch(() => null)));
              await drawn();
            }"""
        )


def hear_out(page: Page | Frame) -> None:
    """Wait until a window has dealt with every message sent to it: they keep their order."""
    page.evaluate(
        """() => new Promise((done) => {
          const last = `last of ${Math.random()}`;
          const listen = ({ data }) => {
            if (data === last) {
              window.removeEventListener('message', listen);
              requestAnimationFrame(() => done());
            }
          };
          window.addEventListener('message', listen);
          window.postMessage(last, window.location.origin);
        })"""
    )
