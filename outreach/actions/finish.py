"""Close a campaign when nothing is queued, claimed or deferred any more."""

from __future__ import annotations

from datetime import datetime, timedelta

from outreach.store import campaigns, conflict, deliveries
from outreach.store.campaigns import Campaign, CampaignKind, CampaignState
from outreach.store.database import Store

#: How long notices are added to a campaign of theirs.
NOTICES_LAST = timedelta(days=1)


@conflict.redone
def campaign(store: Store, campaign_id: int, *, now: datetime) -> bool:
    """Finish a sending campaign that has nothing open; whether it was finished now. Safe to repeat."""
    with store.reading() as session:
        if _is_awaited(campaigns.by_id(session, campaign_id), now) or deliveries.open_count(session, campaign_id):
            return False
    with store.writing() as session:
        if _is_awaited(campaigns.locked(session, campaign_id), now) or deliveries.open_count(session, campaign_id):
            return False
        return campaigns.move(
            session, campaign_id, CampaignState.SENDING, CampaignState.FINISHED, now=now, finished_at=now
        )


def _is_awaited(found: Campaign, now: datetime) -> bool:
    """Whether more may come: notices are added all day."""
    return found.kind is CampaignKind.NOTICE and now - found.created_at < NOTICES_LAST
