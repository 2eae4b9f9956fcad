"""Figures for Prometheus: requests, queues, jobs, memory, the store and caches.

They stand at `/metrics` for who administers, or at a port of their own, which has no accounts and
belongs on loopback or a network for watching. Labels are routes, kinds and states, never ids or
values: there are as many figures tomorrow as today.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

import geo_service
from geo_service.errors import InvalidQueryError
from geo_service.planning.condition import condition_of
from geo_service.web.slots import Slots, WorkKind
from geo_service.wording import said

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from geo_service.planning import PlanningService

SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
"""The bounds by which times of requests are told."""
MEDIA_TYPE = exposition.CONTENT_TYPE_PLAIN_0_0_4


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsPort:
    """Where figures are told besides `/metrics`."""

    port: int
    host: str = "127.0.0.1"


class ServiceMetrics:
    """The figures of one service. Safe to use from several threads."""

    def __init__(self, service: Callable[[], PlanningService | None], slots: Slots) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "geo_requests",
            "Requests that were answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "geo_request_seconds",
            "From the head of a request to the end of its answer.",
            ("route",),
            buckets=SECONDS,
            registry=self._registry,
        )
        ProcessCollector(registry=self._registry)
        self._registry.register(_Conditions(service, slots))

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return all figures as Prometheus reads them; the store is asked."""
        return exposition.generate_latest(self._registry)

    def serve(self, at: MetricsPort) -> Callable[[], None]:
        """Tell the figures at a port of their own; return what ends that.

        InvalidQueryError if the port cannot be listened on.
        """
        try:
            server, thread = exposition.start_http_server(
                at.port, addr=at.host, registry=self._registry
            )
        except OSError as error:
            name, reason = "GEO_METRICS_PORT", error.strerror or "unknown address"
            msg = said("problem.listen", host=at.host, port=at.port, reason=reason)
            raise InvalidQueryError(name, msg) from None

        def end() -> None:
            threading.Thread(target=server.shutdown, daemon=True).start()
            thread.join()
            server.server_close()

        return end


class _Conditions(Collector):
    """What is asked of the service when somebody looks."""

    def __init__(self, service: Callable[[], PlanningService | None], slots: Slots) -> None:
        self._service = service
        self._slots = slots

    def describe(self) -> list[Metric]:
        """Return nothing: names are known when somebody looks."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the figures of this moment."""
        about = GaugeMetricFamily("geo_about", "The release.", labels=["version"])
        about.add_metric([geo_service.__version__], 1)
        yield about
        turns = GaugeMetricFamily(
            "geo_turns_waiting", "Expensive requests that wait for a turn.", labels=["kind"]
        )
        for kind in WorkKind:
            turns.add_metric([kind], self._slots.waiting(kind))
        yield turns
        workers = GaugeMetricFamily(
            "geo_workers_resident_bytes", "Memory of the processes that do long work."
        )
        workers.add_metric([], _memory_of_children())
        yield workers
        service = self._service()
        ready = GaugeMetricFamily("geo_ready", "Whether the county is open (1) or not yet (0).")
        ready.add_metric([], float(service is not None))
        yield ready
        if service is not None:
            yield from _told(service)


def _told(service: PlanningService) -> Iterator[Metric]:
    now = condition_of(service)
    simple = {
        "geo_store_up": ("Whether the store answers.", float(now.store.answers)),
        "geo_store_publications": ("Grows with every publication.", now.store.publications),
        "geo_layers": ("Layers of the plan that counts.", now.layers),
        "geo_plan_behind": (
            "Whether something newer was published that cannot be opened.",
            float(now.is_behind),
        ),
    }
    for name, (text, value) in simple.items():
        gauge = GaugeMetricFamily(name, text)
        gauge.add_metric([], value)
        yield gauge
    waiting = GaugeMetricFamily("geo_jobs_waiting", "Jobs in the queue.", labels=["kind"])
    running = GaugeMetricFamily("geo_jobs_running", "Jobs under way.", labels=["kind"])
    ended = CounterMetricFamily("geo_jobs", "Jobs that ended.", labels=["kind", "status"])
    seconds = CounterMetricFamily(
        "geo_job_seconds", "How long jobs that ended have run.", labels=["kind"]
    )
    for kind, figures in now.jobs.items():
        waiting.add_metric([kind], figures.waiting)
        running.add_metric([kind], figures.running)
        seconds.add_metric([kind], figures.seconds)
        for status, count in figures.ended.items():
            ended.add_metric([kind, status], count)
    yield from (waiting, running, ended, seconds)
    entries = GaugeMetricFamily("geo_cache_entries", "What is remembered.", labels=["cache"])
    size = GaugeMetricFamily("geo_cache_bytes", "Bytes of it, about.", labels=["cache"])
    for name, cache in now.caches.items():
        entries.add_metric([name], cache.count)
        size.add_metric([name], cache.size)
    yield from (entries, size)


def _memory_of_children() -> int:
    """Return the resident bytes of this process's children and theirs; 0 where it is not told."""
    parents: dict[int, list[int]] = {}
    sizes: dict[int, int] = {}
    page = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            told = entry.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        pid = int(entry.parent.name)
        parents.setdefault(int(told[1]), []).append(pid)
        sizes[pid] = int(told[21]) * page
    total, todo = 0, list(parents.get(os.getpid(), ()))
    while todo:
        pid = todo.pop()
        total += sizes[pid]
        todo += parents.get(pid, ())
    return total
