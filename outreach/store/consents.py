"""What did each person agree to, when, by which wording, and from which source? Append-only."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from outreach.store.database import BigKey, Choice, Moment


class Purpose(StrEnum):
    """What the consent is for."""

    MAIL = "mail"
    TRACKING = "tracking"


class Act(StrEnum):
    """What was done."""

    GIVEN = "given"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"


class ConsentSource(SQLModel, table=True):
    """One wording from one source (a file, a form, a command): many people share it, so it is written once."""

    __tablename__ = "consent_source"

    id: int | None = Field(default=None, primary_key=True)
    #: The words that the person agreed to, as shown to them; empty where a person withdrew.
    wording: str = Field(sa_type=sa.Text)
    #: Where it came from: "import subscribers.csv", "one-click unsubscribe", "command".
    source: str = Field(max_length=500)


class Consent(SQLModel, table=True):
    """One act of one person; never changed, never deleted but by erasure."""

    __tablename__ = "consent"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    subscriber_id: int = Field(foreign_key="subscriber.id", index=True, sa_type=BigKey)
    list_id: int | None = Field(default=None, foreign_key="mailing_list.id")
    purpose: Purpose = Field(sa_type=Choice(Purpose))
    act: Act = Field(sa_type=Choice(Act))
    source_id: int = Field(foreign_key="consent_source.id")
    at: datetime = Field(sa_type=Moment)
