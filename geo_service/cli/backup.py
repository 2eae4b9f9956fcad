"""`geo-service backup` and `restore`: a workspace as one checked file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geo_service.cli.common import Lang, Workspace, app, say_text
from geo_service.language import Language
from geo_service.settings import Settings

if TYPE_CHECKING:
    from geo_service.planning.backup import Backup


@app.command("backup")
def make_backup(
    target: Annotated[Path, typer.Argument(help="A folder, or a file that ends with .tar.")],
    workspace: Workspace = None,
    *,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Write all of a workspace and its store to one file, while it is served and published in.

    Example: geo-service backup /backups layers/yunyang
    """
    from geo_service.planning.backup import back_up  # noqa: PLC0415 - heavy, only here

    del lang
    _say(back_up(Settings().find_workspace(workspace), target), "backup.made")


@app.command("restore")
def restore_backup(
    file: Annotated[Path, typer.Argument(help="The backup.")],
    folder: Annotated[Path, typer.Argument(help="A new or empty folder for the workspace.")],
    *,
    store: Annotated[
        str | None,
        typer.Option(help="Address of an empty shared store for it; else it goes into the folder."),
    ] = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Make a workspace of a backup again, and check every file, version, result and audit line.

    Example: geo-service restore /backups/yunyang-20261130T020000Z.tar /srv/yunyang
    """
    from geo_service.planning.backup import restore  # noqa: PLC0415 - heavy, only here

    del lang
    _say(restore(file, folder, store=store), "backup.restored")


def _say(made: Backup, key: str) -> None:
    holdings = made.holdings
    say_text(
        key,
        path=made.path,
        files=made.files,
        size=made.size,
        digest=made.digest,
        versions=holdings.versions,
        results=holdings.results,
        accounts=holdings.accounts,
        head=str(holdings.audit_head or "—"),
    )
