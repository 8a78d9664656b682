"""How do several parts work in one process, and stop together? A thread for each; a part that fails starts anew.

Whether all is well is known here too: a part ails that has died, that fails again and again, or that hangs.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from outreach.engine.pulse import SILENCE, Pulse
from outreach.errors import OutreachError
from outreach.log import Log

log = Log("outreach.crew")

#: A part of the crew: works until the event is set.
Work = Callable[[threading.Event], None]

#: Seconds before a part that failed is started again: doubled each time, up to the longest.
PAUSE, LONGEST_PAUSE = 1.0, 60.0
#: A part that has worked for so many seconds had recovered: the next pause is a short one.
RECOVERED = 120.0
#: A part that has failed so often without recovering will not come back by itself.
TOO_OFTEN = 4


@dataclass(eq=False)
class Part:
    """One part: its thread, its signs of life, and how often it has failed."""

    name: str
    work: Work
    #: None for a part that gives no signs of life.
    pulse: Pulse | None
    thread: threading.Thread | None = None
    #: How often it has ended by itself, ever.
    failures: int = 0
    #: How often in a row, without a time in between in which it had recovered.
    in_a_row: int = 0
    #: When it was started last, on the monotonic clock.
    begun: float = 0.0

    @property
    def ailment(self) -> str | None:
        """What is wrong with it, in a few words; None where nothing is."""
        if self.thread is None or not self.thread.is_alive():
            return "it has died"
        if self.in_a_row >= TOO_OFTEN and time.monotonic() - self.begun <= RECOVERED:
            return f"it has failed {self.in_a_row} times in a row"
        if self.pulse is not None and self.pulse.silent > SILENCE:
            return f"it has given no sign of life for {self.pulse.silent:.0f} seconds"
        return None


class Crew:
    """Parts that work side by side until `leave`."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.parts: list[Part] = []

    def add(self, name: str, work: Work, *, pulse: Pulse | None = None) -> None:
        """Start a part in a thread of its own; `pulse` is where it gives signs of life."""
        part = Part(name, work, pulse)
        part.thread = threading.Thread(target=self._keep, args=(part,), name=name, daemon=True)
        self.parts.append(part)
        part.thread.start()

    def ailments(self) -> dict[str, str]:
        """The parts with which something is wrong, and what; nobody ails who was told to stop."""
        if self.stop.is_set():
            return {}
        return {part.name: what for part in self.parts if (what := part.ailment)}

    def leave(self, seconds: float) -> list[str]:
        """Tell all parts to stop and wait for them; the names of those that were still at work after `seconds`."""
        self.stop.set()
        deadline = time.monotonic() + seconds
        threads = [part.thread for part in self.parts if part.thread is not None]
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return [thread.name for thread in threads if thread.is_alive()]

    def _keep(self, part: Part) -> None:
        """Keep a part at work: what it throws is logged, and it starts anew after a pause."""
        pause = PAUSE
        while not self.stop.is_set():
            part.begun = time.monotonic()
            try:
                part.work(self.stop)
            except OutreachError as error:
                log.error("part_failed", part=part.name, why=error.message)
            except Exception:
                log.exception("part_failed", part=part.name)
            if self.stop.is_set():
                return
            recovered = time.monotonic() - part.begun > RECOVERED
            part.failures += 1
            part.in_a_row = 1 if recovered else part.in_a_row + 1
            pause = PAUSE if recovered else min(pause * 2, LONGEST_PAUSE)
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
