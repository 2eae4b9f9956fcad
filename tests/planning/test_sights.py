"""One service for each part of a county, and none of it in another's answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from geo_service.access import Acting, Partial, Role, Sight
from geo_service.planning import PlanningService
from tests.county import FEW_RULES, County

VIEWER = Acting(account="v", roles=frozenset({Role.VIEWER}))
PLANNER = Acting(account="p", roles=frozenset({Role.PLANNER}))
RESTRICTED = {"enterprises.tax_cny": frozenset({Role.REVIEWER})}


@pytest.fixture
def service(county: County, tmp_path: Path) -> PlanningService:
    """Return a small county, running."""
    county.rules = FEW_RULES
    opened = PlanningService.open(county.write(tmp_path / "county"))
    return PlanningService(opened.plan, opened.rulebook, opened.review)


@pytest.mark.parametrize(
    ("roles", "parks", "expected"),
    [
        ({Role.VIEWER}, None, Sight(is_public=True, hidden=frozenset(RESTRICTED))),
        ({Role.PLANNER}, None, Sight(hidden=frozenset(RESTRICTED))),
        ({Role.PLANNER, Role.REVIEWER}, None, Sight()),
        ({Role.VIEWER, Role.REVIEWER}, None, Sight()),
        ({Role.REVIEWER}, {"P1"}, Sight(parks=frozenset({"P1"}))),
    ],
)
def test_one_of_the_roles_is_enough_to_see(
    roles: set[Role], parks: set[str] | None, expected: Sight
) -> None:
    limits = None if parks is None else frozenset(parks)
    who = Acting(account="a", roles=frozenset(roles), parks=limits)
    assert who.sight(RESTRICTED) == expected


def test_a_sight_says_in_which_ways_it_is_a_part() -> None:
    assert not Sight().partial
    both = Sight(parks=frozenset({"P1"}), hidden=frozenset({"rivers"}))
    assert both.partial == {Partial.LIMITED, Partial.MASKED}
    assert Sight(is_public=True, hidden=frozenset({"rivers"})).partial == {Partial.PUBLIC}


def test_who_sees_everything_is_answered_by_the_service_itself(service: PlanningService) -> None:
    assert service.seen_by(None) is service
    assert service.seen_by(PLANNER) is service


def test_a_part_is_made_once_until_the_plan_changes(service: PlanningService) -> None:
    seen = service.seen_by(VIEWER)
    assert seen is service.seen_by(VIEWER)
    assert not seen.has_workspace
    assert not seen.plan.has("enterprises")


def test_no_layer_has_the_same_version_for_two_parts(service: PlanningService) -> None:
    """So that nothing that is kept under a version is another's answer."""
    limited = Acting(account="l", roles=frozenset({Role.PLANNER}), parks=frozenset({"P1"}))
    plans = [service.seen_by(who).plan for who in (None, VIEWER, limited)]
    for name in plans[1].layers:
        assert len({plan.layers[name].version for plan in plans}) == 3
    assert len({plan.version for plan in plans}) == 3
