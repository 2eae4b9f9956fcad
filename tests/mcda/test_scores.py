"""Scores and ranks on five sites, derived by hand; what must hold on any matrix."""

from __future__ import annotations

import warnings
from math import sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from geo_service.errors import InvalidQueryError
from geo_service.mcda.scores import (
    METHODS,
    NORMALISATIONS,
    ConstantCriterionWarning,
    contributions,
    normalise,
    prepare,
    score,
    top_scores,
)

SITES = pd.DataFrame(
    {"area": [10, 20, 30, 40, 50], "power": [10, 6, 8, 5, 2], "minutes": [20, 10, 15, 40, 50]},
    index=["A", "B", "C", "D", "E"],
)
SENSES = {"area": "benefit", "power": "benefit", "minutes": "cost"}
WEIGHTS = {"area": 5, "power": 3, "minutes": 2}  # .5 .3 .2
# Scaled by min-max, minutes mirrored:
#        A     B     C     D     E
# area   0     .25   .5    .75   1        (x - 10) / 40
# power  1     .5    .75   .375  0        (x - 2) / 8
# min.   .75   1     .875  .25   0        1 - (x - 10) / 40

# Opricovic & Tzeng (2004), the mountain climber: risk (cost), altitude (benefit).
CLIMBER = pd.DataFrame(
    {"risk": [1.0, 2.0, 5.0], "altitude": [3000.0, 3750.0, 4500.0]}, index=["A1", "A2", "A3"]
)
CLIMBER_SENSES = {"risk": "cost", "altitude": "benefit"}
EVEN = {"risk": 1, "altitude": 1}


def ranks(frame: pd.DataFrame) -> dict[object, int]:
    """Return the rank of each candidate."""
    return {item: int(rank) for item, rank in frame["rank"].items()}


def numbers(frame: pd.DataFrame, column: str) -> list[float]:
    """Return one column as plain numbers."""
    return [float(value) for value in frame[column]]


def test_weighted_sum_of_five_sites() -> None:
    found = score(SITES, WEIGHTS, SENSES, method="weighted_sum")
    # A .5·0 + .3·1 + .2·.75 = .45;  B .125 + .15 + .2 = .475;  C .25 + .225 + .175 = .65
    # D .375 + .1125 + .05 = .5375;  E .5
    assert numbers(found, "score") == pytest.approx([0.45, 0.475, 0.65, 0.5375, 0.5])
    assert ranks(found) == {"A": 5, "B": 4, "C": 1, "D": 2, "E": 3}
    assert list(found.columns) == ["score", "rank"]


def test_topsis_of_five_sites_under_minmax() -> None:
    found = score(SITES, WEIGHTS, SENSES, method="topsis", normalisation="minmax")
    # squared distances, Σ(w(1 - s))² to the best and Σ(w s)² to the worst:
    best = [
        0.25 + 0 + 0.0025,  # A: .5, 0, .05
        0.140625 + 0.0225 + 0,  # B: .375, .15, 0
        0.0625 + 0.005625 + 0.000625,  # C: .25, .075, .025
        0.015625 + 0.03515625 + 0.0225,  # D: .125, .1875, .15
        0 + 0.09 + 0.04,  # E: 0, .3, .2
    ]
    worst = [
        0 + 0.09 + 0.0225,  # A: 0, .3, .15
        0.015625 + 0.0225 + 0.04,  # B: .125, .15, .2
        0.0625 + 0.050625 + 0.030625,  # C: .25, .225, .175
        0.140625 + 0.01265625 + 0.0025,  # D: .375, .1125, .05
        0.25,  # E: .5, 0, 0
    ]
    expected = [sqrt(far) / (sqrt(near) + sqrt(far)) for near, far in zip(best, worst, strict=True)]
    assert expected == pytest.approx([0.4003, 0.4090, 0.5912, 0.5932, 0.5810], abs=5e-5)
    assert numbers(found, "closeness") == pytest.approx(expected)
    assert numbers(found, "score") == pytest.approx(expected)
    assert ranks(found) == {"A": 5, "B": 4, "C": 2, "D": 1, "E": 3}  # D passes C: nearer the best


