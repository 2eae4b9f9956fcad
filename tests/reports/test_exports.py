"""A review taken away: by the command line, and over HTTP with a name that is safe."""

from __future__ import annotations

import json
import os
import pty
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_service.errors import WorkspaceError
from geo_service.language import Language, Translator
from geo_service.planning import PlanningService as Running
from geo_service.planning.reviews import BINARY, MEDIA_TYPES, ExportFormat, export_name
from geo_service.web.app import create_app
from geo_service.web.replies import attachment
from geo_service.workspace.opening import open_plan
from geo_service.zoning.review import Review
from tests.client import TestClient
from tests.conftest import ROOT
from tests.county import County
from tests.terminal import COMMAND, run_bytes

pytestmark = pytest.mark.slow

MAGIC = {
    ExportFormat.XLSX: b"PK\x03\x04",
    ExportFormat.DOCX: b"PK\x03\x04",
    ExportFormat.GPKG: b"SQLite format 3\x00",
}


@pytest.fixture
def orderly(county: County, tmp_path: Path) -> Path:
    return county.write(tmp_path / "orderly")


# ---- command line -------------------------------------------------------------------------------


def test_a_file_is_written_as_it_is(orderly: Path, tmp_path: Path) -> None:
    path = tmp_path / "review.xlsx"
    assert run_bytes("review", orderly, "--format", "xlsx", "-o", path).returncode == 0
    assert len(openpyxl.load_workbook(path).sheetnames) == 9


@pytest.mark.parametrize("format", sorted(BINARY - {ExportFormat.XLSX}))
def test_redirected_output_is_the_file_and_nothing_else(
    orderly: Path,
    format: ExportFormat,  # noqa: A002 - the option's name
) -> None:
    done = run_bytes("review", orderly, "--format", format)
    assert done.returncode == 0
    assert done.stdout.startswith(MAGIC[format])
    if format is ExportFormat.DOCX:  # a zip file ends with its directory's 22 bytes
        assert done.stdout[-22:-18] == b"PK\x05\x06"
    else:  # SQLite's page size and count
        size, count = struct.unpack(">H", done.stdout[16:18])[0], done.stdout[28:32]
        assert len(done.stdout) == size * struct.unpack(">I", count)[0]


def test_a_binary_format_is_refused_on_a_terminal(orderly: Path) -> None:
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [*COMMAND, "review", orderly, "--format", "xlsx"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=theirs,
            stderr=subprocess.PIPE,
            timeout=120,
            check=False,
        )
    finally:
        os.close(theirs)
        os.close(ours)
    assert done.returncode == 2
    assert b"-o" in done.stderr
    assert b"Traceback" not in done.stderr


# ---- HTTP ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    made = County()
    made.extra += '\nconfidentiality = "内部资料"'
    running = Running.open(made.write(tmp_path_factory.mktemp("web") / "county"))
    with TestClient(create_app(running), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def review_id(client: TestClient) -> str:
    return str(client.get("/api/reviews").json()["reviews"][0]["review_id"])


@pytest.mark.parametrize("format", ExportFormat)
def test_every_format_comes_with_its_type_and_name(
    client: TestClient,
    review_id: str,
    format: ExportFormat,  # noqa: A002 - the parameter's name
) -> None:
    answer = client.get(f"/api/reviews/{review_id}/export?format={format}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == MEDIA_TYPES[format]
    header = answer.headers["content-disposition"]
    assert header.startswith("attachment; filename=")
    name = unquote(header.partition("filename*=UTF-8''")[2])
    assert name.startswith("测试县园区审查_")
    assert name.endswith(f"_{review_id}.{format}")
    assert answer.content.startswith(MAGIC.get(format, b"{"))


def test_the_language_is_the_one_asked_for(client: TestClient, review_id: str) -> None:
    address = f"/api/reviews/{review_id}/export?format=json&lang=en"
    answer = client.get(address)
    assert json.loads(answer.content)["county"] == "Test County"
    assert "Test_County_park_review" in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/api/reviews/none/export?format=xlsx", 404),
        ("/api/reviews/{id}/export", 400),
        ("/api/reviews/{id}/export?format=pdf", 400),
        ("/api/reviews/{id}/export?format=xlsx&lang=fr", 400),
    ],
)
def test_what_is_wrong_is_told(
    client: TestClient, review_id: str, address: str, status: int
) -> None:
    answer = client.get(address.format(id=review_id))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_a_header_is_one_line_of_ascii_whatever_the_name(name: str) -> None:
    header = attachment(name)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
    assert header.encode("latin-1")
    coded = header.partition("filename*=UTF-8''")[2]
    assert unquote(coded) == name.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("county_name", ['a"b/../c\r\nX: 1', "..\\..\\x", "<测>试县;"])
def test_a_file_s_name_is_no_path(orderly_review: Review, county_name: str) -> None:
    settings = orderly_review.plan.settings
    object.__setattr__(settings, "name", {"zh-Hans": county_name})
    name = export_name(orderly_review, ExportFormat.XLSX, Translator(Language.ZH_HANS))
    assert Path(name).name == name
    assert not set(name) & set('\\/:*?"<>|;\r\n ')
    assert not name.startswith(".")


# ---- settings -----------------------------------------------------------------------------------


def test_marks_change_what_is_printed_and_not_the_plan_s_version(tmp_path: Path) -> None:
    plain, marked = County(), County()
    marked.extra += '\nconfidentiality = " 内部资料 "\nmap_approval = "渝S(2026)001号"'
    one = open_plan(plain.write(tmp_path / "one"))
    other = open_plan(marked.write(tmp_path / "other"))
    assert one.version == other.version
    assert one.settings.confidentiality is None
    assert other.settings.confidentiality == "内部资料"
    assert other.settings.map_approval == "渝S(2026)001号"


@pytest.mark.parametrize("mark", ['""', '"  "', f'"{"长" * 61}"', '"a\\u0007b"', '"a\\nb"', "3"])
def test_a_mark_that_cannot_be_printed_is_refused(
    county: County, tmp_path: Path, mark: str
) -> None:
    county.extra += f"\nconfidentiality = {mark}"
    with pytest.raises(WorkspaceError, match="confidentiality"):
        open_plan(county.write(tmp_path / "c"))


@pytest.mark.parametrize("kind", ["json", "geojson"])
def test_the_marks_go_out_with_the_documents(client: TestClient, review_id: str, kind: str) -> None:
    found = client.get(f"/api/reviews/{review_id}/export?format={kind}").json()
    summary = found if kind == "json" else found["review"]
    assert summary["confidentiality"] == "内部资料"
    assert summary["map_approval"] is None
