"""The sender: everybody ends in one counted state, nobody is mailed twice, and who leaves is not mailed at all."""

from __future__ import annotations

import asyncio
import email
import logging
import random
import time
from collections import Counter
from datetime import datetime, timedelta
from email.message import Message

import pytest

from outreach.audience.consent import SubscriptionState
from outreach.engine.ledger import Ledger
from outreach.engine.letters import Letters
from outreach.errors import DatabaseUnavailable, TransportError
from outreach.replies.smtp import Reply, Stage
from outreach.replies.toll import StopRule
from outreach.store import campaigns, claims, deliveries
from outreach.store.campaigns import CampaignState
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState
from outreach.store.subscribers import Subscriber
from outreach.store.suppressions import Suppression
from outreach.timing.limits import Limits
from outreach.timing.pace import Limit
from outreach.timing.retry import RetryPlan
from outreach.tracking.token import Purpose
from outreach.transport import reach
from outreach.transport.base import Outgoing
from outreach.transport.memory import ACCEPTED, Answer, MemoryTransport
from tests.engine.sending import TOKENS, campaign, drained, running, sender, until
from tests.store import crowd


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "FIRST_PAUSE", 0.02)


def state_of(store: Store, number: int) -> CampaignState:
    with store.reading() as session:
        return campaigns.by_id(session, number).state


def read(outgoing: Outgoing) -> Message:
    return email.message_from_bytes(outgoing.message)


def test_a_campaign_is_sent_to_everybody_once_and_finishes(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 700)
    transport = MemoryTransport()
    assert drained(sqlite_store, number, transport) == {"sent": 700}
    assert Counter(outgoing.recipient for outgoing in transport.accepted) == Counter(
        f"p{person}@example.org" for person in range(1, 701)
    )
    with sqlite_store.reading() as session:
        finished = campaigns.by_id(session, number)
    assert (finished.state, finished.finished_at is not None) == (CampaignState.FINISHED, True)


def test_a_message_carries_its_own_tokens(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 1)
    transport = MemoryTransport()
    drained(sqlite_store, number, transport, return_path="bounces@mail.clinic.example")
    (outgoing,) = transport.accepted
    (row,) = crowd.rows_of(sqlite_store, number)
    assert row.id is not None
    message = read(outgoing)
    assert message["Message-ID"] == f"<{TOKENS.make(Purpose.MESSAGE, row.id)}@clinic.example>"
    link = f"https://clinic.example/u/{TOKENS.make(Purpose.UNSUBSCRIBE, row.id)}"
    assert message["List-Unsubscribe"] == f"<{link}>"
    assert outgoing.return_path == f"bounces+{TOKENS.make(Purpose.BOUNCE, row.id)}@mail.clinic.example"
    assert "Person 1" in outgoing.message.decode()


def test_without_a_return_path_the_from_address_takes_reports(sqlite_store: Store, now: datetime) -> None:
    transport = MemoryTransport()
    drained(sqlite_store, campaign(sqlite_store, now, 1), transport)
    assert transport.accepted[0].return_path == "news@clinic.example"


def test_a_retry_is_the_same_message_again(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 1)
    seen: list[Outgoing] = []

    async def later_once(outgoing: Outgoing) -> Answer:
        seen.append(outgoing)
        return (Stage.RCPT, Reply(451, "4.7.1", "later")) if len(seen) == 1 else ACCEPTED

    async def main() -> None:
        plan = RetryPlan(first=timedelta(seconds=1))
        async with running(sqlite_store, MemoryTransport(later_once), plan=plan):
            await until(lambda: state_of(sqlite_store, number) is CampaignState.FINISHED)

    asyncio.run(main())
    assert seen[0] == seen[1]
    (row,) = crowd.rows_of(sqlite_store, number)
    assert (row.state, row.attempts) == (DeliveryState.SENT, 2)


