"""`geo-service import`: bring a file into a workspace, with everything said that was done."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from geo_service.cli.common import (
    EXIT_WRONG_INPUT,
    Lang,
    ListFormat,
    Workspace,
    app,
    say,
    say_error,
    say_text,
    show_progress,
    write,
    write_json,
    write_printable,
)
from geo_service.errors import ChoiceNeededError
from geo_service.language import ENGLISH, Language, Translator
from geo_service.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from geo_service.planning.import_forms import ImportOptions
    from geo_service.planning.imports import ImportResult


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="File to import, or a *.gdb folder.")],
    workspace: Workspace = None,
    *,
    layer: Annotated[
        str,
        typer.Option(
            metavar="NAME|auto", help="Layer to import the file as, such as parcels; auto guesses."
        ),
    ] = "auto",
    crs: Annotated[
        str, typer.Option(metavar="auto|EPSG:n|GCJ-02|BD-09", help="The file's coordinate system.")
    ] = "auto",
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of the file's texts, such as GB18030.")
    ] = None,
    scheme: Annotated[
        str | None,
        typer.Option(
            help="Scheme of the file's land-use codes: planning2023, survey3, gb50137, local."
        ),
    ] = None,
    map_columns: Annotated[
        Path | None, typer.Option(help="Mapping file: assigns the file's columns to the layer's.")
    ] = None,
    source_layer: Annotated[
        str | None, typer.Option(help="Layer or sheet of a file with several.")
    ] = None,
    inner_file: Annotated[
        str | None,
        typer.Option("--file", help="File to import from an archive with several files."),
    ] = None,
    unit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN:UNIT", help="Unit of a column's values, such as investment_cny:万元."
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN:HEADING",
            help="The file's column for one of the layer's, where headings leave it open.",
        ),
    ] = None,
    taken_as: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="whole|add|update",
            help="What the file is: the whole layer, features to add, or changes by id.",
        ),
    ] = None,
    effect: Annotated[
        bool,
        typer.Option("--effect", help="Review the plan as it is and as it would be."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and report; publish nothing.")
    ] = False,
    format: Annotated[ListFormat, typer.Option(help="Output format.")] = ListFormat.TABLE,  # noqa: A002
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Import a file as a layer: read, repair, report, publish.

    Example: geo-service import 宗地.zip --layer parcels --scheme survey3 --dry-run
    """
    from geo_service.planning.import_forms import (  # noqa: PLC0415 - heavy, only here
        import_options,
        read_columns,
    )

    options = import_options(
        crs=crs,
        encoding=encoding,
        scheme=scheme,
        mapping=map_columns,
        source_layer=source_layer,
        file=inner_file,
        units=unit or (),
        answers=read_columns(column or ()),
        taken_as=taken_as,
        translator=Translator(lang),
    )
    found = Settings().find_workspace(workspace)
    try:
        ways = {"dry_run": dry_run, "with_effect": effect}
        result = _settled(found, file, layer, options, ways)
    except ChoiceNeededError as error:
        if format is ListFormat.JSON:
            write_json(_choice_document(error))
        say_text("cli.import_options")
        raise
    _report(result, format, Translator(lang), is_dry_run=dry_run)
    if result.obstacle is not None and not (dry_run and result.obstacle == "unsaid"):
        raise typer.Exit(EXIT_WRONG_INPUT)


@app.command("template")
def template(
    layer: Annotated[str, typer.Argument(help="Layer to make a workbook for, such as parcels.")],
    *,
    output: Annotated[Path, typer.Option("-o", "--output", help="The XLSX file to write.")],
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Write an empty workbook for a layer, to fill in and import.

    Example: geo-service template enterprises -o 企业.xlsx
    """
    from geo_service.planning.import_forms import template_file  # noqa: PLC0415 - heavy, only here

    write(template_file(layer, Translator(lang)).content, output, is_binary=True)


def _settled(
    workspace: os.PathLike[str],
    file: Path,
    layer: str,
    options: ImportOptions,
    ways: Mapping[str, bool],
) -> ImportResult:
    """Import; a person at a terminal is asked for what is open, a script gets the choices."""
    from geo_service.planning.import_forms import with_answer  # noqa: PLC0415 - heavy
    from geo_service.planning.imports import import_file  # noqa: PLC0415 - heavy

    while True:
        try:
            with show_progress("import") as progress:
                return import_file(workspace, file, layer, options, progress=progress, **ways)
        except ChoiceNeededError as error:
            if not (sys.stdin.isatty() and sys.stderr.isatty()):
                raise
            answer = _ask(error)
            if error.parameter == "layer":
                layer = answer
            else:
                options = with_answer(options, error.parameter, answer)


def _ask(error: ChoiceNeededError) -> str:
    say_error(error)
    values = [choice.value for choice in error.choices]
    while True:
        given = str(typer.prompt(error.parameter, err=True)).strip()
        if given in values:
            return given
        say(f"{given!r}: {', '.join(values)}")


def _choice_document(error: ChoiceNeededError) -> dict[str, Any]:
    return {
        "choice_needed": {
            "parameter": error.parameter,
            "message": str(error),
            "choices": [
                {"value": choice.value, "evidence": ENGLISH.render(choice.evidence)}
                for choice in error.choices
            ],
        }
    }


def _report(
    result: ImportResult, format_: ListFormat, translator: Translator, *, is_dry_run: bool
) -> None:
    from geo_service.planning.import_forms import printable_import  # noqa: PLC0415 - heavy

    write_printable(printable_import(result, translator), format_, translator)
    if result.folder is not None:
        say(translator.text("import.written", path=result.folder))
    if result.unwritten is not None:
        say(translator.text("import.unwritten", reason=result.unwritten))
    if result.version is not None:
        values = {"layer": result.imported.layer, "version": result.version.version}
        say(translator.text("import.published", **values))
    elif is_dry_run and result.obstacle == "unsaid":
        say(translator.text("import.needs_as"))
        say(translator.text("import.dry_run"))
    elif result.obstacle is not None:
        say(translator.text(f"import.obstacle_{result.obstacle}"))
    else:
        say(translator.text("import.dry_run"))
