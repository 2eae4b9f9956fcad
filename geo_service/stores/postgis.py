"""The shared store, PostgreSQL with PostGIS, for several service processes at once.

Each version has its own table, `<layer>_<twelve digits>`, with a spatial index. These tables and
the catalogue are in one schema of the database (`?schema=` of the address, default
`geo_service`), so a database can contain several counties. A publish is one transaction.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import shapely
import sqlalchemy as sa
from pyarrow import csv

from geo_service.crs import STORAGE_CRS
from geo_service.errors import InvalidQueryError, NotFoundError, StoreError
from geo_service.schema import SCHEMAS, ColumnKind, LayerSchema
from geo_service.stores.catalogued import CataloguedStore
from geo_service.stores.frames import (
    box_shape,
    canonical,
    later_columns,
    with_later_columns,
)
from geo_service.stores.local import LocalStore
from geo_service.stores.seals import DamageError
from geo_service.stores.tables import upgrade, versions
from geo_service.wording import said

if TYPE_CHECKING:
    from pathlib import Path

    from geo_service.stores.base import Box
    from geo_service.stores.entries import Staged, StoredRows
    from geo_service.stores.frames import Condition

SRID = 4490
DEFAULT_SCHEMA = "geo_service"
POOL_SIZE, POOL_EXTRA, POOL_SECONDS = 5, 10, 30
CONNECT_SECONDS = 10
LOCK_SECONDS = 120
"""How long a publisher waits for another one to finish."""
_ROWS_AT_ONCE = 50_000
_SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,50}")
_ROW = "row_no"
_TYPES: dict[ColumnKind, type[sa.types.TypeEngine[Any]]] = {
    ColumnKind.NUMBER: sa.Double,
    ColumnKind.INTEGER: sa.BigInteger,
    ColumnKind.BOOLEAN: sa.Boolean,
    ColumnKind.DATE: sa.DateTime,
}
_UNDEFINED_TABLE, _DISK_FULL = "42P01", "53100"
_DAMAGES = ("22", "42703", "42804", "42846", "42883", "42P01", "XX")
"""First digits of the server's error codes for an altered, dropped or damaged table."""
_SHOWN_IN_ADDRESS = ("host", "port", "schema")


