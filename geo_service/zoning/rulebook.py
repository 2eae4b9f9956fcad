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
from dataclasses import dataclass, field
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

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
from geo_service.errors import Fault, RulebookError, UnfitError
from geo_service.model import BasisTag, LegalBasis, Severity
from geo_service.wording import quoted, said, shorten
from geo_service.zoning.check import Parameters, Scope, Tolerance
from geo_service.zoning.checks import FAMILIES
from geo_service.zoning.laws import (
    KIND_TAGS,
    DocumentKind,
    DocumentPart,
    LegalDocument,
    Register,
    Trust,
    Wording,
    can_carry,
    default_register,
    parse_documents,
    weaker_tag,
)

if TYPE_CHECKING:
    from geo_service.model import Message
    from geo_service.zoning.check import Check

DEFAULT_FILE = "rulebook.yaml"
TELLS_NEW_FROM_EXISTING = "river_distance"
"""The only family whose subjects can be new or existing."""
Titles = dict[Literal["zh-Hans", "zh-Hant", "en"], str]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BasisPart(_Part):
    """What a rule rests on: an article of a document of the register."""

    document: str
    """The document's id in the register."""
    article: str | None = None
    demands: Titles | None = None
    """What the article demands, in one sentence of ours; never a copied text."""


class LegalBasisPart(_Part):
    """What a rule rests on, in a county's own words: a document that no register holds."""

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
    bases: tuple[BasisPart, ...] = ()
    """What the rule rests on; the first whose document is in force on a day is cited."""
    legal_basis: LegalBasisPart | None = None
    basis_tag: BasisTag
    looked_at: date | None = None
    """For `legal_basis`: the day on which somebody last read the source; None if nobody has."""
    note: str | Titles | None = None
    """The note, in one language or in several."""
    enabled: bool = True

    @property
    def note_by_language(self) -> dict[str, str] | None:
        """The note by language; a note without a language counts as Chinese."""
        if self.note is None:
            return None
        return {"zh-Hans": self.note} if isinstance(self.note, str) else _plain_titles(self.note)

    @model_validator(mode="after")
    def _rests_on_something(self) -> RulePart:
        if bool(self.bases) == (self.legal_basis is not None):
            raise UnfitError(said("fault.bases_or_legal_basis"))
        return self


class _RulebookPart(_Part):
    format: Literal["1"]
    title: Titles
    extends: Literal["default"] | None = None
    documents: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """The county's own documents, beside those of the shipped register."""
    rules: Annotated[dict[str, dict[str, Any]], Field(min_length=1)]


@dataclass(frozen=True, kw_only=True)
class Basis:
    """One document that a rule rests on, with the article and what it demands."""

    document: LegalDocument
    article: str | None
    demands: Mapping[str, str] | None

    @property
    def legal_basis(self) -> LegalBasis:
        """The basis as findings cite it."""
        return LegalBasis(
            document=self.document.title,
            document_en=self.document.part.name.get("en"),
            document_id=self.document.document_id,
            number=self.document.part.number,
            article=self.article,
        )


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule: its data, its check, and what the county's rulebook changed."""

    rule_id: str
    part: RulePart
    check: Check
    parameters: Parameters
    bases: tuple[Basis, ...]
    overridden: Mapping[str, Any]
    """The shipped values that the county's rulebook replaced; empty if it changed nothing."""

    def basis_on(self, day: date) -> Basis | None:
        """Return the first basis whose document is in force on a day; None if none is."""
        return next((item for item in self.bases if item.document.is_in_force(day)), None)

    def cited(self, day: date) -> Basis:
        """Return the basis in force on a day, or else the first: what the rule is shown with."""
        return self.basis_on(day) or self.bases[0]

    def tag_on(self, day: date) -> BasisTag:
        """Return what the rule rests on: no more than the document cited on a day can carry."""
        return weaker_tag(self.part.basis_tag, self.cited(day).document.part.kind)

    def is_in_force(self, day: date) -> bool:
        """Return whether the rule is enabled and effective on a day and rests on a document."""
        return self._is_effective(day) and self.basis_on(day) is not None

    def lapsed_on(self, day: date) -> LegalDocument | None:
        """Return the document whose end ended the rule; None if the rule has not lapsed.

        A rule lapses when the last of its documents ends; one whose documents are all still to
        come has not.
        """
        if not self._is_effective(day) or self.basis_on(day) is not None:
            return None
        ended = [item.document for item in self.bases if item.document.ended_before(day)]
        return max(ended, key=_end, default=None)

    def _is_effective(self, day: date) -> bool:
        ends = self.part.effective_to
        return self.part.enabled and self.part.effective_from <= day and (not ends or day <= ends)


def _end(document: LegalDocument) -> date:
    return document.last_day or date.min