def test_replies_become_states(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 6)
    fates: dict[str, Answer] = {
        "p1": (Stage.RCPT, Reply(550, "5.1.1", "nobody")),
        "p2": (Stage.RCPT, Reply(550, "5.7.1", "no")),
        "p3": (Stage.RCPT, Reply(451, "4.7.1", "later")),
        "p4": (Stage.BODY, None),
        "p5": (Stage.BODY, Reply(554, "5.6.0", "spam\nand more")),
    }

    async def script(outgoing: Outgoing) -> Answer:
        return fates.get(outgoing.recipient.split("@")[0], ACCEPTED)

    told = drained(sqlite_store, number, MemoryTransport(script))
    assert told == {"bounced": 1, "failed": 2, "deferred": 1, "unknown": 1, "sent": 1}
    assert state_of(sqlite_store, number) is CampaignState.SENDING
    rows = {row.subscriber_id: row for row in crowd.rows_of(sqlite_store, number)}
    assert (rows[1].code, rows[1].enhanced, rows[1].reply, rows[1].reason) == (
        550,
        "5.1.1",
        "nobody",
        "no such mailbox",
    )
    assert rows[5].reply == "spam and more"
    assert rows[3].due_at is not None
    assert rows[4].reason is not None
    with sqlite_store.reading() as session:
        assert session.get(Suppression, "p1@example.org") is not None


def test_what_is_put_off_past_the_deadline_fails_with_the_last_words(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 1)

    async def never(outgoing: Outgoing) -> Answer:
        return Stage.RCPT, Reply(452, "4.2.2", "mailbox full")

    told = drained(sqlite_store, number, MemoryTransport(never), plan=RetryPlan(deadline=timedelta(0)))
    assert told == {"failed": 1}
    (row,) = crowd.rows_of(sqlite_store, number)
    assert (row.code, row.reply, row.attempts) == (452, "mailbox full", 1)
    assert state_of(sqlite_store, number) is CampaignState.FINISHED


def test_an_envelope_that_was_cut_off_is_sent_later(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 5)
    cut = {"p2@example.org", "p4@example.org"}

    async def script(outgoing: Outgoing) -> Answer:
        if outgoing.recipient in cut:
            cut.discard(outgoing.recipient)
            return Stage.MAIL, None
        return ACCEPTED

    assert drained(sqlite_store, number, MemoryTransport(script)) == {"sent": 5}
    assert {row.attempts for row in crowd.rows_of(sqlite_store, number)} == {1}


def test_an_unreachable_relay_uses_up_nobody(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 50)

    async def away(outgoing: Outgoing) -> Answer:
        raise TransportError("The relay cannot be used: connection refused.")

    with pytest.raises(TransportError, match="refused"):
        drained(sqlite_store, number, MemoryTransport(away))
    assert crowd.told(sqlite_store, number) == {"queued": 50}
    assert {row.attempts for row in crowd.rows_of(sqlite_store, number)} == {0}
    assert state_of(sqlite_store, number) is CampaignState.SENDING


def test_a_relay_that_comes_back_is_waited_for(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 5)
    attempts = 0

    async def away_at_first(outgoing: Outgoing) -> Answer:
        nonlocal attempts
        attempts += 1
        if attempts <= 5:
            raise TransportError("The relay cannot be used: connection refused.")
        return ACCEPTED

    async def main() -> None:
        async with running(sqlite_store, MemoryTransport(away_at_first, lanes=1)):
            await until(lambda: state_of(sqlite_store, number) is CampaignState.FINISHED)

    asyncio.run(main())
    assert crowd.told(sqlite_store, number) == {"sent": 5}


def test_what_cannot_be_written_fails_alone(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 3)
    with sqlite_store.writing() as session:
        people = crowd.rows_of(sqlite_store, number)
        session.get_one(Subscriber, people[1].subscriber_id).email = "two words@example.org"
    assert drained(sqlite_store, number) == {"sent": 2, "failed": 1}
    failed = crowd.rows_of(sqlite_store, number)[1]
    assert failed.reason is not None
    assert failed.reason.startswith("the message cannot be written")


