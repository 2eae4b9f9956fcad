"""Key figures of the county and the rows behind them, against sums by other means."""

from __future__ import annotations

import csv
import io
import json
import statistics
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from geo_service.planning import PlanningService as Running
from geo_service.web.app import create_app
from tests.client import TestClient
from tests.county import County, box, enterprise, parcel

DEMO = Path(__file__).parents[2] / "layers" / "yunyang"
MU_M2 = 2000 / 3


@pytest.fixture
def client(demo_client: TestClient) -> TestClient:
    """Return the client of the demo county."""
    return demo_client


def get(client: TestClient, path: str) -> Any:  # noqa: ANN401 - a JSON document
    """Return what an address answers."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def figures(client: TestClient, query: str = "") -> dict[str, Any]:
    """Return the key figures by their names."""
    return {item["name"]: item for item in get(client, f"/api/overview?{query}")["figures"]}


def table(name: str) -> list[dict[str, str]]:
    """Return the rows of one of the demo's files."""
    with (DEMO / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def features(name: str) -> list[dict[str, Any]]:
    """Return what the features of one of the demo's files say."""
    document = json.loads((DEMO / name).read_text(encoding="utf-8"))
    return [feature["properties"] for feature in document["features"]]


@pytest.mark.parametrize("query", ["", "tier=sme_cluster", "verdict=fail&tier=building_park"])
def test_figures_equal_sums_of_the_county_s_own_files(client: TestClient, query: str) -> None:
    asked = dict(part.split("=") for part in query.split("&") if part)
    parks = {
        park["properties"]["park_id"]: park["properties"]
        for park in get(client, "/api/parks?limit=1000")["features"]
        if all(park["properties"][name] == value for name, value in asked.items())
    }
    found = figures(client, query)
    # Whoever names no park stands where its building or its parcel does.
    park_of = {row["building_id"]: row["park_id"] for row in features("buildings.geojson")}
    park_of |= {row["parcel_id"]: row["park_id"] for row in features("parcels.geojson")}
    open_ones = [
        row
        for row in table("enterprises.csv")
        if row["status"] != "closed"
        and (row["park_id"] or park_of.get(row["building_id"] or row["parcel_id"])) in parks
    ]
    for year in ("2023", "2024", "2025"):
        own = [row for row in open_ones if row["year"] == year]
        for name, column in (("output", "output_cny"), ("tax", "tax_cny")):
            known = [float(row[column]) for row in own if row[column]]
            (told,) = [one for one in found[name]["series"] if one["year"] == int(year)]
            assert told["value"] == pytest.approx(sum(known))
            assert told["counted"] == len(known)
    assert (found["output"]["year"], found["output"]["of"]) == (2025, len(own))
    assert found["enterprises"]["value"] == len(own)
    both = [
        (float(row["output_cny"]), float(row["land_m2"]))
        for row in own
        if row["output_cny"] and float(row["land_m2"] or 0) > 0
    ]
    per_mu = sum(output for output, _ in both) / (sum(land for _, land in both) / MU_M2)
    assert found["output_per_mu"]["value"] == pytest.approx(per_mu)
    assert found["output_per_mu"]["counted"] == len(both)
    shares = [park["shares"]["output"] for park in parks.values()]
    known = [share for share in shares if share is not None]
    assert found["leading_share"]["value"] == pytest.approx(statistics.median(known))
    assert (found["leading_share"]["counted"], found["leading_share"]["of"]) == (
        len(known),
        len(shares),
    )
    buildings = {
        row["building_id"] for row in features("buildings.geojson") if row["park_id"] in parks
    }
    vacant = [row["vacant_m2"] for row in table("floors.csv") if row["building_id"] in buildings]
    assert found["vacant_floors"]["value"] == pytest.approx(sum(float(it) for it in vacant if it))
    assert found["vacant_floors"]["of"] == len(vacant)
    free = [
        row["area_m2"]
        for row in features("parcels.geojson")
        if row["park_id"] in parks and row["status"] in {"vacant", "idle"}
    ]
    assert found["free_land"]["value"] == pytest.approx(sum(free))


@pytest.mark.parametrize("name", ["output", "vacant_floors", "free_land", "enterprises"])
def test_the_rows_behind_a_figure_add_up_to_it(client: TestClient, name: str) -> None:
    found = figures(client, "tier=sme_cluster")[name]
    page = get(client, f"/api/overview/{name}?tier=sme_cluster&limit=1000")
    values = [row["value"] for row in page["rows"]]
    assert sum(value for value in values if value is not None) == pytest.approx(found["value"])
    assert page["numberMatched"] == len(values) == found["of"]
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=True)
    assert values[: len(known)] == known  # what is unknown comes last
    second = get(client, f"/api/overview/{name}?tier=sme_cluster&limit=2&offset=1")["rows"]
    assert [row["id"] for row in second] == [row["id"] for row in page["rows"][1:3]]
    # So do those of its workbook, which holds all of them.
    saved = client.get(f"/api/overview/{name}/export?tier=sme_cluster")
    sheet = openpyxl.load_workbook(io.BytesIO(saved.content)).worksheets[0]
    cells: list[Any] = [row[-1].value for row in sheet.iter_rows()]
    assert cells[0] == pytest.approx(found["value"])
    assert sum(cell for cell in cells[2:] if cell is not None) == pytest.approx(found["value"])
    assert len(cells) - 2 == found["of"]


