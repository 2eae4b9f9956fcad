"""Rulebooks: read rules from YAML, check them, and merge a county's own with the shipped ones.

The format is YAML because people write and discuss rulebooks: YAML allows comments, long
Chinese titles and nested parameters, and its parser gives the line of every fault (TOML
parsers in Python do not). Scalars are read as text and converted by the models, so a code
like 0601 stays a code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from geo_service.data import data_file
from geo_service.document_limits import MAX_FAULTS
from geo_service.documents import (
    Lines,
    faults_of,
    line_of,
    nearest_name,
    parse_model,
    read_text,
    read_yaml,
    too_many,
)
from geo_service.errors import Fault, RulebookError
from geo_service.model import BasisTag, LegalBasis, Severity
from geo_service.wording import quoted, said, shorten
from geo_service.zoning.check import Parameters, Scope, Tolerance
from geo_service.zoning.checks import FAMILIES

if TYPE_CHECKING:
    from geo_service.zoning.check import Check

DEFAULT_FILE = "rulebook.yaml"
TELLS_NEW_FROM_EXISTING = "river_distance"
"""The only family whose subjects can be new or existing."""
Titles = dict[Literal["zh-Hans", "zh-Hant", "en"], str]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LegalBasisPart(_Part):
    """A rule's legal basis, as written in a rulebook."""

    document: str
    document_en: str | None = None
    """English wording where the text is ours or the county's; names of laws are not translated."""
    number: str | None = None
    article: str | None = None


class RulePart(_Part):
    """One rule as written in a rulebook."""

    title: Titles
    family: str
    check: str
    severity: Severity
    parameters: dict[str, Any] = Field(default_factory=dict)
    scope: Scope = Scope()
    applies_to: Literal["new", "existing", "all"] = "all"
    effective_from: date
    effective_to: date | None = None
    tolerance: Tolerance = Tolerance()
    legal_basis: LegalBasisPart
    basis_tag: BasisTag
    looked_at: date | None = None
    """The day on which somebody last read the source; None if nobody has."""
    note: str | Titles | None = None
    """The note, in one language or in several."""
    enabled: bool = True

    @property
    def note_by_language(self) -> dict[str, str] | None:
        """The note by language; a note without a language counts as Chinese."""
        if self.note is None:
            return None
        return {"zh-Hans": self.note} if isinstance(self.note, str) else _plain_titles(self.note)


class _RulebookPart(_Part):
    format: Literal["1"]
    title: Titles
    extends: Literal["default"] | None = None
    rules: Annotated[dict[str, dict[str, Any]], Field(min_length=1)]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule: its data, its check, and what the county's rulebook changed."""

    rule_id: str
    part: RulePart
    check: Check
    parameters: Parameters
    overridden: Mapping[str, Any]
    """The shipped values that the county's rulebook replaced; empty if it changed nothing."""

    @property
    def legal_basis(self) -> LegalBasis:
        """The rule's legal basis."""
        return LegalBasis(**self.part.legal_basis.model_dump())

    def is_in_force(self, day: date) -> bool:
        """Return whether the rule is enabled and effective on a day."""
        ends = self.part.effective_to
        return self.part.enabled and self.part.effective_from <= day and (not ends or day <= ends)


