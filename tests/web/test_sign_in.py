"""Signing in by the page, what a session's requests must say, what belongs to whom, the audit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from geo_service.access import Role
from geo_service.planning import PlanningService, accounts
from geo_service.web.app import create_app
from tests.client import OWN, TestClient
from tests.patience import eventually
from tests.suitability.made import asked, five_sites

PASSWORD, OTHER = "a long password", "another password"
PAGE = {"origin": OWN, "sec-fetch-site": "same-origin"}
"""What a browser says of a request from one of our pages."""


@pytest.fixture(scope="module", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        cheap = {"time_cost": 1, "memory_cost": 64, "parallelism": 1}
        patch.setattr(accounts, "HASHING", cheap)
        yield


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlanningService]:
    """Return a small county with two planners, a reviewer, a steward and an admin."""
    folder = five_sites().write(tmp_path_factory.mktemp("sign_in") / "county")
    running = PlanningService.open(folder)
    for name, role in (
        ("li", Role.PLANNER),
        ("wang", Role.PLANNER),
        ("zhao", Role.REVIEWER),
        ("chen", Role.STEWARD),
        ("admin", Role.ADMIN),
    ):
        running.accounts.add(name, [role], PASSWORD)
    yield running
    running.close()


@pytest.fixture(scope="module")
def app(county: PlanningService) -> FastAPI:
    """Return the application that runs it."""
    return create_app(county)


@pytest.fixture(scope="module")
def running(app: FastAPI) -> Iterator[TestClient]:
    """Return a client that keeps the application running."""
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as made:
        yield made


@pytest.fixture
def browser(app: FastAPI, running: TestClient) -> TestClient:
    """Return a browser that is not signed in."""
    del running
    return TestClient(app, raise_server_exceptions=False, follow_redirects=False)


def sign_in(
    browser: TestClient, name: str = "li", password: str = PASSWORD, target: str = "/"
) -> httpx2.Response:
    """Send the form."""
    form = {"name": name, "password": password, "next": target}
    return browser.post("/sign-in", data=form, headers=PAGE)


def as_account(app: FastAPI, name: str) -> TestClient:
    """Return a browser in which somebody is signed in."""
    made = TestClient(app, raise_server_exceptions=False, follow_redirects=False, headers=PAGE)
    assert sign_in(made, name).status_code == 303
    return made


def lines(county: PlanningService, account: str | None = None) -> list[dict[str, Any]]:
    """Return what the audit says."""
    return [json.loads(one) for _, one in county.audit.records.last(1_000, account=account)]


def test_the_form_begins_a_session_whose_cookie_no_script_sees(browser: TestClient) -> None:
    form = browser.get("/sign-in?next=/data", headers={"accept": "text/html"})
    assert form.status_code == 200
    assert 'value="/data"' in form.text
    assert form.headers["cache-control"] == "no-store"
    assert form.headers["referrer-policy"] == "same-origin"  # else its origin would be null
    answer = sign_in(browser, target="/data")
    assert (answer.status_code, answer.headers["location"]) == (303, "/data")
    said = answer.headers["set-cookie"].lower()
    assert "geo_session=" in said
    assert "httponly" in said
    assert "samesite=lax" in said
    assert "path=/" in said
    assert "secure" not in said  # no TLS here
    page = browser.get("/", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert 'class="account-mark"' in page.text
    assert page.headers["referrer-policy"] == "same-origin"
    assert ">li<" in page.text
    assert browser.get("/sign-in?next=/help").headers["location"] == "/help"


def test_under_tls_the_cookie_goes_to_this_host_alone(app: FastAPI, running: TestClient) -> None:
    del running
    secure = TestClient(app, base_url="https://localhost", follow_redirects=False)
    form = {"name": "li", "password": PASSWORD, "next": "/"}
    said = secure.post("/sign-in", data=form).headers["set-cookie"].lower()
    assert "__host-geo_session=" in said
    assert "secure" in said
    assert secure.get("/api/parks").status_code == 200


@pytest.mark.parametrize(
    "target", ["//evil.example/", "https://evil.example/", "/\\evil", "javascript:x", "", "/a\nb"]
)
def test_signing_in_leads_nowhere_else(browser: TestClient, target: str) -> None:
    assert sign_in(browser, target=target).headers["location"] == "/"


def test_the_form_says_nothing_of_the_county(browser: TestClient, county: PlanningService) -> None:
    text = browser.get("/sign-in", headers={"accept": "text/html"}).text
    names = county.plan.settings.name.values()
    for word in (*names, county.review.review_id, county.plan.version):
        assert word not in text


def test_a_wrong_password_is_told_as_an_unknown_name(browser: TestClient) -> None:
    wrong, unknown = sign_in(browser, password=OTHER), sign_in(browser, name="nobody")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.content == unknown.content
    assert "set-cookie" not in wrong.headers
    assert PASSWORD not in unknown.text
    sign_in(browser)


def test_too_many_tries_wait(browser: TestClient) -> None:
    answers = [sign_in(browser, name="guessed", password=OTHER) for _ in range(5)]
    assert [one.status_code for one in answers] == [401, 401, 401, 401, 429]
    assert answers[-1].headers["retry-after"] == "30"


def test_another_sites_page_neither_signs_in_nor_changes_anything(
    app: FastAPI, browser: TestClient
) -> None:
    evil = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    form = {"name": "li", "password": PASSWORD}
    assert browser.post("/sign-in", data=form, headers=evil).status_code == 403
    signed = as_account(app, "li")
    made = signed.post("/api/scenarios", json={"name": "x", "edits": []}, headers=evil)
    assert made.status_code == 403


def test_a_session_changes_nothing_without_saying_where_it_comes_from(app: FastAPI) -> None:
    signed = as_account(app, "li")
    for name in ("origin", "sec-fetch-site"):
        del signed.headers[name]
    document = {"name": "x", "edits": []}
    refused = signed.post("/api/scenarios", json=document)
    assert refused.status_code == 403
    assert "Origin" in refused.json()["detail"]
    assert signed.post("/sign-out").status_code == 403
    assert signed.post("/api/scenarios", json=document, headers=PAGE).status_code == 201


def test_a_token_needs_no_origin_and_a_wrong_one_is_refused_even_with_a_session(
    app: FastAPI, county: PlanningService
) -> None:
    token = county.accounts.make_token("li", [Role.PLANNER])[1]
    plain = TestClient(app, headers={"authorization": f"Bearer {token}"})
    assert plain.post("/api/scenarios", json={"name": "x", "edits": []}).status_code == 201
    signed = as_account(app, "li")
    for wrong in ("Bearer nothing", "Bearer ", "Basic bGk6eA==", f"Bearer {token}x"):
        refused = signed.get("/api/parks", headers={"authorization": wrong})
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")


def test_signing_out_ends_the_session_and_empties_the_cache(app: FastAPI) -> None:
    first, second = as_account(app, "wang"), as_account(app, "wang")
    cookie = first.cookies["geo_session"]
    gone = first.post("/sign-out")
    assert (gone.status_code, gone.headers["location"]) == (303, "/sign-in")
    assert gone.headers["clear-site-data"] == '"cache"'
    first.cookies.set("geo_session", cookie)
    assert first.get("/api/parks").status_code == 401
    assert second.get("/api/parks").status_code == 200
    third = as_account(app, "wang")
    assert third.post("/sign-out/everywhere").status_code == 303
    assert second.get("/api/parks").status_code == 401


def test_ones_own_page_changes_the_password(app: FastAPI) -> None:
    signed = as_account(app, "zhao")
    other = as_account(app, "zhao")
    page = signed.get("/account?lang=en", headers={"accept": "text/html"})
    assert "reviewer: reviews" in page.text
    form = {"old": PASSWORD, "new": OTHER, "again": PASSWORD}
    assert signed.post("/account/password", data=form).status_code == 422
    changed = signed.post("/account/password", data={**form, "again": OTHER})
    assert changed.status_code == 200
    assert signed.get("/api/parks").status_code == 200
    assert other.get("/api/parks").status_code == 401
    back = {"old": OTHER, "new": PASSWORD, "again": PASSWORD}
    assert signed.post("/account/password", data=back).status_code == 200


def test_who_sees_a_part_is_shown_what_there_is_of_it(
    app: FastAPI, county: PlanningService
) -> None:
    county.accounts.add("viewer", [Role.VIEWER], PASSWORD)
    county.accounts.add("limited", [Role.PLANNER], PASSWORD, parks=["P1"])
    for name, has_park in (("viewer", False), ("limited", True)):
        browser = TestClient(app, follow_redirects=False, headers=PAGE)
        assert sign_in(browser, name).headers["location"] == "/"
        page = browser.get("/account", headers={"accept": "text/html"}).text
        assert ('href="/parks/P1"' in page) is has_park
        places = page.partition('class="places"')[2].partition("</nav>")[0]
        assert 'href="/help"' in places
        assert 'href="/rulebook"' in places
        assert ('href="/sites"' in places) is has_park  # a planner, of that park
        assert 'href="/"' in places
        assert ('href="/reviews"' in places) is has_park


# ---- what belongs to whom ------------------------------------------------------------------------


def test_a_scenario_belongs_to_its_account(app: FastAPI, county: PlanningService) -> None:
    li, wang, zhao = (as_account(app, name) for name in ("li", "wang", "zhao"))
    made = li.post("/api/scenarios?author=somebody", json={"name": "own", "edits": []}).json()
    assert made["author"] == "li"
    path = f"/api/scenarios/{made['scenario_id']}"
    edit = {"op": "close_enterprise", "enterprise_id": "E1", "reason": "moves"}
    added = li.post(f"{path}/edits", json={**edit, "author": "somebody"})
    assert added.status_code == 201, added.text
    assert [one["author"] for one in li.get(path).json()["edits"]] == ["li"]
    for place in (path, f"{path}/export", f"{path}/review", f"/scenarios/{made['scenario_id']}"):
        assert li.get(place).status_code == 200
        assert wang.get(place).status_code == 404
        assert zhao.get(place).status_code == 200  # who reviews sees what is to be reviewed
    unknown = wang.get("/api/scenarios/s000000000000").json()
    hidden = wang.get(path).json()
    same = {**unknown, "detail": unknown["detail"].replace("s000000000000", made["scenario_id"])}
    assert hidden == same

    def listed(who: TestClient) -> tuple[bool, int]:
        found = who.get("/api/scenarios").json()
        ids = [one["scenario_id"] for one in found["scenarios"]]
        return made["scenario_id"] in ids, found["numberMatched"] - len(ids)

    assert [listed(who) for who in (li, wang, zhao)] == [(True, 0), (False, 0), (True, 0)]
    assert wang.patch(path, json={"name": "mine"}).status_code == 404
    assert wang.delete(path).status_code == 404
    ranked = wang.post("/api/rankings", json={**asked(), "scenario": made["scenario_id"]})
    assert ranked.status_code == 404
    county.accounts.add("both", [Role.PLANNER, Role.STEWARD], PASSWORD)
    both = as_account(app, "both")
    assert both.get(path).status_code == 200
    refused = both.patch(path, json={"name": "mine"})
    assert refused.status_code == 403
    assert li.patch(path, json={"name": "still"}).status_code == 200
    assert li.delete(path).status_code == 204


def test_a_ranking_belongs_to_all_who_asked_for_it(app: FastAPI) -> None:
    li, wang, admin = (as_account(app, name) for name in ("li", "wang", "admin"))
    made = li.post("/api/rankings", json=asked()).json()
    ranking_id = made["ranking_id"]
    places = [
        f"/api/rankings/{ranking_id}",
        f"/api/rankings/{ranking_id}/features",
        f"/api/rankings/{ranking_id}/export?format=json",
        f"/maps/ranking?ranking_id={ranking_id}",
        f"/maps/ranking/features/candidates?ranking_id={ranking_id}",
    ]
    assert [li.get(place).status_code for place in places] == [200] * 5
    assert [wang.get(place).status_code for place in places] == [404] * 5
    assert wang.post(f"/api/rankings/{ranking_id}/weights", json={}).status_code == 404

    def ids(who: TestClient) -> list[list[str]]:
        ranked = who.get("/api/rankings").json()
        kept = who.get("/api/saved?kind=ranking").json()
        assert ranked["numberMatched"] == len(ranked["rankings"])
        return [
            [one["ranking_id"] for one in ranked["rankings"]],
            [one["id"] for one in kept["saved"]],
        ]

    assert ids(li) == [[ranking_id], [ranking_id]]
    assert ids(wang) == [[], []]
    assert ids(admin) == [[ranking_id], [ranking_id]]
    assert wang.delete(f"/api/rankings/{ranking_id}").status_code == 404
    assert wang.put(f"/api/saved/{ranking_id}/pin").status_code == 404
    again = wang.post("/api/rankings", json=asked()).json()
    assert again["ranking_id"] == ranking_id
    assert ids(wang) == ids(li) == [[ranking_id], [ranking_id]]
    assert admin.delete(f"/api/rankings/{ranking_id}").status_code == 204
    assert ids(li) == [[], []]


def own_jobs(client: TestClient) -> list[dict[str, Any]]:
    """Return the jobs that an account sees; what the service keeps for itself is no one's."""
    jobs: list[dict[str, Any]] = client.get("/api/jobs").json()["jobs"]
    return [job for job in jobs if job["kind"] != "keeping"]


