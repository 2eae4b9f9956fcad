"""The small county of scenarios, opened once: tests only make plans from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from geo_service.plan import Plan
from geo_service.workspace.opening import open_plan
from geo_service.zoning.review import Review, review
from tests.conftest import DEMO_DAY
from tests.scenarios.made import scenario_county


@pytest.fixture(scope="session")
def scenario_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the workspace of the small county; nobody publishes there."""
    return scenario_county().write(tmp_path_factory.mktemp("scenarios") / "county")


@pytest.fixture(scope="session")
def plan(scenario_folder: Path) -> Plan:
    """Return the small county's plan."""
    return open_plan(scenario_folder)


@pytest.fixture(scope="session")
def base_review(plan: Plan) -> Review:
    """Return the small county's review."""
    return review(plan, as_of=DEMO_DAY)
