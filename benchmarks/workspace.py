"""Write the overlay benchmark's county as a whole workspace, with every layer that rules read.

Nothing in it is real: places, enterprises and figures are drawn from a seeded generator, and every
feature is marked illustrative. 48 parks hold about an eighth of the parcels; 8,000 enterprises work
in them, whatever the number of parcels.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from benchmarks import county
from geo_service.industry import classification

if TYPE_CHECKING:
    from numpy.typing import NDArray

ENTERPRISES = 8_000
BUILDINGS = 1_200
FLOORS = 5
YEAR = 2025
SOURCE = "generated for benchmarks"
ZONE_KINDS = {
    "red_line": ("ecological_red_line", None),
    "farmland": ("permanent_farmland", None),
    "slope": ("slope", None),
    "river_buffer": ("river_management", None),
}
STORAGE = "EPSG:4490"
TIERS = ("municipal_park",) + ("sme_cluster",) * 5 + ("building_park",) * 42
LAND_USES = ("100101", "100102", "110101", "0802", "1207", "0101", "0702")
LAND_USE_SHARES = (0.5, 0.15, 0.08, 0.07, 0.08, 0.07, 0.05)
_LEADING = ("18", "38", "13", "15", "39", "36", "33", "27")
_IDLE_SINCE = "2024-06-01"
_NEW_SHARE = 0.1
_DIGITS = 3
"""Decimals of metres and other amounts in the files."""

SETTINGS = """\
# A generated county for benchmarks: nothing in it is real.
format = 1
county_code = "500235"
storage_crs = "EPSG:4490"
metric_crs = "EPSG:4545"
area_method = "planar"
focus_basis = "output"
land_use_scheme = "planning2023"
complete_zone_kinds = ["nature_reserve", "wetland", "water_source", "reservoir_line"]
data_date = 2026-01-01

[name]
zh-Hans = "生成县"
en = "Generated county"

[platform]
municipal_park = 1
sme_cluster = 5
building_park = 42

[industry_groups]
file = "industry_groups.csv"
version = "generated"

[industry_groups.names.consumer]
zh-Hans = "消费品"
en = "Consumer goods"

[industry_groups.names.equipment]
zh-Hans = "装备"
en = "Equipment"
"""

PROJECT = """\
name: 生成项目
industry_code: "3841"
kind: new
hazard_class: 丙
output_cny: 300_000_000
needs:
  land_m2: 20_000
access:
  interchange: {max_minutes: 90}
