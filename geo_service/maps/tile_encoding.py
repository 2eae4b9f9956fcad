"""Write shapes and attributes as a layer of a Mapbox Vector Tile, version 2.1, in numpy.

Shapes come already clipped, in tile units (x to the east, y to the south, the tile from 0 to
EXTENT). They are rounded to whole units; redundant vertices and rings without area are
dropped; what rounding made invalid is rebuilt on the grid of whole units. A shape that
rounding would remove entirely is kept as a sliver of about two units. Every step handles all
features of a tile at once: the message is one row of numbers until the last step, which
writes them as varints. `tiles` decides which features a tile has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from shapely import GeometryType

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Shapes = NDArray[np.object_]
    Numbers = NDArray[np.int64]
    Flags = NDArray[np.bool_]

EXTENT = 4096
"""Units along a tile's side."""
SAFE_CLEARANCE = 1.5
"""Minimum clearance, in units, of a polygon that rounding leaves valid: rounding moves a vertex
by at most 0.71 units."""

POINT, LINE, POLYGON = 1, 2, 3
"""The format's numbers of its three types of geometry."""
_FAMILIES = {
    POINT: (GeometryType.POINT, GeometryType.MULTIPOINT),
    LINE: (GeometryType.LINESTRING, GeometryType.MULTILINESTRING),
    POLYGON: (GeometryType.POLYGON, GeometryType.MULTIPOLYGON),
}
_KIND_OF_TYPE = np.zeros(max(GeometryType) + 2, np.int64)
"""For GEOS' number of a type, the kind: 0 for collections and, in the last place, for none (-1)."""
for _kind, _types in _FAMILIES.items():
    _KIND_OF_TYPE[list(_types)] = _kind
_GATHER: Mapping[int, Callable[..., Any]] = {
    POINT: shapely.multipoints,
    LINE: shapely.multilinestrings,
    POLYGON: shapely.multipolygons,
}
_MOVE_TO, _LINE_TO, _CLOSE_PATH = 1, 2, 15
_BYTES = np.array([0x80, 0x4000, 0x20_0000, 0x1000_0000])
"""The numbers from which a varint takes one byte more."""
_SLIVER = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """The features of a tile's layer, in drawing order: each array has one element per feature.

    `shapes` are in tile units, none missing or empty; `kinds` are their types (POINT, LINE,
    POLYGON). `is_doubtful` marks polygons that rounding may make invalid. `values` has one
    column per key with positions in the table of values, -1 for no value.
    """

    shapes: Shapes
    kinds: Numbers
    ids: Numbers
    is_doubtful: Flags
    values: Numbers


@dataclass(frozen=True, slots=True)
class _Paths:
    """Vertices of paths, one path after another; a feature's paths are consecutive.

    `sizes` is the number of vertices of each path, `owners` the feature that it belongs to.
    """

    vertices: Numbers
    sizes: Numbers
    owners: Numbers


def encode_layer(
    name: str, features: Features, *, keys: Sequence[str], table: Sequence[bytes]
) -> bytes:
    """Return a tile with one layer; empty bytes if no feature has a shape left.

    Parameters
    ----------
    name
        The layer's name.
    features
        The layer's features.
    keys
        The attributes' names, one per column of the features' values.
    table
        Every value that the features refer to, as `encode_value` writes it.
    """
    groups = []
    for kind in (POLYGON, LINE, POINT):
        members = np.flatnonzero(features.kinds == kind)
        if len(members):
            paths = _paths(features, members, kind)
            if len(paths.sizes):
                groups.append((kind, paths))
    if not groups:
        return b""
    drawn = np.concatenate([paths.owners[_firsts(paths.owners)] for _, paths in groups])
    values = features.values[drawn]
    is_given = values >= 0
    chosen, indices = np.unique(values[is_given], return_inverse=True)
    values[is_given] = indices
    numbers = np.full(features.values.shape, -1, np.int64)
    numbers[drawn] = values
    parts = [b"\x78\x02", _field(1, name.encode())]
    parts += [_feature_messages(kind, paths, features.ids, numbers) for kind, paths in groups]
    parts += [_field(3, key.encode()) for key in keys]
    parts += [table[position] for position in chosen.tolist()]
    parts.append(b"\x28" + _varint(EXTENT))
    return _field(3, b"".join(parts))


