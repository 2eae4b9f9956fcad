"""What is at a place and in an area: numbers derived by hand on squares in metres."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from geo_service.errors import InvalidQueryError
from geo_service.language import Language, Translator
from geo_service.plan import Plan
from geo_service.planning.identify import LISTED, MAX_VERTICES, PointInquiry, read_polygon
from geo_service.zoning.rulebook import default_rulebook, parse_rulebook
from tests.county import County, box, in_degrees, line, parcel, point, zone
from tests.depth import thorough
from tests.words import word

Opened = Callable[[County], Plan]
MARK = {"source": "made for tests", "illustrative": True}
DAY = date(2026, 11, 23)


def ground(plan: Plan, language: Language = Language.ZH_HANS) -> PointInquiry:
    return PointInquiry(plan, default_rulebook(), Translator(language), DAY)


def at(plan: Plan, x: float, y: float, language: Language = Language.ZH_HANS) -> dict[str, Any]:
    place = in_degrees(point(x, y))
    assert isinstance(place, shapely.Point)
    return ground(plan, language).identify(place.x, place.y)


def drawn(shape: BaseGeometry) -> dict[str, Any]:
    ring = shapely.get_coordinates(in_degrees(shape)).tolist()
    return {"type": "Polygon", "coordinates": [ring]}


@pytest.fixture
def placed(county: County) -> County:
    """Return a county with a parcel, two red lines, a river boundary and facilities."""
    county.layers["township_areas"] = [
        {"township_code": "T1", "geometry": box(-100, -100, 5_000, 5_000), **MARK}
    ]
    county.layers["parcels"] = [parcel("L1", box(100, 100, 200, 200))]
    county.layers["control_zones"] += [
        zone("Z1", box(400, 0, 200, 1_000), legal_basis="一"),
        zone("Z2", box(500, 0, 200, 1_000), legal_basis="二"),
        zone("W", box(0, 900, 100, 100), kind="water_source", grade=None),
    ]
    county.layers["rivers"] = [
        {
            "river_id": "R1",
            "name": "甲江",
            "rank": "main",
            "is_management_boundary": True,
            "geometry": line((-1_000, -300), (4_000, -300)),
            **MARK,
        },
        {
            "river_id": "R2",
            "name": "中线",
            "rank": "main",
            "is_management_boundary": False,
            "geometry": line((-1_000, 0), (4_000, 0)),
            **MARK,
        },
    ]
    county.layers["facilities"] = [
        {"facility_id": "A", "kind": "port", "name": "远港", "geometry": point(3_000, 0), **MARK},
        {"facility_id": "B", "kind": "port", "name": "近港", "geometry": point(500, 800), **MARK},
        {"facility_id": "C", "kind": "station", "name": "站", "geometry": point(200, 700), **MARK},
    ]
    for row in county.layers["enterprises"]:
        row["geometry"] = point(150, 150) if row["enterprise_id"] == "E1" else None
    return county


def test_a_place_says_what_holds_it_and_what_is_near(placed: County, opened: Opened) -> None:
    found = at(opened(placed), 200, 200)
    assert found["is_in_county"] is True
    assert found["township"] == {"code": "T1", "name": "甲镇"}
    assert [park["park_id"] for park in found["parks"]] == ["P1"]
    [land] = found["parcels"]
    assert (land["parcel_id"], land["status_name"]) == ("L1", "已建宗地")
    assert land["land_use_name"] == "100101 一类工业用地"
    # To the boundary at y = -300 it is 500 m; the centre line, at 200 m, does not count.
    assert found["river"]["river_id"] == "R1"
    assert found["river"]["distance_m"] == pytest.approx(500, abs=0.01)
    # (200, 200) to (200, 700) is 500 m; to (500, 800), 300 across and 600 up, 670.82 m.
    near = [(item["facility_id"], round(item["distance_m"], 2)) for item in found["facilities"]]
    assert near == [("C", 500.0), ("B", 670.82)]
    assert found["slope"] is None
    assert found["illustrative"] is True


def test_zones_say_what_their_rules_forbid(placed: County, opened: Opened) -> None:
    plan = opened(placed)
    zones = {item["zone_id"]: item for item in at(plan, 550, 500)["zones"]}
    assert set(zones) == {"D", "Z1", "Z2"}
    [rule] = zones["Z1"]["rules"]
    assert rule["rule_id"] == "control_zone.ecological_red_line"
    assert (rule["verdict"], rule["severity_name"]) == ("fail", word("severity.must"))
    assert zones["D"]["rules"] == []
    assert (zones["Z1"]["note"], zones["D"]["note"]) == (None, None)
    # A water source without a grade: the rules tell grades apart, so none can say.
    [water] = [item for item in at(plan, 50, 950)["zones"] if item["zone_id"] == "W"]
    assert {rule["verdict"] for rule in water["rules"]} == {"unknown"}


RULE = """format: "1"
title: {{en: Test}}
rules:
  zones:
    title: {{en: Zones}}
    family: control_zone
    check: overlap
    severity: must
    effective_from: 2020-01-01
    legal_basis: {{document: made for tests}}
    basis_tag: product_default
    parameters: {{kind: water_source, {parameters}}}
    scope: {{{scope}}}
