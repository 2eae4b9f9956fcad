"""DuckDB with its spatial extension, which comes as a file in a package."""

from __future__ import annotations

from pathlib import Path

import duckdb
import duckdb_extension_spatial

from benchmarks import LAYERS
from benchmarks.contenders.table import Phases

THREADS = 2


def run(data: Path, parcels: int, results: Path) -> dict[str, float]:
    """Do the whole job; return the seconds of its phases."""
    phases = Phases()
    base = duckdb.connect()
    base.execute(f"LOAD '{_extension()}'")
    base.execute(f"SET threads = {THREADS}")
    for name in (f"parcels_{parcels}", "parks", *LAYERS, "rivers"):
        source = f"read_parquet('{data}/{name}.parquet')"
        table = name.partition("_1")[0]
        base.execute(f"CREATE TABLE {table} AS SELECT id, geometry FROM {source}")
    base.execute(
        "CREATE TABLE enterprises AS SELECT parcel, industry::VARCHAR AS industry, output "
        f"FROM read_parquet('{data}/enterprises_{parcels}.parquet')"
    )
    phases.end("read")
    base.execute("""
        CREATE TABLE park AS
        SELECT parcel, arg_max(zone, (area, -zone)) AS park, max(area) AS park_m2
        FROM (SELECT p.id AS parcel, z.id AS zone,
                     ST_Area(ST_Intersection(p.geometry, z.geometry)) AS area
              FROM parcels p JOIN parks z ON ST_Intersects(p.geometry, z.geometry))
        WHERE area > 0 GROUP BY parcel""")
    phases.end("largest park")
    for layer in LAYERS:
        base.execute(f"""
            CREATE TABLE in_{layer} AS
            SELECT p.id AS parcel, sum(ST_Area(ST_Intersection(p.geometry, z.geometry))) AS area
            FROM parcels p JOIN {layer} z ON ST_Intersects(p.geometry, z.geometry)
            GROUP BY p.id""")
        phases.end("zone areas")
    _river_distances(base)
    phases.end("river distance")
    _write(base, results)
    phases.end("statistics and write")
    return phases.seconds


def _extension() -> Path:
    package = Path(duckdb_extension_spatial.__file__).parent
    return next(package.glob(f"extensions/v{duckdb.__version__}/spatial.duckdb_extension"))


def _river_distances(base: duckdb.DuckDBPyConnection) -> None:
    """Join parcels with river segments in growing distances, each time those still unmatched."""
    base.execute("""
        CREATE TABLE segments AS
        SELECT ST_MakeLine(list_extract(points, i), list_extract(points, i + 1)) AS geometry FROM (
            SELECT points, unnest(range(1, len(points))) AS i FROM (
                SELECT list_transform(ST_Dump(ST_Points(geometry)), d -> d.geom) AS points
                FROM rivers))""")
    base.execute("CREATE TABLE near (parcel INTEGER, river_m DOUBLE)")
    for reach_m in (125, 500, 2000, 100_000):
        base.execute(f"""
            INSERT INTO near
            SELECT p.id, min(ST_Distance(p.geometry, s.geometry)) AS river_m
            FROM (SELECT id, geometry FROM parcels WHERE id NOT IN (SELECT parcel FROM near)) p
            JOIN segments s ON ST_DWithin(p.geometry, s.geometry, {reach_m})
            GROUP BY p.id""")


def _write(base: duckdb.DuckDBPyConnection, results: Path) -> None:
    columns = ", ".join(
        f"coalesce({layer}.area, 0) AS {layer}_m2, "
        f"coalesce({layer}.area, 0) / ST_Area(p.geometry) AS {layer}_share"
        for layer in LAYERS
    )
    joins = " ".join(f"LEFT JOIN in_{layer} {layer} ON {layer}.parcel = p.id" for layer in LAYERS)
    base.execute(f"""
        COPY (SELECT coalesce(park, -1)::INTEGER AS park, coalesce(park_m2, 0) AS park_m2,
                     {columns}, river_m
              FROM parcels p LEFT JOIN park ON park.parcel = p.id {joins}
              LEFT JOIN near ON near.parcel = p.id ORDER BY p.id)
        TO '{results}/parcels.parquet' (FORMAT parquet)""")
    base.execute(f"""
        COPY (WITH sums AS (
                SELECT park, industry[1:3] AS industry, sum(output) AS output
                FROM enterprises JOIN park USING (parcel) GROUP BY ALL),
              shares AS (
                SELECT park, industry, output / sum(output) OVER (PARTITION BY park) AS share
                FROM sums)
              SELECT park, industry, share, sum(share * share) OVER (PARTITION BY park) AS hhi
              FROM shares ORDER BY park, industry)
        TO '{results}/parks.parquet' (FORMAT parquet)""")
