"""What an import would cost, over HTTP: effect, changes, undo; and parcels or roads that misfit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest

from geo_service.ingest.options import ImportOptions
from geo_service.language import Language, Translator
from geo_service.planning import PlanningService as RunningCounty
from geo_service.planning.imports import import_file
from geo_service.reports.import_table import import_table
from geo_service.web.app import create_app
from geo_service.web.routes import imports as import_routes
from tests.client import TestClient
from tests.county import County, Row, box, in_degrees, line, parcel
from tests.ingest.made import table

pytestmark = pytest.mark.slow

Service = tuple[TestClient, RunningCounty]


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Return a client of a running county of three parcels; work is waited for."""
    monkeypatch.setattr(import_routes, "AT_ONCE_SECONDS", 120.0)
    county = County()
    county.layers["parcels"] = [
        parcel(f"A{n}", box(200 * n, 0, 100, 100), plot_ratio=1.5, status="built")
        for n in range(1, 4)
    ]
    running = RunningCounty.open(county.write(tmp_path / "county"))
    with TestClient(create_app(running), raise_server_exceptions=False) as made:
        yield made, running


def send(client: TestClient, path: Path, **asked: str) -> Any:  # noqa: ANN401 - an answer
    asked = {"filename": path.name, "scheme": "planning2023", **asked}
    return client.post("/api/imports", params=asked, content=path.read_bytes())


def bare_parcels(folder: Path, count: int = 3) -> Path:
    """Write parcels as the county has them, without their plot ratios."""
    shapes = [box(200 * n, 0, 100, 100) for n in range(1, count + 1)]
    frame = gpd.GeoDataFrame(
        {
            "parcel_id": [f"A{n}" for n in range(1, count + 1)],
            "park_id": "P1",
            "land_use": "100101",
            "status": "built",
        },
        geometry=shapes,
        crs="EPSG:4545",
    )
    frame.to_file(folder / "bare.gpkg")
    return folder / "bare.gpkg"


def test_a_loss_is_a_conflict_until_it_is_said(service: Service, tmp_path: Path) -> None:
    client, running = service
    answer = send(client, bare_parcels(tmp_path))
    draft = answer.json()
    assert (answer.status_code, draft["layer"], draft["obstacle"]) == (201, "parcels", "unsaid")
    assert draft["guessed"]["layer"] == "parcels"
    assert [(item["column"], item["count"]) for item in draft["emptied"]] == [("plot_ratio", 3)]
    address = answer.headers["location"]
    refused = client.post(f"{address}/publish")
    assert (refused.status_code, refused.json()["parameter"]) == (409, "as")
    assert [choice["value"] for choice in refused.json()["choices"]] == ["whole", "add", "update"]
    assert running.plan.parcels["plot_ratio"].tolist() == [1.5] * 3
    wrong = client.post(f"{address}/publish?as=update")
    assert (wrong.status_code, wrong.json()["parameter"]) == (400, "as")
    done = client.post(f"{address}/publish?as=whole")
    assert done.status_code == 200, done.text
    assert running.plan.parcels["plot_ratio"].isna().all()


def test_what_is_said_when_a_file_is_sent_is_said(service: Service, tmp_path: Path) -> None:
    client, _ = service
    said = send(client, bare_parcels(tmp_path), **{"as": "whole"})
    assert (said.json()["obstacle"], said.json()["as_said"]) == (None, True)
    assert client.post(f"{said.headers['location']}/publish").status_code == 200
    bad = send(client, bare_parcels(tmp_path), **{"as": "all"})
    assert (bad.status_code, bad.json()["parameter"]) == (400, "as")
    asked = send(client, bare_parcels(tmp_path), **{"as": "add"})
    assert (asked.status_code, asked.json()["parameter"]) == (409, "as")


def test_the_effect_is_the_review_that_follows(service: Service, tmp_path: Path) -> None:
    client, running = service
    answer = send(client, bare_parcels(tmp_path), **{"as": "whole"})
    address = answer.headers["location"]
    assert client.get(f"{address}/effect").status_code == 404  # nobody asked yet
    before = running.review
    made = client.post(f"{address}/effect")
    assert made.status_code == 201, made.text
    effect = made.json()
    assert client.get(f"{address}/effect").json() == effect
    assert running.review is before  # nothing is kept
    assert effect["verdicts"]["before"] == dict(before.verdicts)
    assert effect["findings"]["before"] == len(before.results)
    assert client.post(f"{address}/publish").status_code == 200
    after = running.review
    assert effect["verdicts"]["after"] == dict(after.verdicts)
    assert effect["findings"]["after"] == len(after.results)
    ids = [{item.finding_id for item in result.results} for result in (before, after)]
    assert effect["findings"]["new"] == len(ids[1] - ids[0]) > 0
    assert effect["findings"]["gone"] == len(ids[0] - ids[1])
    changed = {
        park: (before.park_verdicts[park].value, after.park_verdicts[park].value)
        for park in before.park_verdicts
        if before.park_verdicts[park] is not after.park_verdicts[park]
    }
    assert {item["park_id"]: (item["before"], item["after"]) for item in effect["parks"]} == changed


