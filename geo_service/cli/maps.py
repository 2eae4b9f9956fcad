"""`geo-service map`: a map as one HTML file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from geo_service.cli.common import Lang, Output, Workspace, app, show_progress, write
from geo_service.language import Language
from geo_service.settings import Settings


class MapKind(StrEnum):
    """Which map is drawn."""

    OVERVIEW = "overview"


@app.command("map")
def draw_map(
    workspace: Workspace = None,
    *,
    kind: Annotated[MapKind, typer.Option(help="Which map.")] = MapKind.OVERVIEW,
    standalone: Annotated[
        bool, typer.Option("--standalone", help="One file that opens from disk without a server.")
    ] = False,
    output: Output = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Draw a map as one HTML file that opens from disk, without internet.

    A map written to a file has no service to ask, so it is standalone with or without the
    option. Example: geo-service map --standalone -o static/maps/overview.html
    """
    from geo_service.maps.draw import draw  # noqa: PLC0415 - heavy, only here
    from geo_service.planning import review_workspace  # noqa: PLC0415

    del standalone
    with show_progress("review") as progress:
        result = review_workspace(Settings().find_workspace(workspace), progress=progress)
    path = output or Path("static/maps") / f"{kind}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = draw(result, language=lang)
    write(drawn.get_root().render().encode(), path)
