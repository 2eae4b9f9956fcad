"""Pages as answers: languages and cookie, policy, what the shell carries, errors, files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from geo_service.planning import PlanningService as Running
from geo_service.suitability.project import parse_project
from geo_service.web import shell
from geo_service.web.app import create_app
from geo_service.web.security import PAGE_CSP
from tests.client import TestClient
from tests.county import County, box, enterprise, parcel
from tests.front.modules import reached
from tests.maps.hostile import TEXTS, hostile_county

PATHS = (
    *("/", "/parks/P1", "/parks/P1/sheet", "/compare", "/reviews", "/sites", "/here"),
    *("/sites/sheet", "/layouts", "/scenarios", "/scenarios/compare", "/rulebook", "/data"),
    *("/help", "/about"),
)
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def made_county() -> County:
    """Return a county whose park P1 has two years of enterprises, parcels, a building."""
    county = County()
    county.layers["enterprises"] = [
        enterprise("E1", "1311", 600.0, land_m2=3000),
        enterprise("E2", "1320", 200.0, land_m2=1000),
        enterprise("E3", "3670", 150.0, land_m2=None),
        enterprise("E4", None, 50.0, land_m2=1000),
        enterprise("E5", "1311", 900.0, status="closed"),
        enterprise("E1", "1311", 500.0, year=2024),
        enterprise("E3", "3670", 500.0, year=2024),
    ]
    county.layers["parcels"] = [
        parcel("L1", box(0, 0, 100, 200), status="vacant"),
        parcel("L2", box(200, 0, 100, 100)),
        parcel("L3", box(400, 0, 100, 100), park_id="P2"),
    ]
    mark = {"source": "made for tests", "illustrative": True}
    county.layers["buildings"] = [
        {
            "building_id": "B1",
            "park_id": "P1",
            "parcel_id": "L2",
            "name": "一号楼",
            "geometry": box(210, 10, 50, 50),
            **mark,
        }
    ]
    county.layers["floors"] = [
        {"building_id": "B1", "floor_no": number, "area_m2": 1000, "vacant_m2": 100, **mark}
        for number in (1, 2, 10)
    ]
    return county


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Running:
    """Return the county, open and reviewed."""
    return Running.open(made_county().write(tmp_path_factory.mktemp("pages")))


@pytest.fixture(scope="module")
def client(running: Running) -> Iterator[TestClient]:
    """Return a client of the service that runs it."""
    with TestClient(create_app(running), raise_server_exceptions=False) as made:
        yield made


def island(html: str) -> dict[str, Any]:
    """Return what a page's program starts from."""
    match = re.search(r'<script type="application/json" id="start">(.*?)</script>', html, re.DOTALL)
    assert match is not None
    found: dict[str, Any] = json.loads(match[1])
    return found


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant", "en"])
def test_every_page_is_answered_in_its_language_under_the_policy(
    client: TestClient, path: str, language: str
) -> None:
    answer = client.get(f"{path}?lang={language}")
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == PAGE_CSP
    assert answer.headers["vary"] == "Accept-Encoding, Accept-Language, Cookie, Sec-Fetch-Dest"
    assert f'<html lang="{language}"' in answer.text
    assert "$" not in re.sub(r"<script.*?</script>", "", answer.text, flags=re.DOTALL)
    assert not re.search(r"<script(?![^>]*(src=|application/json))", answer.text)
    assert " style=" not in answer.text
    assert " on" not in "".join(re.findall(r"<[^>]+>", answer.text)).replace(" only", "")


def test_a_language_once_chosen_is_kept_and_an_unknown_one_is_passed_over(
    client: TestClient,
) -> None:
    client.cookies.clear()
    assert '<html lang="zh-Hant"' in client.get("/", headers={"accept-language": "zh-TW"}).text
    answer = client.get("/?lang=en")
    cookie = answer.headers["set-cookie"]
    assert "SameSite=lax" in cookie
    assert "HttpOnly" in cookie
    assert '<html lang="en"' in client.get("/", headers={"accept-language": "zh-TW"}).text
    answer = client.get("/?lang=fr")
    assert "set-cookie" not in answer.headers
    assert '<html lang="en"' in answer.text
    client.cookies.clear()


def test_the_api_minds_no_cookie(client: TestClient) -> None:
    found = client.get("/api/layers", headers={"cookie": "geo_lang=en"}).json()["layers"]
    assert {item["name"]: item["title"] for item in found}["townships"] == "乡镇街道"


