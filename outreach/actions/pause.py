"""Hold a campaign: one that is scheduled does not start, one that is sending claims nothing more."""

from __future__ import annotations

from datetime import datetime

from outreach.errors import StateError
from outreach.store import campaigns, conflict
from outreach.store.campaigns import CampaignState
from outreach.store.database import Store

FROM = (CampaignState.SCHEDULED, CampaignState.SENDING)


@conflict.redone
def campaign(store: Store, campaign_id: int, *, now: datetime, reason: str | None = None) -> bool:
    """Pause a scheduled or sending campaign; False where it was paused already.

    Messages that are on their way to the relay at that moment still arrive. `reason` is kept where the campaign stopped
    by itself. Raises StateError where there is nothing to hold.
    """
    with store.writing() as session:
        found = campaigns.locked(session, campaign_id)
        if found.state is CampaignState.PAUSED:
            return False
        if not campaigns.move(session, campaign_id, FROM, CampaignState.PAUSED, now=now, reason=reason):
            raise StateError(
                f"Campaign {found.name!r} is {found.state.value}: only one that is scheduled or sending can be paused."
            )
        return True
