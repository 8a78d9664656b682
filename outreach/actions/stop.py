"""Stop campaigns of which too much comes back: a person looks at them before they go on."""

from __future__ import annotations

from datetime import datetime

from outreach.log import Log
from outreach.replies import toll
from outreach.replies.toll import StopRule
from outreach.store import campaigns, conflict, tolls
from outreach.store.campaigns import CampaignState
from outreach.store.database import Store
from outreach.store.tolls import Standing

log = Log("outreach.stop")


def campaigns_gone_wrong(store: Store, rule: StopRule, *, now: datetime, only: int | None = None) -> dict[int, str]:
    """Pause the sending campaigns of which more came back than the rule allows; those, each with the reason.

    Looks at the tallies alone, so it may be asked all the time; safe to race, one of several pauses and tells. What is
    on its way at that moment still arrives.
    """
    with store.reading() as session:
        suspects = [number for number, standing in tolls.of_sending(session, only).items() if _why(standing, rule)]
    stopped = {number: _stopped(store, number, rule, now) for number in suspects}
    return {number: why for number, why in stopped.items() if why}


@conflict.redone
def _stopped(store: Store, campaign_id: int, rule: StopRule, now: datetime) -> str | None:
    with store.writing() as session:
        name = campaigns.locked(session, campaign_id).name
        standing = tolls.of_sending(session, campaign_id).get(campaign_id)
        why = _why(standing, rule) if standing else None
        if why is None:
            return None
        reason = (
            f"it stopped itself: {why}; `outreach campaign report {name}` shows what came back, "
            f"`outreach campaign resume {name}` goes on"
        )
        campaigns.move(session, campaign_id, CampaignState.SENDING, CampaignState.PAUSED, now=now, reason=reason)
    log.warning("campaign_stopped", campaign=campaign_id, why=why)
    return reason


def _why(standing: Standing, rule: StopRule) -> str | None:
    return toll.reason(standing.toll, rule, since=standing.since) if standing.is_open else None
