"""Senders work, and are killed again and again, until so many have died; the last one finishes, and the books are read.

A life is a sender process with its death planned: at a named point (`points`), or by this process when the server has
accepted so many messages. After each death the books are looked at, and another sender takes the place.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing import forkserver
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from outreach.engine import records
from outreach.store.claims import LARGEST
from tests.cluster import free_port
from tests.crash import aiowitness, victim, witness
from tests.crash.audit import Audit
from tests.crash.faults import Plan
from tests.crash.installation import Installation
from tests.crash.points import BEFALLEN, DEATHS, MISHAPS, POINTS, Per
from tests.crash.record import Record
from tests.crash.victim import Order

#: Deaths that this process brings about, besides those at named points.
RANDOM, STARTING, STOPPING = "random", "starting", "stopping"
#: What befalls a sender that is killed at random afterwards: the relay goes away; it is told to end, and does.
RELAY_AWAY, TOLD_TO_END = "relay-away", "told-to-end"
#: Only where leases are short: it is frozen until its lease has run out, and wakes; it dies and its journal is lost.
FROZEN, JOURNAL_LOST = "frozen", "journal-lost"

_DEADLY = {*DEATHS, RANDOM, STARTING, STOPPING, FROZEN, JOURNAL_LOST}
USUAL = (*DEATHS, RANDOM, RANDOM, RANDOM, STARTING, STOPPING, *MISHAPS, RELAY_AWAY, TOLD_TO_END)
WITH_SHORT_LEASES = (FROZEN, JOURNAL_LOST, RANDOM, "claim-committed", "settle-uncommitted", "reply-recorded")

#: Seconds that a sender may take to end when it is told to.
TO_END = 10.0
#: Seconds without a message after which nothing is going on.
STALLED = 60.0
#: The smallest file of a journal that holds the largest claim.
SMALL_SEGMENT = records.HEAD_BYTES + 4 * records.CLAIM_BYTES + LARGEST * records.MESSAGE_BYTES + 4096

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.crash.victim", "tests.crash.witness", "tests.crash.aiowitness"])
_ROOT = str(Path(__file__).parents[2])


def _ready_to_fork() -> None:
    """Start the process that senders are forked from, where it does not run; it has to find the same outreach."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([_ROOT, *([before] if before else [])])
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


@dataclass(frozen=True)
class Wanted:
    """What is to be done."""

    #: Senders that end, nearly all of them by SIGKILL.
    rounds: int
    people: int
    senders: int = 1
    seed: int = 1
    #: The URL of an empty PostgreSQL database; None makes an SQLite file.
    database: str | None = None
    #: What befalls the senders, gone through again and again, each time in another order.
    fates: tuple[str, ...] = USUAL
    #: Otherwise in the order in which they stand there.
    shuffled: bool = True
    #: How many of all connections fail.
    faults: float = 0.0
    #: Whether the relay refuses some people.
    refuses: bool = True
    #: The server: our own, or aiosmtpd.
    aiosmtpd: bool = False
    #: A short lease, which a sender can outlive.
    lease: timedelta | None = None
    sabotage: tuple[str, ...] = ()
    #: Told a line now and then.
    tell: Callable[[str], object] = field(default=lambda _: None)


@dataclass
class Life:
    """A sender at work."""

    name: str
    fate: str
    process: ForkServerProcess
    pid: int
    since: float
    #: What happens to it next, at how many accepted messages, or at what time.
    at_messages: float = float("inf")
    at_time: float = float("inf")
    then: Callable[[], None] = field(default=lambda: None)
    #: When it was told to end.
    told_at: float | None = None
    #: Whether it was killed from here.
    killed: bool = False


