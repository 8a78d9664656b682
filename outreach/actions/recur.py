"""Make the run of a recurring campaign that has fallen due: a campaign of its own, exactly one for each time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from outreach.errors import NameTaken
from outreach.store import campaigns
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import Store
from outreach.timing import recurrence
from outreach.timing.schedule import shown, zone_named

#: Names tried where one is taken: a wall time that clocks repeat, or a campaign that a person named so.
NAMES = 20


@dataclass(frozen=True)
class Recurred:
    """What became of the times that had come."""

    #: The run that was made, or None where all of them were too long ago.
    run: Campaign | None
    #: How many were left out, because a later one took their place or because they were missed by more than the grace.
    missed: int
    next_due: datetime


def campaign(store: Store, parent: Campaign, *, grace: timedelta, now: datetime) -> Recurred | None:
    """Make the run that is due and move the schedule on, in one transaction; None where another clock was first.

    Of several times that have passed only the latest runs, and only within `grace`; the others are told in an event.
    """
    seen = parent.due_at
    assert parent.id is not None and parent.cron and parent.timezone and seen is not None  # noqa: PT018
    every = recurrence.parse(parent.cron, parent.timezone)
    latest, passed = seen, 1
    for time in every.between(seen, now):
        latest, passed = time, passed + 1
    fresh = now <= latest + grace
    missed = passed - 1 if fresh else passed
    next_due = every.after(latest)
    with store.writing() as session:
        told = {"runs": missed, "first": seen.isoformat(), "last_due": latest.isoformat()} if missed else None
        since = (
            f"{missed} run{'s' if missed > 1 else ''} missed since {shown(seen, parent.timezone)}" if missed else None
        )
        if not campaigns.advance(session, parent.id, seen=seen, next_due=next_due, now=now, reason=since, missed=told):
            return None
        run = _add(session, campaigns.by_id(session, parent.id), latest, grace, now) if fresh else None
        return Recurred(run, missed, next_due)


def _add(session: Any, parent: Campaign, due: datetime, grace: timedelta, now: datetime) -> Campaign:
    """The run, under the first name that is free: NAME-YYYYMMDD-HHMM in the campaign's zone, then with -2, -3 ..."""
    wall = due.astimezone(zone_named(parent.timezone or "UTC"))
    name = f"{parent.name}-{wall:%Y%m%d-%H%M}"
    for attempt in range(1, NAMES):
        try:
            return campaigns.add(session, _run(parent, name if attempt == 1 else f"{name}-{attempt}", due, grace, now))
        except NameTaken:
            continue
    raise NameTaken("campaign", name)


def _run(parent: Campaign, name: str, due: datetime, grace: timedelta, now: datetime) -> Campaign:
    """What a run has of its campaign, and what is its own."""
    own = {"id", "state", "reason", "cron", "launched_at", "finished_at"}
    wall = due.astimezone(zone_named(parent.timezone or "UTC"))
    return Campaign(
        **{
            **parent.model_dump(exclude=own),
            "name": name,
            "state": CampaignState.SCHEDULED,
            "parent_id": parent.id,
            "wall_time": f"{wall:%Y-%m-%d %H:%M}",
            "due_at": due,
            "not_after": due + grace,
            "created_at": now,
            "updated_at": now,
        }
    )
