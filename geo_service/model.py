"""The words of the product as enums and frozen values.

No geometry is measured here and no file is read: these are the values that the
other modules hand to each other.
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
    """What a rule, or a whole review, says of a park; worst first."""

    FAIL = "fail"
    UNKNOWN = "unknown"
    WATCH = "watch"
    PASS = "pass"  # noqa: S105 - a verdict


class Severity(StrEnum):
    """How much a rule weighs: only `must` can fail a park."""

    MUST = "must"
    SHOULD = "should"
    INFO = "info"


class BasisTag(StrEnum):
    """How far a rule may be trusted: law, someone's published practice, or our default."""

    LAW = "law"
    PUBLISHED_PRACTICE = "published_practice"
    PRODUCT_DEFAULT = "product_default"


class FocusBasis(StrEnum):
    """What the share of the leading industry is counted in."""

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
    """A text of the catalogue and the values that fill it; rendered at the edge.

    Values are data, never templates: see `language.Translator.render`.
    """

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __hash__(self) -> int:
        """Messages of one key may differ in values, which need not be hashable."""
        return hash(self.key)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value of a message with its unit, written out in the reader's language.

    `value` is in base units, as in the evidence. `beside` is what the text compares it
    with: the two are written with as many digits as it takes to tell them apart.
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
    """In English, where these are words of ours or of the county; laws keep their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a rule has to say, with its evidence.

    `verdict` is `fail`, `watch` or `unknown`; a passed check leaves no finding.
    `geometry` is exactly the offending part, in the metric CRS, or None.
    `waived` carries the waiver's reason, author and expiry when one applies.
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
    """Whether the feature that it is about is made up."""
    note: Mapping[str, str] | None = None
    """What the rulebook says of how sure the rule is."""


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How many subjects a rule looked at, and how many passed."""

    checked: int
    passed: int
    below_tolerance: int = 0
    """Overlaps that were seen and left out as noise (spatial rules)."""


def park_verdict(findings: list[tuple[Severity, Verdict]]) -> Verdict:
    """Return what a review says of a park from its unwaived findings.

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
