"""JSON in the bodies of requests, looked at before the framework parses it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from geo_service.document_limits import json_limit
from geo_service.web.errors import RequestRefusedError
from geo_service.web.prefix import own_path
from geo_service.wording import said

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send
    from starlette.types import Message as Event

    from geo_service.model import Message


class JsonLimit:
    """Answers 422 to a body that nests too deep or holds too many values or digits.

    How large a body may be is checked before; the bodies of uploads are files, not documents.
    """

    def __init__(self, app: ASGIApp, *, uploads: Collection[str] = ()) -> None:
        self._app = app
        self._uploads = frozenset(uploads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; who reads its body to the end is stopped if it is over a limit."""
        if scope["type"] != "http" or own_path(scope) in self._uploads:
            await self._app(scope, receive, send)
            return
        pieces: list[bytes] = []

        async def checked() -> Event:
            message = await receive()
            if message["type"] == "http.request":
                pieces.append(message.get("body", b""))
                if not message.get("more_body", False):
                    limit = _limit_of(b"".join(pieces))
                    if limit is not None:
                        detail = said("problem.field", name="body", reason=limit)
                        raise RequestRefusedError(422, detail)
            return message

        await self._app(scope, checked, send)


def _limit_of(body: bytes) -> Message | None:
    """Return what would be allowed where a body goes past it."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return said("fault.utf8")
    return json_limit([body])
