"""The measures behind one park, one leading industry; numbers derived by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_service.model import FocusBasis
from geo_service.plan import Plan
from geo_service.zoning.focus import entropy, herfindahl, measure_focus
from tests.county import County, enterprise

Open = Callable[[County], Plan]


@pytest.fixture
def mixed(county: County) -> County:
    """P1 (leading 13): 60 + 15 of 13, 20 of 36, 5 of 17. P2 (leading 36): 100 of 36."""
    county.layers["enterprises"] = [
        enterprise("A", "1311", 60.0, land_m2=100, floor_m2=50),
        enterprise("B", "1371", 15.0, land_m2=100, floor_m2=50),
        enterprise("C", "3670", 20.0, land_m2=300, floor_m2=100),
        enterprise("D", "1711", 5.0, land_m2=500, floor_m2=None),
        enterprise("E", "3670", 100.0, park_id="P2"),
    ]
    return county


def test_shares_by_every_basis(mixed: County, opened: Open) -> None:
    focus = measure_focus(opened(mixed))["P1"]
    assert focus.shares[FocusBasis.OUTPUT] == pytest.approx(75 / 100)
    assert focus.shares[FocusBasis.LAND] == pytest.approx(200 / 1000)
    assert focus.shares[FocusBasis.ENTERPRISES] == pytest.approx(2 / 4)
    assert focus.shares[FocusBasis.FLOOR_AREA] is None  # D's floor area is missing
    assert focus.missing[FocusBasis.FLOOR_AREA] == ("D",)


def test_concentration_is_measured_at_two_digits(mixed: County, opened: Open) -> None:
    focus = measure_focus(opened(mixed))["P1"]
    # 13: 0.75, 36: 0.20, 17: 0.05
    assert focus.top_industry == "13"
    assert focus.hhi == pytest.approx(0.75**2 + 0.20**2 + 0.05**2)  # 0.605
    assert focus.entropy == pytest.approx(
        -(0.75 * math.log(0.75) + 0.2 * math.log(0.2) + 0.05 * math.log(0.05))
    )


def test_the_location_quotient_compares_with_all_parks(mixed: County, opened: Open) -> None:
    # (75/100) / (75/200) = 2; P2: (100/100) / (120/200) = 1.6667
    measured = measure_focus(opened(mixed))
    assert measured["P1"].location_quotient == pytest.approx(2.0)
    assert measured["P2"].location_quotient == pytest.approx(1 / 0.6)


def test_closed_enterprises_and_earlier_years_are_left_out(mixed: County, opened: Open) -> None:
    mixed.layers["enterprises"] += [
        enterprise("X", "3670", 1e6, status="closed"),
        enterprise("Y", "3670", 1e6, year=2024),
    ]
    focus = measure_focus(opened(mixed))["P1"]
    assert focus.year == 2025
    assert focus.enterprise_count == 4
    assert focus.shares[FocusBasis.OUTPUT] == pytest.approx(0.75)


def test_a_stopped_enterprise_still_counts(mixed: County, opened: Open) -> None:
    mixed.layers["enterprises"].append(enterprise("S", "3670", 100.0, status="stopped"))
    assert measure_focus(opened(mixed))["P1"].shares[FocusBasis.OUTPUT] == pytest.approx(75 / 200)


def test_one_missing_value_makes_the_share_unknown(mixed: County, opened: Open) -> None:
    mixed.layers["enterprises"].append(enterprise("N", "1311", None))
    focus = measure_focus(opened(mixed))["P1"]
    assert focus.shares[FocusBasis.OUTPUT] is None
    assert focus.top_industry is None
    assert focus.missing[FocusBasis.OUTPUT] == ("N",)
    assert focus.shares[FocusBasis.ENTERPRISES] == pytest.approx(3 / 5)


def test_an_enterprise_without_a_code_makes_every_share_unknown(
    mixed: County, opened: Open
) -> None:
    mixed.layers["enterprises"].append(enterprise("N", None, 1.0))
    focus = measure_focus(opened(mixed))["P1"]
    assert set(focus.shares.values()) == {None}
    assert focus.uncoded == ("N",)


@pytest.mark.parametrize("leading", ["13", "131", "1311"])
def test_a_leading_industry_is_a_prefix(mixed: County, opened: Open, leading: str) -> None:
    mixed.layers["parks"][0]["leading_industry"] = leading
    expected = {"13": 0.75, "131": 0.60, "1311": 0.60}[leading]
    share = measure_focus(opened(mixed))["P1"].shares[FocusBasis.OUTPUT]
    assert share == pytest.approx(expected)


def test_two_declared_industries_give_no_share(mixed: County, opened: Open) -> None:
    mixed.layers["parks"][0]["leading_industry"] = "13;36"
    focus = measure_focus(opened(mixed))["P1"]
    assert focus.declared == ("13", "36")
    assert focus.leading is None
    assert focus.shares[FocusBasis.OUTPUT] is None


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=30))
def test_concentration_stays_within_its_bounds(values: list[float]) -> None:
    shares = [value / math.fsum(values) for value in values]
    assert 1 / len(shares) - 1e-9 <= herfindahl(shares) <= 1 + 1e-9
    assert -1e-9 <= entropy(shares) <= math.log(len(shares)) + 1e-9
