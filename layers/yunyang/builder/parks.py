"""Place the parks: the municipal park's sub-areas, five clusters, 42 building parks.

Ordinary parks are placed near their township's seat, clear of rivers, roads and each
other. Parks with a planted case are axis-aligned rectangles whose position is computed
here, so that the planted overlaps are exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from builder import geography
from builder.catalogue import MUNICIPAL, PARKS, SUB_AREAS, Approval, ParkPlan
from builder.frame import ILLUSTRATIVE, Dice, Feature
from builder.geography import River, Township
from builder.shapes import Point, blob, chamfer, largest, place, rectangle, turned

PLANTED_WIDTH_M = 320.0
PLANTED_HEIGHT_M = 220.0
HECTARE_M2 = 10_000.0

NANXI_CLUSTER_M2 = 1_562_000.0
"""The only published area of a cluster: 1.562 km2 (secondary source, 2022)."""

_CLUSTERS: dict[str, tuple[Point, tuple[float, float], float]] = {
    "YY-C-01": ((574_300.0, 3_456_900.0), (640.0, 470.0), 30.0),
    "YY-C-02": ((580_900.0, 3_443_300.0), (800.0, 600.0), -35.0),
    "YY-C-03": ((564_000.0, 3_440_900.0), (590.0, 450.0), 10.0),
    "YY-C-04": ((548_900.0, 3_434_000.0), (620.0, 440.0), -20.0),
}
"""Centre, half axes and angle of the four named clusters, near their townships' seats."""

_FIXED: dict[str, tuple[float, float, float, float]] = {
    "YY-B-04": (568_250.0, geography.WEST_BANK_Y - 850.0, 300.0, 260.0),
    "YY-B-06": (603_600.0, geography.EAST_BANK_Y - 1_450.0, 300.0, 260.0),
    "YY-B-15": (571_950.0, geography.WEST_BANK_Y - 4_430.0, 300.0, 260.0),
}
"""South-west corners and sizes of the parks whose distance to a bank is planted."""

_SIZES: dict[str, tuple[float, float]] = {
    "YY-B-01": (236.0, 114.0),
    "YY-B-13": (240.0, 160.0),
    "YY-B-34": (100.0, 90.0),
}
"""Sizes of planted rectangles that differ from the usual 320 x 220 m."""

BORDER_CASES = {"YY-B-35": (35, 40, 50.0), "YY-B-40": (40, 39, 0.1)}
"""For each park its township, the southern neighbour, and the depth in m of the moved strip."""

CUT_APPROVAL = ("YY-B-27", 20.0)
"""A park that was approved without its easternmost metres."""
ENCLAVE = "YY-B-41"
"""A park with a declared enclave: a second part of 100 x 100 m outside the county, like 29's."""

_EXCLAVE_TOWNSHIP = {"YY-B-13": 14}
"""Parks placed in another township than the one they state."""


@dataclass(frozen=True)
class Site:
    """A park's position: its footprint, and the rectangle for its parcels."""

    plan: ParkPlan
    footprint: Polygon | MultiPolygon
    centre: Point
    angle_deg: float
    width_m: float
    height_m: float

    @property
    def corner(self) -> Point:
        """South-west corner of an axis-aligned site."""
        return self.centre[0] - self.width_m / 2, self.centre[1] - self.height_m / 2

    def on_ground(self, local: Point) -> Point:
        """Convert a point given relative to the site's centre and sides."""
        return turned(local, self.centre, self.angle_deg)


@dataclass(frozen=True)
class Ground:
    """What the parks' placement has to respect."""

    townships: tuple[Township, ...]
    areas: dict[int, Polygon]
    outline: Polygon
    county: BaseGeometry
    rivers: tuple[River, ...]
    roads: BaseGeometry


def site_parks(ground: Ground) -> tuple[dict[str, Site], dict[str, Polygon]]:
    """Return every park's site by id, and the municipal park's sub-areas by their ids.

    As a side effect it moves the planted strips between `ground.areas`.
    """
    sub_areas = _sub_areas()
    sites: dict[str, Site] = {}
    plans = {plan.park_id: plan for plan in PARKS}
    whole = MultiPolygon([sub_areas[row[0]] for row in SUB_AREAS])
    sites[MUNICIPAL] = _shape_site(plans[MUNICIPAL], whole)
    for park_id, cluster in _clusters(ground).items():
        sites[park_id] = _shape_site(plans[park_id], cluster)
    for park_id, corner in _anchored(sub_areas, sites).items():
        sites[park_id] = _rectangle_site(plans[park_id], corner)
    for park_id, (giver, taker, depth_m) in BORDER_CASES.items():
        site = _border_site(plans[park_id], ground.areas, giver=giver, taker=taker)
        sites[park_id] = site
        geography.move_strip(
            ground.areas, giver, taker, park=largest(site.footprint), depth_m=depth_m
        )
    for plan in PARKS:
        if plan.park_id not in sites:
            sites[plan.park_id] = _search(plan, ground, sites, sub_areas)
    sites["YY-B-29"] = with_part_abroad(sites["YY-B-29"], ground.county)
    return {plan.park_id: sites[plan.park_id] for plan in PARKS}, sub_areas