def test_drafts_and_jobs_belong_to_their_account(app: FastAPI, county: PlanningService) -> None:
    county.accounts.add("chen2", [Role.STEWARD], PASSWORD)
    chen, other = as_account(app, "chen"), as_account(app, "chen2")
    parks = (county.workspace.folder / "parks.geojson").read_bytes()
    made = chen.post("/api/imports?layer=parks&filename=a.geojson&as=whole", content=parks)
    jobs = own_jobs(chen)
    assert jobs
    assert own_jobs(other) == []
    job = f"/api/jobs/{jobs[0]['job_id']}"
    assert chen.get(job).status_code == 200
    assert other.get(job).status_code == 404
    assert other.delete(job).status_code == 404
    assert made.status_code in {201, 202}
    eventually(lambda: chen.get("/api/imports").json()["imports"], "the file is read")
    draft = f"/api/imports/{chen.get('/api/imports').json()['imports'][0]['import_id']}"
    assert chen.get(draft).status_code == 200
    assert other.get(draft).status_code == 404
    assert other.get("/api/imports").json()["imports"] == []
    assert other.post(f"{draft}/publish").status_code == 404
    published = chen.post(f"{draft}/publish", params={"as": "whole", "note": "as it was"})
    assert published.status_code == 200, published.text
    history = chen.get("/api/layers/parks/history").json()["versions"]
    assert [(one["number"], one["account"]) for one in history] == [(1, "chen"), (0, None)]


