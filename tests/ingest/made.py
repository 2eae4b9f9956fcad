"""Files to import, written as others write them, for a small county made for tests."""

from __future__ import annotations

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