def test_vikor_of_five_sites() -> None:
    found = score(SITES, WEIGHTS, SENSES, method="vikor")
    # weighted regrets w(1 - s) are the terms of `best` above; S their sum, R the largest
    assert numbers(found, "S") == pytest.approx([0.55, 0.525, 0.35, 0.4625, 0.5])
    assert numbers(found, "R") == pytest.approx([0.5, 0.375, 0.25, 0.1875, 0.3])
    # (S - .35)/.2: 1, .875, 0, .5625, .75;  (R - .1875)/.3125: 1, .6, .2, 0, .36; Q their mean
    assert numbers(found, "Q") == pytest.approx([1, 0.7375, 0.1, 0.28125, 0.555])
    assert numbers(found, "score") == pytest.approx([0, 0.2625, 0.9, 0.71875, 0.445])
    assert ranks(found) == {"A": 5, "B": 4, "C": 1, "D": 2, "E": 3}


def test_vikor_without_group_utility_ranks_by_the_worst_regret() -> None:
    found = score(SITES, WEIGHTS, SENSES, method="vikor", v=0)
    assert ranks(found) == {"A": 5, "B": 4, "C": 2, "D": 1, "E": 3}


def test_promethee_of_five_sites_with_a_tie() -> None:
    found = score(SITES, WEIGHTS, SENSES, method="promethee_ii")
    # (others below - others above) / 4:  area -1 -.5 0 .5 1;  power 1 0 .5 -.5 -1;
    # minutes (10 < 15 < 20 < 40 < 50) 0 1 .5 -.5 -1
    # A -.5 + .3 + 0;  B -.25 + 0 + .2;  C 0 + .15 + .1;  D .25 - .15 - .1;  E .5 - .3 - .2
    assert numbers(found, "net_flow") == pytest.approx([-0.2, -0.05, 0.25, 0, 0])
    assert ranks(found) == {"A": 5, "B": 4, "C": 1, "D": 2, "E": 2}


def test_promethee_with_thresholds_in_the_criteria_s_own_units() -> None:
    found = score(
        SITES,
        WEIGHTS,
        SENSES,
        method="promethee_ii",
        preference="linear",
        q={"area": 10, "power": 0, "minutes": 0},
        p={"area": 30, "power": 4, "minutes": 20},
    )
    # area, differences of 10 20 30 40 count 0 .5 1 1:
    #   A -(0 + .5 + 1 + 1) = -2.5; B 0 - (0 + .5 + 1) = -1.5; C .5 - .5 = 0; D 1.5; E 2.5
    # power, d/4 up to 4: A 1 + .5 + 1 + 1 = 3.5; B .25 + 1 - 1 - .5 = -.25;
    #   C .5 + .75 + 1 - .5 = 1.75; D .75 - 1 - .25 - .75 = -1.25; E -(1 + 1 + 1 + .75) = -3.75
    # minutes, d/20 up to 20: A 1 + 1 - .5 - .25 = 1.25; B .5 + .25 + 1 + 1 = 2.75;
    #   C .25 + 1 + 1 - .25 = 2; D .5 - 3 = -2.5; E -(1 + 1 + 1 + .5) = -3.5
    # net, /4: A -.3125 + .2625 + .0625; B -.1875 - .01875 + .1375; C 0 + .13125 + .1;
    #   D .1875 - .09375 - .125; E .3125 - .28125 - .175
    expected = [0.0125, -0.06875, 0.23125, -0.03125, -0.14375]
    assert numbers(found, "net_flow") == pytest.approx(expected)
    assert ranks(found) == {"A": 2, "B": 4, "C": 1, "D": 3, "E": 5}


