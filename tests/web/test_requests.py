"""Hostile and careless requests: what an address may say, and the headers that every answer has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
import shapely
from fastapi import FastAPI
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from geo_service.planning import PlanningService
from geo_service.planning.identify import NEAR_DEG
from geo_service.planning.layers import publish
from geo_service.web.app import create_app
from geo_service.web.parameters import answers_with_a_page
from geo_service.web.replies import MAX_OFFSET
from geo_service.web.routes import rankings
from tests.client import TestClient
from tests.suitability.made import asked, five_sites

TOO_LARGE = [str(2**63 - 1), str(2**63), "9" * 400, "9" * 5_000, "-" + "9" * 400]
"""Whole numbers that a store, a slice or the interpreter cannot take."""
FULL_WIDTH = "".join(chr(0xFF10 + digit) for digit in (1, 0))
NO_NUMBERS = ["1_0", " 10", "10 ", "1e1", "+1", FULL_WIDTH, "010", "0x10", "", "1.0"]
BOX = "108,30,110,32"


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> PlanningService:
    """Return the county of two parks and five sites, open."""
    return PlanningService.open(five_sites().write(tmp_path_factory.mktemp("requests") / "county"))


@pytest.fixture(scope="module")
def client(county: PlanningService) -> Iterator[TestClient]:
    """Return a client of the service that runs it."""
    with TestClient(create_app(county), raise_server_exceptions=False) as made:
        yield made


@pytest.fixture(scope="module")
def known(client: TestClient, county: PlanningService) -> dict[str, str]:
    """Return what stands in the addresses of the routes."""
    with pytest.MonkeyPatch.context() as patch:  # a busy machine must not make a job of it
        patch.setattr(rankings, "AT_ONCE_SECONDS", 120.0)
        ranking = client.post("/api/rankings", json=asked()).json()
    scenario = client.post("/api/scenarios", json={"name": "plain", "edits": []}).json()
    return {
        "park_id": "P1",
        "scenario_id": scenario["scenario_id"],
        "review_id": county.review.review_id,
        "ranking_id": ranking["ranking_id"],
        "candidate": ranking["candidates"][0]["candidate_id"],
        "layer": "parcels",
        "version": "0",
        "kind": "overview",
        "source": "parks",
        "name": "home.js",
        "figure": "output",
        "z": "12",
        "x": "3276",
        "y": "1677",
    }


def refused(client: TestClient, address: str) -> dict[str, Any]:
    """Return the problem document of an answer that must be a 400."""
    answer = client.get(address)
    assert answer.status_code == HTTPStatus.BAD_REQUEST, (address, answer.status_code)
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    return document


def table(client: TestClient) -> Iterator[RouteContext]:
    """Yield every route of the service."""
    return iter_route_contexts(cast("FastAPI", client.app).routes)


def lists(client: TestClient, known: dict[str, str]) -> list[str]:
    """Return the address of every route that takes an offset, from the route table."""
    found = []
    for route in table(client):
        if isinstance(route.original_route, APIRoute) and "GET" in (route.methods or ()):
            fields = route.dependant.query_params
            is_asked_alone = not any(field.field_info.is_required() for field in fields)
            is_of_province = "/province" in str(route.path)  # there is none here
            if (
                "offset" in {field.alias for field in fields}
                and is_asked_alone
                and not is_of_province
            ):
                found.append(address_of(str(route.path), known))
    return found


def address_of(path: str, known: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)(:path)?\}", lambda part: known.get(part[1], "none"), path)


@pytest.mark.parametrize("number", TOO_LARGE)
def test_numbers_that_nothing_can_count_are_refused_by_every_list(
    client: TestClient, known: dict[str, str], number: str
) -> None:
    found = lists(client, known)
    assert len(found) >= 9
    for address in found:
        assert refused(client, f"{address}?offset={number}")["parameter"] == "offset"


def test_the_largest_offset_gives_an_empty_page_of_every_list(
    client: TestClient, known: dict[str, str]
) -> None:
    for address in lists(client, known):
        answer = client.get(f"{address}?offset={MAX_OFFSET}&limit=10000")
        assert answer.status_code == HTTPStatus.OK, (address, answer.text)
        assert answer.json().get("numberReturned", 0) == 0


@pytest.mark.parametrize("number", [*TOO_LARGE, *NO_NUMBERS[:-2]])
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/tiles/parcels/{}/0/0.mvt", "z"),
        ("/tiles/parcels/0/{}/0.mvt", "x"),
        ("/basemaps/0/{}/0/0", "zoom"),
        ("/basemaps/{}/0/0/0", "place"),
    ],
)
def test_numbers_in_a_path_are_held_to_the_same(
    client: TestClient, path: str, name: str, number: str
) -> None:
    if number:
        assert refused(client, path.format(number))["parameter"] == name


@pytest.mark.parametrize("number", NO_NUMBERS)
def test_a_number_is_written_as_json_writes_it(client: TestClient, number: str) -> None:
    for name in ("limit", "offset"):
        document = refused(client, f"/api/parks?{name}={number.replace('+', '%2B')}")
        assert document["parameter"] == name
        assert document["errors"][0]["in"] == "query"


@pytest.mark.parametrize(
    "number", ["1_0", "%201", "%2B1", FULL_WIDTH, ".5", "1.", "nan", "1" * 200]
)
def test_degrees_are_written_as_json_writes_them(client: TestClient, number: str) -> None:
    assert refused(client, f"/api/identify?lon={number}&lat=30")["parameter"] == "lon"
    assert refused(client, f"/api/parks?bbox={number},30,109,31")["parameter"] == "bbox"


def test_exponents_are_numbers_where_those_are_meant(client: TestClient) -> None:
    assert client.get("/api/identify?lon=1.08e2&lat=3.09E%2B1").status_code == HTTPStatus.OK
    assert client.get("/api/parks?bbox=1.08e2,30,110,3.2e1").status_code == HTTPStatus.OK


@pytest.mark.parametrize(
    "address",
    [
        "/api/parks?limit=1&limit=2",
        "/api/parks?limit=1&limit=1",
        f"/api/parks?bbox={BOX}&bbox={BOX}",
        "/api/parks?lang=en&lang=zh-Hans",
        "/api/about?lang=en&lang=en",
        "/maps/overview?park_id=P1&park_id=P2",
        "/tiles/parcels/0/0/0.mvt?v=1&v=2",
    ],
)
def test_what_is_given_twice_is_refused(client: TestClient, address: str) -> None:
    assert refused(client, address)["parameter"] == address.partition("?")[2].partition("=")[0]


def test_what_may_repeat_does(client: TestClient) -> None:
    address = "/api/layers/parcels/history/0/features?where=park_id:P1&where=park_id:P2"
    assert client.get(address).json()["numberMatched"] == 5


@pytest.mark.parametrize(
    ("address", "near"),
    [
        ("/api/parks?limt=1", "'limit'"),
        ("/api/parks?Limit=1", "'limit'"),
        ("/api/parks?township_code=1", "'township'"),
        ("/api/imports?limits=1", "lang"),
        ("/healthz?verbose=1", "lang"),
        ("/openapi.json?format=yaml", "lang"),
        ("/static/program.js?version=1", "v"),
        ("/assets/leaflet/leaflet.js?x=1", "v"),
    ],
)
def test_an_unknown_parameter_is_refused_naming_the_nearest(
    client: TestClient, address: str, near: str
) -> None:
    document = refused(client, address)
    assert document["parameter"] == address.partition("?")[2].partition("=")[0]
    assert near in document["detail"]
    assert "参数" in client.get(f"{address}&lang=zh-Hans").json()["detail"]


def test_every_fault_of_an_address_is_told_at_once(client: TestClient) -> None:
    document = refused(client, "/api/parks?limt=1&offset=1_0&tier=sme_cluster&tier=sme_cluster")
    named = [fault["parameter"] for fault in document["errors"]]
    assert named == ["limt", "offset", "tier"]


def test_no_route_of_data_passes_over_what_it_does_not_know(
    client: TestClient, known: dict[str, str]
) -> None:
    for route in table(client):
        assert isinstance(route.original_route, APIRoute), route.path
        method = min(route.methods or ())
        address = address_of(str(route.path), known)
        status = client.request(method, f"{address}?nonsense=1").status_code
        if answers_with_a_page(route.original_route):
            others = ("/account", "/sign-out", "/sign-in/issuer", "/province", "/maps/province")
            has_none = "none" in address or address.startswith(others)
            assert status == HTTPStatus.OK or has_none, address
        else:
            assert status == HTTPStatus.BAD_REQUEST, (method, address, status)


def test_a_page_opens_under_an_address_that_a_messenger_lengthened(client: TestClient) -> None:
    for path in ("/", "/parks/P1", "/maps/overview", "/docs"):
        answer = client.get(f"{path}?from=singlemessage&isappinstalled=0&from=x")
        assert answer.status_code == HTTPStatus.OK


def test_answers_of_imports_are_let_through_by_their_prefix(client: TestClient) -> None:
    address = "/api/imports?layer=parks&filename=a.csv"
    known = client.post(f"{address}&unit:declared_area_ha=ha", content=b"x").json()
    assert known.get("parameter") != "unit:declared_area_ha"
    twice = client.post(f"{address}&unit:a=x&unit:a=y", content=b"x")
    assert (twice.status_code, twice.json()["parameter"]) == (HTTPStatus.BAD_REQUEST, "unit:a")


def test_a_language_that_there_is_not_is_refused_everywhere(client: TestClient) -> None:
    for path in ("/api/parks", "/api/about", "/api/jobs/none"):
        assert refused(client, f"{path}?lang=fr")["parameter"] == "lang"


# ---- places ------------------------------------------------------------------------------------


def square(west: float, south: float, size: float) -> dict[str, Any]:
    ring = shapely.get_coordinates(shapely.box(west, south, west + size, south + size)).tolist()
    return {"type": "Polygon", "coordinates": [ring]}


@pytest.mark.parametrize(
    "shape",
    [
        {"type": "Polygon", "coordinates": [[[-180, -90], [180, -90], [180, 90], [-180, -90]]]},
        square(-72.0, 0.0, 0.1),  # its metres wrap round the globe
        square(108.0, -60.0, 0.1),
        square(100.0, 31.0, 20.0),  # holds the county
    ],
)
def test_an_area_far_outside_the_county_is_refused(
    client: TestClient, shape: dict[str, Any]
) -> None:
    answer = client.post("/api/areas", json=shape)
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert answer.json()["parameter"] == "geometry"
    assert "county" in answer.json()["detail"]


def test_an_area_beside_the_county_is_measured(client: TestClient) -> None:
    # The county of tests reaches from 107.79 to 108.63 degrees east, two more are measured:
    # one hundredth of a degree at 31 N is about 954 m by 1 109 m, 1.06 million square metres.
    assert NEAR_DEG == 2.0
    answer = client.post("/api/areas", json=square(109.5, 31.0, 0.01))
    assert answer.status_code == HTTPStatus.OK
    assert answer.json()["area_m2"] == pytest.approx(1.06e6, rel=0.01)
    assert answer.json()["share_in_county"] == 0


def test_a_comb_whose_outline_is_endless_is_refused(client: TestClient) -> None:
    teeth = [[107 + n / 1e4, 30.0 if n % 2 else 31.5] for n in range(200)]
    ring = [*teeth, [107.03, 29.9], [106.99, 29.9], teeth[0]]
    answer = client.post("/api/areas", json={"type": "Polygon", "coordinates": [ring]})
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert "outline" in answer.json()["detail"]


@pytest.mark.parametrize("number", ["9" * 400, "9" * 90, "1e300", "1e999", "NaN", "true", '"1"'])
def test_coordinates_that_are_no_degrees_are_refused(client: TestClient, number: str) -> None:
    body = f'{{"type": "Polygon", "coordinates": [[[{number}, 0], [1, 1], [1, 2], [{number}, 0]]]}}'
    answer = client.post("/api/areas", content=body, headers={"content-type": "application/json"})
    is_long = len(number) > 100  # too many digits for any body
    assert answer.status_code == (422 if is_long else HTTPStatus.BAD_REQUEST)


def test_nothing_is_near_a_place_on_the_other_side_of_the_globe(client: TestClient) -> None:
    there = client.get("/api/identify?lon=-72&lat=0").json()
    assert (there["is_in_county"], there["facilities"], there["river"]) == (False, [], None)
    here = client.get("/api/identify?lon=108&lat=30.9").json()
    assert here["facilities"]


# ---- versions and bodies -----------------------------------------------------------------------


def test_a_version_in_full_width_digits_is_no_number(client: TestClient) -> None:
    zero = chr(0xFF10)
    for version in (zero, "9" * 400, zero * 11):
        address = f"/api/layers/parcels/history/{version}/features"
        assert client.get(address).status_code == HTTPStatus.NOT_FOUND


def test_a_rollback_that_does_not_fit_the_other_layers_is_a_422(tmp_path: Path) -> None:
    folder = five_sites().write(tmp_path / "county")
    county = PlanningService.open(folder)
    versions = {name: layer.version for name, layer in county.plan.layers.items()}
    newest = {}
    for layer in ("parcels", "enterprises", "approved_areas", "parks"):  # P2 and what is in it
        frame = county.plan.frame(layer)
        kept = frame[frame["park_id"] == "P1"]
        newest[layer] = publish(folder, layer, kept, expected=versions[layer]).version
    with TestClient(create_app(county)) as client:
        body = {"version": "0", "expected": newest["parcels"]}
        answer = client.post("/api/layers/parcels/rollback", json=body)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert any("P2" in fault for fault in answer.json()["errors"])


# ---- headers -----------------------------------------------------------------------------------

HOSTILE_HEADERS = [
    {"accept-language": b"\xff\xfe"},
    {"accept-language": b"zh;q=nan,en;q=inf,;q="},
    {"accept-language": b"," * 20_000},
    {"accept-language": b"zh-" + b"a" * 30_000},
    {"if-none-match": b'"a",W/"b",,"'},
    {"if-none-match": b"\xff"},
    {"range": b"bytes=5-1"},
    {"range": b"bytes=" + b"0-1," * 5_000},
    {"accept": b"\xff"},
    {"cookie": b"geo_lang=\xff; =;;;"},
    {"content-length": b"9" * 400},
    {"content-type": b"application/json; charset=\xff"},
    {"host": b"a b:99999999"},
]


@pytest.mark.parametrize("headers", HOSTILE_HEADERS)
def test_no_header_is_a_fault_of_ours(client: TestClient, headers: dict[str, bytes]) -> None:
    given = [(name.encode(), value) for name, value in headers.items()]
    for path in ("/", "/api/parks", "/nothing", "/tiles/parcels/0/0/0.mvt", "/maps/overview"):
        for method in ("GET", "POST"):
            answer = client.request(method, path, headers=given)
            assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, (method, path)


def test_if_none_match_is_a_list_over_several_lines(client: TestClient) -> None:
    tag = client.get("/api/parks").headers["etag"]
    for lines in ([f'"other", W/{tag}'], ['"other"', tag], ["*"]):
        given = [("if-none-match", line) for line in lines]
        assert client.get("/api/parks", headers=given).status_code == HTTPStatus.NOT_MODIFIED


def test_every_answer_of_the_route_table_has_its_headers(
    client: TestClient, known: dict[str, str]
) -> None:
    for route in table(client):
        for method in sorted(route.methods or ()):
            address = address_of(str(route.path), known)
            answer = client.request(method, address, follow_redirects=False)
            where = (method, address, answer.status_code)
            check_headers(answer, where, is_changing=method not in {"GET", "HEAD"})


def check_headers(answer: httpx2.Response, where: object, *, is_changing: bool) -> None:
    """One `Vary`, no sharing, and nothing kept of errors and of what changes something."""
    headers = answer.headers
    assert headers["cross-origin-resource-policy"] == "same-origin", where
    assert headers["x-content-type-options"] == "nosniff", where
    assert "default-src 'none'" in headers["content-security-policy"], where
    assert len(headers.get_list("vary")) == 1, where
    names = headers["vary"].split(", ")
    assert names == sorted(set(names)), where
    assert "Accept-Encoding" in names, where
    kept = headers["cache-control"]
    if is_changing or answer.is_error:
        assert kept == "no-store", where
    else:
        assert kept in {"private, no-cache", "private, max-age=3600", "no-store"}, where


def test_jobs_and_imports_are_kept_by_nobody(client: TestClient) -> None:
    for path in ("/api/imports", "/api/imports/abc", "/api/jobs/abc"):
        assert client.get(path).headers["cache-control"] == "no-store"


def test_only_versioned_files_are_kept_for_long(client: TestClient) -> None:
    page = client.get("/maps/overview").text
    files = re.findall(r'(?:src|href)="(/(?:assets|static)/[^"]+[?]v=[^"]+)"', page)
    assert len(files) >= 5
    for address in files:
        kept = client.get(address).headers["cache-control"]
        assert kept == "public, max-age=31536000, immutable", address
        other = re.sub(r"v=.*", "v=old", address)
        assert client.get(other).headers["cache-control"].startswith("private"), other


def test_what_decides_an_answer_is_named(client: TestClient) -> None:
    by_path = {
        "/": "Accept-Encoding, Accept-Language, Cookie, Sec-Fetch-Dest",
        "/api/parks": "Accept-Encoding, Accept-Language",
        "/nothing": "Accept, Accept-Encoding, Accept-Language",
        "/tiles/parcels/12/3276/1677.mvt": "Accept-Encoding",
    }
    assert {path: client.get(path).headers["vary"] for path in by_path} == by_path


def test_parts_of_a_file_are_not_given(client: TestClient) -> None:
    parks = client.get("/api/layers/parks/history/0/features").content
    draft = client.post("/api/imports?layer=parks&filename=a.geojson", content=parks)
    if draft.status_code == HTTPStatus.CREATED:
        address = f"/api/imports/{draft.json()['import_id']}/refused"
        answer = client.get(address, headers={"range": "bytes=0-1"})
        assert answer.status_code == HTTPStatus.OK
        assert answer.headers["accept-ranges"] == "none"
