"""A headless Chromium, the service in a thread, and a page that reports what it should not do."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Dialog,
    Page,
    Route,
    expect,
    sync_playwright,
)

from geo_service.planning import County as Running
from geo_service.web.app import create_app
from tests.maps.hostile import hostile_county

FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
READY = '.app[data-state="done"]'
WATCH = """
document.addEventListener('securitypolicyviolation', (event) => {
  console.error(`CSP ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""

expect.set_options(timeout=30_000)  # a busy machine is slow, not wrong


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium once; skip where there is none, but fail in CI."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        message = "Chromium is not installed (see tests/system_packages.sh)."
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield started
        started.close()


@contextmanager
def serving(county: Running) -> Iterator[str]:
    """Serve a county on a free port of this machine, in a thread, and stop it at the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(create_app(county), log_level="error", access_log=False, ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
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
def demo_county(demo_folder: Path) -> Running:
    """Return the demo county, open and reviewed."""
    return Running.open(demo_folder)


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
def visit(browser: Browser) -> Iterator[Visitor]:
    """Return a function that opens a guarded page of a size; all must be clean at the end."""
    contexts: list[BrowserContext] = []
    visits: list[Visit] = []

    def start(
        *, width: int = 1280, height: int = 800, locale: str = "zh-CN", is_clean: bool = True
    ) -> Visit:
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale=locale, accept_downloads=True
        )
        contexts.append(context)
        made = Visit(context.new_page())
        if is_clean:
            visits.append(made)
        made.page.add_init_script(WATCH)
        _guard(context, made)
        return made

    yield start
    for made in visits:
        made.assert_clean()
    for context in contexts:
        context.close()


def _guard(context: BrowserContext, made: Visit) -> None:
    """Let only this machine's addresses and files through, and note the rest."""

    def check(route: Route) -> None:
        if route.request.url.startswith(("http://127.0.0.1:", "file://", "data:", "blob:")):
            route.continue_()
        else:
            made.outside.append(route.request.url)
            route.abort()

    context.route("**/*", check)

    def note_message(kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            made.complaints.append(text)

    made.page.on("console", lambda message: note_message(message.type, message.text))
    made.page.on("pageerror", lambda error: made.complaints.append(str(error)))

    def refuse(dialog: Dialog) -> None:
        made.dialogs.append(dialog.message)
        dialog.dismiss()

    made.page.on("dialog", refuse)
