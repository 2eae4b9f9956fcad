"""Answers while a county is being opened: it is said so, whatever is asked for.

`/healthz` and `/readyz` answer for themselves. A browser asks again by itself.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from fastapi.responses import HTMLResponse
from starlette.requests import Request

from geo_service.web.errors import DATA_PATHS, problem, translator_of
from geo_service.web.prefix import own_path
from geo_service.web.security import PAGE_CSP
from geo_service.wording import said, tell

if TYPE_CHECKING:
    from starlette.datastructures import State
    from starlette.types import ASGIApp, Receive, Scope, Send

AGAIN_SECONDS = "3"
ALWAYS = frozenset({"/healthz", "/readyz"})


class Loading:
    """Passes requests on once there is a county to ask."""

    def __init__(self, app: ASGIApp, *, state: State) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a 503 that says when to ask again, as long as there is no county."""
        is_ready = scope["type"] != "http" or self._state.service is not None
        if is_ready or own_path(scope) in ALWAYS:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        translator = translator_of(request)
        told = tell(said("problem.loading"), translator)
        answer = problem(503, told)
        is_page = not own_path(scope).startswith(DATA_PATHS)
        if is_page and "text/html" in request.headers.get("accept", ""):
            text = html.escape(told)
            page = (
                f'<!doctype html><html lang="{translator.language}"><meta charset="utf-8">'
                f"<title>{text}</title><p>{text}"
            )
            answer = HTMLResponse(page, 503, {"content-security-policy": PAGE_CSP})
            answer.headers["refresh"] = AGAIN_SECONDS
        answer.headers["retry-after"] = AGAIN_SECONDS
        await answer(scope, receive, send)
