"""What a service shows of a province: from a run's files alone, whatever became of the counties."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import httpx2
import pytest
from shapely.affinity import translate

from geo_service.errors import WorkspaceError
from geo_service.planning import PlanningService
from geo_service.province.desk import ProvinceDesk, class_of
from geo_service.province.settings import open_province
from geo_service.web.app import create_app
from geo_service.web.replies import MAX_OFFSET
from tests.client import TestClient
from tests.county import County
from tests.province.made import (
    CODES,
    RULES,
    review_here,
    rulebook_of,
    write_county,
    write_province,
)

EAST_M = 200_000
"""How far the county of another outline lies from the others."""


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a reviewed province whose counties' folders are gone, but for the first.

    500101 has two parks that pass; in 500102 P1 needs attention; 500103 lies apart; 500104 was
    broken; 500105 came after the run.
    """
    folder = tmp_path_factory.mktemp("province")
    path = write_province(folder, (*CODES, "500104"), rulebook=rulebook_of())
    far = County()
    far.rules = RULES
    for rows in far.layers.values():
        for row in rows:
            if "geometry" in row:
                row["geometry"] = translate(row["geometry"], xoff=EAST_M)
    write_county(folder / CODES[2], CODES[2], made=far)
    (folder / "500104" / "parks.geojson").unlink()
    review_here(path, folder / "province-review")
    for code in (*CODES[1:], "500104"):
        shutil.rmtree(folder / code)
    text = path.read_text("utf-8").replace(
        '500102 = "500102"', '500102 = {folder = "500102", console = "https://two.example/c"}'
    )
    path.write_text(f'{text}\n500105 = "500105"\n', "utf-8")
    return path


@pytest.fixture(scope="module")
def client(province: Path) -> Iterator[httpx2.Client]:
    running = PlanningService.open(province.parent / CODES[0])
    with TestClient(create_app(running, province_desk=ProvinceDesk(province))) as made:
        yield made


def test_counties_are_told_with_their_states(client: httpx2.Client) -> None:
    found = client.get("/api/province?lang=en").json()
    assert found["name"] == "Test Province"
    assert found["as_of"] == "2026-11-22"
    assert found["states"] == {"whole": 3, "outdated": 0, "broken": 1, "missing": 1}
    assert found["verdicts"] == {"pass": 5, "watch": 1, "fail": 0, "unknown": 0}
    assert found["totals"]["parks"] == 6
    assert (found["illustrative"], found["sources"]) == (True, ["made for tests"])
    listed = client.get("/api/province/counties?lang=en").json()
    assert (listed["numberMatched"], listed["next"]) == (5, None)
    one, two, _, four, five = listed["counties"]
    assert (one["is_own"], one["console"], two["console"]) == (True, None, "https://two.example/c")
    assert two["verdicts"] == {"pass": 1, "watch": 1, "fail": 0, "unknown": 0}
    assert two["plan_version"]
    assert {"500102", "测试县", "測試縣", "ceshixian", "csx"} <= set(two["words"])
    assert (four["state"], "parks.geojson" in four["faults"]) == ("broken", True)
    assert (five["state"], five["verdicts"], five["name"]) == ("missing", None, None)


def test_a_list_of_counties_is_cut_and_narrowed(client: httpx2.Client) -> None:
    listed = client.get("/api/province/counties?state=whole&limit=2&offset=1").json()
    assert [one["county_code"] for one in listed["counties"]] == list(CODES[1:])
    assert listed["numberMatched"] == 3
    beyond = client.get(f"/api/province/counties?offset={MAX_OFFSET}&limit=10000").json()
    assert beyond["counties"] == []
    assert client.get("/api/province/counties?offset=x").status_code == 400
    assert client.get("/api/province/counties?state=lost").status_code == 400


def test_the_page_is_there_and_in_the_navigation(client: httpx2.Client) -> None:
    page = client.get("/province?lang=en")
    assert page.status_code == 200
    assert '<a href="/province" aria-current="page">Province</a>' in page.text
    assert '<a href="/province">' in client.get("/help?lang=en").text


def test_the_map_draws_counties_and_has_parks_as_tiles(client: httpx2.Client) -> None:
    page = client.get("/maps/province?lang=en")
    assert page.status_code == 200
    assert "/tiles/province/province_parks/" in page.text
    counties = client.get("/maps/province/features/counties?lang=en").json()["features"]
    assert [one["id"] for one in counties] == list(CODES)
    assert {one["properties"]["class"] for one in counties} == {"none"}
    west, south, east, north = gpd.GeoDataFrame.from_features(counties[2:]).total_bounds
    box = f"{west},{south},{east},{north}"
    near = client.get(f"/maps/province/features/province_parks?lang=en&bbox={box}").json()
    assert [one["id"] for one in near["features"]] == ["500103:P1", "500103:P2"]
    assert near["features"][0]["properties"]["county"] == "Test County"
    assert client.get("/maps/province/features/parks").status_code == 404


