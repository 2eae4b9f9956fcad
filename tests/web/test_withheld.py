"""What an account may not see is in no answer: marked values, asked for by every route.

The county has values that occur nowhere else. Every GET route of the application is asked for
them, with every id, layer, kind, figure and format that there is; bodies, headers, tiles and
files are unpacked. Who sees everything finds each marker somewhere, so that the search is one.
"""

from __future__ import annotations

import io
import math
import re
import sqlite3
import struct
import zipfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from geo_service.access import Acting, Role, acting_as
from geo_service.errors import NotFoundError
from geo_service.language import Language
from geo_service.maps.kinds import KINDS
from geo_service.planning import PlanningService, accounts
from geo_service.planning.rankings import RankingFormat
from geo_service.planning.review_files import ExportFormat
from geo_service.stores.base import RANKING
from geo_service.web.app import ServicePolicy, create_app
from geo_service.web.decisions import DECISIONS
from geo_service.web.shares import ShareLimits
from geo_service.zoning.county_figures import FigureName
from tests.client import TestClient
from tests.county import box, enterprise, point
from tests.suitability.made import WISHES, asked, five_sites

NAME, TAX, OUTPUT, INVESTED = "密名甲", 77_310_001, 88_420_002, 99_530_003
BUILDING, FACILITY = "密楼乙", "密设施丙"
OF_COLUMNS = (NAME, BUILDING, FACILITY, TAX, INVESTED)
"""Markers in what the workspace keeps from planners."""
OF_ENTERPRISES = (NAME, TAX, OUTPUT, INVESTED)
"""Markers that the public may not see."""
RESTRICTED = """
[restricted]
"enterprises.name" = ["reviewer"]
"enterprises.tax_cny" = ["reviewer", "steward"]
"parcels.investment_cny" = ["reviewer"]
"buildings.name" = ["reviewer"]
facilities = ["reviewer"]
"""
PASSWORD = "a long password"  # noqa: S105 - of accounts that a test makes
LAYERS = ("parks", "parcels", "buildings", "floors", "enterprises", "facilities")
_OTHER_KINDS = set(KINDS) - {"overview", "park", "review"}
"""Maps of what this county has none of."""
_MARK = {"source": "made for tests", "illustrative": True}


def write_county(folder: Path) -> Path:
    """Write a county with marked values, a part of it restricted to reviewers."""
    county = five_sites()
    county.layers["facilities"][0]["name"] = FACILITY
    for row in county.layers["parcels"]:
        row |= {
            "investment_cny": INVESTED,
            "status": "built" if row["parcel_id"] == "A" else "vacant",
        }
    county.layers["buildings"] = [
        {"building_id": "B1", "park_id": "P1", "parcel_id": "A", "name": BUILDING}
        | {"has_dormitory": False, "geometry": box(10, 10, 30, 30), **_MARK}
    ]
    county.layers["floors"] = [
        {"building_id": "B1", "floor_no": 1, "area_m2": 900, "vacant_m2": 100, **_MARK}
    ]
    told = {"tax_cny": TAX, "land_m2": 3_000, "parcel_id": "A", "geometry": point(20, 20)}
    county.layers["enterprises"] = [
        enterprise(
            "E1", "1311", OUTPUT, **told | {"name": NAME, "building_id": "B1", "floor_no": 1}
        ),
        enterprise(
            "E2", "2641", OUTPUT, **told | {"name": NAME, "building_id": None, "floor_no": None}
        ),
        enterprise(
            "F1", "3670", OUTPUT, **told | {"name": NAME, "park_id": "P2", "parcel_id": "C"}
        ),
    ]
    written = county.write(folder)
    settings = written / "workspace.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + RESTRICTED, encoding="utf-8")
    return written


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlanningService]:
    """Return the marked county, running, with an account for each role and a limited one."""
    with pytest.MonkeyPatch.context() as patch:
        cheap = {"time_cost": 1, "memory_cost": 64, "parallelism": 1}
        patch.setattr(accounts, "HASHING", cheap)
        running = PlanningService.open(write_county(tmp_path_factory.mktemp("withheld") / "county"))
        for role in Role:
            running.accounts.add(role.value, [role], PASSWORD)
        running.accounts.add("limited", [Role.REVIEWER], PASSWORD, parks=["P2"])
        running.accounts.add("of_P1", [Role.PLANNER], PASSWORD, parks=["P1"])
    yield running
    running.close()


