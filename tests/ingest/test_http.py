"""Imports over HTTP: a draft is read, looked at, published or dropped; nothing is half done."""

from __future__ import annotations

import csv
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from geo_service.planning import PlanningService as RunningCounty
from geo_service.planning import import_drafts
from geo_service.web.app import create_app
from geo_service.web.routes import imports as import_routes
from tests.client import TestClient
from tests.county import FEW_RULES, County
from tests.ingest.made import endless_geopackage, gbk_shapefile, parcels, recipe, table, zipped
from tests.patience import eventually

pytestmark = pytest.mark.slow

HOSTILE = '=HYPERLINK("http://evil","x")'


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """Return a client of a service that runs a small county and takes files up to 1 MB.

    It answers when the work is done, however slow the machine is.
    """
    monkeypatch.setattr(import_routes, "AT_ONCE_SECONDS", 120.0)
    county = County()
    county.rules = FEW_RULES
    running = RunningCounty.open(county.write(tmp_path / "county"))
    app = create_app(running, max_import_bytes=1_000_000)
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


def send(client: TestClient, path: Path, **asked: str) -> Any:  # noqa: ANN401 - an answer
    params = {"layer": "parcels", "filename": path.name, **asked}
    return client.post("/api/imports", params=params, content=path.read_bytes())


def zipped_file(path: Path, target: Path) -> Path:
    """Pack a shapefile's files."""
    with zipfile.ZipFile(target, "w") as archive:
        for part in path.parent.glob(f"{path.stem}.*"):
            archive.write(part, part.name)
    return target


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    gbk_shapefile(parcels(状态=["闲置", HOSTILE, "空闲"]), folder)
    return zipped(folder, tmp_path / "宗地.zip")


def test_a_draft_is_read_looked_at_and_published(client: TestClient, packed: Path) -> None:
    answer = send(client, packed, scheme="survey3", lang="zh-Hans")
    assert answer.status_code == 201, answer.text
    report = answer.json()
    assert {"layer", "features", "crs", "columns", "repairs", "refused", "sample"} <= set(report)
    assert (report["file"], report["features"], report["refused_count"]) == ("宗地.zip", 2, 1)
    assert set(report["crs"]) >= {"declared", "detected", "evidence"}
    address = answer.headers["location"]
    assert client.get(address).json() == report
    assert client.get("/api/imports").json()["imports"][0]["import_id"] == report["import_id"]

    features = client.get(f"{address}/features?limit=2")
    assert features.headers["content-type"] == "application/geo+json"
    collection = features.json()
    assert (collection["numberMatched"], collection["numberReturned"]) == (3, 2)
    assert collection["features"][0]["properties"]["refused"] is True

    refused = client.get(f"{address}/refused")
    assert refused.content.startswith("\ufeff".encode())
    rows = list(csv.reader(io.StringIO(refused.content.decode("utf-8-sig"))))
    assert rows[1][:3] == ["2", "A2", "status"]
    assert all(not cell.startswith("=") for row in rows for cell in row)

    published = client.post(f"{address}/publish?note=季度更新").json()
    assert published["status"] == "published"
    assert published["version"]
    assert client.post(f"{address}/publish").status_code == 409
    again = send(client, packed, scheme="survey3").json()
    assert "mapping" in {item["how"] for item in again["columns"]}


def test_an_open_choice_is_a_conflict_with_its_choices(client: TestClient, packed: Path) -> None:
    answer = send(client, packed)
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["parameter"] == "scheme"
    assert [choice["value"] for choice in problem["choices"]] == [
        "planning2023",
        "survey3",
        "gb50137",
        "local",
    ]
    assert client.get("/api/imports").json()["numberMatched"] == 0


@pytest.mark.parametrize(
    "answer",
    [{"unit": "investment_cny:万元"}, {"unit:investment_cny": "万元"}],
    ids=["unit", "as asked"],
)
def test_an_open_unit_is_answered_by_a_parameter(
    client: TestClient, tmp_path: Path, answer: dict[str, str]
) -> None:
    path = gbk_shapefile(parcels(投资=[120.0, 3.5, 7.0]), tmp_path)
    packed = zipped_file(path, tmp_path / "a.zip")
    asked = send(client, packed, scheme="survey3")
    assert (asked.status_code, asked.json()["parameter"]) == (409, "unit:investment_cny")
    assert "万元" in [choice["value"] for choice in asked.json()["choices"]]
    report = send(client, packed, scheme="survey3", **answer)
    assert report.status_code == 201, report.text
    # 120 万元 are 1,200,000 yuan.
    assert report.json()["sample"][0]["properties"]["investment_cny"] == 1_200_000
    published = client.post(f"{report.headers['location']}/publish")
    assert published.status_code == 200, published.text
    # What was answered once is remembered, and another answer counts before it.
    again = send(client, packed)
    assert again.json()["sample"][0]["properties"]["investment_cny"] == 1_200_000
    other = send(client, packed, unit="investment_cny:元").json()
    assert other["sample"][0]["properties"]["investment_cny"] == 120


