"""How fast may messages leave?"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PERIODS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(s|sec|second|m|min|minute|h|hour|d|day)")


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


class Bucket:
    """A token bucket: how many messages may leave now, and when the next may.

    Holds the tokens of `burst` seconds at most, so that a pause is not made up for by a flood. Times are seconds of any
    clock that only goes forward.
    """

    __slots__ = ("_at", "_most", "_rate", "_tokens")

    def __init__(self, rate: Rate, *, now: float, burst: float = 1.0) -> None:
        self._rate = rate.per_second
        self._most = max(1.0, self._rate * burst)
        self._tokens = min(1.0, self._most)
        self._at = now

    def take(self, now: float) -> bool:
        """Take one token; whether there was one."""
        if self.available(now) < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def put_back(self) -> None:
        """Return a token that was not used after all."""
        self._tokens = min(self._most, self._tokens + 1.0)

    def available(self, now: float) -> float:
        """How many tokens there are."""
        if now > self._at:
            self._tokens = min(self._most, self._tokens + (now - self._at) * self._rate)
            self._at = now
        # What adding up many small shares loses must not make the last one wait for ever.
        return self._tokens + 1e-9

    def ahead(self, now: float, seconds: float) -> float:
        """How many tokens there will be in so many seconds if none is taken."""
        return min(self._most, self.available(now) + seconds * self._rate)

    def wait(self, now: float, count: float = 1.0) -> float:
        """How many seconds until `count` tokens are there (at most as many as the bucket holds)."""
        return max(0.0, (min(count, self._most) - self.available(now)) / self._rate)
