"""Read drawings (DXF): of their layers the one with shapes, and labels for the areas they lie in.

A drawing has frames, grids and texts besides the parcels. Only entities that can become shapes of
the layer are rows; what is left out is told. Texts in an area become its cells, in a column with
the name of their own layer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from geo_service.errors import Choice, ChoiceNeededError
from geo_service.ingest.formats.vectors import open_vector
from geo_service.ingest.sources import Batch, Change, ImportSource, ReadShapes
from geo_service.model import Message
from geo_service.schema import SCHEMAS
from geo_service.wording import said

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.ingest.limits import Budget
    from geo_service.ingest.options import ImportOptions
    from geo_service.ingest.staging import Staged

ALL = "*"
LABEL = "label"
"""The column of labels that name each area: every one has one, and no two the same."""
_OWN = "entities"
"""GDAL's name for all of a drawing."""
_LAYER, _TEXT = "Layer", "Text"
_MOST_CHOICES = 50
_TRIANGLE = 4
_TYPE = shapely.GeometryType


def open_drawing(
    staged: Staged, layer: str, options: ImportOptions, budget: Budget
) -> ImportSource:
    """Return a drawing as a source of the shapes that a layer can have.

    Raises
    ------
    SourceError
        GDAL cannot read the drawing, or it has no layer of the given name.
    ChoiceNeededError
        Several layers of the drawing have such shapes and none was named.
    """
    source = open_vector(staged, replace(options, source_layer=None), budget)
    geometry = SCHEMAS[layer].geometry
    asked = None if options.source_layer == _OWN else options.source_layer
    if geometry is None or geometry == "point" or _LAYER not in source.columns:
        return source
    whole = _whole(source)
    budget.features = budget.vertices = 0
    if whole is None or whole.geometry is None:
        return source
    is_wanted = _wanted(whole.geometry.shapes, geometry)
    names = whole.table[_LAYER].fillna("").astype(str).to_numpy(dtype=object)
    chosen = _chosen(names, is_wanted, asked, budget)
    if not is_wanted.any():
        return source
    taken = np.flatnonzero(is_wanted & np.isin(names, chosen))
    labels = _labels(whole, names, taken) if "polygon" in geometry else {}
    arranged = _taken(whole, taken, labels)
    left = len(names) - len(taken) - int(_are_texts(whole).sum())
    notes = [Message("import.drawing_layers", {"layers": ", ".join(chosen[:_MOST_CHOICES])})]
    if left:
        notes.append(Message("import.drawing_left", {"count": f"{left:,}"}))
    if labels:
        notes.append(Message("import.drawing_labels", {"columns": ", ".join(labels)}))

    def read() -> Iterator[Batch]:
        budget.take(len(arranged.numbers))
        yield arranged

    return replace(
        source,
        layer=", ".join(chosen[:_MOST_CHOICES]),
        columns=(*source.columns, *labels),
        rows=len(taken),
        notes=(*source.notes, *notes),
        read=read,
    )


def _whole(source: ImportSource) -> Batch | None:
    """Return all of a drawing, which is read into memory anyway; None if it is empty."""
    batches = list(source.read())
    if not batches:
        return None
    shapes: list[NDArray[np.object_]] = []
    changes: list[Change] = []
    unread: dict[int, Message] = {}
    first = 0
    for batch in batches:
        found = batch.geometry
        if found is None:
            return None
        shapes.append(found.shapes)
        changes += [replace(one, positions=one.positions + first) for one in found.changes]
        unread |= {first + at: reason for at, reason in found.unread.items()}
        first += len(batch.numbers)
    return Batch(
        table=pd.concat([batch.table for batch in batches], ignore_index=True),
        geometry=ReadShapes(shapes=np.concatenate(shapes), changes=tuple(changes), unread=unread),
        numbers=np.concatenate([batch.numbers for batch in batches]),
    )


def _wanted(shapes: NDArray[np.object_], geometry: str) -> NDArray[np.bool_]:
    """Return which entities can become shapes of a layer."""
    kinds = shapely.get_type_id(shapes)
    is_line = np.isin(kinds, (_TYPE.LINESTRING, _TYPE.MULTILINESTRING, _TYPE.LINEARRING))
    is_area = np.isin(kinds, (_TYPE.POLYGON, _TYPE.MULTIPOLYGON))
    is_closed = is_line & shapely.is_closed(shapes)
    is_closed &= shapely.get_num_coordinates(shapes) >= _TRIANGLE
    if geometry == "line":
        return np.asarray(is_line, dtype=bool)
    if geometry == "line_or_polygon":
        return np.asarray(is_line | is_area, dtype=bool)
    return np.asarray(is_area | is_closed, dtype=bool)


