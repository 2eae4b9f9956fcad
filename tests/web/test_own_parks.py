"""Scenarios of an account that is limited to a park: made, judged and told of that park alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from geo_service.access import Acting, Role, acting_as
from geo_service.errors import NotFoundError
from geo_service.planning import PlanningService, accounts
from geo_service.web.app import ServicePolicy, create_app
from geo_service.web.shares import ShareLimits
from tests.client import TestClient
from tests.county import enterprise, point
from tests.suitability.made import asked, five_sites

PASSWORD = "a long password"  # noqa: S105 - of accounts that a test makes
WHO = {
    "of_P1": ([Role.PLANNER], ["P1"]),
    "also_P1": ([Role.PLANNER, Role.STEWARD], ["P1"]),
    "of_P2": ([Role.PLANNER], ["P2"]),
    "planner": ([Role.PLANNER], []),
    "steward": ([Role.STEWARD], []),
}
OTHERS = "密名乙"
"""The name of an enterprise in P2, which stands nowhere in P1."""
POWER = {"op": "set_value", "layer": "parcels", "column": "power_kva", "value": 5, "reason": "会"}
MARK = {"source": "made for tests", "illustrative": True}


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlanningService]:
    """Return a county of two parks, with accounts of one park and of the whole."""
    made = five_sites()
    told = {"land_m2": 3_000, "geometry": point(20, 20), "parcel_id": None}
    made.layers["enterprises"] = [
        enterprise("E1", "1311", 5e6, **told),
        enterprise("F1", "3670", 9e6, **told | {"name": OTHERS, "park_id": "P2"}),
    ]
    made.layers["enterprises"][0]["name"] = "甲厂"
    with pytest.MonkeyPatch.context() as patch:
        cheap = {"time_cost": 1, "memory_cost": 64, "parallelism": 1}
        patch.setattr(accounts, "HASHING", cheap)
        running = PlanningService.open(made.write(tmp_path_factory.mktemp("parks") / "county"))
        for name, (roles, parks) in WHO.items():
            running.accounts.add(name, roles, PASSWORD, parks=parks)
    yield running
    running.close()


@pytest.fixture(scope="module")
def client(county: PlanningService) -> Iterator[TestClient]:
    """Return a client of the county that is not signed in."""
    many = ServicePolicy(shares=ShareLimits(costly_burst=100_000))
    with TestClient(create_app(county, access=many), follow_redirects=False) as made:
        yield made


@pytest.fixture(scope="module")
def headers(county: PlanningService) -> dict[str, dict[str, str]]:
    """Return for each account the headers that it asks with."""
    made = {name: county.accounts.make_token(name, roles)[1] for name, (roles, _) in WHO.items()}
    return {
        name: {"authorization": f"Bearer {token}", "accept-language": "en"}
        for name, token in made.items()
    }


def make(
    client: TestClient, header: dict[str, str], *edits: dict[str, Any], name: str = "方案"
) -> httpx2.Response:
    """Make a scenario."""
    body = {"name": name, "reason": "会", "edits": list(edits)}
    return client.post("/api/scenarios", json=body, headers=header)


def told_of(client: TestClient, header: dict[str, str], scenario_id: str) -> list[httpx2.Response]:
    """Return every answer that there is about a scenario, also about its review and its plan."""
    own = f"/api/scenarios/{scenario_id}"
    judged = client.get(f"{own}/review", headers=header)
    review_id = judged.json()["review_id"]
    side = f"ids=plan,{scenario_id}"
    paths = [
        *(own, f"{own}/changes", f"{own}/export", "/api/scenarios"),
        *(f"{own}/features?layer={layer}" for layer in ("parks", "parcels", "enterprises")),
        *(f"/api/scenarios/compare?{side}", f"/scenarios/compare?{side}"),
        *(f"/api/scenarios/compare/export?{side}&format={end}" for end in ("html", "json")),
        *("/scenarios", f"/scenarios/{scenario_id}", f"/?scenario={scenario_id}"),
        *(f"/api/overview?scenario={scenario_id}", f"/api/parks?scenario={scenario_id}"),
        f"/api/parks/P1/profile?scenario={scenario_id}",
        f"/maps/review?scenario={scenario_id}",
        *(f"/api/reviews/{review_id}", f"/api/reviews/{review_id}/findings"),
        f"/api/reviews/{review_id}/export?format=json",
    ]
    return [judged, *(client.get(path, headers=header) for path in paths)]


def test_a_scenario_of_own_parks_is_judged_and_told_of_them_alone(
    client: TestClient, headers: dict[str, dict[str, str]]
) -> None:
    made = make(client, headers["of_P1"], {**POWER, "id": "B"})
    assert made.status_code == 201, made.text
    scenario_id = made.json()["scenario_id"]
    answers = told_of(client, headers["of_P1"], scenario_id)
    assert [one.status_code for one in answers] == [200] * len(answers), [
        (str(one.url), one.status_code) for one in answers if one.status_code != 200
    ]
    for one in answers:
        for secret in (OTHERS, "P2 园"):
            assert secret not in one.text, (secret, str(one.url))
    parks = client.get(
        f"/api/scenarios/{scenario_id}/features?layer=parks", headers=headers["of_P1"]
    )
    assert [one["id"] for one in parks.json()["features"]] == ["P1"]
    page = client.get(f"/scenarios/{scenario_id}", headers=headers["of_P1"]).text
    assert "rules that need the whole county are left out" in page
    side = f"/api/scenarios/compare/export?ids=plan,{scenario_id}&format=html"
    assert "Compared on own parks alone" in client.get(side, headers=headers["of_P1"]).text
    assert "own parks" not in client.get(side, headers=headers["planner"]).text


def test_what_stands_in_another_park_is_as_if_it_were_not_there(
    client: TestClient, headers: dict[str, dict[str, str]]
) -> None:
    """The same words, but for the id, whether it exists in another park or nowhere."""
    for edit in (
        {**POWER, "id": "{}"},
        {"op": "rezone_parcel", "parcel_id": "{}", "land_use": "1001", "reason": "会"},
        {"op": "close_enterprise", "enterprise_id": "{}", "reason": "会"},
        {"op": "set_leading_industry", "park_id": "{}", "industry": "13", "reason": "会"},
    ):
        there = {
            "set_value": "C",
            "rezone_parcel": "D",
            "close_enterprise": "F1",
            "set_leading_industry": "P2",
        }
        known, unknown = (
            make(
                client,
                headers["of_P1"],
                {key: one if value == "{}" else value for key, value in edit.items()}
                | {"edit_id": "e1"},
            )
            for one in (there[str(edit["op"])], "QQ")
        )
        assert known.status_code == unknown.status_code == 422, known.text
        assert known.text.replace(f"'{there[str(edit['op'])]}'", "'QQ'") == unknown.text
    scenario_id = make(client, headers["of_P1"]).json()["scenario_id"]
    path = f"/api/scenarios/{scenario_id}/edits"
    added = client.post(path, json={**POWER, "id": "C"}, headers=headers["of_P1"])
    assert added.status_code == 422


def test_a_scenario_of_own_parks_is_its_accounts_and_of_who_sees_the_whole(
    client: TestClient, headers: dict[str, dict[str, str]], county: PlanningService
) -> None:
    """Not of another account of the same park, also a steward; nor of its own, seeing others."""
    scenario_id = make(client, headers["of_P1"], {**POWER, "id": "B"}, name="暗").json()[
        "scenario_id"
    ]
    address = f"/api/scenarios/{scenario_id}"
    review_id = client.get(f"{address}/review", headers=headers["of_P1"]).json()["review_id"]
    whole = make(client, headers["planner"], {**POWER, "id": "C"}, name="全").json()["scenario_id"]
    for other in ("also_P1", "of_P2", "planner"):
        for path in (address, f"{address}/review", f"{address}/features?layer=parks"):
            assert client.get(path, headers=headers[other]).status_code == 404, (other, path)
        assert client.get(f"/api/reviews/{review_id}", headers=headers[other]).status_code == 404
        assert "暗" not in client.get("/api/scenarios", headers=headers[other]).text
        project = asked(scenario=scenario_id)
        ranked = client.post("/api/rankings", json=project, headers=headers[other])
        assert ranked.status_code == 404
    for limited in ("of_P1", "also_P1"):
        assert client.get(f"/api/scenarios/{whole}", headers=headers[limited]).status_code == 404
        listed = client.get("/api/scenarios", headers=headers[limited]).json()
        assert listed["numberMatched"] == len(listed["scenarios"])
        assert "全" not in [one["name"] for one in listed["scenarios"]]
    moved = Acting(account="of_P1", roles=frozenset({Role.PLANNER}), parks=frozenset({"P2"}))
    with acting_as(moved), pytest.raises(NotFoundError):
        county.seen_by(moved).scenarios.find(scenario_id)


def test_who_sees_the_whole_judges_it_by_all_rules_and_publishes_it(
    client: TestClient, headers: dict[str, dict[str, str]], county: PlanningService
) -> None:
    scenario_id = make(client, headers["of_P1"], {**POWER, "id": "B", "value": 77}).json()[
        "scenario_id"
    ]
    address = f"/api/scenarios/{scenario_id}"
    seen = {
        name: client.get(f"{address}/review", headers=headers[name]).json()
        for name in ("of_P1", "steward")
    }
    assert sum(seen["of_P1"]["verdicts"].values()) == 1
    assert sum(seen["steward"]["verdicts"].values()) == 2
    limited = county.seen_by(
        Acting(account="of_P1", roles=frozenset({Role.PLANNER}), parks=frozenset({"P1"}))
    )
    assert 0 < len(limited.scenarios.rules) < len(county.scenarios.rules)
    body = {"plan_version": county.plan.version}
    for name in ("of_P1", "also_P1"):
        refused = client.post(f"{address}/publish", json=body, headers=headers[name])
        assert refused.status_code == 404, name
    done = client.post(f"{address}/publish", json=body, headers=headers["steward"])
    assert done.status_code == 200, done.text
    again = client.get(address, headers=headers["of_P1"]).json()
    assert len(again["published"]) == 1
    parcels = county.plan.frame("parcels").set_index("parcel_id")
    assert parcels.loc["B", "power_kva"] == 77


def test_a_scenario_of_own_parks_moves_on_with_the_plan(
    client: TestClient, headers: dict[str, dict[str, str]]
) -> None:
    """What is published of another park moves it, and nothing of that is told."""
    scenario_id = make(client, headers["of_P1"], {**POWER, "id": "B", "value": 9}).json()[
        "scenario_id"
    ]
    address = f"/api/scenarios/{scenario_id}"
    other = make(client, headers["planner"], {**POWER, "id": "C", "value": 31}).json()
    plan = other["base"]["plan_version"]
    path = f"/api/scenarios/{other['scenario_id']}/publish"
    assert (
        client.post(path, json={"plan_version": plan}, headers=headers["steward"]).status_code
        == 200
    )
    assert client.get(address, headers=headers["of_P1"]).json()["is_current"] is False
    for one in told_of(client, headers["of_P1"], scenario_id):
        assert one.status_code == 200, str(one.url)
        assert OTHERS not in one.text
    done = client.post(f"{address}/rebase", json={}, headers=headers["of_P1"])
    assert done.status_code == 200, done.text
    assert done.json()["is_current"] is True
    assert client.delete(address, headers=headers["of_P1"]).status_code == 204


def test_a_ranking_on_a_scenario_of_own_parks(
    client: TestClient, headers: dict[str, dict[str, str]]
) -> None:
    scenario_id = make(client, headers["of_P1"], {**POWER, "id": "B"}).json()["scenario_id"]
    project = asked(scenario=scenario_id)
    told = client.post("/api/rankings", json=project, headers=headers["of_P1"])
    assert told.status_code == 200, told.text  # 201 would say that it was saved
    assert {one["park_id"] for one in told.json()["candidates"]} == {"P1"}
    assert "P2 园" not in told.text
