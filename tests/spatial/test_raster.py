"""Slopes: planes by hand, hills against gdaldem, polygons that cover parts of cells."""

from __future__ import annotations

import math
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import rasterio
import rasterio.shutil
import shapely
from hypothesis import given
from hypothesis import strategies as st
from rasterio.errors import NotGeoreferencedWarning

from geo_service.errors import CrsError, WorkspaceError
from geo_service.plan import DemFile, Plan
from geo_service.spatial import raster
from geo_service.spatial.raster import Dem, dem_faults, hillshade, slope_of, slope_percent
from tests.depth import thorough
from tests.spatial.shapes import array

CRS = "EPSG:4545"
WEST, NORTH_EDGE = 566_000.0, 3_424_000.0
CELL_M = 10.0
Heights = np.ndarray[tuple[int, int], np.dtype[np.float64]]
Write = Callable[..., Path]


def from_origin(west: float, north: float, width: float, height: float) -> rasterio.Affine:
    """Return where a north-up raster lies, by its corner and the sides of a cell."""
    return rasterio.Affine(width, 0.0, west, 0.0, -height, north)


needs_gdaldem = pytest.mark.skipif(shutil.which("gdaldem") is None, reason="gdal-bin is missing")


def write_dem(
    path: Path,
    heights: Heights,
    *,
    crs: str | None = CRS,
    transform: rasterio.Affine | None = None,
    unit: str | None = None,
    **options: object,
) -> Path:
    """Write a GeoTIFF of heights, in cells of 10 m unless told otherwise."""
    place = transform or from_origin(WEST, NORTH_EDGE, CELL_M, CELL_M)
    given = {"dtype": "float64", "nodata": -9999.0, **options}
    rows, columns = heights.shape
    with rasterio.open(
        path, "w", driver="GTiff", width=columns, height=rows, count=1, crs=crs, transform=place,
        **given,
    ) as target:  # fmt: skip
        target.write(heights.astype(str(given["dtype"])), 1)
        if unit is not None:
            target.set_band_unit(1, unit)
    return path


@pytest.fixture
def written(tmp_path: Path) -> Write:
    """Return a function that writes heights to a file of its own."""
    return lambda heights, **options: write_dem(tmp_path / "dem.tif", heights, **options)


def plane(rows: int, columns: int, *, east: float = 0.0, north: float = 0.0) -> Heights:
    """Return heights that rise by so much a metre to the east and to the north."""
    y, x = np.mgrid[0:rows, 0:columns].astype(float)
    return np.asarray(500 + east * CELL_M * x - north * CELL_M * y)


def hills(rows: int, columns: int) -> Heights:
    """Return a landscape without a straight line in it."""
    y, x = np.mgrid[0:rows, 0:columns].astype(float)
    return np.asarray(600 + 80 * np.sin(x / 7) * np.cos(y / 5) + 40 * np.sin((x + 2 * y) / 11))


def cells(left: float, top: float, right: float, low: float) -> shapely.Polygon:
    """Return the rectangle between columns and rows counted from the north-west corner."""
    return shapely.box(
        WEST + left * CELL_M,
        NORTH_EDGE - low * CELL_M,
        WEST + right * CELL_M,
        NORTH_EDGE - top * CELL_M,
    )


def measured(path: Path, *shapes: shapely.Geometry | None, **options: float) -> pd.DataFrame:
    """Return the slopes of shapes on a raster."""
    return slope_of(
        Dem.open(path, metric_crs=CRS), gpd.GeoSeries(array(shapes), crs=CRS), **options
    )


# ------------------------------------------------------------------ slopes by hand


@pytest.mark.parametrize(
    ("east", "north", "percent"), [(0.1, 0, 10), (0, -0.1, 10), (0.03, 0.04, 5), (0, 0, 0)]
)
def test_a_plane_has_its_own_gradient(
    written: Write, east: float, north: float, percent: float
) -> None:
    found = measured(written(plane(20, 20, east=east, north=north)), cells(2, 2, 10, 9)).iloc[0]
    assert found["mean_percent"] == pytest.approx(percent)
    assert found["mean_degrees"] == pytest.approx(math.degrees(math.atan(percent / 100)))
    assert found["steep_share"] == 0
    assert found["covered_share"] == pytest.approx(1)