def encode_value(value: object) -> bytes:
    r"""Return a value as an entry of a layer's table: text, a flag or a number.

    >>> encode_value("地"), encode_value(True), encode_value(-2)
    (b'"\x05\n\x03\xe5\x9c\xb0', b'"\x028\x01', b'"\x020\x03')
    """
    if isinstance(value, bool):
        return _field(4, b"\x38" + _varint(int(value)))
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return _field(4, b"\x30" + _varint((value << 1) ^ (value >> 63)))
    if isinstance(value, (int, float)):
        return _field(4, b"\x19" + np.array(value, "<f8").tobytes())
    # A lone surrogate cannot be encoded; it must not make the whole tile fail.
    return _field(4, _field(1, str(value).encode("utf-8", "replace")))


# ---- shapes ------------------------------------------------------------------------------


def _paths(features: Features, members: Numbers, kind: int) -> _Paths:
    shapes = features.shapes[members]
    if kind == POINT:
        return _points(shapes, members)
    if kind == LINE:
        return _lines(shapes, members)
    return _polygons(shapes, members, features.is_doubtful[members])


def _ragged(shapes: Shapes) -> tuple[Numbers, list[Numbers]]:
    """Return rounded vertices, and offsets from the innermost level up to the features.

    The offsets are always those of the Multi* type.
    """
    found, xy, offsets = shapely.to_ragged_array(shapes, include_z=False)
    levels = [np.asarray(level, np.int64) for level in offsets]
    if found in {GeometryType.POINT, GeometryType.LINESTRING, GeometryType.POLYGON}:
        levels.append(np.arange(len(shapes) + 1))
    return np.rint(xy).astype(np.int64), levels


def _points(shapes: Shapes, owners: Numbers) -> _Paths:
    vertices, (offsets,) = _ragged(shapes)
    return _Paths(vertices, np.diff(offsets), owners)


def _lines(shapes: Shapes, owners: Numbers) -> _Paths:
    vertices, (lines, offsets) = _ragged(shapes)
    sizes = np.diff(lines)
    line = np.repeat(np.arange(len(sizes)), sizes)
    is_kept = np.ones(len(vertices), bool)
    is_kept[1:] = (vertices[1:] != vertices[:-1]).any(axis=1) | (line[1:] != line[:-1])
    sizes = np.bincount(line[is_kept], minlength=len(sizes))
    is_kept &= (sizes > 1)[line]
    whole = sizes > 1
    return _Paths(vertices[is_kept], sizes[whole], np.repeat(owners, np.diff(offsets))[whole])


def _polygons(shapes: Shapes, owners: Numbers, is_doubtful: Flags) -> _Paths:
    """Return polygons' rings: in tile units shells wind positively, holes negatively."""
    rings = _rings(shapes)
    is_lost = np.ones(len(shapes), bool)
    is_lost[rings.owners] = False
    is_bad = is_lost.copy()
    is_bad[_invalid(rings, _suspects(shapes, is_doubtful & ~is_lost))] = True
    bad = np.flatnonzero(is_bad)
    if len(bad):
        mended = shapes[bad]
        is_lost = is_lost[bad]
        mended[is_lost] = shapely.buffer(
            mended[is_lost], _SLIVER, cap_style="square", join_style="mitre"
        )
        again = _rings(_on_grid(mended))
        rings = _joined(
            _without(rings, bad), _Paths(again.vertices, again.sizes, bad[again.owners])
        )
    return _Paths(rings.vertices, rings.sizes, owners[rings.owners])


