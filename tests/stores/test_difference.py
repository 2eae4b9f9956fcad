"""What changed between two versions: the numbers derived by hand, on squares in metres."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import geopandas as gpd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo_service.language import Language, Translator
from geo_service.reports.layer import difference_document, difference_features, difference_table
from geo_service.stores.base import LayerVersion, Store
from geo_service.stores.difference import (
    ChangeCounts,
    count_differences,
    emptied_columns,
    find_differences,
)
from tests.county import box, in_degrees
from tests.depth import thorough
from tests.stores.made import publish
from tests.stores.rows import as_frame, enterprises, floors, parcels

METRIC = "EPSG:4545"


def squares(*shapes: Any, **values: object) -> gpd.GeoDataFrame:  # noqa: ANN401 - shapes in metres
    """Return parcels L0, L1, ... with shapes given in metres."""
    frame = parcels(len(shapes), **values)
    frame["geometry"] = [in_degrees(shape) for shape in shapes]
    return frame


def test_nothing_changed_from_a_version_to_itself() -> None:
    found = find_differences(parcels(5), parcels(5), layer="parcels", metric_crs=METRIC)
    assert (len(found.added), len(found.removed), found.changed) == (0, 0, ())
    assert found.unchanged == 5


def test_features_added_removed_and_changed_are_told_apart() -> None:
    before, after = parcels(4), parcels(5).drop(index=1).reset_index(drop=True)
    after.loc[0, "status"] = "idle"
    after.loc[1, "plot_ratio"] = None  # parcel L2
    found = find_differences(before, after, layer="parcels", metric_crs=METRIC)
    assert found.added["parcel_id"].tolist() == ["L4"]
    assert found.removed["parcel_id"].tolist() == ["L1"]
    assert [(item.id, item.columns, item.shape) for item in found.changed] == [
        ("L0", {"status": ("vacant", "idle")}, None),
        ("L2", {"plot_ratio": (1.5, None)}, None),
    ]
    assert found.unchanged == 1


def test_changes_are_counted_without_being_measured() -> None:
    before, after = parcels(4), parcels(6).drop(index=1).reset_index(drop=True)
    after.loc[0, "status"] = "idle"
    counts = count_differences(before, after, layer="parcels")
    # L1 is gone, L4 and L5 are new, L0 is changed; L2 and L3 stay.
    assert counts == ChangeCounts(added=2, removed=1, changed=1, unchanged=2, altered=1)
    assert counts.before == 4
    nothing = count_differences(before.head(0), after, layer="parcels")
    assert nothing == ChangeCounts(added=5, removed=0, changed=0, unchanged=0)


def test_a_moved_square_is_measured_in_metres() -> None:
    # 100 m square moved 10 m east: 10 x 100 m given up and 10 x 100 m won.
    found = find_differences(
        squares(box(0, 0, 100, 100)),
        squares(box(10, 0, 100, 100)),
        layer="parcels",
        metric_crs=METRIC,
    )
    (item,) = found.changed
    assert item.shape is not None
    assert item.shape.area_before_m2 == pytest.approx(10_000, abs=0.01)
    assert item.shape.area_after_m2 == pytest.approx(10_000, abs=0.01)
    assert item.shape.moved_area_m2 == pytest.approx(2_000, abs=0.01)
    assert item.shape.hausdorff_m == pytest.approx(10, abs=1e-4)


def test_moved_shapes_are_counted_apart_from_other_values() -> None:
    before = squares(box(0, 0, 100, 100), box(200, 0, 100, 100), box(400, 0, 100, 100))
    after = squares(box(0, 0, 100, 100), box(201, 0, 100, 100), box(400, 0, 100, 101))
    after.loc[[0, 1], "status"] = "idle"
    counts = count_differences(before, after, layer="parcels")
    assert (counts.changed, counts.altered, counts.moved) == (3, 2, 2)


def test_a_shape_that_was_converted_and_back_has_not_moved() -> None:
    before = squares(box(0, 0, 100, 100), box(200, 0, 100, 100))
    after = before.to_crs(METRIC).to_crs("EPSG:4490")
    assert not shapely.equals_identical(before.geometry, after.geometry).all()
    ring = list(after.geometry.iloc[0].exterior.coords)[:-1]
    after.loc[0, "geometry"] = shapely.Polygon([*ring[2:], *ring[:2]])  # begun elsewhere too
    assert count_differences(before, after, layer="parcels").unchanged == 2
    # A centimetre is no rounding.
    moved = squares(box(0.01, 0, 100, 100), box(200, 0, 100, 100))
    assert count_differences(before, moved, layer="parcels").moved == 1


def test_columns_that_have_values_in_the_earlier_version_only_are_emptied() -> None:
    before, after = parcels(4), parcels(4, plot_ratio=None)
    # L0 has no plot ratio; the other three have.
    assert emptied_columns(before, after, layer="parcels") == {"plot_ratio": 3}
    after.loc[2, "plot_ratio"] = 1.0
    assert emptied_columns(before, after, layer="parcels") == {}
    assert emptied_columns(after, before, layer="parcels") == {}


def test_the_same_outline_begun_elsewhere_has_not_changed() -> None:
    shape = box(0, 0, 100, 100)
    x, y = shape.exterior.xy
    ring = list(zip(x, y, strict=True))[:-1]
    turned = shapely.Polygon([*ring[2:], *ring[:2]][::-1])
    before, after = squares(shape), squares(turned)
    assert not before.geometry.iloc[0].equals_exact(after.geometry.iloc[0], 0)
    found = find_differences(before, after, layer="parcels", metric_crs=METRIC)
    assert found.changed == ()


def test_a_shape_that_came_or_went_is_a_change_without_a_distance() -> None:
    before, after = enterprises(), enterprises()
    after.loc[0, "geometry"] = shapely.Point(108, 31)
    found = find_differences(before, after, layer="enterprises", metric_crs=METRIC)
    (item,) = found.changed
    assert item.id == "E1/2024"
    assert item.columns == {}
    assert item.shape is not None
    assert (item.shape.moved_area_m2, item.shape.hausdorff_m) == (None, None)


def test_rows_of_a_table_are_named_by_both_columns_of_their_key() -> None:
    before, after = floors(3), floors(2)
    after.loc[1, "vacant_m2"] = 50.0
    found = find_differences(before, after, layer="floors", metric_crs=METRIC)
    assert [item.id for item in found.changed] == ["B/2"]
    document = difference_document(_entry(), _entry(), found)
    assert document["removed"] == ["B/3"]
    assert document["counts"] == {"added": 0, "removed": 1, "changed": 1, "unchanged": 1}
    assert document["changed"][0]["columns"] == {"vacant_m2": {"before": None, "after": 50.0}}
    bare = difference_document(_entry(), _entry(), found, with_values=False)
    assert bare["changed"][0]["columns"] == ["vacant_m2"]


def test_differences_go_out_as_features_and_as_a_table() -> None:
    before = squares(box(0, 0, 10, 10), box(20, 0, 10, 10))
    after = squares(box(0, 0, 10, 10), box(20, 5, 10, 10), box(40, 0, 10, 10))
    after = after.drop(index=0).reset_index(drop=True)
    found = find_differences(before, after, layer="parcels", metric_crs=METRIC)
    features = difference_features(found)
    assert [(item["id"], item["properties"]["change"]) for item in features] == [
        ("L2", "added"),
        ("L0", "removed"),
        ("L1", "changed"),
    ]
    assert all(item["geometry"]["type"] == "Polygon" for item in features)
    # 10 m square moved 5 m north: 5 x 10 m given up and won.
    assert features[2]["properties"]["moved_area_m2"] == pytest.approx(100, abs=0.01)
    table = difference_table(found, Translator(Language.EN), width=120)
    assert "1 added, 1 removed, 1 changed, 0 unchanged" in table
    assert "100.00" in table


def test_hostile_ids_stay_on_their_line_of_the_table() -> None:
    row = parcels(1).iloc[0].to_dict()
    frame = as_frame("parcels", [{**row, "parcel_id": "[bold]x[/]\x1b[31m"}])
    found = find_differences(parcels(0), frame, layer="parcels", metric_crs=METRIC)
    table = difference_table(found, Translator(Language.EN), width=120)
    assert "[bold]x[/]" in table
    assert "\x1b" not in table


def _entry() -> LayerVersion:
    return LayerVersion(
        layer="floors",
        number=1,
        digest="0" * 64,
        made_at=datetime(2026, 11, 23, tzinfo=UTC),
        note="",
        source="",
        features=1,
    )


@thorough(30)
@given(
    before=st.lists(st.integers(0, 9), unique=True),
    after=st.lists(st.integers(0, 9), unique=True),
    touched=st.sets(st.integers(0, 9)),
)
def test_every_feature_stands_in_one_list(
    before: list[int], after: list[int], touched: set[int]
) -> None:
    every = parcels(10)
    old, new = every.iloc[before].reset_index(drop=True), every.iloc[after].reset_index(drop=True)
    new["area_m2"] = [
        area + (number in touched) for area, number in zip(new["area_m2"], after, strict=True)
    ]
    found = find_differences(old, new, layer="parcels", metric_crs=METRIC)
    ids = {f"L{number}" for number in before}, {f"L{number}" for number in after}
    assert set(found.added["parcel_id"]) == ids[1] - ids[0]
    assert set(found.removed["parcel_id"]) == ids[0] - ids[1]
    both = set(before) & set(after)
    assert {item.id for item in found.changed} == {f"L{number}" for number in both & touched}
    assert found.unchanged == len(both - touched)
    back = find_differences(new, old, layer="parcels", metric_crs=METRIC)
    assert set(back.removed["parcel_id"]) == set(found.added["parcel_id"])


def test_versions_of_a_store_are_compared(store: Store) -> None:
    first = publish(store, 2)
    publish(store, 3, expected=first)
    found = find_differences(
        store.read("parcels", "1"),
        store.read("parcels", "2"),
        layer="parcels",
        metric_crs=METRIC,
    )
    assert found.added["parcel_id"].tolist() == ["L2"]
    assert found.changed == ()
