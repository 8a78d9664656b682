"""How do messages leave by several relays? Each relay takes its share by weight, and only what its limit permits.

A message is handed to one relay at a time: it is taken from the source by one of them, and either reported by it or
given back. A relay that is away takes nothing; it is tried with a connection and then with a single message, and the
others have its share until it is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from outreach.errors import TransportError
from outreach.timing.ways import Shares, Way, Ways
from outreach.transport.base import Begin, Outcome, Outgoing, Report, Source
from outreach.transport.lanes import side_by_side
from outreach.transport.reach import Reach
from outreach.transport.smtp import SmtpTransport

#: By how many of its messages a relay may be ahead of its share.
AHEAD = 4

#: A relay that has taken nothing for so many seconds though it could is not waited for.
STUCK_SECONDS = 1.0

#: The longest that a relay waits before it looks again whether it is its turn.
LOOK_SECONDS = 0.05


class Fleet:
    """Sends by several relays, or by one that has a limit."""

    def __init__(self, relays: Sequence[tuple[Way, SmtpTransport]], ways: Ways, *, clock: Callable[[], float]) -> None:
        self._relays = relays
        self._ways = ways
        self._clock = clock

    async def run(self, source: Source, begin: Begin, report: Report, *, patience: int | None = None) -> None:
        """Send what the source hands out; see `base.Transport.run`. Patience must end with every relay."""
        board = _Board(self._ways, self._clock)
        reaches: list[Reach] = []
        works = []
        for way, transport in self._relays:
            share = _Share(source, way, board)
            board.shares[way.name] = share
            reaches.append(Reach(transport.place, patience=patience, others=reaches, told=share.tell_away))
            works.append(transport.work(share, begin, report, reaches[-1]))
        await side_by_side(works)

    def connected(self) -> int:
        """How many connections are open now, to all relays together."""
        return sum(transport.connected() for _, transport in self._relays)

    async def send_one(self, outgoing: Outgoing) -> Outcome:
        """Send a single message by the first relay that is there; raises TransportError where none is."""
        last: TransportError | None = None
        for _, transport in sorted(self._relays, key=lambda relay: -relay[0].weight):
            try:
                # Asked first: once a message has begun to leave by one relay it is not handed to another.
                await transport.probe()
            except TransportError as error:
                last = error
            else:
                return await transport.send_one(outgoing)
        assert last is not None
        raise last

    async def probe(self) -> str:
        """One line that says what was found at each relay; raises TransportError for the first that is away."""
        return "; ".join([await transport.probe() for _, transport in self._relays])


class _Board:
    """What the relays know of each other."""

    def __init__(self, ways: Ways, clock: Callable[[], float]) -> None:
        self.ways = ways
        self.clock = clock
        self.shares: dict[str, _Share] = {}
        self._tags = Shares()
        self._news = asyncio.Event()

    def is_next(self, way: Way) -> bool:
        """Whether a relay may take a message now."""
        if self.ways.is_away(way.name):
            return True  # the one message that it is tried with
        in_use = self.ways.in_use()
        if way not in in_use or self.ways.wait(way.name, self.clock()) != 0:
            return False
        rivals = [other for other in in_use if other is not way and self.shares[other.name].competes()]
        return self._tags.lead(way, (way, *rivals)) < AHEAD / max(1, way.weight)

    def took(self, way: Way) -> None:
        """A relay took a message; who did not compete for it does not make up for it."""
        if not self.ways.is_away(way.name):
            self.ways.use(way.name)
        for other in self.ways.in_use():
            if other is not way and not self.shares[other.name].competes():
                self._tags.catch_up(other, (way,))
        self._tags.serve(way)
        self.stir()

    def stir(self) -> None:
        """Let those who wait for their turn look again."""
        self._news.set()
        self._news.clear()

    async def news(self, way: Way) -> None:
        """Wait until it may be its turn."""
        wait = self.ways.wait(way.name, self.clock())
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), min(LOOK_SECONDS, wait or LOOK_SECONDS))


class _Share:
    """One relay's part of the source."""

    def __init__(self, source: Source, way: Way, board: _Board) -> None:
        self._source = source
        self._way = way
        self._board = board
        #: One of the relay's connections waits for its turn, the others behind it.
        self._line = asyncio.Lock()
        self._hungry = False
        self._took_at = float("-inf")
        board.ways.set_away(way.name, False)

    def take(self) -> Outgoing | None:
        """The next message that may leave by this relay now."""
        if not self._board.is_next(self._way):
            return None
        outgoing = self._source.take()
        if outgoing is not None:
            self._took_at = self._board.clock()
            self._board.took(self._way)
        return outgoing

    def give_back(self, outgoing: Outgoing) -> None:
        """Return a message of which nothing has left: any relay may have it."""
        self._source.give_back(outgoing)
        self._board.ways.put_back(self._way.name, self._board.clock())
        self._board.stir()

    async def ready(self) -> bool:
        """Wait until there is something, and it is this relay's turn; False when there will never be more."""
        async with self._line:
            self._hungry = True
            try:
                while await self._source.ready():
                    if self._board.is_next(self._way):
                        return True
                    await self._board.news(self._way)
            finally:
                self._hungry = False
                self._board.stir()
        return False

    def competes(self) -> bool:
        """Whether it is there to take its share: it waits for it, or has lately taken some."""
        now = self._board.clock()
        return self._board.ways.wait(self._way.name, now) == 0 and (self._hungry or now - self._took_at < STUCK_SECONDS)

    def tell_away(self, away: bool) -> None:
        """The relay went away, or came back."""
        self._board.ways.set_away(self._way.name, away)
        self._board.stir()
