"""What every store promises, asked of both."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from geo_service.errors import ConflictError, InvalidQueryError, NotFoundError, StoreError
from geo_service.plan import Plan, empty_frame
from geo_service.schema import SCHEMAS, LayerSchema
from geo_service.stores import frames, local, postgis
from geo_service.stores.base import RANKING, REVIEW, Store
from geo_service.stores.frames import canonical, content_digest
from tests.depth import thorough
from tests.stores.conftest import Place
from tests.stores.made import publish, saved
from tests.stores.rows import (
    EAST,
    NORTH,
    STEP_DEG,
    draft,
    enterprises,
    floors,
    parcels,
)

Opening = Callable[[], Store]


# ---- a new store ----------------------------------------------------------------------------


def test_a_new_store_holds_nothing(store: Store) -> None:
    assert store.newest() == store.originals() == {}
    assert store.stamp() == 0
    assert store.history("parcels") == store.entries() == []
    assert store.saved(REVIEW) == []
    assert store.count_saved(REVIEW) == 0
    assert store.retain(1) == []
    for ask in (
        lambda: store.read("parcels", "1"),
        lambda: store.entry("parcels", "1"),
        lambda: store.find(REVIEW, "r"),
        lambda: store.document(REVIEW, "r", "d"),
        lambda: store.rollback("parcels", "1", expected=None),
    ):
        with pytest.raises(NotFoundError):
            ask()


def test_a_layer_that_no_workspace_has_is_not_found(store: Store) -> None:
    with pytest.raises(NotFoundError, match="no layer 'x'"):
        store.history("x")
    with pytest.raises(NotFoundError):
        store.publish([draft(parcels(1), layer="x")])


# ---- rows -----------------------------------------------------------------------------------


def without_later_columns(layer: str) -> LayerSchema:
    """Return a layer as it was before columns were added."""
    schema = SCHEMAS[layer]
    return replace(schema, fields=tuple(item for item in schema.fields if not item.is_later))


def test_a_version_kept_before_a_column_came_is_read_without_its_values(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = parcels(4)
    with monkeypatch.context() as earlier:
        for module in (frames, local, postgis):
            known = {**SCHEMAS, "parcels": without_later_columns("parcels")}
            earlier.setattr(module, "SCHEMAS", known)
        before = canonical(now[[*known["parcels"].columns, "geometry"]], "parcels")
        (entry,) = store.publish([draft(before)])
        assert list(store.read("parcels", entry.version).columns) == list(before.columns)
    assert_frame_equal(store.read("parcels", entry.version), now)
    # The digest is that of the content then: a column without values says nothing.
    assert content_digest(now, "parcels") == entry.digest
    wanted = {"plot_ratio_min": [1.0]}
    assert store.read("parcels", entry.version, where=wanted).empty
    blank = {"plot_ratio_min": [None]}
    assert_frame_equal(store.read("parcels", entry.version, where=blank), now)
    changed = now.assign(plot_ratio_min=1.0)
    assert content_digest(canonical(changed, "parcels"), "parcels") != entry.digest
    store.publish([draft(canonical(changed, "parcels"), expected=entry.version)])
    assert_frame_equal(store.read("parcels", entry.version), now)


@pytest.mark.parametrize(
    ("layer", "frame"),
    [("parcels", parcels(7)), ("floors", floors(3)), ("enterprises", enterprises())],
)
def test_rows_come_back_as_they_were(store: Store, layer: str, frame: pd.DataFrame) -> None:
    (entry,) = store.publish([draft(frame, layer)])
    back = store.read(layer, entry.version)
    assert_frame_equal(back, frame)
    assert type(back) is type(frame)
    assert entry.features == len(frame)
    assert content_digest(back, layer) == entry.digest


@pytest.mark.parametrize("layer", ["parcels", "floors", "enterprises", "townships"])
def test_a_layer_without_rows_is_kept_too(store: Store, layer: str) -> None:
    frame = canonical(empty_frame(layer), layer)
    (entry,) = store.publish([draft(frame, layer)])
    assert_frame_equal(store.read(layer, entry.version), frame)


def test_every_layer_of_the_demo_comes_back_as_it_was(store: Store, demo: Plan) -> None:
    drafts = [draft(demo.frame(name), name) for name in demo.layers]
    entries = store.publish(drafts)
    for entry in entries:
        assert_frame_equal(store.read(entry.layer, entry.version), demo.frame(entry.layer))


@pytest.mark.parametrize(
    "place", ["local", pytest.param("shared", marks=pytest.mark.database)], indirect=True
)
@thorough(15, also_allowed=(HealthCheck.function_scoped_fixture,))
@given(
    data=st.lists(
        st.tuples(
            st.text(
                st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1
            ),
            st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
            st.one_of(st.none(), st.dates(pd.Timestamp("1900-01-01").date())),
            st.floats(100, 120),
        ),
        max_size=6,
    )
)
def test_any_value_comes_back_bit_by_bit(
    place: Place, data: list[tuple[str, float | None, object, float]]
) -> None:
    frame = parcels(len(data))
    frame["source"] = pd.Series([row[0] for row in data], dtype="str")
    frame["area_m2"] = pd.Series([row[1] for row in data], dtype="float64")
    frame["idle_since"] = pd.to_datetime(pd.Series([row[2] for row in data], dtype="object"))
    shapes = [shapely.box(row[3], 30, row[3] + 1, 31.1) for row in data]
    frame = frame.set_geometry(gpd.GeoSeries(shapes, crs=frame.crs))
    frame = canonical(frame, "parcels")
    with closing(place.open()) as store:
        now = store.newest().get("parcels")
        (entry,) = store.publish([draft(frame, expected=now.version if now else None)])
        back = store.read("parcels", entry.version)
        assert_frame_equal(back, frame)
        assert content_digest(back, "parcels") == entry.digest


# ---- what is asked for ----------------------------------------------------------------------


def test_a_point_and_a_line_are_boxes_too(store: Store) -> None:
    frame, version = parcels(20), publish(store, 20)
    x, y = frame.geometry.iloc[3].centroid.coords[0]
    far = EAST + 5.5 * STEP_DEG
    assert store.read("parcels", version, bbox=(x, y, x, y))["parcel_id"].tolist() == ["L3"]
    found = store.read("parcels", version, bbox=(x, y, far, y))["parcel_id"].tolist()
    assert (
        found
        == frame[frame.intersects(shapely.LineString([(x, y), (far, y)]))]["parcel_id"].tolist()
    )
    assert "L3" in found
    assert len(found) > 1


def test_a_box_gives_the_rows_whose_shape_meets_it(store: Store) -> None:
    version = publish(store, 50)
    # Parcels 10 to 12 begin in the box; it touches the east side of parcel 9 at 9.5 steps.
    bbox = (EAST + 9.5 * STEP_DEG, NORTH, EAST + 12 * STEP_DEG, NORTH + 1)
    found = store.read("parcels", version, bbox=bbox)
    assert found["parcel_id"].tolist() == ["L9", "L10", "L11", "L12"]
    assert found.index.tolist() == [0, 1, 2, 3]


@thorough(20, also_allowed=(HealthCheck.function_scoped_fixture,))
@given(
    west=st.floats(-1, 21),
    south=st.floats(-1, 2),
    width=st.floats(0.001, 10),
    height=st.floats(0.001, 3),
)
def test_both_stores_mean_the_same_by_a_box(
    store: Store, west: float, south: float, width: float, height: float
) -> None:
    frame = parcels(20)
    if "parcels" not in store.newest():
        publish(store, 20)
    bbox = (
        EAST + west * STEP_DEG,
        NORTH + south * STEP_DEG,
        EAST + (west + width) * STEP_DEG,
        NORTH + (south + height) * STEP_DEG,
    )
    expected = frame[frame.intersects(shapely.box(*bbox))]["parcel_id"].tolist()
    assert store.read("parcels", "1", bbox=bbox)["parcel_id"].tolist() == expected


def test_values_give_the_rows_that_have_them(store: Store) -> None:
    version = publish(store, 12)

    def ids(**where: object) -> list[str]:
        found = store.read("parcels", version, where=where)  # type: ignore[arg-type]
        return [str(name) for name in found["parcel_id"]]

    assert ids(status="vacant") == ["L0", "L2", "L4", "L6", "L8", "L10"]
    assert ids(parcel_id=["L3", "L1", "none"]) == ["L1", "L3"]
    assert ids(plot_ratio=None) == ["L0", "L4", "L8"]
    assert ids(plot_ratio=[None, 1.5], parcel_id="L5") == ["L5"]
    assert ids(area_m2=3.1) == ["L3"]
    assert ids(idle_since="2025-03-31", status="built") == ["L3", "L9"]
    assert ids(illustrative=False) == []
    assert ids(parcel_id=[]) == []
    assert ids(source="'; DROP TABLE layer_versions; --") == []
    bbox = (EAST, NORTH, EAST + 5 * STEP_DEG, NORTH + 1)
    both = store.read("parcels", version, bbox=bbox, where={"status": "built"})
    assert both["parcel_id"].tolist() == ["L1", "L3", "L5"]


@pytest.mark.parametrize(
    ("where", "parameter"),
    [
        ({"none": 1}, "none"),
        ({"area_m2": "wide"}, "area_m2"),
        ({"parcel_id": 5}, "parcel_id"),
        ({"geometry": "x"}, "geometry"),
        ({'"; DROP TABLE x': 1}, '"; DROP TABLE x'),
    ],
)
def test_a_question_that_makes_no_sense_names_what_it_asked_by(
    store: Store, where: dict[str, object], parameter: str
) -> None:
    version = publish(store, 2)
    with pytest.raises(InvalidQueryError) as raised:
        store.read("parcels", version, where=where)  # type: ignore[arg-type]
    assert raised.value.parameter == parameter


def test_a_table_has_no_box(store: Store) -> None:
    (entry,) = store.publish([draft(floors(1), "floors")])
    with pytest.raises(InvalidQueryError, match="no geometry"):
        store.read("floors", entry.version, bbox=(0, 0, 1, 1))


# ---- versions -------------------------------------------------------------------------------


def test_history_grows_by_a_number_each_publish(store: Store) -> None:
    first = publish(store, 1)
    (second,) = store.publish([draft(parcels(2), expected=first, note="更正")])
    assert (second.number, second.parent, second.note, second.source) == (2, first, "更正", "test")
    assert second.made_at.tzinfo is UTC
    assert [entry.number for entry in store.history("parcels")] == [2, 1]
    assert store.history("parcels")[0] == second
    assert store.newest() == {"parcels": second}
    assert len(store.read("parcels", "1")) == 1
    assert len(store.read("parcels", first)) == 1


def test_the_same_rows_have_the_same_version_in_both_stores(
    local_place: Place, shared_place: Place
) -> None:
    versions = set()
    for place in (local_place, shared_place):
        with closing(place.open()) as store:
            versions.add(publish(store, 5))
    assert len(versions) == 1


def test_of_two_publishers_the_second_is_told(opening: Opening) -> None:
    one, other = opening(), opening()
    base = publish(one, 1)
    first = publish(one, 2, expected=base)
    for expected in (base, None, "0" * 12):
        with pytest.raises(ConflictError, match=f"newest version is {first}"):
            publish(other, 3, expected=expected)
    assert other.newest()["parcels"].version == first
    assert len(other.history("parcels")) == 2


def test_of_many_publishers_at_once_one_wins_and_the_others_are_told(opening: Opening) -> None:
    base = publish(opening(), 1)
    start = threading.Barrier(6)
    stores = [opening() for _ in range(6)]

    def race(number: int) -> str | None:
        start.wait()
        try:
            return publish(stores[number], number + 2, expected=base)
        except ConflictError:
            return None

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(race, range(6)))
    won = [outcome for outcome in outcomes if outcome]
    assert len(won) == 1
    assert [entry.version for entry in stores[0].history("parcels")] == [won[0], base]


def test_layers_published_together_are_seen_together_or_not_at_all(store: Store) -> None:
    first = publish(store, 1)
    with pytest.raises(ConflictError):
        store.publish([draft(floors(1), "floors"), draft(parcels(2), expected="0" * 12)])
    assert set(store.newest()) == {"parcels"}
    store.publish([draft(floors(1), "floors"), draft(parcels(2), expected=first)])
    assert {name: entry.number for name, entry in store.newest().items()} == {
        "parcels": 2,
        "floors": 1,
    }


def test_a_publish_is_held_against_the_layers_it_was_checked_with(store: Store) -> None:
    parcels_version = publish(store, 1)
    with pytest.raises(ConflictError, match="'floors'"):
        store.publish([draft(parcels(2), expected=parcels_version)], against={"floors": "x" * 12})
    store.publish([draft(floors(1), "floors")], against={"parcels": parcels_version})
    with pytest.raises(ConflictError, match="'floors'"):
        store.publish([draft(parcels(2), expected=parcels_version)], against={"floors": None})
    assert store.newest()["parcels"].version == parcels_version


def test_a_reader_sees_one_version_throughout_a_publish(opening: Opening) -> None:
    """While one publishes, others read: always whole versions, always the pair that belongs."""
    writer, readers = opening(), [opening(), opening()]
    writer.publish([draft(parcels(1)), draft(floors(1), "floors")])
    is_done = threading.Event()
    seen: set[int] = set()

    def read(store: Store) -> int:
        looks = 0
        while not is_done.is_set() or looks == 0:
            newest = store.newest()
            counts = {len(store.read(name, newest[name].version)) for name in newest}
            assert len(counts) == 1, "a half of one version and a half of another"
            seen.update(counts)
            looks += 1
        return looks

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(read, store) for store in readers]
        for count in range(2, 14):
            now = writer.newest()
            writer.publish(
                [
                    draft(parcels(count), expected=now["parcels"].version),
                    draft(floors(count), "floors", expected=now["floors"].version),
                ]
            )
        is_done.set()
        looks = [future.result() for future in futures]
    assert all(looks)
    assert len(seen) > 1


def test_a_rollback_is_a_new_version_equal_to_an_old_one(store: Store) -> None:
    first = publish(store, 1)
    second = publish(store, 2, expected=first)
    entry = store.rollback("parcels", "1", expected=second, note="wrong file")
    assert (entry.number, entry.version, entry.parent) == (3, first, second)
    assert entry.source == "rollback to 1"
    assert store.newest()["parcels"] == entry
    assert_frame_equal(store.read("parcels", "3"), parcels(1))
    with pytest.raises(ConflictError):
        store.rollback("parcels", "2", expected=second)
    with pytest.raises(NotFoundError):
        store.rollback("parcels", "9", expected=first)


def test_an_original_is_kept_once_and_is_not_the_newest(store: Store) -> None:
    (entry,) = store.record_originals([draft(parcels(3), note="own file")])
    assert (entry.number, entry.note) == (0, "own file")
    assert store.record_originals([draft(parcels(3))]) == [entry]
    assert store.newest() == {}
    assert store.originals() == {"parcels": entry}
    assert store.stamp() == 0
    (other,) = store.record_originals([draft(parcels(4))])
    assert store.originals() == {"parcels": other}
    first = publish(store, 5)
    assert store.history("parcels")[0].parent == other.version
    back = store.rollback("parcels", entry.version, expected=first)
    assert (back.number, back.version) == (2, entry.version)


def test_the_stamp_grows_with_every_publish_of_anybody(opening: Opening) -> None:
    one, other = opening(), opening()
    stamps = [one.stamp()]
    version = publish(other, 1)
    stamps.append(one.stamp())
    other.rollback("parcels", version, expected=version)
    stamps.append(one.stamp())
    other.retain(1)
    assert one.stamp() == stamps[-1]
    assert stamps == sorted(set(stamps))


# ---- retention ------------------------------------------------------------------------------


def test_retention_keeps_the_newest_the_original_and_what_results_need(store: Store) -> None:
    (own,) = store.record_originals([draft(parcels(1))])
    (older_own,) = store.record_originals([draft(parcels(20))])
    versions = [publish(store, 2)]
    versions += [publish(store, count, expected=versions[-1]) for count in (3,)]
    for count in (4, 5, 6):
        versions.append(publish(store, count, expected=versions[-1]))
    store.save(saved("r1", parcels=versions[1]), {})
    dropped = store.retain(2)
    # Numbers 1 to 5: 4 and 5 are the newest two, 2 was reviewed. Of the originals the first goes.
    assert {(entry.number, entry.version) for entry in dropped} == {
        (1, versions[0]),
        (3, versions[2]),
        (0, own.version),
    }
    assert [entry.number for entry in store.history("parcels")] == [5, 4, 2, 0]
    assert store.originals()["parcels"] == older_own
    assert len(store.read("parcels", versions[1])) == 3
    for version in (versions[0], versions[2], "1"):
        with pytest.raises(NotFoundError):
            store.read("parcels", version)
    assert store.retain(2) == []


def test_rows_that_a_kept_version_shares_stay(store: Store) -> None:
    first = publish(store, 1)
    second = publish(store, 2, expected=first)
    store.rollback("parcels", "1", expected=second)
    dropped = store.retain(1)
    assert [entry.number for entry in dropped] == [1, 2]
    assert_frame_equal(store.read("parcels", first), parcels(1))


def test_numbers_are_not_used_again_after_retention(store: Store) -> None:
    first = publish(store, 1)
    second = publish(store, 2, expected=first)
    store.retain(1)
    third = publish(store, 1, expected=second)
    assert third == first
    assert [entry.number for entry in store.history("parcels")] == [3, 2]


def test_at_least_one_version_is_kept(store: Store) -> None:
    with pytest.raises(ValueError, match="newest"):
        store.retain(0)


# ---- saved results --------------------------------------------------------------------------


def test_a_saved_result_is_found_with_its_documents(opening: Opening) -> None:
    given_one = saved("r1", parcels="abc")
    assert opening().save(given_one, {"zh": b'{"a":1}', "en": b"[]"}) == given_one
    later = opening()
    assert later.find(REVIEW, "r1") == given_one
    assert later.document(REVIEW, "r1", "zh") == b'{"a":1}'
    assert later.document_names(REVIEW, "r1") == ["en", "zh"]
    for kind, identity, name in (
        (RANKING, "r1", "zh"),
        (REVIEW, "r2", "zh"),
        (REVIEW, "r1", "fr"),
    ):
        with pytest.raises(NotFoundError):
            later.document(kind, identity, name)


def test_of_one_id_the_first_is_kept(store: Store) -> None:
    first = store.save(saved("r1", day=1), {"d": b"1"})
    assert store.save(saved("r1", day=2), {"d": b"2"}) == first
    assert store.document(REVIEW, "r1", "d") == b"1"
    assert store.count_saved(REVIEW) == 1


def test_saved_results_are_listed_newest_first_and_by_page(store: Store) -> None:
    for day in (2, 0, 1):
        store.save(saved(f"r{day}", day=day), {})
    store.save(saved("k", kind=RANKING), {})
    assert [item.id for item in store.saved(REVIEW)] == ["r2", "r1", "r0"]
    assert [item.id for item in store.saved(REVIEW, limit=1, offset=1)] == ["r1"]
    assert store.count_saved(REVIEW) == 3
    assert [item.id for item in store.saved(RANKING)] == ["k"]


# ---- several at once ------------------------------------------------------------------------


def test_many_threads_read_and_save_through_one_store(store: Store) -> None:
    version = publish(store, 30)

    def work(number: int) -> int:
        store.save(saved(f"r{number}"), {"d": b"x" * 1000})
        return len(store.read("parcels", version))

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(work, range(60))) == {30}
    assert store.count_saved(REVIEW) == 60


def test_a_store_of_another_county_is_refused(place: Place, store: Store) -> None:
    publish(store, 1)
    with pytest.raises(StoreError, match="belongs to county 999999, not to 500235"):
        Place(place.folder, place.address, "500235").open().newest()


# ---- moving ---------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["to the server", "to the folder"])
def test_moving_is_lossless_and_closes_the_old_store(
    local_place: Place, shared_place: Place, direction: str
) -> None:
    old, new = local_place.open(), shared_place.open()
    if direction == "to the folder":
        old, new = new, old
    old.record_originals([draft(enterprises(), "enterprises")])
    first = publish(old, 3)
    second = publish(old, 4, expected=first)
    old.rollback("parcels", "1", expected=second)
    old.save(saved("r1", parcels=first), {"d": b"1"})
    old.save(saved("k1", kind=RANKING), {})
    with old.closed_to_others():
        new.take_over(old)
        new.take_over(old)  # once more: it is here already
        old.retire(new.shown)
    assert new.entries() == old.entries()
    for entry in new.entries():
        version = str(entry.number)
        assert_frame_equal(new.read(entry.layer, version), old.read(entry.layer, version))
    assert new.saved(REVIEW) == old.saved(REVIEW)
    assert new.saved(RANKING) == old.saved(RANKING)
    assert new.document(REVIEW, "r1", "d") == b"1"
    third = publish(new, 9, expected=first)
    for write in (
        lambda: publish(old, 9, expected=first),
        lambda: old.save(saved("r2"), {}),
        lambda: old.retain(1),
    ):
        with pytest.raises(StoreError, match="was moved to"):
            write()
    old.take_over(new)  # and back: the retired store is filled anew
    new.retire(old.shown)
    assert old.newest()["parcels"].version == third
    assert publish(old, 10, expected=third)
    old.close()
    new.close()


def test_a_store_that_holds_something_takes_over_nothing(
    local_place: Place, shared_place: Place
) -> None:
    old, new = local_place.open(), shared_place.open()
    publish(old, 1)
    publish(new, 2)
    with pytest.raises(ConflictError, match="not empty"):
        new.take_over(old)
    assert len(new.read("parcels", "1")) == 2
    old.close()
    new.close()


def test_rows_are_copied_not_shared(store: Store) -> None:
    version = publish(store, 2)
    frame = store.read("parcels", version)
    frame.loc[0, "area_m2"] = -1.0
    assert np.isclose(store.read("parcels", version)["area_m2"].iloc[0], 0.1)
