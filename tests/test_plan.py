"""Plans made from others by rows; rows as dictionaries of plain values, whatever their type."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.affinity
from pandas.testing import assert_frame_equal

from geo_service.crs import STORAGE_CRS, projected
from geo_service.errors import InvalidQueryError, NotFoundError
from geo_service.plan import Plan, rows_of
from geo_service.plan_rows import compare_frames, key_values
from geo_service.schema import SCHEMAS


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


def test_a_plan_with_other_rows_shares_the_rest(demo: Plan) -> None:
    parks, parcels = demo.metric("parks"), demo.metric("parcels")
    row = demo.frame("parcels").iloc[[3]]
    moved = row.assign(geometry=shapely.affinity.translate(row.geometry.iloc[0], 0.001))
    changed = demo.with_rows(
        "parcels", moved[["parcel_id", "geometry"]].assign(status="vacant"), label="one"
    )
    assert changed.metric("parks") is parks
    assert changed.frame("parcels")["status"].iloc[3] == "vacant"
    is_same = [
        one is other
        for one, other in zip(parcels.geometry, changed.metric("parcels").geometry, strict=True)
    ]
    assert [number for number, same in enumerate(is_same) if not same] == [3]
    whole = changed.geo("parcels").to_crs(demo.metric_crs)
    assert shapely.equals_identical(
        whole.geometry.to_numpy(), changed.metric("parcels").geometry.to_numpy()
    ).all()
    assert_frame_equal(pd.DataFrame(whole), pd.DataFrame(changed.metric("parcels")))
    assert demo.frame("parcels")["status"].iloc[3] == row["status"].iloc[0]
    assert changed.version != demo.version
    assert changed.version == demo.with_rows("parcels", moved, label="one").version


def test_rows_are_added_at_the_end_and_removed(demo: Plan) -> None:
    frame = demo.frame("parcels")
    new = frame.iloc[[0]][["parcel_id", "park_id", "geometry"]].assign(parcel_id="new")
    demo.metric("parcels")
    gone = frame["parcel_id"].iloc[5]
    changed = demo.with_rows("parcels", new, removed=[gone], label="two")
    found = changed.geo("parcels")
    assert list(found["parcel_id"]) == [name for name in frame["parcel_id"] if name != gone] + [
        "new"
    ]
    assert found.dtypes.equals(frame.dtypes)
    assert pd.isna(found["status"].iloc[-1])
    assert_frame_equal(
        pd.DataFrame(found.to_crs(demo.metric_crs)), pd.DataFrame(changed.metric("parcels"))
    )
    years = demo.frame("enterprises")[["enterprise_id", "year"]].iloc[7].tolist()
    fewer = demo.with_rows("enterprises", removed=[tuple(years)], label="three")
    assert len(fewer.frame("enterprises")) == len(demo.frame("enterprises")) - 1
    with pytest.raises(NotFoundError):
        demo.with_rows("parcels", removed=["nobody"], label="four")
    with pytest.raises(InvalidQueryError):
        demo.with_rows("parcels", pd.concat([new, new]), label="five")
    with pytest.raises(InvalidQueryError):
        demo.with_rows("parcels", new.assign(colour="red"), label="six")


def test_what_a_plan_remembers_is_kept_while_it_holds(demo: Plan) -> None:
    reads = {"parcels": frozenset({"status"}), "parks": None}
    first = demo.with_layers({}, label="none")
    assert first.remember("a", reads, lambda: [1]) is first.remember("a", reads, lambda: [2])
    one = first.frame("parcels")[["parcel_id"]].iloc[:1]
    other_column = first.with_rows("parcels", one.assign(plot_ratio=0.5), label="a")
    assert other_column.remember("a", reads, lambda: [2]) == [1]
    same_column = first.with_rows("parcels", one.assign(status="idle"), label="b")
    assert same_column.remember("a", reads, lambda: [2]) == [2]
    whole = first.with_layers({"parks": first.frame("parks")}, label="c")
    assert whole.remember("a", reads, lambda: [2]) == [2]


@pytest.mark.parametrize("layer", ["parcels", "enterprises", "floors"])
def test_what_differs_between_two_frames_is_found(demo: Plan, layer: str) -> None:
    frame = demo.frame(layer)
    nothing = compare_frames(layer, frame, frame.copy())
    assert nothing is not None
    assert (len(nothing.before), nothing.columns) == (0, frozenset())
    rows = frame.iloc[[2, 5]].assign(source="elsewhere")
    key = rows[list(SCHEMAS[layer].key)]
    changed = demo.with_rows(
        layer, rows, removed=[key_values(layer, frame.iloc[[9]])[0]], label="six"
    )
    found = compare_frames(layer, frame, changed.frame(layer))
    assert found is not None
    assert found.before.tolist() == [2, 5, 9]
    assert found.after.tolist() == [2, 5]
    assert found.touches({"status"})
    other = demo.with_rows(layer, key.assign(source="elsewhere"), label="seven").frame(layer)
    only = compare_frames(layer, frame, other)
    assert only is not None
    assert only.columns == frozenset({"source"})
    assert not only.touches({"status"})
    assert compare_frames(layer, frame, frame.iloc[::-1].reset_index(drop=True)) is None


def test_shapes_are_projected_as_geopandas_does_it_to_the_last_bit() -> None:
    random = np.random.default_rng(3)
    corners = np.column_stack([random.uniform(108, 109, 9_000), random.uniform(30, 31, 9_000)])
    discs = np.asarray(shapely.buffer(shapely.points(corners), 0.001, quad_segs=4))  # of 17 each
    assert shapely.get_num_coordinates(discs).sum() > 100_000  # so many that two threads work
    deep = shapely.from_wkt("POINT Z (108.5 30.5 7)")
    for shapes in (
        np.append(discs, [None, shapely.Polygon()]),
        discs[:3],
        np.array([deep, None], dtype=object),
        np.array([None], dtype=object),
    ):
        expected = gpd.GeoSeries(shapes, crs=STORAGE_CRS).to_crs("EPSG:4545").to_numpy()
        found = projected(shapes, STORAGE_CRS, "EPSG:4545")
        assert list(shapely.to_wkb(found)) == list(shapely.to_wkb(expected))


def test_a_layer_projected_ahead_is_the_one_that_is_asked_for(demo: Plan) -> None:
    parcels = demo.frame("parcels").iloc[:5]
    plan = demo.with_layers({"parcels": parcels}, label="five")
    plan.project_ahead("parcels", "no such layer")
    expected = demo.metric("parcels").iloc[:5]
    assert_frame_equal(plan.metric("parcels"), expected)


def test_shapes_that_are_known_are_not_projected_again(demo: Plan) -> None:
    parcels = demo.frame("parcels").iloc[:2]
    known = np.array([shapely.box(0, 0, 10, 10), shapely.box(0, 0, 20, 10)], dtype=object)
    plan = demo.with_layers({"parcels": parcels}, label="two", in_metric_crs={"parcels": known})
    assert plan.metric("parcels").area.tolist() == [100.0, 200.0]
    assert plan.metric("parcels")["parcel_id"].tolist() == parcels["parcel_id"].tolist()
