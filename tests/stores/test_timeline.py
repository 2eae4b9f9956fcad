"""A layer through its versions: which state of a feature stands where, derived by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from geo_service.stores import timeline
from geo_service.stores.base import LayerVersion
from geo_service.stores.timeline import Timeline, make_timeline, newest_entries
from tests.depth import thorough
from tests.stores.rows import floors, parcels

METRIC = "EPSG:4545"


def entry(number: int, features: int, layer: str = "parcels") -> LayerVersion:
    return LayerVersion(
        layer=layer,
        number=number,
        digest=f"{number:064x}",
        made_at=datetime(2026, 1, 1 + number, tzinfo=UTC),
        note="",
        source="",
        features=features,
    )


def made(*frames: pd.DataFrame, layer: str = "parcels") -> Timeline:
    entries = [entry(number, len(frame), layer) for number, frame in enumerate(frames)]
    return make_timeline(entries, iter(frames), layer=layer, metric_crs=METRIC)


def spans(found: Timeline) -> list[tuple[str, int, int]]:
    states = found.states[["feature_id", "first_step", "last_step"]]
    return sorted(states.itertuples(index=False, name=None))


def history() -> tuple[gpd.GeoDataFrame, ...]:
    """L0 stays; L1 changes at 1; L2 goes at 1 and comes back at 2; L3 comes at 2."""
    first = parcels(3)
    second = parcels(3).drop(index=2).reset_index(drop=True)
    second.loc[1, "status"] = "idle"
    third = parcels(4)
    third.loc[1, "status"] = "idle"
    return first, second, third


def test_each_state_stands_from_its_first_version_to_its_last() -> None:
    found = made(*history())
    assert spans(found) == [
        ("L0", 0, 2),
        ("L1", 0, 0),
        ("L1", 1, 2),
        ("L2", 0, 0),
        ("L2", 2, 2),
        ("L3", 2, 2),
    ]
    assert [(step.added, [*step.changed], sorted(step.removed)) for step in found.steps] == [
        (0, [], []),
        (0, ["L1"], ["L2"]),
        (2, [], []),
    ]
    assert found.steps[1].changed["L1"].columns == {"status": ("built", "idle")}
    assert found.newest["parcel_id"].tolist() == ["L0", "L1", "L2", "L3"]


def test_one_version_is_a_timeline_too() -> None:
    assert spans(made(parcels(2))) == [("L0", 0, 0), ("L1", 0, 0)]
    assert len(made(parcels(0)).states) == 0


def test_a_table_has_a_timeline_by_its_compound_key() -> None:
    later = floors(2).drop(index=0).reset_index(drop=True)
    assert spans(made(floors(2), later, layer="floors")) == [("B/1", 0, 0), ("B/2", 0, 1)]


def test_of_a_long_history_the_newest_versions_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    newest_first = [entry(number, 10) for number in range(9, -1, -1)]
    monkeypatch.setattr(timeline, "MOST_STEPS", 4)
    assert [item.number for item in newest_entries(newest_first)] == [6, 7, 8, 9]
    monkeypatch.setattr(timeline, "MOST_ROWS", 25)
    assert [item.number for item in newest_entries(newest_first)] == [8, 9]
    monkeypatch.setattr(timeline, "MOST_ROWS", 5)
    assert [item.number for item in newest_entries(newest_first)] == [8, 9]


Version = list[tuple[int, int]]
versions = st.lists(
    st.dictionaries(st.integers(0, 5), st.integers(0, 2), max_size=6).map(
        lambda found: sorted(found.items())
    ),
    min_size=1,
    max_size=5,
)


def frame_of(version: Version) -> gpd.GeoDataFrame:
    """Return parcels with these numbers, each with a plot ratio of its own."""
    frame: Any = parcels(6).iloc[[number for number, _ in version]].reset_index(drop=True)
    frame["plot_ratio"] = pd.array([float(ratio) for _, ratio in version], dtype="Float64")
    return gpd.GeoDataFrame(frame, crs=parcels(1).crs)


@thorough(60)
@given(history=versions)
def test_the_states_of_any_step_are_its_version(history: list[Version]) -> None:
    frames = [frame_of(version) for version in history]
    found = made(*frames)
    columns = ["parcel_id", "plot_ratio"]
    for step, frame in enumerate(frames):
        states = found.states
        stands = (states["first_step"] <= step) & (step <= states["last_step"])
        there = states.loc[stands, columns].sort_values("parcel_id").reset_index(drop=True)
        wanted = pd.DataFrame(frame)[columns]
        assert_frame_equal(there.astype("object"), wanted.astype("object"), check_dtype=False)
