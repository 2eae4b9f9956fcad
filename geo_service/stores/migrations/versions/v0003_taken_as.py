"""Record what an imported file was for its layer: all of it, an addition or an update.

Versions of older releases have no such record.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column."""
    op.add_column("layer_versions", sa.Column("taken_as", sa.Text))
