"""Make about 430 invented enterprises, three years each, and place them where there is room.

Codes are real classes of GB/T 4754-2017 that fit the park; names are obviously made up.
An enterprise in a building may take several floors: `floor_no` is then the lowest one and
`floor_m2` their sum.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import shapely

from builder import planted_enterprises as planted
from builder.catalogue import MUNICIPAL, ParkPlan
from builder.estate import Building, Estate, Floor, Parcel
from builder.frame import ILLUSTRATIVE, Dice, Properties, to_degrees
from builder.geography import Township
from builder.parcels import short_id
from builder.parks import Site
from builder.shapes import Point

YEARS = (2023, 2024, 2025)
LATEST = YEARS[-1]
CLASSIFICATION = Path(__file__).parents[3] / "geo_service" / "data" / "gbt4754.csv"

COLUMNS = (
    "enterprise_id", "year", "name", "industry_code", "park_id", "parcel_id", "building_id",
    "floor_no", "output_cny", "land_m2", "floor_m2", "tax_cny", "value_added_cny", "energy_tce",
    "rd_cny", "employees", "status", "stopped_months", "loss_years", "subsidised", "in_arrears",
    "stage", "is_new", "discharges_wastewater", "heavy_polluter", "insolvent", "tailings_pond",
    "mixing_only", "hazardous_chemicals", "catalogue_class", "energy_review_number", "lon", "lat",
    "source", "illustrative",
)  # fmt: skip

_WORDS = {
    "10": "矿业", "13": "农产", "14": "食品", "15": "酒茶", "17": "纺织", "18": "服饰",
    "19": "鞋革", "20": "竹木", "21": "家具", "22": "纸品", "23": "印务", "24": "工美",
    "26": "化工", "27": "药业", "28": "化纤", "29": "塑胶", "30": "建材", "33": "金属",
    "34": "机械", "35": "装备", "36": "汽配", "37": "车船", "38": "电气", "39": "电子",
    "40": "仪表", "41": "日用", "51": "供应", "59": "仓储",
}  # fmt: skip

_NAMED_AFTER_NO_PLACE = frozenset({"25", "26"})
"""Divisions of chemical works: made up, they do not bear a real town's name."""

UNIT_CNY = 10_000
ENERGY_REVIEW_TCE = 1_000.0
"""From here on a new project needs an energy review; invented ones have one."""
_LAND_INTENSITY = {True: (6_400.0, 9_200.0), False: (4_900.0, 6_200.0)}
"""Output in CNY per m2 of land, leading and supporting; the limit in parks is 4,500."""


@dataclass
class Tenancy:
    """Where an enterprise is, and how much room it takes."""

    parcel: Parcel | None = None
    building: Building | None = None
    floor_no: int | None = None
    land_m2: float = 0.0
    floor_m2: float = 0.0
    spot: Point | None = None


@dataclass
class Company:
    """One enterprise in the latest year."""

    enterprise_id: str
    name: str
    code: str
    park_id: str
    is_leading: bool
    tenancy: Tenancy
    output_cny: int
    values: Properties


def found_companies(
    sites: dict[str, Site], townships: tuple[Township, ...], estate: Estate
) -> list[Company]:
    """Return all enterprises, ordered by id, after letting floors to them."""
    with CLASSIFICATION.open(encoding="utf-8-sig", newline="") as lines:
        known = [row["code"] for row in csv.DictReader(lines) if row["level"] == "4"]
    companies: list[Company] = []
    for park_id, site in sites.items():
        dice = Dice(f"enterprises {park_id}")
        plan = site.plan
        given = planted.GIVEN.get(park_id)
        if park_id in planted.PLACES:
            rooms = _planted_rooms(estate, park_id)
        elif park_id.startswith("YY-B"):
            rooms = _rooms_upstairs(estate, park_id, dice, _head_count(park_id, plan, dice))
        else:
            rooms = _rooms_on_parcels(estate, park_id, dice)
        codes = [code for code, _ in given] if given else _codes(plan, len(rooms), known, dice)
        outputs = [units * UNIT_CNY for _, units in given] if given else None
        place = townships[plan.township - 1].short if plan.township else "云阳"
        for number, (code, room) in enumerate(zip(codes, rooms, strict=True), start=1):
            width = 3 if park_id == MUNICIPAL else 2
            enterprise_id = f"YY-E-{short_id(park_id)}-{number:0{width}d}"
            word = _WORDS.get(code[:2], "工贸")
            town = "" if code[:2] in _NAMED_AFTER_NO_PLACE else place
            companies.append(
                Company(
                    enterprise_id,
                    f"示例{town}{word}{len(companies) + 1:03d}",
                    code,
                    park_id,
                    _leads(plan, code),
                    room,
                    outputs[number - 1] if outputs else 0,
                    {},
                )
            )
        crew = [company for company in companies if company.park_id == park_id]
        if not outputs:
            _set_outputs(crew, dice)
        for company in crew:
            _set_values(company, dice)
    return companies


