"""Who are the people, apart from any list?"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from outreach.store.database import BigKey, Document, Moment


class Subscriber(SQLModel, table=True):
    """A person with an address; what lists they are on stands in Subscription."""

    __tablename__ = "subscriber"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    #: The address as mailed: local part as given, domain in A-labels.
    email: str = Field(max_length=320)
    #: The address as compared: `address.Address.key`.
    email_key: str = Field(max_length=320, unique=True)
    name: str = Field(default="", max_length=500)
    language: str = Field(default="", max_length=35)
    timezone: str = Field(default="", max_length=64)
    #: Every further CSV column, header -> text.
    attributes: dict[str, Any] = Field(default_factory=dict, sa_type=Document)
    #: Whether this person agreed that clicks are kept with their name (Consent holds the proof).
    tracking_consent: bool = Field(default=False)
    created_at: datetime = Field(sa_type=Moment)
    updated_at: datetime = Field(sa_type=Moment)
