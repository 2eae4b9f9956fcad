"""One answer on a project at a place, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import shapely

from geo_service.planning import PlanningService
from geo_service.web.app import create_app
from tests.client import TestClient
from tests.county import box, in_degrees, zone
from tests.suitability.made import asked, five_sites

PARCEL_E = shapely.get_coordinates(in_degrees(box(800, 0, 80, 100))).tolist()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Return a client of the county of five sites, with farmland beside the red line."""
    county = five_sites()
    county.layers["control_zones"].append(
        zone("F", box(-2900, 0, 100, 100), kind="permanent_farmland", name="甲农田")
    )
    folder = county.write(tmp_path_factory.mktemp("here"))
    (folder / "projects").mkdir()
    (folder / "projects" / "a.yaml").write_text(
        "name: 甲\nindustry_code: '1311'\nneeds: {land_m2: 8000}\n", "utf-8"
    )
    (folder / "projects" / "b.json").write_text("{", "utf-8")
    (folder / "projects" / "note.txt").write_text("name: x", "utf-8")
    with TestClient(create_app(PlanningService.open(folder))) as found:
        yield found


def test_a_point_a_drawing_and_pasted_points_give_one_answer(client: TestClient) -> None:
    lon, lat = in_degrees(box(840, 50, 0.01, 0.01)).centroid.coords[0]
    text = "\n".join(f"{x},{y}" for x, y in PARCEL_E)
    geometry = {"type": "Polygon", "coordinates": [[list(pair) for pair in PARCEL_E]]}
    told = []
    for place in ({"lon": lon, "lat": lat}, {"geometry": geometry}, {"points": text}):
        answer = client.post("/api/here?lang=zh-Hans", json={"project": asked(), **place})
        assert answer.status_code == 200, answer.text
        told.append(answer.json())
    for document in told:
        assert document["verdict"] == "fail"
        assert document["answer"] == "不可以"
        assert document["place"]["candidate_id"] == "parcel:E"
        assert document["nearest"]["candidate_id"] == "parcel:B"
        assert document["nearest"]["distance_m"] == pytest.approx(300, abs=0.01)
        [rule] = [one for one in document["reasons"] if one["severity"] == "must"]
        assert rule["rule_id"] == "control_zone.ecological_red_line"
        assert rule["legal_basis"]["document"]
        assert "ecological_red_line" in {one["kind"] for one in document["facts"]["zones"]}


def test_what_is_wrong_is_said_at_its_field(client: TestClient) -> None:
    wrong = client.post(
        "/api/here?lang=zh-Hans",
        json={"project": asked(industry_code="服装"), "lon": 108.0, "lat": 30.9},
    )
    assert wrong.status_code == 422
    [fault] = wrong.json()["faults"]
    assert fault["field"] == "industry_code"
    assert "服装" in fault["message"]


@pytest.mark.parametrize(
    "place", [{}, {"lon": 108.0}, {"lon": 108.0, "lat": 30.9, "points": "1,2"}, {"points": "x1"}]
)
def test_no_place_two_places_and_no_points_are_refused(
    client: TestClient, place: dict[str, object]
) -> None:
    answer = client.post("/api/here", json={"project": asked(), **place})
    assert answer.status_code == 400
    assert answer.json()["parameter"] in {"place", "points"}


def test_the_county_s_projects_are_listed_by_file(client: TestClient) -> None:
    found = client.get("/api/projects").json()["projects"]
    assert [item["file"] for item in found] == ["a.yaml", "b.json"]
    assert found[0]["project"]["name"] == "甲"
    assert found[1]["project"] is None
