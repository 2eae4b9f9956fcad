"""Coordinates: trusted when declared, worked out from numbers, compared, or asked for."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo_service.errors import ChoiceNeededError, SourceError
from geo_service.industry import IndustryGroups
from geo_service.ingest.datums import old_datum
from geo_service.ingest.formats import rows
from geo_service.ingest.gcj import wgs84_to_bd09, wgs84_to_gcj02
from geo_service.ingest.limits import Limits
from geo_service.ingest.options import ImportOptions
from geo_service.ingest.placement import Placement, Sample, decide_placement
from geo_service.ingest.run import Imported, read_source
from geo_service.ingest.sources import ImportSource
from geo_service.language import ENGLISH
from geo_service.model import AreaMethod
from geo_service.plan import Layer, Plan, PlanSettings
from geo_service.wording import tell
from geo_service.workspace.opening import open_plan
from tests.county import County, box, parcel
from tests.depth import thorough
from tests.ingest.made import parcels, shapefile, table


def plan_of(west: float, south: float, east: float, north: float) -> Plan:
    """Return a plan of nothing but a county's box in degrees."""
    frame = gpd.GeoDataFrame(
        {"code": ["1"], "name": ["县"], "source": ["test"], "illustrative": [True]},
        geometry=[shapely.box(west, south, east, north)],
        crs="EPSG:4490",
    )
    made = PlanSettings(
        county_code="1",
        name={"zh-Hans": "县"},
        metric_crs="EPSG:4545",
        area_method=AreaMethod.PLANAR,
        groups=IndustryGroups(),
    )
    return Plan({"county": Layer("county", "1", lambda: frame)}, made)


YUNYANG_LIKE = plan_of(108.40, 30.55, 109.25, 31.45)


def decide(
    shapes: list[shapely.Geometry], plan: Plan, *, crs: str | None = None, asked: str = "auto"
) -> Placement:
    source = ImportSource(
        format="csv",
        shown="a.csv",
        columns=(),
        has_geometry=True,
        crs=pyproj.CRS(crs) if crs else None,
        read=lambda: iter(()),
    )
    sample = Sample(shapes=np.array(shapes, dtype=object))
    return decide_placement(source, sample, plan=plan, layer="facilities", crs_option=asked)


@pytest.mark.parametrize(
    ("easting", "expected"),
    [
        (566_902.559, "EPSG:4545"),  # the check point of the domain notes, 108.70 E 30.93 N
        (36_566_902.559, "EPSG:4524"),
    ],
)
@pytest.mark.parametrize("is_swapped", [False, True])
def test_the_check_point_is_recognised(easting: float, expected: str, *, is_swapped: bool) -> None:
    northing = 3_423_423.569
    place = (northing, easting) if is_swapped else (easting, northing)
    found = decide([shapely.Point(*place)], YUNYANG_LIKE)
    assert (found.label, found.is_swapped, found.declared) == (expected, is_swapped, None)
    degrees = found.place(np.array([shapely.Point(*place)]))[0]
    assert (degrees.x, degrees.y) == pytest.approx((108.70, 30.93), abs=1e-7)
    keys = [message.key for message in found.evidence]
    assert "import.crs_worked_out" in keys
    assert ("import.crs_swapped" in keys) is is_swapped


ZONES = [
    *(
        (width, zone, is_prefixed)
        for width, zones in ((3, range(25, 46)), (6, range(13, 24)))
        for zone in zones
        for is_prefixed in (False, True)
    ),
]