def _chosen(
    names: NDArray[np.object_], is_wanted: NDArray[np.bool_], asked: str | None, budget: Budget
) -> list[str]:
    """Return the layers of the drawing whose entities are taken."""
    counts = pd.Series(names[is_wanted]).value_counts()
    found = [str(name) for name in counts.index]
    if asked == ALL or (asked is None and len(found) <= 1):
        return found
    if asked is not None:
        if asked not in set(names.tolist()):
            raise budget.refuse(
                said("refusal.no_layer", name=repr(asked)),
                said("fault.any_of", known=[ALL, *found][:_MOST_CHOICES]),
            )
        return [asked]
    parameter = "source_layer"
    choices = [Choice(value=ALL, evidence=said("import.all_drawing", count=int(counts.sum())))]
    choices += [
        Choice(value=str(name), evidence=said("import.in_drawing", count=int(count)))
        for name, count in counts.head(_MOST_CHOICES - 1).items()
    ]
    raise ChoiceNeededError(parameter, said("import.which_layer", file=budget.shown), choices)


def _are_texts(whole: Batch) -> NDArray[np.bool_]:
    if whole.geometry is None or _TEXT not in whole.table.columns:
        return np.zeros(len(whole.numbers), dtype=bool)
    is_point = shapely.get_type_id(whole.geometry.shapes) == _TYPE.POINT
    return np.asarray(is_point & whole.table[_TEXT].notna().to_numpy(dtype=bool), dtype=bool)


def _labels(
    whole: Batch, names: NDArray[np.object_], taken: NDArray[np.intp]
) -> dict[str, list[str | None]]:
    """Return the texts that stand in each area, by the layer that they are on."""
    texts = np.flatnonzero(_are_texts(whole))
    if not len(texts) or whole.geometry is None:
        return {}
    areas = [_as_area(shape) for shape in whole.geometry.shapes[taken]]
    inside, around = shapely.STRtree(areas).query(
        whole.geometry.shapes[texts], predicate="intersects"
    )
    sizes = shapely.area(np.array(areas, dtype=object)[around]) if len(around) else np.array([])
    order = np.lexsort((sizes, inside))
    _, first = np.unique(inside[order], return_index=True)  # the smallest area around each text
    found: dict[str, list[list[str]]] = {}
    for pair in order[first]:
        at = texts[inside[pair]]
        cells = found.setdefault(str(names[at]), [[] for _ in taken])
        cells[around[pair]].append(_plain(str(whole.table[_TEXT].iloc[at])))
    columns = {
        name if name not in whole.table.columns else f"{LABEL} {name}": [
            " ".join(cell) or None for cell in cells
        ]
        for name, cells in found.items()
    }
    if len(columns) == 1:
        (only,) = columns.values()
        is_name = None not in only and len(set(only)) == len(only)
        return {LABEL: only} if is_name and _are_single(found) else columns
    return columns


def _are_single(found: dict[str, list[list[str]]]) -> bool:
    return all(len(cell) == 1 for cells in found.values() for cell in cells)


def _as_area(shape: shapely.Geometry) -> shapely.Geometry:
    parts = shapely.get_parts(shape)
    if shapely.get_type_id(shape) in {_TYPE.POLYGON, _TYPE.MULTIPOLYGON}:
        return shape
    polygons = [shapely.Polygon(shapely.get_coordinates(part)) for part in parts]
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)


_FORMATTING = re.compile(r"\\[A-Za-z][^;\\]*;|[{}]|\\[PpLlOoKk~]")


def _plain(text: str) -> str:
    """Return a label without the marks by which a drawing formats it."""
    return " ".join(_FORMATTING.sub(" ", text).split())


def _taken(whole: Batch, taken: NDArray[np.intp], labels: dict[str, list[str | None]]) -> Batch:
    """Return the rows that are taken, with their labels."""
    table = whole.table.iloc[taken].reset_index(drop=True)
    for name, cells in labels.items():
        table[name] = pd.Series(cells, dtype="object")
    if whole.geometry is None:
        return replace(whole, table=table)
    place = {int(at): position for position, at in enumerate(taken)}
    changes = []
    for one in whole.geometry.changes:
        kept = [n for n, at in enumerate(one.positions.tolist()) if at in place]
        if kept:
            changes.append(
                replace(
                    one,
                    positions=np.array([place[int(one.positions[n])] for n in kept], dtype=np.intp),
                    before=[one.before[n] for n in kept],
                    after=[one.after[n] for n in kept],
                    needs_look=[one.needs_look[n] for n in kept] if one.needs_look else (),
                )
            )
    unread = {place[at]: why for at, why in whole.geometry.unread.items() if at in place}
    shapes = whole.geometry.shapes[taken]
    return Batch(
        table=table,
        geometry=ReadShapes(shapes=shapes, changes=tuple(changes), unread=unread),
        numbers=whole.numbers[taken],
    )
