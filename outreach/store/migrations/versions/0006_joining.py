"""People join by a form and confirm by mail: kinds of campaigns, requests, counts of requests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make what is new."""
    op.add_column("campaign", sa.Column("kind", sa.String(length=32), nullable=False, server_default="newsletter"))
    op.create_table(
        "joining",
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", BIG, nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("tracking_source_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("list_id", "subscriber_id"),
    )
    op.create_index("ix_joining_at", "joining", ["at"], unique=False)
    op.create_index(op.f("ix_joining_subscriber_id"), "joining", ["subscriber_id"], unique=False)
    op.create_table(
        "throttle",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_throttle_begun", "throttle", ["begun_at"], unique=False)
