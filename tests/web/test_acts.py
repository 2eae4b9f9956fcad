"""Reviews as acts over HTTP: submitted, returned, signed; what is told, refused and recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from geo_service.access import Role
from geo_service.planning import PlanningService, accounts
from geo_service.web.app import create_app
from tests.client import OWN, TestClient
from tests.county import FEW_RULES, County, box, enterprise, parcel

PASSWORD = "a long password"  # noqa: S105 - of accounts that a test makes
PAGE = {"origin": OWN, "sec-fetch-site": "same-origin"}
NOTE = "<b>${7*7}</b> {{7*7}} 请核对"


@pytest.fixture(scope="module", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        cheap = {"time_cost": 1, "memory_cost": 64, "parallelism": 1}
        patch.setattr(accounts, "HASHING", cheap)
        yield


@pytest.fixture
def county(county: County, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlanningService]:
    """Return a small county without accounts, in which not all is well."""
    county.layers["parcels"] = [parcel("L0", box(0, 0, 90, 90)), parcel("L1", box(100, 0, 90, 90))]
    county.layers["enterprises"].append(enterprise("Z", "3670", 900.0))
    county.rules = FEW_RULES
    running = PlanningService.open(county.write(tmp_path_factory.mktemp("acts") / "county"))
    yield running
    running.close()


@pytest.fixture
def app(county: PlanningService) -> FastAPI:
    """Return the application that runs it."""
    return create_app(county)


@pytest.fixture
def desk(app: FastAPI) -> Iterator[TestClient]:
    """Return a browser in which nobody is signed in."""
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as made:
        yield made


def as_account(app: FastAPI, name: str) -> TestClient:
    """Return a browser in which somebody is signed in."""
    made = TestClient(app, raise_server_exceptions=False, follow_redirects=False, headers=PAGE)
    form = {"name": name, "password": PASSWORD, "next": "/"}
    assert made.post("/sign-in", data=form).status_code == 303
    return made


def test_without_accounts_nothing_is_signed_and_the_answer_says_why(
    county: PlanningService, desk: TestClient
) -> None:
    own = f"/api/reviews/{county.review.review_id}"
    told = desk.get(own, params={"lang": "en"}).json()["act"]
    assert (told["state"], told["may"], told["steps"]) == ("draft", [], [])
    assert "There are no accounts" in told["closed"]
    for step, body in (("submit", {}), ("return", {"reason": "no"}), ("sign", {})):
        answer = desk.post(f"{own}/{step}", json=body, params={"lang": "en"})
        assert answer.status_code == 403, step
        assert "There are no accounts" in answer.json()["detail"]
    assert desk.get("/api/acts").json()["acts"] == []


def test_an_act_goes_its_way_and_every_step_is_recorded(
    county: PlanningService, app: FastAPI, desk: TestClient
) -> None:
    del desk
    for name, role in (("li", Role.REVIEWER), ("wang", Role.REVIEWER), ("wu", Role.PLANNER)):
        county.accounts.add(name, [role], PASSWORD)
    li, wang, wu = (as_account(app, name) for name in ("li", "wang", "wu"))
    review_id = county.review.review_id
    own = f"/api/reviews/{review_id}"
    assert li.get(own).json()["act"]["may"] == ["submit"]
    assert wu.get(own).json()["act"]["may"] == []
    assert wu.post(f"{own}/submit").status_code == 403
    assert wang.post(f"{own}/sign").status_code == 409
    assert li.post(f"{own}/submit", json={"note": NOTE}).status_code == 200
    assert li.post(f"{own}/sign").status_code == 403
    assert wang.post(f"{own}/return", json={"reason": " "}).status_code == 422
    assert wang.post(f"{own}/return", json={}).status_code == 422
    returned = wang.post(f"{own}/return", json={"reason": NOTE}).json()["act"]
    assert (returned["state"], returned["steps"][-1]["note"]) == ("draft", NOTE)
    assert li.post(f"{own}/submit").json()["act"]["state"] == "submitted"
    listed = wang.get("/api/acts", params={"state": "submitted"}).json()
    assert [one["review_id"] for one in listed["acts"]] == [review_id]
    signed = wang.post(f"{own}/sign", json={"note": "agreed"}).json()["act"]
    assert (signed["state"], signed["may"]) == ("signed", [])
    assert wang.post(f"{own}/sign").status_code == 409
    assert li.delete(own).status_code == 409
    assert li.delete(f"/api/saved/{review_id}").status_code == 409
    assert li.post("/api/reviews/r-000000000000/sign").status_code == 404
    exported = json.loads(li.get(f"{own}/export", params={"format": "json"}).content)
    assert exported["act"]["record"]["findings_digest"] == signed["record"]["findings_digest"]
    assert exported["review_id"] == review_id
    lines = [json.loads(one) for _, one in county.audit.records.last(100)]
    steps = [
        (one["account"], one["action"].rpartition("/")[2], one["outcome"])
        for one in lines
        if one["action"].startswith("POST /api/reviews/") and one["outcome"] == "200"
    ]
    assert steps == [
        ("li", "submit", "200"),
        ("wang", "return", "200"),
        ("li", "submit", "200"),
        ("wang", "sign", "200"),
    ]
    assert NOTE not in json.dumps(lines, ensure_ascii=False)


def test_work_and_waivers_over_http(
    county: PlanningService, app: FastAPI, desk: TestClient
) -> None:
    del desk
    for name, role in (("li", Role.REVIEWER), ("wu", Role.PLANNER), ("admin", Role.ADMIN)):
        county.accounts.add(name, [role], PASSWORD)
    li, wu, admin = (as_account(app, name) for name in ("li", "wu", "admin"))
    finding = county.review.results[0]
    subject = {"layer": finding.subject.layer, "id": finding.subject.id}
    body = {"rule_id": finding.rule_id, "subject": subject, "state": "in_work", "note": NOTE}
    assert admin.post("/api/work", json=body).status_code == 403
    told = wu.post("/api/work", json={**body, "owner": "wu", "due": "2026-01-02"})
    assert told.status_code == 200
    assert told.json()["may"] == {"change": True, "grant": False}
    assert li.post("/api/work", json=body).status_code == 409
    assert li.post("/api/work", json={**body, "after": 1, "owner": "x"}).status_code == 400
    assert li.post("/api/work", json={**body, "state": "lost"}).status_code == 422
    asked = {"rule": finding.rule_id, "layer": subject["layer"], "subject": subject["id"]}
    one = li.get("/api/work/of", params=asked).json()
    assert [(line["account"], line["note"]) for line in one["log"]] == [("wu", NOTE)]
    assert one["is_overdue"]
    assert one["entries"] == []
    for client, name, count in ((wu, "mine", 1), (li, "mine", 0), (li, "overdue", 1)):
        found = client.get("/api/work", params={"filter": name}).json()
        assert found["numberMatched"] == count, name
        own = f"/api/reviews/{county.review.review_id}"
        listed = client.get(f"{own}/rows", params={"work": name}).json()
        assert (listed["numberMatched"] > 0) == (count > 0), name
        counted = client.get(f"{own}/counts", params={"work": name}).json()
        assert (counted["numberMatched"] > 0) == (count > 0), name
    form = {
        "kind": "waiver",
        "rule_id": finding.rule_id,
        "subject": subject,
        "document_number": "No. 9",
        "reason": NOTE,
        "expires_on": "2099-12-31",
    }
    assert wu.post("/api/entries", json=form).status_code == 403
    refused = li.post("/api/entries", json={**form, "rule_id": "no.rule"})
    assert refused.status_code == 422
    effect = li.post("/api/entries/effect", json=form)
    assert effect.status_code in {200, 422}  # a statute is not waived
    assert li.post("/api/entries/e-1/revoke", json={"reason": "no"}).status_code == 404
    assert li.get("/api/entries").json()["entries"] == []
