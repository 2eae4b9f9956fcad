"""The map of a layer through its versions, and the preview of an import."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from typer.testing import CliRunner

import geo_service as gs
from geo_service.cli.common import app
from geo_service.errors import InvalidQueryError
from geo_service.language import Language, Translator
from geo_service.maps.draw import draw_states
from geo_service.maps.kinds import time as time_map
from geo_service.maps.kinds.time import TIMED_LAYERS, TimeData
from geo_service.plan import Plan
from geo_service.planning import PlanningService as Running
from geo_service.planning.imports import PREVIEW_PAGE
from geo_service.planning.layers import newest_layer, publish, rollback, timeline_of
from geo_service.schema import SCHEMAS
from geo_service.stores.timeline import Timeline
from geo_service.web.app import create_app
from geo_service.web.routes import imports as import_routes
from geo_service.workspace.opening import open_workspace
from tests.client import TestClient
from tests.conftest import DEMO
from tests.maps.hostile import TEXTS
from tests.maps.made import publish_history, small_county
from tests.stores.rows import floors


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = small_county().write(tmp_path_factory.mktemp("time"))
    publish_history(folder)
    return folder


def data_of(workspace: Path, layer: str = "parcels", *, language: str = "zh-Hans") -> TimeData:
    with open_workspace(workspace) as opened:
        plan, timeline = opened.plan(), timeline_of(opened, layer)
    return TimeData(timeline, plan, Translator(Language(language)))


def shown(data: TimeData, step: int) -> dict[str, str]:
    """Return what the map shows at a step: what became of each feature."""
    found = [item["properties"] for item in data.features("states")]
    return {
        row["feature_id"]: row["change"]
        for row in found
        if row["first_step"] <= step <= row["last_step"]
    }


def test_at_each_version_stands_what_became_of_its_features(workspace: Path) -> None:
    data = data_of(workspace)
    assert shown(data, 0) == {"L1": "unchanged", "L2": "unchanged", "M1": "unchanged"}
    assert shown(data, 1) == {"L1": "changed", "L2": "removed", "M1": "unchanged"}
    assert shown(data, 2) == {"L1": "unchanged", "M1": "changed"}
    assert [step["counts"] for step in data.steps()] == [
        {"added": 0, "changed": 0, "removed": 0},
        {"added": 0, "changed": 1, "removed": 1},
        {"added": 0, "changed": 1, "removed": 0},
    ]
    assert [step["number"] for step in data.steps()] == [0, 1, 2]
    assert data.steps()[1]["note"] == "二季度 · 宗地.zip"


def test_a_popup_says_what_changed_and_in_which_versions_a_state_stood(workspace: Path) -> None:
    rows = {item["id"]: item["properties"] for item in data_of(workspace).features("states")}
    # 100 x 100 m became 110 x 100 m.
    assert rows["L1@changed.1"]["what"] == (
        "状态：未建宗地 → 已建宗地；图形：10,000 m²（合 15.0 亩）→ 11,000 m²（合 16.5 亩）"
    )
    assert rows["L1@changed.1"]["span"] == "第 1 版至第 2 版"
    assert rows["M1@changed.2"]["what"].startswith("容积率：")
    assert rows["L2@removed.1"]["span"] == "第 0 版至第 0 版"


def test_a_rollback_shows_what_came_back(tmp_path: Path) -> None:
    folder = small_county().write(tmp_path)
    publish_history(folder)
    rollback(folder, "parcels", "0")
    data = data_of(folder)
    assert shown(data, 3) == {"L1": "changed", "L2": "added", "M1": "changed"}


@pytest.fixture(scope="module")
def demo_timelines(demo: Plan) -> dict[str, Timeline]:
    with open_workspace(DEMO) as opened:
        return {name: timeline_of(opened, name) for name in TIMED_LAYERS if demo.has(name)}


@pytest.mark.parametrize("language", list(Language))
def test_every_layer_with_a_place_has_such_a_map(
    demo: Plan, demo_timelines: dict[str, Timeline], language: Language
) -> None:
    assert set(demo_timelines) == set(TIMED_LAYERS)
    for layer, timeline in demo_timelines.items():
        data = TimeData(timeline, demo, Translator(language))
        assert all(row["last_step"] >= row["first_step"] >= 0 for row in _properties(data)), layer
        assert draw_states((data,)).content.settings["timeline"]["layer"] == layer
        assert "{" not in data.title() + data.subtitle()


def _properties(data: TimeData) -> list[dict[str, Any]]:
    return [item["properties"] for item in data.features("states")]


def test_what_can_be_drawn_is_every_layer_with_a_geometry() -> None:
    assert set(TIMED_LAYERS) == {name for name, one in SCHEMAS.items() if one.geometry}


def test_a_table_is_on_no_map(workspace: Path) -> None:
    table = Timeline(layer="floors", steps=(), states=floors(1))
    with pytest.raises(InvalidQueryError, match="on no map"):
        TimeData(table, gs.open_plan(workspace), Translator())


def test_of_too_many_changes_an_even_sample_is_drawn_and_said(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_map, "MOST_DRAWN", 2)
    data = data_of(workspace, language="en")
    total = 3 + 1 + 1 + 1 + 1 + 1  # three at first; L1 changed, L2 removed, M1; L1, M1 later
    drawn = len(data.features("states"))
    assert drawn <= 2
    assert f"{drawn} of" in data.subtitle()
    assert total > drawn


def test_of_a_big_layer_only_changes_are_drawn(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_map, "is_big", lambda _: True)
    data = data_of(workspace)
    assert {row["change"] for row in _properties(data)} == {"changed", "removed"}
    assert "仅绘制有变化的要素" in data.subtitle()


def test_the_service_draws_a_layer_s_versions_and_learns_of_new_ones(tmp_path: Path) -> None:
    folder = small_county().write(tmp_path)
    running = Running.open(folder)
    with TestClient(create_app(running)) as client:
        first = client.get("/maps/time?layer=parcels&lang=en")
        assert "only one version" in first.text
        publish_history(folder)
        running.refresh()
        page = client.get("/maps/time?lang=en")  # the layer that was published last
        assert "3 versions" in page.text
        states = client.get("/maps/time/features/states?layer=parcels&limit=1000").json()
        assert {item["properties"]["last_step"] for item in states["features"]} == {0, 1, 2}
        # The same content again: the plan is as before, the history is not.
        rollback(folder, "parcels", "2")
        assert "4 versions" in client.get("/maps/time?layer=parcels&lang=en").text
        assert client.get("/maps/time?layer=floors").status_code == 404
        assert client.get("/maps/time?layer=%3Cscript%3E").status_code == 404
        assert client.get("/maps/preview").status_code == 400
        assert client.get("/maps/preview?import_id=abc").status_code == 404


def test_an_import_is_drawn_before_it_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_routes, "AT_ONCE_SECONDS", 120.0)
    folder = small_county().write(tmp_path / "county")
    frame = gpd.GeoDataFrame(newest_layer(folder, "parcels").frame)
    frame.loc[frame["parcel_id"] == "L1", "status"] = "built"
    frame.loc[frame["parcel_id"] == "M1", "status"] = "unheard of"
    is_second = frame["parcel_id"] == "L2"
    frame.loc[is_second, "geometry"] = frame.loc[is_second, "geometry"].translate(1e-4, 0)
    file = tmp_path / "宗地.geojson"
    frame.drop(columns="idle_since").to_file(file, driver="GeoJSON")
    running = Running.open(folder)
    with TestClient(create_app(running)) as client:
        params = {"layer": "parcels", "filename": file.name}
        draft = client.post("/api/imports", params=params, content=file.read_bytes()).json()
        address = f"?import_id={draft['import_id']}&lang=zh-Hans"
        page = client.get(f"/maps/preview{address}")
        assert "尚未发布" in page.text
        states = client.get(f"/maps/preview/features/states{address}&limit=100").json()["features"]
        later = {
            item["properties"]["feature_id"]: item["properties"]
            for item in states
            if item["properties"]["last_step"] == 1
        }
        assert later["L1"]["change"] == "changed"
        assert later["L2"]["change"] == "moved"
        refused = [row for row in later.values() if row["change"] == "refused"]
        assert [row["feature_id"] for row in refused] == ["M1"]
        assert "unheard of" in refused[0]["what"]
        client.delete(f"/api/imports/{draft['import_id']}")
        assert client.get(f"/maps/preview{address}").status_code == 404


def test_the_command_line_draws_both(workspace: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    page = tmp_path / "time.html"
    asked = ["map", str(workspace), "--kind", "time", "--layer", "parcels", "-o", str(page)]
    assert runner.invoke(app, asked).exit_code == 0
    assert "宗地版本时间图" in page.read_text(encoding="utf-8")
    file = tmp_path / "again.geojson"
    frame = gpd.GeoDataFrame(newest_layer(workspace, "parcels").frame)
    frame.drop(columns="idle_since").to_file(file, driver="GeoJSON")
    asked = ["import", str(file), str(workspace), "--layer", "parcels", "--dry-run"]
    done = runner.invoke(app, asked)
    assert done.exit_code == 0, done.output
    [found] = (workspace / "store" / "imports").glob(f"*/{PREVIEW_PAGE}")
    assert "尚未发布" in found.read_text(encoding="utf-8")


def test_hostile_notes_and_names_stay_text(tmp_path: Path) -> None:
    folder = small_county().write(tmp_path)
    now = newest_layer(folder, "parcels")
    frame = now.frame.copy()
    frame["source"] = TEXTS[0]
    publish(
        folder, "parcels", frame, expected=now.version, note=" ".join(TEXTS)[:400], source=TEXTS[1]
    )
    page = draw_states((data_of(folder),)).get_root().render()
    island = page.split('id="map-data">')[1].split("</script>")[0]
    carried = json.loads(island)
    assert "</script" not in island
    assert carried["timeline"]["steps"][1]["note"]
