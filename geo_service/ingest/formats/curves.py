"""Read curved shapes from WKB and WKT as shapes with straight segments.

GEOS does not support arcs. An arc becomes segments of at most four degrees, as in GDAL; the
kind of shape is kept (a curve polygon becomes a polygon). Heights and measures are dropped.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    Points = NDArray[np.float64]

_CurvePart = TypeVar("_CurvePart")
_STEP = np.radians(4.0)
_DEEPEST = 32
_CIRCULAR, _COMPOUND = "CIRCULARSTRING", "COMPOUNDCURVE"
_NAMES = {
    1: "POINT",
    2: "LINESTRING",
    3: "POLYGON",
    4: "MULTIPOINT",
    5: "MULTILINESTRING",
    6: "MULTIPOLYGON",
    7: "GEOMETRYCOLLECTION",
    8: _CIRCULAR,
    9: _COMPOUND,
    10: "CURVEPOLYGON",
    11: "MULTICURVE",
    12: "MULTISURFACE",
}
_PLAIN_PARTS = {
    "POLYGON": "LINESTRING",
    "CURVEPOLYGON": "LINESTRING",
    _COMPOUND: "LINESTRING",
    "MULTICURVE": "LINESTRING",
    "MULTILINESTRING": "LINESTRING",
    "MULTIPOINT": "POINT",
    "MULTISURFACE": "POLYGON",
    "MULTIPOLYGON": "POLYGON",
}
"""The type of a part to which WKT gives no name."""


def straight_from_wkb(wkb: bytes) -> BaseGeometry | None:
    """Return a shape from WKB with its arcs as segments; None if it cannot be read."""
    return _readable(lambda: _Wkb(wkb).shape(0))


def straight_from_wkt(wkt: str) -> BaseGeometry | None:
    """Return a shape from WKT with its arcs as segments; None if it cannot be read.

    >>> straight_from_wkt("CIRCULARSTRING(0 0, 1 1, 2 0)").length > 3.14
    True
    """
    return _readable(lambda: _Wkt(wkt).whole())


def _readable(read: Callable[[], BaseGeometry]) -> BaseGeometry | None:
    try:
        return read()
    except (ValueError, struct.error, IndexError, KeyError, shapely.errors.ShapelyError):
        return None


class _Wkb:
    """A reader of WKB bytes, ISO or extended."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def shape(self, depth: int) -> BaseGeometry:
        order = "<" if self._content[self._at] else ">"
        (code,) = struct.unpack_from(f"{order}I", self._content, self._at + 1)
        self._at += 5
        if code & 0x20000000:  # an SRID follows
            self._at += 4
        plain = code & 0x0FFFFFFF
        name = _NAMES[plain % 1000]
        has_z = bool(code & 0x80000000) or plain // 1000 in {1, 3}
        has_m = bool(code & 0x40000000) or plain // 1000 in {2, 3}
        width = 2 + has_z + has_m
        if name == "POINT":
            return shapely.Point(self._points(1, width, order)[0])
        count = self._count(order)
        if name in {"LINESTRING", _CIRCULAR}:
            return _line(name, self._points(count, width, order))
        if name == "POLYGON":
            rings = [self._points(self._count(order), width, order) for _ in range(count)]
            return _build(name, [_line("LINESTRING", ring) for ring in rings])
        if depth > _DEEPEST or count > len(self._content):
            msg = "nested too deep, or parts that are not there"
            raise ValueError(msg)
        return _build(name, [self.shape(depth + 1) for _ in range(count)])

    def _count(self, order: str) -> int:
        (count,) = struct.unpack_from(f"{order}I", self._content, self._at)
        self._at += 4
        return int(count)

    def _points(self, count: int, width: int, order: str) -> Points:
        numbers = np.frombuffer(self._content, f"{order}f8", count * width, self._at)
        self._at += numbers.nbytes
        return numbers.reshape(count, width)[:, :2].astype(np.float64)


_TOKEN = re.compile(r"[A-Za-z]+|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[(),]")


