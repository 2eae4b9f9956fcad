"""The demo's scenarios: each can be made on the demo county, and says that it is illustrative."""

from __future__ import annotations

from pathlib import Path

import pytest

import geo_service as gs
from geo_service.plan import Plan
from geo_service.scenarios.apply import apply_edits
from geo_service.scenarios.causes import find_causes
from geo_service.scenarios.differences import CHANGING, find_changes
from geo_service.scenarios.judging import Judge, review_like
from geo_service.scenarios.scenario import Scenario
from geo_service.zoning.review import Review, review
from tests.conftest import DEMO, DEMO_DAY
from tests.scenarios.made import told

FILES = sorted((DEMO / "scenarios").glob("*.yaml"))


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def made(request: pytest.FixtureRequest, demo: Plan) -> Scenario:
    """Return one of the demo's scenarios."""
    path: Path = request.param
    return gs.scenario(demo, path)


def test_there_are_two_to_be_compared() -> None:
    assert len(FILES) == 2


def test_a_demo_scenario_is_marked_and_changes_what_it_says(made: Scenario, demo: Plan) -> None:
    assert "示意" in made.name
    assert {edit.op for edit in made.edits} == {  # type: ignore[attr-defined]
        "move_enterprise",
        "place_project",
        "rezone_parcel",
        "set_leading_industry",
    }
    assert len(made.plan.enterprises) == len(demo.enterprises) + 1


def test_a_demo_scenario_is_judged_as_in_full(made: Scenario, demo_review: Review) -> None:
    quick = review_like(demo_review, made.plan)
    assert told(quick) == told(review(made.plan, demo_review.rulebook, as_of=DEMO_DAY))
    assert len(quick.results) != len(demo_review.results)


def test_causes_are_what_leaving_each_edit_out_in_full_says(
    demo: Plan, demo_review: Review
) -> None:
    made = gs.scenario(demo, DEMO / "scenarios" / "garments.yaml")
    judge = Judge(demo_review)
    changes = [
        one for one in find_changes(demo_review, judge.review(made.plan)) if one.kind in CHANGING
    ]
    without = {}
    for edit in made.edits:
        # No edit of this scenario builds on another.
        rest = [one for one in made.edits if one is not edit]
        tried = review_like(demo_review, apply_edits(demo, rest).plan)
        without[edit.edit_id] = {one.key: one.state for one in find_changes(demo_review, tried)}
    causes = find_causes(made, judge, changes)
    missed = {
        change.key: tuple(
            name for name, out in without.items() if out.get(change.key) != change.state
        )
        for change in changes
    }
    assert any(missed.values())
    # Where no single edit is missed, each is tried alone: that is told elsewhere.
    assert {key: causes[key].edit_ids for key, names in missed.items() if names} == {
        key: names for key, names in missed.items() if names
    }


def test_a_review_by_some_rules_says_what_the_whole_one_says_of_them(
    demo: Plan, demo_review: Review
) -> None:
    made = gs.scenario(demo, DEMO / "scenarios" / "paper.yaml")
    whole = review_like(demo_review, made.plan)
    some = frozenset(sorted({one.rule_id for one in whole.results})[::3])
    part = review_like(demo_review, made.plan, only=some)
    assert list(part.results) == [one for one in whole.results if one.rule_id in some]
    assert part.review_id != whole.review_id
    # It does not pass for a review by all rules: those that it lacks are put to the plan.
    assert told(review_like(part, made.plan)) == told(whole)
    # Nor does a judge take it for one.
    judge = Judge(demo_review)
    assert judge.review_by(some, made.plan, near=demo_review).checks.keys() == some
    assert judge.review(made.plan).checks.keys() == demo_review.checks.keys()
