"""Rows of the tests of rules, and what a review found."""

from __future__ import annotations

from datetime import date

from geo_service.model import Finding
from geo_service.plan import Plan
from geo_service.zoning.review import Review, review
from geo_service.zoning.rulebook import Rulebook, default_rulebook
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
