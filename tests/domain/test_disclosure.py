"""Which counts and sums may be told, and that who subtracts learns no withheld one."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_service.domain.disclosure import (
    LEAST_COUNT,
    ToldCounts,
    is_share_told,
    is_sum_told,
    told_counts,
)
from tests.depth import thorough

COUNTS = st.lists(st.integers(0, 9), min_size=1, max_size=4)


def tables(told: ToldCounts, *, knows_rule: bool, counts: list[int]) -> list[tuple[int, ...]]:
    """Return every table that an attacker cannot rule out, cell by cell as withheld.

    One who knows the rule even knows which cells are withheld for being small.
    """
    withheld = [at for at, cell in enumerate(told.cells) if cell is None]
    assert told.total is not None
    left = told.total - sum(cell for cell in told.cells if cell is not None)
    ranges = []
    for at in withheld:
        is_small = counts[at] < LEAST_COUNT
        low = LEAST_COUNT if knows_rule and not is_small else 0
        high = LEAST_COUNT - 1 if knows_rule and is_small else left
        ranges.append(range(low, high + 1))
    *free, last = ranges
    return [
        (*values, left - sum(values)) for values in product(*free) if left - sum(values) in last
    ]


@thorough(60)
@given(counts=COUNTS, knows_rule=st.booleans())
def test_who_subtracts_every_told_cell_from_the_total_learns_no_withheld_one(
    *, counts: list[int], knows_rule: bool
) -> None:
    """By trying every table: at least three values stay possible for each withheld cell."""
    told = told_counts(counts)
    assert all(cell in {None, count} for cell, count in zip(told.cells, counts, strict=True))
    assert all(cell is None or cell >= LEAST_COUNT for cell in told.cells)
    if told.total is None:
        assert set(told.cells) == {None}
        return
    if None not in told.cells:
        assert min(counts) >= LEAST_COUNT
        return
    possible = tables(told, knows_rule=knows_rule, counts=counts)
    for column in zip(*possible, strict=True):
        assert max(column) - min(column) >= 2


@thorough(100)
@given(st.lists(st.integers(5, 500), max_size=30))
def test_nothing_is_withheld_of_counts_that_may_all_be_told(counts: list[int]) -> None:
    assert told_counts(counts) == ToldCounts(tuple(counts), sum(counts))


@pytest.mark.parametrize(
    ("counts", "cells", "total"),
    [
        # 31 - 20 = 11 for the two: the small one may be 0 to 4.
        ([3, 8, 20], (None, None, 20), 31),
        # Alone, 5 beside 0 would leave 5 - 5 = 0 for the small one; 9 leaves 0 to 4.
        ([0, 5, 9], (None, 5, None), 14),
        # Two small ones with 8 together are 4 and 4: a third cell is needed.
        ([4, 4, 30], (None, None, None), 38),
        # 2 and 2 are 0 to 4 each: nobody needs a third.
        ([2, 2, 30], (None, None, 30), 34),
        # Nothing to hide it behind: the total would tell it.
        ([3], (None,), None),
        ([0, 0], (None, None), None),
        ([], (), 0),
    ],
)
def test_a_small_count_takes_another_one_with_it(
    counts: list[int], cells: tuple[int | None, ...], total: int | None
) -> None:
    assert told_counts(counts) == ToldCounts(cells, total)


@pytest.mark.parametrize(
    ("values", "is_told"),
    [
        ([10, 10, 10, 10], False),  # four contribute
        ([10, 10, 10, 10, 0], False),  # so do four here
        ([10, 10, 10, 10, 10], True),
        ([50, 40, 4, 4, 2], False),  # the two largest: 90 of 100, more than 85
        ([50, 34, 6, 6, 4], True),  # 84 of 100; the others are 16, more than 10 % of 50
        ([100, 1, 3, 3, 2], False),  # the two largest: 103 of 109
        ([-50, 40, 4, 4, 2], False),  # a loss is as large as it is
    ],
)
def test_a_sum_that_few_make_up_is_withheld(*, values: list[float], is_told: bool) -> None:
    assert is_sum_told(values) is is_told


def test_a_share_is_told_of_two_sides_that_are_told() -> None:
    many = [10.0] * 5
    assert is_share_told(many, many)
    assert not is_share_told(many, [10.0])  # 5 of 6 tells that there is one other
    assert not is_share_told(many, [])