def test_the_normalisation_turns_the_published_topsis_ranking() -> None:
    minmax = score(CLIMBER, EVEN, CLIMBER_SENSES, method="topsis", normalisation="minmax")
    assert numbers(minmax, "closeness") == pytest.approx([0.500, 0.617, 0.500], abs=5e-4)
    assert ranks(minmax) == {"A1": 2, "A2": 1, "A3": 2}
    vector = score(CLIMBER, EVEN, CLIMBER_SENSES, method="topsis")
    assert numbers(vector, "closeness") == pytest.approx([0.762, 0.722, 0.238], abs=5e-4)
    assert ranks(vector) == {"A1": 1, "A2": 2, "A3": 3}


@pytest.mark.parametrize(
    ("normalisation", "risk", "altitude"),
    [
        ("minmax", [1, 0.75, 0], [0, 0.5, 1]),
        ("vector", [1 - 1 / sqrt(30), 1 - 2 / sqrt(30), 1 - 5 / sqrt(30)], None),
        ("sum", [1 - 1 / 8, 1 - 2 / 8, 1 - 5 / 8], [3000 / 11250, 3750 / 11250, 4500 / 11250]),
        ("max", [1 - 1 / 5, 1 - 2 / 5, 0], [3000 / 4500, 3750 / 4500, 1]),
    ],
)
def test_costs_are_mirrored_after_scaling(
    normalisation: str, risk: list[float], altitude: list[float] | None
) -> None:
    scaled = normalise(CLIMBER, CLIMBER_SENSES, normalisation)
    assert numbers(scaled, "risk") == pytest.approx(risk)
    if altitude is not None:
        assert numbers(scaled, "altitude") == pytest.approx(altitude)
    found = score(CLIMBER, EVEN, CLIMBER_SENSES, method="weighted_sum", normalisation=normalisation)
    assert numbers(found, "score") == pytest.approx(list(scaled.mean(axis=1)))


def test_values_of_value_functions_are_taken_as_they_are() -> None:
    matrix = pd.DataFrame({"slope": [1.0, 0.8], "road": [0.5, 0.5], "noise": [0.1, 0.3]})
    senses = {"slope": "benefit", "road": "benefit", "noise": "cost"}
    weights = {"slope": 2, "road": 1, "noise": 1}
    with pytest.warns(ConstantCriterionWarning, match="road"):
        found = score(matrix, weights, senses, method="weighted_sum", normalisation="none")
    # .5·1 + .25·.5 + .25·(1 - .1) = .85;  .4 + .125 + .175 = .7
    assert numbers(found, "score") == pytest.approx([0.85, 0.7])
    with pytest.raises(InvalidQueryError, match="0 to 1"):
        normalise(matrix * 2, senses, "none")


@pytest.mark.parametrize("normalisation", ["minmax", "vector", "sum", "max"])
@pytest.mark.parametrize("sense", ["benefit", "cost"])
def test_a_constant_column_scales_to_0_and_is_named(normalisation: str, sense: str) -> None:
    matrix = SITES.assign(fee=0.1 + 0.2)
    with pytest.warns(ConstantCriterionWarning, match="ranking: fee") as caught:
        scaled = normalise(matrix, {**SENSES, "fee": sense}, normalisation)
    assert caught[0].filename == __file__
    assert numbers(scaled, "fee") == [0] * 5


def test_a_column_that_is_constant_but_for_rounding_is_constant() -> None:
    matrix = pd.DataFrame({"x": [0.1 + 0.2, 0.3], "y": [1, 2]})
    with pytest.warns(ConstantCriterionWarning, match="ranking: x"):
        scaled = normalise(matrix, {"x": "benefit", "y": "benefit"})
    assert numbers(scaled, "x") == [0, 0]


@pytest.mark.parametrize("method", METHODS)
def test_a_constant_column_leaves_the_order(method: str) -> None:
    plain = score(SITES, WEIGHTS, SENSES, method=method)
    with pytest.warns(ConstantCriterionWarning):
        more = score(
            SITES.assign(fee=7),
            {**WEIGHTS, "fee": 4},
            {**SENSES, "fee": "cost"},
            method=method,
        )
    assert ranks(more) == ranks(plain)


