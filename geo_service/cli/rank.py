"""`geo-service rank`: where a project fits."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from geo_service.cli.common import (
    EXIT_NONE_FITS,
    Lang,
    Output,
    ScenarioOption,
    Workspace,
    app,
    check_binary,
    saving_members,
    show_progress,
    table_width,
    try_to_save,
    write,
)
from geo_service.errors import InvalidQueryError
from geo_service.language import Language, Translator
from geo_service.settings import Settings
from geo_service.wording import said

if TYPE_CHECKING:
    from collections.abc import Mapping

    from geo_service.planning.rankings import Ranking


class RankFormat(StrEnum):
    """How a ranking is written."""

    TABLE = "table"
    JSON = "json"
    GEOJSON = "geojson"
    XLSX = "xlsx"


@app.command()
def rank(
    project: Annotated[Path, typer.Argument(help="The project as YAML or JSON.")],
    workspace: Workspace = None,
    *,
    top: Annotated[
        int | None,
        typer.Option(
            help="Only this many best candidates; without it a table shows the best of each park.",
            min=1,
        ),
    ] = None,
    explain: Annotated[
        str | None,
        typer.Option(help="Instead explain one candidate's rank, given its id (table or json)."),
    ] = None,
    scenario: ScenarioOption = None,
    save: Annotated[
        bool, typer.Option("--save", help="Save the ranking in the workspace's store.")
    ] = False,
    format: Annotated[RankFormat, typer.Option(help="Output format.")] = RankFormat.TABLE,  # noqa: A002
    output: Output = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Find where a project fits: exclude, measure, score, and state how certain the order is.

    Example: geo-service rank project.yaml layers/yunyang --top 3

    Why a candidate has its rank: geo-service rank project.yaml --explain parcel:YY-P-01
    """
    from geo_service.planning import rank_workspace  # noqa: PLC0415 - heavy, only here
    from geo_service.planning.rankings import open_project, save_workspace_ranking  # noqa: PLC0415

    if explain is not None and format in {RankFormat.GEOJSON, RankFormat.XLSX}:
        name, reason = "explain", said("cli.explain_format", format=format.value)
        raise InvalidQueryError(name, reason)
    asked = open_project(project)
    workspace_at = Settings().find_workspace(workspace)
    with show_progress("rank") as progress:
        result = rank_workspace(workspace_at, asked, scenario=scenario, progress=progress)
    failure = try_to_save(lambda: save_workspace_ranking(workspace_at, result)) if save else None
    translator = Translator(lang, result.plan.settings.names_hant)
    is_binary = format is RankFormat.XLSX
    if is_binary:
        check_binary(format, output)
    if explain is not None:
        content = _explanation(result, explain, format, translator)
    else:
        more = saving_members(translator, is_asked=save, failure=failure)
        width = table_width(output)
        content = _content(result, format, translator, more=more, top=top, width=width)
    write(content, output, is_binary=is_binary)
    if failure is not None:
        raise failure
    if explain is None and not len(result.sites):
        raise typer.Exit(EXIT_NONE_FITS)


def _explanation(
    result: Ranking,
    candidate_id: str,
    format: RankFormat,  # noqa: A002 - the option's name
    translator: Translator,
) -> bytes:
    from geo_service.planning.rankings import printable_explanation  # noqa: PLC0415 - heavy

    told = printable_explanation(result, candidate_id, translator)
    return told.json() if format is RankFormat.JSON else told.text(translator, width=None)


def _content(
    result: Ranking,
    format: RankFormat,  # noqa: A002 - the option's name
    translator: Translator,
    *,
    more: Mapping[str, Any],
    top: int | None,
    width: int | None,
) -> bytes:
    from geo_service.planning.rankings import (  # noqa: PLC0415 - heavy
        RankingFormat,
        export_ranking,
        ranking_text,
    )

    if format is RankFormat.TABLE:
        return ranking_text(result, translator, top=top, width=width)
    return export_ranking(result, RankingFormat(format), translator, more=more, top=top)
