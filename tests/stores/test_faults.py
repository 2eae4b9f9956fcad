"""What goes wrong: full disks, read-only ground, damaged files, servers that are not there."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal

from geo_service.errors import NotFoundError, StoreError
from geo_service.stores import local
from geo_service.stores.base import CATALOGUE, REVIEW, Store
from geo_service.stores.opening import has_password, open_store, without_password
from tests.conftest import ROOT
from tests.stores.cluster import address
from tests.stores.conftest import COUNTY, Place
from tests.stores.made import fill_up, saved
from tests.stores.rows import draft, parcels
from tests.warm import start

pytestmark = pytest.mark.slow

ENOUGH = 30_000
"""Parcels that take more than the small disk has."""


def fill_and_check(folder: Path) -> None:
    """Publish too much: a clear error, and the old version is still there."""
    large = parcels(ENOUGH)
    large["source"] = [os.urandom(60).hex() for _ in range(ENOUGH)]  # cannot be compressed
    with closing(open_store(folder, COUNTY)) as store:
        (first,) = store.publish([draft(parcels(2))])
        with pytest.raises(StoreError, match=r"failed: .*(space|large)"):
            store.publish([draft(large, expected=first.version)])
        assert store.newest()["parcels"] == first
        assert_frame_equal(store.read("parcels", first.version), parcels(2))
        assert not list((folder / "store").rglob("*.part"))
        assert len(list((folder / "store").rglob("*.parquet"))) == 1
        (second,) = store.publish([draft(parcels(3), expected=first.version)])
    with closing(open_store(folder, COUNTY)) as store:
        assert store.newest()["parcels"] == second


def test_a_full_disk_is_told_and_leaves_the_old_version(small_disk: Path) -> None:
    fill_and_check(small_disk)


def test_a_file_that_may_grow_no_larger_is_told_too(tmp_path: Path) -> None:
    """The same without root: the process may write no file of more than 300 kB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old_handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
    try:
        fill_and_check(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old_handler)


def test_a_catalogue_on_a_full_disk_says_so_and_keeps_what_it_has(small_disk: Path) -> None:
    with closing(open_store(small_disk, COUNTY)) as store:
        store.publish([draft(parcels(2))])
        store.save(saved("r0"), {"d": b"0"})
        with pytest.raises(StoreError, match="full"):
            fill_with_results(store)
        count = store.count_saved(REVIEW)
        assert 0 < count < 100
        for number in range(count):
            assert store.document(REVIEW, f"r{number}", "d")
    with closing(open_store(small_disk, COUNTY)) as store:
        assert store.count_saved(REVIEW) == count


def test_a_full_disk_can_be_read_and_refuses_clearly(small_disk: Path) -> None:
    """Without room even for the memory that SQLite's connections share."""
    with closing(open_store(small_disk, COUNTY)) as store:
        (first,) = store.publish([draft(parcels(2))])
        store.save(saved("r0"), {"d": b"0"})
    fill = small_disk / "fill"
    fill_up(fill)
    with (
        closing(open_store(small_disk, COUNTY)) as store,
        closing(open_store(small_disk, COUNTY)) as other,
    ):
        for one in (store, other, store):
            assert one.newest()["parcels"] == first
            assert_frame_equal(one.read("parcels", first.version), parcels(2))
        with ThreadPoolExecutor(4) as pool:
            counts = list(pool.map(lambda one: one.count_saved(REVIEW), [store, other] * 4))
        assert counts == [1] * 8
        for write in (
            lambda: store.publish([draft(parcels(3), expected=first.version)]),
            lambda: store.save(saved("r1"), {"d": os.urandom(100_000)}),
        ):
            with pytest.raises(StoreError, match=r"full|No space"):
                write()
        fill.unlink()
        (second,) = store.publish([draft(parcels(3), expected=first.version)])
        assert other.newest()["parcels"] == second


