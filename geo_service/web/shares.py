"""What one client may ask for at once and in a while, and how slowly it may send.

A client is an address (of IPv6, the network of 64 bits that one household or office has). Over its
share it waits a little, then is told to come back: the others do not notice. Work that is under
way is not stopped, and what clients may see or change is not decided here.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.requests import Request

from geo_service.web.doors import SAFE_METHODS
from geo_service.web.errors import RequestRefusedError, problem, translator_of
from geo_service.web.prefix import own_path
from geo_service.wording import said, tell

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_COSTLY = re.compile(
    r"/(?:maps/[^/]+|api/.*/(?:export|sensitivity|comparison|diff|boundary-points))"
)
"""What is made anew when it is looked at, and takes long."""
_ALWAYS = frozenset({"/healthz", "/readyz"})
"""Who watches over the service is answered whatever else is asked from there."""
_NETWORK_BITS = 64
_PIECE = 262_144
"""A larger part of an answer goes out piece by piece, so that its share is held until the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareLimits:
    """What one client may do, and how long a body may take."""

    at_once: int = 24
    """Requests; the service works on 40 of all clients at a time."""
    costly_at_once: int = 8
    """Of these, requests that change something or take long."""
    costly_burst: int = 200
    """Such requests in a row, without a pause."""
    costly_a_second: float = 20.0
    """Such requests in the long run."""
    wait_seconds: float = 10.0
    """How long a request may wait for its turn."""
    clients: int = 10_000
    """Clients that are remembered; of those beyond, who is at rest is forgotten."""
    body_idle_seconds: float = 20.0
    """Without a byte of a body that is under way."""
    body_grace_seconds: float = 30.0
    """Before the body must have come at the rate below, on average."""
    body_bytes_a_second: float = 16_000.0


@dataclass
class _Client:
    """What one client does just now, and how much of its rate is left."""

    turns: asyncio.Semaphore
    costly_turns: asyncio.Semaphore
    allowance: float
    counted: float = field(default_factory=time.monotonic)
    requests: int = 0
    """Requests that wait or are worked on."""


def client_of(scope: Scope) -> str:
    """Return the name of the client that a request is counted for.

    >>> client_of({"client": ("::ffff:10.0.0.7", 1)}), client_of({"client": ("2001:db8::1", 1)})
    ('10.0.0.7', '2001:db8::/64')
    """
    return client_name(str((scope.get("client") or ("",))[0]))


def client_name(address: str) -> str:
    """Return the name of the client behind an address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    if found.is_loopback:
        return str(found)
    return str(ipaddress.ip_network((found, _NETWORK_BITS), strict=False))


class Shares:
    """Lets each client have its share at once and in a while; the rest waits or is a 429."""

    def __init__(self, app: ASGIApp, *, limits: ShareLimits) -> None:
        self._app = app
        self._limits = limits
        self._clients: dict[str, _Client] = {}
        """Who asked last stands last; who asks just now is never forgotten, unlike in a cache."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on when it is its client's turn, its body at a bounded pace."""
        if scope["type"] != "http" or own_path(scope) in _ALWAYS:
            await self._app(scope, receive, send)
            return
        client = self._client(client_of(scope))
        is_costly = scope["method"] not in SAFE_METHODS or bool(_COSTLY.fullmatch(own_path(scope)))
        wait = self._take(client) if is_costly else 0.0
        if wait > 0:
            await self._refuse(wait, scope, receive, send)
            return
        client.requests += 1
        try:
            turns = [client.costly_turns, client.turns] if is_costly else [client.turns]
            if not await self._has_turn(turns):
                await self._refuse(self._limits.wait_seconds, scope, receive, send)
                return
            try:
                await self._app(scope, self._paced(receive), _in_pieces(send))
            finally:
                for turn in turns:
                    turn.release()
        finally:
            client.requests -= 1

    def _client(self, name: str) -> _Client:
        client = self._clients.pop(name, None)
        if client is None:
            limits = self._limits
            client = _Client(
                asyncio.Semaphore(limits.at_once),
                asyncio.Semaphore(limits.costly_at_once),
                float(limits.costly_burst),
            )
        self._clients[name] = client
        if len(self._clients) > self._limits.clients:
            at_rest = next((key for key, one in self._clients.items() if not one.requests), None)
            if at_rest is not None and at_rest != name:
                del self._clients[at_rest]
        return client

    def _take(self, client: _Client) -> float:
        """Take one costly request off a client's rate; return how long it has to wait for it."""
        limits, now = self._limits, time.monotonic()
        gained = (now - client.counted) * limits.costly_a_second
        client.allowance = min(float(limits.costly_burst), client.allowance + gained)
        client.counted = now
        if client.allowance < 1:
            return (1 - client.allowance) / limits.costly_a_second
        client.allowance -= 1
        return 0.0

    async def _has_turn(self, turns: list[asyncio.Semaphore]) -> bool:
        taken: list[asyncio.Semaphore] = []
        try:
            async with asyncio.timeout(self._limits.wait_seconds):
                for turn in turns:
                    await turn.acquire()
                    taken.append(turn)
        except BaseException as error:
            for turn in taken:
                turn.release()
            if isinstance(error, TimeoutError):
                return False
            raise
        return True

    async def _refuse(self, wait: float, scope: Scope, receive: Receive, send: Send) -> None:
        answer = problem(429, tell(said("problem.share"), translator_of(Request(scope))))
        answer.headers["retry-after"] = str(max(1, round(wait)))
        await answer(scope, receive, send)

    def _paced(self, receive: Receive) -> Receive:
        """Return what receives a body; one that comes too slowly is a 408.

        Only the time counts in which the service waits for the client, not the other way.
        """
        limits = self._limits
        waited, read, is_whole = 0.0, 0, False

        async def receive_in_time() -> Message:
            nonlocal waited, read, is_whole
            if is_whole:
                return await receive()
            allowed = limits.body_grace_seconds + read / limits.body_bytes_a_second - waited
            began = time.monotonic()
            try:
                async with asyncio.timeout(max(0.0, min(limits.body_idle_seconds, allowed))):
                    message = await receive()
            except TimeoutError:
                is_whole = True
                raise RequestRefusedError(
                    408, said("problem.slow_body"), headers={"connection": "close"}
                ) from None
            waited += time.monotonic() - began
            read += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            return message

        return receive_in_time


def _in_pieces(send: Send) -> Send:
    """Return what sends no more than a piece before the client has taken in the last one."""

    async def send_pieces(message: Message) -> None:
        body = message.get("body", b"")
        if message["type"] != "http.response.body" or len(body) <= _PIECE:
            await send(message)
            return
        for start in range(0, len(body), _PIECE):
            is_last = start + _PIECE >= len(body)
            has_more = message.get("more_body", False) or not is_last
            piece = bytes(body[start : start + _PIECE])
            await send({"type": message["type"], "body": piece, "more_body": has_more})

    return send_pieces
