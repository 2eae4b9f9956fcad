"""Repair shapes: rings, repeated vertices, slivers, Z and M, collections, multi and single.

Whole batches are processed at a time; only faulty shapes are handled one by one. Every change
is recorded in the ledger with its before and after; what cannot be repaired is refused with a
reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from geo_service.ingest.ledger import Ledger
from geo_service.model import Message
from geo_service.schema import STORED_GEOMETRY
from geo_service.units import M2_PER_HA, M2_PER_MU

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

_REPEATED_DEG = 1e-9
"""Distance below which vertices are one: 0.1 mm."""
SLIVER_M2 = 1.0
SLIVER_WIDTH_M = 0.05
"""A sliver is a part below this area and this mean width (twice the area over the perimeter)."""
_M_PER_DEG = 111_195.0
_TRIANGLE = 4
"""The fewest vertices of a closed ring."""
_TYPE = shapely.GeometryType
_AREAS = (_TYPE.POLYGON, _TYPE.MULTIPOLYGON)
_LINES = (_TYPE.LINESTRING, _TYPE.MULTILINESTRING, _TYPE.LINEARRING)
_POINTS = (_TYPE.POINT, _TYPE.MULTIPOINT)
_MULTI_OF = {
    _TYPE.POLYGON: _TYPE.MULTIPOLYGON,
    _TYPE.LINESTRING: _TYPE.MULTILINESTRING,
    _TYPE.POINT: _TYPE.MULTIPOINT,
}


STATED_AREAS = {"area_m2": 1.0, "declared_area_ha": M2_PER_HA}
"""Columns that state the area of the shape itself, and how many m² one of their units is."""
SAME_AREA = 0.01
"""Share by which the area of a repaired shape may differ from the stated one."""
_UNIT_RATIOS = frozenset(
    one / other
    for one in (1.0, M2_PER_MU, M2_PER_HA, 1e6)
    for other in (1.0, M2_PER_MU, M2_PER_HA, 1e6)
    if one != other
)
"""How many times too large or small an area in one unit is if it is taken for another's."""
FAR_AREA = 0.05
"""Share from which an area stated for a shape that nothing changed is told."""
CHANGED = 0.001
"""Share of its area from which a repair counts as a change of the shape."""


@dataclass
class _Repaired:
    """One kind of repair to the rows at some positions."""

    what: str
    positions: NDArray[np.intp]
    before: Sequence[Any]
    after: Sequence[Any]
    column: str
    needs_look: NDArray[np.bool_]