def _head_count(park_id: str, plan: ParkPlan, dice: Dice) -> int:
    given = planted.GIVEN.get(park_id)
    if given:
        return len(given)
    return dice.integer(5, 8) if plan.township else 6


def _leads(plan: ParkPlan, code: str) -> bool:
    if plan.leading is None:
        return code.startswith(plan.classes)
    return code.startswith(tuple(plan.leading.split(";")))


def _codes(plan: ParkPlan, count: int, known: list[str], dice: Dice) -> list[str]:
    """Return codes: two in three are leading; every supporting prefix is used in turn."""
    codes: list[str] = []
    leading = supporting = 0
    for number in range(count):
        if number % 3 < 2:  # noqa: PLR2004
            prefix = plan.classes[leading % len(plan.classes)]
            leading += 1
        else:
            prefix = plan.helpers[supporting % len(plan.helpers)]
            supporting += 1
        codes.append(dice.pick([code for code in known if code.startswith(prefix)]))
    return codes


# --- rooms ---


def _planted_rooms(estate: Estate, park_id: str) -> list[Tenancy]:
    by_id = {building.building_id: building for building in estate.buildings}
    rooms = []
    for building_id, floor_no, floor_m2, _ in planted.PLACES[park_id]:
        building = by_id[building_id]
        rooms.append(Tenancy(_parcel_of(estate, building), building, floor_no,
                             _land_share(estate, building, floor_m2), floor_m2))  # fmt: skip
    return rooms


@dataclass
class _Run:
    """The floors that one enterprise takes, and its part of each."""

    building: Building
    floors: list[Floor]
    share: float = 1.0


def _rooms_upstairs(estate: Estate, park_id: str, dice: Dice, count: int) -> list[Tenancy]:
    """Let the floors from the bottom up; each building's empty floors are a run at its top.

    Each building keeps at most 38 % of its floors vacant.
    """
    buildings = estate.buildings_of(park_id)
    runs: list[_Run] = []
    for index, building in enumerate(buildings):
        empty = int(len(building.floors) * (0.38 if dice.chance(0.6) else 0.18))
        let = building.floors[: len(building.floors) - empty]
        share = count // len(buildings) + (index < count % len(buildings))
        share = max(1, min(share, len(let)))
        for part in range(share):
            start, end = len(let) * part // share, len(let) * (part + 1) // share
            runs.append(_Run(building, let[start:end]))
    while len(runs) < count:
        _split_largest(runs)
    rooms: list[Tenancy] = []
    for run in runs:
        floor_m2 = sum(floor.area_m2 for floor in run.floors) * run.share
        for floor in run.floors:
            floor.vacant_m2 = 0.0
        rooms.append(
            Tenancy(
                _parcel_of(estate, run.building),
                run.building,
                run.floors[0].number,
                _land_share(estate, run.building, floor_m2),
                round(floor_m2, 1),
            )
        )
    return rooms


