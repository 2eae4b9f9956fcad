"""The product's terms as enums and frozen values.

No geometry is measured here and no file is read: these are the values that other
modules pass to each other.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    """What a rule is based on, the strongest first."""

    LAW = "law"
    NORMATIVE_DOCUMENT = "normative_document"
    COUNTY_POLICY = "county_policy"
    PUBLISHED_PRACTICE = "published_practice"
    PRODUCT_DEFAULT = "product_default"


class FocusBasis(StrEnum):
    """The quantity in which the leading industry's share is measured."""

    OUTPUT = "output"
    LAND = "land"
    FLOOR_AREA = "floor_area"
    ENTERPRISES = "enterprises"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One violation, warning or unknown that a rule found, with its evidence.

    `verdict` is `fail`, `watch` or `unknown`; a passed check gives no finding.
    `geometry` is exactly the offending part, in the metric CRS, or None.
    `waived` has the waiver's reason, author and expiry if one applies, else None.
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
    geometry: BaseGeometry | None = None
    illustrative: bool = False
    """Whether the subject is illustrative, that is, made up."""
    note: Mapping[str, str] | None = None
    """The rulebook's note on how certain the rule is."""


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How many subjects a rule checked, and how many passed."""

    checked: int
    passed: int
    below_tolerance: int = 0
    """Overlaps that were ignored as noise (spatial rules)."""


def park_verdict(findings: list[tuple[Severity, Verdict]]) -> Verdict:
    """Return a review's verdict on a park, from the park's unwaived findings.

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
