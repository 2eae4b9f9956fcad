"""Turns for expensive work: a few at once of each kind, a queue, and a true time to come back.

Expensive work of one kind waits for its own turns only and works in threads of its own, so that a
list, a page or a saved result never waits for it, nor one kind for another. Requests that are
alike and wait for their turn together are worked on once; work that has begun answers nobody who
comes later, who may have changed what it reads. What a single client may ask for is in `shares`;
work that outlives its request is in `jobs`.
"""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
import math
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar, cast

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Request

from geo_service.errors import BusyError
from geo_service.web.doors import SAFE_METHODS
from geo_service.wording import said

if TYPE_CHECKING:
    from fastapi import FastAPI
    from fastapi.responses import Response

T = TypeVar("T")
_ALIKE_BY = (
    *("accept", "accept-encoding", "accept-language", "authorization", "cookie"),
    "if-none-match",
)
"""Headers that an answer may depend on, besides its address."""
_FIRST_GUESS_SECONDS = 1.0
"""How long work takes of which none has ended yet."""
_WEIGHT = 0.2
"""How much the latest work counts in what work takes on average."""
_LONGEST_SECONDS = 600


class WorkKind(StrEnum):
    """Kinds of expensive work; each has turns of its own."""

    MAP = "map"
    TILES = "tiles"
    FILES = "files"
    PLACES = "places"
    PARKS = "parks"
    REVIEWS = "reviews"
    RANKINGS = "rankings"
    SCENARIOS = "scenarios"
    LAYOUTS = "layouts"
    VERSIONS = "versions"
    PASSWORDS = "passwords"
    ISSUER = "issuer"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotLimits:
    """How much expensive work of one kind there may be."""

    at_once: int = 2
    waiting: int = 64
    """Requests in the queue; those that wait for the same answer count once."""


@dataclass
class _Lane:
    """The turns of one kind, and how long its work takes."""

    at_once: int
    turns: asyncio.Semaphore
    mean_seconds: float | None = None
    waiting: int = 0
    shared: dict[Hashable, asyncio.Task[Any]] = field(default_factory=dict)
    """Work that has not begun, which who asks the same may wait for too, by what it answers."""

    def seconds_until_turn(self) -> int:
        """Return how long a request that comes now would wait, in whole seconds."""
        mean = _FIRST_GUESS_SECONDS if self.mean_seconds is None else self.mean_seconds
        rounds = (self.waiting + 1) / self.at_once
        return max(1, min(_LONGEST_SECONDS, math.ceil(rounds * mean)))

    def took(self, seconds: float) -> None:
        mean = seconds if self.mean_seconds is None else self.mean_seconds
        self.mean_seconds = mean + _WEIGHT * (seconds - mean)


class Slots:
    """Gives expensive work its turn. To be used in one event loop."""

    def __init__(self, limits: SlotLimits | None = None) -> None:
        self._limits = limits or SlotLimits()
        at_once = self._limits.at_once
        self._lanes = {kind: _Lane(at_once, asyncio.Semaphore(at_once)) for kind in WorkKind}
        self._threads = CapacityLimiter(math.inf)  # the turns say how many there are

    def waiting(self, kind: WorkKind) -> int:
        """Return how many requests wait for a turn of a kind."""
        return self._lanes[kind].waiting

    async def run(self, kind: WorkKind, work: Callable[[], T], *, alike: Hashable = None) -> T:
        """Do work in a thread when it is its turn, and return its result.

        Of several calls that are `alike` and wait together, one works and all get its result. The
        work begins after each of them was made: none gets what was read before it came.

        Raises
        ------
        BusyError
            The queue is full; the error says when to come back.
        """
        lane = self._lanes[kind]
        if alike is None:
            return await self._in_turn(lane, work)
        told = (id(asyncio.get_running_loop()), alike)
        waiting = lane.shared.get(told)
        if waiting is None:
            # A task of its own: whoever came first may leave while others wait.
            waiting = asyncio.create_task(self._shared_turn(lane, work, told))
            waiting.add_done_callback(_seen)
            lane.shared[told] = waiting
        return cast("T", await asyncio.shield(waiting))

    async def _shared_turn(self, lane: _Lane, work: Callable[[], T], told: Hashable) -> T:
        is_open = True

        def close() -> None:
            nonlocal is_open
            if is_open:
                is_open = False
                del lane.shared[told]

        try:
            return await self._in_turn(lane, work, begins=close)
        finally:
            close()

    async def _in_turn(
        self, lane: _Lane, work: Callable[[], T], begins: Callable[[], None] = lambda: None
    ) -> T:
        if lane.waiting >= self._limits.waiting:
            seconds = lane.seconds_until_turn()
            msg = said("problem.slots", count=lane.waiting, seconds=seconds)
            raise BusyError(msg, seconds=seconds)
        lane.waiting += 1
        try:
            await lane.turns.acquire()
        finally:
            lane.waiting -= 1
        try:
            begins()
            began = time.monotonic()
            result = await run_sync(work, limiter=self._threads)
            lane.took(time.monotonic() - began)
            return result
        finally:
            lane.turns.release()


def _seen(done: asyncio.Task[Any]) -> None:
    if not done.cancelled():
        done.exception()  # nobody may be waiting for it any more


def slots_of(app: FastAPI) -> Slots:
    """Return the turns of an application."""
    return cast("Slots", app.state.slots)


def in_turn(
    kind: WorkKind, *, is_shared: bool = True, only_with: str | None = None
) -> Callable[[Callable[..., Response]], Callable[..., Awaitable[Response]]]:
    """Make an endpoint do its work in a turn.

    Parameters of the request are checked before it waits. With `is_shared`, equal requests that
    wait together get the same answer, which is no stream. With `only_with`, the name of a
    parameter, a request without it is cheap and needs no turn.
    """

    def decorate(endpoint: Callable[..., Response]) -> Callable[..., Awaitable[Response]]:
        signature = inspect.signature(endpoint)
        named = signature.parameters
        wants_request = "request" in named

        @functools.wraps(endpoint)
        async def answer(**values: Any) -> Response:  # noqa: ANN401 - the endpoint's own
            request: Request = values["request"] if wants_request else values.pop("request")
            work = functools.partial(endpoint, **values)
            if only_with is not None and values[only_with] is None:
                return await run_sync(work)
            alike = _alike(request) if is_shared else None
            made = await slots_of(request.app).run(kind, work, alike=alike)
            if alike is None:
                return made
            # Whoever sends an answer adds headers to it.
            own = copy.copy(made)
            own.raw_headers = list(made.raw_headers)
            vars(own).pop("_headers", None)
            return own

        if not wants_request:
            asked = inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request)
            vars(answer)["__signature__"] = signature.replace(parameters=[*named.values(), asked])
        return answer

    return decorate


def _alike(request: Request) -> Hashable:
    """Return what tells a request from others; None for one that changes something."""
    if request.method not in SAFE_METHODS:
        return None
    told = tuple(request.headers.get(name) for name in _ALIKE_BY)
    return request.method, request.url.path, request.url.query, told
