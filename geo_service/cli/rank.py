"""`geo-service rank`: where a project fits."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geo_service.cli.common import (
    EXIT_NONE_FITS,
    Lang,
    Output,
    Workspace,
    app,
    saving_members,
    show_progress,
    table_width,
    try_to_save,
    write,
)
from geo_service.errors import InvalidQueryError
from geo_service.language import Language, Translator
from geo_service.reports.plain_text import one_line
from geo_service.settings import Settings

if TYPE_CHECKING:
    from geo_service.reports.document import Document


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
            help="Only the best so many; a table shows the best of each park when left out.", min=1
        ),
    ] = None,
    explain: Annotated[
        str | None,
        typer.Option(
            help="Say instead why one candidate, by its id, stands where it does (table or json)."
        ),
    ] = None,
    save: Annotated[
        bool, typer.Option("--save", help="Keep the ranking in the workspace's store.")
    ] = False,
    format: Annotated[RankFormat, typer.Option(help="How to write it.")] = RankFormat.TABLE,  # noqa: A002
    output: Output = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Find where a project fits: exclude, measure, score, and say how sure that is.

    Example: geo-service rank project.yaml layers/yunyang --top 3

    Why one stands there: geo-service rank project.yaml --explain parcel:YY-P-01
    """
    from geo_service.planning.once import rank_workspace  # noqa: PLC0415 - heavy, only here
    from geo_service.reports import ranking as documents  # noqa: PLC0415
    from geo_service.reports.document import collection, dump  # noqa: PLC0415
    from geo_service.suitability.project import open_project  # noqa: PLC0415

    if explain is not None and format in {RankFormat.GEOJSON, RankFormat.XLSX}:
        name, reason = "explain", f"An explanation is text or json, not {format}."
        raise InvalidQueryError(name, reason)
    asked = open_project(project)
    place = Settings().find_workspace(workspace)
    with show_progress("rank") as progress:
        result = rank_workspace(place, asked, progress=progress)
    failure = None
    if save:
        from geo_service.planning.saved_rankings import save_workspace_ranking  # noqa: PLC0415

        failure = try_to_save(lambda: save_workspace_ranking(place, result))
    translator = Translator(lang, result.plan.settings.names_hant)
    more = saving_members(translator, is_asked=save, failure=failure)
    if explain is not None:
        told = documents.explanation_document(result, explain, translator)
        is_json = format is RankFormat.JSON
        write(dump(told, indent=True) if is_json else _sentences(told).encode(), output)
        if failure is not None:
            raise failure
        return
    if format is RankFormat.JSON:
        document = documents.ranking_document(result, translator, top=top)
        content = dump({**document, **more}, indent=True)
    elif format is RankFormat.GEOJSON:
        features = documents.ranking_features(result, translator)
        summary = {**documents.ranking_summary(result, translator), **more}
        content = dump(collection(features, len(features), ranking=summary))
    elif format is RankFormat.XLSX:
        from geo_service.cli.common import check_binary  # noqa: PLC0415
        from geo_service.reports.ranking_xlsx import ranking_xlsx  # noqa: PLC0415

        check_binary(format, output)
        document = documents.ranking_document(result, translator, top=top)
        content = ranking_xlsx(document, translator)
    else:
        from geo_service.reports.terminal import ranking_table  # noqa: PLC0415

        document = documents.ranking_document(result, translator)
        width = table_width(output)
        content = ranking_table(document, translator, top=top, width=width).encode()
    write(content, output, is_binary=format is RankFormat.XLSX)
    if failure is not None:
        raise failure
    if not len(result.sites):
        raise typer.Exit(EXIT_NONE_FITS)


def _sentences(told: Document) -> str:
    """Return an explanation as lines: the candidate, the summary, a sentence a criterion."""
    lines = [told["label"], *told["summary"], *(item["text"] for item in told["sentences"])]
    return "\n".join(one_line(str(line), most=2_000) for line in lines)
