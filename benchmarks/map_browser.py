"""`python -m benchmarks.map_browser`: our map of 100,000 parcels in a real browser, and Folium's.

Ours is the demo with that many additional parcels, served by a separate process, with the low
zooms' tiles made in advance. Folium's is its default with the same parcels only: `folium.GeoJson`
embedded in the page, on canvas, without the other layers of our map. Its scripts come from our
assets, without delay. The page itself records when it is ready, so that polling neither slows it
nor rounds the time up; each visit has a new browser context with an empty cache.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import socket
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

import folium
import uvicorn
from playwright.sync_api import Browser, Page, Route, sync_playwright

from benchmarks.overlay import machine
from benchmarks.tile_county import make_parcels, make_workspace
from geo_service.maps import assets
from geo_service.planning import PlanningService
from geo_service.web.app import create_app

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--no-sandbox", "--disable-background-networking", "--enable-precise-memory-info")
READY = '.app[data-state="done"][data-tiles="done"]'
WAIT_MS = 180_000
COUNT = """() => {
  const seen = (window.seen = { frames: 0, longest_ms: 0, isOver: false });
  let before = performance.now();
  const count = (now) => {
    seen.frames += 1;
    seen.longest_ms = Math.max(seen.longest_ms, Math.round(now - before));
    before = now;
    if (!seen.isOver) { requestAnimationFrame(count); }
  };
  requestAnimationFrame(count);
}"""
NOTE_READY = """window.isReady = new Promise((done) => {
  const note = () => done(performance.timeOrigin + performance.now());
  const watcher = new MutationObserver(() => {
    if (document.querySelector(READY)) {
      watcher.disconnect();
      requestAnimationFrame(() => setTimeout(note));
    }
  });
  watcher.observe(document, { subtree: true, childList: true, attributes: true });
});"""
SETTLE_MS = 3_000
"""A new Chromium window first builds its address bar, which takes a second of CPU (the process is
called `--top-chrome-webui`); people who open a map already have a window."""
STEPS = 90
VISITS = (None, None, None, 11, 13, 15)
"""Zooms at which to pan after opening; None is the county's."""


