"""Rows as dictionaries: plain values, whatever the column's type."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo_service.plan import rows_of


def test_rows_hold_plain_values_and_no_geometry() -> None:
    frame = gpd.GeoDataFrame(
        {
            "text": pd.array(["a", None], dtype="str"),
            "number": [1.5, float("nan")],
            "whole": pd.array([2, None], dtype="Int64"),
            "flag": pd.array([True, None], dtype="boolean"),
            "sure": [True, False],
        },
        geometry=np.array([shapely.Point(0, 0), None], dtype=object),
        index=[7, 9],
    )
    first, second = rows_of(frame)
    assert first == {"text": "a", "number": 1.5, "whole": 2, "flag": True, "sure": True}
    assert [type(value) for value in first.values()] == [str, float, int, bool, bool]
    assert (second["whole"], second["flag"], second["sure"]) == (None, None, False)
    assert math.isnan(second["text"])
    assert math.isnan(second["number"])


def test_no_rows_are_no_dictionaries() -> None:
    assert rows_of(pd.DataFrame({"a": []})) == []
