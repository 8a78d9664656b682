"""Many senders on PostgreSQL, with people leaving and operators at work: exact at every look, nothing lost."""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from outreach.actions import cancel, erase, pause, resume, retry, unsubscribe
from outreach.engine.desk import boot_clock
from outreach.engine.ledger import Ledger
from outreach.engine.letters import Letters
from outreach.errors import NotFound, StateError
from outreach.store import campaigns
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState
from outreach.store.settlements import Result
from tests.actions.people import ARTICLE
from tests.engine import sending
from tests.engine.test_clock import DEFAULTS
from tests.store import crowd

PEOPLE = 240
LEASE = timedelta(seconds=30)
#: What a sender reports, about as often as it comes.
ENDS = (
    *[DeliveryState.SENT] * 12,
    *[DeliveryState.BOUNCED] * 2,
    *[DeliveryState.DEFERRED] * 3,
    *[DeliveryState.FAILED] * 2,
    DeliveryState.UNKNOWN,
    DeliveryState.QUEUED,
)


@dataclass
class Crowd:
    """Threads that work until the time is up; what one of them threw fails the test."""

    seconds: float
    faults: list[BaseException] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def add(self, work: Callable[[random.Random], object], seed: int, rest: float = 0.0) -> None:
        chance = random.Random(seed)

        def keep() -> None:
            end = time.monotonic() + self.seconds
            try:
                while time.monotonic() < end and not self.faults:
                    work(chance)
                    time.sleep(rest)
            except BaseException as error:
                self.faults.append(error)

        self.threads.append(threading.Thread(target=keep))

    def work(self) -> None:
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join(60)
        if self.faults:
            raise self.faults[0]


class Worker:
    """A sender without its transport: it claims, and settles at random what it holds, in the same turns."""

    def __init__(self, store: Store) -> None:
        self.ledger = Ledger(store, Letters(sending.TOKENS, "https://clinic.example"), lease=LEASE)
        self.held: list[tuple[int, str]] = []
        #: The deliveries that were written down as sent, once for each time.
        self.sent: list[int] = []

    def turn(self, chance: random.Random) -> None:
        now = datetime.now(UTC)
        chance.shuffle(self.held)
        results = [Result(number, token, chance.choice(ENDS), now, due_at=now) for number, token in self.held[5:]]
        self.held = self.held[:5]
        turn = self.ledger.turn(results, 16, now, token=secrets.token_hex(16), renew=dict(self.held))
        assert turn.settled == len(results), "a result was lost"
        self.sent += [result.delivery_id for result in results if result.state is DeliveryState.SENT]
        self.held += [(row.delivery_id, row.claim) for row in turn.claimed]


def deadlocks(store: Store) -> int:
    with store.reading() as session:
        session.execute(sa.text("SELECT pg_stat_clear_snapshot()"))
        query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        return int(session.execute(sa.text(query)).scalar_one())


def test_four_senders_lose_nothing_while_people_leave_and_operators_work(
    postgresql_store: Store, now: datetime
) -> None:
    store, seed = postgresql_store, 1
    group = crowd.made_list(store, now, PEOPLE)
    launched: list[int] = []

    def launch(_: random.Random) -> None:
        number = crowd.made_campaign(store, now, group, name=f"c{len(launched)}", article=ARTICLE)
        with store.writing() as session:
            campaigns.store_compiled(session, number, sending.compiled())
        launched.append(number)

    def one(chance: random.Random) -> int:
        return chance.choice(launched[-4:])

    def hold(chance: random.Random) -> None:
        number = one(chance)
        with suppress(StateError):  # it was cancelled
            pause.campaign(store, number, now=now)
            resume.campaign(store, number, defaults=DEFAULTS, now=now)

    def end(chance: random.Random) -> None:
        cancel.campaign(store, one(chance), now=now)

    def mend(chance: random.Random) -> None:
        state = chance.choice([DeliveryState.FAILED, DeliveryState.UNKNOWN])
        with suppress(StateError):
            retry.again(store, one(chance), state, now=now)

    def leave(chance: random.Random) -> None:
        person = chance.randint(1, PEOPLE)
        if chance.random() < 0.2:
            with suppress(NotFound):
                erase.person(store, f"p{person}@example.org", key=b"k" * 32, now=now)
        else:
            unsubscribe.person(store, person, group, source="test", now=now, campaign_id=one(chance))

    def expire(_: random.Random) -> None:
        workers[0].ledger.expire(datetime.now(UTC), boot_clock())

    def look(_: random.Random) -> None:
        for number in launched[:]:
            found = crowd.tallied(store, number)
            assert sum(found.values()) == audiences.setdefault(number, sum(found.values())), number

    audiences: dict[int, int] = {}
    chance = random.Random(seed)
    for _ in range(3):
        launch(chance)
    workers = [Worker(store) for _ in range(4)]
    people = Crowd(seconds=3.0)
    for index, worker in enumerate(workers):
        people.add(worker.turn, seed * 100 + index)
    for index, (work, rest) in enumerate(
        [(hold, 0.05), (end, 0.7), (mend, 0.03), (leave, 0.02), (launch, 0.35), (expire, 0.05), (look, 0.02)]
    ):
        people.add(work, seed * 100 + 50 + index, rest)
    people.work()

    look(chance)
    for number in launched:
        rows = crowd.rows_of(store, number)
        assert len({row.subscriber_id for row in rows}) == len(rows)
        held = {row.id for row in rows if row.state is DeliveryState.CLAIMED}
        assert held <= {number for worker in workers for number, _ in worker.held}
    said = [number for worker in workers for number in worker.sent]
    assert len(said) == len(set(said)), "a delivery that was sent was sent again"
    assert said
    # One is possible (an address bounces while its person is erased), is redone, and lost nothing.
    assert deadlocks(store) <= 1
