"""Read and write boundary-point texts (界址点 TXT), in which land surveys exchange parcels.

A heading `[属性描述]` with lines `name=value` is followed by `[地块坐标]`: for each parcel one
line `points,area,number,name,kind,sheet,use,land-use code,@` and one line per point,
`number,ring,X,Y`. X is the northing and Y the easting, as usual in surveying; the easting
may have the zone's number as prefix. A ring ends where its first point comes again, and a later
point of the same ring number begins another. A ring inside another one of its parcel is a hole, a
ring beside it another part. Headings may stand in 【】, cells may be parted by tabs or blanks.

The number of points and the area that a parcel's line announces are held against those found.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyproj
import shapely

from geo_service.crs import crs_label
from geo_service.errors import CrsError
from geo_service.ingest.formats.encodings import decode_text
from geo_service.ingest.limits import Budget
from geo_service.ingest.rings import nest, split_at_return
from geo_service.ingest.shapes import SAME_AREA
from geo_service.ingest.sources import BATCH_ROWS, Batch, Change, ImportSource, ReadShapes
from geo_service.model import Message
from geo_service.units import M2_PER_HA, M2_PER_MU
from geo_service.wording import said

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from geo_service.ingest.options import ImportOptions

COLUMNS = (
    "界址点数",
    "地块面积",
    "地块编号",
    "地块名称",
    "图形属性",
    "图幅号",
    "地块用途",
    "地类编码",
)
_POINTS, _AREA, _NUMBER, _NAME, _KIND = range(5)
_POINT_CELLS = 4
_WIDTHS = (3, 6)
_XIAN_80, _BEIJING_54 = 4610, 4214
_SAME_M = 1e-6
_RETURN_M = 0.005
"""Distance within which a point is the ring's first one: coordinates have three decimals."""
_AREA_UNITS = {"公顷": M2_PER_HA, "m²": 1.0, "亩": M2_PER_MU}
_LOOSELY = 5
"""How many times that difference an area may have to show its unit."""
_LOOKED_AT = 500
"""Number of parcels whose areas are held against their shapes for the unit."""
_HEADING = re.compile(r"[\[【［〔]\s*(?:属性描述|地块坐标)\s*[\]】］〕]")
_COUNT = re.compile(r"(?:地块|宗地|图斑)(?:总数|个数|数量|数)")
"""Names of a heading's line that says how many parcels there are."""
_PLAIN_MARKS = str.maketrans("，；＠【】［］〔〕＝", ",;@[][][]=")
_HECTARES = "公顷"


@dataclass
class _Block:
    line: int
    cells: list[str]
    points: list[tuple[int, str, float, float]] = field(default_factory=list)
    """Ring number, label, easting and northing of each."""
    fault: Message | None = None
    """Why the parcel cannot be read; None if it can."""


