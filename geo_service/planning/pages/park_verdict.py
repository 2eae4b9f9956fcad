"""A park's verdict in one sentence, the rules behind it, and its figures against their lines.

Findings are grouped by rule, the gravest first: those that give the park its verdict, then the
others. Findings that are set aside do not count. Areas are in m², shares 0 to 1, money in CNY per
mu; a figure is None where a value is missing, a line is None where no rule draws one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geo_service.domain.enterprises import latest_year
from geo_service.domain.park_sums import enterprise_sums, floor_vacancies, per_mu
from geo_service.model import Severity, Verdict
from geo_service.units import M2_PER_HA, M2_PER_MU
from geo_service.zoning.bounds import BoundParameters
from geo_service.zoning.portions import SEVERITY_ORDER, VERDICT_ORDER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.language import Translator
    from geo_service.reports.document import Document
    from geo_service.zoning.review import Review
    from geo_service.zoning.rulebook import Rule

MOST_GROUPS = 10
"""Rules that are told one by one, the last of them standing for all others if there are more."""
_NAMED = 3
_READ = 2_000
"""Findings of a rule above which their areas are not added up."""
_READ_OF_MANY = 100
"""The same where every park of a county is told."""
_AREA_UNIT = "m²"


@dataclass(frozen=True)
class _RuleGroup:
    """A park's findings by one rule that have one verdict."""

    rule: Rule
    verdict: Verdict
    positions: NDArray[np.intp]

    @property
    def gravity(self) -> tuple[int, int]:
        """Where it stands among others: by severity, then by verdict."""
        return SEVERITY_ORDER.index(self.rule.part.severity), VERDICT_ORDER.index(self.verdict)


def verdict_document(review: Review, park_id: str, translator: Translator) -> Document:
    """Return a park's verdict with its sentence, its rules and its figures."""
    groups = _groups(review, park_id)
    verdict = review.park_verdicts[park_id]
    deciding = [group for group in groups if _is_deciding(group, verdict)]
    others = [group for group in groups if not _is_deciding(group, verdict)]
    is_told = bool(deciding) or verdict is Verdict.PASS or not review.plan.withheld
    return {
        "verdict": verdict.value,
        "sentence": _sentence(review, verdict, deciding, others, translator)
        if is_told
        else translator.text("withheld.verdict"),
        "rules": _rules(review, deciding, others, translator),
        "figures": figures_of(review, park_id),
    }


@dataclass(frozen=True)
class ParkReason:
    """The gravest rule of those that give a park its verdict, and how many such rules there are."""

    rule_id: str
    text: str
    rules: int
    findings: int


def decisive_reason(review: Review, park_id: str, translator: Translator) -> ParkReason | None:
    """Return the gravest reason of a park's verdict in a few words; None where there is none."""
    verdict = review.park_verdicts[park_id]
    deciding = [group for group in _groups(review, park_id) if _is_deciding(group, verdict)]
    if not deciding:
        return None
    return ParkReason(
        rule_id=deciding[0].rule.rule_id,
        text=_phrase(review, deciding[0], translator, most_read=_READ_OF_MANY),
        rules=len({group.rule.rule_id for group in deciding}),
        findings=sum(len(group.positions) for group in deciding),
    )


def _groups(review: Review, park_id: str) -> list[_RuleGroup]:
    results = review.results
    own = results.by_park.get(park_id, np.zeros(0, dtype=np.intp))
    own = own[results.counting[own]]
    rules, verdicts = review.table.facets["rule"], review.table.facets["verdict"]
    found = []
    for rule_code in np.unique(rules.codes[own]):
        rule = review.rulebook.rules[rules.names[rule_code]]
        of_rule = own[rules.codes[own] == rule_code]
        for verdict_code in np.unique(verdicts.codes[of_rule]):
            positions = of_rule[verdicts.codes[of_rule] == verdict_code]
            found.append(_RuleGroup(rule, Verdict(verdicts.names[verdict_code]), positions))
    return sorted(found, key=lambda group: (*group.gravity, -len(group.positions)))


def _is_deciding(group: _RuleGroup, verdict: Verdict) -> bool:
    """Whether a group's findings give the park its verdict."""
    is_must = group.rule.part.severity is Severity.MUST
    if verdict in {Verdict.FAIL, Verdict.UNKNOWN}:
        return is_must and group.verdict is verdict
    return verdict is Verdict.WATCH and group.verdict in {Verdict.FAIL, Verdict.WATCH}


