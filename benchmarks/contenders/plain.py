"""Plain geopandas: overlay, sjoin_nearest and groupby, as its documentation shows them."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from benchmarks import LAYERS
from benchmarks.contenders.peers import cut_lines, write_park_shares
from benchmarks.contenders.table import Phases, write_parcels


def run(data: Path, parcels: int, results: Path) -> dict[str, float]:
    """Do the whole job; return the seconds of its phases."""
    phases = Phases()
    subjects = gpd.read_parquet(data / f"parcels_{parcels}.parquet")
    layers = {layer: gpd.read_parquet(data / f"{layer}.parquet") for layer in ("parks", *LAYERS)}
    rivers = gpd.read_parquet(data / "rivers.parquet")
    enterprises = pd.read_parquet(data / f"enterprises_{parcels}.parquet")
    phases.end("read")
    met = _overlay(subjects, layers["parks"])
    met = met.sort_values(["id_1", "area", "id_2"], ascending=[True, False, True])
    first = met.drop_duplicates("id_1").set_index("id_1")
    park = first["id_2"].reindex(subjects["id"], fill_value=-1).to_numpy()
    park_m2 = first["area"].reindex(subjects["id"], fill_value=0.0).to_numpy()
    phases.end("largest park")
    areas_m2 = {}
    for layer in LAYERS:
        area = _overlay(subjects, layers[layer]).groupby("id_1")["area"].sum()
        areas_m2[layer] = area.reindex(subjects["id"], fill_value=0.0).to_numpy()
    phases.end("zone areas")
    # With whole rivers this takes ten times as long.
    near = gpd.sjoin_nearest(subjects, cut_lines(rivers), distance_col="river_m")
    river_m = near.drop_duplicates("id_left")["river_m"].to_numpy()
    phases.end("river distance")
    write_park_shares(results, park, enterprises)
    phases.end("statistics")
    write_parcels(
        results,
        whole_m2=np.asarray(subjects.area),
        park=(park, park_m2),
        areas_m2=areas_m2,
        river_m=river_m,
    )
    phases.end("write")
    return phases.seconds


def _overlay(subjects: gpd.GeoDataFrame, zones: gpd.GeoDataFrame) -> pd.DataFrame:
    pieces = gpd.overlay(subjects, zones, how="intersection", keep_geom_type=True)
    return pd.DataFrame(pieces[["id_1", "id_2"]]).assign(area=pieces.area)
