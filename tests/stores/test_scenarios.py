"""Scenarios in either store: kept, changed by one at a time, published all or none, undone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from geo_service.errors import StoreError
from geo_service.plan import Plan
from geo_service.planning import PlanningService as Running
from geo_service.planning.layers import newest_layer, publish, retain
from geo_service.planning.saved import holding, retain_results
from geo_service.scenarios.judging import Judge, review_like
from geo_service.scenarios.scenario import base_of
from geo_service.stores.base import SCENARIO, RetentionLimits, WorkspaceAt
from geo_service.stores.catalogued import CataloguedStore
from geo_service.stores.opening import open_store
from geo_service.web.app import create_app
from geo_service.wording import said
from geo_service.workspace.opening import open_plan, open_workspace
from geo_service.zoning.review import Review, review
from tests.client import TestClient
from tests.patience import PATIENCE_S
from tests.scenarios.made import cut, edit, moved, scenario_county, told
from tests.stores.conftest import Place

pytestmark = pytest.mark.slow

Document = dict[str, Any]


@pytest.fixture
def workspace(place: Place) -> WorkspaceAt:
    """Return the small county of scenarios, and either store."""
    return WorkspaceAt(scenario_county().write(place.folder / "county"), place.address)


@pytest.fixture
def running(workspace: WorkspaceAt) -> Iterator[Running]:
    """Return a service on the county."""
    service = Running.open(workspace)
    yield service
    service.close()


@pytest.fixture
def client(running: Running) -> TestClient:
    """Return a client of the service."""
    return TestClient(create_app(running), raise_server_exceptions=False)


def made(client: TestClient, *edits: Document, name: str = "方案") -> Document:
    """Make a scenario and return its document."""
    answer = client.post("/api/scenarios", json={"name": name, "reason": "会", "edits": edits})
    assert answer.status_code == 201, answer.text
    document: Document = answer.json()
    return document


def address(document: Document, more: str = "") -> str:
    """Return the address of a scenario, or of a part of it."""
    return f"/api/scenarios/{document['scenario_id']}{more}"


# ---- kept and changed -------------------------------------------------------------------------


def test_a_scenario_outlives_the_service_and_is_listed(
    workspace: WorkspaceAt, client: TestClient
) -> None:
    document = made(client, moved("E1", park_id="P2"))
    with closing(Running.open(workspace)) as later:
        other = TestClient(create_app(later))
        found = other.get(address(document)).json()
        assert found == document
        listed = other.get("/api/scenarios").json()
        assert [one["scenario_id"] for one in listed["scenarios"]] == [document["scenario_id"]]
        assert listed["numberMatched"] == 1
        assert other.get("/api/reviews").json()["numberMatched"] == 1


def test_a_scenario_that_a_page_asks_for_several_times_at_once_is_judged_once(
    running: Running, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = made(client, moved("E1", park_id="P2"))
    running.scenarios.let_go()
    judged: list[str] = []
    has_begun, may_end = threading.Event(), threading.Event()

    def counted(judge: Judge, plan: Plan) -> Review:
        judged.append(plan.version)
        has_begun.set()
        assert may_end.wait(PATIENCE_S)
        return review_like(judge.base, plan)

    monkeypatch.setattr(Judge, "review", counted)
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(running.scenarios.judged, document["scenario_id"]) for _ in range(4)]
        assert has_begun.wait(PATIENCE_S)
        may_end.set()
        found = {one.result(PATIENCE_S).review.review_id for one in asked}
    assert len(found) == len(judged) == 1


def test_who_changes_a_scenario_may_say_which_state_was_seen(client: TestClient) -> None:
    document = made(client)
    tag = client.get(address(document)).headers["etag"]
    first = client.patch(address(document), json={"name": "新名"}, headers={"If-Match": tag})
    assert (first.status_code, first.json()["name"]) == (200, "新名")
    late = client.patch(address(document), json={"name": "旧名"}, headers={"If-Match": tag})
    assert late.status_code == 412
    assert client.delete(address(document), headers={"If-Match": tag}).status_code == 412
    assert client.get(address(document)).json()["name"] == "新名"
    now = first.headers["etag"]
    assert client.delete(address(document), headers={"If-Match": now}).status_code == 204
    assert client.get(address(document)).status_code == 404


def test_changes_by_many_at_once_are_all_there(running: Running) -> None:
    desk = running.scenarios
    record = desk.make({"name": "方案"})
    names = [f"{letter}{number}" for letter in "EF" for number in range(1, 6)]
    edits = [
        edit("set_value", layer="enterprises", id=name, column="output_cny", value=5)
        for name in names[:4]
    ]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: desk.add(record.scenario_id, [one]), edits))
    kept = desk.find(record.scenario_id).scenario.edits
    assert {getattr(one, "id", None) for one in kept} == set(names[:4])


def test_edits_are_added_moved_switched_off_and_taken_out(client: TestClient) -> None:
    document = made(client, moved("E1", park_id="P2"))
    more = [edit("rezone_parcel", parcel_id="A", land_use="100103"), moved("E2", park_id="P2")]
    document = client.post(address(document, "/edits?at=0"), json=more).json()
    ids = [one["edit_id"] for one in document["edits"]]
    assert [one["op"] for one in document["edits"]] == [
        "rezone_parcel",
        "move_enterprise",
        "move_enterprise",
    ]
    patch = {"order": ids[::-1], "enabled": {ids[0]: False}, "reasons": {ids[1]: "另一个理由"}}
    document = client.patch(address(document), json=patch).json()
    assert [one["edit_id"] for one in document["edits"]] == ids[::-1]
    assert [one["enabled"] for one in document["edits"]] == [True, True, False]
    assert document["edits"][1]["reason"] == "另一个理由"
    document = client.delete(address(document, f"/edits/{ids[0]}")).json()
    assert len(document["edits"]) == 2
    assert client.delete(address(document, f"/edits/{ids[0]}")).status_code == 404
    again = client.post(address(document, "/edits"), json={**more[0], "edit_id": ids[1]})
    assert again.status_code == 409
    assert client.patch(address(document), json={"order": ids[1:2]}).status_code == 409


def test_an_edit_that_cannot_be_made_is_refused_and_nothing_is_kept(client: TestClient) -> None:
    document = made(client)
    both = [moved("E1", park_id="P2"), moved("E2", park_id="P9")]
    answer = client.post(address(document, "/edits?lang=en"), json=both)
    assert answer.status_code == 422
    assert "an id that layer 'parks' has" in answer.json()["errors"][0]
    assert client.get(address(document)).json()["edits"] == []


# ---- judged -----------------------------------------------------------------------------------


def test_what_a_scenario_does_is_told_with_the_edits_that_do_it(client: TestClient) -> None:
    document = made(
        client,
        {**edit("set_leading_industry", park_id="P1", leading_industry="36"), "edit_id": "e1"},
        {**edit("rezone_parcel", parcel_id="A", land_use="0701"), "edit_id": "e2"},
    )
    review_ = client.get(address(document, "/review")).json()
    parks = {one["park_id"]: one for one in review_["parks"]}
    assert parks["P1"]["before"] != parks["P1"]["after"]
    assert parks["P1"]["focus"]["before"]["share"] == 1
    assert parks["P1"]["focus"]["after"]["share"] == 0
    changes = client.get(address(document, "/changes")).json()
    causes = {(one["rule_id"], *one["caused_by"]) for one in changes["changes"]}
    assert ("focus.is_top", "e1") in causes
    assert ("land_use.permitted", "e2") in causes
    assert changes["counts"]["new"] == changes["numberMatched"]
    assert client.get(address(document, "/changes?kind=cured")).json()["changes"] == []
    assert client.get(address(document, "/changes?kind=nothing")).status_code in {400, 422}
    found = client.get(f"/api/reviews/{review_['review_id']}/findings").json()
    assert found["numberMatched"] == review_["findings_count"]
    assert client.get("/api/reviews").json()["numberMatched"] == 1


def test_edits_that_only_work_together_say_so(client: TestClient) -> None:
    # Without its leading enterprises P1 has nothing else: each of five moves keeps it led by 13.
    moves = [{**moved(f"E{n}", park_id="P2"), "edit_id": f"e{n}"} for n in (1, 2, 3)]
    document = made(client, *moves)
    changes = client.get(address(document, "/changes")).json()["changes"]
    own = {one["subject"]["id"]: one for one in changes if one["subject"]["layer"] == "enterprises"}
    assert own["E1"]["caused_by"] == ["e1"]
    together = [one for one in changes if one["is_together"]]
    # 36 has 500 of 500 in P2; with 300 more of 13 it has 0.625, with 200 more 0.714.
    assert {one["rule_id"] for one in together} == {"focus.leading_share"}
    assert together[0]["caused_by"] == ["e1", "e2", "e3"]


def test_scenarios_are_compared_with_each_other_and_the_plan(client: TestClient) -> None:
    a = made(client, edit("set_leading_industry", park_id="P1", leading_industry="36"), name="甲")
    b = made(client, moved("E1", parcel_id="C"), name="乙")
    ids = f"{a['scenario_id']},{b['scenario_id']},plan"
    told_ = client.get(f"/api/scenarios/compare?ids={ids}").json()
    assert [one["key"] for one in told_["alternatives"]] == ids.split(",")
    assert [park["park_id"] for park in told_["parks"] if park["differs"]]
    for kind, begins in (("xlsx", b"PK"), ("docx", b"PK"), ("html", b"<!doctype"), ("json", b"{")):
        file = client.get(f"/api/scenarios/compare/export?ids={ids}&format={kind}")
        assert file.content.startswith(begins), kind
        assert "attachment" in file.headers["content-disposition"]
    assert client.get("/api/scenarios/compare?ids=plan").status_code == 400
    many = ",".join([a["scenario_id"], *"12345"])
    assert client.get(f"/api/scenarios/compare?ids={many}").status_code == 400
    assert client.get("/api/scenarios/compare?ids=nothing").status_code == 404


def test_maps_and_rankings_take_a_scenario(client: TestClient) -> None:
    document = made(client, edit("rezone_parcel", parcel_id="B", land_use="0701"))
    page = client.get(f"/maps/overview?scenario={document['scenario_id']}")
    assert page.status_code == 200
    compared = client.get(f"/maps/compare?scenario={document['scenario_id']}")
    assert compared.status_code == 200
    assert client.get("/maps/overview?scenario=nothing").status_code == 404
    features = client.get(
        f"/maps/overview/features/parcels?scenario={document['scenario_id']}"
    ).json()
    uses = {one["properties"]["parcel_id"]: str(one["properties"]) for one in features["features"]}
    assert "0701" in uses["B"]
    project = {"name": "p", "industry_code": "1311", "needs": {"land_m2": 9000}}
    base = client.post("/api/rankings", json=project).json()
    there = client.post(
        "/api/rankings", json={**project, "scenario": document["scenario_id"]}
    ).json()
    assert base["plan_version"] != there["plan_version"]
    assert client.post("/api/rankings", json={**project, "scenario": "x"}).status_code == 404


# ---- published and undone ---------------------------------------------------------------------


def test_publishing_makes_the_plan_that_was_compared(
    workspace: WorkspaceAt, running: Running, client: TestClient
) -> None:
    edits = [
        moved("E1", parcel_id="C"),
        moved("E3", building_id="BD", floor_no=2),
        cut("A", (-10, 50), (110, 50)),
        edit("set_leading_industry", park_id="P2", leading_industry="13"),
    ]
    document = made(client, *edits)
    judged = running.scenarios.judged(document["scenario_id"])
    answer = client.post(
        address(document, "/publish"),
        json={"plan_version": running.plan.version, "author": "王"},
    )
    assert answer.status_code == 200, answer.text
    published = answer.json()
    assert {one["layer"] for one in published["layers"]} == {
        "parcels",
        "floors",
        "enterprises",
        "parks",
    }
    assert all("方案" in one["note"] and "试一试" in one["note"] for one in published["layers"])
    plan = open_plan(workspace)
    assert plan.version == running.plan.version == published["plan_version"]
    assert published["scenario"]["base"] == {
        "plan_version": plan.version,
        "layers": {name: layer.version for name, layer in plan.layers.items()},
    }
    assert published["scenario"]["is_current"]
    assert published["scenario"]["edits"] == []
    for layer in plan.layers:
        assert plan.frame(layer).equals(judged.review.plan.frame(layer)), layer
    made_of = review(judged.review.plan, as_of=judged.review.as_of)
    now = review(plan, as_of=judged.review.as_of)
    assert told(made_of).replace(made_of.review_id.encode(), b"").replace(
        judged.review.plan.version.encode(), b""
    ) == told(now).replace(now.review_id.encode(), b"").replace(plan.version.encode(), b"")


def test_half_of_a_scenario_is_published_and_undone(
    workspace: WorkspaceAt, running: Running, client: TestClient
) -> None:
    before = running.plan
    first = {**moved("E1", parcel_id="C"), "edit_id": "e1"}
    second = {**edit("rezone_parcel", parcel_id="B", land_use="100103"), "edit_id": "e2"}
    document = made(client, first, second)
    asked = {"edits": ["e1"], "plan_version": before.version}
    published = client.post(address(document, "/publish"), json=asked).json()
    assert [one["edit_id"] for one in published["scenario"]["edits"]] == ["e2"]
    assert published["scenario"]["published_count"] == 1
    # Somebody changes something else in the meantime: that stays.
    now = newest_layer(workspace, "parcels")
    other = now.frame.assign(plot_ratio=3.0)
    publish(workspace, "parcels", other, expected=now.version)
    running.refresh()
    undone = client.post(address(document, "/undo"), json={})
    assert undone.status_code == 200, undone.text
    assert [one["edit_id"] for one in undone.json()["scenario"]["edits"]] == ["e1", "e2"]
    plan = open_plan(workspace)
    assert plan.frame("enterprises").equals(before.frame("enterprises"))
    assert set(plan.frame("parcels")["plot_ratio"]) == {3.0}
    status = plan.frame("parcels").set_index("parcel_id")["status"]
    assert status["C"] == "vacant"
    assert client.post(address(document, "/undo"), json={}).status_code == 409


def test_what_was_changed_since_cannot_be_undone(
    workspace: WorkspaceAt, running: Running, client: TestClient
) -> None:
    document = made(client, edit("rezone_parcel", parcel_id="B", land_use="100103"))
    client.post(address(document, "/publish"), json={"plan_version": running.plan.version})
    now = newest_layer(workspace, "parcels")
    publish(workspace, "parcels", now.frame.assign(land_use="0701"), expected=now.version)
    running.refresh()
    answer = client.post(address(document, "/undo?lang=en"), json={})
    assert answer.status_code == 409
    assert "B" in answer.json()["detail"]


def test_a_plan_that_moved_on_is_a_conflict(
    workspace: WorkspaceAt, running: Running, client: TestClient
) -> None:
    document = made(client, edit("rezone_parcel", parcel_id="B", land_use="100103"))
    version = running.plan.version
    now = newest_layer(workspace, "parcels")
    publish(workspace, "parcels", now.frame.assign(plot_ratio=3.0), expected=now.version)
    stale = client.post(address(document, "/publish"), json={"plan_version": version})
    assert stale.status_code == 409
    fresh = client.post(address(document, "/publish"), json={"plan_version": running.plan.version})
    assert fresh.status_code == 409
    assert client.get(address(document)).json()["moved_layers"] == ["parcels"]
    assert client.post(address(document, "/rebase")).status_code == 200
    done = client.post(address(document, "/publish"), json={"plan_version": running.plan.version})
    assert done.status_code == 200
    rows = open_plan(workspace).frame("parcels").set_index("parcel_id")
    assert (rows.loc["B", "land_use"], rows.loc["B", "plot_ratio"]) == ("100103", 3.0)


def test_a_publication_that_fails_leaves_plan_and_scenario_as_they_were(
    running: Running, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = made(client, moved("E1", parcel_id="C"))
    running.jobs.close()  # what it begins with is kept in the background
    before = running.workspace.store.newest()
    counted: list[str] = []
    insert = CataloguedStore.publish.__globals__["insert_entry"]

    def fails_at_the_second(*given: Any) -> Any:  # noqa: ANN401 - as the function it stands for
        counted.append("x")
        if len(counted) == 2:
            raise StoreError(said("problem.store_full", store="/x", reason="full"), is_full=True)
        return insert(*given)

    monkeypatch.setitem(CataloguedStore.publish.__globals__, "insert_entry", fails_at_the_second)
    version = running.plan.version
    answer = client.post(address(document, "/publish"), json={"plan_version": version})
    monkeypatch.undo()
    assert answer.status_code == 503
    assert {name: one.number for name, one in running.workspace.store.newest().items()} == {
        name: one.number for name, one in before.items()
    }
    kept = client.get(address(document)).json()
    assert (len(kept["edits"]), kept["published"]) == (1, [])
    again = client.post(address(document, "/publish"), json={"plan_version": version})
    assert again.status_code == 200


# ---- the plan moves on ------------------------------------------------------------------------


def test_a_conflict_tells_base_ours_and_theirs_and_chooses_nothing(
    workspace: WorkspaceAt, running: Running, client: TestClient
) -> None:
    document = made(
        client,
        {**edit("rezone_parcel", parcel_id="B", land_use="100103"), "edit_id": "e1"},
        {**edit("rezone_parcel", parcel_id="C", land_use="100103"), "edit_id": "e2"},
    )
    now = newest_layer(workspace, "parcels")
    frame = now.frame.copy()
    frame.loc[frame["parcel_id"] == "B", "land_use"] = "100102"
    frame.loc[frame["parcel_id"] == "C", "plot_ratio"] = 2.0
    publish(workspace, "parcels", frame, expected=now.version)
    running.refresh()
    answer = client.post(address(document, "/rebase"), json={})
    assert answer.status_code == 409
    (conflict,) = answer.json()["conflicts"]
    (value,) = conflict["values"]
    assert (value["base"], value["ours"], value["theirs"]) == ("100101", "100103", "100102")
    assert conflict["can_stay"]
    assert set(conflict["verdicts"]) == {"ours", "theirs"}
    assert [one["park_id"] for one in conflict["parks"]] == ["P1"]
    assert client.get(address(document)).json()["is_current"] is False
    theirs = client.post(address(document, "/rebase"), json={"choices": {"e1": "theirs"}}).json()
    assert [one["enabled"] for one in theirs["edits"]] == [False, True]
    assert theirs["is_current"]


def test_ours_stands_where_it_is_chosen_and_unknown_choices_are_refused(
    workspace: WorkspaceAt, running: Running, client: TestClient
) -> None:
    document = made(
        client, {**edit("rezone_parcel", parcel_id="B", land_use="100103"), "edit_id": "e1"}
    )
    now = newest_layer(workspace, "parcels")
    publish(workspace, "parcels", now.frame.assign(land_use="0701"), expected=now.version)
    running.refresh()
    other = client.post(address(document, "/rebase"), json={"choices": {"e9": "ours"}})
    assert other.status_code == 404
    ours = client.post(address(document, "/rebase"), json={"choices": {"e1": "ours"}}).json()
    assert ours["edits"][0]["enabled"]
    assert ours["edits"][0]["expects"][0]["values"] == {"land_use": "0701"}


def test_a_feature_that_is_gone_is_a_conflict_that_only_theirs_settles(
    workspace: WorkspaceAt, running: Running, client: TestClient
) -> None:
    document = made(
        client, {**edit("rezone_parcel", parcel_id="B", land_use="100103"), "edit_id": "e1"}
    )
    now = newest_layer(workspace, "parcels")
    frame = now.frame[now.frame["parcel_id"] != "B"].reset_index(drop=True)
    publish(workspace, "parcels", frame, expected=now.version)
    running.refresh()
    (conflict,) = client.post(address(document, "/rebase"), json={}).json()["conflicts"]
    assert not conflict["can_stay"]
    assert conflict["verdicts"]["ours"] is None
    ours = client.post(address(document, "/rebase"), json={"choices": {"e1": "ours"}})
    assert ours.status_code == 422
    theirs = client.post(address(document, "/rebase"), json={"choices": {"e1": "theirs"}})
    assert theirs.status_code == 200


def test_a_shape_that_others_changed_is_a_conflict(
    workspace: WorkspaceAt, running: Running, client: TestClient
) -> None:
    document = made(client, {**cut("A", (-10, 50), (110, 50)), "edit_id": "e1"})
    now = newest_layer(workspace, "parcels")
    frame = now.frame.copy()
    frame.geometry = frame.geometry.translate(1e-5, 0)
    publish(workspace, "parcels", frame, expected=now.version)
    running.refresh()
    (conflict,) = client.post(address(document, "/rebase"), json={}).json()["conflicts"]
    (value,) = conflict["values"]
    assert value["column"] == "geometry"
    assert value["base"]["type"] == value["theirs"]["type"] == "Polygon"


# ---- kept for good ----------------------------------------------------------------------------


def test_retention_keeps_what_a_scenario_begins_with(
    workspace: WorkspaceAt, running: Running, client: TestClient
) -> None:
    base = running.plan
    document = made(client, edit("rezone_parcel", parcel_id="B", land_use="100103"))
    running.jobs.close()  # what it begins with is kept in the background
    for ratio in (1.0, 2.0, 3.0):
        now = newest_layer(workspace, "parcels")
        publish(workspace, "parcels", now.frame.assign(plot_ratio=ratio), expected=now.version)
    (workspace.folder / "parcels.geojson").unlink()
    retain(workspace, 1)
    with open_workspace(workspace) as opened:
        retain_results(opened, RetentionLimits(days=0, bytes=0))
        assert not [one for one in holding(opened).items if one.kind == SCENARIO]
        found = opened.plan_at(document["base"]["layers"])
        assert base_of(found).layers == base_of(base).layers
    assert client.get(address(document, "/review")).status_code == 200


def test_a_scenario_moves_with_the_store(
    running: Running, client: TestClient, place: Place
) -> None:
    document = made(client, moved("E1", park_id="P2"))
    version = running.plan.version
    client.post(address(document, "/publish"), json={"plan_version": version})
    other = open_store(place.folder / "other", "999999", None)
    other.take_over(running.workspace.store)
    saved = running.workspace.store.find(SCENARIO, document["scenario_id"])
    assert other.find(SCENARIO, document["scenario_id"]) == saved
    names = other.document_names(SCENARIO, document["scenario_id"])
    assert len(names) == 1
    other.close()


def test_an_exported_scenario_opens_with_the_same_base_only(
    client: TestClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    document = made(client, moved("E1", park_id="P2"))
    file = client.get(address(document, "/export")).json()
    again = client.post("/api/scenarios", json=file)
    assert again.status_code == 201
    assert again.json()["edits"] == document["edits"]
    county = scenario_county()
    county.layers["parcels"][0]["plot_ratio"] = 9.0
    folder = county.write(tmp_path_factory.mktemp("other") / "county")
    service = Running.open(folder)
    other = TestClient(create_app(service), raise_server_exceptions=False)
    answer = other.post("/api/scenarios?lang=en", json=file)
    service.close()
    assert answer.status_code == 422
    assert "parcels" in answer.json()["errors"][0]


HOSTILE = "{{ 7*7 }}${1}<script>alert(1)</script>'; DROP TABLE x; --\u202e"


def test_hostile_names_and_reasons_are_kept_as_they_are(
    running: Running, client: TestClient
) -> None:
    one = {**edit("rezone_parcel", parcel_id="B", land_use="100103"), "reason": HOSTILE}
    document = made(client, one, name=HOSTILE)
    version = running.plan.version
    published = client.post(
        address(document, "/publish"), json={"plan_version": version, "author": HOSTILE}
    ).json()
    history = client.get("/api/layers/parcels/history").json()["versions"]
    assert history[0]["note"].count(HOSTILE) == 2
    assert published["scenario"]["name"] == HOSTILE
    page = client.get(f"/maps/overview?scenario={document['scenario_id']}")
    assert "<script>alert(1)" not in page.text
    odd = client.post("/api/scenarios", json={"name": "a\u0000b"})
    assert odd.status_code == 422