class Trial:
    """One run of the crash test."""

    def __init__(self, wanted: Wanted, folder: Path) -> None:
        self.wanted = wanted
        self._folder = folder
        self._random = random.Random(wanted.seed)
        self._lives: dict[int, Life] = {}
        self._names = 0
        self._fates: list[str] = []
        #: What befell, and how often.
        self.kills: Counter[str] = Counter()
        #: Points that were not reached: that sender was killed at random instead.
        self.unreached: Counter[str] = Counter()
        #: What befell without a death.
        self.befell: Counter[str] = Counter()
        self.slowest_end = 0.0

    def run(self) -> dict[str, Any]:
        """Do all of it; the figures, and under ``violations`` everything that is wrong."""
        begun = time.monotonic()
        self._folder.mkdir(parents=True, exist_ok=True)
        _ready_to_fork()
        with self._relay() as (port, self._control):
            home = self._folder / "home"
            self._house = Installation(home, self.wanted.people, relay=port, database=self.wanted.database)
            self._record = Record(self._folder / "record", self._house.delivery_of)
            leases_last = self.wanted.lease is None
            self._audit = Audit(self._house, self._record, leases_last=leases_last, refuses=self.wanted.refuses)
            try:
                self._house.launch()
                self._kill_and_kill_again()
                self._finish()
                look = self._audit.end()
                return self._told(time.monotonic() - begun, self._audit.figures(look))
            finally:
                for life in self._lives.values():
                    self._kill(life)
                    life.process.join()
                self._record.close()
                self._house.close()

    # -- the stretch in which they die

    def _kill_and_kill_again(self) -> None:
        moved_at, seen = time.monotonic(), 0
        while self._ended() < self.wanted.rounds:
            while len(self._lives) < self.wanted.senders:
                self._start(self._next_fate())
            wait(list(self._lives), timeout=0.02)
            total, now = self._record.read().total, time.monotonic()
            if total > seen or any(life.since > moved_at for life in self._lives.values()):
                moved_at, seen = now, total
            for sentinel, life in list(self._lives.items()):
                if not life.process.is_alive():
                    del self._lives[sentinel]
                    self._died(life)
                elif total >= life.at_messages or now >= life.at_time:
                    life.at_messages = life.at_time = float("inf")
                    life.then()
            if now - moved_at > 1.0 and not self._house.left():
                self._house.launch()
                moved_at = now
            if now - moved_at > STALLED:
                self._audit.complain("stalled", f"nothing for {STALLED:.0f} s; the log is {self._folder / 'log'}")
                return

    def _ended(self) -> int:
        return sum(self.kills.values()) + self.befell[TOLD_TO_END]

    def _start(self, fate: str) -> Life:
        self._names += 1
        name, wanted = f"s{self._names}", self.wanted
        armed = fate in POINTS
        order = Order(
            environment=self._house.environment(name),
            log=self._folder / "log",
            point=fate if armed else None,
            passage=self._passage(fate) if armed else 1,
            lease=wanted.lease,
            expire=0.3 if wanted.lease else None,
            segment_bytes=SMALL_SEGMENT if self._wants_new_files(fate) else None,
            sabotage=wanted.sabotage,
        )
        process = _processes.Process(target=victim.work, args=(order,), daemon=True)
        process.start()
        life = Life(f"{name}.clinic.example", fate, process, process.pid or 0, time.monotonic())
        self._lives[process.sentinel] = life
        self._plan(life)
        return life

    def _plan(self, life: Life) -> None:
        """Say what happens to a sender, besides what stands in its orders."""
        span = self._per_life() * self.wanted.senders
        life.at_messages = self._record.total + self._random.uniform(0, 2 * span)
        fate = life.fate
        if fate in DEATHS:
            # It dies by itself; where it does not come to its point, it is killed.
            life.at_messages = self._record.total + 6 * span + 100
            life.at_time = life.since + (3.0 if POINTS[fate].per is Per.REPLAY else 15.0)
            life.then = lambda: self._give_up(life)
        elif fate == STARTING:
            life.at_messages, life.at_time = float("inf"), life.since + self._random.uniform(0.0, 0.2)
            life.then = lambda: self._kill(life)
        elif fate in {STOPPING, TOLD_TO_END}:
            life.then = lambda: self._tell_to_end(life)
        elif fate == RELAY_AWAY:
            life.then = lambda: self._take_relay_away(life)
        elif fate == FROZEN:
            life.then = lambda: self._freeze(life)
        else:
            life.then = lambda: self._kill(life)

    def _died(self, life: Life) -> None:
        life.process.join()
        code = life.process.exitcode
        life.process.close()
        if code == -signal.SIGKILL:
            self.kills[life.fate if life.fate in _DEADLY else RANDOM] += 1
            if life.fate == JOURNAL_LOST:
                self._lose_journals(life)
        elif life.fate == TOLD_TO_END and life.told_at is not None and code == 0:
            self.befell[TOLD_TO_END] += 1
            self.slowest_end = max(self.slowest_end, time.monotonic() - life.told_at)
        elif life.fate == STOPPING and code == 0:
            self.befell["stopped before it was killed"] += 1
        else:
            self._audit.complain("ended by itself", f"{life.name} ({life.fate}) with exit code {code}")
        look = self._audit.look(life.name)
        done = self._ended()
        if done % max(1, self.wanted.rounds // 20) == 0:
            states = " ".join(f"{state}={n}" for state, n in look.tallies.items() if n)
            self.wanted.tell(f"{done} ended, accepted {len(self._record.accepted):,}: {states}")

    # -- what befalls

    def _kill(self, life: Life) -> None:
        life.killed = True
        life.process.kill()

    def _give_up(self, life: Life) -> None:
        """It does not come to its point: a death at random, then."""
        self.unreached[life.fate] += 1
        life.fate = RANDOM
        self._kill(life)

    def _tell_to_end(self, life: Life) -> None:
        if not self._is_at_work(life):
            life.at_time = time.monotonic() + 0.02
            return
        life.told_at = time.monotonic()
        life.process.terminate()
        life.at_time = life.told_at + (self._random.uniform(0, 0.3) if life.fate == STOPPING else TO_END)
        life.then = lambda: self._kill(life)

    def _take_relay_away(self, life: Life) -> None:
        """The relay is gone for a moment; its connections are reset."""
        self.befell[RELAY_AWAY] += 1
        self._order("down")
        time.sleep(self._random.uniform(0.05, 0.5))
        self._order("up")
        life.at_time, life.then = time.monotonic() + 2.0, lambda: self._kill(life)

    def _freeze(self, life: Life) -> None:
        assert self.wanted.lease is not None
        os.kill(life.pid, signal.SIGSTOP)
        life.at_time = time.monotonic() + 2 * self.wanted.lease.total_seconds() + 1.0
        life.then = lambda: self._wake(life)

    def _wake(self, life: Life) -> None:
        os.kill(life.pid, signal.SIGCONT)
        self.befell["frozen past its lease, and woken"] += 1
        life.at_time, life.then = time.monotonic() + 1.0, lambda: self._kill(life)

    def _lose_journals(self, life: Life) -> None:
        """The disk with what it wrote is gone; what another sender has read already is read."""
        for path in self._house.journals.glob("*.journal"):
            if path.name.startswith(f"{life.pid}-"):
                path.unlink(missing_ok=True)
                self.befell[JOURNAL_LOST] += 1

    # -- the end

    def _finish(self) -> None:
        """Whoever still lives is killed too; one more sender does what is left, and ends when it is told to."""
        for sentinel, life in list(self._lives.items()):
            self._kill(life)
            life.process.join()
            del self._lives[sentinel]
            life.fate = RANDOM
            self._died(life)
        life = self._start("none")
        life.at_messages = float("inf")
        self._await(lambda: not life.process.is_alive() or (self._is_alone(life) and self._house.finished()))
        if not life.process.is_alive():
            self._audit.complain("ended by itself", f"the last sender with exit code {life.process.exitcode}")
        life.told_at = time.monotonic()
        life.process.terminate()
        life.process.join(TO_END)
        if life.process.exitcode != 0:
            self._audit.complain("did not end", f"the last sender: exit code {life.process.exitcode}")
        self.slowest_end = max(self.slowest_end, time.monotonic() - life.told_at)
        self._await(lambda: not self._record.open)

    def _is_at_work(self, life: Life) -> bool:
        """Whether it has begun its journal: it has opened the installation then, and heeds signals."""
        return any(self._house.journals.glob(f"{life.pid}-*.journal"))

    def _is_alone(self, life: Life) -> bool:
        """Whether it is at work, has taken over what the dead left, and nothing is to do."""
        journals = [path.name.partition("-")[0] for path in self._house.journals.glob("*.journal")]
        return set(journals) == {str(life.pid)} and not self._house.left()

    def _await(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds; no longer than nothing happens."""
        moved_at, seen = time.monotonic(), -1
        while not condition():
            time.sleep(0.1)
            total = self._record.read().total
            if total > seen:
                moved_at, seen = time.monotonic(), total
            if time.monotonic() - moved_at > STALLED:
                self._audit.complain("stalled", f"{self._house.left()} deliveries are left, and nothing happens")
                return

    # -- chance

    def _next_fate(self) -> str:
        if not self._fates:
            self._fates = list(self.wanted.fates)
            if self.wanted.shuffled:
                self._random.shuffle(self._fates)
        return self._fates.pop(0)

    def _per_life(self) -> float:
        """Messages that a sender sends in its life, on the average."""
        return max(1.0, 0.8 * self.wanted.people / self.wanted.rounds)

    def _passage(self, fate: str) -> int:
        per = POINTS[fate].per
        if fate in MISHAPS:
            return self._random.randint(1, 3)
        most = {Per.MESSAGE: 2 * self._per_life(), Per.TURN: self._per_life() / 50, Per.FILE: 3.0, Per.REPLAY: 1.0}[per]
        return self._random.randint(1, max(1, int(most)))

    def _wants_new_files(self, fate: str) -> bool:
        return (fate in POINTS and POINTS[fate].per is Per.FILE) or self._random.random() < 0.3

    # -- the server

    @contextmanager
    def _relay(self) -> Iterator[tuple[int, Any]]:
        ours, theirs = _processes.Pipe()
        port, wanted = free_port(), self.wanted
        plan = Plan(wanted.seed, wanted.faults) if wanted.faults else None
        serve = aiowitness.serve if wanted.aiosmtpd else witness.serve
        facts = (self._folder / "record", theirs, plan, wanted.refuses, port)
        server = _processes.Process(target=serve, args=facts, daemon=True)
        server.start()
        theirs.close()
        try:
            if ours.recv() != "up":
                sys.exit("the server did not start")
            yield port, ours
        finally:
            ours.close()
            server.join(5)
            if server.is_alive():
                server.kill()
                server.join()
            server.close()

    def _order(self, order: str) -> None:
        self._control.send(order)
        assert self._control.recv() == order

    def _told(self, seconds: float, figures: dict[str, Any]) -> dict[str, Any]:
        wanted = self.wanted
        lines = (self._folder / "log").read_text().splitlines()
        self.befell.update(line.removeprefix(BEFALLEN) for line in lines if line.startswith(BEFALLEN))
        return {
            "database": "postgresql" if wanted.database else "sqlite",
            "seed": wanted.seed,
            "senders": wanted.senders,
            "kills": sum(self.kills.values()),
            "kills_by_point": dict(sorted(self.kills.items())),
            "not_reached": dict(self.unreached),
            "befell": dict(self.befell),
            **figures,
            "slowest_end_seconds": round(self.slowest_end, 2),
            "seconds": round(seconds, 1),
            "violations": self._audit.violations,
        }