@pytest.mark.parametrize(
    ("method", "expected"),
    [("weighted_sum", 0), ("topsis", 0), ("vikor", 1), ("promethee_ii", 0)],
)
def test_a_single_candidate_is_first(method: str, expected: float) -> None:
    with pytest.warns(ConstantCriterionWarning, match="area, power, minutes"):
        found = score(SITES.loc[["C"]], WEIGHTS, SENSES, method=method)
    assert numbers(found, "score") == [expected]
    assert ranks(found) == {"C": 1}


@pytest.mark.parametrize("method", METHODS)
def test_no_candidates_give_an_empty_frame(method: str) -> None:
    empty, full = SITES.iloc[:0], score(SITES, WEIGHTS, SENSES, method=method)
    found = score(empty, WEIGHTS, SENSES, method=method)
    assert found.empty
    assert list(found.columns) == list(full.columns)
    assert list(found.dtypes) == list(full.dtypes)
    assert top_scores(empty, WEIGHTS, SENSES, top=3, method=method).empty
    linear = score(empty, WEIGHTS, SENSES, method="promethee_ii", preference="linear")
    assert linear.empty


def test_scores_that_differ_by_rounding_alone_share_the_smaller_rank() -> None:
    # .1 + .2 = .30000000000000004 and .3: equal but for rounding
    matrix = pd.DataFrame(
        {"a": [0.1, 0.0, 0.0, 0.0, 1.0], "b": [0.2, 0.3, 0.0, 1.0, 0.0]}, index=list("ABCDE")
    )
    senses = {"a": "benefit", "b": "benefit"}
    found = score(matrix, {"a": 1, "b": 1}, senses, method="weighted_sum")
    assert ranks(found) == {"A": 3, "B": 3, "C": 5, "D": 1, "E": 1}


def test_the_best_come_first_and_equal_ones_in_the_order_of_their_ids() -> None:
    shuffled = SITES.loc[["E", "B", "D", "A", "C"]]
    found = top_scores(shuffled, WEIGHTS, SENSES, top=2, method="promethee_ii")
    assert list(found.index) == ["C", "D"]  # D and E are equal
    assert list(found["rank"]) == [1, 2]
    three = top_scores(shuffled, WEIGHTS, SENSES, top=3, method="promethee_ii")
    assert list(three.index) == ["C", "D", "E"]
    assert list(three["rank"]) == [1, 2, 2]
    assert len(top_scores(SITES, WEIGHTS, SENSES, top=9, method="promethee_ii")) == 5


def test_ids_of_mixed_types_are_ordered_by_text() -> None:
    matrix = pd.DataFrame({"x": [1.0, 1.0, 0.0]}, index=pd.Index(["b", 7, "a"], dtype=object))
    found = top_scores(matrix, {"x": 1}, {"x": "benefit"}, top=2, method="weighted_sum")
    assert list(found.index) == [7, "b"]


@pytest.mark.parametrize("normalisation", ["minmax", "vector", "sum", "max"])
def test_contributions_sum_to_the_score(normalisation: str) -> None:
    shares = contributions(SITES, WEIGHTS, SENSES, normalisation)
    found = score(SITES, WEIGHTS, SENSES, method="weighted_sum", normalisation=normalisation)
    assert list(shares.columns) == list(SITES.columns)
    assert list(shares.sum(axis=1)) == pytest.approx(numbers(found, "score"))


def test_contributions_of_one_site() -> None:
    assert dict(contributions(SITES, WEIGHTS, SENSES).loc["C"]) == pytest.approx(
        {"area": 0.5 * 0.5, "power": 0.3 * 0.75, "minutes": 0.2 * 0.875}
    )


def test_weights_may_be_a_series_in_any_order_and_unit() -> None:
    series = pd.Series({"minutes": 0.02, "area": 0.05, "power": 0.03})
    expected = score(SITES, WEIGHTS, SENSES, method="topsis")
    pd.testing.assert_frame_equal(
        score(SITES, series, pd.Series(SENSES), method="topsis"), expected
    )
    used = prepare(SITES, SENSES, method="topsis").weights(series)
    assert dict(used) == pytest.approx({"area": 0.5, "power": 0.3, "minutes": 0.2})


