"""Which industries may not lead a park, since a `must` rule would fail it.

The review's own rules are put to trial plans in which parks lead in another industry: as many
parks at once as there are, since what a `must` rule says of one park does not hang on another. The
whole review of a finished proposal would find it if one did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from geo_service.model import LegalBasis, Message, Severity, Verdict
from geo_service.zoning.check import Case, Shared
from geo_service.zoning.reads import reading_of

if TYPE_CHECKING:
    from datetime import date

    from geo_service.plan import Plan
    from geo_service.zoning.rulebook import Rule, Rulebook

FAMILIES = frozenset({"focus", "layout", "competition"})
"""Families of rules that read what leads a park; others do if their scope names industries."""


@dataclass(frozen=True, kw_only=True)
class UnlawfulLead:
    """Why an industry may not lead a park: the rule, and what it says."""

    rule_id: str
    detail: Message
    legal_basis: LegalBasis


def unlawful_leads(
    plan: Plan,
    choices: Mapping[str, tuple[str, ...]],
    rulebook: Rulebook,
    *,
    as_of: date,
) -> dict[tuple[str, str], UnlawfulLead]:
    """Return the choices that a `must` rule fails where the plan of today does not fail it."""
    most = max((len(codes) for codes in choices.values()), default=0)
    if not most:
        return {}
    rules = [
        rule
        for rule in rulebook.in_force(as_of)
        if rule.part.severity is Severity.MUST
        and (rule.part.family in FAMILIES or rule.part.scope.industries)
        and _reads_leads(rule)
    ]
    if not rules:
        return {}
    before = set(_failing(plan, rules, as_of))
    found: dict[tuple[str, str], UnlawfulLead] = {}
    for number in range(most):
        trial = {
            park_id: codes[number] for park_id, codes in choices.items() if len(codes) > number
        }
        rows = pd.DataFrame({"park_id": list(trial), "leading_industry": list(trial.values())})
        changed = plan.with_rows("parks", rows, label=f"leading {sorted(trial.items())}")
        for (rule_id, park_id), lead in _failing(changed, rules, as_of).items():
            if park_id in trial and (rule_id, park_id) not in before:
                found.setdefault((park_id, trial[park_id]), lead)
    return found


def _reads_leads(rule: Rule) -> bool:
    """Return whether what leads a park can change what a rule says."""
    reads, _ = reading_of(rule)
    columns = None if reads is None else reads.get("parks", frozenset())
    return columns is None or "leading_industry" in columns


def _failing(plan: Plan, rules: list[Rule], as_of: date) -> dict[tuple[str, str], UnlawfulLead]:
    shared = Shared(plan, as_of)
    found = {}
    for rule in rules:
        case = Case(shared, rule.part.scope, rule.part.tolerance, rule.part.applies_to)
        for finding in rule.check.run(case, rule.parameters).findings:
            is_must = finding.severity in {None, Severity.MUST}
            if finding.verdict is Verdict.FAIL and is_must and finding.park_id is not None:
                found[rule.rule_id, finding.park_id] = UnlawfulLead(
                    rule_id=rule.rule_id,
                    detail=finding.title,
                    legal_basis=rule.cited(as_of).legal_basis,
                )
    return found
