"""The register of documents that rules rest on: which is in force on a day, and who read it.

A document is dated data: its first and last day in force, its successor, the day on which
somebody last read it. The register ships as `data/laws.yaml`; a county's rulebook adds its own
documents. Which article a rule takes, and what it demands, stands with the rule.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from geo_service.data import data_file
from geo_service.document_limits import MAX_FAULTS
from geo_service.documents import (
    Lines,
    faults_of,
    line_of,
    nearest_name,
    parse_model,
    read_yaml,
    too_many,
)
from geo_service.errors import Fault, RulebookError, UnfitError
from geo_service.model import BasisTag, Message
from geo_service.wording import quoted, said, shorten

DEFAULT_FILE = "laws.yaml"
STALE_MONTHS = 12
"""A document that nobody has read for longer is stale."""
_UNDER = "documents"
_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")

_Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Wording = dict[Literal["zh-Hans", "zh-Hant", "en"], _Text]
"""A text by language; names of laws are given in Chinese only."""


class DocumentKind(StrEnum):
    """What a document is."""

    LAW = "law"
    REGULATION = "regulation"
    NORMATIVE_DOCUMENT = "normative_document"
    STANDARD = "standard"
    COUNTY_POLICY = "county_policy"
    PRACTICE = "practice"
    PRODUCT = "product"


class DocumentState(StrEnum):
    """What a document is on a day."""

    IN_FORCE = "in_force"
    ENDED = "ended"
    TO_COME = "to_come"


class Trust(StrEnum):
    """How a document came to be known: its text, a secondary copy, or general knowledge."""

    READ = "read"
    COPY = "copy"
    KNOWN = "known"


KIND_TAGS: Mapping[DocumentKind, BasisTag] = MappingProxyType(
    {
        DocumentKind.LAW: BasisTag.LAW,
        DocumentKind.REGULATION: BasisTag.LAW,
        DocumentKind.NORMATIVE_DOCUMENT: BasisTag.NORMATIVE_DOCUMENT,
        DocumentKind.STANDARD: BasisTag.NORMATIVE_DOCUMENT,
        DocumentKind.COUNTY_POLICY: BasisTag.COUNTY_POLICY,
        DocumentKind.PRACTICE: BasisTag.PUBLISHED_PRACTICE,
        DocumentKind.PRODUCT: BasisTag.PRODUCT_DEFAULT,
    }
)
"""The most that a rule resting on a document of a kind may claim."""
_FROM_THE_STRONGEST = tuple(BasisTag)


def can_carry(kind: DocumentKind, tag: BasisTag) -> bool:
    """Return whether a rule with this tag may rest on a document of this kind.

    A rule may claim less than its document: a law's sentence with a threshold of our own is a
    `product_default`.

    >>> can_carry(DocumentKind.LAW, BasisTag.PRODUCT_DEFAULT)
    True
    >>> can_carry(DocumentKind.PRACTICE, BasisTag.LAW)
    False
    """
    return _FROM_THE_STRONGEST.index(tag) >= _FROM_THE_STRONGEST.index(KIND_TAGS[kind])


def weaker_tag(tag: BasisTag, kind: DocumentKind) -> BasisTag:
    """Return what a rule may claim that rests on a document of a kind and claims a tag.

    >>> weaker_tag(BasisTag.LAW, DocumentKind.NORMATIVE_DOCUMENT).value
    'normative_document'
    """
    return max(tag, KIND_TAGS[kind], key=_FROM_THE_STRONGEST.index)


class DocumentPart(BaseModel):
    """A document as written in a register."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Wording
    kind: DocumentKind
    number: _Text | None = None
    issuer: Wording | None = None
    in_force_from: date | None = None
    in_force_until: date | None = None
    """The last day in force."""
    superseded_by: str | None = None
    looked_at: date | None = None
    """The day on which the text was last read; None if nobody has read it."""
    trust: Trust
    certainty: Annotated[float, Field(gt=0, le=1)] | None = None
    """How sure general knowledge is of it, from 0 to 1."""
    note: Wording | None = None

    @model_validator(mode="after")
    def _names_itself(self) -> DocumentPart:
        if not (self.name.get("zh-Hans") or self.name.get("en")):
            raise UnfitError(said("fault.document_name"))
        if self.certainty is not None and self.trust is not Trust.KNOWN:
            raise UnfitError(said("fault.certainty_known"))
        begins, ends = self.in_force_from, self.in_force_until
        if begins and ends and ends < begins:
            msg = said("fault.days_order", later="in_force_until", earlier="in_force_from")
            raise UnfitError(msg)
        return self