"""


def rules_at(
    plan: Plan, x: float, y: float, *, parameters: str, scope: str = ""
) -> dict[str, list[str]]:
    """Return the verdicts that a rule on water sources has at a place, by what it is about."""
    rulebook = parse_rulebook(RULE.format(parameters=parameters, scope=scope), "test.yaml")
    place = in_degrees(point(x, y))
    assert isinstance(place, shapely.Point)
    found = PointInquiry(plan, rulebook, Translator(Language.EN), DAY).identify(place.x, place.y)
    rows = {
        **{item["park_id"]: item for item in found["parks"]},
        **{item["parcel_id"]: item for item in found["parcels"]},
        **{item["zone_id"]: item for item in found["zones"] if item["kind"] == "water_source"},
        "ground": found["ground"] or {"rules": []},
    }
    return {
        name: [rule["verdict"] for rule in row["rules"]]
        for name, row in rows.items()
        if row["rules"]
    }


@pytest.fixture
def watered(county: County) -> County:
    """Return a county with a parcel in a water source; each grade has a zone, from west to east."""
    county.layers["parcels"] = [parcel("L1", box(100, 4_100, 100, 100), park_id=None)]
    county.layers["control_zones"] += [
        zone("HIGH", box(0, 4_000, 300, 300), kind="water_source", grade="1"),
        zone("LOW", box(1_000, 4_000, 300, 300), kind="water_source", grade="2"),
        zone("BARE", box(2_000, 4_000, 300, 300), kind="water_source", grade=None),
        zone("PARK", box(500, 500, 300, 300), kind="water_source", grade="1"),
    ]
    return county


def test_a_grade_by_name_counts_before_any_grade(watered: County, opened: Opened) -> None:
    plan = opened(watered)
    mixed = "verdicts: {'1': fail, '*': watch}"
    assert rules_at(plan, 50, 4_050, parameters=mixed) == {"HIGH": ["fail"], "ground": ["fail"]}
    assert rules_at(plan, 1_050, 4_050, parameters=mixed) == {"LOW": ["watch"], "ground": ["watch"]}
    # Where grades are told apart nobody can say what a zone without one means.
    there = rules_at(plan, 2_050, 4_050, parameters=mixed)
    assert there == {"BARE": ["unknown"], "ground": ["unknown"]}
    alike = rules_at(plan, 2_050, 4_050, parameters="verdicts: {'*': watch}")
    assert alike == {"BARE": ["watch"], "ground": ["watch"]}


def test_what_a_rule_does_not_judge_is_not_judged_at_a_place(
    watered: County, opened: Opened
) -> None:
    plan = opened(watered)
    fail = "verdicts: {'*': fail}"
    assert rules_at(plan, 150, 4_150, parameters=fail) == {"L1": ["fail"], "HIGH": ["fail"]}
    houses = f"{fail}, subjects: [buildings]"
    assert rules_at(plan, 50, 4_050, parameters=houses) == {}
    assert rules_at(plan, 150, 4_150, parameters=houses) == {}
    parks = f"{fail}, subjects: [parks]"
    assert rules_at(plan, 550, 550, parameters=parks) == {"P1": ["fail"], "PARK": ["fail"]}
    # 100101 is a land use that may lie in the zone, on the parcel and nowhere else.
    excepted = f"{fail}, exceptions: {{land_uses: ['1001']}}"
    assert rules_at(plan, 150, 4_150, parameters=excepted) == {}
    assert rules_at(plan, 50, 4_050, parameters=excepted) == {"HIGH": ["fail"], "ground": ["fail"]}


def test_a_rule_for_some_parks_is_for_no_other_place(watered: County, opened: Opened) -> None:
    plan = opened(watered)
    fail = "verdicts: {'*': fail}"
    every = {"P1": ["fail"], "ground": ["fail"], "PARK": ["fail"]}
    assert rules_at(plan, 550, 550, parameters=fail, scope="parks: [P1]") == every
    assert rules_at(plan, 550, 550, parameters=fail, scope="industries: ['13']") == every
    assert rules_at(plan, 550, 550, parameters=fail, scope="parks: [P2]") == {}
    assert rules_at(plan, 550, 550, parameters=fail, scope="tiers: [building_park]") == {}
    # Ground outside parks is in no park.
    assert rules_at(plan, 50, 4_050, parameters=fail, scope="parks: [P1]") == {}


def test_outside_the_county_nothing_is_known(placed: County, opened: Opened) -> None:
    found = at(opened(placed), 90_000, 90_000, Language.EN)
    assert found["is_in_county"] is False
    assert found["township"] is None
    assert found["parks"] == found["parcels"] == found["zones"] == []


def test_an_area_is_measured_and_overlapping_zones_count_once(
    placed: County, opened: Opened
) -> None:
    found = ground(opened(placed)).describe(drawn(box(300, 0, 500, 400)))
    # 500 m × 400 m = 20 ha = 300 mu.
    assert found["area_m2"] == pytest.approx(200_000, rel=1e-6)
    assert found["area_ha"] == pytest.approx(20, rel=1e-6)
    assert found["area_mu"] == pytest.approx(300, rel=1e-6)
    lines = {item["kind"]: item for item in found["zones"]}
    # The red lines cover x from 400 to 700: 300 m × 400 m, 60 % of it; both bases are named.
    red = lines["ecological_red_line"]
    assert red["area_m2"] == pytest.approx(120_000, rel=1e-5)
    assert red["share"] == pytest.approx(0.6, rel=1e-5)
    assert red["legal_basis"] == "一; 二"
    assert lines["development_boundary"]["share"] == pytest.approx(1, rel=1e-5)
    broken = {rule["rule_id"]: rule["verdict"] for rule in found["rules"]}
    assert broken == {"control_zone.ecological_red_line": "fail"}


def test_an_area_names_its_parks_parcels_and_enterprises(placed: County, opened: Opened) -> None:
    found = ground(opened(placed)).describe(drawn(box(50, 50, 200, 200)))
    assert found["parks"] == {
        "count": 1,
        "items": [{"id": "P1", "name": "P1 园"}],
        "illustrative": True,
    }
    assert [item["id"] for item in found["parcels"]["items"]] == ["L1"]
    assert [item["id"] for item in found["enterprises"]["items"]] == ["E1"]
    assert found["rules"] == []


def test_ground_outside_the_county_is_told(placed: County, opened: Opened) -> None:
    # The county ends at x = 60 000: 250 m of 1 000 m lie inside.
    found = ground(opened(placed)).describe(drawn(box(59_750, 0, 1_000, 100)))
    assert found["share_in_county"] == pytest.approx(0.25, rel=1e-3)
    inside = ground(opened(placed)).describe(drawn(box(0, 0, 100, 100)))
    assert inside["share_in_county"] == pytest.approx(1)


def test_a_neighbour_that_only_touches_is_not_in_the_area(placed: County, opened: Opened) -> None:
    found = ground(opened(placed)).describe(drawn(box(1_500, 100, 400, 400)))
    assert found["parks"]["count"] == 0


def test_many_members_are_counted_and_some_are_named(county: County, opened: Opened) -> None:
    county.layers["parcels"] = [
        parcel(f"L{n:03d}", box(10 * n, 0, 9, 9)) for n in range(LISTED + 10)
    ]
    found = ground(opened(county)).describe(drawn(box(-5, -5, 990, 50)))
    assert found["parcels"]["count"] == LISTED + 10
    assert len(found["parcels"]["items"]) == LISTED


def test_noise_of_the_survey_breaks_no_rule(county: County, opened: Opened) -> None:
    # The zone takes 2 m × 10 m = 20 m² of 1 km²: below 50 m² and 0.1 %.
    county.layers["control_zones"].append(zone("Z", box(998, 0, 500, 10)))
    found = ground(opened(county)).describe(drawn(box(0, 0, 1_000, 1_000)))
    assert found["rules"] == []
    red = [item for item in found["zones"] if item["kind"] == "ecological_red_line"]
    assert red[0]["area_m2"] == pytest.approx(20, rel=1e-3)


def test_a_kind_that_is_not_mapped_is_unknown(county: County, opened: Opened) -> None:
    county.complete_zone_kinds = []
    found = ground(opened(county)).describe(drawn(box(0, 0, 100, 100)))
    broken = {rule["rule_id"]: rule["verdict"] for rule in found["rules"]}
    assert broken["control_zone.ecological_red_line"] == "unknown"


@thorough(40)
@given(
    x=st.integers(0, 800),
    y=st.integers(0, 800),
    width=st.integers(1, 500),
    height=st.integers(1, 500),
)
def test_what_is_drawn_in_degrees_is_measured_in_metres(
    x: int, y: int, width: int, height: int
) -> None:
    shape = read_polygon(drawn(box(x, y, width, height)))
    assert shape.is_valid
    assert shapely.get_num_coordinates(shape) == 5


RING = [[108.0, 30.0], [108.1, 30.0], [108.1, 30.1], [108.0, 30.0]]


@pytest.mark.parametrize(
    ("geometry", "reason"),
    [
        (None, "expected a GeoJSON"),
        ({"type": "Point", "coordinates": [1, 2]}, "expected a GeoJSON"),
        ({"type": "Feature", "geometry": None}, "expected a GeoJSON"),
        ({"type": "Polygon"}, "lists of positions"),
        ({"type": "Polygon", "coordinates": []}, "lists of positions"),
        ({"type": "Polygon", "coordinates": {"a": 1}}, "lists of positions"),
        ({"type": "Polygon", "coordinates": [RING[:3]]}, "at least four positions"),
        ({"type": "Polygon", "coordinates": [[*RING[:3], [1, 1]]]}, "at least four positions"),
        ({"type": "Polygon", "coordinates": [[["1", 2]] * 4]}, "longitude and latitude"),
        ({"type": "Polygon", "coordinates": [[[True, 2]] * 4]}, "longitude and latitude"),
        ({"type": "Polygon", "coordinates": [[[float("nan"), 2]] * 4]}, "longitude and latitude"),
        ({"type": "Polygon", "coordinates": [[[500, 2]] * 4]}, "within 180"),
        ({"type": "Polygon", "coordinates": [[[1, 2]] * 4]}, "no area"),
        (
            {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]},
            "crosses itself",
        ),
        ({"type": "Polygon", "coordinates": [[[1, 2]] * (MAX_VERTICES + 1)]}, "vertices"),
    ],
)
def test_what_is_no_polygon_is_refused_by_name(geometry: object, reason: str) -> None:
    with pytest.raises(InvalidQueryError, match=reason) as caught:
        read_polygon(geometry)
    assert caught.value.parameter == "geometry"


def test_features_and_several_polygons_are_read() -> None:
    other = [[x + 1, y] for x, y in RING]
    shape = read_polygon(
        {
            "type": "Feature",
            "geometry": {"type": "MultiPolygon", "coordinates": [[RING], [other]]},
        }
    )
    assert shape.geom_type == "MultiPolygon"


def test_an_area_larger_than_counties_is_refused(placed: County, opened: Opened) -> None:
    wide = {
        "type": "Polygon",
        "coordinates": [[[106, 29], [110, 29], [110, 32], [106, 32], [106, 29]]],
    }
    with pytest.raises(InvalidQueryError, match="at most 20,000 km²"):
        ground(opened(placed)).describe(wide)
