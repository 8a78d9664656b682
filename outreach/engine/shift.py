"""How do claimed deliveries leave, and how is it written down? Claim, splice, send, settle, over and over.

The transport runs in the event loop, the store in one thread beside it, and between them stands the desk. Outcomes are
committed about every 40 ms, together with the next claim; what happens in between is on record in the journal. What
cannot be written down is not sent: while the database is away, or the journal has no room, no body begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from outreach.engine.aside import Aside
from outreach.engine.desk import Desk, boot_clock, utc_now
from outreach.engine.journal import Journal
from outreach.engine.ledger import Ledger, Turn
from outreach.engine.letters import Letters
from outreach.engine.lookout import Lookout, Progress, tell_pace
from outreach.engine.options import SenderOptions
from outreach.engine.record import Record
from outreach.errors import StoreError
from outreach.log import Log
from outreach.store.claims import LARGEST
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState
from outreach.store.settlements import Result
from outreach.store.tempo import Tidings
from outreach.tracking.token import TokenMaker
from outreach.transport.base import Outcome, Transport

log = Log("outreach.sender")

#: Seconds between two transactions while there is work, and between two looks at an empty queue.
BATCH_SECONDS = 0.04
IDLE_SECONDS = 0.2
#: How long what is on its way may take to end when the sender is to stop.
GRACE_SECONDS = 7.0
#: The longest wait before a database that is away is tried again.
LONGEST_PAUSE = 5.0


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
            handles=options.handles,
            sign=options.sign,
        )
        self._store = store
        self._transport = transport
        self._options = options
        self._ledger = Ledger(store, letters, lease=options.lease, only=only, limits=options.limits)
        self._desk = Desk(letters, plan=options.plan)
        self._lease = options.lease.total_seconds()
        self._watch_me = options.watch
        self._only = only
        self._aside = Aside()
        self._lookout = Lookout(store, self._aside, self._ledger, self._desk, options, only=only, progress=progress)
        self._unsettled: list[Result] = []
        self._under_way: asyncio.Future[Turn] | None = None
        self._record = Record(Journal(None))
        self._troubles = 0
        self._found = True
        #: Whether the last claim got all that it asked for.
        self._plenty = False
        self._look_at = self._renew_at = 0.0

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
            self._aside.close()
            raise
        leaving = asyncio.create_task(self._transport.run(desk, desk.begin, self._report, patience=patience))
        try:
            while not (self._lookout.done or stopped.done() or leaving.done()):
                await self._pause(stopped, leaving)
                await self._keep_books(stopped)
        finally:
            stopped.cancel()
            try:
                await self._leave(leaving)
            finally:
                self._record.close()
                self._aside.close()
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
                await self._lookout.require()
                installation = await self._aside(self._ledger.installation)
                self._record = Record(Journal(self._options.journals, installation))
                self._record.require_room()
                await self._lookout.replay()
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
        await self._lookout.look(now, all_settled=not self._unsettled)
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
            self._aside(self._ledger.turn, self._unsettled, limit, utc_now(), token=token, renew=renew, tidings=tidings)
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
        if turn.claimed:
            self._lookout.claimed()
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
            self._lookout.hurry()

    def _keep_pace(self, turn: Turn) -> None:
        """What a turn says about relays and providers."""
        if turn.at is not None and self._options.ways is not None:
            for name, waits in turn.permits.items():
                self._options.ways.permit(name, [turn.at + wait for wait in waits])
        for change in turn.changes:
            tell_pace(change)

    async def _claim_limit(self, now: float) -> int:
        """How many to claim; where the last look found nothing, a look that takes no lock comes first."""
        room = self._desk.room()
        if not room or self._found or now < self._look_at:
            return room if self._found else 0
        self._look_at = now + IDLE_SECONDS
        return room if await self._aside(self._ledger.claimable, utc_now(), self._glanced()) else 0

    def _glanced(self) -> Tidings:
        ways = self._options.ways
        return Tidings() if ways is None else Tidings(ways=ways.in_use())

    def _leases_to_renew(self, now: float) -> Mapping[int, str]:
        if now < self._renew_at:
            return {}
        self._renew_at = now + self._lease / 4
        return self._desk.on_their_way()

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
                turn = await self._aside(self._ledger.turn, self._unsettled, 0, utc_now())
            except StoreError as error:
                log.error("books_closed_at_the_end", unsettled=len(self._unsettled), why=error.message)
                await asyncio.sleep(pause)
            else:
                self._watch_me.turned(self._unsettled, boot_clock() - begun)
                self._take_over(turn, 0.0)
                break
        await self._lookout.end()
