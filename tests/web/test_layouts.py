"""Layouts over HTTP: proposed, looked at, explained, written to files, accepted, refused."""

from __future__ import annotations

from typing import Any

import pytest

from geo_service.layout.solve import SearchPoint
from geo_service.planning.layouts import MOST_POINTS, SearchTrail
from tests.client import TestClient
from tests.conftest import DEMO
from tests.patience import eventually

GARMENT = {
    "name": "服装（示意）",
    "industry_code": "1811",
    "hazard_class": "丙",
    "output_cny": 40_000_000,
    "needs": {"floor_area_m2": 3_000},
}
GOALS: dict[str, Any] = {
    "name": "<b>一个园区</b> {{1}}",
    "industries": {"parks": ["YY-B-12"], "digits": [2]},
    "projects": [{"project": GARMENT}],
}
MEMBERS = {
    *("layout_id", "plan_version", "rulebook_version", "status", "objective", "bound", "gap"),
    *("seconds", "seed", "terms", "parks", "projects", "moves", "firm", "alternatives"),
    *("front", "conflict", "review"),
}


@pytest.fixture(scope="module")
def made(demo_client: TestClient) -> dict[str, Any]:
    """Return a layout as it was answered."""
    answer = demo_client.post("/api/layouts", json={"goals": GOALS})
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/layouts/{document['layout_id']}"
    return document


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geo_service.web.routes.layouts.AT_ONCE_SECONDS", 120.0)


@pytest.fixture(scope="module", autouse=True)
def _patient_module() -> Any:  # noqa: ANN401 - a context
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("geo_service.web.routes.layouts.AT_ONCE_SECONDS", 120.0)
        yield


def test_a_layout_has_every_member_of_the_contract(made: dict[str, Any]) -> None:
    assert set(made) >= MEMBERS
    assert made["status"] == "optimal"
    assert made["gap"] == pytest.approx(0, abs=1e-6)
    (park,) = [item for item in made["parks"] if item["park_id"] == "YY-B-12"]
    assert set(park) >= {"leading_industry", "proposed", "speciality", "regret", "why"}
    (project,) = made["projects"]
    assert project["candidate_id"].startswith("floors:")
    assert set(made["review"]) == {"before", "after"}
    assert sum(made["review"]["after"].values()) == 48


def test_it_is_found_again_and_listed(demo_client: TestClient, made: dict[str, Any]) -> None:
    again = demo_client.get(f"/api/layouts/{made['layout_id']}").json()
    assert again == made
    listed = demo_client.get("/api/layouts").json()
    assert made["layout_id"] in [item["layout_id"] for item in listed["layouts"]]
    assert demo_client.get("/api/layouts/l-none").status_code == 404
    assert demo_client.get(f"/api/layouts/{made['layout_id']}.f9").status_code == 404


def test_why_not_is_answered_in_words(demo_client: TestClient, made: dict[str, Any]) -> None:
    path = f"/api/layouts/{made['layout_id']}/why-not"
    query = {"project": "服装（示意）", "park": "YY-C-05", "lang": "en"}
    told = demo_client.get(path, params=query).json()
    assert told["why"]
    for wrong in ({**query, "project": "?"}, {**query, "park": "?"}):
        assert demo_client.get(path, params=wrong).status_code == 400


@pytest.mark.parametrize(("form", "begins"), [("json", b"{"), ("xlsx", b"PK"), ("docx", b"PK")])
def test_it_goes_out_as_a_file(
    demo_client: TestClient, made: dict[str, Any], form: str, begins: bytes
) -> None:
    answer = demo_client.get(f"/api/layouts/{made['layout_id']}/export", params={"format": form})
    assert answer.status_code == 200
    assert answer.content.startswith(begins)


def test_its_map_shows_both_states(demo_client: TestClient, made: dict[str, Any]) -> None:
    query = {"layout_id": made["layout_id"], "lang": "en"}
    page = demo_client.get("/maps/layout", params=query)
    assert page.status_code == 200

    def rows(source: str, side: str) -> dict[str, Any]:
        path = f"/maps/layout/features/{source}"
        found = demo_client.get(path, params={**query, "side": side}).json()["features"]
        return {item["id"]: item["properties"] for item in found}

    (park,) = [item for item in made["parks"] if item["park_id"] == "YY-B-12"]
    (project,) = made["projects"]
    before, after = rows("parks", "before"), rows("parks", "after")
    assert len(before) == len(after) == 48
    # Today it declares several industries, so none is its one.
    assert (before["YY-B-12"]["kind_name"], before["YY-B-12"]["class"]) == (None, "unknown")
    assert after["YY-B-12"]["kind_name"].startswith(park["proposed"])
    assert [key for key, row in after.items() if row["is_changed"]] == ["YY-B-12"]
    assert not any(row["is_changed"] for row in before.values())
    assert rows("placements", "before") == rows("moves", "before") == {}
    (placed,) = rows("placements", "after").values()
    assert placed["candidate_id"] == project["candidate_id"]
    assert demo_client.get("/maps/layout").status_code == 400
    assert demo_client.get("/maps/layout", params={"layout_id": "l-none"}).status_code == 404


