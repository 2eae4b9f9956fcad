"""Read shapes from WKB and WKT; close rings, draw curves as lines, nest rings of one record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geo_service.ingest.formats.curves import straight_from_wkb, straight_from_wkt
from geo_service.ingest.limits import Budget
from geo_service.ingest.rings import nest, rings_of
from geo_service.ingest.shapes import CHANGED
from geo_service.ingest.sources import Change, ReadShapes
from geo_service.model import Message
from geo_service.wording import said

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry


def shapes_of_wkb(wkb: NDArray[np.object_], budget: Budget) -> ReadShapes:
    """Return shapes from WKB; a file with a shape that is too large is refused."""
    unreadable = Message("import.bad_shape", {})
    found = _read(shapely.from_wkb, straight_from_wkb, wkb, lambda _: unreadable)
    vertices = np.asarray(shapely.get_num_coordinates(found.shapes))
    if len(vertices) and vertices.max() > budget.limits.vertices_per_feature:
        raise budget.refuse(
            said("refusal.feature_vertices", count=int(vertices.max())),
            said("refusal.at_most", most=budget.limits.vertices_per_feature),
        )
    budget.take(0, int(vertices.sum()))
    return found


def read_wkt(texts: NDArray[np.object_]) -> ReadShapes:
    """Return shapes from WKT; None where a text is None."""

    def unreadable(text: Any) -> Message:  # noqa: ANN401 - a text
        return Message("import.bad_wkt", {"found": str(text)[:60]})

    return _read(shapely.from_wkt, straight_from_wkt, texts, unreadable)


def _read(
    read: Callable[..., Any],
    straighten: Callable[[Any], BaseGeometry | None],
    written: NDArray[np.object_],
    unreadable: Callable[[Any], Message],
) -> ReadShapes:
    """Return shapes from WKB or WKT, closing rings and segmenting curves; both are reported."""
    curved: list[int] = []
    with np.errstate(invalid="ignore"):
        try:
            shapes: NDArray[np.object_] = np.array(read(written, on_invalid="ignore"), dtype=object)
        except NotImplementedError:  # there is a curve, which GEOS cannot read
            shapes, curved = _read_curves(read, straighten, written)
        lost = shapely.is_missing(shapes) & np.array([text is not None for text in written])
        lost[curved] = False
        closed: NDArray[np.intp] = np.array([], dtype=np.intp)
        if lost.any():
            fixed = read(written[lost], on_invalid="fix")
            shapes[lost] = fixed
            closed = np.flatnonzero(lost)[~shapely.is_missing(fixed)]
            lost[closed] = False
    drawn = [position for position in curved if shapes[position] is not None]
    gone = [
        *np.flatnonzero(lost).tolist(),
        *(position for position in curved if shapes[position] is None),
    ]
    return ReadShapes(
        shapes=shapes,
        changes=(*_changed("ring", closed), *_changed("curve", np.array(drawn, dtype=np.intp))),
        unread={position: unreadable(written[position]) for position in gone},
    )


def _read_curves(
    read: Callable[..., Any],
    straighten: Callable[[Any], BaseGeometry | None],
    written: NDArray[np.object_],
) -> tuple[NDArray[np.object_], list[int]]:
    """Return shapes read one by one, and which of them were curves."""
    shapes = np.full(len(written), None, dtype=object)
    curved = []
    for position, text in enumerate(written):
        try:
            shapes[position] = read(text, on_invalid="ignore")
        except NotImplementedError:
            shapes[position] = straighten(text)
            curved.append(position)
    return shapes, curved


def _changed(what: str, positions: NDArray[np.intp]) -> tuple[Change, ...]:
    """Return the changes made to shapes while reading, for the report."""
    if not len(positions):
        return ()
    before, after = (Message(f"import.{what}_{when}", {}) for when in ("before", "after"))
    count = len(positions)
    return (Change(what=what, positions=positions, before=[before] * count, after=[after] * count),)


def nest_records(found: ReadShapes) -> ReadShapes:
    """Nest the rings of records by containment where their winding gives an invalid shape."""
    shapes = found.shapes
    is_area = np.isin(shapely.get_type_id(shapes), (3, 6))
    is_several = (shapely.get_num_geometries(shapes) > 1) | (
        shapely.get_num_interior_rings(shapes) > 0
    )
    is_several |= shapely.get_type_id(shapes) == 6  # noqa: PLR2004 - a multi polygon of one part
    several = np.flatnonzero(is_area & is_several)
    broken = several[~shapely.is_valid(shapes[several])]
    nested = {int(at): shape for at in broken if (shape := nest(rings_of(shapes[at]))) is not None}
    if not nested:
        return found
    positions = np.array(list(nested), dtype=np.intp)
    before = shapes[positions].copy()
    shapes = shapes.copy()
    shapes[positions] = list(nested.values())
    (change,) = _changed("rings", positions)
    looks = np.abs(shapely.area(before) / shapely.area(shapes[positions]) - 1) > CHANGED
    return replace(
        found,
        shapes=shapes,
        changes=(*found.changes, replace(change, needs_look=looks.tolist())),
    )
