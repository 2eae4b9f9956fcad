"""Rules of the domain that several parts rely on; sums and places by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from geo_service.domain.enterprises import active_enterprises, active_in, latest_year
from geo_service.domain.extent import is_far
from geo_service.domain.placing import NOWHERE, covering_park, holding_park
from geo_service.domain.references import known_values, target_of
from geo_service.domain.subjects import illustrative_subjects
from geo_service.domain.vacancy import has_room, is_free, is_overstated
from geo_service.industry import are_within, is_one_branch
from geo_service.plan import Plan
from geo_service.schema import SCHEMAS
from tests.county import County, box, enterprise, parcel, point

Opened = Callable[[County], Plan]


def test_enterprises_of_the_latest_year_count_unless_closed(county: County, opened: Opened) -> None:
    county.layers["enterprises"] = [
        enterprise("A", "1311", 1.0),
        enterprise("B", "1311", 1.0, status="closed"),
        enterprise("C", "1311", 1.0, status=None),
        enterprise("D", "1311", 1.0, year=2024),
    ]
    plan = opened(county)
    assert active_enterprises(plan)["enterprise_id"].tolist() == ["A", "C"]
    assert active_in(plan.enterprises, 2024)["enterprise_id"].tolist() == ["D"]
    assert active_in(plan.enterprises, None).empty


def test_the_latest_year_is_told_when_all_of_it_are_closed(county: County, opened: Opened) -> None:
    county.layers["enterprises"] = [enterprise("A", "1311", 1.0, status="closed")]
    plan = opened(county)
    assert active_enterprises(plan).empty
    assert latest_year(plan) == 2025


def test_what_is_free_and_what_is_overstated() -> None:
    parcels = pd.DataFrame({"status": ["vacant", "idle", "built", None]})
    assert is_free(parcels).tolist() == [True, True, False, False]
    floors = pd.DataFrame({"vacant_m2": [0.0, 5.0, np.nan, 6.0], "area_m2": [5.0, 5.0, 5.0, 5.0]})
    assert has_room(floors).tolist() == [False, True, False, True]
    assert is_overstated(floors).tolist() == [False, False, False, True]


def test_what_lies_far_outside_a_box() -> None:
    # Half a degree beyond the box is near still.
    near, east = (110.4, 31.0, 110.5, 31.1), (110.6, 31.0, 110.7, 31.1)
    nothing = (np.nan,) * 4
    found = is_far(np.array([near, east, nothing]), (109.0, 30.0, 110.0, 31.0))
    assert found.tolist() == [False, True, False]


def test_the_park_of_a_shape_and_of_a_point() -> None:
    parks = np.array([box(0, 0, 100, 100), box(0, 0, 50, 50)], dtype=object)
    # Both parks cover the first; the second lies in the large one by 60 %, the third by 40 %.
    shapes = [box(0, 0, 10, 10), box(40, 60, 100, 10), box(60, 60, 100, 10)]
    assert covering_park(parks, np.array(shapes)).tolist() == [1, 0, NOWHERE]
    points = np.array([point(10, 10), point(90, 90), point(200, 0)])
    assert holding_park(parks, points).tolist() == [1, 0, NOWHERE]


def test_a_park_may_name_its_township_by_either_code() -> None:
    item = SCHEMAS["parks"].field("township_code")
    assert target_of(item) == ("townships", "code")
    townships = pd.DataFrame({"code": ["T1", "T2"], "alt_code": ["X1", None]})
    assert set(known_values("parks", item, townships)) == {"T1", "T2", "X1"}
    assert target_of(SCHEMAS["parks"].field("name")) is None


def test_made_up_features_are_named_as_findings_name_them(county: County, opened: Opened) -> None:
    county.layers["parcels"] = [parcel("L1", box(0, 0, 9, 9), illustrative=False)]
    county.layers["buildings"] = [
        {**parcel("B", box(50, 50, 20, 20)), "building_id": "B", "parcel_id": "L1"}
    ]
    county.layers["floors"] = [
        {
            "building_id": "B",
            "floor_no": number,
            "area_m2": 10,
            "vacant_m2": 0,
            "source": "made for tests",
            "illustrative": number == 2,
        }
        for number in (1, 2)
    ]
    county.layers["enterprises"] = county.layers["enterprises"][:1]
    found = illustrative_subjects(opened(county))
    assert found == {
        ("parks", "P1"),
        ("parks", "P2"),
        ("buildings", "B"),
        ("floors", "B/2"),
        ("enterprises", "E1"),
    }


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("397", "3972", True), ("3972", "39", True), ("39", "38", False), (None, "39", False)],
)
def test_one_branch_takes_in_the_other(one: str | None, other: str, *, expected: bool) -> None:
    assert is_one_branch(one, other) is expected


def test_codes_within_industries() -> None:
    codes = pd.Series(["1311", None, "3670"])
    assert are_within(codes, ("13", "14")).tolist() == [True, False, False]
    assert are_within(codes, ()).tolist() == [False, False, False]