def open_boundary_points(path: Path, options: ImportOptions, budget: Budget) -> ImportSource:
    """Return a boundary-point file as a source of polygons (and of points and lines).

    Raises
    ------
    SourceError
        The file has no parcel, or names an unknown unit or zone.
    """
    budget.check_text(path.stat().st_size)
    text, encoding, encoded = decode_text(path.read_bytes(), options.encoding, budget)
    settings, blocks = _parse(text, budget)
    crs, notes = _declared(settings, blocks, budget)
    unit = settings.get("面积单位") or _area_unit(blocks)
    if unit != (settings.get("面积单位") or _HECTARES):
        notes.append(Message("import.boundary_area", {"unit": unit}))
    area_name = f"地块面积({unit})"
    columns = tuple(area_name if name == COLUMNS[_AREA] else name for name in COLUMNS[1:])

    def read() -> Iterator[Batch]:
        for start in range(0, len(blocks), BATCH_ROWS):
            some = blocks[start : start + BATCH_ROWS]
            cells = [[cell or None for cell in block.cells[1:]] for block in some]
            shapes = np.empty(len(some), dtype=object)
            shapes[:] = [None if block.fault else _shape(block) for block in some]
            budget.take(len(some), sum(len(block.points) for block in some))
            short = {
                position: unlike
                for position, block in enumerate(some)
                if not block.fault and (unlike := _unlike_announced(block, shapes[position]))
            }
            faults = {position: block.fault for position, block in enumerate(some) if block.fault}
            faults |= {position: fault for position, (fault, is_lost) in short.items() if is_lost}
            told = {at: fault for at, (fault, is_lost) in short.items() if not is_lost}
            yield Batch(
                table=pd.DataFrame(cells, columns=list(columns), dtype="object"),
                geometry=ReadShapes(shapes=shapes, changes=_announced(told)),
                numbers=np.array([block.line for block in some], dtype=np.int64),
                faults=faults,
            )

    return ImportSource(
        format="boundary_points",
        shown=budget.shown,
        columns=columns,
        has_geometry=True,
        rows=len(blocks),
        crs=crs,
        parameters=parameters_of(settings),
        encoding=encoding,
        notes=(encoded, *notes),
        announced=_announced_parcels(settings),
        read=read,
    )


def shapes_in_text(text: str, budget: Budget) -> tuple[pyproj.CRS | None, NDArray[np.object_]]:
    """Return the CRS that a whole text declares, and the shapes of its parcels.

    SourceError for a text with no parcel, or with one that cannot be read.
    """
    settings, blocks = _parse(text, budget)
    crs, _ = _declared(settings, blocks, budget)
    faulty = next((block for block in blocks if block.fault or _shape(block) is None), None)
    if faulty is not None:
        fault = faulty.fault or Message("import.bad_line", {"line": faulty.line})
        raise budget.refuse(fault, said("refusal.parcels"))
    shapes = np.empty(len(blocks), dtype=object)
    shapes[:] = [_shape(block) for block in blocks]
    return crs, shapes


def is_boundary_text(text: str) -> bool:
    """Return whether the start of a text has a heading of this format."""
    return _HEADING.search(text) is not None


def _parse(text: str, budget: Budget) -> tuple[dict[str, str], list[_Block]]:
    settings: dict[str, str] = {}
    blocks: list[_Block] = []
    part = ""
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip("\r\n \u3000").translate(_PLAIN_MARKS)
        if not line.strip():
            continue
        heading = re.match(r"\s*\[\s*(.*?)\s*\]", line)
        if heading:
            part = heading[1]
        elif part == "地块坐标":
            _take_line(line, number, blocks, budget)
        else:
            name, _, value = line.partition("=")
            settings[name.strip()] = value.strip()
        if not number % BATCH_ROWS:
            budget.check_time()
    if not blocks:
        raise budget.refuse(said("refusal.no_parcel"), said("refusal.parcels"))
    return settings, blocks


def _cells_of(line: str) -> list[str]:
    """Return a line's cells, parted by commas, else by semicolons or tabs, else by blanks."""
    mark = next((mark for mark in (",", ";", "\t") if mark in line), None)
    return [cell.strip() for cell in line.split(mark)]


def _take_line(line: str, number: int, blocks: list[_Block], budget: Budget) -> None:
    """Add a parcel or a point; any other line makes its parcel faulty."""
    cells = _cells_of(line)
    if "@" in cells:
        blocks.append(_block(number, cells[: cells.index("@")]))
        return
    try:
        label, ring, northing, easting = (
            unicodedata.normalize("NFKC", cell) for cell in cells[:_POINT_CELLS]
        )
        point = (int(ring or 1), label, float(easting), float(northing))
    except ValueError:
        bad = Message("import.bad_line", {"line": number})
        if len(cells) > _POINT_CELLS or not blocks:  # a parcel's line that lost its @
            blocks.append(_block(number, cells, bad))
        blocks[-1].fault = blocks[-1].fault or bad
        return
    if not blocks:
        blocks.append(_block(number, [], Message("import.lost_point", {"line": number})))
    blocks[-1].points.append(point)
    if len(blocks[-1].points) > budget.limits.vertices_per_feature:
        raise budget.refuse(
            said("refusal.parcel_points", most=budget.limits.vertices_per_feature),
            said("refusal.less"),
        )


