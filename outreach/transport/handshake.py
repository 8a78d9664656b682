"""How does a connection become one that messages can leave by? Greeting, EHLO, TLS, login (RFC 5321, 3207, 4954)."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import os
import re
import ssl
from collections import deque
from dataclasses import dataclass, field
from functools import cached_property

from outreach.errors import TransportError
from outreach.replies.smtp import Reply
from outreach.transport.relay import Relay, Tls
from outreach.transport.wire import SAID_TOO_MUCH, Wire


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a relay may take, in seconds (RFC 5321 4.5.3.2)."""

    connect: float = 30
    tls: float = 60
    greeting: float = 300
    #: EHLO, STARTTLS and AUTH.
    command: float = 300
    mail: float = 300
    rcpt: float = 300
    data: float = 120
    #: From the last byte of the body to the answer.
    body: float = 600
    quit: float = 3


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the relay said in its answer to EHLO."""

    pipelining: bool = False
    eight_bit: bool = False
    smtputf8: bool = False
    starttls: bool = False
    #: SIZE was offered; 0 is no limit.
    size: int | None = None
    #: The ways to log in.
    logins: frozenset[str] = frozenset()

    @classmethod
    def of(cls, reply: Reply) -> Abilities:
        """From the answer to EHLO, whose first line is a greeting; nothing from the one to HELO."""
        offered: dict[str, list[str]] = {}
        for line in reply.text.split("\n")[1:]:
            keyword, _, values = line.replace("=", " ", 1).partition(" ")
            offered.setdefault(keyword.upper(), values.upper().split())
        size = offered.get("SIZE")
        return cls(
            pipelining="PIPELINING" in offered,
            eight_bit="8BITMIME" in offered,
            smtputf8="SMTPUTF8" in offered,
            starttls="STARTTLS" in offered,
            size=None if size is None else int(size[0]) if size and size[0].isdigit() else 0,
            logins=frozenset(offered.get("AUTH", [])),
        )


class _Talk:
    """Question and answer, one at a time."""

    def __init__(self) -> None:
        self._heard: deque[Reply] = deque()
        self._lost: str | None = None
        self._waiter: asyncio.Future[None] | None = None

    def heard(self, reply: Reply) -> None:
        self._heard.append(reply)
        self._wake()

    def lost(self, words: str) -> None:
        self._lost = words
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def require_silence(self) -> None:
        """Raise ConnectionError where more was said than was asked."""
        if self._heard:
            raise ConnectionError(SAID_TOO_MUCH)

    async def answer(self) -> Reply:
        """The next reply; raises ConnectionError where the connection ends without one."""
        while not self._heard:
            if self._lost is not None:
                raise ConnectionError(self._lost)
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._heard.popleft()


@dataclass(frozen=True)
class Handshake:
    """What it takes to open connections to one relay."""

    relay: Relay
    #: The name that we greet with; None greets with the connection's own address as a literal.
    hello: str | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)
    #: Trust for verified TLS; None takes the system's.
    context: ssl.SSLContext | None = None

    async def connect(self) -> tuple[Wire, Abilities]:
        """A connection that is ready for MAIL, and what the relay can do; raises TransportError."""
        try:
            return await self._opened(starttls=self.relay.tls is not Tls.OFF)
        except _TlsFailed as error:
            if self.relay.tls is not Tls.OPPORTUNISTIC:
                raise _unreachable(self.relay, f"TLS failed: {_words(error.__cause__ or error)}") from error
        # Opportunistic: a relay whose TLS does not work is spoken to as one that has none.
        try:
            return await self._opened(starttls=False)
        except _TlsFailed as error:  # pragma: no cover - nothing is secured without STARTTLS
            raise _unreachable(self.relay, _words(error)) from error

    async def _opened(self, *, starttls: bool) -> tuple[Wire, Abilities]:
        wire, talk = await self._dial()
        try:
            await self._welcomed(wire, talk)
            abilities = await self._greeted(wire, talk)
            if starttls and self.relay.tls is not Tls.IMPLICIT:
                abilities = await self._secured(wire, talk, abilities)
            if self.relay.user is not None:
                await self._logged_in(wire, talk, abilities)
        except OSError as error:
            wire.drop("the handshake failed")
            raise _unreachable(self.relay, _words(error)) from error
        except BaseException:
            wire.drop("the handshake failed")
            raise
        return wire, abilities

    async def _dial(self) -> tuple[Wire, _Talk]:
        talk = _Talk()
        implicit = self.relay.tls is Tls.IMPLICIT
        seconds = self.timeouts.connect + (self.timeouts.tls if implicit else 0)
        try:
            async with asyncio.timeout(seconds):
                _, wire = await asyncio.get_running_loop().create_connection(
                    lambda: Wire(talk),
                    self.relay.host,
                    self.relay.port,
                    ssl=self._trust if implicit else None,
                    server_hostname=self.relay.host if implicit else None,
                    happy_eyeballs_delay=0.25,
                )
        except TimeoutError as error:
            raise _unreachable(self.relay, f"no answer within {seconds:.0f} s") from error
        except OSError as error:
            raise _unreachable(self.relay, _words(error)) from error
        return wire, talk

    async def _welcomed(self, wire: Wire, talk: _Talk) -> None:
        wire.expect(self.timeouts.greeting)
        greeting = await talk.answer()
        if greeting.code != 220:
            raise TransportError(f"The relay {self.relay} does not want us now: {greeting}.")

    async def _greeted(self, wire: Wire, talk: _Talk) -> Abilities:
        name = self.hello or _literal(wire.own_address)
        reply = await self._ask(wire, talk, f"EHLO {name}")
        if reply.is_positive:
            return Abilities.of(reply)
        if reply.is_permanent:
            reply = await self._ask(wire, talk, f"HELO {name}")
            if reply.is_positive:
                return Abilities()
        raise TransportError(f"The relay {self.relay} refused our greeting: {reply}.")

    async def _secured(self, wire: Wire, talk: _Talk, abilities: Abilities) -> Abilities:
        reply = await self._ask(wire, talk, "STARTTLS") if abilities.starttls else None
        if reply is None or reply.code != 220:
            if self.relay.tls is Tls.OPPORTUNISTIC:
                return abilities
            said = f"answered STARTTLS with {reply}" if reply else "offers no TLS"
            raise TransportError(
                f"The relay {self.relay} {said}, and nothing is sent without it.",
                hint="Use another port, or ?tls=off in OUTREACH_SMTP_URL where the way to the relay is safe.",
            )
        wire.expect(None)
        try:
            talk.require_silence()
            await wire.secure(self._trust, self.relay.host, self.timeouts.tls)
        except OSError as error:
            raise _TlsFailed from error
        # What EHLO said in plain text is forgotten: anybody on the way could have written it.
        return await self._greeted(wire, talk)

    async def _logged_in(self, wire: Wire, talk: _Talk, abilities: Abilities) -> None:
        user, password = self.relay.user or "", self.relay.password or ""
        if wire.tls is None and not _is_loopback(wire):
            raise TransportError(f"No password is sent to {self.relay} in plain text.", hint="Use ?tls=required.")
        if "PLAIN" in abilities.logins:
            reply = await self._ask(wire, talk, f"AUTH PLAIN {_encoded(f'{chr(0)}{user}{chr(0)}{password}')}")
        elif "LOGIN" in abilities.logins:
            reply = await self._ask(wire, talk, "AUTH LOGIN")
            for secret in (user, password):
                if reply.code == 334:
                    reply = await self._ask(wire, talk, _encoded(secret))
        else:
            offered = ", ".join(sorted(abilities.logins)) or "none"
            raise TransportError(f"The relay {self.relay} offers no login that we know (PLAIN, LOGIN): {offered}.")
        if reply.code != 235:
            raise TransportError(
                f"The relay {self.relay} refused the login: {reply}.",
                hint="Look at user and password in OUTREACH_SMTP_URL.",
            )

    async def _ask(self, wire: Wire, talk: _Talk, line: str) -> Reply:
        wire.send(f"{line}\r\n".encode())
        wire.expect(self.timeouts.command)
        return await talk.answer()

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        # Made once: to read the system's certificates takes longer than a handshake.
        if self.relay.tls is not Tls.OPPORTUNISTIC:
            return self.context or ssl.create_default_context()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context


class _TlsFailed(Exception):
    """The connection could not be secured."""


def _unreachable(relay: Relay, words: str) -> TransportError:
    return TransportError(
        f"The relay {relay} cannot be used: {words.rstrip('.')}.",
        hint="Look at OUTREACH_SMTP_URL and whether the relay runs; `outreach doctor` looks closer.",
    )


def _words(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or error})"
    # asyncio says "Connect call failed", and joins what several addresses of one host said.
    numbers = dict.fromkeys(re.findall(r"\[Errno (\d+)\]", str(error)))
    told = ", ".join(os.strerror(int(number)) for number in numbers)
    return told or getattr(error, "strerror", None) or str(error) or type(error).__name__


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _literal(address: str | None) -> str:
    """The address literal that stands for a host without a name (RFC 5321 4.1.3)."""
    found = ipaddress.ip_address((address or "127.0.0.1").split("%")[0])
    return f"[IPv6:{found}]" if found.version == 6 else f"[{found}]"


def _is_loopback(wire: Wire) -> bool:
    return ipaddress.ip_address((wire.own_address or "0.0.0.0").split("%")[0]).is_loopback  # noqa: S104
