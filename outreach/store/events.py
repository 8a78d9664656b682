"""What happened that is worth a line for ever? Append-only facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from outreach.store.database import BigKey, Choice, Document, Moment, table_of


class EventKind(StrEnum):
    """The kinds of fact."""

    CAMPAIGN_STATE = "campaign_state"
    UNSUBSCRIBED = "unsubscribed"
    PREFERRED = "preferred"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"
    COMPLAINT = "complaint"
    IMPORTED = "imported"
    ERASED = "erased"
    #: A person had a delivery tried again, or decided what became of one that was unknown.
    RETRIED = "retried"
    RESOLVED = "resolved"
    #: A person approved a campaign's content, or took that back.
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


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


def append(
    session: Session,
    kind: EventKind,
    now: datetime,
    *,
    campaign_id: int | None = None,
    list_id: int | None = None,
    subscriber_id: int | None = None,
    delivery_id: int | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write one fact down, for ever."""
    values = {
        "at": now,
        "kind": kind,
        "campaign_id": campaign_id,
        "list_id": list_id,
        "subscriber_id": subscriber_id,
        "delivery_id": delivery_id,
        "detail": dict(detail or {}),
    }
    session.execute(sa.insert(table_of(Event)).values(**values))


def append_all(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write many facts down at once, each with all its columns but the number."""
    if rows:
        session.connection().execute(sa.insert(table_of(Event)), [dict(row) for row in rows])


def count(session: Session, kind: EventKind, campaign_id: int) -> int:
    """How many facts of a kind a campaign has."""
    event = table_of(Event)
    statement = sa.select(sa.func.count()).where(event.c.campaign_id == campaign_id, event.c.kind == kind)
    return int(session.execute(statement).scalar_one())
