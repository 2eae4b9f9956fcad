"""`geo-service map`: a map as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from geo_service.cli.common import Lang, Output, Workspace, app, show_progress, write
from geo_service.language import Language
from geo_service.planning.map_kinds import MapKind
from geo_service.settings import Settings


@app.command("map")
def draw_map(
    workspace: Workspace = None,
    *,
    kind: Annotated[MapKind, typer.Option(help="Which map.")] = MapKind.OVERVIEW,
    review: Annotated[
        str | None, typer.Option(help="A saved review's id; without it the workspace is reviewed.")
    ] = None,
    before: Annotated[
        str | None, typer.Option(help="The earlier saved review of a comparison.")
    ] = None,
    rulebook: Annotated[
        Path | None,
        typer.Option(
            help="Review by this rulebook; a comparison goes from the workspace's own to it."
        ),
    ] = None,
    ranking: Annotated[str | None, typer.Option(help="A saved ranking's id.")] = None,
    project: Annotated[
        Path | None, typer.Option(help="The project to rank, instead of a saved ranking.")
    ] = None,
    park: Annotated[str | None, typer.Option(help="The park of a park's map.")] = None,
    layer: Annotated[
        str | None, typer.Option(help="The layer of a time map; default: the last one published.")
    ] = None,
    goals: Annotated[
        Path | None, typer.Option(help="The goals of a layout's map, as YAML or JSON.")
    ] = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            help="Draw this scenario's plan: an id or a file; given twice, compare the two."
        ),
    ] = None,
    standalone: Annotated[
        bool, typer.Option("--standalone", help="One file that opens from disk without a server.")
    ] = False,
    output: Output = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Draw a map as one HTML file that opens from disk, without internet.

    A map written to a file has no service to query, so it is standalone with or without the
    option. Example: geo-service map --kind park --park YY-C-02 --standalone -o park.html
    """
    from geo_service.planning.drawn_maps import (  # noqa: PLC0415 - heavy, only here
        MapRequest,
        draw_workspace,
        map_page,
    )

    del standalone
    asked = MapRequest(
        kind=kind.value,
        review_id=review,
        before=before,
        rulebook=rulebook,
        ranking_id=ranking,
        project=project,
        park_id=park,
        layer=layer,
        goals=goals,
        scenarios=tuple(scenario or ()),
        language=lang,
    )
    with show_progress("map") as progress:
        drawn = draw_workspace(Settings().find_workspace(workspace), asked, progress=progress)
    path = output or Path("static/maps") / f"{kind}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    write(map_page(drawn), path)
