"""Compute slope and relief from a digital elevation model (DEM), a GeoTIFF of heights in metres.

Gradients are Horn's, from the 3 x 3 cells around each cell, as in `gdaldem`: a cell at the
raster's edge, or next to one without a height, has no gradient. A DEM that is not a north-up
raster in the metric CRS (for instance one in degrees) is warped to it (bilinear) while it is
read. Only the blocks that shapes touch are read. No water level is derived from a DEM, and gaps
are not interpolated.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import rasterio
import rasterio.warp
import shapely
from exactextract import exact_extract
from exactextract.feature import FeatureSource, JSONFeature
from exactextract.raster import NumPyRasterSource
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.transform import array_bounds
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from geo_service.crs import WEB_CRS, crs_label, is_metric, require_metric
from geo_service.domain.terrain import STEEP_PERCENT
from geo_service.errors import CrsError, Fault, WorkspaceError
from geo_service.plan import DemFile
from geo_service.wording import said

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.model import Message

    Floats = NDArray[np.float64]
    Bounds = tuple[float, float, float, float]

METRE_NAMES = frozenset({"m", "metre", "metres", "meter", "meters"})
"""Accepted names of a band's unit, all meaning metres."""

RELIEF_SIDE = 2048
"""Most cells along the longer side of a relief; a larger DEM is averaged to fit."""

_DRIVER = "GTiff"
"""The only format that is opened: others may refer to further files, or to hosts."""
_BLOCK = 512
_AREAL = 2
"""shapely's number for the dimension of polygons."""


@dataclass(frozen=True, kw_only=True)
class Dem:
    """A raster of heights in the metric CRS.

    No file is kept open, so several threads may use the same one.
    """

    path: Path
    crs: pyproj.CRS
    """The CRS to measure in, in metres."""
    transform: rasterio.Affine
    width: int
    height: int
    is_warped: bool
    """Whether the file is in another CRS, or not north-up, and so is warped while it is read."""

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, metric_crs: pyproj.CRS | str) -> Dem:
        """Inspect a GeoTIFF and return how to read it.

        Parameters
        ----------
        path
            A raster of one band that names its CRS and, if anything, metres as its unit.
        metric_crs
            The CRS to measure in.

        Raises
        ------
        WorkspaceError
            The file cannot be used; every fault is listed.
        CrsError
            `metric_crs` is not in metres.
        """
        crs = pyproj.CRS.from_user_input(metric_crs)
        if not is_metric(crs):
            msg = said("problem.needs_metres", crs=crs_label(crs))
            raise CrsError(msg)
        file = Path(path)
        if faults := list(dem_faults(file, file.name)):
            msg = said("fault.dem_unusable")
            raise WorkspaceError(msg, faults)
        with rasterio.open(file, driver=_DRIVER) as dataset:
            is_warped = not _lies_as_is(dataset, crs)
            transform, width, height = dataset.transform, dataset.width, dataset.height
            if is_warped:
                transform, width, height = rasterio.warp.calculate_default_transform(
                    dataset.crs, crs.to_wkt(), width, height, *dataset.bounds
                )
        return cls(
            path=file,
            crs=crs,
            transform=transform,
            width=int(width),
            height=int(height),
            is_warped=is_warped,
        )

    @property
    def cell_m(self) -> tuple[float, float]:
        """Width and height of a cell in metres."""
        return self.transform.a, -self.transform.e

    @property
    def bounds(self) -> Bounds:
        """West, south, east and north in the metric CRS."""
        west, south, east, north = array_bounds(self.height, self.width, self.transform)
        return west, south, east, north

    @classmethod
    def of(cls, declared: Dem | DemFile) -> Dem:
        """Return the elevation model that a workspace declares; a `Dem` is returned as it is."""
        if isinstance(declared, DemFile):
            return cls.open(declared.path, metric_crs=declared.metric_crs)
        return declared

    def heights(self, columns: range | None = None, rows: range | None = None) -> Floats:
        """Return heights in metres, NaN where missing; rows run from north to south.

        Ranges may extend beyond the raster; by default they cover all of it.
        """
        with self.opened() as dataset:
            return _read_block(dataset, columns or range(self.width), rows or range(self.height))

    def averaged(self, side: int) -> tuple[Floats, rasterio.Affine]:
        """Return all heights, averaged to at most `side` cells along the longer side."""
        shrink = max(1.0, max(self.width, self.height) / side)
        shape = math.ceil(self.height / shrink), math.ceil(self.width / shrink)
        with self.opened() as dataset:
            found = _read(dataset, out_shape=shape, resampling=Resampling.average)
        scale = rasterio.Affine.scale(self.width / shape[1], self.height / shape[0])
        return found, self.transform @ scale

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """Give the dataset, warped to the metric CRS if needed, for use in one thread."""
        with rasterio.open(self.path, driver=_DRIVER) as dataset:
            if not self.is_warped:
                yield dataset
                return
            # Floats, since whole metres would make steps; with positions exact to a millionth of a
            # cell the heights do not depend on which block is read.
            with WarpedVRT(
                dataset,
                crs=self.crs.to_wkt(),
                transform=self.transform,
                width=self.width,
                height=self.height,
                resampling=Resampling.bilinear,
                dtype="float64",
                nodata=math.nan,
                src_nodata=dataset.nodata,
                tolerance=1e-6,
            ) as warped:
                yield warped


