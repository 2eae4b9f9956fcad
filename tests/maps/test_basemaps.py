"""Base maps: what may be declared, and pictures read out of archives."""

from __future__ import annotations

import gzip
import sqlite3
import struct
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_service.errors import AssetError, NotFoundError, WorkspaceError
from geo_service.maps.archives import (
    PMTILES_MAGIC,
    open_archive,
    picture_of,
    tile_id_of,
)
from geo_service.maps.draw import draw
from geo_service.planning import PlanningService as Running
from geo_service.web.app import create_app
from geo_service.workspace.opening import open_plan
from tests.client import TestClient
from tests.county import County
from tests.maps.made import BLUE, KEY, RED, TIANDITU, declared, write_mbtiles


def varint(number: int) -> bytes:
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def directory(entries: list[tuple[int, int, int, int]]) -> bytes:
    """Return a directory of (tile id, offset, length, run), offsets written out."""
    ids = [entry[0] for entry in entries]
    steps = [one - other for one, other in zip(ids, [0, *ids], strict=False)]
    numbers = [len(entries), *steps]
    numbers += [entry[3] for entry in entries]
    numbers += [entry[2] for entry in entries]
    numbers += [entry[1] + 1 for entry in entries]
    return gzip.compress(b"".join(map(varint, numbers)))


def write_pmtiles(path: Path, *, kind: int = 2, has_leaf: bool = False) -> Path:
    """Write an archive: one tile at zoom 0, and at zoom 1 three alike and one missing."""
    entries = [(0, 0, len(RED), 1), (1, len(RED), len(BLUE), 3)]
    leaf = directory(entries)
    root = directory([(0, 0, len(leaf), 0)]) if has_leaf else leaf
    start = 127
    leaves = start + len(root)
    tiles = leaves + (len(leaf) if has_leaf else 0)
    header = PMTILES_MAGIC + struct.pack(
        "<11Q", start, len(root), 0, 0, leaves, len(leaf), tiles, len(RED + BLUE), 0, 0, 0
    )
    header += bytes([1, 2, 1, kind, 0, 1]) + bytes(25)
    assert len(header) == start
    path.write_bytes(header + root + (leaf if has_leaf else b"") + RED + BLUE)
    return path


# ---- archives -------------------------------------------------------------------------------


def test_mbtiles_count_rows_from_the_south_and_pages_from_the_north(tmp_path: Path) -> None:
    path = write_mbtiles(tmp_path / "a.mbtiles", {(1, 0, 0): RED, (1, 0, 1): BLUE})
    archive = open_archive(path)
    assert picture_of(archive, 1, 0, 0) == (RED, "image/png")
    assert picture_of(archive, 1, 0, 1) == (BLUE, "image/png")
    assert picture_of(archive, 1, 1, 1) is None


def test_reading_an_archive_writes_nothing_beside_it(tmp_path: Path) -> None:
    path = write_mbtiles(tmp_path / "a.mbtiles", {(0, 0, 0): RED})
    before = path.read_bytes()
    path.chmod(0o444)
    open_archive(path).tile(0, 0, 0)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["a.mbtiles"]


@pytest.mark.parametrize("has_leaf", [False, True])
def test_pmtiles_are_read_by_ranges_with_runs_and_leaves(tmp_path: Path, has_leaf: bool) -> None:  # noqa: FBT001 - a case
    archive = open_archive(write_pmtiles(tmp_path / "a.pmtiles", has_leaf=has_leaf))
    assert picture_of(archive, 0, 0, 0) == (RED, "image/png")
    # A run of three from the curve's first tile on: (0, 0), (0, 1), (1, 1), and not (1, 0).
    for column, row in ((0, 0), (0, 1), (1, 1)):
        assert picture_of(archive, 1, column, row) == (BLUE, "image/png")
    assert picture_of(archive, 1, 1, 0) is None
    assert picture_of(archive, 2, 0, 0) is None


def archive_with(path: Path, root: bytes) -> Path:
    """Write an archive whose first directory is these bytes."""
    header = PMTILES_MAGIC + struct.pack("<11Q", 127, len(root), *[0] * 4, 127, *[0] * 4)
    path.write_bytes(header + bytes([1, 2, 1, 2, 0, 1]) + bytes(25) + root)
    return path


