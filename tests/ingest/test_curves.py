"""Arcs become straight segments; what cannot be read costs its own feature only."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np
import pytest
import shapely

from geo_service.ingest.formats.curves import straight_from_wkb, straight_from_wkt
from geo_service.ingest.formats.well_known import read_wkt
from geo_service.ingest.options import ImportOptions
from geo_service.ingest.run import read_source
from geo_service.plan import Plan
from geo_service.workspace.opening import open_plan
from tests.county import County
from tests.ingest.made import table

CIRCLE = "CURVEPOLYGON(CIRCULARSTRING(0 0,10 0,0 0))"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return open_plan(County().write(tmp_path_factory.mktemp("county") / "county"))


def wkb(code: int, *parts: bytes, places: tuple[tuple[float, ...], ...] = ()) -> bytes:
    """Return the WKB of a shape of parts, or of places."""
    numbers = b"".join(struct.pack(f"<{len(place)}d", *place) for place in places)
    count = len(parts) or len(places)
    return struct.pack("<BII", 1, code, count) + b"".join(parts) + numbers


@pytest.mark.parametrize(
    ("wkt", "kind", "area", "length"),
    [
        # Segments of 4 degrees: 90 of them. Area n/2 r² sin(4°), length 2 n r sin(2°); r = 5.
        (CIRCLE, "Polygon", 78.476, 31.4095),
        ("CIRCULARSTRING(0 0,5 5,10 0)", "LineString", 0, 15.7048),
        ("CIRCULARSTRING(10 0,5 5,0 0)", "LineString", 0, 15.7048),
        ("CIRCULARSTRING(0 0,1 0,2 0)", "LineString", 0, 2),  # no arc at all
        ("COMPOUNDCURVE(CIRCULARSTRING(0 0,5 5,10 0),(10 0,12 0))", "LineString", 0, 17.7048),
        (
            "COMPOUNDCURVE Z ((0 0 1,1 0 1),CIRCULARSTRING Z (1 0 1,6 5 1,11 0 1))",
            "LineString",
            0,
            16.7048,
        ),
        (
            "CURVEPOLYGON((0 0,9 0,9 9,0 9,0 0),CIRCULARSTRING(2 2,4 2,2 2))",
            "Polygon",
            77.861,
            42.2819,
        ),
        (
            "MULTISURFACE(((0 0,1 0,1 1,0 0)),CURVEPOLYGON((5 5,6 5,6 6,5 5)))",
            "MultiPolygon",
            1,
            6.8284,
        ),
        ("MULTICURVE((0 0,1 0),CIRCULARSTRING(0 0,5 5,10 0))", "MultiLineString", 0, 16.7048),
        (f"GEOMETRYCOLLECTION(POINT(1 1),{CIRCLE})", "GeometryCollection", 78.476, 31.4095),
        ("CURVEPOLYGON EMPTY", "Polygon", 0, 0),
    ],
)
def test_arcs_become_segments(wkt: str, kind: str, area: float, length: float) -> None:
    shape = straight_from_wkt(wkt)
    assert shape is not None
    assert shape.geom_type == kind
    assert shape.area == pytest.approx(area, abs=1e-3)
    assert shape.length == pytest.approx(length, abs=1e-3)


@pytest.mark.parametrize(
    "wkt",
    ["CURVEPOLYGON(", "CIRCULARSTRING(0 0,1)", "CIRCLE(0 0)", f"{CIRCLE}{CIRCLE}", "TIN EMPTY"],
)
def test_a_text_that_is_no_shape_is_none(wkt: str) -> None:
    assert straight_from_wkt(wkt) is None


def test_a_text_that_nests_without_end_is_none() -> None:
    assert straight_from_wkt("GEOMETRYCOLLECTION(" * 10_000) is None


def test_points_on_an_arc_are_on_its_circle() -> None:
    # Far from the origin, as coordinates are: the circle of radius 5 around (500 005, 3 420 000).
    east, north = 500_000, 3_420_000
    text = f"CIRCULARSTRING({east} {north},{east + 5} {north + 5},{east + 10} {north})"
    shape = straight_from_wkt(text)
    away = shapely.get_coordinates(shape) - (east + 5, north)
    assert np.hypot(away[:, 0], away[:, 1]).tolist() == pytest.approx([5] * len(away))
    steps = np.diff(np.unwrap(np.arctan2(away[:, 1], away[:, 0])))
    assert np.abs(steps).max() <= math.radians(4) + 1e-9


@pytest.mark.parametrize("flag", [0, 1000, 2000, 3000, 0x80000000, 0x40000000])
def test_curves_in_wkb_with_heights_and_measures(flag: int) -> None:
    more = {0: 0, 3000: 2}.get(flag, 1) * (7.0,)
    ring = wkb(8 + flag, places=((0, 0, *more), (10, 0, *more), (0, 0, *more)))
    shape = straight_from_wkb(wkb(10 + flag, ring))
    assert shape is not None
    assert shape.area == pytest.approx(78.476, abs=1e-3)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        wkb(10)[:-1],
        struct.pack("<BII", 1, 8, 1 << 31),  # places that are not there
        struct.pack("<BII", 1, 10, 1 << 31),  # parts that are not there
        b"".join(struct.pack("<BII", 1, 10, 1) for _ in range(5_000)),
    ],
)
def test_broken_curves_in_wkb_are_none(content: bytes) -> None:
    assert straight_from_wkb(content) is None


def test_a_curve_leaves_the_other_shapes_as_they_are() -> None:
    texts = ["POINT(1 2)", CIRCLE, None, "CURVEPOLYGON(CIRCULARSTRING(0 0,1))", "nonsense"]
    found = read_wkt(np.array(texts, dtype=object))
    kinds = [None if shape is None else shape.geom_type for shape in found.shapes]
    assert kinds == ["Point", "Polygon", None, None, None]
    assert [(change.what, change.positions.tolist()) for change in found.changes] == [
        ("curve", [1])
    ]
    assert sorted(found.unread) == [3, 4]


def test_curves_are_imported_and_told(plan: Plan, tmp_path: Path) -> None:
    ring = "CIRCULARSTRING(500000 3420000,500100 3420000,500000 3420000)"
    texts = [f"CURVEPOLYGON({ring})", "TIN(((0 0 0,0 0 1,0 1 0,0 0 0)))", "POLYGON((1 1"]
    path = table(tmp_path / "a.csv", parcel_id=["A", "B", "C"], wkt=texts)
    found = read_source(path, "parcels", plan=plan, options=ImportOptions(scheme="survey3"))
    assert found.frame["parcel_id"].tolist() == ["A"]
    # 90/2 * 50² * sin(4°) = 7847.6 m²
    assert found.frame["area_m2"].tolist() == pytest.approx([7_847.6], abs=1)
    assert found.ledger.repair_counts["curve"] == 1
    assert {item.feature: item.reason.key for item in found.ledger.refused} == {
        "B": "import.bad_wkt",
        "C": "import.bad_wkt",
    }


def test_a_curve_in_a_geopackage_does_not_damage_it(plan: Plan, tmp_path: Path) -> None:
    import sqlite3  # noqa: PLC0415 - puts a curve where GDAL's own writing here has none

    import geopandas as gpd  # noqa: PLC0415

    square = shapely.box(500_000, 3_420_000, 500_100, 3_420_100)
    frame = gpd.GeoDataFrame({"parcel_id": ["A", "B"]}, geometry=[square] * 2, crs="EPSG:4545")
    frame.to_file(tmp_path / "a.gpkg", layer="a")
    ring = wkb(8, places=((500_000, 3_420_000), (500_100, 3_420_000), (500_000, 3_420_000)))
    header = b"GP\x00\x01" + struct.pack("<i", 4545)
    with sqlite3.connect(tmp_path / "a.gpkg") as base:
        triggers = base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            base.execute(f'DROP TRIGGER "{name}"')
        base.execute("UPDATE a SET geom = ? WHERE parcel_id = 'A'", (header + wkb(10, ring),))
        base.execute("UPDATE gpkg_geometry_columns SET geometry_type_name = 'GEOMETRY'")
    base.close()
    options = ImportOptions(scheme="survey3")
    found = read_source(tmp_path / "a.gpkg", "parcels", plan=plan, options=options)
    areas = dict(zip(found.frame["parcel_id"], found.frame["area_m2"], strict=True))
    assert areas == pytest.approx({"A": 7_847.6, "B": 10_000}, abs=1)
