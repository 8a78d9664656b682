"""From SQLite to PostgreSQL: everything arrives as it was, the old database goes on no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from outreach.actions import copy_database, erase, initialise, retry, suppress, unsubscribe, verify
from outreach.engine.ledger import Ledger
from outreach.engine.letters import Letters
from outreach.errors import DatabaseMoved, OutreachError, StateError
from outreach.replies.kind import Kind
from outreach.replies.smtp import Stage
from outreach.store import campaigns, copying, events, hits, identities, joinings, links, subscribers, throttles, turn
from outreach.store.campaigns import CampaignState
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState
from outreach.store.events import EventKind
from outreach.store.leader import Leadership
from outreach.store.links import Link
from outreach.store.lists import MailingList
from outreach.store.pace import PaceMark
from outreach.store.reports import Report, ReportState
from outreach.store.settlements import Result
from outreach.store.slowdowns import ProviderPace
from outreach.store.subscribers import Subscriber
from outreach.tracking.robot import Judgement
from tests.engine import sending
from tests.store import crowd
from tests.store.test_claims import claimed, settled

PEOPLE = 12


@pytest.fixture
def source(sqlite_store: Store, now: datetime) -> Store:
    """An installation in the middle of its work, with something in every table."""
    store = sqlite_store
    group = crowd.made_list(store, now, PEOPLE)
    crowd.made_list(store, now, 3, name="other")
    number = crowd.made_campaign(store, now, group, layout={"layout.html": "ä “quoted” \\ back\tslash\n"})
    crowd.made_campaign(store, now, group, name="cancelled", state=CampaignState.CANCELLED, counted_from={"sent": 3})
    with store.writing() as session:
        campaigns.store_compiled(session, number, sending.compiled() + bytes(range(256)))
        session.add(
            Link(campaign_id=number, number=1, role="quote", label="Ask — now", url="https://example.org/?a=1&b=2")
        )
        hits.keep_day_key(session, "2026-03-02", b"\x00\xff key")
        session.add(PaceMark(key="relay:mail.example.org:25/3600", next_at=1_772_442_000.123456, began=0.1, used=2**40))
        session.add(ProviderPace(provider="example.org", rate=1 / 3, accepted=7, began=1_772_442_000.000001))
        identities.meet(session, "news.example.org", now)
        hit = {"campaign_id": number, "link_number": 1, "at": now, "delivery_id": 3, "reader": "r", "client": None}
        hits.add_all(
            session,
            [{**hit, "judgement": Judgement.HUMAN, "rule": "none", "folded": folded} for folded in (True, False)],
        )
        events.append(session, EventKind.IMPORTED, now, list_id=group, detail={"read": 3, "words": "naïve \\N \\."})
        joinings.put(session, 2, group, source_id=1, tracking_source_id=None, now=now)
        throttles.count(session, "join client 5f", window=timedelta(hours=1), now=now)
        subscribers.by_id(session, 2).attributes = {"city": "Zürich", "n": 1, "nothing": None}
        session.add(
            Subscriber(id=900, email="last@example.org", email_key="last@example.org", created_at=now, updated_at=now)
        )
        told = {"received_at": now, "source": "imap", "by": "rfc3464", "words": "naïve \\N\t\\."}
        session.add(Report(digest="d", kind=Kind.UNCLEAR, state=ReportState.UNCLEAR, raw=bytes(range(256)), **told))
    suppress.address(store, "p4@example.org", now=now)
    suppress.entry(store, "@barred.example", note="ä", now=now)
    unsubscribe.person(store, 5, group, source="test \\t", now=now)
    rows = claimed(store, now, 6)
    ends = [
        DeliveryState.SENT,
        DeliveryState.DEFERRED,
        DeliveryState.FAILED,
        DeliveryState.BOUNCED,
        DeliveryState.UNKNOWN,
    ]
    told = {
        "code": 451,
        "enhanced": "4.7.1",
        "reply": "later\tor never \\",
        "stage": Stage.RCPT,
        "relay": "mail.example.org",
    }
    settled(
        store,
        now,
        *(
            Result(row.delivery_id, "a", state, now + timedelta(microseconds=7), due_at=now, **told)  # type: ignore[arg-type]
            for row, state in zip(rows, ends, strict=False)
        ),
    )
    retry.failed(store, number, now=now)
    erase.person(store, "last@example.org", key=b"k" * 32, now=now)
    initialise.fingerprint(store, "the key's")
    leadership = Leadership(store)
    assert leadership.leads()
    leadership.resign()
    # what a sender that died had in hand
    with store.writing() as session:
        session.execute(
            sa.text("UPDATE delivery SET lease_until = :then WHERE state = 'claimed'"),
            {"then": "2026-03-02 08:00:00.000000"},
        )
    return store


@pytest.fixture
def target(empty_postgresql: str) -> Iterator[Store]:
    with closing(Store(empty_postgresql)) as store:
        yield store


def everything(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, as Python sees it."""
    with store.reading() as session:
        return {
            table.name: [
                tuple(row)
                for row in session.execute(sa.select(table).order_by(*table.primary_key.columns))
                if row[0] != "moved_to"
            ]
            for table in copying.tables()
        }


def names(store: Store) -> list[str]:
    with store.reading() as session:
        return copying.what_is_there(session)


def test_everything_arrives_as_it_was(source: Store, target: Store, now: datetime) -> None:
    before = everything(source)
    assert [name for name, rows in before.items() if not rows] == []
    copied = copy_database.whole(source, target, now=now)
    assert everything(target) == before
    assert copied.rows == {name: len(rows) for name, rows in before.items()}
    for number in (1, 2):
        assert crowd.told(target, number) == crowd.told(source, number)


