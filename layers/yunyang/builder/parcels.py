"""Lay out parcels and put buildings on them.

In building parks a parcel holds one or two multi-storey buildings; in the municipal park
and the clusters parcels are laid out in blocks and hold halls or low factory buildings.
Building coefficient and plot ratio are computed from the drawn shapes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import shapely
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from builder import planted_land
from builder.catalogue import MUNICIPAL, SUB_AREAS
from builder.estate import MU_M2, Building, Estate, Floor, Parcel
from builder.frame import Dice
from builder.parks import Site
from builder.shapes import Point, turned, turned_rectangle

HEAVY_DIVISIONS = ("33", "34", "35", "36", "37")
"""Parks whose enterprises need floors of 10 kN/m2 and 5 m, and a lift of 3 t."""

WITHOUT_CONDITIONS = frozenset({"YY-C-01", "YY-C-03"})
"""Parks whose parcels have no planning conditions: the plot ratios of 2008 stand in."""
BLOCK_ROAD_M = 24.0
PLACEHOLDER_BUILT = frozenset({1, 4, 5, 8, 12})
"""Number of built parcels in the placeholder cluster, which is under construction."""
_PERMITTED_MIX = ("100101", "100101", "100102", "100101", "100102", "110101", "100101", "0802")


def build_estate(
    sites: dict[str, Site], sub_areas: dict[str, Polygon], roads: BaseGeometry
) -> Estate:
    """Lay out the parcels and buildings of all parks."""
    estate = Estate()
    hosted = [site.footprint for park_id, site in sites.items() if park_id.startswith("YY-B")]
    blocked = shapely.union_all([shapely.union_all(hosted).buffer(30), roads.buffer(14)])
    for park_id, site in sites.items():
        if park_id == MUNICIPAL:
            _lay_out_municipal(estate, sub_areas, blocked)
        elif park_id.startswith("YY-C"):
            _lay_out_cluster(estate, site, blocked)
        else:
            _lay_out_building_park(estate, site)
    _date_supply(estate)
    planted_land.change_parcels(estate.parcels)
    for building in estate.buildings:
        building.has_dormitory = planted_land.DORMITORIES.get(building.building_id)
    return estate


def _date_supply(estate: Estate) -> None:
    """Set when built land was supplied, and its least plot ratio by the planning conditions."""
    for parcel in estate.parcels:
        ratio = parcel.values.get("plot_ratio")
        if parcel.status != "built":
            continue
        dice = Dice(f"supply {parcel.parcel_id}")
        parcel.values["supplied_on"] = dice.pick(("2017-06-30", "2021-09-15", "2024-03-20"))
        if ratio is not None and parcel.park_id not in WITHOUT_CONDITIONS:
            parcel.values["plot_ratio_min"] = 0.5


def short_id(park_id: str) -> str:
    """Return the part of a park's id that its parcels' and buildings' ids contain.

    >>> short_id("YY-B-07")
    'B07'
    """
    return park_id.removeprefix("YY-").replace("-", "")


# --- building parks ---


def _lay_out_building_park(estate: Estate, site: Site) -> None:
    park_id, plan = site.plan.park_id, site.plan
    dice = Dice(f"parcels {park_id}")
    is_heavy = any(code[:2] in HEAVY_DIVISIONS for code in (*plan.classes, *plan.helpers))
    boxes = planted_land.parcel_boxes(park_id) if plan.is_rectangle else _boxes(site, dice)
    for number, (west, south, width, height) in enumerate(boxes, start=1):
        local = (west + (width - site.width_m) / 2, south + (height - site.height_m) / 2)
        parcel = Parcel(
            f"YY-P-{short_id(park_id)}-{number}",
            park_id,
            site.on_ground(local),
            (width, height),
            site.angle_deg,
        )
        _supply(parcel, dice, scale=1.0)
        estate.parcels.append(parcel)
        is_last_of_several = number == len(boxes) > 1
        if plan.is_rectangle and planted_land.is_vacant(park_id, number):
            continue
        if not plan.is_rectangle and is_last_of_several and dice.chance(0.5):
            continue
        _raise_blocks(estate, parcel, dice, is_heavy=is_heavy)
        ground_m2 = sum(b.shape.area for b in estate.buildings_on(parcel.parcel_id))
        floors_m2 = sum(
            floor.area_m2 for b in estate.buildings_on(parcel.parcel_id) for floor in b.floors
        )
        _rate(parcel, dice, coefficient=ground_m2 / parcel.area_m2,
              plot_ratio=floors_m2 / parcel.area_m2)  # fmt: skip


def _boxes(site: Site, dice: Dice) -> list[tuple[float, float, float, float]]:
    """Return two to four parcels in one or two rows, with road gaps and a green edge."""
    edge, gap = 14.0, 12.0
    width, height = site.width_m - 2 * edge, site.height_m - 2 * edge
    columns = 3 if width > 270 and dice.chance(0.5) else 2  # noqa: PLR2004
    rows = 2 if height > 150 and columns == 2 else 1  # noqa: PLR2004
    w, h = (width - (columns - 1) * gap) / columns, (height - (rows - 1) * gap) / rows
    return [
        (edge + column * (w + gap), edge + row * (h + gap), w, h)
        for row in range(rows)
        for column in range(columns)
    ]


def _raise_blocks(estate: Estate, parcel: Parcel, dice: Dice, *, is_heavy: bool) -> None:
    """Put one multi-storey building on a parcel, or two on a deep one."""
    park_id = parcel.park_id
    parcel.status = "built"
    width, height = parcel.size
    count = planted_land.BLOCKS_PER_PARCEL.get(park_id, 2 if height > 95 else 1)  # noqa: PLR2004
    usual = (0.86 * width, (0.54 if count == 1 else 0.27) * height)
    size = planted_land.BLOCK_SIZES.get(park_id, usual)
    for index in range(count):
        number = len(estate.buildings_of(park_id)) + 1
        building_id = f"YY-BD-{short_id(park_id)}-{number}"
        north = height * (2 * index + 1) / (2 * count) - height / 2
        centre = turned((0.0, north), parcel.centre, parcel.angle_deg)
        storeys = dice.integer(4, 5) if is_heavy else dice.integer(4, 8)
        area_m2 = round(size[0] * size[1], 1)
        floors = _storeys(dice, storeys, area_m2=area_m2, is_heavy=is_heavy)
        if building_id in planted_land.FLOORS:
            floors = [replace(floor) for floor in planted_land.FLOORS[building_id]]
        shape = turned_rectangle(centre, *size, parcel.angle_deg)
        estate.buildings.append(
            Building(building_id, park_id, parcel.parcel_id, f"{number}号楼", shape, floors)
        )


def _storeys(dice: Dice, count: int, *, area_m2: float, is_heavy: bool) -> list[Floor]:
    """Return floors within the usual ranges of multi-storey factories."""
    lift_t = 3.0 if is_heavy else dice.pick((2.0, 2.0, 3.0))
    floors = []
    for number in range(1, count + 1):
        if number == 1:
            load, height = dice.pick((12.0, 13.0, 15.0)), dice.pick((6.0, 6.6, 7.2))
        elif is_heavy:
            load, height = dice.pick((10.0, 11.0)), dice.pick((5.0, 5.4))
        elif number <= 3:  # noqa: PLR2004
            load, height = dice.pick((8.0, 9.0, 10.0)), dice.pick((4.8, 5.1))
        else:
            load, height = dice.pick((6.5, 7.5, 8.0)), dice.pick((4.5, 4.8))
        floors.append(Floor(number, area_m2, area_m2, load, height, lift_t))
    return floors


# --- municipal park and clusters ---


def _lay_out_municipal(
    estate: Estate, sub_areas: dict[str, Polygon], blocked: BaseGeometry
) -> None:
    dice = Dice("parcels municipal")
    _plant_block(estate, sub_areas["YY-S-03"], dice)
    closed = blocked.union(estate.ground().envelope.buffer(40))
    number = 0
    for sub_area_id, _, _, _, angle_deg in SUB_AREAS:
        quota = 10 if sub_area_id == "YY-S-03" else 24
        size = (185.0, 150.0)
        for centre in _lots(sub_areas[sub_area_id], closed, angle_deg, size, quota):
            number += 1
            parcel = Parcel(f"YY-P-M01-{number:03d}", MUNICIPAL, centre, size, angle_deg)
            parcel.land_use = _PERMITTED_MIX[number % len(_PERMITTED_MIX)]
            _supply(parcel, dice, scale=3.0)
            estate.parcels.append(parcel)
            if number % 7 not in {3, 4} and number % 23 != 5:  # noqa: PLR2004
                _build_factory(estate, parcel, dice, is_heavy=False)


def _plant_block(estate: Estate, sub_area: Polygon, dice: Dice) -> None:
    """Lay out twenty exact parcels of 200 x 150 m, five columns by four rows, with road gaps."""
    x, y = (float(int(value)) for value in sub_area.centroid.coords[0])
    for index in range(20):
        column, row = index % 5, index // 5
        centre = (x - 440 + 220 * column, y - 255 + 170 * row)
        parcel_id = f"YY-P-M01-P{index + 1:02d}"
        parcel = Parcel(parcel_id, MUNICIPAL, centre, (200.0, 150.0), 0.0, status="built")
        _supply(parcel, dice, scale=3.0)
        _rate(parcel, dice, coefficient=0.5, plot_ratio=1.2)
        estate.parcels.append(parcel)


def _lay_out_cluster(estate: Estate, site: Site, blocked: BaseGeometry) -> None:
    park_id = site.plan.park_id
    dice = Dice(f"parcels {park_id}")
    is_heavy = site.plan.leading in {"34", "35"}
    is_placeholder = site.plan.township is None
    angle_deg = 0.0 if is_placeholder else float(dice.integer(-25, 25))
    size = (132.0, 105.0)
    lots = _lots(site.footprint, blocked, angle_deg, size, 25)
    for number, centre in enumerate(lots, start=1):
        parcel_id = f"YY-P-{short_id(park_id)}-{number:02d}"
        parcel = Parcel(parcel_id, park_id, centre, size, angle_deg)
        parcel.land_use = _PERMITTED_MIX[number % len(_PERMITTED_MIX)]
        _supply(parcel, dice, scale=2.0)
        estate.parcels.append(parcel)
        is_built = number in PLACEHOLDER_BUILT if is_placeholder else number % 6 not in {2, 3}
        if is_built:
            _build_factory(estate, parcel, dice, is_heavy=is_heavy)


def _lots(
    area: BaseGeometry, blocked: BaseGeometry, angle_deg: float, size: Point, quota: int
) -> list[Point]:
    """Return centres of parcels in blocks of three by two with roads between, innermost first."""
    width, height = size
    inner = area.buffer(-45).difference(blocked)
    shapely.prepare(inner)
    origin = area.representative_point().coords[0]
    found: list[tuple[float, int, Point]] = []
    for column in range(-8, 9):
        for row in range(-8, 9):
            for index in range(6):
                x = column * (3 * width + BLOCK_ROAD_M) + (index % 3) * width
                y = row * (2 * height + BLOCK_ROAD_M) + (index // 3) * height
                centre = turned((x, y), (origin[0], origin[1]), angle_deg)
                if inner.contains(turned_rectangle(centre, *size, angle_deg)):
                    far = float(np.hypot(column + 0.5, 0.7 * (row + 0.5)))
                    found.append((far, len(found), centre))
    return [centre for _, _, centre in sorted(found)[:quota]]


def _build_factory(estate: Estate, parcel: Parcel, dice: Dice, *, is_heavy: bool) -> None:
    """Make a parcel built, with a hall, a low factory building, or no modelled building.

    A storey of 8 m or more counts twice in the plot ratio, as the indicators define it.
    """
    parcel.status = "built"
    what = dice.pick(("hall", "low", "none", "none"))
    coefficient = round(dice.uniform(0.52, 0.60), 3)
    if what == "none":
        _rate(parcel, dice, coefficient=coefficient, plot_ratio=dice.uniform(1.05, 1.6))
        return
    size = (0.88 * parcel.size[0], coefficient / 0.88 * parcel.size[1])
    area_m2 = round(size[0] * size[1], 1)
    if what == "hall":
        height = dice.pick((9.0, 10.5, 12.0))
        floors = [Floor(1, area_m2, area_m2, 15.0, height, None)]
    else:
        floors = _storeys(dice, dice.integer(2, 3), area_m2=area_m2, is_heavy=is_heavy)
    number = len(estate.buildings_of(parcel.park_id)) + 1
    estate.buildings.append(
        Building(
            f"YY-BD-{short_id(parcel.park_id)}-{number:02d}",
            parcel.park_id,
            parcel.parcel_id,
            f"{number}号厂房",
            turned_rectangle(parcel.centre, *size, parcel.angle_deg),
            floors,
        )
    )
    _rate(parcel, dice, coefficient=coefficient, plot_ratio=coefficient * max(2, len(floors)))


# --- attributes ---


def _supply(parcel: Parcel, dice: Dice, *, scale: float) -> None:
    """Set a parcel's utilities; about one parcel in eight lacks one of the four figures."""
    parcel.values.update(
        power_kva=100 * dice.integer(int(6 * scale), int(22 * scale)),
        water_m3_d=10 * dice.integer(int(6 * scale), int(30 * scale)),
        gas_m3_d=50 * dice.integer(int(4 * scale), int(24 * scale)),
        wastewater_m3_d=10 * dice.integer(int(4 * scale), int(22 * scale)),
    )
    if dice.chance(0.12):
        parcel.values[dice.pick(("power_kva", "water_m3_d", "gas_m3_d", "wastewater_m3_d"))] = None


def _rate(parcel: Parcel, dice: Dice, *, coefficient: float, plot_ratio: float) -> None:
    """Set a built parcel's indicators, within the limits."""
    mu = parcel.area_m2 / MU_M2
    parcel.values.update(
        plot_ratio=round(plot_ratio, 2),
        building_coefficient=round(coefficient, 3),
        ancillary_land_share=round(dice.uniform(0.03, 0.068), 3),
        ancillary_floor_share=round(dice.uniform(0.06, 0.145), 3),
        investment_cny=10_000 * round(mu * dice.uniform(220, 420)),
    )