def test_tiles_hold_the_parks_of_all_counties(client: httpx2.Client) -> None:
    address = "/tiles/province/province_parks/0/0/0.mvt"
    whole = client.get(address)
    assert whole.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    # The tiles west and east of 108.018° E, read by GDAL: two counties lie on each other there.
    near, east = (
        client.get(f"/tiles/province/province_parks/12/{column}/1677.mvt?v=other")
        for column in (3276, 3277)
    )
    assert sorted(gpd.read_file(io.BytesIO(east.content))["id"]) == ["500101:P2", "500102:P2"]
    frame = gpd.read_file(io.BytesIO(near.content))
    assert sorted(frame["id"]) == ["500101:P1", "500102:P1"]
    verdicts = dict(zip(frame["id"], frame["verdict"], strict=True))
    assert (verdicts["500101:P1"], verdicts["500102:P1"]) == ("pass", "watch")
    assert set(frame["source"]) == {"made for tests"}
    assert client.get(address, headers={"if-none-match": whole.headers["etag"]}).status_code == 304
    assert client.get("/tiles/province/province_parks/3/0/0.mvt").status_code == 204
    assert client.get("/tiles/province/province_parks/1/2/0.mvt").status_code == 400
    assert client.get("/tiles/province/parks/0/0/0.mvt").status_code == 404


def test_the_roll_up_is_downloaded(client: httpx2.Client) -> None:
    given = client.get("/api/province/export?format=json&lang=en")
    assert "Test_Province-2026-11-22.json" in given.headers["content-disposition"]
    assert json.loads(given.content)["totals"]["parks"] == 6
    assert client.get("/api/province/export?format=gpkg").content.startswith(b"SQLite format 3")


def test_a_service_without_a_province_has_none(province: Path) -> None:
    running = PlanningService.open(province.parent / CODES[0])
    with TestClient(create_app(running)) as client:
        for address in ("/province", "/api/province", "/maps/province"):
            assert client.get(address).status_code == 404, address
        assert client.get("/tiles/province/province_parks/0/0/0.mvt").status_code == 404
        assert "/province" not in client.get("/help").text


def test_what_a_run_left_stands_while_another_is_under_way(province: Path, tmp_path: Path) -> None:
    shutil.copytree(province.parent, tmp_path, dirs_exist_ok=True)
    desk = ProvinceDesk(tmp_path / "PROVINCE.toml")
    assert not desk.is_running()
    before = desk.now()
    manifest = tmp_path / "province-review" / "manifest.json"
    kept = manifest.read_bytes()
    manifest.unlink()
    assert desk.now() is before
    assert desk.is_running()
    manifest.write_bytes(kept)
    assert desk.now() is not before
    assert not desk.is_running()


def test_without_a_run_every_county_is_missing(province: Path, tmp_path: Path) -> None:
    desk = ProvinceDesk(province, tmp_path)
    found = desk.now()
    assert (found.as_of, {one["state"] for one in found.counties}) == (None, {"missing"})
    assert (len(found.on_map.parks), len(found.on_map.counties)) == (0, 0)


def test_a_county_with_damaged_files_is_missing_and_the_others_stay(
    province: Path, tmp_path: Path
) -> None:
    shutil.copytree(province.parent, tmp_path, dirs_exist_ok=True)
    (parks,) = (tmp_path / "province-review" / "county=500102").glob("parks-*.parquet")
    parks.write_bytes(parks.read_bytes()[:-1])
    counties = ProvinceDesk(tmp_path / "PROVINCE.toml").now().counties
    assert [one["state"] for one in counties[:3]] == ["whole", "missing", "whole"]


def test_another_rulebook_of_the_province_makes_counties_outdated(
    province: Path, tmp_path: Path
) -> None:
    shutil.copytree(province.parent, tmp_path, dirs_exist_ok=True)
    desk = ProvinceDesk(tmp_path / "PROVINCE.toml")
    assert [one["state"] for one in desk.now().counties[:3]] == ["whole"] * 3
    milder = rulebook_of(focus__leading_share="info")
    (tmp_path / "province.yaml").write_text(milder, "utf-8")
    assert [one["outdated_by"] for one in desk.now().counties[:3]] == [["rulebook"]] * 3
    assert set(desk.now().on_map.counties["class"]) == {"outdated"}


@pytest.mark.parametrize(
    ("fails", "name"),
    [(0, "none"), (1, "few"), (2, "some"), (3, "many"), (5, "many"), (6, "most"), (10, "most")],
)
def test_a_county_is_drawn_by_the_share_of_parks_that_fail(fails: int, name: str) -> None:
    # Of ten parks: up to 10 %, 25 %, 50 %, more.
    assert class_of({"state": "whole", "parks": 10, "verdicts": {"fail": fails}}) == name


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "https://me:secret@two.example/", "//x"]
)
def test_a_console_s_address_is_one_of_the_web_without_a_password(
    address: str, tmp_path: Path
) -> None:
    path = write_province(tmp_path, CODES[:1])
    own = f'500101 = {{folder = "500101", console = "{address}"}}'
    path.write_text(path.read_text("utf-8").replace('500101 = "500101"', own), "utf-8")
    with pytest.raises(WorkspaceError) as caught:
        open_province(path)
    assert "console" in str(caught.value.faults)