def test_a_catalogue_that_has_no_room_is_told_at_once(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_up(small_disk / "fill")
    monkeypatch.setattr(local, "BUSY_SECONDS", 3600)  # a wait would not end here
    with (
        closing(open_store(small_disk, COUNTY)) as store,
        pytest.raises(StoreError, match=r"full|No space"),
    ):
        store.save(saved("r0"), {"d": b"0"})


def fill_with_results(store: Store) -> None:
    """Save results until there is no room."""
    for number in range(1, 100):
        store.save(saved(f"r{number}"), {"d": os.urandom(100_000)})


READ_ONLY = """
import os, sys
from pathlib import Path
from geo_service.errors import StoreError
from geo_service.stores.opening import open_store
from geo_service.wording import said
from tests.stores.rows import draft, parcels
import tempfile
with tempfile.TemporaryDirectory() as warm:  # what is imported late is not for nobody's eyes
    store = open_store(Path(warm), "999999")
    store.publish([draft(parcels(3))])
    store.read("parcels", "1")
    store.close()
    str(StoreError(said("problem.no_file")))
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
store = open_store(Path(sys.argv[1]), "999999")
newest = store.newest().get("parcels")
print(newest.number if newest else None)
try:
    store.publish([draft(parcels(3), expected=newest.version if newest else None)])
except StoreError as error:
    print(error)
print(len(store.read("parcels", "1")) if newest else 0)
store.close()
"""


@pytest.mark.parametrize("is_published", [True, False])
def test_read_only_ground_can_be_read_and_refuses_clearly(*, is_published: bool) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        with closing(open_store(folder, COUNTY)) as store:
            if is_published:
                store.publish([draft(parcels(2))])
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        command = [sys.executable, "-c", READ_ONLY, str(folder)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            command, env=environment, cwd="/", capture_output=True, text=True, check=True
        )
        newest, refused, rows = done.stdout.splitlines()
        assert newest == ("1" if is_published else "None")
        assert refused.startswith(f"The store {folder}/store failed: ")
        assert any(word in refused.lower() for word in ("denied", "read-only", "readonly"))
        assert rows == ("2" if is_published else "0")
    finally:
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755)
        shutil.rmtree(folder)


def test_a_damaged_file_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    with closing(open_store(tmp_path, COUNTY)) as store:
        (first,) = store.publish([draft(parcels(200))])
        (path,) = (tmp_path / "store").rglob("*.parquet")
        content = bytearray(path.read_bytes())
        content[500] ^= 0xFF
        store.publish([draft(parcels(3), expected=first.version)])
        path.write_bytes(content)
        with pytest.raises(StoreError, match="failed"):
            store.read("parcels", "1")
        assert len(store.read("parcels", "2")) == 3
        path.unlink()
        with pytest.raises(NotFoundError, match="no longer in the store"):
            store.read("parcels", "1")


def test_what_a_crash_left_is_swept_an_hour_later_and_nothing_else(tmp_path: Path) -> None:
    with closing(open_store(tmp_path, COUNTY)) as store:
        (first,) = store.publish([draft(parcels(1))])
    folder = tmp_path / "store" / "layers" / "parcels"
    old, young = folder / "a-1.parquet", folder / "b-2.parquet.part"
    for path in (old, young, folder / "readme.txt"):
        path.write_bytes(b"x")
    ago = time.time() - local.ORPHAN_SECONDS - 10
    for path in folder.iterdir():
        if path != young:
            os.utime(path, (ago, ago))
    with closing(open_store(tmp_path, COUNTY)) as store:
        store.publish([draft(parcels(2), expected=first.version)])
        assert len(store.read("parcels", "1")) == 1
    assert not old.exists()
    assert young.exists()
    assert (folder / "readme.txt").exists()


def test_an_empty_catalogue_of_a_crash_is_a_new_store(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / CATALOGUE).touch()
    with closing(open_store(tmp_path, COUNTY)) as store:
        assert store.newest() == {}
        store.publish([draft(parcels(1))])
        assert store.newest()["parcels"].number == 1


def test_a_file_that_is_no_catalogue_is_told(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / CATALOGUE).write_bytes(b"not a database at all" * 100)
    with (
        closing(open_store(tmp_path, COUNTY)) as store,
        pytest.raises(StoreError, match="database"),
    ):
        store.newest()


