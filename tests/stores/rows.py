"""Small layers made for the tests of stores."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from geo_service.crs import STORAGE_CRS
from geo_service.schema import SCHEMAS
from geo_service.stores.base import LayerContent
from geo_service.stores.frames import canonical

EAST, NORTH = 108.0, 31.0
STEP_DEG = 0.01
"""Parcel n is a square of half a step at n steps east of the origin."""
HOSTILE = '\'); DROP TABLE x; -- {{7*7}} ${8} \\ "quoted", \r\nnew line\t<b>甲</b>'


def square(place: float, size: float = STEP_DEG / 2) -> shapely.Polygon:
    """Return a square `place` steps east of the origin."""
    west = EAST + place * STEP_DEG
    return shapely.box(west, NORTH, west + size, NORTH + size)


def parcels(count: int, **values: object) -> gpd.GeoDataFrame:
    """Return parcels L0, L1, ... in a row from west to east; `values` go into every row."""
    rows = [
        {
            "parcel_id": f"L{number}",
            "park_id": None,
            "land_use": "100101",
            "land_use_scheme": "planning2023",
            "status": "built" if number % 2 else "vacant",
            "idle_since": pd.Timestamp("2025-03-31") if number % 3 == 0 else None,
            "area_m2": number + 0.1,
            "plot_ratio": None if number % 4 == 0 else 1.5,
            "source": HOSTILE if number == 1 else "made for tests",
            "illustrative": True,
            "geometry": square(number),
            **values,
        }
        for number in range(count)
    ]
    made: gpd.GeoDataFrame = as_frame("parcels", rows)
    return made


def floors(count: int) -> pd.DataFrame:
    """Return a table: building B, floors 1, 2, ..."""
    rows = [
        {
            "building_id": "B",
            "floor_no": number + 1,
            "area_m2": 100.0,
            "vacant_m2": None,
            "fire_class": "丙",
            "source": "",
            "illustrative": False,
        }
        for number in range(count)
    ]
    made: pd.DataFrame = as_frame("floors", rows)
    return made


def enterprises() -> pd.DataFrame:
    """Return enterprises with and without a point, with missing numbers and truths."""
    rows = [
        {
            "enterprise_id": "E1",
            "year": year,
            "name": "企业",
            "industry_code": "1311",
            "floor_no": None if year == 2024 else 3,
            "output_cny": 1e15 / 3,
            "subsidised": None if year == 2024 else True,
            "status": "operating",
            "source": "made for tests",
            "illustrative": True,
            "geometry": None if year == 2024 else shapely.Point(108.123456789012345, 31.1),
        }
        for year in (2024, 2025)
    ]
    made: pd.DataFrame = as_frame("enterprises", rows)
    return made


def as_frame(layer: str, rows: list[dict[str, Any]]) -> Any:  # noqa: ANN401 - with geometry or not
    """Return rows as a layer's frame in canonical form."""
    schema = SCHEMAS[layer]
    table = pd.DataFrame(
        {
            name: pd.Series([row.get(name) for row in rows], dtype="object")
            for name in schema.columns
        }
    )
    if schema.geometry is None:
        return canonical(table, layer)
    shapes = gpd.GeoSeries([row["geometry"] for row in rows], crs=STORAGE_CRS)
    return canonical(gpd.GeoDataFrame(table, geometry=shapes), layer)


def draft(
    frame: pd.DataFrame, layer: str = "parcels", *, expected: str | None = None, note: str = ""
) -> LayerContent:
    """Return a draft of a layer."""
    return LayerContent(layer=layer, frame=frame, expected=expected, note=note, source="test")
