"""What tests of imports share: a small county, and a reader of files for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from geo_service.ingest.options import ImportOptions
from geo_service.ingest.run import Imported, read_source
from geo_service.plan import Plan
from geo_service.workspace.opening import open_plan
from tests.county import County


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return open_plan(County().write(tmp_path_factory.mktemp("county") / "county"))


@pytest.fixture
def read(plan: Plan) -> Callable[..., Imported]:
    """Return a function that imports a file, parcels of the land survey unless told."""

    def read_(path: Path, layer: str = "parcels", **options: object) -> Imported:
        options.setdefault("scheme", "survey3")
        return read_source(path, layer, plan=plan, options=ImportOptions(**options))

    return read_