@dataclass(frozen=True, eq=False)
class Relief:
    """Shaded ground as a picture: 1 (dark) to 255 (lit), 0 without height.

    Rows run from north to south; `bounds` are west, south, east and north in `crs`.
    """

    image: NDArray[np.uint8]
    bounds: Bounds
    crs: pyproj.CRS

    @property
    def bounds_deg(self) -> Bounds:
        """West, south, east and north in degrees, as web maps place a picture in EPSG:3857."""
        to_degrees = pyproj.Transformer.from_crs(self.crs, WEB_CRS, always_xy=True)
        west, south, east, north = to_degrees.transform_bounds(*self.bounds)
        return west, south, east, north


def dem_faults(path: Path, shown: str) -> Iterator[Fault]:
    """Yield why a file cannot be used as a DEM; `shown` is its name in messages."""
    expected = said("fault.dem_file")
    if not path.is_file():
        yield Fault(file=shown, found=said("fault.no_file"), expected=expected)
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path, driver=_DRIVER) as dataset:
                found = list(_dataset_faults(dataset))
    except RasterioError:
        found = [said("fault.no_geotiff")]
    for each in found:
        yield Fault(file=shown, found=each, expected=expected)


def _dataset_faults(dataset: Any) -> Iterator[Message]:  # noqa: ANN401 - rasterio carries no types
    if dataset.count != 1:
        yield said("fault.bands", count=dataset.count)
    if np.dtype(dataset.dtypes[0]).kind not in "iuf":
        yield said("fault.cells_of", dtype=dataset.dtypes[0])
    unit = dataset.units[0]
    if unit and unit.strip().lower() not in METRE_NAMES:
        yield said("fault.heights_in", unit=repr(unit))
    if dataset.transform.is_identity or dataset.transform.is_degenerate:
        yield said("fault.no_geotransform")
    if dataset.crs is None:
        yield said("fault.no_crs")
        return
    crs = pyproj.CRS.from_wkt(dataset.crs.to_wkt())
    if not (crs.is_geographic or crs.is_projected):
        yield said("fault.crs", crs=crs.name)
    for axis in crs.axis_info:
        if axis.direction == "up" and axis.unit_name not in METRE_NAMES:
            yield said("fault.heights_by_crs", unit=repr(axis.unit_name))


def _lies_as_is(dataset: Any, crs: pyproj.CRS) -> bool:  # noqa: ANN401 - rasterio carries no types
    """Return whether a dataset is north-up and in a CRS, to which it may add a vertical CRS."""
    own = pyproj.CRS.from_wkt(dataset.crs.to_wkt())
    own = own.sub_crs_list[0] if own.is_compound else own
    step = dataset.transform
    is_north_up = step.b == 0 and step.d == 0 and step.a > 0 and step.e < 0
    return is_north_up and crs.equals(own, ignore_axis_order=True)


def _read(dataset: Any, **options: Any) -> Floats:  # noqa: ANN401 - rasterio carries no types
    """Read heights, applying the band's scale and offset; NaN where missing."""
    found = dataset.read(1, masked=True, **options).astype(np.float64).filled(np.nan)
    return np.asarray(found * dataset.scales[0] + dataset.offsets[0])


def _read_block(dataset: Any, columns: range, rows: range) -> Floats:  # noqa: ANN401 - as above
    """Read a block that may extend beyond the raster, where heights are NaN."""
    made = np.full((len(rows), len(columns)), np.nan)
    left, right = max(columns.start, 0), min(columns.stop, dataset.width)
    top, low = max(rows.start, 0), min(rows.stop, dataset.height)
    if left < right and top < low:
        window = (
            slice(top - rows.start, low - rows.start),
            slice(left - columns.start, right - columns.start),
        )
        made[window] = _read(dataset, window=Window(left, top, right - left, low - top))
    return made


