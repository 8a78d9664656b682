"""Recording: hits are judged, name a person only where the person agreed, and lose their pseudonyms' key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from outreach.actions import record
from outreach.actions.record import Ask, Recorder
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import Store, table_of
from outreach.store.deliveries import Delivery, DeliveryState
from outreach.store.hits import DayKey, Hit
from outreach.store.links import Link
from outreach.store.lists import MailingList, Tracking
from outreach.store.subscribers import Subscriber
from outreach.tracking.robot import Signs

FIREFOX = Signs(agent="Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
URL = "https://clinic.example/quote?a=%27&b=[1]#part"


@pytest.fixture
def later(now: datetime) -> datetime:
    """A minute after everything was sent."""
    return now + timedelta(minutes=1)


@pytest.fixture
def ask(later: datetime) -> Callable[..., Ask]:
    """A person's request for link 1 of delivery 1, unless told otherwise."""

    def made(delivery: int = 1, link: int = 1, *, after: float = 0, address: str = "", signs: Signs = FIREFOX) -> Ask:
        return Ask(delivery, link, later + timedelta(seconds=after), address or f"192.0.2.{delivery}", signs)

    return made


@pytest.fixture(autouse=True)
def _sent(store: Store, now: datetime) -> None:
    """Deliveries 1 to 9, even numbers to people who consented to tracking; 8 not settled, 9 of an erased person."""
    with store.writing() as session:
        mailing_list = MailingList(name="sample", title="Sample", tracking=Tracking.INDIVIDUAL, created_at=now)
        session.add(mailing_list)
        session.flush()
        campaign = Campaign(
            name="spring", list_id=mailing_list.id or 0, state=CampaignState.SENDING, article_name="spring", article="",
            layout_name="default", layout={}, created_at=now, updated_at=now, launched_at=now,
        )  # fmt: skip
        session.add(campaign)
        session.flush()
        for n in range(1, 10):
            if n != 9:
                mail = f"p{n}@example.org"
                session.add(
                    Subscriber(id=n, email=mail, email_key=mail, tracking_consent=n % 2 == 0, created_at=now,
                               updated_at=now)
                )  # fmt: skip
            state = DeliveryState.CLAIMED if n == 8 else DeliveryState.SENT
            sent = None if n == 8 else now
            session.add(
                Delivery(id=n, campaign_id=campaign.id or 0, subscriber_id=n, state=state, sent_at=sent,
                         settled_at=now, attempts=1)
            )  # fmt: skip
        for n, url in enumerate((URL, "https://clinic.example/2", "https://clinic.example/3", "javascript:x"), 1):
            session.add(Link(campaign_id=campaign.id or 0, number=n, url=url))


def rows_of(store: Store) -> list[Any]:
    """Every hit, in the order of its time."""
    hit = table_of(Hit)
    with store.reading() as session:
        return list(session.execute(sa.select(hit).order_by(hit.c.at, hit.c.id)).all())


def judged(store: Store) -> list[tuple[str, str]]:
    """(judgement, rule) of every hit."""
    return [(row.judgement.value, row.rule) for row in rows_of(store)]


def test_a_hit_is_stored_and_leads_on(store: Store, ask: Callable[..., Ask], later: datetime) -> None:
    assert Recorder(store).clicks([ask()]) == [URL]
    (row,) = rows_of(store)
    assert (row.campaign_id, row.link_number, row.at, row.judgement.value) == (1, 1, later, "human")


@pytest.mark.parametrize(("delivery", "link"), [(4711, 1), (1, 99), (1, 4), (4711, 99)])
def test_what_leads_nowhere_leaves_no_row(store: Store, ask: Callable[..., Ask], delivery: int, link: int) -> None:
    assert Recorder(store).clicks([ask(delivery, link)]) == [None]
    assert rows_of(store) == []


def test_a_batch_answers_in_its_order(store: Store, ask: Callable[..., Ask]) -> None:
    asks = [ask(1, 2), ask(4711, 1), ask(2, 1), ask(1, 99), ask(3, 3)]
    answers = Recorder(store).clicks(asks)
    assert answers == ["https://clinic.example/2", None, URL, None, "https://clinic.example/3"]
    assert [row.link_number for row in rows_of(store)] == [2, 1, 3]


def test_only_a_person_who_agreed_is_named(store: Store, ask: Callable[..., Ask]) -> None:
    Recorder(store).clicks([ask(1), ask(2), ask(9)])
    assert [row.delivery_id for row in rows_of(store)] == [None, 2, None]


@pytest.mark.parametrize(("tracking", "named"), [("individual", [2]), ("aggregate", [None]), ("off", [])])
def test_the_list_says_how_links_are_counted(
    store: Store, ask: Callable[..., Ask], tracking: str, named: list[int | None]
) -> None:
    recorder = Recorder(store)
    with store.writing() as session:
        session.execute(sa.update(table_of(MailingList)).values(tracking=Tracking(tracking)))
    assert recorder.clicks([ask(2)]) == [URL]
    assert [row.delivery_id for row in rows_of(store)] == named


def test_pseudonyms_tell_readers_and_clients_apart_and_name_nobody(store: Store, ask: Callable[..., Ask]) -> None:
    Recorder(store).clicks([ask(1, 1), ask(1, 2, address="192.0.2.3"), ask(3, 1)])
    first, second, third = rows_of(store)
    assert first.reader == second.reader != third.reader
    assert first.client != second.client == third.client
    assert all("192.0.2" not in str(row) for row in rows_of(store))


def test_two_recorders_share_the_pseudonyms_of_a_day(store: Store, ask: Callable[..., Ask]) -> None:
    for recorder in (Recorder(store), Recorder(store)):
        recorder.clicks([ask()])
    first, second = rows_of(store)
    assert first.reader == second.reader