# ---- the sentence ------------------------------------------------------------------------------


def _sentence(
    review: Review,
    verdict: Verdict,
    deciding: list[_RuleGroup],
    others: list[_RuleGroup],
    translator: Translator,
) -> str:
    named = [_phrase(review, group, translator) for group in deciding[:_NAMED]]
    reasons = named[0] if named else ""
    for reason in named[1:]:
        reasons = translator.text("park_verdict.and", one=reasons, other=reason)
    if len(deciding) > _NAMED:
        reasons = translator.text("park_verdict.among_them", reasons=reasons)
    rules = {group.rule.rule_id for group in deciding}
    said = translator.text(
        f"park_verdict.{verdict}", count=len(rules), reasons=reasons, checked=len(review.checks)
    )
    return said + _rest(others, rules, translator)


def _phrase(
    review: Review, group: _RuleGroup, translator: Translator, *, most_read: int = _READ
) -> str:
    """Return a rule's title with how many subjects it concerns, and what area."""
    subjects = _subjects(review, group, most_read)
    values = {
        "rule": translator.pick(group.rule.part.title),
        "count": subjects["count"],
        "layer": translator.text(f"park_verdict.of_{subjects['layer']}", count=subjects["count"]),
    }
    area_m2 = subjects["area_m2"]
    if area_m2 is None:
        return translator.text("park_verdict.phrase", **values)
    return translator.text(
        "park_verdict.phrase_area",
        **values,
        mu=f"{area_m2 / M2_PER_MU:,.1f}",
        ha=f"{area_m2 / M2_PER_HA:,.2f}",
    )


def _rest(others: list[_RuleGroup], told: set[str], translator: Translator) -> str:
    """Say how many further rules there are, and what of them."""
    left = [group for group in others if group.rule.rule_id not in told]
    parts = []
    for verdict in (Verdict.FAIL, Verdict.WATCH, Verdict.UNKNOWN):
        rules = {group.rule.rule_id for group in left if group.verdict is verdict}
        if rules:
            parts.append(translator.text(f"park_verdict.further_{verdict}", count=len(rules)))
    if not parts:
        return translator.text("park_verdict.end")
    return translator.text("park_verdict.further", parts=translator.listed(parts))


def _subjects(review: Review, group: _RuleGroup, most_read: int = _READ) -> dict[str, Any]:
    """Return how many subjects a group has and of which layer, and the area that is concerned.

    A rule that judges parcels and their park finds the same ground twice: the parcels count.
    """
    results, positions = review.results, group.positions
    layers = results.subject_layers[positions]
    layer = _finest({str(name) for name in np.unique(layers.astype(str))})
    of_layer = positions[layers == layer]
    area_m2: float | None = None
    if group.verdict is not Verdict.UNKNOWN and len(of_layer) <= most_read:
        evidence = [finding.evidence for finding in results.at(of_layer.tolist())]
        areas = [item.get("value") for item in evidence if item.get("unit") == _AREA_UNIT]
        if len(areas) == len(evidence) and all(value is not None for value in areas):
            area_m2 = float(sum(float(value) for value in areas if value is not None))
    count = len(set(results.subject_ids[of_layer].tolist()))
    return {"layer": layer, "count": count, "area_m2": area_m2}


_FROM_FINE_TO_COARSE = ("floors", "enterprises", "parcels", "buildings", "parks")


def _finest(layers: set[str]) -> str:
    return next((name for name in _FROM_FINE_TO_COARSE if name in layers), min(layers))


# ---- the rules ---------------------------------------------------------------------------------