def test_a_prepared_matrix_says_how_it_is_normalised() -> None:
    defaults = {name: prepare(SITES, SENSES, method=name).normalisation for name in METHODS}
    assert defaults == {
        "weighted_sum": "minmax",
        "topsis": "vector",
        "vikor": "minmax",
        "promethee_ii": "none",
    }


def test_ids_that_stand_twice_are_refused_where_candidates_are_asked_for() -> None:
    doubled = SITES.iloc[[0, 1, 0, 2]]
    assert list(score(doubled, WEIGHTS, SENSES, method="topsis")["rank"]) == [3, 2, 3, 1]
    with pytest.raises(InvalidQueryError, match="'A' stands twice"):
        prepare(doubled, SENSES, method="topsis")


def test_whole_truth_and_nullable_numbers_are_numbers() -> None:
    matrix = pd.DataFrame(
        {
            "whole": np.array([1, 2], dtype=np.int32),
            "truth": [True, False],
            "nullable": pd.array([0.5, 1.0], dtype="Float64"),
            "object": pd.Series([1, 2.5], dtype=object),
        }
    )
    scaled = normalise(matrix, dict.fromkeys(matrix.columns, "benefit"))
    assert scaled.to_numpy().tolist() == [[0, 1, 0, 0], [1, 0, 1, 1]]


def test_numbers_near_the_end_of_the_scale_do_not_overflow() -> None:
    matrix = pd.DataFrame({"huge": [1e200, 3e200, 4e200], "tiny": [1e-200, 3e-200, 4e-200]})
    scaled = normalise(matrix, dict.fromkeys(matrix.columns, "benefit"), "vector")
    assert numbers(scaled, "huge") == pytest.approx(numbers(scaled, "tiny"))
    assert numbers(scaled, "huge") == pytest.approx([x / sqrt(26) for x in (1, 3, 4)])
    for values, name in (([-1e308, 1e308], "minmax"), ([1e308, 1.7e308], "sum")):
        with pytest.raises(InvalidQueryError, match="overflows"):
            normalise(pd.DataFrame({"x": values}), {"x": "benefit"}, name)
    with pytest.raises(InvalidQueryError, match="overflows"):
        normalise(pd.DataFrame({"x": [1.7e308, 1.6e308]}), {"x": "benefit"}, "vector")


def test_rows_in_a_block_of_memory_by_rows_are_read_alike() -> None:
    by_rows = pd.DataFrame(np.ascontiguousarray(SITES.to_numpy(float)), copy=False)
    by_rows.columns, by_rows.index = SITES.columns, SITES.index
    pd.testing.assert_frame_equal(
        score(by_rows, WEIGHTS, SENSES, method="topsis"),
        score(SITES, WEIGHTS, SENSES, method="topsis"),
    )


@pytest.mark.parametrize("sense", ["benefit", "cost"])
def test_the_step_preference_needs_a_difference_of_more_than_q(sense: str) -> None:
    matrix = pd.DataFrame({"x": [0.0, 1.0, 2.0, 4.0]})
    found = score(
        matrix, {"x": 1}, {"x": sense}, method="promethee_ii", preference="linear", q=2, p=2
    )
    # only 4 differs from 0 and 1 by more than 2
    sign = 1 if sense == "benefit" else -1
    assert numbers(found, "net_flow") == pytest.approx([-sign / 3, -sign / 3, 0, sign * 2 / 3])


def test_promethee_differences_may_be_scaled_first() -> None:
    own = score(
        SITES, WEIGHTS, SENSES, method="promethee_ii", preference="linear", q=0.25, p=0.5,
        normalisation="minmax",
    )  # fmt: skip
    units = score(
        SITES, WEIGHTS, SENSES, method="promethee_ii", preference="linear",
        q={"area": 10, "power": 2, "minutes": 10}, p={"area": 20, "power": 4, "minutes": 20},
    )  # fmt: skip
    assert numbers(own, "score") == pytest.approx(numbers(units, "score"))
    default = score(SITES, WEIGHTS, SENSES, method="promethee_ii", preference="linear")
    ranges = {"area": 40, "power": 8, "minutes": 40}
    spelt = score(SITES, WEIGHTS, SENSES, method="promethee_ii", preference="linear", q=0, p=ranges)
    assert numbers(default, "score") == pytest.approx(numbers(spelt, "score"))


