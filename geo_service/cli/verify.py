"""`geo-service verify`: whether a signed review still comes out the same."""

from __future__ import annotations

from typing import Annotated

import typer

from geo_service.cli.common import Lang, ListFormat, Output, Workspace, app, write_printable
from geo_service.language import Language, Translator
from geo_service.settings import Settings

_DIFFERS = 1
Format = Annotated[ListFormat, typer.Option("--format", help="Output format.")]


@app.command("verify")
def verify(
    subject: Annotated[
        str, typer.Argument(metavar="ID|FILE", help="A signed review, or a JSON, XLSX, DOCX of it.")
    ],
    workspace: Workspace = None,
    *,
    format: Format = ListFormat.TABLE,  # noqa: A002 - the option's name
    output: Output = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Make a signed review again from the store: exit 0 if it is the same, 1 if it differs.

    Example: geo-service verify r-0123456789ab
    """
    from geo_service.planning.verification import verify_review  # noqa: PLC0415 - heavy, only here

    found = verify_review(Settings().find_workspace(workspace), subject)
    translator = Translator(lang)
    write_printable(found.printable(translator), format, translator, output)
    if not found.is_same:
        raise typer.Exit(_DIFFERS)
