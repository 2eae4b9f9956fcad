"""`geo-service review` and `compare`: the verdicts, and how they differ from a saved review."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geo_service.cli.common import (
    EXIT_FAILED,
    Lang,
    ListFormat,
    Output,
    Workspace,
    app,
    show_progress,
    table_width,
    write,
)
from geo_service.language import Language, Translator
from geo_service.settings import Settings

if TYPE_CHECKING:
    from geo_service.zoning.review import Review


class ReviewFormat(StrEnum):
    """How a review is written."""

    TABLE = "table"
    JSON = "json"
    GEOJSON = "geojson"


@app.command()
def review(
    workspace: Workspace = None,
    *,
    rulebook: Annotated[
        Path | None, typer.Option(help="Rulebook in place of the workspace's own.")
    ] = None,
    park: Annotated[list[str] | None, typer.Option(help="Only this park; may be repeated.")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 on watch or unknown too.")
    ] = False,
    format: Annotated[ReviewFormat, typer.Option(help="How to write it.")] = ReviewFormat.TABLE,  # noqa: A002
    output: Output = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Review every park against the rulebook and print the verdicts.

    Example: geo-service review layers/yunyang --format json -o review.json
    """
    from geo_service.planning import review_workspace  # noqa: PLC0415 - heavy, only here

    with show_progress("review") as progress:
        result = review_workspace(
            Settings().find_workspace(workspace),
            rulebook=rulebook,
            parks=park or None,
            progress=progress,
        )
    translator = Translator(lang, result.plan.settings.names_hant)
    write(_RENDERERS[format](result, translator, output), output)
    bad = {"fail", "watch", "unknown"} if strict else {"fail"}
    if any(result.verdicts[verdict] for verdict in bad):
        raise typer.Exit(EXIT_FAILED)


def _review_json(result: Review, translator: Translator, _: Path | None) -> bytes:
    from geo_service.reports.document import dump, review_document  # noqa: PLC0415

    return dump(review_document(result, translator), indent=True)


def _review_geojson(result: Review, translator: Translator, _: Path | None) -> bytes:
    from geo_service.reports.document import (  # noqa: PLC0415
        collection,
        dump,
        finding_features,
        park_features,
        review_summary,
    )

    features = [*park_features(result, translator), *finding_features(result, translator)]
    summary = review_summary(result, translator)
    return dump(collection(features, len(features), review=summary))


def _review_table(result: Review, translator: Translator, output: Path | None) -> bytes:
    from geo_service.reports.terminal import verdict_table  # noqa: PLC0415

    return verdict_table(result, translator, width=table_width(output)).encode()


_RENDERERS = {
    ReviewFormat.TABLE: _review_table,
    ReviewFormat.JSON: _review_json,
    ReviewFormat.GEOJSON: _review_geojson,
}


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="The earlier review, saved with --format json.")],
    after: Annotated[Path, typer.Argument(help="The later review, saved with --format json.")],
    *,
    format: Annotated[ListFormat, typer.Option(help="How to write it.")] = ListFormat.TABLE,  # noqa: A002
    output: Output = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Compare two saved reviews: findings new, cured, persisting, changed.

    Example: geo-service compare march.json june.json
    """
    from geo_service.planning import compare_files  # noqa: PLC0415 - heavy, only here
    from geo_service.reports.document import comparison_document, dump  # noqa: PLC0415
    from geo_service.reports.terminal import comparison_table  # noqa: PLC0415

    result = compare_files(before, after)
    if format is ListFormat.JSON:
        write(dump(comparison_document(result), indent=True), output)
    else:
        table = comparison_table(result, Translator(lang), width=table_width(output))
        write(table.encode(), output)
