"""How do several parts work in one process, and stop together? A thread for each; a part that fails starts anew."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable

from outreach.errors import OutreachError

log = logging.getLogger(__name__)

#: A part of the crew: works until the event is set.
Work = Callable[[threading.Event], None]

#: Seconds before a part that failed is started again: doubled each time, up to the longest.
PAUSE, LONGEST_PAUSE = 1.0, 60.0
#: A part that has worked for so many seconds had recovered: the next pause is a short one.
RECOVERED = 120.0


class Crew:
    """Parts that work side by side until `leave`."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def add(self, name: str, work: Work) -> None:
        """Start a part in a thread of its own."""
        thread = threading.Thread(target=self._keep, args=(name, work), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def leave(self, seconds: float) -> list[str]:
        """Tell all parts to stop and wait for them; the names of those that were still at work after `seconds`."""
        self.stop.set()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return [thread.name for thread in self._threads if thread.is_alive()]

    def _keep(self, name: str, work: Work) -> None:
        """Keep a part at work: what it throws is logged, and it starts anew after a pause."""
        pause = PAUSE
        while not self.stop.is_set():
            begun = time.monotonic()
            try:
                work(self.stop)
            except OutreachError as error:
                log.error("part.failed part=%s %s", name, error)
            except Exception:
                log.exception("part.failed part=%s", name)
            pause = PAUSE if time.monotonic() - begun > RECOVERED else min(pause * 2, LONGEST_PAUSE)
            self.stop.wait(pause)


def looping(run: Callable[[asyncio.Event], Awaitable[object]]) -> Work:
    """A part that is a coroutine, on an event loop of its own; its asyncio event is set when the crew stops."""

    async def main(stop: threading.Event) -> None:
        ended, given_up = asyncio.Event(), threading.Event()
        watching = asyncio.create_task(asyncio.to_thread(_either, stop, given_up))
        watching.add_done_callback(lambda _: ended.set())
        try:
            await run(ended)
        finally:
            given_up.set()
            await watching

    return lambda stop: asyncio.run(main(stop))


def _either(stop: threading.Event, given_up: threading.Event) -> None:
    """Come back when the crew stops, and soon after the part has ended by itself."""
    while not stop.wait(0.1) and not given_up.is_set():
        pass
