"""Several relays: shares by weight, failover and return, and no message that is handed to two of them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from outreach.errors import TransportError
from outreach.timing.pace import Limit
from outreach.timing.ways import Way, Ways
from outreach.transport import reach
from outreach.transport.fleet import Fleet
from outreach.transport.smtp import SmtpTransport
from tests.conftest import free_port
from tests.transport.relays import Caught, Plan, Stock, at, letter, letters, relay


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "FIRST_PAUSE", 0.02)


class Lasting(Stock):
    """A stock that is not over when it is empty: what is given back, or cut off, may still come."""

    def __init__(self, count: int) -> None:
        super().__init__(letters(count))
        self.all = count

    async def ready(self) -> bool:
        while not self.left and len(self.outcomes) < self.all:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return bool(self.left)


def fleet(*relays: tuple[int, int], limit: Limit | None = None, connections: int = 2) -> tuple[Fleet, Ways]:
    """A fleet of (port, weight); the limit is the first one's."""
    each = [(at(port), weight) for port, weight in relays]
    ways = [Way(one.name, weight, limit if one is each[0][0] else None) for one, weight in each]
    board = Ways(ways)
    transports = [SmtpTransport(one, connections=connections) for one, _ in each]
    return Fleet(list(zip(ways, transports, strict=True)), board, clock=time.monotonic), board


async def run(sent: Fleet, stock: Stock, patience: int | None = None) -> None:
    async with asyncio.timeout(20):
        await sent.run(stock, stock.begin, stock.outcomes.append, patience=patience)


@asynccontextmanager
async def two(plan: Plan = lambda step, recipient: None) -> AsyncIterator[tuple[int, Caught, int, Caught]]:
    """Two relays; the plan is the first one's."""
    async with relay(plan) as (one, caught), relay() as (other, others):
        yield one, caught, other, others


def test_each_relay_gets_its_share_by_weight_and_each_message_goes_to_one() -> None:
    async def main() -> None:
        async with two() as (one, caught, other, others):
            stock = Stock(letters(200))
            await run(fleet((one, 3), (other, 1))[0], stock)
            assert len(caught.messages) == pytest.approx(150, abs=8)
            everybody = Counter(caught.recipients + others.recipients)
            assert everybody == Counter(f"p{number}@example.org" for number in range(1, 201))
            told = Counter(outcome.relay for outcome in stock.outcomes)
            assert told == {
                f"127.0.0.1:{one}": len(caught.messages),
                f"127.0.0.1:{other}": len(others.messages),
            }

    asyncio.run(main())


def test_the_share_of_a_relay_that_is_away_goes_to_the_others() -> None:
    async def main() -> None:
        async with relay() as (port, caught):
            stock = Lasting(60)
            await run(fleet((free_port(), 5), (port, 1))[0], stock)
            assert sorted(caught.recipients) == sorted(f"p{number}@example.org" for number in range(1, 61))
            assert set(stock.answers().values()) == {"body 250"}

    asyncio.run(main())


def test_one_that_stands_by_gets_nothing_while_another_is_there() -> None:
    async def main() -> None:
        async with two() as (one, caught, other, others):
            await run(fleet((one, 1), (other, 0))[0], Stock(letters(50)))
            assert (len(caught.messages), len(others.messages)) == (50, 0)
        async with relay() as (port, caught):
            await run(fleet((free_port(), 1), (port, 0))[0], Lasting(30))
            assert len(caught.messages) == 30

    asyncio.run(main())


def test_a_relay_that_comes_back_gets_its_share_again() -> None:
    """It is away at first: every session ends at MAIL with 421. Nothing is lost, and later it takes its part."""
    away = True

    def ends(step: str, recipient: str) -> str | None:
        return "421 4.3.2 going down" if away and step == "mail" else None

    class Refilled(Lasting):
        def give_again(self) -> None:
            """What a relay put off at MAIL is sent again, as the sender does it."""
            for outcome in [each for each in self.outcomes if each.reply is None or each.reply.code == 421]:
                self.outcomes.remove(outcome)
                self.left.append(letter(outcome.delivery_id))

        async def ready(self) -> bool:
            while not self.left and len(self.outcomes) < self.all:
                await asyncio.sleep(0.01)
                self.give_again()
            return bool(self.left)

    async def main() -> None:
        nonlocal away
        async with two(ends) as (one, caught, other, others):
            stock = Refilled(400)
            task = asyncio.create_task(run(fleet((one, 1), (other, 1))[0], stock))
            while len(others.messages) < 20:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert caught.messages == []
            away = False
            await task
            assert len(caught.messages) > 50
            assert Counter(caught.recipients + others.recipients) == Counter(
                f"p{number}@example.org" for number in range(1, 401)
            )

    asyncio.run(main())


def test_a_body_that_one_relay_has_begun_to_take_is_given_to_no_other() -> None:
    def cut(step: str, recipient: str) -> str | None:
        return "drop" if step == "end" and recipient.startswith("p7@") else None

    async def main() -> None:
        async with two(cut) as (one, caught, other, others):
            stock = Stock(letters(40))
            await run(fleet((one, 9), (other, 1))[0], stock)
            answers = stock.answers()
            if "p7@example.org" in caught.recipients:
                assert answers[7] == "body -"
            everybody = Counter(caught.recipients + others.recipients)
            assert set(everybody.values()) == {1}
            assert len(everybody) == len(answers) == 40

    asyncio.run(main())


def test_a_relay_with_a_limit_takes_what_it_is_permitted() -> None:
    async def main() -> None:
        async with two() as (one, caught, other, others):
            sent, board = fleet((one, 1), (other, 1), limit=Limit.parse("10/s"))
            start = time.monotonic()
            board.permit(f"127.0.0.1:{one}", [start, start, start + 0.1])
            await run(sent, Stock(letters(50)))
            assert len(caught.messages) <= 3
            assert len(caught.messages) + len(others.messages) == 50

    asyncio.run(main())


def test_patience_ends_when_every_relay_is_away() -> None:
    async def main() -> None:
        stock = Stock(letters(5))
        sent, _ = fleet((free_port(), 1), (free_port(), 0))
        with pytest.raises(TransportError):
            await run(sent, stock, patience=2)
        assert len(stock.left) == 5
        async with relay() as (port, caught):
            await run(fleet((free_port(), 1), (port, 1))[0], Lasting(5), patience=2)
            assert len(caught.messages) == 5

    asyncio.run(main())


def test_a_single_message_goes_by_the_first_relay_that_is_there() -> None:
    async def main() -> None:
        async with relay() as (port, caught):
            sent, _ = fleet((free_port(), 2), (port, 1))
            outcome = await sent.send_one(letter())
            assert outcome.relay == f"127.0.0.1:{port}"
            assert caught.recipients == ["p1@example.org"]
            with pytest.raises(TransportError, match="refused"):
                await sent.probe()
        nobody, _ = fleet((free_port(), 1), (free_port(), 1))
        with pytest.raises(TransportError):
            await nobody.send_one(letter())

    asyncio.run(main())


def test_while_a_relay_cannot_be_reached_no_message_waits_for_it() -> None:
    """A relay that was found away is asked with a connection first; the message stays where others can have it."""

    async def main() -> None:
        stock = Lasting(1)
        transport = SmtpTransport(at(free_port()), connections=1)
        task = asyncio.create_task(transport.run(stock, stock.begin, stock.outcomes.append))
        seen = Counter[int]()
        for _ in range(40):
            await asyncio.sleep(0.005)
            seen[len(stock.left)] += 1
        task.cancel()
        await asyncio.wait([task])
        assert seen[1] > 30

    asyncio.run(main())
