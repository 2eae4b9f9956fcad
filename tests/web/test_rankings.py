"""Rankings over HTTP: the contract's fields, exclusions, new weights, explanations, errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from geo_service.planning import PlanningService
from geo_service.suitability.rank import Ranking
from geo_service.web.app import create_app
from tests.client import TestClient
from tests.suitability.made import asked, five_sites


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Return a client of a service that runs the county of five sites."""
    county = PlanningService.open(five_sites().write(tmp_path_factory.mktemp("sites")))
    with TestClient(create_app(county)) as found:
        yield found


def made(client: TestClient, **values: object) -> dict[str, Any]:
    answer = client.post("/api/rankings", json=asked(**values))
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/rankings/{document['ranking_id']}"
    return document


def test_a_ranking_has_every_field_of_the_contract(client: TestClient) -> None:
    document = made(client)
    assert set(document) >= {
        "ranking_id",
        "plan_version",
        "rulebook_version",
        "method",
        "normalisation",
        "weights",
        "candidates",
        "excluded",
    }
    first = document["candidates"][0]
    assert set(first) >= {
        "candidate_id",
        "kind",
        "park_id",
        "rank",
        "score",
        "criteria",
        "stability",
        "focus_effect",
    }
    assert set(first["criteria"]["industry_fit"]) == {
        "raw",
        "unit",
        "normalised",
        "weight",
        "contribution",
    }
    (out,) = document["excluded"]
    assert set(out["reasons"][0]) >= {"rule_id", "detail", "measure"}
    again = client.get(f"/api/rankings/{document['ranking_id']}").json()
    assert again == document
    listed = client.get("/api/rankings").json()
    assert document["ranking_id"] in [item["ranking_id"] for item in listed["rankings"]]
    assert listed["numberMatched"] >= listed["numberReturned"] >= 1


def test_new_weights_are_answered_at_once_and_not_kept(client: TestClient) -> None:
    document = made(client)
    path = f"/api/rankings/{document['ranking_id']}"
    weights = {"industry_fit": 0, "capacity_fit": 0, "power_kva": 1}
    changed = client.post(f"{path}/weights", json={"weights": weights}).json()
    assert [item["candidate_id"][-1] for item in changed["candidates"]] == ["C", "B", "A", "D"]
    assert client.get(path).json() == document
    other = client.post(f"{path}/weights", json={"method": "topsis", "normalisation": "vector"})
    assert other.json()["method"] == "topsis"
    assert "closeness" in other.json()["candidates"][0]["method_figures"]


def test_other_weights_reach_explanation_features_map_and_files(client: TestClient) -> None:
    path = f"/api/rankings/{made(client)['ranking_id']}"
    weights = {"industry_fit": 0, "capacity_fit": 0, "power_kva": 1}
    asked_for = {"weights": json.dumps(weights), "lang": "en"}
    changed = client.post(f"{path}/weights", json={"weights": weights}).json()
    order = [item["candidate_id"] for item in changed["candidates"]]
    kept = [item["candidate_id"] for item in client.get(path).json()["candidates"]]
    assert order != kept
    last = client.get(f"{path}/explanation", params={"candidate": order[-1], **asked_for}).json()
    assert last["summary"][0].startswith(f"Rank {len(order)} of {len(order)}")
    ranked = client.get(f"{path}/features", params=asked_for).json()["features"]
    assert [item["id"] for item in ranked][: len(order)] == order
    on_map = client.get(
        "/maps/ranking/features/candidates",
        params={"ranking_id": path.rpartition("/")[2], **asked_for},
    ).json()["features"]
    assert [item["id"] for item in on_map][: len(order)] == order
    file = client.get(f"{path}/export", params={"format": "json", **asked_for}).json()
    assert [item["candidate_id"] for item in file["candidates"]] == order
    assert "not saved" in file["notes"][0]
    assert [item["candidate_id"] for item in client.get(path).json()["candidates"]] == kept


