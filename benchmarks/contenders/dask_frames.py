"""dask-geopandas: plain geopandas' overlay on partitions of the parcels, in two worker processes.

dask-geopandas has no overlay of its own: its documentation maps a function over partitions. The
zones go to every worker whole, as geopandas' overlay takes them.
"""

from __future__ import annotations

from pathlib import Path

import dask_geopandas
import geopandas as gpd
import numpy as np
import pandas as pd
from distributed import Client, LocalCluster

from benchmarks import LAYERS
from benchmarks.contenders.peers import cut_lines, write_park_shares
from benchmarks.contenders.table import Phases, write_parcels

WORKERS = 2
PARTITIONS = 8
_PAIRS = pd.DataFrame(
    {
        "id_1": np.zeros(0, dtype=np.int32),
        "id_2": np.zeros(0, dtype=np.int32),
        "area": np.zeros(0, dtype=np.float64),
    }
)
_NEAR = pd.DataFrame({"id": np.zeros(0, dtype=np.int32), "river_m": np.zeros(0, dtype=np.float64)})


def run(data: Path, parcels: int, results: Path) -> dict[str, float]:
    """Do the whole job; return the seconds of its phases."""
    phases = Phases()
    cluster = LocalCluster(
        n_workers=WORKERS, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    )
    with cluster, Client(cluster):
        phases.end("start workers")
        whole = gpd.read_parquet(data / f"parcels_{parcels}.parquet")
        subjects = dask_geopandas.from_geopandas(whole, npartitions=PARTITIONS).persist()
        enterprises = pd.read_parquet(data / f"enterprises_{parcels}.parquet")
        phases.end("read")
        met = _overlaid(subjects, data / "parks.parquet")
        met = met.sort_values(["id_1", "area", "id_2"], ascending=[True, False, True])
        first = met.drop_duplicates("id_1").set_index("id_1")
        park = first["id_2"].reindex(whole["id"], fill_value=-1).to_numpy()
        park_m2 = first["area"].reindex(whole["id"], fill_value=0.0).to_numpy()
        phases.end("largest park")
        areas_m2 = {}
        for layer in LAYERS:
            area = _overlaid(subjects, data / f"{layer}.parquet").groupby("id_1")["area"].sum()
            areas_m2[layer] = area.reindex(whole["id"], fill_value=0.0).to_numpy()
        phases.end("zone areas")
        near = subjects.map_partitions(_nearest, str(data / "rivers.parquet"), meta=_NEAR)
        river_m = near.compute().set_index("id")["river_m"].reindex(whole["id"]).to_numpy()
        phases.end("river distance")
    write_park_shares(results, park, enterprises)
    phases.end("statistics")
    write_parcels(
        results,
        whole_m2=np.asarray(whole.area),
        park=(park, park_m2),
        areas_m2=areas_m2,
        river_m=river_m,
    )
    phases.end("write")
    return phases.seconds


def _overlaid(subjects: dask_geopandas.GeoDataFrame, zones: Path) -> pd.DataFrame:
    found: pd.DataFrame = subjects.map_partitions(_overlay, str(zones), meta=_PAIRS).compute()
    return found


def _overlay(subjects: gpd.GeoDataFrame, zones: str) -> pd.DataFrame:
    """Return the pairs of one partition; each task reads the zones where it runs."""
    pieces = gpd.overlay(subjects, gpd.read_parquet(zones), how="intersection", keep_geom_type=True)
    return pd.DataFrame(pieces[["id_1", "id_2"]]).assign(area=pieces.area)


def _nearest(subjects: gpd.GeoDataFrame, rivers: str) -> pd.DataFrame:
    near = gpd.sjoin_nearest(subjects, cut_lines(gpd.read_parquet(rivers)), distance_col="river_m")
    found = near.drop_duplicates("id_left")
    return pd.DataFrame({"id": found["id_left"], "river_m": found["river_m"]})