def horn_gradients(heights: Floats, cell_m: tuple[float, float]) -> tuple[Floats, Floats]:
    """Return rise per metre to the east and to the north by Horn's formula.

    The results lack the outermost cells. A cell is NaN if any of its 3 x 3 is.
    """
    column = heights[:-2] + 2 * heights[1:-1] + heights[2:]
    to_south = heights[2:] - heights[:-2]
    # Horn's formula does not use the middle cell, but without it there is no slope.
    no_data = np.where(np.isnan(heights[1:-1, 1:-1]), np.nan, 0.0)
    to_east = column[:, 2:] - column[:, :-2]
    to_south = to_south[:, :-2] + 2 * to_south[:, 1:-1] + to_south[:, 2:]
    return to_east / (8 * cell_m[0]) + no_data, to_south / (-8 * cell_m[1]) + no_data


def slope_percent(heights: Floats, cell_m: tuple[float, float]) -> Floats:
    """Return the slope in percent (rise over run), one cell less on each side than the heights."""
    to_east, to_north = horn_gradients(heights, cell_m)
    return np.asarray(100 * np.sqrt(to_east**2 + to_north**2))


def degrees_of(percent: Floats) -> Floats:
    """Convert slopes from percent to degrees."""
    return np.asarray(np.degrees(np.arctan(percent / 100)))


