"""Fixtures that several test files share; which tests need a browser or a database."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from datetime import date
from pathlib import Path

import pytest

from geo_service.plan import Plan
from geo_service.planning import PlanningService as Running
from geo_service.web.app import create_app
from geo_service.workspace.opening import open_plan
from geo_service.zoning.review import Review, review
from tests.client import TestClient
from tests.collecting import kept_frozen, loading, thawed
from tests.county import County
from tests.depth import DEPTH
from tests.reading import read_once
from tests.reviewing import reviewed_once

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "layers" / "yunyang"
DEMO_DAY = date(2026, 11, 22)
NEEDS = {"browsers": "browser", "cluster": "database"}
"""The marker of a test, by the fixture that starts what it needs."""

WHOLE = {
    "not browser": ROOT / "tests" / "browser",
    "not slow": ROOT / "tests" / "web" / "test_fuzz.py",
}
"""Where every test has a marker, by the words that leave out what has it."""


def pytest_report_header() -> str:
    """Say how deep the property-based tests look."""
    return f"depth: {DEPTH} (tests/depth.py)"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out unread what a marker expression leaves out as a whole: reading takes long."""
    left_out = [place for words, place in WHOLE.items() if words in config.option.markexpr]
    return True if collection_path in left_out else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Load all tests without looking for garbage in between, which takes a third of the time."""
    with loading():
        return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test that starts a browser or a database, directly or through a fixture."""
    for item in items:
        used = set(getattr(item, "fixturenames", ()))
        for fixture, marker in NEEDS.items():
            if fixture in used:
                item.add_marker(marker)


def copy_demo(folder: Path) -> Path:
    """Copy the demo workspace without its store, so that what a test saves is not left in it."""
    return Path(shutil.copytree(DEMO, folder / DEMO.name, ignore=shutil.ignore_patterns("store")))


def written(folder: str | Path) -> dict[str, tuple[int, int]]:
    """Return size and time of every file of a workspace; what is kept in its store is left out."""
    found: dict[str, tuple[int, int]] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                found[entry.path] = (entry.stat().st_size, entry.stat().st_mtime_ns)
            elif entry.name not in {"store", "__pycache__"}:
                found |= written(entry.path)
    return found


@pytest.fixture(autouse=True)
def _shared_workspaces_stay(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that writes into the demo workspace or into the copy that tests share."""
    folders = [DEMO]
    if "demo_folder" in request.fixturenames:
        folders.append(request.getfixturevalue("demo_folder"))
    before = [written(folder) for folder in folders]
    yield
    assert [written(folder) for folder in folders] == before, "a shared workspace was written into"


@pytest.fixture(scope="session", autouse=True)
def _what_is_loaded_is_shared() -> Iterator[None]:
    """Read, review and collect as `reading.py`, `reviewing.py` and `collecting.py` say."""
    with read_once(), reviewed_once(), kept_frozen():
        yield


@pytest.fixture
def real_collector() -> Iterator[None]:
    """Let the product freeze and unfreeze memory in a test that is about what is held."""
    with thawed():
        yield


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


@pytest.fixture(scope="session")
def demo_review(demo: Plan) -> Review:
    """Return the demo county's review on a fixed day."""
    return review(demo, as_of=DEMO_DAY)


@pytest.fixture(scope="session")
def demo_county(demo_folder: Path) -> Running:
    """Return the demo county, open and reviewed: for tests that publish nothing."""
    return Running.open(demo_folder)


@pytest.fixture(scope="session")
def demo_client(demo_county: Running) -> Iterator[TestClient]:
    """Return the one client of the demo county: a service that ends closes its county."""
    with TestClient(create_app(demo_county), raise_server_exceptions=False) as made:
        yield made