class _Wkt:
    """A reader of the tokens of a WKT."""

    def __init__(self, text: str) -> None:
        self._marks = _TOKEN.findall(text.upper())
        self._at = 0

    def whole(self) -> BaseGeometry:
        shape = self._shape("", 0)
        if self._at != len(self._marks):
            msg = "more than one shape"
            raise ValueError(msg)
        return shape

    def _next(self) -> str:
        self._at += 1
        return str(self._marks[self._at - 1])

    def _shape(self, unnamed: str, depth: int) -> BaseGeometry:
        """Read one shape; `unnamed` is its type if it begins with a bracket."""
        name = unnamed
        if self._marks[self._at] not in {"(", "EMPTY"}:
            name = self._next()
            if name not in _NAMES.values():
                name = re.sub(r"(?:ZM|Z|M)$", "", name)
            if self._marks[self._at] in {"Z", "M", "ZM"}:
                self._at += 1
        if name not in _NAMES.values() or depth > _DEEPEST:
            msg = f"no shape: {name[:20]}"
            raise ValueError(msg)
        if self._marks[self._at] == "EMPTY":
            self._at += 1
            return _build(name, [])
        if name in {"POINT", "LINESTRING", _CIRCULAR}:
            points = np.array(self._listed(self._point))
            return shapely.Point(points[0]) if name == "POINT" else _line(name, points)
        return _build(
            name, self._listed(lambda: self._shape(_PLAIN_PARTS.get(name, ""), depth + 1))
        )

    def _listed(self, read: Callable[[], _CurvePart]) -> list[_CurvePart]:
        if self._next() != "(":
            msg = "no bracket"
            raise ValueError(msg)
        parts = [read()]
        while (mark := self._next()) == ",":
            parts.append(read())
        if mark != ")":
            msg = "no closing bracket"
            raise ValueError(msg)
        return parts

    def _point(self) -> tuple[float, float]:
        numbers = []
        while self._marks[self._at] not in {",", ")"}:
            numbers.append(float(self._next()))
        return numbers[0], numbers[1]


def _build(name: str, parts: list[BaseGeometry]) -> BaseGeometry:
    """Return the straight shape made of the parts."""
    if name in {"LINESTRING", _CIRCULAR}:
        return shapely.LineString()
    if name == _COMPOUND:
        pieces = [shapely.get_coordinates(part) for part in parts]
        # Each piece begins where the previous one ends: that point is kept once.
        joined = [piece if n == 0 else piece[1:] for n, piece in enumerate(pieces)]
        return shapely.LineString(np.concatenate(joined)) if joined else shapely.LineString()
    if name in {"POLYGON", "CURVEPOLYGON"}:
        rings = [shapely.LinearRing(shapely.get_coordinates(part)) for part in parts]
        return shapely.Polygon(rings[0], rings[1:]) if rings else shapely.Polygon()
    if name == "POINT":
        return shapely.Point()
    kinds: dict[str, Callable[..., BaseGeometry]] = {
        "MULTIPOINT": shapely.MultiPoint,
        "MULTILINESTRING": shapely.MultiLineString,
        "MULTICURVE": shapely.MultiLineString,
        "MULTIPOLYGON": shapely.MultiPolygon,
        "MULTISURFACE": shapely.MultiPolygon,
    }
    return kinds.get(name, shapely.GeometryCollection)(parts)


def _line(name: str, points: Points) -> BaseGeometry:
    if name != _CIRCULAR or len(points) < 3:  # noqa: PLR2004 - an arc has three places
        return shapely.LineString(points)
    arcs = [_arc(*points[first : first + 3]) for first in range(0, len(points) - 2, 2)]
    return shapely.LineString(np.concatenate([points[:1], *arcs]))


def _arc(start: Points, middle: Points, end: Points) -> Points:
    """Return points on the arc through three points, without its start; a circle ends there."""
    b, c = middle - start, end - start
    if np.array_equal(start, end):
        centre = b / 2
    else:
        cross = 2 * (b[0] * c[1] - b[1] * c[0])
        if abs(cross) <= 1e-12 * max(float(b @ b), float(c @ c)):
            return np.array([middle, end])
        bb, cc = b @ b, c @ c
        centre = np.array([c[1] * bb - b[1] * cc, b[0] * cc - c[0] * bb]) / cross
    radius = float(np.hypot(*centre))
    angles = [float(np.arctan2(*(point - centre)[::-1])) for point in (b * 0, b, c)]
    turn = 2 * np.pi
    to_middle, to_end = ((angle - angles[0]) % turn for angle in angles[1:])
    if np.array_equal(start, end):
        to_end = turn
    if to_middle > to_end:  # clockwise
        to_middle, to_end = to_middle - turn, to_end - turn
    points = []
    for begin, finish, last in ((0.0, to_middle, middle), (to_middle, to_end, end)):
        count = max(1, int(np.ceil(abs(finish - begin) / _STEP)))
        steps = angles[0] + np.linspace(begin, finish, count + 1)[1:-1]
        on_arc = np.column_stack((np.cos(steps), np.sin(steps))) * radius + centre + start
        points += [on_arc, last[None, :]]
    return np.concatenate(points)
