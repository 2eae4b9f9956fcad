"""`geo-service import`: what goes where, and the exit codes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from geo_service.ingest import apart
from geo_service.ingest.options import ImportOptions
from geo_service.language import Language, Translator
from geo_service.planning.imports import import_file
from geo_service.planning.layers import newest_layer
from geo_service.reports.import_table import import_table
from geo_service.workspace import opening
from tests.conftest import ROOT
from tests.county import County
from tests.ingest.made import gbk_shapefile, parcels, table
from tests.terminal import COMMAND, run


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
    assert 'parcel_id = "宗地编号"\n' in mapping.read_text(encoding="utf-8")
    lists = next((workspace / "store" / "imports").iterdir())
    assert {item.name for item in lists.iterdir()} == {
        "report.json",
        "repairs.csv",
        "refused.csv",
        "preview.geojson",
    }
    # The remembered mapping knows the scheme too.
    assert run("import", path, workspace, "--layer", "parcels", "--dry-run").returncode == 0


def test_a_workspace_that_takes_no_lists_can_be_looked_at_and_refuses_clearly(
    workspace: Path, tmp_path: Path
) -> None:
    path = table(tmp_path / "a.csv", park_id=["P1"], speciality=["新"])
    (workspace / "store").mkdir()
    (workspace / "store" / "imports").write_bytes(b"")  # no folder can be made in its place
    looked = run("import", path, workspace, "--layer", "parks", "--dry-run", "--lang", "en")
    assert looked.returncode == 0, looked.stderr
    assert "The lists were not written" in looked.stderr
    done = run("import", path, workspace, "--layer", "parks")
    assert done.returncode == 2, done.stderr
    assert "没有发布任何内容" in done.stderr
    assert "Traceback" not in done.stderr
    assert newest_layer(workspace, "parks").number == 0


def test_a_layer_is_published_where_its_columns_cannot_be_remembered(
    workspace: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = table(tmp_path / "a.csv", park_id=["P1"], speciality=["新"])
    (workspace / "store").mkdir()
    (workspace / "store" / "mappings").write_bytes(b"")
    done = import_file(workspace, path, "parks", ImportOptions())
    assert done.version is not None
    assert "Cannot remember the columns" in caplog.text


@pytest.mark.parametrize("is_dry", [True, False])
def test_an_import_opens_the_workspace_once_and_its_process_first(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_dry: bool
) -> None:
    happened: list[str] = []

    def counting(name: str, home: Any, what: str) -> None:  # noqa: ANN401 - a module or a class
        real = getattr(home, what)

        def counted(*given: Any, **more: Any) -> Any:  # noqa: ANN401 - whatever it takes
            happened.append(name)
            return real(*given, **more)

        monkeypatch.setattr(home, what, counted)

    counting("process", apart, "start")
    counting("settings", opening, "read_settings")
    counting("store", opening, "open_store")
    counting("plan", opening.Workspace, "plan")
    path = gbk_shapefile(parcels(地类编码=["100101", "100102", "100103"]), tmp_path)
    options = ImportOptions(scheme="planning2023")
    done = import_file(workspace, path, "parcels", options, dry_run=is_dry)
    assert (done.version is None) == is_dry
    assert done.folder is not None
    assert (done.folder / "preview.html").exists() == is_dry
    assert happened == ["process", "settings", "store", "plan"]


def test_a_report_says_what_publishing_would_change(workspace: Path, tmp_path: Path) -> None:
    frame = parcels(地类编码=["100101", "100102", "100103"])
    shown = {}
    for name, part in (("all", frame), ("one", frame.head(1))):
        (tmp_path / name).mkdir()
        path = gbk_shapefile(part, tmp_path / name)
        options = ImportOptions(scheme="planning2023", translator=Translator(Language.EN))
        done = import_file(workspace, path, "parcels", options, dry_run=name == "one")
        document = done.document(Translator(Language.EN))
        shown[name] = document["changes"], import_table(document, Translator(Language.EN), width=80)
    before, text = shown["all"]
    assert before == {
        "added": 3,
        "removed": 0,
        "changed": 0,
        "unchanged": 0,
        "moved": 0,
        "altered": 0,
        "is_mostly_removed": False,
    }
    assert "3 added, 0 changed, 0 removed, 0 unchanged" in text
    assert "Beware" not in text
    after, text = shown["one"]
    assert (after["unchanged"] + after["changed"], after["removed"]) == (1, 2)
    assert after["is_mostly_removed"]  # two of three
    assert "removes more than half" in text


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
    assert "不是 GeoPackage 的 SQLite 数据库" in done.stderr
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


@pytest.mark.slow
def test_a_person_at_a_terminal_is_asked(workspace: Path, tmp_path: Path) -> None:
    path = gbk_shapefile(parcels(投资=[120.0, 3.5, 7.0]), tmp_path)
    terminal, other = pty.openpty()
    with subprocess.Popen(
        [
            *COMMAND,
            "import",
            path,
            workspace,
            "--layer",
            "parcels",
            "--dry-run",
            "--format",
            "json",
        ],
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
