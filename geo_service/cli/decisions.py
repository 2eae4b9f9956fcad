"""What each command changes: one line a command, and what changes something is recorded.

A command without a line fails a test (`tests/test_cli_recorded.py`), as a route does. What is
recorded goes into the audit once there are accounts, as of requests: the command, what it was
asked about, how it ended, and the user of the system as `cli:NAME`. Leaves out notes and files.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import typer

from geo_service.cli.common import say_error, say_text
from geo_service.errors import GeoServiceError
from geo_service.settings import Settings

if TYPE_CHECKING:
    from typer.models import CommandInfo


class Changes(Enum):
    """What a command changes in a workspace."""

    NOTHING = "nothing"
    """It looks, or writes a file or folder that the call names."""
    WORKSPACE = "workspace"
    """It always changes something."""
    IF_SAVED = "if saved"
    """Only with `--save`."""
    UNLESS_DRY = "unless dry"
    """Always but with `--dry-run`."""
    TOLD_ITSELF = "told itself"
    """It records more than the call says: which account or token it has made."""


_NAMES: Mapping[Changes, tuple[str, ...]] = {
    Changes.NOTHING: (
        *("template", "layers", "history", "diff", "export", "unpack", "rules", "compare", "map"),
        *("place", "province review", "province report", "province rank", "settings", "doctor"),
        *("saved list", "scenario list", "scenario show", "scenario review", "scenario compare"),
        *("scenario export", "scenario schema", "serve", "verify", "backup", "restore"),
        *("account list", "token list", "audit show", "audit verify", "audit export"),
    ),
    Changes.WORKSPACE: (
        *("rollback", "retain", "move-store"),
        *("saved drop", "saved pin", "saved unpin", "saved retain"),
        *("scenario new", "scenario add", "scenario drop", "scenario rebase"),
        *("scenario publish", "scenario undo", "scenario import"),
    ),
    Changes.IF_SAVED: ("review", "rank", "layout"),
    Changes.UNLESS_DRY: ("import",),
    Changes.TOLD_ITSELF: (
        *("account add", "account disable", "account password"),
        *("token create", "token revoke"),
    ),
}
COMMANDS: Mapping[str, Changes] = MappingProxyType(
    {name: changes for changes, names in _NAMES.items() for name in names}
)
"""By the words that call it."""
_TOLD = (
    *("identity", "scenario_id", "layer", "version", "publication", "edit", "scenario"),
    *("count", "days", "size", "kind"),
)
"""Parameters that a line names; files, notes, names and authors are not among them."""


def record_changes(app: typer.Typer) -> None:
    """Let every command of an app be recorded that its line says so of."""
    for name, command in commands_of(app):
        watched = _WATCHED.get(COMMANDS.get(name, Changes.NOTHING))
        if command.callback is not None and watched is not None:
            command.callback = _recorded(name, watched, command.callback)


def commands_of(app: typer.Typer) -> Iterator[tuple[str, CommandInfo]]:
    """Yield every command with the words that call it."""
    for command in app.registered_commands:
        yield str(command.name or getattr(command.callback, "__name__", "")), command
    for group in app.registered_groups:
        if group.typer_instance is not None:
            for name, command in commands_of(group.typer_instance):
                yield f"{group.name} {name}", command


_WATCHED: Mapping[Changes, Callable[[Mapping[str, Any]], bool]] = {
    Changes.WORKSPACE: lambda _: True,
    Changes.IF_SAVED: lambda given: bool(given["save"]),
    Changes.UNLESS_DRY: lambda given: not given["dry_run"],
}
"""Whether a call changes something, by what it was given."""


def _recorded(
    name: str, changes: Callable[[Mapping[str, Any]], bool], command: Callable[..., Any]
) -> Callable[..., Any]:
    """Return a command that is recorded once it has ended, however it did."""

    @functools.wraps(command)
    def run(**given: Any) -> Any:  # noqa: ANN401 - as the command
        if not changes(given):
            return command(**given)
        outcome = "failed"
        try:
            result = command(**given)
            outcome = "done"
        except typer.Exit as end:
            outcome = f"exit {end.exit_code}"
            raise
        except GeoServiceError:
            outcome = "refused"
            raise
        finally:
            _record(name, given, outcome)
        return result

    return run


def _record(name: str, given: Mapping[str, Any], outcome: str) -> None:
    """Add a line; if it cannot be written, say so: the command itself has ended already."""
    from geo_service.planning.auditing import record_command  # noqa: PLC0415 - heavy, only here

    told = " ".join(f"{key}={_text(given[key])}" for key in _TOLD if given.get(key) is not None)
    try:
        workspace: Path | None = given["workspace"]
        record_command(Settings().find_workspace(workspace), name, subject=told, outcome=outcome)
    except GeoServiceError as error:
        say_text("audit.not_written")
        say_error(error)


def _text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
