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

from geo_service.crs import STORAGE_CRS, is_storage_like
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
_MOST_PUBLISHED = 200_000
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
    yield from _offset(some, schema, plan)


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


def _offset(some: gpd.GeoDataFrame, schema: LayerSchema, plan: Plan) -> Iterator[Message]:
    """Yield a hint about the first constant offset that is found."""
    here = some.geometry.to_crs(plan.metric_crs)
    for find in (_against_same_ids, _against_references, _against_vertices):
        found = find(some, here, schema, plan)
        if found is not None:
            yield found
            return


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
    some: gpd.GeoDataFrame,  # noqa: ARG001 - as the other two
    here: gpd.GeoSeries,
    schema: LayerSchema,
    plan: Plan,
) -> Message | None:
    """Return a hint if most vertices are published ones, moved by the same way."""
    vertices = shapely.get_coordinates(here.to_numpy())
    vertices = np.unique(np.round(vertices, 2), axis=0)
    vertices = vertices[:: max(1, len(vertices) // _MOST_VERTICES)]
    if len(vertices) < _FEWEST_VERTICES or (schema.geometry or "").startswith("point"):
        return None
    for name in dict.fromkeys((schema.name, *_NEIGHBOURS)):
        published = plan.frame(name) if plan.has(name) else None
        if not isinstance(published, gpd.GeoDataFrame) or published.empty:
            continue
        every = published.geometry.to_numpy()
        step = max(1, len(every) // (_MOST_PUBLISHED // 20))
        shapes = gpd.GeoSeries(every[::step], crs=STORAGE_CRS)
        other = shapely.get_coordinates(shapes.to_crs(plan.metric_crs).to_numpy())
        found = _voted(vertices, np.unique(np.round(other[:_MOST_PUBLISHED], 2), axis=0))
        if found is _ALIGNED_ALREADY:
            return None
        if found is not None:
            return _told(name, found, len(vertices))
    return None


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
