from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry.base import BaseGeometry

from geo_service.language import Translator
from geo_service.maps import assets, draw
from geo_service.maps import document as page
from geo_service.maps.kinds import plan as plan_kind
from geo_service.maps.kinds.overview import OverviewData
from geo_service.maps.kinds.park import ParkData
from geo_service.maps.kinds.review import ReviewData
from geo_service.model import Finding
from geo_service.planning import PlanningService as Running
from geo_service.reports.document import Document
from geo_service.workspace.opening import open_plan
from tests.client import TestClient

YEAR_S = "max-age=31536000"


@pytest.fixture(scope="module")
def running(demo_county: Running) -> Running:
    return demo_county


@pytest.fixture(scope="module")
def client(demo_client: TestClient) -> TestClient:
    return demo_client


def test_the_overview_is_a_page_with_its_own_policy(client: TestClient) -> None:
    answer = client.get("/maps/overview")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self' 'sha256-" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("query", "accepted", "expected"),
    [
        ("?lang=en", "zh-CN", "Yunyang County: industrial layout"),
        ("", "zh-TW,zh;q=0.8", "雲陽縣工業佈局總覽圖"),
        ("", "fr", "云阳县工业布局总览图"),
    ],
)
def test_the_language_is_asked_for_or_accepted(
    client: TestClient, query: str, accepted: str, expected: str
) -> None:
    answer = client.get(f"/maps/overview{query}", headers={"accept-language": accepted})
    assert f"<title>{expected}</title>" in answer.text
    assert "accept-language" in answer.headers["vary"].lower()


