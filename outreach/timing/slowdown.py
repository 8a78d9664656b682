"""When does a provider ask us to slow down, to what pace, and how does it become faster again?

Deferrals that speak of load or policy (421, 451, 452, 4.7.x) halve the pace at which the provider was seen to accept;
every stretch without one raises it by half, until the pace of before is reached and the provider is left alone again.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Answers are looked at in stretches of so many seconds; a storm of refusals is acted upon after a shorter one.
STRETCH, SHORTEST = 5.0, 1.0
#: So many refusals are a storm.
STORM = 20
#: A provider that is at its own pace is slowed when so many were put off, and so large a share of the answers.
MANY, LARGE = 5, 0.1
#: One that is slowed already becomes slower still from this share on.
STILL_LARGE = 0.2

DOWN, UP = 0.5, 1.5
#: Messages a second: never slower than this, for an answer is what tells that it is over.
SLOWEST = 1 / 60
#: After so many seconds without an answer the past says nothing any more.
QUIET = 3600.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What a provider's answers were in a stretch of time."""

    accepted: int = 0
    put_off: int = 0
    #: How long the stretch was.
    seconds: float = 0.0

    @property
    def answers(self) -> int:
        """All of them."""
        return self.accepted + self.put_off

    @property
    def share(self) -> float:
        """The share of those that were put off."""
        return self.put_off / self.answers if self.answers else 0.0


@dataclass(frozen=True, slots=True)
class Slowdown:
    """The pace that a provider is held to."""

    #: Messages a second; None: its own.
    rate: float | None = None
    #: The pace at which it began to put off.
    before: float | None = None


def is_enough(seen: Seen) -> bool:
    """Whether a stretch is long enough to judge by."""
    if seen.seconds >= QUIET:
        return True
    return seen.answers > 0 and (seen.seconds >= STRETCH or (seen.put_off >= STORM and seen.seconds >= SHORTEST))


def judged(held: Slowdown, seen: Seen) -> Slowdown:
    """The pace after a stretch."""
    if seen.seconds >= QUIET:
        return Slowdown()
    if _is_too_fast(held, seen):
        return _slower(held, seen)
    if held.rate is None or seen.put_off:
        return held
    faster = held.rate * UP
    return Slowdown() if held.before is None or faster >= held.before else Slowdown(faster, held.before)


def _is_too_fast(held: Slowdown, seen: Seen) -> bool:
    if held.rate is None:
        return seen.put_off >= MANY and seen.share >= LARGE
    return seen.share >= STILL_LARGE


def _slower(held: Slowdown, seen: Seen) -> Slowdown:
    seconds = max(seen.seconds, SHORTEST)
    tried = seen.answers / seconds
    # Nothing at all was accepted: the pace that it bears is somewhere far below.
    borne = seen.accepted / seconds or tried * DOWN
    rate = min(borne, tried if held.rate is None else held.rate) * DOWN
    return Slowdown(max(SLOWEST, rate), held.before or tried)
