"""Parcels that lie on each other, with exactly the ground that they share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import shapely

from geo_service.language import Language, Translator
from geo_service.plan import Plan
from geo_service.spatial import pairs
from geo_service.spatial.pairs import overlapping_pairs
from geo_service.zoning.review import review
from tests.county import County, box, parcel
from tests.zoning.made import of_rule, reviewed

Open = Callable[[County], Plan]
RULE = "layout.parcels_overlap"


def test_each_park_of_a_pair_is_told_once(county: County, opened: Open) -> None:
    county.layers["parcels"] = [
        parcel("A", box(0, 0, 100, 100)),
        parcel("B", box(60, 0, 100, 100)),  # 40 x 100 m on A, both in P1
        parcel("C", box(160, 0, 100, 100)),  # beside B
        parcel("D", box(250, 0, 100, 100), park_id="P2"),  # 10 x 100 m on C
    ]
    result = reviewed(opened(county), RULE)
    found = {(item.park_id, item.subject.id): item for item in of_rule(result, RULE)}
    assert set(found) == {("P1", "A"), ("P1", "C"), ("P2", "D")}
    values = {key: item.evidence["value"] for key, item in found.items()}
    assert values["P1", "A"] == pytest.approx(4_000, abs=0.1)
    assert values["P2", "D"] == pytest.approx(1_000, abs=0.1)
    assert found["P1", "A"].evidence["other_parcel_id"] == "B"
    assert found["P1", "A"].evidence["share"] == pytest.approx(0.4)
    geometry = found["P1", "A"].geometry
    assert geometry is not None
    assert geometry.area == pytest.approx(4_000, abs=0.1)
    assert {item.verdict.value for item in found.values()} == {"watch"}
    counts = result.checks[RULE]
    assert (counts.checked, counts.passed) == (4, 1)
    text = Translator(Language.EN).render(found["P1", "A"].title)
    assert text.startswith("Parcel A overlaps parcel B by 4,000 m²")


def test_what_a_survey_may_miss_is_noise(county: County, opened: Open) -> None:
    # 0.09 x 100 m = 9 m2, 0.09 % of 10,000 m2: below 50 m2 and 0.1 %.
    county.layers["parcels"] = [
        parcel("A", box(0, 0, 100, 100)),
        parcel("B", box(99.91, 0, 100, 100)),
        # 2 x 10 m = 20 m2, but a fifth of the smaller one.
        parcel("C", box(300, 0, 100, 100)),
        parcel("D", box(398, 0, 10, 10)),
    ]
    result = reviewed(opened(county), RULE)
    assert [item.subject.id for item in of_rule(result, RULE)] == ["C"]
    assert result.checks[RULE].below_tolerance == 1


def test_a_review_of_one_park_tells_that_one(county: County, opened: Open) -> None:
    county.layers["parcels"] = [
        parcel("A", box(0, 0, 100, 100)),
        parcel("B", box(60, 0, 100, 100), park_id="P2"),
    ]
    result = review(opened(county), parks=["P2"])
    assert [item.subject.id for item in of_rule(result, RULE)] == ["B"]


def test_parcels_without_a_park_are_told_too(county: County, opened: Open) -> None:
    county.layers["parcels"] = [
        parcel("A", box(9_000, 9_000, 100, 100), park_id=None),
        parcel("B", box(9_000, 9_000, 100, 50), park_id=None),
    ]
    (found,) = of_rule(reviewed(opened(county), RULE), RULE)
    assert (found.park_id, found.subject.id) == (None, "A")


@pytest.mark.parametrize("way", ["all intersected", "kernel first", "coverage first"])
def test_pairs_are_those_of_a_plain_search(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "_MANY", 10_000 if way == "all intersected" else 0)
    monkeypatch.setattr(pairs, "is_available", lambda: way == "kernel first")
    chance = np.random.default_rng(7)
    x, y = chance.integers(0, 40, 120) * 5.0, chance.integers(0, 40, 120) * 5.0
    size = chance.choice([5.0, 10.0, 20.0], 120)
    shapes = shapely.transform(
        shapely.box(x, y, x + size, y + size),
        lambda xy: xy @ np.array([[0.8, 0.6], [-0.6, 0.8]]),  # so that boxes overlap more
    )
    found = overlapping_pairs(shapes, least_m2=1.0)
    expected = {
        (one, other): shapes[one].intersection(shapes[other]).area
        for one in range(len(shapes))
        for other in range(one + 1, len(shapes))
    }
    expected = {pair: area for pair, area in expected.items() if area > 1}
    told = list(zip(found.first.tolist(), found.second.tolist(), strict=True))
    assert told == sorted(expected)
    assert found.area_m2.tolist() == pytest.approx([expected[pair] for pair in told])


def test_no_polygons_have_no_pairs() -> None:
    assert len(overlapping_pairs(np.array([], dtype=object), least_m2=1.0)) == 0
    assert len(overlapping_pairs(np.array([None, shapely.Polygon()]), least_m2=1.0)) == 0
