"""GDAL, restricted to the files it is given: one table of drivers by format, and no network.

GDAL chooses a driver by a file's content, so a text file can turn out to be a recipe (VRT) that
names other files or addresses. Here each format has its own drivers; a file is inspected before
GDAL opens it, the driver that GDAL chose is compared before any layer is listed, and this
product's processes register no other drivers.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import geopandas as gpd

DRIVERS = {
    "filegdb": frozenset({"OpenFileGDB"}),
    "flatgeobuf": frozenset({"FlatGeobuf"}),
    "geojson": frozenset({"GeoJSON"}),
    "geopackage": frozenset({"GPKG"}),
    "dxf": frozenset({"DXF"}),
    "kml": frozenset({"KML", "LIBKML"}),
    "shapefile": frozenset({"ESRI Shapefile"}),
}
"""For each format, the drivers that may read it."""

FORMATS = {
    ".fgb": "flatgeobuf",
    ".gdb": "filegdb",
    ".geojson": "geojson",
    ".gpkg": "geopackage",
    ".json": "geojson",
    ".kml": "kml",
    ".shp": "shapefile",
}
"""For each filename extension of a workspace's own files, the format that it must be."""

_OTHERS = (
    "ADBC,AIVector,AVCBin,AVCE00,AmigoCloud,CSV,CSW,Carto,DGN,EDIGEO,EEDA,ESRIJSON,Elasticsearch,"
    "GDALG,GML,GPSBabel,GPX,GTFS,GeoJSONSeq,GeoRSS,HTTP,Idrisi,JML,JSONFG,LVBAG,MBTiles,MVT,"
    "MapInfo File,MapML,MiraMonVector,NGW,OAPIF,ODS,OGCAPI,OGR_GMT,OGR_PDS,OGR_VRT,OSM,PCIDSK,"
    "PDF,PDS4,PGDUMP,PLSCENES,PMTiles,S57,SQLite,SXF,Selafin,TopoJSON,VDV,VFK,VICAR,WAsP,WFS,XLSX"
)
"""The other vector drivers of the installed GDAL; a test fails when a new one appears."""

_NOWHERE = "127.0.0.1:9"
"""The discard port: a request through a proxy there fails at once."""
_ENVIRONMENT = {
    "GDAL_SKIP": _OTHERS,
    "GDAL_DRIVER_PATH": "disable",
    "GDAL_HTTP_PROXY": _NOWHERE,
    "GDAL_HTTPS_PROXY": _NOWHERE,
    "GDAL_HTTP_CONNECTTIMEOUT": "1",
    "GDAL_HTTP_TIMEOUT": "1",
    "GDAL_HTTP_MAX_RETRY": "0",
    "GDAL_VRT_ENABLE_PYTHON": "NO",
    "DXF_ENCODING": "UTF-8",  # a drawing is made UTF-8 before GDAL opens it
    "OGR_SQLITE_ALLOW_EXTERNAL_ACCESS": "NO",
    "PROJ_NETWORK": "OFF",
}
_HEAD = 65_536
_RECIPES = (b"<OGRVRTDataSource", b"<VRTDataset", b"gdal_streamed_alg", b"<OGRWFSDataSource")
"""How a text begins that tells GDAL to open something else."""
_TEXTS = frozenset({"dxf", "geojson", "kml"})
_DATES = {"geojson": {"DATE_AS_STRING": "YES"}}
"""Options by which dates come as they are written: GDAL makes the 1st of March of 30 February."""
_ONE_LAYER = frozenset({"flatgeobuf", "geojson", "shapefile"})

_COLUMNS = frozenset({"flatgeobuf"})
_STRAIGHT = frozenset(
    f"{many}{kind}" for many in ("", "Multi") for kind in ("Point", "LineString", "Polygon")
)
_PLAIN = frozenset({"bool", "int32", "int64", "float64", "object"})


def _is_news(record: logging.LogRecord) -> bool:
    """Return False for what rasterio says of drivers that its own, smaller GDAL never had."""
    return "GDAL_SKIP" not in record.getMessage()


logging.getLogger("rasterio._env").addFilter(_is_news)


class ForeignFileError(Exception):
    """A file is not of the required format, so GDAL may not open it."""


def restrict_drivers(environment: MutableMapping[str, str]) -> None:
    """Set up an environment in which GDAL registers no other driver and reaches no network.

    It only affects processes that have not yet imported pyogrio or rasterio.
    """
    environment.update(_ENVIRONMENT)
    for name in ("no_proxy", "NO_PROXY"):
        environment.pop(name, None)


def list_layers(path: Path, kind: str, *, encoding: str | None = None) -> list[str]:
    """Return the names of a file's layers; `encoding` is that of a shapefile's texts.

    Raises
    ------
    ForeignFileError
        The file is not of this format.
    pyogrio.errors.DataSourceError
        GDAL cannot read it.
    """
    import pyogrio  # noqa: PLC0415 - heavy

    info = _checked(path, kind, encoding)
    if kind in _ONE_LAYER and info is not None:
        return [str(info["layer_name"])]
    return [str(name) for name, _ in _quiet(pyogrio.list_layers, path)]


