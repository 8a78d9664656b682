"""Senders under limits: one rate for all of them, budgets that are kept, and leaving that takes effect all the same."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from outreach.audience.consent import SubscriptionState
from outreach.engine.desk import boot_clock
from outreach.replies.smtp import Reply, Stage
from outreach.store import campaigns, claims, deliveries, identities, slowdowns
from outreach.store.campaigns import CampaignState
from outreach.store.database import Store
from outreach.store.pace import PaceMark
from outreach.timing.limits import Limits, parse_providers
from outreach.timing.pace import Limit
from outreach.timing.warmup import WarmUp
from outreach.timing.ways import Way, Ways
from outreach.transport.base import Outgoing
from outreach.transport.fleet import Fleet
from outreach.transport.memory import ACCEPTED, Answer, MemoryTransport
from outreach.transport.smtp import SmtpTransport
from tests.engine.sending import campaign, compiled, drained, running, sender, until
from tests.store import crowd
from tests.store.test_pace import at
from tests.transport.relays import at as relay_at
from tests.transport.relays import relay


def limits(total: str | None = None, providers: str = "", warm_up: WarmUp | None = None) -> Limits:
    return Limits(Limit.parse(total) if total else None, parse_providers(providers), warm_up)


class Timed(MemoryTransport):
    """Keeps when each message left."""

    def __init__(self) -> None:
        super().__init__(self._keep)
        self.left: list[tuple[float, str]] = []

    async def _keep(self, outgoing: Outgoing) -> Answer:
        self.left.append((time.monotonic(), outgoing.recipient))
        return ACCEPTED


def left(*transports: Timed) -> list[float]:
    return sorted(moment for transport in transports for moment, _ in transport.left)


def test_two_senders_keep_one_rate_together(store: Store, now: datetime) -> None:
    campaign(store, now, 300)
    first, second = Timed(), Timed()

    async def main() -> None:
        async with AsyncExitStack() as stack:
            for transport in (first, second):
                await stack.enter_async_context(running(store, transport, limits=limits("50/s")))
            await until(lambda: len(left(first, second)) >= 100)

    asyncio.run(main())
    times = left(first, second)[:100]
    # A hundred at fifty a second; a tenth of a second's worth may be caught up at once, and the first may be late. That
    # the times which two senders are given are exact is shown in tests/store/test_pace.py, without a clock.
    assert times[-1] - times[0] >= 99 / 50 - 0.3
    assert first.left
    assert second.left


def test_messages_are_spread_and_do_not_come_in_bursts(sqlite_store: Store, now: datetime) -> None:
    campaign(sqlite_store, now, 60)
    transport = Timed()

    async def main() -> None:
        async with running(sqlite_store, transport, limits=limits("40/s")):
            await until(lambda: len(transport.left) >= 50)

    asyncio.run(main())
    times = left(transport)
    for begin in times[5:]:  # however the machine stumbles, it does not make up for half a second at once
        assert sum(begin <= moment < begin + 0.25 for moment in times) <= 40 * 0.75


def test_a_provider_that_has_enough_stalls_nobody_else(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 600)
    at(sqlite_store, range(1, 501), "gmail.com")
    transport = Timed()

    async def main() -> None:
        async with running(sqlite_store, transport, limits=limits(providers="google=2/s")):
            async with asyncio.timeout(5):
                await until(lambda: sum("example" in recipient for _, recipient in transport.left) == 100)
            assert sum("gmail" in recipient for _, recipient in transport.left) <= 2 * 6 + 2

    asyncio.run(main())
    assert crowd.told(sqlite_store, number)["sent"] == len(transport.left)


def test_messages_that_wait_for_their_time_take_no_room_from_others(sqlite_store: Store, now: datetime) -> None:
    """A provider's next second is in the sender's hands already; the others leave meanwhile as fast as they can."""
    campaign(sqlite_store, now, 800)
    with sqlite_store.writing() as session:
        every_other = "UPDATE subscriber SET email = 'p' || id || '@gmail.com' WHERE id % 2 = 0"
        session.connection().exec_driver_sql(every_other)
    transport = Timed()

    async def main() -> None:
        async with running(sqlite_store, transport, limits=limits(providers="google=40/s")):
            await until(lambda: sum("example" in recipient for _, recipient in transport.left) == 400)

    asyncio.run(main())
    # at one to one, the others would have waited for 400 of Gmail's: ten seconds
    assert sum("gmail" in recipient for _, recipient in transport.left) < 200


def test_drain_goes_on_while_a_rate_makes_it_slow(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 4)
    begun = time.monotonic()
    assert drained(sqlite_store, number, limits=limits("2/s")) == {"sent": 4}
    assert time.monotonic() - begun >= 1.4


def test_drain_ends_when_a_days_budget_is_used_up(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 20)
    assert drained(sqlite_store, number, limits=limits("1000/s,7/d")) == {"sent": 7, "queued": 13}
    assert drained(sqlite_store, number, limits=limits("1000/s,7/d")) == {"sent": 7, "queued": 13}


def test_drain_ends_when_only_a_provider_that_has_had_its_day_is_left(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 20)
    at(sqlite_store, range(1, 11), "gmail.com")
    assert drained(sqlite_store, number, limits=limits(providers="google=100/s,3/d")) == {"sent": 13, "queued": 7}


def test_drain_ends_when_a_warm_up_has_had_its_day(sqlite_store: Store) -> None:
    today = datetime.now(UTC)
    group = crowd.made_list(sqlite_store, today, 20)
    number = crowd.made_campaign(sqlite_store, today, group, from_domain="clinic.example")
    with sqlite_store.writing() as session:
        campaigns.store_compiled(session, number, compiled())
        identities.meet(session, "clinic.example", today)
    assert drained(sqlite_store, number, limits=limits(warm_up=WarmUp((6, 60)))) == {"sent": 6, "queued": 14}


def test_what_was_not_tried_uses_up_no_budget(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 10)
    cut = {f"p{person}@example.org" for person in range(1, 6)}

    async def script(outgoing: Outgoing) -> Answer:
        if outgoing.recipient in cut:
            cut.discard(outgoing.recipient)
            return Stage.MAIL, None
        return ACCEPTED

    assert drained(sqlite_store, number, MemoryTransport(script), limits=limits("1000/s,10/d")) == {"sent": 10}
    with sqlite_store.reading() as session:
        mark = session.get(PaceMark, "all/86400")
    assert mark is not None
    assert mark.used == 10


def test_pause_takes_effect_within_two_seconds_while_limits_are_on(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 500)
    transport = Timed()

    async def main() -> None:
        async with running(sqlite_store, transport, limits=limits("40/s", "*=30/s")):
            await until(lambda: len(transport.left) > 10)
            crowd.campaign_state(sqlite_store, number, CampaignState.PAUSED)
            async with asyncio.timeout(2):
                await until(lambda: "claimed" not in crowd.told(sqlite_store, number))
            at_pause = len(transport.left)
            told = crowd.told(sqlite_store, number)
            await asyncio.sleep(0.5)
            assert len(transport.left) == at_pause == told["sent"]
            assert crowd.told(sqlite_store, number) == {"sent": at_pause, "queued": 500 - at_pause}

    asyncio.run(main())


def test_cancel_takes_effect_within_two_seconds_while_limits_are_on(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 200)
    transport = Timed()

    async def main() -> None:
        async with running(sqlite_store, transport, limits=limits("40/s", "*=30/s")):
            await until(lambda: len(transport.left) > 10)
            crowd.campaign_state(sqlite_store, number, CampaignState.CANCELLED)
            with sqlite_store.writing() as session:
                deliveries.cancel_open(session, number, now)
            async with asyncio.timeout(2):
                await until(lambda: "claimed" not in crowd.told(sqlite_store, number))

    asyncio.run(main())
    assert crowd.told(sqlite_store, number) == {"sent": len(transport.left), "cancelled": 200 - len(transport.left)}


def test_who_leaves_while_limits_are_on_is_not_mailed_two_seconds_later(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 200)
    transport = Timed()

    async def main() -> None:
        async with running(sqlite_store, transport, limits=limits(providers="*=40/s")):
            await until(lambda: len(transport.left) > 5)
            gone = time.monotonic()
            for person in range(1, 201):
                crowd.subscription(sqlite_store, 1, person, SubscriptionState.UNSUBSCRIBED)
            await until(lambda: not {"queued", "claimed"} & crowd.told(sqlite_store, number).keys())
            assert left(transport)[-1] - gone < 2

    asyncio.run(main())
    assert crowd.told(sqlite_store, number)["excluded"] == 200 - len(transport.left)


def test_a_provider_that_puts_off_is_slowed_and_told_and_recovers(
    sqlite_store: Store, now: datetime, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others keep their pace; a line says when it slows and when it has recovered."""
    number = campaign(sqlite_store, now, 1000)
    at(sqlite_store, range(1, 901), "gmail.com")
    monkeypatch.setattr("outreach.timing.slowdown.STRETCH", 0.3)
    monkeypatch.setattr("outreach.timing.slowdown.SHORTEST", 0.1)
    busy = True

    async def script(outgoing: Outgoing) -> Answer:
        await asyncio.sleep(0.005)
        if busy and "gmail" in outgoing.recipient:
            return Stage.RCPT, Reply(421, "4.7.28", "unusual rate of mail")
        return ACCEPTED

    async def main() -> None:
        nonlocal busy
        transport = MemoryTransport(script)
        async with running(sqlite_store, transport):
            await until(lambda: "provider_slowed provider=google" in caplog.text)
            with sqlite_store.reading() as session:
                assert set(slowdowns.rates(session)) == {"google"}
            await until(lambda: sum("example" in mail.recipient for mail in transport.accepted) == 100)
            assert crowd.told(sqlite_store, number)["queued"] > 0
            busy = False
            await until(lambda: "provider_recovered provider=google" in caplog.text)

    with caplog.at_level(logging.INFO, logger="outreach.sender"):
        asyncio.run(main())
    assert "provider=example.org" not in caplog.text


