"""Who may ask: the names that the service answers to, and the pages that may send to it.

A browser sends whatever any page in it says to any address that it reaches, this machine's own
and those of the inner network too. What tells such a page from ours is the name that it calls us by
(Host) and what the browser says of where it comes from (Origin, Sec-Fetch-Site). A program that
is no browser sends neither of the two last, and passes: it acts for whoever started it.
Accounts, and what somebody may do, are not decided here.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request

from geo_service.errors import InvalidQueryError
from geo_service.web.errors import DATA_PATHS, problem, translator_of
from geo_service.web.prefix import own_path
from geo_service.wording import said, tell

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""They change nothing, whoever asks."""
LEADS_OUT = "geo_service.leads_out"
"""Where a request's scope keeps the one address of another host that its answer may lead to."""
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::([0-9]{1,5}))?")
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")


def host_name(host: str) -> str | None:
    """Return the name or address in a Host header, as it is compared; None for what is none.

    >>> host_name("LocalHost:8000"), host_name("[::1]:80"), host_name("a b")
    ('localhost', '::1', None)
    """
    found = _HOST.fullmatch(host)
    return None if found is None else _canonical(found[1].strip("[]"))


def allowed_name(setting: str) -> str:
    """Return a configured name as it is compared with Host.

    Raises
    ------
    InvalidQueryError
        It is neither a name nor an address.
    """
    text = setting.strip().rstrip(".")
    try:
        name = host_name(text if text.isascii() else text.encode("idna").decode("ascii"))
        name = name or str(ipaddress.ip_address(text))
    except (UnicodeError, ValueError):
        name = None
    if name is None or not (_NAME.fullmatch(name) or _address(name)):
        parameter = "allow-host"
        raise InvalidQueryError(parameter, said("problem.allowed_host", found=setting))
    return name


def is_loopback(name: str) -> bool:
    """Return whether a name or address is this machine's own and nobody else's."""
    address = _address(name)
    return name == "localhost" if address is None else address.is_loopback


class Doors:
    """Lets in what is asked under one of our names, and by no page but our own."""

    def __init__(self, app: ASGIApp, *, names: Iterable[str] = ()) -> None:
        self._app = app
        self._names = frozenset(map(allowed_name, names))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer why not."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # nothing here speaks WebSocket
            await send({"type": "websocket.close", "code": 1008})
            return
        refused = self._refused(scope)
        if refused is None:
            await self._app(scope, receive, _without_host(scope, send))
            return
        status, key = refused
        told = tell(said(key), translator_of(Request(scope)))
        await problem(status, told)(scope, receive, send)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        name = host_name(hosts[0]) if len(hosts) == 1 else None
        if name is None:
            return 400, "problem.no_host"
        if not self._is_ours(name, scope):
            return 421, "problem.other_host"
        if not (_is_own_page if scope["method"] not in SAFE_METHODS else _may_look)(scope, headers):
            return 403, "problem.other_site"
        return None

    def _is_ours(self, name: str, scope: Scope) -> bool:
        """Loopback, a configured name, or the very address that the connection came to.

        A page can make a name of its own lead here, but not an address: whoever asks for the
        address has it from a person.
        """
        reached = (scope.get("server") or ("",))[0]
        is_reached = _address(name) is not None and name == _canonical(str(reached))
        return is_loopback(name) or name in self._names or is_reached


def _is_own_page(scope: Scope, headers: Headers) -> bool:
    """Whether an unsafe request comes from our own page, or from no page at all."""
    sites, origins = headers.getlist("sec-fetch-site"), headers.getlist("origin")
    own = _origin(f"{scope.get('scheme', 'http')}://{headers['host']}")
    return all(site in {"same-origin", "none"} for site in sites) and all(
        _origin(origin) == own for origin in origins
    )


def _may_look(scope: Scope, headers: Headers) -> bool:
    """Whether a safe request is ours, or a person following a link to one of our pages."""
    if all(site in {"same-origin", "none"} for site in headers.getlist("sec-fetch-site")):
        return True
    is_link = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == (
        "navigate",
        "document",
    )
    return is_link and not own_path(scope).startswith(DATA_PATHS)


def _origin(text: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port of an origin; None for `null` and what is none."""
    scheme, _, host = text.partition("://")
    found = _HOST.fullmatch(host)
    if found is None or scheme not in _PORTS:
        return None
    return scheme, _canonical(found[1].strip("[]")), int(found[2] or _PORTS[scheme])


def _canonical(name: str) -> str:
    address = _address(name)
    return name.lower().rstrip(".") if address is None else str(address)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _without_host(scope: Scope, send: Send) -> Send:
    """Let an answer lead to places of this service by their paths alone.

    A route that is to lead elsewhere, to the configured issuer, says so in the request's scope.
    """

    async def send_path(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if headers.get("location") != scope.get(LEADS_OUT) and "location" in headers:
                path = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*", "", headers["location"])
                headers["location"] = "/" + path.lstrip("/\\")
        await send(message)

    return send_path
