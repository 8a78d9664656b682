"""Let a held campaign go on: sending where it had begun, at its time where that is to come, else now."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

from outreach.actions import launch
from outreach.actions.compose import Defaults
from outreach.errors import StateError
from outreach.store import campaigns, conflict, tolls
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import Store
from outreach.timing import recurrence


class Result(Enum):
    """What resuming came to."""

    SENDING = "sending"
    SCHEDULED = "scheduled"
    #: It was not held: nothing was done.
    ALREADY = "already"
    #: Its list is being imported; resume it again afterwards.
    WAITING = "waiting"


@conflict.redone
def campaign(store: Store, campaign_id: int, *, defaults: Defaults, now: datetime) -> Result:
    """Resume a paused campaign; of a recurring one the runs that were held back are not made up for.

    Where it stopped itself, only what comes back from now on can stop it again.

    Raises StateError for a campaign that is neither paused nor under way, and what a launch raises where it starts now.
    """
    with store.writing() as session:
        found = campaigns.locked(session, campaign_id)
        if found.state in {CampaignState.SENDING, CampaignState.SCHEDULED}:
            return Result.ALREADY
        if found.state is not CampaignState.PAUSED:
            raise StateError(f"Campaign {found.name!r} is {found.state.value}: there is nothing to resume.")
        if found.launched_at is not None:
            since = tolls.as_document(tolls.of_campaign(session, campaign_id))
            there = CampaignState.SENDING
            campaigns.move(session, campaign_id, CampaignState.PAUSED, there, now=now, counted_from=since)
            return Result.SENDING
        due = _next_time(found, now)
        if due is not None:
            times = _times(found, due)
            campaigns.move(session, campaign_id, CampaignState.PAUSED, CampaignState.SCHEDULED, now=now, **times)
            return Result.SCHEDULED
    return _launched(store, campaign_id, defaults, now)


def _next_time(found: Campaign, now: datetime) -> datetime | None:
    """The time that is still to come, or None where its only time has passed."""
    if found.cron:
        return recurrence.parse(found.cron, found.timezone or "UTC").after(now)
    return found.due_at if found.due_at is not None and found.due_at > now else None


def _times(found: Campaign, due: datetime) -> dict[str, Any]:
    """The new due time, with the grace that the schedule had."""
    if found.due_at is None or found.not_after is None:
        return {"due_at": due}
    return {"due_at": due, "not_after": due + (found.not_after - found.due_at)}


def _launched(store: Store, campaign_id: int, defaults: Defaults, now: datetime) -> Result:
    outcome = launch.campaign(store, campaign_id, defaults=defaults, now=now)
    return Result.WAITING if outcome.result is launch.Result.WAITING else Result.SENDING
