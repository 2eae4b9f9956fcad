"""Hint at coordinates that fit the county by luck: they are taken, and somebody should look.

Degrees that could be degrees, minutes and seconds run together (108.4230 for 108°42′30″), a
constant offset against what is published, and points that all lie in one place. Samples of the
rows are looked at; nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from geo_service.crs import is_storage_like
from geo_service.domain.extent import county_box
from geo_service.domain.references import target_of
from geo_service.model import Message

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.ingest.placement import Placement
    from geo_service.plan import Plan
    from geo_service.schema import LayerSchema

_MOST_ROWS = 2_000
_MOST_VERTICES = 1_500
_MOST_OTHERS = 200_000
"""Published vertices that are looked at."""
_MOST_PUBLISHED = 10_000
"""Published features of which all are looked at; of more, those around some of the file's."""
_WINDOWS, _ROWS_OF_WINDOW, _MOST_IN_WINDOWS = 4, 60, 400
_SEARCH_DEG = 0.011
"""A kilometre or a little more, whichever way: how far a constant offset is looked for."""
_SIXTY = 60
_FEWEST_TOGETHER = 3
_TOGETHER = 0.3
"""Share of the points from which a common place is worth a hint."""
_SAME_DEG = 1e-7
_FEWEST_PAIRS = 3
_LEAST_OFFSET_M = 2.0
_SPREAD = 0.1
"""Spread of single offsets, as a share of the offset, up to which it is constant."""
_LEAST_SPREAD_M = 0.5
_SEARCH_M = 1_000.0
_BIN_M = 2.0
_FEWEST_VERTICES = 12
_VOTES = 0.6
_ALIGNED = 0.3
_CLEARLY = 2.0
_NEIGHBOURS = ("parcels", "buildings", "sub_areas", "approved_areas", "parks", "roads", "rivers")


