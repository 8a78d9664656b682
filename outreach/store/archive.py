"""What may everybody read? Campaigns that the publisher made public, of public lists, once they were launched."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import table_of
from outreach.store.lists import MailingList


class Issue(NamedTuple):
    """One campaign of the archive."""

    number: int
    launched_at: datetime
    list_title: str


def issues(session: Session, *, limit: int, before: int | None = None) -> list[Issue]:
    """The campaigns of the archive, the newest first; `before` is the number that an earlier page ended with."""
    statement = _ISSUES.order_by(_campaign.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(_campaign.c.id < before)
    return [Issue(*row) for row in session.execute(statement)]


def issue(session: Session, campaign_id: int) -> Issue | None:
    """That campaign, if everybody may read it."""
    row = session.execute(_ISSUES.where(_campaign.c.id == campaign_id)).one_or_none()
    return None if row is None else Issue(*row)


def is_open(session: Session) -> bool:
    """Whether there is a public list at all."""
    return session.execute(sa.select(_list.c.id).where(_list.c.public).limit(1)).first() is not None


_campaign, _list = table_of(Campaign), table_of(MailingList)

#: One that was paused or cancelled in the middle may have been a mistake: it is not shown.
SHOWN = frozenset({CampaignState.SENDING, CampaignState.FINISHED})

_ISSUES = (
    sa.select(_campaign.c.id, _campaign.c.launched_at, _list.c.title)
    .select_from(_campaign.join(_list, _list.c.id == _campaign.c.list_id))
    .where(
        _campaign.c.public,
        _list.c.public,
        _campaign.c.launched_at.is_not(None),
        # Said the other way round, since SQLite would look for states first and for the few public ones after it.
        _campaign.c.state.not_in([state for state in CampaignState if state not in SHOWN]),
    )
)
