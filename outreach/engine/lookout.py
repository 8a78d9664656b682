"""What does a sender look at now and then? Whether campaigns still send, which senders died, what is finished."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from outreach.engine import replay
from outreach.engine.aside import Aside
from outreach.engine.desk import Desk, utc_now
from outreach.engine.ledger import Ledger
from outreach.engine.options import SenderOptions
from outreach.engine.watermark import Watermark
from outreach.errors import StoreError
from outreach.log import Log
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState
from outreach.store.slowdowns import Change
from outreach.store.tempo import Tidings

log = Log("outreach.sender")

#: How often it is looked whether campaigns still send, and whether one is finished.
WATCH_SECONDS = 0.4
#: How often claims of senders that did not come back are looked for.
EXPIRE_SECONDS = 10.0
#: Told the tallies now and then while a campaign is drained.
Progress = Callable[[Mapping[DeliveryState, int]], object]


class Lookout:
    """Looks for one sender, between two of its rounds."""

    def __init__(
        self,
        store: Store,
        aside: Aside,
        ledger: Ledger,
        desk: Desk,
        options: SenderOptions,
        *,
        only: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._store = store
        self._aside = aside
        self._ledger = ledger
        self._desk = desk
        self._options = options
        self._watermark = options.watermark or Watermark(store, None)
        self._only = only
        self._progress = progress or (lambda _: None)
        self._sending: set[int] = set()
        #: Whether something was claimed that the watermark does not show yet.
        self._risen = False
        self._look_at = self._expire_at = 0.0
        #: Whether the one campaign is drained.
        self.done = False

    async def require(self) -> None:
        """Look whether the database is no older than this host remembers; raises StoreError."""
        await self._aside(self._watermark.require)

    async def replay(self) -> None:
        """Take over what dead senders of this host left behind; their journals know more than their leases."""
        folder, plan = self._options.journals, self._options.plan
        await self._aside(partial(replay.dead_senders, self._store, folder, plan=plan, now=utc_now()))

    def claimed(self) -> None:
        """Something was claimed."""
        self._risen = True

    def hurry(self) -> None:
        """Look with the next round: it seems that the campaign is through."""
        self._look_at = 0.0

    async def look(self, now: float, *, all_settled: bool) -> None:
        """Let pause and cancel take effect, close what is finished, look for claims that nobody comes back to.

        Does nothing before its time. `all_settled`: nothing waits to be written down.
        """
        if now < self._look_at:
            return
        desk, aside = self._desk, self._aside
        await self.require()
        self._look_at = now + WATCH_SECONDS
        await aside(self._ledger.stop, self._options.stop, utc_now())
        self._sending = await aside(self._ledger.sending)
        desk.bar(desk.campaigns - self._sending)
        desk.notes.watch(await aside(self._ledger.look_at_pace))
        if self._risen:
            self._risen = False
            await aside(self._watermark.rise)
        if now >= self._expire_at:
            self._expire_at = now + EXPIRE_SECONDS
            await self._expire(now)
        await self._finish()
        if self._only is not None:
            await self._look_whether_drained(self._only, all_settled=all_settled)

    async def end(self) -> None:
        """When the last page is written; a database that is away is left alone."""
        if self._risen:
            with suppress(StoreError):
                await self._aside(self._watermark.rise)
        if self._only is not None:
            with suppress(StoreError):
                await self._aside(self._ledger.finish, [self._only], utc_now())

    async def _expire(self, now: float) -> None:
        await self.replay()
        await self._aside(self._ledger.expire, utc_now(), now)
        for change in await self._aside(self._ledger.forget_slowdowns):
            tell_pace(change)

    async def _finish(self) -> None:
        quiet = sorted(self._sending - self._desk.campaigns)
        if quiet:
            for campaign_id in await self._aside(self._ledger.finish, quiet, utc_now()):
                log.info("campaign_finished", campaign=campaign_id)
                self._sending.discard(campaign_id)

    async def _look_whether_drained(self, campaign_id: int, *, all_settled: bool) -> None:
        tallies = await self._aside(self._ledger.tallies, campaign_id)
        self._progress(tallies)
        waiting = tallies[DeliveryState.QUEUED] + tallies[DeliveryState.CLAIMED]
        if not self._desk.is_empty or not all_settled:
            return
        if not waiting or campaign_id not in self._sending:
            self.done = True
        elif not tallies[DeliveryState.CLAIMED]:
            ways = self._options.ways
            glanced = Tidings() if ways is None else Tidings(ways=ways.in_use())
            held = await self._aside(self._ledger.held_until, campaign_id, glanced)
            self.done = held is not None and self._desk.is_empty


def tell_pace(change: Change) -> None:
    """Log how the pace of a provider has changed."""
    if change.rate is None:
        log.info("provider_recovered", provider=change.provider)
    elif change.before is None or change.rate < change.before:
        log.warning("provider_slowed", provider=change.provider, per_second=f"{change.rate:.3g}")