def _suspects(shapes: Shapes, is_doubtful: Flags) -> Numbers:
    """Return the doubtful polygons that are invalid once each vertex is rounded.

    A valid one stays valid without its redundant vertices; some of the invalid ones become valid.
    """
    doubtful = np.flatnonzero(is_doubtful)
    rounded = shapely.transform(shapes[doubtful], np.rint)
    suspects: Numbers = doubtful[~shapely.is_valid(rounded)]
    return suspects


def _on_grid(shapes: Shapes) -> Shapes:
    """Return polygons that are valid on the grid of whole units; empty where nothing is left."""
    mended = shapely.make_valid(shapes, method="structure", keep_collapsed=False)
    mended = only_kind(shapely.set_precision(mended, 1.0), POLYGON)
    mended[shapely.is_missing(mended)] = shapely.Polygon()
    return shapely.orient_polygons(mended)


def only_kind(shapes: Shapes, kind: int) -> Shapes:
    """Return each shape's parts of one kind; None for a shape without such parts."""
    is_empty = shapely.is_empty(shapes)
    is_other = (kinds_of(shapes) != kind) & ~is_empty
    if is_empty.any() or is_other.any():
        shapes = shapes.copy()
        shapes[is_empty] = None
        single = _FAMILIES[kind][0]
        for position in np.flatnonzero(is_other):
            parts = shapely.get_parts(shapely.get_parts(shapes[position]))
            own = parts[(shapely.get_type_id(parts) == single) & ~shapely.is_empty(parts)]
            shapes[position] = _GATHER[kind](own) if len(own) else None
    return shapes


def _rings(shapes: Shapes) -> _Paths:
    """Return rings on whole units, without closing and redundant vertices.

    Rings without area, or turned inside out by rounding, are dropped, holes with their shell.
    """
    parts, owner = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    is_open = np.zeros(len(ring), bool)
    is_open[:-1] = ring[1:] == ring[:-1]
    vertices, ring = _corners(np.rint(xy[is_open]).astype(np.int64), ring[is_open])
    is_shell = np.zeros(len(rings), bool)
    is_shell[_firsts(part)] = True
    area = _twice_areas(vertices, ring, len(rings))
    is_kept = np.where(is_shell, area > 0, area < 0)
    shells = np.zeros(len(parts), bool)
    shells[part[is_shell]] = is_kept[is_shell]
    is_kept &= shells[part]
    return _Paths(
        vertices[is_kept[ring]],
        np.bincount(ring, minlength=len(rings))[is_kept],
        owner[part[is_kept]],
    )


def _firsts(groups: Numbers) -> Numbers:
    """Return where each run of equal numbers begins."""
    is_first = np.ones(len(groups), bool)
    np.not_equal(groups[1:], groups[:-1], out=is_first[1:])
    firsts: Numbers = is_first.nonzero()[0]
    return firsts


def _corners(vertices: Numbers, ring: Numbers) -> tuple[Numbers, Numbers]:
    """Drop vertices of open rings that repeat the previous one or do not change direction."""
    settled: list[tuple[Numbers, Numbers]] = []
    while len(vertices):
        before, after = _neighbours(ring)
        into, out = vertices - vertices[before], vertices[after] - vertices
        is_idle = (into == 0).all(axis=1)
        # A repeated corner would look straight from both copies, so repetitions are dropped first.
        repeats = np.zeros(int(ring[-1]) + 1, bool)
        repeats[ring[is_idle]] = True
        is_straight = into[:, 0] * out[:, 1] == into[:, 1] * out[:, 0]
        is_kept = ~(is_idle | (is_straight & ~repeats[ring]))
        if is_kept.all():
            break
        # Only rings that lost a vertex are checked again.
        touched = np.zeros(int(ring[-1]) + 1, bool)
        touched[ring[~is_kept]] = True
        is_done = ~touched[ring]
        settled.append((vertices[is_done], ring[is_done]))
        is_kept &= ~is_done
        vertices, ring = vertices[is_kept], ring[is_kept]
    settled.append((vertices, ring))
    if len(settled) == 1:
        return vertices, ring
    vertices = np.concatenate([part for part, _ in settled])
    ring = np.concatenate([part for _, part in settled])
    order = np.argsort(ring, kind="stable")
    return vertices[order], ring[order]


