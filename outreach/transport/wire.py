"""What goes over one connection? Bytes out, replies in, a deadline for the next reply, TLS when asked for.

No stream objects and no task for each reply: replies are handed to a listener as they arrive, since a task switch for
each of the four replies of a message would cost more than the message.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Protocol, cast

from outreach.replies.smtp import GarbledReply, Reply, ReplyReader

SAID_TOO_MUCH = "the server sent more than its answer to STARTTLS"


class Listener(Protocol):
    """Who is told what comes in."""

    def heard(self, reply: Reply) -> None:
        """A reply has arrived."""

    def lost(self, words: str) -> None:
        """The connection has ended; told once, and nothing after it."""


class Wire(asyncio.Protocol):
    """One connection to a relay."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self._loop = asyncio.get_running_loop()
        self._reader = ReplyReader()
        self._transport: asyncio.Transport | None = None
        self._deadline: float | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._why = "the connection was closed"
        #: Done when the connection has ended.
        self.ended: asyncio.Future[None] = self._loop.create_future()

    # -- what the owner does

    def send(self, data: bytes) -> None:
        """Write bytes; where the connection has ended already they go nowhere, and `lost` tells so."""
        if self._transport is not None:
            self._transport.write(data)

    def expect(self, seconds: float | None) -> None:
        """A reply must come within that time, or the connection is given up; None: nothing is awaited."""
        self._deadline = None if seconds is None else self._loop.time() + seconds
        # One timer for many deadlines: it looks, and sets itself anew.
        if self._deadline is not None and (self._alarm is None or self._alarm.when() > self._deadline):
            self._ring_at(self._deadline)

    def drop(self, why: str) -> None:
        """End the connection now; nothing that is still unsent leaves."""
        if self._transport is not None and not self.ended.done():
            self._why = why
            self._transport.abort()

    async def secure(self, context: ssl.SSLContext, host: str, seconds: float) -> None:
        """Turn to TLS (after 220 to STARTTLS); raises OSError where that fails.

        What was said before does not count any more: bytes that came along in plain text are refused, for anybody on
        the way could have added them.
        """
        if self._transport is None or self._reader.has_leftovers:
            raise ConnectionError(SAID_TOO_MUCH)
        secured = await self._loop.start_tls(
            self._transport, self, context, server_hostname=host, ssl_handshake_timeout=seconds
        )
        if secured is None:
            raise ConnectionError("the connection ended while it was being secured")
        self._transport = secured

    @property
    def tls(self) -> str | None:
        """The version of TLS that is spoken, such as ``TLSv1.3``; None in plain text."""
        found: ssl.SSLObject | None = self._transport.get_extra_info("ssl_object") if self._transport else None
        return found.version() if found is not None else None

    @property
    def own_address(self) -> str | None:
        """The address of this end."""
        name = self._transport.get_extra_info("sockname") if self._transport else None
        return str(name[0]) if name else None

    # -- what asyncio tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            for reply in self._reader.feed(data):
                self.listener.heard(reply)
        except GarbledReply as error:
            self.drop(f"the server sent {error}")

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        if self.ended.done():
            return
        if self._alarm is not None:
            self._alarm.cancel()
        if error is not None and not isinstance(error, ConnectionAbortedError):
            self._why = str(error) or type(error).__name__
        self.ended.set_result(None)
        self.listener.lost(self._why)

    def _ring_at(self, when: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.call_at(when, self._rung)

    def _rung(self) -> None:
        self._alarm = None
        if self._deadline is None:
            return
        if self._loop.time() >= self._deadline:
            self.drop("the server did not answer in time")
        else:
            self._ring_at(self._deadline)
