"""Agreement of rankings, counted pair by pair."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_service.errors import InvalidQueryError
from geo_service.mcda.agreement import agreement, kendall_tau


def ranking(**ranks: int) -> pd.DataFrame:
    """Return a result with these ranks."""
    return pd.DataFrame({"rank": pd.Series(ranks)})


def test_agreement_of_three_methods() -> None:
    found = agreement(
        {
            "sum": ranking(A=1, B=2, C=3, D=4),
            "topsis": ranking(B=1, A=2, D=4, C=3),  # another order of rows
            "vikor": ranking(A=4, B=3, C=2, D=1),
        },
        top=2,
    )
    # sum and topsis: 5 of 6 pairs agree, 1 does not; sum and vikor: none; topsis and vikor: 1 and 5
    assert dict(found["kendall_tau"]) == pytest.approx(
        {("sum", "topsis"): 4 / 6, ("sum", "vikor"): -1, ("topsis", "vikor"): -4 / 6}
    )
    assert list(found["top_overlap"]) == [1, 0, 0]


def test_the_overlap_is_of_the_larger_set_where_ranks_are_shared() -> None:
    left, right = ranking(A=1, B=2, C=2, D=4), ranking(A=1, B=2, C=3, D=4)
    found = agreement({"left": left, "right": right}, top=2)
    assert found["top_overlap"].iloc[0] == pytest.approx(2 / 3)  # A B C against A B
    # pairs: 5 agree, 1 tied on the left: 5 / √(5·6)
    assert found["kendall_tau"].iloc[0] == pytest.approx(5 / math.sqrt(30))


def test_rankings_without_order_have_no_tau() -> None:
    found = agreement({"left": ranking(A=1, B=1), "right": ranking(A=1, B=2)}, top=1)
    assert math.isnan(float(found["kendall_tau"].iloc[0]))
    empty = agreement({"left": ranking(), "right": ranking()})
    assert empty.isna().all(axis=None)


def test_one_ranking_has_no_pair() -> None:
    found = agreement({"sum": ranking(A=1)})
    assert found.empty
    assert list(found.columns) == ["kendall_tau", "top_overlap"]


def test_rankings_of_different_candidates_are_refused() -> None:
    with pytest.raises(InvalidQueryError, match="left and right rank different candidates"):
        agreement({"left": ranking(A=1, B=2), "right": ranking(A=1, C=2)})


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=2, max_size=40))
def test_tau_is_that_of_all_pairs(ranks: list[tuple[int, int]]) -> None:
    left, right = (np.array(column) for column in zip(*ranks, strict=True))
    above = np.triu_indices(len(left), k=1)
    signs = [np.sign(side[:, None] - side[None, :])[above] for side in (left, right)]
    scale = math.sqrt(float((signs[0] != 0).sum()) * float((signs[1] != 0).sum()))
    found = kendall_tau(left, right)
    if scale:
        assert found == pytest.approx(float((signs[0] * signs[1]).sum()) / scale)
    else:
        assert math.isnan(found)
