"""What the first publication found in own files is recorded; results have a size and can be pinned.

A layer that was published by an older release is recorded with the number 0 that was kept then; the
others are recorded when something is published next.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_RECORD = """
    INSERT INTO own_files (layer, digest, file_digest)
    SELECT layer, digest, file_digest FROM layer_versions WHERE id IN (
        SELECT max(id) FROM layer_versions
        WHERE number = 0
        AND layer IN (SELECT layer FROM layer_versions WHERE number > 0)
        GROUP BY layer
    )
"""
_MEASURE = """
    UPDATE saved_results SET size = length(recipe) + coalesce((
        SELECT sum(length(content)) FROM saved_documents
        WHERE saved_documents.kind = saved_results.kind AND saved_documents.id = saved_results.id
    ), 0)
"""


def upgrade() -> None:
    """Add the table and the columns, and fill in what is known."""
    for name in ("checksum", "seal"):
        op.add_column("layer_versions", sa.Column(name, sa.Text))
    op.create_table(
        "own_files",
        sa.Column("layer", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("file_digest", sa.Text),
        sa.Column("file_stamp", sa.Text),
        sa.Column("declared", sa.Text),
        sa.Column("seal", sa.Text),
    )
    for column in (
        sa.Column("size", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("is_pinned", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("seal", sa.Text),
    ):
        op.add_column("saved_results", column)
    op.execute(_RECORD)
    op.execute(_MEASURE)
