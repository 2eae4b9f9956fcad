"""`geo-service layout` and `place`: formats, exit codes, and what bad goals are told."""

from __future__ import annotations

import json
import zipfile
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


def test_a_layout_is_drawn(workspace: Path, tmp_path: Path) -> None:
    path = tmp_path / "layout.html"
    done = run("map", workspace, "--kind", "layout", "--goals", goals(tmp_path), "-o", path)
    assert done.returncode == 0, done.stderr
    page = path.read_text(encoding="utf-8")
    assert asked()["name"] in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    lacking = run("map", workspace, "--kind", "layout", "--lang", "en")
    assert lacking.returncode == 2
    assert "--goals" in lacking.stderr


@pytest.mark.slow
def test_every_form_tells_alternatives_front_and_how_firm_it_is(
    workspace: Path, tmp_path: Path
) -> None:
    """As one text, in English: the table, and a workbook's and a document's XML."""
    path = goals(
        tmp_path,
        alternatives={"count": 2, "within": 0.9, "parks": 1},
        front={"terms": ["placed", "suitability"], "points": 2, "point_limit_s": 5},
        firmness={"draws": 2},
    )
    told = run("layout", workspace, "--goals", path, "--lang", "en").stdout
    texts = {"table": told}
    for form in ("xlsx", "docx"):
        file = tmp_path / f"layout.{form}"
        done = run(
            "layout", workspace, "--goals", path, "--lang", "en", "--format", form, "-o", file
        )
        assert done.returncode == 0, done.stderr
        with zipfile.ZipFile(file) as parts:
            names = [name for name in parts.namelist() if name.endswith(".xml")]
            texts[form] = "".join(parts.read(name).decode() for name in names)
    for form, text in texts.items():
        for words in ("Alternatives", "Front", "How firm decisions are", "proven on the front"):
            assert words in text, (form, words)
