"""Give a campaign its time: once, at a wall time, or again and again, by a crontab line; if it may go out at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from outreach.actions import vet
from outreach.actions.compose import Defaults
from outreach.errors import ScheduleError, StateError
from outreach.store import campaigns
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import Store
from outreach.timing.recurrence import Recurrence
from outreach.timing.schedule import Resolved

FROM = (CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.PAUSED)
#: What the table keeps of a crontab line.
LONGEST_LINE = 120


@dataclass(frozen=True)
class Terms:
    """What a schedule is made under."""

    defaults: Defaults
    #: Where nobody was there to start it within this time after it was due, it is held and asks.
    grace: timedelta
    #: Whether a person accepts the warnings that there are, for the clock too.
    accept: bool = False


def at(store: Store, campaign_id: int, when: Resolved, terms: Terms, *, now: datetime) -> Campaign:
    """Schedule a campaign once, replacing an earlier schedule.

    Raises StateError where it was launched already, and what `vet` refuses.
    """
    plan = {"wall_time": when.wall, "timezone": when.zone, "cron": None, "due_at": when.at}
    return _planned(store, campaign_id, plan, terms, now)


def cron(store: Store, campaign_id: int, every: Recurrence, terms: Terms, *, now: datetime) -> Campaign:
    """Schedule a campaign again and again, replacing an earlier schedule; each run is a campaign of its own.

    Raises StateError where the campaign itself was launched already, and what `vet` refuses.
    """
    if len(every.text) > LONGEST_LINE:
        raise ScheduleError(f"A crontab line has at most {LONGEST_LINE} characters.")
    plan = {"wall_time": None, "timezone": every.zone.key, "cron": every.text, "due_at": every.after(now)}
    return _planned(store, campaign_id, plan, terms, now)


def hold(store: Store, campaign_id: int, reason: str, *, due: datetime | None, now: datetime) -> bool:
    """Hold a scheduled campaign that could not start, with the reason; False where its schedule has changed since."""
    with store.writing() as session:
        found = campaigns.locked(session, campaign_id)
        if found.due_at != due:
            return False
        return campaigns.move(
            session, campaign_id, CampaignState.SCHEDULED, CampaignState.PAUSED, now=now, reason=reason
        )


def _planned(store: Store, campaign_id: int, plan: dict[str, Any], terms: Terms, now: datetime) -> Campaign:
    with store.reading() as session:
        seen = _plannable(campaigns.by_id(session, campaign_id))
    vetted = vet.campaign(store, seen, defaults=terms.defaults, now=now, accept=terms.accept)
    with store.writing() as session:
        fresh = _plannable(campaigns.locked(session, campaign_id))
        if fresh.updated_at != seen.updated_at:
            raise StateError(f"Campaign {seen.name!r} was changed at this moment by somebody else.", hint="Try again.")
        there = {**plan, "not_after": plan["due_at"] + terms.grace, **vetted.columns}
        campaigns.move(session, campaign_id, fresh.state, CampaignState.SCHEDULED, now=now, **there)
        return campaigns.by_id(session, campaign_id)


def _plannable(found: Campaign) -> Campaign:
    if found.launched_at or found.state not in FROM:
        raise StateError(
            f"Campaign {found.name!r} is {found.state.value}: it can no longer be scheduled.",
            hint="Make another one with `outreach campaign create ... --name NAME`.",
        )
    return found
