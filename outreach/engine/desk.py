"""What does a sender have in its hands? Messages claimed, messages on their way, and outcomes not yet written down.

It stands between the store's thread and the transport: it is the transport's source, gives the word before each body,
and turns each outcome into a result. Both are on record in the journal before they are acted upon. Everything here
happens in the sender's event loop.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from outreach.engine import outcomes
from outreach.engine.bench import Bench
from outreach.engine.journal import Page
from outreach.engine.letters import Letters
from outreach.engine.notes import Notes
from outreach.errors import OutreachError
from outreach.log import Log
from outreach.replies.smtp import Stage
from outreach.store.claims import LARGEST, Claimed
from outreach.store.deliveries import DeliveryState
from outreach.store.settlements import Result
from outreach.timing.retry import RetryPlan
from outreach.transport.base import Outcome, Outgoing

log = Log("outreach.sender")

#: What is claimed is begun within so many seconds, or given back: a person who leaves, and a campaign that is paused,
#: are looked at when it is claimed.
STALE_SECONDS = 1.5

#: How many messages wait for the transport: as many as leave in about a second, between these bounds. With room for two
#: claims the next one can be a whole one: a transaction costs more than ten messages, however few it brings.
FEWEST, FIRST, MOST = 4, 32, 2 * LARGEST

#: How many messages may be here whose time is still to come.
MOST_TIMED = 4 * LARGEST


def boot_clock() -> float:
    """Seconds since the machine started, those of a suspended machine among them: a lease runs on while we sleep."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def utc_now() -> datetime:
    """The time of day."""
    return datetime.now(UTC)


@dataclass(slots=True)
class _Lease:
    """A claim: when it was made and until when it is certainly ours, by the boot clock."""

    since: float
    until: float
    #: Where its attempts are on record.
    page: Page
    #: How many of its deliveries are not settled.
    unsettled: int


