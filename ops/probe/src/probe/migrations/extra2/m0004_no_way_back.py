"""A change that no older image can live with: its data is gone."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
irreversible = True


def upgrade() -> None:
    """Drop when items were made."""
    op.drop_column("items", "made_at")


def downgrade() -> None:
    """Refuse: what was dropped is not to be had back."""
    raise NotImplementedError("0004 is irreversible")
