"""The audit: lines in the order in which things were done, each sealed with all lines before it.

A line's digest covers the digest of the line before it, so that a changed, missing, inserted or
moved line is found; the last line's number and digest stand in a table of their own, so that
lines missing at the end are found too. Who can write to the database can make a new chain: note
the head elsewhere (`geo-service audit verify --head`). What is recorded is decided elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from geo_service.stores.tables import audit, audit_head

if TYPE_CHECKING:
    from collections.abc import Callable

_BEGINNING = "0" * 64
"""What stands for the digest before the first line."""
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """One thing that was done: by whom, when, what, on which versions, from where."""

    at: str
    """The moment in UTC, ISO 8601."""
    account: str | None
    """The account's name; None for nobody (a failed sign-in, the command line)."""
    action: str
    """What was done: method and route, or the command."""
    subject: str = ""
    """What it was done to: ids and layers."""
    outcome: str = ""
    """A status of HTTP, or `done`."""
    origin: str = ""
    """The address that it came from, or `command line`."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Plan and rulebook when it was done."""
    token: str | None = None
    """The id of the token that was used."""
    request: str | None = None
    """The id of the request, as its answer and the log's lines have it."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the audit."""

    number: int
    digest: str

    def __str__(self) -> str:
        """Return it as it is noted elsewhere."""
        return f"{self.number}:{self.digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFault:
    """A place where the audit is not what was written: its number, and what is wrong.

    `kind` is `changed`, `missing`, `beyond` (a line after the recorded end), or `other_head`.
    """

    number: int
    kind: str


class AuditRecords:
    """The audit of one store. Methods raise StoreError as the store does."""

    def __init__(
        self,
        reading: Callable[[], AbstractContextManager[sa.Connection | None]],
        writing: Callable[[], AbstractContextManager[sa.Connection]],
    ) -> None:
        self._reading = reading
        self._writing = writing

    def append(self, line: AuditLine) -> Head:
        """Add a line, in one transaction with the head."""
        content = json.dumps(asdict(line), ensure_ascii=False, sort_keys=True)
        with self._writing() as connection:
            before = _head(connection) or Head(0, _BEGINNING)
            after = Head(before.number + 1, _next(before.digest, content))
            row = {"number": after.number, "content": content, "digest": after.digest}
            connection.execute(sa.insert(audit).values(**row))
            connection.execute(sa.delete(audit_head))
            head = {"number": after.number, "digest": after.digest}
            connection.execute(sa.insert(audit_head).values(**head))
            return after

    def head(self) -> Head | None:
        """Return the recorded end; None before anything was recorded."""
        with self._reading() as connection:
            return None if connection is None else _head(connection)

    def last(self, limit: int, *, account: str | None = None) -> list[tuple[int, str]]:
        """Return number and content (JSON) of the last lines, of one account or all, in order."""
        query = sa.select(audit.c.number, audit.c.content).order_by(audit.c.number.desc())
        found: list[tuple[int, str]] = []
        with self._reading() as connection:
            rows = () if connection is None else connection.execute(query).yield_per(_AT_ONCE)
            for row in rows:
                if len(found) >= limit:
                    break
                if account is None or json.loads(row.content).get("account") == account:
                    found.append((row.number, row.content))
        return found[::-1]

    def every(self) -> Iterator[tuple[int, str, str]]:
        """Yield number, content (JSON) and digest of every line in order."""
        with self._reading() as connection:
            if connection is not None:
                yield from _every(connection)

    def verify(self, noted: Head | None = None) -> list[AuditFault]:
        """Return where the lines are not what was written; none for a sound audit.

        `noted` is a head that was noted elsewhere at some time: that line must still be there.
        """
        faults: list[AuditFault] = []
        last = Head(0, _BEGINNING)
        end, is_noted_found = last, noted is None
        with self._reading() as connection:  # lines and end of one moment
            if connection is not None:
                end = _head(connection) or end
                for number, content, digest in _every(connection):
                    if number != last.number + 1:
                        faults.append(AuditFault(number=last.number + 1, kind="missing"))
                    elif _next(last.digest, content) != digest:
                        faults.append(AuditFault(number=number, kind="changed"))
                    last = Head(number, digest)
                    is_noted_found = is_noted_found or last == noted
        if last.number < end.number:
            faults.append(AuditFault(number=last.number + 1, kind="missing"))
        elif last.number > end.number:
            faults.append(AuditFault(number=end.number + 1, kind="beyond"))
        elif last.digest != end.digest:
            faults.append(AuditFault(number=last.number, kind="changed"))
        if noted is not None and not is_noted_found:
            faults.append(AuditFault(number=noted.number, kind="other_head"))
        return faults


def moment_text(moment: datetime) -> str:
    """Return a moment as lines tell it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _head(connection: sa.Connection) -> Head | None:
    row = connection.execute(sa.select(audit_head)).first()
    return None if row is None else Head(row.number, row.digest)


def _every(connection: sa.Connection) -> Iterator[tuple[int, str, str]]:
    query = sa.select(audit.c.number, audit.c.content, audit.c.digest).order_by(audit.c.number)
    for row in connection.execute(query).yield_per(_AT_ONCE):
        yield row.number, row.content, row.digest


def _next(before: str, content: str) -> str:
    return hashlib.sha256(f"{before}\n{content}".encode()).hexdigest()