@contextmanager
def serving(workspace: Path) -> Iterator[str]:
    """Serve a workspace from a separate process, and stop it at the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        make = multiprocessing.get_context("spawn")
        is_ready, is_over = make.Event(), make.Event()
        process = make.Process(target=_serve, args=(workspace, listener, is_ready, is_over))
        start = time.perf_counter()
        process.start()
        try:
            if not is_ready.wait(WAIT_MS / 1000):
                msg = "the service did not start"
                raise RuntimeError(msg)
            spent_s = time.perf_counter() - start
            print(f"opened, reviewed, low zooms made ahead in {spent_s:.1f} s", flush=True)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/maps/overview"
        finally:
            is_over.set()
            process.join()


def _serve(workspace: Path, listener: socket.socket, is_ready: Event, is_over: Event) -> None:
    app = create_app(PlanningService.open(workspace))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.05)
    ahead = app.state.tiles.current()._thread  # noqa: SLF001 - what is measured comes after
    if ahead is not None:
        ahead.join()
    is_ready.set()
    is_over.wait()
    server.should_exit = True
    thread.join()


def open_page(page: Page, address: str, ready: str) -> dict[str, object]:
    """Open a page; return the seconds until all is drawn and the main thread is idle."""
    page.add_init_script(NOTE_READY.replace("READY", json.dumps(ready)))
    page.wait_for_timeout(SETTLE_MS)
    start = time.time()
    page.goto(address, timeout=WAIT_MS, wait_until="commit")
    # The clock of the page is that of this machine.
    ready_ms: float = page.evaluate("isReady")
    return {"interactive_s": round(ready_ms / 1000 - start, 2)}


def pan(page: Page) -> dict[str, object]:
    """Drag the map in 90 steps of 16 ms; return the frames drawn meanwhile, and the heap in MB."""
    page.evaluate(COUNT)
    start = time.perf_counter()
    page.mouse.move(700, 400)
    page.mouse.down()
    for step in range(STEPS):
        page.mouse.move(700 - 4 * min(step, STEPS - step), 400 - 3 * min(step, STEPS - step))
        page.wait_for_timeout(16)
    page.mouse.up()
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    spent_s = time.perf_counter() - start
    seen = page.evaluate("() => { seen.isOver = true; return seen; }")
    heap = page.evaluate("performance.memory.usedJSHeapSize")
    return {
        "pan_s": round(spent_s, 2),
        "frames": seen["frames"],
        "frames_a_second": round(seen["frames"] / spent_s, 1),
        "longest_ms": seen["longest_ms"],
        "heap_mb": round(heap / 1e6),
    }


def measure_ours(browser: Browser, data: Path, count: int) -> list[dict[str, object]]:
    """Measure our map at the county's zoom and at closer ones."""
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        workspace = make_workspace(Path(folder, "county"), data, count)
        address = stack.enter_context(serving(workspace))
        start = time.perf_counter()
        size = len(urllib.request.urlopen(address).read())  # noqa: S310 - our own address
        print(f"first page made in {time.perf_counter() - start:.1f} s, {size:,} bytes", flush=True)
        for zoom in VISITS:
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            row = open_page(page, address, READY)
            if zoom is not None:
                page.evaluate(
                    "(view) => planningMap.page.map.setView(...view, { animate: false })",
                    [[30.95, 108.7], zoom],
                )
                page.wait_for_timeout(100)
                page.wait_for_selector(READY, timeout=WAIT_MS)
            row |= pan(page)
            rows.append({"map": "product", "zoom": zoom or "county", "page_bytes": size, **row})
            print(json.dumps(rows[-1]), flush=True)
            page.close()
    return rows


def measure_folium(browser: Browser, data: Path, count: int) -> dict[str, object]:
    """Measure Folium's default with the same parcels."""
    parcels = make_parcels(data, count).drop(columns="idle_since")
    west, south, east, north = parcels.total_bounds
    drawn = folium.Map([(south + north) / 2, (west + east) / 2], tiles=None, prefer_canvas=True)
    folium.GeoJson(parcels, popup=folium.GeoJsonPopup(["parcel_id", "status", "area_m2"])).add_to(
        drawn
    )
    drawn.fit_bounds([[south, west], [north, east]])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "folium.html")
        start = time.perf_counter()
        drawn.save(path)
        made_s = time.perf_counter() - start
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.route("**/*", _answer)
        row = open_page(page, path.as_uri(), "canvas.leaflet-zoom-animated") | pan(page)
        size = path.stat().st_size
        page.close()
    return {
        "map": "folium",
        "zoom": "county",
        "made_s": round(made_s, 1),
        "page_bytes": size,
        **row,
    }


def _answer(route: Route) -> None:
    url = route.request.url
    if url.startswith("file:"):
        route.continue_()
        return
    for name in ("leaflet.js", "leaflet.css"):
        if url.endswith(f"/{name}"):
            route.fulfill(body=assets.text(f"leaflet/{name}"), content_type=assets.media_type(name))
            return
    route.fulfill(body="")


def main() -> None:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks.map_browser", description=__doc__)
    parser.add_argument("--parcels", type=int, choices=(10_000, 100_000), default=100_000)
    parser.add_argument("--data", type=Path, required=True, help="folder of generated files")
    options = parser.parse_args()
    program = next(filter(None, map(shutil.which, PROGRAMS)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        rows = measure_ours(browser, options.data, options.parcels)
        rows.append(measure_folium(browser, options.data, options.parcels))
        print(json.dumps(rows[-1]))
        browser.close()
    report = options.data / f"map_browser_{options.parcels}.json"
    report.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")
    print(f"map_browser: written to {report}")


if __name__ == "__main__":
    main()
