"""The clock does what is due, once, whoever else looks; what it cannot do it holds and tells."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from outreach.actions import approve, schedule
from outreach.actions.compose import Defaults, Rules
from outreach.engine import clock as clocks
from outreach.engine.clock import Chore, Clock
from outreach.errors import DatabaseUnavailable
from outreach.store import campaigns, deliveries, lists
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState
from outreach.timing import recurrence
from outreach.timing.schedule import resolve
from tests.actions.people import listed, made

GRACE = timedelta(hours=1)
DEFAULTS = Defaults(
    sender="News <news@example.org>",
    reply_to=None,
    postal_address="1 Example Street",
    quote_url="https://example.org/quote",
    public_url="https://news.example.org",
)
SCHEDULED, SENDING, PAUSED = CampaignState.SCHEDULED, CampaignState.SENDING, CampaignState.PAUSED


def clock_at(store: Store, now: datetime) -> Clock:
    return Clock(store, DEFAULTS, grace=GRACE, now=lambda: now)


def scheduled(store: Store, due: datetime, name: str = "spring", **columns: object) -> int:
    plan = {"state": SCHEDULED, "due_at": due, "not_after": due + GRACE, "timezone": "UTC"}
    return made(store, due, name, **{**plan, **columns})


def seen(store: Store, campaign_id: int) -> Campaign:
    with store.reading() as session:
        return campaigns.by_id(session, campaign_id)


def states(store: Store, campaign_id: int) -> list[str]:
    """The states that a campaign was moved to, by its events."""
    from tests.store.test_campaigns import events_of

    return [detail["to"] for detail in events_of(store, campaign_id)]


def test_a_campaign_is_launched_when_its_time_has_come_and_not_before(sqlite_store: Store, now: datetime) -> None:
    number = scheduled(sqlite_store, now)
    clock_at(sqlite_store, now - timedelta(seconds=1)).tick()
    assert seen(sqlite_store, number).state is SCHEDULED
    clock_at(sqlite_store, now).tick()
    assert (seen(sqlite_store, number).state, seen(sqlite_store, number).launched_at) == (SENDING, now)


def test_a_second_clock_launches_nothing_twice(store: Store, now: datetime) -> None:
    number = scheduled(store, now)
    ready = threading.Barrier(2)

    def look() -> None:
        clock = clock_at(store, now)
        ready.wait(30)
        clock.tick()

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert states(store, number).count("sending") == 1
    with store.reading() as session:
        assert deliveries.tallies(session, number)[DeliveryState.QUEUED] == 1


def test_a_time_missed_by_more_than_the_grace_is_held_and_told(sqlite_store: Store, now: datetime) -> None:
    number = scheduled(sqlite_store, now)
    clock_at(sqlite_store, now + GRACE + timedelta(seconds=1)).tick()
    assert seen(sqlite_store, number).state is PAUSED
    assert "missed: was due 2026-03-02 09:00 UTC" in (seen(sqlite_store, number).reason or "")


def test_a_time_missed_within_the_grace_is_made_up_for(sqlite_store: Store, now: datetime) -> None:
    number = scheduled(sqlite_store, now)
    clock_at(sqlite_store, now + GRACE).tick()
    assert seen(sqlite_store, number).state is SENDING


def test_what_cannot_be_launched_is_held_with_the_reason_and_not_tried_again(
    sqlite_store: Store, now: datetime
) -> None:
    empty = listed(sqlite_store, now, name="nobody", people=0)
    number = scheduled(sqlite_store, now, list_id=empty)
    other = scheduled(sqlite_store, now, "other")
    for _ in range(3):
        clock_at(sqlite_store, now).tick()
    assert seen(sqlite_store, number).state is PAUSED
    assert "is empty" in (seen(sqlite_store, number).reason or "")
    assert states(sqlite_store, number) == ["scheduled", "paused"]
    assert seen(sqlite_store, other).state is SENDING


def test_a_mistake_of_ours_holds_one_campaign_and_not_the_clock(
    sqlite_store: Store, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = scheduled(sqlite_store, now)

    def fail(*_: object, **__: object) -> None:
        raise KeyError("a mistake")

    monkeypatch.setattr(clocks.launch, "campaign", fail)
    clock_at(sqlite_store, now).tick()
    assert "outreach failed in itself" in (seen(sqlite_store, number).reason or "")


def test_a_launch_waits_for_an_import_and_goes_on_after_it(sqlite_store: Store, now: datetime) -> None:
    list_id = listed(sqlite_store, now)
    number = scheduled(sqlite_store, now, list_id=list_id)
    with sqlite_store.writing() as session:
        lists.begin_import(session, list_id, "digest", now)
    clock = clock_at(sqlite_store, now)
    clock.tick()
    assert seen(sqlite_store, number).state is SCHEDULED
    with sqlite_store.writing() as session:
        lists.end_import(session, list_id)
    clock.tick()
    assert seen(sqlite_store, number).state is SENDING


def test_an_import_that_never_ends_is_told_as_the_reason(sqlite_store: Store, now: datetime) -> None:
    list_id = listed(sqlite_store, now)
    number = scheduled(sqlite_store, now, list_id=list_id)
    with sqlite_store.writing() as session:
        lists.begin_import(session, list_id, "digest", now)
    clock = Clock(sqlite_store, DEFAULTS, grace=GRACE, now=lambda: now)
    clock.tick()
    clock.now = lambda: now + GRACE + timedelta(seconds=1)
    clock.tick()
    assert "its list was being imported" in (seen(sqlite_store, number).reason or "")


def test_a_recurring_campaign_makes_its_run_and_launches_it_in_one_look(sqlite_store: Store, now: datetime) -> None:
    number = scheduled(sqlite_store, now, cron="0 * * * *")
    for _ in range(2):
        clock_at(sqlite_store, now).tick()
    with sqlite_store.reading() as session:
        runs = campaigns.runs(session, number)
    assert [(run.name, run.state) for run in runs] == [("spring-20260302-0900", SENDING)]
    assert (seen(sqlite_store, number).state, seen(sqlite_store, number).due_at) == (
        SCHEDULED,
        now + timedelta(hours=1),
    )


def test_a_clock_that_is_set_back_doubles_no_run(sqlite_store: Store, now: datetime) -> None:
    number = scheduled(sqlite_store, now, cron="0 * * * *")
    for moment in (now, now - timedelta(minutes=30), now, now + timedelta(minutes=59)):
        clock_at(sqlite_store, moment).tick()
    with sqlite_store.reading() as session:
        assert len(campaigns.runs(session, number)) == 1


def test_a_recurrence_that_means_nothing_any_more_is_held(sqlite_store: Store, now: datetime) -> None:
    number = scheduled(sqlite_store, now, cron="0 * * * *", timezone="Mars/Olympus")
    clock_at(sqlite_store, now).tick()
    assert "no time zone named 'Mars/Olympus'" in (seen(sqlite_store, number).reason or "")


def test_a_campaign_with_nothing_open_is_finished(sqlite_store: Store, now: datetime) -> None:
    number = scheduled(sqlite_store, now)
    clock_at(sqlite_store, now).tick()
    with sqlite_store.writing() as session:
        deliveries.cancel_open(session, number, now)
    clock_at(sqlite_store, now).tick()
    assert seen(sqlite_store, number).state is CampaignState.FINISHED


def test_a_database_that_is_away_is_waited_for(
    sqlite_store: Store, now: datetime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    number = scheduled(sqlite_store, now)
    clock = clock_at(sqlite_store, now)

    @contextmanager
    def away() -> Iterator[None]:
        raise DatabaseUnavailable("The database cannot be reached.")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(sqlite_store, "writing", away)
        clock.tick()
        clock.tick()
    assert [record.message for record in caplog.records if "clock_waits" in record.message] == [
        'clock_waits why="The database cannot be reached."'
    ]
    assert seen(sqlite_store, number).state is SCHEDULED
    clock.tick()
    assert seen(sqlite_store, number).state is SENDING


def test_the_running_clock_ticks_and_does_its_chores_until_told_to_stop(tmp_path: Path, sqlite_store: Store) -> None:
    number = scheduled(sqlite_store, datetime.now(UTC))
    stop, done = threading.Event(), threading.Event()

    def chore(_: datetime) -> None:
        if seen(sqlite_store, number).state is SENDING:
            done.set()

    clock = Clock(sqlite_store, DEFAULTS, grace=GRACE, chores=[Chore("look", timedelta(seconds=0.2), chore)])
    thread = threading.Thread(target=clock.run, args=(stop,))
    thread.start()
    try:
        assert done.wait(30)
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


def test_a_machine_clock_that_is_set_back_does_not_put_the_clock_to_sleep(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """APScheduler waits for a moment on the machine's clock: after a step back it has to plan anew."""
    monkeypatch.setattr(clocks, "BEAT", 0.05)
    stop, noticed, back = threading.Event(), threading.Event(), threading.Event()
    shown = time.time

    class SetBack:
        monotonic = staticmethod(time.monotonic)

        @staticmethod
        def time() -> float:
            return shown() - (3600 if back.is_set() else 0)

    monkeypatch.setattr(clocks, "time", SetBack)

    def chore(_: datetime) -> None:
        if any("machine_clock_set_back" in record.message for record in caplog.records):
            noticed.set()
        back.set()

    clock = Clock(sqlite_store, DEFAULTS, grace=GRACE, chores=[Chore("look", timedelta(seconds=0.05), chore)])
    thread = threading.Thread(target=clock.run, args=(stop,))
    thread.start()
    try:
        assert noticed.wait(30)
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