def _sub_areas() -> dict[str, Polygon]:
    """Return the five sub-areas; the north edge of 水口 is cut straight for a planted case."""
    drawn: dict[str, Polygon] = {}
    for sub_area_id, _, centre, radii, angle_deg in SUB_AREAS:
        dice = Dice(f"sub-area {sub_area_id}")
        drawn[sub_area_id] = blob(
            centre, radii, dice=dice, vertices=150, roughness=0.15, angle_deg=angle_deg
        )
    drawn["YY-S-04"] = _cut_north(drawn["YY-S-04"], 150.0)
    return drawn


def _cut_north(shape: Polygon, depth_m: float) -> Polygon:
    x0, y0, x1, y1 = shape.bounds
    return largest(shape.intersection(shapely.box(x0, y0, x1, float(int(y1 - depth_m)))))


def _cut_east(shape: Polygon, depth_m: float) -> Polygon:
    x0, y0, x1, y1 = shape.bounds
    return largest(shape.intersection(shapely.box(x0, y0, float(int(x1 - depth_m)), y1)))


def _clusters(ground: Ground) -> dict[str, Polygon]:
    drawn: dict[str, Polygon] = {}
    for park_id, (centre, radii, angle_deg) in _CLUSTERS.items():
        dice = Dice(f"cluster {park_id}")
        shape = blob(centre, radii, dice=dice, vertices=110, roughness=0.14, angle_deg=angle_deg)
        drawn[park_id] = shape if park_id == "YY-C-02" else _cut_east(shape, 130.0)
    nanxi = drawn["YY-C-02"]
    factor = (NANXI_CLUSTER_M2 / nanxi.area) ** 0.5
    drawn["YY-C-02"] = affinity.scale(nanxi, factor, factor, origin="centroid")
    drawn["YY-C-05"] = _placeholder_cluster(ground.county)
    return drawn


def _placeholder_cluster(county: BaseGeometry) -> Polygon:
    """Return a plain rectangle of 96 ha that crosses the county boundary by exactly 20 m2."""
    inside, outside = 0.0, 4_000.0
    for _ in range(60):
        middle = (inside + outside) / 2
        if _placeholder_at(middle).difference(county).area < 20.0:  # noqa: PLR2004
            inside = middle
        else:
            outside = middle
    return _placeholder_at(inside)


def _placeholder_at(push_m: float) -> Polygon:
    return rectangle(573_200.0 - push_m, 3_411_900.0 - push_m, 1_200.0, 800.0)


def _anchored(sub_areas: dict[str, Polygon], sites: dict[str, Site]) -> dict[str, Polygon]:
    """Return planted rectangles positioned relative to a bank, a cluster or a sub-area."""
    found = {park_id: rectangle(*corner) for park_id, corner in _FIXED.items()}
    width, height = PLANTED_WIDTH_M, PLANTED_HEIGHT_M
    for park_id, cluster_id, into_m in (
        ("YY-B-20", "YY-C-01", width - 0.1),
        ("YY-B-21", "YY-C-03", 0.1),
        ("YY-B-22", "YY-C-04", 40.0),
    ):
        edge, low, high = _east_edge(largest(sites[cluster_id].footprint))
        south = float(int((low + high - height) / 2))
        found[park_id] = rectangle(edge - into_m, south, width, height)
    x0, _, x1, north = sub_areas["YY-S-04"].bounds
    middle = _north_middle(sub_areas["YY-S-04"]) if x1 > x0 else x0
    found["YY-B-30"] = rectangle(middle - width / 2, north - height + 30.0, width, height)
    x, y = sub_areas["YY-S-05"].centroid.coords[0]
    found["YY-B-36"] = rectangle(float(int(x)) - 560.0, float(int(y)) - 100.0, width, height)
    return found


def _east_edge(shape: Polygon) -> tuple[float, float, float]:
    """Return the easting and the ends of the straight east edge."""
    edge = shape.bounds[2]
    xy = np.asarray(shape.exterior.coords)
    on_edge = xy[np.isclose(xy[:, 0], edge, atol=1e-6), 1]
    return edge, float(on_edge.min()), float(on_edge.max())