def test_cells_that_are_not_square_are_measured_by_their_sides(written: Write) -> None:
    # 1 m a column of 20 m is 5 %, 1 m a row of 10 m is 10 %
    y, x = np.mgrid[0:10, 0:10].astype(float)
    place = from_origin(WEST, NORTH_EDGE, 20, 10)
    shape = shapely.box(WEST + 40, NORTH_EDGE - 80, WEST + 160, NORTH_EDGE - 20)
    assert measured(written(x, transform=place), shape)["mean_percent"][0] == pytest.approx(5)
    assert measured(written(y, transform=place), shape)["mean_percent"][0] == pytest.approx(10)


def ramp() -> Heights:
    """Return 10 rows that are flat in columns 0 to 9 and rise by 4 m a column (40 %) from there."""
    return np.tile(np.maximum(np.arange(20.0) - 9, 0) * 4, (10, 1))


def test_cells_count_by_the_share_that_a_polygon_covers(written: Write) -> None:
    path = written(ramp())
    # Column 8 is flat, 9 has 4 m over two cells (20 %), 10 and on 8 m over two (40 %).
    flat, half, steep = 0.0, 20.0, 40.0
    # From the middle of column 8 to the middle of column 10: 0.5, 1 and 0.5 cells a row.
    found = measured(path, cells(8.5, 3, 10.5, 5)).iloc[0]
    assert found["mean_percent"] == pytest.approx((0.5 * flat + half + 0.5 * steep) / 2)
    angles = [math.degrees(math.atan(each / 100)) for each in (flat, half, steep)]
    assert found["mean_degrees"] == pytest.approx(
        (0.5 * angles[0] + angles[1] + 0.5 * angles[2]) / 2
    )
    assert found["steep_share"] == pytest.approx(1.5 / 2)  # 20 % and 40 % are above 15 %
    # A triangle that is half of column 9, row 4 and half of column 10, row 4: 20 and 40 %
    triangle = shapely.Polygon(
        [(WEST + 90, NORTH_EDGE - 50), (WEST + 110, NORTH_EDGE - 50), (WEST + 110, NORTH_EDGE - 40)]
    )
    # Of its 1 cell, a quarter lies in column 9 and three quarters in column 10.
    assert measured(path, triangle)["mean_percent"][0] == pytest.approx(0.25 * 20 + 0.75 * 40)


def test_a_polygon_within_one_cell_has_the_slope_of_that_cell(written: Write) -> None:
    found = measured(written(ramp()), cells(9.2, 4.3, 9.4, 4.5)).iloc[0]
    assert found["mean_percent"] == pytest.approx(20)
    assert found["covered_share"] == pytest.approx(1)


def test_the_mean_of_angles_is_not_the_angle_of_the_mean(written: Write) -> None:
    found = measured(written(ramp()), cells(8, 2, 9, 3), cells(8, 2, 11, 3)).iloc[1]
    assert found["mean_percent"] == pytest.approx(20)
    assert math.tan(math.radians(found["mean_degrees"])) * 100 < 19.9


def test_the_threshold_itself_is_not_steep(written: Write) -> None:
    # A rise of 2 m over a cell of 8 m is 25 %, exactly.
    x = np.tile(np.arange(10.0), (10, 1))
    path = written(2 * x, transform=from_origin(WEST, NORTH_EDGE, 8, 8))
    shape = shapely.box(WEST + 16, NORTH_EDGE - 48, WEST + 48, NORTH_EDGE - 16)
    assert measured(path, shape, steep_percent=25)["steep_share"][0] == 0
    assert measured(path, shape, steep_percent=24.99)["steep_share"][0] == pytest.approx(1)