def _split_largest(runs: list[_Run]) -> None:
    """Split the longest run in two; a single floor into halves."""
    index = max(range(len(runs)), key=lambda at: len(runs[at].floors) * runs[at].share)
    run = runs[index]
    middle = len(run.floors) // 2
    if middle == 0:
        half = _Run(run.building, run.floors, run.share / 2)
        runs[index : index + 1] = [half, half]
        return
    runs[index : index + 1] = [
        _Run(run.building, run.floors[:middle]),
        _Run(run.building, run.floors[middle:]),
    ]


def _rooms_on_parcels(estate: Estate, park_id: str, dice: Dice) -> list[Tenancy]:
    """Return one enterprise per built parcel, or one per floor in a low factory building."""
    rooms: list[Tenancy] = []
    for parcel in estate.parcels_of(park_id):
        if parcel.status == "vacant":
            continue
        standing = estate.buildings_on(parcel.parcel_id)
        ratio = float(parcel.values.get("plot_ratio") or 1.0)
        if not standing or standing[0].is_hall:
            for building in standing:
                building.floors[0].vacant_m2 = 0.0
            spot = _spot_on(parcel) if not standing and dice.chance(0.14) else None
            is_planted = parcel.parcel_id.startswith("YY-P-M01-P")
            rooms.append(
                Tenancy(
                    parcel,
                    None,
                    None,
                    parcel.area_m2,
                    round(parcel.area_m2 * ratio, 1),
                    None if is_planted else spot,
                )
            )
            continue
        building = standing[0]
        for floor in building.floors:
            floor.vacant_m2 = 0.0
            share_m2 = round(parcel.area_m2 / len(building.floors), 1)
            rooms.append(Tenancy(parcel, building, floor.number, share_m2, floor.area_m2))
    return rooms


def _spot_on(parcel: Parcel) -> Point:
    point = shapely.Point(parcel.centre)
    return point.x + 3.0, point.y - 2.0


def _parcel_of(estate: Estate, building: Building) -> Parcel:
    return next(parcel for parcel in estate.parcels if parcel.parcel_id == building.parcel_id)


def _land_share(estate: Estate, building: Building, floor_m2: float) -> float:
    """Return the enterprise's part of the parcel's land, by its share of the floor space there."""
    parcel = _parcel_of(estate, building)
    total = sum(
        floor.area_m2
        for standing in estate.buildings_on(parcel.parcel_id)
        for floor in standing.floors
    )
    return round(parcel.area_m2 * floor_m2 / total, 1)


# --- figures ---


def _set_outputs(crew: list[Company], dice: Dice) -> None:
    """Set outputs by land or floor space, so that the leading share is 0.74 to 0.86."""
    for company in crew:
        room = company.tenancy
        if company.park_id.startswith("YY-B"):
            intensity, basis = dice.uniform(3_000, 8_000), room.floor_m2
        else:
            intensity, basis = dice.uniform(*_LAND_INTENSITY[company.is_leading]), room.land_m2
        company.output_cny = max(1, round(basis * intensity / UNIT_CNY)) * UNIT_CNY
    leading = [company for company in crew if company.is_leading]
    rest = sum(company.output_cny for company in crew if not company.is_leading)
    target = dice.uniform(0.74, 0.84)
    factor = target / (1 - target) * rest / sum(company.output_cny for company in leading)
    if not crew[0].park_id.startswith("YY-B"):
        factor = max(1.0, factor)
    for company in leading:
        company.output_cny = max(1, round(company.output_cny * factor / UNIT_CNY)) * UNIT_CNY