@pytest.mark.parametrize(
    "root",
    [
        b"no gzip",
        directory([(0, 0, 1, 1)])[:-9],
        gzip.compress(b""),
        gzip.compress(varint(10**12) + b"\1\1\1\1"),  # says that it holds a billion, holds one
        gzip.compress(bytes(200_000_000)),  # 200 kB that unpack to 200 MB
        directory([(0, 0, 2**60, 1)]),  # a picture larger than any file
    ],
    ids=["no-gzip", "cut", "empty", "count", "bomb", "picture"],
)
def test_a_damaged_directory_is_told_and_takes_no_memory(tmp_path: Path, root: bytes) -> None:
    archive = open_archive(archive_with(tmp_path / "a.pmtiles", root))
    tracemalloc.start()
    try:
        with pytest.raises(AssetError, match=r"a\.pmtiles"):
            archive.tile(0, 0, 0)
        # 4 MB unpacked, and its numbers.
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("tile", [(-1, 0, 0), (99, 0, 0), (1, 2, 0), (1, 0, -1)])
def test_a_tile_off_the_globe_is_not_there(tmp_path: Path, tile: tuple[int, int, int]) -> None:
    archive = open_archive(write_mbtiles(tmp_path / "a.mbtiles", {(0, 0, 0): RED}))
    with pytest.raises(NotFoundError):
        picture_of(archive, *tile)


def test_what_is_no_picture_is_not_given_out(tmp_path: Path) -> None:
    path = write_mbtiles(tmp_path / "a.mbtiles", {(0, 0, 0): b"<svg onload=alert(1)>"})
    assert picture_of(open_archive(path), 0, 0, 0) is None


def test_vector_archives_and_other_files_are_refused(tmp_path: Path) -> None:
    for vectors in (
        write_mbtiles(tmp_path / "v.mbtiles", {}, kind="pbf"),
        write_pmtiles(tmp_path / "v.pmtiles", kind=1),
    ):
        with pytest.raises(AssetError, match="vector tiles"):
            open_archive(vectors)
    with pytest.raises(AssetError, match="no pictures"):
        open_archive(write_pmtiles(tmp_path / "u.pmtiles", kind=0))
    other = tmp_path / "a.txt"
    other.write_text("nothing")
    with pytest.raises(AssetError, match="neither"):
        open_archive(other)
    empty = tmp_path / "empty.mbtiles"
    sqlite3.connect(empty).execute("CREATE TABLE t (a)").connection.close()
    with pytest.raises(AssetError, match="no MBTiles"):
        open_archive(empty)


@given(zoom=st.integers(1, 12), seed=st.integers(0, 2**24))
def test_neighbours_on_the_curve_are_neighbours_on_the_map(zoom: int, seed: int) -> None:
    side = 2**zoom
    column, row = seed % side, seed // side % side
    here = tile_id_of(zoom, column, row)
    first = (4**zoom - 1) // 3
    assert first <= here < first + 4**zoom
    around = [
        tile_id_of(zoom, column + right, row + down)
        for right, down in ((1, 0), (-1, 0), (0, 1), (0, -1))
        if 0 <= column + right < side and 0 <= row + down < side
    ]
    if here > first:
        assert here - 1 in around
    if here < first + 4**zoom - 1:
        assert here + 1 in around