def test_table_reasons_and_map_of_the_same_weights_are_weighed_once(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/api/rankings/{made(client)['ranking_id']}"
    calls: list[object] = []
    real = Ranking.reweigh

    def counted(self: Ranking, *given: Any, **named: Any) -> Ranking:  # noqa: ANN401
        calls.append(given)
        return real(self, *given, **named)

    monkeypatch.setattr(Ranking, "reweigh", counted)
    for weight in (0.25, 0.75, 0.25):
        weights = {"industry_fit": weight}
        asked_for = {"weights": json.dumps(weights)}
        table = client.post(f"{path}/weights", json={"weights": weights}).json()["candidates"]
        first = {"candidate": table[0]["candidate_id"], **asked_for}
        assert client.get(f"{path}/explanation", params=first).status_code == 200
        features = client.get(f"{path}/features", params=asked_for).json()["features"]
        scores = [item["properties"].get("score") for item in features]
        assert scores[: len(table)] == [item["score"] for item in table]
    assert len(calls) == 2


def test_other_weights_can_be_kept_as_a_ranking_of_their_own(client: TestClient) -> None:
    first = made(client)
    path = f"/api/rankings/{first['ranking_id']}"
    body = {"weights": {"industry_fit": 0, "capacity_fit": 0, "power_kva": 1}, "method": "topsis"}
    changed = client.post(f"{path}/weights", json=body).json()
    kept = client.post(f"{path}/run", json=body)
    assert kept.status_code == 201
    assert kept.json()["ranking_id"] != first["ranking_id"]
    again = client.get(kept.headers["location"]).json()
    assert again["method"] == "topsis"
    assert again["weights"] == changed["weights"]
    assert [(item["candidate_id"], item["score"]) for item in again["candidates"]] == [
        (item["candidate_id"], item["score"]) for item in changed["candidates"]
    ]
    assert not [note for note in again["notes"] if "not saved" in note or "尚未保存" in note]


@pytest.mark.parametrize("weights", ["{", '{"power_kva": -1}', '{"power_kva": "NaN"}', "[1]"])
def test_weights_in_an_address_that_are_none_are_a_400(client: TestClient, weights: str) -> None:
    path = f"/api/rankings/{made(client)['ranking_id']}"
    for what in (f"{path}/features", f"{path}/export?format=json"):
        separator = "&" if "?" in what else "?"
        answer = client.get(f"{what}{separator}{urlencode({'weights': weights})}")
        assert answer.status_code == 400, answer.text
        assert answer.json()["parameter"] == "weights"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"weights": {"beauty": 1}}, 404),
        ({"weights": {"power_kva": -1}}, 422),
        ({"weights": {"power_kva": 0, "industry_fit": 0, "capacity_fit": 0}}, 400),
        ({"method": "dice"}, 422),
    ],
)
def test_weights_that_cannot_be_used(
    client: TestClient, body: dict[str, object], status: int
) -> None:
    path = f"/api/rankings/{made(client)['ranking_id']}/weights"
    answer = client.post(path, json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_explanation_routes_features_and_comparison(client: TestClient) -> None:
    document = made(client, access={"interchange": {"max_minutes": 90}})
    path = f"/api/rankings/{document['ranking_id']}"
    chosen = {"candidate": "parcel:A"}
    told = client.get(f"{path}/explanation", params={**chosen, "lang": "en"}).json()
    assert len(told["sentences"]) == 3
    assert told["label"] == "P1 园 · Parcel A"
    routes = client.get(f"{path}/routes", params=chosen).json()
    assert [item["properties"]["facility_kind"] for item in routes["features"]] == ["interchange"]
    features = client.get(f"{path}/features").json()
    assert features["numberMatched"] == 5
    before = made(client)["ranking_id"]
    compared = client.get(f"{path}/comparison", params={"before": before}).json()
    assert compared["newly_excluded"] == ["parcel:D"]  # C lies 1,950 m from the road
    again = client.post(f"{path}/run")
    assert again.status_code == 201
    assert again.json()["ranking_id"] == document["ranking_id"]


def test_which_weight_the_lead_hangs_on(client: TestClient) -> None:
    found = client.get(f"/api/rankings/{made(client)['ranking_id']}/sensitivity").json()
    assert set(found["criteria"]) == {"industry_fit", "capacity_fit", "power_kva"}


@pytest.mark.parametrize(
    "path",
    [
        "/api/rankings/s-nothing",
        "/api/rankings/s-nothing/features",
        "/api/rankings/s-nothing/explanation?candidate=x",
    ],
)
def test_what_does_not_exist_is_a_404(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_an_excluded_candidate_has_no_explanation(client: TestClient) -> None:
    path = f"/api/rankings/{made(client)['ranking_id']}/explanation"
    assert client.get(path, params={"candidate": "parcel:E"}).status_code == 404
    assert client.get(path).status_code == 400  # the parameter is missing


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"industry_code": "1311"}, "name"),
        ({**asked(), "industry_code": "9999"}, "9999"),
        ({**asked(), "kinds": 1}, "kind"),
        ({**asked(), "needs": {"land_m2": -5}}, "land_m2"),
    ],
)
def test_a_project_that_breaks_its_form_is_a_422_that_says_why(
    client: TestClient, body: dict[str, object], named: str
) -> None:
    answer = client.post("/api/rankings", json=body)
    assert answer.status_code == 422
    assert named in " ".join(answer.json()["errors"])


