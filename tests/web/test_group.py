"""The group commit: who waits shares the next batch; a failure is everybody's in the batch, and nobody else's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

from outreach.web.group import Group


def test_the_first_goes_alone_and_who_waits_goes_together() -> None:
    batches: list[list[int]] = []
    begun, gate = threading.Event(), threading.Event()

    def double(asks: Sequence[int]) -> list[int]:
        batches.append(list(asks))
        begun.set()
        gate.wait(10)
        return [2 * ask for ask in asks]

    async def scene() -> list[int]:
        group = Group(double, name="test", largest=4)
        first = asyncio.create_task(group.ask(0))
        await asyncio.to_thread(begun.wait, 10)
        others = [asyncio.create_task(group.ask(n)) for n in range(1, 8)]
        await asyncio.sleep(0)
        gate.set()
        answers = [await first, *[await other for other in others]]
        group.close()
        return answers

    assert asyncio.run(scene()) == [0, 2, 4, 6, 8, 10, 12, 14]
    assert batches == [[0], [1, 2, 3, 4], [5, 6, 7]]


def test_a_failure_reaches_everybody_in_the_batch_and_the_next_batch_works() -> None:
    calls: list[int] = []

    def fails_once(asks: Sequence[int]) -> Sequence[int]:
        calls.append(len(asks))
        if len(calls) == 1:
            raise OSError("the disk is full")
        return asks

    async def scene() -> list[object]:
        group = Group(fails_once, name="test")
        failed = await asyncio.gather(group.ask(1), group.ask(2), return_exceptions=True)
        works = await asyncio.gather(group.ask(3), group.ask(4))
        group.close()
        return [*failed, *works]

    answers = asyncio.run(scene())
    assert [str(answer) for answer in answers] == ["the disk is full", "the disk is full", "3", "4"]
    assert calls == [2, 2]


def test_who_goes_away_leaves_the_others_their_answers() -> None:
    def same(asks: Sequence[int]) -> Sequence[int]:
        return asks

    async def scene() -> list[int]:
        group = Group(same, name="test")
        asks = [asyncio.create_task(group.ask(n)) for n in range(3)]
        await asyncio.sleep(0)
        asks[1].cancel()
        answers = [await asks[0], await asks[2], await group.ask(9)]
        group.close()
        return answers

    assert asyncio.run(scene()) == [0, 2, 9]