@dataclass(frozen=True)
class Rulebook:
    """A set of rules and the documents that they rest on; the version is derived from both."""

    title: Mapping[str, str]
    rules: Mapping[str, Rule]
    register: Register = field(default_factory=default_register)

    @property
    def documents(self) -> list[LegalDocument]:
        """The documents that rules rest on: those of the register in its order, then others."""
        cited = {
            item.document.document_id or item.document.title: item.document
            for rule in self.rules.values()
            for item in rule.bases
        }
        listed = [cited.pop(name) for name in self.register if name in cited]
        return [*listed, *cited.values()]

    @cached_property
    def version(self) -> str:
        """A short hash of the content of all rules and of the documents that they rest on."""
        content = {
            rule_id: {
                **rule.part.model_dump(mode="json"),
                "documents": [item.document.part.model_dump(mode="json") for item in rule.bases],
            }
            for rule_id, rule in self.rules.items()
        }
        text = json.dumps(content, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def in_force(self, day: date) -> list[Rule]:
        """Return the rules in force on a day, in the rulebook's order."""
        return [rule for rule in self.rules.values() if rule.is_in_force(day)]

    def idle(self, day: date) -> list[Rule]:
        """Return the enabled rules that are not applied on a day, and have not lapsed.

        Their own days, or the first days of their documents, lie after it, or they have expired.
        """
        return [
            rule
            for rule in self.rules.values()
            if rule.part.enabled and not rule.is_in_force(day) and rule.lapsed_on(day) is None
        ]

    def lapsed(self, day: date) -> list[tuple[Rule, LegalDocument]]:
        """Return the rules whose documents have ended without successor, with the last to end."""
        pairs = [(rule, rule.lapsed_on(day)) for rule in self.rules.values()]
        return [(rule, document) for rule, document in pairs if document is not None]


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


def parse_rulebook(text: str, file: str, *, base: Register | None = None) -> Rulebook:
    """Parse and check a rulebook's text, merged over the shipped rules if it extends them.

    Its documents are added to those of `base`, the shipped register if None.

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
            base = base or default_register()
            register, faults = parse_documents(whole.documents, file, lines, base=base)
            rules = _RulesOfFile(whole, file, lines, register or base, faults).build()
            if not faults:
                return Rulebook(_plain_titles(whole.title), rules, register or base)
    raise RulebookError(said("fault.rulebook_unusable"), faults)


def _plain_titles(titles: Titles) -> dict[str, str]:
    return {str(language): text for language, text in titles.items()}


@dataclass(frozen=True)
class _RulesOfFile:
    """Builds the rules of one file, gathering its faults."""

    whole: _RulebookPart
    file: str
    lines: Lines
    register: Register
    faults: list[Fault]

    def build(self) -> dict[str, Rule]:
        base = default_rulebook().rules if self.whole.extends else {}
        rules = dict(base)
        for rule_id, written in self.whole.rules.items():
            if len(self.faults) >= MAX_FAULTS:
                self.faults.append(too_many(self.file))
                break
            shipped = base.get(rule_id)
            if shipped is None and self.whole.extends and not {"family", "check"} <= set(written):
                self._fault(
                    rule_id,
                    found=said("fault.unknown_rule", rule=repr(shorten(rule_id))),
                    expected=nearest_name(rule_id, tuple(base)),
                )
                continue
            rule = self._rule(rule_id, written, shipped)
            if rule is not None:
                rules[rule_id] = rule
        return rules

    def _rule(self, rule_id: str, written: Mapping[str, Any], shipped: Rule | None) -> Rule | None:
        merged = _merge(shipped.part, written) if shipped else written
        part, problems = parse_model(RulePart, merged, self.file)
        self.faults.extend(
            _with_line(problem, rule_id, self.file, self.lines) for problem in problems
        )
        if part is None:
            return None
        check = self._check(part, rule_id)
        if check is None:
            return None
        if part.applies_to != "all" and part.family != TELLS_NEW_FROM_EXISTING:
            self._fault(
                rule_id,
                "applies_to",
                found=quoted(part.applies_to),
                expected=said("fault.applies_to_all", family=TELLS_NEW_FROM_EXISTING),
            )
        parameters = _check_parameters(check, part, rule_id, self.file, self.lines, self.faults)
        part = self._bound(part, rule_id, written, shipped)
        bases = self._bases(part, rule_id)
        if parameters is None or bases is None:
            return None
        return Rule(
            rule_id=rule_id,
            part=part,
            check=check,
            parameters=parameters,
            bases=bases,
            overridden=_changes(shipped.part, part) if shipped else {},
        )

    def _bound(
        self, part: RulePart, rule_id: str, written: Mapping[str, Any], shipped: Rule | None
    ) -> RulePart:
        """Return a rule that may bind: `must` needs a law or a document that the county names.

        A shipped rule that only advises is raised by the county, whatever it rests on: the law
        does not say it so firmly.
        """
        is_raised = shipped is not None and shipped.part.severity is not Severity.MUST
        if part.severity is not Severity.MUST or (part.basis_tag.is_binding and not is_raised):
            return part
        if {"legal_basis", "bases"} & set(written):
            return part.model_copy(update={"basis_tag": BasisTag.COUNTY_POLICY})
        self._fault(
            rule_id,
            "severity",
            found=quoted(part.severity.value),
            expected=said(
                "fault.raised_names_document"
                if part.basis_tag.is_binding
                else "fault.must_names_document",
                tag=said(f"basis_tag.{part.basis_tag}"),
            ),
        )
        return part

    def _bases(self, part: RulePart, rule_id: str) -> tuple[Basis, ...] | None:
        """Return a rule's documents with their articles; None if one is not what it claims."""
        tag = said(f"basis_tag.{part.basis_tag}")
        if part.legal_basis is not None:
            if part.basis_tag in {BasisTag.LAW, BasisTag.NORMATIVE_DOCUMENT}:
                self._fault(
                    rule_id,
                    "legal_basis",
                    found=quoted(part.legal_basis.document),
                    expected=said("fault.law_of_register", tag=tag),
                )
                return None
            return (_own_basis(part.legal_basis, part),)
        bases = []
        for number, item in enumerate(part.bases):
            document = self.register.get(item.document)
            if document is None:
                self._fault(
                    rule_id,
                    f"bases.{number}.document",
                    found=said("fault.unknown_document", document=repr(shorten(item.document))),
                    expected=nearest_name(item.document, tuple(self.register)),
                )
            else:
                demands = _plain_titles(item.demands) if item.demands else None
                bases.append(Basis(document=document, article=item.article, demands=demands))
        if len(bases) < len(part.bases):
            return None
        kinds = [item.document.part.kind for item in bases]
        can_bind = all(KIND_TAGS[kind].is_binding for kind in kinds)
        if any(can_carry(kind, part.basis_tag) for kind in kinds) and (
            can_bind or part.severity is not Severity.MUST
        ):
            return tuple(bases)
        self._fault(
            rule_id,
            "basis_tag",
            found=quoted(part.basis_tag.value),
            expected=said(
                "fault.tag_of_document",
                kinds=[said(f"document_kind.{kind}") for kind in dict.fromkeys(kinds)],
            ),
        )
        return None

    def _check(self, part: RulePart, rule_id: str) -> Check | None:
        family = FAMILIES.get(part.family)
        if family is not None and part.check in family:
            return family[part.check]
        known, field, name = (
            (FAMILIES, "family", part.family) if family is None else (family, "check", part.check)
        )
        self._fault(
            rule_id,
            field,
            found=said(f"fault.unknown_{field}", name=repr(shorten(name))),
            expected=nearest_name(name, tuple(known)),
        )
        return None

    def _fault(
        self, rule_id: str, field: str | None = None, *, found: Message, expected: Message
    ) -> None:
        place = ("rules", rule_id, *(field or "").split("."))
        self.faults.append(
            Fault(
                file=self.file,
                line=line_of(place if field else place[:2], self.lines),
                column=f"rules.{rule_id}.{field}" if field else None,
                found=found,
                expected=expected,
            )
        )


_KIND_OF_TAG = {
    BasisTag.COUNTY_POLICY: DocumentKind.COUNTY_POLICY,
    BasisTag.PUBLISHED_PRACTICE: DocumentKind.PRACTICE,
    BasisTag.PRODUCT_DEFAULT: DocumentKind.PRODUCT,
}
"""What a document in a county's own words is, by what the rule claims."""


def _own_basis(written: LegalBasisPart, part: RulePart) -> Basis:
    """Return a basis in a county's own words; nobody knows how long its document holds."""
    names: Wording = {"zh-Hans": written.document, "en": written.document_en or ""}
    return Basis(
        document=LegalDocument(
            document_id=None,
            part=DocumentPart(
                name={language: text for language, text in names.items() if text},
                kind=_KIND_OF_TAG[part.basis_tag],
                number=written.number,
                looked_at=part.looked_at,
                trust=Trust.READ if part.looked_at else Trust.KNOWN,
            ),
        ),
        article=written.article,
        demands=None,
    )


def _merge(shipped: RulePart, values: Mapping[str, Any]) -> dict[str, Any]:
    """Merge a county's values over the shipped ones; tables are merged key by key."""
    merged = shipped.model_dump(mode="json", exclude_none=True)
    for one, other in (("bases", "legal_basis"), ("legal_basis", "bases")):
        if one in values:
            merged.pop(other, None)
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
