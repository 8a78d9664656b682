"""Forgetting what was kept long enough: nobody is named any more, every sum stays, and nobody waits for long."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from outreach.actions import forget, prefer, record, report, subscribe, verify
from outreach.actions.forget import Forgotten, Plan
from outreach.actions.record import Ask, Recorder
from outreach.actions.subscribe import Person
from outreach.audience.consent import SubscriptionState
from outreach.replies.kind import Kind
from outreach.store import attempts, consents, events, freeze, lists, reports, subscribers, subscriptions
from outreach.store.campaigns import CampaignState
from outreach.store.consents import Act
from outreach.store.database import Store, table_of
from outreach.store.deliveries import Delivery, DeliveryState
from outreach.store.events import Event, EventKind
from outreach.store.hits import Hit
from outreach.store.links import Link
from outreach.store.reports import Report, ReportState
from outreach.store.subscribers import Subscriber
from outreach.tracking.robot import Signs
from tests.actions import people

PLAN = Plan(timedelta(days=1), timedelta(days=396), timedelta(days=30))
DAY = timedelta(days=1)
BROWSER = Signs(agent="Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")


@pytest.fixture
def read(store: Store, now: datetime) -> int:
    """A campaign to four people, two of whom agreed to be counted by name; all but one clicked, on two days."""
    group = people.listed(store, now, people=4)
    campaign = people.made(store, now, list_id=group, state=CampaignState.SENDING, launched_at=now)
    with store.writing() as session:
        freeze.audience(session, campaign, group, now)
        sent = sa.update(table_of(Delivery)).values(
            state=DeliveryState.SENT, sent_at=now, reply="250 <p> ok", reason="x", digest="d" * 64
        )
        session.execute(sent)
        person = table_of(Subscriber)
        session.execute(sa.update(person).where(person.c.id <= 2).values(tracking_consent=True))
        session.add(Link(campaign_id=campaign, number=1, role="quote", url="https://example.org/1"))
        session.add(Link(campaign_id=campaign, number=2, url="https://example.org/2"))
        words = {"at": now, "state": DeliveryState.DEFERRED, "reason": "full", "reply": "452 <p> is full"}
        attempts.add_all(session, [{"delivery_id": 3, "campaign_id": campaign, **words}])
        events.append(session, EventKind.UNSUBSCRIBED, now, campaign_id=campaign, subscriber_id=4, delivery_id=4)
    recorder = Recorder(store)
    for day in (0, 1):
        for delivery in (1, 2, 3):
            at = now + timedelta(days=day, hours=1 + delivery)
            recorder.clicks([Ask(delivery, 1 + day, at, f"192.0.2.{delivery}", BROWSER)])
            recorder.clicks([Ask(delivery, 1, at + timedelta(minutes=1), f"192.0.2.{delivery}", BROWSER)])
    return campaign


def done(store: Store, at: datetime, **more: Any) -> Forgotten:
    """Everything old, forgotten without a rest."""
    return forget.old(store, PLAN, now=at, rest=lambda _: None, **more)


def figures(store: Store, at: datetime) -> dict[str, Any]:
    """The report."""
    return report.campaign(store, "spring", now=at)[0]


def rows(store: Store) -> list[Any]:
    """Every hit."""
    with store.reading() as session:
        return list(session.execute(sa.select(table_of(Hit)).order_by(table_of(Hit).c.id)).all())


def test_clients_go_after_a_day_and_nothing_else(store: Store, now: datetime, read: int) -> None:
    before = figures(store, now + 2 * DAY)
    gone = done(store, now + timedelta(days=1, hours=12))
    assert (gone.clients, gone.clicks, gone.replies, gone.events) == (6, 0, 0, 0)
    assert [row.client is None for row in rows(store)] == [True] * 6 + [False] * 6
    assert done(store, now + timedelta(days=3)).clients == 6
    assert done(store, now + timedelta(days=3)).clients == 0
    assert figures(store, now + 2 * DAY) == before


def test_after_a_year_and_a_month_nobody_is_named_and_every_sum_stays(store: Store, now: datetime, read: int) -> None:
    late = now + timedelta(days=397)
    before = figures(store, late)
    assert before["quote"]["people"] == 2 + 2  # two by name on both days; one without a name, who counts for each day
    gone = done(store, late)
    assert (gone.clicks, gone.replies, gone.events, gone.campaigns) == (8, 4, 1, 1)
    assert figures(store, late) == before
    assert {row.delivery_id for row in rows(store)} == {None}
    with store.reading() as session:
        kept = table_of(Delivery)
        told = session.execute(sa.select(kept.c.reply, kept.c.reason, kept.c.digest)).all()
        named = session.execute(sa.select(table_of(Event)).where(table_of(Event).c.subscriber_id.is_not(None))).all()
        (tried,) = attempts.of_deliveries(session, [3])
    assert set(told) == {(None, None, None)}
    assert (tried["reply"], tried["reason"], tried["state"]) == (None, None, DeliveryState.DEFERRED)
    assert named == []
    assert done(store, late) == Forgotten(0, 0, 0, 0, 0, 0)


def test_what_is_not_old_stays(store: Store, now: datetime, read: int) -> None:
    gone = done(store, now + timedelta(days=396))
    assert (gone.clicks, gone.replies, gone.campaigns) == (0, 0, 0)


def test_why_somebody_was_left_out_stays(store: Store, now: datetime, read: int) -> None:
    with store.writing() as session:
        left_out = sa.update(table_of(Delivery)).where(table_of(Delivery).c.id == 4)
        session.execute(left_out.values(state=DeliveryState.EXCLUDED, reason="suppressed"))
    done(store, now + timedelta(days=397))
    assert figures(store, now)["excluded_by"] == {"suppressed": 1}


def test_who_takes_back_the_consent_is_taken_out_of_old_clicks_and_the_sums_stay(
    store: Store, now: datetime, read: int
) -> None:
    before = figures(store, now + 2 * DAY)
    assert prefer.tracking(store, 1, False, source="preferences", now=now + 2 * DAY)
    assert {row.delivery_id for row in rows(store)} == {None, 2}
    assert figures(store, now + 2 * DAY) == before
    # All clicks of the reader are still those of one reader, whom nobody knows.
    assert len({row.reader for row in rows(store) if row.delivery_id is None}) == 1 + 2
    Recorder(store).clicks([Ask(1, 1, now + 2 * DAY, "192.0.2.1", BROWSER)])
    assert rows(store)[-1].delivery_id is None


def test_slices_shrink_where_the_writer_is_held_long(store: Store, now: datetime, read: int) -> None:
    sizes: list[int] = []

    def step(_: object, after: int, size: int) -> forget.Step | None:
        sizes.append(size)
        return forget.Step(after + 1, 0) if len(sizes) < 6 else None

    def ticking() -> Iterator[float]:
        at = 0.0
        while True:
            yield at
            at += 0.1  # each slice holds the writer for 100 ms

    clock = ticking()
    rests: list[float] = []
    forget._Pace(store, lambda: next(clock), rests.append).all(step)
    assert sizes == [500, 125, 50, 50, 50, 50]
    assert rests == pytest.approx([0.1] * 5)


def test_it_goes_slice_by_slice_and_says_what_it_did(
    store: Store, now: datetime, read: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(forget, "FIRST", 2)
    monkeypatch.setattr(forget, "FEWEST", 2)
    monkeypatch.setattr(forget, "MOST", 2)
    with caplog.at_level(logging.INFO):
        done(store, now + timedelta(days=397))
    assert "retention_done clients=12 clicks=8 replies=4 events=1 joiners=0 campaigns=1 raw=0 reports=0" in caplog.text


def test_what_came_back_is_forgotten_in_two_steps(store: Store, now: datetime, read: int) -> None:
    """First the message that nobody has looked at, then the report."""
    told = {"source": "imap", "by": "", "words": "<p> is full", "raw": b"To: p@example.org"}
    with store.writing() as session:
        for index, (kind, state) in enumerate(
            [(Kind.UNCLEAR, ReportState.UNCLEAR), (Kind.HARD, ReportState.HANDLED), (Kind.UNCLEAR, ReportState.UNCLEAR)]
        ):
            at = now + index * DAY
            session.add(Report(digest=f"{index}", received_at=at, kind=kind, state=state, **told))
    assert (done(store, now + 90 * DAY).raw, done(store, now + 91 * DAY).raw, done(store, now + 91 * DAY).raw) == (
        0,
        1,
        0,
    )
    with store.reading() as session:
        rows = session.execute(sa.select(table_of(Report)).order_by(table_of(Report).c.id)).all()
        assert [(row.state, row.raw is None, row.words is None) for row in rows] == [
            (ReportState.IGNORED, True, True), (ReportState.HANDLED, False, False), (ReportState.UNCLEAR, False, False)
        ]  # fmt: skip
    assert [done(store, now + days * DAY).reports for days in (396, 397, 398, 399)] == [0, 1, 1, 1]
    with store.reading() as session:
        assert reports.page(session, limit=9) == []


def asked(store: Store, email: str, group: int, at: datetime) -> int:
    """Somebody who filled in a form."""
    with store.writing() as session:
        number, _ = subscribers.put(session, subscribers.address.parse(email), {}, now=at)
        subscriptions.add(session, number, group, SubscriptionState.UNCONFIRMED, now=at)
        source_id = consents.source(session, "Yes", "form")
        consents.append(session, number, group, Act.ASKED, source_id=source_id, now=at)
    return number


def test_who_never_confirmed_is_forgotten_after_a_month(store: Store, now: datetime) -> None:
    group = people.listed(store, now, people=1, state="unconfirmed")  # brought in by a publisher: stays
    late, other = asked(store, "late@example.org", group, now), asked(store, "other@example.org", group, now)
    asked(store, "young@example.org", group, now + DAY)
    asked(store, "done@example.org", group, now)
    subscribe.add(store, Person("done@example.org"), group, consent="Yes", source="form", now=now)
    with store.writing() as session:
        elsewhere = lists.add(session, lists.MailingList(name="other", title="Other", created_at=now)).number
    subscribe.add(store, Person("other@example.org"), elsewhere, consent="Yes", source="command", now=now)
    assert done(store, now + timedelta(days=30)).joiners == 0
    assert done(store, now + timedelta(days=30, seconds=1)).joiners == 2
    with store.reading() as session:
        mails = session.execute(sa.select(table_of(Subscriber).c.email).order_by(table_of(Subscriber).c.id)).scalars()
        assert list(mails) == [
            "person0@sample.example.org", "other@example.org", "young@example.org", "done@example.org",
        ]  # fmt: skip
        assert subscriptions.lists_of(session, other) == [elsewhere]
        assert [row["act"] for row in consents.of_person(session, other)] == [Act.GIVEN]
        assert consents.of_person(session, late) == []
    assert verify.consents_ledger(store).faults == []


def test_bursts_are_judged_before_their_clients_are_forgotten(store: Store, now: datetime, read: int) -> None:
    at = now + timedelta(hours=9)
    for delivery in (1, 2, 3):  # three processes, each of which saw one
        Recorder(store).clicks([Ask(delivery, 1, at, "198.51.100.7", BROWSER)])
    done(store, at + 2 * DAY)
    assert [row.rule for row in rows(store)][-3:] == ["burst"] * 3
    assert record.fold(store, now=at + 2 * DAY) == 0
