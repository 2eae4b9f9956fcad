"""PostGIS in its own cluster on a socket, with zones cut small by ST_Subdivide."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import pandas as pd
import psycopg
import shapely

from benchmarks import LAYERS
from benchmarks.contenders.table import Phases

BINARIES = Path("/usr/lib/postgresql/15/bin")
VERTICES = 128
"""Most vertices of a piece after ST_Subdivide; 64 and 256 took longer."""

SETTINGS = (
    "shared_buffers=2GB",
    "work_mem=256MB",
    "maintenance_work_mem=1GB",
    "max_parallel_workers_per_gather=1",  # two with the leader
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "listen_addresses=''",
    "jit=off",
)


def run(data: Path, parcels: int, results: Path) -> dict[str, float]:
    """Do the whole job, loading included; return the seconds of its phases."""
    with _cluster() as socket:
        phases = Phases()
        with psycopg.connect(
            host=socket, dbname="postgres", user="postgres", autocommit=True
        ) as base:
            base.execute("CREATE EXTENSION postgis")
            _load(base, data, parcels)
            phases.end("read and load")
            _job(base, phases)
            _write(base, results)
            phases.end("statistics and write")
        return phases.seconds


@contextmanager
def _cluster() -> Iterator[str]:
    """Start a private cluster; it is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    as_user: list[str] = []
    if os.geteuid() == 0:  # the server refuses to run as root
        shutil.chown(folder, "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    store = folder / "data"
    options = " ".join(
        f"-c {setting}" for setting in (*SETTINGS, f"unix_socket_directories={folder}")
    )
    control = [*as_user, str(BINARIES / "pg_ctl"), "-D", str(store), "-s", "-w"]
    try:
        init = [
            *as_user,
            str(BINARIES / "initdb"),
            "-D",
            str(store),
            "-A",
            "trust",
            "-U",
            "postgres",
        ]
        subprocess.run(init, check=True, stdout=subprocess.DEVNULL, cwd=folder)
        start = [*control, "-o", options, "-l", str(folder / "log"), "start"]
        subprocess.run(start, check=True, cwd=folder)
        yield str(folder)
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, cwd=folder)
        shutil.rmtree(folder, ignore_errors=True)


def _load(base: psycopg.Connection, data: Path, parcels: int) -> None:
    for name in (f"parcels_{parcels}", "parks", *LAYERS, "rivers"):
        table = name.partition("_1")[0]
        frame = gpd.read_parquet(data / f"{name}.parquet")
        base.execute(f"CREATE UNLOGGED TABLE {table} (id integer, geometry geometry)")
        binary = shapely.to_wkb(frame.geometry.to_numpy())
        with base.cursor().copy(f"COPY {table} FROM STDIN BINARY") as copy:
            copy.set_types(["int4", "bytea"])
            for row in zip(frame["id"].tolist(), binary, strict=True):
                copy.write_row(row)
    enterprises = pd.read_parquet(data / f"enterprises_{parcels}.parquet")
    base.execute("CREATE UNLOGGED TABLE enterprises (parcel integer, industry text, output float8)")
    with base.cursor().copy("COPY enterprises FROM STDIN BINARY") as copy:
        copy.set_types(["int4", "text", "float8"])
        for row in enterprises.astype({"industry": "str"}).itertuples(index=False, name=None):
            copy.write_row(row)


def _job(base: psycopg.Connection, phases: Phases) -> None:
    for layer in ("parks", *LAYERS):
        base.execute(
            f"CREATE UNLOGGED TABLE cut_{layer} AS "
            f"SELECT id, ST_Subdivide(geometry, {VERTICES}) AS geometry FROM {layer}"
        )
        base.execute(f"CREATE INDEX ON cut_{layer} USING gist (geometry)")
        base.execute(f"ANALYZE cut_{layer}")
    base.execute(
        "CREATE UNLOGGED TABLE pieces AS SELECT ST_Subdivide(geometry, 16) AS geometry FROM rivers"
    )
    base.execute("CREATE INDEX ON pieces USING gist (geometry)")
    base.execute("ANALYZE")
    phases.end("cut and index")
    base.execute(f"""
        CREATE UNLOGGED TABLE park AS
        SELECT DISTINCT ON (parcel) parcel, zone AS park, area AS park_m2 FROM (
            {_areas("parks", "p.id AS parcel, z.id AS zone", "p.id, z.id")}) met
        WHERE area > 0 ORDER BY parcel, area DESC, zone""")
    phases.end("largest park")
    for layer in LAYERS:
        areas = _areas(layer, "p.id AS parcel", "p.id")
        base.execute(f"CREATE UNLOGGED TABLE in_{layer} AS {areas}")
        phases.end("zone areas")
    base.execute("""
        CREATE UNLOGGED TABLE near AS
        SELECT p.id AS parcel, r.river_m FROM parcels p CROSS JOIN LATERAL (
            SELECT p.geometry <-> pieces.geometry AS river_m FROM pieces
            ORDER BY p.geometry <-> pieces.geometry LIMIT 1) r""")
    phases.end("river distance")


def _areas(layer: str, columns: str, keys: str) -> str:
    return f"""
        SELECT {columns}, sum(CASE
            WHEN ST_CoveredBy(p.geometry, z.geometry) THEN ST_Area(p.geometry)
            ELSE ST_Area(ST_Intersection(p.geometry, z.geometry)) END) AS area
        FROM cut_{layer} z JOIN parcels p ON ST_Intersects(z.geometry, p.geometry)
        GROUP BY {keys}"""


def _write(base: psycopg.Connection, results: Path) -> None:
    columns = ", ".join(
        f"coalesce({layer}.area, 0) AS {layer}_m2, "
        f"coalesce({layer}.area, 0) / ST_Area(p.geometry) AS {layer}_share"
        for layer in LAYERS
    )
    joins = " ".join(f"LEFT JOIN in_{layer} {layer} ON {layer}.parcel = p.id" for layer in LAYERS)
    _save(
        base,
        f"""
        SELECT coalesce(park, -1) AS park, coalesce(park_m2, 0) AS park_m2, {columns}, river_m
        FROM parcels p LEFT JOIN park ON park.parcel = p.id {joins}
        LEFT JOIN near ON near.parcel = p.id ORDER BY p.id""",
        results / "parcels.parquet",
    )
    _save(
        base,
        """
        WITH sums AS (SELECT park, left(industry, 3) AS industry, sum(output) AS output
                      FROM enterprises JOIN park USING (parcel) GROUP BY 1, 2),
        shares AS (SELECT park, industry, output / sum(output) OVER (PARTITION BY park) AS share
                   FROM sums)
        SELECT park, industry, share, sum(share * share) OVER (PARTITION BY park) AS hhi
        FROM shares ORDER BY park, industry COLLATE "C" """,
        results / "parks.parquet",
    )


def _save(base: psycopg.Connection, query: str, path: Path) -> None:
    cursor = base.execute(query)
    names = [column.name for column in cursor.description or ()]
    pd.DataFrame(cursor.fetchall(), columns=names).to_parquet(path)
