"""Weights by pairs and by entropy: published and hand-derived figures, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_service.errors import InvalidQueryError
from geo_service.mcda.scores import ConstantCriterionWarning, ahp_weights, entropy_weights
from geo_service.mcda.weights import RANDOM_INDEX, equal_weights

DRINKS = ["coffee", "wine", "tea", "beer", "soda", "milk", "water"]
# Saaty (2008), which drink is consumed more; above the diagonal, its mirror follows. The entries
# were kept as remembered: that they give all the published weights and CR is the check on them.
JUDGED = [
    [9, 5, 2, 1, 1, 1 / 2],
    [1 / 3, 1 / 9, 1 / 9, 1 / 9, 1 / 9],
    [1 / 3, 1 / 4, 1 / 3, 1 / 9],
    [1 / 2, 1, 1 / 3],
    [2, 1 / 2],
    [1 / 3],
]


def reciprocal(upper: list[list[float]], names: list[str]) -> pd.DataFrame:
    """Return the whole pairwise matrix."""
    table = np.eye(len(names))
    for row, entries in enumerate(upper):
        for column, entry in enumerate(entries, start=row + 1):
            table[row, column], table[column, row] = entry, 1 / entry
    return pd.DataFrame(table, index=names, columns=names)


def test_the_published_drinks() -> None:
    found = ahp_weights(reciprocal(JUDGED, DRINKS))
    published = [0.177, 0.019, 0.042, 0.116, 0.190, 0.129, 0.327]
    assert list(found.weights) == pytest.approx(published, abs=5e-4)
    assert list(found.weights.index) == DRINKS
    assert found.consistency_ratio == pytest.approx(0.022, abs=5e-4)
    assert found.lambda_max == pytest.approx(7.177, abs=5e-4)
    assert found.is_consistent


def test_a_consistent_matrix_gives_its_ratios() -> None:
    # a = 2b = 6c: weights 6/10, 3/10, 1/10
    found = ahp_weights(np.array([[1, 2, 6], [1 / 2, 1, 3], [1 / 6, 1 / 3, 1]]))
    assert list(found.weights) == pytest.approx([0.6, 0.3, 0.1])
    assert list(found.weights.index) == [0, 1, 2]
    assert found.consistency_ratio == pytest.approx(0, abs=1e-12)
    assert found.lambda_max == pytest.approx(3)


def test_a_circle_of_judgements_is_refused_unless_allowed() -> None:
    # a = 2b, b = 2c, c = 2a: equal weights; each row times w sums to 1 + 2 + 1/2 = 3.5 = λ
    # CR = (3.5 - 3) / 2 / 0.58 = 0.431
    circle = reciprocal([[2, 1 / 2], [2]], ["a", "b", "c"])
    with pytest.raises(InvalidQueryError, match=r"0\.431 exceeds 0\.1; .* / ") as caught:
        ahp_weights(circle)
    assert caught.value.parameter == "matrix"
    found = ahp_weights(circle, allow_inconsistent=True)
    assert list(found.weights) == pytest.approx([1 / 3] * 3)
    assert found.lambda_max == pytest.approx(3.5)
    assert found.consistency_ratio == pytest.approx(0.5 / 2 / 0.58)
    assert not found.is_consistent


def test_the_judgement_furthest_from_the_others_is_named() -> None:
    names = ["road", "power", "slope", "cost"]
    wrong = reciprocal([[2, 4, 1 / 8], [2, 4], [2]], names)  # road / cost ought to be 8
    with pytest.raises(InvalidQueryError, match="cost / road = 8, where the others imply"):
        ahp_weights(wrong)


@pytest.mark.parametrize(("size", "expected"), [(1, [1.0]), (2, [0.75, 0.25])])
def test_one_or_two_criteria_are_always_consistent(size: int, expected: list[float]) -> None:
    found = ahp_weights(np.array([[1, 3], [1 / 3, 1]])[:size, :size])
    assert list(found.weights) == pytest.approx(expected)
    assert found.consistency_ratio == 0


def test_columns_may_stand_in_any_order_and_rows_may_be_a_mapping() -> None:
    matrix = reciprocal([[2, 6], [3]], ["a", "b", "c"])
    expected = ahp_weights(matrix).weights
    pd.testing.assert_series_equal(ahp_weights(matrix[["c", "a", "b"]]).weights, expected)
    rows: dict[str, dict[str, float]] = {
        "a": {"b": 2, "a": 1, "c": 6},
        "b": {"a": 1 / 2, "b": 1, "c": 3},
        "c": {"a": 1 / 6, "b": 1 / 3, "c": 1},
    }
    found = ahp_weights(rows).weights
    assert dict(found) == pytest.approx(dict(expected))


def test_reciprocals_of_three_decimals_pass() -> None:
    ahp_weights(np.array([[1, 3, 7], [0.333, 1, 7 / 3], [0.143, 0.429, 1]]))


def test_every_pair_that_is_not_reciprocal_is_named() -> None:
    matrix = reciprocal([[2, 4], [2]], ["a", "b", "c"])
    matrix.loc["b", "a"] = 0.6
    matrix.loc["c", "c"] = 2
    with pytest.raises(InvalidQueryError, match=r"a / b: 2 × 0\.6 = 1\.2, .*; c / c: 2, must be 1"):
        ahp_weights(matrix)


@pytest.mark.parametrize("entry", [0, -2, math.nan, math.inf])
def test_entries_that_are_not_positive_are_named(entry: float) -> None:
    matrix = reciprocal([[2, 4], [2]], ["a", "b", "c"])
    matrix.loc["a", "c"] = entry
    with pytest.raises(InvalidQueryError, match=r"a / c: .* not both positive"):
        ahp_weights(matrix)


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (np.ones((2, 3)), "2 × 3; expected a square"),
        (np.ones(3), "expected a square"),
        (np.ones((0, 0)), "expected a square"),
        ([["a", "b"], ["c", "d"]], "no table of numbers"),
        (np.ones((16, 16)), "16 criteria; Saaty's index is known up to 15"),
        (pd.DataFrame(np.ones((2, 2)), ["a", "b"], ["a", "c"]), r"rows \(a, b\).*\(a, c\)"),
        (pd.DataFrame(np.ones((2, 2)), ["a", "a"], ["a", "a"]), "differ"),
    ],
)
def test_what_is_no_pairwise_matrix_is_refused(matrix: object, words: str) -> None:
    with pytest.raises(InvalidQueryError, match=words):
        ahp_weights(matrix)  # type: ignore[arg-type]


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=15))
def test_ahp_weights_sum_to_one_and_find_a_consistent_scale(scale: list[float]) -> None:
    values = np.array(scale)
    found = ahp_weights(values[:, None] / values[None, :])
    assert float(found.weights.sum()) == pytest.approx(1)
    assert list(found.weights) == pytest.approx((values / values.sum()).tolist())
    assert found.consistency_ratio == pytest.approx(0, abs=1e-9)


def test_saaty_s_index_reaches_15() -> None:
    assert len(RANDOM_INDEX) == 15
    assert RANDOM_INDEX[7 - 1] == 1.32


def test_entropy_of_a_small_table() -> None:
    # x: shares 1/4 3/4, e = (.25 ln 4 + .75 ln 4/3) / ln 2 = .8113;  y: 0 1, e = 0; z: even, e = 1
    matrix = pd.DataFrame({"x": [1, 3], "y": [0, 5], "z": [4, 4]})
    found = entropy_weights(matrix)
    spread = 1 - (0.25 * math.log(4) + 0.75 * math.log(4 / 3)) / math.log(2)
    assert spread == pytest.approx(0.1887, abs=5e-5)
    assert dict(found) == pytest.approx({"x": spread / (1 + spread), "y": 1 / (1 + spread), "z": 0})
    assert found["z"] == 0


@pytest.mark.parametrize("matrix", [{"x": [3], "y": [5]}, {"x": [0, 0], "y": [1, 1]}])
def test_entropy_that_tells_nothing_gives_equal_weights(matrix: dict[str, list[float]]) -> None:
    with pytest.warns(ConstantCriterionWarning, match="x, y"):
        found = entropy_weights(pd.DataFrame(matrix))
    assert dict(found) == {"x": 0.5, "y": 0.5}


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (pd.DataFrame({"x": [1, -1]}), "negative: x"),
        (pd.DataFrame({"x": [1, np.nan]}), "1 missing or infinite"),
        (pd.DataFrame({"x": [1.0]}).iloc[:0], "no candidates"),
        (pd.DataFrame(index=[1]), "no criteria"),
        ([[1, 2]], "expected a DataFrame"),
    ],
)
def test_what_entropy_cannot_weigh_is_refused(matrix: pd.DataFrame, words: str) -> None:
    with pytest.raises(InvalidQueryError, match=words):
        entropy_weights(matrix)


@given(
    st.lists(st.tuples(*[st.integers(0, 99)] * 3), min_size=2, max_size=9),
    st.sampled_from([0.001, 1000.0]),
)
def test_entropy_weights_sum_to_one_and_units_do_not_matter(
    rows: list[tuple[int, int, int]], factor: float
) -> None:
    matrix = pd.DataFrame(rows, columns=["x", "y", "z"]).assign(w=range(len(rows)))
    found = entropy_weights(matrix)
    assert float(found.sum()) == pytest.approx(1)
    assert (found >= 0).all()
    scaled = entropy_weights(matrix * [factor, 1, 1, 1])
    assert list(scaled) == pytest.approx(list(found), abs=1e-9)


def test_equal_weights() -> None:
    assert dict(equal_weights(["a", "b", "c", "d"])) == dict.fromkeys("abcd", 0.25)
    with pytest.raises(InvalidQueryError, match="there are none"):
        equal_weights([])
