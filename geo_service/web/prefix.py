"""Under a path prefix: where a proxy has put the service, as `/plan`.

The proxy may keep the prefix in what it passes on, or take it off; both are understood. Pages and
documents write addresses with it (`root_path`), or without it where a page's program adds it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders
from starlette.responses import RedirectResponse

from geo_service.errors import InvalidQueryError
from geo_service.wording import said

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FORM = re.compile(r"(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*){1,5}")


def own_path(scope: Scope) -> str:
    """Return the path of a request below the prefix.

    >>> own_path({"path": "/plan/api/parks", "root_path": "/plan"})
    '/api/parks'
    """
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path.removeprefix(root) if root and path.startswith(f"{root}/") else path


def checked_prefix(text: str, taken: Collection[str] = ()) -> str:
    """Return a prefix without its last slash; InvalidQueryError for what cannot be one.

    `taken` are the first words of paths that the service itself has.
    """
    prefix = text.strip().rstrip("/")
    if prefix and (not _FORM.fullmatch(prefix) or prefix.split("/")[1] in taken):
        parameter = "GEO_ROOT_PATH"
        raise InvalidQueryError(parameter, said("problem.root_path", found=text[:100]))
    return prefix


class PathPrefix:
    """Lets requests under a prefix reach their routes, and answers lead below it."""

    def __init__(self, app: ASGIApp, *, root: str) -> None:
        self._app = app
        self._root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its prefix."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        root, path = self._root, str(scope["path"])
        if path == root:
            await RedirectResponse(f"{root}/", 308)(scope, receive, send)
            return
        if not path.startswith(f"{root}/"):  # the proxy took it off
            scope["path"] = f"{root}{path}"
            scope["raw_path"] = root.encode() + scope.get("raw_path", path.encode())
        scope["root_path"] = root

        async def send_below(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                place = headers.get("location", "")
                if place.startswith("/") and not place.startswith(f"{root}/"):
                    headers["location"] = f"{root}{place}"
            await send(message)

        await self._app(scope, receive, send_below)