def _block(line: int, cells: list[str], fault: Message | None = None) -> _Block:
    width = len(COLUMNS)
    return _Block(line, [*cells[:width], *[""] * (width - len(cells))], fault=fault)


def _declared(
    settings: Mapping[str, str], blocks: Sequence[_Block], budget: Budget
) -> tuple[pyproj.CRS | None, list[Message]]:
    """Return the CRS from the heading's datum, zone width and zone number."""
    system = settings.get("坐标系", "")
    if settings.get("计量单位", "米") not in {"米", "m", "M", ""}:
        raise budget.refuse(
            said("refusal.unit", unit=settings["计量单位"][:20]), said("refusal.unit_metres")
        )
    if "80" in system or "西安" in system:
        return pyproj.CRS.from_epsg(_XIAN_80), []
    if "54" in system or "北京" in system:
        return pyproj.CRS.from_epsg(_BEIJING_54), []
    if "2000" not in system:
        return None, []
    try:
        width, zone = int(settings.get("几度分带", "")), int(settings.get("带号", ""))
    except ValueError:
        return None, []
    first = next((block.points[0] for block in blocks if block.points), None)
    is_prefixed = first is not None and max(abs(first[2]), abs(first[3])) >= 1e7  # noqa: PLR2004 - eight digits
    epsg = zone_epsg(width, zone, is_prefixed=is_prefixed)
    if epsg is None:
        raise budget.refuse(said("refusal.zone", zone=zone, width=width), said("refusal.zones"))
    described = {"width": width, "zone": zone, "crs": f"EPSG:{epsg}"}
    notes = [Message("import.boundary_zone", described)]
    parameters = parameters_of(settings)
    if parameters is not None:
        notes.append(Message("import.boundary_parameters", {"parameters": parameters}))
    return pyproj.CRS.from_epsg(epsg), notes


def _announced_parcels(settings: Mapping[str, str]) -> int | None:
    """Return how many parcels a heading says that there are; None if it does not."""
    given = next((value for name, value in settings.items() if _COUNT.fullmatch(name)), "")
    digits = unicodedata.normalize("NFKC", given).removesuffix("个")
    return int(digits) if digits.isdecimal() else None


def parameters_of(settings: Mapping[str, str]) -> str | None:
    """Return a heading's 转换参数; None if it has none or only zeros.

    The format defines neither their units, nor the sense of the rotations, nor the target
    datum, so they are reported but never applied.
    """
    given = settings.get("转换参数", "")
    numbers = re.split(r"[,\s]+", given)
    is_zero = all(not text or re.fullmatch(r"[+-]?0*\.?0*", text) for text in numbers)
    return None if is_zero else given[:120]


def zone_epsg(width: int, zone: int, *, is_prefixed: bool) -> int | None:
    """Return the EPSG code of a CGCS2000 Gauss-Krueger zone; None if there is no such zone.

    >>> zone_epsg(3, 36, is_prefixed=True), zone_epsg(3, 36, is_prefixed=False)
    (4524, 4545)
    >>> zone_epsg(6, 19, is_prefixed=True), zone_epsg(6, 19, is_prefixed=False)
    (4497, 4508)
    """
    if width == _WIDTHS[0] and 25 <= zone <= 45:  # noqa: PLR2004 - China's zones
        return (4513 if is_prefixed else 4534) + zone - 25
    if width == _WIDTHS[1] and 13 <= zone <= 23:  # noqa: PLR2004 - China's zones
        return (4491 if is_prefixed else 4502) + zone - 13
    return None