# ---- the audit -----------------------------------------------------------------------------------


def test_what_changes_something_is_recorded_with_who_what_where(
    app: FastAPI, county: PlanningService
) -> None:
    before = len(lines(county))
    li = as_account(app, "li")
    made = li.post("/api/scenarios", json={"name": "secret name", "edits": []}).json()
    li.get("/api/scenarios")
    li.delete(f"/api/scenarios/{made['scenario_id']}")
    li.post("/api/reviews")
    told = lines(county)[before:]
    assert [(one["action"], one["outcome"]) for one in told] == [
        ("POST /sign-in", "303"),
        ("POST /api/scenarios", "201"),
        ("DELETE /api/scenarios/{scenario_id}", "204"),
        ("POST /api/reviews", "403"),
    ]
    assert {one["account"] for one in told} == {"li"}
    assert told[2]["subject"] == f"scenario_id={made['scenario_id']}"
    assert told[1]["versions"]["plan"] == county.plan.version
    assert told[1]["origin"] == "testclient"
    assert county.audit.verify()[0] == []


def test_the_audit_holds_no_secret(app: FastAPI, county: PlanningService) -> None:
    browser = TestClient(app, follow_redirects=False)
    sign_in(browser, "wang", "my real password")
    sign_in(browser, "a password typed as a name", OTHER)
    token = county.accounts.make_token("li", [Role.PLANNER])[1]
    TestClient(app, headers={"authorization": f"Bearer {token}"}).post("/api/scenarios", json={})
    kept = json.dumps(lines(county), ensure_ascii=False)
    for secret in ("my real password", "a password typed as a name", token, OTHER, "secret name"):
        assert secret not in kept
    failed = [one for one in lines(county, "wang") if one["outcome"] == "401"]
    assert failed
    assert lines(county, "li")[-1]["token"] is not None
