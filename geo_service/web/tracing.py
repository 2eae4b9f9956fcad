"""Each request has an id, a line in the log and its share in the figures.

The id is the caller's own if a proxy that is named sends a well-formed one, else a new one; the
answer, every line of the log and the audit tell it. A line names the route, never the address: an
address may contain what somebody searched for. What becomes of the figures is in `metrics`.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

from geo_service.logs import new_request_id, with_fields, working_on
from geo_service.web.gate import ASKED

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID = "x-request-id"
NO_ROUTE = "none"
"""Told in place of a route's path when there was none for the address, or it was not looked for."""
_WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
_BROKEN_OFF = 499
"""Told as the status of a request that was not answered."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_log = logging.getLogger("geo_service.requests")

Observe = Callable[[str, str, int, float], None]
"""Called with method, route, status and seconds of each request that was answered."""


class NamedProxies:
    """The proxies that are believed when they say for whom, and as what, they ask."""

    def __init__(self, proxies: Sequence[str]) -> None:
        self._networks = [ipaddress.ip_network(proxy, strict=False) for proxy in proxies]

    def has(self, address: str) -> bool:
        """Return whether an address is one of theirs."""
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        plain = getattr(found, "ipv4_mapped", None) or found
        return any(plain in network for network in self._networks)


class Traced:
    """Gives each request an id, and tells what became of it. The outermost of all."""

    def __init__(
        self, app: ASGIApp, *, proxies: NamedProxies, observe: Observe | None = None
    ) -> None:
        self._app = app
        self._proxies = proxies
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and put its id on the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identity = self._identity(scope)
        status, began = _BROKEN_OFF, time.monotonic()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = identity
            await send(message)

        with working_on(identity):
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                self._tell(scope, status, time.monotonic() - began)

    def _identity(self, scope: Scope) -> str:
        given = Headers(scope=scope).getlist(REQUEST_ID)
        peer = str((scope.get("client") or ("",))[0])
        is_taken = len(given) == 1 and self._proxies.has(peer) and _WELL_FORMED.fullmatch(given[0])
        return given[0] if is_taken else new_request_id()

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", NO_ROUTE)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        if self._observe is not None:
            self._observe(method, route, status, seconds)
        if not _log.isEnabledFor(logging.INFO):
            return
        asked = scope.get(ASKED)
        account = None if asked is None or asked.acting is None else asked.acting.account
        took_ms = round(seconds * 1_000)
        fields = {"method": method, "route": route, "status": status, "took_ms": took_ms}
        if account is not None:
            fields["account"] = account
        _log.info(
            "%s %s %d %d ms %s",
            method,
            route,
            status,
            took_ms,
            account or "-",
            extra=with_fields(**fields),
        )
