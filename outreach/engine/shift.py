"""How do claimed deliveries leave, and how is it written down? Claim, splice, send, settle, over and over.

The transport runs in the event loop, the store in one thread beside it, and between them stands the desk. Outcomes are
committed about every 40 ms, together with the next claim; what happens in between is on record in the journal. What
cannot be written down is not sent: while the database is away, or the journal has no room, no body begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from outreach.engine import replay
from outreach.engine.desk import Desk, boot_clock, utc_now
from outreach.engine.journal import Journal
from outreach.engine.ledger import Ledger, Turn
from outreach.engine.letters import Letters
from outreach.engine.options import SenderOptions
from outreach.engine.record import Record
from outreach.engine.watermark import Watermark
from outreach.errors import StoreError
from outreach.log import Log
from outreach.store.claims import LARGEST
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState
from outreach.store.settlements import Result
from outreach.store.slowdowns import Change
from outreach.store.tempo import Tidings
from outreach.tracking.token import TokenMaker
from outreach.transport.base import Outcome, Transport

log = Log("outreach.sender")

T = TypeVar("T")

#: Seconds between two transactions while there is work, and between two looks at an empty queue.
BATCH_SECONDS = 0.04
IDLE_SECONDS = 0.2
#: How often it is looked whether campaigns still send, and whether one is finished.
WATCH_SECONDS = 0.4
#: How often claims of senders that did not come back are looked for.
EXPIRE_SECONDS = 10.0
#: How long what is on its way may take to end when the sender is to stop.
GRACE_SECONDS = 7.0
#: The longest wait before a database that is away is tried again.
LONGEST_PAUSE = 5.0
#: Told the tallies now and then while a campaign is drained.
Progress = Callable[[Mapping[DeliveryState, int]], object]


class Shift:
    """One stretch of work: from its start until it is told to stop, or has nothing more to do."""

    def __init__(
        self,
        store: Store,
        transport: Transport,
        tokens: TokenMaker,
        options: SenderOptions,
        *,
        only: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        letters = Letters(
            tokens,
            options.public_url,
            return_path=options.return_path,
            leave_by_mail=options.leave_by_mail,
            handle=options.handle,
            sign=options.sign,
        )
        self._store = store
        self._transport = transport
        self._options = options
        self._ledger = Ledger(store, letters, lease=options.lease, only=only, limits=options.limits)
        self._desk = Desk(letters, plan=options.plan)
        self._watermark = options.watermark or Watermark(store, None)
        self._lease = options.lease.total_seconds()
        self._stop_rule = options.stop
        self._watch_me = options.watch
        self._only = only
        self._progress = progress or (lambda _: None)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outreach-store")
        self._unsettled: list[Result] = []
        self._sending: set[int] = set()
        self._under_way: asyncio.Future[Turn] | None = None
        self._record = Record(Journal(None))
        #: Whether something was claimed that the watermark does not show yet.
        self._risen = False
        self._troubles = 0
        self._found = True
        #: Whether the last claim got all that it asked for.
        self._plenty = False
        self._look_at = self._watch_at = self._expire_at = self._renew_at = 0.0
        self._done = False

    async def work(self, stop: asyncio.Event, *, patience: int | None = None) -> dict[DeliveryState, int]:
        """Send until `stop`, or until the one campaign is drained.

        Raises StoreError where it cannot even begin: the database is away, or older than this host remembers, or there
        is no room for a journal.
        """
        desk = self._desk
        stopped = asyncio.create_task(stop.wait())
        try:
            await self._begin(stopped, waits=patience is None)
        except BaseException:
            stopped.cancel()
            self._record.close()
            self._thread.shutdown(wait=False)
            raise
        leaving = asyncio.create_task(self._transport.run(desk, desk.begin, self._report, patience=patience))
        try:
            while not (self._done or stopped.done() or leaving.done()):
                await self._pause(stopped, leaving)
                await self._keep_books(stopped)
        finally:
            stopped.cancel()
            try:
                await self._leave(leaving)
            finally:
                self._record.close()
                self._thread.shutdown(wait=False, cancel_futures=True)
        if not leaving.cancelled():
            leaving.result()
        return {} if self._only is None else self._ledger.tallies(self._only)

    def _report(self, outcome: Outcome) -> None:
        self._watch_me.answered(outcome)
        self._desk.report(outcome)

    async def _begin(self, stopped: asyncio.Task[Any], *, waits: bool) -> None:
        """See to what has to be right before anything is claimed; raises StoreError, or waits until it is."""
        while not stopped.done():
            try:
                await self._in_thread(self._watermark.require)
                installation = await self._in_thread(self._ledger.installation)
                self._record = Record(Journal(self._options.journals, installation))
                self._record.require_room()
                await self._replay()
            except StoreError as error:
                if not waits:
                    raise
                await self._books_closed(stopped, error)
            else:
                self._troubles = 0
                return

    # -- one round

    async def _pause(self, *ends: asyncio.Task[Any]) -> None:
        """Wait until there is something to do, and a little longer, so that it is worth a commit."""
        desk = self._desk
        activity = asyncio.create_task(desk.activity.wait())
        # A sender at full speed is through with what it holds sooner than a batch takes, and need not wait for it.
        pressing = asyncio.create_task(desk.pressing.wait())
        try:
            await asyncio.wait([activity, *ends], timeout=IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            hurry = desk.pending >= LARGEST or (desk.is_hungry and self._found)
            if not hurry and not any(end.done() for end in ends):
                early = (pressing,) if self._plenty else ()
                await asyncio.wait((*early, *ends), timeout=BATCH_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            activity.cancel()
            pressing.cancel()
        desk.activity.clear()
        desk.pressing.clear()

    async def _keep_books(self, stopped: asyncio.Task[Any]) -> None:
        """One round; while the database is away, the same round again."""
        while not stopped.done():
            try:
                await self._round()
            except StoreError as error:
                await self._books_closed(stopped, error)
                continue
            self._watch_me.pulse.beat()
            self._watch_me.books_open = True
            if self._desk.held:
                log.warning("books_open_again")
                self._desk.resume()
            return

    async def _books_closed(self, stopped: asyncio.Task[Any], error: StoreError) -> None:
        """Nothing leaves until the books are kept again; told once."""
        if not self._desk.held:
            log.error("books_closed", why=error.message)
        self._desk.held = True
        self._troubles += 1
        self._watch_me.books_open = False
        self._watch_me.pulse.beat()
        await asyncio.wait([stopped], timeout=min(LONGEST_PAUSE, 0.25 * 2 ** min(self._troubles, 10)))

    async def _round(self) -> None:
        desk, now = self._desk, boot_clock()
        desk.sweep()
        self._watch_me.holds(desk.oldest_claim)
        if now >= self._watch_at:
            await self._watch(now)
        limit = self._record.open(await self._claim_limit(now))
        self._unsettled += desk.results()
        renew = self._leases_to_renew(now)
        if self._unsettled or renew or limit:
            await self._turn(limit, renew, now)
        if self._record.trouble is not None:
            raise self._record.trouble

    async def _turn(self, limit: int, renew: Mapping[int, str], now: float) -> None:
        token, tidings = self._record.token, self._tidings()
        # Shielded: were we cancelled here, the rows that it claims would be in nobody's hands.
        self._under_way = asyncio.ensure_future(
            self._in_thread(
                self._ledger.turn, self._unsettled, limit, utc_now(), token=token, renew=renew, tidings=tidings
            )
        )
        try:
            turn = await asyncio.shield(self._under_way)
        except StoreError:
            self._desk.notes.put_back(tidings.answers)
            self._under_way = None
            self._record.doubt()
            raise
        self._watch_me.turned(self._unsettled, boot_clock() - now)
        self._take_over(turn, now)
        if limit:
            self._found, self._plenty = turn.more, len(turn.claimed) == limit
            self._look_at = now + IDLE_SECONDS

    def _tidings(self) -> Tidings:
        """What the books are to know beside the results."""
        answers, ways = self._desk.notes.taken(), self._options.ways
        return Tidings(answers) if ways is None else Tidings(answers, ways.in_use(), ways.unused())

    def _take_over(self, turn: Turn, asked: float) -> None:
        """What a turn brought is ours, what it wrote down is done with."""
        self._under_way = None
        self._risen = self._risen or bool(turn.claimed)
        page = self._record.taken()
        lost = len(self._unsettled) - turn.settled
        if lost > 0:
            log.warning("claims_lost", deliveries=lost, why="their lease had run out")
        if self._unsettled or turn.claimed:
            self._troubles = 0
        self._desk.settled(self._unsettled)
        self._unsettled = []
        # Somewhat less than the database says, for what lies between the word and the last byte.
        safe = self._lease * 0.8
        self._desk.renewed(turn.renewed, asked=asked, seconds=safe)
        if page is not None:
            self._desk.put(turn.claimed, page, asked=asked, seconds=safe, at=turn.at)
        self._keep_pace(turn)
        if self._only is not None and self._desk.is_empty and not self._found:
            # Through, as it seems: no need to wait for the next look.
            self._watch_at = 0.0

    def _keep_pace(self, turn: Turn) -> None:
        """What a turn says about relays and providers."""
        if turn.at is not None and self._options.ways is not None:
            for name, waits in turn.permits.items():
                self._options.ways.permit(name, [turn.at + wait for wait in waits])
        for change in turn.changes:
            _tell_pace(change)

    async def _claim_limit(self, now: float) -> int:
        """How many to claim; where the last look found nothing, a look that takes no lock comes first."""
        room = self._desk.room()
        if not room or self._found or now < self._look_at:
            return room if self._found else 0
        self._look_at = now + IDLE_SECONDS
        return room if await self._in_thread(self._ledger.claimable, utc_now(), self._glanced()) else 0

    def _glanced(self) -> Tidings:
        ways = self._options.ways
        return Tidings() if ways is None else Tidings(ways=ways.in_use())

    def _leases_to_renew(self, now: float) -> Mapping[int, str]:
        if now < self._renew_at:
            return {}
        self._renew_at = now + self._lease / 4
        return self._desk.on_their_way()

    # -- now and then

    async def _watch(self, now: float) -> None:
        """Let pause and cancel take effect, close what is finished, look for claims that nobody comes back to."""
        desk = self._desk
        await self._in_thread(self._watermark.require)
        self._watch_at = now + WATCH_SECONDS
        await self._in_thread(self._ledger.stop, self._stop_rule, utc_now())
        self._sending = await self._in_thread(self._ledger.sending)
        desk.bar(desk.campaigns - self._sending)
        desk.notes.watch(await self._in_thread(self._ledger.look_at_pace))
        if self._risen:
            self._risen = False
            await self._in_thread(self._watermark.rise)
        if now >= self._expire_at:
            self._expire_at = now + EXPIRE_SECONDS
            await self._replay()
            await self._in_thread(self._ledger.expire, utc_now(), now)
            for change in await self._in_thread(self._ledger.forget_slowdowns):
                _tell_pace(change)
        quiet = sorted(self._sending - desk.campaigns)
        if quiet:
            for campaign_id in await self._in_thread(self._ledger.finish, quiet, utc_now()):
                log.info("campaign_finished", campaign=campaign_id)
                self._sending.discard(campaign_id)
        if self._only is not None:
            await self._look_whether_drained(self._only)

    async def _replay(self) -> None:
        """Take over what dead senders of this host left behind; their journals know more than their leases."""
        folder, plan = self._options.journals, self._options.plan
        await self._in_thread(partial(replay.dead_senders, self._store, folder, plan=plan, now=utc_now()))

    async def _look_whether_drained(self, campaign_id: int) -> None:
        tallies = await self._in_thread(self._ledger.tallies, campaign_id)
        self._progress(tallies)
        waiting = tallies[DeliveryState.QUEUED] + tallies[DeliveryState.CLAIMED]
        if not self._desk.is_empty or self._unsettled:
            return
        if not waiting or campaign_id not in self._sending:
            self._done = True
        elif not tallies[DeliveryState.CLAIMED]:
            held = await self._in_thread(self._ledger.held_until, campaign_id, self._glanced())
            self._done = held is not None and self._desk.is_empty

    # -- the end

    async def _leave(self, leaving: asyncio.Task[None]) -> None:
        """Let what is on its way end, give the rest back, write all of it down."""
        desk = self._desk
        if self._under_way is not None:
            with suppress(StoreError):
                self._take_over(await self._under_way, 0.0)
        desk.close()
        deadline = boot_clock() + GRACE_SECONDS
        while not leaving.done() and not desk.is_idle and boot_clock() < deadline:
            await asyncio.wait([leaving], timeout=0.05)
        await asyncio.wait([leaving], timeout=0.5)
        leaving.cancel()
        await asyncio.wait([leaving])
        desk.close()
        desk.leave_behind()
        await self._write_down()

    async def _write_down(self) -> None:
        """The last page, with some patience for a database that is busy."""
        self._unsettled += self._desk.results()
        for pause in (0.2, 0.5, 1.0, 0.0):
            begun = boot_clock()
            try:
                turn = await self._in_thread(self._ledger.turn, self._unsettled, 0, utc_now())
            except StoreError as error:
                log.error("books_closed_at_the_end", unsettled=len(self._unsettled), why=error.message)
                await asyncio.sleep(pause)
            else:
                self._watch_me.turned(self._unsettled, boot_clock() - begun)
                self._take_over(turn, 0.0)
                break
        if self._risen:
            with suppress(StoreError):
                await self._in_thread(self._watermark.rise)
        if self._only is not None:
            with suppress(StoreError):
                await self._in_thread(self._ledger.finish, [self._only], utc_now())

    async def _in_thread(self, act: Callable[..., T], *facts: Any, **more: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(act, *facts, **more))


def _tell_pace(change: Change) -> None:
    if change.rate is None:
        log.info("provider_recovered", provider=change.provider)
    elif change.before is None or change.rate < change.before:
        log.warning("provider_slowed", provider=change.provider, per_second=f"{change.rate:.3g}")
