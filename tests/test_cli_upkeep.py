"""`geo-service settings` and `doctor`: what is set and from where; what is wrong and its cure."""

from __future__ import annotations

import json
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from geo_service.language import Language, Translator
from geo_service.planning import doctor
from geo_service.planning.layers import newest_layer, publish
from geo_service.settings import Settings
from geo_service.stores import local
from geo_service.stores.audit import AuditLine
from geo_service.stores.base import WorkspaceAt
from geo_service.workspace.opening import open_workspace
from tests.conftest import ROOT
from tests.county import County
from tests.terminal import run


def listed(**environment: str) -> dict[str, dict[str, Any]]:
    """Return what `geo-service settings` tells, by name."""
    done = run("settings", "--format", "json", "--lang", "en", cwd=ROOT, **environment)
    assert done.returncode == 0, done.stderr
    return {one["name"]: one for one in json.loads(done.stdout)["settings"]}


def test_settings_tell_value_and_source_and_no_secret() -> None:
    told = listed(
        GEO_STORE="postgresql://geo:secret4711@db/planning",
        GEO_LOG_LEVEL="info",
        GEO_STOP_SECOND="5",
    )
    assert {f"GEO_{name.upper()}" for name in Settings.model_fields} <= set(told)
    assert told["GEO_STORE"]["value"] == "postgresql://geo@db/planning"
    assert (told["GEO_LOG_LEVEL"]["value"], told["GEO_LOG_LEVEL"]["source"]) == (
        "info",
        "environment",
    )
    assert told["GEO_STOP_SECONDS"] == {
        "name": "GEO_STOP_SECONDS",
        "value": 30.0,
        "source": "default",
        "meaning": "Seconds that requests and jobs may go on once the service is told to stop.",
    }
    assert told["GEO_STOP_SECOND"]["source"] == "unknown"  # a slip of the pen
    assert all(one["meaning"] for one in told.values())
    table = run("settings", GEO_STORE="postgresql://geo:secret4711@db/planning")
    assert "secret4711" not in table.stdout
    assert "GEO_TRUSTED_PROXIES" in table.stdout


def test_a_wrong_setting_is_named() -> None:
    done = run("settings", "--lang", "en", GEO_STOP_SECONDS="soon")
    assert done.returncode == 2
    assert "GEO_STOP_SECONDS" in done.stderr


def points(workspace: Path, *, code: int) -> dict[str, dict[str, Any]]:
    """Return what the doctor says of a workspace, by point."""
    done = run("doctor", workspace, "--format", "json", "--lang", "en")
    assert done.returncode == code, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["is_well"] is (code == 0)
    return {one["point"]: one for one in told["points"]}


def test_a_sound_county_is_well(county: County, tmp_path: Path) -> None:
    workspace = county.write(tmp_path / "county")
    new = points(workspace, code=0)
    assert new["store"]["found"] == "nothing was published or saved yet"
    now = newest_layer(workspace, "parcels")
    publish(WorkspaceAt(workspace), "parcels", now.frame, expected=now.version)
    told = points(workspace, code=0)
    assert set(told) == {
        *("workspace", "store", "clock", "lock", "disk", "scratch"),
        *("rights", "fonts", "kernel", "drivers"),
    }
    assert all(one["cure"] is None for one in told.values())
    assert run("doctor", workspace).returncode == 0


def test_each_ill_is_told_with_its_cure(
    county: County, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = county.write(tmp_path / "county")
    now = newest_layer(workspace, "parcels")
    publish(WorkspaceAt(workspace), "parcels", now.frame, expected=now.version)
    file = next((workspace / "store" / "layers" / "parcels").glob("*.parquet"))
    whole = file.read_bytes()
    file.write_bytes(whole[:-9] + b"x" + whole[-8:])
    monkeypatch.setattr(doctor, "load", lambda: None)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5))
    told = points(workspace, code=1)
    ill = {name for name, one in told.items() if not one["is_well"]}
    assert ill == {"store", "workspace", "kernel", "disk", "scratch"}
    assert all(told[name]["cure"] for name in ill)
    assert "rollback" in told["store"]["found"]
    assert "retain" in told["disk"]["cure"]


def test_a_clock_that_was_set_back_and_a_held_lock_are_told(
    county: County, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = WorkspaceAt(county.write(tmp_path / "county"))
    now = newest_layer(workspace, "parcels")
    publish(workspace, "parcels", now.frame, expected=now.version)
    monkeypatch.setattr(doctor, "LOCK_SECONDS", 0.2)
    monkeypatch.setattr(local, "BUSY_SECONDS", 1)

    class Past(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:  # noqa: ANN401 - as the class it stands for
            return datetime.fromtimestamp(time.time() - 86_400, tz)

    with open_workspace(workspace) as other, other.store.closed_to_others():
        monkeypatch.setattr(doctor, "datetime", Past)
        found = {point.name: point for point in doctor.diagnose(workspace).points}
    assert not found["lock"].is_well
    assert not found["clock"].is_well
    cure = found["clock"].cure
    assert cure is not None
    assert "timedatectl" in Translator(Language.EN).render(cure)


def test_a_clock_behind_the_last_line_of_the_audit_is_told(county: County, tmp_path: Path) -> None:
    workspace = county.write(tmp_path / "county")
    ahead = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="milliseconds")
    with open_workspace(WorkspaceAt(workspace)) as opened:
        opened.store.audit.append(AuditLine(at=ahead, account="li", action="saved drop"))
    told = points(workspace, code=1)
    assert [name for name, one in told.items() if not one["is_well"]] == ["clock"]
    assert ahead[:16] in told["clock"]["found"]
    broken = County()
    folder = broken.write(tmp_path / "broken")
    (folder / "workspace.toml").write_text("nonsense", encoding="utf-8")
    told = points(folder, code=1)
    assert not told["workspace"]["is_well"]
    assert "store" not in told