@pytest.fixture(scope="module")
def client(county: PlanningService) -> Iterator[TestClient]:
    """Return a client of the county that is not signed in."""
    many = ServicePolicy(shares=ShareLimits(costly_burst=100_000))
    app = create_app(county, access=many)
    with TestClient(app, follow_redirects=False) as made:
        yield made


@pytest.fixture(scope="module")
def headers(county: PlanningService) -> dict[str, dict[str, str]]:
    """Return for each account the header that it asks with."""
    others = {"limited": Role.REVIEWER, "of_P1": Role.PLANNER}
    roles = {role.value: role for role in Role} | others
    made = {name: county.accounts.make_token(name, [role])[1] for name, role in roles.items()}
    return {name: {"authorization": f"Bearer {token}"} for name, token in made.items()}


# ---- every address ------------------------------------------------------------------------------


def addresses(county: PlanningService) -> list[str]:
    """Return an address of every GET route for every choice that its path and query leave."""
    parks = county.plan.frame("parks")
    tiles = [f"{zoom}/{x}/{y}" for zoom, x, y in _tiles(county)]
    choices: dict[str, list[str]] = {
        "{park_id}": [*parks["park_id"]],
        "{review_id}": [county.review.review_id],
        "{layer}": list(LAYERS),
        "{kind}": list(KINDS),
        "{source}": [*LAYERS, "findings"],
        "{figure}": [name.value for name in FigureName],
        "{z}/{x}/{y}.mvt": [f"{tile}.mvt" for tile in tiles],
        "{version}": ["0"],
    }
    queries = {
        "GET /maps/{kind}": ["?park_id=P1"],
        "GET /maps/{kind}/features/{source}": ["?park_id=P1"],
        "GET /api/search": [f"?q={quote(word)}" for word in (NAME, BUILDING, "E1", "P1", "A")],
        "GET /api/identify": ["?lon=105.0002&lat=30.9"],
        "GET /api/reviews/{review_id}/export": [f"?format={item.value}" for item in ExportFormat],
        "GET /api/industries": ["?query=13"],
        "GET /api/layers/{layer}/diff": ["?before=0&after=0"],
    }
    found = []
    for route in DECISIONS:
        method, path = route.split(" ", 1)
        if method != "GET":
            continue
        names = [name for name in choices if name in path]
        for values in product(*(choices[name] for name in names)):
            if "/features/" in path and set(values) & _OTHER_KINDS:
                continue
            made = path
            for name, value in zip(names, values, strict=True):
                made = made.replace(name, quote(value))
            made = re.sub(r"\{[^}]*\}", "1", made)
            found += [made + query for query in queries.get(route, [""])]
    return found


def _tiles(county: PlanningService) -> list[tuple[int, int, int]]:
    """Return the tiles of two zooms that the parcels lie in."""
    west, south, east, north = county.plan.geo("parcels").total_bounds
    found = []
    for zoom in (10, 15):
        corners = [_tile_at(lon, lat, zoom) for lon, lat in ((west, north), (east, south))]
        (left, top), (right, bottom) = corners
        found += [(zoom, x, y) for x in range(left, right + 1) for y in range(top, bottom + 1)]
    return found


