"""`geo-service layout` and `place`: formats, exit codes, and what bad goals are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.suitability.made import asked, five_sites
from tests.terminal import run


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the county of five sites on disk."""
    return five_sites().write(tmp_path_factory.mktemp("sites"))


def goals(folder: Path, **more: object) -> Path:
    path = folder / "goals.json"
    told = {"projects": [{"project": asked()}], **more}
    path.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
    return path


def test_a_layout_is_proposed_and_kept(workspace: Path, tmp_path: Path) -> None:
    done = run("layout", workspace, "--goals", goals(tmp_path), "--format", "json", "--save")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["status"] == "optimal"
    assert document["projects"][0]["candidate_id"] == "parcel:A"
    listed = json.loads(run("scenario", "list", workspace, "--format", "json").stdout)
    assert any(item["scenario_id"] in done.stderr for item in listed["scenarios"])


def test_a_clash_exits_1_and_is_told(workspace: Path, tmp_path: Path) -> None:
    huge = {**asked(), "needs": {"land_m2": 90_000_000}}
    path = goals(tmp_path, projects=[{"project": huge}])
    done = run("layout", workspace, "--goals", path, "--lang", "en", "--time-limit", "20")
    assert done.returncode == 1
    assert "must be placed" in done.stdout


def test_bad_goals_exit_2_with_every_fault(workspace: Path, tmp_path: Path) -> None:
    path = goals(tmp_path, nothing=1, moves={"most": -1})
    done = run("layout", workspace, "--goals", path, "--lang", "en")
    assert done.returncode == 2
    assert "nothing" in done.stderr
    assert "moves.most" in done.stderr


def test_one_more_project_gets_places(workspace: Path, tmp_path: Path) -> None:
    path = tmp_path / "project.json"
    path.write_text(json.dumps(asked(), ensure_ascii=False), encoding="utf-8")
    done = run("place", path, workspace, "--format", "json", "--top", "2")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["candidates"][0]["candidate_id"] == "parcel:A"
    assert len(document["candidates"]) == 2
    table = run("place", path, workspace, "--lang", "en")
    assert "parcel:A" in table.stdout
