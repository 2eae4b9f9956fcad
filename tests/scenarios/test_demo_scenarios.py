"""The demo's scenarios: each can be made on the demo county, and says that it is illustrative."""

from __future__ import annotations

from pathlib import Path

import pytest

import geo_service as gs
from geo_service.plan import Plan
from geo_service.scenarios.judging import review_like
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
