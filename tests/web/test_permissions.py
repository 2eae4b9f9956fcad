"""Who may do what: every route, for every role, with and without signing in."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import cast

import httpx2
import pytest
from fastapi import FastAPI, Request
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.exceptions import HTTPException

from geo_service.access import PERMITS, Acting, Action, Role, Sight
from geo_service.planning import PlanningService, accounts
from geo_service.web import gate
from geo_service.web.app import ServicePolicy, create_app
from geo_service.web.decisions import DECISIONS
from geo_service.web.shares import ShareLimits
from tests.client import TestClient
from tests.suitability.made import five_sites

REACHED = 418
"""The status of a request that was let through to its route."""
FREE = {
    *("GET /healthz", "GET /readyz", "GET /sign-in", "POST /sign-in"),
    *("GET /sign-in/issuer", "GET /sign-in/issuer/back", "GET /sign-in/issuer/out"),
    *("GET /assets/{name:path}", "GET /static/{name:path}", "GET /pages/{version}/{name}"),
}
"""Answered to anybody."""
WITHOUT_DATA = {
    *("GET /help", "GET /about", "GET /docs", "GET /openapi.json", "GET /rulebook"),
    *("GET /api/about", "GET /api/rules", "GET /api/industries", "GET /api/land-uses"),
    *("GET /api/criteria", "GET /api/symbols"),
    *("GET /api/project-schema", "GET /api/scenario-schema", "GET /api/goals-schema"),
    *("GET /account", "POST /account/password", "POST /sign-out", "POST /sign-out/everywhere"),
}
"""What everybody gets who signs in: nothing here is made of the county's data."""
PUBLIC = {
    *("GET /", "GET /api/overview", "GET /api/changes", "GET /api/parks", "GET /api/search"),
    *("GET /parks/{park_id}", "GET /parks/{park_id}/sheet", "GET /api/parks/{park_id}"),
    *("GET /api/parks/{park_id}/focus", "GET /api/parks/{park_id}/profile"),
    *("GET /here", "POST /api/here", "GET /api/identify", "GET /api/layers/{layer}/features"),
    *("GET /api/reviews/{review_id}", "GET /api/reviews/{review_id}/findings"),
    *("GET /maps/relief.png", "GET /maps/{kind}", "GET /maps/{kind}/features/{source}"),
    "GET /basemaps/{place}/{zoom}/{column}/{row}",
    *("GET /tiles/{layer}/{z}/{x}/{y}.mvt", "HEAD /tiles/{layer}/{z}/{x}/{y}.mvt"),
}
"""All else that a viewer gets: figures as they may be told to everybody (`test_withheld.py`)."""
ABOUT_GROUND = {"GET /here", "POST /api/here", "GET /api/identify"}
OF_PARTS = {
    *("GET /compare", "GET /reviews", "GET /reviews/{review_id}"),
    *("GET /api/overview/{figure}", "GET /api/overview/{figure}/export"),
    *("GET /api/reviews/{review_id}/desk", "GET /api/reviews/{review_id}/rows"),
    *("GET /api/reviews", "GET /api/reviews/{review_id}/counts"),
    *("GET /api/reviews/{review_id}/export", "GET /api/reviews/{review_id}/register"),
    "GET /api/layers/{layer}/boundary-points",
    *("GET /sites", "GET /sites/sheet", "GET /api/projects"),
    *("GET /api/jobs", "GET /api/jobs/{job_id}", "DELETE /api/jobs/{job_id}"),
    *("GET /api/rankings", "GET /api/rankings/{ranking_id}"),
    *(
        f"GET /api/rankings/{{ranking_id}}/{part}"
        for part in ("comparison", "explanation", "features", "routes", "sensitivity", "export")
    ),
    "POST /api/rankings/{ranking_id}/weights",
}
"""What those who look get of their own parks, or without what is restricted, as of the whole."""
RANKING_OF_PARTS = {
    *("POST /api/projects/read", "POST /api/rankings", "POST /api/rankings/{ranking_id}/run"),
    "DELETE /api/rankings/{ranking_id}",
}
"""What planners make of the part that they see."""
SCENARIOS_OF_PARKS = {
    *("GET /scenarios", "GET /scenarios/compare", "GET /scenarios/{scenario_id}"),
    *("GET /api/scenarios", "POST /api/scenarios", "POST /api/scenarios/import"),
    *("GET /api/scenarios/compare", "GET /api/scenarios/compare/export"),
    *(f"{method} /api/scenarios/{{scenario_id}}" for method in ("GET", "PATCH", "DELETE")),
    *(
        f"GET /api/scenarios/{{scenario_id}}/{part}"
        for part in ("features", "review", "changes", "export")
    ),
    *("POST /api/scenarios/{scenario_id}/edits", "POST /api/scenarios/{scenario_id}/rebase"),
    "DELETE /api/scenarios/{scenario_id}/edits/{edit_id}",
}
"""What planners make besides who see their own parks whole; publishing is for the whole county."""
PARTS = {
    "viewer": PUBLIC,
    "limited": (PUBLIC - ABOUT_GROUND) | OF_PARTS | SCENARIOS_OF_PARKS,
    "masked": PUBLIC | OF_PARTS | {"POST /api/areas"},
}
"""All that accounts get that see a part of the county, besides what is no data."""
SAFE_OF_STEWARDS = {name for name in DECISIONS if name.startswith("GET /api/imports")}
DOES = {
    Role.VIEWER: set[str](),
    Role.PLANNER: {
        "POST /api/goals/read",
        *("POST /api/projects/read", "POST /api/rankings", "POST /api/rankings/{ranking_id}/run"),
        *("POST /api/scenarios", "POST /api/scenarios/import"),
        *("PATCH /api/scenarios/{scenario_id}", "DELETE /api/scenarios/{scenario_id}"),
        "POST /api/scenarios/{scenario_id}/edits",
        "DELETE /api/scenarios/{scenario_id}/edits/{edit_id}",
        "POST /api/scenarios/{scenario_id}/rebase",
        *("POST /api/layouts", "POST /api/layouts/{layout_id}/scenario", "POST /api/places"),
        "POST /api/layouts/{layout_id}/replacements",
    },
    Role.REVIEWER: {
        *("POST /api/reviews", "POST /api/reviews/{review_id}/submit"),
        *("POST /api/reviews/{review_id}/return", "POST /api/reviews/{review_id}/sign"),
        *("POST /api/entries", "POST /api/entries/{entry_id}/revoke"),
        "POST /api/entries/effect",
    },
    Role.STEWARD: {
        *("POST /api/imports", "POST /api/imports/{import_id}/effect"),
        *("POST /api/imports/{import_id}/publish", "DELETE /api/imports/{import_id}"),
        "POST /api/layers/{layer}/rollback",
        "POST /api/scenarios/{scenario_id}/publish",
        "POST /api/scenarios/{scenario_id}/undo",
    },
    Role.ADMIN: {"POST /api/saved/retain", "GET /metrics"},
}
"""What only one role does."""
TIDYING = {
    *("PUT /api/saved/{identity}/pin", "DELETE /api/saved/{identity}/pin"),
    *("DELETE /api/saved/{identity}", "DELETE /api/reviews/{review_id}"),
    "DELETE /api/rankings/{ranking_id}",
}
"""What planners, reviewers and admins do, with their own."""
WORKING = {"POST /api/work"}
"""What planners, reviewers and stewards do about findings."""
COUNTED = {
    *("POST /api/areas", "POST /api/rankings/{ranking_id}/weights", "DELETE /api/jobs/{job_id}"),
    "POST /api/here",
}
"""What changes nothing of anybody else, though its method is none for reading."""
PASSWORD = "a long password"  # noqa: S105 - of accounts that a test makes


