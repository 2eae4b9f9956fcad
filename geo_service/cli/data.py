"""`geo-service layers`: what data a workspace has."""

from __future__ import annotations

from typing import Annotated

import typer

from geo_service.cli.common import Lang, ListFormat, Workspace, app, table_width, write
from geo_service.language import Language, Translator
from geo_service.settings import Settings


@app.command()
def layers(
    workspace: Workspace = None,
    *,
    format: Annotated[ListFormat, typer.Option(help="How to write it.")] = ListFormat.TABLE,  # noqa: A002
    lang: Lang = Language.ZH_HANS,
) -> None:
    """List the workspace's layers: features, illustrative ones, version.

    Example: geo-service layers layers/yunyang --format json
    """
    from geo_service.reports.document import dump, layers_document  # noqa: PLC0415
    from geo_service.reports.terminal import layers_table  # noqa: PLC0415
    from geo_service.workspace import open_plan  # noqa: PLC0415

    plan = open_plan(Settings().find_workspace(workspace))
    document = layers_document(plan, Translator(lang, plan.settings.names_hant))
    if format is ListFormat.JSON:
        write(dump(document, indent=True), None)
    else:
        write(layers_table(document, Translator(lang), width=table_width()).encode(), None)