def test_a_relay_that_ends_its_session_slows_nobody(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 60)
    turn = 0

    async def script(outgoing: Outgoing) -> Answer:
        nonlocal turn
        turn += 1
        return (Stage.MAIL, Reply(421, "4.7.0", "too many connections")) if turn % 2 else ACCEPTED

    assert drained(sqlite_store, number, MemoryTransport(script)) == {"sent": 60}
    with sqlite_store.reading() as session:
        assert slowdowns.watched(session) == set()


def test_two_relays_share_a_campaign_and_each_keeps_its_limit(sqlite_store: Store, now: datetime) -> None:
    number = campaign(sqlite_store, now, 120)

    async def main() -> tuple[int, int, float]:
        async with relay() as (first, caught), relay() as (second, others):
            each = [relay_at(first), relay_at(second)]
            rated = Way(each[0].name, 1, Limit.parse("20/s"))
            ways = Ways([rated, Way(each[1].name, 1, Limit.parse("60/s"))])
            relays = [(way, SmtpTransport(one, connections=2)) for way, one in zip(ways.in_use(), each, strict=True)]
            begun = time.monotonic()
            async with asyncio.timeout(30):
                await sender(sqlite_store, Fleet(relays, ways, clock=boot_clock), ways=ways).drain(number)
            return len(caught.messages), len(others.messages), time.monotonic() - begun

    slow, fast, seconds = asyncio.run(main())
    assert crowd.told(sqlite_store, number) == {"sent": 120}
    assert slow + fast == 120
    assert slow <= 20 * (seconds + 0.2)
    assert slow >= 15


