"""Proof: a delivery makes the same bytes again, its digest says so, and a message that was kept proves itself."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from outreach.engine import evidence, replay
from outreach.engine.evidence import Evidence
from outreach.engine.journal import Journal
from outreach.engine.ledger import Ledger
from outreach.engine.letters import Letters
from outreach.errors import NotFound, StateError
from outreach.message import dkimkey
from outreach.message.dkim import Signer
from outreach.replies.smtp import Reply, Stage
from outreach.store import campaigns
from outreach.store.campaigns import CampaignState
from outreach.store.database import Store, table_of
from outreach.store.deliveries import Delivery
from outreach.store.subscribers import Subscriber
from outreach.timing.retry import RetryPlan
from outreach.transport.base import Outcome, Outgoing
from outreach.transport.memory import ACCEPTED, Answer, MemoryTransport
from tests.engine import sending
from tests.store import crowd

URL = "https://clinic.example"
OLD = Signer("clinic.example", (dkimkey.made("s1"), dkimkey.made("e1", ed25519=True)))
NEW = Signer("clinic.example", (dkimkey.made("s2"), *OLD.keys))
EMAIL = "p2@example.org"


def again(store: Store, signer: Signer | None = None, *, url: str = URL, email: str = EMAIL) -> Evidence:
    return evidence.made_again(store, Letters(sending.TOKENS, url), signer, name="spring", email=email)


def kept(store: Store, data: bytes, signer: Signer | None = None, *, url: str = URL) -> Evidence:
    letters = Letters(sending.TOKENS, url)
    return evidence.given(store, letters, signer, name="spring", email=EMAIL, data=data)


def sent(store: Store, now: datetime, signer: Signer | None = None) -> bytes:
    """A campaign that has left; the message of one of its people."""
    transport = MemoryTransport()
    sending.drained(store, sending.campaign(store, now, 3), transport, sign=signer.sign if signer else None)
    (message,) = (outgoing.message for outgoing in transport.accepted if outgoing.recipient == EMAIL)
    return message


def rename(store: Store, name: str, at: datetime) -> None:
    with store.writing() as session:
        person = table_of(Subscriber)
        session.execute(sa.update(person).where(person.c.email == EMAIL).values(name=name, updated_at=at))


@pytest.mark.parametrize("signer", [None, OLD], ids=["unsigned", "signed"])
def test_the_message_is_made_again_byte_for_byte(store: Store, now: datetime, signer: Signer | None) -> None:
    message = sent(store, now, signer)
    found = again(store, signer)
    assert (found.matches, found.message) == (True, message)
    assert found.delivery.digest is not None
    assert (found.matches, kept(store, message, signer).matches) == (True, True)


def test_a_message_signed_with_an_earlier_key_is_made_again_as_long_as_that_key_is_listed(
    sqlite_store: Store, now: datetime
) -> None:
    message = sent(sqlite_store, now, OLD)
    assert again(sqlite_store, NEW).message == message
    without = Signer("clinic.example", NEW.keys[:1])
    lost = again(sqlite_store, without)
    assert (lost.matches, lost.why) == (False, evidence.OTHERWISE)
    assert kept(sqlite_store, message, without).matches is True


def test_a_value_that_changed_since_is_named_and_the_kept_message_is_proven_all_the_same(
    sqlite_store: Store, now: datetime
) -> None:
    message = sent(sqlite_store, now)
    later = crowd.rows_of(sqlite_store, 1)[1].settled_at
    assert later is not None
    rename(sqlite_store, "Second Person", later + timedelta(hours=1))
    lost = again(sqlite_store)
    assert lost.matches is False
    assert "the person's values were changed on" in lost.why
    found = kept(sqlite_store, message)
    assert found.matches is True
    assert ("name", "Person 2", "Second Person") in found.differences


def test_other_settings_are_no_excuse_and_are_told(sqlite_store: Store, now: datetime) -> None:
    message = sent(sqlite_store, now)
    assert again(sqlite_store, url="https://other.example").why == evidence.OTHERWISE
    found = kept(sqlite_store, message, url="https://other.example")
    assert found.matches is True
    assert [each.what for each in found.differences] == ["List-Unsubscribe"]


def test_a_message_that_was_changed_is_refused_and_what_was_changed_is_told(sqlite_store: Store, now: datetime) -> None:
    message = sent(sqlite_store, now)
    forged = kept(sqlite_store, message.replace(b"Person 2=", b"Person 9="))
    assert forged.matches is False
    assert forged.differences == (("name", "Person 9", "Person 2"),)
    assert kept(sqlite_store, message.replace(b"Good day", b"Bad day")).why == evidence.NOT_OURS
    assert kept(sqlite_store, message.replace(b"\r\n", b"\n")).matches is True
    assert kept(sqlite_store, b"Return-Path: <x@example.org>\r\n" + message).matches is True


def test_before_anything_has_left_the_message_is_made_and_nothing_claimed(sqlite_store: Store, now: datetime) -> None:
    sending.campaign(sqlite_store, now, 3)
    found = again(sqlite_store)
    assert (found.matches, found.why) == (None, evidence.NO_DIGEST)
    transport = MemoryTransport()
    sending.drained(sqlite_store, 1, transport)
    assert found.message in {outgoing.message for outgoing in transport.accepted}
    with pytest.raises(NotFound):
        again(sqlite_store, email="nobody@example.org")
    crowd.made_list(sqlite_store, now, 5, name="others")
    with pytest.raises(StateError, match="not in the audience"):
        again(sqlite_store, email="p5@example.org")


def test_a_retry_is_the_same_bytes_and_the_digest_is_of_what_left(sqlite_store: Store, now: datetime) -> None:
    number = sending.campaign(sqlite_store, now, 2)
    seen: dict[str, list[Outgoing]] = {}

    async def refused_once(outgoing: Outgoing) -> Answer:
        tries = seen.setdefault(outgoing.recipient, [])
        tries.append(outgoing)
        stage = Stage.BODY if outgoing.recipient == EMAIL else Stage.RCPT
        return (stage, Reply(451, "4.7.1", "later")) if len(tries) == 1 else ACCEPTED

    def finished() -> bool:
        with sqlite_store.reading() as session:
            return campaigns.by_id(session, number).state is CampaignState.FINISHED

    async def main() -> None:
        plan = RetryPlan(first=timedelta(seconds=1))
        async with sending.running(sqlite_store, MemoryTransport(refused_once), plan=plan, sign=OLD.sign):
            await sending.until(finished)

    asyncio.run(main())
    for first, second in seen.values():
        assert first == second
    assert again(sqlite_store, OLD).matches is True


def test_what_has_not_left_has_no_digest(sqlite_store: Store, now: datetime) -> None:
    number = sending.campaign(sqlite_store, now, 3)

    async def refused(outgoing: Outgoing) -> Answer:
        if outgoing.recipient == EMAIL:
            return Stage.RCPT, Reply(550, "5.7.1", "no")
        return Stage.BODY, Reply(554, "5.7.1", "no") if outgoing.recipient < EMAIL else None

    assert sending.drained(sqlite_store, number, MemoryTransport(refused)) == {"failed": 2, "unknown": 1}
    assert [row.digest is None for row in crowd.rows_of(sqlite_store, number)] == [False, True, False]


@pytest.mark.parametrize("answered", [True, False], ids=["sent", "unknown"])
def test_after_a_death_the_journal_gives_the_digest_back(
    store: Store, now: datetime, tmp_path: Path, answered: bool
) -> None:
    number = sending.campaign(store, now, 3)
    letters = Letters(sending.TOKENS, URL, sign=OLD.sign)
    kept_here = Journal(tmp_path, "")
    page = kept_here.page(3)
    (row, *_) = [
        row
        for row in Ledger(store, letters, lease=timedelta(minutes=1)).turn([], 3, now, token=page.token).claimed
        if row.email == EMAIL
    ]
    outgoing = letters.write(row)
    page.begin(row.delivery_id, outgoing.digest)
    if answered:
        page.answered(Outcome(row.delivery_id, Reply(250, "2.0.0", "queued"), Stage.BODY), now)
    kept_here.close()
    replay.dead_senders(store, tmp_path, plan=RetryPlan(), now=now)
    assert crowd.told(store, number)["sent" if answered else "unknown"] == 1
    found = again(store, OLD)
    assert (found.matches, found.message) == (True, outgoing.message)


def test_a_journal_of_the_version_before_is_replayed_without_digests(
    sqlite_store: Store, now: datetime, tmp_path: Path
) -> None:
    number = sending.campaign(sqlite_store, now, 3)
    letters = Letters(sending.TOKENS, URL)
    kept_here = Journal(tmp_path, "")
    page = kept_here.page(3)
    rows = Ledger(sqlite_store, letters, lease=timedelta(minutes=1)).turn([], 3, now, token=page.token).claimed
    page.begin(rows[0].delivery_id)
    kept_here.close()
    (file,) = tmp_path.glob("*.journal")
    file.write_bytes(file.read_bytes().replace(b'{"outreach": 2,', b'{"outreach": 1,'))
    replay.dead_senders(sqlite_store, tmp_path, plan=RetryPlan(), now=now)
    assert crowd.told(sqlite_store, number) == {"queued": 2, "unknown": 1}
    with sqlite_store.reading() as session:
        assert set(session.execute(sa.select(table_of(Delivery).c.digest)).scalars()) == {None}
