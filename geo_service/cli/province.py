"""`geo-service province ...`: many counties reviewed, rolled up, and searched for a place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geo_service.cli.common import (
    EXIT_FAILED,
    EXIT_WRONG_INPUT,
    AsOf,
    Lang,
    app,
    day_of,
    say,
    say_text,
    show_progress,
)
from geo_service.language import Language, Translator

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    resume: Annotated[
        bool, typer.Option("--resume", help="Only what is missing or has changed.")
    ] = False,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Review every county of a province; a broken one is told and the others finish.

    Example: geo-service province review PROVINCE.toml -o results --resume
    """
    from geo_service.province.review import EngineChoice, review_province  # noqa: PLC0415 - heavy

    translator = Translator(lang)
    with show_progress("province") as progress:
        result = review_province(
            path,
            output,
            runs_at=EngineChoice(scheduler=scheduler, workers=workers),
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
    if result.faults:
        raise typer.Exit(EXIT_WRONG_INPUT)
    if result.is_failed:
        raise typer.Exit(EXIT_FAILED)


def say_faults(faults: Mapping[str, Mapping[str, str]], lang: Language) -> None:
    """Write what is wrong with counties to stderr."""
    for code, told in faults.items():
        say_text("province.faulty", county=code, faults=told[lang])