def _north_middle(shape: Polygon) -> float:
    xy = np.asarray(shape.exterior.coords)
    on_edge = xy[np.isclose(xy[:, 1], shape.bounds[3], atol=1e-6), 0]
    return float(int((on_edge.min() + on_edge.max()) / 2))


def _shape_site(plan: ParkPlan, shape: Polygon | MultiPolygon) -> Site:
    x0, y0, x1, y1 = shape.bounds
    return Site(plan, shape, ((x0 + x1) / 2, (y0 + y1) / 2), 0.0, x1 - x0, y1 - y0)


def _rectangle_site(plan: ParkPlan, box: Polygon) -> Site:
    return _shape_site(plan, box)


def _border_site(plan: ParkPlan, areas: dict[int, Polygon], *, giver: int, taker: int) -> Site:
    """Return a rectangle 30 m inside its township, north of the border with its neighbour."""
    border = areas[giver].intersection(areas[taker].buffer(1.0))
    x, y = border.centroid.coords[0]
    x0, width = float(int(x)) - PLANTED_WIDTH_M / 2, PLANTED_WIDTH_M
    beside = areas[taker].intersection(shapely.box(x0, y - 2_000, x0 + width, y + 2_000))
    y0 = float(int(beside.bounds[3])) + 30.0
    return _rectangle_site(plan, rectangle(x0, y0, width, PLANTED_HEIGHT_M))


def _search(
    plan: ParkPlan, ground: Ground, sites: dict[str, Site], sub_areas: dict[str, Polygon]
) -> Site:
    """Return the free site nearest to the seat, searched in widening rings."""
    dice = Dice(f"site {plan.park_id}")
    shape, size, angle_deg = _footprint(plan, dice)
    township = ground.townships[(plan.township or 1) - 1]
    home = _EXCLAVE_TOWNSHIP.get(plan.park_id, township.number)
    allowed = (
        ground.areas.get(home, ground.outline).buffer(-90).intersection(ground.outline.buffer(-120))
    )
    if plan.host:
        near = min(
            (*sub_areas.values(), sites["YY-C-02"].footprint),
            key=lambda area: area.distance(shapely.Point(township.xy)),
        )
        allowed = allowed.intersection(near.buffer(-120))
    blocked = _obstacles(plan, ground, sites)
    shapely.prepare([allowed, blocked])
    start = dice.uniform(0, 360)
    for ring in range(3, 120):
        for turn in range(24):
            angle = np.radians(start + 15 * turn)
            x = float(int(township.xy[0] + 90 * ring * np.cos(angle)))
            y = float(int(township.xy[1] + 90 * ring * np.sin(angle)))
            placed = place(shape, (x, y), angle_deg)
            if allowed.contains(placed) and not blocked.intersects(placed):
                return Site(plan, placed, (x, y), angle_deg, *size)
    msg = f"No free place for park {plan.park_id}; move the obstacles around {township.name}."
    raise RuntimeError(msg)


def _footprint(plan: ParkPlan, dice: Dice) -> tuple[Polygon, tuple[float, float], float]:
    """Return a shape around the origin, its sizes, and its angle of rotation."""
    if plan.is_rectangle:
        width, height = _SIZES.get(plan.park_id, (PLANTED_WIDTH_M, PLANTED_HEIGHT_M))
        return chamfer(width, height, (0.0,)), (width, height), 0.0
    width, height = dice.uniform(225, 340), dice.uniform(125, 230)
    cuts = [dice.uniform(9, 14) for _ in range(4)]
    return chamfer(width, height, cuts), (width, height), dice.uniform(-40, 40)


def _obstacles(plan: ParkPlan, ground: Ground, sites: dict[str, Site]) -> BaseGeometry:
    taken = [
        site.footprint.buffer(160)
        for park_id, site in sites.items()
        if park_id != plan.host and not (park_id == MUNICIPAL and plan.host)
    ]
    water = [river.ground.buffer(270) for river in ground.rivers]
    return shapely.union_all([*taken, *water, ground.roads.buffer(35)])


def with_part_abroad(site: Site, county: BaseGeometry) -> Site:
    """Add a second part of 100 x 100 m that lies wholly outside the county."""
    x, y = site.centre
    away = county.buffer(60)
    shapely.prepare(away)
    for ring in range(4, 80):
        for turn in range(24):
            angle = np.radians(15 * turn)
            corner = (
                float(int(x + 60 * ring * np.cos(angle))),
                float(int(y + 60 * ring * np.sin(angle))),
            )
            part = rectangle(*corner, 100.0, 100.0)
            if not away.intersects(part):
                both = MultiPolygon([largest(site.footprint), part])
                return replace(site, footprint=both)
    msg = f"Found no ground outside the county near {site.plan.park_id}."
    raise RuntimeError(msg)