def hints_of(
    frame: pd.DataFrame, schema: LayerSchema, plan: Plan, placement: Placement | None
) -> Iterator[Message]:
    """Yield hints about the coordinates of an import's rows, in the storage CRS."""
    if placement is None or not isinstance(frame, gpd.GeoDataFrame) or frame.empty:
        return
    step = max(1, len(frame) // _MOST_ROWS)
    some = frame.iloc[::step]
    some = some[some.geometry.notna() & ~some.geometry.is_empty]
    if some.empty:
        return
    if placement.shift is None and is_storage_like(placement.crs):
        yield from _run_together(some, plan)
    yield from _one_place(some)
    yield from _offset(frame, some, schema, plan)


# ---- degrees, minutes and seconds run together -------------------------------------------------


def _run_together(some: gpd.GeoDataFrame, plan: Plan) -> Iterator[Message]:
    """Yield a hint if all degrees could be DD.MMSS, and would lie in the county as such too."""
    degrees = shapely.get_coordinates(some.geometry.to_numpy())[:_MOST_VERTICES]
    whole = np.floor(degrees)
    minutes = np.floor((degrees - whole) * 100 + 1e-7)
    seconds = ((degrees - whole) * 100 - minutes) * 100
    is_possible = (minutes < _SIXTY).all() and (seconds < _SIXTY).all()
    if not is_possible or not (seconds > 1e-3).any():  # noqa: PLR2004 - no seconds at all
        return
    read = whole + minutes / _SIXTY + seconds / _SIXTY**2
    box = county_box(plan)
    if box is None:
        return
    west, south, east, north = box
    inside = (read >= (west, south)).all() and (read <= (east, north)).all()
    if inside:
        shown = [f"{degrees[0, 0]:.4f}", f"{read[0, 0]:.4f}"]
        yield Message("import.hint_minutes", {"number": shown[0], "read": shown[1]})


# ---- points in one place -----------------------------------------------------------------------


def _one_place(some: gpd.GeoDataFrame) -> Iterator[Message]:
    """Yield a hint if many points lie in one place, such as the middle of a town."""
    shapes = some.geometry.to_numpy()
    is_point = shapely.get_type_id(shapes) == shapely.GeometryType.POINT
    places = np.round(shapely.get_coordinates(shapes[is_point]) / _SAME_DEG)
    if len(places) < _FEWEST_TOGETHER:
        return
    _, counts = np.unique(places, axis=0, return_counts=True)
    most = int(counts.max())
    if most >= _FEWEST_TOGETHER and most >= _TOGETHER * len(places):
        yield Message("import.hint_one_place", {"count": f"{most:,}", "all": f"{len(places):,}"})


# ---- a constant offset -------------------------------------------------------------------------


def _offset(
    frame: gpd.GeoDataFrame, some: gpd.GeoDataFrame, schema: LayerSchema, plan: Plan
) -> Iterator[Message]:
    """Yield a hint about the first constant offset that is found."""
    here = some.geometry.to_crs(plan.metric_crs)
    found = _against_same_ids(some, here, schema, plan)
    found = found or _against_references(some, here, schema, plan)
    found = found or _against_vertices(frame, here, schema, plan)
    if found is not None:
        yield found


def _told(layer: str, offset: NDArray[np.float64], pairs: int) -> Message:
    values = {"east": f"{offset[0]:+.1f}", "north": f"{offset[1]:+.1f}", "pairs": f"{pairs:,}"}
    return Message("import.hint_offset", {**values, "layer": Message(f"layer.{layer}")})


def _middles(shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    return shapely.get_coordinates(shapely.centroid(shapes))


def _against_same_ids(
    some: gpd.GeoDataFrame, here: gpd.GeoSeries, schema: LayerSchema, plan: Plan
) -> Message | None:
    """Return a hint if features with published ids all moved by the same way."""
    published = plan.frame(schema.name) if plan.has(schema.name) else None
    if not isinstance(published, gpd.GeoDataFrame):
        return None
    key = schema.key[0]
    known = published[published.geometry.notna() & ~published.geometry.is_empty]
    known = known[known[key].isin(some[key])].drop_duplicates(key).set_index(key)
    is_known = some[key].isin(known.index).to_numpy(dtype=bool)
    if is_known.sum() < _FEWEST_PAIRS:
        return None
    there: Any = known.geometry.loc[some[key][is_known]]
    there = there.to_crs(plan.metric_crs)
    moved = _middles(here.to_numpy()[is_known]) - _middles(there.to_numpy())
    offset = np.median(moved, axis=0)
    length = float(np.hypot(*offset))
    spread = float(np.median(np.hypot(*(moved - offset).T)))
    if length < _LEAST_OFFSET_M or spread > max(_LEAST_SPREAD_M, _SPREAD * length):
        return None
    return _told(schema.name, offset, int(is_known.sum()))


def _against_references(
    some: gpd.GeoDataFrame, here: gpd.GeoSeries, schema: LayerSchema, plan: Plan
) -> Message | None:
    """Return a hint if features lie beside what they refer to, and one move brings them in."""
    for item in schema.fields:
        target, column = target_of(item) or ("", "")
        if item.name not in some.columns or not plan.has(target) or target == schema.name:
            continue
        areas = plan.frame(target)
        if not isinstance(areas, gpd.GeoDataFrame):
            continue
        is_area = areas.geometry.geom_type.isin(["Polygon", "MultiPolygon"])
        known = areas[is_area].drop_duplicates(column).set_index(column).geometry
        is_known = some[item.name].isin(known.index).to_numpy(dtype=bool)
        if is_known.sum() < _FEWEST_PAIRS:
            continue
        areas_of: Any = known.loc[some[item.name][is_known]]
        around = areas_of.to_crs(plan.metric_crs).to_numpy()
        middles = _middles(here.to_numpy()[is_known])
        if _inside(middles, around) >= 1 - _VOTES:
            continue
        moved = middles - shapely.get_coordinates(shapely.centroid(around))
        offset = np.median(moved, axis=0)
        if np.hypot(*offset) >= _LEAST_OFFSET_M and _inside(middles - offset, around) >= _VOTES:
            return _told(target, offset, int(is_known.sum()))
    return None


def _inside(places: NDArray[np.float64], areas: NDArray[np.object_]) -> float:
    """Return the share of places that lie in the areas of their rows."""
    return float(shapely.intersects(areas, shapely.points(places)).mean())


def _against_vertices(
    frame: gpd.GeoDataFrame, here: gpd.GeoSeries, schema: LayerSchema, plan: Plan
) -> Message | None:
    """Return a hint if most vertices are published ones, moved by the same way.

    Of a large published layer, what lies around some places of the file is looked at.
    """
    if (schema.geometry or "").startswith("point"):
        return None
    windows = None
    for name in dict.fromkeys((schema.name, *_NEIGHBOURS)):
        published = plan.frame(name) if plan.has(name) else None
        if not isinstance(published, gpd.GeoDataFrame) or published.empty:
            continue
        shapes, around, most = here, published.geometry, _MOST_VERTICES
        if len(around) > _MOST_PUBLISHED:
            windows = _windows(frame) if windows is None else windows
            shapes, around = _around(windows, frame.geometry, around)
            shapes, most = shapes.to_crs(plan.metric_crs), _MOST_IN_WINDOWS
        vertices = _vertices(shapes)
        vertices = vertices[:: max(1, len(vertices) // most)]
        if len(vertices) < _FEWEST_VERTICES or around.empty:
            continue
        other = _vertices(around.to_crs(plan.metric_crs))
        found = _voted(vertices, other[:_MOST_OTHERS])
        if found is _ALIGNED_ALREADY:
            return None
        if found is not None:
            return _told(name, found, len(vertices))
    return None


def _vertices(shapes: gpd.GeoSeries) -> NDArray[np.float64]:
    """Return the distinct vertices of shapes in metres, to the centimetre."""
    return np.unique(np.round(shapely.get_coordinates(shapes.to_numpy()), 2), axis=0)


def _windows(frame: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Return boxes (west, south, east, north) around a few rows, each with those nearest to it."""
    bounds = frame.geometry.bounds.to_numpy()
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    middles = (bounds[:, :2] + bounds[:, 2:]) / 2
    boxes = []
    for at in np.linspace(0, len(middles) - 1, _WINDOWS + 2)[1:-1].astype(int):
        far = np.abs(middles - middles[at]).max(axis=1)
        near = np.argsort(far, kind="stable")[:_ROWS_OF_WINDOW]
        boxes.append([*bounds[near, :2].min(axis=0), *bounds[near, 2:].max(axis=0)])
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)


def _around(
    windows: NDArray[np.float64], own: gpd.GeoSeries, published: gpd.GeoSeries
) -> tuple[gpd.GeoSeries, gpd.GeoSeries]:
    """Return a file's shapes in some windows, and the published ones in them and around them.

    Windows after the one with which many published shapes are met are left out.
    """
    own_boxes, boxes = own.bounds.to_numpy(), published.bounds.to_numpy()
    is_own, is_near = np.zeros(len(own), dtype=bool), np.zeros(len(published), dtype=bool)
    for window in windows:
        is_own |= _meets(own_boxes, window, 0.0)
        is_near |= _meets(boxes, window, _SEARCH_DEG)
        if is_near.sum() > _MOST_PUBLISHED:
            break
    found: Any = own[is_own], published[is_near]
    return found[0], found[1]


def _meets(
    boxes: NDArray[np.float64], window: NDArray[np.float64], margin_deg: float
) -> NDArray[np.bool_]:
    """Return which boxes meet a window or lie no farther from it than a margin."""
    west, south, east, north = window + margin_deg * np.array((-1, -1, 1, 1))
    met = (boxes[:, 0] <= east) & (boxes[:, 2] >= west)
    return np.asarray(met & (boxes[:, 1] <= north) & (boxes[:, 3] >= south), dtype=bool)


_ALIGNED_ALREADY = np.zeros(2)
"""The answer for vertices that lie on published ones as they are."""


def _voted(here: NDArray[np.float64], there: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the one move that puts most vertices on others; None if there is no such move."""
    tree = cKDTree(there)
    distance, _ = tree.query(here, distance_upper_bound=_BIN_M)
    if np.isfinite(distance).mean() >= _ALIGNED:
        return _ALIGNED_ALREADY
    moves: list[NDArray[np.float64]] = []
    for place, near in zip(here, tree.query_ball_point(here, _SEARCH_M), strict=True):
        if near:
            moves.append(np.unique(np.round((place - there[near]) / _BIN_M), axis=0))
    if not moves:
        return None
    bins, counts = np.unique(np.concatenate(moves), axis=0, return_counts=True)
    best = int(counts.argmax())
    is_other = np.abs(bins - bins[best]).max(axis=1) > 2  # noqa: PLR2004 - not the bin beside
    second = int(counts[is_other].max()) if is_other.any() else 0
    is_clear = counts[best] >= _VOTES * len(here) and counts[best] > _CLEARLY * second
    return np.asarray(bins[best] * _BIN_M) if is_clear else None
