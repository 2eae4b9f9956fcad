"""Fixtures that several test files share."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from geo_service.plan import Plan
from geo_service.workspace.opening import open_plan
from tests.county import County

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "layers" / "yunyang"


def copy_demo(folder: Path) -> Path:
    """Copy the demo workspace without its store, so that what a test saves is not left in it."""
    return Path(shutil.copytree(DEMO, folder / DEMO.name, ignore=shutil.ignore_patterns("store")))


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the demo workspace that reviews and rankings may be saved in."""
    return copy_demo(tmp_path_factory.mktemp("demo"))


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
