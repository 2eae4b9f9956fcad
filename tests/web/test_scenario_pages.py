"""What the pages of scenarios read and send beside the contract."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from geo_service.planning import PlanningService as Running
from geo_service.web.app import create_app
from tests.client import TestClient
from tests.front.modules import reached
from tests.scenarios.made import edit, moved, scenario_county

Document = dict[str, Any]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Return a client of a service on the small county of scenarios."""
    county = scenario_county()
    # The township's name is in the other script than what is typed.
    running = Running.open(county.write(tmp_path_factory.mktemp("pages") / "county"))
    with TestClient(create_app(running), raise_server_exceptions=False) as made:
        yield made


@pytest.fixture(scope="module")
def own(client: TestClient) -> str:
    """Return the address of a scenario that moves E1 to P2 and adds a park P9."""
    park = {"park_id": "P9", "name": "新园", "tier": "building_park"}
    shape = client.get("/api/layers/parks/features").json()["features"][0]["geometry"]
    feature = {"type": "Feature", "properties": park, "geometry": shape}
    edits = [moved("E1", park_id="P2"), edit("add_park", feature=feature)]
    answer = client.post("/api/scenarios", json={"name": "甲", "edits": edits})
    assert answer.status_code == 201, answer.text
    return f"/api/scenarios/{answer.json()['scenario_id']}"


def found(client: TestClient, own: str, **query: str | float) -> list[Document]:
    """Return the features that a query finds."""
    answer = client.get(f"{own}/features", params={"lang": "zh-Hans", **query})
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["numberReturned"] == len(document["features"])
    features: list[Document] = document["features"]
    return features


def test_features_are_chosen_from_the_scenario_s_own_plan(client: TestClient, own: str) -> None:
    assert [one["id"] for one in found(client, own, layer="parks", query="新园")] == ["P9"]
    # E1 has rows of two years: the latest one is told, where the scenario puts it.
    [moved_one] = found(client, own, layer="enterprises", id="E1")
    assert (moved_one["park_id"], moved_one["year"]) == ("P2", 2025)
    assert [one["id"] for one in found(client, own, layer="parcels", park="P2")] == ["C"]
    floors = found(client, own, layer="floors", building="BD")
    assert [(one["floor_no"], one["vacant_m2"]) for one in floors] == [(1, 300), (2, 1000)]


def test_an_id_that_is_typed_comes_first_and_shapes_on_request(
    client: TestClient, own: str
) -> None:
    ids = [one["id"] for one in found(client, own, layer="parcels", query="c")]
    assert ids[0] == "C"
    [park] = found(client, own, layer="parks", id="P1", geometry=True)
    assert park["geometry"]["type"] in {"Polygon", "MultiPolygon"}
    assert "geometry" not in found(client, own, layer="parks", id="P1")[0]


def test_lists_of_features_are_cut_and_say_how_many_there_are(client: TestClient, own: str) -> None:
    whole = client.get(f"{own}/features?layer=parcels").json()
    part = client.get(f"{own}/features?layer=parcels&limit=1&offset=1").json()
    assert part["numberMatched"] == whole["numberMatched"] == 4
    assert part["features"] == whole["features"][1:2]


@pytest.mark.parametrize(
    ("query", "status"),
    [("layer=secrets", 400), ("layer=parks&id=nobody", 404), ("layer=parks&limit=-1", 400)],
)
def test_what_is_asked_wrongly_is_refused(
    client: TestClient, own: str, query: str, status: int
) -> None:
    assert client.get(f"{own}/features?{query}").status_code == status
    assert client.get(f"/api/scenarios/nowhere/features?{query}").status_code in {404, 400}


def test_codes_of_land_uses_are_found_by_code_and_name(client: TestClient) -> None:
    def codes(query: str) -> list[str]:
        answer = client.get("/api/land-uses", params={"query": query, "lang": "zh-Hans"})
        return [one["code"] for one in answer.json()["land_uses"]]

    assert codes("10010")[:3] == ["100101", "100102", "100103"]
    assert "100101" in codes("一类工业")
    assert codes("沒有這種") == []
    assert client.get("/api/land-uses?scheme=nothing").json()["land_uses"] == []