def test_without_a_limit_nothing_of_the_pace_is_touched(
    sqlite_store: Store, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the pace was held")

    monkeypatch.setattr("outreach.store.pace.hold", refuse)
    monkeypatch.setattr(claims, "Paced", refuse)
    number = campaign(sqlite_store, now, 300)
    assert drained(sqlite_store, number) == {"sent": 300}


def test_many_senders_under_limits_do_not_wait_for_each_other_on_postgresql(
    postgresql_store: Store, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    """Results and claims of several senders move the same tallies and marks, in one order: nothing deadlocks."""
    number = campaign(postgresql_store, now, 600)
    at(postgresql_store, range(1, 301), "gmail.com")

    async def script(outgoing: Outgoing) -> Answer:
        put_off = "gmail" in outgoing.recipient and int(outgoing.recipient.split("@")[0][1:]) % 3 == 0
        return (Stage.RCPT, Reply(421, "4.7.0", "later")) if put_off else ACCEPTED

    async def main() -> None:
        kept = limits("5000/s,100000/d", "google=2000/s,50000/d")
        async with AsyncExitStack() as stack:
            for _ in range(4):
                transport = MemoryTransport(script)
                await stack.enter_async_context(running(postgresql_store, transport, limits=kept))
            await until(lambda: crowd.told(postgresql_store, number).get("sent", 0) == 500)

    asyncio.run(main())
    assert crowd.told(postgresql_store, number) == {"sent": 500, "deferred": 100}
    assert "books_closed" not in caplog.text
