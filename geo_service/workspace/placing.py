"""Place and park of what names none: by building, parcel, or where it lies.

Frames are in the storage CRS; shares of areas are compared within single shapes only.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo_service.crs import STORAGE_CRS
from geo_service.domain.placing import NOWHERE, covering_park, holding_park

PLACED = ("parcels", "buildings", "enterprises")
"""The layers of which parks, or places, are worked out."""


def resolve_placement(frames: dict[str, pd.DataFrame]) -> None:
    """Give enterprises without a point the place of their building or parcel, and their park."""
    for layer in ("parcels", "buildings"):
        if layer in frames:
            _place_by_overlap(frames["parks"], frames[layer])
    place_enterprises(frames)


def place_enterprises(frames: dict[str, pd.DataFrame]) -> None:
    """Do what `resolve_placement` does where parcels and buildings have their parks."""
    enterprises = frames.get("enterprises")
    if not isinstance(enterprises, gpd.GeoDataFrame) or enterprises.empty:
        return
    points = enterprises.geometry.to_numpy().copy()
    park_ids = enterprises["park_id"].astype("object").to_numpy().copy()
    for layer, key in (("buildings", "building_id"), ("parcels", "parcel_id")):
        holder = frames.get(layer)
        if not isinstance(holder, gpd.GeoDataFrame) or holder.empty:
            continue
        position = pd.Index(holder[key]).get_indexer(enterprises[key].astype("object"))
        use = (position >= 0) & shapely.is_missing(points)
        points[use] = shapely.point_on_surface(holder.geometry.to_numpy()[position[use]])
        holder_parks = holder["park_id"].astype("object").to_numpy()
        use = (position >= 0) & pd.isna(park_ids)
        park_ids[use] = holder_parks[position[use]]
    _place_by_location(frames["parks"], points, park_ids)
    enterprises["park_id"] = pd.Series(park_ids, index=enterprises.index).astype("str")
    frames["enterprises"] = enterprises.set_geometry(
        gpd.GeoSeries(points, index=enterprises.index, crs=STORAGE_CRS)
    )


def _place_by_overlap(parks: pd.DataFrame, frame: pd.DataFrame) -> None:
    """Fill missing park ids by the park that covers most of a shape."""
    lost = np.flatnonzero(frame["park_id"].isna().to_numpy(dtype=bool))
    if not len(lost) or not isinstance(frame, gpd.GeoDataFrame):
        return
    position = covering_park(parks.geometry.to_numpy(), frame.geometry.to_numpy()[lost])
    park_ids = frame["park_id"].astype("object").to_numpy().copy()
    _fill_parks(park_ids, lost, parks, position)
    frame["park_id"] = pd.Series(park_ids, index=frame.index).astype("str")


def _place_by_location(
    parks: pd.DataFrame, points: np.ndarray[Any, Any], park_ids: np.ndarray[Any, Any]
) -> None:
    """Fill missing park ids by the smallest park that a point lies in."""
    lost = np.flatnonzero(pd.isna(park_ids) & ~shapely.is_missing(points))
    if not len(lost) or not isinstance(parks, gpd.GeoDataFrame):
        return
    position = holding_park(parks.geometry.to_numpy(), points[lost])
    _fill_parks(park_ids, lost, parks, position)


def _fill_parks(
    park_ids: np.ndarray[Any, Any],
    is_lost: np.ndarray[Any, Any],
    parks: pd.DataFrame,
    position: np.ndarray[Any, Any],
) -> None:
    """Put the ids of the parks at `position` into the rows that lost theirs, where there is one."""
    has_park = position != NOWHERE
    park_ids[is_lost[has_park]] = parks["park_id"].astype("object").to_numpy()[position[has_park]]