def test_a_campaign_whose_stored_message_is_broken_is_paused_and_says_why(sqlite_store: Store, now: datetime) -> None:
    number, whole = campaign(sqlite_store, now, 3, name="broken", data=b"??"), campaign(sqlite_store, now, 3)

    async def main() -> None:
        async with running(sqlite_store, MemoryTransport()):
            await until(lambda: state_of(sqlite_store, whole) is CampaignState.FINISHED)
            await until(lambda: state_of(sqlite_store, number) is CampaignState.PAUSED)

    asyncio.run(main())
    assert crowd.told(sqlite_store, number) == {"queued": 3}
    with sqlite_store.reading() as session:
        assert "stored message" in (campaigns.by_id(session, number).reason or "")


def test_a_pause_takes_effect_in_mid_campaign(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 500)
    transport = MemoryTransport(slowly)

    async def main() -> None:
        async with running(sqlite_store, transport):
            await until(lambda: len(transport.accepted) > 10)
            crowd.campaign_state(sqlite_store, number, CampaignState.PAUSED)
            async with asyncio.timeout(2):
                await until(lambda: "claimed" not in crowd.told(sqlite_store, number))
            at_pause = len(transport.accepted)
            told = crowd.told(sqlite_store, number)
            await asyncio.sleep(0.5)
            assert len(transport.accepted) == at_pause == told["sent"]
            assert told == crowd.told(sqlite_store, number) == {"sent": at_pause, "queued": 500 - at_pause}

    asyncio.run(main())


async def slowly(outgoing: Outgoing) -> Answer:
    await asyncio.sleep(0.02)
    return ACCEPTED


def test_a_cancelled_campaign_sends_nothing_more_and_every_delivery_is_told(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 400)
    transport = MemoryTransport(slowly)

    async def main() -> None:
        async with running(sqlite_store, transport):
            await until(lambda: len(transport.accepted) > 10)
            crowd.campaign_state(sqlite_store, number, CampaignState.CANCELLED)
            with sqlite_store.writing() as session:
                deliveries.cancel_open(session, number, now)
            async with asyncio.timeout(2):
                await until(lambda: "claimed" not in crowd.told(sqlite_store, number))

    asyncio.run(main())
    accepted = len(transport.accepted)
    assert crowd.told(sqlite_store, number) == {"sent": accepted, "cancelled": 400 - accepted}


def test_who_leaves_in_mid_campaign_is_excluded(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 200)
    transport = MemoryTransport(slowly)

    async def main() -> None:
        async with running(sqlite_store, transport):
            await until(lambda: len(transport.accepted) > 5)
            crowd.subscription(sqlite_store, 1, 190, SubscriptionState.UNSUBSCRIBED)
            with sqlite_store.writing() as session:
                deliveries.exclude_person(session, 191, 1, "unsubscribed", now)
            await until(lambda: state_of(sqlite_store, number) is CampaignState.FINISHED)

    asyncio.run(main())
    assert crowd.told(sqlite_store, number) == {"sent": 198, "excluded": 2}
    assert not {"p190@example.org", "p191@example.org"} & {outgoing.recipient for outgoing in transport.accepted}


def test_a_stop_ends_what_is_on_its_way_and_gives_the_rest_back(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 500)
    release, on_their_way = asyncio.Event(), asyncio.Semaphore(0)

    async def hold(outgoing: Outgoing) -> Answer:
        on_their_way.release()
        await release.wait()
        return ACCEPTED

    async def main() -> None:
        async with running(sqlite_store, MemoryTransport(hold, lanes=3)) as stop:
            for _ in range(3):
                await on_their_way.acquire()
            stop.set()
            await asyncio.sleep(0.1)
            release.set()

    asyncio.run(main())
    assert crowd.told(sqlite_store, number) == {"sent": 3, "queued": 497}