def _shape(block: _Block) -> BaseGeometry | None:
    kind = block.cells[_KIND]
    if kind in {"点", "线"}:
        return _points_or_lines(block, kind)
    polygons = [shapely.Polygon(ring) for ring in _rings_in(block) if len(ring) > 2]  # noqa: PLR2004 - a triangle
    if not polygons:
        return None
    # Rings that cross each other: the later repair decides what they enclose.
    return nest(polygons) or (polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons))


def _points_or_lines(block: _Block, kind: str) -> BaseGeometry | None:
    rings: dict[int, list[tuple[float, float]]] = {}
    for ring, _, x, y in block.points:
        rings.setdefault(ring, []).append((x, y))
    if kind == "点":
        points = [shapely.Point(*point) for ring in rings.values() for point in ring]
        return points[0] if len(points) == 1 else shapely.MultiPoint(points) if points else None
    lines = [shapely.LineString(ring) for ring in rings.values() if len(ring) > 1]
    return lines[0] if len(lines) == 1 else shapely.MultiLineString(lines) if lines else None


def _rings_in(block: _Block) -> list[list[tuple[float, float]]]:
    """Return the rings of a parcel, closed or not."""
    by_number: dict[int, list[tuple[str, float, float]]] = {}
    for ring, label, x, y in block.points:
        by_number.setdefault(ring, []).append((label, x, y))
    return [
        ring for points in by_number.values() for ring in split_at_return(points, same_m=_RETURN_M)
    ]


def _unlike_announced(block: _Block, shape: BaseGeometry | None) -> tuple[Message, bool] | None:
    """Return what a parcel's line announces and its points do not give; None if all is there.

    Writers count closing points or leave them out. If the area is another too, in whichever unit,
    points are lost: the shape is not the parcel's, and the second value is true.
    """
    counted = unicodedata.normalize("NFKC", block.cells[_POINTS])
    if not counted.isdecimal():
        return None
    announced, lines = int(counted), len(block.points)
    open_points = lines
    if block.cells[_KIND] not in {"点", "线"}:
        rings = _rings_in(block)
        open_points = sum(len(ring) - (len(ring) > 1 and ring[0] == ring[-1]) for ring in rings)
    if announced in {open_points, open_points + 1, lines} or open_points <= announced <= lines:
        return None
    values: dict[str, object] = {"announced": announced, "found": open_points}
    area = _stated_area(block)
    if shape is None or area is None:
        return Message("import.points_missing", values), False
    is_same = any(abs(shape.area / (area * size) - 1) <= SAME_AREA for size in _AREA_UNITS.values())
    if is_same:
        return Message("import.points_missing", values), False
    values |= {"stated": f"{block.cells[_AREA]}", "area": f"{shape.area:,.2f}"}
    return Message("import.points_lost", values), True


def _area_unit(blocks: Sequence[_Block]) -> str:
    """Return the unit of areas that a heading leaves open: hectares unless the shapes say another.

    The format means hectares; some writers put square metres or mu.
    """
    ratios = []
    for block in blocks[:_LOOKED_AT]:
        area = None if block.fault else _stated_area(block)
        shape = _shape(block) if area is not None else None
        if area is not None and shape is not None and shape.area > 0:
            ratios.append(shape.area / area)
    if not ratios:
        return _HECTARES
    middle = float(np.median(ratios))
    told = (
        unit for unit, size in _AREA_UNITS.items() if abs(middle / size - 1) <= SAME_AREA * _LOOSELY
    )
    return next(told, _HECTARES)


def _stated_area(block: _Block) -> float | None:
    try:
        area = float(unicodedata.normalize("NFKC", block.cells[_AREA]))
    except ValueError:
        return None
    return area if area > 0 else None


def _announced(told: Mapping[int, Message]) -> tuple[Change, ...]:
    """Return parcels with another number of points than announced, for somebody to look at."""
    if not told:
        return ()
    announced = [f"{message.values['announced']}" for message in told.values()]
    found = [f"{message.values['found']}" for message in told.values()]
    positions = np.array(list(told), dtype=np.intp)
    looks = [True] * len(told)
    return (
        Change(
            what="announced", positions=positions, before=announced, after=found, needs_look=looks
        ),
    )


