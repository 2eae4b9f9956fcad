"""The product's terms as enums and frozen values.

No geometry is measured here and no file is read: these are the values that other
modules pass to each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


class Tier(StrEnum):
    """The three tiers of the county's industrial platform."""

    MUNICIPAL_PARK = "municipal_park"
    SME_CLUSTER = "sme_cluster"
    BUILDING_PARK = "building_park"


class Verdict(StrEnum):
    """The result of a rule, or of a whole review, for a park; worst first."""

    FAIL = "fail"
    UNKNOWN = "unknown"
    WATCH = "watch"
    PASS = "pass"  # noqa: S105 - a verdict


class Severity(StrEnum):
    """How binding a rule is: only `must` can fail a park."""

    MUST = "must"
    SHOULD = "should"
    INFO = "info"


class BasisTag(StrEnum):
    """What a rule rests on, the most binding first."""

    LAW = "law"
    NORMATIVE_DOCUMENT = "normative_document"
    COUNTY_POLICY = "county_policy"
    PUBLISHED_PRACTICE = "published_practice"
    PRODUCT_DEFAULT = "product_default"

    @property
    def is_binding(self) -> bool:
        """Whether a rule with this tag may be `must`."""
        return self in {BasisTag.LAW, BasisTag.NORMATIVE_DOCUMENT, BasisTag.COUNTY_POLICY}

    @property
    def group(self) -> BasisGroup:
        """The group in which a park's verdict counts the rule."""
        return _GROUPS.get(self, BasisGroup.REFERENCE)


class BasisGroup(StrEnum):
    """What a verdict rests on: law, the county's own policy, or reference values."""

    LAW = "law"
    COUNTY = "county"
    REFERENCE = "reference"


_GROUPS = {
    BasisTag.LAW: BasisGroup.LAW,
    BasisTag.NORMATIVE_DOCUMENT: BasisGroup.LAW,
    BasisTag.COUNTY_POLICY: BasisGroup.COUNTY,
}


class FocusBasis(StrEnum):
    """The quantity in which the leading industry's share is measured."""

    OUTPUT = "output"
    LAND = "land"
    FLOOR_AREA = "floor_area"
    ENTERPRISES = "enterprises"


class TakenAs(StrEnum):
    """What an imported file is for its layer: all of it, rows to add, or changes by id."""

    WHOLE = "whole"
    ADD = "add"
    UPDATE = "update"


class AreaMethod(StrEnum):
    """Whether areas are planar in the metric CRS or on the ellipsoid."""

    PLANAR = "planar"
    ELLIPSOID = "ellipsoid"


@dataclass(frozen=True, slots=True)
class Message:
    """A text's key in the catalogue and the values that fill it; rendered at the edge.

    Values are data, never templates: see `language.Translator.render`.
    """

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __hash__(self) -> int:
        """Messages of one key may differ in values, which need not be hashable."""
        return hash(self.key)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in a message with its unit, written out in the reader's language.

    `value` is in base units, as in the evidence. `beside` is the number that the text
    compares it with: both are written with enough digits to differ.
    """

    value: float
    unit: str | None = None
    beside: float | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """The feature that a finding is about."""

    layer: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalBasis:
    """Where a rule comes from."""

    document: str
    number: str | None = None
    article: str | None = None
    document_en: str | None = None
    """English wording where the text is ours or the county's; names of laws are not translated."""
    document_id: str | None = None
    """The document's id in the register of documents; None if it is not registered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One violation, warning or unknown that a rule found, with its evidence.

    `verdict` is `fail`, `watch` or `unknown`; a passed check gives no finding.
    `waived` has the waiver's reason, author and expiry if one applies, else None; `approval` has
    the approval's document number, authority, day, scope and expiry if there is one.
    """

    finding_id: str
    rule_id: str
    family: str
    severity: Severity
    verdict: Verdict
    park_id: str | None
    subject: Subject
    title: Message
    evidence: Mapping[str, Any]
    legal_basis: LegalBasis
    basis_tag: BasisTag
    cure: Message | None = None
    waived: Mapping[str, str] | None = None
    approval: Mapping[str, str | None] | None = None
    shape: Callable[[], BaseGeometry | None] | None = field(default=None, compare=False, repr=False)
    """Makes the offending part; None if there is none."""
    illustrative: bool = False
    """Whether the subject is illustrative, that is, made up."""
    note: Mapping[str, str] | None = None
    """The rulebook's note on how certain the rule is."""

    @property
    def geometry(self) -> BaseGeometry | None:
        """Exactly the offending part, in the metric CRS, or None; made when it is asked for."""
        return None if self.shape is None else self.shape()

    @property
    def counts(self) -> bool:
        """Whether the finding counts for its park's verdict: neither waived nor approved."""
        return self.waived is None and self.approval is None


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How many subjects a rule checked, and how many passed."""

    checked: int
    passed: int
    below_tolerance: int = 0
    """Overlaps that were ignored as noise (spatial rules)."""


def rests_on(
    verdict: Verdict, by_basis: Mapping[BasisGroup, Verdict | None]
) -> tuple[BasisGroup, ...]:
    """Return the kinds of basis that alone give a park its verdict, the most binding first.

    `pass` rests on none: nothing was found.

    >>> rests_on(Verdict.FAIL, {BasisGroup.LAW: Verdict.FAIL, BasisGroup.COUNTY: None})
    (<BasisGroup.LAW: 'law'>,)
    """
    if verdict is Verdict.PASS:
        return ()
    return tuple(group for group in BasisGroup if by_basis.get(group) is verdict)


def park_verdict(findings: list[tuple[Severity, Verdict]]) -> Verdict:
    """Return a review's verdict on a park, from those of the park's findings that count.

    Any `must` rule failed gives `fail`; else any `must` rule unknown gives
    `unknown`; else anything failed or watched gives `watch`; else `pass`.

    >>> park_verdict([(Severity.SHOULD, Verdict.FAIL)]).value
    'watch'
    >>> park_verdict([(Severity.SHOULD, Verdict.UNKNOWN)]).value
    'pass'
    """
    if (Severity.MUST, Verdict.FAIL) in findings:
        return Verdict.FAIL
    if (Severity.MUST, Verdict.UNKNOWN) in findings:
        return Verdict.UNKNOWN
    if any(verdict in {Verdict.FAIL, Verdict.WATCH} for _, verdict in findings):
        return Verdict.WATCH
    return Verdict.PASS
