"""Who is on which list, and in which state?"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from outreach.audience.consent import SubscriptionState
from outreach.store.database import BigKey, Choice, Moment


class Subscription(SQLModel, table=True):
    """The tie between one subscriber and one mailing list."""

    __tablename__ = "subscription"

    list_id: int = Field(primary_key=True, foreign_key="mailing_list.id")
    subscriber_id: int = Field(primary_key=True, foreign_key="subscriber.id", index=True, sa_type=BigKey)
    state: SubscriptionState = Field(sa_type=Choice(SubscriptionState))
    created_at: datetime = Field(sa_type=Moment)
    changed_at: datetime = Field(sa_type=Moment)

    #: One tree instead of two on SQLite: the key is the row.
    __table_args__ = {"sqlite_with_rowid": False}
