"""What is remembered of earlier files of a kind helps the next one and never overrules it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from numpy.typing import NDArray

from geo_service.errors import ChoiceNeededError, InvalidQueryError
from geo_service.ingest.gcj import wgs84_to_bd09, wgs84_to_gcj02
from geo_service.ingest.options import ImportOptions, read_mapping, write_mapping
from geo_service.ingest.run import Imported, read_source
from geo_service.plan import Plan
from geo_service.workspace.opening import open_plan
from tests.county import County, box, in_degrees, parcel
from tests.ingest.made import table

Read = Callable[..., Imported]
CHANGES: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "GCJ-02": wgs84_to_gcj02,
    "BD-09": wgs84_to_bd09,
    "": lambda lonlat: lonlat,
}


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    county = County()
    county.layers["parcels"] = [
        parcel(f"A{n}", box(37 * n * 3, 53 * n, 80 + n, 60 + 2 * n)) for n in range(30)
    ]
    return open_plan(county.write(tmp_path_factory.mktemp("county") / "county"))


@pytest.fixture
def read(plan: Plan, tmp_path: Path) -> Read:
    """Return a function that imports a file and remembers what was understood."""

    def read_(path: Path, layer: str = "parcels", **options: object) -> Imported:
        options.setdefault("scheme", "survey3")
        options.setdefault("mappings", tmp_path / "mappings")
        found = read_source(path, layer, plan=plan, options=ImportOptions(**options))
        write_mapping(found.learned, tmp_path / "mappings" / f"{found.layout}.toml")
        return found

    return read_


def squares(count: int = 6, *, x: float = 0, size: float = 100) -> list[shapely.Geometry]:
    return [box(x + place * 200, 7_000, size, size) for place in range(count)]


def keys(found: Imported) -> list[str]:
    assert found.placement is not None
    return [message.key for message in found.placement.evidence]


def points(path: Path, places: list[shapely.Geometry], shift: str = "") -> Path:
    """Write places in degrees as a CSV of facilities."""
    xy = shapely.get_coordinates(shapely.centroid([in_degrees(place) for place in places]))
    lonlat = CHANGES[shift](xy)
    ids = [f"A{n}" for n in range(len(places))]
    return table(path, facility_id=ids, kind="port", lon=lonlat[:, 0], lat=lonlat[:, 1])


# ---- coordinates ------------------------------------------------------------------------------


def test_a_declared_crs_wins_over_a_remembered_one(read: Read, tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {"parcel_id": [f"N{n}" for n in range(6)]},
        geometry=[in_degrees(shape) for shape in squares()],
        crs="EPSG:4490",
    )
    frame.to_file(tmp_path / "a.gpkg")
    first = read(tmp_path / "a.gpkg", crs="GCJ-02")
    assert first.learned.crs == "GCJ-02"
    second = read(tmp_path / "a.gpkg")
    assert second.placement is not None
    assert (second.placement.label, second.placement.shift) == ("EPSG:4490", None)
    assert keys(second)[0] == "import.crs_declared"
    moved_m = second.frame.to_crs("EPSG:4545").distance(frame.to_crs("EPSG:4545"))
    assert moved_m.max() < 1e-3


def test_a_remembered_crs_stands_in_for_one_that_is_not_declared(
    read: Read, tmp_path: Path
) -> None:
    path = points(tmp_path / "a.csv", squares(), "BD-09")
    with pytest.raises(ChoiceNeededError):
        read(path, "facilities")
    read(path, "facilities", crs="BD-09")
    again = read(path, "facilities")
    assert again.placement is not None
    assert again.placement.label == "BD-09"
    assert keys(again)[0] == "import.crs_remembered"
    assert again.learned.crs == "BD-09"


def test_a_published_layer_speaks_against_a_remembered_crs(
    read: Read, plan: Plan, tmp_path: Path
) -> None:
    shapes = plan.frame("parcels").geometry.to_numpy()

    def write(name: str, shift: str) -> Path:
        moved = shapely.transform(shapes, CHANGES[shift])
        texts = shapely.to_wkt(moved, rounding_precision=9)
        return table(tmp_path / name, parcel_id=[f"A{n}" for n in range(30)], wkt=texts)

    assert read(write("a.csv", "GCJ-02"), crs="GCJ-02").learned.crs == "GCJ-02"
    found = read(write("b.csv", ""))
    assert found.placement is not None
    assert found.placement.label == "EPSG:4490"
    assert keys(found)[0] == "import.crs_not_remembered"
    assert "import.crs_compared" in keys(found)
    assert found.learned.crs is None


def test_a_remembered_crs_that_leads_out_of_the_county_is_not_used(
    read: Read, tmp_path: Path
) -> None:
    def write(name: str, prefix: float) -> Path:
        middles = shapely.get_coordinates(shapely.centroid(squares()))
        columns = {"x": middles[:, 0] + prefix, "y": middles[:, 1]}
        ids = [f"F{n}" for n in range(6)]
        return table(tmp_path / name, facility_id=ids, kind="port", **columns)

    read(write("a.csv", 0), "facilities", crs="EPSG:4545")
    found = read(write("b.csv", 36e6), "facilities")
    assert found.placement is not None
    assert found.placement.label == "EPSG:4524"
    assert keys(found)[:2] == ["import.crs_not_remembered", "import.crs_worked_out"]


def test_a_crs_that_is_far_too_long_is_refused_before_anything_is_read(read: Read) -> None:
    with pytest.raises(InvalidQueryError, match="characters"):
        read(Path("nowhere.csv"), crs="EPSG:4545" * 2_000)


# ---- units ------------------------------------------------------------------------------------


def stated(path: Path, area: float) -> Path:
    """Write six squares of a hectare with their area as it is stated."""
    wkt = shapely.to_wkt(squares(), rounding_precision=3)
    return table(path, parcel_id=[f"N{n}" for n in range(6)], 面积=area, wkt=wkt)


def test_a_unit_told_by_the_shapes_is_told_anew_by_the_next_file(
    read: Read, tmp_path: Path
) -> None:
    first = read(stated(tmp_path / "a.csv", 15.0))
    assert (first.frame["area_m2"].iloc[0]) == pytest.approx(10_000)
    second = read(stated(tmp_path / "b.csv", 10_000.0))
    matched = second.columns.of("area_m2")
    assert matched is not None
    assert (matched.unit, matched.unit_how) == ("m²", "shapes")
    assert second.frame["area_m2"].tolist() == pytest.approx([10_000] * 6)
    assert "import.area_changed" in [note.key for note in second.notes]


def test_a_remembered_unit_stays_where_the_shapes_tell_none(read: Read, tmp_path: Path) -> None:
    read(stated(tmp_path / "a.csv", 15.0))
    second = read(stated(tmp_path / "b.csv", 9.0))  # 1111 m² to the unit: no unit is so large
    matched = second.columns.of("area_m2")
    assert matched is not None
    assert (matched.unit, matched.unit_how) == ("亩", "remembered")
    assert "import.area_unclear" in [note.key for note in second.notes]


def test_money_in_a_column_named_as_the_layers_own_is_not_asked_for_again(
    read: Read, tmp_path: Path
) -> None:
    wkt = shapely.to_wkt(squares(1), rounding_precision=3)
    path = table(tmp_path / "a.csv", parcel_id=["N1"], investment_cny=[2.0], wkt=wkt)
    for _ in range(2):
        matched = read(path).columns.of("investment_cny")
        assert matched is not None
        assert matched.unit_how == "name"


def test_units_that_the_caller_gives_count(read: Read, tmp_path: Path) -> None:
    wkt = shapely.to_wkt(squares(1), rounding_precision=3)
    path = table(tmp_path / "a.csv", parcel_id=["N1"], 投资=[2.0], wkt=wkt)
    found = read(path, units={"investment_cny": "万元"})
    assert found.frame["investment_cny"].tolist() == [20_000]
    with pytest.raises(InvalidQueryError, match="万元"):
        read(path, units={"investment_cny": "斤"})
    with pytest.raises(InvalidQueryError, match="no column"):
        read(path, units={"water_m3_d": "t/d"})


# ---- encoding ---------------------------------------------------------------------------------


def test_a_given_mapping_names_the_encoding_and_none_is_remembered(
    read: Read, tmp_path: Path
) -> None:
    frame = pd.DataFrame({"facility_id": ["F1"], "kind": ["port"], "name": ["港口"]})
    frame = frame.assign(x=[500_100.0], y=[3_420_100.0])
    frame.to_csv(tmp_path / "a.csv", index=False, encoding="big5")
    (tmp_path / "map.toml").write_text('encoding = "big5"\n', encoding="utf-8")
    mapping = read_mapping(tmp_path / "map.toml")
    found = read(tmp_path / "a.csv", "facilities", mapping=mapping)
    assert found.frame["name"].tolist() == ["港口"]
    assert found.source.encoding == "BIG5"
    assert found.learned.encoding is None
