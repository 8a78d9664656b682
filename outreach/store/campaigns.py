"""Which campaigns are there, what do they say, and where do they stand?"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from outreach.store.database import Choice, Moment


class CampaignState(StrEnum):
    """Where a campaign stands."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


#: from -> the states that may follow; moves are made by compare-and-swap.
MOVES: dict[CampaignState, frozenset[CampaignState]] = {
    CampaignState.DRAFT: frozenset({CampaignState.SCHEDULED, CampaignState.SENDING, CampaignState.CANCELLED}),
    CampaignState.SCHEDULED: frozenset(
        {
            CampaignState.SCHEDULED,
            CampaignState.SENDING,
            CampaignState.PAUSED,
            CampaignState.DRAFT,
            CampaignState.CANCELLED,
        }
    ),
    CampaignState.SENDING: frozenset({CampaignState.PAUSED, CampaignState.FINISHED, CampaignState.CANCELLED}),
    CampaignState.PAUSED: frozenset(
        {CampaignState.SCHEDULED, CampaignState.SENDING, CampaignState.FINISHED, CampaignState.CANCELLED}
    ),
    CampaignState.FINISHED: frozenset({CampaignState.SENDING}),
    CampaignState.CANCELLED: frozenset(),
}


class Campaign(SQLModel, table=True):
    """Article + layout + list + schedule. Everything a sender on another host needs is in the database."""

    __tablename__ = "campaign"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=100, unique=True)
    list_id: int = Field(foreign_key="mailing_list.id")
    state: CampaignState = Field(default=CampaignState.DRAFT, sa_type=Choice(CampaignState))
    #: Why it is paused, held or stopped; None otherwise.
    reason: str | None = Field(default=None, sa_type=sa.Text)
    #: The article file and the layout files as they were at create or update, whole (name -> text).
    article_name: str = Field(max_length=255)
    article: str = Field(sa_type=sa.Text)
    layout_name: str = Field(max_length=255)
    layout: dict[str, str] = Field(sa_type=sa.JSON)
    #: What the options said; None leaves it to the article's front matter, then to the settings.
    subject: str | None = Field(default=None, max_length=500)
    sender: str | None = Field(default=None, max_length=500)
    reply_to: str | None = Field(default=None, max_length=500)
    #: The schedule as a person wrote it ...
    wall_time: str | None = Field(default=None, max_length=32)
    timezone: str | None = Field(default=None, max_length=64)
    cron: str | None = Field(default=None, max_length=120)
    #: ... and as it falls due; after `not_after` it asks instead of firing.
    due_at: datetime | None = Field(default=None, sa_type=Moment)
    not_after: datetime | None = Field(default=None, sa_type=Moment)
    #: A run of a recurring campaign names the campaign that it is a run of.
    parent_id: int | None = Field(default=None, foreign_key="campaign.id")
    created_at: datetime = Field(sa_type=Moment)
    updated_at: datetime = Field(sa_type=Moment)
    launched_at: datetime | None = Field(default=None, sa_type=Moment)
    finished_at: datetime | None = Field(default=None, sa_type=Moment)

    __table_args__ = (
        sa.Index("ix_campaign_due", "state", "due_at"),
        sa.Index("ix_campaign_parent", "parent_id"),
    )


class CompiledCampaign(SQLModel, table=True):
    """The compiled campaign, stored at launch: all that senders read (`message.compile.Compiled` as bytes)."""

    __tablename__ = "compiled_campaign"

    campaign_id: int = Field(primary_key=True, foreign_key="campaign.id")
    data: bytes = Field(sa_type=sa.LargeBinary)
