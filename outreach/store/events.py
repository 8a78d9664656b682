"""What happened that is worth a line for ever? Append-only facts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from outreach.store.database import BigKey, Choice, Document, Moment


class EventKind(StrEnum):
    """The kinds of fact."""

    CAMPAIGN_STATE = "campaign_state"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"
    COMPLAINT = "complaint"
    IMPORTED = "imported"
    ERASED = "erased"


class Event(SQLModel, table=True):
    """One fact."""

    __tablename__ = "event"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    at: datetime = Field(sa_type=Moment)
    kind: EventKind = Field(sa_type=Choice(EventKind))
    campaign_id: int | None = Field(default=None, foreign_key="campaign.id")
    list_id: int | None = Field(default=None, foreign_key="mailing_list.id")
    subscriber_id: int | None = Field(default=None, index=True, sa_type=BigKey)
    delivery_id: int | None = Field(default=None, sa_type=BigKey)
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=Document)

    __table_args__ = (sa.Index("ix_event_campaign", "campaign_id", "kind"),)
