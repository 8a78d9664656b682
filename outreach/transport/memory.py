"""A way out that leads nowhere, for tests: it keeps what it was given and answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from outreach.errors import TransportError
from outreach.replies.smtp import Reply, Stage
from outreach.transport.base import Begin, Outcome, Outgoing, Report, Source
from outreach.transport.lanes import side_by_side
from outreach.transport.reach import Reach

#: What a relay says that takes everything.
ACCEPTED = (Stage.BODY, Reply(250, "2.0.0", "queued"))

#: The stage that a message gets to, and the answer there; None: the connection ends without one.
Answer = tuple[Stage, Reply | None]

#: Says how a message fares; raising TransportError means that the relay cannot be reached.
Script = Callable[[Outgoing], Awaitable[Answer]]


class MemoryTransport:
    """Keeps messages in lists, in the order in which their bodies left."""

    def __init__(self, script: Script | None = None, *, lanes: int = 4) -> None:
        self._script = script
        self._lanes = lanes
        #: Messages whose body left.
        self.begun: list[Outgoing] = []
        #: Messages that were accepted.
        self.accepted: list[Outgoing] = []

    async def run(self, source: Source, begin: Begin, report: Report, *, patience: int | None = None) -> None:
        """Send what the source hands out; see `base.Transport.run`."""
        reach = Reach("memory", patience=patience)
        await side_by_side(self._lane(source, begin, report, reach) for _ in range(self._lanes))

    async def send_one(self, outgoing: Outgoing) -> Outcome:
        """Send a single message."""
        stage, reply = await self._fate(outgoing)
        return self._passed(outgoing, stage, reply)

    async def probe(self) -> str:
        """Always there."""
        return "memory"

    async def _lane(self, source: Source, begin: Begin, report: Report, reach: Reach) -> None:
        while True:
            ticket = await reach.passage()
            if not await source.ready():
                return
            # Nothing below has to wait for anything; the others on this loop want their turn too.
            await asyncio.sleep(0)
            outgoing = source.take()
            if outgoing is None:
                continue
            try:
                stage, reply = await self._fate(outgoing)
            except TransportError as error:
                source.give_back(outgoing)
                reach.failed(error, ticket)
                continue
            except asyncio.CancelledError:
                report(Outcome(outgoing.delivery_id, None, Stage.MAIL, "stopped"))
                raise
            reach.succeeded()
            if stage is Stage.BODY and not begin(outgoing):
                report(Outcome(outgoing.delivery_id, None, Stage.DATA, "held back"))
            else:
                report(self._passed(outgoing, stage, reply))

    async def _fate(self, outgoing: Outgoing) -> Answer:
        return ACCEPTED if self._script is None else await self._script(outgoing)

    def _passed(self, outgoing: Outgoing, stage: Stage, reply: Reply | None) -> Outcome:
        if stage is Stage.BODY:
            self.begun.append(outgoing)
            if reply is not None and reply.is_positive:
                self.accepted.append(outgoing)
        return Outcome(outgoing.delivery_id, reply, stage)
