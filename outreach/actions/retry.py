"""Try again what a relay refused for good: a person says that the reason is gone."""

from __future__ import annotations

from datetime import datetime

from outreach.errors import StateError
from outreach.store import campaigns, conflict, decisions, tolls
from outreach.store.campaigns import CampaignState
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState


def failed(store: Store, campaign_id: int, *, now: datetime) -> int:
    """Queue the failed deliveries of a campaign again; how many. A finished campaign goes on sending.

    Bounced ones stay: their addresses are dead. Who left meanwhile is excluded when a sender takes the delivery up.
    Raises StateError where the campaign was never launched or was cancelled. Safe to repeat.
    """
    return again(store, campaign_id, DeliveryState.FAILED, now=now)


@conflict.redone
def again(store: Store, campaign_id: int, state: DeliveryState, *, now: datetime) -> int:
    """Queue what is in a state again, and let a finished campaign go on; how many deliveries that were."""
    with store.writing() as session:
        campaign = campaigns.locked(session, campaign_id)
        if campaign.launched_at is None or campaign.state is CampaignState.CANCELLED:
            known = campaign.state.value if campaign.launched_at else "not launched yet"
            raise StateError(f"Campaign {campaign.name!r} is {known}: nothing of it can be sent again.")
        n = decisions.queue_again(session, campaign_id, state, now)
        if n and campaign.counted_from is not None:  # what is queued again has not failed any more
            since = tolls.as_document(tolls.of_campaign(session, campaign_id))
            campaigns.change(session, campaign_id, now=now, counted_from=since)
        if n and campaign.state is CampaignState.FINISHED:
            there = CampaignState.SENDING
            campaigns.move(session, campaign_id, CampaignState.FINISHED, there, now=now, finished_at=None)
        return n