def test_decisions_become_a_scenario(demo_client: TestClient, made: dict[str, Any]) -> None:
    path = f"/api/layouts/{made['layout_id']}/scenario"
    whole = demo_client.post(path)
    assert whole.status_code == 201, whole.text
    ops = [edit["op"] for edit in whole.json()["edits"]]
    assert ops == ["set_leading_industry", "place_project"]
    some = demo_client.post(path, json={"decisions": ["YY-B-12"]})
    assert [edit["op"] for edit in some.json()["edits"]] == ["set_leading_industry"]
    assert demo_client.post(path, json={"decisions": ["?"]}).status_code == 400
    for answer in (whole, some):
        demo_client.delete(f"/api/scenarios/{answer.json()['scenario_id']}")


def test_a_layout_on_a_scenario_begins_with_its_edits(demo_client: TestClient) -> None:
    edit = {"op": "set_leading_industry", "park_id": "YY-B-12", "leading_industry": "18"}
    body = {"name": "先定", "reason": "会", "edits": [{**edit, "reason": "会"}]}
    base = demo_client.post("/api/scenarios", json=body).json()["scenario_id"]
    asked = {"goals": {"projects": [{"project": GARMENT}]}, "scenario": base, "time_limit_s": 40}
    found = demo_client.post("/api/layouts", json=asked).json()
    assert found["scenario"] == base
    assert found["goals"]["solving"] == {"time_limit_s": 40}
    assert found["plan_version"] != demo_client.get("/api/layers").json()["plan_version"]
    (park,) = [one for one in found["parks"] if one["park_id"] == "YY-B-12"]
    assert (park["leading_industry"], park["is_changed"]) == ("18", False)
    accepted = demo_client.post(f"/api/layouts/{found['layout_id']}/scenario").json()
    assert [one["op"] for one in accepted["edits"]] == ["set_leading_industry", "place_project"]
    for scenario in (base, accepted["scenario_id"]):
        demo_client.delete(f"/api/scenarios/{scenario}")


def test_decisions_are_solved_without(demo_client: TestClient, made: dict[str, Any]) -> None:
    path = f"/api/layouts/{made['layout_id']}/replacements"
    answer = demo_client.post(path, json={"decisions": ["YY-B-12"]})
    assert answer.status_code == 201, answer.text
    (one,) = answer.json()["replacements"]
    assert (one["kind"], one["subject"], one["is_proven"]) == ("lead", "YY-B-12", True)
    assert one["loses"] >= 0
    # Those that are asked for later are told beside it.
    whole = demo_client.post(path).json()["replacements"]
    assert [item["subject"] for item in whole] == ["YY-B-12", GARMENT["name"]]
    assert whole[0] == one
    assert demo_client.get(path.removesuffix("/replacements")).json()["replacements"] == whole
    assert demo_client.post(path, json={"decisions": ["?"]}).status_code == 400
    assert demo_client.post("/api/layouts/l-none/replacements").status_code == 404


def test_bad_goals_are_told_all_at_once(demo_client: TestClient) -> None:
    bad = {"nam": "x", "industries": {"parks": ["?"]}, "moves": {"most": -1}}
    answer = demo_client.post("/api/layouts", json={"goals": bad})
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 3
    unknown = {"industries": {"parks": ["?"]}, "locks": [{"enterprise": "?"}]}
    answer = demo_client.post("/api/layouts", json={"goals": unknown})
    assert answer.status_code == 422
    assert [item["field"] for item in answer.json()["faults"]] == [
        *("industries.parks.0", "locks.0.enterprise")
    ]
    # What is without fault is held against the plan beside the faults of form.
    both = {**unknown, "moves": {"most": -1}, "projects": [{}], "bans": [{"park": "!"}]}
    both["locks"] = [{"enterprise": "?"}, {"project": "x", "park": "YY-B-12"}]
    answer = demo_client.post("/api/layouts", json={"goals": both})
    assert sorted(item["field"] for item in answer.json()["faults"]) == [
        *("bans.0.park", "industries.parks.0", "locks.0.enterprise", "moves.most"),
        "projects.0.project",
    ]
    scenario = demo_client.post("/api/layouts", json={"goals": GOALS, "scenario": "none"})
    assert scenario.status_code == 404