class _Geometry(sa.types.UserDefinedType[bytes]):
    """A PostGIS geometry in EPSG:4490, read as WKB."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:  # noqa: ANN401 - SQLAlchemy's signature
        return f"geometry(Geometry,{SRID})"

    def column_expression(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.func.ST_AsBinary(column, type_=sa.LargeBinary)


class PostgisStore(CataloguedStore):
    """Versions and saved results in a database.

    The constructor connects and brings the catalogue's tables up to date.
    """

    def __init__(self, address: str, county_code: str) -> None:
        super().__init__(county_code)
        try:
            url = sa.make_url(address)
        except sa.exc.ArgumentError:
            msg = said("problem.store_address")
            raise StoreError(msg) from None
        self._schema, self._url = _schema_of(url)
        self._secret = url.password or str(url.query.get("password", ""))
        self._shown = _shown(url)
        key = hashlib.sha256(f"geo_service|{self._schema}".encode()).digest()[:8]
        self._lock_key = int.from_bytes(key, signed=True)
        try:
            self._engine = sa.create_engine(
                self._url,
                pool_size=POOL_SIZE,
                max_overflow=POOL_EXTRA,
                pool_timeout=POOL_SECONDS,
                pool_pre_ping=True,
                hide_parameters=True,
                connect_args={
                    "connect_timeout": CONNECT_SECONDS,
                    "application_name": "geo-service",
                    "options": f"-csearch_path={self._schema},public -cTimeZone=UTC",
                },
            )
        except ModuleNotFoundError:
            msg = said("problem.needs_psycopg")
            raise StoreError(msg) from None
        try:
            self._prepare()
        except BaseException:
            self._engine.dispose()
            raise

    @property
    def shown(self) -> str:
        """Return the address without its password."""
        return self._shown

    def close(self) -> None:
        """Close connections."""
        self._engine.dispose()

    def copy_to(self, folder: Path) -> None:
        """Make an embedded store in an empty folder that has all that this one has at one moment.

        Publishers wait only until the moment is fixed and its tables are kept from being dropped.
        """
        reading = self._engine.connect().execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        with self._store_errors(), reading as connection:
            with self._locked():
                quote = connection.dialect.identifier_preparer.quote
                for place in connection.scalars(sa.select(versions.c.place).distinct()).all():
                    connection.exec_driver_sql(f"LOCK TABLE {quote(place)} IN ACCESS SHARE MODE")
            copy = LocalStore(folder, self._county_code)
            try:
                copy.take_over(_OneMoment(self, connection))
            finally:
                copy.close()

    # ---- connections --------------------------------------------------------------------------

    def _prepare(self) -> None:
        with self._store_errors(), self._engine.begin() as connection:
            self._take_lock(connection)
            if not connection.scalar(
                sa.text("SELECT 1 FROM pg_namespace WHERE nspname = :name"),
                {"name": self._schema},
            ):
                connection.execute(sa.schema.CreateSchema(self._schema, if_not_exists=True))
            if not connection.scalar(
                sa.text("SELECT 1 FROM pg_extension WHERE extname = 'postgis'")
            ):
                connection.exec_driver_sql("CREATE EXTENSION postgis WITH SCHEMA public")
            upgrade(connection)
            self._claim(connection)

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection | None]:
        with (
            self._store_errors(),
            self._engine.connect().execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            ) as connection,
        ):
            yield connection

    @contextmanager
    def _locked(self) -> Iterator[sa.Connection]:
        with self._store_errors(), self._engine.begin() as connection:
            self._take_lock(connection)
            yield connection

    def _take_lock(self, connection: sa.Connection) -> None:
        """Wait for other writers; the lock ends with the transaction."""
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(self._lock_key)))

    @contextmanager
    def _store_errors(self) -> Iterator[None]:
        """Turn the server's errors into StoreError, without passwords or rows' values."""
        try:
            with self._sound():
                yield
        except sa.exc.DBAPIError as error:
            if _is_damage(error):
                raise self._broken(self._reason(error)) from None
            is_full = getattr(error.orig, "sqlstate", None) == _DISK_FULL
            raise self._stopped(self._reason(error), is_full=is_full) from None
        except sa.exc.TimeoutError:
            reason = "no connection was free"
            raise self._stopped(reason) from None

    def _reason(self, error: sa.exc.DBAPIError) -> str:
        """Return the server's message in one line, without a password."""
        diagnosis = getattr(error.orig, "diag", None)
        reason = getattr(diagnosis, "message_primary", None) or str(error.orig)
        line = reason.strip().splitlines()[0] if reason.strip() else "no reason given"
        return line.replace(self._secret, "***") if self._secret else line

    # ---- rows ---------------------------------------------------------------------------------

    @contextmanager
    def _staging(
        self, staged: Iterable[Staged]
    ) -> Iterator[tuple[sa.Connection, list[StoredRows]]]:
        with self._store_errors(), self._engine.begin() as connection:
            locations: list[StoredRows] = [
                (self._write(connection, layer, frame), None) for layer, frame, _ in staged
            ]
            self._take_lock(connection)
            yield connection, locations

    def _write(self, connection: sa.Connection, layer: str, frame: pd.DataFrame) -> str:
        """Make a table with the rows and their indexes; others see it after the commit."""
        table_name = f"{layer}_{secrets.token_hex(6)}"
        table = _table(layer, table_name)
        table.create(connection)
        raw: Any = connection.connection.driver_connection
        quote = connection.dialect.identifier_preparer.quote
        with raw.cursor().copy(f"COPY {quote(table_name)} FROM STDIN (FORMAT csv)") as copy:
            for start in range(0, len(frame), _ROWS_AT_ONCE):
                copy.write(_as_csv(frame.iloc[start : start + _ROWS_AT_ONCE]))
        for index in _indexes(table, SCHEMAS[layer]):
            index.create(connection)
        connection.exec_driver_sql(f"ANALYZE {quote(table_name)}")
        return table_name

    def _read_rows(
        self,
        connection: sa.Connection,
        layer: str,
        stored: StoredRows,
        bbox: Box | None,
        conditions: tuple[Condition, ...],
    ) -> pd.DataFrame:
        table = _table(layer, stored[0])
        lacking = self._lacking(connection, layer, stored[0])
        columns = [column for column in table.c if column.name not in {_ROW, *lacking}]
        query = sa.select(*columns).order_by(table.c[_ROW])
        for condition in conditions:
            if condition.column not in lacking:
                query = query.where(_clause(table.c[condition.column], condition))
            elif not condition.allows_missing:
                query = query.where(sa.false())
        if bbox is not None:
            query = query.where(_meets(table, bbox))
        try:
            rows = connection.execute(query).all()
        except sa.exc.DBAPIError as error:
            if not _is_damage(error):
                raise
            if getattr(error.orig, "sqlstate", None) != _UNDEFINED_TABLE:
                raise DamageError(self._reason(error)) from None
            msg = said("problem.version_gone", layer=repr(layer))
            raise NotFoundError(msg) from None
        frame = _frame([column.name for column in columns], rows)
        return canonical(with_later_columns(frame, layer), layer)

    @staticmethod
    def _lacking(connection: sa.Connection, layer: str, table_name: str) -> frozenset[str]:
        """Return the columns of a layer that came after one of its tables was made."""
        attributes = sa.table("pg_attribute", sa.column("attname"), sa.column("attrelid"))
        quoted = connection.dialect.identifier_preparer.quote(table_name)
        query = sa.select(attributes.c.attname).where(
            attributes.c.attrelid == sa.func.to_regclass(quoted)
        )
        found = set(connection.execute(query).scalars())
        # Of a table that is gone nothing is known; what reads it will say so.
        return later_columns(layer) - found if found else frozenset()

    def _drop(self, connection: sa.Connection, locations: Sequence[str]) -> None:
        """Drop tables, waiting for their readers."""
        for location in locations:
            layer = location.rpartition("_")[0]
            _table(layer, location).drop(connection, checkfirst=True)

    def _dropped(self, locations: Sequence[str]) -> None:
        """Do nothing: tables were dropped in the transaction."""


