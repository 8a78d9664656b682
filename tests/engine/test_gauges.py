"""What a process lets others see of its work: counted where the work is done."""

from __future__ import annotations

import asyncio
import threading
from datetime import datetime

import pytest

from outreach.engine.crew import Crew
from outreach.engine.gauges import Gauges, Watch
from outreach.errors import DatabaseUnavailable
from outreach.replies.smtp import Reply, Stage
from outreach.store.database import Store
from outreach.transport.base import Outgoing
from outreach.transport.memory import ACCEPTED, Answer, MemoryTransport
from outreach.transport.smtp import SmtpTransport
from tests.engine.sending import campaign, drained, running, until
from tests.transport.relays import at, letters, relay

LONG = 30.0


def value(gauges: Gauges, name: str, **labels: str) -> float | None:
    return gauges.registry.get_sample_value(name, labels)


def test_replies_are_counted_by_class_and_stage_and_messages_by_what_became_of_them(
    sqlite_store: Store, now: datetime
) -> None:
    number = campaign(sqlite_store, now, 6)
    answers: dict[str, Answer] = {
        "p1@example.org": (Stage.RCPT, Reply(550, "5.1.1", "no")),
        "p2@example.org": (Stage.RCPT, Reply(451, "4.7.1", "later")),
        "p3@example.org": (Stage.BODY, None),
        "p4@example.org": (Stage.BODY, Reply(554, "5.7.1", "spam")),
    }

    async def mixed(outgoing: Outgoing) -> Answer:
        return answers.get(outgoing.recipient, ACCEPTED)

    gauges = Gauges()
    told = drained(sqlite_store, number, MemoryTransport(mixed), watch=Watch(gauges))
    assert {state: value(gauges, "outreach_messages_total", state=state) for state in told} == told
    counted = {
        (hundreds, stage): value(gauges, "outreach_replies_total", **{"class": hundreds, "stage": stage})
        for hundreds, stage in (("2xx", "body"), ("5xx", "rcpt"), ("4xx", "rcpt"), ("none", "body"), ("5xx", "body"))
    }
    assert counted == {
        ("2xx", "body"): 2.0,
        ("5xx", "rcpt"): 1.0,
        ("4xx", "rcpt"): 1.0,
        ("none", "body"): 1.0,
        ("5xx", "body"): 1.0,
    }
    assert (value(gauges, "outreach_turn_seconds_count") or 0) >= 2
    assert 0 < (value(gauges, "outreach_last_turn_seconds") or 0) < LONG


def test_the_oldest_claim_ages_while_it_is_held(sqlite_store: Store, now: datetime) -> None:
    campaign(sqlite_store, now, 3)
    gauges, go_on = Gauges(), asyncio.Event()

    async def stuck(outgoing: Outgoing) -> Answer:
        await go_on.wait()
        return ACCEPTED

    def age() -> float:
        return value(gauges, "outreach_oldest_claim_age_seconds") or 0.0

    async def main() -> None:
        async with running(sqlite_store, MemoryTransport(stuck), watch=Watch(gauges)):
            await until(lambda: age() > 0.3)
            go_on.set()
            await until(lambda: age() == 0)

    asyncio.run(main())


def test_open_connections_of_all_senders_are_added_up() -> None:
    async def main() -> None:
        gauges = Gauges()
        async with relay() as (port, _):
            first, second = SmtpTransport(at(port)), SmtpTransport(at(port))
            for each in (first, second):
                gauges.follow("outreach_relay_connections", "Connections.", each.connected)
            assert value(gauges, "outreach_relay_connections") == 0
            source = _Waiting()
            work = [asyncio.create_task(each.run(source, lambda _: True, source.report)) for each in (first, second)]
            await until(lambda: value(gauges, "outreach_relay_connections") == 2)
            source.end()
            await asyncio.gather(*work)
            assert value(gauges, "outreach_relay_connections") == 0

    asyncio.run(main())


class _Waiting:
    """A source that hands out one message to each transport and then keeps it waiting."""

    def __init__(self) -> None:
        self._left = letters(2)
        self._ended = asyncio.Event()
        self.answered = 0

    def take(self) -> Outgoing | None:
        return self._left.pop() if self._left else None

    def give_back(self, outgoing: Outgoing) -> None:
        self._left.append(outgoing)

    def report(self, _: object) -> None:
        self.answered += 1

    async def ready(self) -> bool:
        if self._left:
            return True
        await self._ended.wait()
        return False

    def end(self) -> None:
        self._ended.set()


def test_a_sender_gives_signs_of_life_while_idle_and_while_the_database_is_away(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    gauges = Gauges()
    watch = Watch(gauges)

    async def beaten() -> None:
        watch.pulse._at -= 1_000
        await until(lambda: watch.pulse.silent < 100)

    def away() -> None:
        raise DatabaseUnavailable("away")

    async def main() -> None:
        async with running(sqlite_store, MemoryTransport(), watch=watch):
            await beaten()
            with monkeypatch.context() as patch:
                patch.setattr(sqlite_store, "reading", away)
                await beaten()
                assert value(gauges, "outreach_books_open") == 0
            await until(lambda: value(gauges, "outreach_books_open") == 1)

    asyncio.run(main())


def test_a_sender_whose_database_hangs_gives_no_sign_of_life(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, hung, go_on = Watch(), threading.Event(), threading.Event()
    reading = sqlite_store.reading

    def hangs() -> object:
        hung.set()
        go_on.wait(LONG)
        return reading()

    async def main() -> None:
        async with running(sqlite_store, MemoryTransport(), watch=watch):
            monkeypatch.setattr(sqlite_store, "reading", hangs)
            await until(hung.is_set)
            watch.pulse._at -= 1_000
            await asyncio.sleep(0.5)
            silent = watch.pulse.silent
            go_on.set()
            assert silent > 1_000
            await until(lambda: watch.pulse.silent < 100)

    asyncio.run(main())


def test_parts_are_told_apart_and_their_failures_counted() -> None:
    crew, gauges = Crew(), Gauges()
    gauges.crew(crew)
    stopped = threading.Event()
    crew.add("clock", lambda stop: stop.wait(LONG), pulse=Watch().pulse)
    assert value(gauges, "outreach_part_up", part="clock") == 1
    assert value(gauges, "outreach_part_failures_total", part="clock") == 0
    assert (value(gauges, "outreach_part_silent_seconds", part="clock") or 0) < LONG
    crew.parts[0].in_a_row = 4
    assert value(gauges, "outreach_part_up", part="clock") == 0
    crew.leave(LONG)
    stopped.set()
