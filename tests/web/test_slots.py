"""Expensive work has turns of its own: it keeps nobody else waiting, and says when to come back."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI

from geo_service.errors import BusyError
from geo_service.jobs import JobBoard, JobKind, JobStatus
from geo_service.planning import PlanningService as RunningCounty
from geo_service.web.app import ServicePolicy, create_app
from geo_service.web.shares import ShareLimits
from geo_service.web.slots import SlotLimits, Slots, WorkKind, slots_of
from geo_service.wording import said
from tests.client import TestClient
from tests.patience import PATIENCE_S, eventually

CHEAP = (
    "/healthz",
    "/readyz",
    "/api/parks",
    "/api/reviews",
    "/api/rules",
    "/api/jobs",
    "/api/saved",
    "/",
)
THREADS = 40
"""Threads that a service's ordinary requests share (anyio's default)."""


class Gate:
    """Work that begins, and ends when it is let go."""

    def __init__(self) -> None:
        self.begun = 0
        self._lock = threading.Lock()
        self._open = threading.Event()

    def __call__(self, *_: object, **__: object) -> dict[str, Any]:
        with self._lock:
            self.begun += 1
        assert self._open.wait(PATIENCE_S)
        return {}

    def open(self) -> None:
        self._open.set()


@pytest.fixture(scope="module")
def demo_county(demo_folder: Path) -> Iterator[RunningCounty]:
    """Return a county of these tests' own: others may have had made what is to hang here."""
    made = RunningCounty.open(demo_folder)
    yield made
    made.close()


@contextmanager
def served(county: RunningCounty, slots: SlotLimits) -> Iterator[TestClient]:
    """A service in one loop, without limits of one client."""
    plenty = ShareLimits(at_once=1_000, costly_at_once=1_000, costly_burst=10_000)
    app = create_app(county, access=ServicePolicy(shares=plenty, slots=slots))
    client = TestClient(app)
    with client._portal_factory() as portal:  # noqa: SLF001 - one loop, but no start and end
        client.portal = portal
        yield client


@contextmanager
def many() -> Iterator[Callable[..., Future[Any]]]:
    """Give what calls functions in threads of the test's own."""
    with ThreadPoolExecutor(max_workers=200) as pool:
        yield pool.submit


def asked_for(client: TestClient, number: int) -> int:
    return client.get(f"/api/identify?lon=108.{number:03}&lat=30.9").status_code


