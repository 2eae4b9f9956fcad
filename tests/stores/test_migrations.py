"""The catalogue's form: what migrations make is what the code expects, in both databases."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from geo_service.errors import StoreError
from geo_service.stores import local
from geo_service.stores.tables import HEAD, MIGRATIONS, metadata, revision, upgrade
from tests.stores.conftest import Place
from tests.stores.rows import draft, parcels


def engine_of(place: Place) -> sa.Engine:
    """Return a plain engine on a store's catalogue."""
    if place.address is None:
        return sa.create_engine(f"sqlite:///{place.folder}/store/{local.CATALOGUE}")
    url = sa.make_url(place.address)
    schema = url.query["schema"]
    return sa.create_engine(
        url.difference_update_query(["schema"]).set(drivername="postgresql+psycopg"),
        connect_args={"options": f"-csearch_path={schema},public"},
    )


def test_migrations_make_the_tables_that_the_code_expects(place: Place) -> None:
    with closing(place.open()) as store:
        store.publish([draft(parcels(1))])
    engine = engine_of(place)
    own = {*metadata.tables}
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_object": lambda thing, name, kind, *_: (
                    name in own if kind == "table" else thing.table.name in own
                ),
            },
        )
        assert compare_metadata(context, metadata) == []
        assert revision(connection) == HEAD
    engine.dispose()


def test_the_newest_migration_is_the_one_that_the_code_expects() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_bringing_up_to_date_twice_changes_nothing(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/c.sqlite")
    with engine.begin() as connection:
        assert revision(connection) is None
        upgrade(connection)
        upgrade(connection)
        assert revision(connection) == HEAD
    engine.dispose()


def test_a_store_of_a_newer_release_is_refused(place: Place) -> None:
    with closing(place.open()) as store:
        store.publish([draft(parcels(1))])
    engine = engine_of(place)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError, match="newer release"), closing(place.open()) as store:
        store.newest()
