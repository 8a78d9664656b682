"""Erasing a person: nothing names them any more, and every sum stays."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from outreach.actions import erase, suppress, unsubscribe
from outreach.audience import erasure
from outreach.errors import NotFound
from outreach.replies.kind import Kind
from outreach.replies.smtp import Stage
from outreach.store import consents, deliveries, events, freeze, reports, subscribers, suppressions, traces
from outreach.store.attempts import Attempt
from outreach.store.campaigns import CampaignState
from outreach.store.consents import Act
from outreach.store.database import Store, table_of
from outreach.store.deliveries import Delivery, DeliveryState
from outreach.store.events import EventKind
from outreach.store.hits import Hit
from outreach.store.reports import Report, ReportState
from outreach.tracking.robot import Judgement
from tests.actions import people

KEY = b"k" * 32
EMAIL = "person0@sample.example.org"


@pytest.fixture
def campaign(store: Store, now: datetime) -> int:
    """A campaign whose first person consented, got their mail, clicked, and was told of by the relay."""
    list_id = people.listed(store, now, people=2)
    number = people.made(store, now, list_id=list_id, state=CampaignState.SENDING)
    with store.writing() as session:
        freeze.audience(session, number, list_id, now)
        consents.append(session, 1, list_id, Act.GIVEN, source_id=consents.source(session, "yes", "test"), now=now)
        session.execute(
            sa.update(table_of(Delivery))
            .where(table_of(Delivery).c.subscriber_id == 1)
            .values(
                reply=f"250 <{EMAIL}> ok",
                reason=f"the message cannot be written: {EMAIL!r} cannot stand in To",
                digest="d" * 64,
            )
        )
        tried = {"stage": Stage.RCPT, "state": DeliveryState.DEFERRED, "reason": f"{EMAIL} is greylisted"}
        session.add(Attempt(delivery_id=1, campaign_id=number, at=now, reply=f"450 <{EMAIL}> later", **tried))
        hit = {"campaign_id": number, "link_number": 1, "at": now, "reader": "r", "judgement": Judgement.HUMAN}
        session.add(Hit(**hit, delivery_id=1))
        session.add(Hit(**hit, delivery_id=2))
        events.append(session, EventKind.COMPLAINT, now, campaign_id=number, subscriber_id=1, delivery_id=1)
        said = {"words": f"550 <{EMAIL}> who?", "reason": "unclear", "raw": f"To: {EMAIL}".encode()}
        about = {"delivery_id": 1, "campaign_id": number, "subscriber_id": 1}
        kind = {"kind": Kind.UNCLEAR, "state": ReportState.UNCLEAR}
        session.add(Report(digest="d", received_at=now, source="imap", by="", **kind, **about, **said))
    return number


def test_a_dossier_holds_everything_and_is_json(store: Store, now: datetime, campaign: int) -> None:
    with store.reading() as session:
        found = traces.dossier(session, subscribers.require(session, EMAIL))
    assert json.loads(json.dumps(found, default=str)).keys() == found.keys()
    assert found["subscriber"]["email"] == EMAIL
    assert [row["list"] for row in found["subscriptions"]] == ["sample"]
    assert [(row["wording"], row["act"].value) for row in found["consents"]] == [("yes", "given")]
    assert [row["campaign"] for row in found["deliveries"]] == ["spring"]
    assert [(row["campaign"], row["state"]) for row in found["attempts"]] == [("spring", DeliveryState.DEFERRED)]
    assert [row["judgement"].value for row in found["clicks"]] == ["human"]
    assert [row["kind"].value for row in found["events"]] == ["complaint"]
    assert [(row["campaign"], row["raw"]) for row in found["reports"]] == [("spring", f"To: {EMAIL}")]
    assert found["suppression"] is None


def test_nothing_names_an_erased_person_and_every_sum_stays(store: Store, now: datetime, campaign: int) -> None:
    with store.reading() as session:
        before = deliveries.tallies(session, campaign)
    rows = erase.person(store, EMAIL, key=KEY, now=now)
    assert (rows.subscriptions, rows.consents, rows.deliveries, rows.hits, rows.events) == (1, 1, 1, 1, 1)
    assert rows.reports == 1
    with store.reading() as session:
        after = deliveries.tallies(session, campaign)
        assert sum(after.values()) == sum(before.values())
        assert session.execute(sa.select(sa.func.count()).select_from(table_of(Hit))).scalar_one() == 2
        assert session.execute(sa.select(sa.func.count()).select_from(table_of(Attempt))).scalar_one() == 1
        names = sa.inspect(session.connection()).get_table_names()
        dump = "\n".join(str(row) for name in names for row in session.execute(sa.text(f'SELECT * FROM "{name}"')))
        assert (reports.unclear(session), len(reports.page(session, limit=9))) == (0, 1)
    assert EMAIL not in dump
    assert "d" * 64 not in dump
    assert EMAIL.encode().hex() not in dump
    assert "Person 0" not in dump
    assert "person1@sample.example.org" in dump


def test_the_address_stays_as_a_hash_under_a_key(store: Store, now: datetime, campaign: int) -> None:
    suppress.address(store, EMAIL, now=now)
    erase.person(store, EMAIL.upper(), key=KEY, now=now)
    with store.reading() as session:
        assert suppressions.find(session, EMAIL) is None
        assert suppressions.erased(session) == {erasure.pseudonym(KEY, EMAIL)}
    assert erasure.pseudonym(b"other", EMAIL) != erasure.pseudonym(KEY, EMAIL)


def test_links_of_mail_that_is_out_find_nobody(store: Store, now: datetime, campaign: int) -> None:
    erase.person(store, EMAIL, key=KEY, now=now)
    assert unsubscribe.by_delivery(store, 1, now=now) is None


def test_erasing_who_is_not_there_is_refused(store: Store, now: datetime, campaign: int) -> None:
    with pytest.raises(NotFound) as refusal:
        erase.person(store, "person9@sample.example.org", key=KEY, now=now)
    assert "person" in (refusal.value.hint or "")


def test_no_byte_of_the_address_stays_in_the_files_while_others_go_on(
    sqlite_store: Store, now: datetime, tmp_path: Path
) -> None:
    people.listed(sqlite_store, now, people=2)
    with sqlite_store.engine.connect():  # a server's: with the last connection SQLite would take its log away
        erase.person(sqlite_store, EMAIL, key=KEY, now=now)
        data = b"".join(file.read_bytes() for file in tmp_path.glob("store.db*"))  # the write-ahead log too
    assert EMAIL.encode() not in data
    assert b"person1@sample.example.org" in data
