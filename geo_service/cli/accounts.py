"""`geo-service account`, `token` and `audit`: who may sign in, and what was done."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from geo_service.cli.common import (
    Lang,
    ListFormat,
    Output,
    Workspace,
    app,
    say,
    say_text,
    write,
    write_printable,
)
from geo_service.errors import Choice, ChoiceNeededError, InvalidQueryError
from geo_service.language import Language, Translator
from geo_service.settings import Settings
from geo_service.wording import said

account = typer.Typer(help="Accounts: who may sign in, and what for.", no_args_is_help=True)
app.add_typer(account, name="account")
token = typer.Typer(help="Tokens: what programs sign in with.", no_args_is_help=True)
app.add_typer(token, name="token")
audit = typer.Typer(help="The audit: what was done, by whom.", no_args_is_help=True)
app.add_typer(audit, name="audit")

Name = Annotated[str, typer.Argument(help="The account's name.")]
RoleOption = Annotated[
    list[str] | None,
    typer.Option("--role", help="viewer, planner, reviewer, steward or admin; repeatable."),
]
PasswordFile = Annotated[
    Path | None,
    typer.Option(help="Read the password from this file's first line; - for standard input."),
]
Format = Annotated[ListFormat, typer.Option("--format", help="Output format.")]


@account.command("add")
def add_account(
    name: Name,
    workspace: Workspace = None,
    *,
    role: RoleOption = None,
    parks: Annotated[
        list[str] | None, typer.Option(help="Limit to this park (an id); repeatable.")
    ] = None,
    townships: Annotated[
        list[str] | None,
        typer.Option(help="Limit to the parks of this township (name or code); repeatable."),
    ] = None,
    password_file: PasswordFile = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Make an account; the password is asked for twice.

    From the first account on, nobody uses the service without signing in.
    Example: geo-service account add li.wei --role planner --role reviewer
    """
    from geo_service.planning.accounts import make_account  # noqa: PLC0415 - heavy, only here

    del lang
    made, is_first = make_account(
        Settings().find_workspace(workspace),
        name,
        role or (),
        _password(password_file),
        parks=_parts(parks),
        townships=_parts(townships),
    )
    say_text("account.added", name=made.name, roles=", ".join(sorted(made.roles)))
    if is_first:
        say_text("account.first_added")


@account.command("list")
def list_accounts(
    workspace: Workspace = None,
    *,
    format: Format = ListFormat.TABLE,  # noqa: A002 - the option's name
    lang: Lang = Language.ZH_HANS,
) -> None:
    """List accounts with their roles and limits.

    Example: geo-service account list --format json
    """
    from geo_service.planning.account_lists import accounts_of  # noqa: PLC0415 - heavy, only here

    write_printable(accounts_of(Settings().find_workspace(workspace)), format, Translator(lang))