class _OneMoment(PostgisStore):
    """A store as one transaction sees it; it is only read."""

    def __init__(self, store: PostgisStore, connection: sa.Connection) -> None:
        vars(self).update(vars(store))
        self._one = connection
        self._open_records()

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection | None]:
        with self._store_errors():
            yield self._one


def _is_damage(error: sa.exc.DBAPIError) -> bool:
    """Return whether an error shows that a table is not as it was made."""
    return str(getattr(error.orig, "sqlstate", None) or "").startswith(_DAMAGES)


def _schema_of(url: sa.URL) -> tuple[str, sa.URL]:
    """Return the schema that an address names, and the address in the driver's form."""
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        msg = said("problem.store_backend", name=repr(url.get_backend_name()))
        raise StoreError(msg)
    schema = url.query.get("schema", DEFAULT_SCHEMA)
    if not isinstance(schema, str) or not _SCHEMA_NAME.fullmatch(schema):
        msg = said("problem.store_schema")
        raise StoreError(msg)
    plain = url.difference_update_query(["schema"])
    return schema, plain.set(drivername="postgresql+psycopg")


def _shown(url: sa.URL) -> str:
    shown_query = {name: value for name, value in url.query.items() if name in _SHOWN_IN_ADDRESS}
    shown = url.set(drivername="postgresql", query=shown_query)._replace(password=None)
    return shown.render_as_string(hide_password=True)


def _table(layer: str, name: str) -> sa.Table:
    """Return SQLAlchemy's description of a version's table."""
    schema = SCHEMAS[layer]
    columns: list[sa.Column[Any]] = [sa.Column(_ROW, sa.Integer, primary_key=True)]
    columns += [sa.Column(item.name, _TYPES.get(item.kind, sa.Text)) for item in schema.fields]
    if schema.geometry is not None:
        columns.append(sa.Column("geometry", _Geometry))
    return sa.Table(name, sa.MetaData(), *columns)


def _indexes(table: sa.Table, schema: LayerSchema) -> Iterator[sa.Index]:
    if schema.geometry is not None:
        yield sa.Index(f"{table.name}_geo", table.c.geometry, postgresql_using="gist")
    for name in dict.fromkeys((schema.key[0], "park_id")):
        if name in table.c:
            yield sa.Index(f"{table.name}_{name}", table.c[name])


def _as_csv(frame: pd.DataFrame) -> bytes:
    """Return rows as CSV for COPY: missing values empty, empty texts quoted, shapes as EWKB."""
    arrays: dict[str, pa.Array] = {_ROW: pa.array(frame.index.to_numpy(), pa.int64())}
    for name in frame.columns:
        if name == "geometry":
            shapes = shapely.set_srid(frame["geometry"].to_numpy(), SRID)
            texts = shapely.to_wkb(shapes, hex=True, include_srid=True)
            arrays[name] = pa.array(texts, pa.string())
        else:
            arrays[str(name)] = pa.Array.from_pandas(frame[name])
    sink = pa.BufferOutputStream()
    options = csv.WriteOptions(include_header=False, quoting_style="needed")
    csv.write_csv(pa.table(arrays), sink, options)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _frame(names: list[str], rows: Sequence[sa.Row[Any]]) -> pd.DataFrame:
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    columns = {
        name: pd.Series(list(values), dtype="object")
        for name, values in zip(names, cells, strict=True)
    }
    shapes = columns.pop("geometry", None)
    frame = pd.DataFrame(columns, index=pd.RangeIndex(len(rows)))
    if shapes is None:
        return frame
    geometry = gpd.GeoSeries(shapely.from_wkb(shapes.to_numpy()), crs=STORAGE_CRS)
    return gpd.GeoDataFrame(frame, geometry=geometry)


def _clause(column: sa.Column[Any], condition: Condition) -> sa.ColumnElement[bool]:
    is_one = column.in_(condition.allowed) if condition.allowed else sa.false()
    return sa.or_(is_one, column.is_(None)) if condition.allows_missing else is_one


def _meets(table: sa.Table, bbox: Box) -> sa.ColumnElement[bool]:
    if "geometry" not in table.c:
        name = "bbox"
        raise InvalidQueryError(name, said("problem.bbox_table"))
    box = sa.func.ST_GeomFromWKB(shapely.to_wkb(box_shape(bbox)), SRID)
    meets: sa.ColumnElement[bool] = sa.func.ST_Intersects(table.c.geometry, box)
    return meets
