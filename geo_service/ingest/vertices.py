"""Tables of points: one row per vertex, in order, as boundary points are listed.

Such a table is recognised by its ids: each stands in several rows one after another. The rows of
an id become one shape, with the cells of the first; other tables are left as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from geo_service.ingest.conversion import shapes_of
from geo_service.ingest.names import plain
from geo_service.ingest.rings import nest, split_at_return
from geo_service.ingest.sources import Batch, Change, ReadShapes
from geo_service.model import Message

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from geo_service.ingest.columns import ColumnPlan
    from geo_service.ingest.mapping import Mapped

_FEWEST = {"polygon": 3, "line": 2, "line_or_polygon": 2, "point_or_polygon": 3}
"""Fewest vertices of a shape, by the geometry of its layer."""
_SAME_M = 0.005
_SAME_DEG = 1e-8
_LARGEST_DEGREE = 180.0
_LABELS = frozenset(
    map(
        plain,
        (
            "点号",
            "界址点号",
            "界址点",
            "拐点",
            "拐点号",
            "序号",
            "点名",
            "jzdh",
            "pointno",
            "point",
        ),
    )
)
_RINGS = frozenset(map(plain, ("圈号", "环号", "地块圈号", "ring", "ringno")))


def with_shapes(mapped: Mapped) -> Mapped:
    """Return the file with the rows of each id as one shape, if it is a table of vertices."""
    read, columns = mapped.read, mapped.columns
    key = columns.of(read.schema.key[0])
    fewest = _FEWEST.get(read.schema.geometry or "")
    is_table = columns.x is not None and columns.y is not None and not read.source.has_geometry
    if key is None or fewest is None or not is_table:
        return mapped
    with read.batches() as batches:
        first = next(batches, None)
    read.budget.features = read.budget.vertices = 0
    if first is None or not _is_of_vertices(first.table[key.column], fewest):
        return mapped

    def read_shapes() -> Iterator[Batch]:
        with read.batches() as batches:
            found = _collect(batches, columns)
        yield _assemble(found, key.column, read.schema.geometry or "")

    source = replace(read.source, has_geometry=True, rows=None, read=read_shapes)
    note = Message("import.vertices", {"column": key.column})
    used = {columns.x, columns.y}
    return replace(
        mapped,
        read=replace(read, source=source),
        columns=replace(
            columns,
            x=None,
            y=None,
            unused=tuple(name for name in columns.unused if name not in used),
        ),
        notes=(*mapped.notes, note),
    )


def _is_of_vertices(ids: pd.Series[Any], fewest: int) -> bool:
    """Return whether each id stands in several rows one after another."""
    if ids.isna().all():
        return False
    ids = ids.ffill()
    runs = (ids != ids.shift()).cumsum()
    sizes = runs.value_counts()
    is_whole = len(sizes) == 1 or (sizes.drop(runs.iloc[-1]) >= fewest).all()
    return bool(is_whole and len(ids) >= fewest and sizes.max() >= fewest)


@dataclass
class _Vertices:
    """All rows of a table of points."""

    table: pd.DataFrame
    numbers: NDArray[np.int64]
    points: NDArray[np.float64]
    """x and y of each row; NaN where there is none."""
    unread: dict[int, Message]
    faults: dict[int, Message]
    changes: list[Change]


def _collect(batches: Iterator[Batch], columns: ColumnPlan) -> _Vertices:
    """Return all rows of a table, with their points as in the file."""
    tables, numbers, points, changes = [], [], [], []
    unread: dict[int, Message] = {}
    faults: dict[int, Message] = {}
    first = 0
    for batch in batches:
        found = shapes_of(batch, columns)
        tables.append(batch.table)
        numbers.append(batch.numbers)
        points.append(np.column_stack([shapely.get_x(found.shapes), shapely.get_y(found.shapes)]))
        unread |= {first + at: reason for at, reason in found.unread.items()}
        faults |= {first + at: reason for at, reason in batch.faults.items()}
        changes += [replace(one, positions=one.positions + first) for one in found.changes]
        first += len(batch.numbers)
    return _Vertices(
        table=pd.concat(tables, ignore_index=True),
        numbers=np.concatenate(numbers),
        points=np.concatenate(points),
        unread=unread,
        faults=faults,
        changes=changes,
    )


def _assemble(found: _Vertices, key: str, geometry: str) -> Batch:
    """Return one row for the rows of each id that stand one after another."""
    ids = found.table[key].ffill().astype("object").to_numpy()
    starts = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]])
    ends = np.r_[starts[1:], len(ids)]
    owner = np.repeat(np.arange(len(starts)), ends - starts)
    unread = {int(owner[at]): reason for at, reason in sorted(found.unread.items(), reverse=True)}
    faults = {int(owner[at]): reason for at, reason in sorted(found.faults.items(), reverse=True)}
    labels, rings = (_column(found.table, names) for names in (_LABELS, _RINGS))
    shapes = np.full(len(starts), None, dtype=object)
    for position, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if position not in unread and position not in faults:
            part = slice(start, end)
            shapes[position] = _shape(found.points[part], labels[part], rings[part], geometry)
    told = Change(
        what="vertices",
        positions=np.arange(len(starts), dtype=np.intp),
        before=[str(count) for count in (ends - starts).tolist()],
        after=["" if shape is None else shape.geom_type for shape in shapes],
    )
    read = [replace(one, positions=owner[one.positions].astype(np.intp)) for one in found.changes]
    table = found.table.iloc[starts].reset_index(drop=True)
    table[key] = ids[starts]
    return Batch(
        table=table,
        geometry=ReadShapes(shapes=shapes, changes=(*read, told), unread=unread),
        numbers=found.numbers[starts],
        faults=faults,
    )


def _column(table: pd.DataFrame, names: frozenset[str]) -> NDArray[np.object_]:
    """Return the cells of the first column of some names as texts, empty without one."""
    column = next((name for name in table.columns if plain(str(name)) in names), None)
    if column is None:
        return np.full(len(table), "", dtype=object)
    return table[column].fillna("").astype(str).to_numpy(dtype=object)


def _shape(
    points: NDArray[np.float64],
    labels: NDArray[np.object_],
    numbers: NDArray[np.object_],
    geometry: str,
) -> BaseGeometry | None:
    """Return the shape whose vertices are some rows, in their order."""
    there = ~np.isnan(points).any(axis=1)
    points, labels, numbers = points[there], labels[there], numbers[there]
    if not len(points):
        return None
    same = _SAME_DEG if np.abs(points).max() <= _LARGEST_DEGREE else _SAME_M
    rings: list[list[tuple[float, float]]] = []
    for ring in dict.fromkeys(numbers.tolist()):
        of_ring = numbers == ring
        listed = zip(labels[of_ring].tolist(), *points[of_ring].T.tolist(), strict=True)
        rings += split_at_return(list(listed), same_m=same)
    is_closed = any(ring[0] == ring[-1] for ring in rings if len(ring) > 1)
    if geometry == "line" or (geometry == "line_or_polygon" and not is_closed):
        lines = [shapely.LineString(ring) for ring in rings if len(ring) > 1]
        return shapely.MultiLineString(lines) if len(lines) > 1 else next(iter(lines), None)
    polygons = [shapely.Polygon(ring) for ring in rings if len(ring) > 2]  # noqa: PLR2004 - a triangle
    return nest(polygons) or (shapely.MultiPolygon(polygons) if polygons else None)