"""


def write_workspace(folder: Path, parcels: int, cache: Path) -> None:
    """Write a workspace of so many parcels and a project; the same number gives the same files.

    `cache` holds the generated geometry (`county.make`). Layers are FlatGeobuf in EPSG:4490,
    tables are CSV.
    """
    county.make(cache, parcels)
    folder.mkdir(parents=True, exist_ok=True)
    parks = gpd.read_parquet(cache / "parks.parquet")
    ground = gpd.read_parquet(cache / f"parcels_{parcels}.parquet")
    own = _parks(parks)
    land = _parcels(ground, own)
    buildings = _buildings(land)
    layers: dict[str, pd.DataFrame] = {
        "county": _county(),
        "townships": _townships(parks),
        "parks": own,
        "parcels": land,
        "buildings": buildings,
        "floors": _floors(buildings),
        "enterprises": _enterprises(land),
        "control_zones": _zones(cache),
        "rivers": _rivers(cache),
        "facilities": _facilities(),
        "roads": _roads(),
    }
    texts = [SETTINGS]
    for name, frame in layers.items():
        texts.append(f'[layers.{name}]\nfile = "{_write(folder, name, frame)}"\n')
    (folder / "workspace.toml").write_text("\n".join(texts), encoding="utf-8")
    groups = "code_prefix,group,strength,note\n" + "".join(
        f"{code},{'consumer' if code < '26' else 'equipment'},core,\n" for code in sorted(_LEADING)
    )
    (folder / "industry_groups.csv").write_text(groups, encoding="utf-8")
    (folder / "project.yaml").write_text(PROJECT, encoding="utf-8")


def _write(folder: Path, name: str, frame: pd.DataFrame) -> str:
    frame = frame.assign(source=SOURCE, illustrative=True)
    if isinstance(frame, gpd.GeoDataFrame):
        moved = frame.to_crs(STORAGE)
        moved.to_file(folder / f"{name}.fgb", driver="FlatGeobuf", engine="pyogrio")
        return f"{name}.fgb"
    frame.to_csv(folder / f"{name}.csv", index=False)
    return f"{name}.csv"


def _numbers(name: str) -> np.random.Generator:
    return np.random.default_rng([county.SEED, *f"workspace {name}".encode()])


def _at(shapes: Any) -> gpd.GeoSeries:  # noqa: ANN401 - an array or a list of shapes
    moved = shapely.transform(shapes, lambda xy: xy + np.array([county.WEST, county.SOUTH]))
    return gpd.GeoSeries(moved, crs=county.CRS)


def _county() -> gpd.GeoDataFrame:
    square = [shapely.box(0, 0, county.SIDE_M, county.SIDE_M)]
    return gpd.GeoDataFrame({"code": ["500235"], "name": ["生成县"]}, geometry=_at(square))


def _townships(parks: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    count = len(parks)
    return gpd.GeoDataFrame(
        {
            "code": [f"500235{number:03d}" for number in range(1, count + 1)],
            "code_scheme": "nbs",
            "name": [f"乡镇{number:02d}" for number in range(1, count + 1)],
            "kind": "镇",
        },
        geometry=parks.geometry.representative_point(),
    )


def _parks(outlines: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    numbers = _numbers("parks")
    count = len(outlines)
    leading = [_LEADING[number % len(_LEADING)] for number in range(count)]
    declared = outlines.area / 1e4 * numbers.uniform(0.93, 1.07, count)
    return gpd.GeoDataFrame(
        {
            "park_id": [f"P{number:02d}" for number in range(count)],
            "name": [f"园区{number:02d}" for number in range(count)],
            "tier": list(TIERS),
            "township_code": [f"500235{number:03d}" for number in range(1, count + 1)],
            "leading_industry": leading,
            "supporting_industries": [_LEADING[(number + 3) % 8] for number in range(count)],
            "speciality": [f"特色{number % 40}" for number in range(count)],
            "host_park_id": None,
            "status": "operating",
            "declared_area_ha": declared.round(_DIGITS),
        },
        geometry=outlines.geometry,
    )


def _parcels(ground: gpd.GeoDataFrame, parks: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    numbers = _numbers("parcels")
    count = len(ground)
    inside = shapely.STRtree(shapely.centroid(ground.geometry.to_numpy()))
    park, parcel = inside.query(parks.geometry.to_numpy(), predicate="contains")
    park_id = np.full(count, None, dtype=object)
    park_id[parcel] = parks["park_id"].to_numpy(dtype=object)[park]
    status = numbers.choice(["vacant", "built", "idle"], count, p=[0.25, 0.7, 0.05])
    idle_since = [_IDLE_SINCE if word == "idle" else None for word in status]
    area_m2 = ground.area.to_numpy().round(_DIGITS)
    return gpd.GeoDataFrame(
        {
            "parcel_id": [f"L{number:07d}" for number in range(count)],
            "park_id": park_id,
            "land_use": numbers.choice(LAND_USES, count, p=LAND_USE_SHARES),
            "land_use_scheme": "planning2023",
            "status": status,
            "idle_since": idle_since,
            "area_m2": area_m2,
            "plot_ratio": numbers.uniform(0.5, 2.5, count).round(_DIGITS),
            "building_coefficient": numbers.uniform(0.3, 0.7, count).round(_DIGITS),
            "ancillary_land_share": numbers.uniform(0, 0.09, count).round(_DIGITS),
            "ancillary_floor_share": numbers.uniform(0, 0.18, count).round(_DIGITS),
            "investment_cny": (area_m2 * numbers.uniform(1500, 6000, count)).round(0),
            "power_kva": 5_000.0,
            "water_m3_d": 500.0,
            "gas_m3_d": 500.0,
            "wastewater_m3_d": 400.0,
        },
        geometry=ground.geometry,
    )


def _of_parks(parcels: gpd.GeoDataFrame) -> NDArray[np.intp]:
    own = parcels["park_id"].notna() & (parcels["status"] == "built")
    return np.flatnonzero(own)


def _buildings(parcels: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    numbers = _numbers("buildings")
    chosen = parcels.iloc[numbers.choice(_of_parks(parcels), BUILDINGS, replace=False)]
    middle = shapely.point_on_surface(chosen.geometry.to_numpy())
    return gpd.GeoDataFrame(
        {
            "building_id": [f"B{number:05d}" for number in range(BUILDINGS)],
            "park_id": chosen["park_id"].to_numpy(),
            "parcel_id": chosen["parcel_id"].to_numpy(),
        },
        geometry=gpd.GeoSeries(shapely.buffer(middle, 12, quad_segs=2), crs=parcels.crs),
    )


def _floors(buildings: gpd.GeoDataFrame) -> pd.DataFrame:
    numbers = _numbers("floors")
    count = len(buildings) * FLOORS
    return pd.DataFrame(
        {
            "building_id": np.repeat(buildings["building_id"].to_numpy(), FLOORS),
            "floor_no": np.tile(np.arange(1, FLOORS + 1), len(buildings)),
            "area_m2": 2_000.0,
            "vacant_m2": numbers.choice([0.0, 500.0, 2_000.0], count, p=[0.6, 0.25, 0.15]),
            "load_kn_m2": numbers.choice([5.0, 8.0, 12.0], count),
            "clear_height_m": numbers.choice([3.6, 4.5, 6.0], count),
            "goods_lift_t": numbers.choice([1.0, 3.0, 5.0], count),
            "fire_class": numbers.choice(["丙", "丁", "乙"], count, p=[0.6, 0.35, 0.05]),
        }
    )


def _enterprises(parcels: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    numbers = _numbers("enterprises")
    chosen = parcels.iloc[numbers.choice(_of_parks(parcels), ENTERPRISES)]
    codes = np.array(_manufacturing_codes())
    output = numbers.lognormal(17, 1.2, ENTERPRISES).round(0)
    middle = shapely.point_on_surface(chosen.geometry.to_numpy())
    return gpd.GeoDataFrame(
        {
            "enterprise_id": [f"E{number:05d}" for number in range(ENTERPRISES)],
            "year": YEAR,
            "name": [f"企业{number:05d}" for number in range(ENTERPRISES)],
            "industry_code": numbers.choice(codes, ENTERPRISES),
            "park_id": chosen["park_id"].to_numpy(),
            "parcel_id": chosen["parcel_id"].to_numpy(),
            "building_id": None,
            "floor_no": pd.array([pd.NA] * ENTERPRISES, dtype="Int64"),
            "output_cny": output,
            "land_m2": chosen["area_m2"].to_numpy().round(0),
            "floor_m2": (chosen["area_m2"].to_numpy() * 0.8).round(0),
            "tax_cny": (output * 0.03).round(0),
            "value_added_cny": (output * 0.25).round(0),
            "energy_tce": (output / 1e5).round(1),
            "rd_cny": (output * 0.02).round(0),
            "employees": numbers.integers(5, 300, ENTERPRISES),
            "status": numbers.choice(
                ["operating", "half_stopped", "stopped"], ENTERPRISES, p=[0.95, 0.03, 0.02]
            ),
            "stopped_months": numbers.integers(0, 14, ENTERPRISES),
            "loss_years": numbers.integers(0, 4, ENTERPRISES),
            "subsidised": False,
            "in_arrears": False,
            "stage": "company",
            "is_new": numbers.random(ENTERPRISES) < _NEW_SHARE,
        },
        geometry=gpd.GeoSeries(middle, crs=parcels.crs),
    )


def _manufacturing_codes() -> list[str]:
    known = classification()
    found = [f"{number:04d}" for number in range(1300, 4400)]
    return [code for code in found if code in known]


def _zones(cache: Path) -> gpd.GeoDataFrame:
    parts = []
    for layer, (kind, grade) in ZONE_KINDS.items():
        shapes = gpd.read_parquet(cache / f"{layer}.parquet").geometry
        parts.append(
            gpd.GeoDataFrame(
                {
                    "zone_id": [f"{layer}-{number:04d}" for number in range(len(shapes))],
                    "kind": kind,
                    "grade": grade,
                    "name": kind,
                    "legal_basis": None,
                },
                geometry=shapes,
            )
        )
    limit = shapely.box(0, 0, county.SIDE_M, county.SIDE_M * 0.9)
    parts.append(
        gpd.GeoDataFrame(
            {
                "zone_id": ["boundary"],
                "kind": ["development_boundary"],
                "grade": [None],
                "name": ["development_boundary"],
                "legal_basis": [None],
            },
            geometry=_at([limit]),
        )
    )
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=county.CRS)


def _rivers(cache: Path) -> gpd.GeoDataFrame:
    shapes = gpd.read_parquet(cache / "rivers.parquet").geometry
    ranks = ["main"] + ["important_tributary"] * 3 + ["tributary"] * (len(shapes) - 4)
    return gpd.GeoDataFrame(
        {
            "river_id": [f"R{number:02d}" for number in range(len(shapes))],
            "name": [f"河流{number:02d}" for number in range(len(shapes))],
            "rank": ranks,
            "is_management_boundary": True,
        },
        geometry=shapes,
    )


def _facilities() -> gpd.GeoDataFrame:
    numbers = _numbers("facilities")
    kinds = ("interchange", "station", "port", "substation", "treatment_plant", "fire_station")
    count = 10 * len(kinds)
    points = shapely.points(numbers.uniform(0, county.SIDE_M, (count, 2)))
    return gpd.GeoDataFrame(
        {
            "facility_id": [f"F{number:03d}" for number in range(count)],
            "kind": np.tile(kinds, 10),
            "name": [f"设施{number:03d}" for number in range(count)],
        },
        geometry=_at(points),
    )


def _roads() -> gpd.GeoDataFrame:
    """Return a lattice of roads 1.5 km apart, in pieces between its crossings."""
    ticks = np.arange(0, county.SIDE_M + 1, 1500)
    ends = [((a, c), (b, c)) for c in ticks for a, b in pairwise(ticks)]
    ends += [((c, a), (c, b)) for c in ticks for a, b in pairwise(ticks)]
    lines = [shapely.LineString(pair) for pair in ends]
    return gpd.GeoDataFrame(
        {
            "road_id": [f"W{number:05d}" for number in range(len(lines))],
            "class": "county",
            "speed_km_h": 40.0,
        },
        geometry=_at(lines),
    )