def all_routes(app: FastAPI) -> set[str]:
    """Return every route of an application by method and path."""
    found = set()
    for one in iter_route_contexts(app.routes):
        assert isinstance(one.original_route, APIRoute), "only such routes ask for permission"
        found |= {f"{method} {one.path}" for method in one.methods or ()}
    return found


@pytest.fixture(scope="module", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        cheap = {"time_cost": 1, "memory_cost": 64, "parallelism": 1}
        patch.setattr(accounts, "HASHING", cheap)
        yield


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlanningService]:
    """Return a small county with an account for each role, and one that is limited."""
    folder = five_sites().write(tmp_path_factory.mktemp("permissions") / "county")
    running = PlanningService.open(folder)
    for role in Role:
        running.accounts.add(role.value, [role], PASSWORD)
    running.accounts.add("limited", [Role.PLANNER, Role.STEWARD], PASSWORD, parks=["P1"])
    yield running
    running.close()


@pytest.fixture(scope="module")
def app(county: PlanningService) -> FastAPI:
    """Return the application that runs it."""
    many = ServicePolicy(shares=ShareLimits(costly_burst=100_000))  # every route, nine times
    return create_app(county, access=many)


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    """Return a client that is not signed in."""
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as made:
        yield made


@pytest.fixture(scope="module")
def tokens(county: PlanningService) -> dict[str, str]:
    """Return a token for each account."""
    made = {role.value: county.accounts.make_token(role.value, [role])[1] for role in Role}
    both = [Role.PLANNER, Role.STEWARD]
    return made | {"limited": county.accounts.make_token("limited", both)[1]}


