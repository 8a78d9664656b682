"""The chain of the consent ledger; suppressed domains; what a hit showed, and what was forgotten."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    op.create_table(
        "consent_link",
        sa.Column("position", BIG, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("entries", sa.Text(), nullable=False),
        sa.Column("erased", sa.Text(), nullable=False),
        sa.Column("commitments", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.add_column("consent", sa.Column("confirmation", sa.String(length=500), nullable=False, server_default=""))
    op.add_column("consent", sa.Column("salt", sa.LargeBinary(), nullable=True))
    salt = sa.func.randomblob(16) if sqlite else sa.func.uuid_send(sa.func.gen_random_uuid())
    op.execute(sa.update(sa.table("consent", sa.column("salt"))).values(salt=salt))
    # SQLite makes the table anew, and from now on gives no number twice.
    with op.batch_alter_table("consent", table_kwargs={"sqlite_autoincrement": True}) as consent:
        consent.alter_column("salt", existing_type=sa.LargeBinary(), nullable=False)
        consent.alter_column("confirmation", existing_type=sa.String(length=500), server_default=None)
    op.create_table(
        "suppressed_domain",
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("domain"),
    )
    op.add_column("hit", sa.Column("waited_ms", sa.BigInteger(), nullable=True))
    op.add_column("hit", sa.Column("own_rule", sa.String(length=32), nullable=True))
    op.add_column("campaign", sa.Column("forgotten_at", MOMENT, nullable=True))