def test_one_file_of_several_in_an_archive_is_chosen(client: TestClient, tmp_path: Path) -> None:
    for name, part in (("甲", parcels().head(1)), ("乙", parcels())):
        (tmp_path / name).mkdir()
        gbk_shapefile(part, tmp_path / name)
    packed = tmp_path / "a.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(tmp_path.glob("*/宗地.*")):
            archive.write(path, path.relative_to(tmp_path).as_posix())
    asked = send(client, packed, scheme="survey3")
    assert (asked.status_code, asked.json()["parameter"]) == (409, "file")
    names = [choice["value"] for choice in asked.json()["choices"]]
    assert names == ["乙/宗地.shp", "甲/宗地.shp"]
    counts = [
        send(client, packed, scheme="survey3", file=name).json()["features"] for name in names
    ]
    assert counts == [3, 1]
    wrong = send(client, packed, scheme="survey3", file="丙.shp")
    assert wrong.status_code == 422
    assert "甲/宗地.shp" in wrong.json()["detail"]
    single = zipped_file(tmp_path / "甲" / "宗地.shp", tmp_path / "b.zip")
    assert send(client, single, scheme="survey3", file="宗地.shp").status_code == 201


def test_a_mapping_is_given_as_the_text_of_its_file(client: TestClient, tmp_path: Path) -> None:
    path = gbk_shapefile(parcels(钱=[1.0, 2.0, 3.0]), tmp_path)
    mapping = """
        scheme = "survey3"
        [columns]
        investment_cny = { column = "钱", unit = "亿元" }
    """
    report = send(client, zipped_file(path, tmp_path / "a.zip"), mapping=mapping)
    assert report.status_code == 201, report.text
    assert report.json()["sample"][0]["properties"]["investment_cny"] == 100_000_000
    assert {"column": "investment_cny", "how": "mapping"}.items() <= next(
        item for item in report.json()["columns"] if item["source"] == "钱"
    ).items()


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"unit": "万元"}, 400, "COLUMN:UNIT"),
        ({"unit": "investment_cny:斤"}, 400, "万元"),
        ({"unit": "output_cny:万元"}, 400, "no column for 'output_cny'"),
        ({"unit:parcel_id": "万元"}, 400, "no unit"),
        ({"mapping": "columns = 3"}, 422, "mapping"),
        ({"mapping": "a = " + "[" * 5_000}, 422, "nesting that is too deep"),
        ({"mapping": "#" * 8_001}, 400, "mapping"),
    ],
)
def test_an_answer_that_does_not_fit_is_told(
    client: TestClient, tmp_path: Path, asked: dict[str, str], status: int, said: str
) -> None:
    path = gbk_shapefile(parcels(投资=[120.0, 3.5, 7.0]), tmp_path)
    answer = send(client, zipped_file(path, tmp_path / "a.zip"), scheme="survey3", **asked)
    assert answer.status_code == status, answer.text
    assert said in answer.text


def is_ended(client: TestClient, job: str) -> bool:
    return client.get(job).json()["status"] not in {"waiting", "running"}


def test_long_reading_is_a_job_that_leads_to_the_draft_or_to_the_choices(
    client: TestClient, packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_routes, "AT_ONCE_SECONDS", 0.0)
    for asked in ({"scheme": "survey3"}, {}):
        answer = send(client, packed, **asked)
        assert answer.status_code == 202
        address = answer.headers["location"]
        eventually(lambda: is_ended(client, address), "the file is read")  # noqa: B023 - at once
        job = client.get(address).json()
        if asked:
            assert client.get(job["result"]).json()["features"] == 2
        else:
            assert (job["status"], job["parameter"]) == ("failed", "scheme")
            assert len(job["choices"]) == 4


