"""Is the relay there? While it is not, one connection at a time is tried, with growing pauses; the others wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from outreach.errors import TransportError
from outreach.log import Log, quiet

log = Log("outreach.transport")

#: Seconds before the second attempt, and at most between two.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0


class Reach:
    """What all connections of one run know of their relay."""

    def __init__(
        self,
        place: str,
        *,
        patience: int | None = None,
        others: Sequence[Reach] = (),
        told: Callable[[bool], object] = lambda away: None,
    ) -> None:
        """Patience ends when it has ended with the `others` too; `told` hears when the relay is away, or back."""
        self._place = place
        self._patience = patience
        self._others = others
        self._told = told
        self._open = asyncio.Event()
        self._open.set()
        self._until = 0.0
        #: Failures in a row.
        self.failures = 0

    async def passage(self) -> int:
        """Wait until it makes sense to try; what to give to `failed` if it comes to nothing.

        At once while all is well; else one connection passes after each pause, and the others wait.
        """
        clock = asyncio.get_running_loop().time
        while not self._open.is_set():
            left = self._until - clock()
            if left <= 0:
                self._until = clock() + self._pause()
                break
            with suppress(TimeoutError):
                await asyncio.wait_for(self._open.wait(), left)
        return self.failures

    def succeeded(self) -> None:
        """A message was answered: the relay is there."""
        if self.failures:
            log.info("relay_back", relay=self._place, failures=self.failures)
            self.failures = 0
            self._open.set()
            self._told(False)

    def failed(self, error: TransportError, ticket: int) -> None:
        """An attempt came to nothing; raises the error when patience is at its end.

        Connections that were tried at the same time count as one.
        """
        if ticket != self.failures:
            return
        self.failures += 1
        pause = self._pause()
        self._until = asyncio.get_running_loop().time() + pause
        self._open.clear()
        self._told(True)
        log.warning(
            "relay_away", relay=self._place, failures=self.failures, next_in=f"{pause:.1f}s", why=quiet(str(error))
        )
        if self._patience is not None and all(r.failures >= self._patience for r in (self, *self._others)):
            raise error

    def _pause(self) -> float:
        return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self.failures - 1, 20))
