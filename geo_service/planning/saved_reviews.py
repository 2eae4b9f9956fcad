"""What a saved review's documents answer without the review being made again.

A review that an earlier release saved may lack members that reviews have today, and may be beyond
making again. Its summary, parks and findings are read all the same: a member that was not recorded
is null. Leaves out how reviews are saved and made again (`reviews`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from geo_service.reports.document import Document, collection, dump
from geo_service.reports.review import evidence_lines
from geo_service.zoning.rulebook import default_rulebook

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.zoning.rulebook import Rule, Rulebook

_PARTS = ("parks", "ran_on", "findings")
_SUMMARY_MEMBERS = (
    "verdicts_by_basis",
    "approved_count",
    "approvals_version",
    "stale_approvals",
    "lapsed",
)
_PARK_MEMBERS = ("verdict_by_basis", "rests_on")
_FINDING_MEMBERS = ("approval",)


def complete(saved: Document) -> Document:
    """Return a saved review, or its summary, with every member of today; null if not recorded."""
    whole = {**dict.fromkeys(_SUMMARY_MEMBERS), **saved}
    for part, members in (("parks", _PARK_MEMBERS), ("findings", _FINDING_MEMBERS)):
        if part in whole:
            whole[part] = [{**dict.fromkeys(members), **item} for item in whole[part]]
    return whole


def summary_of(whole: Document) -> Document:
    """Return the summary within a saved review's document."""
    return {name: value for name, value in whole.items() if name not in _PARTS}


def feature_of(finding: Mapping[str, Any]) -> Document:
    """Return a finding of a saved review as a feature."""
    return {
        "type": "Feature",
        "id": finding["finding_id"],
        "geometry": finding["geometry"],
        "properties": {name: value for name, value in finding.items() if name != "geometry"},
    }


def saved_json(whole: Document, more: Mapping[str, Any]) -> bytes:
    """Return a saved review's document as a JSON file."""
    return dump({**whole, **more}, indent=True)


def saved_geojson(whole: Document, more: Mapping[str, Any]) -> bytes:
    """Return a saved review's findings as a GeoJSON file; the parks' outlines were not saved."""
    features = [feature_of(item) for item in whole["findings"]]
    return dump(collection(features, len(features), review={**summary_of(whole), **more}))


def saved_register(
    whole: Document, rulebook: Rulebook, translator: Translator, *, limit: int, offset: int
) -> Document:
    """Return a saved review as its page lists it (see `pages.register.review_register`).

    Titles of rules are those of today's rulebook, else of the shipped one; of a rule that neither
    has, only the id is known. The parks' townships were not saved.
    """
    known = {**default_rulebook().rules, **rulebook.rules}
    page = whole["findings"][offset : offset + limit]
    return {
        "summary": summary_of(whole),
        "parks": [
            {
                **{name: park[name] for name in ("park_id", "name", "tier", "verdict", "findings")},
                **{name: park[name] for name in _PARK_MEMBERS},
                "search": [],
                "township": None,
                "township_code": None,
            }
            for park in whole["parks"]
        ],
        "rules": [
            _rule(rule_id, count, known.get(rule_id), whole["findings"], translator)
            for rule_id, count in whole["checks"].items()
        ],
        "numberMatched": len(whole["findings"]),
        "numberReturned": len(page),
        "findings": [listed_saved(finding, translator) for finding in page],
    }


def _rule(
    rule_id: str,
    count: Mapping[str, int],
    rule: Rule | None,
    findings: list[Document],
    translator: Translator,
) -> Document:
    """Return a rule with its counts; what it was then is told by its findings, if it has any."""
    then = next((item for item in findings if item["rule_id"] == rule_id), {})
    return {
        "rule_id": rule_id,
        "family": then.get("family") or (rule.part.family if rule else rule_id.partition(".")[0]),
        "title": translator.pick(rule.part.title) if rule else rule_id,
        "severity": then.get("severity") or (rule.part.severity.value if rule else None),
        "basis_tag": then.get("basis_tag") or (rule.part.basis_tag.value if rule else None),
        "checked": count["checked"],
        "passed": count["passed"],
        "below_tolerance": count.get("below_tolerance", 0),
    }


def listed_saved(finding: Document, translator: Translator) -> Document:
    """Return a saved finding as pages list it: its evidence also as lines, no geometry."""
    return {
        **{name: value for name, value in finding.items() if name != "geometry"},
        "evidence_lines": evidence_lines(finding, translator),
        "has_geometry": finding["geometry"] is not None,
    }
