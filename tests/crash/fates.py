"""What befalls a sender? Its fuse goes off inside it (`points`), or it is killed, frozen or told to end from here."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from outreach.engine import records
from outreach.store.claims import LARGEST
from tests.crash.installation import Installation
from tests.crash.points import DEATHS, FREEZES, MISHAPS, POINTS, Per
from tests.crash.record import Record
from tests.crash.relay import Relay
from tests.crash.victim import Order
from tests.crash.wanted import FROZEN, JOURNAL_LOST, RANDOM, RELAY_AWAY, STARTING, STOPPING, TOLD_TO_END, Wanted

#: Fates that a death is counted under; whoever had another died at random.
DEADLY = {*DEATHS, RANDOM, STARTING, STOPPING, FROZEN, JOURNAL_LOST}
WOKEN = "frozen past its lease, and woken"
#: Seconds that a sender may take to end when it is told to.
TO_END = 10.0

_NEVER = float("inf")
#: The smallest file of a journal that holds the largest claim.
_SMALL_SEGMENT = records.HEAD_BYTES + 4 * records.CLAIM_BYTES + LARGEST * records.MESSAGE_BYTES + 4096


@dataclass
class Life:
    """A sender at work."""

    #: As it greets the relay.
    name: str
    fate: str
    process: ForkServerProcess
    pid: int
    since: float
    #: What happens to it next, at how many accepted messages, or at what time.
    at_messages: float = _NEVER
    at_time: float = _NEVER
    then: Callable[[], None] = field(default=lambda: None)
    #: When it was told to end.
    told_at: float | None = None

    def is_due(self, accepted: int, now: float) -> bool:
        """Whether what happens next happens now."""
        return accepted >= self.at_messages or now >= self.at_time

    def befall(self) -> None:
        """Let it happen; it plans what comes after it."""
        self.at_messages = self.at_time = _NEVER
        self.then()


class Fates:
    """Plans and brings about what befalls the senders of one trial."""

    def __init__(self, wanted: Wanted, house: Installation, record: Record, relay: Relay) -> None:
        self._wanted = wanted
        self._house = house
        self._record = record
        self._relay = relay
        self._random = random.Random(wanted.seed)
        self._next: list[str] = []
        #: What befell without a death.
        self.befell: Counter[str] = Counter()
        #: Points that were not reached: that sender was killed at random instead.
        self.unreached: Counter[str] = Counter()

    def next(self) -> str:
        """The fate of the next sender."""
        if not self._next:
            self._next = list(self._wanted.fates)
            if self._wanted.shuffled:
                self._random.shuffle(self._next)
        return self._next.pop(0)

    def order(self, fate: str | None, name: str, folder: Path) -> Order:
        """What a sender gets along on its way."""
        wanted, chance = self._wanted, self._random
        point = fate if fate in POINTS else chance.choice(FREEZES) if fate == FROZEN else None
        new_files = point is not None and POINTS[point].per is Per.FILE
        return Order(
            environment=self._house.environment(name),
            folder=folder,
            point=point,
            passage=self._passage(point, soon=fate == FROZEN) if point else 1,
            freezes=fate == FROZEN,
            lease=wanted.lease,
            expire=0.3 if wanted.lease else None,
            segment_bytes=_SMALL_SEGMENT if new_files or chance.random() < 0.3 else None,
            sabotage=wanted.sabotage,
        )

    def plan(self, life: Life) -> None:
        """Say what happens to a sender, besides what stands in its orders."""
        span, accepted = self._wanted.per_life * self._wanted.senders, self._record.total
        fate = life.fate
        if fate in DEATHS:
            # It dies by itself; where it does not come to its point, it is killed.
            patience = 5.0 if POINTS[fate].per is Per.REPLAY else 20.0
            life.at_messages, life.at_time = accepted + 6 * span + 100, life.since + patience
            life.then = lambda: self._give_up(life)
        elif fate == STARTING:
            life.at_time, life.then = life.since + self._random.uniform(0.0, 0.2), life.process.kill
        elif fate == FROZEN:
            life.at_time, life.then = life.since, lambda: self._look_whether_frozen(life)
        else:
            life.at_messages = accepted + self._random.uniform(0, 2 * span)
            life.then = self._later(life)

    def lose_journals(self, life: Life) -> None:
        """The disk with what it wrote is gone; what another sender has read already is read."""
        for path in self._house.journals.glob(f"{life.pid}-*.journal"):
            path.unlink(missing_ok=True)
            self.befell[JOURNAL_LOST] += 1

    def _later(self, life: Life) -> Callable[[], None]:
        if life.fate in {STOPPING, TOLD_TO_END}:
            return lambda: self._tell_to_end(life)
        if life.fate == RELAY_AWAY:
            return lambda: self._take_relay_away(life)
        return life.process.kill

    def _give_up(self, life: Life) -> None:
        self.unreached[life.fate] += 1
        life.fate = RANDOM
        life.process.kill()

    def _tell_to_end(self, life: Life) -> None:
        if not any(self._house.journals.glob(f"{life.pid}-*.journal")):
            life.at_time = time.monotonic() + 0.02  # it has not begun to work, and may not heed signals yet
            return
        life.told_at = time.monotonic()
        life.process.terminate()
        life.at_time = life.told_at + (self._random.uniform(0, 0.3) if life.fate == STOPPING else TO_END)
        life.then = life.process.kill

    def _take_relay_away(self, life: Life) -> None:
        """The relay is gone for a moment; its connections are reset."""
        self.befell[RELAY_AWAY] += 1
        self._relay.order("down")
        time.sleep(self._random.uniform(0.05, 0.5))
        self._relay.order("up")
        life.at_time, life.then = time.monotonic() + 2.0, life.process.kill

    def _look_whether_frozen(self, life: Life) -> None:
        """It freezes at its point, or after some time wherever it is; and sleeps longer than its lease lasts."""
        assert self._wanted.lease is not None
        now = time.monotonic()
        state = Path(f"/proc/{life.pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state != "T" and now - life.since < 5.0:
            life.at_time = now + 0.02
            return
        self.befell["frozen at its point" if state == "T" else "frozen anywhere"] += 1
        os.kill(life.pid, signal.SIGSTOP)
        life.at_time = now + 2 * self._wanted.lease.total_seconds() + 1.0
        life.then = lambda: self._wake(life)

    def _wake(self, life: Life) -> None:
        os.kill(life.pid, signal.SIGCONT)
        self.befell[WOKEN] += 1
        life.at_time, life.then = time.monotonic() + 1.0, life.process.kill

    def _passage(self, point: str, *, soon: bool) -> int:
        per, each = POINTS[point].per, self._wanted.per_life
        if soon or point in MISHAPS:
            return self._random.randint(1, 50 if per is Per.MESSAGE else 3)
        most = {Per.MESSAGE: 2 * each, Per.TURN: each / 50, Per.FILE: 3.0, Per.REPLAY: 1.0}[per]
        return self._random.randint(1, max(1, int(most)))
