"""Figures for Prometheus, and what `/readyz` tells of store, layers and queue."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from socket import create_server

import pytest
from prometheus_client.parser import text_string_to_metric_families

from geo_service.access import Role
from geo_service.errors import InvalidQueryError, StoreError
from geo_service.jobs import JobKind, JobStatus
from geo_service.planning import PlanningService
from geo_service.stores.catalogued import CataloguedStore
from geo_service.web.app import create_app
from geo_service.web.metrics import MetricsPort, ServiceMetrics
from geo_service.web.slots import Slots
from geo_service.wording import said
from tests.client import TestClient
from tests.patience import PATIENCE_S
from tests.suitability.made import five_sites

Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlanningService]:
    """Return a small county, open."""
    folder = five_sites().write(tmp_path_factory.mktemp("metrics") / "county")
    running = PlanningService.open(folder)
    yield running
    running.close()


@pytest.fixture
def client(county: PlanningService) -> TestClient:
    """Return a client of a service of its own."""
    return TestClient(create_app(county), raise_server_exceptions=False)


def figures(text: str) -> Figures:
    """Return every figure by its name and labels, as Prometheus would read them."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def figure(found: Figures, name: str, **labels: str) -> float:
    """Return one figure."""
    return found[name, frozenset(labels.items())]


def test_requests_are_counted_by_route_and_status(client: TestClient) -> None:
    for path in ("/api/parks/P1", "/api/parks/P2", "/api/parks/none", "/no/王芳"):
        client.get(path)
    client.request("BREW", "/api/parks")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert answer.headers["cache-control"] == "no-store"
    found = figures(answer.text)
    route = "/api/parks/{park_id}"
    assert figure(found, "geo_requests_total", method="GET", route=route, status="200") == 2
    assert figure(found, "geo_requests_total", method="GET", route=route, status="404") == 1
    assert figure(found, "geo_requests_total", method="GET", route="none", status="404") == 1
    assert figure(found, "geo_request_seconds_count", route=route) == 3
    assert "BREW" not in answer.text
    assert "P2" not in answer.text
    assert "王芳" not in answer.text


def test_queues_jobs_memory_store_and_caches_are_told(
    client: TestClient, county: PlanningService
) -> None:
    may_end, has_begun = threading.Event(), threading.Event()

    def work(_: object) -> None:
        has_begun.set()
        assert may_end.wait(PATIENCE_S)

    jobs = [county.jobs.start(work) for _ in range(3)]
    assert has_begun.wait(PATIENCE_S)
    found = figures(client.get("/metrics").text)
    assert figure(found, "geo_jobs_running", kind="keeping") == 1
    assert figure(found, "geo_jobs_waiting", kind="keeping") == 2
    queue = client.get("/readyz").json()["queue"]
    assert queue == {"waiting": 2, "running": 1}
    done = county.jobs.figures()[JobKind.KEEPING].ended.get(JobStatus.DONE, 0)
    county.jobs.cancel(jobs[2].job_id)
    may_end.set()
    assert all(county.jobs.wait(job, PATIENCE_S) for job in jobs[:2])
    last = county.jobs.start(lambda _: None)  # the one before it has been counted when it begins
    assert county.jobs.wait(last, PATIENCE_S)
    found = figures(client.get("/metrics").text)
    assert figure(found, "geo_jobs_total", kind="keeping", status="done") >= done + 2
    assert figure(found, "geo_jobs_total", kind="keeping", status="cancelled") == 1
    assert figure(found, "geo_jobs_waiting", kind="keeping") == 0
    assert figure(found, "process_resident_memory_bytes") > 10_000_000
    assert figure(found, "geo_ready") == figure(found, "geo_store_up") == 1
    assert figure(found, "geo_layers") == len(county.plan.layers)
    client.get("/maps/overview")
    later = figures(client.get("/metrics").text)
    assert figure(later, "geo_cache_entries", cache="maps") > 0
    assert figure(later, "geo_cache_bytes", cache="maps") > 0
    assert figure(later, "geo_turns_waiting", kind="map") == 0


def test_a_store_that_fails_makes_the_service_unready(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = client.get("/readyz").json()
    assert (ready["status"], ready["store"]) == ("ready", "answers")
    assert ready["layers"]["is_behind"] is False
    assert ready["layers"]["count"] > 0

    def gone(_: object) -> int:
        raise StoreError(said("problem.store_failed", store="secret", reason="gone"))

    monkeypatch.setattr(CataloguedStore, "stamp", gone)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "no_store")
    assert answer.headers["retry-after"] == "10"
    assert "secret" not in answer.text
    assert figure(figures(client.get("/metrics").text), "geo_store_up") == 0
    assert client.get("/healthz").status_code == 200


def test_the_port_for_figures_answers_and_a_taken_one_is_told(county: PlanningService) -> None:
    with create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        metrics = ServiceMetrics(lambda: county, Slots())
        with pytest.raises(InvalidQueryError, match=str(port)):
            metrics.serve(MetricsPort(port=port))
    end = metrics.serve(MetricsPort(port=port))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        found = figures(answer.read().decode())
    end()
    assert figure(found, "geo_store_up") == 1
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60)


def test_with_accounts_only_who_administers_sees_figures(tmp_path: Path) -> None:
    folder = five_sites().write(tmp_path / "county")
    running = PlanningService.open(folder)
    for role in (Role.ADMIN, Role.STEWARD):
        running.accounts.add(role.value, [role], "a long password")
    client = TestClient(create_app(running), raise_server_exceptions=False)
    statuses = {"nobody": client.get("/metrics").status_code}
    for role in (Role.ADMIN, Role.STEWARD):
        token = running.accounts.make_token(role.value, [role])[1]
        bearer = {"authorization": f"Bearer {token}"}
        statuses[role.value] = client.get("/metrics", headers=bearer).status_code
    running.close()
    assert statuses == {"nobody": 401, "admin": 200, "steward": 404}
