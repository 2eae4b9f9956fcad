from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import shapely

from geo_service import native
from geo_service.spatial import grid_overlay
from geo_service.spatial.grid_overlay import LineGrid, ZoneGrid
from geo_service.spatial.ragged import Ragged
from tests.conftest import ROOT
from tests.spatial.shapes import array


@pytest.fixture
def fresh() -> Iterator[None]:
    """Load the library anew in this test, and again as usual after it."""
    native.load.cache_clear()
    yield
    native.load.cache_clear()


def test_header_and_loader_agree_on_the_version() -> None:
    header = (ROOT / "geo_service" / "native" / "kernel.h").read_text(encoding="utf-8")
    assert re.findall(r"#define GEO_KERNEL_VERSION (\d+)", header) == [str(native.KERNEL_VERSION)]


def test_the_kernel_is_there() -> None:
    assert grid_overlay.is_available()


@pytest.mark.usefixtures("fresh")
def test_without_a_library_the_log_says_so_and_grids_refuse(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setattr(native, "_FOLDER", tmp_path)
    with caplog.at_level(logging.WARNING):
        assert not grid_overlay.is_available()
        assert not grid_overlay.is_available()
    assert len(caplog.messages) == 1
    assert "overlaps are measured with shapely" in caplog.messages[0]
    for build in (ZoneGrid.build, LineGrid.build, Ragged.from_shapely):
        with pytest.raises(RuntimeError, match="Build the package again"):
            build(array([shapely.box(0, 0, 1, 1)]))


@pytest.mark.usefixtures("fresh")
def test_a_library_of_another_version_is_not_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(native, "KERNEL_VERSION", -1)
    assert native.load() is None
    assert "not -1" in caplog.text


@pytest.mark.usefixtures("fresh")
def test_a_library_without_the_calls_is_not_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setattr(native, "_FOLDER", tmp_path)
    shutil.copy(ROOT / "geo_service" / "native" / "kernel.h", tmp_path / native.library_name())
    assert native.load() is None
    assert "No compiled kernel" in caplog.text
