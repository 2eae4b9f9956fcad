"""A headless Chromium, the service in a thread, and a page that reports what it should not do."""

from __future__ import annotations

import inspect
import os
import re
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPConnection
from types import ModuleType

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Dialog,
    Page,
    Playwright,
    Request,
    expect,
    sync_playwright,
)

from geo_service.planning import PlanningService as Running
from geo_service.province.desk import ProvinceDesk
from geo_service.web.app import ServicePolicy, create_app, server_of
from tests.maps.hostile import hostile_county

FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--process-per-site",  # what a page starts is there for the next one (`kept_context`)
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
NO_FONTS = "--disable-remote-fonts"
"""Chinese without a font of the system: unpacking ours is two fifths of what a page costs."""
MEASURES = re.compile(
    r"overflow|both_windows|bounding_box|BoundingClientRect|(scroll|client|offset)(Width|Height)"
    r"|\.pdf\(|screenshot|fonts"
)
"""What a test that measures says, or what it calls in its module: it gets the fonts."""
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first that is there is started; without windows a page opens in half the time."""
READY = '.app[data-state="done"]'
WATCH = """
document.addEventListener('securitypolicyviolation', (event) => {
  console.error(`CSP ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""

expect.set_options(timeout=30_000)  # a busy machine is slow, not wrong


class Browsers:
    """Chromium, with the fonts of pages and without, each started when it is first asked for."""

    def __init__(self, playwright: Playwright, program: str) -> None:
        self._playwright = playwright
        self._program = program
        self._started: dict[bool, Browser] = {}
        self.kept: dict[tuple[bool, str], BrowserContext] = {}
        """Contexts by fonts and locale, used by one test after the other.

        To start one takes Chromium longer than to show most pages.
        """

    def of(self, *, has_fonts: bool) -> Browser:
        """Return the browser with or without fonts."""
        if has_fonts not in self._started:
            flags = [*FLAGS, *(() if has_fonts else (NO_FONTS,))]
            self._started[has_fonts] = self._playwright.chromium.launch(
                executable_path=self._program, args=flags
            )
        return self._started[has_fonts]

    def kept_context(self, *, has_fonts: bool, locale: str) -> BrowserContext:
        """Return the context that tests use one after the other; its first page stays open.

        That page keeps the process alive that draws the pages of this machine, with the scripts
        that it has compiled: to start one for each page takes a third of what a page costs.
        """
        if (has_fonts, locale) not in self.kept:
            context = new_context(self.of(has_fonts=has_fonts), locale)
            stays = context.new_page()
            stays.route("**", lambda route: route.fulfill(body="", content_type="text/html"))
            stays.goto("http://127.0.0.1/")
            self.kept[has_fonts, locale] = context
        return self.kept[has_fonts, locale]

    def close(self) -> None:
        """End all that was started."""
        for browser in self._started.values():
            browser.close()


def new_context(browser: Browser, locale: str) -> BrowserContext:
    """Return a new context of a browser: pages that have nothing in common with others."""
    return browser.new_context(
        viewport={"width": 1280, "height": 800}, locale=locale, accept_downloads=True
    )


@pytest.fixture(scope="session")
def browsers() -> Iterator[Browsers]:
    """Start Chromium once; skip where there is none, but fail in CI."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        message = "Chromium is not installed (see tests/system_packages.sh)."
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        found = Browsers(playwright, program)
        yield found
        found.close()


@pytest.fixture(scope="session")
def browser(browsers: Browsers) -> Browser:
    """Return the browser that has the fonts of pages."""
    return browsers.of(has_fonts=True)


@cache
def is_measuring(module: ModuleType, name: str) -> bool:
    """Return whether a function measures what is drawn, or another one of its module for it."""
    found = getattr(module, name)
    if isinstance(found, str):
        return MEASURES.search(found) is not None
    source = inspect.getsource(found)
    return MEASURES.search(source) is not None or any(
        is_measuring(module, other)
        for other in set(re.findall(r"\b\w+\b", source)) - {name}
        if isinstance(part := vars(module).get(other), str)
        or (inspect.isfunction(part) and part.__module__ == module.__name__)
    )


@contextmanager
def serving(county: Running, province: ProvinceDesk | None = None) -> Iterator[str]:
    """Serve a county on a free port of this machine, in a thread, and stop it at the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = server_of(create_app(county, province_desk=province), listener, ServicePolicy())
        thread = threading.Thread(target=server.run)
        thread.start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            # The first request makes the routes, with warnings switched off for the whole process
            # in a way that two threads cannot share: one request alone, that no route takes.
            host, port = listener.getsockname()
            with closing(HTTPConnection(host, port, timeout=60)) as first:
                first.request("GET", "/nowhere")
                assert first.getresponse().read()
            yield address
        finally:
            server.should_exit = True
            thread.join(timeout=20)


@pytest.fixture(scope="session")
def service(demo_county: Running) -> Iterator[str]:
    """Serve the demo county."""
    with serving(demo_county) as address:
        yield address


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Running:
    """Return the county whose every text is an attack."""
    return Running.open(hostile_county().write(tmp_path_factory.mktemp("hostile")))


@pytest.fixture(scope="session")
def hostile_service(hostile: Running) -> Iterator[str]:
    """Serve the hostile county."""
    with serving(hostile) as address:
        yield address


@dataclass
class Visit:
    """A page, and all that it said or asked for that it should not have."""

    page: Page
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def open(self, address: str) -> Page:
        """Open an address and wait until every layer is drawn."""
        self.page.goto(address)
        self.page.wait_for_selector(READY)
        return self.page

    def assert_clean(self) -> None:
        """Fail if the page asked for anything outside, complained, or opened a dialog."""
        assert self.outside == []
        assert self.complaints == []
        assert self.dialogs == []


Visitor = Callable[..., Visit]


@pytest.fixture
def visit(request: pytest.FixtureRequest, browsers: Browsers) -> Iterator[Visitor]:
    """Return a function that opens a guarded page of a size; all must be clean at the end.

    What a test opens second has nothing in common with what it opened first. A test that measures
    nothing gets pages without their fonts.
    """
    has_fonts = is_measuring(request.module, request.function.__name__)
    used: list[BrowserContext] = []
    visits: list[Visit] = []
    watched: list[tuple[BrowserContext, Callable[[Request], None]]] = []

    def start(
        *, width: int = 1280, height: int = 800, locale: str = "zh-CN", is_clean: bool = True
    ) -> Visit:
        context = browsers.kept_context(has_fonts=has_fonts, locale=locale)
        if context in used:
            context = new_context(browsers.of(has_fonts=has_fonts), locale)
        used.append(context)
        made = Visit(context.new_page())
        made.page.set_viewport_size({"width": width, "height": height})
        if is_clean:
            visits.append(made)
        made.page.add_init_script(WATCH)
        _guard(made)
        watched.append((context, _outside(made)))
        context.on("requestfailed", watched[-1][1])
        return made

    yield start
    try:
        for made in visits:
            made.assert_clean()
    finally:
        for context, check in watched:
            context.remove_listener("requestfailed", check)
        for context in used:
            is_kept = context in browsers.kept.values()
            for page in context.pages[is_kept:]:
                page.close()
            context.clear_cookies()
            if not is_kept:
                context.close()


def _outside(made: Visit) -> Callable[[Request], None]:
    """Note requests for anything but this machine and files: Chromium finds no other host."""

    def check(request: Request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "file://", "data:", "blob:")):
            made.outside.append(request.url)

    return check


def _guard(made: Visit) -> None:
    """Note what a page complains of, and the dialogs that it opens."""

    def note_message(kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            made.complaints.append(text)

    made.page.on("console", lambda message: note_message(message.type, message.text))
    made.page.on("pageerror", lambda error: made.complaints.append(str(error)))

    def refuse(dialog: Dialog) -> None:
        made.dialogs.append(dialog.message)
        dialog.dismiss()

    made.page.on("dialog", refuse)
