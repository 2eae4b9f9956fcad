"""Add the ledger of acts and work, and what holds a result that an act rests on.

Results of older releases rest on no act.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the tables and the column."""
    held = sa.Column("is_held", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("saved_results", held)
    op.create_table(
        "ledger_lines",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
    )
    op.create_index("ledger_by_subject", "ledger_lines", ["topic", "subject", "number"])
    op.create_table(
        "ledger_head",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.Text, nullable=False),
    )