def _neighbours(ring: Numbers) -> tuple[Numbers, Numbers]:
    """Return the positions of each vertex's predecessor and successor round its ring."""
    position = np.arange(len(ring))
    first = _firsts(ring)
    last = np.empty_like(first)
    last[:-1], last[-1] = first[1:] - 1, len(ring) - 1
    before, after = position - 1, position + 1
    before[first], after[last] = last, first
    return before, after


def _twice_areas(vertices: Numbers, ring: Numbers, count: int) -> NDArray[np.float64]:
    if not len(vertices):
        return np.zeros(count)
    _, after = _neighbours(ring)
    cross = vertices[:, 0] * vertices[after, 1] - vertices[after, 0] * vertices[:, 1]
    return np.bincount(ring, weights=cross, minlength=count).astype(float)


def _invalid(rings: _Paths, suspects: Numbers) -> Numbers:
    """Return the suspects whose polygons are invalid.

    Shells and holes differ by their winding; a shell is followed by its holes.
    """
    if not len(suspects):
        return suspects
    is_suspect = np.isin(rings.owners, suspects)
    sizes, owners = rings.sizes[is_suspect], rings.owners[is_suspect]
    vertices = rings.vertices[np.repeat(is_suspect, rings.sizes)]
    ring = np.repeat(np.arange(len(sizes)), sizes)
    is_shell = _twice_areas(vertices, ring, len(sizes)) > 0
    shells = np.flatnonzero(is_shell)
    polygons = np.r_[shells, len(sizes)]
    features = np.flatnonzero(np.r_[True, np.diff(owners[shells]) > 0, True])
    # Close the rings again, as GEOS needs them: repeat each ring's first vertex at its end.
    first = np.cumsum(sizes) - sizes
    closed = np.insert(vertices, first + sizes, vertices[first], axis=0)
    made = shapely.from_ragged_array(
        GeometryType.MULTIPOLYGON,
        closed.astype(float),
        (np.r_[0, np.cumsum(sizes + 1)], polygons, features),
    )
    found: Numbers = owners[shells[features[:-1]]][~shapely.is_valid(made)]
    return found


def _without(rings: _Paths, owners: Numbers) -> _Paths:
    is_kept = ~np.isin(rings.owners, owners)
    return _Paths(
        rings.vertices[np.repeat(is_kept, rings.sizes)],
        rings.sizes[is_kept],
        rings.owners[is_kept],
    )


def _joined(one: _Paths, other: _Paths) -> _Paths:
    return _Paths(
        np.concatenate([one.vertices, other.vertices]),
        np.concatenate([one.sizes, other.sizes]),
        np.concatenate([one.owners, other.owners]),
    )


# ---- messages ----------------------------------------------------------------------------


def _feature_messages(kind: int, paths: _Paths, ids: Numbers, values: Numbers) -> bytes:
    """Return the messages of features of one kind, in the order of their paths."""
    commands, sizes = _commands(kind, paths)
    starts = _firsts(paths.owners)
    owners = paths.owners[starts]
    counts = np.add.reduceat(sizes, starts)
    positions = np.cumsum(counts) - counts
    geometry_bytes = np.add.reduceat(_sizes(commands), positions)

    own = values[owners]
    is_given = own >= 0
    tag_counts = 2 * is_given.sum(axis=1)
    tags = np.column_stack([np.nonzero(is_given)[1], own[is_given]]).ravel()
    ends = np.cumsum(tag_counts)
    added = np.zeros(len(tags) + 1, np.int64)
    np.cumsum(_sizes(tags), out=added[1:])
    tag_bytes = added[ends] - added[ends - tag_counts]

    id_numbers = ids[owners]
    length = (1 + _sizes(id_numbers)) + (1 + _sizes(tag_bytes) + tag_bytes) + 2
    length += 1 + _sizes(geometry_bytes) + geometry_bytes
    total = 10 + tag_counts + counts
    base = np.cumsum(total) - total
    stream = np.empty(int(total.sum()), np.int64)
    # A feature: field 2 of its layer; id 1, tags 2, type 3, geometry 4.
    head = ((0, 0x12), (1, length), (2, 0x08), (3, id_numbers), (4, 0x12), (5, tag_bytes))
    for step, number in head:
        stream[base + step] = number
    stream[_spread(base + 6, tag_counts)] = tags
    after = base + 6 + tag_counts
    for step, number in ((0, 0x18), (1, kind), (2, 0x22), (3, geometry_bytes)):
        stream[after + step] = number
    stream[_spread(after + 4, counts)] = commands
    return _varints(stream)


