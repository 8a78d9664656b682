"""Who asked for a tracked link, when, and was it a person? Neither client address nor user agent is kept."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from outreach.store.database import BigKey, Choice, Moment
from outreach.tracking.robot import Judgement


class Hit(SQLModel, table=True):
    """One request for a tracked link."""

    __tablename__ = "hit"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    campaign_id: int = Field(foreign_key="campaign.id")
    link_number: int
    at: datetime = Field(sa_type=Moment)
    #: The delivery, only where the person agreed to that; None where clicks count without the person.
    delivery_id: int | None = Field(default=None, sa_type=BigKey)
    #: Pseudonym of the message under the key of the day: enough for bursts and distinct readers, worthless a day later.
    reader: str = Field(max_length=32)
    #: Pseudonym of the client address under the key of the day.
    client: str | None = Field(default=None, max_length=32)
    judgement: Judgement = Field(sa_type=Choice(Judgement))
    #: The rule that judged it: "head", "prefetch", "robot", "burst", "no-agent", "too-soon", "".
    rule: str = Field(default="", max_length=32)
    #: Whether the bursts around it have been folded back onto it.
    folded: bool = Field(default=False)

    __table_args__ = (
        sa.Index("ix_hit_campaign", "campaign_id", "link_number", "judgement"),
        sa.Index("ix_hit_reader", "reader", "at"),
        sa.Index("ix_hit_client", "client", "at"),
        sa.Index("ix_hit_delivery", "delivery_id"),
    )


class DayKey(SQLModel, table=True):
    """The random key that makes the pseudonyms of one day; deleted when the day after has ended."""

    __tablename__ = "day_key"

    #: ISO date, UTC.
    day: str = Field(primary_key=True, max_length=10)
    key: bytes = Field(sa_type=sa.LargeBinary)