@pytest.mark.parametrize("dump", [json.dumps, yaml.safe_dump])
def test_a_file_of_either_kind_is_taken_in(client: TestClient, dump: Any) -> None:  # noqa: ANN401
    text = dump({"name": "乙", "edits": [moved("E2", park_id="P2")]})
    answer = client.post("/api/scenarios/import", json={"file": "b.yaml", "text": text})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/api/scenarios/{answer.json()['scenario_id']}"
    assert answer.json()["edits"][0]["enterprise_id"] == "E2"


def test_a_file_is_refused_with_its_line_or_for_another_base(client: TestClient) -> None:
    text = "name: 丙\nedits:\n  - op: close_park\n    park_id: P1\n"
    answer = client.post("/api/scenarios/import", json={"file": "c.yaml", "text": text})
    assert answer.status_code == 422
    assert "c.yaml:3" in answer.json()["errors"][0]
    other = json.dumps({"name": "丁", "base": "0123456789ab", "edits": []})
    answer = client.post("/api/scenarios/import", json={"file": "d.json", "text": other})
    assert answer.status_code == 422


def test_a_refused_edit_names_its_field(client: TestClient, own: str) -> None:
    wrong = edit("rezone_parcel", parcel_id="A", land_use="工业")
    answer = client.post(f"{own}/edits?lang=zh-Hans", json=wrong)
    assert answer.status_code == 422
    [fault] = answer.json()["faults"]
    assert fault["field"] == "land_use"
    assert "工业" in fault["message"]
    assert "edit" not in fault["message"]
    blank = {**edit("close_park", park_id="P1"), "reason": " "}
    faults = client.post(f"{own}/edits?lang=zh-Hans", json=blank).json()["faults"]
    assert [one["field"] for one in faults] == ["reason"]


@pytest.mark.parametrize("kind", ["xlsx", "docx", "html", "json"])
def test_a_comparison_is_handed_out_as_a_file(client: TestClient, own: str, kind: str) -> None:
    ids = f"plan,{own.rpartition('/')[2]}"
    answer = client.get(f"/api/scenarios/compare/export?ids={ids}&format={kind}")
    assert answer.status_code == 200
    assert f".{kind}" in answer.headers["content-disposition"]
    assert client.get("/api/scenarios/compare/export?ids=plan&format=xlsx").status_code == 400


def test_the_map_of_a_scenario_has_its_features(client: TestClient, own: str) -> None:
    scenario_id = own.rpartition("/")[2]
    html = client.get(f"/maps/overview?scenario={scenario_id}").text
    addresses = re.findall(r"/maps/overview/features/parks\?[^\"\\\\ ]+", html)
    assert addresses
    answer = client.get(addresses[0].replace("&amp;", "&"))
    assert "P9" in {feature["id"] for feature in answer.json()["features"]}


def test_a_map_says_which_scenario_it_shows(client: TestClient, own: str) -> None:
    scenario_id = own.rpartition("/")[2]
    name = client.get(own).json()["name"]
    told = client.get(f"{own}/review").json()
    pages = {
        kind: client.get(f"/maps/{kind}?scenario={scenario_id}&lang=zh-Hans").text
        for kind in ("overview", "review", "compare")
    }
    for kind in ("overview", "review"):
        assert f"方案：{name}" in pages[kind]
    by_ids = f"before={told['base_review_id']}&review_id={told['review_id']}"
    for html in (pages["compare"], client.get(f"/maps/compare?{by_ids}&lang=zh-Hans").text):
        assert f'"label":"方案：{name}"' in html.replace('": "', '":"')
        assert '"label":"之前"' in html.replace('": "', '":"')
    assert f"方案：{name}" not in client.get("/maps/overview?lang=zh-Hans").text
    # Under another name it is the same plan, and the map says the name that it has now.
    assert client.patch(own, json={"name": "另名"}).status_code == 200
    client.get(f"{own}/review")
    html = client.get(f"/maps/compare?{by_ids}&lang=zh-Hans").text
    assert client.patch(own, json={"name": name}).status_code == 200
    assert '"label":"方案：另名"' in html.replace('": "', '":"')


