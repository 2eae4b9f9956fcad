"""GDAL, kept to the files it is given: which driver reads which format, and no network.

GDAL chooses a driver by a file's content. A text may so turn out to be a recipe that names other
files or addresses. Here a format has its drivers; a file is looked at before GDAL opens it, what
GDAL says of it is compared before any of its layers is listed, and a process of this product
registers no other drivers at all.
"""

from __future__ import annotations

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
"""By format the drivers that may read it."""

FORMATS = {
    ".fgb": "flatgeobuf",
    ".gdb": "filegdb",
    ".geojson": "geojson",
    ".gpkg": "geopackage",
    ".json": "geojson",
    ".kml": "kml",
    ".shp": "shapefile",
}
"""By the ending of a workspace's own file what it has to be."""

_OTHERS = (
    "ADBC,AIVector,AVCBin,AVCE00,AmigoCloud,CSV,CSW,Carto,DGN,EDIGEO,EEDA,ESRIJSON,Elasticsearch,"
    "GDALG,GML,GPSBabel,GPX,GTFS,GeoJSONSeq,GeoRSS,HTTP,Idrisi,JML,JSONFG,LVBAG,MBTiles,MVT,"
    "MapInfo File,MapML,MiraMonVector,NGW,OAPIF,ODS,OGCAPI,OGR_GMT,OGR_PDS,OGR_VRT,OSM,PCIDSK,"
    "PDF,PDS4,PGDUMP,PLSCENES,PMTiles,S57,SQLite,SXF,Selafin,TopoJSON,VDV,VFK,VICAR,WAsP,WFS,XLSX"
)
"""The other vector drivers of the GDAL that is installed; a test says when one is new."""

_NOWHERE = "127.0.0.1:9"
"""The discard port: what is asked through a proxy there ends at once."""
_ENVIRONMENT = {
    "GDAL_SKIP": _OTHERS,
    "GDAL_DRIVER_PATH": "disable",
    "GDAL_HTTP_PROXY": _NOWHERE,
    "GDAL_HTTPS_PROXY": _NOWHERE,
    "GDAL_HTTP_CONNECTTIMEOUT": "1",
    "GDAL_HTTP_TIMEOUT": "1",
    "GDAL_HTTP_MAX_RETRY": "0",
    "GDAL_VRT_ENABLE_PYTHON": "NO",
    "OGR_SQLITE_ALLOW_EXTERNAL_ACCESS": "NO",
    "PROJ_NETWORK": "OFF",
}
_HEAD = 65_536
_RECIPES = (b"<OGRVRTDataSource", b"<VRTDataset", b"gdal_streamed_alg", b"<OGRWFSDataSource")
"""What begins a text that tells GDAL to open something else."""
_TEXTS = frozenset({"dxf", "geojson", "kml"})
_ONE_LAYER = frozenset({"flatgeobuf", "geojson", "shapefile"})


class ForeignFileError(Exception):
    """A file is not what it has to be, so that GDAL may not open it."""


def keep_to_known_drivers(environment: MutableMapping[str, str]) -> None:
    """Set in an environment that GDAL registers no other driver and reaches no network.

    It counts for processes that have not imported pyogrio or rasterio yet.
    """
    environment.update(_ENVIRONMENT)
    for name in ("no_proxy", "NO_PROXY"):
        environment.pop(name, None)


def list_layers(path: Path, kind: str, *, encoding: str | None = None) -> list[str]:
    """Return the names of a file's layers; `encoding` is of a shapefile's texts.

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
    """Return what GDAL says of a layer; raises as `list_layers` does."""
    first = _checked(path, kind, encoding)
    if first is not None and first["layer_name"] == layer:
        return dict(first)
    return dict(_described(path, _state(path), layer, encoding))


def open_arrow(path: Path, kind: str, **options: Any) -> AbstractContextManager[Any]:  # noqa: ANN401 - pyogrio's own
    """Open a layer for reading in Arrow batches, as pyogrio does; raises as `list_layers` does."""
    import pyogrio  # noqa: PLC0415 - heavy

    _checked(path, kind, options.get("encoding"))
    opened: AbstractContextManager[Any] = pyogrio.open_arrow(path, use_pyarrow=True, **options)
    return opened


def read_frame(path: Path, kind: str, **options: Any) -> gpd.GeoDataFrame:  # noqa: ANN401 - pyogrio's own
    """Return a layer as pyogrio reads it; raises as `list_layers` does."""
    import pyogrio  # noqa: PLC0415 - heavy

    _checked(path, kind, options.get("encoding"))
    frame: gpd.GeoDataFrame = pyogrio.read_dataframe(path, **options)
    return frame


def _checked(path: Path, kind: str, encoding: str | None) -> dict[str, Any] | None:
    """Make sure that a driver of its format reads a file; return what it says of the first layer.

    None when there is no layer.
    """
    import pyogrio  # noqa: PLC0415 - heavy

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
