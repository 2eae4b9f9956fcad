"""`geo-service settings` and `doctor`: what is set, and whether all is well."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from geo_service.cli.common import (
    EXIT_FAILED,
    Lang,
    ListFormat,
    Output,
    Workspace,
    app,
    write_printable,
)
from geo_service.language import Language, Translator
from geo_service.settings import Settings

Format = Annotated[ListFormat, typer.Option("--format", help="Output format.")]


@app.command()
def settings(
    *,
    format: Format = ListFormat.TABLE,  # noqa: A002 - the option's name
    output: Output = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """List every setting, its value and where it comes from; secrets are masked.

    Example: geo-service settings --format json
    """
    from geo_service.planning.setting_list import (  # noqa: PLC0415 - heavy, only here
        SettingShown,
        settings_table,
    )

    shown = [
        SettingShown(name=name, value=value, source=source)
        for name, value, source in Settings().listed(os.environ)
    ]
    translator = Translator(lang)
    write_printable(settings_table(shown, translator), format, translator, output)


@app.command()
def doctor(
    workspace: Workspace = None,
    *,
    format: Format = ListFormat.TABLE,  # noqa: A002 - as above
    output: Output = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Look at workspace, store, disk, rights, fonts, clock, kernel and drivers; exit 1 if not well.

    Example: geo-service doctor layers/yunyang
    """
    from geo_service.planning.doctor import diagnose  # noqa: PLC0415 - heavy, only here

    translator = Translator(lang)
    found = diagnose(Settings().find_workspace(workspace))
    write_printable(found.printable(translator), format, translator, output)
    if not found.is_well:
        raise typer.Exit(EXIT_FAILED)