@given(
    zone=st.sampled_from(ZONES),
    across=st.floats(-0.9, 0.9),
    lat=st.floats(19, 52),
    is_swapped=st.booleans(),
)
@thorough(40)
def test_a_county_anywhere_in_any_zone_is_recognised(
    zone: tuple[int, int, bool], across: float, lat: float, *, is_swapped: bool
) -> None:
    width, number, is_prefixed = zone
    meridian = 3.0 * number if width == 3 else 6.0 * number - 3
    lon = meridian + across * width / 2
    plan = plan_of(lon - 0.4, lat - 0.4, lon + 0.4, lat + 0.4)
    if width == 3:
        epsg = (4513 if is_prefixed else 4534) + number - 25
    else:
        epsg = (4491 if is_prefixed else 4502) + number - 13
    project = pyproj.Transformer.from_crs("EPSG:4490", epsg, always_xy=True)
    places = [project.transform(lon + dx, lat + dy) for dx in (-0.3, 0.3) for dy in (-0.3, 0.3)]
    shapes = [shapely.Point(y, x) if is_swapped else shapely.Point(x, y) for x, y in places]
    found = decide(shapes, plan)
    assert found.is_swapped is is_swapped
    # Two zones on one meridian have the same numbers: the place decides, not the name.
    degrees = found.to_degrees(shapely.get_coordinates(shapes))
    assert degrees[0].tolist() == pytest.approx([lon - 0.3, lat - 0.3], abs=1e-7)
    if is_prefixed:
        assert found.label == f"EPSG:{epsg}"


def test_a_six_degree_zone_is_named_as_such() -> None:
    project = pyproj.Transformer.from_crs("EPSG:4490", "EPSG:4508", always_xy=True)
    found = decide([shapely.Point(project.transform(108.7, 30.93))], YUNYANG_LIKE)
    assert found.label == "EPSG:4508"


def test_numbers_that_fit_nothing_are_refused_with_the_numbers() -> None:
    with pytest.raises(SourceError, match=r"1234\.000"):
        decide([shapely.Point(1_234, 5_678)], YUNYANG_LIKE)


@pytest.mark.parametrize(
    ("crs", "name"),
    [
        ("EPSG:2384", "Xi'an 80"),
        ("EPSG:4610", "Xi'an 80"),
        ("EPSG:2436", "Beijing 54"),
        ("EPSG:4214", "Beijing 54"),
    ],
)
def test_old_datums_without_parameters_are_refused(crs: str, name: str) -> None:
    project = pyproj.Transformer.from_crs(pyproj.CRS(crs).geodetic_crs, crs, always_xy=True)
    point = shapely.Point(project.transform(108.7, 30.93))
    with pytest.raises(SourceError, match=name):
        decide([point], YUNYANG_LIKE, crs=crs)
    with pytest.raises(SourceError, match=name):
        decide([point], YUNYANG_LIKE, asked=crs)


def gauss_krueger(datum: str, ellipsoid: str) -> str:
    """Return the WKT of a .prj for the meridian of 108 degrees."""
    return (
        f'PROJCS["Local",GEOGCS["GCS_Local",DATUM["{datum}",SPHEROID[{ellipsoid}]],'
        'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Gauss_Kruger"],'
        'PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],'
        'PARAMETER["Central_Meridian",108.0],PARAMETER["Scale_Factor",1.0],'
        'PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
    )


@pytest.mark.parametrize(
    ("datum", "ellipsoid", "name"),
    [
        ("D_Unknown_based_on_IAU_1976", '"IAU_1976",6378140,298.257', "Xi'an 80"),
        ("D_Local", '"Local",6378140.0,298.257', "Xi'an 80"),
        ("D_unknown", '"unknown",6378245.0,298.3', "Beijing 54"),
        ("D_Local", '"Krasovsky_1940",6378245.0,298.3', "Beijing 54"),
    ],
)
def test_an_old_datum_is_known_by_its_ellipsoid_whatever_its_name(
    tmp_path: Path, datum: str, ellipsoid: str, name: str
) -> None:
    path = shapefile(parcels(), tmp_path / "a.shp")
    wkt = gauss_krueger(datum, ellipsoid)
    path.with_suffix(".prj").write_text(wkt.replace('"Local"', f'"{datum[2:]}"'))
    plan = plan_of(107.5, 30.5, 108.5, 31.5)
    options = ImportOptions(scheme="survey3")
    with pytest.raises(SourceError, match=name):
        read_source(path, "parcels", plan=plan, options=options)


@pytest.mark.parametrize("crs", ["EPSG:4490", "EPSG:4545", "EPSG:4326", "EPSG:4479"])
def test_a_newer_datum_is_no_old_one(crs: str) -> None:
    assert old_datum(pyproj.CRS(crs)) is None


_XIAN_80 = "+proj=tmerc +lon_0=108 +x_0=500000 +a=6378140 +rf=298.257 +units=m"


