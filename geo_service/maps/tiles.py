"""Make vector tiles of a review's layers from memory, on request.

A layer is projected to Web Mercator once and indexed by boxes. For each zoom it is
simplified when first needed: polygons as a coverage, so that neighbours keep a common
border. Small features do not vanish: of the features smaller than a pixel whose middles
lie in the same pixel, the largest is drawn as that pixel. Attributes are those that may be
published (`layers.SOURCES`), as stored, so a tile is the same in every language; a feature
too small to point at has only its class.
The format (`tile_encoding`) and HTTP (`web`) are handled elsewhere.
"""

from __future__ import annotations

import hashlib
import math
import threading
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from geo_service.errors import NotFoundError
from geo_service.maps import tile_encoding as encoding
from geo_service.maps.kinds.plan import is_big
from geo_service.maps.layers import FEATURE_SOURCES, PARK_COLUMNS, FeatureSource
from geo_service.maps.style import MANAGEMENT_BOUNDARY
from geo_service.reports.document import plain
from geo_service.wording import said, shorten

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.plan import Plan
    from geo_service.zoning.review import Review

    Floats = NDArray[np.float64]

MAX_ZOOM = 22
PIXELS = 512
"""Length of a tile's side on the screen, in pixels."""
BUFFER = 80
"""Units by which shapes extend over a tile's border, so that strokes meet: 10 pixels."""

_FORMAT = 1
"""Increased with every change of what a tile contains, so that clients drop old copies."""
_NAMED_PIXELS = 3
"""Pixels below which a feature has only its class."""
_TOLERANCE = 0.5
"""Pixels by which simplified outlines may differ."""
_SIMPLIFY_BELOW = 16
_DENSE_SHARE = 0.2
_LATITUDE_LIMIT = math.degrees(math.atan(math.sinh(math.pi)))
_FINDING_COLUMNS = ("finding_id", "rule_id", "family", "severity", "verdict", "park_id")


# ---- a layer's content -------------------------------------------------------------------


def _table(review: Review, source: FeatureSource) -> tuple[pd.DataFrame, NDArray[np.object_]]:
    """Return a layer's columns that go into tiles, and its shapes in degrees."""
    plan = review.plan
    if source.name == "parks":
        parks = review.parks
        return pd.DataFrame(parks[list(PARK_COLUMNS)]), parks.geometry.to_numpy()
    if source.name == "findings":
        rows = [
            [getattr(item, name) for name in _FINDING_COLUMNS[:-1]] + [item.park_id]
            for item in review.results
        ]
        table = pd.DataFrame(rows, columns=list(_FINDING_COLUMNS), dtype=object)
        return table, review.geometry.to_numpy()
    frame = plan.geo(source.name)
    named = ("name", *source.columns, "illustrative", "source")
    table = pd.DataFrame(frame[[name for name in named if name in frame.columns]])
    if source.name == "rivers":
        is_boundary = table["is_management_boundary"].fillna(value=False).astype(bool)
        table["kind"] = table["rank"].astype(object).where(~is_boundary, MANAGEMENT_BOUNDARY)
    shapes = frame.geometry.to_numpy()
    return table, shapely.point_on_surface(shapes) if source.name == "townships" else shapes


def check_name(name: str) -> None:
    """Raise NotFoundError if the map has no layer of this name."""
    if name not in FEATURE_SOURCES:
        shown = shorten(name)
        msg = said("problem.no_map_layer", layer=repr(shown), known=list(FEATURE_SOURCES))
        raise NotFoundError(msg)


def is_tiled(plan: Plan, name: str) -> bool:
    """Return whether served pages draw a layer of a plan from tiles."""
    return FEATURE_SOURCES[name].is_detail and is_big(plan.geo(name))


