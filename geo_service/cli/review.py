"""`geo-service review`, `rules` and `compare`: verdicts, what they rest on, and how they change."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from geo_service.cli.common import (
    EXIT_FAILED,
    AsOf,
    Lang,
    ListFormat,
    Output,
    ScenarioOption,
    Workspace,
    app,
    check_binary,
    day_of,
    saving_members,
    show_progress,
    table_width,
    try_to_save,
    write,
    write_printable,
)
from geo_service.errors import InvalidQueryError
from geo_service.language import Language, Translator
from geo_service.settings import Settings
from geo_service.wording import said

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from geo_service.planning.reviews import Review


class ReviewFormat(StrEnum):
    """How a review is written: as a table, or in one of the formats of `planning.reviews`."""

    TABLE = "table"
    JSON = "json"
    GEOJSON = "geojson"
    XLSX = "xlsx"
    DOCX = "docx"
    GPKG = "gpkg"


class CompareFormat(StrEnum):
    """How a comparison of two reviews is written."""

    TABLE = "table"
    JSON = "json"
    XLSX = "xlsx"


_BINARY = frozenset({ReviewFormat.XLSX, ReviewFormat.DOCX, ReviewFormat.GPKG})


@app.command()
def review(
    workspace: Workspace = None,
    *,
    rulebook: Annotated[
        Path | None, typer.Option(help="Rulebook to use instead of the workspace's own.")
    ] = None,
    park: Annotated[list[str] | None, typer.Option(help="Only this park; may be repeated.")] = None,
    as_of: AsOf = None,
    scenario: ScenarioOption = None,
    save: Annotated[
        bool, typer.Option("--save", help="Save the review in the workspace's store.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Also exit with 1 on watch or unknown.")
    ] = False,
    format: Annotated[ReviewFormat, typer.Option(help="Output format.")] = ReviewFormat.TABLE,  # noqa: A002
    no_geometry: Annotated[
        bool, typer.Option("--no-geometry", help="JSON: leave out the geometry of findings.")
    ] = False,
    parks_only: Annotated[
        bool, typer.Option("--parks-only", help="JSON: leave out the findings.")
    ] = False,
    output: Output = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Review every park against the rulebook and print the verdicts.

    Example: geo-service review layers/yunyang --format xlsx -o review.xlsx
    """
    if (no_geometry or parks_only) and format is not ReviewFormat.JSON:
        name, reason = "format", said("cli.json_only")
        raise InvalidQueryError(name, reason)
    is_binary = format in _BINARY
    if is_binary:
        check_binary(format, output)
    workspace_at = Settings().find_workspace(workspace)
    from geo_service.planning import review_workspace  # noqa: PLC0415 - heavy, only here

    with show_progress("review") as progress:
        result = review_workspace(
            workspace_at,
            rulebook=rulebook,
            parks=park or None,
            as_of=day_of(as_of),
            scenario=scenario,
            progress=progress,
        )
    failure = None
    is_trial = any((rulebook, park, as_of, scenario))
    if save:
        from geo_service.planning.reviews import save_workspace_review  # noqa: PLC0415 - heavy

        failure = try_to_save(
            lambda: save_workspace_review(workspace_at, result, is_trial=is_trial)
        )
    translator = Translator(lang, result.plan.settings.names_hant)
    saving = saving_members(translator, is_asked=save, failure=failure)
    if format is not ReviewFormat.TABLE:
        from geo_service.planning.acts import act_of  # noqa: PLC0415 - heavy, only here

        saving["act"] = act_of(workspace_at, result, translator)
    from geo_service.planning.reviews import review_pieces  # noqa: PLC0415 - heavy

    content = (
        review_pieces(
            result,
            translator,
            saving,
            has_geometry=not no_geometry,
            has_findings=not parks_only,
            is_alone=True,
        )
        if format is ReviewFormat.JSON
        else _content(result, format, translator, output, {**saving, "is_trial": is_trial})
    )
    write(content, output, is_binary=is_binary)
    if failure is not None:
        raise failure
    bad = {"fail", "watch", "unknown"} if strict else {"fail"}
    if any(result.verdicts[verdict] for verdict in bad):
        raise typer.Exit(EXIT_FAILED)


def _content(
    result: Review,
    format: ReviewFormat,  # noqa: A002 - the option's name
    translator: Translator,
    output: Path | None,
    saving: Mapping[str, Any],
) -> bytes | Iterator[bytes]:
    from geo_service.planning.reviews import (  # noqa: PLC0415 - heavy, only here
        ExportFormat,
        export_pieces,
        review_table,
    )

    if format is ReviewFormat.TABLE:
        return review_table(result, translator, width=table_width(output))
    return export_pieces(result, ExportFormat(format), translator, saving)


@app.command()
def rules(
    workspace: Workspace = None,
    *,
    rulebook: Annotated[
        Path | None, typer.Option(help="Rulebook to use instead of the workspace's own.")
    ] = None,
    as_of: AsOf = None,
    stale: Annotated[
        int | None,
        typer.Option(min=0, max=1200, help="Only what nobody has looked at for so many months."),
    ] = None,
    format: Annotated[ListFormat, typer.Option(help="Output format.")] = ListFormat.TABLE,  # noqa: A002
    output: Output = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """List the rules with what they rest on: documents, when they are in force, who read them.

    Example: geo-service rules layers/yunyang --stale 6
    """
    from geo_service.planning.rules import printable_rules  # noqa: PLC0415 - heavy, only here

    workspace_at = Settings().find_workspace(workspace)
    printable, translator = printable_rules(
        workspace_at, lang, rulebook=rulebook, as_of=day_of(as_of), stale_months=stale
    )
    write_printable(printable, format, translator, output)


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="The earlier review, saved with --format json.")],
    after: Annotated[Path, typer.Argument(help="The later review, saved with --format json.")],
    *,
    format: Annotated[CompareFormat, typer.Option(help="Output format.")] = CompareFormat.TABLE,  # noqa: A002
    output: Output = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Compare two saved reviews: what became of each finding, by rule and subject.

    Example: geo-service compare march.json june.json
    """
    if format is CompareFormat.XLSX:
        check_binary(format, output)
    from geo_service.planning import compare_files  # noqa: PLC0415 - heavy, only here

    compared, translator = compare_files(before, after), Translator(lang)
    if format is CompareFormat.XLSX:
        from geo_service.planning.review_files import export_comparison  # noqa: PLC0415 - heavy

        write(export_comparison(compared, translator), output, is_binary=True)
        return
    from geo_service.planning.reviews import printable_comparison  # noqa: PLC0415

    write_printable(printable_comparison(compared), ListFormat(format), translator, output)
