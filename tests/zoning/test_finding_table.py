"""Findings met by a box are those whose geometry meets it, though little geometry is cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import shapely

from geo_service.zoning import measured
from geo_service.zoning.finding_table import Coded
from geo_service.zoning.review import Review, review


@pytest.mark.parametrize("is_cut_later", [False, True])
def test_a_box_meets_what_cutting_everything_says(
    demo_review: Review, monkeypatch: pytest.MonkeyPatch, *, is_cut_later: bool
) -> None:
    result = demo_review
    if is_cut_later:
        monkeypatch.setattr(measured, "MANY_SUBJECTS", 1)
        result = review(demo_review.plan)
    every = np.arange(len(result.results))
    shapes = result.geometry.to_numpy()
    west, south, east, north = (float(edge) for edge in shapely.total_bounds(shapes))
    columns, rows = np.linspace(west, east, 9), np.linspace(south, north, 9)
    met_somewhere = np.zeros(len(every), dtype=bool)
    for one, other in pairwise(columns.tolist()):
        for low, high in pairwise(rows.tolist()):
            met = result.meeting((one, low, other, high), every)
            expected = shapely.intersects(shapes, shapely.box(one, low, other, high))
            assert met.tolist() == expected.tolist()
            met_somewhere |= met
    assert met_somewhere.tolist() == result.results.has_geometry.tolist()


def test_a_coded_column_tells_its_values_and_what_has_none() -> None:
    column = Coded.of(["a", None, "b", "a"], ["c"])
    every = np.ones(4, dtype=bool)
    assert column.counts(every) == {"c": 0, "a": 2, "b": 1}
    assert column.among({"a", "none"}).tolist() == [True, False, False, True]
    first = column.mapped(lambda name: None if name == "a" else "rest")
    assert first.counts(every) == {"rest": 1}
    assert first.among({"rest"}).tolist() == [False, False, True, False]