def test_language_links_keep_the_other_parameters(client: TestClient) -> None:
    html = client.get('/reviews?before=a&x="><b>&lang=en').text
    assert 'href="?before=a&amp;x=%22%3E%3Cb%3E&amp;lang=zh-Hant"' in html


def test_the_current_place_is_marked(client: TestClient) -> None:
    html = client.get("/rulebook?lang=en").text
    assert '<a href="/rulebook" aria-current="page">Rulebook</a>' in html
    assert html.count('aria-current="page"') == 1


def test_pages_under_a_root_path_ask_below_it(running: Running) -> None:
    app = create_app(running)
    html = TestClient(app, root_path="/geo").get("/geo/help").text
    assert 'href="/geo/rulebook"' in html
    assert f'src="/geo/pages/{shell.digest()}/help.js"' in html
    assert island(html)["root"] == "/geo"


def test_scripts_and_styles_are_kept_by_version(client: TestClient) -> None:
    html = client.get("/").text
    for address in re.findall(r'(?:href|src)="(/pages/[^"]+)"', html):
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert client.get("/pages/old/home.js").headers["cache-control"] == "private, no-cache"
    for name in ("shell.html", "nothing.js", "..%2Fshell.py"):
        assert client.get(f"/pages/x/{name}").status_code == 404


def test_every_text_that_a_program_names_is_in_its_island(client: TestClient) -> None:
    for path in PATHS:
        html = client.get(path).text
        texts = island(html)["texts"]
        programs = re.findall(r"/pages/\w+/(\w+)\.js", html)
        assert programs[1:] == ["finder"]
        for program in programs:
            for name, source in reached(f"pages/{program}.js").items():
                for key in re.findall(r"\bt\(\s*'([a-z_]+\.[a-z_0-9]+)'", source):
                    assert key in texts, f"{path}: {name} names {key}"


def test_no_value_of_the_data_stands_in_the_shell(tmp_path: Path) -> None:
    county = hostile_county()
    folder = county.write(tmp_path / "hostile")
    toml = folder / "workspace.toml"
    name = "</script><script>alert(1)</script>{{7*7}}$lang"
    toml.write_text(toml.read_text("utf-8").replace('"测试县"', json.dumps(name)), "utf-8")
    with TestClient(create_app(Running.open(folder))) as client:
        html = client.get("/parks/P0?lang=zh-Hans").text
    assert html.count("<script") == 4  # the island, ECharts, the page's program, the finder
    assert island(html)["county"] == name
    outside = re.sub(r'<script type="application/json".*?</script>', "", html, flags=re.DOTALL)
    assert not [text for text in TEXTS if text in outside and text != "<!--"]
    assert "alert(1)" not in outside


# ---- errors ----


def test_a_browser_gets_a_page_and_a_program_a_problem(client: TestClient) -> None:
    for path in ("/nowhere", "/parks/none", "/reviews/none"):
        answer = client.get(f"{path}?lang=en", headers=BROWSER)
        assert answer.status_code == 404
        assert answer.headers["content-security-policy"] == PAGE_CSP
        assert island(answer.text)["status"] == 404
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
    answer = client.get("/api/parks/none", headers=BROWSER)
    assert answer.headers["content-type"] == "application/problem+json"
    client.cookies.clear()


def test_an_error_in_a_frame_shows_without_navigation(client: TestClient) -> None:
    answer = client.get("/nowhere", headers={**BROWSER, "sec-fetch-dest": "iframe"})
    assert '<body class="is-framed">' in answer.text


