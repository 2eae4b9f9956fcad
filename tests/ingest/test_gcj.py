"""GCJ-02 and BD-09: as accurate as the published pairs, and there and back again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_service.ingest.gcj import (
    bd09_to_wgs84,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)

in_china = st.tuples(st.floats(73.5, 135, allow_nan=False), st.floats(18, 53.5, allow_nan=False))


def at(lon: float, lat: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array([[lon, lat]])


def test_the_published_pairs() -> None:
    # Published pairs of the open-source library coordtransform, and the one of the domain notes.
    found = wgs84_to_gcj02(at(116.404, 39.915))[0]
    assert found.tolist() == pytest.approx([116.41024449916938, 39.91640428150164], abs=1e-12)
    found = gcj02_to_bd09(at(116.404, 39.915))[0]
    assert found.tolist() == pytest.approx([116.41036949371029, 39.92133699351021], abs=1e-12)


def test_the_way_back_is_exact_where_the_usual_formula_is_not() -> None:
    back = gcj02_to_wgs84(at(116.41024449916938, 39.91640428150164))[0]
    assert back.tolist() == pytest.approx([116.404, 39.915], abs=1e-9)
    # The usual one-step inverse of (116.404, 39.915) is off by 1e-6 degrees and more.
    usual = np.array([116.39775550083061, 39.91359571849836])
    exact = gcj02_to_wgs84(at(116.404, 39.915))[0]
    assert 1e-7 < np.abs(exact - usual).max() < 1e-4
    assert wgs84_to_gcj02(exact[None])[0].tolist() == pytest.approx([116.404, 39.915], abs=1e-10)


def test_offsets_in_the_county_are_those_of_the_domain_notes() -> None:
    metres = np.array([np.cos(np.radians(30.93)), 1]) * 111_195
    gcj = (wgs84_to_gcj02(at(108.70, 30.93)) - at(108.70, 30.93))[0] * metres
    bd = (wgs84_to_bd09(at(108.70, 30.93)) - at(108.70, 30.93))[0] * metres
    assert np.hypot(*gcj) == pytest.approx(498, abs=30)
    assert np.hypot(*bd) == pytest.approx(1_115, abs=100)


def test_outside_china_nothing_is_shifted() -> None:
    for place in (at(2.35, 48.85), at(-58.4, -34.6)):
        for change in (wgs84_to_gcj02, wgs84_to_bd09, gcj02_to_wgs84, bd09_to_wgs84):
            assert change(place).tolist() == place.tolist()


@given(in_china)
def test_there_and_back(place: tuple[float, float]) -> None:
    start = at(*place)
    assert np.abs(gcj02_to_wgs84(wgs84_to_gcj02(start)) - start).max() < 1e-9
    assert np.abs(bd09_to_wgs84(wgs84_to_bd09(start)) - start).max() < 1e-9