def _commands(kind: int, paths: _Paths) -> tuple[Numbers, Numbers]:
    """Return the drawing commands of all paths, and each path's count of numbers."""
    vertices, sizes = paths.vertices, paths.sizes
    first = np.cumsum(sizes) - sizes
    moves = np.diff(vertices, axis=0, prepend=0)
    # The pen starts each feature in the tile's corner.
    starts = first[_firsts(paths.owners)]
    moves[starts] = vertices[starts]
    moves = (moves << 1) ^ (moves >> 63)
    step = np.arange(len(vertices)) - np.repeat(first, sizes)
    if kind == POINT:
        lengths = 2 * sizes + 1
        base = np.cumsum(lengths) - lengths
        position = np.repeat(base, sizes) + 1 + 2 * step
        commands = np.empty(int(lengths.sum()), np.int64)
        commands[base] = sizes << 3 | _MOVE_TO
    else:
        is_closed = kind == POLYGON
        lengths = 2 * sizes + 2 + is_closed
        base = np.cumsum(lengths) - lengths
        # MoveTo, x, y, LineTo, x, y, x, y ...
        position = np.repeat(base, sizes) + np.where(step == 0, 1, 2 + 2 * step)
        commands = np.empty(int(lengths.sum()), np.int64)
        commands[base] = 1 << 3 | _MOVE_TO
        commands[base + 3] = (sizes - 1) << 3 | _LINE_TO
        if is_closed:
            commands[base + lengths - 1] = _CLOSE_PATH
    commands[position], commands[position + 1] = moves[:, 0], moves[:, 1]
    return commands, lengths


def _spread(starts: Numbers, counts: Numbers) -> Numbers:
    """Return start, start + 1, ... for each start, `count` numbers each."""
    first = np.cumsum(counts) - counts
    position: Numbers = np.arange(int(counts.sum())) + np.repeat(starts - first, counts)
    return position


def _sizes(numbers: Numbers) -> Numbers:
    """Return how many bytes each number takes as a varint; each must be below 2 ** 35."""
    sizes: Numbers = _BYTES.searchsorted(numbers, side="right") + 1
    return sizes


def _varints(numbers: Numbers) -> bytes:
    sizes = _sizes(numbers)
    position = np.cumsum(sizes) - sizes
    written = np.empty(int(sizes.sum()), np.uint8)
    rest = numbers
    while len(rest):
        is_more = sizes > 1
        written[position] = (rest & 0x7F) | (is_more << 7)
        rest, sizes, position = rest[is_more] >> 7, sizes[is_more] - 1, position[is_more] + 1
    return written.tobytes()


def _varint(number: int) -> bytes:
    written = bytearray()
    while number >= 0x80:  # noqa: PLR2004 - seven bits a byte
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


def _field(number: int, content: bytes) -> bytes:
    """Return a field of bytes: its number, its length and the bytes."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def kinds_of(shapes: Shapes) -> Numbers:
    """Return the type of each shape; 0 for a type that a feature cannot have."""
    kinds: Numbers = _KIND_OF_TYPE[shapely.get_type_id(shapes)]
    return kinds


def table_of(column: Sequence[Any]) -> list[bytes]:
    """Return a column's values as entries of the table."""
    return [encode_value(value) for value in column]
