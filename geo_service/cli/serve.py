"""`geo-service serve`: the console, the maps and the API."""

from __future__ import annotations

from typing import Annotated

import typer

from geo_service.cli.common import Lang, Workspace, app, say, show_progress
from geo_service.language import Language, Translator
from geo_service.settings import Settings


@app.command()
def serve(
    workspace: Workspace = None,
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8000,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Further name of the service; repeatable."),
    ] = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Serve the console, the maps and the API until Ctrl-C.

    It answers to localhost, to the address on which it listens, and to names given
    with --allow-host or GEO_ALLOWED_HOSTS.

    Example: geo-service serve layers/yunyang --port 8080
    """
    from geo_service.web.app import ServicePolicy  # noqa: PLC0415 - heavy, only here
    from geo_service.web.app import serve as run  # noqa: PLC0415 - as above

    with show_progress("review") as progress:
        settings = Settings()
        run(
            settings.find_workspace(workspace),
            host=host,
            port=port,
            max_import_bytes=settings.max_import_bytes,
            access=ServicePolicy(
                names=(*settings.allowed_hosts, *(allow_host or ())),
                proxies=settings.trusted_proxies,
            ),
            progress=progress,
            say=say,
            translator=Translator(lang),
        )