def _rules(
    review: Review, deciding: list[_RuleGroup], others: list[_RuleGroup], translator: Translator
) -> list[Document]:
    """Return a row per rule, at most ten; the last one stands for the rest."""
    by_rule: dict[str, list[_RuleGroup]] = {}
    for group in (*deciding, *others):
        by_rule.setdefault(group.rule.rule_id, []).append(group)
    told = list(by_rule.values())
    rows = [_row(review, groups, translator, is_deciding=groups[0] in deciding) for groups in told]
    if len(told) > MOST_GROUPS:
        rest = told[MOST_GROUPS - 1 :]
        flat = [group for groups in rest for group in groups]
        rows[MOST_GROUPS - 1 :] = [
            {
                "rule_id": None,
                "folded": rows[MOST_GROUPS - 1 :],
                "title": translator.text("park_verdict.other_rules", count=len(rest)),
                "severity": None,
                "verdict": min(flat, key=lambda group: VERDICT_ORDER.index(group.verdict)).verdict,
                "is_deciding": any(group in deciding for group in flat),
                "findings": sum(len(group.positions) for group in flat),
                "by_verdict": _by_verdict(flat),
                "layer": None,
                "subjects": None,
                "area_m2": None,
            }
        ]
    return rows


def _row(
    review: Review,
    groups: list[_RuleGroup],
    translator: Translator,
    *,
    is_deciding: bool,
) -> Document:
    first = groups[0]
    subjects = _subjects(review, first)
    return {
        "rule_id": first.rule.rule_id,
        "folded": [],
        "title": translator.pick(first.rule.part.title),
        "severity": first.rule.part.severity.value,
        "verdict": first.verdict.value,
        "is_deciding": is_deciding,
        "findings": sum(len(group.positions) for group in groups),
        "by_verdict": _by_verdict(groups),
        "layer": subjects["layer"],
        "subjects": subjects["count"],
        "area_m2": subjects["area_m2"],
    }


def _by_verdict(groups: list[_RuleGroup]) -> dict[str, int]:
    numbers = {
        verdict.value: sum(len(group.positions) for group in groups if group.verdict is verdict)
        for verdict in VERDICT_ORDER
    }
    return {verdict: number for verdict, number in numbers.items() if number}


# ---- figures against their lines ---------------------------------------------------------------


def figures_of(review: Review, park_id: str) -> list[Document]:
    """Return the leading share, the tax per mu and the vacant share, each with its line."""
    focus = review.focus[park_id]
    year = latest_year(review.plan)
    sums = enterprise_sums(review.plan, [park_id])
    tax = per_mu(sums["tax_cny"], sums["land_m2"])[park_id]
    vacancy = floor_vacancies(review.plan, [park_id])[park_id]
    return [
        _figure("leading_share", focus.shares[focus.basis], pass_share_of(review), year=year),
        _figure("tax_per_mu", tax, _tax_line(review, park_id), year=year),
        _figure("vacancy", vacancy, _vacancy_line(review), is_minimum=False),
    ]


def _figure(
    name: str,
    value: float | None,
    line: float | None,
    *,
    is_minimum: bool = True,
    year: int | None = None,
) -> Document:
    is_met = None
    if value is not None and line is not None:
        is_met = value >= line if is_minimum else value <= line
    return {
        "name": name,
        "value": value,
        "line": line,
        "is_minimum": is_minimum,
        "is_met": is_met,
        "year": year,
    }


def _rule_of(review: Review, check: str, **wanted: str) -> Rule | None:
    """Return the rule in force that runs a check, with these parameters."""
    for rule in review.rulebook.rules.values():
        given = rule.parameters.model_dump() if rule.part.check == check else {}
        if rule.part.check == check and rule.part.enabled and wanted.items() <= given.items():
            return rule
    return None


def pass_share_of(review: Review) -> float | None:
    """Return the share from which the rule on the leading industry passes, if there is one."""
    rule = _rule_of(review, "leading_share")
    value = None if rule is None else rule.parameters.model_dump().get("pass_share")
    return None if value is None else float(value)


def _tax_line(review: Review, park_id: str) -> float | None:
    """Return the least tax per mu for the park's leading industry, where the rule applies."""
    rule = _rule_of(review, "per_mu", amount="tax_cny")
    if rule is None or not isinstance(rule.parameters, BoundParameters):
        return None
    tiers = rule.part.scope.tiers
    if tiers and _tier_of(review, park_id) not in tiers:
        return None
    return rule.parameters.limit_for(review.focus[park_id].leading)


def _tier_of(review: Review, park_id: str) -> str:
    parks = review.plan.frame("parks")
    return str(parks.loc[parks["park_id"] == park_id, "tier"].iloc[0])


def _vacancy_line(review: Review) -> float | None:
    rule = _rule_of(review, "vacancy")
    return None if rule is None else float(rule.parameters.model_dump()["maximum"])
