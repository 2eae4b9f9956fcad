"""A running county and its store: reviews outlive the process, newer versions are noticed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

from geo_service.errors import NotFoundError, StoreError, WorkspaceError
from geo_service.ingest.options import ImportOptions
from geo_service.ingest.run import read_source
from geo_service.language import Language
from geo_service.model import BasisGroup, Severity, Verdict
from geo_service.planning import PlanningService as RunningCounty
from geo_service.planning import following
from geo_service.planning.layer_files import public_columns
from geo_service.planning.layers import retain, rollback
from geo_service.schema import SCHEMAS
from geo_service.stores.base import REVIEW, WorkspaceAt
from geo_service.stores.catalogued import CataloguedStore
from geo_service.web.app import create_app
from geo_service.wording import said
from geo_service.workspace.opening import Workspace, open_plan
from geo_service.zoning.comparison import ChangeKind
from geo_service.zoning.finding_table import FindingQuery, FindingSort, SetAside
from tests.client import TestClient
from tests.county import box, in_degrees
from tests.patience import eventually
from tests.stores.made import publish_parcels

pytestmark = pytest.mark.slow

RULEBOOK = """
format: "1"
title: {zh-Hans: 试验, en: Trial}
extends: default
rules:
  focus.is_top: {enabled: false}
  focus.leading_share: {severity: info}
