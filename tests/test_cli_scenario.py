"""`geo-service scenario` and `--scenario`: the same as over HTTP, by id or by file."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import docx
import pytest
from openpyxl import load_workbook

from geo_service.planning.layers import newest_layer, publish
from geo_service.workspace.opening import open_plan
from tests.scenarios.made import edit, moved, scenario_county
from tests.terminal import run, run_bytes

FILE = """
name: 甲 <b>方案</b> =1+1
reason: 会议
edits:
  - {op: set_leading_industry, park_id: P1, leading_industry: "36", reason: 试}
  - {op: move_enterprise, enterprise_id: E1, parcel_id: C, reason: 扩产}
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Return the small county of scenarios on disk."""
    return scenario_county().write(tmp_path / "county")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a scenario's file."""
    path = tmp_path / "甲.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


def told(*arguments: str | Path) -> Any:  # noqa: ANN401 - any JSON
    """Return what a command writes as JSON."""
    done = run("scenario", *arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_scenario_is_made_edited_published_and_undone(workspace: Path) -> None:
    before = open_plan(workspace)
    name = told("new", "方案", workspace, "--reason", "试")["scenario_id"]
    one = json.dumps(edit("set_leading_industry", park_id="P1", leading_industry="36"))
    document = told(
        "add", name, workspace, "--edit", one, "--edit", json.dumps(moved("E2", park_id="P2"))
    )
    first, second = (item["edit_id"] for item in document["edits"])
    assert [item["scenario_id"] for item in told("list", workspace)["scenarios"]] == [name]
    shown = run("scenario", "show", name, workspace)
    assert "主导产业改为" in shown.stdout
    done = run("scenario", "publish", name, workspace, "--edit", first, "--plan", before.version)
    assert done.returncode == 0, done.stderr
    assert open_plan(workspace).parks.set_index("park_id").loc["P1", "leading_industry"] == "36"
    assert [item["edit_id"] for item in told("show", name, workspace)["edits"]] == [second]
    assert run("scenario", "undo", name, workspace).returncode == 0
    assert open_plan(workspace).version == before.version
    assert run("scenario", "drop", name, workspace, "--edit", second).returncode == 0
    assert run("scenario", "drop", name, workspace).returncode == 0
    assert run("scenario", "show", name, workspace).returncode == 2


def test_what_it_does_is_told_with_its_causes(workspace: Path, file: Path) -> None:
    done = run("scenario", "review", file, workspace, "--lang", "en")
    assert done.returncode in {0, 1}, done.stderr
    assert "focus.is_top" in done.stdout
    document = json.loads(run("scenario", "review", file, workspace, "--format", "json").stdout)
    assert document["counts"]["new"] == len(document["changes"])
    assert all(change["caused_by"] for change in document["changes"])


def test_other_commands_take_a_scenario_by_its_file(
    workspace: Path, file: Path, tmp_path: Path
) -> None:
    plain = json.loads(run("review", workspace, "--format", "json").stdout)
    tried = json.loads(run("review", workspace, "--scenario", file, "--format", "json").stdout)
    assert tried["plan_version"] != plain["plan_version"]
    assert tried["findings_count"] > plain["findings_count"]
    project = tmp_path / "p.json"
    needs = {"name": "p", "industry_code": "1311", "needs": {"land_m2": 9000}}
    project.write_text(json.dumps(needs), encoding="utf-8")
    ranked = json.loads(
        run("rank", project, workspace, "--scenario", file, "--format", "json").stdout
    )
    assert {item["candidate_id"] for item in ranked["candidates"]} == {"parcel:B"}
    exported = tmp_path / "plan.gpkg"
    assert run("export", workspace, "--scenario", file, "-o", exported).returncode == 0
    assert run("unpack", exported, tmp_path / "copy").returncode == 0
    parks = open_plan(tmp_path / "copy").parks.set_index("park_id")
    assert parks.loc["P1", "leading_industry"] == "36"
    page = tmp_path / "map.html"
    drawn = run("map", workspace, "--kind", "compare", "--scenario", file, "-o", page)
    assert drawn.returncode == 0, drawn.stderr
    wrong = run("map", workspace, "--kind", "time", "--scenario", file, "-o", page)
    assert wrong.returncode == 2


def test_a_comparison_goes_to_a_meeting_in_every_format(workspace: Path, file: Path) -> None:
    table = run("scenario", "compare", file, "-w", workspace, "--lang", "en")
    assert "parks that comply" in table.stdout
    html = run("scenario", "compare", file, "-w", workspace, "--format", "html").stdout
    assert "甲 &lt;b&gt;方案&lt;/b&gt; =1+1" in html
    assert "<script" not in html
    assert "http://" not in html.replace("http-equiv", "")
    xlsx = run_bytes("scenario", "compare", file, "-w", workspace, "--format", "xlsx").stdout
    sheet = load_workbook(io.BytesIO(xlsx)).worksheets[3]
    cells = [cell for row in sheet.iter_rows() for cell in row]
    named = [cell for cell in cells if cell.value == "甲 <b>方案</b> =1+1"]
    assert named
    assert {cell.data_type for cell in named} == {"s"}
    text = run_bytes("scenario", "compare", file, "-w", workspace, "--format", "docx").stdout
    words = [
        cell.text
        for table in docx.Document(io.BytesIO(text)).tables
        for row in table.rows
        for cell in row.cells
    ]
    assert "甲 <b>方案</b> =1+1" in words
    again = run_bytes("scenario", "compare", file, "-w", workspace, "--format", "docx").stdout
    assert text == again


def test_a_conflict_exits_2_and_is_settled_by_a_choice(workspace: Path) -> None:
    name = told("new", "方案", workspace)["scenario_id"]
    one = {**edit("rezone_parcel", parcel_id="B", land_use="100103"), "edit_id": "e1"}
    told("add", name, workspace, "--edit", json.dumps(one))
    now = newest_layer(workspace, "parcels")
    publish(workspace, "parcels", now.frame.assign(land_use="0701"), expected=now.version)
    early = run("scenario", "publish", name, workspace)
    assert early.returncode == 2
    done = run("scenario", "rebase", name, workspace, "--lang", "en")
    assert done.returncode == 2
    assert "ours 100103, theirs 0701" in done.stdout.replace("\n", " ")
    assert told("rebase", name, workspace, "--ours", "e1")["is_current"]


def test_an_export_opens_elsewhere_with_the_same_base_only(workspace: Path, tmp_path: Path) -> None:
    name = told("new", "方案", workspace)["scenario_id"]
    told("add", name, workspace, "--edit", json.dumps(moved("E1", park_id="P2")))
    path = tmp_path / "out.json"
    assert run("scenario", "export", name, workspace, "-o", path).returncode == 0
    same = scenario_county().write(tmp_path / "same")
    assert told("import", path, same)["name"] == "方案"
    county = scenario_county()
    county.layers["parcels"][0]["plot_ratio"] = 9.0
    other = county.write(tmp_path / "other")
    refused = run("scenario", "import", path, other, "--lang", "en")
    assert refused.returncode == 2
    assert "other layers" in refused.stderr
    assert run("review", other, "--scenario", path).returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "s1", "--edit", "[1]"),
        ("add", "s1", "--edit", "{"),
        ("add", "s1"),
        ("show", "nothing"),
        ("show", "nothing.yaml"),
        ("undo", "nothing"),
    ],
)
def test_a_wrong_call_exits_2(workspace: Path, arguments: tuple[str, ...]) -> None:
    command, name, *rest = arguments
    done = run("scenario", command, name, workspace, *rest)
    assert done.returncode == 2
    assert done.stderr.strip()


def test_the_schema_is_printed() -> None:
    assert "edits" in json.loads(run("scenario", "schema").stdout)["properties"]
