"""Entries about single findings: what waivers and approvals have in common.

An entry names a rule and a subject, and holds on some days. Both kinds stand in YAML files that
people write, or were granted by form; both are checked against the rules and the plan.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from geo_service.document_limits import MAX_FAULTS
from geo_service.documents import (
    line_of,
    nearest_name,
    parse_model,
    read_text,
    read_yaml,
    too_many,
)
from geo_service.domain.subjects import subject_ids
from geo_service.errors import Fault, RulebookError
from geo_service.model import Finding, Subject
from geo_service.wording import said, shorten
from geo_service.zoning.rulebook import default_rulebook

if TYPE_CHECKING:
    from pathlib import Path

    from geo_service.model import Message
    from geo_service.plan import Plan
    from geo_service.zoning.rulebook import Rule, Rulebook


class SubjectPart(BaseModel):
    """The feature that an entry is for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    layer: Literal["parks", "parcels", "buildings", "floors", "enterprises"]
    id: str


class Entry(BaseModel):
    """What is decided about one rule and one subject."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule_id: str
    subject: SubjectPart
    finding_id: str | None = None
    """Limits the entry to one of several findings by the rule on the subject."""

    @abstractmethod
    def holds_on(self, day: date) -> bool:
        """Return whether the entry is in force on a day."""


E = TypeVar("E", bound=Entry)


@dataclass(frozen=True)
class Entries(Generic[E]):
    """A county's entries of one kind, and those of their subjects that no longer exist."""

    entries: tuple[E, ...] = ()
    stale: tuple[str, ...] = ()
    """Subjects (`layer/id`) that the plan does not have (any more)."""

    @property
    def version(self) -> str:
        """A short hash of all entries; empty if there are none."""
        if not self.entries:
            return ""
        text = "\n".join(entry.model_dump_json() for entry in self.entries)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def holding_on(self, day: date) -> Callable[[Finding], E | None]:
        """Return a function that finds the entry in force on a day for a finding."""
        holding: dict[tuple[str, Subject], list[E]] = {}
        for entry in self.entries:
            if entry.holds_on(day):
                subject = Subject(entry.subject.layer, entry.subject.id)
                holding.setdefault((entry.rule_id, subject), []).append(entry)

        def find(finding: Finding) -> E | None:
            for entry in holding.get((finding.rule_id, finding.subject), ()):
                if entry.finding_id in {None, finding.finding_id}:
                    return entry
            return None

        return find


@dataclass(frozen=True)
class EntriesFile(Generic[E]):
    """How entries are read: a file's model, its list's name, and which rules they may name."""

    model: type[BaseModel]
    entry: type[E]
    items: str
    unusable: str
    """The key of the sentence that introduces the file's faults."""
    problem: Callable[[Rule], tuple[Message, Message] | None]
    """What is found and expected where a rule takes no entries of this kind; None if it does."""

    def read(self, path: Path | None, rulebook: Rulebook, plan: Plan) -> Entries[E]:
        """Read the entries and check them, and add those that were granted by form.

        None are read if the path is None. An entry for a feature that the plan does not have (any
        more) is not a fault; it is listed as stale. Nor is one for a shipped rule that this
        rulebook leaves out.

        Raises
        ------
        RulebookError
            The file is invalid or names a rule that does not exist or takes no such entry; the
            error lists every fault with its line.
        """
        granted, idle = self._granted(rulebook, plan)
        if path is None:
            return Entries(granted, (*_stale(granted, plan), *idle))
        text, faults = read_text(path)
        if not faults:
            data, lines, faults = read_yaml(text, path.name)
        if not faults:
            whole, faults = parse_model(self.model, data, path.name, lines=lines)
            if whole is not None:
                entries: tuple[E, ...] = getattr(whole, self.items)
                faults = self._faults(entries, path.name, lines, rulebook)
                if not faults:
                    every = (*entries, *granted)
                    return Entries(every, (*_stale(every, plan), *idle))
        raise RulebookError(said(self.unusable), faults)

    def parse(self, values: Mapping[str, Any], rulebook: Rulebook) -> E:
        """Return one entry, given as JSON values.

        Raises
        ------
        RulebookError
            A value is missing or wrong, or the rule takes no such entry; every fault is listed.
        """
        entry, faults = parse_model(self.entry, values, self.items, lines={})
        if entry is not None:
            faults = self._faults((entry,), self.items, {}, rulebook)
            if not faults:
                return entry
        raise RulebookError(said(self.unusable), faults)

    def _granted(self, rulebook: Rulebook, plan: Plan) -> tuple[tuple[E, ...], tuple[str, ...]]:
        """Return the entries that were granted by form, and the subjects of those of no use.

        Rules may have changed since they were granted.
        """
        entries, idle = [], []
        for values in plan.settings.granted.get(self.items, ()):
            try:
                entries.append(self.parse(values, rulebook))
            except RulebookError:
                subject = values.get("subject", {})
                idle.append(f"{subject.get('layer')}/{subject.get('id')}")
        return tuple(entries), tuple(idle)

    def _faults(
        self, entries: tuple[E, ...], file: str, lines: Mapping[Any, int], rulebook: Rulebook
    ) -> list[Fault]:
        known = {**default_rulebook().rules, **rulebook.rules}
        faults: list[Fault] = []
        for number, entry in enumerate(entries):
            if len(faults) >= MAX_FAULTS:
                faults.append(too_many(file))
                break
            rule = known.get(entry.rule_id)
            if rule is None:
                problem = (
                    said("fault.unknown_rule_named", rule=repr(shorten(entry.rule_id))),
                    nearest_name(entry.rule_id, tuple(sorted(known))),
                )
            else:
                refused = self.problem(rule)
                if refused is None:
                    continue
                problem = refused
            line = line_of((self.items, number), lines)
            faults.append(Fault(file=file, line=line, found=problem[0], expected=problem[1]))
        return faults


def _stale(entries: tuple[E, ...], plan: Plan) -> tuple[str, ...]:
    layers = {entry.subject.layer for entry in entries}
    there = {layer: frozenset(subject_ids(layer, plan.frame(layer))) for layer in layers}
    return tuple(
        f"{entry.subject.layer}/{entry.subject.id}"
        for entry in entries
        if entry.subject.id not in there[entry.subject.layer]
    )
