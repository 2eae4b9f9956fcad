"""Random geometry for the tests of overlaps and distances: valid, and of every awkward kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from hypothesis import strategies as st

EAST, NORTH = 566_000.0, 3_423_000.0
"""About where the demo county lies in EPSG:4545: coordinates as large as in real work."""

SIDE = 400
"""Random shapes lie within a square of this many metres."""


def at_county(shape: shapely.Geometry) -> shapely.Geometry:
    """Return a shape moved to where coordinates are large."""
    return shapely.transform(shape, lambda xy: xy + np.array([EAST, NORTH]))


def valid(shape: shapely.Geometry) -> shapely.Geometry:
    """Return a shape with area as a valid polygon or multipolygon."""
    mended = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    return shapely.union_all([part for part in shapely.get_parts(mended) if part.area > 0])


@st.composite
def stars(draw: st.DrawFn) -> shapely.Geometry:
    """Draw a polygon with up to two holes, its vertices anywhere or on whole tens of metres."""
    count = draw(st.integers(3, 24))
    step = draw(st.sampled_from([0, 1, 10]))
    radii = draw(st.lists(st.floats(5, 150), min_size=count, max_size=count))
    centre = [draw(st.floats(0, SIDE)), draw(st.floats(0, SIDE))]
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    ring = np.column_stack([np.cos(angles), np.sin(angles)]) * np.array(radii)[:, None] + centre
    if step:
        ring = np.round(ring / step) * step
    shape = valid(shapely.Polygon(ring))
    for _ in range(draw(st.integers(0, 2))):
        middle = [centre[0] + draw(st.floats(-40, 40)), centre[1] + draw(st.floats(-40, 40))]
        hole = shapely.Point(middle).buffer(draw(st.floats(1, 30)), quad_segs=2)
        shape = valid(shapely.difference(shape, hole))
    return shape


@st.composite
def boxes(draw: st.DrawFn) -> shapely.Geometry:
    """Draw a rectangle on a lattice, so that many share edges or touch at corners."""
    left, low = draw(st.integers(0, 6)) * 50, draw(st.integers(0, 6)) * 50
    right, high = left + draw(st.integers(1, 3)) * 50, low + draw(st.integers(1, 3)) * 50
    return shapely.box(left, low, right, high)


@st.composite
def slivers(draw: st.DrawFn) -> shapely.Geometry:
    """Draw a long triangle from a micrometre to a decimetre wide, in any direction."""
    start = np.array([draw(st.floats(0, SIDE)), draw(st.floats(0, SIDE))])
    angle, length = draw(st.floats(0, 6.3)), draw(st.floats(10, 300))
    along = np.array([np.cos(angle), np.sin(angle)])
    aside = np.array([-along[1], along[0]]) * 10.0 ** draw(st.integers(-6, -1))
    return valid(shapely.Polygon([start, start + along * length, start + aside]))


@st.composite
def several(draw: st.DrawFn) -> shapely.Geometry:
    """Draw a multipolygon, often with an island within a hole."""
    parts = draw(st.lists(st.one_of(stars(), boxes()), min_size=2, max_size=4))
    outer = draw(stars())
    ring = shapely.difference(shapely.buffer(outer, 20), shapely.buffer(outer, 10))
    return valid(shapely.union_all([*parts, ring]) - shapely.box(100, 100, 101, 300))


def surfaces() -> st.SearchStrategy[shapely.Geometry]:
    """Any surface, at the county: a polygon, a multipolygon, now and then an empty one."""
    empty = st.just(shapely.MultiPolygon())
    return st.one_of(stars(), boxes(), slivers(), several(), empty).map(at_county)


@st.composite
def paths(draw: st.DrawFn) -> shapely.Geometry:
    """Draw a line or a multiline at the county."""
    place = st.tuples(st.integers(-2 * SIDE, 2 * SIDE), st.integers(-2 * SIDE, 2 * SIDE))
    lines = draw(st.lists(st.lists(place, min_size=2, max_size=12, unique=True), max_size=3))
    return at_county(shapely.MultiLineString(lines))


def points() -> st.SearchStrategy[shapely.Geometry]:
    """A point at the county."""
    number = st.floats(-SIDE, 2 * SIDE)
    return st.builds(shapely.Point, number, number).map(at_county)


def array(
    shapes: Sequence[shapely.Geometry | None],
) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """Return shapes as the object array that geopandas would hold."""
    result = np.empty(len(shapes), dtype=object)
    result[:] = shapes
    return result
