"""Which mailing lists are there, and what is agreed for each?"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlmodel import Field, SQLModel

from outreach.store.database import Choice, Moment


class Tracking(StrEnum):
    """How the links of a list's mail are counted."""

    INDIVIDUAL = "individual"  # per person where that person consented to it, else as aggregate
    AGGREGATE = "aggregate"  # links count, no person stands in the row
    OFF = "off"  # plain links, nothing is counted


class MailingList(SQLModel, table=True):
    """A group of subscribers that campaigns are sent to."""

    __tablename__ = "mailing_list"

    id: int | None = Field(default=None, primary_key=True)
    #: The name in commands and in List-ID: lower case letters, digits, hyphens.
    name: str = Field(max_length=64, unique=True)
    #: What readers see ("You receive this because you are on the list ...").
    title: str = Field(max_length=200)
    tracking: Tracking = Field(default=Tracking.INDIVIDUAL, sa_type=Choice(Tracking))
    created_at: datetime = Field(sa_type=Moment)
    #: Digest of the file of an import that has begun and not ended; launches of this list wait until it has.
    importing: str | None = Field(default=None, max_length=64)
    importing_since: datetime | None = Field(default=None, sa_type=Moment)
