"""First-order sensitivity of the lead; the figures need SALib, which is optional."""

from __future__ import annotations

import sys

import pandas as pd
import pytest

from geo_service.errors import InvalidQueryError
from geo_service.mcda.scores import METHODS, Scorer, prepare
from geo_service.mcda.sensitivity import first_order_sensitivity

NAMES = ["road", "power", "slope", "unused"]
WEIGHTS = {"road": 0.4, "power": 0.3, "slope": 0.3, "unused": 0}


def scorer_of(method: str = "weighted_sum") -> Scorer:
    """Return two rivals, A far better by road and B by slope, and two that set the bounds."""
    matrix = pd.DataFrame(
        {
            "road": [1.0, 0.2, 0.0, 0.0],
            "power": [0.6, 0.6, 0.0, 1.0],
            "slope": [0.3, 1.0, 0.0, 0.0],
            "unused": [0.0, 1.0, 0.5, 0.0],
        },
        index=["A", "B", "C", "D"],
    )
    return prepare(matrix, dict.fromkeys(NAMES, "benefit"), method=method)


@pytest.mark.parametrize("method", METHODS)
def test_indices_are_shares_and_an_unused_criterion_has_none(method: str) -> None:
    pytest.importorskip("SALib")
    found = first_order_sensitivity(scorer_of(method), WEIGHTS, samples=256)
    assert list(found.index) == NAMES
    assert list(found.columns) == ["first_order", "first_order_error", "total", "total_error"]
    assert not found.loc["unused"].any()
    assert -0.1 < float(found["first_order"].sum()) < 1.1
    assert (found["total"] >= found["first_order"] - 0.1).all()
    again = first_order_sensitivity(scorer_of(method), WEIGHTS, samples=256)
    pd.testing.assert_frame_equal(again, found)


def test_the_weights_that_tell_the_rivals_apart_explain_the_lead() -> None:
    pytest.importorskip("SALib")
    # A's lead over B, (.8 road - .7 slope)/(road + power + slope), has the derivatives
    # .8 - .11, 0 - .11 and -.7 - .11 at road .4, power .3, slope .3 (lead .11). Times the spread
    # of each weight, in proportion .4 .3 .3, and squared: .0762, .0011, .0590 of .1363:
    # about 56, 1 and 43 %, were the lead linear; C and D never come near.
    found = first_order_sensitivity(scorer_of(), WEIGHTS, samples=2048)["first_order"]
    assert found["road"] == pytest.approx(0.56, abs=0.06)
    assert found["slope"] == pytest.approx(0.43, abs=0.06)
    assert found["power"] == pytest.approx(0.01, abs=0.03)


def test_a_lead_that_does_not_move_has_no_indices() -> None:
    pytest.importorskip("SALib")
    matrix = pd.DataFrame({"x": [2.0, 0.0], "y": [3.0, 0.0]})
    scorer = prepare(matrix, {"x": "benefit", "y": "benefit"}, method="weighted_sum")
    assert not first_order_sensitivity(scorer, {"x": 1, "y": 1}, samples=16).to_numpy().any()


def test_without_salib_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("SALib")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "SALib", None)
    with pytest.raises(InvalidQueryError, match=r"geo-service\[sensitivity\]"):
        first_order_sensitivity(scorer_of(), WEIGHTS)


@pytest.mark.parametrize(
    ("options", "parameter"),
    [({"spread": 0}, "spread"), ({"spread": 1.5}, "spread"), ({"samples": 1000}, "samples")],
)
def test_what_cannot_be_asked_is_refused_by_name(options: dict[str, int], parameter: str) -> None:
    with pytest.raises(InvalidQueryError) as caught:
        first_order_sensitivity(scorer_of(), WEIGHTS, **options)
    assert caught.value.parameter == parameter


def test_one_candidate_has_no_lead() -> None:
    empty = pd.DataFrame({"x": [1.0]}).iloc[:0]
    scorer = prepare(empty, {"x": "benefit"}, method="topsis")
    with pytest.raises(InvalidQueryError, match="no lead"):
        first_order_sensitivity(scorer, {"x": 1})
