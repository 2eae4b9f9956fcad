"""Reviews that an earlier release saved still open: in lists, as a page, as findings, as files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from geo_service.errors import NotFoundError
from geo_service.planning import PlanningService
from geo_service.planning.reviews import review_from_recipe
from geo_service.web.app import create_app
from geo_service.workspace.opening import open_workspace
from geo_service.zoning.review import review
from tests.client import TestClient
from tests.county import FEW_RULES, County, box, zone
from tests.earlier import NEW_IN_SUMMARY, OLD, save_as_before

RED = "control_zone.ecological_red_line"


@pytest.fixture
def folder(county: County, tmp_path: Path) -> Path:
    """Return a county whose park P1 has a red line on it, with such a review in its store."""
    county.layers["control_zones"].append(zone("R", box(0, 0, 100, 100)))
    county.rules = FEW_RULES
    made = county.write(tmp_path / "county")
    with open_workspace(made) as opened:
        save_as_before(opened, review(opened.plan()))
    return made


@pytest.fixture
def client(folder: Path) -> Iterator[TestClient]:
    """Return a client of a service on the county."""
    with TestClient(create_app(PlanningService.open(folder))) as one:
        yield one


def get(client: TestClient, path: str) -> dict[str, Any]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_its_recipe_is_told_to_be_of_an_earlier_release(folder: Path) -> None:
    with open_workspace(folder) as opened, pytest.raises(NotFoundError) as caught:
        review_from_recipe(opened, OLD)
    assert "was made by an earlier release" in str(caught.value)


def test_it_is_listed_with_what_was_not_recorded_as_null(client: TestClient) -> None:
    listed = {item["review_id"]: item for item in get(client, "/api/reviews")["reviews"]}
    own = get(client, f"/api/reviews/{OLD}")
    for summary in (listed[OLD], own):
        assert summary["verdicts"] == {"pass": 1, "watch": 0, "fail": 1, "unknown": 0}
        assert {name: summary[name] for name in NEW_IN_SUMMARY} == dict.fromkeys(NEW_IN_SUMMARY)


def test_its_findings_are_read(client: TestClient) -> None:
    found = get(client, f"/api/reviews/{OLD}/findings?rule={RED}")
    assert found["numberMatched"] == 1
    assert found["features"][0]["properties"]["approval"] is None


def test_its_page_opens_and_says_what_was_not_recorded(client: TestClient) -> None:
    assert client.get(f"/reviews/{OLD}").status_code == 200
    register = get(client, f"/api/reviews/{OLD}/register?lang=en&limit=1")
    assert register["summary"]["lapsed"] is None
    assert "was made by an earlier release" in register["gone"]
    assert {park["park_id"]: park["verdict_by_basis"] for park in register["parks"]} == {
        "P1": None,
        "P2": None,
    }
    (finding,) = register["findings"]
    assert (finding["rule_id"], finding["has_geometry"]) == (RED, True)
    # 100 m × 100 m
    assert finding["evidence_lines"][0][1].startswith("10,000 m²")
    assert "geometry" not in finding
    rules = {rule["rule_id"]: rule for rule in register["rules"]}
    assert rules[RED]["severity"] == "must"
    assert rules[RED]["checked"] > rules[RED]["passed"]


def test_it_is_compared_with_one_of_today(client: TestClient) -> None:
    current = next(
        item["review_id"]
        for item in get(client, "/api/reviews")["reviews"]
        if item["review_id"] != OLD
    )
    told = get(client, f"/api/reviews/{current}/comparison?before={OLD}")
    assert told["changes"] == []
    assert told["counts"] == dict.fromkeys(told["counts"], 0) | {"unchanged": 1}
    # It does not record what its rules ran on: nothing that only the later one has is cured by it.
    back = get(client, f"/api/reviews/{OLD}/comparison?before={current}")
    assert {item["reason"] for item in back["changes"]} <= {"record"}


def test_what_was_saved_of_it_is_exported_and_the_rest_refused_in_words(
    client: TestClient,
) -> None:
    whole = get(client, f"/api/reviews/{OLD}/export?format=json")
    assert [item["rule_id"] for item in whole["findings"]] == [RED]
    features = get(client, f"/api/reviews/{OLD}/export?format=geojson")
    assert [item["properties"]["rule_id"] for item in features["features"]] == [RED]
    assert features["review"]["review_id"] == OLD
    for name in ("xlsx", "docx", "gpkg"):
        answer = client.get(f"/api/reviews/{OLD}/export?format={name}&lang=en")
        assert answer.status_code == 404
        assert "only JSON and GeoJSON can be exported" in answer.text
    page = client.get(f"/maps/review?review_id={OLD}&lang=en")
    assert page.status_code == 404
    assert "earlier release" in page.text


def test_an_unknown_review_has_no_page(client: TestClient) -> None:
    assert client.get("/reviews/r-ffffffffffff").status_code == 404
    assert client.get("/api/reviews/r-ffffffffffff/register").status_code == 404
    assert json.loads(client.get("/api/reviews/r-ffffffffffff").text)["status"] == 404