def _set_values(company: Company, dice: Dice) -> None:
    """Set the other figures of the latest year to sound values, then apply the planted changes."""
    if company.enterprise_id in planted.IDLE_TENANTS:
        company.output_cny = planted.IDLE_OUTPUT_CNY
    change = planted.CHANGES.get(company.enterprise_id, {})
    output = change.get("output_cny") or company.output_cny
    added = round(output * dice.uniform(0.24, 0.31), -3)
    stage = "above_scale" if output >= 20_000_000 else "company"  # noqa: PLR2004
    if output < 6_000_000:  # noqa: PLR2004
        stage = "individual"
    if output > 150_000_000 and dice.chance(0.3):  # noqa: PLR2004
        stage = "joint_stock"
    company.values = {
        "industry_code": company.code,
        "output_cny": output,
        "land_m2": company.tenancy.land_m2,
        "floor_m2": company.tenancy.floor_m2,
        "tax_cny": int(round(output * dice.uniform(0.042, 0.06), -3)),
        "value_added_cny": int(added),
        "energy_tce": round(output / UNIT_CNY * dice.uniform(0.04, 0.075), 1),
        "rd_cny": int(round(output * dice.uniform(0.014, 0.03), -3)),
        "employees": max(4, round(output / dice.uniform(450_000, 900_000))),
        "status": "operating",
        "stopped_months": 0,
        "loss_years": dice.pick((0, 0, 0, 1, 2)),
        "subsidised": False,
        "in_arrears": False,
        "stage": stage,
        "is_new": False,
        "discharges_wastewater": None,
        "heavy_polluter": None,
        "insolvent": False,
        "tailings_pond": False,
        "mixing_only": False,
        "hazardous_chemicals": False,
        "catalogue_class": "permitted",
        "energy_review_number": None,
    }
    company.values.update(change)


# --- rows ---


def enterprise_rows(companies: list[Company]) -> list[Properties]:
    """Return the table `enterprises`: one row per enterprise and year."""
    dice = Dice("years")
    rows: list[Properties] = []
    for index, company in enumerate(companies):
        is_planted = company.park_id in planted.GIVEN or company.enterprise_id in planted.CHANGES
        start = 2023 if is_planted or dice.chance(0.82) else dice.pick((2024, 2024, 2025))
        growth = dice.uniform(-0.04, 0.18)
        rows.extend(
            _row(company, index, year, (1 + growth) ** (year - LATEST), start)
            for year in YEARS
            if year >= start
        )
    return rows + _silent_rows(rows)


def _silent_rows(rows: list[Properties]) -> list[Properties]:
    """Return the earlier rows of the enterprise that does not report for the latest year."""
    own = {"enterprise_id": planted.SILENT_ID, "name": "示例堰坪家具（未再填报）"}
    return [
        {**row, **own, "building_id": None, "floor_no": None}
        for row in rows
        if row["enterprise_id"] == planted.SILENT_LIKE and row["year"] != LATEST
    ]


def _row(company: Company, index: int, year: int, factor: float, start: int) -> Properties:
    room, values = company.tenancy, dict(company.values)
    for name in ("output_cny", "tax_cny", "value_added_cny", "rd_cny"):
        if values[name] is not None and year != LATEST:
            values[name] = max(1, round(values[name] * factor / 1_000)) * 1_000
    if year != LATEST:
        values["energy_tce"] = round(values["energy_tce"] * factor, 1)
        values["employees"] = max(4, round(values["employees"] * factor))
        values.update(status="operating", stopped_months=0, is_new=year == start != YEARS[0])
        if values["output_cny"] is None:
            values["output_cny"] = company.output_cny
    elif start == LATEST:
        values["is_new"] = True
    if values["is_new"] and "energy_review_number" not in planted.CHANGES.get(
        company.enterprise_id, {}
    ):
        is_large = (values["energy_tce"] or 0) >= ENERGY_REVIEW_TCE
        is_asked = is_large and company.enterprise_id not in planted.UNREVIEWED
        values["energy_review_number"] = "示例能审字 2025-9 号" if is_asked else None
    spot = planted.SPOTS.get(company.enterprise_id)
    xy = spot.xy if spot else room.spot
    lon, lat = to_degrees(*xy) if xy else (None, None)
    is_derived = xy is None and index % 29 == 17  # noqa: PLR2004
    return {
        "enterprise_id": company.enterprise_id,
        "year": year,
        "name": company.name,
        "park_id": None if is_derived else company.park_id,
        "parcel_id": None if xy or room.building or not room.parcel else room.parcel.parcel_id,
        "building_id": None if xy or not room.building else room.building.building_id,
        "floor_no": None if xy or not room.building else room.floor_no,
        **values,
        "lon": lon,
        "lat": lat,
        "source": ILLUSTRATIVE,
        "illustrative": True,
    }
