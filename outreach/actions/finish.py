"""Close a campaign when nothing is queued, claimed or deferred any more."""

from __future__ import annotations

from datetime import datetime

from outreach.store import campaigns, conflict, deliveries
from outreach.store.campaigns import CampaignState
from outreach.store.database import Store


@conflict.redone
def campaign(store: Store, campaign_id: int, *, now: datetime) -> bool:
    """Finish a sending campaign that has nothing open; whether it was finished now. Safe to repeat."""
    with store.reading() as session:
        if deliveries.open_count(session, campaign_id):
            return False
    with store.writing() as session:
        campaigns.locked(session, campaign_id)
        if deliveries.open_count(session, campaign_id):
            return False
        return campaigns.move(
            session, campaign_id, CampaignState.SENDING, CampaignState.FINISHED, now=now, finished_at=now
        )
