"""A migration that fails half way: nothing of it may stay."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add a column, then trip."""
    op.execute("alter table items add column half_done text")
    op.execute("alter table there_is_no_such_table add column x text")


def downgrade() -> None:
    """Nothing to undo."""