def park_features(sites: dict[str, Site], townships: tuple[Township, ...]) -> list[Feature]:
    """Return the layer `parks`."""
    return [_park_feature(site, townships) for site in sites.values()]


def _park_feature(site: Site, townships: tuple[Township, ...]) -> Feature:
    plan = site.plan
    township = townships[plan.township - 1] if plan.township else None
    tier = {"M": "municipal_park", "C": "sme_cluster", "B": "building_park"}[plan.park_id[3]]
    name = plan.name or (f"{township.name}楼宇工业园（示意）" if township else plan.park_id)
    shape = site.footprint
    approval = plan.approval or Approval(None, None, None, None)
    is_large = tier != "building_park"
    geometry = shape if isinstance(shape, MultiPolygon) else MultiPolygon([shape])
    return Feature(
        {
            "park_id": plan.park_id,
            "name": name,
            "tier": tier,
            "township_code": township.code if township else None,
            "leading_industry": plan.leading,
            "supporting_industries": plan.supporting,
            "speciality": plan.speciality,
            "host_park_id": plan.host,
            "status": plan.status,
            "declared_area_ha": _declared_ha(plan, shape.area),
            "enclave_partner": plan.partner,
            "enclave_terms": plan.terms,
            "approval_number": approval.number,
            "approved_on": approval.day,
            "plan_eia_number": approval.plan_eia_number if is_large else None,
            "plan_eia_on": approval.plan_eia_day if is_large else None,
            "is_chemical_park": plan.is_chemical,
            "source": _park_source(plan),
            "illustrative": True,
        },
        geometry,
    )


def approved_features(sites: dict[str, Site]) -> list[Feature]:
    """Return the layer `approved_areas`: the large parks but the placeholder, and one too small."""
    found = []
    for park_id, site in sites.items():
        shape = site.footprint
        if park_id == CUT_APPROVAL[0]:
            west, south, east, north = shape.bounds
            shape = shapely.box(west, south, east - CUT_APPROVAL[1], north)
        elif park_id.startswith("YY-B") or site.plan.approval is None:
            continue
        approval = site.plan.approval or Approval()
        properties = {
            "park_id": park_id,
            "approval_number": approval.number,
            "approved_on": approval.day,
            "source": ILLUSTRATIVE,
            "illustrative": True,
        }
        geometry = shape if isinstance(shape, MultiPolygon) else MultiPolygon([shape])
        found.append(Feature(properties, geometry))
    return found


def _declared_ha(plan: ParkPlan, area_m2: float) -> float | None:
    if not plan.has_declared_area:
        return None
    if plan.declared_factor is not None:
        return round(area_m2 / HECTARE_M2 * plan.declared_factor, 4)
    if plan.is_rectangle or plan.park_id == "YY-C-02":
        return round(area_m2 / HECTARE_M2, 2)
    dice = Dice(f"declared {plan.park_id}")
    return round(area_m2 / HECTARE_M2 * dice.uniform(0.975, 1.025), 2)


def _park_source(plan: ParkPlan) -> str:
    if plan.park_id == MUNICIPAL:
        return f"{ILLUSTRATIVE}；真实的只有：园区及其五个片区存在"
    if plan.park_id == "YY-C-02":
        return (
            f"{ILLUSTRATIVE}；真实的只有：县动员大会为该镇集聚区授牌，"
            "面积 1.562 平方千米、服装和玩具（2022 年二手资料）"
        )
    if plan.park_id == "YY-C-05":
        return f"{ILLUSTRATIVE}；占位：5 个集聚区是县里的构建目标，未查到第五个的名称"
    if plan.park_id.startswith("YY-C"):
        return f"{ILLUSTRATIVE}；真实的只有：县动员大会为该镇集聚区授牌"
    return f"{ILLUSTRATIVE}；42 个楼宇工业园是县里的构建目标，每个乡镇街道一个是假设"


def sub_area_features(sub_areas: dict[str, Polygon]) -> list[Feature]:
    """Return the layer `sub_areas`."""
    names = {row[0]: row[1] for row in SUB_AREAS}
    return [
        Feature(
            {
                "sub_area_id": sub_area_id,
                "park_id": MUNICIPAL,
                "name": names[sub_area_id],
                "source": f"{ILLUSTRATIVE}；仅名称真实",
                "illustrative": True,
            },
            shape,
        )
        for sub_area_id, shape in sub_areas.items()
    ]
