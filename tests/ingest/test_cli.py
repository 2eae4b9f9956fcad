"""`geo-service import`: what goes where, and the exit codes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.county import County
from tests.ingest.made import gbk_shapefile, parcels, table


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command as a user would, without a terminal."""
    return subprocess.run(
        [sys.executable, "-c", "from geo_service.cli import main; main()", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return County().write(tmp_path / "county")


def test_a_dry_run_reports_and_publishes_nothing(workspace: Path, tmp_path: Path) -> None:
    path = gbk_shapefile(parcels(), tmp_path)
    done = run(
        "import",
        path,
        workspace,
        "--layer",
        "parcels",
        "--scheme",
        "survey3",
        "--dry-run",
        "--format",
        "json",
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert {"layer", "features", "crs", "columns", "repairs", "refused", "sample"} <= set(document)
    assert {"declared", "detected", "evidence"} <= set(document["crs"])
    assert (document["features"], document["version"]) == (3, None)
    layers = json.loads(run("layers", workspace, "--format", "json").stdout)
    assert "parcels" not in json.dumps(layers)


def test_an_import_publishes_and_remembers_the_columns(workspace: Path, tmp_path: Path) -> None:
    path = gbk_shapefile(parcels(), tmp_path)
    first = run("import", path, workspace, "--layer", "parcels", "--scheme", "survey3")
    assert first.returncode == 0, first.stderr
    assert "0601" not in first.stderr
    assert "宗地编号" in first.stdout
    assert "已发布图层 parcels" in first.stderr
    (mapping,) = (workspace / "store" / "mappings").iterdir()
    assert 'parcel_id = { column = "宗地编号" }' in mapping.read_text(encoding="utf-8")
    lists = next((workspace / "store" / "imports").iterdir())
    assert {item.name for item in lists.iterdir()} == {
        "report.json",
        "repairs.csv",
        "refused.csv",
        "preview.geojson",
    }
    # The remembered mapping knows the scheme too.
    assert run("import", path, workspace, "--layer", "parcels", "--dry-run").returncode == 0


def test_an_open_choice_ends_with_2_and_the_choices(workspace: Path, tmp_path: Path) -> None:
    path = gbk_shapefile(parcels(), tmp_path)
    done = run("import", path, workspace, "--layer", "parcels", "--format", "json")
    assert done.returncode == 2
    asked = json.loads(done.stdout)["choice_needed"]
    assert asked["parameter"] == "scheme"
    assert "survey3" in [choice["value"] for choice in asked["choices"]]
    assert "survey3" in done.stderr


def test_wrong_input_ends_with_2(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "a.gpkg").write_bytes(b"SQLite format 3\x00" + bytes(100))
    done = run("import", tmp_path / "a.gpkg", workspace, "--layer", "parcels")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no GeoPackage" in done.stderr
    assert run("import", tmp_path / "a.gpkg", workspace, "--layer", "x").returncode == 2


def test_a_file_of_which_most_is_refused_is_reported_and_not_published(
    workspace: Path, tmp_path: Path
) -> None:
    path = table(
        tmp_path / "a.csv",
        park_id=["P1", "P2"],
        status=["operating", "?"],
        tier=["sme_cluster", "sme_cluster"],
        township_code=["T9", "T9"],
    )
    done = run("import", path, workspace, "--layer", "parks")
    assert done.returncode == 2
    path = table(tmp_path / "b.csv", park_id=["P1", "P8", "P9"], speciality=["新", "a", "b"])
    done = run("import", path, workspace, "--layer", "parks", "--lang", "en")
    assert done.returncode == 2
    assert "more than half" in done.stderr
    assert "P8" in done.stdout


def test_a_person_at_a_terminal_is_asked(workspace: Path, tmp_path: Path) -> None:
    path = gbk_shapefile(parcels(投资=[120.0, 3.5, 7.0]), tmp_path)
    terminal, other = pty.openpty()
    command = (sys.executable, "-c", "from geo_service.cli import main; main()", "import", path)
    with subprocess.Popen(
        [*command, workspace, "--layer", "parcels", "--dry-run", "--format", "json"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb"},
        stdin=other,
        stdout=subprocess.PIPE,
        stderr=other,
    ) as started:
        os.close(other)
        os.write(terminal, "万元\nnonsense\nsurvey3\n".encode())
        shown = b""
        with suppress(OSError):  # Linux ends a terminal with an error
            while part := os.read(terminal, 10_000):
                shown += part
        written = started.stdout.read() if started.stdout is not None else b""
    os.close(terminal)
    assert started.returncode == 0, shown
    assert b"gb50137" in shown
    document = json.loads(written)
    assert document["scheme"] == "survey3"
    # 120 万元 are 1,200,000 yuan.
    assert document["sample"][0]["properties"]["investment_cny"] == 1_200_000


def test_a_unit_may_be_given_beforehand(workspace: Path, tmp_path: Path) -> None:
    path = gbk_shapefile(parcels(投资=[120.0, 3.5, 7.0]), tmp_path)
    command = ("import", path, workspace, "--layer", "parcels", "--scheme", "survey3")
    asked = run(*command, "--dry-run")
    assert asked.returncode == 2
    assert "unit" in asked.stderr
    done = run(*command, "--unit", "investment_cny:万元", "--dry-run", "--format", "json")
    assert done.returncode == 0, done.stderr
    sample = json.loads(done.stdout)["sample"]
    assert sample[0]["properties"]["investment_cny"] == 1_200_000
