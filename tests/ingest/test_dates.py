"""No day crashes an import, none moves, and one that is not in the calendar is refused."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyogrio
import pytest

from geo_service.errors import WorkspaceError
from geo_service.ingest.days import day_written, why_no_day
from geo_service.ingest.options import ImportOptions
from geo_service.ingest.run import Imported, read_source
from geo_service.plan import Plan
from geo_service.workspace.days import day_of, days_of
from geo_service.workspace.opening import open_plan
from tests.county import County
from tests.ingest.made import parcels, table

CHINA = dt.timezone(dt.timedelta(hours=8))


def read(plan: Plan, path: Path) -> Imported:
    options = ImportOptions(scheme="survey3", crs="EPSG:4490")
    return read_source(path, "parcels", plan=plan, options=options)


def days(found: Imported) -> list[str | None]:
    cells = found.frame["idle_since"].tolist()
    return [None if pd.isna(cell) else cell.date().isoformat() for cell in cells]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-01-05", "2024-01-05"),
        ("2024/1/5", "2024-01-05"),
        ("2024.1.5", "2024-01-05"),
        ("20240105", "2024-01-05"),
        ("2024年1月5日", "2024-01-05"),
        ("2024年1月", "2024-01-01"),
        ("2024-01-05T00:00:00+08:00", "2024-01-05"),
        ("2024-01-05T23:30:00+08:00", "2024-01-05"),
        ("2024-01-05T00:00:00-05:00", "2024-01-05"),
        ("2024-01-04T16:00:00Z", "2024-01-05"),
        ("2024-01-04T16:00:00.000Z", "2024-01-05"),
        ("2024-01-04T16:00:00+00:00", "2024-01-05"),
        ("2024-01-05T00:00:00Z", "2024-01-05"),
        ("2024/1/5 0:00:00", "2024-01-05"),
        ("2024-01-05 23:59", "2024-01-05"),
        ("2024-02-29", "2024-02-29"),
        ("2024年1月5日10时30分", "2024-01-05"),
        ("2023-02-29", None),
        ("2024-02-30", None),
        ("2024-02-30T00:00:00Z", None),
        ("2024-13-01", None),
        ("2024-01-05T25:00:00", None),
        ("05/01/2024", None),
        ("2024.1", None),  # what is left of the number 2024.10
        ("2024.10", "2024-10-01"),
        ("2024", None),
        ("45296", None),
        ("202401", None),
        ("", None),
    ],
)
def test_a_text_is_the_day_that_it_says(text: str, day: str | None) -> None:
    found = day_of(text)
    assert (None if found is None else found.isoformat()) == day


def test_cells_of_any_kind_are_days() -> None:
    utc = pd.Series(pd.to_datetime(["2024-01-04T16:00:00Z", None]))
    assert days_of(utc).tolist()[0] == pd.Timestamp("2024-01-05")
    local = utc.dt.tz_convert(CHINA)
    assert days_of(local).tolist()[0] == pd.Timestamp("2024-01-05")
    plain = pd.Series(pd.to_datetime(["2024-01-05T10:00:00"]))
    assert days_of(plain).tolist() == [pd.Timestamp("2024-01-05")]
    mixed = pd.Series(["2024-01-05T00:00:00+08:00", "2024-03-01", None, "2024-02-30"])
    found = days_of(mixed)
    assert found.tolist()[:2] == [pd.Timestamp("2024-01-05"), pd.Timestamp("2024-03-01")]
    assert found.isna().tolist() == [False, False, True, True]


def test_offsets_among_plain_days_in_a_csv(plan: Plan, tmp_path: Path) -> None:
    texts = ["2024-01-05T00:00:00+08:00", "2024-03-01", "2024-02-30", "2024", "0001-01-01"]
    path = table(
        tmp_path / "a.csv",
        parcel_id=list("ABCDE"),
        idle_since=texts,
        wkt=["POLYGON((108 31,108.001 31,108.001 31.001,108 31))"] * 5,
    )
    found = read(plan, path)
    assert days(found) == ["2024-01-05", "2024-03-01"]
    refused = {item.feature: item.reason.key for item in found.ledger.refused}
    assert refused == {
        "C": "import.no_such_day",
        "D": "import.only_year",
        "E": "import.unlikely_day",
    }


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("二〇二四年三月一日", "2024-03-01"),
        ("二○二四年十二月三十一日", "2024-12-31"),
        ("2024年十月二十日", "2024-10-20"),
        ("民国113年1月5日", "2024-01-05"),
        ("2024年1月5号", "2024-01-05"),
        ("2024—01—05", "2024-01-05"),
        ("2024年1月5日（星期五）", "2024-01-05"),
        ("2024-1-5 下午3:00", "2024-01-05"),
        ("二〇二四年一九十日", "二〇二四年一九十日"),
        ("2024年底", "2024年底"),
        ("45292", "45292"),
    ],
)
def test_days_as_people_write_them(text: str, day: str) -> None:
    assert day_written(text) == day


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        # Day 45292 is 2024-01-01 from 1899-12-30; 1904 is 4 years and a day later.
        ("45292", ("day_number", "2024-01-01", "2028-01-02")),
        ("45292.75", ("day_number", "2024-01-01", "2028-01-02")),
        ("31/12/2024", ("day_order", None, None)),
        ("24-01-05", ("day_order", None, None)),
        ("2024/13/01", ("no_such_day", None, None)),
        ("20240230", ("no_such_day", None, None)),
        ("2024-02-30 10:00", ("no_such_day", None, None)),
    ],
)
def test_why_a_text_is_no_day(text: str, reason: tuple[str, str | None, str | None]) -> None:
    found = why_no_day(text)
    assert found is not None
    values = dict(found.values)
    told = (found.key, values.get("day"), values.get("other"))
    assert told == (f"import.{reason[0]}", *reason[1:])


@pytest.mark.parametrize("text", ["2024-01-05", "2024-01-05至2025-01-05", "202403", "12345"])
def test_nothing_is_said_of_days_and_of_what_may_be_anything(text: str) -> None:
    assert why_no_day(text) is None


def test_no_day_of_a_geojson_moves(plan: Plan, tmp_path: Path) -> None:
    texts = ["2024-01-05T00:00:00+08:00", "2024-01-04T16:00:00Z", "2024-02-30"]
    frame = parcels("EPSG:4490", 闲置日期=texts)
    document = json.loads(frame.to_json(drop_id=True))
    (tmp_path / "a.geojson").write_text(json.dumps(document))
    found = read(plan, tmp_path / "a.geojson")
    assert days(found) == ["2024-01-05", "2024-01-05"]
    assert [item.reason.key for item in found.ledger.refused] == ["import.no_such_day"]


def with_dates(
    path: Path, driver: str, more: dict[str, str] | None = None, **columns: pa.Array
) -> Path:
    """Write parcels with columns of dates, just as Arrow has them."""
    frame = parcels("EPSG:4490")
    cells = {"parcel_id": pa.array(frame["宗地编号"].tolist()), **columns}
    rows = pa.table({**cells, "geometry": frame.geometry.to_wkb().tolist()})
    options = {"geometry_name": "geometry", "geometry_type": "Polygon", "crs": "EPSG:4490"}
    pyogrio.write_arrow(rows, path, driver=driver, **options, **(more or {}))
    return path


def test_a_day_of_a_dbf_that_is_not_in_the_calendar_is_refused(plan: Plan, tmp_path: Path) -> None:
    dates = pa.array([dt.date(2024, 1, 5), dt.date(2024, 1, 6), dt.date(2024, 1, 7)])
    path = with_dates(tmp_path / "a.shp", "ESRI Shapefile", idle_since=dates)
    dbf = path.with_suffix(".dbf")
    dbf.write_bytes(
        dbf.read_bytes().replace(b"20240106", b"20240230").replace(b"20240107", b"00000000")
    )
    found = read(plan, path)
    assert days(found) == ["2024-01-05", None]
    (refusal,) = found.ledger.refused
    assert (refusal.feature, refusal.reason.key) == ("A2", "import.no_such_day")


def test_days_of_a_geopackage(plan: Plan, tmp_path: Path) -> None:
    dates = pa.array([dt.date(2024, 1, 5), dt.date(2024, 1, 6), dt.date(2024, 1, 7)])
    path = with_dates(tmp_path / "a.gpkg", "GPKG", idle_since=dates)
    with sqlite3.connect(path) as base:
        for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            base.execute(f'DROP TRIGGER "{name}"')
        base.execute("UPDATE a SET idle_since = '2024-02-30' WHERE idle_since = '2024-01-06'")
    base.close()
    found = read(plan, path)
    assert days(found) == ["2024-01-05", "2024-01-07"]
    assert [item.feature for item in found.ledger.refused] == ["A2"]


@pytest.mark.parametrize(
    ("driver", "options", "day"),
    [
        ("GPKG", {}, "2024-01-05"),
        ("OpenFileGDB", {"TIME_IN_UTC": "YES"}, "2024-01-05"),
        ("OpenFileGDB", {"TIME_IN_UTC": "NO"}, "2024-01-04"),
    ],
)
def test_a_time_in_utc_is_the_day_in_china(
    plan: Plan, tmp_path: Path, driver: str, options: dict[str, str], day: str
) -> None:
    # 16:00 in UTC is midnight in China; a time without a zone is the day that it says.
    moment = dt.datetime(2024, 1, 4, 16, tzinfo=dt.UTC)
    times = pa.array([moment] * 3, pa.timestamp("ms", tz="UTC"))
    name = "a.gpkg" if driver == "GPKG" else "a.gdb"
    found = read(plan, with_dates(tmp_path / name, driver, options, idle_since=times))
    assert days(found) == [day] * 3


def test_offsets_in_a_workspace_s_own_files_move_no_day(tmp_path: Path) -> None:
    county = County()
    first, second = county.layers["parks"]
    first["approved_on"] = "2016-01-01T00:00:00+08:00"
    second["approved_on"] = "2016-03-01"
    parks = open_plan(county.write(tmp_path / "county")).parks
    assert parks["approved_on"].tolist() == [pd.Timestamp("2016-01-01"), pd.Timestamp("2016-03-01")]


def test_a_day_that_is_not_in_the_calendar_is_a_fault_of_a_workspace(tmp_path: Path) -> None:
    county = County()
    county.layers["parks"][0]["approved_on"] = "2016-02-30"
    with pytest.raises(WorkspaceError, match="2016-02-30"):
        open_plan(county.write(tmp_path / "county"))


def test_what_is_left_of_a_month_is_no_day_either_way() -> None:
    # pandas reads 2024.1 as January; it may be what is left of the number 2024.10.
    found = days_of(pd.Series(["2024.1", "2024 1", "2024.10", "2024.1.5"]))
    told = [None if pd.isna(day) else day.date().isoformat() for day in found]
    assert told == [None, None, "2024-10-01", "2024-01-05"]
