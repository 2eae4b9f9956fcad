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
from geo_service.stores.tables import HEAD, MIGRATIONS, metadata, revision, upgrade
from tests.stores.conftest import Place
from tests.stores.made import catalogue_of, saved, without_accounts
from tests.stores.rows import draft, floors, parcels


def test_migrations_make_the_tables_that_the_code_expects(place: Place) -> None:
    with closing(place.open()) as store:
        store.publish([draft(parcels(1))])
    own = {*metadata.tables}
    with catalogue_of(place) as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_name": lambda name, kind, _: kind != "table" or name in own,
            },
        )
        assert compare_metadata(context, metadata) == []
        assert revision(connection) == HEAD


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
    with catalogue_of(place) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer release"), closing(place.open()) as store:
        store.newest()


def test_a_catalogue_of_the_first_form_is_brought_up_to_date(place: Place) -> None:
    """What was published is recorded by its number 0, results are measured, nothing is sealed."""
    with closing(place.open()) as store:
        (own,) = store.record_originals([draft(parcels(1))])
        store.record_originals([draft(floors(1), "floors")])
        store.publish([draft(parcels(2))])
        store.save(saved("r1"), {"d": b"x" * 1000})
        entries, outlines = store.entries(), store.outlines()
    with catalogue_of(place) as connection:
        back_to_the_first_form(connection)
    with closing(place.open()) as store:
        assert store.entries() == entries
        assert store.outlines() == outlines
        recorded = store.recorded()
        assert {layer: one.digest for layer, one in recorded.items()} == {"parcels": own.digest}
        assert len(store.read("parcels", "0")) == 1
        store.rollback("parcels", "0", expected=entries[-1].version)
        assert store.newest()["parcels"].version == own.version


def back_to_the_first_form(connection: sa.Connection) -> None:
    """Take away what the later steps added."""
    without_accounts(connection)
    connection.execute(sa.text("DROP TABLE own_files"))
    for table, columns in (
        ("layer_versions", ("checksum", "seal", "taken_as")),
        ("saved_results", ("size", "is_pinned", "seal")),
    ):
        for column in columns:
            connection.execute(sa.text(f"ALTER TABLE {table} DROP COLUMN {column}"))
    connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
