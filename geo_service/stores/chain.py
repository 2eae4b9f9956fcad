"""Lines in the order in which they were written, each sealed with all lines before it.

A line's digest covers the digest of the line before it, so that a changed, missing, inserted or
moved line is found; the last line's number and digest stand in a table of their own, so that
lines missing at the end are found too. Who can write to the database can make a new chain: note
the head elsewhere. What the lines say is decided elsewhere (`audit`, `ledger`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

_BEGINNING = "0" * 64
"""What stands for the digest before the first line."""
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain."""

    number: int
    digest: str

    def __str__(self) -> str:
        """Return it as it is noted elsewhere."""
        return f"{self.number}:{self.digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFault:
    """A place where a chain is not what was written: its number, and what is wrong.

    `kind` is `changed`, `missing`, `beyond` (a line after the recorded end), or `other_head`.
    """

    number: int
    kind: str


@dataclass(frozen=True, slots=True)
class Chain:
    """A table of lines (`number`, `content`, `digest`) and one of their end."""

    lines: sa.Table
    end: sa.Table

    def add(self, connection: sa.Connection, content: str, **columns: Any) -> Head:  # noqa: ANN401 - values of columns
        """Add a line within a transaction that excludes other writers; return the new end."""
        before = self.head(connection) or Head(0, _BEGINNING)
        after = Head(before.number + 1, _next(before.digest, content))
        row = {"number": after.number, "content": content, "digest": after.digest, **columns}
        connection.execute(sa.insert(self.lines).values(**row))
        connection.execute(sa.delete(self.end))
        end = {"number": after.number, "digest": after.digest}
        connection.execute(sa.insert(self.end).values(**end))
        return after

    def head(self, connection: sa.Connection) -> Head | None:
        """Return the recorded end; None before anything was written."""
        row = connection.execute(sa.select(self.end)).first()
        return None if row is None else Head(row.number, row.digest)

    def every(self, connection: sa.Connection) -> Iterator[sa.Row[Any]]:
        """Yield all lines in order."""
        query = sa.select(self.lines).order_by(self.lines.c.number)
        yield from connection.execute(query).yield_per(_AT_ONCE)

    def verify(self, connection: sa.Connection, noted: Head | None = None) -> list[ChainFault]:
        """Return where the lines are not what was written; none for a sound chain.

        `noted` is a head that was noted elsewhere at some time: that line must still be there.
        """
        faults: list[ChainFault] = []
        last = Head(0, _BEGINNING)
        end, is_noted_found = self.head(connection) or last, noted is None
        for row in self.every(connection):
            if row.number != last.number + 1:
                faults.append(ChainFault(number=last.number + 1, kind="missing"))
            elif _next(last.digest, row.content) != row.digest:
                faults.append(ChainFault(number=row.number, kind="changed"))
            last = Head(row.number, row.digest)
            is_noted_found = is_noted_found or last == noted
        if last.number < end.number:
            faults.append(ChainFault(number=last.number + 1, kind="missing"))
        elif last.number > end.number:
            faults.append(ChainFault(number=end.number + 1, kind="beyond"))
        elif last.digest != end.digest:
            faults.append(ChainFault(number=last.number, kind="changed"))
        if noted is not None and not is_noted_found:
            faults.append(ChainFault(number=noted.number, kind="other_head"))
        return faults


def _next(before: str, content: str) -> str:
    return hashlib.sha256(f"{before}\n{content}".encode()).hexdigest()
