"""What several peers share: statistics by pandas, rivers cut into pieces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

PIECE = 16
"""Number of segments of each piece into which the rivers are cut for peers."""


def write_park_shares(results: Path, park: NDArray[np.integer], enterprises: pd.DataFrame) -> None:
    """Write park, industry, share and HHI, given each parcel's park (-1: none)."""
    mine = pd.DataFrame(
        {
            "park": park[enterprises["parcel"]],
            "industry": enterprises["industry"].astype("str").str[:3],
            "output": enterprises["output"],
        }
    )
    output = mine[mine["park"] >= 0].groupby(["park", "industry"], as_index=False)["output"].sum()
    output["share"] = output["output"] / output.groupby("park")["output"].transform("sum")
    output["hhi"] = (output["share"] ** 2).groupby(output["park"]).transform("sum")
    output[["park", "industry", "share", "hhi"]].to_parquet(results / "parks.parquet")


def cut_lines(lines: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Cut lines into pieces of 16 segments, among which an index of boxes finds the nearest."""
    pieces: list[shapely.Geometry] = []
    for line in lines.geometry:
        xy = shapely.get_coordinates(line)
        pieces += [
            shapely.LineString(xy[first : first + PIECE + 1])
            for first in range(0, len(xy) - 1, PIECE)
        ]
    ids = np.arange(len(pieces))
    return gpd.GeoDataFrame({"id": ids}, geometry=gpd.GeoSeries(pieces, crs=lines.crs))
