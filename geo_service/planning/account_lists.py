"""Accounts and tokens of a workspace as tables and documents, without secrets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table

from geo_service.planning.accounts import open_accounts
from geo_service.planning.printable import Printable
from geo_service.reports.terminal import one_line, print_table

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from geo_service.language import Translator
    from geo_service.stores.accounts import Account, Token

_LONGEST_CELL = 60


def accounts_of(workspace: str | os.PathLike[str]) -> Printable:
    """Return the accounts of a workspace by name."""
    with open_accounts(workspace) as desk:
        found = desk.all()
    return Printable(
        lambda: {"accounts": [_account_document(one) for one in found]},
        lambda translator, width: _accounts_table(found, translator, width),
    )


def tokens_of(workspace: str | os.PathLike[str]) -> Printable:
    """Return the tokens of a workspace, the newest first."""
    with open_accounts(workspace) as desk:
        found = desk.tokens()
    now = datetime.now(UTC)
    return Printable(
        lambda: {"tokens": [_token_document(one, now) for one in found]},
        lambda translator, width: _tokens_table(found, now, translator, width),
    )


def _account_document(one: Account) -> dict[str, Any]:
    return {
        "name": one.name,
        "roles": sorted(one.roles),
        "parks": list(one.parks),
        "townships": list(one.townships),
        "is_disabled": one.is_disabled,
        "made_at": _text(one.made_at),
    }


def _token_document(one: Token, now: datetime) -> dict[str, Any]:
    return {
        "id": one.id,
        "account": one.account,
        "roles": sorted(one.roles),
        "note": one.note,
        "state": _state(one, now),
        "made_at": _text(one.made_at),
        "expires_at": _text(one.expires_at),
        "last_used_at": _text(one.last_used_at),
    }


def _state(one: Token, now: datetime) -> str:
    if one.revoked_at is not None:
        return "revoked"
    return "active" if one.is_valid(now) else "expired"


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")


def _accounts_table(found: list[Account], translator: Translator, width: int | None) -> str:
    rows = [
        (
            one.name,
            ", ".join(sorted(one.roles)),
            ", ".join((*one.parks, *one.townships)),
            translator.text(f"account.state_{'disabled' if one.is_disabled else 'active'}"),
            _text(one.made_at),
        )
        for one in found
    ]
    columns = ("name", "roles", "limits", "state", "made")
    return _table("accounts_title", columns, rows, translator, width)


def _tokens_table(
    found: list[Token], now: datetime, translator: Translator, width: int | None
) -> str:
    rows = [
        (
            one.id,
            one.account,
            ", ".join(sorted(one.roles)),
            translator.text(f"account.state_{_state(one, now)}"),
            _text(one.expires_at),
            _text(one.last_used_at),
            one.note,
        )
        for one in found
    ]
    columns = ("id", "name", "roles", "state", "expires", "used", "note")
    return _table("tokens_title", columns, rows, translator, width)


def _table(
    title: str,
    columns: tuple[str, ...],
    rows: Sequence[tuple[str | None, ...]],
    translator: Translator,
    width: int | None,
) -> str:
    table = Table(title=translator.text(f"account.{title}"))
    for name in columns:
        table.add_column(translator.text(f"account.column_{name}"))
    for row in rows:
        table.add_row(*(one_line(cell or "", _LONGEST_CELL) for cell in row))
    return print_table(table, [], width)
