"""Name the roads that do not hang together with the main part of the network.

`network` finds them; here they get the names by which reports and people know them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import shapely

from geo_service.model import Message, Quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd

    from geo_service.spatial.network import RoadNetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOffRoad:
    """A road, or a part of one, that does not hang together with the main part of the network."""

    road_id: str
    name: str | None
    length_m: float


def cut_off_roads(roads: gpd.GeoDataFrame, network: RoadNetwork) -> list[CutOffRoad]:
    """Return the roads of a layer that do not hang together with the others, longest first."""
    rows = network.cut_off_rows()
    lengths = shapely.length(roads.geometry.to_numpy()[rows])
    found = [
        CutOffRoad(
            road_id=str(roads["road_id"].iloc[row]),
            name=None if pd.isna(roads["name"].iloc[row]) else str(roads["name"].iloc[row]),
            length_m=float(length_m),
        )
        for row, length_m in zip(rows.tolist(), lengths.tolist(), strict=True)
    ]
    return sorted(found, key=lambda road: (-road.length_m, road.road_id))


def shown_name(road: CutOffRoad) -> str:
    """Return a road's id with its name, if it has one.

    >>> shown_name(CutOffRoad(road_id="R1", name="江边路", length_m=29.0))
    'R1 江边路'
    """
    return f"{road.road_id} {road.name}" if road.name else road.road_id


_NAMED = 5


def cut_off_note(roads: Sequence[CutOffRoad]) -> Message:
    """Return what readers are told of roads that do not hang together with the others."""
    named = [
        Message(
            "note.cut_off_road", {"road": shown_name(road), "length": Quantity(road.length_m, "m")}
        )
        for road in roads[:_NAMED]
    ]
    total = Quantity(sum(road.length_m for road in roads), "m")
    key = "note.roads_cut_off" if len(roads) <= _NAMED else "note.many_roads_cut_off"
    return Message(key, {"count": len(roads), "roads": named, "length": total})
