"""How fast may messages leave? Rates as people write them, and a meter that keeps to them exactly.

A meter knows when the next message may leave (the "theoretical arrival time" of GCRA, the generic cell rate algorithm
of ITU-T I.371) and what is left of its budgets. It is a value that lies in the database between two looks, so that all
senders keep to one rate together.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from outreach.timing.budget import Budget

_PERIODS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(s|sec|second|m|min|minute|h|hour|d|day)")

#: A message is given its time at most so many seconds ahead: who leaves, and what is paused, is looked at then.
AHEAD = 1.0

#: So many seconds that were not used are made up for: enough for a late look, too little for a flood after a pause.
CATCH_UP = 0.1

#: As many as anybody asks for: what is not limited.
PLENTY = 1 << 40


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` messages in `period` seconds."""

    #: Messages.
    count: float
    #: Seconds.
    period: float

    @classmethod
    def parse(cls, text: str) -> Rate:
        """A rate as people write it: `50/s`, `3000/m`, `10000/h`, `50000/d`.

        Raises ValueError saying what would be right.
        """
        match = _RATE.fullmatch(text.strip().lower())
        if not match or float(match[1]) <= 0:
            raise ValueError(f"{text!r} is not a rate; write messages per unit of time, such as 50/s or 10000/h")
        return cls(float(match[1]), _PERIODS[match[2][0]])

    @property
    def per_second(self) -> float:
        """Messages per second."""
        return self.count / self.period

    def __str__(self) -> str:
        unit = next((unit for unit, period in _PERIODS.items() if period == self.period), f"{self.period:g}s")
        return f"{self.count:g}/{unit}"


@dataclass(frozen=True, slots=True)
class Limit:
    """One rate that messages are spread by, and coarser ones beside it: budgets of a minute, an hour or a day."""

    spread: Rate
    budgets: tuple[Rate, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Limit:
        """Rates of different units, the finest of which spreads: `50/s`, `10000/h`, `50/s, 10000/d`.

        Raises ValueError saying what would be right.
        """
        rates = sorted((Rate.parse(part) for part in text.split(",")), key=lambda rate: rate.period)
        if len({rate.period for rate in rates}) < len(rates):
            raise ValueError(f"{text!r} has two rates of one unit; write rates of different units: 50/s,10000/d")
        if any(rate.count < 1 for rate in rates[1:]):
            raise ValueError(f"{text!r} has a budget of less than one message; write whole messages, such as 10000/d")
        return cls(rates[0], tuple(rates[1:]))

    def __str__(self) -> str:
        return ",".join(map(str, (self.spread, *self.budgets)))


class Meter:
    """How many messages of one kind may be given their time now, and which time that is.

    Times are seconds since 1970 by one clock that all who share the meter read.
    """

    __slots__ = ("_at", "budgets", "interval", "next_at")

    def __init__(self, interval: float | None, *, next_at: float, at: float, budgets: Sequence[Budget] = ()) -> None:
        #: Seconds between two messages; None spreads nothing.
        self.interval = interval
        self.budgets = budgets
        self._at = at
        # Never further ahead than a reservation can have set it: else a clock that was set back, or a rate that was
        # raised, would be waited for.
        latest = at + AHEAD + (interval or 0.0)
        #: When the next message may leave.
        self.next_at = min(max(next_at, at - CATCH_UP), latest)

    def open(self) -> int:
        """How many may be given their time now."""
        most = min((budget.left for budget in self.budgets), default=PLENTY)
        if self.interval is None:
            return most
        # What adding up many small shares loses must not make the last one wait.
        slots = math.floor((self._at + AHEAD - self.next_at) / self.interval + 1e-3) + 1
        return max(0, min(most, slots))

    def take(self) -> float:
        """Give one message its time; in how many seconds that is."""
        for budget in self.budgets:
            budget.used += 1
        if self.interval is None:
            return 0.0
        wait = max(0.0, self.next_at - self._at)
        self.next_at += self.interval
        return wait

    def opens_in(self) -> float:
        """In how many seconds the next message can be given its time."""
        waits = [budget.ends - self._at for budget in self.budgets if not budget.left]
        if self.interval is not None:
            waits.append(self.next_at - AHEAD - self._at)
        return max([0.0, *waits])
