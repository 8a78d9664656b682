"""What was found before a launch, what was accepted of it, and who approved the content."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make what is new."""
    op.add_column("campaign", sa.Column("warnings", sa.JSON(), nullable=True))
    op.add_column("campaign", sa.Column("accepted", sa.JSON(), nullable=True))
    op.add_column("campaign", sa.Column("approved_content", sa.String(length=64), nullable=True))
    op.add_column("campaign", sa.Column("approved_by", sa.String(length=200), nullable=True))
    op.add_column("campaign", sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True))
