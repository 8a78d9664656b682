"""Rate limits that all senders share: marks, slowed providers, senders' domains, and lanes in the queue."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

QUEUED = "state = 'queued' AND lane IS NULL"
DEFERRED = "state = 'deferred' AND lane IS NULL"
LANE_QUEUED = "state = 'queued' AND lane IS NOT NULL"
LANE_DEFERRED = "state = 'deferred' AND lane IS NOT NULL"


def upgrade() -> None:
    op.create_table(
        "pace",
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("next_at", sa.Double(), nullable=False),
        sa.Column("began", sa.Double(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "slowdown",
        sa.Column("provider", sa.String(length=255), nullable=False),
        sa.Column("rate", sa.Double(), nullable=True),
        sa.Column("before", sa.Double(), nullable=True),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("put_off", sa.Integer(), nullable=False),
        sa.Column("began", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("provider"),
    )
    op.create_table(
        "identity",
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("domain"),
    )
    op.add_column("campaign", sa.Column("from_domain", sa.String(length=255), nullable=True))
    op.add_column("delivery", sa.Column("lane", sa.String(length=255), nullable=True))
    for name, columns, where in (
        ("ix_delivery_queued", ["campaign_id", "id"], QUEUED),
        ("ix_delivery_deferred", ["campaign_id", "due_at"], DEFERRED),
    ):
        op.drop_index(name, table_name="delivery")
        _partial_index(name, columns, where)
    _partial_index("ix_delivery_lane_queued", ["campaign_id", "lane", "id"], LANE_QUEUED)
    _partial_index("ix_delivery_lane_deferred", ["campaign_id", "lane", "due_at"], LANE_DEFERRED)


def _partial_index(name: str, columns: list[str], where: str) -> None:
    op.create_index(name, "delivery", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
