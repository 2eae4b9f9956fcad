"""`geo-service rank`: formats, exit codes, and what a wrong project is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openpyxl import load_workbook

from geo_service.workspace.opening import open_workspace
from tests.suitability.made import asked, five_sites
from tests.terminal import run


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the county of five sites on disk."""
    return five_sites().write(tmp_path_factory.mktemp("sites"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the project of the county of five sites on disk."""
    path = tmp_path / "project.json"
    path.write_text(json.dumps(asked(), ensure_ascii=False), encoding="utf-8")
    return path


def test_the_table_shows_order_exclusions_and_method(workspace: Path, project: Path) -> None:
    done = run("rank", project, workspace, "--lang", "en", "--top", "4")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    places = [
        next(i for i, line in enumerate(lines) if f"Parcel {name}" in line) for name in "ABCD"
    ]
    assert places == sorted(places)
    assert "control_zone.ecological_red_line" in done.stdout
    assert "weighted sum" in done.stdout


def test_json_is_what_the_service_answers(workspace: Path, project: Path) -> None:
    done = run("rank", project, workspace, "--format", "json", "--top", "2")
    document = json.loads(done.stdout)
    assert [item["candidate_id"] for item in document["candidates"]] == ["parcel:A", "parcel:B"]
    assert document["candidates"][0]["score"] == pytest.approx(0.79)
    assert document["candidates_count"] == 4


def test_geojson_holds_ranked_and_excluded(workspace: Path, project: Path, tmp_path: Path) -> None:
    path = tmp_path / "sites.geojson"
    done = run("rank", project, workspace, "--format", "geojson", "-o", path)
    assert done.returncode == 0
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["numberMatched"] == 5
    assert document["ranking"]["method"] == "weighted_sum"


def test_a_project_that_fits_nowhere_exits_1_and_says_what_is_nearest(
    workspace: Path, tmp_path: Path
) -> None:
    path = tmp_path / "large.yaml"
    path.write_text("name: 大\nindustry_code: '1311'\nneeds: {land_m2: 900000}\n", encoding="utf-8")
    done = run("rank", path, workspace, "--lang", "en")
    assert done.returncode == 1
    assert "No candidate fits" in done.stdout
    assert "Reduce the need to" in done.stdout


def test_a_wrong_project_exits_2_with_line_and_nearest_name(
    workspace: Path, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("name: x\nindustry_code: '1311'\nneeds: {land_sqm: 900}\n", encoding="utf-8")
    done = run("rank", path, workspace)
    assert done.returncode == 2
    assert "wrong.yaml:3" in done.stderr
    assert "没有“land_sqm”这个名称；要求：最接近的是“land_m2”" in done.stderr
    assert run("rank", tmp_path / "none.yaml", workspace).returncode == 2


def test_a_saved_ranking_is_listed_by_the_store(project: Path, tmp_path: Path) -> None:
    folder = five_sites().write(tmp_path / "county")
    done = run("rank", project, folder, "--save", "--format", "json")
    assert done.returncode == 0, done.stderr
    with open_workspace(folder) as opened:
        (saved,) = opened.store.saved("ranking")
    assert saved.id == json.loads(done.stdout)["ranking_id"]


def test_the_workbook_holds_the_scores(workspace: Path, project: Path, tmp_path: Path) -> None:
    path = tmp_path / "sites.xlsx"
    assert run("rank", project, workspace, "--format", "xlsx", "-o", path).returncode == 0
    book = load_workbook(path)
    cells = [cell.value for sheet in book for row in sheet.iter_rows() for cell in row]
    numbers = [cell for cell in cells if isinstance(cell, float)]
    assert any(abs(number - 0.79) < 1e-9 for number in numbers)


def test_one_candidate_explained(workspace: Path, project: Path) -> None:
    done = run("rank", project, workspace, "--explain", "parcel:A", "--lang", "en")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "P1 园 · Parcel A"
    assert "79.0 of 100" in lines[1]
    assert any("leading industry" in line for line in lines)
    told = run("rank", project, workspace, "--explain", "parcel:A", "--format", "json")
    assert len(json.loads(told.stdout)["sentences"]) == 3
    assert run("rank", project, workspace, "--explain", "parcel:E").returncode == 2
    wrong = run("rank", project, workspace, "--explain", "parcel:A", "--format", "geojson")
    assert wrong.returncode == 2


@pytest.mark.parametrize(
    ("needs", "named"),
    [
        ("{land_m2: .inf}", "needs.land_m2"),
        ("{land_m2: inf}", "needs.land_m2"),
        ("{land_m2: 900, floor_load_kn_m2: 5}", "floor_load_kn_m2"),
    ],
)
def test_needs_that_cannot_be_met_exit_2_and_are_named(
    workspace: Path, tmp_path: Path, needs: str, named: str
) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(f"name: x\nindustry_code: '1311'\nneeds: {needs}\n", encoding="utf-8")
    done = run("rank", path, workspace)
    assert done.returncode == 2
    assert named in done.stderr
