"""Headers that every answer carries, as plain ASGI so that streaming stays streaming.

Who may keep an answer and for how long is decided here. A route says so only where a file
carries its version in its address, and which headers of a request its answer hangs on.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders

from geo_service.web.prefix import own_path

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

NOTHING_CSP = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""For answers that are data: nothing in them may run or load anything."""

PAGE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; frame-src 'self'; base-uri 'none'; "
    "form-action 'self'; object-src 'none'; frame-ancestors 'self'"
)
"""For our own pages: scripts and styles from this service only, nothing inline."""

AGAIN = "private, no-cache"
"""Data and pages: kept by who asked alone, who asks each time whether they still hold."""
NEVER = "no-store"
"""Errors, what changes something, and what stands for a moment: jobs and imports."""
A_YEAR = "private, max-age=31536000, immutable"
"""The county's data under an address that carries its version."""
SHARED_A_YEAR = "public, max-age=31536000, immutable"
"""Scripts, styles and fonts under an address that carries their version: alike for everybody."""
AN_HOUR = "private, max-age=3600"
"""Fonts and images that a stylesheet names without a version."""
_FLEETING = ("/api/jobs", "/api/imports")
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_OF_ERRORS = "Accept, Accept-Language"
"""What an error hangs on: whether a person asks, and in which language."""

_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "geolocation=(), camera=(), microphone=()",
    "content-security-policy": NOTHING_CSP,
}


class SecurityHeaders:
    """Adds the headers above to every answer that does not set them itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and put the headers on its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                is_error = message["status"] >= HTTPStatus.BAD_REQUEST
                if is_error or _is_fleeting(scope):
                    headers["cache-control"] = NEVER
                headers.setdefault("cache-control", AGAIN)
                own = [*headers.getlist("vary"), *([_OF_ERRORS] if is_error else [])]
                headers["vary"] = one_vary([*own, "Accept-Encoding"])
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _is_fleeting(scope: Scope) -> bool:
    """Whether nobody may keep what a request is answered with."""
    path = own_path(scope)
    return scope["method"] not in _SAFE_METHODS or path.startswith(_FLEETING)


def one_vary(lines: list[str]) -> str:
    """Return several values of `Vary` as one, each header once and written the same way.

    >>> one_vary(["accept-encoding, cookie", "Accept-Encoding"])
    'Accept-Encoding, Cookie'
    """
    names = (name.strip().title() for line in lines for name in line.split(","))
    return ", ".join(sorted({name for name in names if name}))
