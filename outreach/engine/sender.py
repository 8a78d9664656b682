"""Who sends? A sender, for as long as it is wanted, or until one campaign is through; `shift` says how it works."""

from __future__ import annotations

import asyncio

from outreach import memory
from outreach.engine.lookout import Progress
from outreach.engine.options import SenderOptions
from outreach.engine.shift import Shift
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState
from outreach.tracking.token import TokenMaker
from outreach.transport.base import Transport

__all__ = ["Sender", "SenderOptions"]

#: How many attempts at the relay fail before `drain` gives up.
PATIENCE = 4


class Sender:
    """Sends what is queued, of all campaigns or of one."""

    def __init__(self, store: Store, transport: Transport, tokens: TokenMaker, options: SenderOptions) -> None:
        self._store = store
        self._transport = transport
        self._tokens = tokens
        self._options = options
        memory.settle()

    async def run(self, stop: asyncio.Event) -> None:
        """Send whatever falls due until `stop` is set; then what is on its way ends, and the rest is given back.

        A relay or a database that is away is waited for, however long it takes.
        """
        await Shift(self._store, self._transport, self._tokens, self._options).work(stop)

    async def drain(
        self, campaign_id: int, progress: Progress | None = None, *, stop: asyncio.Event | None = None
    ) -> dict[DeliveryState, int]:
        """Send one campaign until only deferred deliveries remain, or it is paused or cancelled; its tallies then.

        Raises TransportError when the relay cannot be reached: what had not left is queued again. Cancelling it ends
        it in the same orderly way as `stop`.
        """
        shift = Shift(self._store, self._transport, self._tokens, self._options, only=campaign_id, progress=progress)
        return await shift.work(stop or asyncio.Event(), patience=PATIENCE)
