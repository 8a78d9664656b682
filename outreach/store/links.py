"""Where does each numbered link of a campaign lead?"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from outreach.store.database import insert, table_of

#: Labels are for reading a report by; a longer one is cut.
LONGEST_LABEL = 500


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


class Numbered(Protocol):
    """A link as the compiled campaign holds it."""

    @property
    def number(self) -> int: ...
    @property
    def role(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def url(self) -> str: ...


def add_all(session: Session, campaign_id: int, links: Iterable[Numbered]) -> None:
    """Keep the tracked links of a campaign; repeating it writes the same rows again."""
    rows = [
        {
            "campaign_id": campaign_id,
            "number": link.number,
            "role": link.role,
            "label": link.label[:LONGEST_LABEL],
            "url": link.url,
        }
        for link in links
    ]
    if not rows:
        return
    statement = insert(session, _link)
    new = {name: statement.excluded[name] for name in ("role", "label", "url")}
    session.execute(statement.on_conflict_do_update(index_elements=["campaign_id", "number"], set_=new), rows)


def of_campaign(session: Session, campaign_id: int) -> list[Link]:
    """The tracked links of a campaign, in their order."""
    return list(
        session.execute(sa.select(Link).where(_link.c.campaign_id == campaign_id).order_by(_link.c.number)).scalars()
    )


def urls(session: Session, campaign_ids: Collection[int]) -> dict[tuple[int, int], str]:
    """(campaign, number) -> where the link leads, for every link of the campaigns."""
    statement = sa.select(_link.c.campaign_id, _link.c.number, _link.c.url).where(_link.c.campaign_id.in_(campaign_ids))
    return {(campaign_id, number): url for campaign_id, number, url in session.execute(statement)}


_link = table_of(Link)