@pytest.fixture
def _only_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer REACHED in the place of every route that a request is let through to."""

    async def stop(_: Request) -> None:
        raise HTTPException(REACHED)

    monkeypatch.setattr(gate, "check_parameters", stop)


def ask(client: TestClient, route: str, token: str | None = None) -> httpx2.Response:
    """Ask for a route, with ids that may be or not."""
    method, path = route.split(" ", 1)
    for part, value in (("{name:path}", "x"), ("{park_id}", "P1"), ("{y}.mvt", "1.mvt")):
        path = path.replace(part, value)
    path = "/".join("1" if part.startswith("{") else part for part in path.split("/"))
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return client.request(method, path, headers=headers)


def refused_to_a_part(route: str, told_why: Collection[str] = ()) -> int:
    """Return how a route is refused to who sees a part: a page in words, ids as if not there."""
    method, path = route.split(" ", 1)
    is_page = method == "GET" and not path.startswith(("/api/", "/tiles/"))
    return 403 if (is_page or route in told_why) and "{" not in path else 404


def test_every_route_has_a_decision_and_every_decision_a_route(app: FastAPI) -> None:
    assert all_routes(app) == set(DECISIONS)


def test_every_action_has_a_role() -> None:
    assert set(PERMITS) == set(Action)
    assert all(PERMITS.values())


@pytest.mark.usefixtures("_only_reached")
@pytest.mark.parametrize("role", list(Role))
def test_every_route_answers_each_role_as_decided(
    client: TestClient, app: FastAPI, tokens: dict[str, str], role: Role
) -> None:
    """Each role gets what it does and what all get who look; the rest is 404, or 403 to change."""
    only_others = set().union(*(names for one, names in DOES.items() if one is not role))
    for route in sorted(all_routes(app)):
        method = route.split(" ", 1)[0]
        is_change = method not in {"GET", "HEAD"}
        if route in FREE | WITHOUT_DATA | DOES[role]:
            expected = REACHED
        elif role is Role.VIEWER:
            expected = REACHED if route in PUBLIC else refused_to_a_part(route)
        elif route in SAFE_OF_STEWARDS:
            expected = REACHED if role is Role.STEWARD else 404
        elif route in WORKING:
            expected = 403 if role is Role.ADMIN else REACHED
        elif route in TIDYING:
            expected = 403 if role is Role.STEWARD else REACHED
        elif route in only_others:
            expected = 403 if is_change else 404
        else:
            expected = REACHED
            assert not is_change or route in COUNTED, f"{route} changes something: for whom?"
        assert ask(client, route, tokens[role]).status_code == expected, (role, route)


@pytest.mark.usefixtures("_only_reached")
def test_a_limited_account_gets_its_parks_and_what_is_no_data(
    client: TestClient, app: FastAPI, tokens: dict[str, str]
) -> None:
    for route in sorted(all_routes(app)):
        is_allowed = route in FREE | WITHOUT_DATA | PARTS["limited"] | RANKING_OF_PARTS
        own = DOES[Role.PLANNER] | DOES[Role.STEWARD] | SAFE_OF_STEWARDS
        expected = REACHED if is_allowed else refused_to_a_part(route, told_why=own)
        assert ask(client, route, tokens["limited"]).status_code == expected, route


def test_a_limited_account_gets_no_other_park(client: TestClient, tokens: dict[str, str]) -> None:
    headers = {"authorization": f"Bearer {tokens['limited']}"}
    for path in ("/parks/P2", "/api/parks/P2", "/api/parks/P2/focus", "/api/parks/P2/profile"):
        assert client.get(path, headers=headers).status_code == 404
    listed = client.get("/api/parks", headers=headers).json()
    assert [park["id"] for park in listed["features"]] == ["P1"]
    parcels = client.get("/api/layers/parcels/features", headers=headers).json()
    assert {row["id"] for row in parcels["features"]} == {"A", "B", "E"}


@pytest.mark.parametrize("roles", [{Role.PLANNER}, set(Role)])
def test_who_gets_no_restricted_columns_gets_what_is_listed(roles: set[Role]) -> None:
    """Whatever it may do: but rankings nothing is made or changed of what is not seen whole."""
    who = Acting(account="masked", roles=frozenset(roles))
    sight = Sight(hidden=frozenset({"enterprises.tax_cny"}))
    let = {name for name, decision in DECISIONS.items() if decision.lets(who, sight)}
    watched = {"GET /metrics"} if Role.ADMIN in roles else set()
    assert let == FREE | WITHOUT_DATA | PARTS["masked"] | RANKING_OF_PARTS | watched


@pytest.mark.usefixtures("_only_reached")
def test_nobody_gets_anything_but_the_door(client: TestClient, app: FastAPI) -> None:
    for route in sorted(all_routes(app)):
        expected = REACHED if route in FREE else 401
        assert ask(client, route).status_code == expected, route
    assert client.get("/api/nothing").status_code == 401
    assert client.delete("/healthz").status_code == 401


@pytest.mark.parametrize("path", ["/", "/parks/P1", "/data?lang=en&x=1"])
def test_a_page_leads_to_the_door_and_back(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"accept": "text/html"})
    assert answer.status_code == 303
    door = httpx2.URL(answer.headers["location"])
    assert (door.path, door.params["next"]) == ("/sign-in", path)
    framed = client.get(path, headers={"accept": "text/html", "sec-fetch-dest": "iframe"})
    assert framed.status_code == 401


def test_what_one_may_not_see_is_told_as_what_is_not_there(
    client: TestClient, tokens: dict[str, str], county: PlanningService
) -> None:
    """The text of a 404 does not depend on whether the id exists."""
    headers = {"authorization": f"Bearer {tokens['viewer']}"}
    review = county.review.review_id
    known = client.get(f"/api/reviews/{review}/register", headers=headers)
    unknown = client.get("/api/reviews/r-000000000000/register", headers=headers)
    nowhere = client.get("/api/nothing", headers=headers)
    assert known.status_code == unknown.status_code == nowhere.status_code == 404
    assert known.content == unknown.content == nowhere.content
    headers = {"authorization": f"Bearer {tokens['limited']}"}
    other, none = (client.get(f"/api/parks/{one}", headers=headers) for one in ("P2", "P9"))
    assert other.status_code == none.status_code == 404
    assert other.text == none.text.replace("P9", "P2")
    assert client.get("/api/parks/P1", headers=headers).status_code == 200


def test_the_review_of_a_scenario_is_told_to_who_may_see_the_scenario(
    client: TestClient, tokens: dict[str, str], county: PlanningService
) -> None:
    """Its id stands in no list, and knowing it is not enough."""
    county.accounts.add("other", [Role.PLANNER], PASSWORD)
    other = county.accounts.make_token("other", [Role.PLANNER])[1]
    headers = {
        name: {"authorization": f"Bearer {token}"}
        for name, token in {**tokens, "other": other}.items()
    }
    change = {"op": "set_value", "layer": "parcels", "id": "A", "column": "power_kva", "value": 5}
    body = {"name": "方案", "reason": "会", "edits": [{**change, "reason": "会"}]}
    made = client.post("/api/scenarios", json=body, headers=headers["planner"])
    assert made.status_code == 201, made.text
    address = f"/api/scenarios/{made.json()['scenario_id']}"
    told = client.get(f"{address}/changes", headers=headers["planner"]).json()
    review_id = told["review_id"]
    assert review_id != county.review.review_id
    for path in (f"/api/reviews/{review_id}", f"/api/reviews/{review_id}/findings"):
        for name in ("planner", "reviewer", "steward", "admin"):
            assert client.get(path, headers=headers[name]).status_code == 200, name
        hidden = client.get(path, headers=headers["other"])
        unknown = client.get(path.replace(review_id, "r-0123456789ab"), headers=headers["other"])
        assert hidden.status_code == unknown.status_code == 404
        assert hidden.text == unknown.text.replace("r-0123456789ab", review_id)
    same = client.post("/api/scenarios", json=body, headers=headers["other"]).json()
    client.get(f"/api/scenarios/{same['scenario_id']}/changes", headers=headers["other"])
    assert client.get(f"/api/reviews/{review_id}", headers=headers["other"]).status_code == 200


def test_no_answer_is_kept_by_a_browser_for_the_next_account(
    client: TestClient, tokens: dict[str, str], county: PlanningService
) -> None:
    version = county.plan.layers["parks"].version
    headers = {"authorization": f"Bearer {tokens['planner']}"}
    tile = client.get(f"/tiles/parks/6/51/26.mvt?v={version}", headers=headers)
    assert tile.status_code in {200, 204}
    assert tile.headers["cache-control"] == "private, no-cache"


def test_without_accounts_everybody_does_everything(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = five_sites().write(tmp_path_factory.mktemp("open") / "county")
    app = create_app(PlanningService.open(folder))
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
        assert client.get("/api/parks").status_code == 200
        assert client.get("/sign-in").headers["location"] == "/"
        assert client.get("/account").status_code == 404
        page = client.get("/", headers={"accept": "text/html"})
        assert page.status_code == 200
        assert "account-mark" not in page.text
    assert not (cast("PlanningService", app.state.service).workspace.folder / "store").exists()