@account.command("disable")
def disable_account(
    name: Name,
    workspace: Workspace = None,
    *,
    undo: Annotated[bool, typer.Option("--undo", help="Let it sign in again.")] = False,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Let an account sign in no longer; its sessions and tokens end, its work stays.

    Example: geo-service account disable li.wei
    """
    from geo_service.planning.accounts import disable  # noqa: PLC0415 - heavy, only here

    del lang
    disable(Settings().find_workspace(workspace), name, is_disabled=not undo)
    say_text("account.enabled" if undo else "account.disabled", name=name)


@account.command("password")
def set_password(
    name: Name,
    workspace: Workspace = None,
    *,
    password_file: PasswordFile = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Give an account another password; its sessions end, and a lock is lifted.

    Example: geo-service account password li.wei
    """
    from geo_service.planning.accounts import reset_password  # noqa: PLC0415 - heavy, only here

    del lang
    reset_password(Settings().find_workspace(workspace), name, _password(password_file))
    say_text("account.password_set", name=name)


# ---- tokens --------------------------------------------------------------------------------------


@token.command("create")
def create_token(
    workspace: Workspace = None,
    *,
    role: RoleOption = None,
    account: Annotated[
        str | None, typer.Option(help="Whose it is; may be left out if one account has the role.")
    ] = None,
    days: Annotated[float | None, typer.Option(help="How long it lasts; default 90 days.")] = 90,
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Make a token that acts for an account in some of its roles; it is shown once, on stdout.

    Example: geo-service token create --role steward --account li.wei --days 365
    """
    from geo_service.planning.accounts import make_token  # noqa: PLC0415 - heavy, only here

    del lang
    result = make_token(
        Settings().find_workspace(workspace), role or (), name=account, days=days, note=note
    )
    if not isinstance(result, tuple):
        parameter = "account"
        choices = [
            Choice(
                value=one.name,
                evidence=said("account.has_role", roles=", ".join(sorted(one.roles))),
            )
            for one in result
        ]
        raise ChoiceNeededError(parameter, said("account.token_whose"), choices)
    made, text = result
    say_text("account.token_once", id=made.id)
    write(text.encode(), None)


@token.command("list")
def list_tokens(
    workspace: Workspace = None,
    *,
    format: Format = ListFormat.TABLE,  # noqa: A002 - the option's name
    lang: Lang = Language.ZH_HANS,
) -> None:
    """List tokens: whose, for which roles, until when, when last used.

    Example: geo-service token list
    """
    from geo_service.planning.account_lists import tokens_of  # noqa: PLC0415 - heavy, only here

    write_printable(tokens_of(Settings().find_workspace(workspace)), format, Translator(lang))


@token.command("revoke")
def revoke_token(
    identity: Annotated[str, typer.Argument(help="Its id, as `token list` shows it.")],
    workspace: Workspace = None,
    *,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Make a token count no longer.

    Example: geo-service token revoke t0123456789ab
    """
    from geo_service.planning.accounts import revoke  # noqa: PLC0415 - heavy, only here

    del lang
    revoke(Settings().find_workspace(workspace), identity)
    say_text("account.revoked", name=identity)


# ---- the audit -----------------------------------------------------------------------------------


@audit.command("show")
def show_audit(
    workspace: Workspace = None,
    *,
    count: Annotated[int, typer.Option(help="How many of the last lines.", min=1)] = 50,
    account: Annotated[str | None, typer.Option(help="Only of this account.")] = None,
    format: Format = ListFormat.TABLE,  # noqa: A002 - as above
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Show the last lines: who did what, when, on which versions, from where.

    Example: geo-service audit show --count 200 --format json
    """
    from geo_service.planning.auditing import open_audit  # noqa: PLC0415 - heavy, only here

    with open_audit(Settings().find_workspace(workspace)) as desk:
        told = desk.shown(count, account=account)
    write_printable(told, format, Translator(lang))


@audit.command("verify")
def verify_audit(
    workspace: Workspace = None,
    *,
    head: Annotated[
        str | None, typer.Option(help="A head that was noted earlier: NUMBER:DIGEST.")
    ] = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Look for changed, missing or moved lines, of the ledger too; exit 1 if there are any.

    Example: geo-service audit verify --head 120:6f1e...
    """
    from geo_service.planning.auditing import open_audit  # noqa: PLC0415 - heavy, only here

    del lang
    with open_audit(Settings().find_workspace(workspace)) as desk:
        faults, end = desk.verify(head)
        of_ledger = desk.verify_ledger()
    for fault in faults:
        say_text(f"audit.fault_{fault.kind}", number=fault.number)
    for fault in of_ledger:
        say_text(f"verify.ledger_{fault.kind}", number=fault.number)
    if faults or of_ledger:
        raise typer.Exit(1)
    say_text("audit.sound", count=0 if end is None else end.number, head=str(end or "—"))


@audit.command("export")
def export_audit(
    workspace: Workspace = None, *, output: Output = None, lang: Lang = Language.ZH_HANS
) -> None:
    """Write every line as JSON with its digest, and the head last.

    Example: geo-service audit export -o audit.jsonl
    """
    from geo_service.planning.auditing import open_audit  # noqa: PLC0415 - heavy, only here

    del lang
    with open_audit(Settings().find_workspace(workspace)) as desk:
        write(desk.exported(), output)


def _parts(given: list[str] | None) -> list[str]:
    """Return what an option lists, repeated or separated by commas."""
    return [part.strip() for one in given or () for part in one.split(",") if part.strip()]


def _password(file: Path | None) -> str:
    """Return the password: of a file, of standard input, or typed twice without being shown."""
    parameter = "password"
    if file is None and not sys.stdin.isatty():
        raise InvalidQueryError(parameter, said("account.no_password"))
    if file is None:
        translator = Translator(Language.ZH_HANS)
        first = typer.prompt(translator.text("account.password_label"), hide_input=True, err=True)
        again = typer.prompt(
            translator.text("account.new_password_again"), hide_input=True, err=True
        )
        if first != again:
            raise InvalidQueryError(parameter, said("account.passwords_differ"))
        return str(first)
    try:
        text = sys.stdin.readline() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "UTF-8"
        say(f"{file}: {reason}")
        raise InvalidQueryError(parameter, said("account.no_password")) from None
    lines = text.splitlines()
    return lines[0] if lines else ""
