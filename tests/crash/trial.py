"""Senders work, and are killed again and again, until so many have died; the last one finishes, and the books are read.

A life is a sender process whose end is planned (`fates`). After each death the books are looked at (`audit`), and
another sender takes the place.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from tests.crash import forking, victim
from tests.crash.audit import Audit
from tests.crash.fates import DEADLY, TO_END, Fates, Life
from tests.crash.installation import Installation
from tests.crash.points import BEFALLEN
from tests.crash.record import Record
from tests.crash.relay import Relay
from tests.crash.remains import Remains
from tests.crash.victim import LOG, REMAINS
from tests.crash.wanted import JOURNAL_LOST, RANDOM, STOPPING, TOLD_TO_END, Wanted

#: Seconds without a message after which nothing is going on.
STALLED = 60.0
#: Seconds without a message after which it is looked whether anything is left to send.
QUIET = 1.0
#: What no sender has reason to say here: a part that failed in itself, a database that was restored.
_NEVER_SAID = ("part_failed", "splice_failed", "older than what this host remembers")


class Trial:
    """One run of the crash test."""

    def __init__(self, wanted: Wanted, folder: Path) -> None:
        self._wanted = wanted
        self._folder = folder
        self._lives: dict[int, Life] = {}
        self._names = 0
        #: What they died of.
        self._kills: Counter[str] = Counter()
        self._slowest_end = 0.0

    def run(self) -> dict[str, Any]:
        """Do all of it; the figures, and under ``violations`` everything that is wrong."""
        begun, wanted = time.monotonic(), self._wanted
        self._folder.mkdir(parents=True, exist_ok=True)
        forking.ready()
        with Relay(wanted, self._folder / "record") as relay:
            home = self._folder / "home"
            self._house = Installation(home, wanted.people, relay=relay.port, database=wanted.database)
            self._record = Record(self._folder / "record", self._house.delivery_of)
            self._audit = Audit(
                self._house,
                self._record,
                Remains(self._folder / REMAINS),
                leases_last=wanted.lease is None,
                refuses=wanted.refuses,
            )
            self._fates = Fates(wanted, self._house, self._record, relay)
            try:
                self._house.launch()
                self._kill_and_kill_again()
                self._kill_the_rest()
                self._finish()
                figures = self._audit.figures(self._audit.end())
                return self._told(figures, time.monotonic() - begun)
            finally:
                for life in self._lives.values():
                    life.process.kill()
                    life.process.join()
                self._record.close()
                self._house.close()

    # -- the stretch in which they die

    def _kill_and_kill_again(self) -> None:
        moved_at, seen = time.monotonic(), 0
        while self._ended < self._wanted.rounds:
            while len(self._lives) < self._wanted.senders:
                self._fates.plan(self._start(self._fates.next()))
                moved_at = time.monotonic()
            wait(list(self._lives), timeout=0.02)
            accepted, now = self._record.read().total, time.monotonic()
            for sentinel, life in list(self._lives.items()):
                if not life.process.is_alive():
                    del self._lives[sentinel]
                    self._died(life)
                elif life.is_due(accepted, now):
                    life.befall()
            if accepted > seen:
                moved_at, seen = now, accepted
            elif now - moved_at > STALLED:
                self._audit.complain("stalled", f"nothing for {STALLED:.0f} s; the log is in {self._folder}")
                return
            elif now - moved_at > QUIET and not self._house.left():
                self._house.launch()
                moved_at = now

    @property
    def _ended(self) -> int:
        return sum(self._kills.values()) + self._fates.befell[TOLD_TO_END]

    def _start(self, fate: str) -> Life:
        self._names += 1
        name = f"s{self._names}"
        order = self._fates.order(fate, name, self._folder)
        process = forking.processes.Process(target=victim.work, args=(order,), daemon=True)
        process.start()
        assert process.pid is not None
        life = Life(f"{name}.clinic.example", fate, process, process.pid, time.monotonic())
        self._lives[process.sentinel] = life
        return life

    def _died(self, life: Life) -> None:
        life.process.join()
        code = life.process.exitcode
        life.process.close()
        if code == -signal.SIGKILL:
            self._kills[life.fate if life.fate in DEADLY else RANDOM] += 1
            if life.fate == JOURNAL_LOST:
                self._fates.lose_journals(life)
        elif life.fate == TOLD_TO_END and life.told_at is not None and code == 0:
            self._fates.befell[TOLD_TO_END] += 1
            self._slowest_end = max(self._slowest_end, time.monotonic() - life.told_at)
        elif life.fate == STOPPING and code == 0:
            self._fates.befell["stopped before it was killed"] += 1
        else:
            self._audit.complain("ended by itself", f"{life.name} ({life.fate}) with exit code {code}")
        look = self._audit.look()
        if self._ended % max(1, self._wanted.rounds // 20) == 0:
            states = " ".join(f"{state}={n}" for state, n in look.tallies.items() if n)
            self._wanted.tell(f"{self._ended} ended, accepted {len(self._record.accepted):,}: {states}")

    # -- the end

    def _kill_the_rest(self) -> None:
        for sentinel, life in list(self._lives.items()):
            life.process.kill()
            life.process.join()
            del self._lives[sentinel]
            life.fate = RANDOM
            self._died(life)

    def _finish(self) -> None:
        """One more sender does what is left, and ends when it is told to."""
        life = self._start("")
        self._await(lambda: not life.process.is_alive() or (self._is_alone(life) and self._house.finished()))
        told_at = time.monotonic()
        life.process.terminate()
        life.process.join(TO_END)
        if life.process.exitcode != 0:
            self._audit.complain("did not end", f"the last sender: exit code {life.process.exitcode}")
        self._slowest_end = max(self._slowest_end, time.monotonic() - told_at)
        self._await(lambda: not self._record.open)

    def _is_alone(self, life: Life) -> bool:
        """Whether it is at work, has taken over what the dead left, and nothing is to do."""
        journals = {path.name.partition("-")[0] for path in self._house.journals.glob("*.journal")}
        return journals == {str(life.pid)} and not self._house.left()

    def _await(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds; no longer than nothing happens."""
        moved_at, seen = time.monotonic(), -1
        while not condition():
            time.sleep(0.1)
            accepted = self._record.read().total
            if accepted > seen:
                moved_at, seen = time.monotonic(), accepted
            if time.monotonic() - moved_at > STALLED:
                self._audit.complain("stalled", f"{self._house.left()} deliveries are left, and nothing happens")
                return

    def _told(self, figures: dict[str, Any], seconds: float) -> dict[str, Any]:
        wanted, befell = self._wanted, self._fates.befell
        lines = (self._folder / LOG).read_text().splitlines()
        for line in lines:
            if any(words in line for words in _NEVER_SAID):
                self._audit.complain("said", line)
        befell.update(line.removeprefix(BEFALLEN) for line in lines if line.startswith(BEFALLEN))
        return {
            "database": "postgresql" if wanted.database else "sqlite",
            "seed": wanted.seed,
            "senders": wanted.senders,
            "kills": sum(self._kills.values()),
            "kills_by_point": dict(sorted(self._kills.items())),
            "not_reached": dict(self._fates.unreached),
            "befell": dict(befell),
            **figures,
            "slowest_end_seconds": round(self._slowest_end, 2),
            "seconds": round(seconds, 1),
            "violations": self._audit.violations,
        }
