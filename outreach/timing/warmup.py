"""How many messages may a new sender's domain send today? Providers distrust a stranger who begins with thousands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo


@dataclass(frozen=True, slots=True)
class WarmUp:
    """What may leave on each day since a domain first sent; afterwards there is no limit."""

    #: Messages: the first day's, the second's ...
    days: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> WarmUp:
        """A plan as people write it: `50,100,500,1000,5000,10000`; raises ValueError saying what would be right."""
        parts = [part.strip() for part in text.split(",")]
        if not all(part.isascii() and part.isdigit() and int(part) for part in parts):
            raise ValueError(f"{text!r} is not a plan; write the messages of each day, such as 50,100,500,1000,5000")
        return cls(tuple(map(int, parts)))

    def allowed(self, first_at: datetime, now: datetime, zone: tzinfo) -> int | None:
        """How many may leave on the day of `now`, by the zone's calendar; None: the plan is fulfilled."""
        day = (now.astimezone(zone).date() - first_at.astimezone(zone).date()).days
        return self.days[max(0, day)] if day < len(self.days) else None

    def __str__(self) -> str:
        return ",".join(map(str, self.days))
