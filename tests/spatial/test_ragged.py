from __future__ import annotations

import struct
from typing import Literal

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo_service.spatial import ragged
from geo_service.spatial.ragged import Ragged
from tests.depth import thorough
from tests.spatial.shapes import array, paths, points, surfaces

SQUARE = shapely.box(0, 0, 10, 10)
DIMENSIONS: tuple[Literal[2, 3, 4], ...] = (2, 3, 4)
FLAVORS: tuple[Literal["iso", "extended"], ...] = ("iso", "extended")


def from_binary(*binary: bytes) -> Ragged:
    return Ragged.from_wkb(b"".join(binary), np.cumsum([0, *[len(each) for each in binary]]))


@thorough(60)
@given(
    st.lists(st.one_of(surfaces(), paths(), points(), st.none()), max_size=8),
    st.sampled_from([0, 1]),
    st.sampled_from(DIMENSIONS),
    st.sampled_from(FLAVORS),
)
def test_binary_is_decoded_to_what_shapely_reads(
    shapes: list[shapely.Geometry | None],
    byte_order: int,
    dimensions: Literal[2, 3, 4],
    flavor: Literal["iso", "extended"],
) -> None:
    written = array(shapes)
    if dimensions > 2:
        written = shapely.force_3d(written, 7.5)
    binary = shapely.to_wkb(
        written, byte_order=byte_order, output_dimension=dimensions, flavor=flavor
    )
    found = from_binary(*[b"" if each is None else each for each in binary])
    expected = array(shapes)
    assert np.array_equal(found.bounds(), shapely.bounds(expected), equal_nan=True)
    assert found.areas() == pytest.approx(np.nan_to_num(shapely.area(expected)), abs=1e-6)
    assert len(found.xy) == shapely.get_num_coordinates(expected).sum()
    wide = shapely.get_dimensions(expected)
    is_filled = np.diff(found.geometry) > 0
    assert np.array_equal(found.dimension[is_filled], wide[is_filled])


def test_measures_with_m_and_a_reference_system_are_passed_over() -> None:
    # Little-endian EWKB: flags Z, M and SRID with type 1, SRID 4545, then x y z m.
    binary = struct.pack("<BII4d", 1, 0xE0000001, 4545, 3, 4, 5, 6)
    assert from_binary(binary).xy.tolist() == [[3, 4]]
    # Big-endian ISO: type 3001 is a point with Z and M.
    binary = struct.pack(">BI4d", 0, 3001, 3, 4, 5, 6)
    assert from_binary(binary).xy.tolist() == [[3, 4]]


