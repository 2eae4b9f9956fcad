"""The command line: what goes to stdout, what to stderr, and the exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import urllib.request
from contextlib import closing
from contextvars import copy_context
from http.client import HTTPConnection
from pathlib import Path
from unittest.mock import Mock

import openpyxl
import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from geo_service.cli.common import app
from geo_service.planning import service
from geo_service.web import app as web
from tests.conftest import DEMO, ROOT
from tests.county import County, enterprise
from tests.patience import PATIENCE_S, eventually
from tests.terminal import COMMAND, run


@pytest.fixture
def orderly(county: County, tmp_path: Path) -> Path:
    """Return a workspace whose parks all pass."""
    return county.write(tmp_path / "orderly")


def test_the_review_s_table_names_every_park_and_exits_1_on_a_fail() -> None:
    done = run("review", DEMO)
    assert done.returncode == 1
    assert done.stdout.count("YY-B-") == 42
    assert "云阳市级特色工业园区（示意）" in done.stdout
    assert "示意数据" in done.stdout
    assert done.stderr == ""


def test_the_review_s_json_is_one_document_with_the_contract_s_members() -> None:
    done = run("review", DEMO, "--format", "json", "--lang", "en")
    document = json.loads(done.stdout)
    assert {
        "review_id",
        "plan_version",
        "rulebook_version",
        "verdicts",
        "parks",
        "checks",
        "findings",
    } <= set(document)
    assert len(document["parks"]) == 48
    assert {"park_id", "name", "tier", "verdict", "focus"} <= set(document["parks"][0])
    assert sum(document["verdicts"].values()) == 48
    for count in document["checks"].values():
        assert count["passed"] <= count["checked"]
    assert "geometry" in document["findings"][0]


def test_the_review_s_geojson_holds_parks_and_findings() -> None:
    document = json.loads(run("review", DEMO, "--format", "geojson").stdout)
    assert document["type"] == "FeatureCollection"
    assert document["numberReturned"] == len(document["features"]) > 48


def test_an_orderly_county_exits_0(orderly: Path) -> None:
    assert run("review", orderly, "--strict").returncode == 0


def test_strict_fails_on_watch(county: County, tmp_path: Path) -> None:
    county.layers["enterprises"].append(enterprise("Z", "1711", 1.0))
    folder = county.write(tmp_path / "c")
    assert run("review", folder).returncode == 0
    assert run("review", folder, "--strict").returncode == 1


def test_one_park_only(orderly: Path) -> None:
    done = run("review", orderly, "--park", "P2", "--format", "json")
    assert [park["park_id"] for park in json.loads(done.stdout)["parks"]] == ["P2"]


def test_the_workspace_comes_from_the_environment_or_the_folder(
    orderly: Path, tmp_path: Path
) -> None:
    by_environment = run("layers", "--format", "json", GEO_WORKSPACE=str(orderly), cwd=tmp_path)
    here = run("layers", "--format", "json", cwd=orderly)
    assert json.loads(by_environment.stdout) == json.loads(here.stdout)
    names = {layer["name"] for layer in json.loads(here.stdout)["layers"]}
    assert {"townships", "parks", "enterprises"} <= names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("review", "nowhere"), "没有这个文件"),
        (("review", "nowhere", "--lang", "en"), "no such file"),
        (("review", DEMO, "--park", "none"), "没有园区“none”"),
        (("review", DEMO, "--format", "pdf"), "pdf"),
        (("review", DEMO, "--rulebook", "none.yaml"), "none.yaml"),
        (("review", DEMO, "-o", "/proc/none/x"), "不能写入"),
        (("dance",), "dance"),
        (("serve", DEMO, "--host", "256.1.1.1"), "无法在 256.1.1.1:8000 上提供服务"),
    ],
)
def test_a_wrong_call_exits_2_with_a_message_and_no_trace(
    arguments: tuple[str | Path, ...], message: str
) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_broken_workspace_lists_its_faults_and_exits_2(county: County, tmp_path: Path) -> None:
    county.layers["parks"][0]["tier"] = "city"
    county.layers["enterprises"][0]["year"] = "last"
    done = run("review", county.write(tmp_path / "c"), "--lang", "en")
    assert done.returncode == 2
    assert "column tier: found 'city'" in done.stderr
    assert "column year: found 'last'" in done.stderr
    assert "Traceback" not in done.stderr


def test_hostile_names_do_not_reach_the_terminal_as_commands(
    county: County, tmp_path: Path
) -> None:
    county.layers["parks"][0]["name"] = "\x1b[31m\x07 [bold]x[/bold] {{7*7}}"
    done = run("review", county.write(tmp_path / "c"))
    assert "\x1b" not in done.stdout
    assert "[bold]x[/bold] {{7*7}}" in done.stdout


def test_two_saved_reviews_are_compared(county: County, tmp_path: Path) -> None:
    run("review", county.write(tmp_path / "a"), "--format", "json", "-o", tmp_path / "a.json")
    county.layers["enterprises"].append(enterprise("Z", "1711", 1.0))
    run("review", county.write(tmp_path / "b"), "--format", "json", "-o", tmp_path / "b.json")
    there = json.loads(
        run("compare", tmp_path / "a.json", tmp_path / "b.json", "--format", "json").stdout
    )
    assert [(item["kind"], item["subject"]["id"]) for item in there["changes"]] == [("new", "Z")]
    back = run("compare", tmp_path / "b.json", tmp_path / "a.json", "--lang", "en")
    assert "New 0, Worse 0, Now unknown 0, Better 0, Cured 0, Subject gone 1" in back.stdout
    files = (tmp_path / "b.json", tmp_path / "a.json")
    run("compare", *files, "--lang", "en", "--format", "xlsx", "-o", tmp_path / "c.xlsx")
    book = openpyxl.load_workbook(tmp_path / "c.xlsx")
    told = {str(row[0].value): row[1].value for row in book["Summary"].iter_rows(min_row=5)}
    assert (told["Subject gone"], told["Cured"]) == (1, 0)
    assert [row[0].value for row in book["Changes"].iter_rows(min_row=2)] == ["Subject gone"]


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"findings": [1]}', '{"findings": [{}]}', '{"a": ' + "[" * 900 + "]" * 900 + "}"],
)
def test_what_is_no_review_is_not_compared(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content, encoding="utf-8")
    done = run("compare", tmp_path / "x.json", tmp_path / "x.json")
    assert done.returncode == 2
    assert "不是 `geo-service review --format json` 写出的审查结果" in done.stderr


def test_help_gives_an_example_for_every_command() -> None:
    for command in ("review", "compare", "map", "layers", "serve"):
        done = run(command, "--help")
        assert done.returncode == 0
        assert "Example: geo-service" in " ".join(done.stdout.split())


def test_a_map_is_written_as_one_file(orderly: Path, tmp_path: Path) -> None:
    done = run("map", orderly, "--standalone", "-o", tmp_path / "map.html")
    assert done.returncode == 0
    text = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")


def opens_and_ends(made: FastAPI, *_: object) -> Mock:
    """Return a server that ends as soon as there is a county to ask."""

    def run() -> None:
        eventually(lambda: made.state.service is not None, "the county is open")

    return Mock(should_exit=False, run=run)


@pytest.mark.parametrize(
    ("address", "lang", "told", "shown"),
    [
        ("0.0.0.0", "en", "everybody signs in", "http://127.0.0.1:8000/"),  # noqa: S104
        ("::", "zh-Hans", "须登录后才能使用", "http://[::1]:8000/"),
        ("10.1.2.3", "zh-Hant", "須登錄後才能使用", "http://10.1.2.3:8000/"),
        ("127.0.0.1", "en", None, "http://127.0.0.1:8000/"),
        ("::1", "en", None, "http://[::1]:8000/"),
    ],
)
def test_serving_a_network_says_what_that_means(
    orderly: Path, monkeypatch: pytest.MonkeyPatch, address: str, lang: str, told: str, shown: str
) -> None:
    """Nothing is listened on here: a network must not see what tests serve."""
    listener = Mock(getsockname=lambda: (address, 8000))
    monkeypatch.setattr(web, "_listen", lambda *_: listener)
    monkeypatch.setattr(web, "server_of", opens_and_ends)
    monkeypatch.setattr(web, "has_accounts", lambda _: True)
    monkeypatch.setattr(service, "CAN_FORK", False)  # no work is done: no process is made for it
    arguments = ["serve", str(orderly), "--host", address, "--lang", lang]
    done = copy_context().run(CliRunner().invoke, app, arguments)  # its language ends with it
    assert done.exit_code == 0
    assert shown in done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.startswith("WARNING ")]
    assert len(lines) == 2 + bool(told)
    assert (told or "") in done.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "told"),
    [
        (("--allow-host", "*"), {}, "* is not a name or address"),
        ((), {"GEO_ALLOWED_HOSTS": "a b"}, "a b is not a name or address"),
        ((), {"GEO_TRUSTED_PROXIES": "*"}, "* is not an address of a proxy"),
    ],
)
def test_what_is_no_name_or_proxy_is_told_before_anything_is_served(
    orderly: Path, arguments: tuple[str, ...], environment: dict[str, str], told: str
) -> None:
    done = run(
        *("serve", str(orderly), "--port", "0", "--lang", "en", *arguments), cwd=ROOT, **environment
    )
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_serve_answers_to_the_names_that_it_was_given_until_ctrl_c(orderly: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "serve", orderly, "--port", "0", "--allow-host", "plan.example.gov.cn"],
        cwd=ROOT,
        env={**os.environ, "GEO_ALLOWED_HOSTS": "map.example.gov.cn, 10.1.2.3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        address = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        assert address, line
        with urllib.request.urlopen(f"{address[0]}/healthz", timeout=60) as answer:  # noqa: S310 - ours
            assert json.load(answer) == {"status": "ok"}
        for host, status in {
            "127.0.0.1": 200,
            "plan.example.gov.cn": 200,
            "map.example.gov.cn:80": 200,
            "10.1.2.3": 200,
            "0.0.0.0": 421,  # noqa: S104 - a name, not listened on
            "other.example": 421,
        }.items():
            with closing(HTTPConnection("127.0.0.1", int(address[1]), timeout=60)) as client:
                client.request("GET", "/healthz", headers={"host": host})
                assert client.getresponse().status == status, host
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert "Stopped." in rest
    assert "Traceback" not in rest