def test_an_unexpected_fault_is_a_page_that_tells_nothing(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        msg = "secret of the inside"
        raise RuntimeError(msg)

    monkeypatch.setattr(running.parks, "check", fail)
    app = create_app(running)
    broken = TestClient(app, raise_server_exceptions=False)
    answer = broken.get("/parks/P1", headers=BROWSER)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert island(answer.text)["status"] == 500


# ---- what the pages read ----


def test_a_park_s_mix_sums_up_by_role_and_misses_nothing(client: TestClient) -> None:
    mix = client.get("/api/parks/P1/profile?lang=en").json()["mix"]
    leading, other, uncoded = mix["entries"]
    # E1 600 + E2 200 lead with 13; E3 150 is 36; E4 50 has no code; E5 is closed
    assert (leading["role"], leading["code"], leading["amounts"]["output"]) == (
        "leading",
        "13",
        800,
    )
    assert (other["role"], other["code"], other["amounts"]["output"]) == ("other", "36", 150)
    assert (uncoded["role"], uncoded["code"], uncoded["amounts"]["output"]) == ("uncoded", None, 50)
    assert mix["totals"]["output"] == 1000
    assert leading["shares"]["output"] == pytest.approx(0.8)
    assert leading["shares"]["enterprises"] == pytest.approx(0.5)
    assert mix["totals"]["land"] is None
    assert leading["shares"]["land"] is None
    assert mix["missing"] == {"output": 0, "land": 1, "floor_area": 0}


def test_a_park_s_trend_has_a_line_a_year(client: TestClient) -> None:
    trend = client.get("/api/parks/P1/profile").json()["trend"]
    assert [item["year"] for item in trend] == [2024, 2025]
    assert trend[0]["totals"]["output"] == 1000
    assert trend[0]["leading_shares"]["output"] == pytest.approx(0.5)  # 500 of 1000
    assert trend[1]["leading_shares"]["output"] is None  # E4 has no code


def test_a_park_s_floors_parcels_and_enterprises(client: TestClient) -> None:
    document = client.get("/api/parks/P1/profile").json()
    (building,) = document["buildings"]
    assert [floor["floor_no"] for floor in building["floors"]] == [10, 2, 1]
    assert document["parcels"] == {
        "count": 2,
        "by_status": {
            "built": {"count": 1, "area_m2": pytest.approx(10_000)},
            "vacant": {"count": 1, "area_m2": pytest.approx(20_000)},
        },
    }
    assert [item["enterprise_id"] for item in document["enterprises"]] == ["E1", "E2", "E3", "E4"]
    assert [item["role"] for item in document["enterprises"]] == [
        "leading",
        "leading",
        "other",
        "uncoded",
    ]
    assert document["pass_share"] == pytest.approx(0.7)


def test_a_register_pages_its_findings_and_lists_parks_and_rules(
    client: TestClient, running: Running
) -> None:
    path = f"/api/reviews/{running.review.review_id}/register"
    whole = client.get(f"{path}?limit=10000").json()
    assert whole["numberReturned"] == whole["numberMatched"] == len(running.review.results)
    page = client.get(f"{path}?limit=2&offset=1").json()
    assert page["findings"] == whole["findings"][1:3]
    assert [park["park_id"] for park in whole["parks"]] == ["P1", "P2"]
    assert {rule["rule_id"] for rule in whole["rules"]} == set(running.review.checks)
    first = whole["findings"][0]
    assert "geometry" not in first
    assert all(len(line) == 2 for line in first["evidence_lines"])
    assert client.get("/api/reviews/none/register").status_code == 404


@pytest.mark.parametrize(
    ("query", "code"),
    [("38", "38"), ("384", "384"), ("电池", "384"), ("電池", "384"), ("textiles", "17")],
)
def test_industries_are_found_by_code_and_name(client: TestClient, query: str, code: str) -> None:
    found = client.get("/api/industries", params={"query": query, "limit": 10}).json()["industries"]
    assert code in [item["code"] for item in found]
    assert len(found) <= 10


def test_no_industry_is_found_for_nothing(client: TestClient) -> None:
    assert client.get("/api/industries?query=%20").json() == {"industries": []}


def test_credits_name_every_shipped_package_with_its_licence(client: TestClient) -> None:
    document = client.get("/api/about").json()
    assert {item["name"] for item in document["assets"]} >= {"leaflet", "echarts"}
    assert all(item["licence"] and item["texts"][0] for item in document["assets"])
    libraries = {item["name"]: item for item in document["libraries"]}
    assert libraries["folium"]["licence"] == "MIT"
    assert all(item["version"] for item in libraries.values())
    assert "pytest" not in libraries


@pytest.mark.parametrize("kind", ["json", "geojson", "xlsx"])
def test_a_ranking_is_handed_out_as_a_file(client: TestClient, running: Running, kind: str) -> None:
    project = parse_project("{name: 工厂 a/b, industry_code: '1311', needs: {land_m2: 10000}}")
    path = f"/api/rankings/{running.rankings.rank(project).ranking_id}/export"
    answer = client.get(f"{path}?format={kind}")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert answer.headers["content-disposition"].endswith(f".{kind}")
    if kind == "xlsx":
        assert answer.content[:2] == b"PK"
    else:
        assert answer.json()
    assert client.get("/api/rankings/none/export?format=json").status_code == 404
    assert client.get(f"{path}?format=pdf").status_code == 400
