"""End a campaign for good: what has not left does not leave."""

from __future__ import annotations

from datetime import datetime

from outreach.errors import StateError
from outreach.store import campaigns, conflict, deliveries
from outreach.store.campaigns import MOVES, CampaignState
from outreach.store.database import Store

FROM = tuple(state for state in CampaignState if CampaignState.CANCELLED in MOVES[state])


@conflict.redone
def campaign(store: Store, campaign_id: int, *, now: datetime) -> int:
    """Cancel a campaign; the number of messages that now stay here. Safe to repeat.

    Of a recurring campaign the schedule ends; runs that are out go on, being campaigns of their own. Raises StateError
    where it has finished.
    """
    with store.writing() as session:
        found = campaigns.locked(session, campaign_id)
        if found.state is CampaignState.CANCELLED:
            return 0
        if not campaigns.move(session, campaign_id, FROM, CampaignState.CANCELLED, now=now, finished_at=now):
            raise StateError(f"Campaign {found.name!r} is {found.state.value}: there is nothing left to cancel.")
        return deliveries.cancel_open(session, campaign_id, now) if found.launched_at else 0
