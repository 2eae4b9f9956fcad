"""`geo-service saved list|drop|pin|unpin|retain`: reviews, rankings and imports that are kept."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

import typer

from geo_service.cli.common import (
    Lang,
    ListFormat,
    Workspace,
    app,
    say_text,
    write_printable,
)
from geo_service.errors import InvalidQueryError
from geo_service.language import Language, Translator
from geo_service.settings import Settings
from geo_service.wording import said

saved = typer.Typer(help="Reviews, rankings and imports that are kept.", no_args_is_help=True)
app.add_typer(saved, name="saved")

_SIZE = re.compile(r"(\d{1,15})(k|M|G|T)?B?")
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


class ResultKind(StrEnum):
    """Kinds of saved results."""

    REVIEW = "review"
    RANKING = "ranking"
    IMPORT = "import"


KindOption = Annotated[ResultKind | None, typer.Option(help="Only this kind.")]
Identity = Annotated[str, typer.Argument(help="The id, as `saved list` shows it.")]
Format = Annotated[ListFormat, typer.Option("--format", help="Output format.")]


@saved.command("list")
def list_saved(
    workspace: Workspace = None,
    *,
    kind: KindOption = None,
    format: Format = ListFormat.TABLE,  # noqa: A002 - the option's name
    lang: Lang = Language.ZH_HANS,
) -> None:
    """List saved results, newest first, with their bytes.

    Example: geo-service saved list --kind review
    """
    from geo_service.planning.saved import (  # noqa: PLC0415 - heavy, only here
        holding,
        open_workspace,
        printable_holding,
    )

    with open_workspace(Settings().find_workspace(workspace)) as opened:
        found = holding(opened, kind=kind)
    write_printable(printable_holding(found), format, Translator(lang))
    say_text("kept.total", count=len(found.items), bytes=found.size)
    if found.is_nearly_full:
        say_text("kept.nearly_full", most=found.limits.bytes)


@saved.command("drop")
def drop_saved(identity: Identity, workspace: Workspace = None) -> None:
    """Drop the saved result with an id, unless it is pinned.

    Example: geo-service saved drop r-0123456789ab
    """
    from geo_service.planning.saved import (  # noqa: PLC0415 - heavy, only here
        drop_result,
        find_result,
        open_workspace,
    )

    with open_workspace(Settings().find_workspace(workspace)) as opened:
        found = find_result(opened, identity)
        drop_result(opened, found.kind, identity)
    say_text("kept.gone", count=1, bytes=found.size)


@saved.command("pin")
def pin_saved(identity: Identity, workspace: Workspace = None) -> None:
    """Pin a review or ranking, so that limits do not drop it.

    Example: geo-service saved pin r-0123456789ab
    """
    _pin(identity, workspace, is_pinned=True)
    say_text("kept.is_pinned_now", name=identity)


@saved.command("unpin")
def unpin_saved(identity: Identity, workspace: Workspace = None) -> None:
    """Unpin a review or ranking, so that limits can drop it.

    Example: geo-service saved unpin r-0123456789ab
    """
    _pin(identity, workspace, is_pinned=False)
    say_text("kept.is_free_now", name=identity)


def _pin(identity: str, workspace: Workspace, *, is_pinned: bool) -> None:
    from geo_service.planning.saved import open_workspace, pin_result  # noqa: PLC0415 - heavy

    with open_workspace(Settings().find_workspace(workspace)) as opened:
        pin_result(opened, identity, is_pinned=is_pinned)


@saved.command("retain")
def retain_saved(
    workspace: Workspace = None,
    *,
    days: Annotated[
        float | None, typer.Option(min=0, max=36_500, help="Drop results older than this.")
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(help="Then drop the oldest until at most this is left: 500M, 2G, bytes."),
    ] = None,
    kind: KindOption = None,
    format: Format = ListFormat.TABLE,  # noqa: A002 - the option's name
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Drop old results, or those over a size; the newest two reviews and pinned results stay.

    Example: geo-service saved retain --days 365 --size 2G
    """
    from geo_service.planning.saved import (  # noqa: PLC0415 - heavy, only here
        RetentionLimits,
        open_workspace,
        printable_drop,
        retain_results,
    )

    if days is None and size is None:
        name = "days"
        raise InvalidQueryError(name, said("problem.retain_what"))
    limits = RetentionLimits(days, None if size is None else _bytes(size))
    with open_workspace(Settings().find_workspace(workspace)) as opened:
        gone = retain_results(opened, limits, kind=kind)
    if gone or format is ListFormat.JSON:
        write_printable(printable_drop(gone), format, Translator(lang))
    say_text("kept.gone", count=len(gone), bytes=sum(item.size for item in gone))


def _bytes(text: str) -> int:
    """Return a size such as 500M or 2G in bytes; InvalidQueryError for anything else."""
    found = _SIZE.fullmatch(text)
    if found is None:
        name = "size"
        raise InvalidQueryError(name, said("problem.size", found=repr(text[:40])))
    return int(found[1]) * _UNITS[found[2] or ""]
