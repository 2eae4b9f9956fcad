"""The embedded store, in the workspace: one immutable file per version, one SQLite catalogue.

`store/layers/<layer>/<version>-<six digits>.parquet` contains rows (GeoParquet, or Parquet for a
table), `store/catalogue.sqlite` the entries. A file is written under another name, synced and
renamed, and its folder synced, before its entry is committed; it is never opened for writing
again. A crash can only leave a file without an entry, which is swept an hour later.

GDAL never opens the catalogue: if GDAL's SQLite and Python's open one file in one process,
acknowledged writes are lost.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely
import sqlalchemy as sa

from geo_service.errors import NotFoundError, StoreError
from geo_service.schema import SCHEMAS
from geo_service.stores.base import CATALOGUE, CREATED_MARK, VERSION_LENGTH
from geo_service.stores.catalogued import CataloguedStore
from geo_service.stores.frames import canonical, later_columns, meeting, with_later_columns
from geo_service.stores.seals import DamageError
from geo_service.stores.tables import CHECKED, HEAD, revision, sessions, upgrade, versions
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.stores.base import Box
    from geo_service.stores.entries import Staged, StoredRows
    from geo_service.stores.frames import Condition

LAYERS = "layers"
BUSY_SECONDS = 30
ORPHAN_SECONDS = 3600
"""Age from which a file without an entry is no longer waiting for one."""
_ALONE_SECONDS = 0.1
"""How long an exclusive connection waits for others before it gives way to them."""
_FREE_BYTES = 65_536
"""Free space below which a disk counts as full."""
_CHECKED_FILES = 10_000
"""Number of files whose checked checksums are remembered."""
_ROWS_A_GROUP = 16_384
"""Rows that a query by bbox or value reads or skips together."""


class LocalStore(CataloguedStore):
    """Versions and saved results in a folder of the workspace.

    Nothing is created in the folder before the first write, so a workspace may be on a
    read-only disk.
    """

    def __init__(self, folder: Path, county_code: str) -> None:
        super().__init__(county_code)
        self._folder = folder
        self._path = folder / CATALOGUE
        self._lock = threading.Lock()
        self._engine: sa.Engine | None = None
        self._inode: tuple[int, int] | None = None
        self._is_writable = False
        self._checked: dict[str, tuple[str, int, int]] = {}

    @property
    def shown(self) -> str:
        """Return the folder's path."""
        return str(self._folder)

    def close(self) -> None:
        """Close connections."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
            self._engine, self._inode, self._is_writable = None, None, False

    def copy_to(self, folder: Path) -> None:
        """Make an embedded store in an empty folder that has all that this one has at one moment.

        Writers wait while the files of rows are linked; the catalogue is copied after that, as it
        was at that moment.
        """
        with self._store_errors(), self._lock:
            if self._opened() is None:
                return
        with self._store_errors(), contextlib.closing(self._connect()) as source:
            is_writable = os.access(self._folder, os.W_OK)
            with self._locked() if is_writable else contextlib.nullcontext():
                source.execute("BEGIN")
                for (place,) in source.execute("SELECT DISTINCT place FROM layer_versions"):
                    _link(self._folder / LAYERS / place, folder / LAYERS / place)
            with contextlib.closing(sqlite3.connect(folder / CATALOGUE)) as target:
                source.backup(target)
                with target:
                    target.execute(f"DELETE FROM {sessions.name}")  # noqa: S608 - a table of ours
            (folder / CREATED_MARK).touch()

    # ---- connections --------------------------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection | None]:
        with self._store_errors(), self._lock:
            engine = self._opened()
        if engine is None:
            yield None
            return
        with self._store_errors(), engine.connect() as connection:
            yield connection

    @contextmanager
    def _locked(self) -> Iterator[sa.Connection]:
        with self._store_errors():
            with self._lock:
                engine = self._opened_for_writing()
            writing = engine.connect().execution_options(immediate=True)
            with writing as connection, connection.begin():
                yield connection

    @contextmanager
    def _store_errors(self) -> Iterator[None]:
        """Turn errors of SQLite and the file system into StoreError."""
        try:
            with self._sound():
                yield
        except (sa.exc.DBAPIError, sqlite3.Error) as error:
            raise self._failed(error) from error
        except (OSError, pa.ArrowException) as error:
            reason = getattr(error, "strerror", None) or str(error)
            is_full = getattr(error, "errno", None) in {errno.ENOSPC, errno.EDQUOT}
            raise self._stopped(reason, is_full=is_full) from error

    def _failed(self, error: sa.exc.DBAPIError | sqlite3.Error) -> StoreError:
        """Return SQLite's error as StoreError: a full disk, damage, or another failure."""
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        name = str(getattr(cause, "sqlite_errorname", ""))
        if not name.startswith(_NO_DAMAGE) and not isinstance(cause, sqlite3.ProgrammingError):
            return self._broken(str(cause))
        is_said = name.startswith("SQLITE_FULL")
        is_full = is_said or (_lacks_room(cause) and self._is_disk_full())
        return self._stopped(str(cause), is_full=is_full)

    def _is_disk_full(self) -> bool:
        with contextlib.suppress(OSError):
            return shutil.disk_usage(self._folder).free < _FREE_BYTES
        return False

    def _opened(self) -> sa.Engine | None:
        """Return the engine of the catalogue, brought up to date; None if there is no catalogue."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            self._check_created()
            return None
        inode = (status.st_dev, status.st_ino)
        if self._engine is not None and inode != self._inode:  # the file was replaced
            self._engine.dispose()
            self._engine, self._is_writable = None, False
        if self._engine is None:
            engine = self._made_engine()
            try:
                if not self._is_current(engine):
                    engine.dispose()
                    return None
            except BaseException:
                engine.dispose()
                raise
            self._engine, self._inode = engine, inode
        return self._engine

    def _is_current(self, engine: sa.Engine) -> bool:
        """Bring a catalogue up to date; return False if it is empty.

        A crash before the first commit leaves an empty one.
        """
        with engine.connect() as connection:
            at = revision(connection)
            if at is None:
                self._check_created()
                _check_blank(connection)
            if at == HEAD:
                _check_tables(connection)
                self._claim(connection)
        if at is not None and at != HEAD:
            _upgrade(engine, self._claim)
        return at is not None

    def _check_created(self) -> None:
        """Make sure that a catalogue that is missing or empty was not lost."""
        if (self._folder / CREATED_MARK).exists():
            reason = "missing"
            raise DamageError(reason)

    def _opened_for_writing(self) -> sa.Engine:
        """Return the engine of the catalogue, making the catalogue if there is none."""
        engine = self._opened()
        if engine is None:
            _make_folder(self._folder)
            engine = self._made_engine()
            try:
                _set_wal(engine)
                _upgrade(engine, self._claim)
                _sync(self._folder)
            except BaseException:
                engine.dispose()
                raise
            status = self._path.stat()
            self._engine, self._inode = engine, (status.st_dev, status.st_ino)
        if not self._is_writable:
            self._mark_created(engine)
            self._sweep(engine)
            self._is_writable = True
        return engine

    def _mark_created(self, engine: sa.Engine) -> None:
        """Create the file that marks a complete catalogue on the disk."""
        mark = self._folder / CREATED_MARK
        if not mark.exists():
            with engine.connect() as connection:
                self._claim(connection)
            mark.touch()
            _sync(self._folder)

    def _made_engine(self) -> sa.Engine:
        engine = sa.create_engine("sqlite://", creator=self._connect, poolclass=sa.QueuePool)
        sa.event.listen(engine, "begin", _begin)
        sa.event.listen(engine, "checkin", _drop_exclusive)
        return engine

    def _connect(self) -> sqlite3.Connection:
        """Open the catalogue; on a read-only disk in a way that needs no file beside it.

        A full disk also has no room for the connections' shared-memory file (`-shm`): there the
        catalogue is opened exclusively, which keeps that memory inside the process.
        """
        address = self._path.resolve().as_uri()
        if self._path.exists() and not os.access(self._folder, os.W_OK):
            is_used = self._path.with_name(f"{CATALOGUE}-wal").exists()
            address += "?mode=ro" if is_used else "?immutable=1"
        ends = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                return _connected(address, sqlite3.Connection)
            except sqlite3.OperationalError as error:
                if not _lacks_room(error):
                    raise
            try:
                return _connected(address, _Alone)
            except sqlite3.OperationalError as error:  # two exclusive openers block each other
                if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > ends:
                    raise
            time.sleep(secrets.randbelow(50) / 1000)

    # ---- rows ---------------------------------------------------------------------------------

    @contextmanager
    def _staging(
        self, staged: Iterable[Staged]
    ) -> Iterator[tuple[sa.Connection, list[StoredRows]]]:
        locations: list[str] = []
        sums: list[str] = []
        try:
            with self._store_errors():
                for layer, frame, digest in staged:
                    name = f"{digest[:VERSION_LENGTH]}-{secrets.token_hex(3)}.parquet"
                    locations.append(f"{layer}/{name}")
                    sums.append(self._write(self._folder / LAYERS / layer / name, frame))
        except BaseException:
            self._dropped(locations)
            raise
        with self._locked() as connection:
            try:
                self._check_there(locations)
                yield connection, list(zip(locations, sums, strict=True))
            except BaseException:  # before the commit, so nothing refers to these files
                self._dropped(locations)
                raise

    def _check_there(self, locations: Sequence[str]) -> None:
        """Check that no file was swept before its entry: this process may have been suspended."""
        if not all((self._folder / LAYERS / location).exists() for location in locations):
            msg = said("problem.store_swept", store=self.shown)
            raise StoreError(msg)

    def _write(self, path: Path, frame: pd.DataFrame) -> str:
        """Write rows to a new file, complete and durable on return; return its checksum."""
        _make_folder(path.parent)
        part = path.with_name(path.name + ".part")
        options: dict[str, Any] = {
            "compression": "zstd",
            "row_group_size": _ROWS_A_GROUP,
            "write_page_checksum": True,
        }
        try:
            if isinstance(frame, gpd.GeoDataFrame):
                frame.to_parquet(
                    part, schema_version="1.1.0", write_covering_bbox=True, index=False, **options
                )
            else:
                frame.to_parquet(part, index=False, **options)
            checksum = _checksum(part)
            _sync(part)
            part.rename(path)
            _sync(path.parent)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink()
            raise
        return checksum

    def _read_rows(
        self,
        connection: sa.Connection,  # noqa: ARG002 - the other store reads through it
        layer: str,
        stored: StoredRows,
        bbox: Box | None,
        conditions: tuple[Condition, ...],
    ) -> pd.DataFrame:
        schema = SCHEMAS[layer]
        path = self._folder / LAYERS / stored[0]
        try:
            self._check_file(path, stored[1])
            lacking = later_columns(layer) - set(pq.read_schema(path).names)
            present = tuple(item for item in conditions if item.column not in lacking)
            columns = [*schema.columns, *(() if schema.geometry is None else ("geometry",))]
            options: dict[str, Any] = {
                "columns": [name for name in columns if name not in lacking],
                "filters": _expression(present),
                "page_checksum_verification": True,
            }
            if schema.geometry is None:
                frame = pd.read_parquet(path, **options)
            else:
                frame = gpd.read_parquet(path, bbox=bbox, **options)
        except FileNotFoundError:
            msg = said("problem.version_gone", layer=repr(layer))
            raise NotFoundError(msg) from None
        except (pa.ArrowException, shapely.errors.ShapelyError, IsADirectoryError) as error:
            raise DamageError(str(error)) from error
        if any(item.column in lacking and not item.allows_missing for item in conditions):
            frame = frame.iloc[:0]
        return canonical(with_later_columns(meeting(frame, bbox), layer), layer)

    def _check_file(self, path: Path, checksum: str | None) -> None:
        """Check, before a file is first read, that its bytes are those that were written.

        Raises DamageError if they are not: a damaged file could lead its reader astray.
        """
        if checksum is None:
            return
        status = path.stat()
        seen = (checksum, status.st_size, status.st_mtime_ns)
        if self._checked.get(path.name) == seen:
            return
        if _checksum(path) != checksum:
            reason = "checksum"
            raise DamageError(reason)
        if len(self._checked) >= _CHECKED_FILES:
            self._checked.clear()
        self._checked[path.name] = seen

    def _drop(self, connection: sa.Connection, locations: Sequence[str]) -> None:
        """Do nothing: files are removed after the transaction (`_dropped`)."""

    def _dropped(self, locations: Sequence[str]) -> None:
        for location in locations:
            with contextlib.suppress(OSError):  # remaining files are swept later
                (self._folder / LAYERS / location).unlink()

    def _sweep(self, engine: sa.Engine) -> None:
        """Remove old files without an entry, while no writer can be adding one."""
        before = time.time() - ORPHAN_SECONDS
        with engine.connect().execution_options(immediate=True) as connection, connection.begin():
            known = set(connection.scalars(sa.select(versions.c.place)))
            for path in (self._folder / LAYERS).glob("*/*.parquet*"):
                if f"{path.parent.name}/{path.name}" in known:
                    continue
                with contextlib.suppress(OSError):
                    if path.stat().st_mtime < before:
                        path.unlink()


def _link(path: Path, target: Path) -> None:
    """Give an immutable file a second name; a copy where the system cannot."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.hardlink_to(path)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(path, target)


