"""An additive change: older images neither see nor miss the column."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column."""
    op.add_column("items", sa.Column("note", sa.Text))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("items", "note")
