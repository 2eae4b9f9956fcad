"""The audit: lines in the order in which things were done, each sealed with all lines before it.

`chain` says what is found of a change, and what is not: note the head elsewhere
(`geo-service audit verify --head`). What is recorded is decided elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from geo_service.stores.chain import Chain, ChainFault, Head
from geo_service.stores.tables import audit, audit_head

if TYPE_CHECKING:
    from collections.abc import Callable

_CHAIN = Chain(audit, audit_head)
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
            return _CHAIN.add(connection, content)

    def head(self) -> Head | None:
        """Return the recorded end; None before anything was recorded."""
        with self._reading() as connection:
            return None if connection is None else _CHAIN.head(connection)

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
                for row in _CHAIN.every(connection):
                    yield row.number, row.content, row.digest

    def verify(self, noted: Head | None = None) -> list[ChainFault]:
        """Return where the lines are not what was written; none for a sound audit.

        `noted` is a head that was noted elsewhere at some time: that line must still be there.
        """
        with self._reading() as connection:  # lines and end of one moment
            if connection is not None:
                return _CHAIN.verify(connection, noted)
        return [] if noted is None else [ChainFault(number=noted.number, kind="other_head")]


def moment_text(moment: datetime) -> str:
    """Return a moment as lines tell it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