def test_an_old_datum_with_parameters_is_taken_and_told() -> None:
    bound = f"{_XIAN_80} +towgs84=0,0,1000,0,0,0,0 +type=crs"
    found = decide([shapely.Point(566_902.559, 3_423_423.569)], YUNYANG_LIKE, asked=bound)
    told = next(m for m in found.evidence if m.key == "import.crs_parameters")
    assert told.values == {"datum": "Xi'an 80", "parameters": "0,0,1000,0,0,0,0"}
    plain = pyproj.Transformer.from_crs(
        pyproj.CRS(_XIAN_80).geodetic_crs, _XIAN_80, always_xy=True
    ).transform(566_902.559, 3_423_423.569, direction="INVERSE")
    degrees = found.to_degrees(np.array([[566_902.559, 3_423_423.569]]))[0]
    # A kilometre along the axis of the earth is 1000 m * cos(30.9) = 858 m to the north.
    assert (degrees[1] - plain[1]) * 110_850 == pytest.approx(858, abs=8)
    assert degrees[0] == pytest.approx(plain[0], abs=1e-9)


@pytest.mark.parametrize("nothing", ["", "+towgs84=0,0,0,0,0,0,0", "+nadgrids=@null"])
def test_parameters_that_change_nothing_are_none(nothing: str) -> None:
    point = shapely.Point(566_902.559, 3_423_423.569)
    with pytest.raises(SourceError, match="Xi'an 80"):
        decide([point], YUNYANG_LIKE, asked=f"{_XIAN_80} {nothing} +type=crs")


def test_rows_without_places_do_not_decide_where_the_others_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Batches of two rows; the first places, in metres, come in the third batch.
    monkeypatch.setattr(rows, "BATCH_ROWS", 2)
    names = [f"F{n}" for n in range(6)]
    x = [None, None, None, None, 500_100.0, 500_200.0]
    y = [None, None, None, None, 3_420_100.0, 3_420_200.0]
    path = table(tmp_path / "a.csv", facility_id=names, kind="port", x=x, y=y)
    plan = plan_of(107.5, 30.5, 108.5, 31.5)
    options = ImportOptions(limits=Limits(features=6))
    found = read_source(path, "facilities", plan=plan, options=options)
    assert found.placement is not None
    assert found.placement.label == "EPSG:4545"
    assert found.frame["facility_id"].tolist() == ["F4", "F5"]
    assert found.rows == 6


def test_codes_that_come_late_ask_for_their_scheme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "BATCH_ROWS", 1)
    wkt = shapely.to_wkt([box(0, 0, 10, 10), box(20, 0, 10, 10)], rounding_precision=3)
    path = table(tmp_path / "a.csv", parcel_id=["A", "B"], land_use=[None, "1001"], wkt=wkt)
    plan = plan_of(107.5, 30.5, 108.5, 31.5)
    with pytest.raises(ChoiceNeededError) as caught:
        read_source(path, "parcels", plan=plan)
    assert caught.value.parameter == "scheme"


def test_a_declared_crs_is_checked_and_another_that_fits_is_offered() -> None:
    with pytest.raises(ChoiceNeededError) as caught:
        decide([shapely.Point(36_566_902, 3_423_423)], YUNYANG_LIKE, crs="EPSG:4545")
    assert [choice.value for choice in caught.value.choices] == ["EPSG:4524"]
    with pytest.raises(SourceError, match="outside the county"):
        decide([shapely.Point(1, 2)], YUNYANG_LIKE, crs="EPSG:4490")


def test_declared_degrees_with_swapped_axes_are_put_right_and_told() -> None:
    found = decide([shapely.Point(30.93, 108.7)], YUNYANG_LIKE, crs="EPSG:4490")
    assert found.is_swapped
    assert "import.crs_swapped" in [message.key for message in found.evidence]


# ---- GCJ-02 and BD-09 ------------------------------------------------------------------------


@pytest.fixture
def published(tmp_path: Path) -> Plan:
    """Return a county with thirty parcels of different sizes."""
    county = County()
    county.layers["parcels"] = [
        parcel(f"A{n}", box(37 * n * 3, 53 * n, 80 + n, 60 + 2 * n)) for n in range(30)
    ]
    return open_plan(county.write(tmp_path / "county"))


