"""The application: settings and county in, FastAPI out; and how it is served."""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

import geo_service
from geo_service.errors import InvalidQueryError
from geo_service.planning import County
from geo_service.planning.import_drafts import ImportDesk
from geo_service.web.errors import BodyLimit, add_error_handlers
from geo_service.web.replies import COMPRESS_FROM_BYTES, COMPRESSION
from geo_service.web.routes import (
    console,
    exports,
    health,
    imports,
    layers,
    maps,
    pages,
    parks,
    places,
    rankings,
    reviews,
    saved,
    tiles,
)
from geo_service.web.security import SecurityHeaders
from geo_service.wording import said

if TYPE_CHECKING:
    import os

    from geo_service.zoning.review import Progress

MAX_BODY_BYTES = 2_000_000
"""A larger request body is a 413; rulebooks and projects are a hundred times smaller."""
MAX_IMPORT_BYTES = 1_000_000_000
"""Of a file sent for import, unless the settings say otherwise."""


def create_app(county: County, *, max_import_bytes: int = MAX_IMPORT_BYTES) -> FastAPI:
    """Return the service for a county that is open and reviewed.

    `/docs` is our own page with the Swagger UI that ships in the package, so that it
    works without internet; FastAPI's own, which load from outside, are off.
    """

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        app.state.tiles.current().start()
        yield
        app.state.tiles.close()
        county.close()
        app.state.imports.close()

    app = FastAPI(
        lifespan=running,
        title="geo_service",
        version=geo_service.__version__,
        summary="Industrial-layout planning for a county: parks, reviews, maps.",
        docs_url=None,
        redoc_url=None,
    )
    app.state.county = county
    app.state.imports = ImportDesk(county)
    app.state.tiles = tiles.ServedTiles(county)
    add_error_handlers(app)
    app.add_middleware(GZipMiddleware, minimum_size=COMPRESS_FROM_BYTES, compresslevel=COMPRESSION)
    uploads = {imports.UPLOAD_PATH: max_import_bytes}
    app.add_middleware(BodyLimit, max_bytes=MAX_BODY_BYTES, uploads=uploads)
    app.add_middleware(SecurityHeaders)
    for part in (
        health,
        parks,
        reviews,
        saved,
        exports,
        rankings,
        imports,
        console,
        layers,
        maps,
        places,
        tiles,
        pages,
    ):
        app.include_router(part.router)
    return app


def serve(
    workspace: str | os.PathLike[str],
    *,
    host: str,
    port: int,
    max_import_bytes: int = MAX_IMPORT_BYTES,
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
            create_app(county, max_import_bytes=max_import_bytes),
            log_level="warning",
            access_log=False,
            server_header=False,
        )
        shown = f"[{host}]" if ":" in host else host
        say(f"Serving on http://{shown}:{listener.getsockname()[1]}/  (Ctrl-C stops)")
        county.tell_own_files()
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
        msg = said("problem.listen", host=host, port=port, reason=reason)
        raise InvalidQueryError(name, msg) from None
