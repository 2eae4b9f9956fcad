"""Two services on one PostgreSQL store: one is killed in the middle of its work, and comes again.

Readers on both get answers of one version or a refusal that says when to come again; what was
acknowledged before the kill is there afterwards, at both.
"""

from __future__ import annotations

import http.client
import json
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from geo_service.planning.layers import newest_layer, publish
from geo_service.stores.base import WorkspaceAt
from tests.patience import PATIENCE_S, eventually
from tests.stores.conftest import Place
from tests.suitability.made import asked, five_sites
from tests.web.served import ServedProcess, served

Answer = tuple[int, dict[str, str], bytes]
READ = ("/api/parks", "/api/overview", "/api/layers/parcels/features", "/")
_PAUSE_SECONDS = 0.3
KINDS = ("publish", "review", "ranking")


def ask(port: int, path: str, body: object = None) -> Answer | None:
    """Ask a service; return None where nobody answers, or the answer breaks off."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        headers = {"content-type": "application/json"}
        sent = None if body is None else json.dumps(body)
        connection.request("GET" if sent is None else "POST", path, sent, headers)
        answer = connection.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, told, answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


class Readers:
    """Threads that read from services until they are told to stop, and what they were told."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self.contents: dict[tuple[str, str], bytes] = {}
        self.bad: list[str] = []
        self.count = 0

    def read(self, port: int, is_there: Callable[[], bool]) -> None:
        """Begin to read from a service; no answer is bad as long as it is there."""
        thread = threading.Thread(target=self._read, args=(port, is_there))
        self._threads.append(thread)
        thread.start()

    def _read(self, port: int, is_there: Callable[[], bool]) -> None:
        while not self._over.is_set() and is_there():
            for path in READ:
                self._over.wait(_PAUSE_SECONDS)  # so that the services get on with their work
                answer = ask(port, path)
                if answer is not None:
                    self._note(path, *answer)
                elif is_there():
                    self.bad.append(f"{path}: no answer")

    def _note(self, path: str, status: int, headers: dict[str, str], content: bytes) -> None:
        self.count += 1
        is_told = status == HTTPStatus.SERVICE_UNAVAILABLE and "retry-after" in headers
        if status >= HTTPStatus.BAD_REQUEST and not is_told:
            self.bad.append(f"{path}: {status}")
        tag = headers.get("etag")
        if tag and self.contents.setdefault((path, tag), content) != content:
            self.bad.append(f"{path}: two contents of {tag}")

    def stop(self) -> None:
        """End reading."""
        self._over.set()
        for thread in self._threads:
            thread.join()


class Work:
    """One kind of work, done over and over at a service; what was acknowledged is noted."""

    def __init__(self, kind: str, port: int) -> None:
        self._kind, self._port = kind, port
        self.acknowledged: list[str] = []
        self._pause = threading.Event()
        self.thread = threading.Thread(target=self._work)
        self.thread.start()

    def _work(self) -> None:
        """Work until nobody answers; conflicts with the other process are no acknowledgement."""
        turn = 0
        while (answer := self._once(turn)) is not None:
            turn += 1
            told: dict[str, Any] = json.loads(answer[2])
            if answer[0] == HTTPStatus.CREATED:
                self.acknowledged.append(str(told[_IDENTITY[self._kind]]))
            elif answer[0] == HTTPStatus.ACCEPTED:
                self._follow(told)

    def _follow(self, job: dict[str, Any]) -> None:
        """Ask for a job until it has ended, or nobody answers."""
        while job["status"] in {"waiting", "running"}:
            self._pause.wait(_PAUSE_SECONDS)
            answer = ask(self._port, f"/api/jobs/{job['job_id']}")
            if answer is None:
                return
            job = json.loads(answer[2])
        if job["status"] == "done":
            self.acknowledged.append(job["result"].rpartition("/")[2])

    def _once(self, turn: int) -> Answer | None:
        if self._kind == "review":
            day = f"2026-0{1 + turn % 9}-01"
            return ask(self._port, "/api/reviews", {"as_of": day})
        if self._kind == "ranking":
            return ask(self._port, "/api/rankings", asked(name=f"项目 {turn}"))
        history = ask(self._port, "/api/layers/parcels/history")
        if history is None or history[0] != HTTPStatus.OK:
            return history
        newest = json.loads(history[2])["versions"][0]
        body = {"version": str((newest["number"] + 1) % 2), "expected": newest["version"]}
        return ask(self._port, "/api/layers/parcels/rollback", body)


_IDENTITY = {"publish": "number", "review": "review_id", "ranking": "ranking_id"}


@pytest.fixture
def workspace(shared_place: Place) -> WorkspaceAt:
    """Return five sites in a store of PostgreSQL, with one published version of the parcels."""
    at = WorkspaceAt(five_sites().write(shared_place.folder / "county"), shared_place.address)
    now = newest_layer(at, "parcels")
    changed = now.frame.assign(power_kva=now.frame["power_kva"] + 1)
    publish(at, "parcels", changed, expected=now.version)
    return at


def is_kept(port: int, kind: str, identity: str) -> bool:
    """Return whether a service knows what was acknowledged."""
    if kind == "publish":
        answer = ask(port, "/api/layers/parcels/history")
        assert answer is not None
        assert answer[0] == HTTPStatus.OK, answer[2]
        return int(identity) in {one["number"] for one in json.loads(answer[2])["versions"]}
    answer = ask(port, f"/api/{kind}s/{identity}")
    return answer is not None and answer[0] == HTTPStatus.OK


@pytest.mark.slow
@pytest.mark.database
def test_a_process_that_is_killed_takes_nothing_with_it(
    workspace: WorkspaceAt, tmp_path: Path
) -> None:
    assert workspace.store is not None
    store = workspace.store

    def start(stack: ExitStack, name: str) -> ServedProcess:
        folder = tmp_path / name
        folder.mkdir()
        running = served(workspace.folder, folder, GEO_STORE=store, GEO_CLIENT_COSTLY="1000")
        return stack.enter_context(running)

    readers, kept, is_killed = Readers(), list[tuple[str, str]](), threading.Event()
    with ExitStack() as stack:
        stays = start(stack, "stays")
        stack.callback(readers.stop)  # before the service that they read from ends
        readers.read(stays.port, lambda: True)
        goes = start(stack, "goes")
        readers.read(goes.port, lambda: not is_killed.is_set())
        works = {kind: Work(kind, goes.port) for kind in KINDS}
        eventually(lambda: all(work.acknowledged for work in works.values()), "it works")
        is_killed.set()
        goes.process.send_signal(signal.SIGKILL)
        for kind, work in works.items():
            work.thread.join()
            kept += [(kind, identity) for identity in work.acknowledged]
        again = start(stack, "again")
        for port in (stays.port, again.port):
            assert all(is_kept(port, *one) for one in kept)
        count = readers.count
        eventually(lambda: readers.count > count + len(READ), "it is read on")
    assert not readers.bad
    assert {kind for kind, _ in kept} == set(KINDS)
