"""Which version stored an item, which did its job, and when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns, and an index for what is still pending."""
    op.add_column("items", sa.Column("made_by", sa.Text))
    op.add_column("items", sa.Column("done_by", sa.Text))
    op.add_column("items", sa.Column("done_at", sa.DateTime(timezone=True)))
    pending = sa.text("state = 'pending'")
    op.create_index("items_pending", "items", ["id"], postgresql_where=pending)


def downgrade() -> None:
    """Drop them."""
    op.drop_index("items_pending", "items")
    for column in ("done_at", "done_by", "made_by"):
        op.drop_column("items", column)