@pytest.mark.parametrize(
    ("part", "named"),
    [
        ('"output_cny": 1e999', "output_cny"),
        ('"output_cny": NaN', "output_cny"),
        ('"candidates": ["floors"]', "candidates"),
        (
            '"weights": {"method": "ahp", "ahp_matrix": {"industry_fit": {"industry_fit": 1}}}',
            "weights.ahp_matrix",
        ),
    ],
)
def test_a_body_that_cannot_be_used_is_a_422_that_names_the_field(
    client: TestClient, part: str, named: str
) -> None:
    body = json.dumps({**asked(), "output_cny": 1, "candidates": ["parcel"]})[:-1] + f", {part}}}"
    answer = client.post(
        "/api/rankings", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422, answer.text
    assert named in " ".join(map(str, answer.json()["errors"]))


def test_weights_that_are_no_numbers_are_a_422(client: TestClient) -> None:
    path = f"/api/rankings/{made(client)['ranking_id']}/weights"
    for number in ("NaN", "1e999"):
        body = f'{{"weights": {{"power_kva": {number}}}}}'
        answer = client.post(path, content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 422


def test_schema_and_criteria_are_published(client: TestClient) -> None:
    schema = client.get("/api/project-schema").json()
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert "industry_code" in schema["properties"]
    assert "industry_fit" in schema["properties"]["criteria"]["propertyNames"]["enum"]
    criteria = {
        item["name"]: item for item in client.get("/api/criteria?lang=en").json()["criteria"]
    }
    assert criteria["industry_fit"]["default_weight"] == 20
    assert criteria["minutes_to_port"]["unit"] == "min"
    assert criteria["slope_mean_degrees"]["value_function"]["curve"]


def test_a_saved_ranking_outlives_the_process(tmp_path: Path) -> None:
    folder = five_sites().write(tmp_path / "county")
    with TestClient(create_app(PlanningService.open(folder))) as first:
        document = made(first)
    path = f"/api/rankings/{document['ranking_id']}"
    with TestClient(create_app(PlanningService.open(folder))) as second:
        assert second.get(path).json() == document
        (listed,) = second.get("/api/rankings").json()["rankings"]
        assert listed["ranking_id"] == document["ranking_id"]
        # Made again from the stored plan, rulebook and project:
        weights = {"industry_fit": 0, "capacity_fit": 0, "power_kva": 1}
        changed = second.post(f"{path}/weights", json={"weights": weights}).json()
        assert [item["candidate_id"][-1] for item in changed["candidates"]] == list("CBAD")
        assert second.get("/api/rankings").json()["numberMatched"] == 1


def test_a_project_s_file_is_read_by_the_service(client: TestClient) -> None:
    text = 'name: 试\nindustry_code: "1311"\nkind: new\nneeds: {land_m2: 20_000}  # 30 mu\n'
    answer = client.post("/api/projects/read", json={"text": text, "name": "p.yaml"})
    assert answer.status_code == 200
    assert answer.json() == {
        "project": {
            "name": "试",
            "industry_code": "1311",
            "kind": "new",
            "needs": {"land_m2": 20000.0},
        }
    }
    as_json = client.post("/api/projects/read", json={"text": json.dumps(answer.json()["project"])})
    assert as_json.json() == answer.json()


@pytest.mark.parametrize(
    "text", ["", "[", "name: x\nkind: nothing", "a: &a [*a]", "x: " + "[" * 999]
)
def test_a_text_that_is_no_project_is_refused_with_its_lines(client: TestClient, text: str) -> None:
    answer = client.post("/api/projects/read", json={"text": text, "name": "p.yaml"})
    assert answer.status_code == 422
    assert all("p.yaml" in fault for fault in answer.json()["errors"])
