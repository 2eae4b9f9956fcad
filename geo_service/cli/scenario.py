"""`geo-service scenario ...`: changes of the plan tried, compared, and made the plan."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from geo_service.cli.common import (
    EXIT_FAILED,
    EXIT_WRONG_INPUT,
    Lang,
    ListFormat,
    Output,
    Workspace,
    app,
    check_binary,
    say_text,
    table_width,
    write,
    write_json,
    write_printable,
)
from geo_service.errors import InvalidQueryError
from geo_service.language import Language, Translator
from geo_service.settings import Settings
from geo_service.wording import said

scenario = typer.Typer(
    help="Scenarios: a plan with a list of edits, reviewed, compared, published.",
    no_args_is_help=True,
)
app.add_typer(scenario, name="scenario")

ScenarioId = Annotated[str, typer.Argument(help="A scenario's id, as `scenario list` shows it.")]
Named = Annotated[str, typer.Argument(help="A scenario's id, or the path of its file.")]
Format = Annotated[ListFormat, typer.Option("--format", help="Output format.")]
Author = Annotated[str, typer.Option(help="Who: free text.")]
WorkspaceOption = Annotated[
    Path | None, typer.Option("--workspace", "-w", help="Folder with workspace.toml.")
]


class SidesFormat(StrEnum):
    """How a comparison is written."""

    TABLE = "table"
    JSON = "json"
    XLSX = "xlsx"
    DOCX = "docx"
    HTML = "html"


_BINARY = frozenset({SidesFormat.XLSX, SidesFormat.DOCX})


@scenario.command("list")
def list_scenarios(
    workspace: Workspace = None,
    *,
    format: Format = ListFormat.TABLE,  # noqa: A002 - the option's name
    lang: Lang = Language.ZH_HANS,
) -> None:
    """List the scenarios, the one that was changed last first.

    Example: geo-service scenario list layers/yunyang
    """
    from geo_service.planning.scenario_files import printable_scenarios  # noqa: PLC0415 - heavy
    from geo_service.planning.scenarios import open_desk  # noqa: PLC0415

    with open_desk(Settings().find_workspace(workspace)) as desk:
        documents, _ = desk.listed(limit=10_000)
    write_printable(printable_scenarios(documents), format, Translator(lang))


@scenario.command("new")
def new_scenario(
    name: Annotated[str, typer.Argument(help="What it is called.")],
    workspace: Workspace = None,
    *,
    reason: Annotated[str, typer.Option(help="What it is for.")] = "",
    author: Author = "",
    format: Format = ListFormat.TABLE,  # noqa: A002 - the option's name
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Make a scenario without edits on the plan of now, and print it.

    Example: geo-service scenario new "Garment park" --reason "for the meeting"
    """
    from geo_service.planning.scenarios import open_desk  # noqa: PLC0415 - heavy, only here

    with open_desk(Settings().find_workspace(workspace)) as desk:
        record = desk.make({"name": name, "reason": reason}, author=author)
        _show(desk.document(record, Translator(lang)), format, lang)


