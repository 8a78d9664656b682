"""The same witness over aiosmtpd: slower, and written by others who know SMTP, which is what it is here for."""

from __future__ import annotations

import asyncio
from multiprocessing.connection import Connection
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.crash.faults import Plan, Stage
from tests.crash.witness import Book, message_id, serving


class _Handler:
    async def handle_EHLO(  # noqa: N802
        self, server: Relay, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        server.write_down(f"C {server.number} {hostname}")
        return [responses[0], "250-PIPELINING", *responses[1:]]

    async def handle_RCPT(  # noqa: N802
        self, server: Relay, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refused = server.refusal(envelope, address, Stage.RCPT)
        if not refused:
            envelope.rcpt_tos.append(address)
        return refused or "250 2.1.5 Ok"

    async def handle_DATA(self, server: Relay, session: Session, envelope: Envelope) -> str:  # noqa: N802
        (recipient,) = envelope.rcpt_tos
        # When its first byte arrives aiosmtpd does not tell; here it is on record when it is whole.
        server.write_down(f"B {server.number} {_token(envelope)} {recipient}")
        refused = server.refusal(envelope, recipient, Stage.END)
        if refused:
            return refused
        assert isinstance(envelope.original_content, bytes)
        named = message_id(envelope.original_content)
        server.write_down(f"A {server.number} {_token(envelope)} {recipient} {named}")
        return "250 2.0.0 accepted"


class Relay(SMTP):
    """One connection."""

    def __init__(self, book: Book) -> None:
        super().__init__(_Handler(), hostname="relay.example", ident="witness")
        self._book = book
        book.connections += 1
        self.number = book.connections

    def write_down(self, line: str) -> None:
        self._book.writer.add([line])

    def refusal(self, envelope: Envelope, recipient: str, stage: Stage) -> str | None:
        token = _token(envelope)
        refused = self._book.refusal(token, recipient, stage)
        if refused:
            self.write_down(f"R {self.number} {token} {recipient} {refused[:3]}")
        return refused

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._book.living.add(transport)
        self._made = transport
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._book.living.discard(self._made)
        self.write_down(f"X {self.number}")
        super().connection_lost(error)


def serve(record: Path, control: Connection, plan: Plan | None, refuses: bool, port: int) -> None:
    """As `witness.serve`; connections fail only where the relay is taken away."""
    assert plan is None, "aiosmtpd fails no connection on purpose"
    book = Book(record, None, refuses=refuses)
    asyncio.run(serving(book, control, port, lambda: Relay(book)))


def _token(envelope: Envelope) -> str:
    return (envelope.mail_from or "").partition("@")[0].partition("+")[2]
