"""Make the demo workspace with many more parcels, for the benchmarks of tiles and of the map.

The parcels are those of the overlay benchmark (`county`): octagons that tile a square of 60 km.
The demo's own parcels, which they overlap, stay, since buildings and enterprises refer to them.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from benchmarks import county
from geo_service.zoning.rulebook import open_rulebook

DEMO = Path(__file__).parent.parent / "layers" / "yunyang"
STATUSES = ("vacant", "built", "idle")
USES = ("100101", "100102", "0701", "0601")


def make_parcels(data: Path, count: int) -> gpd.GeoDataFrame:
    """Return `count` parcels with attributes, in degrees."""
    county.make(data, count)
    frame = gpd.read_parquet(data / f"parcels_{count}.parquet")
    numbers = np.random.default_rng([county.SEED, count])
    area_m2 = frame.geometry.area.round(1)
    # Whole blocks have the same status, as land is developed in blocks.
    centre = frame.geometry.centroid
    block = (centre.x // 2_000).astype(int) * 7 + (centre.y // 2_000).astype(int) * 13
    chosen = (block % 5 % 3).to_numpy(copy=True)
    chosen[numbers.random(count) < 0.1] = 2  # noqa: PLR2004 - a tenth is idle anywhere
    table = pd.DataFrame(
        {
            "parcel_id": [f"G{number:06d}" for number in range(count)],
            "park_id": None,
            "land_use": np.array(USES)[numbers.integers(0, len(USES), count)],
            "land_use_scheme": "planning2023",
            "status": np.array(STATUSES)[chosen],
            "idle_since": pd.Series(pd.NaT, index=range(count), dtype="datetime64[ms]"),
            "area_m2": area_m2,
            "plot_ratio": numbers.uniform(0.4, 2.5, count).round(2),
            "building_coefficient": numbers.uniform(0.2, 0.6, count).round(3),
            "source": "generated for the benchmark",
            "illustrative": True,
        }
    )
    table.loc[table["status"] == "idle", "idle_since"] = pd.Timestamp("2023-05-01")
    return gpd.GeoDataFrame(table, geometry=frame.geometry).to_crs("EPSG:4490")


def make_workspace(folder: Path, data: Path, count: int) -> Path:
    """Write the demo workspace with `count` additional parcels into a folder; return the folder."""
    shutil.copytree(DEMO, folder, ignore=shutil.ignore_patterns("builder", "sources", "store"))
    path = folder / "parcels.geojson"
    parcels = pd.concat([gpd.read_file(path), make_parcels(data, count)], ignore_index=True)
    path.unlink()
    parcels.to_file(path, driver="GeoJSON")
    # The made-up parcels lie anywhere; the rules' findings on them are not measured.
    rules = open_rulebook(folder / "rulebook.yaml").rules
    with (folder / "rulebook.yaml").open("a", encoding="utf-8") as rulebook:
        for rule_id in rules:
            if rule_id.split(".")[0] in {"control_zone", "land_use", "river"}:
                rulebook.write(f"  {rule_id}:\n    enabled: false\n")
    return folder