def read_info(path: Path, kind: str, *, layer: str, encoding: str | None) -> dict[str, Any]:
    """Return GDAL's description of a layer; raises as `list_layers` does."""
    first = _checked(path, kind, encoding)
    if first is not None and first["layer_name"] == layer:
        return dict(first)
    return dict(_described(path, _state(path), layer, encoding))


def open_arrow(path: Path, kind: str, **options: Any) -> AbstractContextManager[Any]:  # noqa: ANN401 - pyogrio's own
    """Open a layer for reading in Arrow batches, as pyogrio does; raises as `list_layers` does."""
    import pyogrio  # noqa: PLC0415 - heavy

    _checked(path, kind, options.get("encoding"))
    if kind == "flatgeobuf":
        # GDAL 3.12's own way gives wrong offsets if a row has no shape: see `_read_columns`.
        pyogrio.set_gdal_config_options({"OGR_FLATGEOBUF_STREAM_BASE_IMPL": "YES"})
    options |= {"use_pyarrow": True, "datetime_as_string": True, **_DATES.get(kind, {})}
    opened: AbstractContextManager[Any] = pyogrio.open_arrow(path, **options)
    return opened


def read_frame(path: Path, kind: str, **options: Any) -> gpd.GeoDataFrame:  # noqa: ANN401 - pyogrio's own
    """Return a layer as pyogrio reads it; raises as `list_layers` does."""
    import pyogrio  # noqa: PLC0415 - heavy

    info = _checked(path, kind, options.get("encoding"))
    options |= _DATES.get(kind, {})
    by_columns = _read_columns(path, options) if _suits_arrow(kind, info) else None
    frame: gpd.GeoDataFrame = (
        pyogrio.read_dataframe(path, **options) if by_columns is None else by_columns
    )
    return frame


def _read_columns(path: Path, options: dict[str, Any]) -> gpd.GeoDataFrame | None:
    """Return a layer read as Arrow's columns; None if one of its rows has no shape.

    GDAL 3.12 gives wrong offsets then, and who follows them reads foreign memory.
    """
    import geopandas as gpd  # noqa: PLC0415 - heavy
    import numpy as np  # noqa: PLC0415 - kept out of the import of the table above
    import pyogrio  # noqa: PLC0415 - heavy
    import shapely  # noqa: PLC0415 - as numpy

    described, table = pyogrio.read_arrow(path, **options)
    name = described["geometry_name"] or "wkb_geometry"
    if name not in table.column_names or str(table[name].type) != "binary":
        return None
    for chunk in table[name].chunks:
        offsets = np.frombuffer(chunk.buffers()[1], dtype=np.int32)
        own = offsets[chunk.offset : chunk.offset + len(chunk) + 1]
        if chunk.null_count or not (np.diff(own) > 0).all():
            return None
    shapes = shapely.from_wkb(table[name].to_numpy())
    frame = table.drop_columns([name]).to_pandas()
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=described["crs"])


def _suits_arrow(kind: str, info: dict[str, Any] | None) -> bool:
    """Return whether a layer is the same when it is read as columns, in a fraction of the time.

    Dates, lists and curves come otherwise from Arrow, and other formats have no columns.
    """
    return (
        kind in _COLUMNS
        and info is not None
        and info["geometry_type"] in _STRAIGHT
        and all(str(dtype) in _PLAIN for dtype in info["dtypes"])
        and not any("List" in str(name) or name == "OFTBinary" for name in info["ogr_types"])
    )


def _checked(path: Path, kind: str, encoding: str | None) -> dict[str, Any] | None:
    """Check that a driver of its format reads the file; return its description of the first layer.

    Returns None if the file has no layer.
    """
    import pyogrio  # noqa: PLC0415 - heavy

    if kind == "dxf":
        pyogrio.set_gdal_config_options({"DXF_ENCODING": _ENVIRONMENT["DXF_ENCODING"]})
    if str(path).startswith("/vsi") or not path.exists():
        raise ForeignFileError(path.name)
    if kind in _TEXTS:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
        if any(recipe in head for recipe in _RECIPES):
            raise ForeignFileError(path.name)
    try:
        info = _described(path, _state(path), None, encoding)
    except (pyogrio.errors.DataLayerError, IndexError):
        return None
    if info["driver"] not in DRIVERS[kind]:
        raise ForeignFileError(info["driver"])
    return info


def _state(path: Path) -> tuple[int, ...]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


@lru_cache(maxsize=8)  # some drivers read a whole file to describe it
def _described(
    path: Path,
    state: tuple[int, ...],  # noqa: ARG001 - what was described is another file when it changes
    layer: str | None,
    encoding: str | None,
) -> dict[str, Any]:
    import pyogrio  # noqa: PLC0415 - heavy

    options = {"layer": layer, "encoding": encoding, "force_feature_count": False}
    return dict(_quiet(pyogrio.read_info, path, **options))


def _quiet(call: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - GDAL's calls
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(*arguments, **options)