@dataclass(frozen=True, kw_only=True)
class LegalDocument:
    """One document of a register, with the days on which it is in force.

    A document without a last day of its own ends on the day before its successor begins.
    """

    document_id: str | None
    """Its id in the register; None for one that a rule names in its own words."""
    part: DocumentPart
    last_day: date | None = None
    """The last day in force; None if it is in force still, or replaced nobody knows when."""

    @property
    def title(self) -> str:
        """The name in Chinese, or in English where it has no other."""
        return self.part.name.get("zh-Hans") or self.part.name["en"]

    @property
    def first_day(self) -> date | None:
        """The first day in force; None if it is not known."""
        return self.part.in_force_from

    @property
    def is_undated_predecessor(self) -> bool:
        """Whether it was replaced and nobody knows when: it is in force on no day."""
        return self.part.superseded_by is not None and self.last_day is None

    def is_in_force(self, day: date) -> bool:
        """Return whether the document is in force on a day; an unknown first day is long past."""
        has_begun = self.first_day is None or self.first_day <= day
        return has_begun and not self.ended_before(day)

    def ended_before(self, day: date) -> bool:
        """Return whether the document's last day lies before a day."""
        return self.is_undated_predecessor or (self.last_day is not None and self.last_day < day)

    def state_on(self, day: date) -> DocumentState:
        """Return whether the document is in force on a day, ended before it, or still to come."""
        if self.ended_before(day):
            return DocumentState.ENDED
        return DocumentState.IN_FORCE if self.is_in_force(day) else DocumentState.TO_COME

    def is_stale(self, day: date, months: int = STALE_MONTHS) -> bool:
        """Return whether nobody has read the document, or not for these calendar months."""
        looked_at = self.part.looked_at
        return looked_at is None or _months_after(looked_at, months) < day


@dataclass(frozen=True)
class Register(Mapping[str, LegalDocument]):
    """Documents by id, in the order in which they are listed."""

    documents: Mapping[str, LegalDocument]

    def __getitem__(self, document_id: str) -> LegalDocument:
        """Return a document by its id."""
        return self.documents[document_id]

    def __iter__(self) -> Iterator[str]:
        """Return the ids."""
        return iter(self.documents)

    def __len__(self) -> int:
        """Return the number of documents."""
        return len(self.documents)


def own_documents(register: Register) -> dict[str, Any]:
    """Return a register's documents that did not ship, as a rulebook writes them."""
    shipped = default_register()
    return {
        document_id: document.part.model_dump(mode="json", exclude_none=True)
        for document_id, document in register.items()
        if document_id not in shipped
    }


def register_recipe(register: Register) -> dict[str, Any]:
    """Return a whole register as JSON values that `register_of` reads."""
    return {
        document_id: document.part.model_dump(mode="json", exclude_none=True)
        for document_id, document in register.items()
    }


def register_of(documents: Mapping[str, Any]) -> Register:
    """Return the register of a recipe; RulebookError if this release does not take it."""
    register, faults = parse_documents(documents, "documents", {})
    if register is None:
        raise RulebookError(said("fault.register_unusable"), faults)
    return register


class _RegisterPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["1"]
    documents: dict[str, Any]


@cache
def default_register() -> Register:
    """Return the shipped register."""
    return parse_register(data_file(DEFAULT_FILE).read_text(encoding="utf-8"), DEFAULT_FILE)


def parse_register(text: str, file: str) -> Register:
    """Parse and check the text of a whole register.

    Raises
    ------
    RulebookError
        A value is missing or wrong, or documents contradict each other; the error lists every
        fault with its line.
    """
    data, lines, faults = read_yaml(text, file)
    if not faults:
        whole, faults = parse_model(_RegisterPart, data, file, lines=lines)
        if whole is not None:
            register, faults = parse_documents(whole.documents, file, lines)
            if register is not None:
                return register
    raise RulebookError(said("fault.register_unusable"), faults)


