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
