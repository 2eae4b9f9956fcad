"""Connections: how many there may be, and how long each may take to say what it wants.

uvicorn speaks HTTP; here it gets a protocol that minds the clock, and connections are accepted
one by one: when there are too many, the one that has waited longest without having asked anything
gives way to the next. So half requests by the thousand cost an honest client nothing. The pace of
a request's body is minded in `shares`, where the service's own time can be told from the client's.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import h11
import uvicorn
from anyio.to_thread import run_sync
from uvicorn.protocols.http.h11_impl import H11Protocol

from geo_service.errors import InvalidQueryError
from geo_service.language import ENGLISH
from geo_service.logs import new_request_id
from geo_service.web.errors import problem
from geo_service.web.security import NOTHING_CSP
from geo_service.web.shares import client_name
from geo_service.web.tracing import REQUEST_ID
from geo_service.wording import said

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_log = logging.getLogger(__name__)

RESERVED_FILES = 300
"""Files that are left to layers, stores and uploads, of those that the system lets us open."""
FEWEST = 16
"""Connections that there are in any case, however few files the system allows."""
BACKLOG = 128
_STOP_TICK_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """How many connections there may be and how long they may take, each way."""

    most: int = 400
    most_each: int = 100
    """Of one client; a proxy that is trusted counts for all behind it."""
    head_seconds: float = 10.0
    """From the connection, or the first byte of a further request, to the end of its head."""
    idle_seconds: float = 15.0
    """Between two requests."""
    linger_seconds: float = 5.0
    """For the rest of a body that was answered before it had come whole."""
    stall_seconds: float = 30.0
    """In which a client that reads an answer must take in so many bytes, or all there is:"""
    stall_bytes: int = 32_000
    retry_seconds: float = 1.0
    """Before connections are accepted again, once the system has no file left for one."""
    tick_seconds: float = 0.5
    """How often the clock is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """Certificate (with those that vouch for it) and key, as PEM; read when the service starts."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """Return what TLS is spoken by; InvalidQueryError if the files do not serve."""
        made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            made.load_cert_chain(self.certificate, self.key, password=_no_password)
        except (OSError, ValueError) as error:
            name, reason = "GEO_TLS_CERTIFICATE", getattr(error, "reason", None) or str(error)
            files = {"certificate": self.certificate, "key_file": self.key}
            raise InvalidQueryError(name, said("problem.tls", reason=reason, **files)) from None
        return made


def _no_password() -> str:
    """Refuse a key that asks for a password: nobody is there to type it."""
    msg = "the key has a password"
    raise ValueError(msg)


_BARE_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"connection", b"close"),
    (b"content-security-policy", NOTHING_CSP.encode("ascii")),
    (b"x-content-type-options", b"nosniff"),
)
"""Of an answer that no part of the application made."""


class _Phase(Enum):
    HEAD = auto()
    """Nothing, or a part of a head, has come."""
    WORK = auto()
    """A request is worked on, or its body is on its way."""
    IDLE = auto()
    """All was answered."""
    LINGER = auto()
    """All was answered, but the rest of the body is still coming."""


class TimedProtocol(H11Protocol):
    """HTTP on one connection, of which a `ConnectionDesk` knows what it does and since when."""

    def __init__(self, desk: ConnectionDesk, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*args, **kwargs)
        self._desk = desk
        self.phase = _Phase.HEAD
        self.since = time.monotonic()
        """When the phase began."""
        self.has_asked = False
        """It has sent one whole head at least."""
        self.name = ""
        self._unread = 0
        """What had not been taken in at the beginning of the time below."""
        self._sent_bytes = 0
        self._measured_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Note a new connection."""
        super().connection_made(transport)
        self.name = client_name(self.client[0]) if self.client else ""
        self._desk.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end of a connection."""
        self._desk.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in bytes; the first ones after an answer begin a head."""
        if self.phase is _Phase.IDLE:
            self._enter(_Phase.HEAD)
        super().data_received(data)

    def handle_events(self) -> None:
        """Take in what the bytes say; a whole head ends the wait for it."""
        cycle = self.cycle
        super().handle_events()
        if self.cycle is not cycle and not self.cycle.response_complete:
            self.has_asked = True
            self._enter(_Phase.WORK)
        elif self.phase is _Phase.LINGER and self.conn.their_state is h11.IDLE:
            self._enter(_Phase.IDLE)

    def on_response_complete(self) -> None:
        """Note that a request was answered, whether or not its body had come whole."""
        is_whole = self.conn.their_state is not h11.SEND_BODY
        self._enter(_Phase.IDLE if is_whole else _Phase.LINGER)
        super().on_response_complete()
        # Time between requests is minded here.
        self._unset_keepalive_if_required()

    def send_400_response(self, msg: str) -> None:
        """Say that a request is no HTTP, as a problem document."""
        del msg
        self._say(400, "problem.malformed")

    @property
    def is_read(self) -> bool:
        """Whether the client, or the system on its behalf, has taken in all that was written."""
        return self.transport.get_write_buffer_size() == 0

    @property
    def is_answering(self) -> bool:
        """Whether a request is worked on, or its answer not yet taken in."""
        return not self.transport.is_closing() and (self.phase is _Phase.WORK or not self.is_read)

    def look(self, now: float, limits: ConnectionLimits) -> None:
        """Close the connection if its time is up."""
        if not self.is_read:
            self.since = now
            if self._is_stalled(now, limits):
                self.transport.abort()
            return
        self._measured_since = None
        seconds = {
            _Phase.HEAD: limits.head_seconds,
            _Phase.IDLE: limits.idle_seconds,
            _Phase.LINGER: limits.linger_seconds,
        }.get(self.phase)
        if seconds is None or now - self.since < seconds or self.transport.is_closing():
            return
        has_begun = self.phase is _Phase.HEAD and bool(self.conn.trailing_data[0])
        if has_begun and self.conn.our_state is h11.IDLE:
            self._say(408, "problem.slow_head")
        else:
            self.transport.close()

    def _enter(self, phase: _Phase) -> None:
        self.phase = phase
        self.since = time.monotonic()

    def _is_stalled(self, now: float, limits: ConnectionLimits) -> bool:
        """Whether the client has taken in too little of what is ready for it, for too long."""
        unread = self.transport.get_write_buffer_size()
        if self._measured_since is None:
            self._measured_since, self._sent_bytes, self._unread = now, 0, unread
        self._sent_bytes += max(0, self._unread - unread)
        self._unread = unread
        if now - self._measured_since < limits.stall_seconds:
            return False
        is_stalled = self._sent_bytes < limits.stall_bytes
        self._measured_since = None
        return is_stalled

    def _say(self, status: int, key: str) -> None:
        answer = problem(status, ENGLISH.text(key))
        headers = [*answer.raw_headers, *_BARE_HEADERS, _id_header()]
        with suppress(h11.LocalProtocolError):  # an answer is on its way already
            for event in (
                h11.Response(status_code=status, headers=headers),
                h11.Data(data=bytes(answer.body)),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class ConnectionDesk:
    """Accepts connections, keeps their number in bounds and minds their time."""

    def __init__(
        self,
        limits: ConnectionLimits,
        *,
        proxies: Collection[str] = (),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._limits = limits
        self._tls = tls
        self._greeting: dict[asyncio.Task[None], str] = {}
        """Connections that are not yet agreed on how to speak, by client."""
        self._most = _room(limits.most)
        self._proxies = frozenset(map(client_name, proxies))
        self._open: dict[TimedProtocol, None] = {}

    def protocol(self, *args: Any, **kwargs: Any) -> TimedProtocol:  # noqa: ANN401 - uvicorn's own
        """Return the protocol of a new connection."""
        return TimedProtocol(self, *args, **kwargs)

    def add(self, connection: TimedProtocol) -> None:
        """Take note of a connection."""
        self._open[connection] = None

    def remove(self, connection: TimedProtocol) -> None:
        """Forget a connection that ended."""
        self._open.pop(connection, None)

    def connections(self) -> list[TimedProtocol]:
        """Return the connections that there are."""
        return list(self._open)

    async def accept(self, listener: socket.socket, make: Callable[[], TimedProtocol]) -> None:
        """Accept connections until cancelled."""
        listener.setblocking(False)  # noqa: FBT003 - the standard library's
        try:
            while True:
                await self._accept_one(listener, make)
        finally:
            for greeting in list(self._greeting):
                greeting.cancel()

    async def _accept_one(self, listener: socket.socket, make: Callable[[], TimedProtocol]) -> None:
        loop = asyncio.get_running_loop()
        try:
            taken, address = await loop.sock_accept(listener)
        except ConnectionAbortedError:
            return
        except OSError as error:  # the system has no file or no memory left
            _log.warning("No connection can be accepted: %s", error.strerror)
            self._give_way(list(self._open))
            await asyncio.sleep(self._limits.retry_seconds)
            return
        name = client_name(str(address[0]))
        if self._has_room(name):
            greeting = asyncio.create_task(self._greet(taken, make))
            self._greeting[greeting] = name
            greeting.add_done_callback(self._greeting.pop)
            if self._tls is None:  # there is nothing to agree on
                await asyncio.wait([greeting])
        else:
            self._turn_away(taken)
            await asyncio.sleep(0)

    async def _greet(self, taken: socket.socket, make: Callable[[], TimedProtocol]) -> None:
        """Agree with a client on how to speak; who takes too long, or cannot, is let go."""
        loop, tls = asyncio.get_running_loop(), self._tls
        seconds = None if tls is None else self._limits.head_seconds
        try:
            await loop.connect_accepted_socket(make, taken, ssl=tls, ssl_handshake_timeout=seconds)
        except OSError:
            taken.close()
        except asyncio.CancelledError:
            taken.close()
            raise

    async def mind(self) -> None:
        """Look at the clock until cancelled."""
        while True:
            await asyncio.sleep(self._limits.tick_seconds)
            now = time.monotonic()
            for connection in list(self._open):
                connection.look(now, self._limits)

    def _has_room(self, name: str) -> bool:
        """Whether one more connection of a client fits, if need be in place of another."""
        if name not in self._proxies:
            own = [connection for connection in self._open if connection.name == name]
            greeting = [task for task, client in self._greeting.items() if client == name]
            is_full = len(own) + len(greeting) >= self._limits.most_each
            if is_full and not (self._give_way(own) or _let_go(greeting)):
                return False
        count = len(self._open) + len(self._greeting)
        return (
            count < self._most or self._give_way(list(self._open)) or _let_go(list(self._greeting))
        )

    def _give_way(self, candidates: list[TimedProtocol]) -> bool:
        """Close the one that waits longest, of those that never asked anything before others."""
        waiting = [one for one in candidates if one.phase is not _Phase.WORK and one.is_read]
        if not waiting:
            return False
        chosen = min(waiting, key=lambda one: (one.has_asked, one.since))
        chosen.transport.abort()
        self.remove(chosen)
        return True

    def _turn_away(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.setblocking(False)  # noqa: FBT003 - the standard library's
            if self._tls is None:  # else nothing can be said before it is agreed how
                connection.send(_turned_away())
            connection.shutdown(socket.SHUT_WR)


def _let_go(greeting: list[asyncio.Task[None]]) -> bool:
    """End the oldest of some connections that are not agreed on; False if there is none."""
    if greeting:
        greeting[0].cancel()
    return bool(greeting)


class LongWork(Protocol):
    """What goes on besides requests, as the server's end sees it."""

    def give_back(self) -> None:
        """Begin nothing more of what waits."""

    def is_under_way(self) -> bool:
        """Return whether something is being worked on."""

    def stop(self) -> None:
        """End what is worked on; who waits for it is told to come back."""


class TimedServer(uvicorn.Server):
    """uvicorn's server, with connections accepted and timed by a desk."""

    def __init__(
        self,
        config: uvicorn.Config,
        desk: ConnectionDesk,
        listener: socket.socket,
        *,
        work: LongWork,
        stop_seconds: float,
    ) -> None:
        super().__init__(config)
        self._work = work
        self._stop_seconds = stop_seconds
        self._desk = desk
        self._listener = listener
        self._tasks: list[asyncio.Task[None]] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then accept connections."""
        del sockets
        await run_sync(int)  # loads what threads need, while there are files left to load it from
        await super().startup(sockets=[])

        def make() -> TimedProtocol:
            return self._desk.protocol(
                config=self.config,
                server_state=self.server_state,
                app_state=self.lifespan.state,
            )

        work = (self._desk.accept(self._listener, make), self._desk.mind())
        self._tasks = [asyncio.create_task(one) for one in work]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more, let what is under way end within a time, then end the application."""
        accepting, minding = self._tasks
        accepting.cancel()
        await asyncio.wait([accepting])
        self._listener.close()
        await asyncio.to_thread(self._work.give_back)
        await self._let_end()
        await asyncio.to_thread(self._work.stop)
        await super().shutdown(sockets=sockets)
        minding.cancel()

    async def _let_end(self) -> None:
        """Wait until every request is answered and no job runs, but no longer than agreed."""
        for connection in list(self.server_state.connections):
            connection.shutdown()  # the ones that are answered; others close after their answer
        ends = time.monotonic() + self._stop_seconds
        while time.monotonic() < ends and not self.force_exit:
            is_answering = any(one.is_answering for one in self._desk.connections())
            if not is_answering and not await asyncio.to_thread(self._work.is_under_way):
                return
            await asyncio.sleep(_STOP_TICK_SECONDS)
        _log.warning("Not all work ended within %g s: it is given back.", self._stop_seconds)


def _id_header() -> tuple[bytes, bytes]:
    return REQUEST_ID.encode(), new_request_id().encode()


def _turned_away() -> bytes:
    """Return the answer to a connection that there is no room for, as it goes over the wire."""
    answer = problem(503, ENGLISH.text("problem.full"))
    headers = [*answer.raw_headers, *_BARE_HEADERS, _id_header()]
    lines = [b"HTTP/1.1 503 Service Unavailable", *(b": ".join(pair) for pair in headers)]
    return b"\r\n".join([*lines, b"", bytes(answer.body)])


def _room(connections: int) -> int:
    """Return how many connections the system's limit of open files leaves room for.

    The limit is raised first, as far as the system lets us and it is needed.
    """
    if sys.platform == "win32":
        return connections
    import resource  # noqa: PLC0415 - not on Windows

    most, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + RESERVED_FILES
    if most == resource.RLIM_INFINITY:
        return connections
    if most < needed:
        most = needed if allowed == resource.RLIM_INFINITY else min(needed, allowed)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, allowed))
    return max(FEWEST, min(connections, most - RESERVED_FILES))
