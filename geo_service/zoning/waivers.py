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

from geo_service.documents import line_of, nearest_name, parse_model, read_text, read_yaml
from geo_service.errors import Fault, RulebookError
from geo_service.model import Finding, Subject

if TYPE_CHECKING:
    from pathlib import Path

    from geo_service.plan import Plan
    from geo_service.zoning.rulebook import Rulebook

_UNUSABLE = "The waivers cannot be used:"


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
    """The waivers of a county."""

    entries: tuple[Waiver, ...] = ()

    @property
    def version(self) -> str:
        """A short hash over all waivers, empty when there are none."""
        if not self.entries:
            return ""
        text = "\n".join(entry.model_dump_json() for entry in self.entries)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def apply(self, findings: Iterable[Finding], day: date) -> list[Finding]:
        """Return the findings, those with a waiver that holds on this day marked as waived."""
        holding = {
            (entry.rule_id, Subject(entry.subject.layer, entry.subject.id)): entry
            for entry in self.entries
            if entry.holds_on(day)
        }
        return [
            replace(finding, waived=_shown(holding[finding.rule_id, finding.subject]))
            if (finding.rule_id, finding.subject) in holding
            else finding
            for finding in findings
        ]


def _shown(waiver: Waiver) -> Mapping[str, str]:
    return {
        "reason": waiver.reason,
        "author": waiver.author,
        "granted_on": waiver.granted_on.isoformat(),
        "expires_on": waiver.expires_on.isoformat(),
    }


def open_waivers(path: Path | None, rulebook: Rulebook, plan: Plan) -> Waivers:
    """Return the waivers of a file, checked against rules and features; none without a path.

    Raises
    ------
    RulebookError
        The file breaks its form, or names a rule or a feature that does not exist; every
        fault with its line.
    """
    if path is None:
        return Waivers()
    text, faults = read_text(path)
    if faults:
        raise RulebookError(_UNUSABLE, faults)
    data, lines, faults = read_yaml(text, path.name)
    if not faults:
        whole, faults = parse_model(_WaiversFile, data, path.name, lines=lines)
        if whole is not None:
            for number, entry in enumerate(whole.waivers):
                line = line_of(("waivers", number), lines)
                faults += _faults_of(entry, path.name, line, rulebook, plan)
            if not faults:
                return Waivers(whole.waivers)
    raise RulebookError(_UNUSABLE, faults)


def _faults_of(
    entry: Waiver, file: str, line: int | None, rulebook: Rulebook, plan: Plan
) -> Sequence[Fault]:
    faults = []
    if entry.rule_id not in rulebook.rules:
        found, expected = entry.rule_id, nearest_name(entry.rule_id, tuple(rulebook.rules))
        faults.append(Fault(file=file, line=line, found=f"rule {found!r}", expected=expected))
    layer, identity = entry.subject.layer, entry.subject.id
    frame = plan.frame(layer)
    known = (
        frame["building_id"] + "/" + frame["floor_no"].astype("str")
        if layer == "floors"
        else frame[frame.columns[0]]
    )
    if not (known == identity).any():
        expected = f"an id that layer {layer} has"
        faults.append(Fault(file=file, line=line, found=repr(identity), expected=expected))
    return faults
