"""The catalogue's tables, the same in both stores, and its schema brought up to date.

Migrations are written by hand in `migrations/versions/`; a test compares what they make with
the tables below.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from geo_service.errors import StoreError
from geo_service.wording import said

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0002"
"""The newest migration; alembic is imported only when a catalogue is behind it."""


class Moment(sa.TypeDecorator[datetime]):
    """A moment in UTC, kept without its zone."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _: sa.Dialect) -> datetime | None:
        """Return the moment in UTC without its zone."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, _: sa.Dialect) -> datetime | None:  # noqa: ANN401 - what the driver returns
        """Return the moment with its zone."""
        return None if value is None else value.replace(tzinfo=UTC)


metadata = sa.MetaData()

versions = sa.Table(
    "layer_versions",
    metadata,
    # Never used twice, and given under the lock of publishing: the largest is the latest.
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("layer", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("features", sa.Integer, nullable=False),
    sa.Column("parent", sa.Text),
    sa.Column("file_digest", sa.Text),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("checksum", sa.Text),
    sa.Column("seal", sa.Text),
    sqlite_autoincrement=True,
)
"""One row an entry of a layer's history; `place` is the file or table that holds its rows.

`checksum` is SHA-256 over that file; `seal` is a digest over the row (`seals`). Both are missing in
what an older release wrote.
"""

sa.Index(
    "one_entry_a_number",
    versions.c.layer,
    versions.c.number,
    unique=True,
    sqlite_where=versions.c.number > 0,
    postgresql_where=versions.c.number > 0,
)
sa.Index(
    "one_original_a_content",
    versions.c.layer,
    versions.c.digest,
    unique=True,
    sqlite_where=versions.c.number == 0,
    postgresql_where=versions.c.number == 0,
)

own_files = sa.Table(
    "own_files",
    metadata,
    sa.Column("layer", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("file_digest", sa.Text),
    sa.Column("file_stamp", sa.Text),
    sa.Column("declared", sa.Text),
    sa.Column("seal", sa.Text),
)
"""What the first publication found in the workspace's own files: of each layer the content of the
number 0 that is in force, and what a later edit of its file is told by."""

results = sa.Table(
    "saved_results",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("plan_version", sa.Text, nullable=False),
    sa.Column("rulebook_version", sa.Text, nullable=False),
    sa.Column("software", sa.Text, nullable=False),
    sa.Column("recipe", sa.LargeBinary, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("is_pinned", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("seal", sa.Text),
)
"""`size` counts the bytes of its recipe and documents as they are kept."""

result_layers = sa.Table(
    "saved_result_layers",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("layer", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(
        ["kind", "id"], ["saved_results.kind", "saved_results.id"], ondelete="CASCADE"
    ),
)
"""Which version of each layer a result was made from: retention keeps these."""

documents = sa.Table(
    "saved_documents",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.ForeignKeyConstraint(
        ["kind", "id"], ["saved_results.kind", "saved_results.id"], ondelete="CASCADE"
    ),
)
"""JSON, packed with zlib."""

facts = sa.Table(
    "store_facts",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
"""Which county the store is of, and where it was moved to."""

CHECKED = (versions, own_files, results, result_layers, facts)
"""Tables that are looked through for damage when a catalogue is opened: all but the documents."""


def revision(connection: sa.Connection) -> str | None:
    """Return the migration that a catalogue is at, None when it has no tables."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(
        sa.text("SELECT version_num FROM alembic_version")
    ).scalar()
    return found


def upgrade(connection: sa.Connection) -> None:
    """Bring a catalogue's tables up to date, in the transaction that is open.

    Raises
    ------
    StoreError
        It was made by a newer release of this package.
    """
    at = revision(connection)
    if at == HEAD:
        return
    from alembic.operations import Operations  # noqa: PLC0415 - only when there is work
    from alembic.runtime.migration import MigrationContext, RevisionStep  # noqa: PLC0415

    scripts = _scripts()
    if at is not None and at not in {script.revision for script in scripts.walk_revisions()}:
        msg = said("problem.newer_store", form=at)
        raise StoreError(msg)
    missing = reversed(list(scripts.iterate_revisions(HEAD, at or "base")))
    steps = [RevisionStep(scripts.revision_map, script, is_upgrade=True) for script in missing]
    context = MigrationContext.configure(
        connection, opts={"fn": lambda _at, _context: steps, "transactional_ddl": True}
    )
    with Operations.context(context):
        context.run_migrations()


@cache
def _scripts() -> Any:  # noqa: ANN401 - alembic's ScriptDirectory, imported late
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    return ScriptDirectory(str(MIGRATIONS))