def test_what_is_not_settled_is_suspect(store: Store, ask: Callable[..., Ask]) -> None:
    Recorder(store).clicks([ask(8)])
    assert judged(store) == [("suspect", "too-soon")]


def test_a_message_whose_fate_is_unknown_counts_from_when_that_was_settled(
    store: Store, ask: Callable[..., Ask]
) -> None:
    with store.writing() as session:
        delivery = table_of(Delivery)
        session.execute(sa.update(delivery).where(delivery.c.id == 1).values(state=DeliveryState.UNKNOWN, sent_at=None))
    Recorder(store).clicks([ask(1)])
    assert judged(store) == [("human", "")]


def test_a_burst_is_folded_back_onto_hits_that_are_stored_already(store: Store, ask: Callable[..., Ask]) -> None:
    recorder = Recorder(store)
    recorder.clicks([ask(2, 1)])
    recorder.clicks([ask(2, 2, after=0.5, signs=Signs(agent="x", head=True)), ask(5, 1, after=0.5)])
    assert judged(store) == [("human", ""), ("machine", "head"), ("human", "")]
    recorder.clicks([ask(2, 3, after=1), ask(2, 1, after=60)])
    assert judged(store) == [
        ("machine", "burst"),
        ("machine", "head"),
        ("human", ""),
        ("machine", "burst"),
        ("human", ""),
    ]


def test_one_client_across_messages_is_a_machine(store: Store, ask: Callable[..., Ask]) -> None:
    Recorder(store).clicks([ask(n, 1, after=n / 10, address="198.51.100.9") for n in (1, 2, 3)])
    assert judged(store) == [("machine", "burst")] * 3


def test_a_burst_over_several_processes_is_folded_when_a_report_reads(
    store: Store, ask: Callable[..., Ask], later: datetime
) -> None:
    for link in (1, 2, 3):
        Recorder(store).clicks([ask(1, link, after=link / 10)])
    Recorder(store).clicks([ask(5)])
    assert judged(store) == [("human", "")] * 4
    assert record.fold(store, now=later) == 3
    assert judged(store).count(("machine", "burst")) == 3
    assert record.fold(store, now=later) == 0


def test_folding_goes_slice_by_slice(
    store: Store, ask: Callable[..., Ask], later: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "SLICE", 2)
    for n in range(9):
        Recorder(store).clicks([ask(1, n % 3 + 1, after=0.1)])
    assert record.fold(store, now=later + timedelta(hours=1)) == 9
    assert all(row.folded for row in rows_of(store))


def test_young_hits_are_folded_again(store: Store, ask: Callable[..., Ask], later: datetime) -> None:
    for link in (1, 2):
        Recorder(store).clicks([ask(1, link)])
    assert record.fold(store, now=later + timedelta(seconds=5)) == 0
    assert not any(row.folded for row in rows_of(store))
    Recorder(store).clicks([ask(1, 3)])  # of a process that had to wait for its turn
    assert record.fold(store, now=later + timedelta(seconds=6)) == 3


def test_what_a_client_showed_is_kept_for_judging_anew(store: Store, ask: Callable[..., Ask], later: datetime) -> None:
    Recorder(store).clicks([ask(), ask(8), ask(signs=Signs(agent="x", head=True))])
    record.fold(store, now=later + timedelta(minutes=5))
    first, unsettled, head = rows_of(store)
    assert (first.folded, first.waited_ms, first.own_rule) == (True, 60_000, "")
    assert (unsettled.waited_ms, unsettled.own_rule) == (None, "too-soon")
    assert head.own_rule == "head"
    assert first.client


def test_old_mail_names_nobody_any_more(store: Store, ask: Callable[..., Ask]) -> None:
    recorder = Recorder(store, keep=timedelta(days=396))
    recorder.clicks([ask(2, after=86_400 * 390), ask(2, after=86_400 * 396)])
    assert [row.delivery_id for row in rows_of(store)] == [2, None]


def test_the_key_of_a_day_is_deleted_when_the_next_has_passed(
    store: Store, ask: Callable[..., Ask], later: datetime
) -> None:
    recorder = Recorder(store)
    recorder.clicks([ask(), ask(after=86_400)])
    first, second = rows_of(store)
    assert first.reader != second.reader
    day = table_of(DayKey)

    def days() -> list[str]:
        with store.reading() as session:
            return list(session.execute(sa.select(day.c.day).order_by(day.c.day)).scalars())

    assert days() == ["2026-03-02", "2026-03-03"]
    assert record.forget_old_days(store, now=datetime(2026, 3, 3, 23, 59, tzinfo=UTC)) == 0
    assert record.forget_old_days(store, now=datetime(2026, 3, 4, 0, 1, tzinfo=UTC)) == 1
    assert days() == ["2026-03-03"]
    assert record.forget_old_days(store, now=datetime(2026, 4, 1, tzinfo=UTC)) == 1


def test_the_plans_use_the_indexes(sqlite_store: Store) -> None:
    """Without an index, every burst and every report would walk through all hits there ever were."""
    queries = {
        "SELECT id FROM hit WHERE folded = 0 ORDER BY at, id LIMIT 10": "ix_hit_unfolded",
        "UPDATE hit SET rule = '' WHERE folded = 0 AND at = '2026' AND reader = 'x'": "ix_hit_unfolded",
        "SELECT count(*) FROM hit WHERE campaign_id = 1 GROUP BY link_number, judgement": "ix_hit_campaign",
        "DELETE FROM hit WHERE delivery_id = 7": "ix_hit_delivery",
    }
    with sqlite_store.reading() as session:
        for query, index in queries.items():
            plan = session.execute(sa.text(f"EXPLAIN QUERY PLAN {query}")).all()
            assert any(index in row[-1] for row in plan), query
