"""Draw roads and facilities: one network that links all seats, parks and facilities.

Lines meet in shared nodes, exact to the last digit. The one exception is planted: the wharf
at 巴阳 is on a piece of road that meets no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from shapely.geometry import LineString, MultiLineString
from shapely.geometry import Point as ShapelyPoint
from shapely.geometry.base import BaseGeometry

from builder.frame import ILLUSTRATIVE, Dice, Feature
from builder.geography import KM, River, Township
from builder.parks import Site
from builder.shapes import Point, winding

LAST_SUBDISTRICT = 4
"""Township rows 1 to 4: the subdistricts around the county seat."""

SPEEDS_KM_H = {
    "expressway": 80,
    "national": 60,
    "provincial": 50,
    "county": 40,
    "urban": 40,
    "township": 30,
    "village": 20,
}

_INTERCHANGES: dict[str, tuple[str, Point, int | None]] = {
    "W": ("", (551.2, 3433.3), None),
    "1": ("平安互通", (552.6, 3433.6), 22),
    "2": ("人和互通", (563.6, 3431.9), 3),
    "3": ("黄石互通", (569.4, 3432.7), 11),
    "4": ("水口枢纽互通", (574.6, 3432.6), 30),
    "5": ("栖霞互通", (580.9, 3431.9), 25),
    "6": ("红狮互通", (597.3, 3431.4), 7),
    "7": ("龙洞互通", (610.2, 3430.6), 32),
    "E": ("", (616.3, 3432.4), None),
    "8": ("江口互通", (577.3, 3454.6), 20),
    "9": ("南溪互通", (577.2, 3442.7), 17),
    "10": ("凤鸣互通", (573.6, 3417.9), 15),
    "11": ("龙角互通", (581.0, 3409.6), 5),
    "12": ("清水互通", (590.6, 3400.4), 42),
}
"""Expressway nodes in km, and the township whose seat each interchange is linked to."""

_EXPRESSWAYS = (
    ("沪蓉高速（示意）", ("W", "1", "2", "3", "4", "5", "6", "7", "E")),
    ("江龙高速（示意）", ("8", "9", "4", "10", "11", "12")),
)

_FACILITIES: tuple[tuple[str, str, int, Point], ...] = (
    ("station", "云阳站（示意位置）", 11, (1.1, -0.5)),
    ("port", "云阳港新县城码头（示意）", 1, (0.3, -0.62)),
    ("port", "云阳港人和作业区（示意）", 3, (1.9, -0.4)),
    ("port", "云阳港故陵作业区（示意）", 6, (-0.9, 1.15)),
    ("substation", "人和220千伏变电站（示意）", 3, (0.7, 0.6)),
    ("substation", "双江110千伏变电站（示意）", 1, (0.6, 0.4)),
    ("substation", "水口110千伏变电站（示意）", 30, (-0.5, 0.7)),
    ("substation", "江口110千伏变电站（示意）", 20, (0.5, -0.6)),
    ("substation", "南溪110千伏变电站（示意）", 17, (0.6, 0.7)),
    ("substation", "高阳110千伏变电站（示意）", 21, (0.6, 0.4)),
    ("substation", "平安110千伏变电站（示意）", 22, (-0.5, 0.4)),
    ("substation", "龙角110千伏变电站（示意）", 5, (0.6, 0.5)),
    ("treatment_plant", "县城污水处理厂（示意）", 2, (-0.5, -0.5)),
    ("treatment_plant", "人和园区污水处理厂（示意）", 3, (0.9, -0.7)),
    ("treatment_plant", "水口园区污水处理厂（示意）", 30, (0.7, 0.5)),
    ("treatment_plant", "江口污水处理厂（示意）", 20, (0.7, 0.3)),
    ("treatment_plant", "南溪污水处理厂（示意）", 17, (-0.5, -0.7)),
    ("treatment_plant", "高阳污水处理厂（示意）", 21, (0.5, -0.6)),
    ("treatment_plant", "故陵污水处理厂（示意）", 6, (0.6, -0.5)),
    ("water_plant", "青龙水厂（示意）", 2, (-0.6, 0.5)),
    ("water_plant", "江口水厂（示意）", 20, (-0.6, -0.6)),
    ("water_plant", "南溪水厂（示意）", 17, (-0.4, 0.8)),
    ("gas_station", "人和天然气门站（示意）", 3, (-0.7, -0.6)),
    ("gas_station", "水口天然气门站（示意）", 30, (0.2, -0.7)),
    ("fire_station", "县城消防站（示意）", 1, (-0.4, 0.5)),
    ("fire_station", "人和园区消防站（示意）", 3, (0.5, -0.5)),
    ("fire_station", "江口消防站（示意）", 20, (0.3, 0.7)),
    ("hospital", "县城医院（示意）", 1, (0.5, -0.1)),
    ("hospital", "江口医院（示意）", 20, (-0.3, 0.6)),
    ("hospital", "龙角医院（示意）", 5, (-0.5, -0.4)),
)
"""Kind, name, township, and offset from its seat in km (east, north)."""


@dataclass(frozen=True)
class Road:
    """One road between two nodes."""

    name: str | None
    road_class: str
    line: LineString


def draw_network(townships: tuple[Township, ...]) -> list[Road]:
    """Return expressways, the roads between seats, and the links to the interchanges."""
    dice = Dice("roads")
    seats = {township.number: township.xy for township in townships}
    roads: list[Road] = []
    for name, keys in _EXPRESSWAYS:
        for start, end in pairwise(keys):
            line = _winding(_node(start), _node(end), dice, sway=0.03)
            roads.append(Road(name, "expressway", line))
    for first, second in _seat_links(townships):
        line = _winding(first.xy, second.xy, dice, sway=0.05)
        roads.append(Road(None, _class_between(first, second, line), line))
    for key, (_, _, township) in _INTERCHANGES.items():
        if township:
            line = _winding(seats[township], _node(key), dice, sway=0.05)
            roads.append(Road(None, "provincial", line))
    return roads


def _class_between(first: Township, second: Township, line: LineString) -> str:
    """Return `urban` in the county seat, `national` along the river; else by rank and length."""
    (x0, y0), (x1, y1) = first.xy, second.xy
    if max(first.number, second.number) <= LAST_SUBDISTRICT:
        return "urban"
    if "乡" in {first.kind, second.kind}:
        return "township"
    if abs(y1 - y0) < abs(x1 - x0) / 3:
        return "national"
    return "provincial" if line.length > 9 * KM else "county"


def _node(key: str) -> Point:
    x, y = _INTERCHANGES[key][1]
    return x * KM, y * KM


def _winding(start: Point, end: Point, dice: Dice, *, sway: float) -> LineString:
    length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
    step = max(180.0, length / 28)
    return LineString(winding([start, end], dice=dice, step_m=step, sway=sway))


def _seat_links(townships: tuple[Township, ...]) -> list[tuple[Township, Township]]:
    """Return pairs of seats with no third seat in the circle between them (Gabriel graph)."""
    xy = np.array([township.xy for township in townships])
    pairs: list[tuple[Township, Township]] = []
    for first in range(len(xy)):
        for second in range(first + 1, len(xy)):
            middle, radius = (xy[first] + xy[second]) / 2, np.hypot(*(xy[first] - xy[second])) / 2
            others = np.delete(xy, [first, second], axis=0)
            if radius < 9 * KM and np.hypot(*(others - middle).T).min() >= radius:
                pairs.append((townships[first], townships[second]))
    return pairs


def lines_of(roads: list[Road]) -> MultiLineString:
    """Return all road lines as one geometry."""
    return MultiLineString([road.line for road in roads])


def link_parks(roads: list[Road], sites: dict[str, Site]) -> list[Road]:
    """Return one access road for every park part that no road reaches within 150 m."""
    dice = Dice("access")
    nodes = sorted({point for road in roads for point in (_ends(road.line))})
    lines = lines_of(roads)
    access: list[Road] = []
    for site in sites.values():
        if site.plan.host:
            continue
        for part in list(shapely.get_parts(site.footprint))[:5]:
            if part.area < 15_000 and site.plan.park_id == "YY-B-29":  # noqa: PLR2004
                continue
            if part.distance(lines) < 150:  # noqa: PLR2004
                continue
            start = min(nodes, key=lambda node: part.distance(ShapelyPoint(node)))
            gate = shapely.get_point(shapely.shortest_line(part.exterior, ShapelyPoint(start)), 0)
            line = _winding(start, (gate.x, gate.y), dice, sway=0.04)
            access.append(Road(None, "village" if line.length < KM else "township", line))
    return access


def _ends(line: LineString) -> tuple[Point, Point]:
    first, last = line.coords[0], line.coords[-1]
    return (first[0], first[1]), (last[0], last[1])


def isolated_road(rivers: tuple[River, ...]) -> Road:
    """Return the planted piece of road that meets no other, on the river bank at 巴阳."""
    x, y = rivers[0].centreline.coords[9][:2]
    wharf = (x, y + 470.0)
    return Road(
        "巴阳码头道路（示意，孤立路段）",
        "village",
        LineString([wharf, (x - 130.0, y + 520.0), (x - 240.0, y + 505.0)]),
    )


def road_features(roads: list[Road]) -> list[Feature]:
    """Return the layer `roads`."""
    return [
        Feature(
            {
                "road_id": f"YY-RD-{number:03d}",
                "name": road.name,
                "class": road.road_class,
                "speed_km_h": SPEEDS_KM_H[road.road_class],
                "source": f"{ILLUSTRATIVE}：真实驻地之间的示意连线",
                "illustrative": True,
            },
            road.line,
        )
        for number, road in enumerate(roads, start=1)
    ]


def draw_facilities(
    townships: tuple[Township, ...], isolated: Road, blocked: BaseGeometry
) -> tuple[list[Feature], list[Road]]:
    """Return the layer `facilities`, and roads that link those away from the network."""
    dice = Dice("facilities")
    found: list[tuple[str, str, Point]] = [
        ("interchange", f"{name}（示意）", _node(key))
        for key, (name, _, _) in _INTERCHANGES.items()
        if name
    ]
    links: list[Road] = []
    for kind, name, number, (east, north) in _FACILITIES:
        x, y = townships[number - 1].xy
        place = (round(x + east * KM), round(y + north * KM))
        while blocked.intersects(ShapelyPoint(place)):
            place = (place[0] + 60, place[1] + 25)
        found.append((kind, name, (float(place[0]), float(place[1]))))
        line = _winding((x, y), found[-1][2], dice, sway=0.03)
        links.append(Road(None, "urban" if number <= LAST_SUBDISTRICT else "village", line))
    wharf = isolated.line.coords[0]
    found.append(("port", "巴阳示例码头（示意，路网不可达）", (wharf[0], wharf[1])))
    features = [
        Feature(
            {
                "facility_id": f"YY-F-{number:02d}",
                "kind": kind,
                "name": name,
                "source": ILLUSTRATIVE,
                "illustrative": True,
            },
            ShapelyPoint(place),
        )
        for number, (kind, name, place) in enumerate(found, start=1)
    ]
    return features, links