@pytest.mark.parametrize(
    "path",
    [
        "/maps/overview",
        "/api/layers",
        "/api/layers/parks/features",
        "/static/program.js",
        "/assets/leaflet/leaflet.js",
    ],
)
def test_what_a_client_has_already_is_not_sent_again(client: TestClient, path: str) -> None:
    first = client.get(path)
    assert first.status_code == 200
    again = client.get(path, headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == first.headers["etag"]
    other = client.get(path, headers={"if-none-match": '"other"'})
    assert other.status_code == 200


def test_a_page_in_another_language_has_another_etag(client: TestClient) -> None:
    answers = [client.get(f"/maps/overview?lang={lang}") for lang in ("zh-Hans", "zh-Hant", "en")]
    assert len({answer.headers["etag"] for answer in answers}) == 3


def test_layers_are_listed_with_counts_versions_and_sources(client: TestClient) -> None:
    document = client.get("/api/layers?lang=en").json()
    parks = next(layer for layer in document["layers"] if layer["name"] == "parks")
    assert parks["title"] == "Parks"
    assert parks["features"] == 48
    assert parks["illustrative"] == 48
    assert parks["version"]
    assert parks["sources"]


def test_every_address_that_the_page_names_answers(client: TestClient) -> None:
    text = client.get("/maps/overview").text
    island = text.split(f'id="{page.ISLAND_ID}">')[1].split("</script>")[0]
    settings = json.loads(island)
    for source in settings["sources"]:
        answer = client.get(source["address"])
        assert answer.status_code == 200, source["name"]
        assert answer.headers["content-type"].startswith("application/geo+json")
        assert answer.json()["numberReturned"] == source["count"]
    for part in text.split('src="')[1:] + text.split('rel="stylesheet" href="')[1:]:
        address = part.split('"')[0]
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert YEAR_S in answer.headers["cache-control"]


def test_features_carry_verdicts_and_are_cut_to_box_and_limit(client: TestClient) -> None:
    whole = client.get("/api/layers/parks/features").json()
    assert whole["numberMatched"] == 48
    assert {item["properties"]["verdict"] for item in whole["features"]} <= {
        "pass",
        "watch",
        "fail",
        "unknown",
    }
    cut = client.get("/api/layers/parks/features?bbox=108.5,30.8,108.8,31.0&limit=3").json()
    assert 3 < cut["numberMatched"] < 48
    assert cut["numberReturned"] == 3


@pytest.mark.parametrize(
    ("path", "status", "parameter"),
    [
        ("/api/layers/parks/features?bbox=1,2,3", 400, "bbox"),
        ("/api/layers/parks/features?bbox=9,0,1,5", 400, "bbox"),
        ("/api/layers/parks/features?limit=10001", 400, "limit"),
        ("/api/layers/enterprises/features", 404, None),
        ("/api/layers/nowhere/features", 404, None),
        ("/maps/overview?lang=xx", 400, "lang"),
        ("/static/../page.py", 404, None),
        ("/static/%2e%2e/page.py", 404, None),
        ("/assets/manifest.json", 404, None),
        ("/assets/../model.py", 404, None),
        ("/assets/%2e%2e%2fmodel.py", 404, None),
    ],
)
def test_bad_questions_get_a_problem_document(
    client: TestClient, path: str, status: int, parameter: str | None
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json().get("parameter") == parameter


def test_files_have_the_type_they_are(client: TestClient) -> None:
    expected = {
        "/static/program.js": "text/javascript; charset=utf-8",
        "/static/map.css": "text/css; charset=utf-8",
        "/assets/leaflet/leaflet.css": "text/css; charset=utf-8",
        "/assets/leaflet/images/marker-icon.png": "image/png",
    }
    for path, kind in expected.items():
        assert client.get(path).headers["content-type"] == kind
    font = next(name for name in sorted(assets.names()) if name.endswith(".woff2"))
    assert client.get(f"/assets/{font}").headers["content-type"] == "font/woff2"


def test_an_address_without_a_version_is_not_kept_for_long(client: TestClient) -> None:
    assert YEAR_S not in client.get("/static/program.js").headers["cache-control"]


def test_a_big_detail_layer_is_drawn_from_tiles(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    review = running.review
    monkeypatch.setattr(plan_kind, "TILED_ABOVE_FEATURES", 187)
    data = OverviewData(review, Translator())
    settings = draw.draw_served(data, plan=review.plan).content.settings
    tiled = {source["name"]: source["tiles"] for source in settings["sources"] if source["tiles"]}
    assert set(tiled) == {"parcels", "buildings"}
    assert tiled["parcels"].startswith("/tiles/parcels/{z}/{x}/{y}.mvt?v=")
    lines = {line["source"]: line for group in settings["groups"] for line in group["layers"]}
    # Shown four zooms before its features would be.
    assert (lines["parcels"]["full_zoom"], lines["parcels"]["min_zoom"]) == (13, 9)
    assert lines["roads"]["full_zoom"] == lines["roads"]["min_zoom"]
    # Counts, classes and sources are those of the features, which nobody had to make.
    features = OverviewData(review, Translator()).features("parcels")
    assert lines["parcels"]["count"] == len(features)
    assert "parcels" not in data._rows_by_source


def test_only_the_plan_at_work_is_drawn_from_tiles(
    running: Running, demo_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    review = running.review
    monkeypatch.setattr(plan_kind, "TILED_ABOVE_FEATURES", 180)
    for plan in (None, open_plan(demo_folder)):
        settings = draw.draw_served(OverviewData(review, Translator()), plan=plan).content.settings
        assert not [source for source in settings["sources"] if source["tiles"]]
    standalone = draw.draw(review)
    assert isinstance(standalone, page.PlanningMap)
    assert not [source for source in standalone.content.settings["sources"] if source["tiles"]]


def test_a_place_s_features_are_made_alone(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    review = running.review
    whole = OverviewData(review, Translator())
    box = (108.6, 30.9, 108.8, 31.0)
    expected = whole.document("parcels", bbox=box)
    monkeypatch.setattr(plan_kind, "TILED_ABOVE_FEATURES", 180)
    data = OverviewData(review, Translator())
    assert data.document("parcels", bbox=box) == expected
    assert expected["numberReturned"] > 0
    assert "parcels" not in data._rows_by_source


@pytest.mark.parametrize("kind", [OverviewData, ReviewData, ParkData])
def test_a_page_s_numbers_are_those_of_its_features_and_nothing_is_drawn_for_them(
    running: Running, kind: type[OverviewData], monkeypatch: pytest.MonkeyPatch
) -> None:
    more: Any = {"park_id": "YY-M-01"} if kind is ParkData else {}
    drawn, asked = (kind(running.review, Translator(), **more) for _ in range(2))
    expected = {name: drawn.features(name) for name in drawn.sources_by_name}
    assert len(expected["findings"]) > 20

    def refuse(*_: object) -> None:
        pytest.fail("a feature was drawn for a number")

    monkeypatch.setattr(OverviewData, "finding_row", refuse)
    monkeypatch.setattr(OverviewData, "_parks", refuse)
    settings = draw.draw_served(asked, plan=running.plan).content.settings
    for source in settings["sources"]:
        assert source["count"] == len(expected[source["name"]]), source["name"]
    for line in (line for group in settings["groups"] for line in group["layers"]):
        cells = expected[line["source"]]
        where = line["where"]
        fitting = [item for item in cells if not where or item["properties"][where[0]] == where[1]]
        assert line["count"] == len(fitting), line["name"]
    for name, features in expected.items():
        for column in ("source", "illustrative", asked.sources_by_name[name].symbol_column):
            if column:
                found = [item["properties"].get(column) for item in features]
                assert asked.column(name, column) == found, (name, column)


def test_findings_are_drawn_a_slice_at_a_time(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ReviewData(running.review, Translator()).document("findings")
    data = ReviewData(running.review, Translator())
    rows: list[str] = []
    made = data.finding_row

    def note(item: Finding, shape: BaseGeometry | None) -> Document:
        rows.append(item.finding_id)
        return made(item, shape)

    monkeypatch.setattr(data, "finding_row", note)
    page_of = data.document("findings", limit=7, offset=3)
    assert page_of["features"] == whole["features"][3:10]
    assert page_of["numberMatched"] == whole["numberMatched"] == len(running.review.results)
    assert len(rows) == 7
