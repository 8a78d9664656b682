"""What became of each message? The delivery queue: one row for one message to one subscriber."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from outreach.store.database import BigKey, Choice, Moment


class DeliveryState(StrEnum):
    """Where a delivery stands; every person of an audience is in exactly one."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    DEFERRED = "deferred"
    SENT = "sent"
    FAILED = "failed"
    BOUNCED = "bounced"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    EXCLUDED = "excluded"


#: States from which a sender may still take the delivery up.
OPEN = (DeliveryState.QUEUED, DeliveryState.CLAIMED, DeliveryState.DEFERRED)


class Delivery(SQLModel, table=True):
    """One message to one subscriber: the queue row and, once settled, the record of what happened."""

    __tablename__ = "delivery"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    campaign_id: int = Field(foreign_key="campaign.id")
    #: Not a foreign key: an erased person's number stays behind, so that the sums stay true.
    subscriber_id: int = Field(sa_type=BigKey)
    state: DeliveryState = Field(sa_type=Choice(DeliveryState))
    #: Why it is excluded, failed or unknown.
    reason: str | None = Field(default=None, max_length=200)
    attempts: int = Field(default=0)
    #: When a queued or deferred delivery may be tried.
    due_at: datetime | None = Field(default=None, sa_type=Moment)
    #: The token of the sender's claim that holds the row, and until when.
    claim: str | None = Field(default=None, max_length=32)
    lease_until: datetime | None = Field(default=None, sa_type=Moment)
    #: When the relay accepted it.
    sent_at: datetime | None = Field(default=None, sa_type=Moment)
    #: When the row reached the state that it is in.
    settled_at: datetime | None = Field(default=None, sa_type=Moment)
    #: The relay's last words: basic code, enhanced code, text.
    code: int | None = Field(default=None)
    enhanced: str | None = Field(default=None, max_length=16)
    reply: str | None = Field(default=None, sa_type=sa.Text)

    __table_args__ = (
        sa.UniqueConstraint("campaign_id", "subscriber_id", name="uq_delivery_person"),
        sa.Index("ix_delivery_state", "campaign_id", "state"),
        sa.Index(
            "ix_delivery_due",
            "campaign_id",
            "due_at",
            "id",
            sqlite_where=sa.text("state IN ('queued', 'deferred')"),
            postgresql_where=sa.text("state IN ('queued', 'deferred')"),
        ),
        sa.Index(
            "ix_delivery_lease",
            "lease_until",
            sqlite_where=sa.text("state = 'claimed'"),
            postgresql_where=sa.text("state = 'claimed'"),
        ),
    )


class Tally(SQLModel, table=True):
    """How many deliveries of a campaign are in a state; kept in the transaction that moves them."""

    __tablename__ = "tally"

    campaign_id: int = Field(primary_key=True, foreign_key="campaign.id")
    state: DeliveryState = Field(primary_key=True, sa_type=Choice(DeliveryState))
    n: int = Field(default=0, sa_type=sa.BigInteger)
