"""How do many concurrent requests share one durable commit? They wait for the batch that holds them.

While a batch is at work, whoever comes waits; when it is done, all who wait are the next batch. So an idle server
answers at once, and a busy one commits a few hundred requests at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

Ask = TypeVar("Ask")
Answer = TypeVar("Answer")

#: As many requests share a commit at most; SQL statements stay of one handy size.
LARGEST = 500


class Group(Generic[Ask, Answer]):
    """Brings concurrent asks, in batches, to a function that blocks; one batch at a time, in a thread of its own.

    For use in one event loop. What the function raises, everybody in the batch gets.
    """

    def __init__(self, work: Callable[[Sequence[Ask]], Sequence[Answer]], *, name: str, largest: int = LARGEST) -> None:
        self._work = work
        self._largest = largest
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._waiting: list[tuple[Ask, asyncio.Future[Answer]]] = []
        self._pump: asyncio.Task[None] | None = None

    async def ask(self, ask: Ask) -> Answer:
        """The function's answer to this ask, once the batch that holds it is done."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((ask, answer))
        if self._pump is None:
            self._pump = loop.create_task(self._run(loop))
        return await answer

    def close(self) -> None:
        """Let the batch at work end, and the thread with it."""
        self._thread.shutdown(wait=True)

    async def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[: self._largest], self._waiting[self._largest :]
            try:
                answers = await loop.run_in_executor(self._thread, self._work, [ask for ask, _ in batch])
            except Exception as error:
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():  # whoever went away meanwhile is counted all the same
                    future.set_result(answer)
        self._pump = None
