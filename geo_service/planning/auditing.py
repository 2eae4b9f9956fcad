"""The audit of a county: what was done is recorded, shown, exported and verified.

Lines name accounts, ids, versions and addresses; never a password, a token, a note or a value of
the data. Which requests and commands are recorded is decided where they are made.
"""

from __future__ import annotations

import getpass
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table

from geo_service.access import Acting, acting_name
from geo_service.errors import InvalidQueryError, WorkspaceError
from geo_service.logs import request_id
from geo_service.planning.printable import Printable
from geo_service.reports.terminal import one_line, print_table
from geo_service.stores.audit import AuditLine, AuditRecords, moment_text
from geo_service.stores.chain import Head
from geo_service.stores.opening import is_empty
from geo_service.wording import said
from geo_service.workspace.opening import open_workspace

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.stores.chain import ChainFault
    from geo_service.stores.ledger import LedgerRecords

COMMAND_LINE = "command line"
_COLUMNS = ("number", "at", "account", "action", "subject", "outcome", "origin")
_LONGEST_CELL = 60
_HEAD = re.compile(r"([0-9]{1,15}):([0-9a-f]{64})")
_LONGEST_SUBJECT = 500


class AuditDesk:
    """The audit of one county. Methods are safe to call from several threads.

    They raise StoreError if the store fails.
    """

    def __init__(
        self,
        records: Callable[[], AuditRecords] | None,
        *,
        ledger: Callable[[], LedgerRecords] | None = None,
    ) -> None:
        self._open = records
        self._ledger = ledger

    def record(  # noqa: PLR0913 - what a line says
        self,
        action: str,
        *,
        subject: str = "",
        outcome: str = "done",
        origin: str = COMMAND_LINE,
        acting: Acting | None = None,
        account: str | None = None,
        versions: Mapping[str, str] | None = None,
    ) -> None:
        """Add a line; a service that was made from a bare plan keeps none."""
        if self._open is None:
            return
        name = account or (acting_name() if acting is None else acting.account)
        if name is None and origin == COMMAND_LINE:
            name = f"cli:{system_user()}"
        self._open().append(
            AuditLine(
                at=moment_text(datetime.now(UTC)),
                account=name,
                action=action,
                subject=subject[:_LONGEST_SUBJECT],
                outcome=outcome,
                origin=origin,
                versions=dict(versions or {}),
                token=None if acting is None else acting.by_token,
                request=request_id(),
            )
        )

    @property
    def records(self) -> AuditRecords:
        """The store's records."""
        assert self._open is not None  # noqa: S101 - the command line opens a workspace
        return self._open()

    def shown(self, count: int, *, account: str | None = None) -> Printable:
        """Return the last lines for a terminal, of one account or of all."""
        lines = [
            {"number": number, **json.loads(content)}
            for number, content in self.records.last(count, account=account)
        ]
        return Printable(
            lambda: {"lines": lines},
            lambda translator, width: _table(lines, translator, width),
        )

    def exported(self) -> Iterator[bytes]:
        """Yield every line as JSON with its number and digest, one a line, and the head last."""
        for number, content, digest in self.records.every():
            line = {"number": number, "digest": digest, "content": content}
            yield json.dumps(line, ensure_ascii=False).encode() + b"\n"
        yield json.dumps({"head": str(self.records.head() or "")}).encode() + b"\n"

    def verify(self, noted: str | None = None) -> tuple[list[ChainFault], Head | None]:
        """Return what is wrong with the audit, and its head.

        InvalidQueryError for a noted head that is none.
        """
        found = None
        if noted is not None:
            match = _HEAD.fullmatch(noted.strip())
            if match is None:
                parameter = "head"
                raise InvalidQueryError(parameter, said("audit.head_form"))
            found = Head(int(match[1]), match[2])
        return self.records.verify(found), self.records.head()

    def verify_ledger(self) -> list[ChainFault]:
        """Return what is wrong with the ledger of acts and work."""
        return [] if self._ledger is None else self._ledger().verify()


def _table(lines: list[dict[str, Any]], translator: Translator, width: int | None) -> str:
    table = Table(title=translator.text("audit.title"))
    for name in _COLUMNS:
        table.add_column(translator.text(f"audit.{name}"))
    for line in lines:
        cells = (line.get(name) for name in _COLUMNS)
        table.add_row(*(one_line("" if one is None else str(one), _LONGEST_CELL) for one in cells))
    return print_table(table, [], width)


def system_user() -> str:
    """Return the name of the system's user who runs this program; its number without a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # OSError since Python 3.13
        return str(os.getuid()) if hasattr(os, "getuid") else "?"


def record_command(
    workspace: str | os.PathLike[str], action: str, *, subject: str, outcome: str
) -> None:
    """Add a line about a command that has ended, in a workspace that has accounts.

    A workspace that cannot be opened has none; StoreError if the store fails.
    """
    try:
        opening = open_workspace(workspace)
        with opening as opened:
            if is_empty(opened.at.folder, opened.at.store):
                return
            if opened.store.accounts.are_kept():
                desk = AuditDesk(lambda: opened.store.audit)
                desk.record(action, subject=subject, outcome=outcome)
    except WorkspaceError:
        return


@contextmanager
def open_audit(workspace: str | os.PathLike[str]) -> Iterator[AuditDesk]:
    """Give the audit of a workspace, for the command line; its store is closed at the end."""
    with open_workspace(workspace) as opened:
        yield AuditDesk(lambda: opened.store.audit, ledger=lambda: opened.store.ledger)