def moved(frame: gpd.GeoDataFrame, shift: str) -> gpd.GeoDataFrame:
    change = {"GCJ-02": wgs84_to_gcj02, "BD-09": wgs84_to_bd09, "EPSG:4490": lambda xy: xy}[shift]
    return frame.set_geometry(
        gpd.GeoSeries(shapely.transform(frame.geometry.to_numpy(), change), crs="EPSG:4326")
    )


@pytest.mark.parametrize("shift", ["GCJ-02", "BD-09", "EPSG:4490"])
@pytest.mark.parametrize("has_ids", [True, False])
def test_degrees_are_told_by_what_is_published(
    published: Plan, tmp_path: Path, shift: str, *, has_ids: bool
) -> None:
    frame = published.frame("parcels")[["parcel_id", "geometry"]]
    if not has_ids:
        frame = frame.assign(parcel_id=[f"new{n}" for n in range(len(frame))])
    moved(frame, shift).to_file(tmp_path / "a.geojson", RFC7946="YES")
    found = read_source(tmp_path / "a.geojson", "parcels", plan=published)
    assert found.placement is not None
    assert found.placement.label == shift
    compared = next(m for m in found.placement.evidence if m.key == "import.crs_compared")
    assert float(compared.values["error"]) < 0.05
    assert (
        found.frame.geometry.to_crs("EPSG:4545")
        .iloc[0]
        .centroid.distance(published.metric("parcels").geometry.iloc[0].centroid)
        < 0.02
    )


def test_degrees_that_nothing_settles_are_asked_for(tmp_path: Path) -> None:
    parcels("EPSG:4326").to_file(tmp_path / "a.geojson", RFC7946="YES")
    bare = plan_of(107.5, 30.5, 108.5, 31.5)
    with pytest.raises(ChoiceNeededError) as caught:
        read_source(
            tmp_path / "a.geojson", "parcels", plan=bare, options=ImportOptions(scheme="survey3")
        )
    assert caught.value.parameter == "crs"
    assert [choice.value for choice in caught.value.choices] == ["EPSG:4490", "GCJ-02", "BD-09"]


def test_degrees_that_fit_no_reading_well_show_how_each_fits(
    published: Plan, tmp_path: Path
) -> None:
    # 75 m to the north of what is published: none is near enough, but one is nearest.
    frame = published.frame("parcels")[["parcel_id", "geometry"]]
    off = frame.set_geometry(frame.to_crs("EPSG:4545").translate(0, 75).to_crs("EPSG:4326"))
    off.to_file(tmp_path / "a.geojson", RFC7946="YES")
    with pytest.raises(ChoiceNeededError) as caught:
        read_source(tmp_path / "a.geojson", "parcels", plan=published)
    evidence = {choice.value: tell(choice.evidence, ENGLISH) for choice in caught.value.choices}
    assert "layer parcels 30 pairs (100.0 %) with a median error of 75.0" in evidence["EPSG:4490"]
    assert len(set(evidence.values())) == 3


@pytest.mark.parametrize("shift", ["GCJ-02", "BD-09"])
def test_the_callers_word_is_taken(published: Plan, tmp_path: Path, shift: str) -> None:
    frame = published.frame("parcels")[["parcel_id", "geometry"]]
    moved(frame, shift).to_file(tmp_path / "a.gpkg")  # declares EPSG:4326, as such files do
    options = ImportOptions(crs=shift)
    found: Imported = read_source(tmp_path / "a.gpkg", "parcels", plan=published, options=options)
    distance = found.frame.to_crs("EPSG:4545").distance(
        published.metric("parcels").reset_index(drop=True)
    )
    assert distance.max() < 1e-3


def test_a_declared_crs_that_looks_like_gcj02_is_doubted_aloud(
    published: Plan, tmp_path: Path
) -> None:
    frame = published.frame("parcels")[["parcel_id", "geometry"]]
    moved(frame, "GCJ-02").to_file(tmp_path / "a.gpkg")
    found = read_source(tmp_path / "a.gpkg", "parcels", plan=published)
    assert found.placement is not None
    assert found.placement.shift is None
    assert "import.crs_doubtful" in [message.key for message in found.placement.evidence]
