"""Define the catalogue's tables, the same in both stores, and bring its schema up to date.

Migrations are written by hand in `migrations/versions/`; a test compares their result with the
tables below.
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
HEAD = "0005"
"""The newest migration; alembic is imported only if a catalogue is older."""


class Moment(sa.TypeDecorator[datetime]):
    """A time in UTC, stored without its zone."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _: sa.Dialect) -> datetime | None:
        """Return the time in UTC without its zone."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, _: sa.Dialect) -> datetime | None:  # noqa: ANN401 - what the driver returns
        """Return the time with its zone."""
        return None if value is None else value.replace(tzinfo=UTC)


metadata = sa.MetaData()

versions = sa.Table(
    "layer_versions",
    metadata,
    # Never reused, and assigned under the publishing lock, so the largest is the latest.
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
    sa.Column("taken_as", sa.Text),
    sa.Column("account", sa.Text),
    sqlite_autoincrement=True,
)
"""One row per entry of a layer's history; `place` is the file or table that contains its rows.

`checksum` is SHA-256 of that file; `seal` is a digest of the row (`seals`). Both are missing in
rows of older releases. `taken_as` is a `model.TakenAs` for rows that were imported, `account` the
name of the account that published.
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
"""The workspace's own files at the first publication: for each layer the content of the number 0
in force, and the data by which a later edit of its file is recognised."""

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
    sa.Column("is_held", sa.Boolean, nullable=False, server_default=sa.false()),
)
"""`size` is the number of bytes of the result's recipe and documents as stored; nothing drops a
result that `is_held`, since an official act rests on it."""

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
"""The version of each layer that a result was made from: retention keeps these."""

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
"""JSON, compressed with zlib."""

facts = sa.Table(
    "store_facts",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
"""The store's county, and where the store was moved to."""

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("password", sa.Text),
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("parks", sa.Text),
    sa.Column("townships", sa.Text),
    sa.Column("is_disabled", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("made_at", Moment, nullable=False),
)
"""`password` is an argon2 hash; `roles`, `parks` and `townships` are lists in JSON."""

tokens = sa.Table(
    "account_tokens",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, sa.ForeignKey("accounts.name"), nullable=False),
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("expires_at", Moment),
    sa.Column("revoked_at", Moment),
    sa.Column("last_used_at", Moment),
)
"""`digest` is SHA-256 of a token, which is random and is not stored itself."""

sessions = sa.Table(
    "account_sessions",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, sa.ForeignKey("accounts.name"), nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
)
"""`digest` is SHA-256 of what the browser's cookie contains."""

tries = sa.Table(
    "account_tries",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("last_at", Moment, nullable=False),
)
"""Failed tries to sign in by the digest of the name that was given, whether it exists or not."""

claims = sa.Table(
    "result_claims",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, primary_key=True),
)
"""The accounts that a result belongs to: all that asked for it, since equal ones have one id."""

audit = sa.Table(
    "audit_lines",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
)
"""`content` is a line as JSON; `digest` is SHA-256 of the digest before and the content."""

audit_head = sa.Table(
    "audit_head",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.Text, nullable=False),
)
"""One row: the last line's number and digest, kept apart from the lines."""

ledger = sa.Table(
    "ledger_lines",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
)
"""`content` is a line as JSON, which says topic and subject too; `digest` as in the audit."""

sa.Index("ledger_by_subject", ledger.c.topic, ledger.c.subject, ledger.c.number)

ledger_head = sa.Table(
    "ledger_head",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.Text, nullable=False),
)
"""One row: the last line's number and digest, kept apart from the lines."""

CHECKED = (versions, own_files, results, result_layers, facts, accounts, tokens, sessions, claims)
"""Tables that are checked for damage when a catalogue is opened: what decides about an answer."""

KEPT_WITH_ACCOUNTS = (accounts, tokens, tries, claims, audit, audit_head, ledger, ledger_head)
"""Tables of people and their acts, which a move to another store copies as they are.

Sessions end with it.
"""


def revision(connection: sa.Connection) -> str | None:
    """Return the migration that a catalogue is at; None if it has no tables."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(
        sa.text("SELECT version_num FROM alembic_version")
    ).scalar()
    return found


def upgrade(connection: sa.Connection) -> None:
    """Bring a catalogue's tables up to date, in the open transaction.

    Raises
    ------
    StoreError
        The catalogue was made by a newer release of this package.
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