def test_the_workbench_has_every_text_that_its_program_names(client: TestClient, own: str) -> None:
    html = client.get(f"/scenarios/{own.rpartition('/')[2]}").text
    match = re.search(r'id="start">(.*?)</script>', html, re.DOTALL)
    assert match is not None
    start = json.loads(match[1])
    assert start["forms"]["layers"]["parcels"]["geometry"] == "polygon"
    for name, source in reached("pages/scenario.js").items():
        for key in re.findall(r"\bt\(\s*'([a-z_]+\.[a-z_0-9]+)'", source):
            assert key in start["texts"], f"{name} names {key}"
    assert client.get("/scenarios/nowhere", headers={"accept": "text/html"}).status_code == 404


def test_a_park_is_told_as_a_scenario_has_it(client: TestClient, own: str) -> None:
    scenario_id = own.rpartition("/")[2]
    asked = {"scenario": scenario_id, "lang": "zh-Hans"}
    listed = client.get("/api/parks", params=asked).json()["features"]
    assert "P9" in [one["id"] for one in listed]
    assert client.get("/api/parks/P9").status_code == 404
    assert client.get("/api/parks/P9", params=asked).json()["properties"]["name"] == "新园"
    told = client.get(f"{own}/review").json()
    for path in ("/api/parks/P2/profile", "/api/parks/P2/focus"):
        now, then = client.get(path).json(), client.get(path, params=asked).json()
        # E1 counts in P2 only there.
        of_park = [row["enterprise_id"] for row in then.get("enterprises", [])]
        assert now != then
        assert "enterprises" not in then or "E1" in of_park
    profile = client.get("/api/parks/P2/profile", params=asked).json()
    assert profile["review_id"] == told["review_id"]
    assert client.get("/api/parks", params={"scenario": "nowhere"}).status_code == 404


@pytest.mark.parametrize("page", ["/parks/P9", "/sites"])
def test_a_page_about_a_scenario_says_so(client: TestClient, own: str, page: str) -> None:
    scenario_id = own.rpartition("/")[2]
    match = re.search(
        r'id="start">(.*?)</script>',
        client.get(f"{page}?scenario={scenario_id}").text,
        re.DOTALL,
    )
    assert match is not None
    start = json.loads(match[1])
    assert (start["scenario"], start["scenario_name"]) == (scenario_id, "甲")
    html = {"accept": "text/html"}
    assert client.get(page, headers=html).status_code == (404 if page == "/parks/P9" else 200)
    assert client.get(f"{page}?scenario=nowhere", headers=html).status_code == 404


def test_the_home_page_and_its_figures_are_of_a_scenario_if_asked(
    client: TestClient, own: str
) -> None:
    scenario = own.rsplit("/", 1)[-1]
    now = client.get("/api/overview").json()
    then = client.get("/api/overview", params={"scenario": scenario}).json()
    assert (now["parks"], then["parks"]) == (2, 3)  # the scenario adds P9
    assert then["review_id"] != now["review_id"]
    # E1 is P2's in the scenario, and its output among the rows of P2.
    rows = {}
    for name, query in (("now", {}), ("then", {"scenario": scenario})):
        listed = client.get("/api/overview/output", params=query).json()["rows"]
        rows[name] = {row["park_id"] for row in listed if row["id"].startswith("E1")}
    assert rows == {"now": {"P1"}, "then": {"P2"}}
    page = client.get(f"/?scenario={scenario}")
    assert page.status_code == 200
    assert scenario in page.text
    for address in ("/?scenario=c-none", "/api/overview?scenario=c-none"):
        assert client.get(address).status_code == 404
