"""Random weights, pairs and swaps, against answers found by geometry."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from geo_service.errors import InvalidQueryError
from geo_service.mcda.robustness import (
    ahead_shares,
    are_distinguishable,
    draw_weights,
    find_row,
    rank_acceptability,
)
from geo_service.mcda.scores import METHODS, Scorer, prepare
from geo_service.mcda.swap import smallest_swap

BENEFITS = {"x": "benefit", "y": "benefit"}


def scorer_of(
    rows: dict[str, list[float]], *, method: str = "weighted_sum", names: str = "xy"
) -> Scorer:
    """Return the scorer of benefits in rows."""
    matrix = pd.DataFrame.from_dict(rows, orient="index", columns=list(names))
    return prepare(matrix, dict.fromkeys(names, "benefit"), method=method)


TRIO = {"A": [1.0, 0.0], "B": [0.0, 1.0], "C": [0.6, 0.6]}
# With weight w on x: A scores w, B 1 - w, C .6. C is first for .4 < w < .6, A above, B below;
# C is always among the best two, A and B one half of the time each.


def test_acceptability_of_three_sites_is_that_of_the_geometry() -> None:
    scorer = scorer_of(TRIO)
    found = rank_acceptability(scorer, draw_weights(scorer), top=2)
    assert list(found.index) == ["A", "B", "C"]
    assert list(found["first"]) == pytest.approx([0.4, 0.4, 0.2], abs=0.015)
    assert list(found["in_top"]) == pytest.approx([0.5, 0.5, 1.0], abs=0.015)


@pytest.mark.parametrize("method", METHODS)
def test_acceptability_counts_what_each_draw_ranks(method: str) -> None:
    random = np.random.default_rng(7)
    matrix = pd.DataFrame(random.integers(0, 9, (12, 3)).astype(float), columns=list("xyz"))
    scorer = prepare(matrix, {"x": "benefit", "y": "cost", "z": "benefit"}, method=method)
    draws = draw_weights(scorer, count=40)
    found = rank_acceptability(scorer, draws)
    ranked = [scorer.score(dict(zip("xyz", draw, strict=True)))["rank"] for draw in draws]
    expected = pd.concat(ranked, axis=1)
    assert list(found["first"]) == pytest.approx(list((expected == 1).mean(axis=1)))
    assert list(found["in_top"]) == pytest.approx(list((expected <= 3).mean(axis=1)))


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = scorer_of(TRIO, method="vikor")
    draws = draw_weights(scorer, count=100)
    whole = rank_acceptability(scorer, draws, top=1)
    monkeypatch.setattr("geo_service.mcda.robustness._CHUNK_SCORES", 7)
    pd.testing.assert_frame_equal(rank_acceptability(scorer, draws, top=1), whole)


def test_candidates_that_are_alike_share_the_first_place() -> None:
    scorer = scorer_of({"A": [1, 1 / 3], "B": [1, 1 / 3], "C": [0, 0], "D": [0.2, 1 / 3]})
    found = rank_acceptability(scorer, draw_weights(scorer, count=500))
    assert list(found["first"]) == [1, 1, 0, 0]
    assert list(found["in_top"]) == [1, 1, 0, 1]


def test_fewer_candidates_than_places_are_all_in_the_top() -> None:
    scorer = scorer_of({"A": [1.0, 0.0], "B": [0.0, 1.0]})
    assert list(rank_acceptability(scorer, draw_weights(scorer, count=9))["in_top"]) == [1, 1]
    empty = prepare(pd.DataFrame({"x": [1.0]}).iloc[:0], {"x": "benefit"}, method="topsis")
    assert rank_acceptability(empty, np.ones((3, 1))).empty


def test_uniform_draws_cover_the_simplex() -> None:
    scorer = scorer_of({"A": [1, 0, 2], "B": [0, 1, 1]}, names="xyz")
    draws = draw_weights(scorer, count=20_000, seed=1)
    assert draws.shape == (20_000, 3)
    assert draws.sum(axis=1) == pytest.approx(1)
    # uniform: mean 1/3, variance (1/3)(2/3)/4 = 1/18
    assert draws.mean(axis=0) == pytest.approx(1 / 3, abs=0.005)
    assert draws.var(axis=0) == pytest.approx(1 / 18, abs=0.002)
    assert np.array_equal(draws, draw_weights(scorer, count=20_000, seed=1))
    assert not np.array_equal(draws, draw_weights(scorer, count=20_000, seed=2))


def test_draws_around_weights_keep_their_mean_and_their_zeros() -> None:
    scorer = scorer_of({"A": [1, 0, 2], "B": [0, 1, 1]}, names="xyz")
    draws = draw_weights(scorer, count=20_000, around={"x": 4, "y": 1, "z": 0}, concentration=50)
    assert draws.mean(axis=0) == pytest.approx([0.8, 0.2, 0], abs=0.002)
    assert draws[:, 0].std() == pytest.approx(math.sqrt(0.8 * 0.2 / 51), abs=0.001)  # .056
    assert not draws[:, 2].any()


def test_the_share_of_wins_of_each_pair() -> None:
    scorer = scorer_of(TRIO)
    found = ahead_shares(scorer, draw_weights(scorer), ["C", "A"])
    # C is ahead of A while w < .6
    assert list(found.columns) == list(found.index) == ["C", "A"]
    assert found.to_numpy().tolist() == pytest.approx(np.array([[0.5, 0.6], [0.4, 0.5]]), abs=0.015)


def test_two_sites_are_distinguishable_when_one_is_ahead_in_most_draws() -> None:
    scorer = scorer_of({**TRIO, "D": [0.5, 0.5]})
    uniform = draw_weights(scorer)
    assert not are_distinguishable("A", "B", scorer=scorer, draws=uniform)
    assert are_distinguishable("C", "D", scorer=scorer, draws=uniform)  # better on both
    assert are_distinguishable("D", "C", scorer=scorer, draws=uniform)
    sure = draw_weights(scorer, around={"x": 9, "y": 1})  # .9 ± .04
    assert are_distinguishable("A", "B", scorer=scorer, draws=sure)
    # C is ahead of A in .6 of the uniform draws
    assert are_distinguishable("A", "C", scorer=scorer, draws=uniform, confidence=0.55)


def test_the_smallest_swap_of_two_criteria() -> None:
    scorer = scorer_of({"A": [1.0, 0.0], "B": [0.0, 1.0], "C": [0.0, 0.0]})
    found = smallest_swap(scorer, {"x": 7, "y": 3})
    # equal at .5 and .5: Σ|new - old| = .2 + .2
    assert (found.first, found.second) == ("A", "B")
    assert found.change == pytest.approx(0.4)
    assert found.weights is not None
    assert dict(found.weights) == pytest.approx({"x": 0.5, "y": 0.5})
    assert found.single is not None
    assert dict(found.single) == pytest.approx({"x": 0.5, "y": 0.5})


def test_the_smallest_swap_moves_weight_between_the_criteria_that_tell_most() -> None:
    rows = {"A": [1.0, 0.5, 0.0], "B": [0.0, 0.4, 0.5], "C": [0.0, 0.0, 1.0], "D": [0.0, 1.0, 0.0]}
    scorer = scorer_of(rows, names="xyz")
    found = smallest_swap(scorer, {"x": 0.3, "y": 0.5, "z": 0.2}, first="A", second="B")
    # A's lead over B: x 1, y .1, z -.5; .3 + .05 - .1 = .25. Moving t from x to z takes 1.5 t
    # of it: t = 1/6, change 1/3.
    assert found.change == pytest.approx(1 / 3)
    assert found.weights is not None
    assert dict(found.weights) == pytest.approx({"x": 0.3 - 1 / 6, "y": 0.5, "z": 0.2 + 1 / 6})
    # x alone: others keep 5:2, so lead 1·w + (1 - w)(.05 - .1)/.7 = 0: w = .0714/1.0714 = 1/15
    # y alone: .1 w + (1 - w)(.3 - .1)/.5 = 0 has no root in 0..1
    # z alone: -.5 w + (1 - w)(.35/.8) = 0: w = .4375/.9375 = 7/15
    assert found.single is not None
    assert found.single["x"] == pytest.approx(1 / 15)
    assert math.isnan(float(found.single["y"]))
    assert found.single["z"] == pytest.approx(7 / 15)


def test_a_swap_may_exhaust_one_criterion_after_another() -> None:
    rows = {"A": [1.0, 1.0, 0.0], "B": [0.0, 0.5, 0.5], "C": [0.0, 0.0, 1.0]}
    scorer = scorer_of(rows, names="xyz")
    found = smallest_swap(scorer, {"x": 0.1, "y": 0.9, "z": 0}, first="A", second="B")
    # lead: x 1, y .5, z -.5; .1 + .45 = .55. All of x to z: 1.5·.1 = .15; .4 left / 1 from y.
    assert found.weights is not None
    assert dict(found.weights) == pytest.approx({"x": 0, "y": 0.5, "z": 0.5}, abs=1e-12)
    assert found.change == pytest.approx(1.0)


def test_no_weights_put_a_site_ahead_that_is_nowhere_better() -> None:
    found = smallest_swap(scorer_of({"A": [1, 1], "B": [0.5, 1], "C": [0, 0]}), {"x": 1, "y": 1})
    assert (found.change, found.weights, found.single) == (None, None, None)


def test_equal_sites_need_no_change() -> None:
    found = smallest_swap(scorer_of({"A": [1.0, 0.0], "B": [0.0, 1.0]}), {"x": 1, "y": 1})
    assert found.change == 0


def test_a_criterion_that_has_all_the_weight_has_no_single_change() -> None:
    scorer = scorer_of({"A": [1.0, 0.0], "B": [0.0, 1.0]})
    found = smallest_swap(scorer, {"x": 1, "y": 0})
    assert found.single is not None
    assert math.isnan(float(found.single["x"]))
    assert found.single["y"] == pytest.approx(0.5)


@given(
    st.lists(st.tuples(*[st.integers(0, 9)] * 3), min_size=2, max_size=6),
    st.tuples(*[st.integers(1, 9)] * 3),
    st.sampled_from(["weighted_sum", "promethee_ii"]),
)
@example([(0, 0, 2), (1, 1, 3), (2, 2, 1), (3, 0, 2)], (2, 7, 6), "promethee_ii")
def test_the_swap_reaches_equality_and_no_nearer_weights_do(
    rows: list[tuple[int, int, int]], weights: tuple[int, int, int], method: str
) -> None:
    ends = [(0, 0, 0), (9, 9, 9)]  # no column is constant
    matrix = pd.DataFrame([*rows, *ends], columns=list("xyz")).astype(float)
    scorer = prepare(matrix, dict.fromkeys("xyz", "benefit"), method=method)
    given_weights = dict(zip("xyz", weights, strict=True))
    order = scorer.score(given_weights).iloc[: len(rows)].sort_values("rank", kind="stable").index
    found = smallest_swap(scorer, given_weights, first=order[0], second=order[1])
    assume(found.change)
    assert found.change is not None
    assert found.weights is not None
    scores = scorer.score(found.weights)["score"]
    assert scores[order[0]] == pytest.approx(scores[order[1]], abs=1e-9)
    assert float(found.weights.sum()) == pytest.approx(1)
    old = scorer.weights(given_weights).to_numpy()
    draws = draw_weights(scorer, count=300, around=found.weights + 0.01, concentration=30)
    nearer = draws[np.abs(draws - old).sum(axis=1) < found.change - 1e-9]
    if len(nearer):
        both = scorer.method.scores(nearer)[:, [order[0], order[1]]]
        assert (both[:, 0] > both[:, 1]).all()


@pytest.mark.parametrize(
    ("call", "parameter"),
    [
        (lambda one: smallest_swap(one, {"x": 1, "y": 1}, first="Z"), "first"),
        (lambda one: smallest_swap(one, {"x": 9, "y": 1}, first="B", second="A"), "first"),
        (lambda one: smallest_swap(one, {"x": 9, "y": 1}, first="A", second="A"), "second"),
        (lambda one: ahead_shares(one, draw_weights(one), ["A", "Z"]), "candidates"),
        (lambda one: rank_acceptability(one, np.ones((3, 5))), "draws"),
        (lambda one: rank_acceptability(one, np.ones((0, 2))), "draws"),
        (lambda one: rank_acceptability(one, draw_weights(one), top=0), "top"),
        (lambda one: draw_weights(one, count=0), "count"),
        (lambda one: draw_weights(one, around={"x": 1}), "weights"),
        (lambda one: draw_weights(one, around={"x": 1, "y": 1}, concentration=0), "concentration"),
        (
            lambda one: are_distinguishable(
                "A", "B", scorer=one, draws=draw_weights(one), confidence=0.2
            ),
            "confidence",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(call: object, parameter: str) -> None:
    assert callable(call)
    with pytest.raises(InvalidQueryError) as caught:
        call(scorer_of(TRIO))
    assert caught.value.parameter == parameter


def test_a_swap_needs_two_candidates() -> None:
    one = prepare(pd.DataFrame({"x": [1.0, 2.0]}).iloc[:0], {"x": "benefit"}, method="weighted_sum")
    with pytest.raises(InvalidQueryError, match="fewer than two candidates"):
        smallest_swap(one, {"x": 1})


@pytest.mark.parametrize("method", ["topsis", "vikor"])
def test_a_swap_that_is_searched_for_by_hand(method: str) -> None:
    # A is best on x alone and B on y alone, C worst on both. TOPSIS (vector scaling, 1 and 0):
    # closeness of A is x/(x + y). VIKOR: S = R = y for A, x for B. Both turn at x = y.
    scorer = scorer_of({"A": [1.0, 0.0], "B": [0.0, 1.0], "C": [0.0, 0.0]}, method=method)
    found = smallest_swap(scorer, {"x": 7, "y": 3})
    assert (found.first, found.second, found.is_exact) == ("A", "B", False)
    assert found.change == pytest.approx(0.4)
    assert found.single is not None
    assert dict(found.single) == pytest.approx({"x": 0.5, "y": 0.5})
    assert found.weights is not None
    # There they are alike: closeness 1/2 for both, S and R the least of all for both.
    both = scorer.score(found.weights)["score"].iloc[:2]
    assert list(both) == pytest.approx([0.5, 0.5] if method == "topsis" else [1, 1])
    again = smallest_swap(scorer, {"x": 7, "y": 3})
    assert again.weights is not None
    assert again.weights.equals(found.weights)


@pytest.mark.parametrize("method", ["topsis", "vikor"])
@pytest.mark.parametrize("seed", range(6))
def test_no_nearer_weights_on_a_fine_grid_turn_the_order(method: str, seed: int) -> None:
    values = np.random.default_rng(seed).random((7, 3))
    scorer = prepare(
        pd.DataFrame(values, columns=list("xyz")), dict.fromkeys("xyz", "benefit"), method=method
    )
    current = {"x": 0.5, "y": 0.3, "z": 0.2}
    found = smallest_swap(scorer, current)
    x, y = np.meshgrid(np.arange(201) / 200, np.arange(201) / 200)
    grid = np.column_stack([x.ravel(), y.ravel(), 1 - x.ravel() - y.ravel()])
    grid = grid[grid[:, 2] >= -1e-12].clip(0)
    rows = [find_row(scorer, "first", name) for name in (found.first, found.second)]
    scores = scorer.method.scores(grid)[:, rows]
    turned = grid[scores[:, 0] <= scores[:, 1]]
    nearest = np.abs(turned - [0.5, 0.3, 0.2]).sum(axis=1).min(initial=np.inf)
    if found.change is None:
        assert np.isinf(nearest)
        return
    assert found.weights is not None
    assert found.change <= nearest + 1e-9  # the grid is a hundredth wide, the search finer
    assert float(found.weights.sum()) == pytest.approx(1)
    reached = scorer.score(found.weights)["score"].to_dict()
    assert reached[found.first] == pytest.approx(reached[found.second], abs=1e-9)


@pytest.mark.parametrize("method", ["topsis", "vikor"])
def test_a_search_finds_no_weights_for_a_site_that_is_nowhere_better(method: str) -> None:
    rows = {"A": [1.0, 1.0], "B": [0.5, 0.9], "C": [0.0, 0.0]}
    found = smallest_swap(scorer_of(rows, method=method), {"x": 1, "y": 1})
    assert (found.change, found.weights, found.is_exact) == (None, None, False)


def test_what_else_is_asked_of_the_draws_needs_no_second_pass() -> None:
    scorer = scorer_of(TRIO)
    draws = draw_weights(scorer, count=50)
    seen: list[np.ndarray] = []
    rank_acceptability(scorer, draws, on_scores=lambda scores: seen.append(scores.copy()))
    assert np.allclose(np.vstack(seen), scorer.method.scores(draws))


@pytest.mark.parametrize(("size", "decimals"), [(500, 12), (500, 1), (449, 2), (130, 12)])
def test_the_best_of_many_are_those_that_sorting_finds(size: int, decimals: int) -> None:
    random = np.random.default_rng(size)
    matrix = pd.DataFrame(random.random((size, 3)).round(decimals), columns=list("xyz"))
    scorer = prepare(matrix, dict.fromkeys("xyz", "benefit"), method="weighted_sum")
    draws = draw_weights(scorer, count=60)
    found = rank_acceptability(scorer, draws, top=3)
    scores = scorer.method.scores(draws)
    ordered = np.sort(scores, axis=1)
    # Scores that differ by rounding only share a place.
    first = (scores >= ordered[:, [-1]] - 1e-13).mean(axis=0)
    in_top = (scores >= ordered[:, [-3]] - 1e-13).mean(axis=0)
    assert list(found["first"]) == pytest.approx(list(first))
    assert list(found["in_top"]) == pytest.approx(list(in_top))
    assert found["in_top"].sum() >= 3