def test_the_new_database_goes_on_where_the_old_one_stopped(source: Store, target: Store, now: datetime) -> None:
    copy_database.whole(source, target, now=now)
    with target.writing() as session:
        session.add(MailingList(name="new", title="New", created_at=now))
        person = Subscriber(email="new@example.org", email_key="new@example.org", created_at=now, updated_at=now)
        session.add(person)
        session.flush()
        assert person.number > 900, "the number of a person who was erased was given away again"
        session.add(Link(campaign_id=1, number=2, role="", label="", url="https://example.org"))
    crowd.made_campaign(target, now, 1, name="after")
    rows = claimed(target, now, 5, token="b")
    assert rows
    assert len(settled(target, now, *(Result(row.delivery_id, "b", DeliveryState.SENT, now) for row in rows))) == len(
        rows
    )
    unsubscribe.person(target, 7, 1, source="test", now=now)
    for number in (1, 2, 3):
        crowd.told(target, number)


def test_the_ledger_of_consents_is_sound_there_and_goes_on(source: Store, target: Store, now: datetime) -> None:
    before = verify.consents_ledger(source)
    copy_database.whole(source, target, now=now)
    unsubscribe.person(target, 7, 1, source="test", now=now)
    after = verify.consents_ledger(target, noted=before.head)
    assert (after.faults, after.entries, after.noted_at) == ([], before.entries + 1, before.links)


def test_the_old_database_sends_nothing_and_keeps_nothing_any_more(source: Store, target: Store, now: datetime) -> None:
    ledger = Ledger(source, Letters(sending.TOKENS, "https://clinic.example"), lease=timedelta(minutes=1))
    target.url = target.url.set(password="hidden-word")
    copy_database.whole(source, target, now=now)
    assert ledger.claimable(now)
    with pytest.raises(DatabaseMoved, match="was moved to postgresql") as refusal:
        ledger.turn([], 10, now, token="1" * 32)
    assert "hidden-word" not in str(refusal.value)
    assert "OUTREACH_DATABASE_URL" in (refusal.value.hint or "")
    with pytest.raises(DatabaseMoved):
        unsubscribe.person(source, 7, 1, source="test", now=now)
    with pytest.raises(DatabaseMoved):
        Leadership(source).leads()
    assert len(crowd.rows_of(source, 1)) == PEOPLE


def test_a_target_that_holds_something_is_refused_and_left_alone(source: Store, target: Store, now: datetime) -> None:
    with target.writing() as session:
        session.execute(sa.text("CREATE TABLE mine (id int)"))
    with pytest.raises(StateError, match="is not empty: it has the table 'mine'"):
        copy_database.whole(source, target, now=now)
    assert names(target) == ["mine"]
    assert claimed(source, now, 1, token="c")


def test_it_is_refused_while_something_works_on_the_source(source: Store, target: Store, now: datetime) -> None:
    with source.staying() as stay, turn.importing(stay), pytest.raises(StateError, match="an import"):
        copy_database.whole(source, target, now=now)
    leadership = Leadership(source)
    assert leadership.leads()
    with pytest.raises(StateError, match="a clock"):
        copy_database.whole(source, target, now=now)
    leadership.resign()
    held = claimed(source, now, 2, token="c")
    with pytest.raises(StateError, match="a sender, which has 2 deliveries in hand"):
        copy_database.whole(source, target, now=now)
    settled(source, now, *(Result(row.delivery_id, "c", DeliveryState.QUEUED, now, attempted=False) for row in held))
    copy_database.whole(source, target, now=now)


@pytest.mark.parametrize("broken", ["halfway", "a value", "sums"])
def test_a_copy_that_ends_early_changes_nothing(
    source: Store, target: Store, now: datetime, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    if broken == "halfway":

        def told(table: str, _: int) -> None:
            if table == "subscription":
                raise OutreachError("stopped")
    else:

        def told(table: str, _: int) -> None: ...

    if broken == "a value":
        with source.writing() as session:
            session.execute(sa.text("UPDATE subscriber SET name = 'a' || char(0) || 'b' WHERE id = 3"))
    if broken == "sums":
        with source.writing() as session:
            session.execute(sa.text("UPDATE tally SET n = n + 1 WHERE campaign_id = 1 AND state = 'sent'"))
    before = everything(source)
    with pytest.raises(OutreachError, match=r"stopped|table subscriber cannot be copied|sums of campaign 1"):
        copy_database.whole(source, target, now=now, told=told)
    assert names(target) == []
    assert everything(source) == before
    assert claimed(source, now, 1, token="c")


def test_a_database_that_has_moved_may_be_copied_again(
    source: Store, target: Store, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last commit may fail when the source is fenced already: the same command completes it."""

    def lost(engine_connection: sa.Connection) -> None:
        raise sa.exc.OperationalError("COMMIT", {}, Exception("the connection was lost"))

    sa.event.listen(target.engine, "commit", lost)
    with pytest.raises(OutreachError, match="the connection was lost"):
        copy_database.whole(source, target, now=now)
    sa.event.remove(target.engine, "commit", lost)
    assert names(target) == []
    with pytest.raises(DatabaseMoved):
        claimed(source, now, 1, token="c")
    copy_database.whole(source, target, now=now)
    assert everything(target) == everything(source)


def test_between_two_of_a_kind_nothing_is_copied(source: Store, now: datetime) -> None:
    with pytest.raises(StateError, match="only into PostgreSQL"):
        copy_database.whole(source, source, now=now)


def test_links_are_found_by_their_numbers(source: Store, target: Store, now: datetime) -> None:
    copy_database.whole(source, target, now=now)
    with target.reading() as session:
        assert links.urls(session, {1}) == {(1, 1): "https://example.org/?a=1&b=2"}
        assert campaigns.compiled(session, 1).endswith(bytes(range(256)))
