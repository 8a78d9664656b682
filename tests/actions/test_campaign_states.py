"""Scheduling, holding, cancelling and finishing move a campaign once, say why not, and harm nothing when repeated."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from outreach.actions import cancel, finish, pause, schedule
from outreach.errors import ScheduleError, StateError
from outreach.store import campaigns, deliveries, freeze
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState
from outreach.timing import recurrence
from outreach.timing.schedule import resolve
from tests.actions.people import listed, made

GRACE = timedelta(hours=1)
DRAFT, SCHEDULED, SENDING = CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.SENDING
PAUSED, FINISHED, CANCELLED = CampaignState.PAUSED, CampaignState.FINISHED, CampaignState.CANCELLED


def seen(store: Store, campaign_id: int) -> Campaign:
    with store.reading() as session:
        return campaigns.by_id(session, campaign_id)


def launched(store: Store, now: datetime, **columns: Any) -> int:
    """A campaign that is sending to three people."""
    list_id = listed(store, now, people=3)
    number = made(store, now, list_id=list_id, state=SENDING, launched_at=now, **columns)
    with store.writing() as session:
        freeze.audience(session, number, list_id, now)
    return number


def test_a_schedule_keeps_what_was_written_and_when_it_falls_due(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now)
    planned = schedule.at(
        sqlite_store, number, resolve("2026-07-01 09:00", "Europe/Berlin", now=now), grace=GRACE, now=now
    )
    due = datetime.fromisoformat("2026-07-01T07:00:00+00:00")
    assert (planned.state, planned.wall_time, planned.timezone) == (SCHEDULED, "2026-07-01 09:00", "Europe/Berlin")
    assert (planned.due_at, planned.not_after) == (due, due + GRACE)


def test_a_new_schedule_replaces_the_old_one(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now)
    weekly = recurrence.parse("0 9 * * mon", "Europe/Berlin")
    assert schedule.cron(sqlite_store, number, weekly, grace=GRACE, now=now).cron == "0 9 * * mon"
    planned = schedule.at(sqlite_store, number, resolve("2026-07-01 09:00", "UTC", now=now), grace=GRACE, now=now)
    assert (planned.cron, planned.wall_time) == (None, "2026-07-01 09:00")


def test_a_held_campaign_can_be_given_another_time(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now, state=PAUSED, reason="missed", due_at=now - timedelta(days=1))
    planned = schedule.at(sqlite_store, number, resolve("2026-07-01 09:00", "UTC", now=now), grace=GRACE, now=now)
    assert (planned.state, planned.reason) == (SCHEDULED, None)


@pytest.mark.parametrize("state", [SENDING, FINISHED, CANCELLED])
def test_what_has_left_or_ended_cannot_be_scheduled(sqlite_store: Store, now: datetime, state: CampaignState) -> None:
    number = made(sqlite_store, now, state=state, launched_at=now)
    with pytest.raises(StateError, match="can no longer be scheduled"):
        schedule.at(sqlite_store, number, resolve("2026-07-01 09:00", "UTC", now=now), grace=GRACE, now=now)


def test_a_campaign_paused_in_mid_sending_cannot_be_scheduled_anew(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now, state=PAUSED, launched_at=now)
    with pytest.raises(StateError, match="can no longer be scheduled"):
        schedule.at(sqlite_store, number, resolve("2026-07-01 09:00", "UTC", now=now), grace=GRACE, now=now)


def test_a_crontab_line_that_is_too_long_to_keep_is_refused(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now)
    line = recurrence.parse(",".join(map(str, range(60))) + " * * * *", "UTC")
    with pytest.raises(ScheduleError, match="at most 120"):
        schedule.cron(sqlite_store, number, line, grace=GRACE, now=now)


def test_only_the_schedule_that_was_seen_is_held(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now, state=SCHEDULED, due_at=now)
    assert not schedule.hold(sqlite_store, number, "missed", due=now - timedelta(hours=1), now=now)
    assert schedule.hold(sqlite_store, number, "missed", due=now, now=now)
    assert not schedule.hold(sqlite_store, number, "missed again", due=now, now=now)
    assert (seen(sqlite_store, number).state, seen(sqlite_store, number).reason) == (PAUSED, "missed")


@pytest.mark.parametrize("state", [SCHEDULED, SENDING])
def test_pausing_twice_pauses_once(sqlite_store: Store, now: datetime, state: CampaignState) -> None:
    number = made(sqlite_store, now, state=state)
    assert pause.campaign(sqlite_store, number, now=now)
    assert not pause.campaign(sqlite_store, number, now=now)
    assert seen(sqlite_store, number).state is PAUSED


@pytest.mark.parametrize("state", [DRAFT, FINISHED, CANCELLED])
def test_what_does_not_run_cannot_be_paused(sqlite_store: Store, now: datetime, state: CampaignState) -> None:
    number = made(sqlite_store, now, state=state)
    with pytest.raises(StateError, match=state.value):
        pause.campaign(sqlite_store, number, now=now)


def test_cancelling_keeps_back_what_has_not_left(sqlite_store: Store, now: datetime) -> None:
    number = launched(sqlite_store, now)
    assert cancel.campaign(sqlite_store, number, now=now) == 3
    assert cancel.campaign(sqlite_store, number, now=now) == 0
    with sqlite_store.reading() as session:
        assert deliveries.tallies(session, number)[DeliveryState.CANCELLED] == 3
    assert (seen(sqlite_store, number).state, seen(sqlite_store, number).finished_at) == (CANCELLED, now)


def test_a_finished_campaign_cannot_be_cancelled(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now, state=FINISHED, launched_at=now)
    with pytest.raises(StateError, match="nothing left to cancel"):
        cancel.campaign(sqlite_store, number, now=now)


def test_a_campaign_finishes_only_when_nothing_is_open(sqlite_store: Store, now: datetime) -> None:
    number = launched(sqlite_store, now)
    assert not finish.campaign(sqlite_store, number, now=now)
    with sqlite_store.writing() as session:
        deliveries.cancel_open(session, number, now)
    assert finish.campaign(sqlite_store, number, now=now)
    assert not finish.campaign(sqlite_store, number, now=now)
    assert seen(sqlite_store, number).state is FINISHED


def test_a_paused_campaign_does_not_finish_behind_ones_back(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now, state=PAUSED, launched_at=now, reason="told so")
    assert not finish.campaign(sqlite_store, number, now=now)
    assert seen(sqlite_store, number).reason == "told so"
