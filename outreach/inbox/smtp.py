"""How does mail come in? A listener for the mail server that passes on what is for us, by SMTP or LMTP (RFC 2033).

It takes a message for an address of ours only, and says yes only when what it asks for is done: a message that
cannot be handled now is refused for now, and comes again.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from outreach.errors import StoreError
from outreach.log import Log

log = Log("outreach.inbox")

#: Bytes of a message that are taken: what comes here is short.
LARGEST = 1_000_000


_NOT_NOW = "451 4.3.0 not now, please try again"


@dataclass(frozen=True)
class Reception:
    """Who is told what comes in; both may be called from several threads at once."""

    #: Whether an address is ours.
    knows: Callable[[str], bool]
    #: Handle a message to one address of ours; raises StoreError where that is not possible now.
    take: Callable[[str, bytes], object]


class Listener:
    """Listens on a socket that is bound already."""

    def __init__(self, reception: Reception, listening: socket.socket, *, lmtp: bool = False) -> None:
        self._reception = reception
        self._listening = listening
        self._server = LMTP if lmtp else SMTP

    async def run(self, stop: asyncio.Event) -> None:
        """Take mail until `stop` is set."""
        # A copy: the loop closes what it was given, and a part that failed starts anew.
        server = await asyncio.get_running_loop().create_server(self._connection, sock=self._listening.dup())
        log.info("inbox_listens", port=self._listening.getsockname()[1])
        async with server:
            await stop.wait()

    def _connection(self) -> SMTP:
        # The name and version of the library are nobody's business.
        return self._server(
            _Handler(self._reception), data_size_limit=LARGEST, ident="outreach", hostname="outreach", timeout=60.0
        )


class _Handler:
    """What aiosmtpd asks."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Yes to what is ours, one at a time: an answer to DATA is for one recipient (RFC 2033, 4.2)."""
        if envelope.rcpt_tos:
            return "452 4.5.3 one recipient at a time"
        if not self._reception.knows(address):
            return "550 5.1.1 no such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Handle it; yes when that is done."""
        data = envelope.content if isinstance(envelope.content, bytes) else b""
        try:
            await asyncio.to_thread(self._reception.take, envelope.rcpt_tos[0], data)
        except StoreError as error:
            log.error("inbox_deferred", why=error.message)
            return _NOT_NOW
        except Exception:  # a fault of ours is no reason to lose what was sent to us
            log.exception("inbox_failed")
            return _NOT_NOW
        return "250 2.0.0 done"