def test_a_catalogue_that_was_put_in_the_place_of_another_is_seen(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, count in ((one, 1), (other, 5)):
        folder.mkdir()
        with closing(open_store(folder, COUNTY)) as store:
            store.publish([draft(parcels(count))])
    with closing(open_store(one, COUNTY)) as store:
        assert store.newest()["parcels"].features == 1
        shutil.rmtree(one / "store")
        shutil.copytree(other / "store", one / "store")
        assert store.newest()["parcels"].features == 5


# ---- the server -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("postgresql://geo:hunter2@127.0.0.1:1/none", "refused"),
        ("postgresql://geo@/none?host=/nowhere&password=hunter2", "No such file"),
        ("mysql://geo:hunter2@127.0.0.1/none", "'mysql' is not known"),
        ("not an address hunter2", "cannot be read"),
        ('postgresql://geo:hunter2@127.0.0.1/none?schema="; DROP', "must be small letters"),
    ],
)
def test_a_server_that_cannot_be_used_is_told_without_its_password(
    tmp_path: Path, given: str, message: str
) -> None:
    with pytest.raises(StoreError, match=message) as raised:
        open_store(tmp_path, COUNTY, given)
    shown = str(raised.value)
    cause: BaseException | None = raised.value
    while cause is not None:
        shown += repr(cause)
        cause = cause.__cause__
    assert "hunter2" not in shown


def test_a_password_is_known_and_can_be_left_out() -> None:
    assert has_password("postgresql://a:b@c/d")
    assert has_password("postgresql://a@c/d?password=b")
    assert not has_password("postgresql://a@c/d")
    assert not has_password("local")
    assert without_password("postgresql://a:b@c/d?schema=x") == "postgresql://a@c/d?schema=x"


def test_a_store_in_use_when_the_server_drops_its_connections_goes_on(
    shared_place: Place, cluster: Path
) -> None:
    import psycopg  # noqa: PLC0415 - an extra

    with closing(shared_place.open()) as store:
        store.publish([draft(parcels(2))])
        ended = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        )
        with psycopg.connect(f"host={cluster} user=postgres dbname=postgres") as base:
            base.execute(f"{ended} AND application_name = 'geo-service'")
        assert len(store.read("parcels", "1")) == 2


def test_boxes_and_values_are_sought_by_the_server_s_indexes(
    shared_place: Place, cluster: Path
) -> None:
    import psycopg  # noqa: PLC0415 - an extra

    with closing(shared_place.open()) as store:
        store.publish([draft(parcels(3000))])
    schema = str(shared_place.address).rpartition("=")[2]
    with psycopg.connect(f"host={cluster} user=postgres dbname=postgres") as base:
        base.execute(f"SET search_path TO {schema}, public")
        row = base.execute("SELECT place FROM layer_versions").fetchone()
        assert row is not None
        for condition in (
            "ST_Intersects(geometry, ST_MakeEnvelope(108, 31, 108.1, 31.1, 4490))",
            "parcel_id = 'L7'",
        ):
            asked = f"EXPLAIN SELECT * FROM {row[0]} WHERE {condition}"  # noqa: S608 - our own
            lines = base.execute(asked).fetchall()
            assert "Index" in "\n".join(line[0] for line in lines), condition


WRITER = """
import sys
from pathlib import Path
from geo_service.errors import ConflictError
from geo_service.stores.opening import open_store
from tests.stores.rows import draft, parcels
store = open_store(Path(sys.argv[1]), "999999", sys.argv[2] or None)
done = 0
while done < 3:
    now = store.newest().get("parcels")
    try:
        store.publish([draft(parcels(int(sys.argv[3])), expected=now.version if now else None)])
    except ConflictError:
        continue
    done += 1
store.close()
"""


def test_several_processes_publish_into_one_store(
    place: Place, opening: Callable[[], object], tmp_path: Path
) -> None:
    """Three processes publish three versions each, begun again when another was first."""
    del opening
    log = tmp_path / "log"
    log.touch()
    told = (str(place.folder), place.address or "")
    children = [
        start(["-c", WRITER, *told, str(number)], environment=os.environ, log=log)
        for number in (1, 2, 3)
    ]
    assert [child.wait(timeout=120) for child in children] == [0, 0, 0], log.read_text("utf-8")
    with closing(place.open()) as store:
        history = store.history("parcels")
    assert [entry.number for entry in history] == list(range(9, 0, -1))
    # A version published over an equal one is another number, so that none was lost.
    by_rows = [sum(entry.features == rows for entry in history) for rows in (1, 2, 3)]
    assert by_rows == [3, 3, 3]


def test_an_address_s_schema_is_its_own(cluster: Path, tmp_path: Path) -> None:
    with (
        closing(open_store(tmp_path, "111111", address(cluster, "first_county"))) as one,
        closing(open_store(tmp_path, "222222", address(cluster, "second_county"))) as other,
    ):
        one.publish([draft(parcels(1))])
        assert other.newest() == {}
