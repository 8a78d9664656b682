"""How do messages reach a relay? Up to N connections, opened as they are needed, each a pipeline of its own."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from outreach.errors import TransportError
from outreach.transport.base import Begin, Outcome, Outgoing, Report, Source
from outreach.transport.handshake import Abilities, Handshake, Timeouts
from outreach.transport.lanes import side_by_side
from outreach.transport.pipeline import Pipeline
from outreach.transport.reach import Reach
from outreach.transport.relay import Relay
from outreach.transport.wire import Wire

#: A connection is given up after so many messages: relays count them, and some drop who sends too many.
MESSAGES_PER_CONNECTION = 500

#: Seconds that a connection is kept open while there is nothing to send.
IDLE_SECONDS = 5.0

#: A connection that is ready for MAIL, and what the relay can do.
Opened = tuple[Wire, Abilities]


class SmtpTransport:
    """Sends to one relay."""

    def __init__(
        self,
        relay: Relay,
        *,
        hello: str | None = None,
        connections: int = 20,
        messages_per_connection: int = MESSAGES_PER_CONNECTION,
        context: ssl.SSLContext | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._relay = relay
        self._connections = connections
        self._most = messages_per_connection
        self._timeouts = timeouts or Timeouts()
        self._handshake = Handshake(relay, hello=hello, timeouts=self._timeouts, context=context)
        self._open = 0

    async def run(self, source: Source, begin: Begin, report: Report, *, patience: int | None = None) -> None:
        """Send what the source hands out; see `base.Transport.run`."""
        await self.work(source, begin, report, Reach(self.place, patience=patience))

    @property
    def place(self) -> str:
        """The relay, for logs."""
        return str(self._relay)

    async def work(self, source: Source, begin: Begin, report: Report, reach: Reach) -> None:
        """Send what the source hands out, as long as the relay can be reached."""
        crew = _Crew(self._handshake, self._timeouts, self._most, reach, self._count)
        await side_by_side(crew.work(source, begin, report) for _ in range(self._connections))

    def connected(self) -> int:
        """How many connections are open now, and have been greeted."""
        return self._open

    def _count(self, more: int) -> None:
        self._open += more

    async def send_one(self, outgoing: Outgoing) -> Outcome:
        """Send a single message on a connection of its own; raises TransportError where the relay cannot be used."""
        outcomes: list[Outcome] = []
        wire, abilities = await self._handshake.connect()
        pipeline = Pipeline(
            wire,
            abilities,
            _Nothing(),
            lambda _: True,
            outcomes.append,
            timeouts=self._timeouts,
            most=1,
            relay=self._relay.name,
        )
        await pipeline.run(outgoing, idle=0)
        if outcomes[0].reply is None and pipeline.fault:
            raise _ended(self._relay, pipeline.fault)
        return outcomes[0]

    async def probe(self) -> str:
        """Connect, greet, secure and log in; one line that says what was found. Raises TransportError."""
        wire, abilities = await self._handshake.connect()
        found = ", ".join([wire.tls or "no TLS", *_spelt(abilities)])
        wire.send(b"QUIT\r\n")
        await asyncio.wait([wire.ended], timeout=self._timeouts.quit)
        wire.drop("done")
        return f"{self._relay}: {found}" + (f"; logged in as {self._relay.user}" if self._relay.user else "")


class _Crew:
    """What the connections of one run share."""

    def __init__(
        self, handshake: Handshake, timeouts: Timeouts, most: int, reach: Reach, count: Callable[[int], None]
    ) -> None:
        self._handshake = handshake
        self._timeouts = timeouts
        self._most = most
        self._reach = reach
        self._count = count
        self._live = 0
        #: Connections in a row that came to nothing while others got through.
        self._alone_failed = 0

    async def work(self, source: Source, begin: Begin, report: Report) -> None:
        """One connection after another, until the source has nothing more."""

        def told(outcome: Outcome) -> None:
            if self._reach.failures and outcome.reply is not None and outcome.reply.code not in {421, 530}:
                self._reach.succeeded()
            report(outcome)

        while True:
            ticket = await self._reach.passage()
            if not await source.ready():
                return
            opened: Opened | None = None
            if self._reach.failures:
                # It was away: a connection comes first, so that no message waits for one in vain.
                try:
                    opened = await self._handshake.connect()
                except TransportError as error:
                    await self._failed(error, ticket)
                    continue
            outgoing = source.take()
            if outgoing is None:
                if opened is not None:
                    opened[0].drop("nothing to send")
                    self._reach.succeeded()
                continue
            failure = await self._connection(outgoing, opened, source, begin, told)
            if failure is None:
                self._alone_failed = 0
            else:
                await self._failed(failure, ticket)

    async def _failed(self, error: TransportError, ticket: int) -> None:
        """A connection came to nothing: the relay is away, or it wants no more connections than it has."""
        if self._live:
            self._alone_failed += 1
            await asyncio.sleep(min(30.0, 0.5 * 2 ** min(self._alone_failed, 10)))
        else:
            self._reach.failed(error, ticket)

    async def _connection(
        self, first: Outgoing, opened: Opened | None, source: Source, begin: Begin, told: Report
    ) -> TransportError | None:
        """The life of one connection; why it came to nothing, or None."""
        try:
            wire, abilities = opened or await self._handshake.connect()
        except TransportError as error:
            source.give_back(first)
            return error
        except BaseException:
            source.give_back(first)
            raise
        relay = self._handshake.relay
        pipeline = Pipeline(
            wire, abilities, source, begin, told, timeouts=self._timeouts, most=self._most, relay=relay.name
        )
        self._live += 1
        self._count(1)
        try:
            await pipeline.run(first, idle=IDLE_SECONDS)
        finally:
            self._live -= 1
            self._count(-1)
        return _ended(relay, pipeline.fault) if pipeline.fault else None


class _Nothing:
    """A source that is dry."""

    def take(self) -> Outgoing | None:
        return None

    def give_back(self, outgoing: Outgoing) -> None:
        raise AssertionError("nothing was taken")

    async def ready(self) -> bool:
        return False


def _ended(relay: Relay, words: str) -> TransportError:
    return TransportError(
        f"The relay {relay} ended the connection: {words.rstrip('.')}.",
        hint="Look at OUTREACH_SMTP_URL and at what the relay's log says.",
    )


def _spelt(abilities: Abilities) -> list[str]:
    size = [f"SIZE {abilities.size}"] if abilities.size else []
    named = {
        "PIPELINING": abilities.pipelining,
        "8BITMIME": abilities.eight_bit,
        "SMTPUTF8": abilities.smtputf8,
    }
    return [keyword for keyword, offered in named.items() if offered] + size
