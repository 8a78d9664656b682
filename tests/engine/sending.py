"""A sender over a real SQLite and a transport that is told what happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from outreach.engine.sender import Sender, SenderOptions
from outreach.message.compiled import Compiled, Field, Piece
from outreach.message.slots import Context, Slot, Value
from outreach.store import campaigns
from outreach.store.database import Store
from outreach.tracking.keys import KeyRing
from outreach.tracking.token import TokenMaker
from outreach.transport.base import Transport
from outreach.transport.memory import MemoryTransport
from tests.store import crowd

TOKENS = TokenMaker(KeyRing(b"0123456789abcdef0123456789abcdef"))
OPTIONS = SenderOptions(public_url="https://clinic.example")


def compiled(*more: Piece) -> bytes:
    """A small compiled campaign that greets by name."""
    pieces: tuple[Piece, ...] = (
        b"From: Clinic News <news@clinic.example>\r\n",
        Field.TO,
        Field.MESSAGE_ID,
        Field.LIST_UNSUBSCRIBE,
        b"Subject: Hello\r\n\r\nGood day, ",
        Slot(Value(("name",), "reader"), Context.TEXT),
        b"=\r\n.\r\n",
        *more,
    )
    return Compiled(links=(), required=frozenset(), size_bound=1000, pieces=pieces).to_bytes()


def campaign(store: Store, now: datetime, people: int, *, name: str = "spring", data: bytes | None = None) -> int:
    """A campaign that is sending to that many people; its number."""
    number = crowd.made_campaign(store, now, crowd.made_list(store, now, people, name=f"of-{name}"), name=name)
    with store.writing() as session:
        campaigns.store_compiled(session, number, compiled() if data is None else data)
    return number


def sender(store: Store, transport: Transport | None = None, **options: Any) -> Sender:
    """A sender with the usual options."""
    chosen = {"public_url": "https://clinic.example", **options}
    return Sender(store, transport or MemoryTransport(), TOKENS, SenderOptions(**chosen))


def drained(store: Store, number: int, transport: Transport | None = None, **options: Any) -> dict[str, int]:
    """The tallies that are not zero, after a campaign was drained."""

    async def main() -> None:
        async with asyncio.timeout(30):
            await sender(store, transport, **options).drain(number)

    asyncio.run(main())
    return crowd.told(store, number)


@asynccontextmanager
async def running(store: Store, transport: Transport, **options: Any) -> AsyncIterator[asyncio.Event]:
    """A sender at work beside the test; the event stops it, and it is waited for."""
    stop = asyncio.Event()
    task = asyncio.create_task(sender(store, transport, **options).run(stop))
    try:
        async with asyncio.timeout(30):
            yield stop
    finally:
        stop.set()
        async with asyncio.timeout(10):
            await task


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds that other tasks and the store bring about; the test's timeout ends a vain wait."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
