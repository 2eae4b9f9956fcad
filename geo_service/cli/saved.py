"""`geo-service saved list|drop|pin|unpin|retain`: reviews, rankings and imports that are kept."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from geo_service.cli.common import (
    Lang,
    ListFormat,
    Workspace,
    app,
    say_text,
    table_width,
    write,
)
from geo_service.errors import InvalidQueryError
from geo_service.language import Language, Translator
from geo_service.settings import Settings
from geo_service.wording import said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geo_service.stores.base import Outline

saved = typer.Typer(help="Reviews, rankings and imports that are kept.", no_args_is_help=True)
app.add_typer(saved, name="saved")

_SIZE = re.compile(r"(\d{1,15})(k|M|G|T)?B?")
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


class Kind(StrEnum):
    """What can be kept."""

    REVIEW = "review"
    RANKING = "ranking"
    IMPORT = "import"


KindOption = Annotated[Kind | None, typer.Option(help="Only this kind.")]
Identity = Annotated[str, typer.Argument(help="The id, as `saved list` shows it.")]
Format = Annotated[ListFormat, typer.Option("--format", help="How to write it.")]


@saved.command("list")
def list_saved(
    workspace: Workspace = None,
    *,
    kind: KindOption = None,
    format: Format = ListFormat.TABLE,  # noqa: A002 - the option's name
    lang: Lang = Language.ZH_HANS,
) -> None:
    """List what is kept, newest first, with its bytes.

    Example: geo-service saved list --kind review
    """
    from geo_service.planning.retention import holding  # noqa: PLC0415 - heavy, only here
    from geo_service.reports.document import dump  # noqa: PLC0415
    from geo_service.reports.layer import holding_document, holding_table  # noqa: PLC0415
    from geo_service.workspace.opening import open_workspace  # noqa: PLC0415

    with open_workspace(Settings().find_workspace(workspace)) as opened:
        found = holding(opened, kind=kind)
    if format is ListFormat.JSON:
        write(dump(holding_document(found), indent=True), None)
    else:
        write(holding_table(found.items, Translator(lang), width=table_width()).encode(), None)
    say_text("kept.total", count=len(found.items), bytes=found.size)
    if found.is_nearly_full:
        say_text("kept.nearly_full", most=found.limits.bytes)


@saved.command("drop")
def drop_saved(identity: Identity, workspace: Workspace = None) -> None:
    """Drop what is kept under an id; one that is pinned stays.

    Example: geo-service saved drop r-0123456789ab
    """
    from geo_service.planning.retention import drop_kept, find_kept  # noqa: PLC0415 - heavy
    from geo_service.workspace.opening import open_workspace  # noqa: PLC0415

    with open_workspace(Settings().find_workspace(workspace)) as opened:
        found = find_kept(opened, identity)
        drop_kept(opened, found.kind, identity)
    say_text("kept.gone", count=1, bytes=found.size)


@saved.command("pin")
def pin_saved(identity: Identity, workspace: Workspace = None) -> None:
    """Keep a review or ranking whatever the limits say.

    Example: geo-service saved pin r-0123456789ab
    """
    _pin(identity, workspace, is_pinned=True)
    say_text("kept.is_pinned_now", name=identity)


@saved.command("unpin")
def unpin_saved(identity: Identity, workspace: Workspace = None) -> None:
    """Let a review or ranking go when the limits say so.

    Example: geo-service saved unpin r-0123456789ab
    """
    _pin(identity, workspace, is_pinned=False)
    say_text("kept.is_free_now", name=identity)


def _pin(identity: str, workspace: Workspace, *, is_pinned: bool) -> None:
    from geo_service.planning.retention import pin_kept  # noqa: PLC0415 - heavy, only here
    from geo_service.workspace.opening import open_workspace  # noqa: PLC0415

    with open_workspace(Settings().find_workspace(workspace)) as opened:
        pin_kept(opened, identity, is_pinned=is_pinned)


@saved.command("retain")
def retain_saved(
    workspace: Workspace = None,
    *,
    days: Annotated[
        float | None, typer.Option(min=0, max=36_500, help="What is older than this goes.")
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(help="Then the oldest, until the rest is at most this: 500M, 2G, bytes."),
    ] = None,
    kind: KindOption = None,
    format: Format = ListFormat.TABLE,  # noqa: A002 - the option's name
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Drop what is old or too much; the newest two reviews and what is pinned stay.

    Example: geo-service saved retain --days 365 --size 2G
    """
    from geo_service.planning.retention import retain_kept  # noqa: PLC0415 - heavy, only here
    from geo_service.stores.base import KeepLimits  # noqa: PLC0415
    from geo_service.workspace.opening import open_workspace  # noqa: PLC0415

    if days is None and size is None:
        name = "days"
        raise InvalidQueryError(name, said("problem.retain_what"))
    limits = KeepLimits(days, None if size is None else _bytes(size))
    with open_workspace(Settings().find_workspace(workspace)) as opened:
        gone = retain_kept(opened, limits, kind=kind)
    _write(gone, format, lang)
    say_text("kept.gone", count=len(gone), bytes=sum(item.size for item in gone))


def _write(items: Sequence[Outline], form: ListFormat, lang: Language) -> None:
    from geo_service.reports.document import dump  # noqa: PLC0415
    from geo_service.reports.layer import holding_table, outline_document  # noqa: PLC0415

    if form is ListFormat.JSON:
        document = {"dropped": [outline_document(item) for item in items]}
        write(dump(document, indent=True), None)
    elif items:
        write(holding_table(items, Translator(lang), width=table_width()).encode(), None)


def _bytes(text: str) -> int:
    """Return a size such as 500M or 2G in bytes; InvalidQueryError for anything else."""
    found = _SIZE.fullmatch(text)
    if found is None:
        name = "size"
        raise InvalidQueryError(name, said("problem.size", found=repr(text[:40])))
    return int(found[1]) * _UNITS[found[2] or ""]
