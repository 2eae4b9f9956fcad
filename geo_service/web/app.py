"""The application: settings and county in, FastAPI out; and how it is served."""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

import geo_service
from geo_service.errors import InvalidQueryError
from geo_service.planning import County
from geo_service.web.errors import BodyLimit, add_error_handlers
from geo_service.web.routes import health, maps, pages, parks, reviews
from geo_service.web.security import SecurityHeaders

if TYPE_CHECKING:
    from geo_service.zoning.review import Progress

_COMPRESS_FROM_BYTES = 1_000
MAX_BODY_BYTES = 2_000_000
"""A larger request body is a 413; rulebooks and projects are a hundred times smaller."""


def create_app(county: County) -> FastAPI:
    """Return the service for a county that is open and reviewed.

    `/docs` is our own page with the Swagger UI that ships in the package, so that it
    works without internet; FastAPI's own, which load from outside, are off.
    """

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        yield
        county.close()

    app = FastAPI(
        lifespan=running,
        title="geo_service",
        version=geo_service.__version__,
        summary="Industrial-layout planning for a county: parks, reviews, maps.",
        docs_url=None,
        redoc_url=None,
    )
    app.state.county = county
    add_error_handlers(app)
    app.add_middleware(GZipMiddleware, minimum_size=_COMPRESS_FROM_BYTES)
    app.add_middleware(BodyLimit, max_bytes=MAX_BODY_BYTES)
    app.add_middleware(SecurityHeaders)
    for part in (health, parks, reviews, maps, pages):
        app.include_router(part.router)
    return app


def serve(
    workspace: Path,
    *,
    host: str,
    port: int,
    progress: Progress | None = None,
    say: Callable[[str], None] = print,
) -> None:
    """Open a workspace and serve it until it is told to stop.

    Raises
    ------
    InvalidQueryError
        The address cannot be listened on.
    WorkspaceError, RulebookError
        The workspace or its rulebook is unusable.
    """
    listener = _listen(host, port)
    try:
        county = County.open(workspace, progress=progress)
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
        config = uvicorn.Config(
            create_app(county), log_level="warning", access_log=False, server_header=False
        )
        shown = f"[{host}]" if ":" in host else host
        say(f"Serving on http://{shown}:{listener.getsockname()[1]}/  (Ctrl-C stops)")
        with suppress(KeyboardInterrupt):  # uvicorn raises it again once it has shut down
            uvicorn.Server(config).run(sockets=[listener])
        say("Stopped.")
    finally:
        listener.close()


def _listen(host: str, port: int) -> socket.socket:
    """Take the address first, so that a port in use is told before any work is done."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        reason = error.strerror or "unknown address"
        name = "port"
        msg = f"Cannot listen on {host}:{port}: {reason}. Choose another with --host and --port."
        raise InvalidQueryError(name, msg) from None
