"""Where does each numbered link of a campaign lead?"""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Field, SQLModel


class Link(SQLModel, table=True):
    """One tracked link of a campaign; several places in the mail with one role and address share it."""

    __tablename__ = "link"

    id: int | None = Field(default=None, primary_key=True)
    campaign_id: int = Field(foreign_key="campaign.id")
    #: Counted from 1 within the campaign; stands in the token.
    number: int
    #: `quote`, `accreditation`, ... or "" for a plain link of the text.
    role: str = Field(default="", max_length=64)
    #: The words of the link as readers see them.
    label: str = Field(default="", max_length=500)
    #: The destination, exactly as the article wrote it.
    url: str = Field(sa_type=sa.Text)

    __table_args__ = (sa.UniqueConstraint("campaign_id", "number", name="uq_link_number"),)