def test_an_interrupted_drain_leaves_no_claim_behind(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 500)
    transport = MemoryTransport(slowly)

    async def main() -> None:
        task = asyncio.create_task(sender(sqlite_store, transport).drain(number))
        await until(lambda: len(transport.accepted) > 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    told = crowd.told(sqlite_store, number)
    assert told == {"sent": len(transport.accepted), "queued": 500 - len(transport.accepted)}


def test_drain_tells_its_progress(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 3)
    told: list[dict[DeliveryState, int]] = []
    asyncio.run(sender(sqlite_store).drain(number, lambda tallies: told.append(dict(tallies))))
    assert told[-1][DeliveryState.SENT] == 3


def test_a_drain_of_one_campaign_leaves_others_alone(sqlite_store: Store, now: datetime) -> None:
    mine, other = (campaign(sqlite_store, now, 3, name=name) for name in ("mine", "other"))
    assert drained(sqlite_store, mine) == {"sent": 3}
    assert crowd.told(sqlite_store, other) == {"queued": 3}


def test_a_small_campaign_is_not_stuck_behind_a_large_one(sqlite_store: Store, now: datetime) -> None:
    large, small = campaign(sqlite_store, now, 600, name="large"), campaign(sqlite_store, now, 20, name="small")

    async def main() -> None:
        async with running(sqlite_store, MemoryTransport(slowly)):
            await until(lambda: state_of(sqlite_store, small) is CampaignState.FINISHED)
            assert crowd.told(sqlite_store, large)["queued"] > 200

    asyncio.run(main())


def test_a_rate_is_kept(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 100)
    transport = MemoryTransport()

    async def main() -> None:
        began = time.monotonic()
        async with running(sqlite_store, transport, limits=Limits(Limit.parse("20/s"))):
            await until(lambda: len(transport.accepted) >= 10)
            # a tenth of a second may be caught up
            assert len(transport.accepted) <= 3 + 20 * (time.monotonic() - began)

    asyncio.run(main())
    sent = len(transport.accepted)
    assert crowd.told(sqlite_store, number) == {"sent": sent, "queued": 100 - sent}


def test_while_the_database_is_away_nothing_leaves_and_then_it_goes_on(
    sqlite_store: Store, now: datetime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    number = campaign(sqlite_store, now, 300)
    transport = MemoryTransport(slowly)
    writing, broken = sqlite_store.writing, False

    def sometimes():  # type: ignore[no-untyped-def]
        if broken:
            raise DatabaseUnavailable("The database cannot be used: database or disk is full.")
        return writing()

    monkeypatch.setattr(sqlite_store, "writing", sometimes)

    async def main() -> None:
        nonlocal broken
        async with running(sqlite_store, transport):
            await until(lambda: len(transport.accepted) > 10)
            broken = True
            await until(lambda: "books_closed" in caplog.text)
            await asyncio.sleep(0.1)
            before = len(transport.begun)
            await asyncio.sleep(0.5)
            assert len(transport.begun) == before
            broken = False
            await until(lambda: state_of(sqlite_store, number) is CampaignState.FINISHED)

    with caplog.at_level(logging.WARNING, logger="outreach.sender"):
        asyncio.run(main())
    assert crowd.told(sqlite_store, number) == {"sent": 300}
    assert len(transport.begun) == 300
    assert caplog.text.count("books_closed") == 1


def test_a_lease_that_cannot_be_trusted_starts_no_body(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 2)
    transport = MemoryTransport()

    async def main() -> None:
        async with running(sqlite_store, transport, lease=timedelta(0)):
            await asyncio.sleep(0.5)

    asyncio.run(main())
    assert transport.begun == []
    assert crowd.tallied(sqlite_store, number)[DeliveryState.SENT] == 0


def test_logs_mask_addresses(sqlite_store: Store, now: datetime, caplog: pytest.LogCaptureFixture) -> None:
    number = campaign(sqlite_store, now, 1)

    async def no(outgoing: Outgoing) -> Answer:
        return Stage.RCPT, Reply(554, None, "no")

    with caplog.at_level(logging.INFO, logger="outreach.sender"):
        drained(sqlite_store, number, MemoryTransport(no))
    assert "delivery_failed delivery=1 campaign=1 to=p***@example.org" in caplog.text
    assert "p1@example.org" not in caplog.text


def test_logs_mask_the_address_that_a_server_repeats(
    sqlite_store: Store, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    number = campaign(sqlite_store, now, 1)

    async def no(outgoing: Outgoing) -> Answer:
        return Stage.RCPT, Reply(554, "5.7.1", "<p1@example.org>: Relay access denied for p1@example.org")

    with caplog.at_level(logging.INFO, logger="outreach.sender"):
        drained(sqlite_store, number, MemoryTransport(no))
    assert "<p***@example.org>: Relay access denied for p***@example.org" in caplog.text
    assert "p1@example.org" not in caplog.text


class Crash(Exception):
    """The process dies, as far as a test can do it."""


@pytest.mark.parametrize("seed", range(5))
def test_crashes_lose_nobody_and_double_nobody(sqlite_store: Store, now: datetime, seed: int) -> None:
    """The transport dies at random moments, the sender with it; the next sender goes on. Doubts are counted."""
    people, chance = 120, random.Random(seed)
    number = campaign(sqlite_store, now, people)
    accepted: Counter[str] = Counter()

    async def script(outgoing: Outgoing) -> Answer:
        if chance.random() < 0.03:
            raise Crash
        await asyncio.sleep(0)
        accepted[outgoing.recipient] += 1
        # accepted, and the answer lost on the way
        return (Stage.BODY, None) if chance.random() < 0.02 else ACCEPTED

    async def shift() -> None:
        async with asyncio.timeout(30):
            await sender(sqlite_store, MemoryTransport(script)).drain(number)

    for _ in range(200):
        try:
            asyncio.run(shift())
        except Crash:
            assert sum(crowd.tallied(sqlite_store, number).values()) == people
        else:
            break
    told = crowd.told(sqlite_store, number)
    assert told["sent"] + told.get("unknown", 0) == people
    assert max(accepted.values()) == 1
    assert told["sent"] <= len(accepted) <= people


def test_a_turn_that_fails_leaves_nothing_half_written(
    sqlite_store: Store, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = campaign(sqlite_store, now, 3)
    ledger = Ledger(sqlite_store, Letters(TOKENS, "https://clinic.example"), lease=timedelta(minutes=1))
    whole = claims.claim

    def fails(*facts: object, **more: object) -> None:
        whole(*facts, **more)  # type: ignore[arg-type]
        raise DatabaseUnavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr(claims, "claim", fails)
        with pytest.raises(DatabaseUnavailable):
            ledger.turn([], 3, now, token="1" * 32)
    assert crowd.told(sqlite_store, number) == {"queued": 3}
    assert len(ledger.turn([], 3, now, token="2" * 32).claimed) == 3


def test_a_sender_stops_a_campaign_of_which_too_much_comes_back(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 400)

    async def refused(outgoing: Outgoing) -> Answer:
        await asyncio.sleep(0.01)
        return Stage.RCPT, Reply(550, "5.7.1", "not from you")

    found = drained(sqlite_store, number, MemoryTransport(refused, lanes=2), stop=StopRule(share=0.1, after=20))
    assert found["failed"] >= 20
    assert found["queued"] > 0
    with sqlite_store.reading() as session:
        stopped = campaigns.by_id(session, number)
    assert stopped.state is CampaignState.PAUSED
    assert "it stopped itself" in (stopped.reason or "")