@dataclass
class Rows:
    """The rows of a batch: numbers, ids and shapes, and which are not refused."""

    numbers: NDArray[np.int64]
    ids: NDArray[np.object_]
    shapes: NDArray[np.object_]
    is_accepted: NDArray[np.bool_]
    ledger: Ledger
    stated_m2: NDArray[np.float64] | None = None
    """The areas that the file states; NaN where it states none."""
    areas_m2: NDArray[np.float64] | None = None
    """The areas of the shapes in degrees, once they are repaired."""
    _repairs: list[_Repaired] = field(default_factory=list)
    """Repairs of shapes, recorded when the areas that they lead to are known."""

    def refuse(
        self, bad: NDArray[np.bool_], reason: Callable[[int], Message], column: str = "geometry"
    ) -> None:
        """Refuse rows that are not refused yet; `reason` is called for each position."""
        for position in np.flatnonzero(bad & self.is_accepted):
            self.ledger.refuse(
                int(self.numbers[position]),
                self.ids[position],
                reason(int(position)),
                column=column,
                shape=_drawable(self.shapes[position]),
            )
        self.is_accepted &= ~bad

    def refuse_at(self, reasons: Mapping[int, Message], column: str) -> None:
        """Refuse rows by position, each with its reason."""
        if reasons:
            bad = np.zeros(len(self.is_accepted), dtype=bool)
            bad[list(reasons)] = True
            self.refuse(bad, reasons.__getitem__, column=column)

    def repair(
        self,
        what: str,
        positions: NDArray[np.intp],
        before: Sequence[Any],
        after: Sequence[Any],
        *,
        column: str = "geometry",
        needs_look: Sequence[bool] | NDArray[np.bool_] = (),
    ) -> None:
        """Record one kind of repair to some positions; that of a shape waits for `settle`."""
        if not len(positions):
            return
        looks = np.zeros(len(positions), dtype=bool)
        looks[: len(needs_look)] = needs_look
        repaired = _Repaired(what, positions, before, after, column, looks)
        if column == "geometry":
            self._repairs.append(repaired)
        else:
            self._record(repaired)

    def settle(self) -> None:
        """Record the repairs of shapes; those whose area contradicts the stated one need a look."""
        unlike = self._contradicted()
        for one in self._repairs:
            one.needs_look |= unlike[one.positions]
            self._record(one)
        self._tell_stated({int(at) for one in self._repairs for at in one.positions}, unlike)
        self._repairs.clear()

    def _record(self, one: _Repaired) -> None:
        ids = self.ids[one.positions].tolist()
        self.ledger.repair(
            one.what,
            self.numbers[one.positions],
            ids,
            one.before,
            one.after,
            column=one.column,
            needs_look=one.needs_look.tolist(),
        )

    def _contradicted(self, share: float = SAME_AREA) -> NDArray[np.bool_]:
        """Return where a stated area differs from the shape's by more than a share."""
        if self.stated_m2 is None or self.areas_m2 is None:
            return np.zeros(len(self.numbers), dtype=bool)
        with np.errstate(invalid="ignore"):
            return np.abs(self.areas_m2 - self.stated_m2) > share * np.abs(self.stated_m2)

    def _tell_stated(self, repaired: set[int], unlike: NDArray[np.bool_]) -> None:
        """Tell shapes that nothing changed, and that are far from the area stated for them.

        If most are by what another unit would explain, the column's unit is at fault, which is told
        of the whole column.
        """
        if self.stated_m2 is None or self.areas_m2 is None or not unlike.any():
            return
        known = (self.stated_m2 > 0) & (self.areas_m2 > 0) & self.is_accepted
        far = self._contradicted(FAR_AREA) & known
        ratio = np.median(self.areas_m2[known] / self.stated_m2[known]) if known.any() else 0.0
        if any(abs(ratio / one - 1) <= FAR_AREA for one in _UNIT_RATIOS):
            return
        positions = np.array(
            [at for at in np.flatnonzero(far) if at not in repaired], dtype=np.intp
        )
        self._record(
            _Repaired(
                "area_stated",
                positions,
                [f"{area:,.2f} m²" for area in self.stated_m2[positions]],
                [f"{area:,.2f} m²" for area in self.areas_m2[positions]],
                "area_m2",
                np.ones(len(positions), dtype=bool),
            )
        )

    def tell_kept_areas(self, kept: pd.Series[Any], is_moved: NDArray[np.bool_]) -> None:
        """Tell shapes that are another, and whose area stays another one than theirs (in m²)."""
        moved = np.flatnonzero(is_moved & self.is_accepted)
        stated = pd.to_numeric(kept.iloc[moved], errors="coerce").to_numpy(dtype=np.float64)
        found = _areas_m2(self.shapes[moved])
        with np.errstate(invalid="ignore"):
            unlike = np.abs(found - stated) > SAME_AREA * stated
        self._record(
            _Repaired(
                "area_kept",
                moved[unlike],
                [f"{area:,.2f} m²" for area in stated[unlike]],
                [f"{area:,.2f} m²" for area in found[unlike]],
                "area_m2",
                np.ones(int(unlike.sum()), dtype=bool),
            )
        )

    def replace(self, positions: NDArray[np.intp], shapes: NDArray[np.object_]) -> None:
        """Replace the shapes at some positions."""
        self.shapes = self.shapes.copy()
        self.shapes[positions] = shapes


