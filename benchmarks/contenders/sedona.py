"""SedonaDB: spatial joins and nearest neighbours in SQL."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import geopandas as gpd

from benchmarks import LAYERS
from benchmarks.contenders.peers import cut_lines
from benchmarks.contenders.table import Phases

with warnings.catch_warnings():
    # It looks for PROJ and GDAL, neither of which this job needs.
    warnings.simplefilter("ignore")
    import sedonadb


def run(data: Path, parcels: int, results: Path) -> dict[str, float]:
    """Do the whole job; return the seconds of its phases."""
    phases = Phases()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        base = sedonadb.connect()
    base.sql("SET datafusion.execution.target_partitions = 2").execute()
    for name in (f"parcels_{parcels}", "parks", *LAYERS, f"enterprises_{parcels}"):
        view = base.read_parquet(str(data / f"{name}.parquet")).to_memtable()
        view.to_view(name.partition("_1")[0], overwrite=True)
    rivers = cut_lines(gpd.read_parquet(data / "rivers.parquet"))
    base.create_data_frame(rivers).to_memtable().to_view("pieces")
    phases.end("read")
    _keep(
        base,
        "park",
        """
        SELECT parcel, first_value(zone ORDER BY area DESC, zone) AS park, max(area) AS park_m2
        FROM (SELECT p.id AS parcel, z.id AS zone,
                     ST_Area(ST_Intersection(p.geometry, z.geometry)) AS area
              FROM parcels p JOIN parks z ON ST_Intersects(p.geometry, z.geometry))
        WHERE area > 0 GROUP BY parcel""",
    )
    phases.end("largest park")
    for layer in LAYERS:
        _keep(
            base,
            f"in_{layer}",
            f"""
            SELECT p.id AS parcel, sum(ST_Area(ST_Intersection(p.geometry, z.geometry))) AS area
            FROM parcels p JOIN {layer} z ON ST_Intersects(p.geometry, z.geometry)
            GROUP BY p.id""",
        )
        phases.end("zone areas")
    _keep(
        base,
        "near",
        """
        SELECT p.id AS parcel, min(ST_Distance(p.geometry, r.geometry)) AS river_m
        FROM parcels p JOIN pieces r ON ST_KNN(p.geometry, r.geometry, 1, FALSE)
        GROUP BY p.id""",
    )
    phases.end("river distance")
    _write(base, results)
    phases.end("statistics and write")
    return phases.seconds


def _keep(base: Any, name: str, query: str) -> None:  # noqa: ANN401 - it has no types
    base.sql(query).to_memtable().to_view(name, overwrite=True)


def _write(base: Any, results: Path) -> None:  # noqa: ANN401 - it has no types
    columns = ", ".join(
        f"coalesce({layer}.area, 0) AS {layer}_m2, "
        f"coalesce({layer}.area, 0) / ST_Area(p.geometry) AS {layer}_share"
        for layer in LAYERS
    )
    joins = " ".join(f"LEFT JOIN in_{layer} {layer} ON {layer}.parcel = p.id" for layer in LAYERS)
    base.sql(f"""
        SELECT coalesce(park, -1) AS park, coalesce(park_m2, 0) AS park_m2, {columns}, river_m
        FROM parcels p LEFT JOIN park ON park.parcel = p.id {joins}
        LEFT JOIN near ON near.parcel = p.id ORDER BY p.id
        """).to_parquet(str(results / "parcels.parquet"))
    base.sql("""
        WITH sums AS (
          SELECT park.park, sum(output) AS output,
                 CAST(CAST(CAST(industry AS VARCHAR) AS INT) / 10 AS VARCHAR) AS industry
          FROM enterprises e JOIN park ON park.parcel = e.parcel GROUP BY 1, 3),
        shares AS (
          SELECT park, industry, output / sum(output) OVER (PARTITION BY park) AS share FROM sums)
        SELECT park, industry, share, sum(share * share) OVER (PARTITION BY park) AS hhi
        FROM shares ORDER BY park, industry
        """).to_parquet(str(results / "parks.parquet"))
