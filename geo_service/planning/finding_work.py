"""Work on findings: state, owner, due day and notes by rule and subject, over all reviews.

What somebody says of a finding is a line of the ledger, which nobody edits; what stands is what
the last line says. A finding that the current review does not have keeps its lines, and is told
as cured only if its rule ran on the subject. Waivers and approvals by form are `grants`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from geo_service.access import Action, acting, acting_name
from geo_service.errors import InvalidQueryError, NotFoundError
from geo_service.stores.ledger import Topic
from geo_service.wording import said

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from geo_service.planning.state import ServiceState
    from geo_service.reports.document import Document
    from geo_service.stores.ledger import LedgerLine
    from geo_service.zoning.finding_table import FindingTable
    from geo_service.zoning.review import Review

_PARTS = 3


class WorkState(StrEnum):
    """What is done about a finding."""

    OPEN = "open"
    IN_WORK = "in_work"
    DONE = "done"
    DEFERRED = "deferred"


class WorkFilter(StrEnum):
    """Which findings are asked for by what is done about them."""

    MINE = "mine"
    OVERDUE = "overdue"
    IN_WORK = "in_work"
    DONE = "done"
    DEFERRED = "deferred"


class Presence(StrEnum):
    """What the current review says of a finding that somebody worked on."""

    FOUND = "found"
    CURED = "cured"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, order=True)
class WorkKey:
    """A rule and a subject: what work on a finding is kept by."""

    rule_id: str
    layer: str
    subject_id: str

    def __str__(self) -> str:
        """Return the key as the ledger has it."""
        return f"{self.rule_id}|{self.layer}|{self.subject_id}"

    @classmethod
    def of(cls, text: str) -> WorkKey:
        """Return a key of the ledger."""
        return cls(*text.split("|", _PARTS - 1))

    def document(self) -> Document:
        """Return it as findings have it."""
        return {
            "rule_id": self.rule_id,
            "subject": {"layer": self.layer, "id": self.subject_id},
        }


@dataclass(frozen=True, kw_only=True)
class WorkChange:
    """What somebody says of a finding; it replaces what was said before."""

    state: WorkState
    owner: str | None = None
    due: date | None = None
    note: str = ""
    after: int = 0
    """The number of the last line that was seen, 0 for none."""


class WorkDesk:
    """The work on one county's findings. Methods are safe to call from several threads."""

    def __init__(self, state: ServiceState, *, accounts: Callable[[], Collection[str]]) -> None:
        """Keep work in the county's store.

        Parameters
        ----------
        state
            What the desks share.
        accounts
            Returns the names that may own work; none without accounts.
        """
        self._state = state
        self._accounts = accounts
        self._keys: tuple[str, Mapping[WorkKey, str]] = ("", {})

    def _found(self) -> Mapping[WorkKey, str]:
        """Return the first finding of each rule and subject in the current review, by key."""
        review = self._state.review
        review_id, found = self._keys
        if review_id != review.review_id:
            found = _made_keys(review)
            self._keys = (review.review_id, found)
        return found

    def change(self, key: WorkKey, change: WorkChange) -> Document:
        """Say something of a finding and return what stands.

        NotFoundError for a finding that neither the current review nor the ledger has;
        InvalidQueryError for an owner who has no account; ConflictError if somebody said something
        since.
        """
        ledger = self._state.workspace.store.ledger
        lines = ledger.about(Topic.FINDING, str(key))
        if not lines and key not in self._found():
            raise NotFoundError(said("work.no_finding", rule=key.rule_id, subject=key.subject_id))
        if change.owner is not None and change.owner not in self._accounts():
            parameter = "owner"
            raise InvalidQueryError(parameter, said("account.unknown", name=repr(change.owner)))
        content = {
            "state": change.state.value,
            "owner": change.owner,
            "due": None if change.due is None else change.due.isoformat(),
            "note": change.note,
        }
        who = acting_name() or ""
        ledger.add(Topic.FINDING, str(key), who, content, after=change.after)
        return self.one(key)

    def one(self, key: WorkKey) -> Document:
        """Return what stands of a finding, all that was ever said of it, and what one may do.

        `owners` are the accounts that it may be given to.
        """
        lines = self._state.workspace.store.ledger.about(Topic.FINDING, str(key))
        return {
            **self._told(key, lines, self._found()),
            "may": {"change": _may(Action.WORK), "grant": _may(Action.REVIEW)},
            "owners": sorted(self._accounts()),
            "log": [
                {"number": line.number, "at": line.at, "account": line.account, **line.content}
                for line in lines
            ],
        }

    def listed(self, asked: WorkFilter | None = None) -> list[Document]:
        """Return what stands of each finding that somebody worked on, by due day, then by key."""
        if not self._state.has_workspace:
            return []
        lines = self._state.workspace.store.ledger.of(Topic.FINDING)
        found = self._found()
        told = [
            self._told(WorkKey.of(text), own, found)
            for text, own in lines.items()
            if _fits(own[-1].content, asked)
        ]
        return sorted(told, key=lambda one: (one["due"] or "9999", one["rule_id"], str(one)))

    def mark(self, rows: Sequence[Document]) -> None:
        """Add to rows of findings what stands of them, as `work`; None if nobody said anything."""
        lines = {}
        if rows and self._state.has_workspace:
            lines = self._state.workspace.store.ledger.of(Topic.FINDING)
        for row in rows:
            key = WorkKey(row["rule_id"], row["subject"]["layer"], row["subject"]["id"])
            last = lines[str(key)][-1].content if str(key) in lines else None
            row["work"] = None
            if last is not None:
                told = {name: last[name] for name in ("state", "owner", "due")}
                row["work"] = {**told, "is_overdue": _is_overdue(last)}

    def mask(self, table: FindingTable, asked: WorkFilter) -> NDArray[np.bool_]:
        """Return which findings of a review are asked for."""
        wanted = {
            WorkKey.of(text)
            for text, lines in self._state.workspace.store.ledger.of(Topic.FINDING).items()
            if _fits(lines[-1].content, asked)
        }
        chosen = np.zeros(len(table), dtype=np.bool_)
        rules = table.facets["rule"]
        near = np.flatnonzero(rules.among({key.rule_id for key in wanted}))
        if len(near):
            layers, ids = table.subjects()
            for position in near.tolist():
                rule = rules.names[rules.codes[position]]
                chosen[position] = WorkKey(rule, layers[position], ids[position]) in wanted
        return chosen

    def _told(
        self, key: WorkKey, lines: Sequence[LedgerLine], found: Mapping[WorkKey, str]
    ) -> Document:
        last: Mapping[str, Any] = lines[-1].content if lines else {}
        return {
            **key.document(),
            "state": last.get("state", WorkState.OPEN.value),
            "owner": last.get("owner"),
            "due": last.get("due"),
            "is_overdue": _is_overdue(last),
            "note": last.get("note", ""),
            "last": lines[-1].number if lines else 0,
            "presence": self._presence(key, found).value,
            "finding_id": found.get(key),
        }

    def _presence(self, key: WorkKey, found: Mapping[WorkKey, str]) -> Presence:
        if key in found:
            return Presence.FOUND
        ran_on = self._state.review.ran_on
        if ran_on is None or key.rule_id not in self._state.review.checks:
            return Presence.UNCHECKED
        is_checked = bool(ran_on.covers(key.rule_id, key.layer, [key.subject_id])[0])
        return Presence.CURED if is_checked else Presence.UNCHECKED


def _made_keys(review: Review) -> Mapping[WorkKey, str]:
    table = review.table
    rules, (layers, ids) = table.facets["rule"], table.subjects()
    found: dict[WorkKey, str] = {}
    for position, identity in enumerate(table.ids.tolist()):
        rule = rules.names[rules.codes[position]]
        found.setdefault(WorkKey(rule, layers[position], ids[position]), identity)
    return found


def _may(action: Action) -> bool:
    who = acting()
    return who is None or who.may(action)


def _is_overdue(last: Mapping[str, Any]) -> bool:
    due, state = last.get("due"), last.get("state")
    today = date.today().isoformat()  # noqa: DTZ011 - the county's calendar day
    return due is not None and state != WorkState.DONE and due < today


def _fits(last: Mapping[str, Any], asked: WorkFilter | None) -> bool:
    if asked is None:
        return True
    if asked is WorkFilter.OVERDUE:
        return _is_overdue(last)
    if asked is WorkFilter.MINE:
        is_mine = last["owner"] is not None and last["owner"] == acting_name()
        return is_mine and last["state"] != WorkState.DONE
    return bool(last["state"] == asked.value)