def _check_tables(connection: sa.Connection) -> None:
    """Check the tables that decide about versions; raises DamageError if one is damaged."""
    for table in CHECKED:
        found = connection.exec_driver_sql(f"PRAGMA integrity_check('{table.name}')").scalar()
        if found != "ok":
            raise DamageError(str(found))


def _check_blank(connection: sa.Connection) -> None:
    """Make sure that a catalogue without a revision has no tables either."""
    if connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar():
        reason = "no form"
        raise DamageError(reason)


def _checksum(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class _Alone(sqlite3.Connection):
    """An exclusive connection; closed as soon as its work is done."""


def _connected(address: str, kind: type[sqlite3.Connection]) -> sqlite3.Connection:
    """Open a catalogue and read its first page; raises sqlite3.OperationalError on failure."""
    connection = sqlite3.connect(
        address,
        uri=True,
        isolation_level=None,
        timeout=_ALONE_SECONDS if kind is _Alone else BUSY_SECONDS,
        check_same_thread=False,
        factory=kind,
    )
    try:
        if kind is _Alone:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("SELECT count(*) FROM sqlite_master")
    except BaseException:
        connection.close()
        raise
    return connection


def _drop_exclusive(connection: object, record: sa.pool.ConnectionPoolEntry) -> None:
    """Remove an exclusive connection from the pool."""
    if isinstance(connection, _Alone):
        record.invalidate()


_NO_DAMAGE = tuple(
    f"SQLITE_{name}"
    for name in (
        "FULL",
        "IOERR",
        "BUSY",
        "LOCKED",
        "READONLY",
        "CANTOPEN",
        "PERM",
        "AUTH",
        "NOMEM",
        "INTERRUPT",
        "PROTOCOL",
        "CONSTRAINT",
    )
)
"""SQLite's answer for a sound catalogue."""


def _lacks_room(error: BaseException | None) -> bool:
    """Return whether SQLite could not write, or could not enlarge a file."""
    name = str(getattr(error, "sqlite_errorname", ""))
    return name == "SQLITE_FULL" or name.startswith("SQLITE_IOERR")


def _begin(connection: sa.Connection) -> None:
    """Begin a transaction; one that will write takes the writers' lock at once."""
    is_write = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")


def _set_wal(engine: sa.Engine) -> None:
    """Let readers read during writes (WAL); several processes may call this at once."""
    ends = time.monotonic() + BUSY_SECONDS
    while True:
        raw = engine.raw_connection()
        try:
            raw.cursor().execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if time.monotonic() > ends or _lacks_room(error):
                raise
            time.sleep(0.05)
        else:
            return
        finally:
            raw.close()


def _upgrade(engine: sa.Engine, claim: Any) -> None:  # noqa: ANN401 - a function of a connection
    with engine.connect().execution_options(immediate=True) as connection, connection.begin():
        upgrade(connection)
        claim(connection)


def _expression(conditions: tuple[Condition, ...]) -> pc.Expression | None:
    """Return conditions as an expression that Arrow evaluates while reading."""
    whole: pc.Expression | None = None
    for condition in conditions:
        column = pc.field(condition.column)
        one = column.isin(list(condition.allowed)) if condition.allowed else pc.scalar(value=False)
        if condition.allows_missing:
            one = one | column.is_null()
        whole = one if whole is None else whole & one
    return whole


def _make_folder(folder: Path) -> None:
    """Make a folder and its parents, each durable in its own parent."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync(folder.parent)


def _sync(path: Path) -> None:
    """Sync a file's content, or a folder's list of names, to the disk."""
    if os.name == "nt" and path.is_dir():  # Windows cannot sync folders
        return
    flags = os.O_RDONLY if os.name != "nt" else os.O_RDWR
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
