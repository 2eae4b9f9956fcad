"""While a county is opened everybody is told so, and who watches over the service is answered."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from geo_service.errors import BusyError, WorkspaceError
from geo_service.planning import PlanningService as RunningCounty
from geo_service.web import app as web
from geo_service.web.app import create_app
from geo_service.wording import said
from tests.client import TestClient
from tests.patience import PATIENCE_S, eventually


def test_before_there_is_a_county_health_is_told_and_all_else_is_told_to_wait(
    demo_county: RunningCounty,
) -> None:
    app = create_app(None)
    client = TestClient(app)
    assert client.get("/healthz").json() == {"status": "ok"}
    early = client.get("/readyz")
    assert (early.status_code, early.json()) == (503, {"status": "loading"})
    assert early.headers["retry-after"] == "10"
    for path in ("/api/parks", "/api/reviews", "/tiles/parks/0/0/0.mvt", "/openapi.json"):
        answer = client.get(path, headers={"accept-language": "en"})
        assert answer.status_code == 503, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] == "3"
        assert "being opened" in answer.json()["detail"]
    page = client.get("/", headers={"accept": "text/html", "accept-language": "en"})
    assert page.status_code == 503
    assert (page.headers["refresh"], page.headers["retry-after"]) == ("3", "3")
    assert page.text.count("The county is being opened") == 2  # also as the page's title
    assert '<html lang="en">' in page.text
    assert "content-security-policy" in page.headers
    app.state.service = demo_county
    assert client.get("/readyz").json()["status"] == "ready"
    assert client.get("/api/parks").status_code == 200


class Served:
    """A service in threads of the test's own, whose county is opened when the test lets it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, county: RunningCounty | Exception) -> None:
        self.said: list[str] = []
        self.progress: list[str] = []
        self.failure: BaseException | None = None
        self.is_opening, self.may_open = threading.Event(), threading.Event()
        self._county = county
        make_server = web.server_of
        self._server: uvicorn.Server | None = None
        self.port = 0

        def server_of(app: Any, listener: Any, access: Any) -> uvicorn.Server:  # noqa: ANN401 - passed on
            self.port = listener.getsockname()[1]
            self._server = make_server(app, listener, access)
            return self._server

        monkeypatch.setattr(web, "server_of", server_of)
        monkeypatch.setattr(RunningCounty, "open", self._open)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        assert self.is_opening.wait(PATIENCE_S)

    def _open(self, *_: object, progress: Callable[..., None], **__: object) -> RunningCounty:
        progress(0, 2, "first")
        self.is_opening.set()
        assert self.may_open.wait(PATIENCE_S)
        progress(1, 2, "second")
        if isinstance(self._county, Exception):
            raise self._county
        return self._county

    def _serve(self) -> None:
        try:
            web.serve(
                Path("county"),
                host="127.0.0.1",
                port=0,
                access=web.ServicePolicy(stop_seconds=0.2),
                progress=lambda _, __, step: self.progress.append(step),
                say=self.said.append,
            )
        except WorkspaceError as error:
            self.failure = error

    def get(self, path: str) -> tuple[int, Any]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310 - ours
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def stop(self) -> None:
        """Tell the server to end, as Ctrl-C does."""
        assert self._server is not None
        self._server.should_exit = True

    def wait(self) -> None:
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch, demo_county: RunningCounty) -> list[str]:
    """Have the demo county say that it was closed, and stay open for other tests."""
    told: list[str] = []
    monkeypatch.setattr(demo_county, "close", lambda: told.append("closed"))
    monkeypatch.setattr(demo_county.tiles, "current", lambda: SimpleNamespace(start=lambda: None))
    return told


def test_health_is_answered_while_a_county_is_opened_and_the_county_when_it_is(
    monkeypatch: pytest.MonkeyPatch, demo_county: RunningCounty, ended: list[str]
) -> None:
    served = Served(monkeypatch, demo_county)
    assert served.get("/healthz") == (200, {"status": "ok"})
    assert served.get("/readyz") == (503, {"status": "loading"})
    assert served.get("/api/parks")[0] == 503
    assert (served.said, served.progress) == ([], ["first"])
    served.may_open.set()
    eventually(lambda: served.said, "it says where it serves")
    assert served.said == [f"Serving on http://127.0.0.1:{served.port}/  (Ctrl-C stops)"]
    assert served.get("/readyz")[1]["status"] == "ready"
    assert served.get("/api/parks")[0] == 200
    assert not ended
    served.stop()
    served.wait()
    assert (ended, served.said[1:], served.failure) == (["closed"], ["Stopped."], None)


def test_told_to_stop_it_ends_long_work_that_somebody_waits_for(
    monkeypatch: pytest.MonkeyPatch, demo_county: RunningCounty, ended: list[str]
) -> None:
    begun, over = threading.Event(), threading.Event()

    def make_file(*_: object) -> None:
        begun.set()
        assert over.wait(PATIENCE_S)
        raise BusyError(said("problem.work_closed"))

    monkeypatch.setattr(demo_county.reviews, "file", make_file)
    monkeypatch.setattr(demo_county, "stop_work", over.set)
    served = Served(monkeypatch, demo_county)
    served.may_open.set()
    eventually(lambda: served.said, "it serves")
    with ThreadPoolExecutor(max_workers=1) as pool:
        export = f"/api/reviews/{demo_county.review.review_id}/export?format=xlsx"
        answer = pool.submit(served.get, export)
        assert begun.wait(PATIENCE_S)
        served.stop()
        assert answer.result(PATIENCE_S)[0] == 503
    served.wait()
    assert ended == ["closed"]


def test_told_to_stop_while_a_county_is_opened_it_stops_and_never_serves_it(
    monkeypatch: pytest.MonkeyPatch, demo_county: RunningCounty, ended: list[str]
) -> None:
    served = Served(monkeypatch, demo_county)
    served.stop()
    served.may_open.set()
    served.wait()
    assert (served.said, served.progress) == (["Stopped."], ["first"])
    assert not ended  # it was never opened


def test_a_county_that_cannot_be_opened_ends_the_service_with_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fault = WorkspaceError(said("problem.no_job"))
    served = Served(monkeypatch, fault)
    assert served.get("/healthz")[0] == 200
    served.may_open.set()
    served.wait()
    assert served.failure is fault
    assert not served.said
