"""`geo-service province ...`: many counties reviewed, rolled up, and searched for a place."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geo_service.cli.common import (
    EXIT_FAILED,
    EXIT_NONE_FITS,
    EXIT_WRONG_INPUT,
    AsOf,
    Lang,
    ListFormat,
    Output,
    app,
    check_binary,
    day_of,
    say,
    say_text,
    show_progress,
    table_width,
    write,
)
from geo_service.language import Language, Translator

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from geo_service.province.review import ProvinceReview

province = typer.Typer(
    help="A province: many counties reviewed as tasks on Dask (extra `scale`).",
    no_args_is_help=True,
)
app.add_typer(province, name="province")

ProvincePath = Annotated[Path, typer.Argument(metavar="PROVINCE.toml", help="The province's file.")]
Scheduler = Annotated[
    str | None,
    typer.Option(help="Address of a Dask scheduler; without it processes of this machine."),
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Without a scheduler: how many processes.")
]


Resume = Annotated[bool, typer.Option("--resume", help="Only what is missing or has changed.")]


class ReportFormat(StrEnum):
    """How a roll-up is written."""

    TABLE = "table"
    JSON = "json"
    XLSX = "xlsx"
    GPKG = "gpkg"
    GEOPARQUET = "geoparquet"


_BINARY = {ReportFormat.XLSX, ReportFormat.GPKG, ReportFormat.GEOPARQUET}


@province.command("review")
def review_all(
    path: ProvincePath,
    *,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Folder of the results; default province-review."),
    ] = None,
    scheduler: Scheduler = None,
    workers: Workers = None,
    as_of: AsOf = None,
    resume: Resume = False,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Review every county of a province; a broken one is told and the others finish.

    Example: geo-service province review PROVINCE.toml -o results --resume
    """
    result = _run(path, output, (scheduler, workers), as_of, lang, resume=resume)
    if result.faults:
        raise typer.Exit(EXIT_WRONG_INPUT)
    if result.is_failed:
        raise typer.Exit(EXIT_FAILED)


@province.command("report")
def report(
    path: ProvincePath,
    *,
    results: Annotated[
        Path | None,
        typer.Option("--from", help="Folder of the results; default province-review."),
    ] = None,
    scheduler: Scheduler = None,
    workers: Workers = None,
    as_of: AsOf = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="First review what is missing or has changed.")
    ] = False,
    format: Annotated[ReportFormat, typer.Option(help="Output format.")] = ReportFormat.TABLE,  # noqa: A002
    output: Output = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Roll a province's review up: verdicts, rules, industries, neighbours.

    `gpkg` is one GeoPackage, `geoparquet` an archive (zip) of two GeoParquet files.

    Example: geo-service province report PROVINCE.toml --from results --format xlsx -o province.xlsx
    """
    if format in _BINARY:
        check_binary(format, output)
    from geo_service.province.report import ProvinceReport  # noqa: PLC0415 - heavy

    if resume or scheduler is not None:
        _run(path, results, (scheduler, workers), as_of, lang, resume=True)
    found, translator = ProvinceReport(path, results), Translator(lang)
    say_faults(found.rolled_up.faults, lang)
    if format is ReportFormat.TABLE:
        write(found.text(translator, width=table_width(output)), output)
    elif format is ReportFormat.JSON:
        write(found.json(), output)
    elif format is ReportFormat.XLSX:
        write(found.xlsx(translator), output, is_binary=True)
    else:
        is_gpkg = format is ReportFormat.GPKG
        write(found.gpkg() if is_gpkg else found.geoparquet(), output, is_binary=True)
    if found.rolled_up.faults:
        raise typer.Exit(EXIT_WRONG_INPUT)


@province.command("rank")
def rank_all(
    project: Annotated[Path, typer.Argument(help="The project as YAML or JSON.")],
    path: ProvincePath,
    *,
    per_county: Annotated[
        int, typer.Option(min=1, max=1000, help="So many best sites of each county.")
    ] = 1,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Folder of the answers; default province-ranking."),
    ] = None,
    scheduler: Scheduler = None,
    workers: Workers = None,
    as_of: AsOf = None,
    resume: Resume = False,
    format: Annotated[ListFormat, typer.Option(help="Output format.")] = ListFormat.TABLE,  # noqa: A002
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Find where a project fits in a province: each county's best sites in one list.

    The folder keeps what each county answered, and the list.

    Example: geo-service province rank project.yaml PROVINCE.toml --per-county 3
    """
    from geo_service.province.ranking import rank_province  # noqa: PLC0415 - heavy
    from geo_service.province.review import EngineChoice  # noqa: PLC0415

    translator = Translator(lang)
    with show_progress("province") as progress:
        found = rank_province(
            project,
            path,
            output,
            runs_at=EngineChoice(scheduler=scheduler, workers=workers),
            most=per_county,
            as_of=day_of(as_of),
            is_resumed=resume,
            tell=(progress, lambda message: say(translator.render(message))),
        )
    say_faults(found.faults, lang)
    if format is ListFormat.JSON:
        write(found.json(translator), None)
    else:
        write(found.text(translator, width=table_width(None)), None)
    if found.faults:
        raise typer.Exit(EXIT_WRONG_INPUT)
    if found.scored is None:
        raise typer.Exit(EXIT_NONE_FITS)


def _run(
    path: Path,
    folder: Path | None,
    runs_at: tuple[str | None, int | None],
    as_of: datetime | None,
    lang: Language,
    *,
    resume: bool,
) -> ProvinceReview:
    """Review the counties and say how it ended."""
    from geo_service.province.review import EngineChoice, review_province  # noqa: PLC0415 - heavy

    translator = Translator(lang)
    with show_progress("province") as progress:
        result = review_province(
            path,
            folder,
            runs_at=EngineChoice(scheduler=runs_at[0], workers=runs_at[1]),
            as_of=day_of(as_of),
            is_resumed=resume,
            tell=(progress, lambda message: say(translator.render(message))),
        )
    say_faults(result.faults, lang)
    say_text(
        "province.reviewed",
        whole=len(result.records),
        faulty=len(result.faults),
        folder=str(result.folder),
        **result.verdicts,
    )
    return result


def say_faults(faults: Mapping[str, Mapping[str, str]], lang: Language) -> None:
    """Write what is wrong with counties to stderr."""
    for code, told in faults.items():
        say_text("province.faulty", county=code, faults=told[lang])
