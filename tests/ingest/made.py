"""Files to import, written as others write them, for a small county made for tests."""

from __future__ import annotations

import sqlite3
import warnings
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from tests.county import box

PARCELS = {
    "宗地编号": ["A1", "A2", "A3"],
    "地类编码": ["0601", "0508", "1001"],
    "面积(亩)": [15.0, 15.0, 15.0],
    "状态": ["闲置", "已建", "空闲"],
}


def parcels(crs: str = "EPSG:4545", **columns: Any) -> gpd.GeoDataFrame:  # noqa: ANN401 - cells of any kind
    """Return three squares of one hectare (15 mu), 200 m apart, with Chinese column names."""
    shapes = [box(place * 200, 0, 100, 100) for place in range(3)]
    frame = gpd.GeoDataFrame({**PARCELS, **columns}, geometry=shapes, crs="EPSG:4545")
    return frame.to_crs(crs)


def gbk_shapefile(frame: gpd.GeoDataFrame, folder: Path, *, cpg: bool = False) -> Path:
    """Write a shapefile in GBK, without the .cpg that would say so unless asked for."""
    return shapefile(frame, folder / "宗地.shp", encoding="GBK", cpg=cpg)


def shapefile(
    frame: gpd.GeoDataFrame, path: Path, *, encoding: str = "UTF-8", cpg: bool = False
) -> Path:
    """Write a shapefile; names are cut at ten bytes, of which GDAL warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame.to_file(path, encoding=encoding)
    if not cpg:
        path.with_suffix(".cpg").unlink()
    return path


def zipped(folder: Path, target: Path) -> Path:
    """Pack the files of a folder, with the folder's name before theirs."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder.parent).as_posix())
    return target


def table(path: Path, **columns: Any) -> Path:  # noqa: ANN401 - cells of any kind
    """Write a CSV."""
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def recipe(source: str) -> str:
    """Return a text that looks like KML and tells GDAL to open something else."""
    layer = f'<OGRVRTLayer name="secret"><SrcDataSource>{source}</SrcDataSource></OGRVRTLayer>'
    return f"<OGRVRTDataSource><!-- <kml > -->{layer}</OGRVRTDataSource>"


def endless_geopackage(path: Path) -> Path:
    """Write a GeoPackage whose only listed layer is a view that goes on for ever."""
    parcels("EPSG:4490").to_file(path, layer="seed")
    view = (
        "CREATE VIEW endless AS WITH RECURSIVE r(fid) AS "
        "(SELECT 1 UNION ALL SELECT fid + 1 FROM r) "
        "SELECT r.fid AS fid, s.geom AS geom, '' AS parcel_id FROM r, seed s WHERE r.fid < 0"
    )
    with sqlite3.connect(path) as base:
        base.execute("PRAGMA trusted_schema = ON")
        for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            base.execute(f'DROP TRIGGER "{name}"')
        base.execute(view)
        for table in ("gpkg_contents", "gpkg_geometry_columns"):
            base.execute(f"UPDATE {table} SET table_name = 'endless'")  # noqa: S608 - from above
    base.close()
    return path