def version_of(plan: Plan, name: str, review_id: str = "") -> str:
    """Return a text that changes whenever the tiles of a layer may have changed.

    Tiles of parks and findings depend on the review; those of other layers do not.
    """
    parts = [str(_FORMAT), name, plan.settings.digest]
    if name in {"parks", "findings"}:
        parts += [plan.version, review_id]
    elif plan.has(name):
        parts.append(plan.layers[name].version)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def project(xy: Floats) -> Floats:
    """Project longitude and latitude to Web Mercator, the world from 0 to 1, y to the south.

    Points beyond 85.05 degrees, where that world ends, are put on its edge.
    """
    latitude = np.radians(np.clip(xy[:, 1], -_LATITUDE_LIMIT, _LATITUDE_LIMIT))
    y = 0.5 - np.arcsinh(np.tan(latitude)) / (2 * math.pi)
    return np.column_stack([xy[:, 0] / 360 + 0.5, y])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shapes:
    """Shapes in the world from 0 to 1, each with the row that it belongs to.

    `spans` and `areas` are the longer side of a shape's box and its area, both before
    simplification.
    """

    shapes: NDArray[np.object_]
    kinds: NDArray[np.int64]
    rows: NDArray[np.int64]
    spans: Floats
    areas: Floats

    def __len__(self) -> int:
        """Return the number of shapes."""
        return len(self.shapes)

    def take(self, indices: NDArray[Any]) -> _Shapes:
        """Return some of the shapes."""
        return _Shapes(
            shapes=self.shapes[indices],
            kinds=self.kinds[indices],
            rows=self.rows[indices],
            spans=self.spans[indices],
            areas=self.areas[indices],
        )

    def redrawn(self, shapes: NDArray[np.object_]) -> _Shapes:
        """Return the same features with other shapes."""
        return replace(self, shapes=shapely.orient_polygons(shapes))

    def merged(self, other: _Shapes) -> _Shapes:
        """Return these and other shapes together, in the order of their rows."""
        order = np.argsort(np.concatenate([self.rows, other.rows]), kind="stable")
        both = {
            item.name: np.concatenate([getattr(self, item.name), getattr(other, item.name)])[order]
            for item in fields(self)
        }
        return _Shapes(**both)


class _Level:
    """A layer's shapes at one zoom, with their index and validity."""

    def __init__(self, shapes: _Shapes) -> None:
        self.shapes = shapes
        self.bounds = shapely.bounds(shapes.shapes)
        self.clearance = np.full(len(shapes), np.inf)
        is_area = shapes.kinds == encoding.POLYGON
        self.clearance[is_area] = shapely.minimum_clearance(shapes.shapes[is_area])
        self._tree = shapely.STRtree(shapes.shapes)

    def meeting(self, box: tuple[float, float, float, float]) -> NDArray[np.int64]:
        """Return the positions of the shapes whose box meets a box, in order."""
        return np.sort(self._tree.query(shapely.box(*box)))