@pytest.mark.parametrize(
    ("change", "parameter", "words"),
    [
        ({"method": "topsi"}, "method", "'topsi': 'topsis'"),
        ({"normalisation": "min-max"}, "normalisation",  "'min-max': 'minmax'"),
        ({"senses": {**SENSES, "area": "benefits"}}, "senses", "area: .*'benefit'"),
        ({"senses": {"area": "benefit"}}, "senses", "power is missing; minutes is missing"),
        ({"senses": ["benefit"] * 3}, "senses", "expected a mapping"),
        ({"weights": {"area": 1, "power": 1, "minute": 1}}, "weights", "minutes is missing"),
        ({"weights": {**WEIGHTS, "powr": 1}}, "weights", "'powr': 'power'"),
        ({"weights": pd.Series([1, 1, 1, 1], ["area", "power", "minutes", "area"])},
         "weights", "area stands twice"),
        ({"weights": {**WEIGHTS, "area": -1}}, "weights", "area: .*≥ 0"),
        ({"weights": {**WEIGHTS, "area": float("nan")}}, "weights", "area: .*finite"),
        ({"weights": {**WEIGHTS, "area": float("inf")}}, "weights", "area: .*finite"),
        ({"weights": {**WEIGHTS, "area": "5"}}, "weights", "area: .*a number"),
        ({"weights": {**WEIGHTS, "area": True}}, "weights", "area: .*a number"),
        ({"weights": dict.fromkeys(WEIGHTS, 0)}, "weights", "all are zero"),
        ({"matrix": SITES.to_numpy()}, "matrix", "expected a DataFrame"),
        ({"matrix": SITES[[]]}, "matrix", "no criteria"),
        ({"matrix": SITES[["area", "area", "power"]]}, "matrix", "area stands twice"),
        ({"matrix": SITES.assign(area=["a"] * 5)}, "matrix", "area: .*expected numbers"),
        ({"matrix": SITES.assign(area=pd.Series(list("12345"), SITES.index, dtype=object))},
         "matrix", "area: .*expected numbers"),
        ({"matrix": SITES.assign(area=1j)}, "matrix", "area: .*expected numbers"),
        ({"matrix": SITES.assign(area=[1, np.nan, 3, 4, np.inf])}, "matrix",
         r"area: 2 missing or infinite \(first: B, E\)"),
        ({"matrix": -SITES, "normalisation": "sum"}, "normalisation", "area, power, minutes"),
        ({"matrix": -SITES, "normalisation": "max"}, "normalisation", "≥ 0"),
        ({"v": 0.5}, "v", "unknown option of topsis: it takes none"),
        ({"method": "vikor", "w": 0.5}, "w", "one of: v"),
        ({"method": "vikor", "v": 1.5}, "v", "between 0 and 1"),
        ({"method": "vikor", "v": "half"}, "v", "a number"),
        ({"method": "promethee_ii", "preferences": "usual"}, "preferences", "'preference'"),
        ({"method": "promethee_ii", "preference": "gauss"}, "preference", "Known: usual, linear"),
        ({"method": "promethee_ii", "p": 2}, "p", "only the preference 'linear'"),
        ({"method": "promethee_ii", "preference": "linear", "q": 2, "p": 1}, "q", "exceeds p"),
        ({"method": "promethee_ii", "preference": "linear", "q": -1}, "q", "≥ 0"),
        ({"method": "promethee_ii", "preference": "linear", "q": {"area": 1}}, "q", "missing"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_by_name(
    change: dict[str, object], parameter: str, words: str
) -> None:
    call: dict[str, object] = {
        "matrix": SITES,
        "weights": WEIGHTS,
        "senses": SENSES,
        "method": "topsis",
        **change,
    }
    with pytest.raises(InvalidQueryError, match=words) as caught:
        score(**call)  # type: ignore[arg-type]
    assert caught.value.parameter == parameter


@pytest.mark.parametrize("top", [0, -1, 2.5, True, "3"])
def test_top_is_a_whole_number(top: object) -> None:
    with pytest.raises(InvalidQueryError, match="whole number") as caught:
        top_scores(SITES, WEIGHTS, SENSES, top=top, method="topsis")  # type: ignore[arg-type]
    assert caught.value.parameter == "top"


# What holds on any matrix. Whole numbers keep differences either nought or plain.
VALUES = st.integers(0, 40).map(float)
ANY_METHOD = st.sampled_from(METHODS)


@st.composite
def problems(
    draw: st.DrawFn, least: int = 2
) -> tuple[pd.DataFrame, dict[str, float], dict[str, str]]:
    """Draw a matrix, weights and senses."""
    rows, size = draw(st.integers(least, 8)), draw(st.integers(1, 4))
    names = [f"c{place}" for place in range(size)]
    columns = {name: draw(st.lists(VALUES, min_size=rows, max_size=rows)) for name in names}
    weights = {name: float(draw(st.integers(1, 9))) for name in names}
    senses = {name: draw(st.sampled_from(["benefit", "cost"])) for name in names}
    return pd.DataFrame(columns, index=[f"P{row}" for row in range(rows)]), weights, senses


Problem = tuple[pd.DataFrame, dict[str, float], dict[str, str]]


def quietly(problem: Problem, method: str, **options: object) -> pd.DataFrame:
    """Score without the warning of constant columns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantCriterionWarning)
        return score(*problem, method=method, **options)  # type: ignore[arg-type]


@given(problems(), ANY_METHOD, st.data())
def test_the_order_of_rows_does_not_matter(
    problem: Problem, method: str, data: st.DataObject
) -> None:
    matrix, weights, senses = problem
    order = data.draw(st.permutations(list(matrix.index)))
    before = quietly(problem, method)
    after = quietly((matrix.loc[order], weights, senses), method)
    assert list(after.index) == order
    pd.testing.assert_frame_equal(after.loc[matrix.index], before, rtol=0, atol=1e-12)


@given(problems(), ANY_METHOD, st.sampled_from(NORMALISATIONS[:-1]), st.floats(1e-6, 1e6))
def test_units_do_not_matter(
    problem: Problem, method: str, normalisation: str, factor: float
) -> None:
    matrix, weights, senses = problem
    changed = matrix.assign(c0=matrix["c0"] * factor)
    before = quietly(problem, method, normalisation=normalisation)
    after = quietly((changed, weights, senses), method, normalisation=normalisation)
    assert numbers(after, "score") == pytest.approx(numbers(before, "score"), abs=1e-9)


@given(problems(), st.sampled_from(["weighted_sum", "topsis", "vikor"]), st.integers(-50, 50))
def test_under_minmax_the_zero_of_a_scale_does_not_matter(
    problem: Problem, method: str, shift: int
) -> None:
    matrix, weights, senses = problem
    changed = matrix.assign(c0=matrix["c0"] + shift)
    before = quietly(problem, method, normalisation="minmax")
    after = quietly((changed, weights, senses), method, normalisation="minmax")
    assert numbers(after, "score") == pytest.approx(numbers(before, "score"), abs=1e-9)


def improved(matrix: pd.DataFrame, row: int, step: float) -> pd.DataFrame:
    """Return the matrix with one value of the first criterion moved."""
    values = matrix["c0"].to_numpy(dtype=float, copy=True)
    values[row] += step
    return matrix.assign(c0=values)


MONOTONE = st.sampled_from(["weighted_sum", "topsis", "promethee_ii"])


@given(problems(), MONOTONE, st.integers(0, 7), st.integers(0, 30))
def test_improving_a_value_never_lowers_the_own_score(
    problem: Problem, method: str, row: int, step: int
) -> None:
    # Also where the candidate becomes the new best and the others' scaled values move.
    matrix, weights, senses = problem
    assume(row < len(matrix))
    better = improved(matrix, row, step if senses["c0"] == "benefit" else -step)
    before = quietly(problem, method, normalisation="minmax")
    after = quietly((better, weights, senses), method, normalisation="minmax")
    assert after["score"].iloc[row] >= before["score"].iloc[row] - 1e-12


@given(
    problems(), st.sampled_from(["weighted_sum", "topsis"]), st.integers(0, 7), st.integers(0, 30)
)
def test_within_fixed_bounds_improving_leaves_the_others_and_never_worsens_the_rank(
    problem: Problem, method: str, row: int, step: int
) -> None:
    matrix, weights, senses = problem
    assume(row < len(matrix))
    ends = pd.DataFrame(
        [[0.0] * matrix.shape[1], [40.0] * matrix.shape[1]], ["low", "high"], matrix.columns
    )
    bounded = pd.concat([matrix, ends])
    better = improved(bounded, row, step if senses["c0"] == "benefit" else -step)
    better["c0"] = better["c0"].clip(0.0, 40.0)
    before = quietly((bounded, weights, senses), method, normalisation="minmax")
    after = quietly((better, weights, senses), method, normalisation="minmax")
    others = bounded.index != bounded.index[row]
    assert list(after["score"][others]) == list(before["score"][others])
    assert after["score"].iloc[row] >= before["score"].iloc[row] - 1e-15
    assert after["rank"].iloc[row] <= before["rank"].iloc[row]


@given(problems(), ANY_METHOD)
def test_ranks_follow_scores_and_equal_candidates_share_theirs(
    problem: Problem, method: str
) -> None:
    matrix, weights, senses = problem
    doubled = pd.concat([matrix, matrix.rename(index=lambda name: f"{name}'")])
    found = quietly((doubled, weights, senses), method)
    half = len(matrix)
    assert numbers(found.iloc[:half], "score") == numbers(found.iloc[half:], "score")
    rounded = found["score"].round(11)
    assert list(found["rank"]) == list(rounded.rank(ascending=False, method="min"))


@given(problems(), ANY_METHOD, st.integers(1, 9))
def test_the_best_few_are_those_of_the_full_ranking(
    problem: Problem, method: str, top: int
) -> None:
    full = quietly(problem, method)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantCriterionWarning)
        found = top_scores(*problem, top=top, method=method)
    expected = full.rename_axis("id").sort_values(["rank", "id"]).rename_axis(None).head(top)
    pd.testing.assert_frame_equal(found, expected)


@given(problems(), ANY_METHOD)
def test_many_sets_of_weights_at_once_give_the_same_scores(problem: Problem, method: str) -> None:
    matrix, weights, senses = problem
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantCriterionWarning)
        scorer = prepare(matrix, senses, method=method)
    rows = np.vstack([scorer.weights(weights), np.eye(len(weights))[0]])
    found = scorer.method.scores(rows)
    assert found[0].tolist() == pytest.approx(numbers(scorer.score(weights), "score"), abs=1e-9)
    alone = {name: float(place == 0) for place, name in enumerate(scorer.names)}
    assert found[1].tolist() == pytest.approx(numbers(scorer.score(alone), "score"), abs=1e-9)


@given(problems(), st.integers(0, 10), st.integers(0, 20))
def test_net_flows_are_those_of_all_pairs(problem: Problem, q: int, width: int) -> None:
    matrix, weights, senses = problem
    p = q + width
    found = quietly(problem, "promethee_ii", preference="linear", q=q, p=p)
    total = np.zeros(len(matrix))
    for name in matrix:
        values = matrix[name].to_numpy() * (1 if senses[str(name)] == "benefit" else -1)
        gaps = values[:, None] - values[None, :]
        graded = np.clip((gaps - q) / width, 0, 1) if width else (gaps > q).astype(float)
        total += weights[str(name)] * (graded.sum(axis=1) - graded.sum(axis=0))
    total /= sum(weights.values()) * (len(matrix) - 1)
    assert numbers(found, "net_flow") == pytest.approx(total.tolist(), abs=1e-9)
    assert sum(numbers(found, "net_flow")) == pytest.approx(0, abs=1e-9)
