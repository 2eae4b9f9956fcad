"""`python -m benchmarks.tiles`: tiles encoded on demand, against mapbox-vector-tile and DuckDB.

100,000 generated parcels; at each zoom the same tiles, chosen by a fixed seed; nothing is cached.
All contenders have the parcels in memory in Web Mercator, with an index. Each clips to the same
window, rounds to 4,096 units and writes the same attributes. Ratios of CPU time in one run.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import mapbox_vector_tile
import numpy as np
import pandas as pd
import shapely

from benchmarks.overlay import machine
from benchmarks.tile_county import make_parcels
from geo_service.maps.layers import FEATURE_SOURCES
from geo_service.maps.tile_encoding import EXTENT
from geo_service.maps.tiles import BUFFER, TileLayer, project

ZOOMS = range(10, 17)
TILES = 12
SEED = 7
WORLD_M = 20_037_508.342789244
Encode = Callable[[int, int, int], bytes]


def product(parcels: gpd.GeoDataFrame) -> Encode:
    """Return the product's encoder."""
    table = pd.DataFrame(parcels.drop(columns="geometry"))
    return TileLayer(FEATURE_SOURCES["parcels"], table, parcels.geometry.to_numpy()).tile


def peer(parcels: gpd.GeoDataFrame) -> Encode:
    """Return mapbox-vector-tile fed by shapely, with index, the same clipping, shapes and rows."""
    shapes = shapely.transform(parcels.geometry.to_numpy(), project)
    tree = shapely.STRtree(shapes)
    table = parcels.drop(columns="geometry").astype(object)
    rows = table.where(table.notna(), None).to_dict("records")
    for row in rows:
        # Its encoder does not accept dates.
        row["idle_since"] = row["idle_since"] and str(row["idle_since"].date())

    def encode(zoom: int, x: int, y: int) -> bytes:
        side = 1 / 2**zoom
        reach = BUFFER * side / EXTENT
        window = (
            x * side - reach,
            y * side - reach,
            (x + 1) * side + reach,
            (y + 1) * side + reach,
        )
        found = np.sort(tree.query(shapely.box(*window)))
        cut = shapely.clip_by_rect(shapes[found], *window)
        features = [
            {"geometry": shape, "properties": rows[place]}
            for shape, place in zip(cut, found, strict=True)
            if not shape.is_empty
        ]
        bounds = (x * side, y * side, (x + 1) * side, (y + 1) * side)
        options = {"quantize_bounds": bounds, "extents": EXTENT, "y_coord_down": True}
        layer = {"name": "parcels", "features": features}
        encoded: bytes = mapbox_vector_tile.encode([layer], default_options=options)
        return encoded

    return encode


def duckdb_peer(parcels: gpd.GeoDataFrame) -> Encode | None:
    """Return DuckDB's ST_AsMVT with its R-tree index; None if DuckDB is not installed."""
    try:
        import duckdb  # noqa: PLC0415 - in the extra `bench` only
        import duckdb_extension_spatial  # noqa: PLC0415 - the same
    except ImportError:
        return None
    base = duckdb.connect()
    package = Path(duckdb_extension_spatial.__file__).parent
    extension = next(package.glob(f"extensions/v{duckdb.__version__}/spatial.duckdb_extension"))
    base.execute(f"load '{extension}'").execute("set threads to 1")
    frame = parcels.to_crs("EPSG:3857")
    table = pd.DataFrame(frame.drop(columns="geometry")).drop(columns=["idle_since", "park_id"])
    table["wkb"] = shapely.to_wkb(frame.geometry.to_numpy())
    base.register("given", table)
    base.execute(
        "create table parcels as select * exclude wkb, st_geomfromwkb(wkb::blob) as geom from given"
    )
    base.execute("create index place on parcels using rtree (geom)")
    columns = ", ".join(f"'{name}': {name}" for name in table.columns if name != "wkb")

    def encode(zoom: int, x: int, y: int) -> bytes:
        side = 2 * WORLD_M / 2**zoom
        west, north = x * side - WORLD_M, WORLD_M - y * side
        reach = BUFFER * side / EXTENT
        corners = f"{west}, {north - side}, {west + side}, {north}"
        window = f"{west - reach}, {north - side - reach}, {west + side + reach}, {north + reach}"
        query = f"""
            select st_asmvt(tile, 'parcels') from (
              select {{'geom': st_asmvtgeom(geom, st_extent(st_makeenvelope({corners})), {EXTENT},
                {BUFFER}, true), {columns}}} as tile
              from parcels where st_intersects(geom, st_makeenvelope({window})))"""
        found = base.execute(query).fetchone()
        return bytes(found[0]) if found and found[0] else b""

    return encode


def chosen_tiles(parcels: gpd.GeoDataFrame, zoom: int) -> list[tuple[int, int, int]]:
    """Return a sample, by a fixed seed, of the tiles that the parcels cover."""
    west, south, east, north = parcels.total_bounds
    (left, top), (right, bottom) = (
        project(np.array([[west, north], [east, south]])) * 2**zoom
    ).astype(int)
    every = [(zoom, int(x), int(y)) for x in range(left, right + 1) for y in range(top, bottom + 1)]
    numbers = np.random.default_rng([SEED, zoom])
    places = numbers.choice(len(every), min(TILES, len(every)), replace=False)
    return [every[place] for place in places]


def time_tiles(encode: Encode, tiles: list[tuple[int, int, int]]) -> tuple[float, int]:
    """Return CPU milliseconds per tile, and bytes per tile."""
    start = time.process_time()
    size = sum(len(encode(*tile)) for tile in tiles)
    return (time.process_time() - start) / len(tiles) * 1000, size // len(tiles)


def count_features(content: bytes) -> int:
    """Return a tile's number of features, by an independent decoder."""
    decoded = mapbox_vector_tile.decode(content) if content else {}
    return sum(len(layer["features"]) for layer in decoded.values())


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks.tiles", description=__doc__)
    parser.add_argument("--parcels", type=int, choices=(10_000, 100_000), default=100_000)
    parser.add_argument("--data", type=Path, required=True, help="folder of generated files")
    options = parser.parse_args()
    parcels = make_parcels(options.data, options.parcels)
    contenders = {"product": product(parcels), "mapbox-vector-tile": peer(parcels)}
    other = duckdb_peer(parcels)
    if other is not None:
        contenders["DuckDB ST_AsMVT"] = other
    rows = []
    for zoom in ZOOMS:
        tiles = chosen_tiles(parcels, zoom)
        contenders["product"](*tiles[0])  # the layer is prepared once per zoom
        sample = contenders["product"](*tiles[-1])
        row: dict[str, object] = {
            "zoom": zoom,
            "tiles": len(tiles),
            "features": count_features(sample),
        }
        base = 0.0
        for name, encode in contenders.items():
            spent, size = time_tiles(encode, tiles)
            base = base or spent
            row[name] = {"ms": round(spent, 2), "bytes": size, "times": round(spent / base, 1)}
        rows.append(row)
        print(json.dumps(row))
    document = {"machine": machine(), "parcels": options.parcels, "rows": rows}
    report = options.data / f"tiles_{options.parcels}.json"
    report.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"tiles: written to {report}")


if __name__ == "__main__":
    main()