def slope_of(
    dem: Dem | DemFile,
    shapes: gpd.GeoDataFrame | gpd.GeoSeries | NDArray[np.object_],
    *,
    steep_percent: float = STEEP_PERCENT,
) -> pd.DataFrame:
    """Return how steep the ground is within each polygon.

    Cells are weighted by the exact share of them that a polygon covers. The mean in degrees is
    the mean over cells, not the arctangent of the mean in percent.

    Parameters
    ----------
    dem
        The elevation model, or `plan.dem`.
    shapes
        Polygons in the DEM's metric CRS; a bare array is assumed to be in it.
    steep_percent
        Ground steeper than this, in percent, counts as steep.

    Returns
    -------
        One row per shape, with the index of `shapes` (for an array 0, 1, ...): `mean_percent`,
        `mean_degrees` and `steep_share` (0 to 1) over the part of the polygon that has a slope, and
        `covered_share`, that part's share of the polygon. If no part has a slope, or the shape is
        not a polygon, these are NaN and `covered_share` is 0.

    Raises
    ------
    CrsError
        The shapes are in another CRS than the DEM.
    """
    dem = Dem.of(dem)
    polygons, index = _polygons_of(shapes, dem.crs)
    area_m2 = shapely.area(polygons)
    is_areal = (shapely.get_dimensions(polygons) == _AREAL) & (area_m2 > 0)
    areal = np.flatnonzero(is_areal)
    sums = np.zeros((len(polygons), 4))
    tree = shapely.STRtree(polygons[areal])
    with dem.opened() as dataset:
        for columns, rows in _blocks(dem, polygons[areal]):
            found = areal[np.sort(tree.query(shapely.box(*_bounds_of(dem, columns, rows))))]
            if len(found):
                heights = _read_block(dataset, _widened(columns), _widened(rows))
                percent = slope_percent(heights, dem.cell_m)
                bounds = _bounds_of(dem, columns, rows)
                sums[found] += _zonal_sums(percent, bounds, steep_percent, polygons[found])
    cells, total, degrees, steep = sums.T
    covered = np.divide(
        cells * dem.cell_m[0] * dem.cell_m[1], area_m2, out=np.zeros(len(sums)), where=is_areal
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(cells > 0, np.stack([total, degrees, steep]) / cells, np.nan)
    return pd.DataFrame(
        {
            "mean_percent": means[0],
            "mean_degrees": means[1],
            "steep_share": np.minimum(means[2], 1.0),
            "covered_share": np.minimum(covered, 1.0),
        },
        index=index,
    )


def _polygons_of(
    shapes: gpd.GeoDataFrame | gpd.GeoSeries | NDArray[np.object_], crs: pyproj.CRS
) -> tuple[NDArray[np.object_], pd.Index[Any] | None]:
    if not isinstance(shapes, (gpd.GeoDataFrame, gpd.GeoSeries)):
        return np.asarray(shapes, dtype=object), None
    if require_metric(shapes) != crs:
        msg = said("problem.shapes_crs", crs=crs.to_string())
        raise CrsError(msg)
    return shapes.geometry.to_numpy(), shapes.index


def hillshade(
    dem: Dem | DemFile,
    *,
    azimuth_deg: float = 315.0,
    altitude_deg: float = 45.0,
    z_factor: float = 1.0,
    crs: str | None = None,
    max_side: int = RELIEF_SIDE,
) -> Relief:
    """Return the ground lit from one side, for the relief of a map.

    Parameters
    ----------
    dem
        The elevation model.
    azimuth_deg, altitude_deg
        Direction of the light: clockwise from north, and above the horizon.
    z_factor
        Factor by which heights are exaggerated.
    crs
        CRS of the picture; by default the metric CRS. A web map needs EPSG:3857.
    max_side
        Most cells along the longer side; heights are averaged to fit.
    """
    dem = Dem.of(dem)
    heights, transform = dem.averaged(max_side)
    cell_m = transform.a, -transform.e
    to_east, to_north = (
        z_factor * each
        for each in horn_gradients(np.pad(heights, 1, constant_values=np.nan), cell_m)
    )
    azimuth, altitude = math.radians(azimuth_deg), math.radians(altitude_deg)
    toward = to_north * math.cos(azimuth) + to_east * math.sin(azimuth)
    lit = (math.sin(altitude) - math.cos(altitude) * toward) / np.hypot(
        1, np.hypot(to_east, to_north)
    )
    shade = np.where(lit > 0, 1 + 254 * lit, 1.0)
    image = np.where(np.isnan(lit), 0, np.floor(shade + 0.5)).astype(np.uint8)
    if crs is None:
        bounds = array_bounds(*image.shape, transform)
        return Relief(image, bounds, dem.crs)
    return _moved(image, transform, dem.crs, pyproj.CRS.from_user_input(crs))


def _moved(
    image: NDArray[np.uint8], transform: rasterio.Affine, crs: pyproj.CRS, target: pyproj.CRS
) -> Relief:
    """Return a picture warped to another CRS."""
    height, width = image.shape
    bounds = array_bounds(height, width, transform)
    ends = crs.to_wkt(), target.to_wkt()
    target_transform, columns, rows = rasterio.warp.calculate_default_transform(
        *ends, width, height, *bounds
    )
    moved = np.zeros((int(rows), int(columns)), dtype=np.uint8)
    rasterio.warp.reproject(
        image,
        moved,
        src_transform=transform,
        src_crs=ends[0],
        src_nodata=0,
        dst_transform=target_transform,
        dst_crs=ends[1],
        dst_nodata=0,
        resampling=Resampling.bilinear,
    )
    return Relief(moved, array_bounds(*moved.shape, target_transform), target)


def _blocks(dem: Dem, polygons: NDArray[np.object_]) -> Iterator[tuple[range, range]]:
    """Yield the columns and rows of the blocks that the polygons may touch."""
    if not len(polygons):
        return
    west, south, east, north = shapely.total_bounds(polygons)
    inverse = ~dem.transform
    left, top = inverse @ (west, north)
    right, low = inverse @ (east, south)
    columns = range(max(0, math.floor(left)), min(dem.width, math.ceil(right)))
    rows = range(max(0, math.floor(top)), min(dem.height, math.ceil(low)))
    for row in range(rows.start, rows.stop, _BLOCK):
        for column in range(columns.start, columns.stop, _BLOCK):
            yield (
                range(column, min(column + _BLOCK, columns.stop)),
                range(row, min(row + _BLOCK, rows.stop)),
            )


def _widened(cells: range) -> range:
    return range(cells.start - 1, cells.stop + 1)


def _bounds_of(dem: Dem, columns: range, rows: range) -> Bounds:
    west, north = dem.transform @ (columns.start, rows.start)
    east, south = dem.transform @ (columns.stop, rows.stop)
    return west, south, east, north


def _zonal_sums(
    percent: Floats, bounds: Bounds, steep_percent: float, polygons: NDArray[np.object_]
) -> Floats:
    """Return, for each polygon, how many cells of a block it covers, and sums over them.

    The sums are of the slope in percent, of the slope in degrees, and of steep cells.
    """
    steep = np.where(np.isnan(percent), np.nan, percent > steep_percent)
    layers = {"percent": percent, "degrees": degrees_of(percent), "steep": steep}
    rasters = [
        NumPyRasterSource(values, *bounds, name=name, nodata=math.nan)
        for name, values in layers.items()
    ]
    names = ("percent_count", "percent_sum", "degrees_sum", "steep_sum")
    rows = [
        [feature["properties"][name] or 0.0 for name in names]
        for feature in exact_extract(rasters, _Polygons(polygons), ["sum", "count"])
    ]
    return np.nan_to_num(np.array(rows, dtype=np.float64))


class _Polygons(FeatureSource):  # type: ignore[misc]  # exactextract carries no types
    """Polygons as features of exactextract, in binary; exactextract's own source uses text."""

    def __init__(self, polygons: NDArray[np.object_]) -> None:
        super().__init__()
        self._binary = shapely.to_wkb(polygons, output_dimension=2)

    def count(self) -> int:
        return len(self._binary)

    def __iter__(self) -> Iterator[JSONFeature]:
        return map(_Polygon, self._binary)

    def srs_wkt(self) -> None:
        """Return None: the caller has made sure that both have the same CRS."""


class _Polygon(JSONFeature):  # type: ignore[misc]  # exactextract carries no types
    def __init__(self, binary: bytes) -> None:
        super().__init__()
        self._binary = binary

    def geometry(self) -> bytes:
        return self._binary
