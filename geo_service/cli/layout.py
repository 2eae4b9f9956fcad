"""`geo-service layout` and `place`: the best lawful layout of all parks, and one more project."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geo_service.cli.common import (
    EXIT_NONE_FITS,
    Lang,
    ListFormat,
    Output,
    ScenarioOption,
    Workspace,
    app,
    check_binary,
    say_text,
    show_progress,
    table_width,
    write,
    write_printable,
)
from geo_service.language import Language, Translator
from geo_service.settings import Settings

if TYPE_CHECKING:
    from geo_service.planning.layouts import Proposal


class LayoutOutput(StrEnum):
    """How a layout is written."""

    TABLE = "table"
    JSON = "json"
    XLSX = "xlsx"
    DOCX = "docx"


_BINARY = frozenset({LayoutOutput.XLSX, LayoutOutput.DOCX})
Goals = Annotated[Path, typer.Option("--goals", help="The goals as YAML or JSON.")]
MaxMoves = Annotated[
    int | None, typer.Option(help="At most so many enterprises move.", min=0, max=10_000)
]


@app.command()
def layout(
    workspace: Workspace = None,
    *,
    goals: Goals,
    scenario: ScenarioOption = None,
    max_moves: MaxMoves = None,
    alternatives: Annotated[
        int | None, typer.Option(help="How many other layouts, nearly as good.", min=0, max=10)
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(help="Seconds for the search; then the best found.", min=1, max=3_600),
    ] = None,
    replacements: Annotated[
        bool,
        typer.Option(
            "--replacements", help="Tell what is lost without each decision; solves once for each."
        ),
    ] = False,
    save: Annotated[
        bool, typer.Option("--save", help="Keep the proposal as a scenario of the workspace.")
    ] = False,
    format: Annotated[LayoutOutput, typer.Option(help="Output format.")] = LayoutOutput.TABLE,  # noqa: A002
    output: Output = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Propose what each park leads, where projects go and who moves; with bound and reasons.

    Exit 1 if the goals cannot all be met: the requirements that clash are named.
    Example: geo-service layout layers/yunyang --goals layers/yunyang/layouts/goals.yaml
    """
    from geo_service.planning.layouts import propose_for, read_goals_file  # noqa: PLC0415 - heavy
    from geo_service.planning.once import open_plan_with  # noqa: PLC0415

    asked = read_goals_file(
        goals, max_moves=max_moves, alternatives=alternatives, time_limit_s=time_limit
    )
    workspace_at = Settings().find_workspace(workspace)
    if format in _BINARY:
        check_binary(format, output)
    with show_progress("layout") as progress:
        proposal = propose_for(
            open_plan_with(workspace_at, scenario),
            asked,
            has_replacements=replacements,
            progress=progress,
        )
    translator = Translator(lang, proposal.plan.settings.names_hant)
    content = _content(proposal, format, translator, width=table_width(output))
    write(content, output, is_binary=format in _BINARY)
    if proposal.decision is None:
        raise typer.Exit(EXIT_NONE_FITS)
    if save:
        from geo_service.planning.layouts import save_workspace_layout  # noqa: PLC0415 - heavy

        scenario_id = save_workspace_layout(workspace_at, proposal, translator, base=scenario)
        say_text("cli.layout_saved", scenario=scenario_id)


def _content(
    proposal: Proposal,
    format: LayoutOutput,  # noqa: A002 - the option's name
    translator: Translator,
    *,
    width: int | None,
) -> bytes:
    from geo_service.planning.layouts import (  # noqa: PLC0415 - heavy
        LayoutFormat,
        export_layout,
        layout_text,
    )

    if format is LayoutOutput.TABLE:
        return layout_text(proposal, translator, width=width)
    return export_layout(proposal, LayoutFormat(format), translator)


@app.command()
def place(
    project: Annotated[Path, typer.Argument(help="The project as YAML or JSON.")],
    workspace: Workspace = None,
    *,
    goals: Annotated[Path | None, typer.Option("--goals", help="Goals whose terms count.")] = None,
    scenario: ScenarioOption = None,
    top: Annotated[int | None, typer.Option(help="Only this many best places.", min=1)] = 10,
    format: Annotated[ListFormat, typer.Option(help="Output format.")] = ListFormat.TABLE,  # noqa: A002
    output: Output = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Find the best places for one more project; nothing else is moved. Exit 1 if none fits.

    Example: geo-service place project.yaml layers/yunyang
    """
    from geo_service.planning.layouts import offers_for, printable_offers  # noqa: PLC0415 - heavy
    from geo_service.planning.once import open_plan_with  # noqa: PLC0415

    plan = open_plan_with(Settings().find_workspace(workspace), scenario)
    offers = offers_for(plan, project, goals)
    translator = Translator(lang, plan.settings.names_hant)
    write_printable(printable_offers(offers, translator, top=top), format, translator, output)
    if not offers.offers:
        raise typer.Exit(EXIT_NONE_FITS)
