"""What is left of a minute's, an hour's or a day's allowance, and when does the next one begin?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo

DAY = 86400.0


@dataclass(slots=True)
class Budget:
    """So many messages between two moments (seconds since 1970)."""

    most: int
    began: float
    ends: float
    used: int = 0

    @property
    def left(self) -> int:
        """How many are left."""
        return max(0, self.most - self.used)

    @property
    def is_of_a_day(self) -> bool:
        """Whether what is used up comes back on another day."""
        return self.ends - self.began > DAY / 2


def window(period: float, at: float, zone: tzinfo) -> tuple[float, float]:
    """The begin and end of the window of that many seconds that an instant falls into.

    Days are those of the zone's calendar, the long and the short one of the year among them; shorter windows count
    from 1970.
    """
    if period < DAY:
        began = math.floor(at / period) * period
        return began, began + period
    day = datetime.fromtimestamp(at, zone).date()
    begin = datetime.combine(day, time(), zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    return begin.timestamp(), end.timestamp()
