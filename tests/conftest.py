"""Fixtures that several test files share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from geo_service.plan import Plan
from geo_service.workspace import open_plan
from tests.county import County

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "layers" / "yunyang"


@pytest.fixture
def county() -> County:
    """Return a small county to change."""
    return County()


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[County], Plan]:
    """Return a function that writes a county and opens it."""
    return lambda made: open_plan(made.write(tmp_path / "county"))


@pytest.fixture(scope="session")
def demo() -> Plan:
    """Return the demo county's plan."""
    return open_plan(DEMO)