class TileLayer:
    """One layer as tiles. Methods are safe to call from several threads."""

    def __init__(
        self, source: FeatureSource, table: pd.DataFrame, shapes: NDArray[np.object_]
    ) -> None:
        """Make a layer from a table and its shapes in degrees, leaving out rows without a shape."""
        self.source = source
        shapes = np.asarray(shapes, dtype=object)
        self._lock = threading.Lock()
        self._whole = _prepared(shapes)
        self._levels: dict[int, _Level] = {}
        self._simplified: dict[int, _Shapes] = {}
        self._spacing = _spacing(self._whole.shapes)
        sized = self._whole.spans[self._whole.kinds != encoding.POINT]
        self._least_span = float(sized.min()) if len(sized) else math.inf
        self._fill_table(table)

    @classmethod
    def of(cls, review: Review, name: str) -> TileLayer:
        """Return a layer of a review."""
        return cls(FEATURE_SOURCES[name], *_table(review, FEATURE_SOURCES[name]))

    def _fill_table(self, table: pd.DataFrame) -> None:
        """Number every distinct value: a tile writes each of its values once."""
        self.keys = tuple(str(name) for name in table.columns)
        self._values: list[bytes] = []
        numbers = np.full((len(table), len(self.keys)), -1, np.int64)
        for position, name in enumerate(table.columns):
            codes, uniques = pd.factorize(table[name])
            given = [plain(value) for value in uniques]
            known = np.array([value is not None for value in given], bool)
            renumbered = np.where(known, np.cumsum(known) - 1 + len(self._values), -1)
            numbers[:, position] = np.where(codes >= 0, renumbered[codes], -1) if given else -1
            self._values += encoding.table_of([value for value in given if value is not None])
        self._numbers = numbers
        self._is_extra = np.array([name != self.source.symbol_column for name in self.keys], bool)

    def __len__(self) -> int:
        """Return the number of rows that have a shape."""
        return len(np.unique(self._whole.rows))

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """The layer's box in the world from 0 to 1; None if the layer is empty."""
        if not len(self._whole):
            return None
        west, north, east, south = (float(v) for v in shapely.total_bounds(self._whole.shapes))
        return west, north, east, south

    # ---- zooms ----

    def _level(self, zoom: int) -> _Level:
        with self._lock:
            # All zooms without anything to simplify or merge share one level.
            key = zoom if self._is_reduced(zoom) else MAX_ZOOM + 1
            if key not in self._levels:
                drawn = self._whole if key > MAX_ZOOM else self._reduced(zoom)
                self._levels[key] = _Level(drawn)
            return self._levels[key]

    def forget_zooms(self) -> None:
        """Hold no zoom's shapes; they are made again when a tile is."""
        with self._lock:
            self._levels.clear()
            self._simplified.clear()

    def _is_reduced(self, zoom: int) -> bool:
        return self._is_simplified(zoom) or self._least_span < _pixel(zoom)

    def _is_simplified(self, zoom: int) -> bool:
        return zoom < _SIMPLIFY_BELOW and self._spacing < _pixel(zoom)

    @staticmethod
    def _tiny(shapes: _Shapes, zoom: int) -> NDArray[np.bool_]:
        tiny: NDArray[np.bool_] = (shapes.spans < _pixel(zoom)) & (shapes.kinds != encoding.POINT)
        return tiny

    def _reduced(self, zoom: int) -> _Shapes:
        """Return a zoom's shapes: simplified, tiny ones as pixels."""
        shapes = self._outlines(zoom)
        tiny = self._tiny(self._whole, zoom)
        pixels = _as_pixels(self._whole.take(tiny), _pixel(zoom))
        return shapes.merged(pixels)

    def _outlines(self, zoom: int) -> _Shapes:
        """Return a zoom's shapes except the tiny ones, derived from the next zoom's shapes."""
        if not self._is_simplified(zoom):
            return self._whole.take(~self._tiny(self._whole, zoom))
        if zoom not in self._simplified:
            finer = self._outlines(zoom + 1)
            finer = finer.take(~self._tiny(finer, zoom))
            self._simplified[zoom] = _simplified(finer, _TOLERANCE * _pixel(zoom))
        return self._simplified[zoom]

    # ---- tiles ----

    def tile(self, zoom: int, x: int, y: int) -> bytes:
        """Return a tile's message; empty bytes if the tile is empty."""
        if not len(self._whole):
            return b""
        level = self._level(zoom)
        side = 1 / 2**zoom
        unit = side / encoding.EXTENT
        west, north = x * side, y * side
        reach = BUFFER * unit
        box = (west - reach, north - reach, west + side + reach, north + side + reach)
        found = level.meeting(box)
        if not len(found):
            return b""
        clipped, is_cut = _clipped(level, found, box)
        has_shape = ~shapely.is_missing(clipped)
        clipped, found, is_cut = clipped[has_shape], found[has_shape], is_cut[has_shape]
        if not len(found):
            return b""
        drawn = level.shapes.take(found)
        values = self._numbers[drawn.rows]
        is_small = (drawn.kinds != encoding.POINT) & (drawn.spans < _NAMED_PIXELS * _pixel(zoom))
        values[np.ix_(is_small, self._is_extra)] = -1
        features = encoding.Features(
            shapes=shapely.transform(clipped, lambda xy: (xy - (west, north)) / unit),
            kinds=drawn.kinds,
            ids=drawn.rows + 1,
            is_doubtful=is_cut | (level.clearance[found] < encoding.SAFE_CLEARANCE * unit),
            values=values,
        )
        return encoding.encode_layer(self.source.name, features, keys=self.keys, table=self._values)


def _pixel(zoom: int) -> float:
    """Return a pixel's side in the world from 0 to 1."""
    return 1.0 / (PIXELS * 2.0**zoom)