def test_a_hundred_slow_questions_keep_no_page_list_or_health_check_waiting(
    demo_county: RunningCounty, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    monkeypatch.setattr("geo_service.planning.identify.PointInquiry.identify", gate)
    with served(demo_county, SlotLimits(at_once=2, waiting=200)) as client, many() as call:
        slow = [call(asked_for, client, number) for number in range(THREADS + 60)]
        try:
            eventually(lambda: gate.begun == 2, "two of them are worked on")
            for address in CHEAP:
                assert client.get(address).status_code == 200, address
            assert client.get("/api/parks/YY-B-32/focus").status_code == 200  # another kind
            assert gate.begun == 2
        finally:
            gate.open()
        assert [answer.result(PATIENCE_S) for answer in slow] == [200] * (THREADS + 60)


def test_jobs_tiles_and_files_that_never_end_keep_nobody_else_waiting(
    demo_county: RunningCounty, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()

    def hang(*_: object, **__: object) -> None:
        gate()
        raise BusyError(said("problem.work_lost"))

    works = demo_county._state.works  # noqa: SLF001 - what does the long work
    for work in ("review", "rank", "download"):
        monkeypatch.setattr(works, work, hang)
    monkeypatch.setattr(demo_county.tiles, "find", hang)
    # A name of its own: a ranking that another test of this county made would be answered at once.
    named = {"name": "never ranked", "industry_code": "3670"}
    project = {**named, "kind": "new", "needs": {"land_m2": 50}}
    export = f"/api/reviews/{demo_county.review.review_id}/export"
    with served(demo_county, SlotLimits(at_once=2, waiting=200)) as client, many() as call:
        slow = [
            call(client.post, "/api/reviews", json={}),
            call(client.post, "/api/rankings", json=project),
            *(call(client.get, f"{export}?format=xlsx") for _ in range(THREADS)),
            *(call(client.get, f"/tiles/parks/20/{column}/0.mvt") for column in range(THREADS)),
        ]
        try:
            eventually(lambda: gate.begun == 6, "a review, a ranking, two files, two tiles")
            for address in CHEAP:
                assert client.get(address).status_code == 200, address
            assert asked_for(client, 1) == 200  # expensive, but of another kind
            assert gate.begun == 6
        finally:
            gate.open()
        assert {answer.result(PATIENCE_S).status_code for answer in slow} <= {202, 503}


def test_readers_who_open_one_map_at_once_have_it_drawn_once_or_twice(
    demo_county: RunningCounty, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    draw = demo_county.maps.page

    def slow_page(*given: Any) -> object:  # noqa: ANN401 - passed on
        gate()
        return draw(*given)

    monkeypatch.setattr(demo_county.maps, "page", slow_page)
    with served(demo_county, SlotLimits(at_once=1, waiting=1)) as client, many() as call:
        readers = [call(client.get, "/maps/overview") for _ in range(45)]
        eventually(lambda: gate.begun == 1, "the map is being drawn")
        assert client.get("/healthz").status_code == 200
        gate.open()
        answers = [reader.result(PATIENCE_S) for reader in readers]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert gate.begun <= 2  # for those who came before it began, and for those who came later
    names = ("content-security-policy", "etag", "cache-control", "x-content-type-options")
    for answer in answers:  # what goes to one is not added to what goes to another
        assert [len(answer.headers.get_list(name)) for name in names] == [1, 1, 1, 1]


def test_over_a_full_queue_a_503_says_how_long_the_queue_takes(
    demo_county: RunningCounty, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    monkeypatch.setattr("geo_service.planning.identify.PointInquiry.identify", gate)
    limits = SlotLimits(at_once=1, waiting=3)
    with served(demo_county, limits) as client, many() as call:
        slots = slots_of(cast("FastAPI", client.app))
        slots._lanes[WorkKind.PLACES].mean_seconds = 7.0  # noqa: SLF001 - as if seven had been measured
        first = call(asked_for, client, 0)
        eventually(lambda: gate.begun == 1, "one is worked on")
        queued = [call(asked_for, client, number) for number in (1, 2, 3)]
        eventually(lambda: slots.waiting(WorkKind.PLACES) == 3, "three wait")
        refused = client.get("/api/identify?lon=108.9&lat=30.9", headers={"accept-language": "en"})
        gate.open()
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "28"  # three that wait and this one, 7 s each
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["detail"].startswith("3 requests of this kind are waiting")
        assert {answer.result(PATIENCE_S) for answer in (first, *queued)} == {200}


def test_a_wrong_parameter_is_told_without_a_turn(
    demo_county: RunningCounty, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    monkeypatch.setattr("geo_service.planning.identify.PointInquiry.identify", gate)
    with served(demo_county, SlotLimits(at_once=1, waiting=1)) as client, many() as call:
        running = call(asked_for, client, 0)
        eventually(lambda: gate.begun == 1, "one is worked on")
        assert client.get("/api/identify?lon=x&lat=30.9").status_code == 400
        gate.open()
        assert running.result(PATIENCE_S) == 200


def test_what_fails_for_one_fails_for_all_who_asked_alike_and_not_for_the_next() -> None:
    def fail() -> None:
        raise BusyError(None)  # type: ignore[arg-type] # only passed on

    async def ask() -> list[object]:
        slots = Slots(SlotLimits(at_once=1))
        both = [slots.run(WorkKind.MAP, fail, alike="a") for _ in range(2)]
        found: list[object] = list(await asyncio.gather(*both, return_exceptions=True))
        return [*found, await slots.run(WorkKind.MAP, lambda: "next", alike="a")]

    with ThreadPoolExecutor(max_workers=1) as pool:
        one, two, following = pool.submit(asyncio.run, ask()).result()
    assert isinstance(one, BusyError)
    assert isinstance(two, BusyError)
    assert following == "next"


def test_work_that_has_begun_answers_nobody_who_asks_later() -> None:
    gate = Gate()
    kept = ["old"]

    def read() -> str:
        found = kept[-1]
        gate()
        return found

    async def ask() -> list[str]:
        slots = Slots(SlotLimits(at_once=1))
        early = asyncio.create_task(slots.run(WorkKind.SCENARIOS, read, alike="a"))
        await asyncio.to_thread(eventually, lambda: gate.begun, "one works")
        kept.append("new")
        late = [
            asyncio.create_task(slots.run(WorkKind.SCENARIOS, read, alike="a")) for _ in range(2)
        ]
        waits = functools.partial(slots.waiting, WorkKind.SCENARIOS)
        await asyncio.to_thread(eventually, lambda: waits() == 1, "the others wait together")
        gate.open()
        return await asyncio.gather(early, *late)

    with ThreadPoolExecutor(max_workers=1) as pool:
        assert pool.submit(asyncio.run, ask()).result() == ["old", "new", "new"]
    assert gate.begun == 2


def test_who_leaves_first_takes_nothing_from_those_who_asked_alike() -> None:
    gate = Gate()

    async def ask() -> tuple[bool, object]:
        slots = Slots(SlotLimits(at_once=1))
        first, second = (
            asyncio.create_task(slots.run(WorkKind.MAP, gate, alike="a")) for _ in range(2)
        )
        await asyncio.to_thread(eventually, lambda: gate.begun, "one works")
        first.cancel()
        await asyncio.wait({first})
        gate.open()
        return first.cancelled(), await second

    with ThreadPoolExecutor(max_workers=1) as pool:
        assert pool.submit(asyncio.run, ask()).result() == (True, {})
    assert gate.begun == 1


def test_a_job_does_not_wait_for_one_of_another_kind_and_knows_its_place() -> None:
    board = JobBoard()
    gate = Gate()
    first = board.start(gate, JobKind.REVIEW)
    second, third = (board.start(gate, JobKind.REVIEW) for _ in range(2))
    other = board.start(lambda _: "ranked", JobKind.RANKING)
    assert board.wait(other, PATIENCE_S)
    assert other.result == "ranked"
    eventually(lambda: first.status is JobStatus.RUNNING, "the first runs")
    assert [board.place(job) for job in (first, second, third, other)] == [None, 1, 2, None]
    gate.open()
    for job in (first, second, third):
        assert board.wait(job, PATIENCE_S)
    board.close()


def test_jobs_over_the_limit_of_one_kind_do_not_shut_out_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("geo_service.jobs.MAX_WAITING", 1)
    board = JobBoard()
    gate = Gate()
    running = board.start(gate, JobKind.RANKING)
    eventually(lambda: running.status is JobStatus.RUNNING, "one runs")
    board.start(gate, JobKind.RANKING)
    with pytest.raises(BusyError) as refused:
        board.start(gate, JobKind.RANKING)
    assert refused.value.seconds == 10  # nothing of the kind has ended yet
    assert board.wait(board.start(lambda _: 1, JobKind.REVIEW), PATIENCE_S)
    gate.open()
    board.close()