"""


def wait_for_jobs(county: RunningCounty) -> None:
    """Let the background finish keeping the plan."""
    done = county.jobs.start(lambda _: None)
    assert county.jobs.wait(done, 60)


Start = Callable[[], RunningCounty]


def test_a_review_outlives_the_process_that_made_it(start: Start) -> None:
    first = start()
    asked = first.reviews.make(first.reviews.read_rulebook(None), parks=["P1"])
    assert first.reviews.is_saved(asked.review_id)
    live = {
        language: first.reviews.findings(asked.review_id, language, slice_=(1000, 0))
        for language in Language
    }
    summary = first.reviews.summary(asked.review_id, Language.EN)
    assert live[Language.EN][1] > 0
    later = start()
    assert later.reviews.summary(asked.review_id, Language.EN) == summary
    for language in Language:
        found = later.reviews.findings(asked.review_id, language, slice_=(1000, 0))
        assert found == live[language]
    page, matched = later.reviews.summaries(Language.EN)
    assert matched == 2  # the saved one, and the current one, which nobody asked to save
    assert {(item["review_id"], item["saved"]) for item in page} == {
        (asked.review_id, True),
        (later.review.review_id, False),
    }


def test_filters_of_saved_findings_mean_what_those_of_live_ones_mean(start: Start) -> None:
    first, later = start(), start()
    asked = first.reviews.make(first.reviews.read_rulebook(None))
    features, count = first.reviews.findings(asked.review_id, Language.EN, slice_=(1000, 0))
    assert count > 2
    rule = features[0]["properties"]["rule_id"]
    west, south, east, north = in_degrees(box(-10, -10, 500, 500)).bounds
    later.reviews.forget(asked.review_id)
    for query in (
        FindingQuery(),
        FindingQuery(rule=rule),
        FindingQuery(rule=rule.partition(".")[0]),
        FindingQuery(park="P1", verdict=Verdict.WATCH),
        FindingQuery(severity=Severity.MUST),
        FindingQuery(rule="none"),
        FindingQuery(basis=BasisGroup.LAW),
        FindingQuery(set_aside=SetAside.NO),
        FindingQuery(words="p1"),
        FindingQuery(words=features[-1]["properties"]["title"]),
        FindingQuery(sort=FindingSort.VERDICT),
        FindingQuery(sort=FindingSort.SUBJECT_DOWN),
        FindingQuery(bbox=(west, south, east, north)),
        FindingQuery(bbox=(0.0, 0.0, 1.0, 1.0)),
    ):
        for slice_ in ((1000, 0), (1, 1)):
            expected, found = (
                running.reviews.findings(asked.review_id, Language.EN, query, slice_=slice_)
                for running in (first, later)
            )
            assert found == expected
        expected_counts, counts = (
            running.reviews.counts(asked.review_id, Language.EN, query)
            for running in (first, later)
        )
        del expected_counts["by_township"], counts["by_township"]  # which were not saved
        del expected_counts["without_township"], counts["without_township"]
        assert {key: _some(value) for key, value in counts.items()} == {
            key: _some(value) for key, value in expected_counts.items()
        }


def _some(value: Any) -> Any:  # noqa: ANN401 - a member of counts
    """Leave out families without findings, which were not saved."""
    return {k: v for k, v in value.items() if v} if isinstance(value, dict) else value


def test_saved_reviews_are_compared_with_live_ones(start: Start, workspace: WorkspaceAt) -> None:
    first = start()
    old = first.reviews.make(first.reviews.read_rulebook(None), parks=["P1", "P2"])
    publish_parcels(workspace, "idle")
    later = start()
    new = later.reviews.make(later.reviews.read_rulebook(None), parks=["P1", "P2"])
    result = later.reviews.compare(old.review_id, new.review_id, Language.EN)
    assert {item["subject"]["layer"] for item in result.documents([ChangeKind.NEW])} <= {
        "parcels",
        "parks",
    }
    same = later.reviews.compare(old.review_id, old.review_id, Language.EN)
    counts = same.comparison.counts
    assert counts == dict.fromkeys(counts, 0) | {"unchanged": len(old.results)}


@pytest.mark.parametrize("parks", [None, ["P2"], ["P1", "P2"]])
def test_a_saved_review_is_made_again_from_its_recipe(
    start: Start, workspace: WorkspaceAt, parks: list[str] | None
) -> None:
    first = start()
    asked = first.reviews.make(first.reviews.read_rulebook(RULEBOOK), parks=parks)
    wait_for_jobs(first)
    publish_parcels(workspace, "idle")
    publish_parcels(workspace, "vacant")
    retain(workspace, 1)
    again = start().reviews.find(asked.review_id)
    assert again.review_id == asked.review_id
    assert again.plan.version == asked.plan.version
    assert again.rulebook.version == asked.rulebook.version
    assert [item.finding_id for item in again.results] == [
        item.finding_id for item in asked.results
    ]
    assert again.park_verdicts == asked.park_verdicts


def test_a_review_that_would_come_out_otherwise_is_not_made_again(
    start: Start, workspace: WorkspaceAt
) -> None:
    first = start()
    asked = first.reviews.make(first.reviews.read_rulebook(None), parks=["P1"])
    settings = workspace.folder / "workspace.toml"
    text = settings.read_text().replace("municipal_park = 1", "municipal_park = 2")
    settings.write_text(text)
    later = start()
    assert later.reviews.summary(asked.review_id, Language.EN)["review_id"] == asked.review_id
    with pytest.raises(NotFoundError, match="cannot be made again"):
        later.reviews.find(asked.review_id)
    for unknown in (later.reviews.find, lambda name: later.reviews.summary(name, Language.EN)):
        with pytest.raises(NotFoundError, match="no review 'r-none'"):
            unknown("r-none")


def test_a_review_that_cannot_be_saved_is_answered_and_says_so(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        msg = said("problem.store_full", store="x", reason="database or disk is full")
        raise StoreError(msg)

    county = start()
    monkeypatch.setattr(CataloguedStore, "save", full)
    asked = county.reviews.make(county.reviews.read_rulebook(None), parks=["P1"])
    assert not county.reviews.is_saved(asked.review_id)
    assert county.reviews.find(asked.review_id) is asked
    assert "was not saved" in caplog.text


# ---- following the store --------------------------------------------------------------------


def test_a_county_stands_on_the_newest_versions_once_told(
    start: Start, workspace: WorkspaceAt
) -> None:
    county = start()
    before = county.plan
    assert county.refresh() is False
    publish_parcels(workspace, "idle")
    assert county.plan is before
    assert county.refresh() is True
    assert county.refresh() is False
    assert county.plan.layers["parcels"].number == 1
    assert county.review.plan is county.plan
    assert before.parcels["status"].tolist() == ["built", "built"]
    rollback(workspace, "parcels", "0")
    assert county.refresh() is True
    assert county.plan.version == before.version


def test_an_earlier_version_is_published_again_over_http(
    start: Start, workspace: WorkspaceAt
) -> None:
    county = start()
    path = "/api/layers/parcels/rollback"
    with TestClient(create_app(county)) as client:
        own = client.get("/api/layers/parcels/history").json()["versions"][0]["version"]
        asked = {"version": "0", "expected": own}
        nothing = client.post(path, json=asked, headers={"accept-language": "zh-CN"})
        assert nothing.status_code == 409
        assert "没有发布过其他版本" in nothing.json()["detail"]
        publish_parcels(workspace, "idle")
        county.refresh()
        newest = client.get("/api/layers/parcels/history").json()["versions"][0]["version"]
        assert client.post(path, json=asked).status_code == 409  # it was changed meanwhile
        asked["expected"] = newest
        assert client.post(path, json={**asked, "version": "7"}).status_code == 404
        assert client.post(path, json={**asked, "more": 1}).status_code == 422
        assert client.post(path, json={"version": "0"}).status_code == 422
        assert client.post("/api/layers/none/rollback", json=asked).status_code == 404
        done = client.post(path, json={**asked, "note": "wrong file"})
        assert done.status_code == 201
        made = done.json()
        assert (made["number"], made["note"], made["version"]) == (2, "wrong file", own)
        assert county.plan.parcels["status"].tolist() == ["built", "built"]
        history = client.get("/api/layers/parcels/history").json()["versions"]
        assert [item["number"] for item in history] == [2, 1, 0]


def test_a_county_notices_what_another_process_published(
    start: Start, workspace: WorkspaceAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LOOK_EVERY_SECONDS", 0.05)
    county = start()
    with TestClient(create_app(county)) as client:
        assert client.get("/readyz").json()["plan_version"] == county.plan.version
        before = county.plan.version
        publish_parcels(workspace, "idle")
        eventually(
            lambda: client.get("/api/parks").status_code != 200 or county.plan.version != before,
            "the published version is followed",
        )
        found = client.get("/api/layers").json()["layers"]
        assert {item["name"]: item["number"] for item in found}["parcels"] == 1


def test_the_store_is_not_asked_at_every_request(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    county = start()
    asked: list[int] = []

    def stamp(_: object) -> int:
        asked.append(1)
        return 0

    monkeypatch.setattr(following, "LOOK_EVERY_SECONDS", 1000.0)
    monkeypatch.setattr(CataloguedStore, "stamp", stamp)
    for _ in range(20):
        county.look_for_news()
    county.close()
    assert len(asked) <= 1


def test_a_plan_that_cannot_be_opened_leaves_the_one_at_hand(
    start: Start,
    workspace: WorkspaceAt,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    county = start()
    before = county.plan
    publish_parcels(workspace, "idle")

    def broken(_: object) -> None:
        msg = said("fault.workspace_one", name="x", count=1)
        raise WorkspaceError(msg)

    monkeypatch.setattr(Workspace, "plan", broken)
    with caplog.at_level(logging.ERROR):
        county.look_for_news()
        county.close()
    assert county.plan is before
    assert "the one before it is" in caplog.text


# ---- over HTTP ------------------------------------------------------------------------------


@pytest.fixture
def client(start: Start) -> Iterator[TestClient]:
    """Return a client of a service on the county."""
    with TestClient(create_app(start()), raise_server_exceptions=False) as made:
        yield made


def test_history_and_differences_over_http(client: TestClient, workspace: WorkspaceAt) -> None:
    publish_parcels(workspace, "idle")
    entries = client.get("/api/layers/parcels/history").json()["versions"]
    assert [entry["number"] for entry in entries] == [1, 0]
    found = client.get("/api/layers/parcels/diff?before=0&after=1").json()
    assert found["counts"] == {"added": 0, "removed": 0, "changed": 2, "unchanged": 0}
    # Names of columns only: values are for those who may see them.
    assert found["changed"][0] == {"id": "L0", "columns": ["status"], "geometry": None}
    page = client.get("/api/layers/parcels/diff?limit=1&offset=1").json()
    assert [item["id"] for item in page["changed"]] == ["L1"]
    features = client.get("/api/layers/parcels/diff?format=geojson&limit=1")
    assert features.headers["content-type"] == "application/geo+json"
    assert features.json()["numberMatched"] == 2
    assert features.json()["features"][0]["properties"]["columns"] == ["status"]


def test_features_of_any_version_are_sought_in_the_store(
    client: TestClient, workspace: WorkspaceAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_parcels(workspace, "idle")
    asked: list[object] = []
    read = CataloguedStore.read

    def watched(*given: Any, **options: Any) -> Any:  # noqa: ANN401 - passed on
        asked.append(options)
        return read(*given, **options)

    monkeypatch.setattr(CataloguedStore, "read", watched)
    one = open_plan(workspace).parcels.geometry.iloc[0].centroid
    asked.clear()
    box = f"{one.x},{one.y},{one.x},{one.y}"
    for version, status in (("0", "built"), ("1", "idle")):
        path = f"/api/layers/parcels/history/{version}/features"
        answer = client.get(f"{path}?bbox={box}&where=status:{status}&where=illustrative:true")
        assert answer.headers["content-type"] == "application/geo+json"
        found = answer.json()
        assert (found["numberMatched"], str(found["number"])) == (1, version)
        (parcel,) = found["features"]
        assert (parcel["id"], parcel["properties"]["status"]) == ("L0", status)
        assert parcel["geometry"]["type"] == "Polygon"
        assert client.get(f"{path}?where=status:vacant").json()["numberMatched"] == 0
        page = client.get(f"{path}?limit=1&offset=1").json()
        assert (page["numberMatched"], page["features"][0]["id"]) == (2, "L1")
    where = {"status": ["idle"], "illustrative": [True]}
    assert {"bbox": (one.x, one.y, one.x, one.y), "where": where} in asked


def test_features_of_a_version_do_not_tell_figures_of_enterprises(client: TestClient) -> None:
    found = client.get("/api/layers/enterprises/history/0/features").json()
    assert found["numberMatched"] > 0
    names = {name for item in found["features"] for name in item["properties"]}
    assert names == {
        "enterprise_id",
        "year",
        "name",
        "industry_code",
        "park_id",
        "status",
        "source",
        "illustrative",
    }
    for layer in SCHEMAS:
        figures = [name for name in public_columns(layer) if name.endswith(("_cny", "_tce"))]
        assert figures == []


def test_boundary_points_go_out_and_come_back(
    client: TestClient, workspace: WorkspaceAt, tmp_path: Path
) -> None:
    answer = client.get("/api/layers/parcels/boundary-points?park_id=P1")
    assert answer.status_code == 200
    assert "parcels.txt" in answer.headers["content-disposition"]
    path = tmp_path / "points.txt"
    path.write_bytes(answer.content)
    plan = open_plan(workspace)
    options = ImportOptions(scheme="planning2023")
    back = read_source(path, "parcels", plan=plan, options=options).frame
    assert back["parcel_id"].tolist() == ["L0", "L1"]
    assert back["land_use"].tolist() == plan.parcels["land_use"].tolist()
    shapes = gpd.GeoDataFrame(back).to_crs("EPSG:4545").geometry.to_numpy()
    apart = shapely.hausdorff_distance(shapes, plan.metric("parcels").geometry.to_numpy())
    assert apart.max() < 0.001  # points are written to 0.1 mm


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/api/layers/none/history", 404),
        ("/api/layers/roads/history", 404),
        ("/api/layers/parcels/diff?before=9", 404),
        ("/api/layers/parcels/diff?format=xml", 400),
        ("/api/layers/parcels/diff?limit=10001", 400),
        ("/api/layers/parcels/diff?before=' OR 1=1 --", 404),
        ("/api/layers/parcels/history/9/features", 404),
        ("/api/layers/none/history/0/features", 404),
        ("/api/layers/parcels/history/0/features?where=investment_cny:1", 400),
        ("/api/layers/enterprises/history/0/features?where=output_cny:1", 400),
        ("/api/layers/parcels/history/0/features?where=illustrative:perhaps", 400),
        ("/api/layers/parcels/history/0/features?bbox=1,2,3", 400),
        ("/api/layers/facilities/boundary-points", 400),
        ("/api/layers/parcels/boundary-points?park_id=none", 404),
        ("/api/layers/control_zones/boundary-points?park_id=P1", 400),
    ],
)
def test_wrong_questions_are_problems(client: TestClient, address: str, status: int) -> None:
    answer = client.get(address)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_reviews_are_listed_with_those_of_earlier_services(
    client: TestClient, start: Start
) -> None:
    made = client.post("/api/reviews", json={"parks": ["P1"]})
    eventually(
        lambda: client.get("/api/reviews").json()["numberMatched"] == 2, "the review is listed"
    )
    assert made.status_code in {201, 202}
    if made.status_code == 201:
        assert made.json()["saved"] is True
    with TestClient(create_app(start())) as later:
        listed = later.get("/api/reviews").json()
        (identity,) = (item["review_id"] for item in listed["reviews"] if item["saved"])
        assert listed["numberMatched"] == 2
        for path in ("", "/findings", f"/comparison?before={identity}"):
            assert later.get(f"/api/reviews/{identity}{path}").status_code == 200
        assert later.get(f"/api/reviews/{identity}").json()["review_id"] == identity


def test_a_store_that_fails_is_a_503_without_its_reason(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        store = "postgresql://geo@db/planning"
        msg = said("problem.store_failed", store=store, reason="connection refused")
        raise StoreError(msg)

    monkeypatch.setattr(CataloguedStore, "history", gone)
    answer = client.get("/api/layers/parcels/history")
    assert answer.status_code == 503
    assert "postgresql" not in answer.text


def test_saved_reviews_keep_their_ground_through_retention(
    start: Start, workspace: WorkspaceAt
) -> None:
    publish_parcels(workspace, "idle")
    county = start()
    asked = county.reviews.make(county.reviews.read_rulebook(None))
    for status in ("vacant", "built", "idle"):
        publish_parcels(workspace, status)
    retain(workspace, 1)
    store = county.workspace.store
    version = store.find(REVIEW, asked.review_id).layer_versions["parcels"]
    assert store.read("parcels", version)["status"].tolist() == ["idle", "idle"]


def test_the_folder_of_a_county_holds_what_it_should(start: Start, workspace: WorkspaceAt) -> None:
    county = start()
    assert not (workspace.folder / "store" / "layers").exists()
    county.reviews.make(county.reviews.read_rulebook(None))
    wait_for_jobs(county)
    kept = {entry.layer for entry in county.workspace.store.entries()}
    assert kept == set(county.plan.layers)
    if workspace.store is None:
        assert isinstance(workspace.folder, Path)
        names = {path.name for path in (workspace.folder / "store" / "layers").iterdir()}
        assert names == kept