def parse_documents(
    data: Mapping[str, Any],
    file: str,
    lines: Lines,
    *,
    base: Register | None = None,
) -> tuple[Register | None, list[Fault]]:
    """Return a table of documents as a register, merged over another; or every fault.

    A county adds documents of its own, which may be superseded by those of `base`; it does not
    change any of them. The table stands under `documents` in its file.
    """
    shipped = dict(base or {})
    written: dict[str, DocumentPart] = {}
    faults: list[Fault] = []
    for document_id, content in data.items():
        if len(faults) >= MAX_FAULTS:
            return None, [*faults, too_many(file)]
        part, problems = _parse_document(document_id, content, file, lines)
        if document_id in shipped:
            found = said("fault.shipped_document", document=repr(shorten(document_id)))
            problems = [_fault((document_id,), found, said("fault.own_document"), file, lines)]
        faults += problems
        if part is not None:
            written[document_id] = part
    parts = {document_id: document.part for document_id, document in shipped.items()} | written
    if not faults:
        for document_id in written:
            faults += _succession_faults(document_id, parts, file, lines)
    if faults:
        return None, faults
    own = {document_id: _dated(document_id, parts) for document_id in written}
    return Register(MappingProxyType(shipped | own)), []


def _parse_document(
    document_id: str, content: object, file: str, lines: Lines
) -> tuple[DocumentPart | None, list[Fault]]:
    faults = []
    if not _ID.fullmatch(document_id):
        found = said("fault.value", value=repr(shorten(document_id)))
        faults.append(_fault((document_id,), found, said("fault.document_id"), file, lines))
    try:
        return DocumentPart.model_validate(content), faults
    except ValidationError as error:
        under = (_UNDER, document_id)
        return None, [*faults, *faults_of(error, DocumentPart, file, lines=lines, under=under)]


def _succession_faults(
    document_id: str, parts: Mapping[str, DocumentPart], file: str, lines: Lines
) -> list[Fault]:
    """Return what is wrong between a document and its successor."""
    part = parts[document_id]
    if part.superseded_by is None:
        return []
    place = (document_id, "superseded_by")
    successor = parts.get(part.superseded_by)
    if successor is None:
        found = said("fault.no_document", document=repr(shorten(part.superseded_by)))
        known = tuple(name for name in parts if name != document_id)
        return [_fault(place, found, nearest_name(part.superseded_by, known), file, lines)]
    if _supersedes_itself(document_id, parts):
        found = said("fault.document_circle", document=repr(document_id))
        return [_fault(place, found, said("fault.document_line"), file, lines)]
    latest, follows = part.in_force_until or part.in_force_from, successor.in_force_from
    if latest is None or (follows is not None and latest < follows):
        return []
    found = said("fault.no_value") if follows is None else quoted(follows.isoformat())
    name = repr(part.superseded_by)
    expected = said("fault.successor_day", document=name, day=latest.isoformat())
    return [_fault(place, found, expected, file, lines)]


def _supersedes_itself(document_id: str, parts: Mapping[str, DocumentPart]) -> bool:
    seen: set[str] = set()
    next_id = parts[document_id].superseded_by
    while next_id is not None and next_id in parts and next_id not in seen:
        seen.add(next_id)
        next_id = parts[next_id].superseded_by
    return document_id in seen


def _dated(document_id: str, parts: Mapping[str, DocumentPart]) -> LegalDocument:
    """Return a document with its last day, its own or the one before its successor's first."""
    part = parts[document_id]
    last_day = part.in_force_until
    if last_day is None and part.superseded_by is not None:
        follows = parts[part.superseded_by].in_force_from
        last_day = None if follows is None else follows - timedelta(days=1)
    return LegalDocument(document_id=document_id, part=part, last_day=last_day)


def _fault(
    place: tuple[str, ...], found: Message, expected: Message, file: str, lines: Lines
) -> Fault:
    whole = (_UNDER, *place)
    column = ".".join(shorten(part) for part in whole)
    line = line_of(whole, lines)
    return Fault(file=file, line=line, column=column, found=found, expected=expected)


def _months_after(day: date, months: int) -> date:
    """Return the same day of a later month, or that month's last day if it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))