def test_failing_parks_stand_worst_first_each_with_its_reason(
    client: TestClient, demo_county: Running
) -> None:
    review = demo_county.review
    document = get(client, "/api/overview")
    told = document["decisions"]
    grave = {
        park: [
            item
            for item in review.findings_of(park)
            if (item.severity, item.verdict) == ("must", "fail") and item.counts
        ]
        for park, verdict in review.park_verdicts.items()
        if verdict == "fail"
    }
    assert {item["park_id"]: item["findings"] for item in told} == {
        park: len(items) for park, items in grave.items()
    }
    for item in told:
        rules = {finding.rule_id for finding in grave[item["park_id"]]}
        assert item["rules"] == len(rules)
        assert item["rule_id"] in rules
        assert item["text"]
    order = [(-item["rules"], -item["findings"]) for item in told]
    assert order == sorted(order)
    watched = get(client, "/api/overview?verdict=watch&lang=en")
    assert watched["decided_on"] == "watch"
    assert len(watched["decisions"]) == sum(
        verdict == "watch" for verdict in review.park_verdicts.values()
    )
    assert document["pass_share"] == 0.7
    assert client.get("/api/overview/profit").status_code == 404
    assert client.get("/api/overview?verdict=bad").status_code == 400


def test_what_is_unknown_is_not_zero(tmp_path: Path) -> None:
    made = County()
    made.layers["enterprises"] = [
        enterprise("E1", "1311", 600.0, land_m2=2000),  # 3 mu
        enterprise("E2", "1311", None, land_m2=4000),
        enterprise("E3", "1311", 300.0, land_m2=None),
        enterprise("E4", "1311", 900.0, status="closed"),
        enterprise("E1", "1311", 400.0, year=2024, land_m2=2000),
    ]
    made.layers["parcels"] = [
        parcel("L1", box(0, 0, 100, 200), status="vacant"),
        parcel("L2", box(200, 0, 100, 100), status=None),
    ]
    with TestClient(create_app(Running.open(made.write(tmp_path)))) as client:
        found = figures(client)
        assert (found["output"]["value"], found["output"]["counted"], found["output"]["of"]) == (
            900.0,  # 600 + 300; E2 is unknown, E4 closed
            2,
            3,
        )
        assert found["output"]["change"] == pytest.approx(900 / 400 - 1)
        assert found["output_per_mu"]["value"] == pytest.approx(600 / 3)  # E1 alone says both
        assert found["tax"]["value"] is None
        assert found["vacant_floors"] | {"name": ""} == {
            "name": "",
            "value": None,
            "year": None,
            "counted": 0,
            "of": 0,
            "change": None,
            "withheld": False,
            "series": [],
        }
        assert (found["free_land"]["counted"], found["free_land"]["of"]) == (1, 2)
        assert found["leading_share"]["value"] is None  # E2 says no output
        rows = get(client, "/api/overview/output")["rows"]
        assert [(row["id"], row["value"]) for row in rows] == [
            ("E1", 600.0),
            ("E3", 300.0),
            ("E2", None),
        ]
