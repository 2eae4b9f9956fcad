"""Approvals: what an authority has allowed of what a law lets it allow.

An approved finding is listed with the approval's document and does not count; once the approval
has expired it counts again. The county's own rules are set aside by waivers (`waivers`).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from geo_service.errors import UnfitError
from geo_service.model import BasisGroup
from geo_service.wording import quoted, said
from geo_service.zoning.entries import Entries, EntriesFile, Entry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from geo_service.model import Message
    from geo_service.plan import Plan
    from geo_service.zoning.rulebook import Rule, Rulebook


class Approval(Entry):
    """An authority's approval for one subject, by a document with a number."""

    document_number: Annotated[str, Field(min_length=1)]
    authority: Annotated[str, Field(min_length=1)]
    approved_on: date
    scope: Annotated[str, Field(min_length=1)]
    """What exactly was approved, in words."""
    expires_on: date | None = None
    """The last day on which the approval holds; None if it has no end."""

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Approval:
        if self.expires_on is not None and self.expires_on < self.approved_on:
            msg = said("fault.days_order", later="expires_on", earlier="approved_on")
            raise UnfitError(msg)
        return self

    def holds_on(self, day: date) -> bool:
        """Return whether the approval is in force on a day; its last day is `expires_on`."""
        return self.approved_on <= day and (self.expires_on is None or day <= self.expires_on)

    @property
    def shown(self) -> Mapping[str, str | None]:
        """What an approved finding says of the approval."""
        return {
            "document_number": self.document_number,
            "authority": self.authority,
            "approved_on": self.approved_on.isoformat(),
            "scope": self.scope,
            "expires_on": None if self.expires_on is None else self.expires_on.isoformat(),
        }


Approvals = Entries[Approval]


class _ApprovalsFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["1"]
    approvals: tuple[Approval, ...] = ()


def _refused(rule: Rule) -> tuple[Message, Message] | None:
    if rule.part.basis_tag.group is BasisGroup.LAW:
        return None
    return quoted(rule.rule_id), said("fault.approved_own_rule")


APPROVALS = EntriesFile[Approval](
    _ApprovalsFile, Approval, "approvals", "fault.approvals_unusable", _refused
)


def open_approvals(path: Path | None, rulebook: Rulebook, plan: Plan) -> Approvals:
    """Read a file's approvals and check them; see `EntriesFile.read`.

    An approval under a rule that rests on no law or normative document is a fault.
    """
    return APPROVALS.read(path, rulebook, plan)
