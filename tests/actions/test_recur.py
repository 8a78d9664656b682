"""A recurring campaign: each time makes one run, several missed times at most one, and nothing is doubled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from outreach.actions import recur
from outreach.store import campaigns
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import Store
from tests.actions.people import made

GRACE = timedelta(hours=1)


def parent(store: Store, due: datetime, cron: str = "0 * * * *", zone: str = "Europe/Berlin") -> Campaign:
    number = made(store, due, state=CampaignState.SCHEDULED, cron=cron, timezone=zone, due_at=due, subject="As set")
    with store.reading() as session:
        return campaigns.by_id(session, number)


def runs(store: Store, campaign: Campaign) -> list[str]:
    assert campaign.id is not None
    with store.reading() as session:
        return [run.name for run in campaigns.runs(session, campaign.id)]


def test_a_run_is_a_campaign_of_its_own_named_by_its_wall_time(sqlite_store: Store, now: datetime) -> None:
    done = recur.campaign(sqlite_store, parent(sqlite_store, now), grace=GRACE, now=now)
    assert done is not None
    assert done.run is not None
    assert (done.run.name, done.run.state) == ("spring-20260302-1000", CampaignState.SCHEDULED)
    assert (done.run.due_at, done.run.not_after, done.run.cron) == (now, now + GRACE, None)
    assert done.run.subject == "As set"
    assert done.next_due == now + timedelta(hours=1)


def test_two_clocks_make_one_run(sqlite_store: Store, now: datetime) -> None:
    seen = parent(sqlite_store, now)
    assert recur.campaign(sqlite_store, seen, grace=GRACE, now=now)
    assert recur.campaign(sqlite_store, seen, grace=GRACE, now=now) is None
    assert runs(sqlite_store, seen) == ["spring-20260302-1000"]


def test_of_several_missed_times_the_latest_runs_and_the_others_are_told(sqlite_store: Store, now: datetime) -> None:
    seen = parent(sqlite_store, now)
    done = recur.campaign(sqlite_store, seen, grace=GRACE, now=now + timedelta(hours=5, minutes=30))
    assert done is not None
    assert (done.missed, runs(sqlite_store, seen)) == (5, ["spring-20260302-1500"])
    assert done.next_due == now + timedelta(hours=6)
    assert seen.id is not None
    with sqlite_store.reading() as session:
        assert campaigns.by_id(session, seen.id).reason == "5 runs missed since 2026-03-02 10:00 Europe/Berlin"


def test_beyond_the_grace_nothing_runs_and_the_schedule_goes_on(sqlite_store: Store, now: datetime) -> None:
    seen = parent(sqlite_store, now, cron="0 10 * * *")
    done = recur.campaign(sqlite_store, seen, grace=GRACE, now=now + timedelta(hours=2))
    assert done is not None
    assert (done.run, done.missed, done.next_due) == (None, 1, now + timedelta(days=1))
    assert runs(sqlite_store, seen) == []


def test_a_wall_time_that_clocks_repeat_gives_two_runs_two_names(sqlite_store: Store) -> None:
    first = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
    seen = parent(sqlite_store, first)
    recur.campaign(sqlite_store, seen, grace=GRACE, now=first)
    assert seen.id is not None
    with sqlite_store.reading() as session:
        again = campaigns.by_id(session, seen.id)
    recur.campaign(sqlite_store, again, grace=GRACE, now=first + timedelta(hours=1))
    assert runs(sqlite_store, seen) == ["spring-20261025-0200-2", "spring-20261025-0200"]


def test_a_clock_that_is_set_back_does_not_double_a_run(sqlite_store: Store, now: datetime) -> None:
    seen = parent(sqlite_store, now)
    recur.campaign(sqlite_store, seen, grace=GRACE, now=now)
    with sqlite_store.reading() as session:
        assert campaigns.due(session, now - timedelta(minutes=30)) == campaigns.due(session, now - timedelta(days=1))
        waiting = [campaign.name for campaign in campaigns.due(session, now)]
    assert waiting == ["spring-20260302-1000"]