@dataclass(frozen=True)
class Rulebook:
    """A set of rules, with a version derived from its content."""

    title: Mapping[str, str]
    rules: Mapping[str, Rule]

    @property
    def version(self) -> str:
        """A short hash of all rules' content."""
        content = {
            rule_id: rule.part.model_dump(mode="json") for rule_id, rule in self.rules.items()
        }
        text = json.dumps(content, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def in_force(self, day: date) -> list[Rule]:
        """Return the rules in force on a day, in the rulebook's order."""
        return [rule for rule in self.rules.values() if rule.is_in_force(day)]


@cache
def default_rulebook() -> Rulebook:
    """Return the shipped rulebook."""
    text = data_file(DEFAULT_FILE).read_text(encoding="utf-8")
    return parse_rulebook(text, DEFAULT_FILE)


def open_rulebook(path: Path | None) -> Rulebook:
    """Return a county's rulebook; the shipped one if the path is None.

    Raises
    ------
    RulebookError
        The file is missing or invalid; the error lists every fault with its line.
    """
    if path is None:
        return default_rulebook()
    text, faults = read_text(path)
    if faults:
        raise RulebookError(said("fault.rulebook_unusable"), faults)
    return parse_rulebook(text, path.name)


def parse_rulebook(text: str, file: str) -> Rulebook:
    """Parse and check a rulebook's text, merged over the shipped rules if it extends them.

    Raises
    ------
    RulebookError
        A rule, family, check or parameter is unknown, or a value is missing or wrong; the
        error lists every fault with file, line and the nearest known name.
    """
    data, lines, faults = read_yaml(text, file)
    if not faults:
        whole, faults = parse_model(_RulebookPart, data, file, lines=lines)
        if whole is not None:
            rules = _build_rules(whole, file, lines, faults)
            if not faults:
                return Rulebook(title=_plain_titles(whole.title), rules=rules)
    raise RulebookError(said("fault.rulebook_unusable"), faults)


def _plain_titles(titles: Titles) -> dict[str, str]:
    return {str(language): text for language, text in titles.items()}


def _build_rules(
    whole: _RulebookPart, file: str, lines: Lines, faults: list[Fault]
) -> dict[str, Rule]:
    base = default_rulebook().rules if whole.extends else {}
    rules = dict(base)
    for rule_id, written in whole.rules.items():
        if len(faults) >= MAX_FAULTS:
            faults.append(too_many(file))
            break
        shipped = base.get(rule_id)
        if shipped is None and whole.extends and not {"family", "check"} <= set(written):
            faults.append(
                Fault(
                    file=file,
                    line=line_of(("rules", rule_id), lines),
                    found=said("fault.unknown_rule", rule=repr(shorten(rule_id))),
                    expected=nearest_name(rule_id, tuple(base)),
                )
            )
            continue
        merged = _merge(shipped.part, written) if shipped else written
        part, problems = parse_model(RulePart, merged, file)
        faults += [_with_line(problem, rule_id, file, lines) for problem in problems]
        if part is None:
            continue
        check = _find_check(part, rule_id, file, lines, faults)
        if check is None:
            continue
        if part.applies_to != "all" and part.family != TELLS_NEW_FROM_EXISTING:
            faults.append(
                Fault(
                    file=file,
                    line=line_of(("rules", rule_id, "applies_to"), lines),
                    column=f"rules.{rule_id}.applies_to",
                    found=quoted(part.applies_to),
                    expected=said("fault.applies_to_all", family=TELLS_NEW_FROM_EXISTING),
                )
            )
        parameters = _check_parameters(check, part, rule_id, file, lines, faults)
        if parameters is not None:
            rules[rule_id] = Rule(
                rule_id=rule_id,
                part=part,
                check=check,
                parameters=parameters,
                overridden=_changes(shipped.part, part) if shipped else {},
            )
    return rules


def _merge(shipped: RulePart, values: Mapping[str, Any]) -> dict[str, Any]:
    """Merge a county's values over the shipped ones; tables are merged key by key."""
    merged = shipped.model_dump(mode="json", exclude_none=True)
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            table = merged[key]
            if key == "legal_basis" and "document" in value:
                table = {name: table[name] for name in table if name != "document_en"}
            merged[key] = {**table, **value}
        else:
            merged[key] = value
    return merged


def _changes(shipped: RulePart, part: RulePart) -> dict[str, Any]:
    before, after = shipped.model_dump(mode="json"), part.model_dump(mode="json")
    return {key: value for key, value in before.items() if value != after[key]}


def _with_line(problem: Fault, rule_id: str, file: str, lines: Lines) -> Fault:
    location = ("rules", rule_id, *(problem.column or "").split("."))
    return Fault(
        file=file,
        line=line_of(location, lines),
        column=f"rules.{rule_id}.{problem.column}",
        found=problem.found,
        expected=problem.expected,
    )


def _find_check(
    part: RulePart, rule_id: str, file: str, lines: Lines, faults: list[Fault]
) -> Check | None:
    family = FAMILIES.get(part.family)
    known, field, name = (
        (FAMILIES, "family", part.family) if family is None else (family, "check", part.check)
    )
    if family is not None and part.check in family:
        return family[part.check]
    faults.append(
        Fault(
            file=file,
            line=line_of(("rules", rule_id, field), lines),
            column=f"rules.{rule_id}.{field}",
            found=said(f"fault.unknown_{field}", name=repr(shorten(name))),
            expected=nearest_name(name, tuple(known)),
        )
    )
    return None


def _check_parameters(
    check: Check, part: RulePart, rule_id: str, file: str, lines: Lines, faults: list[Fault]
) -> Parameters | None:
    from pydantic import ValidationError  # noqa: PLC0415 - beside its one use

    try:
        return check.parameters.model_validate(part.parameters)
    except ValidationError as error:
        under = ("rules", rule_id, "parameters")
        faults += faults_of(error, check.parameters, file, lines=lines, under=under)
        return None
