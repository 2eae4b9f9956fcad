"""One review as its page lists it: its parks, its rules with their counts, its findings.

Findings go out without geometry, which the map brings; a page of them is asked for at a
time, gravest first as in the review.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo_service.language import Language, Translator
from geo_service.model import Tier
from geo_service.plan import rows_of
from geo_service.reports.document import (
    Document,
    basis_members,
    finding_properties,
    park_words,
    review_summary,
)
from geo_service.reports.review import evidence_lines
from geo_service.zoning.names import short_park_name, township_keys, township_names

if TYPE_CHECKING:
    from geo_service.model import Finding
    from geo_service.zoning.review import Review


def review_register(
    review: Review, translator: Translator, *, limit: int, offset: int = 0
) -> Document:
    """Return a review's summary, parks, rules, and one page of its findings."""
    listed = review.results[offset : offset + limit]
    hant = Translator(Language.ZH_HANT, review.plan.settings.names_hant)
    return {
        "summary": review_summary(review, translator),
        "parks": _parks(review, translator),
        "rules": _rules(review, translator),
        "numberMatched": len(review.results),
        "numberReturned": len(listed),
        "findings": [
            {**listed_finding(finding, translator), **_other_script(finding, translator, hant)}
            for finding in listed
        ],
    }


def _other_script(finding: Finding, translator: Translator, hant: Translator) -> Document:
    """Return a finding's title in the script that the page does not show, for its search."""
    if translator.language is Language.EN:
        return {}
    is_traditional = translator.language is Language.ZH_HANT
    return {"search": (Translator() if is_traditional else hant).render(finding.title)}


def listed_finding(finding: Finding, translator: Translator) -> Document:
    """Return a finding as pages list it: its evidence also as lines to read, no geometry."""
    properties = finding_properties(finding, translator)
    return {
        **properties,
        "evidence_lines": evidence_lines(properties, translator),
        "has_geometry": finding.shape is not None,
    }


def _parks(review: Review, translator: Translator) -> list[Document]:
    names, keys = township_names(review.plan), township_keys(review.plan)
    hant = Translator(Language.ZH_HANT, review.plan.settings.names_hant)
    words = {tier: Translator().text(f"tier.{tier}") for tier in Tier}
    words[Tier.MUNICIPAL_PARK] = ""  # the one of its tier keeps its name
    found = []
    for row in rows_of(review.parks):
        township = names.get(row["township_code"])
        leading = row["leading_industry"] if isinstance(row["leading_industry"], str) else None
        found.append(
            {
                "park_id": row["park_id"],
                "name": translator.convert(row["name"]),
                "search": park_words(row, township, leading, hant),
                "short_name": translator.convert(short_park_name(row["name"], words[row["tier"]])),
                "tier": row["tier"],
                "township": translator.convert(township) if township else None,
                "township_code": keys.get(row["township_code"]),
                "verdict": row["verdict"],
                **basis_members(review, row["park_id"]),
                "findings": row["findings"],
            }
        )
    return found


def _rules(review: Review, translator: Translator) -> list[Document]:
    found = []
    for rule_id, count in review.checks.items():
        rule = review.rulebook.rules[rule_id]
        part = rule.part
        found.append(
            {
                "rule_id": rule_id,
                "family": part.family,
                "title": translator.pick(part.title),
                "severity": part.severity.value,
                "basis_tag": rule.tag_on(review.as_of).value,
                "checked": count.checked,
                "passed": count.passed,
                "below_tolerance": count.below_tolerance,
            }
        )
    return found
