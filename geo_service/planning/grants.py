"""Waivers and approvals by form: granted with document number, reason and expiry, and revoked.

They are lines of the ledger, which nobody edits. Every review of a plan that is opened after that
goes by them as by those of the workspace's files; a running service opens the plan again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from geo_service.access import acting_name
from geo_service.domain.subjects import subject_ids
from geo_service.errors import NotFoundError
from geo_service.model import Finding, park_verdict
from geo_service.stores.ledger import GRANTED, REVOKED, Topic
from geo_service.wording import said
from geo_service.zoning.approvals import APPROVALS
from geo_service.zoning.waivers import WAIVERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from geo_service.planning.state import ServiceState
    from geo_service.reports.document import Document
    from geo_service.stores.ledger import LedgerLine
    from geo_service.zoning.entries import EntriesFile


class GrantKind(StrEnum):
    """What is granted: a rule of the county set aside, or what an authority has approved."""

    WAIVER = "waiver"
    APPROVAL = "approval"


_LISTS: Mapping[GrantKind, EntriesFile[Any]] = {
    GrantKind.WAIVER: WAIVERS,
    GrantKind.APPROVAL: APPROVALS,
}


@dataclass(frozen=True, kw_only=True)
class GrantForm:
    """What a form says."""

    kind: GrantKind
    rule_id: str
    layer: str
    subject_id: str
    finding_id: str | None = None
    document_number: str | None = None
    reason: str
    """Of a waiver why; of an approval what exactly was approved."""
    authority: str | None = None
    begins_on: date | None = None
    """The first day; today if None."""
    expires_on: date | None = None

    @property
    def subject(self) -> str:
        """What the ledger keeps it by: a later one of the same kind takes its place."""
        finding = self.finding_id or ""
        return f"{self.kind}|{self.rule_id}|{self.layer}|{finding}|{self.subject_id}"

    def entry(self) -> dict[str, Any]:
        """Return the entry as a file has it."""
        begins = (self.begins_on or date.today()).isoformat()  # noqa: DTZ011 - the county's day
        values: dict[str, Any] = {
            "rule_id": self.rule_id,
            "subject": {"layer": self.layer, "id": self.subject_id},
            "document_number": self.document_number,
        }
        if self.finding_id is not None:
            values["finding_id"] = self.finding_id
        if self.expires_on is not None:
            values["expires_on"] = self.expires_on.isoformat()
        if self.kind is GrantKind.WAIVER:
            author = acting_name() or self.authority
            return {**values, "reason": self.reason, "author": author, "granted_on": begins}
        approved = {"authority": self.authority, "approved_on": begins, "scope": self.reason}
        return {**values, **approved}


class GrantDesk:
    """Waivers and approvals of one county by form. Safe to use from several threads."""

    def __init__(self, state: ServiceState) -> None:
        self._state = state

    def effect(self, form: GrantForm) -> Document:
        """Return what a form would do to the current review, if it were in force on its day.

        RulebookError lists what is wrong with it; NotFoundError for a subject that is not there.
        """
        entry = _LISTS[form.kind].parse(form.entry(), self._state.rulebook)
        plan = self._state.plan
        ids = subject_ids(form.layer, plan.frame(form.layer))
        if form.subject_id not in set(ids):
            subject = f"{form.layer}/{form.subject_id}"
            raise NotFoundError(said("work.no_subject", subject=repr(subject[:80])))
        review = self._state.review
        holds = entry.holds_on(review.as_of)
        aside = {item.finding_id for item in self._meant(form) if holds and _counts(item)}
        parks = sorted({item.park_id for item in self._meant(form) if item.park_id})
        return {
            "findings": sorted(aside),
            "holds_today": holds,
            "parks": [
                {
                    "park_id": park_id,
                    "before": review.park_verdicts[park_id].value,
                    "after": park_verdict(
                        [
                            (item.severity, item.verdict)
                            for item in review.findings_of(park_id)
                            if _counts(item) and item.finding_id not in aside
                        ]
                    ).value,
                }
                for park_id in parks
                if park_id in review.park_verdicts
            ],
        }

    def grant(self, form: GrantForm) -> Document:
        """Grant what a form says and return it; raises as `effect`, and ConflictError.

        What was granted before of the same kind for the same rule and subject ends with it.
        """
        self.effect(form)
        entry = _LISTS[form.kind].parse(form.entry(), self._state.rulebook)
        content = {
            "step": GRANTED,
            "kind": form.kind.value,
            "list": _LISTS[form.kind].items,
            "entry": entry.model_dump(mode="json", exclude_none=True),
        }
        ledger = self._state.workspace.store.ledger
        lines = ledger.about(Topic.ENTRY, form.subject)
        after = lines[-1].number if lines else 0
        who = acting_name() or ""
        return _told([ledger.add(Topic.ENTRY, form.subject, who, content, after=after)])

    def revoke(self, identity: str, reason: str) -> Document:
        """End what was granted under an id; NotFoundError for an unknown or ended one."""
        ledger = self._state.workspace.store.ledger
        for subject, lines in ledger.of(Topic.ENTRY).items():
            last = lines[-1]
            if _identity(lines) == identity and last.content["step"] == GRANTED:
                content = {**last.content, "step": REVOKED, "reason": reason}
                who = acting_name() or ""
                more = ledger.add(Topic.ENTRY, subject, who, content, after=last.number)
                return _told([*lines, more])
        raise NotFoundError(said("work.no_entry", name=repr(identity[:80])))

    def listed(self) -> list[Document]:
        """Return what was ever granted by form, the last one done first."""
        if not self._state.has_workspace:
            return []
        every = self._state.workspace.store.ledger.of(Topic.ENTRY).values()
        return [_told(lines) for lines in sorted(every, key=lambda one: -one[-1].number)]

    def about(self, rule_id: str, layer: str, subject_id: str) -> list[Document]:
        """Return what was ever granted of a rule for a subject, the last one done first."""
        meant = (rule_id, layer, subject_id)
        return [one for one in self.listed() if _meant_by(one["entry"]) == meant]

    def _meant(self, form: GrantForm) -> list[Finding]:
        table = self._state.review.table
        rules = table.facets["rule"]
        layers, ids = table.subjects()
        found = [
            position
            for position, is_rule in enumerate(rules.among({form.rule_id}).tolist())
            if is_rule and (layers[position], ids[position]) == (form.layer, form.subject_id)
        ]
        chosen = self._state.review.results.at(found)
        return [item for item in chosen if form.finding_id in {None, item.finding_id}]


def _meant_by(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    return entry["rule_id"], entry["subject"]["layer"], entry["subject"]["id"]


def _counts(finding: Finding) -> bool:
    return finding.waived is None and finding.approval is None


def _identity(lines: Sequence[LedgerLine]) -> str:
    granted = [line.number for line in lines if line.content["step"] == GRANTED]
    return f"e-{granted[-1]}"


def _told(lines: Sequence[LedgerLine]) -> Document:
    """Return an entry with all that was done with it, and whether it holds today."""
    last = lines[-1]
    content: Mapping[str, Any] = last.content
    today = date.today().isoformat()  # noqa: DTZ011 - the county's calendar day
    entry = content["entry"]
    begins = entry.get("granted_on") or entry.get("approved_on")
    is_due = begins <= today <= (entry.get("expires_on") or today)
    return {
        "entry_id": _identity(lines),
        "kind": content["kind"],
        "entry": entry,
        "is_revoked": content["step"] == REVOKED,
        "holds_today": content["step"] == GRANTED and is_due,
        "log": [
            {
                "number": line.number,
                "at": line.at,
                "account": line.account,
                "step": line.content["step"],
                "reason": line.content.get("reason"),
            }
            for line in lines
        ],
    }
