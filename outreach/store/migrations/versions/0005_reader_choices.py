"""What readers choose (a pause, at most one mail in a time), and what a publisher makes public."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mailing_list", sa.Column("public", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("campaign", sa.Column("public", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(
        "ix_campaign_public",
        "campaign",
        ["id", "list_id", "launched_at", "state"],
        unique=False,
        sqlite_where=sa.text("public = 1"),
        postgresql_where=sa.text("public"),
    )
    op.add_column("subscription", sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("subscription", sa.Column("at_most", sa.String(length=32), nullable=True))
    op.create_index(
        "ix_subscription_capped",
        "subscription",
        ["list_id", "at_most"],
        unique=False,
        sqlite_where=sa.text("at_most IS NOT NULL"),
        postgresql_where=sa.text("at_most IS NOT NULL"),
    )