def test_changes_are_told_feature_by_feature(service: Service, tmp_path: Path) -> None:
    client, _ = service
    moved = in_degrees(box(400, 0, 100, 110)).wkt
    path = table(tmp_path / "a.csv", parcel_id=["A1", "A2"], plot_ratio=[2.0, 1.5], wkt=["", moved])
    answer = send(client, path, crs="EPSG:4490", **{"as": "update"})
    report = answer.json()
    assert [report["changes"][name] for name in ("changed", "altered", "moved")] == [2, 1, 1]
    found = client.get(f"{answer.headers['location']}/changes").json()
    assert found["counts"] == {"altered": 1, "moved": 1, "added": 0, "removed": 0}
    assert found["altered"] == [
        {"id": "A1", "columns": {"plot_ratio": {"before": 1.5, "after": 2.0}}}
    ]
    (item,) = found["moved"]
    # 10 m more of 100 m.
    assert item["id"] == "A2"
    assert item["geometry"]["moved_area_m2"] == pytest.approx(1_000, abs=0.1)
    assert client.get("/api/imports/abc/changes").status_code == 404


def test_what_was_published_is_taken_back(service: Service, tmp_path: Path) -> None:
    client, running = service
    version = running.plan.layers["parcels"].version
    path = table(tmp_path / "a.csv", parcel_id=["A1"], plot_ratio=[2.0])
    draft = send(client, path)
    assert draft.json()["undo"] is None
    done = client.post(f"{draft.headers['location']}/publish").json()
    assert done["undo"] == {"version": version, "expected": done["version"]}
    back = client.post("/api/layers/parcels/rollback", json=done["undo"])
    assert back.status_code == 201, back.text
    assert running.plan.layers["parcels"].version == version


def test_a_template_is_handed_out(service: Service) -> None:
    client, _ = service
    answer = client.get("/api/imports/templates/enterprises?lang=zh-Hans")
    assert answer.status_code == 200
    assert answer.content.startswith(b"PK")
    assert "enterprises.xlsx" in answer.headers["content-disposition"]
    assert client.get("/api/imports/templates/nothing").status_code == 404


# ---- what a layer holds against itself -----------------------------------------------------------


def read_into(folder: Path, layer: str, rows: list[Row]) -> Any:  # noqa: ANN401 - a document
    """Import rows as a layer of a county that lacks it, and return the report."""
    workspace = County().write(folder / "county")
    other = County()
    other.layers = {layer: rows}
    source = other.write(folder / "source") / f"{layer}.geojson"
    done = import_file(workspace, source, layer, ImportOptions(), dry_run=True)
    english = Translator(Language.EN)
    document = done.document(english)
    return document, import_table(document, english, width=200)


def test_parcels_that_lie_on_each_other_are_told_in_pairs(tmp_path: Path) -> None:
    rows = [
        parcel("A", box(0, 0, 100, 100)),
        parcel("A-OLD", box(0, 0, 100, 100)),
        parcel("B", box(90, 0, 100, 100)),  # 10 x 100 m on each of the two
        parcel("C", box(190, 0, 100, 100)),  # beside B
        parcel("D", box(289.9, 0, 100, 100)),  # 0.1 x 100 m on C: as much as a survey may miss
    ]
    document, text = read_into(tmp_path, "parcels", rows)
    pairs = [(pair["first"], pair["second"]) for pair in document["overlaps"]["pairs"]]
    assert document["overlaps"]["count"] == 3
    assert pairs == [("A", "A-OLD"), ("A", "B"), ("A-OLD", "B")]
    areas = [pair["area_m2"] for pair in document["overlaps"]["pairs"]]
    assert areas == pytest.approx([10_000, 1_000, 1_000], abs=0.1)
    assert "A and A-OLD (10,000 m²" in text


def test_roads_that_are_cut_off_are_named(tmp_path: Path) -> None:
    road = {"class": "county", "speed_km_h": 40, "source": "made for tests", "illustrative": True}
    rows = [
        {"road_id": "R1", "name": "主路", "geometry": line((0, 0), (3000, 0)), **road},
        {"road_id": "R2", "name": "支路", "geometry": line((3000, 0), (3000, 900)), **road},
        {"road_id": "R3", "name": "断头路", "geometry": line((100, 300), (129, 300)), **road},
    ]
    document, text = read_into(tmp_path, "roads", rows)
    (found,) = document["cut_off_roads"]["roads"]
    assert (found["road_id"], round(found["length_m"])) == ("R3", 29)
    assert "R3 断头路" in text
