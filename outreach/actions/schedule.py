"""Give a campaign its time: once, at a wall time, or again and again, by a crontab line."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from outreach.errors import ScheduleError, StateError
from outreach.store import campaigns
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import Store
from outreach.timing.recurrence import Recurrence
from outreach.timing.schedule import Resolved

FROM = (CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.PAUSED)
#: What the table keeps of a crontab line.
LONGEST_LINE = 120


def at(store: Store, campaign_id: int, when: Resolved, *, grace: timedelta, now: datetime) -> Campaign:
    """Schedule a campaign once, replacing an earlier schedule.

    Where nobody was there to start it within `grace` after its time, it is held and asks. Raises StateError where it
    was launched already.
    """
    return _planned(
        store, campaign_id, now, wall_time=when.wall, timezone=when.zone, cron=None, due_at=when.at, grace=grace
    )


def cron(store: Store, campaign_id: int, every: Recurrence, *, grace: timedelta, now: datetime) -> Campaign:
    """Schedule a campaign again and again, replacing an earlier schedule; each run is a campaign of its own.

    Raises StateError where the campaign itself was launched already.
    """
    if len(every.text) > LONGEST_LINE:
        raise ScheduleError(f"A crontab line has at most {LONGEST_LINE} characters.")
    due = every.after(now)
    return _planned(
        store, campaign_id, now, wall_time=None, timezone=every.zone.key, cron=every.text, due_at=due, grace=grace
    )


def hold(store: Store, campaign_id: int, reason: str, *, due: datetime | None, now: datetime) -> bool:
    """Hold a scheduled campaign that could not start, with the reason; False where its schedule has changed since."""
    with store.writing() as session:
        found = campaigns.locked(session, campaign_id)
        if found.due_at != due:
            return False
        return campaigns.move(
            session, campaign_id, CampaignState.SCHEDULED, CampaignState.PAUSED, now=now, reason=reason
        )


def _planned(
    store: Store, campaign_id: int, now: datetime, *, due_at: datetime, grace: timedelta, **plan: Any
) -> Campaign:
    with store.writing() as session:
        found = campaigns.locked(session, campaign_id)
        if found.launched_at or found.state not in FROM:
            raise StateError(
                f"Campaign {found.name!r} is {found.state.value}: it can no longer be scheduled.",
                hint="Make another one with `outreach campaign create ... --name NAME`.",
            )
        plan = {**plan, "due_at": due_at, "not_after": due_at + grace}
        campaigns.move(session, campaign_id, found.state, CampaignState.SCHEDULED, now=now, **plan)
        return campaigns.by_id(session, campaign_id)