class Desk:
    """The messages in a sender's hands."""

    def __init__(
        self,
        letters: Letters,
        *,
        plan: RetryPlan,
        clock: Callable[[], float] = boot_clock,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._plan = plan
        self._clock = clock
        self._now = now
        self._waiting: deque[Claimed] = deque()
        #: What may leave at a certain time, the earliest first: time, delivery, what was claimed.
        self._timed: list[tuple[float, int, Claimed]] = []
        #: What the transport has: what was claimed, and the digest of its message.
        self._out: dict[int, tuple[Claimed, bytes]] = {}
        #: What writes the next messages.
        self._bench = Bench(letters)
        self._begun: set[int] = set()
        self._leases: dict[str, _Lease] = {}
        self._results: list[Result] = []
        self._barred: frozenset[int] = frozenset()
        self._waiters: set[asyncio.Future[None]] = set()
        #: How providers answer.
        self.notes = Notes()
        self._closed = False
        #: The books cannot be kept: nothing may leave.
        self.held = False
        self._target = FIRST
        self._taken = False
        #: Set when so much has left that there is room for another claim.
        self.pressing = asyncio.Event()
        #: Set when there is something to write down or to claim.
        self.activity = asyncio.Event()

    # -- for the transport

    def take(self) -> Outgoing | None:
        """The next message that may leave now."""
        self._let_due()
        while self._waiting and not self._closed and not self.held:
            claimed = self._bench.pick(self._waiting)
            if len(self._waiting) <= self._target // 2:
                self.pressing.set()
            outgoing = self._written(claimed)
            if outgoing is not None:
                self._out[claimed.delivery_id] = claimed, outgoing.digest
                self._taken = True
                return outgoing
        self.activity.set()
        return None

    def give_back(self, outgoing: Outgoing) -> None:
        """Put a message back of which nothing has left."""
        self._waiting.appendleft(self._out.pop(outgoing.delivery_id)[0])

    async def ready(self) -> bool:
        """Wait until there is something to take; False when the sender ends."""
        while not self._closed:
            pause = self._pause()
            if pause is not None and pause <= 0:
                return True
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            self.activity.set()
            try:
                await asyncio.wait([waiter], timeout=pause)
            finally:
                self._waiters.discard(waiter)
        return False

    def begin(self, outgoing: Outgoing) -> bool:
        """The word before a body leaves: the lease holds, the books are kept, the campaign still sends."""
        claimed, digest = self._out[outgoing.delivery_id]
        lease = self._leases.get(claimed.claim)
        if self.held or claimed.campaign_id in self._barred or lease is None or self._clock() >= lease.until:
            return False
        lease.page.begin(outgoing.delivery_id, digest)
        self._begun.add(outgoing.delivery_id)
        return True

    def report(self, outcome: Outcome) -> None:
        """What became of a message."""
        (claimed, digest), now = self._out.pop(outcome.delivery_id), self._now()
        self._leases[claimed.claim].page.answered(outcome, now)
        self._begun.discard(outcome.delivery_id)
        self._results.append(outcomes.result(claimed, outcome, plan=self._plan, now=now, digest=digest))
        self.notes.note(claimed.email, outcome)
        self.activity.set()

    # -- for the sender

    def put(
        self, rows: Collection[Claimed], page: Page, *, asked: float, seconds: float, at: float | None = None
    ) -> None:
        """Take what was claimed under a page's token; the lease is ours so many seconds from when it was asked for.

        `at` is the moment from which the rows' waits count.
        """
        if not rows:
            page.close()
            return
        self._leases[page.token] = _Lease(self._clock(), asked + seconds, page, len(rows))
        for claimed in rows:
            if at is None or claimed.wait <= 0:
                self._waiting.append(claimed)
            else:
                heapq.heappush(self._timed, (at + claimed.wait, claimed.delivery_id, claimed))
        # That they were claimed proves that their campaigns send.
        self._barred -= {claimed.campaign_id for claimed in rows}
        self._wake()

    def settled(self, results: Collection[Result]) -> None:
        """These are written down: a claim of which nothing else is open is done with."""
        for token, count in Counter(result.claim for result in results).items():
            lease = self._leases[token]
            lease.unsettled -= count
            if not lease.unsettled:
                lease.page.close()
                del self._leases[token]

    def results(self) -> list[Result]:
        """What is to be written down; the caller keeps it until it is."""
        taken, self._results = self._results, []
        return taken

    def bar(self, campaigns: Collection[int]) -> None:
        """Nothing more of these campaigns begins; what waits of them is given back."""
        self._barred = frozenset(campaigns)
        if campaigns:
            self._hand_back(lambda claimed: claimed.campaign_id in self._barred)

    def sweep(self) -> None:
        """Give back what has waited too long."""
        now = self._clock()
        stale = {token for token, lease in self._leases.items() if now - lease.since > STALE_SECONDS}
        if stale and any(claimed.claim in stale for claimed in self._held()):
            self._target = max(FEWEST, self._target // 2)
            self._hand_back(lambda claimed: claimed.claim in stale)

    def resume(self) -> None:
        """The books are kept again."""
        self.held = False
        self._wake()

    def close(self) -> None:
        """Hand out nothing more, and give back what waits."""
        self._closed = True
        self._hand_back(lambda _: True)
        self._bench.close()
        self._wake()

    def leave_behind(self) -> None:
        """Write down what a transport that was cut off never reported: a doubt where the body had begun."""
        for claimed, _ in list(self._out.values()):
            begun = claimed.delivery_id in self._begun
            self.report(Outcome(claimed.delivery_id, None, Stage.BODY if begun else Stage.MAIL, "the sender stopped"))

    def on_their_way(self) -> Mapping[int, str]:
        """The deliveries that the transport has, with the token of their claim: their leases must not run out."""
        return {claimed.delivery_id: claimed.claim for claimed, _ in self._out.values()}

    def renewed(self, kept: Collection[int], *, asked: float, seconds: float) -> None:
        """The leases of these deliveries were prolonged."""
        for token in {self._out[number][0].claim for number in kept if number in self._out}:
            if token in self._leases:
                self._leases[token].until = asked + seconds

    @property
    def campaigns(self) -> set[int]:
        """The campaigns of which something is in our hands."""
        out = (claimed for claimed, _ in self._out.values())
        return {claimed.campaign_id for claimed in (*self._held(), *out)}

    @property
    def oldest_claim(self) -> float | None:
        """How many seconds ago the oldest claim was made of which something is in our hands."""
        since = min((lease.since for lease in self._leases.values()), default=None)
        return None if since is None else self._clock() - since

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in our hands."""
        return not (self._waiting or self._timed or self._out or self._results)

    @property
    def is_idle(self) -> bool:
        """Whether the transport has nothing of ours."""
        return not self._out

    @property
    def pending(self) -> int:
        """How many results are to be written down."""
        return len(self._results)

    @property
    def is_hungry(self) -> bool:
        """Whether the transport could send more than there is."""
        return bool(self._waiters) and not self._waiting

    def room(self) -> int:
        """How many more to claim: as many as leave within a second, by what the last claims showed."""
        # What has its time later takes no room from what may leave now: it is as much as the limits let go in a second.
        here = len(self._waiting)
        if self._closed or self.held or not (self._waiters or self._out) or here > self._target // 2:
            return 0
        if len(self._timed) >= MOST_TIMED:
            return 0
        if self._taken and not here:
            self._target = min(MOST, self._target * 2)
        self._taken = False
        return min(LARGEST, self._target - here)

    # -- within

    def _written(self, claimed: Claimed) -> Outgoing | None:
        try:
            return self._bench.written(claimed)
        except OutreachError as error:
            why = f"the message cannot be written: {error.message}"
        except Exception as error:
            log.exception("splice_failed", delivery=claimed.delivery_id, campaign=claimed.campaign_id)
            why = f"the message cannot be written: {type(error).__name__}"
        self._results.append(
            Result(claimed.delivery_id, claimed.claim, DeliveryState.FAILED, self._now(), why, attempted=False)
        )
        self.activity.set()
        return None

    def _held(self) -> tuple[Claimed, ...]:
        """What waits here, whether its time has come or not."""
        return (*self._waiting, *(claimed for _, _, claimed in self._timed))

    def _let_due(self) -> None:
        """Let what has its time now join what may leave."""
        now = self._clock() if self._timed else 0.0
        while self._timed and self._timed[0][0] <= now:
            self._waiting.append(heapq.heappop(self._timed)[2])

    def _hand_back(self, which: Callable[[Claimed], bool]) -> None:
        for claimed in filter(which, self._held()):
            back = Result(claimed.delivery_id, claimed.claim, DeliveryState.QUEUED, self._now(), attempted=False)
            self._results.append(back)
        self._waiting = deque(claimed for claimed in self._waiting if not which(claimed))
        self._bench.keep(self._waiting)
        self._timed = [entry for entry in self._timed if not which(entry[2])]
        heapq.heapify(self._timed)
        if self._results:
            self.activity.set()

    def _pause(self) -> float | None:
        """Seconds until there may be something to take; None until there is news."""
        if self.held:
            return None
        if self._waiting:
            return 0.0
        return max(0.0, self._timed[0][0] - self._clock()) if self._timed else None

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
