"""Value functions at, between and beyond their corners."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_service.errors import InvalidQueryError
from geo_service.mcda.value_functions import (
    SLOPE_DEG,
    Linear,
    Stepped,
    Target,
    ValueFunction,
    parse_value_function,
)

INF, NAN = math.inf, math.nan
MINUTES = Linear(worst=60, best=10)
HEIGHT = Target(target=5, reach=4, tolerance=1)


def test_the_published_slope_scoring() -> None:
    # 0-2° 100, 2-8° 80, 8-15° 60, over 15° 40: a bound belongs to the gentler step
    degrees = [0, 2, 2.01, 8, 8.01, 15, 15.01, 60]
    expected = [1, 1, 0.8, 0.8, 0.6, 0.6, 0.4, 0.4]
    assert SLOPE_DEG.apply(degrees).tolist() == expected


def test_steps_closed_on_the_left_give_a_bound_to_the_step_that_begins() -> None:
    steps = Stepped(bounds=(2.0, 8.0), values=(1.0, 0.5, 0.0), closed="left")
    assert steps.apply([1.9, 2, 7.9, 8]).tolist() == [1, 0.5, 0.5, 0]


def test_a_line_falls_for_a_cost_and_rises_for_a_benefit() -> None:
    # (60 - 35) / 50 = .5
    assert MINUTES.apply([5, 10, 35, 60, 90]).tolist() == [1, 1, 0.5, 0, 0]
    assert Linear(worst=10, best=60).apply([5, 10, 35, 60, 90]).tolist() == [0, 0, 0.5, 1, 1]


def test_a_target_is_a_hill_with_a_flat_top() -> None:
    # 1 from 4 to 6, 0 from 1 and 9: at 7.5 (4 - 2.5) / 3 = .5
    assert HEIGHT.apply([0, 1, 2.5, 4, 5, 6, 7.5, 9, 99]).tolist() == [
        *(0, 0, 0.5, 1, 1, 1, 0.5, 0, 0)
    ]


@pytest.mark.parametrize(
    ("function", "expected"),
    [(MINUTES, [0, 1]), (SLOPE_DEG, [0.4, 1]), (HEIGHT, [0, 0])],
)
def test_missing_stays_missing_and_out_of_reach_is_the_end(
    function: ValueFunction, expected: list[float]
) -> None:
    found = function.apply(np.array([INF, -INF, NAN]))
    assert found[:2].tolist() == expected
    assert math.isnan(found[2])
    assert function.apply(np.zeros((2, 3))).shape == (2, 3)


def test_curves_can_be_drawn() -> None:
    # a quarter of the width past the corners, unless ends are given
    assert MINUTES.curve() == ((-2.5, 1), (10, 1), (60, 0), (72.5, 0))
    assert MINUTES.curve(0, 35) == ((0, 1), (10, 1), (35, 0.5))
    assert HEIGHT.curve(0, 10) == ((0, 0), (1, 0), (4, 1), (6, 1), (9, 0), (10, 0))
    assert Target(target=5, reach=4).curve(0, 9) == ((0, 0), (1, 0), (5, 1), (9, 0))
    assert SLOPE_DEG.curve(0, 20) == (
        *((0, 1), (2, 1), (2, 0.8), (8, 0.8)),
        *((8, 0.6), (15, 0.6), (15, 0.4), (20, 0.4)),
    )
    assert Stepped(bounds=(4.0,), values=(1.0, 0.0)).curve() == ((0, 1), (4, 1), (4, 0), (8, 0))
    assert Stepped(bounds=(0.0,), values=(1.0, 0.0)).curve() == ((-1, 1), (0, 1), (0, 0), (1, 0))
    with pytest.raises(InvalidQueryError, match="low < high"):
        MINUTES.curve(5, 5)


@given(st.floats(-1e6, 1e6), st.sampled_from([MINUTES, SLOPE_DEG, HEIGHT]))
def test_values_stay_between_0_and_1(measure: float, function: ValueFunction) -> None:
    assert 0 <= float(function.apply(measure)) <= 1


@given(st.floats(-20, 90), st.floats(-20, 90))
def test_a_line_never_falls_towards_its_best(one: float, other: float) -> None:
    shorter, longer = sorted((one, other))
    assert MINUTES.apply(shorter) >= MINUTES.apply(longer)


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        ({"kind": "linear", "worst": 60, "best": "10"}, MINUTES),
        (
            {"kind": "stepped", "bounds": ["2", 8, 15], "values": [1, 0.8, 0.6, 0.4]},
            SLOPE_DEG,
        ),
        (
            {"kind": "stepped", "bounds": [1], "values": [0, 1], "closed": "left"},
            Stepped(bounds=(1.0,), values=(0.0, 1.0), closed="left"),
        ),
        ({"kind": "target", "target": 5, "reach": 4, "tolerance": 1}, HEIGHT),
        ({"kind": "target", "target": 5, "reach": 4}, Target(target=5, reach=4)),
    ],
)
def test_a_project_s_mapping_is_read(mapping: dict[str, object], expected: ValueFunction) -> None:
    assert parse_value_function(mapping) == expected


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("linear", "expected a mapping"),
        ({"worst": 1, "best": 2}, "unknown kind None"),
        ({"kind": "lineer"}, "'lineer': 'linear'"),
        ({"kind": "linear", "worst": 1, "beste": 2}, "'beste' of linear: 'best'.*best is missing"),
        ({"kind": "linear", "worst": 1, "best": 1}, "must differ"),
        ({"kind": "linear", "worst": "a", "best": 1}, "worst: found 'a'"),
        ({"kind": "linear", "worst": None, "best": 1}, "worst: found None"),
        ({"kind": "linear", "worst": True, "best": 1}, "worst: found True"),
        ({"kind": "linear", "worst": "nan", "best": 1}, "finite"),
        ({"kind": "stepped", "bounds": 2, "values": [1, 0]}, "a list of numbers"),
        ({"kind": "stepped", "bounds": [], "values": [1]}, "at least one"),
        ({"kind": "stepped", "bounds": [2, 2], "values": [1, 0.5, 0]}, "ascending order"),
        ({"kind": "stepped", "bounds": [2], "values": [1, 0.5, 0]}, "1 bounds and 3 values"),
        ({"kind": "stepped", "bounds": [2], "values": [100, 40]}, r"100 points are 1\.0"),
        ({"kind": "stepped", "bounds": [math.inf], "values": [1, 0]}, "bounds: found inf"),
        ({"kind": "stepped", "bounds": [2], "values": [1, 0], "closed": "rigth"}, "'right'"),
        ({"kind": "target", "target": 5, "reach": 1, "tolerance": 1}, "tolerance < reach"),
    ],
)
def test_what_is_no_value_function_is_refused(mapping: object, words: str) -> None:
    with pytest.raises(InvalidQueryError, match=words) as caught:
        parse_value_function(mapping)  # type: ignore[arg-type]
    assert caught.value.parameter == "value_function"