def test_shells_turn_left_and_holes_right_whatever_they_were() -> None:
    clockwise = shapely.Polygon(
        [(0, 0), (0, 10), (10, 10), (10, 0)], [[(2, 2), (4, 2), (4, 4), (2, 4)]]
    )
    found = Ragged.from_shapely(array([clockwise]))
    assert found.xy[:5].tolist() == [[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]
    assert found.xy[5:].tolist() == [[2, 2], [2, 4], [4, 4], [4, 2], [2, 2]]
    # 10 * 10 - 2 * 2
    assert found.areas().tolist() == [96]
    assert (found.ring.tolist(), found.part.tolist()) == ([0, 5, 10], [0, 2])


@pytest.mark.parametrize(
    ("binary", "reason"),
    [
        (shapely.to_wkb(shapely.GeometryCollection([SQUARE])), "not supported"),
        (shapely.to_wkb(SQUARE)[:-4], "broken"),
        (shapely.to_wkb(SQUARE) + b"\0", "broken"),
        (b"\x01\x03", "broken"),
        (b"\x05" + shapely.to_wkb(SQUARE)[1:], "broken"),
        # A multipolygon whose member says that it is a point.
        (struct.pack("<BIIBIdd", 1, 6, 1, 1, 1, 0, 0), "broken"),
        (struct.pack("<BIIIdd", 1, 3, 1, 1 << 31, 0, 0), "broken"),
        (struct.pack("<BI", 1, 17), "not supported"),
        (shapely.to_wkb(shapely.LineString([(0, 0), (np.inf, 1)])), "not finite"),
        (shapely.to_wkb(shapely.Point(1, np.inf)), "not finite"),
        (struct.pack("<BIII8d", 1, 3, 1, 4, 0, 0, 1, 0, 1, 1, 0, 1), "not closed"),
        (struct.pack("<BIII6d", 1, 3, 1, 3, 0, 0, 1, 0, 0, 0), "fewer than four"),
        (struct.pack("<BIIdd", 1, 2, 1, 0, 0), "single vertex"),
    ],
)
def test_what_cannot_be_used_is_refused_by_position_and_reason(binary: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=f"position 1 cannot be used: .*{reason}"):
        from_binary(shapely.to_wkb(SQUARE), binary)


@pytest.mark.parametrize("offsets", [[0, 200], [-1, 5], [93, 0], []])
def test_offsets_outside_the_buffer_are_refused(offsets: list[int]) -> None:
    with pytest.raises(ValueError, match="offsets do not fit a buffer of 93 bytes"):
        Ragged.from_wkb(shapely.to_wkb(SQUARE), np.array(offsets, dtype=np.int64))


def test_positions_count_on_from_chunk_to_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ragged, "_CHUNK", 2)
    shapes: list[shapely.Geometry | None] = [
        SQUARE,
        None,
        shapely.Point(3, 4),
        SQUARE,
        shapely.LineString([(0, 0), (1, 1)]),
    ]
    found = Ragged.from_shapely(array(shapes))
    assert np.array_equal(found.bounds(), shapely.bounds(array(shapes)), equal_nan=True)
    assert found.areas().tolist() == [100, 0, 0, 100, 0]
    shapes[3] = shapely.GeometryCollection([SQUARE])
    with pytest.raises(ValueError, match="position 3"):
        Ragged.from_shapely(array(shapes))


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view()])
def test_an_arrow_column_is_read_where_it_lies(kind: pa.DataType) -> None:
    binary = [shapely.to_wkb(shapely.box(0, 0, side, 1)) for side in range(1, 6)]
    # 1 is before the slice, 5 after it, and 3 is missing.
    whole = pa.array([*binary[:2], None, *binary[3:]], type=kind)
    found = Ragged.from_arrow(pa.chunked_array([whole.slice(1, 3), whole.slice(0, 1)]))
    assert found.areas().tolist() == [2, 0, 4, 1]
    assert Ragged.from_arrow(whole.slice(3)).areas().tolist() == [4, 5]
    assert len(Ragged.from_arrow(pa.chunked_array([], type=pa.binary()))) == 0
    assert Ragged.from_arrow(pa.nulls(2, pa.binary())).areas().tolist() == [0, 0]


def test_a_fault_in_a_later_arrow_chunk_is_named_by_its_position_in_the_column() -> None:
    good, bad = shapely.to_wkb(SQUARE), b"\x01"
    with pytest.raises(ValueError, match="position 2 "):
        Ragged.from_arrow(pa.chunked_array([[good, good], [bad]], type=pa.binary()))


@thorough(40)
@given(
    st.lists(st.one_of(surfaces(), paths(), points(), st.none()), min_size=1, max_size=8),
    st.data(),
)
def test_chosen_geometries_are_as_if_they_alone_had_been_converted(
    shapes: list[shapely.Geometry | None], data: st.DataObject
) -> None:
    every = array(shapes)
    places = st.lists(st.integers(0, len(shapes) - 1), max_size=8)
    chosen = np.array(data.draw(places), dtype=np.intp)
    found, expected = Ragged.from_shapely(every).take(chosen), Ragged.from_shapely(every[chosen])
    for name in ("xy", "ring", "part", "geometry"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name


def test_polygons_as_given_keep_the_direction_of_their_rings() -> None:
    ring = [(0, 0), (0, 4), (4, 4), (4, 0), (0, 0)]
    polygons = array([shapely.Polygon(ring), shapely.Polygon(ring[::-1]), None])
    found = Ragged.as_given(polygons)
    assert found.xy.tolist() == [list(point) for point in (*ring, *ring[::-1])]
    assert found.geometry.tolist() == [0, 1, 2, 2]
    odd = array([shapely.Point(1, 1), shapely.force_3d(polygons[0], 7.0), polygons[0]])
    assert np.diff(Ragged.as_given(odd).part[Ragged.as_given(odd).geometry]).tolist() == [0, 0, 1]
