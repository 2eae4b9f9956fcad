"""Thematic maps: classes of figures, unknown apart, and figures summed by hand from the files."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import folium
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_service.language import Translator
from geo_service.maps.document import PlanningMap
from geo_service.maps.draw import draw
from geo_service.maps.kinds import KINDS, MapInput
from geo_service.maps.themes import UNKNOWN, ParkTheme, class_limits, themes_of
from geo_service.plan import Plan
from geo_service.zoning.names import short_park_name
from geo_service.zoning.review import Review
from tests.depth import thorough

NUMBERS = st.floats(min_value=0, max_value=1e12, allow_nan=False)


@pytest.fixture(scope="module")
def themes(demo_review: Review) -> dict[str, ParkTheme]:
    before = dict.fromkeys(demo_review.park_ids[1:], "unknown")
    return {theme.name: theme for theme in themes_of(demo_review, Translator(), before)}


def rows_of_latest_year(plan: Plan) -> dict[str, list[dict[str, Any]]]:
    """Return the enterprises by park: those of 2025 that are not closed."""
    found = defaultdict(list)
    table = pd.DataFrame(plan.frame("enterprises").drop(columns="geometry"))
    for row in json.loads(table.to_json(orient="records")):
        if row["year"] == 2025 and row["status"] != "closed":
            found[row["park_id"]].append(row)
    return found


@given(values=st.lists(NUMBERS, min_size=1, max_size=60))
@thorough(100)
def test_limits_hold_every_value_and_are_at_most_five_classes(values: list[float]) -> None:
    limits = class_limits(values)
    assert limits == sorted(limits)
    assert limits[0] <= min(values)
    assert limits[-1] >= max(values)
    assert 2 <= len(limits) <= 6
    assert len(limits) == 2 or len(set(limits)) == len(limits)


def test_no_figures_have_no_limits() -> None:
    assert class_limits([]) == []


def test_each_park_is_counted_in_one_class(themes: dict[str, ParkTheme]) -> None:
    for theme in themes.values():
        assert sum(part.count for part in theme.classes) == 48
        assert theme.classes[-1].symbol == UNKNOWN
        for park_id, value in theme.figures.items():
            held = [
                part.symbol
                for part in theme.classes
                if value is not None
                and part.low is not None
                and part.high is not None
                and part.low <= value <= part.high
            ]
            assert theme.symbols[park_id] in (held or [UNKNOWN])


def test_output_and_tax_per_mu_are_sums_over_the_park_s_enterprises(
    themes: dict[str, ParkTheme], demo: Plan
) -> None:
    for park_id, rows in rows_of_latest_year(demo).items():
        outputs = [row["output_cny"] for row in rows]
        expected = None if None in outputs else sum(outputs)
        assert themes["output"].figures[park_id] == pytest.approx(expected)
        taxes, land = [row["tax_cny"] for row in rows], [row["land_m2"] for row in rows]
        per_mu = None
        if None not in taxes and None not in land and sum(land):
            # one mu is 2000 / 3 m²
            per_mu = sum(taxes) / (sum(land) * 3 / 2000)
        assert themes["tax_per_mu"].figures[park_id] == pytest.approx(per_mu)


def test_change_tells_worse_better_and_not_compared(
    themes: dict[str, ParkTheme], demo_review: Review
) -> None:
    symbols = themes["change"].symbols
    first = demo_review.park_ids[0]
    assert symbols[first] == UNKNOWN  # not in the review before
    for park_id in demo_review.park_ids[1:]:
        now = demo_review.park_verdicts[park_id].value
        # From unknown: known and good is better, known and bad is worse.
        expected = {"unknown": "unchanged", "pass": "better"}.get(now, "worse")
        assert symbols[park_id] == f"theme.{expected}"


def test_a_map_without_an_earlier_review_has_no_theme_of_changes(demo_review: Review) -> None:
    def names(drawn: folium.Map) -> list[str]:
        assert isinstance(drawn, PlanningMap)
        return [theme["name"] for theme in drawn.content.settings["themes"]]

    assert "change" not in names(draw(demo_review))
    assert names(draw(demo_review, before=demo_review))[-1] == "change"
    assert names(draw(demo_review, kind="review")) == []


def test_parks_say_their_place_and_what_each_theme_makes_of_them(demo_review: Review) -> None:
    (data,) = KINDS["overview"].states(MapInput(translator=Translator(), review=demo_review))
    parks = {item["id"]: item["properties"] for item in data.features("parks")}
    assert parks["YY-C-01"]["short_name"] == "江口"
    assert parks["YY-B-01"]["short_name"] == "双江"
    assert parks["YY-M-01"]["short_name"] == "云阳市级特色工业园区"
    assert parks["YY-C-01"]["themes"]["output"]["figure"] > 0


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("石门乡楼宇工业园（示意）", "石门"),
        ("清水土家族乡楼宇工业园", "清水土家族"),
        ("镇楼宇工业园", "镇"),
        ("楼宇工业园", "楼宇工业园"),
        ("（示意）", "（示意）"),
    ],
)
def test_a_short_name_is_the_place(name: str, short: str) -> None:
    assert short_park_name(name, "楼宇工业园") == short