def test_a_file_without_end_is_cancelled_and_stops_nothing_else(
    client: TestClient, packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_routes, "AT_ONCE_SECONDS", 0.0)
    started = send(client, endless_geopackage(tmp_path / "a.gpkg"), scheme="survey3")
    assert started.status_code == 202
    job = started.headers["location"]
    eventually(lambda: client.get(job).json()["status"] != "waiting", "the job is begun")
    client.delete(job)
    eventually(lambda: client.get(job).json()["status"] != "running", "the job is stopped")
    assert client.get(job).json()["status"] == "cancelled"
    monkeypatch.setattr(import_routes, "AT_ONCE_SECONDS", 120.0)
    assert send(client, packed, scheme="survey3").status_code == 201


def test_a_recipe_is_a_422_that_shows_nothing(client: TestClient, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("enterprise_id,year,name\nE1,2024,secret-name\n")
    path = tmp_path / "a.kml"
    path.write_text(recipe(str(secret)))
    answer = send(client, path, layer="enterprises")
    assert answer.status_code == 422
    assert "secret-name" not in answer.text


def test_a_dropped_draft_is_gone(client: TestClient, packed: Path) -> None:
    address = send(client, packed, scheme="survey3").headers["location"]
    assert client.delete(address).status_code == 204
    gone = client.get(address)
    assert gone.status_code == 404
    assert "by the process that read the file" in gone.json()["detail"]
    assert client.delete(address).status_code == 404


def test_a_draft_expires(client: TestClient, packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = send(client, packed, scheme="survey3").headers["location"]
    monkeypatch.setattr(import_drafts, "HELD_SECONDS", -1.0)
    assert client.get(address).status_code == 404


def test_an_upload_that_nobody_read_is_removed(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk: import_drafts.ImportDesk = client.app.state.service.imports
    upload = desk.receive("a.csv")
    upload.write(b"a")
    assert desk.drafts() == []
    assert upload.path.exists()
    monkeypatch.setattr(import_drafts, "HELD_SECONDS", -1.0)
    assert desk.drafts() == []
    assert not upload.path.parent.exists()


def test_a_file_over_the_limit_is_told_and_not_kept(client: TestClient, tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    path.write_bytes(os.urandom(1_000_001))
    assert send(client, path).status_code == 413
    assert not list(client.app.state.service.imports.folder.glob("upload-*"))


def test_a_file_that_cannot_be_read_is_a_422_that_says_why(
    client: TestClient, tmp_path: Path
) -> None:
    path = tmp_path / "a.gpkg"
    path.write_bytes(b"SQLite format 3\x00" + bytes(200))
    answer = send(client, path)
    assert answer.status_code == 422
    assert "not a GeoPackage" in answer.json()["detail"]
    assert str(tmp_path) not in answer.text


@pytest.mark.parametrize(
    ("asked", "status"),
    [({"layer": "nothing"}, 404), ({"scheme": "x"}, 400), ({"crs": "x" * 501}, 400)],
)
def test_wrong_parameters(
    client: TestClient, packed: Path, asked: dict[str, str], status: int
) -> None:
    assert send(client, packed, **asked).status_code == status


def test_a_name_that_is_a_path_is_only_a_name(client: TestClient, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", 园区编号=["P1"], 特色=["新"])
    answer = send(client, path, layer="parks", filename="../../etc/passwd.csv")
    assert answer.status_code == 201, answer.text
    assert answer.json()["file"] == "passwd.csv"


def test_publishing_over_a_newer_version_is_refused(client: TestClient, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", 园区编号=["P1"], 特色=["新"])
    first, second = (send(client, path, layer="parks").headers["location"] for _ in range(2))
    assert client.post(f"{first}/publish").status_code == 200
    assert client.post(f"{second}/publish").status_code == 409
    eventually(
        lambda: client.get("/api/parks/P1").json()["properties"].get("speciality") == "新",
        "the first of both counts",
    )


def test_an_import_that_would_break_other_layers_is_not_published(
    client: TestClient, tmp_path: Path
) -> None:
    frame = parcels()[["geometry"]].head(1)
    frame = frame.assign(园区编号=["P1"], 名称=["甲"], 级别=["集聚区"])
    frame.to_file(tmp_path / "a.gpkg")
    answer = send(client, tmp_path / "a.gpkg", layer="parks")
    assert answer.status_code == 201, answer.text
    assert answer.json()["obstacle"] == "breaks"  # enterprises of P2 would be left alone
    refused = client.post(f"{answer.headers['location']}/publish")
    assert refused.status_code == 422
    assert any("P2" in fault for fault in refused.json()["errors"])