def test_what_lies_outside_or_on_no_data_has_no_slope(written: Write) -> None:
    heights = plane(20, 20, east=0.1)
    heights[10, 10] = -9999  # takes the slope of the 3 x 3 cells around it
    found = measured(
        written(heights),
        cells(100, 100, 110, 110),  # elsewhere
        cells(9, 9, 12, 12),  # around the hole
        cells(8, 9, 12, 12),  # 3 of its 12 cells are beside it
        cells(-5, 5, 5, 6),  # half outside, and the raster's first column has no slope: 4 of 10
        cells(0, 0, 20, 1),  # the first row only
    )
    assert found["covered_share"].tolist() == pytest.approx([0, 0, 3 / 12, 4 / 10, 0])
    assert found["mean_percent"].tolist() == pytest.approx(
        [np.nan, np.nan, 10, 10, np.nan], nan_ok=True
    )
    assert found["steep_share"].isna().tolist() == [True, True, False, False, True]


def test_a_nodata_that_is_nan_counts_as_none(written: Write) -> None:
    heights = plane(20, 20, east=0.1)
    heights[10, 10] = np.nan
    found = measured(written(heights, nodata=np.nan), cells(8, 9, 12, 12))
    assert found["covered_share"].tolist() == pytest.approx([3 / 12])


def test_what_is_no_polygon_has_no_slope(written: Write) -> None:
    line = shapely.LineString([(WEST + 50, NORTH_EDGE - 50), (WEST + 90, NORTH_EDGE - 50)])
    found = measured(written(plane(20, 20, east=0.1)), None, shapely.Polygon(), line)
    assert found["covered_share"].tolist() == [0, 0, 0]
    assert found["mean_percent"].isna().all()


def test_the_index_of_the_shapes_is_kept(written: Write) -> None:
    dem = Dem.open(written(plane(20, 20, east=0.1)), metric_crs=CRS)
    frame = gpd.GeoDataFrame(geometry=[cells(2, 2, 4, 4)], index=["a"], crs=CRS)
    assert slope_of(dem, frame)["mean_percent"].to_dict() == {"a": pytest.approx(10)}
    assert slope_of(dem, frame.iloc[:0]).empty
    bare = slope_of(dem, frame.geometry.to_numpy())
    assert bare["mean_percent"].to_dict() == {0: pytest.approx(10)}
    with pytest.raises(CrsError, match="elevation model"):
        slope_of(dem, frame.to_crs("EPSG:32649"))
    with pytest.raises(CrsError):
        slope_of(dem, frame.to_crs("EPSG:4490"))


