"""Waivers: a named rule set aside on a named subject, with reason, author and expiry.

A waived finding is shown as waived, never hidden, and does not count; after the expiry
day it counts again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from geo_service.document_limits import MAX_FAULTS
from geo_service.documents import (
    line_of,
    nearest_name,
    parse_model,
    read_text,
    read_yaml,
    shorten,
    too_many,
)
from geo_service.domain.subjects import subject_ids
from geo_service.errors import Fault, RulebookError
from geo_service.model import Finding, Subject
from geo_service.wording import said
from geo_service.zoning.rulebook import default_rulebook

if TYPE_CHECKING:
    from pathlib import Path

    from geo_service.plan import Plan
    from geo_service.zoning.rulebook import Rulebook


class SubjectPart(BaseModel):
    """The feature that a waiver is for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    layer: Literal["parks", "parcels", "buildings", "floors", "enterprises"]
    id: str


class Waiver(BaseModel):
    """One rule set aside on one subject, from a day on until it expires."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule_id: str
    subject: SubjectPart
    finding_id: str | None = None
    """Limits the waiver to one of several findings of the rule on the subject."""
    reason: Annotated[str, Field(min_length=1)]
    author: Annotated[str, Field(min_length=1)]
    granted_on: date
    expires_on: date

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Waiver:
        if self.expires_on < self.granted_on:
            msg = "expires_on must not be before granted_on"
            raise ValueError(msg)
        return self

    def holds_on(self, day: date) -> bool:
        """Return whether the waiver holds on a day; its last day is `expires_on`."""
        return self.granted_on <= day <= self.expires_on


class _WaiversFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["1"]
    waivers: tuple[Waiver, ...] = ()


@dataclass(frozen=True)
class Waivers:
    """The waivers of a county, and what they name that is not there any more."""

    entries: tuple[Waiver, ...] = ()
    stale: tuple[str, ...] = ()
    """Subjects as `layer/id` that the plan does not have (any more)."""

    @property
    def version(self) -> str:
        """A short hash over all waivers, empty when there are none."""
        if not self.entries:
            return ""
        text = "\n".join(entry.model_dump_json() for entry in self.entries)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def apply(self, findings: Iterable[Finding], day: date) -> list[Finding]:
        """Return the findings, those with a waiver that holds on this day marked as waived."""
        holding: dict[tuple[str, Subject], list[Waiver]] = {}
        for entry in self.entries:
            if entry.holds_on(day):
                subject = Subject(entry.subject.layer, entry.subject.id)
                holding.setdefault((entry.rule_id, subject), []).append(entry)
        return [_waived(item, holding.get((item.rule_id, item.subject), ())) for item in findings]


def _waived(finding: Finding, waivers: Sequence[Waiver]) -> Finding:
    for waiver in waivers:
        if waiver.finding_id in {None, finding.finding_id}:
            return replace(finding, waived=_shown(waiver))
    return finding


def _shown(waiver: Waiver) -> Mapping[str, str]:
    return {
        "reason": waiver.reason,
        "author": waiver.author,
        "granted_on": waiver.granted_on.isoformat(),
        "expires_on": waiver.expires_on.isoformat(),
    }


def open_waivers(path: Path | None, rulebook: Rulebook, plan: Plan) -> Waivers:
    """Return the waivers of a file, checked against the rules; none without a path.

    A waiver of a feature that the plan does not have (any more) harms nothing; it is listed
    as stale. A shipped rule that the rulebook at hand leaves out is no fault either.

    Raises
    ------
    RulebookError
        The file breaks its form, or names a rule that does not exist; every fault with its
        line.
    """
    if path is None:
        return Waivers()
    text, faults = read_text(path)
    if faults:
        raise RulebookError(said("fault.waivers_unusable"), faults)
    data, lines, faults = read_yaml(text, path.name)
    if not faults:
        whole, faults = parse_model(_WaiversFile, data, path.name, lines=lines)
        if whole is not None:
            known = {*rulebook.rules, *default_rulebook().rules}
            for number, entry in enumerate(whole.waivers):
                if len(faults) >= MAX_FAULTS:
                    faults.append(too_many(path.name))
                    break
                if entry.rule_id not in known:
                    line = line_of(("waivers", number), lines)
                    found = said("fault.unknown_waived", rule=repr(shorten(entry.rule_id)))
                    expected = nearest_name(entry.rule_id, tuple(sorted(known)))
                    faults.append(Fault(file=path.name, line=line, found=found, expected=expected))
            if not faults:
                layers = {entry.subject.layer for entry in whole.waivers}
                there = {
                    layer: frozenset(subject_ids(layer, plan.frame(layer))) for layer in layers
                }
                stale = [
                    f"{entry.subject.layer}/{entry.subject.id}"
                    for entry in whole.waivers
                    if entry.subject.id not in there[entry.subject.layer]
                ]
                return Waivers(whole.waivers, tuple(stale))
    raise RulebookError(said("fault.waivers_unusable"), faults)