def test_what_clashes_is_an_answer(demo_client: TestClient) -> None:
    goals = {
        "industries": {"parks": ["YY-B-12"]},
        "locks": [{"park": "YY-B-12", "leading_industry": "18"}],
        "bans": [{"leading_industry": "18"}],
    }
    answer = demo_client.post("/api/layouts", json={"goals": goals})
    assert answer.status_code == 201
    document = answer.json()
    assert document["status"] == "infeasible"
    assert [item["kind"] for item in document["conflict"]] == ["lock", "ban"]
    refused = demo_client.post(f"/api/layouts/{document['layout_id']}/scenario")
    assert refused.status_code == 409


def test_one_more_project_is_offered_places(demo_client: TestClient) -> None:
    answer = demo_client.post("/api/places", params={"limit": 3}, json={"project": GARMENT})
    assert answer.status_code == 200
    found = answer.json()
    assert len(found["candidates"]) == 3
    assert found["numberMatched"] > 3
    assert demo_client.post("/api/places", json={"project": {}}).status_code == 422


def test_the_schema_of_goals_is_published(demo_client: TestClient) -> None:
    schema = demo_client.get("/api/goals-schema").json()
    assert {"industries", "moves", "projects", "locks", "wanted"} <= set(schema["properties"])


def test_goals_are_read_from_files(demo_client: TestClient) -> None:
    listed = demo_client.get("/api/goals").json()["goals"]
    assert [item["file"] for item in listed] == ["goals.yaml"]
    text = (DEMO / "layouts" / "goals.yaml").read_text(encoding="utf-8")
    body = {"text": text, "name": "goals.yaml"}
    read = demo_client.post("/api/goals/read", json=body).json()["goals"]
    assert read == listed[0]["goals"]
    assert read["locks"] == [{"park": "YY-M-01"}, {"enterprise": "YY-E-M01-001"}]
    assert list(read["wanted"]["terms"])[:2] == ["focus", "placed"]
    bad = {"text": "moves: {most: -1}\nnam: x", "name": "<b>.yaml"}
    refused = demo_client.post("/api/goals/read", json=bad)
    assert refused.status_code == 422
    assert [item["field"] for item in refused.json()["faults"]] == ["moves.most", "nam"]


def test_features_of_the_plan_can_be_chosen(demo_client: TestClient) -> None:
    query = {"layer": "parks", "query": "YY-B-12", "limit": "5"}
    found = demo_client.get("/api/plan/features", params=query).json()["features"]
    assert [one["id"] for one in found] == ["YY-B-12"]
    assert demo_client.get("/api/plan/features", params={"layer": "?"}).status_code == 400


def test_a_job_tells_how_value_and_bound_close(
    demo_client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geo_service.web.routes.layouts.AT_ONCE_SECONDS", 0.01)
    answer = demo_client.post("/api/layouts", json={"goals": {**GOALS, "name": "told"}})
    assert answer.status_code == 202
    job = answer.headers["location"]
    eventually(lambda: demo_client.get(job).json()["status"] == "done", "the job ends")
    told = demo_client.get(job).json()
    made = demo_client.get(told["result"]).json()
    search = told["search"]
    assert search["stage"] == "weights"
    assert search["value"] == pytest.approx(made["objective"])
    assert search["bound"] == pytest.approx(made["bound"], rel=1e-3)
    seconds = [point["seconds"] for point in search["points"]]
    assert seconds == sorted(seconds)
    values = [point["value"] for point in search["points"] if point["value"] is not None]
    assert values == sorted(values)
    # The first layout is there before the search has begun and has a bound.
    assert (search["points"][0]["seconds"], search["points"][0]["bound"]) == (0, None)
    assert values[0] == search["points"][0]["value"]
    assert made["scenario"] is None


def test_a_trail_is_thinned_out_and_begins_anew_with_each_stage() -> None:
    trail = SearchTrail()
    for number in range(1_000):
        trail.add(point("focus", float(number), None))
        trail.add(point("focus", float(number), None))  # no news
    told = trail.document()
    assert len(told["points"]) <= MOST_POINTS
    assert (told["value"], told["bound"], told["gap"]) == (999.0, None, None)
    trail.add(point("moves", 8.0, 10.0))
    told = trail.document()
    assert (told["stage"], len(told["points"]), told["gap"]) == ("moves", 1, 0.25)


def point(stage: str, value: float, bound: float | None) -> SearchPoint:
    return SearchPoint(stage=stage, value=value, bound=bound, seconds=1.0)


def test_a_job_that_is_deleted_stops(
    demo_client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geo_service.web.routes.layouts.AT_ONCE_SECONDS", 0.01)
    goals = {**GOALS, "name": "slow", "industries": {"parks": "all"}}
    answer = demo_client.post("/api/layouts", json={"goals": goals})
    assert answer.status_code == 202
    job = answer.headers["location"]
    demo_client.delete(job)
    eventually(
        lambda: demo_client.get(job).json()["status"] in {"cancelled", "done"}, "the job ends"
    )
    assert demo_client.get(job).json()["status"] == "cancelled"
