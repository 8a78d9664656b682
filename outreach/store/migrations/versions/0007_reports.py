"""What comes back about mail that was sent is written down: bounces, complaints, and what nobody can make out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UNCLEAR, OF_SOMEBODY = sa.text("state = 'unclear'"), sa.text("subscriber_id IS NOT NULL")


def upgrade() -> None:
    """Make what is new."""
    op.create_table(
        "report",
        sa.Column("id", BIG, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("reporter", sa.String(length=255), nullable=True),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("delivery_id", BIG, nullable=True),
        sa.Column("campaign_id", sa.Integer(), nullable=True),
        sa.Column("subscriber_id", BIG, nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_report_received", "report", ["received_at"], unique=False)
    op.create_index(
        "ix_report_unclear", "report", ["received_at"], unique=False, sqlite_where=UNCLEAR, postgresql_where=UNCLEAR
    )
    op.create_index(
        "ix_report_person",
        "report",
        ["subscriber_id", "kind"],
        unique=False,
        sqlite_where=OF_SOMEBODY,
        postgresql_where=OF_SOMEBODY,
    )
