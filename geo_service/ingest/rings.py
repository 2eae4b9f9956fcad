"""Nest the rings of one record by containment, whatever their winding or order says.

A ring inside another is its hole, one inside a hole another part. Rings that cross each other
have no such order: they are left to the repair of shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

_TRIANGLE = 4
"""The fewest vertices of a closed ring."""
_BESIDE = 20
"""How many times as far as others a point with the first one's label may lie to be that point."""


def rings_of(shape: BaseGeometry) -> list[shapely.Polygon]:
    """Return each ring of a shape of areas as a polygon without holes."""
    return [
        shapely.Polygon(ring)
        for part in shapely.get_parts(shape)
        for ring in (part.exterior, *part.interiors)
        if len(ring.coords) >= _TRIANGLE
    ]


def nest(rings: Sequence[shapely.Polygon]) -> BaseGeometry | None:
    """Return rings as one valid shape; None if they cross, or if one of them is invalid."""
    every = _distinct([ring for ring in rings if ring.area > 0])
    if not len(every) or not shapely.is_valid(every).all():
        return None
    if len(every) == 1:
        return every[0]  # type: ignore[no-any-return]
    tree = shapely.STRtree(every)
    if len(tree.query(every, predicate="overlaps")[0]):
        return None
    inner, outer = tree.query(every, predicate="within")
    is_other = inner != outer
    inner, outer = inner[is_other], outer[is_other]
    depth = np.bincount(inner, minlength=len(every))
    holes: dict[int, list[int]] = {}
    for ring in np.flatnonzero(depth % 2).tolist():
        around = outer[inner == ring]
        parent = around[depth[around] == depth[ring] - 1]
        if len(parent) != 1:
            return None
        holes.setdefault(int(parent[0]), []).append(ring)
    shells = np.flatnonzero(depth % 2 == 0).tolist()
    parts = [
        shapely.Polygon(
            every[shell].exterior, [every[hole].exterior for hole in holes.get(shell, ())]
        )
        for shell in shells
    ]
    shape: BaseGeometry = parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
    if shape.is_valid:
        return shape
    # A hole that runs along its shell is cut out of it; no ring crosses another.
    cut = [
        shapely.difference(every[at], shapely.union_all(every[holes.get(at, [])])) for at in shells
    ]
    shape = shapely.union_all(cut)
    is_area = shape.geom_type in {"Polygon", "MultiPolygon"}
    return shape if is_area and not shape.is_empty and shape.is_valid else None


def _distinct(rings: Sequence[shapely.Polygon]) -> NDArray[np.object_]:
    """Return rings without repeated ones."""
    seen = {shapely.normalize(ring).wkb: ring for ring in rings}
    found = np.empty(len(seen), dtype=object)
    found[:] = list(seen.values())
    return found


def split_at_return(
    points: Sequence[tuple[str, float, float]], *, same_m: float
) -> list[list[tuple[float, float]]]:
    """Return the rings in a run of points: one ends where its first point comes again.

    `points` are labels, x and y. The first point comes again by its place, with its own label also
    some centimetres beside it; by its label alone, elsewhere, it begins another ring.
    """
    rings: list[list[tuple[float, float]]] = []
    current: list[tuple[float, float]] = []
    label = before = ""
    for name, x, y in points:
        is_returned = bool(name) and name == label != before
        before = name
        within = same_m * (_BESIDE if is_returned else 1)
        if current and _is_same((x, y), current[0], within) and len(current) > 2:  # noqa: PLR2004 - a triangle
            current.append(current[0])
            rings.append(current)
            current, label = [], ""
            continue
        if len(current) > 2 and is_returned:  # noqa: PLR2004 - a triangle
            rings.append(current)
            current = []
        if not current:
            label = name
        if not current and rings and _is_same((x, y), rings[-1][0], same_m):
            continue  # the closing point, written twice
        current.append((x, y))
    return [*rings, current] if current else rings


def _is_same(one: tuple[float, float], other: tuple[float, float], same_m: float) -> bool:
    return bool(np.hypot(one[0] - other[0], one[1] - other[1]) <= same_m)