def test_blocks_change_nothing(written: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(hills(70, 90))
    shapes = [cells(3, 3, 80, 60), cells(14.5, 14.5, 17.5, 33.2), cells(40, 1, 42, 69)]
    whole = measured(path, *shapes)
    monkeypatch.setattr(raster, "_BLOCK", 16)
    pd.testing.assert_frame_equal(measured(path, *shapes), whole, rtol=1e-9)


@given(
    corner=st.tuples(st.floats(-5, 34), st.floats(-5, 34)),
    size=st.tuples(st.floats(0.01, 20), st.floats(0.01, 20)),
)
@thorough(40)
def test_rectangles_have_the_mean_by_their_overlap_with_each_cell(
    tmp_path_factory: pytest.TempPathFactory, corner: tuple[float, float], size: tuple[float, float]
) -> None:
    path = tmp_path_factory.getbasetemp() / "hills.tif"
    if not path.exists():
        write_dem(path, hills(30, 30))
    percent = np.full((30, 30), np.nan)
    percent[1:-1, 1:-1] = slope_percent(hills(30, 30), (CELL_M, CELL_M))
    left, top = corner
    right, low = left + size[0], top + size[1]
    step = np.arange(30)
    across = np.clip(np.minimum(step + 1, right) - np.maximum(step, left), 0, None)
    down = np.clip(np.minimum(step + 1, low) - np.maximum(step, top), 0, None)
    weight = np.where(np.isnan(percent), 0, down[:, None] * across)
    found = measured(path, cells(left, top, right, low)).iloc[0]
    assert found["covered_share"] == pytest.approx(weight.sum() / (size[0] * size[1]), abs=1e-4)
    if weight.sum() > 0.01:
        mean = np.nansum(weight * percent) / weight.sum()
        assert found["mean_percent"] == pytest.approx(mean, rel=1e-3)


# ------------------------------------------------------------------ against gdaldem


def gdaldem(
    mode: str, path: Path, *options: str
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return what gdaldem makes of a raster, NaN where it has no data."""
    made = path.with_name(f"{mode}.tif")
    subprocess.run(["gdaldem", mode, "-q", path, made, *options], check=True, timeout=60)
    with rasterio.open(made) as source:
        return np.asarray(source.read(1, masked=True).astype(float).filled(np.nan))


@needs_gdaldem
@pytest.mark.parametrize("cell_m", [(10, 10), (12.5, 30)])
def test_slopes_are_those_of_gdaldem(written: Write, cell_m: tuple[float, float]) -> None:
    heights = hills(40, 50)
    heights[20, 30] = -9999
    path = written(heights, dtype="float32", transform=from_origin(WEST, NORTH_EDGE, *cell_m))
    dem = Dem.open(path, metric_crs=CRS)
    framed = np.pad(dem.heights(), 1, constant_values=np.nan)
    percent = slope_percent(framed, dem.cell_m)
    np.testing.assert_allclose(percent, gdaldem("slope", path, "-p"), rtol=1e-4, atol=1e-3)
    degrees = raster.degrees_of(percent)
    np.testing.assert_allclose(degrees, gdaldem("slope", path), rtol=1e-4, atol=1e-3)


@needs_gdaldem
@pytest.mark.parametrize(
    ("azimuth", "altitude", "z_factor"), [(315, 45, 1), (90, 30, 2), (200, 60, 0.5)]
)
def test_hillshade_is_that_of_gdaldem(
    written: Write, azimuth: float, altitude: float, z_factor: float
) -> None:
    heights = hills(40, 50)
    heights[20, 30] = -9999
    path = written(heights, dtype="float32")
    options = ["-az", str(azimuth), "-alt", str(altitude), "-z", str(z_factor)]
    expected = np.nan_to_num(gdaldem("hillshade", path, *options))
    relief = hillshade(
        Dem.open(path, metric_crs=CRS),
        azimuth_deg=azimuth, altitude_deg=altitude, z_factor=z_factor,
    )  # fmt: skip
    assert relief.image.dtype == np.uint8
    assert np.abs(relief.image.astype(float) - expected).max() <= 1
    assert ((relief.image == 0) == (expected == 0)).all()
    assert relief.bounds == (WEST, NORTH_EDGE - 400, WEST + 500, NORTH_EDGE)


# ------------------------------------------------------------------ relief


def test_flat_ground_is_lit_by_the_height_of_the_light(written: Write) -> None:
    dem = Dem.open(written(plane(10, 10)), metric_crs=CRS)
    inner = hillshade(dem, altitude_deg=30).image[1:-1, 1:-1]
    assert (inner == round(1 + 254 * 0.5)).all()  # the sine of 30 degrees


def test_a_large_model_is_averaged_for_the_relief(written: Write) -> None:
    dem = Dem.open(written(plane(40, 60, east=0.1)), metric_crs=CRS)
    relief = hillshade(dem, max_side=30)
    assert relief.image.shape == (20, 30)
    assert relief.bounds == dem.bounds
    # The gradient, and so the shade, is that of the full model.
    assert relief.image[10, 15] == hillshade(dem).image[20, 30]


def test_the_relief_for_a_web_map_lies_where_the_model_does(written: Write) -> None:
    dem = Dem.open(written(hills(40, 50)), metric_crs=CRS)
    relief = hillshade(dem, crs="EPSG:3857")
    assert relief.crs == pyproj.CRS("EPSG:3857")
    to_degrees = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    expected = to_degrees.transform_bounds(*dem.bounds)
    assert relief.bounds_deg == pytest.approx(expected, abs=2e-4)  # two cells
    assert (relief.image > 0).mean() > 0.8


# ------------------------------------------------------------------ other rasters


def test_a_model_in_degrees_is_warped_to_metres(written: Write) -> None:
    # A plane in metres, sampled at the cells of a raster in degrees
    place = from_origin(108.68, 30.95, 0.0001, 0.0001)
    lon, lat = np.meshgrid(
        108.68 + (np.arange(200) + 0.5) / 1e4, 30.95 - (np.arange(200) + 0.5) / 1e4
    )
    to_metres = pyproj.Transformer.from_crs("EPSG:4490", CRS, always_xy=True)
    x, y = to_metres.transform(lon, lat)
    heights = 500 + 0.12 * (x - x.min()) + 0.05 * (y - y.min())
    path = written(heights, crs="EPSG:4490", transform=place)
    dem = Dem.open(path, metric_crs=CRS)
    assert dem.is_warped
    assert dem.cell_m == pytest.approx((10, 10), rel=0.1)
    shape = shapely.Point(x.mean(), y.mean()).buffer(300)
    found = slope_of(dem, gpd.GeoSeries([shape], crs=CRS)).iloc[0]
    assert found["mean_percent"] == pytest.approx(13, rel=2e-3)  # 5, 12, 13
    assert found["covered_share"] == pytest.approx(1)
    # The same heights, whichever window is read
    whole = dem.heights()
    part = dem.heights(range(50, 80), range(20, 90))
    np.testing.assert_allclose(part, whole[20:90, 50:80], rtol=0, atol=1e-5)


def test_whole_metres_make_no_steps_when_warped(written: Write) -> None:
    place = from_origin(108.68, 30.95, 0.0001, 0.0001)
    heights = np.tile(np.arange(200.0), (200, 1))
    path = written(heights, crs="EPSG:4490", transform=place, dtype="int16", nodata=-9999)
    inner = Dem.open(path, metric_crs=CRS).heights()[60:100, 60:100]
    assert not np.array_equal(inner, np.round(inner))


def test_no_data_stays_no_data_when_warped(written: Write) -> None:
    place = from_origin(108.68, 30.95, 0.0001, 0.0001)
    heights = np.full((100, 100), 500.0)
    heights[40:60, 40:60] = -9999
    dem = Dem.open(written(heights, crs="EPSG:4490", transform=place), metric_crs=CRS)
    found = dem.heights()
    assert np.nanmin(found) == pytest.approx(500)
    assert np.nanmax(found) == pytest.approx(500)
    assert np.isnan(found[dem.height // 2, dem.width // 2])


def test_a_raster_with_the_south_on_top_is_turned(written: Write) -> None:
    heights = plane(20, 30, east=0.1, north=0.05)
    upside = rasterio.Affine(CELL_M, 0, WEST, 0, CELL_M, NORTH_EDGE - 20 * CELL_M)
    dem = Dem.open(written(heights[::-1], transform=upside), metric_crs=CRS)
    assert dem.is_warped
    found = slope_of(dem, gpd.GeoSeries([cells(5, 5, 15, 15)], crs=CRS))
    assert found["mean_percent"].tolist() == pytest.approx([100 * math.hypot(0.1, 0.05)])


def test_scale_and_offset_of_the_band_are_applied(written: Write) -> None:
    path = written(plane(20, 20, east=0.1) * 10, dtype="int32", nodata=-9999)
    with rasterio.open(path, "r+") as target:
        target.scales, target.offsets = (0.1,), (20.0,)
    dem = Dem.open(path, metric_crs=CRS)
    assert dem.heights()[0, 0] == pytest.approx(520)
    found = slope_of(dem, gpd.GeoSeries([cells(2, 2, 8, 8)], crs=CRS))
    assert found["mean_percent"].tolist() == pytest.approx([10])


def test_a_window_may_reach_beyond_the_raster(written: Write) -> None:
    dem = Dem.open(written(plane(5, 5, east=0.1)), metric_crs=CRS)
    found = dem.heights(range(-1, 3), range(3, 7))
    assert np.isnan(found).tolist() == [
        [True, False, False, False],
        [True, False, False, False],
        [True] * 4,
        [True] * 4,
    ]
    assert found[0, 1:].tolist() == pytest.approx([500, 501, 502])
    assert np.isnan(dem.heights(range(10, 12), range(2))).all()


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"crs": None}, "no CRS"),
        ({"unit": "ft"}, "heights in 'ft'"),
        ({"dtype": "complex64", "nodata": None}, "cells of type complex64"),
        ({"crs": "EPSG:4545+8228"}, "heights in 'foot' by its CRS"),
    ],
)
def test_what_is_no_model_of_heights_in_metres_is_refused(
    written: Write, options: dict[str, str], found: str
) -> None:
    path = written(plane(5, 5), **options)
    with pytest.raises(WorkspaceError) as caught:
        Dem.open(path, metric_crs=CRS)
    assert f"dem.tif: found {found}; expected a GeoTIFF" in str(caught.value)


@pytest.mark.parametrize("unit", ["m", "Metre", "metres", None])
def test_metres_by_any_name_are_taken(written: Write, unit: str | None) -> None:
    assert list(dem_faults(written(plane(5, 5), unit=unit), "dem.tif")) == []


def test_other_files_are_refused(tmp_path: Path, written: Write) -> None:
    assert "no such file" in str(next(dem_faults(tmp_path / "none.tif", "none.tif")))
    text = tmp_path / "text.tif"
    text.write_text("no raster")
    assert "cannot read as GeoTIFF" in str(next(dem_faults(text, "text.tif")))
    # A virtual raster may name files and hosts elsewhere.
    virtual = tmp_path / "virtual.tif"
    with rasterio.open(written(plane(5, 5))) as source:
        rasterio.shutil.copy(source, virtual, driver="VRT")
    assert "cannot read as GeoTIFF" in str(next(dem_faults(virtual, "virtual.tif")))
    size = {"width": 2, "height": 2, "count": 2, "dtype": "int16"}
    with pytest.warns(NotGeoreferencedWarning):
        rasterio.open(tmp_path / "two.tif", "w", driver="GTiff", **size).close()
    faults = [fault.found for fault in dem_faults(tmp_path / "two.tif", "two.tif")]
    assert faults == ["2 bands", "no place on the ground (no geotransform)", "no CRS"]


def test_slopes_want_a_crs_in_metres(written: Write) -> None:
    with pytest.raises(CrsError, match="metres"):
        Dem.open(written(plane(5, 5)), metric_crs="EPSG:4490")


# ------------------------------------------------------------------ of a plan


def test_a_declared_model_is_measured_as_one_opened(written: Write) -> None:
    path = written(plane(20, 20, east=0.1))
    declared = DemFile(
        path=path, version="v", metric_crs=CRS, source="s", illustrative=True, vertical_datum="none"
    )
    found = slope_of(declared, gpd.GeoSeries([cells(2, 2, 8, 8)], crs=CRS))
    assert found["mean_percent"].tolist() == pytest.approx([10])
    assert hillshade(declared).image.shape == (20, 20)


def test_the_demo_has_gentle_parks_and_the_steep_ones_it_names(demo: Plan) -> None:
    assert demo.dem is not None
    assert demo.dem.illustrative
    assert demo.dem.path.stat().st_size <= 300_000
    parks = demo.metric("parks").set_index("park_id")
    found = slope_of(demo.dem, parks)
    assert found["covered_share"].min() == pytest.approx(1)
    steep = set(found.index[found["mean_percent"] > 15])
    names = ("C-03", "B-09", "B-19", "B-21", "B-40", "B-42")
    assert steep == {f"YY-{name}" for name in names}
    assert found.drop(index=list(steep))["mean_percent"].max() < 12
    parcels = slope_of(demo.dem, demo.metric("parcels"))
    assert 0.05 < (parcels["steep_share"] > 0.5).mean() < 0.3
