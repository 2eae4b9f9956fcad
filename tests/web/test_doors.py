"""Another page in the same browser, and names that are not ours: nothing is answered or done."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient as Anyone

from geo_service.errors import InvalidQueryError
from geo_service.planning import PlanningService as RunningCounty
from geo_service.web.app import ServicePolicy, create_app
from geo_service.web.doors import allowed_name
from tests.client import TestClient
from tests.county import County

NAMED = "plan.example.gov.cn"
PAGES = ("/", "/healthz", "/api/parks", "/maps/overview", "/openapi.json", "/nowhere")
POSTS = (
    "/api/reviews",
    "/api/rankings",
    "/api/rankings/x/run",
    "/api/imports?layer=parcels&filename=a.csv",
    "/api/imports/0123456789abcdef/publish",
    "/api/layers/parcels/rollback",
    "/api/areas",
)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """Return a service that goes by one name besides its own."""
    running = RunningCounty.open(County().write(tmp_path_factory.mktemp("doors") / "county"))
    return create_app(running, access=ServicePolicy(names=[NAMED]))


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    """Return a client of that service."""
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8000",
        "LOCALHOST.",
        "127.0.0.1:8000",
        "127.8.9.1",
        "[::1]:8000",
        "[::ffff:127.0.0.1]",
        NAMED,
        f"{NAMED}:443",
        NAMED.upper(),
    ],
)
def test_our_own_names_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "attacker.example",
        "attacker.example:8000",
        "localhost.attacker.example",
        "127.0.0.1.attacker.example",
        f"{NAMED}.attacker.example",
        f"x.{NAMED}",
        "example.gov.cn",
        "0.0.0.0:8000",
        "[::]",
        "10.0.0.7",
        "[2001:db8::1]",
        "testserver",
    ],
)
@pytest.mark.parametrize("path", PAGES)
def test_another_name_is_a_421_with_nothing_of_the_county(
    client: TestClient, host: str, path: str
) -> None:
    answer = client.get(path, headers={"host": host, "accept": "text/html"})
    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "detail"}
    assert "attacker" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "a b",
        "localhost:x",
        "localhost:123456",
        "user@localhost",
        "localhost/",
        "[::1",
        "é",
    ],
)
def test_what_is_no_name_is_a_400(client: TestClient, host: str) -> None:
    answer = client.get("/api/parks", headers=[(b"host", host.encode("latin-1"))])
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_two_names_are_a_400(client: TestClient) -> None:
    pair = [("host", "localhost"), ("host", "attacker.example")]
    assert client.get("/api/parks", headers=pair).status_code == 400


def test_the_address_that_a_connection_came_to_is_ours(client: TestClient) -> None:
    there = Anyone(client.app, base_url="http://10.0.0.7:8000")
    assert there.get("/healthz").status_code == 200  # the client says that 10.0.0.7 was reached
    assert there.get("/healthz", headers={"host": "10.0.0.8"}).status_code == 421


@pytest.mark.parametrize(
    "page",
    [
        {"origin": "http://attacker.example"},
        {"origin": "https://localhost"},
        {"origin": "http://localhost:3000"},
        {"origin": "http://127.0.0.1"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://localhost@attacker.example"},
        {"origin": "http://localhost/"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "anything"},
        {"sec-fetch-site": "same-origin", "origin": "http://attacker.example"},
        {"sec-fetch-site": "cross-site", "origin": "http://localhost"},
        {"sec-fetch-site": "none", "origin": "null"},
    ],
    ids=lambda page: " ".join(page.values()),
)
def test_another_page_changes_nothing(client: TestClient, page: dict[str, str]) -> None:
    before = client.get("/api/reviews").json(), client.get("/api/imports").json()
    for path in POSTS:
        answer = client.post(path, content="{}", headers={"content-type": "text/plain", **page})
        assert answer.status_code == 403
        assert answer.headers["content-type"] == "application/problem+json"
    for method in ("DELETE", "PUT", "PATCH", "TRACE", "get"):
        assert client.request(method, "/api/jobs/x", headers=page).status_code in {403, 404}
    assert client.delete("/api/imports/0123456789abcdef", headers=page).status_code == 403
    assert (client.get("/api/reviews").json(), client.get("/api/imports").json()) == before


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"origin": "http://localhost"},
        {"origin": "http://localhost:80"},
        {"sec-fetch-site": "same-origin", "origin": "http://localhost"},
        {"sec-fetch-site": "none"},
    ],
    ids=lambda page: " ".join(page.values()) or "a script",
)
def test_our_own_page_and_a_script_may(client: TestClient, page: dict[str, str]) -> None:
    assert client.post("/api/reviews", headers=page).status_code in {201, 202}


def test_a_page_of_another_name_of_ours_may(client: TestClient) -> None:
    own = {"host": f"{NAMED}:8000", "origin": f"http://{NAMED}:8000"}
    assert client.post("/api/reviews", headers=own).status_code in {201, 202}
    assert client.post("/api/reviews", headers={**own, "host": NAMED}).status_code == 403


def test_another_page_may_link_to_our_pages_and_ask_for_nothing_else(client: TestClient) -> None:
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    opened = {**link, "sec-fetch-dest": "document"}
    assert client.get("/", headers=opened).status_code == 200
    assert client.get("/maps/overview", headers=opened).status_code == 200
    for path in ("/api/parks", "/api/rankings/x/sensitivity", "/tiles/parcels/0/0/0.mvt"):
        assert client.get(path, headers=opened).status_code == 403
    for dest in ("iframe", "image", "script", "empty"):
        asked = {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": dest}
        assert client.get("/maps/overview", headers=asked).status_code == 403
    assert client.get("/", headers={**link, "sec-fetch-dest": "iframe"}).status_code == 403


@pytest.mark.parametrize("path", ["/api/parks/", "/help/", "/api/imports/", "/maps/overview/"])
def test_a_redirect_leads_to_a_path_of_ours(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"host": f"{NAMED}:81"}, follow_redirects=False)
    assert answer.status_code == 307
    assert answer.headers["location"] == path.rstrip("/")


@pytest.mark.parametrize(
    "path", ["//attacker.example/", "//attacker.example/help/", "/\\attacker/"]
)
def test_no_redirect_leads_away(client: TestClient, path: str) -> None:
    answer = client.get(f"http://localhost{path}", follow_redirects=False)
    assert answer.headers.get("location", "/").startswith("/")
    assert not answer.headers.get("location", "/").startswith(("//", "/\\"))


def test_refusals_are_told_in_the_reader_s_language(client: TestClient) -> None:
    refused = client.post("/api/reviews?lang=zh-Hans", headers={"origin": "null"})
    assert "其他网站" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Plan.Example.Gov.CN", "plan.example.gov.cn"),
        ("plan.example.gov.cn.", "plan.example.gov.cn"),
        ("plan.example.gov.cn:8443", "plan.example.gov.cn"),
        ("中国.example", "xn--fiqs8s.example"),
        ("::1", "::1"),
        ("[2001:DB8::1]", "2001:db8::1"),
        (" 10.1.2.3 ", "10.1.2.3"),
    ],
)
def test_a_configured_name_is_compared_as_browsers_send_it(given: str, name: str) -> None:
    assert allowed_name(given) == name


@pytest.mark.parametrize("given", ["", "*", "*.example", "http://a", "a b", "a/b", "-a", "a..b"])
def test_what_is_no_name_is_not_configured(given: str) -> None:
    with pytest.raises(InvalidQueryError, match="is not a name or address"):
        allowed_name(given)


def test_no_get_changes_anything(client: TestClient, app: FastAPI) -> None:
    """Every address that is only looked at leaves the workspace's files as they are."""
    folder = app.state.service.workspace.folder

    def files() -> dict[str, int]:
        return {str(path): path.stat().st_size for path in folder.rglob("*") if path.is_file()}

    before = files()
    for path, methods in app.openapi()["paths"].items():
        if "get" in methods and "{" not in path:
            client.get(path)
    assert files() == before
