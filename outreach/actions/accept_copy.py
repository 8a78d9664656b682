"""Go on with a database that was restored from a copy: whatever may have gone further since then is held."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from outreach.store import campaigns
from outreach.store.campaigns import CampaignState
from outreach.store.database import Store

SENDING = "the database was restored from a copy: who is queued here may have been mailed already; resume sends to them"
SCHEDULED = "the database was restored from a copy: it may have been sent already; resume starts it"


def database(store: Store, accept: Callable[[], None], *, now: datetime) -> list[str]:
    """Pause what was sending, and what should have started meanwhile, then accept; the names of what is held.

    Held first, accepted afterwards: a sender that notices the one finds the other done. Safe to repeat.
    """
    held: list[str] = []
    with store.writing() as session:
        for campaign in campaigns.all(session):
            assert campaign.id is not None
            overdue = campaign.state is CampaignState.SCHEDULED and (campaign.due_at is None or campaign.due_at <= now)
            if campaign.state is not CampaignState.SENDING and not overdue:
                continue
            reason = SENDING if campaign.state is CampaignState.SENDING else SCHEDULED
            if campaigns.move(session, campaign.id, campaign.state, CampaignState.PAUSED, now=now, reason=reason):
                held.append(campaign.name)
    accept()
    return held