def is_area_changed(before: NDArray[np.object_], after: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Return whether shapes of areas differ in area by more than a thousandth."""
    was, now = shapely.area(before), shapely.area(after)
    return np.asarray(np.abs(was - now) > CHANGED * np.maximum(was, now), dtype=bool)


def only_where(mask: NDArray[np.bool_], shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return shapes with None instead of those that are not kept."""
    result = shapes.copy()
    result[~mask] = None
    return result


def _drawable(shape: BaseGeometry | None) -> BaseGeometry | None:
    """Return the shape if a map can show it; else None."""
    if shape is None or shape.is_empty:
        return None
    x0, y0, x1, y1 = shape.bounds
    in_degrees = -180 <= x0 <= x1 <= 180 and -90 <= y0 <= y1 <= 90  # noqa: PLR2004 - degrees
    return shape if in_degrees else None


def check_coordinates(rows: Rows, *, is_optional: bool) -> None:
    """Refuse rows without a shape or with coordinates that are not numbers; drop Z and M."""
    empty = shapely.is_missing(rows.shapes) | shapely.is_empty(rows.shapes)
    if is_optional:
        rows.replace(np.flatnonzero(empty), np.full(int(empty.sum()), None, dtype=object))
    else:
        rows.refuse(empty, lambda _: Message("import.no_geometry"))
    points, owner = shapely.get_coordinates(rows.shapes, return_index=True)
    bad = np.zeros(len(rows.shapes), dtype=bool)
    bad[owner[~np.isfinite(points).all(axis=1)]] = True
    rows.refuse(bad, lambda _: Message("import.not_finite"))
    flat = ~(shapely.has_z(rows.shapes) | shapely.has_m(rows.shapes))
    tall = np.flatnonzero(~flat & rows.is_accepted)
    if len(tall):
        before = np.where(shapely.has_z(rows.shapes[tall]), "XYZ", "XYM")
        rows.repair("z", tall, before.tolist(), ["XY"] * len(tall))


def repair_shapes(rows: Rows, geometry: str) -> None:
    """Repair shapes in degrees; `geometry` is a key of `STORED_GEOMETRY`."""
    wanted = _allowed_types(geometry)
    _open_collections(rows, wanted)
    if geometry == "polygon":
        _close_lines(rows)
    _remove_repeated(rows)
    _make_valid(rows, wanted)
    if any(kind in _AREAS for kind in wanted):
        areas_m2 = _drop_slivers(rows)
        if rows.stated_m2 is not None:
            unknown = np.flatnonzero(np.isnan(areas_m2))
            areas_m2[unknown] = _areas_m2(rows.shapes[unknown])
            rows.areas_m2 = areas_m2
    _make_single(rows, wanted)
    kinds = shapely.get_type_id(rows.shapes)
    names = " / ".join(sorted(STORED_GEOMETRY[geometry]))
    rows.refuse(
        (kinds >= 0) & ~np.isin(kinds, wanted),
        lambda position: Message(
            "import.wrong_type", {"found": rows.shapes[position].geom_type, "expected": names}
        ),
    )


def _allowed_types(geometry: str) -> list[int]:
    types: Any = _TYPE
    return [int(types[name.upper()]) for name in STORED_GEOMETRY[geometry]]


def _families(type_ids: list[int]) -> list[tuple[int, ...]]:
    return [family for family in (_AREAS, _LINES, _POINTS) if set(family) & set(type_ids)]


def _open_collections(rows: Rows, type_ids: list[int]) -> None:
    """Extract the wanted parts of collections; the others are dropped and reported."""
    kinds = shapely.get_type_id(rows.shapes)
    positions = np.flatnonzero((kinds == _TYPE.GEOMETRYCOLLECTION) & rows.is_accepted)
    changed, shapes, before, after = [], [], [], []
    for position in positions:
        shape = rows.shapes[position]
        taken = _parts_of(shape, type_ids)
        if taken is None:
            continue
        changed.append(position)
        shapes.append(taken)
        before.append(f"{shape.geom_type} ({len(shape.geoms)})")
        after.append(taken.geom_type)
    _apply(rows, "collection", changed, shapes, before, after)


def _parts_of(shape: BaseGeometry, type_ids: list[int]) -> BaseGeometry | None:
    """Return a collection's parts of the first wanted type that it has, as one shape."""
    parts = np.array(_flat_parts(shape), dtype=object)
    kinds = shapely.get_type_id(parts) if len(parts) else np.array([])
    for family in _families(type_ids):
        chosen = parts[np.isin(kinds, family)]
        if not len(chosen):
            continue
        if len(chosen) == 1:
            return chosen[0]  # type: ignore[no-any-return]
        if family == _AREAS:
            return shapely.union_all(chosen)
        if family == _LINES:
            return shapely.MultiLineString(list(chosen))
        return shapely.MultiPoint(list(chosen))
    return None


def _flat_parts(shape: BaseGeometry) -> list[BaseGeometry]:
    found: list[BaseGeometry] = []
    waiting = [shape]
    while waiting:
        one = waiting.pop(0)
        parts = getattr(one, "geoms", None)
        if parts is None:
            if not one.is_empty:
                found.append(one)
        else:
            waiting[:0] = list(parts)
    return found


def _close_lines(rows: Rows) -> None:
    """Make polygons of closed lines, which drawings use for areas."""
    kinds = shapely.get_type_id(rows.shapes)
    positions = np.flatnonzero(np.isin(kinds, _LINES) & rows.is_accepted)
    changed: list[int] = []
    shapes: list[BaseGeometry] = []
    before: list[str] = []
    after: list[str] = []
    for position in positions.tolist():
        parts = shapely.get_parts(rows.shapes[position])
        if not all(shapely.is_closed(parts)) or min(shapely.get_num_coordinates(parts)) < _TRIANGLE:
            continue
        made = [shapely.Polygon(shapely.get_coordinates(part)) for part in parts]
        polygons = made[0] if len(made) == 1 else shapely.MultiPolygon(made)
        changed.append(position)
        shapes.append(polygons)
        before.append(rows.shapes[position].geom_type)
        after.append(polygons.geom_type)
    _apply(rows, "closed_line", changed, shapes, before, after)


def _apply(
    rows: Rows,
    what: str,
    changed: list[Any],
    shapes: list[BaseGeometry],
    before: list[str],
    after: list[str],
) -> None:
    if changed:
        positions = np.array(changed, dtype=np.intp)
        replaced = np.empty(len(shapes), dtype=object)
        replaced[:] = shapes
        old = rows.shapes[positions]
        looks = is_area_changed(old, replaced) & (shapely.area(old) > 0)
        rows.replace(positions, replaced)
        rows.repair(what, positions, before, after, needs_look=looks)


def _remove_repeated(rows: Rows) -> None:
    cleaned = shapely.remove_repeated_points(rows.shapes, tolerance=_REPEATED_DEG)
    before, after = (shapely.get_num_coordinates(shapes) for shapes in (rows.shapes, cleaned))
    changed = np.flatnonzero((before != after) & rows.is_accepted & (after > 0))
    if len(changed):
        rows.replace(changed, cleaned[changed])
        rows.repair(
            "repeated",
            changed,
            [f"{count}" for count in before[changed]],
            [f"{count}" for count in after[changed]],
        )


_REASONS = {
    "Self-intersection": "import.shape_crosses",
    "Ring Self-intersection": "import.shape_touches",
    "Nested shells": "import.shape_nested",
    "Hole lies outside shell": "import.shape_hole_outside",
    "Holes are nested": "import.shape_holes_nested",
    "Interior is disconnected": "import.shape_parted",
    "Duplicate Rings": "import.shape_twice",
    "Too few points in geometry component": "import.shape_few_points",
}
"""What GEOS says of invalid shapes, each followed by the place."""


def _in_words(reason: str) -> Message | str:
    """Return why a shape is invalid, and where, in words of the catalogue if GEOS's are known."""
    kind, _, place = reason.partition("[")
    key = _REASONS.get(kind)
    return reason if key is None else Message(key, {"place": place.removesuffix("]")})


def _make_valid(rows: Rows, type_ids: list[int]) -> None:
    is_there = rows.shapes != None  # noqa: E711 - by element
    broken = np.flatnonzero(~shapely.is_valid(rows.shapes) & rows.is_accepted & is_there)
    if not len(broken):
        return
    reasons = shapely.is_valid_reason(rows.shapes[broken])
    mended = shapely.make_valid(rows.shapes[broken], method="structure", keep_collapsed=False)
    mended = np.array(
        [
            _parts_of(shape, type_ids) if shape.geom_type == "GeometryCollection" else shape
            for shape in mended
        ],
        dtype=object,
    )
    lost = shapely.is_missing(mended) | shapely.is_empty(mended) | ~shapely.is_valid(mended)
    bad = np.zeros(len(rows.shapes), dtype=bool)
    bad[broken[lost]] = True
    by_position = dict(zip(broken.tolist(), map(_in_words, reasons), strict=True))
    rows.refuse(
        bad,
        lambda position: Message("import.not_repairable", {"reason": by_position[position]}),
    )
    good = broken[~lost]
    looks = is_area_changed(rows.shapes[good], mended[~lost])
    rows.replace(good, mended[~lost])
    after = [f"{area_m2(shape):,.2f} m²" for shape in mended[~lost]]
    before = [by_position[int(position)] for position in good]
    rows.repair("invalid", good, before, after, needs_look=looks)


def area_m2(shape: BaseGeometry) -> float:
    """Return the approximate area in m² of a shape in degrees, for the size of a repair."""
    return float(_areas_m2(np.array([shape], dtype=object))[0])


def _areas_m2(shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return the areas in m² of shapes in degrees, to a thousandth: by the lengths of degrees."""
    bounds = shapely.bounds(shapes)
    cosine = np.cos(np.radians(np.nan_to_num((bounds[:, 1] + bounds[:, 3]) / 2)))
    squared = cosine * cosine
    north_m = 111_692.74 - 1_119.64 * squared  # 111 132.92 m less 559.82 m times cos 2φ
    east_m = cosine * (111_693.34 - 374.0 * squared)  # 111 412.84 cos φ - 93.5 cos 3φ, in m
    return np.asarray(shapely.area(shapes) * north_m * east_m, dtype=np.float64)


def _sizes(polygons: NDArray[np.object_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the area in m² and the mean width in m of polygons in degrees."""
    bounds = shapely.bounds(polygons)
    across = np.cos(np.radians(np.nan_to_num((bounds[:, 1] + bounds[:, 3]) / 2)))
    area = _areas_m2(polygons)
    # A thin part is about as long as half its perimeter; its direction decides the scale, and
    # the smaller scale makes it look wider, so that only slivers are dropped.
    length = shapely.length(polygons) * _M_PER_DEG * across
    with np.errstate(divide="ignore", invalid="ignore"):
        return area, np.where(length > 0, 2 * area / length, 0.0)


def _drop_slivers(rows: Rows) -> NDArray[np.float64]:
    """Drop parts and holes that are slivers; return areas in m², NaN for those not measured."""
    kinds = shapely.get_type_id(rows.shapes)
    single = (kinds == _TYPE.POLYGON) & rows.is_accepted
    area, width = _sizes(only_where(single, rows.shapes))
    rows.refuse(
        single & (area < SLIVER_M2) & (width < SLIVER_WIDTH_M),
        lambda position: Message("import.sliver", {"area": f"{area[position]:.4f}"}),
    )
    holes = np.zeros(len(rows.shapes), dtype=bool)
    holes[single] = shapely.get_num_interior_rings(rows.shapes[single]) > 0
    several = kinds == _TYPE.MULTIPOLYGON
    changed, shapes, before, after = [], [], [], []
    for position in np.flatnonzero((several | holes) & rows.is_accepted):
        shape = rows.shapes[position]
        cleaned, dropped = _without_slivers(shape)
        if not dropped:
            continue
        changed.append(position)
        shapes.append(cleaned)
        before.append(f"{area_m2(shape):,.4f} m²")
        after.append(f"{area_m2(cleaned):,.4f} m² (-{dropped})")
    emptied = np.zeros(len(rows.shapes), dtype=bool)
    emptied[
        [position for position, shape in zip(changed, shapes, strict=True) if shape.is_empty]
    ] = True
    rows.refuse(
        emptied,
        lambda position: Message(
            "import.sliver", {"area": f"{area_m2(rows.shapes[position]):.4f}"}
        ),
    )
    parts_left = [n for n, shape in enumerate(shapes) if not shape.is_empty]
    _apply(
        rows,
        "sliver",
        [changed[n] for n in parts_left],
        [shapes[n] for n in parts_left],
        [before[n] for n in parts_left],
        [after[n] for n in parts_left],
    )
    area[~single] = np.nan
    area[changed] = np.nan
    return area


def _without_slivers(shape: BaseGeometry) -> tuple[BaseGeometry, int]:
    """Return a (multi)polygon without sliver parts and holes, and how many were dropped."""
    parts = shapely.get_parts(shape)
    dropped = 0
    cleaned = []
    for part, area, width in zip(parts, *_sizes(parts), strict=True):
        if len(parts) > 1 and area < SLIVER_M2 and width < SLIVER_WIDTH_M:
            dropped += 1
            continue
        if len(part.interiors):
            rings = np.array([shapely.Polygon(ring) for ring in part.interiors], dtype=object)
            hole_area, hole_width = _sizes(rings)
            thin = (hole_area < SLIVER_M2) & (hole_width < SLIVER_WIDTH_M)
            if thin.any():
                dropped += int(thin.sum())
                holes = [ring.exterior for ring in rings[~thin]]
                part = shapely.Polygon(part.exterior, holes)  # noqa: PLW2901 - the same part
        cleaned.append(part)
    if not dropped:
        return shape, 0
    if len(cleaned) == 1:
        return cleaned[0], dropped
    return shapely.multipolygons(cleaned), dropped


def _make_single(rows: Rows, type_ids: list[int]) -> None:
    """Turn a multi shape of one part into a single shape if the layer has no multi shapes.

    Otherwise the shape does not change, so that an exported layer comes back the same.
    """
    kinds = shapely.get_type_id(rows.shapes)
    multi = [
        kind for single, kind in _MULTI_OF.items() if single in type_ids and kind not in type_ids
    ]
    many = np.isin(kinds, multi) & rows.is_accepted
    positions = np.flatnonzero(many & (shapely.get_num_geometries(rows.shapes) == 1))
    if len(positions):
        before = [shape.geom_type for shape in rows.shapes[positions]]
        singles = shapely.get_geometry(rows.shapes[positions], 0)
        rows.replace(positions, singles)
        rows.repair("single", positions, before, [shape.geom_type for shape in singles])
