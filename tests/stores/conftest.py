"""Both stores, new for each test: the embedded one in a folder, the shared one in a schema."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from geo_service.planning import PlanningService
from geo_service.stores.base import Store, WorkspaceAt
from geo_service.stores.opening import open_store
from tests.county import FEW_RULES, County, box, enterprise, parcel
from tests.stores.cluster import address, is_installed, running_cluster

COUNTY = "999999"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Path]:
    """Return the folder of a running PostgreSQL cluster with PostGIS."""
    if not is_installed() and os.environ.get("CI") != "true":
        pytest.skip("PostgreSQL with PostGIS is not installed (tests/system_packages.sh)")
    with running_cluster() as folder:
        yield folder


@dataclass(frozen=True)
class Place:
    """Where a store is; opens it as often as one likes, as several processes would."""

    folder: Path
    address: str | None
    county: str = COUNTY

    def open(self) -> Store:
        """Open the store."""
        return open_store(self.folder, self.county, self.address)


@pytest.fixture
def local_place(tmp_path: Path) -> Place:
    """Return where an embedded store may be."""
    return Place(tmp_path, None)


@pytest.fixture
def shared_place(cluster: Path, tmp_path: Path) -> Place:
    """Return where a shared store may be."""
    return Place(tmp_path, address(cluster, f"t_{secrets.token_hex(6)}"))


@pytest.fixture(params=["local", pytest.param("shared", marks=pytest.mark.database)])
def place(request: pytest.FixtureRequest) -> Place:
    """Return where a store of either kind may be."""
    found: Place = request.getfixturevalue(f"{request.param}_place")
    return found


@pytest.fixture
def opening(place: Place) -> Iterator[Callable[[], Store]]:
    """Return a function that opens the store once more; all are closed in the end."""
    stores: list[Store] = []

    def open_it() -> Store:
        stores.append(place.open())
        return stores[-1]

    yield open_it
    for store in stores:
        store.close()


@pytest.fixture
def store(opening: Callable[[], Store]) -> Store:
    """Return a new store of either kind."""
    return opening()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """Return a file system of one megabyte; skipped where none may be mounted."""
    folder = Path(tempfile.mkdtemp())
    command = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=755", "tmpfs", str(folder)]
    is_mounted = (
        os.geteuid() == 0
        and subprocess.run(command, capture_output=True, check=False).returncode == 0
    )
    if not is_mounted:
        shutil.rmtree(folder)
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


@pytest.fixture
def workspace(county: County, place: Place) -> WorkspaceAt:
    """Return a county in which not all is well, and either store."""
    county.layers["parcels"] = [parcel("L0", box(0, 0, 90, 90)), parcel("L1", box(100, 0, 90, 90))]
    county.layers["enterprises"].append(enterprise("Z", "3670", 900.0))
    county.rules = FEW_RULES
    return WorkspaceAt(county.write(place.folder / "county"), place.address)


@pytest.fixture
def start(workspace: WorkspaceAt) -> Iterator[Callable[[], PlanningService]]:
    """Return a function that starts one more process' county."""
    running: list[PlanningService] = []

    def one_more() -> PlanningService:
        running.append(PlanningService.open(workspace))
        return running[-1]

    yield one_more
    for county in running:
        county.close()
