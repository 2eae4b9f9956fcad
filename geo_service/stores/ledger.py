"""The ledger: what people did to reviews and findings, line by line, which nobody edits.

What a review or a finding is at is read from the lines about it. Lines are sealed as `chain` says.
A line is added only if nobody added one about the same subject since the caller looked. What
lines say, and who may add them, is decided elsewhere (`planning.acts`, `planning.finding_work`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from geo_service.errors import ConflictError
from geo_service.stores.chain import Chain, ChainFault, Head
from geo_service.stores.tables import ledger, ledger_head
from geo_service.wording import said

_CHAIN = Chain(ledger, ledger_head)
GRANTED, REVOKED = "granted", "revoked"
"""What may be done with a waiver or an approval."""
_SHOWN = 80
Holding = Callable[[sa.Connection, str, bool, Mapping[str, str] | None], None]
"""Holds a saved review or lets it go, if layers have these versions in force still."""


class Topic(StrEnum):
    """What a line is about."""

    REVIEW = "review"
    RECORD = "record"
    """All that a review was made from, as it stood when it was submitted."""
    FINDING = "finding"
    ENTRY = "entry"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One thing that somebody did."""

    number: int
    topic: Topic
    subject: str
    """The id of what it is about."""
    at: str
    """The moment in UTC, ISO 8601."""
    account: str
    content: Mapping[str, Any]
    """What was done, as JSON values."""


class LedgerRecords:
    """The ledger of one store. Methods raise StoreError as the store does."""

    def __init__(
        self,
        reading: Callable[[], AbstractContextManager[sa.Connection | None]],
        writing: Callable[[], AbstractContextManager[sa.Connection]],
        hold: Holding,
    ) -> None:
        self._reading = reading
        self._writing = writing
        self._hold = hold

    def add(
        self, topic: Topic, subject: str, account: str, content: Mapping[str, Any], *, after: int
    ) -> LedgerLine:
        """Add a line; `after` is the number of the last one about the subject, 0 for none.

        ConflictError if somebody has added one since.
        """
        with self._writing() as connection:
            return _add(connection, (topic, subject), account, content, after)

    def add_act(  # noqa: PLR0913 - what an act is checked by
        self,
        review_id: str,
        account: str,
        content: Mapping[str, Any],
        *,
        after: int,
        is_held: bool,
        record: Mapping[str, Any] | None = None,
        against: Mapping[str, str] | None = None,
    ) -> LedgerLine:
        """Add a line about a saved review, and hold the review or let it go, in one step.

        Nothing drops a review that is held. `record` goes into a line of its own before it.
        NotFoundError if the review is not saved; ConflictError as `add`, and if a layer in
        `against` has another version in force by now.
        """
        with self._writing() as connection:
            self._hold(connection, review_id, is_held, against)
            if record is not None:
                _append(connection, (Topic.RECORD, review_id), account, record)
            return _add(connection, (Topic.REVIEW, review_id), account, content, after)

    def about(self, topic: Topic, subject: str) -> list[LedgerLine]:
        """Return the lines about a subject in order."""
        return self._lines((ledger.c.topic == topic) & (ledger.c.subject == subject))

    def of(self, topic: Topic) -> dict[str, list[LedgerLine]]:
        """Return all lines of a topic in order, by subject."""
        found: dict[str, list[LedgerLine]] = {}
        for line in self._lines(ledger.c.topic == topic):
            found.setdefault(line.subject, []).append(line)
        return found

    def granted(self) -> dict[str, tuple[Mapping[str, Any], ...]]:
        """Return the entries that were granted and not revoked, in order, by their list's name."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        last = [lines[-1] for lines in self.of(Topic.ENTRY).values()]
        for line in sorted(last, key=lambda one: one.number):
            if line.content["step"] == GRANTED:
                found.setdefault(line.content["list"], []).append(line.content["entry"])
        return {name: tuple(entries) for name, entries in found.items()}

    def count(self, topic: Topic) -> int:
        """Return how many lines there are of a topic: what was read of it before still holds."""
        query = sa.select(sa.func.count()).select_from(ledger).where(ledger.c.topic == topic)
        with self._reading() as connection:
            return 0 if connection is None else int(connection.execute(query).scalar_one())

    def head(self) -> Head | None:
        """Return the recorded end; None before anything was written."""
        with self._reading() as connection:
            return None if connection is None else _CHAIN.head(connection)

    def verify(self) -> list[ChainFault]:
        """Return where the lines are not what was written; none for a sound ledger."""
        with self._reading() as connection:
            if connection is None:
                return []
            faults = _CHAIN.verify(connection)
            for row in _CHAIN.every(connection):  # what lines are found by is not in the digest
                told = json.loads(row.content)
                if (told["topic"], told["subject"]) != (row.topic, row.subject):
                    faults.append(ChainFault(number=row.number, kind="changed"))
            return faults

    def _lines(self, which: sa.ColumnElement[bool]) -> list[LedgerLine]:
        query = sa.select(ledger).where(which).order_by(ledger.c.number)
        with self._reading() as connection:
            rows = () if connection is None else connection.execute(query).all()
            return [_line(row.number, json.loads(row.content)) for row in rows]


def _add(
    connection: sa.Connection,
    about: tuple[Topic, str],
    account: str,
    content: Mapping[str, Any],
    after: int,
) -> LedgerLine:
    topic, subject = about
    own = (ledger.c.topic == topic) & (ledger.c.subject == subject)
    last = connection.execute(sa.select(sa.func.max(ledger.c.number)).where(own)).scalar() or 0
    if last != after:
        raise ConflictError(said("act.meanwhile", name=repr(subject[:_SHOWN])))
    return _append(connection, about, account, content)


def _append(
    connection: sa.Connection, about: tuple[Topic, str], account: str, content: Mapping[str, Any]
) -> LedgerLine:
    topic, subject = about
    told = {
        "topic": topic.value,
        "subject": subject,
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "account": account,
        "content": dict(content),
    }
    text = json.dumps(told, ensure_ascii=False, sort_keys=True)
    head = _CHAIN.add(connection, text, topic=topic.value, subject=subject)
    return _line(head.number, json.loads(text))


def _line(number: int, told: Mapping[str, Any]) -> LedgerLine:
    return LedgerLine(
        number=number,
        topic=Topic(told["topic"]),
        subject=told["subject"],
        at=told["at"],
        account=told["account"],
        content=told["content"],
    )
