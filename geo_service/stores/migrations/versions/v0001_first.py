"""The catalogue's first form: versions of layers, saved results, facts about the store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "layer_versions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("layer", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("made_at", sa.DateTime, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("features", sa.Integer, nullable=False),
        sa.Column("parent", sa.Text),
        sa.Column("file_digest", sa.Text),
        sa.Column("place", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    for name, columns, condition in (
        ("one_entry_a_number", ["layer", "number"], sa.text("number > 0")),
        ("one_original_a_content", ["layer", "digest"], sa.text("number = 0")),
    ):
        op.create_index(
            name,
            "layer_versions",
            columns,
            unique=True,
            sqlite_where=condition,
            postgresql_where=condition,
        )
    op.create_table(
        "saved_results",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("made_at", sa.DateTime, nullable=False),
        sa.Column("plan_version", sa.Text, nullable=False),
        sa.Column("rulebook_version", sa.Text, nullable=False),
        sa.Column("software", sa.Text, nullable=False),
        sa.Column("recipe", sa.LargeBinary, nullable=False),
    )
    for name, own in (
        ("saved_result_layers", ("layer", sa.Column("version", sa.Text, nullable=False))),
        ("saved_documents", ("name", sa.Column("content", sa.LargeBinary, nullable=False))),
    ):
        key, value = own
        op.create_table(
            name,
            sa.Column("kind", sa.Text, primary_key=True),
            sa.Column("id", sa.Text, primary_key=True),
            sa.Column(key, sa.Text, primary_key=True),
            value,
            sa.ForeignKeyConstraint(
                ["kind", "id"], ["saved_results.kind", "saved_results.id"], ondelete="CASCADE"
            ),
        )
    op.create_table(
        "store_facts",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