@scenario.command()
def show(
    named: Named,
    workspace: Workspace = None,
    *,
    format: Format = ListFormat.TABLE,  # noqa: A002 - the option's name
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Show a scenario: its edits, in words, with their reasons.

    Example: geo-service scenario show s1a2b3c4d5e6
    """
    from geo_service.planning.scenarios import open_desk  # noqa: PLC0415 - heavy, only here

    with open_desk(Settings().find_workspace(workspace)) as desk:
        _show(desk.shown(named, Translator(lang)), format, lang)


@scenario.command()
def add(
    scenario_id: ScenarioId,
    workspace: Workspace = None,
    *,
    file: Annotated[
        Path | None, typer.Option(help="A scenario's file, whose edits are added.")
    ] = None,
    edit: Annotated[
        list[str] | None, typer.Option(help="An edit as JSON; may be repeated.")
    ] = None,
    at: Annotated[int | None, typer.Option(min=0, help="Before which edit; at the end.")] = None,
    format: Format = ListFormat.TABLE,  # noqa: A002 - the option's name
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Add edits; each is checked, and refused in words where it cannot be made.

    Example: geo-service scenario add s1a2b3c4d5e6 --edit
    '{"op": "close_park", "park_id": "YY-B-08", "reason": "too small"}'
    """
    from geo_service.planning.scenarios import edits_in_file, open_desk  # noqa: PLC0415 - heavy

    documents = [_edit_of(text) for text in edit or ()]
    if file is not None:
        documents += edits_in_file(file)
    if not documents:
        name, reason = "edit", said("cli.edit_or_file")
        raise InvalidQueryError(name, reason)
    with open_desk(Settings().find_workspace(workspace)) as desk:
        record = desk.add(scenario_id, documents, at=at)
        _show(desk.document(record, Translator(lang)), format, lang)


def _edit_of(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        name, reason = "edit", said("cli.edit_json")
        raise InvalidQueryError(name, reason)
    return found


@scenario.command()
def drop(
    scenario_id: ScenarioId,
    workspace: Workspace = None,
    *,
    edit: Annotated[
        list[str] | None, typer.Option(help="Only this edit, by its id; may be repeated.")
    ] = None,
) -> None:
    """Drop a scenario, or some of its edits.

    Example: geo-service scenario drop s1a2b3c4d5e6 --edit e0123456789
    """
    from geo_service.planning.scenarios import open_desk  # noqa: PLC0415 - heavy, only here

    with open_desk(Settings().find_workspace(workspace)) as desk:
        if not edit:
            desk.drop(scenario_id)
        for edit_id in edit or ():
            desk.drop_edit(scenario_id, edit_id)
    say_text("cli.scenario_dropped")


@scenario.command()
def review(
    named: Named,
    workspace: Workspace = None,
    *,
    format: Format = ListFormat.TABLE,  # noqa: A002 - the option's name
    causes: Annotated[
        bool, typer.Option("--causes/--no-causes", help="Tell which edit does what.")
    ] = True,
    output: Output = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Tell what a scenario does: findings new, worse, better, cured, and which edit does it.

    Exit 1 if some park fails. Whole reviews: geo-service review --scenario ID.
    Example: geo-service scenario review s1a2b3c4d5e6
    """
    from geo_service.planning.scenario_files import printable_changes  # noqa: PLC0415 - heavy
    from geo_service.planning.scenarios import open_desk  # noqa: PLC0415

    translator = Translator(lang)
    with open_desk(Settings().find_workspace(workspace)) as desk:
        document = desk.told(named, translator, has_causes=causes)
    write_printable(printable_changes(document), format, translator, output)
    if document["verdicts"]["fail"]:
        raise typer.Exit(EXIT_FAILED)


@scenario.command()
def compare(
    names: Annotated[list[str], typer.Argument(help="Ids or files of one to four scenarios.")],
    *,
    workspace: WorkspaceOption = None,
    plan: Annotated[
        bool, typer.Option("--plan/--no-plan", help="Beside the plan itself, too.")
    ] = True,
    format: Annotated[SidesFormat, typer.Option(help="Output format.")] = SidesFormat.TABLE,  # noqa: A002
    output: Output = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Compare scenarios: verdicts by park, measures, costs, what is only in one.

    Example: geo-service scenario compare s1a2b3c4d5e6 other.yaml --format docx -o meeting.docx
    """
    from geo_service.planning.scenario_files import (  # noqa: PLC0415 - heavy, only here
        ComparisonFormat,
        comparison_file,
        printable_comparison,
    )
    from geo_service.planning.scenarios import open_desk  # noqa: PLC0415

    is_binary = format in _BINARY
    if is_binary:
        check_binary(format, output)
    translator = Translator(lang)
    with open_desk(Settings().find_workspace(workspace)) as desk:
        found = desk.compared_by_name(names, has_plan=plan)
    if format is SidesFormat.TABLE:
        told = printable_comparison(found, translator)
        write(told.text(translator, width=table_width(output)), output)
        return
    content = comparison_file(found, ComparisonFormat(format), translator).content
    write(content, output, is_binary=is_binary)


@scenario.command()
def rebase(
    scenario_id: ScenarioId,
    workspace: Workspace = None,
    *,
    ours: Annotated[
        list[str] | None, typer.Option(help="Make this edit all the same; may be repeated.")
    ] = None,
    theirs: Annotated[
        list[str] | None, typer.Option(help="Switch this edit off; may be repeated.")
    ] = None,
    format: Format = ListFormat.TABLE,  # noqa: A002 - the option's name
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Put a scenario on the plan of now; exit 2 while conflicts are open.

    Example: geo-service scenario rebase s1a2b3c4d5e6 --ours e0123456789
    """
    from geo_service.planning.scenario_files import printable_conflicts  # noqa: PLC0415 - heavy
    from geo_service.planning.scenarios import open_desk  # noqa: PLC0415

    translator = Translator(lang)
    choices = {**dict.fromkeys(ours or (), "ours"), **dict.fromkeys(theirs or (), "theirs")}
    with open_desk(Settings().find_workspace(workspace)) as desk:
        record, done = desk.rebase(scenario_id, choices=choices)
        if not done.conflicts:
            _show(desk.document(record, translator), format, lang)
            return
        documents = desk.conflicts(done, translator)
    write_printable(printable_conflicts(documents), format, translator)
    say_text("problem.conflicts", count=len(documents))
    raise typer.Exit(EXIT_WRONG_INPUT)


@scenario.command()
def publish(
    scenario_id: ScenarioId,
    workspace: Workspace = None,
    *,
    edit: Annotated[list[str] | None, typer.Option(help="Only this edit; may be repeated.")] = None,
    plan: Annotated[
        str | None, typer.Option(help="The plan version that it was compared with.")
    ] = None,
    author: Author = "",
    format: Format = ListFormat.TABLE,  # noqa: A002 - the option's name
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Let some or all edits become the plan: all layers touched in one step, or none.

    Exit 2 if the plan has moved on: rebase first.
    Example: geo-service scenario publish s1a2b3c4d5e6 --edit e0123456789
    """
    from geo_service.planning.scenarios import open_desk  # noqa: PLC0415 - heavy, only here

    with open_desk(Settings().find_workspace(workspace)) as desk:
        done = desk.publish(scenario_id, edit_ids=edit, plan_version=plan, author=author)
        say_text(
            "compared.published",
            layers=[f"{one.layer} {one.number}" for one in done.entries],
            id=done.publication_id,
        )
        _show(desk.document(done.record, Translator(lang)), format, lang)


@scenario.command()
def undo(
    scenario_id: ScenarioId,
    workspace: Workspace = None,
    *,
    publication: Annotated[
        str | None, typer.Option(help="Which publication; the last one if left out.")
    ] = None,
    format: Format = ListFormat.TABLE,  # noqa: A002 - the option's name
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Undo a publication: what it changed goes back, and its edits stand in the scenario again.

    Example: geo-service scenario undo s1a2b3c4d5e6
    """
    from geo_service.planning.scenarios import open_desk  # noqa: PLC0415 - heavy, only here

    with open_desk(Settings().find_workspace(workspace)) as desk:
        done = desk.undo(scenario_id, publication_id=publication)
        say_text(
            "compared.published",
            layers=[f"{one.layer} {one.number}" for one in done.entries],
            id=done.publication_id,
        )
        _show(desk.document(done.record, Translator(lang)), format, lang)


@scenario.command("export")
def export_scenario(
    scenario_id: ScenarioId, workspace: Workspace = None, *, output: Output = None
) -> None:
    """Write a scenario as one file that opens on another machine with the same base.

    Example: geo-service scenario export s1a2b3c4d5e6 -o garments.json
    """
    from geo_service.planning.scenarios import open_desk  # noqa: PLC0415 - heavy, only here

    with open_desk(Settings().find_workspace(workspace)) as desk:
        content = desk.export(scenario_id)
    write(content, output)


@scenario.command("import")
def import_scenario(
    file: Annotated[Path, typer.Argument(help="A scenario's file, YAML or JSON.")],
    workspace: Workspace = None,
    *,
    author: Author = "",
    format: Format = ListFormat.TABLE,  # noqa: A002 - the option's name
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Keep a scenario of a file; refused if it begins with other data than there are here.

    Example: geo-service scenario import garments.json
    """
    from geo_service.planning.scenarios import open_desk  # noqa: PLC0415 - heavy, only here

    with open_desk(Settings().find_workspace(workspace)) as desk:
        record = desk.take_in_file(file, author=author)
        _show(desk.document(record, Translator(lang)), format, lang)


@scenario.command()
def schema(output: Output = None) -> None:
    """Print the JSON Schema of a scenario's file, for editors.

    Example: geo-service scenario schema -o scenario.schema.json
    """
    from geo_service.planning.scenarios import scenario_schema  # noqa: PLC0415 - heavy, only here

    write_json(scenario_schema(), output)


def _show(document: dict[str, Any], format: ListFormat, lang: Language) -> None:  # noqa: A002
    from geo_service.planning.scenario_files import printable_scenario  # noqa: PLC0415 - heavy

    write_printable(printable_scenario(document), format, Translator(lang))