def test_a_chore_that_fails_is_logged_and_stops_nothing(
    sqlite_store: Store, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: datetime) -> None:
        raise DatabaseUnavailable("away")

    clock_at(sqlite_store, now)._chore(Chore("forget", timedelta(seconds=1), fail))
    assert "chore_failed chore=forget why=away" in caplog.text


@contextmanager
def at_work(clock: Clock) -> Iterator[threading.Event]:
    """A clock that runs in a thread; the event stops it."""
    stop = threading.Event()
    thread = threading.Thread(target=clock.run, args=(stop,))
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_of_two_clocks_one_works_and_the_other_takes_over(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(clocks, "BEAT", 0.1)
    caplog.set_level("INFO")
    did: list[str] = []

    def clock(name: str) -> Clock:
        chore = Chore("note", timedelta(seconds=0.1), lambda _: did.append(name))
        return Clock(store, DEFAULTS, grace=GRACE, chores=[chore])

    first, second = clock("first"), clock("second")
    with at_work(first) as stop_first:
        wait_for(lambda: "first" in did)
        with at_work(second):
            wait_for(lambda: f"clock_stands_by clock={second._leadership.me}" in caplog.text)
            del did[:]
            wait_for(lambda: len(did) > 5)
            assert set(did) == {"first"}
            stop_first.set()
            number = scheduled(store, datetime.now(UTC))
            wait_for(lambda: seen(store, number).state is SENDING)
            wait_for(lambda: "second" in did)
    told = [record.message for record in caplog.records if record.message.startswith("clock_leads ")]
    assert told == [f"clock_leads clock={me} leader={me}" for me in (first._leadership.me, second._leadership.me)]


def test_a_launch_is_counted_with_its_delay_and_a_tick_is_a_sign_of_life(sqlite_store: Store, now: datetime) -> None:
    scheduled(sqlite_store, now - timedelta(seconds=2))
    clock = clock_at(sqlite_store, now)
    clock.pulse._at -= 1_000
    clock._leads = True
    clock._safe_tick()
    assert clock.pulse.silent < 100
    assert clock.gauges.registry.get_sample_value("outreach_launches_total") == 1
    assert clock.gauges.registry.get_sample_value("outreach_last_launch_delay_seconds") == 2


def test_a_campaign_that_has_become_faulty_is_held_with_the_reason(store: Store, now: datetime) -> None:
    number = scheduled(store, now)
    with store.writing() as session:
        campaigns.change(session, number, now=now, layout={"layout.html": "<h1>x</h1>{{ article.body }}"})
    clock_at(store, now).tick()
    held = seen(store, number)
    assert (held.state, held.launched_at) == (PAUSED, None)
    assert "no unsubscribe link" in (held.reason or "")


def test_a_strict_house_holds_what_has_a_warning_that_nobody_accepted(store: Store, now: datetime) -> None:
    strict = replace(DEFAULTS, postal_address="", rules=Rules(strict=True))
    terms = schedule.Terms(strict, GRACE, accept=True)
    when = resolve(f"{now + timedelta(minutes=1):%Y-%m-%d %H:%M}", "UTC", now=now)
    known, news = (schedule.at(store, made(store, now, name), when, terms, now=now) for name in ("known", "news"))
    assert known.id is not None
    assert news.id is not None
    with store.writing() as session:
        campaigns.change(session, news.id, now=now, subject="NEWS FOR EVERYBODY")
    Clock(store, strict, grace=GRACE, now=lambda: when.at).tick()
    assert seen(store, known.id).state is SENDING
    held = seen(store, news.id)
    assert (held.state, held.launched_at) == (PAUSED, None)
    assert "is in capitals" in (held.reason or "")
    assert "postal address" not in (held.reason or "")


def test_what_nobody_approved_is_held_where_that_is_required(sqlite_store: Store, now: datetime) -> None:
    asks = replace(DEFAULTS, rules=Rules(approval=True))
    with_it, without = scheduled(sqlite_store, now), scheduled(sqlite_store, now, "autumn")
    approve.campaign(sqlite_store, with_it, by="Editor", defaults=asks, now=now)
    Clock(sqlite_store, asks, grace=GRACE, now=lambda: now).tick()
    assert seen(sqlite_store, with_it).state is SENDING
    assert seen(sqlite_store, without).state is PAUSED
    assert "Nobody has approved" in (seen(sqlite_store, without).reason or "")


def test_a_run_goes_out_on_the_approval_of_its_campaign(sqlite_store: Store, now: datetime) -> None:
    asks = replace(DEFAULTS, rules=Rules(approval=True))
    number = scheduled(sqlite_store, now, cron="0 * * * *")
    approve.campaign(sqlite_store, number, by="Editor", defaults=asks, now=now)
    Clock(sqlite_store, asks, grace=GRACE, now=lambda: now).tick()
    with sqlite_store.writing() as session:
        (run,) = campaigns.runs(session, number)
        assert run.state is SENDING
        campaigns.change(session, number, now=now, subject="Another")
    Clock(sqlite_store, asks, grace=GRACE, now=lambda: now + timedelta(hours=1)).tick()
    with sqlite_store.reading() as session:
        assert [each.state for each in campaigns.runs(session, number)] == [PAUSED, SENDING]


def test_a_run_goes_out_on_what_was_accepted_of_its_campaign(sqlite_store: Store, now: datetime) -> None:
    strict = replace(DEFAULTS, postal_address="", rules=Rules(strict=True))
    number, terms = made(sqlite_store, now), schedule.Terms(strict, GRACE, accept=True)
    schedule.cron(sqlite_store, number, recurrence.parse("0 * * * *", "UTC"), terms, now=now)
    Clock(sqlite_store, strict, grace=GRACE, now=lambda: now + timedelta(hours=1)).tick()
    with sqlite_store.reading() as session:
        (run,) = campaigns.runs(session, number)
    assert (run.state, run.reason) == (SENDING, None)
