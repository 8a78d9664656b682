"""How fast does a campaign go, how long will it take, and why does it stand still? From looks at its counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from outreach.timing import duration
from outreach.timing.pace import Rate

#: Seconds over which the rate is averaged.
WINDOW = 10.0
#: Seconds without any movement after which a campaign stands still.
STILL = 5.0


@dataclass(frozen=True, slots=True)
class Look:
    """A campaign's counts at one moment."""

    #: Seconds of a clock that only goes forward.
    at: float
    #: Whether the campaign is sending.
    sending: bool
    #: Deliveries that have come to their end: sent, failed, bounced or unknown.
    settled: int
    queued: int
    claimed: int
    deferred: int

    @property
    def waiting(self) -> int:
        """What may leave now: queued, or in a sender's hands."""
        return self.queued + self.claimed


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a trail of looks says."""

    #: Messages a second over the last seconds; None where it is not known yet.
    rate: float | None = None
    #: How long until nothing waits; None where that cannot be said.
    left: timedelta | None = None
    #: Seconds for which nothing has moved.
    still: float = 0.0


def trail(looks: tuple[Look, ...], look: Look) -> tuple[Look, ...]:
    """The looks that a forecast is made from, with one more at the end.

    It begins anew where an average would mix what does not belong together: with a pause, and where counts or the
    clock jump back (failed deliveries were queued again, the machine slept).
    """
    if not look.sending:
        return ()
    if looks and (look.at <= looks[-1].at or look.settled < looks[-1].settled):
        return (look,)
    kept = tuple(each for each in looks[:-1] if each.at >= look.at - WINDOW)
    return (*kept, *looks[-1:], look)


def forecast(looks: tuple[Look, ...]) -> Forecast:
    """Rate and time left, averaged over the trail."""
    if len(looks) < 2:
        return Forecast()
    first, last = looks[0], looks[-1]
    seconds = last.at - first.at
    # What is put off was tried as well; what comes back from there is counted when it is settled.
    tried = last.settled - first.settled + max(0, last.deferred - first.deferred)
    gone = first.waiting - last.waiting
    left = timedelta(seconds=last.waiting * seconds / gone) if last.waiting and gone > 0 else None
    return Forecast(tried / seconds, left, _still(looks))


def explanation(look: Look, found: Forecast, *, next_retry: timedelta | None, limit: Rate | None) -> str | None:
    """Why the campaign goes no faster, where that is known.

    `next_retry` is how long until the first deferred delivery is tried again, `limit` the rate that is allowed.
    """
    if not look.sending:
        return None
    if not look.waiting:
        return _deferred(look, next_retry)
    if found.still >= STILL:
        return _standing(look, found, limit)
    if limit is not None and found.rate is not None and found.rate >= 0.9 * limit.per_second:
        return "as fast as OUTREACH_RATE lets them leave"
    return None


def rate_words(rate: float) -> str:
    """A rate that reads well: `1,234/s`, `7.5/s`, `12/min`, `6/h`."""
    if rate == 0 or rate >= 100:
        return f"{rate:,.0f}/s"
    if rate >= 1:
        return f"{rate:.1f}/s"
    return f"{rate * 60:.0f}/min" if rate * 60 >= 1 else f"{rate * 3600:.0f}/h"


def _still(looks: tuple[Look, ...]) -> float:
    last = looks[-1]
    since = last.at
    for look in reversed(looks):
        if (look.settled, look.queued, look.claimed, look.deferred) != (
            last.settled,
            last.queued,
            last.claimed,
            last.deferred,
        ):
            break
        since = look.at
    return last.at - since


def _deferred(look: Look, next_retry: timedelta | None) -> str | None:
    if not look.deferred or next_retry is None:
        return None
    if next_retry <= timedelta(0):
        return f"{look.deferred:,} were put off by their servers and are due for another try now"
    return f"{look.deferred:,} were put off by their servers; the next try is in {duration.words(next_retry)}"


def _standing(look: Look, found: Forecast, limit: Rate | None) -> str:
    if limit is not None and 1 / limit.per_second > found.still:
        return f"OUTREACH_RATE lets one leave every {duration.words(timedelta(seconds=1 / limit.per_second))}"
    if look.claimed:
        return f"a sender holds {look.claimed:,} and waits for the relay (its log says more)"
    return "no sender takes them: is `outreach run` or `outreach sender` at work, and is its relay there?"