# ---- what may be declared -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "setting", "said"),
    [
        (TIANDITU.replace("cgcs2000", "gcj02"), "datum", "not shifted"),
        (TIANDITU.replace(f'key = "{KEY}"', ""), "key", "the key"),
        ('name = "a"\nkind = "xyz"\ndatum = "wgs84"', "url", "nothing"),
        (
            'name = "a"\nkind = "xyz"\ndatum = "wgs84"\nurl = "file:///etc/{z}{x}{y}"',
            "url",
            "https",
        ),
        ('name = "a"\nkind = "xyz"\ndatum = "wgs84"\nurl = "https://a.example/"', "url", "{z}"),
        (
            'name = "a"\nkind = "xyz"\ndatum = "wgs84"\nurl = "https://a.example;*/{z}/{x}/{y}"',
            "url",
            "plain host",
        ),
        (
            'name = "a"\nkind = "xyz"\ndatum = "wgs84"\nurl = "https://webrd01.is.autonavi.com/{z}/{x}/{y}"',
            "url",
            "GCJ-02",
        ),
        ('name = "a"\nkind = "mbtiles"\ndatum = "wgs84"', "path", "nothing"),
        ('name = "a"\nkind = "mbtiles"\ndatum = "wgs84"\npath = "../x"', "path", "inside"),
        ('name = "a"\nkind = "mbtiles"\ndatum = "wgs84"\npath = "x"', "path", "that is there"),
        (
            'name = "a"\nkind = "pmtiles"\ndatum = "wgs84"\npath = "workspace.toml"',
            "path",
            "an archive",
        ),
        ('name = "a"\nkind = "xyz"\nurl = "https://a.example/{z}/{x}/{y}"', "datum", ""),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_setting(
    tmp_path: Path, table: str, setting: str, said: str
) -> None:
    with pytest.raises(WorkspaceError) as caught:
        open_plan(declared(tmp_path / "county", table))
    assert f"basemaps.0.{setting}" in str(caught.value)
    assert said in str(caught.value)


def test_base_maps_do_not_change_the_plan_s_version(tmp_path: Path) -> None:
    bare = open_plan(County().write(tmp_path / "bare"))
    with_map = open_plan(declared(tmp_path / "with", TIANDITU))
    assert with_map.version == bare.version
    assert with_map.settings.basemaps[0].origins == ("https://t0.tianditu.gov.cn",)


# ---- the service ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("basemaps") / "county"
    folder.mkdir()
    write_mbtiles(folder / "a.mbtiles", {(0, 0, 0): RED})
    path = declared(
        folder,
        'name = "</script><img src=x onerror=alert(1)>"\nkind = "mbtiles"\ndatum = "wgs84"\n'
        'path = "a.mbtiles"\nattribution = "${alert(2)}"',
        TIANDITU,
        'name = "政务"\nkind = "wmts"\ndatum = "cgcs2000"\n'
        'url = "https://tiles.example.gov:8443/w?TILEMATRIX={z}&TILEROW={y}&TILECOL={x}"',
    )
    with TestClient(create_app(Running.open(path))) as found:
        yield found


def test_pages_may_load_pictures_from_the_declared_origins_alone(client: TestClient) -> None:
    policy = client.get("/maps/overview").headers["content-security-policy"]
    parts = {part.split()[0]: part.split()[1:] for part in policy.split(";")}
    assert parts["img-src"] == [
        "'self'",
        "data:",
        "blob:",
        "https://t0.tianditu.gov.cn",
        "https://tiles.example.gov:8443",
    ]
    for name, sources in parts.items():
        if name != "img-src":
            assert not [source for source in sources if source.startswith("http")], name


def test_an_archive_s_pictures_are_served_from_our_own_origin(client: TestClient) -> None:
    answer = client.get("/basemaps/0/0/0/0")
    assert answer.content == RED
    assert answer.headers["content-type"] == "image/png"
    assert client.get("/basemaps/0/1/0/0").content != RED  # clear, so that no error is logged
    again = client.get("/basemaps/0/0/0/0", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/basemaps/1/0/0/0", 404),
        ("/basemaps/9/0/0/0", 404),
        ("/basemaps/-1/0/0/0", 404),
        ("/basemaps/0/0/1/0", 404),
        ("/basemaps/a/0/0/0", 400),
    ],
)
def test_there_are_no_other_tiles(client: TestClient, path: str, status: int) -> None:
    assert client.get(path).status_code == status


def test_a_page_that_stands_alone_has_no_base_map(tmp_path: Path) -> None:
    running = Running.open(declared(tmp_path / "county", TIANDITU))
    drawn = draw(running.review)
    assert drawn.content.settings["backdrops"] == []  # type: ignore[attr-defined]
    text = drawn.get_root().render()
    assert KEY not in text
    assert "tianditu.gov.cn" not in text
