"""`geo-service serve`: the console, the maps and the API."""

from __future__ import annotations

from pathlib import Path
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
    province: Annotated[
        Path | None,
        typer.Option(metavar="PROVINCE.toml", help="Show the counties of this file at /province."),
    ] = None,
    province_results: Annotated[
        Path | None,
        typer.Option(help="Folder of their results; default province-review beside the file."),
    ] = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Serve the console, the maps and the API until Ctrl-C.

    It answers to localhost, to the address on which it listens, and to names given
    with --allow-host or GEO_ALLOWED_HOSTS. With --province the counties of a province are shown
    beside the workspace's own county, from what `province review` left.

    Example: geo-service serve layers/yunyang --port 8080
    """
    from geo_service.web.app import ServicePolicy  # noqa: PLC0415 - heavy, only here
    from geo_service.web.app import serve as run  # noqa: PLC0415 - as above

    desk = None
    if province is not None:
        from geo_service.province.desk import ProvinceDesk  # noqa: PLC0415 - as above

        desk = ProvinceDesk(province, province_results)
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
            province_desk=desk,
            progress=progress,
            say=say,
            translator=Translator(lang),
        )