# ---- writing --------------------------------------------------------------------------------


def write_boundary_points(  # noqa: PLR0913 - the columns of the format
    parcels: gpd.GeoDataFrame,
    path: Path,
    *,
    number: str = "parcel_id",
    name: str | None = None,
    land_use: str | None = "land_use",
    encoding: str = "GB18030",
    heading: Mapping[str, str] | None = None,
) -> None:
    """Write polygons as a boundary-point file.

    Parameters
    ----------
    parcels
        Polygons in a CGCS2000 Gauss-Krueger CRS with a zone (EPSG:4524, 4545, ...).
    number, name, land_use
        The columns with the parcels' numbers, names and land-use codes.
    heading
        Further lines for `[属性描述]`, such as `数据产生单位`.

    Raises
    ------
    CrsError
        The CRS is not one of those zones.
    """
    width, zone = _zone_of(parcels.crs)
    settings = {
        "格式版本号": "1.01版本",
        "数据产生单位": "",
        "数据产生日期": "",
        "坐标系": "2000国家大地坐标系",
        "几度分带": str(width),
        "投影类型": "高斯克吕格",
        "计量单位": "米",
        "带号": str(zone),
        "精度": "0.001",
        "转换参数": "0,0,0,0,0,0,0",
        **(heading or {}),
    }
    lines = ["[属性描述]", *(f"{_line(key)}={_line(value)}" for key, value in settings.items())]
    lines.append("[地块坐标]")
    columns = parcels.reset_index(drop=True)
    for position, shape in enumerate(columns.geometry):
        cells = columns.iloc[position]
        rings = _rings(shape)
        lines.append(
            ",".join(
                (
                    str(sum(len(ring) - 1 for ring in rings)),
                    f"{shape.area / 10_000:.4f}",
                    _cell(cells[number]),
                    _cell(cells[name]) if name else "",
                    "面",
                    "",
                    "",
                    _cell(cells[land_use]) if land_use and land_use in columns else "",
                    "@",
                )
            )
        )
        lines += _point_lines(rings)
    path.write_text("\r\n".join(lines) + "\r\n", encoding=encoding, newline="")


def _zone_of(crs: pyproj.CRS | None) -> tuple[int, int]:
    code = crs.to_epsg() if crs is not None else None
    for width, zones in ((3, range(25, 46)), (6, range(13, 24))):
        for zone in zones:
            for is_prefixed in (False, True):
                if zone_epsg(width, zone, is_prefixed=is_prefixed) == code:
                    return width, zone
    msg = said("problem.boundary_crs", crs=crs_label(crs))
    raise CrsError(msg)


def _rings(shape: BaseGeometry) -> list[list[tuple[float, float]]]:
    return [
        [(float(x), float(y)) for x, y in shapely.get_coordinates(ring)]
        for part in shapely.get_parts(shape)
        for ring in (part.exterior, *part.interiors)
    ]


def _point_lines(rings: list[list[tuple[float, float]]]) -> Iterator[str]:
    start = 0
    for number, ring in enumerate(rings, start=1):
        last = len(ring) - 1
        for position, (x, y) in enumerate(ring):
            is_closing = position == last and math.hypot(x - ring[0][0], y - ring[0][1]) <= _SAME_M
            label = start + 1 if is_closing else start + position + 1
            yield f"J{label},{number},{y:.4f},{x:.4f}"
        start += last


def _line(value: object) -> str:
    """Return a value in the form of the rest of a heading's line."""
    return re.sub(r"[\x00-\x1f]+", " ", str(value)).strip()


def _cell(value: object) -> str:
    """Return a value as one cell, without commas, line ends or @, which would end it early."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return re.sub(r"[,，@\x00-\x1f]+", " ", str(value)).strip()