def _tile_at(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    turned = math.asinh(math.tan(math.radians(lat)))
    side = 2**zoom
    return int((lon + 180) / 360 * side), int((1 - turned / math.pi) / 2 * side)


# ---- what is in an answer -----------------------------------------------------------------------


def unpacked(answer: httpx2.Response) -> bytes:
    """Return an answer's headers and content, with what is packed in it."""
    content = answer.content
    parts = [content, repr(answer.headers.multi_items()).encode()]
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts += [archive.read(name) for name in archive.namelist()]
    if content.startswith(b"SQLite"):
        base = sqlite3.connect(":memory:")
        base.deserialize(content)
        tables = [
            row[0] for row in base.execute("select name from sqlite_master where type='table'")
        ]
        for table in tables:
            rows = base.execute(f'select * from "{table}"').fetchall()  # noqa: S608 - our own file
            parts.append(repr(rows).encode())
    return b"\n".join(parts)


def _forms(marker: str | int) -> list[bytes]:
    """Return how a marker may stand in an answer."""
    if isinstance(marker, str):
        return [marker.encode(), marker.encode("unicode_escape"), quote(marker).encode()]
    number, rest = b"", marker
    while rest:
        number += bytes([rest & 0x7F | (0x80 if rest > 0x7F else 0)])
        rest >>= 7
    texts = [str(marker), f"{marker:,}", f"{marker / 1e4:,.1f}", f"{marker / 1e4:.1f}"]
    binary = [struct.pack("<d", marker), struct.pack("<f", marker), number]
    return [*(text.encode() for text in texts), *binary]


def found_in(content: bytes, markers: tuple[str | int, ...]) -> set[str | int]:
    """Return which markers stand in what was unpacked."""
    return {marker for marker in markers if any(form in content for form in _forms(marker))}


def walk(
    client: TestClient,
    county: PlanningService,
    header: dict[str, str],
    markers: tuple[str | int, ...],
) -> tuple[dict[str, set[str | int]], dict[str, int]]:
    """Return the markers by the address that tells them, and each address's status."""
    told, status = {}, {}
    for address in addresses(county):
        asked_for = {marker for marker in markers if quote(str(marker)) in address}
        answer = client.get(address, headers=header)
        status[address] = answer.status_code
        told[address] = found_in(unpacked(answer), markers) - asked_for
    return {address: found for address, found in told.items() if found}, status


def test_who_sees_everything_finds_every_marker(
    client: TestClient, county: PlanningService, headers: dict[str, dict[str, str]]
) -> None:
    told, status = walk(client, county, headers["reviewer"], (*OF_COLUMNS, OUTPUT))
    # What was invested on a parcel stands in no answer as it is; per mu it is measured by rules.
    assert set().union(*told.values()) == {*OF_COLUMNS, OUTPUT} - {INVESTED}
    assert max(status.values()) < 500, {at: code for at, code in status.items() if code >= 500}


def test_no_answer_tells_a_planner_what_is_restricted_to_reviewers(
    client: TestClient, county: PlanningService, headers: dict[str, dict[str, str]]
) -> None:
    told, status = walk(client, county, headers["planner"], OF_COLUMNS)
    assert not told
    assert max(status.values()) < 500, {at: code for at, code in status.items() if code >= 500}
    for address in ("/", "/reviews", "/api/parks/P1/profile", "/api/layers/parcels/features"):
        assert status[address] == 200, address


def test_no_answer_tells_the_public_of_an_enterprise(
    client: TestClient, county: PlanningService, headers: dict[str, dict[str, str]]
) -> None:
    told, status = walk(client, county, headers["viewer"], OF_ENTERPRISES)
    assert not told
    assert max(status.values()) < 500, {at: code for at, code in status.items() if code >= 500}
    for address in (
        "/",
        "/parks/P1",
        "/api/parks/P1/profile",
        "/maps/overview?park_id=P1",
        "/api/overview",
    ):
        assert status[address] == 200, address


@pytest.mark.parametrize("name", ["planner", "viewer"])
def test_what_is_asked_of_ground_tells_nothing_either(
    client: TestClient, county: PlanningService, headers: dict[str, dict[str, str]], name: str
) -> None:
    """Questions with a body: on a parcel with enterprises, and round it."""
    west, south, east, north = county.plan.geo("parcels").total_bounds
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    polygon = {"type": "Polygon", "coordinates": [ring]}
    inside = county.plan.geo("parcels").geometry.iloc[0].representative_point()
    project = {"name": "食品厂", "industry_code": "1311", "needs": {"land_m2": 8000}}
    markers = OF_COLUMNS if name == "planner" else OF_ENTERPRISES
    place = {"project": project, "lon": inside.x, "lat": inside.y}
    here = client.post("/api/here", json=place, headers=headers[name])
    assert here.status_code == 200
    area = client.post("/api/areas", json=polygon, headers=headers[name])
    assert area.status_code == (200 if name == "planner" else 404)
    assert not found_in(unpacked(here) + unpacked(area), markers)
    if name == "viewer":
        assert here.json()["focus_effect"] is None
        assert county.translator(Language.ZH_HANS).text("withheld.word") in here.json()["statement"]


def test_a_limited_account_gets_files_of_its_parks_alone(
    client: TestClient, county: PlanningService, headers: dict[str, dict[str, str]]
) -> None:
    """It sees P2: the only enterprise there is F1, and no finding is about P1."""
    header = headers["limited"]
    listed = client.get("/api/reviews", headers=header).json()["reviews"]
    review_id = listed[0]["review_id"]
    found = client.get(f"/api/reviews/{review_id}/findings", headers=header).json()
    assert {item["properties"]["park_id"] for item in found["features"]} == {"P2"}
    sheet = client.get(f"/api/reviews/{review_id}/export?format=xlsx", headers=header)
    assert sheet.status_code == 200
    assert "P2 园".encode() in unpacked(sheet)
    assert "P1 园".encode() not in unpacked(sheet)
    whole = client.get(f"/api/reviews/{county.review.review_id}/export?format=xlsx", headers=header)
    assert whole.status_code == 404


IN_CHINESE = {"accept-language": "zh-Hans"}


def _rank(
    client: TestClient, header: dict[str, str], **values: object
) -> tuple[str, httpx2.Response]:
    """Rank the project of five sites, and return the ranking's id and the first answer."""
    more: dict[str, object] = {
        name: {} for name in ("chain_affinity", "per_mu_potential", "focus_effect")
    }
    wishes = {**WISHES, **more}
    answer = client.post(
        "/api/rankings", json=asked(criteria=wishes, **values), headers={**header, **IN_CHINESE}
    )
    assert answer.status_code == 200, answer.text  # 201 would say that it was saved
    return answer.json()["ranking_id"], answer


def _of_ranking(client: TestClient, header: dict[str, str], ranking_id: str) -> bytes:
    """Return all that is answered about a ranking: its routes, files, map and page, unpacked."""
    at = f"/api/rankings/{ranking_id}"
    first = client.get(at, headers=header).json()["candidates"][0]["candidate_id"]
    found = [
        client.get(address, headers=header)
        for address in (
            *(at, "/api/rankings", f"{at}/features", "/api/jobs", "/sites"),
            *(f"{at}/explanation?candidate={first}", f"{at}/routes?candidate={first}"),
            *(f"{at}/export?format={item.value}" for item in RankingFormat),
            *(f"{at}/comparison?before={ranking_id}", f"/sites/sheet?ranking={ranking_id}"),
            f"/maps/ranking?ranking_id={ranking_id}",
            f"/maps/ranking/features/candidates?ranking_id={ranking_id}",
        )
    ]
    found.append(client.post(f"{at}/weights", json={}, headers=header))
    found.append(client.post(f"{at}/run", headers=header))
    refused = [
        (str(one.request.url), one.status_code, one.text)
        for one in found
        if one.status_code not in {200, 202}
    ]
    assert not refused
    return b"\n".join(unpacked(answer) for answer in found)


def test_a_ranking_of_a_part_tells_nothing_that_is_kept_from_it(
    client: TestClient, county: PlanningService, headers: dict[str, dict[str, str]]
) -> None:
    ranking_id, answer = _rank(client, headers["planner"])
    told = answer.json()
    assert not found_in(_of_ranking(client, headers["planner"], ranking_id), OF_COLUMNS)
    assert {item["park_id"] for item in told["candidates"]} == {"P1", "P2"}
    assert told["saved"] is False
    assert "存入库" in told["not_saved"]
    assert any("不向本账户公开" in note for note in told["notes"])
    assert not county.workspace.store.saved(RANKING)


def test_a_ranking_of_own_parks_knows_no_other(
    client: TestClient, headers: dict[str, dict[str, str]]
) -> None:
    """Of A, B and E in P1, E lies in a red line; output per mu of P1 is told, partners are not."""
    ranking_id, answer = _rank(client, headers["of_P1"])
    told = answer.json()
    assert [item["candidate_id"] for item in told["excluded"]] == ["parcel:E"]
    assert {item["candidate_id"] for item in told["candidates"]} == {"parcel:B"}  # A is built on
    assert any("只比较本账户的园区" in note for note in told["notes"])
    everything = _of_ranking(client, headers["of_P1"], ranking_id)
    for other in ("P2 园", "parcel:C", "parcel:D"):
        assert f'"{other}"'.encode() not in everything
    left_out = next(note for note in told["notes"] if "未计入：" in note)
    assert "上下游" in left_out or "产业链" in left_out


def test_a_ranking_belongs_to_what_was_seen_when_it_was_made(
    client: TestClient, county: PlanningService, headers: dict[str, dict[str, str]]
) -> None:
    """Not to who sees less later, nor to others of the same sight; jobs neither."""
    county.accounts.add("narrowed", [Role.PLANNER], PASSWORD)
    token = county.accounts.make_token("narrowed", [Role.PLANNER])[1]
    header = {"authorization": f"Bearer {token}"}
    ranking_id, _ = _rank(client, header, name="以后看得少")
    address = f"/api/rankings/{ranking_id}"
    assert client.get(address, headers=header).status_code == 200
    for other in ("planner", "of_P1", "reviewer", "limited", "viewer"):
        assert client.get(address, headers=headers[other]).status_code == 404, other
        listed = client.get("/api/rankings", headers=headers[other])
        assert ranking_id not in listed.text
    narrowed = Acting(account="narrowed", roles=frozenset({Role.PLANNER}), parks=frozenset({"P2"}))
    with acting_as(narrowed), pytest.raises(NotFoundError):
        county.seen_by(narrowed).rankings.document(ranking_id, Language.EN)


def test_new_land_is_not_sought_for_who_sees_a_part(
    client: TestClient, headers: dict[str, dict[str, str]]
) -> None:
    """Ground of other parks would look free; nor is a scenario at hand where columns are masked."""
    for name in ("planner", "of_P1"):
        project, header = asked(candidates=["parcel", "land"]), {**headers[name], **IN_CHINESE}
        refused = client.post("/api/rankings", json=project, headers=header)
        assert refused.status_code == 400
        assert "本账户只看到一部分" in refused.json()["detail"]
        scenario = client.post("/api/rankings", json=asked(scenario="x"), headers=headers[name])
        assert scenario.status_code == 404
        making = client.post("/api/scenarios", json={}, headers=header)
        assert making.status_code == 403
        assert "请由能看到全部数据的账户办理" in making.json()["detail"]


def test_a_page_says_what_its_account_does_not_see(
    client: TestClient, headers: dict[str, dict[str, str]]
) -> None:
    for name, language, words in (
        ("viewer", "en", "Public figures: none of a single enterprise."),
        ("viewer", "zh-Hant", "公開"),
        ("planner", "zh-Hans", "企业的名称"),
        ("limited", "en", "This account sees its own parks"),
    ):
        page = client.get("/", headers={**headers[name], "accept-language": language})
        assert words in page.text, (name, language)
    assert '"withheld_notes": []' in client.get("/", headers=headers["reviewer"]).text
