"""Rows of the tests of rules, and what a review found."""

from __future__ import annotations

from datetime import date

from geo_service.model import Finding
from geo_service.plan import Plan
from geo_service.zoning.review import Review, review
from geo_service.zoning.rulebook import Rulebook, default_rulebook, parse_rulebook
from tests.county import enterprise, in_degrees, point

RED = "control_zone.ecological_red_line"


def reviewed(plan: Plan, *rule_ids: str, as_of: date | None = None) -> Review:
    """Review a plan by these of the shipped rules alone: a rule judges without the others."""
    shipped = default_rulebook()
    chosen = {rule_id: shipped.rules[rule_id] for rule_id in rule_ids}
    return review(plan, Rulebook(shipped.title, chosen), as_of=as_of)


def of_rule(result: Review, rule_id: str) -> list[Finding]:
    """Return a rule's findings."""
    return [item for item in result.results if item.rule_id == rule_id]


def by_subject(result: Review, rule_id: str) -> dict[tuple[str, str], Finding]:
    """Return a rule's findings by subject."""
    return {(item.subject.layer, item.subject.id): item for item in of_rule(result, rule_id)}


def river(river_id: str, shape: object, **values: object) -> dict[str, object]:
    """Return a river's row: a management boundary of the main stream unless told otherwise."""
    return {
        "river_id": river_id,
        "name": river_id,
        "rank": "main",
        "is_management_boundary": True,
        "source": "made for tests",
        "illustrative": True,
        "geometry": shape,
        **values,
    }


def chemical(name: str, x: float, y: float, **values: object) -> dict[str, object]:
    """Return a chemical enterprise placed by longitude and latitude."""
    place = in_degrees(point(x, y))
    return {**enterprise(name, "2611", 1.0, **values), "lon": place.x, "lat": place.y}  # type: ignore[attr-defined]


def verdicts(result: Review, rule_id: str) -> dict[str, str]:
    """Return verdict by subject of a rule's findings."""
    return {item.subject.id: item.verdict.value for item in of_rule(result, rule_id)}


LAW, POLICY, HABIT = "law", "policy", "habit"
"""Rules of `three_bases`: on a law, on the county's own policy, on a practice elsewhere."""
_THREE_BASES = """
format: "1"
title: {en: three kinds of basis}
documents:
  made_act: {name: {en: An act}, kind: law, number: No. 1, trust: read, %(days)s}
  made_plan: {name: {en: A county's plan}, kind: county_policy, trust: read}
  made_habit: {name: {en: A habit elsewhere}, kind: practice, trust: known, certainty: 0.5}
rules:
  law:
    title: {zh-Hans: 红线, en: Red line}
    family: control_zone
    check: overlap
    severity: %(severity)s
    parameters: {kind: ecological_red_line, verdicts: {"*": fail}}
    effective_from: 2026-01-01
    bases: [{document: made_act, article: 1, demands: {zh-Hans: 不占用, en: Nothing there.}}]
    basis_tag: law
    %(law)s
  policy:
    title: {zh-Hans: 申报, en: Declared}
    family: focus
    check: declared
    severity: must
    effective_from: 2026-01-01
    bases: [{document: made_plan}]
    basis_tag: county_policy
    %(policy)s
  habit:
    title: {zh-Hans: 第一, en: Top}
    family: focus
    check: is_top
    severity: should
    parameters: {digits: 2}
    effective_from: 2026-01-01
    bases: [{document: made_habit}]
    basis_tag: published_practice
"""


def three_bases(
    *, days: str = "in_force_from: 2000-01-01", severity: str = "must", **more: str
) -> Rulebook:
    """Return three rules, one for each kind of basis, of which a law and a policy bind.

    `days` says when the law is in force, `severity` how grave its rule is; `law` and `policy` are
    further lines of these rules.
    """
    given = {"law": "scope: {}", "policy": "scope: {}", **more}
    text = _THREE_BASES % {"days": days, "severity": severity, **given}
    return parse_rulebook(text, "made.yaml")
