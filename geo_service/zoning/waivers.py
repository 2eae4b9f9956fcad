"""Waivers: set one of the county's own rules aside for one subject, with reason, author, expiry.

A waived finding is shown as waived, never hidden, and does not count; after the expiry day it
counts again. Nobody can waive a statute: what a law allows is an approval (`approvals`).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from geo_service.errors import UnfitError
from geo_service.model import BasisGroup, Severity
from geo_service.wording import quoted, said
from geo_service.zoning.entries import Entries, EntriesFile, Entry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from geo_service.model import Message
    from geo_service.plan import Plan
    from geo_service.zoning.rulebook import Rule, Rulebook


class Waiver(Entry):
    """One rule set aside for one subject, from a day on until it expires."""

    reason: Annotated[str, Field(min_length=1)]
    author: Annotated[str, Field(min_length=1)]
    granted_on: date
    expires_on: date
    document_number: str | None = None
    """The number of the decision; None if it has none."""

    @model_serializer(mode="wrap")
    def _without_nothing(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out a number that is not there: it is no part of the entries' version."""
        told: dict[str, Any] = write(self)
        if self.document_number is None:
            del told["document_number"]
        return told

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Waiver:
        if self.expires_on < self.granted_on:
            msg = said("fault.days_order", later="expires_on", earlier="granted_on")
            raise UnfitError(msg)
        return self

    def holds_on(self, day: date) -> bool:
        """Return whether the waiver is in force on a day; its last day is `expires_on`."""
        return self.granted_on <= day <= self.expires_on

    @property
    def shown(self) -> Mapping[str, str]:
        """What a waived finding says of the waiver."""
        number = {} if self.document_number is None else {"document_number": self.document_number}
        return {
            "reason": self.reason,
            "author": self.author,
            "granted_on": self.granted_on.isoformat(),
            "expires_on": self.expires_on.isoformat(),
            **number,
        }


Waivers = Entries[Waiver]


class _WaiversFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["1"]
    waivers: tuple[Waiver, ...] = ()


def _refused(rule: Rule) -> tuple[Message, Message] | None:
    is_statute = rule.part.severity is Severity.MUST and (
        rule.part.basis_tag.group is BasisGroup.LAW
    )
    return (quoted(rule.rule_id), said("fault.waived_law")) if is_statute else None


WAIVERS = EntriesFile[Waiver](_WaiversFile, Waiver, "waivers", "fault.waivers_unusable", _refused)


def open_waivers(path: Path | None, rulebook: Rulebook, plan: Plan) -> Waivers:
    """Read a file's waivers and check them; see `EntriesFile.read`.

    A waiver of a `must` rule that rests on a law or a normative document is a fault.
    """
    return WAIVERS.read(path, rulebook, plan)
