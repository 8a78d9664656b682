"""Relays for tests: aiosmtpd, with and without PIPELINING, that fails where it is told to; and a source of messages."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from outreach.transport.base import Outcome, Outgoing
from outreach.transport.relay import Relay, Tls

BODY = b"From: news@clinic.example\r\nTo: p@example.org\r\nSubject: Hello\r\n\r\nGood day.\r\n"

#: What a relay does at a step, for a recipient: a reply, "drop", or nothing out of the ordinary.
Plan = Callable[[str, str], str | None]


@dataclass
class Caught:
    """What a relay was given."""

    #: Every command line, in its order.
    commands: list[str] = field(default_factory=list)
    #: recipient, sender, bytes.
    messages: list[tuple[str, str, bytes]] = field(default_factory=list)
    connections: int = 0
    greetings: list[str] = field(default_factory=list)

    @property
    def recipients(self) -> list[str]:
        return [recipient for recipient, _, _ in self.messages]


class _Handler:
    def __init__(self, caught: Caught, keywords: tuple[str, ...]) -> None:
        self._caught = caught
        self._keywords = keywords

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self._caught.greetings.append(hostname)
        session.host_name = hostname
        return [responses[0], *(f"250-{keyword}" for keyword in self._keywords), *responses[1:]]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.original_content, bytes)
        (recipient,) = envelope.rcpt_tos
        self._caught.messages.append((recipient, envelope.mail_from or "", envelope.original_content))
        answer = server.planned("end", recipient)  # type: ignore[attr-defined]
        if answer == "drop":
            server.transport.abort()
        return answer if answer and answer != "drop" else "250 2.0.0 queued"


class FaultyRelay(SMTP):
    """aiosmtpd that answers as the plan says."""

    def __init__(self, caught: Caught, plan: Plan, keywords: tuple[str, ...], **options: Any) -> None:
        super().__init__(_Handler(caught, keywords), hostname="relay.example", ident="test", **options)
        self._caught = caught
        self._plan = plan
        caught.connections += 1

    def planned(self, step: str, recipient: str | None = None) -> str | None:
        known = recipient or (self.envelope.rcpt_tos[0] if self.envelope and self.envelope.rcpt_tos else "")
        return self._plan(step, known)

    async def _or(self, step: str, recipient: str, usual: Callable[[], Any]) -> None:
        answer = self.planned(step, recipient)
        if answer is None:
            await usual()
        elif answer == "drop":
            self.transport.abort()
        else:
            await self.push(answer)
            if answer.startswith("421"):
                self.transport.close()

    async def smtp_MAIL(self, arg: str) -> None:  # noqa: N802
        self._caught.commands.append(f"MAIL {arg}")
        await self._or("mail", "", lambda: SMTP.smtp_MAIL(self, arg))

    async def smtp_RCPT(self, arg: str) -> None:  # noqa: N802
        self._caught.commands.append(f"RCPT {arg}")
        await self._or("rcpt", arg[4:-1], lambda: SMTP.smtp_RCPT(self, arg))

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        self._caught.commands.append("DATA")
        await self._or("data", "", lambda: SMTP.smtp_DATA(self, arg))

    async def smtp_RSET(self, arg: str) -> None:  # noqa: N802
        self._caught.commands.append("RSET")
        await super().smtp_RSET(arg)

    async def smtp_QUIT(self, arg: str) -> None:  # noqa: N802
        self._caught.commands.append("QUIT")
        await super().smtp_QUIT(arg)


@asynccontextmanager
async def relay(
    plan: Plan = lambda step, recipient: None,
    *,
    pipelining: bool = True,
    context: ssl.SSLContext | None = None,
    implicit: bool = False,
    login: tuple[str, str] | None = None,
    **options: Any,
) -> AsyncIterator[tuple[int, Caught]]:
    """An aiosmtpd on a free port; the port, and what it catches."""
    caught = Caught()
    keywords = ("PIPELINING",) if pipelining else ()
    if login is not None:

        def authenticate(
            server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
        ) -> AuthResult:
            assert isinstance(data, LoginPassword)
            right = (data.login.decode(), data.password.decode()) == login
            return AuthResult(success=right, handled=right)

        options.update(authenticator=authenticate, auth_required=True)

    made: list[SMTP] = []

    def make() -> SMTP:
        tls = None if implicit else context
        made.append(FaultyRelay(caught, plan, keywords, tls_context=tls, enable_SMTPUTF8=True, **options))
        return made[-1]

    loop = asyncio.get_running_loop()
    server = await loop.create_server(make, "127.0.0.1", 0, ssl=context if implicit else None)
    try:
        yield server.sockets[0].getsockname()[1], caught
    finally:
        server.close()
        await closed(connection.transport for connection in made)


async def closed(transports: Iterable[asyncio.BaseTransport | None]) -> None:
    """End a server's connections, and let the loop see to it before it is closed itself."""
    for transport in transports:
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()
    for _ in range(3):
        await asyncio.sleep(0)


class Stock:
    """A source with a fixed number of messages."""

    def __init__(self, messages: Iterable[Outgoing]) -> None:
        self.left = deque(messages)
        self.outcomes: list[Outcome] = []
        self.begun: list[int] = []
        self.held_back: set[int] = set()

    def take(self) -> Outgoing | None:
        return self.left.popleft() if self.left else None

    def give_back(self, outgoing: Outgoing) -> None:
        self.left.appendleft(outgoing)

    async def ready(self) -> bool:
        return bool(self.left)

    def begin(self, outgoing: Outgoing) -> bool:
        self.begun.append(outgoing.delivery_id)
        return outgoing.delivery_id not in self.held_back

    def answers(self) -> dict[int, str]:
        """delivery -> stage and code, such as ``rcpt 550``, or ``body -``."""
        assert len(self.outcomes) == len({outcome.delivery_id for outcome in self.outcomes}), "reported twice"
        return {
            outcome.delivery_id: f"{outcome.stage} {outcome.reply.code if outcome.reply else '-'}"
            for outcome in sorted(self.outcomes, key=lambda outcome: outcome.delivery_id)
        }


def letters(count: int, **changes: Any) -> list[Outgoing]:
    """That many messages, to p1@example.org and so on."""
    return [letter(number, **changes) for number in range(1, count + 1)]


def letter(number: int = 1, *, message: bytes = BODY, recipient: str | None = None, **more: Any) -> Outgoing:
    """One message."""
    return Outgoing(number, "bounces@clinic.example", recipient or f"p{number}@example.org", message, **more)


def at(port: int, tls: Tls = Tls.OFF, user: str | None = None, password: str | None = None) -> Relay:
    """The relay on a port of this machine."""
    return Relay("localhost" if tls in {Tls.REQUIRED, Tls.IMPLICIT} else "127.0.0.1", port, tls, user, password)
