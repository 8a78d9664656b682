"""When is a deferred delivery tried again, and when is it given up?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """How patiently a message is retried."""

    #: The wait after the first attempt.
    first: timedelta = timedelta(minutes=5)
    #: The longest wait between two attempts.
    longest: timedelta = timedelta(hours=4)
    #: How long after the first attempt a message is given up.
    deadline: timedelta = timedelta(days=2)


def next_attempt(attempts: int, *, first_at: datetime, now: datetime, plan: RetryPlan) -> datetime | None:
    """When to try a deferred delivery again; None means give up.

    The wait doubles from `plan.first` up to `plan.longest` (RFC 5321, 4.5.4.1). The last attempt falls on the
    deadline. `attempts` counts those made, the one that was just deferred among them; `first_at` is when the first
    was made.
    """
    deadline = first_at + plan.deadline
    if now >= deadline:
        return None
    first = max(plan.first, timedelta(seconds=1))
    doublings = max(attempts, 1) - 1
    # Compared as numbers of doublings, for the wait itself would soon be longer than a timedelta can hold.
    grown = plan.longest if 2.0 ** min(doublings, 1000) >= plan.longest / first else first * 2**doublings
    return min(now + max(first, grown), deadline)
