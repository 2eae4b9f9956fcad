"""Make control zones: natural-looking ones clear of all parks, and planted ones.

A planted zone reaches into its park by exactly one rectangle and touches no park otherwise.
All outlines are illustrative.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

from builder.catalogue import MUNICIPAL, SUB_AREAS
from builder.frame import ILLUSTRATIVE, Dice, Feature
from builder.geography import KM, River, Township
from builder.parks import Site
from builder.planted_land import LATER_ZONE_CASES, ZONE_CASES, ZoneCase
from builder.shapes import Point, blob, largest, parts, polygonal, rectangle, ridge, swell

CLEARANCE_M = 90.0
LEGAL_BASIS = {
    "ecological_red_line": "三区三线：生态保护红线",
    "permanent_farmland": "三区三线：永久基本农田；《基本农田保护条例》",
    "development_boundary": "三区三线：城镇开发边界",
    "water_source": "《生态环境法典》饮用水水源保护区",
    "river_management": "《河道管理条例》河道管理范围",
    "reservoir_line": "三峡水库土地征用线（吴淞高程）",
    "geohazard": "《地质灾害防治条例》（旧数据，未注明划分）",
    "geohazard_danger": "《地质灾害防治条例》地质灾害危险区",
    "geohazard_risk": "《重庆市地质灾害防治条例》地质灾害风险区",
    "geohazard_prone": "《地质灾害防治条例》地质灾害易发区",
    "nature_reserve": "《自然保护区条例》",
    "wetland": "《湿地保护法》",
    "heritage": "《文物保护法》",
    "eco_unit": "《生态环境法典》生态环境管控单元",
    "agricultural_land": "国土调查",
}

_RED_LINES: tuple[tuple[str, float, tuple[Point, ...]], ...] = (
    ("东北山地", 1900.0, ((588.0, 3459.0), (592.6, 3464.5), (597.4, 3470.6))),
    ("西北山脊", 1050.0, ((566.6, 3460.6), (571.4, 3465.2), (573.4, 3471.4))),
    ("中部山岭", 1200.0, ((583.4, 3437.4), (588.4, 3441.4), (593.8, 3446.4))),
    ("江口西侧山岭", 800.0, ((568.6, 3446.6), (571.6, 3450.6), (572.2, 3455.0))),
    ("东部大梁", 1000.0, ((600.8, 3431.8), (606.4, 3434.4), (611.6, 3436.2))),
    ("南部山地", 950.0, ((574.4, 3401.6), (578.6, 3404.6), (582.2, 3407.2))),
    ("东南七曜山余脉", 850.0, ((590.8, 3391.8), (594.2, 3394.6), (596.2, 3398.8))),
    ("西部岭脊", 700.0, ((552.0, 3430.0), (556.4, 3431.0), (559.6, 3435.0))),
    ("红狮北侧山岭", 750.0, ((588.6, 3433.6), (593.0, 3436.0), (598.0, 3436.6))),
    ("故陵南侧山岭", 650.0, ((602.0, 3419.0), (605.4, 3420.6), (608.2, 3421.0))),
)
"""Name, half width in m, and points of the ridge in km."""

_RESERVES = (
    ("龙缸示例自然保护区", (595.0, 3401.5), (1500.0, 1050.0)),
    ("大梁山示例自然保护区", (597.3, 3460.2), (1250.0, 900.0)),
)
_WATER_SOURCES = (
    ("人和水库", (558.9, 3433.6)), ("梅峰水库", (570.6, 3445.6)), ("江口咸池水库", (572.0, 3459.4)),
    ("南溪盐渠", (583.6, 3446.6)), ("龙角双河", (578.8, 3413.6)), ("红狮示例水库", (594.4, 3433.4)),
)  # fmt: skip
_WETLANDS = (("澎溪河湿地", 1, 0.72), ("汤溪河湿地", 2, 0.80), ("磨刀溪湿地", 3, 0.42))
_MONUMENTS = (("示例古寨", (575.4, 3429.8)), ("示例石窟", (592.2, 3412.4)))
_SOURCE = f"{ILLUSTRATIVE}：随意勾绘，不是公布的边界"


@dataclass(frozen=True)
class Scene:
    """What the making of zones needs to know."""

    townships: tuple[Township, ...]
    outline: Polygon
    rivers: tuple[River, ...]
    sites: dict[str, Site]
    sub_areas: dict[str, Polygon]


def zone_features(scene: Scene) -> list[Feature]:
    """Return the layer `control_zones`."""
    dice = Dice("zones")
    boundaries = _development_boundaries(scene, dice)
    settled = shapely.union_all(boundaries)
    parks = shapely.union_all([site.footprint for site in scene.sites.values()])
    clear = parks.buffer(CLEARANCE_M)
    water = shapely.union_all([river.ground for river in scene.rivers])
    kept_out = shapely.union_all([clear, settled, water.buffer(30)])
    features: list[Feature] = []
    features += _numbered("YY-Z-DB", "development_boundary", None, "城镇开发边界", boundaries)
    reds = _red_lines(scene, kept_out, dice)
    features += _named("YY-Z-RL", "ecological_red_line", None, reds)
    farmland = _farmland(scene, kept_out.union(shapely.union_all([z for _, z in reds])), dice)
    features += _named("YY-Z-PF", "permanent_farmland", None, farmland)
    features += _named("YY-Z-NR", "nature_reserve", "general", _reserves(scene, clear, dice))
    features += _water_sources(scene, clear, dice)
    features += _river_zones(scene, clear)
    features += _geohazards(scene, clear, dice)
    features += _wetlands(scene, clear, dice)
    features += [_planted(case, scene, dice) for case in ZONE_CASES]
    features.append(_farmland_in_cluster(scene, dice))
    features += [_planted(case, scene, dice) for case in LATER_ZONE_CASES]
    features += _heritage(clear, dice)
    features += _eco_units(scene, clear)
    return features


def _feature(
    zone_id: str,
    kind: str,
    grade: str | None,
    name: str,
    shape: BaseGeometry,
    banned: str | None = None,
) -> Feature:
    return Feature(
        {
            "zone_id": zone_id,
            "kind": kind,
            "grade": grade,
            "name": name,
            "legal_basis": LEGAL_BASIS[kind],
            "banned_industries": banned,
            "source": _SOURCE,
            "illustrative": True,
        },
        shape,
    )


def _numbered(
    stem: str, kind: str, grade: str | None, name: str, shapes: list[Polygon]
) -> list[Feature]:
    return [
        _feature(f"{stem}-{number:02d}", kind, grade, f"{name}{number:02d}（示意）", shape)
        for number, shape in enumerate(shapes, start=1)
    ]


def _named(
    stem: str, kind: str, grade: str | None, shapes: list[tuple[str, BaseGeometry]]
) -> list[Feature]:
    return [
        _feature(f"{stem}-{number:02d}", kind, grade, f"{name}（示意）", shape)
        for number, (name, shape) in enumerate(shapes, start=1)
    ]


# --- development boundary ---


def _development_boundaries(scene: Scene, dice: Dice) -> list[Polygon]:
    """Return wavy outlines around every park and the county seat, without the planted cuts."""
    shapes: list[BaseGeometry] = []
    for park_id, site in scene.sites.items():
        if park_id == MUNICIPAL:
            shapes += [
                swell(scene.sub_areas[row[0]], 160, dice=dice, noise=240) for row in SUB_AREAS
            ]
        else:
            shapes.append(swell(largest(site.footprint), 120, dice=dice, noise=220))
    town = blob((567_300.0, 3_424_000.0), (1_900.0, 950.0), dice=dice, vertices=130, angle_deg=-15)
    shapes.append(town.difference(scene.rivers[0].ground.buffer(60)))
    whole = shapely.union_all(shapes)
    for park_id, x, width, height in (
        ("YY-B-35", 290.0, 900.0, 220.0),
        ("YY-B-09", 319.9, 900.0, 220.0),
        ("YY-B-10", 310.0, 900.0, 220.0),
        ("YY-B-34", 95.0, 900.0, 90.0),
    ):
        west, south = scene.sites[park_id].corner
        whole = whole.difference(rectangle(west + x, south - 400, width, height + 800))
    found = [Polygon(part.exterior) for part in parts(whole) if part.area > 10_000]  # noqa: PLR2004
    return sorted(found, key=lambda part: (-part.centroid.y, part.centroid.x))


# --- natural zones ---


def _red_lines(scene: Scene, kept_out: BaseGeometry, dice: Dice) -> list[tuple[str, BaseGeometry]]:
    """Return long ridges, with holes for the hamlets in them."""
    seats = [shapely.Point(township.xy).buffer(420) for township in scene.townships]
    closed = shapely.union_all([kept_out, *seats])
    found: list[tuple[str, BaseGeometry]] = []
    for name, half_width_m, run in _RED_LINES:
        points = [(x * KM, y * KM) for x, y in run]
        shape: BaseGeometry = ridge(points, half_width_m, dice=dice)
        for x, y in points:
            size = half_width_m * dice.uniform(0.12, 0.24)
            at = (x + dice.uniform(-1, 1) * size, y + dice.uniform(-1, 1) * size)
            hole = blob(at, (size, 0.7 * size), dice=dice, vertices=48, roughness=0.2)
            shape = shape.difference(hole)
        cut = shape.intersection(scene.outline).difference(closed)
        found.append((f"生态保护红线·{name}", polygonal(cut, least_m2=60_000)))
    return found


def _farmland(scene: Scene, kept_out: BaseGeometry, dice: Dice) -> list[tuple[str, BaseGeometry]]:
    """Return several patches in every township, on the gentler ground around the seat."""
    found: list[tuple[str, BaseGeometry]] = []
    for township in scene.townships:
        x, y = township.xy
        patches: list[BaseGeometry] = []
        for _ in range(4):
            angle, far = dice.uniform(0, 2 * np.pi), dice.uniform(900, 2_600)
            size = dice.uniform(260, 620)
            centre = (x + far * float(np.cos(angle)), y + far * float(np.sin(angle)))
            patches.append(
                blob(centre, (size, size * dice.uniform(0.5, 0.9)), dice=dice, vertices=72,
                     roughness=0.22, angle_deg=dice.uniform(0, 180))
            )  # fmt: skip
        whole = shapely.union_all(patches).intersection(scene.outline).difference(kept_out)
        shape = polygonal(whole, least_m2=20_000)
        if not shape.is_empty:
            found.append((f"永久基本农田·{township.short}片", shape))
    return found


def _reserves(scene: Scene, clear: BaseGeometry, dice: Dice) -> list[tuple[str, BaseGeometry]]:
    return [
        (
            name,
            largest(
                blob((x * KM, y * KM), radii, dice=dice, vertices=260, roughness=0.2)
                .intersection(scene.outline)
                .difference(clear)
            ),
        )
        for name, (x, y), radii in _RESERVES
    ]


def _water_sources(scene: Scene, clear: BaseGeometry, dice: Dice) -> list[Feature]:
    """Return level-1 zones, each within a level-2 zone that has a hole for it."""
    features: list[Feature] = []
    for number, (name, (x, y)) in enumerate(_WATER_SOURCES, start=1):
        centre = (x * KM, y * KM)
        inner = blob(centre, (330, 230), dice=dice, vertices=90, roughness=0.15, angle_deg=30)
        outer = blob(centre, (1_150, 820), dice=dice, vertices=180, roughness=0.18, angle_deg=30)
        outer = largest(outer.union(inner.buffer(150)).intersection(scene.outline))
        inner = largest(inner.difference(clear))
        ring = largest(outer.difference(clear).difference(inner))
        label = f"{name}饮用水水源"
        features.append(
            _feature(f"YY-Z-WS-{number:02d}A", "water_source", "1", f"{label}一级区（示意）", inner)
        )
        features.append(
            _feature(f"YY-Z-WS-{number:02d}B", "water_source", "2", f"{label}二级区（示意）", ring)
        )
    return features


def _river_zones(scene: Scene, clear: BaseGeometry) -> list[Feature]:
    features = [
        _feature(
            f"YY-Z-RM-{number:02d}", "river_management", None,
            f"{river.name}河道管理范围（示意）", largest(river.ground.difference(clear)),
        )
        for number, river in enumerate(scene.rivers, start=1)
    ]  # fmt: skip
    arms = [scene.rivers[0].centreline.buffer(545, quad_segs=4, cap_style="flat")]
    for river in scene.rivers[1:]:
        length = river.centreline.length
        lower = substring(river.centreline, max(0.0, length - 9 * KM), length)
        arms.append(lower.buffer(river.half_width_m + 70, quad_segs=3))
    flooded = shapely.union_all(arms).difference(clear)
    features.append(
        _feature("YY-Z-RES-01", "reservoir_line", None, "三峡水库土地征用线（示意）",
                 largest(flooded))
    )  # fmt: skip
    return features


_ZONINGS = (
    ("geohazard_prone", "易发区"),
    ("geohazard_risk", "风险区"),
    ("geohazard_danger", "危险区"),
)


def _geohazards(scene: Scene, clear: BaseGeometry, dice: Dice) -> list[Feature]:
    """Return landslides along the valleys: from a point on a river some way up the slope.

    They take turns as prone, risk and danger areas: three zonings, never one grade.
    """
    features: list[Feature] = []
    closed = clear.union(shapely.union_all([river.ground.buffer(15) for river in scene.rivers]))
    grades = ("high", "mid", "low", "mid", "low")
    words = {"high": "高", "mid": "中", "low": "低"}
    for number in range(1, 27):
        river = scene.rivers[number % len(scene.rivers)]
        at = river.centreline.interpolate(dice.uniform(0.08, 0.92), normalized=True)
        angle = dice.uniform(0, 2 * np.pi)
        far = river.half_width_m + dice.uniform(500, 1_500)
        centre = (at.x + far * float(np.cos(angle)), at.y + far * float(np.sin(angle)))
        size = dice.uniform(150, 460)
        shape = blob(centre, (size, size * dice.uniform(0.45, 0.8)), dice=dice, vertices=84,
                     roughness=0.17, angle_deg=dice.uniform(0, 180))  # fmt: skip
        grade = grades[number % len(grades)]
        cut = shape.intersection(scene.outline).difference(closed)
        if cut.area < 30_000:  # noqa: PLR2004
            continue
        zoning, word = _ZONINGS[number % len(_ZONINGS)]
        is_graded = zoning != "geohazard_danger"
        name = f"{river.name}沿岸地质灾害{words[grade] if is_graded else ''}{word}"
        features.append(
            _feature(
                f"YY-Z-GH-{len(features) + 1:02d}",
                zoning,
                grade if is_graded else None,
                f"{name}{len(features) + 1:02d}（示意）",
                largest(cut),
            )
        )
    return features


def _wetlands(scene: Scene, clear: BaseGeometry, dice: Dice) -> list[Feature]:
    features: list[Feature] = []
    for number, (name, index, along) in enumerate(_WETLANDS, start=1):
        river = scene.rivers[index]
        at = river.centreline.interpolate(along, normalized=True)
        shape = blob((at.x, at.y), (620, 330), dice=dice, vertices=160, roughness=0.2,
                     angle_deg=dice.uniform(0, 180))  # fmt: skip
        features.append(
            _feature(f"YY-Z-WL-{number:02d}", "wetland", "general", f"{name}（示意）",
                     largest(shape.difference(clear)))
        )  # fmt: skip
    return features


def _heritage(clear: BaseGeometry, dice: Dice) -> list[Feature]:
    """Return the protection area of a made-up monument with the control belt around it."""
    features: list[Feature] = []
    for number, (name, (x, y)) in enumerate(_MONUMENTS, start=1):
        inner = blob((x * KM, y * KM), (90, 70), dice=dice, vertices=60, roughness=0.12)
        outer = inner.buffer(120, quad_segs=4).difference(inner)
        for letter, grade, word, shape in (
            ("A", "protection", "保护范围", inner),
            ("B", "control", "建设控制地带", outer),
        ):
            features.append(
                _feature(f"YY-Z-HE-{number:02d}{letter}", "heritage", grade,
                         f"{name}{word}（示意）", largest(shape.difference(clear)))
            )  # fmt: skip
    return features


def _eco_units(scene: Scene, clear: BaseGeometry) -> list[Feature]:
    """Return units that cover the county: around reserves, around two parks, and the rest.

    The unit around B-04 bans what E-B04-05 makes; the one around B-10 has no list.
    """
    priority = shapely.union_all(
        [shapely.Point(x * KM, y * KM).buffer(2_600, quad_segs=6) for _, (x, y), _ in _RESERVES]
    ).difference(clear)
    units: list[tuple[str, str, str | None, BaseGeometry]] = [
        ("priority", "自然保护地优先保护单元", "06;07;08;09;10;22;25;26;30;31;32", priority),
        ("key", "工业重点管控单元", "251;252;265", _around(scene, "YY-B-04", (900.0, 900.0))),
        ("key", "未登记清单的重点管控单元", None, _around(scene, "YY-B-10", (400.0, 400.0))),
    ]
    taken = shapely.union_all([shape for *_, shape in units])
    whole = scene.outline.buffer(3_000, quad_segs=4).simplify(100)
    units.append(("general", "一般管控单元", "251;252", whole.difference(taken)))
    return [
        _feature(f"YY-Z-EU-{number:02d}", "eco_unit", grade, f"{name}（示意）", shape, banned)
        for number, (grade, name, banned, shape) in enumerate(units, start=1)
    ]


def _around(scene: Scene, park_id: str, margin: tuple[float, float]) -> BaseGeometry:
    x0, y0, x1, y1 = scene.sites[park_id].footprint.bounds
    return shapely.box(x0 - margin[0], y0 - margin[1], x1 + margin[0], y1 + margin[1])


# --- planted zones ---

_STEPS = {"W": (-1.0, 0.0), "E": (1.0, 0.0), "S": (0.0, -1.0), "N": (0.0, 1.0)}


def _planted(case: ZoneCase, scene: Scene, dice: Dice) -> Feature:
    west, south = scene.sites[case.park_id].corner
    x, y, width, height = case.reach
    reach = rectangle(west + x, south + y, width, height)
    shape = _tongue(reach, case.side, scene, dice)
    name = f"示例管控区{case.number:02d}（为演示而设）"
    return _feature(f"YY-Z-P{case.number:02d}", case.kind, case.grade, name, shape)


def _farmland_in_cluster(scene: Scene, dice: Dice) -> Feature:
    """Return a zone over 0.6 m x 100 m = 60 m2 of 平安's cluster: over 50 m2, below 0.1 %."""
    neighbour = scene.sites["YY-B-22"]
    west, south = neighbour.corner
    edge = west + 40.0
    reach = rectangle(edge - 0.6, south - 130.0, 0.6, 100.0)
    shape = _tongue(reach, "E", scene, dice)
    return _feature("YY-Z-P24", "permanent_farmland", None, "示例管控区24（为演示而设）", shape)


def _tongue(reach: Polygon, side: str, scene: Scene, dice: Dice) -> Polygon | MultiPolygon:
    """Return a natural outline beside a park, joined to the exact rectangle inside it."""
    step_x, step_y = _STEPS[side]
    x0, y0, x1, y1 = reach.bounds
    neck = shapely.box(
        x0 - 70 * (step_x < 0), y0 - 70 * (step_y < 0), x1 + 70 * (step_x > 0),
        y1 + 70 * (step_y > 0),
    )  # fmt: skip
    middle = ((x0 + x1) / 2 + 330 * step_x, (y0 + y1) / 2 + 330 * step_y)
    body = blob(middle, (330, 240), dice=dice, vertices=170, roughness=0.16,
                angle_deg=90.0 if step_y else 0.0)  # fmt: skip
    parks = shapely.union_all([site.footprint for site in scene.sites.values()])
    joined = body.difference(parks.buffer(28)).union(neck)
    return next(part for part in parts(joined) if part.intersects(reach.centroid))