def _prepared(shapes: NDArray[np.object_]) -> _Shapes:
    """Project shapes, mend and orient polygons, and split collections by kind."""
    rows = np.flatnonzero(~(shapely.is_missing(shapes) | shapely.is_empty(shapes)))
    moved = shapely.transform(shapely.force_2d(shapes[rows]), project)
    is_bad = ~shapely.is_valid(moved)
    moved[is_bad] = shapely.make_valid(moved[is_bad], method="structure", keep_collapsed=False)
    kinds = encoding.kinds_of(moved)
    is_mixed = kinds == 0
    whole, parts, owners = [moved[~is_mixed]], [kinds[~is_mixed]], [rows[~is_mixed]]
    for kind in (encoding.POINT, encoding.LINE, encoding.POLYGON) if is_mixed.any() else ():
        own = encoding.only_kind(moved[is_mixed], kind)
        has_any = ~shapely.is_missing(own)
        whole.append(own[has_any])
        parts.append(np.full(int(has_any.sum()), kind))
        owners.append(rows[is_mixed][has_any])
    every = np.concatenate(whole)
    is_drawable = ~shapely.is_empty(every)
    every = shapely.orient_polygons(every[is_drawable])
    row, kind_of = np.concatenate(owners)[is_drawable], np.concatenate(parts)[is_drawable]
    box = shapely.bounds(every).reshape(-1, 4)
    spans = np.maximum(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1])
    found = _Shapes(shapes=every, kinds=kind_of, rows=row, spans=spans, areas=shapely.area(every))
    return found.take(np.argsort(row, kind="stable"))


def _spacing(shapes: NDArray[np.object_]) -> float:
    """Return the 20th percentile of edge lengths: a measure of how dense vertices are."""
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    edges = np.hypot(*np.diff(xy, axis=0).T)[owner[1:] == owner[:-1]]
    return float(np.quantile(edges, _DENSE_SHARE)) if len(edges) else math.inf


def _as_pixels(tiny: _Shapes, pixel: float) -> _Shapes:
    """Return the largest shape in each pixel, drawn as that pixel; a line as its middle."""
    box = shapely.bounds(tiny.shapes).reshape(-1, 4)
    cell = np.floor((box[:, :2] + box[:, 2:]) / 2 / pixel).astype(np.int64)
    # Largest first; among equals, the first row.
    order = np.lexsort((tiny.rows, -tiny.spans, -tiny.areas, cell[:, 1], cell[:, 0]))
    is_first = np.ones(len(order), bool)
    is_first[1:] = (cell[order][1:] != cell[order][:-1]).any(axis=1)
    chosen = np.sort(order[is_first])
    remaining, corner = tiny.take(chosen), cell[chosen] * pixel
    west, north = corner.T
    shapes = np.asarray(shapely.box(west, north, west + pixel, north + pixel), dtype=object)
    is_line = remaining.kinds == encoding.LINE
    middle = north[is_line] + pixel / 2
    ends = np.stack([west[is_line], middle, west[is_line] + pixel, middle], axis=1)
    shapes[is_line] = shapely.linestrings(ends.reshape(-1, 2, 2))
    return remaining.redrawn(shapes)


def _simplified(shapes: _Shapes, tolerance: float) -> _Shapes:
    """Simplify outlines by about the tolerance; common borders stay common."""
    made = shapes.shapes.copy()
    is_area = shapes.kinds == encoding.POLYGON
    if is_area.any():
        areas = shapely.coverage_simplify(made[is_area], tolerance)
        # Overlapping polygons are not a coverage, so their simplified borders may cross.
        is_bad = ~shapely.is_valid(areas) | shapely.is_empty(areas)
        areas[is_bad] = shapely.simplify(made[is_area][is_bad], tolerance)
        made[is_area] = areas
    is_line = shapes.kinds == encoding.LINE
    made[is_line] = shapely.simplify(made[is_line], tolerance)
    return shapes.redrawn(made)


def _clipped(
    level: _Level, indices: NDArray[np.int64], box: tuple[float, float, float, float]
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Return shapes cut to a box (None where nothing is left), and which were cut."""
    west, north, east, south = box
    bounds = level.bounds[indices]
    is_cut = (bounds[:, 0] < west) | (bounds[:, 1] < north)
    is_cut |= (bounds[:, 2] > east) | (bounds[:, 3] > south)
    shapes, kinds = level.shapes.shapes[indices], level.shapes.kinds[indices]
    cut = shapely.clip_by_rect(shapes[is_cut], *box)
    for kind in (encoding.POINT, encoding.LINE, encoding.POLYGON):
        own = kinds[is_cut] == kind
        if own.any():
            cut[own] = encoding.only_kind(cut[own], kind)
    shapes[is_cut] = shapely.orient_polygons(cut)
    return shapes, is_cut
