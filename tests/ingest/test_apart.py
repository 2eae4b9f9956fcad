"""What is read in a process of its own is what is read in this one, to the type of each cell."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from geo_service.errors import ChoiceNeededError, GeoServiceError, SourceError
from geo_service.ingest import apart, wire
from geo_service.ingest.limits import Budget
from geo_service.ingest.opening import open_source
from geo_service.ingest.options import ImportOptions
from geo_service.ingest.sources import Batch, Change, ImportSource, ReadShapes
from geo_service.model import Message
from geo_service.wording import said
from tests.ingest.made import gbk_shapefile, parcels, zipped


def again(batch: Batch) -> Batch:
    return wire.unpack_batch(*wire.unpack(wire.pack_batch(batch, 7)))


def assert_same(one: Batch, other: Batch) -> None:
    assert_frame_equal(one.table, other.table)
    assert one.numbers.tolist() == other.numbers.tolist()
    assert dict(one.faults) == dict(other.faults)
    assert (one.geometry is None) == (other.geometry is None)
    if one.geometry is None or other.geometry is None:
        return
    assert shapely.to_wkb(one.geometry.shapes).tolist() == (
        shapely.to_wkb(other.geometry.shapes).tolist()
    )
    assert dict(one.geometry.unread) == dict(other.geometry.unread)
    for before, after in zip(one.geometry.changes, other.geometry.changes, strict=True):
        assert (before.what, before.column) == (after.what, after.column)
        assert before.positions.tolist() == after.positions.tolist()
        assert list(before.before) == list(after.before)
        assert list(before.after) == list(after.after)


CELLS = {
    "text": (st.text(max_size=5), pa.string()),
    "whole": (st.integers(-(2**62), 2**62), pa.int64()),
    "number": (st.floats(allow_nan=False), pa.float64()),
    "flag": (st.booleans(), pa.bool_()),
    "day": (st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)), pa.date32()),
    "moment": (
        st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)),  # noqa: DTZ001 - as files have them
        pa.timestamp("ms"),
    ),
    "bytes": (st.binary(max_size=5), pa.binary()),
}


@given(st.data())
def test_rows_arrive_as_they_were_sent(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 6))
    columns = {}
    for name, (cells, kind) in CELLS.items():
        drawn = data.draw(st.lists(st.none() | cells, min_size=count, max_size=count))
        columns[name] = pa.array(drawn, type=kind)
    table = pa.record_batch(columns).to_pandas(integer_object_nulls=True, split_blocks=True)
    points = st.none() | st.builds(
        shapely.Point, st.floats(-180, 180), st.floats(-90, 90), st.floats(0, 9)
    )
    shapes = np.empty(count, dtype=object)
    shapes[:] = data.draw(st.lists(points, min_size=count, max_size=count))
    message = Message("import.bad_line", {"line": 3, "inner": Message("tier.building_park")})
    changes = (
        Change(
            what="ring",
            positions=np.array([0, count - 1], dtype=np.intp),
            before=[message, "x"],
            after=[message, message],
        ),
    )
    batch = Batch(
        table=table,
        geometry=ReadShapes(shapes=shapes, changes=changes, unread={0: message}),
        numbers=np.arange(count, dtype=np.int64) * 3,
        faults={count - 1: message},
    )
    assert_same(again(batch), batch)


def test_a_table_of_texts_arrives_as_texts_and_none() -> None:
    table = pd.DataFrame({"a": ["甲", None], "b": [None, None]}, dtype=object)
    batch = Batch(table=table, geometry=None, numbers=np.array([2, 5], dtype=np.int64))
    arrived = again(batch).table
    assert arrived["a"].tolist() == ["甲", None]
    assert arrived["b"].tolist() == [None, None]
    assert [str(kind) for kind in arrived.dtypes] == ["object", "object"]


@pytest.mark.parametrize(
    "content", [b"", b"\x00\x00\x00\x02[]", b"\xff" * 40, b"\x00\x00\x00\x02{}x"]
)
def test_bytes_that_nobody_packed_are_told(content: bytes) -> None:
    with pytest.raises(wire.UNREADABLE):
        wire.unpack(content)


@pytest.mark.parametrize(
    "error",
    [
        SourceError(said("refusal.file", file="a"), []),
        ChoiceNeededError("crs", said("import.which_layer", file="甲"), []),
    ],
)
def test_errors_arrive_in_words_that_can_be_told_anew(error: GeoServiceError) -> None:
    arrived = wire.decode_error(wire.encode_error(error))
    assert type(arrived) is type(error)
    assert (str(arrived), arrived.message) == (str(error), error.message)


# ---- the same, through the process ---------------------------------------------------------


def as_csv(folder: Path) -> Path:
    path = folder / "a.csv"
    path.write_text("parcel_id,面积\nA1,1\n,,\nA2,2,3\n", encoding="gb18030")
    return path


def as_xlsx(folder: Path) -> Path:
    path = folder / "a.xlsx"
    rows = {"企业名称": ["甲", None, "丙"], "年度": [2024, None, 2.5]}
    pd.DataFrame(rows).to_excel(path, index=False)
    return path


def as_points(folder: Path) -> Path:
    path = folder / "a.txt"
    path.write_text(
        "[属性描述]\n坐标系=2000国家大地坐标系\n几度分带=3\n带号=36\n[地块坐标]\n"
        "4,1,P1,甲,面,,工业,0601,@\nJ1,1,3430000,500000\nJ2,1,3430100,500000\n"
        "J3,1,3430100,500100\nJ4,1,3430000,500100\nJ1,1,3430000,500000\n",
        encoding="gb18030",
    )
    return path


def as_shapefile(folder: Path) -> Path:
    inner = folder / "data"
    inner.mkdir()
    gbk_shapefile(parcels(), inner)
    return zipped(inner, folder / "a.zip")


def saved(name: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        frame = parcels("EPSG:4490", 日期=pd.to_datetime(["2024-01-02", None, "2024-05-06"]))
        frame["数"] = pd.array([1, None, 3], dtype="Int64")
        path = folder / name
        if name.endswith(".parquet"):
            frame.to_parquet(path)
        else:
            frame.to_file(path)
        return path

    return write


@pytest.mark.parametrize(
    "write",
    [
        as_csv,
        as_xlsx,
        as_points,
        as_shapefile,
        *(saved(f"a.{ending}") for ending in ("gpkg", "geojson", "fgb", "parquet")),
    ],
    ids=["csv", "xlsx", "points", "shapefile", "gpkg", "geojson", "fgb", "parquet"],
)
def test_each_format_reads_alike_here_and_apart(
    write: Callable[[Path], Path], tmp_path: Path
) -> None:
    path = write(tmp_path)
    layer = "enterprises" if path.suffix == ".xlsx" else "parcels"
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    here = open_source(path, layer, ours, options=ImportOptions(), budget=Budget(path.name))
    with apart.start() as process:
        there = apart.open_source_apart(
            process, path, layer, theirs, options=ImportOptions(), budget=Budget(path.name)
        )
        assert described(there) == described(here)
        for one, other in zip(there.read(), here.read(), strict=True):
            assert_same(one, other)
        # A second reading while the first one goes on: each has its own place.
        first, second = there.read(), there.read()
        assert_same(next(first), next(second))


def described(source: ImportSource) -> dict[str, object]:
    return {name: getattr(source, name) for name in source.__dataclass_fields__ if name != "read"}


def test_a_choice_is_asked_for_from_afar(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr("a.csv", "parcel_id\nA\n")
        made.writestr("b.csv", "parcel_id\nB\n")
    with apart.start() as process, pytest.raises(ChoiceNeededError) as caught:
        apart.open_source_apart(
            process,
            tmp_path / "a.zip",
            "parcels",
            tmp_path,
            options=ImportOptions(),
            budget=Budget("a.zip"),
        )
    assert [choice.value for choice in caught.value.choices] == ["a.csv", "b.csv"]


def test_a_process_on_standby_serves_one_file_and_is_replaced_when_it_died() -> None:
    standby = apart.Standby()
    standby.prepare()
    with standby.take() as first, standby.take() as second:
        assert first.pid != second.pid
    standby.prepare()
    waiting = standby.take()
    waiting.close()
    standby.prepare()
    ready = standby._ready
    assert ready is not None
    ready.close()
    with standby.take() as third:
        assert third.is_alive
    standby.prepare()
    last = standby._ready
    standby.close()
    assert last is not None
    assert not last.is_alive
    standby.prepare()
    assert standby._ready is None
