"""By which relay does a message leave? Each takes its share by weight; the share of one that is away is the others'."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from outreach.timing.pace import Limit

#: A permit that was not used within so many seconds after its time is void: nothing floods after a halt.
VOID_AFTER = 1.0


@dataclass(frozen=True, slots=True)
class Way:
    """A relay as the pace knows it."""

    #: HOST:PORT.
    name: str
    #: Its share beside that of the others; 0: only while all others are away.
    weight: int = 1
    limit: Limit | None = None


class Shares:
    """Who is next, where several take by their weights: each has a tag that grows by 1/weight with what it takes."""

    def __init__(self) -> None:
        self._tags: dict[str, float] = {}

    def next(self, among: Collection[Way]) -> Way:
        """The one that lags behind most."""
        return min(among, key=lambda way: (self._tag(way), way.name))

    def lead(self, way: Way, among: Collection[Way]) -> float:
        """How far it is ahead of who lags behind most, in units of a message of weight one."""
        return self._tag(way) - min((self._tag(other) for other in among), default=self._tag(way))

    def serve(self, way: Way) -> None:
        """It took a message."""
        self._tags[way.name] = self._tag(way) + 1.0 / max(1, way.weight)

    def catch_up(self, way: Way, among: Collection[Way]) -> None:
        """What it could not take while the others did is not made up for."""
        level = min((self._tag(other) for other in among), default=0.0)
        self._tags[way.name] = max(self._tag(way), level)

    def _tag(self, way: Way) -> float:
        return self._tags.get(way.name, 0.0)


@dataclass(slots=True)
class _Post:
    """What is known of one way at this moment."""

    way: Way
    away: bool = False
    #: When messages may leave by it; only where it has a limit.
    permits: deque[float] = field(default_factory=deque)
    #: Permits that became void.
    void: int = 0


class Ways:
    """Which relays are there now, and what each may still send: what the fleet and the books tell each other.

    Times are seconds of any clock that only goes forward. Belongs to one event loop.
    """

    def __init__(self, ways: Iterable[Way]) -> None:
        self._posts = {way.name: _Post(way) for way in ways}

    def set_away(self, name: str, away: bool) -> None:
        """A relay went away, or came back."""
        self._posts[name].away = away

    def is_away(self, name: str) -> bool:
        """Whether it is away."""
        return self._posts[name].away

    def in_use(self) -> tuple[Way, ...]:
        """The ways that take messages now: those with a weight that are there, else those that stand by.

        While all are away, those that would be tried first.
        """
        ways = [post.way for post in self._posts.values() if not post.away]
        first = [way for way in ways if way.weight] or ways
        return tuple(first or [post.way for post in self._posts.values() if post.way.weight] or self._all())

    def permit(self, name: str, times: Iterable[float]) -> None:
        """These are the times at which messages may leave by that way."""
        self._posts[name].permits.extend(times)

    def wait(self, name: str, now: float) -> float | None:
        """In how many seconds a message may leave by that way: 0 is now; None: when there is a new permit."""
        post = self._posts[name]
        if post.way.limit is None:
            return 0.0
        while post.permits and post.permits[0] < now - VOID_AFTER:
            post.permits.popleft()
            post.void += 1
        return max(0.0, post.permits[0] - now) if post.permits else None

    def use(self, name: str) -> None:
        """A message leaves by that way."""
        if self._posts[name].permits:
            self._posts[name].permits.popleft()

    def put_back(self, name: str, now: float) -> None:
        """A message did not leave by that way after all."""
        if self._posts[name].way.limit is not None:
            self._posts[name].permits.appendleft(now)

    def unused(self) -> dict[str, int]:
        """How many permits of each way became void since this was asked last."""
        found = {name: post.void for name, post in self._posts.items() if post.void}
        for name in found:
            self._posts[name].void = 0
        return found

    def _all(self) -> list[Way]:
        return [post.way for post in self._posts.values()]
