"""One client has its share and no more; the others do not notice."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.exceptions import HTTPException

from geo_service.web.shares import ShareLimits, Shares, client_name

Send = Callable[[dict[str, Any]], Awaitable[None]]


def in_a_loop_of_its_own(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test in a thread: the browser's driver may have a loop running in this one."""

    @functools.wraps(test)
    def run(*values: object, **named: object) -> None:
        with ThreadPoolExecutor(max_workers=1) as pool:
            pool.submit(asyncio.run, test(*values, **named)).result()

    return run


class Slow:
    """An application whose requests end when they are told to."""

    def __init__(self) -> None:
        self.running = 0
        self.most = 0
        self.go_on = asyncio.Event()

    async def __call__(self, scope: object, receive: object, send: Send) -> None:
        del scope, receive
        self.running += 1
        self.most = max(self.most, self.running)
        await self.go_on.wait()
        self.running -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def _nothing() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def ask(
    shares: Shares, address: str, *, method: str = "POST", path: str = "/api/reviews"
) -> tuple[int, dict[str, str]]:
    """Return the status and headers that a client gets."""
    messages: list[dict[str, Any]] = []

    async def send(message: Any) -> None:  # noqa: ANN401 - an ASGI message
        messages.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [],
        "client": (address, 1),
    }
    await shares(scope, _nothing, send)
    headers = {key.decode(): value.decode() for key, value in messages[0]["headers"]}
    return messages[0]["status"], headers


@in_a_loop_of_its_own
async def test_one_client_works_on_its_share_and_another_one_goes_past() -> None:
    app = Slow()
    shares = Shares(app, limits=ShareLimits(at_once=3, costly_at_once=2))
    mine = [asyncio.create_task(ask(shares, "10.0.0.1")) for _ in range(10)]
    looks = [asyncio.create_task(ask(shares, "10.0.0.1", method="GET")) for _ in range(10)]
    for _ in range(50):
        await asyncio.sleep(0)
    assert app.running == 3
    other = asyncio.create_task(ask(shares, "10.0.0.2"))
    for _ in range(50):
        await asyncio.sleep(0)
    assert app.running == 4
    app.go_on.set()
    answers = await asyncio.gather(*mine, *looks, other)
    assert {status for status, _ in answers} == {200}
    assert app.most == 4


@in_a_loop_of_its_own
async def test_who_waits_too_long_for_a_turn_is_told_to_come_back() -> None:
    app = Slow()
    shares = Shares(app, limits=ShareLimits(costly_at_once=1, wait_seconds=0.05))
    first = asyncio.create_task(ask(shares, "10.0.0.1"))
    await asyncio.sleep(0)
    status, headers = await ask(shares, "10.0.0.1")
    assert (status, headers["content-type"]) == (429, "application/problem+json")
    assert int(headers["retry-after"]) >= 1
    app.go_on.set()
    assert (await first)[0] == 200
    assert (await ask(shares, "10.0.0.1"))[0] == 200  # every turn was given back


@in_a_loop_of_its_own
async def test_a_client_that_asks_too_often_is_told_to_come_back() -> None:
    app = Slow()
    app.go_on.set()
    shares = Shares(app, limits=ShareLimits(costly_burst=5, costly_a_second=0.001))
    answers = [await ask(shares, "127.0.0.1") for _ in range(6)]
    assert [status for status, _ in answers] == [200] * 5 + [429]
    # One request takes 1,000 s to be gained.
    assert 990 <= int(answers[-1][1]["retry-after"]) <= 1_000
    assert (await ask(shares, "127.0.0.2"))[0] == 200
    assert (await ask(shares, "127.0.0.1", method="GET"))[0] == 200
    costly = "/api/rankings/x/sensitivity"
    assert (await ask(shares, "127.0.0.1", method="GET", path=costly))[0] == 429
    assert (await ask(shares, "127.0.0.1", method="GET", path="/healthz"))[0] == 200


@in_a_loop_of_its_own
async def test_clients_are_not_remembered_without_end() -> None:
    app = Slow()
    app.go_on.set()
    shares = Shares(app, limits=ShareLimits(clients=10, costly_burst=1, costly_a_second=0.001))
    for number in range(50):
        assert (await ask(shares, f"10.0.0.{number}"))[0] == 200
    assert len(shares._clients) == 10


@in_a_loop_of_its_own
async def test_a_body_that_does_not_come_is_a_408() -> None:
    async def app(scope: object, receive: Callable[[], Awaitable[Any]], send: object) -> None:
        del scope, send
        while True:
            await receive()

    async def never() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def send(message: object) -> None:
        del message

    shares = Shares(app, limits=ShareLimits(body_idle_seconds=0.01))
    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "client": None}
    with pytest.raises(HTTPException) as told:
        await shares(scope, never, send)
    assert told.value.status_code == 408


@in_a_loop_of_its_own
async def test_a_large_answer_goes_out_in_pieces() -> None:
    content = bytes(range(256)) * 4_000  # 1,024,000 bytes: 4 pieces of at most 262,144

    async def app(scope: object, receive: object, send: Send) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": content})

    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:  # noqa: ANN401 - an ASGI message
        sent.append(message)

    shares = Shares(app, limits=ShareLimits())
    await shares({"type": "http", "method": "GET", "path": "/", "client": None}, _nothing, send)
    assert b"".join(message.get("body", b"") for message in sent) == content
    assert [message.get("more_body") for message in sent[1:]] == [True, True, True, False]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:0:1::5", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff::9", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::1"),
        ("", ""),
    ],
)
def test_a_client_is_an_address_or_a_network_of_64_bits(address: str, name: str) -> None:
    assert client_name(address) == name
